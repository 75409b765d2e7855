//! `cargo xtask bench`: figures with their floor measured in the same run.

use std::process::Command;

use crate::Outcome;
use crate::packages;
use crate::shell::{self, cargo, root, target};

/// The network path, start-up, memory and idle load of the whole program, by the lab's `bench`.
pub(crate) fn network(arguments: &[&str]) -> Outcome {
    packages::require(&[packages::LINKER])?;
    shell::run(&mut cargo(&["build", "--release", "--package", "midibay-cli", "--package", "midibay-lab"]))?;
    let folder = target().join("release");
    let program = |name: &str| folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let mut bench = Command::new(program("bench"));
    shell::run(bench.arg(program("midibay")).arg(program("udp-echo")).args(arguments).current_dir(root()))
}

/// The benchmarks of each crate that has some.
pub(crate) fn code() -> Outcome {
    packages::require(&[packages::LINKER])?;
    for room in ["framework", "transports", "backends", "plugins"] {
        let mut crates: Vec<_> = std::fs::read_dir(root().join(room))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect();
        crates.sort();
        for folder in crates.iter().filter(|folder| folder.join("benches").is_dir()) {
            let manifest = folder.join("Cargo.toml");
            shell::run(cargo(&["bench", "--bench", "*", "--manifest-path"]).arg(manifest))?;
        }
    }
    Ok(())
}
