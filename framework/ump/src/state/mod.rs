//! What MIDI messages leave behind: which notes sound, where the controllers stand, which programs
//! are chosen. Snapshots, differences, and the release of everything.

mod channel;
mod diff;
mod parameters;
mod snapshot;
mod transport;

use alloc::boxed::Box;
use alloc::vec;

use crate::Ump;
use channel::Channel;
use transport::Transport;

pub use channel::Program;
pub use snapshot::SnapshotError;

/// The state of 1 to 16 groups of 16 channels. About 26 KB a group, all of it taken when it is
/// made; a stage with one cable needs one group.
///
/// Kept for each channel: the notes that sound with their velocity and pressure, all controllers
/// but the ones that select (bank, RPN, NRPN: what they selected is kept), program and bank, bend,
/// pressure, and up to 32 parameter (RPN and NRPN) values; when there are more, those set first make
/// room. For each group: song, song position and whether the sequence runs. Values are kept with 32
/// bits (velocities 16) whichever protocol they came in, and what the state gives out speaks the
/// protocol that the group was last addressed in. Per-note controllers of MIDI 2.0 are not kept.
///
/// Mode messages and Reset All Controllers (120, 121, 123-127; RP-015) and System Reset do to the
/// state what they do to a receiver.
#[derive(Clone, Debug)]
pub struct MidiState {
    channels: Box<[Channel]>,
    transports: Box<[Transport]>,
    /// A bit a group: its last channel voice message was a MIDI 2.0 one.
    midi2: u16,
}

impl MidiState {
    /// The state before any message, for `groups` groups (1-16) from the first on. `[main]`
    pub fn new(groups: u8) -> Self {
        let groups = usize::from(groups.clamp(1, 16));
        Self {
            channels: vec![Channel::NEW; groups * 16].into_boxed_slice(),
            transports: vec![Transport::NEW; groups].into_boxed_slice(),
            midi2: 0,
        }
    }

    /// [`new`](Self::new), in a box. `[main]`
    pub fn boxed(groups: u8) -> Box<Self> {
        Box::new(Self::new(groups))
    }

    /// How many groups it keeps; messages of the groups beyond change nothing.
    pub const fn groups(&self) -> u8 {
        self.transports.len() as u8
    }

    /// Takes note of a packet. `[engine]`
    #[inline]
    pub fn apply(&mut self, ump: &Ump) {
        match ump.message_type() {
            message_type @ (0x2 | 0x4) => {
                if let Some(channel) = self.channels.get_mut(ump.channel_index()) {
                    let group = u32::from(ump.group());
                    self.midi2 = self.midi2 & !(1 << group) | u16::from(message_type == 4) << group;
                    channel.apply(ump);
                }
            }
            0x1 => self.system(ump),
            _ => {}
        }
    }

    fn system(&mut self, ump: &Ump) {
        let group = usize::from(ump.group());
        if let Some(transport) = self.transports.get_mut(group) {
            transport.apply(ump);
            if ump.status() == 0xFF {
                for channel in &mut self.channels[group * 16..][..16] {
                    if channel.touched {
                        *channel = Channel::NEW;
                    }
                }
            }
        }
    }

    /// Hands out the Note Offs and pedals up for everything that is held, and takes note of them.
    /// Controllers, programs and the rest stay. `[engine]`
    pub fn release_all(&mut self, mut sink: impl FnMut(Ump)) {
        for (index, channel) in self.channels.iter_mut().enumerate() {
            if channel.touched {
                let voice =
                    Voice { group: (index >> 4) as u8, channel: index as u8 & 0xF, midi2: self.midi2 };
                channel.release(voice, &mut sink);
            }
        }
    }

    /// Back to the state before any message. `[engine]`
    pub fn clear(&mut self) {
        for channel in &mut self.channels {
            if channel.touched {
                *channel = Channel::NEW;
            }
        }
        self.transports.fill(Transport::NEW);
        self.midi2 = 0;
    }

    fn channel(&self, group: u8, channel: u8) -> Option<&Channel> {
        self.channels.get(usize::from((group & 0xF) << 4 | channel & 0xF))
    }

    /// The 16-bit velocity of a note that sounds. `[engine]`
    pub fn velocity(&self, group: u8, channel: u8, note: u8) -> Option<u16> {
        self.channel(group, channel)?.velocity(note & 0x7F)
    }

    /// The 32-bit value of a controller, if one came. `[engine]`
    pub fn controller(&self, group: u8, channel: u8, controller: u8) -> Option<u32> {
        self.channel(group, channel)?.controller(controller & 0x7F)
    }

    /// The program, if one was chosen. `[engine]`
    pub fn program(&self, group: u8, channel: u8) -> Option<Program> {
        self.channel(group, channel)?.program
    }

    /// The 32-bit pitch bend; 0x8000_0000, the centre, until one comes. `[engine]`
    pub fn bend(&self, group: u8, channel: u8) -> u32 {
        self.channel(group, channel).map_or(channel::CENTRE, |channel| channel.bend)
    }

    /// The 32-bit channel pressure; 0 until one comes. `[engine]`
    pub fn pressure(&self, group: u8, channel: u8) -> u32 {
        self.channel(group, channel).map_or(0, |channel| channel.pressure)
    }

    /// The 32-bit pressure of a note that sounds; 0 until one comes. `[engine]`
    pub fn poly_pressure(&self, group: u8, channel: u8, note: u8) -> u32 {
        self.channel(group, channel).map_or(0, |channel| channel.poly_pressure(note & 0x7F))
    }

    /// The 32-bit value of an RPN (`registered`) or NRPN with this 14-bit number. `[engine]`
    pub fn parameter(&self, group: u8, channel: u8, registered: bool, number: u16) -> Option<u32> {
        self.channel(group, channel)?.parameters.value(parameters::key(registered, number))
    }

    /// Does the sequence of this group run (Start or Continue came, and no Stop since)? `[engine]`
    pub fn is_running(&self, group: u8) -> bool {
        self.transports.get(usize::from(group)).is_some_and(|transport| transport.running)
    }

    /// The song position of this group in sixteenth notes, moved on by the clock. `[engine]`
    pub fn song_position(&self, group: u8) -> u16 {
        self.transports.get(usize::from(group)).map_or(0, |transport| transport.position)
    }
}

/// Whom a message is for, and in which protocol.
#[derive(Clone, Copy)]
struct Voice {
    group: u8,
    channel: u8,
    /// A bit a group.
    midi2: u16,
}

impl Voice {
    #[inline]
    const fn is_midi2(self) -> bool {
        self.midi2 >> self.group & 1 != 0
    }

    /// How many bits of a controller's value the protocol carries.
    const fn bits(self) -> u32 {
        if self.is_midi2() { 32 } else { 7 }
    }

    /// Do two values come to the same on the wire, where it carries the upper `bits` of them?
    const fn same(self, a: u32, b: u32, bits: u32) -> bool {
        let shift = if self.is_midi2() { 0 } else { 32 - bits };
        a >> shift == b >> shift
    }

    fn note_on(self, note: u8, velocity: u16) -> Ump {
        if self.is_midi2() {
            Ump::note_on2(self.group, self.channel, note, velocity)
        } else {
            Ump::note_on(self.group, self.channel, note, ((velocity >> 9) as u8).max(1))
        }
    }

    fn note_off(self, note: u8) -> Ump {
        if self.is_midi2() {
            Ump::note_off2(self.group, self.channel, note, 0x8000)
        } else {
            Ump::note_off(self.group, self.channel, note, 64)
        }
    }

    fn poly_pressure(self, note: u8, pressure: u32) -> Ump {
        if self.is_midi2() {
            Ump::poly_pressure2(self.group, self.channel, note, pressure)
        } else {
            Ump::poly_pressure(self.group, self.channel, note, (pressure >> 25) as u8)
        }
    }

    fn control(self, controller: u8, value: u32) -> Ump {
        if self.is_midi2() {
            Ump::control_change2(self.group, self.channel, controller, value)
        } else {
            Ump::control_change(self.group, self.channel, controller, (value >> 25) as u8)
        }
    }

    fn pressure(self, pressure: u32) -> Ump {
        if self.is_midi2() {
            Ump::channel_pressure2(self.group, self.channel, pressure)
        } else {
            Ump::channel_pressure(self.group, self.channel, (pressure >> 25) as u8)
        }
    }

    fn bend(self, bend: u32) -> Ump {
        if self.is_midi2() {
            Ump::pitch_bend2(self.group, self.channel, bend)
        } else {
            Ump::pitch_bend(self.group, self.channel, (bend >> 18) as u16)
        }
    }
}
