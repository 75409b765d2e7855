//! How fast the engine is without any network: events a second through chains of processors, linked in
//! and loaded from a library; whether the size of the rest of the graph matters; how long 65,000 control
//! maps take to load. The floor, in the same run, is a plain copy of the same events.
//!
//! `cargo bench -p midibay-lab --bench engine`

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use midibay::graph::GraphBuilder;
use midibay::{Engine, EngineOptions, Registry, config};
use midibay_plugin::{
    CommandError, ConfigError, Endpoint, Event, Host, NoCommand, Node, NodeError, Out, Ready, Ump,
};
use serde_json::json;

/// Pushes notes and controllers as fast as they are taken: `events` of them, `batch` at a time.
struct Source {
    left: u64,
    batch: u64,
    next: u64,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Config {
    events: u64,
    batch: u64,
}

impl Node for Source {
    const TYPE: &'static str = "source";
    const ABOUT: &'static str = "Pushes events as fast as they are taken.";
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
        Ok(Self { left: config.events, batch: config.batch, next: 0 })
    }
    fn reconfigure(&mut self, _: &mut Config, _: u64, _: &mut Out) {}
    fn command(&mut self, command: &mut NoCommand, _: u64, _: &mut Out) -> Result<(), CommandError> {
        match *command {}
    }
    fn tick(&mut self, now: u64, out: &mut Out) {
        for _ in 0..self.batch.min(self.left) {
            let (note, on) = ((self.next / 2 % 128) as u8, self.next.is_multiple_of(2));
            out.push(Event::new(
                now,
                if on { Ump::note_on(0, 0, note, 100) } else { Ump::note_off(0, 0, note, 64) },
            ));
            self.next += 1;
        }
        self.left -= self.batch.min(self.left);
        if self.left > 0 {
            out.wake_at(now);
        }
    }
}

impl Endpoint for Source {
    fn ready(&mut self, _: Ready, now: u64, out: &mut Out) {
        self.tick(now, out);
    }
    fn send(&mut self, _: &[Event], _: u64, _: &mut Out) {}
}

struct Count {
    events: AtomicU64,
    first: AtomicU64,
    last: AtomicU64,
}

/// Runs a graph's source dry and gives the nanoseconds an event, from the first arrival to the last.
fn run(mut registry: Registry, build: impl Fn(GraphBuilder) -> GraphBuilder, events: u64, batch: u64) -> f64 {
    let count =
        Arc::new(Count { events: AtomicU64::new(0), first: AtomicU64::new(0), last: AtomicU64::new(0) });
    let counting = Arc::clone(&count);
    registry.add_endpoint::<Source>().expect("a new name");
    let sink = move |events: &[Event]| {
        let now = midibay::clock::now();
        if counting.events.fetch_add(events.len() as u64, Ordering::Relaxed) == 0 {
            counting.first.store(now, Ordering::Relaxed);
        }
        counting.last.store(now, Ordering::Relaxed);
    };
    registry.add_sink("sink", sink).expect("a new name");
    let graph = build(GraphBuilder::new())
        .node("source", "source", json!({ "events": events, "batch": batch }))
        .node("sink", "sink", json!({}))
        .build(&registry)
        .unwrap_or_else(|e| panic!("{e}"));
    let engine = Engine::start(graph, registry, EngineOptions::default()).expect("the graph starts");
    let deadline = Instant::now() + Duration::from_secs(60);
    while count.events.load(Ordering::Relaxed) < events {
        assert!(Instant::now() < deadline, "{} of {events}", count.events.load(Ordering::Relaxed));
        std::thread::sleep(Duration::from_millis(1));
    }
    engine.stop().expect("the engine stops");
    (count.last.load(Ordering::Relaxed) - count.first.load(Ordering::Relaxed)) as f64 / events as f64
}

/// The median of several runs.
fn median(mut one: impl FnMut() -> f64) -> f64 {
    let mut runs: Vec<f64> = (0..5).map(|_| one()).collect();
    runs.sort_by(f64::total_cmp);
    runs[runs.len() / 2]
}

fn show(what: &str, ns: f64) {
    println!("{what:<66} {ns:>8.1} ns/event {:>8.1} M events/s", 1e3 / ns);
}

/// The work that no router can do without: each event is written once and read once.
fn floor() -> f64 {
    let events: Vec<Event> = (0..256).map(|n| Event::new(n, Ump::note_on(0, 0, n as u8 & 0x7F, 1))).collect();
    let mut copy = events.clone();
    let started = Instant::now();
    const ROUNDS: u64 = 100_000;
    for _ in 0..ROUNDS {
        copy.copy_from_slice(black_box(&events));
        black_box(&mut copy);
    }
    started.elapsed().as_nanos() as f64 / (ROUNDS * 256) as f64
}

fn built_in() -> Registry {
    let mut registry = Registry::new();
    for module in midibay_bundle::modules() {
        registry.add(module).expect("names are unique");
    }
    registry
}

fn loaded() -> Registry {
    let library = lab::artifact::build_example("midibay-bundle", "bundled").expect("the library builds");
    let mut registry = Registry::new();
    registry.load(&library).expect("the library loads");
    registry
}

fn chain(builder: GraphBuilder) -> GraphBuilder {
    builder
        .node("f", "filter", json!({ "channels": [1], "drop": ["aftertouch"] }))
        .node("t", "transpose", json!({ "semitones": 12, "out-of-range": "fold" }))
        .node("c", "curve", json!({ "shape": "log" }))
        .route("source -> f -> t -> c -> sink")
}

/// `others` further chains that nothing flows through.
fn crowd(builder: GraphBuilder, others: usize) -> GraphBuilder {
    (0..others).fold(chain(builder), |b, n| {
        let (idle, to) = (format!("idle{n}"), format!("to{n}"));
        b.node(idle.clone(), "source", json!({ "events": 0, "batch": 1 }))
            .node(to.clone(), "transpose", json!({ "semitones": 1 }))
            .route(format!("{idle} -> {to} -> sink"))
    })
}

fn maps(builder: GraphBuilder, count: usize) -> GraphBuilder {
    // The notes that are played are mapped in any case; the rest are other controls.
    let builder = builder.route("source.ch1.note{0..9} -> sink.ch2.cc{10..19}");
    let rest = count.saturating_sub(10);
    let mut builder = builder;
    for block in 0..rest.div_ceil(16_000) {
        let size = (rest - block * 16_000).min(16_000);
        let route =
            format!("source.ch{}.nrpn{{0..{}}} -> sink.ch3.nrpn{{0..{}}}", block + 2, size - 1, size - 1);
        builder = builder.route(route);
    }
    builder
}

fn main() {
    // `cargo test --benches` only asks whether it runs.
    let quick = !std::env::args().any(|a| a == "--bench");
    let events: u64 = if quick { 10_000 } else { 5_000_000 };
    println!("floor: copying events                                              {:>8.1} ns/event", floor());
    show("source -> sink", median(|| run(built_in(), |b| b.route("source -> sink"), events, 64)));
    let linked = median(|| run(built_in(), chain, events, 64));
    show("filter -> transpose -> curve, linked in, 64 events a batch", linked);
    show("the same, 1 event a batch", median(|| run(built_in(), chain, events / 4, 1)));
    if !quick {
        show(
            "the same, loaded from a library, 64 events a batch",
            median(|| run(loaded(), chain, events, 64)),
        );
        show(
            "the same, loaded from a library, 1 event a batch",
            median(|| run(loaded(), chain, events / 4, 1)),
        );
    }
    show(
        "filter -> transpose -> curve beside 1,000 other nodes",
        median(|| run(built_in(), |b| crowd(b, 500), events, 64)),
    );
    for count in [10, 65_000] {
        let what = format!("{count} control maps");
        // A tenth of the notes is mapped, so the events are counted at the plain route.
        let through = |b: GraphBuilder| maps(b, count).route("source -> sink");
        let ns = median(|| run(built_in(), through, events, 64));
        show(&what, ns);
    }

    let mut registry = built_in();
    registry.add_endpoint::<Source>().expect("a new name");
    registry.add_sink("sink", |_| ()).expect("a new name");
    let text = maps(GraphBuilder::new(), 65_000)
        .node("source", "source", json!({ "events": 0, "batch": 1 }))
        .node("sink", "sink", json!({}))
        .to_toml();
    let load = median(|| {
        let started = Instant::now();
        let loaded = config::parse(&text, "maps.toml", &config::LoadOptions::default(), &registry);
        let loaded = loaded.unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(loaded.graph.maps.len(), 65_000);
        let engine =
            Engine::start(loaded.graph, registry.clone(), EngineOptions::default()).expect("it starts");
        let took = started.elapsed();
        engine.stop().expect("it stops");
        took.as_secs_f64() * 1e3
    });
    println!("65,000 control maps, from the text to the running engine             {load:>6.1} ms");
}
