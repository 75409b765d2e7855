//! What is wrong with a graph, in a form that a terminal, an editor and an API can show.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level as Shown, Origin, Renderer, Snippet};
use serde_json::json;

use super::source::Sources;

/// How many items a person is shown: whoever has more has made one mistake many times.
const SHOWN: usize = 100;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// The graph runs, but probably not as meant.
    Warning,
    /// The graph does not run.
    Error,
}

/// A place that helps to understand a diagnostic: the first definition of a name, the other side
/// of a route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Related {
    /// What is to be seen there.
    pub label: String,
    /// The text's name, as in [`Diagnostic::file`].
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The same place in bytes of the text.
    pub span: Range<usize>,
    pub(super) source: usize,
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// Error or warning.
    pub level: Level,
    /// A stable short name of what went wrong, `unknown-option`; `docs/graph-language.md` lists them.
    pub code: &'static str,
    /// What is wrong, one sentence.
    pub message: String,
    /// The path of the file as it was given, `<graph>` and the like for other texts, `--set` for overrides.
    pub file: String,
    /// Line, from 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// Column in characters, from 1; 0 when the file as a whole is meant.
    pub column: usize,
    /// The same place in bytes of the text.
    pub span: Range<usize>,
    /// What to write at the underline, or empty.
    pub label: String,
    /// What to do about it, or empty.
    pub help: String,
    /// Other places that matter.
    pub related: Vec<Related>,
    pub(super) source: Option<usize>,
}

/// Everything that is wrong with a graph.
///
/// [`Display`](fmt::Display) gives the plain text of [`render`](Self::render).
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    /// In the order of the texts.
    pub items: Vec<Diagnostic>,
    pub(super) sources: Arc<Sources>,
}

impl Diagnostics {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.items.iter().filter(|item| item.level == Level::Error).count()
    }

    /// How many warnings there are.
    pub fn warnings(&self) -> usize {
        self.items.len() - self.errors()
    }

    /// The text for a person: each item with its source line, the underline and the advice. With
    /// `color`, in ANSI colours. Ends with a line feed unless nothing is wrong. After a hundred items
    /// only the number of the others is told.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let mut text = String::new();
        for item in self.items.iter().take(SHOWN) {
            text.push_str(&renderer.render(&[self.group(item)]));
            text.push_str("\n\n");
        }
        if text.ends_with("\n\n") {
            text.pop();
        }
        if self.items.len() > SHOWN {
            text.push_str(&format!("\n... and {} more\n", self.items.len() - SHOWN));
        }
        text
    }

    fn group<'a>(&'a self, item: &'a Diagnostic) -> Group<'a> {
        let level = match item.level {
            Level::Error => Shown::ERROR,
            Level::Warning => Shown::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(item.message.as_str()).id(item.code));
        match item.source {
            None => group = group.element(Origin::path(item.file.as_str())),
            Some(source) => {
                let (here, elsewhere): (Vec<_>, Vec<_>) =
                    item.related.iter().partition(|other| other.source == source);
                let mut places = vec![(AnnotationKind::Primary, &item.span, item.label.as_str())];
                places.extend(here.into_iter().map(context));
                group = group.element(self.snippet(source, places));
                for other in elsewhere {
                    group = group.element(self.snippet(other.source, vec![context(other)]));
                }
            }
        }
        if !item.help.is_empty() {
            group = group.element(Shown::HELP.message(item.help.as_str()));
        }
        group
    }

    /// The lines that the places are in, and those between: the renderer would look through the
    /// whole text for each item.
    fn snippet<'a>(
        &'a self,
        source: usize,
        places: Vec<(AnnotationKind, &'a Range<usize>, &'a str)>,
    ) -> Snippet<'a, Annotation<'a>> {
        let source = self.sources.get(source);
        let text = source.text.as_str();
        let first = places.iter().map(|(_, span, _)| span.start).min().unwrap_or(0);
        let last = places.iter().map(|(_, span, _)| span.end).max().unwrap_or(text.len());
        let start = text[..first].rfind('\n').map_or(0, |at| at + 1);
        let end = text[last..].find('\n').map_or(text.len(), |at| last + at);
        let (line, _) = source.position(start);
        let marks = places.into_iter().map(|(kind, span, label)| {
            kind.span(span.start - start..span.end - start).label((!label.is_empty()).then_some(label))
        });
        Snippet::source(&text[start..end]).line_start(line).path(source.name.as_str()).annotations(marks)
    }

    /// The same as an array of JSON objects: `level`, `code`, `message`, `file`, `line`, `column`,
    /// `end_line`, `end_column`, `label`, `help`, `related`. Lines and columns are null where the
    /// file as a whole is meant.
    pub fn to_json(&self) -> serde_json::Value {
        let items = self.items.iter().map(|item| {
            let end = item.source.map(|source| self.sources.get(source).position(item.span.end));
            json!({
                "level": match item.level { Level::Error => "error", Level::Warning => "warning" },
                "code": item.code,
                "message": item.message,
                "file": item.file,
                "line": item.source.map(|_| item.line),
                "column": item.source.map(|_| item.column),
                "end_line": end.map(|(line, _)| line),
                "end_column": end.map(|(_, column)| column),
                "label": item.label,
                "help": item.help,
                "related": item.related.iter().map(|other| json!({
                    "label": other.label,
                    "file": other.file,
                    "line": other.line,
                    "column": other.column,
                })).collect::<Vec<_>>(),
            })
        });
        items.collect()
    }
}

impl Diagnostic {
    pub(crate) fn whole_file(code: &'static str, file: String, message: String, help: String) -> Self {
        Self {
            level: Level::Error,
            code,
            message,
            file,
            line: 0,
            column: 0,
            span: 0..0,
            label: String::new(),
            help,
            related: Vec::new(),
            source: None,
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

fn context(other: &Related) -> (AnnotationKind, &Range<usize>, &str) {
    (AnnotationKind::Context, &other.span, &other.label)
}
