//! What a metronome does, in virtual time.

use std::time::Duration;

use midibay_metronome::Metronome;
use midibay_plugin::testing::Rig;
use midibay_plugin::{Event, Ump, Value};
use serde_json::json;

/// Ends the test when the node takes or gives back memory on the engine's thread.
#[cfg(debug_assertions)]
#[global_allocator]
static NO_ALLOC: midibay_plugin::testing::AllocDisabler = midibay_plugin::testing::AllocDisabler;

const CLOCK: Ump = Ump::system(0, 0xF8, 0, 0);
const START: Ump = Ump::system(0, 0xFA, 0, 0);
const STOP: Ump = Ump::system(0, 0xFC, 0, 0);

fn standing(config: serde_json::Value) -> Rig {
    let mut config = config;
    config["running"] = json!(false);
    let mut rig = Rig::endpoint::<Metronome>(config).unwrap();
    assert_eq!(rig.poll(Duration::ZERO), []);
    rig
}

fn clicks(events: &[Event]) -> Vec<(u64, u8)> {
    let begin = events.first().map_or(0, |event| event.time);
    let on = events.iter().filter(|event| event.ump.is_note_on());
    on.filter_map(|event| Some(((event.time - begin) / 1_000_000, event.ump.note()?))).collect()
}

fn count(events: &[Event], packet: Ump) -> usize {
    events.iter().filter(|event| event.ump == packet).count()
}

#[test]
fn it_clicks_with_the_first_beat_higher() {
    let mut rig = standing(json!({ "bpm": 120, "beats": 3 }));
    let mut events = rig.command("start", json!(null)).unwrap();
    events.extend(rig.advance(Duration::from_millis(1999)));
    assert_eq!(clicks(&events), [(0, 76), (500, 77), (1000, 77), (1500, 76)]);
    assert_eq!((count(&events, START), count(&events, CLOCK)), (1, 96));
}

#[test]
fn it_starts_with_the_graph_unless_told_otherwise() {
    let mut rig = Rig::endpoint::<Metronome>(json!({})).unwrap();
    let events = rig.poll_until(|events| !events.is_empty());
    assert_eq!(events[0].ump, START);
    assert_eq!(rig.property("running"), Value::Bool(true));
}

#[test]
fn an_hour_of_it_is_an_hour_long() {
    let mut rig = standing(json!({ "bpm": 131 }));
    let mut events = rig.command("start", json!(null)).unwrap();
    events.extend(rig.advance(Duration::from_secs(3600)));
    assert_eq!(count(&events, CLOCK), 131 * 60 * 24 + 1, "the last one is due at the very end");
    let (first, last) = (events[0].time, events.iter().rfind(|event| event.ump == CLOCK).unwrap().time);
    assert_eq!(last - first, 3_600_000_000_000);
}

#[test]
fn midi_start_and_stop_control_it_and_the_click_ends() {
    let mut rig = standing(json!({}));
    assert!(rig.packets(0, &[START]).contains(&Ump::note_on(0, 9, 76, 127)));
    assert_eq!(rig.packets(0, &[STOP]), [Ump::note_off(0, 9, 76, 64), STOP]);
    assert_eq!(rig.advance(Duration::from_secs(5)), []);
    assert_eq!(rig.property("running"), Value::Bool(false));
}

#[test]
fn a_new_tempo_counts_from_the_last_clock() {
    let mut rig = standing(json!({ "bpm": 60 }));
    let mut events = rig.command("start", json!(null)).unwrap();
    events.extend(rig.advance(Duration::from_millis(500)));
    events.extend(rig.reconfigure(json!({ "bpm": 120, "running": false })).unwrap());
    events.extend(rig.advance(Duration::from_millis(1000)));
    // Half a beat at 60 is 500 ms, the other half at 120 is 250 ms.
    assert_eq!(clicks(&events), [(0, 76), (750, 77), (1250, 77)]);
}

#[test]
fn wrong_commands_and_options_are_refused() {
    let mut rig = standing(json!({}));
    assert!(rig.command("tempo", json!({ "bpm": 1000 })).unwrap_err().contains("1000 is no tempo"));
    rig.command("tempo", json!({ "bpm": 90 })).unwrap();
    assert_eq!(rig.property("bpm"), Value::Int(90));
    let errors = Rig::endpoint::<Metronome>(json!({ "bpm": 5, "beats": 0 })).err().unwrap();
    let paths: Vec<&str> = errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(paths, ["bpm", "beats"]);
}
