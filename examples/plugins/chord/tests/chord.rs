//! What a chord node does, driven in virtual time.

use midibay_chord::Chord;
use midibay_plugin::testing::Rig;
use midibay_plugin::{Ump, Value};
use serde_json::json;

/// Ends the test when the node takes or gives back memory on the engine's thread.
#[cfg(debug_assertions)]
#[global_allocator]
static NO_ALLOC: midibay_plugin::testing::AllocDisabler = midibay_plugin::testing::AllocDisabler;

fn on(note: u8) -> Ump {
    Ump::note_on(0, 0, note, 100)
}

fn off(note: u8) -> Ump {
    Ump::note_off(0, 0, note, 64)
}

fn chord(config: serde_json::Value) -> Rig {
    Rig::processor::<Chord>(config).unwrap()
}

#[test]
fn a_key_plays_a_chord_and_ends_it() {
    let mut rig = chord(json!({}));
    assert_eq!(rig.packets(0, &[on(60)]), [on(60), on(64), on(67)]);
    assert_eq!(rig.property("keys"), Value::Int(1));
    assert_eq!(rig.packets(0, &[off(60)]), [off(60), off(64), off(67)]);
    assert_eq!(rig.property("keys"), Value::Int(0));
}

#[test]
fn a_note_that_two_keys_share_ends_with_the_last_of_them() {
    let mut rig = chord(json!({ "intervals": [0, 4] }));
    rig.packets(0, &[on(60), on(64)]);
    assert_eq!(rig.packets(0, &[off(60)]), [off(60)], "64 belongs to the other key too");
    assert_eq!(rig.packets(0, &[off(64)]), [off(64), off(68)]);
}

#[test]
fn a_chord_ends_as_it_began_when_the_options_change_in_between() {
    let mut rig = chord(json!({ "intervals": [0, 4, 7] }));
    rig.packets(0, &[on(60)]);
    rig.reconfigure(json!({ "intervals": [0, 3] })).unwrap();
    rig.command("shift", json!({ "semitones": 12 })).unwrap();
    assert_eq!(rig.packets(0, &[off(60)]), [off(60), off(64), off(67)]);
    assert_eq!(rig.packets(0, &[on(60)]), [on(72), on(75)]);
}

#[test]
fn a_key_that_goes_down_twice_leaves_nothing_hanging() {
    let mut rig = chord(json!({ "intervals": [0, 7] }));
    rig.packets(0, &[on(60)]);
    assert_eq!(rig.packets(0, &[on(60)]), [off(60), off(67), on(60), on(67)]);
    assert_eq!(rig.packets(0, &[off(60)]), [off(60), off(67)]);
    assert_eq!(rig.packets(0, &[off(60)]), []);
}

#[test]
fn pressure_follows_the_notes_and_everything_else_passes() {
    let mut rig = chord(json!({ "intervals": [0, 4] }));
    rig.packets(0, &[on(60)]);
    let pressure = |note| Ump::poly_pressure(0, 0, note, 50);
    assert_eq!(rig.packets(0, &[pressure(60)]), [pressure(60), pressure(64)]);
    let bend = Ump::pitch_bend(0, 0, 9000);
    assert_eq!(rig.packets(0, &[bend]), [bend]);
}

#[test]
fn notes_beyond_the_range_are_left_out() {
    let mut rig = chord(json!({ "intervals": [-12, 0, 12, 12] }));
    assert_eq!(rig.packets(0, &[on(5)]), [on(5), on(17)]);
    assert_eq!(rig.packets(0, &[off(5)]), [off(5), off(17)]);
}

#[test]
fn a_lost_source_is_forgotten() {
    let mut rig = chord(json!({}));
    rig.packets(0, &[on(60)]);
    assert_eq!(rig.source_lost(0, 1), []);
    assert_eq!(rig.packets(0, &[off(60)]), []);
}

#[test]
fn all_mistakes_are_told_at_their_places() {
    let errors = Rig::processor::<Chord>(json!({ "intervals": [0, 99, -99] })).err().unwrap();
    let paths: Vec<&str> = errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(paths, ["intervals[1]", "intervals[2]"]);
}
