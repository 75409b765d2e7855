//! One map's far end: what it sends, and the note it may be holding.

use midibay_ump::Ump;

use super::index::{Key, place};
use super::reading::{Gate, Reading};
use crate::graph::{Control, ControlMap};

/// What a target is. Numbers stand in [`Target::number`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Note,
    Cc,
    Pressure,
    Aftertouch,
    Pitch,
    Program,
    Rpn,
    Nrpn,
}

/// Whether a target's note sounds, and which protocol ends it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Holding {
    Nothing,
    Midi1,
    Midi2,
}

/// The destination of one map. 16 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    /// The control that moves it.
    pub(super) from: Key,
    /// Index into the port's destinations.
    pub(super) dest: u32,
    /// The input port at the destination's node.
    pub(super) port: u16,
    /// Note, controller or parameter number.
    number: u16,
    place: u8,
    kind: Kind,
    holding: Holding,
}

const _: () = assert!(size_of::<Target>() == 16);

/// Velocity of a Note Off that stands for no finger: the middle, as the standards advise.
const RELEASE_VELOCITY: u32 = 64;

const MIDI1: u32 = 0x2 << 28;
const MIDI2: u32 = 0x4 << 28;

impl Target {
    /// The far end of `map`, whose destination port is the port's destination number `dest`.
    pub(super) fn of(map: &ControlMap, dest: u32) -> Self {
        let (kind, number) = match map.to.control {
            Control::Note(n) => (Kind::Note, n.into()),
            Control::Cc(n) => (Kind::Cc, n.into()),
            Control::Pressure(n) => (Kind::Pressure, n.into()),
            Control::Aftertouch => (Kind::Aftertouch, 0),
            Control::Pitch => (Kind::Pitch, 0),
            Control::Program => (Kind::Program, 0),
            Control::Rpn(n) => (Kind::Rpn, n),
            Control::Nrpn(n) => (Kind::Nrpn, n),
        };
        Self {
            from: Key::of(&map.from),
            dest,
            port: map.to.at.port,
            number: number & if matches!(kind, Kind::Rpn | Kind::Nrpn) { 0x3FFF } else { 0x7F },
            place: place(map.to.group, map.to.channel),
            kind,
            holding: Holding::Nothing,
        }
    }

    /// Whether a note that this target started still sounds.
    pub(super) fn holds(&self) -> bool {
        self.holding != Holding::Nothing
    }

    /// Whether `other` moves the same control from the same control; ports are left out.
    pub(super) fn same_controls(&self, other: &Self) -> bool {
        (self.from, self.kind, self.number, self.place) == (other.from, other.kind, other.number, other.place)
    }

    /// Forgets the held note without ending it.
    pub(super) fn forget(&mut self) {
        self.holding = Holding::Nothing;
    }

    /// Takes over the note that `old`, the same map in an older table, holds.
    pub(super) fn inherit(&mut self, old: &Self) {
        self.holding = old.holding;
    }

    /// Ends the held note: the Note Off, in the protocol that started it.
    pub(super) fn release(&mut self) -> Option<Ump> {
        let off = match self.holding {
            Holding::Nothing => return None,
            Holding::Midi1 => self.midi1(0x8, self.number.into(), RELEASE_VELOCITY),
            Holding::Midi2 => self.midi2(0x8, u32::from(self.number) << 8, RELEASE_VELOCITY << 25),
        };
        self.holding = Holding::Nothing;
        Some(off)
    }

    /// Sends what the reading of `packet`, which has that message type, becomes here.
    ///
    /// `[engine]`
    #[inline]
    pub(super) fn send(&mut self, reading: Reading, packet: &Ump, emit: impl FnMut(Ump)) {
        if packet.message_type() == 4 {
            self.send_midi2(reading, packet, emit);
        } else {
            self.send_midi1(reading, packet, emit);
        }
    }

    #[inline]
    fn send_midi1(&mut self, reading: Reading, packet: &Ump, mut emit: impl FnMut(Ump)) {
        let number = u32::from(self.number);
        let value7 = reading.value >> 25;
        let value14 = reading.value >> 18;
        match self.kind {
            Kind::Note => match reading.gate {
                Gate::Level => {
                    if self.turns(value7 != 0, Holding::Midi1) {
                        let (status, velocity) =
                            if value7 == 0 { (0x8, RELEASE_VELOCITY) } else { (0x9, value7) };
                        emit(self.midi1(status, number, velocity));
                    }
                }
                gate => {
                    self.holding = if gate == Gate::On { Holding::Midi1 } else { Holding::Nothing };
                    let head = packet.head();
                    emit(self.midi1(head >> 20 & 0xF, number, head & 0x7F));
                }
            },
            Kind::Cc => emit(self.midi1(0xB, number, value7)),
            Kind::Pressure => emit(self.midi1(0xA, number, value7)),
            Kind::Aftertouch => emit(self.midi1(0xD, value7, 0)),
            Kind::Pitch => emit(self.midi1(0xE, value14 & 0x7F, value14 >> 7)),
            Kind::Program => {
                if reading.gate != Gate::Off {
                    emit(self.midi1(0xC, value7, 0));
                }
            }
            Kind::Rpn | Kind::Nrpn => {
                self.select_midi1(&mut emit);
                emit(self.midi1(0xB, 6, value14 >> 7));
                emit(self.midi1(0xB, 38, value14 & 0x7F));
            }
        }
    }

    /// The two controllers that choose this parameter.
    fn select_midi1(&self, mut emit: impl FnMut(Ump)) {
        let (high, low) = if self.kind == Kind::Rpn { (101, 100) } else { (99, 98) };
        let number = u32::from(self.number);
        emit(self.midi1(0xB, high, number >> 7));
        emit(self.midi1(0xB, low, number & 0x7F));
    }

    #[inline]
    fn send_midi2(&mut self, reading: Reading, packet: &Ump, mut emit: impl FnMut(Ump)) {
        let index = u32::from(self.number) << 8;
        let value = reading.value;
        match self.kind {
            Kind::Note => match reading.gate {
                Gate::Level => {
                    let velocity = value >> 16;
                    if self.turns(velocity != 0, Holding::Midi2) {
                        emit(if velocity == 0 {
                            self.midi2(0x8, index, RELEASE_VELOCITY << 25)
                        } else {
                            self.midi2(0x9, index, velocity << 16)
                        });
                    }
                }
                gate => {
                    self.holding = if gate == Gate::On { Holding::Midi2 } else { Holding::Nothing };
                    emit(self.renamed_note(packet, index));
                }
            },
            Kind::Cc => emit(self.midi2(0xB, index, value)),
            Kind::Pressure => emit(self.midi2(0xA, index, value)),
            Kind::Aftertouch => emit(self.midi2(0xD, 0, value)),
            Kind::Pitch => emit(self.midi2(0xE, 0, value)),
            Kind::Program => {
                if reading.gate != Gate::Off {
                    emit(self.midi2(0xC, 0, value >> 25 << 24));
                }
            }
            Kind::Rpn => emit(self.midi2(0x2, self.parameter_index(), value)),
            Kind::Nrpn => emit(self.midi2(0x3, self.parameter_index(), value)),
        }
    }

    /// A MIDI 2.0 note packet on this target's note. Its attribute goes along, but for an exact
    /// pitch (attribute type 3, M2-104-UM 7.4.15): that would keep the old note sounding.
    fn renamed_note(&self, packet: &Ump, index: u32) -> Ump {
        const PITCH_7_9: u32 = 3;
        let [head, data, ..] = packet.raw();
        let status = head >> 20 & 0xF;
        let attribute = head & 0xFF;
        if attribute == PITCH_7_9 && head & 0x7F00 != index {
            self.midi2(status, index, data & 0xFFFF_0000)
        } else {
            self.midi2(status, index | attribute, data)
        }
    }

    /// Passes a step of a parameter (MIDI 1.0, controllers 96 and 97) on as a step to a target that
    /// is a parameter itself. Says no, and sends nothing, for other targets.
    ///
    /// `[engine]`
    pub(super) fn send_step(&self, packet: &Ump, mut emit: impl FnMut(Ump)) -> bool {
        if !matches!(self.kind, Kind::Rpn | Kind::Nrpn) {
            return false;
        }
        self.select_midi1(&mut emit);
        emit(self.midi1(0xB, packet.head() >> 8 & 0x7F, packet.head() & 0x7F));
        true
    }

    /// Passes a relative parameter change (MIDI 2.0) on to a target that is a parameter itself.
    /// Other targets have no relative form, and where they stand is not known: nothing is sent.
    ///
    /// `[engine]`
    pub(super) fn send_relative(&self, change: u32, mut emit: impl FnMut(Ump)) {
        match self.kind {
            Kind::Rpn => emit(self.midi2(0x4, self.parameter_index(), change)),
            Kind::Nrpn => emit(self.midi2(0x5, self.parameter_index(), change)),
            _ => {}
        }
    }

    /// Whether a level that is now on (or off) starts or ends the note; keeps which it was.
    #[inline]
    fn turns(&mut self, on: bool, protocol: Holding) -> bool {
        if on == self.holds() {
            return false;
        }
        self.holding = if on { protocol } else { Holding::Nothing };
        true
    }

    fn parameter_index(&self) -> u32 {
        let number = u32::from(self.number);
        (number >> 7) << 8 | number & 0x7F
    }

    #[inline]
    fn midi1(&self, status: u32, data1: u32, data2: u32) -> Ump {
        Ump::word(MIDI1 | self.address() | status << 20 | data1 << 8 | data2)
    }

    #[inline]
    fn midi2(&self, status: u32, index: u32, data: u32) -> Ump {
        Ump::words2(MIDI2 | self.address() | status << 20 | index, data)
    }

    /// Group and channel where a packet's first word has them.
    #[inline]
    fn address(&self) -> u32 {
        u32::from(self.place >> 4) << 24 | u32::from(self.place & 0xF) << 16
    }
}
