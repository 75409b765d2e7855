//! `docs/graph-language.md` says what is true.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use midibay::config::{self, LoadOptions};

use super::support;

fn reference() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/graph-language.md");
    std::fs::read_to_string(path).expect("the reference").replace("\r\n", "\n")
}

#[test]
fn every_example_of_the_reference_loads_without_a_word() {
    let directory = tempfile::tempdir().expect("a directory");
    for name in ["devices.toml", "lights.toml"] {
        let node = name.trim_end_matches(".toml");
        let text = format!("[node.{node}]\ntype = 'ip-midi'\n[graph]\nroutes = ['{node} -> {node}']\n");
        std::fs::write(directory.path().join(name), text).expect("writable");
    }
    let options = LoadOptions {
        env: Arc::new(|name| (name == "STAGE_IF").then(|| "eth0".to_owned())),
        directory: Some(directory.path().to_path_buf()),
        ..LoadOptions::default()
    };
    let text = reference();
    let examples: Vec<&str> =
        text.split("```toml\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0)).collect();
    assert!(examples.len() >= 8, "only {} examples", examples.len());
    for example in examples {
        let loaded = config::parse(example, "example", &options, &support::Types);
        let loaded = loaded.unwrap_or_else(|wrong| panic!("{example}\n{wrong}"));
        let told = loaded.warnings.items.iter().filter(|item| item.code != "empty").count();
        assert_eq!(told, 0, "{example}\n{}", loaded.warnings);
    }
}

#[test]
fn the_reference_lists_every_code_and_no_other() {
    let listed: BTreeSet<String> = reference()
        .split("| code |")
        .nth(1)
        .expect("the table of codes")
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
        .collect();
    let mut given = BTreeSet::from(["unreadable".to_owned()]);
    for entry in std::fs::read_dir("tests/wrong").expect("the tests run in their crate's directory") {
        let path = entry.expect("a readable directory").path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let text = std::fs::read_to_string(path).expect("an answer");
            let codes = text.lines().filter_map(|line| {
                let rest = line.strip_prefix("error[").or_else(|| line.strip_prefix("warning["))?;
                Some(rest.split_once(']')?.0.to_owned())
            });
            given.extend(codes);
        }
    }
    assert_eq!(listed, given);
}
