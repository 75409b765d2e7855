//! A panic in any function of a plugin ends at the border: the program gets an answer, never an unwinding.
//! (It could not get one: what unwinds out of an `extern "C"` function ends the process, and with it this
//! test.)

use std::sync::Arc;

use midibay_plugin::abi::{OK, PANICKED, REFUSED, RawNodeType, WOKEN};
use midibay_plugin::schemars::JsonSchema;
use midibay_plugin::serde::Deserialize;
use midibay_plugin::{
    CommandError, ConfigError, Endpoint, Event, Host, Module, Node, NodeError, Out, PortListing, Ports,
    Processor, Ready, Ump, private,
};
use serde_json::{Value, json};

use crate::support::{self, Holders, RawResult, Running};

/// Where a `Fragile` node panics.
#[derive(Deserialize, JsonSchema, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
enum At {
    Nowhere,
    Deserialize,
    Compile,
    Ports,
    DropParams,
    InPlace,
    New,
    UndeclaredProperty,
    Events,
    Ready,
    Woken,
    Tick,
    Reconfigure,
    SourceLost,
    Stop,
    Drop,
    StopAndDrop,
}

fn not_deserialize<'de, D: midibay_plugin::serde::Deserializer<'de>>(from: D) -> Result<At, D::Error> {
    let at = At::deserialize(from)?;
    at.maybe(At::Deserialize);
    Ok(at)
}

impl At {
    fn maybe(self, here: Self) {
        if self == here {
            panic!("at {here:?}");
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Config {
    #[serde(deserialize_with = "not_deserialize")]
    at: At,
}

struct Params(At);

impl Drop for Params {
    fn drop(&mut self) {
        self.0.maybe(At::DropParams);
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Command {
    /// Is refused.
    Refuse,
    /// Panics.
    Panic,
    /// Panics, and what it panicked with panics when it is thrown away.
    PanicTwice,
    /// Panics when it is thrown away.
    Leave(Bomb),
    /// Panics as it is read.
    Read(Unreadable),
}

#[derive(Deserialize, JsonSchema)]
struct Bomb {}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a bomb went off");
    }
}

#[derive(JsonSchema)]
struct Unreadable {}

impl<'de> Deserialize<'de> for Unreadable {
    fn deserialize<D: midibay_plugin::serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("unreadable")
    }
}

struct Fragile {
    at: At,
    _host: Host,
}

impl Drop for Fragile {
    fn drop(&mut self) {
        self.at.maybe(At::Drop);
        self.at.maybe(At::StopAndDrop);
    }
}

impl Node for Fragile {
    const TYPE: &'static str = "fragile";
    const ABOUT: &'static str = "Panics where it is told to.";
    type Config = Config;
    type Params = Params;
    type Command = Command;

    fn compile(config: Config) -> Result<Params, Vec<ConfigError>> {
        config.at.maybe(At::Compile);
        Ok(Params(config.at))
    }
    fn ports(params: &Params) -> Ports {
        params.0.maybe(At::Ports);
        Ports::one_each()
    }
    fn in_place(old: &Config, new: &Config) -> bool {
        old.at.maybe(At::InPlace);
        new.at.maybe(At::InPlace);
        true
    }
    fn new(params: Params, host: Host) -> Result<Self, NodeError> {
        params.0.maybe(At::New);
        if params.0 == At::UndeclaredProperty {
            host.property("speed").set_int(3);
        }
        Ok(Self { at: params.0, _host: host })
    }
    fn reconfigure(&mut self, params: &mut Params, _: u64, _: &mut Out) {
        params.0.maybe(At::Reconfigure);
    }
    fn command(&mut self, command: &mut Command, _: u64, _: &mut Out) -> Result<(), CommandError> {
        match command {
            Command::Refuse => Err(CommandError::new("not now")),
            Command::Panic => panic!("as told"),
            Command::PanicTwice => std::panic::panic_any(Bomb {}),
            Command::Leave(_) | Command::Read(_) => Ok(()),
        }
    }
    fn tick(&mut self, _: u64, _: &mut Out) {
        self.at.maybe(At::Tick);
    }
    fn source_lost(&mut self, _: u16, _: u32, _: u64, _: &mut Out) {
        self.at.maybe(At::SourceLost);
    }
    fn stop(&mut self) {
        self.at.maybe(At::Stop);
        self.at.maybe(At::StopAndDrop);
    }
}

impl Processor for Fragile {
    fn process(&mut self, events: &[Event], _: u64, out: &mut Out) {
        out.extend(events);
        self.at.maybe(At::Events);
    }
}

impl Endpoint for Fragile {
    fn ready(&mut self, ready: Ready, _: u64, _: &mut Out) {
        self.at.maybe(if ready == Ready::Woken { At::Woken } else { At::Ready });
    }
    fn send(&mut self, events: &[Event], _: u64, out: &mut Out) {
        out.extend(events);
        self.at.maybe(At::Events);
    }
    fn list() -> Result<Vec<PortListing>, String> {
        panic!("no system answers")
    }
}

/// The node type as a processor and as an endpoint.
fn both() -> [RawNodeType; 2] {
    let module = Module::new("fragile", "1.0.0", "MIT").processor::<Fragile>().endpoint::<Fragile>();
    <[RawNodeType; 2]>::try_from(module.into_raw().node_types.into_vec()).ok().unwrap()
}

fn config(at: &str) -> Value {
    json!({ "at": at })
}

const NOTES: [Event; 3] = [Event::new(1, Ump::note_on(0, 0, 60, 100)); 3];

/// Calls one `[engine]` function of a node made with these options, then ends the node as the engine does.
fn engine_call<T>(node_type: &RawNodeType, at: &str, call: impl FnOnce(&Running) -> T) -> T {
    let host = Arc::new(Holders::default());
    let node = Running::new(node_type, &config(at), &host).unwrap();
    assert_eq!(Arc::strong_count(&host), 2);
    let answer = call(&node);
    assert_eq!(node.stop(), OK, "a node that panicked is still ended and freed");
    assert_eq!(Arc::strong_count(&host), 1, "and gives back its host");
    answer
}

#[test]
fn a_panic_as_the_options_are_read_or_checked_is_an_error_of_the_node_as_a_whole() {
    for node_type in both() {
        for (at, said) in
            [("deserialize", "at Deserialize"), ("compile", "at Compile"), ("ports", "at Ports")]
        {
            let errors = support::prepare(&node_type, &config(at)).err().unwrap();
            assert_eq!(errors, [ConfigError::at("", format!("the plugin panicked: {said}"))]);
        }
        let prepared = support::prepare(&node_type, &config("nowhere")).unwrap();
        assert_eq!(
            (&prepared.inputs[..], &prepared.outputs[..]),
            (&[String::new()][..], &[String::new()][..])
        );
    }
}

#[test]
fn options_that_panic_when_they_are_freed_are_gone_all_the_same() {
    for node_type in both() {
        drop(support::prepare(&node_type, &config("drop-params")).unwrap());
    }
}

#[test]
fn a_panic_about_whether_options_can_be_taken_over_means_no() {
    for node_type in both() {
        let ask = |old: &str, new: &str| {
            let (old, new) = (config(old).to_string(), config(new).to_string());
            (node_type.in_place)(old.as_str().into(), new.as_str().into())
        };
        assert!(ask("nowhere", "tick"));
        assert!(!ask("in-place", "nowhere") && !ask("nowhere", "in-place"));
        assert!(!ask("deserialize", "nowhere") && !ask("no such place", "nowhere"));
    }
}

#[test]
fn a_panic_as_a_node_is_made_is_an_error_to_try_again_after_and_its_host_is_given_back() {
    for node_type in both() {
        for (at, said) in
            [("new", "at New"), ("undeclared-property", "the node type declares no property \"speed\"")]
        {
            let host = Arc::new(Holders::default());
            let error = Running::new(&node_type, &config(at), &host).err().unwrap();
            assert_eq!(error, NodeError::retry(format!("the plugin panicked: {said}")));
            assert_eq!(Arc::strong_count(&host), 1);
        }
    }
}

#[test]
fn a_panic_in_an_engine_function_is_told_by_its_status() {
    for node_type in both() {
        let panicking = |at: &str, call: &dyn Fn(&Running) -> u8| {
            assert_eq!(engine_call(&node_type, "nowhere", call), OK, "{at}");
            assert_eq!(engine_call(&node_type, at, call), PANICKED, "{at}");
        };
        panicking("events", &|node| node.events(&NOTES).0);
        panicking("tick", &|node| node.tick());
        panicking("source-lost", &|node| node.source_lost());
        let new = |at: &str| support::prepare(&node_type, &config(at)).unwrap();
        assert_eq!(engine_call(&node_type, "nowhere", |n| n.reconfigure(&new("nowhere"))), OK);
        assert_eq!(engine_call(&node_type, "nowhere", |n| n.reconfigure(&new("reconfigure"))), PANICKED);
    }
    let [processor, endpoint] = both();
    for (at, key, flags) in [("ready", 5, 1), ("woken", WOKEN, 0)] {
        assert_eq!(engine_call(&endpoint, at, |node| node.ready(key, flags)), PANICKED);
        assert_eq!(engine_call(&endpoint, "nowhere", |node| node.ready(key, flags)), OK);
        assert_eq!(
            engine_call(&processor, at, |node| node.ready(key, flags)),
            OK,
            "it has nothing to get ready"
        );
    }
    assert_eq!(engine_call(&endpoint, "ready", |node| node.ready(WOKEN, 0)), OK, "the key tells which it is");
}

#[test]
fn what_was_pushed_before_a_panic_came_out() {
    for node_type in both() {
        let (status, came) = engine_call(&node_type, "events", |node| node.events(&NOTES));
        assert_eq!((status, &came.events[..]), (PANICKED, &NOTES[..]));
    }
}

#[test]
fn a_command_that_panics_is_told_from_one_that_is_refused() {
    for node_type in both() {
        let run = |name: &str| {
            let command = support::parse_command(&node_type, name, &Value::Null).unwrap();
            engine_call(&node_type, "nowhere", |node| node.command(&command))
        };
        assert_eq!(run("refuse"), (REFUSED, "not now".to_owned()));
        assert_eq!(run("panic"), (PANICKED, String::new()));
        assert_eq!(run("panic-twice"), (PANICKED, String::new()));
        assert_eq!(run("leave"), (OK, String::new()), "freeing it panics, and that is the end of it");
        let unread = support::parse_command(&node_type, "read", &Value::Null);
        assert_eq!(unread.err().unwrap(), "the plugin panicked: unreadable");
    }
}

#[test]
fn a_node_that_panics_at_its_end_is_freed_all_the_same() {
    for node_type in both() {
        for (at, status) in
            [("nowhere", OK), ("stop", PANICKED), ("drop", PANICKED), ("stop-and-drop", PANICKED)]
        {
            let host = Arc::new(Holders::default());
            let node = Running::new(&node_type, &config(at), &host).unwrap();
            assert_eq!(node.stop(), status, "{at}");
            assert_eq!(Arc::strong_count(&host), 1, "{at}");
        }
    }
}

#[test]
fn a_panic_as_ports_are_listed_is_a_reason_why_there_is_no_list() {
    let [processor, endpoint] = both();
    assert!((processor.list)().ok().unwrap().is_empty());
    let RawResult::RErr(text) = (endpoint.list)() else { panic!("it listed") };
    assert_eq!(text.as_str(), "the plugin panicked: no system answers");
}

#[test]
fn a_library_whose_module_panics_says_with_what() {
    let said = |module: fn() -> Module| private::guard_module(module).err().unwrap().to_string();
    assert_eq!(said(|| panic!("{} is missing", "libfoo")), "libfoo is missing");
    assert_eq!(said(|| std::panic::panic_any(Bomb {})), "panicked");
}
