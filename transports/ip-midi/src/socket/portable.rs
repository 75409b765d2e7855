//! Systems without `recvmmsg` and `sendmmsg`: one datagram a call.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use super::{BATCH, Destinations, LONGEST, Read};
use crate::address::Sender;
use crate::outbox::{Transmitted, Wire};
use crate::packer::Packer;

/// A call ends after so many events, so that one busy port does not hold up the others.
const EVENTS_AT_ONCE: usize = 512;

/// Reads datagrams.
pub(crate) struct Reader {
    bytes: Box<[u8]>,
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; LONGEST].into_boxed_slice() }
    }

    /// Reads what is there, at most about [`EVENTS_AT_ONCE`] events: `each` gets every datagram with its
    /// sender and answers how many events were in it. `[engine]`
    pub(crate) fn read(&mut self, socket: &UdpSocket, mut each: impl FnMut(Sender, &[u8]) -> usize) -> Read {
        let mut events = 0;
        for _ in 0..BATCH {
            match socket.recv_from(&mut self.bytes) {
                Ok((len, from)) => events += each(Sender::from(from), &self.bytes[..len]),
                // Windows reports here that an earlier datagram met a closed port.
                Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionReset) => {}
                Err(_) => break,
            }
            if events > EVENTS_AT_ONCE {
                break;
            }
        }
        Read::default()
    }
}

/// Writes datagrams.
pub(crate) struct Writer {
    socket: Arc<UdpSocket>,
    addresses: Vec<SocketAddr>,
    by_port: bool,
}

impl Writer {
    pub(crate) fn new(socket: Arc<UdpSocket>, destinations: Destinations) -> Self {
        let (by_port, addresses) = match destinations {
            Destinations::ByPort(addresses) => (true, addresses),
            Destinations::All(addresses) => (false, addresses),
        };
        Self { socket, addresses, by_port }
    }
}

impl Wire for Writer {
    fn destinations(&self) -> usize {
        if self.by_port { 1 } else { self.addresses.len() }
    }

    fn transmit(&mut self, datagrams: &Packer, skip: usize) -> Transmitted {
        let destinations = self.destinations();
        let Some(datagram) = datagrams.get(skip / destinations) else { return Transmitted::Refused };
        let to = if self.by_port { datagram.port } else { skip % destinations };
        loop {
            match self.socket.send_to(datagram.bytes, self.addresses[to]) {
                Ok(_) => return Transmitted::Taken(1),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Transmitted::Blocked,
                Err(_) => return Transmitted::Refused,
            }
        }
    }
}
