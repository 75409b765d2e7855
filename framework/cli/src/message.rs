//! MIDI messages as people write them: `note-on ch1 60 100`, `cc ch1 7 100`, `90 3C 64`.

use std::collections::VecDeque;
use std::time::Duration;

use midibay_ump::{ByteParser, System, Ump, sysex_packets};

use crate::failure::Failure;

/// What to do with one message after the other.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Step {
    /// Send these packets at once: one message.
    Send(Vec<Ump>),
    /// Wait.
    Wait(Duration),
}

/// The words that begin a message, and what follows them.
const WORDS: [(&str, &str); 21] = [
    ("note-on", "note-on ch1 60 100"),
    ("note-off", "note-off ch1 60"),
    ("note", "note ch1 60 100 500"),
    ("cc", "cc ch1 7 100"),
    ("program", "program ch1 5"),
    ("pitch", "pitch ch1 8192"),
    ("pressure", "pressure ch1 60 90"),
    ("aftertouch", "aftertouch ch1 90"),
    ("rpn", "rpn ch1 0 256"),
    ("nrpn", "nrpn ch1 1000 8192"),
    ("sysex", "sysex 7E 7F 06 01"),
    ("clock", "clock"),
    ("start", "start"),
    ("continue", "continue"),
    ("stop", "stop"),
    ("reset", "reset"),
    ("active-sensing", "active-sensing"),
    ("tune-request", "tune-request"),
    ("time-code", "time-code 0 5"),
    ("song-position", "song-position 16"),
    ("song-select", "song-select 3"),
];

/// Reads messages. Where an argument has a space in it, it is whole messages; a message may also be
/// spread over several arguments.
///
/// # Errors
/// The first thing that is not understood, with what to write instead.
pub(crate) fn read(arguments: &[String]) -> Result<Vec<Step>, Failure> {
    let words = arguments
        .iter()
        .flat_map(|argument| argument.split([' ', '\t', ',']))
        .filter(|word| !word.is_empty());
    let mut words = Words(words.collect());
    let mut steps = Vec::new();
    while let Some(word) = words.0.front().copied() {
        words.message(word, &mut steps)?;
    }
    if steps.is_empty() {
        return Err(Failure::new("there is no message to send").help("write for example: note-on ch1 60 100"));
    }
    Ok(steps)
}

struct Words<'a>(VecDeque<&'a str>);

/// Where a voice message goes.
#[derive(Clone, Copy)]
struct Place {
    group: u8,
    channel: u8,
}

impl Words<'_> {
    fn message(&mut self, word: &str, steps: &mut Vec<Step>) -> Result<(), Failure> {
        // `cc` is a word where a channel follows, and a byte (a program change of channel 13) elsewhere.
        let is_byte =
            hex(word).is_some() && !(word == "cc" && self.0.get(1).is_some_and(|next| names_place(next)));
        if is_byte {
            steps.push(Step::Send(self.raw()?));
            return Ok(());
        }
        let Some((word, example)) = WORDS.iter().find(|(known, _)| *known == word.to_ascii_lowercase())
        else {
            return Err(unknown(word));
        };
        self.0.pop_front();
        let mut packets = Vec::new();
        match *word {
            "sysex" => packets.extend(self.sysex(example)?),
            "note" => {
                let at = self.place(example)?;
                let note = self.note(example)?;
                let velocity = self.number("the velocity", 1, 127, example)?;
                let length = self.number("the length in milliseconds", 0, 600_000, example)?;
                steps.push(Step::Send(vec![Ump::note_on(at.group, at.channel, note, velocity as u8)]));
                steps.push(Step::Wait(Duration::from_millis(length.into())));
                packets.push(Ump::note_off(at.group, at.channel, note, 64));
            }
            "clock" | "start" | "continue" | "stop" | "reset" | "active-sensing" | "tune-request"
            | "time-code" | "song-position" | "song-select" => packets.push(self.system(word, example)?),
            _ => self.voice(word, example, &mut packets)?,
        }
        steps.push(Step::Send(packets));
        Ok(())
    }

    fn voice(&mut self, word: &str, example: &str, packets: &mut Vec<Ump>) -> Result<(), Failure> {
        let Place { group, channel } = self.place(example)?;
        let packet = match word {
            "note-on" => {
                let note = self.note(example)?;
                Ump::note_on(group, channel, note, self.seven("the velocity", example)?)
            }
            "note-off" => {
                let note = self.note(example)?;
                let velocity = match self.0.front().is_some_and(|next| next.parse::<u8>().is_ok()) {
                    true => self.seven("the velocity", example)?,
                    false => 64,
                };
                Ump::note_off(group, channel, note, velocity)
            }
            "cc" => {
                let controller = self.seven("the controller", example)?;
                Ump::control_change(group, channel, controller, self.seven("the value", example)?)
            }
            "program" => Ump::program_change(group, channel, self.seven("the program", example)?),
            "pitch" => Ump::pitch_bend(group, channel, self.fourteen("the bend", example)?),
            "pressure" => {
                let note = self.note(example)?;
                Ump::poly_pressure(group, channel, note, self.seven("the pressure", example)?)
            }
            "aftertouch" => Ump::channel_pressure(group, channel, self.seven("the pressure", example)?),
            _ => {
                // A parameter's number is selected, then its value is entered (MIDI 1.0, "Registered
                // Parameter Numbers"), the high seven bits first each.
                let number = self.fourteen("the number of the parameter", example)?;
                let value = self.fourteen("the value", example)?;
                let (high, low) = if word == "rpn" { (101, 100) } else { (99, 98) };
                for (controller, value) in [(high, number >> 7), (low, number), (6, value >> 7), (38, value)]
                {
                    packets.push(Ump::control_change(group, channel, controller, (value & 0x7F) as u8));
                }
                return Ok(());
            }
        };
        packets.push(packet);
        Ok(())
    }

    fn system(&mut self, word: &str, example: &str) -> Result<Ump, Failure> {
        let group = self.group()?;
        let message = match word {
            "clock" => System::Clock,
            "start" => System::Start,
            "continue" => System::Continue,
            "stop" => System::Stop,
            "reset" => System::Reset,
            "active-sensing" => System::ActiveSensing,
            "tune-request" => System::TuneRequest,
            "song-select" => System::SongSelect(self.seven("the song", example)?),
            "song-position" => System::SongPosition(self.fourteen("the position", example)?),
            _ => {
                let piece = self.number("the piece", 0, 7, example)? as u8;
                System::TimeCode(piece << 4 | self.number("the value", 0, 15, example)? as u8)
            }
        };
        Ok(midibay_ump::Message::System { group, message }.encode())
    }

    fn sysex(&mut self, example: &str) -> Result<Vec<Ump>, Failure> {
        let group = self.group()?;
        let mut bytes = self.bytes();
        if bytes.first() == Some(&0xF0) {
            bytes.remove(0);
        }
        if bytes.last() == Some(&0xF7) {
            bytes.pop();
        }
        if bytes.is_empty() {
            return Err(missing("the bytes", example));
        }
        if let Some(bad) = bytes.iter().find(|byte| **byte > 0x7F) {
            return Err(Failure::new(format!("{bad:02X} cannot stand inside a SysEx")).help(
                "its bytes are hexadecimal, from 00 to 7F; F0 in front and F7 at the end may be left out",
            ));
        }
        Ok(sysex_packets(group, &bytes).collect())
    }

    fn raw(&mut self) -> Result<Vec<Ump>, Failure> {
        let bytes = self.bytes();
        let text: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        let mut parser = ByteParser::new();
        let mut packets = Vec::new();
        parser.parse(0, &bytes, |packet| packets.push(packet));
        let mut whole = true;
        let before = parser.errors().total();
        parser.finish(0, |_| whole = false);
        if before > 0 || parser.errors().total() > 0 || !whole || packets.is_empty() {
            return Err(Failure::new(format!("`{}` is not a whole MIDI message", text.join(" ")))
                .help("raw bytes are hexadecimal, a status byte first: 90 3C 64 is a Note On of channel 1"));
        }
        Ok(packets)
    }

    /// All bytes that follow.
    fn bytes(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some(word) = self.0.front().copied() {
            if word == "cc" && self.0.get(1).is_some_and(|next| names_place(next)) {
                break;
            }
            match hex(word) {
                Some(some) => bytes.extend(some),
                None => break,
            }
            self.0.pop_front();
        }
        bytes
    }

    /// `g2`, if it stands there; 0 is the first.
    fn group(&mut self) -> Result<u8, Failure> {
        match self
            .0
            .front()
            .and_then(|word| word.strip_prefix('g'))
            .and_then(|digits| digits.parse::<u32>().ok())
        {
            Some(group) => {
                self.0.pop_front();
                counted("group", "g", group)
            }
            None => Ok(0),
        }
    }

    fn place(&mut self, example: &str) -> Result<Place, Failure> {
        let group = self.group()?;
        let Some(word) = self.0.pop_front() else { return Err(missing("the channel", example)) };
        let digits = word.strip_prefix("channel").or_else(|| word.strip_prefix("ch"));
        match digits.and_then(|digits| digits.parse::<u32>().ok()) {
            Some(channel) => Ok(Place { group, channel: counted("channel", "ch", channel)? }),
            None => Err(Failure::new(format!("`{word}` is no channel"))
                .help(format!("the channel stands behind the word, as ch1 to ch16: {example}"))),
        }
    }

    fn seven(&mut self, what: &str, example: &str) -> Result<u8, Failure> {
        self.number(what, 0, 127, example).map(|number| number as u8)
    }

    fn fourteen(&mut self, what: &str, example: &str) -> Result<u16, Failure> {
        self.number(what, 0, 16383, example).map(|number| number as u16)
    }

    fn number(&mut self, what: &str, low: u32, high: u32, example: &str) -> Result<u32, Failure> {
        let Some(word) = self.0.pop_front() else { return Err(missing(what, example)) };
        match word.parse::<u32>() {
            Ok(number) if (low..=high).contains(&number) => Ok(number),
            _ => Err(Failure::new(format!("`{word}` cannot be {what}"))
                .help(format!("{what} is a number from {low} to {high}: {example}"))),
        }
    }

    /// A note's number or name.
    fn note(&mut self, example: &str) -> Result<u8, Failure> {
        let Some(word) = self.0.pop_front() else { return Err(missing("the note", example)) };
        let number = word.parse::<i32>().ok().or_else(|| note_number(word));
        match number.and_then(|number| u8::try_from(number).ok()).filter(|number| *number < 128) {
            Some(note) => Ok(note),
            None => Err(Failure::new(format!("`{word}` is no note")).help(format!(
                "a note is a number from 0 to 127 or a name from C-1 to G9 (60 is C4): {example}"
            ))),
        }
    }
}

/// `C4`, `F#3`, `Bb2`: 60 is C4.
fn note_number(name: &str) -> Option<i32> {
    let mut letters = name.chars();
    let step = match letters.next()?.to_ascii_uppercase() {
        'C' => 0,
        'D' => 2,
        'E' => 4,
        'F' => 5,
        'G' => 7,
        'A' => 9,
        'B' => 11,
        _ => return None,
    };
    let rest = letters.as_str();
    let (shift, octave) = match rest.strip_prefix('#') {
        Some(octave) => (1, octave),
        None => rest.strip_prefix('b').map_or((0, rest), |octave| (-1, octave)),
    };
    let octave: i32 = octave.parse().ok().filter(|octave| (-1..=9).contains(octave))?;
    Some((octave + 1) * 12 + step + shift)
}

/// One byte as two digits, or several without a space between: `90`, `903C64`.
fn hex(word: &str) -> Option<Vec<u8>> {
    let word = word.strip_prefix("0x").unwrap_or(word);
    if word.is_empty() || !word.len().is_multiple_of(2) || !word.chars().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    (0..word.len()).step_by(2).map(|at| u8::from_str_radix(&word[at..at + 2], 16).ok()).collect()
}

/// Whether a word is `ch1` or `g1`.
fn names_place(word: &str) -> bool {
    let digits =
        word.strip_prefix("channel").or_else(|| word.strip_prefix("ch")).or_else(|| word.strip_prefix('g'));
    digits.is_some_and(|digits| digits.parse::<u32>().is_ok())
}

fn counted(what: &str, letters: &str, number: u32) -> Result<u8, Failure> {
    match number {
        1..=16 => Ok(number as u8 - 1),
        _ => Err(Failure::new(format!("there is no {what} {number}"))
            .help(format!("{what}s count from 1 to 16, as on devices: {letters}1"))),
    }
}

fn missing(what: &str, example: &str) -> Failure {
    Failure::new(format!("{what} is missing at the end")).help(format!("write for example: {example}"))
}

fn unknown(word: &str) -> Failure {
    let known = WORDS.iter().map(|(known, example)| (strsim::damerau_levenshtein(known, word), example));
    let help = match known.min_by_key(|(distance, _)| *distance) {
        Some((distance, example)) if distance <= 1 + word.len() / 4 => format!("did you mean: {example}"),
        _ => format!(
            "the messages are {}, or raw bytes such as 90 3C 64",
            WORDS.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ")
        ),
    };
    Failure::new(format!("`{word}` is no MIDI message")).help(help)
}

#[cfg(test)]
#[path = "message/tests.rs"]
mod tests;
