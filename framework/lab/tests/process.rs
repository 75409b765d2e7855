//! Child programs are read, waited for and never left behind.
#![cfg(unix)]

use std::process::Command;
use std::time::Duration;

use lab::{Error, PATIENCE, Process};

fn shell(script: &str) -> Process {
    Process::start(Command::new("sh").args(["-c", script])).unwrap()
}

#[test]
fn lines_of_both_outputs_are_seen_as_they_come() {
    let mut process = shell("echo out; echo err >&2; read answer; echo got $answer; exit 3");
    process.wait_for_line("out", PATIENCE).unwrap();
    process.wait_for_line("err", PATIENCE).unwrap();
    process.send_line("seven").unwrap();
    assert_eq!(process.wait_for_line("got", PATIENCE).unwrap(), "got seven");
    assert_eq!(process.wait(PATIENCE).unwrap().code(), Some(3));
}

#[test]
fn a_line_is_handed_out_once_when_the_next_one_is_asked_for() {
    let process = shell("echo tick 1; echo tock; echo tick 2");
    assert_eq!(process.next_line_with("tick", PATIENCE).unwrap(), "tick 1");
    assert_eq!(process.next_line_with("tick", PATIENCE).unwrap(), "tick 2");
    assert!(matches!(process.next_line_with("tick", PATIENCE), Err(Error::EndedEarly { .. })));
}

#[test]
fn the_end_of_the_output_brings_every_line() {
    let process = shell("for n in 1 2 3; do echo $n; sleep 0.02; done");
    assert_eq!(process.wait_for_end_of_output(PATIENCE).unwrap(), ["1", "2", "3"]);
    let endless = shell("exec sleep 600");
    assert!(endless.wait_for_end_of_output(Duration::from_millis(50)).is_err());
}

#[test]
fn a_wait_in_vain_shows_what_was_written_instead() {
    let process = shell("echo something else; exec sleep 600");
    process.wait_for_line("something", PATIENCE).unwrap();
    let error = process.wait_for_line("ready", Duration::from_millis(50)).unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }));
    assert!(error.to_string().contains("something else"), "{error}");
}

#[test]
fn signals_reach_the_program() {
    for (send, name) in
        [(Process::interrupt as fn(&Process), "INT"), (Process::terminate, "TERM"), (Process::hang_up, "HUP")]
    {
        let mut process =
            shell(&format!("trap 'echo caught; exit 0' {name}; echo ready; while :; do sleep 0.01; done"));
        process.wait_for_line("ready", PATIENCE).unwrap();
        send(&process);
        process.wait_for_line("caught", PATIENCE).unwrap();
        process.wait_success(PATIENCE).unwrap();
    }
}

#[test]
fn a_signal_that_is_ignored_where_the_tests_are_started_is_not_ignored_by_a_program() {
    // SAFETY: nothing of this test binary waits for SIGHUP; ignoring is what `nohup` does.
    unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
    let mut process = shell("echo ready; exec sleep 600");
    process.wait_for_line("ready", PATIENCE).unwrap();
    process.hang_up();
    assert!(!process.wait(PATIENCE).unwrap().success());
}

#[test]
fn a_program_that_is_dropped_is_gone() {
    let process = shell("echo $$; exec sleep 600");
    let id = process.wait_for_lines("its id", PATIENCE, |lines| lines.first().cloned()).unwrap();
    drop(process);
    assert!(!std::path::Path::new("/proc").join(id).exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_busy_program_is_seen_to_use_the_processor_and_an_idle_one_is_not() {
    let busy = shell("while :; do :; done");
    lab::wait_for("10 ms of processor time", PATIENCE, || {
        (busy.usage()?.cpu > Duration::from_millis(10)).then_some(())
    })
    .unwrap();
    assert!(busy.usage().unwrap().resident_bytes > 100_000);
    let idle = shell("echo here; exec sleep 600");
    idle.wait_for_line("here", PATIENCE).unwrap();
    let start = idle.usage().unwrap().cpu;
    lab::wait_for("20 ms more of the busy one", PATIENCE, || {
        (busy.usage()?.cpu > Duration::from_millis(30)).then_some(())
    })
    .unwrap();
    assert!(idle.usage().unwrap().cpu - start < Duration::from_millis(20));
}
