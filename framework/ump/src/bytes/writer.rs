//! Packets to bytes.

use crate::Ump;
use crate::inspect::{SYSEX_COMPLETE, SYSEX_CONTINUE, SYSEX_END, SYSEX_START};
use crate::translate::to_midi1;

/// The most bytes one packet turns into: a MIDI 2.0 registered controller as four control changes.
/// A SysEx7 packet makes up to 8.
pub const MAX_BYTES: usize = 12;

/// The bytes do not fit into what is left of the buffer; nothing was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoRoom;

impl core::fmt::Display for NoRoom {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("no room for the message in the buffer; send the buffer and write it again")
    }
}

impl core::error::Error for NoRoom {}

/// Writes the packet as MIDI 1.0 bytes, without running status, and says how many there are. The
/// group is not written: a byte stream has none. `[engine]`
///
/// MIDI 2.0 channel voice messages are translated first ([`to_midi1`]). A SysEx7 packet gives its
/// part of the SysEx, with F0 in front of the first and F7 behind the last. Packets that MIDI 1.0
/// has no word for (utility, 8-bit data, flex data, stream, per-note messages) give 0 bytes. Bytes
/// of `out` beyond those counted may be overwritten.
#[inline]
pub fn encode(ump: &Ump, out: &mut [u8; MAX_BYTES]) -> usize {
    match ump.message_type() {
        0x2 => encode_voice(ump.head(), out),
        0x1 => encode_system(ump, out),
        0x3 => encode_sysex(ump, out),
        0x4 => {
            let mut length = 0;
            for message in to_midi1(ump).iter() {
                let mut bytes = [0; MAX_BYTES];
                let more = encode_voice(message.head(), &mut bytes);
                out[length..length + more].copy_from_slice(&bytes[..more]);
                length += more;
            }
            length
        }
        _ => 0,
    }
}

#[inline]
fn encode_voice(head: u32, out: &mut [u8; MAX_BYTES]) -> usize {
    let bytes = (head << 8 & 0xFF7F_7F00).to_be_bytes();
    out[..4].copy_from_slice(&bytes);
    match bytes[0] {
        0xC0..=0xDF => 2,
        0x80..=0xEF => 3,
        _ => 0,
    }
}

fn encode_system(ump: &Ump, out: &mut [u8; MAX_BYTES]) -> usize {
    out[..4].copy_from_slice(&(ump.head() << 8 & 0xFF7F_7F00).to_be_bytes());
    match out[0] {
        0xF1 | 0xF3 => 2,
        0xF2 => 3,
        0xF6 | 0xF8 | 0xFA..=0xFC | 0xFE | 0xFF => 1,
        _ => 0,
    }
}

fn encode_sysex(ump: &Ump, out: &mut [u8; MAX_BYTES]) -> usize {
    let status = ump.status();
    if !matches!(status, SYSEX_COMPLETE | SYSEX_START | SYSEX_CONTINUE | SYSEX_END) {
        return 0;
    }
    let (data, length) = ump.sysex_data();
    let mut at = 0;
    if matches!(status, SYSEX_COMPLETE | SYSEX_START) {
        out[0] = 0xF0;
        at = 1;
    }
    for byte in &data[..length] {
        // A bit that does not belong there would end the SysEx in the middle.
        out[at] = byte & 0x7F;
        at += 1;
    }
    if matches!(status, SYSEX_COMPLETE | SYSEX_END) {
        out[at] = 0xF7;
        at += 1;
    }
    at
}

/// Writes packets as one MIDI 1.0 byte stream, with running status if asked for.
///
/// The stream of bytes is only as well-formed as the stream of packets: where several sources feed
/// one output, a [`SysexMerger`](crate::SysexMerger) in front keeps their SysEx whole.
#[derive(Clone, Debug, Default)]
pub struct ByteWriter {
    running_status: bool,
    /// The status byte a message may leave out; 0 is none.
    status: u8,
}

impl ByteWriter {
    /// A writer that writes every status byte.
    pub const fn new() -> Self {
        Self { running_status: false, status: 0 }
    }

    /// A writer that leaves out a channel status byte that repeats the one before. For wires where
    /// bytes are dear (31250 baud); a receiver that joins late misses messages.
    pub const fn with_running_status() -> Self {
        Self { running_status: true, status: 0 }
    }

    /// Writes the packet at the start of `out` and says how many bytes it took, 0-[`MAX_BYTES`];
    /// what they are is said at [`encode`]. `[engine]`
    ///
    /// # Errors
    /// [`NoRoom`] if `out` is too short; then nothing counts as written.
    #[inline]
    pub fn write(&mut self, ump: &Ump, out: &mut [u8]) -> Result<usize, NoRoom> {
        if !self.running_status
            && let Some(out) = out.first_chunk_mut()
        {
            return Ok(encode(ump, out));
        }
        let mut bytes = [0; MAX_BYTES];
        let length = encode(ump, &mut bytes);
        let (bytes, length, status) =
            if self.running_status { self.leave_out(bytes, length) } else { (bytes, length, 0) };
        out.get_mut(..length).ok_or(NoRoom)?.copy_from_slice(&bytes[..length]);
        self.status = status;
        Ok(length)
    }

    /// The next message has its status byte: for a new receiver or a new datagram. `[engine]`
    #[inline]
    pub const fn reset(&mut self) {
        self.status = 0;
    }

    /// The bytes without the status bytes that repeat, how many they are, and the status then.
    fn leave_out(&self, bytes: [u8; MAX_BYTES], length: usize) -> ([u8; MAX_BYTES], usize, u8) {
        let mut status = self.status;
        let mut out = [0; MAX_BYTES];
        let mut at = 0;
        for &byte in &bytes[..length] {
            match byte {
                0x80..=0xEF if byte == status => continue,
                0x80..=0xEF => status = byte,
                0xF0..=0xF7 => status = 0,
                _ => {}
            }
            out[at] = byte;
            at += 1;
        }
        (out, at, status)
    }
}
