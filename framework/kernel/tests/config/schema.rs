//! The JSON Schema that editors complete graph files with.

use midibay::graph::schema;
use serde_json::Value;

use super::support;

/// Follows every `$ref`; answers those that lead nowhere.
fn dangling(schema: &Value, root: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(target) if name == "$ref" => {
                        let pointer = target.strip_prefix('#').expect("a reference into the same schema");
                        if root.pointer(pointer).is_none() {
                            found.push(target.clone());
                        }
                    }
                    _ => dangling(value, root, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| dangling(item, root, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let schema = schema(&support::Types);
    let mut found = Vec::new();
    dangling(&schema, &schema, &mut found);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn a_node_type_brings_its_options_once_it_is_named() {
    let schema = schema(&support::Types);
    let cases = schema["$defs"]["node"]["allOf"].as_array().expect("a case for each type");
    assert_eq!(cases.len(), 11);
    let case = cases
        .iter()
        .find(|case| case["if"]["properties"]["type"]["const"] == "transpose")
        .expect("transpose");
    let target = case["then"]["$ref"].as_str().expect("a reference").trim_start_matches('#');
    let node = schema.pointer(target).expect("it leads somewhere");
    assert_eq!(node["additionalProperties"], false);
    assert_eq!(node["required"], serde_json::json!(["semitones"]));
    assert_eq!(node["properties"]["type"]["const"], "transpose");
    let semitones = &node["properties"]["semitones"];
    assert_eq!(semitones["anyOf"][0]["maximum"], 48);
    assert_eq!(semitones["anyOf"][1]["$ref"], "#/$defs/env");
    assert_eq!(semitones["description"], "How far to move notes, in semitones.");
}

#[test]
fn the_types_are_offered_with_what_they_are_for() {
    let schema = schema(&support::Types);
    let types = schema["$defs"]["node"]["properties"]["type"]["oneOf"].as_array().expect("a list").clone();
    let filter = types.iter().find(|entry| entry["const"] == "filter").expect("filter");
    assert_eq!(filter["description"], "Keeps or drops events. (processor, from test)");
}

#[test]
fn every_table_of_the_language_is_in_it_and_nothing_else() {
    let schema = schema(&support::Types);
    let tables: Vec<_> = schema["properties"].as_object().expect("tables").keys().cloned().collect();
    assert_eq!(tables, ["graph", "include", "node", "plugins", "trigger"]);
    assert_eq!(schema["additionalProperties"], false);
}
