//! Who sends: addresses as numbers that are quick to compare.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// The address and UDP port that a datagram came from. IPv4 is kept as an IPv4-mapped IPv6 address,
/// so that a sender is the same whichever kind of socket heard it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sender {
    address: u128,
    /// The port, and the IPv6 zone above it: the same link-local address may exist on two links.
    port_and_zone: u64,
}

fn mapped(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

impl Sender {
    /// From the bytes of an IPv4 address, in the order of the wire, and a port.
    #[inline]
    pub fn v4(address: [u8; 4], port: u16) -> Self {
        Self {
            address: 0xFFFF << 32 | u128::from(u32::from_be_bytes(address)),
            port_and_zone: u64::from(port),
        }
    }

    /// From the bytes of an IPv6 address, in the order of the wire, a port and a zone (0 is none).
    #[inline]
    pub fn v6(address: [u8; 16], port: u16, zone: u32) -> Self {
        Self { address: u128::from_be_bytes(address), port_and_zone: u64::from(zone) << 16 | u64::from(port) }
    }

    /// The UDP port.
    pub fn port(&self) -> u16 {
        self.port_and_zone as u16
    }

    /// The address, an IPv4-mapped one as IPv4.
    pub fn ip(&self) -> IpAddr {
        Ipv6Addr::from_bits(self.address).to_canonical()
    }
}

impl From<SocketAddr> for Sender {
    fn from(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(v4) => Self::v4(v4.ip().octets(), v4.port()),
            SocketAddr::V6(v6) => Self::v6(v6.ip().octets(), v6.port(), v6.scope_id()),
        }
    }
}

/// An address or a network, `10.0.0.2` or `10.0.0.0/24`, that senders are let in from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Network {
    address: u128,
    mask: u128,
}

impl Network {
    /// Is this one of its addresses?
    pub(crate) fn contains(&self, sender: &Sender) -> bool {
        sender.address & self.mask == self.address
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().map_err(drop)?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(drop)?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(bits);
        if prefix > bits {
            return Err(());
        }
        let mask = u128::MAX.checked_shl(bits - prefix).unwrap_or(0);
        // What stands before an IPv4 address in its mapped form has to be the same too.
        let mask = if bits == 32 { mask | u128::MAX << 32 } else { mask };
        Ok(Self { address: mapped(address) & mask, mask })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lets_in(network: &str, sender: &str) -> bool {
        network.parse::<Network>().unwrap().contains(&Sender::from(sender.parse::<SocketAddr>().unwrap()))
    }

    #[test]
    fn a_network_contains_its_addresses_whatever_socket_hears_them() {
        assert!(lets_in("10.0.0.0/24", "10.0.0.77:5004"));
        assert!(lets_in("10.0.0.0/24", "[::ffff:10.0.0.77]:5004"));
        assert!(!lets_in("10.0.0.0/24", "10.0.1.77:5004"));
        assert!(lets_in("10.0.0.2", "10.0.0.2:1"));
        assert!(!lets_in("10.0.0.2", "10.0.0.3:1"));
        assert!(lets_in("0.0.0.0/0", "192.168.1.1:1") && !lets_in("0.0.0.0/0", "[fd00::1]:1"));
        assert!(lets_in("fd00::/8", "[fd83::1]:9") && !lets_in("fd00::/8", "[fe80::1]:9"));
        assert!(lets_in("::/0", "10.0.0.2:1"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0", "10.0.0.0/33", "10.0.0.0/x", "fd00::/129", "lights.local"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_sender_gives_back_its_address_and_port() {
        let sender = Sender::from("[::ffff:10.0.0.7]:21928".parse::<SocketAddr>().unwrap());
        assert_eq!((sender.ip().to_string().as_str(), sender.port()), ("10.0.0.7", 21928));
        assert_eq!(sender, Sender::v4([10, 0, 0, 7], 21928));
        assert_ne!(Sender::v6([1; 16], 5, 2), Sender::v6([1; 16], 5, 3));
    }
}
