//! Programs the tasks need that cargo does not bring.

use std::process::{Command, Stdio};

use crate::Outcome;
use crate::shell::{find, run};

/// A program, and what the package is called that has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    /// Any of these will do.
    programs: &'static [&'static str],
    apt: &'static str,
    brew: &'static str,
}

/// Rust links with the C compiler.
pub(crate) const LINKER: Tool =
    Tool { programs: &["cc", "gcc", "clang"], apt: "build-essential", brew: "gcc" };
/// The fuzzer's engine is C++.
pub(crate) const CPP: Tool = Tool { programs: &["c++", "g++", "clang++"], apt: "g++", brew: "gcc" };

/// What the tests between network namespaces and against other programs need.
#[cfg(target_os = "linux")]
const PEERS: &[Tool] = &[
    Tool { programs: &["ip"], apt: "iproute2", brew: "" },
    Tool { programs: &["nft"], apt: "nftables", brew: "" },
    Tool { programs: &["jackd"], apt: "jackd2", brew: "" },
    Tool { programs: &["qmidinet"], apt: "qmidinet", brew: "" },
];

/// Newer systems have JACK's small tools in a package of their own; older ones, without that
/// package, got them with `jackd` above.
#[cfg(target_os = "linux")]
const JACK_TOOLS: &[Tool] = &[Tool { programs: &["jack_lsp"], apt: "jack-example-tools", brew: "" }];

/// Makes sure the programs are there: installs them where that is allowed without a question,
/// otherwise says which line to run.
pub(crate) fn require(tools: &[Tool]) -> Outcome {
    let missing: Vec<&Tool> =
        tools.iter().filter(|tool| tool.programs.iter().all(|name| find(name).is_none())).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|tool| tool.programs[0]).collect();
    eprintln!("Missing here: {}.", names.join(", "));
    if find("apt-get").is_some() {
        apt(&missing.iter().map(|tool| tool.apt).collect::<Vec<_>>())
    } else if find("brew").is_some() {
        run(Command::new("brew").arg("install").args(missing.iter().map(|tool| tool.brew)))
    } else {
        Err(format!(
            "Install these programs with your system's package manager, then try again: {}.",
            names.join(", ")
        ))
    }
}

/// Everything `cargo xtask test` needs beside Rust.
#[cfg(target_os = "linux")]
pub(crate) fn require_for_tests() -> Outcome {
    require(&[LINKER])?;
    // On a laptop, tests that cannot run say so and are skipped; where CI is set they must run.
    let outcome = require(PEERS).and_then(|()| require(JACK_TOOLS));
    match outcome {
        Err(reason) if !strict() => {
            eprintln!("{reason}\nGoing on without: the tests that need these programs are skipped.");
            Ok(())
        }
        outcome => outcome,
    }
}

/// Everything `cargo xtask test` needs beside Rust.
#[cfg(not(target_os = "linux"))]
pub(crate) fn require_for_tests() -> Outcome {
    require(&[LINKER])
}

#[cfg(target_os = "linux")]
fn strict() -> bool {
    ["CI", "MIDIBAY_CI"]
        .iter()
        .any(|name| std::env::var(name).is_ok_and(|value| value == "true" || value == "1"))
}

fn apt(packages: &[&str]) -> Outcome {
    let install = [&["install", "-y", "--no-install-recommends"], packages].concat();
    let by_hand = format!("sudo apt-get update && sudo apt-get {}", install.join(" "));
    let Some(prefix) = privilege() else {
        return Err(format!("Run this line, then try again:\n\n    {by_hand}\n"));
    };
    let command = |arguments: &[&str]| {
        let mut words = prefix.to_vec();
        words.extend([
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "-q",
            "-o",
            "DPkg::Lock::Timeout=300",
        ]);
        words.extend(arguments);
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        command
    };
    // Another apt-get may hold the lists, whose lock has no time-out of its own.
    let updated = (0..5).any(|attempt| {
        if attempt > 0 {
            std::thread::sleep(std::time::Duration::from_secs(5));
        }
        run(&mut command(&["update"])).is_ok()
    });
    let installed = run(&mut command(&install));
    installed.map_err(|reason| {
        let hint =
            if updated { "" } else { " The package lists could not be updated: is the network there?" };
        format!("{reason}{hint} By hand it is:\n\n    {by_hand}\n")
    })
}

/// What to put before a command that changes the system: nothing as root, `sudo` where it asks no
/// password, `None` where neither works.
fn privilege() -> Option<&'static [&'static str]> {
    let quiet = |words: &[&str]| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let id = quiet(&["id", "-u"]).stdout(Stdio::piped()).output().ok()?;
    if id.stdout.trim_ascii() == b"0" {
        return Some(&[]);
    }
    let sudo = quiet(&["sudo", "-n", "true"]).status().is_ok_and(|status| status.success());
    sudo.then_some(&["sudo", "-n"])
}
