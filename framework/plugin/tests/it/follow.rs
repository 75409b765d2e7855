//! The tables that make a Note Off follow its Note On.

use midibay_plugin::follow::{Ended, Full, Holds, Key, Runs};
use midibay_plugin::ump::{SYSEX_CONTINUE, SYSEX_END, SYSEX_START, Ump};

const A: Key = Key::note(0, 0, 60);
const B: Key = Key::note(0, 0, 61);
const X: Key = Key::note(0, 0, 72);
const Y: Key = Key::note(3, 9, 74);

#[test]
fn what_became_of_a_key_is_told_when_it_comes_up() {
    let mut holds = Holds::new(8);
    assert_eq!(holds.begin(1, A, Some(X), false), Ok(None));
    assert_eq!(holds.begin(1, B, None, false), Ok(None));
    assert_eq!(holds.way(1, A), Some(Some(X)));
    assert_eq!(holds.way(1, B), Some(None));
    assert_eq!(holds.way(2, A), None, "another source holds nothing");
    assert_eq!(holds.end(1, A), Ended::Last(X));
    assert_eq!(holds.end(1, B), Ended::Dropped);
    assert_eq!(holds.end(1, A), Ended::Unknown);
    assert!(holds.is_empty());
}

#[test]
fn what_two_keys_of_one_source_became_ends_with_the_last_of_them() {
    let mut holds = Holds::new(8);
    holds.begin(1, A, Some(X), false).unwrap();
    holds.begin(1, B, Some(X), false).unwrap();
    holds.begin(2, B, Some(X), false).unwrap();
    assert_eq!(holds.end(1, A), Ended::Shared);
    assert_eq!(holds.end(1, B), Ended::Last(X), "the other source's hold is its own");
    assert!(holds.holds(2, X) && !holds.holds(1, X));
}

#[test]
fn a_key_that_goes_down_again_elsewhere_names_what_it_leaves_behind() {
    let mut holds = Holds::new(8);
    holds.begin(1, A, Some(X), true).unwrap();
    assert_eq!(holds.begin(1, A, Some(X), true), Ok(None));
    assert_eq!(holds.begin(1, A, Some(Y), false), Ok(Some((X, true))));
    assert_eq!(holds.begin(1, A, None, false), Ok(Some((Y, false))));
    assert_eq!((holds.len(), holds.end(1, A)), (1, Ended::Dropped));
}

#[test]
fn a_full_table_refuses_and_takes_again_when_a_place_is_free() {
    let mut holds = Holds::new(2);
    holds.begin(1, A, Some(X), false).unwrap();
    holds.begin(1, B, Some(Y), false).unwrap();
    assert_eq!(holds.begin(2, A, Some(X), false), Err(Full));
    assert_eq!(holds.begin(1, A, Some(Y), false), Ok(Some((X, false))), "a key that is in may move");
    holds.end(1, B);
    assert_eq!(holds.begin(2, A, Some(X), false), Ok(None));
}

#[test]
fn a_source_is_forgotten_alone() {
    let mut holds = Holds::new(8);
    holds.begin(1, A, Some(X), false).unwrap();
    holds.begin(2, A, Some(X), false).unwrap();
    holds.begin(1, B, None, false).unwrap();
    holds.forget(1);
    assert_eq!((holds.len(), holds.way(2, A)), (1, Some(Some(X))));
}

#[test]
fn a_packet_moves_to_another_key_with_its_value_and_its_spelled_out_pitch() {
    assert_eq!(Y.readdress(&Ump::note_on(0, 0, 60, 99)), Ump::note_on(3, 9, 74, 99));
    assert_eq!(Y.readdress(&Ump::poly_pressure2(0, 0, 60, 7)), Ump::poly_pressure2(3, 9, 74, 7));
    // Attribute 3 is the pitch: 60.5 semitones and 14 more are 74.5.
    let pitched =
        |note: u8, half_semitones: u32| Ump::midi2(0, 0x9, 0, note, 3, 0x8000 << 16 | half_semitones << 8);
    assert_eq!(Key::note(0, 0, 74).readdress(&pitched(60, 121)), pitched(74, 149));
    let controller = |note, value| Ump::midi2(0, 0x0, 0, note, 3, value);
    assert_eq!(Key::note(0, 0, 61).readdress(&controller(60, 1 << 25)), controller(61, 2 << 25));
    assert_eq!(Key::note(0, 0, 50).readdress(&controller(60, 1 << 25)), controller(50, 0));
}

#[test]
fn every_key_is_another_index() {
    let mut seen = vec![false; Key::COUNT];
    for (group, channel, number) in
        (0..16).flat_map(|g| (0..16).flat_map(move |c| (0..128).map(move |n| (g, c, n))))
    {
        for key in [Key::note(group, channel, number), Key::controller(group, channel, number)] {
            assert!(!std::mem::replace(&mut seen[key.index()], true));
            assert_eq!((key.group(), key.channel(), key.number()), (group, channel, number));
            assert_eq!(Key::of(&key.release(false)), Some(key));
            assert_eq!(Key::of(&key.release(true)), Some(key));
        }
    }
}

#[test]
fn the_first_packet_of_a_sysex_decides_for_the_others_of_its_source_and_group() {
    let mut runs = Runs::new();
    let packet = |group, status| Ump::sysex7(group, status, [1; 6], 6);
    assert_eq!(runs.way(1, &packet(0, SYSEX_START), || 5), 5);
    assert_eq!(runs.way(1, &packet(0, SYSEX_CONTINUE), || 6), 5);
    assert_eq!(runs.way(2, &packet(0, SYSEX_CONTINUE), || 6), 6);
    assert_eq!(runs.way(1, &packet(1, SYSEX_CONTINUE), || 6), 6);
    assert_eq!(runs.way(1, &packet(0, SYSEX_END), || 6), 5);
    assert_eq!(runs.way(1, &packet(0, SYSEX_END), || 6), 6, "that one had ended");
    runs.way(1, &packet(0, SYSEX_START), || 5);
    runs.source_lost(1);
    assert_eq!(runs.way(1, &packet(0, SYSEX_END), || 6), 6);
}
