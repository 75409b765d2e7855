//! Graph files: reading them, checking them, and saying what is wrong.
//!
//! [`load`] reads a file, [`parse`] a string; both check everything there is to check before they
//! answer, so that a person sees all mistakes of a file at once. Nothing here opens a device or a
//! socket: plugins are only asked whether they like their options ([`Catalog::validate`]).
//!
//! Plugins bring node types and a graph file says where plugins are, so a program calls
//! [`settings`] first, loads the plugins, and then calls [`load`].
//!
//! The steps, each in a module of its own: `files` reads the texts and their includes, `syntax`
//! and `tree` turn TOML into values with places, `outside` puts in `--set` and environment variables, `nodes` and
//! `check` hold options against schemas and plugins, `language` and `routes` read routes,
//! `triggers` reads triggers, `whole` looks at the graph as a whole.

mod check;
mod diagnostic;
mod files;
mod language;
mod nodes;
mod outside;
mod problems;
mod routes;
mod settings;
mod source;
mod suggest;
mod syntax;
mod tree;
mod triggers;
mod whole;

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use diagnostic::{Diagnostic, Diagnostics, Level, Related};
pub use settings::Settings;

use crate::graph::{Catalog, Graph};
use files::Files;
use language::resolve::Nodes;
use problems::Problems;
use tree::{Entry, Table, Value};

/// Answers the value of an environment variable, or none when it is not set. Called on the thread
/// that loads the graph.
pub type EnvLookup = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What a graph file does not say itself.
#[derive(Clone)]
pub struct LoadOptions {
    /// `--set node.option=value`: the path without the node's own `node.` in front, and the value.
    /// It is read as a TOML value, and as a string where it is none or the option wants one. Laid
    /// over the files; later ones win.
    pub overrides: Vec<(String, String)>,
    /// Looks up `{ env = "NAME" }`. The default asks the process.
    pub env: EnvLookup,
    /// Where includes and plugin paths of a text given to [`parse`] start. Without it a text cannot
    /// include files. [`load`] uses the directory of each file.
    pub directory: Option<PathBuf>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { overrides: Vec::new(), env: Arc::new(|name| std::env::var(name).ok()), directory: None }
    }
}

impl fmt::Debug for LoadOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadOptions")
            .field("overrides", &self.overrides)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

/// A graph that can run.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The graph, every name resolved and every number checked.
    pub graph: Graph,
    /// What is probably not meant so: idle nodes, doubled routes, echoes.
    pub warnings: Diagnostics,
    /// What else the file says.
    pub settings: Settings,
}

/// Reads a graph file and its includes.
///
/// # Errors
/// Everything that is wrong, warnings included.
pub fn load(path: &Path, options: &LoadOptions, catalog: &dyn Catalog) -> Result<Loaded, Diagnostics> {
    let mut problems = Problems::default();
    let files = Files::open(path, &mut problems);
    understand(files, options, catalog, problems)
}

/// Reads a graph from a string. `name` stands for the file in messages.
///
/// # Errors
/// Everything that is wrong, warnings included.
pub fn parse(
    text: &str,
    name: &str,
    options: &LoadOptions,
    catalog: &dyn Catalog,
) -> Result<Loaded, Diagnostics> {
    let mut problems = Problems::default();
    let files = Files::text(name, text, options.directory.as_deref(), &mut problems);
    understand(files, options, catalog, problems)
}

/// Reads only what must be known before plugins are loaded. Mistakes elsewhere are left to [`load`].
///
/// # Errors
/// When a file cannot be read or is not TOML.
pub fn settings(path: &Path) -> Result<Settings, Diagnostics> {
    let mut problems = Problems::default();
    let files = Files::open(path, &mut problems);
    if !files.complete() {
        return Err(problems.finish(files.sources));
    }
    let mut settings = Settings::default();
    for file in &files.files {
        if let Some(entry) = file.table.as_ref().and_then(|table| table.get("plugins")) {
            // What is wrong in it is told by `load`, together with the rest.
            settings.read(&entry.item, file.directory.as_deref(), &mut Problems::default());
        }
    }
    Ok(settings)
}

fn understand(
    mut files: Files,
    options: &LoadOptions,
    catalog: &dyn Catalog,
    mut problems: Problems,
) -> Result<Loaded, Diagnostics> {
    let mut settings = Settings::default();
    let mut tables = Table::default();
    for file in &files.files {
        let Some(table) = &file.table else { continue };
        for entry in &table.entries {
            match entry.key.as_str() {
                "node" => gather_nodes(entry, &mut tables, &mut problems),
                "graph" => {
                    if let Some(graph) = settings::table(&entry.item, "graph", &mut problems) {
                        nodes::only_keys(graph, "[graph]", &["routes"], &mut problems);
                    }
                }
                "plugins" => settings.read(&entry.item, file.directory.as_deref(), &mut problems),
                "trigger" => {}
                _ => unknown_table(entry, &mut problems),
            }
        }
    }
    outside::apply_overrides(&mut tables, &options.overrides, &mut files.sources, &mut problems);
    for entry in &mut tables.entries {
        outside::resolve_env(&mut entry.item, &*options.env, &mut problems);
    }
    let checked = nodes::check_all(&tables, catalog, &mut problems);
    let known = checked.iter().map(|node| language::resolve::Known {
        name: node.known.name.clone(),
        kind: node.known.kind,
        ports: node.known.ports.clone(),
    });
    let names = Nodes::new(known.collect());

    let mut found = routes::Routes::default();
    let mut triggers = Vec::new();
    // A file that could not be read may hold the nodes that the routes of the others name.
    if files.complete() {
        let mut busy = HashSet::new();
        for file in &files.files {
            let Some(table) = &file.table else { continue };
            if let Some(Value::Table(graph)) = table.get("graph").map(|entry| &entry.item.value)
                && let Some(entry) = graph.get("routes")
            {
                routes::read(&entry.item, &names, &mut found, &mut problems);
            }
            if let Some(entry) = table.get("trigger") {
                let context = triggers::Context { nodes: &names, checked: &checked, catalog };
                triggers::read(entry, &context, &mut triggers, &mut busy, &mut problems);
            }
        }
        whole::check(&checked, &mut found, &busy, &mut problems);
        if checked.is_empty() && !problems.has_errors() {
            problems
                .whole_warning("empty", "this graph has no nodes: there is nothing to run")
                .help("begin with [node.name] and type = \"...\"; `midibay plugins` lists the node types");
        }
    }

    let failed = problems.has_errors();
    let graph = Graph {
        nodes: checked.into_iter().filter_map(|node| node.spec).collect(),
        routes: found.routes.into_iter().map(|placed| placed.route).collect(),
        maps: found.maps,
        triggers,
        files: files.sources.paths(),
    };
    let warnings = problems.finish(files.sources);
    if failed { Err(warnings) } else { Ok(Loaded { graph, warnings, settings }) }
}

fn gather_nodes(entry: &Entry, nodes: &mut Table, problems: &mut Problems) {
    let Some(table) = settings::table(&entry.item, "node", problems) else { return };
    for node in &table.entries {
        match nodes.get(&node.key) {
            None => nodes.entries.push(node.clone()),
            Some(first) => {
                problems
                    .error("duplicate-node", node.key_span, format!("there are two nodes `{}`", node.key))
                    .label("the second one")
                    .related(first.key_span, "the first one")
                    .help("give one of them another name, and name it so in its routes");
            }
        }
    }
}

fn unknown_table(entry: &Entry, problems: &mut Problems) {
    const KNOWN: [&str; 5] = ["node", "graph", "trigger", "include", "plugins"];
    let key = entry.key.as_str();
    let help = match key {
        "control" => {
            "control over REST, WebSocket and OSC is not in this version: take [control] away".to_owned()
        }
        "routes" | "route" => "routes stand in a table: write [graph] on the line above".to_owned(),
        "nodes" => "write [node.NAME] for each node".to_owned(),
        _ => suggest::did_you_mean(key, KNOWN)
            .unwrap_or_else(|| format!("what can stand at the top: {}", suggest::list(KNOWN))),
    };
    problems.error("unknown-key", entry.key_span, format!("a graph file has no `{key}`")).help(help);
}
