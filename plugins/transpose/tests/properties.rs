//! Whatever comes in and however often the amount changes, nothing hangs.

use midibay_plugin::Event;
use midibay_plugin::testing::Rig;
use midibay_transpose::Transpose;
use midibay_ump::{Held, Ump};
use proptest::prelude::*;
use serde_json::{Value, json};

#[derive(Clone, Debug)]
enum Step {
    Send(u32, Ump),
    Set(i8),
    Reconfigure(Value),
    Lose(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let note = prop_oneof![0..4_u8, 60..64_u8, 124..128_u8];
    let packet = (0..2_u8, note, 0..4_u8, 0..12_u8).prop_map(|(channel, note, velocity, what)| match what {
        0..=3 => Ump::note_on(0, channel, note, velocity),
        4 | 5 => Ump::note_on2(0, channel, note, 9),
        6..=8 => Ump::note_off(0, channel, note, 9),
        9 => Ump::note_off2(0, channel, note, 9),
        10 => Ump::control_change(0, channel, 120 + velocity, 0),
        _ if velocity == 0 => Ump::system(0, 0xFF, 0, 0),
        _ => Ump::poly_pressure(0, channel, note, 9),
    });
    let range = prop::sample::select(vec!["drop", "clamp", "fold"]);
    let config = (-48..=48_i8, range, prop::option::of(1..=2_u8)).prop_map(|(semitones, range, except)| {
        let mut config = json!({"semitones": semitones, "out-of-range": range});
        if let Some(except) = except {
            config["except-channels"] = json!([except]);
        }
        config
    });
    prop_oneof![
        12 => (1..3_u32, packet).prop_map(|(source, ump)| Step::Send(source, ump)),
        1 => (-48..=48_i8).prop_map(Step::Set),
        1 => config.prop_map(Step::Reconfigure),
        1 => (1..3_u32).prop_map(Step::Lose),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn when_every_key_is_up_no_note_sounds_behind_the_transposer(
        steps in prop::collection::vec(step(), 1..120)
    ) {
        let mut rig = Rig::processor::<Transpose>(json!({"semitones": 0})).unwrap();
        let mut before = [Held::boxed(), Held::boxed(), Held::boxed()];
        let mut behind = before.clone();
        let take = |behind: &mut [Box<Held>; 3], events: Vec<Event>| {
            for event in events {
                behind[event.source as usize].apply(&event.ump);
            }
        };
        for step in steps {
            match step {
                Step::Send(source, ump) => {
                    before[source as usize].apply(&ump);
                    let event = Event { source, ..Event::new(rig.now(), ump) };
                    take(&mut behind, rig.send(&[event]));
                }
                Step::Set(n) => take(&mut behind, rig.command("set", json!({"semitones": n})).unwrap()),
                Step::Reconfigure(config) => take(&mut behind, rig.reconfigure(config).unwrap()),
                Step::Lose(source) => {
                    take(&mut behind, rig.source_lost(0, source));
                    // The engine releases what it held.
                    behind[source as usize].clear();
                    before[source as usize].clear();
                }
            }
        }
        for (source, held) in (0..).zip(&mut before) {
            let mut events = Vec::new();
            held.release_all(|ump| events.push(Event { source, ..Event::new(rig.now(), ump) }));
            take(&mut behind, rig.send(&events));
        }
        for held in &behind {
            prop_assert!(held.is_empty(), "{held:?}");
        }
    }

    #[test]
    fn a_note_sounds_behind_the_transposer_as_long_as_a_key_for_it_is_down(
        steps in prop::collection::vec((0..128_u8, any::<bool>()), 1..120), semitones in -48..=48_i8
    ) {
        let mut rig = Rig::processor::<Transpose>(json!({"semitones": semitones, "out-of-range": "clamp"})).unwrap();
        let mut down = [false; 128];
        let mut behind = Held::boxed();
        for (note, on) in steps {
            down[usize::from(note)] = on;
            let ump = if on { Ump::note_on(0, 0, note, 1) } else { Ump::note_off(0, 0, note, 1) };
            rig.packets(0, &[ump]).iter().for_each(|ump| behind.apply(ump));
            let mut wanted = [false; 128];
            for (note, _) in (0_i16..).zip(&down).filter(|(_, down)| **down) {
                wanted[(note + i16::from(semitones)).clamp(0, 127) as usize] = true;
            }
            let sounding: [bool; 128] = std::array::from_fn(|note| behind.holds(0, 0, note as u8));
            prop_assert_eq!(sounding, wanted);
        }
    }
}
