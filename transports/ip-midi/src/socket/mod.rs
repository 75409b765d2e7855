//! The sockets: how they are set up, and reading and writing many datagrams in one call of the system.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod portable;

#[cfg(target_os = "linux")]
pub(crate) use linux::{Reader, Writer};
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::{Reader, Writer};

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use midibay_plugin::NodeError;
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockRef, Socket, Type};

use crate::config::{Live, Multicast, Unicast, Wires};

/// The room asked for datagrams that wait to be read, bytes: bursts of thousands of notes.
const RECEIVE_BUFFER: usize = 4 << 20;
/// The most datagrams handed to the system, or taken from it, in one call.
const BATCH: usize = 32;
/// The longest datagram there is, rounded up. A node's buffers are of this size, and the system gives
/// memory to the part of them that is used.
const LONGEST: usize = 1 << 16;

/// The sockets of a node.
#[derive(Debug)]
pub(crate) struct Sockets {
    /// One for each port.
    pub(crate) receivers: Vec<Arc<UdpSocket>>,
    /// All datagrams leave by this one; the receiver itself for unicast.
    pub(crate) sender: Arc<UdpSocket>,
    pub(crate) destinations: Destinations,
}

/// Where datagrams go to.
#[derive(Debug)]
pub(crate) enum Destinations {
    /// Those of port n to the n-th address.
    ByPort(Vec<SocketAddr>),
    /// Each to all of them.
    All(Vec<SocketAddr>),
}

/// What [`Reader::read`] came back with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Read {
    /// Datagrams that the system dropped, for nobody read them in time: how many since the socket was
    /// opened, if it says so now.
    pub(crate) dropped: Option<u32>,
}

impl Sockets {
    /// Opens and binds them.
    ///
    /// # Errors
    /// What to do about it; mostly the port is taken or the address is not there.
    pub(crate) fn open(wires: &Wires, live: Live) -> Result<Self, NodeError> {
        match wires {
            Wires::Multicast(multicast) => Self::open_multicast(multicast, live),
            Wires::Unicast(unicast) => Self::open_unicast(unicast),
        }
    }

    fn open_multicast(multicast: &Multicast, live: Live) -> Result<Self, NodeError> {
        let group = multicast.group;
        let any = any_address(group);
        // Where the system allows it: what was sent to another group at the same port stays out.
        let own = if cfg!(unix) && group.is_ipv4() { group } else { any };
        let mut receivers = Vec::new();
        for (_, udp) in &multicast.ports {
            let address = SocketAddr::new(own, *udp);
            let opened = open(group, |socket| {
                socket.set_reuse_address(true)?;
                #[cfg(all(unix, not(target_os = "linux")))]
                socket.set_reuse_port(true)?;
                clear_multicast_all(socket, group)?;
                socket.bind(&address.into())
            });
            receivers.push(Arc::new(opened.map_err(|e| refused(&e, address))?));
        }
        let address = SocketAddr::new(any, 0);
        // A socket of its own, and with it a UDP port of its own: that is how the node knows what it
        // sent itself.
        let sender = open(group, |socket| socket.bind(&address.into()));
        let sender = Arc::new(sender.map_err(|e| refused(&e, address))?);
        let to = multicast.ports.iter().map(|(_, udp)| SocketAddr::new(group, *udp)).collect();
        let sockets = Self { receivers, sender, destinations: Destinations::ByPort(to) };
        sockets.set_live(group, live).map_err(NodeError::retry)?;
        Ok(sockets)
    }

    fn open_unicast(unicast: &Unicast) -> Result<Self, NodeError> {
        let mut address = unicast.listen;
        let mut opened = open(address.ip(), |socket| {
            if address.is_ipv6() {
                socket.set_only_v6(!unicast.dual_stack)?;
            }
            socket.bind(&address.into())
        });
        let v4_would_do = unicast.dual_stack && unicast.peers.iter().all(SocketAddr::is_ipv4);
        if v4_would_do && opened.as_ref().is_err_and(|e| e.kind() != ErrorKind::AddrInUse) {
            address.set_ip(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            opened = open(address.ip(), |socket| socket.bind(&address.into()));
        }
        let socket = Arc::new(opened.map_err(|e| refused(&e, address))?);
        let mut peers = unicast.peers.clone();
        for peer in &mut peers {
            if let (true, IpAddr::V4(v4)) = (address.is_ipv6(), peer.ip()) {
                peer.set_ip(IpAddr::V6(v4.to_ipv6_mapped()));
            }
        }
        let receivers = vec![Arc::clone(&socket)];
        Ok(Self { receivers, sender: socket, destinations: Destinations::All(peers) })
    }

    /// Sets how far multicast goes, and whether this machine hears it too. `[engine]`
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn set_live(&self, group: IpAddr, live: Live) -> io::Result<()> {
        // Which socket the second one has to be set at differs between systems.
        for socket in self.receivers.iter().chain([&self.sender]) {
            let socket = SockRef::from(&**socket);
            if group.is_ipv4() {
                socket.set_multicast_ttl_v4(u32::from(live.ttl))?;
                socket.set_multicast_loop_v4(live.loopback)?;
            } else {
                socket.set_multicast_hops_v6(u32::from(live.ttl))?;
                socket.set_multicast_loop_v6(live.loopback)?;
            }
        }
        Ok(())
    }
}

fn any_address(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

fn open(like: IpAddr, prepare: impl FnOnce(&Socket) -> io::Result<()>) -> io::Result<UdpSocket> {
    let domain = if like.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    if like.is_ipv6() && like.is_multicast() {
        socket.set_only_v6(true)?;
    }
    prepare(&socket)?;
    socket.set_nonblocking(true)?;
    enlarge_receive_buffer(&socket);
    Ok(socket.into())
}

/// The system may grant less than asked for; what it drops is counted.
fn enlarge_receive_buffer(socket: &Socket) {
    #[cfg(target_os = "linux")]
    linux::prepare(socket, RECEIVE_BUFFER);
    #[cfg(not(target_os = "linux"))]
    {
        // Some systems refuse what they cannot grant in whole.
        let mut size = RECEIVE_BUFFER;
        while size > 1 << 16 && socket.set_recv_buffer_size(size).is_err() {
            size /= 2;
        }
    }
}

/// Without this, Linux hands a socket what *other* sockets of the machine have joined.
fn clear_multicast_all(socket: &Socket, group: IpAddr) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    return if group.is_ipv4() {
        socket.set_multicast_all_v4(false)
    } else {
        socket.set_multicast_all_v6(false)
    };
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (socket, group);
        Ok(())
    }
}

fn refused(error: &io::Error, address: SocketAddr) -> NodeError {
    NodeError::retry(match error.kind() {
        ErrorKind::AddrInUse => format!(
            "UDP port {} is taken by another program; end that one, or choose another port",
            address.port()
        ),
        ErrorKind::AddrNotAvailable => {
            format!(
                "no interface of this machine has the address {} now; `listen` with a port alone takes all",
                address.ip()
            )
        }
        ErrorKind::PermissionDenied => {
            format!("this user may not open UDP port {}; choose one above 1023", address.port())
        }
        _ => format!("cannot open a UDP socket at {address}: {error}"),
    })
}

/// Joins the group on an interface and lets datagrams leave there. `index` and `address` are those of
/// the interface. It may wait for the system's network configuration: not for the engine's thread.
///
/// # Errors
/// What the system says.
pub(crate) fn join(sockets: &Sockets, group: IpAddr, index: u32, address: IpAddr) -> io::Result<()> {
    let sender = SockRef::from(&*sockets.sender);
    match (group, address) {
        (IpAddr::V4(_), IpAddr::V4(address)) => send_by_v4(&sender, index, address)?,
        _ => sender.set_multicast_if_v6(index)?,
    }
    for receiver in &sockets.receivers {
        let receiver = SockRef::from(&**receiver);
        let joined = match group {
            IpAddr::V4(group) => receiver.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(index)),
            IpAddr::V6(group) => receiver.join_multicast_v6(&group, index),
        };
        match joined {
            // A member already: the system kept it while the interface was down.
            Err(e) if e.kind() == ErrorKind::AddrInUse => {}
            joined => joined?,
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
use linux::send_by_v4;

/// By its address, as only some systems know the index here.
#[cfg(not(target_os = "linux"))]
fn send_by_v4(sender: &Socket, _: u32, address: Ipv4Addr) -> io::Result<()> {
    sender.set_multicast_if_v4(&address)
}

/// Leaves the group on an interface, which may be gone.
pub(crate) fn leave(sockets: &Sockets, group: IpAddr, index: u32) {
    for receiver in &sockets.receivers {
        let receiver = SockRef::from(&**receiver);
        // It fails when the system has ended the membership itself, which is as good.
        let _ = match group {
            IpAddr::V4(group) => {
                receiver.leave_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(index))
            }
            IpAddr::V6(group) => receiver.leave_multicast_v6(&group, index),
        };
    }
}
