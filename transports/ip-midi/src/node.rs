//! The node: sockets, senders and the outbox put together.

use std::net::UdpSocket;
use std::sync::Arc;

use midibay_plugin::{
    ALL_PORTS, CommandError, ConfigError, Counters, DropReason, Endpoint, Event, Health, Host, NoCommand,
    Node, NodeError, Out, PortListing, Ports, Property, PropertyInfo, Readiness, Ready,
};

use crate::address::{Network, Sender};
use crate::config::{Config, Live, Params, Wires};
use crate::link::{Link, Target, Watch, interfaces};
use crate::outbox::Outbox;
use crate::senders::Senders;
use crate::socket::{Destinations, Reader, Sockets, Writer};

/// The key of the sending socket where it is not also a receiving one. Receivers have their port's
/// number.
const SENDER_KEY: u32 = 1 << 16;
/// How often (ns) senders are counted while there are any.
const COUNT_SENDERS: u64 = 10_000_000_000;
/// Where the system does not tell when a socket has room again, it is tried so often (ns).
const TRY_AGAIN: u64 = 10_000_000;

#[cfg(unix)]
fn raw(socket: &UdpSocket) -> std::os::fd::RawFd {
    std::os::fd::AsRawFd::as_raw_fd(socket)
}
#[cfg(windows)]
fn raw(socket: &UdpSocket) -> std::os::windows::io::RawSocket {
    std::os::windows::io::AsRawSocket::as_raw_socket(socket)
}

/// MIDI in UDP datagrams: ipMIDI's multicast, or to and from peers.
pub struct IpMidi {
    host: Host,
    wires: Wires,
    sockets: Arc<Sockets>,
    /// Follows the interface; none where the node depends on no certain one.
    watch: Option<Watch>,
    inbox: Inbox,
    outbox: Outbox,
    writer: Writer,
    live: Live,
    /// The network is there, as far as the engine knows, and how often that changed.
    up: bool,
    changes: u64,
    /// The sending socket is watched for room.
    awaits_room: bool,
    /// What was asked of [`Out::wake_at`] and has not come yet.
    asked: u64,
}

/// The way in.
struct Inbox {
    reader: Reader,
    senders: Box<[Senders]>,
    /// How many datagrams the system has dropped at each port's socket.
    dropped: Box<[u32]>,
    from: Vec<Network>,
    /// What is heard with this UDP port and an own address was sent by this very node.
    own: Option<(u16, Arc<Link>)>,
    count: Property,
    counted: usize,
    count_at: u64,
}

impl Inbox {
    /// Reads what one socket has. Returns when `tick` has something to do.
    #[inline]
    fn receive(&mut self, host: &Host, socket: &UdpSocket, port: u16, now: u64, out: &mut Out) -> u64 {
        let Self { reader, senders, from, own, .. } = self;
        let senders = &mut senders[usize::from(port)];
        let (mut bytes, mut refused) = (0, 0);
        let (mut deadline, mut newcomer) = (u64::MAX, false);
        let read = reader.read(socket, |sender, datagram| {
            let place = match senders.find(sender) {
                Some(place) => place,
                None if datagram.is_empty() || is_own(own.as_ref(), &sender) => return 0,
                None if !from.is_empty() && !from.iter().any(|network| network.contains(&sender)) => {
                    refused += 1;
                    return 0;
                }
                None => {
                    newcomer = true;
                    senders.admit(sender, now, |ump| out.push(Event::new(now, ump).at_port(port)))
                }
            };
            let mut events = 0;
            bytes += datagram.len() as u64;
            senders.read(place, now, datagram, |ump| {
                events += 1;
                out.push(Event::new(now, ump).at_port(port));
            });
            if let Some(end) = senders.deadline(place) {
                deadline = deadline.min(end);
            }
            events
        });
        Counters::add(&host.counters().bytes_received, bytes);
        count_faults(host, senders);
        if refused > 0 {
            host.dropped(DropReason::Refused, refused);
        }
        if let Some(dropped) = read.dropped {
            let before = std::mem::replace(&mut self.dropped[usize::from(port)], dropped);
            host.dropped(DropReason::Overflow, u64::from(dropped.wrapping_sub(before)));
        }
        if newcomer {
            self.count_senders(now);
        }
        deadline.min(self.count_at)
    }

    fn count_senders(&mut self, now: u64) {
        let active = self.senders.iter().map(|senders| senders.active(now)).sum();
        if active != self.counted {
            self.counted = active;
            self.count.set_int(active as i64);
        }
        self.count_at = if active > 0 { now.saturating_add(COUNT_SENDERS) } else { u64::MAX };
    }

    /// Returns when to be called again.
    fn tick(&mut self, host: &Host, now: u64, out: &mut Out) -> u64 {
        let mut next = u64::MAX;
        for (port, senders) in self.senders.iter_mut().enumerate() {
            let then = senders.tick(now, |ump| out.push(Event::new(now, ump).at_port(port as u16)));
            count_faults(host, senders);
            next = next.min(then.unwrap_or(u64::MAX));
        }
        if now >= self.count_at {
            self.count_senders(now);
        }
        next.min(self.count_at)
    }

    /// Everybody is gone.
    fn forget(&mut self, host: &Host, now: u64, out: &mut Out) {
        for (port, senders) in self.senders.iter_mut().enumerate() {
            senders.forget(now, |ump| out.push(Event::new(now, ump).at_port(port as u16)));
            count_faults(host, senders);
        }
        self.count_senders(now);
    }
}

#[inline]
fn count_faults(host: &Host, senders: &mut Senders) {
    let faults = senders.take_faults();
    if faults.malformed > 0 {
        host.dropped(DropReason::Malformed, faults.malformed);
    }
    if faults.overflow > 0 {
        host.dropped(DropReason::Overflow, faults.overflow);
    }
}

fn is_own(own: Option<&(u16, Arc<Link>)>, sender: &Sender) -> bool {
    own.is_some_and(|(port, link)| sender.port() == *port && link.is_own(sender.ip()))
}

impl IpMidi {
    fn ask(&mut self, at: u64, out: &mut Out) {
        if at < self.asked {
            self.asked = at;
            out.wake_at(at);
        }
    }

    /// After the outbox was at work: counters, the watch for room, the next tick.
    #[inline]
    fn sent(&mut self, now: u64, out: &mut Out) {
        let tally = self.outbox.take_tally();
        let counters = self.host.counters();
        Counters::add(&counters.bytes_sent, tally.bytes);
        for (reason, count) in [
            (DropReason::Overflow, tally.overflow),
            (DropReason::Malformed, tally.malformed),
            (DropReason::Unsupported, tally.unsupported),
            (DropReason::Unavailable, tally.unavailable),
        ] {
            if count > 0 {
                counters.dropped(reason, count);
            }
        }
        if self.outbox.is_blocked() != self.awaits_room {
            self.watch_for_room(now, out);
        }
        if let Some(deadline) = self.outbox.deadline() {
            self.ask(deadline, out);
        }
    }

    #[cold]
    fn watch_for_room(&mut self, now: u64, out: &mut Out) {
        self.awaits_room = self.outbox.is_blocked();
        let sender = raw(&self.sockets.sender);
        let watched = match (&self.wires, self.awaits_room) {
            (Wires::Multicast(_), true) => self.host.watch(sender, SENDER_KEY, Readiness::WRITE),
            (Wires::Multicast(_), false) => self.host.unwatch(sender),
            (Wires::Unicast(_), true) => self.host.rewatch(sender, 0, Readiness::BOTH),
            (Wires::Unicast(_), false) => self.host.rewatch(sender, 0, Readiness::READ),
        };
        if watched.is_err() && self.awaits_room {
            // Then `tick` tries.
            self.ask(now.saturating_add(TRY_AGAIN), out);
        }
    }

    /// The thread that follows the interface has said something.
    fn link_changed(&mut self, now: u64, out: &mut Out) {
        let Some(watch) = &self.watch else { return };
        let (up, changes) = watch.link().state();
        if changes == self.changes {
            return;
        }
        let was_up = std::mem::replace(&mut self.up, up);
        self.changes = changes;
        if was_up {
            self.inbox.forget(&self.host, now, out);
            out.source_lost(ALL_PORTS);
            self.outbox.lose_all();
        }
        if up {
            self.outbox.settle(&mut self.writer, now);
        }
        self.sent(now, out);
    }
}

impl Node for IpMidi {
    const TYPE: &'static str = "ip-midi";
    const ABOUT: &'static str = "MIDI in UDP datagrams: ipMIDI and QmidiNet multicast, or to and from peers.";
    const PROPERTIES: &'static [PropertyInfo] = &[
        PropertyInfo {
            name: "senders",
            about: "How many senders were heard within the last minute, at all ports together.",
            unit: "",
        },
        PropertyInfo {
            name: "interface",
            about: "The network interface in use; empty while there is none, or where any will do.",
            unit: "",
        },
        PropertyInfo {
            name: "address",
            about: "Multicast: the address in use on that interface. Unicast: the address and UDP port it \
                    listens at.",
            unit: "",
        },
    ];

    type Config = Config;
    type Params = Params;
    type Command = NoCommand;

    fn compile(config: Config) -> Result<Params, Vec<ConfigError>> {
        config.check()
    }

    fn ports(params: &Params) -> Ports {
        params.ports()
    }

    fn in_place(old: &Config, new: &Config) -> bool {
        old.differs_only_live(new)
    }

    fn new(params: Params, host: Host) -> Result<Self, NodeError> {
        let Params { wires, from, live, max_datagram } = params;
        let sockets = Arc::new(Sockets::open(&wires, live)?);
        let ports = sockets.receivers.len();
        let local = sockets.sender.local_addr().map_err(NodeError::retry)?;
        let watch = |target| Watch::start(target, Arc::clone(&sockets), &host).map(Some);
        let watch = match &wires {
            Wires::Multicast(multicast) => {
                watch(Target::Group(multicast.group, multicast.interface.clone()))?
            }
            Wires::Unicast(unicast) => {
                host.property("address").set_text(&local.to_string());
                let ip = unicast.listen.ip();
                if ip.is_unspecified() || ip.is_loopback() {
                    host.property("interface").set_text("");
                    host.health(Health::Ok, "");
                    None
                } else {
                    watch(Target::Address(ip))?
                }
            }
        };
        let (up, changes) = watch.as_ref().map_or((true, 0), |watch| watch.link().state());
        let own = match (&wires, &watch) {
            (Wires::Multicast(_), Some(watch)) => Some((local.port(), Arc::clone(watch.link()))),
            _ => None,
        };
        let count = host.property("senders");
        count.set_int(0);
        let inbox = Inbox {
            reader: Reader::new(),
            senders: (0..ports).map(|_| Senders::new()).collect(),
            dropped: vec![0; ports].into_boxed_slice(),
            from,
            own,
            count,
            counted: 0,
            count_at: u64::MAX,
        };
        let destinations = match &sockets.destinations {
            Destinations::ByPort(to) => Destinations::ByPort(to.clone()),
            Destinations::All(to) => Destinations::All(to.clone()),
        };
        let node = Self {
            inbox,
            outbox: Outbox::new(ports, max_datagram, live.coalesce),
            writer: Writer::new(Arc::clone(&sockets.sender), destinations),
            host,
            wires,
            sockets,
            watch,
            live,
            up,
            changes,
            awaits_room: false,
            asked: u64::MAX,
        };
        for (key, receiver) in node.sockets.receivers.iter().enumerate() {
            if let Err(e) = node.host.watch(raw(receiver), key as u32, Readiness::READ) {
                for watched in &node.sockets.receivers[..key] {
                    // It is closed right after.
                    let _ = node.host.unwatch(raw(watched));
                }
                return Err(NodeError::retry(format!("cannot wait for datagrams: {e}")));
            }
        }
        Ok(node)
    }

    fn reconfigure(&mut self, params: &mut Params, now: u64, out: &mut Out) {
        self.live = params.live;
        self.outbox.set_coalesce(self.live.coalesce);
        if let Wires::Multicast(multicast) = &self.wires
            && let Err(e) = self.sockets.set_live(multicast.group, self.live)
        {
            // Both were set before with other values, so this has never been seen.
            self.host.log(midibay_plugin::Level::Error, "the system refuses the new ttl or loopback");
            debug_assert!(false, "{e}");
        }
        self.sent(now, out);
    }

    fn command(&mut self, command: &mut NoCommand, _: u64, _: &mut Out) -> Result<(), CommandError> {
        match *command {}
    }

    fn tick(&mut self, now: u64, out: &mut Out) {
        self.asked = u64::MAX;
        let next = self.inbox.tick(&self.host, now, out);
        self.ask(next, out);
        if self.outbox.is_blocked() {
            self.outbox.writable(&mut self.writer);
        }
        self.outbox.tick(&mut self.writer, now);
        self.sent(now, out);
    }

    fn source_lost(&mut self, port: u16, source: u32, now: u64, out: &mut Out) {
        self.outbox.source_lost(&mut self.writer, now, port, source);
        self.sent(now, out);
    }

    fn stop(&mut self) {
        self.watch = None;
        for receiver in &self.sockets.receivers {
            // It is closed right after; a watch that is gone already is as good.
            let _ = self.host.unwatch(raw(receiver));
        }
        if self.awaits_room && matches!(self.wires, Wires::Multicast(_)) {
            let _ = self.host.unwatch(raw(&self.sockets.sender));
        }
    }
}

impl Endpoint for IpMidi {
    #[inline]
    fn ready(&mut self, ready: Ready, now: u64, out: &mut Out) {
        let Ready::Io { key, readiness } = ready else { return self.link_changed(now, out) };
        if let Some(socket) = self.sockets.receivers.get(key as usize)
            && readiness.readable()
        {
            let deadline = self.inbox.receive(&self.host, socket, key as u16, now, out);
            self.ask(deadline, out);
        }
        if readiness.writable() && self.awaits_room {
            self.outbox.writable(&mut self.writer);
            self.sent(now, out);
        }
    }

    #[inline]
    fn send(&mut self, events: &[Event], now: u64, out: &mut Out) {
        if self.up {
            self.outbox.send(&mut self.writer, now, events);
        } else {
            self.outbox.lose(events);
        }
        self.sent(now, out);
    }

    fn list() -> Result<Vec<PortListing>, String> {
        let usable = interfaces()?.into_iter().filter(|one| one.up && !one.point_to_point);
        let listing = usable.map(|one| {
            let address = one.addresses.iter().find(|address| address.is_ipv4()).or(one.addresses.first());
            PortListing {
                name: address.map_or(one.name.clone(), |address| format!("{} ({address})", one.name)),
                // As JSON, which quotes like TOML.
                write: format!("interface = {:?}", one.name),
                input: true,
                output: true,
            }
        });
        Ok(listing.collect())
    }
}
