//! The options as something to hold a message against.

use midibay_plugin::ConfigError;
use midibay_ump::{Kind, KindSet, Ump};

use crate::options::Config;

/// The parameter that a MIDI 1.0 control change belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Parameter {
    /// None, or it is not known which.
    None,
    /// An RPN.
    Registered,
    /// An NRPN.
    Assignable,
}

/// How many channels there are over all groups.
pub(crate) const PARAMETERS: usize = 256;

/// The conditions of a filter, as bits.
#[derive(Clone, Debug)]
pub struct Test {
    /// Whether `keep` or `drop` was given: a condition on every message.
    by_kind: bool,
    keep: KindSet,
    drop: KindSet,
    channels: Option<u16>,
    groups: Option<u16>,
    notes: Option<u128>,
    velocities: Option<u128>,
    controllers: Option<u128>,
    invert: bool,
}

impl Test {
    /// The conditions of these options.
    pub(crate) fn new(config: &Config) -> Result<Self, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let e = &mut errors;
        let test = Self {
            by_kind: config.keep.is_some() || config.drop.is_some(),
            keep: config.keep.as_ref().map_or(KindSet::ALL, |kinds| kinds.set("keep", e)),
            drop: config.drop.as_ref().map_or(KindSet::EMPTY, |kinds| kinds.set("drop", e)),
            channels: config.channels.as_ref().map(|n| n.mask16("channels", "channel", e)),
            groups: config.groups.as_ref().map(|n| n.mask16("groups", "group", e)),
            notes: config.notes.as_ref().map(|n| n.bits("notes", "note", 0..=127, e)),
            velocities: config.velocities.as_ref().map(|n| n.bits("velocities", "velocity", 1..=127, e)),
            controllers: config.controllers.as_ref().map(|n| n.bits("controllers", "controller", 0..=127, e)),
            invert: config.invert,
        };
        let conditions = test.by_kind
            || test.channels.is_some()
            || test.groups.is_some()
            || test.notes.is_some()
            || test.velocities.is_some()
            || test.controllers.is_some();
        if test.invert && !conditions {
            let error = ConfigError::at("invert", "there is no condition to turn round");
            errors.push(error.help("say what to drop, such as channels = [10], or leave `invert` away"));
        }
        if errors.is_empty() { Ok(test) } else { Err(errors) }
    }

    /// Whether a message passes. `kind` is its own; `parameter` is what it is a part of. `[engine]`
    #[inline]
    pub(crate) fn passes(&self, ump: &Ump, kind: Kind, parameter: Parameter) -> bool {
        let mut about = self.by_kind;
        let mut meets = true;
        if self.by_kind {
            let part_of = match parameter {
                Parameter::None => kind,
                Parameter::Registered => Kind::Rpn,
                Parameter::Assignable => Kind::Nrpn,
            };
            meets = (self.keep.contains(kind) || self.keep.contains(part_of))
                && !self.drop.contains(kind)
                && !self.drop.contains(part_of);
        }
        if let (Some(channels), Some(channel)) = (self.channels, ump.channel()) {
            about = true;
            meets &= channels >> channel & 1 != 0;
        }
        if let (Some(groups), 0x1..=0xE) = (self.groups, ump.message_type()) {
            about = true;
            meets &= groups >> ump.group() & 1 != 0;
        }
        if let (Some(notes), Some(note)) = (self.notes, ump.note()) {
            about = true;
            meets &= notes >> note & 1 != 0;
        }
        if let (Some(controllers), Kind::ControlChange) = (self.controllers, kind) {
            about = true;
            meets &= controllers >> (ump.data1() & 0x7F) & 1 != 0;
        }
        if let (Some(velocities), Kind::NoteOn) = (self.velocities, kind) {
            about = true;
            meets &= velocities >> velocity7(ump) & 1 != 0;
        }
        !about || meets != self.invert
    }
}

/// The velocity of a Note On, 1-127: a MIDI 2.0 one as it would be in MIDI 1.0.
#[inline]
fn velocity7(ump: &Ump) -> u8 {
    if ump.message_type() == 2 { ump.data2() & 0x7F } else { ((ump.raw()[1] >> 25) as u8).max(1) }
}
