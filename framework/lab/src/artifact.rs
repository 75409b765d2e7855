//! The built `midibay` program and plugin libraries, made by cargo when a test asks for them.
//!
//! Everything goes to the target folder of the running test and is built in its profile, so that
//! what the workspace has built already is used.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::Error;

/// The environment variable that names a built `midibay` to test instead of building one.
pub const PROGRAM_VARIABLE: &str = "MIDIBAY_PROGRAM";

/// The path of the `midibay` program: what [`PROGRAM_VARIABLE`] names, else the program of this
/// workspace, built once per test process.
///
/// # Panics
/// When it cannot be built; the compiler's words are on standard error.
#[must_use]
pub fn midibay_binary() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| match std::env::var_os(PROGRAM_VARIABLE) {
            Some(path) => PathBuf::from(path),
            None => build(&["--package", "midibay-cli", "--bin", "midibay"], Path::new("midibay-cli"), "bin")
                .unwrap_or_else(|error| panic!("{error}")),
        })
        .clone()
}

/// Builds the package at `manifest` and gives the path of its dynamic library.
///
/// # Errors
/// [`Error::Failed`] when it does not compile, [`Error::NoArtifact`] when it has no `cdylib`.
pub fn build_cdylib(manifest: &Path) -> Result<PathBuf, Error> {
    build(&["--manifest-path".as_ref(), manifest.as_os_str(), "--lib".as_ref()], manifest, "cdylib")
}

/// Builds the package at `manifest` and gives the path of its program.
///
/// # Errors
/// [`Error::Failed`] when it does not compile, [`Error::NoArtifact`] when it has no program.
pub fn build_program(manifest: &Path) -> Result<PathBuf, Error> {
    build(&["--manifest-path".as_ref(), manifest.as_os_str(), "--bins".as_ref()], manifest, "bin")
}

/// Builds an example of this workspace that is a dynamic library, and gives its path.
///
/// # Errors
/// As for [`build_cdylib`].
pub fn build_example(package: &str, example: &str) -> Result<PathBuf, Error> {
    build(&["--package", package, "--example", example], Path::new(package), "cdylib")
}

/// The root of this repository's working tree.
#[must_use]
pub fn repository() -> PathBuf {
    let lab = Path::new(env!("CARGO_MANIFEST_DIR"));
    lab.ancestors().nth(2).unwrap_or(lab).to_owned()
}

/// The target folder the running program was built into.
#[must_use]
pub fn target_folder() -> PathBuf {
    let exe = std::env::current_exe().unwrap_or_default();
    let tagged = exe.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    tagged.map_or_else(|| repository().join("target"), Path::to_owned)
}

fn build<S: AsRef<std::ffi::OsStr>>(
    what: &[S],
    manifest: &Path,
    kind: &'static str,
) -> Result<PathBuf, Error> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.arg("build").args(what).args(["--quiet", "--message-format", "json-render-diagnostics"]);
    command.arg("--target-dir").arg(target_folder()).current_dir(repository());
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let program = format!("cargo build ({})", manifest.display());
    let done = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|source| Error::Start { program: program.clone(), source })?;
    if !done.status.success() {
        let output = String::from_utf8_lossy(&done.stderr).into_owned();
        return Err(Error::Failed { program, status: done.status, output });
    }
    let messages = String::from_utf8_lossy(&done.stdout);
    // The package itself is built last, after what it depends on.
    messages
        .lines()
        .rev()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter(|message| {
            message["target"]["crate_types"]
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(|name| name == kind))
        })
        .find_map(|message| match kind {
            "bin" => message["executable"].as_str().map(PathBuf::from),
            _ => message["filenames"]
                .as_array()?
                .iter()
                .filter_map(|name| name.as_str())
                .map(PathBuf::from)
                .find(|file| file.extension().is_some_and(|ext| ext == std::env::consts::DLL_EXTENSION)),
        })
        .ok_or_else(|| Error::NoArtifact {
            manifest: manifest.to_owned(),
            kind: if kind == "bin" { "program" } else { "library" },
        })
}
