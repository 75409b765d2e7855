//! The options as they stand in a graph file, and what they mean once they are checked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use midibay_plugin::{ConfigError, Ports};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::address::Network;

/// The group that ipMIDI, QmidiNet and multimidicast use.
pub const GROUP: Ipv4Addr = Ipv4Addr::new(225, 0, 0, 37);
/// The UDP port of MIDI port 1.
pub const BASE_PORT: u16 = 21928;
/// The most MIDI ports of one node.
pub const MAX_PORTS: usize = 32;
/// The most peers of one node.
pub const MAX_PEERS: usize = 64;
/// The longest datagram that UDP over IPv4 carries, bytes.
pub const MAX_DATAGRAM: usize = 65507;
/// The shortest limit for a datagram, bytes: several of the longest messages fit.
pub const MIN_DATAGRAM: usize = 64;

/// How datagrams find their way.
#[derive(Deserialize, JsonSchema, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// To and from everybody in a multicast group, as ipMIDI does it.
    Multicast,
    /// To a list of peers, and from whoever sends here.
    Unicast,
}

/// Where to listen: a UDP port, or an address with one.
#[derive(Deserialize, JsonSchema, Clone, PartialEq, Eq, Debug)]
#[serde(untagged, expecting = "expected a UDP port such as 5004, or an address such as \"10.0.0.1:5004\"")]
pub enum Listen {
    /// A UDP port, at all addresses of this machine.
    Port(u16),
    /// An address with a UDP port, or a UDP port alone.
    Address(String),
}

/// The options of an `ip-midi` node.
#[derive(Deserialize, JsonSchema, Clone, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// `multicast` or `unicast`. Default: `unicast` where `listen` or `peers` is given, else
    /// `multicast`.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// Multicast: the MIDI ports, from 1, at most 32. MIDI port k is UDP port `base-port` + k - 1.
    /// Default: `[1]`.
    #[serde(default)]
    pub ports: Option<Vec<u16>>,
    /// Multicast: the group, an IPv4 or IPv6 address. Default: `225.0.0.37`.
    #[serde(default)]
    pub group: Option<String>,
    /// Multicast: the UDP port of MIDI port 1. Default: 21928.
    #[serde(default)]
    pub base_port: Option<u16>,
    /// Multicast: the network interface, by its name (`eth0`) or one of its addresses. Default: the
    /// one by which the system reaches the group, or, without a route there, the first that is up.
    #[serde(default)]
    pub interface: Option<String>,
    /// Multicast: how many networks a datagram may cross, 0 to 255; 1 stays in this one. Default: 1.
    #[serde(default)]
    pub ttl: Option<u8>,
    /// Multicast: let other programs of this machine hear this node too. Default: false.
    #[serde(default)]
    pub loopback: Option<bool>,
    /// Unicast: the UDP port to listen at, or an address with one (`"10.0.0.1:5004"`). Default: a
    /// port that the system chooses.
    #[serde(default)]
    pub listen: Option<Listen>,
    /// Unicast: where to send, each an address with a UDP port (`"10.0.0.2:5004"`), at most 64.
    /// Default: nowhere.
    #[serde(default)]
    pub peers: Option<Vec<String>>,
    /// Only take datagrams from these addresses (`"10.0.0.2"`) or networks (`"10.0.0.0/24"`).
    /// Default: from all.
    #[serde(default)]
    pub from: Option<Vec<String>>,
    /// Put as many messages into a datagram as there are and fit. When false each message has a
    /// datagram of its own, as QmidiNet needs it. Default: true for unicast, false for multicast.
    #[serde(default)]
    pub coalesce: Option<bool>,
    /// The longest datagram to send, bytes of MIDI, 64 to 65507. Default: 1472 (1452 with IPv6), the
    /// most that passes an Ethernet in one piece.
    #[serde(default)]
    pub max_datagram: Option<u32>,
}

/// Which network interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum InterfaceChoice {
    /// The system's choice.
    Auto,
    /// By name.
    Name(String),
    /// The one that has this address.
    Address(IpAddr),
}

/// A multicast node's wires.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Multicast {
    /// The group.
    pub group: IpAddr,
    /// MIDI port and UDP port of each port of the node.
    pub ports: Vec<(u16, u16)>,
    /// Where the group is joined and sent to.
    pub interface: InterfaceChoice,
}

/// A unicast node's wires.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unicast {
    /// What to bind to.
    pub listen: SocketAddr,
    /// An IPv6 socket that carries IPv4 as well; if the system has no IPv6, IPv4 alone will do.
    pub dual_stack: bool,
    /// Where everything goes.
    pub peers: Vec<SocketAddr>,
}

/// The two kinds of wires.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wires {
    /// A group.
    Multicast(Multicast),
    /// Peers.
    Unicast(Unicast),
}

/// The options, checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Params {
    pub(crate) wires: Wires,
    pub(crate) from: Vec<Network>,
    pub(crate) live: Live,
    pub(crate) max_datagram: usize,
}

/// What can change while the node runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Live {
    pub(crate) coalesce: bool,
    pub(crate) ttl: u8,
    pub(crate) loopback: bool,
}

impl Config {
    /// Checks the options. No side effects.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn check(&self) -> Result<Params, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let unicast = self.is_unicast();
        self.check_mode(unicast, &mut errors);
        let from = parse_each("from", self.from.as_deref(), &mut errors, |text| {
            text.parse::<Network>()
                .map_err(|()| ("is no address or network", "write \"10.0.0.2\" or \"10.0.0.0/24\""))
        });
        let wires = if unicast {
            Wires::Unicast(self.check_unicast(&mut errors))
        } else {
            Wires::Multicast(self.check_multicast(&mut errors))
        };
        let v6 = match &wires {
            Wires::Multicast(multicast) => multicast.group.is_ipv6(),
            Wires::Unicast(unicast) => unicast.peers.iter().any(|peer| peer.is_ipv6()),
        };
        let max_datagram = self.max_datagram.map_or(if v6 { 1452 } else { 1472 }, |bytes| bytes as usize);
        if !(MIN_DATAGRAM..=MAX_DATAGRAM).contains(&max_datagram) {
            let message = format!("{max_datagram} is not between {MIN_DATAGRAM} and {MAX_DATAGRAM} bytes");
            errors.push(
                ConfigError::at("max-datagram", message).help("leave it out for what an Ethernet carries"),
            );
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let live = Live {
            coalesce: self.coalesce.unwrap_or(unicast),
            ttl: self.ttl.unwrap_or(1),
            loopback: self.loopback.unwrap_or(false),
        };
        Ok(Params { wires, from, live, max_datagram })
    }

    /// Can a node that runs with these options take over `new` without new sockets?
    pub(crate) fn differs_only_live(&self, new: &Self) -> bool {
        let mut would_be = self.clone();
        would_be.coalesce = new.coalesce;
        would_be.ttl = new.ttl;
        would_be.loopback = new.loopback;
        would_be == *new
    }

    fn is_unicast(&self) -> bool {
        match self.mode {
            Some(mode) => mode == Mode::Unicast,
            None => self.listen.is_some() || self.peers.is_some(),
        }
    }

    /// Options of the other mode would be read and have no effect.
    fn check_mode(&self, unicast: bool, errors: &mut Vec<ConfigError>) {
        let multicast_only = [
            ("ports", self.ports.is_some()),
            ("group", self.group.is_some()),
            ("base-port", self.base_port.is_some()),
            ("interface", self.interface.is_some()),
            ("ttl", self.ttl.is_some()),
            ("loopback", self.loopback.is_some()),
        ];
        let unicast_only = [("listen", self.listen.is_some()), ("peers", self.peers.is_some())];
        let (given, own, other): (&[_], _, _) = if unicast {
            (&multicast_only, "unicast", "multicast")
        } else {
            (&unicast_only, "multicast", "unicast")
        };
        for (option, _) in given.iter().filter(|(_, given)| *given) {
            let help = if self.mode.is_some() {
                format!("leave it out, or write mode = \"{other}\"")
            } else {
                "`listen` and `peers` make it a unicast node; use two nodes for both".to_owned()
            };
            let message = format!("means something to {other} only, and this node is {own}");
            errors.push(ConfigError::at(*option, message).help(help));
        }
        if unicast && self.listen.is_none() && self.peers.is_none() {
            errors.push(
                ConfigError::at("", "a unicast node needs `listen`, `peers` or both")
                    .help("write listen = 5004 to receive, peers = [\"10.0.0.2:5004\"] to send"),
            );
        }
    }

    fn check_multicast(&self, errors: &mut Vec<ConfigError>) -> Multicast {
        let group = match self.group.as_deref().map(str::parse::<IpAddr>) {
            None => IpAddr::V4(GROUP),
            Some(Ok(group)) if group.is_multicast() => group,
            Some(wrong) => {
                let message = if wrong.is_ok() {
                    "is an address, and not that of a multicast group"
                } else {
                    "is no address"
                };
                errors.push(ConfigError::at("group", message).help(
                    "IPv4 groups begin with 224 to 239 (ipMIDI: \"225.0.0.37\"), IPv6 groups with ff (\"ff12::37\")",
                ));
                IpAddr::V4(GROUP)
            }
        };
        Multicast { group, ports: self.check_ports(errors), interface: self.check_interface(errors) }
    }

    fn check_ports(&self, errors: &mut Vec<ConfigError>) -> Vec<(u16, u16)> {
        let base = self.base_port.unwrap_or(BASE_PORT);
        if base == 0 {
            errors.push(ConfigError::at("base-port", "UDP ports count from 1").help("ipMIDI uses 21928"));
        }
        let ports = self.ports.as_deref().unwrap_or(&[1]);
        if ports.is_empty() {
            errors.push(ConfigError::at("ports", "names no port").help("leave it out for port 1"));
        }
        if ports.len() > MAX_PORTS {
            let message = format!("{} ports are more than a node takes ({MAX_PORTS})", ports.len());
            errors.push(ConfigError::at("ports", message).help("make a second node for the others"));
        }
        let mut pairs = Vec::new();
        for (i, &port) in ports.iter().enumerate() {
            let at = format!("ports[{i}]");
            if ports[..i].contains(&port) {
                errors.push(ConfigError::at(at, format!("port {port} is there twice")).help("name it once"));
            } else if port == 0 {
                errors.push(ConfigError::at(at, "MIDI ports count from 1").help("the first port is 1"));
            } else if let Some(udp) = base.checked_add(port - 1) {
                pairs.push((port, udp));
            } else {
                let message = format!(
                    "with base-port {base} it would be UDP port {}",
                    u32::from(base) + u32::from(port) - 1
                );
                errors.push(ConfigError::at(at, message).help("UDP ports end at 65535"));
            }
        }
        pairs
    }

    fn check_interface(&self, errors: &mut Vec<ConfigError>) -> InterfaceChoice {
        match self.interface.as_deref().map(|text| (text, text.parse::<IpAddr>())) {
            None => InterfaceChoice::Auto,
            Some(("", _)) => {
                let error = ConfigError::at("interface", "is empty");
                errors.push(
                    error.help("leave it out for the system's choice; `midibay ports` lists what there is"),
                );
                InterfaceChoice::Auto
            }
            Some((_, Ok(address))) => InterfaceChoice::Address(address),
            Some((name, Err(_))) => InterfaceChoice::Name(name.to_owned()),
        }
    }

    fn check_unicast(&self, errors: &mut Vec<ConfigError>) -> Unicast {
        let peers =
            parse_each("peers", self.peers.as_deref(), errors, |text| match text.parse::<SocketAddr>() {
                Ok(peer) if peer.port() == 0 => {
                    Err(("names UDP port 0", "write the port that the peer listens at"))
                }
                Ok(peer) if peer.ip().is_multicast() => {
                    Err(("is a multicast group", "write mode = \"multicast\" and group = ... for a group"))
                }
                Ok(peer) if peer.ip().is_unspecified() => {
                    Err(("names no machine", "write \"127.0.0.1:5004\" for this one"))
                }
                Ok(peer) => Ok(peer),
                Err(_) => Err((
                    "is no address with a UDP port",
                    "write \"10.0.0.2:5004\" or \"[fd00::2]:5004\"; names are not looked up",
                )),
            });
        if self.peers.as_ref().is_some_and(Vec::is_empty) {
            errors.push(
                ConfigError::at("peers", "names no peer").help("leave it out for a node that only receives"),
            );
        }
        if peers.len() > MAX_PEERS {
            let message = format!("{} peers are more than a node takes ({MAX_PEERS})", peers.len());
            errors.push(ConfigError::at("peers", message).help("make a second node for the others"));
        }
        let any = |port| (SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)), true);
        let (listen, dual_stack) = match self.listen.as_ref().map(Listen::read) {
            Some(Ok(Ok(address))) => (address, address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
            Some(Ok(Err(port))) => any(port),
            Some(Err((message, help))) => {
                errors.push(ConfigError::at("listen", message).help(help));
                any(0)
            }
            None if peers.iter().any(SocketAddr::is_ipv6) => any(0),
            None => (SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)), false),
        };
        for (i, peer) in peers.iter().enumerate() {
            let at = format!("peers[{i}]");
            if !dual_stack && peer.is_ipv4() != listen.is_ipv4() {
                let message = format!("cannot be reached from {listen}: one is IPv4, the other IPv6");
                errors
                    .push(ConfigError::at(at, message).help("give `listen` a port alone; that serves both"));
            } else if peers[..i].contains(peer) {
                errors.push(ConfigError::at(at, "is there twice").help("it would get everything twice"));
            } else if *peer == listen {
                errors.push(
                    ConfigError::at(at, "is this node itself").help("leave it out: it would hear itself"),
                );
            }
        }
        Unicast { listen, dual_stack, peers }
    }
}

impl Listen {
    /// An address with a port, or (inner error) a port alone; else what is wrong and what to do.
    fn read(&self) -> Result<Result<SocketAddr, u16>, (&'static str, &'static str)> {
        const HELP: &str = "write a port (5004), \"10.0.0.1:5004\" or \"[fd00::1]:5004\"";
        let read = match self {
            Self::Port(port) => Err(*port),
            Self::Address(text) => match (text.parse::<SocketAddr>(), text.parse::<u16>()) {
                (Ok(address), _) => Ok(address),
                (_, Ok(port)) => Err(port),
                _ => return Err(("is no UDP port and no address with one", HELP)),
            },
        };
        match read {
            Ok(address) if address.ip().is_multicast() => {
                Err(("is a multicast group", "write group = ... instead of listen"))
            }
            Err(0) => Err(("UDP ports count from 1", HELP)),
            Ok(address) if address.port() == 0 => Err(("UDP ports count from 1", HELP)),
            read => Ok(read),
        }
    }
}

/// Reads each text of a list, and says what is wrong with those that are not what they should be.
fn parse_each<T>(
    option: &str,
    texts: Option<&[String]>,
    errors: &mut Vec<ConfigError>,
    parse: impl Fn(&str) -> Result<T, (&'static str, &'static str)>,
) -> Vec<T> {
    let mut values = Vec::new();
    for (i, text) in texts.unwrap_or_default().iter().enumerate() {
        match parse(text) {
            Ok(value) => values.push(value),
            Err((message, help)) => {
                let error = ConfigError::at(format!("{option}[{i}]"), format!("\"{text}\" {message}"));
                errors.push(error.help(help));
            }
        }
    }
    values
}

impl Params {
    /// The node's ports: a single one has no name, several are named after their MIDI port; without
    /// peers nothing can go in.
    pub fn ports(&self) -> Ports {
        match &self.wires {
            Wires::Multicast(multicast) if multicast.ports.len() > 1 => {
                let names: Vec<String> = multicast.ports.iter().map(|(midi, _)| midi.to_string()).collect();
                Ports { inputs: names.clone(), outputs: names }
            }
            Wires::Unicast(unicast) if unicast.peers.is_empty() => {
                Ports { inputs: Vec::new(), outputs: vec![String::new()] }
            }
            _ => Ports::one_each(),
        }
    }
}
