//! Recording, and writing bytes to plain files.

use std::path::Path;
use std::time::{Duration, Instant};

use midibay_file::FileNode;
use midibay_file::smf::{Piece, load};
use midibay_plugin::testing::Rig;
use midibay_plugin::ump::{SYSEX_CONTINUE, SYSEX_END, SYSEX_START};
use midibay_plugin::{DropReason, Event, Health, Ump, Value};
use serde_json::{Value as Json, json};

#[cfg(debug_assertions)]
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

const MS: u64 = 1_000_000;

fn recorder(path: &Path, mut options: Json) -> Rig {
    options["path"] = json!(path);
    options["mode"] = json!("record");
    Rig::endpoint::<FileNode>(options).unwrap()
}

/// Waits until it is so.
fn wait(what: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !what() {
        assert!(Instant::now() < deadline, "not within ten seconds");
        std::thread::yield_now();
    }
}

fn wait_for_events(rig: &Rig, count: i64) {
    wait(|| rig.property("events") == Value::Int(count));
}

fn loaded(path: &Path) -> Piece {
    load(&std::fs::read(path).unwrap()).unwrap()
}

/// The messages of a piece, with ms.
fn heard(piece: &Piece) -> Vec<(u64, Ump)> {
    piece.events.iter().map(|event| ((event.time + MS / 2) / MS, event.ump())).collect()
}

fn sysex(source: u32, time: u64, status: u8, byte: u8, length: u8) -> Event {
    Event { source, ..Event::new(time, Ump::sysex7(0, status, [byte; 6], length)) }
}

#[test]
fn what_is_recorded_plays_back_as_it_came() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("take.mid");
    let mut rig = recorder(&path, json!({}));
    assert_eq!(rig.property("state"), Value::Text("recording".into()));
    let start = rig.now();
    let umps = [
        Ump::note_on(0, 0, 60, 100),
        Ump::control_change(0, 1, 7, 5),
        Ump::program_change(0, 2, 9),
        Ump::pitch_bend(0, 3, 0x1234),
        Ump::channel_pressure(0, 4, 1),
        Ump::poly_pressure(0, 5, 60, 2),
        Ump::system(0, 0xFA, 0, 0),
        Ump::system(0, 0xF2, 1, 2),
        Ump::note_off(0, 0, 60, 3),
    ];
    let expected: Vec<(u64, Ump)> = (0..).map(|n| n * 250).zip(umps).collect();
    let events: Vec<Event> = expected.iter().map(|(time, ump)| Event::new(start + time * MS, *ump)).collect();
    rig.send(&events);
    // The clock and the sign of life are not music.
    rig.send(&[Event::new(rig.now(), Ump::system(0, 0xF8, 0, 0))]);
    drop(rig);
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(heard(&load(&bytes).unwrap()), expected);
    // An independent reader agrees.
    let smf = midly::Smf::parse(&bytes).unwrap();
    assert_eq!((smf.tracks.len(), smf.tracks[0].len()), (1, expected.len() + 2));
    // And played by the player.
    let mut player = Rig::endpoint::<FileNode>(json!({"path": path})).unwrap();
    let mut played = player.poll(Duration::ZERO);
    let start = player.now();
    played.extend(player.advance(Duration::from_secs(3)));
    let played: Vec<_> = played.iter().map(|e| ((e.time - start + MS / 2) / MS, e.ump)).collect();
    assert_eq!(played, expected);
}

#[test]
fn sysex_of_several_sources_are_recorded_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("take.mid");
    let mut rig = recorder(&path, json!({}));
    let now = rig.now();
    rig.send(&[
        sysex(1, now, SYSEX_START, 1, 6),
        sysex(2, now, SYSEX_START, 2, 6),
        sysex(1, now, SYSEX_CONTINUE, 1, 6),
        Event::new(now, Ump::note_on(0, 0, 60, 1)),
        sysex(2, now, SYSEX_END, 2, 1),
        sysex(1, now, SYSEX_END, 1, 2),
        // Of this source nothing more comes.
        sysex(3, now, SYSEX_START, 3, 6),
    ]);
    wait_for_events(&rig, 3);
    rig.source_lost(0, 3);
    wait(|| rig.counters().drops(DropReason::Malformed) == 1);
    drop(rig);
    let mut data = Vec::new();
    for event in &loaded(&path).events {
        let (bytes, length) = event.ump().sysex_data();
        if event.ump().is_sysex() {
            data.extend_from_slice(&bytes[..length]);
        }
    }
    assert_eq!(data, [&[2; 7][..], &[1; 14]].concat());
}

#[test]
fn a_recording_whose_program_dies_is_a_whole_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("take.mid");
    let mut rig = recorder(&path, json!({}));
    assert_eq!(loaded(&path).events, [], "already before the first event");
    rig.send(&[Event::new(rig.now(), Ump::note_on(0, 0, 60, 1))]);
    // Nobody stops it, and yet what came is there after a second.
    wait(|| loaded(&path).events.len() == 1);
    drop(rig);
}

#[test]
fn each_start_makes_a_new_file_and_none_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("take.mid");
    std::fs::write(&path, b"precious").unwrap();
    let mut rig = recorder(&path, json!({"start": "manual"}));
    rig.send(&[Event::new(rig.now(), Ump::note_on(0, 0, 1, 1))]);
    for number in 2..4 {
        rig.command("start", Json::Null).unwrap();
        assert!(rig.command("start", Json::Null).unwrap_err().contains("send stop"));
        rig.advance(Duration::from_millis(500));
        rig.send(&[Event::new(rig.now(), Ump::note_on(0, 0, 60 + number, 1))]);
        rig.command("stop", Json::Null).unwrap();
        let take = dir.path().join(format!("take-{number}.mid"));
        wait(|| rig.property("path") == Value::Text(take.to_string_lossy().into_owned()));
        wait(|| rig.property("state") == Value::Text("stopped".into()));
        assert_eq!(heard(&loaded(&take)), [(500, Ump::note_on(0, 0, 60 + number, 1))]);
    }
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    assert!(rig.command("seek", json!({"to": 1})).unwrap_err().contains("start and stop"));
}

#[test]
fn midi_2_0_is_recorded_as_midi_1_0_and_one_group_can_be_chosen() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("take.mid");
    let mut rig = recorder(&path, json!({"group": 2}));
    let now = rig.now();
    let umps = [
        Ump::note_on2(1, 0, 60, 0x8000),
        Ump::rpn2(1, 0, 1, 0),
        Ump::note_on(0, 0, 61, 1),
        Ump::note_on(1, 0, 62, 1),
    ];
    rig.send(&umps.map(|ump| Event::new(now, ump)));
    drop(rig);
    let umps: Vec<_> = loaded(&path).events.iter().map(|event| event.ump()).collect();
    assert_eq!(umps[0], Ump::note_on(0, 0, 60, 64));
    assert_eq!(umps[1], Ump::control_change(0, 0, 101, 0));
    assert_eq!(umps.len(), 6);
    assert_eq!(umps[5], Ump::note_on(0, 0, 62, 1));
}

#[cfg(unix)]
#[test]
fn the_file_has_the_permissions_that_were_asked_for() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    for (name, options, expected) in
        [("a.mid", json!({}), 0o640), ("b.mid", json!({"permissions": "0664"}), 0o664)]
    {
        let path = dir.path().join(name);
        drop(recorder(&path, options));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, expected);
    }
}

#[test]
fn a_recording_that_cannot_begin_says_why_and_the_next_one_can() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("later");
    let errors = Rig::endpoint::<FileNode>(json!({"path": missing.join("x.mid"), "mode": "record"})).err();
    assert!(errors.unwrap()[0].message.contains("make its directory"));
    let mut rig = recorder(&missing.join("x.mid"), json!({"start": "manual"}));
    rig.command("start", Json::Null).unwrap();
    wait(|| rig.property("state") == Value::Text("failed".into()));
    assert_eq!(rig.health().0, Health::Failed);
    rig.send(&[Event::new(rig.now(), Ump::note_on(0, 0, 60, 1))]);
    wait(|| rig.counters().drops(DropReason::Unavailable) == 1);
    rig.command("stop", Json::Null).unwrap();
    std::fs::create_dir(&missing).unwrap();
    rig.command("start", Json::Null).unwrap();
    wait(|| rig.property("state") == Value::Text("recording".into()));
    assert_eq!(rig.health().0, Health::Ok);
}

#[test]
fn bytes_are_written_behind_what_is_there_or_instead_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bytes.bin");
    std::fs::write(&path, b"old").unwrap();
    for (append, expected) in [(true, &b"old\x90\x3C\x01"[..]), (false, b"\x90\x3C\x01")] {
        let options = json!({"path": path, "direction": "out", "append": append});
        let mut rig = Rig::endpoint::<FileNode>(options).unwrap();
        let now = rig.now();
        rig.send(&[
            Event::new(now, Ump::note_on(0, 0, 60, 1)),
            Event::new(now, Ump::new([0xF000_0000, 0, 0, 0])),
        ]);
        // Not only when it is stopped.
        wait(|| std::fs::read(&path).unwrap() == expected);
        wait(|| rig.counters().drops(DropReason::Unsupported) == 1);
        assert!(rig.command("stop", Json::Null).is_err());
    }
}

#[test]
fn a_burst_of_twenty_thousand_events_is_recorded_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("take.mid");
    let mut rig = recorder(&path, json!({}));
    let mut sent = 0;
    for _ in 0..100 {
        let now = rig.now();
        let batch: Vec<_> = (0..200).map(|n| Event::new(now, Ump::note_on(0, n / 128, n % 128, 1))).collect();
        rig.send(&batch);
        sent += 200;
        // As the engine does: it comes back when the node asked for it.
        rig.advance(Duration::from_millis(5));
        wait(|| rig.property("events") == Value::Int(sent));
    }
    drop(rig);
    assert_eq!(loaded(&path).events.len(), 20_000);
}
