//! A node's options against its type's JSON Schema.
//!
//! The schema is checked before the plugin is asked, for three reasons: the messages can point at
//! every wrong value at once, where a deserializer stops at the first; they can suggest; and what
//! comes from the environment can be given the type that the schema wants. What a schema says with
//! other words than these is left to the plugin: `type`, `properties`, `required`,
//! `additionalProperties`, `items`, `prefixItems`, `enum`, `const`, `anyOf`, `oneOf`, `allOf`,
//! `$ref`, `minimum` and `maximum` (also exclusive), `minLength`, `maxLength`, `minItems`, `maxItems`.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::source::Span;
use super::suggest::{choice, did_you_mean, list, nearest};
use super::tree::{Entry, Item, Table, Text, Value};

/// Something wrong with an option.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) code: &'static str,
    pub(crate) span: Span,
    /// The option, as plugins write it: `peers[2].port`.
    pub(crate) path: String,
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) help: String,
}

/// Checks a table against a schema and gives it back as JSON: without the options that the schema
/// does not know, and with everything else in the types that it asks for. `at` is the place for
/// what is missing, `of` says whose options these are: `` `transpose` ``.
pub(crate) fn check(table: &Table, schema: &Json, at: Span, of: &str) -> (Json, Vec<Fault>) {
    let mut checker = Checker { root: schema, of, faults: Vec::new() };
    let json = checker.object(table, schema, at, "");
    (json, checker.faults)
}

/// How deep `$ref` and `allOf` are followed; schemas that go on are circular.
const DEPTH: usize = 32;

const STRING: u8 = 1;
const INTEGER: u8 = 2;
const NUMBER: u8 = 4;
const BOOLEAN: u8 = 8;
const ARRAY: u8 = 16;
const OBJECT: u8 = 32;
const ANY: u8 = 63;

struct Checker<'a> {
    root: &'a Json,
    of: &'a str,
    faults: Vec<Fault>,
}

impl<'a> Checker<'a> {
    fn fault(&mut self, code: &'static str, span: Span, path: &str, message: String) -> &mut Fault {
        let path = path.to_owned();
        self.faults.push(Fault { code, span, path, message, label: String::new(), help: String::new() });
        self.faults.last_mut().expect("just pushed")
    }

    /// Follows `$ref` as far as it goes.
    fn follow(&self, schema: &'a Json) -> &'a Json {
        let mut schema = schema;
        for _ in 0..DEPTH {
            let Some(pointer) = schema.get("$ref").and_then(Json::as_str) else { break };
            match pointer.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)) {
                Some(target) => schema = target,
                None => return &Json::Bool(true),
            }
        }
        schema
    }

    /// What JSON types a schema lets through.
    fn types(&self, schema: &'a Json, depth: usize) -> u8 {
        let schema = self.follow(schema);
        if depth == 0 {
            return ANY;
        }
        let bit = |name: &str| match name {
            "string" => STRING,
            "integer" => INTEGER,
            "number" => INTEGER | NUMBER,
            "boolean" => BOOLEAN,
            "array" => ARRAY,
            "object" => OBJECT,
            _ => 0,
        };
        let of_value = |value: &Json| match value {
            Json::String(_) => STRING,
            Json::Number(number) if number.is_f64() => NUMBER,
            Json::Number(_) => INTEGER,
            Json::Bool(_) => BOOLEAN,
            Json::Array(_) => ARRAY,
            Json::Object(_) => OBJECT,
            Json::Null => 0,
        };
        let mut types = match schema.get("type") {
            Some(Json::String(name)) => bit(name),
            Some(Json::Array(names)) => {
                names.iter().filter_map(Json::as_str).map(bit).fold(0, |all, bit| all | bit)
            }
            _ => ANY,
        };
        if let Some(value) = schema.get("const") {
            types &= of_value(value);
        }
        if let Some(Json::Array(values)) = schema.get("enum") {
            types &= values.iter().map(of_value).fold(0, |all, bit| all | bit);
        }
        for word in ["anyOf", "oneOf"] {
            if let Some(Json::Array(branches)) = schema.get(word) {
                types &=
                    branches.iter().map(|branch| self.types(branch, depth - 1)).fold(0, |all, bit| all | bit);
            }
        }
        if let Some(Json::Array(parts)) = schema.get("allOf") {
            types &= parts.iter().map(|part| self.types(part, depth - 1)).fold(ANY, |all, bit| all & bit);
        }
        types
    }

    fn value(&mut self, item: &Item, outer: &'a Json, path: &str) -> Json {
        let schema = self.follow(outer);
        if let Value::Loose(loose) = &item.value {
            let typed = self.decide(item, schema);
            let before = self.faults.len();
            let json = self.value(&typed, outer, path);
            if let Some(name) = &loose.variable {
                for fault in &mut self.faults[before..] {
                    fault.label = format!("the environment variable {name} is `{}`", loose.raw);
                }
            }
            return json;
        }
        if let Value::Bad = item.value {
            // Told already; remembered here only so that the plugin's view of it is not told.
            self.fault("", item.span, path, String::new());
            return Json::Null;
        }
        let about = &about(outer).or_else(|| about(schema)).unwrap_or_default();
        let types = self.types(schema, DEPTH);
        if types & type_of(item) == 0 {
            self.wrong_type(item, schema, path, about);
            return Json::Null;
        }
        for word in ["anyOf", "oneOf"] {
            if let Some(Json::Array(branches)) = schema.get(word) {
                // An object's own properties beside its branches are checked with the object.
                if !(schema.get("properties").is_some() && type_of(item) == OBJECT) {
                    return self.union(item, branches, path, about);
                }
            }
        }
        if !self.allowed(item, &constants(schema), path, about) {
            return Json::Null;
        }
        match &item.value {
            Value::Integer(number) => self.range(item, *number as f64, schema, path, about),
            Value::Float(number) => self.range(item, *number, schema, path, about),
            Value::Text(text) => self.length(item, text.text.chars().count(), "Length", schema, path, about),
            Value::Array(items) => {
                self.length(item, items.len(), "Items", schema, path, about);
                return self.array(items, schema, path);
            }
            Value::Table(table) => return self.object(table, schema, item.span, path),
            Value::Boolean(_) | Value::Loose(_) | Value::Bad => {}
        }
        if let Some(Json::Array(parts)) = schema.get("allOf") {
            for part in parts {
                self.value(item, part, path);
            }
        }
        item.to_json()
    }

    /// Gives what came from outside the type that the schema wants.
    fn decide(&self, item: &Item, schema: &'a Json) -> Item {
        let Value::Loose(loose) = &item.value else { return item.clone() };
        let types = self.types(schema, DEPTH);
        let text = || Value::Text(Text { text: loose.raw.clone(), verbatim_at: None });
        let value = match loose.as_toml(item.span) {
            _ if loose.variable.is_some() && types & STRING != 0 => text(),
            Some(parsed) if types & type_of(&parsed) != 0 || types & STRING == 0 => parsed.value,
            _ => text(),
        };
        Item { span: item.span, value }
    }

    fn array(&mut self, items: &[Item], schema: &'a Json, path: &str) -> Json {
        let fixed = schema.get("prefixItems").and_then(Json::as_array);
        let every = schema.get("items").unwrap_or(&Json::Bool(true));
        let check = |(index, item): (usize, &Item)| {
            let schema = fixed.and_then(|fixed| fixed.get(index)).unwrap_or(every);
            self.value(item, schema, &format!("{path}[{index}]"))
        };
        items.iter().enumerate().map(check).collect()
    }

    fn object(&mut self, table: &Table, schema: &'a Json, at: Span, path: &str) -> Json {
        let mut shape = Shape::default();
        self.gather(schema, &mut shape, DEPTH);
        let mut json = Map::new();
        let mut misspelt = Vec::new();
        for entry in &table.entries {
            let path = join(path, &entry.key);
            if let Some(schema) = shape.properties.get(entry.key.as_str()) {
                let value = self.value(&entry.item, schema, &path);
                json.insert(entry.key.clone(), value);
            } else if shape.closed && !shape.others.contains(&entry.key.as_str()) {
                misspelt.extend(self.unknown(entry, &shape, &path));
            } else if let Some(schema) = shape.additional {
                let value = self.value(&entry.item, schema, &path);
                json.insert(entry.key.clone(), value);
            } else {
                json.insert(entry.key.clone(), entry.item.to_json());
            }
        }
        for name in &shape.required {
            if table.get(name).is_some() {
                continue;
            }
            if misspelt.contains(name) {
                // It is there, with a slip: only the plugin must not be asked about it.
                self.fault("missing-option", at, &join(path, name), String::new());
                continue;
            }
            let whose = if path.is_empty() { self.of.to_owned() } else { format!("`{path}`") };
            let message = format!("{whose} needs the option `{name}`");
            let schema = shape.properties.get(name).copied();
            let about = schema.and_then(|schema| about(schema).or_else(|| about(self.follow(schema))));
            let example = schema.map_or("...".to_owned(), |schema| self.example(schema));
            let fault = self.fault("missing-option", at, &join(path, name), message);
            fault.label = format!("`{name}` is missing here");
            fault.help = format!("add `{name} = {example}`");
            if let Some(about) = about {
                fault.help.push_str(&format!(" ({})", about.trim_end_matches('.')));
            }
        }
        Json::Object(json)
    }

    /// Reports a key that the schema does not know, and answers which one was meant.
    fn unknown(&mut self, entry: &Entry, shape: &Shape<'a>, path: &str) -> Option<&'a str> {
        let known: Vec<&str> = shape.properties.keys().chain(&shape.others).copied().collect();
        let whose = match path.rsplit_once('.') {
            None => self.of.to_owned(),
            Some((parent, _)) => format!("`{parent}`"),
        };
        let meant = nearest(&entry.key, known.iter().copied());
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if known.is_empty() => "it takes no options".to_owned(),
            None if known.len() == 1 => format!("its only option is `{}`", known[0]),
            None => format!("its options are {}", list(known)),
        };
        let message = format!("{whose} has no option `{}`", entry.key);
        let fault = self.fault("unknown-option", entry.key_span, path, message);
        fault.help = help;
        meant
    }

    fn gather(&self, schema: &'a Json, shape: &mut Shape<'a>, depth: usize) {
        let schema = self.follow(schema);
        if let Some(Json::Object(properties)) = schema.get("properties") {
            shape.properties.extend(properties.iter().map(|(name, schema)| (name.as_str(), schema)));
        }
        if let Some(Json::Array(names)) = schema.get("required") {
            shape.required.extend(names.iter().filter_map(Json::as_str));
        }
        for word in ["additionalProperties", "unevaluatedProperties"] {
            match schema.get(word) {
                Some(Json::Bool(false)) => shape.closed = schema.get("patternProperties").is_none(),
                Some(other @ Json::Object(_)) => shape.additional = Some(other),
                _ => {}
            }
        }
        if depth == 0 {
            return;
        }
        if let Some(Json::Array(parts)) = schema.get("allOf") {
            parts.iter().for_each(|part| self.gather(part, shape, depth - 1));
        }
        for word in ["anyOf", "oneOf"] {
            if let Some(Json::Array(branches)) = schema.get(word) {
                for branch in branches {
                    let mut other = Shape::default();
                    self.gather(branch, &mut other, depth - 1);
                    shape.others.extend(other.properties.keys());
                    shape.others.extend(other.others);
                }
            }
        }
    }

    /// A value that one of several schemas must take. The first that takes it decides; when none
    /// does, the one that is closest speaks.
    fn union(&mut self, item: &Item, branches: &'a [Json], path: &str, about: &str) -> Json {
        let mut tried = Vec::new();
        for branch in branches {
            let mut trial = Checker { root: self.root, of: self.of, faults: Vec::new() };
            let json = trial.value(item, branch, path);
            if trial.faults.is_empty() {
                return json;
            }
            let fits = self.types(branch, DEPTH) & type_of(item) != 0;
            if fits {
                tried.push((branch, trial.faults));
            }
        }
        let words: Vec<&Json> = tried.iter().flat_map(|(branch, _)| constants(self.follow(branch))).collect();
        if words.len() >= tried.len() && !words.is_empty() {
            self.allowed(item, &words, path, about);
            return Json::Null;
        }
        if let Value::Table(table) = &item.value
            && let Some((tag, values)) = self.tag(tried.iter().map(|(branch, _)| *branch))
        {
            match table.get(tag) {
                Some(entry) if !self.allowed(&entry.item, &values, &join(path, tag), about) => {
                    return Json::Null;
                }
                Some(entry) => {
                    let chosen = entry.item.to_json();
                    tried.retain(|(branch, _)| {
                        let constant = self.follow(branch).pointer(&format!("/properties/{tag}/const"));
                        constant == Some(&chosen)
                    });
                }
                None => {}
            }
        }
        if let Some((_, faults)) = tried.into_iter().min_by_key(|(_, faults)| faults.len()) {
            self.faults.extend(faults);
        }
        Json::Null
    }

    /// The property that tells the branches apart, and its values.
    fn tag(&self, branches: impl Iterator<Item = &'a Json>) -> Option<(&'a str, Vec<&'a Json>)> {
        let mut tag = None;
        let mut values = Vec::new();
        for branch in branches {
            let properties = self.follow(branch).get("properties")?.as_object()?;
            let (name, value) =
                properties.iter().find_map(|(name, schema)| Some((name.as_str(), schema.get("const")?)))?;
            if *tag.get_or_insert(name) != name {
                return None;
            }
            values.push(value);
        }
        Some((tag?, values))
    }

    /// Whether a value is among those allowed; every value is, when there are none.
    fn allowed(&mut self, item: &Item, allowed: &[&Json], path: &str, about: &str) -> bool {
        let json = item.to_json();
        if allowed.is_empty() || allowed.iter().any(|allowed| equal(allowed, &json)) {
            return true;
        }
        let written: Vec<String> = allowed.iter().map(|value| plain(value)).collect();
        let words = || written.iter().map(String::as_str);
        let message = format!("{} cannot be `{}`", subject(path, self.of), plain(&json));
        let suggestion = did_you_mean(&plain(&json), words());
        let fault = self.fault("bad-value", item.span, path, message);
        // A long list would push the line off the screen.
        let (label, help) = match written.len() {
            0..=8 => (format!("{} can stand here", choice(words())), explain(path, about)),
            _ => (String::new(), format!("{} can stand here", choice(words()))),
        };
        fault.label = label;
        fault.help = suggestion.unwrap_or(help);
        false
    }

    fn wrong_type(&mut self, item: &Item, schema: &'a Json, path: &str, about: &str) {
        let types = self.types(schema, DEPTH);
        let wanted = wanted(types);
        let message = format!("{} must be {wanted}, not {}", subject(path, self.of), item.type_name());
        let bare = item.as_text().filter(|text| {
            text.parse::<i64>().is_ok() && types & INTEGER != 0
                || matches!(*text, "true" | "false") && types & BOOLEAN != 0
                || text.parse::<f64>().is_ok() && types & NUMBER != 0
        });
        let help = match (bare, &item.value) {
            (Some(text), _) => format!("write it without quotes: {text}"),
            (None, Value::Float(number)) if number.fract() == 0.0 && types & INTEGER != 0 => {
                format!("write it without the point: {number:.0}")
            }
            (None, Value::Integer(_) | Value::Text(_)) if types == ARRAY => {
                "put it in brackets: [ ... ]".to_owned()
            }
            (None, Value::Integer(number)) if types == STRING => format!("put it in quotes: \"{number}\""),
            _ => explain(path, about),
        };
        let fault = self.fault("wrong-type", item.span, path, message);
        fault.label = format!("{wanted} belongs here");
        fault.help = help;
    }

    fn range(&mut self, item: &Item, number: f64, schema: &Json, path: &str, about: &str) {
        let bound = |word: &str| schema.get(word).and_then(Json::as_f64);
        let (least, above) = (bound("minimum"), bound("exclusiveMinimum"));
        let (most, below) = (bound("maximum"), bound("exclusiveMaximum"));
        let fits = least.is_none_or(|least| number >= least)
            && above.is_none_or(|above| number > above)
            && most.is_none_or(|most| number <= most)
            && below.is_none_or(|below| number < below);
        if fits {
            return;
        }
        let range = match (least, above, most, below) {
            (Some(least), _, Some(most), _) => format!("from {least} to {most}"),
            (_, Some(above), Some(most), _) => format!("above {above}, up to {most}"),
            (Some(least), _, _, Some(below)) => format!("from {least}, below {below}"),
            (_, Some(above), _, Some(below)) => format!("above {above}, below {below}"),
            (Some(least), ..) => format!("{least} or more"),
            (_, Some(above), ..) => format!("above {above}"),
            (_, _, Some(most), _) => format!("{most} or less"),
            (.., Some(below)) => format!("below {below}"),
            _ => return,
        };
        let message = format!("{} is {number}, but must be {range}", subject(path, self.of));
        let fault = self.fault("out-of-range", item.span, path, message);
        fault.label = range;
        fault.help = explain(path, about);
    }

    fn length(&mut self, item: &Item, length: usize, what: &str, schema: &Json, path: &str, about: &str) {
        let bound = |word: &str| schema.get(format!("{word}{what}")).and_then(Json::as_u64);
        let unit = if what == "Items" { "entries" } else { "characters" };
        let range = match (bound("min"), bound("max")) {
            (Some(1), _) if length == 0 => "must not be empty".to_owned(),
            (Some(least), _) if (length as u64) < least => {
                format!("needs at least {least} {unit}, not {length}")
            }
            (_, Some(most)) if (length as u64) > most => format!("takes at most {most} {unit}, not {length}"),
            _ => return,
        };
        let message = format!("{} {range}", subject(path, self.of));
        self.fault("bad-value", item.span, path, message).help = explain(path, about);
    }

    /// A value to show where one is missing.
    fn example(&self, schema: &'a Json) -> String {
        let schema = self.follow(schema);
        if let Some(value) = schema.get("examples").and_then(|examples| examples.get(0)) {
            return value.to_string();
        }
        if let Some(value) = constants(schema).first() {
            return value.to_string();
        }
        let types = self.types(schema, DEPTH);
        let shown = if types == ANY || types & STRING != 0 {
            "\"...\""
        } else if types & INTEGER != 0 {
            return schema.get("minimum").and_then(Json::as_i64).unwrap_or(1).max(1).to_string();
        } else if types & BOOLEAN != 0 {
            "true"
        } else if types & ARRAY != 0 {
            "[ ... ]"
        } else {
            "{ ... }"
        };
        shown.to_owned()
    }
}

/// What an object may hold.
#[derive(Default)]
struct Shape<'a> {
    properties: BTreeMap<&'a str, &'a Json>,
    required: Vec<&'a str>,
    /// Names known to one of several branches; their values are left to the plugin.
    others: Vec<&'a str>,
    closed: bool,
    additional: Option<&'a Json>,
}

/// What an option is for: the first paragraph of its description, on one line.
fn about(schema: &Json) -> Option<String> {
    let text = schema.get("description")?.as_str()?;
    let paragraph = text.trim().split("\n\n").next()?;
    Some(paragraph.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
}

/// The values that a schema lists: its `enum`, its `const`, and those of its branches when they
/// consist of nothing else.
fn constants(schema: &Json) -> Vec<&Json> {
    if let Some(value) = schema.get("const") {
        return vec![value];
    }
    if let Some(Json::Array(values)) = schema.get("enum") {
        return values.iter().collect();
    }
    let Some(Json::Array(branches)) = schema.get("oneOf").or_else(|| schema.get("anyOf")) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for branch in branches {
        let own = constants(branch);
        if own.is_empty() {
            return Vec::new();
        }
        all.extend(own);
    }
    all
}

fn equal(one: &Json, other: &Json) -> bool {
    one == other || one.as_f64().is_some_and(|one| other.as_f64() == Some(one))
}

fn type_of(item: &Item) -> u8 {
    match item.value {
        Value::Text(_) => STRING,
        Value::Integer(_) => INTEGER,
        Value::Float(_) => NUMBER,
        Value::Boolean(_) => BOOLEAN,
        Value::Array(_) => ARRAY,
        Value::Table(_) => OBJECT,
        Value::Loose(_) | Value::Bad => ANY,
    }
}

fn wanted(types: u8) -> String {
    let mut words = Vec::new();
    for (bit, word) in [
        (STRING, "a string"),
        (NUMBER, "a number"),
        (INTEGER, "a whole number"),
        (BOOLEAN, "true or false"),
        (ARRAY, "a list"),
        (OBJECT, "a table"),
    ] {
        if types & bit != 0 && !(bit == INTEGER && types & NUMBER != 0) {
            words.push(word);
        }
    }
    words.join(" or ")
}

fn subject(path: &str, of: &str) -> String {
    if path.is_empty() { of.to_owned() } else { format!("`{path}`") }
}

fn explain(path: &str, about: &str) -> String {
    if about.is_empty() { String::new() } else { format!("`{path}`: {about}") }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// A value as people write it: strings without quotes.
fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
