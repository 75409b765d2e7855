//! What the program says to the person who started it: on standard error, or, while a live picture
//! has the terminal, in the picture.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use midibay::config::Diagnostics;

use crate::style::{self, Style};

/// The lines that the picture shows; none while there is no picture.
static PICTURE: Mutex<Option<VecDeque<String>>> = Mutex::new(None);

/// More lines no picture shows.
const KEPT: usize = 100;

/// From now on lines are kept for the picture.
pub(crate) fn into_picture() {
    *PICTURE.lock().unwrap_or_else(PoisonError::into_inner) = Some(VecDeque::new());
}

/// The picture is gone: what it was told last is written out, so that it is not lost with it.
pub(crate) fn out_of_picture() {
    let lines = PICTURE.lock().unwrap_or_else(PoisonError::into_inner).take();
    for line in lines.into_iter().flatten() {
        write(&line);
    }
}

/// The last lines said, for the picture; newest last.
pub(crate) fn last_lines(count: usize) -> Vec<String> {
    let picture = PICTURE.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = picture.iter().flatten();
    let skipped = lines.clone().count().saturating_sub(count);
    lines.skip(skipped).cloned().collect()
}

fn write(line: &str) {
    // Where standard error is closed there is nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// The colours of what is said next: none in the picture.
pub(crate) fn style() -> Style {
    style::stderr()
}

/// A line, as it is.
pub(crate) fn line(text: &str) {
    let mut picture = PICTURE.lock().unwrap_or_else(PoisonError::into_inner);
    match &mut *picture {
        None => write(text),
        Some(lines) => {
            for line in text.lines() {
                lines.push_back(line.to_owned());
            }
            while lines.len() > KEPT {
                lines.pop_front();
            }
        }
    }
}

/// Something is wrong, and what to do about it.
pub(crate) fn error(text: &str, help: &str) {
    titled(&style().bad("error"), text, help);
}

/// Something is not as it should be, and the program goes on.
pub(crate) fn warning(text: &str, help: &str) {
    titled(&style().warn("warning"), text, help);
}

/// Something worth knowing.
pub(crate) fn note(text: &str) {
    titled(&style().title("note"), text, "");
}

fn titled(title: &str, text: &str, help: &str) {
    line(&format!("{title}: {text}"));
    if !help.is_empty() {
        line(&format!("  {}: {help}", style().title("help")));
    }
}

/// What is wrong with a graph.
pub(crate) fn diagnostics(diagnostics: &Diagnostics) {
    let text = diagnostics.render(style().is_color());
    if !text.is_empty() {
        line(text.trim_end_matches('\n'));
    }
}

/// For the log: each line it writes.
#[derive(Clone, Copy)]
pub(crate) struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        line(String::from_utf8_lossy(bytes).trim_end_matches('\n'));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
