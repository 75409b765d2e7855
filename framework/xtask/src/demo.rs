//! `cargo xtask demo`: two Midibay programs on this machine. One plays a MIDI file through
//! processors onto the network, the other shows what arrives. No MIDI hardware, and nothing leaves
//! the machine: both graphs use the loopback interface.

use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::shell::{cargo, root, target};
use crate::{Outcome, packages, piece, shell, signal};

const RECEIVER: &[&str] = &["run", "examples/graphs/demo-receiver.toml", "--view"];
/// What the receiver's graph records; the player's graph plays `examples/media/prelude.mid`.
const TAKE: &str = "target/demo-take.mid";
const PLAYER: &[&str] = &["run", "examples/graphs/demo-player.toml", "--exit-when-done"];

/// What `midibay run` writes to standard error once everything is started.
const READY: &str = "ready";
/// Between two looks at the children.
const GLANCE: Duration = Duration::from_millis(20);
/// How long a program may take to start, and to end.
const PATIENCE: Duration = Duration::from_secs(20);
/// Ctrl-C in a terminal reaches the children too; only those who did not get it are told again.
const GRACE: Duration = Duration::from_millis(1500);
/// After the last note, so that the picture is seen to come to rest.
const LINGER: Duration = Duration::from_secs(1);

/// Builds, plays and shows; ends after the piece, or cleanly on Ctrl-C.
pub(crate) fn run() -> Outcome {
    packages::require(&[packages::LINKER])?;
    shell::run(&mut cargo(&["build", "--package", "midibay-cli"]))?;
    let program = target().join("debug").join(format!("midibay{}", std::env::consts::EXE_SUFFIX));
    remove_takes();
    signal::watch();
    let terminal = Terminal::remember();
    let begin = Instant::now();
    let outcome = play(|| Command::new(&program));
    drop(terminal);
    let seconds = begin.elapsed().as_secs();
    match outcome? {
        End::Played => {
            let played = piece::notes();
            match piece::notes_of(&root().join(TAKE)) {
                Some(heard) if heard == played => println!(
                    "The piece is over: {played} notes in {seconds} s, through two processors and over \
                     multicast, and each arrived. Both programs ended cleanly; {TAKE} is what was heard."
                ),
                heard => {
                    let heard = heard.unwrap_or(0);
                    return Err(format!(
                        "The piece has {played} notes; {TAKE}, what was heard, has {heard}."
                    ));
                }
            }
        }
        End::Stopped => println!("Stopped after {seconds} s; both programs ended cleanly."),
    }
    Ok(())
}

/// Earlier takes, for a recorder never writes over one.
fn remove_takes() {
    let folder = root().join("target");
    // Cargo may build elsewhere.
    let _ = std::fs::create_dir_all(&folder);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("demo-take") && name.ends_with(".mid") {
            // One that stays makes the new take a file of another name, and the count says so.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

enum End {
    /// The player came to the end of the file.
    Played,
    /// Somebody wanted it to end.
    Stopped,
}

fn play(midibay: impl Fn() -> Command) -> Result<End, String> {
    let mut receiver = Part::start("receiver", midibay().args(RECEIVER).stdout(Stdio::inherit()))?;
    if !receiver.wait_until_ready()? {
        receiver.end()?;
        return Ok(End::Stopped);
    }
    let mut player = Part::start("player", midibay().args(PLAYER).stdout(Stdio::null()))?;
    let end = loop {
        if signal::interrupted() {
            break End::Stopped;
        }
        if player.ended()? {
            linger();
            break if signal::interrupted() { End::Stopped } else { End::Played };
        }
        if receiver.ended()? {
            // A key in its live picture.
            break End::Stopped;
        }
        thread::sleep(GLANCE);
    };
    let both = [player.end(), receiver.end()];
    for outcome in both {
        outcome?;
    }
    Ok(end)
}

fn linger() {
    let end = Instant::now() + LINGER;
    while Instant::now() < end && !signal::interrupted() {
        thread::sleep(GLANCE);
    }
}

/// One of the two programs.
struct Part {
    name: &'static str,
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
    status: Option<ExitStatus>,
}

impl Part {
    fn start(name: &'static str, command: &mut Command) -> Result<Self, String> {
        let mut child = signal::heed(command)
            .current_dir(root())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("The {name} cannot be started: {error}."))?;
        let said = Arc::new(Mutex::new(Vec::new()));
        let reader = child.stderr.take().map(|stderr| {
            let said = Arc::clone(&said);
            thread::spawn(move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    said.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                }
            })
        });
        Ok(Self { name, child, said, reader, status: None })
    }

    fn said(&self) -> Vec<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All it said, once it has ended.
    fn last_words(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            // It only reads lines; if it panicked, what it read before is there.
            let _ = reader.join();
        }
        self.said().join("\n")
    }

    /// Whether it became ready; `false` when somebody wanted everything to end before.
    fn wait_until_ready(&mut self) -> Result<bool, String> {
        let end = Instant::now() + PATIENCE;
        while !self.said().iter().any(|line| line.trim() == READY) {
            if signal::interrupted() {
                return Ok(false);
            }
            if self.ended()? {
                let said = self.last_words();
                return Err(format!("The {} ended before it was ready:\n{said}", self.name));
            }
            if Instant::now() > end {
                return Err(format!("The {} did not become ready:\n{}", self.name, self.said().join("\n")));
            }
            thread::sleep(GLANCE);
        }
        Ok(true)
    }

    /// Whether it has ended by itself, and well.
    fn ended(&mut self) -> Result<bool, String> {
        if self.status.is_none() {
            self.status = self.child.try_wait().map_err(|error| format!("The {}: {error}.", self.name))?;
        }
        match self.status {
            None => Ok(false),
            Some(status) if status.success() => Ok(true),
            Some(status) => {
                let said = self.last_words();
                Err(format!("The {} ended with {status}:\n{said}", self.name))
            }
        }
    }

    /// Has it end, unless it has, and waits.
    fn end(&mut self) -> Outcome {
        let start = Instant::now();
        let mut told = false;
        while !self.ended()? {
            let waited = start.elapsed();
            if !told && (waited > GRACE || !signal::interrupted()) {
                signal::interrupt(&mut self.child);
                told = true;
            }
            if waited > PATIENCE {
                return Err(format!("The {} did not end when it was asked to.", self.name));
            }
            thread::sleep(GLANCE);
        }
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Only on an error does it still run here.
        if self.status.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Puts the terminal back as it was, should the live picture have been cut off.
struct Terminal {
    settings: Option<String>,
}

impl Terminal {
    fn remember() -> Self {
        let settings = std::io::stdin().is_terminal().then(|| {
            // The settings of the terminal that is this command's standard input.
            let done =
                Command::new("stty").arg("-g").stdin(Stdio::inherit()).stderr(Stdio::null()).output().ok()?;
            done.status.success().then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned())
        });
        Self { settings: settings.flatten() }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(settings) = &self.settings {
            // Without stty there was nothing to remember either.
            let _ = Command::new("stty").arg(settings).stdin(Stdio::inherit()).status();
        }
        let mut out = std::io::stdout();
        if out.is_terminal() {
            // Leaves the alternate screen, if it is on, and shows the cursor.
            let _ = out.write_all(b"\x1b[?1049l\x1b[?25h").and_then(|()| out.flush());
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// Plays with a shell script in place of `midibay`, which does as told for either graph.
    fn play_with(receiver: &str, player: &str) -> Result<End, String> {
        let script = format!("case $1 in\n*receiver*)\n{receiver}\n;;\n*)\n{player}\n;;\nesac\n");
        play(|| {
            let mut command = Command::new("sh");
            // The script's $0 is "run".
            command.args(["-c", &script]);
            command
        })
    }

    const RECEIVES: &str = "trap 'exit 0' INT; echo ready >&2; while :; do sleep 0.01; done";

    #[test]
    fn when_the_piece_is_over_the_receiver_is_asked_to_end() {
        assert!(matches!(play_with(RECEIVES, "exit 0"), Ok(End::Played)));
    }

    #[test]
    fn the_player_waits_until_the_receiver_hears_it() {
        let mark = std::env::temp_dir().join(format!("midibay-demo-{}-mark", std::process::id()));
        let receiver = format!("sleep 0.2; touch {}; {RECEIVES}", mark.display());
        let player = format!("test -e {}", mark.display());
        assert!(play_with(&receiver, &player).is_ok());
        std::fs::remove_file(mark).unwrap();
    }

    #[test]
    fn who_leaves_the_picture_ends_the_demo() {
        let player = "trap 'exit 0' INT; while :; do sleep 0.01; done";
        let receiver = "echo ready >&2; sleep 0.2; exit 0";
        assert!(matches!(play_with(receiver, player), Ok(End::Stopped)));
    }

    #[test]
    fn a_player_that_fails_is_told_with_its_own_words() {
        let error = play_with(RECEIVES, "echo no such graph >&2; exit 3").err().unwrap();
        assert!(error.contains("player") && error.contains("no such graph"), "{error}");
    }

    #[test]
    fn a_receiver_that_does_not_start_is_told_with_its_own_words() {
        let error = play_with("echo no such node >&2; exit 1", "exit 0").err().unwrap();
        assert!(error.contains("receiver") && error.contains("no such node"), "{error}");
    }

    #[test]
    fn a_receiver_that_ends_badly_when_asked_fails_the_demo() {
        let receiver = "trap 'exit 7' INT; echo ready >&2; while :; do sleep 0.01; done";
        let error = play_with(receiver, "exit 0").err().unwrap();
        assert!(error.contains("receiver") && error.contains('7'), "{error}");
    }
}
