//! QmidiNet, the ipMIDI program people already have, without its window.

use crate::jack::JackServer;
use crate::netns::Host;
use crate::{Error, PATIENCE, Process};
use std::net::{IpAddr, Ipv4Addr};

/// The multicast group QmidiNet joins; MIDI port `k`, from 1, is UDP port 21927 + `k`.
pub const GROUP: Ipv4Addr = Ipv4Addr::new(225, 0, 0, 37);

/// A running `qmidinet` with JACK ports `QmidiNet:in_N` and `QmidiNet:out_N`.
#[derive(Debug)]
pub struct QmidiNet {
    process: Process,
}

impl QmidiNet {
    /// Starts it on `host`, where `jack` runs too, as its client, with `ports` MIDI ports and waits until its last
    /// port and its multicast membership are there.
    ///
    /// # Errors
    /// [`Error::Start`], [`Error::TimedOut`].
    pub fn start(host: &Host, jack: &JackServer, ports: u8) -> Result<Self, Error> {
        // It writes its settings on exit, and a person's own are none of the test's business.
        let home = crate::artifact::target_folder().join("lab").join(host.namespace());
        std::fs::create_dir_all(&home).map_err(Error::system(format!("creating {}", home.display())))?;
        let mut command = jack.command("qmidinet");
        command.args(["-g", "-n", &ports.to_string(), "-i", Host::INTERFACE, "-a", "no", "-j", "yes"]);
        command.env("HOME", &home).env("XDG_CONFIG_HOME", &home).env("QT_QPA_PLATFORM", "offscreen");
        let process = Process::start(&mut command)?;
        jack.wait_for_port(&format!("QmidiNet:out_{ports}"))?;
        host.wait_for_membership(IpAddr::V4(GROUP))?;
        Ok(Self { process })
    }

    /// What it has written, for messages.
    #[must_use]
    pub fn text(&self) -> String {
        self.process.text()
    }

    /// Asks it to end and waits.
    ///
    /// # Errors
    /// [`Error::TimedOut`].
    pub fn stop(mut self) -> Result<(), Error> {
        self.process.terminate();
        self.process.wait(PATIENCE).map(drop)
    }
}
