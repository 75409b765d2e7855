//! Crates outside of the workspace, built by cargo into the target folder of the tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::root;

/// Runs a cargo command on a package; it must succeed without a warning. Gives all it wrote.
pub(crate) fn cargo(command: &str, manifest: &Path) -> String {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(program);
    cargo.args([command, "--manifest-path"]).arg(manifest);
    cargo.arg("--target-dir").arg(lab::artifact::target_folder()).current_dir(root());
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let done = cargo.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "cargo {command} of {}:\n{text}", manifest.display());
    assert!(!text.contains("warning: unused") && !text.contains("generated 1 warning"), "{text}");
    text
}

/// Builds a package's plugin library.
pub(crate) fn library(manifest: &Path) -> PathBuf {
    lab::artifact::build_cdylib(manifest).unwrap_or_else(|error| panic!("{error}"))
}

/// The manifest of an example.
pub(crate) fn example(name: &str) -> PathBuf {
    root().join("examples").join(name).join("Cargo.toml")
}

/// Puts the locked versions of the workspace's own examples beside a new crate, so that nothing has to
/// be looked up or built anew.
pub(crate) fn lock(folder: &Path) {
    std::fs::copy(root().join("examples/plugins/chord/Cargo.lock"), folder.join("Cargo.lock")).unwrap();
}

/// Builds a library of a few lines, without any dependency, and puts it there.
pub(crate) fn bare_library(folder: &Path, name: &str, code: &str) {
    let source = folder.join(format!("{name}.rs"));
    std::fs::write(&source, code).unwrap();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let library = folder.join(format!("{name}.{}", std::env::consts::DLL_EXTENSION));
    let done = Command::new(rustc)
        .args(["--crate-type", "cdylib", "--edition", "2024", "-o"])
        .args([&library, &source])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
