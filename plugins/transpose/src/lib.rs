//! The `transpose` processor: moves notes up or down.

mod options;

use midibay_plugin::follow::{Follow, Full, Key};
use midibay_plugin::{
    CommandError, ConfigError, DropReason, Event, Host, Module, Node, NodeError, Out, Processor, Property,
    PropertyInfo,
};
use midibay_ump::{Kind, Ump};

pub use options::{Command, Config, OutOfRange};

use options::{Params, SEMITONES};

/// This plugin.
pub fn module() -> Module {
    midibay_plugin::module!().processor::<Transpose>()
}

/// Moves notes by semitones, with what belongs to them: poly pressure and the per-note messages of
/// MIDI 2.0. The Note Off of a held note goes where its Note On went, however often the amount changes
/// in between.
pub struct Transpose {
    params: Params,
    /// What each note becomes, 0-127; `None` is dropped.
    table: [Option<u8>; 128],
    follow: Follow,
    semitones: Property,
    host: Host,
}

impl Node for Transpose {
    const TYPE: &'static str = "transpose";
    const ABOUT: &'static str = "Moves notes up or down by semitones.";
    const PROPERTIES: &'static [PropertyInfo] =
        &[PropertyInfo { name: "semitones", about: "By how much notes are moved now.", unit: "semitones" }];
    type Config = Config;
    type Params = Params;
    type Command = Command;

    fn compile(config: Config) -> Result<Params, Vec<ConfigError>> {
        Params::new(&config)
    }

    fn in_place(_: &Config, _: &Config) -> bool {
        true
    }

    fn new(params: Params, host: Host) -> Result<Self, NodeError> {
        let semitones = host.property("semitones");
        let mut node = Self { params, table: [None; 128], follow: Follow::new(), semitones, host };
        node.apply(params);
        Ok(node)
    }

    fn reconfigure(&mut self, params: &mut Params, _now: u64, _out: &mut Out) {
        self.apply(*params);
    }

    fn command(&mut self, command: &mut Command, _now: u64, _out: &mut Out) -> Result<(), CommandError> {
        let (Command::Set { semitones } | Command::Shift { semitones }) = *command;
        let wanted = match command {
            Command::Set { .. } => semitones,
            Command::Shift { .. } => semitones.saturating_add(i64::from(self.params.semitones)),
        };
        let Some(wanted) = i8::try_from(wanted).ok().filter(|n| SEMITONES.contains(&i64::from(*n))) else {
            return Err(CommandError::format(format_args!(
                "semitones must be from {} to {}, and this would be {wanted}",
                SEMITONES.start(),
                SEMITONES.end()
            )));
        };
        self.apply(Params { semitones: wanted, ..self.params });
        Ok(())
    }

    fn source_lost(&mut self, _port: u16, source: u32, _now: u64, _out: &mut Out) {
        self.follow.source_lost(source);
    }
}

impl Processor for Transpose {
    fn process(&mut self, events: &[Event], _now: u64, out: &mut Out) {
        for event in events {
            let ump = &event.ump;
            match ump.kind() {
                Kind::NoteOn
                | Kind::NoteOff
                | Kind::PolyPressure
                | Kind::PerNoteController
                | Kind::PerNotePitchBend
                | Kind::PerNoteManagement => {
                    if let Err(Full) = self.follow.note(event, self.target(ump), out) {
                        self.host.dropped(DropReason::Overflow, 1);
                    }
                }
                // Only for the mode messages, which end notes; pedals stay where they are.
                Kind::ControlChange if ump.data1() >= 120 => {
                    self.follow.mode(event, Key::of(ump), out);
                }
                Kind::Reset => self.follow.reset(event, Some(ump.group()), out),
                _ => out.push(*event),
            }
        }
    }
}

impl Transpose {
    fn apply(&mut self, params: Params) {
        self.params = params;
        self.table = params.table();
        self.semitones.set_int(i64::from(params.semitones));
    }

    /// Where the note of this message goes now.
    #[inline]
    fn target(&self, ump: &Ump) -> Option<Key> {
        let from = Key::of(ump)?;
        if self.params.channels >> from.channel() & 1 == 0 {
            return Some(from);
        }
        self.table[usize::from(from.number())].map(|note| from.with_number(note))
    }
}
