//! Playing MIDI files, in virtual time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use midibay_file::FileNode;
use midibay_plugin::testing::Rig;
use midibay_plugin::ump::{SYSEX_CONTINUE, SYSEX_END, SYSEX_START};
use midibay_plugin::{Event, Ump, Value};
use serde_json::{Value as Json, json};

#[cfg(debug_assertions)]
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

const MS: u64 = 1_000_000;

/// A track from (delta in ticks, message as it stands in a file).
fn track(events: &[(u32, &[u8])]) -> Vec<u8> {
    let mut track = Vec::new();
    for (delta, message) in events.iter().chain([&(0, &[0xFF, 0x2F, 0][..])]) {
        for shift in [21, 14, 7] {
            if delta >> shift > 0 {
                track.push((delta >> shift) as u8 & 0x7F | 0x80);
            }
        }
        track.push(*delta as u8 & 0x7F);
        track.extend_from_slice(message);
    }
    track
}

/// A file of format 1 whose ticks are milliseconds.
fn song(tracks: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::from(*b"MThd\0\0\0\x06\0\x01");
    bytes.extend_from_slice(&(tracks.len() as u16).to_be_bytes());
    bytes.extend_from_slice(&500u16.to_be_bytes());
    for track in tracks {
        bytes.extend_from_slice(b"MTrk");
        bytes.extend_from_slice(&(track.len() as u32).to_be_bytes());
        bytes.extend_from_slice(track);
    }
    bytes
}

/// Puts a file into a directory.
fn put(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// A player of these bytes that has not heard from the engine yet.
fn player(bytes: &[u8], mut options: Json) -> Rig {
    let dir = tempfile::tempdir().unwrap();
    options["path"] = json!(put(dir.path(), "song.mid", bytes));
    Rig::endpoint::<FileNode>(options).unwrap()
}

/// The engine runs: the player starts, if it starts by itself. Returns what came at once.
fn run(rig: &mut Rig) -> Vec<Event> {
    rig.poll(Duration::ZERO)
}

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

/// What came, with ms since `start`.
fn since(start: u64, events: &[Event]) -> Vec<(u64, Ump)> {
    assert!(events.iter().all(|event| (event.time - start).is_multiple_of(MS)), "{events:?}");
    events.iter().map(|event| ((event.time - start) / MS, event.ump)).collect()
}

fn umps(events: &[Event]) -> Vec<Ump> {
    events.iter().map(|event| event.ump).collect()
}

fn state(rig: &Rig) -> Value {
    rig.property("state")
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

const ON: Ump = Ump::note_on(0, 0, 60, 100);
const OFF: Ump = Ump::note_off(0, 0, 60, 0);
/// What a released note is released with.
const RELEASED: Ump = Ump::note_off(0, 0, 60, 64);

/// A note from 100 to 300 ms, and the end at 1000 ms.
fn one_note() -> Vec<u8> {
    song(&[track(&[(100, &[0x90, 60, 100]), (200, &[0x80, 60, 0]), (700, &[0xFF, 1, 0])])])
}

#[test]
fn events_come_when_they_are_due_and_the_state_says_when_it_has_ended() {
    let mut rig = player(&one_note(), json!({}));
    assert_eq!(run(&mut rig), []);
    let start = rig.now();
    assert_eq!(state(&rig), text("playing"));
    assert_eq!(rig.property("length"), Value::Float(1.0));
    assert_eq!(rig.advance(ms(99)), []);
    assert_eq!(since(start, &rig.advance(ms(1))), [(100, ON)]);
    assert_eq!(since(start, &rig.advance(ms(899))), [(300, OFF)]);
    assert_eq!(state(&rig), text("playing"));
    assert_eq!(rig.advance(ms(1)), []);
    assert_eq!(state(&rig), text("ended"));
    assert_eq!(rig.property("position"), Value::Float(1.0));
    assert_eq!(rig.wakes_at(), None, "nothing is left to do");
}

#[test]
fn it_plays_through_the_lead_in_first() {
    let mut rig = player(&one_note(), json!({"lead-in": 2.5}));
    run(&mut rig);
    let start = rig.now();
    assert_eq!(since(start, &rig.advance(ms(5000))), [(2600, ON), (2800, OFF)]);
}

#[test]
fn a_player_that_starts_manually_waits_for_the_command() {
    let mut rig = player(&one_note(), json!({"start": "manual"}));
    assert_eq!(run(&mut rig), []);
    assert_eq!(rig.advance(ms(5000)), []);
    assert_eq!(state(&rig), text("stopped"));
    rig.command("start", Json::Null).unwrap();
    let start = rig.now();
    assert_eq!(since(start, &rig.advance(ms(1000))), [(100, ON), (300, OFF)]);
    // And once more from the beginning after the end.
    rig.command("start", Json::Null).unwrap();
    let start = rig.now();
    assert_eq!(since(start, &rig.advance(ms(1000))), [(100, ON), (300, OFF)]);
}

#[test]
fn what_is_held_is_released_when_it_stops_and_it_goes_on_where_it_was() {
    let mut rig = player(&one_note(), json!({}));
    run(&mut rig);
    rig.advance(ms(200));
    assert_eq!(umps(&rig.command("stop", Json::Null).unwrap()), [RELEASED]);
    assert_eq!(state(&rig), text("stopped"));
    assert_eq!(rig.property("position"), Value::Float(0.2));
    assert_eq!(rig.advance(ms(10_000)), []);
    rig.command("continue", Json::Null).unwrap();
    let start = rig.now();
    assert_eq!(since(start, &rig.advance(ms(800))), [(100, OFF)]);
    assert_eq!(state(&rig), text("ended"));
    assert!(rig.command("continue", Json::Null).unwrap_err().contains("send start"));
}

#[test]
fn a_note_that_the_piece_never_ends_is_released_at_its_end() {
    let mut rig = player(&song(&[track(&[(0, &[0x90, 60, 100]), (50, &[0xFF, 1, 0])])]), json!({}));
    assert_eq!(umps(&run(&mut rig)), [ON]);
    assert_eq!(umps(&rig.advance(ms(50))), [RELEASED]);
}

#[test]
fn a_sysex_that_is_stopped_in_the_middle_is_ended() {
    let mut first = vec![0xF0, 0x81, 0x48];
    first.extend_from_slice(&[1; 200]);
    let song = song(&[track(&[(0, &first), (100, &[0xF7, 2, 2, 0xF7])])]);
    let mut rig = player(&song, json!({}));
    let begun = run(&mut rig);
    assert_eq!(begun[0].ump.status(), SYSEX_START);
    assert!(begun[1..].iter().all(|event| event.ump.status() == SYSEX_CONTINUE));
    let ended = rig.command("stop", Json::Null).unwrap();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].ump.status(), SYSEX_END);
}

#[test]
fn a_loop_keeps_its_length_to_the_nanosecond() {
    let mut rig = player(&one_note(), json!({"loop": true}));
    run(&mut rig);
    let start = rig.now();
    let expected: Vec<_> = (0..100).flat_map(|n| [(n * 1000 + 100, ON), (n * 1000 + 300, OFF)]).collect();
    assert_eq!(since(start, &rig.advance(ms(100_000))), expected);
    rig.command("loop", json!({"on": false})).unwrap();
    assert_eq!(rig.advance(ms(10_000)).len(), 2);
    assert_eq!(state(&rig), text("ended"));
}

#[test]
fn seek_releases_and_brings_controllers_to_where_they_are_there() {
    let song = song(&[track(&[
        (0, &[0xB0, 7, 10]),
        (0, &[0xC0, 3]),
        (100, &[0x90, 60, 100]),
        (100, &[0xB0, 7, 20]),
        (0, &[0xE0, 1, 2]),
        (100, &[0x80, 60, 0]),
        (100, &[0xC0, 4]),
        (100, &[0x90, 61, 1]),
        (500, &[0xFF, 1, 0]),
    ])]);
    let mut rig = player(&song, json!({}));
    run(&mut rig);
    rig.advance(ms(150));
    let sent = umps(&rig.command("seek", json!({"to": 0.45})).unwrap());
    let bend = Ump::pitch_bend(0, 0, 2 << 7 | 1);
    assert_eq!(sent[0], RELEASED);
    for ump in [Ump::control_change(0, 0, 7, 20), Ump::program_change(0, 0, 4), bend] {
        assert!(sent.contains(&ump), "{sent:?}");
    }
    assert_eq!(sent.len(), 4);
    // No note that was passed over, and the next in time.
    let start = rig.now();
    assert_eq!(since(start, &rig.advance(ms(100))), [(50, Ump::note_on(0, 0, 61, 1))]);
    // Back again: the bend goes back to rest.
    let sent = umps(&rig.command("seek", json!({"to": 0.1})).unwrap());
    assert_eq!(sent[0], Ump::note_off(0, 0, 61, 64));
    for ump in [Ump::control_change(0, 0, 7, 10), Ump::program_change(0, 0, 3), Ump::pitch_bend(0, 0, 0x2000)]
    {
        assert!(sent.contains(&ump), "{sent:?}");
    }
    assert_eq!(sent.last(), Some(&ON), "what is due there is played");
    assert!(rig.command("seek", json!({"to": 1.5})).unwrap_err().contains("1.0"));
}

#[test]
fn a_place_found_while_stopped_is_played_from_by_continue() {
    let song = song(&[track(&[(0, &[0xB0, 64, 127]), (100, &[0x90, 60, 100]), (100, &[0x80, 60, 0])])]);
    let mut rig = player(&song, json!({"start": "manual"}));
    run(&mut rig);
    assert_eq!(rig.command("seek", json!({"to": 0.05})).unwrap(), []);
    assert_eq!(rig.property("position"), Value::Float(0.05));
    let sent = rig.command("continue", Json::Null).unwrap();
    assert_eq!(umps(&sent), [Ump::control_change(0, 0, 64, 127)]);
    let start = rig.now();
    let rest = since(start, &rig.advance(ms(150)));
    assert_eq!(rest, [(50, ON), (150, OFF), (150, Ump::control_change(0, 0, 64, 0))]);
}

#[test]
fn a_long_way_is_looked_through_in_steps() {
    let mut events: Vec<(u32, &[u8])> = vec![(0, &[0xB0, 7, 99])];
    events.extend((0..20_000).map(|_| (0, &[0xB0, 1, 5][..])));
    events.push((1000, &[0x90, 60, 100]));
    let mut rig = player(&song(&[track(&events)]), json!({"start": "manual"}));
    rig.command("seek", json!({"to": 0.9})).unwrap();
    assert_eq!(rig.command("continue", Json::Null).unwrap(), [], "not all at once");
    let start = rig.now();
    let sent = since(start, &rig.advance(ms(100)));
    assert_eq!(sent[..2], [(0, Ump::control_change(0, 0, 1, 5)), (0, Ump::control_change(0, 0, 7, 99))]);
    assert_eq!(sent[2], (100, ON));
}

#[test]
fn a_burst_is_sent_in_bounded_pieces_and_in_order() {
    let notes: Vec<[u8; 3]> = (0..2000).map(|n| [0x90 + (n / 128) as u8, (n % 128) as u8, 1]).collect();
    let events: Vec<(u32, &[u8])> = notes.iter().map(|note| (0, &note[..])).collect();
    let mut rig = player(&song(&[track(&events)]), json!({}));
    let mut sent = run(&mut rig);
    assert!((1..=600).contains(&sent.len()), "{}", sent.len());
    sent.extend(rig.advance(Duration::ZERO));
    let played: Vec<_> = sent.iter().map(|e| e.ump).filter(Ump::is_note_on).collect();
    let expected: Vec<_> = notes.iter().map(|n| Ump::note_on(0, n[0] & 0xF, n[1], 1)).collect();
    assert_eq!(played, expected);
}

#[test]
fn speed_group_tracks_and_loop_change_as_it_plays() {
    let first = track(&[(100, &[0x90, 60, 100]), (800, &[0x80, 60, 0]), (100, &[0xFF, 1, 0])]);
    let second = track(&[(100, &[0x91, 61, 100]), (800, &[0x81, 61, 0])]);
    let song = song(&[first, second]);
    let dir = tempfile::tempdir().unwrap();
    let path = put(dir.path(), "song.mid", &song);
    let mut rig = Rig::endpoint::<FileNode>(json!({"path": path, "tracks": [1]})).unwrap();
    run(&mut rig);
    assert_eq!(umps(&rig.advance(ms(500))), [ON]);
    // Twice as fast: what is left takes half the time.
    assert_eq!(rig.reconfigure(json!({"path": path, "tracks": [1], "speed": 2})).unwrap(), []);
    let start = rig.now();
    assert_eq!(since(start, &rig.advance(ms(250))), [(200, OFF)]);
    assert_eq!(state(&rig), text("ended"));
    // The other track, in another group; what is held under the old name is released there.
    rig.command("start", Json::Null).unwrap();
    assert_eq!(umps(&rig.advance(ms(100))), [ON]);
    let released = rig.reconfigure(json!({"path": path, "tracks": [2], "group": 3, "loop": true})).unwrap();
    assert_eq!(umps(&released), [RELEASED]);
    let sent = umps(&rig.advance(ms(1000)));
    assert_eq!(sent, [Ump::note_off(2, 1, 61, 0), Ump::note_on(2, 1, 61, 100)]);
    // Another file is another node.
    rig.reconfigure(json!({"path": "other.mid", "tracks": [2]})).unwrap_err();
}

#[test]
fn a_file_that_is_not_there_or_is_no_song_is_an_error_that_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let bad = put(dir.path(), "bad.mid", b"hello");
    let short = put(dir.path(), "short.mid", &song(&[track(&[])]));
    for (options, words) in [
        (json!({"path": dir.path().join("none.mid")}), "correct path"),
        (json!({"path": bad}), "mode = \"raw\""),
        (json!({"path": short, "loop": true}), "too short to be looped"),
        (json!({"path": short, "tracks": [2]}), "the last is 1"),
    ] {
        let errors = Rig::endpoint::<FileNode>(options).err().unwrap();
        assert!(errors[0].message.contains(words), "{errors:?}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_plain_file_is_not_waited_for() {
    // A FIFO without a writer would hold the program up for ever; it is refused as this device is.
    let errors = Rig::endpoint::<FileNode>(json!({"path": "/dev/null", "mode": "play"})).err().unwrap();
    assert!(errors[0].message.contains("no plain file"), "{errors:?}");
    assert!(errors[0].message.contains("mode = \"raw\""), "{errors:?}");
}

#[test]
fn a_plain_file_of_bytes_is_sent_as_a_wire_would() {
    let dir = tempfile::tempdir().unwrap();
    let path = put(dir.path(), "patch.syx", &[0xF0, 1, 2, 3, 0xF7, 0xC0, 5]);
    let options = json!({"path": path, "direction": "in", "baud": 50_000, "group": 2});
    let mut rig = Rig::endpoint::<FileNode>(options).unwrap();
    run(&mut rig);
    let start = rig.now();
    // 0.2 ms a byte.
    let sent: Vec<_> = rig.advance(ms(10)).into_iter().map(|e| (e.time - start, e.ump)).collect();
    assert_eq!(sent[0].0, MS);
    assert_eq!(sent[0].1.sysex_data().0[..3], [1, 2, 3]);
    assert_eq!(sent[1], (1_400_000, Ump::program_change(1, 0, 5)));
    assert_eq!(state(&rig), text("ended"));
    rig.command("start", Json::Null).unwrap();
    assert_eq!(rig.advance(ms(10)).len(), 2);
}
