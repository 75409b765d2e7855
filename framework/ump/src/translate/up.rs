//! MIDI 1.0 to MIDI 2.0: what takes several messages there is one here, so it has to be gathered.

use alloc::boxed::Box;

use super::PARAMETER_STEP;
use crate::scale::{scale_7_to_16, scale_7_to_32, scale_14_to_32};
use crate::{ParameterChange, ParameterNumbers, Ump};

/// No bank was selected on this channel yet.
const NO_BANK: u16 = u16::MAX;

/// Translates one stream of packets to the MIDI 2.0 protocol. About 2 KB; no heap of its own. One
/// per source: bank and parameter selections carry over from message to message.
#[derive(Clone, Debug)]
pub struct Midi1To2 {
    parameters: ParameterNumbers,
    banks: [u16; 256],
}

impl Default for Midi1To2 {
    fn default() -> Self {
        Self::new()
    }
}

impl Midi1To2 {
    /// A translator at the start of a stream. `[any]`
    pub const fn new() -> Self {
        Self { parameters: ParameterNumbers::new(), banks: [NO_BANK; 256] }
    }

    /// A translator at the start of a stream, on the heap. `[main]`
    pub fn boxed() -> Box<Self> {
        Box::default()
    }

    /// The packet in the MIDI 2.0 protocol, or `None` if it only prepares a later one. `[engine]`
    ///
    /// Message type 2 becomes message type 4, values scaled up (M2-104-UM D.3): a Note On of velocity
    /// 0 becomes a Note Off of the middle velocity; bank select (0, 32) is kept until the program
    /// change, which then has the bank; the controllers of RPN and NRPN (6, 38, 98-101) become
    /// registered and assignable controllers, as [`ParameterNumbers`] says; data increment and
    /// decrement (96, 97) become relative ones of one 14-bit step. Data entry on a channel where no
    /// parameter was ever selected stays the plain controller it must be meant as. All other message
    /// types stay as they are.
    #[inline]
    pub fn translate(&mut self, ump: &Ump) -> Option<Ump> {
        if ump.message_type() != 0x2 {
            return Some(*ump);
        }
        let (group, channel) = (ump.group(), ump.channel_index() as u8 & 0xF);
        let (data1, data2) = (ump.data1() & 0x7F, ump.data2() & 0x7F);
        Some(match ump.status() {
            0x8 => Ump::note_off2(group, channel, data1, scale_7_to_16(data2)),
            0x9 if data2 == 0 => Ump::note_off2(group, channel, data1, 0x8000),
            0x9 => Ump::note_on2(group, channel, data1, scale_7_to_16(data2)),
            0xA => Ump::poly_pressure2(group, channel, data1, scale_7_to_32(data2)),
            0xB => return self.control(ump),
            0xC => {
                let bank = self.banks[ump.channel_index()];
                Ump::program_change2(group, channel, data1, if bank == NO_BANK { None } else { Some(bank) })
            }
            0xD => Ump::channel_pressure2(group, channel, scale_7_to_32(data1)),
            0xE => {
                let bend = u16::from(data2) << 7 | u16::from(data1);
                Ump::pitch_bend2(group, channel, scale_14_to_32(bend))
            }
            _ => return None,
        })
    }

    fn control(&mut self, ump: &Ump) -> Option<Ump> {
        let (group, channel) = (ump.group(), ump.channel_index() as u8 & 0xF);
        let (controller, value) = (ump.data1() & 0x7F, ump.data2() & 0x7F);
        if matches!(controller, 0 | 32) {
            let bank = &mut self.banks[ump.channel_index()];
            let known = if *bank == NO_BANK { 0 } else { *bank };
            *bank = if controller == 0 {
                known & 0x7F | u16::from(value) << 7
            } else {
                known & 0x3F80 | u16::from(value)
            };
            return None;
        }
        let change = self.parameters.apply(ump);
        match controller {
            98..=101 => None,
            6 | 38 | 96 | 97 if !self.parameters.is_untouched(ump) => change.map(parameter),
            _ => Some(Ump::control_change2(group, channel, controller, scale_7_to_32(value))),
        }
    }
}

fn parameter(change: ParameterChange) -> Ump {
    let ParameterChange { group, channel, registered, number, value, step } = change;
    let (status, value) = match step {
        0 => (if registered { 0x2 } else { 0x3 }, scale_14_to_32(value)),
        _ => (if registered { 0x4 } else { 0x5 }, (PARAMETER_STEP * i32::from(step)) as u32),
    };
    Ump::midi2(group, status, channel, (number >> 7) as u8, (number & 0x7F) as u8, value)
}
