//! The picture for a pipe: a line a second.

use std::fmt::Write;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};

use midibay::Status;

use super::rates::{Rates, time};
use crate::failure::Failure;
use crate::output;

/// Writes the lines, on a thread of its own: a reader that is stalled (`| less`) stops the lines and
/// nothing else.
pub(crate) struct Plain {
    rates: Rates,
    lines: SyncSender<String>,
}

impl Plain {
    /// Starts it.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start() -> Result<Self, Failure> {
        let (lines, written) = sync_channel::<String>(4);
        let write = move || {
            for line in written {
                if output::text(&line).is_err() {
                    return;
                }
            }
        };
        match std::thread::Builder::new().name("lines".into()).spawn(write) {
            Ok(_) => Ok(Self { rates: Rates::default(), lines }),
            Err(error) => Err(Failure::new(format!("the lines cannot be written: {error}"))),
        }
    }

    /// Writes how everything is, unless the reader is behind.
    ///
    /// # Errors
    /// Nobody reads any more.
    pub(crate) fn write(&mut self, statuses: &[Status]) -> Result<(), Failure> {
        let line = self.line(statuses);
        match self.lines.try_send(line) {
            Err(TrySendError::Disconnected(_)) => Err(Failure::new("nobody reads the lines any more")),
            Ok(()) | Err(TrySendError::Full(_)) => Ok(()),
        }
    }

    /// How everything is, in one line, ended by a line feed.
    fn line(&mut self, statuses: &[Status]) -> String {
        self.rates.take(statuses);
        let uptime = statuses.iter().map(|status| status.uptime).fold(0.0, f64::max);
        let mut line = format!("{uptime:.0} s");
        for status in statuses {
            for node in &status.nodes {
                let (into, out) = self.rates.of(&status.name, node);
                let name = if statuses.len() > 1 {
                    format!("{}/{}", status.name, node.name)
                } else {
                    node.name.clone()
                };
                let _ = write!(line, " | {name} {}", node.health);
                let _ =
                    write!(line, " in {} ({into:.0}/s) out {} ({out:.0}/s)", node.events_in, node.events_out);
                let drops: u64 = node.drops.values().sum();
                if drops > 0 {
                    let _ = write!(line, " dropped {drops}");
                }
                if node.latency.count > 0 {
                    let _ = write!(line, " p99 {}", time(node.latency.p99));
                }
            }
        }
        line.push('\n');
        line
    }
}
