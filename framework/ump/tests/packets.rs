//! Packets: made, asked, shown.

use midibay_ump::{Kind, KindSet, Message, Midi1Voice, Midi2Voice, SYSEX_START, System, Ump, Utility};

#[test]
fn a_note_on_of_velocity_zero_is_a_note_off_in_midi_1_alone() {
    assert!(Ump::note_on(0, 0, 60, 1).is_note_on());
    assert!(Ump::note_on(5, 0, 60, 0).is_note_off());
    assert!(!Ump::note_on(5, 0, 60, 0).is_note_on());
    assert!(Ump::note_on2(5, 0, 60, 0).is_note_on());
    assert!(Ump::note_off2(5, 0, 60, 9).is_note_off());
    assert_eq!(Ump::note_on(0, 0, 60, 0).kind(), Kind::NoteOff);
}

#[test]
fn only_channel_voice_messages_have_a_channel() {
    assert_eq!(Ump::note_on(1, 9, 60, 1).channel(), Some(9));
    assert_eq!(Ump::pitch_bend2(1, 15, 0).channel(), Some(15));
    assert_eq!(Ump::system(1, 0xF8, 0, 0).channel(), None);
    assert_eq!(Ump::sysex7(1, SYSEX_START, [1; 6], 6).channel(), None);
}

#[test]
fn channel_and_note_can_be_changed_where_there_is_one() {
    assert_eq!(Ump::note_on(1, 9, 60, 1).with_channel(2).with_note(61), Ump::note_on(1, 2, 61, 1));
    assert_eq!(Ump::note_on2(1, 9, 60, 7).with_channel(2).with_note(61), Ump::note_on2(1, 2, 61, 7));
    let clock = Ump::system(1, 0xF8, 0, 0);
    assert_eq!(clock.with_channel(3).with_note(1), clock);
    assert_eq!(Ump::control_change(0, 0, 7, 1).with_note(1), Ump::control_change(0, 0, 7, 1));
}

#[test]
fn per_note_messages_have_a_note() {
    assert_eq!(Ump::poly_pressure(0, 0, 61, 5).note(), Some(61));
    assert_eq!(Ump::midi2(3, 0x6, 4, 62, 0, 1).note(), Some(62));
    assert_eq!(Ump::control_change(0, 0, 61, 5).note(), None);
    assert_eq!(Ump::rpn2(0, 0, 1, 1).note(), None);
}

#[test]
fn real_time_is_told_from_system_common() {
    assert!(Ump::system(2, 0xF8, 0, 0).is_realtime());
    assert!(Ump::system(2, 0xFF, 0, 0).is_realtime());
    assert!(!Ump::system(2, 0xF6, 0, 0).is_realtime());
    assert!(!Ump::note_on(0, 8, 0xF, 1).is_realtime());
}

#[test]
fn sysex_packets_are_cut_at_their_length() {
    let ump = Ump::sysex7(2, SYSEX_START, [1, 2, 3, 4, 5, 6], 3);
    assert_eq!(ump.raw()[..2], [0x3213_0102, 0x0300_0000]);
    assert_eq!(ump.sysex_data(), ([1, 2, 3, 0, 0, 0], 3));
    assert_eq!(Ump::sysex7(0, 0, [0xFF; 6], 6).raw()[..2], [0x3006_7F7F, 0x7F7F_7F7F]);
    assert_eq!(Ump::sysex7(0, 0, [0xFF; 6], 0).raw()[..2], [0x3000_0000, 0]);
    assert_eq!(Ump::word(0x2090_3C40).sysex_data().1, 0);
}

#[test]
fn every_kind_has_one_name_that_finds_it() {
    for &kind in Kind::ALL {
        assert_eq!(Kind::from_name(kind.name()), Some(kind));
        assert_eq!(KindSet::from_name(kind.name()), Some(KindSet::of(&[kind])));
        assert!(KindSet::ALL.contains(kind));
    }
    assert_eq!(KindSet::from_name("note").unwrap().iter().collect::<Vec<_>>(), [Kind::NoteOff, Kind::NoteOn]);
    assert_eq!(KindSet::from_name("nope"), None);
    assert_eq!(Kind::ALL.iter().copied().collect::<KindSet>(), KindSet::ALL);
}

#[test]
fn kinds_are_the_same_in_both_protocols() {
    assert_eq!(Ump::control_change(0, 0, 7, 1).kind(), Ump::control_change2(0, 0, 7, 1).kind());
    assert_eq!(Ump::poly_pressure(0, 0, 7, 1).kind(), Ump::poly_pressure2(0, 0, 7, 1).kind());
    assert_eq!(Ump::channel_pressure(0, 0, 7).kind(), Ump::channel_pressure2(0, 0, 7).kind());
    assert_eq!(Ump::rpn2(0, 0, 7, 1).kind(), Kind::Rpn);
    assert_eq!(Ump::nrpn2(0, 0, 7, 1).kind(), Kind::Nrpn);
    assert_eq!(Ump::system(0, 0xFA, 0, 0).kind(), Kind::Start);
    assert_eq!(Ump::new([0x6000_0000, 0, 0, 0]).kind(), Kind::Other);
}

#[test]
fn messages_read_as_people_say_them() {
    let shown = |ump: Ump| ump.to_string();
    assert_eq!(shown(Ump::note_on(0, 0, 60, 100)), "ch1 note-on 60 (C4) vel 100");
    assert_eq!(shown(Ump::note_on(1, 15, 0, 0)), "g2 ch16 note-off 0 (C-1) vel 0");
    assert_eq!(shown(Ump::note_off(0, 9, 127, 64)), "ch10 note-off 127 (G9) vel 64");
    assert_eq!(shown(Ump::control_change(0, 0, 7, 127)), "ch1 cc7 127");
    assert_eq!(shown(Ump::pitch_bend(0, 0, 0)), "ch1 pitch -8192");
    assert_eq!(shown(Ump::program_change2(0, 0, 5, Some(130))), "ch1 program 5 bank 130");
    assert_eq!(shown(Ump::rpn2(0, 0, 0, 0x0400_0000)), "ch1 rpn0 0x04000000");
    assert_eq!(shown(Ump::system(2, 0xF8, 0, 0)), "g3 clock");
    assert_eq!(shown(Ump::sysex7(0, SYSEX_START, [0x7E, 9, 0, 0, 0, 0], 2)), "sysex-start 7E 09");
    assert_eq!(shown(Ump::new([0xD010_0000, 1, 2, 3])), "flex D0100000 00000001 00000002 00000003");
}

#[test]
fn decoding_and_encoding_are_inverse() {
    let messages = [
        Message::Utility(Utility::JrTimestamp(0xABCD)),
        Message::Utility(Utility::DeltaClockstamp(0xF_1234)),
        Message::System { group: 4, message: System::SongPosition(0x3FFF) },
        Message::Midi1 { group: 1, channel: 2, voice: Midi1Voice::PitchBend { value: 0x1234 } },
        Message::Midi2 {
            group: 1,
            channel: 2,
            voice: Midi2Voice::NoteOn { note: 60, velocity: 0x1234, attribute: 3, data: 0x5678 },
        },
        Message::Midi2 {
            group: 1,
            channel: 2,
            voice: Midi2Voice::ProgramChange { program: 77, bank: Some(0x3FFF) },
        },
        Message::Midi2 { group: 1, channel: 2, voice: Midi2Voice::RelativeNrpn { number: 300, value: -5 } },
        Message::Midi2 {
            group: 0,
            channel: 0,
            voice: Midi2Voice::PerNoteManagement { note: 1, detach: true, reset: false },
        },
        Message::Other(Ump::new([0x4070_0000, 1, 0, 0])),
    ];
    for message in messages {
        assert_eq!(Message::decode(&message.encode()), message);
    }
}
