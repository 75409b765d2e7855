//! A typed view of a packet: what the words mean.

use crate::Ump;
use crate::inspect::{SYSEX_COMPLETE, SYSEX_CONTINUE, SYSEX_END, SYSEX_START};

/// A message, decoded. Groups and channels count from 0.
///
/// [`decode`](Self::decode) and [`encode`](Self::encode) are inverse, but for bits that the standard
/// reserves: those are zero after a round trip. Packets of other message types (5, D, F and the
/// reserved ones) and undefined statuses are carried as [`Other`](Self::Other), unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Message {
    /// Message type 0 (M2-104-UM 7.2). It belongs to no group.
    Utility(Utility),
    /// Message type 1.
    System {
        /// 0-15.
        group: u8,
        /// What it says.
        message: System,
    },
    /// Message type 2.
    Midi1 {
        /// 0-15.
        group: u8,
        /// 0-15.
        channel: u8,
        /// What it says.
        voice: Midi1Voice,
    },
    /// Message type 3.
    SysEx7 {
        /// 0-15.
        group: u8,
        /// Its place in the whole message.
        form: SysExForm,
        /// The bytes, 7-bit, without F0 and F7.
        data: [u8; 6],
        /// How many of `data` count, 0-6.
        length: u8,
    },
    /// Message type 4.
    Midi2 {
        /// 0-15.
        group: u8,
        /// 0-15.
        channel: u8,
        /// What it says.
        voice: Midi2Voice,
    },
    /// Everything else, carried as it is.
    Other(Ump),
}

/// Message type 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Utility {
    /// Nothing.
    Noop,
    /// Jitter-reduction clock of the sender, in 1/31250 s.
    JrClock(u16),
    /// Jitter-reduction time of the message that follows, in 1/31250 s.
    JrTimestamp(u16),
    /// Ticks per quarter note for the delta clock stamps.
    TicksPerQuarter(u16),
    /// Ticks since the event before, 20-bit.
    DeltaClockstamp(u32),
}

/// System common and system real-time messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum System {
    /// MIDI time code quarter frame: piece (bits 4-6) and nibble (bits 0-3).
    TimeCode(u8),
    /// Song position in sixteenth notes (MIDI beats), 14-bit.
    SongPosition(u16),
    /// Song number, 0-127.
    SongSelect(u8),
    /// Analogue synthesisers tune their oscillators.
    TuneRequest,
    /// Timing clock, 24 a quarter note.
    Clock,
    /// Start from the top.
    Start,
    /// Start from the song position.
    Continue,
    /// Stop.
    Stop,
    /// The sender is there; the next one comes within 300 ms.
    ActiveSensing,
    /// Back to the state of power-up.
    Reset,
}

/// MIDI 1.0 channel voice messages. Values are 7-bit unless said otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the fields are named by the standard's own words")]
pub enum Midi1Voice {
    /// The note ends.
    NoteOff { note: u8, velocity: u8 },
    /// The note starts; velocity 0 ends it.
    NoteOn { note: u8, velocity: u8 },
    /// Pressure of one note.
    PolyPressure { note: u8, pressure: u8 },
    /// A controller moves.
    ControlChange { controller: u8, value: u8 },
    /// Another program, 0-127.
    ProgramChange { program: u8 },
    /// Pressure of the channel.
    ChannelPressure { pressure: u8 },
    /// Pitch bend, 14-bit, 0x2000 in the centre.
    PitchBend { value: u16 },
}

/// MIDI 2.0 channel voice messages. `note` and `index` are 7-bit, `number` is 14-bit
/// (bank << 7 | index), `value` and `pressure` are 32-bit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the fields are named by the standard's own words")]
pub enum Midi2Voice {
    /// Registered per-note controller; `index` is 8-bit.
    RegisteredPerNote { note: u8, index: u8, value: u32 },
    /// Assignable per-note controller; `index` is 8-bit.
    AssignablePerNote { note: u8, index: u8, value: u32 },
    /// Registered controller (RPN).
    Rpn { number: u16, value: u32 },
    /// Assignable controller (NRPN).
    Nrpn { number: u16, value: u32 },
    /// Relative registered controller: `value` is added.
    RelativeRpn { number: u16, value: i32 },
    /// Relative assignable controller: `value` is added.
    RelativeNrpn { number: u16, value: i32 },
    /// Pitch bend of one note, 0x8000_0000 in the centre.
    PerNotePitchBend { note: u8, value: u32 },
    /// The note ends. The velocity is 16-bit.
    NoteOff { note: u8, velocity: u16, attribute: u8, data: u16 },
    /// The note starts. The velocity is 16-bit; 0 is a valid one.
    NoteOn { note: u8, velocity: u16, attribute: u8, data: u16 },
    /// Pressure of one note.
    PolyPressure { note: u8, pressure: u32 },
    /// A controller moves.
    ControlChange { controller: u8, value: u32 },
    /// Another program, 0-127, in the 14-bit bank if one is given.
    ProgramChange { program: u8, bank: Option<u16> },
    /// Pressure of the channel.
    ChannelPressure { pressure: u32 },
    /// Pitch bend, 0x8000_0000 in the centre.
    PitchBend { value: u32 },
    /// Detaches the note's controllers from the sounding note, or resets them.
    PerNoteManagement { note: u8, detach: bool, reset: bool },
}

/// The place of a SysEx7 packet in its message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum SysExForm {
    /// The whole message.
    Complete = SYSEX_COMPLETE,
    /// The first of several packets.
    Start = SYSEX_START,
    /// Neither the first nor the last.
    Continue = SYSEX_CONTINUE,
    /// The last of several packets.
    End = SYSEX_END,
}

impl Message {
    /// What the packet says.
    pub const fn decode(ump: &Ump) -> Self {
        let group = ump.group();
        let channel = (ump.head() >> 16) as u8 & 0xF;
        let decoded = match ump.message_type() {
            0x0 => match Utility::decode(ump) {
                Some(utility) => Some(Self::Utility(utility)),
                None => None,
            },
            0x1 => match System::decode(ump) {
                Some(message) => Some(Self::System { group, message }),
                None => None,
            },
            0x2 => match Midi1Voice::decode(ump) {
                Some(voice) => Some(Self::Midi1 { group, channel, voice }),
                None => None,
            },
            0x3 => {
                let (data, length) = ump.sysex_data();
                match SysExForm::from_status(ump.status()) {
                    Some(form) => Some(Self::SysEx7 { group, form, data, length: length as u8 }),
                    None => None,
                }
            }
            0x4 => match Midi2Voice::decode(ump) {
                Some(voice) => Some(Self::Midi2 { group, channel, voice }),
                None => None,
            },
            _ => None,
        };
        match decoded {
            Some(message) => message,
            None => Self::Other(*ump),
        }
    }

    /// The packet that says this. Fields wider than their place lose their high bits.
    pub const fn encode(self) -> Ump {
        match self {
            Self::Utility(utility) => utility.encode(),
            Self::System { group, message } => message.encode(group),
            Self::Midi1 { group, channel, voice } => voice.encode(group, channel),
            Self::SysEx7 { group, form, data, length } => Ump::sysex7(group, form as u8, data, length),
            Self::Midi2 { group, channel, voice } => voice.encode(group, channel),
            Self::Other(ump) => ump,
        }
    }
}

impl From<Ump> for Message {
    fn from(ump: Ump) -> Self {
        Self::decode(&ump)
    }
}

impl From<Message> for Ump {
    fn from(message: Message) -> Self {
        message.encode()
    }
}

impl SysExForm {
    /// The form with this SysEx7 status (0-3).
    pub const fn from_status(status: u8) -> Option<Self> {
        Some(match status {
            SYSEX_COMPLETE => Self::Complete,
            SYSEX_START => Self::Start,
            SYSEX_CONTINUE => Self::Continue,
            SYSEX_END => Self::End,
            _ => return None,
        })
    }
}

impl Utility {
    const fn decode(ump: &Ump) -> Option<Self> {
        let low = ump.head() as u16;
        Some(match ump.status() {
            0x0 => Self::Noop,
            0x1 => Self::JrClock(low),
            0x2 => Self::JrTimestamp(low),
            0x3 => Self::TicksPerQuarter(low),
            0x4 => Self::DeltaClockstamp(ump.head() & 0xF_FFFF),
            _ => return None,
        })
    }

    const fn encode(self) -> Ump {
        Ump::word(match self {
            Self::Noop => 0,
            Self::JrClock(time) => 0x10_0000 | time as u32,
            Self::JrTimestamp(time) => 0x20_0000 | time as u32,
            Self::TicksPerQuarter(ticks) => 0x30_0000 | ticks as u32,
            Self::DeltaClockstamp(ticks) => 0x40_0000 | ticks & 0xF_FFFF,
        })
    }
}

impl System {
    const fn decode(ump: &Ump) -> Option<Self> {
        let (data1, data2) = (ump.data1() & 0x7F, ump.data2() & 0x7F);
        Some(match ump.status() {
            0xF1 => Self::TimeCode(data1),
            0xF2 => Self::SongPosition((data2 as u16) << 7 | data1 as u16),
            0xF3 => Self::SongSelect(data1),
            0xF6 => Self::TuneRequest,
            0xF8 => Self::Clock,
            0xFA => Self::Start,
            0xFB => Self::Continue,
            0xFC => Self::Stop,
            0xFE => Self::ActiveSensing,
            0xFF => Self::Reset,
            _ => return None,
        })
    }

    const fn encode(self, group: u8) -> Ump {
        let (status, data1, data2) = match self {
            Self::TimeCode(data) => (0xF1, data, 0),
            Self::SongPosition(beats) => (0xF2, (beats & 0x7F) as u8, (beats >> 7) as u8),
            Self::SongSelect(song) => (0xF3, song, 0),
            Self::TuneRequest => (0xF6, 0, 0),
            Self::Clock => (0xF8, 0, 0),
            Self::Start => (0xFA, 0, 0),
            Self::Continue => (0xFB, 0, 0),
            Self::Stop => (0xFC, 0, 0),
            Self::ActiveSensing => (0xFE, 0, 0),
            Self::Reset => (0xFF, 0, 0),
        };
        Ump::system(group, status, data1, data2)
    }
}

impl Midi1Voice {
    const fn decode(ump: &Ump) -> Option<Self> {
        let (data1, data2) = (ump.data1() & 0x7F, ump.data2() & 0x7F);
        Some(match ump.status() {
            0x8 => Self::NoteOff { note: data1, velocity: data2 },
            0x9 => Self::NoteOn { note: data1, velocity: data2 },
            0xA => Self::PolyPressure { note: data1, pressure: data2 },
            0xB => Self::ControlChange { controller: data1, value: data2 },
            0xC => Self::ProgramChange { program: data1 },
            0xD => Self::ChannelPressure { pressure: data1 },
            0xE => Self::PitchBend { value: (data2 as u16) << 7 | data1 as u16 },
            _ => return None,
        })
    }

    const fn encode(self, group: u8, channel: u8) -> Ump {
        match self {
            Self::NoteOff { note, velocity } => Ump::note_off(group, channel, note, velocity),
            Self::NoteOn { note, velocity } => Ump::note_on(group, channel, note, velocity),
            Self::PolyPressure { note, pressure } => Ump::poly_pressure(group, channel, note, pressure),
            Self::ControlChange { controller, value } => {
                Ump::control_change(group, channel, controller, value)
            }
            Self::ProgramChange { program } => Ump::program_change(group, channel, program),
            Self::ChannelPressure { pressure } => Ump::channel_pressure(group, channel, pressure),
            Self::PitchBend { value } => Ump::pitch_bend(group, channel, value),
        }
    }
}

impl Midi2Voice {
    const fn decode(ump: &Ump) -> Option<Self> {
        let value = ump.raw()[1];
        let note = ump.data1() & 0x7F;
        let index = ump.data2();
        let number = (note as u16) << 7 | (index & 0x7F) as u16;
        Some(match ump.status() {
            0x0 => Self::RegisteredPerNote { note, index, value },
            0x1 => Self::AssignablePerNote { note, index, value },
            0x2 => Self::Rpn { number, value },
            0x3 => Self::Nrpn { number, value },
            0x4 => Self::RelativeRpn { number, value: value as i32 },
            0x5 => Self::RelativeNrpn { number, value: value as i32 },
            0x6 => Self::PerNotePitchBend { note, value },
            0x8 => {
                Self::NoteOff { note, velocity: (value >> 16) as u16, attribute: index, data: value as u16 }
            }
            0x9 => {
                Self::NoteOn { note, velocity: (value >> 16) as u16, attribute: index, data: value as u16 }
            }
            0xA => Self::PolyPressure { note, pressure: value },
            0xB => Self::ControlChange { controller: note, value },
            0xC => Self::ProgramChange {
                program: (value >> 24) as u8 & 0x7F,
                bank: if index & 1 != 0 {
                    Some((value >> 1 & 0x3F80) as u16 | (value & 0x7F) as u16)
                } else {
                    None
                },
            },
            0xD => Self::ChannelPressure { pressure: value },
            0xE => Self::PitchBend { value },
            0xF => Self::PerNoteManagement { note, detach: index & 2 != 0, reset: index & 1 != 0 },
            _ => return None,
        })
    }

    const fn encode(self, group: u8, channel: u8) -> Ump {
        match self {
            Self::RegisteredPerNote { note, index, value } => {
                Ump::midi2(group, 0x0, channel, note & 0x7F, index, value)
            }
            Self::AssignablePerNote { note, index, value } => {
                Ump::midi2(group, 0x1, channel, note & 0x7F, index, value)
            }
            Self::Rpn { number, value } => Ump::rpn2(group, channel, number, value),
            Self::Nrpn { number, value } => Ump::nrpn2(group, channel, number, value),
            Self::RelativeRpn { number, value } => relative(group, 0x4, channel, number, value),
            Self::RelativeNrpn { number, value } => relative(group, 0x5, channel, number, value),
            Self::PerNotePitchBend { note, value } => Ump::midi2(group, 0x6, channel, note & 0x7F, 0, value),
            Self::NoteOff { note, velocity, attribute, data } => {
                Ump::midi2(group, 0x8, channel, note & 0x7F, attribute, (velocity as u32) << 16 | data as u32)
            }
            Self::NoteOn { note, velocity, attribute, data } => {
                Ump::midi2(group, 0x9, channel, note & 0x7F, attribute, (velocity as u32) << 16 | data as u32)
            }
            Self::PolyPressure { note, pressure } => Ump::poly_pressure2(group, channel, note, pressure),
            Self::ControlChange { controller, value } => {
                Ump::control_change2(group, channel, controller, value)
            }
            Self::ProgramChange { program, bank } => Ump::program_change2(group, channel, program, bank),
            Self::ChannelPressure { pressure } => Ump::channel_pressure2(group, channel, pressure),
            Self::PitchBend { value } => Ump::pitch_bend2(group, channel, value),
            Self::PerNoteManagement { note, detach, reset } => {
                Ump::midi2(group, 0xF, channel, note & 0x7F, (detach as u8) << 1 | reset as u8, 0)
            }
        }
    }
}

const fn relative(group: u8, status: u8, channel: u8, number: u16, value: i32) -> Ump {
    Ump::midi2(group, status, channel, (number >> 7) as u8 & 0x7F, (number & 0x7F) as u8, value as u32)
}
