//! The frame of a file: RIFF, header, track chunks.

use std::ops::Range;

use super::SmfError;
use super::tempo::Division;

/// A file whose header has been read.
pub(super) struct File<'a> {
    data: &'a [u8],
    /// The first byte behind the header.
    body: usize,
    /// Where the chunks end.
    end: usize,
    pub(super) division: Division,
}

/// The bytes of a chunk that begins at `at`, its identifier, and whether its length is read from its low
/// end (RIFF). A length beyond the end of the file means: up to there.
fn chunk(data: &[u8], at: usize, end: usize, little: bool) -> Option<([u8; 4], Range<usize>)> {
    let head = data.get(at..end)?.first_chunk::<8>()?;
    let [a, b, c, d, length @ ..] = *head;
    let length = if little { u32::from_le_bytes(length) } else { u32::from_be_bytes(length) };
    let start = at + 8;
    Some(([a, b, c, d], start..start.saturating_add(length as usize).min(end)))
}

impl<'a> File<'a> {
    pub(super) fn open(data: &'a [u8]) -> Result<Self, SmfError> {
        let (start, end) = match data.starts_with(b"RIFF") {
            true => unwrap_riff(data)?,
            false => (0, data.len()),
        };
        let begin = &data[start..end];
        if begin.len() < 4 && b"MThd".starts_with(begin) {
            return Err(SmfError::Cut { byte: data.len() });
        }
        if !begin.starts_with(b"MThd") {
            return Err(SmfError::NotMidi);
        }
        let (_, header) = chunk(data, start, end, false).ok_or(SmfError::Cut { byte: data.len() })?;
        let fields = data[header.clone()].first_chunk::<6>().ok_or(SmfError::Cut { byte: data.len() })?;
        match u16::from_be_bytes([fields[0], fields[1]]) {
            0 | 1 => {}
            2 => return Err(SmfError::Format2),
            other => return Err(SmfError::UnknownFormat(other)),
        }
        let raw = u16::from_be_bytes([fields[4], fields[5]]);
        let division = Division::from_raw(raw).ok_or(SmfError::Division { byte: header.start + 4, raw })?;
        Ok(Self { data, body: header.end, end, division })
    }

    /// Where the data of each track stand.
    pub(super) fn tracks(&self) -> impl Iterator<Item = Range<usize>> {
        let mut at = self.body;
        std::iter::from_fn(move || {
            let (id, data) = chunk(self.data, at, self.end, false)?;
            at = data.end;
            Some((id, data))
        })
        .filter(|(id, _)| id == b"MTrk")
        .map(|(_, data)| data)
    }
}

/// Where the MIDI file inside a RIFF file begins and ends.
fn unwrap_riff(data: &[u8]) -> Result<(usize, usize), SmfError> {
    let (_, riff) = chunk(data, 0, data.len(), true).ok_or(SmfError::Cut { byte: data.len() })?;
    if !data[riff.clone()].starts_with(b"RMID") {
        return Err(SmfError::NotMidi);
    }
    let mut at = riff.start + 4;
    while let Some((id, inner)) = chunk(data, at, riff.end, true) {
        if id == *b"data" {
            return Ok((inner.start, inner.end));
        }
        // Chunks of odd length are followed by a byte that fills them up.
        at = inner.end + inner.len() % 2;
    }
    Err(SmfError::NotMidi)
}
