//! The interfaces of this machine, and choosing one.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use crate::config::InterfaceChoice;

/// A network interface that has an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Interface {
    /// What the system calls it.
    pub(crate) name: String,
    /// Its number.
    pub(crate) index: u32,
    /// It is up, and the cable is in.
    pub(crate) up: bool,
    /// It is the machine itself.
    pub(crate) loopback: bool,
    /// A tunnel or the like, where nobody listens to groups.
    pub(crate) point_to_point: bool,
    /// Its addresses.
    pub(crate) addresses: Vec<IpAddr>,
}

impl Interface {
    /// Its first address of the same family as `like`.
    pub(crate) fn address_like(&self, like: IpAddr) -> Option<IpAddr> {
        self.addresses.iter().copied().find(|address| address.is_ipv4() == like.is_ipv4())
    }

    /// Could it be chosen for a group without being named?
    pub(crate) fn is_for_groups(&self) -> bool {
        self.up && !self.loopback && !self.point_to_point
    }
}

/// The interfaces that have addresses, in the system's order. May take its time: not for the engine's
/// thread.
///
/// # Errors
/// Why the system would not say.
pub(crate) fn interfaces() -> Result<Vec<Interface>, String> {
    let listed = if_addrs::get_if_addrs().map_err(|e| format!("the system lists no interfaces: {e}"))?;
    let mut all: Vec<Interface> = Vec::new();
    for one in listed {
        let Some(index) = one.index else { continue };
        let place = all.iter().position(|known| known.index == index).unwrap_or_else(|| {
            all.push(Interface {
                name: one.name.clone(),
                index,
                up: one.is_oper_up(),
                loopback: one.is_loopback(),
                point_to_point: one.is_p2p(),
                addresses: Vec::new(),
            });
            all.len() - 1
        });
        all[place].addresses.push(one.ip());
    }
    Ok(all)
}

/// The address by which the system would send to `group`, if it has a route there.
pub(crate) fn route_to(group: IpAddr) -> Option<IpAddr> {
    let any: SocketAddr = if group.is_ipv4() { ([0; 4], 0).into() } else { ([0; 16], 0).into() };
    // Connecting a UDP socket sends nothing: it only asks for the route.
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect((group, 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

/// The interface for a group. `route` is what [`route_to`] says, `current` the index of the interface in
/// use: without a route, one that works is not left for another.
///
/// # Errors
/// Why there is none now, for a person.
pub(crate) fn choose<'a>(
    all: &'a [Interface],
    choice: &InterfaceChoice,
    group: IpAddr,
    route: Option<IpAddr>,
    current: Option<u32>,
) -> Result<&'a Interface, String> {
    let family = if group.is_ipv4() { "IPv4" } else { "IPv6" };
    let found = match choice {
        InterfaceChoice::Name(name) => all.iter().find(|one| one.name == *name).ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
            format!("no interface {name} with an address now; there are: {}", names.join(", "))
        })?,
        InterfaceChoice::Address(address) => all
            .iter()
            .find(|one| one.addresses.contains(address))
            .ok_or_else(|| format!("no interface of this machine has the address {address} now"))?,
        InterfaceChoice::Auto => {
            let usable = |one: &&Interface| one.is_for_groups() && one.address_like(group).is_some();
            let routed =
                route.and_then(|route| all.iter().find(|one| one.up && one.addresses.contains(&route)));
            let kept = || all.iter().filter(usable).find(|one| Some(one.index) == current);
            let found = routed.or_else(kept).or_else(|| all.iter().find(usable));
            return found.ok_or_else(|| {
                format!("no network with an {family} address is up; waiting for one (interface = \"lo\" stays inside)")
            });
        }
    };
    if !found.up {
        return Err(format!("{} is down or its cable is out; waiting for it", found.name));
    }
    if found.address_like(group).is_none() {
        return Err(format!("{} has no {family} address yet, and {group} needs one", found.name));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(index: u32, name: &str, addresses: &[&str]) -> Interface {
        Interface {
            name: name.to_owned(),
            index,
            up: true,
            loopback: name == "lo",
            point_to_point: name.starts_with("tun"),
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        }
    }

    fn machine() -> Vec<Interface> {
        vec![
            interface(1, "lo", &["127.0.0.1", "::1"]),
            interface(2, "tun0", &["10.9.0.1"]),
            interface(3, "eth0", &["10.0.0.5", "fe80::5"]),
            interface(4, "wlan0", &["192.168.1.5"]),
        ]
    }

    const GROUP: &str = "225.0.0.37";

    fn chosen(all: &[Interface], choice: InterfaceChoice, route: Option<&str>) -> Result<u32, String> {
        let route = route.map(|route| route.parse().unwrap());
        choose(all, &choice, GROUP.parse().unwrap(), route, None).map(|one| one.index)
    }

    #[test]
    fn without_a_name_the_systems_route_decides() {
        assert_eq!(chosen(&machine(), InterfaceChoice::Auto, Some("192.168.1.5")), Ok(4));
    }

    #[test]
    fn without_a_name_and_a_route_it_is_the_first_network_that_is_up() {
        let mut all = machine();
        assert_eq!(chosen(&all, InterfaceChoice::Auto, None), Ok(3));
        all[2].up = false;
        assert_eq!(chosen(&all, InterfaceChoice::Auto, None), Ok(4));
        all[3].up = false;
        assert!(chosen(&all, InterfaceChoice::Auto, None).unwrap_err().contains("waiting"));
    }

    #[test]
    fn an_interface_that_works_is_not_left_for_another() {
        let all = machine();
        let found = choose(&all, &InterfaceChoice::Auto, GROUP.parse().unwrap(), None, Some(4));
        assert_eq!(found.unwrap().index, 4);
    }

    #[test]
    fn a_name_or_an_address_is_honoured_or_waited_for() {
        let mut all = machine();
        let wlan = || InterfaceChoice::Name("wlan0".to_owned());
        assert_eq!(chosen(&all, wlan(), Some("10.0.0.5")), Ok(4));
        assert_eq!(chosen(&all, InterfaceChoice::Address("192.168.1.5".parse().unwrap()), None), Ok(4));
        all[3].up = false;
        assert!(chosen(&all, wlan(), None).unwrap_err().contains("wlan0 is down"));
        let missing = chosen(&all, InterfaceChoice::Name("eth7".to_owned()), None).unwrap_err();
        assert!(missing.contains("eth7") && missing.contains("eth0"), "{missing}");
    }

    #[test]
    fn an_ipv6_group_needs_an_ipv6_address() {
        let all = machine();
        let name = InterfaceChoice::Name("wlan0".to_owned());
        let error = choose(&all, &name, "ff12::37".parse().unwrap(), None, None).unwrap_err();
        assert!(error.contains("IPv6"), "{error}");
        let found = choose(&all, &InterfaceChoice::Auto, "ff12::37".parse().unwrap(), None, None);
        assert_eq!(found.unwrap().name, "eth0");
    }

    #[test]
    fn this_machine_has_a_loopback_interface() {
        let all = interfaces().unwrap();
        let lo = all.iter().find(|one| one.loopback).expect("a loopback interface");
        assert!(lo.up && lo.addresses.contains(&"127.0.0.1".parse().unwrap()));
    }
}
