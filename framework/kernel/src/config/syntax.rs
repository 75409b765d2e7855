//! Parsing TOML, and saying in plain words where it is none.

use std::ops::Range;

use toml::de::DeTable;

use super::problems::Problems;
use super::source::Span;
use super::tree::{self, Table};

/// Reads one text. Syntax errors and numbers that nothing can hold are added to `problems`; the
/// answer is none when the rest would be guesswork.
pub(crate) fn read(file: usize, text: &str, problems: &mut Problems) -> Option<Table> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut readable = true;
    let mut last_line = None;
    let mut doubled: Vec<Range<usize>> = Vec::new();
    for error in &errors {
        let span = visible(file, text, error.span().unwrap_or(text.len()..text.len()));
        if doubled.iter().any(|section| section.contains(&span.start)) {
            continue;
        }
        if error.message() == "duplicate key" {
            doubled.extend(duplicate(span, text, problems));
            continue;
        }
        readable = false;
        // The parser stumbles on over the rest of a line: the first stumble is the one to mend.
        let line = text[..span.start].matches('\n').count();
        if last_line.replace(line) != Some(line) {
            syntax_error(error.message(), span, text, problems);
        }
    }
    if !readable {
        return None;
    }
    let mut table = tree::convert(file, text, document.get_ref(), problems);
    // The parser has mixed the second table of a name into the first.
    prune(&mut table, &doubled);
    Some(table)
}

fn prune(table: &mut Table, sections: &[Range<usize>]) {
    if sections.is_empty() {
        return;
    }
    table.entries.retain(|entry| !sections.iter().any(|section| section.contains(&entry.key_span.start)));
    for entry in &mut table.entries {
        if let tree::Value::Table(inner) = &mut entry.item.value {
            prune(inner, sections);
        }
    }
}

/// Reports a key or a table that is there twice. For a table, answers how far its keys go.
fn duplicate(span: Span, text: &str, problems: &mut Problems) -> Option<Range<usize>> {
    let line_start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[span.start..].find('\n').map_or(text.len(), |at| span.start + at);
    let what = &text[span.range()];
    let header = text[line_start..line_end].trim_start().starts_with('[');
    let first = lines(text).take_while(|(start, _)| *start < line_start).filter(|(_, line)| {
        if header {
            // The same name in the same brackets; what is behind them does not count.
            header_name(line) == header_name(&text[line_start..line_end])
        } else {
            line.trim_start().strip_prefix(what).is_some_and(|rest| rest.trim_start().starts_with('='))
        }
    });
    // The nearest key before it, but the first table of that name.
    let first = if header { first.min_by_key(|(start, _)| *start) } else { first.last() };
    let first = first.and_then(|(start, line)| {
        let at = start + line.find(what)?;
        Some(Span { file: span.file, start: at, end: at + what.len() })
    });
    let node =
        header && header_name(&text[line_start..line_end]).is_some_and(|name| name.starts_with("node."));
    let (code, message, help) = if node {
        let help = "give one of them another name, and name it so in its routes";
        ("duplicate-node", format!("there are two nodes `{what}`"), help)
    } else if header {
        ("duplicate-key", format!("the table `{what}` is here twice"), "put what is in both into one")
    } else {
        ("duplicate-key", format!("`{what}` is set twice"), "take one of the two away")
    };
    let problem = problems.error(code, span, message).label("the second one").help(help);
    if let Some(first) = first {
        problem.related(first, "the first one");
    }
    let rest = lines(text).find(|(start, line)| *start > line_start && line.trim_start().starts_with('['));
    header.then(|| line_end..rest.map_or(text.len(), |(start, _)| start))
}

/// The lines of a text with their starts.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    })
}

/// `node.pads` of `[node.pads]  # comment`.
fn header_name(line: &str) -> Option<&str> {
    let inside = line.trim_start().strip_prefix('[')?;
    Some(inside.split_once(']')?.0.trim())
}

fn syntax_error(message: &str, span: Span, text: &str, problems: &mut Problems) {
    let line_start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let before = text[line_start..span.start].trim();
    let here = &text[span.start..];
    let rest = here.lines().next().unwrap_or_default();
    let value_place = before.ends_with('=') || before.ends_with([',', '[']) && before.contains('=');
    let behind_equals = before.ends_with('=') || rest.trim() == "=";
    if behind_equals && rest.trim_start_matches('=').trim().is_empty() {
        problems
            .error("syntax", span, "a value is missing behind `=`")
            .help("write a value, or take the line away");
        return;
    }
    if value_place && (rest.starts_with(char::is_alphabetic) || message.starts_with("string values")) {
        let word = rest.split([',', ']', '}', '#']).next().unwrap_or_default().trim_end();
        let span = Span { end: span.start + word.len(), ..span };
        problems
            .error("syntax", span, format!("`{word}` needs quotes"))
            .label("a string stands in quotes")
            .help(format!("write \"{word}\""));
        return;
    }
    let (what, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let problem = problems.error("syntax", span, format!("this is not TOML: {what}"));
    if !expected.is_empty() {
        problem.label(format!("expected {expected}"));
    }
    let help = match what {
        "invalid basic string" | "invalid literal string" => "close the string on the line where it begins",
        "unclosed array" => "close the list with ]",
        "unclosed table" | "unclosed array table" => "close the name of the table with ]",
        "unclosed inline table" => "close the table with }",
        "key with no value" | "missing value for key" => "write `key = value`",
        "unexpected key or value" => "write each key on a line of its own",
        _ if what.starts_with("missing comma") => "put a comma between the values",
        _ => return,
    };
    problem.help(help);
}

/// An empty place cannot be underlined: take a character before or after it.
fn visible(file: usize, text: &str, range: Range<usize>) -> Span {
    let mut start = range.start.min(text.len());
    let mut end = range.end.clamp(start, text.len());
    if start == end {
        match text[end..].chars().next() {
            Some(next) if next != '\n' && next != '\r' => end += next.len_utf8(),
            _ => {
                if let Some(last) = text[..start].chars().next_back().filter(|&last| last != '\n') {
                    start -= last.len_utf8();
                }
            }
        }
    }
    Span { file, start, end }
}
