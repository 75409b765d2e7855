//! Promise 2: what a source holds at a destination is released when the source vanishes, and nothing
//! else is.

use super::common::*;
use midibay_plugin::Ump;

#[test]
fn a_note_and_a_pedal_held_by_a_lost_source_are_released() {
    let mut world = World::default();
    let keys = world.input("keys");
    let heard = world.output("synth");
    let engine = world.start(&["keys", "synth"], &["keys -> synth"]);
    for packet in [on(60), on(64), off(64), cc(64, 127), cc(7, 90)] {
        keys.send(packet).unwrap();
    }
    keys.source_lost().unwrap();
    let packets: Vec<Ump> = heard.until_count(7).iter().map(|e| e.ump).collect();
    assert_eq!(packets[5..], [off(60), cc(64, 0)], "the held note and the pedal, and nothing else");
    engine.stop().unwrap();
}

#[test]
fn a_note_that_another_source_holds_too_sounds_on() {
    let mut world = World::default();
    let (left, right) = (world.input("left"), world.input("right"));
    let heard = world.output("synth");
    let engine = world.start(&["left", "right", "synth"], &["left -> synth", "right -> synth"]);
    left.send(on(60)).unwrap();
    left.send(on(62)).unwrap();
    heard.until_count(2);
    right.send(on(60)).unwrap();
    heard.until_count(3);
    left.source_lost().unwrap();
    heard.until_count(4);
    assert_eq!(heard.packets()[3], off(62));
    right.source_lost().unwrap();
    heard.until_count(5);
    assert_eq!(heard.packets()[4..], [off(60)]);
    engine.stop().unwrap();
}

#[test]
fn the_release_reaches_the_destination_as_the_note_did_through_processors() {
    let mut world = World::default();
    let keys = world.input("keys");
    let heard = world.output("synth");
    let up = |e: &midibay_plugin::Event, out: &mut midibay_plugin::Out| {
        let head = e.ump.head();
        out.push(e.with(Ump::word(head + (12 << 8))));
    };
    world.registry.add_function("up", up).unwrap();
    let engine = world.start(&["keys", "up", "synth"], &["keys -> up -> synth"]);
    keys.send(on(60)).unwrap();
    heard.until_count(1);
    keys.source_lost().unwrap();
    heard.until_count(2);
    assert_eq!(heard.packets(), [on(72), off(72)]);
    engine.stop().unwrap();
}

#[test]
fn stopping_releases_everything_everywhere() {
    let mut world = World::default();
    let keys = world.input("keys");
    let (synth, desk) = (world.output("synth"), world.output("desk"));
    let engine = world.start(&["keys", "synth", "desk"], &["keys -> synth", "keys -> desk"]);
    (0..128).for_each(|note| keys.send(on(note)).unwrap());
    keys.send(cc(66, 100)).unwrap();
    synth.until_count(129);
    engine.stop().unwrap();
    for heard in [synth, desk] {
        assert_eq!(heard.packets().len(), 258);
        assert!(heard.held().is_empty());
    }
}

#[test]
fn dropping_the_handle_stops_too() {
    let mut world = World::default();
    let keys = world.input("keys");
    let heard = world.output("synth");
    let engine = world.start(&["keys", "synth"], &["keys -> synth"]);
    keys.send(on(1)).unwrap();
    heard.until_count(1);
    drop(engine);
    assert_eq!(heard.packets(), [on(1), off(1)]);
}

#[test]
fn a_route_removed_by_a_reload_releases_what_it_held_and_the_other_route_goes_on() {
    let mut world = World::default();
    let keys = world.input("keys");
    let (synth, desk) = (world.output("synth"), world.output("desk"));
    let all = ["keys", "synth", "desk"];
    let engine = world.start(&all, &["keys -> synth", "keys -> desk"]);
    keys.send(on(60)).unwrap();
    synth.until_count(1);
    desk.until_count(1);
    engine.reload(world.graph(&["keys", "desk"], &["keys -> desk"])).unwrap();
    assert_eq!(synth.packets(), [on(60), off(60)]);
    assert_eq!(desk.packets(), [on(60)], "it sounds on where nothing changed");
    keys.send(off(60)).unwrap();
    desk.until_count(2);
    assert_eq!(desk.packets(), [on(60), off(60)]);
    engine.stop().unwrap();
}

#[test]
fn a_removed_source_releases_what_it_held_by_way_of_a_processor_that_stays() {
    let mut world = World::default();
    let (left, right) = (world.input("left"), world.input("right"));
    let heard = world.output("synth");
    world.registry.add_function("thru", |e, out| out.push(*e)).unwrap();
    let both = ["left -> thru -> synth", "right -> thru -> synth"];
    let engine = world.start(&["left", "right", "thru", "synth"], &both);
    left.send(on(60)).unwrap();
    heard.until_count(1);
    right.send(on(70)).unwrap();
    heard.until_count(2);
    engine.reload(world.graph(&["right", "thru", "synth"], &both[1..])).unwrap();
    assert_eq!(heard.packets(), [on(60), on(70), off(60)]);
    engine.stop().unwrap();
    assert!(heard.held().is_empty());
}

#[test]
fn midi_2_notes_are_released_in_midi_2() {
    let mut world = World::default();
    let keys = world.input("keys");
    let heard = world.output("synth");
    let engine = world.start(&["keys", "synth"], &["keys -> synth"]);
    keys.send(Ump::note_on2(3, 5, 60, 0xFFFF)).unwrap();
    heard.until_count(1);
    keys.source_lost().unwrap();
    heard.until_count(2);
    assert_eq!(heard.packets()[1], Ump::note_off2(3, 5, 60, 0x8000));
    engine.stop().unwrap();
}
