//! The options as they stand in a graph.

use midibay_plugin::schemars::{self, JsonSchema};
use midibay_plugin::{ConfigError, Numbers};
use serde::Deserialize;

use crate::shape::Form;
use crate::table::Table;
use crate::targets::{Picked, Targets};

/// The options of a curve.
#[derive(Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// What it is for: "velocity", "release-velocity", "pressure" (of a note), "aftertouch" (of the
    /// channel), "pitch" (bend), controller numbers and ranges of them; one, or a list (default:
    /// "velocity").
    #[serde(rename = "for", default)]
    pub targets: Targets,
    /// The shape: "linear", "log" (soft playing gets louder), "exp" (soft playing gets softer), "s"
    /// (the middle gets steeper), "gamma", or "points" of your own (default: "linear").
    #[serde(default)]
    pub shape: Shape,
    /// How strongly "log", "exp" or "s" bends: 0 (not at all) to 10 (default: 3).
    #[schemars(range(min = 0.0, max = 10.0))]
    pub amount: Option<f64>,
    /// The exponent of "gamma": 0.1 to 10; 1 is a straight line, less makes soft playing louder.
    #[schemars(range(min = 0.1, max = 10.0))]
    pub gamma: Option<f64>,
    /// The points of "points", each [in, out] in 7-bit units (0-127), joined by straight lines; in goes
    /// up from point to point, out never goes down. Before the first and after the last it stays level.
    pub points: Option<Vec<[f64; 2]>>,
    /// The lowest value that comes out, 7-bit (0-127; default: 0). A Note On keeps at least 1.
    #[serde(default)]
    #[schemars(range(min = 0, max = 127))]
    pub min: i64,
    /// The highest value that comes out, 7-bit (1-127; default: 127).
    #[serde(default = "full")]
    #[schemars(range(min = 1, max = 127))]
    pub max: i64,
    /// Only on these channels (1-16; default: all).
    pub channels: Option<Numbers>,
}

const fn full() -> i64 {
    127
}

/// The shape of a curve.
#[derive(Deserialize, JsonSchema, Clone, Copy, PartialEq, Eq, Default, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// A straight line.
    #[default]
    Linear,
    /// Steep at first: soft playing gets louder. The inverse of "exp" of the same amount.
    Log,
    /// Steep at the end: soft playing gets softer.
    Exp,
    /// Steep in the middle.
    S,
    /// A power of the value.
    Gamma,
    /// Straight lines between points of your own.
    Points,
}

/// The options, checked and turned into tables.
#[derive(Clone, Debug)]
pub struct Params {
    pub(crate) picked: Picked,
    /// One bit a channel.
    pub(crate) channels: u16,
    pub(crate) table: Table,
}

impl Params {
    pub(crate) fn new(config: &Config) -> Result<Self, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let picked = config.targets.picked(&mut errors);
        let channels =
            config.channels.as_ref().map_or(u16::MAX, |n| n.mask16("channels", "channel", &mut errors));
        let form = form(config, &mut errors);
        for (path, value, low) in [("min", config.min, 0), ("max", config.max, 1)] {
            if !(low..=127).contains(&value) {
                let error = ConfigError::at(path, format!("{value} is out of range"));
                errors.push(error.help(format!("`{path}` is a 7-bit value from {low} to 127")));
            }
        }
        if config.min > config.max {
            let error = ConfigError::at("min", format!("{} is above `max`, {}", config.min, config.max));
            errors.push(error.help("swap them; to turn values round use a control map"));
        }
        match form {
            Some(form) if errors.is_empty() => {
                Ok(Self { picked, channels, table: Table::new(&form, config.min as f64, config.max as f64) })
            }
            _ => Err(errors),
        }
    }
}

/// The shape with its numbers. What the shape has no use for is an error, so that nobody turns a knob
/// that does nothing.
fn form(config: &Config, errors: &mut Vec<ConfigError>) -> Option<Form> {
    let name = format!("{:?}", config.shape).to_lowercase();
    let mut unused = |path: &str, given: bool, with: &str| {
        if given {
            let error = ConfigError::at(path, format!("`{path}` does nothing with shape \"{name}\""));
            errors.push(error.help(format!("leave it away, or choose {with}")));
        }
    };
    if !matches!(config.shape, Shape::Log | Shape::Exp | Shape::S) {
        unused("amount", config.amount.is_some(), "shape \"log\", \"exp\" or \"s\"");
    }
    if config.shape != Shape::Gamma {
        unused("gamma", config.gamma.is_some(), "shape = \"gamma\"");
    }
    if config.shape != Shape::Points {
        unused("points", config.points.is_some(), "shape = \"points\"");
    }
    let amount = config.amount.unwrap_or(3.0);
    if !(0.0..=10.0).contains(&amount) {
        let error = ConfigError::at("amount", format!("{amount} is out of range"));
        errors.push(error.help("`amount` is from 0 (a straight line) to 10"));
        return None;
    }
    Some(match config.shape {
        Shape::Linear => Form::Linear,
        Shape::Log => Form::Log(amount),
        Shape::Exp => Form::Exp(amount),
        Shape::S => Form::S(amount),
        Shape::Gamma => match config.gamma {
            Some(gamma) if (0.1..=10.0).contains(&gamma) => Form::Gamma(gamma),
            Some(gamma) => {
                let error = ConfigError::at("gamma", format!("{gamma} is out of range"));
                errors.push(error.help("`gamma` is from 0.1 to 10; 1 is a straight line"));
                return None;
            }
            None => {
                let error = ConfigError::at("shape", "shape \"gamma\" needs the option `gamma`");
                errors.push(error.help("for instance gamma = 0.7, which makes soft playing louder"));
                return None;
            }
        },
        Shape::Points => Form::Points(points(config.points.as_deref(), errors)?),
    })
}

fn points(points: Option<&[[f64; 2]]>, errors: &mut Vec<ConfigError>) -> Option<Vec<[f64; 2]>> {
    let before = errors.len();
    let Some(points @ [_, _, ..]) = points else {
        let path = if points.is_some() { "points" } else { "shape" };
        let error = ConfigError::at(path, "shape \"points\" needs at least two points");
        errors.push(error.help("for instance points = [[0, 0], [64, 100], [127, 127]]"));
        return None;
    };
    for (i, point) in points.iter().enumerate() {
        for (j, value) in point.iter().enumerate() {
            if !(0.0..=127.0).contains(value) {
                let error = ConfigError::at(format!("points[{i}][{j}]"), format!("{value} is out of range"));
                errors.push(error.help("points are [in, out], each from 0 to 127"));
            }
        }
    }
    for (i, pair) in points.windows(2).enumerate() {
        let [[in0, out0], [in1, out1]] = [pair[0], pair[1]];
        if in1 <= in0 {
            let path = format!("points[{}][0]", i + 1);
            let error = ConfigError::at(path, format!("{in1} does not come after {in0}"));
            errors.push(error.help("sort the points by their first number, each of them once"));
        }
        if out1 < out0 {
            let path = format!("points[{}][1]", i + 1);
            let error = ConfigError::at(path, format!("the curve falls from {out0} to {out1}"));
            errors.push(error.help("a curve never falls: playing harder must not be softer"));
        }
    }
    (errors.len() == before).then(|| points.to_vec())
}
