//! Where notes go.

use midibay_plugin::testing::Rig;
use midibay_plugin::{Event, Value};
use midibay_transpose::Transpose;
use midibay_ump::Ump;
use serde_json::{Value as Json, json};

fn transpose(config: Json) -> Rig {
    Rig::processor::<Transpose>(config).unwrap()
}

const fn on(note: u8) -> Ump {
    Ump::note_on(0, 0, note, 100)
}

const fn off(note: u8) -> Ump {
    Ump::note_off(0, 0, note, 64)
}

#[test]
fn notes_move_with_all_that_belongs_to_them_and_nothing_else_does() {
    let mut rig = transpose(json!({"semitones": 12}));
    let sent = [
        on(60),
        Ump::poly_pressure(0, 0, 60, 5),
        Ump::note_on(0, 0, 60, 0),
        Ump::note_on2(0, 3, 1, 500),
        Ump::poly_pressure2(0, 3, 1, 7),
        Ump::midi2(0, 0x6, 3, 1, 0, 7),
        Ump::midi2(0, 0x1, 3, 1, 9, 7),
        Ump::midi2(0, 0xF, 3, 1, 1, 0),
        Ump::note_off2(0, 3, 1, 500),
    ];
    let moved: Vec<Ump> = sent.iter().map(|ump| ump.with_note(ump.note().unwrap() + 12)).collect();
    assert_eq!(rig.packets(0, &sent), moved);
    let others = [
        Ump::control_change(0, 0, 60, 5),
        Ump::pitch_bend(0, 0, 60),
        Ump::channel_pressure(0, 0, 60),
        Ump::system(0, 0xF8, 0, 0),
        Ump::sysex7(0, 0, [60; 6], 6),
        Ump::control_change(0, 0, 123, 0),
    ];
    assert_eq!(rig.packets(0, &others), others);
}

#[test]
fn chosen_channels_are_left_alone() {
    let drum = Ump::note_on(0, 9, 36, 1);
    assert_eq!(
        transpose(json!({"semitones": 5, "except-channels": [10]})).packets(0, &[drum, on(36)]),
        [drum, on(41)]
    );
    assert_eq!(
        transpose(json!({"semitones": 5, "channels": "2..16"})).packets(0, &[drum, on(36)]),
        [drum.with_note(41), on(36)]
    );
}

#[test]
fn a_note_beyond_the_keyboard_is_dropped_clamped_or_folded_with_its_note_off() {
    let sent = [on(120), Ump::poly_pressure(0, 0, 120, 1), off(120)];
    let with = |out_of_range: &str, semitones: i8| {
        let note = if semitones < 0 { 3 } else { 120 };
        let sent = sent.map(|ump| ump.with_note(note));
        transpose(json!({"semitones": semitones, "out-of-range": out_of_range})).packets(0, &sent)
    };
    let at = |note| sent.map(|ump| ump.with_note(note)).to_vec();
    assert_eq!(with("drop", 12), []);
    assert_eq!(with("drop", -4), []);
    assert_eq!(with("clamp", 12), at(127));
    assert_eq!(with("clamp", -4), at(0));
    // 132 is a C and the highest C is 120; -1 is a B and the lowest B is 11.
    assert_eq!(with("fold", 12), at(120));
    assert_eq!(with("fold", 48), at(120));
    assert_eq!(with("fold", 7), at(127));
    assert_eq!(with("fold", 8), at(116));
    assert_eq!(with("fold", -4), at(11));
}

#[test]
fn a_held_note_ends_where_it_began_when_the_amount_changes() {
    let mut rig = transpose(json!({"semitones": 12}));
    assert_eq!(rig.packets(0, &[on(60)]), [on(72)]);
    rig.command("set", json!({"semitones": 5})).unwrap();
    assert_eq!(rig.packets(0, &[Ump::poly_pressure(0, 0, 60, 9)]), [Ump::poly_pressure(0, 0, 72, 9)]);
    rig.reconfigure(json!({"semitones": -1, "except-channels": [1]})).unwrap();
    assert_eq!(rig.packets(0, &[off(60), on(60), off(60)]), [off(72), on(60), off(60)]);
}

#[test]
fn a_note_dropped_when_it_began_stays_dropped() {
    let mut rig = transpose(json!({"semitones": 12}));
    assert_eq!(rig.packets(0, &[on(120)]), []);
    rig.command("set", json!({"semitones": 0})).unwrap();
    assert_eq!(rig.packets(0, &[Ump::poly_pressure(0, 0, 120, 9), off(120)]), []);
}

#[test]
fn a_note_played_again_after_a_change_releases_the_old_one() {
    let mut rig = transpose(json!({"semitones": 12}));
    assert_eq!(rig.packets(0, &[on(60), on(60)]), [on(72), on(72)]);
    rig.command("set", json!({"semitones": 7})).unwrap();
    assert_eq!(rig.packets(0, &[on(60), off(60)]), [off(72), on(67), off(67)]);
}

#[test]
fn where_two_keys_became_one_note_it_ends_with_the_last_of_them() {
    let mut rig = transpose(json!({"semitones": 12, "out-of-range": "clamp"}));
    assert_eq!(rig.packets(0, &[on(120), on(121), off(120), off(121)]), [on(127), on(127), off(127)]);
    // By a change of the amount, too.
    rig.packets(0, &[on(60)]);
    rig.command("set", json!({"semitones": 10})).unwrap();
    assert_eq!(rig.packets(0, &[on(62), off(60), off(62)]), [on(72), off(72)]);
}

#[test]
fn a_lost_source_leaves_no_hold_behind_that_would_keep_others_sounding() {
    let mut rig = transpose(json!({"semitones": 12, "out-of-range": "clamp"}));
    rig.packets(0, &[on(120)]);
    rig.source_lost(0, 1);
    assert_eq!(rig.packets(0, &[on(121), off(121)]), [on(127), off(127)]);
}

#[test]
fn all_notes_off_and_reset_pass_and_leave_no_hold_behind() {
    for end in [Ump::control_change(0, 0, 123, 0), Ump::system(0, 0xFF, 0, 0)] {
        let mut rig = transpose(json!({"semitones": 12, "out-of-range": "clamp"}));
        rig.packets(0, &[on(120)]);
        assert_eq!(rig.packets(0, &[end, on(121), off(121)]), [end, on(127), off(127)]);
    }
}

#[test]
fn a_note_off_without_a_note_on_moves_like_the_note() {
    assert_eq!(transpose(json!({"semitones": 3})).packets(0, &[off(60)]), [off(63)]);
}

#[test]
fn events_keep_their_time_source_and_order() {
    let mut rig = transpose(json!({"semitones": 1}));
    let event = Event { time: 77, source: 5, order: 9, ..Event::new(0, on(60)) };
    assert_eq!(rig.send(&[event]), [event.with(on(61))]);
}

#[test]
fn the_amount_is_a_property_and_two_commands() {
    let mut rig = transpose(json!({"semitones": -3}));
    assert_eq!(rig.property("semitones"), Value::Int(-3));
    rig.command("set", json!({"semitones": 48})).unwrap();
    assert_eq!(rig.property("semitones"), Value::Int(48));
    rig.command("shift", json!({"semitones": -12})).unwrap();
    assert_eq!(rig.property("semitones"), Value::Int(36));
    let refused = rig.command("set", json!({"semitones": 49})).unwrap_err();
    assert!(refused.contains("from -48 to 48") && refused.contains("49"), "{refused}");
    assert!(rig.command("shift", json!({"semitones": 13})).is_err());
    assert!(rig.command("shift", json!({"semitones": i64::MAX})).is_err());
    assert_eq!(rig.packets(0, &[on(10)]), [on(46)]);
    rig.reconfigure(json!({"semitones": 2})).unwrap();
    assert_eq!(rig.property("semitones"), Value::Int(2));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let errors = |config| match Rig::processor::<Transpose>(config) {
        Err(errors) => errors.into_iter().map(|e| e.path).collect::<Vec<_>>(),
        Ok(_) => panic!("that should be wrong"),
    };
    assert_eq!(
        errors(json!({"semitones": 49, "channels": [0], "except-channels": ["x"]})),
        ["semitones", "channels[0]", "except-channels[0]"]
    );
    assert_eq!(errors(json!({"semitones": 1, "channels": 10, "except-channels": 10})), ["except-channels"]);
    assert_eq!(errors(json!({"semitones": 1, "out-of-range": "wrap"})), ["out-of-range"]);
    assert_eq!(errors(json!({})).len(), 1);
}
