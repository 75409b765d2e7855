//! `cargo xtask test`: every test there is.

use crate::Outcome;
use crate::packages;
use crate::shell::{self, cargo, example_manifests, target};

/// Installs what is missing, then runs unit tests, behaviour tests, documentation tests, and those of
/// the examples, which are crates of their own. `arguments` go to `cargo test` of the workspace.
pub(crate) fn run(arguments: &[&str]) -> Outcome {
    packages::require_for_tests()?;
    // Built once here, so that no two tests build it.
    shell::run(&mut cargo(&["build", "--package", "midibay-cli"]))?;
    let program = target().join("debug").join(format!("midibay{}", std::env::consts::EXE_SUFFIX));
    let mut command = cargo(&["test", "--workspace"]);
    if program.is_file() {
        command.env("MIDIBAY_PROGRAM", &program);
    }
    shell::run(command.args(arguments))?;
    for manifest in example_manifests() {
        // The workspace's folder: what both depend on is built once.
        let mut command = cargo(&["test", "--manifest-path"]);
        shell::run(command.arg(&manifest).arg("--target-dir").arg(target()))?;
    }
    Ok(())
}
