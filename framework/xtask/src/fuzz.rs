//! `cargo xtask fuzz`: each target of `fuzz/` for a while.
//!
//! The compiler's coverage instrumentation, which cargo-fuzz switches on too, is there in stable
//! compilers; only the sanitizers need a nightly one. This crate's code has next to no `unsafe`, so
//! what is looked for are panics, overflows, endless loops and memory without bounds.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Outcome;
use crate::packages;
use crate::shell::{self, cargo, root, target};

const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";
const SECONDS: u64 = 20;

/// `[SECONDS] [TARGET]`.
pub(crate) fn run(arguments: &[&str]) -> Outcome {
    let usage = "cargo xtask fuzz [SECONDS] [TARGET]";
    let (seconds, only) = match arguments {
        [] => (SECONDS, None),
        [first] => first.parse().map_or((SECONDS, Some(*first)), |seconds| (seconds, None)),
        [first, target] => (first.parse().map_err(|_| usage.to_owned())?, Some(*target)),
        _ => return Err(usage.to_owned()),
    };
    let mut targets = targets()?;
    if let Some(only) = only {
        targets.retain(|name| name == only);
        if targets.is_empty() {
            return Err(format!(
                "There is no fuzz target `{only}`; fuzz/fuzz_targets has one file for each."
            ));
        }
    }
    packages::require(&[packages::LINKER, packages::CPP])?;
    let programs = build(&targets)?;
    // libFuzzer is one thread; the machine has some more.
    let lanes = std::thread::available_parallelism().map_or(1, usize::from);
    let mut failures = Vec::new();
    for group in targets.chunks(lanes) {
        let mut running = Vec::new();
        for name in group {
            running.push(Session::start(name, &programs, seconds)?);
        }
        for session in running {
            if let Err(reason) = session.finish() {
                failures.push(reason);
            }
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n\n")) }
}

fn targets() -> Result<Vec<String>, String> {
    let folder = root().join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// Builds all targets; the folder of the programs.
fn build(targets: &[String]) -> Result<PathBuf, String> {
    let version = shell::output(Command::new("rustc").arg("-vV").current_dir(root()))?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .ok_or("rustc -vV does not name the host.")?;
    let folder = target().join("fuzz");
    // Naming the target keeps the flags away from build scripts and macros.
    let mut command = cargo(&["build", "--release", "--manifest-path", "fuzz/Cargo.toml", "--target", host]);
    command.arg("--target-dir").arg(&folder).env("RUSTFLAGS", FLAGS);
    for name in targets {
        command.args(["--bin", name]);
    }
    shell::run(&mut command)?;
    Ok(folder.join(host).join("release"))
}

/// One fuzz target at work.
struct Session {
    name: String,
    child: Child,
    log: PathBuf,
    crashes: PathBuf,
}

impl Session {
    fn start(name: &str, programs: &Path, seconds: u64) -> Result<Self, String> {
        let place = target().join("fuzz").join("work").join(name);
        let (corpus, crashes) = (place.join("corpus"), place.join("crashes"));
        let failed = |error: std::io::Error| format!("{}: {error}", place.display());
        fs::create_dir_all(&corpus).map_err(failed)?;
        fs::create_dir_all(&crashes).map_err(failed)?;
        let log = place.join("log");
        let mut command = Command::new(programs.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)));
        command
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}/", crashes.display()));
        command.args(["-timeout=5", "-rss_limit_mb=1024", "-use_value_profile=1"]).arg(&corpus);
        // Inputs that are committed; what is found beside them stays in the target folder.
        let seeds = root().join("fuzz/seeds").join(name);
        if seeds.is_dir() {
            command.arg(&seeds);
        }
        eprintln!("fuzz {name}: {seconds} s");
        let output = File::create(&log).map_err(failed)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .spawn()
            .map_err(|error| format!("The fuzz target {name} cannot be started: {error}"))?;
        Ok(Self { name: name.to_owned(), child, log, crashes })
    }

    fn finish(mut self) -> Outcome {
        let status = self.child.wait().map_err(|error| format!("{}: {error}", self.name))?;
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        if status.success() {
            let done = log.lines().rev().find(|line| line.starts_with("Done ")).unwrap_or("done");
            eprintln!("fuzz {}: {done}", self.name);
            return Ok(());
        }
        let lines: Vec<&str> = log.lines().collect();
        Err(format!(
            "fuzz {} ended with {status}. The input is in {}; give that file to the program as its \
             argument to see it again. The end of {}:\n{}",
            self.name,
            self.crashes.display(),
            self.log.display(),
            lines[lines.len().saturating_sub(40)..].join("\n")
        ))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Reached with a running child only when a later one could not be started.
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
