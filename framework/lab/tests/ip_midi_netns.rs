//! The node `ip-midi` on hosts with networks that come and go.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::Command;

use lab::netns::{Host, Lan};
use lab::process::run;
use lab::{PATIENCE, need};
use midibay_ip_midi::IpMidi;
use midibay_plugin::testing::Rig;
use midibay_plugin::{DropReason, Event, Health, Ump, Value};
use serde_json::{Value as Json, json};

/// Runs `job` on this thread as if it were on `host`; what it opens and the threads it starts stay
/// there.
fn inside<T>(host: &Host, job: impl FnOnce() -> T) -> T {
    let enter = |namespace: &File| {
        // SAFETY: the descriptor is open; only this thread changes its network namespace.
        let entered = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
        assert_eq!(entered, 0, "setns: {}", std::io::Error::last_os_error());
    };
    let own = File::open("/proc/thread-self/ns/net").unwrap();
    enter(&File::open(format!("/run/netns/{}", host.namespace())).unwrap());
    let result = job();
    enter(&own);
    result
}

fn node(host: &Host, options: Json) -> Rig {
    inside(host, || Rig::endpoint::<IpMidi>(options).unwrap_or_else(|errors| panic!("{errors:?}")))
}

fn ip(host: &Host, arguments: &str) {
    run(Command::new("ip").args(["-n", host.namespace()]).args(arguments.split(' '))).unwrap();
}

/// A network interface that somebody plugs in: nobody is behind it but this host itself.
fn plug_in(host: &Host, name: &str, address: &str) {
    ip(host, &format!("link add {name} type veth peer name {name}-end"));
    ip(host, &format!("link set {name}-end up"));
    ip(host, &format!("addr add {address}/24 dev {name}"));
    ip(host, &format!("link set {name} up"));
}

fn note(note: u8) -> Ump {
    Ump::note_on(0, 0, note, 100)
}

fn umps(events: &[Event]) -> Vec<Ump> {
    events.iter().map(|event| event.ump).collect()
}

/// What `to` hears first after `from` sends this.
fn heard(from: &mut Rig, to: &mut Rig, ump: Ump) -> Ump {
    from.packets(0, &[ump]);
    to.poll_until(|events| !events.is_empty())[0].ump
}

fn talk(a: &mut Rig, b: &mut Rig) {
    assert_eq!(heard(a, b, note(60)), note(60));
    assert_eq!(heard(b, a, note(61)), note(61));
}

fn wait_for(node: &mut Rig, health: Health) {
    let mut found = node.health();
    let end = std::time::Instant::now() + PATIENCE;
    while found.0 != health {
        assert!(std::time::Instant::now() < end, "still {found:?}");
        node.poll(std::time::Duration::from_millis(5));
        found = node.health();
    }
    // The waker has been called by now; whatever it brings is taken up here.
    while !node.poll(std::time::Duration::from_millis(1)).is_empty() {}
}

#[test]
fn a_lan_without_a_default_gateway_works_without_naming_the_interface() {
    lab::need!(need::namespaces());
    let lan = Lan::new().unwrap();
    let (stage, booth) = (lan.host().unwrap(), lan.host().unwrap());
    let (mut a, mut b) = (node(&stage, json!({})), node(&booth, json!({})));
    assert_eq!(a.property("interface"), Value::Text("eth0".to_owned()));
    assert_eq!(a.property("address"), Value::Text(stage.address().to_string()));
    talk(&mut a, &mut b);
}

#[test]
fn a_lan_with_a_default_gateway_works_too_and_so_does_ipv6() {
    lab::need!(need::namespaces());
    let lan = Lan::new().unwrap();
    let (stage, booth) = (lan.host().unwrap(), lan.host().unwrap());
    stage.add_default_route().unwrap();
    talk(&mut node(&stage, json!({})), &mut node(&booth, json!({"interface": "eth0"})));
    for group in ["ff12::37", "ff15::37"] {
        let options = json!({"group": group});
        talk(&mut node(&stage, options.clone()), &mut node(&booth, options));
    }
}

#[test]
fn an_interface_that_goes_down_and_comes_back_is_survived() {
    lab::need!(need::namespaces());
    let lan = Lan::new().unwrap();
    let (stage, booth) = (lan.host().unwrap(), lan.host().unwrap());
    type Change = fn(&Host) -> Result<(), lab::Error>;
    let (mut a, mut b) = (node(&stage, json!({"interface": "eth0"})), node(&booth, json!({})));
    talk(&mut a, &mut b);
    for (away, back) in
        [(Host::link_down as Change, Host::link_up as Change), (Host::unplug as Change, Host::plug as Change)]
    {
        assert_eq!(heard(&mut a, &mut b, note(1)), note(1));
        let lost = a.lost_ports().len();
        away(&stage).unwrap();
        wait_for(&mut a, Health::Waiting);
        assert!(a.health().1.contains("eth0"), "{:?}", a.health());
        assert_eq!(a.lost_ports().len(), lost + 1, "what came from there is released");
        let before = a.counters().drops(DropReason::Unavailable);
        a.packets(0, &[note(2), Ump::note_off(0, 0, 1, 64)]);
        assert_eq!(a.counters().drops(DropReason::Unavailable), before + 2);
        back(&stage).unwrap();
        wait_for(&mut a, Health::Ok);
        let first = b.poll_until(|events| !events.is_empty());
        assert_eq!(umps(&first), [Ump::note_off(0, 0, 1, 64)], "the note that ended meanwhile");
        talk(&mut a, &mut b);
    }
}

#[test]
fn an_interface_that_is_plugged_in_later_pulled_and_plugged_in_again_is_used() {
    lab::need!(need::namespaces());
    let lan = Lan::new().unwrap();
    let host = lan.host().unwrap();
    let options = json!({"interface": "usb0", "loopback": true});
    let (mut a, mut b) = (node(&host, options.clone()), node(&host, options));
    assert_eq!((a.health().0, b.health().0), (Health::Waiting, Health::Waiting));
    for _ in 0..2 {
        plug_in(&host, "usb0", "10.84.0.1");
        wait_for(&mut a, Health::Ok);
        wait_for(&mut b, Health::Ok);
        talk(&mut a, &mut b);
        ip(&host, "link del usb0");
        wait_for(&mut a, Health::Waiting);
        wait_for(&mut b, Health::Waiting);
        assert_eq!(a.property("interface"), Value::Text(String::new()));
    }
}

#[test]
fn an_address_that_changes_changes_nothing_else() {
    lab::need!(need::namespaces());
    let lan = Lan::new().unwrap();
    let host = lan.host().unwrap();
    plug_in(&host, "usb0", "10.84.0.1");
    let options = json!({"interface": "usb0", "loopback": true});
    let (mut a, mut b) = (node(&host, options.clone()), node(&host, options));
    talk(&mut a, &mut b);
    // The interface is never without one, or the node would wait for it.
    ip(&host, "addr add 10.85.0.1/24 dev usb0");
    ip(&host, "addr del 10.84.0.1/24 dev usb0");
    a.poll_until(|_| true);
    while a.property("address") != Value::Text("10.85.0.1".to_owned()) {
        a.poll(std::time::Duration::from_millis(5));
    }
    // With the new address, too, it does not hear itself: the first it hears is of the other.
    a.packets(0, &[note(1)]);
    assert_eq!(heard(&mut b, &mut a, note(2)), note(2));
    assert_eq!(a.lost_ports(), [] as [u16; 0]);
}

#[test]
fn of_several_networks_the_named_one_is_used_and_no_other() {
    lab::need!(need::namespaces());
    let lan = Lan::new().unwrap();
    let (stage, booth) = (lan.host().unwrap(), lan.host().unwrap());
    plug_in(&stage, "usb0", "10.84.0.1");
    let mut listener = node(&booth, json!({}));
    let mut elsewhere = node(&stage, json!({"interface": "10.84.0.1"}));
    let mut here = node(&stage, json!({"interface": "eth0"}));
    assert_eq!(elsewhere.property("interface"), Value::Text("usb0".to_owned()));
    elsewhere.packets(0, &[note(1)]);
    assert_eq!(heard(&mut here, &mut listener, note(2)), note(2));
    // The other way round: what comes by eth0 is not heard at usb0.
    assert_eq!(heard(&mut listener, &mut here, note(3)), note(3));
    let mut neighbour = node(&stage, json!({"interface": "usb0", "loopback": true}));
    assert_eq!(heard(&mut neighbour, &mut elsewhere, note(4)), note(4));
}

#[test]
fn this_machine_is_heard_only_with_loopback() {
    lab::need!(need::namespaces());
    let lan = Lan::new().unwrap();
    let (stage, booth) = (lan.host().unwrap(), lan.host().unwrap());
    let mut neighbour = node(&stage, json!({}));
    let mut quiet = node(&stage, json!({}));
    let mut far = node(&booth, json!({}));
    assert_eq!(heard(&mut quiet, &mut far, note(1)), note(1));
    quiet.reconfigure(json!({"loopback": true})).unwrap();
    assert_eq!(heard(&mut quiet, &mut neighbour, note(2)), note(2));
    assert_eq!(heard(&mut quiet, &mut far, note(2)), note(2));
}

#[test]
fn without_any_network_the_node_waits_and_takes_the_first_that_comes() {
    lab::need!(need::namespaces());
    let lan = Lan::new().unwrap();
    let (stage, booth) = (lan.host().unwrap(), lan.host().unwrap());
    stage.link_down().unwrap();
    let (mut a, mut b) = (node(&stage, json!({})), node(&booth, json!({})));
    assert_eq!(a.health().0, Health::Waiting);
    stage.link_up().unwrap();
    wait_for(&mut a, Health::Ok);
    talk(&mut a, &mut b);
}

#[test]
fn a_unicast_node_waits_for_its_address() {
    lab::need!(need::namespaces());
    let lan = Lan::new().unwrap();
    let (stage, booth) = (lan.host().unwrap(), lan.host().unwrap());
    let (here, there) = (format!("{}:5004", stage.address()), format!("{}:5004", booth.address()));
    let mut a = node(&stage, json!({"listen": here, "peers": [there]}));
    let mut b = node(&booth, json!({"listen": there, "peers": [here]}));
    talk(&mut a, &mut b);
    stage.link_down().unwrap();
    wait_for(&mut a, Health::Waiting);
    stage.link_up().unwrap();
    wait_for(&mut a, Health::Ok);
    talk(&mut a, &mut b);
}

#[test]
fn groups_that_other_programs_joined_are_not_heard() {
    lab::need!(need::namespaces());
    let lan = Lan::new().unwrap();
    let (stage, booth) = (lan.host().unwrap(), lan.host().unwrap());
    let other = Ipv4Addr::new(225, 0, 0, 38);
    let bystander = inside(&stage, || UdpSocket::bind("0.0.0.0:0").unwrap());
    bystander.join_multicast_v4(&other, &stage.address()).unwrap();
    let mut a = node(&stage, json!({}));
    let mut stranger = node(&booth, json!({"group": other.to_string()}));
    let mut friend = node(&booth, json!({}));
    stranger.packets(0, &[note(1)]);
    assert_eq!(heard(&mut friend, &mut a, note(2)), note(2));
}
