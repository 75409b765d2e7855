//! What a `limit` node does, in virtual time. No call of it may allocate.

use std::collections::HashMap;
use std::time::Duration;

use midibay_limit::Limit;
use midibay_plugin::testing::Rig;
use midibay_plugin::{Event, Ump, Value};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

#[cfg(debug_assertions)]
#[global_allocator]
static NO_ALLOC: midibay_plugin::testing::AllocDisabler = midibay_plugin::testing::AllocDisabler;

fn limit(config: Json) -> Rig {
    Rig::processor::<Limit>(config).unwrap()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn umps(events: Vec<Event>) -> Vec<Ump> {
    events.into_iter().map(|e| e.ump).collect()
}

fn cc(controller: u8, value: u8) -> Ump {
    Ump::control_change(0, 0, controller, value)
}

#[test]
fn the_first_value_passes_at_once_and_the_last_one_when_its_turn_comes() {
    let mut rig = limit(json!({ "rate": 100 }));
    let sweep: Vec<Ump> = (0..=100).map(|v| cc(1, v)).collect();
    assert_eq!(rig.packets(0, &sweep), [cc(1, 0)]);
    assert_eq!(rig.advance(Duration::from_micros(9_999)), []);
    assert_eq!(umps(rig.advance(Duration::from_micros(1))), [cc(1, 100)]);
    assert_eq!(rig.property("thinned"), Value::Int(99));
    assert_eq!(rig.advance(ms(100)), []);
}

#[test]
fn a_value_that_waited_keeps_its_time_and_source() {
    let mut rig = limit(json!({}));
    rig.packets(0, &[cc(1, 1)]);
    rig.advance(ms(2));
    let second = Event { source: 7, order: 3, ..Event::new(rig.now(), cc(1, 2)) };
    assert_eq!(rig.send(&[second]), []);
    assert_eq!(rig.advance(ms(20)), [second]);
}

#[test]
fn a_long_movement_keeps_the_rate() {
    let mut rig = limit(json!({ "rate": 50 }));
    let mut passed = 0;
    for step in 0..1000_u32 {
        passed += rig.packets(0, &[Ump::pitch_bend(0, 0, (step * 16) as u16)]).len();
        passed += rig.advance(ms(1)).len();
    }
    assert!((50..=51).contains(&passed), "{passed} values in a second at 50 a second");
}

#[test]
fn controls_do_not_wait_for_each_other() {
    let mut rig = limit(json!({}));
    let each = [
        cc(1, 5),
        cc(2, 5),
        Ump::control_change(0, 1, 1, 5),
        Ump::control_change(1, 0, 1, 5),
        Ump::pitch_bend(0, 0, 5),
        Ump::channel_pressure(0, 0, 5),
        Ump::poly_pressure(0, 0, 60, 5),
        Ump::poly_pressure(0, 0, 61, 5),
        Ump::midi2(0, 0x6, 0, 60, 0, 5),
    ];
    assert_eq!(rig.packets(0, &each), each);
    assert_eq!(rig.packets(0, &each), []);
    assert_eq!(umps(rig.advance(ms(10))), each);
}

#[test]
fn midi_2_values_are_thinned_like_midi_1_ones() {
    let mut rig = limit(json!({}));
    let values: Vec<Ump> = (0..9).map(|v| Ump::control_change2(0, 0, 74, v << 28)).collect();
    assert_eq!(rig.packets(0, &values), values[..1]);
    assert_eq!(umps(rig.advance(ms(10))), values[8..]);
}

#[test]
fn pedals_parameters_banks_and_modes_are_never_thinned() {
    let mut rig = limit(json!({ "rate": 1 }));
    for controller in [0, 32, 6, 38, 64, 65, 66, 67, 68, 69, 96, 97, 98, 99, 100, 101, 120, 121, 123, 127] {
        let both = [cc(controller, 127), cc(controller, 0)];
        assert_eq!(rig.packets(0, &both), both, "controller {controller}");
    }
    let others = [
        Ump::program_change(0, 0, 1),
        Ump::program_change(0, 0, 2),
        Ump::rpn2(0, 0, 0, 1),
        Ump::rpn2(0, 0, 0, 2),
        Ump::system(0, 0xF8, 0, 0),
        Ump::system(0, 0xF8, 0, 0),
        Ump::sysex7(0, 0, [1; 6], 6),
        Ump::sysex7(0, 0, [1; 6], 6),
    ];
    assert_eq!(rig.packets(0, &others), others);
    assert_eq!(rig.property("thinned"), Value::Int(0));
}

#[test]
fn a_note_does_not_overtake_the_values_before_it() {
    let mut rig = limit(json!({ "rate": 10 }));
    let on = Ump::note_on(0, 0, 60, 100);
    let bend = |v| Ump::pitch_bend(0, 0, v);
    assert_eq!(
        rig.packets(0, &[bend(1), cc(1, 1), bend(2), cc(1, 2), bend(3), on]),
        [bend(1), cc(1, 1), cc(1, 2), bend(3), on]
    );
    assert_eq!(rig.advance(ms(500)), []);
}

#[test]
fn a_note_of_another_channel_lets_them_wait() {
    let mut rig = limit(json!({}));
    let on = Ump::note_on(0, 5, 60, 100);
    assert_eq!(rig.packets(0, &[cc(1, 1), cc(1, 2), on]), [cc(1, 1), on]);
    assert_eq!(umps(rig.advance(ms(10))), [cc(1, 2)]);
}

#[test]
fn a_system_exclusive_message_or_reset_does_not_overtake_the_values_of_its_group() {
    let mut rig = limit(json!({}));
    let (dump, reset) = (Ump::sysex7(0, 0, [1; 6], 6), Ump::system(0, 0xFF, 0, 0));
    let clock = Ump::system(0, 0xF8, 0, 0);
    assert_eq!(
        rig.packets(0, &[cc(1, 1), cc(1, 2), clock, dump, cc(1, 3), reset]),
        [cc(1, 1), clock, cc(1, 2), dump, cc(1, 3), reset]
    );
}

#[test]
fn the_halves_of_a_fourteen_bit_controller_arrive_in_their_order() {
    // Low half alone first, so that its turn comes before the high half's.
    let mut rig = limit(json!({ "rate": 100 }));
    assert_eq!(rig.packets(0, &[cc(33, 1)]), [cc(33, 1)]);
    rig.advance(ms(5));
    assert_eq!(rig.packets(0, &[cc(1, 10), cc(1, 11), cc(33, 2)]), [cc(1, 10)]);
    assert_eq!(umps(rig.advance(ms(5))), [cc(1, 11), cc(33, 2)]);
    assert_eq!(rig.advance(ms(50)), []);
}

#[test]
fn only_the_kinds_asked_for_are_thinned() {
    let mut rig = limit(json!({ "kinds": ["pitch", "cc"], "except-controllers": [7, "16..18"] }));
    let twice = |ump| [ump, ump];
    assert_eq!(rig.packets(0, &twice(Ump::channel_pressure(0, 0, 1))).len(), 2);
    assert_eq!(rig.packets(0, &twice(cc(7, 1))).len(), 2);
    assert_eq!(rig.packets(0, &twice(cc(17, 1))).len(), 2);
    assert_eq!(rig.packets(0, &twice(cc(8, 1))).len(), 1);
    assert_eq!(rig.packets(0, &twice(Ump::pitch_bend(0, 1, 1))).len(), 1);
}

#[test]
fn what_waits_goes_out_when_the_options_change() {
    let mut rig = limit(json!({ "rate": 1 }));
    rig.packets(0, &[cc(1, 1), cc(1, 2), cc(2, 1), cc(2, 9)]);
    let out = rig.reconfigure(json!({ "rate": 1000, "kinds": ["pitch"] })).unwrap();
    assert_eq!(umps(out), [cc(1, 2), cc(2, 9)]);
    assert_eq!(rig.advance(Duration::from_secs(3)), []);
    assert_eq!(rig.packets(0, &[cc(1, 3), cc(1, 4)]), [cc(1, 3), cc(1, 4)]);
}

#[test]
fn what_a_lost_source_said_last_goes_out() {
    let mut rig = limit(json!({ "rate": 1 }));
    rig.packets(0, &[cc(1, 1), cc(1, 2)]);
    assert_eq!(rig.source_lost(0, 9), []);
    assert_eq!(umps(rig.source_lost(0, 1)), [cc(1, 2)]);
}

#[test]
fn more_controls_than_it_can_watch_still_deliver_their_last_value() {
    let mut rig = limit(json!({ "rate": 1 }));
    let mut last = HashMap::new();
    let mut take = |events: Vec<Ump>| {
        for ump in events {
            last.insert(ump.head() & 0xFFFF_FF00, ump.data2());
        }
    };
    for value in 1..=3 {
        for note in 0..6000_u32 {
            let ump = Ump::poly_pressure((note >> 11) as u8, (note >> 7) as u8, note as u8, value);
            take(rig.packets(0, &[ump]));
        }
    }
    take(umps(rig.advance(Duration::from_secs(2))));
    assert_eq!(last.len(), 6000);
    assert!(last.values().all(|value| *value == 3));
}

#[test]
fn an_idle_node_asks_for_no_wake_up() {
    let mut rig = limit(json!({}));
    rig.packets(0, &[cc(1, 1)]);
    assert_eq!(rig.wakes_at(), None);
    rig.packets(0, &[cc(1, 2)]);
    rig.advance(ms(1000));
    assert_eq!(rig.wakes_at(), None);
}

#[test]
fn every_mistake_is_named_at_its_place() {
    let errors = Rig::processor::<Limit>(json!({ "rate": 0, "kinds": [], "except-controllers": [1, 128] }));
    let paths: Vec<String> = errors.err().unwrap().into_iter().map(|e| e.path).collect();
    assert_eq!(paths, ["rate", "kinds", "except-controllers[1]"]);
}

/// A moment of a random show: an event, or time that passes, or other options.
#[derive(Clone, Debug)]
enum Step {
    Play(Ump),
    Wait(u64),
    Rate(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let ump = (0..2_u8, 0..3_u8, 0..7_u8, 0..128_u8).prop_map(|(channel, which, kind, value)| match kind {
        0 => Ump::note_on(0, channel, which, value),
        1 => Ump::note_off(0, channel, which, value),
        2 => Ump::pitch_bend(0, channel, u16::from(value) << 7),
        3 => Ump::poly_pressure(0, channel, which, value),
        4 => Ump::control_change(0, channel, 64, value),
        5 => Ump::control_change(0, channel, 33, value),
        _ => Ump::control_change(0, channel, which, value),
    });
    prop_oneof![
        8 => ump.prop_map(Step::Play),
        2 => (0..30_u64).prop_map(Step::Wait),
        1 => (1..200_u32).prop_map(Step::Rate),
    ]
}

/// Which control a packet moves, or `None` for what is never thinned.
fn control(ump: &Ump) -> Option<u32> {
    match ump.status() {
        0xB if ump.data1() == 64 || ump.data1() == 0 => None,
        0xA | 0xB => Some(ump.head() & 0xFFFF_FF00),
        0xE => Some(ump.head() & 0xFFFF_0000),
        _ => None,
    }
}

/// For each event that is never thinned: the event and the controls of its channel as it finds them.
fn scenes(events: &[Ump]) -> Vec<(Ump, Vec<(u32, Ump)>)> {
    let mut now: HashMap<u32, Ump> = HashMap::new();
    let mut scenes = Vec::new();
    for ump in events {
        match control(ump) {
            Some(control) => {
                now.insert(control, *ump);
            }
            None => {
                let mut controls: Vec<_> = now.iter().map(|(c, u)| (*c, *u)).collect();
                controls.retain(|(_, u)| u.channel() == ump.channel());
                controls.sort_by_key(|(c, _)| *c);
                scenes.push((*ump, controls));
            }
        }
    }
    scenes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_other_event_finds_the_controls_as_they_were_and_the_last_values_arrive(
        steps in proptest::collection::vec(step(), 1..150),
    ) {
        let mut rig = limit(json!({}));
        let (mut played, mut heard) = (Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Play(ump) => {
                    played.push(ump);
                    heard.extend(rig.packets(0, &[ump]));
                }
                Step::Wait(time) => heard.extend(umps(rig.advance(ms(time)))),
                Step::Rate(rate) => heard.extend(umps(rig.reconfigure(json!({ "rate": rate })).unwrap())),
            }
        }
        heard.extend(umps(rig.advance(Duration::from_secs(2))));
        // Channel by channel: the channels do not wait for each other.
        for channel in 0..2 {
            let of = |all: &[Ump]| -> Vec<Ump> {
                let end = Ump::note_on(0, channel, 127, 1);
                all.iter().copied().filter(|u| u.channel() == Some(channel)).chain([end]).collect()
            };
            prop_assert_eq!(scenes(&of(&played)), scenes(&of(&heard)));
        }
    }
}
