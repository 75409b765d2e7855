//! The node: which of the three it is, and what each answers.

use std::fs::Metadata;

use midibay_plugin::{
    CommandError, ConfigError, Endpoint, Event, Host, Node, NodeError, Out, PortListing, Ports, PropertyInfo,
    Ready,
};

use crate::command::{Command, refuse};
use crate::config::{Config, Create, Direction, Params, Raw, Work};
use crate::failure::io_text;
use crate::player::Player;
use crate::recorder::{Recorder, create_new};
#[cfg(unix)]
use crate::stream::Stream;

/// A file, FIFO, serial line or raw MIDI device, as a node.
pub struct FileNode(Kind);

enum Kind {
    Play(Box<Player>),
    Record(Box<Recorder>),
    #[cfg(unix)]
    Stream(Box<Stream>),
}

impl Node for FileNode {
    const TYPE: &'static str = "file";
    const ABOUT: &'static str =
        "Plays and records MIDI files; reads and writes MIDI bytes in files, FIFOs and serial devices.";
    const PROPERTIES: &'static [PropertyInfo] = &[
        PropertyInfo {
            name: "state",
            about: "playing, stopped or ended; recording, stopped or failed; open or waiting.",
            unit: "",
        },
        PropertyInfo { name: "path", about: "The file that is played, written to or open.", unit: "" },
        PropertyInfo { name: "position", about: "Where in the piece it is.", unit: "s" },
        PropertyInfo { name: "length", about: "How long the piece is.", unit: "s" },
        PropertyInfo { name: "events", about: "How many messages the file has got.", unit: "" },
    ];

    type Config = Config;
    type Params = Params;
    type Command = Command;

    fn compile(config: Config) -> Result<Params, Vec<ConfigError>> {
        config.compile()
    }

    fn ports(params: &Params) -> Ports {
        let (inputs, outputs) = match &params.0 {
            Work::Play(_) => (0, 1),
            Work::Record(_) => (1, 0),
            Work::Raw(raw) => match raw.direction {
                Direction::In => (0, 1),
                Direction::Out => (1, 0),
                Direction::Both => (1, 1),
            },
        };
        Ports { inputs: vec![String::new(); inputs], outputs: vec![String::new(); outputs] }
    }

    fn in_place(old: &Config, new: &Config) -> bool {
        old.is_close_to(new)
    }

    fn new(params: Params, host: Host) -> Result<Self, NodeError> {
        match params.0 {
            Work::Play(options) => Ok(Self(Kind::Play(Box::new(Player::song(options, host)?)))),
            Work::Record(options) => Ok(Self(Kind::Record(Box::new(Recorder::record(options, host)?)))),
            Work::Raw(options) => raw(options, host).map(Self),
        }
    }

    fn reconfigure(&mut self, params: &mut Params, now: u64, out: &mut Out) {
        if let (Kind::Play(player), Work::Play(options)) = (&mut self.0, &mut params.0) {
            player.reconfigure(options, now, out);
        }
    }

    fn command(&mut self, command: &mut Command, now: u64, out: &mut Out) -> Result<(), CommandError> {
        match &mut self.0 {
            Kind::Play(player) => player.command(command, now, out),
            Kind::Record(recorder) => recorder.command(command, now),
            #[cfg(unix)]
            Kind::Stream(_) => Err(refuse("moves bytes", "no command")),
        }
    }

    fn tick(&mut self, now: u64, out: &mut Out) {
        match &mut self.0 {
            Kind::Play(player) => player.tick(now, out),
            Kind::Record(recorder) => recorder.tick(now, out),
            #[cfg(unix)]
            Kind::Stream(stream) => stream.tick(now, out),
        }
    }

    fn source_lost(&mut self, _: u16, source: u32, now: u64, out: &mut Out) {
        match &mut self.0 {
            Kind::Play(_) => {}
            Kind::Record(recorder) => recorder.source_lost(source),
            #[cfg(unix)]
            Kind::Stream(stream) => stream.source_lost(source, now, out),
        }
        // Where there is no stream, nobody looks at these.
        let _ = (now, out);
    }

    fn stop(&mut self) {
        match &mut self.0 {
            Kind::Play(_) => {}
            Kind::Record(recorder) => recorder.stop(),
            #[cfg(unix)]
            Kind::Stream(stream) => stream.stop(),
        }
    }
}

impl Endpoint for FileNode {
    fn ready(&mut self, ready: Ready, now: u64, out: &mut Out) {
        match &mut self.0 {
            Kind::Play(player) => player.begin(now, out),
            Kind::Record(_) => {}
            #[cfg(unix)]
            Kind::Stream(stream) => stream.ready(ready, now, out),
        }
        let _ = ready;
    }

    fn send(&mut self, events: &[Event], now: u64, out: &mut Out) {
        match &mut self.0 {
            Kind::Play(_) => {}
            Kind::Record(recorder) => recorder.send(events, now, out),
            #[cfg(unix)]
            Kind::Stream(stream) => stream.send(events, now, out),
        }
    }

    fn list() -> Result<Vec<PortListing>, String> {
        Ok(crate::list::devices())
    }
}

/// A raw node, by what stands at its path.
fn raw(options: Raw, host: Host) -> Result<Kind, NodeError> {
    if let Some(what) = options.create {
        create(what, &options)?;
    }
    let path = options.path.display();
    let plain = match std::fs::metadata(&options.path) {
        Ok(found) if found.is_dir() => {
            return Err(NodeError::fatal(format!("{path} is a directory; name a file in it")));
        }
        Ok(found) => found.is_file(),
        // A device that is not plugged in yet.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && options.path.starts_with("/dev") => false,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(NodeError::fatal(format!(
                "{path} does not exist; make it, or set create = \"fifo\" or create = \"file\""
            )));
        }
        Err(e) => return Err(NodeError::retry(io_text("look at", &options.path, &e))),
    };
    let misfit = match (plain, options.direction) {
        (true, Direction::Both) => {
            Some("is a plain file, which is read or written, not both: set direction = \"in\" or \"out\"")
        }
        (true, Direction::In) if options.append.is_some() => {
            Some("is read; append is for writing: take it out")
        }
        (true, Direction::Out) if options.start.is_some() => {
            Some("is written to, from the beginning on: take start out")
        }
        (true, Direction::Out) if options.baud.is_some() => Some("is a plain file: take baud out"),
        (false, _) if options.append.is_some() => Some("is no plain file: take append out"),
        (false, _) if options.start.is_some() => Some("is no plain file: take start out"),
        _ => None,
    };
    if let Some(misfit) = misfit {
        return Err(NodeError::fatal(format!("{path} {misfit}")));
    }
    match (plain, options.direction) {
        (true, Direction::In) => Ok(Kind::Play(Box::new(Player::bytes(options, host)?))),
        (true, _) => Ok(Kind::Record(Box::new(Recorder::bytes(options, host)?))),
        (false, _) => stream(options, host),
    }
}

#[cfg(unix)]
fn stream(options: Raw, host: Host) -> Result<Kind, NodeError> {
    Stream::new(options, host).map(|stream| Kind::Stream(Box::new(stream)))
}

#[cfg(not(unix))]
fn stream(options: Raw, _: Host) -> Result<Kind, NodeError> {
    let path = options.path.display();
    Err(NodeError::fatal(format!(
        "{path} is a device or a pipe, and only plain files can be used on this system; \
         use a node type for MIDI ports instead"
    )))
}

/// Creates what the options say, if nothing is there yet.
fn create(what: Create, options: &Raw) -> Result<(), NodeError> {
    let made = match what {
        Create::File => create_new(&options.path, options.permissions).map(drop),
        #[cfg(unix)]
        Create::Fifo => crate::stream::make_fifo(&options.path, options.permissions),
        #[cfg(not(unix))]
        Create::Fifo => return Err(NodeError::fatal("there are no FIFOs on this system; take create out")),
    };
    let wrong_kind = |found: Metadata| match what {
        Create::File if found.is_file() => None,
        Create::File => Some("no plain file"),
        Create::Fifo if is_fifo(&found) => None,
        Create::Fifo => Some("no FIFO"),
    };
    match made {
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            match std::fs::metadata(&options.path).ok().and_then(wrong_kind) {
                Some(kind) => Err(NodeError::fatal(format!(
                    "{} exists already and is {kind}; choose another path, or take create out",
                    options.path.display()
                ))),
                None => Ok(()),
            }
        }
        made => made.map_err(|e| NodeError::retry(io_text("create", &options.path, &e))),
    }
}

#[cfg(unix)]
fn is_fifo(found: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&found.file_type())
}

#[cfg(not(unix))]
fn is_fifo(_: &Metadata) -> bool {
    false
}
