//! The SDK of Midibay plugins, and the ABI behind it.
//!
//! A plugin is a crate that implements [`Node`] and either [`Processor`] or [`Endpoint`] for a type,
//! and names it in a [`Module`]. Linked into a program the module is registered as it is; built as a
//! `cdylib`, [`export!`] makes it a library that any Midibay of the same [`abi::ABI_REVISION`] loads.
//!
//! ```
//! use midibay_plugin::{ConfigError, CommandError, Event, Host, Module, NoCommand, Node, NodeError, Out, Processor};
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//!
//! /// Keeps every n-th event.
//! struct EveryNth { n: u64, seen: u64 }
//!
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(rename_all = "kebab-case", deny_unknown_fields)]
//! struct Config {
//!     /// Which events stay: 2 is every second one.
//!     n: u64,
//! }
//!
//! impl Node for EveryNth {
//!     const TYPE: &'static str = "every-nth";
//!     const ABOUT: &'static str = "Keeps every n-th event.";
//!     type Config = Config;
//!     type Params = u64;
//!     type Command = NoCommand;
//!
//!     fn compile(config: Config) -> Result<u64, Vec<ConfigError>> {
//!         match config.n {
//!             0 => Err(vec![ConfigError::at("n", "must be at least 1")]),
//!             n => Ok(n),
//!         }
//!     }
//!     fn in_place(_: &Config, _: &Config) -> bool { true }
//!     fn new(n: u64, _: Host) -> Result<Self, NodeError> { Ok(Self { n, seen: 0 }) }
//!     fn reconfigure(&mut self, n: &mut u64, _: u64, _: &mut Out) { std::mem::swap(&mut self.n, n) }
//!     fn command(&mut self, command: &mut NoCommand, _: u64, _: &mut Out) -> Result<(), CommandError> {
//!         match *command {}
//!     }
//! }
//!
//! impl Processor for EveryNth {
//!     fn process(&mut self, events: &[Event], _: u64, out: &mut Out) {
//!         for event in events {
//!             self.seen += 1;
//!             if self.seen % self.n == 0 { out.push(*event) }
//!         }
//!     }
//! }
//!
//! pub fn module() -> Module { midibay_plugin::module!().processor::<EveryNth>() }
//! ```
//!
//! Threads: each function says where it is called. `[main]` is a thread of the program that may
//! block and allocate (never two such calls for one node at once); `[engine]` is the one real-time
//! thread of the graph; `[any]` is whatever thread you like, and such a function neither blocks nor
//! allocates. What says nothing about threads is a plain value: to be used wherever it is.
//! Times are nanoseconds of the engine's monotonic clock, unless they say otherwise.

pub mod abi;
mod cells;
mod describe;
mod error;
pub mod follow;
mod glue;
mod host;
#[cfg(any(feature = "load", feature = "testing"))]
pub mod io;
#[cfg(test)]
mod layout;
#[cfg(feature = "load")]
pub mod load;
mod module;
mod node;
mod numbers;
mod out;
#[doc(hidden)]
pub mod private;
#[cfg(feature = "testing")]
pub mod testing;

pub use cells::{Counters, DropReason, PropertyCell, Value};
pub use error::{CommandError, ConfigError, NodeError};
pub use glue::{raw_endpoint, raw_processor};
pub use host::{Health, Host, Level, Property, Readiness, Ready, Waker};
pub use midibay_ump::{Event, Ump};
pub use module::Module;
pub use node::{Endpoint, NoCommand, Node, PortListing, Ports, Processor, PropertyInfo};
pub use numbers::Numbers;
pub use out::{ALL_PORTS, Out};

/// The crate of events, so that a plugin needs no dependency of its own for it.
pub use midibay_ump as ump;
/// For `#[derive(JsonSchema)]`.
pub use schemars;
/// For `#[derive(Deserialize)]`.
pub use serde;
