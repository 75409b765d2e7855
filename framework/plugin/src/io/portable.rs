//! macOS, Windows and the rest, by the crate `polling`.

use std::io;
use std::time::Duration;

use polling::{Event, Events, PollMode, Poller};

use super::Readied;

pub(super) struct Poll(Poller);

pub(super) struct Wait(Events);

impl Wait {
    pub(super) fn new() -> Self {
        Self(Events::new())
    }

    pub(super) fn ready(&self) -> impl Iterator<Item = Readied> + '_ {
        self.0.iter().map(|event| Readied {
            key: event.key as u64,
            flags: u8::from(event.readable) | u8::from(event.writable) << 1,
        })
    }
}

impl Poll {
    pub(super) fn new() -> io::Result<Self> {
        Poller::new().map(Self)
    }

    pub(super) unsafe fn control(&self, op: u8, fd: i64, key: u64, interest: u8) -> io::Result<()> {
        #[cfg(unix)]
        let source = {
            // SAFETY: the caller says it is open.
            unsafe { std::os::fd::BorrowedFd::borrow_raw(fd as std::os::fd::RawFd) }
        };
        #[cfg(windows)]
        let source = {
            // SAFETY: the caller says it is open.
            unsafe { std::os::windows::io::BorrowedSocket::borrow_raw(fd as std::os::windows::io::RawSocket) }
        };
        let key = usize::try_from(key).map_err(|_| io::ErrorKind::InvalidInput)?;
        let event = Event::new(key, interest & 1 != 0, interest & 2 != 0);
        match op {
            // SAFETY: the caller keeps it open until the watch ends.
            0 => unsafe { self.0.add_with_mode(&source, event, PollMode::Level) },
            1 => self.0.modify_with_mode(source, event, PollMode::Level),
            _ => self.0.delete(source),
        }
    }

    pub(super) fn notify(&self) {
        // It fails only when the poller's own descriptor is broken, and then nothing works any more.
        let _ = self.0.notify();
    }

    pub(super) fn wait(&self, wait: &mut Wait, deadline: Option<u64>, clock: fn() -> u64) {
        let left = deadline.map(|at| Duration::from_nanos(at.saturating_sub(clock())));
        wait.0.clear();
        // An interrupted wait is as good as a wake-up.
        let _ = self.0.wait(&mut wait.0, left);
    }
}
