//! The options as they stand in a graph.

use std::borrow::Cow;

use midibay_plugin::schemars::{self, JsonSchema, Schema, SchemaGenerator, json_schema};
use midibay_plugin::{ConfigError, Numbers};
use midibay_ump::{Kind, KindSet};
use serde::Deserialize;

/// The options of a filter. Each one that is given is a condition on the messages that it is about; a
/// message passes when it meets all conditions about it, and when there is none.
#[derive(Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Channel messages pass on these channels only (1-16; default: all). Messages without a channel
    /// are not touched.
    pub channels: Option<Numbers>,
    /// Messages pass in these UMP groups only (1-16; default: all).
    pub groups: Option<Numbers>,
    /// Only these kinds of messages pass (default: all).
    pub keep: Option<Kinds>,
    /// These kinds of messages do not pass, also if they are in `keep` (default: none).
    pub drop: Option<Kinds>,
    /// Notes, their pressure and their own controllers pass for these notes only (0-127; 60 is middle
    /// C; default: all).
    pub notes: Option<Numbers>,
    /// Notes pass that are played with these velocities only (1-127; default: all). Their Note Offs
    /// pass with them.
    pub velocities: Option<Numbers>,
    /// Control changes pass for these controllers only (0-127; default: all).
    pub controllers: Option<Numbers>,
    /// Turns it round: what would pass is dropped and what would be dropped passes. Messages that no
    /// condition is about still pass.
    #[serde(default)]
    pub invert: bool,
}

/// One kind of message, or a list of them.
#[derive(Deserialize, JsonSchema, Clone, Debug)]
#[serde(untagged, expecting = "expected the name of a kind of message such as \"clock\", or a list of them")]
pub enum Kinds {
    /// A single one.
    One(KindName),
    /// Several.
    List(Vec<KindName>),
}

/// The name of a kind of message, or of several.
#[derive(Deserialize, Clone, Debug)]
#[serde(transparent)]
pub struct KindName(pub String);

/// Names that stand for several kinds, beyond those that [`KindSet`] knows.
const SYSTEM: (&str, KindSet) = (
    "system",
    KindSet::of(&[
        Kind::SysEx,
        Kind::Data,
        Kind::TimeCode,
        Kind::SongPosition,
        Kind::SongSelect,
        Kind::TuneRequest,
        Kind::Clock,
        Kind::Start,
        Kind::Continue,
        Kind::Stop,
        Kind::ActiveSensing,
        Kind::Reset,
    ]),
);

/// Whether one of the two notes' kinds may be named by itself: no, since a Note Off goes the way of its
/// Note On.
const fn is_half_a_note(kind: Kind) -> bool {
    matches!(kind, Kind::NoteOn | Kind::NoteOff)
}

/// All names that may be written.
fn names() -> impl Iterator<Item = &'static str> {
    let groups = KindSet::GROUP_NAMES.iter().map(|(name, _)| *name);
    let kinds = Kind::ALL.iter().filter(|kind| !is_half_a_note(**kind)).map(|kind| kind.name());
    groups.chain([SYSTEM.0]).chain(kinds)
}

impl Kinds {
    /// The kinds, or what is wrong, added to `errors`.
    pub(crate) fn set(&self, path: &str, errors: &mut Vec<ConfigError>) -> KindSet {
        let list = match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::List(list) => list.as_slice(),
        };
        if list.is_empty() {
            let error = ConfigError::at(path, "no kind of message is listed");
            errors.push(error.help("name at least one, such as \"clock\", or leave the option away"));
        }
        let mut set = KindSet::EMPTY;
        for (i, KindName(name)) in list.iter().enumerate() {
            let path = || match self {
                Self::One(_) => path.to_owned(),
                Self::List(_) => format!("{path}[{i}]"),
            };
            if Kind::from_name(name).is_some_and(is_half_a_note) {
                let error = ConfigError::at(path(), format!("`{name}` cannot be picked by itself"));
                errors.push(error.help("write \"note\": a Note Off always goes the way of its Note On"));
            } else if *name == SYSTEM.0 {
                set = set.union(SYSTEM.1);
            } else if let Some(kinds) = KindSet::from_name(name) {
                set = set.union(kinds);
            } else {
                let error = ConfigError::at(path(), format!("there is no kind of message called `{name}`"));
                errors.push(error.help(format!("the kinds are: {}", names().collect::<Vec<_>>().join(", "))));
            }
        }
        set
    }
}

impl JsonSchema for KindName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "KindName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": names().collect::<Vec<_>>() })
    }
}
