//! A load generator for whatever sends MIDI datagrams back over UDP.
//!
//! `udp-load PEER [--bind ADDR] [--seconds S]` sends bare MIDI 1.0 bytes to PEER and writes one
//! JSON object: the round trip of single packets, and the packets and events a second that come
//! back under saturation with 1, 8 and 64 events a packet.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use lab::load::{RoundTrip, Saturation};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: udp-load PEER [--bind ADDR] [--seconds S]";
    let peer: SocketAddr = arguments.next().ok_or(usage)?.parse()?;
    let mut bind: SocketAddr = "127.0.0.1:0".parse()?;
    let mut time = Duration::from_secs(1);
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or(usage)?;
        match option.as_str() {
            "--bind" => bind = value.parse()?,
            "--seconds" => time = Duration::try_from_secs_f64(value.parse()?)?,
            _ => return Err(usage.into()),
        }
    }
    let socket = UdpSocket::bind(bind)?;
    let trip = RoundTrip::measure(&socket, peer, time)?;
    let mut saturated = Vec::new();
    for events in [1, 8, 64] {
        let saturation = Saturation::measure(&socket, peer, events, time)?;
        saturated.push(serde_json::json!({
            "events_per_packet": events,
            "packets_per_second": saturation.packets_per_second.round(),
            "events_per_second": saturation.events_per_second.round(),
            "lost_packets": saturation.lost,
        }));
    }
    println!(
        "{}",
        serde_json::json!({
            "round_trip": {
                "p50_us": trip.p50.as_nanos() as f64 / 1e3,
                "p99_us": trip.p99.as_nanos() as f64 / 1e3,
                "trips": trip.trips,
                "lost_packets": trip.lost,
            },
            "saturated": saturated,
        })
    );
    Ok(())
}
