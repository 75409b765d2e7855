//! The options: what is refused, and what a person is told to do about it.

use midibay_ip_midi::IpMidi;
use midibay_ip_midi::config::Config;
use midibay_plugin::testing::Rig;
use midibay_plugin::{Node, Ports};
use serde_json::{Value, json};

/// The paths of what is wrong with these options. Each error has help.
fn wrong(options: Value) -> Vec<String> {
    let Ok(config) = serde_json::from_value::<Config>(options.clone()) else {
        return vec!["no config".to_owned()];
    };
    let errors = IpMidi::compile(config).expect_err(&options.to_string());
    for error in &errors {
        assert!(!error.help.is_empty() && !error.message.is_empty(), "{error:?}");
    }
    errors.into_iter().map(|error| error.path).collect()
}

fn ports(options: Value) -> Ports {
    let config = serde_json::from_value(options).unwrap();
    IpMidi::ports(&IpMidi::compile(config).unwrap())
}

#[test]
fn everything_that_is_wrong_is_said_at_once_and_where() {
    let options = json!({
        "ports": [0, 1, 1], "group": "10.0.0.1", "from": ["10.0.0.0/40", "stage"], "max-datagram": 10,
        "interface": "",
    });
    assert_eq!(
        wrong(options),
        ["from[0]", "from[1]", "group", "ports[0]", "ports[2]", "interface", "max-datagram"]
    );
}

#[test]
fn options_of_the_other_mode_are_refused() {
    assert_eq!(wrong(json!({"listen": 5004, "ports": [1], "ttl": 3})), ["ports", "ttl"]);
    assert_eq!(wrong(json!({"mode": "multicast", "peers": ["10.0.0.2:5004"]})), ["peers"]);
    assert_eq!(wrong(json!({"mode": "unicast"})), [""]);
}

#[test]
fn udp_ports_end_at_65535() {
    assert_eq!(wrong(json!({"base-port": 65530, "ports": [6, 7]})), ["ports[1]"]);
    assert_eq!(wrong(json!({"base-port": 0})), ["base-port"]);
}

#[test]
fn peers_are_addresses_that_can_be_reached() {
    let peers = ["stage:5004", "10.0.0.2", "10.0.0.2:0", "225.0.0.37:5004", "0.0.0.0:1"];
    let paths: Vec<String> = (0..peers.len()).map(|i| format!("peers[{i}]")).collect();
    assert_eq!(wrong(json!({"peers": peers})), paths);
    assert_eq!(wrong(json!({"listen": "10.0.0.1:5004", "peers": ["[fd00::1]:5004"]})), ["peers[0]"]);
    assert_eq!(wrong(json!({"peers": ["10.0.0.2:1", "10.0.0.2:1"]})), ["peers[1]"]);
    assert_eq!(wrong(json!({"listen": "127.0.0.1:5004", "peers": ["127.0.0.1:5004"]})), ["peers[0]"]);
    assert_eq!(wrong(json!({"peers": []})), ["peers"]);
    assert_eq!(wrong(json!({"listen": "stage", "peers": ["10.0.0.2:1"]})), ["listen"]);
    assert_eq!(wrong(json!({"listen": "225.0.0.37:5004"})), ["listen"]);
    assert_eq!(wrong(json!({"listen": 0})), ["listen"]);
}

#[test]
fn a_listen_of_another_kind_is_refused_in_words() {
    let errors = Rig::endpoint::<IpMidi>(json!({"listen": true})).err().unwrap();
    assert!(errors[0].message.contains("5004"), "{errors:?}");
}

#[test]
fn a_single_port_has_no_name_and_several_are_named_after_their_midi_port() {
    assert_eq!(ports(json!({})), Ports::one_each());
    assert_eq!(ports(json!({"ports": [4]})), Ports::one_each());
    assert_eq!(ports(json!({"ports": [1, 4]})), Ports::named(["1", "4"], ["1", "4"]));
    assert_eq!(ports(json!({"listen": 5004})), Ports { inputs: vec![], outputs: vec![String::new()] });
    assert_eq!(ports(json!({"peers": ["10.0.0.2:5004"]})), Ports::one_each());
}

#[test]
fn only_what_needs_no_new_sockets_is_taken_over_in_place() {
    let in_place = |old: Value, new: Value| {
        IpMidi::in_place(&serde_json::from_value(old).unwrap(), &serde_json::from_value(new).unwrap())
    };
    assert!(in_place(json!({}), json!({"ttl": 3, "loopback": true, "coalesce": true})));
    assert!(!in_place(json!({}), json!({"group": "225.0.0.38"})));
    assert!(!in_place(json!({}), json!({"ports": [2]})));
    assert!(!in_place(json!({"listen": 1}), json!({"listen": 2})));
    assert!(!in_place(json!({}), json!({"from": ["10.0.0.1"]})));
}
