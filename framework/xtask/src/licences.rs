//! `cargo xtask licences`: what every dependency allows, against a list.

use std::collections::BTreeMap;

use crate::Outcome;
use crate::shell::{cargo, example_manifests, output, root};

/// Licences that ask for no more than to be named, and MPL-2.0, which covers its own files only.
/// Nothing that would bind a program that embeds Midibay.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "NCSA",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Reads the whole dependency tree, of all systems and of the examples and fuzz targets too.
pub(crate) fn run() -> Outcome {
    let mut manifests = vec![root().join("Cargo.toml"), root().join("fuzz/Cargo.toml")];
    manifests.extend(example_manifests());
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for manifest in manifests {
        let mut command =
            cargo(&["tree", "--workspace", "--all-features", "--target", "all", "--edges", "all"]);
        command.args(["--prefix", "none", "--format", "{p}\t{l}", "--manifest-path"]).arg(manifest);
        for line in output(&mut command)?.lines() {
            if let Some((package, licence)) = line.split_once('\t') {
                // A line that was shown before ends in a star.
                let licence = licence.trim_end_matches("(*)").trim();
                found.insert(package.to_owned(), licence.to_owned());
            }
        }
    }
    let refused: Vec<String> = found
        .iter()
        .filter(|(_, licence)| !allows(licence))
        .map(|(package, licence)| match licence.as_str() {
            "" => format!("{package} names no licence"),
            licence => format!("{package} is under {licence}"),
        })
        .collect();
    if refused.is_empty() {
        println!("{} packages, all under a licence on the list.", found.len());
        return Ok(());
    }
    Err(format!("{}\nUse another crate; the list is in framework/xtask/src/licences.rs.", refused.join("\n")))
}

/// Whether the choices an SPDX expression gives can be made within [`ALLOWED`].
fn allows(expression: &str) -> bool {
    // Older manifests write `MIT/Apache-2.0` for a choice.
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    either(&mut rest) == Some(true) && rest.is_empty()
}

/// `all [OR all]...`; `None` for what is no expression.
fn either(words: &mut &[&str]) -> Option<bool> {
    let mut allowed = all(words)?;
    while let ["OR", rest @ ..] = words {
        *words = rest;
        allowed |= all(words)?;
    }
    Some(allowed)
}

/// `one [AND one]...`
fn all(words: &mut &[&str]) -> Option<bool> {
    let mut allowed = one(words)?;
    while let ["AND", rest @ ..] = words {
        *words = rest;
        allowed &= one(words)?;
    }
    Some(allowed)
}

/// `( either )`, `name` or `name WITH exception`.
fn one(words: &mut &[&str]) -> Option<bool> {
    match words {
        ["(", rest @ ..] => {
            *words = rest;
            let allowed = either(words)?;
            match words {
                [")", rest @ ..] => *words = rest,
                _ => return None,
            }
            Some(allowed)
        }
        [")" | "AND" | "OR" | "WITH", ..] | [] => None,
        [name, "WITH", exception, rest @ ..] => {
            let name = format!("{name} WITH {exception}");
            *words = rest;
            Some(ALLOWED.contains(&name.as_str()))
        }
        [name, rest @ ..] => {
            let allowed = ALLOWED.contains(name);
            *words = rest;
            Some(allowed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::allows;

    #[test]
    fn a_choice_is_fine_when_one_side_is() {
        for expression in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "GPL-3.0-only OR MIT",
            "Unlicense OR (GPL-2.0-only AND X)",
        ] {
            assert!(allows(expression), "{expression}");
        }
    }

    #[test]
    fn all_of_several_licences_have_to_be_on_the_list() {
        assert!(allows("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(!allows("(MIT OR Apache-2.0) AND GPL-3.0-only"));
        assert!(!allows("GPL-2.0-or-later"));
        assert!(!allows("LGPL-2.1-only OR GPL-3.0-only"));
    }

    #[test]
    fn an_exception_is_part_of_the_licence() {
        assert!(allows("Apache-2.0 WITH LLVM-exception OR X"));
        assert!(!allows("GPL-3.0-only WITH Classpath-exception-2.0"));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for expression in ["", "MIT OR", "(MIT", "MIT) OR MIT", "MIT Apache-2.0"] {
            assert!(!allows(expression), "{expression:?}");
        }
    }
}
