//! A graph compiled for the engine: dense indices, memory taken in advance, nothing to look up by name.
//!
//! Nodes stand in the order in which events reach them: processors first, each after everything that
//! feeds it, then endpoints. So a pass walks the nodes once, from the front to the back.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use midibay_plugin::abi::RawNode;
use midibay_plugin::{ALL_PORTS, Event};

use super::holds::Tracker;
use super::host::{HostState, MAX_NODES};
use super::maps::{MapTable, PortMaps};
use super::stats::HopStats;
use super::timers::Timers;
use super::triggers::{PortTriggers, TriggerState, Triggers};
use crate::graph::{Graph, NodeKind, PortRef};
use crate::registry::ParsedCommand;

/// How many events a node's input holds before it must be worked off.
pub(crate) const INPUT_EVENTS: usize = 1024;
/// How many events an endpoint may push while it is sending, and the losses of its sources among them.
pub(crate) const DEFERRED_EVENTS: usize = INPUT_EVENTS + 64;
/// How many commands one pass may fire; triggers that set each other off end here.
pub(crate) const MOST_FIRED: usize = 64;
/// How many events a node pushes before the engine takes them over.
pub(crate) const OUT_EVENTS: usize = 256;
/// How many distributions a destination tells apart when it measures latency.
pub(crate) const SEGMENTS: usize = 64;

/// The number of a source: an output port of a node, by the node's slot. Never 0.
pub(crate) const fn source_id(slot: u32, port: u16) -> u32 {
    (slot << 16 | port as u32) + 1
}

/// A part of a destination's input that came over one hop.
#[derive(Clone, Copy)]
pub(crate) struct Segment {
    pub(crate) hop: u32,
    pub(crate) count: u32,
    pub(crate) time: u64,
}

/// A hop: from an output port to an input port, plainly or by control maps.
pub(crate) struct Hop {
    pub(crate) to: u32,
    pub(crate) to_port: u16,
    /// Index into [`Plan::trackers`], on hops into endpoints.
    pub(crate) tracker: Option<u32>,
    pub(crate) stats: Arc<HopStats>,
    pub(crate) identity: HopIdentity,
}

/// What makes a hop the same before and after a reload.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct HopIdentity {
    pub(crate) from: (u32, u16),
    pub(crate) to: (u32, u16),
    /// Whether it stands for control maps rather than a route.
    pub(crate) maps: bool,
}

/// The control maps of an output port, and the hops that they go by, in the order of
/// [`PortMaps::destinations`].
pub(crate) struct Mapped {
    pub(crate) maps: PortMaps,
    pub(crate) hops: Vec<u32>,
    pub(crate) destinations: Vec<PortRef>,
}

/// An output port.
#[derive(Default)]
pub(crate) struct Outlet {
    pub(crate) hops: Vec<u32>,
    pub(crate) mapped: Option<Box<Mapped>>,
    pub(crate) triggers: Option<Box<PortTriggers>>,
}

/// A node in its place.
pub(crate) struct Station {
    pub(crate) host: Arc<HostState>,
    /// None while it is faulted or could not be started yet.
    pub(crate) node: Option<RawNode>,
    pub(crate) kind: NodeKind,
    /// What waits to be worked off.
    pub(crate) input: Vec<Event>,
    /// What is being worked off. The two take turns, so that events can come in meanwhile.
    pub(crate) working: Vec<Event>,
    /// Whether the node is in a call.
    pub(crate) busy: bool,
    /// Whether what it pushes may meet other branches further on.
    pub(crate) smooth: bool,
    /// Whether several hops lead here, so that their events must be put back in order.
    pub(crate) merges: bool,
    pub(crate) segments: Vec<Segment>,
    pub(crate) outlets: Vec<Outlet>,
    /// What leads here: the station, its output port, and the input port here.
    pub(crate) hops_in: Vec<(u32, u16, u16)>,
    /// What an endpoint pushed while it was sending: it enters the graph with the next turn.
    pub(crate) deferred: Vec<Event>,
}

// SAFETY: nodes are `Send`; the raw pointer is the only reason that this is not derived.
unsafe impl Send for Station {}

/// What a trigger runs.
pub(crate) struct Action {
    pub(crate) station: u32,
    pub(crate) command: ParsedCommand,
}

/// What must wait until no node is in a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aftermath {
    /// The node of this station panicked.
    Gone(u32),
    /// A processor said that the source behind this output port is gone.
    Lost(u32, u16),
}

/// A graph, compiled.
pub(crate) struct Plan {
    pub(crate) stations: Vec<Station>,
    /// How many of the stations are processors; these come first.
    pub(crate) processors: usize,
    /// The station of each slot, or `u32::MAX`.
    pub(crate) by_slot: Vec<u32>,
    pub(crate) hops: Vec<Hop>,
    pub(crate) trackers: Vec<Tracker>,
    /// The hop that each tracker stands on.
    pub(crate) tracker_hops: Vec<u32>,
    /// The sources whose events leave each processor; empty for endpoints.
    pub(crate) reach: Vec<Vec<u32>>,
    pub(crate) trigger_state: TriggerState,
    pub(crate) actions: Vec<Action>,
    pub(crate) timers: Timers,
    pub(crate) dirty: Dirty,
    /// Buffers for what nodes push: one for each node that can be at work at once.
    pub(crate) outs: Vec<Box<[Event]>>,
    pub(crate) scratch: Box<[Event]>,
    /// For marking stations while a fault is cleaned up.
    pub(crate) marks: Vec<bool>,
    pub(crate) fired: Vec<u32>,
    /// In no order, each once.
    pub(crate) aftermath: Vec<Aftermath>,
}

/// The stations that have input, found in their order without looking at the others.
pub(crate) struct Dirty {
    summary: Vec<u64>,
    words: Vec<u64>,
}

impl Dirty {
    fn new(stations: usize) -> Self {
        let words = stations.div_ceil(64).max(1);
        Self { summary: vec![0; words.div_ceil(64)], words: vec![0; words] }
    }

    #[inline]
    pub(crate) fn insert(&mut self, station: usize) {
        self.words[station / 64] |= 1 << (station % 64);
        self.summary[station / 64 / 64] |= 1 << (station / 64 % 64);
    }

    /// Takes the first one.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<usize> {
        for (s, summary) in self.summary.iter_mut().enumerate() {
            while *summary != 0 {
                let word = s * 64 + summary.trailing_zeros() as usize;
                let bits = &mut self.words[word];
                if *bits == 0 {
                    *summary &= *summary - 1;
                    continue;
                }
                let station = word * 64 + bits.trailing_zeros() as usize;
                *bits &= *bits - 1;
                return Some(station);
            }
        }
        None
    }
}

/// A node of the graph with what it runs on.
pub(crate) struct Placed {
    pub(crate) host: Arc<HostState>,
    pub(crate) node: Option<RawNode>,
}

/// The counters of hops, kept across reloads.
pub(crate) type HopBook = HashMap<HopIdentity, Arc<HopStats>>;

impl Plan {
    /// Compiles a checked graph. `placed` is one for each node of the graph, in its order; `commands` one
    /// for each trigger. Counters of hops are taken from `book` where it has them, and added where not.
    pub(crate) fn compile(
        graph: &Graph,
        placed: Vec<Placed>,
        commands: Vec<ParsedCommand>,
        book: &mut HopBook,
    ) -> Self {
        let order = ranks(graph);
        let mut station_of = vec![0_u32; graph.nodes.len()];
        for (station, node) in order.iter().enumerate() {
            station_of[*node] = station as u32;
        }
        let slots: Vec<u32> = placed.iter().map(|p| p.host.slot).collect();
        let mut by_slot = vec![u32::MAX; slots.iter().max().map_or(0, |s| *s as usize + 1)];
        for (node, slot) in slots.iter().enumerate() {
            by_slot[*slot as usize] = station_of[node];
        }
        let mut placed: Vec<Option<Placed>> = placed.into_iter().map(Some).collect();
        let mut stations: Vec<Station> = order
            .iter()
            .map(|node| {
                let spec = &graph.nodes[*node];
                let placed = placed[*node].take().expect("each node stands in one place");
                let endpoint = spec.kind == NodeKind::Endpoint;
                Station {
                    host: placed.host,
                    node: placed.node,
                    kind: spec.kind,
                    input: Vec::new(),
                    working: Vec::new(),
                    busy: false,
                    smooth: false,
                    merges: false,
                    segments: Vec::with_capacity(if endpoint { SEGMENTS } else { 0 }),
                    outlets: spec.ports.outputs.iter().map(|_| Outlet::default()).collect(),
                    hops_in: Vec::new(),
                    deferred: Vec::new(),
                }
            })
            .collect();

        let mut builder = HopBuilder {
            graph,
            slots: &slots,
            station_of: &station_of,
            book,
            hops: Vec::new(),
            seen: HashMap::new(),
        };
        for (from, to) in graph.routes.iter().flat_map(|route| &route.hops) {
            if let Some(hop) = builder.add(*from, *to, false) {
                stations[station_of[from.node] as usize].outlets[usize::from(from.port)].hops.push(hop);
            }
        }
        for (from, maps) in MapTable::compile(&graph.maps).ports {
            let destinations = maps.destinations().to_vec();
            let hops = destinations.iter().filter_map(|to| builder.add(from, *to, true)).collect();
            let outlet = &mut stations[station_of[from.node] as usize].outlets[usize::from(from.port)];
            outlet.mapped = Some(Box::new(Mapped { maps, hops, destinations }));
        }
        let mut hops = builder.hops;
        for hop in &hops {
            let from = by_slot[hop.identity.from.0 as usize];
            let station = &mut stations[hop.to as usize];
            station.merges = !station.hops_in.is_empty();
            station.hops_in.push((from, hop.identity.from.1, hop.to_port));
        }
        let reach = reach(&stations);
        let (trackers, tracker_hops) = trackers(&stations, &mut hops, &reach, &by_slot);

        let triggers = Triggers::compile(&graph.triggers);
        for (port, watched) in triggers.ports {
            let outlet = &mut stations[station_of[port.node] as usize].outlets[usize::from(port.port)];
            outlet.triggers = Some(Box::new(watched));
        }
        let actions = (graph.triggers.iter().zip(commands))
            .map(|(trigger, command)| Action { station: station_of[trigger.action.node], command })
            .collect();
        for station in &mut stations {
            if !station.hops_in.is_empty() {
                station.input = Vec::with_capacity(INPUT_EVENTS);
                station.working = Vec::with_capacity(INPUT_EVENTS);
            }
            if station.kind == NodeKind::Endpoint && !station.outlets.is_empty() {
                station.deferred = Vec::with_capacity(DEFERRED_EVENTS);
            }
        }
        // Only where a merge lies ahead must a processor's output be in order of arrival.
        for index in (0..stations.len()).rev() {
            let ahead = |s: &Station| {
                s.outlets.iter().flat_map(|o| &o.hops).any(|hop| {
                    let to = &stations[hops[*hop as usize].to as usize];
                    to.merges || to.smooth
                })
            };
            stations[index].smooth = stations[index].kind == NodeKind::Processor && ahead(&stations[index]);
        }
        let processors = stations.iter().filter(|s| s.kind == NodeKind::Processor).count();
        // While a node is at work, another one further on may have to make room: one buffer for each
        // processor in a row, one for the source and one for the destination.
        let depth = longest_chain(&stations, processors) + 2;
        let aftermaths = stations.iter().map(|station| station.outlets.len() + 2).sum();
        Self {
            dirty: Dirty::new(stations.len()),
            timers: Timers::new(stations.len()),
            marks: vec![false; stations.len()],
            outs: (0..depth).map(|_| vec![Event::default(); OUT_EVENTS].into()).collect(),
            scratch: vec![Event::default(); INPUT_EVENTS].into(),
            fired: Vec::with_capacity(MOST_FIRED),
            aftermath: Vec::with_capacity(aftermaths),
            processors,
            reach,
            trigger_state: triggers.state,
            stations,
            by_slot,
            hops,
            trackers,
            tracker_hops,
            actions,
        }
    }

    /// What the control side must know of the plan once it is the engine's.
    pub(crate) fn blueprint(&self) -> Blueprint {
        let mut feeds = HashMap::new();
        for station in self.stations.iter().filter(|s| s.kind == NodeKind::Processor) {
            for (from, port, to_port) in &station.hops_in {
                let feeder = &self.stations[*from as usize];
                let sources: &mut Vec<u32> = feeds.entry((station.host.slot, *to_port)).or_default();
                match feeder.kind {
                    NodeKind::Endpoint => sources.push(source_id(feeder.host.slot, *port)),
                    NodeKind::Processor => sources.extend_from_slice(&self.reach[*from as usize]),
                }
            }
        }
        Blueprint {
            by_slot: self.by_slot.clone(),
            hops: self.hops.iter().map(|hop| hop.identity).collect(),
            trackers: self.tracker_hops.iter().map(|hop| self.hops[*hop as usize].identity).collect(),
            feeds,
        }
    }

    /// Has something done when no node is in a call any more.
    pub(crate) fn after(&mut self, aftermath: Aftermath) {
        let known = match aftermath {
            Aftermath::Gone(_) => true,
            Aftermath::Lost(station, port) => {
                port == ALL_PORTS || usize::from(port) < self.stations[station as usize].outlets.len()
            }
        };
        if known && !self.aftermath.contains(&aftermath) {
            self.aftermath.push(aftermath);
        }
    }

    /// The station of a node, if the plan has it.
    #[inline]
    pub(crate) fn station_of_slot(&self, slot: u32) -> Option<usize> {
        match self.by_slot.get(slot as usize) {
            Some(&station) if station != u32::MAX => Some(station as usize),
            _ => None,
        }
    }
}

/// The control side's picture of a plan that the engine has.
#[derive(Default)]
pub(crate) struct Blueprint {
    by_slot: Vec<u32>,
    hops: HashSet<HopIdentity>,
    trackers: Vec<HopIdentity>,
    /// The sources that reach a processor's input port.
    feeds: HashMap<(u32, u16), Vec<u32>>,
}

impl Blueprint {
    /// The station of a node that the plan has.
    pub(crate) fn station(&self, slot: u32) -> u32 {
        self.by_slot[slot as usize]
    }

    /// Whether the plan has this hop.
    pub(crate) fn has(&self, hop: &HopIdentity) -> bool {
        self.hops.contains(hop)
    }

    /// For each tracker, the one of the same hop in another plan: only where the destination is carried
    /// over, since another device holds nothing.
    pub(crate) fn heirs_in(&self, new: &Self, carried: &[u32]) -> Vec<Option<u32>> {
        let heirs: HashMap<&HopIdentity, u32> = new.trackers.iter().zip(0..).collect();
        self.trackers
            .iter()
            .map(|hop| heirs.get(hop).copied().filter(|_| carried.contains(&hop.to.0)))
            .collect()
    }

    /// Carried processors (station here, input port) that a source reaches here and not in another plan.
    pub(crate) fn unreached_in(&self, new: &Self, carried: &[u32]) -> Vec<(u32, u16, u32)> {
        let mut unreached = Vec::new();
        for ((slot, port), sources) in &self.feeds {
            let still = new.feeds.get(&(*slot, *port)).map_or(&[][..], Vec::as_slice);
            for source in sources.iter().filter(|s| carried.contains(slot) && !still.contains(s)) {
                unreached.push((self.station(*slot), *port, *source));
            }
        }
        unreached
    }

    /// Processors (station here) with the sources that come to them by hops that another plan does not
    /// have. Where the last hop to a destination stays, it would not show that the way there changed.
    pub(crate) fn severed_in(&self, new: &Self) -> Vec<(u32, Vec<u32>)> {
        let mut severed: HashMap<u32, Vec<u32>> = HashMap::new();
        for hop in self.hops.iter().filter(|hop| !new.hops.contains(hop)) {
            if !self.feeds.contains_key(&hop.to) {
                continue;
            }
            let sources = severed.entry(self.station(hop.to.0)).or_default();
            // The port's own, and what comes through where it is a processor's.
            sources.push(source_id(hop.from.0, hop.from.1));
            let through = self.feeds.iter().filter(|((slot, _), _)| *slot == hop.from.0);
            through.for_each(|(_, of_port)| sources.extend_from_slice(of_port));
        }
        severed.into_iter().collect()
    }
}

struct HopBuilder<'a> {
    graph: &'a Graph,
    slots: &'a [u32],
    station_of: &'a [u32],
    book: &'a mut HopBook,
    hops: Vec<Hop>,
    seen: HashMap<HopIdentity, u32>,
}

impl HopBuilder<'_> {
    /// The index of a new hop, or none when several routes share it and it is there already.
    fn add(&mut self, from: PortRef, to: PortRef, maps: bool) -> Option<u32> {
        let identity = HopIdentity {
            from: (self.slots[from.node], from.port),
            to: (self.slots[to.node], to.port),
            maps,
        };
        if self.seen.contains_key(&identity) {
            return None;
        }
        let index = self.hops.len() as u32;
        self.seen.insert(identity, index);
        let endpoint = self.graph.nodes[to.node].kind == NodeKind::Endpoint;
        self.hops.push(Hop {
            to: self.station_of[to.node],
            to_port: to.port,
            tracker: endpoint.then_some(0),
            stats: Arc::clone(self.book.entry(identity).or_default()),
            identity,
        });
        Some(index)
    }
}

/// The nodes in the order of stations. The graph has no cycle of processors: its check refused that.
fn ranks(graph: &Graph) -> Vec<usize> {
    debug_assert!(graph.nodes.len() <= MAX_NODES);
    let is_processor = |node: usize| graph.nodes[node].kind == NodeKind::Processor;
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); graph.nodes.len()];
    let mut feeds = vec![0_usize; graph.nodes.len()];
    for (from, to) in graph.routes.iter().flat_map(|route| &route.hops) {
        if is_processor(from.node) && is_processor(to.node) {
            next[from.node].push(to.node);
            feeds[to.node] += 1;
        }
    }
    let mut order: Vec<usize> =
        (0..graph.nodes.len()).filter(|n| is_processor(*n) && feeds[*n] == 0).collect();
    let mut at = 0;
    while at < order.len() {
        for to in std::mem::take(&mut next[order[at]]) {
            feeds[to] -= 1;
            if feeds[to] == 0 {
                order.push(to);
            }
        }
        at += 1;
    }
    order.extend((0..graph.nodes.len()).filter(|n| !is_processor(*n)));
    assert_eq!(order.len(), graph.nodes.len(), "a checked graph has no cycle of processors");
    order
}

/// How many processors the longest chain of them has.
fn longest_chain(stations: &[Station], processors: usize) -> usize {
    let mut length = vec![1_usize; processors];
    for station in 0..processors {
        for (from, _, _) in &stations[station].hops_in {
            if (*from as usize) < station {
                length[station] = length[station].max(length[*from as usize] + 1);
            }
        }
    }
    length.into_iter().max().unwrap_or(0)
}

/// The sources whose events leave each processor: those that reach it, and the processor itself.
fn reach(stations: &[Station]) -> Vec<Vec<u32>> {
    let mut reach: Vec<Vec<u32>> = vec![Vec::new(); stations.len()];
    for (index, station) in stations.iter().enumerate().filter(|(_, s)| s.kind == NodeKind::Processor) {
        let mut sources: Vec<u32> =
            (0..station.outlets.len()).map(|port| source_id(station.host.slot, port as u16)).collect();
        for (from, port, _) in &station.hops_in {
            let feeder = &stations[*from as usize];
            match feeder.kind {
                NodeKind::Endpoint => sources.push(source_id(feeder.host.slot, *port)),
                NodeKind::Processor => sources.extend_from_slice(&reach[*from as usize]),
            }
        }
        sources.sort_unstable();
        sources.dedup();
        reach[index] = sources;
    }
    reach
}

/// Makes the tracker of each last hop: the sources that reach it are those of the node it comes from.
fn trackers(
    stations: &[Station],
    hops: &mut [Hop],
    reach: &[Vec<u32>],
    by_slot: &[u32],
) -> (Vec<Tracker>, Vec<u32>) {
    let (mut trackers, mut tracker_hops) = (Vec::new(), Vec::new());
    for (index, hop) in hops.iter_mut().enumerate() {
        let Some(tracker) = &mut hop.tracker else { continue };
        *tracker = trackers.len() as u32;
        let (slot, port) = hop.identity.from;
        let from = by_slot[slot as usize] as usize;
        let sources = match stations[from].kind {
            NodeKind::Endpoint => Vec::new(),
            NodeKind::Processor => reach[from].clone(),
        };
        trackers.push(Tracker::new(sources, source_id(slot, port)));
        tracker_hops.push(index as u32);
    }
    (trackers, tracker_hops)
}
