//! The `filter` processor: lets some messages pass.

mod options;
mod test;

use midibay_plugin::follow::{Follow, Full, Key, Runs};
use midibay_plugin::{
    CommandError, ConfigError, DropReason, Event, Host, Module, NoCommand, Node, NodeError, Out, Processor,
};
use midibay_ump::{Kind, Ump};

pub use options::{Config, KindName, Kinds};

use test::{PARAMETERS, Parameter, Test};

/// This plugin.
pub fn module() -> Module {
    midibay_plugin::module!().processor::<Filter>()
}

/// Lets some messages pass: by channel, group, kind, note, velocity and controller.
///
/// Whether a Note Off passes is decided by its Note On, so that nothing hangs, also after a change of
/// options; the same for pedals, and for the packets of one SysEx.
pub struct Filter {
    test: Box<Test>,
    follow: Follow,
    runs: Runs,
    /// For each `group << 4 | channel`, the parameter that MIDI 1.0 controllers 98-101 have selected.
    parameters: [Parameter; PARAMETERS],
    host: Host,
}

impl Node for Filter {
    const TYPE: &'static str = "filter";
    const ABOUT: &'static str =
        "Lets some messages pass: by channel, group, kind, note, velocity and controller.";
    type Config = Config;
    type Params = Box<Test>;
    type Command = NoCommand;

    fn compile(config: Config) -> Result<Box<Test>, Vec<ConfigError>> {
        Test::new(&config).map(Box::new)
    }

    fn in_place(_: &Config, _: &Config) -> bool {
        true
    }

    fn new(test: Box<Test>, host: Host) -> Result<Self, NodeError> {
        Ok(Self {
            test,
            follow: Follow::new(),
            runs: Runs::new(),
            parameters: [Parameter::None; PARAMETERS],
            host,
        })
    }

    fn reconfigure(&mut self, test: &mut Box<Test>, _now: u64, _out: &mut Out) {
        // What is held stays: its end will pass.
        std::mem::swap(&mut self.test, test);
    }

    fn command(&mut self, command: &mut NoCommand, _: u64, _: &mut Out) -> Result<(), CommandError> {
        match *command {}
    }

    fn source_lost(&mut self, _port: u16, source: u32, _now: u64, _out: &mut Out) {
        self.follow.source_lost(source);
        self.runs.source_lost(source);
    }
}

impl Processor for Filter {
    fn process(&mut self, events: &[Event], _now: u64, out: &mut Out) {
        for event in events {
            self.one(event, out);
        }
    }
}

impl Filter {
    #[inline]
    fn one(&mut self, event: &Event, out: &mut Out) {
        let ump = &event.ump;
        let kind = ump.kind();
        let done = match kind {
            Kind::NoteOn | Kind::NoteOff => {
                let to = if self.test.passes(ump, kind, Parameter::None) { Key::of(ump) } else { None };
                self.follow.note(event, to, out)
            }
            Kind::ControlChange => {
                let parameter = self.parameter(ump);
                let to = if self.test.passes(ump, kind, parameter) { Key::of(ump) } else { None };
                self.follow.controller(event, to, out)
            }
            Kind::SysEx | Kind::Data => {
                let test = &self.test;
                let decide = || u8::from(test.passes(ump, kind, Parameter::None));
                if self.runs.way(event.source, ump, decide) != 0 {
                    out.push(*event);
                }
                Ok(())
            }
            Kind::Reset => {
                let passes = self.test.passes(ump, kind, Parameter::None);
                self.follow.reset(event, passes.then_some(ump.group()), out);
                Ok(())
            }
            _ => {
                // What belongs to a note that was dropped is dropped with it.
                let orphan = ump.note().is_some()
                    && Key::of(ump).is_some_and(|key| self.follow.way(event.source, key) == Some(None));
                if !orphan && self.test.passes(ump, kind, Parameter::None) {
                    out.push(*event);
                }
                Ok(())
            }
        };
        if let Err(Full) = done {
            self.host.dropped(DropReason::Overflow, 1);
        }
    }

    /// Which parameter message of MIDI 1.0 a control change is part of, if it is. MIDI 2.0 has
    /// messages of their own for them.
    #[inline]
    fn parameter(&mut self, ump: &Ump) -> Parameter {
        if ump.message_type() != 2 {
            return Parameter::None;
        }
        let selected = &mut self.parameters[ump.channel_index()];
        match ump.data1() {
            98 | 99 => *selected = Parameter::Assignable,
            100 | 101 => *selected = Parameter::Registered,
            6 | 38 | 96 | 97 => {}
            _ => return Parameter::None,
        }
        *selected
    }
}
