//! What a packet says of the control it moves.

use midibay_ump::Ump;
use midibay_ump::scale::{scale_7_to_32, scale_14_to_32, scale_up};

/// Where a control stands after a packet. The value is on the 32-bit scale whatever the packet
/// carried: scaling up by the UMP rules (M2-115-U, min-center-max) keeps the original bits on top,
/// so a later shift down is the same as scaling once from the original resolution.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reading {
    /// 0 to 2^32 - 1. The velocity of a Note On, 0 for a Note Off, the number of a program.
    pub(crate) value: u32,
    /// Note or not.
    pub(crate) gate: Gate,
}

/// Whether a reading starts or ends a note.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Gate {
    /// A Note On. In MIDI 2.0 its velocity may be 0.
    On,
    /// A Note Off, or a MIDI 1.0 Note On with velocity 0.
    Off,
    /// No note: a control that has a level.
    Level,
}

impl Reading {
    /// A level on the 32-bit scale.
    #[inline]
    pub(crate) const fn level(value: u32) -> Self {
        Self { value, gate: Gate::Level }
    }

    /// A level of 14 bits.
    #[inline]
    pub(crate) const fn level14(value: u16) -> Self {
        Self::level(scale_14_to_32(value))
    }

    /// What a channel voice packet of message type 2 or 4 says of its note, controller, pressure,
    /// bend or program. Of other packets the answer means nothing.
    #[inline]
    pub(crate) fn of(ump: &Ump) -> Self {
        let [head, data, ..] = ump.raw();
        let status = head >> 20 & 0xF;
        if ump.message_type() == 4 { Self::of_midi2(status, data) } else { Self::of_midi1(status, head) }
    }

    #[inline]
    fn of_midi1(status: u32, head: u32) -> Self {
        let (data1, data2) = ((head >> 8 & 0x7F) as u8, (head & 0x7F) as u8);
        match status {
            0x8 => Self { value: 0, gate: Gate::Off },
            0x9 if data2 == 0 => Self { value: 0, gate: Gate::Off },
            0x9 => Self { value: scale_7_to_32(data2), gate: Gate::On },
            0xC | 0xD => Self::level(scale_7_to_32(data1)),
            0xE => Self::level14(u16::from(data2) << 7 | u16::from(data1)),
            _ => Self::level(scale_7_to_32(data2)),
        }
    }

    #[inline]
    fn of_midi2(status: u32, data: u32) -> Self {
        match status {
            0x8 => Self { value: 0, gate: Gate::Off },
            0x9 => Self { value: scale_up(data >> 16, 16, 32), gate: Gate::On },
            0xC => Self::level(scale_7_to_32((data >> 24) as u8)),
            _ => Self::level(data),
        }
    }
}
