//! The peer people have: QmidiNet under a JACK server, on a host of its own.
#![cfg(target_os = "linux")]

use std::net::{Ipv4Addr, UdpSocket};

use lab::artifact::midibay_binary;
use lab::jack::{JackClient, JackServer};
use lab::netns::{Host, Lan};
use lab::qmidinet::{GROUP, QmidiNet};
use lab::{PATIENCE, Process, need};

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
        let jack = JackServer::start(host).unwrap();
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

/// `midibay run` on `host`: the LAN's ipMIDI up an octave to a local UDP socket, and that socket's
/// notes as they are to the LAN.
struct Midibay {
    process: Process,
    /// Where the test stands in for a program of this host.
    socket: UdpSocket,
    _graph: tempfile::TempDir,
}

impl Midibay {
    const LISTEN: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 5004);

    fn start(host: &Host) -> Self {
        let socket = host.enter(|| UdpSocket::bind((Ipv4Addr::LOCALHOST, 5005)).unwrap());
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let graph = folder.path().join("stage.toml");
        std::fs::write(
            &graph,
            r#"
                [node.lan]
                type = "ip-midi"
                interface = "eth0"

                [node.up]
                type = "transpose"
                semitones = 12

                [node.here]
                type = "ip-midi"
                listen = "127.0.0.1:5004"
                peers = ["127.0.0.1:5005"]

                [graph]
                routes = ["lan -> up -> here", "here -> lan"]
            "#,
        )
        .unwrap();
        let process = Process::start(host.command(midibay_binary()).arg("run").arg(&graph)).unwrap();
        process.wait_for_line("ready", PATIENCE).unwrap();
        Self { process, socket, _graph: folder }
    }

    fn send(&self, bytes: &[u8]) {
        self.socket.send_to(bytes, Self::LISTEN).unwrap();
    }

    /// The next `count` bytes, of as many datagrams as they come in.
    fn receive(&self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 2048];
        while bytes.len() < count {
            let (length, _) = self.socket.recv_from(&mut buffer).unwrap();
            bytes.extend_from_slice(&buffer[..length]);
        }
        bytes
    }
}

#[test]
fn midibay_and_qmidinet_hear_each_other_through_a_processor() {
    lab::need!(need::namespaces(), need::program("jackd", "jackd2"), need::program("qmidinet", "qmidinet"));
    let lan = Lan::new().unwrap();
    let (stage, booth) = (lan.host().unwrap(), lan.host().unwrap());
    let mut peer = Peer::start(&stage);
    let midibay = Midibay::start(&booth);

    peer.client.play(&[0x90, 60, 100]).unwrap();
    assert_eq!(midibay.receive(3), [0x90, 72, 100]);
    peer.client.play(&[0xf0, 0x7e, 0x7f, 0x06, 0x01, 0xf7]).unwrap();
    assert_eq!(midibay.receive(6), [0xf0, 0x7e, 0x7f, 0x06, 0x01, 0xf7]);

    midibay.send(&[0xb2, 7, 99]);
    assert_eq!(peer.client.wait_for_bytes(3).unwrap(), [0xb2, 7, 99]);
    midibay.send(&[0xf0, 0x7e, 0x7f, 0x09, 0x01, 0xf7]);
    assert_eq!(peer.client.wait_for_bytes(9).unwrap()[3..], [0xf0, 0x7e, 0x7f, 0x09, 0x01, 0xf7]);
}

#[test]
fn a_note_held_at_qmidinet_is_released_when_midibay_ends() {
    lab::need!(need::namespaces(), need::program("jackd", "jackd2"), need::program("qmidinet", "qmidinet"));
    let lan = Lan::new().unwrap();
    let (stage, booth) = (lan.host().unwrap(), lan.host().unwrap());
    let peer = Peer::start(&stage);
    let mut midibay = Midibay::start(&booth);
    midibay.send(&[0x94, 64, 100]);
    assert_eq!(peer.client.wait_for_bytes(3).unwrap(), [0x94, 64, 100]);
    midibay.process.interrupt();
    let heard = peer.client.wait_for_bytes(6).unwrap();
    assert_eq!(heard[3..5], [0x84, 64], "{heard:02x?}");
    midibay.process.wait_success(PATIENCE).unwrap();
}
