//! The node types a command can use: those built in, and those of the plugin libraries found.

use std::path::PathBuf;

use midibay::{Registry, SearchPath, Skipped};

use crate::args::PluginPath;
use crate::failure::Failure;
use crate::say;

/// The node types that ship with the program.
pub(crate) fn built_in() -> Result<Registry, Failure> {
    let mut registry = Registry::new();
    for module in midibay_bundle::modules() {
        registry.add(module).map_err(|clash| Failure::new(clash.to_string()))?;
    }
    Ok(registry)
}

/// Those, and the ones of all plugin libraries: `[plugins] path` of the graph first, then what the
/// command line names, the environment, and the folder beside the program. What was skipped is a
/// warning each.
///
/// # Errors
/// Two plugins with the same node type.
pub(crate) fn open(graph_paths: &[PathBuf], plugins: &PluginPath) -> Result<Registry, Failure> {
    let (registry, skipped) = open_quietly(graph_paths, plugins)?;
    tell(&skipped);
    Ok(registry)
}

/// As [`open`], the skipped ones left to the caller.
///
/// # Errors
/// Two plugins with the same node type.
pub(crate) fn open_quietly(
    graph_paths: &[PathBuf],
    plugins: &PluginPath,
) -> Result<(Registry, Vec<Skipped>), Failure> {
    let mut registry = built_in()?;
    let mut path = SearchPath::new();
    for folder in graph_paths.iter().chain(&plugins.plugin_path) {
        path.push(folder);
    }
    path.push_environment();
    path.push_beside_executable();
    let skipped = registry.load_all(&path);
    if let Some(clash) = skipped.iter().find_map(|one| one.clash.as_ref()) {
        let help = "remove one of them, or take its folder off the plugin path";
        let text = format!(
            "node type `{}` is in two plugins: {} and {}",
            clash.type_name, clash.first, clash.second
        );
        return Err(Failure::new(text).help(help));
    }
    Ok((registry, skipped))
}

/// Tells what was skipped.
pub(crate) fn tell(skipped: &[Skipped]) {
    for one in skipped {
        say::warning(&format!("plugin skipped: {one}"), "");
    }
}
