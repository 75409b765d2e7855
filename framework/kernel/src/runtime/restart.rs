//! Starting nodes again: what panicked, and what could not be started yet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use midibay_plugin::NodeError;
use midibay_plugin::abi::RawNode;

use super::control::{Control, NodeRun, make, stop_node};
use super::deck::Deck;
use crate::engine::host::{HostState, Shared};
use crate::engine::messages::Order;
use crate::graph::NodeSpec;
use crate::registry::Registry;

/// The ticket of an order whose answer nobody waits for.
const NOBODY: u64 = u64::MAX;

/// A node that ran this long without a fault counts as sound again.
const SOUND: Duration = Duration::from_secs(60);

/// A node that is to be started again, with what that takes: the control is free meanwhile.
pub(super) struct Start {
    host: Arc<HostState>,
    spec: NodeSpec,
    registry: Registry,
}

impl Start {
    /// Makes the node, which may take its time.
    pub(super) fn make(&self) -> Result<RawNode, NodeError> {
        make(&self.registry, &self.spec, &self.host)
    }
}

impl Control {
    /// A node panicked, and the engine took it out.
    pub(super) fn faulted(&mut self, host: &Arc<HostState>) {
        let Some(index) = self.index_of(host) else { return };
        let backoff = self.options().restart;
        let run = &mut self.nodes[index];
        run.failures = if run.started.elapsed() > SOUND { 1 } else { run.failures + 1 };
        let wait = backoff.after(run.failures);
        run.trouble = Some("the plugin panicked".into());
        run.retry_at = Some(Instant::now() + wait);
        let name = &self.graph().nodes[index].name;
        tracing::error!(target: "midibay", "{name}: the plugin panicked; its notes are released, starting it again in {wait:?}");
    }

    /// The engine has a node that was started again.
    pub(super) fn installed(&mut self, slot: u32) {
        let started = |run: &NodeRun| run.host.slot == slot && run.retry_at.is_none();
        if let Some(index) = self.nodes.iter().position(started) {
            self.nodes[index].trouble = None;
            tracing::info!(target: "midibay", "{}: started again", self.graph().nodes[index].name);
        }
    }

    /// The nodes whose wait is over. Each must come back with [`Control::started`].
    pub(super) fn take_due(&mut self) -> Vec<Start> {
        let now = Instant::now();
        let mut due = Vec::new();
        if self.adrift {
            return due;
        }
        for index in 0..self.nodes.len() {
            if self.nodes[index].retry_at.take_if(|at| *at <= now).is_some() {
                let (host, registry) = (Arc::clone(&self.nodes[index].host), self.registry.clone());
                due.push(Start { host, spec: self.graph().nodes[index].clone(), registry });
            }
        }
        due
    }

    /// A node that was due could be started, or not. The engine's answer to its installation is not waited
    /// for.
    pub(super) fn started(
        &mut self,
        start: &Start,
        made: Result<RawNode, NodeError>,
        deck: &Deck,
        shared: &Shared,
    ) {
        let index = self.index_of(&start.host).filter(|_| !self.adrift);
        let Some(index) = index else {
            return made.into_iter().for_each(stop_node);
        };
        let mut run = self.nodes[index].share();
        if self.graph().nodes[index].config != start.spec.config {
            // It was given other options meanwhile.
            made.into_iter().for_each(stop_node);
            run.retry_at = Some(Instant::now());
            self.nodes[index] = run;
            return;
        }
        match self.note(&start.spec, &mut run, made) {
            Ok(Some(node)) => {
                run.restarts += 1;
                // Until the engine has it, it is not there.
                run.trouble = Some("it is being started again".into());
                let slot = run.host.slot;
                if let Err(Order::Install { node, .. }) =
                    deck.post(shared, Order::Install { ticket: NOBODY, slot, node })
                {
                    stop_node(node);
                    run.retry_at = Some(Instant::now() + self.options().restart.first);
                }
            }
            Ok(None) => {}
            Err(failed) => tracing::warn!(target: "midibay", "{failed}"),
        }
        self.nodes[index] = run;
    }

    /// Nothing could be started: once more a little later.
    pub(super) fn put_off(&mut self) {
        let later = Instant::now() + self.options().restart.first;
        for run in self.nodes.iter_mut().filter(|run| run.trouble.is_some()) {
            run.retry_at.get_or_insert(later);
        }
    }

    fn index_of(&self, host: &Arc<HostState>) -> Option<usize> {
        self.nodes.iter().position(|run| Arc::ptr_eq(&run.host, host))
    }

    /// When the next node is due.
    pub(super) fn next_start(&self) -> Option<Instant> {
        self.nodes.iter().filter_map(|run| run.retry_at).min()
    }
}
