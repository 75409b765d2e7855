//! RPN and NRPN out of control changes.

use midibay_ump::{ParameterChange, ParameterNumbers, Ump};

fn changes(controls: &[(u8, u8)]) -> Vec<(bool, u16, u16, i8)> {
    let mut numbers = ParameterNumbers::boxed();
    controls
        .iter()
        .filter_map(|&(controller, value)| numbers.apply(&Ump::control_change(0, 0, controller, value)))
        .map(|change| (change.registered, change.number, change.value, change.step))
        .collect()
}

#[test]
fn the_msb_counts_at_once_and_the_lsb_corrects_it() {
    assert_eq!(
        changes(&[(101, 0), (100, 2), (6, 1), (38, 3), (6, 2)]),
        [(true, 2, 128, 0), (true, 2, 131, 0), (true, 2, 256, 0)]
    );
    assert_eq!(changes(&[(99, 1), (98, 2), (6, 127), (38, 127)])[1], (false, 130, 0x3FFF, 0));
}

#[test]
fn data_entry_without_a_parameter_is_nothing() {
    assert_eq!(changes(&[(6, 1), (38, 1), (96, 0)]), []);
    assert_eq!(changes(&[(101, 0), (100, 0), (101, 127), (100, 127), (6, 1)]), []);
    assert_eq!(changes(&[(99, 127), (98, 127), (6, 1)]), []);
}

#[test]
fn increments_count_on_from_the_value_and_stop_at_the_ends() {
    assert_eq!(
        changes(&[(101, 0), (100, 0), (97, 0), (6, 127), (38, 126), (96, 0), (96, 0), (97, 0)]),
        [
            (true, 0, 0, -1),
            (true, 0, 127 << 7, 0),
            (true, 0, 0x3FFE, 0),
            (true, 0, 0x3FFF, 1),
            (true, 0, 0x3FFF, 1),
            (true, 0, 0x3FFE, -1),
        ]
    );
}

#[test]
fn selecting_the_same_parameter_again_keeps_its_value() {
    assert_eq!(changes(&[(101, 0), (100, 0), (6, 2), (101, 0), (100, 0), (38, 5)])[1], (true, 0, 261, 0));
    assert_eq!(changes(&[(101, 0), (100, 0), (6, 2), (100, 1), (38, 5)])[1], (true, 1, 5, 0));
}

#[test]
fn channels_and_groups_are_apart() {
    let mut numbers = ParameterNumbers::new();
    for (group, channel, number) in [(0, 0, 1), (0, 1, 2), (1, 0, 3)] {
        numbers.apply(&Ump::control_change(group, channel, 99, 0));
        numbers.apply(&Ump::control_change(group, channel, 98, number));
    }
    assert_eq!(numbers.selected(0, 1), Some((false, 2)));
    assert_eq!(
        numbers.apply(&Ump::control_change(1, 0, 6, 1)),
        Some(ParameterChange { group: 1, channel: 0, registered: false, number: 3, value: 128, step: 0 })
    );
}

#[test]
fn a_midi_2_controller_is_a_whole_change() {
    let mut numbers = ParameterNumbers::new();
    let change = numbers.apply(&Ump::nrpn2(2, 3, 300, 0x8000_0000)).unwrap();
    assert_eq!(
        change,
        ParameterChange { group: 2, channel: 3, registered: false, number: 300, value: 0x2000, step: 0 }
    );
}

#[test]
fn only_the_controllers_of_parameters_concern_it() {
    let concerned: Vec<_> =
        (0..128).filter(|&cc| ParameterNumbers::concerns(&Ump::control_change(1, 2, cc, 0))).collect();
    assert_eq!(concerned, [6, 38, 96, 97, 98, 99, 100, 101]);
    assert!(!ParameterNumbers::concerns(&Ump::control_change2(1, 2, 6, 0)));
}
