//! `midibay monitor`: every event that passes, in words or as JSON.

mod print;

use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use midibay::graph::{Graph, NodeKind};
use midibay::{Engine, EngineOptions, Registry};

use super::{Opened, graph_name};
use crate::args::Monitor;
use crate::failure::{self, Failure};
use crate::signals::{self, Signal};
use crate::tap::Taps;
use crate::troubles::Troubles;
use crate::{node_text, registry, say};
use print::Printer;

/// Between two looks at what was caught. A person sees no delay, and the processor has nothing to do.
const GLANCE: Duration = Duration::from_millis(10);
/// Between two lines of rates.
const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &Monitor) -> Result<(), Failure> {
    let (mut graph, mut registry, name) = open(args)?;
    let mut taps = Taps::default();
    taps.attach(0, &mut graph, |node| match args.on.as_slice() {
        [] => node.kind == NodeKind::Endpoint,
        names => names.contains(&node.name),
    });
    registry.add(Taps::module()).map_err(|clash| Failure::new(clash.to_string()))?;
    let (tell, signals) = channel();
    // Nobody may listen any more at the end.
    signals::listen(move |signal| _ = tell.send(signal))
        .map_err(|error| Failure::new(format!("signals cannot be listened to: {error}")))?;
    let options = EngineOptions { name, ..EngineOptions::default() };
    let engine = Engine::start(graph, registry, options).map_err(|error| Failure::new(error.to_string()))?;
    say::line("ready");

    let live = std::io::stdout().is_terminal() && !args.json;
    let mut printer = Printer::new(&taps, args.json, live);
    let done = watch(args, &engine, &signals, &mut printer);
    let stopped = engine.stop();
    match done {
        Ok(()) => {
            printer.end();
            stopped.map_err(|error| Failure::new(error.to_string()))
        }
        Err(failure) => Err(failure),
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

/// Until somebody wants it to end, or enough has been seen.
fn watch(
    args: &Monitor,
    engine: &Engine,
    signals: &std::sync::mpsc::Receiver<Signal>,
    printer: &mut Printer<'_>,
) -> Result<(), Failure> {
    let mut next = Instant::now() + SECOND;
    let mut troubles = Troubles::default();
    loop {
        match signals.recv_timeout(GLANCE) {
            // SIGHUP: the terminal it wrote to is gone.
            Ok(Signal::Stop | Signal::Reload) | Err(RecvTimeoutError::Disconnected) => {
                printer.drain(args.count)?;
                return Ok(());
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if printer.drain(args.count)? {
            return Ok(());
        }
        if Instant::now() >= next {
            next += SECOND;
            troubles.tell(&engine.status());
            printer.second()?;
        }
    }
}
