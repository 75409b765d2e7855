//! Packets of several sources become whole MIDI 1.0 messages: for files, where nobody waits for a part.

use std::collections::HashMap;

use midibay_plugin::{Event, Ump};
use midibay_ump::{MAX_BYTES, SYSEX_COMPLETE, SYSEX_CONTINUE, SYSEX_END, SYSEX_START, encode, to_midi1};

/// The longest SysEx that is kept, in bytes.
const MAX_SYSEX: usize = 4 << 20;
/// How many SysEx can be under way at once.
const MAX_OPEN: usize = 64;

/// Why an event gave no message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Left {
    /// Part of a SysEx that is too long, or one of too many at once.
    TooMuch,
    /// Part of a SysEx whose start or end never came.
    Broken,
    /// MIDI 1.0 has no word for it.
    NoBytes,
}

/// Collects SysEx by source and group, and hands out every message whole, when its last part comes.
#[derive(Default)]
pub(crate) struct Assembler {
    open: HashMap<(u32, u8), Vec<u8>>,
}

impl Assembler {
    /// Takes an event; `sink` gets each message that is whole now.
    pub(crate) fn push(&mut self, event: &Event, mut sink: impl FnMut(&[u8])) -> Result<(), Left> {
        let ump = &event.ump;
        match ump.message_type() {
            // Utility messages are about the wire they came over.
            0x0 => Ok(()),
            0x3 => self.sysex((event.source, ump.group()), ump, sink),
            0x4 => {
                let mut some = false;
                for message in to_midi1(ump).iter() {
                    some |= whole(message, &mut sink);
                }
                if some { Ok(()) } else { Err(Left::NoBytes) }
            }
            _ if whole(ump, &mut sink) => Ok(()),
            _ => Err(Left::NoBytes),
        }
    }

    /// A source is gone: what it left unfinished never will be. Says how many SysEx those were.
    pub(crate) fn forget(&mut self, source: u32) -> u64 {
        let before = self.open.len();
        self.open.retain(|(of, _), _| *of != source);
        (before - self.open.len()) as u64
    }

    /// The end: says how many SysEx were left unfinished.
    pub(crate) fn clear(&mut self) -> u64 {
        let open = self.open.len() as u64;
        self.open.clear();
        open
    }

    fn sysex(&mut self, from: (u32, u8), ump: &Ump, mut sink: impl FnMut(&[u8])) -> Result<(), Left> {
        let mut bytes = [0; MAX_BYTES];
        let length = encode(ump, &mut bytes);
        let part = &bytes[..length];
        let broken =
            matches!(ump.status(), SYSEX_START | SYSEX_COMPLETE) && self.open.remove(&from).is_some();
        match ump.status() {
            SYSEX_COMPLETE => sink(part),
            SYSEX_START if self.open.len() < MAX_OPEN => {
                self.open.insert(from, part.to_vec());
            }
            SYSEX_START => return Err(Left::TooMuch),
            SYSEX_CONTINUE => {
                let message = self.open.get_mut(&from).ok_or(Left::Broken)?;
                if message.len() + length > MAX_SYSEX {
                    self.open.remove(&from);
                    return Err(Left::TooMuch);
                }
                message.extend_from_slice(part);
            }
            SYSEX_END => {
                let mut message = self.open.remove(&from).ok_or(Left::Broken)?;
                message.extend_from_slice(part);
                sink(&message);
            }
            _ => return Err(Left::NoBytes),
        }
        if broken { Err(Left::Broken) } else { Ok(()) }
    }
}

fn whole(ump: &Ump, sink: &mut impl FnMut(&[u8])) -> bool {
    let mut bytes = [0; MAX_BYTES];
    let length = encode(ump, &mut bytes);
    if length > 0 {
        sink(&bytes[..length]);
    }
    length > 0
}
