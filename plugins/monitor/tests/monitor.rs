//! What a `monitor` node does. No call of it on the engine may allocate.

use std::path::Path;
use std::time::{Duration, Instant};

use midibay_monitor::Monitor;
use midibay_plugin::testing::Rig;
use midibay_plugin::{Event, Health, Ump, Value};
use serde_json::{Value as Json, json};

#[cfg(debug_assertions)]
#[global_allocator]
static NO_ALLOC: midibay_plugin::testing::AllocDisabler = midibay_plugin::testing::AllocDisabler;

fn monitor(config: Json) -> Rig {
    Rig::processor::<Monitor>(config).unwrap()
}

fn note(note: u8) -> Ump {
    Ump::note_on(0, 0, note, 100)
}

fn clock() -> Ump {
    Ump::system(0, 0xF8, 0, 0)
}

/// The lines in a file, without their times.
fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| line.trim_start().split_once(' ').unwrap().1.to_owned()).collect()
}

/// Waits until the thread has done something.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < deadline, "{what}: not within ten seconds");
        std::thread::yield_now();
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

#[test]
fn everything_passes_unchanged_and_is_written_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.log");
    let mut rig = monitor(json!({ "to": path, "label": "keys" }));
    let now = rig.now();
    let events: Vec<Event> = (0..128_u8)
        .map(|n| Event { source: u32::from(n), order: n.into(), ..Event::new(now + u64::from(n), note(n)) })
        .collect();
    assert_eq!(rig.send(&events), events);
    drop(rig);
    let expected: Vec<String> = (0..128).map(|n| format!("keys  {}", note(n))).collect();
    assert_eq!(lines(&path), expected);
}

#[test]
fn lines_say_when_and_are_there_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.log");
    let mut rig = monitor(json!({ "to": path }));
    rig.advance(Duration::from_millis(1500));
    rig.packets(0, &[note(60)]);
    until("the line", || std::fs::read_to_string(&path).is_ok_and(|t| t.ends_with('\n')));
    let line = std::fs::read_to_string(&path).unwrap();
    assert_eq!(line, "     1.500000 rig  ch1 note-on 60 (C4) vel 100\n");
}

#[test]
fn only_the_kinds_asked_for_are_shown_and_all_pass() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.log");
    let mut rig = monitor(json!({ "to": path, "show": ["note", "realtime"], "hide": ["clock"] }));
    let all = [note(1), clock(), Ump::control_change(0, 0, 1, 1), Ump::system(0, 0xFA, 0, 0)];
    assert_eq!(rig.packets(0, &all), all);
    drop(rig);
    assert_eq!(lines(&path), [format!("rig  {}", all[0]), format!("rig  {}", all[3])]);
}

#[test]
fn new_options_count_from_where_they_came() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one.log"), dir.path().join("two.log"));
    let mut rig = monitor(json!({ "to": one }));
    rig.packets(0, &[note(1)]);
    rig.reconfigure(json!({ "to": two, "format": "hex", "label": "x", "hide": ["clock"] })).unwrap();
    rig.packets(0, &[note(2), clock()]);
    rig.reconfigure(json!({ "to": "none" })).unwrap();
    rig.packets(0, &[note(3)]);
    rig.reconfigure(json!({ "to": one, "label": "" })).unwrap();
    rig.packets(0, &[note(4)]);
    drop(rig);
    assert_eq!(lines(&one), [format!("rig  {}", note(1)), format!(" {}", note(4))]);
    assert_eq!(lines(&two), ["x  20900264"]);
}

#[test]
fn a_thousand_reloads_in_a_row_end_with_the_last_options() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.log");
    let mut rig = monitor(json!({ "to": "none" }));
    for i in 0..1000 {
        rig.reconfigure(json!({ "to": path, "label": format!("l{i}") })).unwrap();
    }
    rig.advance(Duration::from_secs(1));
    rig.packets(0, &[note(1)]);
    drop(rig);
    assert_eq!(lines(&path), [format!("l999  {}", note(1))]);
}

#[test]
fn it_counts_what_passes_and_says_what_came_last() {
    let mut rig = monitor(json!({ "to": "none" }));
    assert_eq!(rig.property("events"), Value::Int(0));
    for second in 0..3 {
        for n in 0..50 {
            rig.packets(0, &[note(n), clock()]);
            rig.advance(Duration::from_millis(20));
        }
        assert_eq!(rig.property("events"), Value::Int(100 * (second + 1)));
        assert_eq!(rig.property("events-per-second"), Value::Int(100));
    }
    rig.packets(0, &[note(61)]);
    rig.advance(Duration::from_millis(100));
    until("the last event", || rig.property("last") == text("ch1 note-on 61 (C#4) vel 100"));
}

#[test]
fn an_idle_node_asks_for_no_wake_up() {
    let mut rig = monitor(json!({ "to": "none" }));
    assert_eq!(rig.wakes_at(), None);
    rig.packets(0, &[note(1)]);
    rig.advance(Duration::from_secs(3));
    assert_eq!(rig.property("events-per-second"), Value::Int(0));
    assert_eq!(rig.wakes_at(), None);
}

#[test]
fn a_burst_passes_whole_though_the_lines_cannot_follow() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.log");
    let mut rig = monitor(json!({ "to": path, "format": "hex" }));
    let burst = vec![note(1); 200_000];
    assert_eq!(rig.packets(0, &burst).len(), burst.len());
    // The second batch, so that what was missed is published.
    rig.packets(0, &[note(2)]);
    rig.advance(Duration::from_secs(1));
    let Value::Int(missed) = rig.property("missed") else { panic!("missed is a number") };
    drop(rig);
    assert_eq!(lines(&path).len() as i64 + missed, 200_001);
    assert!(missed > 0, "200,000 lines at once are more than may wait");
}

#[test]
fn a_file_that_cannot_be_written_costs_lines_and_not_events() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("not-yet").join("events.log");
    let mut rig = monitor(json!({ "to": path }));
    until("the bad news", || rig.health().0 == Health::Degraded);
    assert!(rig.health().1.contains("not-yet"), "{}", rig.health().1);
    assert_eq!(rig.packets(0, &[note(1)]), [note(1)]);
    until("the count", || {
        rig.advance(Duration::from_secs(1));
        rig.packets(0, &[clock()]);
        rig.property("missed") != Value::Int(0)
    });
    // Somebody makes the directory: it goes on by itself.
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    until("the good news", || {
        rig.packets(0, &[clock()]);
        rig.health().0 == Health::Ok
    });
    assert!(!lines(&path).is_empty());
}

#[cfg(unix)]
#[test]
fn the_file_is_not_for_everybody_to_write() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.log");
    drop(monitor(json!({ "to": path })));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o022, 0);
}

#[test]
fn every_mistake_is_named_at_its_place() {
    let errors = Rig::processor::<Monitor>(
        json!({ "to": "", "label": "a\nb", "show": ["note", "nots"], "hide": ["x"] }),
    );
    let paths: Vec<String> = errors.err().unwrap().into_iter().map(|e| e.path).collect();
    assert_eq!(paths, ["to", "show[1]", "hide[0]", "label"]);
}
