//! System exclusive messages as a whole: cut into packets, and put together again within a bound.

use alloc::boxed::Box;
use alloc::vec;

use crate::Ump;
use crate::inspect::{SYSEX_COMPLETE, SYSEX_CONTINUE, SYSEX_END, SYSEX_START};

/// The SysEx7 packets (M2-104-UM 7.7) of a message, given as its bytes with or without F0 in front
/// and F7 behind. Each byte loses its high bit. An empty message is one empty packet. `[engine]`
pub fn sysex_packets(group: u8, bytes: &[u8]) -> impl Iterator<Item = Ump> {
    let bytes = bytes.strip_prefix(&[0xF0]).unwrap_or(bytes);
    let bytes = bytes.strip_suffix(&[0xF7]).unwrap_or(bytes);
    let count = bytes.len().div_ceil(6).max(1);
    (0..count).map(move |index| {
        let part = &bytes[index * 6..bytes.len().min(index * 6 + 6)];
        let mut data = [0; 6];
        data[..part.len()].copy_from_slice(part);
        let status = match (index == 0, index + 1 == count) {
            (true, true) => SYSEX_COMPLETE,
            (true, false) => SYSEX_START,
            (false, false) => SYSEX_CONTINUE,
            (false, true) => SYSEX_END,
        };
        Ump::sysex7(group, status, data, part.len() as u8)
    })
}

/// Puts the packets of one stream together to whole SysEx messages, up to a length.
///
/// One collector per source and group. A message that is longer than the bound, or whose start is
/// missing, is left out as a whole and counted.
#[derive(Clone, Debug)]
pub struct SysexCollector {
    bytes: Box<[u8]>,
    length: usize,
    open: bool,
    lost: u64,
}

impl SysexCollector {
    /// A collector for messages of up to `bound` bytes, F0 and F7 not counted. `[main]`
    pub fn new(bound: usize) -> Self {
        Self { bytes: vec![0; bound].into_boxed_slice(), length: 0, open: false, lost: 0 }
    }

    /// Takes a packet. The last one of a message gives the whole message, without F0 and F7.
    /// Packets of other message types change nothing. `[engine]`
    pub fn push(&mut self, ump: &Ump) -> Option<&[u8]> {
        if !ump.is_sysex() {
            return None;
        }
        let status = ump.status();
        match status {
            SYSEX_COMPLETE | SYSEX_START => {
                // The one before never ended.
                self.lost += u64::from(self.open);
                self.open = true;
                self.length = 0;
            }
            SYSEX_CONTINUE | SYSEX_END if self.open => {}
            SYSEX_END => {
                self.lost += 1;
                return None;
            }
            _ => return None,
        }
        let (data, length) = ump.sysex_data();
        let end = self.length + length;
        match self.bytes.get_mut(self.length..end) {
            Some(room) => room.copy_from_slice(&data[..length]),
            None => {
                self.open = false;
                // A message that goes on is counted at its end, as one without a start.
                self.lost += u64::from(matches!(status, SYSEX_COMPLETE | SYSEX_END));
                return None;
            }
        }
        self.length = end;
        if matches!(status, SYSEX_COMPLETE | SYSEX_END) {
            self.open = false;
            return Some(&self.bytes[..end]);
        }
        None
    }

    /// How many messages were left out: too long, or without a start or an end.
    pub const fn lost(&self) -> u64 {
        self.lost
    }
}
