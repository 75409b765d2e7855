//! What the language of `midibay send` means.

use super::*;

fn steps(arguments: &[&str]) -> Vec<Step> {
    let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
    read(&arguments).unwrap_or_else(|failure| panic!("{arguments:?}: {failure:?}"))
}

fn packets(arguments: &[&str]) -> Vec<Ump> {
    let sent = steps(arguments).into_iter().filter_map(|step| match step {
        Step::Send(packets) => Some(packets),
        Step::Wait(_) => None,
    });
    sent.flatten().collect()
}

/// The error and its help as one text.
fn refused(arguments: &[&str]) -> String {
    let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
    match read(&arguments) {
        Err(Failure::Reason(reason, help)) => format!("{reason}; {help}"),
        other => panic!("{arguments:?} was taken: {other:?}"),
    }
}

#[test]
fn each_voice_message_has_its_word() {
    assert_eq!(packets(&["note-on ch1 60 100"]), [Ump::note_on(0, 0, 60, 100)]);
    assert_eq!(packets(&["note-off ch16 60"]), [Ump::note_off(0, 15, 60, 64)]);
    assert_eq!(packets(&["note-off ch16 60 7"]), [Ump::note_off(0, 15, 60, 7)]);
    assert_eq!(packets(&["cc ch1 7 100"]), [Ump::control_change(0, 0, 7, 100)]);
    assert_eq!(packets(&["program ch2 5"]), [Ump::program_change(0, 1, 5)]);
    assert_eq!(packets(&["pitch ch1 8192"]), [Ump::pitch_bend(0, 0, 8192)]);
    assert_eq!(packets(&["pressure ch1 C4 90"]), [Ump::poly_pressure(0, 0, 60, 90)]);
    assert_eq!(packets(&["aftertouch g3 ch1 90"]), [Ump::channel_pressure(2, 0, 90)]);
}

#[test]
fn a_parameter_is_selected_and_then_set() {
    let cc = |controller, value| Ump::control_change(0, 0, controller, value);
    assert_eq!(packets(&["rpn ch1 0 256"]), [cc(101, 0), cc(100, 0), cc(6, 2), cc(38, 0)]);
    assert_eq!(packets(&["nrpn ch1 1000 8193"]), [cc(99, 7), cc(98, 104), cc(6, 64), cc(38, 1)]);
}

#[test]
fn a_note_with_a_length_ends_by_itself() {
    let expected = [
        Step::Send(vec![Ump::note_on(0, 0, 61, 100)]),
        Step::Wait(Duration::from_millis(250)),
        Step::Send(vec![Ump::note_off(0, 0, 61, 64)]),
    ];
    assert_eq!(steps(&["note", "ch1", "C#4", "100", "250"]), expected);
}

#[test]
fn messages_may_stand_in_one_argument_or_in_many() {
    let both = [Ump::note_on(0, 0, 60, 100), Ump::control_change(0, 0, 7, 1), Ump::note_off(0, 0, 60, 64)];
    assert_eq!(packets(&["note-on ch1 60 100", "cc ch1 7 1", "note-off ch1 60"]), both);
    assert_eq!(packets(&["note-on ch1 60 100, cc ch1 7 1, note-off ch1 60"]), both);
    let words: Vec<&str> = "note-on ch1 60 100 cc ch1 7 1 note-off ch1 60".split(' ').collect();
    assert_eq!(packets(&words), both);
}

#[test]
fn raw_bytes_are_taken_as_a_device_would_send_them() {
    assert_eq!(packets(&["90 3C 64"]), [Ump::note_on(0, 0, 60, 100)]);
    assert_eq!(
        packets(&["903C64", "cc", "05"]),
        [Ump::note_on(0, 0, 60, 100), Ump::program_change(0, 12, 5)]
    );
    assert_eq!(
        packets(&["90 3C 64 cc ch1 7 1"]),
        [Ump::note_on(0, 0, 60, 100), Ump::control_change(0, 0, 7, 1)]
    );
    for broken in ["3C 64", "90 3C", "F0 7E 01", "F4"] {
        assert!(refused(&[broken]).contains("not a whole MIDI message"), "{broken}");
    }
}

#[test]
fn a_sysex_needs_no_frame() {
    let expected: Vec<Ump> = sysex_packets(0, &[0x7E, 0x7F, 6, 1]).collect();
    assert_eq!(packets(&["sysex 7E 7F 06 01"]), expected);
    assert_eq!(packets(&["sysex F0 7E7F0601 F7"]), expected);
    assert_eq!(packets(&["F0 7E 7F 06 01 F7"]), expected);
    assert!(refused(&["sysex 7E 80"]).contains("80 cannot stand inside"));
}

#[test]
fn system_messages_have_words_too() {
    assert_eq!(packets(&["clock", "start"]), [Ump::system(0, 0xF8, 0, 0), Ump::system(0, 0xFA, 0, 0)]);
    assert_eq!(packets(&["song-position 300"]), [Ump::system(0, 0xF2, 44, 2)]);
    assert_eq!(packets(&["time-code 2 5"]), [Ump::system(0, 0xF1, 0x25, 0)]);
}

#[test]
fn mistakes_are_told_with_what_to_write_instead() {
    assert!(refused(&["noteon ch1 60 100"]).contains("did you mean: note-on ch1 60 100"));
    assert!(refused(&["note-on 1 60 100"]).contains("`1` is no channel"));
    assert!(refused(&["note-on ch0 60 100"]).contains("count from 1"));
    assert!(refused(&["note-on ch1 60"]).contains("the velocity is missing"));
    assert!(refused(&["cc ch1 7 128"]).contains("from 0 to 127"));
    assert!(refused(&["note-on ch1 H4 1"]).contains("`H4` is no note"));
    assert!(refused(&["frobnicate-everything"]).contains("the messages are note-on"));
}

#[test]
fn notes_go_by_number_or_by_name() {
    for (name, number) in [("C-1", 0), ("C4", 60), ("a4", 69), ("Bb2", 46), ("F#3", 54), ("G9", 127)] {
        assert_eq!(note_number(name), Some(number), "{name}");
    }
    assert!(refused(&["note-on ch1 A9 1"]).contains("no note"));
}
