//! What the documentation says can be done can be done: every TOML example of the README and of each
//! page is a graph file that loads, or a part of one.

use std::path::{Path, PathBuf};

use midibay::Registry;
use midibay::config::{self, LoadOptions};

/// The fenced TOML blocks of a page, each with the line it begins at.
fn blocks(page: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line.trim()) {
            (None, "```toml") => open = Some((number + 1, String::new())),
            (Some(_), "```") => blocks.extend(open.take()),
            (Some((_, text)), _) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, _) => {}
        }
    }
    blocks
}

fn pages() -> Vec<PathBuf> {
    let root = lab::artifact::repository();
    let in_folder = |folder: PathBuf| {
        let entries = std::fs::read_dir(folder).unwrap().flatten().map(|e| e.path());
        entries.filter(|p| p.extension().is_some_and(|e| e == "md")).collect::<Vec<_>>()
    };
    let mut pages = vec![root.join("README.md")];
    pages.extend(in_folder(root.join("docs")));
    pages.extend(in_folder(root.join("docs/nodes")));
    pages.sort();
    pages
}

/// Whether a block is a graph file or a part of one. (The pages for authors show `Cargo.toml` too.)
fn is_graph(text: &str) -> bool {
    text.contains("[node.") || text.contains("[graph]")
}

/// A part of a graph may speak of nodes that stand elsewhere on the page.
fn only_incomplete(code: &str) -> bool {
    matches!(code, "unknown-node" | "dead-route" | "idle-node")
}

fn mistakes(page: &Path, registry: &Registry) -> Vec<String> {
    let text = std::fs::read_to_string(page).unwrap();
    // The graph language's own page is tried by the kernel's tests, with node types of its own.
    if page.ends_with("graph-language.md") {
        return Vec::new();
    }
    let options = LoadOptions {
        env: std::sync::Arc::new(|_| Some("1".into())),
        directory: Some(lab::artifact::repository()),
        ..LoadOptions::default()
    };
    let mut mistakes = Vec::new();
    for (line, block) in blocks(&text).into_iter().filter(|(_, block)| is_graph(block)) {
        let Err(errors) = config::parse(&block, "example", &options, registry) else { continue };
        let real =
            errors.items.iter().filter(|d| d.level == config::Level::Error && !only_incomplete(d.code));
        mistakes.extend(real.map(|d| format!("{}:{}: {}", page.display(), line + d.line, d.message)));
    }
    mistakes
}

#[test]
fn every_example_on_every_page_loads() {
    let mut registry = Registry::new();
    midibay_bundle::modules().into_iter().for_each(|module| registry.add(module).unwrap());
    let pages = pages();
    let found: usize = pages.iter().map(|p| blocks(&std::fs::read_to_string(p).unwrap()).len()).sum();
    assert!(found > 30, "the examples are found at all: {found}");
    let mistakes: Vec<String> = pages.iter().flat_map(|page| mistakes(page, &registry)).collect();
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

#[test]
fn every_node_type_has_a_page_with_the_same_headings() {
    const HEADINGS: [&str; 6] =
        ["## Purpose", "## Options", "## Ports", "## Commands and properties", "## Examples", "## Limits"];
    for module in midibay_bundle::modules() {
        for node_type in module.into_raw().node_types {
            let page = lab::artifact::repository().join(format!("docs/nodes/{}.md", node_type.name));
            let text = std::fs::read_to_string(&page).unwrap_or_else(|e| panic!("{}: {e}", page.display()));
            let found: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
            assert_eq!(found, HEADINGS, "{}", page.display());
            let schema: serde_json::Value = serde_json::from_str(&node_type.schema).unwrap();
            for option in schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name) {
                assert!(
                    text.contains(&format!("`{option}`")),
                    "{} is silent about `{option}`",
                    page.display()
                );
            }
            for command in &node_type.commands {
                let name = format!("`{}", command.name);
                assert!(text.contains(&name), "{} is silent about command {name}`", page.display());
            }
            for property in &node_type.properties {
                let name = format!("`{}`", property.name);
                assert!(text.contains(&name), "{} is silent about property {name}", page.display());
            }
        }
    }
}
