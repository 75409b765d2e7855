//! One channel of one group.

use super::Voice;
use super::parameters::{Parameters, key};
use crate::Ump;
use crate::held::PEDALS;
use crate::parameter::{NULL, Selected};
use crate::scale::{scale_7_to_16, scale_7_to_32, scale_14_to_32};

/// A pitch bend that bends nothing.
pub(super) const CENTRE: u32 = 0x8000_0000;

/// A program and where it was chosen from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Program {
    /// 0-127.
    pub program: u8,
    /// The 14-bit bank, if one was selected before.
    pub bank: Option<u16>,
}

#[derive(Clone, Debug)]
pub(super) struct Channel {
    /// Any message came: an untouched channel need not be looked at.
    pub(super) touched: bool,
    /// A bit a note that sounds.
    pub(super) notes: u128,
    velocities: [u16; 128],
    /// A bit a note that sounds and has a pressure.
    pub(super) pressed: u128,
    pressures: [u32; 128],
    /// A bit a controller that came.
    pub(super) known: u128,
    controllers: [u32; 128],
    pub(super) program: Option<Program>,
    pub(super) bend: u32,
    pub(super) pressure: u32,
    pub(super) parameters: Parameters,
}

impl Channel {
    pub(super) const NEW: Self = Self {
        touched: false,
        notes: 0,
        velocities: [0; 128],
        pressed: 0,
        pressures: [0; 128],
        known: 0,
        controllers: [0; 128],
        program: None,
        bend: CENTRE,
        pressure: 0,
        parameters: Parameters::NEW,
    };

    pub(super) const fn velocity(&self, note: u8) -> Option<u16> {
        if self.notes >> note & 1 != 0 { Some(self.velocities[note as usize]) } else { None }
    }

    pub(super) const fn controller(&self, controller: u8) -> Option<u32> {
        if self.known >> controller & 1 != 0 { Some(self.controllers[controller as usize]) } else { None }
    }

    pub(super) const fn poly_pressure(&self, note: u8) -> u32 {
        if self.pressed >> note & 1 != 0 { self.pressures[note as usize] } else { 0 }
    }

    pub(super) fn set_controller(&mut self, controller: u8, value: u32) {
        self.known |= 1 << controller;
        self.controllers[usize::from(controller)] = value;
    }

    pub(super) fn set_note(&mut self, note: u8, velocity: u16) {
        self.notes |= 1 << note;
        self.pressed &= !(1 << note);
        self.velocities[usize::from(note)] = velocity;
    }

    /// Only a note that sounds can be pressed.
    pub(super) fn set_pressure(&mut self, note: u8, pressure: u32) {
        self.pressed |= self.notes & 1 << note;
        self.pressures[usize::from(note)] = pressure;
    }

    fn end_note(&mut self, note: u8) {
        self.notes &= !(1 << note);
        self.pressed &= !(1 << note);
    }

    #[inline]
    pub(super) fn apply(&mut self, ump: &Ump) {
        self.touched = true;
        let (data1, data2, value) = (ump.data1() & 0x7F, ump.data2() & 0x7F, ump.raw()[1]);
        // The second word of a MIDI 1.0 message is 0: its value is in the first.
        let midi2 = ump.message_type() == 4;
        let wide = || if midi2 { value } else { scale_7_to_32(data2) };
        match ump.status() {
            0x8 => self.end_note(data1),
            0x9 if midi2 => self.set_note(data1, (value >> 16) as u16),
            0x9 if data2 == 0 => self.end_note(data1),
            0x9 => self.set_note(data1, scale_7_to_16(data2)),
            0xA => self.set_pressure(data1, wide()),
            0xB if data1 >= 120 => self.mode(data1),
            // MIDI 2.0 has messages of its own for what these controllers do (M2-104-UM 7.4.6).
            0xB if keeps(data1) => self.set_controller(data1, wide()),
            0xB if !midi2 => self.parameters.control(data1, data2),
            0xC => self.set_program(if midi2 { (value >> 24) as u8 & 0x7F } else { data1 }, ump, midi2),
            0xD => self.pressure = if midi2 { value } else { scale_7_to_32(data1) },
            0xE if midi2 => self.bend = value,
            0xE => self.bend = scale_14_to_32(u16::from(data2) << 7 | u16::from(data1)),
            // MIDI 2.0 alone has lower statuses.
            status @ (0x2 | 0x3) if midi2 => {
                let number = u16::from(data1) << 7 | u16::from(data2);
                self.parameters.set(key(status == 0x2, number), value);
            }
            status @ (0x4 | 0x5) if midi2 => {
                let key = key(status == 0x4, u16::from(data1) << 7 | u16::from(data2));
                let now = self.parameters.value(key).unwrap_or(0);
                self.parameters.set(key, now.saturating_add_signed(value as i32));
            }
            _ => {}
        }
    }

    fn set_program(&mut self, program: u8, ump: &Ump, midi2: bool) {
        let value = ump.raw()[1];
        if midi2 && ump.data2() & 1 != 0 {
            self.set_controller(0, scale_7_to_32((value >> 8) as u8));
            self.set_controller(32, scale_7_to_32(value as u8));
        }
        let half = |controller| self.controller(controller).map(|value| (value >> 25) as u16);
        let bank = match (half(0), half(32)) {
            (None, None) => None,
            (high, low) => Some(high.unwrap_or(0) << 7 | low.unwrap_or(0)),
        };
        self.program = Some(Program { program, bank });
    }

    fn mode(&mut self, controller: u8) {
        match controller {
            121 => self.reset_controllers(),
            120 | 123.. => {
                self.notes = 0;
                self.pressed = 0;
            }
            _ => {}
        }
    }

    /// Reset All Controllers, by RP-015: what it leaves alone there (volume, pan, program, ...)
    /// stays here.
    fn reset_controllers(&mut self) {
        for controller in 0..120 {
            if let Some(value) = default_of(controller)
                && self.known >> controller & 1 != 0
            {
                self.set_controller(controller, value);
            }
        }
        self.bend = CENTRE;
        self.pressure = 0;
        self.pressed = 0;
        self.parameters.selected = Selected::Registered(NULL);
    }

    pub(super) fn release(&mut self, voice: Voice, sink: &mut impl FnMut(Ump)) {
        each_bit(self.notes, |note| sink(voice.note_off(note)));
        self.notes = 0;
        self.pressed = 0;
        for pedal in PEDALS {
            if self.controller(pedal).is_some_and(|value| value >= CENTRE) {
                self.set_controller(pedal, 0);
                sink(voice.control(pedal, 0));
            }
        }
    }
}

/// Has the controller a value of its own? Not those of parameters, nor the mode messages.
pub(super) const fn keeps(controller: u8) -> bool {
    !matches!(controller, 6 | 38 | 96..=101 | 120..)
}

/// The value that Reset All Controllers gives a controller, for those that it resets: modulation,
/// expression, and the pedals and switches 64-69.
pub(super) const fn default_of(controller: u8) -> Option<u32> {
    match controller {
        1 | 64..=69 => Some(0),
        11 => Some(u32::MAX),
        _ => None,
    }
}

/// Calls `each` with the number of every set bit, from the lowest.
pub(super) fn each_bit(bits: u128, mut each: impl FnMut(u8)) {
    crate::held::each_bit(bits as u64, &mut each);
    crate::held::each_bit((bits >> 64) as u64, |bit| each(64 | bit));
}
