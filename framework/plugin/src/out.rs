//! Where a node puts the events it makes.

use midibay_ump::Event;

/// The way out of a node, handed to each `[engine]` function. Bounded memory, no end: when the
/// buffer is full the engine takes what is in it. All its functions are `[engine]`.
#[repr(C)]
pub struct Out {
    buffer: *mut Event,
    len: usize,
    capacity: usize,
    wake_at: u64,
    engine: *mut (),
    spill: unsafe extern "C" fn(out: *mut Out),
    lost: unsafe extern "C" fn(out: *mut Out, port: u16),
}

/// All ports, for [`Out::source_lost`].
pub const ALL_PORTS: u16 = u16::MAX;

impl Out {
    /// For the engine: a way out over a buffer.
    ///
    /// # Safety
    /// `buffer` must hold `capacity` (at least 1) events for as long as this lives and be used by
    /// nothing else meanwhile; `spill` must leave room (see [`Out::take`]); `engine` is what both
    /// functions expect.
    ///
    /// # Panics
    /// When the capacity is 0.
    pub unsafe fn over(
        buffer: *mut Event,
        capacity: usize,
        engine: *mut (),
        spill: unsafe extern "C" fn(out: *mut Out),
        lost: unsafe extern "C" fn(out: *mut Out, port: u16),
    ) -> Self {
        assert!(capacity > 0, "an output buffer needs room for an event");
        Self { buffer, len: 0, capacity, wake_at: u64::MAX, engine, spill, lost }
    }

    /// For the engine: what `over` was given.
    pub fn engine(&self) -> *mut () {
        self.engine
    }

    /// For the engine: the events so far; the buffer counts as empty from now on.
    #[inline]
    pub fn take(&mut self) -> &mut [Event] {
        let len = core::mem::take(&mut self.len);
        // SAFETY: `push` has written the first `len` events, and the buffer is used by nothing else.
        unsafe { core::slice::from_raw_parts_mut(self.buffer, len) }
    }

    /// For the engine: the time asked for by [`Out::wake_at`] since the last call, if any.
    #[inline]
    pub fn take_wake(&mut self) -> Option<u64> {
        match core::mem::replace(&mut self.wake_at, u64::MAX) {
            u64::MAX => None,
            time => Some(time),
        }
    }

    /// Sends an event out of the output port that it names (`event.port`).
    #[inline]
    pub fn push(&mut self, event: Event) {
        if self.len == self.capacity {
            // SAFETY: the engine gave a function that takes this very structure.
            unsafe { (self.spill)(self) };
        }
        // SAFETY: `len < capacity`: it was, or the spill emptied the buffer.
        unsafe { self.buffer.add(self.len).write(event) };
        self.len += 1;
    }

    /// Sends several events.
    #[inline]
    pub fn extend(&mut self, events: &[Event]) {
        for event in events {
            self.push(*event);
        }
    }

    /// Asks for `tick` to be called at `time` (ns of the engine's clock), or at once if that has
    /// passed. The earliest of several requests counts; it holds for one call.
    #[inline]
    pub fn wake_at(&mut self, time: u64) {
        self.wake_at = self.wake_at.min(time);
    }

    /// For endpoints: what was at the other side of this output port is gone (unplugged, silent for
    /// too long). After the events pushed so far, everything that it holds anywhere is released.
    ///
    /// From a processor it is about what that made itself (`source` 0), and counts after the whole call.
    pub fn source_lost(&mut self, port: u16) {
        // SAFETY: as in `push`.
        unsafe { (self.lost)(self, port) };
    }
}

#[cfg(test)]
impl Out {
    pub(crate) fn layout() -> String {
        crate::layout::layout_of!(Out { buffer, len, capacity, wake_at, engine, spill, lost })
    }
}
