//! What a graph file may hold beside routes: nodes, includes, the environment, `--set`, triggers.

use std::path::Path;
use std::sync::Arc;

use midibay::config::{self, LoadOptions, Loaded};
use midibay::graph::{Control, GraphBuilder, NodeKind, TriggerBuilder};
use serde_json::json;

use super::support;

fn parse_with(text: &str, options: &LoadOptions) -> Loaded {
    config::parse(text, "test.toml", options, &support::Types).unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn parse(text: &str) -> Loaded {
    parse_with(text, &LoadOptions::default())
}

fn with_env(pairs: &'static [(&'static str, &'static str)]) -> LoadOptions {
    let look_up =
        move |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    LoadOptions { env: Arc::new(look_up), ..LoadOptions::default() }
}

fn with_set(pairs: &[(&str, &str)]) -> LoadOptions {
    let overrides = pairs.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect();
    LoadOptions { overrides, ..LoadOptions::default() }
}

#[test]
fn nodes_keep_the_order_of_the_file_and_their_options() {
    let loaded = parse(
        "[node.z]\ntype = 'ip-midi'\nport = 0x02\n[node.a]\ntype = 'transpose'\nsemitones = -1_2\n\
         [graph]\nroutes = ['z -> a -> z']\n",
    );
    let [z, a] = loaded.graph.nodes.as_slice() else { panic!("two nodes") };
    assert_eq!((z.name.as_str(), z.type_name.as_str(), z.kind), ("z", "ip-midi", NodeKind::Endpoint));
    assert_eq!(z.config, json!({ "port": 2 }));
    assert_eq!((a.name.as_str(), a.kind), ("a", NodeKind::Processor));
    assert_eq!(a.config, json!({ "semitones": -12 }));
    assert_eq!(a.ports.inputs, [""]);
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
}

#[test]
fn tagged_tables_lists_and_either_or_reach_the_plugin_as_written() {
    let loaded = parse(
        "[node.io]\ntype = 'ip-midi'\npeers = [{ host = 'x', port = 5004 }]\n\
         [node.c]\ntype = 'curve'\namount = 'half'\nshape = { kind = 'points', points = [[0, 0.5], [1.0, 1]] }\n\
         [graph]\nroutes = ['io -> c -> io']\n",
    );
    assert_eq!(
        loaded.graph.nodes[1].config,
        json!({ "amount": "half", "shape": { "kind": "points", "points": [[0, 0.5], [1.0, 1]] } })
    );
    assert_eq!(loaded.graph.nodes[0].config, json!({ "peers": [{ "host": "x", "port": 5004 }] }));
}

#[test]
fn environment_values_take_the_type_that_the_option_wants() {
    let text = "[node.io]\ntype = 'ip-midi'\nport = { env = 'PORT' }\nloopback = { env = 'LOOP' }\n\
                interface = { env = 'IF' }\nttl = { env = 'TTL', default = 4 }\n\
                peers = [{ host = { env = 'HOST', default = 'desk' } }]\n\
                [graph]\nroutes = ['io -> io']\n";
    let loaded = parse_with(text, &with_env(&[("PORT", "7"), ("LOOP", "true"), ("IF", "1234")]));
    assert_eq!(
        loaded.graph.nodes[0].config,
        json!({ "port": 7, "loopback": true, "interface": "1234", "ttl": 4, "peers": [{ "host": "desk" }] })
    );
}

#[test]
fn an_environment_value_may_be_a_whole_list() {
    let text = "[node.io]\ntype = 'ip-midi'\n[node.f]\ntype = 'filter'\nchannels = { env = 'CH' }\n\
                [graph]\nroutes = ['io -> f -> io']\n";
    let loaded = parse_with(text, &with_env(&[("CH", "[1, 10]")]));
    assert_eq!(loaded.graph.nodes[1].config, json!({ "channels": [1, 10] }));
}

#[test]
fn set_lies_over_the_file() {
    let text =
        "[node.io]\ntype = 'ip-midi'\nport = 1\npeers = [{ host = 'x' }]\n[graph]\nroutes = ['io -> io']\n";
    let set = with_set(&[
        ("io.port", "3"),
        ("io.interface", "10.0.0.1"),
        ("io.peers[0].host", "\"quoted\""),
        ("io.peers[0].port", "5004"),
        ("io.loopback", "true"),
        ("io.port", "4"),
    ]);
    assert_eq!(
        parse_with(text, &set).graph.nodes[0].config,
        json!({ "port": 4, "interface": "10.0.0.1", "peers": [{ "host": "quoted", "port": 5004 }], "loopback": true })
    );
}

#[test]
fn a_number_behind_set_is_a_string_where_the_option_wants_one() {
    let text = "[node.io]\ntype = 'ip-midi'\n[graph]\nroutes = ['io -> io']\n";
    let loaded = parse_with(text, &with_set(&[("io.interface", "7")]));
    assert_eq!(loaded.graph.nodes[0].config, json!({ "interface": "7" }));
}

#[test]
fn set_may_change_the_type_of_a_node() {
    let text = "[node.io]\ntype = 'ip-midi'\n[node.p]\ntype = 'filter'\ndrop = ['cc']\n[graph]\nroutes = ['io -> p -> io']\n";
    let wrong = config::parse(text, "t", &with_set(&[("p.type", "tap")]), &support::Types)
        .expect_err("tap has no drop");
    assert_eq!(wrong.items[0].code, "unknown-option");
}

#[test]
fn includes_bring_nodes_routes_and_triggers_and_are_named_for_a_watcher() {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).expect("writable");
    std::fs::create_dir(directory.path().join("parts")).expect("writable");
    write(
        "show.toml",
        "include = ['parts/io.toml', 'parts/up.toml']\n[graph]\nroutes = ['io -> up -> net']\n",
    );
    write("parts/io.toml", "include = 'net.toml'\n[node.io]\ntype = 'ip-midi'\n[plugins]\npath = 'mine'\n");
    // Both need it; it is read once.
    write("parts/up.toml", "include = 'net.toml'\n[node.up]\ntype = 'transpose'\nsemitones = 1\n");
    write(
        "parts/net.toml",
        "[node.net]\ntype = 'dual-multicast'\nrole = 'host'\nname = 'x'\n[graph]\nroutes = ['net -> io']\n\
         [[trigger]]\non = 'io.ch1.note1'\nrun = 'net.switch'\n",
    );
    let path = directory.path().join("show.toml");
    let loaded = config::load(&path, &LoadOptions::default(), &support::Types)
        .unwrap_or_else(|wrong| panic!("{wrong}"));
    let names: Vec<_> = loaded.graph.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["io", "net", "up"]);
    assert_eq!(loaded.graph.routes.len(), 2);
    assert_eq!(loaded.graph.triggers.len(), 1);
    let files = ["show.toml", "parts/io.toml", "parts/net.toml", "parts/up.toml"];
    assert_eq!(loaded.graph.files, files.map(|file| directory.path().join(file)));
    let plugins = [directory.path().join("parts").join("mine")];
    assert_eq!(loaded.settings.plugin_paths, plugins);
    assert_eq!(config::settings(&path).expect("readable").plugin_paths, plugins);
}

#[test]
fn settings_are_read_even_when_the_graph_is_wrong() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("show.toml");
    std::fs::write(&path, "[plugins]\npath = ['a', '/b']\n[node.x]\ntype = 'comes-from-a'\n")
        .expect("writable");
    let settings = config::settings(&path).expect("readable");
    assert_eq!(settings.plugin_paths, [directory.path().join("a"), Path::new("/b").to_path_buf()]);
    assert!(config::load(&path, &LoadOptions::default(), &support::Types).is_err());
}

#[test]
fn a_file_that_is_not_there_is_an_error_that_names_it() {
    let wrong =
        config::load(Path::new("no/such.toml"), &LoadOptions::default(), &support::Types).expect_err("none");
    assert_eq!((wrong.items[0].code, wrong.items[0].line), ("unreadable", 0));
    let text = wrong.to_string();
    assert!(text.contains("no/such.toml") && text.contains("there is no such file"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_device_is_no_graph_file_and_is_not_read() {
    // Read as a file, this one would be an empty graph; a FIFO would not even come to an end.
    for read in [
        config::load(Path::new("/dev/null"), &LoadOptions::default(), &support::Types).map(|_| ()),
        config::settings(Path::new("/dev/null")).map(|_| ()),
    ] {
        let wrong = read.unwrap_err();
        assert!(wrong.to_string().contains("this is a pipe or a device"), "{wrong}");
        assert!(wrong.to_string().contains("save the graph as a file"), "{wrong}");
    }
}

#[test]
fn a_file_that_is_not_text_is_an_error_that_names_the_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("latin1.toml");
    std::fs::write(&path, b"# one\n# B\xfchne\n").expect("writable");
    let wrong = config::load(&path, &LoadOptions::default(), &support::Types).expect_err("not UTF-8");
    assert!(wrong.to_string().contains("line 2 is not UTF-8"), "{wrong}");
}

#[test]
fn a_byte_order_mark_is_no_mistake() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("bom.toml");
    std::fs::write(&path, "\u{feff}[node.a]\r\ntype = 'ip-midi'\r\n[graph]\r\nroutes = ['a -> a']\r\n")
        .expect("writable");
    config::load(&path, &LoadOptions::default(), &support::Types).unwrap_or_else(|wrong| panic!("{wrong}"));
}

#[test]
fn a_text_without_a_directory_reads_no_files() {
    let wrong = config::parse("include = '/etc/passwd'\n", "t", &LoadOptions::default(), &support::Types);
    assert_eq!(wrong.expect_err("nothing to include").items[0].code, "bad-include");
}

#[test]
fn triggers_are_resolved() {
    let loaded = parse(
        "[node.io]\ntype = 'ip-midi'\n[node.song]\ntype = 'file'\npath = 'a.mid'\n[graph]\nroutes = ['song -> io']\n\
         [[trigger]]\non = 'io.ch16.note127'\nabove = 100\nguard = 'io.ch16.note0'\nrun = 'song.seek'\nargs = { to = 4 }\n\
         [[trigger]]\non = 'io.g2.ch1.program'\nrun = 'song.start'\n",
    );
    let [seek, start] = loaded.graph.triggers.as_slice() else { panic!("two triggers") };
    assert_eq!((seek.on.channel, seek.on.control, seek.above), (15, Control::Note(127), 100));
    assert_eq!(seek.guard.expect("a guard").control, Control::Note(0));
    assert_eq!((seek.action.node, seek.action.command.as_str()), (1, "seek"));
    assert_eq!(seek.action.args, json!({ "to": 4 }));
    assert_eq!((start.on.group, start.above, start.guard), (1, 0, None));
    assert_eq!(start.action.args, json!({}));
}

#[test]
fn a_graph_built_in_rust_is_the_graph_of_its_own_text() {
    let builder = GraphBuilder::new()
        .node(
            "in",
            "ip-midi",
            json!({ "port": 1, "interface": null, "peers": [{ "host": "a \"b\"\n" .trim() }] }),
        )
        .node("up", "curve", json!({ "shape": { "kind": "gamma", "gamma": 1.0 }, "amount": 1e3 }))
        .node("song", "file", json!({ "path": "C:\\new\\t.mid" }))
        .node("out", "lamps", json!(null))
        .route("in -> up -> out")
        .route("song -> out")
        .trigger(
            TriggerBuilder::new("in.ch1.note1", "song.seek")
                .above(3)
                .guard("in.ch1.cc64")
                .args(json!({ "to": 2 })),
        );
    let graph = builder.build(&support::Types);
    // The host has a space: the plugin says no, and the place is a line of the text.
    let wrong = graph.expect_err("a space in a host");
    assert_eq!((wrong.items.len(), wrong.items[0].code), (1, "bad-option"));
    assert!(wrong.to_string().contains("<graph>:"), "{wrong}");

    let builder = GraphBuilder::new()
        .node("in", "ip-midi", json!({ "port": 1, "interface": null, "peers": [{ "host": "a" }] }))
        .node("up", "curve", json!({ "shape": { "kind": "gamma", "gamma": 1.0 }, "amount": 1e3 }))
        .node("song", "file", json!({ "path": "C:\\new\\t.mid" }))
        .node("out", "lamps", json!(null))
        .route("in -> up -> out")
        .route("song -> out")
        .trigger(
            TriggerBuilder::new("in.ch1.note1", "song.seek")
                .above(3)
                .guard("in.ch1.cc64")
                .args(json!({ "to": 2 })),
        );
    let graph = builder.build(&support::Types).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert_eq!(graph, parse(&builder.to_toml()).graph);
    assert_eq!(graph.nodes[0].config, json!({ "port": 1, "peers": [{ "host": "a" }] }));
    assert_eq!(
        graph.nodes[1].config,
        json!({ "shape": { "kind": "gamma", "gamma": 1.0 }, "amount": 1000.0 })
    );
    assert_eq!(graph.nodes[2].config, json!({ "path": "C:\\new\\t.mid" }));
    assert_eq!((graph.routes.len(), graph.triggers.len(), graph.triggers[0].above), (2, 1, 3));
}

#[test]
fn options_that_are_no_object_do_not_go_unnoticed() {
    let built =
        GraphBuilder::new().node("in", "ip-midi", json!([1])).route("in -> in").build(&support::Types);
    assert_eq!(built.expect_err("a list is no object").items[0].code, "unknown-option");
}
