//! Reading a graph file and everything it includes.

use std::path::{Path, PathBuf};

use super::problems::Problems;
use super::source::Sources;
use super::syntax;
use super::tree::{Item, Table, Value};

/// One text, read.
#[derive(Debug)]
pub(crate) struct File {
    /// Where its relative paths start; none for a text that is no file.
    pub(crate) directory: Option<PathBuf>,
    /// What is in it; none when it could not be parsed.
    pub(crate) table: Option<Table>,
}

/// All texts of a graph, in the order they were read: the graph file first, then its includes.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) sources: Sources,
    pub(crate) files: Vec<File>,
    /// Canonical paths of what has been read.
    seen: Vec<PathBuf>,
    /// Some file could not be read.
    missing: bool,
}

impl Files {
    /// Reads a file and its includes.
    pub(crate) fn open(path: &Path, problems: &mut Problems) -> Self {
        let mut files = Self::default();
        match read(path) {
            Ok(text) => files.add(path.display().to_string(), Some(path), text, &mut Vec::new(), problems),
            Err((why, help)) => {
                let message = format!("cannot read the graph: {why}");
                files.missing = true;
                problems.whole_error("unreadable", path.display().to_string(), message, help);
            }
        }
        files
    }

    /// Reads a text; what it includes is looked for in `directory`.
    pub(crate) fn text(name: &str, text: &str, directory: Option<&Path>, problems: &mut Problems) -> Self {
        let mut files = Self::default();
        let source = files.sources.add(name.to_owned(), None, text.to_owned());
        files.parse(source, directory.map(Path::to_path_buf), &mut Vec::new(), problems);
        files
    }

    /// Whether every file could be read and parsed.
    pub(crate) fn complete(&self) -> bool {
        !self.missing && self.files.iter().all(|file| file.table.is_some())
    }

    fn add(
        &mut self,
        name: String,
        path: Option<&Path>,
        text: String,
        stack: &mut Vec<(PathBuf, String)>,
        problems: &mut Problems,
    ) {
        let directory = path.map(|path| path.parent().unwrap_or(Path::new("")).to_path_buf());
        let canonical = path.map(canonical).unwrap_or_default();
        self.seen.push(canonical.clone());
        stack.push((canonical, name.clone()));
        let source = self.sources.add(name, path, text);
        self.parse(source, directory, stack, problems);
        stack.pop();
    }

    fn parse(
        &mut self,
        source: usize,
        directory: Option<PathBuf>,
        stack: &mut Vec<(PathBuf, String)>,
        problems: &mut Problems,
    ) {
        let mut table = syntax::read(source, self.sources.text(source), problems);
        let includes = table.as_mut().and_then(|table| table.take("include"));
        let at = self.files.len();
        self.files.push(File { directory: directory.clone(), table });
        debug_assert_eq!(at, source, "each text has its file");
        let Some(entry) = includes else { return };
        let one = std::slice::from_ref(&entry.item);
        let items = match &entry.item.value {
            Value::Array(items) => items.as_slice(),
            _ => one,
        };
        for item in items {
            self.include(item, directory.as_deref(), stack, problems);
        }
    }

    fn include(
        &mut self,
        item: &Item,
        directory: Option<&Path>,
        stack: &mut Vec<(PathBuf, String)>,
        problems: &mut Problems,
    ) {
        let Value::Text(text) = &item.value else {
            self.missing = true;
            if !matches!(item.value, Value::Bad) {
                let message = format!("`include` must be a list of file names, not {}", item.type_name());
                problems.error("wrong-type", item.span, message).help("write include = [\"other.toml\"]");
            }
            return;
        };
        let Some(directory) = directory else {
            self.missing = true;
            problems
                .error("bad-include", item.span, "a graph that is given as text cannot include files")
                .help("put it into a file, or say in which directory to look");
            return;
        };
        let path = directory.join(&text.text);
        let canonical = canonical(&path);
        if let Some(begin) = stack.iter().position(|(open, _)| *open == canonical) {
            let mut names: Vec<&str> = stack[begin..].iter().map(|(_, name)| name.as_str()).collect();
            names.push(names[0]);
            problems
                .error(
                    "include-loop",
                    item.span,
                    format!("the files include each other: {}", names.join(" -> ")),
                )
                .label("this closes the circle")
                .help("take one of these includes away");
            return;
        }
        if self.seen.contains(&canonical) {
            // Two files may share what they need.
            return;
        }
        match read(&path) {
            Ok(text) => self.add(path.display().to_string(), Some(&path), text, stack, problems),
            Err((why, help)) => {
                self.missing = true;
                problems
                    .error("bad-include", item.span, format!("cannot include `{}`: {why}", text.text))
                    .label(format!("looked for {}", path.display()))
                    .help(help);
            }
        }
    }
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

/// The text of a file, or why there is none and what to do.
fn read(path: &Path) -> Result<String, (String, String)> {
    let bytes = plain(path).and_then(|()| std::fs::read(path)).map_err(|error| {
        let help = match error.kind() {
            std::io::ErrorKind::NotFound => "check the name and the directory that it starts from",
            std::io::ErrorKind::PermissionDenied => "check who may read it",
            std::io::ErrorKind::IsADirectory => "name a file in it",
            std::io::ErrorKind::InvalidInput => "save the graph as a file and name that",
            _ => "",
        };
        (reason(&error), help.to_owned())
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
        (format!("line {line} is not UTF-8 text"), "save it as UTF-8 in the editor".to_owned())
    })?;
    Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
}

/// Graph files are read more than once, and again at each reload: a pipe would be empty the second time
/// or never come, and a device never end.
fn plain(path: &Path) -> std::io::Result<()> {
    let found = std::fs::metadata(path)?.file_type();
    if found.is_file() || found.is_dir() {
        return Ok(());
    }
    Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "this is a pipe or a device"))
}

/// What the system says, in one style on every system.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "reading it is not permitted".to_owned(),
        std::io::ErrorKind::IsADirectory => "this is a directory".to_owned(),
        _ => error.to_string(),
    }
}
