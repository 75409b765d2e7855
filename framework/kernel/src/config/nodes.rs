//! The `[node.NAME]` tables.

use serde_json::Value as Json;

use super::check::{Fault, check};
use super::language::resolve::Known;
use super::problems::Problems;
use super::source::Span;
use super::suggest::{did_you_mean, list};
use super::tree::{Entry, Item, Table, Value};
use crate::graph::{Catalog, NodeSpec, Ports};

/// A node as far as it could be understood.
pub(crate) struct Checked {
    pub(crate) known: Known,
    pub(crate) key_span: Span,
    /// Its type, when there is such a type.
    pub(crate) type_name: Option<String>,
    /// None when anything is wrong with it.
    pub(crate) spec: Option<NodeSpec>,
}

/// Checks every node; all that is wrong goes to `problems`.
pub(crate) fn check_all(nodes: &Table, catalog: &dyn Catalog, problems: &mut Problems) -> Vec<Checked> {
    nodes.entries.iter().map(|entry| check_node(entry, catalog, problems)).collect()
}

fn check_node(entry: &Entry, catalog: &dyn Catalog, problems: &mut Problems) -> Checked {
    check_name(entry, problems);
    let mut checked = Checked {
        known: Known { name: entry.key.clone(), kind: None, ports: None },
        key_span: entry.key_span,
        type_name: None,
        spec: None,
    };
    let Some((type_name, options)) = node_type(entry, problems) else { return checked };
    let Some(info) = catalog.node_type(&type_name.0) else {
        let names = catalog.type_names();
        let help = did_you_mean(&type_name.0, names.iter().map(String::as_str)).unwrap_or_else(|| {
            "`midibay plugins` lists the node types; if a plugin brings it, name the plugin's directory: \
             [plugins] path = [\"...\"]"
                .to_owned()
        });
        problems
            .error("unknown-type", type_name.1, format!("there is no node type `{}`", type_name.0))
            .help(help);
        return checked;
    };
    checked.known.kind = Some(info.kind);
    let (config, faults) = check(&options, &info.schema, entry.key_span, &format!("`{}`", info.name));
    let (ports, errors) = ask_plugin(&info.name, &info.schema, config.clone(), &faults, catalog);
    let clean = faults.is_empty() && errors.is_empty();
    report(faults, problems);
    let options = Item { span: entry.item.span, value: Value::Table(options) };
    for error in errors {
        let span = options.place(&error.path).unwrap_or(entry.key_span);
        // The underline says which option, unless there is none to underline.
        let message = match (error.path.is_empty(), options.place(&error.path).is_some()) {
            (true, _) => format!("`{}`: {}", entry.key, error.message),
            (false, _) => format!("`{}`: {}", error.path, error.message),
        };
        problems.error("bad-option", span, message).help(error.help);
    }
    if let (true, Some(ports)) = (clean, ports) {
        checked.known.ports = Some(ports.clone());
        checked.spec = Some(NodeSpec {
            name: entry.key.clone(),
            type_name: info.name.clone(),
            kind: info.kind,
            config,
            ports,
        });
    }
    checked.type_name = Some(info.name);
    checked
}

/// Reports what the schema does not allow.
pub(crate) fn report(faults: Vec<Fault>, problems: &mut Problems) {
    // A fault without a message stands for a value that has been reported already.
    for fault in faults.into_iter().filter(|fault| !fault.message.is_empty()) {
        problems.error(fault.code, fault.span, fault.message).label(fault.label).help(fault.help);
    }
}

/// Lets the plugin look at what the schema has left. Options that are wrong already are taken out
/// when the node can do without them, so that the plugin can judge the rest; what it then says about
/// the same options, or about the node as a whole, would be a second report of the same slip.
fn ask_plugin(
    type_name: &str,
    schema: &Json,
    mut config: Json,
    faults: &[Fault],
    catalog: &dyn Catalog,
) -> (Option<Ports>, Vec<midibay_plugin::ConfigError>) {
    let required = |name: &str| {
        let names = schema.get("required").and_then(Json::as_array);
        names.is_some_and(|names| names.iter().any(|other| other == name))
    };
    let mut crippled = false;
    for fault in faults.iter().filter(|fault| fault.code != "unknown-option") {
        let option = fault.path.split(['.', '[']).next().unwrap_or_default();
        crippled = true;
        if !required(option)
            && let Json::Object(options) = &mut config
        {
            options.remove(option);
        }
    }
    match catalog.validate(type_name, &config) {
        Ok(ports) => (Some(ports), Vec::new()),
        Err(mut errors) => {
            errors.retain(|error| {
                let told = faults.iter().any(|fault| {
                    within(&error.path, &fault.path) || (crippled && within(&fault.path, &error.path))
                });
                !told
            });
            (None, errors)
        }
    }
}

/// Whether a path is another one or leads on from it; the empty path is the whole node.
fn within(path: &str, outer: &str) -> bool {
    outer.is_empty()
        || path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn check_name(entry: &Entry, problems: &mut Problems) {
    let name = entry.key.as_str();
    let letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    let good = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(letter)
        && !name.ends_with('-');
    if good {
        return;
    }
    let mut better: String = name.chars().map(|other| if letter(other) { other } else { '-' }).collect();
    better = better.trim_matches('-').to_owned();
    if !better.starts_with(|first: char| first.is_ascii_alphabetic()) {
        better.insert_str(0, "node-");
    }
    problems
        .error("bad-name", entry.key_span, format!("`{name}` cannot be the name of a node"))
        .label("routes could not name it")
        .help(format!(
            "names begin with a letter and are made of the letters a to z, digits, - and _: `{}`",
            better.trim_end_matches('-')
        ));
}

/// The word behind `type`, its place, and the other options.
fn node_type(entry: &Entry, problems: &mut Problems) -> Option<((String, Span), Table)> {
    let Value::Table(table) = &entry.item.value else {
        if !matches!(entry.item.value, Value::Bad) {
            let message = format!("node `{}` must be a table, not {}", entry.key, entry.item.type_name());
            problems
                .error("wrong-type", entry.item.span, message)
                .help(format!("write [node.{}] on a line of its own, and its options below", entry.key));
        }
        return None;
    };
    let mut options = table.clone();
    let Some(found) = options.take("type") else {
        let message = format!("node `{}` has no type", entry.key);
        let problem = problems.error("missing-option", entry.key_span, message);
        problem.help("add type = \"...\"; `midibay plugins` lists the node types");
        return None;
    };
    match found.item.as_text() {
        Some(name) => Some(((name.to_owned(), found.item.span), options)),
        None => {
            if !matches!(found.item.value, Value::Bad) {
                let message = format!("`type` must be a string, not {}", found.item.type_name());
                problems.error("wrong-type", found.item.span, message).help("write type = \"...\"");
            }
            None
        }
    }
}

/// Reports each key that is not among the known ones.
pub(crate) fn only_keys(table: &Table, of: &str, known: &[&str], problems: &mut Problems) {
    for entry in table.entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
        let help = did_you_mean(&entry.key, known.iter().copied())
            .unwrap_or_else(|| format!("what can stand there: {}", list(known.iter().copied())));
        problems.error("unknown-key", entry.key_span, format!("{of} has no key `{}`", entry.key)).help(help);
    }
}
