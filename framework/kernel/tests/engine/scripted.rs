//! Nodes that do what a test tells them, one closure for everything that the engine asks of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use midibay_plugin::{
    CommandError, ConfigError, Endpoint, Event, Host, NoCommand, Node, NodeError, Out, Processor, Ready,
};

/// What a node is called for.
pub(crate) enum Call<'a> {
    /// It sends, or processes.
    Events(&'a [Event]),
    Ready,
    Tick,
    SourceLost(u16, u32),
}

pub(crate) type Act = Box<dyn FnMut(Call<'_>, &mut Out) + Send>;
type Make = Arc<dyn Fn(Host) -> Result<Act, NodeError> + Send + Sync>;

static SCRIPTS: Mutex<BTreeMap<String, Make>> = Mutex::new(BTreeMap::new());

/// Keeps a script under a name, which no other test may use; nodes find it by their option `script`.
pub(crate) fn script(
    name: &str,
    make: impl Fn(Host) -> Result<Act, NodeError> + Send + Sync + 'static,
) -> serde_json::Value {
    let before = SCRIPTS.lock().unwrap().insert(name.to_owned(), Arc::new(make));
    assert!(before.is_none(), "{name} is there already");
    serde_json::json!({ "script": name })
}

/// A script that needs no state of its own and always starts.
pub(crate) fn always<F>(name: &str, act: F) -> serde_json::Value
where
    F: FnMut(Call<'_>, &mut Out) + Clone + Send + Sync + 'static,
{
    script(name, move |_| Ok(Box::new(act.clone())))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct Config {
    script: String,
    /// Another number makes another node.
    #[serde(default)]
    version: u32,
    /// Another number is taken over by the node as it runs.
    #[serde(default)]
    live: u32,
}

macro_rules! scripted {
    ($name:ident, $type:literal) => {
        pub(crate) struct $name(Act);

        impl Node for $name {
            const TYPE: &'static str = $type;
            const ABOUT: &'static str = "Does what a test says.";
            type Config = Config;
            type Params = Config;
            type Command = NoCommand;
            fn compile(config: Config) -> Result<Config, Vec<ConfigError>> {
                Ok(config)
            }
            fn in_place(old: &Config, new: &Config) -> bool {
                (&old.script, old.version) == (&new.script, new.version) && old.live != new.live
            }
            fn new(config: Config, host: Host) -> Result<Self, NodeError> {
                let make = SCRIPTS.lock().unwrap().get(&config.script).cloned();
                make.expect("there is such a script")(host).map(Self)
            }
            fn reconfigure(&mut self, _: &mut Config, _: u64, _: &mut Out) {}
            fn command(&mut self, command: &mut NoCommand, _: u64, _: &mut Out) -> Result<(), CommandError> {
                match *command {}
            }
            fn tick(&mut self, _: u64, out: &mut Out) {
                (self.0)(Call::Tick, out);
            }
            fn source_lost(&mut self, port: u16, source: u32, _: u64, out: &mut Out) {
                (self.0)(Call::SourceLost(port, source), out);
            }
        }
    };
}

scripted!(Scripted, "scripted");
scripted!(ScriptedProcessor, "scripted-processor");

impl Endpoint for Scripted {
    fn ready(&mut self, _: Ready, _: u64, out: &mut Out) {
        (self.0)(Call::Ready, out);
    }
    fn send(&mut self, events: &[Event], _: u64, out: &mut Out) {
        (self.0)(Call::Events(events), out);
    }
}

impl Processor for ScriptedProcessor {
    fn process(&mut self, events: &[Event], _: u64, out: &mut Out) {
        (self.0)(Call::Events(events), out);
    }
}
