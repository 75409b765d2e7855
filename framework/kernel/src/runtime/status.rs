//! How everything is, as one value.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use midibay_plugin::{DropReason, Health, Value};
use serde::Serialize;
use serde_json::Value as Json;

use super::control::Control;
use crate::engine::host::Shared;
use crate::engine::plan::HopIdentity;
use crate::engine::stats::Latency;
use crate::graph::{Graph, NodeKind, PortRef};

/// A node.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct NodeStatus {
    /// Its name.
    pub name: String,
    /// Its type.
    pub type_name: String,
    /// `endpoint` or `processor`.
    pub kind: &'static str,
    /// `ok`, `waiting`, `degraded` or `failed`.
    pub health: &'static str,
    /// Why, or empty.
    pub reason: String,
    /// Events that went into it.
    pub events_in: u64,
    /// Events that came out of it.
    pub events_out: u64,
    /// Bytes that it got from the outside.
    pub bytes_received: u64,
    /// Bytes that it sent to the outside.
    pub bytes_sent: u64,
    /// What was dropped, by reason; only reasons that occurred.
    pub drops: BTreeMap<&'static str, u64>,
    /// For endpoints: from arrival in the graph to departure here.
    pub latency: Latency,
    /// What it publishes: properties and documents.
    pub properties: BTreeMap<String, Json>,
    /// How often it was started again.
    pub restarts: u64,
}

/// A route, or all control maps from one port to another.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RouteStatus {
    /// As in the graph file, or `a => b (control maps)`.
    pub text: String,
    /// Events that passed its last hop. Routes that share the last hop share this number.
    pub events: u64,
    /// From arrival in the graph to departure at the route's end.
    pub latency: Latency,
}

/// An engine.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// How long it has run, seconds.
    pub uptime: f64,
    /// The priority of the engine's thread, and why it is not real-time if that was asked for.
    pub priority: String,
    /// The nodes, in the order of the graph.
    pub nodes: Vec<NodeStatus>,
    /// The routes, in the order of the graph, then the control maps.
    pub routes: Vec<RouteStatus>,
    /// Lines of the log that could not be kept.
    pub log_lost: u64,
}

impl Status {
    /// A node by its name.
    pub fn node(&self, name: &str) -> Option<&NodeStatus> {
        self.nodes.iter().find(|node| node.name == name)
    }
}

fn health_word(health: Health) -> &'static str {
    match health {
        Health::Ok => "ok",
        Health::Waiting => "waiting",
        Health::Degraded => "degraded",
        Health::Failed => "failed",
    }
}

fn json(value: Value) -> Json {
    match value {
        Value::None => Json::Null,
        Value::Int(n) => n.into(),
        Value::Float(n) => serde_json::Number::from_f64(n).map_or(Json::Null, Json::Number),
        Value::Bool(b) => b.into(),
        Value::Text(text) => text.into(),
    }
}

/// `node:port`, or the node's name where the port has none.
fn port_text(graph: &Graph, port: PortRef, output: bool) -> String {
    let node = &graph.nodes[port.node];
    let ports = if output { &node.ports.outputs } else { &node.ports.inputs };
    match ports.get(usize::from(port.port)).map(String::as_str) {
        None | Some("") => node.name.clone(),
        Some(name) => format!("{}:{name}", node.name),
    }
}

impl Control {
    pub(super) fn status(&self, shared: &Shared) -> Status {
        let graph = self.graph();
        let nodes = (graph.nodes.iter().zip(&self.nodes))
            .map(|(spec, run)| {
                let (health, reason) = match &run.trouble {
                    Some(trouble) => (Health::Failed, trouble.clone()),
                    None => run.host.health(),
                };
                let counters = &run.host.counters;
                let mut properties: BTreeMap<String, Json> =
                    run.host.properties().map(|(name, value)| (name.to_owned(), json(value))).collect();
                for (name, text) in run.host.documents() {
                    properties.insert(name, serde_json::from_str(&text).unwrap_or(Json::String(text)));
                }
                NodeStatus {
                    name: spec.name.clone(),
                    type_name: spec.type_name.clone(),
                    kind: match spec.kind {
                        NodeKind::Endpoint => "endpoint",
                        NodeKind::Processor => "processor",
                    },
                    health: health_word(health),
                    reason,
                    events_in: counters.events_in.load(Ordering::Relaxed),
                    events_out: counters.events_out.load(Ordering::Relaxed),
                    bytes_received: counters.bytes_received.load(Ordering::Relaxed),
                    bytes_sent: counters.bytes_sent.load(Ordering::Relaxed),
                    drops: DropReason::ALL
                        .iter()
                        .map(|reason| (reason.name(), counters.drops(*reason)))
                        .filter(|(_, count)| *count > 0)
                        .collect(),
                    latency: run.host.latency.summary(),
                    properties,
                    restarts: run.restarts,
                }
            })
            .collect();
        let slot = |port: PortRef| (self.nodes[port.node].host.slot, port.port);
        let route = |text: String, from: PortRef, to: PortRef, maps: bool| {
            let stats = self.book.get(&HopIdentity { from: slot(from), to: slot(to), maps });
            RouteStatus {
                text,
                events: stats.map_or(0, |s| s.events.load(Ordering::Relaxed)),
                latency: stats.map(|s| s.latency.summary()).unwrap_or_default(),
            }
        };
        let mut routes: Vec<RouteStatus> = (graph.routes.iter())
            .filter_map(|r| r.hops.last().map(|(from, to)| route(r.text.clone(), *from, *to, false)))
            .collect();
        let mut seen = std::collections::HashSet::new();
        for map in &graph.maps {
            let (from, to) = (map.from.at, map.to.at);
            if seen.insert((from, to)) {
                let text = format!(
                    "{} => {} (control maps)",
                    port_text(graph, from, true),
                    port_text(graph, to, false)
                );
                routes.push(route(text, from, to, true));
            }
        }
        Status {
            name: self.options().name.clone(),
            uptime: self.started.elapsed().as_secs_f64(),
            priority: shared.priority.get().cloned().unwrap_or_default(),
            nodes,
            routes,
            log_lost: shared.log_lost.load(Ordering::Relaxed),
        }
    }
}
