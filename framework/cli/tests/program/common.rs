//! What the tests of the program share: the built program, a peer on the network, a folder.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use lab::{PATIENCE, Process};

/// The program, with nothing of the environment that changes what it says or finds.
pub(crate) fn midibay() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_midibay"));
    for name in
        ["RUST_LOG", "MIDIBAY_PLUGIN_PATH", "NO_COLOR", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]
    {
        command.env_remove(name);
    }
    command
}

/// Runs it to its end.
pub(crate) fn output(arguments: &[&str]) -> Output {
    midibay().args(arguments).output().unwrap()
}

/// What a finished run said, and how it ended.
pub(crate) fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// Runs it to its end, which must be a good one, and gives its standard output.
pub(crate) fn succeeds(arguments: &[&str]) -> String {
    let (code, out, err) = said(&output(arguments));
    assert_eq!(code, 0, "{arguments:?}\n{out}{err}");
    out
}

/// Starts it and waits until it is ready.
pub(crate) fn started(arguments: &[&str]) -> Process {
    started_by(midibay().args(arguments))
}

/// As [`started`], for a command of the test's making.
pub(crate) fn started_by(command: &mut Command) -> Process {
    let process = Process::start(command).unwrap();
    process
        .wait_for_lines("ready", PATIENCE, |lines| lines.iter().any(|line| line == "ready").then_some(()))
        .unwrap();
    process
}

/// A folder that goes with the test.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Writes a file and gives its path as text.
pub(crate) fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Replaces a file as editors do: a new one is renamed over it.
pub(crate) fn replace(path: &str, text: &str) {
    let beside = format!("{path}.new");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(&beside, path).unwrap();
}

/// The root of the source tree.
pub(crate) fn root() -> PathBuf {
    lab::artifact::repository()
}

/// A UDP port that is free at the moment.
pub(crate) fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Somebody on the network who collects the bytes sent to it.
pub(crate) struct Peer {
    socket: UdpSocket,
    bytes: Vec<u8>,
}

impl Peer {
    pub(crate) fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        Self { socket, bytes: Vec::new() }
    }

    /// Where to send to it.
    pub(crate) fn address(&self) -> String {
        self.socket.local_addr().unwrap().to_string()
    }

    /// Sends to a UDP port of this machine.
    pub(crate) fn send(&self, port: u16, bytes: &[u8]) {
        self.socket.send_to(bytes, ("127.0.0.1", port)).unwrap();
    }

    /// Waits for these bytes, somewhere in what was sent since the last ones that were waited for.
    pub(crate) fn wait_for(&mut self, expected: &[u8]) {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.bytes.windows(expected.len()).position(|bytes| bytes == expected) {
                self.bytes.drain(..at + expected.len());
                return;
            }
            assert!(Instant::now() < end, "{expected:02X?} did not come; so far {:02X?}", self.bytes);
            self.receive();
        }
    }

    /// Everything that has come by now and was not waited for.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.receive() {}
        std::mem::take(&mut self.bytes)
    }

    fn receive(&mut self) -> bool {
        let mut datagram = [0; 2048];
        match self.socket.recv(&mut datagram) {
            Ok(length) => {
                self.bytes.extend_from_slice(&datagram[..length]);
                true
            }
            Err(_) => false,
        }
    }
}

/// A graph from a UDP port of this machine through `node` to a peer.
pub(crate) fn through(port: u16, node: &str, peer: &Peer) -> String {
    format!(
        "[node.in]\ntype = \"ip-midi\"\nlisten = \"127.0.0.1:{port}\"\n\n[node.way]\n{node}\n\n\
         [node.out]\ntype = \"ip-midi\"\npeers = [\"{}\"]\n\n\
         [graph]\nroutes = [\"in -> way -> out\"]\n",
        peer.address()
    )
}
