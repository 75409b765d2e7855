//! Options: what is wrong with them is told at its place, and never half of a change is taken over.

use midibay_plugin::schemars::JsonSchema;
use midibay_plugin::serde::Deserialize;
use midibay_plugin::testing::Rig;
use midibay_plugin::{
    CommandError, ConfigError, Event, Host, Module, NoCommand, Node, NodeError, Out, Ports, Processor,
    PropertyInfo, Ump,
};
use serde_json::{Value, json};

use crate::support;

#[derive(Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    /// The program that is sent, 0 to 127.
    send_program: u8,
    #[serde(default)]
    peers: Vec<Peer>,
}

#[derive(Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Peer {
    name: String,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    ports: Vec<u16>,
}

#[derive(Deserialize, JsonSchema, Default, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    #[default]
    BestEffort,
    Reliable,
}

/// Answers each event with a program change.
struct Teller {
    program: u8,
}

impl Node for Teller {
    const TYPE: &'static str = "teller";
    const ABOUT: &'static str = "For tests.";
    const PROPERTIES: &'static [PropertyInfo] =
        &[PropertyInfo { name: "told", about: "What it told.", unit: "events" }];
    type Config = Config;
    type Params = (u8, Vec<String>);
    type Command = NoCommand;

    fn compile(config: Config) -> Result<Self::Params, Vec<ConfigError>> {
        let mut errors = Vec::new();
        if config.send_program > 127 {
            errors.push(ConfigError::at("send-program", "there is no such program").help("write 0 to 127"));
        }
        for (i, peer) in config.peers.iter().enumerate().filter(|(_, peer)| peer.name.is_empty()) {
            let _ = peer;
            errors.push(ConfigError::at(format!("peers[{i}].name"), "is empty"));
        }
        let names = config.peers.into_iter().map(|peer| peer.name).collect();
        if errors.is_empty() { Ok((config.send_program, names)) } else { Err(errors) }
    }
    fn ports((_, names): &Self::Params) -> Ports {
        Ports::named(["in".to_owned()], names.clone())
    }
    fn in_place(old: &Config, new: &Config) -> bool {
        old.peers == new.peers
    }
    fn new((program, _): Self::Params, _: Host) -> Result<Self, NodeError> {
        if program == 99 { Err(NodeError::fatal("99 is taken")) } else { Ok(Self { program }) }
    }
    fn reconfigure(&mut self, params: &mut Self::Params, _: u64, _: &mut Out) {
        self.program = params.0;
    }
    fn command(&mut self, command: &mut NoCommand, _: u64, _: &mut Out) -> Result<(), CommandError> {
        match *command {}
    }
}

impl Processor for Teller {
    fn process(&mut self, events: &[Event], _: u64, out: &mut Out) {
        for event in events {
            out.push(event.with(Ump::program_change(0, 0, self.program)));
        }
    }
}

fn errors(config: Value) -> Vec<ConfigError> {
    Rig::processor::<Teller>(config).err().unwrap()
}

#[test]
fn what_cannot_be_read_is_told_at_its_path_without_a_position_in_json() {
    for (config, path, message) in [
        (
            json!({ "send-program": 1, "sendprogram": 2 }),
            "sendprogram",
            "unknown field `sendprogram`, expected `send-program` or `peers`",
        ),
        (json!({ "send-program": "one" }), "send-program", "invalid type: string \"one\", expected u8"),
        (json!({ "send-program": -1 }), "send-program", "invalid value: integer `-1`, expected u8"),
        (json!({}), "", "missing field `send-program`"),
        (json!([]), "", "invalid length 0, expected struct Config with 2 elements"),
        (
            json!({ "send-program": 1, "peers": [{ "name": "a" }, { "name": "b", "prots": [] }] }),
            "peers[1].prots",
            "unknown field `prots`, expected one of `name`, `mode`, `ports`",
        ),
        (json!({ "send-program": 1, "peers": [{}] }), "peers[0]", "missing field `name`"),
        (
            json!({ "send-program": 1, "peers": [{ "name": "a", "ports": [1, 2, 70000] }] }),
            "peers[0].ports[2]",
            "invalid value: integer `70000`, expected u16",
        ),
        (
            json!({ "send-program": 1, "peers": [{ "name": "a", "mode": "fast" }] }),
            "peers[0].mode",
            "unknown variant `fast`, expected `best-effort` or `reliable`",
        ),
        // Words of the file that look like the position which is cut off.
        (
            json!({ "send-program": "x at line 3 column 4" }),
            "send-program",
            "invalid type: string \"x at line 3 column 4\", expected u8",
        ),
    ] {
        assert_eq!(errors(config.clone()), [ConfigError::at(path, message)], "{config}");
    }
}

#[test]
fn everything_that_compiling_finds_is_told_at_once_with_its_help() {
    let config = json!({ "send-program": 200, "peers": [{ "name": "a" }, { "name": "" }] });
    assert_eq!(
        errors(config),
        [
            ConfigError::at("send-program", "there is no such program").help("write 0 to 127"),
            ConfigError::at("peers[1].name", "is empty"),
        ]
    );
}

#[test]
fn a_node_that_does_not_start_says_why() {
    assert_eq!(errors(json!({ "send-program": 99 })), [ConfigError::at("", "99 is taken")]);
    let node_type = Module::new("t", "1.0.0", "MIT").processor::<Teller>().into_raw().node_types.remove(0);
    let host = std::sync::Arc::default();
    let error = support::Running::new(&node_type, &json!({ "send-program": 99 }), &host).err().unwrap();
    assert_eq!(error, NodeError::fatal("99 is taken"), "and that trying again will not help");
}

#[test]
fn the_options_give_the_node_its_ports() {
    let node_type = Module::new("t", "1.0.0", "MIT").processor::<Teller>().into_raw().node_types.remove(0);
    let config = json!({ "send-program": 1, "peers": [{ "name": "left" }, { "name": "right" }] });
    let prepared = support::prepare(&node_type, &config).unwrap();
    assert_eq!((&prepared.inputs.join(" ")[..], &prepared.outputs.join(" ")[..]), ("in", "left right"));
}

#[test]
fn a_running_node_takes_over_options_where_its_type_says_so() {
    let mut rig = Rig::processor::<Teller>(json!({ "send-program": 1 })).unwrap();
    let note = [Ump::note_on(0, 0, 60, 100)];
    assert_eq!(rig.packets(0, &note), [Ump::program_change(0, 0, 1)]);
    rig.reconfigure(json!({ "send-program": 2 })).unwrap();
    assert_eq!(rig.packets(0, &note), [Ump::program_change(0, 0, 2)]);
    let other_peers = rig.reconfigure(json!({ "send-program": 3, "peers": [{ "name": "a" }] }));
    assert!(other_peers.unwrap_err()[0].message.contains("cannot take this over"));
    assert_eq!(rig.reconfigure(json!({ "send-program": 200 })).unwrap_err()[0].path, "send-program");
    assert_eq!(rig.packets(0, &note), [Ump::program_change(0, 0, 2)], "what was refused changed nothing");
}

#[test]
fn a_node_type_describes_itself() {
    let module = Module::new("tellers", "1.2.3", "MIT").processor::<Teller>().into_raw();
    assert_eq!(
        (module.name.as_str(), module.version.as_str(), module.license.as_str()),
        ("tellers", "1.2.3", "MIT")
    );
    let node_type = &module.node_types[0];
    assert_eq!(
        (node_type.name.as_str(), node_type.about.as_str(), node_type.kind),
        ("teller", "For tests.", 1)
    );
    let told = &node_type.properties[0];
    assert_eq!(
        (told.name.as_str(), told.about.as_str(), told.unit.as_str()),
        ("told", "What it told.", "events")
    );
    let schema: Value = serde_json::from_str(&node_type.schema).unwrap();
    assert_eq!(schema["properties"]["send-program"]["description"], "The program that is sent, 0 to 127.");
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn a_module_takes_in_the_node_types_of_another() {
    let one = Module::new("one", "1.0.0", "MIT").processor::<Teller>();
    let both = Module::new("both", "1.0.0", "MIT").with_all_of(one.clone()).with_all_of(one).into_raw();
    assert_eq!((both.name.as_str(), both.node_types.len()), ("both", 2));
}
