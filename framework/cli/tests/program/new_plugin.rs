//! `midibay new-plugin`, and the examples that are crates of their own.

use std::fs;
use std::path::PathBuf;

use crate::cargo::{cargo, example, library, lock};
use crate::common::{folder, output, said, succeeds};

/// A folder for a new crate, in the target folder, that goes with the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let place = lab::artifact::target_folder().join(format!("{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&place);
        Self(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn a_new_plugin_builds_passes_its_tests_and_loads(kind: &str, name: &str) {
    let place = Place::new(name);
    let path = place.0.to_str().unwrap();
    let out = succeeds(&["new-plugin", name, "--kind", kind, "--dir", path]);
    assert!(out.contains("cargo build --release"), "{out}");
    lock(&place.0);
    let manifest = place.0.join("Cargo.toml");
    let said_by_tests = cargo("test", &manifest);
    assert!(said_by_tests.contains("test result: ok.") && !said_by_tests.contains("0 passed; 1 failed"));

    // Where its own example looks for it.
    let release = place.0.join("target/release");
    fs::create_dir_all(&release).unwrap();
    let built = library(&manifest);
    fs::copy(&built, release.join(built.file_name().unwrap())).unwrap();
    let page = succeeds(&["plugins", name, "--plugin-path", release.to_str().unwrap()]);
    assert!(page.starts_with(&format!("{name}: {kind} of {name} (")), "{page}");
    let example = place.0.join("example.toml");
    let out = succeeds(&["check", example.to_str().unwrap()]);
    assert!(out.starts_with("ok: "), "{out}");
    assert!(fs::read_to_string(place.0.join("README.md")).unwrap().starts_with(&format!("# {name}\n")));
}

#[test]
fn a_new_processor_builds_passes_its_tests_and_loads() {
    a_new_plugin_builds_passes_its_tests_and_loads("processor", "test-made-processor");
}

#[test]
fn a_new_endpoint_builds_passes_its_tests_and_loads() {
    a_new_plugin_builds_passes_its_tests_and_loads("endpoint", "test-made-endpoint");
}

#[test]
fn nothing_is_overwritten_and_bad_names_are_refused() {
    let folder = folder();
    let path = folder.path().to_str().unwrap();
    fs::write(folder.path().join("mine"), "dear").unwrap();
    let (code, _, err) = said(&output(&["new-plugin", "x-y", "--kind", "endpoint", "--dir", path]));
    assert!(code == 1 && err.contains("is there already"), "{err}");
    let (code, _, err) = said(&output(&["new-plugin", "filter", "--kind", "processor"]));
    assert!(code == 1 && err.contains("has a node type `filter` already"), "{err}");
    let (code, _, err) = said(&output(&["new-plugin", "x-y", "--kind", "processor", "--sdk", path]));
    assert!(code == 1 && err.contains("no folder with a Cargo.toml"), "{err}");
    let (code, _, _) = said(&output(&["new-plugin", "x-y"]));
    assert_eq!(code, 2, "the kind is needed");
}

#[test]
fn the_example_processor_passes_its_tests() {
    cargo("test", &example("plugins/chord"));
}

#[test]
fn the_example_endpoint_passes_its_tests_and_loads() {
    let manifest = example("plugins/metronome");
    cargo("test", &manifest);
    let library = library(&manifest);
    let page = succeeds(&["plugins", "metronome", "--plugin-path", library.to_str().unwrap()]);
    for part in ["metronome: endpoint", "bpm  whole number  default 120", "tempo", "running"] {
        assert!(page.contains(part), "{part} is missing in\n{page}");
    }
}

#[test]
fn the_example_app_runs() {
    cargo("test", &example("embed"));
}
