//! The thread that writes.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use midibay_plugin::{Counters, DropReason, Event, Health, Host, Level, Property};
use rtrb::Consumer;

use super::take::Take;
use super::{Item, Shared};
use crate::assemble::{Assembler, Left};
use crate::failure::io_text;

/// How long a recorded event may stay off the disk.
const FLUSH: Duration = Duration::from_secs(1);
/// How many bytes may.
const FULL: usize = 256 << 10;

/// Where the messages go.
pub(super) enum Sink {
    /// Into Standard MIDI Files, one after the other.
    Takes { path: PathBuf, permissions: u32, take: Option<Take> },
    /// Into one file, as they are.
    Bytes { path: PathBuf, file: File, buffer: Vec<u8> },
}

impl Sink {
    fn path(&self) -> &std::path::Path {
        match self {
            Self::Takes { take: Some(take), .. } => &take.path,
            Self::Takes { path, .. } | Self::Bytes { path, .. } => path,
        }
    }

    fn message(&mut self, time: u64, bytes: &[u8]) {
        match self {
            // A beat of the clock or a sign of life says nothing about music in a file that has times.
            Self::Takes { .. } if matches!(bytes, [0xF8 | 0xFE, ..]) => {}
            Self::Takes { take: Some(take), .. } => take.message(time, bytes),
            Self::Takes { .. } => {}
            Self::Bytes { buffer, .. } => buffer.extend_from_slice(bytes),
        }
    }

    fn waiting(&self) -> usize {
        match self {
            Self::Takes { take, .. } => take.as_ref().map_or(0, Take::waiting),
            Self::Bytes { buffer, .. } => buffer.len(),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Takes { take, .. } => take.as_mut().map_or(Ok(()), Take::flush),
            Self::Bytes { file, buffer, .. } => {
                let done = file.write_all(buffer);
                buffer.clear();
                done
            }
        }
    }
}

pub(super) struct Writer {
    host: Host,
    ring: Consumer<Item>,
    shared: Arc<Shared>,
    sink: Sink,
    assembler: Assembler,
    flushed: Instant,
    events: i64,
    /// The file could not be written when that was last tried.
    failed: bool,
    state: Property,
    path: Property,
    count: Property,
}

impl Writer {
    pub(super) fn new(host: Host, ring: Consumer<Item>, shared: Arc<Shared>, sink: Sink) -> Self {
        let (state, path, count) = (host.property("state"), host.property("path"), host.property("events"));
        let assembler = Assembler::default();
        let flushed = Instant::now();
        let writer = Self {
            host,
            ring,
            shared,
            sink,
            assembler,
            flushed,
            events: 0,
            failed: false,
            state,
            path,
            count,
        };
        writer.show();
        writer
    }

    fn show(&self) {
        let state = match &self.sink {
            _ if self.failed => "failed",
            Sink::Takes { take: Some(_), .. } => "recording",
            Sink::Takes { .. } => "stopped",
            Sink::Bytes { .. } => "open",
        };
        self.path.set_text(&self.sink.path().to_string_lossy());
        self.count.set_int(self.events);
        self.state.set_text(state);
    }

    pub(super) fn run(mut self) {
        loop {
            // Before the ring is emptied: what was pushed before the exit is written.
            let exit = self.shared.exit.load(Ordering::Acquire);
            let before = self.events;
            while let Ok(item) = self.ring.pop() {
                self.take(item);
                if self.sink.waiting() >= FULL {
                    self.flush();
                }
            }
            if self.is_due() || exit {
                self.flush();
            }
            if self.events != before {
                self.count.set_int(self.events);
            }
            if exit {
                return self.end();
            }
            self.shared.asleep.store(true, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            if self.ring.is_empty() && !self.shared.exit.load(Ordering::Acquire) {
                match self.sink.waiting() {
                    0 => std::thread::park(),
                    _ => std::thread::park_timeout(FLUSH.saturating_sub(self.flushed.elapsed())),
                }
            }
            self.shared.asleep.store(false, Ordering::Relaxed);
        }
    }

    /// A recording that failed stays ended; plain bytes are tried again with every event.
    fn is_open(&self) -> bool {
        !matches!(self.sink, Sink::Takes { take: None, .. })
    }

    fn is_due(&self) -> bool {
        let at_once = matches!(self.sink, Sink::Bytes { .. });
        self.sink.waiting() > 0 && (at_once || self.flushed.elapsed() >= FLUSH)
    }

    fn take(&mut self, item: Item) {
        match item {
            Item::Event(event) if self.is_open() => self.event(&event),
            Item::Event(_) => self.host.dropped(DropReason::Unavailable, 1),
            Item::Gone(source) => self.broken(source),
            Item::Start(now) => self.begin(now),
            Item::Stop => {
                self.flush();
                self.end();
            }
        }
    }

    fn event(&mut self, event: &Event) {
        let Self { assembler, sink, events, host, .. } = self;
        let done = assembler.push(event, |bytes| {
            sink.message(event.time, bytes);
            *events += 1;
            Counters::add(&host.counters().bytes_sent, bytes.len() as u64);
        });
        if let Err(left) = done {
            let reason = match left {
                Left::TooMuch => DropReason::Overflow,
                Left::Broken => DropReason::Malformed,
                Left::NoBytes => DropReason::Unsupported,
            };
            self.host.dropped(reason, 1);
        }
    }

    fn broken(&mut self, source: u32) {
        let broken = self.assembler.forget(source);
        self.host.dropped(DropReason::Malformed, broken);
    }

    fn begin(&mut self, now: u64) {
        let Sink::Takes { path, permissions, take } = &mut self.sink else { return };
        match Take::create(path, *permissions, now) {
            Ok(new) => {
                *take = Some(new);
                self.events = 0;
                self.failed = false;
                self.host.health(Health::Ok, "");
                self.show();
            }
            Err(text) => self.fail(&text),
        }
    }

    fn flush(&mut self) {
        self.flushed = Instant::now();
        let tried = self.sink.waiting() > 0;
        match self.sink.flush() {
            Err(e) => {
                let text = io_text("write to", self.sink.path(), &e);
                self.fail(&text);
            }
            Ok(()) if tried && self.failed => {
                self.failed = false;
                self.host.health(Health::Ok, "");
                self.show();
            }
            Ok(()) => {}
        }
    }

    fn end(&mut self) {
        let broken = self.assembler.clear();
        self.host.dropped(DropReason::Malformed, broken);
        self.show();
        if let Sink::Takes { take, .. } = &mut self.sink {
            *take = None;
            if !self.failed {
                self.state.set_text("stopped");
            }
        }
    }

    fn fail(&mut self, text: &str) {
        if !self.failed {
            self.host.log(Level::Error, text);
        }
        self.failed = true;
        if let Sink::Takes { take, .. } = &mut self.sink {
            *take = None;
        }
        self.host.health(Health::Failed, text);
        self.state.set_text("failed");
    }
}
