//! The currency: one Universal MIDI Packet and the event that carries it.

use core::fmt;

/// How many 32-bit words a packet of this message type (0-15) has (M2-104-UM, table 4).
pub const fn packet_words(message_type: u8) -> usize {
    match message_type & 0xF {
        0x0..=0x2 | 0x6 | 0x7 => 1,
        0x3 | 0x4 | 0x8..=0xA => 2,
        0xB | 0xC => 3,
        _ => 4,
    }
}

/// One Universal MIDI Packet, one to four 32-bit words in native order. Unused words are zero,
/// so that two packets are equal exactly when their words are.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Ump([u32; 4]);

impl Ump {
    /// A packet from its words. Words beyond the packet's size are cleared.
    #[inline]
    pub const fn new(mut words: [u32; 4]) -> Self {
        let mut i = packet_words((words[0] >> 28) as u8);
        while i < 4 {
            words[i] = 0;
            i += 1;
        }
        Self(words)
    }

    /// A packet of one word. The message type must be 0, 1, 2, 6 or 7.
    #[inline]
    pub const fn word(word: u32) -> Self {
        Self([word, 0, 0, 0])
    }

    /// A packet of two words. The message type must be 3, 4, 8, 9 or 10.
    #[inline]
    pub const fn words2(first: u32, second: u32) -> Self {
        Self([first, second, 0, 0])
    }

    /// A MIDI 1.0 channel voice message (message type 2). `group` and `channel` count from 0;
    /// `status` is the high nibble (0x8-0xE); the data are 7-bit.
    #[inline]
    pub const fn midi1(group: u8, status: u8, channel: u8, data1: u8, data2: u8) -> Self {
        Self::word(
            0x2 << 28
                | ((group & 0xF) as u32) << 24
                | ((status & 0xF) as u32) << 20
                | ((channel & 0xF) as u32) << 16
                | ((data1 & 0x7F) as u32) << 8
                | (data2 & 0x7F) as u32,
        )
    }

    /// The words of the packet: as many as its message type has.
    #[inline]
    pub fn words(&self) -> &[u32] {
        &self.0[..packet_words(self.message_type())]
    }

    /// All four words; those beyond the packet's size are zero.
    #[inline]
    pub const fn raw(&self) -> [u32; 4] {
        self.0
    }

    /// The first word.
    #[inline]
    pub const fn head(&self) -> u32 {
        self.0[0]
    }

    /// The message type, 0-15.
    #[inline]
    pub const fn message_type(&self) -> u8 {
        (self.0[0] >> 28) as u8
    }

    /// The group, 0-15. Meaningless for the groupless message types 0 and F.
    #[inline]
    pub const fn group(&self) -> u8 {
        (self.0[0] >> 24) as u8 & 0xF
    }

    /// The same packet in another group (0-15). Message types 0 and F have none and stay as they are.
    #[inline]
    #[must_use]
    pub const fn with_group(mut self, group: u8) -> Self {
        if self.message_type() != 0 && self.message_type() != 0xF {
            self.0[0] = self.0[0] & !(0xF << 24) | ((group & 0xF) as u32) << 24;
        }
        self
    }
}

impl fmt::Debug for Ump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ump(")?;
        for (i, word) in self.words().iter().enumerate() {
            write!(f, "{}{word:08X}", if i == 0 { "" } else { " " })?;
        }
        f.write_str(")")
    }
}

/// A packet on its way through the graph. 32 bytes, `Copy`, the same in every plugin.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Event {
    /// Nanoseconds of the engine's monotonic clock: when the event arrived, or when it is due.
    pub time: u64,
    /// The packet.
    pub ump: Ump,
    /// Who brought the event into the graph. The engine sets it and a processor keeps it; 0 on
    /// events that a processor makes up itself.
    pub source: u32,
    /// The port of the node it is seen at: the input port it came in by, or, on the way out, the
    /// output port it leaves by. Ports count from 0, separately for inputs and outputs.
    pub port: u16,
    /// The engine's arrival number within one pass: it keeps the order where branches of the
    /// graph meet again. A processor copies it from the event it answers.
    pub order: u16,
}

impl Event {
    /// An event of port 0 with no source, as an endpoint makes them.
    #[inline]
    pub const fn new(time: u64, ump: Ump) -> Self {
        Self { time, ump, source: 0, port: 0, order: 0 }
    }

    /// This event with another packet: the time, source, port and order are kept.
    #[inline]
    #[must_use]
    pub const fn with(self, ump: Ump) -> Self {
        Self { ump, ..self }
    }

    /// This event on another port.
    #[inline]
    #[must_use]
    pub const fn at_port(self, port: u16) -> Self {
        Self { port, ..self }
    }
}

// The ABI of plugins rests on this size.
const _: () = assert!(size_of::<Event>() == 32 && size_of::<Ump>() == 16);
