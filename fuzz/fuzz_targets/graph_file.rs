//! Any text as a graph file: it is read or refused with a message, and read the same way again.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use midibay::config::{LoadOptions, parse};
use midibay::graph::{Catalog, CommandInfo, NodeKind, NodeTypeInfo, Ports};
use midibay_plugin::ConfigError;
use serde_json::{Value, json};

/// An endpoint `io` and processors `p` (one port) and `x` (named ports), so that routes get as far
/// as they can.
struct Types;

impl Catalog for Types {
    fn type_names(&self) -> Vec<String> {
        ["io", "p", "x"].map(str::to_owned).to_vec()
    }

    fn node_type(&self, name: &str) -> Option<NodeTypeInfo> {
        let kind = match name {
            "io" => NodeKind::Endpoint,
            "p" | "x" => NodeKind::Processor,
            _ => return None,
        };
        Some(NodeTypeInfo {
            name: name.to_owned(),
            kind,
            about: String::new(),
            schema: json!({
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "n": { "type": "integer", "minimum": 0, "maximum": 9 },
                    "s": { "enum": ["a", "b"] },
                    "l": { "type": "array", "items": { "$ref": "#/$defs/either" } },
                },
                "$defs": { "either": { "anyOf": [{ "type": "number" }, { "type": "object", "required": ["k"],
                    "properties": { "k": { "type": "boolean" } } }] } },
            }),
            commands: vec![CommandInfo { name: "go".to_owned(), about: String::new(), args: Value::Null }],
            properties: Vec::new(),
            origin: String::new(),
        })
    }

    fn validate(&self, type_name: &str, _: &Value) -> Result<Ports, Vec<ConfigError>> {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Ok(match type_name {
            "x" => Ports { inputs: names(&["a", "b"]), outputs: names(&["a", "c"]) },
            _ => Ports { inputs: names(&[""]), outputs: names(&[""]) },
        })
    }

    fn validate_command(&self, _: &str, _: &str, _: &Value) -> Result<(), String> {
        Ok(())
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let options = LoadOptions {
        overrides: vec![("a.l[0].k".to_owned(), "true".to_owned())],
        env: Arc::new(|name| (name.len() % 2 == 0).then(|| name.to_owned())),
        directory: None,
    };
    // Twice: without overrides, which are an error in most graphs, and with them.
    for options in [LoadOptions { overrides: Vec::new(), ..options.clone() }, options] {
        match parse(text, "fuzz.toml", &options, &Types) {
            Ok(loaded) => {
                let again = parse(text, "fuzz.toml", &options, &Types).expect("it was good a moment ago");
                assert_eq!(loaded.graph, again.graph);
                for map in &loaded.graph.maps {
                    assert!(map.from.channel < 16 && map.to.group < 16);
                }
            }
            Err(wrong) => {
                assert!(wrong.errors() > 0);
                assert!(!wrong.render(false).is_empty());
                wrong.to_json();
            }
        }
    }
});
