//! What comes into a graph file from outside of it: environment variables and `--set`.

use super::problems::Problems;
use super::source::{Sources, Span};
use super::suggest::did_you_mean;
use super::tree::{Entry, Item, Loose, Step, Table, Value, steps};

/// Replaces each `{ env = "NAME" }` below an item by the variable's value or its `default`.
pub(crate) fn resolve_env(item: &mut Item, env: &dyn Fn(&str) -> Option<String>, problems: &mut Problems) {
    match &mut item.value {
        Value::Array(items) => items.iter_mut().for_each(|item| resolve_env(item, env, problems)),
        Value::Table(table) => match reference(table) {
            Some((name, default)) => match (env(&name), default) {
                (Some(raw), _) => {
                    item.value = Value::Loose(Loose { raw, variable: Some(name) });
                }
                (None, Some(mut default)) => {
                    resolve_env(&mut default, env, problems);
                    item.value = default.value;
                }
                (None, None) => {
                    let span = table.get("env").map_or(item.span, |entry| entry.item.span);
                    problems
                        .error("missing-env", span, format!("the environment variable {name} is not set"))
                        .label("not set where midibay was started")
                        .help(format!(
                            "set it before the start, or name a value to fall back on: \
                             {{ env = \"{name}\", default = ... }}"
                        ));
                    item.value = Value::Bad;
                }
            },
            None => table.entries.iter_mut().for_each(|entry| resolve_env(&mut entry.item, env, problems)),
        },
        _ => {}
    }
}

/// `{ env = "NAME" }`, alone or with a `default`; any other table is an ordinary one.
fn reference(table: &Table) -> Option<(String, Option<Item>)> {
    let known = |entry: &Entry| matches!(entry.key.as_str(), "env" | "default");
    if !table.entries.iter().all(known) {
        return None;
    }
    let name = table.get("env")?.item.as_text()?.to_owned();
    Some((name, table.get("default").map(|entry| entry.item.clone())))
}

/// Lays `--set node.key=value` over the nodes. The arguments become a text of their own, one a
/// line, so that what is wrong in them can be shown like what is wrong in a file.
pub(crate) fn apply_overrides(
    nodes: &mut Table,
    overrides: &[(String, String)],
    sources: &mut Sources,
    problems: &mut Problems,
) {
    if overrides.is_empty() {
        return;
    }
    let mut text = String::new();
    let mut places = Vec::new();
    for (path, value) in overrides {
        let key = (text.len(), text.len() + path.len());
        text.push_str(path);
        text.push('=');
        let start = text.len();
        text.push_str(&value.replace('\n', " "));
        places.push((key, (start, text.len())));
        text.push('\n');
    }
    let file = sources.add("--set".to_owned(), None, text);
    for ((path, value), (key, place)) in overrides.iter().zip(places) {
        let key_span = Span { file, start: key.0, end: key.1 };
        // An empty value has no place of its own.
        let place = if place.0 == place.1 { key } else { place };
        let span = Span { file, start: place.0, end: place.1 };
        let value = Value::Loose(Loose { raw: value.clone(), variable: None });
        set(nodes, path, key_span, Item { span, value }, problems);
    }
}

fn set(nodes: &mut Table, path: &str, key_span: Span, item: Item, problems: &mut Problems) {
    let Some((node, option)) =
        path.split_once('.').filter(|(node, option)| !node.is_empty() && !option.is_empty())
    else {
        problems
            .error("bad-override", key_span, format!("`{path}` names no option of a node"))
            .help("write --set node.option=value, for example --set up.semitones=12");
        return;
    };
    if nodes.get(node).is_none() {
        let names = nodes.entries.iter().map(|entry| entry.key.as_str());
        let help = did_you_mean(node, names.clone())
            .unwrap_or_else(|| format!("the nodes are {}", super::suggest::list(names)));
        problems
            .error("unknown-node", key_span, format!("there is no node `{node}` to set an option of"))
            .help(help);
        return;
    }
    let mut here = &mut nodes.get_mut(node).expect("looked up above").item;
    let steps: Vec<_> = steps(option).collect();
    for (at, step) in steps.iter().enumerate() {
        let (what, place) = (here.type_name(), here.span);
        let into_list = matches!(steps.get(at + 1), Some(Step::Index(_)));
        here = match descend(here, *step, key_span, into_list) {
            Ok(inner) => inner,
            Err(Obstacle::NoList) => {
                problems
                    .error(
                        "bad-override",
                        key_span,
                        format!("`{path}` leads into a list that the file does not have"),
                    )
                    .help("set the whole list: --set node.option=\"[...]\"");
                return;
            }
            Err(Obstacle::Short(length)) => {
                let message = format!("there is no such entry to set: the list in the file has {length}");
                problems.error("bad-override", key_span, message).help("entries count from 0");
                return;
            }
            Err(Obstacle::NoWay) => {
                let message = format!("`{path}` leads into {what}, which has no such part");
                problems.error("bad-override", key_span, message).related(place, "this value of the file");
                return;
            }
        };
    }
    *here = item;
}

enum Obstacle {
    /// An entry is meant, but there is no list to have it.
    NoList,
    /// The list has only so many entries.
    Short(usize),
    /// The value has no parts, or no such ones.
    NoWay,
}

/// One step into a value; keys that a table lacks are made, unless a list is to be there.
fn descend<'a>(
    item: &'a mut Item,
    step: Step<'_>,
    place: Span,
    into_list: bool,
) -> Result<&'a mut Item, Obstacle> {
    match (step, &mut item.value) {
        (Step::Key(key), Value::Table(table)) => {
            if table.get(key).is_none() {
                if into_list {
                    return Err(Obstacle::NoList);
                }
                table.set(key, place, Item { span: place, value: Value::Table(Table::default()) });
            }
            table.get_mut(key).map(|entry| &mut entry.item).ok_or(Obstacle::NoWay)
        }
        (Step::Index(index), Value::Array(items)) => {
            let length = items.len();
            items.get_mut(index).ok_or(Obstacle::Short(length))
        }
        _ => Err(Obstacle::NoWay),
    }
}
