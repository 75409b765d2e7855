//! Events as lines.

use std::io::{BufWriter, Stdout, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use midibay_plugin::Event;
use serde_json::json;

use crate::failure::Failure;
use crate::style::{self, Style};
use crate::tap::{self, Place, Side};
use crate::{output, say};

/// Between two looks at what was caught. A person sees no delay, and the processor has nothing to do.
const GLANCE: Duration = Duration::from_millis(10);
/// Between two lines of rates.
const SECOND: Duration = Duration::from_secs(1);

/// Prints what the taps catch, and counts it.
pub(crate) struct Printer {
    taps: Arc<Vec<Place>>,
    out: BufWriter<Stdout>,
    json: bool,
    /// On a terminal the last line says how much passes.
    live: bool,
    style: Style,
    width: usize,
    /// The time of the first event, ns: lines count from there.
    zero: Option<u64>,
    start: Instant,
    counts: Vec<Count>,
    total: u64,
    told_lost: u64,
    rates: String,
}

#[derive(Clone, Copy, Default)]
struct Count {
    total: u64,
    second: u64,
}

impl Printer {
    /// For these taps. `live`: there is a terminal whose last line may say how much passes.
    pub(crate) fn new(taps: Arc<Vec<Place>>, json: bool, live: bool) -> Self {
        let names = taps.iter().map(|place| label(place).chars().count());
        Self {
            out: BufWriter::new(std::io::stdout()),
            json,
            live,
            style: style::stdout(),
            width: names.max().unwrap_or(0),
            zero: None,
            start: Instant::now(),
            counts: vec![Count::default(); taps.len()],
            taps,
            total: 0,
            told_lost: 0,
            rates: String::new(),
        }
    }

    /// Prints until `stop` is set or `most` events have been printed, and says how many it were.
    ///
    /// # Errors
    /// As for [`output::text`].
    pub(crate) fn run(mut self, most: Option<u64>, stop: &AtomicBool) -> Result<(), Failure> {
        let mut next = Instant::now() + SECOND;
        loop {
            // Looked at first, so that what came before it was set is printed.
            let last = stop.load(Ordering::Acquire);
            if self.drain(most)? || last {
                self.end();
                return Ok(());
            }
            if Instant::now() >= next {
                next += SECOND;
                self.second()?;
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// Prints what was caught since the last time. Whether `most` events have been printed by now.
    fn drain(&mut self, most: Option<u64>) -> Result<bool, Failure> {
        let mut any = false;
        while most.is_none_or(|most| self.total < most) {
            let Some(caught) = tap::next() else { break };
            if !any && self.live {
                self.write(format_args!("\r\x1b[K"))?;
            }
            any = true;
            self.total += 1;
            let count = &mut self.counts[caught.tap as usize];
            count.total += 1;
            count.second += 1;
            self.event(caught.tap, &caught.event)?;
        }
        if any {
            self.show_rates()?;
        }
        Ok(most.is_some_and(|most| self.total >= most))
    }

    fn event(&mut self, tap: u32, event: &Event) -> Result<(), Failure> {
        if self.json {
            let place = &self.taps[tap as usize];
            let words: Vec<String> = event.ump.words().iter().map(|word| format!("{word:08X}")).collect();
            let line = json!({
                "time": event.time, "node": place.node, "port": place.port,
                "side": if place.side == Side::From { "from" } else { "to" },
                "text": event.ump.to_string(), "ump": words.join(" "),
            });
            return self.write(format_args!("{line}\n"));
        }
        let since = event.time.saturating_sub(*self.zero.get_or_insert(event.time));
        let time = format!("{:5}.{:06}", since / 1_000_000_000, since / 1000 % 1_000_000);
        let label = format!("{:width$}", label(&self.taps[tap as usize]), width = self.width);
        let (time, label) = (self.style.faint(&time), self.style.name(&label));
        self.write(format_args!("{time}  {label}  {}\n", event.ump))
    }

    /// A second has passed.
    fn second(&mut self) -> Result<(), Failure> {
        let lost = tap::lost();
        if lost > self.told_lost {
            let text = format!("{} events came too fast to be shown", lost - self.told_lost);
            say::warning(&text, "watch fewer nodes with --on, or put a filter in front");
            self.told_lost = lost;
        }
        if self.live {
            let both = self.taps.iter().zip(&self.counts);
            let rates: Vec<String> =
                both.map(|(place, count)| format!("{} {}/s", label(place), count.second)).collect();
            self.rates = format!("{}  (Ctrl-C ends)", rates.join("   "));
            self.write(format_args!("\r\x1b[K"))?;
        }
        self.counts.iter_mut().for_each(|count| count.second = 0);
        self.show_rates()
    }

    fn show_rates(&mut self) -> Result<(), Failure> {
        if self.live {
            let rates = self.style.faint(&self.rates);
            self.write(format_args!("{rates}"))?;
        }
        self.out.flush().map_err(output::failed)
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) -> Result<(), Failure> {
        self.out.write_fmt(text).map_err(output::failed)
    }

    /// Says how much it was.
    fn end(&mut self) {
        if self.live {
            // The terminal may be gone; then there is nothing to clean up either.
            let _ = self.out.write_all(b"\r\x1b[K").and_then(|()| self.out.flush());
        }
        let seconds = self.start.elapsed().as_secs_f64();
        let rate = self.total as f64 / seconds.max(0.001);
        say::line(&format!(
            "{} events in {seconds:.1} s ({rate:.0}/s), {} not shown",
            self.total,
            tap::lost()
        ));
        if self.taps.len() > 1 {
            for (place, count) in self.taps.iter().zip(&self.counts).filter(|(_, count)| count.total > 0) {
                say::line(&format!("  {}: {}", label(place), count.total));
            }
        }
    }
}

/// `from pads`, `to   show:2`.
fn label(place: &Place) -> String {
    let side = if place.side == Side::From { "from" } else { "to  " };
    let port = if place.port.is_empty() { String::new() } else { format!(":{}", place.port) };
    format!("{side} {}{port}", place.node)
}
