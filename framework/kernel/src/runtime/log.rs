//! What nodes say, written where the program's log goes.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use midibay_plugin::Level;

use crate::engine::host::{LogLine, Shared};

/// A line that is said again and again is written once in this time, with how often it was said.
const QUIET: Duration = Duration::from_secs(1);

/// Writes the log of one engine.
#[derive(Default)]
pub(super) struct Log {
    last: Option<Last>,
    /// As many lost lines as were told of.
    lost: u64,
}

/// The line that was written last.
struct Last {
    line: LogLine,
    written: Instant,
    /// How often it was said since.
    again: u64,
}

impl Log {
    /// Writes what was said since the last time.
    pub(super) fn drain(&mut self, shared: &Shared) {
        let lost = shared.log_lost.load(Ordering::Relaxed);
        if lost > self.lost {
            tracing::warn!(target: "midibay", "{} lines of the log were lost", lost - self.lost);
            self.lost = lost;
        }
        while let Some(line) = shared.log.pop() {
            match &mut self.last {
                Some(last) if last.line.says_as(&line) && last.written.elapsed() < QUIET => last.again += 1,
                _ => {
                    self.finish(shared);
                    write(shared, &line, "");
                    self.last = Some(Last { line, written: Instant::now(), again: 0 });
                }
            }
        }
        if self.last.as_ref().is_some_and(|last| last.written.elapsed() >= QUIET) {
            self.finish(shared);
        }
    }

    /// Tells how often the last line was said again.
    pub(super) fn finish(&mut self, shared: &Shared) {
        if let Some(Last { line, again: again @ 1.., .. }) = self.last.take() {
            write(shared, &line, &format!(" ({again} times more)"));
        }
    }
}

fn write(shared: &Shared, line: &LogLine, more: &str) {
    let (node, text) = (shared.name_of(line.slot), line.text());
    match line.level {
        Level::Error => tracing::error!(target: "midibay", "{node}: {text}{more}"),
        Level::Warn => tracing::warn!(target: "midibay", "{node}: {text}{more}"),
        Level::Info => tracing::info!(target: "midibay", "{node}: {text}{more}"),
        Level::Debug => tracing::debug!(target: "midibay", "{node}: {text}{more}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// Keeps the messages of its thread.
    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<String>>>);

    impl Visit for Paper {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            if field.name() == "message" {
                self.0.lock().unwrap().push(format!("{value:?}"));
            }
        }
    }

    impl Subscriber for Paper {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, event: &Event<'_>) {
            event.record(&mut self.clone());
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn a_line_that_is_said_a_hundred_times_is_written_once_with_their_number() {
        let shared = Shared::new().unwrap();
        let paper = Paper::default();
        let mut log = Log::default();
        tracing::subscriber::with_default(paper.clone(), || {
            (0..100).for_each(|_| shared.log(7, Level::Warn, "it will not"));
            shared.log(7, Level::Warn, "something else");
            log.drain(&shared);
            log.finish(&shared);
        });
        let written = paper.0.lock().unwrap();
        assert_eq!(
            *written,
            ["node 7: it will not", "node 7: it will not (99 times more)", "node 7: something else"]
        );
    }
}
