//! Standard output. Somebody who stops reading (`midibay plugins | head -1`) is no failure.

use std::io::{ErrorKind, Write};

use crate::failure::Failure;

/// Writes text as it is.
///
/// # Errors
/// [`Failure::Quiet`] when nobody reads, else what the system says.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(failed)
}

/// Writes JSON, for people to read too.
///
/// # Errors
/// As for [`text`].
pub(crate) fn json(value: &serde_json::Value) -> Result<(), Failure> {
    text(&format!("{value:#}\n"))
}

/// What a failed write means.
pub(crate) fn failed(error: std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::BrokenPipe => Failure::Quiet,
        _ => Failure::new(format!("standard output cannot be written: {error}")),
    }
}
