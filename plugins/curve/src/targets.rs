//! What a curve is for.

use std::borrow::Cow;

use midibay_plugin::ConfigError;
use midibay_plugin::schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// The values a curve is for: one, or a list.
#[derive(Deserialize, Clone, Debug)]
#[serde(
    untagged,
    expecting = "expected \"velocity\", \"pressure\", \"aftertouch\", \"pitch\", a controller number, or a list of them"
)]
pub enum Targets {
    /// A single one.
    One(Target),
    /// Several.
    List(Vec<Target>),
}

/// One of them: a word, a controller number, or a range of numbers.
#[derive(Deserialize, Clone, Debug)]
#[serde(
    untagged,
    expecting = "expected \"velocity\", \"pressure\", \"aftertouch\", \"pitch\" or a controller number"
)]
pub enum Target {
    /// A controller number.
    Controller(i64),
    /// A word, or a range such as "20..27".
    Text(String),
}

impl Default for Targets {
    fn default() -> Self {
        Self::One(Target::Text("velocity".to_owned()))
    }
}

const WORDS: [&str; 5] = ["velocity", "release-velocity", "pressure", "aftertouch", "pitch"];

/// The values a curve is for, checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Picked {
    pub(crate) velocity: bool,
    pub(crate) release_velocity: bool,
    pub(crate) pressure: bool,
    pub(crate) aftertouch: bool,
    pub(crate) pitch: bool,
    /// One bit a controller.
    pub(crate) controllers: u128,
}

/// Controllers whose values are numbers of something, or commands.
const NO_CURVE: [(u8, u8, &str); 4] = [
    (0, 0, "selects a bank"),
    (32, 32, "selects a bank"),
    (96, 101, "selects or counts a parameter"),
    (120, 127, "is a command"),
];

impl Targets {
    pub(crate) fn picked(&self, errors: &mut Vec<ConfigError>) -> Picked {
        let list = match self {
            Self::One(target) => std::slice::from_ref(target),
            Self::List(list) => list.as_slice(),
        };
        if list.is_empty() {
            let error = ConfigError::at("for", "the curve is for nothing");
            errors.push(error.help("name what it is for, such as for = [\"velocity\"]"));
        }
        let mut picked = Picked::default();
        for (i, target) in list.iter().enumerate() {
            if let Err((message, help)) = target.pick(&mut picked) {
                let path = match self {
                    Self::One(_) => "for".to_owned(),
                    Self::List(_) => format!("for[{i}]"),
                };
                errors.push(ConfigError::at(path, message).help(help));
            }
        }
        picked
    }
}

impl Target {
    fn pick(&self, picked: &mut Picked) -> Result<(), (String, String)> {
        let number = "a controller is a number from 0 to 127";
        let (first, last) = match self {
            Self::Controller(n) => (*n, *n),
            Self::Text(text) => {
                match text.as_str() {
                    "velocity" => picked.velocity = true,
                    "release-velocity" => picked.release_velocity = true,
                    "pressure" => picked.pressure = true,
                    "aftertouch" => picked.aftertouch = true,
                    "pitch" => picked.pitch = true,
                    _ => {}
                }
                if WORDS.contains(&text.as_str()) {
                    return Ok(());
                }
                let (first, last) = text.split_once("..").unwrap_or((text, text));
                match (first.trim().parse::<i64>(), last.trim().parse::<i64>()) {
                    (Ok(first), Ok(last)) => (first, last),
                    _ => {
                        let words = WORDS.map(|word| format!("\"{word}\"")).join(", ");
                        let help = format!("write {words}, a controller number, or a range \"20..27\"");
                        return Err((format!("a curve cannot be for `{text}`"), help));
                    }
                }
            }
        };
        let (Ok(first @ 0..128), Ok(last @ 0..128)) = (u8::try_from(first), u8::try_from(last)) else {
            return Err((
                format!("there is no controller {}", if first < 0 { first } else { last }),
                number.into(),
            ));
        };
        if first > last {
            return Err((format!("`{first}..{last}` counts down"), format!("write \"{last}..{first}\"")));
        }
        for controller in first..=last {
            if let Some((.., what)) = NO_CURVE.iter().find(|(a, b, _)| (*a..=*b).contains(&controller)) {
                let help = "leave it out: bending it would choose something else";
                return Err((format!("controller {controller} {what} and has no curve"), help.into()));
            }
            picked.controllers |= 1 << controller;
        }
        Ok(())
    }
}

impl JsonSchema for Targets {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Targets".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = [
            json_schema!({ "enum": WORDS }),
            json_schema!({ "type": "integer", "minimum": 1, "maximum": 119 }),
            json_schema!({ "type": "string", "pattern": "^\\s*[0-9]+\\s*\\.\\.\\s*[0-9]+\\s*$" }),
        ];
        json_schema!({
            "anyOf": [one[0], one[1], one[2], { "type": "array", "minItems": 1, "items": { "anyOf": one } }],
        })
    }
}
