//! The engine's half of [`crate::Host::watch`]: waiting for descriptors, deadlines and wake-ups at once.
//! For programs that run nodes, not for plugins.

#[cfg(target_os = "linux")]
#[path = "epoll.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "portable.rs"]
mod system;

use std::io;

/// A descriptor that is ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Readied {
    /// The key it was registered under.
    pub key: u64,
    /// Bit 0: something to read, or the end; bit 1: room to write.
    pub flags: u8,
}

/// Registered descriptors, and a way to wake whoever waits for them. Usable on any thread.
pub struct Poll(system::Poll);

/// The waiting thread's own part of a [`Poll`]: all memory is taken when it is made.
pub struct Wait(system::Wait);

impl Poll {
    /// Nothing registered. `[main]`
    ///
    /// # Errors
    /// The system gives no more descriptors.
    pub fn new() -> io::Result<Self> {
        system::Poll::new().map(Self)
    }

    /// Carries out `HostVtable::io`: `op` 0 watches, 1 changes, 2 ends the watch of `fd`; `interest` has
    /// bit 0 for reading and bit 1 for writing. Level-triggered. The two highest keys are not to be used.
    /// `[any]`
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Safety
    /// `fd` must be an open descriptor (a socket on Windows), and stay open until its watch ends.
    pub unsafe fn control(&self, op: u8, fd: i64, key: u64, interest: u8) -> io::Result<()> {
        // SAFETY: passed on.
        unsafe { self.0.control(op, fd, key, interest) }
    }

    /// Wakes the thread that waits, or will wait next. Several in a row may count as one. `[any]`
    pub fn notify(&self) {
        self.0.notify();
    }

    /// Waits until a descriptor is ready, `deadline` (ns of `clock`) has come, or somebody notifies.
    /// It may also return for no reason. `[engine]`
    pub fn wait(&self, wait: &mut Wait, deadline: Option<u64>, clock: fn() -> u64) {
        self.0.wait(&mut wait.0, deadline, clock);
    }
}

impl Default for Wait {
    fn default() -> Self {
        Self(system::Wait::new())
    }
}

impl Wait {
    /// What was ready when the last wait ended. `[engine]`
    pub fn ready(&self) -> impl Iterator<Item = Readied> + '_ {
        self.0.ready()
    }
}
