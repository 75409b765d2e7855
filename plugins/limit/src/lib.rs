//! The processor `limit`: thins continuous controllers to a rate, so that a slow cable or a slow
//! device behind it keeps up, and always delivers the last value.

mod config;
mod control;
mod window;

use midibay_plugin::{
    CommandError, ConfigError, Event, Host, Module, NoCommand, Node, NodeError, Out, Processor, Property,
    PropertyInfo,
};

pub use config::{LimitConfig, LimitParams, Thinned};
use control::Role;
use window::Window;

/// The node type `limit`.
pub struct Limit {
    params: LimitParams,
    window: Window,
    thinned: Property,
    shown: u64,
}

impl Limit {
    /// Says how much was thinned and asks to be woken for what waits. [engine]
    fn settle(&mut self, out: &mut Out) {
        if self.shown != self.window.thinned() {
            self.shown = self.window.thinned();
            self.thinned.set_int(self.shown as i64);
        }
        if let Some(due) = self.window.due(self.params.interval) {
            out.wake_at(due);
        }
    }
}

impl Node for Limit {
    const TYPE: &'static str = "limit";
    const ABOUT: &'static str =
        "Thins continuous controllers to a rate per control and always delivers the last value.";
    const PROPERTIES: &'static [PropertyInfo] = &[PropertyInfo {
        name: "thinned",
        about: "Values left out since the start because a newer one of the same control took their place.",
        unit: "events",
    }];

    type Config = LimitConfig;
    type Params = LimitParams;
    type Command = NoCommand;

    fn compile(config: LimitConfig) -> Result<LimitParams, Vec<ConfigError>> {
        config.compile()
    }

    fn in_place(_: &LimitConfig, _: &LimitConfig) -> bool {
        true
    }

    fn new(params: LimitParams, host: Host) -> Result<Self, NodeError> {
        let thinned = host.property("thinned");
        thinned.set_int(0);
        Ok(Self { params, window: Window::new(), thinned, shown: 0 })
    }

    fn reconfigure(&mut self, params: &mut LimitParams, now: u64, out: &mut Out) {
        // What waits may be of a kind that is not thinned any more, so nothing waits across the change.
        self.window.flush_all(now, out);
        std::mem::swap(&mut self.params, params);
        self.settle(out);
    }

    fn command(&mut self, command: &mut NoCommand, _: u64, _: &mut Out) -> Result<(), CommandError> {
        match *command {}
    }

    fn tick(&mut self, now: u64, out: &mut Out) {
        self.window.run(now, self.params.interval, out);
        self.settle(out);
    }

    fn source_lost(&mut self, _: u16, source: u32, now: u64, out: &mut Out) {
        self.window.flush_source(source, now, out);
        self.settle(out);
    }
}

impl Processor for Limit {
    fn process(&mut self, events: &[Event], now: u64, out: &mut Out) {
        self.window.run(now, self.params.interval, out);
        for event in events {
            match self.params.role(&event.ump) {
                Role::Thinned(key) => self.window.offer(*event, key, now, out),
                Role::Channel(channel) => {
                    self.window.flush_channel(channel, now, out);
                    out.push(*event);
                }
                Role::Group(group) => {
                    self.window.flush_group(group, now, out);
                    out.push(*event);
                }
                Role::Free => out.push(*event),
            }
        }
        self.settle(out);
    }
}

/// The plugin with this node type.
pub fn module() -> Module {
    midibay_plugin::module!().processor::<Limit>()
}
