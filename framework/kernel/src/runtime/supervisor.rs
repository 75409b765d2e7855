//! The supervisor's thread: writes the log, passes on answers, and brings back nodes that failed.
//!
//! Ending and starting nodes is the plugins' code and may take its time, and everybody who asks the
//! engine something waits for this thread. So that is done on a thread of its own, one at a time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use midibay_plugin::Level;

use super::Inner;
use super::control::{Start, stop_node};
use crate::engine::messages::{Fault, Inbox, Outcome};

/// It looks around this often when nobody wakes it; a lost wake-up costs no more than this.
const ROUND: Duration = Duration::from_secs(1);

/// Runs until the engine is to be stopped; gives back what else the engine may tell.
pub(super) fn run(inner: &Arc<Inner>, mut inbox: Inbox) -> Inbox {
    let mut news = Vec::new();
    let mut worker: Option<JoinHandle<()>> = None;
    loop {
        let stopping = inner.stopping.load(Ordering::Acquire);
        while let Ok(report) = inbox.done.pop() {
            if let Some(outcome) = inner.deck.answer(report.ticket, report.outcome) {
                news.extend(unclaimed(outcome));
            }
        }
        while let Ok(fault) = inbox.faults.pop() {
            news.push(News::Faulted(fault));
        }
        drain_log(inner);
        if worker.as_ref().is_some_and(JoinHandle::is_finished) {
            join(worker.take());
        }
        if stopping {
            join(worker);
            end_faulted(faulted_in(news));
            return inbox;
        }
        let next = if worker.is_none() { restart(inner, &mut news, &mut worker) } else { None };
        std::thread::park_timeout(
            next.map_or(ROUND, |at| at.saturating_duration_since(Instant::now()).min(ROUND)),
        );
    }
}

fn join(worker: Option<JoinHandle<()>>) {
    if worker.is_some_and(|worker| worker.join().is_err()) {
        tracing::error!(target: "midibay", "starting a node failed in a way that it never should");
    }
}

/// What the control side must hear of, as soon as it is free.
enum News {
    Faulted(Fault),
    Installed(u32),
}

/// An answer that nobody waits for any more still holds nodes that must be ended; installations are
/// never waited for.
fn unclaimed(outcome: Outcome) -> Option<News> {
    match outcome {
        Outcome::Swapped(swap) => super::control::stop_nodes(swap.plan),
        Outcome::Removed(Some(node)) => stop_node(node),
        Outcome::Installed { slot, before } => {
            before.into_iter().for_each(stop_node);
            return Some(News::Installed(slot));
        }
        Outcome::Removed(None) | Outcome::Command { .. } | Outcome::Pong => {}
    }
    None
}

/// Has ended what panicked and started what is due; tells when the next one is.
fn restart(inner: &Arc<Inner>, news: &mut Vec<News>, worker: &mut Option<JoinHandle<()>>) -> Option<Instant> {
    // A reload holds the control for as long as the engine takes, and this thread is needed for the
    // engine's answer.
    let Ok(mut control) = inner.control.try_lock() else {
        return Some(Instant::now() + Duration::from_millis(20));
    };
    for news in news.iter() {
        match news {
            News::Faulted(fault) => control.faulted(&fault.host),
            News::Installed(slot) => control.installed(*slot),
        }
    }
    let faulted = faulted_in(std::mem::take(news));
    let due = control.take_due();
    if !faulted.is_empty() || !due.is_empty() {
        let work = {
            let inner = Arc::clone(inner);
            move || {
                end_faulted(faulted);
                start(&inner, due);
                inner.shared.wake_supervisor();
            }
        };
        let name = format!("{}-starter", control.options().name);
        match std::thread::Builder::new().name(name).spawn(work) {
            Ok(thread) => *worker = Some(thread),
            // What was due is forgotten with the closure, and comes back.
            Err(error) => {
                tracing::error!(target: "midibay", "the system gives no thread to start nodes with: {error}");
                control.put_off();
            }
        }
    }
    control.next_start()
}

fn faulted_in(news: Vec<News>) -> Vec<Fault> {
    let faults = news.into_iter().filter_map(|news| match news {
        News::Faulted(fault) => Some(fault),
        News::Installed(_) => None,
    });
    faults.collect()
}

pub(super) fn end_faulted(faulted: impl IntoIterator<Item = Fault>) {
    for fault in faulted {
        stop_node(fault.node);
    }
}

fn start(inner: &Inner, due: Vec<Start>) {
    for start in due {
        let made = start.make();
        inner.control().started(&start, made, &inner.deck, &inner.shared);
    }
}

/// Writes what nodes said since the last time.
pub(super) fn drain_log(inner: &Inner) {
    let lost = inner.shared.log_lost.load(Ordering::Relaxed);
    let told = inner.shared.log_lost_told.swap(lost, Ordering::Relaxed);
    if lost > told {
        tracing::warn!(target: "midibay", "{} lines of the log were lost", lost - told);
    }
    while let Some(line) = inner.shared.log.pop() {
        let node = inner.shared.name_of(line.slot);
        match line.level {
            Level::Error => tracing::error!(target: "midibay", "{node}: {}", line.text()),
            Level::Warn => tracing::warn!(target: "midibay", "{node}: {}", line.text()),
            Level::Info => tracing::info!(target: "midibay", "{node}: {}", line.text()),
            Level::Debug => tracing::debug!(target: "midibay", "{node}: {}", line.text()),
        }
    }
}
