//! Colours, where there is a terminal to show them and nobody has said no (<https://no-color.org>).

use std::io::IsTerminal;

/// Paints, or leaves plain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    color: bool,
}

/// For standard output.
pub(crate) fn stdout() -> Style {
    Style { color: wanted() && std::io::stdout().is_terminal() }
}

/// For standard error.
pub(crate) fn stderr() -> Style {
    Style { color: wanted() && std::io::stderr().is_terminal() }
}

fn wanted() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

impl Style {
    /// Whether it paints.
    pub(crate) fn is_color(self) -> bool {
        self.color
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// What a person types: a node type, an option.
    pub(crate) fn name(self, text: &str) -> String {
        self.paint("1;36", text)
    }

    /// A title.
    pub(crate) fn title(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Of less weight.
    pub(crate) fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// As it should be.
    pub(crate) fn good(self, text: &str) -> String {
        self.paint("1;32", text)
    }

    /// Wrong.
    pub(crate) fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    /// To be looked at.
    pub(crate) fn warn(self, text: &str) -> String {
        self.paint("1;33", text)
    }
}
