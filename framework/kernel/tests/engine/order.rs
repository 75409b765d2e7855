//! Promise 1: events of one source arrive at one destination in the order they came.

use super::common::*;

#[test]
fn events_keep_their_order_through_fan_out_and_merge() {
    let mut world = World::default();
    let keys = world.input("keys");
    let heard = world.output("synth");
    world.registry.add_function("up", |e, out| out.push(e.with(Ump::note_on(0, 1, note(e), 1)))).unwrap();
    world.registry.add_function("down", |e, out| out.push(e.with(Ump::note_on(0, 2, note(e), 1)))).unwrap();
    world.registry.add_function("thru", |e, out| out.push(*e)).unwrap();
    let routes = ["keys -> up -> thru -> synth", "keys -> synth", "keys -> down -> synth"];
    let engine = world.start(&["keys", "up", "down", "thru", "synth"], &routes);

    const COUNT: usize = 20_000;
    for i in 0..COUNT {
        keys.send(on((i % 128) as u8)).unwrap();
    }
    let events = heard.until_count(COUNT * 3);
    for (i, three) in events.chunks(3).enumerate() {
        let notes: Vec<u8> = three.iter().map(note).collect();
        assert_eq!(notes, [(i % 128) as u8; 3], "at event {i}");
        let mut channels: Vec<u8> = three.iter().map(|e| e.ump.channel().unwrap()).collect();
        channels.sort();
        assert_eq!(channels, [0, 1, 2]);
    }
    engine.stop().unwrap();
}

#[test]
fn a_note_off_never_overtakes_its_note_on_where_branches_meet() {
    let mut world = World::default();
    let keys = world.input("keys");
    let heard = world.output("synth");
    world.registry.add_function("thru", |e, out| out.push(*e)).unwrap();
    let engine = world.start(&["keys", "thru", "synth"], &["keys -> synth", "keys -> thru -> synth"]);
    for _ in 0..1000 {
        keys.send(on(60)).unwrap();
        keys.send(off(60)).unwrap();
    }
    let events = heard.until_count(4000);
    for pair in events.chunks(2) {
        assert_eq!(pair[0].ump, pair[1].ump, "both branches of one event come together");
    }
    engine.stop().unwrap();
}

#[test]
fn a_processor_that_makes_many_events_of_one_loses_none() {
    let mut world = World::default();
    let keys = world.input("keys");
    let heard = world.output("synth");
    let many = |e: &midibay_plugin::Event, out: &mut midibay_plugin::Out| {
        for i in 0..5000_u32 {
            out.push(e.with(Ump::control_change(0, 0, (i % 128) as u8, (i / 128) as u8)));
        }
    };
    world.registry.add_function("many", many).unwrap();
    world.registry.add_function("thru", |e, out| out.push(*e)).unwrap();
    let engine = world.start(&["keys", "many", "thru", "synth"], &["keys -> many -> thru -> synth"]);
    keys.send(on(1)).unwrap();
    keys.send(on(2)).unwrap();
    let packets: Vec<Ump> = heard.until_count(10_000).iter().map(|e| e.ump).collect();
    let once: Vec<Ump> = (0..5000_u32).map(|i| cc((i % 128) as u8, (i / 128) as u8)).collect();
    assert!(packets[..5000] == once[..] && packets[5000..] == once[..], "whole and in order");
    engine.stop().unwrap();
}

use midibay_plugin::{Event, Ump};

fn note(event: &Event) -> u8 {
    (event.ump.head() >> 8) as u8 & 0x7F
}
