//! `midibay run`, as somebody who starts it and sends it signals sees it.

use crate::common::{
    Peer, folder, free_port, midibay, output, replace, root, said, started, started_by, through, write,
};
use lab::{PATIENCE, Process};

const UP_12: &str = "type = \"transpose\"\nsemitones = 12";
const UP_5: &str = "type = \"transpose\"\nsemitones = 5";

fn ends_well(process: &mut Process) {
    let status = process.wait(PATIENCE).unwrap();
    assert_eq!(status.code(), Some(0), "{}", process.text());
}

#[test]
fn a_note_held_when_the_program_is_ended_is_released() {
    type Sign = fn(&Process);
    let signs: [(&str, Sign); 2] = [("SIGTERM", Process::terminate), ("SIGINT", Process::interrupt)];
    for (name, sign) in signs {
        let (folder, mut peer, port) = (folder(), Peer::new(), free_port());
        let graph = write(folder.path(), "show.toml", &through(port, UP_12, &peer));
        let mut process = started(&["run", &graph]);
        peer.send(port, &[0x90, 60, 100]);
        peer.wait_for(&[0x90, 72, 100]);
        sign(&process);
        peer.wait_for(&[0x80, 72, 64]);
        ends_well(&mut process);
        assert_eq!(peer.rest(), b"", "{name}");
    }
}

#[test]
fn sighup_takes_over_a_changed_file_and_the_held_note_ends_where_it_began() {
    let (folder, mut peer, port) = (folder(), Peer::new(), free_port());
    let graph = write(folder.path(), "show.toml", &through(port, UP_12, &peer));
    let mut process = started(&["run", &graph]);
    peer.send(port, &[0x90, 60, 100]);
    peer.wait_for(&[0x90, 72, 100]);
    replace(&graph, &through(port, UP_5, &peer));
    process.hang_up();
    process.wait_for_line("changed as they ran: way", PATIENCE).unwrap();
    peer.send(port, &[0x80, 60, 0, 0x90, 60, 99]);
    peer.wait_for(&[0x80, 72, 0]);
    peer.wait_for(&[0x90, 65, 99]);
    process.terminate();
    ends_well(&mut process);
}

#[test]
fn a_watched_file_is_taken_over_by_itself_and_a_broken_one_is_not() {
    let (folder, mut peer, port) = (folder(), Peer::new(), free_port());
    let graph = write(folder.path(), "show.toml", &through(port, UP_12, &peer));
    let mut process = started(&["run", "--watch", &graph]);
    replace(&graph, &through(port, "type = \"transpoze\"", &peer));
    process.wait_for_line("did you mean `transpose`", PATIENCE).unwrap();
    process.wait_for_line("not reloaded, the old graph runs on", PATIENCE).unwrap();
    peer.send(port, &[0x90, 60, 100]);
    peer.wait_for(&[0x90, 72, 100]);

    replace(&graph, &through(port, UP_5, &peer));
    process.wait_for_line("changed as they ran: way", PATIENCE).unwrap();
    // Written in place too, as some editors do.
    write(folder.path(), "show.toml", &through(port, UP_12, &peer));
    process.next_line_with("changed as they ran: way", PATIENCE).unwrap();
    process.terminate();
    ends_well(&mut process);
}

#[test]
fn a_watched_folder_that_is_put_in_place_of_another_is_watched_on() {
    let (folder, peer, port) = (folder(), Peer::new(), free_port());
    let [here, next] = ["here", "next"].map(|name| folder.path().join(name));
    std::fs::create_dir(&here).unwrap();
    std::fs::create_dir(&next).unwrap();
    let graph = write(&here, "show.toml", &through(port, UP_12, &peer));
    let mut process = started(&["run", "--watch", &graph]);
    write(&next, "show.toml", &through(port, UP_5, &peer));
    std::fs::rename(&here, folder.path().join("before")).unwrap();
    std::fs::rename(&next, &here).unwrap();
    process.wait_for_line("changed as they ran: way", PATIENCE).unwrap();
    // And what is saved in it from then on.
    replace(&graph, &through(port, UP_12, &peer));
    process.next_line_with("changed as they ran: way", PATIENCE).unwrap();
    process.terminate();
    ends_well(&mut process);
}

#[test]
fn a_file_that_is_emptied_does_not_end_the_show() {
    let (folder, mut peer, port) = (folder(), Peer::new(), free_port());
    let graph = write(folder.path(), "show.toml", &through(port, UP_12, &peer));
    let mut process = started(&["run", "--watch", &graph]);
    replace(&graph, "");
    process.wait_for_line("there is no node in it any more", PATIENCE).unwrap();
    process.wait_for_line("not reloaded, the old graph runs on", PATIENCE).unwrap();
    peer.send(port, &[0x90, 60, 100]);
    peer.wait_for(&[0x90, 72, 100]);
    process.terminate();
    ends_well(&mut process);
}

#[test]
fn an_included_file_is_watched_too_also_one_that_a_reload_brings() {
    let (folder, peer, port) = (folder(), Peer::new(), free_port());
    let elsewhere = folder.path().join("parts");
    std::fs::create_dir(&elsewhere).unwrap();
    let part = write(&elsewhere, "way.toml", &format!("[node.way]\n{UP_12}\n"));
    let whole = through(port, UP_12, &peer);
    let graph = write(folder.path(), "show.toml", &whole);
    let mut process = started(&["run", "--watch", &graph]);
    let split = whole.replace(&format!("[node.way]\n{UP_12}\n"), "");
    replace(&graph, &format!("include = [\"parts/way.toml\"]\n{split}"));
    process.wait_for_line("reloaded, all nodes run on", PATIENCE).unwrap();
    let new = write(&elsewhere, "more.toml", "[nod.more]\n");
    replace(&graph, &format!("include = [\"parts/way.toml\", \"parts/more.toml\"]\n{split}"));
    process.wait_for_line("parts/more.toml:1", PATIENCE).unwrap();
    replace(&new, "");
    let twice =
        |lines: &[String]| lines.iter().filter(|line| line.ends_with("all nodes run on")).nth(1).map(drop);
    process.wait_for_lines("another reload", PATIENCE, twice).unwrap();
    replace(&part, &format!("[node.way]\n{UP_5}\n"));
    process.wait_for_line("changed as they ran: way", PATIENCE).unwrap();
    process.terminate();
    ends_well(&mut process);
}

#[test]
fn several_graphs_run_in_one_program_and_set_reaches_the_one_it_names() {
    let (folder, mut peer) = (folder(), Peer::new());
    let ports = [free_port(), free_port()];
    let low = write(folder.path(), "low.toml", &through(ports[0], UP_12, &peer));
    let high = write(folder.path(), "high.toml", &through(ports[1], UP_12, &peer));
    let mut process =
        started(&["run", &low, &high, "--set", "low/way.semitones=-12", "--set", "out.coalesce=false"]);
    peer.send(ports[0], &[0x90, 60, 100]);
    peer.wait_for(&[0x90, 48, 100]);
    peer.send(ports[1], &[0x90, 60, 100]);
    peer.wait_for(&[0x90, 72, 100]);
    process.terminate();
    ends_well(&mut process);

    let (code, _, err) = said(&output(&["run", &low, "--set", "middle/way.semitones=1"]));
    assert!(code == 1 && err.contains("no such graph is run"), "{err}");
    let (code, _, err) = said(&output(&["run", &low, &low]));
    assert!(code == 1 && err.contains("two graphs have the name `low`"), "{err}");
}

#[test]
fn all_graphs_are_checked_before_any_runs() {
    let (folder, peer) = (folder(), Peer::new());
    let good = write(folder.path(), "good.toml", &through(free_port(), UP_12, &peer));
    let bad = write(folder.path(), "bad.toml", "[node.a]\ntype = \"ip-midy\"\n");
    let worse = write(folder.path(), "worse.toml", "[graf]\n");
    let (code, out, err) = said(&output(&["run", &good, &bad, &worse]));
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(err.contains("bad.toml:2") && err.contains("worse.toml:1"), "{err}");
    assert!(!err.contains("ready"), "{err}");
}

#[test]
fn the_program_ends_by_itself_after_the_piece_and_counts_it() {
    let (folder, mut peer) = (folder(), Peer::new());
    let piece = root().join("examples/media/prelude.mid");
    let graph = format!(
        "[node.piece]\ntype = \"file\"\npath = {piece:?}\nspeed = 20\n\n[node.out]\ntype = \"ip-midi\"\n\
         peers = [\"{}\"]\n\n[graph]\nroutes = [\"piece -> out\"]\n",
        peer.address()
    );
    let graph = write(folder.path(), "play.toml", &graph);
    let (code, out, err) = said(&output(&["run", &graph, "--exit-when-done", "--stats-json"]));
    assert_eq!(code, 0, "{err}");
    let statistics: serde_json::Value = serde_json::from_str(&out).unwrap();
    let nodes = &statistics["graphs"][0]["status"]["nodes"];
    assert_eq!(nodes[0]["properties"]["state"], "ended");
    let count = nodes[1]["events_in"].as_u64().unwrap();
    assert!(count > 1000 && nodes[0]["events_out"] == count, "{out}");
    assert!(!peer.rest().is_empty());
}

#[test]
fn a_graph_that_plays_nothing_cannot_be_done() {
    let (folder, peer) = (folder(), Peer::new());
    let graph = write(folder.path(), "show.toml", &through(free_port(), UP_12, &peer));
    let (code, _, err) = said(&output(&["run", &graph, "--exit-when-done"]));
    assert!(code == 1 && err.contains("would never end"), "{err}");
}

#[test]
fn the_view_in_a_pipe_is_a_line_a_second() {
    let (folder, mut peer, port) = (folder(), Peer::new(), free_port());
    let graph = write(folder.path(), "show.toml", &through(port, UP_12, &peer));
    let mut process = started(&["run", "--view", &graph]);
    peer.send(port, &[0x90, 60, 100]);
    peer.wait_for(&[0x90, 72, 100]);
    let line = process.wait_for_line("| out ok in 1 ", PATIENCE).unwrap();
    assert!(line.contains("| in ok in 0 (0/s) out 1 ") && line.contains("| way ok in 1 "), "{line}");
    assert!(!line.contains('\x1b') && !line.contains("tap"), "{line}");
    process.terminate();
    ends_well(&mut process);
}

#[test]
fn a_node_that_waits_is_told_and_the_rest_runs() {
    let (folder, peer, port) = (folder(), Peer::new(), free_port());
    let text = through(port, UP_12, &peer)
        + "\n[node.far]\ntype = \"ip-midi\"\ninterface = \"nosuch0\"\n[[trigger]]\non = \"in.ch1.note0\"\n\
           run = \"way.shift\"\nargs = { semitones = 1 }\n";
    let text = text.replace("\"in -> way -> out\"", "\"in -> way -> out\", \"far -> out\"");
    let graph = write(folder.path(), "show.toml", &text);
    let mut process = started(&["run", &graph]);
    let line = process.wait_for_line("far is waiting", PATIENCE).unwrap();
    assert!(line.contains("nosuch0"), "{line}");
    process.terminate();
    ends_well(&mut process);
}

#[test]
fn a_service_manager_hears_that_it_is_ready_alive_and_stopping() {
    use std::os::unix::net::UnixDatagram;
    let (folder, peer) = (folder(), Peer::new());
    let graph = write(folder.path(), "show.toml", &through(free_port(), UP_12, &peer));
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let hear = |wanted: &str| {
        let mut all = String::new();
        loop {
            let mut bytes = [0; 1024];
            let length = manager.recv(&mut bytes).unwrap_or_else(|e| panic!("{wanted}: {e}; so far {all}"));
            all += &String::from_utf8_lossy(&bytes[..length]);
            all.push('\n');
            if all.contains(wanted) {
                return all;
            }
        }
    };
    let mut command = midibay();
    command.args(["run", &graph]).env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "100000");
    let mut process = started_by(&mut command);
    assert!(hear("READY=1").contains("STATUS=running show (3 nodes)"));
    hear("WATCHDOG=1");
    hear("WATCHDOG=1");
    process.hang_up();
    assert!(hear("READY=1").contains("RELOADING=1\nMONOTONIC_USEC="));
    process.terminate();
    hear("STOPPING=1");
    ends_well(&mut process);
}

#[test]
fn the_program_starts_fast_and_stays_small() {
    let (folder, peer) = (folder(), Peer::new());
    let graph = write(folder.path(), "show.toml", &through(free_port(), UP_12, &peer));
    // The best of several: other tests use the machine too.
    let mut best = std::time::Duration::MAX;
    let mut resident = u64::MAX;
    for _ in 0..5 {
        let begin = std::time::Instant::now();
        let mut process = started(&["run", &graph]);
        best = best.min(begin.elapsed());
        if cfg!(target_os = "linux") {
            let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
            let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
            let kilobytes = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            resident = resident.min(kilobytes);
        }
        process.terminate();
        ends_well(&mut process);
    }
    eprintln!("ready after {best:?}, {resident} kB resident");
    assert!(best.as_millis() < 30 || cfg!(debug_assertions) && best.as_millis() < 300, "{best:?}");
    assert!(
        resident < 15_000 || cfg!(debug_assertions) && resident < 40_000 || resident == u64::MAX,
        "{resident}"
    );
}

#[test]
fn a_view_that_nobody_reads_any_more_does_not_stop_the_show() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let (folder, mut peer, port) = (folder(), Peer::new(), free_port());
    let graph = write(folder.path(), "show.toml", &through(port, UP_12, &peer));
    let mut command = midibay();
    let mut child = command
        .args(["run", "--view", &graph])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let said = BufReader::new(child.stderr.take().unwrap());
    assert!(said.lines().map_while(Result::ok).any(|line| line.contains("run on without the view")));
    peer.send(port, &[0x90, 60, 100]);
    peer.wait_for(&[0x90, 72, 100]);
    child.kill().unwrap();
    child.wait().unwrap();
}
