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
        let about = one.get("description").and_then(Value::as_str).unwrap_or("");
        let plain = one
            .get("const")
            .into_iter()
            .chain(one.get("enum").and_then(Value::as_array).into_iter().flatten());
        for name in plain.filter_map(Value::as_str) {
            commands.push(RawCommand { name: name.into(), about: about.into(), args: "null".into() });
        }
        for (name, args) in one.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let mut args = args.clone();
            if let (Some(defs), Some(args)) = (schema.get("$defs"), args.as_object_mut()) {
                args.insert("$defs".into(), defs.clone());
            }
            commands.push(RawCommand {
                name: name.as_str().into(),
                about: about.into(),
                args: args.to_string().into(),
            });
        }
    }
    commands
}
