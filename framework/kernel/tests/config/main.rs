//! The graph file and its language, a module for each side of it.

mod docs;
mod file;
mod language;
mod laws;
mod schema;
mod support;
mod wrong;
