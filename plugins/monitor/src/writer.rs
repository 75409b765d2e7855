//! The thread that writes the lines. It sleeps while there is nothing to write.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use midibay_plugin::{Event, Health, Host, Property};
use rtrb::Consumer;

use crate::config::{Format, Settings, To};
use crate::lines::Lines;

/// Bytes that are written at once.
const CHUNK: usize = 32 * 1024;
/// How long an output that failed is left alone.
const RETRY: Duration = Duration::from_secs(1);
/// How long the end of the program waits for the last lines.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the ring carries, in order.
pub(crate) enum Item {
    Event(Event),
    /// From here on, these count.
    Settings(Box<Settings>),
}

/// What both threads look at.
#[derive(Default)]
pub(crate) struct Shared {
    /// Events that passed but were not shown.
    pub(crate) missed: AtomicU64,
    stop: AtomicBool,
}

/// The node's handle on the thread.
pub(crate) struct Writer {
    thread: Option<JoinHandle<()>>,
    /// Closed by the thread when it ends.
    ended: Receiver<()>,
}

impl Writer {
    /// Starts the thread. [main]
    pub(crate) fn start(ring: Consumer<Item>, shared: Arc<Shared>, host: &Host) -> io::Result<Self> {
        let (ends, ended) = channel();
        let name = host.name();
        let desk = Desk {
            ring,
            shared,
            lines: Lines::new(Format::Text, name.clone(), host.now()),
            start: host.now(),
            sink: Sink::Closed { since: None },
            failed: false,
            to: To::Nothing,
            last: host.property("last"),
            host: host.clone(),
            name: name.clone(),
        };
        let thread = thread::Builder::new().name(format!("monitor {name}")).spawn(move || {
            desk.run();
            drop(ends);
        })?;
        Ok(Self { thread: Some(thread), ended })
    }

    /// There is something in the ring. Does not block: at most it wakes a sleeping thread. [engine]
    pub(crate) fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// Lets the thread write what is in the ring and end. A thread that hangs in a write (a pipe that
    /// nobody reads) is left behind. [main]
    pub(crate) fn stop(&mut self, shared: &Shared) {
        shared.stop.store(true, Ordering::Release);
        self.wake();
        // Nothing is ever sent: the answer is "closed" at its end, or "timed out".
        let timed_out = self.ended.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout);
        if let Some(thread) = self.thread.take()
            && !timed_out
        {
            // A panic in there has been reported by the panic hook.
            let _ = thread.join();
        }
    }
}

/// What the thread works with.
struct Desk {
    ring: Consumer<Item>,
    shared: Arc<Shared>,
    lines: Lines,
    /// The engine's clock when the node started, ns.
    start: u64,
    sink: Sink,
    /// The health says that the output does not work.
    failed: bool,
    to: To,
    last: Property,
    host: Host,
    name: String,
}

enum Sink {
    Open(Box<dyn Write + Send>),
    /// Not opened yet, or it failed then.
    Closed {
        since: Option<Instant>,
    },
}

impl Desk {
    fn run(mut self) {
        let mut text = String::with_capacity(CHUNK);
        loop {
            // Read before the ring: what came before the stop is then written before the end.
            let stop = self.shared.stop.load(Ordering::Acquire);
            self.drain(&mut text);
            if stop {
                return;
            }
            if self.ring.is_empty() {
                thread::park();
            }
        }
    }

    fn drain(&mut self, text: &mut String) {
        let mut last = None;
        let mut lines = 0;
        while let Ok(item) = self.ring.pop() {
            match item {
                Item::Event(event) => {
                    last = Some(event);
                    if self.to != To::Nothing {
                        self.lines.append(&event, text);
                        lines += 1;
                    }
                }
                Item::Settings(settings) => {
                    self.write(text, &mut lines);
                    self.settle(*settings);
                }
            }
            if text.len() >= CHUNK {
                self.write(text, &mut lines);
            }
        }
        self.write(text, &mut lines);
        if let Some(event) = last {
            self.last.set_text(&event.ump.to_string());
        }
    }

    fn settle(&mut self, settings: Settings) {
        let label = settings.label.unwrap_or_else(|| self.name.clone());
        self.lines = Lines::new(settings.format, label, self.start);
        if settings.to != self.to {
            self.to = settings.to;
            self.sink = Sink::Closed { since: None };
            if std::mem::take(&mut self.failed) {
                self.host.health(Health::Ok, "");
            }
            self.open();
        }
    }

    /// Opens the output, if it is not open and did not fail a moment ago.
    fn open(&mut self) {
        let Sink::Closed { since } = &self.sink else { return };
        if since.is_some_and(|since| since.elapsed() < RETRY) {
            return;
        }
        let sink: Box<dyn Write + Send> = match &self.to {
            To::Nothing => return,
            To::Stdout => Box::new(io::stdout()),
            To::Stderr => Box::new(io::stderr()),
            To::File(path) => match open_file(path) {
                Ok(file) => Box::new(file),
                Err(error) => return self.fail(&error),
            },
        };
        self.sink = Sink::Open(sink);
    }

    fn write(&mut self, text: &mut String, lines: &mut u64) {
        if text.is_empty() {
            return;
        }
        self.open();
        let written = match &mut self.sink {
            Sink::Open(sink) => Some(sink.write_all(text.as_bytes()).and_then(|()| sink.flush())),
            Sink::Closed { .. } => None,
        };
        match written {
            Some(Ok(())) => {
                if std::mem::take(&mut self.failed) {
                    self.host.health(Health::Ok, "");
                }
            }
            Some(Err(error)) => {
                self.shared.missed.fetch_add(*lines, Ordering::Relaxed);
                self.fail(&error);
            }
            None => {
                self.shared.missed.fetch_add(*lines, Ordering::Relaxed);
            }
        }
        text.clear();
        *lines = 0;
    }

    fn fail(&mut self, error: &io::Error) {
        self.sink = Sink::Closed { since: Some(Instant::now()) };
        self.failed = true;
        let to = match &self.to {
            To::File(path) => path.display().to_string(),
            To::Stderr => "stderr".into(),
            To::Nothing | To::Stdout => "stdout".into(),
        };
        self.host.health(
            Health::Degraded,
            &format!("cannot write to {to}: {error}; events still pass, only their lines are missing"),
        );
    }
}

fn open_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o644);
    options.open(path)
}
