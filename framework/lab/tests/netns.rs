//! Hosts of the lab behave as machines on one switch do.
#![cfg(target_os = "linux")]

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use lab::netns::{Host, Lan};
use lab::process::run;
use lab::{PATIENCE, Process, need};

const GROUP: Ipv4Addr = Ipv4Addr::new(225, 0, 0, 37);

fn listener(host: &Host, port: u16) -> UdpSocket {
    host.enter(|| {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap();
        socket.join_multicast_v4(&GROUP, &host.address()).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    })
}

fn sender(host: &Host) -> UdpSocket {
    host.enter(|| {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        socket2::SockRef::from(&socket).set_multicast_if_v4(&host.address()).unwrap();
        socket
    })
}

#[test]
fn multicast_reaches_the_other_host_without_a_default_route() {
    lab::need!(need::namespaces());
    let lan = Lan::new().unwrap();
    let (stage, booth) = (lan.host().unwrap(), lan.host().unwrap());
    let listener = listener(&booth, 21928);
    sender(&stage).send_to(&[0x90, 60, 100], (GROUP, 21928)).unwrap();
    let mut buffer = [0; 16];
    let (length, from) = listener.recv_from(&mut buffer).unwrap();
    assert_eq!((&buffer[..length], from.ip()), (&[0x90, 60, 100][..], stage.address().into()));
}

#[test]
fn a_pulled_cable_holds_packets_back_until_it_is_plugged_in_again() {
    lab::need!(need::namespaces());
    let lan = Lan::new().unwrap();
    let (stage, booth) = (lan.host().unwrap(), lan.host().unwrap());
    let listener = listener(&booth, 21928);
    let sender = sender(&stage);
    stage.unplug().unwrap();
    // Without a carrier the kernel may refuse the packet or drop it; it must not arrive.
    let _ = sender.send_to(b"cut", (GROUP, 21928));
    stage.plug().unwrap();
    sender.send_to(b"whole", (GROUP, 21928)).unwrap();
    let mut buffer = [0; 16];
    let (length, _) = listener.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"whole");
}

#[test]
fn lost_packets_are_lost_on_the_way_in() {
    lab::need!(need::namespaces(), need::program("nft", "nftables"));
    let lan = Lan::new().unwrap();
    let (stage, booth) = (lan.host().unwrap(), lan.host().unwrap());
    let listener = listener(&booth, 21928);
    booth.lose(21928, 100).unwrap();
    let sender = sender(&stage);
    sender.send_to(b"lost", (GROUP, 21928)).unwrap();
    booth.lose(21928, 0).unwrap();
    sender.send_to(b"whole", (GROUP, 21928)).unwrap();
    let mut buffer = [0; 16];
    let (length, _) = listener.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"whole");
}

#[test]
fn a_host_that_goes_away_takes_its_programs_and_its_name_along() {
    lab::need!(need::namespaces());
    let lan = Lan::new().unwrap();
    let host = lan.host().unwrap();
    let name = host.namespace().to_owned();
    let mut process = Process::start(host.command("sleep").arg("600")).unwrap();
    lab::wait_for("the program to be on the host", PATIENCE, || {
        let ids = run(std::process::Command::new("ip").args(["netns", "pids", &name])).unwrap();
        ids.split_whitespace().any(|id| id == process.id().to_string()).then_some(())
    })
    .unwrap();
    drop(host);
    let status = process.wait(Duration::from_secs(5)).unwrap();
    assert!(!status.success());
    let names = run(std::process::Command::new("ip").args(["netns", "list"])).unwrap();
    assert!(!names.split_whitespace().any(|word| word == name), "{names}");
}

#[test]
fn an_interface_that_goes_down_comes_back_with_its_addresses() {
    lab::need!(need::namespaces());
    let lan = Lan::new().unwrap();
    let (stage, booth) = (lan.host().unwrap(), lan.host().unwrap());
    stage.link_down().unwrap();
    stage.link_up().unwrap();
    let there = booth.enter(|| UdpSocket::bind((booth.address_v6(), 0)).unwrap());
    there.set_read_timeout(Some(PATIENCE)).unwrap();
    let here = stage.enter(|| UdpSocket::bind((stage.address_v6(), 0)).unwrap());
    here.send_to(b"six", there.local_addr().unwrap()).unwrap();
    let mut buffer = [0; 16];
    let (length, _) = there.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"six");
}
