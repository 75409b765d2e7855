//! Watches graph files. Their folders are watched, not the files: editors write a new file and
//! rename it over the old one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::failure::Failure;

/// A watch over a set of files.
pub(crate) struct Watch {
    watcher: RecommendedWatcher,
    folders: BTreeSet<PathBuf>,
}

impl Watch {
    /// Starts it, without any file yet. `touched` is told the paths of what changed in the watched
    /// folders, on a thread of its own.
    ///
    /// # Errors
    /// The system has no room for another watch.
    pub(crate) fn start(touched: impl Fn(Vec<PathBuf>) + Send + 'static) -> Result<Self, Failure> {
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if let Ok(event) = event
                && changes(event.kind)
            {
                touched(event.paths);
            }
        });
        let watcher = watcher.map_err(failed)?;
        Ok(Self { watcher, folders: BTreeSet::new() })
    }

    /// Watches the folders of these files too. Whether that are new ones.
    ///
    /// # Errors
    /// A folder cannot be watched.
    pub(crate) fn add(&mut self, files: &[PathBuf]) -> Result<bool, Failure> {
        let mut more = false;
        for folder in folders(files) {
            if !self.folders.contains(&folder) {
                self.watcher.watch(&folder, RecursiveMode::NonRecursive).map_err(failed)?;
                self.folders.insert(folder);
                more = true;
            }
        }
        Ok(more)
    }

    /// Ends the watch over the folders that none of these files is in.
    pub(crate) fn keep(&mut self, files: &[PathBuf]) {
        let kept = folders(files);
        for gone in self.folders.difference(&kept) {
            // A folder that was deleted is not watched any more anyway.
            let _ = self.watcher.unwatch(gone);
        }
        self.folders.retain(|folder| kept.contains(folder));
    }
}

fn folders(files: &[PathBuf]) -> BTreeSet<PathBuf> {
    files.iter().flat_map(|file| places(file)).filter_map(folder).collect()
}

/// Whether one of the touched paths is one of these files.
pub(crate) fn concerns(touched: &[PathBuf], files: &[PathBuf]) -> bool {
    files.iter().flat_map(|file| places(file)).any(|file| touched.contains(&file))
}

/// Where a file is: under the name it was given, in the real folder; and, through links, in the end.
fn places(file: &Path) -> BTreeSet<PathBuf> {
    let given =
        folder(file.to_owned()).and_then(|folder| Some(folder.canonicalize().ok()?.join(file.file_name()?)));
    given.into_iter().chain(file.canonicalize().ok()).collect()
}

fn folder(file: PathBuf) -> Option<PathBuf> {
    match file.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Some(PathBuf::from(".")),
        Some(folder) => Some(folder.to_owned()),
        None => None,
    }
}

/// Whether something is different now; that a file was read is not it.
fn changes(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

fn failed(error: notify::Error) -> Failure {
    Failure::new(format!("the graph files cannot be watched: {error}"))
        .help("start without --watch; SIGHUP reloads too")
}
