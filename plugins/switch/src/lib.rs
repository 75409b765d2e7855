//! The processor `switch`: several inputs, one of which is active. It changes by command, when another
//! input plays, or when a source is lost, and then leaves nothing behind of the old input: what it held
//! is released, and controllers, programs and bend go to where the new one has them.

mod config;
mod input;
mod output;

use midibay_plugin::follow::{Key, Runs};
use midibay_plugin::{
    CommandError, ConfigError, DropReason, Event, Health, Host, Module, Node, NodeError, Out, Ports,
    Processor, Property, PropertyInfo, Ump,
};
use schemars::JsonSchema;
use serde::Deserialize;

pub use config::{Auto, Cause, HeldNotes, Off, SwitchBack, SwitchConfig, SwitchParams};
use input::{Input, is_played};
use output::Output;

/// The commands of a `switch` node.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// Makes an input the active one.
    Select {
        /// The input's name.
        input: String,
    },
    /// Makes the next input the active one, in the order of `inputs`, and after the last the first. Where
    /// loss is watched, lost inputs are left out.
    Next,
    /// Suspends the changes that the switch makes by itself, or lets them happen again.
    Auto {
        /// Whether it may.
        on: bool,
    },
}

/// Why the active input is the active one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    Start,
    Command,
    Activity,
    Loss,
    Return,
}

impl Reason {
    const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Command => "command",
            Self::Activity => "activity",
            Self::Loss => "loss",
            Self::Return => "return",
        }
    }
}

/// The node type `switch`.
pub struct Switch {
    params: SwitchParams,
    inputs: Vec<Input>,
    output: Output,
    /// Which SysEx that have begun pass.
    runs: Runs,
    active: usize,
    /// The input that somebody chose, by command or by playing: where a switch back leads.
    home: usize,
    /// Why the active input became active.
    reason: Reason,
    /// When it last changed, ns.
    changed: Option<u64>,
    switches: i64,
    /// Not suspended by command.
    auto: bool,
    /// The health says that the active input is lost.
    degraded: bool,
    host: Host,
    properties: Properties,
}

struct Properties {
    active: Property,
    switches: Property,
    last_reason: Property,
    auto: Property,
}

impl Switch {
    /// Publishes what a change changed. [engine]
    fn publish(&self) {
        self.properties.active.set_text(&self.params.names[self.active]);
        self.properties.switches.set_int(self.switches);
        self.properties.last_reason.set_text(self.reason.name());
        self.properties.auto.set_bool(self.auto);
    }

    /// Makes another input active. `like` gives what is sent its time and place. [engine]
    fn change(&mut self, to: usize, reason: Reason, like: &Event, now: u64, out: &mut Out) {
        let from = std::mem::replace(&mut self.active, to);
        let (old, new) = match self.inputs.get_disjoint_mut([from, to]) {
            Ok([old, new]) => (old, new),
            // The active input again: nothing changes.
            Err(_) => return,
        };
        self.output.release(like, out, |key| {
            old.silent.apply(&Ump::note_on(key.group(), key.channel(), key.number(), 1));
        });
        let like = Event { source: new.source, ..*like };
        let (silent, retrigger) = (&mut new.silent, self.params.retrigger);
        self.output.reconcile(&new.state, &like, out, |key: Key| {
            if retrigger {
                silent.apply(&Ump::note_off(key.group(), key.channel(), key.number(), 64));
            }
            retrigger
        });
        new.played = Some(now);
        if matches!(reason, Reason::Command | Reason::Activity) {
            self.home = to;
        }
        self.reason = reason;
        self.changed = Some(now);
        self.switches += 1;
        self.publish();
    }

    /// The time from which the switch may change by itself.
    fn unlocked(&self) -> u64 {
        self.changed.map_or(0, |changed| changed.saturating_add(self.params.lockout))
    }

    /// Another input plays: does it take over?
    fn takes_over(&self, input: usize, now: u64) -> bool {
        let silent = match self.inputs[self.active].played {
            Some(played) => now.saturating_sub(played) >= self.params.idle,
            None => true,
        };
        input != self.active && self.auto && self.params.activity && silent && now >= self.unlocked()
    }

    /// Goes away from a lost input, and back when it has returned, as far as the options say so. [engine]
    fn look_after_losses(&mut self, like: &Event, now: u64, out: &mut Out) {
        if self.auto && self.params.loss {
            let there = |input: &usize| !self.inputs[*input].lost;
            let best = Some(self.home).filter(there).or_else(|| (0..self.inputs.len()).find(there));
            let reason = if self.inputs[self.active].lost { Reason::Loss } else { Reason::Return };
            let back = self.params.switch_back && matches!(self.reason, Reason::Loss | Reason::Return);
            if let Some(best) = best.filter(|best| *best != self.active)
                && (reason == Reason::Loss || back)
            {
                if now >= self.unlocked() {
                    self.change(best, reason, like, now, out);
                } else {
                    out.wake_at(self.unlocked());
                }
            }
        }
        let lost = self.inputs[self.active].lost;
        if lost != std::mem::replace(&mut self.degraded, lost) {
            if lost {
                self.host.health(
                    Health::Degraded,
                    "the active input is lost; look after its device, or select another input",
                );
            } else {
                self.host.health(Health::Ok, "");
            }
        }
    }

    fn event(&mut self, event: &Event, now: u64, out: &mut Out) {
        let at = usize::from(event.port);
        let Some(input) = self.inputs.get_mut(at) else { return };
        let was_lost = input.lost;
        input.hear(event);
        if was_lost {
            self.look_after_losses(event, now, out);
        }
        let ump = &event.ump;
        if is_played(ump) {
            if self.takes_over(at, now) {
                self.change(at, Reason::Activity, event, now, out);
                self.look_after_losses(event, now, out);
            }
            self.inputs[at].played = Some(now);
        }
        let active = at == self.active;
        let input = &mut self.inputs[at];
        input.state.apply(ump);
        let passes = match ump.message_type() {
            // One that has begun ends, so that no receiver waits for the rest.
            3 | 5 => self.runs.way(event.source, ump, || u8::from(active)) != 0,
            _ => active,
        };
        if !passes {
            input.silent.apply(ump);
            return;
        }
        if ump.is_note_off() && input.silent.holds(ump.group(), ump.channel_index() as u8, ump.data1()) {
            input.silent.apply(ump);
            return;
        }
        if ump.is_note_on() {
            input.silent.apply(&Ump::note_off(ump.group(), ump.channel_index() as u8, ump.data1(), 64));
        } else {
            // After a mode message or System Reset nothing is down there any more.
            input.silent.apply(ump);
        }
        if !self.output.send(event, out) {
            input.silent.apply(ump);
            self.host.dropped(DropReason::Overflow, 1);
        }
    }
}

impl Node for Switch {
    const TYPE: &'static str = "switch";
    const ABOUT: &'static str =
        "Passes one of several inputs, by command, by activity or by loss of a source.";
    const PROPERTIES: &'static [PropertyInfo] = &[
        PropertyInfo { name: "active", about: "The name of the active input.", unit: "" },
        PropertyInfo { name: "switches", about: "How often it has changed since the start.", unit: "" },
        PropertyInfo {
            name: "last-reason",
            about: "Why the active input is active: start, command, activity, loss, or return.",
            unit: "",
        },
        PropertyInfo { name: "auto", about: "Whether it may change by itself (command `auto`).", unit: "" },
    ];

    type Config = SwitchConfig;
    type Params = SwitchParams;
    type Command = Command;

    fn compile(config: SwitchConfig) -> Result<SwitchParams, Vec<ConfigError>> {
        config.compile()
    }

    fn ports(params: &SwitchParams) -> Ports {
        Ports::named(params.names.iter().map(String::as_str), [""])
    }

    fn in_place(old: &SwitchConfig, new: &SwitchConfig) -> bool {
        old.inputs == new.inputs
    }

    fn new(params: SwitchParams, host: Host) -> Result<Self, NodeError> {
        let properties = Properties {
            active: host.property("active"),
            switches: host.property("switches"),
            last_reason: host.property("last-reason"),
            auto: host.property("auto"),
        };
        let switch = Self {
            inputs: params.names.iter().map(|_| Input::new()).collect(),
            params,
            output: Output::new(),
            runs: Runs::new(),
            active: 0,
            home: 0,
            reason: Reason::Start,
            changed: None,
            switches: 0,
            auto: true,
            degraded: false,
            host,
            properties,
        };
        switch.publish();
        Ok(switch)
    }

    fn reconfigure(&mut self, params: &mut SwitchParams, now: u64, out: &mut Out) {
        std::mem::swap(&mut self.params, params);
        self.look_after_losses(&Event::new(now, Ump::default()), now, out);
    }

    fn command(&mut self, command: &mut Command, now: u64, out: &mut Out) -> Result<(), CommandError> {
        let names = &self.params.names;
        let watched = self.auto && self.params.loss;
        let to = match command {
            Command::Select { input } => match names.iter().position(|name| name == input) {
                Some(to) if watched && self.inputs[to].lost => {
                    return Err(CommandError::format(format_args!(
                        "input {input} is lost; bring its device back, or turn auto off to select it anyway"
                    )));
                }
                Some(to) => to,
                None => {
                    return Err(CommandError::format(format_args!(
                        "there is no input {input}; the inputs are {}",
                        Listed(names)
                    )));
                }
            },
            Command::Next => {
                let count = names.len();
                let there = |input: &usize| !watched || !self.inputs[*input].lost;
                match (1..count).map(|step| (self.active + step) % count).find(there) {
                    Some(to) => to,
                    None => return Err(CommandError::new("all other inputs are lost; bring a device back")),
                }
            }
            Command::Auto { on } => {
                self.auto = *on;
                self.publish();
                self.look_after_losses(&Event::new(now, Ump::default()), now, out);
                return Ok(());
            }
        };
        let like = Event::new(now, Ump::default());
        if to == self.active {
            // Chosen on purpose now: no switch back leads away from it.
            self.home = to;
            self.reason = Reason::Command;
            self.publish();
        } else {
            self.change(to, Reason::Command, &like, now, out);
        }
        self.look_after_losses(&like, now, out);
        Ok(())
    }

    fn tick(&mut self, now: u64, out: &mut Out) {
        self.look_after_losses(&Event::new(now, Ump::default()), now, out);
    }

    fn source_lost(&mut self, port: u16, source: u32, now: u64, out: &mut Out) {
        // Only the active input holds anything at the output.
        if usize::from(port) == self.active {
            self.output.source_lost(source);
        }
        self.runs.source_lost(source);
        if let Some(input) = self.inputs.get_mut(usize::from(port)) {
            input.lose(source);
            self.look_after_losses(&Event::new(now, Ump::default()), now, out);
        }
    }
}

/// Names, listed for a person.
struct Listed<'a>(&'a [String]);

impl std::fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, name) in self.0.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { ", " })?;
            f.write_str(name)?;
        }
        Ok(())
    }
}

impl Processor for Switch {
    fn process(&mut self, events: &[Event], now: u64, out: &mut Out) {
        for event in events {
            self.event(event, now, out);
        }
    }
}

/// The plugin with this node type.
pub fn module() -> Module {
    midibay_plugin::module!().processor::<Switch>()
}
