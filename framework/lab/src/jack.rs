//! A JACK server without a sound card, and a client that plays and hears MIDI bytes.

pub mod client;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Error, PATIENCE, Process};

/// A `jackd` with the dummy driver under a name of its own; it ends on drop.
#[derive(Debug)]
pub struct JackServer {
    name: String,
    process: Process,
}

impl JackServer {
    /// Starts a server (48 kHz, 256 frames a cycle) and waits until clients can connect.
    ///
    /// Servers are found by name through shared memory, so programs on any [`Host`] reach it.
    ///
    /// [`Host`]: crate::netns::Host
    ///
    /// # Errors
    /// [`Error::Start`] where `jackd` is missing, [`Error::Failed`] with what it said when it does
    /// not come up.
    pub fn start() -> Result<Self, Error> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("mblab-{}-{number}", std::process::id());
        let mut command = Command::new("jackd");
        command.args(["-n", &name, "-r", "--no-mlock", "-d", "dummy", "-r", "48000", "-p", "256"]);
        let process = Process::start(command.env("JACK_NO_AUDIO_RESERVATION", "1"))?;
        let mut wait = Command::new("jack_wait");
        wait.args(["--server", &name, "--wait", "--timeout", &PATIENCE.as_secs().to_string()]);
        match crate::process::run(&mut wait) {
            Ok(_) => Ok(Self { name, process }),
            Err(_) => Err(Error::TimedOut {
                what: "jackd to take clients".to_owned(),
                patience: PATIENCE,
                output: process.text(),
            }),
        }
    }

    /// Makes `command` a client of this server.
    pub fn serve<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env("JACK_DEFAULT_SERVER", &self.name).env("JACK_NO_START_SERVER", "1")
    }

    /// The names of all ports, as `client:port`.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn ports(&self) -> Result<Vec<String>, Error> {
        let text = crate::process::run(self.serve(&mut Command::new("jack_lsp")))?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Waits until a client has registered `port`.
    ///
    /// # Errors
    /// [`Error::TimedOut`].
    pub fn wait_for_port(&self, port: &str) -> Result<(), Error> {
        crate::wait_for(&format!("the JACK port {port}"), PATIENCE, || {
            self.ports().ok()?.iter().any(|name| name == port).then_some(())
        })
    }

    /// Starts a client that plays into the port `into` and hears the port `from`.
    ///
    /// `tool` is this crate's program `lab-jack`; a test has it as
    /// `env!("CARGO_BIN_EXE_lab-jack")`. libjack takes the server's name from the environment of
    /// the process only, which is why this is a process.
    ///
    /// # Errors
    /// [`Error::Start`], [`Error::EndedEarly`] when the ports cannot be connected.
    pub fn client(&self, tool: impl Into<PathBuf>, into: &str, from: &str) -> Result<JackClient, Error> {
        let tool: PathBuf = tool.into();
        JackClient::start(self, &tool, into, from)
    }

    /// What the server has written, for messages.
    #[must_use]
    pub fn text(&self) -> String {
        self.process.text()
    }
}

/// A JACK client that plays and hears MIDI bytes.
#[derive(Debug)]
pub struct JackClient {
    process: Process,
}

impl JackClient {
    fn start(server: &JackServer, tool: &Path, into: &str, from: &str) -> Result<Self, Error> {
        let process = Process::start(server.serve(Command::new(tool).args([into, from])))?;
        process.wait_for_line("ready", PATIENCE)?;
        Ok(Self { process })
    }

    /// Plays `bytes` as one JACK event in the next cycle.
    ///
    /// # Errors
    /// [`Error::System`] when the client has ended.
    pub fn play(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.process.send_line(&to_hex(bytes))
    }

    /// All bytes heard so far, events joined.
    #[must_use]
    pub fn heard(&self) -> Vec<u8> {
        heard(&self.process.lines())
    }

    /// Waits until at least `count` bytes were heard; all of them.
    ///
    /// # Errors
    /// [`Error::TimedOut`].
    pub fn wait_for_bytes(&self, count: usize) -> Result<Vec<u8>, Error> {
        self.process.wait_for_lines(&format!("{count} bytes of MIDI"), PATIENCE, |lines| {
            Some(heard(lines)).filter(|bytes| bytes.len() >= count)
        })
    }
}

fn heard(lines: &[String]) -> Vec<u8> {
    lines.iter().filter_map(|line| from_hex(line.strip_prefix("heard ")?)).flatten().collect()
}

/// Bytes as `90 3c 64`.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    let words: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    words.join(" ")
}

/// What [`to_hex`] wrote; `None` for anything else.
#[must_use]
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    text.split_whitespace().map(|word| u8::from_str_radix(word, 16).ok()).collect()
}
