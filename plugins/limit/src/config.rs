//! The options of a `limit` node.

use midibay_plugin::{ConfigError, Numbers};
use schemars::JsonSchema;
use serde::Deserialize;

/// A sort of continuous controller that can be thinned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Thinned {
    /// Control changes, without pedals, bank select, data entry and parameter numbers, mode messages.
    Cc,
    /// Pressure of single notes.
    Pressure,
    /// Pressure of the channel.
    Aftertouch,
    /// Pitch bend of the channel.
    Pitch,
    /// MIDI 2.0 pitch bend of single notes.
    PerNotePitch,
}

/// The options of a `limit` node.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LimitConfig {
    /// How many values a second each single control may send, 1 to 10000.
    #[serde(default = "default_rate")]
    rate: u32,
    /// What is thinned; everything else passes untouched.
    #[serde(default = "default_kinds")]
    kinds: Vec<Thinned>,
    /// Controllers (0 to 127) that pass untouched although `kinds` has "cc": a number, a range
    /// "16..23", or a list of such. None if left out.
    except_controllers: Option<Numbers>,
}

fn default_rate() -> u32 {
    100
}

fn default_kinds() -> Vec<Thinned> {
    vec![Thinned::Cc, Thinned::Pressure, Thinned::Aftertouch, Thinned::Pitch, Thinned::PerNotePitch]
}

/// The options, checked, as the event path wants them.
pub struct LimitParams {
    /// The least time between two values of one control, ns.
    pub(crate) interval: u64,
    /// The controllers that are thinned, one bit each.
    pub(crate) controllers: u128,
    pub(crate) poly_pressure: bool,
    pub(crate) channel_pressure: bool,
    pub(crate) pitch_bend: bool,
    pub(crate) per_note_pitch: bool,
}

/// Controllers that a value may not be left out of: bank select, data entry, pedals and switches,
/// increment, decrement and parameter numbers, channel mode.
const NEVER: u128 = bit(0) | bit(32) | bit(6) | bit(38) | bits(64, 69) | bits(96, 101) | bits(120, 127);

const fn bit(controller: u32) -> u128 {
    1 << controller
}

const fn bits(first: u32, last: u32) -> u128 {
    (u128::MAX >> (127 - (last - first))) << first
}

impl LimitConfig {
    /// Checks the options. [main]
    pub(crate) fn compile(self) -> Result<LimitParams, Vec<ConfigError>> {
        let mut errors = Vec::new();
        if !(1..=10_000).contains(&self.rate) {
            errors.push(
                ConfigError::at("rate", format!("{} is no rate this node can keep", self.rate))
                    .help("write 1 to 10000 values a second; 100 suits most devices"),
            );
        }
        if self.kinds.is_empty() {
            errors.push(
                ConfigError::at("kinds", "with nothing in it, nothing is thinned")
                    .help("leave it out to thin everything, or take the node out of the route"),
            );
        }
        let except = self
            .except_controllers
            .map_or(0, |numbers| numbers.bits("except-controllers", "controller", 0..=127, &mut errors));
        if !errors.is_empty() {
            return Err(errors);
        }
        let thins = |kind| self.kinds.contains(&kind);
        Ok(LimitParams {
            interval: 1_000_000_000 / u64::from(self.rate),
            controllers: if thins(Thinned::Cc) { !NEVER & !except } else { 0 },
            poly_pressure: thins(Thinned::Pressure),
            channel_pressure: thins(Thinned::Aftertouch),
            pitch_bend: thins(Thinned::Pitch),
            per_note_pitch: thins(Thinned::PerNotePitch),
        })
    }
}
