//! Commands: described by their enum, and read from what a person or a program sent.

use midibay_plugin::abi::{RawNodeType, Reply};
use midibay_plugin::schemars::JsonSchema;
use midibay_plugin::serde::Deserialize;
use midibay_plugin::testing::Rig;
use midibay_plugin::{
    CommandError, ConfigError, Event, Host, Module, NoCommand, Node, NodeError, Out, Processor, Ump,
};
use serde_json::{Value, json};

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
enum Command {
    /// Play from the beginning;
    /// or record.
    ///
    /// More about it, which is not for a list of commands.
    Start,
    StopNow,
    /// Go to a place.
    SeekTo {
        /// Seconds.
        place: f64,
        /// How many times from there on.
        how_often: Option<u8>,
    },
    /// Fade out.
    Fade {
        /// Milliseconds.
        #[serde(default)]
        time: u32,
    },
    /// Take a note of somebody.
    Person(Person),
}

#[derive(Deserialize, JsonSchema, Debug)]
struct Person {
    name: String,
    place: Place,
}

#[derive(Deserialize, JsonSchema, Debug)]
struct Place {
    row: u8,
}

/// Tells the program change of what it read.
struct Player;

impl Node for Player {
    const TYPE: &'static str = "player";
    const ABOUT: &'static str = "For tests.";
    type Config = Nothing;
    type Params = ();
    type Command = Command;

    fn compile(_: Nothing) -> Result<(), Vec<ConfigError>> {
        Ok(())
    }
    fn in_place(_: &Nothing, _: &Nothing) -> bool {
        true
    }
    fn new((): (), _: Host) -> Result<Self, NodeError> {
        Ok(Self)
    }
    fn reconfigure(&mut self, (): &mut (), _: u64, _: &mut Out) {}
    fn command(&mut self, command: &mut Command, now: u64, out: &mut Out) -> Result<(), CommandError> {
        let program = match command {
            Command::Start => 1,
            Command::StopNow => 2,
            Command::SeekTo { place, how_often } => {
                if *place < 0.0 {
                    return Err(CommandError::format(format_args!("there is no second {place}")));
                }
                *place as u8 + how_often.unwrap_or(0)
            }
            Command::Fade { time } => *time as u8,
            Command::Person(person) => person.name.len() as u8 + person.place.row,
        };
        out.push(Event::new(now, Ump::program_change(0, 0, program)));
        Ok(())
    }
}

impl Processor for Player {
    fn process(&mut self, _: &[Event], _: u64, _: &mut Out) {}
}

/// Has no commands.
struct Mute;

impl Node for Mute {
    const TYPE: &'static str = "mute";
    const ABOUT: &'static str = "For tests.";
    type Config = Nothing;
    type Params = ();
    type Command = NoCommand;

    fn compile(_: Nothing) -> Result<(), Vec<ConfigError>> {
        Ok(())
    }
    fn in_place(_: &Nothing, _: &Nothing) -> bool {
        true
    }
    fn new((): (), _: Host) -> Result<Self, NodeError> {
        Ok(Self)
    }
    fn reconfigure(&mut self, (): &mut (), _: u64, _: &mut Out) {}
    fn command(&mut self, command: &mut NoCommand, _: u64, _: &mut Out) -> Result<(), CommandError> {
        match *command {}
    }
}

impl Processor for Mute {
    fn process(&mut self, _: &[Event], _: u64, _: &mut Out) {}
}

/// `Player`, then `Mute`.
fn types() -> [RawNodeType; 2] {
    let module = Module::new("players", "1.0.0", "MIT").processor::<Player>().processor::<Mute>();
    <[RawNodeType; 2]>::try_from(module.into_raw().node_types.into_vec()).ok().unwrap()
}

/// The number that the command became.
fn run(name: &str, args: Value) -> u8 {
    let mut rig = Rig::processor::<Player>(json!({})).unwrap();
    let events = rig.command(name, args).unwrap();
    (0..128).find(|n| events[0].ump == Ump::program_change(0, 0, *n)).unwrap()
}

/// The sentence that a wrong command is answered with.
fn refused(name: &str, args: Value) -> String {
    Rig::processor::<Player>(json!({})).unwrap().command(name, args).err().unwrap()
}

#[test]
fn commands_are_described_by_their_enum() {
    let [player, mute] = types();
    let all: Vec<(&str, &str)> =
        player.commands.iter().map(|c| (c.name.as_str(), c.about.as_str())).collect();
    assert_eq!(
        sorted(all),
        [
            ("fade", "Fade out."),
            ("person", "Take a note of somebody."),
            ("seek-to", "Go to a place."),
            ("start", "Play from the beginning; or record."),
            ("stop-now", ""),
        ]
    );
    assert!(mute.commands.is_empty());
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
}

#[test]
fn the_arguments_of_a_command_have_a_schema_of_their_own() {
    let [player, _] = types();
    let schema = |name: &str| -> Value {
        let command = player.commands.iter().find(|c| c.name.as_str() == name).unwrap();
        serde_json::from_str(&command.args).unwrap()
    };
    assert_eq!(schema("start"), Value::Null);
    assert_eq!(schema("stop-now"), Value::Null);
    let seek = schema("seek-to");
    assert_eq!(seek["properties"]["place"]["description"], "Seconds.");
    assert_eq!(seek["properties"]["place"]["type"], "number");
    assert_eq!(seek["properties"]["how-often"]["description"], "How many times from there on.");
    assert_eq!(seek["required"], json!(["place"]));
    // A reference is of use only with what it refers to.
    let person = schema("person");
    assert_eq!(person["$ref"], "#/$defs/Person");
    assert_eq!(person["$defs"]["Person"]["properties"]["name"]["type"], "string");
}

#[test]
fn a_command_without_arguments_is_understood_with_null_and_with_an_empty_object() {
    for args in [Value::Null, json!({})] {
        assert_eq!(run("start", args.clone()), 1);
        assert_eq!(run("stop-now", args), 2);
    }
}

#[test]
fn arguments_reach_the_command_and_those_with_a_default_may_be_left_away() {
    assert_eq!(run("seek-to", json!({ "place": 12.5 })), 12);
    assert_eq!(run("seek-to", json!({ "place": 12, "how-often": 3 })), 15);
    assert_eq!(run("fade", json!({ "time": 9 })), 9);
    assert_eq!(run("fade", json!({})), 0);
    assert_eq!(run("fade", Value::Null), 0);
    assert_eq!(run("person", json!({ "name": "Ada", "place": { "row": 4 } })), 7);
}

#[test]
fn a_wrong_command_is_answered_with_what_is_wrong() {
    for (name, args, sentence) in [
        (
            "strat",
            json!({}),
            "`player` has no command `strat`; it has: stop-now, start, seek-to, fade, person",
        ),
        ("start", json!({ "now": true }), "command `start` takes no arguments"),
        ("start", json!([1]), "command `start` takes no arguments"),
        ("start", json!(1), "command `start` takes no arguments"),
        ("seek-to", Value::Null, "command `seek-to`: missing field `place`"),
        ("seek-to", json!({}), "command `seek-to`: missing field `place`"),
        (
            "seek-to",
            json!({ "place": 1, "how_often": 2 }),
            "command `seek-to` has no argument `how_often`; it has: how-often, place",
        ),
        (
            "seek-to",
            json!({ "place": "here" }),
            "command `seek-to`: argument `place`: invalid type: string \"here\", expected f64",
        ),
        (
            "seek-to",
            json!({ "place": 1, "how-often": 300 }),
            "command `seek-to`: argument `how-often`: invalid value: integer `300`, expected u8",
        ),
        (
            "seek-to",
            json!([1, 2]),
            "the arguments of command `seek-to` must be an object with how-often, place",
        ),
        ("seek-to", json!(1), "the arguments of command `seek-to` must be an object with how-often, place"),
        (
            "person",
            json!({ "name": "Ada", "place": { "row": "x" } }),
            "command `person`: argument `place.row`: invalid type: string \"x\", expected u8",
        ),
        ("seek-to", json!({ "place": -3 }), "there is no second -3"),
    ] {
        assert_eq!(refused(name, args.clone()), sentence, "{name} {args}");
    }
    let mute = Rig::processor::<Mute>(json!({})).unwrap().command("start", json!({}));
    assert_eq!(mute.unwrap_err(), "`mute` has no commands");
}

#[test]
fn arguments_that_are_not_json_are_told_as_such() {
    let [player, _] = types();
    let parsed = (player.parse_command)("start".into(), "{now".into());
    let text = parsed.err().unwrap();
    assert!(text.starts_with("the arguments of command `start` are not JSON: "), "{text}");
}

#[test]
fn an_answer_longer_than_there_is_room_for_is_no_answer() {
    let reply = Reply { len: 201, text: [b'x'; 200] };
    assert_eq!(reply.as_str(), "");
    assert_eq!(Reply { len: 200, ..reply }.as_str().len(), 200);
}
