//! JSON Schemas of options and commands.

use abi_stable::std_types::RVec;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;

use crate::abi::RawCommand;

/// The schema of a type, references kept in `$defs`.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    SchemaGenerator::default().into_root_schema_for::<T>().to_value()
}

/// Reads the commands out of the schema of their enum: each variant is one.
pub(crate) fn commands_of<T: JsonSchema>() -> RVec<RawCommand> {
    let schema = schema_of::<T>();
    let alternatives = match schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array) {
        Some(list) => list.clone(),
        None => vec![schema.clone()],
    };
    let mut commands = RVec::new();
    for one in &alternatives {
        let about = paragraph(one.get("description").and_then(Value::as_str).unwrap_or(""));
        let plain = one
            .get("const")
            .into_iter()
            .chain(one.get("enum").and_then(Value::as_array).into_iter().flatten());
        for name in plain.filter_map(Value::as_str) {
            commands.push(RawCommand {
                name: name.into(),
                about: about.as_str().into(),
                args: "null".into(),
            });
        }
        for (name, args) in one.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let mut args = args.clone();
            if let (Some(defs), Some(args)) = (schema.get("$defs"), args.as_object_mut()) {
                args.insert("$defs".into(), defs.clone());
            }
            commands.push(RawCommand {
                name: name.as_str().into(),
                about: about.as_str().into(),
                args: args.to_string().into(),
            });
        }
    }
    commands
}

/// The first paragraph of a doc comment, on one line.
fn paragraph(text: &str) -> String {
    text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The names of a command's arguments: `None` if it takes none; `Some(None)` if its schema does not
/// simply list them.
pub(crate) fn arguments(command: &RawCommand) -> Option<Option<Vec<String>>> {
    let schema: Value = serde_json::from_str(&command.args).unwrap_or_default();
    let schema = schema.as_object()?;
    let open = ["$ref", "allOf", "anyOf", "oneOf", "patternProperties", "unevaluatedProperties"];
    let closed = schema.get("additionalProperties").is_none_or(|more| *more == Value::Bool(false));
    if !closed || open.iter().any(|key| schema.contains_key(*key)) {
        return Some(None);
    }
    Some(schema.get("properties").and_then(Value::as_object).map(|all| all.keys().cloned().collect()))
}
