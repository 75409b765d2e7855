//! What found no room in a full queue and must still come out: the latest values of controllers,
//! Note Offs, pedals up, and the ends of SysEx that were cut short.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::held::PEDALS;
use crate::{Event, Held, SYSEX_END, Ump};

/// How many controllers (each counted per channel) keep their latest value beside a full queue, and
/// how many SysEx can be cut short at the same time.
const TABLE: usize = 64;

/// The mode messages that end notes or reset controllers.
const MODES: [u8; 3] = [120, 121, 123];

#[derive(Clone, Debug)]
pub(super) struct Owed {
    /// Notes and pedals whose release is owed: "held" here means "still to be released".
    releases: Box<Held>,
    /// A bit for each of `MODES`, per `group << 4 | channel`.
    modes: Box<[u8; 256]>,
    /// How many of those bits are set.
    mode_count: usize,
    /// A bit a group: the owed mode messages are MIDI 2.0 ones.
    midi2: u16,
    /// The latest value of a controller, by its key.
    values: Vec<(u32, Event)>,
    /// The last packets of SysEx whose first packets went out.
    ends: Vec<Event>,
}

impl Owed {
    pub(super) fn new() -> Self {
        Self {
            releases: Held::boxed(),
            modes: Box::new([0; 256]),
            mode_count: 0,
            midi2: 0,
            values: Vec::with_capacity(TABLE),
            ends: Vec::with_capacity(TABLE),
        }
    }

    pub(super) fn clear(&mut self) {
        self.releases.clear();
        self.modes.fill(0);
        self.mode_count = 0;
        self.values.clear();
        self.ends.clear();
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.releases.is_empty() && self.mode_count == 0 && self.values.is_empty() && self.ends.is_empty()
    }

    /// Keeps a Note Off, pedal up or mode message, if the packet is one.
    pub(super) fn keep_release(&mut self, ump: &Ump) -> bool {
        let (group, index) = (ump.group(), ump.channel_index());
        let channel = index as u8 & 0xF;
        let midi2 = ump.message_type() == 4;
        let data = ump.data1() & 0x7F;
        if ump.is_note_off() {
            self.releases.apply(&if midi2 {
                Ump::note_on2(group, channel, data, 0)
            } else {
                Ump::note_on(group, channel, data, 1)
            });
            return true;
        }
        if !ump.is_voice() || ump.status() != 0xB {
            return false;
        }
        if PEDALS.contains(&data) {
            let up = if midi2 { ump.raw()[1] >> 31 == 0 } else { ump.data2() & 0x40 == 0 };
            if up {
                self.releases.apply(&if midi2 {
                    Ump::control_change2(group, channel, data, u32::MAX)
                } else {
                    Ump::control_change(group, channel, data, 127)
                });
            }
            return up;
        }
        // The mode messages from 124 on say All Notes Off besides what they are named for.
        let Some(bit) = MODES.iter().position(|mode| *mode == if data > 123 { 123 } else { data }) else {
            return false;
        };
        let mask = &mut self.modes[index];
        self.mode_count += usize::from(*mask >> bit & 1 == 0);
        *mask |= 1 << bit;
        self.midi2 = self.midi2 & !(1 << group) | u16::from(midi2) << group;
        true
    }

    /// Keeps the latest value of a controller: says false if there is no place for one more
    /// controller, and otherwise whether an older value gave way.
    pub(super) fn keep_value(&mut self, key: u32, event: Event) -> (bool, bool) {
        if let Some((_, kept)) = self.values.iter_mut().find(|(other, _)| *other == key) {
            *kept = event;
            return (true, true);
        }
        let room = self.values.len() < TABLE;
        if room {
            self.values.push((key, event));
        }
        (room, false)
    }

    pub(super) fn value_keys(&self) -> impl Iterator<Item = u32> {
        self.values.iter().map(|(key, _)| *key)
    }

    /// Keeps the end of the SysEx that this packet belongs to.
    pub(super) fn keep_end(&mut self, event: Event) {
        if self.ends.len() < TABLE {
            self.ends.push(event.with(Ump::sysex7(event.ump.group(), SYSEX_END, [0; 6], 0)));
        }
    }

    /// What is owed first. `stamp` lends its time and port to what was kept without an event.
    pub(super) fn take(&mut self, stamp: Event) -> Option<Event> {
        if !self.ends.is_empty() {
            return Some(self.ends.remove(0));
        }
        if let Some(ump) = self.releases.release_one() {
            return Some(Event { source: 0, ..stamp.with(ump) });
        }
        if self.mode_count > 0 {
            return self.take_mode().map(|ump| Event { source: 0, ..stamp.with(ump) });
        }
        if !self.values.is_empty() {
            return Some(self.values.remove(0).1);
        }
        None
    }

    fn take_mode(&mut self) -> Option<Ump> {
        let index = self.modes.iter().position(|mask| *mask != 0)?;
        let bit = self.modes[index].trailing_zeros();
        self.modes[index] &= !(1 << bit);
        self.mode_count -= 1;
        let (group, channel) = ((index >> 4) as u8, index as u8 & 0xF);
        let mode = MODES[bit as usize];
        Some(if self.midi2 >> group & 1 != 0 {
            Ump::control_change2(group, channel, mode, 0)
        } else {
            Ump::control_change(group, channel, mode, 0)
        })
    }
}
