//! `cargo xtask ci`: what proves a change, in stages with their times. `.ci/run` calls it.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::shell::{self, cargo, example_manifests, root, target};
use crate::{Outcome, demo, fuzz, licences, packages, signal, test};

/// How long each fuzz target runs: enough to meet what a change broke outright.
const FUZZ_SECONDS: &str = "15";

/// Systems the code has to compile for; what runs on them is tested there.
const OTHER_SYSTEMS: &[&str] = &["x86_64-pc-windows-gnu", "aarch64-apple-darwin"];

struct Stage {
    name: &'static str,
    run: fn() -> Outcome,
}

/// The cheap ones first: a wrong format is said after seconds.
const STAGES: &[Stage] = &[
    Stage { name: "tools", run: tools },
    Stage { name: "format", run: format },
    Stage { name: "lints", run: lints },
    Stage { name: "documentation", run: documentation },
    Stage { name: "licences", run: licences::run },
    Stage { name: "tests", run: || test::run(&["--no-fail-fast"]) },
    Stage { name: "demo", run: demo::run },
    Stage { name: "other systems", run: other_systems },
    Stage { name: "fuzz", run: || fuzz::run(&[FUZZ_SECONDS]) },
];

/// Runs every stage, also after one that failed.
pub(crate) fn run() -> Outcome {
    let begin = Instant::now();
    let mut times: Vec<(&str, Duration, bool)> = Vec::new();
    for stage in STAGES {
        eprintln!("\n=== {}", stage.name);
        let start = Instant::now();
        let outcome = (stage.run)();
        if let Err(reason) = &outcome {
            eprintln!("{reason}");
        }
        eprintln!("=== {}: {} after {:.0?}", stage.name, word(outcome.is_ok()), start.elapsed());
        times.push((stage.name, start.elapsed(), outcome.is_ok()));
        // The demo notices Ctrl-C instead of ending by it.
        if signal::interrupted() {
            break;
        }
    }
    eprintln!();
    for (name, time, good) in &times {
        eprintln!("{:6} {:>5} s  {name}", word(*good), time.as_secs());
    }
    eprintln!("{:6} {:>5} s  in all", "", begin.elapsed().as_secs());
    match times.iter().filter(|(_, _, good)| !good).count() {
        0 if signal::interrupted() => Err("Stopped.".to_owned()),
        0 => Ok(()),
        failed => Err(format!("{failed} of {} stages failed.", times.len())),
    }
}

fn word(good: bool) -> &'static str {
    if good { "ok" } else { "FAILED" }
}

fn tools() -> Outcome {
    packages::require_for_tests()?;
    packages::require(&[packages::CPP])?;
    // A distribution's own Rust has no rustup and brings both.
    for component in ["rustfmt", "clippy"] {
        let program = if component == "clippy" { "clippy-driver" } else { component };
        let there = shell::output(Command::new(program).arg("--version").current_dir(root())).is_ok();
        if !there {
            shell::run(Command::new("rustup").args(["component", "add", component]).current_dir(root()))?;
        }
    }
    Ok(())
}

fn format() -> Outcome {
    shell::run(&mut cargo(&["fmt", "--all", "--check"]))?;
    let mut others = example_manifests();
    others.push(root().join("fuzz/Cargo.toml"));
    for manifest in others {
        shell::run(cargo(&["fmt", "--check", "--manifest-path"]).arg(manifest))?;
    }
    Ok(())
}

fn lints() -> Outcome {
    shell::run(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--keep-going",
        "--",
        "-D",
        "warnings",
    ]))?;
    for manifest in example_manifests() {
        let mut command = cargo(&["clippy", "--all-targets", "--manifest-path"]);
        command.arg(manifest).arg("--target-dir").arg(target());
        shell::run(command.args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}

fn documentation() -> Outcome {
    // The program and the library are both called midibay, and their pages would be one file.
    let mut command = cargo(&["doc", "--workspace", "--exclude", "midibay-cli", "--no-deps", "--keep-going"]);
    shell::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

fn other_systems() -> Outcome {
    for system in OTHER_SYSTEMS {
        let added = shell::run(Command::new("rustup").args(["target", "add", system]).current_dir(root()));
        if let Err(reason) = added {
            // A distribution's own compiler knows its own system only.
            eprintln!("Not checked for {system}: {reason}");
            continue;
        }
        shell::run(&mut cargo(&["check", "--workspace", "--target", system]))?;
    }
    Ok(())
}
