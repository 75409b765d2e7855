//! The processor `monitor`: passes everything unchanged and shows what passes.
//!
//! The engine's side copies packets into a ring and wakes a thread, which does all that takes time:
//! putting them into words and writing. When the thread cannot follow, lines are missing (and
//! counted), never events.

mod config;
mod lines;
mod writer;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use midibay_plugin::ump::KindSet;
use midibay_plugin::{
    CommandError, ConfigError, Event, Host, Module, NoCommand, Node, NodeError, Out, Processor, Property,
    PropertyInfo,
};
use rtrb::Producer;

use config::Settings;
pub use config::{Format, MonitorConfig, MonitorParams};
use writer::{Item, Shared, Writer};

/// Lines that may wait for the thread.
const RING: usize = 8192;
/// One second, ns: over it events are counted.
const SECOND: u64 = 1_000_000_000;
/// How often `last` changes when nothing is written, ns.
const GLANCE: u64 = 100_000_000;
/// How soon new options are offered again to a thread that is far behind, ns.
const AGAIN: u64 = 50_000_000;

/// The node type `monitor`.
pub struct Monitor {
    shown: KindSet,
    /// Nothing is written: only `last` is kept.
    quiet: bool,
    ring: Producer<Item>,
    /// Options that the ring had no room for.
    waiting: Option<Box<Settings>>,
    writer: Writer,
    shared: Arc<Shared>,
    total: u64,
    /// Since when events are counted for the rate, and how many; `None` when there is no traffic.
    second: Option<(u64, u64)>,
    /// When `last` may change again, and to what, while nothing is written.
    glance: u64,
    glimpsed: Option<Event>,
    missed: u64,
    properties: Properties,
}

struct Properties {
    events: Property,
    rate: Property,
    missed: Property,
}

impl Monitor {
    /// Puts something into the ring. What does not fit comes back. [engine]
    fn offer(&mut self, item: Item) -> Result<(), Item> {
        self.ring.push(item).map_err(|rtrb::PushError::Full(item)| item)
    }

    /// Hands over options that wait. They must come before the events they apply to. [engine]
    fn hand_over(&mut self) -> bool {
        if let Some(settings) = self.waiting.take()
            && let Err(Item::Settings(settings)) = self.offer(Item::Settings(settings))
        {
            self.waiting = Some(settings);
        }
        self.waiting.is_none()
    }

    /// Shows an event. False when it could not be. [engine]
    fn show(&mut self, event: &Event) -> bool {
        self.hand_over() && self.offer(Item::Event(*event)).is_ok()
    }

    /// Shows the last event if it is time to. [engine]
    fn glance(&mut self, now: u64) {
        if now >= self.glance
            && let Some(event) = self.glimpsed.take()
        {
            self.glance = now + GLANCE;
            self.show(&event);
            self.writer.wake();
        }
    }

    /// Publishes what was missed and asks for the ticks that are due. [engine]
    fn settle(&mut self, now: u64, out: &mut Out) {
        let missed = self.shared.missed.load(Ordering::Relaxed);
        if missed != self.missed {
            self.missed = missed;
            self.properties.missed.set_int(missed as i64);
        }
        if let Some((since, _)) = self.second {
            out.wake_at(since + SECOND);
        }
        if self.glimpsed.is_some() {
            out.wake_at(self.glance);
        }
        if self.waiting.is_some() {
            out.wake_at(now + AGAIN);
        }
    }
}

impl Node for Monitor {
    const TYPE: &'static str = "monitor";
    const ABOUT: &'static str = "Passes everything unchanged and shows what passes.";
    const PROPERTIES: &'static [PropertyInfo] = &[
        PropertyInfo { name: "events", about: "Events that passed since the start.", unit: "events" },
        PropertyInfo {
            name: "events-per-second",
            about: "Events that passed in the last whole second with traffic.",
            unit: "events/s",
        },
        PropertyInfo { name: "last", about: "The last event that was shown, in words.", unit: "" },
        PropertyInfo {
            name: "missed",
            about: "Events that passed but could not be shown: the output is too slow or broken.",
            unit: "events",
        },
    ];

    type Config = MonitorConfig;
    type Params = MonitorParams;
    type Command = NoCommand;

    fn compile(config: MonitorConfig) -> Result<MonitorParams, Vec<ConfigError>> {
        config.compile()
    }

    fn in_place(_: &MonitorConfig, _: &MonitorConfig) -> bool {
        true
    }

    fn new(params: MonitorParams, host: Host) -> Result<Self, NodeError> {
        let (ring, lines) = rtrb::RingBuffer::new(RING);
        let shared = Arc::new(Shared::default());
        let writer = Writer::start(lines, Arc::clone(&shared), &host).map_err(NodeError::retry)?;
        let properties = Properties {
            events: host.property("events"),
            rate: host.property("events-per-second"),
            missed: host.property("missed"),
        };
        for property in [&properties.events, &properties.rate, &properties.missed] {
            property.set_int(0);
        }
        let mut monitor = Self {
            shown: params.shown,
            quiet: params.quiet,
            ring,
            waiting: params.settings,
            writer,
            shared,
            total: 0,
            second: None,
            glance: 0,
            glimpsed: None,
            missed: 0,
            properties,
        };
        monitor.hand_over();
        monitor.writer.wake();
        Ok(monitor)
    }

    fn reconfigure(&mut self, params: &mut MonitorParams, now: u64, out: &mut Out) {
        self.shown = params.shown;
        self.quiet = params.quiet;
        // The newest options count; older ones that never reached the thread are freed with `params`.
        std::mem::swap(&mut self.waiting, &mut params.settings);
        self.hand_over();
        self.writer.wake();
        self.settle(now, out);
    }

    fn command(&mut self, command: &mut NoCommand, _: u64, _: &mut Out) -> Result<(), CommandError> {
        match *command {}
    }

    fn tick(&mut self, now: u64, out: &mut Out) {
        if let Some((since, count)) = self.second
            && now >= since + SECOND
        {
            let rate = u128::from(count) * u128::from(SECOND) / u128::from(now - since);
            self.properties.rate.set_int(rate as i64);
            self.second = (count > 0).then_some((now, 0));
        }
        if self.waiting.is_some() {
            self.hand_over();
            self.writer.wake();
        }
        self.glance(now);
        self.settle(now, out);
    }

    fn stop(&mut self) {
        if let Some(event) = self.glimpsed.take() {
            self.show(&event);
        }
        self.writer.stop(&self.shared);
    }
}

impl Processor for Monitor {
    fn process(&mut self, events: &[Event], now: u64, out: &mut Out) {
        // First the show, then the showing.
        out.extend(events);
        self.total += events.len() as u64;
        self.properties.events.set_int(self.total as i64);
        let (since, count) = self.second.unwrap_or((now, 0));
        self.second = Some((since, count + events.len() as u64));
        let mut missed = 0;
        let mut any = false;
        for event in events {
            if !self.shown.contains(event.ump.kind()) {
                continue;
            }
            if self.quiet {
                self.glimpsed = Some(*event);
                continue;
            }
            any = true;
            missed += u64::from(!self.show(event));
        }
        if any {
            self.shared.missed.fetch_add(missed, Ordering::Relaxed);
            self.writer.wake();
        }
        self.glance(now);
        self.settle(now, out);
    }
}

/// The plugin with this node type.
pub fn module() -> Module {
    midibay_plugin::module!().processor::<Monitor>()
}
