//! The node types that a graph may use: linked in, loaded from plugin libraries, or an app's own.

mod library;
mod local;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use midibay_plugin::abi::{RawHost, RawNode, RawNodeType, RawParams};
use midibay_plugin::{ConfigError, Endpoint, Module, NodeError, PortListing, Processor};
use serde_json::Value;

use crate::graph::{Catalog, CommandInfo, NodeKind, NodeTypeInfo, Ports, PropertyInfo};

pub use library::{SearchPath, Skipped};
use local::LocalType;
pub use local::{AppInput, AppInputError};

/// Two plugins bring a node type of the same name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "node type `{type_name}` is in two plugins: {first} and {second}; remove one of them, or take its folder off the plugin path"
)]
pub struct Clash {
    /// The node type.
    pub type_name: String,
    /// The plugin that had it first.
    pub first: String,
    /// The plugin that was refused.
    pub second: String,
}

/// A plugin as it was registered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PluginInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence, an SPDX expression.
    pub license: String,
    /// The library it came from; none when it was linked in.
    pub file: Option<PathBuf>,
    /// Its node types.
    pub node_types: Vec<String>,
}

#[derive(Clone)]
enum Factory {
    Plugin(Box<RawNodeType>),
    Local(Arc<dyn LocalType>),
}

#[derive(Clone)]
struct Entry {
    info: NodeTypeInfo,
    factory: Factory,
}

/// The node types that a graph may use. Cheap to clone: a clone shares the libraries, not later additions.
#[derive(Clone, Default)]
pub struct Registry {
    types: BTreeMap<String, Entry>,
    plugins: Vec<PluginInfo>,
}

impl Registry {
    /// No node types at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a plugin that is linked into the program.
    ///
    /// # Errors
    /// A node type of that name is there already. Nothing is added then.
    pub fn add(&mut self, module: Module) -> Result<(), Clash> {
        self.add_module(module, None)
    }

    /// Adds an app's own endpoint type.
    ///
    /// # Errors
    /// A node type of that name is there already.
    pub fn add_endpoint<E: Endpoint>(&mut self) -> Result<(), Clash> {
        self.add(Module::new("app", "", "").endpoint::<E>())
    }

    /// Adds an app's own processor type.
    ///
    /// # Errors
    /// A node type of that name is there already.
    pub fn add_processor<P: Processor>(&mut self) -> Result<(), Clash> {
        self.add(Module::new("app", "", "").processor::<P>())
    }

    /// Loads one plugin library. `[main]`
    ///
    /// # Errors
    /// Why it was skipped: it is no plugin, does not fit, or clashes with another.
    pub fn load(&mut self, file: &Path) -> Result<(), Skipped> {
        let skipped = |reason: String, clash| Skipped { file: file.to_owned(), reason, clash };
        let module = midibay_plugin::load::open(file).map_err(|e| skipped(e.reason, None))?;
        self.add_module(module, Some(file.to_owned()))
            .map_err(|clash| skipped(clash.to_string(), Some(clash)))
    }

    fn add_module(&mut self, module: Module, file: Option<PathBuf>) -> Result<(), Clash> {
        let raw = module.into_raw();
        let origin = match &file {
            Some(file) => format!("{} ({})", raw.name, file.display()),
            None => format!("{} (built in)", raw.name),
        };
        let mut names = std::collections::BTreeSet::new();
        for node_type in &raw.node_types {
            let name = node_type.name.to_string();
            let clash =
                |first: &str| Clash { type_name: name.clone(), first: first.into(), second: origin.clone() };
            if let Some(known) = self.types.get(&name) {
                return Err(clash(&known.info.origin));
            }
            if !names.insert(name.clone()) {
                return Err(clash(&origin));
            }
        }
        self.plugins.push(PluginInfo {
            name: raw.name.into(),
            version: raw.version.into(),
            license: raw.license.into(),
            file,
            node_types: names.into_iter().collect(),
        });
        for node_type in raw.node_types {
            let info = describe(&node_type, &origin);
            self.types
                .insert(info.name.clone(), Entry { info, factory: Factory::Plugin(Box::new(node_type)) });
        }
        Ok(())
    }

    fn add_local(&mut self, name: &str, local: Arc<dyn LocalType>) -> Result<(), Clash> {
        if let Some(known) = self.types.get(name) {
            let first = known.info.origin.clone();
            return Err(Clash { type_name: name.into(), first, second: "app".into() });
        }
        let info = NodeTypeInfo {
            name: name.into(),
            kind: local.kind(),
            about: "A part of this app.".into(),
            schema: serde_json::json!({ "type": "object", "properties": {}, "additionalProperties": false }),
            commands: Vec::new(),
            properties: Vec::new(),
            origin: "app".into(),
        };
        self.types.insert(name.into(), Entry { info, factory: Factory::Local(local) });
        Ok(())
    }

    /// The plugins, in the order they were added.
    pub fn plugins(&self) -> &[PluginInfo] {
        &self.plugins
    }

    /// The ports of this machine that nodes of this type could use. `[main]`
    ///
    /// # Errors
    /// Why the system would not say.
    pub fn list_ports(&self, type_name: &str) -> Result<Vec<PortListing>, String> {
        match self.types.get(type_name).map(|e| &e.factory) {
            Some(Factory::Plugin(raw)) => {
                let ports = (raw.list)().into_result().map_err(String::from)?;
                Ok(ports
                    .into_iter()
                    .map(|p| PortListing {
                        name: p.name.into(),
                        write: p.write.into(),
                        input: p.directions & 1 != 0,
                        output: p.directions & 2 != 0,
                    })
                    .collect())
            }
            Some(Factory::Local(_)) => Ok(Vec::new()),
            None => Err(format!("no node type `{type_name}`")),
        }
    }

    /// Checks and compiles the options of a node.
    pub(crate) fn prepare(&self, type_name: &str, config: &Value) -> Result<Prepared, Vec<ConfigError>> {
        let Some(entry) = self.types.get(type_name) else {
            return Err(vec![ConfigError::at("", format!("no node type `{type_name}`"))]);
        };
        let factory = entry.factory.clone();
        let raw = match &factory {
            Factory::Plugin(raw) => Some(
                (raw.prepare)(config.to_string().as_str().into())
                    .into_result()
                    .map_err(|list| list.into_iter().map(ConfigError::from).collect::<Vec<_>>())?,
            ),
            Factory::Local(_) => match config.as_object() {
                Some(options) if options.is_empty() => None,
                _ => return Err(vec![ConfigError::at("", "a node of this type takes no options")]),
            },
        };
        Ok(Prepared { factory, raw })
    }

    /// Whether a running node can take over new options.
    pub(crate) fn in_place(&self, type_name: &str, old: &Value, new: &Value) -> bool {
        match self.types.get(type_name).map(|e| &e.factory) {
            Some(Factory::Plugin(raw)) => {
                (raw.in_place)(old.to_string().as_str().into(), new.to_string().as_str().into())
            }
            _ => false,
        }
    }

    /// Reads a command for a node of this type.
    pub(crate) fn parse_command(
        &self,
        type_name: &str,
        name: &str,
        args: &Value,
    ) -> Result<ParsedCommand, String> {
        match self.types.get(type_name).map(|e| &e.factory) {
            Some(Factory::Plugin(raw)) => {
                let parsed = (raw.parse_command)(name.into(), args.to_string().as_str().into()).into_result();
                let raw_box = parsed.map_err(String::from)?;
                Ok(ParsedCommand { this: raw_box.this, drop: raw.drop_command })
            }
            Some(Factory::Local(_)) => Err(format!("`{type_name}` has no commands")),
            None => Err(format!("no node type `{type_name}`")),
        }
    }
}

impl Catalog for Registry {
    fn type_names(&self) -> Vec<String> {
        self.types.keys().cloned().collect()
    }

    fn node_type(&self, name: &str) -> Option<NodeTypeInfo> {
        self.types.get(name).map(|e| e.info.clone())
    }

    fn validate(&self, type_name: &str, config: &Value) -> Result<Ports, Vec<ConfigError>> {
        self.prepare(type_name, config).map(|prepared| prepared.ports())
    }

    fn validate_command(&self, type_name: &str, command: &str, args: &Value) -> Result<(), String> {
        self.parse_command(type_name, command, args).map(drop)
    }
}

fn describe(raw: &RawNodeType, origin: &str) -> NodeTypeInfo {
    let json = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    NodeTypeInfo {
        name: raw.name.to_string(),
        kind: if raw.kind == 0 { NodeKind::Endpoint } else { NodeKind::Processor },
        about: raw.about.to_string(),
        schema: json(&raw.schema),
        commands: (raw.commands.iter())
            .map(|c| CommandInfo {
                name: c.name.to_string(),
                about: c.about.to_string(),
                args: json(&c.args),
            })
            .collect(),
        properties: (raw.properties.iter())
            .map(|p| PropertyInfo {
                name: p.name.to_string(),
                about: p.about.to_string(),
                unit: p.unit.to_string(),
            })
            .collect(),
        origin: origin.into(),
    }
}

/// Options of a node, checked and compiled; ready for a new node or for one that runs.
pub(crate) struct Prepared {
    factory: Factory,
    raw: Option<RawParams>,
}

// SAFETY: a node's parameters are `Send`, by the bound on `Node::Params`.
unsafe impl Send for Prepared {}

impl Prepared {
    pub(crate) fn ports(&self) -> Ports {
        match (&self.raw, &self.factory) {
            (Some(raw), _) => Ports {
                inputs: raw.inputs.iter().map(ToString::to_string).collect(),
                outputs: raw.outputs.iter().map(ToString::to_string).collect(),
            },
            (None, Factory::Local(local)) => local.ports(),
            (None, Factory::Plugin(_)) => unreachable!("a plugin's options are compiled by the plugin"),
        }
    }

    /// Makes a node. Opens what it needs. `host` is one share of the host's side.
    pub(crate) fn create(mut self, host: RawHost) -> Result<RawNode, NodeError> {
        match (self.raw.take(), self.factory.clone()) {
            (Some(params), Factory::Plugin(raw)) => {
                // SAFETY: the parameters come from `prepare` of the same type and are used once.
                unsafe { (raw.create)(params.this, host) }.into_result().map_err(NodeError::from)
            }
            (_, Factory::Local(local)) => {
                // SAFETY: one share of the host, handed over.
                let host = unsafe { midibay_plugin::Host::from_raw(host) };
                let made = catch_unwind(AssertUnwindSafe(|| local.create(host)));
                made.unwrap_or_else(|_| Err(NodeError::retry("the app's code panicked")))
            }
            (None, Factory::Plugin(_)) => unreachable!("used once"),
        }
    }

    /// The parameters as `reconfigure` takes them. They stay owned by this value.
    pub(crate) fn as_ptr(&self) -> *mut () {
        self.raw.as_ref().map_or(std::ptr::null_mut(), |raw| raw.this)
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if let (Some(params), Factory::Plugin(raw)) = (self.raw.take(), &self.factory) {
            // SAFETY: from `prepare` of the same type, freed once.
            unsafe { (raw.drop_params)(params.this) };
        }
    }
}

/// A command, read and ready to run.
pub(crate) struct ParsedCommand {
    pub(crate) this: *mut (),
    drop: unsafe extern "C" fn(midibay_plugin::abi::RawCommandBox),
}

// SAFETY: commands are `Send`, by the bound on `Node::Command`.
unsafe impl Send for ParsedCommand {}

impl Drop for ParsedCommand {
    fn drop(&mut self) {
        // SAFETY: from `parse_command` of the same type, freed once.
        unsafe { (self.drop)(midibay_plugin::abi::RawCommandBox { this: self.this }) };
    }
}
