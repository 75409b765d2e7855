//! Promise 3: every queue has a size and a counter.

use super::common::*;
use midibay::{AppInputError, Registry};

#[test]
fn an_apps_queue_says_when_it_is_full() {
    let mut registry = Registry::new();
    let input = registry.add_input("in", 4).unwrap();
    (0..4).for_each(|n| input.send(on(n)).unwrap());
    assert_eq!(input.send(on(4)), Err(AppInputError));
}

#[test]
fn a_flood_is_counted_to_the_last_event() {
    let mut world = World::default();
    let keys = world.input("keys");
    let heard = world.output("synth");
    let engine = world.start(&["keys", "synth"], &["keys -> synth"]);
    let mut sent = 0_u64;
    for i in 0..300_000_u32 {
        sent += u64::from(keys.send(cc((i % 100) as u8, (i % 128) as u8)).is_ok());
    }
    until("all have arrived", || heard.events().len() as u64 == sent);
    let status = engine.status();
    assert_eq!(status.node("keys").unwrap().events_out, sent);
    assert_eq!(status.node("synth").unwrap().events_in, sent);
    assert_eq!(status.routes[0].events, sent);
    assert_eq!(status.routes[0].latency.count, sent);
    assert!(status.routes[0].latency.p50 > 0);
    engine.stop().unwrap();
}
