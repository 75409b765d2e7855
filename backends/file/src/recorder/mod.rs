//! Events go into a plain file: the node's side, which hands them to the thread that writes.

mod take;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread::JoinHandle;

use midibay_plugin::{CommandError, DropReason, Event, Host, NodeError, Out};
use midibay_ump::OutQueue;
use rtrb::{Producer, RingBuffer};

use crate::command::{Command, refuse};
use crate::config;
use crate::failure::io_text;
use take::Take;
pub(crate) use take::create_new;
use writer::{Sink, Writer};

/// How many events can be on their way to the thread: a disk may stall for a second or two.
const RING: usize = 16_384;
/// How many more can wait before it by the rules of [`OutQueue`].
const BACKLOG: usize = 4096;
/// How long until a full ring is tried again, ns.
const RETRY: u64 = 5_000_000;

/// What goes to the thread.
enum Item {
    Event(Event),
    /// A source is gone.
    Gone(u32),
    /// Begin a new file; the time that its time counts from.
    Start(u64),
    /// End the file.
    Stop,
}

/// Shared with the thread.
#[derive(Default)]
struct Shared {
    /// The thread sleeps, and must be woken.
    asleep: AtomicBool,
    /// The thread shall finish.
    exit: AtomicBool,
}

/// A node that records, or writes bytes to a plain file.
pub(crate) struct Recorder {
    host: Host,
    ring: Producer<Item>,
    backlog: OutQueue,
    /// What the backlog had left out when that was last counted.
    overflowed: u64,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    group: Option<u8>,
    running: bool,
    /// Whether `start` and `stop` mean something.
    has_takes: bool,
}

impl Recorder {
    /// Records into Standard MIDI Files. `[main]`
    pub(crate) fn record(options: config::Record, host: Host) -> Result<Self, NodeError> {
        let config::Record { path, group, auto, permissions } = options;
        let now = host.now();
        let take = match auto {
            true => Some(Take::create(&path, permissions, now).map_err(NodeError::retry)?),
            false => None,
        };
        Self::start(host, group, auto, Sink::Takes { path, permissions, take })
    }

    /// Writes bytes to a plain file. `[main]`
    pub(crate) fn bytes(options: config::Raw, host: Host) -> Result<Self, NodeError> {
        let append = options.append != Some(false);
        let file = File::options().write(true).append(append).truncate(!append).open(&options.path);
        let file = file.map_err(|e| NodeError::retry(io_text("write to", &options.path, &e)))?;
        Self::start(host, options.group, true, Sink::Bytes { path: options.path, file, buffer: Vec::new() })
    }

    fn start(host: Host, group: Option<u8>, running: bool, sink: Sink) -> Result<Self, NodeError> {
        let (ring, from_node) = RingBuffer::new(RING);
        let shared = Arc::new(Shared::default());
        let has_takes = matches!(sink, Sink::Takes { .. });
        let writer = Writer::new(host.clone(), from_node, Arc::clone(&shared), sink);
        let thread = std::thread::Builder::new()
            .name("midibay-file".into())
            .spawn(move || writer.run())
            .map_err(|e| NodeError::retry(format!("cannot start the thread that writes: {e}")))?;
        let backlog = OutQueue::new(BACKLOG);
        let thread = Some(thread);
        Ok(Self { host, ring, backlog, overflowed: 0, shared, thread, group, running, has_takes })
    }

    /// `[engine]`
    pub(crate) fn send(&mut self, events: &[Event], now: u64, out: &mut Out) {
        if !self.running {
            return;
        }
        self.drain();
        for event in events {
            if self.group.is_some_and(|group| group != event.ump.group()) {
                continue;
            }
            if !self.backlog.is_empty() || self.ring.push(Item::Event(*event)).is_err() {
                self.backlog.push(*event);
            }
        }
        self.settle(now, out);
    }

    /// `[engine]`
    pub(crate) fn tick(&mut self, now: u64, out: &mut Out) {
        self.drain();
        self.settle(now, out);
    }

    /// What waits in the backlog goes on as far as there is room.
    fn drain(&mut self) {
        while !self.ring.is_full()
            && let Some(event) = self.backlog.pop()
        {
            // There is room: nobody else writes.
            let _ = self.ring.push(Item::Event(event));
        }
    }

    fn settle(&mut self, now: u64, out: &mut Out) {
        let overflowed = self.backlog.counts().total();
        if overflowed > self.overflowed {
            self.host.dropped(DropReason::Overflow, overflowed - self.overflowed);
            self.overflowed = overflowed;
        }
        if !self.backlog.is_empty() {
            out.wake_at(now + RETRY);
        }
        self.wake();
    }

    fn wake(&self) {
        // With the fence on the thread's side: either it sees what we pushed, or we see that it sleeps.
        fence(Ordering::SeqCst);
        if self.shared.asleep.swap(false, Ordering::Relaxed)
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
        }
    }

    /// `[engine]`
    pub(crate) fn source_lost(&mut self, source: u32) {
        // A full ring only means that a SysEx which never ended is counted later.
        let _ = self.ring.push(Item::Gone(source));
        self.wake();
    }

    /// `[engine]`
    pub(crate) fn command(&mut self, command: &Command, now: u64) -> Result<(), CommandError> {
        let item = match command {
            Command::Start if self.has_takes && self.running => {
                return Err(CommandError::new("it records already; send stop first for a new file"));
            }
            Command::Start if self.has_takes => Item::Start(now),
            Command::Stop if self.has_takes && !self.running => return Ok(()),
            Command::Stop if self.has_takes => {
                self.drain();
                Item::Stop
            }
            _ if self.has_takes => return Err(refuse("records", "start and stop")),
            _ => return Err(refuse("writes plain bytes", "no command")),
        };
        if !self.backlog.is_empty() || self.ring.push(item).is_err() {
            return Err(CommandError::new("the disk does not follow; send it again in a moment"));
        }
        self.running = matches!(command, Command::Start);
        self.wake();
        Ok(())
    }

    /// Writes what is still on its way, and ends the file. `[main]`
    pub(crate) fn stop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        while !self.backlog.is_empty() && !thread.is_finished() {
            self.drain();
            thread.thread().unpark();
            std::thread::yield_now();
        }
        self.shared.exit.store(true, Ordering::Release);
        thread.thread().unpark();
        // If it panicked there is nothing left to end.
        let _ = thread.join();
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.stop();
    }
}

/// `show.mid` as the `number`th of its kind: `show-2.mid`.
fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}
