//! The kernel as a library: several engines, node types from everywhere, errors that say what clashes.

use std::time::Duration;

use super::common::*;
use midibay::Registry;

#[test]
fn several_engines_in_one_process_keep_apart() {
    let mut worlds: Vec<(World, _, _)> = (0..4)
        .map(|_| {
            let mut world = World::default();
            let (keys, heard) = (world.input("keys"), world.output("synth"));
            (world, keys, heard)
        })
        .collect();
    let engines: Vec<_> = worlds.iter().map(|w| w.0.start(&["keys", "synth"], &["keys -> synth"])).collect();
    for (n, (_, keys, heard)) in worlds.iter_mut().enumerate() {
        keys.send(on(n as u8)).unwrap();
        assert_eq!(heard.until_count(1)[0].ump, on(n as u8));
    }
    for engine in engines {
        engine.ping(Duration::from_secs(5)).unwrap();
        engine.stop().unwrap();
    }
    for (n, (_, _, heard)) in worlds.iter().enumerate() {
        assert_eq!(heard.packets(), [on(n as u8), off(n as u8)]);
    }
}

#[test]
fn two_node_types_of_one_name_are_refused_with_both_origins() {
    let mut registry = Registry::new();
    registry.add_function("thru", |e, out| out.push(*e)).unwrap();
    let clash = registry.add_function("thru", |e, out| out.push(*e)).unwrap_err();
    assert_eq!(clash.type_name, "thru");
}

#[test]
fn an_idle_engine_answers_and_uses_no_time() {
    let mut world = World::default();
    let _keys = world.input("keys");
    let _heard = world.output("synth");
    let engine = world.start(&["keys", "synth"], &["keys -> synth"]);
    for _ in 0..100 {
        engine.ping(Duration::from_secs(5)).unwrap();
    }
    engine.stop().unwrap();
}
