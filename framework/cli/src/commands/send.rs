//! `midibay send`: a few messages through an endpoint, then the end.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use midibay::graph::{Graph, NodeKind, NodeSpec, PortRef, Ports, Route};
use midibay::{AppInput, Engine, EngineOptions, NodeStatus};
use midibay_ump::{Held, Message, Midi1Voice, Ump};

use crate::args::Send;
use crate::failure::{self, Failure};
use crate::message::{self, Step};
use crate::signals::{self, Signal};
use crate::{node_text, registry, say};

/// The node type of the program's own way into the graph.
const INPUT: &str = "midibay send";
/// How long the endpoint may take to find its device or network, and to take what is sent.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at it.
const GLANCE: Duration = Duration::from_millis(1);

pub(crate) fn run(args: &Send) -> Result<(), Failure> {
    let steps = message::read(&args.messages)?;
    let mut registry = registry::open(&[], &args.plugins)?;
    let mut graph = node_text::graph(std::slice::from_ref(&args.node), &registry)?;
    let port = input_port(&graph.nodes[0], args)?;
    let input = registry.add_input(INPUT, 1 << 12).map_err(|clash| Failure::new(clash.to_string()))?;
    feed(&mut graph, port);
    let (tell, signals) = channel();
    // Nobody may listen any more at the end.
    signals::listen(move |signal| _ = tell.send(signal))
        .map_err(|error| Failure::new(format!("signals cannot be listened to: {error}")))?;

    let options = EngineOptions { name: "send".into(), ..EngineOptions::default() };
    let engine = Engine::start(graph, registry, options).map_err(|error| Failure::new(error.to_string()))?;
    let mut sender = Sender { engine: &engine, input, signals, sent: 0, held: Held::boxed() };
    let done = sender.wait_until_open().and_then(|()| sender.send(&steps, Duration::from_millis(args.after)));
    match done {
        Ok(Ending::Done) => {
            let held = std::mem::replace(&mut sender.held, Held::boxed());
            leave(engine, held);
            Ok(())
        }
        // Whatever is on is released with the engine.
        Ok(Ending::Stopped) => engine.stop().map_err(|error| Failure::new(error.to_string())),
        Err(failure) => Err(failure),
    }
}

/// The index of the input port to send to.
fn input_port(node: &NodeSpec, args: &Send) -> Result<u16, Failure> {
    if node.kind != NodeKind::Endpoint {
        return Err(Failure::new(format!(
            "`{}` is a processor: nothing can be sent through it",
            node.type_name
        ))
        .help("name an endpoint; `midibay plugins` lists them"));
    }
    let inputs = &node.ports.inputs;
    let at = match (&args.port, inputs.as_slice()) {
        (_, []) => {
            return Err(Failure::new("with these options nothing can be sent through the endpoint")
                .help(format!("`midibay plugins {}` tells what the options do", node.type_name)));
        }
        (None, [_]) => Some(0),
        (None, _) => inputs.iter().position(String::is_empty),
        (Some(name), _) => inputs.iter().position(|port| port == name),
    };
    at.map(|at| at as u16).ok_or_else(|| {
        let names = failure::list(inputs.iter().cloned());
        match &args.port {
            Some(name) => Failure::new(format!("the endpoint has no input port `{name}`")),
            None => Failure::new("the endpoint has several input ports"),
        }
        .help(match inputs.as_slice() {
            [only] if only.is_empty() => "its only one has no name: leave --port out".to_owned(),
            _ => format!("choose one with --port: {names}"),
        })
    })
}

/// Puts the program's input in front of the endpoint.
fn feed(graph: &mut Graph, port: u16) {
    graph.nodes.push(NodeSpec {
        name: INPUT.to_owned(),
        type_name: INPUT.to_owned(),
        kind: NodeKind::Endpoint,
        config: serde_json::json!({}),
        ports: Ports { inputs: Vec::new(), outputs: vec![String::new()] },
    });
    let hop = (PortRef { node: 1, port: 0 }, PortRef { node: 0, port });
    graph.routes.push(Route { text: INPUT.to_owned(), hops: vec![hop] });
}

enum Ending {
    Done,
    Stopped,
}

struct Sender<'a> {
    engine: &'a Engine,
    input: AppInput,
    signals: Receiver<Signal>,
    sent: u64,
    held: Box<Held>,
}

impl Sender<'_> {
    fn endpoint(&self) -> Result<NodeStatus, Failure> {
        let status = self.engine.status();
        status.nodes.into_iter().next().ok_or_else(|| Failure::new("the endpoint is gone"))
    }

    /// Until the endpoint says that it works, at least in part.
    fn wait_until_open(&self) -> Result<(), Failure> {
        let end = Instant::now() + PATIENCE;
        loop {
            let node = self.endpoint()?;
            match node.health {
                "ok" | "degraded" => return Ok(()),
                _ if Instant::now() > end => {
                    return Err(Failure::new(format!("the endpoint is not open: {}", node.reason))
                        .help("nothing was sent; `midibay ports` lists what there is"));
                }
                _ => {}
            }
            if self.signals.recv_timeout(GLANCE).is_ok() {
                return Err(Failure::new("stopped before anything was sent"));
            }
        }
    }

    fn send(&mut self, steps: &[Step], pause: Duration) -> Result<Ending, Failure> {
        let mut first = true;
        for step in steps {
            match step {
                Step::Send(packets) => {
                    if !std::mem::replace(&mut first, false) && self.stopped_within(pause) {
                        return Ok(Ending::Stopped);
                    }
                    for packet in packets {
                        self.post(*packet)?;
                    }
                    self.wait_until_taken()?;
                }
                Step::Wait(time) => {
                    if self.stopped_within(*time) {
                        return Ok(Ending::Stopped);
                    }
                    first = true;
                }
            }
        }
        Ok(Ending::Done)
    }

    /// Whether somebody wants it to end within this time.
    fn stopped_within(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        // SIGHUP ends it too: there is nothing to reload, and the terminal is gone.
        match self.signals.recv_timeout(time) {
            Ok(Signal::Stop | Signal::Reload) => true,
            Err(RecvTimeoutError::Timeout) => false,
            // No signals can come any more; the time still has to pass.
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(end.saturating_duration_since(Instant::now()));
                false
            }
        }
    }

    fn post(&mut self, packet: Ump) -> Result<(), Failure> {
        let end = Instant::now() + PATIENCE;
        while self.input.send(packet).is_err() {
            if Instant::now() > end {
                return Err(Failure::new("the endpoint takes no more"));
            }
            std::thread::sleep(GLANCE);
        }
        self.held.apply(&packet);
        self.sent += 1;
        Ok(())
    }

    /// Until the endpoint has been given everything, and has not dropped any of it.
    fn wait_until_taken(&self) -> Result<(), Failure> {
        let end = Instant::now() + PATIENCE;
        loop {
            let node = self.endpoint()?;
            let dropped: u64 = node.drops.values().sum();
            if dropped > 0 {
                let reasons: Vec<String> =
                    node.drops.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
                let why = if node.reason.is_empty() { String::new() } else { format!(": {}", node.reason) };
                return Err(Failure::new(format!("not everything was sent ({}){why}", reasons.join(", "))));
            }
            if node.events_in >= self.sent {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(Failure::new(format!(
                    "the endpoint took {} of {} packets",
                    node.events_in, self.sent
                )));
            }
            std::thread::sleep(GLANCE);
        }
    }
}

/// Ends, leaving on what was meant to be left on: a script that sends a Note On now sends its Note Off
/// later. Stopping the engine would release it, so the engine just ends with the program then.
fn leave(engine: Engine, mut held: Box<Held>) {
    if held.is_empty() {
        // What fails here comes after everything was sent.
        let _ = engine.stop();
        return;
    }
    let mut notes = Vec::new();
    held.release_all(|packet| {
        if let Message::Midi1 { channel, voice: Midi1Voice::NoteOff { note, .. }, group } =
            Message::decode(&packet)
        {
            let group = if group == 0 { String::new() } else { format!("g{} ", group + 1) };
            notes.push(format!("note-off {group}ch{} {note}", channel + 1));
        }
    });
    if !notes.is_empty() {
        say::note(&format!("still on; ends with: {}", notes.join(", ")));
    }
    std::mem::forget(engine);
}
