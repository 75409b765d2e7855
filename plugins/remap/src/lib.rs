//! The `remap` processor: other channels, groups, controllers, notes and programs, by tables.

mod options;
mod tables;

use midibay_plugin::follow::{Follow, Full, Key, Runs};
use midibay_plugin::{
    CommandError, ConfigError, DropReason, Event, Host, Module, NoCommand, Node, NodeError, Out, Processor,
};
use midibay_ump::Kind;

pub use options::{Config, Others};
pub use tables::Tables;

/// This plugin.
pub fn module() -> Module {
    midibay_plugin::module!().processor::<Remap>()
}

/// What [`Runs`] keeps for a SysEx that is dropped; else it is the group.
const DROPPED: u8 = 0xFF;

/// Sends messages to other channels, groups, controllers, notes and programs, by tables. What is held
/// ends where it began, also after the tables changed.
pub struct Remap {
    tables: Box<Tables>,
    follow: Follow,
    runs: Runs,
    host: Host,
}

impl Node for Remap {
    const TYPE: &'static str = "remap";
    const ABOUT: &'static str =
        "Changes channels, groups, controllers, notes and programs into others, by tables.";
    type Config = Config;
    type Params = Box<Tables>;
    type Command = NoCommand;

    fn compile(config: Config) -> Result<Box<Tables>, Vec<ConfigError>> {
        Tables::new(&config).map(Box::new)
    }

    fn in_place(_: &Config, _: &Config) -> bool {
        true
    }

    fn new(tables: Box<Tables>, host: Host) -> Result<Self, NodeError> {
        Ok(Self { tables, follow: Follow::new(), runs: Runs::new(), host })
    }

    fn reconfigure(&mut self, tables: &mut Box<Tables>, _now: u64, _out: &mut Out) {
        // What is held stays: its end will find its way.
        std::mem::swap(&mut self.tables, tables);
    }

    fn command(&mut self, command: &mut NoCommand, _: u64, _: &mut Out) -> Result<(), CommandError> {
        match *command {}
    }

    fn source_lost(&mut self, _port: u16, source: u32, _now: u64, _out: &mut Out) {
        self.follow.source_lost(source);
        self.runs.source_lost(source);
    }
}

impl Processor for Remap {
    fn process(&mut self, events: &[Event], _now: u64, out: &mut Out) {
        for event in events {
            if let Err(Full) = self.one(event, out) {
                self.host.dropped(DropReason::Overflow, 1);
            }
        }
    }
}

impl Remap {
    #[inline]
    fn one(&mut self, event: &Event, out: &mut Out) -> Result<(), Full> {
        let ump = &event.ump;
        if ump.is_voice() {
            let Some(from) = Key::of(ump) else {
                // Program, aftertouch, pitch, RPN and NRPN.
                if let Some(ump) = self.tables.voice(ump) {
                    out.push(event.with(ump));
                }
                return Ok(());
            };
            let to = self.tables.key(from);
            return match from.is_controller() {
                true => self.follow.controller(event, to, out),
                false => self.follow.note(event, to, out),
            };
        }
        let group = match ump.kind() {
            Kind::Reset => {
                self.follow.reset(event, self.tables.group(ump.group()), out);
                return Ok(());
            }
            Kind::SysEx | Kind::Data => {
                let decide = || self.tables.group(ump.group()).unwrap_or(DROPPED);
                Some(self.runs.way(event.source, ump, decide)).filter(|group| *group != DROPPED)
            }
            // No group at all: utility and stream messages.
            Kind::Utility | Kind::Stream => Some(0),
            _ => self.tables.group(ump.group()),
        };
        if let Some(group) = group {
            out.push(event.with(ump.with_group(group)));
        }
        Ok(())
    }
}
