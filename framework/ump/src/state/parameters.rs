//! The RPN and NRPN values of a channel.

use crate::parameter::{NULL, Selected};
use crate::scale::scale_14_to_32;

/// How many values a channel keeps.
pub(super) const PARAMETERS: usize = 32;

/// Kind and number of a parameter in 15 bits.
pub(super) const fn key(registered: bool, number: u16) -> u16 {
    (registered as u16) << 14 | number & 0x3FFF
}

#[derive(Clone, Debug)]
pub(super) struct Parameters {
    entries: [(u16, u32); PARAMETERS],
    length: u8,
    /// The entry that gives way next when the table is full.
    oldest: u8,
    pub(super) selected: Selected,
}

impl Parameters {
    pub(super) const NEW: Self =
        Self { entries: [(0, 0); PARAMETERS], length: 0, oldest: 0, selected: Selected::Nothing };

    pub(super) fn entries(&self) -> &[(u16, u32)] {
        &self.entries[..usize::from(self.length)]
    }

    pub(super) fn value(&self, key: u16) -> Option<u32> {
        self.entries().iter().find(|(other, _)| *other == key).map(|(_, value)| *value)
    }

    /// The null parameter takes no value.
    pub(super) fn set(&mut self, key: u16, value: u32) {
        if key & NULL == NULL {
            return;
        }
        let length = usize::from(self.length);
        if let Some(entry) = self.entries[..length].iter_mut().find(|(other, _)| *other == key) {
            entry.1 = value;
        } else if length < PARAMETERS {
            self.entries[length] = (key, value);
            self.length += 1;
        } else {
            self.entries[usize::from(self.oldest)] = (key, value);
            self.oldest = (self.oldest + 1) % PARAMETERS as u8;
        }
    }

    /// One of the MIDI 1.0 controllers 6, 38 and 96-101, with its 7-bit value.
    pub(super) fn control(&mut self, controller: u8, data: u8) {
        if let Some(selected) = self.selected.after(controller, data) {
            self.selected = selected;
            return;
        }
        let Some((registered, number)) = self.selected.parameter() else { return };
        let key = key(registered, number);
        let now = self.value(key).map_or(0, |value| (value >> 18) as u16);
        let value = match controller {
            6 => u16::from(data) << 7,
            38 => now & 0x3F80 | u16::from(data),
            96 => (now + 1).min(0x3FFF),
            _ => now.saturating_sub(1),
        };
        self.set(key, scale_14_to_32(value));
    }
}
