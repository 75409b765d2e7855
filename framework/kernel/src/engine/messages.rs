//! What the control side asks of the engine, and what the engine tells it. Both go through rings of
//! fixed size; what an order carries comes back in its report, so that the engine frees nothing.

use midibay_plugin::abi::{RawNode, Reply};

use super::swap::Swap;
use crate::registry::ParsedCommand;

/// From the control side to the engine.
pub(crate) enum Order {
    /// Go over to another plan.
    Swap { ticket: u64, swap: Box<Swap> },
    /// Run a command.
    Command { ticket: u64, slot: u32, command: ParsedCommand },
    /// Put a node into its place, which is empty.
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

/// From the engine to the control side.
pub(crate) enum Report {
    /// A node panicked and was taken out.
    Faulted { slot: u32, node: RawNode },
    /// An order was carried out.
    Done { ticket: u64, outcome: Outcome },
}

// SAFETY: as for `Order`.
unsafe impl Send for Report {}

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
pub(crate) struct Reports(pub(crate) rtrb::Producer<Report>);

impl Reports {
    /// Tells. The ring has room for a report of every order that can be under way and of every node's
    /// fault; a report beyond that is leaked, since the engine must not free what is in it. `[engine]`
    pub(crate) fn send(&mut self, report: Report) {
        if let Err(rtrb::PushError::Full(report)) = self.0.push(report) {
            std::mem::forget(report);
        }
    }
}
