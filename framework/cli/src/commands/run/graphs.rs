//! The graphs that run, each on an engine of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use midibay::graph::{Graph, NodeSpec};
use midibay::{Engine, EngineOptions, Registry, ReloadReport, Status};
use serde_json::{Value, json};

use super::super::{Opened, graph_name};
use crate::args::Run;
use crate::failure::Failure;
use crate::say;
use crate::tap::{self, Taps};
use crate::watch::Watch;

/// How long an engine may take to answer the watchdog. It answers in microseconds.
const ANSWER: Duration = Duration::from_secs(2);

/// All of them.
pub(super) struct Graphs {
    list: Vec<One>,
    taps: Taps,
    tapped: bool,
}

struct One {
    file: PathBuf,
    name: String,
    engine: Engine,
    files: Vec<PathBuf>,
    /// Files with the mistakes that a reload met: they are watched too, until they are mended.
    broken: Vec<PathBuf>,
    nodes: usize,
    /// The nodes that play a file.
    players: Vec<String>,
}

/// A graph ready to run.
struct Prepared {
    graph: Graph,
    registry: Registry,
    files: Vec<PathBuf>,
    nodes: usize,
    players: Vec<String>,
}

impl Graphs {
    /// Reads all graphs, then starts them.
    ///
    /// # Errors
    /// What is wrong with any of them. None runs then.
    pub(super) fn start(args: &Run, mut watch: Option<&mut Watch>) -> Result<Self, Failure> {
        check_names(args)?;
        let mut graphs = Self { list: Vec::new(), taps: Taps::default(), tapped: args.view };
        let mut prepared = Vec::new();
        let mut failed = false;
        for (at, file) in args.graphs.iter().enumerate() {
            match graphs.prepare(at, file, args, watch.as_deref_mut()) {
                Ok(one) => prepared.push(one),
                // The mistakes of the others are told too.
                Err(failure) => {
                    failure.tell();
                    failed = true;
                }
            }
        }
        if failed {
            return Err(Failure::Told);
        }
        if args.exit_when_done && prepared.iter().all(|one| one.players.is_empty()) {
            return Err(Failure::new(
                "no node of these graphs plays a file, so --exit-when-done would never end",
            )
            .help("leave it out, or add a node of type = \"file\" with the path of a MIDI file"));
        }
        for (file, one) in args.graphs.iter().zip(prepared) {
            let name = graph_name(file);
            let Prepared { graph, registry, files, nodes, players } = one;
            let realtime = !args.normal_priority;
            let options = EngineOptions { name: name.clone(), realtime, ..EngineOptions::default() };
            let engine = Engine::start(graph, registry, options)
                .map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
            graphs.list.push(One {
                file: file.clone(),
                name,
                engine,
                files,
                broken: Vec::new(),
                nodes,
                players,
            });
        }
        Ok(graphs)
    }

    fn prepare(
        &mut self,
        at: usize,
        file: &Path,
        args: &Run,
        watch: Option<&mut Watch>,
    ) -> Result<Prepared, Failure> {
        let mut opened = Opened::read(file, &args.overrides.set, &args.plugins)?;
        if let Some(watch) = watch {
            // What was written between the reading and the watching would go unnoticed.
            while watch.add(&opened.loaded.graph.files)? {
                opened = Opened::read(file, &args.overrides.set, &args.plugins)?;
            }
        }
        opened.warn();
        let Opened { loaded, mut registry, .. } = opened;
        let mut graph = loaded.graph;
        let nodes = graph.nodes.len();
        let players = graph.nodes.iter().filter(|node| plays(node)).map(|node| node.name.clone()).collect();
        if self.tapped {
            self.taps.attach(at, &mut graph, |node| node.kind == midibay::graph::NodeKind::Endpoint);
            registry.add(Taps::module()).map_err(|clash| Failure::new(clash.to_string()))?;
        }
        Ok(Prepared { files: graph.files.clone(), graph, registry, nodes, players })
    }

    /// Reads all files again and goes over to what they say. A graph with mistakes runs on as it was.
    pub(super) fn reload(&mut self, args: &Run, mut watch: Option<&mut Watch>) {
        for at in 0..self.list.len() {
            let file = self.list[at].file.clone();
            let prepared = match self.prepare(at, &file, args, watch.as_deref_mut()) {
                Ok(prepared) => prepared,
                Err(failure) => {
                    self.list[at].broken = failure.files();
                    if let Some(Err(failure)) = watch.as_mut().map(|watch| watch.add(&self.list[at].broken)) {
                        failure.tell();
                    }
                    failure.tell();
                    say::line(&format!("{}: not reloaded, the old graph runs on", file.display()));
                    continue;
                }
            };
            let one = &mut self.list[at];
            if prepared.nodes == 0 && one.nodes > 0 {
                // An editor that empties a file before it writes it, or finds no room to.
                let text = format!("{}: there is no node in it any more", file.display());
                say::error(&text, "write the graph again; to end the show press Ctrl-C");
                say::line(&format!("{}: not reloaded, the old graph runs on", file.display()));
                continue;
            }
            match one.engine.reload_with(prepared.graph, prepared.registry) {
                Ok(report) => {
                    say::line(&format!("{}: reloaded, {}", file.display(), summary(&report)));
                    one.files = prepared.files;
                    one.broken.clear();
                    one.nodes = prepared.nodes;
                    one.players = prepared.players;
                }
                Err(error) => {
                    say::error(&format!("{}: {error}", file.display()), "");
                    say::line(&format!("{}: not reloaded, the old graph runs on", file.display()));
                }
            }
        }
        if let Some(watch) = watch {
            watch.keep(&self.files());
        }
    }

    /// All files that the graphs were read from, or could not be.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.list.iter().flat_map(|one| one.files.iter().chain(&one.broken).cloned()).collect()
    }

    pub(super) fn taps(&self) -> &Taps {
        &self.taps
    }

    /// `2 graphs, 7 nodes`.
    pub(super) fn summary(&self) -> String {
        let names: Vec<&str> = self.list.iter().map(|one| one.name.as_str()).collect();
        let nodes: usize = self.list.iter().map(|one| one.nodes).sum();
        format!("running {} ({nodes} nodes)", names.join(", "))
    }

    pub(super) fn each_status(&self, mut look: impl FnMut(Status)) {
        self.statuses().into_iter().for_each(&mut look);
    }

    /// How the graphs are, without what the program added to look at them.
    pub(super) fn statuses(&self) -> Vec<Status> {
        let statuses = self.list.iter().map(|one| {
            let mut status = one.engine.status();
            status.nodes.retain(|node| node.type_name != tap::TYPE);
            status.routes.retain(|route| !tap::is_route(&route.text));
            status
        });
        statuses.collect()
    }

    /// All counters, for other programs.
    pub(super) fn statistics(&self) -> Vec<Value> {
        let both = self.list.iter().zip(self.statuses());
        both.map(|(one, status)| json!({ "name": one.name, "file": one.file, "status": status })).collect()
    }

    /// Whether every engine's thread answers.
    pub(super) fn answer(&self) -> bool {
        self.list.iter().all(|one| match one.engine.ping(ANSWER) {
            Ok(()) => true,
            Err(error) => {
                say::error(&format!("{}: {error}", one.name), "the service manager will start Midibay again");
                false
            }
        })
    }

    /// Whether all files that are played have come to their end.
    pub(super) fn played(&self) -> bool {
        self.list.iter().filter(|one| !one.players.is_empty()).all(|one| {
            let status = one.engine.status();
            one.players.iter().all(|name| {
                let state = status.node(name).and_then(|node| node.properties.get("state"));
                state.is_some_and(|state| state == "ended")
            })
        })
    }

    /// Stops them all; everything held is released.
    ///
    /// # Errors
    /// An engine had ended before.
    pub(super) fn stop(self) -> Result<(), Failure> {
        let mut done = Ok(());
        for one in self.list {
            if let Err(error) = one.engine.stop() {
                done = Err(Failure::new(format!("{}: {error}", one.name)));
            }
        }
        done
    }
}

/// Two graphs of one name could not be told apart in the log.
fn check_names(args: &Run) -> Result<(), Failure> {
    let names: Vec<String> = args.graphs.iter().map(|file| graph_name(file)).collect();
    if let Some(at) = (1..names.len()).find(|at| names[..*at].contains(&names[*at])) {
        return Err(Failure::new(format!("two graphs have the name `{}`", names[at]))
            .help("name each file once, and give files in different folders different names"));
    }
    for set in args.overrides.set.iter().filter_map(|set| set.graph.as_ref()) {
        if !names.contains(set) {
            return Err(Failure::new(format!("--set names the graph `{set}`, and no such graph is run"))
                .help(format!("the graphs are {}", names.join(", "))));
        }
    }
    Ok(())
}

/// Whether a node plays a MIDI file: then it says so when it has come to the end.
fn plays(node: &NodeSpec) -> bool {
    node.type_name == "file" && midibay_bundle::plays_a_file(&node.config)
}

fn summary(report: &ReloadReport) -> String {
    let parts = [
        (&report.added, "added"),
        (&report.removed, "removed"),
        (&report.replaced, "replaced"),
        (&report.reconfigured, "changed as they ran"),
    ];
    let own = |names: &[String]| names.iter().filter(|name| !tap::is_name(name)).cloned().collect::<Vec<_>>();
    let told: Vec<String> = parts
        .iter()
        .map(|(names, what)| (own(names), what))
        .filter(|(names, _)| !names.is_empty())
        .map(|(names, what)| format!("{what}: {}", names.join(", ")))
        .collect();
    if told.is_empty() { "all nodes run on".to_owned() } else { told.join("; ") }
}
