//! MIDI 2.0 to MIDI 1.0: every packet by itself.

use core::ops::Deref;

use crate::Ump;

/// The MIDI 1.0 messages that one packet turns into: 0-4. Dereferences to a slice.
#[derive(Clone, Copy, Debug)]
pub struct Midi1Messages {
    packets: [Ump; 4],
    length: usize,
}

impl Midi1Messages {
    #[inline]
    fn of<const N: usize>(packets: [Ump; N]) -> Self {
        let mut out = Self { packets: [Ump::default(); 4], length: N };
        out.packets[..N].copy_from_slice(&packets);
        out
    }
}

impl Deref for Midi1Messages {
    type Target = [Ump];

    #[inline]
    fn deref(&self) -> &[Ump] {
        &self.packets[..self.length]
    }
}

/// The packet in the MIDI 1.0 protocol. `[engine]`
///
/// Message type 4 becomes message type 2, values scaled down (M2-104-UM D.2): a Note On whose
/// velocity would become 0 gets 1; a registered or assignable controller becomes four control
/// changes (101 and 100 or 99 and 98, then 6 and 38); a program change with a bank becomes three
/// messages (controllers 0 and 32, then the program). A relative controller of one 14-bit step
/// becomes a data increment or decrement (96, 97). What MIDI 1.0 has no word for gives nothing:
/// per-note controllers, bend and management, relative controllers of other steps, note attributes.
/// Message types 1, 2 and 3 stay as they are; types 0, 5, D, F and the reserved ones give nothing.
#[inline]
pub fn to_midi1(ump: &Ump) -> Midi1Messages {
    match ump.message_type() {
        0x1..=0x3 => Midi1Messages::of([*ump]),
        0x4 => voice_to_midi1(ump),
        _ => Midi1Messages::of([]),
    }
}

fn voice_to_midi1(ump: &Ump) -> Midi1Messages {
    let (group, channel) = (ump.group(), (ump.head() >> 16) as u8 & 0xF);
    let (data1, data2) = (ump.data1() & 0x7F, ump.data2() & 0x7F);
    let value = ump.raw()[1];
    let seven = (value >> 25) as u8;
    let fourteen = (value >> 18) as u16;
    let control = |controller, value| Ump::control_change(group, channel, controller, value);
    match ump.status() {
        0x8 => Midi1Messages::of([Ump::note_off(group, channel, data1, seven)]),
        // Velocity 0 would end the note.
        0x9 => Midi1Messages::of([Ump::note_on(group, channel, data1, seven.max(1))]),
        0xA => Midi1Messages::of([Ump::poly_pressure(group, channel, data1, seven)]),
        0xB => Midi1Messages::of([control(data1, seven)]),
        0xC => {
            let program = Ump::program_change(group, channel, (value >> 24) as u8);
            if ump.data2() & 1 == 0 {
                return Midi1Messages::of([program]);
            }
            Midi1Messages::of([control(0, (value >> 8) as u8), control(32, value as u8), program])
        }
        0xD => Midi1Messages::of([Ump::channel_pressure(group, channel, seven)]),
        0xE => Midi1Messages::of([Ump::pitch_bend(group, channel, fourteen)]),
        status @ (0x2 | 0x3) => {
            let (high, low) = selectors(status);
            Midi1Messages::of([
                control(high, data1),
                control(low, data2),
                control(6, (fourteen >> 7) as u8),
                control(38, fourteen as u8),
            ])
        }
        status @ (0x4 | 0x5) => {
            let (high, low) = selectors(status);
            let step = match value as i32 {
                PARAMETER_STEP => 96,
                NEGATIVE_STEP => 97,
                _ => return Midi1Messages::of([]),
            };
            Midi1Messages::of([control(high, data1), control(low, data2), control(step, 0)])
        }
        _ => Midi1Messages::of([]),
    }
}

/// One step of a 14-bit value in 32 bits: what a data increment adds.
pub(crate) const PARAMETER_STEP: i32 = 1 << 18;
const NEGATIVE_STEP: i32 = -PARAMETER_STEP;

/// The controllers that select the parameter, high and low: RPN for even statuses, NRPN for odd.
const fn selectors(status: u8) -> (u8, u8) {
    if status & 1 == 0 { (101, 100) } else { (99, 98) }
}
