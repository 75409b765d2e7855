//! Failures of the file system in words.

use std::io;
use std::path::Path;

/// What a person should know about a failure of the file system, and do about it.
pub(crate) fn io_text(what: &str, path: &Path, error: &io::Error) -> String {
    let path = path.display();
    let help = match error.kind() {
        io::ErrorKind::NotFound if what == "read" => {
            "; correct path, which counts from where the program was started"
        }
        io::ErrorKind::NotFound => "; make its directory first",
        io::ErrorKind::PermissionDenied => {
            "; the user that runs this may not: change the owner or the permissions"
        }
        io::ErrorKind::StorageFull => "; make room on the disk",
        io::ErrorKind::ReadOnlyFilesystem => "; choose a path on a disk that may be written",
        _ => "",
    };
    format!("cannot {what} {path}: {error}{help}")
}
