//! Bytes through FIFOs, serial lines and raw MIDI devices, on the engine's thread. What may block,
//! opening and closing, is done by a thread (`opener`).

mod open;
mod opener;

use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::{Duration, Instant};

use midibay_plugin::{Counters, DropReason, Event, Health, Host, NodeError, Out, Property, Readiness, Ready};
use midibay_ump::{ByteParser, ByteWriter, MAX_BYTES, OutQueue, SysexMerger};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::config::{Direction, Raw};
use open::{Opened, Spec, What};
use opener::Opener;

/// How many events can wait for a slow device.
const QUEUE: usize = 1024;
/// How many can wait for the end of another source's SysEx, and how long, ns.
const MERGER: usize = 1024;
const SYSEX_TIMEOUT: u64 = 2_000_000_000;
/// How far a serial line's own buffer is filled ahead of what it has sent, ns. More would only be delay:
/// what waits here can still be thinned.
const AHEAD: u64 = 20_000_000;
/// How many bytes go to the device at once: 20 ms of a MIDI cable.
const CHUNK: usize = 64;
/// How long `stop` waits for the device to take what is left.
const LAST_WORDS: Duration = Duration::from_secs(1);
const KEY: u32 = 0;

/// Makes a FIFO with these permissions whatever the umask says.
pub(crate) fn make_fifo(path: &Path, permissions: u32) -> std::io::Result<()> {
    mkfifo(path, permissions)?;
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(permissions))
}

#[cfg(not(target_vendor = "apple"))]
fn mkfifo(path: &Path, permissions: u32) -> std::io::Result<()> {
    let mode = rustix::fs::Mode::from_raw_mode(permissions as rustix::fs::RawMode);
    Ok(rustix::fs::mkfifoat(rustix::fs::CWD, path, mode)?)
}

/// Apple has it under its oldest name only.
#[cfg(target_vendor = "apple")]
fn mkfifo(path: &Path, permissions: u32) -> std::io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: `path` is a C string that lives through the call.
    match unsafe { libc::mkfifo(path.as_ptr(), permissions as libc::mode_t) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// A node whose other side is a FIFO or a device.
pub(crate) struct Stream {
    host: Host,
    state: Property,
    opener: Opener,
    direction: Direction,
    io: Option<Opened>,
    watched: Option<Readiness>,
    /// The group of events that come in, 0-15.
    group_in: u8,
    /// The one group that goes out, 0-15, or all.
    group_out: Option<u8>,
    parser: ByteParser,
    merger: SysexMerger,
    queue: OutQueue,
    /// What the merger and the queue had left out when that was last counted.
    overflowed: u64,
    /// Parse errors when they were last counted.
    malformed: u64,
    writer: ByteWriter,
    chunk: Chunk,
    /// How long a byte takes on a serial line, ns; 0 elsewhere.
    per_byte: u64,
    /// When the line will have sent what it was given.
    line_free: u64,
}

/// Bytes on their way to the device.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    sent: usize,
}

impl Stream {
    /// `[main]`
    pub(crate) fn new(options: Raw, host: Host) -> Result<Self, NodeError> {
        let direction = options.direction;
        let (state, path) = (host.property("state"), host.property("path"));
        path.set_text(&options.path.to_string_lossy());
        let spec = Spec { path: options.path, direction, baud: options.baud };
        let first = match open::open(&spec) {
            Ok(opened) => Some(opened),
            Err(open::Failure::Never(text)) => return Err(NodeError::fatal(text)),
            Err(open::Failure::Later(_)) => None,
        };
        let opener = Opener::start(spec, host.clone())
            .map_err(|e| NodeError::retry(format!("cannot start a thread to open it: {e}")))?;
        let mut stream = Self {
            host,
            state,
            opener,
            direction,
            io: None,
            watched: None,
            group_in: options.group.unwrap_or(0),
            group_out: options.group,
            parser: ByteParser::new(),
            merger: SysexMerger::new(MERGER, SYSEX_TIMEOUT),
            queue: OutQueue::new(QUEUE),
            overflowed: 0,
            malformed: 0,
            writer: ByteWriter::new(),
            chunk: Chunk { bytes: Vec::with_capacity(CHUNK), sent: 0 },
            per_byte: 0,
            line_free: 0,
        };
        stream.state.set_text("waiting");
        match first {
            Some(opened) => stream.install(opened).map_err(NodeError::fatal)?,
            None => stream.opener.ask(None),
        }
        Ok(stream)
    }

    fn reads(&self) -> bool {
        self.direction != Direction::Out
    }

    fn writes(&self) -> bool {
        self.direction != Direction::In
    }

    /// Starts to use what was opened.
    fn install(&mut self, opened: Opened) -> Result<(), &'static str> {
        let interest = if self.reads() { Readiness::READ } else { Readiness::NONE };
        self.watched = match self.host.watch(opened.fd.as_raw_fd(), KEY, interest) {
            Ok(()) => Some(interest),
            // Something that is only written to, and always takes what it is given, like /dev/null.
            Err(_) if !self.reads() => None,
            Err(_) => return Err("one cannot wait for this device to say something; use another"),
        };
        self.per_byte = match opened.what {
            What::Serial { baud } => 10_000_000_000 / u64::from(baud),
            _ => 0,
        };
        self.io = Some(opened);
        self.state.set_text("open");
        self.host.health(Health::Ok, "");
        Ok(())
    }

    /// `[engine]`
    pub(crate) fn ready(&mut self, ready: Ready, now: u64, out: &mut Out) {
        match ready {
            Ready::Woken => {
                if self.io.is_none()
                    && let Some(opened) = self.opener.opened()
                    && let Err(text) = self.install(opened)
                {
                    self.host.health(Health::Failed, text);
                }
            }
            Ready::Io { readiness, .. } => {
                if readiness.readable() && self.reads() {
                    self.read(now, out);
                } else if readiness.readable() {
                    // It is not watched for that: there is nobody at the other side any more.
                    return self.lost(now, out);
                }
                if readiness.writable() && self.writes() {
                    self.flush(now, out);
                }
            }
        }
    }

    fn read(&mut self, now: u64, out: &mut Out) {
        let Some(io) = &self.io else { return };
        // At most some 300 messages; what is left makes it ready again.
        let mut bytes = [0; 1024];
        match rustix::io::read(&io.fd, &mut bytes) {
            Ok(0) => self.lost(now, out),
            Ok(length) => {
                let group = self.group_in;
                self.parser.parse(group, &bytes[..length], |ump| out.push(Event::new(now, ump)));
                Counters::add(&self.host.counters().bytes_received, length as u64);
                self.count_malformed();
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => self.lost(now, out),
        }
    }

    fn count_malformed(&mut self) {
        let total = self.parser.errors().total();
        if total > self.malformed {
            self.host.dropped(DropReason::Malformed, total - self.malformed);
            self.malformed = total;
        }
    }

    /// `[engine]`
    pub(crate) fn send(&mut self, events: &[Event], now: u64, out: &mut Out) {
        let group = self.group_out;
        let mine = events.iter().filter(|event| group.is_none_or(|group| event.ump.group() == group));
        if self.io.is_none() {
            return self.host.dropped(DropReason::Unavailable, mine.count() as u64);
        }
        let Self { merger, queue, .. } = self;
        for event in mine {
            merger.push(now, *event, |event| queue.push(event));
        }
        self.settle(now, out);
    }

    /// `[engine]`
    pub(crate) fn tick(&mut self, now: u64, out: &mut Out) {
        let Self { merger, queue, .. } = self;
        merger.tick(now, |event| queue.push(event));
        self.settle(now, out);
    }

    /// `[engine]`
    pub(crate) fn source_lost(&mut self, source: u32, now: u64, out: &mut Out) {
        let Self { merger, queue, .. } = self;
        merger.vanished(now, source, |event| queue.push(event));
        self.settle(now, out);
    }

    fn settle(&mut self, now: u64, out: &mut Out) {
        let overflowed = self.queue.counts().total() + self.merger.overload().total();
        if overflowed > self.overflowed {
            self.host.dropped(DropReason::Overflow, overflowed - self.overflowed);
            self.overflowed = overflowed;
        }
        if let Some(deadline) = self.merger.deadline() {
            out.wake_at(deadline);
        }
        self.flush(now, out);
    }

    /// Fills the chunk from the queue. Says whether there is something to send.
    fn fill(&mut self) -> bool {
        let Chunk { bytes, sent } = &mut self.chunk;
        if *sent < bytes.len() {
            return true;
        }
        bytes.clear();
        *sent = 0;
        while bytes.len() + MAX_BYTES <= CHUNK
            && let Some(event) = self.queue.pop()
        {
            let mut message = [0; MAX_BYTES];
            // There is always room for one message.
            match self.writer.write(&event.ump, &mut message).unwrap_or(0) {
                0 if event.ump.message_type() != 0 => self.host.dropped(DropReason::Unsupported, 1),
                length => bytes.extend_from_slice(&message[..length]),
            }
        }
        !bytes.is_empty()
    }

    /// Gives the device what it takes.
    fn flush(&mut self, now: u64, out: &mut Out) {
        let mut full = false;
        while self.io.is_some() && self.fill() {
            if self.line_free > now + AHEAD {
                out.wake_at(self.line_free - AHEAD);
                break;
            }
            match self.write() {
                Ok(written) => {
                    self.line_free = self.line_free.max(now) + written as u64 * self.per_byte;
                }
                Err(Errno::AGAIN) => {
                    full = true;
                    break;
                }
                Err(Errno::INTR) => {}
                Err(_) => return self.lost(now, out),
            }
        }
        self.watch_room(full);
    }

    fn write(&mut self) -> Result<usize, Errno> {
        let Some(io) = &self.io else { return Err(Errno::PIPE) };
        let written = rustix::io::write(&io.fd, &self.chunk.bytes[self.chunk.sent..])?;
        self.chunk.sent += written;
        Counters::add(&self.host.counters().bytes_sent, written as u64);
        Ok(written)
    }

    /// Watches for room, or stops to.
    fn watch_room(&mut self, full: bool) {
        let (Some(io), Some(watched)) = (&self.io, self.watched) else { return };
        let interest = Readiness(u8::from(self.reads()) | u8::from(full) << 1);
        if interest != watched && self.host.rewatch(io.fd.as_raw_fd(), KEY, interest).is_ok() {
            self.watched = Some(interest);
        }
    }

    /// The other side is gone: what it held is released, what waits for it is dropped, and the thread
    /// sees when it comes back.
    fn lost(&mut self, now: u64, out: &mut Out) {
        let Some(io) = self.io.take() else { return };
        if self.watched.take().is_some() {
            // It is closed next, whatever the answer.
            let _ = self.host.unwatch(io.fd.as_raw_fd());
        }
        if self.reads() {
            let group = self.group_in;
            self.parser.finish(group, |ump| out.push(Event::new(now, ump)));
            self.count_malformed();
            out.source_lost(0);
        }
        let waiting = self.queue.len() + self.merger.waiting();
        self.host.dropped(DropReason::Unavailable, waiting as u64);
        self.queue.clear();
        self.merger.clear();
        self.writer.reset();
        self.chunk.bytes.clear();
        self.line_free = 0;
        self.state.set_text("waiting");
        self.opener.ask(Some(io));
    }

    /// `[main]`
    pub(crate) fn stop(&mut self) {
        self.say_last_words();
        if let Some(io) = self.io.take()
            && self.watched.take().is_some()
        {
            // It is closed next, whatever the answer.
            let _ = self.host.unwatch(io.fd.as_raw_fd());
        }
        self.opener.stop();
    }

    /// What still waits goes out, notes that were released among it, if the device takes it soon.
    fn say_last_words(&mut self) {
        let deadline = Instant::now() + LAST_WORDS;
        while self.io.is_some() && self.fill() {
            match self.write() {
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() || !self.wait_for_room(left) {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    }

    fn wait_for_room(&self, time: Duration) -> bool {
        let Some(io) = &self.io else { return false };
        let mut fds = [PollFd::new(&io.fd, PollFlags::OUT)];
        let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() };
        poll(&mut fds, Some(&time)).is_ok_and(|ready| ready > 0)
    }
}
