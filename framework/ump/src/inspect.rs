//! Questions about a packet, cheap enough for the event path (`[engine]`).

use crate::Ump;

/// SysEx7 status: a whole SysEx in one packet.
pub const SYSEX_COMPLETE: u8 = 0;
/// SysEx7 status: the first packet of several.
pub const SYSEX_START: u8 = 1;
/// SysEx7 status: a packet between the first and the last.
pub const SYSEX_CONTINUE: u8 = 2;
/// SysEx7 status: the last packet of several.
pub const SYSEX_END: u8 = 3;

impl Ump {
    /// Is this a MIDI 1.0 or MIDI 2.0 channel voice message?
    #[inline]
    pub const fn is_voice(&self) -> bool {
        matches!(self.message_type(), 0x2 | 0x4)
    }

    /// The channel (0-15) of a channel voice message.
    #[inline]
    pub const fn channel(&self) -> Option<u8> {
        if self.is_voice() { Some((self.head() >> 16) as u8 & 0xF) } else { None }
    }

    /// The same packet on another channel (0-15). Only channel voice messages have one; all
    /// others stay as they are.
    #[inline]
    #[must_use]
    pub const fn with_channel(self, channel: u8) -> Self {
        if self.is_voice() {
            let [head, rest @ ..] = self.raw();
            return Self::new([head & !0xF_0000 | ((channel & 0xF) as u32) << 16, rest[0], rest[1], rest[2]]);
        }
        self
    }

    /// The group and channel of a channel voice message as one index: `group << 4 | channel`.
    #[inline]
    pub const fn channel_index(&self) -> usize {
        (self.head() >> 16 & 0xF | self.head() >> 20 & 0xF0) as usize
    }

    /// The status: the whole status byte for system messages (message type 1), else the status
    /// nibble (0x8-0xE and, in MIDI 2.0, 0x0-0x6 and 0xF; the SysEx7 status for message type 3).
    #[inline]
    pub const fn status(&self) -> u8 {
        if self.message_type() == 0x1 { (self.head() >> 16) as u8 } else { (self.head() >> 20) as u8 & 0xF }
    }

    /// The third byte of the first word: the first data byte of a MIDI 1.0 message, the note or
    /// index of a MIDI 2.0 one.
    #[inline]
    pub const fn data1(&self) -> u8 {
        (self.head() >> 8) as u8
    }

    /// The lowest byte of the first word: the second data byte of a MIDI 1.0 message.
    #[inline]
    pub const fn data2(&self) -> u8 {
        self.head() as u8
    }

    /// A note starts: Note On, except a MIDI 1.0 one of velocity 0.
    #[inline]
    pub const fn is_note_on(&self) -> bool {
        match self.head() >> 20 & 0xF0F {
            0x209 => self.head() & 0x7F != 0,
            0x409 => true,
            _ => false,
        }
    }

    /// A note ends: Note Off, or a MIDI 1.0 Note On of velocity 0.
    #[inline]
    pub const fn is_note_off(&self) -> bool {
        match self.head() >> 20 & 0xF0F {
            0x208 | 0x408 => true,
            0x209 => self.head() & 0x7F == 0,
            _ => false,
        }
    }

    /// The note number (0-127) of messages that have one: notes, poly pressure, and the per-note
    /// messages of MIDI 2.0.
    #[inline]
    pub const fn note(&self) -> Option<u8> {
        match self.head() >> 20 & 0xF0F {
            0x208..=0x20A | 0x408..=0x40A | 0x400 | 0x401 | 0x406 | 0x40F => {
                Some((self.head() >> 8) as u8 & 0x7F)
            }
            _ => None,
        }
    }

    /// The same packet for another note (0-127). Messages without a note stay as they are.
    #[inline]
    #[must_use]
    pub const fn with_note(self, note: u8) -> Self {
        if self.note().is_none() {
            return self;
        }
        let [head, rest @ ..] = self.raw();
        Self::new([head & !0x7F00 | ((note & 0x7F) as u32) << 8, rest[0], rest[1], rest[2]])
    }

    /// A system real-time message (0xF8-0xFF): it may pass between any two bytes of another.
    #[inline]
    pub const fn is_realtime(&self) -> bool {
        self.head() >> 28 == 1 && self.head() & 0xF8_0000 == 0xF8_0000
    }

    /// A SysEx7 packet.
    #[inline]
    pub const fn is_sysex(&self) -> bool {
        self.head() >> 28 == 3
    }

    /// The data bytes of a SysEx7 packet and how many of them count (0-6). Zero for other packets.
    #[inline]
    pub const fn sysex_data(&self) -> ([u8; 6], usize) {
        if !self.is_sysex() {
            return ([0; 6], 0);
        }
        let [head, second, ..] = self.raw();
        let (a, b) = (head.to_be_bytes(), second.to_be_bytes());
        let length = (a[1] & 0xF) as usize;
        ([a[2], a[3], b[0], b[1], b[2], b[3]], if length > 6 { 6 } else { length })
    }
}
