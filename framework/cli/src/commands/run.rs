//! `midibay run`: graphs at work until somebody ends them.

mod graphs;
mod wait;

use std::time::{Duration, Instant};

use serde_json::json;

use crate::args::Run;
use crate::failure::Failure;
use crate::signals::{self, Signal};
use crate::troubles::Troubles;
use crate::view::{Plain, View};
use crate::watch::Watch;
use crate::{output, say, tap, watch};
use graphs::Graphs;
use wait::{Deadlines, Wake};

/// Between two pictures.
const FRAME: Duration = Duration::from_millis(50);
/// Between two looks at the health of the nodes.
const SECOND: Duration = Duration::from_secs(1);
/// Between two looks whether the files have come to their end.
const DONE: Duration = Duration::from_millis(50);
/// A file counts as written when nothing has happened to it for so long.
const SETTLED: Duration = Duration::from_millis(100);

pub(crate) fn run(args: &Run) -> Result<(), Failure> {
    let (tell, wakes) = std::sync::mpsc::channel();
    let teller = tell.clone();
    signals::listen(move |signal| drop(teller.send(Wake::Signal(signal))))
        .map_err(|error| Failure::new(format!("signals cannot be listened to: {error}")))?;

    let teller = tell.clone();
    let touched = move |paths| drop(teller.send(Wake::Touched(paths)));
    let mut watch = if args.watch { Some(Watch::start(touched)?) } else { None };
    let mut graphs = Graphs::start(args, watch.as_mut())?;
    say::line("ready");
    #[cfg(target_os = "linux")]
    crate::service::ready(&graphs.summary());

    let shown = if args.view { Shown::start(tell)? } else { Shown::Nothing };
    let mut running = Running { args, graphs: &mut graphs, watch, shown, reload_at: None };
    let done = running.until_stopped(&wakes);
    let Running { shown, .. } = running;
    #[cfg(target_os = "linux")]
    crate::service::stopping();
    let statistics = args.stats_json.then(|| graphs.statistics());
    // Everything held is released before the picture goes.
    let stopped = graphs.stop();
    shown.end();
    if let Some(statistics) = statistics {
        output::json(&json!({ "graphs": statistics }))?;
    }
    done.and(stopped)
}

/// What a person sees as it runs.
enum Shown {
    Nothing,
    Picture(View),
    Lines(Plain),
}

impl Shown {
    fn start(tell: std::sync::mpsc::Sender<Wake>) -> Result<Self, Failure> {
        if !View::possible() {
            return Plain::start().map(Self::Lines);
        }
        let view = View::start(move || drop(tell.send(Wake::Signal(Signal::Stop))))?;
        Ok(Self::Picture(view))
    }

    fn end(self) {
        if let Self::Picture(view) = self {
            view.end();
        }
    }
}

struct Running<'a> {
    args: &'a Run,
    graphs: &'a mut Graphs,
    watch: Option<Watch>,
    shown: Shown,
    /// When touched graph files are to be read.
    reload_at: Option<Instant>,
}

impl Running<'_> {
    fn until_stopped(&mut self, wakes: &std::sync::mpsc::Receiver<Wake>) -> Result<(), Failure> {
        let now = Instant::now();
        let mut troubles = Troubles::default();
        let mut health = Deadlines::every(Some(SECOND), now);
        let mut picture = Deadlines::every(
            match self.shown {
                Shown::Nothing => None,
                Shown::Picture(_) => Some(FRAME),
                Shown::Lines(_) => Some(SECOND),
            },
            now,
        );
        let mut end = Deadlines::every(self.args.exit_when_done.then_some(DONE), now);
        #[cfg(target_os = "linux")]
        let mut watchdog = Deadlines::every(crate::service::watchdog(), now);
        loop {
            let next = [health.next(), picture.next(), end.next(), self.reload_at];
            #[cfg(target_os = "linux")]
            let next = [next[0], next[1], next[2], next[3], watchdog.next()];
            match wait::wait(wakes, next.into_iter().flatten().min()) {
                Some(Wake::Signal(Signal::Stop)) => return Ok(()),
                Some(Wake::Signal(Signal::Reload)) => self.reload(),
                Some(Wake::Touched(paths)) if watch::concerns(&paths, &self.graphs.files()) => {
                    self.reload_at = Some(Instant::now() + SETTLED);
                }
                Some(Wake::Touched(_)) | None => {}
            }
            let now = Instant::now();
            if self.reload_at.is_some_and(|at| at <= now) {
                self.reload();
            }
            if health.due(now) {
                self.graphs.each_status(|status| troubles.tell(&status));
                if self.watch.as_mut().is_some_and(|watch| watch.renew(&self.graphs.files())) {
                    self.reload_at = Some(now + SETTLED);
                }
            }
            if picture.due(now) {
                self.show();
                picture.only_if(!matches!(self.shown, Shown::Nothing));
            }
            #[cfg(target_os = "linux")]
            if watchdog.due(now) && self.graphs.answer() {
                crate::service::alive();
            }
            if end.due(now) && self.graphs.played() {
                return Ok(());
            }
        }
    }

    /// Shows how everything is. Who does not look any more does not stop the show.
    fn show(&mut self) {
        let statuses = self.graphs.statuses();
        let done = match &mut self.shown {
            Shown::Nothing => return,
            Shown::Picture(view) => view.draw(statuses, self.graphs.taps()),
            Shown::Lines(plain) => {
                // Nothing looks at single events here, and the room for them must not stay full.
                while tap::next().is_some() {}
                plain.write(&statuses)
            }
        };
        if let Err(failure) = done {
            std::mem::replace(&mut self.shown, Shown::Nothing).end();
            failure.tell();
            say::note("the graphs run on without the view");
        }
    }

    fn reload(&mut self) {
        self.reload_at = None;
        #[cfg(target_os = "linux")]
        crate::service::reloading();
        self.graphs.reload(self.args, self.watch.as_mut());
        #[cfg(target_os = "linux")]
        crate::service::ready(&self.graphs.summary());
    }
}
