//! What the graph language must know of node types, whoever provides them.

use midibay_plugin::ConfigError;
use serde_json::Value;

use super::spec::{NodeKind, Ports};

/// A command that a node type understands.
#[derive(Clone, PartialEq, Debug)]
pub struct CommandInfo {
    /// Its name: `switch`, `seek`.
    pub name: String,
    /// What it does, one sentence.
    pub about: String,
    /// JSON Schema of its arguments (an object), or null when it takes none.
    pub args: Value,
}

/// A property that a node publishes.
#[derive(Clone, PartialEq, Debug)]
pub struct PropertyInfo {
    /// Its name: `active`, `position`.
    pub name: String,
    /// What it says.
    pub about: String,
    /// Its unit, or empty.
    pub unit: String,
}

/// A node type as its plugin describes it.
#[derive(Clone, PartialEq, Debug)]
pub struct NodeTypeInfo {
    /// The word behind `type =`.
    pub name: String,
    /// Endpoint or processor.
    pub kind: NodeKind,
    /// What it is for, one sentence.
    pub about: String,
    /// JSON Schema (draft 2020-12) of its options, an object.
    pub schema: Value,
    /// Its commands.
    pub commands: Vec<CommandInfo>,
    /// Its properties.
    pub properties: Vec<PropertyInfo>,
    /// The plugin that brings it: the name of the plugin, and its file when it was loaded from one.
    pub origin: String,
}

/// The node types that a graph may use.
pub trait Catalog {
    /// The names of all node types, sorted.
    fn type_names(&self) -> Vec<String>;

    /// One node type.
    fn node_type(&self, name: &str) -> Option<NodeTypeInfo>;

    /// Checks a node's options (a JSON object without `type`) and tells its ports. Opens nothing.
    ///
    /// # Errors
    /// Everything that is wrong, each with the path of the option (`peers[2].port`).
    fn validate(&self, type_name: &str, config: &Value) -> Result<Ports, Vec<ConfigError>>;

    /// Checks a command and its arguments against the node type.
    ///
    /// # Errors
    /// A sentence that says what is wrong: no such command, or the arguments do not fit.
    fn validate_command(&self, type_name: &str, command: &str, args: &Value) -> Result<(), String>;
}
