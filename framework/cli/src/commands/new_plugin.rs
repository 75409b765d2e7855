//! `midibay new-plugin`: a crate that builds and loads as it is written.

use std::fs;
use std::path::{Path, PathBuf};

use midibay::graph::Catalog;

use crate::args::{NewPlugin, PluginKind};
use crate::failure::Failure;
use crate::{output, registry, style};

/// The folder of the SDK in the source tree this program was built in.
const BUILT_WITH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugin");

/// A file of a new crate: its path, and its text with `{{places}}` to fill in.
type Template = (&'static str, &'static str);

const COMMON: [Template; 2] = [
    ("Cargo.toml", include_str!("../../templates/Cargo.toml.in")),
    (".gitignore", include_str!("../../templates/gitignore.in")),
];
const PROCESSOR: [Template; 4] = [
    ("src/lib.rs", include_str!("../../templates/processor/lib.rs.in")),
    ("tests/{{name}}.rs", include_str!("../../templates/processor/test.rs.in")),
    ("README.md", include_str!("../../templates/processor/README.md.in")),
    ("example.toml", include_str!("../../templates/processor/example.toml.in")),
];
const ENDPOINT: [Template; 4] = [
    ("src/lib.rs", include_str!("../../templates/endpoint/lib.rs.in")),
    ("tests/{{name}}.rs", include_str!("../../templates/endpoint/test.rs.in")),
    ("README.md", include_str!("../../templates/endpoint/README.md.in")),
    ("example.toml", include_str!("../../templates/endpoint/example.toml.in")),
];

pub(crate) fn run(args: &NewPlugin) -> Result<(), Failure> {
    check_name(&args.name)?;
    let sdk = Sdk::find(args.sdk.as_deref())?;
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    if fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::new(format!("{} is there already, and not empty", folder.display()))
            .help("choose another place with --dir"));
    }
    let (kind, templates) = match args.kind {
        PluginKind::Processor => ("processor", PROCESSOR),
        PluginKind::Endpoint => ("endpoint", ENDPOINT),
    };
    let values = [
        ("{{name}}", args.name.clone()),
        ("{{crate}}", args.name.replace('-', "_")),
        ("{{Type}}", type_name(&args.name)),
        ("{{kind}}", kind.to_owned()),
        ("{{sdk}}", sdk.dependency(false)),
        ("{{sdk-testing}}", sdk.dependency(true)),
    ];
    let fill =
        |text: &str| values.iter().fold(text.to_owned(), |text, (place, value)| text.replace(place, value));
    for (path, text) in COMMON.into_iter().chain(templates) {
        write(&folder.join(fill(path)), &fill(text))?;
    }
    let style = style::stdout();
    output::text(&format!(
        "{} {}, the {kind} `{}`. What now:\n  {}\n  {}\n  {}\n",
        style.good("wrote"),
        folder.display(),
        args.name,
        style.name(&format!("cd {}", folder.display())),
        style.name("cargo test && cargo build --release"),
        style.name(&format!("midibay plugins {} --plugin-path target/release", args.name)),
    ))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| Failure::new(format!("{} cannot be written: {error}", path.display())))
}

/// Words that Rust or cargo would not take as the name of a crate.
const TAKEN: [&str; 45] = [
    "alloc",
    "as",
    "async",
    "await",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "match",
    "midibay-plugin",
    "mod",
    "move",
    "mut",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "type",
    "use",
    "while",
];

fn check_name(name: &str) -> Result<(), Failure> {
    let good = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.ends_with('-')
        && !name.contains("--");
    if !good {
        return Err(Failure::new(format!("`{name}` cannot be the name of a plugin"))
            .help("a name begins with a letter and is made of small letters, digits and -: my-lights"));
    }
    if TAKEN.contains(&name) {
        return Err(Failure::new(format!("`{name}` cannot be the name of a crate: Rust has it already"))
            .help(format!("choose another one: {name}-plugin")));
    }
    if registry::built_in()?.node_type(name).is_some() {
        return Err(Failure::new(format!(
            "Midibay has a node type `{name}` already, and both could not be loaded"
        ))
        .help(format!("choose another name: my-{name}")));
    }
    Ok(())
}

/// `my-lights` becomes `MyLightsNode`. The end keeps it apart from the names of the SDK.
fn type_name(name: &str) -> String {
    let mut camel = String::new();
    for part in name.split('-') {
        let mut letters = part.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel + "Node"
}

/// Where the new crate finds the SDK.
enum Sdk {
    Folder(PathBuf),
    Published,
}

impl Sdk {
    fn find(chosen: Option<&Path>) -> Result<Self, Failure> {
        let is_sdk = |folder: &Path| folder.join("Cargo.toml").is_file();
        let Some(chosen) = chosen else {
            let built_with = Path::new(BUILT_WITH).canonicalize().ok().filter(|folder| is_sdk(folder));
            return Ok(built_with.map_or(Self::Published, Self::Folder));
        };
        match chosen.canonicalize() {
            Ok(folder) if is_sdk(&folder) => Ok(Self::Folder(folder)),
            _ => Err(Failure::new(format!("{} is no folder with a Cargo.toml", chosen.display()))
                .help("name the folder framework/plugin of Midibay's source tree")),
        }
    }

    /// The value of the dependency.
    fn dependency(&self, testing: bool) -> String {
        let features = if testing { ", features = [\"testing\"]" } else { "" };
        match self {
            Self::Folder(folder) => {
                let path = toml::Value::String(folder.display().to_string());
                format!("{{ path = {path}{features} }}")
            }
            Self::Published => format!("{{ version = \"{}\"{features} }}", env!("CARGO_PKG_VERSION")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_rust_or_midibay_would_not_take_are_refused() {
        for bad in ["", "My-plugin", "9lives", "a_b", "a-", "a--b", "loop", "midibay-plugin", "filter"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
        for good in ["a", "my-lights", "dmx512"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn the_type_is_named_as_rust_names_types() {
        assert_eq!(type_name("my-lights2"), "MyLights2Node");
    }
}
