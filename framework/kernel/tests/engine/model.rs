//! Promise 2 against a model: random graphs, played at random, that lose sources, nodes and routes.
//!
//! The model knows each note and pedal by its source, the way it took and what it became. After each step
//! nothing sounds at a destination that nobody holds there (nothing is stuck), and what sounded and is held
//! there still sounds on (nothing else is released). Where two ways of one source end in the same hop and
//! one of them is cut, what is held on both is released: the hop does not tell them apart.

use std::collections::BTreeSet;
use std::time::Duration;

use super::common::*;
use midibay::graph::{Graph, GraphBuilder};
use midibay::{AppInput, Backoff, Engine, EngineOptions};
use midibay_plugin::{Event, Out, Ump};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;

const INPUTS: usize = 3;
const PROCESSORS: usize = 4;
const SINKS: usize = 2;
const NOTES: u8 = 6;

/// Panics in processors that are `fragile`.
const POISON: Ump = Ump::control_change(0, 0, 119, 1);

/// What a processor does. Each kind is there twice, so that a node can be replaced by an equal one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Thru,
    Up,
    Both,
    Fragile,
}

const KINDS: [Kind; 4] = [Kind::Thru, Kind::Up, Kind::Both, Kind::Fragile];

impl Kind {
    /// What becomes of a note or a pedal.
    fn apply(self, ump: Ump) -> Vec<Ump> {
        let is_note = ump.is_note_on() || ump.is_note_off();
        let up = Ump::word(ump.head() + (12 << 8));
        match self {
            Self::Up if is_note => vec![up],
            Self::Both if is_note => vec![ump, up],
            _ => vec![ump],
        }
    }
}

/// One graph: which nodes there are, and the ways through them.
#[derive(Clone, Debug)]
struct Shape {
    inputs: [bool; INPUTS],
    /// The kind of a processor, and which of the two node types of that kind.
    processors: [Option<(Kind, bool)>; PROCESSORS],
    /// From an input, through some processors in their order, to a sink.
    routes: Vec<(usize, [bool; PROCESSORS], usize)>,
}

/// A node: inputs, processors, sinks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Node {
    Input(usize),
    Processor(usize),
    Sink(usize),
}

fn type_name(kind: Kind, twin: bool) -> String {
    format!("{kind:?}-{twin}").to_lowercase()
}

impl Shape {
    fn chains(&self) -> impl Iterator<Item = Vec<Node>> + '_ {
        self.routes.iter().filter(|(input, ..)| self.inputs[*input]).map(|(input, through, sink)| {
            let through = (0..PROCESSORS).filter(|p| through[*p] && self.processors[*p].is_some());
            let processors = through.map(Node::Processor);
            [Node::Input(*input)].into_iter().chain(processors).chain([Node::Sink(*sink)]).collect()
        })
    }

    fn hops(&self) -> BTreeSet<(Node, Node)> {
        let pairs = |chain: Vec<Node>| chain.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>();
        self.chains().flat_map(pairs).collect()
    }

    fn graph(&self, world: &World) -> Graph {
        let name = |node: &Node| format!("{node:?}").to_lowercase().replace(['(', ')'], "");
        let chains: Vec<Vec<Node>> = self.chains().collect();
        let mut used: BTreeSet<Node> = chains.iter().flatten().copied().collect();
        used.extend((0..INPUTS).filter(|i| self.inputs[*i]).map(Node::Input));
        used.extend((0..SINKS).map(Node::Sink));
        let mut builder = GraphBuilder::new();
        for node in &used {
            let type_name = match node {
                Node::Processor(p) => {
                    let (kind, twin) = self.processors[*p].unwrap();
                    type_name(kind, twin)
                }
                _ => name(node),
            };
            builder = builder.node(name(node), type_name, json!({}));
        }
        for chain in &chains {
            builder = builder.route(chain.iter().map(name).collect::<Vec<_>>().join(" -> "));
        }
        builder.build(&world.registry).unwrap_or_else(|e| panic!("{e}"))
    }

    fn processors_used(&self) -> BTreeSet<usize> {
        let nodes = self.chains().flatten().collect::<Vec<_>>();
        nodes.iter().filter_map(|n| if let Node::Processor(p) = n { Some(*p) } else { None }).collect()
    }
}

#[derive(Clone, Debug)]
enum Step {
    On(Index, u8),
    Off(Index, u8),
    Pedal(Index, bool),
    Lost(Index),
    Poison(Index),
    Reload(Shape),
}

fn shapes() -> impl Strategy<Value = Shape> {
    let processor = prop::option::weighted(0.8, (prop::sample::select(&KINDS[..]), any::<bool>()));
    let routes = prop::collection::vec((0..INPUTS, any::<[bool; PROCESSORS]>(), 0..SINKS), 1..7);
    (prop::array::uniform3(prop::bool::weighted(0.8)), prop::array::uniform4(processor), routes)
        .prop_map(|(inputs, processors, routes)| Shape { inputs, processors, routes })
}

/// A shape near another one: a node or a route more or less, or a node replaced.
fn changed(mut shape: Shape, change: usize, at: usize, with: Shape) -> Shape {
    match change {
        0 => shape.inputs[at % INPUTS] ^= true,
        1 => shape.processors[at % PROCESSORS] = with.processors[at % PROCESSORS],
        2 => {
            if let Some((_, twin)) = &mut shape.processors[at % PROCESSORS] {
                *twin = !*twin;
            }
        }
        3 => drop(shape.routes.swap_remove(at % shape.routes.len())),
        4 => shape.routes.extend(with.routes.first().copied()),
        _ => shape = with,
    }
    if shape.routes.is_empty() {
        shape.routes.push((0, [false; PROCESSORS], 0));
    }
    shape
}

#[derive(Clone, Debug)]
enum Plan {
    Step(Step),
    Change(usize, usize, Shape),
}

fn plans() -> impl Strategy<Value = Plan> {
    let note = || (any::<Index>(), 0..NOTES);
    prop_oneof![
        8 => note().prop_map(|(i, n)| Plan::Step(Step::On(i, n))),
        4 => note().prop_map(|(i, n)| Plan::Step(Step::Off(i, n))),
        2 => (any::<Index>(), any::<bool>()).prop_map(|(i, down)| Plan::Step(Step::Pedal(i, down))),
        1 => any::<Index>().prop_map(|i| Plan::Step(Step::Lost(i))),
        1 => any::<Index>().prop_map(|i| Plan::Step(Step::Poison(i))),
        4 => (0..6_usize, any::<usize>(), shapes()).prop_map(|(c, at, with)| Plan::Change(c, at, with)),
    ]
}

/// What is held: by an input, along a way, as this note or pedal of a sink.
type Hold = (usize, Vec<Node>, u32);

struct Model {
    shape: Shape,
    /// Processors that panicked.
    down: BTreeSet<usize>,
    holds: BTreeSet<Hold>,
}

/// A note or pedal by the part of its packet that names it.
fn name(ump: &Ump) -> u32 {
    let is_pedal = ump.head() >> 20 & 0xF == 0xB;
    u32::from(is_pedal) << 8 | ump.head() >> 8 & 0x7F
}

impl Model {
    /// Every way from an input to a sink by hops of the graph, and what a packet becomes on it.
    fn ways(&self, input: usize, ump: Ump) -> Vec<(Vec<Node>, Vec<Ump>)> {
        let hops = self.shape.hops();
        let (mut ways, mut open) = (Vec::new(), vec![(vec![Node::Input(input)], vec![ump])]);
        while let Some((way, umps)) = open.pop() {
            let here = *way.last().unwrap();
            for (_, to) in hops.iter().filter(|(from, _)| *from == here) {
                let mut way = way.clone();
                way.push(*to);
                match to {
                    Node::Sink(_) => ways.push((way, umps.clone())),
                    Node::Processor(p) if !self.down.contains(p) => {
                        let (kind, _) = self.shape.processors[*p].unwrap();
                        let umps = umps.iter().flat_map(|ump| kind.apply(*ump)).collect();
                        open.push((way, umps));
                    }
                    _ => {}
                }
            }
        }
        ways
    }

    /// The processors that [`POISON`] reaches and ends: it goes as far as the first fragile ones.
    fn poisoned(&self, input: usize) -> BTreeSet<usize> {
        let (mut open, mut seen, mut fallen) = (vec![Node::Input(input)], BTreeSet::new(), BTreeSet::new());
        while let Some(here) = open.pop() {
            for (_, to) in self.shape.hops().into_iter().filter(|(from, _)| *from == here) {
                let Node::Processor(p) = to else { continue };
                match self.shape.processors[p] {
                    _ if self.down.contains(&p) || !seen.insert(p) => {}
                    Some((Kind::Fragile, _)) => drop(fallen.insert(p)),
                    _ => open.push(to),
                }
            }
        }
        fallen
    }

    fn play(&mut self, input: usize, ump: Ump, down: bool) {
        for (way, umps) in self.ways(input, ump) {
            for became in umps.iter().map(name) {
                if down {
                    self.holds.insert((input, way.clone(), became));
                } else {
                    let last_hop = &way[way.len() - 2..];
                    // A hop does not tell apart what one source sends over it on different ways.
                    self.holds.retain(|(i, w, n)| (*i, *n) != (input, became) || !w.ends_with(last_hop));
                }
            }
        }
    }

    /// Ways are cut: what is held along them is given up, and with it what the same source sends over the
    /// same last hop on other ways.
    fn cut(&mut self, is_cut: impl Fn(&[Node], usize) -> bool) {
        let every = Model { down: BTreeSet::new(), shape: self.shape.clone(), holds: BTreeSet::new() };
        let last_hop = |way: &[Node]| way[way.len() - 2..].to_vec();
        let cut: BTreeSet<(usize, Vec<Node>)> = (0..INPUTS)
            .flat_map(|input| every.ways(input, on(0)).into_iter().map(move |(way, _)| (input, way)))
            .filter(|(input, way)| is_cut(way, *input))
            .map(|(input, way)| (input, last_hop(&way)))
            .collect();
        self.holds.retain(|(input, way, _)| !cut.contains(&(*input, last_hop(way))));
    }

    fn held_at(&self, sink: usize) -> BTreeSet<u32> {
        let there = self.holds.iter().filter(|(_, way, _)| way.last() == Some(&Node::Sink(sink)));
        there.map(|(_, _, name)| *name).collect()
    }
}

struct Rig {
    world: World,
    inputs: Vec<AppInput>,
    sinks: Vec<Heard>,
    engine: Engine,
    /// How many packets each input has sent since it was made.
    sent: [u64; INPUTS],
}

impl Rig {
    fn new(shape: &Shape) -> Self {
        let mut world = World::default();
        let inputs = (0..INPUTS).map(|i| world.input(&format!("input{i}"))).collect();
        let sinks = (0..SINKS).map(|s| world.output(&format!("sink{s}"))).collect();
        for kind in KINDS {
            for twin in [false, true] {
                let act = move |event: &Event, out: &mut Out| {
                    assert!(kind != Kind::Fragile || event.ump != POISON, "poisoned");
                    kind.apply(event.ump).into_iter().for_each(|ump| out.push(event.with(ump)));
                };
                world.registry.add_function(&type_name(kind, twin), act).unwrap();
            }
        }
        // What panicked stays away until a reload brings another one.
        let never = Duration::from_secs(3600);
        let restart = Backoff { first: never, most: never };
        let options = EngineOptions { restart, ..EngineOptions::default() };
        let engine = Engine::start(shape.graph(&world), world.registry.clone(), options).unwrap();
        Self { world, inputs, sinks, engine, sent: [0; INPUTS] }
    }

    fn send(&mut self, input: usize, ump: Ump) {
        self.inputs[input].send(ump).unwrap();
        self.sent[input] += 1;
    }

    /// Waits until all that was sent has gone through: it is counted as it enters, and the engine answers
    /// when it is through.
    fn settle(&self) {
        let through = |status: &midibay::Status, input: usize| {
            let node = status.node(&format!("input{input}"));
            node.is_none_or(|node| node.events_out == self.sent[input])
        };
        until("all has entered", || {
            let status = self.engine.status();
            (0..INPUTS).all(|input| through(&status, input))
        });
        self.engine.ping(Duration::from_secs(20)).unwrap();
    }

    fn sounding(&self, sink: usize) -> BTreeSet<u32> {
        let (held, mut sounding) = (self.sinks[sink].held(), BTreeSet::new());
        held.clone().release_all(|ump| {
            sounding.insert(name(&ump));
        });
        sounding
    }
}

fn show(shape: &Shape, plans: &[Plan]) -> Result<(), TestCaseError> {
    let mut rig = Rig::new(shape);
    let mut model = Model { shape: shape.clone(), down: BTreeSet::new(), holds: BTreeSet::new() };
    for plan in plans {
        let step = match plan {
            Plan::Step(step) => step.clone(),
            Plan::Change(change, at, with) => {
                Step::Reload(changed(model.shape.clone(), *change, *at, with.clone()))
            }
        };
        let before: Vec<BTreeSet<u32>> = (0..SINKS).map(|sink| rig.sounding(sink)).collect();
        let there: Vec<usize> = (0..INPUTS).filter(|i| model.shape.inputs[*i]).collect();
        let chosen = |index: &Index| (!there.is_empty()).then(|| there[index.index(there.len())]);
        let mut play = |index: &Index, ump, down| {
            if let Some(input) = chosen(index) {
                rig.send(input, ump);
                model.play(input, ump, down);
            }
        };
        match &step {
            Step::On(index, note) => play(index, on(*note), true),
            Step::Off(index, note) => play(index, off(*note), false),
            Step::Pedal(index, down) => play(index, cc(64, if *down { 127 } else { 0 }), *down),
            Step::Lost(index) => {
                if let Some(lost) = chosen(index) {
                    rig.inputs[lost].source_lost().unwrap();
                    rig.send(lost, cc(7, 1));
                    model.cut(|_, input| input == lost);
                }
            }
            Step::Poison(index) => {
                if let Some(input) = chosen(index) {
                    rig.send(input, POISON);
                    let fallen = model.poisoned(input);
                    model.down.extend(&fallen);
                    model.cut(|way, _| fallen.iter().any(|p| way.contains(&Node::Processor(*p))));
                }
            }
            Step::Reload(new) => {
                rig.engine.reload(new.graph(&rig.world)).unwrap();
                (0..INPUTS).filter(|i| !new.inputs[*i]).for_each(|i| rig.sent[i] = 0);
                let (old_used, new_used) = (model.shape.processors_used(), new.processors_used());
                let same = |p: &usize| model.shape.processors[*p] == new.processors[*p];
                let carried: BTreeSet<usize> =
                    old_used.intersection(&new_used).copied().filter(same).collect();
                let hops = new.hops();
                model.cut(|way, input| {
                    !new.inputs[input]
                        || way.windows(2).any(|hop| !hops.contains(&(hop[0], hop[1])))
                        || way.iter().any(|n| matches!(n, Node::Processor(p) if !carried.contains(p)))
                });
                model.down.retain(|p| carried.contains(p));
                model.shape = new.clone();
            }
        }
        rig.settle();
        for (sink, before) in before.iter().enumerate() {
            let (sounding, held) = (rig.sounding(sink), model.held_at(sink));
            let stuck: Vec<_> = sounding.difference(&held).collect();
            prop_assert!(stuck.is_empty(), "stuck at sink {sink}: {stuck:x?} after {step:?}");
            // A Note Off that somebody played ends the note of everybody.
            if !matches!(step, Step::Off(..) | Step::Pedal(..)) {
                let released: Vec<_> = before.difference(&sounding).filter(|n| held.contains(n)).collect();
                prop_assert!(released.is_empty(), "released at sink {sink}: {released:x?} after {step:?}");
            }
        }
    }
    let sinks = rig.sinks.clone();
    rig.engine.stop().unwrap();
    for (sink, heard) in sinks.iter().enumerate() {
        prop_assert!(heard.held().is_empty(), "held at sink {sink} after the end: {:?}", heard.held());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_sticks_and_nothing_else_is_released(
        shape in shapes(),
        plans in prop::collection::vec(plans(), 1..40),
    ) {
        show(&shape, &plans)?;
    }
}
