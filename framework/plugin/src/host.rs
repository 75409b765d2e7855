//! The services that the program offers a node.

use std::ptr::NonNull;

use crate::abi::RawHost;
use crate::cells::{Counters, DropReason, PropertyCell};

/// How loud a line of the log is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Level {
    /// Somebody must do something.
    Error = 0,
    /// Something is not as it should be, and the show goes on.
    Warn = 1,
    /// Worth knowing.
    Info = 2,
    /// For finding faults.
    Debug = 3,
}

/// How a node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Health {
    /// It does what it is for.
    Ok = 0,
    /// It waits for something outside: a device, a peer.
    Waiting = 1,
    /// It works in part: one of two cables.
    Degraded = 2,
    /// It does not work.
    Failed = 3,
}

/// What a descriptor is watched for, or is ready for. Bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Readiness(pub u8);

impl Readiness {
    /// Something to read (or the end of the stream).
    pub const READ: Self = Self(1);
    /// Room to write.
    pub const WRITE: Self = Self(2);
    /// Both.
    pub const BOTH: Self = Self(3);
    /// Nothing; the descriptor stays known.
    pub const NONE: Self = Self(0);

    /// Whether there is something to read.
    pub const fn readable(self) -> bool {
        self.0 & 1 != 0
    }

    /// Whether there is room to write.
    pub const fn writable(self) -> bool {
        self.0 & 2 != 0
    }
}

/// Why [`crate::Endpoint::ready`] is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ready {
    /// The descriptor registered under this key.
    Io {
        /// The key given to [`Host::watch`].
        key: u32,
        /// What it is ready for.
        readiness: Readiness,
    },
    /// A [`Waker`] was called.
    Woken,
}

#[cfg(unix)]
type RawIo = std::os::fd::RawFd;
#[cfg(windows)]
type RawIo = std::os::windows::io::RawSocket;

/// A node's handle on the program that runs it. Cheap to clone; what it says may be said on any
/// thread unless a function says otherwise. Functions marked `[any]` never block or allocate.
pub struct Host(RawHost);

// SAFETY: the program keeps what is behind it for as long as a handle lives, and its functions are
// made for every thread.
unsafe impl Send for Host {}
// SAFETY: as above.
unsafe impl Sync for Host {}

impl Clone for Host {
    fn clone(&self) -> Self {
        // SAFETY: `this` is alive, since we hold it.
        unsafe { (self.0.vtable.retain)(self.0.this) };
        Self(self.0)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // SAFETY: this handle's share, given back once.
        unsafe { (self.0.vtable.release)(self.0.this) };
    }
}

impl Host {
    /// Takes over one share of the program's side. `[main]`
    ///
    /// # Safety
    /// `raw` must come from the program, one share counted for this handle.
    pub unsafe fn from_raw(raw: RawHost) -> Self {
        Self(raw)
    }

    /// The engine's clock: monotonic nanoseconds, the unit of every time stamp. `[any]`
    #[inline]
    pub fn now(&self) -> u64 {
        // SAFETY: alive.
        unsafe { (self.0.vtable.now)(self.0.this) }
    }

    /// The node's name in the graph. `[main]`
    pub fn name(&self) -> String {
        // SAFETY: alive.
        unsafe { (self.0.vtable.name)(self.0.this) }.into()
    }

    /// A line for the log. Beyond 240 bytes it is cut, and when the log cannot follow, lines are
    /// dropped and counted. `[any]`
    pub fn log(&self, level: Level, text: &str) {
        // SAFETY: alive.
        unsafe { (self.0.vtable.log)(self.0.this, level as u8, text.into()) };
    }

    /// Says how the node is, with a reason for a person. Beyond 120 bytes it is cut. Only one thread
    /// at a time may say so. `[any]`
    pub fn health(&self, health: Health, text: &str) {
        // SAFETY: alive.
        unsafe { (self.0.vtable.health)(self.0.this, health as u8, text.into()) };
    }

    /// The handle for writing a property. It must be one of the node type's
    /// [`PROPERTIES`](crate::Node::PROPERTIES). `[main]`
    ///
    /// # Panics
    /// When the node type declares no such property: a mistake of the plugin's author.
    pub fn property(&self, name: &str) -> Property {
        // SAFETY: alive; the cell lives as long as the host.
        let cell = unsafe { (self.0.vtable.property)(self.0.this, name.into()) };
        let cell = NonNull::new(cell.cast_mut().cast());
        let cell = cell.unwrap_or_else(|| panic!("the node type declares no property {name:?}"));
        Property { cell, _host: self.clone() }
    }

    /// The node's counters. The engine counts events; bytes and drops are the node's own to count. `[any]`
    #[inline]
    pub fn counters(&self) -> &Counters {
        // SAFETY: they live as long as the host.
        unsafe { &*(self.0.vtable.counters)(self.0.this).cast::<Counters>() }
    }

    /// Counts events or packets that could not go on. `[any]`
    #[inline]
    pub fn dropped(&self, reason: DropReason, count: u64) {
        self.counters().dropped(reason, count);
    }

    /// Publishes a document (JSON) that is more than a property: an identity, a list of peers. The
    /// last one under a name counts. `[main]`, or a thread of the node's own; never the engine's.
    pub fn publish(&self, name: &str, json: &str) {
        // SAFETY: alive.
        unsafe { (self.0.vtable.publish)(self.0.this, name.into(), json.into()) };
    }

    /// Watches a non-blocking descriptor or socket: [`crate::Endpoint::ready`] is called with `key`
    /// (not `u32::MAX`) for as long as it is ready (level-triggered). `[main]` `[engine]`
    ///
    /// # Errors
    /// What the system says, for instance for a regular file.
    pub fn watch(&self, io: RawIo, key: u32, readiness: Readiness) -> std::io::Result<()> {
        self.io(0, io, key, readiness)
    }

    /// Changes what a descriptor is watched for. `[main]` `[engine]`
    ///
    /// # Errors
    /// What the system says.
    pub fn rewatch(&self, io: RawIo, key: u32, readiness: Readiness) -> std::io::Result<()> {
        self.io(1, io, key, readiness)
    }

    /// Ends the watch. To be called before the descriptor is closed. `[main]` `[engine]`
    ///
    /// # Errors
    /// What the system says.
    pub fn unwatch(&self, io: RawIo) -> std::io::Result<()> {
        self.io(2, io, 0, Readiness::NONE)
    }

    fn io(&self, op: u8, io: RawIo, key: u32, readiness: Readiness) -> std::io::Result<()> {
        // SAFETY: alive; the program keeps no descriptor beyond `unwatch`.
        match unsafe { (self.0.vtable.io)(self.0.this, op, io as i64, key, readiness.0) } {
            0 => Ok(()),
            code => Err(std::io::Error::from_raw_os_error(code)),
        }
    }

    /// A handle that wakes the engine from another thread. `[any]`
    pub fn waker(&self) -> Waker {
        Waker(self.clone())
    }
}

/// Wakes the engine, which then calls [`crate::Endpoint::ready`] with [`Ready::Woken`]. Several calls
/// in a row may count as one.
#[derive(Clone)]
pub struct Waker(Host);

impl Waker {
    /// Wakes. `[any]`
    #[inline]
    pub fn wake(&self) {
        // SAFETY: alive.
        unsafe { (self.0.0.vtable.wake)(self.0.0.this) };
    }
}

/// Writes one property of a node. Only one thread at a time may write. All functions are `[any]`.
#[derive(Clone)]
pub struct Property {
    cell: NonNull<PropertyCell>,
    _host: Host,
}

// SAFETY: the cell is made of atomics and lives as long as the host that we hold.
unsafe impl Send for Property {}
// SAFETY: as above.
unsafe impl Sync for Property {}

impl Property {
    #[inline]
    fn cell(&self) -> &PropertyCell {
        // SAFETY: it lives as long as the host that we hold.
        unsafe { self.cell.as_ref() }
    }

    /// A whole number.
    #[inline]
    pub fn set_int(&self, value: i64) {
        self.cell().set_int(value);
    }

    /// A number.
    #[inline]
    pub fn set_float(&self, value: f64) {
        self.cell().set_float(value);
    }

    /// Yes or no.
    #[inline]
    pub fn set_bool(&self, value: bool) {
        self.cell().set_bool(value);
    }

    /// A text; beyond 128 bytes it is cut.
    #[inline]
    pub fn set_text(&self, text: &str) {
        self.cell().set_text(text);
    }
}
