//! The processor `split`: key and velocity zones and layers, each with an output port of its own.

mod config;
mod zones;

use midibay_plugin::follow::{Follow, Full, Key};
use midibay_plugin::ump::Kind;
use midibay_plugin::{
    CommandError, ConfigError, DropReason, Event, Host, Module, NoCommand, Node, NodeError, Out, Ports,
    Processor,
};

pub use config::{SplitConfig, Targets, Word, ZoneConfig};
pub use zones::SplitParams;

/// The node type `split`.
pub struct Split {
    params: SplitParams,
    /// What is held in each zone: it ends where it started, whatever the options say by then.
    follow: Vec<Follow>,
    host: Host,
}

impl Split {
    fn zones(&mut self) -> impl Iterator<Item = (u8, &mut Follow)> {
        (0..).zip(&mut self.follow)
    }

    /// Notes and what is about one note. Each zone hears of all of them, the silent ones too, so that
    /// a Note Off ends what its Note On started and nothing else.
    fn note(&mut self, event: &Event, key: Key, out: &mut Out) {
        let fits = if event.ump.is_note_on() {
            self.params.struck(key.number(), &event.ump)
        } else {
            self.params.keyed(key.number())
        };
        for zone in 0..self.follow.len() as u8 {
            let to = fits.has(zone).then(|| self.params.note_in(zone, key));
            let done = self.follow[usize::from(zone)].note(&event.at_port(zone.into()), to, out);
            if to.is_some() {
                self.count(done);
            }
        }
    }

    /// Pedals and mode messages matter to what is held, so each zone hears of them, the ones that get
    /// no controllers too.
    fn controller(&mut self, event: &Event, key: Key, out: &mut Out) {
        for zone in 0..self.follow.len() as u8 {
            let to = self.params.controller_in(zone, key);
            let done = self.follow[usize::from(zone)].controller(&event.at_port(zone.into()), to, out);
            self.count(done);
        }
    }

    fn reset(&mut self, event: &Event, out: &mut Out) {
        let system = self.params.system();
        for (zone, follow) in self.zones() {
            let to = system.has(zone).then_some(event.ump.group());
            follow.reset(&event.at_port(zone.into()), to, out);
        }
    }

    fn count(&self, done: Result<(), Full>) {
        if done.is_err() {
            self.host.dropped(DropReason::Overflow, 1);
        }
    }
}

impl Node for Split {
    const TYPE: &'static str = "split";
    const ABOUT: &'static str =
        "Sends notes to zones by key and velocity, each zone with its own output port.";

    type Config = SplitConfig;
    type Params = SplitParams;
    type Command = NoCommand;

    fn compile(config: SplitConfig) -> Result<SplitParams, Vec<ConfigError>> {
        config.compile()
    }

    fn ports(params: &SplitParams) -> Ports {
        Ports::named([""], params.names().iter().map(String::as_str))
    }

    fn in_place(old: &SplitConfig, new: &SplitConfig) -> bool {
        old.zone.iter().map(|z| &z.name).eq(new.zone.iter().map(|z| &z.name))
    }

    fn new(params: SplitParams, host: Host) -> Result<Self, NodeError> {
        let follow = params.names().iter().map(|_| Follow::new()).collect();
        Ok(Self { params, follow, host })
    }

    fn reconfigure(&mut self, params: &mut SplitParams, _: u64, _: &mut Out) {
        std::mem::swap(&mut self.params, params);
    }

    fn command(&mut self, command: &mut NoCommand, _: u64, _: &mut Out) -> Result<(), CommandError> {
        match *command {}
    }

    fn source_lost(&mut self, _: u16, source: u32, _: u64, _: &mut Out) {
        for (_, follow) in self.zones() {
            follow.source_lost(source);
        }
    }
}

impl Processor for Split {
    fn process(&mut self, events: &[Event], _: u64, out: &mut Out) {
        for event in events {
            let ump = &event.ump;
            match Key::of(ump) {
                Some(key) if key.is_controller() => self.controller(event, key, out),
                Some(key) => self.note(event, key, out),
                None if ump.is_voice() => {
                    for zone in self.params.controlled() {
                        let ump = ump.with_channel(self.params.channel_in(zone, ump));
                        out.push(event.with(ump).at_port(zone.into()));
                    }
                }
                None if ump.kind() == Kind::Reset => self.reset(event, out),
                None => {
                    for zone in self.params.system() {
                        out.push(event.at_port(zone.into()));
                    }
                }
            }
        }
    }
}

/// The plugin with this node type.
pub fn module() -> Module {
    midibay_plugin::module!().processor::<Split>()
}
