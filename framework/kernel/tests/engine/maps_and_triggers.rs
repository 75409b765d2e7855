//! Control maps and triggers at work in an engine.

use super::common::*;
use midibay::graph::{GraphBuilder, TriggerBuilder};
use midibay_plugin::{CommandError, ConfigError, Event, Host, Node, NodeError, Out, Processor, Ump};
use serde_json::json;

fn graph(world: &World, routes: &[&str]) -> midibay::graph::Graph {
    let builder = GraphBuilder::new().node("keys", "keys", json!({})).node("synth", "synth", json!({}));
    routes.iter().fold(builder, |b, r| b.route(*r)).build(&world.registry).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn a_control_map_carries_a_value_and_a_lost_source_ends_the_note_it_started() {
    let mut world = World::default();
    let keys = world.input("keys");
    let heard = world.output("synth");
    let engine = world
        .start_graph(graph(&world, &["keys.ch1.cc7 -> synth.ch2.pitch", "keys.ch1.cc8 -> synth.ch3.note60"]));
    keys.send(cc(7, 64)).unwrap();
    keys.send(cc(8, 100)).unwrap();
    keys.send(cc(9, 100)).unwrap();
    heard.until_count(2);
    assert_eq!(heard.packets(), [Ump::pitch_bend(0, 1, 8192), Ump::note_on(0, 2, 60, 100)]);
    keys.source_lost().unwrap();
    heard.until_count(3);
    assert_eq!(heard.packets()[2], Ump::note_off(0, 2, 60, 64));
    keys.send(cc(8, 90)).unwrap();
    heard.until_count(4);
    assert_eq!(heard.packets()[3], Ump::note_on(0, 2, 60, 90), "the map does not think that it still sounds");
    engine.stop().unwrap();
    assert!(heard.held().is_empty());
}

#[test]
fn a_map_removed_by_a_reload_ends_its_note_and_the_map_beside_it_keeps_its_own() {
    let mut world = World::default();
    let keys = world.input("keys");
    let heard = world.output("synth");
    let maps = ["keys.ch1.cc8 -> synth.ch1.note60", "keys.ch1.cc9 -> synth.ch1.note61"];
    let engine = world.start_graph(graph(&world, &maps));
    keys.send(cc(8, 100)).unwrap();
    keys.send(cc(9, 100)).unwrap();
    heard.until_count(2);
    engine.reload(graph(&world, &maps[1..])).unwrap();
    assert_eq!(heard.packets()[2..], [off(60)]);
    keys.send(cc(9, 0)).unwrap();
    heard.until_count(4);
    assert!(heard.held().is_empty());
    engine.stop().unwrap();
    assert_eq!(heard.packets().len(), 4, "nothing was left to release");
}

/// Mutes on command.
pub(crate) struct Mute(bool);

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Command {
    /// Lets nothing through, or all.
    Set {
        /// Nothing.
        muted: bool,
    },
    /// Refuses.
    Never,
}

impl Node for Mute {
    const TYPE: &'static str = "mute";
    const ABOUT: &'static str = "Mutes on command.";
    type Config = std::collections::BTreeMap<String, String>;
    type Params = ();
    type Command = Command;
    fn compile(_: Self::Config) -> Result<(), Vec<ConfigError>> {
        Ok(())
    }
    fn in_place(_: &Self::Config, _: &Self::Config) -> bool {
        true
    }
    fn new((): (), _: Host) -> Result<Self, NodeError> {
        Ok(Self(false))
    }
    fn reconfigure(&mut self, (): &mut (), _: u64, _: &mut Out) {}
    fn command(&mut self, command: &mut Command, _: u64, _: &mut Out) -> Result<(), CommandError> {
        match command {
            Command::Set { muted } => self.0 = *muted,
            Command::Never => return Err(CommandError::new("not in this life")),
        }
        Ok(())
    }
}

impl Processor for Mute {
    fn process(&mut self, events: &[Event], _: u64, out: &mut Out) {
        if !self.0 {
            out.extend(events);
        }
    }
}

#[test]
fn a_trigger_runs_a_command_only_above_its_threshold_and_under_its_guard() {
    let mut world = World::default();
    let keys = world.input("keys");
    let heard = world.output("synth");
    world.registry.add_processor::<Mute>().unwrap();
    let trigger = TriggerBuilder::new("keys.ch16.note127", "m.set")
        .above(100)
        .guard("keys.ch16.note0")
        .args(json!({ "muted": true }));
    let graph = GraphBuilder::new()
        .node("keys", "keys", json!({}))
        .node("synth", "synth", json!({}))
        .node("m", "mute", json!({}))
        .route("keys -> m -> synth")
        .trigger(trigger)
        .build(&world.registry)
        .unwrap_or_else(|e| panic!("{e}"));
    let engine = world.start_graph(graph);
    let on16 = |note, velocity| Ump::note_on(0, 15, note, velocity);
    let count = |n: u64| until("counted", || engine.status().node("m").unwrap().events_in == n);
    keys.send(on16(127, 127)).unwrap(); // no guard
    keys.send(on16(0, 1)).unwrap();
    keys.send(on16(127, 100)).unwrap(); // too soft
    keys.send(on(1)).unwrap();
    count(4);
    assert_eq!(heard.packets().len(), 4);
    keys.send(on16(127, 101)).unwrap();
    count(5);
    keys.send(on(2)).unwrap();
    count(6);
    assert_eq!(heard.packets().len(), 5, "muted after the trigger's own event");
    engine.stop().unwrap();
}

#[test]
fn a_command_answers_what_became_of_it() {
    let mut world = World::default();
    let _keys = world.input("keys");
    let _heard = world.output("synth");
    world.registry.add_processor::<Mute>().unwrap();
    let graph = GraphBuilder::new()
        .node("keys", "keys", json!({}))
        .node("synth", "synth", json!({}))
        .node("m", "mute", json!({}))
        .route("keys -> m -> synth")
        .build(&world.registry)
        .unwrap();
    let engine = world.start_graph(graph);
    let say =
        |node: &str, command: &str, args| engine.command(node, command, &args).map_err(|e| e.to_string());
    assert_eq!(say("m", "set", json!({ "muted": true })), Ok(()));
    assert_eq!(say("m", "never", json!(null)), Err("not in this life".into()));
    assert_eq!(say("x", "set", json!(null)), Err("no node `x`".into()));
    assert_eq!(
        say("m", "dance", json!(null)),
        Err("`mute` has no command `dance`; it has: set, never".into())
    );
    assert!(say("m", "set", json!({})).unwrap_err().contains("missing field `muted`"));
    assert!(say("m", "never", json!({ "a": 1 })).unwrap_err().contains("takes no arguments"));
    engine.stop().unwrap();
}
