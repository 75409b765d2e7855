//! FIFOs and serial devices: real ones, the devices as pseudo-terminals.
#![cfg(unix)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use midibay_file::FileNode;
use midibay_plugin::testing::Rig;
use midibay_plugin::ump::{SYSEX_CONTINUE, SYSEX_END, SYSEX_START};
use midibay_plugin::{DropReason, Event, Health, Ump, Value};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value as Json, json};

#[cfg(debug_assertions)]
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

const ON: Ump = Ump::note_on(0, 0, 60, 1);
const OFF: Ump = Ump::note_off(0, 0, 60, 0);

fn node(path: &Path, mut options: Json) -> Rig {
    options["path"] = json!(path);
    Rig::endpoint::<FileNode>(options).unwrap()
}

fn send(rig: &mut Rig, umps: &[Ump]) {
    let now = rig.now();
    let events: Vec<_> = umps.iter().map(|ump| Event { source: 1, ..Event::new(now, *ump) }).collect();
    rig.send(&events);
}

fn umps(events: &[Event]) -> Vec<Ump> {
    events.iter().map(|event| event.ump).collect()
}

fn is(rig: &Rig, state: &str) -> bool {
    rig.property("state") == Value::Text(state.into())
}

/// Drives the node until it is in this state.
fn until(rig: &mut Rig, state: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is(rig, state) {
        assert!(Instant::now() < deadline, "not {state} within ten seconds: {:?}", rig.health());
        rig.poll(Duration::from_millis(20));
    }
}

/// A reading end that does not wait.
fn reader(path: &Path) -> File {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    File::from(rustix::fs::open(path, flags, Mode::empty()).unwrap())
}

/// Drives the node and reads until so many bytes came.
fn receive(rig: &mut Rig, from: &mut File, length: usize) -> Vec<u8> {
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut all = Vec::new();
    while all.len() < length {
        assert!(Instant::now() < deadline, "only {all:?} within ten seconds");
        let mut bytes = [0; 4096];
        match from.read(&mut bytes) {
            Ok(read) => all.extend_from_slice(&bytes[..read]),
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(e) => panic!("{e}"),
        }
        rig.poll(Duration::from_millis(1));
    }
    all
}

/// A pseudo-terminal, and a link to its other side that stands for a serial device.
fn serial(link: &Path) -> File {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let master: OwnedFd = openpt(flags).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let _ = std::fs::remove_file(link);
    std::os::unix::fs::symlink(name.to_str().unwrap(), link).unwrap();
    rustix::io::ioctl_fionbio(&master, true).unwrap();
    File::from(master)
}

#[test]
fn bytes_of_a_fifo_come_in_and_what_its_writer_held_is_released_when_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.fifo");
    let mut rig = node(&path, json!({"direction": "in", "create": "fifo", "group": 4}));
    let found = std::fs::metadata(&path).unwrap();
    assert!(found.file_type().is_fifo());
    assert_eq!(found.permissions().mode() & 0o777, 0o640);
    for round in 0..3 {
        let mut writer = File::options().write(true).open(&path).unwrap();
        // Split in the middle of a message.
        writer.write_all(&[0x90, 60]).unwrap();
        assert_eq!(rig.poll_until(|_| true), []);
        writer.write_all(&[1, 0x80]).unwrap();
        assert_eq!(umps(&rig.poll_until(|events| !events.is_empty())), [ON.with_group(3)]);
        assert_eq!(rig.lost_ports().len(), round);
        drop(writer);
        until(&mut rig, "waiting");
        assert_eq!(rig.lost_ports().len(), round + 1);
        until(&mut rig, "open");
    }
    assert_eq!(rig.health().0, Health::Ok);
}

#[test]
fn a_sysex_that_its_writer_leaves_open_is_ended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.fifo");
    let mut rig = node(&path, json!({"direction": "in", "create": "fifo"}));
    std::fs::write(&path, [0xF0, 1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    let statuses: Vec<_> =
        rig.poll_until(|events| events.len() == 2).iter().map(|event| event.ump.status()).collect();
    assert_eq!(statuses, [SYSEX_START, SYSEX_END]);
}

#[test]
fn a_reader_that_goes_away_does_not_stop_the_show() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.fifo");
    let mut rig = node(&path, json!({"direction": "out", "create": "fifo"}));
    assert!(is(&rig, "waiting"));
    send(&mut rig, &[ON, OFF]);
    assert_eq!(rig.counters().drops(DropReason::Unavailable), 2);
    for _ in 0..3 {
        let mut from = reader(&path);
        until(&mut rig, "open");
        assert_eq!(rig.health().0, Health::Ok);
        send(&mut rig, &[ON, Ump::system(0, 0xF8, 0, 0)]);
        assert_eq!(receive(&mut rig, &mut from, 4), [0x90, 60, 1, 0xF8]);
        drop(from);
        // Noticed without anything being sent.
        until(&mut rig, "waiting");
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while rig.health().0 != Health::Waiting {
        assert!(Instant::now() < deadline, "{:?}", rig.health());
        std::thread::yield_now();
    }
    assert!(rig.health().1.contains("start its reader"), "{:?}", rig.health());
}

#[test]
fn a_reader_that_is_slow_gets_every_note_off() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.fifo");
    let mut rig = node(&path, json!({"direction": "out", "create": "fifo"}));
    let mut from = reader(&path);
    until(&mut rig, "open");
    // Far more than the pipe (64 KB) and the queue hold.
    let notes: Vec<_> = (0..128).map(|note| Ump::note_on(0, 0, note, 1)).collect();
    send(&mut rig, &notes);
    for n in 0..200_u32 {
        let faders: Vec<_> = (0..200).map(|i| Ump::control_change(0, 1, (n + i) as u8 % 32 + 1, 5)).collect();
        send(&mut rig, &faders);
    }
    let releases: Vec<_> = (0..128).map(|note| Ump::note_off(0, 0, note, 64)).collect();
    send(&mut rig, &releases);
    assert!(rig.counters().drops(DropReason::Overflow) > 0);
    let mut got = Vec::new();
    let released = |got: &[u8]| got.chunks(3).filter(|message| message[0] == 0x80).count();
    while released(&got) < 128 {
        got.extend(receive(&mut rig, &mut from, 1));
    }
    assert_eq!(got.iter().filter(|byte| **byte == 0x90).count(), 128);
}

#[test]
fn sysex_of_two_sources_do_not_mix_and_real_time_passes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.fifo");
    let mut rig = node(&path, json!({"direction": "out", "create": "fifo"}));
    let mut from = reader(&path);
    until(&mut rig, "open");
    let now = rig.now();
    let part = |source, status, byte, length| Event {
        source,
        ..Event::new(now, Ump::sysex7(0, status, [byte; 6], length))
    };
    rig.send(&[
        part(1, SYSEX_START, 1, 6),
        part(2, SYSEX_START, 2, 6),
        Event::new(now, Ump::system(0, 0xF8, 0, 0)),
        part(1, SYSEX_CONTINUE, 1, 1),
        part(2, SYSEX_END, 2, 0),
        part(1, SYSEX_END, 1, 0),
    ]);
    let expected = [&[0xF0, 1, 1, 1, 1, 1, 1, 0xF8, 1, 0xF7, 0xF0][..], &[2; 6], &[0xF7]].concat();
    assert_eq!(receive(&mut rig, &mut from, expected.len()), expected);
    // A source that vanishes does not keep the others waiting.
    rig.send(&[part(1, SYSEX_START, 1, 1)]);
    send(&mut rig, &[ON]);
    rig.source_lost(0, 1);
    let now = rig.now();
    rig.send(&[Event { source: 2, ..Event::new(now, OFF) }]);
    let got = receive(&mut rig, &mut from, 9);
    assert_eq!(got[..3], [0xF0, 1, 0xF7]);
    assert_eq!(got[got.len() - 3..], [0x80, 60, 0]);
}

#[test]
fn a_serial_line_is_set_up_and_goes_both_ways() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("tty");
    let mut line = serial(&link);
    let mut rig = node(&link, json!({"direction": "both", "baud": 31_250, "group": 2}));
    assert!(is(&rig, "open"));
    let settings = rustix::termios::tcgetattr(File::open(&link).unwrap()).unwrap();
    assert_eq!((settings.input_speed(), settings.output_speed()), (31_250, 31_250));
    // Bytes a terminal would take for its own: interrupt, end of file, stop, line ends.
    let bytes = [0xF0, 3, 4, 13, 10, 17, 19, 26, 0xF7];
    line.write_all(&bytes).unwrap();
    let events = rig.poll_until(|events| events.len() == 2);
    assert_eq!(events[0].ump.sysex_data().0, [3, 4, 13, 10, 17, 19]);
    assert_eq!(events[0].ump.group(), 1);
    // Only its group goes out.
    send(&mut rig, &[ON, ON.with_group(1), Ump::sysex7(1, 0, [3, 4, 13, 10, 17, 19], 6)]);
    let expected = [0x90, 60, 1, 0xF0, 3, 4, 13, 10, 17, 19, 0xF7];
    assert_eq!(receive(&mut rig, &mut line, expected.len()), expected);
}

#[test]
fn a_serial_line_is_not_filled_further_than_it_is_fast() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("tty");
    let mut line = serial(&link);
    let mut rig = node(&link, json!({"direction": "both"}));
    // 3000 bytes: almost a second of a MIDI cable.
    let faders: Vec<_> = (0..1000).map(|i| Ump::control_change(0, 0, (i % 32) as u8 + 1, 5)).collect();
    send(&mut rig, &faders);
    // The system hands bytes over in its own time: so many at least are waited for.
    let mut read_at_least = |least: usize| {
        let (mut bytes, mut all) = ([0; 4096], 0);
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match line.read(&mut bytes) {
                Ok(read) => all += read,
                Err(_) if all >= least => return all,
                Err(e) => assert!(Instant::now() < deadline, "{all} of {least}: {e}"),
            }
        }
    };
    let at_once = read_at_least(1);
    assert!(at_once <= 128, "{at_once}");
    rig.advance(Duration::from_millis(100));
    let by_then = at_once + read_at_least(250);
    assert!(by_then <= 500, "{by_then}");
    rig.advance(Duration::from_secs(1));
    assert_eq!(by_then + read_at_least(3000 - by_then), 3000);
}

#[test]
fn a_device_that_is_unplugged_is_released_and_used_again_when_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("tty");
    let mut line = serial(&link);
    let mut rig = node(&link, json!({"direction": "both"}));
    line.write_all(&[0x90, 60, 1]).unwrap();
    assert_eq!(umps(&rig.poll_until(|events| !events.is_empty())), [ON]);
    drop(line);
    until(&mut rig, "waiting");
    assert_eq!(rig.lost_ports(), [0]);
    send(&mut rig, &[ON]);
    assert_eq!(rig.counters().drops(DropReason::Unavailable), 1);
    let mut line = serial(&link);
    until(&mut rig, "open");
    line.write_all(&[0x80, 60, 0]).unwrap();
    assert_eq!(umps(&rig.poll_until(|events| !events.is_empty())), [OFF]);
    send(&mut rig, &[OFF]);
    assert_eq!(receive(&mut rig, &mut line, 3), [0x80, 60, 0]);
}

#[test]
fn a_device_that_is_not_plugged_in_yet_is_waited_for() {
    let rig = node(Path::new("/dev/midibay-no-such-device"), json!({}));
    assert!(is(&rig, "waiting"));
    let deadline = Instant::now() + Duration::from_secs(10);
    while rig.health().0 != Health::Waiting {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
    assert!(rig.health().1.contains("plug the device in"));
}

#[test]
fn what_still_waits_when_it_is_stopped_goes_out_first() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("tty");
    let mut line = serial(&link);
    let mut rig = node(&link, json!({"direction": "out"}));
    let releases: Vec<_> = (0..128).map(|note| Ump::note_off(0, 0, note, 64)).collect();
    send(&mut rig, &releases);
    drop(rig);
    let mut got = Vec::new();
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = line.read(&mut bytes) {
        got.extend_from_slice(&bytes[..read]);
    }
    assert_eq!(got.len(), 3 * 128);
}

#[test]
fn what_does_not_fit_the_thing_at_the_path_is_an_error_that_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("x.fifo");
    drop(node(&fifo, json!({"direction": "in", "create": "fifo"})));
    let plain = dir.path().join("plain.bin");
    std::fs::write(&plain, b"").unwrap();
    let line = dir.path().join("tty");
    let _master = serial(&line);
    for (path, options, words) in [
        (&fifo, json!({"direction": "both"}), "goes one way"),
        (&fifo, json!({"direction": "in", "baud": 31250}), "take baud out"),
        (&fifo, json!({"direction": "out", "append": true}), "take append out"),
        (&fifo, json!({"direction": "out", "create": "file"}), "exists already and is no plain file"),
        (&plain, json!({"direction": "both"}), "read or written, not both"),
        (&plain, json!({"direction": "in", "append": true}), "append is for writing"),
        (&plain, json!({"direction": "out", "start": "auto"}), "take start out"),
        (&plain, json!({"direction": "out", "baud": 31250}), "take baud out"),
        (&line, json!({"direction": "in", "start": "auto"}), "take start out"),
        (&dir.path().to_owned(), json!({"direction": "in"}), "is a directory"),
        (&dir.path().join("none"), json!({"direction": "in"}), "create = \"fifo\""),
        (&Path::new("/dev/zero").to_owned(), json!({"direction": "in"}), "cannot wait"),
        (&Path::new("/dev/null").to_owned(), json!({"direction": "out", "baud": 9600}), "no serial line"),
    ] {
        let mut options = options;
        options["path"] = json!(path);
        options["mode"] = json!("raw");
        let errors = Rig::endpoint::<FileNode>(options.clone()).err().unwrap_or_default();
        assert!(errors.iter().any(|e| e.message.contains(words)), "{options}: {errors:?}");
    }
}

#[test]
fn a_sink_that_takes_everything_can_be_written_to() {
    let mut rig = node(Path::new("/dev/null"), json!({"direction": "out"}));
    send(&mut rig, &[ON]);
    assert_eq!(rig.counters().bytes_sent.load(std::sync::atomic::Ordering::Relaxed), 3);
}
