//! The options as flat tables.

use midibay_plugin::ConfigError;
use midibay_plugin::follow::Key;
use midibay_ump::{Kind, Ump};

use crate::options::{Config, Others, Table};

/// What each number becomes; `None` is dropped. All count from 0.
#[derive(Clone, Debug)]
pub struct Tables {
    channels: [Option<u8>; 16],
    groups: [Option<u8>; 16],
    controllers: [Option<u8>; 128],
    notes: [Option<u8>; 128],
    programs: [Option<u8>; 128],
    /// One bit a channel that is remapped.
    only_channels: u16,
}

impl Tables {
    /// The tables of these options, or all that is wrong with them. `[main]`
    pub(crate) fn new(config: &Config) -> Result<Self, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let others = config.others;
        let e = &mut errors;
        let mut controllers = table("controllers", &config.controllers, 0..=119, others, e);
        // The mode messages are commands and no controllers: they are in no table.
        for number in 120..128 {
            controllers[usize::from(number)] = Some(number);
        }
        let tables = Self {
            channels: table("channels", &config.channels, 1..=16, others, e),
            groups: table("groups", &config.groups, 1..=16, others, e),
            controllers,
            notes: table("notes", &config.notes, 0..=127, others, e),
            programs: table("programs", &config.programs, 0..=127, others, e),
            only_channels: config
                .only_channels
                .as_ref()
                .map_or(u16::MAX, |n| n.mask16("only-channels", "channel", e)),
        };
        let given = [&config.channels, &config.groups, &config.controllers, &config.notes, &config.programs];
        if given.iter().all(|table| table.is_none()) {
            let error = ConfigError::at("", "there is no table, so nothing would be remapped");
            errors.push(error.help("give at least one, such as channels = { 1 = 2 }"));
        }
        if errors.is_empty() { Ok(tables) } else { Err(errors) }
    }

    /// Where a note or controller goes. `[engine]`
    #[inline]
    pub(crate) fn key(&self, from: Key) -> Option<Key> {
        if self.only_channels >> from.channel() & 1 == 0 {
            return Some(from);
        }
        let group = self.groups[usize::from(from.group())]?;
        let channel = self.channels[usize::from(from.channel())]?;
        let number = usize::from(from.number());
        Some(match from.is_controller() {
            true => Key::controller(group, channel, self.controllers[number]?),
            false => Key::note(group, channel, self.notes[number]?),
        })
    }

    /// What becomes of a channel message that is neither about a note nor a control change. `[engine]`
    #[inline]
    pub(crate) fn voice(&self, ump: &Ump) -> Option<Ump> {
        let from = ump.channel()?;
        if self.only_channels >> from & 1 == 0 {
            return Some(*ump);
        }
        let group = self.groups[usize::from(ump.group())]?;
        let channel = self.channels[usize::from(from)]?;
        let moved = ump.with_group(group).with_channel(channel);
        if ump.kind() != Kind::ProgramChange {
            return Some(moved);
        }
        let [head, value, ..] = moved.raw();
        Some(if ump.message_type() == 4 {
            let program = self.programs[(value >> 24) as usize & 0x7F]?;
            Ump::words2(head, value & 0x00FF_FFFF | u32::from(program) << 24)
        } else {
            let program = self.programs[usize::from(ump.data1() & 0x7F)]?;
            Ump::word(head & !0x7F00 | u32::from(program) << 8)
        })
    }

    /// Where a group goes. `[engine]`
    #[inline]
    pub(crate) fn group(&self, from: u8) -> Option<u8> {
        self.groups[usize::from(from & 0xF)]
    }
}

fn table<const N: usize>(
    name: &str,
    given: &Option<Table>,
    range: std::ops::RangeInclusive<u8>,
    others: Others,
    errors: &mut Vec<ConfigError>,
) -> [Option<u8>; N] {
    let (low, high) = (*range.start(), *range.end());
    let mut table: [Option<u8>; N] = std::array::from_fn(|i| Some(i as u8));
    let Some(given) = given else { return table };
    if others == Others::Drop {
        table = [None; N];
    }
    let what = name.trim_end_matches('s');
    if given.is_empty() {
        let error = ConfigError::at(name, "the table is empty");
        errors.push(error.help(format!("write for instance {name} = {{ 1 = 2 }}, or leave it away")));
    }
    for (key, to) in given {
        let path = format!("{name}.{key}");
        let mut check = |number: Option<i64>, text: &str| {
            let number = number.and_then(|n| u8::try_from(n).ok()).filter(|n| range.contains(n));
            if number.is_none() {
                let error = ConfigError::at(&path, format!("there is no {what} {text}"));
                errors.push(error.help(match (what, text) {
                    (_, "0") => format!("a {what} counts from 1 to {high}, as on devices"),
                    ("controller", _) => format!(
                        "a {what} is from {low} to {high}; 120 to 127 are commands and stay what they are"
                    ),
                    _ => format!("a {what} is from {low} to {high}"),
                }));
            }
            number.map(|n| n - low)
        };
        let (from, to) = (check(key.trim().parse().ok(), key), check(Some(*to), &to.to_string()));
        if let (Some(from), Some(to)) = (from, to) {
            table[usize::from(from)] = Some(to);
        }
    }
    table
}
