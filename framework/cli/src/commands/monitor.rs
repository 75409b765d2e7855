//! `midibay monitor`: every event that passes, in words or as JSON.

mod print;

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use midibay::graph::{Graph, NodeKind};
use midibay::{Engine, EngineOptions, Registry};

use super::{Opened, graph_name};
use crate::args::Monitor;
use crate::failure::{self, Failure};
use crate::signals;
use crate::tap::Taps;
use crate::troubles::Troubles;
use crate::{node_text, registry, say};
use print::Printer;

/// Between two looks at the health of the nodes.
const SECOND: Duration = Duration::from_secs(1);
/// How long the last lines may take. A reader that is stalled would never take them.
const PATIENCE: Duration = Duration::from_millis(500);

/// Something happened.
enum Wake {
    /// Somebody wants it to end. SIGHUP counts too: the terminal it wrote to is gone.
    Stop,
    /// The printer has ended.
    Printed(Result<(), Failure>),
}

pub(crate) fn run(args: &Monitor) -> Result<(), Failure> {
    let (mut graph, mut registry, name) = open(args)?;
    let mut taps = Taps::default();
    taps.attach(0, &mut graph, |node| match args.on.as_slice() {
        [] => node.kind == NodeKind::Endpoint,
        names => names.contains(&node.name),
    });
    registry.add(Taps::module()).map_err(|clash| Failure::new(clash.to_string()))?;
    let (tell, wakes) = channel();
    let teller = tell.clone();
    // Nobody may listen any more at the end.
    signals::listen(move |_| _ = teller.send(Wake::Stop))
        .map_err(|error| Failure::new(format!("signals cannot be listened to: {error}")))?;
    let options = EngineOptions { name, ..EngineOptions::default() };
    let engine = Engine::start(graph, registry, options).map_err(|error| Failure::new(error.to_string()))?;
    say::line("ready");

    // A thread of its own: a reader that is stalled does not keep the program from ending well.
    let stop = Arc::new(AtomicBool::new(false));
    let live = std::io::stdout().is_terminal() && !args.json;
    let printer = Printer::new(taps.places(), args.json, live);
    let (count, stopping) = (args.count, Arc::clone(&stop));
    std::thread::Builder::new()
        .name("printer".into())
        .spawn(move || _ = tell.send(Wake::Printed(printer.run(count, &stopping))))
        .map_err(|error| Failure::new(format!("nothing can be printed: {error}")))?;

    let ended = watch(&engine, &wakes);
    let stopped = engine.stop().map_err(|error| Failure::new(error.to_string()));
    stop.store(true, Ordering::Release);
    let printed = match ended {
        Some(printed) => printed,
        None => last_words(&wakes),
    };
    printed.and(stopped)
}

/// Until somebody wants it to end; or until the printer has, and then how.
fn watch(engine: &Engine, wakes: &Receiver<Wake>) -> Option<Result<(), Failure>> {
    let mut troubles = Troubles::default();
    loop {
        match wakes.recv_timeout(SECOND) {
            Ok(Wake::Stop) | Err(RecvTimeoutError::Disconnected) => return None,
            Ok(Wake::Printed(done)) => return Some(done),
            Err(RecvTimeoutError::Timeout) => troubles.tell(&engine.status()),
        }
    }
}

/// What the printer says at its end, if it comes to it.
fn last_words(wakes: &Receiver<Wake>) -> Result<(), Failure> {
    loop {
        match wakes.recv_timeout(PATIENCE) {
            Ok(Wake::Printed(done)) => return done,
            Ok(Wake::Stop) => {}
            Err(_) => return Ok(()),
        }
    }
}

/// What is to be watched.
fn open(args: &Monitor) -> Result<(Graph, Registry, String), Failure> {
    let Some(file) = &args.graph else {
        let registry = registry::open(&[], &args.plugins)?;
        let graph = node_text::graph(&args.node, &registry)?;
        if let Some(node) = graph.nodes.iter().find(|node| node.kind == NodeKind::Processor) {
            return Err(Failure::new(format!(
                "`{}` is a processor: by itself it has no events",
                node.type_name
            ))
            .help("name an endpoint, or watch a graph file that uses it"));
        }
        return Ok((graph, registry, "monitor".to_owned()));
    };
    let opened = Opened::read(file, &args.overrides.set, &args.plugins)?;
    opened.warn();
    let Opened { loaded, registry, .. } = opened;
    for name in &args.on {
        if !loaded.graph.nodes.iter().any(|node| node.name == *name) {
            let names = failure::list(loaded.graph.nodes.iter().map(|node| node.name.clone()));
            return Err(Failure::new(format!("there is no node `{name}` in {}", file.display()))
                .help(format!("its nodes are {names}")));
        }
    }
    Ok((loaded.graph, registry, graph_name(file)))
}
