//! What the tests share.
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use midibay_ip_midi::IpMidi;
use midibay_plugin::testing::Rig;
use midibay_plugin::{Event, Ump};
use serde_json::Value;

/// Long enough for a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A group that nobody else uses: tests run beside each other.
pub(crate) fn group() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [high, low, ..] = std::process::id().to_le_bytes();
    Ipv4Addr::new(239, high, low, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A UDP port that is free now.
pub(crate) fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn node(options: Value) -> Rig {
    Rig::endpoint::<IpMidi>(options).unwrap_or_else(|errors| panic!("{errors:?}"))
}

pub(crate) fn umps(events: &[Event]) -> Vec<Ump> {
    events.iter().map(|event| event.ump).collect()
}

/// A socket that waits for datagrams with patience.
pub(crate) fn peer() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

pub(crate) fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = [0; 65536];
    let (len, _) = socket.recv_from(&mut buffer).unwrap();
    buffer[..len].to_vec()
}

/// The bytes of SysEx packets, F0 and F7 included, as a byte stream shows them.
pub(crate) fn sysex_bytes(umps: &[Ump]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for ump in umps {
        let mut out = [0; midibay_plugin::ump::MAX_BYTES];
        let len = midibay_plugin::ump::encode(ump, &mut out);
        bytes.extend_from_slice(&out[..len]);
    }
    bytes
}

/// A SysEx of `len` bytes, F0 and F7 included.
pub(crate) fn sysex(len: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..len).map(|i| (i % 128) as u8).collect();
    bytes[0] = 0xF0;
    bytes[len - 1] = 0xF7;
    bytes
}

/// The packets of a byte stream.
pub(crate) fn parse(bytes: &[u8]) -> Vec<Ump> {
    let mut umps = Vec::new();
    midibay_plugin::ump::ByteParser::new().parse(0, bytes, |ump| umps.push(ump));
    umps
}
