//! Nodes that are called within each other's calls, since an input on the way was full; and what nodes do
//! there that they seldom do.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::common::*;
use super::scripted::{Call, always, script};
use midibay::graph::{GraphBuilder, TriggerBuilder};
use midibay_plugin::{Event, Out, Ump, Waker};
use serde_json::{Value, json};

fn many(event: &Event, out: &mut Out, count: u32) {
    (0..count).for_each(|_| out.push(*event));
}

/// `keys` and `synth` of the app, scripted endpoints and processors, and routes.
fn start(
    world: &mut World,
    endpoints: &[(&str, &Value)],
    processors: &[(&str, &Value)],
    routes: &[&str],
) -> midibay::Engine {
    world.registry.add_endpoint::<super::scripted::Scripted>().unwrap();
    world.registry.add_processor::<super::scripted::ScriptedProcessor>().unwrap();
    let mut builder = GraphBuilder::new().node("keys", "keys", json!({})).node("synth", "synth", json!({}));
    for (name, options) in endpoints {
        builder = builder.node(*name, "scripted", (*options).clone());
    }
    for (name, options) in processors {
        builder = builder.node(*name, "scripted-processor", (*options).clone());
    }
    let builder = routes.iter().fold(builder, |b, r| b.route(*r));
    world.start_graph(builder.build(&world.registry).unwrap_or_else(|e| panic!("{e}")))
}

fn world() -> (World, midibay::AppInput, Heard) {
    let mut world = World::default();
    let (keys, heard) = (world.input("keys"), world.output("synth"));
    (world, keys, heard)
}

#[test]
fn a_loss_that_an_endpoint_tells_while_sending_comes_after_what_it_pushed_before() {
    let (mut world, keys, heard) = world();
    let device = always("loss-after", |call, out| {
        if let Call::Events(events) = call {
            out.push(events[0].with(on(60)));
            out.source_lost(0);
            out.push(events[0].with(on(61)));
        }
    });
    let engine = start(&mut world, &[("device", &device)], &[], &["keys -> device", "device -> synth"]);
    keys.send(on(1)).unwrap();
    heard.until_count(3);
    assert_eq!(heard.packets(), [on(60), off(60), on(61)]);
    engine.stop().unwrap();
    assert!(heard.held().is_empty());
}

#[test]
fn a_processor_is_never_called_while_it_is_in_a_call() {
    let (mut world, keys, heard) = world();
    let (busy, twice) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let told = Arc::new(AtomicU32::new(0));
    let middle = {
        let (busy, twice, told) = (Arc::clone(&busy), Arc::clone(&twice), Arc::clone(&told));
        always("never-twice-middle", move |call, out| {
            twice.fetch_or(busy.swap(true, SeqCst), SeqCst);
            match call {
                Call::Events(events) => events.iter().for_each(|event| many(event, out, 3000)),
                Call::SourceLost(..) => {
                    told.fetch_add(1, SeqCst);
                }
                _ => {}
            }
            busy.store(false, SeqCst);
        })
    };
    let device = always("never-twice-device", |call, out| {
        if let Call::Events(_) = call {
            out.source_lost(0);
        }
    });
    let routes = ["keys -> middle -> device", "device -> middle -> synth"];
    let engine = start(&mut world, &[("device", &device)], &[("middle", &middle)], &routes);
    keys.send(on(1)).unwrap();
    heard.until_count(3000);
    until("it was told", || told.load(SeqCst) > 0);
    assert!(!twice.load(SeqCst));
    engine.stop().unwrap();
}

#[test]
fn a_panic_at_the_end_of_a_full_path_reaches_the_processors_behind_it() {
    let (mut world, _keys, heard) = world();
    let flood = script("end-flood", |_| {
        let mut once = Some(Event::new(1, on(1)));
        Ok(Box::new(move |_, out| once.take().iter().for_each(|event| many(event, out, 2000))))
    });
    let twice = |name: &str| {
        always(name, |call, out| match call {
            Call::Events(events) => events.iter().for_each(|event| many(event, out, 2)),
            Call::SourceLost(..) => many(&Event::new(1, cc(1, 1)), out, 3000),
            _ => {}
        })
    };
    let [a, b, c, d] = ["end-a", "end-b", "end-c", "end-d"].map(twice);
    let device = always("end-device", |call, _| assert!(!matches!(call, Call::Events(_)), "unlucky"));
    let engine = start(
        &mut world,
        &[("flood", &flood), ("device", &device)],
        &[("a", &a), ("b", &b), ("c", &c), ("d", &d)],
        &["flood -> a -> b -> device", "device -> c -> d -> synth"],
    );
    // Both are told: c makes 3000 events of it, of which d makes 6000, and d itself 3000.
    heard.until_count(9000);
    engine.ping(Duration::from_secs(5)).unwrap();
    engine.stop().unwrap();
}

#[test]
fn a_node_that_panicked_is_woken_when_it_is_back_and_does_not_get_the_same_events_again() {
    let (mut world, keys, _heard) = world();
    let sent = Arc::new(Mutex::new(Vec::new()));
    let (starts, woken) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let device = {
        let (sent, starts, woken) = (Arc::clone(&sent), Arc::clone(&starts), Arc::clone(&woken));
        script("again-device", move |_| {
            let sent = Arc::clone(&sent);
            let woken = Arc::clone(&woken);
            let life = starts.fetch_add(1, SeqCst);
            Ok(Box::new(move |call, _| match call {
                Call::Events(events) => {
                    sent.lock().unwrap().extend(events.iter().map(|e| e.ump));
                    assert!(events.iter().all(|e| e.ump != on(13)), "unlucky");
                }
                Call::Ready => {
                    woken.fetch_max(life, SeqCst);
                }
                _ => {}
            }))
        })
    };
    // Says something to the device just when that is being taken out.
    let back = always("again-back", |call, out| {
        if let Call::SourceLost(..) = call {
            out.push(Event::new(1, cc(1, 1)));
        }
    });
    let routes = ["keys -> device", "device -> back -> device"];
    let engine = start(&mut world, &[("device", &device)], &[("back", &back)], &routes);
    keys.send(on(13)).unwrap();
    until("it is back", || woken.load(SeqCst) == 1);
    until("it is well", || engine.status().node("device").unwrap().health == "ok");
    keys.send(on(1)).unwrap();
    until("it sends", || sent.lock().unwrap().len() >= 2);
    assert_eq!(*sent.lock().unwrap(), [on(13), on(1)]);
    assert_eq!(engine.status().node("device").unwrap().restarts, 1);
    engine.stop().unwrap();
}

/// An endpoint that keeps the engine from going on, so that a test can have several things happen at
/// once: the engine waits in there from the moment `hold` returns until it is called.
fn gate(name: &str) -> (Value, impl Fn() -> Box<dyn FnOnce()>) {
    let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
    let (inside, is_inside) = channel();
    let (open, opened) = channel();
    let opened = Arc::new(Mutex::new(opened));
    let armed = Arc::new(AtomicBool::new(false));
    let options = {
        let (waker, armed) = (Arc::clone(&waker), Arc::clone(&armed));
        script(name, move |host| {
            *waker.lock().unwrap() = Some(host.waker());
            let (inside, opened, armed) = (inside.clone(), Arc::clone(&opened), Arc::clone(&armed));
            Ok(Box::new(move |call, _| {
                if matches!(call, Call::Ready) && armed.swap(false, SeqCst) {
                    inside.send(()).unwrap();
                    opened.lock().unwrap().recv_timeout(Duration::from_secs(20)).unwrap();
                }
            }))
        })
    };
    let hold = move || {
        armed.store(true, SeqCst);
        waker.lock().unwrap().as_ref().unwrap().wake();
        is_inside.recv_timeout(Duration::from_secs(20)).unwrap();
        let open = open.clone();
        Box::new(move || open.send(()).unwrap()) as Box<dyn FnOnce()>
    };
    (options, hold)
}

#[test]
fn what_an_endpoint_pushed_while_sending_comes_before_what_it_receives_later() {
    let (mut world, keys, heard) = world();
    let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
    let armed = Arc::new(AtomicBool::new(false));
    let device = {
        let (waker, armed) = (Arc::clone(&waker), Arc::clone(&armed));
        script("later-device", move |host| {
            *waker.lock().unwrap() = Some(host.waker());
            let armed = Arc::clone(&armed);
            Ok(Box::new(move |call, out| match call {
                Call::Events(events) => out.push(events[0].with(cc(1, 1))),
                Call::Ready if armed.load(SeqCst) => out.push(Event::new(1, cc(1, 2))),
                _ => {}
            }))
        })
    };
    let (gate, hold) = gate("later-gate");
    let routes = ["keys -> device", "device -> synth", "gate -> synth"];
    let engine = start(&mut world, &[("device", &device), ("gate", &gate)], &[], &routes);
    engine.ping(Duration::from_secs(5)).unwrap();
    let open = hold();
    armed.store(true, SeqCst);
    keys.send(on(1)).unwrap();
    waker.lock().unwrap().as_ref().unwrap().wake();
    open();
    heard.until_count(2);
    assert_eq!(heard.packets(), [cc(1, 1), cc(1, 2)]);
    engine.stop().unwrap();
}

#[test]
fn a_note_off_finds_room_among_what_an_endpoint_pushes_while_sending() {
    let (mut world, keys, heard) = world();
    let device = always("room-device", |call, out| {
        if let Call::Events(events) = call {
            out.push(events[0].with(on(60)));
            many(&events[0].with(cc(1, 1)), out, 5000);
            out.push(events[0].with(off(60)));
        }
    });
    let engine = start(&mut world, &[("device", &device)], &[], &["keys -> device", "device -> synth"]);
    keys.send(on(1)).unwrap();
    let events = heard.until(|events| events.iter().any(|e| e.ump == off(60)));
    assert_eq!(events.first().unwrap().ump, on(60));
    assert_eq!(events.last().unwrap().ump, off(60));
    let dropped = engine.status().node("device").unwrap().drops["overflow"];
    assert_eq!(events.len() as u64 + dropped, 5002, "every event came or was counted");
    engine.stop().unwrap();
}

#[test]
fn a_node_that_always_wants_to_be_called_does_not_starve_the_others() {
    let (mut world, _keys, _heard) = world();
    let greedy = always("greedy", |call, out| {
        if matches!(call, Call::Ready | Call::Tick) {
            out.wake_at(0);
        }
    });
    let ticks = Arc::new(AtomicU32::new(0));
    let patient = {
        let ticks = Arc::clone(&ticks);
        script("patient", move |host| {
            let ticks = Arc::clone(&ticks);
            Ok(Box::new(move |call, out| {
                if matches!(call, Call::Tick) {
                    ticks.fetch_add(1, SeqCst);
                }
                out.wake_at(host.now() + 1_000_000);
            }))
        })
    };
    let routes = ["greedy -> synth", "patient -> synth"];
    let engine = start(&mut world, &[("greedy", &greedy), ("patient", &patient)], &[], &routes);
    until("the other one gets its turn", || ticks.load(SeqCst) >= 10);
    engine.stop().unwrap();
}

#[test]
fn a_processor_that_loses_what_it_holds_itself_is_released_of_it() {
    let (mut world, keys, heard) = world();
    let drone = always("drone", |call, out| {
        if let Call::Events(events) = call {
            match events[0].ump == on(1) {
                true => out.push(Event::new(1, on(60))),
                false => out.source_lost(0),
            }
        }
    });
    let engine = start(&mut world, &[], &[("drone", &drone)], &["keys -> drone -> synth"]);
    keys.send(on(1)).unwrap();
    heard.until_count(1);
    keys.send(on(2)).unwrap();
    heard.until_count(2);
    assert_eq!(heard.packets(), [on(60), off(60)]);
    engine.stop().unwrap();
}

#[test]
fn what_a_processor_kept_of_a_source_that_is_not_there_any_more_is_released_with_the_processor() {
    let (mut world, keys, heard) = world();
    let other = world.input("other");
    let keeper = script("keeper", |_| {
        let mut kept = None;
        Ok(Box::new(move |call, out| {
            if let Call::Events(events) = call {
                kept.take().into_iter().for_each(|event| out.push(event));
                kept = Some(events[0]);
            }
        }))
    });
    let build = |world: &World, both: bool| {
        let builder = GraphBuilder::new()
            .node("keys", "keys", json!({}))
            .node("synth", "synth", json!({}))
            .node("keeper", "scripted-processor", keeper.clone())
            .route("keys -> keeper -> synth");
        let builder = match both {
            true => builder.node("other", "other", json!({})).route("other -> keeper"),
            false => builder,
        };
        builder.build(&world.registry).unwrap_or_else(|e| panic!("{e}"))
    };
    world.registry.add_processor::<super::scripted::ScriptedProcessor>().unwrap();
    let engine = world.start_graph(build(&world, true));
    other.send(on(60)).unwrap();
    until("it keeps it", || engine.status().node("keeper").unwrap().events_in == 1);
    engine.reload(build(&world, false)).unwrap();
    keys.send(on(1)).unwrap();
    heard.until_count(1);
    assert_eq!(heard.packets(), [on(60)]);
    engine.stop().unwrap();
    assert_eq!(heard.packets(), [on(60), off(60)]);
}

#[test]
fn processors_behind_one_that_panicked_hear_that_its_sources_do_not_reach_them() {
    let (mut world, keys, heard) = world();
    let fragile = always("behind-fragile", |call, out| {
        if let Call::Events(events) = call {
            assert!(events.iter().all(|e| e.ump != on(13)), "unlucky");
            out.extend(events);
        }
    });
    let seen: Arc<Mutex<Vec<u32>>> = Arc::default();
    let told: Arc<Mutex<Vec<(u16, u32)>>> = Arc::default();
    let behind = {
        let (seen, told) = (Arc::clone(&seen), Arc::clone(&told));
        always("behind", move |call, out| match call {
            Call::Events(events) => {
                seen.lock().unwrap().extend(events.iter().map(|e| e.source));
                out.extend(events);
            }
            Call::SourceLost(port, source) => told.lock().unwrap().push((port, source)),
            _ => {}
        })
    };
    let processors = [("fragile", &fragile), ("behind", &behind)];
    let engine = start(&mut world, &[], &processors, &["keys -> fragile -> behind -> synth"]);
    keys.send(on(60)).unwrap();
    heard.until_count(1);
    keys.send(on(13)).unwrap();
    heard.until_count(2);
    assert_eq!(heard.packets(), [on(60), off(60)]);
    let keys_source = seen.lock().unwrap()[0];
    assert!(told.lock().unwrap().contains(&(0, keys_source)));
    engine.stop().unwrap();
}

#[test]
fn a_map_starts_its_note_again_at_a_destination_that_came_back() {
    let (mut world, keys, _heard) = world();
    let sent: Arc<Mutex<Vec<Ump>>> = Arc::default();
    let device = {
        let sent = Arc::clone(&sent);
        always("map-device", move |call, _| {
            if let Call::Events(events) = call {
                assert!(events.iter().all(|e| e.ump != on(13)), "unlucky");
                sent.lock().unwrap().extend(events.iter().map(|e| e.ump));
            }
        })
    };
    let routes = ["keys.ch1.cc8 -> device.ch1.note60", "keys.ch1.note13 -> device.ch1.note13"];
    let engine = start(&mut world, &[("device", &device)], &[], &routes);
    keys.send(cc(8, 100)).unwrap();
    until("it sounds", || sent.lock().unwrap().len() == 1);
    keys.send(on(13)).unwrap();
    until("it was started again", || engine.status().node("device").unwrap().restarts == 1);
    until("it is well", || engine.status().node("device").unwrap().health == "ok");
    keys.send(cc(8, 90)).unwrap();
    until("it sounds again", || sent.lock().unwrap().len() == 2);
    assert_eq!(*sent.lock().unwrap(), [on(60), Ump::note_on(0, 0, 60, 90)]);
    engine.stop().unwrap();
}

#[test]
fn a_node_that_panics_as_the_engine_stops_is_ended_too() {
    let (mut world, keys, _heard) = world();
    let alive = Arc::new(());
    let device = {
        let alive = Arc::clone(&alive);
        script("stop-device", move |_| {
            let alive = Arc::clone(&alive);
            Ok(Box::new(move |call, _| {
                let _alive = &alive;
                if let Call::Events(events) = call {
                    assert!(events.iter().all(|e| !e.ump.is_note_off()), "unlucky");
                }
            }))
        })
    };
    let engine = start(&mut world, &[("device", &device)], &[], &["keys -> device"]);
    assert_eq!(Arc::strong_count(&alive), 3, "the test, the script and the node");
    keys.send(on(60)).unwrap();
    until("it has it", || engine.status().node("device").unwrap().events_in == 1);
    engine.stop().unwrap();
    assert_eq!(Arc::strong_count(&alive), 2);
}

#[test]
fn triggers_beyond_what_one_pass_may_fire_are_counted() {
    let (mut world, keys, _heard) = world();
    world.registry.add_endpoint::<super::scripted::Scripted>().unwrap();
    let (gate, hold) = gate("fired-gate");
    world.registry.add_processor::<super::maps_and_triggers::Mute>().unwrap();
    let graph = GraphBuilder::new()
        .node("keys", "keys", json!({}))
        .node("synth", "synth", json!({}))
        .node("gate", "scripted", gate)
        .node("m", "mute", json!({}))
        .route("gate -> synth")
        .route("keys -> m -> synth")
        .trigger(TriggerBuilder::new("keys.ch1.note1", "m.set").args(json!({ "muted": true })))
        .build(&world.registry)
        .unwrap_or_else(|e| panic!("{e}"));
    let engine = world.start_graph(graph);
    let open = hold();
    (0..100).for_each(|_| keys.send(on(1)).unwrap());
    open();
    until("all were seen", || engine.status().node("m").unwrap().events_in == 100);
    until("they are counted", || engine.status().node("keys").unwrap().drops.get("overflow") == Some(&36));
    engine.stop().unwrap();
}
