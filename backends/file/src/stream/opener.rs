//! The thread that opens and closes: both may take their time, and a device that is gone has to be
//! looked for again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use midibay_plugin::{Health, Host, Level, Waker};
use rtrb::{Consumer, Producer, RingBuffer};

use super::open::{Failure, Opened, Spec, What, open};
use crate::config::Direction;

/// How often it looks whether the other side is back.
const RETRY: Duration = Duration::from_millis(200);

/// What was open, to be closed, if anything.
type Request = Option<Opened>;

/// The node's handle on the thread. Between [`Opener::ask`] and the answer the thread says how the node
/// is; at other times the node does.
pub(super) struct Opener {
    requests: Producer<Request>,
    answers: Consumer<Opened>,
    exit: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Opener {
    /// `[main]`
    pub(super) fn start(spec: Spec, host: Host) -> std::io::Result<Self> {
        let (requests, from_node) = RingBuffer::new(2);
        let (to_node, answers) = RingBuffer::new(2);
        let exit = Arc::new(AtomicBool::new(false));
        let name: String = format!("file {}", spec.name()).chars().take(15).collect();
        let waker = host.waker();
        let thread = Thread { spec, host, waker, requests: from_node, answers: to_node, exit: exit.clone() };
        let thread = std::thread::Builder::new().name(name).spawn(move || thread.run())?;
        Ok(Self { requests, answers, exit, thread: Some(thread) })
    }

    /// Asks for what the spec names to be opened, once it can be, and for `old` to be closed. The node is
    /// woken when that is done. At most one question is open at a time. `[main]` `[engine]`
    pub(super) fn ask(&mut self, old: Option<Opened>) {
        // There is room: the last question was answered before this one.
        let _ = self.requests.push(old);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// The answer, if it is there. `[engine]`
    pub(super) fn opened(&mut self) -> Option<Opened> {
        self.answers.pop().ok()
    }

    /// Ends the thread. `[main]`
    pub(super) fn stop(&mut self) {
        self.exit.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // If it panicked there is nothing left to end.
            let _ = thread.join();
        }
    }
}

impl Drop for Opener {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Thread {
    spec: Spec,
    host: Host,
    waker: Waker,
    requests: Consumer<Request>,
    answers: Producer<Opened>,
    exit: Arc<AtomicBool>,
}

impl Thread {
    fn run(mut self) {
        while !self.exit.load(Ordering::Acquire) {
            match self.requests.pop() {
                Ok(old) => self.answer(old),
                Err(_) => std::thread::park(),
            }
        }
    }

    fn answer(&mut self, old: Option<Opened>) {
        // A FIFO that is read is never without a reader in between, for its writer would fail. Anything
        // else is closed first: a device may refuse to be open twice.
        let mut old = old.filter(|old| old.what == What::Fifo && self.spec.direction == Direction::In);
        let mut said = String::new();
        while !self.exit.load(Ordering::Acquire) {
            match open(&self.spec) {
                Ok(opened) => {
                    // There is room: the node asks once at a time.
                    let _ = self.answers.push(opened);
                    return self.waker.wake();
                }
                Err(Failure::Later(text) | Failure::Never(text)) => {
                    old = None;
                    if text != said {
                        self.host.log(Level::Warn, &text);
                        self.host.health(Health::Waiting, &text);
                        said = text;
                    }
                    std::thread::park_timeout(RETRY);
                }
            }
        }
        drop(old);
    }
}
