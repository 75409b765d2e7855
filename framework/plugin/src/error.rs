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
    /// An error at an option's path. `[main]`
    pub fn at(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), help: String::new() }
    }

    /// Adds what to do about it. `[main]`
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

/// Why a node could not be started.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeError {
    message: String,
    retry: bool,
}

impl NodeError {
    /// Trying again will not help: a file that is no MIDI file, an address that is none of ours.
    /// A graph with such a node does not start. `[main]`
    pub fn fatal(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), retry: false }
    }

    /// It may work later: a port that is taken, a cable that is out. The graph starts without the
    /// node, and the supervisor tries again after 2 s, doubling to 30 s. `[main]`
    pub fn retry(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), retry: true }
    }

    /// Whether trying again may help.
    pub fn is_retryable(&self) -> bool {
        self.retry
    }
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for NodeError {}

/// Why a command was not carried out. Made on the engine's thread, so its text is of fixed size:
/// beyond 120 bytes it is cut.
#[derive(Clone, Copy)]
pub struct CommandError {
    text: [u8; 120],
    len: u8,
}

impl CommandError {
    /// A reason, a whole sentence for the person who sent the command. `[any]`
    pub fn new(text: &str) -> Self {
        Self::format(format_args!("{text}"))
    }

    /// A reason with values in it: `CommandError::format(format_args!("no input named {name}"))`.
    /// `[any]`
    pub fn format(text: fmt::Arguments<'_>) -> Self {
        let mut error = Self { text: [0; 120], len: 0 };
        // It only fails when the text is full, and then what fits is kept.
        let _ = fmt::Write::write_fmt(&mut error, text);
        error
    }

    /// The reason.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.text[..usize::from(self.len)]).unwrap_or("")
    }
}

impl fmt::Write for CommandError {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        for c in s.chars() {
            let mut utf8 = [0; 4];
            let bytes = c.encode_utf8(&mut utf8).as_bytes();
            let (at, end) = (usize::from(self.len), usize::from(self.len) + bytes.len());
            self.text.get_mut(at..end).ok_or(fmt::Error)?.copy_from_slice(bytes);
            self.len = end as u8;
        }
        Ok(())
    }
}

impl fmt::Debug for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommandError({:?})", self.as_str())
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for CommandError {}
