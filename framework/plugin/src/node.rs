//! What a plugin author implements.

use midibay_ump::Event;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::error::{CommandError, ConfigError, NodeError};
use crate::host::{Host, Ready};
use crate::out::Out;

/// The names of a node's ports, in order. A node with one of each leaves them unnamed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ports {
    /// Ports that events go into.
    pub inputs: Vec<String>,
    /// Ports that events come out of.
    pub outputs: Vec<String>,
}

impl Ports {
    /// One unnamed input and one unnamed output. `[main]`
    pub fn one_each() -> Self {
        Self { inputs: vec![String::new()], outputs: vec![String::new()] }
    }

    /// Named inputs and outputs. `[main]`
    pub fn named<S: Into<String>>(
        inputs: impl IntoIterator<Item = S>,
        outputs: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            inputs: inputs.into_iter().map(Into::into).collect(),
            outputs: outputs.into_iter().map(Into::into).collect(),
        }
    }
}

/// A property that nodes of a type publish.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PropertyInfo {
    /// Its name, lower case: `active`, `position`.
    pub name: &'static str,
    /// What it says, one sentence.
    pub about: &'static str,
    /// Its unit (`ms`, `events/s`), or empty.
    pub unit: &'static str,
}

/// The `Command` of a node type that has none.
#[derive(serde::Deserialize, JsonSchema, Debug)]
pub enum NoCommand {}

/// What endpoints and processors have in common.
///
/// The life of a node:
/// 1. `compile` checks the options and turns them into what the node works with. No side effects:
///    it is also how `midibay check` looks at a file. `[main]`
/// 2. `new` makes the node: it may open, allocate, start threads. `[main]`
/// 3. Events: [`Processor::process`], or [`Endpoint::ready`] and [`Endpoint::send`], and `tick`. All of
///    them, and `reconfigure`, `command` and `source_lost`, are called on the engine's thread and
///    **must not block, allocate, free or log** but by [`Host::log`]. `[engine]`
/// 4. `reconfigure`, when the options changed and [`Node::in_place`] said that a running node can take
///    them over. `[engine]`
/// 5. `stop`, then it is dropped. `[main]`
///
/// A panic anywhere is caught: the node is taken out, what it held is released, and the supervisor
/// makes it anew after 2 s, doubling to 30 s.
pub trait Node: Sized + Send + 'static {
    /// The word behind `type =` in a graph, kebab-case.
    const TYPE: &'static str;
    /// What it is for, one sentence.
    const ABOUT: &'static str;
    /// The properties that it publishes through [`Host::property`].
    const PROPERTIES: &'static [PropertyInfo] = &[];

    /// The options as they stand in the file. Derive `Deserialize` (with `kebab-case` and
    /// `deny_unknown_fields`) and `JsonSchema`; a doc comment on a field becomes its help, with unit
    /// and default.
    type Config: DeserializeOwned + JsonSchema;
    /// The options, checked and turned into tables.
    type Params: Send + 'static;
    /// The commands: an enum, externally tagged as serde does by itself. Its variants are the commands,
    /// the fields of a variant the arguments (`#[serde(rename_all = "kebab-case", rename_all_fields =
    /// "kebab-case")]` names both); what the schema does not list as an argument is refused. The first
    /// paragraph of a variant's doc comment becomes the command's help.
    type Command: DeserializeOwned + JsonSchema + Send + 'static;

    /// Checks the options. `[main]`
    ///
    /// # Errors
    /// Everything that is wrong with them, each at its path.
    fn compile(config: Self::Config) -> Result<Self::Params, Vec<ConfigError>>;

    /// The ports that these options give the node. `[main]`
    fn ports(_params: &Self::Params) -> Ports {
        Ports::one_each()
    }

    /// Whether a node running with `old` can take over `new` by [`Node::reconfigure`]. Where not, or
    /// where the ports differ, it is replaced, and what it held is released. `[main]`
    fn in_place(_old: &Self::Config, _new: &Self::Config) -> bool;

    /// Makes a node. `[main]`
    ///
    /// # Errors
    /// Why it cannot run, and whether trying again may help.
    fn new(params: Self::Params, host: Host) -> Result<Self, NodeError>;

    /// Takes over new parameters: swap what is kept, leave in `params` what is not needed any more
    /// (it is freed elsewhere), and release through `out` what the new ones would leave hanging.
    /// Called only after [`Node::in_place`] said yes. `[engine]`
    fn reconfigure(&mut self, params: &mut Self::Params, now: u64, out: &mut Out);

    /// Runs a command. The answer "well" means that it is done. `[engine]`
    ///
    /// # Errors
    /// Why it was not done.
    fn command(&mut self, command: &mut Self::Command, now: u64, out: &mut Out) -> Result<(), CommandError>;

    /// The time asked for by [`Out::wake_at`] has come. `[engine]`
    fn tick(&mut self, _now: u64, _out: &mut Out) {}

    /// A source that reached input port `port` is gone, or the way from it is: a node on it panicked, or a
    /// reload took it away. What it held at the destinations is released by the engine; this is for a node
    /// with a state of its own about it. It may be told of sources it knows nothing of. `[engine]`
    fn source_lost(&mut self, _port: u16, _source: u32, _now: u64, _out: &mut Out) {}

    /// Before it is dropped: say goodbye, end threads. `[main]`
    fn stop(&mut self) {}
}

/// A node that turns events into events.
pub trait Processor: Node {
    /// Takes events (of any input port, in order of arrival) and pushes what becomes of them. Copy the
    /// event and change it ([`Event::with`]), so that its time, source and order stay. `[engine]`
    fn process(&mut self, events: &[Event], now: u64, out: &mut Out);
}

/// A port of this machine that a node type could use, for `midibay ports`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PortListing {
    /// What a person calls it: `Akai APC40`, `eth0`.
    pub name: String,
    /// What to write into a graph to use it, options as TOML: `port = "Akai APC40"`.
    pub write: String,
    /// Events can come from it.
    pub input: bool,
    /// Events can go to it.
    pub output: bool,
}

/// A node that brings events in and out.
pub trait Endpoint: Node {
    /// One of its descriptors is ready, or its waker was called: read what is there, in bounds (a few
    /// hundred events; what is left makes it ready again), and push it. `time` of an event is when it
    /// arrived, usually `now`. `[engine]`
    fn ready(&mut self, ready: Ready, now: u64, out: &mut Out);

    /// Sends events (each to the input port it names) to the outside. What the outside does not take
    /// now is the node's to keep, in bounds ([`midibay_ump::OutQueue`]). `[engine]`
    fn send(&mut self, events: &[Event], now: u64, out: &mut Out);

    /// The ports of this machine that it could use. `[main]`
    ///
    /// # Errors
    /// Why the system would not say.
    fn list() -> Result<Vec<PortListing>, String> {
        Ok(Vec::new())
    }
}
