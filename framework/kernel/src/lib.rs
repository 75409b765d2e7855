//! Midibay as a library.

pub mod graph;
