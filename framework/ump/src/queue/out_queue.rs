//! The queue itself.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::owed::Owed;
use crate::inspect::{SYSEX_CONTINUE, SYSEX_END, SYSEX_START};
use crate::{Event, Ump};

/// How many SysEx can be on their way into nothing at the same time.
const CUTS: usize = 64;

/// The high half of a parameter selection (99, 101) is missing.
const GAP_HIGH: u8 = 1;
/// The low half of it (98, 100) is missing.
const GAP_LOW: u8 = 2;
/// The data entry MSB (6), which the LSB (38) refines, is missing.
const GAP_DATA: u8 = 4;

/// What an [`OutQueue`] left out, by reason. Each is a count of events since the queue was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct OverloadCounts {
    /// Values of continuous controllers that a newer value of the same controller made useless.
    pub thinned: u64,
    /// Notes: a Note On whose Note Off had come already, or that found no room, and Note Offs that
    /// another one made useless.
    pub notes: u64,
    /// Packets of SysEx messages that were cut short or left out.
    pub sysex: u64,
    /// Anything else that found no room.
    pub other: u64,
}

impl OverloadCounts {
    /// All of them together.
    pub const fn total(&self) -> u64 {
        self.thinned + self.notes + self.sysex + self.other
    }
}

/// A queue of events with a bound, for one output.
///
/// While there is room it is an ordinary queue. When it is full:
///
/// 1. Continuous controllers (all but bank, data entry, switches and mode messages), bend and
///    pressures are thinned: only the newest value of each stays.
/// 2. Note Ons whose Note Off has come already go; the Note Off stays, for an earlier note of that
///    pitch may still sound.
/// 3. What comes then and finds no room: a continuous controller keeps its newest value beside the
///    queue; Note Off, pedal up, All Notes Off, All Sound Off and Reset All Controllers are
///    remembered and *never* lost; a SysEx is cut short as a whole, with an end if its start went
///    out; when a part of an RPN or NRPN selection is lost, the data entry that follows it is too;
///    anything else is left out. What is kept beside the queue joins it as soon as a place is free,
///    before anything newer. Each is counted.
///
/// The order of what stays never changes. Working through a full queue costs a pass over it, so it is
/// done at most once every sixteenth of its capacity: on average a push costs some nanoseconds, full
/// or not.
#[derive(Clone, Debug)]
pub struct OutQueue {
    ring: Box<[Event]>,
    head: usize,
    length: usize,
    owed: Owed,
    /// Sources (with the group) whose SysEx is left out until its end.
    cuts: Vec<(u32, u8)>,
    /// Per channel, what must come again before data entry counts: `GAP_HIGH` and its like.
    gaps: Box<[u8; 256]>,
    /// How many events came in since the queue was worked through.
    since_thinning: usize,
    counts: OverloadCounts,
    stamp: Event,
}

impl OutQueue {
    /// A queue for `capacity` events (at least 1) of 32 bytes, with about 10 KB beside it. `[main]`
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self {
            ring: vec![Event::default(); capacity].into_boxed_slice(),
            head: 0,
            length: 0,
            owed: Owed::new(),
            cuts: Vec::with_capacity(CUTS),
            gaps: Box::new([0; 256]),
            since_thinning: capacity,
            counts: OverloadCounts::default(),
            stamp: Event::default(),
        }
    }

    /// Adds an event at the end, by the rules above when there is no room. `[engine]`
    #[inline]
    pub fn push(&mut self, event: Event) {
        self.stamp = event;
        if self.is_left_out(&event) {
            return;
        }
        if self.length == self.ring.len() {
            self.make_room();
        }
        if self.length < self.ring.len() {
            self.place(event);
        } else {
            self.overflow(event);
        }
    }

    /// The oldest event. `[engine]`
    #[inline]
    pub fn pop(&mut self) -> Option<Event> {
        let event = *self.front()?;
        self.head = self.at(1);
        self.length -= 1;
        self.refill();
        Some(event)
    }

    /// The oldest event, which stays. `[engine]`
    #[inline]
    pub fn front(&self) -> Option<&Event> {
        if self.length == 0 { None } else { Some(&self.ring[self.head]) }
    }

    /// How many events wait. What is kept beside a full queue is not counted.
    #[inline]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Does nothing wait? Then nothing is kept beside the queue either.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// How many events can wait.
    #[inline]
    pub const fn capacity(&self) -> usize {
        self.ring.len()
    }

    /// What was left out so far.
    pub const fn counts(&self) -> OverloadCounts {
        self.counts
    }

    /// Forgets everything that waits, for a device that is gone. The counts stay. `[engine]`
    pub fn clear(&mut self) {
        self.head = 0;
        self.length = 0;
        self.owed.clear();
        self.cuts.clear();
        self.gaps.fill(0);
        self.since_thinning = self.ring.len();
    }

    /// Keeps the events that `keep` says yes to, asked from the oldest on. `[engine]`
    pub fn retain(&mut self, mut keep: impl FnMut(&Event) -> bool) {
        let mut kept = 0;
        for i in 0..self.length {
            let event = self.ring[self.at(i)];
            if keep(&event) {
                let to = self.at(kept);
                self.ring[to] = event;
                kept += 1;
            }
        }
        self.length = kept;
        self.refill();
    }

    /// Where the event with this many before it stands in the ring.
    #[inline]
    fn at(&self, index: usize) -> usize {
        let at = self.head + index;
        if at < self.ring.len() { at } else { at - self.ring.len() }
    }

    #[inline]
    fn place(&mut self, event: Event) {
        let at = self.at(self.length);
        self.ring[at] = event;
        self.length += 1;
        self.since_thinning += 1;
    }

    /// What is owed takes the places that became free, before anything newer can.
    #[inline]
    fn refill(&mut self) {
        while !self.owed.is_empty() && self.length < self.ring.len() {
            match self.owed.take(self.stamp) {
                Some(event) => self.place(event),
                None => return,
            }
        }
    }

    /// Does the event belong to something that lost a part already? The rest of a SysEx, or data
    /// entry whose parameter selection is not whole.
    #[inline]
    fn is_left_out(&mut self, event: &Event) -> bool {
        let ump = &event.ump;
        if ump.is_sysex() {
            return !self.cuts.is_empty() && self.is_cut(event);
        }
        if ump.head() >> 20 & 0xF0F != 0x20B {
            return false;
        }
        let gap = &mut self.gaps[ump.channel_index()];
        if *gap == 0 {
            return false;
        }
        match ump.data1() {
            // What is lost again makes the gap anew.
            99 | 101 => *gap &= !GAP_HIGH,
            98 | 100 => *gap &= !GAP_LOW,
            6 if *gap == GAP_DATA => *gap = 0,
            6 | 38 | 96 | 97 => {
                // What refines a value that was left out would make another one of it.
                *gap |= if ump.data1() == 6 { GAP_DATA } else { 0 };
                self.counts.other += 1;
                return true;
            }
            _ => {}
        }
        false
    }

    fn is_cut(&mut self, event: &Event) -> bool {
        let key = (event.source, event.ump.group());
        let Some(index) = self.cuts.iter().position(|cut| *cut == key) else { return false };
        let status = event.ump.status();
        if status != SYSEX_CONTINUE {
            self.cuts.swap_remove(index);
        }
        let left_out = matches!(status, SYSEX_CONTINUE | SYSEX_END);
        self.counts.sysex += u64::from(left_out);
        left_out
    }

    /// Works through the full queue, unless that was done a short while ago.
    fn make_room(&mut self) {
        let some = self.ring.len().div_ceil(16);
        if self.since_thinning < some {
            return;
        }
        self.since_thinning = 0;
        let before = self.length;
        self.thin_values();
        if before - self.length < some {
            self.thin_notes();
        }
        self.refill();
    }

    /// Keeps only the newest value of each continuous controller.
    fn thin_values(&mut self) {
        let mut newer = [0_u64; KEYS / 64];
        for key in self.owed.value_keys() {
            test_and_set(&mut newer, key);
        }
        let removed = self.retain_backwards(|ump| match value_key(ump) {
            Some(key) => !test_and_set(&mut newer, key),
            None => true,
        });
        self.counts.thinned += removed;
    }

    /// Drops each Note On that has a Note Off behind it, and each Note Off that has another behind
    /// it and no Note On between.
    fn thin_notes(&mut self) {
        let mut off_behind = [0_u64; 512];
        let removed = self.retain_backwards(|ump| {
            let key = (ump.channel_index() as u32) << 7 | u32::from(ump.data1() & 0x7F);
            if ump.is_note_off() {
                !test_and_set(&mut off_behind, key)
            } else if ump.is_note_on() {
                off_behind[key as usize / 64] >> (key % 64) & 1 == 0
            } else {
                true
            }
        });
        self.counts.notes += removed;
    }

    /// Keeps the events that `keep` says yes to, asked from the newest on; says how many went.
    fn retain_backwards(&mut self, mut keep: impl FnMut(&Ump) -> bool) -> u64 {
        let mut to = self.length;
        for i in (0..self.length).rev() {
            let event = self.ring[self.at(i)];
            if keep(&event.ump) {
                to -= 1;
                let to = self.at(to);
                self.ring[to] = event;
            }
        }
        self.head = self.at(to);
        self.length -= to;
        to as u64
    }

    /// There is no room for this one.
    #[cold]
    fn overflow(&mut self, event: Event) {
        let ump = &event.ump;
        if let Some(key) = value_key(ump) {
            let (kept, replaced) = self.owed.keep_value(key, event);
            self.counts.thinned += u64::from(replaced || !kept);
        } else if self.owed.keep_release(ump) {
            // It comes out later.
        } else if ump.is_note_on() {
            self.counts.notes += 1;
        } else if ump.is_sysex() {
            self.counts.sysex += 1;
            let status = ump.status();
            if matches!(status, SYSEX_CONTINUE | SYSEX_END) {
                self.owed.keep_end(event);
            }
            if matches!(status, SYSEX_START | SYSEX_CONTINUE) && self.cuts.len() < CUTS {
                self.cuts.push((event.source, ump.group()));
            }
        } else {
            if ump.head() >> 20 & 0xF0F == 0x20B {
                self.gaps[ump.channel_index()] |= match ump.data1() {
                    98..=101 => GAP_HIGH | GAP_LOW,
                    6 => GAP_DATA,
                    _ => 0,
                };
            }
            self.counts.other += 1;
        }
    }
}

/// How many keys there are: 256 channels of 128 controllers, 128 poly pressures, bend and pressure.
const KEYS: usize = 256 << 9;

/// The number (below 2^17) of the continuous controller that the packet gives a value to: one that
/// may be thinned, since only its newest value matters. None for everything else. `[engine]`
#[inline]
pub fn value_key(ump: &Ump) -> Option<u32> {
    let number = u32::from(ump.data1() & 0x7F);
    let value = match ump.head() >> 20 & 0xF0F {
        // Bank, data entry, switches, increments and selections, and mode messages say something
        // once each; the rest says where a knob stands.
        0x20B | 0x40B if !matches!(number, 0 | 6 | 32 | 38 | 64..=69 | 96..=101 | 120..) => number,
        0x20A | 0x40A => 0x80 | number,
        0x20E | 0x40E => 0x100,
        0x20D | 0x40D => 0x101,
        _ => return None,
    };
    Some((ump.channel_index() as u32) << 9 | value)
}

/// Sets a bit and says whether it was set before.
#[inline]
fn test_and_set(bits: &mut [u64], key: u32) -> bool {
    let word = &mut bits[key as usize / 64];
    let was = *word >> (key % 64) & 1 != 0;
    *word |= 1 << (key % 64);
    was
}
