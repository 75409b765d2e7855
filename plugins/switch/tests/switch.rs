//! What a `switch` node does, in virtual time. No call of it may allocate.

use std::time::Duration;

use midibay_plugin::testing::Rig;
use midibay_plugin::ump::MidiState;
use midibay_plugin::{Event, Health, Ump, Value};
use midibay_switch::Switch;
use serde_json::{Value as Json, json};

#[cfg(debug_assertions)]
#[global_allocator]
static NO_ALLOC: midibay_plugin::testing::AllocDisabler = midibay_plugin::testing::AllocDisabler;

const A: u16 = 0;
const B: u16 = 1;
const C: u16 = 2;

fn switch(mut options: Json) -> Rig {
    if options.get("inputs").is_none() {
        options["inputs"] = json!(["a", "b", "c"]);
    }
    Rig::processor::<Switch>(options).unwrap()
}

/// Plays packets at an input, from the source 10 + its number.
fn play(rig: &mut Rig, input: u16, umps: &[Ump]) -> Vec<Ump> {
    send(rig, input, umps).into_iter().map(|e| e.ump).collect()
}

fn send(rig: &mut Rig, input: u16, umps: &[Ump]) -> Vec<Event> {
    let (now, source) = (rig.now(), 10 + u32::from(input));
    let events: Vec<Event> =
        umps.iter().map(|u| Event { source, ..Event::new(now, *u).at_port(input) }).collect();
    rig.send(&events)
}

fn select(rig: &mut Rig, input: &str) -> Vec<Ump> {
    rig.command("select", json!({ "input": input })).unwrap().into_iter().map(|e| e.ump).collect()
}

fn lose(rig: &mut Rig, input: u16) -> Vec<Event> {
    rig.source_lost(input, 10 + u32::from(input))
}

fn active(rig: &Rig) -> (String, String) {
    let text = |name| match rig.property(name) {
        Value::Text(text) => text,
        other => panic!("{name} is {other:?}"),
    };
    (text("active"), text("last-reason"))
}

fn is_active(rig: &Rig, input: &str, reason: &str) -> bool {
    active(rig) == (input.into(), reason.into())
}

fn on(note: u8) -> Ump {
    Ump::note_on(0, 0, note, 100)
}

fn off(note: u8) -> Ump {
    Ump::note_off(0, 0, note, 64)
}

fn cc(controller: u8, value: u8) -> Ump {
    Ump::control_change(0, 0, controller, value)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn the_first_input_is_active_and_the_others_are_silent() {
    let mut rig = switch(json!({}));
    assert!(is_active(&rig, "a", "start"));
    let clock = Ump::system(0, 0xF8, 0, 0);
    assert_eq!(play(&mut rig, A, &[on(60), clock]), [on(60), clock]);
    assert_eq!(play(&mut rig, B, &[on(61), clock, cc(1, 1)]), []);
}

#[test]
fn a_command_selects_an_input_by_name_or_the_next_one() {
    let mut rig = switch(json!({}));
    select(&mut rig, "c");
    assert!(is_active(&rig, "c", "command"));
    assert_eq!(play(&mut rig, C, &[on(60)]), [on(60)]);
    rig.command("next", Json::Null).unwrap();
    assert!(is_active(&rig, "a", "command"));
    assert_eq!(rig.property("switches"), Value::Int(2));
    let error = rig.command("select", json!({ "input": "d" })).unwrap_err();
    assert!(error.contains("a, b, c"), "{error}");
}

#[test]
fn what_the_old_input_holds_is_released_in_the_name_of_its_source() {
    let mut rig = switch(json!({}));
    play(&mut rig, A, &[on(60), on(64), off(64), cc(64, 127), Ump::note_on2(1, 2, 3, 9)]);
    let released = rig.command("select", json!({ "input": "b" })).unwrap();
    assert!(released.iter().all(|e| e.source == 10 && e.port == 0));
    let released: Vec<Ump> = released.into_iter().map(|e| e.ump).collect();
    assert_eq!(released, [off(60), cc(64, 0), Ump::note_off2(1, 2, 3, 0x8000)]);
    // Its own Note Off comes too late to end anything.
    play(&mut rig, B, &[on(60)]);
    assert_eq!(play(&mut rig, A, &[off(60)]), []);
}

#[test]
fn controls_go_to_where_the_new_input_has_them() {
    let mut rig = switch(json!({}));
    play(
        &mut rig,
        A,
        &[
            cc(7, 10),
            cc(10, 64),
            Ump::pitch_bend(0, 0, 0x3000),
            Ump::program_change(0, 0, 5),
            Ump::channel_pressure(0, 0, 99),
        ],
    );
    play(
        &mut rig,
        B,
        &[cc(7, 20), cc(10, 64), cc(0, 1), cc(32, 2), Ump::program_change(0, 0, 6), cc(64, 127)],
    );
    let told = rig.command("select", json!({ "input": "b" })).unwrap();
    assert!(told.iter().all(|e| e.source == 11), "the pedal is held by the new input's source");
    let mut told: Vec<Ump> = told.into_iter().map(|e| e.ump).collect();
    assert_eq!(told[..3], [cc(0, 1), cc(32, 2), Ump::program_change(0, 0, 6)], "banks go before programs");
    told.sort_by_key(Ump::head);
    assert_eq!(
        told,
        [
            cc(0, 1),
            cc(7, 20),
            cc(32, 2),
            cc(64, 127),
            Ump::program_change(0, 0, 6),
            Ump::channel_pressure(0, 0, 0),
            Ump::pitch_bend(0, 0, 0x2000),
        ]
    );
    // And back, by what is different only. `a` chose its program without a bank, so that is no other's.
    let mut told = select(&mut rig, "a");
    assert_eq!(told[1..4], [cc(0, 0), cc(32, 0), Ump::program_change(0, 0, 5)]);
    told.sort_by_key(Ump::head);
    assert_eq!(
        told,
        [
            cc(0, 0),
            cc(7, 10),
            cc(32, 0),
            cc(64, 0),
            Ump::program_change(0, 0, 5),
            Ump::channel_pressure(0, 0, 99),
            Ump::pitch_bend(0, 0, 0x3000),
        ]
    );
}

#[test]
fn keys_that_are_down_sound_when_they_are_played_next() {
    let mut rig = switch(json!({}));
    play(&mut rig, B, &[on(60)]);
    assert_eq!(select(&mut rig, "b"), []);
    assert_eq!(play(&mut rig, B, &[off(60)]), []);
    assert_eq!(play(&mut rig, B, &[on(60), off(60)]), [on(60), off(60)]);
    // Away and back while a key is down: it stays silent, and lets go silently.
    play(&mut rig, B, &[on(62)]);
    assert_eq!(select(&mut rig, "a"), [off(62)]);
    assert_eq!(select(&mut rig, "b"), []);
    assert_eq!(play(&mut rig, B, &[off(62)]), []);
}

#[test]
fn keys_that_are_down_can_start_to_sound() {
    let mut rig = switch(json!({ "notes": "retrigger" }));
    let pressure = Ump::poly_pressure(0, 0, 60, 50);
    play(&mut rig, B, &[on(60), pressure]);
    assert_eq!(select(&mut rig, "b"), [on(60), pressure]);
    assert_eq!(select(&mut rig, "c"), [off(60)]);
    assert_eq!(select(&mut rig, "b"), [on(60), pressure]);
    assert_eq!(play(&mut rig, B, &[off(60)]), [off(60)]);
}

#[test]
fn a_system_exclusive_message_that_has_begun_ends() {
    let part = |status, first| Ump::sysex7(0, status, [first; 6], 6);
    let mut rig = switch(json!({}));
    assert_eq!(play(&mut rig, A, &[part(1, 1)]).len(), 1);
    assert_eq!(play(&mut rig, B, &[part(1, 9)]), []);
    select(&mut rig, "b");
    assert_eq!(play(&mut rig, A, &[part(2, 2), part(3, 3)]), [part(2, 2), part(3, 3)]);
    assert_eq!(play(&mut rig, A, &[part(0, 4)]), []);
    assert_eq!(play(&mut rig, B, &[part(2, 9), part(3, 9)]), []);
    assert_eq!(play(&mut rig, B, &[part(0, 5)]), [part(0, 5)]);
}

#[test]
fn an_input_that_plays_takes_over_when_the_active_one_has_been_silent() {
    let mut rig = switch(json!({ "auto": "activity", "idle": 2000 }));
    play(&mut rig, A, &[on(60)]);
    rig.advance(Duration::from_millis(1999));
    assert_eq!(play(&mut rig, B, &[on(70)]), []);
    assert!(is_active(&rig, "a", "start"));
    rig.advance(Duration::from_millis(1));
    assert_eq!(play(&mut rig, B, &[on(71)]), [off(60), on(71)]);
    assert!(is_active(&rig, "b", "activity"));
}

#[test]
fn what_devices_send_by_themselves_takes_nothing_over() {
    let mut rig = switch(json!({ "auto": "activity", "idle": 0 }));
    let idle_talk = [
        Ump::system(0, 0xF8, 0, 0),
        Ump::system(0, 0xFE, 0, 0),
        Ump::system(0, 0xF1, 3, 0),
        Ump::sysex7(0, 0, [1; 6], 6),
        off(60),
        Ump::note_on(0, 0, 60, 0),
        cc(123, 0),
    ];
    assert_eq!(play(&mut rig, B, &idle_talk), []);
    assert!(is_active(&rig, "a", "start"));
    for playing in [on(60), cc(1, 3), Ump::pitch_bend(0, 0, 9), Ump::channel_pressure2(0, 0, 9)] {
        let mut rig = switch(json!({ "auto": "activity", "idle": 0 }));
        assert_eq!(play(&mut rig, B, &[playing]).last(), Some(&playing));
    }
}

#[test]
fn silence_changes_nothing() {
    let mut rig = switch(json!({ "auto": ["activity", "loss"], "idle": 100 }));
    play(&mut rig, B, &[on(60)]);
    assert!(is_active(&rig, "b", "activity"));
    let alive = [Ump::system(0, 0xFE, 0, 0)];
    for _ in 0..100 {
        play(&mut rig, A, &alive);
        play(&mut rig, B, &alive);
        assert_eq!(rig.advance(Duration::from_millis(300)), []);
    }
    assert!(is_active(&rig, "b", "activity"));
    assert_eq!(rig.property("switches"), Value::Int(1));
    assert_eq!(rig.wakes_at(), None);
}

#[test]
fn a_selected_input_has_its_time_before_another_takes_over() {
    let mut rig = switch(json!({ "auto": "activity", "idle": 1000 }));
    play(&mut rig, A, &[on(60)]);
    select(&mut rig, "b");
    assert_eq!(play(&mut rig, A, &[on(61)]), []);
    rig.advance(seconds(1));
    assert_eq!(play(&mut rig, A, &[on(62)]), [on(62)]);
}

#[test]
fn a_lost_input_is_left_for_the_first_that_is_there() {
    let mut rig = switch(json!({ "auto": "loss" }));
    play(&mut rig, A, &[on(60), cc(64, 127), Ump::pitch_bend(0, 0, 0)]);
    play(&mut rig, C, &[cc(1, 5)]);
    lose(&mut rig, B);
    // The engine releases what the lost source held; only the rest is to be put right.
    let mut told = lose(&mut rig, A);
    told.sort_by_key(|e| e.ump.head());
    assert!(told.iter().all(|e| e.source == 12));
    let told: Vec<Ump> = told.into_iter().map(|e| e.ump).collect();
    assert_eq!(told, [cc(1, 5), Ump::pitch_bend(0, 0, 0x2000)]);
    assert!(is_active(&rig, "c", "loss"));
    assert_eq!(play(&mut rig, C, &[on(60)]), [on(60)]);
}

#[test]
fn without_loss_watched_a_lost_input_stays_active_and_says_so() {
    let mut rig = switch(json!({ "auto": "activity" }));
    play(&mut rig, A, &[on(60)]);
    assert_eq!(lose(&mut rig, A), []);
    assert!(is_active(&rig, "a", "start"));
    assert_eq!(rig.health().0, Health::Degraded);
    assert_eq!(play(&mut rig, A, &[on(61)]), [on(61)]);
    assert_eq!(rig.health().0, Health::Ok);
}

#[test]
fn an_input_is_lost_with_its_last_source() {
    let mut rig = switch(json!({ "auto": "loss" }));
    let now = rig.now();
    for source in [21, 22] {
        rig.send(&[Event { source, ..Event::new(now, on(60)) }]);
    }
    rig.source_lost(A, 21);
    rig.source_lost(A, 99);
    assert!(is_active(&rig, "a", "start"));
    rig.source_lost(A, 22);
    assert!(is_active(&rig, "b", "loss"));
}

#[test]
fn when_all_inputs_are_lost_the_first_that_comes_back_is_taken() {
    let mut rig = switch(json!({ "auto": "loss" }));
    for input in [C, B, A] {
        lose(&mut rig, input);
    }
    assert!(is_active(&rig, "a", "start"));
    assert_eq!(play(&mut rig, C, &[on(60)]), [on(60)]);
    assert!(is_active(&rig, "c", "loss"));
}

#[test]
fn it_goes_back_by_itself_only_where_that_is_asked_for() {
    for (back, expected) in [("manual", ("b", "loss")), ("auto", ("a", "return"))] {
        let mut rig = switch(json!({ "auto": "loss", "switch-back": back }));
        play(&mut rig, A, &[on(60)]);
        lose(&mut rig, A);
        play(&mut rig, B, &[on(61)]);
        let sound = play(&mut rig, A, &[on(62)]);
        assert_eq!(active(&rig), (expected.0.into(), expected.1.into()));
        assert_eq!(sound, if back == "auto" { vec![off(61), on(62)] } else { vec![] });
    }
}

#[test]
fn a_chosen_input_is_not_left_for_one_that_comes_back() {
    let mut rig = switch(json!({ "auto": "loss", "switch-back": "auto" }));
    lose(&mut rig, A);
    assert!(is_active(&rig, "b", "loss"));
    select(&mut rig, "b");
    play(&mut rig, A, &[on(60)]);
    assert!(is_active(&rig, "b", "command"));
}

#[test]
fn between_two_changes_of_its_own_the_lockout_passes() {
    let mut rig =
        switch(json!({ "auto": ["activity", "loss"], "idle": 0, "lockout": 3000, "switch-back": "auto" }));
    play(&mut rig, B, &[on(60)]);
    assert!(is_active(&rig, "b", "activity"));
    rig.advance(seconds(2));
    play(&mut rig, A, &[on(60)]);
    assert!(is_active(&rig, "b", "activity"));
    // A loss waits too, and then does not need an event.
    lose(&mut rig, B);
    assert!(is_active(&rig, "b", "activity"));
    rig.advance(seconds(1));
    assert!(is_active(&rig, "a", "loss"));
    // A command does not wait.
    select(&mut rig, "c");
    assert!(is_active(&rig, "c", "command"));
}

#[test]
fn what_it_does_by_itself_can_be_suspended() {
    let mut rig = switch(json!({ "auto": ["activity", "loss"], "idle": 0 }));
    rig.command("auto", json!({ "on": false })).unwrap();
    assert_eq!(rig.property("auto"), Value::Bool(false));
    lose(&mut rig, A);
    play(&mut rig, B, &[on(60)]);
    assert!(is_active(&rig, "a", "start"));
    rig.command("auto", json!({ "on": true })).unwrap();
    assert!(is_active(&rig, "b", "loss"));
}

#[test]
fn a_lost_input_cannot_be_selected_while_loss_is_watched() {
    let mut rig = switch(json!({ "auto": "loss" }));
    lose(&mut rig, B);
    assert!(rig.command("select", json!({ "input": "b" })).unwrap_err().contains("lost"));
    rig.command("next", Json::Null).unwrap();
    assert!(is_active(&rig, "c", "command"));
    lose(&mut rig, A);
    assert!(rig.command("next", Json::Null).is_err());
    rig.command("auto", json!({ "on": false })).unwrap();
    select(&mut rig, "b");
    assert!(is_active(&rig, "b", "command"));
}

#[test]
fn new_options_apply_as_it_runs_and_new_inputs_need_a_new_node() {
    let mut rig = switch(json!({}));
    play(&mut rig, A, &[on(60)]);
    select(&mut rig, "b");
    lose(&mut rig, B);
    let inputs = json!(["a", "b", "c"]);
    rig.reconfigure(json!({ "inputs": inputs, "auto": "loss" })).unwrap();
    assert!(is_active(&rig, "a", "loss"));
    assert!(rig.reconfigure(json!({ "inputs": ["a", "b"] })).is_err());
}

#[test]
fn a_state_of_thousands_of_controls_is_carried_over() {
    let mut rig = switch(json!({}));
    let mut wanted = MidiState::new(16);
    for index in 0..=255_u8 {
        for controller in (1..120).filter(|c| !matches!(c, 6 | 32 | 38 | 96..=101)) {
            let ump = Ump::control_change(index >> 4, index & 0xF, controller, index & 0x3F);
            wanted.apply(&ump);
            play(&mut rig, B, &[ump]);
        }
    }
    let mut receiver = MidiState::new(16);
    select(&mut rig, "b").iter().for_each(|ump| receiver.apply(ump));
    let mut missing = 0;
    MidiState::diff(&receiver, &wanted, |_| missing += 1);
    assert_eq!(missing, 0);
}

#[test]
fn every_mistake_is_named_at_its_place() {
    let options = json!({ "inputs": ["a", "a", "b c"], "idle": 4_000_000, "lockout": 4_000_000 });
    let errors = Rig::processor::<Switch>(options).err().unwrap();
    let paths: Vec<String> = errors.into_iter().map(|e| e.path).collect();
    assert_eq!(paths, ["inputs[1]", "inputs[2]", "idle", "lockout"]);
    assert_eq!(Rig::processor::<Switch>(json!({ "inputs": ["a"] })).err().unwrap()[0].path, "inputs");
    assert!(Rig::processor::<Switch>(json!({ "inputs": ["a", "b"], "auto": "sometimes" })).is_err());
}
