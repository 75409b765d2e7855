//! From patterns to ports and controls of nodes that exist.

use std::collections::HashMap;
use std::ops::Range;

use super::super::suggest::{did_you_mean, list};
use super::control::{self, Wrong};
use super::pattern::{Arrow, Line, Pattern, Slot};
use super::{Fault, pattern};
use crate::graph::{Control, ControlMap, ControlRef, NodeKind, PortRef, Ports, Route};

/// What routes may know of a node. What is not known, because the node itself is wrong, is none:
/// nothing is said about it a second time.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) kind: Option<NodeKind>,
    pub(crate) ports: Option<Ports>,
}

/// All nodes of a graph, in its order.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    pub(crate) list: Vec<Known>,
    index: HashMap<String, usize>,
}

impl Nodes {
    pub(crate) fn new(list: Vec<Known>) -> Self {
        let index = list.iter().enumerate().map(|(at, node)| (node.name.clone(), at)).collect();
        Self { list, index }
    }

    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|node| node.name.as_str())
    }

    /// What to say when a name is not among them.
    pub(crate) fn unknown(&self, name: &str) -> String {
        did_you_mean(name, self.names()).unwrap_or_else(|| match self.list.as_slice() {
            [] => "no node is defined: begin with [node.name] and type = \"...\"".to_owned(),
            [only] => format!("the only node is `{}`", only.name),
            _ => format!("the nodes are {}", list(self.names())),
        })
    }
}

/// What one line comes down to.
#[derive(Debug)]
pub(crate) enum Resolved {
    /// Chains, each with the places of its nodes in the text, first to last.
    Routes(Vec<Chain>, Vec<Range<usize>>),
    Maps(Vec<ControlMap>),
}

/// One chain in one direction.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) route: Route,
    /// It runs against the order of the places: the way back of a `<->`.
    pub(crate) backward: bool,
}

/// Resolves a route's text; none when something is wrong with it.
pub(crate) fn line(text: &str, nodes: &Nodes, faults: &mut Vec<Fault>) -> Option<Resolved> {
    let line = match pattern::line(text) {
        Ok(line) => line,
        Err(fault) => {
            faults.push(fault);
            return None;
        }
    };
    let mut resolver = Resolver { text, nodes, faults, silent: false };
    let with_control = line.refs.iter().filter(|pattern| !pattern.segments.is_empty()).count();
    let resolved = if with_control == 0 { resolver.chains(line) } else { resolver.maps(&line, with_control) };
    if resolver.silent { None } else { resolved }
}

/// Resolves a trigger's control.
pub(crate) fn single(text: &str, nodes: &Nodes, faults: &mut Vec<Fault>) -> Option<ControlRef> {
    let pattern = pattern::single(text).map_err(|fault| faults.push(fault)).ok()?;
    let mut resolver = Resolver { text, nodes, faults, silent: false };
    if pattern.segments.is_empty() {
        let example = format!("write a channel and a control: {}.ch1.note36", &text[pattern.range.clone()]);
        faults
            .push(Fault::new("bad-control", pattern.range, "a single control is needed here").help(example));
        return None;
    }
    let controls = resolver.controls(&pattern, Ends { input: false, output: true })?;
    controls.get(0, Side::Output)
}

/// Which ends of a node a reference needs.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Ends {
    input: bool,
    output: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Input,
    Output,
}

/// A node with its ports picked; the one that is not needed is 0.
#[derive(Clone, Copy)]
struct At {
    node: usize,
    input: u16,
    output: u16,
}

impl At {
    fn port(self, side: Side) -> PortRef {
        let port = match side {
            Side::Input => self.input,
            Side::Output => self.output,
        };
        PortRef { node: self.node, port }
    }
}

/// The values of one slot, and how to find the one for a combination.
struct Values<T> {
    values: Vec<T>,
    stride: usize,
}

impl<T: Copy> Values<T> {
    fn get(&self, combination: usize) -> T {
        self.values[combination / self.stride % self.values.len()]
    }
}

/// All controls that a pattern stands for.
struct Controls {
    /// None when a node's ports are not known.
    at: Option<Values<At>>,
    group: Values<u8>,
    channel: Values<u8>,
    control: Values<Control>,
    count: usize,
}

impl Controls {
    fn get(&self, combination: usize, side: Side) -> Option<ControlRef> {
        // A single control stands for as many as the other side has.
        let combination = if self.count == 1 { 0 } else { combination };
        Some(ControlRef {
            at: self.at.as_ref()?.get(combination).port(side),
            group: self.group.get(combination),
            channel: self.channel.get(combination),
            control: self.control.get(combination),
        })
    }
}

struct Resolver<'a> {
    text: &'a str,
    nodes: &'a Nodes,
    faults: &'a mut Vec<Fault>,
    /// A node is wrong in itself and has been told: the line has no result, and no fault.
    silent: bool,
}

impl Resolver<'_> {
    fn chains(&mut self, mut line: Line) -> Option<Resolved> {
        let before = self.faults.len();
        let (arrow, _) = line.arrows[0].clone();
        if let Some((_, range)) = line.arrows.iter().find(|(other, _)| *other != arrow) {
            self.faults.push(
                Fault::new("bad-route", range.clone(), "this arrow points another way than the first one")
                    .related(line.arrows[0].1.clone(), "the first arrow")
                    .help("write two routes"),
            );
            return None;
        }
        if arrow == Arrow::Left {
            line.refs.reverse();
        }
        let both = arrow == Arrow::Both;
        let last = line.refs.len() - 1;
        let mut parts = Vec::new();
        for (position, pattern) in line.refs.iter().enumerate() {
            let ends = Ends { input: both || position > 0, output: both || position < last };
            parts.push(self.ports(pattern, ends));
            self.place(pattern, position, last, both, &line);
        }
        let count = self.count(&line.refs)?;
        let parts: Vec<_> = parts.into_iter().collect::<Option<_>>()?;
        if self.faults.len() > before {
            return None;
        }
        let mut routes = Vec::new();
        for combination in 0..count {
            let chain: Vec<(At, String)> = line
                .refs
                .iter()
                .zip(&parts)
                .map(|(pattern, at)| {
                    let combination = if pattern.count() == 1 { 0 } else { combination };
                    (at.get(combination), self.written(pattern, combination))
                })
                .collect();
            routes.push(Chain { route: route(chain.iter()), backward: false });
            if both {
                routes.push(Chain { route: route(chain.iter().rev()), backward: true });
            }
        }
        let ranges = line.refs.into_iter().map(|pattern| pattern.range).collect();
        Some(Resolved::Routes(routes, ranges))
    }

    /// Endpoints stand at the ends of a chain, processors between them.
    fn place(&mut self, pattern: &Pattern, position: usize, last: usize, both: bool, line: &Line) {
        let Some(kind) = self.kind(pattern) else { return };
        let name = &self.text[pattern.range.clone()];
        let inside = position > 0 && position < last;
        if inside && kind == NodeKind::Endpoint {
            let (one, other) = (&line.refs[position - 1].range, &line.refs[position + 1].range);
            let (one, other) = (&self.text[one.clone()], &self.text[other.clone()]);
            let arrow = if both { "<->" } else { "->" };
            let help = format!("write two routes: \"{one} {arrow} {name}\" and \"{name} {arrow} {other}\"");
            let message = format!("`{name}` is an endpoint and cannot stand inside a chain");
            self.faults.push(
                Fault::new("endpoint-inside", pattern.range.clone(), message)
                    .label("events leave the program here")
                    .help(help),
            );
        } else if both && kind == NodeKind::Processor {
            let message = format!("`{name}` cannot work both ways");
            self.faults.push(
                Fault::new("two-way-processor", pattern.range.clone(), message)
                    .label("what one side sends would come back to it through here")
                    .help("write one route for each way, each with a processor of its own"),
            );
        }
    }

    /// The kind of all nodes that a pattern stands for; none when it is not known, or differs.
    fn kind(&self, pattern: &Pattern) -> Option<NodeKind> {
        let mut name = String::new();
        let mut found = None;
        for index in 0..pattern.values(&pattern.node) {
            pattern.value(&pattern.node, index, self.text, &mut name);
            let kind = self.nodes.list[self.nodes.find(&name)?].kind?;
            if *found.get_or_insert(kind) != kind {
                return None;
            }
        }
        found
    }

    /// The reference as it would be written for one combination: `sw:left`.
    fn written(&self, pattern: &Pattern, combination: usize) -> String {
        let mut text = String::new();
        let mut part = String::new();
        for (mark, slot) in [("", Some(&pattern.node)), (":", pattern.port.as_ref())] {
            let Some(slot) = slot else { continue };
            let index = combination / pattern.stride(slot) % pattern.values(slot);
            pattern.value(slot, index, self.text, &mut part);
            text.push_str(mark);
            text.push_str(&part);
        }
        text
    }

    /// How many combinations a line has: equal everywhere, or single.
    fn count(&mut self, refs: &[Pattern]) -> Option<usize> {
        let longest = refs.iter().max_by_key(|pattern| pattern.count())?;
        let count = longest.count();
        let odd = refs.iter().find(|pattern| pattern.count() != 1 && pattern.count() != count);
        let Some(odd) = odd else { return Some(count) };
        let message = format!("the sides do not match: {} here, {count} there", odd.count());
        self.faults.push(
            Fault::new("bad-range", odd.range.clone(), message)
                .label(format!("stands for {}", odd.count()))
                .related(longest.range.clone(), format!("stands for {count}"))
                .help("make them equally long, or write one side as a single one"),
        );
        None
    }

    fn maps(&mut self, line: &Line, with_control: usize) -> Option<Resolved> {
        if let Some(bare) = line.refs.iter().find(|pattern| pattern.segments.is_empty()) {
            let other = line.refs.iter().find(|pattern| !pattern.segments.is_empty())?;
            let (name, control) = (&self.text[bare.range.clone()], &self.text[other.range.clone()]);
            let rest = control.split_once('.').map_or("", |(_, rest)| rest);
            self.faults.push(
                Fault::new(
                    "bad-route",
                    bare.range.clone(),
                    format!("`{name}` names no control, but `{control}` does"),
                )
                .related(other.range.clone(), "a single control")
                .help(format!(
                    "name a control on both sides, as in {name}.{rest}, or on none; to pick events out of a \
                         chain use a filter"
                )),
            );
            return None;
        }
        if with_control > 2 {
            let range = line.refs[2].range.clone();
            self.faults.push(
                Fault::new("bad-route", range, "a control map joins two controls, not more")
                    .help("write two maps"),
            );
            return None;
        }
        let (arrow, _) = line.arrows[0].clone();
        let both = arrow == Arrow::Both;
        let (from, to) = match arrow {
            Arrow::Left => (&line.refs[1], &line.refs[0]),
            Arrow::Right | Arrow::Both => (&line.refs[0], &line.refs[1]),
        };
        let sources = self.controls(from, Ends { input: both, output: true });
        let destinations = self.controls(to, Ends { input: true, output: both });
        for pattern in [from, to] {
            if self.kind(pattern) == Some(NodeKind::Processor) {
                let name = &self.text[pattern.range.clone()];
                let message =
                    format!("a control map goes from endpoint to endpoint; `{name}` is in a processor");
                self.faults.push(Fault::new("map-to-processor", pattern.range.clone(), message).help(
                    "name the endpoint behind the processor; to change values on their way use a chain of nodes",
                ));
                self.silent = true;
            }
        }
        let (sources, destinations) = (sources?, destinations?);
        let count = self.count(&line.refs)?;
        let mut maps = Vec::with_capacity(if both { 2 * count } else { count });
        for combination in 0..count {
            let map = |from: &Controls, to: &Controls| {
                let from = from.get(combination, Side::Output)?;
                Some(ControlMap { from, to: to.get(combination, Side::Input)? })
            };
            maps.push(map(&sources, &destinations)?);
            if both {
                maps.push(map(&destinations, &sources)?);
            }
        }
        Some(Resolved::Maps(maps))
    }

    fn controls(&mut self, pattern: &Pattern, ends: Ends) -> Option<Controls> {
        let slip =
            pattern.port.as_ref().filter(|port| control::looks_like_channel(&self.text[port.range.clone()]));
        if let (Some(port), [only]) = (slip, pattern.segments.as_slice()) {
            let (node, port) = (&self.text[pattern.node.range.clone()], port.range.clone());
            let word = &self.text[port.clone()];
            let help = format!("write a dot: {node}.{word}.{}", &self.text[only.range.clone()]);
            self.faults.push(
                Fault::new("bad-control", port, format!("`{word}` is a channel, not a port")).help(help),
            );
            return None;
        }
        let at = self.ports(pattern, ends);
        let (group, channel, control) = match pattern.segments.as_slice() {
            [channel, control] => (None, channel, control),
            [group, channel, control] => (Some(group), channel, control),
            segments => {
                let fault = self.bad_segments(pattern, segments);
                self.faults.push(fault);
                return None;
            }
        };
        if group.is_none() && control::looks_like_group(&self.text[channel.range.clone()]) {
            let (one, other) = (&self.text[channel.range.clone()], &self.text[control.range.clone()]);
            self.faults.push(
                Fault::new("bad-control", channel.range.clone(), "a channel is missing behind the group")
                    .help(format!("write {one}.ch1.{other}")),
            );
            return None;
        }
        let before = self.faults.len();
        let group = group.map_or(Some(Values { values: vec![0], stride: 1 }), |slot| {
            self.slot(pattern, slot, control::group)
        });
        let channel = self.slot(pattern, channel, control::channel);
        let control = self.slot(pattern, control, control::control);
        if at.is_none() && !self.silent || self.faults.len() > before {
            return None;
        }
        Some(Controls { at, group: group?, channel: channel?, control: control?, count: pattern.count() })
    }

    fn bad_segments(&self, pattern: &Pattern, segments: &[Slot]) -> Fault {
        let node = &self.text[pattern.node.range.clone()];
        let [only] = segments else {
            return Fault::new(
                "bad-control",
                pattern.range.clone(),
                "there are too many dots in this control",
            )
            .help("write node.ch1.cc7, or node.g2.ch1.cc7 with a group");
        };
        let word = &self.text[only.range.clone()];
        let (message, help) = if control::looks_like_channel(word) {
            (format!("which control of {word}?"), format!("name it: {node}.{word}.note36, {node}.{word}.cc7"))
        } else if control::looks_like_control(word) {
            (format!("which channel is `{word}` on?"), format!("name it first: {node}.ch1.{word}"))
        } else {
            let help = "ports stand behind a colon, node:port; controls are written node.ch1.cc7".to_owned();
            (format!("`{word}` is neither a channel nor a control"), help)
        };
        Fault::new("bad-control", only.range.clone(), message).help(help)
    }

    /// Evaluates a slot, once for each of its values. The first value that does not do is told.
    fn slot<T>(
        &mut self,
        pattern: &Pattern,
        slot: &Slot,
        read: fn(&str) -> Result<T, Wrong>,
    ) -> Option<Values<T>> {
        let count = pattern.values(slot);
        let mut values = Vec::with_capacity(count);
        let mut word = String::new();
        for index in 0..count {
            pattern.value(slot, index, self.text, &mut word);
            match read(&word) {
                Ok(value) => values.push(value),
                Err(wrong) => {
                    let mut fault =
                        Fault::new(wrong.code, slot.range.clone(), wrong.message).help(wrong.help);
                    if count > 1 {
                        fault.label = format!("this comes to `{word}`").into();
                    }
                    self.faults.push(fault);
                    return None;
                }
            }
        }
        Some(Values { values, stride: pattern.stride(slot) })
    }

    /// Finds the nodes and their ports. None when one is not there, or not known.
    fn ports(&mut self, pattern: &Pattern, ends: Ends) -> Option<Values<At>> {
        let node_count = pattern.values(&pattern.node);
        let port_count = pattern.port.as_ref().map_or(1, |port| pattern.values(port));
        let mut values = Vec::with_capacity(node_count * port_count);
        let mut missing: Vec<String> = Vec::new();
        let mut name = String::new();
        let mut port = String::new();
        let mut wrong = false;
        for node_index in 0..node_count {
            pattern.value(&pattern.node, node_index, self.text, &mut name);
            let Some(node) = self.nodes.find(&name) else {
                if !missing.contains(&name) {
                    missing.push(name.clone());
                }
                continue;
            };
            let Some(ports) = &self.nodes.list[node].ports else {
                self.silent = true;
                continue;
            };
            for port_index in 0..port_count {
                let named = pattern.port.as_ref().map(|slot| {
                    pattern.value(slot, port_index, self.text, &mut port);
                    port.as_str()
                });
                match pick(&name, ports, named, ends) {
                    Ok((input, output)) => values.push(At { node, input, output }),
                    Err((message, help)) => {
                        let range =
                            pattern.port.as_ref().map_or(pattern.range.clone(), |slot| slot.range.clone());
                        if !std::mem::replace(&mut wrong, true) {
                            self.faults.push(Fault::new("unknown-port", range, message).help(help));
                        }
                    }
                }
            }
        }
        if let Some(first) = missing.first() {
            let mut fault = Fault::new(
                "unknown-node",
                pattern.node.range.clone(),
                format!(
                    "there is no node {}",
                    list(missing.iter().map(String::as_str)).replace(" and ", " and no ")
                ),
            )
            .help(self.nodes.unknown(first));
            if node_count > 1 {
                fault.label = format!("this comes to `{first}`").into();
            }
            self.faults.push(fault);
        }
        let complete = values.len() == node_count * port_count;
        let stride = pattern.stride(pattern.port.as_ref().unwrap_or(&pattern.node));
        complete.then_some(Values { values, stride })
    }
}

fn route<'a>(chain: impl Iterator<Item = &'a (At, String)> + Clone) -> Route {
    let names: Vec<&str> = chain.clone().map(|(_, name)| name.as_str()).collect();
    let hops = chain.clone().zip(chain.skip(1));
    let hops = hops.map(|((from, _), (to, _))| (from.port(Side::Output), to.port(Side::Input)));
    Route { text: names.join(" -> "), hops: hops.collect() }
}

/// Picks a node's ports: the named one, or the only one, or the unnamed one.
fn pick(node: &str, ports: &Ports, named: Option<&str>, ends: Ends) -> Result<(u16, u16), (String, String)> {
    let position = |list: &[String], name: &str| list.iter().position(|port| port == name);
    let Some(name) = named else {
        let input = if ends.input { only(node, &ports.inputs, "input")? } else { 0 };
        let output = if ends.output { only(node, &ports.outputs, "output")? } else { 0 };
        return Ok((index(input), index(output)));
    };
    let input = position(&ports.inputs, name);
    let output = position(&ports.outputs, name);
    match (ends.input, ends.output) {
        (true, false) => match input {
            Some(input) => Ok((index(input), 0)),
            None => Err(no_port(node, name, &ports.inputs, "input", output.is_some().then_some("output"))),
        },
        (false, true) => match output {
            Some(output) => Ok((0, index(output))),
            None => Err(no_port(node, name, &ports.outputs, "output", input.is_some().then_some("input"))),
        },
        // Inside a chain a name may mean either end; the other end is then the node's only one.
        _ => {
            if input.is_none() && output.is_none() {
                let all: Vec<String> = ports.inputs.iter().chain(&ports.outputs).cloned().collect();
                return Err(no_port(node, name, &all, "port", None));
            }
            let input = input.map_or_else(|| only(node, &ports.inputs, "input"), Ok)?;
            let output = output.map_or_else(|| only(node, &ports.outputs, "output"), Ok)?;
            Ok((index(input), index(output)))
        }
    }
}

fn only(node: &str, ports: &[String], what: &str) -> Result<usize, (String, String)> {
    match ports {
        [] if what == "input" => Err((
            format!("`{node}` has no input: nothing can be sent to it"),
            "it can only stand at the beginning of a route".to_owned(),
        )),
        [] => Err((
            format!("`{node}` has no output: nothing comes out of it"),
            "it can only stand at the end of a route".to_owned(),
        )),
        [_] => Ok(0),
        several => several.iter().position(String::is_empty).ok_or_else(|| {
            let message = format!("`{node}` has several {what}s: which one?");
            (message, format!("name one: {}", listed(node, several)))
        }),
    }
}

fn no_port(node: &str, name: &str, ports: &[String], what: &str, other: Option<&str>) -> (String, String) {
    let message = format!("`{node}` has no {what} `{name}`");
    let named: Vec<&str> = ports.iter().map(String::as_str).filter(|port| !port.is_empty()).collect();
    let help = if let Some(other) = other {
        let rest = match named.is_empty() {
            true => format!("write `{node}` alone"),
            false => format!("its {what}s are {}", list(named)),
        };
        format!("`{name}` is an {other} of it; {rest}")
    } else if named.is_empty() {
        format!("its {what} has no name: write `{node}` alone")
    } else {
        did_you_mean(name, named.iter().copied())
            .unwrap_or_else(|| format!("its {what}s are {}", list(named)))
    };
    (message, help)
}

fn listed(node: &str, ports: &[String]) -> String {
    let names: Vec<String> = ports.iter().map(|port| format!("{node}:{port}")).collect();
    super::super::suggest::choice(names.iter().map(String::as_str))
}

fn index(port: usize) -> u16 {
    u16::try_from(port).unwrap_or(u16::MAX)
}
