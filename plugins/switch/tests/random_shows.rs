//! Random shows: whatever is played and switched, the receiver ends up where the active input has it.

use std::time::Duration;

use midibay_plugin::testing::Rig;
use midibay_plugin::ump::{Held, MidiState, PEDALS};
use midibay_plugin::{Event, Ump};
use midibay_switch::Switch;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

#[cfg(debug_assertions)]
#[global_allocator]
static NO_ALLOC: midibay_plugin::testing::AllocDisabler = midibay_plugin::testing::AllocDisabler;

const NAMES: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Step {
    Play(u16, Ump),
    Select(usize),
    Next,
    Lose(u16),
    Options(Json),
    Wait(u64),
}

fn options() -> impl Strategy<Value = Json> {
    let auto = proptest::sample::subsequence(vec!["activity", "loss"], 0..=2);
    (auto, 0..400_u32, 0..200_u32, any::<bool>(), any::<bool>()).prop_map(
        |(auto, idle, lockout, back, notes)| {
            json!({
                "inputs": NAMES,
                "auto": auto,
                "idle": idle,
                "lockout": lockout,
                "switch-back": if back { "auto" } else { "manual" },
                "notes": if notes { "retrigger" } else { "ignore" },
            })
        },
    )
}

fn ump() -> impl Strategy<Value = Ump> {
    let controllers = [0, 1, 6, 7, 11, 32, 38, 64, 66, 98, 99, 100, 101, 121, 123];
    let controllers = proptest::sample::select(controllers.to_vec());
    (0..2_u8, 0..2_u8, 0..4_u8, 0..128_u8, 0..12_u8, controllers).prop_map(
        |(group, channel, note, value, kind, controller)| {
            // A group speaks one protocol: the first MIDI 1.0, the second MIDI 2.0.
            let wide = u32::from(value) << 25;
            match (kind, group) {
                (0..=3, 0) => Ump::note_on(group, channel, note, value),
                (0..=3, _) => Ump::note_on2(group, channel, note, (wide >> 16) as u16),
                (4 | 5, 0) => Ump::note_off(group, channel, note, value),
                (4 | 5, _) => Ump::note_off2(group, channel, note, (wide >> 16) as u16),
                (6, 0) => Ump::control_change(group, channel, controller, value),
                (6, _) => Ump::control_change2(group, channel, controller, wide),
                (7, 0) => Ump::pitch_bend(group, channel, u16::from(value) << 7),
                (7, _) => Ump::rpn2(group, channel, note.into(), wide),
                (8, 0) => Ump::channel_pressure(group, channel, value),
                (8, _) => Ump::channel_pressure2(group, channel, wide),
                (9, 0) => Ump::program_change(group, channel, value),
                (9, _) => Ump::program_change2(group, channel, value, (note > 0).then_some(note.into())),
                (10, 0) => Ump::poly_pressure(group, channel, note, value),
                (10, _) => Ump::poly_pressure2(group, channel, note, wide),
                _ => Ump::system(group, [0xF8, 0xFA, 0xFB, 0xFC, 0xFE][usize::from(value) % 5], 0, 0),
            }
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0..3_u16, ump()).prop_map(|(input, ump)| Step::Play(input, ump)),
        2 => (0..3_usize).prop_map(Step::Select),
        1 => Just(Step::Next),
        1 => (0..3_u16).prop_map(Step::Lose),
        1 => options().prop_map(Step::Options),
        2 => (0..500_u64).prop_map(Step::Wait),
    ]
}

/// What an engine and a receiver behind the switch know.
struct Stage {
    rig: Rig,
    receiver: MidiState,
    /// What each source holds at the receiver.
    holders: [Held; 3],
    inputs: [MidiState; 3],
    pressed: [Held; 3],
}

impl Stage {
    fn new(options: Json) -> Self {
        let states = || std::array::from_fn(|_| MidiState::new(2));
        Self {
            rig: Rig::processor::<Switch>(options).unwrap(),
            receiver: MidiState::new(2),
            holders: std::array::from_fn(|_| Held::new()),
            inputs: states(),
            pressed: std::array::from_fn(|_| Held::new()),
        }
    }

    fn hear(&mut self, events: Vec<Event>) {
        for event in events {
            if let Some(held) = self.holders.get_mut((event.source as usize).wrapping_sub(10)) {
                held.apply(&event.ump);
            }
            self.receiver.apply(&event.ump);
        }
    }

    fn play(&mut self, input: u16, ump: Ump) {
        let at = usize::from(input);
        self.inputs[at].apply(&ump);
        self.pressed[at].apply(&ump);
        let event = Event { source: 10 + u32::from(input), ..Event::new(self.rig.now(), ump).at_port(input) };
        let out = self.rig.send(&[event]);
        self.hear(out);
    }

    fn lose(&mut self, input: u16) {
        let at = usize::from(input);
        self.pressed[at].clear();
        self.inputs[at].release_all(|_| {});
        let out = self.rig.source_lost(input, 10 + u32::from(input));
        self.hear(out);
        // What the engine does then, but for what another source holds.
        let (receiver, mut lost) = (&mut self.receiver, std::mem::take(&mut self.holders[at]));
        let others = &self.holders;
        lost.release_all(|ump| {
            let key = midibay_plugin::follow::Key::of(&ump).unwrap();
            let (group, channel, number) = (key.group(), key.channel(), key.number());
            let held = others.iter().any(|held| match key.is_controller() {
                true => held.holds_pedal(group, channel, number),
                false => held.holds(group, channel, number),
            });
            if !held {
                receiver.apply(&ump);
            }
        });
    }

    fn step(&mut self, step: Step) {
        let out = match step {
            Step::Play(input, ump) => return self.play(input, ump),
            Step::Lose(input) => return self.lose(input),
            // A lost input may be refused.
            Step::Select(input) => {
                self.rig.command("select", json!({ "input": NAMES[input] })).unwrap_or_default()
            }
            Step::Next => self.rig.command("next", Json::Null).unwrap_or_default(),
            Step::Options(options) => self.rig.reconfigure(options).unwrap(),
            Step::Wait(time) => self.rig.advance(Duration::from_millis(time)),
        };
        self.hear(out);
    }

    fn active(&self) -> usize {
        let midibay_plugin::Value::Text(name) = self.rig.property("active") else {
            panic!("no active input")
        };
        NAMES.iter().position(|n| *n == name).unwrap()
    }
}

fn is_pedal_up(ump: &Ump) -> bool {
    let mut held = Held::new();
    held.apply(ump);
    ump.kind() == midibay_plugin::ump::Kind::ControlChange && PEDALS.contains(&ump.data1()) && held.is_empty()
}

/// Whether the pedal that the packet is about is up.
fn is_up(state: &MidiState, ump: &Ump) -> bool {
    let value = state.controller(ump.group(), ump.channel().unwrap(), ump.data1());
    value.is_none_or(|value| value >> 31 == 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn controls_stand_where_the_active_input_has_them_and_released_keys_are_silent(
        first in options(),
        steps in proptest::collection::vec(step(), 1..150),
    ) {
        let mut stage = Stage::new(first);
        for step in steps {
            let shown = format!("{step:?}");
            stage.step(step);
            let mut wrong = Vec::new();
            MidiState::diff(&stage.receiver, &stage.inputs[stage.active()], |ump| {
                // Keys that are down may be silent; everything else must be as the input has it, and
                // nothing may sound that it does not hold. A pedal that is up is up, however far.
                let silent = ump.is_note_on() || ump.kind() == midibay_plugin::ump::Kind::PolyPressure;
                let same = is_pedal_up(&ump) && is_up(&stage.receiver, &ump);
                if !silent && !same {
                    wrong.push(ump);
                }
            });
            prop_assert!(wrong.is_empty(), "after {shown}: {wrong:?}");
        }
        for input in 0..3 {
            let mut ups = Vec::new();
            stage.pressed[usize::from(input)].release_all(|ump| ups.push(ump));
            ups.into_iter().for_each(|ump| stage.play(input, ump));
        }
        let mut sounding = Vec::new();
        stage.receiver.release_all(|ump| sounding.push(ump));
        prop_assert!(sounding.is_empty(), "{sounding:?}");
        prop_assert!(stage.holders.iter().all(Held::is_empty), "{:?}", stage.holders);
    }
}
