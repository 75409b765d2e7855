//! The text of a route, taken apart.
//!
//! A reference is made of slots (`node`, `:port`, `.ch1`, `.note36`), a slot of letters and groups
//! (`note{36..51}`). A slot is evaluated once for each combination of its own groups, never once for
//! each combination of the whole reference: `ch{1..16}.note{0..127}` needs 16 + 128 evaluations
//! for its 2,048 controls. This is what makes 65,000 control maps on one line cheap.

use std::ops::Range;

use super::Fault;

/// How many combinations one reference may have: sixteen groups of sixteen channels of 128 notes,
/// eight times over. What is above is a slip of the keyboard.
pub(crate) const MOST: usize = 262_144;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arrow {
    Right,
    Left,
    Both,
}

/// `a -> b -> c`, each part with its place.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) refs: Vec<Pattern>,
    /// One fewer than `refs`.
    pub(crate) arrows: Vec<(Arrow, Range<usize>)>,
}

/// `node:port.g1.ch2.note3`, with groups in any of it.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) range: Range<usize>,
    pub(crate) node: Slot,
    pub(crate) port: Option<Slot>,
    /// What stands behind the dots.
    pub(crate) segments: Vec<Slot>,
    groups: Vec<Group>,
}

/// The text between two of `:` and `.`.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) range: Range<usize>,
    pieces: Vec<Piece>,
    /// Which of the pattern's groups stand in it.
    groups: Range<usize>,
}

#[derive(Debug)]
enum Piece {
    Letters(Range<usize>),
    Group(usize),
}

#[derive(Debug)]
struct Group {
    runs: Vec<Run>,
    count: usize,
}

#[derive(Debug)]
enum Run {
    Word(Range<usize>),
    /// Counts up or down; numbers are filled with zeros to the width when the first one is.
    Numbers {
        from: u32,
        to: u32,
        width: usize,
    },
}

impl Run {
    fn count(&self) -> usize {
        match self {
            Self::Word(_) => 1,
            Self::Numbers { from, to, .. } => from.abs_diff(*to) as usize + 1,
        }
    }
}

impl Group {
    fn write(&self, mut index: usize, text: &str, out: &mut String) {
        for run in &self.runs {
            if index >= run.count() {
                index -= run.count();
                continue;
            }
            match run {
                Run::Word(word) => out.push_str(&text[word.clone()]),
                Run::Numbers { from, to, width } => {
                    let step = u32::try_from(index).expect("a run is shorter than MOST");
                    let number = if from <= to { from + step } else { from - step };
                    let digits = number.to_string();
                    out.extend(std::iter::repeat_n('0', width.saturating_sub(digits.len())));
                    out.push_str(&digits);
                }
            }
            return;
        }
    }
}

impl Pattern {
    /// How many combinations there are: 1 without groups.
    pub(crate) fn count(&self) -> usize {
        self.product(0..self.groups.len())
    }

    /// How many combinations these slots, which follow each other, have on their own.
    fn product(&self, groups: Range<usize>) -> usize {
        self.groups[groups].iter().map(|group| group.count).product()
    }

    /// How many values a slot has.
    pub(crate) fn values(&self, slot: &Slot) -> usize {
        self.product(slot.groups.clone())
    }

    /// By what to divide a combination's index to reach the value of this slot: what stands to the
    /// right varies fastest.
    pub(crate) fn stride(&self, slot: &Slot) -> usize {
        self.product(slot.groups.end..self.groups.len())
    }

    /// The value of a slot, one of [`values`](Self::values).
    pub(crate) fn value(&self, slot: &Slot, mut index: usize, text: &str, out: &mut String) {
        out.clear();
        let mut left = self.values(slot);
        for piece in &slot.pieces {
            match piece {
                Piece::Letters(letters) => out.push_str(&text[letters.clone()]),
                Piece::Group(group) => {
                    let group = &self.groups[*group];
                    left /= group.count;
                    group.write(index / left, text, out);
                    index %= left;
                }
            }
        }
    }
}

/// Reads a whole route.
pub(crate) fn line(text: &str) -> Result<Line, Fault> {
    let mut parser = Parser { text, at: 0, groups: Vec::new() };
    let mut refs = Vec::new();
    let mut arrows: Vec<(Arrow, Range<usize>)> = Vec::new();
    loop {
        parser.spaces();
        refs.push(parser.reference(arrows.last().map(|(_, range)| range.clone()))?);
        parser.spaces();
        if parser.rest().is_empty() {
            break;
        }
        arrows.push(parser.arrow(&refs[refs.len() - 1])?);
    }
    if arrows.is_empty() {
        let range = refs[0].range.clone();
        return Err(Fault::new("bad-route", range, "a route needs an arrow and a node on each side of it")
            .help("write `source -> destination`"));
    }
    Ok(Line { refs, arrows })
}

/// Reads a single reference, as triggers have them.
pub(crate) fn single(text: &str) -> Result<Pattern, Fault> {
    let mut parser = Parser { text, at: 0, groups: Vec::new() };
    parser.spaces();
    let reference = parser.reference(None)?;
    parser.spaces();
    if !parser.rest().is_empty() {
        return Err(Fault::new(
            "bad-route",
            parser.at..text.len(),
            "one control is expected here, nothing more",
        )
        .help("write `node.ch1.note36`"));
    }
    if reference.count() != 1 || !reference.groups.is_empty() {
        return Err(Fault::new("bad-route", reference.range, "a trigger watches one control: no { } here")
            .help("write one [[trigger]] for each control"));
    }
    Ok(reference)
}

/// The words of a text, for guessing which nodes a broken route is about.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !(letter.is_alphanumeric() || matches!(letter, '-' | '_')))
        .map(|word| word.trim_end_matches('-'))
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Of the reference being read.
    groups: Vec<Group>,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn spaces(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// The letters from here that can stand in a name; an arrow ends them.
    fn letters(&mut self) -> Range<usize> {
        let start = self.at;
        while let Some(letter) = self.peek() {
            let inside = letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
            if !inside || self.rest().starts_with("->") {
                break;
            }
            self.at += 1;
        }
        start..self.at
    }

    fn reference(&mut self, after: Option<Range<usize>>) -> Result<Pattern, Fault> {
        self.groups = Vec::new();
        let start = self.at;
        let Some(node) = self.slot()? else { return Err(self.no_node(after)) };
        let mut port = None;
        let mut segments = Vec::new();
        while let Some(mark @ (':' | '.')) = self.peek() {
            let mark_at = self.at;
            self.at += 1;
            let Some(slot) = self.slot()? else {
                let what = if mark == ':' { "a port's name" } else { "a channel and a control" };
                let message = format!("{what} is missing behind `{mark}`");
                return Err(Fault::new("bad-route", mark_at..mark_at + 1, message)
                    .help("write `node`, `node:port` or `node.ch1.cc7`, without spaces inside"));
            };
            match mark {
                ':' if port.is_some() || !segments.is_empty() => {
                    let range = mark_at..self.at;
                    return Err(Fault::new(
                        "bad-route",
                        range,
                        "a port is named once, right behind the node",
                    )
                    .help("write `node:port` or `node:port.ch1.cc7`"));
                }
                ':' => port = Some(slot),
                _ => segments.push(slot),
            }
        }
        let groups = std::mem::take(&mut self.groups);
        let range = start..self.at;
        let count = groups.iter().try_fold(1usize, |all, group| all.checked_mul(group.count));
        if count.is_none_or(|count| count > MOST) {
            return Err(Fault::new(
                "too-many",
                range,
                format!("this stands for more than {MOST} combinations"),
            )
            .help("make the ranges smaller, or write several routes"));
        }
        Ok(Pattern { range, node, port, segments, groups })
    }

    /// Letters and groups; none when there are neither.
    fn slot(&mut self) -> Result<Option<Slot>, Fault> {
        let start = self.at;
        let first = self.groups.len();
        let mut pieces = Vec::new();
        loop {
            if self.peek() == Some('{') {
                let group = self.group()?;
                pieces.push(Piece::Group(self.groups.len()));
                self.groups.push(group);
            } else {
                let letters = self.letters();
                if letters.is_empty() {
                    break;
                }
                pieces.push(Piece::Letters(letters));
            }
        }
        let slot = Slot { range: start..self.at, pieces, groups: first..self.groups.len() };
        Ok((!slot.pieces.is_empty()).then_some(slot))
    }

    fn group(&mut self) -> Result<Group, Fault> {
        let open = self.at;
        let inside = &self.text[open + 1..];
        let Some(length) = inside.find(['{', '}']).filter(|&end| inside.as_bytes()[end] == b'}') else {
            let message = match inside.find('{') {
                Some(_) if inside.contains('}') => "a { cannot stand inside another { }",
                _ => "this { is never closed",
            };
            return Err(Fault::new("bad-range", open..open + 1, message)
                .help("write a range as {1..8}, a list as {1,4,7}"));
        };
        self.at = open + 1 + length + 1;
        let whole = open..self.at;
        let mut runs = Vec::new();
        let mut start = open + 1;
        for item in inside[..length].split(',') {
            let lead = item.len() - item.trim_start().len();
            let range = start + lead..start + lead + item.trim().len();
            start += item.len() + 1;
            runs.push(self.run(range, whole.clone())?);
        }
        let count = runs.iter().map(Run::count).sum();
        let only = inside[..length].trim();
        if let (1, Some((from, to))) = (runs.len(), only.split_once(['-', ':']))
            && number(from).is_some()
            && number(to).is_some()
        {
            return Err(Fault::new("bad-range", whole, format!("`{{{only}}}` is not a range"))
                .help(format!("write {{{from}..{to}}}")));
        }
        Ok(Group { runs, count })
    }

    fn run(&self, range: Range<usize>, whole: Range<usize>) -> Result<Run, Fault> {
        let item = &self.text[range.clone()];
        let bad = |message: String| {
            Fault::new("bad-range", whole.clone(), message).help("write a range as {1..8}, a list as {1,4,7}")
        };
        if let Some((from, to)) = item.split_once("..") {
            let (first, last) = (from.trim(), to.trim());
            let (Some(from), Some(to)) = (number(first), number(last)) else {
                return Err(bad(format!("`{item}` is not a range: a number is needed on each side of ..")));
            };
            let padded = first.len() > 1 && first.starts_with('0') || last.len() > 1 && last.starts_with('0');
            let width = if padded { first.len().max(last.len()) } else { 0 };
            if from.abs_diff(to) as usize >= MOST {
                return Err(Fault::new(
                    "too-many",
                    whole,
                    format!("this range has more than {MOST} numbers"),
                )
                .help("make it smaller"));
            }
            return Ok(Run::Numbers { from, to, width });
        }
        if item.is_empty() {
            return Err(bad("an entry is missing in this { }".to_owned()));
        }
        if let Some(wrong) =
            item.chars().find(|letter| !(letter.is_ascii_alphanumeric() || "-_".contains(*letter)))
        {
            return Err(bad(format!("`{wrong}` cannot stand in {{ }}")));
        }
        Ok(Run::Word(range))
    }

    /// An arrow, or why there is none.
    fn arrow(&mut self, before: &Pattern) -> Result<(Arrow, Range<usize>), Fault> {
        let strokes =
            |letter: char| matches!(letter, '-' | '=' | '~' | '<' | '>' | '→' | '←' | '↔' | '—' | '–');
        let rest = self.rest();
        let run = rest.find(|letter| !strokes(letter)).unwrap_or(rest.len());
        let start = self.at;
        let stroke = &rest[..run];
        let arrow = match stroke {
            "->" => Arrow::Right,
            "<-" => Arrow::Left,
            "<->" => Arrow::Both,
            "" => return Err(self.no_arrow(before)),
            _ => {
                let left = stroke.contains(['<', '←', '↔']);
                let right = stroke.contains(['>', '→', '↔']);
                let meant = match (left, right) {
                    (true, true) => "<->",
                    (true, false) => "<-",
                    _ => "->",
                };
                return Err(Fault::new(
                    "bad-route",
                    start..start + run,
                    format!("`{stroke}` is not an arrow"),
                )
                .help(format!("write {meant}")));
            }
        };
        self.at += run;
        Ok((arrow, start..self.at))
    }

    fn no_node(&self, after: Option<Range<usize>>) -> Fault {
        let example = "write `source -> destination`";
        let letter = self.peek();
        let range = self.at..self.at + letter.map_or(0, char::len_utf8);
        match (letter, after) {
            (None, Some(arrow)) => {
                Fault::new("bad-route", arrow, "a node is missing behind this arrow").help(example)
            }
            (None, None) => Fault::new("bad-route", 0..self.text.len(), "this route is empty").help(example),
            (Some('<' | '-' | '>' | '=' | '→' | '←'), _) => {
                Fault::new("bad-route", range, "a node is missing before this arrow").help(example)
            }
            (Some(letter), _) => self.bad_letter(range, letter),
        }
    }

    fn no_arrow(&self, before: &Pattern) -> Fault {
        let letter = self.peek().unwrap_or_default();
        let range = self.at..self.at + letter.len_utf8();
        if self.at > before.range.end && (letter.is_alphanumeric() || letter == '{') {
            let end = self.rest().find(char::is_whitespace).map_or(self.text.len(), |end| self.at + end);
            let one = &self.text[before.range.clone()];
            let other = &self.text[self.at..end];
            return Fault::new("bad-route", self.at..end, format!("an arrow is missing before `{other}`"))
                .help(format!("write `{one} -> {other}`; a name has no spaces inside"));
        }
        self.bad_letter(range, letter)
    }

    fn bad_letter(&self, range: Range<usize>, letter: char) -> Fault {
        let help = match letter {
            ',' | ';' => "write each route as a string of its own",
            '}' => "a { is missing before it",
            '"' | '\'' => "names stand in routes without quotes",
            '[' | '(' => "ranges and lists stand in { }",
            _ => "names are made of the letters a to z, digits, - and _",
        };
        Fault::new("bad-route", range, format!("`{letter}` cannot stand here")).help(help)
    }
}

/// A number that a range can start or end with.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|digit| digit.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}
