//! What turns one state into another.

use super::channel::{Channel, Program, default_of, each_bit};
use super::parameters::Parameters;
use super::transport::Transport;
use super::{MidiState, Voice};
use crate::Ump;
use crate::parameter::Selected;

impl MidiState {
    /// Hands out the fewest messages that bring a receiver which is in the state `from` to the state
    /// `to`: per channel Note Offs, program with bank, controllers, parameters, bend and pressure,
    /// Note Ons, pressures of notes; per group Stop, song, position and Continue. `[engine]`
    ///
    /// A note that sounds in both stays as it is, whatever its velocity. What `to` knows nothing of
    /// goes back to rest where there is a rest (bend, pressures, modulation, expression, pedals, and the
    /// bank, which is heard with the next program only) and otherwise stays. Groups that only one of the two keeps count as untouched in the other.
    pub fn diff(from: &Self, to: &Self, mut sink: impl FnMut(Ump)) {
        let channels = from.channels.len().max(to.channels.len());
        for index in 0..channels {
            let (old, new) = (from.at(index), to.at(index));
            if old.touched || new.touched {
                let group = (index >> 4) as u8;
                let midi2 = if to.is_addressed(group) { to.midi2 } else { from.midi2 };
                let voice = Voice { group, channel: index as u8 & 0xF, midi2 };
                Difference { old, new, voice }.tell(&mut sink);
            }
        }
        for group in 0..from.groups().max(to.groups()) {
            let old = from.transports.get(usize::from(group)).unwrap_or(&Transport::NEW);
            let new = to.transports.get(usize::from(group)).unwrap_or(&Transport::NEW);
            old.diff(new, group, &mut sink);
        }
    }

    fn at(&self, index: usize) -> &Channel {
        static UNTOUCHED: Channel = Channel::NEW;
        self.channels.get(index).unwrap_or(&UNTOUCHED)
    }

    fn is_addressed(&self, group: u8) -> bool {
        self.channels.iter().skip(usize::from(group) << 4).take(16).any(|channel| channel.touched)
    }
}

struct Difference<'a> {
    old: &'a Channel,
    new: &'a Channel,
    voice: Voice,
}

impl Difference<'_> {
    fn tell(&self, sink: &mut impl FnMut(Ump)) {
        let Self { old, new, voice } = *self;
        each_bit(old.notes & !new.notes, |note| sink(voice.note_off(note)));
        let bank = self.program(sink);
        self.controllers(bank, sink);
        self.parameters(sink);
        if !voice.same(old.bend, new.bend, 14) {
            sink(voice.bend(new.bend));
        }
        if !voice.same(old.pressure, new.pressure, 7) {
            sink(voice.pressure(new.pressure));
        }
        each_bit(new.notes & !old.notes, |note| {
            if let Some(velocity) = new.velocity(note) {
                sink(voice.note_on(note, velocity));
            }
        });
        each_bit(new.notes, |note| {
            // A note that starts now starts without pressure.
            let before = if old.notes >> note & 1 != 0 { old.poly_pressure(note) } else { 0 };
            let after = new.poly_pressure(note);
            if !voice.same(before, after, 7) {
                sink(voice.poly_pressure(note, after));
            }
        });
    }

    /// Tells the program if it changed, and says which values the bank controllers (0, 32) have then.
    fn program(&self, sink: &mut impl FnMut(Ump)) -> [Option<u32>; 2] {
        let Self { old, new, voice } = *self;
        let mut now = [old.controller(0), old.controller(32)];
        let Some(Program { program, bank }) = new.program else { return now };
        let stays = old.program.is_some_and(|old| {
            old.program == program
                && if bank.is_some() { old.bank == bank } else { old.bank.unwrap_or(0) == 0 }
        });
        if stays {
            return now;
        }
        // A program that was chosen without a bank must not be looked for in another's.
        let elsewhere = now.iter().flatten().any(|half| half >> 25 != 0);
        let bank = bank.or(elsewhere.then_some(0));
        if voice.is_midi2() {
            sink(Ump::program_change2(voice.group, voice.channel, program, bank));
        }
        if let Some(bank) = bank {
            for (now, controller) in now.iter_mut().zip([0, 32]) {
                let half = bank_half(Some(Program { program, bank: Some(bank) }), controller);
                let known = now.is_some_and(|value| value >> 25 == half >> 25);
                if !known && !voice.is_midi2() {
                    sink(voice.control(controller, half));
                }
                *now = Some(half);
            }
        }
        if !voice.is_midi2() {
            sink(Ump::program_change(voice.group, voice.channel, program));
        }
        now
    }

    fn controllers(&self, bank: [Option<u32>; 2], sink: &mut impl FnMut(Ump)) {
        let Self { old, new, voice } = *self;
        each_bit(old.known | new.known, |controller| {
            let (before, bits) = match controller {
                // Banks are 7-bit in both protocols.
                0 => (bank[0], 7),
                32 => (bank[1], 7),
                _ => (old.controller(controller), voice.bits()),
            };
            let rest = match controller {
                // Else half a bank of another's would join the half that is selected next.
                0 | 32 => Some(bank_half(new.program, controller)),
                _ => default_of(controller),
            };
            let Some(after) = new.controller(controller).or(rest) else { return };
            let stays = match before {
                Some(before) => before >> (32 - bits) == after >> (32 - bits),
                None => false,
            };
            if !stays {
                sink(voice.control(controller, after));
            }
        });
    }

    fn parameters(&self, sink: &mut impl FnMut(Ump)) {
        let (old, new, voice) = (&self.old.parameters, &self.new.parameters, self.voice);
        let mut selected = old.selected;
        for &(key, value) in new.entries() {
            let before = old.value(key);
            if before.is_some_and(|before| voice.same(before, value, 14)) {
                continue;
            }
            let (registered, number) = (key >> 14 != 0, key & 0x3FFF);
            let Voice { group, channel, .. } = voice;
            if voice.is_midi2() {
                sink(if registered {
                    Ump::rpn2(group, channel, number, value)
                } else {
                    Ump::nrpn2(group, channel, number, value)
                });
                continue;
            }
            let wanted = if registered { Selected::Registered(number) } else { Selected::Assignable(number) };
            select(voice, selected, wanted, sink);
            selected = wanted;
            let value = (value >> 18) as u16;
            sink(Ump::control_change(group, channel, 6, (value >> 7) as u8));
            // The LSB is 0 after the MSB, but not every receiver that has one in mind knows that.
            if value & 0x7F != 0 || before.is_some_and(|before| before >> 18 & 0x7F != 0) {
                sink(Ump::control_change(group, channel, 38, value as u8 & 0x7F));
            }
        }
        if !voice.is_midi2() {
            deselect(voice, selected, new, sink);
        }
    }
}

/// Selects the parameter, by the halves of its number that differ from what is selected now.
fn select(voice: Voice, now: Selected, wanted: Selected, sink: &mut impl FnMut(Ump)) {
    let (high, low, number, known) = match (wanted, now) {
        (Selected::Registered(number), Selected::Registered(now)) => (101, 100, number, Some(now)),
        (Selected::Registered(number), _) => (101, 100, number, None),
        (Selected::Assignable(number), Selected::Assignable(now)) => (99, 98, number, Some(now)),
        (Selected::Assignable(number), _) => (99, 98, number, None),
        (Selected::Nothing, _) => return,
    };
    if known.is_none_or(|now| now >> 7 != number >> 7) {
        sink(Ump::control_change(voice.group, voice.channel, high, (number >> 7) as u8));
    }
    if known.is_none_or(|now| now & 0x7F != number & 0x7F) {
        sink(Ump::control_change(voice.group, voice.channel, low, number as u8 & 0x7F));
    }
}

/// Leaves the selection as the new state has it: data entry that comes next must go where its sender
/// means it to go.
fn deselect(voice: Voice, now: Selected, new: &Parameters, sink: &mut impl FnMut(Ump)) {
    if now.parameter() == new.selected.parameter() {
        return;
    }
    let wanted = match new.selected.parameter() {
        Some(_) => new.selected,
        None => Selected::Registered(crate::parameter::NULL),
    };
    select(voice, now, wanted, sink);
}

/// Where a bank controller (0, 32) rests: at the half of the program's bank, or at 0. 32-bit scale.
fn bank_half(program: Option<Program>, controller: u8) -> u32 {
    let bank = program.and_then(|program| program.bank).unwrap_or(0);
    u32::from(if controller == 0 { bank >> 7 } else { bank & 0x7F }) << 25
}
