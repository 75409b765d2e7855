//! A graph from an app's own code.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::{Catalog, Graph};
use crate::config::{Diagnostics, LoadOptions, Loaded, parse};

/// Puts a graph together in Rust.
///
/// The builder writes the text of a graph file and has it read like any other, so that the same
/// rules hold and messages can point at a line. [`to_toml`](Self::to_toml) shows that text; an app
/// may save it for an operator to run.
///
/// ```
/// # use midibay::graph::{Catalog, GraphBuilder, NodeTypeInfo, Ports};
/// # struct None_;
/// # impl Catalog for None_ {
/// #     fn type_names(&self) -> Vec<String> { Vec::new() }
/// #     fn node_type(&self, _: &str) -> Option<NodeTypeInfo> { None }
/// #     fn validate(&self, _: &str, _: &serde_json::Value) -> Result<Ports, Vec<midibay_plugin::ConfigError>> { Ok(Ports::default()) }
/// #     fn validate_command(&self, _: &str, _: &str, _: &serde_json::Value) -> Result<(), String> { Ok(()) }
/// # }
/// # let catalog = None_;
/// use serde_json::json;
///
/// let graph = GraphBuilder::new()
///     .node("in", "ip-midi", json!({ "port": 1 }))
///     .node("up", "transpose", json!({ "semitones": 12 }))
///     .node("out", "ip-midi", json!({ "port": 2 }))
///     .route("in -> up -> out")
///     .build(&catalog);
/// # let wrong = graph.unwrap_err();
/// # assert!(wrong.items.iter().all(|item| item.code == "unknown-type"), "{wrong}");
/// ```
#[derive(Clone, Debug, Default)]
pub struct GraphBuilder {
    nodes: Vec<(String, String, Json)>,
    routes: Vec<String>,
    triggers: Vec<TriggerBuilder>,
}

/// A trigger for [`GraphBuilder::trigger`].
#[derive(Clone, Debug)]
pub struct TriggerBuilder {
    on: String,
    run: String,
    above: u8,
    guard: Option<String>,
    args: Json,
}

impl TriggerBuilder {
    /// Runs the command `run` (`show.switch`) when the control `on` (`pads.ch16.note127`) moves.
    #[must_use]
    pub fn new(on: impl Into<String>, run: impl Into<String>) -> Self {
        Self { on: on.into(), run: run.into(), above: 0, guard: None, args: Json::Null }
    }

    /// Fires only above this value (7-bit, 0-126).
    #[must_use]
    pub fn above(mut self, value: u8) -> Self {
        self.above = value;
        self
    }

    /// Fires only while this note or controller is held.
    #[must_use]
    pub fn guard(mut self, control: impl Into<String>) -> Self {
        self.guard = Some(control.into());
        self
    }

    /// Gives the command its arguments, a JSON object.
    #[must_use]
    pub fn args(mut self, args: Json) -> Self {
        self.args = args;
        self
    }
}

impl GraphBuilder {
    /// An empty graph.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a node; `options` is a JSON object without `type`, or null for none. Members that are
    /// null count as not given.
    #[must_use]
    pub fn node(mut self, name: impl Into<String>, type_name: impl Into<String>, options: Json) -> Self {
        self.nodes.push((name.into(), type_name.into(), options));
        self
    }

    /// Adds a route in the language of graph files: `in -> up -> out`.
    #[must_use]
    pub fn route(mut self, route: impl Into<String>) -> Self {
        self.routes.push(route.into());
        self
    }

    /// Adds a trigger.
    #[must_use]
    pub fn trigger(mut self, trigger: TriggerBuilder) -> Self {
        self.triggers.push(trigger);
        self
    }

    /// The graph as the text of a graph file.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        for (name, type_name, options) in &self.nodes {
            let _ = writeln!(text, "[node.{}]\ntype = {}", key(name), string(type_name));
            match options {
                Json::Object(options) => {
                    for (name, value) in options.iter().filter(|(_, value)| !value.is_null()) {
                        let _ = writeln!(text, "{} = {}", key(name), literal(value));
                    }
                }
                Json::Null => {}
                // Not an object: written so that reading it says so.
                other => {
                    let _ = writeln!(text, "options = {}", literal(other));
                }
            }
            text.push('\n');
        }
        if !self.routes.is_empty() {
            text.push_str("[graph]\nroutes = [\n");
            for route in &self.routes {
                let _ = writeln!(text, "  {},", string(route));
            }
            text.push_str("]\n");
        }
        for trigger in &self.triggers {
            let _ = writeln!(text, "\n[[trigger]]\non = {}", string(&trigger.on));
            if trigger.above > 0 {
                let _ = writeln!(text, "above = {}", trigger.above);
            }
            if let Some(guard) = &trigger.guard {
                let _ = writeln!(text, "guard = {}", string(guard));
            }
            let _ = writeln!(text, "run = {}", string(&trigger.run));
            if !trigger.args.is_null() {
                let _ = writeln!(text, "args = {}", literal(&trigger.args));
            }
        }
        text
    }

    /// Checks everything and resolves it.
    ///
    /// # Errors
    /// Everything that is wrong; the places are lines of [`to_toml`](Self::to_toml).
    pub fn build(&self, catalog: &dyn Catalog) -> Result<Graph, Diagnostics> {
        self.build_with(&LoadOptions::default(), catalog).map(|loaded| loaded.graph)
    }

    /// [`build`](Self::build) with options, and with the warnings in the answer.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn build_with(&self, options: &LoadOptions, catalog: &dyn Catalog) -> Result<Loaded, Diagnostics> {
        parse(&self.to_toml(), "<graph>", options, catalog)
    }
}

/// A key, quoted where TOML wants it.
fn key(name: &str) -> String {
    let bare =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if bare { name.to_owned() } else { string(name) }
}

fn string(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A value on one line.
fn literal(value: &Json) -> String {
    match value {
        // A null in a list has no word in TOML: an empty table stands for it, which no list of
        // numbers or strings takes, so that it does not go unnoticed.
        Json::Null => "{}".to_owned(),
        Json::String(text) => string(text),
        Json::Number(number) if number.is_f64() => {
            toml::Value::Float(number.as_f64().unwrap_or_default()).to_string()
        }
        Json::Bool(_) | Json::Number(_) => value.to_string(),
        Json::Array(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        Json::Object(members) => {
            let members = members.iter().filter(|(_, value)| !value.is_null());
            let members: Vec<String> =
                members.map(|(name, value)| format!("{} = {}", key(name), literal(value))).collect();
            format!("{{ {} }}", members.join(", "))
        }
    }
}
