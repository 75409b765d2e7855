//! One room a command.

pub(crate) mod check;
pub(crate) mod monitor;
pub(crate) mod new_plugin;
pub(crate) mod plugins;
pub(crate) mod ports;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod send;

use std::path::Path;

use midibay::config::{self, LoadOptions, Loaded};
use midibay::{Registry, Skipped};

use crate::args::{PluginPath, Set};
use crate::failure::Failure;
use crate::{registry, say};

/// The word that means a graph in `--set` and in messages: its file's name without the ending.
fn graph_name(file: &Path) -> String {
    file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}

/// The `--set` values that are for this graph.
fn load_options(file: &Path, overrides: &[Set]) -> LoadOptions {
    let name = graph_name(file);
    let mine = overrides.iter().filter(|set| set.graph.as_ref().is_none_or(|graph| *graph == name));
    let overrides = mine.map(|set| (set.path.clone(), set.value.clone())).collect();
    LoadOptions { overrides, ..LoadOptions::default() }
}

/// A graph file, read, with the node types that it may use.
struct Opened {
    loaded: Loaded,
    registry: Registry,
    skipped: Vec<Skipped>,
}

impl Opened {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with the file or with the plugins.
    fn read(file: &Path, overrides: &[Set], plugins: &PluginPath) -> Result<Self, Failure> {
        let settings = config::settings(file)?;
        let (registry, skipped) = registry::open_quietly(&settings.plugin_paths, plugins)?;
        match config::load(file, &load_options(file, overrides), &registry) {
            Ok(loaded) => Ok(Self { loaded, registry, skipped }),
            Err(diagnostics) => {
                // The node type that is missing may be in one of these.
                registry::tell(&skipped);
                Err(diagnostics.into())
            }
        }
    }

    /// Tells what is probably not meant so.
    fn warn(&self) {
        registry::tell(&self.skipped);
        say::diagnostics(&self.loaded.warnings);
    }
}
