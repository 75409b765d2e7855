//! The node and its parts.
//!
//! Whatever the rig runs as the engine would is watched: an allocation ends the test.

mod common;
mod config;
// Elsewhere the interface has another name.
#[cfg(target_os = "linux")]
mod multicast;
mod outbox;
mod senders;
mod unicast;

#[global_allocator]
static ALLOCATOR: midibay_plugin::testing::AllocDisabler = midibay_plugin::testing::AllocDisabler;
