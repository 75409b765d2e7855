//! A JACK server without a sound card, and a client that plays and hears MIDI bytes.

pub mod client;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::netns::Host;
use crate::{Error, PATIENCE, Process};

/// How long a JACK tool may take, which answers in milliseconds.
const ANSWER: Duration = Duration::from_secs(3);

/// A `jackd` with the dummy driver on a host; it ends on drop. Synchronous, or a client that is late on a
/// loaded machine leaves the events of the cycle before to be heard once more.
///
/// It sees a `/dev/shm` of its own. JACK keeps its list of servers there, of which there can be eight,
/// and one that was killed stays on it.
#[derive(Debug)]
pub struct JackServer {
    process: Process,
}

impl JackServer {
    /// Starts a server (48 kHz, 256 frames a cycle) on `host` and waits until clients can connect.
    ///
    /// # Errors
    /// [`Error::Start`], or [`Error::TimedOut`] with what it said when it does not come up.
    pub fn start(host: &Host) -> Result<Self, Error> {
        let script = "mount -t tmpfs -o mode=1777 shm /dev/shm && \
                      exec jackd -r --no-mlock -S -d dummy -r 48000 -p 256";
        let mut command = host.command("unshare");
        command.args(["--mount", "sh", "-c", script]).env("JACK_NO_AUDIO_RESERVATION", "1");
        let server = Self { process: Process::start(&mut command)? };
        match crate::wait_for("jackd", PATIENCE, || server.ports().ok()) {
            Ok(_) => Ok(server),
            Err(_) => Err(Error::TimedOut {
                what: "jackd to take clients".to_owned(),
                patience: PATIENCE,
                output: server.text(),
            }),
        }
    }

    /// A command that runs `program` on the server's host, as a client of this server.
    #[must_use]
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        // The id stayed the same from `ip` through `unshare` and `sh` to `jackd`.
        command
            .args(["--mount", "--net", "--root", "--target", &self.process.id().to_string(), "--"])
            .arg(program);
        command.env("JACK_NO_START_SERVER", "1");
        command
    }

    /// The names of all ports, as `client:port`.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn ports(&self) -> Result<Vec<String>, Error> {
        let mut list = Process::start(&mut self.command("jack_lsp"))?;
        // A client that meets a server in the middle of its start may wait for ever.
        list.wait_success(ANSWER)?;
        list.wait_for_end_of_output(ANSWER)
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
    /// `env!("CARGO_BIN_EXE_lab-jack")`.
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
        let process = Process::start(server.command(tool).args([into, from]))?;
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
