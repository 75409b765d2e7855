//! Plain UDP to and from peers, over this machine's loopback interface.

use std::net::UdpSocket;

use crate::common::*;
use midibay_ip_midi::IpMidi;
use midibay_plugin::testing::Rig;
use midibay_plugin::{DropReason, Health, Ump, Value};
use serde_json::json;

#[test]
fn a_script_sends_a_note_with_one_datagram_and_gets_one_back() {
    let (script, address) = peer();
    let mut node = node(json!({"listen": format!("127.0.0.1:{}", free_port()), "peers": [address]}));
    let Value::Text(listens) = node.property("address") else { panic!("no address") };
    script.send_to(&[0x90, 60, 100], &listens).unwrap();
    let events = node.poll_until(|events| !events.is_empty());
    assert_eq!(umps(&events), [Ump::note_on(0, 0, 60, 100)]);
    assert_eq!(node.property("senders"), Value::Int(1));
    node.packets(0, &[Ump::note_off(0, 0, 60, 64)]);
    assert_eq!(receive(&script), [0x80, 60, 64]);
    assert_eq!(node.health().0, Health::Ok);
    let counters = node.counters();
    assert_eq!(counters.bytes_received.load(std::sync::atomic::Ordering::Relaxed), 3);
    assert_eq!(counters.bytes_sent.load(std::sync::atomic::Ordering::Relaxed), 3);
}

#[test]
fn a_port_alone_serves_ipv4_and_ipv6() {
    let port = free_port();
    let mut node = node(json!({"listen": port}));
    let v4 = UdpSocket::bind("127.0.0.1:0").unwrap();
    v4.send_to(&[0x90, 4, 4], ("127.0.0.1", port)).unwrap();
    assert_eq!(umps(&node.poll_until(|events| !events.is_empty())), [Ump::note_on(0, 0, 4, 4)]);
    if let Ok(v6) = UdpSocket::bind("[::1]:0") {
        v6.send_to(&[0x90, 6, 6], ("::1", port)).unwrap();
        assert_eq!(umps(&node.poll_until(|events| !events.is_empty())), [Ump::note_on(0, 0, 6, 6)]);
    }
}

#[test]
fn peers_of_both_families_get_everything() {
    let (v4, to_v4) = peer();
    let Ok(v6) = UdpSocket::bind("[::1]:0") else { return };
    v6.set_read_timeout(Some(PATIENCE)).unwrap();
    let to_v6 = v6.local_addr().unwrap().to_string();
    let mut node = node(json!({"peers": [to_v4, to_v6]}));
    node.packets(0, &[Ump::note_on(0, 9, 36, 1)]);
    assert_eq!(receive(&v4), [0x99, 36, 1]);
    assert_eq!(receive(&v6), [0x99, 36, 1]);
}

#[test]
fn many_events_share_datagrams_and_a_long_sysex_arrives_whole() {
    let (there, address) = peer();
    let mut node = node(json!({"peers": [address]}));
    let notes: Vec<Ump> = (0..64).map(|n| Ump::note_on(0, 0, n, 1)).collect();
    node.packets(0, &notes);
    assert_eq!(parse(&receive(&there)), notes);
    let long = sysex(4000);
    node.packets(0, &parse(&long));
    let pieces: Vec<Vec<u8>> = (0..3).map(|_| receive(&there)).collect();
    assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [1472, 1472, 1056]);
    assert_eq!(pieces.concat(), long);
}

#[test]
fn the_longest_datagram_there_is_is_read_whole() {
    let port = free_port();
    let mut node = node(json!({"listen": format!("127.0.0.1:{port}")}));
    let (there, _) = peer();
    let bytes: Vec<u8> = [0x90, 60, 1].repeat(65507 / 3);
    there.send_to(&bytes, ("127.0.0.1", port)).unwrap();
    let events = node.poll_until(|events| !events.is_empty());
    assert_eq!(events.len(), bytes.len() / 3);
}

#[test]
fn datagrams_from_elsewhere_are_refused_and_counted() {
    let port = free_port();
    let mut node = node(json!({"listen": format!("127.0.0.1:{port}"), "from": ["10.0.0.0/8", "127.0.0.2"]}));
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let friend = UdpSocket::bind("127.0.0.2:0").unwrap();
    stranger.send_to(&[0x90, 1, 1], ("127.0.0.1", port)).unwrap();
    friend.send_to(&[0x90, 2, 2], ("127.0.0.1", port)).unwrap();
    assert_eq!(umps(&node.poll_until(|events| !events.is_empty())), [Ump::note_on(0, 0, 2, 2)]);
    assert_eq!(node.counters().drops(DropReason::Refused), 1);
    assert_eq!(node.property("senders"), Value::Int(1));
}

#[test]
fn bytes_that_are_no_midi_are_counted() {
    let port = free_port();
    let mut node = node(json!({"listen": port}));
    let (there, _) = peer();
    there.send_to(b"", ("127.0.0.1", port)).unwrap();
    there.send_to(&[1, 2, 0x90, 60, 1], ("127.0.0.1", port)).unwrap();
    assert_eq!(umps(&node.poll_until(|events| !events.is_empty())), [Ump::note_on(0, 0, 60, 1)]);
    assert_eq!(node.counters().drops(DropReason::Malformed), 2);
}

#[test]
fn a_sender_that_falls_silent_inside_a_sysex_is_given_up() {
    let port = free_port();
    let mut node = node(json!({"listen": port}));
    let (there, _) = peer();
    there.send_to(&[0xF0, 1, 2, 3, 4, 5, 6, 7], ("127.0.0.1", port)).unwrap();
    node.poll_until(|events| !events.is_empty());
    let end = node.advance(std::time::Duration::from_secs(3));
    assert_eq!(sysex_bytes(&umps(&end)), [7, 0xF7]);
    assert_eq!(node.counters().drops(DropReason::Malformed), 1);
}

#[test]
fn senders_are_counted_for_a_minute() {
    let port = free_port();
    let mut node = node(json!({"listen": port}));
    let (there, _) = peer();
    there.send_to(&[0xF8], ("127.0.0.1", port)).unwrap();
    node.poll_until(|events| !events.is_empty());
    node.advance(std::time::Duration::from_secs(30));
    assert_eq!(node.property("senders"), Value::Int(1));
    node.advance(std::time::Duration::from_secs(60));
    assert_eq!(node.property("senders"), Value::Int(0));
    assert_eq!(node.wakes_at(), None, "where nobody sends nothing wakes up");
}

#[test]
fn a_port_that_is_taken_is_worth_another_try() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let errors = Rig::endpoint::<IpMidi>(json!({"listen": address.to_string()})).err().unwrap();
    assert!(errors[0].message.contains("taken by another program"), "{errors:?}");
    drop(taken);
    node(json!({"listen": address.to_string()}));
}

#[test]
fn an_address_of_no_interface_says_so() {
    let errors = Rig::endpoint::<IpMidi>(json!({"listen": "203.0.113.9:5004"})).err().unwrap();
    assert!(errors[0].message.contains("203.0.113.9"), "{errors:?}");
}

#[test]
fn a_peer_that_cannot_be_reached_is_counted_and_the_others_are_served() {
    let (there, address) = peer();
    // An IPv4 socket bound to this machine's inside has no way out of it.
    let listen = format!("127.0.0.1:{}", free_port());
    let mut node = node(json!({"listen": listen, "peers": ["203.0.113.9:5004", address]}));
    node.packets(0, &[Ump::note_on(0, 0, 60, 1)]);
    assert_eq!(receive(&there), [0x90, 60, 1]);
    assert_eq!(node.counters().drops(DropReason::Unavailable), 1);
}

#[test]
fn coalescing_changes_while_the_node_runs() {
    let (there, address) = peer();
    let mut node = node(json!({"peers": [address]}));
    let two = [Ump::note_on(0, 0, 1, 1), Ump::note_on(0, 0, 2, 2)];
    node.packets(0, &two);
    assert_eq!(receive(&there).len(), 6);
    node.reconfigure(json!({"peers": [address], "coalesce": false})).unwrap();
    node.packets(0, &two);
    assert_eq!((receive(&there).len(), receive(&there).len()), (3, 3));
}

#[test]
fn a_burst_of_datagrams_is_read_in_the_order_it_came() {
    let port = free_port();
    let mut node = node(json!({"listen": format!("127.0.0.1:{port}")}));
    let (there, _) = peer();
    for i in 0..500_u16 {
        there.send_to(&[0xE0, (i & 0x7F) as u8, (i >> 7) as u8], ("127.0.0.1", port)).unwrap();
    }
    let events = node.poll_until(|events| events.len() >= 500);
    let bends: Vec<Ump> = (0..500).map(|i| Ump::pitch_bend(0, 0, i)).collect();
    assert_eq!(umps(&events), bends);
    assert_eq!(node.counters().drops(DropReason::Overflow), 0);
}
