//! The bounded queue in front of a device that cannot take more, and what gives way when it is full.

mod merger;
mod out_queue;
mod owed;

pub use merger::{MergeCounts, SysexMerger};
pub use out_queue::{OutQueue, OverloadCounts, value_key};
