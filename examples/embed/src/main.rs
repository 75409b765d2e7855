//! An app with a MIDI patchbay inside.
//!
//! It has two graphs, each on an engine of its own: `keys` moves what the app plays, and `lights` turns
//! the app's faders into other controls. The app is on both ends of each: it sends
//! packets in, and takes out what comes. No device is needed, and nothing here is global: Midibay
//! installs no logger, no panic hook and no signal handler, and never ends the program.

mod ears;

use std::error::Error;
use std::time::Duration;

use midibay::config::{self, LoadOptions};
use midibay::graph::{Graph, GraphBuilder};
use midibay::{AppInput, Engine, EngineOptions, Registry};
use midibay_ump::Ump;
use serde_json::json;

use ears::Ears;

fn main() -> Result<(), Box<dyn Error>> {
    // What graphs may use. A program for everybody would load plugin libraries here too
    // (`Registry::load_all`).
    let mut registry = Registry::new();
    registry.add(midibay_transpose::module())?;
    registry.add(midibay_filter::module())?;

    // A processor made of a closure: it is called for each event on the engine's real-time thread, so
    // it must not wait and not take memory.
    registry.add_function("softer", |event, out| {
        let ump = event.ump;
        match (ump.channel(), ump.note()) {
            (Some(channel), Some(note)) if ump.is_note_on() => {
                let velocity = (ump.data2() / 2).max(1);
                out.push(event.with(Ump::note_on(ump.group(), channel, note, velocity)));
            }
            _ => out.push(*event),
        }
    })?;

    // The app's own ends of the graphs.
    let keys = registry.add_input("app-keys", 1024)?;
    let faders = registry.add_input("app-faders", 1024)?;
    let (synth, lights) = (Ears::new(), Ears::new());
    registry.add_sink("app-synth", synth.sink())?;
    registry.add_sink("app-lights", lights.sink())?;

    // One graph made by code, the other read from a text. A file is read by `config::load`.
    let keys_engine = start("keys", keys_graph(&registry)?, &registry)?;
    let lights_engine = start("lights", lights_graph(&registry)?, &registry)?;

    println!("A key, an octave up, at half its velocity:");
    play(&keys, 60)?;
    synth.print(2)?;

    println!("The same after a command to the node `up`:");
    keys_engine.command("up", "shift", &json!({ "semitones": 7 }))?;
    play(&keys, 60)?;
    synth.print(2)?;

    println!("A fader, as another control:");
    faders.send(Ump::control_change(0, 0, 7, 100))?;
    lights.print(1)?;

    // While a key is down the graph is changed: what sounds by way of a node that goes is released.
    println!("A reload under a held key:");
    keys.send(Ump::note_on(0, 0, 48, 100))?;
    synth.print(1)?;
    let report = keys_engine.reload(plain_keys_graph(&registry)?)?;
    println!("  removed: {}; runs on: {}", report.removed.join(", "), report.unchanged.join(", "));
    synth.print(1)?;

    for engine in [&keys_engine, &lights_engine] {
        let status = engine.status();
        for node in &status.nodes {
            println!(
                "{}/{}: {}, {} in, {} out",
                status.name, node.name, node.health, node.events_in, node.events_out
            );
        }
    }

    // What is still held is released when an engine stops.
    println!("A key held at the end:");
    keys.send(Ump::note_on(0, 0, 72, 100))?;
    synth.print(1)?;
    keys_engine.stop()?;
    synth.print(1)?;
    lights_engine.stop()?;
    Ok(())
}

fn start(name: &str, graph: Graph, registry: &Registry) -> Result<Engine, Box<dyn Error>> {
    let options = EngineOptions { name: name.to_owned(), ..EngineOptions::default() };
    Ok(Engine::start(graph, registry.clone(), options)?)
}

fn keys_graph(registry: &Registry) -> Result<Graph, Box<dyn Error>> {
    let graph = GraphBuilder::new()
        .node("keys", "app-keys", json!({}))
        .node("notes", "filter", json!({ "keep": ["note"] }))
        .node("up", "transpose", json!({ "semitones": 12 }))
        .node("half", "softer", json!({}))
        .node("synth", "app-synth", json!({}))
        .route("keys -> notes -> up -> half -> synth")
        .build(registry)?;
    Ok(graph)
}

/// The same without moving anything.
fn plain_keys_graph(registry: &Registry) -> Result<Graph, Box<dyn Error>> {
    let graph = GraphBuilder::new()
        .node("keys", "app-keys", json!({}))
        .node("notes", "filter", json!({ "keep": ["note"] }))
        .node("half", "softer", json!({}))
        .node("synth", "app-synth", json!({}))
        .route("keys -> notes -> half -> synth")
        .build(registry)?;
    Ok(graph)
}

fn lights_graph(registry: &Registry) -> Result<Graph, Box<dyn Error>> {
    let text = r#"
        [node.faders]
        type = "app-faders"

        [node.lights]
        type = "app-lights"

        [graph]
        routes = ["faders.ch1.cc{1..8} -> lights.ch1.cc{21..28}"]
    "#;
    // What is wrong with a graph prints with its place and what to do about it.
    let loaded = config::parse(text, "lights", &LoadOptions::default(), registry)?;
    Ok(loaded.graph)
}

fn play(keys: &AppInput, note: u8) -> Result<(), Box<dyn Error>> {
    keys.send(Ump::note_on(0, 0, note, 100))?;
    // Any thread may send, at any time.
    std::thread::sleep(Duration::from_millis(10));
    keys.send(Ump::note_off(0, 0, note, 64))?;
    Ok(())
}
