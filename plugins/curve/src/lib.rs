//! The `curve` processor: bends how values answer.

mod options;
mod shape;
mod table;
mod targets;

use midibay_plugin::{
    CommandError, ConfigError, Event, Host, Module, NoCommand, Node, NodeError, Out, Processor,
};
use midibay_ump::{Kind, PEDALS, Ump};

pub use options::{Config, Shape};
pub use targets::{Target, Targets};

use options::Params;
use table::Table;
use targets::Picked;

/// This plugin.
pub fn module() -> Module {
    midibay_plugin::module!().processor::<Curve>()
}

/// Bends how values answer: velocity, controllers, pressures and pitch bend. All in tables made
/// beforehand; a message stays in its protocol and keeps its resolution.
pub struct Curve {
    params: Box<Params>,
}

impl Node for Curve {
    const TYPE: &'static str = "curve";
    const ABOUT: &'static str =
        "Bends how velocity, controllers, pressures and pitch bend answer, by a curve.";
    type Config = Config;
    type Params = Box<Params>;
    type Command = NoCommand;

    fn compile(config: Config) -> Result<Box<Params>, Vec<ConfigError>> {
        Params::new(&config).map(Box::new)
    }

    fn in_place(_: &Config, _: &Config) -> bool {
        true
    }

    fn new(params: Box<Params>, _host: Host) -> Result<Self, NodeError> {
        Ok(Self { params })
    }

    fn reconfigure(&mut self, params: &mut Box<Params>, _now: u64, _out: &mut Out) {
        std::mem::swap(&mut self.params, params);
    }

    fn command(&mut self, command: &mut NoCommand, _: u64, _: &mut Out) -> Result<(), CommandError> {
        match *command {}
    }
}

impl Processor for Curve {
    fn process(&mut self, events: &[Event], _now: u64, out: &mut Out) {
        for event in events {
            out.push(event.with(self.params.bend(&event.ump)));
        }
    }
}

impl Params {
    /// The message with its value by the curve, if the options pick it. `[engine]`
    #[inline]
    fn bend(&self, ump: &Ump) -> Ump {
        let Some(channel) = ump.channel() else { return *ump };
        if self.channels >> channel & 1 == 0 {
            return *ump;
        }
        let picked = &self.picked;
        match (ump.message_type(), ump.kind()) {
            (2, Kind::NoteOn) if picked.velocity => with_data2(ump, self.table.note(ump.data2())),
            (4, Kind::NoteOn) if picked.velocity => with_velocity16(ump, &self.table),
            // A Note On of velocity 0 ends a note and says nothing about how fast.
            (2, Kind::NoteOff) if picked.release_velocity && ump.status() == 0x8 => {
                with_data2(ump, self.table.seven(ump.data2()))
            }
            (4, Kind::NoteOff) if picked.release_velocity => with_velocity16(ump, &self.table),
            (2, Kind::PolyPressure) if picked.pressure => with_data2(ump, self.table.seven(ump.data2())),
            (4, Kind::PolyPressure) if picked.pressure => with_value(ump, |v| self.table.fine(v)),
            (2, Kind::ChannelPressure) if picked.aftertouch => with_data1(ump, self.table.seven(ump.data1())),
            (4, Kind::ChannelPressure) if picked.aftertouch => with_value(ump, |v| self.table.fine(v)),
            (2, Kind::PitchBend) if picked.pitch => {
                let value = u16::from(ump.data1() & 0x7F) | u16::from(ump.data2() & 0x7F) << 7;
                let value = self.table.bend14(value);
                with_data2(&with_data1(ump, value as u8 & 0x7F), (value >> 7) as u8)
            }
            (4, Kind::PitchBend) if picked.pitch => with_value(ump, |v| self.table.bend32(v)),
            (2, Kind::ControlChange) if self.bends(picked, ump, ump.data2() & 0x7F == 0) => {
                with_data2(ump, self.table.seven(ump.data2()))
            }
            (4, Kind::ControlChange) if self.bends(picked, ump, ump.raw()[1] == 0) => {
                with_value(ump, |v| self.table.fine(v))
            }
            _ => *ump,
        }
    }

    /// Whether a control change goes through the curve. A pedal that comes up comes up, whatever the
    /// curve makes of 0.
    #[inline]
    fn bends(&self, picked: &Picked, ump: &Ump, zero: bool) -> bool {
        let controller = ump.data1() & 0x7F;
        picked.controllers >> controller & 1 != 0 && !(zero && PEDALS.contains(&controller))
    }
}

#[inline]
const fn with_data1(ump: &Ump, value: u8) -> Ump {
    Ump::word(ump.head() & !0xFF00 | (value as u32) << 8)
}

#[inline]
const fn with_data2(ump: &Ump, value: u8) -> Ump {
    Ump::word(ump.head() & !0xFF | value as u32)
}

#[inline]
fn with_value(ump: &Ump, curve: impl FnOnce(u32) -> u32) -> Ump {
    Ump::words2(ump.head(), curve(ump.raw()[1]))
}

/// The upper half of the second word is the velocity, the lower an attribute.
#[inline]
fn with_velocity16(ump: &Ump, table: &Table) -> Ump {
    with_value(ump, |value| u32::from(table.sixteen((value >> 16) as u16)) << 16 | value & 0xFFFF)
}
