//! Tells when a node's health changes, once each.

use std::collections::HashMap;

use midibay::Status;

use crate::say;

/// What was told last of each node that is not well.
#[derive(Default)]
pub(crate) struct Troubles(HashMap<String, (&'static str, String)>);

impl Troubles {
    /// Looks at an engine's nodes.
    pub(crate) fn tell(&mut self, status: &Status) {
        for node in &status.nodes {
            let key = format!("{}: {}", status.name, node.name);
            if node.health == "ok" {
                if self.0.remove(&key).is_some() {
                    say::note(&format!("{}: works again", node.name));
                }
                continue;
            }
            let now = (node.health, node.reason.clone());
            if self.0.get(&key) != Some(&now) {
                say::warning(&format!("{} is {}: {}", node.name, node.health, node.reason), "");
                self.0.insert(key, now);
            }
        }
    }
}
