//! The engine: one thread that moves the events of one graph. It knows stations, hops and slots; names,
//! files and retries are the business of [`crate::runtime`].

mod holds;
pub(crate) mod host;
pub(crate) mod maps;
pub(crate) mod messages;
mod order;
pub(crate) mod plan;
mod priority;
mod release;
pub(crate) mod stats;
pub(crate) mod swap;
pub(crate) mod thread;
mod timers;
pub(crate) mod triggers;
pub(crate) mod walk;
