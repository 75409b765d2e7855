//! What sort of message a packet is, for filters and for counting.

use crate::Ump;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $name:literal,)*) => {
        /// The kind of a message. The same for MIDI 1.0 and MIDI 2.0 where both have it.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// All kinds, in the order of their numbers (`kind as usize`).
            pub const ALL: &[Kind] = &[$(Kind::$kind,)*];

            /// The name in graph files: kebab-case.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Kind::$kind => $name,)*
                }
            }
        }
    };
}

kinds! {
    /// Note Off, and a MIDI 1.0 Note On of velocity 0.
    NoteOff "note-off",
    /// Note On.
    NoteOn "note-on",
    /// Pressure of one note.
    PolyPressure "pressure",
    /// Control change, the ones that make up bank select, RPN and NRPN in MIDI 1.0 included.
    ControlChange "cc",
    /// Program change.
    ProgramChange "program",
    /// Pressure of the channel.
    ChannelPressure "aftertouch",
    /// Pitch bend of the channel.
    PitchBend "pitch",
    /// MIDI 2.0 registered controller, absolute or relative.
    Rpn "rpn",
    /// MIDI 2.0 assignable controller, absolute or relative.
    Nrpn "nrpn",
    /// MIDI 2.0 registered or assignable per-note controller.
    PerNoteController "per-note-controller",
    /// MIDI 2.0 per-note pitch bend.
    PerNotePitchBend "per-note-pitch",
    /// MIDI 2.0 per-note management.
    PerNoteManagement "per-note-management",
    /// A packet of a 7-bit system exclusive message.
    SysEx "sysex",
    /// MIDI time code quarter frame.
    TimeCode "time-code",
    /// Song position pointer.
    SongPosition "song-position",
    /// Song select.
    SongSelect "song-select",
    /// Tune request.
    TuneRequest "tune-request",
    /// Timing clock.
    Clock "clock",
    /// Start.
    Start "start",
    /// Continue.
    Continue "continue",
    /// Stop.
    Stop "stop",
    /// Active sensing.
    ActiveSensing "active-sensing",
    /// System reset.
    Reset "reset",
    /// Utility (message type 0): no-op, jitter-reduction and delta clock stamps.
    Utility "utility",
    /// 8-bit data: SysEx8 and mixed data sets (message type 5).
    Data "data",
    /// Flex data: tempo, key signature, lyrics (message type D).
    Flex "flex",
    /// UMP stream: endpoint discovery and function blocks (message type F).
    Stream "stream",
    /// Reserved message types and undefined statuses.
    Other "other",
}

impl Kind {
    /// The kind of that [`name`](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

impl core::fmt::Display for Kind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

impl Ump {
    /// What sort of message this is. `[engine]`
    #[inline]
    pub const fn kind(&self) -> Kind {
        match self.message_type() {
            0x2 => match self.status() {
                0x8 => Kind::NoteOff,
                0x9 if self.head() & 0x7F == 0 => Kind::NoteOff,
                0x9 => Kind::NoteOn,
                0xA => Kind::PolyPressure,
                0xB => Kind::ControlChange,
                0xC => Kind::ProgramChange,
                0xD => Kind::ChannelPressure,
                0xE => Kind::PitchBend,
                _ => Kind::Other,
            },
            0x4 => match self.status() {
                0x0 | 0x1 => Kind::PerNoteController,
                0x2 | 0x4 => Kind::Rpn,
                0x3 | 0x5 => Kind::Nrpn,
                0x6 => Kind::PerNotePitchBend,
                0x8 => Kind::NoteOff,
                0x9 => Kind::NoteOn,
                0xA => Kind::PolyPressure,
                0xB => Kind::ControlChange,
                0xC => Kind::ProgramChange,
                0xD => Kind::ChannelPressure,
                0xE => Kind::PitchBend,
                0xF => Kind::PerNoteManagement,
                _ => Kind::Other,
            },
            0x1 => match self.status() {
                0xF1 => Kind::TimeCode,
                0xF2 => Kind::SongPosition,
                0xF3 => Kind::SongSelect,
                0xF6 => Kind::TuneRequest,
                0xF8 => Kind::Clock,
                0xFA => Kind::Start,
                0xFB => Kind::Continue,
                0xFC => Kind::Stop,
                0xFE => Kind::ActiveSensing,
                0xFF => Kind::Reset,
                _ => Kind::Other,
            },
            0x3 => Kind::SysEx,
            0x0 => Kind::Utility,
            0x5 => Kind::Data,
            0xD => Kind::Flex,
            0xF => Kind::Stream,
            _ => Kind::Other,
        }
    }
}

/// A set of kinds, one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct KindSet(u32);

impl KindSet {
    /// No kind at all.
    pub const EMPTY: Self = Self(0);
    /// Every kind.
    pub const ALL: Self = Self(u32::MAX >> (32 - Kind::ALL.len()));

    /// Names that stand for several kinds, beside the names of the single ones.
    pub const GROUP_NAMES: &[(&str, KindSet)] = &[
        ("note", Self::of(&[Kind::NoteOff, Kind::NoteOn])),
        ("per-note", Self::of(&[Kind::PerNoteController, Kind::PerNotePitchBend, Kind::PerNoteManagement])),
        (
            "realtime",
            Self::of(&[
                Kind::Clock,
                Kind::Start,
                Kind::Continue,
                Kind::Stop,
                Kind::ActiveSensing,
                Kind::Reset,
            ]),
        ),
        ("transport", Self::of(&[Kind::Start, Kind::Continue, Kind::Stop])),
        ("common", Self::of(&[Kind::TimeCode, Kind::SongPosition, Kind::SongSelect, Kind::TuneRequest])),
    ];

    /// The set of these kinds.
    pub const fn of(kinds: &[Kind]) -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < kinds.len() {
            bits |= 1 << kinds[i] as u32;
            i += 1;
        }
        Self(bits)
    }

    /// The kinds a name stands for: one kind's own name ("note-on"), or one of
    /// [`GROUP_NAMES`](Self::GROUP_NAMES) ("note").
    pub fn from_name(name: &str) -> Option<Self> {
        match Self::GROUP_NAMES.iter().find(|(group, _)| *group == name) {
            Some((_, set)) => Some(*set),
            None => Kind::from_name(name).map(|kind| Self::of(&[kind])),
        }
    }

    /// Does the set have this kind? `[engine]`
    #[inline]
    pub const fn contains(self, kind: Kind) -> bool {
        self.0 >> kind as u32 & 1 != 0
    }

    /// Has the set no kind at all?
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The kinds of both sets together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The kinds of this set, in the order of [`Kind::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.iter().copied().filter(move |kind| self.contains(*kind))
    }
}

impl FromIterator<Kind> for KindSet {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::EMPTY, |set, kind| set.union(Self::of(&[kind])))
    }
}
