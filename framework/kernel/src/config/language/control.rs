//! The words behind the dots: `g2`, `ch10`, `note36`.

use super::super::suggest::{choice, did_you_mean};
use crate::graph::Control;

/// Why a word does not do.
pub(crate) struct Wrong {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) help: String,
}

impl Wrong {
    fn new(code: &'static str, message: String, help: impl Into<String>) -> Self {
        Self { code, message, help: help.into() }
    }
}

const KINDS: [&str; 8] = ["note", "cc", "pressure", "aftertouch", "pitch", "program", "rpn", "nrpn"];

/// What else these are called, here and there.
const OTHER_NAMES: [(&str, &str); 14] = [
    ("bend", "pitch"),
    ("pitchbend", "pitch"),
    ("pitchwheel", "pitch"),
    ("control", "cc"),
    ("controller", "cc"),
    ("ctrl", "cc"),
    ("pc", "program"),
    ("prog", "program"),
    ("programchange", "program"),
    ("at", "aftertouch"),
    ("channelpressure", "aftertouch"),
    ("polypressure", "pressure"),
    ("polyaftertouch", "pressure"),
    ("key", "note"),
];

/// Cuts `note36` into `note` and `36`.
fn cut(word: &str) -> (&str, &str) {
    word.split_at(word.trim_end_matches(|letter: char| letter.is_ascii_digit()).len())
}

/// Whether a word looks like a channel, right or wrong.
pub(crate) fn looks_like_channel(word: &str) -> bool {
    matches!(cut(word), ("ch" | "channel", number) if !number.is_empty())
}

/// Whether a word looks like a group, right or wrong.
pub(crate) fn looks_like_group(word: &str) -> bool {
    matches!(cut(word), ("g", number) if !number.is_empty())
}

/// Whether a word looks like a control, right or wrong.
pub(crate) fn looks_like_control(word: &str) -> bool {
    KINDS.contains(&cut(word).0)
}

/// `ch1` to `ch16`, or `channel1` to `channel16`, as 0-15.
pub(crate) fn channel(word: &str) -> Result<u8, Wrong> {
    let (letters, number) = cut(word);
    if !matches!(letters, "ch" | "channel") {
        let help = if looks_like_control(word) {
            format!("name the channel first: ch1.{word}")
        } else {
            "a channel is written ch1 to ch16, or channel1 to channel16".to_owned()
        };
        return Err(Wrong::new("bad-control", format!("`{word}` is not a channel"), help));
    }
    match number.parse::<u32>() {
        Ok(number @ 1..=16) => Ok(low(number) - 1),
        Ok(0) => Err(Wrong::new(
            "out-of-range",
            format!("there is no channel 0: `{word}`"),
            "channels count from 1 here, as on devices; channel 0 in MIDIMonster is ch1",
        )),
        Err(_) if number.is_empty() => Err(Wrong::new(
            "bad-control",
            format!("`{word}` needs a number behind it"),
            "a channel is written ch1 to ch16",
        )),
        _ => Err(Wrong::new(
            "out-of-range",
            format!("there is no channel {number}"),
            "channels go from ch1 to ch16; more of them are in other groups: g2.ch1",
        )),
    }
}

/// `g1` to `g16`, as 0-15.
pub(crate) fn group(word: &str) -> Result<u8, Wrong> {
    let (letters, number) = cut(word);
    if letters != "g" || number.is_empty() {
        return Err(Wrong::new(
            "bad-control",
            format!("`{word}` is not a group"),
            "a group is written g1 to g16, before the channel: node.g2.ch1.cc7",
        ));
    }
    match number.parse::<u32>() {
        Ok(number @ 1..=16) => Ok(low(number) - 1),
        Ok(0) => Err(Wrong::new(
            "out-of-range",
            format!("there is no group 0: `{word}`"),
            "groups count from 1 here, as channels do; the first is g1",
        )),
        _ => {
            Err(Wrong::new("out-of-range", format!("there is no group {number}"), "groups go from g1 to g16"))
        }
    }
}

/// `note36`, `cc7`, `pitch` and so on.
pub(crate) fn control(word: &str) -> Result<Control, Wrong> {
    let (kind, number) = cut(word);
    let plain = |control| {
        if number.is_empty() {
            return Ok(control);
        }
        let help = match control {
            Control::Program => "write `program`; its value is the number of the program",
            Control::Aftertouch => {
                "write `aftertouch` for the whole channel, or `pressure` and a note's number"
            }
            _ => "write `pitch`; each channel has only one",
        };
        Err(Wrong::new("bad-control", format!("`{kind}` takes no number: `{word}`"), help))
    };
    match kind {
        "aftertouch" => plain(Control::Aftertouch),
        "pitch" => plain(Control::Pitch),
        "program" => plain(Control::Program),
        "note" => numbered(word, kind, number, 127).map(|number| Control::Note(low(number))),
        "cc" => numbered(word, kind, number, 127).map(|number| Control::Cc(low(number))),
        "pressure" => numbered(word, kind, number, 127).map(|number| Control::Pressure(low(number))),
        "rpn" => numbered(word, kind, number, 16_383).map(|number| Control::Rpn(wide(number))),
        "nrpn" => numbered(word, kind, number, 16_383).map(|number| Control::Nrpn(wide(number))),
        _ => Err(unknown(word, kind, number)),
    }
}

fn numbered(word: &str, kind: &str, number: &str, most: u32) -> Result<u32, Wrong> {
    match number.parse::<u32>() {
        Ok(number) if number <= most => Ok(number),
        Err(_) if number.is_empty() => {
            let help = match kind {
                "pressure" => {
                    "write `pressure60` for one note, `aftertouch` for the whole channel".to_owned()
                }
                _ => format!("write `{kind}0` to `{kind}{most}`"),
            };
            Err(Wrong::new("bad-control", format!("`{word}` needs a number behind it"), help))
        }
        _ => {
            let message = format!("there is no {kind} {number}");
            Err(Wrong::new("out-of-range", message, format!("the numbers of {kind} go from 0 to {most}")))
        }
    }
}

fn unknown(word: &str, kind: &str, number: &str) -> Wrong {
    let lower = word.to_lowercase();
    let help = if let Some((_, name)) = OTHER_NAMES.iter().find(|(other, _)| *other == cut(&lower).0) {
        format!("it is called `{name}` here")
    } else if lower.starts_with("note") && number.is_empty() || lower.starts_with("note") && kind.len() > 4 {
        "notes are written as numbers from 0 to 127; middle C is note60".to_owned()
    } else if looks_like_channel(word) {
        "the channel is named once, before the control".to_owned()
    } else {
        did_you_mean(kind, KINDS).unwrap_or_else(|| format!("the controls are {}", choice(KINDS)))
    };
    Wrong::new("bad-control", format!("`{word}` is not a control"), help)
}

/// A number already known to be below 256.
fn low(number: u32) -> u8 {
    u8::try_from(number).expect("checked against a bound below 256")
}

/// A number already known to be below 65,536.
fn wide(number: u32) -> u16 {
    u16::try_from(number).expect("checked against a bound below 65,536")
}
