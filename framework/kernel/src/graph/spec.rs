//! The resolved graph. Nodes are referred to by their index in [`Graph::nodes`].

use std::path::PathBuf;

use serde_json::Value;

/// What a node is in the graph.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NodeKind {
    /// Brings events in and out: a backend or a transport.
    Endpoint,
    /// Turns events into events.
    Processor,
}

/// The names of a node's ports, in order. An unnamed port is the empty string.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ports {
    /// Ports that events go into: what the node sends out, or processes.
    pub inputs: Vec<String>,
    /// Ports that events come out of: what the node received, or made.
    pub outputs: Vec<String>,
}

/// One configured node.
#[derive(Clone, PartialEq, Debug)]
pub struct NodeSpec {
    /// Its name in the graph, unique.
    pub name: String,
    /// The node type, as a plugin registered it.
    pub type_name: String,
    /// Endpoint or processor.
    pub kind: NodeKind,
    /// The node's own options as a JSON object, without `type`; defaults not filled in.
    pub config: Value,
    /// The ports that this configuration gives it.
    pub ports: Ports,
}

/// A port of a node. Whether an input or an output is meant is told by where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct PortRef {
    /// Index into [`Graph::nodes`].
    pub node: usize,
    /// Index into the node's inputs or outputs.
    pub port: u16,
}

/// A chain `source -> processor -> ... -> destination`, cut into its hops.
#[derive(Clone, PartialEq, Debug)]
pub struct Route {
    /// As the person wrote it, one direction, ranges expanded: `pads -> up -> show`.
    pub text: String,
    /// Each hop leads from an output port to an input port of the next node.
    pub hops: Vec<(PortRef, PortRef)>,
}

/// A single control: what `ch10.note36` means. Numbers count from 0 here, as on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Control {
    /// A note (0-127); its value is the velocity, 0 for Note Off.
    Note(u8),
    /// A controller (0-127).
    Cc(u8),
    /// Pressure of one note (poly pressure, 0-127).
    Pressure(u8),
    /// Pressure of the channel.
    Aftertouch,
    /// Pitch bend.
    Pitch,
    /// Program change; its value is the program.
    Program,
    /// A registered parameter (14-bit number).
    Rpn(u16),
    /// A non-registered parameter (14-bit number).
    Nrpn(u16),
}

/// A control of a node's port. As a source the port is an output port, as a destination an input.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ControlRef {
    /// The node and its port.
    pub at: PortRef,
    /// Group, 0-15; 0 where the file names none.
    pub group: u8,
    /// Channel, 0-15.
    pub channel: u8,
    /// The control.
    pub control: Control,
}

/// A route between single controls.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ControlMap {
    /// What is turned.
    pub from: ControlRef,
    /// What moves.
    pub to: ControlRef,
}

/// Runs a node's command when a control moves.
#[derive(Clone, PartialEq, Debug)]
pub struct Trigger {
    /// The control that is watched.
    pub on: ControlRef,
    /// Fires when the value goes above this (7-bit, 0-127). 0 unless the file says otherwise.
    pub above: u8,
    /// Fires only while this note or controller is held (a note on, a controller at 64 or more).
    pub guard: Option<ControlRef>,
    /// What it does.
    pub action: TriggerAction,
}

/// The command that a trigger runs: `run = "show.switch"` with `args = { .. }`.
#[derive(Clone, PartialEq, Debug)]
pub struct TriggerAction {
    /// Index into [`Graph::nodes`].
    pub node: usize,
    /// The command's name.
    pub command: String,
    /// Its arguments, a JSON object.
    pub args: Value,
}

/// A whole graph, resolved and checked.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Graph {
    /// The nodes, in the order of the file.
    pub nodes: Vec<NodeSpec>,
    /// The routes; a hop that several routes share stands in each of them.
    pub routes: Vec<Route>,
    /// The control maps, in the order of the file.
    pub maps: Vec<ControlMap>,
    /// The triggers.
    pub triggers: Vec<Trigger>,
    /// Every file that was read, the graph file first and then its includes: what a watcher watches.
    pub files: Vec<PathBuf>,
}
