//! Whatever comes in and whatever the tables become, nothing hangs.

use midibay_plugin::Event;
use midibay_plugin::testing::Rig;
use midibay_remap::Remap;
use midibay_ump::{Held, Ump};
use proptest::prelude::*;
use serde_json::{Value, json};

#[derive(Clone, Debug)]
enum Step {
    Send(u32, Ump),
    Reconfigure(Value),
}

/// Controllers that are pedals, and two that tables turn into pedals.
const CONTROLLERS: [u8; 5] = [64, 66, 69, 1, 7];

fn packet() -> impl Strategy<Value = Ump> {
    let place = (0..2_u8, 0..3_u8, 58..62_u8);
    let value = prop_oneof![Just(0_u8), 1..128_u8];
    (place, value, 0..10_u8).prop_map(|((group, channel, note), value, what)| match what {
        0 | 1 => Ump::note_on(group, channel, note, value),
        2 => Ump::note_on2(group, channel, note, u16::from(value) << 9),
        3 => Ump::note_off(group, channel, note, value),
        4 => Ump::note_off2(group, channel, note, 7),
        5 | 6 => Ump::control_change(group, channel, CONTROLLERS[usize::from(note % 5)], value),
        7 => Ump::control_change2(group, channel, CONTROLLERS[usize::from(note % 5)], u32::from(value) << 25),
        8 => Ump::control_change(group, channel, 120 + value % 8, 0),
        _ if value < 12 => Ump::system(group, 0xFF, 0, 0),
        _ => Ump::poly_pressure(group, channel, note, value),
    })
}

fn config() -> impl Strategy<Value = Value> {
    let small = |from: Vec<u8>, to: Vec<u8>| {
        let pair = (prop::sample::select(from), prop::sample::select(to));
        prop::collection::btree_map(pair.0.prop_map(|n| n.to_string()), pair.1, 1..4)
    };
    let tables = (
        prop::option::of(small(vec![1, 2, 3], vec![1, 2, 3])),
        prop::option::of(small(vec![1, 2], vec![1, 2, 3])),
        prop::option::of(small(vec![1, 7, 64, 66], vec![64, 66, 69, 5])),
        small(vec![58, 59, 60, 61], vec![58, 60, 90]),
    );
    (tables, any::<bool>(), prop::option::of(1..=3_u8)).prop_map(|(tables, drop, only)| {
        let mut config = json!({"notes": tables.3, "others": if drop { "drop" } else { "keep" }});
        if let Some(table) = tables.0 {
            config["channels"] = json!(table);
        }
        if let Some(table) = tables.1 {
            config["groups"] = json!(table);
        }
        if let Some(table) = tables.2 {
            config["controllers"] = json!(table);
        }
        if let Some(only) = only {
            config["only-channels"] = json!(only);
        }
        config
    })
}

/// Turns everything that a source could hold off, the wheels that may have become pedals included.
fn let_go(held: &mut Held) -> Vec<Ump> {
    let mut packets = Vec::new();
    held.release_all(|ump| packets.push(ump));
    for (group, channel) in (0..2).flat_map(|group| (0..3).map(move |channel| (group, channel))) {
        packets.extend(CONTROLLERS.map(|controller| Ump::control_change(group, channel, controller, 0)));
    }
    packets
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn when_every_source_has_let_go_nothing_is_held_behind_the_remapper(
        steps in prop::collection::vec(prop_oneof![
            8 => (1..3_u32, packet()).prop_map(|(source, ump)| Step::Send(source, ump)),
            1 => config().prop_map(Step::Reconfigure),
        ], 1..120)
    ) {
        let mut rig = Rig::processor::<Remap>(json!({"channels": {"1": 2}})).unwrap();
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
                Step::Reconfigure(config) => take(&mut behind, rig.reconfigure(config).unwrap()),
            }
        }
        for (source, held) in (1..).zip(&mut before[1..]) {
            let packets = let_go(held).into_iter();
            let events: Vec<Event> =
                packets.map(|ump| Event { source, ..Event::new(rig.now(), ump) }).collect();
            take(&mut behind, rig.send(&events));
        }
        for held in &behind {
            prop_assert!(held.is_empty(), "{held:?}");
        }
    }
}
