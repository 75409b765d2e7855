//! Snapshots from another host: refused, or a state that can be told, compared and sent on.
#![no_main]

use libfuzzer_sys::fuzz_target;
use midibay_ump::MidiState;

fuzz_target!(|bytes: &[u8]| {
    // What every snapshot begins with: without it nothing else is looked at.
    let bytes = &[b"MST1", bytes].concat();
    let mut state = MidiState::new(4);
    if state.restore(bytes).is_err() {
        let mut untouched = Vec::new();
        state.snapshot(&mut untouched);
        let mut new = Vec::new();
        MidiState::new(4).snapshot(&mut new);
        assert_eq!(untouched, new, "a snapshot that was refused left something behind");
        return;
    }
    let mut snapshot = Vec::new();
    state.snapshot(&mut snapshot);
    assert!(snapshot.len() <= state.snapshot_bound());
    let mut copy = MidiState::new(4);
    copy.restore(&snapshot).expect("its own snapshot is a good one");
    MidiState::diff(&state, &copy, |ump| panic!("{ump} tells two equal states apart"));

    let mut told = MidiState::new(4);
    MidiState::diff(&MidiState::new(4), &state, |ump| told.apply(&ump));
    MidiState::diff(&told, &state, |ump| panic!("{ump} was not told"));
    told.release_all(|ump| assert!(ump.is_voice()));
});
