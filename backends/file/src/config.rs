//! The options of a `file` node.

use std::path::PathBuf;

use midibay_plugin::ConfigError;
use schemars::JsonSchema;
use serde::Deserialize;

/// The options as they stand in a graph.
#[derive(Deserialize, JsonSchema, Clone, PartialEq, Debug)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// The file, FIFO or device: `show.mid`, `/run/lights.fifo`, `/dev/ttyUSB0`. Relative to the
    /// directory the program was started in.
    pub path: String,
    /// What to do with it. Default: `play` for names that end in .mid, .midi, .smf, .kar or .rmi,
    /// `raw` for all others.
    pub mode: Option<Mode>,
    /// For raw: which way events go. Default: `both` for paths below /dev/; must be given for others.
    pub direction: Option<Direction>,
    /// The group, 1 to 16. Events that come out are of this group (default 1). With a group given,
    /// only events of it go in; without, those of all groups do.
    #[schemars(range(min = 1, max = 16))]
    pub group: Option<u8>,
    /// For play, record, and raw reading of a plain file: whether it starts by itself with the graph
    /// (`auto`, the default) or waits for the command `start` (`manual`).
    pub start: Option<Start>,
    /// For play: seconds to wait before it starts by itself, 0 to 3600. Default 0.
    #[schemars(range(min = 0.0, max = 3600.0))]
    pub lead_in: Option<f64>,
    /// For play: start again at the end. Default false.
    pub r#loop: Option<bool>,
    /// For play: how fast; 1 is as written, 2 twice as fast; 0.05 to 20. Default 1.
    #[schemars(range(min = 0.05, max = 20.0))]
    pub speed: Option<f64>,
    /// For play: only these tracks, counted from 1. Default: all.
    pub tracks: Option<Vec<u16>>,
    /// For raw: bits per second. A serial device is set to it (default 31250, the speed of MIDI); a
    /// plain file is read as if it came over a wire of that speed (default: all at once).
    #[schemars(range(min = 50, max = 4_000_000))]
    pub baud: Option<u32>,
    /// For raw: what to create if nothing stands at the path: a `fifo` or a `file`. Default: nothing.
    pub create: Option<Create>,
    /// For record, and whatever is created: its permissions, octal, as chmod takes them. Nothing that
    /// everybody may write. Default "0640".
    pub permissions: Option<String>,
    /// For raw writing to a plain file: whether to write behind what is in it (true, the default) or to
    /// empty it first (false).
    pub append: Option<bool>,
}

/// What to do with the file.
#[derive(Deserialize, JsonSchema, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Play a Standard MIDI File.
    Play,
    /// Record into a new Standard MIDI File.
    Record,
    /// Read or write MIDI bytes as they are.
    Raw,
}

/// Which way events go.
#[derive(Deserialize, JsonSchema, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the file into the graph.
    In,
    /// From the graph into the file.
    Out,
    /// Both.
    Both,
}

/// When to start.
#[derive(Deserialize, JsonSchema, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// With the graph.
    Auto,
    /// When told to.
    Manual,
}

/// What to create.
#[derive(Deserialize, JsonSchema, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Create {
    /// A FIFO (named pipe).
    Fifo,
    /// A plain file.
    File,
}

/// Options of a node that plays.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Play {
    pub(crate) path: PathBuf,
    /// The group of the events, 0-15.
    pub(crate) group: u8,
    pub(crate) auto: bool,
    /// In ns.
    pub(crate) lead_in: u64,
    pub(crate) looping: bool,
    /// Millionths of the written speed.
    pub(crate) speed: u64,
    /// The tracks to play, counted from 0; all if empty.
    pub(crate) tracks: Vec<u16>,
}

/// Options of a node that records.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Record {
    pub(crate) path: PathBuf,
    /// The one group to record, 0-15, or all.
    pub(crate) group: Option<u8>,
    pub(crate) auto: bool,
    pub(crate) permissions: u32,
}

/// Options of a node that moves bytes.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Raw {
    pub(crate) path: PathBuf,
    pub(crate) direction: Direction,
    pub(crate) group: Option<u8>,
    pub(crate) start: Option<Start>,
    pub(crate) baud: Option<u32>,
    pub(crate) create: Option<Create>,
    pub(crate) permissions: u32,
    pub(crate) append: Option<bool>,
}

/// The options, checked.
#[derive(Clone, PartialEq, Debug)]
pub struct Params(pub(crate) Work);

/// What the node is to do.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Work {
    Play(Play),
    Record(Record),
    Raw(Raw),
}

const SONGS: [&str; 5] = ["mid", "midi", "smf", "kar", "rmi"];

impl Config {
    /// The mode, given or by the name of the file.
    pub fn mode(&self) -> Mode {
        let ending = self.path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        self.mode.unwrap_or(match ending {
            Some(ending) if SONGS.contains(&ending.as_str()) => Mode::Play,
            _ => Mode::Raw,
        })
    }

    /// Whether a running node can take over `new`: nothing but what a player looks at as it plays.
    pub(crate) fn is_close_to(&self, new: &Self) -> bool {
        let mut old = self.clone();
        if self.mode() == Mode::Play {
            old.r#loop = new.r#loop;
            old.speed = new.speed;
            old.tracks.clone_from(&new.tracks);
            old.group = new.group;
            old.start = new.start;
            old.lead_in = new.lead_in;
        }
        old == *new
    }

    /// Checks the options.
    pub(crate) fn compile(self) -> Result<Params, Vec<ConfigError>> {
        let mut errors = Vec::new();
        if self.path.is_empty() {
            errors.push(
                ConfigError::at("path", "is empty").help("name a file, a FIFO or a device: \"show.mid\""),
            );
        }
        if let Some(group) = self.group.filter(|group| !(1..=16).contains(group)) {
            errors.push(ConfigError::at("group", format!("{group} is no group; they count from 1 to 16")));
        }
        let mode = self.mode();
        self.check_mode(mode, &mut errors);
        let permissions = self.compile_permissions(&mut errors);
        let path = PathBuf::from(&self.path);
        let auto = self.start != Some(Start::Manual);
        let group = self.group.map(|group| group.wrapping_sub(1) & 0xF);
        let work = match mode {
            Mode::Play => Work::Play(Play {
                path,
                group: group.unwrap_or(0),
                auto,
                lead_in: (self.number("lead-in", self.lead_in, 0.0, 0.0..=3600.0, &mut errors) * 1e9) as u64,
                looping: self.r#loop == Some(true),
                speed: (self.number("speed", self.speed, 1.0, 0.05..=20.0, &mut errors) * 1e6).round() as u64,
                tracks: self.compile_tracks(&mut errors),
            }),
            Mode::Record => Work::Record(Record { path, group, auto, permissions }),
            Mode::Raw => Work::Raw(Raw {
                path,
                direction: self.compile_direction(&mut errors),
                group,
                start: self.start,
                baud: self.compile_baud(&mut errors),
                create: self.create,
                permissions,
                append: self.append,
            }),
        };
        if errors.is_empty() { Ok(Params(work)) } else { Err(errors) }
    }

    /// Options that say nothing in this mode.
    fn check_mode(&self, mode: Mode, errors: &mut Vec<ConfigError>) {
        use Mode::{Play, Raw, Record};
        let options: [(&str, bool, &[Mode]); 9] = [
            ("direction", self.direction.is_some(), &[Raw]),
            ("lead-in", self.lead_in.is_some(), &[Play]),
            ("loop", self.r#loop.is_some(), &[Play]),
            ("speed", self.speed.is_some(), &[Play]),
            ("tracks", self.tracks.is_some(), &[Play]),
            ("baud", self.baud.is_some(), &[Raw]),
            ("create", self.create.is_some(), &[Raw]),
            ("permissions", self.permissions.is_some(), &[Record, Raw]),
            ("append", self.append.is_some(), &[Raw]),
        ];
        let word = match mode {
            Play => "play",
            Record => "record",
            Raw => "raw",
        };
        for (name, given, modes) in options {
            if given && !modes.contains(&mode) {
                let help = match self.mode {
                    Some(_) => "take it out, or change the mode".to_owned(),
                    None => format!("this is \"{word}\" by the name of the file; set mode if that is wrong"),
                };
                errors.push(
                    ConfigError::at(name, format!("means nothing where mode is \"{word}\"")).help(help),
                );
            }
        }
    }

    fn number(
        &self,
        name: &str,
        value: Option<f64>,
        default: f64,
        range: std::ops::RangeInclusive<f64>,
        errors: &mut Vec<ConfigError>,
    ) -> f64 {
        let value = value.unwrap_or(default);
        if range.contains(&value) {
            return value;
        }
        let message = format!("must be {} to {}, not {value}", range.start(), range.end());
        errors.push(ConfigError::at(name, message));
        default
    }

    fn compile_tracks(&self, errors: &mut Vec<ConfigError>) -> Vec<u16> {
        let tracks = self.tracks.as_deref().unwrap_or_default();
        if self.tracks.is_some() && tracks.is_empty() {
            errors.push(
                ConfigError::at("tracks", "is empty, so nothing would play")
                    .help("list the tracks to play, counted from 1, or take it out to play all"),
            );
        }
        for (i, _) in tracks.iter().enumerate().filter(|(_, track)| **track == 0) {
            errors.push(ConfigError::at(format!("tracks[{i}]"), "tracks count from 1"));
        }
        tracks.iter().map(|track| track.saturating_sub(1)).collect()
    }

    fn compile_direction(&self, errors: &mut Vec<ConfigError>) -> Direction {
        match self.direction {
            Some(direction) => direction,
            None if self.path.starts_with("/dev/") => Direction::Both,
            None => {
                errors.push(
                    ConfigError::at("direction", "is missing")
                        .help("\"in\" to read MIDI bytes from the path, \"out\" to write them to it"),
                );
                Direction::Both
            }
        }
    }

    fn compile_baud(&self, errors: &mut Vec<ConfigError>) -> Option<u32> {
        if let Some(baud) = self.baud.filter(|baud| !(50..=4_000_000).contains(baud)) {
            errors.push(
                ConfigError::at("baud", format!("must be 50 to 4000000 bits per second, not {baud}"))
                    .help("MIDI cables carry 31250"),
            );
        }
        self.baud
    }

    fn compile_permissions(&self, errors: &mut Vec<ConfigError>) -> u32 {
        const DEFAULT: u32 = 0o640;
        let Some(text) = &self.permissions else { return DEFAULT };
        let digits = text.strip_prefix("0o").unwrap_or(text);
        let mode = match u32::from_str_radix(digits, 8) {
            Ok(mode @ 0..=0o777) if !digits.starts_with('+') => mode,
            _ => {
                errors.push(
                    ConfigError::at("permissions", format!("{text:?} is no file mode"))
                        .help("write three octal digits, as for chmod: \"0640\""),
                );
                return DEFAULT;
            }
        };
        if mode & 0o002 != 0 {
            errors.push(
                ConfigError::at("permissions", format!("{text:?} lets everybody on this machine write"))
                    .help("take the last digit down to 4 or 0, and give a group the right to write instead"),
            );
        }
        if mode & 0o600 != 0o600 {
            errors.push(
                ConfigError::at("permissions", format!("{text:?} does not let its owner read and write"))
                    .help("begin with a 6: \"0640\""),
            );
        }
        mode
    }
}
