//! From one protocol to the other and back.

use midibay_ump::scale::scale_up;
use midibay_ump::{Message, Midi1To2, Midi2Voice, MidiState, Ump, to_midi1};
use proptest::prelude::*;

fn up(packets: &[Ump]) -> Vec<Ump> {
    let mut translator = Midi1To2::boxed();
    packets.iter().filter_map(|ump| translator.translate(ump)).collect()
}

fn down(packets: &[Ump]) -> Vec<Ump> {
    packets.iter().flat_map(|ump| to_midi1(ump).to_vec()).collect()
}

fn cc(controller: u8, value: u8) -> Ump {
    Ump::control_change(0, 0, controller, value)
}

#[test]
fn a_note_on_of_velocity_zero_becomes_a_note_off_of_the_middle_velocity() {
    assert_eq!(up(&[Ump::note_on(3, 4, 60, 0)]), [Ump::note_off2(3, 4, 60, 0x8000)]);
    assert_eq!(up(&[Ump::note_off(3, 4, 60, 0)]), [Ump::note_off2(3, 4, 60, 0)]);
}

#[test]
fn a_soft_midi_2_note_does_not_become_a_note_off() {
    for velocity in [0, 1, 0x1FF, 0x200] {
        assert_eq!(down(&[Ump::note_on2(3, 4, 60, velocity)]), [Ump::note_on(3, 4, 60, 1)]);
    }
    assert_eq!(down(&[Ump::note_off2(3, 4, 60, 0x1FF)]), [Ump::note_off(3, 4, 60, 0)]);
}

#[test]
fn bank_select_waits_for_its_program_change() {
    let program = Ump::program_change(0, 0, 5);
    assert_eq!(up(&[program]), [Ump::program_change2(0, 0, 5, None)]);
    assert_eq!(up(&[cc(0, 1), cc(32, 2), program]), [Ump::program_change2(0, 0, 5, Some(130))]);
    assert_eq!(up(&[cc(32, 2), program]), [Ump::program_change2(0, 0, 5, Some(2))]);
    // The bank holds for the programs after, and on its own channel alone.
    assert_eq!(
        up(&[cc(0, 1), program, program, Ump::program_change(0, 1, 5)]),
        [
            Ump::program_change2(0, 0, 5, Some(128)),
            Ump::program_change2(0, 0, 5, Some(128)),
            Ump::program_change2(0, 1, 5, None)
        ]
    );
}

#[test]
fn a_program_with_a_bank_becomes_three_messages() {
    assert_eq!(
        down(&[Ump::program_change2(0, 0, 5, Some(130)), Ump::program_change2(0, 0, 6, None)]),
        [cc(0, 1), cc(32, 2), Ump::program_change(0, 0, 5), Ump::program_change(0, 0, 6)]
    );
}

#[test]
fn parameters_become_one_message_a_value() {
    assert_eq!(
        up(&[cc(101, 0), cc(100, 2), cc(6, 1), cc(38, 3)]),
        [Ump::rpn2(0, 0, 2, 128 << 18), Ump::rpn2(0, 0, 2, 131 << 18)]
    );
    assert_eq!(up(&[cc(99, 1), cc(98, 2), cc(6, 127), cc(38, 127)])[1], Ump::nrpn2(0, 0, 130, u32::MAX));
    assert_eq!(up(&[cc(101, 127), cc(100, 127), cc(6, 1)]), []);
}

#[test]
fn data_entry_that_belongs_to_no_parameter_stays_a_controller() {
    assert_eq!(
        up(&[cc(6, 127), cc(96, 0)]),
        [Ump::control_change2(0, 0, 6, u32::MAX), Ump::control_change2(0, 0, 96, 0)]
    );
}

#[test]
fn increments_become_steps_and_back() {
    let step = |value| Ump::midi2(0, 0x4, 0, 0, 2, value as u32);
    let packets = [cc(101, 0), cc(100, 2), cc(96, 0), cc(97, 0)];
    assert_eq!(up(&packets), [step(1 << 18), step(-(1 << 18))]);
    assert_eq!(down(&up(&packets)), [cc(101, 0), cc(100, 2), cc(96, 0), cc(101, 0), cc(100, 2), cc(97, 0)]);
    assert_eq!(down(&[step(5)]), []);
}

#[test]
fn a_midi_2_parameter_becomes_four_controllers() {
    assert_eq!(
        down(&[Ump::rpn2(0, 0, 130, 131 << 18), Ump::nrpn2(0, 0, 1, u32::MAX)]),
        [cc(101, 1), cc(100, 2), cc(6, 1), cc(38, 3), cc(99, 0), cc(98, 1), cc(6, 127), cc(38, 127)]
    );
}

#[test]
fn what_the_other_protocol_has_as_well_passes_unchanged() {
    let shared = [Ump::system(2, 0xF8, 0, 0), Ump::system(2, 0xF2, 1, 2), Ump::sysex7(2, 1, [1; 6], 6)];
    assert_eq!(up(&shared), shared);
    assert_eq!(down(&shared), shared);
    let midi2 = [Ump::note_on2(0, 0, 60, 1), Ump::new([0xD010_0000, 1, 2, 3])];
    assert_eq!(up(&midi2), midi2);
}

#[test]
fn what_midi_1_cannot_say_is_not_said() {
    for status in [0x0, 0x1, 0x6, 0xF, 0x7] {
        assert_eq!(down(&[Ump::midi2(0, status, 0, 60, 1, 5)]), []);
    }
    assert_eq!(down(&[Ump::word(0), Ump::new([0x5000_0000, 0, 0, 0]), Ump::new([0xF000_0000, 0, 0, 0])]), []);
}

/// Messages that stand for themselves: no bank, parameter or mode.
fn plain() -> impl Strategy<Value = Ump> {
    (0..7_u8, 0..16_u8, 0..16_u8, 0..128_u8, 0..128_u8).prop_map(|(what, group, channel, a, b)| match what {
        0 => Ump::note_off(group, channel, a, b),
        1 => Ump::note_on(group, channel, a, b.max(1)),
        2 => Ump::poly_pressure(group, channel, a, b),
        3 => Ump::control_change(group, channel, 1 + a % 5, b),
        4 => Ump::program_change(group, channel, a),
        5 => Ump::channel_pressure(group, channel, a),
        _ => Ump::pitch_bend(group, channel, u16::from(a) << 7 | u16::from(b)),
    })
}

fn any_midi1() -> impl Strategy<Value = Ump> {
    (
        8..15_u8,
        0..2_u8,
        prop_oneof![0..128_u8, prop::sample::select(vec![0_u8, 6, 32, 38, 98, 99, 100, 101])],
        0..4_u8,
    )
        .prop_map(|(status, channel, a, b)| Ump::midi1(0, status, channel, a, b))
}

fn any_midi2() -> impl Strategy<Value = Ump> {
    (8..15_u8, 0..16_u8, 0..16_u8, 0..128_u8, any::<u32>()).prop_map(|(status, group, channel, a, value)| {
        match status {
            0x8 | 0x9 => Ump::midi2(group, status, channel, a, 0, value & 0xFFFF_0000),
            0xB => Ump::control_change2(group, channel, 64 + a % 32, value),
            0xC => Ump::program_change2(group, channel, a, (value & 1 == 0).then_some(value as u16 & 0x3FFF)),
            0xD | 0xE => Ump::midi2(group, status, channel, 0, 0, value),
            _ => Ump::midi2(group, status, channel, a, 0, value),
        }
    })
}

proptest! {
    #[test]
    fn midi_1_survives_the_way_up_and_down(packets in prop::collection::vec(plain(), 0..40)) {
        prop_assert_eq!(down(&up(&packets)), packets);
    }

    #[test]
    fn banks_and_parameters_arrive_with_the_same_values(packets in prop::collection::vec(any_midi1(), 0..200)) {
        let (mut sent, mut arrived) = (MidiState::new(1), MidiState::new(1));
        packets.iter().for_each(|ump| sent.apply(ump));
        down(&up(&packets)).iter().for_each(|ump| arrived.apply(ump));
        for channel in 0..2 {
            prop_assert_eq!(sent.program(0, channel), arrived.program(0, channel));
            for registered in [true, false] {
                for number in (0..4).flat_map(|high| (0..4).map(move |low| high << 7 | low)) {
                    prop_assert_eq!(
                        sent.parameter(0, channel, registered, number),
                        arrived.parameter(0, channel, registered, number)
                    );
                }
            }
        }
    }

    #[test]
    fn midi_2_loses_only_what_7_and_14_bits_cannot_hold(ump in any_midi2()) {
        let back = up(&down(&[ump]));
        prop_assert_eq!(back.len(), 1);
        let coarse = |value: u32, bits: u32| scale_up(value >> (32 - bits), bits, 32);
        let [head, value, ..] = ump.raw();
        let expected = match Message::decode(&ump) {
            Message::Midi2 { voice: Midi2Voice::NoteOn { .. }, .. } => coarse(value.max(1 << 25), 7) & 0xFFFF_0000,
            Message::Midi2 { voice: Midi2Voice::NoteOff { .. }, .. } => coarse(value, 7) & 0xFFFF_0000,
            Message::Midi2 { voice: Midi2Voice::ProgramChange { .. }, .. } => value,
            Message::Midi2 { voice: Midi2Voice::PitchBend { .. }, .. } => coarse(value, 14),
            _ => coarse(value, 7),
        };
        prop_assert_eq!(back[0], Ump::words2(head, expected));
    }
}
