//! What an event costs on its way in and out, without the system's share, and with it.

use std::hint::black_box;
use std::net::UdpSocket;
use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use midibay_ip_midi::outbox::{Outbox, Transmitted, Wire};
use midibay_ip_midi::packer::Packer;
use midibay_ip_midi::senders::Senders;
use midibay_ip_midi::{IpMidi, Sender};
use midibay_plugin::testing::Rig;
use midibay_plugin::{Event, Ump};

fn main() {
    divan::main();
}

fn notes(count: usize) -> Vec<Event> {
    (0..count).map(|i| Event::new(0, Ump::note_on(0, 0, (i % 128) as u8, 100))).collect()
}

/// Datagrams of 1, 8 and 64 events to packets.
#[divan::bench(args = [1, 8, 64])]
fn datagram_to_events(bencher: Bencher<'_, '_>, events: usize) {
    let datagram = [0x90, 60, 100].repeat(events);
    let mut senders = Senders::new();
    let sender = Sender::v4([10, 0, 0, 1], 5004);
    senders.admit(sender, 0, drop);
    let mut out = vec![Event::default(); 64];
    bencher.counter(ItemsCount::new(events)).bench_local(|| {
        let place = senders.find(black_box(sender)).unwrap_or(0);
        let mut i = 0;
        senders.read(place, 7, black_box(&datagram), |ump| {
            out[i] = Event::new(7, ump);
            i += 1;
        });
        (senders.take_faults(), i)
    });
}

/// The worst case of finding a sender: 64 that take turns.
#[divan::bench]
fn datagrams_of_64_senders_in_turn(bencher: Bencher<'_, '_>) {
    let mut senders = Senders::new();
    let all: Vec<Sender> = (0..64).map(|i| Sender::v4([10, 0, 0, i], 5004)).collect();
    for sender in &all {
        senders.admit(*sender, 0, drop);
    }
    bencher.counter(ItemsCount::new(64_usize)).bench_local(|| {
        for sender in &all {
            let place = senders.find(black_box(*sender)).unwrap_or(0);
            senders.read(place, 7, black_box(&[0x90, 60, 100]), |ump| {
                black_box(ump);
            });
        }
    });
}

/// A system that takes everything at no cost.
struct Sink;

impl Wire for Sink {
    fn destinations(&self) -> usize {
        1
    }
    fn transmit(&mut self, datagrams: &Packer, skip: usize) -> Transmitted {
        black_box(datagrams.get(skip));
        Transmitted::Taken(datagrams.len() - skip)
    }
}

/// 1, 8, 64 and 512 events to datagrams that they share.
#[divan::bench(args = [1, 8, 64, 512])]
fn events_to_datagrams(bencher: Bencher<'_, '_>, events: usize) {
    let mut outbox = Outbox::new(1, 1472, true);
    let events = notes(events);
    bencher.counter(ItemsCount::new(events.len())).bench_local(|| {
        outbox.send(&mut Sink, 7, black_box(&events));
        outbox.take_tally()
    });
}

/// Each event with a datagram of its own.
#[divan::bench(args = [1, 64])]
fn events_to_datagrams_of_their_own(bencher: Bencher<'_, '_>, events: usize) {
    let mut outbox = Outbox::new(1, 1472, false);
    let events = notes(events);
    bencher.counter(ItemsCount::new(events.len())).bench_local(|| {
        outbox.send(&mut Sink, 7, black_box(&events));
        outbox.take_tally()
    });
}

/// The whole node as an engine would drive it, over this machine's loopback interface: 32 datagrams
/// come in, and what came in goes out again.
#[divan::bench(args = [1, 8, 64], max_time = Duration::from_secs(2))]
fn through_the_node_and_the_system(bencher: Bencher<'_, '_>, events: usize) {
    let there = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let probe = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let port = probe.local_addr().expect("an address").port();
    drop(probe);
    let peer = there.local_addr().expect("an address");
    let options = serde_json::json!({"listen": format!("127.0.0.1:{port}"), "peers": [peer.to_string()]});
    let mut node = Rig::endpoint::<IpMidi>(options).expect("a node");
    there.connect(("127.0.0.1", port)).expect("a connection");
    there.set_nonblocking(true).expect("a mode");
    let datagram = [0x90, 60, 100].repeat(events);
    let mut buffer = [0; 2048];
    bencher
        .counter(ItemsCount::new(32 * events))
        .with_inputs(|| {
            while there.recv(&mut buffer).is_ok() {}
            for _ in 0..32 {
                there.send(&datagram).expect("sent");
            }
        })
        .bench_local_values(|()| {
            let mut left = 32 * events;
            while left > 0 {
                let came = node.poll(Duration::from_secs(1));
                left -= came.len();
                node.send(&came);
            }
        });
}
