//! Multicast over this machine's loopback interface.
use std::net::{Ipv4Addr, UdpSocket};

use crate::common::*;
use midibay_plugin::testing::Rig;
use midibay_plugin::{DropReason, Health, Ump, Value};
use serde_json::{Value as Json, json};

/// A group with a UDP port, inside this machine.
#[derive(Clone, Copy)]
struct Group {
    address: Ipv4Addr,
    port: u16,
}

impl Group {
    fn new() -> Self {
        Self { address: group(), port: free_port() }
    }

    fn options(&self, ports: &[u16]) -> Json {
        json!({
            "group": self.address.to_string(), "base-port": self.port, "interface": "lo", "loopback": true,
            "ports": ports,
        })
    }

    fn node(&self, ports: &[u16]) -> Rig {
        node(self.options(ports))
    }

    /// A program that sends to the group.
    fn sender(&self) -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let handle = socket2::SockRef::from(&socket);
        handle.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
        socket.connect((self.address, self.port)).unwrap();
        socket
    }

    /// A program that listens.
    fn listener(&self) -> UdpSocket {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.bind(&std::net::SocketAddr::from((self.address, self.port)).into()).unwrap();
        socket.join_multicast_v4(&self.address, &Ipv4Addr::LOCALHOST).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.into()
    }
}

#[test]
fn two_nodes_in_one_group_hear_each_other_and_not_themselves() {
    let group = Group::new();
    let (mut stage, mut booth) = (group.node(&[1]), group.node(&[1]));
    stage.packets(0, &[Ump::note_on(0, 0, 60, 100)]);
    booth.packets(0, &[Ump::note_on(0, 1, 61, 101)]);
    let at_booth = booth.poll_until(|events| !events.is_empty());
    let at_stage = stage.poll_until(|events| !events.is_empty());
    assert_eq!(umps(&at_booth), [Ump::note_on(0, 0, 60, 100)]);
    assert_eq!(umps(&at_stage), [Ump::note_on(0, 1, 61, 101)]);
    // Both have been read up to here, so what a node sent itself would have been among it.
    group.sender().send(&[0xF8]).unwrap();
    let clock = [Ump::system(0, 0xF8, 0, 0)];
    assert_eq!(umps(&stage.poll_until(|events| !events.is_empty())), clock);
    assert_eq!(umps(&booth.poll_until(|events| !events.is_empty())), clock);
}

#[test]
fn a_node_says_where_it_is() {
    let group = Group::new();
    let node = group.node(&[1]);
    assert_eq!(node.property("interface"), Value::Text("lo".to_owned()));
    assert_eq!(node.property("address"), Value::Text("127.0.0.1".to_owned()));
    let (health, text) = node.health();
    assert_eq!(health, Health::Ok);
    assert!(text.contains(&group.address.to_string()) && text.contains("lo"), "{text}");
}

#[test]
fn each_midi_port_has_a_udp_port() {
    let group = Group::new();
    let mut node = group.node(&[1, 3]);
    let third = Group { port: group.port + 2, ..group };
    let (first_listener, third_listener) = (group.listener(), third.listener());
    node.packets(1, &[Ump::note_on(0, 0, 3, 3)]);
    node.packets(0, &[Ump::note_on(0, 0, 1, 1)]);
    assert_eq!(receive(&first_listener), [0x90, 1, 1]);
    assert_eq!(receive(&third_listener), [0x90, 3, 3]);
    third.sender().send(&[0x90, 33, 3]).unwrap();
    let events = node.poll_until(|events| !events.is_empty());
    assert_eq!((events[0].port, events[0].ump), (1, Ump::note_on(0, 0, 33, 3)));
}

#[test]
fn two_senders_with_sysex_and_running_status_are_told_apart() {
    let group = Group::new();
    let mut node = group.node(&[1]);
    let (a, b) = (group.sender(), group.sender());
    let long = sysex(300);
    a.send(&long[..150]).unwrap();
    b.send(&[0x91, 40, 1]).unwrap();
    a.send(&long[150..]).unwrap();
    b.send(&[41, 2]).unwrap();
    let events = umps(&node.poll_until(|events| events.last().is_some_and(|e| e.ump.note() == Some(41))));
    let (sysex, notes): (Vec<Ump>, Vec<Ump>) = events.iter().partition(|ump| ump.is_sysex());
    assert_eq!(sysex_bytes(&sysex), long);
    assert_eq!(notes, [Ump::note_on(0, 1, 40, 1), Ump::note_on(0, 1, 41, 2)]);
    assert_eq!(node.counters().drops(DropReason::Malformed), 0);
    assert_eq!(node.property("senders"), Value::Int(2));
}

#[test]
fn a_burst_of_500_notes_arrives_whole() {
    let group = Group::new();
    let (mut stage, mut booth) = (group.node(&[1]), group.node(&[1]));
    let notes: Vec<Ump> =
        (0..500_u16).map(|i| Ump::note_on(0, (i / 100) as u8, (i % 100) as u8, 1)).collect();
    stage.packets(0, &notes);
    let events = booth.poll_until(|events| events.len() >= 500);
    assert_eq!(umps(&events), notes);
    assert_eq!(booth.counters().drops(DropReason::Overflow), 0);
}

#[test]
fn each_message_has_a_datagram_as_qmidinet_needs_it() {
    let group = Group::new();
    let mut node = group.node(&[1]);
    let listener = group.listener();
    let whole = sysex(1000);
    let mut packets = vec![Ump::note_on(0, 0, 1, 1), Ump::note_on(0, 0, 2, 2)];
    packets.extend(parse(&whole));
    node.packets(0, &packets);
    assert_eq!(receive(&listener), [0x90, 1, 1]);
    assert_eq!(receive(&listener), [0x90, 2, 2]);
    assert_eq!(receive(&listener), whole);
}

#[test]
fn what_the_system_dropped_is_counted() {
    let group = Group::new();
    let mut node = group.node(&[1]);
    let sender = group.sender();
    let big = vec![0xF8; 60_000];
    // More than any receive buffer holds.
    for _ in 0..500 {
        sender.send(&big).unwrap();
    }
    let mut polled = 0;
    while node.counters().drops(DropReason::Overflow) == 0 {
        // The count comes with the first datagram that was queued after the loss.
        node.poll(std::time::Duration::from_millis(10));
        sender.send(&[0xF8]).unwrap();
        polled += 1;
        assert!(polled < 1000, "no drop was counted");
    }
}

#[test]
fn an_interface_that_is_not_there_is_waited_for() {
    let options = json!({"interface": "no-such-if0"});
    let mut node = node(options);
    let (health, text) = node.health();
    assert_eq!(health, Health::Waiting);
    assert!(text.contains("no-such-if0") && text.contains("lo"), "{text}");
    node.packets(0, &[Ump::note_on(0, 0, 1, 1)]);
    assert_eq!(node.counters().drops(DropReason::Unavailable), 1);
}

#[test]
fn ttl_and_loopback_change_while_the_node_runs() {
    let group = Group::new();
    let mut node = group.node(&[1]);
    let mut options = group.options(&[1]);
    options["ttl"] = json!(5);
    options["coalesce"] = json!(true);
    node.reconfigure(options.clone()).unwrap();
    let listener = group.listener();
    node.packets(0, &[Ump::note_on(0, 0, 1, 1), Ump::note_on(0, 0, 2, 2)]);
    assert_eq!(receive(&listener), [0x90, 1, 1, 0x90, 2, 2]);
    options["group"] = json!("225.0.0.38");
    assert!(node.reconfigure(options).is_err(), "a new group needs new sockets");
}
