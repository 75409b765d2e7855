//! The app does what it says.

use std::process::Command;

#[test]
fn the_app_runs_and_hears_what_it_should() {
    let done = Command::new(env!("CARGO_BIN_EXE_embed")).output().unwrap();
    let (said, wrong) = (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap());
    assert!(done.status.success(), "{said}{wrong}");
    assert_eq!(wrong, "", "a library does not speak to the terminal");
    let parts = [
        "an octave up, at half its velocity:\n  ch1 note-on 72 (C5) vel 50\n  ch1 note-off 72 (C5) vel 64\n",
        "after a command to the node `up`:\n  ch1 note-on 79 (G5) vel 50\n  ch1 note-off 79 (G5) vel 64\n",
        "as another control:\n  ch1 cc27 100\n",
        // What sounds by way of a node ends with it.
        "held key:\n  ch1 note-on 67 (G4) vel 50\n  removed: up; runs on: keys, notes, half, synth\n  ch1 note-off 67 (G4) vel 64\n",
        "lights/faders: ok, 0 in, 1 out\n",
        // Stopping releases.
        "held at the end:\n  ch1 note-on 72 (C5) vel 50\n  ch1 note-off 72 (C5) vel 64\n",
    ];
    let mut rest = said.as_str();
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is missing in\n{said}"));
        rest = &rest[at + part.len()..];
    }
}
