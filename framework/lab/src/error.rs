//! The one error of this crate: a test shows it and fails.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// What went wrong while a test's surroundings were set up or waited for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A program could not be started.
    #[error("cannot start `{program}`: {source}")]
    Start {
        /// The program as it was called.
        program: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A program that should have succeeded did not.
    #[error("`{program}` ended with {status}\n{output}")]
    Failed {
        /// The program with its arguments.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// All it wrote.
        output: String,
    },
    /// Something did not happen in time.
    #[error("waited {patience:?} for {what}, in vain\n{output}")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long.
        patience: Duration,
        /// What the program that was waited for had written, if it was a program.
        output: String,
    },
    /// A program ended while more was expected of it.
    #[error("`{program}` ended before {what}\n{output}")]
    EndedEarly {
        /// The program.
        program: String,
        /// What was waited for.
        what: String,
        /// All it wrote.
        output: String,
    },
    /// A call of the system failed.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Cargo built something, but not the file that was asked for.
    #[error("building {manifest} made no {kind}")]
    NoArtifact {
        /// The package's `Cargo.toml`, or its name.
        manifest: PathBuf,
        /// "program" or "library".
        kind: &'static str,
    },
    /// The load generator got nothing back at all.
    #[error("nothing came back from {0}: is something listening there?")]
    Silence(std::net::SocketAddr),
}

impl Error {
    /// Gives an I/O error the words for what was tried.
    pub(crate) fn system(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }
}
