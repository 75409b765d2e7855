//! Whatever comes in and whatever the options become, nothing hangs.

use midibay_filter::Filter;
use midibay_plugin::Event;
use midibay_plugin::testing::Rig;
use midibay_ump::{Held, PEDALS, Ump};
use proptest::prelude::*;
use serde_json::{Value, json};

#[derive(Clone, Debug)]
enum Step {
    Send(u32, Ump),
    Reconfigure(Value),
}

fn packet() -> impl Strategy<Value = Ump> {
    let place = (0..2_u8, 0..3_u8, 58..62_u8);
    (place, 0..128_u8, 0..9_u8).prop_map(|((group, channel, note), value, what)| match what {
        0 | 1 => Ump::note_on(group, channel, note, value),
        2 => Ump::note_on2(group, channel, note, u16::from(value) << 9),
        3 => Ump::note_off(group, channel, note, value),
        4 => Ump::note_off2(group, channel, note, 7),
        5 => Ump::control_change(group, channel, PEDALS[usize::from(value % 4)], value),
        6 => Ump::control_change2(group, channel, PEDALS[usize::from(value % 4)], u32::from(value) << 25),
        7 => Ump::control_change(group, channel, 120 + value % 8, 0),
        _ if value < 12 => Ump::system(group, 0xFF, 0, 0),
        _ => Ump::poly_pressure(group, channel, note, value),
    })
}

fn config() -> impl Strategy<Value = Value> {
    let channels = prop::option::of(prop::sample::select(vec![json!([1]), json!("1..2"), json!([2, 3])]));
    let notes = prop::option::of(prop::sample::select(vec![json!("58..59"), json!(60)]));
    let velocities = prop::option::of(prop::sample::select(vec![json!("1..50"), json!("40..127")]));
    let drop = prop::option::of(prop::sample::select(vec![json!("note"), json!("cc"), json!(["realtime"])]));
    (channels, notes, velocities, drop, any::<bool>()).prop_map(
        |(channels, notes, velocities, drop, invert)| {
            let mut config = json!({"groups": "1..2", "invert": invert});
            for (name, option) in
                [("channels", channels), ("notes", notes), ("velocities", velocities), ("drop", drop)]
            {
                if let Some(option) = option {
                    config[name] = option;
                }
            }
            config
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1..3_u32, packet()).prop_map(|(source, ump)| Step::Send(source, ump)),
        1 => config().prop_map(Step::Reconfigure),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn when_every_source_has_let_go_nothing_is_held_behind_the_filter(
        steps in prop::collection::vec(step(), 1..120)
    ) {
        let mut rig = Rig::processor::<Filter>(json!({})).unwrap();
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
        for (source, held) in (0..).zip(&mut before) {
            let mut events = Vec::new();
            held.release_all(|ump| events.push(Event { source, ..Event::new(rig.now(), ump) }));
            take(&mut behind, rig.send(&events));
        }
        for held in &behind {
            prop_assert!(held.is_empty(), "{held:?}");
        }
    }
}
