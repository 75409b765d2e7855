//! Midibay as a library.

pub mod clock;
pub mod config;
mod engine;
pub mod graph;
mod registry;
mod runtime;

pub use engine::stats::Latency;
pub use registry::{AppInput, AppInputError, Clash, PluginInfo, Registry, SearchPath, Skipped};
pub use runtime::{
    Backoff, CommandFailed, Engine, EngineGone, EngineOptions, NodeFailed, NodeStatus, ReloadError,
    ReloadReport, RouteStatus, StartError, Status,
};

/// What the benches of this crate reach into. No part of the library's promises.
#[doc(hidden)]
pub mod internals {
    pub use crate::engine::maps::{MapTable, PortMaps};
    pub use crate::engine::triggers::{PortTriggers, TriggerState, Triggers};
}
