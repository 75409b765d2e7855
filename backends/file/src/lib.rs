//! The node type `file`: plays and records Standard MIDI Files, and moves MIDI bytes through plain
//! files, FIFOs, serial lines and raw MIDI devices.
//!
//! | room | what it holds |
//! |---|---|
//! | `config` | the options, checked |
//! | [`smf`] | a MIDI file becomes a [`smf::Piece`]: packets with exact times |
//! | `player` | a piece is played: `mode = "play"`, and plain byte files that are read |
//! | `recorder` | events are written to plain files by a thread: `mode = "record"`, and raw writing |
//! | `stream` | FIFOs and devices, on the engine's thread, opened by a thread of their own (Unix) |

mod assemble;
mod command;
mod config;
mod failure;
mod list;
mod node;
mod player;
mod recorder;
pub mod smf;
#[cfg(unix)]
mod stream;

pub use command::Command;
pub use config::{Config, Create, Direction, Mode, Params, Start};
pub use node::FileNode;

/// What this crate brings: the endpoint `file`.
pub fn module() -> midibay_plugin::Module {
    midibay_plugin::module!().endpoint::<FileNode>()
}
