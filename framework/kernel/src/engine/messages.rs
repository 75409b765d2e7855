//! What the control side asks of the engine, and what the engine tells it. Both go through rings of
//! fixed size; what an order carries comes back in its report, so that the engine frees nothing.

use std::sync::Arc;

use midibay_plugin::abi::{RawNode, Reply};

use super::host::{HostState, MAX_SLOTS};
use super::swap::Swap;
use crate::registry::ParsedCommand;

/// From the control side to the engine.
pub(crate) enum Order {
    /// Go over to another plan.
    Swap { ticket: u64, swap: Box<Swap> },
    /// Run a command.
    Command { ticket: u64, slot: u32, command: ParsedCommand },
    /// Put a node into its place, which is empty, and call it once.
    Install { ticket: u64, slot: u32, node: RawNode },
    /// Take a node out of its place; what it held is released.
    Remove { ticket: u64, slot: u32 },
    /// Say that you are there.
    Ping { ticket: u64 },
    /// Release everything and end.
    Stop,
}

// SAFETY: nodes are `Send` (`Node: Send`); their pointers are the only reason that this is not derived.
unsafe impl Send for Order {}

/// An order was carried out.
pub(crate) struct Report {
    pub(crate) ticket: u64,
    pub(crate) outcome: Outcome,
}

/// A node panicked and was taken out.
pub(crate) struct Fault {
    pub(crate) host: Arc<HostState>,
    pub(crate) node: RawNode,
}

// SAFETY: as for `Order`.
unsafe impl Send for Fault {}

// SAFETY: as for `Order`.
unsafe impl Send for Outcome {}

/// What became of an order.
pub(crate) enum Outcome {
    /// The plan that was in use before is in the swap now.
    Swapped(Box<Swap>),
    /// The ABI's status, or none when the node is not running.
    Command { status: Option<u8>, reply: Reply, _command: ParsedCommand },
    /// The node is in its place; `before` stood there, or is the node itself when it found no place.
    Installed { slot: u32, before: Option<RawNode> },
    /// The node that was taken out.
    Removed(Option<RawNode>),
    /// It is there.
    Pong,
}

/// The engine's way to the control side.
pub(crate) struct Reports {
    done: rtrb::Producer<Report>,
    faults: rtrb::Producer<Fault>,
}

/// The control side's end of [`Reports`].
pub(crate) struct Inbox {
    pub(crate) done: rtrb::Consumer<Report>,
    pub(crate) faults: rtrb::Consumer<Fault>,
}

impl Reports {
    /// Both ends. There is room for a fault of every node that can be there at once: a node is made anew
    /// only after its fault was taken out.
    pub(crate) fn new() -> (Self, Inbox) {
        let (done, done_in) = rtrb::RingBuffer::new(1024);
        let (faults, faults_in) = rtrb::RingBuffer::new(MAX_SLOTS);
        (Self { done, faults }, Inbox { done: done_in, faults: faults_in })
    }

    /// Tells that an order was carried out. If more than four times the orders that can be under way were
    /// not taken out, what is in the report is leaked, since the engine must not free it. `[engine]`
    pub(crate) fn done(&mut self, ticket: u64, outcome: Outcome) {
        if let Err(rtrb::PushError::Full(report)) = self.done.push(Report { ticket, outcome }) {
            std::mem::forget(report);
        }
    }

    /// Tells of a fault. `[engine]`
    pub(crate) fn faulted(&mut self, host: &Arc<HostState>, node: RawNode) {
        let fault = Fault { host: Arc::clone(host), node };
        if let Err(rtrb::PushError::Full(fault)) = self.faults.push(fault) {
            std::mem::forget(fault);
        }
    }
}
