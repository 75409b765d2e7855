//! A load generator for anything that sends MIDI over UDP back: how long a packet takes, and how
//! many events a second come through.
//!
//! The packets are bare MIDI 1.0 bytes, three a note message. What comes back is counted by its
//! bytes, not by its datagrams, so that a router may join or part datagrams; it has to answer
//! each three-byte message with a three-byte message.

mod batch;
mod priority;

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::Error;
use batch::Batch;
pub use priority::RealTime;

/// Packets on their way under saturation. Enough to keep both sides busy; few enough to fit a
/// default socket buffer, so that nothing needs to be lost.
const WINDOW: usize = 128;
/// Packets are sent this many at a time: one by one they would cost the generator as much as they
/// cost whoever sends them back, and it would be what is measured.
const BURST: usize = 32;
/// After this long without an answer what is on its way counts as lost.
const GIVEN_UP: Duration = Duration::from_millis(50);
/// The pause between two packets whose round trip is measured: everybody is asleep again by then,
/// as between two notes somebody plays.
const PACE: Duration = Duration::from_millis(1);
/// Bytes of a note message.
const MESSAGE: usize = 3;

/// How long single packets take to come back, one on its way at a time, 1,000 a second. The thread that
/// measures has real-time priority meanwhile, where the system grants it: what else the machine does is
/// not what is measured.
#[derive(Debug, Clone, Copy)]
pub struct RoundTrip {
    /// The median.
    pub p50: Duration,
    /// 99 of 100 take no longer.
    pub p99: Duration,
    /// How many came back.
    pub trips: usize,
    /// How many did not within 50 ms.
    pub lost: usize,
}

/// What comes back while as much is sent as gets through.
#[derive(Debug, Clone, Copy)]
pub struct Saturation {
    /// Events that came back, a second.
    pub events_per_second: f64,
    /// Packets that were sent and came back, a second: the events by the events of a packet.
    pub packets_per_second: f64,
    /// Packets that did not come back.
    pub lost: usize,
}

/// Asks for the largest send and receive buffers the system grants.
///
/// # Errors
/// What the socket says; a smaller buffer than asked for is none.
pub fn widen_buffers(socket: &UdpSocket) -> std::io::Result<()> {
    let socket = socket2::SockRef::from(socket);
    socket.set_recv_buffer_size(4 << 20)?;
    socket.set_send_buffer_size(4 << 20)
}

/// `events` note messages: each note that is switched on is switched off again, within the packet
/// or, where `events` is odd, with the next number.
fn packet(number: usize, events: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(events * MESSAGE);
    for event in number * events..(number + 1) * events {
        let velocity = if event % 2 == 0 { 100 } else { 0 };
        let note = u8::try_from(event / 2 % 128).unwrap_or(0);
        bytes.extend([0x90, note, velocity]);
    }
    bytes
}

/// Takes what is left over from an earlier measurement out of the socket.
fn drain(socket: &UdpSocket) -> std::io::Result<()> {
    socket.set_nonblocking(true)?;
    let mut buffer = [0; 2048];
    while socket.recv_from(&mut buffer).is_ok() {}
    socket.set_nonblocking(false)
}

impl RoundTrip {
    /// Measures for `time`, after a tenth of it to warm up.
    ///
    /// # Errors
    /// [`Error::System`]; [`Error::Silence`] when nothing comes back.
    pub fn measure(socket: &UdpSocket, peer: SocketAddr, time: Duration) -> Result<Self, Error> {
        let failed = || Error::system(format!("exchanging packets with {peer}"));
        socket.set_read_timeout(Some(GIVEN_UP)).map_err(failed())?;
        let _priority = RealTime::request();
        let start = Instant::now();
        let (warm, end) = (start + time / 10, start + time / 10 + time);
        let mut taken = Vec::new();
        let mut lost = 0;
        let mut buffer = [0; 2048];
        let mut due = start;
        for number in 0.. {
            due = (due + PACE).max(Instant::now());
            if due >= end {
                break;
            }
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            drain(socket).map_err(failed())?;
            let sent = Instant::now();
            socket.send_to(&packet(number, 1), peer).map_err(failed())?;
            match socket.recv_from(&mut buffer) {
                Ok(_) if sent >= warm => taken.push(sent.elapsed()),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    lost += 1
                }
                Err(error) => return Err(failed()(error)),
            }
        }
        taken.sort_unstable();
        let at = |percent: usize| taken.get(taken.len() * percent / 100).copied();
        match (at(50), at(99)) {
            (Some(p50), Some(p99)) => Ok(Self { p50, p99, trips: taken.len(), lost }),
            _ => Err(Error::Silence(peer)),
        }
    }
}

impl Saturation {
    /// Measures for `time`, after a tenth of it to warm up, with `events` note messages a packet.
    ///
    /// # Errors
    /// [`Error::System`]; [`Error::Silence`] when nothing comes back.
    pub fn measure(
        socket: &UdpSocket,
        peer: SocketAddr,
        events: usize,
        time: Duration,
    ) -> Result<Self, Error> {
        let failed = || Error::system(format!("exchanging packets with {peer}"));
        widen_buffers(socket).map_err(failed())?;
        drain(socket).map_err(failed())?;
        socket.set_read_timeout(Some(GIVEN_UP)).map_err(failed())?;
        let packets: Vec<Vec<u8>> = (0..WINDOW).map(|number| packet(number, events)).collect();
        let mut batch = Batch::new(socket, peer).map_err(failed())?;
        let size = events * MESSAGE;
        let start = Instant::now();
        let (warm, end) = (start + time / 10, start + time / 10 + time);
        let mut on_the_way = 0_usize; // bytes
        let (mut came_back, mut lost) = (0, 0); // bytes
        let mut next = 0;
        let mut counted_from = None;
        loop {
            let now = Instant::now();
            if counted_from.is_none() && now >= warm {
                counted_from = Some(now);
                (came_back, lost) = (0, 0);
            }
            if now >= end {
                break;
            }
            let room = WINDOW.saturating_sub(on_the_way.div_ceil(size));
            if room >= BURST {
                let until = (next + room).min(packets.len());
                let sent = batch.send(&packets[next..until]).map_err(failed())?;
                on_the_way += sent * size;
                next = (next + sent) % packets.len();
            }
            match batch.receive().map_err(failed())? {
                0 => {
                    lost += on_the_way;
                    on_the_way = 0;
                }
                bytes => {
                    came_back += bytes;
                    on_the_way = on_the_way.saturating_sub(bytes);
                }
            }
        }
        if came_back == 0 {
            return Err(Error::Silence(peer));
        }
        let seconds = counted_from.unwrap_or(start).elapsed().as_secs_f64();
        let events_per_second = (came_back / MESSAGE) as f64 / seconds;
        Ok(Self {
            events_per_second,
            packets_per_second: events_per_second / events as f64,
            lost: lost / size,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_note_that_is_switched_on_is_switched_off() {
        for events in [1, 8, 64] {
            let mut held = [false; 128];
            for number in 0..WINDOW {
                for message in packet(number, events).chunks(MESSAGE) {
                    assert_eq!(held[usize::from(message[1])], message[2] == 0);
                    held[usize::from(message[1])] = message[2] > 0;
                }
            }
            assert_eq!(held, [false; 128], "{events} events a packet");
        }
    }

    #[test]
    fn what_comes_back_joined_or_in_parts_is_counted_by_its_events() {
        let router = UdpSocket::bind("127.0.0.1:0").unwrap();
        let peer = router.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            let mut held_back = Vec::new();
            while let Ok((length, from)) = router.recv_from(&mut buffer) {
                held_back.extend_from_slice(&buffer[..length]);
                if held_back.len() >= 2 * length {
                    for part in held_back.chunks(length + MESSAGE) {
                        let _ = router.send_to(part, from);
                    }
                    held_back.clear();
                }
            }
        });
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let measured = Saturation::measure(&socket, peer, 8, Duration::from_millis(100)).unwrap();
        assert_eq!(measured.lost, 0);
        assert!(measured.events_per_second > 0.0);
    }

    #[test]
    fn silence_is_an_error_and_not_a_figure() {
        let deaf = UdpSocket::bind("127.0.0.1:0").unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let peer = deaf.local_addr().unwrap();
        let brief = Duration::from_millis(60);
        assert!(matches!(RoundTrip::measure(&socket, peer, brief), Err(Error::Silence(_))));
        assert!(matches!(Saturation::measure(&socket, peer, 1, brief), Err(Error::Silence(_))));
    }
}
