//! Taps: endpoints that the program adds to a graph to see what passes, for `monitor` and `--view`.
//!
//! A tap hears what comes out of a node, or what goes into an endpoint by the same routes and
//! control maps. The engine pushes into one bounded queue and never waits; what finds no room is
//! counted and told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crossbeam_queue::ArrayQueue;
use midibay::graph::{ControlMap, Graph, NodeKind, NodeSpec, PortRef, Ports, Route};
use midibay_plugin::{
    CommandError, ConfigError, Endpoint, Event, Host, Module, NoCommand, Node, NodeError, Out, Ready,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The node type of taps. Nothing that a person could name in a graph: routes cannot hold a space.
pub(crate) const TYPE: &str = "midibay tap";

/// Room for what passes between two looks.
const ROOM: usize = 1 << 15;

static CAUGHT: OnceLock<ArrayQueue<Caught>> = OnceLock::new();
static LOST: AtomicU64 = AtomicU64::new(0);

fn queue() -> &'static ArrayQueue<Caught> {
    CAUGHT.get_or_init(|| ArrayQueue::new(ROOM))
}

/// An event, and the tap that heard it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caught {
    /// Index into [`Taps::list`].
    pub(crate) tap: u32,
    pub(crate) event: Event,
}

/// The next event, oldest first.
pub(crate) fn next() -> Option<Caught> {
    queue().pop()
}

/// How many events found no room so far.
pub(crate) fn lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// Which way events pass a tap, seen from the graph.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Side {
    /// They come out of the node.
    From,
    /// They go into the node.
    To,
}

/// A place where events are heard.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Place {
    /// The index of the graph among those that run.
    pub(crate) graph: usize,
    /// The node's name.
    pub(crate) node: String,
    /// The port's name, or empty.
    pub(crate) port: String,
    pub(crate) side: Side,
}

/// All taps of the program.
#[derive(Default, Debug)]
pub(crate) struct Taps {
    list: Arc<Vec<Place>>,
}

impl Taps {
    /// The plugin that brings the node type of taps.
    pub(crate) fn module() -> Module {
        queue();
        midibay_plugin::module!().endpoint::<Tap>()
    }

    /// The places of all taps, by their numbers.
    pub(crate) fn places(&self) -> Arc<Vec<Place>> {
        Arc::clone(&self.list)
    }

    fn number(&mut self, place: Place) -> usize {
        self.list.iter().position(|known| *known == place).unwrap_or_else(|| {
            Arc::make_mut(&mut self.list).push(place);
            self.list.len() - 1
        })
    }

    /// Adds taps to a graph: what comes out of the `wanted` nodes, and what goes into those of them
    /// that are endpoints. A place that was heard before keeps its number.
    pub(crate) fn attach(&mut self, at: usize, graph: &mut Graph, wanted: impl Fn(&NodeSpec) -> bool) {
        let heard: Vec<usize> = (0..graph.nodes.len()).filter(|node| wanted(&graph.nodes[*node])).collect();
        let maps = std::mem::take(&mut graph.maps);
        let mut more: Vec<ControlMap> = Vec::new();
        for node in heard {
            let NodeSpec { name, kind, ports, .. } = graph.nodes[node].clone();
            for (port, port_name) in ports.outputs.iter().enumerate() {
                let from = PortRef { node, port: port as u16 };
                let place =
                    Place { graph: at, node: name.clone(), port: port_name.clone(), side: Side::From };
                let tap = self.add(graph, place);
                graph.routes.push(route(vec![(from, tap)]));
            }
            let inputs = if kind == NodeKind::Endpoint { ports.inputs.as_slice() } else { &[] };
            for (port, port_name) in inputs.iter().enumerate() {
                let to = PortRef { node, port: port as u16 };
                let place = Place { graph: at, node: name.clone(), port: port_name.clone(), side: Side::To };
                let tap = self.add(graph, place);
                let mut hops: Vec<(PortRef, PortRef)> = graph
                    .routes
                    .iter()
                    .flat_map(|route| &route.hops)
                    .filter(|(_, into)| *into == to)
                    .map(|(from, _)| (*from, tap))
                    .collect();
                hops.sort_unstable();
                hops.dedup();
                graph.routes.extend(hops.into_iter().map(|hop| route(vec![hop])));
                more.extend(maps.iter().filter(|map| map.to.at == to).map(|map| {
                    let mut map = *map;
                    map.to.at = tap;
                    map
                }));
            }
        }
        graph.maps = maps;
        graph.maps.extend(more);
    }

    fn add(&mut self, graph: &mut Graph, place: Place) -> PortRef {
        let side = if place.side == Side::From { "from" } else { "to" };
        let name = format!("tap {side} {}:{}", place.node, place.port);
        let number = self.number(place);
        graph.nodes.push(NodeSpec {
            name,
            type_name: TYPE.to_owned(),
            kind: NodeKind::Endpoint,
            config: serde_json::json!({ "number": number }),
            ports: Ports { inputs: vec![String::new()], outputs: Vec::new() },
        });
        PortRef { node: graph.nodes.len() - 1, port: 0 }
    }
}

/// The text of routes into taps, so that they can be left out where routes are shown.
const ROUTE: &str = "(tap)";

/// Whether this is the text of a route into a tap, or of control maps into one.
pub(crate) fn is_route(text: &str) -> bool {
    text == ROUTE || text.split("=> ").nth(1).is_some_and(is_name)
}

/// Whether this is the name of a tap.
pub(crate) fn is_name(name: &str) -> bool {
    name.starts_with("tap ")
}

fn route(hops: Vec<(PortRef, PortRef)>) -> Route {
    Route { text: ROUTE.to_owned(), hops }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    number: u32,
}

struct Tap(u32);

impl Node for Tap {
    const TYPE: &'static str = TYPE;
    const ABOUT: &'static str = "Hears what passes.";
    type Config = Config;
    type Params = u32;
    type Command = NoCommand;

    fn compile(config: Config) -> Result<u32, Vec<ConfigError>> {
        Ok(config.number)
    }
    fn ports(_: &u32) -> midibay_plugin::Ports {
        midibay_plugin::Ports { inputs: vec![String::new()], outputs: Vec::new() }
    }
    fn in_place(_: &Config, _: &Config) -> bool {
        true
    }
    fn new(number: u32, _: Host) -> Result<Self, NodeError> {
        Ok(Self(number))
    }
    fn reconfigure(&mut self, number: &mut u32, _: u64, _: &mut Out) {
        self.0 = *number;
    }
    fn command(&mut self, command: &mut NoCommand, _: u64, _: &mut Out) -> Result<(), CommandError> {
        match *command {}
    }
}

impl Endpoint for Tap {
    fn ready(&mut self, _: Ready, _: u64, _: &mut Out) {}

    fn send(&mut self, events: &[Event], _: u64, _: &mut Out) {
        let queue = queue();
        for event in events {
            if queue.push(Caught { tap: self.0, event: *event }).is_err() {
                LOST.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
