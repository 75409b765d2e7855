//! Promise 5: a panic in a plugin hurts nobody else.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::common::*;
use super::scripted::{Call, Scripted, script};
use midibay::graph::GraphBuilder;
use midibay_plugin::{CommandError, ConfigError, Event, Host, NoCommand, Node, NodeError, Out, Processor};
use serde_json::json;

/// Panics on note 13, and cannot start the first times that it is told so.
struct Fragile;

static REFUSALS: AtomicU32 = AtomicU32::new(0);

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Config {
    #[serde(default)]
    refuses: bool,
    #[serde(default)]
    never: bool,
}

impl Node for Fragile {
    const TYPE: &'static str = "fragile";
    const ABOUT: &'static str = "Breaks.";
    type Config = Config;
    type Params = Config;
    type Command = NoCommand;
    fn compile(config: Config) -> Result<Config, Vec<ConfigError>> {
        Ok(config)
    }
    fn in_place(_: &Config, _: &Config) -> bool {
        false
    }
    fn new(config: Config, _: Host) -> Result<Self, NodeError> {
        if config.never {
            return Err(NodeError::fatal("it is broken for good"));
        }
        if config.refuses && REFUSALS.fetch_add(1, Ordering::SeqCst) < 2 {
            return Err(NodeError::retry("the device is busy"));
        }
        Ok(Self)
    }
    fn reconfigure(&mut self, _: &mut Config, _: u64, _: &mut Out) {}
    fn command(&mut self, command: &mut NoCommand, _: u64, _: &mut Out) -> Result<(), CommandError> {
        match *command {}
    }
}

impl Processor for Fragile {
    fn process(&mut self, events: &[Event], _: u64, out: &mut Out) {
        for event in events {
            assert!(event.ump != on(13), "unlucky");
            out.push(*event);
        }
    }
}

fn world() -> World {
    let mut world = World::default();
    world.registry.add_processor::<Fragile>().unwrap();
    world
}

#[test]
fn a_panic_releases_the_nodes_notes_and_the_node_comes_back() {
    let mut world = world();
    let keys = world.input("keys");
    let (synth, desk) = (world.output("synth"), world.output("desk"));
    let engine =
        world.start(&["keys", "fragile", "synth", "desk"], &["keys -> fragile -> synth", "keys -> desk"]);
    keys.send(on(60)).unwrap();
    synth.until_count(1);
    keys.send(on(13)).unwrap();
    synth.until_count(2);
    assert_eq!(synth.packets(), [on(60), off(60)], "what came through the node is released");
    desk.until_count(2);
    assert_eq!(desk.packets(), [on(60), on(13)], "everything else goes on");
    until("it is back", || engine.status().node("fragile").unwrap().health == "ok");
    assert_eq!(engine.status().node("fragile").unwrap().restarts, 1);
    keys.send(on(61)).unwrap();
    synth.until_count(3);
    engine.stop().unwrap();
    assert!(synth.held().is_empty() && desk.held().is_empty());
}

#[test]
fn events_for_a_node_that_is_down_are_counted() {
    let mut world = world();
    let keys = world.input("keys");
    let _synth = world.output("synth");
    let restart = midibay::Backoff { first: std::time::Duration::from_secs(600), ..Default::default() };
    let graph = world.graph(&["keys", "fragile", "synth"], &["keys -> fragile -> synth"]);
    let options = midibay::EngineOptions { restart, ..Default::default() };
    let engine = midibay::Engine::start(graph, world.registry.clone(), options).unwrap();
    keys.send(on(13)).unwrap();
    until("it is down", || engine.status().node("fragile").unwrap().health == "failed");
    keys.send(on(1)).unwrap();
    until("it is counted", || engine.status().node("fragile").unwrap().drops.get("unavailable") == Some(&1));
    engine.stop().unwrap();
}

#[test]
fn a_node_that_cannot_start_yet_is_tried_again_while_the_rest_runs() {
    let mut world = world();
    let keys = world.input("keys");
    let heard = world.output("synth");
    let graph = GraphBuilder::new()
        .node("keys", "keys", json!({}))
        .node("synth", "synth", json!({}))
        .node("f", "fragile", json!({ "refuses": true }))
        .route("keys -> f -> synth")
        .route("keys -> synth")
        .build(&world.registry)
        .unwrap();
    let engine = world.start_graph(graph);
    keys.send(on(1)).unwrap();
    heard.until_count(1);
    until("it started", || engine.status().node("f").unwrap().health == "ok");
    heard.forget();
    keys.send(on(2)).unwrap();
    heard.until_count(2);
    engine.stop().unwrap();
}

#[test]
fn a_node_that_can_never_start_stops_the_start_with_its_reason() {
    let world = world();
    let graph =
        GraphBuilder::new().node("f", "fragile", json!({ "never": true })).build(&world.registry).unwrap();
    let error = match midibay::Engine::start(graph, world.registry.clone(), Default::default()) {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    };
    assert_eq!(error.to_string(), "node `f` cannot start: it is broken for good");
}

#[test]
fn a_node_that_takes_its_time_to_start_again_keeps_nobody_waiting() {
    let mut world = world();
    let keys = world.input("keys");
    let heard = world.output("synth");
    world.registry.add_endpoint::<Scripted>().unwrap();
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let (begun, may_go_on) = (Arc::new(AtomicU32::new(0)), Mutex::new(may_go_on));
    let slow = {
        let begun = Arc::clone(&begun);
        script("slow-start", move |_| match begun.fetch_add(1, Ordering::SeqCst) {
            0 => Err(NodeError::retry("the device is busy")),
            _ => {
                may_go_on.lock().unwrap().recv().map_err(NodeError::retry)?;
                Ok(Box::new(|_, _| ()))
            }
        })
    };
    let graph = |fragile: &str| {
        GraphBuilder::new()
            .node("keys", "keys", json!({}))
            .node("synth", "synth", json!({}))
            .node("slow", "scripted", slow.clone())
            .node(fragile, "fragile", json!({}))
            .route(format!("keys -> {fragile} -> synth"))
            .route("slow -> synth")
            .build(&world.registry)
            .unwrap_or_else(|e| panic!("{e}"))
    };
    let engine = world.start_graph(graph("f"));
    until("it is being started", || begun.load(Ordering::SeqCst) == 2);
    let at_once = Duration::from_secs(4);
    let before = Instant::now();
    engine.ping(at_once).unwrap();
    assert_eq!(engine.status().node("slow").unwrap().reason, "the device is busy");
    engine.reload(graph("g")).unwrap();
    keys.send(on(1)).unwrap();
    heard.until_count(1);
    assert!(before.elapsed() < at_once);
    go_on.send(()).unwrap();
    until("it runs", || engine.status().node("slow").unwrap().health == "ok");
    engine.stop().unwrap();
}

#[test]
fn a_node_that_never_comes_back_from_a_call_does_not_keep_the_program_from_ending() {
    let mut world = world();
    let keys = world.input("keys");
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let may_go_on = Arc::new(Mutex::new(may_go_on));
    let (inside, is_inside) = std::sync::mpsc::channel();
    let wait = move |_: &[Event]| {
        inside.send(()).unwrap();
        let _ = may_go_on.lock().unwrap().recv();
    };
    world.registry.add_sink("stuck", wait).unwrap();
    let engine = world.start(&["keys", "stuck"], &["keys -> stuck"]);
    keys.send(on(1)).unwrap();
    is_inside.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(engine.ping(Duration::from_millis(20)), Err(midibay::EngineGone));
    assert_eq!(engine.stop(), Err(midibay::EngineGone));
    drop(go_on);
}

#[test]
fn an_apps_part_that_cannot_be_made_is_tried_again() {
    /// Panics when it is copied for the first node.
    struct Copied(Arc<AtomicU32>);
    impl Clone for Copied {
        fn clone(&self) -> Self {
            assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "unlucky");
            Self(Arc::clone(&self.0))
        }
    }
    let mut world = world();
    let keys = world.input("keys");
    let heard = world.output("synth");
    let copied = Copied(Arc::default());
    let act = move |event: &Event, out: &mut Out| {
        let _copied = &copied;
        out.push(*event);
    };
    world.registry.add_function("thru", act).unwrap();
    let engine = world.start(&["keys", "thru", "synth"], &["keys -> thru -> synth"]);
    until("it runs", || engine.status().node("thru").unwrap().health == "ok");
    keys.send(on(1)).unwrap();
    heard.until_count(1);
    engine.stop().unwrap();
}

#[test]
fn lines_of_the_log_that_found_no_room_are_counted_for_good() {
    let mut world = world();
    let keys = world.input("keys");
    world.registry.add_endpoint::<Scripted>().unwrap();
    let talker = script("talker", |host| {
        Ok(Box::new(move |call, _| {
            if matches!(call, Call::Events(_)) {
                (0..100_000).for_each(|_| host.log(midibay_plugin::Level::Info, "la"));
            }
        }))
    });
    let graph = GraphBuilder::new()
        .node("keys", "keys", json!({}))
        .node("talker", "scripted", talker)
        .route("keys -> talker")
        .build(&world.registry)
        .unwrap_or_else(|e| panic!("{e}"));
    let engine = world.start_graph(graph);
    keys.send(on(1)).unwrap();
    until("it has talked", || engine.status().node("talker").unwrap().latency.count == 1);
    engine.ping(Duration::from_secs(20)).unwrap();
    let lost = engine.status().log_lost;
    assert!(lost > 0);
    engine.ping(Duration::from_secs(20)).unwrap();
    assert_eq!(engine.status().log_lost, lost);
    engine.stop().unwrap();
}
