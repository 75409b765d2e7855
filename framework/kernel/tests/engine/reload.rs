//! Reload: what did not change runs on and loses nothing; what cannot run changes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::common::*;
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
