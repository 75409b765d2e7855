//! TOML with a place for every value.
//!
//! The parser's own table type borrows from the text and sorts by key. This tree owns its strings,
//! keeps the order of the file, and can hold what comes from outside of it: environment variables
//! and `--set`.

use serde_json::{Map, Number, Value as Json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problems::Problems;
use super::source::Span;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(Text),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Array(Vec<Item>),
    Table(Table),
    /// From outside the file: what type it has is for the schema to say.
    Loose(Loose),
    /// Reported already; nothing may be said about it again.
    Bad,
}

/// A string, and where its content begins when it stands in the file letter by letter.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) verbatim_at: Option<usize>,
}

/// A string from outside the file that may mean a number or more.
#[derive(Clone, Debug)]
pub(crate) struct Loose {
    pub(crate) raw: String,
    /// The environment variable it comes from. None for `--set`, whose text can be shown.
    ///
    /// A variable stays a string where a string will do; what stands behind `--set` is read as TOML
    /// first.
    pub(crate) variable: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub(crate) entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) item: Item,
}

impl Table {
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.key == key)
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<Entry> {
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(at))
    }

    pub(crate) fn set(&mut self, key: &str, key_span: Span, item: Item) {
        match self.get_mut(key) {
            Some(entry) => entry.item = item,
            None => self.entries.push(Entry { key: key.to_owned(), key_span, item }),
        }
    }
}

impl Item {
    /// What it is, in the words of the file's author: `a string`.
    pub(crate) fn type_name(&self) -> &'static str {
        match self.value {
            Value::Text(_) | Value::Loose(_) => "a string",
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a number with a decimal point",
            Value::Boolean(_) => "true or false",
            Value::Array(_) => "a list",
            Value::Table(_) => "a table",
            Value::Bad => "nothing usable",
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(&text.text),
            Value::Loose(loose) => Some(&loose.raw),
            _ => None,
        }
    }

    /// As JSON, without the help of a schema.
    pub(crate) fn to_json(&self) -> Json {
        match &self.value {
            Value::Text(text) => Json::String(text.text.clone()),
            Value::Integer(number) => Json::from(*number),
            Value::Float(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
            Value::Boolean(truth) => Json::Bool(*truth),
            Value::Array(items) => items.iter().map(Self::to_json).collect(),
            Value::Table(table) => Json::Object(
                table
                    .entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.item.to_json()))
                    .collect::<Map<_, _>>(),
            ),
            Value::Loose(loose) => loose.as_toml(self.span).map_or_else(
                || Json::String(loose.raw.clone()),
                |item| {
                    if loose.variable.is_some() { Json::String(loose.raw.clone()) } else { item.to_json() }
                },
            ),
            Value::Bad => Json::Null,
        }
    }

    /// The place of an option named by a path as plugins write it: `peers[2].port`. Where the path
    /// leads to something that is not in the file, the place of the last part that is; none when not
    /// even its first part is.
    pub(crate) fn place(&self, path: &str) -> Option<Span> {
        let mut here = self;
        let mut found = None;
        for step in steps(path) {
            let next = match (&here.value, step) {
                (Value::Table(table), Step::Key(key)) => table.get(key).map(|entry| &entry.item),
                (Value::Array(items), Step::Index(index)) => items.get(index),
                (Value::Array(items), Step::Key(key)) => {
                    key.parse().ok().and_then(|index: usize| items.get(index))
                }
                _ => None,
            };
            let Some(next) = next else { break };
            found = Some(next.span);
            here = next;
        }
        found
    }
}

impl Loose {
    /// Read as a TOML value; all of it gets the place of the whole.
    pub(crate) fn as_toml(&self, span: Span) -> Option<Item> {
        let value = DeValue::parse(&self.raw).ok()?;
        let mut problems = Problems::default();
        let item =
            Reader { file: span.file, text: "", whole: Some(span), problems: &mut problems }.item(&value);
        (!problems.has_errors()).then_some(item)
    }
}

/// One step of an option's path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// Cuts `peers[2].port` into its steps.
pub(crate) fn steps(path: &str) -> impl Iterator<Item = Step<'_>> {
    path.split(['.', '[']).filter(|part| !part.is_empty()).map(|part| {
        part.strip_suffix(']').and_then(|index| index.parse().ok()).map_or(Step::Key(part), Step::Index)
    })
}

/// Turns a parsed document into a tree; numbers that nothing can hold are added to `problems`.
pub(crate) fn convert(file: usize, text: &str, table: &DeTable<'_>, problems: &mut Problems) -> Table {
    Reader { file, text, whole: None, problems }.table(table)
}

struct Reader<'a> {
    file: usize,
    text: &'a str,
    /// Set when the text is not in the file: the place to give to everything.
    whole: Option<Span>,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    fn span(&self, range: std::ops::Range<usize>) -> Span {
        self.whole.unwrap_or(Span { file: self.file, start: range.start, end: range.end })
    }

    fn table(&mut self, table: &DeTable<'_>) -> Table {
        let mut entries: Vec<Entry> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().to_string(),
                key_span: self.span(key.span()),
                item: self.item(value),
            })
            .collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        Table { entries }
    }

    fn item(&mut self, value: &Spanned<DeValue<'_>>) -> Item {
        let span = self.span(value.span());
        let value = match value.get_ref() {
            DeValue::String(text) => {
                Value::Text(Text { verbatim_at: self.verbatim(span, text), text: text.to_string() })
            }
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => {
                    self.problems.error("out-of-range", span, "this number is too large to be meant");
                    Value::Bad
                }
            },
            DeValue::Float(number) => match number.as_str().parse::<f64>() {
                Ok(number) if number.is_finite() => Value::Float(number),
                _ => {
                    self.problems.error(
                        "out-of-range",
                        span,
                        "infinity and not-a-number are no values for an option",
                    );
                    Value::Bad
                }
            },
            DeValue::Boolean(truth) => Value::Boolean(*truth),
            // No option is a date; as a string it gets the ordinary message about types.
            DeValue::Datetime(date) => Value::Text(Text { text: date.to_string(), verbatim_at: None }),
            DeValue::Array(items) => Value::Array(items.iter().map(|item| self.item(item)).collect()),
            DeValue::Table(table) => Value::Table(self.table(table)),
        };
        Item { span, value }
    }

    /// Where the content of a quoted string begins, when no escape stands in it.
    fn verbatim(&self, span: Span, content: &str) -> Option<usize> {
        let quoted = self.text.get(span.range())?;
        let quotes = if quoted.starts_with("\"\"\"") || quoted.starts_with("'''") { 3 } else { 1 };
        let inner = quoted.get(quotes..quoted.len().checked_sub(quotes)?)?;
        // A line feed right behind three quotes is not part of the string.
        let skipped = inner.strip_suffix(content)?;
        matches!(skipped, "" | "\n" | "\r\n").then_some(span.start + quotes + skipped.len())
    }
}
