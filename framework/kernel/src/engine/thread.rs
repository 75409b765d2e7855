//! The engine's thread: waits, and makes passes.
//!
//! All that it does but waiting runs under `assert_no_alloc`: a debug build of a program that installs
//! that crate's allocator is aborted where anything on the event path takes or gives back memory.
//! Without that allocator, and in release builds, nothing is checked.

use std::sync::Arc;

use assert_no_alloc::assert_no_alloc;
use midibay_plugin::abi::{Reply, WOKEN};
use midibay_plugin::io::Wait;

use super::host::{Shared, split_poll_key};
use super::messages::{Order, Outcome};
use super::priority;
use super::walk::Core;
use crate::clock;

/// Runs until it is told to stop, and gives the core back, everything released. Before it begins, it asks
/// for real-time priority if that is wanted.
pub(crate) fn run(
    mut core: Core,
    shared: &Arc<Shared>,
    mut orders: rtrb::Consumer<Order>,
    realtime: bool,
) -> Core {
    let priority = if realtime { priority::raise() } else { "normal".to_owned() };
    tracing::debug!(target: "midibay", "the engine's priority: {priority}");
    // There is one engine's thread in an engine's life.
    let _ = shared.priority.set(priority);
    let mut wait = Wait::default();
    loop {
        while let Ok(order) = orders.pop() {
            if !assert_no_alloc(|| obey(&mut core, order)) {
                core.release_all();
                return core;
            }
            shared.wake_supervisor();
        }
        shared.poll.wait(&mut wait, core.deadline(), clock::now);
        assert_no_alloc(|| {
            for ready in wait.ready() {
                let (slot, key) = split_poll_key(ready.key);
                core.ready(slot, key, ready.flags);
            }
            shared.woken.drain(|slot| core.ready(slot, WOKEN, 0));
            core.run_deferred();
            core.tick();
        });
    }
}

/// Carries out an order. False when it was the last one.
fn obey(core: &mut Core, order: Order) -> bool {
    let (ticket, outcome) = match order {
        Order::Swap { ticket, mut swap } => {
            core.swap(&mut swap);
            (ticket, Outcome::Swapped(swap))
        }
        Order::Command { ticket, slot, command } => {
            let mut reply = Reply::default();
            let status = core.command(slot, command.this, &mut reply);
            (ticket, Outcome::Command { status, reply, _command: command })
        }
        Order::Install { ticket, slot, node } => {
            (ticket, Outcome::Installed { slot, before: core.install(slot, node) })
        }
        Order::Remove { ticket, slot } => (ticket, Outcome::Removed(core.remove(slot))),
        Order::Ping { ticket } => (ticket, Outcome::Pong),
        Order::Stop => return false,
    };
    core.reports.done(ticket, outcome);
    true
}
