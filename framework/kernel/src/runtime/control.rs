//! Which nodes there are, and how to get from one graph to another.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use midibay_plugin::abi::RawNode;
use midibay_plugin::{ConfigError, Health, NodeError};
use serde_json::Value;

use super::deck::Deck;
use super::{CommandFailed, EngineGone, EngineOptions};
use crate::engine::host::{HostState, MAX_NODES, Shared};
use crate::engine::messages::{Order, Outcome};
use crate::engine::plan::{Blueprint, HopBook, Placed, Plan};
use crate::engine::swap::Swap;
use crate::graph::{Catalog, Graph, NodeSpec};
use crate::registry::{ParsedCommand, Registry};

/// A node that can never start as it is configured.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("node `{name}` cannot start: {reason}")]
pub struct NodeFailed {
    /// The node.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A node can never start as it is configured.
    #[error(transparent)]
    Node(#[from] NodeFailed),
    /// More nodes than an engine takes.
    #[error("the graph has {0} nodes; an engine takes at most {max}", max = MAX_NODES)]
    TooManyNodes(usize),
    /// The system gave no thread or no poller.
    #[error("the system would not start the engine: {0}")]
    System(std::io::Error),
}

/// Why a reload was not carried out. The old graph goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// A node can never start as it is configured.
    #[error(transparent)]
    Node(#[from] NodeFailed),
    /// More nodes than an engine takes.
    #[error("the graph has {0} nodes; an engine takes at most {max}", max = MAX_NODES)]
    TooManyNodes(usize),
    /// The engine does not answer.
    #[error(transparent)]
    Gone(#[from] EngineGone),
}

/// What a reload did, by node.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct ReloadReport {
    /// Nodes that are new.
    pub added: Vec<String>,
    /// Nodes that are gone.
    pub removed: Vec<String>,
    /// Nodes that were ended and made anew, since they could not take over their new options.
    pub replaced: Vec<String>,
    /// Nodes that took over new options as they ran.
    pub reconfigured: Vec<String>,
    /// Nodes that ran on.
    pub unchanged: Vec<String>,
}

/// One node of the graph that runs.
pub(super) struct NodeRun {
    pub(super) host: Arc<HostState>,
    /// Why it is not running, if it is not.
    pub(super) trouble: Option<String>,
    pub(super) failures: u32,
    pub(super) restarts: u64,
    pub(super) started: Instant,
    pub(super) retry_at: Option<Instant>,
}

impl NodeRun {
    fn new(host: Arc<HostState>) -> Self {
        Self { host, trouble: None, failures: 0, restarts: 0, started: Instant::now(), retry_at: None }
    }

    /// The same node for another list of nodes.
    pub(super) fn share(&self) -> Self {
        Self { host: Arc::clone(&self.host), trouble: self.trouble.clone(), ..*self }
    }
}

pub(super) struct Control {
    pub(super) registry: Registry,
    options: EngineOptions,
    graph: Graph,
    /// One for each node of the graph, in its order.
    pub(super) nodes: Vec<NodeRun>,
    pub(super) book: HopBook,
    blueprint: Blueprint,
    slots: Slots,
    pub(super) started: Instant,
    /// The engine was asked to change something and did not answer in time. It may have done so or still
    /// do so: what it runs is not known any more.
    pub(super) adrift: bool,
}

/// Numbers of nodes, the lowest free one first.
#[derive(Default)]
struct Slots {
    next: u32,
    free: Vec<u32>,
}

impl Slots {
    fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        })
    }
}

/// Ends a node.
pub(super) fn stop_node(node: RawNode) {
    // SAFETY: nobody else has the node any more: the engine gave it back, or never had it.
    unsafe { (node.vtable.stop)(node.this) };
}

/// Ends the nodes that are still in a plan that the engine has left.
pub(super) fn stop_nodes(plan: Plan) {
    for station in plan.stations {
        if let Some(node) = station.node {
            stop_node(node);
        }
    }
}

/// Makes a node. Opens what it needs, which may take its time.
pub(super) fn make(
    registry: &Registry,
    spec: &NodeSpec,
    host: &Arc<HostState>,
) -> Result<RawNode, NodeError> {
    host.set_health(Health::Ok, "");
    let prepared = registry.prepare(&spec.type_name, &spec.config);
    prepared.map_err(|errors| NodeError::fatal(in_one_line(&errors)))?.create(host.raw())
}

fn in_one_line(errors: &[ConfigError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A reload on its way: what was made for it, and what must be undone if it fails.
struct Draft {
    nodes: Vec<NodeRun>,
    placed: Vec<Option<RawNode>>,
    taken: Vec<u32>,
    /// Nodes of the old graph that were ended to make room for their successors, by index.
    ended: Vec<usize>,
}

impl Control {
    pub(super) fn start(
        graph: Graph,
        registry: Registry,
        options: EngineOptions,
        shared: &Arc<Shared>,
    ) -> Result<(Self, Plan), StartError> {
        if graph.nodes.len() > MAX_NODES {
            return Err(StartError::TooManyNodes(graph.nodes.len()));
        }
        let mut control = Self {
            registry,
            options,
            graph: Graph::default(),
            nodes: Vec::new(),
            book: HopBook::new(),
            blueprint: Blueprint::default(),
            slots: Slots::default(),
            started: Instant::now(),
            adrift: false,
        };
        let mut placed = Vec::new();
        for spec in &graph.nodes {
            let mut run = NodeRun::new(control.host(spec, shared));
            match control.try_start(spec, &mut run) {
                Ok(node) => placed.push(node),
                Err(failed) => {
                    placed.into_iter().flatten().for_each(stop_node);
                    return Err(failed.into());
                }
            }
            control.nodes.push(run);
        }
        let plan = match control.compile(&graph, placed) {
            Ok(plan) => plan,
            Err((failed, placed)) => {
                placed.into_iter().flatten().for_each(stop_node);
                return Err(failed.into());
            }
        };
        control.blueprint = plan.blueprint();
        control.graph = graph;
        Ok((control, plan))
    }

    pub(super) fn options(&self) -> &EngineOptions {
        &self.options
    }

    pub(super) fn graph(&self) -> &Graph {
        &self.graph
    }

    fn host(&mut self, spec: &NodeSpec, shared: &Arc<Shared>) -> Arc<HostState> {
        let info = self.registry.node_type(&spec.type_name);
        let properties = info.iter().flat_map(|info| &info.properties).map(|p| p.name.as_str());
        HostState::new(self.slots.take(), &spec.name, shared, properties)
    }

    /// Starts a node: none when it cannot start now but may later.
    fn try_start(&self, spec: &NodeSpec, run: &mut NodeRun) -> Result<Option<RawNode>, NodeFailed> {
        self.note(spec, run, make(&self.registry, spec, &run.host))
    }

    /// Takes note of how a start went.
    pub(super) fn note(
        &self,
        spec: &NodeSpec,
        run: &mut NodeRun,
        made: Result<RawNode, NodeError>,
    ) -> Result<Option<RawNode>, NodeFailed> {
        match made {
            Ok(node) => {
                run.trouble = None;
                run.started = Instant::now();
                run.retry_at = None;
                Ok(Some(node))
            }
            Err(error) => {
                run.failures += 1;
                let wait = self.options.restart.after(run.failures);
                run.retry_at = Some(Instant::now() + wait);
                run.trouble = Some(error.to_string());
                if error.is_retryable() {
                    tracing::warn!(target: "midibay", "{}: {error}; trying again in {wait:?}", spec.name);
                    Ok(None)
                } else {
                    Err(NodeFailed { name: spec.name.clone(), reason: error.to_string() })
                }
            }
        }
    }

    /// Compiles a graph with the nodes made for it; gives the nodes back when a trigger's command is wrong.
    fn compile(
        &mut self,
        graph: &Graph,
        placed: Vec<Option<RawNode>>,
    ) -> Result<Plan, (NodeFailed, Vec<Option<RawNode>>)> {
        let commands: Result<Vec<ParsedCommand>, NodeFailed> = (graph.triggers.iter())
            .map(|trigger| {
                let spec = &graph.nodes[trigger.action.node];
                self.registry
                    .parse_command(&spec.type_name, &trigger.action.command, &trigger.action.args)
                    .map_err(|reason| NodeFailed { name: spec.name.clone(), reason })
            })
            .collect();
        match commands {
            Ok(commands) => {
                let hosts = self.nodes.iter().map(|run| Arc::clone(&run.host));
                let placed = hosts.zip(placed).map(|(host, node)| Placed { host, node }).collect();
                Ok(Plan::compile(graph, placed, commands, &mut self.book))
            }
            Err(failed) => Err((failed, placed)),
        }
    }

    /// Calls every endpoint once, now that it is in its place.
    pub(super) fn wake_all(&self, shared: &Shared) {
        wake(shared, self.nodes.iter().map(|run| run.host.slot));
    }

    pub(super) fn reload(
        &mut self,
        graph: Graph,
        registry: Option<Registry>,
        deck: &Deck,
        shared: &Arc<Shared>,
    ) -> Result<ReloadReport, ReloadError> {
        if graph.nodes.len() > MAX_NODES {
            return Err(ReloadError::TooManyNodes(graph.nodes.len()));
        }
        if self.adrift {
            return Err(EngineGone.into());
        }
        let old_registry = match registry {
            Some(new) => std::mem::replace(&mut self.registry, new),
            None => self.registry.clone(),
        };
        let done = self.try_reload(&graph, &old_registry, deck, shared);
        if done.is_err() {
            self.registry = old_registry;
        } else {
            self.graph = graph;
        }
        done
    }

    fn try_reload(
        &mut self,
        graph: &Graph,
        old_registry: &Registry,
        deck: &Deck,
        shared: &Arc<Shared>,
    ) -> Result<ReloadReport, ReloadError> {
        let mut report = ReloadReport::default();
        let mut draft = Draft { nodes: Vec::new(), placed: Vec::new(), taken: Vec::new(), ended: Vec::new() };
        let mut renumbered = vec![None; self.graph.nodes.len()];
        let mut reconfigure = Vec::new();
        let old_specs = self.graph.nodes.clone();
        let old_index: HashMap<&str, usize> =
            old_specs.iter().enumerate().map(|(i, n)| (n.name.as_str(), i)).collect();
        for (index, spec) in graph.nodes.iter().enumerate() {
            let old = old_index.get(spec.name.as_str()).copied();
            match old.map(|old| (old, self.way_over(&old_specs[old], spec, old_registry))) {
                Some((old, way @ (Way::Unchanged | Way::InPlace))) => {
                    renumbered[old] = Some(index);
                    let run = &self.nodes[old];
                    // With other options it may start at once.
                    let (failures, retry_at) = match (way, run.retry_at) {
                        (Way::InPlace, Some(_)) => (0, Some(Instant::now())),
                        (_, retry_at) => (run.failures, retry_at),
                    };
                    draft.nodes.push(NodeRun { failures, retry_at, ..run.share() });
                    draft.placed.push(None);
                    if way == Way::InPlace {
                        report.reconfigured.push(spec.name.clone());
                        match self.registry.prepare(&spec.type_name, &spec.config) {
                            Ok(prepared) => reconfigure.push((run.host.slot, prepared)),
                            Err(errors) => {
                                self.undo(draft, deck, shared, old_registry);
                                let reason = in_one_line(&errors);
                                return Err(NodeFailed { name: spec.name.clone(), reason }.into());
                            }
                        }
                    } else {
                        report.unchanged.push(spec.name.clone());
                    }
                }
                found => {
                    let replaced = found.map(|(old, _)| old);
                    let host = self.host(spec, shared);
                    draft.taken.push(host.slot);
                    match self.start_new(spec, host, replaced, &mut draft, deck, shared) {
                        Ok(()) => {}
                        Err(error) => {
                            self.undo(draft, deck, shared, old_registry);
                            return Err(error);
                        }
                    }
                    let list = if replaced.is_some() { &mut report.replaced } else { &mut report.added };
                    list.push(spec.name.clone());
                }
            }
        }
        let names: HashSet<&str> = graph.nodes.iter().map(|new| new.name.as_str()).collect();
        report.removed = (old_specs.iter())
            .filter(|old| !names.contains(old.name.as_str()))
            .map(|old| old.name.clone())
            .collect();

        let old_nodes = std::mem::replace(&mut self.nodes, std::mem::take(&mut draft.nodes));
        let plan = match self.compile(graph, std::mem::take(&mut draft.placed)) {
            Ok(plan) => plan,
            Err((failed, placed)) => {
                draft.placed = placed;
                self.nodes = old_nodes;
                self.undo(draft, deck, shared, old_registry);
                return Err(failed.into());
            }
        };
        let blueprint = plan.blueprint();
        let carried: Vec<u32> =
            renumbered.iter().flatten().map(|new: &usize| self.nodes[*new].host.slot).collect();
        let swap = Box::new(Swap {
            carry: carried.iter().map(|s| (self.blueprint.station(*s), blueprint.station(*s))).collect(),
            reconfigure: reconfigure.into_iter().map(|(slot, p)| (blueprint.station(slot), p)).collect(),
            unreached: self.blueprint.unreached_in(&blueprint, &carried),
            severed: self.blueprint.severed_in(&blueprint),
            trackers: self.blueprint.heirs_in(&blueprint, &carried),
            renumbered,
            plan,
        });
        let outcome = self.change(deck, shared, |ticket| Order::Swap { ticket, swap });
        let Ok(Outcome::Swapped(swap)) = outcome else {
            self.nodes = old_nodes;
            return Err(EngineGone.into());
        };
        stop_nodes(swap.plan);
        // What could not start because of a node that has just been ended can start now.
        for run in self.nodes.iter_mut().filter(|run| draft.taken.contains(&run.host.slot)) {
            run.retry_at = run.retry_at.map(|_| Instant::now());
        }
        for (_, old) in old_nodes.iter().enumerate().filter(|(i, _)| swap.renumbered[*i].is_none()) {
            self.slots.free.push(old.host.slot);
        }
        self.book.retain(|hop, _| blueprint.has(hop));
        self.blueprint = blueprint;
        wake(shared, draft.taken.iter().copied());
        Ok(report)
    }

    /// Has the engine change something, and waits until it has.
    fn change(
        &mut self,
        deck: &Deck,
        shared: &Shared,
        order: impl FnOnce(u64) -> Order,
    ) -> Result<Outcome, EngineGone> {
        deck.ask(shared, order).inspect_err(|_| self.adrift = true)
    }

    /// How a node gets from one graph into the next.
    fn way_over(&self, old: &NodeSpec, new: &NodeSpec, old_registry: &Registry) -> Way {
        let origin = |registry: &Registry, name| registry.node_type(name).map(|info| info.origin);
        if old.type_name != new.type_name
            || old.ports != new.ports
            || origin(old_registry, &old.type_name) != origin(&self.registry, &new.type_name)
        {
            return Way::Replaced;
        }
        if old.config == new.config {
            return Way::Unchanged;
        }
        match self.registry.in_place(&new.type_name, &old.config, &new.config) {
            true => Way::InPlace,
            false => Way::Replaced,
        }
    }

    /// Starts a node of a new graph. Where it takes the place of an old one that may be in its way (the
    /// same port, the same device), the old one is ended and it is tried once more.
    fn start_new(
        &mut self,
        spec: &NodeSpec,
        host: Arc<HostState>,
        replaced: Option<usize>,
        draft: &mut Draft,
        deck: &Deck,
        shared: &Arc<Shared>,
    ) -> Result<(), ReloadError> {
        let mut run = NodeRun::new(host);
        let mut made = self.try_start(spec, &mut run);
        if let (Some(old), Err(_) | Ok(None)) = (replaced, &made)
            && self.nodes[old].trouble.is_none()
        {
            let slot = self.nodes[old].host.slot;
            let removed = self.change(deck, shared, |ticket| Order::Remove { ticket, slot })?;
            if let Outcome::Removed(Some(node)) = removed {
                stop_node(node);
            }
            draft.ended.push(old);
            run.failures = 0;
            made = self.try_start(spec, &mut run);
        }
        let node = made?;
        draft.nodes.push(run);
        draft.placed.push(node);
        Ok(())
    }

    /// Takes back what a failed reload has done: its new nodes are ended, and nodes that had to make room
    /// are started again.
    fn undo(&mut self, draft: Draft, deck: &Deck, shared: &Arc<Shared>, old_registry: &Registry) {
        draft.placed.into_iter().flatten().for_each(stop_node);
        self.slots.free.extend(draft.taken);
        let new_registry = std::mem::replace(&mut self.registry, old_registry.clone());
        for old in draft.ended {
            let spec = self.graph.nodes[old].clone();
            let mut run = NodeRun::new(Arc::clone(&self.nodes[old].host));
            run.restarts = self.nodes[old].restarts;
            // Where it does not start, the supervisor tries again.
            if let Ok(Some(node)) = self.try_start(&spec, &mut run) {
                let slot = run.host.slot;
                run.restarts += 1;
                // An engine that is gone takes the node with it.
                let installed = self.change(deck, shared, |ticket| Order::Install { ticket, slot, node });
                if let Ok(Outcome::Installed { before: Some(node), .. }) = installed {
                    stop_node(node);
                }
            }
            self.nodes[old] = run;
        }
        self.registry = new_registry;
    }

    pub(super) fn parse_command(
        &self,
        node: &str,
        command: &str,
        args: &Value,
    ) -> Result<(u32, ParsedCommand), CommandFailed> {
        let index = self.graph.nodes.iter().position(|spec| spec.name == node);
        let index = index.ok_or_else(|| CommandFailed::NoNode(node.to_owned()))?;
        let type_name = &self.graph.nodes[index].type_name;
        let command =
            self.registry.parse_command(type_name, command, args).map_err(CommandFailed::Invalid)?;
        Ok((self.nodes[index].host.slot, command))
    }

    pub(super) fn why_not_running(&self, node: &str) -> String {
        let index = self.graph.nodes.iter().position(|spec| spec.name == node);
        let trouble = index.and_then(|index| self.nodes[index].trouble.clone());
        trouble.unwrap_or_else(|| "it failed, and will be started again".into())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Unchanged,
    InPlace,
    Replaced,
}

/// Has `ready` called once for new nodes: it is where they may begin what they want to begin.
fn wake(shared: &Shared, slots: impl Iterator<Item = u32>) {
    for slot in slots {
        shared.woken.insert(slot);
    }
    shared.poll.notify();
}
