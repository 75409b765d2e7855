//! Bytes to packets.

use crate::Ump;
use crate::inspect::{SYSEX_COMPLETE, SYSEX_CONTINUE, SYSEX_END, SYSEX_START};

/// What was wrong with the bytes so far. Each is a count since the parser was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct ParseErrors {
    /// Data bytes that belong to no message.
    pub stray_data: u64,
    /// Messages that another status byte cut off before their last data byte.
    pub truncated: u64,
    /// SysEx that ended at a status byte other than F7.
    pub unterminated_sysex: u64,
    /// F7 without a SysEx.
    pub stray_end: u64,
    /// The undefined statuses F4, F5, F9 and FD.
    pub undefined: u64,
}

impl ParseErrors {
    /// All of them together.
    pub const fn total(&self) -> u64 {
        self.stray_data + self.truncated + self.unterminated_sysex + self.stray_end + self.undefined
    }
}

/// Reads a MIDI 1.0 byte stream, in pieces of any size, and makes packets of message types 1, 2 and
/// 3 of it. One parser per sender: running status and an open SysEx carry over from piece to piece.
///
/// - Running status is followed; system common and SysEx end it, real-time messages do not.
/// - Real-time bytes may stand anywhere, also inside another message; they are handed out at once.
/// - SysEx of any length becomes a run of SysEx7 packets, handed out while it still arrives. A
///   status byte that is not real-time ends a SysEx without F7: its end is handed out (so that no
///   receiver waits for more) and counted.
/// - Anything else that is no message is skipped and counted, and the stream goes on after it.
#[derive(Clone, Debug, Default)]
pub struct ByteParser {
    /// The status byte that data bytes belong to; 0 is none.
    status: u8,
    /// The first of two data bytes, while the second is awaited.
    first: Option<u8>,
    /// A message has begun and is not whole yet (not: running status that awaits its next one).
    begun: bool,
    in_sysex: bool,
    /// A packet of the open SysEx has been handed out.
    sysex_started: bool,
    held_bytes: u8,
    sysex: [u8; 6],
    errors: ParseErrors,
}

impl ByteParser {
    /// A parser at the start of a stream.
    pub const fn new() -> Self {
        Self {
            status: 0,
            first: None,
            begun: false,
            in_sysex: false,
            sysex_started: false,
            held_bytes: 0,
            sysex: [0; 6],
            errors: ParseErrors {
                stray_data: 0,
                truncated: 0,
                unterminated_sysex: 0,
                stray_end: 0,
                undefined: 0,
            },
        }
    }

    /// Reads some bytes and calls `sink` with each packet (of `group`, 0-15) that is whole by then.
    /// A parser stays with one group for as long as a SysEx is open. `[engine]`
    #[inline]
    pub fn parse(&mut self, group: u8, bytes: &[u8], mut sink: impl FnMut(Ump)) {
        let mut rest = bytes;
        loop {
            if !self.in_sysex && !self.begun {
                rest = self.whole_messages(group, rest, &mut sink);
            }
            let Some((&byte, tail)) = rest.split_first() else { return };
            self.byte(group, byte, &mut sink);
            rest = tail;
        }
    }

    /// The packet that one more byte makes whole, if any; the slow way to [`parse`](Self::parse) for
    /// sources that come by the byte. A byte that ends a SysEx and is a message itself (F6) gives
    /// two packets: the second is handed to `second`. `[engine]`
    pub fn push(&mut self, group: u8, byte: u8, mut second: impl FnMut(Ump)) -> Option<Ump> {
        let mut first = None;
        self.byte(group, byte, &mut |ump| match first {
            None => first = Some(ump),
            Some(_) => second(ump),
        });
        first
    }

    /// The stream is over or broken: hands out the end of an open SysEx, so that no receiver waits
    /// for more, and starts afresh. The counters stay. `[engine]`
    pub fn finish(&mut self, group: u8, mut sink: impl FnMut(Ump)) {
        self.interrupt(group, &mut sink);
        self.reset();
    }

    /// Starts afresh without handing anything out. The counters stay. `[engine]`
    pub fn reset(&mut self) {
        *self = Self { errors: self.errors, ..Self::new() };
    }

    /// What was wrong so far.
    pub const fn errors(&self) -> ParseErrors {
        self.errors
    }

    /// Is a SysEx open?
    pub const fn in_sysex(&self) -> bool {
        self.in_sysex
    }

    /// Whole channel messages at the start of `bytes`; what is left begins with something else.
    #[inline]
    fn whole_messages<'a>(&mut self, group: u8, bytes: &'a [u8], sink: &mut impl FnMut(Ump)) -> &'a [u8] {
        let head = 0x2 << 28 | u32::from(group & 0xF) << 24;
        let mut rest = bytes;
        while let [status, data1, data2, tail @ ..] = rest {
            // 8n, 9n, An, Bn and En have two data bytes; Cn and Dn, with one, go the slow way.
            let voice = (0x80..0xF0).contains(status) && status & 0xE0 != 0xC0;
            if !voice || (data1 | data2) & 0x80 != 0 {
                break;
            }
            sink(Ump::word(head | u32::from(*status) << 16 | u32::from(*data1) << 8 | u32::from(*data2)));
            self.status = *status;
            rest = tail;
        }
        rest
    }

    #[inline]
    fn byte(&mut self, group: u8, byte: u8, sink: &mut impl FnMut(Ump)) {
        match byte {
            0x00..=0x7F => self.data(group, byte, sink),
            0x80..=0xEF => {
                self.interrupt(group, sink);
                self.status = byte;
                self.begun = true;
            }
            0xF8..=0xFF => {
                if matches!(byte, 0xF9 | 0xFD) {
                    self.errors.undefined += 1;
                } else {
                    sink(Ump::system(group, byte, 0, 0));
                }
            }
            0xF7 if self.in_sysex => self.end_sysex(group, sink),
            _ => {
                self.interrupt(group, sink);
                self.common(group, byte, sink);
            }
        }
    }

    /// F0-F7, other than an F7 that ends a SysEx. Each ends running status.
    fn common(&mut self, group: u8, byte: u8, sink: &mut impl FnMut(Ump)) {
        self.status = 0;
        match byte {
            0xF0 => {
                self.in_sysex = true;
                self.sysex_started = false;
                self.held_bytes = 0;
            }
            0xF1..=0xF3 => {
                self.status = byte;
                self.begun = true;
            }
            0xF6 => sink(Ump::system(group, byte, 0, 0)),
            0xF7 => self.errors.stray_end += 1,
            _ => self.errors.undefined += 1,
        }
    }

    #[inline]
    fn data(&mut self, group: u8, byte: u8, sink: &mut impl FnMut(Ump)) {
        if self.in_sysex {
            if self.held_bytes == 6 {
                let status = if self.sysex_started { SYSEX_CONTINUE } else { SYSEX_START };
                sink(Ump::sysex7(group, status, self.sysex, 6));
                self.sysex_started = true;
                self.held_bytes = 0;
            }
            self.sysex[usize::from(self.held_bytes)] = byte;
            self.held_bytes += 1;
            return;
        }
        let (data1, data2) = match (self.status, self.first) {
            (0, _) => {
                self.errors.stray_data += 1;
                return;
            }
            (0xC0..=0xDF | 0xF1 | 0xF3, _) => (byte, 0),
            (_, Some(first)) => (first, byte),
            (_, None) => {
                self.first = Some(byte);
                self.begun = true;
                return;
            }
        };
        self.first = None;
        self.begun = false;
        if self.status < 0xF0 {
            sink(Ump::midi1(group, self.status >> 4, self.status & 0xF, data1, data2));
        } else {
            sink(Ump::system(group, self.status, data1, data2));
            self.status = 0;
        }
    }

    /// A status byte comes: whatever is not whole by now never will be.
    #[inline]
    fn interrupt(&mut self, group: u8, sink: &mut impl FnMut(Ump)) {
        if self.in_sysex {
            self.errors.unterminated_sysex += 1;
            if self.sysex_started || self.held_bytes > 0 {
                self.end_sysex(group, sink);
            }
            self.in_sysex = false;
        } else if self.begun {
            self.errors.truncated += 1;
            self.begun = false;
            self.first = None;
        }
    }

    fn end_sysex(&mut self, group: u8, sink: &mut impl FnMut(Ump)) {
        let status = if self.sysex_started { SYSEX_END } else { SYSEX_COMPLETE };
        sink(Ump::sysex7(group, status, self.sysex, self.held_bytes));
        self.in_sysex = false;
    }
}
