//! `midibay send` and `midibay monitor`.

use crate::common::{Peer, folder, free_port, midibay, output, said, started, succeeds, through, write};
use lab::PATIENCE;

#[test]
fn what_is_sent_arrives_as_it_was_written() {
    let mut peer = Peer::new();
    let node = format!("ip-midi,peers=[\"{}\"]", peer.address());
    succeeds(&["send", &node, "note-on ch1 60 100", "cc ch2 7 1", "note-off ch1 60", "F0 7E 7F 06 01 F7"]);
    peer.wait_for(&[0x90, 60, 100]);
    peer.wait_for(&[0xB1, 7, 1]);
    peer.wait_for(&[0x80, 60, 64]);
    peer.wait_for(&[0xF0, 0x7E, 0x7F, 6, 1, 0xF7]);
    assert_eq!(peer.rest(), b"");
}

#[test]
fn a_note_on_stays_on_and_its_end_is_told() {
    let mut peer = Peer::new();
    let node = format!("ip-midi,peers=[\"{}\"]", peer.address());
    let (code, _, err) = said(&output(&["send", &node, "note-on", "ch1", "C4", "100"]));
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("still on; ends with: note-off ch1 60"), "{err}");
    peer.wait_for(&[0x90, 60, 100]);
    assert_eq!(peer.rest(), b"");
}

#[test]
fn a_note_with_a_length_ends_and_is_ended_by_ctrl_c_too() {
    let mut peer = Peer::new();
    let node = format!("ip-midi,peers=[\"{}\"]", peer.address());
    succeeds(&["send", &node, "note ch1 60 100 20"]);
    peer.wait_for(&[0x90, 60, 100]);
    peer.wait_for(&[0x80, 60, 64]);

    let mut process = lab::Process::start(midibay().args(["send", &node, "note ch1 61 100 60000"])).unwrap();
    peer.wait_for(&[0x90, 61, 100]);
    process.interrupt();
    peer.wait_for(&[0x80, 61, 64]);
    process.wait_success(PATIENCE).unwrap();
}

#[test]
fn after_waits_between_messages() {
    let mut peer = Peer::new();
    let node = format!("ip-midi,peers=[\"{}\"]", peer.address());
    let begin = std::time::Instant::now();
    succeeds(&["send", "--after", "60", &node, "cc ch1 1 1", "cc ch1 1 2", "cc ch1 1 3"]);
    assert!(begin.elapsed().as_millis() >= 120);
    peer.wait_for(&[0xB0, 1, 1]);
    peer.wait_for(&[0xB0, 1, 3]);
}

#[test]
fn wrong_messages_and_wrong_endpoints_are_told_before_anything_is_sent() {
    let cases: [(&[&str], &str); 6] = [
        (&["send", "ip-midi,interface=lo", "nota-on ch1 1 1"], "did you mean: note-on"),
        (&["send", "ip-midi,interfce=lo", "clock"], "did you mean `interface`"),
        (&["send", "ip-mid", "clock"], "did you mean `ip-midi`"),
        (&["send", "transpose,semitones=1", "clock"], "is a processor"),
        (&["send", "ip-midi,interface=lo,ports=[1,2]", "clock"], "choose one with --port: 1 and 2"),
        (&["send", "--port", "3", "ip-midi,interface=lo,ports=[1,2]", "clock"], "no input port `3`"),
    ];
    for (arguments, expected) in cases {
        let (code, _, err) = said(&output(arguments));
        assert!(code == 1 && err.contains(expected), "{arguments:?}: {err}");
    }
}

#[test]
fn an_endpoint_that_is_not_there_is_told() {
    let (code, _, err) = said(&output(&["send", "ip-midi,interface=nosuch0", "clock"]));
    assert!(code == 1 && err.contains("not open") && err.contains("nosuch0"), "{err}");
}

#[test]
fn a_port_of_an_endpoint_that_has_only_one_is_told_to_be_left_out() {
    let (code, _, err) = said(&output(&["send", "--port", "7", "ip-midi,interface=lo", "clock"]));
    assert!(code == 1 && err.contains("no input port `7`") && err.contains("leave --port out"), "{err}");
}

#[test]
fn the_monitor_shows_in_words_what_arrives() {
    let (peer, port) = (Peer::new(), free_port());
    let mut process = started(&["monitor", "--node", &format!("ip-midi,listen=127.0.0.1:{port}")]);
    peer.send(port, &[0x90, 60, 100, 0xB0, 7, 1]);
    let line = process.wait_for_line("note-on", PATIENCE).unwrap();
    assert!(line.ends_with("from ip-midi  ch1 note-on 60 (C4) vel 100"), "{line}");
    process.wait_for_line("ch1 cc7 1", PATIENCE).unwrap();
    process.terminate();
    process.wait_success(PATIENCE).unwrap();
    // With the release of the note that was still held.
    assert!(process.lines().iter().any(|line| line.starts_with("3 events in ")), "{}", process.text());
}

#[test]
fn the_monitor_shows_what_comes_from_and_goes_to_the_nodes_of_a_graph() {
    let (folder, mut peer, port) = (folder(), Peer::new(), free_port());
    let graph =
        write(folder.path(), "show.toml", &through(port, "type = \"transpose\"\nsemitones = 12", &peer));
    let mut process = started(&["monitor", &graph, "--json", "--count", "2"]);
    peer.send(port, &[0x90, 60, 100]);
    peer.wait_for(&[0x90, 72, 100]);
    process.wait_success(PATIENCE).unwrap();
    let lines = process.lines();
    let events: Vec<serde_json::Value> =
        lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let place = |event: &serde_json::Value| format!("{} {} {}", event["side"], event["node"], event["ump"]);
    let mut places: Vec<String> = events.iter().map(place).collect();
    places.sort();
    assert_eq!(places, [r#""from" "in" "20903C64""#, r#""to" "out" "20904864""#]);
}

#[test]
fn the_monitor_watches_only_the_nodes_that_are_named() {
    let (folder, mut peer, port) = (folder(), Peer::new(), free_port());
    let graph =
        write(folder.path(), "show.toml", &through(port, "type = \"transpose\"\nsemitones = 12", &peer));
    let mut process = started(&["monitor", &graph, "--on", "way"]);
    peer.send(port, &[0x90, 60, 100]);
    let line = process.wait_for_line("note-on", PATIENCE).unwrap();
    assert!(line.ends_with("from way  ch1 note-on 72 (C5) vel 100"), "{line}");
    peer.wait_for(&[0x90, 72, 100]);
    process.interrupt();
    process.wait_success(PATIENCE).unwrap();
    assert!(process.lines().iter().any(|line| line.starts_with("2 events in ")), "{}", process.text());

    let (code, _, err) = said(&output(&["monitor", &graph, "--on", "weg"]));
    assert!(code == 1 && err.contains("its nodes are in, way and out"), "{err}");
}

#[test]
fn control_maps_are_seen_where_they_go() {
    let (folder, mut peer, port) = (folder(), Peer::new(), free_port());
    let text = through(port, "type = \"monitor\"\nto = \"none\"", &peer)
        .replace("\"in -> way -> out\"", "\"in.ch1.cc7 -> out.ch2.cc8\", \"in -> way -> out\"");
    let graph = write(folder.path(), "show.toml", &text);
    let mut process = started(&["monitor", &graph, "--on", "out"]);
    peer.send(port, &[0xB0, 7, 100]);
    process.wait_for_line("to   out  ch2 cc8 100", PATIENCE).unwrap();
    peer.wait_for(&[0xB1, 8, 100]);
    process.terminate();
    process.wait_success(PATIENCE).unwrap();
}

#[test]
fn a_monitor_whose_reader_went_away_ends_quietly() {
    use std::process::Stdio;
    let (peer, port) = (Peer::new(), free_port());
    let mut command = midibay();
    command.args(["monitor", "--node", &format!("ip-midi,listen=127.0.0.1:{port}")]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let status = lab::wait_for("the end of the monitor", PATIENCE, || {
        peer.send(port, &[0xF8]);
        child.try_wait().unwrap()
    });
    assert_eq!(status.unwrap().code(), Some(0));
}

#[test]
fn a_monitor_whose_reader_is_stalled_ends_well_all_the_same() {
    use std::process::Stdio;
    let (folder, mut peer, port) = (folder(), Peer::new(), free_port());
    let graph = write(folder.path(), "show.toml", &through(port, "type = \"monitor\"\nto = \"none\"", &peer));
    let mut child = midibay().args(["monitor", &graph]).stdout(Stdio::piped()).spawn().unwrap();
    let waits_for_its_reader = || {
        // One datagram makes some 20 kB of text; a pipe takes 64 kB.
        peer.send(port, &[0xF8; 200]);
        let tasks = std::fs::read_dir(format!("/proc/{}/task", child.id())).unwrap();
        let files = tasks.flatten().map(|task| task.path().join("wchan"));
        let stuck = files
            .into_iter()
            .any(|file| std::fs::read_to_string(file).unwrap_or_default().contains("pipe_w"));
        stuck.then_some(())
    };
    if cfg!(target_os = "linux") && std::fs::read_to_string("/proc/self/wchan").is_ok() {
        let _ = lab::wait_for("the pipe to be full", std::time::Duration::from_secs(3), waits_for_its_reader);
    }
    peer.send(port, &[0x90, 60, 100]);
    peer.wait_for(&[0x90, 60, 100]);
    let id = libc::pid_t::try_from(child.id()).unwrap();
    // SAFETY: plain numbers; the child has not been waited for, so the id is its own.
    assert_eq!(unsafe { libc::kill(id, libc::SIGTERM) }, 0);
    let status = lab::wait_for("the end of the monitor", PATIENCE, || child.try_wait().unwrap());
    assert_eq!(status.unwrap().code(), Some(0));
    peer.wait_for(&[0x80, 60, 64]);
}
