//! Which notes and pedals are held: what has to be released when their source goes away.

use alloc::boxed::Box;

use crate::Ump;

/// The pedals that hold notes, by controller number: sustain, sostenuto, soft, hold 2.
pub const PEDALS: [u8; 4] = [64, 66, 67, 69];

/// The bit of a pedal in a channel's pedal mask, 0 for other controllers.
const fn pedal_bit(controller: u8) -> u8 {
    match controller {
        64 => 1,
        66 => 2,
        67 => 4,
        69 => 8,
        _ => 0,
    }
}

/// The notes and pedals held on 16 groups of 16 channels. About 4.4 KB; no heap of its own.
///
/// It follows Note On and Off (a MIDI 1.0 Note On of velocity 0 is a Note Off), the pedals
/// ([`PEDALS`]; down from 64 of 127 on), All Sound Off, All Notes Off and the mode messages
/// (controllers 120 and 123-127: no note is held on that channel any more), Reset All Controllers
/// (121: no pedal is down) and System Reset (nothing is held in that group).
#[derive(Clone, PartialEq, Eq)]
pub struct Held {
    /// Two words of 64 notes for each `group << 4 | channel`.
    notes: [u64; 512],
    pedals: [u8; 256],
    /// One bit a group: its last note or pedal was a MIDI 2.0 one.
    midi2: u16,
    count: u32,
}

impl Default for Held {
    fn default() -> Self {
        Self::new()
    }
}

impl core::fmt::Debug for Held {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut list = f.debug_list();
        self.clone().release_all(|ump| {
            list.entry(&ump);
        });
        list.finish()
    }
}

impl Held {
    /// Nothing held. `[any]`
    pub const fn new() -> Self {
        Self { notes: [0; 512], pedals: [0; 256], midi2: 0, count: 0 }
    }

    /// Nothing held, on the heap. `[main]`
    pub fn boxed() -> Box<Self> {
        Box::default()
    }

    /// Takes note of a packet. Packets that hold or release nothing cost a compare. `[engine]`
    #[inline]
    pub fn apply(&mut self, ump: &Ump) {
        let head = ump.head();
        // Message types 2 and 4 by their type and status nibbles: the group nibble between is masked.
        match head >> 20 & 0xF0F {
            0x209 => self.set(ump, head & 0x7F != 0, 0),
            0x208 => self.set(ump, false, 0),
            0x409 => self.set(ump, true, 1),
            0x408 => self.set(ump, false, 1),
            0x20B => self.control(ump, head & 0x40 != 0, 0),
            0x40B => self.control(ump, ump.raw()[1] >> 31 != 0, 1),
            0x10F if head >> 16 & 0xFF == 0xFF => self.clear_group(ump.group()),
            _ => {}
        }
    }

    #[inline]
    fn set(&mut self, ump: &Ump, on: bool, midi2: u16) {
        let note = ump.data1() & 0x7F;
        let word = &mut self.notes[ump.channel_index() << 1 | usize::from(note >> 6)];
        let shift = u32::from(note & 63);
        let was = *word >> shift & 1;
        *word = *word & !(1 << shift) | u64::from(on) << shift;
        self.count = self.count.wrapping_add(u32::from(on)).wrapping_sub(was as u32);
        if on {
            self.speaks(ump.group(), midi2);
        }
    }

    #[inline]
    fn speaks(&mut self, group: u8, midi2: u16) {
        self.midi2 = self.midi2 & !(1 << group) | midi2 << group;
    }

    #[inline]
    fn control(&mut self, ump: &Ump, down: bool, midi2: u16) {
        let controller = ump.data1() & 0x7F;
        if controller < 64 {
            return;
        }
        let channel = ump.channel_index();
        let bit = pedal_bit(controller);
        if bit != 0 {
            let was = self.pedals[channel];
            let is = if down { was | bit } else { was & !bit };
            self.pedals[channel] = is;
            self.count = self.count + is.count_ones() - was.count_ones();
            if down {
                self.speaks(ump.group(), midi2);
            }
        } else if matches!(controller, 120 | 123..=127) {
            self.clear_notes(channel);
        } else if controller == 121 {
            self.count -= self.pedals[channel].count_ones();
            self.pedals[channel] = 0;
        }
    }

    fn clear_notes(&mut self, channel: usize) {
        for word in &mut self.notes[channel << 1..][..2] {
            self.count -= word.count_ones();
            *word = 0;
        }
    }

    fn clear_group(&mut self, group: u8) {
        for channel in usize::from(group) << 4..=usize::from(group) << 4 | 0xF {
            self.clear_notes(channel);
            self.count -= self.pedals[channel].count_ones();
            self.pedals[channel] = 0;
        }
    }

    /// Is nothing held? At once, from a count. `[engine]`
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many notes and pedals are held. `[engine]`
    #[inline]
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    /// Is this note held? Group and channel 0-15, note 0-127. `[engine]`
    #[inline]
    pub const fn holds(&self, group: u8, channel: u8, note: u8) -> bool {
        let index =
            ((group & 0xF) as usize) << 5 | ((channel & 0xF) as usize) << 1 | (note as usize >> 6 & 1);
        self.notes[index] >> (note & 63) & 1 != 0
    }

    /// Is this pedal (one of [`PEDALS`]) down? Group and channel 0-15. `[engine]`
    #[inline]
    pub const fn holds_pedal(&self, group: u8, channel: u8, controller: u8) -> bool {
        self.pedals[((group & 0xF) << 4 | channel & 0xF) as usize] & pedal_bit(controller) != 0
    }

    /// Hands out what releases everything held, first the notes and then the pedals of a channel,
    /// and forgets it. Note Offs have the middle velocity; they and the pedals are MIDI 2.0
    /// messages in the groups whose last Note On or pedal down was one. Costs nothing when nothing is held. `[engine]`
    pub fn release_all(&mut self, mut sink: impl FnMut(Ump)) {
        for index in 0..256_usize {
            if self.count == 0 {
                return;
            }
            self.release_index(index, &mut sink);
        }
    }

    /// The same for one channel of one group (0-15). `[engine]`
    pub fn release_channel(&mut self, group: u8, channel: u8, mut sink: impl FnMut(Ump)) {
        self.release_index(usize::from((group & 0xF) << 4 | channel & 0xF), &mut sink);
    }

    fn release_index(&mut self, index: usize, sink: &mut impl FnMut(Ump)) {
        for half in 0..2_u8 {
            let word = core::mem::take(&mut self.notes[index << 1 | usize::from(half)]);
            self.count -= word.count_ones();
            each_bit(word, |bit| sink(self.note_off(index, half << 6 | bit)));
        }
        let pedals = core::mem::take(&mut self.pedals[index]);
        self.count -= pedals.count_ones();
        each_bit(u64::from(pedals), |bit| sink(self.pedal_up(index, bit)));
    }

    /// The release of one thing held, which is forgotten. `[engine]`
    pub(crate) fn release_one(&mut self) -> Option<Ump> {
        if self.count == 0 {
            return None;
        }
        self.count -= 1;
        if let Some(at) = self.notes.iter().position(|word| *word != 0) {
            let bit = self.notes[at].trailing_zeros() as u8;
            self.notes[at] &= self.notes[at] - 1;
            return Some(self.note_off(at >> 1, (at as u8 & 1) << 6 | bit));
        }
        let index = self.pedals.iter().position(|pedals| *pedals != 0)?;
        let bit = self.pedals[index].trailing_zeros() as u8;
        self.pedals[index] &= self.pedals[index] - 1;
        Some(self.pedal_up(index, bit))
    }

    const fn note_off(&self, index: usize, note: u8) -> Ump {
        let (group, channel) = ((index >> 4) as u8, index as u8 & 0xF);
        if self.midi2 >> group & 1 != 0 {
            Ump::note_off2(group, channel, note, 0x8000)
        } else {
            Ump::note_off(group, channel, note, 64)
        }
    }

    const fn pedal_up(&self, index: usize, bit: u8) -> Ump {
        let (group, channel) = ((index >> 4) as u8, index as u8 & 0xF);
        let controller = PEDALS[bit as usize];
        if self.midi2 >> group & 1 != 0 {
            Ump::control_change2(group, channel, controller, 0)
        } else {
            Ump::control_change(group, channel, controller, 0)
        }
    }

    /// Calls `each` with the group, channel and note of every note held, in order. `[engine]`
    pub fn notes(&self, mut each: impl FnMut(u8, u8, u8)) {
        for (index, word) in self.notes.iter().enumerate() {
            let (group, channel) = ((index >> 5) as u8, (index >> 1) as u8 & 0xF);
            each_bit(*word, |bit| each(group, channel, (index as u8 & 1) << 6 | bit));
        }
    }

    /// Forgets everything without releasing it. `[engine]`
    pub fn clear(&mut self) {
        if self.count != 0 {
            *self = Self::new();
        }
    }
}

/// Calls `each` with the number of every set bit, from the lowest.
#[inline]
pub(crate) fn each_bit(mut word: u64, mut each: impl FnMut(u8)) {
    while word != 0 {
        each(word.trailing_zeros() as u8);
        word &= word - 1;
    }
}
