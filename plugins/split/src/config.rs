//! The options of a `split` node.

use midibay_plugin::{ConfigError, Numbers};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::zones::{SplitParams, Zone, ZoneSet};

/// How many zones a node can have: a set of them is one machine word.
pub(crate) const MAX_ZONES: usize = 64;

/// Which zones something goes to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected \"all\", \"none\" or a list of zone names")]
pub enum Targets {
    /// All or none.
    Word(Word),
    /// The zones of these names.
    Named(Vec<String>),
}

/// All zones or none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// Every zone.
    All,
    /// No zone.
    None,
}

/// One zone.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ZoneConfig {
    /// The zone's name, which is also the name of its output port.
    pub(crate) name: String,
    /// Keys that the zone plays, as they come in: a note 0 to 127 (middle C is 60), a range "36..51", or
    /// a list of such. All if left out.
    notes: Option<Numbers>,
    /// Velocities that the zone plays, 1 to 127 (7-bit; MIDI 2.0 velocities count by their upper seven
    /// bits): a number, a range "64..127", or a list of such. All if left out.
    velocities: Option<Numbers>,
    /// Semitones by which the zone's notes are moved, -127 to 127. A key that would leave 0 to 127 is
    /// silent in this zone.
    #[serde(default)]
    transpose: i16,
    /// The channel (1 to 16) on which the zone sends; without it events keep theirs.
    channel: Option<u8>,
}

/// The options of a `split` node.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SplitConfig {
    /// The zones, 1 to 64. They may overlap: an event goes to every zone that it fits.
    pub(crate) zone: Vec<ZoneConfig>,
    /// Where controllers, pedals, bend, pressure and programs go: "all", "none" or a list of zones.
    #[serde(default = "all")]
    controllers: Targets,
    /// Where messages without a channel go (clock, transport, SysEx): "all", "none" or a list of zones.
    /// Where several zones lead to one device, name one of them, or the device hears its clock twice.
    #[serde(default = "all")]
    system: Targets,
}

fn all() -> Targets {
    Targets::Word(Word::All)
}

impl SplitConfig {
    /// Checks the options. [main]
    pub(crate) fn compile(self) -> Result<SplitParams, Vec<ConfigError>> {
        let mut errors = Vec::new();
        if self.zone.is_empty() || self.zone.len() > MAX_ZONES {
            errors.push(
                ConfigError::at(
                    "zone",
                    format!("a split has 1 to {MAX_ZONES} zones, not {}", self.zone.len()),
                )
                .help("add a zone: [[node.NAME.zone]] with name = \"bass\" and notes = \"0..59\""),
            );
            return Err(errors);
        }
        let names: Vec<String> = self.zone.iter().map(|z| z.name.clone()).collect();
        let (mut zones, mut velocities) = (Vec::new(), Vec::new());
        for (i, zone) in self.zone.iter().enumerate() {
            check_name(&names, i, &mut errors);
            let at = |option: &str| format!("zone[{i}].{option}");
            let bits = |numbers: &Option<Numbers>, option, what, least, errors: &mut Vec<_>| match numbers {
                Some(numbers) => numbers.bits(&at(option), what, least..=127, errors),
                None => u128::MAX,
            };
            let notes = bits(&zone.notes, "notes", "note", 0, &mut errors);
            velocities.push(bits(&zone.velocities, "velocities", "velocity", 1, &mut errors));
            if !(-127..=127).contains(&zone.transpose) {
                errors.push(
                    ConfigError::at(at("transpose"), format!("no note can move by {}", zone.transpose))
                        .help("write -127 to 127 semitones; an octave is 12"),
                );
            }
            if let Some(channel) = zone.channel.filter(|c| !(1..=16).contains(c)) {
                errors.push(
                    ConfigError::at(at("channel"), format!("there is no channel {channel}"))
                        .help("channels count from 1 to 16 here, as on devices"),
                );
            }
            let channel = zone.channel.map(|c| c.wrapping_sub(1) & 0xF);
            zones.push(Zone { notes, transpose: zone.transpose, channel });
        }
        let controllers = targets(&self.controllers, &names, "controllers", &mut errors);
        let system = targets(&self.system, &names, "system", &mut errors);
        if errors.is_empty() {
            Ok(SplitParams::new(names, zones, &velocities, controllers, system))
        } else {
            Err(errors)
        }
    }
}

fn check_name(names: &[String], i: usize, errors: &mut Vec<ConfigError>) {
    let (name, at) = (&names[i], format!("zone[{i}].name"));
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(fits) {
        errors.push(
            ConfigError::at(at, format!("\"{name}\" cannot name a port"))
                .help("use letters, digits, - and _: a route reaches the zone as node:name"),
        );
    } else if let Some(first) = names[..i].iter().position(|n| n == name) {
        errors.push(
            ConfigError::at(at, format!("\"{name}\" is the name of zone {} already", first + 1))
                .help("give each zone a name of its own; routes may lead several zones to one device"),
        );
    }
}

fn targets(targets: &Targets, names: &[String], at: &str, errors: &mut Vec<ConfigError>) -> ZoneSet {
    match targets {
        Targets::Word(Word::All) => ZoneSet::first(names.len()),
        Targets::Word(Word::None) => ZoneSet::default(),
        Targets::Named(wanted) => {
            let mut set = ZoneSet::default();
            for (i, name) in wanted.iter().enumerate() {
                match names.iter().position(|n| n == name) {
                    Some(zone) => set.add(zone as u8),
                    None => errors.push(
                        ConfigError::at(format!("{at}[{i}]"), format!("there is no zone \"{name}\""))
                            .help(format!("the zones are {}", names.join(", "))),
                    ),
                }
            }
            set
        }
    }
}
