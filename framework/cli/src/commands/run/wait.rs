//! What the program waits for: signals, files, and the next of several times.

use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use crate::signals::Signal;

/// Something happened.
pub(super) enum Wake {
    Signal(Signal),
    /// Files in the folders of the graph files.
    Touched(Vec<PathBuf>),
}

/// Waits for something to happen, at most until `deadline`. Without one nothing wakes the program.
pub(super) fn wait(wakes: &Receiver<Wake>, deadline: Option<Instant>) -> Option<Wake> {
    match deadline {
        None => wakes.recv().ok(),
        // The other ends live as long as the program.
        Some(deadline) => wakes.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok(),
    }
}

/// Times that come again and again, or never.
pub(super) struct Deadlines {
    every: Option<Duration>,
    next: Instant,
}

impl Deadlines {
    /// The first is now.
    pub(super) fn every(every: Option<Duration>, now: Instant) -> Self {
        Self { every, next: now }
    }

    /// Lets them come no more, unless they are still wanted.
    pub(super) fn only_if(&mut self, wanted: bool) {
        if !wanted {
            self.every = None;
        }
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.every.map(|_| self.next)
    }

    /// Whether the time has come; then the next one is set. Those that were missed are left out.
    pub(super) fn due(&mut self, now: Instant) -> bool {
        match self.every {
            Some(every) if self.next <= now => {
                self.next += every;
                if self.next <= now {
                    self.next = now + every;
                }
                true
            }
            _ => false,
        }
    }
}
