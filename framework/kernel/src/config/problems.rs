//! Gathering what is wrong while the texts are still being read.

use std::sync::Arc;

use super::diagnostic::{Diagnostic, Diagnostics, Level, Related};
use super::source::{Sources, Span};

/// A diagnostic whose line and column are not looked up yet.
#[derive(Debug)]
pub(crate) struct Problem {
    level: Level,
    code: &'static str,
    message: String,
    span: Option<Span>,
    label: String,
    help: String,
    related: Vec<(Span, String)>,
}

impl Problem {
    pub(crate) fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = label.into();
        self
    }

    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = help.into();
        self
    }

    pub(crate) fn related(&mut self, span: Span, label: impl Into<String>) -> &mut Self {
        self.related.push((span, label.into()));
        self
    }
}

/// All problems of one graph.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    items: Vec<Problem>,
    /// Problems with files that could not be read: no text to point into.
    whole: Vec<Diagnostic>,
}

impl Problems {
    pub(crate) fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.add(Level::Error, code, Some(span), message.into())
    }

    pub(crate) fn warning(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.add(Level::Warning, code, Some(span), message.into())
    }

    /// A warning about the first text as a whole.
    pub(crate) fn whole_warning(&mut self, code: &'static str, message: impl Into<String>) -> &mut Problem {
        self.add(Level::Warning, code, None, message.into())
    }

    pub(crate) fn whole_error(&mut self, code: &'static str, file: String, message: String, help: String) {
        self.whole.push(Diagnostic::whole_file(code, file, message, help));
    }

    fn add(&mut self, level: Level, code: &'static str, span: Option<Span>, message: String) -> &mut Problem {
        self.items.push(Problem {
            level,
            code,
            message,
            span,
            label: String::new(),
            help: String::new(),
            related: Vec::new(),
        });
        self.items.last_mut().expect("just pushed")
    }

    pub(crate) fn has_errors(&self) -> bool {
        !self.whole.is_empty() || self.items.iter().any(|item| item.level == Level::Error)
    }

    /// Looks up lines and columns; errors come before warnings, each in the order of the texts.
    pub(crate) fn finish(mut self, sources: Sources) -> Diagnostics {
        self.items.sort_by_key(|item| {
            let place = item.span.map_or((0, 0), |span| (span.file, span.start));
            (std::cmp::Reverse(item.level), place)
        });
        let mut items = self.whole;
        for problem in self.items {
            let Problem { level, code, message, span, label, help, related } = problem;
            let related = related.into_iter().map(|(span, label)| {
                let text = sources.get(span.file);
                let (line, column) = text.position(span.start);
                Related {
                    label,
                    file: text.name.clone(),
                    line,
                    column,
                    span: span.range(),
                    source: span.file,
                }
            });
            let related = related.collect();
            let mut item = Diagnostic::whole_file(code, String::new(), message, help);
            item.level = level;
            item.label = label;
            item.related = related;
            match span {
                None => item.file.clone_from(&sources.get(0).name),
                Some(span) => {
                    let text = sources.get(span.file);
                    (item.line, item.column) = text.position(span.start);
                    item.file.clone_from(&text.name);
                    item.span = span.range();
                    item.source = Some(span.file);
                }
            }
            items.push(item);
        }
        Diagnostics { items, sources: Arc::new(sources) }
    }
}
