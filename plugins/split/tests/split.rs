//! What a `split` node does. No call of it may allocate.

use std::collections::HashMap;

use midibay_plugin::testing::Rig;
use midibay_plugin::ump::Held;
use midibay_plugin::{Event, Ump};
use midibay_split::Split;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

#[cfg(debug_assertions)]
#[global_allocator]
static NO_ALLOC: midibay_plugin::testing::AllocDisabler = midibay_plugin::testing::AllocDisabler;

fn split(config: Json) -> Rig {
    Rig::processor::<Split>(config).unwrap()
}

/// Plays packets from a source; what comes out, each with the number of its zone.
fn play_from(rig: &mut Rig, source: u32, umps: &[Ump]) -> Vec<(u16, Ump)> {
    let now = rig.now();
    let events: Vec<Event> = umps.iter().map(|u| Event { source, ..Event::new(now, *u) }).collect();
    rig.send(&events).into_iter().map(|e| (e.port, e.ump)).collect()
}

fn play(rig: &mut Rig, umps: &[Ump]) -> Vec<(u16, Ump)> {
    play_from(rig, 1, umps)
}

fn on(note: u8) -> Ump {
    Ump::note_on(0, 0, note, 100)
}

fn off(note: u8) -> Ump {
    Ump::note_off(0, 0, note, 64)
}

fn two_hands() -> Json {
    json!({ "zone": [
        { "name": "bass", "notes": "0..59", "transpose": -12, "channel": 2 },
        { "name": "lead", "notes": "60..127" },
    ] })
}

#[test]
fn each_key_plays_in_its_zone() {
    let mut rig = split(two_hands());
    assert_eq!(play(&mut rig, &[on(59), on(60)]), [(0, Ump::note_on(0, 1, 47, 100)), (1, on(60))]);
    assert_eq!(play(&mut rig, &[off(59), off(60)]), [(0, Ump::note_off(0, 1, 47, 64)), (1, off(60))]);
}

#[test]
fn layers_overlap_and_velocities_choose_between_them() {
    let mut rig = split(json!({ "zone": [
        { "name": "piano" },
        { "name": "strings", "notes": "48..72" },
        { "name": "brass", "velocities": "101..127" },
        { "name": "one-key", "notes": 36, "velocities": 127 },
    ] }));
    let zones = |rig: &mut Rig, ump| play(rig, &[ump]).into_iter().map(|(zone, _)| zone).collect::<Vec<_>>();
    assert_eq!(zones(&mut rig, Ump::note_on(0, 0, 60, 100)), [0, 1]);
    assert_eq!(zones(&mut rig, Ump::note_on(0, 0, 73, 101)), [0, 2]);
    assert_eq!(zones(&mut rig, Ump::note_on(0, 0, 36, 127)), [0, 2, 3]);
    assert_eq!(zones(&mut rig, Ump::note_on2(0, 0, 48, 101 << 9)), [0, 1, 2]);
    // The softest MIDI 2.0 note is still a note.
    assert_eq!(zones(&mut rig, Ump::note_on2(0, 0, 20, 0)), [0]);
}

#[test]
fn a_note_ends_where_it_started_whatever_its_release_velocity() {
    let mut rig = split(json!({ "zone": [
        { "name": "soft", "velocities": "1..63" },
        { "name": "loud", "velocities": "64..127" },
    ] }));
    play(&mut rig, &[Ump::note_on(0, 0, 60, 127)]);
    assert_eq!(play(&mut rig, &[Ump::note_on(0, 0, 60, 0)]), [(1, Ump::note_on(0, 0, 60, 0))]);
    // Struck again while held, in the other zone.
    let (hard, soft) = (Ump::note_on(0, 0, 60, 127), Ump::note_on(0, 0, 60, 10));
    assert_eq!(play(&mut rig, &[hard, soft]), [(1, hard), (0, soft), (1, off(60))]);
    assert_eq!(play(&mut rig, &[off(60)]), [(0, off(60))]);
}

#[test]
fn a_note_held_across_new_options_ends_where_it_started() {
    let mut rig = split(two_hands());
    play(&mut rig, &[on(50)]);
    let new = json!({ "zone": [
        { "name": "bass", "notes": "0..40", "channel": 9 },
        { "name": "lead", "notes": "41..127", "transpose": 12 },
    ] });
    assert_eq!(rig.reconfigure(new).unwrap(), []);
    assert_eq!(play(&mut rig, &[off(50)]), [(0, Ump::note_off(0, 1, 38, 64))]);
    assert_eq!(play(&mut rig, &[on(50)]), [(1, on(62))]);
}

#[test]
fn new_zone_names_are_new_ports_and_need_a_new_node() {
    let mut rig = split(two_hands());
    assert!(rig.reconfigure(json!({ "zone": [{ "name": "bass" }] })).is_err());
}

#[test]
fn a_key_outside_every_zone_is_silent() {
    let mut rig = split(json!({ "zone": [{ "name": "top", "notes": "100..127", "transpose": 12 }] }));
    assert_eq!(play(&mut rig, &[on(60), off(60)]), []);
    // Moved beyond the last note.
    assert_eq!(play(&mut rig, &[on(116), off(116)]), []);
    assert_eq!(play(&mut rig, &[on(115)]).len(), 1);
}

#[test]
fn a_note_off_without_a_note_on_goes_by_its_key() {
    let mut rig = split(two_hands());
    assert_eq!(play(&mut rig, &[off(60)]), [(1, off(60))]);
    // Not so where it would end another key's note.
    rig.reconfigure(json!({ "zone": [{ "name": "bass", "channel": 2 }, { "name": "lead", "notes": 9 }] }))
        .unwrap();
    play(&mut rig, &[on(60)]);
    assert_eq!(play(&mut rig, &[Ump::note_off(0, 5, 60, 64)]), []);
}

#[test]
fn pressure_follows_its_note() {
    let mut rig = split(json!({ "zone": [
        { "name": "soft", "velocities": "1..63", "transpose": 1 },
        { "name": "loud", "velocities": "64..127" },
    ] }));
    let pressure = |note| Ump::poly_pressure(0, 0, note, 9);
    play(&mut rig, &[Ump::note_on(0, 0, 60, 10)]);
    assert_eq!(play(&mut rig, &[pressure(60)]), [(0, pressure(61))]);
    let bend = |note| Ump::midi2(0, 0x6, 0, note, 0, 0x9000_0000);
    assert_eq!(play(&mut rig, &[bend(60)]), [(0, bend(61))]);
    // Before a note starts, its per-note messages prepare every zone that may play it.
    assert_eq!(play(&mut rig, &[bend(64)]), [(0, bend(65)), (1, bend(64))]);
}

#[test]
fn controllers_go_to_the_zones_that_shall_have_them() {
    let bend = Ump::pitch_bend(0, 0, 0x3000);
    let mut rig = split(two_hands());
    assert_eq!(play(&mut rig, &[bend]), [(0, Ump::pitch_bend(0, 1, 0x3000)), (1, bend)]);
    let mut config = two_hands();
    config["controllers"] = json!(["lead"]);
    rig.reconfigure(config.clone()).unwrap();
    assert_eq!(play(&mut rig, &[bend]), [(1, bend)]);
    config["controllers"] = json!("none");
    rig.reconfigure(config).unwrap();
    assert_eq!(play(&mut rig, &[bend]), []);
}

#[test]
fn a_pedal_held_across_new_options_comes_up_where_it_went_down() {
    let pedal = |channel, value| Ump::control_change(0, channel, 64, value);
    let mut rig = split(two_hands());
    assert_eq!(play(&mut rig, &[pedal(0, 127)]), [(0, pedal(1, 127)), (1, pedal(0, 127))]);
    let mut config = two_hands();
    config["controllers"] = json!(["lead"]);
    rig.reconfigure(config).unwrap();
    assert_eq!(play(&mut rig, &[pedal(0, 0)]), [(0, pedal(1, 0)), (1, pedal(0, 0))]);
    assert_eq!(play(&mut rig, &[pedal(0, 0)]), [(1, pedal(0, 0))]);
}

#[test]
fn all_notes_off_ends_notes_in_zones_that_get_no_controllers() {
    let mut config = two_hands();
    config["controllers"] = json!(["lead"]);
    let mut rig = split(config);
    play(&mut rig, &[on(40), on(80), Ump::note_on(0, 5, 41, 1)]);
    let panic = Ump::control_change(0, 0, 123, 0);
    assert_eq!(play(&mut rig, &[panic]), [(0, Ump::note_off(0, 1, 28, 64)), (1, panic)]);
}

#[test]
fn messages_without_a_channel_go_where_they_shall() {
    let clock = Ump::system(0, 0xF8, 0, 0);
    let dump = Ump::sysex7(0, 0, [1, 2, 3, 4, 5, 6], 6);
    let mut rig = split(two_hands());
    assert_eq!(play(&mut rig, &[clock, dump]), [(0, clock), (1, clock), (0, dump), (1, dump)]);
    let mut config = two_hands();
    config["system"] = json!(["bass"]);
    rig.reconfigure(config).unwrap();
    assert_eq!(play(&mut rig, &[clock, dump]), [(0, clock), (0, dump)]);
}

#[test]
fn a_system_reset_ends_notes_in_zones_that_do_not_get_it() {
    let mut config = two_hands();
    config["system"] = json!("none");
    let mut rig = split(config);
    play(&mut rig, &[on(80), Ump::note_on2(1, 0, 80, 9), Ump::note_on2(0, 0, 81, 9)]);
    let reset = Ump::system(0, 0xFF, 0, 0);
    assert_eq!(play(&mut rig, &[reset]), [(1, off(80)), (1, Ump::note_off2(0, 0, 81, 0x8000))]);
    rig.reconfigure(two_hands()).unwrap();
    play(&mut rig, &[on(80)]);
    assert_eq!(play(&mut rig, &[reset]), [(0, reset), (1, reset)]);
}

#[test]
fn two_keys_that_meet_on_one_channel_end_with_the_last() {
    let mut rig = split(json!({ "zone": [{ "name": "all", "channel": 3 }] }));
    play(&mut rig, &[Ump::note_on(0, 0, 60, 1), Ump::note_on(0, 1, 60, 1)]);
    assert_eq!(play(&mut rig, &[Ump::note_off(0, 0, 60, 64)]), []);
    assert_eq!(play(&mut rig, &[Ump::note_off(0, 1, 60, 64)]), [(0, Ump::note_off(0, 2, 60, 64))]);
}

#[test]
fn what_a_lost_source_held_is_forgotten_and_nothing_else() {
    let mut rig = split(two_hands());
    play_from(&mut rig, 1, &[on(60)]);
    play_from(&mut rig, 2, &[on(60)]);
    assert_eq!(rig.source_lost(0, 1), []);
    rig.reconfigure(json!({ "zone": [{ "name": "bass" }, { "name": "lead", "notes": 1 }] })).unwrap();
    assert_eq!(play_from(&mut rig, 1, &[off(60)]), [(0, off(60))]);
    assert_eq!(play_from(&mut rig, 2, &[off(60)]), [(1, off(60))]);
}

#[test]
fn a_note_that_cannot_be_remembered_does_not_start() {
    let mut rig = split(json!({ "zone": [{ "name": "all" }] }));
    let key = |i: u32| ((i >> 11) as u8 & 0xF, (i >> 7) as u8 & 0xF, i as u8 & 0x7F);
    let mut heard = Held::new();
    for i in 0..10_000_u32 {
        let (group, channel, note) = key(i);
        play(&mut rig, &[Ump::note_on(group, channel, note, 1)]).iter().for_each(|(_, u)| heard.apply(u));
    }
    assert_eq!(heard.len(), 4096);
    assert_eq!(rig.counters().drops(midibay_plugin::DropReason::Overflow), 10_000 - 4096);
    for i in 0..10_000_u32 {
        let (group, channel, note) = key(i);
        play(&mut rig, &[Ump::note_off(group, channel, note, 1)]).iter().for_each(|(_, u)| heard.apply(u));
    }
    assert!(heard.is_empty());
}

#[test]
fn every_mistake_is_named_at_its_place() {
    let errors = Rig::processor::<Split>(json!({
        "zone": [
            { "name": "a", "notes": "59..0", "channel": 0 },
            { "name": "a", "velocities": "0..10" },
            { "name": "b c", "notes": "C3..C4", "transpose": 128 },
            { "name": "d", "notes": 128 },
        ],
        "controllers": ["a", "e"],
        "system": ["f"],
    }));
    let paths: Vec<String> = errors.err().unwrap().into_iter().map(|e| e.path).collect();
    assert_eq!(
        paths,
        [
            "zone[0].notes",
            "zone[0].channel",
            "zone[1].name",
            "zone[1].velocities",
            "zone[2].name",
            "zone[2].notes",
            "zone[2].transpose",
            "zone[3].notes",
            "controllers[1]",
            "system[0]",
        ]
    );
    assert_eq!(Rig::processor::<Split>(json!({ "zone": [] })).err().unwrap()[0].path, "zone");
}

fn options() -> impl Strategy<Value = Json> {
    let zone = (0..10_u8, 0..10_u8, -4..5_i8, proptest::option::of(1..3_u8), 1..64_u8);
    (proptest::collection::vec(zone, 3), proptest::sample::subsequence(vec!["z0", "z1", "z2"], 0..=3))
        .prop_map(|(zones, led)| {
            let zones: Vec<Json> = zones
                .iter()
                .enumerate()
                .map(|(i, (a, b, transpose, channel, velocity))| {
                    json!({
                        "name": format!("z{i}"),
                        "notes": format!("{}..{}", a.min(b), a.max(b)),
                        "velocities": format!("{velocity}..127"),
                        "transpose": transpose,
                        "channel": channel,
                    })
                })
                .collect();
            json!({ "zone": zones, "controllers": led })
        })
}

#[derive(Clone, Debug)]
enum Step {
    /// A key of a channel is pressed or let go: source, channel, note, velocity.
    Key(u32, u8, u8, u8),
    /// A pedal is pressed or let go: source, channel.
    Pedal(u32, u8),
    Options(Json),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (1..3_u32, 0..2_u8, 0..10_u8, 1..128_u8).prop_map(|(s, c, n, v)| Step::Key(s, c, n, v)),
        2 => (1..3_u32, 0..2_u8).prop_map(|(s, c)| Step::Pedal(s, c)),
        1 => options().prop_map(Step::Options),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn when_all_keys_are_up_nothing_sounds_and_only_what_sounds_is_ended(
        first in options(),
        steps in proptest::collection::vec(step(), 1..120),
    ) {
        let mut rig = split(first);
        let mut pressed: HashMap<u32, Held> = HashMap::new();
        let mut sounding: HashMap<(u32, u16), Held> = HashMap::new();
        let mut hear = |source: u32, out: Vec<(u16, Ump)>| {
            for (port, ump) in out {
                let held = sounding.entry((source, port)).or_default();
                if ump.is_note_off() {
                    assert!(held.holds(0, ump.channel().unwrap(), ump.note().unwrap()), "{ump} was not held");
                }
                held.apply(&ump);
            }
            sounding.values().all(Held::is_empty)
        };
        for step in steps {
            let (source, ump) = match step {
                Step::Key(source, channel, note, velocity) => {
                    let down = pressed.entry(source).or_default().holds(0, channel, note);
                    let ump = if down { Ump::note_off(0, channel, note, 64) } else { Ump::note_on(0, channel, note, velocity) };
                    (source, ump)
                }
                Step::Pedal(source, channel) => {
                    let down = pressed.entry(source).or_default().holds_pedal(0, channel, 64);
                    (source, Ump::control_change(0, channel, 64, if down { 0 } else { 127 }))
                }
                Step::Options(options) => {
                    rig.reconfigure(options).unwrap();
                    continue;
                }
            };
            pressed.entry(source).or_default().apply(&ump);
            hear(source, play_from(&mut rig, source, &[ump]));
        }
        let mut silent = true;
        for (source, held) in &mut pressed {
            let mut ups = Vec::new();
            held.release_all(|ump| ups.push(ump));
            silent = hear(*source, play_from(&mut rig, *source, &ups));
        }
        prop_assert!(silent);
    }

    #[test]
    fn repeated_and_stray_messages_leave_nothing_sounding(
        first in options(),
        second in options(),
        umps in proptest::collection::vec((0..2_u8, 0..10_u8, 0..4_u8), 1..80),
        change in 0..80_usize,
    ) {
        let mut rig = split(first);
        let mut pressed = Held::new();
        let mut sounding: HashMap<u16, Held> = HashMap::new();
        let mut hear = |out: Vec<(u16, Ump)>| {
            out.iter().for_each(|(port, ump)| sounding.entry(*port).or_default().apply(ump));
            sounding.values().all(Held::is_empty)
        };
        for (i, (channel, note, kind)) in umps.into_iter().enumerate() {
            if i == change {
                rig.reconfigure(second.clone()).unwrap();
            }
            let ump = match kind {
                0 => Ump::note_off(0, channel, note, 0),
                1 => Ump::note_on2(0, channel, note, 1 << 15),
                _ => Ump::note_on(0, channel, note, 127),
            };
            pressed.apply(&ump);
            hear(play(&mut rig, &[ump]));
        }
        let mut ups = Vec::new();
        pressed.release_all(|ump| ups.push(ump));
        prop_assert!(hear(play(&mut rig, &ups)) );
    }
}
