//! The options of a `switch` node.

use midibay_plugin::ConfigError;
use schemars::JsonSchema;
use serde::Deserialize;

const MILLISECOND: u64 = 1_000_000;
/// An hour, ms: a longer time is a slip of the finger.
const LONGEST: u32 = 3_600_000;

/// What makes the switch change by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Another input plays while the active one is silent.
    Activity,
    /// The source of the active input is gone.
    Loss,
}

/// Nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Off {
    /// The switch changes by command only.
    Off,
}

/// When the switch changes by itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected \"off\", \"activity\", \"loss\" or a list of the last two")]
pub enum Auto {
    /// Never.
    Never(Off),
    /// For one cause.
    One(Cause),
    /// For each of these causes.
    Several(Vec<Cause>),
}

/// Whether the switch goes back when a lost input is there again.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SwitchBack {
    /// Only a command goes back.
    #[default]
    Manual,
    /// It goes back as soon as something comes from the lost input.
    Auto,
}

/// What becomes of the keys that are down on an input when it becomes active.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HeldNotes {
    /// They sound when they are played next.
    #[default]
    Ignore,
    /// They start to sound.
    Retrigger,
}

/// The options of a `switch` node.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SwitchConfig {
    /// The names of the inputs, 2 to 16, which are also their ports: a route leads to node:name. The
    /// first one is active at the start, and when an input is lost, earlier ones are preferred.
    pub(crate) inputs: Vec<String>,
    /// When it changes by itself: "off", "activity", "loss", or ["activity", "loss"].
    #[serde(default = "never")]
    auto: Auto,
    /// How long the active input must have been silent before another one that plays takes over, ms.
    #[serde(default = "default_idle")]
    idle: u32,
    /// The least time between a change and the next one that it makes by itself, ms.
    #[serde(default)]
    lockout: u32,
    /// After a loss: "manual" stays until a command, "auto" goes back when the lost input is there again.
    #[serde(default)]
    switch_back: SwitchBack,
    /// Keys that are down on an input when it becomes active: "ignore" or "retrigger".
    #[serde(default)]
    notes: HeldNotes,
}

fn never() -> Auto {
    Auto::Never(Off::Off)
}

fn default_idle() -> u32 {
    5000
}

/// The options, checked.
pub struct SwitchParams {
    pub(crate) names: Vec<String>,
    pub(crate) activity: bool,
    pub(crate) loss: bool,
    /// ns.
    pub(crate) idle: u64,
    /// ns.
    pub(crate) lockout: u64,
    pub(crate) switch_back: bool,
    pub(crate) retrigger: bool,
}

impl SwitchConfig {
    /// Checks the options. [main]
    pub(crate) fn compile(self) -> Result<SwitchParams, Vec<ConfigError>> {
        let mut errors = Vec::new();
        if !(2..=16).contains(&self.inputs.len()) {
            errors.push(
                ConfigError::at("inputs", format!("a switch has 2 to 16 inputs, not {}", self.inputs.len()))
                    .help("write inputs = [\"main\", \"spare\"] and routes to node:main and node:spare"),
            );
        }
        for i in 0..self.inputs.len() {
            check_name(&self.inputs, i, &mut errors);
        }
        for (option, time) in [("idle", self.idle), ("lockout", self.lockout)] {
            if time > LONGEST {
                errors.push(
                    ConfigError::at(option, format!("{time} ms is more than an hour"))
                        .help("the unit is milliseconds; write 0 to 3600000"),
                );
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let auto = |cause| match &self.auto {
            Auto::Never(_) => false,
            Auto::One(one) => *one == cause,
            Auto::Several(several) => several.contains(&cause),
        };
        Ok(SwitchParams {
            activity: auto(Cause::Activity),
            loss: auto(Cause::Loss),
            names: self.inputs,
            idle: u64::from(self.idle) * MILLISECOND,
            lockout: u64::from(self.lockout) * MILLISECOND,
            switch_back: self.switch_back == SwitchBack::Auto,
            retrigger: self.notes == HeldNotes::Retrigger,
        })
    }
}

fn check_name(names: &[String], i: usize, errors: &mut Vec<ConfigError>) {
    let (name, at) = (&names[i], format!("inputs[{i}]"));
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(fits) {
        errors.push(
            ConfigError::at(at, format!("\"{name}\" cannot name a port"))
                .help("use letters, digits, - and _: a route reaches the input as node:name"),
        );
    } else if let Some(first) = names[..i].iter().position(|n| n == name) {
        errors.push(
            ConfigError::at(at, format!("\"{name}\" is the name of input {} already", first + 1))
                .help("give each input a name of its own; one input may have several routes"),
        );
    }
}
