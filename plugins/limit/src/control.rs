//! Which control an event moves, and what it means for the values that wait.

use midibay_plugin::Ump;
use midibay_plugin::ump::Kind;

use crate::config::LimitParams;

/// Controls of one channel: 128 controllers, 128 poly pressures, 128 per-note bends, bend, pressure.
const PER_CHANNEL: u32 = 3 * 128 + 2;
const POLY: u32 = 128;
const PER_NOTE_PITCH: u32 = 256;
const BEND: u32 = 384;
const PRESSURE: u32 = 385;

/// How many controls there are on 16 groups of 16 channels.
pub(crate) const CONTROLS: usize = 256 * PER_CHANNEL as usize;

/// One control of one channel of one group. MIDI 1.0 and MIDI 2.0 values of a control share it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Key(u32);

impl Key {
    fn new(ump: &Ump, control: u32) -> Self {
        Self(ump.channel_index() as u32 * PER_CHANNEL + control)
    }

    /// Its place in a flat table.
    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }

    /// `group << 4 | channel`.
    #[inline]
    pub(crate) fn channel(self) -> usize {
        (self.0 / PER_CHANNEL) as usize
    }

    /// The other half of a 14-bit controller: 0-31 carry the high and 32-63 the low seven bits.
    #[inline]
    pub(crate) fn partner(self) -> Option<Self> {
        match self.0 % PER_CHANNEL {
            0..32 => Some(Self(self.0 + 32)),
            32..64 => Some(Self(self.0 - 32)),
            _ => None,
        }
    }
}

/// What an event is to this node.
pub(crate) enum Role {
    /// A value that may be left out for a newer one.
    Thinned(Key),
    /// It passes, and what waits on its channel (`group << 4 | channel`) passes before it.
    Channel(usize),
    /// It passes, and what waits on all channels of its group (0-15) passes before it.
    Group(u8),
    /// It passes; nothing that waits has to do with it.
    Free,
}

impl LimitParams {
    /// What this packet is under these options. [engine]
    #[inline]
    pub(crate) fn role(&self, ump: &Ump) -> Role {
        let note = u32::from(ump.data1() & 0x7F);
        let (thinned, control) = match ump.kind() {
            Kind::ControlChange => (self.controllers >> note & 1 != 0, note),
            Kind::PolyPressure => (self.poly_pressure, POLY + note),
            Kind::PerNotePitchBend => (self.per_note_pitch, PER_NOTE_PITCH + note),
            Kind::PitchBend => (self.pitch_bend, BEND),
            Kind::ChannelPressure => (self.channel_pressure, PRESSURE),
            Kind::SysEx | Kind::Data | Kind::Flex | Kind::Reset => return Role::Group(ump.group()),
            _ => (false, 0),
        };
        if thinned {
            Role::Thinned(Key::new(ump, control))
        } else if ump.is_voice() {
            Role::Channel(ump.channel_index())
        } else {
            Role::Free
        }
    }
}
