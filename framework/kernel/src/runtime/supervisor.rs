//! The supervisor's thread: writes the log, passes on answers, and brings back nodes that failed.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use midibay_plugin::Level;

use super::Inner;
use super::control::stop_node;
use crate::engine::messages::{Order, Outcome, Report};

/// It looks around this often when nobody wakes it; a lost wake-up costs no more than this.
const ROUND: Duration = Duration::from_secs(1);

pub(super) fn run(inner: &Inner, mut reports: rtrb::Consumer<Report>) {
    let mut news = Vec::new();
    loop {
        while let Ok(report) = reports.pop() {
            match report {
                Report::Faulted { slot, node } => {
                    stop_node(node);
                    news.push(News::Faulted(slot));
                }
                Report::Done { ticket, outcome } => {
                    if let Some(outcome) = inner.deck.answer(ticket, outcome) {
                        news.extend(unclaimed(outcome));
                    }
                }
            }
        }
        drain_log(inner);
        if inner.stopping.load(Ordering::Acquire) {
            return;
        }
        let next = restart(inner, &mut news);
        std::thread::park_timeout(
            next.map_or(ROUND, |at| at.saturating_duration_since(Instant::now()).min(ROUND)),
        );
    }
}

/// What the control side must hear of, as soon as it is free.
enum News {
    Faulted(u32),
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

/// Starts again what is due; tells when the next one is. The engine answers an installation through
/// this very thread, so it is not waited for.
fn restart(inner: &Inner, news: &mut Vec<News>) -> Option<Instant> {
    // A reload holds the control for as long as the engine takes: it looks after the nodes itself then,
    // and this thread is needed for the engine's answer.
    let Ok(mut control) = inner.control.try_lock() else {
        return Some(Instant::now() + Duration::from_millis(20));
    };
    for news in news.drain(..) {
        match news {
            News::Faulted(slot) => control.faulted(slot),
            News::Installed(slot) => control.installed(slot),
        }
    }
    for (slot, node) in control.start_due() {
        let installed = inner.deck.post(&inner.shared, Order::Install { ticket: u64::MAX, slot, node });
        if installed {
            inner.shared.woken.insert(slot);
            inner.shared.poll.notify();
        } else {
            stop_node(node);
            control.faulted(slot);
        }
    }
    control.next_start()
}

/// Writes what nodes said since the last time.
pub(super) fn drain_log(inner: &Inner) {
    let lost = inner.shared.log_lost.swap(0, Ordering::Relaxed);
    if lost > 0 {
        tracing::warn!(target: "midibay", "{lost} lines of the log were lost");
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
