//! The events of one track.

use std::ops::Range;

use midibay_ump::{ByteParser, Ump};

use super::{PieceEvent, SmfError};

/// What the tracks read so far add up to.
#[derive(Default)]
pub(super) struct Score {
    /// The packets, track by track; their `time` is still a tick.
    pub(super) events: Vec<PieceEvent>,
    /// Tempo changes: tick, us per quarter note.
    pub(super) tempos: Vec<(u64, u32)>,
    /// The tick at which the longest track ends.
    pub(super) end: u64,
}

const CUT: &str = "it ends in the middle of an event";
const LONG_NUMBER: &str = "a number of more than four bytes";
const NO_STATUS: &str = "data that belong to no message";
const BAD_DATA: &str = "a status byte where a data byte belongs";
const SYSTEM: &str = "a system message, which may only stand in an escape (F7)";

struct Reader<'a> {
    data: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, &'static str> {
        if self.at == self.end {
            return Err(CUT);
        }
        self.at += 1;
        Ok(self.data[self.at - 1])
    }

    fn data_byte(&mut self) -> Result<u8, &'static str> {
        match self.byte()? {
            byte @ 0..0x80 => Ok(byte),
            _ => Err(BAD_DATA),
        }
    }

    fn number(&mut self) -> Result<u32, &'static str> {
        let mut number = 0;
        for _ in 0..4 {
            let byte = self.byte()?;
            number = number << 7 | u32::from(byte & 0x7F);
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(LONG_NUMBER)
    }

    fn bytes(&mut self) -> Result<&'a [u8], &'static str> {
        let length = self.number()? as usize;
        if self.end - self.at < length {
            return Err(CUT);
        }
        self.at += length;
        Ok(&self.data[self.at - length..self.at])
    }
}

/// Reads the track whose data stand at `chunk`.
pub(super) fn read(data: &[u8], chunk: Range<usize>, track: u16, score: &mut Score) -> Result<(), SmfError> {
    let mut reader = Reader { data, at: chunk.start, end: chunk.end };
    let mut events = Events { track, score, sysex: ByteParser::new(), last_part: 0 };
    let mut running = None;
    let mut tick = 0;
    while reader.at < reader.end {
        let begin = reader.at;
        let damaged = |what| SmfError::Damaged { track: usize::from(track) + 1, byte: begin, what };
        match event(&mut reader, &mut tick, &mut running, &mut events) {
            Ok(true) => {}
            Ok(false) => break,
            Err(what) => return Err(damaged(what)),
        }
    }
    events.end_sysex();
    score.end = score.end.max(tick);
    Ok(())
}

/// Reads one event; says whether the track goes on.
fn event(
    reader: &mut Reader<'_>,
    tick: &mut u64,
    running: &mut Option<u8>,
    events: &mut Events<'_>,
) -> Result<bool, &'static str> {
    *tick += u64::from(reader.number()?);
    let first = reader.byte()?;
    let status = match first {
        0x80.. => first,
        // The data byte of a running status is read again below.
        _ => {
            reader.at -= 1;
            running.ok_or(NO_STATUS)?
        }
    };
    match status {
        0..0xF0 => {
            *running = Some(status);
            let data1 = reader.data_byte()?;
            let data2 = if matches!(status, 0xC0..0xE0) { 0 } else { reader.data_byte()? };
            events.push(*tick, Ump::midi1(0, status >> 4, status & 0xF, data1, data2));
        }
        0xF0 => {
            let bytes = reader.bytes()?;
            events.sysex(*tick, bytes);
        }
        0xF7 => {
            let bytes = reader.bytes()?;
            events.escape(*tick, bytes);
        }
        0xFF => {
            let kind = reader.byte()?;
            match (kind, reader.bytes()?) {
                (0x2F, _) => return Ok(false),
                (0x51, &[high, mid, low, ..]) => {
                    events.score.tempos.push((*tick, u32::from_be_bytes([0, high, mid, low])));
                }
                _ => {}
            }
        }
        _ => return Err(SYSTEM),
    }
    Ok(true)
}

/// Where the events of a track go.
struct Events<'a> {
    track: u16,
    score: &'a mut Score,
    /// Reads SysEx and escapes; a SysEx may be spread over several of them.
    sysex: ByteParser,
    /// The tick of the last of these. A SysEx whose end is missing ended there.
    last_part: u64,
}

impl Events<'_> {
    fn push(&mut self, tick: u64, ump: Ump) {
        self.score.events.push(PieceEvent::new(tick, self.track, ump));
    }

    fn end_sysex(&mut self) {
        let Self { track, score, sysex, last_part } = self;
        sysex.finish(0, |ump| score.events.push(PieceEvent::new(*last_part, *track, ump)));
    }

    fn sysex(&mut self, tick: u64, bytes: &[u8]) {
        self.end_sysex();
        self.escape(tick, &[0xF0]);
        self.escape(tick, bytes);
    }

    fn escape(&mut self, tick: u64, bytes: &[u8]) {
        self.last_part = tick;
        let Self { track, score, sysex, .. } = self;
        sysex.parse(0, bytes, |ump| score.events.push(PieceEvent::new(tick, *track, ump)));
    }
}
