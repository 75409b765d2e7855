//! Files that are no plugin of this Midibay are refused with one line that says why.
//! Those that are plugins are loaded in the lab's tests.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use midibay_plugin::abi::ABI_REVISION;
use midibay_plugin::load;
use tempfile::TempDir;

/// The reason that a file is refused with, without its path, which stands in front.
fn reason(path: &Path) -> String {
    let error = load::open(path).err().unwrap_or_else(|| panic!("{} was loaded", path.display()));
    assert_eq!(error.path, path);
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.len() < path.as_os_str().len() + 200, "a line that can be read: {text}");
    text.strip_prefix(&format!("{}: ", path.display())).expect("the file's name comes first").to_owned()
}

fn file(folder: &TempDir, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.path().join(name).with_extension(std::env::consts::DLL_EXTENSION);
    fs::write(&path, content).unwrap();
    path
}

/// A dynamic library of these lines.
fn library(folder: &TempDir, name: &str, code: &str) -> PathBuf {
    let source = folder.path().join(format!("{name}.rs"));
    fs::write(&source, code).unwrap();
    let library = source.with_extension(std::env::consts::DLL_EXTENSION);
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let mut command = Command::new(rustc);
    command.args(["--crate-type", "cdylib", "--edition", "2024", "-o"]).args([&library, &source]);
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    library
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

const NO_PLUGIN: &str = "#[unsafe(no_mangle)]\npub extern \"C\" fn nothing() {}\n";

fn revision(number: u32) -> String {
    format!("#[unsafe(no_mangle)]\npub static midibay_abi_revision: u32 = {number};\n")
}

#[test]
fn a_file_that_is_not_there_is_told_with_the_name_it_was_asked_for() {
    let folder = folder();
    assert!(reason(&folder.path().join("gone.so")).contains("No such file"));
    // A name alone is a file here, and nothing that the system's loader looks for elsewhere.
    assert!(reason(Path::new("libc.so.6")).contains("No such file"));
}

#[test]
fn what_is_no_library_is_told_so() {
    let folder = folder();
    for content in [&b"this is no library\n"[..], b"", b"\x7fELF", &[0; 4096]] {
        assert_eq!(reason(&file(&folder, "text", content)), "is not a dynamic library");
    }
    assert_eq!(reason(folder.path()), "is a folder, not a plugin library");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let folder = folder();
    let pipe = folder.path().join("pipe.so");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_eq!(reason(&pipe), "is not a regular file");
}

#[test]
fn a_library_that_is_no_plugin_is_told_so() {
    let folder = folder();
    assert_eq!(reason(&library(&folder, "other", NO_PLUGIN)), "is a library, but no Midibay plugin");
    let half = library(&folder, "half", &revision(ABI_REVISION));
    assert_eq!(reason(&half), "is a library, but no Midibay plugin", "the revision, and nothing behind it");
}

#[test]
fn a_plugin_of_another_revision_is_told_both_revisions_and_to_be_built_again() {
    let folder = folder();
    for other in [0, ABI_REVISION + 1, u32::MAX] {
        let path = library(&folder, &format!("revision-{other}"), &revision(other));
        assert_eq!(
            reason(&path),
            format!(
                "speaks revision {other} of the plugin ABI, and this Midibay speaks {ABI_REVISION}; rebuild it"
            )
        );
    }
}

#[test]
fn a_plugin_whose_header_is_not_ours_is_to_be_built_again() {
    let folder = folder();
    let header = "#[unsafe(export_name = \"_1as_0lib_1header_0root_bmodule_bloader\")]\n\
                  pub static HEADER: [u64; 64] = [7; 64];\n";
    let path = library(&folder, "header", &(revision(ABI_REVISION) + header));
    let text = reason(&path);
    assert!(text.contains("layouts differ") && text.ends_with("rebuild it with this version"), "{text}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_of_another_machine_is_told_which() {
    let folder = folder();
    let mut bytes = fs::read(library(&folder, "other", NO_PLUGIN)).unwrap();
    // ELF, `e_machine`: 183 is AArch64, 62 is x86-64.
    let (machine, name) = if cfg!(target_arch = "aarch64") { (62_u16, "X86_64") } else { (183, "Aarch64") };
    bytes[18..20].copy_from_slice(&machine.to_le_bytes());
    let text = reason(&file(&folder, "machine", &bytes));
    assert!(text.starts_with(&format!("was built for {name} (Elf), and this machine is ")), "{text}");
}

#[cfg(target_os = "linux")]
#[test]
fn half_a_library_is_refused_before_the_system_looks_at_it() {
    let folder = folder();
    let bytes = fs::read(library(&folder, "whole", &revision(ABI_REVISION))).unwrap();
    for part in [20, 64, 1000, bytes.len() / 2, bytes.len() - 1] {
        assert_eq!(
            reason(&file(&folder, "half", &bytes[..part])),
            "is not a dynamic library",
            "{part} bytes"
        );
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn a_library_that_misses_another_is_told_in_the_words_of_the_system() {
    let folder = folder();
    let code = "unsafe extern \"C\" { static NO_SUCH_THING: u32; }\n\
                #[unsafe(no_mangle)]\npub extern \"C\" fn ask() -> u32 { unsafe { NO_SUCH_THING } }\n";
    let text = reason(&library(&folder, "needs", &(revision(ABI_REVISION) + code)));
    assert_eq!(text, "the system cannot load it: undefined symbol: NO_SUCH_THING");
}
