//! Laws that hold for every value and every table.

use midibay_ump::scale::scale;
use midibay_ump::{Event, Ump};
use proptest::prelude::*;

use super::tests::{apply, compile, on, pads_to_lights};
use super::{MapTable, PortMaps};
use crate::graph::Control::{self, Aftertouch, Cc, Note, Nrpn, Pitch, Pressure, Program, Rpn};
use crate::graph::{ControlMap, ControlRef, PortRef};

fn bend(value: u16) -> Ump {
    Ump::midi1(0, 0xE, 0, value as u8 & 0x7F, (value >> 7) as u8)
}

/// The one packet that comes out, moved back to channel 1 where the maps start.
fn one(maps: &mut PortMaps, ump: Ump) -> Ump {
    let [out] = apply(maps, ump)[..] else { panic!("one event in, one out") };
    let mut words = out.raw();
    words[0] &= !(0xF << 16);
    Ump::new(words)
}

#[test]
fn fourteen_bits_to_fourteen_is_exact() {
    let mut maps = compile(&[pads_to_lights(Pitch, Pitch)]);
    let mut to_parameter = compile(&[pads_to_lights(Pitch, Nrpn(300))]);
    let mut from_parameter = compile(&[pads_to_lights(Nrpn(300), Pitch)]);
    for value in 0..1 << 14 {
        assert_eq!(one(&mut maps, bend(value)), bend(value));
        let mut last = None;
        for ump in apply(&mut to_parameter, bend(value)) {
            let [head, ..] = ump.raw();
            last = apply(&mut from_parameter, Ump::word(head & !(0xF << 16))).pop().or(last);
        }
        assert_eq!(last.map(|ump| ump.head() & !(0xF << 16)), Some(bend(value).head()));
    }
}

#[test]
fn seven_bits_to_fourteen_and_back_is_exact() {
    let mut up = compile(&[pads_to_lights(Cc(1), Pitch)]);
    let mut down = compile(&[pads_to_lights(Pitch, Cc(1))]);
    for value in 0..=127 {
        let cc = Ump::midi1(0, 0xB, 0, 1, value);
        let bend = one(&mut up, cc);
        assert_eq!(one(&mut down, bend), cc);
    }
}

#[test]
fn a_larger_value_never_becomes_a_smaller_one() {
    let mut maps = compile(&[pads_to_lights(Pitch, Cc(1))]);
    let values: Vec<u32> = (0..1 << 14).map(|value| one(&mut maps, bend(value)).head()).collect();
    assert!(values.is_sorted());
    let mut maps = compile(&[pads_to_lights(Cc(1), Pitch)]);
    let values: Vec<u16> = (0..=127)
        .map(|value| one(&mut maps, Ump::midi1(0, 0xB, 0, 1, value)).head())
        .map(|head| (head & 0x7F) as u16 * 128 + (head >> 8 & 0x7F) as u16)
        .collect();
    assert!(values.is_sorted_by(|a, b| a < b));
}

/// The carried value is 32 bits wide whatever came in. This is why that loses nothing and adds
/// nothing: going over 32 bits is the same as scaling once.
#[test]
fn scaling_over_32_bits_is_scaling_once() {
    for from in [7, 14, 16] {
        for to in [7, 14, 16, 32] {
            for value in 0..1 << from {
                assert_eq!(scale(scale(value, from, 32), 32, to), scale(value, from, to));
            }
        }
    }
}

fn control() -> impl Strategy<Value = Control> {
    prop_oneof![
        (0..4u8).prop_map(Note),
        (0..4u8).prop_map(Cc),
        (0..4u8).prop_map(Pressure),
        Just(Aftertouch),
        Just(Pitch),
        Just(Program),
        (126..130u16).prop_map(Rpn),
        (126..130u16).prop_map(Nrpn),
    ]
}

fn map() -> impl Strategy<Value = ControlMap> {
    let port = |nodes| (nodes, 0..2u16).prop_map(|(node, port)| PortRef { node, port });
    let end = move |nodes| {
        (port(nodes), 0..2u8, 0..3u8, control()).prop_map(|(at, group, channel, control)| ControlRef {
            at,
            group,
            channel,
            control,
        })
    };
    (end(0..3usize), end(3..6usize)).prop_map(|(from, to)| ControlMap { from, to })
}

/// A MIDI 2.0 packet that moves a control: each is one packet, parameters too.
fn midi2(control: &ControlRef, value: u32) -> Ump {
    let (status, index, data) = match control.control {
        Note(n) => (0x9, u32::from(n) << 8, value & 0xFFFF_0000),
        Cc(n) => (0xB, u32::from(n) << 8, value),
        Pressure(n) => (0xA, u32::from(n) << 8, value),
        Aftertouch => (0xD, 0, value),
        Pitch => (0xE, 0, value),
        Program => (0xC, 0, value >> 25 << 24),
        Rpn(n) => (0x2, u32::from(n >> 7) << 8 | u32::from(n & 0x7F), value),
        Nrpn(n) => (0x3, u32::from(n >> 7) << 8 | u32::from(n & 0x7F), value),
    };
    let address = u32::from(control.group) << 24 | u32::from(control.channel) << 16;
    Ump::words2(0x4000_0000 | address | status << 20 | index, data)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The tables find what a plain search through the file finds, in the file's order.
    #[test]
    fn the_tables_agree_with_the_file(maps in prop::collection::vec(map(), 0..200)) {
        let mut table = MapTable::compile(&maps);
        prop_assert_eq!(table.ports.iter().map(|(_, maps)| maps.len()).sum::<usize>(), maps.len());
        for from in maps.iter().map(|map| map.from) {
            let (_, port) = table.ports.iter_mut().find(|(at, _)| *at == from.at).unwrap();
            let mut found = Vec::new();
            port.apply(&Event::new(0, midi2(&from, u32::MAX)), |dest, event| found.push((dest, event)));
            let found: Vec<_> = found
                .into_iter()
                .map(|(dest, event)| (port.destinations()[dest as usize], event.port, event.ump))
                .collect();
            let expected: Vec<_> = maps
                .iter()
                .filter(|map| map.from == from)
                .map(|map| (map.to.at, map.to.at.port, midi2(&map.to, u32::MAX)))
                .collect();
            prop_assert_eq!(found, expected);
            port.forget_source();
        }
    }

    /// Whatever is played, a release leaves no note sounding, and no note ends twice.
    #[test]
    fn every_note_that_a_level_starts_is_ended_once(
        play in prop::collection::vec((0..3u8, prop_oneof![Just(0), 0..=127u8]), 0..200),
    ) {
        let lights = PortRef { node: 1, port: 0 };
        let maps: Vec<ControlMap> =
            (0..3).map(|n| ControlMap { from: on(PortRef { node: 0, port: 0 }, 0, Cc(n)), to: on(lights, n, Note(60)) }).collect();
        let mut maps = compile(&maps);
        let mut sounding = [false; 3];
        let mut hear = |ump: Ump| {
            let [head, ..] = ump.raw();
            let note = &mut sounding[(head >> 16 & 0xF) as usize];
            let starts = head >> 20 & 0xF == 0x9;
            assert_ne!(*note, starts, "started or ended twice");
            *note = starts;
        };
        for (cc, value) in play {
            for ump in apply(&mut maps, Ump::midi1(0, 0xB, 0, cc, value)) {
                hear(ump);
            }
        }
        maps.release(|_, ump| hear(ump));
        prop_assert_eq!(sounding, [false; 3]);
    }
}
