//! The options as they stand in a graph.

use std::ops::RangeInclusive;

use midibay_plugin::schemars::{self, JsonSchema};
use midibay_plugin::{ConfigError, Numbers};
use serde::Deserialize;

/// How far notes may be moved, in semitones: four octaves each way.
pub(crate) const SEMITONES: RangeInclusive<i64> = -48..=48;

/// The options of a transposer.
#[derive(Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// By how much notes are moved, in semitones, -48 to 48; 12 is an octave up.
    #[schemars(range(min = -48, max = 48))]
    pub semitones: i64,
    /// What becomes of a note that would be below 0 or above 127 (default: "drop").
    #[serde(default)]
    pub out_of_range: OutOfRange,
    /// Notes are moved on these channels only (1-16; default: all).
    pub channels: Option<Numbers>,
    /// Notes on these channels stay as they are, drums for instance (1-16; default: none).
    pub except_channels: Option<Numbers>,
}

/// What becomes of a note that would leave the range of 0 to 127.
#[derive(Deserialize, JsonSchema, Clone, Copy, PartialEq, Eq, Default, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum OutOfRange {
    /// It is dropped, its Note Off too.
    #[default]
    Drop,
    /// It becomes the lowest or highest note.
    Clamp,
    /// It comes back by octaves until it is in range.
    Fold,
}

/// The commands of a transposer.
#[derive(Deserialize, JsonSchema, Debug)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Moves notes by this much from now on; notes that are held end where they began.
    #[serde(rename_all = "kebab-case")]
    Set {
        /// In semitones, -48 to 48.
        #[schemars(range(min = -48, max = 48))]
        semitones: i64,
    },
    /// Moves notes by this much more than now: for an "octave up" button.
    #[serde(rename_all = "kebab-case")]
    Shift {
        /// In semitones; the sum stays within -48 to 48.
        #[schemars(range(min = -96, max = 96))]
        semitones: i64,
    },
}

/// The options, checked.
#[derive(Clone, Copy, Debug)]
pub struct Params {
    /// -48 to 48.
    pub(crate) semitones: i8,
    pub(crate) out_of_range: OutOfRange,
    /// One bit a channel whose notes are moved.
    pub(crate) channels: u16,
}

impl Params {
    pub(crate) fn new(config: &Config) -> Result<Self, Vec<ConfigError>> {
        let mut errors = Vec::new();
        if !SEMITONES.contains(&config.semitones) {
            let error = ConfigError::at("semitones", format!("{} is too far", config.semitones));
            errors.push(error.help("notes can be moved by -48 to 48 semitones; 12 are an octave"));
        }
        let mut mask = |numbers: &Option<Numbers>, path| {
            numbers.as_ref().map(|numbers| numbers.mask16(path, "channel", &mut errors))
        };
        let only = mask(&config.channels, "channels");
        let except = mask(&config.except_channels, "except-channels");
        let channels = only.unwrap_or(u16::MAX) & !except.unwrap_or(0);
        if errors.is_empty() && channels == 0 {
            let error = ConfigError::at("except-channels", "no channel is left whose notes would be moved");
            errors.push(error.help("leave at least one channel of `channels` out of `except-channels`"));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self { semitones: config.semitones as i8, out_of_range: config.out_of_range, channels })
    }

    /// What each note becomes; `None` is dropped.
    pub(crate) fn table(&self) -> [Option<u8>; 128] {
        std::array::from_fn(|note| {
            let moved = note as i16 + i16::from(self.semitones);
            let kept = match self.out_of_range {
                OutOfRange::Drop => moved,
                OutOfRange::Clamp => moved.clamp(0, 127),
                OutOfRange::Fold if moved < 0 => moved.rem_euclid(12),
                OutOfRange::Fold if moved > 127 => 116 + (moved - 116) % 12,
                OutOfRange::Fold => moved,
            };
            u8::try_from(kept).ok().filter(|note| *note < 128)
        })
    }
}
