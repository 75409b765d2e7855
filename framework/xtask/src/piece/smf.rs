//! Writes Standard MIDI Files (RP-001), format 1, and counts the notes of any.

/// One track under construction. Events may be added in any order of time; at one tick, ends of
/// notes come first and starts last.
pub(super) struct Track {
    events: Vec<(u32, Rank, Vec<u8>)>,
}

/// What comes first at one tick.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    NoteOff,
    Set,
    NoteOn,
    End,
}

impl Track {
    pub(super) fn new(name: &str) -> Self {
        let mut track = Self { events: Vec::new() };
        track.text(0, 0x03, name);
        track
    }

    fn add(&mut self, at: u32, rank: Rank, bytes: &[u8]) {
        self.events.push((at, rank, bytes.to_vec()));
    }

    /// A meta event of `kind` with `data`.
    pub(super) fn meta(&mut self, at: u32, kind: u8, data: &[u8]) {
        self.add(at, Rank::Set, &[&[0xff, kind][..], &length(data.len()), data].concat());
    }

    /// A meta event of `kind` with text.
    pub(super) fn text(&mut self, at: u32, kind: u8, text: &str) {
        self.meta(at, kind, text.as_bytes());
    }

    /// Quarter notes a minute from `at` on.
    pub(super) fn tempo(&mut self, at: u32, per_minute: f64) {
        let micros = (60e6 / per_minute).round() as u32;
        self.meta(at, 0x51, &micros.to_be_bytes()[1..]);
    }

    /// A whole SysEx; `data` is what stands between F0 and F7.
    pub(super) fn sysex(&mut self, at: u32, data: &[u8]) {
        self.add(at, Rank::Set, &[&[0xf0][..], &length(data.len() + 1), data, &[0xf7]].concat());
    }

    pub(super) fn program(&mut self, at: u32, channel: u8, program: u8) {
        self.add(at, Rank::Set, &[0xc0 | channel, program]);
    }

    pub(super) fn control(&mut self, at: u32, channel: u8, controller: u8, value: u8) {
        self.add(at, Rank::Set, &[0xb0 | channel, controller, value]);
    }

    pub(super) fn pressure(&mut self, at: u32, channel: u8, value: u8) {
        self.add(at, Rank::Set, &[0xd0 | channel, value]);
    }

    /// `value` is 14-bit, 8192 the centre.
    pub(super) fn bend(&mut self, at: u32, channel: u8, value: u16) {
        let [high, low] = (value << 1).to_be_bytes();
        self.add(at, Rank::Set, &[0xe0 | channel, low >> 1, high]);
    }

    pub(super) fn note(&mut self, at: u32, length: u32, channel: u8, note: u8, velocity: u8) {
        self.add(at, Rank::NoteOn, &[0x90 | channel, note, velocity]);
        self.add(at + length, Rank::NoteOff, &[0x80 | channel, note, 64]);
    }

    pub(super) fn end(&mut self, at: u32) {
        self.add(at, Rank::End, &[0xff, 0x2f, 0]);
    }

    fn chunk(&self) -> Vec<u8> {
        let mut events: Vec<_> = self.events.iter().collect();
        // Stable: what was set first at a tick stays first.
        events.sort_by_key(|(at, rank, _)| (*at, *rank));
        let mut body = Vec::new();
        let mut now = 0;
        for (at, _, bytes) in events {
            body.extend(length((*at - now) as usize));
            body.extend(bytes);
            now = *at;
        }
        chunk(b"MTrk", &body)
    }
}

/// A file of simultaneous tracks, `division` ticks a quarter note.
pub(super) fn file(division: u32, tracks: &[Track]) -> Vec<u8> {
    let word = |value: u32| (value as u16).to_be_bytes();
    let header = [word(1), word(tracks.len() as u32), word(division)].concat();
    let mut bytes = chunk(b"MThd", &header);
    for track in tracks {
        bytes.extend(track.chunk());
    }
    bytes
}

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&name[..], &(body.len() as u32).to_be_bytes(), body].concat()
}

/// A variable-length quantity: seven bits a byte, most significant first.
fn length(value: usize) -> Vec<u8> {
    let mut bytes = vec![(value & 0x7f) as u8];
    let mut rest = value >> 7;
    while rest > 0 {
        bytes.insert(0, (rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes
}

/// How many notes start in a file of any format; `None` when it is no whole file.
pub(super) fn count_notes(file: &[u8]) -> Option<usize> {
    let mut rest = file;
    let mut notes = 0;
    let mut tracks = 0;
    while !rest.is_empty() {
        let (name, after) = rest.split_at_checked(4)?;
        let (size, after) = after.split_first_chunk()?;
        let (body, after) = after.split_at_checked(u32::from_be_bytes(*size) as usize)?;
        if name == b"MTrk" {
            notes += Reader { rest: body, status: 0 }.notes()?;
            tracks += 1;
        }
        rest = after;
    }
    (tracks > 0).then_some(notes)
}

/// Walks over the events of a track.
struct Reader<'f> {
    rest: &'f [u8],
    /// The status byte that counts for an event without one.
    status: u8,
}

impl Reader<'_> {
    fn notes(&mut self) -> Option<usize> {
        let mut notes = 0;
        while !self.rest.is_empty() {
            self.number()?;
            if self.rest.first()? & 0x80 != 0 {
                self.status = self.take(1)?[0];
            }
            match self.status {
                0xff => {
                    self.take(1)?;
                    let size = self.number()?;
                    self.take(size)?;
                }
                0xf0 | 0xf7 => {
                    let size = self.number()?;
                    self.take(size)?;
                }
                0x90..=0x9f => notes += usize::from(self.take(2)?[1] > 0),
                0xc0..=0xdf => {
                    self.take(1)?;
                }
                0x80..=0xef => {
                    self.take(2)?;
                }
                _ => return None,
            }
        }
        Some(notes)
    }

    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// A variable-length quantity.
    fn number(&mut self) -> Option<usize> {
        let mut value = 0;
        loop {
            let byte = self.take(1)?[0];
            value = value << 7 | usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
    }
}
