//! Midibay as a library.

mod engine;
pub mod graph;

/// What the benches of this crate reach into. No part of the library's promises.
#[doc(hidden)]
pub mod internals {
    pub use crate::engine::maps::{MapTable, PortMaps};
    pub use crate::engine::triggers::{PortTriggers, TriggerState, Triggers};
}
