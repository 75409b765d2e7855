//! The JSON Schema of graph files, for completion in editors.

use serde_json::{Map, Value as Json, json};

use super::{Catalog, NodeKind};

/// The JSON Schema (draft 2020-12) of a whole graph file with the node types of a catalog.
///
/// Each node type's options are offered once `type` is written; each option also takes
/// `{ env = "NAME" }`.
pub fn schema(catalog: &dyn Catalog) -> Json {
    let mut definitions = Map::new();
    let mut cases = Vec::new();
    let mut names = Vec::new();
    for name in catalog.type_names() {
        let Some(info) = catalog.node_type(&name) else { continue };
        let definition = format!("node-{name}");
        let mut options = info.schema.clone();
        // What a type's schema defines for itself moves up, under a name of its own.
        if let Some(Json::Object(own)) = options.as_object_mut().and_then(|options| options.remove("$defs")) {
            for (inner, mut schema) in own {
                retarget(&mut schema, &definition);
                definitions.insert(format!("{definition}-{inner}"), schema);
            }
        }
        retarget(&mut options, &definition);
        prepare(&mut options, &name, &info.about);
        definitions.insert(definition.clone(), options);
        let kind = match info.kind {
            NodeKind::Endpoint => "endpoint",
            NodeKind::Processor => "processor",
        };
        let about = format!("{} ({kind}, from {})", info.about, info.origin);
        names.push(json!({ "const": name, "description": about }));
        cases.push(json!({
            "if": { "properties": { "type": { "const": name } }, "required": ["type"] },
            "then": { "$ref": format!("#/$defs/{definition}") },
        }));
    }
    let node_type = if names.is_empty() { json!({ "type": "string" }) } else { json!({ "oneOf": names }) };
    let mut node = json!({
        "type": "object",
        "description": "A node: one configured instance of a node type.",
        "required": ["type"],
        "properties": { "type": node_type },
    });
    // An empty `allOf` is not a schema.
    if !cases.is_empty() {
        node["allOf"] = Json::Array(cases);
    }
    definitions.insert("node".to_owned(), node);
    definitions.insert(
        "env".to_owned(),
        json!({
            "type": "object",
            "description": "The value of an environment variable.",
            "required": ["env"],
            "additionalProperties": false,
            "properties": {
                "env": { "type": "string", "description": "The name of the variable." },
                "default": { "description": "The value when the variable is not set." },
            },
        }),
    );
    let control = "A single control, counted from 1 as on devices: node.ch10.note36, node:port.g2.ch1.cc7.";
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Midibay graph",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "include": {
                "description": "Other graph files, relative to this one.",
                "oneOf": [strings("A graph file."), { "type": "string" }],
            },
            "plugins": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "path": {
                        "description": "Plugin libraries, or directories of them, relative to this file.",
                        "oneOf": [strings("A plugin library or a directory."), { "type": "string" }],
                    },
                },
            },
            "node": {
                "type": "object",
                "propertyNames": { "pattern": "^[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9_])?$" },
                "additionalProperties": { "$ref": "#/$defs/node" },
            },
            "graph": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "routes": strings("source -> processor -> destination, or node.ch1.cc7 -> node.ch1.cc20."),
                },
            },
            "trigger": {
                "type": "array",
                "items": {
                    "type": "object",
                    "description": "Runs a command of a node when a control moves.",
                    "required": ["on", "run"],
                    "additionalProperties": false,
                    "properties": {
                        "on": { "type": "string", "description": control },
                        "above": {
                            "type": "integer",
                            "minimum": 0,
                            "maximum": 126,
                            "default": 0,
                            "description": "Fires when the value, seen as 0 to 127, goes above this.",
                        },
                        "guard": {
                            "type": "string",
                            "description": format!("Fires only while this note or controller is held. {control}"),
                        },
                        "run": { "type": "string", "description": "The command: node.command." },
                        "args": { "type": "object", "description": "What the command is given." },
                    },
                },
            },
        },
        "$defs": definitions,
    })
}

fn strings(about: &str) -> Json {
    json!({ "type": "array", "items": { "type": "string", "description": about } })
}

/// Points `#/$defs/X` of a node type's own schema at the name it has in the whole.
fn retarget(schema: &mut Json, definition: &str) {
    match schema {
        Json::Object(members) => {
            for (name, value) in members.iter_mut() {
                match value {
                    Json::String(target) if name == "$ref" => {
                        if let Some(inner) = target.strip_prefix("#/$defs/") {
                            *target = format!("#/$defs/{definition}-{inner}");
                        }
                    }
                    _ => retarget(value, definition),
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| retarget(item, definition)),
        _ => {}
    }
}

/// Makes a schema of options into one of a node: `type` is allowed, and each option may come from
/// the environment.
fn prepare(schema: &mut Json, type_name: &str, about: &str) {
    let Some(members) = schema.as_object_mut() else { return };
    members.remove("$schema");
    members.insert("title".to_owned(), Json::String(type_name.to_owned()));
    members.insert("description".to_owned(), Json::String(about.to_owned()));
    let properties = members.entry("properties").or_insert_with(|| json!({}));
    let Some(properties) = properties.as_object_mut() else { return };
    for (_, option) in properties.iter_mut() {
        let mut outer = Map::new();
        if let Some(members) = option.as_object_mut() {
            // Editors show these for the option as a whole.
            for word in ["description", "default", "title", "examples"] {
                if let Some(value) = members.get(word) {
                    outer.insert(word.to_owned(), value.clone());
                }
            }
        }
        outer.insert("anyOf".to_owned(), json!([option.take(), { "$ref": "#/$defs/env" }]));
        *option = Json::Object(outer);
    }
    properties.insert("type".to_owned(), json!({ "const": type_name }));
}
