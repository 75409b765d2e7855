//! A child program whose output is read as it comes and which never outlives the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

/// A running program. Both its outputs are collected line by line; on drop it is killed.
#[derive(Debug)]
pub struct Process {
    program: String,
    child: Child,
    stdin: Option<ChildStdin>,
    output: Arc<Output>,
}

#[derive(Debug, Default)]
struct Output {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<String>,
    open_streams: u8,
    /// Lines before this one were handed out by [`Process::next_line_with`].
    read: usize,
}

impl Output {
    fn state(&self) -> MutexGuard<'_, State> {
        // A reader thread that panicked while it pushed a line leaves the lines whole.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn collect(self: Arc<Self>, stream: impl Read + Send + 'static) {
        self.state().open_streams += 1;
        thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
                let text = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
                line.clear();
                self.state().lines.push(text);
                self.changed.notify_all();
            }
            self.state().open_streams -= 1;
            self.changed.notify_all();
        });
    }
}

impl Process {
    /// Starts `command` with all three standard streams in this crate's hands.
    ///
    /// # Errors
    /// [`Error::Start`].
    pub fn start(command: &mut Command) -> Result<Self, Error> {
        let program = describe(command);
        reset_signals(command);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| Error::Start { program: program.clone(), source })?;
        let output = Arc::new(Output::default());
        if let Some(stream) = child.stdout.take() {
            Arc::clone(&output).collect(stream);
        }
        if let Some(stream) = child.stderr.take() {
            Arc::clone(&output).collect(stream);
        }
        let stdin = child.stdin.take();
        Ok(Self { program, child, stdin, output })
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has written so far, both outputs, in the order it came.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.output.state().lines.clone()
    }

    /// [`Self::lines`] as one text, for messages.
    #[must_use]
    pub fn text(&self) -> String {
        self.output.state().lines.join("\n")
    }

    /// Waits until any line so far holds `part`; that line.
    ///
    /// # Errors
    /// [`Error::TimedOut`], or [`Error::EndedEarly`] when both outputs are closed without it.
    pub fn wait_for_line(&self, part: &str, patience: Duration) -> Result<String, Error> {
        self.wait_for_lines(&format!("a line with `{part}`"), patience, |lines| {
            lines.iter().find(|line| line.contains(part)).cloned()
        })
    }

    /// Waits for the next line that holds `part`, after the one the last call of this gave.
    ///
    /// # Errors
    /// As [`Self::wait_for_line`].
    pub fn next_line_with(&self, part: &str, patience: Duration) -> Result<String, Error> {
        let from = self.output.state().read;
        let (at, line) = self.wait_for_lines(&format!("another line with `{part}`"), patience, |lines| {
            lines
                .iter()
                .enumerate()
                .skip(from)
                .find(|(_, line)| line.contains(part))
                .map(|(at, line)| (at, line.clone()))
        })?;
        self.output.state().read = at + 1;
        Ok(line)
    }

    /// Waits until `find` answers `Some` for the lines so far.
    ///
    /// # Errors
    /// As [`Self::wait_for_line`]; `what` is named in them.
    pub fn wait_for_lines<T>(
        &self,
        what: &str,
        patience: Duration,
        mut find: impl FnMut(&[String]) -> Option<T>,
    ) -> Result<T, Error> {
        let end = Instant::now() + patience;
        let mut state = self.output.state();
        loop {
            if let Some(found) = find(&state.lines) {
                return Ok(found);
            }
            let output = || state.lines.join("\n");
            if state.open_streams == 0 {
                return Err(Error::EndedEarly {
                    program: self.program.clone(),
                    what: what.to_owned(),
                    output: output(),
                });
            }
            let Some(left) = end.checked_duration_since(Instant::now()) else {
                return Err(Error::TimedOut {
                    what: format!("{what} from `{}`", self.program),
                    patience,
                    output: output(),
                });
            };
            state = match self.output.changed.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// Waits until both its outputs are closed; all lines.
    ///
    /// # Errors
    /// [`Error::TimedOut`].
    pub fn wait_for_end_of_output(&self, patience: Duration) -> Result<Vec<String>, Error> {
        match self.wait_for_lines("the end of its output", patience, |_| None::<()>) {
            Err(error @ Error::TimedOut { .. }) => Err(error),
            _ => Ok(self.lines()),
        }
    }

    /// Writes a line to its standard input.
    ///
    /// # Errors
    /// [`Error::System`] when it no longer reads.
    pub fn send_line(&mut self, line: &str) -> Result<(), Error> {
        let failed = Error::system(format!("writing to `{}`", self.program));
        let stdin = self.stdin.as_mut();
        let written = stdin.map_or_else(
            || Err(std::io::ErrorKind::BrokenPipe.into()),
            |stdin| writeln!(stdin, "{line}").and_then(|()| stdin.flush()),
        );
        written.map_err(failed)
    }

    /// Closes its standard input.
    pub fn close_input(&mut self) {
        self.stdin = None;
    }

    /// Sends SIGINT, what Ctrl-C sends.
    #[cfg(unix)]
    pub fn interrupt(&self) {
        self.signal(libc::SIGINT);
    }

    /// Sends SIGTERM, what a service manager sends.
    #[cfg(unix)]
    pub fn terminate(&self) {
        self.signal(libc::SIGTERM);
    }

    /// Sends SIGHUP, which asks for a reload.
    #[cfg(unix)]
    pub fn hang_up(&self) {
        self.signal(libc::SIGHUP);
    }

    #[cfg(unix)]
    fn signal(&self, signal: libc::c_int) {
        let Ok(id) = libc::pid_t::try_from(self.child.id()) else { return };
        // SAFETY: kill takes plain numbers. The id is a child of ours that nobody but this value
        // waits for, so it cannot have been given to another process.
        unsafe { libc::kill(id, signal) };
    }

    /// Waits for it to end.
    ///
    /// # Errors
    /// [`Error::TimedOut`] when it still runs after `patience`; [`Error::System`].
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus, Error> {
        let what = format!("the end of `{}`", self.program);
        let mut failed = None;
        let ended = crate::wait_for(&what, patience, || match self.child.try_wait() {
            Ok(status) => status,
            Err(error) => {
                failed = Some(error);
                Some(ExitStatus::default())
            }
        });
        if let Some(source) = failed {
            return Err(Error::System { what, source });
        }
        ended.map_err(|_| Error::TimedOut { what, patience, output: self.text() })
    }

    /// Waits for it to end well.
    ///
    /// # Errors
    /// As [`Self::wait`], and [`Error::Failed`] when its status is not 0.
    pub fn wait_success(&mut self, patience: Duration) -> Result<(), Error> {
        let status = self.wait(patience)?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Failed { program: self.program.clone(), status, output: self.text() })
    }

    /// Kills it and waits until it is gone.
    pub fn kill(&mut self) {
        // Both fail only when it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// What it has used so far; `None` when it has ended, and on systems without `/proc`.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).ok();
        let status = read("status")?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: u64 = resident.split_whitespace().next()?.parse().ok()?;
        // The nanoseconds a thread has run are the first number of its schedstat; a clock tick, as
        // in /proc/PID/stat, would be 10 ms.
        let mut cpu = Duration::ZERO;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.child.id())).ok()? {
            let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
            cpu += Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?);
        }
        Some(Usage { resident_bytes: kilobytes * 1024, cpu })
    }
}

/// What a program has used so far.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Memory that is in RAM now, bytes.
    pub resident_bytes: u64,
    /// Processor time of all threads that live.
    pub cpu: Duration,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Has the program start with no signal ignored. One that is ignored stays so in every child, and tests
/// that run in the background of a script are started with SIGINT ignored.
#[cfg(unix)]
fn reset_signals(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    let reset = || {
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
            // SAFETY: the default action is no function of ours.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        Ok(())
    };
    // SAFETY: between fork and exec only `signal` is called, which is allowed there.
    unsafe { command.pre_exec(reset) };
}

/// There are no signals to inherit.
#[cfg(not(unix))]
fn reset_signals(_: &mut Command) {}

/// Runs a command to its end and gives its standard output.
///
/// # Errors
/// [`Error::Start`], or [`Error::Failed`] with all it wrote.
pub fn run(command: &mut Command) -> Result<String, Error> {
    let program = describe(command);
    let done = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| Error::Start { program: program.clone(), source })?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    if done.status.success() {
        return Ok(text);
    }
    let output = text + &String::from_utf8_lossy(&done.stderr);
    Err(Error::Failed { program, status: done.status, output })
}

fn describe(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}
