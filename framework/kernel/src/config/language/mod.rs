//! The routing language: `a -> b`, `{1..8}`, `pads.ch10.note36 -> lights.ch1.cc20`.
//!
//! [`pattern`] reads the text of a route, [`control`] the words behind the dots, [`resolve`] turns
//! patterns into ports and controls of nodes that exist. The language knows byte ranges of its own
//! text only; who called it knows where in a file that text stands.

pub(crate) mod control;
pub(crate) mod pattern;
pub(crate) mod resolve;

use std::ops::Range;

/// Something wrong with a route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fault {
    pub(crate) code: &'static str,
    /// Bytes of the route's text.
    pub(crate) range: Range<usize>,
    pub(crate) message: String,
    pub(crate) label: Box<str>,
    pub(crate) help: Box<str>,
    pub(crate) related: Vec<(Range<usize>, String)>,
}

impl Fault {
    pub(crate) fn new(code: &'static str, range: Range<usize>, message: impl Into<String>) -> Self {
        Self { code, range, message: message.into(), label: "".into(), help: "".into(), related: Vec::new() }
    }

    #[must_use]
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into().into_boxed_str();
        self
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into().into_boxed_str();
        self
    }

    #[must_use]
    pub(crate) fn related(mut self, range: Range<usize>, label: impl Into<String>) -> Self {
        self.related.push((range, label.into()));
        self
    }
}
