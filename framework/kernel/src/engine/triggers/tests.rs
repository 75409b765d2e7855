//! When a trigger fires, and when it does not.

use midibay_ump::{Event, Ump};
use serde_json::Value;

use super::Triggers;
use crate::graph::Control::{Cc, Note, Nrpn, Pitch, Program};
use crate::graph::{Control, ControlRef, PortRef, Trigger, TriggerAction};

const PADS: PortRef = PortRef { node: 0, port: 0 };
const DESK: PortRef = PortRef { node: 1, port: 0 };
const NONE: [u32; 0] = [];

fn on(at: PortRef, control: Control) -> ControlRef {
    ControlRef { at, group: 0, channel: 15, control }
}

fn trigger(on: ControlRef, above: u8, guard: Option<ControlRef>) -> Trigger {
    let action = TriggerAction { node: 2, command: "switch".into(), args: Value::Null };
    Trigger { on, above, guard, action }
}

fn pads(status: u8, data1: u8, data2: u8) -> Ump {
    Ump::midi1(0, status, 15, data1, data2)
}

/// What fires when a port's event comes in.
fn play(triggers: &mut Triggers, at: PortRef, ump: Ump) -> Vec<u32> {
    let mut fired = Vec::new();
    for (port, watches) in &mut triggers.ports {
        if *port == at {
            watches.apply(&Event::new(0, ump), &mut triggers.state, |trigger| fired.push(trigger));
        }
    }
    fired
}

#[test]
fn a_note_fires_each_time_it_is_struck_above_the_threshold() {
    let mut triggers = Triggers::compile(&[trigger(on(PADS, Note(127)), 100, None)]);
    assert_eq!(play(&mut triggers, PADS, pads(0x9, 127, 100)), NONE);
    assert_eq!(play(&mut triggers, PADS, pads(0x9, 127, 101)), [0]);
    assert_eq!(play(&mut triggers, PADS, pads(0x9, 127, 127)), [0]);
    assert_eq!(play(&mut triggers, PADS, pads(0x8, 127, 127)), NONE);
    assert_eq!(play(&mut triggers, PADS, pads(0x9, 126, 127)), NONE);
    assert_eq!(play(&mut triggers, DESK, pads(0x9, 127, 127)), NONE);
}

#[test]
fn a_threshold_of_zero_lets_every_note_on_through_but_no_note_off() {
    let mut triggers = Triggers::compile(&[trigger(on(PADS, Note(1)), 0, None)]);
    assert_eq!(play(&mut triggers, PADS, pads(0x9, 1, 1)), [0]);
    assert_eq!(play(&mut triggers, PADS, pads(0x9, 1, 0)), NONE);
}

#[test]
fn a_controller_fires_when_it_rises_above_and_not_while_it_stays() {
    let mut triggers = Triggers::compile(&[trigger(on(PADS, Cc(7)), 63, None)]);
    let fired: Vec<usize> = [10, 63, 64, 127, 64, 63, 80]
        .map(|value| play(&mut triggers, PADS, pads(0xB, 7, value)).len())
        .to_vec();
    assert_eq!(fired, [0, 0, 1, 0, 0, 0, 1]);
}

#[test]
fn a_value_is_compared_at_full_resolution() {
    let mut triggers = Triggers::compile(&[trigger(on(PADS, Pitch), 64, None)]);
    assert_eq!(play(&mut triggers, PADS, pads(0xE, 0, 64)), NONE);
    assert_eq!(play(&mut triggers, PADS, pads(0xE, 1, 64)), [0]);

    let mut triggers = Triggers::compile(&[trigger(on(PADS, Pitch), 64, None)]);
    let bend = |value| Ump::words2(0x40EF_0000, value);
    assert_eq!(play(&mut triggers, PADS, bend(0x8000_0000)), NONE);
    assert_eq!(play(&mut triggers, PADS, bend(0x8000_0001)), [0]);
}

#[test]
fn a_program_fires_each_time_it_is_chosen() {
    let mut triggers = Triggers::compile(&[trigger(on(PADS, Program), 9, None)]);
    let fired = [9, 10, 10, 50].map(|program| play(&mut triggers, PADS, pads(0xC, program, 0)).len());
    assert_eq!(fired, [0, 1, 1, 1]);
}

#[test]
fn a_parameter_fires_in_both_protocols() {
    let mut triggers = Triggers::compile(&[trigger(on(PADS, Nrpn(0x81)), 100, None)]);
    for ump in [pads(0xB, 99, 1), pads(0xB, 98, 1), pads(0xB, 6, 100)] {
        assert_eq!(play(&mut triggers, PADS, ump), NONE);
    }
    assert_eq!(play(&mut triggers, PADS, pads(0xB, 6, 101)), [0]);
    let nrpn = |value| Ump::words2(0x403F_0101, value);
    assert_eq!(play(&mut triggers, PADS, nrpn(0)), NONE);
    assert_eq!(play(&mut triggers, PADS, nrpn(u32::MAX)), [0]);
}

#[test]
fn a_guarded_trigger_fires_only_while_its_note_is_held() {
    let guard = Some(on(PADS, Note(0)));
    let mut triggers = Triggers::compile(&[trigger(on(PADS, Note(127)), 0, guard)]);
    let strike = pads(0x9, 127, 127);
    assert_eq!(play(&mut triggers, PADS, strike), NONE);
    play(&mut triggers, PADS, pads(0x9, 0, 1));
    assert_eq!(play(&mut triggers, PADS, strike), [0]);
    play(&mut triggers, PADS, pads(0x8, 0, 0));
    assert_eq!(play(&mut triggers, PADS, strike), NONE);
}

#[test]
fn taking_the_guard_late_fires_nothing() {
    let guard = Some(on(PADS, Note(0)));
    let mut triggers = Triggers::compile(&[trigger(on(PADS, Cc(7)), 63, guard)]);
    assert_eq!(play(&mut triggers, PADS, pads(0xB, 7, 127)), NONE);
    play(&mut triggers, PADS, pads(0x9, 0, 1));
    assert_eq!(play(&mut triggers, PADS, pads(0xB, 7, 126)), NONE);
    play(&mut triggers, PADS, pads(0xB, 7, 0));
    assert_eq!(play(&mut triggers, PADS, pads(0xB, 7, 127)), [0]);
}

#[test]
fn a_pedal_on_another_port_can_be_the_guard() {
    let guard = Some(on(DESK, Cc(64)));
    let mut triggers = Triggers::compile(&[trigger(on(PADS, Note(1)), 0, guard)]);
    let strike = pads(0x9, 1, 1);
    play(&mut triggers, DESK, pads(0xB, 64, 63));
    assert_eq!(play(&mut triggers, PADS, strike), NONE);
    play(&mut triggers, DESK, pads(0xB, 64, 64));
    assert_eq!(play(&mut triggers, PADS, strike), [0]);
    play(&mut triggers, PADS, pads(0xB, 64, 0));
    assert_eq!(play(&mut triggers, PADS, strike), [0], "the pads' own pedal is not the guard");
    play(&mut triggers, DESK, pads(0xB, 121, 0));
    assert_eq!(play(&mut triggers, PADS, strike), NONE, "Reset All Controllers lifts pedals");
}

#[test]
fn a_guard_is_let_go_by_all_notes_off_and_with_its_source() {
    let guard = Some(on(DESK, Note(0)));
    let mut triggers = Triggers::compile(&[trigger(on(PADS, Note(1)), 0, guard)]);
    let strike = pads(0x9, 1, 1);
    play(&mut triggers, DESK, pads(0x9, 0, 1));
    play(&mut triggers, DESK, pads(0xB, 123, 0));
    assert_eq!(play(&mut triggers, PADS, strike), NONE);
    play(&mut triggers, DESK, pads(0x9, 0, 1));
    let (_, desk) = triggers.ports.iter_mut().find(|(port, _)| *port == DESK).unwrap();
    desk.forget_source(&mut triggers.state);
    assert_eq!(play(&mut triggers, PADS, strike), NONE);
}

#[test]
fn triggers_that_share_a_control_fire_in_the_order_of_the_file() {
    let mut triggers = Triggers::compile(&[
        trigger(on(PADS, Note(1)), 50, None),
        trigger(on(PADS, Note(2)), 0, None),
        trigger(on(PADS, Note(1)), 0, None),
    ]);
    assert_eq!(play(&mut triggers, PADS, pads(0x9, 1, 127)), [0, 2]);
    assert_eq!(play(&mut triggers, PADS, pads(0x9, 1, 20)), [2]);
}

#[test]
fn a_reload_keeps_held_guards_and_raised_levels() {
    let guard = Some(on(PADS, Note(0)));
    let spec = [trigger(on(PADS, Cc(7)), 63, None), trigger(on(PADS, Note(1)), 0, guard)];
    let (mut old, mut new) = (Triggers::compile(&spec), Triggers::compile(&spec));
    play(&mut old, PADS, pads(0x9, 0, 9));
    play(&mut old, PADS, pads(0xB, 7, 127));

    new.state.take_state_from(&old.state, Some);
    new.ports[0].1.take_state_from(&mut old.ports[0].1);
    assert_eq!(play(&mut new, PADS, pads(0xB, 7, 126)), NONE, "it was up already");
    assert_eq!(play(&mut new, PADS, pads(0x9, 1, 9)), [1], "the guard is still held");
}
