//! What the SDK promises to plugins, and what a program that runs plugins is promised.

mod cells;
mod commands;
mod errors;
mod follow;
mod host;
mod load;
mod numbers;
mod options;
mod out;
mod panics;
mod support;
