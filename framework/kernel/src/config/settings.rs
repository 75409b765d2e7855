//! What a graph file says beside the graph itself.

use std::path::{Path, PathBuf};

use super::nodes::only_keys;
use super::problems::Problems;
use super::tree::{Item, Table, Value};

/// What must be known before the graph can be understood, because plugins bring the node types.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    /// Where to look for plugins, in the order of the files: `[plugins] path`. Relative paths are
    /// already joined to the directory of the file that names them.
    pub plugin_paths: Vec<PathBuf>,
}

impl Settings {
    /// Takes in the `[plugins]` table of one file in `directory`.
    pub(crate) fn read(&mut self, item: &Item, directory: Option<&Path>, problems: &mut Problems) {
        let Some(table) = table(item, "plugins", problems) else { return };
        only_keys(table, "[plugins]", &["path"], problems);
        let Some(entry) = table.get("path") else { return };
        let mut add = |item: &Item, problems: &mut Problems| match &item.value {
            Value::Text(text) => {
                let path = PathBuf::from(&text.text);
                self.plugin_paths.push(directory.map_or(path.clone(), |directory| directory.join(path)));
            }
            Value::Bad => {}
            _ => {
                let message = format!("a path must be a string, not {}", item.type_name());
                problems.error("wrong-type", item.span, message).help("write path = [\"plugins\"]");
            }
        };
        match &entry.item.value {
            Value::Array(items) => items.iter().for_each(|item| add(item, problems)),
            _ => add(&entry.item, problems),
        }
    }
}

/// A top-level table, or why it is none.
pub(crate) fn table<'a>(item: &'a Item, name: &str, problems: &mut Problems) -> Option<&'a Table> {
    match &item.value {
        Value::Table(table) => Some(table),
        Value::Bad => None,
        _ => {
            let message = format!("`{name}` must be a table, not {}", item.type_name());
            problems
                .error("wrong-type", item.span, message)
                .help(format!("write [{name}] and its keys below"));
            None
        }
    }
}
