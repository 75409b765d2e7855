//! The commands that look and tell: `check`, `plugins`, `ports`, `schema`.

use crate::common::{Peer, folder, midibay, output, root, said, succeeds, through, write};
use serde_json::Value;

const UP: &str = "type = \"transpose\"\nsemitones = 12";

#[test]
fn a_good_graph_is_told_with_its_counts() {
    let (folder, peer) = (folder(), Peer::new());
    let graph = write(folder.path(), "show.toml", &through(5004, UP, &peer));
    let out = succeeds(&["check", &graph]);
    assert_eq!(out, format!("ok: {graph}: 3 nodes, 1 route\n"));
}

#[test]
fn a_wrong_graph_fails_with_place_and_advice() {
    let folder = folder();
    let graph = write(folder.path(), "show.toml", "[node.up]\ntype = \"transpose\"\nsemitone = 3\n");
    let (code, out, err) = said(&output(&["check", &graph]));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("show.toml:3:1") && err.contains("did you mean `semitones`"), "{err}");
    assert!(err.contains("in ") && !err.contains('\x1b'), "no colours in a pipe: {err}");
}

#[test]
fn check_answers_other_programs_in_json() {
    let (folder, peer) = (folder(), Peer::new());
    let good = write(folder.path(), "good.toml", &through(5004, UP, &peer));
    let answer: Value = serde_json::from_str(&succeeds(&["check", "--json", &good])).unwrap();
    assert_eq!((&answer["ok"], &answer["graph"]["nodes"]), (&Value::Bool(true), &Value::from(3)));

    let bad = write(folder.path(), "bad.toml", "[node.up]\ntype = \"transpose\"\nsemitones = 99\n");
    let (code, out, err) = said(&output(&["check", "--json", &bad]));
    assert_eq!((code, err.as_str()), (1, ""));
    let answer: Value = serde_json::from_str(&out).unwrap();
    let problems = answer["problems"].as_array().unwrap();
    let range = problems.iter().find(|problem| problem["line"] == 3).unwrap_or_else(|| panic!("{out}"));
    assert!(range["level"] == "error" && range["file"].as_str().unwrap().ends_with("bad.toml"), "{out}");
    assert_eq!(answer["ok"], false);
}

#[test]
fn set_is_checked_like_the_file() {
    let (folder, peer) = (folder(), Peer::new());
    let graph = write(folder.path(), "show.toml", &through(5004, UP, &peer));
    let (code, _, err) = said(&output(&["check", &graph, "--set", "way.semitones=99"]));
    assert!(code == 1 && err.contains("--set:1"), "{err}");
    succeeds(&["check", &graph, "--set", "way.semitones=-5"]);
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    for arguments in [&["check"][..], &["frobnicate"], &["run", "a.toml", "--set", "nonsense"], &[]] {
        let (code, _, err) = said(&output(arguments));
        assert_eq!(code, 2, "{arguments:?}: {err}");
    }
}

#[test]
fn every_node_type_that_ships_is_listed_and_explained() {
    let list = succeeds(&["plugins"]);
    let types =
        ["curve", "file", "filter", "ip-midi", "limit", "monitor", "remap", "split", "switch", "transpose"];
    for name in types {
        assert!(list.contains(&format!("  {name} ")), "{name} is missing in\n{list}");
        let page = succeeds(&["plugins", name]);
        for part in [name, "Options\n", "Ports\n"] {
            assert!(page.contains(part), "{part} is missing in\n{page}");
        }
        assert!(!page.contains("{}") && !page.contains("  any"), "an option without a type in\n{page}");
    }
    let json: Value = serde_json::from_str(&succeeds(&["plugins", "--json"])).unwrap();
    let listed: Vec<&str> =
        json["types"].as_array().unwrap().iter().filter_map(|t| t["type"].as_str()).collect();
    assert_eq!(listed, types);
}

#[test]
fn an_option_is_told_with_its_range_and_its_help() {
    let page = succeeds(&["plugins", "transpose"]);
    assert!(page.contains("semitones  whole number -48 to 48  must be given"), "{page}");
    assert!(page.contains("12 is an octave up"), "{page}");
    let json: Value = serde_json::from_str(&succeeds(&["plugins", "transpose", "--json"])).unwrap();
    assert_eq!(json["options"]["properties"]["semitones"]["maximum"], 48);
    assert!(json["commands"].as_array().unwrap().iter().any(|command| command["name"] == "shift"));
}

#[test]
fn a_node_type_that_is_not_there_is_told_with_one_that_is() {
    let (code, _, err) = said(&output(&["plugins", "transpos"]));
    assert!(code == 1 && err.contains("did you mean `transpose`"), "{err}");
}

#[test]
fn ports_names_the_loopback_interface_and_what_to_write() {
    let text = succeeds(&["ports"]);
    assert!(text.contains("interface = \"lo"), "{text}");
    let json: Value = serde_json::from_str(&succeeds(&["ports", "--json"])).unwrap();
    let lo = json
        .as_array()
        .unwrap()
        .iter()
        .find(|port| port["write"].as_str().unwrap().contains("\"lo"))
        .unwrap();
    assert!(lo["type"] == "ip-midi" && lo["output"] == true, "{lo}");
}

#[test]
fn the_schema_knows_every_node_type() {
    let schema: Value = serde_json::from_str(&succeeds(&["schema"])).unwrap();
    let text = schema.to_string();
    for part in ["https://json-schema.org/draft/2020-12/schema", "ip-midi", "semitones", "routes"] {
        assert!(text.contains(part), "{part} is missing");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    use std::process::Stdio;
    let mut child = midibay().arg("schema").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    assert_eq!((done.status.code(), String::from_utf8_lossy(&done.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn every_example_graph_is_right() {
    let folder = root().join("examples/graphs");
    let mut graphs: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    graphs.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    assert!(graphs.len() >= 8, "{graphs:?}");
    for graph in graphs {
        let text = std::fs::read_to_string(&graph).unwrap();
        assert!(text.starts_with("# "), "{} begins with what it is for", graph.display());
        let done = midibay().arg("check").arg(&graph).current_dir(root()).output().unwrap();
        let (code, out, err) = said(&done);
        assert_eq!((code, err.as_str()), (0, ""), "{}: {out}", graph.display());
    }
}
