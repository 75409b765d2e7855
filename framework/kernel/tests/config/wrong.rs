//! Every file in `tests/wrong` is wrong in its own way, and `NAME.txt` beside it holds what the
//! person who wrote it is told. `MIDIBAY_UPDATE=1 cargo test -p midibay --test config wrong` writes
//! the answers anew: read them as somebody would five minutes before the doors open.
//!
//! A first line `# set: node.option=value` or `# env: NAME=value` adds what comes from outside.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use midibay::config::{self, Diagnostics, LoadOptions};

use super::support;

fn options(text: &str) -> LoadOptions {
    let pairs = |word: &str| -> Vec<(String, String)> {
        text.lines()
            .filter_map(|line| line.strip_prefix(word))
            .map(|pair| pair.trim().split_once('=').unwrap_or((pair.trim(), "")))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    };
    let env = pairs("# env:");
    LoadOptions {
        overrides: pairs("# set:"),
        env: Arc::new(move |name| env.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())),
        ..LoadOptions::default()
    }
}

fn wrong_files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("tests/wrong").expect("the tests run in their crate's directory");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable directory").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    files
}

/// Errors of a file that does not load, warnings of one that does.
fn diagnostics(path: &Path) -> Diagnostics {
    let text = std::fs::read(path).expect("a wrong file");
    let text = String::from_utf8_lossy(&text);
    match config::load(path, &options(&text), &support::Types) {
        Ok(loaded) => loaded.warnings,
        Err(diagnostics) => diagnostics,
    }
}

#[test]
fn each_wrong_file_gets_the_answer_that_stands_beside_it() {
    let update = std::env::var_os("MIDIBAY_UPDATE").is_some();
    let mut different = Vec::new();
    let files = wrong_files();
    assert!(files.len() >= 45, "there are only {} wrong files", files.len());
    for path in files {
        // One style of separator, whatever the system.
        let found = diagnostics(&path).render(false).replace('\\', "/");
        let expected = path.with_extension("txt");
        if update {
            std::fs::write(&expected, &found).expect("a writable directory");
        }
        let wanted = std::fs::read_to_string(&expected).unwrap_or_default().replace("\r\n", "\n");
        if found != wanted {
            different.push(format!("== {}\n-- wanted\n{wanted}\n-- found\n{found}", path.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn every_answer_names_a_place_that_the_picture_shows_too() {
    for path in wrong_files() {
        let diagnostics = diagnostics(&path);
        assert!(!diagnostics.is_empty(), "{} has nothing wrong", path.display());
        let rendered = diagnostics.render(false);
        for item in diagnostics.items.iter().filter(|item| item.line > 0) {
            let place = format!("{}:{}:{}", item.file, item.line, item.column);
            assert!(rendered.contains(&place), "{place} is not in\n{rendered}");
            assert!(!item.span.is_empty(), "{place}: nothing is underlined\n{rendered}");
        }
    }
}

#[test]
fn nothing_is_reported_twice() {
    for path in wrong_files() {
        let diagnostics = diagnostics(&path);
        let mut seen = std::collections::HashSet::new();
        for item in &diagnostics.items {
            let fresh = seen.insert((item.file.clone(), item.span.clone(), item.message.clone()));
            assert!(fresh, "twice in {}: {}", path.display(), item.message);
        }
    }
}

#[test]
fn errors_are_also_given_as_json() {
    let wanted =
        config::parse("[node.a]\ntype = \"ip-mid\"\n", "show.toml", &LoadOptions::default(), &support::Types)
            .expect_err("there is no such type");
    let json = wanted.to_json();
    assert_eq!(
        json,
        serde_json::json!([{
            "level": "error",
            "code": "unknown-type",
            "message": "there is no node type `ip-mid`",
            "file": "show.toml",
            "line": 2,
            "column": 8,
            "end_line": 2,
            "end_column": 16,
            "label": "",
            "help": "did you mean `ip-midi`?",
            "related": [],
        }])
    );
}

#[test]
fn colours_are_only_used_when_asked_for() {
    let wrong =
        config::parse("x = 1\n", "show.toml", &LoadOptions::default(), &support::Types).expect_err("wrong");
    assert!(!wrong.render(false).contains('\u{1b}'));
    assert!(wrong.render(true).contains('\u{1b}'));
    assert_eq!(wrong.to_string(), wrong.render(false));
}

#[test]
fn a_mistake_made_ten_thousand_times_is_told_quickly_and_in_short() {
    let started = std::time::Instant::now();
    let mut text = "[node.a]\ntype = 'ip-midi'\n[graph]\nroutes = [\n".to_owned();
    text.push_str(&"  'a -> b',\n".repeat(10_000));
    text.push_str("]\n");
    let wrong = config::parse(&text, "big.toml", &LoadOptions::default(), &support::Types).expect_err("no b");
    assert_eq!(wrong.errors(), 10_000);
    let rendered = wrong.render(false);
    assert!(rendered.contains("big.toml:5:9") && rendered.ends_with("... and 9900 more\n"), "{rendered}");
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}
