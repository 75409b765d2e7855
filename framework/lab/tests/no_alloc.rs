//! Nothing on the event path takes or gives back memory: an engine with every built-in node, real UDP
//! and a real piece runs under an allocator that ends the program when it is asked on that path.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use midibay::graph::{Graph, GraphBuilder};
use midibay::{Engine, EngineOptions, Registry};
use serde_json::json;

#[cfg(debug_assertions)]
#[global_allocator]
static ALLOCATOR: midibay_plugin::testing::AllocDisabler = midibay_plugin::testing::AllocDisabler;

fn registry() -> Registry {
    let mut registry = Registry::new();
    midibay_bundle::modules().into_iter().for_each(|module| registry.add(module).unwrap());
    registry
}

fn graph(registry: &Registry, listen: u16, peer: u16, out: &std::path::Path, semitones: i8) -> Graph {
    let piece = lab::artifact::repository().join("examples/media/prelude.mid");
    GraphBuilder::new()
        .node("piece", "file", json!({ "path": piece, "speed": 20, "loop": true }))
        .node(
            "wire",
            "ip-midi",
            json!({ "listen": format!("127.0.0.1:{listen}"), "peers": [format!("127.0.0.1:{peer}")] }),
        )
        .node("tape", "file", json!({ "path": out, "mode": "record" }))
        .node("keep", "filter", json!({ "drop": ["active-sensing"], "notes": ["0..120"] }))
        .node("up", "transpose", json!({ "semitones": semitones, "out-of-range": "fold" }))
        .node("bent", "curve", json!({ "shape": "exp" }))
        .node("moved", "remap", json!({ "channels": { "3": 4 } }))
        .node("pick", "switch", json!({ "inputs": ["a", "b"], "auto": ["activity", "loss"] }))
        .node(
            "zones",
            "split",
            json!({ "zone": [{ "name": "low", "notes": "0..59" }, { "name": "high", "notes": "60..127" }] }),
        )
        .node("thin", "limit", json!({ "rate": 100 }))
        .node("show", "monitor", json!({ "to": "none" }))
        .route("piece -> keep -> up -> bent -> moved -> pick:a")
        .route("wire -> pick:b")
        .route("pick -> zones")
        .route("zones:low -> thin -> show -> tape")
        .route("zones:high -> wire")
        .route("piece -> wire")
        .route("wire.ch1.cc{0..63} -> tape.ch2.note{0..63}")
        .route("piece.ch1.note{0..127} -> wire.ch16.nrpn{0..127}")
        .build(registry)
        .unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn a_show_with_every_node_runs_without_memory() {
    let registry = registry();
    let folder = tempfile::tempdir().unwrap();
    let script = UdpSocket::bind("127.0.0.1:0").unwrap();
    let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let peer = script.local_addr().unwrap().port();
    let build = |semitones| graph(&registry, free.port(), peer, &folder.path().join("take.mid"), semitones);
    let engine = Engine::start(build(5), registry.clone(), EngineOptions::default()).unwrap();

    let began = Instant::now();
    let mut round = 0_u32;
    while began.elapsed() < Duration::from_secs(3) {
        let (number, value) = ((round % 128) as u8, (round / 3 % 128) as u8);
        let datagram =
            [0x90, number, value, 0xB0, number, value, 0xE0, 0, value, 0xF0, 1, 2, 3, 4, 5, 6, 7, 8, 0xF7];
        script.send_to(&datagram, free).unwrap();
        if round.is_multiple_of(200) {
            engine.reload(build((round / 200 % 24) as i8 - 12)).unwrap();
            engine.command("pick", "next", &json!(null)).unwrap();
            engine.command("piece", "seek", &json!({ "to": f64::from(round % 30) })).unwrap();
        }
        round += 1;
        std::thread::sleep(Duration::from_micros(300));
    }
    let status = engine.status();
    for name in ["keep", "up", "bent", "moved", "pick", "zones", "thin", "show", "tape", "wire"] {
        let node = status.node(name).unwrap();
        assert!(node.events_in > 100, "{name} had work: {node:?}");
        assert_eq!((node.health, node.restarts), ("ok", 0), "{name}: {}", node.reason);
    }
    engine.stop().unwrap();
}

#[cfg(debug_assertions)]
#[test]
fn the_allocator_would_have_noticed() {
    // A process of its own, since it is ended.
    if std::env::var_os("MIDIBAY_ALLOCATES").is_some() {
        let mut registry = Registry::new();
        let input = registry.add_input("in", 4).unwrap();
        registry.add_sink("out", |events| drop(events.to_vec())).unwrap();
        let graph =
            GraphBuilder::new().node("in", "in", json!({})).node("out", "out", json!({})).route("in -> out");
        let engine =
            Engine::start(graph.build(&registry).unwrap(), registry, EngineOptions::default()).unwrap();
        input.send(midibay_ump::Ump::note_on(0, 0, 1, 1)).unwrap();
        while engine.ping(Duration::from_secs(1)).is_ok()
            && engine.status().node("out").unwrap().events_in == 0
        {}
        engine.stop().unwrap();
        return;
    }
    let this = std::env::current_exe().unwrap();
    let ended = std::process::Command::new(this)
        .args(["--exact", "the_allocator_would_have_noticed", "--nocapture"])
        .env("MIDIBAY_ALLOCATES", "1")
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(!ended.success());
}
