//! Several sources, one byte stream: each SysEx goes out whole.

use super::out_queue::{OutQueue, OverloadCounts};
use crate::inspect::{SYSEX_COMPLETE, SYSEX_CONTINUE, SYSEX_END, SYSEX_START};
use crate::{Event, Ump};

/// What a [`SysexMerger`] did not pass on, besides what found no room. Counts since it was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct MergeCounts {
    /// SysEx that stopped arriving and were ended so that the others could go on.
    pub timed_out: u64,
    /// SysEx packets without a start.
    pub orphans: u64,
}

#[derive(Clone, Copy, Debug)]
struct Owner {
    source: u32,
    group: u8,
    deadline: u64,
}

/// Merges events of several sources for an output whose wire is a MIDI 1.0 byte stream, where
/// another message inside a SysEx would end it.
///
/// While one source (by [`Event::source`] and group) sends a SysEx, everything else waits, in order
/// and within a bound ([`OutQueue`] says what gives way), until the SysEx ends or none of its
/// packets has come for the time-out. Real-time messages pass at once.
#[derive(Clone, Debug)]
pub struct SysexMerger {
    gate: Gate,
    waiting: OutQueue,
}

impl SysexMerger {
    /// A merger where `capacity` events can wait, for up to `timeout` ns after the last packet of
    /// the SysEx they wait for. `[main]`
    pub fn new(capacity: usize, timeout: u64) -> Self {
        let gate = Gate { owner: None, timeout, counts: MergeCounts::default() };
        Self { gate, waiting: OutQueue::new(capacity) }
    }

    /// Takes an event; `sink` gets what can go out now. `now` is monotonic, in ns. `[engine]`
    #[inline]
    pub fn push(&mut self, now: u64, event: Event, mut sink: impl FnMut(Event)) {
        if event.ump.is_realtime() {
            return sink(event);
        }
        self.tick(now, &mut sink);
        if self.gate.owner.is_none() {
            self.gate.admit(now, event, &mut sink);
        } else if self.gate.owns(&event) {
            self.gate.proceed(now, event, &mut sink);
            self.drain(now, &mut sink);
        } else {
            self.waiting.push(event);
        }
    }

    /// Ends a SysEx that stopped arriving. To be called at [`deadline`](Self::deadline). `[engine]`
    #[inline]
    pub fn tick(&mut self, now: u64, mut sink: impl FnMut(Event)) {
        if let Some(owner) = self.gate.owner
            && now >= owner.deadline
        {
            self.gate.counts.timed_out += 1;
            self.gate.end(now, &mut sink);
            self.drain(now, &mut sink);
        }
    }

    /// When [`tick`](Self::tick) has something to do, in ns; `None` while no SysEx is open. `[engine]`
    #[inline]
    pub fn deadline(&self) -> Option<u64> {
        self.gate.owner.map(|owner| owner.deadline)
    }

    /// The source is gone: its open SysEx is ended, and the others go on. `[engine]`
    pub fn vanished(&mut self, now: u64, source: u32, mut sink: impl FnMut(Event)) {
        if self.gate.owner.is_some_and(|owner| owner.source == source) {
            self.gate.end(now, &mut sink);
            self.drain(now, &mut sink);
        }
    }

    /// Forgets the open SysEx and everything that waits, for a device that is gone. `[engine]`
    pub fn clear(&mut self) {
        self.gate.owner = None;
        self.waiting.clear();
    }

    /// How many events wait.
    pub const fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What was not passed on, besides [`overload`](Self::overload).
    pub const fn counts(&self) -> MergeCounts {
        self.gate.counts
    }

    /// What found no room while it waited.
    pub const fn overload(&self) -> OverloadCounts {
        self.waiting.counts()
    }

    /// Lets out what waits, until a SysEx among it is still open.
    fn drain(&mut self, now: u64, sink: &mut impl FnMut(Event)) {
        let Self { gate, waiting } = self;
        while gate.owner.is_none() && !waiting.is_empty() {
            let mut stays_behind = false;
            waiting.retain(|event| {
                if gate.owns(event) {
                    gate.proceed(now, *event, sink);
                    return false;
                }
                if gate.owner.is_none() && !stays_behind {
                    gate.admit(now, *event, sink);
                    return false;
                }
                // From here on only the open SysEx may go ahead of what stays.
                stays_behind = true;
                true
            });
        }
    }
}

/// Who may send.
#[derive(Clone, Copy, Debug)]
struct Gate {
    owner: Option<Owner>,
    timeout: u64,
    counts: MergeCounts,
}

impl Gate {
    #[inline]
    fn owns(&self, event: &Event) -> bool {
        self.owner.is_some_and(|owner| {
            event.ump.is_sysex() && event.source == owner.source && event.ump.group() == owner.group
        })
    }

    /// An event that nothing holds back.
    #[inline]
    fn admit(&mut self, now: u64, event: Event, sink: &mut impl FnMut(Event)) {
        if event.ump.is_sysex() {
            match event.ump.status() {
                SYSEX_START => {
                    self.owner = Some(Owner {
                        source: event.source,
                        group: event.ump.group(),
                        deadline: now.saturating_add(self.timeout),
                    });
                }
                SYSEX_COMPLETE => {}
                _ => {
                    self.counts.orphans += 1;
                    return;
                }
            }
        }
        sink(event);
    }

    /// The next packet of the open SysEx.
    fn proceed(&mut self, now: u64, event: Event, sink: &mut impl FnMut(Event)) {
        match event.ump.status() {
            SYSEX_CONTINUE => {
                if let Some(owner) = &mut self.owner {
                    owner.deadline = now.saturating_add(self.timeout);
                }
                sink(event);
            }
            SYSEX_END => {
                self.owner = None;
                sink(event);
            }
            // The source began a new one without ending the one before.
            _ => {
                self.end(now, sink);
                self.admit(now, event, sink);
            }
        }
    }

    /// Ends the open SysEx in its sender's place.
    fn end(&mut self, now: u64, sink: &mut impl FnMut(Event)) {
        if let Some(owner) = self.owner.take() {
            let ump = Ump::sysex7(owner.group, SYSEX_END, [0; 6], 0);
            sink(Event { source: owner.source, ..Event::new(now, ump) });
        }
    }
}
