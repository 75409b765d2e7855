//! What can only be seen in the graph as a whole: loops, dead ends, doubles, echoes, idle nodes.

use std::collections::{HashMap, HashSet};

use super::nodes::Checked;
use super::problems::Problems;
use super::routes::{Placed, Routes};
use super::source::Span;
use crate::graph::{Control, ControlMap, ControlRef, NodeKind};

/// Runs all checks, and takes doubles out. `busy` are the nodes that triggers name.
pub(crate) fn check(nodes: &[Checked], routes: &mut Routes, busy: &HashSet<usize>, problems: &mut Problems) {
    let net = Net::new(nodes, routes);
    loops(nodes, &net, problems);
    dead_ends(nodes, routes, &net, problems);
    echoes(nodes, routes, &net, problems);
    // While something is wrong, an idle node is most likely a part of it.
    if !problems.has_errors() {
        idle(nodes, routes, busy, problems);
    }
    double_routes(&mut routes.routes, problems);
    double_maps(routes, problems);
}

/// Who leads to whom, and the route that says so first.
struct Net {
    next: Vec<Vec<usize>>,
    /// The place of the node that a step leads to.
    places: HashMap<(usize, usize), Span>,
    processor: Vec<bool>,
}

impl Net {
    fn new(nodes: &[Checked], routes: &Routes) -> Self {
        let mut net = Self {
            next: vec![Vec::new(); nodes.len()],
            places: HashMap::new(),
            processor: nodes.iter().map(|node| node.known.kind == Some(NodeKind::Processor)).collect(),
        };
        for placed in &routes.routes {
            for (hop, to) in placed.route.hops.iter().zip(&placed.places[1..]) {
                let (from, into) = (hop.0.node, hop.1.node);
                net.places.entry((from, into)).or_insert_with(|| {
                    net.next[from].push(into);
                    *to
                });
            }
        }
        net
    }
}

/// A loop through processors: events would run in it for ever.
fn loops(nodes: &[Checked], net: &Net, problems: &mut Problems) {
    // 0: not seen, 1: on the path, 2: done.
    let mut state = vec![0u8; nodes.len()];
    for start in (0..nodes.len()).filter(|&node| net.processor[node]) {
        if state[start] != 0 {
            continue;
        }
        let mut path = vec![(start, 0usize)];
        state[start] = 1;
        while let Some((node, taken)) = path.last_mut() {
            let node = *node;
            let Some(&next) = net.next[node].get(*taken) else {
                state[node] = 2;
                path.pop();
                continue;
            };
            *taken += 1;
            if !net.processor[next] {
                continue;
            }
            match state[next] {
                0 => {
                    state[next] = 1;
                    path.push((next, 0));
                }
                1 => {
                    let begin = path.iter().position(|(node, _)| *node == next).unwrap_or(0);
                    let circle: Vec<usize> = path[begin..].iter().map(|(node, _)| *node).collect();
                    report_loop(nodes, net, &circle, problems);
                }
                _ => {}
            }
        }
    }
}

fn report_loop(nodes: &[Checked], net: &Net, circle: &[usize], problems: &mut Problems) {
    let names: Vec<&str> =
        circle.iter().chain(circle.first()).map(|&node| nodes[node].known.name.as_str()).collect();
    let (first, last) = (circle[0], circle[circle.len() - 1]);
    let closing = net.places[&(last, first)];
    let problem = problems
        .error("loop", closing, format!("the routes run in a circle: {}", names.join(" -> ")))
        .label("this closes the circle")
        .help("take one of these steps away; a way back needs processors of its own");
    for pair in circle.windows(2) {
        let step = net.places[&(pair[0], pair[1])];
        if step != closing {
            problem.related(step, "on the way");
        }
    }
}

/// A processor that nothing comes into, or nothing goes on from.
fn dead_ends(nodes: &[Checked], routes: &Routes, net: &Net, problems: &mut Problems) {
    let mut entered = vec![false; nodes.len()];
    for next in net.next.iter().flatten() {
        entered[*next] = true;
    }
    let mut told = HashSet::new();
    for placed in &routes.routes {
        let (Some(first), Some(last)) = (placed.route.hops.first(), placed.route.hops.last()) else {
            continue;
        };
        let (first, last) = (first.0.node, last.1.node);
        let is_dead = |node: usize| net.processor[node] && !routes.in_doubt.contains(&node);
        let ports = |node: usize| nodes[node].known.ports.as_ref();
        let name = |node: usize| nodes[node].known.name.as_str();
        if is_dead(last)
            && net.next[last].is_empty()
            && ports(last).is_some_and(|ports| !ports.outputs.is_empty())
            && told.insert((last, true))
        {
            let place = placed.places[placed.places.len() - 1];
            problems
                .error("dead-route", place, format!("`{}` leads nowhere", name(last)))
                .label("no route goes on from here")
                .help(format!("go on to an endpoint: \"{} -> ...\"", placed.route.text));
        }
        if is_dead(first)
            && !entered[first]
            && ports(first).is_some_and(|ports| !ports.inputs.is_empty())
            && told.insert((first, false))
        {
            problems
                .error("dead-route", placed.places[0], format!("nothing comes into `{}`", name(first)))
                .label("no route leads here")
                .help(format!("begin at an endpoint: \"... -> {}\"", placed.route.text));
        }
    }
}

fn double_routes(routes: &mut Vec<Placed>, problems: &mut Problems) {
    let mut seen = HashMap::new();
    routes.retain(|placed| {
        let Some(first) = seen.get(&placed.route.hops).copied() else {
            seen.insert(placed.route.hops.clone(), placed.whole);
            return true;
        };
        let message = format!("the route `{}` is here twice", placed.route.text);
        let problem = problems.warning("double-route", placed.whole, message);
        if first != placed.whole {
            problem.related(first, "the first time");
        }
        problem.help("once is enough: the second one has no effect");
        false
    });
}

/// Two maps between the same controls. Sorted numbers instead of a hash set: there may be very many.
fn double_maps(routes: &mut Routes, problems: &mut Problems) {
    let mut keys: Vec<(u128, u32)> = routes.maps.iter().zip(0..).map(|(map, at)| (key(map), at)).collect();
    keys.sort_unstable();
    let line_of = |map: u32| {
        let mut left = map as usize;
        routes.map_lines.iter().position(|(_, count)| {
            let found = left < *count;
            left = left.saturating_sub(*count);
            found
        })
    };
    let mut told = HashSet::new();
    let mut doubles = HashSet::new();
    for pair in keys.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
        doubles.insert(pair[1].1);
        let (Some(first), Some(second)) = (line_of(pair[0].1), line_of(pair[1].1)) else { continue };
        // One word for each pair of lines, however many of their maps are the same.
        if !told.insert((first, second)) {
            continue;
        }
        let (first, second) = (routes.map_lines[first].0, routes.map_lines[second].0);
        let problem = problems.warning("double-route", second, "this maps the same controls a second time");
        if first != second {
            problem.related(first, "the first time");
        }
        problem.help("once is enough: the second one has no effect");
    }
    if !doubles.is_empty() {
        let mut at = 0..;
        routes.maps.retain(|_| !doubles.contains(&at.next().unwrap_or(u32::MAX)));
    }
}

fn key(map: &ControlMap) -> u128 {
    let side = |control: &ControlRef| {
        let (kind, number) = match control.control {
            Control::Note(number) => (0, u16::from(number)),
            Control::Cc(number) => (1, u16::from(number)),
            Control::Pressure(number) => (2, u16::from(number)),
            Control::Aftertouch => (3, 0),
            Control::Pitch => (4, 0),
            Control::Program => (5, 0),
            Control::Rpn(number) => (6, number),
            Control::Nrpn(number) => (7, number),
        };
        // 23 bits of node, 16 of port, 4 of group, 4 of channel, 3 of kind, 14 of number.
        (((((control.at.node as u64) << 16 | u64::from(control.at.port)) << 4 | u64::from(control.group))
            << 4
            | u64::from(control.channel))
            << 3
            | kind)
            << 14
            | u64::from(number)
    };
    u128::from(side(&map.from)) << 64 | u128::from(side(&map.to))
}

/// Two routes that meet in a processor and so send an endpoint's events back to it, though neither
/// says so: `a -> p -> b` with `b -> p -> a`.
fn echoes(nodes: &[Checked], routes: &Routes, net: &Net, problems: &mut Problems) {
    let mut meant = HashSet::new();
    for placed in &routes.routes {
        if let (Some(first), Some(last)) = (placed.route.hops.first(), placed.route.hops.last())
            && first.0.node == last.1.node
        {
            meant.insert(first.0.node);
        }
    }
    let endpoints = (0..nodes.len()).filter(|&node| nodes[node].known.kind == Some(NodeKind::Endpoint));
    for endpoint in endpoints.filter(|node| !meant.contains(node)) {
        let mut seen = HashSet::new();
        let mut open: Vec<usize> = net.next[endpoint].clone();
        while let Some(node) = open.pop() {
            if !net.processor[node] || !seen.insert(node) {
                continue;
            }
            if net.next[node].contains(&endpoint) {
                let name = nodes[endpoint].known.name.as_str();
                let through = nodes[node].known.name.as_str();
                let message = format!("what `{name}` sends comes back to it through `{through}`");
                problems
                    .warning("echo", net.places[&(node, endpoint)], message)
                    .label("back to where it came from")
                    .help(format!(
                        "give each way a processor of its own, or write the echo out if it is meant: \
                         \"{name} -> {through} -> {name}\""
                    ));
                break;
            }
            open.extend(net.next[node].iter().copied());
        }
    }
}

/// Nodes that take no part in anything.
fn idle(nodes: &[Checked], routes: &Routes, busy: &HashSet<usize>, problems: &mut Problems) {
    let mut used = vec![false; nodes.len()];
    let named = busy.iter().chain(&routes.in_doubt).copied();
    let hops = routes
        .routes
        .iter()
        .flat_map(|placed| &placed.route.hops)
        .flat_map(|(from, to)| [from.node, to.node]);
    let mapped = routes.maps.iter().flat_map(|map| [map.from.at.node, map.to.at.node]);
    named.chain(hops).chain(mapped).for_each(|node| used[node] = true);
    for node in nodes.iter().zip(used).filter_map(|(node, used)| (!used).then_some(node)) {
        let message = format!("no route leads from or to `{}`", node.known.name);
        problems
            .warning("idle-node", node.key_span, message)
            .help("add a route in [graph], or take the node away");
    }
}
