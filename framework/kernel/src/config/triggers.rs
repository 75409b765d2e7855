//! The `[[trigger]]` tables.

use std::collections::HashSet;

use serde_json::{Map, Value as Json};

use super::check::check;
use super::language::resolve::{Nodes, single};
use super::nodes::{Checked, only_keys, report as report_options};
use super::problems::Problems;
use super::routes::{report, within};
use super::source::Span;
use super::suggest::{did_you_mean, list};
use super::tree::{Entry, Item, Table, Text, Value};
use crate::graph::{Catalog, Control, ControlRef, Trigger, TriggerAction};

/// What is needed to understand triggers.
pub(crate) struct Context<'a> {
    pub(crate) nodes: &'a Nodes,
    pub(crate) checked: &'a [Checked],
    pub(crate) catalog: &'a dyn Catalog,
}

/// Reads all triggers of one file. `busy` receives the nodes that are named in them.
pub(crate) fn read(
    entry: &Entry,
    context: &Context<'_>,
    triggers: &mut Vec<Trigger>,
    busy: &mut HashSet<usize>,
    problems: &mut Problems,
) {
    let Value::Array(items) = &entry.item.value else {
        if !matches!(entry.item.value, Value::Bad) {
            problems
                .error("wrong-type", entry.key_span, "`trigger` must be a list of tables")
                .help("write [[trigger]] with two brackets, once for each trigger");
        }
        return;
    };
    for item in items {
        match &item.value {
            // The header's brackets stand for the trigger where nothing better does.
            Value::Table(table) => triggers.extend(trigger(table, entry, item, context, busy, problems)),
            Value::Bad => {}
            _ => {
                let message = format!("a trigger must be a table, not {}", item.type_name());
                problems.error("wrong-type", item.span, message).help("write [[trigger]] and its keys below");
            }
        }
    }
}

fn trigger(
    table: &Table,
    entry: &Entry,
    item: &Item,
    context: &Context<'_>,
    busy: &mut HashSet<usize>,
    problems: &mut Problems,
) -> Option<Trigger> {
    only_keys(table, "a trigger", &["on", "above", "guard", "run", "args"], problems);
    let place = if item.span.start < item.span.end { item.span } else { entry.key_span };
    let on = required(table, "on", "\"node.ch1.note36\"", place, problems)
        .and_then(|(span, text)| control(span, text, context, busy, problems));
    let guard = match table.get("guard") {
        None => Some(None),
        Some(entry) => guard(entry, context, busy, problems).map(Some),
    };
    let above = match table.get("above") {
        None => Some(0),
        Some(entry) => above(entry, problems),
    };
    let action = required(table, "run", "\"node.command\"", place, problems)
        .and_then(|(span, text)| action(span, text, table, context, busy, problems));
    Some(Trigger { on: on?, above: above?, guard: guard?, action: action? })
}

fn required<'a>(
    table: &'a Table,
    key: &str,
    example: &str,
    place: Span,
    problems: &mut Problems,
) -> Option<(Span, &'a Text)> {
    match table.get(key) {
        None => {
            let problem =
                problems.error("missing-option", place, format!("this trigger needs the key `{key}`"));
            problem.help(format!("add {key} = {example}"));
            None
        }
        Some(entry) => text(entry, example, problems),
    }
}

fn text<'a>(entry: &'a Entry, example: &str, problems: &mut Problems) -> Option<(Span, &'a Text)> {
    match &entry.item.value {
        Value::Text(text) => Some((entry.item.span, text)),
        Value::Bad => None,
        _ => {
            let message = format!("`{}` must be a string, not {}", entry.key, entry.item.type_name());
            problems
                .error("wrong-type", entry.item.span, message)
                .help(format!("write {} = {example}", entry.key));
            None
        }
    }
}

fn control(
    span: Span,
    text: &Text,
    context: &Context<'_>,
    busy: &mut HashSet<usize>,
    problems: &mut Problems,
) -> Option<ControlRef> {
    let name = text.text.trim().split([':', '.']).next().unwrap_or_default();
    busy.extend(context.nodes.find(name));
    let mut faults = Vec::new();
    let control = single(&text.text, context.nodes, &mut faults);
    report(faults, span, text, problems);
    control
}

fn guard(
    entry: &Entry,
    context: &Context<'_>,
    busy: &mut HashSet<usize>,
    problems: &mut Problems,
) -> Option<ControlRef> {
    let (span, text) = text(entry, "\"node.ch1.note36\"", problems)?;
    let found = control(span, text, context, busy, problems)?;
    if matches!(found.control, Control::Note(_) | Control::Cc(_)) {
        return Some(found);
    }
    problems
        .error("bad-control", span, "a guard must be a note or a controller")
        .label("this cannot be held down")
        .help("the guard is held while its note sounds or its controller is at 64 or more");
    None
}

fn above(entry: &Entry, problems: &mut Problems) -> Option<u8> {
    let help = "the trigger fires when the value, seen as 0 to 127, goes above this";
    match entry.item.value {
        Value::Integer(number) => match u8::try_from(number).ok().filter(|number| *number <= 126) {
            Some(number) => Some(number),
            None => {
                let message = format!("`above` is {number}, but must be from 0 to 126");
                problems.error("out-of-range", entry.item.span, message).label("from 0 to 126").help(help);
                None
            }
        },
        Value::Bad => None,
        _ => {
            let message = format!("`above` must be a whole number, not {}", entry.item.type_name());
            problems.error("wrong-type", entry.item.span, message).help(help);
            None
        }
    }
}

fn action(
    span: Span,
    text: &Text,
    table: &Table,
    context: &Context<'_>,
    busy: &mut HashSet<usize>,
    problems: &mut Problems,
) -> Option<TriggerAction> {
    let written = text.text.trim();
    let lead = text.text.len() - text.text.trim_start().len();
    let whole = within(span, text, lead..lead + written.len());
    let Some((name, command)) =
        written.split_once('.').filter(|(name, command)| !name.is_empty() && !command.is_empty())
    else {
        busy.extend(context.nodes.find(written.trim_matches('.')));
        problems
            .error("bad-command", whole, format!("`{written}` is not a command of a node"))
            .help("write run = \"node.command\"; `midibay plugins TYPE` lists the commands of a node type");
        return None;
    };
    let Some(node) = context.nodes.find(name) else {
        let place = within(span, text, lead..lead + name.len());
        let problem = problems.error("unknown-node", place, format!("there is no node `{name}`"));
        problem.help(context.nodes.unknown(name));
        return None;
    };
    busy.insert(node);
    let type_name = context.checked[node].type_name.as_deref()?;
    let info = context.catalog.node_type(type_name)?;
    let place = within(span, text, lead + name.len() + 1..lead + written.len());
    let Some(known) = info.commands.iter().find(|known| known.name == command) else {
        let names = info.commands.iter().map(|known| known.name.as_str());
        let help = match info.commands.is_empty() {
            true => format!("a node of type `{type_name}` takes no commands"),
            false => did_you_mean(command, names.clone())
                .unwrap_or_else(|| format!("its commands are {}", list(names))),
        };
        problems.error("bad-command", place, format!("`{name}` has no command `{command}`")).help(help);
        return None;
    };
    let args = args(table.get("args"), &known.args, place, written, problems)?;
    if let Err(message) = context.catalog.validate_command(type_name, command, &args) {
        let place = table.get("args").map_or(place, |entry| entry.item.span);
        problems
            .error("bad-command", place, message)
            .help(format!("`midibay plugins {type_name}` shows what `{command}` takes"));
        return None;
    }
    Some(TriggerAction { node, command: command.to_owned(), args })
}

/// The arguments, against the command's schema.
fn args(
    entry: Option<&Entry>,
    schema: &Json,
    place: Span,
    command: &str,
    problems: &mut Problems,
) -> Option<Json> {
    let nothing = Table::default();
    let (table, at) = match entry {
        None => (&nothing, place),
        Some(entry) => match &entry.item.value {
            Value::Table(table) => (table, entry.item.span),
            Value::Bad => return None,
            _ => {
                let message = format!("`args` must be a table, not {}", entry.item.type_name());
                problems.error("wrong-type", entry.item.span, message).help("write args = { name = value }");
                return None;
            }
        },
    };
    if schema.is_null() {
        if table.entries.is_empty() {
            return Some(Json::Object(Map::new()));
        }
        problems.error("bad-command", at, format!("`{command}` takes no arguments")).help("take `args` away");
        return None;
    }
    // An argument that a command does not know would be lost without a word.
    let mut closed = schema.clone();
    if let Json::Object(members) = &mut closed {
        members.entry("additionalProperties").or_insert(Json::Bool(false));
    }
    let (json, faults) = check(table, &closed, at, &format!("`{command}`"));
    let clean = faults.is_empty();
    report_options(faults, problems);
    clean.then_some(json)
}
