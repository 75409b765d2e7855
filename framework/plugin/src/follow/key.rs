//! Where a note or a controller is, as one small number.

use midibay_ump::{Ump, scale};

/// A note or a controller of one channel of one group: an index for flat tables.
///
/// Bits: 15 controller (else note), 14-11 group, 10-7 channel, 6-0 number; all count from 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(u16);

const CONTROLLER: u16 = 1 << 15;

impl Key {
    /// How many there are: the length of a flat table with an entry for each.
    pub const COUNT: usize = 1 << 16;

    /// A note (0-127) of a channel (0-15) in a group (0-15). `[any]`
    #[inline]
    pub const fn note(group: u8, channel: u8, note: u8) -> Self {
        Self((group as u16 & 0xF) << 11 | (channel as u16 & 0xF) << 7 | note as u16 & 0x7F)
    }

    /// A controller (0-127) of a channel (0-15) in a group (0-15). `[any]`
    #[inline]
    pub const fn controller(group: u8, channel: u8, controller: u8) -> Self {
        Self(Self::note(group, channel, controller).0 | CONTROLLER)
    }

    /// What a packet is about: its note, or the controller of a control change. `[any]`
    #[inline]
    pub const fn of(ump: &Ump) -> Option<Self> {
        match ump.head() >> 20 & 0xF0F {
            0x20B | 0x40B => Some(Self::at(ump, CONTROLLER)),
            0x208..=0x20A | 0x408..=0x40A | 0x400 | 0x401 | 0x406 | 0x40F => Some(Self::at(ump, 0)),
            _ => None,
        }
    }

    #[inline]
    const fn at(ump: &Ump, class: u16) -> Self {
        Self(class | (ump.channel_index() as u16) << 7 | ump.data1() as u16 & 0x7F)
    }

    /// The index in a flat table, below [`Key::COUNT`]. `[any]`
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Whether it is a controller and not a note. `[any]`
    #[inline]
    pub const fn is_controller(self) -> bool {
        self.0 & CONTROLLER != 0
    }

    /// The group, 0-15. `[any]`
    #[inline]
    pub const fn group(self) -> u8 {
        (self.0 >> 11) as u8 & 0xF
    }

    /// The channel, 0-15. `[any]`
    #[inline]
    pub const fn channel(self) -> u8 {
        (self.0 >> 7) as u8 & 0xF
    }

    /// The group and channel as one number: `group << 4 | channel`. `[any]`
    #[inline]
    pub const fn channel_index(self) -> usize {
        (self.0 >> 7) as usize & 0xFF
    }

    /// The note or controller number, 0-127. `[any]`
    #[inline]
    pub const fn number(self) -> u8 {
        self.0 as u8 & 0x7F
    }

    /// The same with another number (0-127). `[any]`
    #[inline]
    #[must_use]
    pub const fn with_number(self, number: u8) -> Self {
        Self(self.0 & !0x7F | number as u16 & 0x7F)
    }

    /// Whether it is one of the pedals that hold notes ([`midibay_ump::PEDALS`]). `[any]`
    #[inline]
    pub const fn is_pedal(self) -> bool {
        self.is_controller() && matches!(self.number(), 64 | 66 | 67 | 69)
    }

    /// What ends it: a Note Off of middle velocity, or the controller at 0; as a MIDI 2.0 message or
    /// a MIDI 1.0 one. `[engine]`
    pub const fn release(self, midi2: bool) -> Ump {
        let (group, channel, number) = (self.group(), self.channel(), self.number());
        match (self.is_controller(), midi2) {
            (false, false) => Ump::note_off(group, channel, number, 64),
            (false, true) => Ump::note_off2(group, channel, number, scale::scale_7_to_16(64)),
            (true, false) => Ump::control_change(group, channel, number, 0),
            (true, true) => Ump::control_change2(group, channel, number, 0),
        }
    }

    /// The packet, which must be of the same sort, moved here. The pitch that a MIDI 2.0 Note On or
    /// per-note controller spells out (attribute 3 and registered per-note controller 3, M2-104-UM
    /// 7.4.2 and 7.4.5) moves by as many semitones as the note does. `[engine]`
    #[inline]
    #[must_use]
    pub const fn readdress(self, ump: &Ump) -> Ump {
        let [head, value, ..] = ump.raw();
        let semitones = self.number() as i8 - (ump.data1() & 0x7F) as i8;
        let place = (self.group() as u32) << 24 | (self.channel() as u32) << 16 | (self.number() as u32) << 8;
        let new = head & !0x0F0F_7F00 | place;
        if new >> 28 == 2 {
            return Ump::word(new);
        }
        // What is in the lowest byte is the attribute's type or the per-note controller's index.
        let value = match (head >> 20 & 0xF, head & 0xFF) {
            (0x9, 3) => value & 0xFFFF_0000 | moved(value << 16, semitones) >> 16,
            (0x0, 3) => moved(value, semitones),
            _ => value,
        };
        Ump::words2(new, value)
    }
}

/// A pitch, 7 bits of semitones above a fraction, moved by semitones and kept in its range.
const fn moved(pitch: u32, semitones: i8) -> u32 {
    let moved = pitch as i64 + ((semitones as i64) << 25);
    if moved < 0 {
        0
    } else if moved > u32::MAX as i64 {
        u32::MAX
    } else {
        moved as u32
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = if self.is_controller() { "cc" } else { "note" };
        write!(f, "g{}.ch{}.{what}{}", self.group() + 1, self.channel() + 1, self.number())
    }
}
