//! The strings of `[graph] routes`.

use std::collections::HashSet;
use std::ops::Range;

use super::language::resolve::{Chain, Nodes, Resolved, line};
use super::language::{Fault, pattern};
use super::problems::Problems;
use super::source::Span;
use super::tree::{Item, Text, Value};
use crate::graph::{ControlMap, Route};

/// All routes of a graph, with the places that checks of the whole want to point at.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    pub(crate) routes: Vec<Placed>,
    pub(crate) maps: Vec<ControlMap>,
    /// For each line of maps: its place, and how many of `maps` come from it.
    pub(crate) map_lines: Vec<(Span, usize)>,
    /// Nodes that stand in lines which could not be understood.
    pub(crate) in_doubt: HashSet<usize>,
}

#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) route: Route,
    /// The places of its nodes, first to last in the direction of the route.
    pub(crate) places: Vec<Span>,
    pub(crate) whole: Span,
}

/// Reads one list of routes; what is wrong goes to `problems`.
pub(crate) fn read(item: &Item, nodes: &Nodes, routes: &mut Routes, problems: &mut Problems) {
    let Value::Array(items) = &item.value else {
        if !matches!(item.value, Value::Bad) {
            let message = format!("`routes` must be a list of strings, not {}", item.type_name());
            problems
                .error("wrong-type", item.span, message)
                .help("write routes = [\"source -> destination\"]");
        }
        return;
    };
    for item in items {
        match &item.value {
            Value::Text(text) => read_line(item.span, text, nodes, routes, problems),
            Value::Bad => {}
            _ => {
                let message = format!("a route must be a string, not {}", item.type_name());
                problems.error("wrong-type", item.span, message).help("write \"source -> destination\"");
            }
        }
    }
}

/// The place of a part of a string; of the whole string where escapes stand in it.
pub(crate) fn within(span: Span, text: &Text, range: Range<usize>) -> Span {
    match text.verbatim_at {
        Some(at) if range.start < range.end => {
            Span { file: span.file, start: at + range.start, end: at + range.end }
        }
        _ => span,
    }
}

/// Hands over what the language found wrong with a string.
pub(crate) fn report(faults: Vec<Fault>, span: Span, text: &Text, problems: &mut Problems) {
    for fault in faults {
        let place = within(span, text, fault.range);
        let problem = problems.error(fault.code, place, fault.message).label(fault.label).help(fault.help);
        for (range, label) in fault.related {
            let related = within(span, text, range);
            if related != place {
                problem.related(related, label);
            }
        }
    }
}

fn read_line(span: Span, text: &Text, nodes: &Nodes, routes: &mut Routes, problems: &mut Problems) {
    let mut faults = Vec::new();
    let resolved = line(&text.text, nodes, &mut faults);
    report(faults, span, text, problems);
    match resolved {
        Some(Resolved::Routes(found, ranges)) => {
            let forward: Vec<Span> = ranges.into_iter().map(|range| within(span, text, range)).collect();
            let whole = within(span, text, 0..text.text.len());
            for Chain { route, backward } in found {
                let mut places = forward.clone();
                if backward {
                    places.reverse();
                }
                routes.routes.push(Placed { route, places, whole });
            }
        }
        Some(Resolved::Maps(found)) => {
            routes.map_lines.push((within(span, text, 0..text.text.len()), found.len()));
            routes.maps.extend(found);
        }
        None => doubt(&text.text, nodes, routes),
    }
}

/// Remembers the nodes of a line that could not be understood: whether they are dead is not known.
fn doubt(text: &str, nodes: &Nodes, routes: &mut Routes) {
    if text.contains('{') {
        routes.in_doubt.extend(0..nodes.list.len());
    }
    routes.in_doubt.extend(pattern::words(text).filter_map(|word| nodes.find(word)));
}
