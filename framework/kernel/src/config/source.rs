//! The texts a graph came from, and places in them.

use std::ops::Range;
use std::path::{Path, PathBuf};

/// A place in one of the texts: byte offsets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    pub(crate) file: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// One text: a file, a string of the app, or the `--set` arguments.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// What stands before the line number in a message.
    pub(crate) name: String,
    /// The file to watch; none for a text that is no file.
    pub(crate) path: Option<PathBuf>,
    pub(crate) text: String,
    /// Byte offset of each line's first byte.
    lines: Vec<usize>,
}

impl Source {
    /// Line and column, both from 1; the column counts characters.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.text.len());
        let line = self.lines.partition_point(|&start| start <= offset);
        let start = self.lines[line - 1];
        let before = self.text.get(start..offset).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}

/// All texts of one graph.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    files: Vec<Source>,
}

impl Sources {
    pub(crate) fn add(&mut self, name: String, path: Option<&Path>, text: String) -> usize {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        self.files.push(Source { name, path: path.map(Path::to_path_buf), text, lines });
        self.files.len() - 1
    }

    pub(crate) fn get(&self, file: usize) -> &Source {
        &self.files[file]
    }

    pub(crate) fn text(&self, file: usize) -> &str {
        &self.files[file].text
    }

    /// The files among the texts, in the order they were read.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        self.files.iter().filter_map(|file| file.path.clone()).collect()
    }
}
