//! What a plugin says when something is wrong.

use std::fmt;

/// One thing that is wrong with a node's options.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// Where: the option's path below the node, `peers[2].port`; empty for the node as a whole.
    pub path: String,
    /// What is wrong, in the words of the person who wrote the file.
    pub message: String,
    /// What to do about it, or empty.
    pub help: String,
}

impl ConfigError {
    /// An error at an option's path.
    pub fn at(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), help: String::new() }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if !self.help.is_empty() {
            write!(f, " ({})", self.help)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
