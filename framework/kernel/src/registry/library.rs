//! Finding plugin libraries.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{Clash, Registry};

/// A library that was not loaded, and why, in one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skipped {
    /// The file or folder.
    pub file: PathBuf,
    /// The reason.
    pub reason: String,
    /// The two plugins, when the reason is that another brings the same node type.
    pub clash: Option<Clash>,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.reason)
    }
}

impl std::error::Error for Skipped {}

/// Where plugin libraries are looked for. Folders are searched in order, not their subfolders; a file
/// is loaded as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SearchPath(Vec<PathBuf>);

impl SearchPath {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a folder or a library.
    pub fn push(&mut self, path: impl Into<PathBuf>) {
        self.0.push(path.into());
    }

    /// Adds what the environment variable `MIDIBAY_PLUGIN_PATH` names (a list, as in `PATH`).
    pub fn push_environment(&mut self) {
        if let Some(list) = std::env::var_os("MIDIBAY_PLUGIN_PATH") {
            self.0.extend(std::env::split_paths(&list).filter(|p| !p.as_os_str().is_empty()));
        }
    }

    /// Adds `midibay-plugins` beside the running program, when there is such a folder.
    pub fn push_beside_executable(&mut self) {
        let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("midibay-plugins")));
        self.0.extend(beside.filter(|dir| dir.is_dir()));
    }

    /// The libraries, and what could not be searched. A folder's libraries come sorted by name; a
    /// library that is reached twice counts once.
    fn libraries(&self) -> (Vec<PathBuf>, Vec<Skipped>) {
        let (mut files, mut skipped) = (Vec::new(), Vec::new());
        for path in &self.0 {
            if path.is_dir() {
                match std::fs::read_dir(path) {
                    Ok(entries) => {
                        let mut found: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
                        found.retain(|p| is_library(p));
                        found.sort();
                        files.extend(found);
                    }
                    Err(e) => {
                        skipped.push(Skipped { file: path.clone(), reason: e.to_string(), clash: None })
                    }
                }
            } else if path.exists() {
                files.push(path.clone());
            } else {
                let reason = "there is no such plugin folder or library".to_owned();
                skipped.push(Skipped { file: path.clone(), reason, clash: None });
            }
        }
        let mut seen = std::collections::HashSet::new();
        files.retain(|file| seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone())));
        (files, skipped)
    }
}

fn is_library(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == std::env::consts::DLL_EXTENSION) && path.is_file()
}

impl Registry {
    /// Loads every plugin on the path. What does not load is told, and the rest still loads. `[main]`
    pub fn load_all(&mut self, path: &SearchPath) -> Vec<Skipped> {
        let (files, mut skipped) = path.libraries();
        for file in files {
            skipped.extend(self.load(&file).err());
        }
        skipped
    }
}
