//! Why a command did not do what it was asked to, and the exit code that says so.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use midibay::config::Diagnostics;

use crate::{say, style};

/// The end of a command that did not succeed. Exit code 1, but for [`Failure::Quiet`].
#[derive(Debug)]
pub(crate) enum Failure {
    /// One reason, and what to do about it (or nothing).
    Reason(String, String),
    /// Mistakes in a graph.
    Graph(Box<Diagnostics>),
    /// It has been told already.
    Told,
    /// Nobody reads any more: not a failure at all.
    Quiet,
}

impl Failure {
    /// A reason that says all there is to say.
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self::Reason(reason.into(), String::new())
    }

    /// Adds what to do about it.
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        match self {
            Self::Reason(reason, _) => Self::Reason(reason, help.into()),
            other => other,
        }
    }

    /// The files that hold the mistakes.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let Self::Graph(diagnostics) = self else { return Vec::new() };
        let files: BTreeSet<PathBuf> =
            diagnostics.items.iter().map(|item| PathBuf::from(&item.file)).collect();
        files.into_iter().filter(|file| file.is_file()).collect()
    }

    /// Tells it, and gives the exit code.
    pub(crate) fn tell(self) -> ExitCode {
        match self {
            Self::Reason(reason, help) => say::error(&reason, &help),
            Self::Graph(diagnostics) => say::diagnostics(&diagnostics),
            Self::Told => {}
            Self::Quiet => return ExitCode::SUCCESS,
        }
        ExitCode::FAILURE
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Graph(Box::new(diagnostics))
    }
}

/// `a, b and c`, each in the colour of things to type.
pub(crate) fn list(names: impl IntoIterator<Item = String>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| style::stderr().name(&name)).collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}
