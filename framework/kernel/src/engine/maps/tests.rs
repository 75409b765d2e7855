//! What a map makes of an event, control by control.

use midibay_ump::{Event, Ump};

use super::{MapTable, PortMaps};
use crate::graph::Control::{Aftertouch, Cc, Note, Nrpn, Pitch, Pressure, Program, Rpn};
use crate::graph::{Control, ControlMap, ControlRef, PortRef};

const PADS: PortRef = PortRef { node: 0, port: 0 };
const LIGHTS: PortRef = PortRef { node: 1, port: 0 };
const DESK: PortRef = PortRef { node: 2, port: 3 };

pub(super) fn on(at: PortRef, channel: u8, control: Control) -> ControlRef {
    ControlRef { at, group: 0, channel, control }
}

/// `pads.ch1.<from> -> lights.ch2.<to>`
pub(super) fn pads_to_lights(from: Control, to: Control) -> ControlMap {
    ControlMap { from: on(PADS, 0, from), to: on(LIGHTS, 1, to) }
}

/// The maps of the one port they all start at.
pub(super) fn compile(maps: &[ControlMap]) -> PortMaps {
    let mut ports = MapTable::compile(maps).ports;
    assert_eq!(ports.len(), 1);
    ports.remove(0).1
}

pub(super) fn apply(maps: &mut PortMaps, ump: Ump) -> Vec<Ump> {
    let mut out = Vec::new();
    maps.apply(&Event::new(0, ump), |_, event| out.push(event.ump));
    out
}

/// What one map makes of these packets of channel 1 in turn.
fn through(from: Control, to: Control, packets: &[Ump]) -> Vec<Ump> {
    let mut maps = compile(&[pads_to_lights(from, to)]);
    packets.iter().flat_map(|ump| apply(&mut maps, *ump)).collect()
}

/// A MIDI 1.0 packet of channel 1, or of channel 2, where the maps lead.
fn in1(status: u8, data1: u8, data2: u8) -> Ump {
    Ump::midi1(0, status, 0, data1, data2)
}

fn out1(status: u8, data1: u8, data2: u8) -> Ump {
    Ump::midi1(0, status, 1, data1, data2)
}

/// A MIDI 2.0 packet of channel 1, or of channel 2.
fn in2(status: u32, index: u32, data: u32) -> Ump {
    Ump::words2(0x4000_0000 | status << 20 | index, data)
}

fn out2(status: u32, index: u32, data: u32) -> Ump {
    Ump::words2(0x4001_0000 | status << 20 | index, data)
}

#[test]
fn seven_bits_become_fourteen_around_the_centre() {
    let bend = |value| through(Cc(7), Pitch, &[in1(0xB, 7, value)]);
    assert_eq!(bend(0), [out1(0xE, 0, 0)]);
    assert_eq!(bend(64), [out1(0xE, 0, 64)]);
    assert_eq!(bend(127), [out1(0xE, 127, 127)]);
}

#[test]
fn fourteen_bits_become_seven() {
    assert_eq!(through(Pitch, Cc(20), &[in1(0xE, 127, 126)]), [out1(0xB, 20, 126)]);
}

#[test]
fn every_kind_of_level_reaches_every_kind_of_target() {
    let sources = [
        (Cc(1), in1(0xB, 1, 100)),
        (Pressure(60), in1(0xA, 60, 100)),
        (Aftertouch, in1(0xD, 100, 0)),
        (Program, in1(0xC, 100, 0)),
        (Note(60), in1(0x9, 60, 100)),
    ];
    for (from, packet) in sources {
        assert_eq!(through(from, Cc(20), &[packet]), [out1(0xB, 20, 100)], "{from:?}");
        assert_eq!(through(from, Pressure(21), &[packet]), [out1(0xA, 21, 100)], "{from:?}");
        assert_eq!(through(from, Aftertouch, &[packet]), [out1(0xD, 100, 0)], "{from:?}");
        assert_eq!(through(from, Program, &[packet]), [out1(0xC, 100, 0)], "{from:?}");
        assert_eq!(through(from, Note(22), &[packet]), [out1(0x9, 22, 100)], "{from:?}");
        // 100 of 7 bits is 1100100, and 14 bits repeat its low six: 1100100 1001001.
        assert_eq!(through(from, Pitch, &[packet]), [out1(0xE, 0b100_1001, 100)], "{from:?}");
    }
}

#[test]
fn every_kind_of_midi_2_level_reaches_every_kind_of_target() {
    const VALUE: u32 = 0xC8A1_B2C3;
    let sources = [
        (Cc(1), in2(0xB, 1 << 8, VALUE)),
        (Pressure(60), in2(0xA, 60 << 8, VALUE)),
        (Aftertouch, in2(0xD, 0, VALUE)),
        (Pitch, in2(0xE, 0, VALUE)),
        (Rpn(0x81), in2(0x2, 0x0101, VALUE)),
        (Nrpn(0x81), in2(0x3, 0x0101, VALUE)),
    ];
    for (from, packet) in sources {
        assert_eq!(through(from, Cc(20), &[packet]), [out2(0xB, 20 << 8, VALUE)], "{from:?}");
        assert_eq!(through(from, Pressure(21), &[packet]), [out2(0xA, 21 << 8, VALUE)], "{from:?}");
        assert_eq!(through(from, Aftertouch, &[packet]), [out2(0xD, 0, VALUE)], "{from:?}");
        assert_eq!(through(from, Pitch, &[packet]), [out2(0xE, 0, VALUE)], "{from:?}");
        assert_eq!(through(from, Program, &[packet]), [out2(0xC, 0, 100 << 24)], "{from:?}");
        assert_eq!(through(from, Note(22), &[packet]), [out2(0x9, 22 << 8, 0xC8A1_0000)], "{from:?}");
        assert_eq!(through(from, Rpn(0x102), &[packet]), [out2(0x2, 0x0202, VALUE)], "{from:?}");
        assert_eq!(through(from, Nrpn(0x102), &[packet]), [out2(0x3, 0x0202, VALUE)], "{from:?}");
    }
}

#[test]
fn a_midi_2_velocity_and_program_are_scaled_to_32_bits() {
    assert_eq!(through(Note(1), Cc(2), &[in2(0x9, 1 << 8, 0xFFFF_0000)]), [out2(0xB, 2 << 8, 0xFFFF_FFFF)]);
    assert_eq!(through(Program, Cc(2), &[in2(0xC, 0, 64 << 24)]), [out2(0xB, 2 << 8, 0x8000_0000)]);
}

#[test]
fn a_note_moves_to_another_note_with_its_velocities() {
    assert_eq!(
        through(Note(36), Note(60), &[in1(0x9, 36, 90), in1(0x8, 36, 17), in1(0x9, 36, 0)]),
        [out1(0x9, 60, 90), out1(0x8, 60, 17), out1(0x9, 60, 0)]
    );
    assert_eq!(
        through(Note(36), Note(60), &[in2(0x9, 36 << 8, 0), in2(0x8, 36 << 8, 0x1234_0000)]),
        [out2(0x9, 60 << 8, 0), out2(0x8, 60 << 8, 0x1234_0000)]
    );
}

#[test]
fn a_note_keeps_its_attribute_unless_that_is_the_pitch_of_the_old_note() {
    let on = |attribute: u32| in2(0x9, 36 << 8 | attribute, 0x8000_1234);
    assert_eq!(through(Note(36), Note(60), &[on(1)]), [out2(0x9, 60 << 8 | 1, 0x8000_1234)]);
    assert_eq!(through(Note(36), Note(60), &[on(3)]), [out2(0x9, 60 << 8, 0x8000_0000)]);
    assert_eq!(through(Note(36), Note(36), &[on(3)]), [out2(0x9, 36 << 8 | 3, 0x8000_1234)]);
}

#[test]
fn a_note_off_takes_a_controller_to_zero() {
    assert_eq!(
        through(Note(36), Cc(20), &[in1(0x9, 36, 90), in1(0x8, 36, 64), in1(0x9, 36, 0)]),
        [out1(0xB, 20, 90), out1(0xB, 20, 0), out1(0xB, 20, 0)]
    );
}

#[test]
fn a_note_off_selects_no_program() {
    assert_eq!(
        through(Note(36), Program, &[in1(0x9, 36, 5), in1(0x8, 36, 64), in1(0x9, 36, 0)]),
        [out1(0xC, 5, 0)]
    );
    assert_eq!(through(Cc(1), Program, &[in1(0xB, 1, 0)]), [out1(0xC, 0, 0)]);
}

#[test]
fn a_level_starts_a_note_once_and_ends_it_at_zero() {
    let cc = |value| in1(0xB, 1, value);
    assert_eq!(
        through(Cc(1), Note(36), &[cc(0), cc(30), cc(90), cc(1), cc(0), cc(0), cc(5)]),
        [out1(0x9, 36, 30), out1(0x8, 36, 64), out1(0x9, 36, 5)]
    );
    let cc = |value| in2(0xB, 1 << 8, value);
    assert_eq!(
        through(Cc(1), Note(36), &[cc(0x8000_0000), cc(0xFFFF), cc(0x1_0000)]),
        [out2(0x9, 36 << 8, 0x8000_0000), out2(0x8, 36 << 8, 0x8000_0000), out2(0x9, 36 << 8, 0x0001_0000)]
    );
}

#[test]
fn two_levels_that_share_a_note_are_counted_apart() {
    let mut maps = compile(&[pads_to_lights(Cc(1), Note(36)), pads_to_lights(Cc(2), Note(36))]);
    assert_eq!(apply(&mut maps, in1(0xB, 1, 9)), [out1(0x9, 36, 9)]);
    assert_eq!(apply(&mut maps, in1(0xB, 2, 9)), [out1(0x9, 36, 9)]);
    assert_eq!(apply(&mut maps, in1(0xB, 1, 0)), [out1(0x8, 36, 64)]);
}

#[test]
fn a_parameter_target_in_midi_1_is_four_controllers() {
    assert_eq!(
        through(Pitch, Rpn(0x81), &[in1(0xE, 5, 6)]),
        [out1(0xB, 101, 1), out1(0xB, 100, 1), out1(0xB, 6, 6), out1(0xB, 38, 5)]
    );
    assert_eq!(
        through(Cc(1), Nrpn(0x3FFF), &[in1(0xB, 1, 127)]),
        [out1(0xB, 99, 127), out1(0xB, 98, 127), out1(0xB, 6, 127), out1(0xB, 38, 127)]
    );
}

#[test]
fn a_parameter_in_midi_1_moves_its_map_and_no_other() {
    let packets = [in1(0xB, 99, 1), in1(0xB, 98, 2), in1(0xB, 6, 64), in1(0xB, 38, 3)];
    assert_eq!(through(Nrpn(130), Pitch, &packets).last(), Some(&out1(0xE, 3, 64)));
    assert_eq!(through(Rpn(130), Pitch, &packets), []);
    assert_eq!(through(Nrpn(131), Pitch, &packets), []);
    assert_eq!(through(Nrpn(2), Pitch, &packets), []);
}

#[test]
fn parameters_of_two_channels_do_not_mix() {
    let mut maps = compile(&[pads_to_lights(Rpn(0), Cc(1))]);
    for ump in [in1(0xB, 101, 0), out1(0xB, 101, 5), in1(0xB, 100, 0), out1(0xB, 100, 5)] {
        assert_eq!(apply(&mut maps, ump), []);
    }
    assert_eq!(apply(&mut maps, out1(0xB, 6, 9)), []);
    assert_eq!(apply(&mut maps, in1(0xB, 6, 9)), [out1(0xB, 1, 9)]);
}

#[test]
fn the_controllers_of_a_parameter_can_have_maps_of_their_own() {
    let mut maps = compile(&[pads_to_lights(Rpn(0), Cc(1)), pads_to_lights(Cc(6), Cc(2))]);
    apply(&mut maps, in1(0xB, 101, 0));
    apply(&mut maps, in1(0xB, 100, 0));
    assert_eq!(apply(&mut maps, in1(0xB, 6, 9)), [out1(0xB, 2, 9), out1(0xB, 1, 9)]);
}

#[test]
fn a_parameter_step_in_midi_1_stays_a_step_between_parameters() {
    let packets = [in1(0xB, 101, 0), in1(0xB, 100, 5), in1(0xB, 6, 64), in1(0xB, 96, 7)];
    assert_eq!(
        through(Rpn(5), Nrpn(130), &packets)[4..],
        [out1(0xB, 99, 1), out1(0xB, 98, 2), out1(0xB, 96, 7)]
    );
    assert_eq!(through(Rpn(5), Pitch, &packets)[1..], [out1(0xE, 1, 64)]);
}

#[test]
fn a_relative_parameter_change_goes_on_to_parameters_only() {
    let down = in2(0x5, 0x0101, u32::MAX);
    assert_eq!(through(Nrpn(0x81), Rpn(0x102), &[down]), [out2(0x4, 0x0202, u32::MAX)]);
    assert_eq!(through(Nrpn(0x81), Nrpn(0x102), &[down]), [out2(0x5, 0x0202, u32::MAX)]);
    assert_eq!(through(Nrpn(0x81), Cc(1), &[down]), []);
    assert_eq!(through(Rpn(0x81), Rpn(0x102), &[down]), []);
}

#[test]
fn the_maps_of_a_control_send_in_the_order_of_the_file() {
    let mut maps = compile(&[
        ControlMap { from: on(PADS, 0, Cc(1)), to: on(DESK, 0, Cc(9)) },
        ControlMap { from: on(PADS, 0, Cc(2)), to: on(DESK, 0, Cc(8)) },
        ControlMap { from: on(PADS, 0, Cc(1)), to: on(LIGHTS, 0, Cc(7)) },
        ControlMap { from: on(PADS, 0, Cc(1)), to: on(DESK, 0, Cc(6)) },
    ]);
    let event = Event { time: 5, ump: in1(0xB, 1, 3), source: 7, port: 1, order: 9 };
    let mut out = Vec::new();
    maps.apply(&event, |dest, event| out.push((dest, event)));
    let destinations: Vec<PortRef> =
        out.iter().map(|(dest, _)| maps.destinations()[*dest as usize]).collect();
    assert_eq!(destinations, [DESK, LIGHTS, DESK]);
    assert_eq!(
        out.iter().map(|(_, event)| event.ump).collect::<Vec<_>>(),
        [Ump::midi1(0, 0xB, 0, 9, 3), Ump::midi1(0, 0xB, 0, 7, 3), Ump::midi1(0, 0xB, 0, 6, 3)]
    );
    assert!(out.iter().all(|(_, event)| (event.time, event.source, event.order) == (5, 7, 9)));
    assert_eq!(out.iter().map(|(_, event)| event.port).collect::<Vec<_>>(), [3, 0, 3]);
}

#[test]
fn each_port_has_the_maps_that_start_at_it() {
    let table = MapTable::compile(&[
        ControlMap { from: on(DESK, 0, Cc(1)), to: on(LIGHTS, 0, Cc(1)) },
        ControlMap { from: on(PADS, 0, Cc(1)), to: on(LIGHTS, 0, Cc(2)) },
        ControlMap { from: on(DESK, 0, Cc(1)), to: on(PADS, 0, Cc(3)) },
    ]);
    let shape: Vec<_> =
        table.ports.iter().map(|(port, maps)| (*port, maps.len(), maps.destinations())).collect();
    assert_eq!(shape, [(PADS, 1, &[LIGHTS][..]), (DESK, 2, &[LIGHTS, PADS][..])]);
}

#[test]
fn events_without_a_map_send_nothing() {
    let mut maps = compile(&[pads_to_lights(Cc(1), Cc(2))]);
    let others = [
        in1(0xB, 2, 9),
        out1(0xB, 1, 9),
        in1(0x9, 1, 9),
        in1(0xB, 1, 9).with_group(1),
        Ump::word(0x10B0_0109),
        Ump::words2(0x30B0_0109, 0),
        Ump::word(0x2010_0109),
        in2(0x1, 1 << 8, 9),
        in2(0xF, 1 << 8, 9),
    ];
    for ump in others {
        assert_eq!(apply(&mut maps, ump), [], "{ump:?}");
    }
    assert_eq!(apply(&mut maps, in1(0xB, 1, 9)).len(), 1);
}

#[test]
fn groups_and_channels_are_set_at_the_destination() {
    let from = ControlRef { at: PADS, group: 15, channel: 15, control: Cc(1) };
    let to = ControlRef { at: LIGHTS, group: 14, channel: 3, control: Cc(2) };
    let mut maps = compile(&[ControlMap { from, to }]);
    assert_eq!(apply(&mut maps, Ump::midi1(15, 0xB, 15, 1, 5)), [Ump::midi1(14, 0xB, 3, 2, 5)]);
}

#[test]
fn all_notes_off_at_the_source_ends_the_notes_that_its_notes_hold() {
    let mut maps = compile(&[pads_to_lights(Note(36), Note(60)), pads_to_lights(Cc(1), Note(61))]);
    apply(&mut maps, in1(0x9, 36, 90));
    apply(&mut maps, in1(0xB, 1, 90));
    assert_eq!(apply(&mut maps, in1(0xB, 123, 0)), [out1(0x8, 60, 64)]);
    assert_eq!(apply(&mut maps, in1(0xB, 123, 0)), []);
    assert_eq!(apply(&mut maps, in1(0xB, 1, 0)), [out1(0x8, 61, 64)]);
}

#[test]
fn reset_all_controllers_at_the_source_ends_the_notes_that_its_pedals_hold() {
    let mut maps = compile(&[pads_to_lights(Cc(64), Note(60)), pads_to_lights(Cc(1), Note(61))]);
    apply(&mut maps, in1(0xB, 64, 127));
    apply(&mut maps, in1(0xB, 1, 127));
    assert_eq!(apply(&mut maps, in1(0xB, 121, 0)), [out1(0x8, 60, 64)]);
}

#[test]
fn a_forgotten_note_starts_again_with_the_next_value() {
    let to_desk = ControlMap { from: on(PADS, 0, Cc(1)), to: on(DESK, 1, Note(1)) };
    let mut maps = compile(&[to_desk, pads_to_lights(Cc(1), Note(2))]);
    assert_eq!(apply(&mut maps, in1(0xB, 1, 5)).len(), 2);
    maps.forget_notes(1);
    assert_eq!(apply(&mut maps, in1(0xB, 1, 6)), [out1(0x9, 2, 6)]);
    maps.forget_source();
    assert_eq!(apply(&mut maps, in1(0xB, 1, 7)), [out1(0x9, 1, 7), out1(0x9, 2, 7)]);
}

#[test]
fn a_source_that_starts_anew_must_name_its_parameter_again() {
    let mut maps = compile(&[pads_to_lights(Rpn(0), Cc(1))]);
    apply(&mut maps, in1(0xB, 101, 0));
    apply(&mut maps, in1(0xB, 100, 0));
    maps.forget_source();
    assert_eq!(apply(&mut maps, in1(0xB, 6, 9)), []);
}

#[test]
fn release_ends_each_held_note_once_in_its_own_protocol() {
    let mut maps = compile(&[pads_to_lights(Note(1), Note(60)), pads_to_lights(Cc(1), Note(61))]);
    apply(&mut maps, in1(0x9, 1, 90));
    apply(&mut maps, in2(0xB, 1 << 8, u32::MAX));
    let mut out = Vec::new();
    for _ in 0..2 {
        maps.release(|at, ump| out.push((at, ump)));
    }
    assert_eq!(out, [(LIGHTS, out1(0x8, 60, 64)), (LIGHTS, out2(0x8, 61 << 8, 0x8000_0000))]);
}

#[test]
fn a_reload_keeps_the_notes_of_maps_that_stay_and_ends_those_of_maps_that_go() {
    let moved = PortRef { node: 5, port: 0 };
    let mut old = compile(&[
        pads_to_lights(Cc(1), Note(60)),
        pads_to_lights(Note(1), Note(61)),
        ControlMap { from: on(PADS, 0, Cc(2)), to: on(DESK, 1, Note(62)) },
    ]);
    for ump in [in1(0xB, 1, 90), in1(0x9, 1, 90), in1(0xB, 2, 90)] {
        apply(&mut old, ump);
    }
    let mut new = compile(&[
        ControlMap { from: on(PADS, 0, Cc(1)), to: on(moved, 1, Note(60)) },
        ControlMap { from: on(PADS, 0, Note(1)), to: on(moved, 1, Note(99)) },
    ]);
    let mut released = Vec::new();
    let renumbered = |port| (port == LIGHTS).then_some(moved);
    new.take_state_from(&mut old, renumbered, |at, ump| released.push((at, ump)));
    assert_eq!(released, [(LIGHTS, out1(0x8, 61, 64)), (DESK, out1(0x8, 62, 64))]);

    assert_eq!(apply(&mut new, in1(0xB, 1, 91)), [], "the note already sounds");
    assert_eq!(apply(&mut new, in1(0xB, 1, 0)), [out1(0x8, 60, 64)]);
    old.release(|at, ump| panic!("{at:?} {ump:?} was handed over"));
}

#[test]
fn a_reload_keeps_the_parameter_that_was_chosen() {
    let maps = [pads_to_lights(Rpn(0), Cc(1))];
    let (mut old, mut new) = (compile(&maps), compile(&maps));
    apply(&mut old, in1(0xB, 101, 0));
    apply(&mut old, in1(0xB, 100, 0));
    new.take_state_from(&mut old, Some, |_, _| {});
    assert_eq!(apply(&mut new, in1(0xB, 6, 9)), [out1(0xB, 1, 9)]);
}
