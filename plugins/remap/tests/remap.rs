//! What becomes of messages.

use midibay_plugin::testing::Rig;
use midibay_remap::Remap;
use midibay_ump::{SYSEX_CONTINUE, SYSEX_END, SYSEX_START, Ump};
use serde_json::{Value, json};

fn remap(config: Value) -> Rig {
    Rig::processor::<Remap>(config).unwrap()
}

const CLOCK: Ump = Ump::system(0, 0xF8, 0, 0);

#[test]
fn channels_become_others_for_every_channel_message() {
    let mut rig = remap(json!({"channels": {"1": 2, "3": 16}}));
    let sent = [
        Ump::note_on(0, 0, 60, 1),
        Ump::control_change(0, 2, 7, 1),
        Ump::program_change(0, 0, 5),
        Ump::pitch_bend2(0, 2, 9),
        Ump::rpn2(0, 0, 1, 1),
        Ump::control_change(0, 0, 123, 0),
        Ump::channel_pressure(0, 8, 1),
        CLOCK,
    ];
    let got = rig.packets(0, &sent);
    let channels = [Some(1), Some(15), Some(1), Some(15), Some(1), Some(1), Some(8), None];
    assert_eq!(got.iter().map(Ump::channel).collect::<Vec<_>>(), channels);
    assert_eq!(
        got.iter().map(|ump| ump.with_channel(0)).collect::<Vec<_>>(),
        sent.map(|ump| ump.with_channel(0))
    );
}

#[test]
fn groups_become_others_for_everything_that_has_one() {
    let mut rig = remap(json!({"groups": {"1": 3}}));
    let sent = [Ump::note_on(0, 0, 60, 1), CLOCK, Ump::sysex7(0, 0, [1; 6], 6), Ump::system(0, 0xFF, 0, 0)];
    assert_eq!(rig.packets(0, &sent), sent.map(|ump| ump.with_group(2)));
    let (noop, stream) = (Ump::word(0), Ump::new([0xF000_0101, 0, 0, 0]));
    assert_eq!(rig.packets(0, &[noop, stream, CLOCK.with_group(5)]), [noop, stream, CLOCK.with_group(5)]);
}

#[test]
fn controllers_notes_and_programs_become_others_in_both_protocols() {
    let mut rig = remap(json!({"controllers": {"1": 11}, "notes": {"36": 38}, "programs": {"0": 99}}));
    let sent = [
        Ump::control_change(0, 0, 1, 5),
        Ump::control_change2(0, 0, 1, 5),
        Ump::note_on(0, 0, 36, 5),
        Ump::poly_pressure2(0, 0, 36, 5),
        Ump::note_off(0, 0, 36, 5),
        Ump::program_change(0, 0, 0),
        Ump::program_change2(0, 0, 0, Some(300)),
        Ump::program_change(0, 0, 1),
    ];
    let wanted = [
        Ump::control_change(0, 0, 11, 5),
        Ump::control_change2(0, 0, 11, 5),
        Ump::note_on(0, 0, 38, 5),
        Ump::poly_pressure2(0, 0, 38, 5),
        Ump::note_off(0, 0, 38, 5),
        Ump::program_change(0, 0, 99),
        Ump::program_change2(0, 0, 99, Some(300)),
        Ump::program_change(0, 0, 1),
    ];
    assert_eq!(rig.packets(0, &sent), wanted);
}

#[test]
fn others_are_dropped_on_request_where_a_table_is_about_them() {
    let mut rig = remap(json!({"notes": {"36": 36, "38": 40}, "others": "drop"}));
    let (kick, snare, tom) =
        (Ump::note_on(0, 9, 36, 1), Ump::note_on(0, 9, 38, 1), Ump::note_on(0, 9, 45, 1));
    let volume = Ump::control_change(0, 9, 7, 1);
    let off = Ump::note_off(0, 9, 45, 1);
    assert_eq!(
        rig.packets(0, &[kick, snare, tom, off, volume, CLOCK]),
        [kick, snare.with_note(40), volume, CLOCK]
    );
    let mut rig = remap(json!({"channels": {"1": 1}, "others": "drop"}));
    let (one, two) = (Ump::pitch_bend(0, 0, 1), Ump::pitch_bend(0, 1, 1));
    assert_eq!(rig.packets(0, &[one, two, CLOCK]), [one, CLOCK]);
    let mut rig = remap(json!({"controllers": {"7": 7}, "others": "drop"}));
    let notes_off = Ump::control_change(0, 0, 123, 0);
    assert_eq!(rig.packets(0, &[Ump::control_change(0, 0, 8, 1), notes_off]), [notes_off]);
}

#[test]
fn only_the_chosen_channels_are_remapped() {
    let mut rig =
        remap(json!({"notes": {"36": 38}, "groups": {"1": 2}, "others": "drop", "only-channels": [10]}));
    let (piano, drum) = (Ump::note_on(0, 0, 36, 1), Ump::note_on(0, 9, 36, 1));
    assert_eq!(
        rig.packets(0, &[piano, drum, CLOCK]),
        [piano, drum.with_note(38).with_group(1), CLOCK.with_group(1)]
    );
}

#[test]
fn a_held_note_and_a_held_pedal_end_where_they_began_when_the_tables_change() {
    let mut rig = remap(json!({"channels": {"1": 2}, "notes": {"60": 61}, "groups": {"1": 4}}));
    let on = Ump::note_on(0, 0, 60, 1);
    let pedal = |value| Ump::control_change(0, 0, 64, value);
    rig.packets(0, &[on, pedal(127)]);
    rig.reconfigure(json!({"channels": {"1": 5}})).unwrap();
    let sent = [Ump::poly_pressure(0, 0, 60, 3), Ump::note_off(0, 0, 60, 3), pedal(30), pedal(0)];
    let old_way: Vec<Ump> = sent.iter().map(|ump| ump.with_group(3).with_channel(1)).collect();
    let got = rig.packets(0, &sent);
    assert_eq!(got, [old_way[0].with_note(61), old_way[1].with_note(61), old_way[2], old_way[3]]);
    assert_eq!(rig.packets(0, &[on, pedal(127)]), [on.with_channel(4), pedal(127).with_channel(4)]);
}

#[test]
fn a_pedal_pressed_again_after_a_change_comes_up_at_the_old_place_first() {
    let mut rig = remap(json!({"controllers": {"1": 64}}));
    let wheel = |value| Ump::control_change(0, 0, 1, value);
    assert_eq!(rig.packets(0, &[wheel(90)]), [Ump::control_change(0, 0, 64, 90)]);
    rig.reconfigure(json!({"controllers": {"1": 66}})).unwrap();
    assert_eq!(
        rig.packets(0, &[wheel(91)]),
        [Ump::control_change(0, 0, 64, 0), Ump::control_change(0, 0, 66, 91)]
    );
    rig.reconfigure(json!({"controllers": {"1": 2}})).unwrap();
    assert_eq!(
        rig.packets(0, &[wheel(92)]),
        [Ump::control_change(0, 0, 66, 0), Ump::control_change(0, 0, 2, 92)]
    );
}

#[test]
fn two_notes_that_became_one_end_with_the_last_of_them() {
    let mut rig = remap(json!({"notes": {"35": 36}}));
    let (on, off) = (Ump::note_on(0, 9, 36, 1), Ump::note_off(0, 9, 36, 1));
    assert_eq!(rig.packets(0, &[on.with_note(35), on, off.with_note(35), off]), [on, on, off]);
}

#[test]
fn two_pedals_that_became_one_come_up_with_the_last_of_them() {
    let mut rig = remap(json!({"channels": {"2": 1}}));
    let pedal = |channel, value| Ump::control_change(0, channel, 64, value);
    let sent = [pedal(0, 127), pedal(1, 127), pedal(0, 0), pedal(1, 0)];
    assert_eq!(rig.packets(0, &sent), [pedal(0, 127), pedal(0, 127), pedal(0, 0)]);
}

#[test]
fn all_notes_off_ends_what_is_held_at_the_place_of_before_too() {
    let mut rig = remap(json!({"channels": {"1": 2}}));
    rig.packets(0, &[Ump::note_on(0, 0, 60, 1)]);
    rig.reconfigure(json!({"channels": {"1": 3}})).unwrap();
    rig.packets(0, &[Ump::note_on(0, 0, 62, 1)]);
    let all_off = Ump::control_change(0, 0, 123, 0);
    assert_eq!(rig.packets(0, &[all_off]), [Ump::note_off(0, 1, 60, 64), all_off.with_channel(2)]);
}

#[test]
fn a_sysex_stays_whole_when_its_group_is_remapped_in_the_middle() {
    let packet = |group, status| Ump::sysex7(group, status, [1; 6], 6);
    let mut rig = remap(json!({"groups": {"1": 2}}));
    assert_eq!(rig.packets(0, &[packet(0, SYSEX_START)]), [packet(1, SYSEX_START)]);
    rig.reconfigure(json!({"groups": {"2": 3}, "others": "drop"})).unwrap();
    assert_eq!(
        rig.packets(0, &[packet(0, SYSEX_CONTINUE), packet(0, SYSEX_END)]),
        [packet(1, SYSEX_CONTINUE), packet(1, SYSEX_END)]
    );
    assert_eq!(rig.packets(0, &[packet(0, SYSEX_START), packet(0, SYSEX_END)]), []);
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let errors = |config| match Rig::processor::<Remap>(config) {
        Err(errors) => errors,
        Ok(_) => panic!("that should be wrong"),
    };
    let many = errors(json!({
        "channels": {"0": 17}, "controllers": {"120": 1, "x": 1}, "notes": {}, "programs": {"1": -1},
        "only-channels": [0],
    }));
    let paths: Vec<&str> = many.iter().map(|e| e.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "controllers.120",
            "controllers.x",
            "channels.0",
            "channels.0",
            "notes",
            "programs.1",
            "only-channels[0]"
        ]
    );
    assert!(many.iter().all(|e| !e.help.is_empty()));
    assert!(many[0].help.contains("commands"));
    assert!(errors(json!({"others": "drop"}))[0].message.contains("no table"));
    assert_eq!(errors(json!({"chanels": {"1": 2}})).len(), 1);
}
