//! Running a graph: starting its nodes, the engine's thread, reloads, commands, and the supervisor that
//! brings back what failed.

mod control;
mod deck;
mod log;
mod restart;
mod status;
mod supervisor;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::engine::host::Shared;
use crate::engine::messages::{Inbox, Order, Outcome, Reports};
use crate::engine::thread;
use crate::engine::walk::Core;
use crate::graph::Graph;
use crate::registry::Registry;

use control::Control;
pub use control::{NodeFailed, ReloadError, ReloadReport, StartError};
use deck::Deck;
use log::Log;
pub use status::{NodeStatus, RouteStatus, Status};

/// How long the engine may take to answer before it counts as gone. It answers between two passes,
/// so microseconds are usual.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait before a failed node is started again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// Doubling up to this.
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_secs(2), most: Duration::from_secs(30) }
    }
}

impl Backoff {
    /// The wait after this many failures in a row (1 for the first).
    fn after(&self, failures: u32) -> Duration {
        self.first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(self.most)
    }
}

/// How an engine runs.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Its name in the log and in the names of its threads.
    pub name: String,
    /// When failed nodes are started again.
    pub restart: Backoff,
    /// Whether the engine's thread asks for real-time priority. What it got stands in
    /// [`Status::priority`]; a refusal is no error. Off by default: whether an app's own threads can
    /// wait is for the app to say.
    pub realtime: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { name: "midibay".into(), restart: Backoff::default(), realtime: false }
    }
}

/// The engine's thread does not answer: it has ended, or a node does not come back from a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "the engine does not answer: it has ended, or a node keeps it from going on; end the program and start it again"
)]
pub struct EngineGone;

/// Why a command was not carried out.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CommandFailed {
    /// The graph has no such node.
    #[error("no node `{0}`")]
    NoNode(String),
    /// The node knows no such command, or the arguments do not fit.
    #[error("{0}")]
    Invalid(String),
    /// The node would not.
    #[error("{0}")]
    Refused(String),
    /// The node is not running at the moment.
    #[error("node `{0}` is not running: {1}")]
    NotRunning(String, String),
    /// The engine does not answer.
    #[error(transparent)]
    Gone(#[from] EngineGone),
}

/// What the handle and the supervisor share.
struct Inner {
    shared: Arc<Shared>,
    deck: Deck,
    control: Mutex<Control>,
    log: Mutex<Log>,
    stopping: AtomicBool,
}

impl Inner {
    fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn control(&self) -> std::sync::MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A graph at work. All functions are `[main]`: they may block, and be called on any thread but the
/// engine's. Dropping it stops the engine.
pub struct Engine {
    inner: Arc<Inner>,
    engine: Option<JoinHandle<Core>>,
    supervisor: Option<JoinHandle<Inbox>>,
}

impl Engine {
    /// Starts a graph: its nodes are made, then the engine runs on a thread of its own. A node that
    /// cannot start now but may later is left out, and the supervisor tries again.
    ///
    /// # Errors
    /// A node can never start like this, or the system gives no thread or poller. Nothing runs then.
    pub fn start(graph: Graph, registry: Registry, options: EngineOptions) -> Result<Self, StartError> {
        let shared = Shared::new().map_err(StartError::System)?;
        let (control, plan) = Control::start(graph, registry, options, &shared)?;
        let (name, realtime) = (control.options().name.clone(), control.options().realtime);
        let (orders, orders_in) = rtrb::RingBuffer::new(256);
        let (reports, inbox) = Reports::new();
        let inner = Arc::new(Inner {
            shared: Arc::clone(&shared),
            deck: Deck::new(orders),
            control: Mutex::new(control),
            log: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let supervisor = {
            let inner = Arc::clone(&inner);
            std::thread::Builder::new()
                .name(format!("{name}-supervisor"))
                .spawn(move || supervisor::run(&inner, inbox))
                .map_err(StartError::System)?
        };
        shared.set_supervisor(supervisor.thread().clone());
        let engine = {
            let shared = Arc::clone(&shared);
            let core = Core::new(plan, reports);
            std::thread::Builder::new()
                .name(format!("{name}-engine"))
                .spawn(move || thread::run(core, &shared, orders_in, realtime))
                .map_err(StartError::System)
        };
        let mut this = Self { inner, engine: None, supervisor: Some(supervisor) };
        this.engine = Some(engine?);
        this.inner.control().wake_all(&shared);
        Ok(this)
    }

    /// Goes over to another graph while events flow. Nodes whose options did not change run on with all
    /// their state; others are changed as they run where they can, or replaced. Either the whole new
    /// graph runs afterwards, or the old one goes on as if nothing had been.
    ///
    /// # Errors
    /// A node of the new graph can never start like this, or the engine is gone.
    pub fn reload(&self, graph: Graph) -> Result<ReloadReport, ReloadError> {
        self.inner.control().reload(graph, None, &self.inner.deck, &self.inner.shared)
    }

    /// The same, with other node types to choose from: for a graph that uses new plugins.
    ///
    /// # Errors
    /// As for [`Engine::reload`].
    pub fn reload_with(&self, graph: Graph, registry: Registry) -> Result<ReloadReport, ReloadError> {
        self.inner.control().reload(graph, Some(registry), &self.inner.deck, &self.inner.shared)
    }

    /// Runs a command of a node. When this returns `Ok`, it has been done.
    ///
    /// # Errors
    /// Why it was not done.
    pub fn command(&self, node: &str, command: &str, args: &Value) -> Result<(), CommandFailed> {
        let waiting = {
            // Sent before the control is free again: in a later graph this slot may be another node's.
            let control = self.inner.control();
            let (slot, command) = control.parse_command(node, command, args)?;
            let order = |ticket| Order::Command { ticket, slot, command };
            self.inner.deck.begin(&self.inner.shared, PATIENCE, order)?
        };
        let outcome = waiting.wait()?;
        let Outcome::Command { status, reply, .. } = outcome else { return Err(EngineGone.into()) };
        match status {
            Some(midibay_plugin::abi::OK) => Ok(()),
            Some(midibay_plugin::abi::REFUSED) => Err(CommandFailed::Refused(reply.as_str().to_owned())),
            Some(_) => {
                Err(CommandFailed::NotRunning(node.into(), "it failed while it ran the command".into()))
            }
            None => Err(CommandFailed::NotRunning(node.into(), self.inner.control().why_not_running(node))),
        }
    }

    /// How everything is: health, counters, properties, latencies. Does not ask the engine, only reads.
    pub fn status(&self) -> Status {
        self.inner.control().status(&self.inner.shared)
    }

    /// The graph that runs.
    pub fn graph(&self) -> Graph {
        self.inner.control().graph().clone()
    }

    /// Has the engine's thread answer: for watchdogs.
    ///
    /// # Errors
    /// It did not answer in time.
    pub fn ping(&self, timeout: Duration) -> Result<(), EngineGone> {
        let pinged = self.inner.deck.begin(&self.inner.shared, timeout, |ticket| Order::Ping { ticket });
        pinged?.wait().map(drop)
    }

    /// Stops: everything held is released, then the nodes end.
    ///
    /// # Errors
    /// The engine's thread had ended before, by a fault of its own, or a node has not come back from a call
    /// in 5 s; the nodes could not be ended in order.
    pub fn stop(mut self) -> Result<(), EngineGone> {
        self.halt()
    }

    fn halt(&mut self) -> Result<(), EngineGone> {
        self.inner.stopping.store(true, Ordering::Release);
        let inbox = self.supervisor.take().and_then(|supervisor| {
            supervisor.thread().unpark();
            supervisor.join().ok()
        });
        let Some(engine) = self.engine.take() else { return Ok(()) };
        let deadline = Instant::now() + PATIENCE;
        let mut told = false;
        while !engine.is_finished() {
            told = told || self.inner.deck.post(&self.inner.shared, Order::Stop).is_ok();
            if Instant::now() > deadline {
                return Err(EngineGone);
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        let core = engine.join().map_err(|_| EngineGone);
        if let Some(mut inbox) = inbox {
            supervisor::end_faulted(std::iter::from_fn(|| inbox.faults.pop().ok()));
        }
        control::stop_nodes(core?.plan);
        let mut log = self.inner.log();
        log.drain(&self.inner.shared);
        log.finish(&self.inner.shared);
        Ok(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // `stop` tells; here there is nobody to tell.
        let _ = self.halt();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_before_a_restart_doubles_from_2_s_to_30_s() {
        let waits = [1, 2, 3, 4, 5, 6, u32::MAX].map(|failures| Backoff::default().after(failures).as_secs());
        assert_eq!(waits, [2, 4, 8, 16, 30, 30, 30]);
    }
}
