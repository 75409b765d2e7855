//! Running programs, and where things lie.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Outcome;

/// The root of the working tree.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The cargo that runs this task, at the root of the tree.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// The manifests of the crates that are no members of the workspace: examples as their users have
/// them.
pub(crate) fn example_manifests() -> Vec<PathBuf> {
    let examples = root().join("examples");
    let mut found = vec![examples.join("embed/Cargo.toml")];
    for entry in std::fs::read_dir(examples.join("plugins")).into_iter().flatten().flatten() {
        found.push(entry.path().join("Cargo.toml"));
    }
    found.retain(|manifest| manifest.is_file());
    found.sort();
    found
}

/// Runs a command to its end with its output on the terminal.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let text = describe(command);
    eprintln!("$ {text}");
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{text}` ended with {status}.")),
        Err(error) => Err(format!("`{text}` cannot be started: {error}.")),
    }
}

/// Runs a command to its end and gives its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let text = describe(command);
    match command.stdin(Stdio::null()).output() {
        Ok(done) if done.status.success() => Ok(String::from_utf8_lossy(&done.stdout).into_owned()),
        Ok(done) => {
            Err(format!("`{text}` ended with {}:\n{}", done.status, String::from_utf8_lossy(&done.stderr)))
        }
        Err(error) => Err(format!("`{text}` cannot be started: {error}.")),
    }
}

/// Where a program lies on the search path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // Debian keeps administration programs, such as ip and nft, off the path of ordinary users.
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut text = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}
