//! The supervisor's thread: writes the log, passes on answers, and brings back nodes that failed.
//!
//! Ending and starting nodes is the plugins' code and may take its time, and everybody who asks the
//! engine something waits for this thread. So that is done on a thread of its own, one at a time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Inner;
use super::control::{Control, stop_node};
use super::restart::Start;
use crate::engine::host::HostState;
use crate::engine::messages::{Fault, Inbox, Outcome};

/// It looks around this often when nobody wakes it; a lost wake-up costs no more than this.
const ROUND: Duration = Duration::from_secs(1);

/// How often it looks whether a thread that starts nodes is through.
const LOOK: Duration = Duration::from_millis(100);

/// Runs until the engine is to be stopped; gives back what else the engine may tell.
pub(super) fn run(inner: &Arc<Inner>, mut inbox: Inbox) -> Inbox {
    let (mut news, mut faulted) = (Vec::new(), Vec::new());
    let mut worker: Option<JoinHandle<()>> = None;
    loop {
        let stopping = inner.stopping.load(Ordering::Acquire);
        while let Ok(report) = inbox.done.pop() {
            if let Some(outcome) = inner.deck.answer(report.ticket, report.outcome) {
                news.extend(unclaimed(outcome));
            }
        }
        while let Ok(fault) = inbox.faults.pop() {
            news.push(News::Faulted(Arc::clone(&fault.host)));
            faulted.push(fault);
        }
        inner.log().drain(&inner.shared);
        if stopping {
            join(worker);
            end_faulted(faulted);
            return inbox;
        }
        if worker.as_ref().is_some_and(JoinHandle::is_finished) {
            join(worker.take());
        }
        // A reload holds the control for as long as the engine takes, and this thread is needed for the
        // engine's answer.
        let next = match inner.control.try_lock() {
            Ok(mut control) => {
                hear(&mut control, &mut news);
                if worker.is_none() {
                    worker = begin_work(inner, &mut control, &mut faulted);
                }
                control.next_start()
            }
            Err(_) => Some(Instant::now() + LOOK / 5),
        };
        let left = next.map_or(ROUND, |at| at.saturating_duration_since(Instant::now()));
        std::thread::park_timeout(if worker.is_some() { LOOK } else { left.min(ROUND) });
    }
}

fn join(worker: Option<JoinHandle<()>>) {
    if worker.is_some_and(|worker| worker.join().is_err()) {
        tracing::error!(target: "midibay", "starting a node failed in a way that it never should");
    }
}

/// What the control side must hear of, as soon as it is free.
enum News {
    Faulted(Arc<HostState>),
    Installed(u32),
}

fn hear(control: &mut Control, news: &mut Vec<News>) {
    for news in news.drain(..) {
        match news {
            News::Faulted(host) => control.faulted(&host),
            News::Installed(slot) => control.installed(slot),
        }
    }
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

/// Has ended what panicked, and started what is due.
fn begin_work(inner: &Arc<Inner>, control: &mut Control, faulted: &mut Vec<Fault>) -> Option<JoinHandle<()>> {
    let (faulted, due) = (std::mem::take(faulted), control.take_due());
    if faulted.is_empty() && due.is_empty() {
        return None;
    }
    let name = format!("{}-starter", control.options().name);
    let work = {
        let inner = Arc::clone(inner);
        move || {
            end_faulted(faulted);
            start(&inner, due);
            inner.shared.wake_supervisor();
        }
    };
    let spawned = std::thread::Builder::new().name(name).spawn(work);
    if let Err(error) = &spawned {
        tracing::error!(target: "midibay", "the system gives no thread to start nodes with: {error}");
        control.put_off();
    }
    spawned.ok()
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
