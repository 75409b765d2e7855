//! Messages in words, for monitors: `ch1 note-on 60 (C4) vel 100`.
//!
//! Channels and groups are shown from 1, as people and devices count; the group is shown only when
//! it is not the first, as `g2`. Values are shown as the message carries them.

use core::fmt::{self, Display, Formatter};

use crate::Ump;
use crate::message::{Message, Midi1Voice, Midi2Voice, SysExForm, System, Utility};

const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/// A note number as people read it: `60 (C4)`. Middle C (60) is C4.
#[derive(Clone, Copy)]
pub struct NoteName(pub u8);

impl Display for NoteName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}{})", self.0, NAMES[usize::from(self.0 % 12)], i16::from(self.0 / 12) - 1)
    }
}

impl Display for Message {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utility(utility) => utility.fmt(f),
            Self::System { group, message } => {
                show_group(*group, f)?;
                message.fmt(f)
            }
            Self::Midi1 { group, channel, voice } => {
                show_group(*group, f)?;
                write!(f, "ch{} {voice}", channel + 1)
            }
            Self::SysEx7 { group, form, data, length } => {
                show_group(*group, f)?;
                f.write_str(match form {
                    SysExForm::Complete => "sysex",
                    SysExForm::Start => "sysex-start",
                    SysExForm::Continue => "sysex-continue",
                    SysExForm::End => "sysex-end",
                })?;
                data.iter().take(usize::from(*length)).try_for_each(|byte| write!(f, " {byte:02X}"))
            }
            Self::Midi2 { group, channel, voice } => {
                show_group(*group, f)?;
                write!(f, "ch{} {voice}", channel + 1)
            }
            Self::Other(ump) => {
                if !matches!(ump.message_type(), 0x0 | 0xF) {
                    show_group(ump.group(), f)?;
                }
                write!(f, "{}", ump.kind())?;
                ump.words().iter().try_for_each(|word| write!(f, " {word:08X}"))
            }
        }
    }
}

fn show_group(group: u8, f: &mut Formatter<'_>) -> fmt::Result {
    if group == 0 { Ok(()) } else { write!(f, "g{} ", group + 1) }
}

impl Display for Utility {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Noop => f.write_str("noop"),
            Self::JrClock(time) => write!(f, "jr-clock {time}"),
            Self::JrTimestamp(time) => write!(f, "jr-timestamp {time}"),
            Self::TicksPerQuarter(ticks) => write!(f, "ticks-per-quarter {ticks}"),
            Self::DeltaClockstamp(ticks) => write!(f, "delta-ticks {ticks}"),
        }
    }
}

impl Display for System {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimeCode(data) => write!(f, "time-code piece {} value {}", data >> 4, data & 0xF),
            Self::SongPosition(beats) => write!(f, "song-position {beats}"),
            Self::SongSelect(song) => write!(f, "song-select {song}"),
            Self::TuneRequest => f.write_str("tune-request"),
            Self::Clock => f.write_str("clock"),
            Self::Start => f.write_str("start"),
            Self::Continue => f.write_str("continue"),
            Self::Stop => f.write_str("stop"),
            Self::ActiveSensing => f.write_str("active-sensing"),
            Self::Reset => f.write_str("reset"),
        }
    }
}

impl Display for Midi1Voice {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoteOff { note, velocity } => write!(f, "note-off {} vel {velocity}", NoteName(note)),
            // Shown as what it does, with the velocity that gives away how it was sent.
            Self::NoteOn { note, velocity: 0 } => write!(f, "note-off {} vel 0", NoteName(note)),
            Self::NoteOn { note, velocity } => write!(f, "note-on {} vel {velocity}", NoteName(note)),
            Self::PolyPressure { note, pressure } => write!(f, "pressure {} {pressure}", NoteName(note)),
            Self::ControlChange { controller, value } => write!(f, "cc{controller} {value}"),
            Self::ProgramChange { program } => write!(f, "program {program}"),
            Self::ChannelPressure { pressure } => write!(f, "aftertouch {pressure}"),
            Self::PitchBend { value } => write!(f, "pitch {:+}", i32::from(value) - 0x2000),
        }
    }
}

impl Display for Midi2Voice {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::RegisteredPerNote { note, index, value } => {
                write!(f, "per-note {} registered {index} {value:#010x}", NoteName(note))
            }
            Self::AssignablePerNote { note, index, value } => {
                write!(f, "per-note {} assignable {index} {value:#010x}", NoteName(note))
            }
            Self::Rpn { number, value } => write!(f, "rpn{number} {value:#010x}"),
            Self::Nrpn { number, value } => write!(f, "nrpn{number} {value:#010x}"),
            Self::RelativeRpn { number, value } => write!(f, "rpn{number} {value:+}"),
            Self::RelativeNrpn { number, value } => write!(f, "nrpn{number} {value:+}"),
            Self::PerNotePitchBend { note, value } => {
                write!(f, "per-note {} pitch {:+}", NoteName(note), i64::from(value) - 0x8000_0000)
            }
            Self::NoteOff { note, velocity, attribute, data } => {
                write!(f, "note-off {} vel16 {velocity}", NoteName(note))?;
                show_attribute(attribute, data, f)
            }
            Self::NoteOn { note, velocity, attribute, data } => {
                write!(f, "note-on {} vel16 {velocity}", NoteName(note))?;
                show_attribute(attribute, data, f)
            }
            Self::PolyPressure { note, pressure } => {
                write!(f, "pressure {} {pressure:#010x}", NoteName(note))
            }
            Self::ControlChange { controller, value } => write!(f, "cc{controller} {value:#010x}"),
            Self::ProgramChange { program, bank: None } => write!(f, "program {program}"),
            Self::ProgramChange { program, bank: Some(bank) } => {
                write!(f, "program {program} bank {bank}")
            }
            Self::ChannelPressure { pressure } => write!(f, "aftertouch {pressure:#010x}"),
            Self::PitchBend { value } => write!(f, "pitch {:+}", i64::from(value) - 0x8000_0000),
            Self::PerNoteManagement { note, detach, reset } => {
                write!(f, "per-note {}", NoteName(note))?;
                f.write_str(if detach { " detach" } else { "" })?;
                f.write_str(if reset { " reset" } else { "" })
            }
        }
    }
}

fn show_attribute(attribute: u8, data: u16, f: &mut Formatter<'_>) -> fmt::Result {
    if attribute == 0 { Ok(()) } else { write!(f, " attribute {attribute} {data:#06x}") }
}

/// The packet in words, as its [`Message`] shows itself.
impl Display for Ump {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Message::decode(self).fmt(f)
    }
}
