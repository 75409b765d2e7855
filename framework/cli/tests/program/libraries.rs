//! Plugin libraries: found, loaded, or left out with a reason.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cargo::{bare_library, example, library, lock};
use crate::common::{Peer, folder, free_port, midibay, output, said, started, started_by, succeeds, write};
use lab::PATIENCE;

fn put(library: &Path, folder: &Path, name: &str) -> PathBuf {
    let place = folder.join(format!("{name}.{}", std::env::consts::DLL_EXTENSION));
    fs::copy(library, &place).unwrap();
    place
}

fn chord() -> PathBuf {
    library(&example("plugins/chord"))
}

/// A graph that turns notes from a UDP port into chords.
fn chords(port: u16, peer: &Peer, settings: &str) -> String {
    format!("{settings}\n{}", crate::common::through(port, "type = \"chord\"\nintervals = [0, 7]", peer))
}

/// The reason that was told for a library, and that it was one line.
fn reason<'a>(err: &'a str, name: &str) -> &'a str {
    let mut lines = err.lines().filter(|line| line.contains(name));
    let line = lines.next().unwrap_or_else(|| panic!("nothing is said about {name}:\n{err}"));
    assert_eq!(lines.next(), None, "one line for each");
    assert!(line.starts_with("warning: plugin skipped: "), "{line}");
    line
}

#[test]
fn libraries_that_cannot_be_used_are_left_out_with_a_reason_and_the_rest_loads() {
    let folder = folder();
    let dir = folder.path();
    let good = put(&chord(), dir, "good");
    let text = dir.join("a-text").with_extension(std::env::consts::DLL_EXTENSION);
    fs::write(&text, "this is no library").unwrap();
    bare_library(dir, "no-plugin", "#[unsafe(no_mangle)]\npub extern \"C\" fn nothing() {}\n");
    bare_library(dir, "other-abi", "#[unsafe(no_mangle)]\npub static midibay_abi_revision: u32 = 999;\n");

    // The same library for another machine, as its header says (ELF: e_machine, bytes 18 and 19).
    let mut bytes = fs::read(&good).unwrap();
    if cfg!(target_os = "linux") {
        bytes[18..20]
            .copy_from_slice(&if cfg!(target_arch = "aarch64") { 62_u16 } else { 183 }.to_le_bytes());
        fs::write(dir.join("other-machine.so"), bytes).unwrap();
    }
    // A plugin that panics as it is asked what it brings.
    let crate_dir = lab::artifact::target_folder().join(format!("panicking-plugin-{}", std::process::id()));
    let _ = fs::remove_dir_all(&crate_dir);
    let crate_text = crate_dir.to_str().unwrap();
    succeeds(&["new-plugin", "panicking-plugin", "--kind", "processor", "--dir", crate_text]);
    let source = fs::read_to_string(crate_dir.join("src/lib.rs")).unwrap();
    let head = "pub fn module() -> Module {";
    let source =
        source.replace(head, &format!("{head}\n    assert!(std::env::args().len() > 9999, \"no way\");"));
    fs::write(crate_dir.join("src/lib.rs"), source).unwrap();
    lock(&crate_dir);
    put(&library(&crate_dir.join("Cargo.toml")), dir, "panics");
    fs::remove_dir_all(&crate_dir).unwrap();

    let (code, out, err) = said(&output(&["plugins", "--plugin-path", dir.to_str().unwrap()]));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("chord") && out.contains("transpose"), "{out}");
    assert!(reason(&err, "a-text").ends_with("is not a dynamic library"), "{err}");
    assert!(reason(&err, "no-plugin").ends_with("is a library, but no Midibay plugin"), "{err}");
    let abi = reason(&err, "other-abi");
    assert!(abi.contains("speaks revision 999 of the plugin ABI") && abi.contains("rebuild it"), "{abi}");
    assert!(reason(&err, "panics").contains("panicked while it was loaded: no way"), "{err}");
    if cfg!(target_os = "linux") {
        assert!(reason(&err, "other-machine").contains("was built for "), "{err}");
    }
}

#[test]
fn a_plugin_path_that_is_not_there_is_told() {
    let (code, _, err) = said(&output(&["plugins", "--plugin-path", "/no/such/folder"]));
    assert!(code == 0 && reason(&err, "/no/such/folder").contains("there is no such plugin folder"), "{err}");
}

#[test]
fn two_libraries_with_one_node_type_are_an_error_that_names_both() {
    let folder = folder();
    let first = put(&chord(), folder.path(), "first");
    let second = put(&chord(), folder.path(), "second");
    let path = folder.path().to_str().unwrap();
    let (code, _, err) = said(&output(&["plugins", "--plugin-path", path]));
    assert_eq!(code, 1, "{err}");
    for part in ["node type `chord`", first.to_str().unwrap(), second.to_str().unwrap()] {
        assert!(err.contains(part), "{part} is missing in\n{err}");
    }
    // The same library, reached in two ways, is one.
    fs::remove_file(second).unwrap();
    succeeds(&["plugins", "chord", "--plugin-path", path, "--plugin-path", first.to_str().unwrap()]);
}

#[test]
fn a_library_is_found_by_graph_command_line_environment_and_beside_the_program() {
    let folder = folder();
    let plugins = folder.path().join("midibay-plugins");
    fs::create_dir(&plugins).unwrap();
    put(&chord(), &plugins, "chord");
    let peer = Peer::new();
    let path = plugins.to_str().unwrap();

    let named =
        write(folder.path(), "named.toml", &chords(5004, &peer, "[plugins]\npath = [\"midibay-plugins\"]"));
    succeeds(&["check", &named]);
    let plain = write(folder.path(), "plain.toml", &chords(5004, &peer, ""));
    let (code, _, err) = said(&output(&["check", &plain]));
    assert!(code == 1 && err.contains("no node type `chord`"), "{err}");
    succeeds(&["check", &plain, "--plugin-path", path]);
    let done = midibay().args(["check", &plain]).env("MIDIBAY_PLUGIN_PATH", path).output().unwrap();
    assert_eq!(said(&done).0, 0);

    let program = folder.path().join("midibay");
    fs::copy(env!("CARGO_BIN_EXE_midibay"), &program).unwrap();
    let done = std::process::Command::new(program).args(["check", &plain]).output().unwrap();
    assert_eq!(said(&done).0, 0, "{}", said(&done).2);
}

#[test]
fn a_loaded_plugin_works_in_two_graphs_of_one_program() {
    let folder = folder();
    put(&chord(), folder.path(), "chord");
    let (mut peer, ports) = (Peer::new(), [free_port(), free_port()]);
    let settings = "[plugins]\npath = \".\"";
    let one = write(folder.path(), "one.toml", &chords(ports[0], &peer, settings));
    let two = write(folder.path(), "two.toml", &chords(ports[1], &peer, settings));
    let mut process = started(&["run", &one, &two]);
    for port in ports {
        peer.send(port, &[0x90, 60, 100]);
        peer.wait_for(&[0x90, 67, 100]);
    }
    process.terminate();
    process.wait_success(PATIENCE).unwrap();
}

#[test]
fn a_reload_takes_in_a_plugin_that_was_not_there_before() {
    let folder = folder();
    let (mut peer, port) = (Peer::new(), free_port());
    let plain = crate::common::through(port, "type = \"transpose\"\nsemitones = 1", &peer);
    let graph = write(folder.path(), "show.toml", &plain);
    let mut process = started_by(midibay().args(["run", &graph]));
    put(&chord(), folder.path(), "chord");
    crate::common::replace(&graph, &chords(port, &peer, "[plugins]\npath = [\".\"]"));
    process.hang_up();
    process.wait_for_line("replaced: way", PATIENCE).unwrap();
    peer.send(port, &[0x90, 60, 100]);
    peer.wait_for(&[0x90, 67, 100]);
    process.terminate();
    process.wait_success(PATIENCE).unwrap();
}
