//! Watches graph files. Their folders are watched, not the files: editors write a new file and
//! rename it over the old one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::failure::Failure;

/// A watch over a set of files.
pub(crate) struct Watch {
    watcher: RecommendedWatcher,
    folders: BTreeMap<PathBuf, Identity>,
}

/// What tells a folder from another one that stands under its name later.
#[derive(PartialEq, Eq)]
struct Identity {
    #[cfg(unix)]
    inode: (u64, u64),
    /// A new folder may be given the inode of the one that was deleted.
    created: Option<SystemTime>,
}

impl Identity {
    fn of(folder: &Path) -> Option<Self> {
        let found = folder.metadata().ok()?;
        Some(Self {
            #[cfg(unix)]
            inode: {
                use std::os::unix::fs::MetadataExt;
                (found.dev(), found.ino())
            },
            created: found.created().ok(),
        })
    }
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
        Ok(Self { watcher, folders: BTreeMap::new() })
    }

    /// Watches the folders of these files too. Whether that are new ones.
    ///
    /// # Errors
    /// A folder cannot be watched.
    pub(crate) fn add(&mut self, files: &[PathBuf]) -> Result<bool, Failure> {
        let mut more = false;
        for folder in folders(files) {
            // Looked at first: what takes its place meanwhile is another folder.
            if !self.folders.contains_key(&folder)
                && let Some(identity) = Identity::of(&folder)
            {
                self.watcher.watch(&folder, RecursiveMode::NonRecursive).map_err(failed)?;
                self.folders.insert(folder, identity);
                more = true;
            }
        }
        Ok(more)
    }

    /// Watches what now stands where the folders of these files were: a watch goes with a folder that is
    /// moved, deleted or replaced. Whether there are new ones, and the files therefore are to be read.
    pub(crate) fn renew(&mut self, files: &[PathBuf]) -> bool {
        let Self { watcher, folders } = self;
        folders.retain(|folder, identity| {
            let same = Identity::of(folder).is_some_and(|now| now == *identity);
            if !same {
                // A folder that was deleted is not watched any more anyway.
                let _ = watcher.unwatch(folder);
            }
            same
        });
        // What cannot be watched now is tried again the next time.
        self.add(files).unwrap_or(false)
    }

    /// Ends the watch over the folders that none of these files is in.
    pub(crate) fn keep(&mut self, files: &[PathBuf]) {
        let kept = folders(files);
        let Self { watcher, folders } = self;
        folders.retain(|folder, _| {
            let keep = kept.contains(folder);
            if !keep {
                // A folder that was deleted is not watched any more anyway.
                let _ = watcher.unwatch(folder);
            }
            keep
        });
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
