//! One recording: a Standard MIDI File that is whole at every moment.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::numbered;
use crate::failure::io_text;

/// Ticks per quarter note.
const DIVISION: u16 = 960;
/// Us per quarter note: 120 quarter notes a minute.
const TEMPO: u32 = 500_000;
/// Ns per quarter note.
const QUARTER: u128 = TEMPO as u128 * 1000;
/// Where the length of the track stands.
const LENGTH_AT: u64 = 18;
/// Where the track begins.
const TRACK_AT: u64 = 22;
const END_OF_TRACK: [u8; 4] = [0, 0xFF, 0x2F, 0];
/// The largest time between two events, in ticks: 28 bits.
const MAX_DELTA: u64 = 0x0FFF_FFFF;

/// A file of format 0 that grows. What is flushed is on the disk as a whole, playable file: a program
/// or a machine that dies costs no more than what came since.
#[derive(Debug)]
pub(super) struct Take {
    pub(super) path: PathBuf,
    file: File,
    /// When it began, ns of the engine's clock.
    begin: u64,
    /// The tick of the last event.
    tick: u64,
    /// Bytes of the track in the file, without its end.
    written: u64,
    /// What is not in the file yet.
    buffer: Vec<u8>,
}

impl Take {
    /// Begins a file at `path`, or, since nothing is ever overwritten, at `path` with the first free
    /// number: `show-2.mid`.
    pub(super) fn create(path: &Path, permissions: u32, now: u64) -> Result<Self, String> {
        let mut number = 1;
        let (path, mut file) = loop {
            let path = numbered(path, number);
            match create_new(&path, permissions) {
                Ok(file) => break (path, file),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists && number < 99_999 => number += 1,
                Err(e) => return Err(io_text("record to", &path, &e)),
            }
        };
        let [_, tempo @ ..] = TEMPO.to_be_bytes();
        let mut track = vec![0, 0xFF, 0x51, 3];
        track.extend_from_slice(&tempo);
        let mut head = Vec::from(*b"MThd\0\0\0\x06\0\0\0\x01");
        head.extend_from_slice(&DIVISION.to_be_bytes());
        head.extend_from_slice(b"MTrk");
        head.extend_from_slice(&((track.len() + END_OF_TRACK.len()) as u32).to_be_bytes());
        head.extend_from_slice(&track);
        head.extend_from_slice(&END_OF_TRACK);
        file.write_all(&head).map_err(|e| io_text("record to", &path, &e))?;
        let written = track.len() as u64;
        Ok(Self { path, file, begin: now, tick: 0, written, buffer: Vec::new() })
    }

    /// Adds a whole message that came at `time`. Messages are put in the order in which they are added.
    pub(super) fn message(&mut self, time: u64, bytes: &[u8]) {
        let ns = u128::from(time.saturating_sub(self.begin));
        // To the nearest tick.
        let tick = ((ns * u128::from(DIVISION) + QUARTER / 2) / QUARTER) as u64;
        let tick = tick.max(self.tick);
        let mut delta = tick - self.tick;
        while delta > MAX_DELTA {
            // An empty text bridges a silence of more than a day.
            self.number(MAX_DELTA as u32);
            self.buffer.extend_from_slice(&[0xFF, 0x01, 0]);
            delta -= MAX_DELTA;
        }
        self.number(delta as u32);
        self.tick = tick;
        match bytes {
            [0xF0, rest @ ..] => {
                self.buffer.push(0xF0);
                self.number(rest.len() as u32);
                self.buffer.extend_from_slice(rest);
            }
            [0xF1..=0xFF, ..] => {
                self.buffer.push(0xF7);
                self.number(bytes.len() as u32);
                self.buffer.extend_from_slice(bytes);
            }
            _ => self.buffer.extend_from_slice(bytes),
        }
    }

    /// A number of variable length, 28 bits.
    fn number(&mut self, number: u32) {
        for shift in [21, 14, 7] {
            if number >> shift > 0 {
                self.buffer.push((number >> shift) as u8 & 0x7F | 0x80);
            }
        }
        self.buffer.push(number as u8 & 0x7F);
    }

    /// How many bytes wait to be written.
    pub(super) fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// Writes what waits. Between any two steps the file is whole: first what lies behind the present
    /// end of the track, then the length, and only then the end is overwritten by what comes there.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let grown = self.written + self.buffer.len() as u64;
        let length = u32::try_from(grown + END_OF_TRACK.len() as u64)
            .map_err(|_| io::Error::other("the file has 4 GB, and no MIDI file can have more"))?;
        self.buffer.extend_from_slice(&END_OF_TRACK);
        let (first, rest) = self.buffer.split_at(END_OF_TRACK.len());
        let end = TRACK_AT + self.written;
        write_at(&mut self.file, end + first.len() as u64, rest)?;
        write_at(&mut self.file, LENGTH_AT, &length.to_be_bytes())?;
        write_at(&mut self.file, end, first)?;
        self.file.sync_data()?;
        self.written = grown;
        self.buffer.clear();
        Ok(())
    }
}

fn write_at(file: &mut File, at: u64, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes)
}

/// Creates a file that did not exist, with these permissions whatever the umask says.
pub(crate) fn create_new(path: &Path, permissions: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        // Never more than these, not even for a moment.
        let file = options.mode(permissions).open(path)?;
        file.set_permissions(PermissionsExt::from_mode(permissions))?;
        Ok(file)
    }
    #[cfg(not(unix))]
    {
        // Only "nobody may write" exists here, and config refuses that.
        let _ = permissions;
        options.open(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smf;

    fn begin(dir: &Path) -> Take {
        Take::create(&dir.join("take.mid"), 0o640, 1000).unwrap()
    }

    #[test]
    fn a_recording_is_a_whole_file_between_any_two_writes() {
        let dir = tempfile::tempdir().unwrap();
        let mut take = begin(dir.path());
        take.message(1000, &[0x90, 60, 100]);
        take.flush().unwrap();
        let before = std::fs::read(&take.path).unwrap();
        take.message(2_000_001_000, &[0x80, 60, 0]);
        take.message(2_000_001_000, &[0xF0, 1, 2, 0xF7]);
        take.flush().unwrap();
        let after = std::fs::read(&take.path).unwrap();
        // The three writes of a flush, one after the other.
        let end = before.len() - END_OF_TRACK.len();
        let mut file = before.clone();
        file.extend_from_slice(&after[before.len()..]);
        let first = smf::load(&before).unwrap();
        assert_eq!(smf::load(&file).unwrap(), first);
        file[18..22].copy_from_slice(&after[18..22]);
        assert_eq!(smf::load(&file).unwrap(), first);
        file[end..end + 4].copy_from_slice(&after[end..end + 4]);
        assert_eq!(file, after);
        assert_eq!(smf::load(&file).unwrap().events.len(), 3);
    }

    #[test]
    fn a_silence_of_two_days_is_bridged() {
        let dir = tempfile::tempdir().unwrap();
        let mut take = begin(dir.path());
        let two_days = 48 * 3600 * 1_000_000_000;
        take.message(1000 + two_days, &[0x90, 60, 100]);
        take.flush().unwrap();
        let piece = smf::load(&std::fs::read(&take.path).unwrap()).unwrap();
        assert_eq!(piece.events[0].time, two_days);
    }
}
