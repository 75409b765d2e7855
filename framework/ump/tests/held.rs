//! Who holds what, and its release.

use midibay_ump::{Held, Ump};

fn held(packets: &[Ump]) -> Box<Held> {
    let mut held = Held::boxed();
    for ump in packets {
        held.apply(ump);
    }
    held
}

fn released(held: &mut Held) -> Vec<Ump> {
    let mut out = Vec::new();
    held.release_all(|ump| out.push(ump));
    out
}

#[test]
fn what_is_still_held_is_released_once() {
    let mut held = held(&[
        Ump::note_on(0, 0, 60, 100),
        Ump::note_on(0, 0, 60, 90),
        Ump::note_on(15, 15, 127, 1),
        Ump::note_on(0, 1, 64, 1),
        Ump::note_off(0, 1, 64, 0),
        Ump::note_on(0, 1, 65, 1),
        Ump::note_on(0, 1, 65, 0),
        Ump::control_change(0, 0, 64, 127),
        Ump::control_change(0, 0, 66, 63),
    ]);
    assert_eq!(held.len(), 3);
    assert!(held.holds(15, 15, 127) && !held.holds(0, 1, 65));
    assert!(held.holds_pedal(0, 0, 64) && !held.holds_pedal(0, 0, 66));
    assert_eq!(
        released(&mut held),
        [Ump::note_off(0, 0, 60, 64), Ump::control_change(0, 0, 64, 0), Ump::note_off(15, 15, 127, 64)]
    );
    assert!(held.is_empty());
    assert_eq!(released(&mut held), []);
}

#[test]
fn midi_2_notes_are_released_in_midi_2() {
    let mut held = held(&[
        Ump::note_on2(3, 2, 60, 0),
        Ump::control_change2(3, 2, 64, 0x8000_0000),
        Ump::control_change2(3, 2, 69, 0x7FFF_FFFF),
    ]);
    assert_eq!(released(&mut held), [Ump::note_off2(3, 2, 60, 0x8000), Ump::control_change2(3, 2, 64, 0)]);
}

#[test]
fn all_notes_off_and_its_kin_leave_no_note_on_their_channel() {
    for controller in [120, 123, 124, 125, 126, 127] {
        let held = held(&[
            Ump::note_on(0, 0, 60, 1),
            Ump::note_on(0, 0, 70, 1),
            Ump::note_on(0, 1, 60, 1),
            Ump::control_change(0, 0, 64, 127),
            Ump::control_change(0, 0, controller, 0),
        ]);
        assert_eq!(held.len(), 2, "{controller}");
        assert!(held.holds(0, 1, 60) && held.holds_pedal(0, 0, 64));
    }
}

#[test]
fn reset_all_controllers_lifts_the_pedals_alone() {
    let held = held(&[
        Ump::note_on(0, 0, 60, 1),
        Ump::control_change(0, 0, 64, 127),
        Ump::control_change(0, 0, 67, 127),
        Ump::control_change(0, 0, 121, 0),
    ]);
    assert_eq!(held.len(), 1);
}

#[test]
fn system_reset_empties_its_group() {
    let held = held(&[
        Ump::note_on(1, 0, 60, 1),
        Ump::control_change(1, 5, 64, 127),
        Ump::note_on(2, 0, 60, 1),
        Ump::system(1, 0xFF, 0, 0),
    ]);
    assert_eq!(held.len(), 1);
    assert!(held.holds(2, 0, 60));
}

#[test]
fn other_messages_hold_nothing() {
    let held = held(&[
        Ump::control_change(0, 0, 1, 127),
        Ump::poly_pressure(0, 0, 60, 127),
        Ump::system(0, 0xF8, 0, 0),
        Ump::sysex7(0, 0, [0x7F; 6], 6),
        Ump::new([0xD910_3C7F, u32::MAX, 0, 0]),
    ]);
    assert!(held.is_empty());
}

#[test]
fn one_channel_can_be_released_by_itself() {
    let mut held = held(&[Ump::note_on(0, 0, 60, 1), Ump::note_on(0, 1, 61, 1)]);
    let mut out = Vec::new();
    held.release_channel(0, 1, |ump| out.push(ump));
    assert_eq!(out, [Ump::note_off(0, 1, 61, 64)]);
    let mut notes = Vec::new();
    held.notes(|group, channel, note| notes.push((group, channel, note)));
    assert_eq!(notes, [(0, 0, 60)]);
    held.clear();
    assert!(held.is_empty());
}
