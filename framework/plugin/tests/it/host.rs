//! What the program offers a node, and what comes of it.

use std::time::Duration;

use midibay_plugin::schemars::JsonSchema;
use midibay_plugin::serde::Deserialize;
use midibay_plugin::testing::Rig;
use midibay_plugin::{
    CommandError, ConfigError, DropReason, Endpoint, Event, Health, Host, Level, NoCommand, Node, NodeError,
    Out, Property, PropertyInfo, Ready, Ump, Value, Waker,
};
use serde_json::json;

#[derive(Deserialize, JsonSchema)]
struct Config {
    /// The property that it writes.
    property: String,
    /// Wakes the engine from a thread of its own.
    #[serde(default)]
    wakes: bool,
}

struct Chatty {
    host: Host,
    said: Property,
    waker: Waker,
}

impl Node for Chatty {
    const TYPE: &'static str = "chatty";
    const ABOUT: &'static str = "For tests.";
    const PROPERTIES: &'static [PropertyInfo] = &[PropertyInfo { name: "said", about: "", unit: "" }];
    type Config = Config;
    type Params = Config;
    type Command = NoCommand;

    fn compile(config: Config) -> Result<Config, Vec<ConfigError>> {
        Ok(config)
    }
    fn in_place(_: &Config, _: &Config) -> bool {
        false
    }
    fn new(config: Config, host: Host) -> Result<Self, NodeError> {
        let said = host.property(&config.property);
        said.set_text(&host.name());
        host.publish("who", "{\"name\":\"chatty\"}");
        let waker = host.waker();
        if config.wakes {
            let waker = waker.clone();
            std::thread::spawn(move || waker.wake());
        }
        Ok(Self { said, waker, host })
    }
    fn reconfigure(&mut self, _: &mut Config, _: u64, _: &mut Out) {}
    fn command(&mut self, command: &mut NoCommand, _: u64, _: &mut Out) -> Result<(), CommandError> {
        match *command {}
    }
    fn tick(&mut self, now: u64, out: &mut Out) {
        out.push(Event::new(now, Ump::program_change(0, 0, 1)));
    }
}

impl Endpoint for Chatty {
    fn ready(&mut self, ready: Ready, now: u64, out: &mut Out) {
        assert_eq!(ready, Ready::Woken);
        out.push(Event::new(now, Ump::program_change(0, 0, 2)));
    }
    fn send(&mut self, events: &[Event], now: u64, out: &mut Out) {
        self.said.set_int(events.len() as i64);
        self.host.log(Level::Warn, "too many");
        self.host.health(Health::Degraded, "one of two");
        self.host.dropped(DropReason::Late, 2);
        assert_eq!(self.host.now(), now, "the clock and the call tell one time");
        self.waker.wake();
        out.wake_at(now + 5_000);
        out.wake_at(now + 3_000);
    }
}

fn chatty() -> Rig {
    Rig::endpoint::<Chatty>(json!({ "property": "said" })).unwrap()
}

#[test]
fn what_a_node_says_reaches_the_program() {
    let mut rig = chatty();
    assert_eq!(rig.property("said"), Value::Text("rig".into()));
    assert_eq!(rig.document("who").unwrap(), "{\"name\":\"chatty\"}");
    assert_eq!(rig.document("nobody"), None);
    rig.packets(0, &[Ump::note_on(0, 0, 60, 100); 3]);
    assert_eq!(rig.property("said"), Value::Int(3));
    assert_eq!(rig.log(), [(Level::Warn, "too many".to_owned())]);
    assert_eq!(rig.health(), (Health::Degraded, "one of two".to_owned()));
    assert_eq!((rig.counters().drops(DropReason::Late), rig.counters().drops(DropReason::Overflow)), (2, 0));
}

#[test]
fn a_property_that_is_not_declared_is_refused_with_its_name() {
    let error = Rig::endpoint::<Chatty>(json!({ "property": "sayd" })).err().unwrap();
    assert_eq!(
        error,
        [ConfigError::at("", "the plugin panicked: the node type declares no property \"sayd\"")]
    );
}

#[test]
fn a_tick_comes_at_the_earliest_time_asked_for_and_once() {
    let mut rig = chatty();
    let begin = rig.now();
    rig.packets(0, &[Ump::note_on(0, 0, 60, 100)]);
    assert_eq!(rig.wakes_at(), Some(begin + 3_000));
    assert_eq!(rig.advance(Duration::from_nanos(2_999)), []);
    let ticks = rig.advance(Duration::from_millis(1));
    assert_eq!(ticks, [Event::new(begin + 3_000, Ump::program_change(0, 0, 1))]);
    assert_eq!((rig.wakes_at(), rig.now()), (None, begin + 1_002_999));
}

#[test]
fn a_waker_has_ready_called_from_any_thread() {
    let woken = |events: &[Event]| events.iter().any(|event| event.ump == Ump::program_change(0, 0, 2));
    let mut rig = chatty();
    rig.packets(0, &[Ump::note_on(0, 0, 60, 100)]);
    rig.poll_until(woken);
    let mut rig = Rig::endpoint::<Chatty>(json!({ "property": "said", "wakes": true })).unwrap();
    rig.poll_until(woken);
}
