//! The endpoint `metronome`: a MIDI clock with a click, and MIDI Start and Stop to control it.
//!
//! An endpoint without a socket: all it has is time. It asks to be woken for its next beat
//! (`Out::wake_at`) and is called back (`tick`).

use midibay_plugin::schemars::JsonSchema;
use midibay_plugin::serde::Deserialize;
use midibay_plugin::ump::Kind;
use midibay_plugin::{
    CommandError, ConfigError, Endpoint, Event, Host, Module, Node, NodeError, Out, Property, PropertyInfo,
    Ready, Ump,
};

/// The options, as they stand in a graph file.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "midibay_plugin::serde", rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(crate = "midibay_plugin::schemars")]
pub struct Config {
    /// The tempo, beats per minute, 20 to 300.
    #[serde(default = "default_bpm")]
    bpm: u16,
    /// How many beats a bar has, 1 to 16; the first one clicks higher.
    #[serde(default = "default_beats")]
    beats: u8,
    /// The channel of the click, 1 to 16.
    #[serde(default = "default_channel")]
    channel: u8,
    /// Whether it runs from the start, or waits for the command `start` or a MIDI Start.
    #[serde(default = "default_running")]
    running: bool,
}

fn default_bpm() -> u16 {
    120
}

fn default_beats() -> u8 {
    4
}

fn default_channel() -> u8 {
    10
}

fn default_running() -> bool {
    true
}

/// The options, checked. The channel counts from 0.
#[derive(Clone, Copy, PartialEq)]
pub struct Params {
    bpm: u16,
    beats: u8,
    channel: u8,
    running: bool,
}

/// What a running node can be told.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "midibay_plugin::serde", rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(crate = "midibay_plugin::schemars")]
pub enum Command {
    /// Starts with the first beat of a bar.
    Start,
    /// Stops, and ends the click that sounds.
    Stop,
    /// Changes the tempo as it runs.
    Tempo {
        /// Beats per minute, 20 to 300.
        bpm: u16,
    },
}

const TEMPOS: std::ops::RangeInclusive<u16> = 20..=300;
/// MIDI clocks a beat.
const CLOCKS: u64 = 24;
/// The click ends with this clock of its beat.
const CLICK_END: u64 = 6;
/// General MIDI: high and low wood block.
const FIRST: u8 = 76;
const OTHERS: u8 = 77;
/// A clock that is due for longer than this is left out, and the beat goes on from now: the machine slept.
const TOO_LATE: u64 = 1_000_000_000;

/// A node of this type.
pub struct Metronome {
    params: Params,
    /// When clock 0 was or would have been, ns; none while it stands.
    begin: Option<u64>,
    /// The clock that is due next.
    clock: u64,
    /// The note of the click that sounds, and its channel.
    sounding: Option<(u8, u8)>,
    bpm: Property,
    running: Property,
}

impl Node for Metronome {
    const TYPE: &'static str = "metronome";
    const ABOUT: &'static str = "A MIDI clock with a click.";
    const PROPERTIES: &'static [PropertyInfo] = &[
        PropertyInfo { name: "bpm", about: "The tempo.", unit: "beats/min" },
        PropertyInfo { name: "running", about: "Whether it runs.", unit: "" },
    ];

    type Config = Config;
    type Params = Params;
    type Command = Command;

    fn compile(config: Config) -> Result<Params, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let mut check = |option: &str, value: u16, low: u16, high: u16| {
            if !(low..=high).contains(&value) {
                let error = ConfigError::at(option, format!("{value} is out of range"));
                errors.push(error.help(format!("write {low} to {high}")));
            }
        };
        check("bpm", config.bpm, *TEMPOS.start(), *TEMPOS.end());
        check("beats", config.beats.into(), 1, 16);
        check("channel", config.channel.into(), 1, 16);
        if !errors.is_empty() {
            return Err(errors);
        }
        let Config { bpm, beats, channel, running } = config;
        Ok(Params { bpm, beats, channel: channel - 1, running })
    }

    fn in_place(_: &Config, _: &Config) -> bool {
        true
    }

    fn new(params: Params, host: Host) -> Result<Self, NodeError> {
        let (bpm, running) = (host.property("bpm"), host.property("running"));
        bpm.set_int(params.bpm.into());
        running.set_bool(false);
        // Has `ready` called once everything stands, to begin there.
        host.waker().wake();
        Ok(Self { params, begin: None, clock: 0, sounding: None, bpm, running })
    }

    fn reconfigure(&mut self, params: &mut Params, now: u64, out: &mut Out) {
        self.set_tempo(params.bpm, now, out);
        let turned = params.running != self.params.running;
        self.params = *params;
        match (turned, params.running) {
            (true, true) => self.start(now, out),
            (true, false) => self.stop(now, out),
            (false, _) => {}
        }
    }

    fn command(&mut self, command: &mut Command, now: u64, out: &mut Out) -> Result<(), CommandError> {
        match *command {
            Command::Start => self.start(now, out),
            Command::Stop => self.stop(now, out),
            Command::Tempo { bpm } if TEMPOS.contains(&bpm) => self.set_tempo(bpm, now, out),
            Command::Tempo { bpm } => {
                return Err(CommandError::format(format_args!("{bpm} is no tempo; send 20 to 300")));
            }
        }
        Ok(())
    }

    fn tick(&mut self, now: u64, out: &mut Out) {
        while let Some(begin) = self.begin {
            let due = begin + self.offset(self.clock);
            if due > now {
                out.wake_at(due);
                return;
            }
            if now - due > TOO_LATE {
                self.begin = Some(begin + (now - due));
                continue;
            }
            self.beat(due, out);
            self.clock += 1;
        }
    }
}

impl Endpoint for Metronome {
    /// It has no descriptors: this is the waker of `new`.
    fn ready(&mut self, _: Ready, now: u64, out: &mut Out) {
        if self.params.running {
            self.start(now, out);
        }
    }

    /// MIDI Start, Continue and Stop control it; it has no use for anything else.
    fn send(&mut self, events: &[Event], now: u64, out: &mut Out) {
        for event in events {
            match event.ump.kind() {
                Kind::Start | Kind::Continue => self.start(now, out),
                Kind::Stop => self.stop(now, out),
                _ => {}
            }
        }
    }
}

impl Metronome {
    /// How long after clock 0 a clock comes, ns. Counted from there, so that no rounding adds up.
    fn offset(&self, clock: u64) -> u64 {
        let (clock, per_minute) = (u128::from(clock), u128::from(self.params.bpm) * u128::from(CLOCKS));
        (clock * 60_000_000_000 / per_minute) as u64
    }

    fn start(&mut self, now: u64, out: &mut Out) {
        if self.begin.is_some() {
            return;
        }
        self.begin = Some(now);
        self.clock = 0;
        self.running.set_bool(true);
        out.push(Event::new(now, Ump::system(0, 0xFA, 0, 0)));
        self.tick(now, out);
    }

    fn stop(&mut self, now: u64, out: &mut Out) {
        if self.begin.take().is_some() {
            self.end_click(now, out);
            out.push(Event::new(now, Ump::system(0, 0xFC, 0, 0)));
            self.running.set_bool(false);
        }
    }

    /// The clocks that were keep their places, and those to come go at the new tempo.
    fn set_tempo(&mut self, bpm: u16, now: u64, out: &mut Out) {
        let last = self.begin.map(|begin| begin + self.offset(self.clock.saturating_sub(1)));
        self.params.bpm = bpm;
        self.bpm.set_int(bpm.into());
        if let Some(last) = last {
            // Before 0 only where the clock has hardly begun: then clock 0 is at hand anyway.
            self.begin = Some(last.saturating_sub(self.offset(self.clock.saturating_sub(1))));
            self.tick(now, out);
        }
    }

    fn beat(&mut self, due: u64, out: &mut Out) {
        out.push(Event::new(due, Ump::system(0, 0xF8, 0, 0)));
        match self.clock % CLOCKS {
            0 => {
                self.end_click(due, out);
                let is_first = (self.clock / CLOCKS).is_multiple_of(u64::from(self.params.beats));
                let (channel, note) = (self.params.channel, if is_first { FIRST } else { OTHERS });
                self.sounding = Some((channel, note));
                out.push(Event::new(due, Ump::note_on(0, channel, note, if is_first { 127 } else { 90 })));
            }
            CLICK_END => self.end_click(due, out),
            _ => {}
        }
    }

    fn end_click(&mut self, at: u64, out: &mut Out) {
        if let Some((channel, note)) = self.sounding.take() {
            out.push(Event::new(at, Ump::note_off(0, channel, note, 64)));
        }
    }
}

/// The plugin: linked into a program, or loaded from the library that this crate builds.
pub fn module() -> Module {
    midibay_plugin::module!().endpoint::<Metronome>()
}

midibay_plugin::export!(module);
