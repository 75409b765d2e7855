//! What a filter lets through.

use midibay_filter::Filter;
use midibay_plugin::testing::Rig;
use midibay_plugin::{ConfigError, Event};
use midibay_ump::{SYSEX_COMPLETE, SYSEX_CONTINUE, SYSEX_END, SYSEX_START, Ump};
use serde_json::{Value, json};

fn filter(config: Value) -> Rig {
    Rig::processor::<Filter>(config).unwrap()
}

/// Sends the packets and returns those that came through.
#[track_caller]
fn passed(config: Value, packets: &[Ump]) -> Vec<Ump> {
    filter(config).packets(0, packets)
}

const CLOCK: Ump = Ump::system(0, 0xF8, 0, 0);
const SENSING: Ump = Ump::system(0, 0xFE, 0, 0);
const POSITION: Ump = Ump::system(0, 0xF2, 1, 2);

#[test]
fn channels_pick_channel_messages_and_leave_the_clock_alone() {
    let (one, three) = (Ump::note_on(0, 0, 60, 1), Ump::control_change(0, 2, 7, 1));
    let (two, four) = (Ump::pitch_bend2(0, 1, 5), Ump::program_change(0, 3, 1));
    let sysex = Ump::sysex7(0, SYSEX_COMPLETE, [1; 6], 6);
    let all = [one, two, three, four, CLOCK, sysex];
    assert_eq!(passed(json!({"channels": [1, 2]}), &all), [one, two, CLOCK, sysex]);
    assert_eq!(passed(json!({"channels": "2..3"}), &all), [two, three, CLOCK, sysex]);
}

#[test]
fn groups_pick_everything_that_has_a_group() {
    let (first, second) = (Ump::note_on(0, 0, 60, 1), Ump::note_on(1, 0, 60, 1));
    let noop = Ump::word(0);
    let all = [first, second, CLOCK, CLOCK.with_group(1), noop];
    assert_eq!(passed(json!({"groups": [2]}), &all), [second, CLOCK.with_group(1), noop]);
}

#[test]
fn kinds_are_dropped_or_kept_by_name_one_or_several() {
    let note = Ump::note_on(0, 0, 60, 1);
    let touch = Ump::channel_pressure(0, 0, 3);
    let poly = Ump::poly_pressure2(0, 0, 60, 3);
    let all = [note, touch, poly, CLOCK, SENSING];
    assert_eq!(passed(json!({"drop": ["aftertouch", "clock"]}), &all), [note, poly, SENSING]);
    assert_eq!(passed(json!({"drop": "realtime"}), &all), [note, touch, poly]);
    assert_eq!(passed(json!({"keep": ["note", "pressure"]}), &all), [note, poly]);
    assert_eq!(
        passed(json!({"keep": ["note", "realtime"], "drop": ["active-sensing"]}), &all),
        [note, CLOCK]
    );
}

#[test]
fn system_is_everything_that_belongs_to_no_channel() {
    let note = Ump::note_on(0, 0, 60, 1);
    let sysex = Ump::sysex7(0, SYSEX_COMPLETE, [1; 6], 6);
    let all = [Ump::system(0, 0xFF, 0, 0), note, CLOCK, POSITION, sysex];
    assert_eq!(passed(json!({"drop": ["system"]}), &all), [note]);
    assert_eq!(passed(json!({"drop": ["system"], "invert": true}), &all), [all[0], CLOCK, POSITION, sysex]);
    assert_eq!(passed(json!({"keep": ["system"]}), &all), [all[0], CLOCK, POSITION, sysex]);
}

#[test]
fn notes_pick_notes_and_what_belongs_to_them() {
    let inside = [
        Ump::note_on(0, 0, 36, 1),
        Ump::poly_pressure(0, 0, 51, 1),
        Ump::midi2(0, 0x6, 0, 40, 0, 9),
        Ump::note_off2(0, 0, 36, 1),
        Ump::control_change(0, 0, 1, 1),
    ];
    let outside =
        [Ump::note_on(0, 0, 35, 1), Ump::poly_pressure(0, 0, 52, 1), Ump::midi2(0, 0x6, 0, 52, 0, 9)];
    let all: Vec<Ump> = inside.iter().chain(&outside).copied().collect();
    assert_eq!(passed(json!({"notes": "36..51"}), &all), inside);
}

#[test]
fn controllers_pick_control_changes_of_both_protocols() {
    let (volume, modulation) = (Ump::control_change(0, 0, 7, 1), Ump::control_change2(0, 0, 1, 1));
    let note = Ump::note_on(0, 0, 60, 1);
    let all = [volume, modulation, Ump::control_change(0, 0, 8, 1), Ump::control_change2(0, 0, 8, 1), note];
    assert_eq!(passed(json!({"controllers": [1, "7"]}), &all), [volume, modulation, note]);
}

#[test]
fn a_note_too_soft_or_too_loud_is_dropped_with_its_note_off() {
    let mut rig = filter(json!({"velocities": "20..100"}));
    let on = |velocity| Ump::note_on(0, 0, 60, velocity);
    let off = Ump::note_off(0, 0, 60, 0);
    assert_eq!(rig.packets(0, &[on(19), off]), []);
    assert_eq!(rig.packets(0, &[on(20), off]), [on(20), off]);
    assert_eq!(rig.packets(0, &[on(101), on(0)]), []);
    // 16 bits count as the 7 bits that they are in MIDI 1.0.
    let (soft, loud) = (Ump::note_on2(0, 0, 60, 20 << 9), Ump::note_on2(0, 0, 60, 101 << 9));
    assert_eq!(rig.packets(0, &[soft]), [soft]);
    assert_eq!(rig.packets(0, &[loud]), [Ump::note_off2(0, 0, 60, 0x8000)], "it ends the one before");
}

#[test]
fn a_note_played_again_too_softly_ends_the_one_that_passed() {
    let mut rig = filter(json!({"velocities": "20..127"}));
    let (loud, soft) = (Ump::note_on(0, 0, 60, 99), Ump::note_on(0, 0, 60, 9));
    assert_eq!(rig.packets(0, &[loud, soft]), [loud, Ump::note_off(0, 0, 60, 64)]);
    assert_eq!(rig.packets(0, &[Ump::note_off(0, 0, 60, 0)]), []);
}

#[test]
fn the_pressure_of_a_dropped_note_is_dropped_with_it() {
    let mut rig = filter(json!({"velocities": "20..127"}));
    let press = |note| Ump::poly_pressure(0, 0, note, 5);
    let sent = [Ump::note_on(0, 0, 60, 9), press(60), press(61)];
    assert_eq!(rig.packets(0, &sent), [press(61)]);
}

#[test]
fn inverted_it_drops_what_it_would_pass_but_not_what_it_is_not_about() {
    let drum = |note| Ump::note_on(0, 9, note, 1);
    let (piano, volume) = (Ump::note_on(0, 0, 36, 1), Ump::control_change(0, 9, 7, 1));
    let all = [drum(36), drum(60), piano, volume, CLOCK];
    assert_eq!(passed(json!({"channels": [10], "invert": true}), &all), [piano, CLOCK]);
    assert_eq!(passed(json!({"drop": "clock", "invert": true}), &all), [CLOCK]);
    let only_these = json!({"channels": [10], "keep": "note", "notes": "36..51", "invert": true});
    assert_eq!(passed(only_these, &all), [drum(60), piano, volume, CLOCK]);
}

#[test]
fn rpn_and_nrpn_are_known_in_midi_1_by_what_was_selected_last() {
    let cc = |controller| Ump::control_change(0, 0, controller, 1);
    let (rpn, nrpn) = ([cc(101), cc(100), cc(6), cc(38)], [cc(99), cc(98), cc(6), cc(96)]);
    let volume = cc(7);
    let all: Vec<Ump> = rpn.iter().chain(&nrpn).chain(&[volume]).copied().collect();
    assert_eq!(passed(json!({"drop": "rpn"}), &all), all[4..]);
    assert_eq!(passed(json!({"keep": "rpn"}), &all), rpn);
    assert_eq!(passed(json!({"drop": "nrpn"}), &all), [&rpn[..], &[volume]].concat());
    assert_eq!(passed(json!({"keep": ["cc"], "drop": ["rpn", "nrpn"]}), &all), [volume]);
    assert_eq!(passed(json!({"drop": "cc"}), &all), []);
    let midi2 = [Ump::rpn2(0, 0, 1, 5), Ump::nrpn2(0, 0, 1, 5)];
    assert_eq!(passed(json!({"drop": "rpn"}), &midi2), midi2[1..]);
}

#[test]
fn the_packets_of_a_sysex_stay_together_when_the_options_change_in_the_middle() {
    let packet = |status| Ump::sysex7(0, status, [1; 6], 6);
    let mut rig = filter(json!({"drop": "clock"}));
    assert_eq!(rig.packets(0, &[packet(SYSEX_START)]).len(), 1);
    rig.reconfigure(json!({"drop": "sysex"})).unwrap();
    assert_eq!(rig.packets(0, &[packet(SYSEX_CONTINUE), packet(SYSEX_END)]).len(), 2);
    assert_eq!(rig.packets(0, &[packet(SYSEX_START)]), []);
    rig.reconfigure(json!({"drop": "clock"})).unwrap();
    assert_eq!(rig.packets(0, &[packet(SYSEX_CONTINUE), packet(SYSEX_END)]), []);
    assert_eq!(rig.packets(0, &[packet(SYSEX_COMPLETE)]).len(), 1);
}

#[test]
fn a_note_and_a_pedal_that_passed_end_after_the_options_stopped_passing_them() {
    let mut rig = filter(json!({}));
    let (on, off) = (Ump::note_on(0, 0, 60, 1), Ump::note_off(0, 0, 60, 1));
    let pedal = |value| Ump::control_change(0, 0, 64, value);
    rig.packets(0, &[on, pedal(127)]);
    assert_eq!(rig.reconfigure(json!({"channels": [2]})).unwrap(), []);
    assert_eq!(rig.packets(0, &[off, off]), [off], "once");
    assert_eq!(rig.packets(0, &[pedal(90), pedal(40), pedal(0), pedal(0)]), [pedal(40), pedal(0)]);
}

#[test]
fn a_note_off_without_a_note_on_passes_where_its_note_would() {
    let (off, other) = (Ump::note_off(0, 0, 60, 1), Ump::note_off(0, 1, 60, 1));
    assert_eq!(passed(json!({"channels": [1], "velocities": "20..127"}), &[off, other]), [off]);
}

#[test]
fn all_notes_off_ends_what_passed_even_where_it_is_dropped_itself() {
    let mut rig = filter(json!({"keep": ["note", "cc"], "controllers": [64]}));
    let pedal = |value| Ump::control_change(0, 0, 64, value);
    rig.packets(0, &[Ump::note_on(0, 0, 60, 1), Ump::note_on(0, 1, 60, 1), pedal(127)]);
    let mode = |controller| Ump::control_change(0, 0, controller, 0);
    assert_eq!(rig.packets(0, &[mode(123)]), [Ump::note_off(0, 0, 60, 64)]);
    assert_eq!(rig.packets(0, &[mode(121)]), [pedal(0)]);
    assert_eq!(rig.packets(0, &[Ump::system(0, 0xFF, 0, 0)]), [Ump::note_off(0, 1, 60, 64)]);
}

#[test]
fn each_source_has_its_own_notes() {
    let mut rig = filter(json!({"velocities": "20..127"}));
    let now = rig.now();
    let from = |source, ump| Event { source, ..Event::new(now, ump) };
    let off = Ump::note_off(0, 0, 60, 0);
    rig.send(&[from(1, Ump::note_on(0, 0, 60, 99)), from(2, Ump::note_on(0, 0, 60, 9))]);
    assert_eq!(rig.send(&[from(2, off)]), [], "the soft one's");
    assert_eq!(rig.send(&[from(1, off)]), [from(1, off)]);
    rig.send(&[from(1, Ump::note_on(0, 0, 60, 9))]);
    rig.source_lost(0, 1);
    assert_eq!(rig.send(&[from(1, off)]), [from(1, off)], "nothing is known of a source that came back");
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let errors = |config| match Rig::processor::<Filter>(config) {
        Err(errors) => errors,
        Ok(_) => panic!("that should be wrong"),
    };
    let paths = |errors: &[ConfigError]| errors.iter().map(|e| e.path.clone()).collect::<Vec<_>>();
    let many = errors(json!({
        "channels": [0, 17], "notes": "51..36", "velocities": 0, "drop": ["clok", "note-off"], "groups": []
    }));
    assert_eq!(
        paths(&many),
        ["drop[0]", "drop[1]", "channels[0]", "channels[1]", "groups", "notes", "velocities"]
    );
    assert!(many.iter().all(|e| !e.help.is_empty()));
    assert!(many[0].help.contains("clock"));
    assert_eq!(paths(&errors(json!({"invert": true}))), ["invert"]);
    assert!(errors(json!({"drop": 5}))[0].message.contains("name of a kind"));
    assert_eq!(errors(json!({"chanels": [1]})).len(), 1);
}

#[test]
fn no_note_or_pedal_hangs_whatever_the_options_become() {
    let mut rig = filter(json!({}));
    for config in [
        json!({"channels": [1]}),
        json!({"drop": "note"}),
        json!({"invert": true, "notes": "60"}),
        json!({"velocities": "100..127"}),
        json!({"drop": "cc"}),
    ] {
        let on = Ump::note_on(0, 1, 60, 70);
        let pedal = |value| Ump::control_change(0, 1, 66, value);
        rig.reconfigure(json!({})).unwrap();
        assert_eq!(rig.packets(0, &[on, pedal(80)]).len(), 2);
        rig.reconfigure(config).unwrap();
        let end = [Ump::note_off(0, 1, 60, 1), pedal(0)];
        assert_eq!(rig.packets(0, &end), end);
    }
}
