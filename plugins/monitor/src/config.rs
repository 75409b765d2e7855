//! The options of a `monitor` node.

use std::path::PathBuf;

use midibay_plugin::ConfigError;
use midibay_plugin::ump::{Kind, KindSet};
use schemars::JsonSchema;
use serde::Deserialize;

/// How a line shows an event.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// For people: `ch1 note-on 60 (C4) vel 100`.
    #[default]
    Text,
    /// For programs: one JSON object a line.
    Json,
    /// The words of the packet, hexadecimal.
    Hex,
}

/// The options of a `monitor` node.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MonitorConfig {
    /// Where the lines go: "stdout", "stderr", "none" (only the properties are kept), or the path of a
    /// file to append to.
    #[serde(default = "default_to")]
    to: String,
    /// How a line shows an event: "text", "json" or "hex".
    #[serde(default)]
    format: Format,
    /// The word in each line that says which monitor it is from; the node's name if left out.
    label: Option<String>,
    /// The kinds of events that are shown, such as "note", "cc", "sysex", "clock"; all if left out.
    show: Option<Vec<String>>,
    /// Kinds of events that are not shown, although `show` has them.
    #[serde(default)]
    hide: Vec<String>,
}

fn default_to() -> String {
    "stdout".into()
}

/// The options, checked.
pub struct MonitorParams {
    pub(crate) shown: KindSet,
    /// Nothing is written.
    pub(crate) quiet: bool,
    /// What the thread needs. Taken out on the way to it.
    pub(crate) settings: Option<Box<Settings>>,
}

/// What the thread that writes has to know.
pub(crate) struct Settings {
    pub(crate) to: To,
    pub(crate) format: Format,
    pub(crate) label: Option<String>,
}

/// Where the lines go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum To {
    Nothing,
    Stdout,
    Stderr,
    File(PathBuf),
}

impl MonitorConfig {
    /// Checks the options. [main]
    pub(crate) fn compile(self) -> Result<MonitorParams, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let to = match self.to.as_str() {
            "stdout" => To::Stdout,
            "stderr" => To::Stderr,
            "none" => To::Nothing,
            "" => {
                errors.push(
                    ConfigError::at("to", "this names no file")
                        .help("write \"stdout\", \"stderr\", \"none\" or the path of a file"),
                );
                To::Nothing
            }
            path => To::File(path.into()),
        };
        let show = self.show.map_or(KindSet::ALL, |names| kinds(&names, "show", &mut errors));
        let hide = kinds(&self.hide, "hide", &mut errors);
        if let Some(label) = &self.label
            && label.chars().any(char::is_control)
        {
            errors.push(
                ConfigError::at("label", "a line break or control character would tear the lines apart")
                    .help("write a short word"),
            );
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let shown = show.iter().filter(|kind| !hide.contains(*kind)).collect();
        let quiet = to == To::Nothing;
        let settings = Settings { to, format: self.format, label: self.label };
        Ok(MonitorParams { shown, quiet, settings: Some(Box::new(settings)) })
    }
}

fn kinds(names: &[String], at: &str, errors: &mut Vec<ConfigError>) -> KindSet {
    let mut set = KindSet::EMPTY;
    for (i, name) in names.iter().enumerate() {
        match KindSet::from_name(name) {
            Some(kinds) => set = set.union(kinds),
            None => {
                let groups = KindSet::GROUP_NAMES.iter().map(|(name, _)| *name);
                let all: Vec<&str> = groups.chain(Kind::ALL.iter().map(|kind| kind.name())).collect();
                errors.push(
                    ConfigError::at(format!("{at}[{i}]"), format!("there is no kind of event \"{name}\""))
                        .help(format!("the kinds are {}", all.join(", "))),
                );
            }
        }
    }
    set
}
