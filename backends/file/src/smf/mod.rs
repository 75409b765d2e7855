//! Standard MIDI Files (RP-001), read into a list of packets with exact times.
//!
//! The reader is our own: it must say at which byte of which track a file is damaged, go on after meta
//! events that are merely wrong, and never panic. `midly` holds the other end in the tests.

mod chunks;
mod tempo;
mod track;

use midibay_ump::{ByteParser, Ump};

pub use tempo::{Division, TempoMap};

/// The largest file that is read, in bytes. What is made of a file takes at most 24 times its size.
pub const MAX_FILE: usize = 8 << 20;

/// The longest piece, in ns: about 36 years. Beyond it only a damaged file gets.
pub const MAX_LENGTH: u64 = 1 << 60;

/// What is wrong with a file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SmfError {
    /// It does not begin like a MIDI file.
    #[error(
        "this is no Standard MIDI File (it does not begin with MThd); for plain bytes set mode = \"raw\""
    )]
    NotMidi,
    /// The header is cut off, or the file is empty.
    #[error("the file ends at byte {byte}, inside its header; copy it again from where it came from")]
    Cut {
        /// The length of the file.
        byte: usize,
    },
    /// Larger than [`MAX_FILE`].
    #[error("the file has {bytes} bytes, more than the {} that are read", MAX_FILE)]
    TooLarge {
        /// The length of the file.
        bytes: usize,
    },
    /// Several independent pieces in one file.
    #[error("the file holds several pieces (format 2); save the one to play as format 0 or 1")]
    Format2,
    /// A format that does not exist.
    #[error("format {0} is none that exists (0 and 1 are played); save the file again as format 0 or 1")]
    UnknownFormat(u16),
    /// A division of time that cannot be: zero, or an SMPTE rate other than 24, 25, 29 and 30.
    #[error("the header (byte {byte}) divides time by {raw:#06x}, which means nothing; save the file again")]
    Division {
        /// Where it stands.
        byte: usize,
        /// The field as it stands.
        raw: u16,
    },
    /// No track in it.
    #[error("there is no track in the file")]
    NoTracks,
    /// More tracks than a file can have.
    #[error("there are more than 65535 tracks in the file")]
    TooManyTracks,
    /// A track that cannot be read to its end.
    #[error("track {track} is damaged at byte {byte} of the file: {what}")]
    Damaged {
        /// The track, counted from 1.
        track: usize,
        /// The byte of the file, counted from 0.
        byte: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// Longer than [`MAX_LENGTH`].
    #[error("the piece would take longer than 36 years; its times are damaged")]
    TooLong,
}

/// One packet of a piece. 24 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PieceEvent {
    /// When it is due, in ns from the start of the piece.
    pub time: u64,
    words: [u32; 2],
    /// The track it comes from, counted from 0.
    pub track: u16,
}

impl PieceEvent {
    fn new(time: u64, track: u16, ump: Ump) -> Self {
        let [first, second, ..] = ump.raw();
        Self { time, words: [first, second], track }
    }

    /// The packet, in group 0. A file holds messages of types 1 to 3, so two words are all of it.
    #[inline]
    pub const fn ump(&self) -> Ump {
        Ump::words2(self.words[0], self.words[1])
    }
}

/// A piece of music: what a file says, in the order in which it is to be played.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// The packets, by time; at the same time by track, and within a track as in the file.
    pub events: Vec<PieceEvent>,
    /// When the last track ends, in ns from the start: no packet is due later.
    pub length: u64,
    /// How many tracks the file has.
    pub tracks: usize,
}

/// Reads a Standard MIDI File of format 0 or 1, also one inside a RIFF (RMID) file. `[main]`
///
/// A file is taken as it is meant where that is beyond doubt: running status goes on after meta events
/// and SysEx; chunks of other kinds are skipped; a track count, chunk length or missing End of Track
/// that does not fit is of no account; tempo changes count in whichever track they stand; a SysEx
/// without its end is ended.
///
/// # Errors
/// What is wrong with the file, and where.
pub fn load(data: &[u8]) -> Result<Piece, SmfError> {
    if data.len() > MAX_FILE {
        return Err(SmfError::TooLarge { bytes: data.len() });
    }
    let file = chunks::File::open(data)?;
    let mut score = track::Score::default();
    let mut tracks = 0;
    for chunk in file.tracks() {
        let number = u16::try_from(tracks).map_err(|_| SmfError::TooManyTracks)?;
        track::read(data, chunk, number, &mut score)?;
        tracks += 1;
    }
    if tracks == 0 {
        return Err(SmfError::NoTracks);
    }
    let track::Score { mut events, mut tempos, end } = score;
    tempos.sort_by_key(|(tick, _)| *tick);
    let map = TempoMap::new(file.division, &tempos);
    let length = map.time(end).filter(|ns| *ns <= MAX_LENGTH).ok_or(SmfError::TooLong)?;
    events.shrink_to_fit();
    events.sort_by_key(|event| event.time);
    for event in &mut events {
        // Below `length`, since no event comes after the end of its track.
        event.time = map.time(event.time).ok_or(SmfError::TooLong)?;
    }
    Ok(Piece { events, length, tracks })
}

impl Piece {
    /// The messages of a plain byte file, all due at the start; or, with `baud` (bits/s, 10 bits a
    /// byte), each when its last byte has gone over a wire of that speed. `[main]`
    ///
    /// # Errors
    /// [`SmfError::TooLarge`].
    pub fn from_bytes(bytes: &[u8], baud: Option<u32>) -> Result<Self, SmfError> {
        if bytes.len() > MAX_FILE {
            return Err(SmfError::TooLarge { bytes: bytes.len() });
        }
        let time = |sent: usize| baud.map_or(0, |b| sent as u64 * 10 * 1_000_000_000 / u64::from(b.max(1)));
        let mut parser = ByteParser::new();
        let mut events = Vec::new();
        for (i, byte) in bytes.iter().enumerate() {
            let sink = |ump| events.push(PieceEvent::new(time(i + 1), 0, ump));
            parser.parse(0, std::slice::from_ref(byte), sink);
        }
        let length = time(bytes.len());
        parser.finish(0, |ump| events.push(PieceEvent::new(length, 0, ump)));
        Ok(Self { events, length, tracks: 1 })
    }
}
