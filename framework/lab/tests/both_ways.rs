//! Each built-in processor runs linked in and loaded from a library, and does the same to the same events.

use std::time::Duration;

use midibay_plugin::abi::RawNodeType;
use midibay_plugin::testing::Rig;
use midibay_plugin::{Event, Module, Ump};
use serde_json::{Value, json};

/// Two sets of options for each processor type, the second to go over to as it runs.
fn options(type_name: &str) -> [Value; 2] {
    match type_name {
        "filter" => [json!({ "channels": [1, 2], "drop": ["aftertouch"] }), json!({ "notes": ["40..80"] })],
        "transpose" => [json!({ "semitones": 7 }), json!({ "semitones": -12, "out-of-range": "fold" })],
        "curve" => [json!({ "shape": "log" }), json!({ "shape": "gamma", "gamma": 0.5 })],
        "remap" => [json!({ "channels": { "1": 3 } }), json!({ "notes": { "60": 61 } })],
        "switch" => [json!({ "inputs": ["a", "b"] }), json!({ "inputs": ["a", "b"], "auto": ["activity"] })],
        "split" => {
            let zones = |split: u8| {
                json!({ "zone": [
                { "name": "low", "notes": format!("0..{split}") },
                { "name": "high", "notes": format!("{}..127", split + 1) },
            ] })
            };
            [zones(59), zones(47)]
        }
        "limit" => [json!({ "rate": 50 }), json!({ "rate": 200 })],
        "monitor" => [json!({ "to": "none" }), json!({ "to": "none", "hide": ["clock"] })],
        other => panic!("say with which options `{other}` is tried"),
    }
}

/// A bit of everything, the same each time.
fn stream() -> Vec<Event> {
    let mut seed = 0x2545_F491_u32;
    let mut random = |below: u32| {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed % below
    };
    (0..3000)
        .map(|n| {
            let (channel, number, value) = (random(4) as u8, 36 + random(48) as u8, random(128) as u8);
            let ump = match random(9) {
                0..=2 => Ump::note_on(0, channel, number, value),
                3 | 4 => Ump::note_off(0, channel, number, value),
                5 => Ump::control_change(0, channel, number, value),
                6 => Ump::pitch_bend(0, channel, u16::from(value) << 7),
                7 => Ump::poly_pressure(0, channel, number, value),
                _ => Ump::note_on2(0, channel, number, u16::from(value) << 9),
            };
            Event { source: 1, order: n, ..Event::new(1_000_000_000, ump) }
        })
        .collect()
}

fn processors(module: Module) -> Vec<RawNodeType> {
    module.into_raw().node_types.into_iter().filter(|t| t.kind == 1).collect()
}

/// What a processor makes of the stream, of new options half-way, and of the time that passes.
fn play(node_type: RawNodeType) -> Vec<Event> {
    let [first, second] = options(&node_type.name);
    let mut rig = Rig::of_type(node_type, first).unwrap();
    let stream = stream();
    let mut out = Vec::new();
    for (half, events) in stream.chunks(1500).enumerate() {
        if half == 1 {
            out.extend(rig.reconfigure(second.clone()).unwrap());
        }
        for batch in events.chunks(7) {
            out.extend(rig.send(batch));
            out.extend(rig.advance(Duration::from_micros(700)));
        }
    }
    out.extend(rig.source_lost(0, 1));
    out
}

#[test]
fn every_processor_does_the_same_linked_in_and_loaded() {
    let library = lab::artifact::build_example("midibay-bundle", "bundled").unwrap_or_else(|e| panic!("{e}"));
    let loaded = processors(midibay_plugin::load::open(&library).unwrap());
    let mut tried = Vec::new();
    for module in midibay_bundle::modules() {
        for linked in processors(module) {
            let twin = loaded.iter().find(|t| t.name == linked.name).expect("the library has it too").clone();
            assert_eq!(linked.schema, twin.schema);
            let name = linked.name.to_string();
            let (here, there) = (play(linked), play(twin));
            assert!(here.len() > 100, "{name} lets {} events through", here.len());
            assert_eq!(here, there, "{name}");
            tried.push(name);
        }
    }
    tried.sort();
    assert_eq!(tried, ["curve", "filter", "limit", "monitor", "remap", "split", "switch", "transpose"]);
}
