//! The picture for a pipe: a line a second.

use std::fmt::Write;

use midibay::Status;

use super::rates::{Rates, time};

/// Makes the lines.
#[derive(Default)]
pub(crate) struct Plain {
    rates: Rates,
}

impl Plain {
    /// How everything is, in one line, ended by a line feed.
    pub(crate) fn line(&mut self, statuses: &[Status]) -> String {
        self.rates.take(statuses);
        let uptime = statuses.iter().map(|status| status.uptime).fold(0.0, f64::max);
        let mut line = format!("{uptime:.0} s");
        for status in statuses {
            for node in &status.nodes {
                let (into, out) = self.rates.of(&status.name, node);
                let name = if statuses.len() > 1 {
                    format!("{}/{}", status.name, node.name)
                } else {
                    node.name.clone()
                };
                let _ = write!(line, " | {name} {}", node.health);
                let _ =
                    write!(line, " in {} ({into:.0}/s) out {} ({out:.0}/s)", node.events_in, node.events_out);
                let drops: u64 = node.drops.values().sum();
                if drops > 0 {
                    let _ = write!(line, " dropped {drops}");
                }
                if node.latency.count > 0 {
                    let _ = write!(line, " p99 {}", time(node.latency.p99));
                }
            }
        }
        line.push('\n');
        line
    }
}
