//! The commands of a `file` node; which of them it knows depends on what it does.

use midibay_plugin::CommandError;
use schemars::JsonSchema;
use serde::Deserialize;

/// What a `file` node can be told.
#[derive(Deserialize, JsonSchema, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// Play from the beginning; or record into a new file.
    Start,
    /// Stop where it is, and release what is held; or end the recording.
    Stop,
    /// Play on from where it stopped.
    Continue,
    /// Go to a place in the piece. Controllers, programs and bends become what they are there.
    Seek {
        /// Seconds from the beginning of the piece as it is written.
        to: f64,
    },
    /// Start again at the end, or not.
    Loop {
        /// Whether to.
        on: bool,
    },
}

/// The answer to a command that this kind of node does not know.
pub(crate) fn refuse(what: &str, known: &str) -> CommandError {
    CommandError::format(format_args!("this node {what}; it knows {known}"))
}
