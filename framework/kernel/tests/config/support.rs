//! Node types to test the graph language with: like real ones, without doing anything.

use midibay::graph::{Catalog, CommandInfo, NodeKind, NodeTypeInfo, Ports, PropertyInfo};
use midibay_plugin::ConfigError;
use serde_json::{Value, json};

/// The types of [`node_type`](Catalog::node_type) below.
pub(crate) struct Types;

const NAMES: [&str; 11] = [
    "curve",
    "desk",
    "dual-multicast",
    "file",
    "filter",
    "ip-midi",
    "lamps",
    "split",
    "switch",
    "tap",
    "transpose",
];

impl Catalog for Types {
    fn type_names(&self) -> Vec<String> {
        NAMES.map(str::to_owned).to_vec()
    }

    fn node_type(&self, name: &str) -> Option<NodeTypeInfo> {
        let (kind, about) = match name {
            "curve" => (NodeKind::Processor, "Bends values."),
            "desk" => (NodeKind::Endpoint, "A device with named ports."),
            "dual-multicast" => (NodeKind::Endpoint, "A redundant stage network."),
            "filter" => (NodeKind::Processor, "Keeps or drops events."),
            "ip-midi" => (NodeKind::Endpoint, "Multicast MIDI."),
            "lamps" => (NodeKind::Endpoint, "Takes events only."),
            "file" => (NodeKind::Endpoint, "Plays a file."),
            "split" => (NodeKind::Processor, "Two key zones."),
            "switch" => (NodeKind::Processor, "One of several inputs."),
            "tap" => (NodeKind::Processor, "Shows what passes."),
            "transpose" => (NodeKind::Processor, "Moves notes."),
            _ => return None,
        };
        Some(NodeTypeInfo {
            name: name.to_owned(),
            kind,
            about: about.to_owned(),
            schema: schema(name),
            commands: commands(name),
            properties: vec![PropertyInfo {
                name: "rate".to_owned(),
                about: "Events that pass.".to_owned(),
                unit: "events/s".to_owned(),
            }],
            origin: "test".to_owned(),
        })
    }

    fn validate(&self, type_name: &str, config: &Value) -> Result<Ports, Vec<ConfigError>> {
        let mut errors = Vec::new();
        // As a deserializer does: the first wrong thing, and nothing else.
        if let Err(error) = shallow(type_name, config) {
            return Err(vec![error]);
        }
        match type_name {
            "ip-midi" => {
                if config.get("group").is_some() && config.get("peers").is_some() {
                    errors.push(
                        ConfigError::at("group", "a node sends to a group or to peers, not to both")
                            .help("take one of the two away"),
                    );
                }
                for (index, peer) in config["peers"].as_array().into_iter().flatten().enumerate() {
                    if peer["host"].as_str().is_some_and(|host| host.contains(' ')) {
                        errors.push(
                            ConfigError::at(format!("peers[{index}].host"), "a host's name has no spaces")
                                .help("write a name or an address"),
                        );
                    }
                }
            }
            "filter" if config.as_object().is_some_and(serde_json::Map::is_empty) => {
                errors.push(ConfigError::at("", "this filter lets everything pass").help("say what to drop"));
            }
            _ => {}
        }
        if errors.is_empty() { Ok(ports(type_name, config)) } else { Err(errors) }
    }

    fn validate_command(&self, _type_name: &str, command: &str, args: &Value) -> Result<(), String> {
        if command == "seek" && args["to"].as_i64() == Some(13) {
            return Err("the piece has no second 13".to_owned());
        }
        Ok(())
    }
}

fn ports(type_name: &str, config: &Value) -> Ports {
    let one = || vec![String::new()];
    let list = |name: &str| -> Vec<String> {
        config[name].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (inputs, outputs) = match type_name {
        "desk" => (list("ports"), list("ports")),
        "lamps" => (one(), Vec::new()),
        "file" => (Vec::new(), one()),
        "split" => (one(), vec!["low".to_owned(), "high".to_owned()]),
        "switch" => (list("inputs"), one()),
        "tap" => (one(), Vec::new()),
        _ => (one(), one()),
    };
    Ports { inputs, outputs }
}

/// What deserializing into a struct finds: unknown keys, missing keys, wrong types.
fn shallow(type_name: &str, config: &Value) -> Result<(), ConfigError> {
    let schema = schema(type_name);
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if config.get(name).is_none() {
            return Err(ConfigError::at("", format!("missing field `{name}`")));
        }
    }
    for (name, value) in config.as_object().into_iter().flatten() {
        let Some(property) = schema["properties"].get(name) else {
            return Err(ConfigError::at(name.as_str(), format!("unknown field `{name}`")));
        };
        let fits = match property["type"].as_str() {
            Some("integer") => value.is_i64(),
            Some("string") => value.is_string(),
            Some("array") => value.is_array(),
            Some("boolean") => value.is_boolean(),
            _ => true,
        };
        if !fits {
            return Err(ConfigError::at(name.as_str(), "invalid type"));
        }
    }
    Ok(())
}

fn schema(name: &str) -> Value {
    let (properties, required) = match name {
        "curve" => (
            json!({
                "shape": {
                    "description": "How values are bent.",
                    "oneOf": [
                        { "type": "object", "required": ["kind", "gamma"], "additionalProperties": false, "properties": {
                            "kind": { "const": "gamma" },
                            "gamma": { "type": "number", "exclusiveMinimum": 0, "maximum": 10 },
                        } },
                        { "type": "object", "required": ["kind", "points"], "additionalProperties": false, "properties": {
                            "kind": { "const": "points" },
                            "points": { "type": "array", "minItems": 2, "items": {
                                "type": "array",
                                "prefixItems": [{ "$ref": "#/$defs/Level" }, { "$ref": "#/$defs/Level" }],
                                "minItems": 2, "maxItems": 2,
                            } },
                        } },
                    ],
                },
                "amount": { "description": "A number, or a word for it.", "anyOf": [{ "type": "number" }, { "enum": ["half", "full"] }] },
            }),
            json!(["shape"]),
        ),
        "desk" => (
            json!({ "ports": { "type": "array", "minItems": 1, "items": { "type": "string" }, "description": "Names of the ports." } }),
            json!(["ports"]),
        ),
        "dual-multicast" => (
            json!({
                "role": { "type": "string", "enum": ["host", "client", "standby"], "description": "What this machine is in the group." },
                "name": { "type": "string", "minLength": 1, "description": "Name of the group." },
            }),
            json!(["role", "name"]),
        ),
        "filter" => (
            json!({
                "channels": { "type": ["array", "null"], "items": { "type": "integer", "minimum": 1, "maximum": 16 }, "description": "Channels that pass." },
                "drop": { "type": "array", "items": { "$ref": "#/$defs/Message" }, "description": "Messages that do not pass." },
            }),
            json!([]),
        ),
        "ip-midi" => (
            json!({
                "port": { "type": "integer", "minimum": 1, "maximum": 20, "default": 1, "description": "Number of the ipMIDI port." },
                "ports": { "type": "array", "items": { "type": "integer", "minimum": 1 }, "description": "Numbers of several ports." },
                "interface": { "type": "string", "description": "Name or address of the network interface." },
                "group": { "type": "string" },
                "loopback": { "type": "boolean", "default": false, "description": "Whether this machine hears itself." },
                "ttl": { "type": "integer", "format": "uint8", "minimum": 0, "maximum": 255, "description": "How many routers it may pass." },
                "peers": { "type": "array", "items": { "$ref": "#/$defs/Peer" }, "description": "Where to send instead of the group." },
            }),
            json!([]),
        ),
        "file" => (
            json!({
                "path": { "type": "string", "examples": ["song.mid"], "description": "The file to play." },
                "speed": { "type": "number", "exclusiveMinimum": 0 },
            }),
            json!(["path"]),
        ),
        "switch" => (
            json!({ "inputs": { "type": "array", "minItems": 2, "items": { "type": "string" }, "description": "Names of the inputs." } }),
            json!(["inputs"]),
        ),
        "transpose" => (
            json!({
                "semitones": { "type": "integer", "minimum": -48, "maximum": 48, "description": "How far to move notes, in semitones." },
                "out-of-range": {
                    "description": "What to do with notes that leave 0 to 127.",
                    "oneOf": [{ "const": "drop", "description": "Drop them." }, { "const": "clamp" }, { "const": "fold" }],
                },
            }),
            json!(["semitones"]),
        ),
        _ => (json!({}), json!([])),
    };
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "required": required,
        "$defs": {
            "Level": { "type": "number", "minimum": 0, "maximum": 1 },
            "Message": { "type": "string", "enum": ["note", "cc", "aftertouch", "clock", "sysex"] },
            "Peer": {
                "type": "object",
                "additionalProperties": false,
                "required": ["host"],
                "properties": {
                    "host": { "type": "string", "description": "Name or address." },
                    "port": { "type": "integer", "minimum": 1, "maximum": 65535 },
                },
            },
        },
    })
}

fn commands(name: &str) -> Vec<CommandInfo> {
    let command = |name: &str, args: Value| CommandInfo { name: name.to_owned(), about: String::new(), args };
    match name {
        "dual-multicast" => vec![
            command("switch", Value::Null),
            command(
                "hold",
                json!({
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["seconds"],
                    "properties": { "seconds": { "type": "integer", "minimum": 1, "maximum": 60 } },
                }),
            ),
        ],
        "file" => vec![
            command("start", Value::Null),
            command(
                "seek",
                json!({
                    "type": "object",
                    "properties": { "to": { "type": "number", "minimum": 0 } },
                }),
            ),
        ],
        "switch" => vec![command("next", Value::Null)],
        _ => Vec::new(),
    }
}
