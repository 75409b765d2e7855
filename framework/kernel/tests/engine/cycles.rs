//! Promise 4: a loop of processors is an error that names its path; two devices that answer each other
//! are legal, and nothing hangs.

use std::time::Duration;

use super::common::*;
use midibay::graph::GraphBuilder;
use midibay_plugin::{
    CommandError, ConfigError, Endpoint, Event, Host, NoCommand, Node, NodeError, Out, Ready,
};
use serde_json::json;

#[test]
fn a_cycle_is_refused_with_its_path() {
    let mut world = World::default();
    world.input("keys");
    world.output("synth");
    world.registry.add_function("a", |e, out| out.push(*e)).unwrap();
    world.registry.add_function("b", |e, out| out.push(*e)).unwrap();
    let builder =
        ["keys", "a", "b", "synth"].iter().fold(GraphBuilder::new(), |g, n| g.node(*n, *n, json!({})));
    let error = builder.route("keys -> a -> b -> synth").route("b -> a").build(&world.registry).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("a -> b -> a") || text.contains("b -> a -> b"), "{text}");
}

/// Sends back whatever is sent to it.
struct Echo;

impl Node for Echo {
    const TYPE: &'static str = "echo";
    const ABOUT: &'static str = "Sends back whatever is sent to it.";
    type Config = std::collections::BTreeMap<String, String>;
    type Params = ();
    type Command = NoCommand;
    fn compile(_: Self::Config) -> Result<(), Vec<ConfigError>> {
        Ok(())
    }
    fn in_place(_: &Self::Config, _: &Self::Config) -> bool {
        false
    }
    fn new((): (), _: Host) -> Result<Self, NodeError> {
        Ok(Self)
    }
    fn reconfigure(&mut self, (): &mut (), _: u64, _: &mut Out) {}
    fn command(&mut self, command: &mut NoCommand, _: u64, _: &mut Out) -> Result<(), CommandError> {
        match *command {}
    }
}

impl Endpoint for Echo {
    fn ready(&mut self, _: Ready, _: u64, _: &mut Out) {}
    fn send(&mut self, events: &[Event], _: u64, out: &mut Out) {
        out.extend(events);
    }
}

#[test]
fn two_devices_that_echo_each_other_for_ever_do_not_hang_the_rest() {
    let mut world = World::default();
    world.registry.add_endpoint::<Echo>().unwrap();
    let keys = world.input("keys");
    let heard = world.output("synth");
    let graph = GraphBuilder::new()
        .node("keys", "keys", json!({}))
        .node("synth", "synth", json!({}))
        .node("a", "echo", json!({}))
        .node("b", "echo", json!({}))
        .route("keys -> a")
        .route("a <-> b")
        .route("keys -> synth")
        .build(&world.registry)
        .unwrap();
    let engine = world.start_graph(graph);
    keys.send(on(60)).unwrap();
    until("the echo runs", || engine.status().node("a").unwrap().events_in > 1000);
    keys.send(on(61)).unwrap();
    heard.until_count(2);
    engine.ping(Duration::from_secs(2)).unwrap();
    engine.stop().unwrap();
}
