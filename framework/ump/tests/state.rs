//! The state that messages leave behind.

use midibay_ump::{MidiState, Program, SnapshotError, Ump};
use proptest::prelude::*;

fn state(packets: &[Ump]) -> MidiState {
    let mut state = MidiState::new(2);
    packets.iter().for_each(|ump| state.apply(ump));
    state
}

fn diff(from: &MidiState, to: &MidiState) -> Vec<Ump> {
    let mut out = Vec::new();
    MidiState::diff(from, to, |ump| out.push(ump));
    out
}

fn snapshot(state: &MidiState) -> Vec<u8> {
    let mut out = Vec::new();
    state.snapshot(&mut out);
    out
}

fn cc(controller: u8, value: u8) -> Ump {
    Ump::control_change(0, 0, controller, value)
}

#[test]
fn it_knows_where_everything_stands() {
    let state = state(&[
        Ump::note_on(0, 0, 60, 127),
        Ump::poly_pressure(0, 0, 60, 127),
        Ump::poly_pressure(0, 0, 61, 127),
        cc(7, 64),
        cc(0, 1),
        cc(32, 2),
        Ump::program_change(0, 0, 5),
        cc(101, 0),
        cc(100, 0),
        cc(6, 2),
        cc(38, 1),
        Ump::channel_pressure(0, 0, 127),
        Ump::pitch_bend(0, 0, 0x3FFF),
    ]);
    assert_eq!(state.velocity(0, 0, 60), Some(0xFFFF));
    assert_eq!(state.velocity(0, 0, 61), None);
    assert_eq!(state.poly_pressure(0, 0, 60), u32::MAX);
    assert_eq!(state.poly_pressure(0, 0, 61), 0, "a note that does not sound has no pressure");
    assert_eq!(state.controller(0, 0, 7), Some(0x8000_0000));
    assert_eq!(state.controller(0, 0, 8), None);
    assert_eq!(state.program(0, 0), Some(Program { program: 5, bank: Some(130) }));
    assert_eq!(state.parameter(0, 0, true, 0), Some(257 << 18));
    assert_eq!(state.pressure(0, 0), u32::MAX);
    assert_eq!((state.bend(0, 0), state.bend(0, 1)), (u32::MAX, 0x8000_0000));
}

#[test]
fn midi_2_says_the_same_with_more_bits() {
    let state = state(&[
        Ump::note_on2(1, 3, 60, 0),
        Ump::poly_pressure2(1, 3, 60, 7),
        Ump::control_change2(1, 3, 7, 0x1234_5678),
        Ump::program_change2(1, 3, 5, Some(130)),
        Ump::nrpn2(1, 3, 300, 100),
        Ump::midi2(1, 0x5, 3, 2, 44, 5),
        Ump::midi2(1, 0x5, 3, 2, 44, -200_i32 as u32),
        Ump::pitch_bend2(1, 3, 9),
    ]);
    assert_eq!(state.velocity(1, 3, 60), Some(0));
    assert_eq!(state.poly_pressure(1, 3, 60), 7);
    assert_eq!(state.controller(1, 3, 7), Some(0x1234_5678));
    assert_eq!(state.program(1, 3), Some(Program { program: 5, bank: Some(130) }));
    assert_eq!(state.parameter(1, 3, false, 300), Some(0));
    assert_eq!(state.bend(1, 3), 9);
    assert_eq!(
        diff(&MidiState::new(2), &state)[0],
        Ump::program_change2(1, 3, 5, Some(130)),
        "the group is answered in the protocol it speaks"
    );
}

#[test]
fn groups_beyond_its_own_change_nothing() {
    let mut state = MidiState::boxed(1);
    state.apply(&Ump::note_on(1, 0, 60, 1));
    state.apply(&Ump::system(9, 0xFA, 0, 0));
    assert_eq!(state.velocity(1, 0, 60), None);
    assert!(!state.is_running(9));
    assert_eq!(diff(&MidiState::new(1), &state), []);
}

#[test]
fn the_clock_moves_the_song_on_while_it_runs() {
    let clock = Ump::system(0, 0xF8, 0, 0);
    let mut state = state(&[Ump::system(0, 0xF2, 3, 1), clock, Ump::system(0, 0xFB, 0, 0)]);
    (0..13).for_each(|_| state.apply(&clock));
    assert!(state.is_running(0));
    assert_eq!(state.song_position(0), 128 + 3 + 2);
    state.apply(&Ump::system(0, 0xFA, 0, 0));
    assert_eq!(state.song_position(0), 0);
    state.apply(&Ump::system(0, 0xFC, 0, 0));
    assert!(!state.is_running(0));
}

#[test]
fn release_all_lets_go_of_notes_and_pedals_and_leaves_the_rest() {
    let mut state = state(&[
        Ump::note_on(0, 0, 60, 1),
        Ump::note_on2(1, 2, 70, 1),
        cc(64, 127),
        cc(7, 100),
        Ump::control_change(0, 1, 66, 20),
    ]);
    let mut out = Vec::new();
    state.release_all(|ump| out.push(ump));
    assert_eq!(out, [Ump::note_off(0, 0, 60, 64), cc(64, 0), Ump::note_off2(1, 2, 70, 0x8000)]);
    state.release_all(|ump| panic!("{ump} was released twice"));
    assert!(state.controller(0, 0, 7).is_some());
}

#[test]
fn reset_all_controllers_does_what_rp_015_says() {
    let state = state(&[
        Ump::note_on(0, 0, 60, 1),
        cc(1, 100),
        cc(11, 3),
        cc(64, 127),
        cc(7, 100),
        cc(101, 0),
        cc(100, 0),
        Ump::pitch_bend(0, 0, 0),
        Ump::channel_pressure(0, 0, 9),
        cc(121, 0),
        cc(6, 5),
    ]);
    let value = |controller| state.controller(0, 0, controller);
    assert_eq!((value(1), value(11), value(64)), (Some(0), Some(u32::MAX), Some(0)));
    assert_eq!(value(7), state_of(7, 100));
    assert_eq!((state.bend(0, 0), state.pressure(0, 0)), (0x8000_0000, 0));
    assert_eq!(state.velocity(0, 0, 60), Some(0x200));
    assert_eq!(state.parameter(0, 0, true, 0), None, "the selection is null");
}

fn state_of(controller: u8, value: u8) -> Option<u32> {
    state(&[cc(controller, value)]).controller(0, 0, controller)
}

#[test]
fn all_notes_off_and_system_reset_count() {
    for controller in [120, 123, 124, 125, 126, 127] {
        let state = state(&[Ump::note_on(0, 0, 60, 1), cc(7, 1), cc(controller, 0)]);
        assert_eq!(state.velocity(0, 0, 60), None);
        assert!(state.controller(0, 0, 7).is_some());
    }
    let state = state(&[Ump::note_on(0, 0, 60, 1), Ump::note_on(1, 0, 60, 1), Ump::system(0, 0xFF, 0, 0)]);
    assert_eq!((state.velocity(0, 0, 60), state.velocity(1, 0, 60)), (None, Some(0x200)));
}

#[test]
fn a_difference_is_told_in_the_order_that_sounds_right() {
    let from = state(&[Ump::note_on(0, 0, 50, 1), Ump::note_on(0, 0, 51, 1), cc(64, 127)]);
    let to = state(&[
        Ump::note_on(0, 0, 51, 9),
        Ump::note_on(0, 0, 60, 100),
        Ump::poly_pressure(0, 0, 60, 5),
        cc(0, 1),
        cc(32, 2),
        Ump::program_change(0, 0, 5),
        cc(7, 100),
        cc(99, 1),
        cc(98, 2),
        cc(6, 3),
        cc(38, 4),
        Ump::pitch_bend(0, 0, 5),
        Ump::channel_pressure(0, 0, 6),
    ]);
    assert_eq!(
        diff(&from, &to),
        [
            Ump::note_off(0, 0, 50, 64),
            cc(0, 1),
            cc(32, 2),
            Ump::program_change(0, 0, 5),
            cc(7, 100),
            cc(64, 0),
            cc(99, 1),
            cc(98, 2),
            cc(6, 3),
            cc(38, 4),
            Ump::pitch_bend(0, 0, 5),
            Ump::channel_pressure(0, 0, 6),
            Ump::note_on(0, 0, 60, 100),
            Ump::poly_pressure(0, 0, 60, 5),
        ]
    );
}

#[test]
fn equal_states_differ_by_nothing() {
    let packets = [Ump::note_on(0, 0, 50, 1), cc(7, 5), cc(0, 3), Ump::system(0, 0xFA, 0, 0)];
    assert_eq!(diff(&state(&packets), &state(&packets)), []);
}

#[test]
fn what_the_new_state_does_not_know_goes_to_rest_or_stays() {
    let from =
        state(&[cc(1, 9), cc(7, 9), cc(11, 9), Ump::pitch_bend(0, 0, 1), Ump::channel_pressure(0, 0, 1)]);
    assert_eq!(
        diff(&from, &MidiState::new(2)),
        [cc(1, 0), cc(11, 127), Ump::pitch_bend(0, 0, 0x2000), Ump::channel_pressure(0, 0, 0)]
    );
}

#[test]
fn data_entry_after_a_difference_goes_where_its_sender_means() {
    let select = |number| [cc(101, 0), cc(100, number)];
    let from = state(&select(1));
    let to = state(&[&select(2)[..], &[cc(6, 5)], &select(3)].concat());
    assert_eq!(diff(&from, &to), [cc(100, 2), cc(6, 5), cc(100, 3)]);
    assert_eq!(diff(&from, &MidiState::new(1)), [cc(101, 127), cc(100, 127)]);
}

#[test]
fn the_transport_is_part_of_a_difference() {
    let s = |status, a, b| Ump::system(0, status, a, b);
    let stopped = state(&[s(0xF3, 4, 0), s(0xF2, 9, 1)]);
    let running = state(&[s(0xF2, 5, 0), s(0xFB, 0, 0)]);
    assert_eq!(diff(&stopped, &running), [s(0xF2, 5, 0), s(0xFB, 0, 0)]);
    assert_eq!(diff(&running, &stopped), [s(0xFC, 0, 0), s(0xF3, 4, 0), s(0xF2, 9, 1)]);
}

#[test]
fn a_snapshot_is_compact() {
    assert_eq!(snapshot(&MidiState::new(16)).len(), 7);
    let one = state(&[Ump::note_on(0, 0, 60, 100), cc(7, 100), Ump::pitch_bend(0, 0, 5)]);
    assert_eq!(snapshot(&one).len(), 7 + 2 + 3 + 3 + 2);
}

#[test]
fn a_full_state_fits_the_bound() {
    let mut full = MidiState::new(1);
    for channel in 0..16 {
        for n in 0..128 {
            full.apply(&Ump::note_on2(0, channel, n, 0x1235));
            full.apply(&Ump::poly_pressure2(0, channel, n, 0x1234_5677));
            full.apply(&Ump::control_change2(0, channel, n % 120, 0x1234_5677));
            full.apply(&Ump::nrpn2(0, channel, n.into(), 0x1234_5677));
        }
        full.apply(&cc(101, 1).with_channel(channel));
        full.apply(&Ump::pitch_bend2(0, channel, 0x1234_5677));
        full.apply(&Ump::channel_pressure2(0, channel, 0x1234_5677));
        full.apply(&Ump::program_change2(0, channel, 1, Some(2)));
    }
    full.apply(&Ump::system(0, 0xFA, 0, 0));
    let bytes = snapshot(&full);
    assert!(bytes.len() <= full.snapshot_bound());
    let mut restored = MidiState::new(1);
    restored.restore(&bytes).unwrap();
    assert_eq!(snapshot(&restored), bytes);
}

#[test]
fn a_snapshot_with_what_no_state_keeps_is_refused() {
    let channel = |bytes: &[u8]| {
        MidiState::new(1).restore(&[b"MST1\0\0\0", bytes].concat()).map_err(|error| error.to_string())
    };
    let damaged = Err(SnapshotError::Invalid.to_string());
    assert_eq!(channel(&[0, 0x02, 0, 7, 100]), Ok(()));
    for controller in [6, 38, 96, 101, 120, 128] {
        assert_eq!(channel(&[0, 0x02, 0, controller, 100]), damaged, "controller {controller}");
    }
    assert_eq!(channel(&[0, 0x20, 1, 60, 5]), damaged, "pressure of a note that does not sound");
    assert_eq!(channel(&[0, 0x40, 1, 0x7F, 0xFF, 5]), damaged, "the null parameter");
    assert_eq!(channel(&[0, 0x40, 2, 0, 1, 5, 0, 1, 5]), damaged, "a parameter twice");
    assert_eq!(channel(&[0, 0x04, 128, 0, 0]), damaged, "a program beyond 127");
    assert_eq!(channel(&[0, 0x08, 0xC1]), damaged, "a value of no width");
}

#[test]
fn a_bad_snapshot_is_refused_and_changes_nothing() {
    let good = snapshot(&state(&[
        Ump::note_on(1, 0, 60, 100),
        Ump::poly_pressure(1, 0, 60, 3),
        Ump::control_change(1, 0, 7, 100),
        Ump::program_change(1, 0, 3),
        Ump::system(1, 0xFA, 0, 0),
    ]));
    let mut kept = state(&[Ump::note_on(0, 0, 1, 1)]);
    assert_eq!(kept.restore(b"MST2\0\0\0"), Err(SnapshotError::NotASnapshot));
    for length in 4..good.len() {
        // A snapshot ends where a channel ends, so one cut there is a whole one.
        if length != 7 + 6 {
            assert_eq!(kept.restore(&good[..length]), Err(SnapshotError::Truncated), "{length}");
        }
    }
    assert_eq!(MidiState::new(1).restore(&good), Err(SnapshotError::GroupOutOfRange));
    assert_eq!(kept.restore(&[&good[..], &[0, 0]].concat()), Err(SnapshotError::Invalid), "not in order");
    assert_eq!(kept.velocity(0, 0, 1), Some(0x200));
    kept.restore(&good).unwrap();
    assert_eq!((kept.velocity(0, 0, 1), kept.velocity(1, 0, 60)), (None, Some(0xC924)));
}

fn packet() -> impl Strategy<Value = Ump> {
    let number = prop_oneof![
        0..128_u8,
        prop::sample::select(vec![0_u8, 6, 32, 38, 64, 96, 98, 99, 100, 101, 121, 123])
    ];
    let midi1 = (8..15_u8, 0..2_u8, 0..2_u8, number, 0..128_u8)
        .prop_map(|(status, group, channel, a, b)| Ump::midi1(group, status, channel, a, b));
    let midi2 = (0..16_u8, 0..2_u8, 0..2_u8, 0..128_u8, 0..4_u8, any::<u32>())
        .prop_map(|(status, group, channel, a, b, value)| Ump::midi2(group, status, channel, a, b, value));
    let system =
        (0xF1..=0xFF_u8, 0..2_u8, 0..128_u8).prop_map(|(status, group, a)| Ump::system(group, status, a, a));
    prop_oneof![6 => midi1, 2 => midi2, 1 => system]
}

proptest! {
    #[test]
    fn a_receiver_that_is_told_the_difference_is_where_it_should_be(
        before in prop::collection::vec(packet(), 0..80), after in prop::collection::vec(packet(), 0..80)
    ) {
        let (mut receiver, to) = (state(&before), state(&after));
        for ump in diff(&receiver, &to) {
            receiver.apply(&ump);
        }
        prop_assert_eq!(diff(&receiver, &to), []);
        for note in 0..128 {
            prop_assert_eq!(receiver.velocity(0, 0, note).is_some(), to.velocity(0, 0, note).is_some());
        }
    }

    #[test]
    fn a_new_receiver_gets_the_whole_state(packets in prop::collection::vec(packet(), 0..80)) {
        let (mut receiver, to) = (MidiState::new(2), state(&packets));
        for ump in diff(&receiver, &to) {
            receiver.apply(&ump);
        }
        for (group, channel) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            prop_assert_eq!(receiver.program(group, channel), to.program(group, channel));
            prop_assert_eq!(receiver.bend(group, channel) >> 18, to.bend(group, channel) >> 18);
            for n in 0..120 {
                if let Some(value) = to.controller(group, channel, n) {
                    prop_assert_eq!(receiver.controller(group, channel, n).map(|it| it >> 25), Some(value >> 25));
                }
            }
        }
    }

    #[test]
    fn snapshots_lose_nothing(packets in prop::collection::vec(packet(), 0..120), other in prop::collection::vec(packet(), 0..20)) {
        let (before, mut after) = (state(&packets), state(&other));
        let bytes = snapshot(&before);
        prop_assert!(after.restore(&bytes).is_ok());
        prop_assert_eq!(snapshot(&after), bytes);
        prop_assert_eq!(diff(&before, &after), []);
        prop_assert_eq!(diff(&after, &before), []);
    }

    #[test]
    fn bytes_of_any_sort_are_refused_or_make_a_state(mut bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        bytes.splice(0..0, *b"MST1\0\0\0");
        let mut state = MidiState::new(16);
        if state.restore(&bytes).is_ok() {
            let again = snapshot(&state);
            let mut same = MidiState::new(16);
            prop_assert!(same.restore(&again).is_ok());
            prop_assert_eq!(snapshot(&same), again);
        }
    }
}
