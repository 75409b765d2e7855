//! The network interface: which one it is, and a thread that follows it as it comes and goes.

mod changes;
mod interfaces;
mod watch;

pub(crate) use interfaces::interfaces;
pub(crate) use watch::{Link, Target, Watch};
