//! Options in words, out of their JSON Schema.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::style::Style;

/// How deep tables in lists of tables are followed.
const DEPTH: usize = 4;
/// Where lines of help end.
const WIDTH: usize = 96;

/// The options of a node type, or the arguments of a command.
pub(crate) struct Options<'a> {
    root: &'a Value,
}

impl<'a> Options<'a> {
    /// Of this schema; null has none.
    pub(crate) fn of(schema: &'a Value) -> Self {
        Self { root: schema }
    }

    /// All of them, each with its type, its default and its help; `none` where there is none.
    pub(crate) fn text(&self, style: Style, none: &str) -> String {
        let mut text = String::new();
        self.table(self.root, 2, DEPTH, style, &mut text);
        if text.is_empty() { none.to_owned() } else { text }
    }

    /// Follows `$ref`, and looks through "this or null".
    fn resolve(&self, mut schema: &'a Value) -> &'a Value {
        for _ in 0..8 {
            if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
                match name.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)) {
                    Some(target) => schema = target,
                    None => return schema,
                }
            } else if let [only] = alternatives(schema).as_slice() {
                schema = only;
            } else {
                return schema;
            }
        }
        schema
    }

    fn table(&self, schema: &'a Value, indent: usize, depth: usize, style: Style, text: &mut String) {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
        let required: Vec<&str> = match schema.get("required").and_then(Value::as_array) {
            Some(names) => names.iter().filter_map(Value::as_str).collect(),
            None => Vec::new(),
        };
        // What must be given comes first.
        let (first, rest): (Vec<_>, Vec<_>) =
            properties.iter().partition(|(name, _)| required.contains(&name.as_str()));
        for (name, option) in first.into_iter().chain(rest) {
            let must = required.contains(&name.as_str());
            let resolved = self.resolve(option);
            let pad = " ".repeat(indent);
            let mut words = self.type_of(resolved, depth);
            if indent + name.len() + 2 + words.len() > WIDTH {
                // Under the name, as the help is.
                words = format!("\n{}", wrap(&words, indent + 4).trim_end());
            }
            let _ = write!(text, "{pad}{}  {}", style.name(name), style.faint(&words));
            match option.get("default").filter(|value| !value.is_null()) {
                Some(default) => {
                    let _ = write!(text, "  default {}", toml(default));
                }
                None if must => text.push_str("  must be given"),
                None => {}
            }
            text.push('\n');
            let help = option.get("description").or_else(|| resolved.get("description"));
            *text += &wrap(help.and_then(Value::as_str).unwrap_or(""), indent + 4);
            *text += &self.meanings(resolved, indent + 4, style);
            if depth > 0 {
                self.table(self.inner(resolved), indent + 4, depth - 1, style, text);
            }
        }
    }

    /// What a list holds, or the schema itself.
    fn inner(&self, schema: &'a Value) -> &'a Value {
        match schema.get("items") {
            Some(items) => self.resolve(items),
            None => schema,
        }
    }

    /// Words that carry a help of their own.
    fn meanings(&self, schema: &'a Value, indent: usize, style: Style) -> String {
        let mut text = String::new();
        for one in alternatives(self.inner(schema)) {
            let one = self.resolve(one);
            if let (Some(word), Some(about)) =
                (one.get("const"), one.get("description").and_then(Value::as_str))
            {
                let line =
                    format!("{}: {}", toml(word), about.split_whitespace().collect::<Vec<_>>().join(" "));
                let _ = writeln!(text, "{}{}", " ".repeat(indent), style.faint(&line));
            }
        }
        text
    }

    fn is_list(&self, schema: &'a Value) -> bool {
        self.resolve(schema).get("type").and_then(Value::as_str) == Some("array")
    }

    fn type_of(&self, schema: &'a Value, depth: usize) -> String {
        let schema = self.resolve(schema);
        if let Some(word) = schema.get("const") {
            return toml(word);
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return words.iter().filter(|word| !word.is_null()).map(toml).collect::<Vec<_>>().join(" | ");
        }
        let several = alternatives(schema);
        if several.len() > 1 && depth > 0 {
            let (lists, ones): (Vec<_>, Vec<_>) = several.into_iter().partition(|one| self.is_list(one));
            let mut words: Vec<String> = ones.iter().map(|one| self.type_of(one, depth - 1)).collect();
            words.dedup();
            let one = words.join(" | ");
            let lists: Vec<String> = lists.iter().map(|list| self.type_of(list, depth - 1)).collect();
            return match lists.as_slice() {
                [] => one,
                [list] if *list == list_of(&one) => format!("{one}, or a list of them"),
                lists if ones.is_empty() => lists.join(" | "),
                lists => format!("{one} | {}", lists.join(" | ")),
            };
        }
        let name = match schema.get("type") {
            Some(Value::String(name)) => name.as_str(),
            Some(Value::Array(names)) => {
                names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("")
            }
            _ => "",
        };
        match name {
            "string" => "text".to_owned(),
            "integer" => format!("whole number{}", range(schema)),
            "number" => format!("number{}", range(schema)),
            "boolean" => "true | false".to_owned(),
            "array" => match schema.get("items") {
                Some(items) if depth > 0 => list_of(&self.type_of(items, depth - 1)),
                _ => "list".to_owned(),
            },
            "object" => "table".to_owned(),
            _ => "any".to_owned(),
        }
    }
}

fn list_of(item: &str) -> String {
    if item.contains(" | ") { format!("list of ({item})") } else { format!("list of {item}") }
}

/// What a schema may be, null left out. Empty where it is but one thing.
fn alternatives(schema: &Value) -> Vec<&Value> {
    let list = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
    let null = |one: &&Value| one.get("type").and_then(Value::as_str) != Some("null");
    list.map_or_else(Vec::new, |list| list.iter().filter(null).collect())
}

/// The limits of an option. Those of the machine's own number say nothing about it.
fn range(schema: &Value) -> String {
    let bound = |name| schema.get(name).and_then(Value::as_f64);
    let machine = match schema.get("format").and_then(Value::as_str) {
        Some("uint8") => Some(255.0),
        Some("uint16") => Some(65535.0),
        Some("int8") => Some(127.0),
        Some("int16") => Some(32767.0),
        _ => None,
    };
    match (bound("minimum"), bound("maximum")) {
        (Some(low), Some(high)) if machine != Some(high) => format!(" {low} to {high}"),
        _ => String::new(),
    }
}

/// A value as it is written in a graph file.
fn toml(value: &Value) -> String {
    let pairs = |table: &Map<String, Value>| {
        let pairs = table.iter().filter(|(_, value)| !value.is_null());
        pairs.map(|(key, value)| format!("{key} = {}", toml(value))).collect::<Vec<_>>().join(", ")
    };
    match value {
        Value::Object(table) => format!("{{ {} }}", pairs(table)),
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// Help in lines of readable length.
pub(crate) fn wrap(text: &str, indent: usize) -> String {
    let mut lines = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent + line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(lines, "{}{line}", " ".repeat(indent));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    if !line.is_empty() {
        let _ = writeln!(lines, "{}{line}", " ".repeat(indent));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(schema: &Value) -> String {
        Options::of(schema).text(crate::style::stdout(), "none")
    }

    #[test]
    fn an_option_is_shown_with_type_default_and_help() {
        let schema = json!({ "type": "object", "required": ["path"], "properties": {
            "speed": { "type": ["number", "null"], "minimum": 0.05, "maximum": 20.0, "default": null,
                "description": "How fast.\nDefault: 1." },
            "rate": { "type": "integer", "format": "uint32", "minimum": 0, "default": 100, "description": "A second." },
            "path": { "type": "string" },
        }});
        let expected = "  path  text  must be given\n  rate  whole number  default 100\n      A second.\n  \
                        speed  number 0.05 to 20\n      How fast. Default: 1.\n";
        assert_eq!(shown(&schema), expected);
    }

    #[test]
    fn words_lists_and_tables_are_looked_into() {
        let schema = json!({ "type": "object", "properties": {
            "mode": { "anyOf": [{ "$ref": "#/$defs/Mode" }, { "type": "null" }] },
            "zones": { "type": "array", "items": { "$ref": "#/$defs/Zone" }, "default": [] },
        }, "$defs": {
            "Mode": { "oneOf": [{ "const": "in", "description": "Comes in." }, { "const": "out" }] },
            "Zone": { "type": "object", "required": ["low"], "properties": { "low": { "type": "integer" } } },
        }});
        let expected = "  mode  \"in\" | \"out\"\n      \"in\": Comes in.\n  zones  list of table  default []\n      \
                        low  whole number  must be given\n";
        assert_eq!(shown(&schema), expected);
    }

    #[test]
    fn nothing_is_said_where_there_is_nothing() {
        assert_eq!(shown(&Value::Null), "none");
    }
}
