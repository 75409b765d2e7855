//! The processor `chord`: one key plays a chord.
//!
//! What is not obvious about it are the Note Offs. They belong to the notes that were sent when the key
//! went down, whatever the options say by now; and a note that two keys share ends with the last of
//! them. So the node remembers, for each key that is down, the notes it plays (`Held`).

use midibay_plugin::schemars::JsonSchema;
use midibay_plugin::serde::Deserialize;
use midibay_plugin::ump::Kind;
use midibay_plugin::{
    CommandError, ConfigError, DropReason, Event, Host, Module, Node, NodeError, Out, Processor, Property,
    PropertyInfo, Ump,
};

/// The options, as they stand in a graph file.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "midibay_plugin::serde", rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(crate = "midibay_plugin::schemars")]
pub struct Config {
    /// The notes that a key plays, in semitones above it (below where negative), -48 to 48.
    #[serde(default = "major")]
    intervals: Vec<i8>,
}

fn major() -> Vec<i8> {
    vec![0, 4, 7]
}

/// What a running node can be told.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "midibay_plugin::serde", rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(crate = "midibay_plugin::schemars")]
pub enum Command {
    /// Moves all chords from now on; those that sound end as they began.
    Shift {
        /// By how many semitones, -24 to 24.
        semitones: i8,
    },
}

/// A key that is down, and the notes it plays: one bit a note.
struct Held {
    source: u32,
    channel: usize,
    key: u8,
    notes: u128,
}

/// More keys than this are not down at once.
const KEYS: usize = 256;

/// A node of this type.
pub struct Chord {
    host: Host,
    intervals: Vec<i8>,
    shift: i8,
    /// Has room for [`KEYS`], so that pushing takes no memory.
    held: Vec<Held>,
    keys: Property,
}

impl Node for Chord {
    const TYPE: &'static str = "chord";
    const ABOUT: &'static str = "One key plays a chord.";
    const PROPERTIES: &'static [PropertyInfo] =
        &[PropertyInfo { name: "keys", about: "How many keys are down.", unit: "" }];

    type Config = Config;
    type Params = Vec<i8>;
    type Command = Command;

    fn compile(config: Config) -> Result<Vec<i8>, Vec<ConfigError>> {
        let mut errors = Vec::new();
        if config.intervals.is_empty() {
            errors.push(ConfigError::at("intervals", "is empty").help("write for example [0, 4, 7]"));
        }
        for (at, interval) in config.intervals.iter().enumerate().filter(|(_, i)| !(-48..=48).contains(*i)) {
            let error = ConfigError::at(format!("intervals[{at}]"), format!("{interval} is too far"));
            errors.push(error.help("write -48 to 48 semitones"));
        }
        if errors.is_empty() { Ok(config.intervals) } else { Err(errors) }
    }

    fn in_place(_: &Config, _: &Config) -> bool {
        true
    }

    fn new(intervals: Vec<i8>, host: Host) -> Result<Self, NodeError> {
        let keys = host.property("keys");
        keys.set_int(0);
        Ok(Self { host, intervals, shift: 0, held: Vec::with_capacity(KEYS), keys })
    }

    /// The old intervals are left in `intervals`, to be freed on another thread.
    fn reconfigure(&mut self, intervals: &mut Vec<i8>, _now: u64, _out: &mut Out) {
        std::mem::swap(&mut self.intervals, intervals);
    }

    fn command(&mut self, command: &mut Command, _now: u64, _out: &mut Out) -> Result<(), CommandError> {
        let Command::Shift { semitones } = *command;
        if !(-24..=24).contains(&semitones) {
            return Err(CommandError::format(format_args!("{semitones} is too far; send -24 to 24")));
        }
        self.shift = semitones;
        Ok(())
    }

    /// The engine releases what the source held; here it is only forgotten.
    fn source_lost(&mut self, _port: u16, source: u32, _now: u64, _out: &mut Out) {
        self.held.retain(|held| held.source != source);
        self.keys.set_int(self.held.len() as i64);
    }
}

impl Processor for Chord {
    fn process(&mut self, events: &[Event], _now: u64, out: &mut Out) {
        for event in events {
            let ump = event.ump;
            match ump.note() {
                Some(key) if ump.is_note_on() => {
                    // A key that goes down twice ends its first chord.
                    self.end(event, key, |note| Ump::note_off(ump.group(), channel(&ump), note, 64), out);
                    self.begin(event, key, out);
                }
                Some(key) if ump.is_note_off() => self.end(event, key, |note| ump.with_note(note), out),
                Some(key) => self.each(event, key, out),
                None => {
                    if ump.kind() == Kind::ControlChange && matches!(ump.data1(), 120 | 123..=127) {
                        // The receiver ends all notes of the channel by itself.
                        let (source, channel) = (event.source, ump.channel_index());
                        self.held.retain(|held| held.source != source || held.channel != channel);
                    }
                    out.push(*event);
                }
            }
        }
        self.keys.set_int(self.held.len() as i64);
    }
}

fn channel(ump: &Ump) -> u8 {
    ump.channel().unwrap_or(0)
}

impl Chord {
    fn begin(&mut self, event: &Event, key: u8, out: &mut Out) {
        if self.held.len() == KEYS {
            // A note whose end could not be found again would hang.
            self.host.dropped(DropReason::Overflow, 1);
            return;
        }
        let mut notes = 0_u128;
        for interval in &self.intervals {
            let note = i16::from(key) + i16::from(*interval) + i16::from(self.shift);
            // What leaves the range is left out; what stands twice sounds once.
            if (0..=127).contains(&note) && notes >> note & 1 == 0 {
                notes |= 1 << note;
                out.push(event.with(event.ump.with_note(note as u8)));
            }
        }
        self.held.push(Held { source: event.source, channel: event.ump.channel_index(), key, notes });
    }

    /// Ends the chord of a key, but not the notes that another key plays too.
    fn end(&mut self, event: &Event, key: u8, off: impl Fn(u8) -> Ump, out: &mut Out) {
        let Some(at) = self.find(event, key) else { return };
        let ended = self.held.swap_remove(at);
        let mut notes = ended.notes;
        for other in self.held.iter().filter(|o| o.source == ended.source && o.channel == ended.channel) {
            notes &= !other.notes;
        }
        each_bit(notes, |note| out.push(event.with(off(note))));
    }

    /// Pressure and the like, for each note that the key plays.
    fn each(&mut self, event: &Event, key: u8, out: &mut Out) {
        if let Some(at) = self.find(event, key) {
            each_bit(self.held[at].notes, |note| out.push(event.with(event.ump.with_note(note))));
        }
    }

    fn find(&self, event: &Event, key: u8) -> Option<usize> {
        let (source, channel) = (event.source, event.ump.channel_index());
        self.held.iter().position(|h| h.source == source && h.channel == channel && h.key == key)
    }
}

fn each_bit(mut bits: u128, mut each: impl FnMut(u8)) {
    while bits != 0 {
        each(bits.trailing_zeros() as u8);
        bits &= bits - 1;
    }
}

/// The plugin: linked into a program, or loaded from the library that this crate builds.
pub fn module() -> Module {
    midibay_plugin::module!().processor::<Chord>()
}

midibay_plugin::export!(module);
