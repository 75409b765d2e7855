//! The engine's promises, each in a file of its own, on an engine with the app's own endpoints.

mod bounded;
mod common;
mod cycles;
mod isolation;
mod library;
mod maps_and_triggers;
mod model;
mod order;
mod reload;
mod scripted;
mod stuck_notes;
mod within_calls;
