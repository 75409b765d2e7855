//! How much passes a second, out of counters that only grow.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use midibay::{NodeStatus, Status};

/// Rates are taken over this time, so that they can be read.
const WINDOW: Duration = Duration::from_secs(1);

/// What the counters said: events in, events out.
type Past = VecDeque<(Instant, u64, u64)>;

/// The rates of all nodes, by engine and name.
#[derive(Default)]
pub(super) struct Rates(HashMap<(String, String), Past>);

impl Rates {
    /// Takes in the counters as they are now.
    pub(super) fn take(&mut self, statuses: &[Status]) {
        let now = Instant::now();
        let mut seen = HashMap::new();
        for status in statuses {
            for node in &status.nodes {
                let key = (status.name.clone(), node.name.clone());
                let mut past = self.0.remove(&key).unwrap_or_default();
                // A node that was made anew counts from nothing.
                if past.back().is_some_and(|(_, into, out)| node.events_in < *into || node.events_out < *out)
                {
                    past.clear();
                }
                past.push_back((now, node.events_in, node.events_out));
                while past.get(1).is_some_and(|(time, ..)| now.duration_since(*time) >= WINDOW) {
                    past.pop_front();
                }
                seen.insert(key, past);
            }
        }
        self.0 = seen;
    }

    /// Events a second into a node and out of it.
    pub(super) fn of(&self, engine: &str, node: &NodeStatus) -> (f64, f64) {
        let past = self.0.get(&(engine.to_owned(), node.name.clone()));
        let ends = past.and_then(|past| Some((*past.front()?, *past.back()?)));
        let Some(((begin, into, out), (end, into_now, out_now))) = ends else { return (0.0, 0.0) };
        let seconds = end.duration_since(begin).as_secs_f64();
        if seconds <= 0.0 {
            return (0.0, 0.0);
        }
        ((into_now - into) as f64 / seconds, (out_now - out) as f64 / seconds)
    }
}

/// A time as people read it: `12 us`, `1.5 ms`.
pub(super) fn time(ns: u64) -> String {
    match ns {
        0 => "-".to_owned(),
        1..=999 => format!("{ns} ns"),
        1_000..=999_999 => format!("{:.0} us", ns as f64 / 1e3),
        1_000_000..=999_999_999 => format!("{:.1} ms", ns as f64 / 1e6),
        _ => format!("{:.1} s", ns as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times_are_short_words() {
        assert_eq!(
            [0, 512, 12_345, 1_540_000, 17_000_000_000].map(time),
            ["-", "512 ns", "12 us", "1.5 ms", "17.0 s"]
        );
    }
}
