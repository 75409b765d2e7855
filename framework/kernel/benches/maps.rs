//! What control maps cost: an event that has none, an event that has one, next to 10 other maps
//! and next to 65,000; and compiling 65,000. `cargo bench -p midibay --bench maps`

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use midibay::graph::{Control, ControlMap, ControlRef, PortRef};
use midibay::internals::{MapTable, PortMaps};
use midibay_ump::{Event, Ump};

fn main() {
    divan::main();
}

const SIZES: [usize; 2] = [10, 65_000];
const FROM: PortRef = PortRef { node: 0, port: 0 };
const TO: PortRef = PortRef { node: 1, port: 0 };

/// `count` different controls, controller 1 of channel 1 first, controller 119 of channel 1 not
/// among them: first the controllers of all groups and channels, then non-registered parameters.
fn maps(count: usize) -> Vec<ControlMap> {
    let controllers = (0..256).flat_map(|place| (1..119).map(move |n| (place, Control::Cc(n))));
    let parameters = (0..256).flat_map(|place| (0..256).map(move |n| (place, Control::Nrpn(n * 64))));
    let at = |at, place: usize, control| ControlRef {
        at,
        group: (place >> 4) as u8,
        channel: (place & 15) as u8,
        control,
    };
    let mut maps: Vec<ControlMap> = controllers
        .chain(parameters)
        .take(count)
        .map(|(place, control)| ControlMap {
            from: at(FROM, place, control),
            to: at(TO, place, Control::Pitch),
        })
        .collect();
    assert_eq!(maps.len(), count);
    // A file is not sorted by control.
    let mut state = 1u64;
    for i in (1..maps.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        maps.swap(i, (state >> 33) as usize % (i + 1));
    }
    maps
}

fn port(count: usize) -> PortMaps {
    MapTable::compile(&maps(count)).ports.remove(0).1
}

const EVENTS: u8 = 64;

/// Runs 64 events at a time through the maps, so that reading the clock does not count.
fn run(bencher: Bencher, count: usize, event: impl Fn(u8) -> Ump) {
    let mut port = port(count);
    let events: Vec<Event> = (0..EVENTS).map(|n| Event::new(0, event(n))).collect();
    bencher.counter(ItemsCount::new(events.len())).bench_local(|| {
        let mut sum = 0u32;
        for event in black_box(&events) {
            port.apply(event, |_, out| sum = sum.wrapping_add(out.ump.head()));
        }
        sum
    });
}

#[divan::bench(args = SIZES)]
fn cc_to_pitch(bencher: Bencher, count: usize) {
    run(bencher, count, |n| Ump::midi1(0, 0xB, 0, 1 + n % 10, n));
}

#[divan::bench(args = SIZES)]
fn note_without_a_map(bencher: Bencher, count: usize) {
    run(bencher, count, |n| Ump::midi1(0, 0x9, 0, n, 100));
}

#[divan::bench(args = SIZES)]
fn controller_without_a_map(bencher: Bencher, count: usize) {
    run(bencher, count, |n| Ump::midi1(0, 0xB, 0, 119, n));
}

#[divan::bench]
fn channel_without_a_map(bencher: Bencher) {
    run(bencher, 10, |n| Ump::midi1(0, 0xB, 1, n, 100));
}

#[divan::bench(args = SIZES)]
fn compile(bencher: Bencher, count: usize) {
    let maps = maps(count);
    bencher.counter(ItemsCount::new(count)).bench(|| MapTable::compile(black_box(&maps)));
}
