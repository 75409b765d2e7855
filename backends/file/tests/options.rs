//! Options that cannot be.

use midibay_file::{Config, FileNode};
use midibay_plugin::{ConfigError, Node};
use serde_json::{Value as Json, json};

fn errors(options: Json) -> Vec<ConfigError> {
    let config: Config = serde_json::from_value(options).unwrap();
    FileNode::compile(config).err().unwrap_or_default()
}

fn ports(options: Json) -> (usize, usize) {
    let config: Config = serde_json::from_value(options).unwrap();
    let ports = FileNode::ports(&FileNode::compile(config).unwrap());
    (ports.inputs.len(), ports.outputs.len())
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let errors = errors(json!({
        "path": "x.mid", "group": 17, "lead-in": -1, "speed": 0, "tracks": [1, 0], "baud": 5, "append": true,
    }));
    let mut paths: Vec<_> = errors.iter().map(|error| error.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["append", "baud", "group", "lead-in", "speed", "tracks[1]"]);
}

#[test]
fn each_mistake_has_its_own_words() {
    for (options, path, words) in [
        (json!({"path": ""}), "path", "empty"),
        (json!({"path": "x.mid", "tracks": []}), "tracks", "nothing would play"),
        (json!({"path": "x.fifo"}), "direction", "missing"),
        (json!({"path": "x", "direction": "in", "baud": 10}), "baud", "50 to 4000000"),
        (json!({"path": "x.mid", "mode": "record", "loop": true}), "loop", "mode is \"record\""),
        (json!({"path": "x.mid", "mode": "record", "permissions": "9"}), "permissions", "no file mode"),
        (json!({"path": "x.mid", "mode": "record", "permissions": "0666"}), "permissions", "everybody"),
        (json!({"path": "x.mid", "mode": "record", "permissions": "0602"}), "permissions", "everybody"),
        (json!({"path": "x.mid", "mode": "record", "permissions": "0440"}), "permissions", "owner"),
        (json!({"path": "x.mid", "mode": "record", "permissions": "4640"}), "permissions", "no file mode"),
    ] {
        let errors = errors(options);
        assert!(errors.iter().any(|e| e.path == path && e.message.contains(words)), "{words}: {errors:?}");
    }
}

#[test]
fn the_mode_follows_the_name_and_the_ports_follow_the_mode() {
    assert_eq!(ports(json!({"path": "show.MID"})), (0, 1));
    assert_eq!(ports(json!({"path": "show.mid", "mode": "record"})), (1, 0));
    assert_eq!(ports(json!({"path": "/dev/ttyUSB0"})), (1, 1));
    assert_eq!(ports(json!({"path": "dump.syx", "direction": "in"})), (0, 1));
    assert_eq!(ports(json!({"path": "lights.fifo", "direction": "out"})), (1, 0));
}
