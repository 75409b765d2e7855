//! The packets of one SysEx stay together.

use midibay_ump::{SYSEX_COMPLETE, SYSEX_CONTINUE, SYSEX_END, SYSEX_START, Ump};

/// How many unfinished SysEx are followed at once, over all sources and groups.
const ROOM: usize = 64;

/// What was decided about each SysEx that has begun and not ended: for processors that drop or move
/// them, so that a change of options in the middle does not tear one. For SysEx7 (message type 3) and
/// SysEx8 (message type 5, by its stream id). When 64 are unfinished at once, further ones are decided
/// packet by packet.
pub struct Runs {
    runs: [Run; ROOM],
    len: usize,
}

#[derive(Clone, Copy)]
struct Run {
    source: u32,
    stream: u16,
    way: u8,
}

impl Default for Runs {
    fn default() -> Self {
        Self::new()
    }
}

impl Runs {
    /// Nothing begun. `[any]`
    pub const fn new() -> Self {
        Self { runs: [Run { source: 0, stream: 0, way: 0 }; ROOM], len: 0 }
    }

    /// What was decided (a number of the caller's) about the SysEx that this packet, of message type
    /// 3 or 5, belongs to; its first packet decides. `[engine]`
    pub fn way(&mut self, source: u32, ump: &Ump, decide: impl FnOnce() -> u8) -> u8 {
        let stream = u16::from(ump.group()) << 8
            | if ump.message_type() == 5 { 1 << 15 | u16::from(ump.data1()) } else { 0 };
        let at = self.runs[..self.len].iter().position(|run| run.source == source && run.stream == stream);
        match (ump.status(), at) {
            (SYSEX_CONTINUE, Some(at)) => self.runs[at].way,
            (SYSEX_END, Some(at)) => self.remove(at).way,
            (SYSEX_START, _) => {
                let run = Run { source, stream, way: decide() };
                match at {
                    Some(at) => self.runs[at] = run,
                    None if self.len < ROOM => {
                        self.runs[self.len] = run;
                        self.len += 1;
                    }
                    None => {}
                }
                run.way
            }
            (SYSEX_COMPLETE, Some(at)) => {
                self.remove(at);
                decide()
            }
            _ => decide(),
        }
    }

    fn remove(&mut self, at: usize) -> Run {
        let run = self.runs[at];
        self.len -= 1;
        self.runs[at] = self.runs[self.len];
        run
    }

    /// Forgets a source. `[engine]`
    pub fn source_lost(&mut self, source: u32) {
        let mut at = 0;
        while at < self.len {
            if self.runs[at].source == source {
                self.remove(at);
            } else {
                at += 1;
            }
        }
    }
}
