//! Reload: what did not change runs on and loses nothing; what cannot run changes nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::common::*;
use super::scripted::{Call, Scripted, script};
use midibay::graph::{Graph, GraphBuilder};
use midibay_plugin::{
    CommandError, ConfigError, Event, Host, NoCommand, Node, NodeError, Out, Processor, PropertyInfo, Ump,
};
use serde_json::json;

/// Counts what passes; how often one was made is a property.
struct Counting {
    params: Params,
    seen: i64,
    property: midibay_plugin::Property,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Config {
    channel: u8,
    #[serde(default)]
    fixed: u8,
    #[serde(default)]
    fails: bool,
}

struct Params {
    channel: u8,
    fails: bool,
}

impl Node for Counting {
    const TYPE: &'static str = "counting";
    const ABOUT: &'static str = "Counts what passes and moves it to a channel.";
    const PROPERTIES: &'static [PropertyInfo] =
        &[PropertyInfo { name: "seen", about: "Events that passed.", unit: "events" }];
    type Config = Config;
    type Params = Params;
    type Command = NoCommand;
    fn compile(c: Config) -> Result<Params, Vec<ConfigError>> {
        Ok(Params { channel: c.channel, fails: c.fails })
    }
    fn in_place(old: &Config, new: &Config) -> bool {
        old.fixed == new.fixed && !new.fails
    }
    fn new(params: Params, host: Host) -> Result<Self, NodeError> {
        if params.fails {
            return Err(NodeError::fatal("it was told to fail"));
        }
        Ok(Self { params, seen: 0, property: host.property("seen") })
    }
    fn reconfigure(&mut self, params: &mut Params, _: u64, _: &mut Out) {
        std::mem::swap(&mut self.params, params);
    }
    fn command(&mut self, command: &mut NoCommand, _: u64, _: &mut Out) -> Result<(), CommandError> {
        match *command {}
    }
}

impl Processor for Counting {
    fn process(&mut self, events: &[Event], _: u64, out: &mut Out) {
        self.seen += events.len() as i64;
        self.property.set_int(self.seen);
        for event in events {
            let head = event.ump.head() & !(0xF << 16) | u32::from(self.params.channel) << 16;
            out.push(event.with(Ump::word(head)));
        }
    }
}

fn graph(world: &World, config: serde_json::Value, extra: usize) -> Graph {
    let mut builder = GraphBuilder::new()
        .node("keys", "keys", json!({}))
        .node("count", "counting", config)
        .node("synth", "synth", json!({}))
        .route("keys -> count -> synth");
    for n in 0..extra {
        let name = format!("extra{n}");
        builder = builder
            .node(name.clone(), "counting", json!({ "channel": 3 }))
            .route(format!("keys -> {name} -> side"));
    }
    builder
        .node("side", "side", json!({}))
        .route("keys -> side")
        .build(&world.registry)
        .unwrap_or_else(|e| panic!("{e}"))
}

fn world() -> (World, midibay::AppInput, Heard) {
    let mut world = World::default();
    world.registry.add_processor::<Counting>().unwrap();
    let (keys, heard) = (world.input("keys"), world.output("synth"));
    world.registry.add_sink("side", |_| ()).unwrap();
    (world, keys, heard)
}

#[test]
fn a_thousand_reloads_under_ten_thousand_events_a_second_lose_none() {
    let (world, keys, heard) = world();
    let engine = world.start_graph(graph(&world, json!({ "channel": 1 }), 0));
    let (done, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let player = {
        let (done, sent) = (Arc::clone(&done), Arc::clone(&sent));
        std::thread::spawn(move || {
            let begin = Instant::now();
            let mut n = 0_u64;
            while !done.load(Ordering::Relaxed) {
                let due = begin.elapsed().as_micros() as u64 / 100;
                while n < due {
                    // A queue that is full for a moment is tried again: what counts is what was taken.
                    let packet = Ump::control_change(0, 0, (n / 128 % 128) as u8, (n % 128) as u8);
                    while keys.send(packet).is_err() {
                        std::thread::yield_now();
                    }
                    n += 1;
                }
                std::thread::sleep(Duration::from_micros(200));
            }
            sent.store(n, Ordering::Relaxed);
        })
    };
    for n in 0..1000_usize {
        let config = json!({ "channel": n % 16 });
        let report = engine.reload(graph(&world, config, n % 3)).unwrap();
        assert!(report.replaced.is_empty());
        assert!(
            report.unchanged.contains(&"keys".to_owned()) && report.unchanged.contains(&"synth".to_owned())
        );
    }
    done.store(true, Ordering::Relaxed);
    player.join().unwrap();
    let sent = sent.load(Ordering::Relaxed);
    until("all have arrived", || heard.events().len() as u64 >= sent);
    let events = heard.events();
    assert_eq!(events.len() as u64, sent);
    for (n, event) in events.iter().enumerate() {
        let expected = (((n / 128 % 128) << 8) | (n % 128)) as u32;
        assert_eq!(event.ump.head() & 0x7F7F, expected, "event {n} is in its place");
    }
    let seen = engine.status().node("count").unwrap().properties["seen"].clone();
    assert_eq!(seen.as_u64(), Some(sent), "it is the same node all along");
    engine.stop().unwrap();
}

#[test]
fn a_reload_that_fails_leaves_everything_as_it_was() {
    let (world, keys, heard) = world();
    let engine = world.start_graph(graph(&world, json!({ "channel": 1 }), 0));
    keys.send(on(60)).unwrap();
    heard.until_count(1);
    let error = engine.reload(graph(&world, json!({ "channel": 2, "fails": true }), 2)).unwrap_err();
    assert_eq!(error.to_string(), "node `count` cannot start: it was told to fail");
    assert_eq!(engine.graph(), graph(&world, json!({ "channel": 1 }), 0));
    keys.send(off(60)).unwrap();
    heard.until(|events| events.last().unwrap().ump == Ump::note_off(0, 1, 60, 64));
    until("the node runs", || engine.status().node("count").unwrap().health == "ok");
    keys.send(on(61)).unwrap();
    heard.until(|events| events.last().unwrap().ump == Ump::note_on(0, 1, 61, 100));
    engine.stop().unwrap();
    assert!(heard.held().is_empty());
}

#[test]
fn a_node_that_must_be_replaced_releases_what_came_through_it() {
    let (world, keys, heard) = world();
    let engine = world.start_graph(graph(&world, json!({ "channel": 1 }), 0));
    keys.send(on(60)).unwrap();
    heard.until_count(1);
    let report = engine.reload(graph(&world, json!({ "channel": 2, "fixed": 1 }), 0)).unwrap();
    assert_eq!(report.replaced, ["count"]);
    assert_eq!(heard.packets()[1..], [Ump::note_off(0, 1, 60, 64)]);
    keys.send(on(61)).unwrap();
    heard.until_count(3);
    assert_eq!(heard.packets()[2], Ump::note_on(0, 2, 61, 100));
    engine.stop().unwrap();
}

#[test]
fn counters_survive_a_reload() {
    let (world, keys, heard) = world();
    let engine = world.start_graph(graph(&world, json!({ "channel": 1 }), 0));
    (0..10).for_each(|n| keys.send(on(n)).unwrap());
    heard.until_count(10);
    engine.reload(graph(&world, json!({ "channel": 2 }), 1)).unwrap();
    let status = engine.status();
    assert_eq!(status.node("count").unwrap().events_in, 10);
    assert_eq!(status.routes[0].events, 10);
    engine.stop().unwrap();
}

/// A graph in which `up` is not the last processor before the synth.
fn long_graph(world: &World, up: Option<serde_json::Value>) -> Graph {
    let builder = GraphBuilder::new()
        .node("keys", "keys", json!({}))
        .node("last", "passing", json!({}))
        .node("synth", "synth", json!({}))
        .node("side", "side", json!({}))
        .route("keys -> side");
    let builder = match up {
        Some(up) => builder.node("up", "counting", up).route("keys -> up -> last -> synth"),
        None => builder.route("keys -> last -> synth"),
    };
    builder.build(&world.registry).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn what_sounds_by_way_of_a_node_in_the_middle_ends_when_it_is_replaced_or_goes() {
    let (mut world, keys, heard) = world();
    world.registry.add_function("passing", |event, out| out.push(*event)).unwrap();
    let engine = world.start_graph(long_graph(&world, Some(json!({ "channel": 1 }))));
    keys.send(on(60)).unwrap();
    heard.until_count(1);
    engine.reload(long_graph(&world, Some(json!({ "channel": 2, "fixed": 1 })))).unwrap();
    assert_eq!(heard.packets(), [Ump::note_on(0, 1, 60, 100), Ump::note_off(0, 1, 60, 64)]);
    keys.send(on(61)).unwrap();
    heard.until_count(3);
    let report = engine.reload(long_graph(&world, None)).unwrap();
    assert_eq!(report.unchanged, ["keys", "last", "synth", "side"]);
    assert_eq!(heard.packets()[2..], [Ump::note_on(0, 2, 61, 100), Ump::note_off(0, 2, 61, 64)]);
    engine.stop().unwrap();
}

#[test]
fn a_note_that_a_surviving_route_holds_too_sounds_on_when_the_other_route_goes() {
    let mut world = World::default();
    let (left, right) = (world.input("left"), world.input("right"));
    let heard = world.output("synth");
    let both = ["left -> synth", "right -> synth"];
    let engine = world.start(&["left", "right", "synth"], &both);
    left.send(on(60)).unwrap();
    heard.until_count(1);
    right.send(on(60)).unwrap();
    right.send(on(70)).unwrap();
    heard.until_count(3);
    engine.reload(world.graph(&["left", "synth"], &both[..1])).unwrap();
    assert_eq!(heard.packets()[3..], [off(70)]);
    left.send(off(60)).unwrap();
    heard.until_count(5);
    engine.stop().unwrap();
}

#[test]
fn an_input_goes_on_under_another_name_and_after_a_reload_that_failed() {
    let (world, keys, heard) = world();
    let named = |name: &str, config: serde_json::Value| {
        GraphBuilder::new()
            .node(name, "keys", json!({}))
            .node("count", "counting", config)
            .node("synth", "synth", json!({}))
            .route(format!("{name} -> count -> synth"))
            .build(&world.registry)
            .unwrap_or_else(|e| panic!("{e}"))
    };
    let engine = world.start_graph(named("keys", json!({ "channel": 0 })));
    keys.send(on(1)).unwrap();
    heard.until_count(1);
    engine.reload(named("keyboard", json!({ "channel": 0, "fails": true }))).unwrap_err();
    keys.send(on(2)).unwrap();
    heard.until_count(2);
    engine.reload(named("keyboard", json!({ "channel": 0 }))).unwrap();
    keys.send(on(3)).unwrap();
    let events = heard.until(|events| events.iter().any(|e| e.ump == on(3)));
    let notes: Vec<Ump> = events.iter().map(|e| e.ump).filter(Ump::is_note_on).collect();
    assert_eq!(notes, [on(1), on(2), on(3)]);
    engine.stop().unwrap();
}

/// A device that only one node at a time can have.
fn device(name: &str) -> (serde_json::Value, Arc<Mutex<Vec<Ump>>>) {
    struct Taken(Arc<AtomicBool>);
    impl Drop for Taken {
        fn drop(&mut self) {
            self.0.store(false, Ordering::SeqCst);
        }
    }
    let (taken, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let options = {
        let sent = Arc::clone(&sent);
        script(name, move |_| {
            if taken.swap(true, Ordering::SeqCst) {
                return Err(NodeError::retry("the device is taken"));
            }
            let (taken, sent) = (Taken(Arc::clone(&taken)), Arc::clone(&sent));
            Ok(Box::new(move |call, _| {
                let _taken = &taken;
                if let Call::Events(events) = call {
                    sent.lock().unwrap().extend(events.iter().map(|e| e.ump));
                }
            }))
        })
    };
    (options, sent)
}

fn device_graph(world: &World, name: &str, options: &serde_json::Value, version: u32) -> Graph {
    let mut options = options.clone();
    options["version"] = version.into();
    GraphBuilder::new()
        .node("keys", "keys", json!({}))
        .node(name, "scripted", options)
        .route(format!("keys -> {name}"))
        .build(&world.registry)
        .unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn a_device_whose_node_makes_room_for_the_next_one_is_left_without_notes() {
    let (mut world, keys, _heard) = world();
    world.registry.add_endpoint::<Scripted>().unwrap();
    let (options, sent) = device("make-room");
    let engine = world.start_graph(device_graph(&world, "device", &options, 1));
    keys.send(on(60)).unwrap();
    until("it sounds", || sent.lock().unwrap().len() == 1);
    let report = engine.reload(device_graph(&world, "device", &options, 2)).unwrap();
    assert_eq!(report.replaced, ["device"]);
    assert_eq!(*sent.lock().unwrap(), [on(60), off(60)]);
    keys.send(on(61)).unwrap();
    until("the new one sends", || sent.lock().unwrap().len() == 3);
    engine.stop().unwrap();
    assert_eq!(sent.lock().unwrap()[2..], [on(61), off(61)]);
}

#[test]
fn a_node_under_another_name_gets_the_device_as_soon_as_the_old_one_is_ended() {
    let (mut world, _keys, _heard) = world();
    world.registry.add_endpoint::<Scripted>().unwrap();
    let (options, _sent) = device("renamed");
    let restart = midibay::Backoff { first: Duration::from_secs(600), most: Duration::from_secs(600) };
    let graph = device_graph(&world, "device", &options, 1);
    let options_of_engine = midibay::EngineOptions { restart, ..Default::default() };
    let engine = midibay::Engine::start(graph, world.registry.clone(), options_of_engine).unwrap();
    engine.reload(device_graph(&world, "lamp", &options, 1)).unwrap();
    until("it runs", || engine.status().node("lamp").unwrap().health == "ok");
    engine.stop().unwrap();
}

#[test]
fn a_node_that_waits_to_be_started_is_tried_at_once_with_other_options() {
    let (mut world, _keys, _heard) = world();
    world.registry.add_endpoint::<Scripted>().unwrap();
    let tries = Arc::new(AtomicU64::new(0));
    let options = {
        let tries = Arc::clone(&tries);
        script("at-once", move |_| match tries.fetch_add(1, Ordering::SeqCst) {
            0 => Err(NodeError::retry("not yet")),
            _ => Ok(Box::new(|_, _| ())),
        })
    };
    let graph = |live: u32| {
        let mut options = options.clone();
        options["live"] = live.into();
        device_graph(&world, "device", &options, 0)
    };
    let restart = midibay::Backoff { first: Duration::from_secs(600), most: Duration::from_secs(600) };
    let options_of_engine = midibay::EngineOptions { restart, ..Default::default() };
    let engine = midibay::Engine::start(graph(1), world.registry.clone(), options_of_engine).unwrap();
    assert_eq!(engine.status().node("device").unwrap().reason, "not yet");
    engine.reload(graph(2)).unwrap();
    until("it runs", || engine.status().node("device").unwrap().health == "ok");
    assert_eq!(tries.load(Ordering::SeqCst), 2);
    engine.stop().unwrap();
}
