//! Packets from their fields. Groups and channels count from 0; fields wider than their place lose
//! their high bits, as in [`Ump::midi1`].

use crate::Ump;

/// MIDI 1.0 protocol: system messages, channel voice messages and SysEx7.
impl Ump {
    /// A system real-time or system common message (message type 1; M2-104-UM 7.6). `status` is the
    /// whole status byte (0xF1-0xFE), the data are 7-bit and 0 where the message has none.
    #[inline]
    pub const fn system(group: u8, status: u8, data1: u8, data2: u8) -> Self {
        Self::word(
            0x1 << 28
                | ((group & 0xF) as u32) << 24
                | (status as u32) << 16
                | ((data1 & 0x7F) as u32) << 8
                | (data2 & 0x7F) as u32,
        )
    }

    /// A MIDI 1.0 Note On with a 7-bit velocity. Velocity 0 means Note Off.
    #[inline]
    pub const fn note_on(group: u8, channel: u8, note: u8, velocity: u8) -> Self {
        Self::midi1(group, 0x9, channel, note, velocity)
    }

    /// A MIDI 1.0 Note Off with a 7-bit velocity; 64 where none is known.
    #[inline]
    pub const fn note_off(group: u8, channel: u8, note: u8, velocity: u8) -> Self {
        Self::midi1(group, 0x8, channel, note, velocity)
    }

    /// A MIDI 1.0 poly (per note) pressure, 7-bit.
    #[inline]
    pub const fn poly_pressure(group: u8, channel: u8, note: u8, pressure: u8) -> Self {
        Self::midi1(group, 0xA, channel, note, pressure)
    }

    /// A MIDI 1.0 control change, 7-bit.
    #[inline]
    pub const fn control_change(group: u8, channel: u8, controller: u8, value: u8) -> Self {
        Self::midi1(group, 0xB, channel, controller, value)
    }

    /// A MIDI 1.0 program change, 0-127.
    #[inline]
    pub const fn program_change(group: u8, channel: u8, program: u8) -> Self {
        Self::midi1(group, 0xC, channel, program, 0)
    }

    /// A MIDI 1.0 channel pressure (aftertouch), 7-bit.
    #[inline]
    pub const fn channel_pressure(group: u8, channel: u8, pressure: u8) -> Self {
        Self::midi1(group, 0xD, channel, pressure, 0)
    }

    /// A MIDI 1.0 pitch bend. `value` is 14-bit; 0x2000 is the centre.
    #[inline]
    pub const fn pitch_bend(group: u8, channel: u8, value: u16) -> Self {
        Self::midi1(group, 0xE, channel, (value & 0x7F) as u8, (value >> 7) as u8 & 0x7F)
    }

    /// A SysEx7 packet (message type 3; M2-104-UM 7.7) with the first `length` (0-6) bytes of
    /// `data`. `status` is one of [`SYSEX_COMPLETE`](crate::SYSEX_COMPLETE),
    /// [`SYSEX_START`](crate::SYSEX_START), [`SYSEX_CONTINUE`](crate::SYSEX_CONTINUE) and
    /// [`SYSEX_END`](crate::SYSEX_END). The bytes are 7-bit.
    #[inline]
    pub const fn sysex7(group: u8, status: u8, data: [u8; 6], length: u8) -> Self {
        let length = if length > 6 { 6 } else { length };
        let used = u64::MAX << (48 - 8 * length as u64) & 0x7F7F_7F7F_7F7F;
        let bytes = u64::from_be_bytes([0, 0, data[0], data[1], data[2], data[3], data[4], data[5]]) & used;
        Self::words2(
            0x3 << 28
                | ((group & 0xF) as u32) << 24
                | ((status & 0xF) as u32) << 20
                | (length as u32) << 16
                | (bytes >> 32) as u32,
            bytes as u32,
        )
    }
}

/// MIDI 2.0 protocol: channel voice messages (message type 4; M2-104-UM 7.4).
impl Ump {
    /// A MIDI 2.0 channel voice message. `status` is the high nibble; `data1` and `data2` are the
    /// two low bytes of the first word, `value` is the second word.
    #[inline]
    pub const fn midi2(group: u8, status: u8, channel: u8, data1: u8, data2: u8, value: u32) -> Self {
        Self::words2(
            0x4 << 28
                | ((group & 0xF) as u32) << 24
                | ((status & 0xF) as u32) << 20
                | ((channel & 0xF) as u32) << 16
                | (data1 as u32) << 8
                | data2 as u32,
            value,
        )
    }

    /// A MIDI 2.0 Note On without an attribute. The velocity is 16-bit; 0 is a valid velocity.
    #[inline]
    pub const fn note_on2(group: u8, channel: u8, note: u8, velocity: u16) -> Self {
        Self::midi2(group, 0x9, channel, note & 0x7F, 0, (velocity as u32) << 16)
    }

    /// A MIDI 2.0 Note Off without an attribute. The velocity is 16-bit; 0x8000 where none is known.
    #[inline]
    pub const fn note_off2(group: u8, channel: u8, note: u8, velocity: u16) -> Self {
        Self::midi2(group, 0x8, channel, note & 0x7F, 0, (velocity as u32) << 16)
    }

    /// A MIDI 2.0 poly pressure, 32-bit.
    #[inline]
    pub const fn poly_pressure2(group: u8, channel: u8, note: u8, pressure: u32) -> Self {
        Self::midi2(group, 0xA, channel, note & 0x7F, 0, pressure)
    }

    /// A MIDI 2.0 control change, 32-bit.
    #[inline]
    pub const fn control_change2(group: u8, channel: u8, controller: u8, value: u32) -> Self {
        Self::midi2(group, 0xB, channel, controller & 0x7F, 0, value)
    }

    /// A MIDI 2.0 program change, with the 14-bit bank it belongs to if there is one.
    #[inline]
    pub const fn program_change2(group: u8, channel: u8, program: u8, bank: Option<u16>) -> Self {
        let (valid, bank) = match bank {
            Some(bank) => (1, bank as u32),
            None => (0, 0),
        };
        let value = ((program & 0x7F) as u32) << 24 | (bank << 1 & 0x7F00) | (bank & 0x7F);
        Self::midi2(group, 0xC, channel, 0, valid, value)
    }

    /// A MIDI 2.0 channel pressure, 32-bit.
    #[inline]
    pub const fn channel_pressure2(group: u8, channel: u8, pressure: u32) -> Self {
        Self::midi2(group, 0xD, channel, 0, 0, pressure)
    }

    /// A MIDI 2.0 pitch bend, 32-bit; 0x8000_0000 is the centre.
    #[inline]
    pub const fn pitch_bend2(group: u8, channel: u8, value: u32) -> Self {
        Self::midi2(group, 0xE, channel, 0, 0, value)
    }

    /// A MIDI 2.0 registered controller (RPN). `number` is 14-bit (bank << 7 | index), the value
    /// 32-bit.
    #[inline]
    pub const fn rpn2(group: u8, channel: u8, number: u16, value: u32) -> Self {
        Self::midi2(group, 0x2, channel, (number >> 7) as u8 & 0x7F, (number & 0x7F) as u8, value)
    }

    /// A MIDI 2.0 assignable controller (NRPN). `number` is 14-bit (bank << 7 | index), the value
    /// 32-bit.
    #[inline]
    pub const fn nrpn2(group: u8, channel: u8, number: u16, value: u32) -> Self {
        Self::midi2(group, 0x3, channel, (number >> 7) as u8 & 0x7F, (number & 0x7F) as u8, value)
    }
}
