//! The peer people have: QmidiNet under a JACK server, on a host of its own.
#![cfg(target_os = "linux")]

use std::net::{Ipv4Addr, UdpSocket};

use lab::jack::{JackClient, JackServer};
use lab::netns::{Host, Lan};
use lab::qmidinet::{GROUP, QmidiNet};
use lab::{PATIENCE, need};

const TOOL: &str = env!("CARGO_BIN_EXE_lab-jack");

/// QmidiNet with one MIDI port, and a JACK client on it.
struct Peer {
    // In the order they have to go.
    client: JackClient,
    _qmidinet: QmidiNet,
    _jack: JackServer,
}

impl Peer {
    fn start(host: &Host) -> Self {
        let jack = JackServer::start().unwrap();
        let qmidinet = QmidiNet::start(host, &jack, 1).unwrap();
        let client = jack.client(TOOL, "QmidiNet:in_1", "QmidiNet:out_1").unwrap();
        Self { client, _qmidinet: qmidinet, _jack: jack }
    }
}

#[test]
fn bare_datagrams_pass_both_ways_between_a_socket_and_qmidinet() {
    lab::need!(need::namespaces(), need::program("jackd", "jackd2"), need::program("qmidinet", "qmidinet"));
    let lan = Lan::new().unwrap();
    let (stage, booth) = (lan.host().unwrap(), lan.host().unwrap());
    let mut peer = Peer::start(&stage);
    let socket = booth.enter(|| {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 21928)).unwrap();
        socket.join_multicast_v4(&GROUP, &booth.address()).unwrap();
        socket2::SockRef::from(&socket).set_multicast_if_v4(&booth.address()).unwrap();
        socket.set_multicast_loop_v4(false).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    });

    socket.send_to(&[0x91, 64, 100], (GROUP, 21928)).unwrap();
    assert_eq!(peer.client.wait_for_bytes(3).unwrap(), [0x91, 64, 100]);

    peer.client.play(&[0xb2, 7, 99]).unwrap();
    let mut buffer = [0; 64];
    let (length, from) = socket.recv_from(&mut buffer).unwrap();
    assert_eq!((&buffer[..length], from.ip()), (&[0xb2, 7, 99][..], stage.address().into()));
}
