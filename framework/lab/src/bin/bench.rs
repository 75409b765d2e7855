//! The whole program, measured: `bench MIDIBAY ECHO [--rounds N] [--seconds S] [--check]`.
//!
//! UDP in, a control map, UDP out, next to `udp-echo` in turns, and what the program takes to start
//! and to wait. Each ratio is taken within a round, one right after the other, and the table has the
//! medians, so that a machine that gets slower or faster meanwhile changes both sides. `--check`
//! fails when a figure is not what the project asks for.

use std::error::Error;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use lab::load::{RoundTrip, Saturation};
use lab::{PATIENCE, Process};

const USAGE: &str = "usage: bench MIDIBAY ECHO [--rounds N] [--seconds S] [--check]";
/// Starts whose median is shown.
const STARTS: usize = 11;
/// How long the idle program is watched.
const IDLE: Duration = Duration::from_secs(3);

struct Options {
    midibay: PathBuf,
    echo: PathBuf,
    rounds: usize,
    time: Duration,
    check: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, Box<dyn Error>> {
    let options = options()?;
    let echo = Side::echo(&options)?;
    let (joining, single) = (Side::midibay(&options, true)?, Side::midibay(&options, false)?);
    let mut rows = network(&options, &echo, &joining, &single)?;
    drop((echo, joining, single));
    rows.extend(program(&options)?);
    println!("{:<34} {:>12} {:>12} {:>10}   wanted", "", "echo", "midibay", "");
    for row in &rows {
        let mark = if row.good { "" } else { "  MISSED" };
        println!(
            "{:<34} {:>12} {:>12} {:>10}   {}{mark}",
            row.name, row.echo, row.midibay, row.relation, row.wanted
        );
    }
    Ok(!options.check || rows.iter().all(|row| row.good))
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (midibay, echo) = (arguments.next().ok_or(USAGE)?, arguments.next().ok_or(USAGE)?);
    let mut options = Options {
        midibay: midibay.into(),
        echo: echo.into(),
        rounds: 7,
        time: Duration::from_millis(700),
        check: false,
    };
    while let Some(option) = arguments.next() {
        let mut value = || arguments.next().ok_or(USAGE);
        match option.as_str() {
            "--rounds" => options.rounds = value()?.parse::<usize>()?.max(1),
            "--seconds" => options.time = Duration::try_from_secs_f64(value()?.parse()?)?,
            "--check" => options.check = true,
            _ => return Err(USAGE.into()),
        }
    }
    Ok(options)
}

/// A program that sends back, and the socket that talks to it.
struct Side {
    socket: UdpSocket,
    peer: SocketAddr,
    _process: Process,
}

impl Side {
    fn echo(options: &Options) -> Result<Self, Box<dyn Error>> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let process = Process::start(Command::new(&options.echo).arg("127.0.0.1:0"))?;
        let line = process.wait_for_line("ready", PATIENCE)?;
        let peer = line.trim_start_matches("ready ").parse()?;
        Ok(Self { socket, peer, _process: process })
    }

    /// `join`: messages that leave at the same time share a datagram, as they do unless the graph says
    /// otherwise.
    fn midibay(options: &Options, join: bool) -> Result<Self, Box<dyn Error>> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let graph = Graph::new(&socket, join)?;
        let process = graph.run(options)?;
        Ok(Self { socket, peer: graph.listen, _process: process })
    }

    fn round_trip(&self, time: Duration) -> Result<RoundTrip, lab::Error> {
        RoundTrip::measure(&self.socket, self.peer, time)
    }

    fn saturation(&self, events: usize, time: Duration) -> Result<Saturation, lab::Error> {
        Saturation::measure(&self.socket, self.peer, events, time)
    }
}

/// A graph file that maps all notes that come in over UDP and sends them on.
struct Graph {
    path: PathBuf,
    listen: SocketAddr,
}

impl Graph {
    fn new(answers_to: &UdpSocket, join: bool) -> std::io::Result<Self> {
        // Free a moment ago, and nobody else asks for ports in this moment.
        let listen = UdpSocket::bind("127.0.0.1:0")?.local_addr()?;
        let peer = answers_to.local_addr()?;
        let path =
            std::env::temp_dir().join(format!("midibay-bench-{}-{}.toml", std::process::id(), listen.port()));
        let text = format!(
            "[node.in]\ntype = \"ip-midi\"\nlisten = \"{listen}\"\n\n\
             [node.out]\ntype = \"ip-midi\"\npeers = [\"{peer}\"]\ncoalesce = {join}\n\n\
             [graph]\nroutes = [\"in.ch1.note{{0..127}} -> out.ch2.note{{0..127}}\"]\n"
        );
        std::fs::write(&path, text)?;
        Ok(Self { path, listen })
    }

    fn run(&self, options: &Options) -> Result<Process, lab::Error> {
        let process = Process::start(Command::new(&options.midibay).arg("run").arg(&self.path))?;
        process.wait_for_line("ready", PATIENCE)?;
        Ok(process)
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // A file in the temporary folder that somebody has removed already is no loss.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A line of the table.
struct Row {
    name: String,
    echo: String,
    midibay: String,
    relation: String,
    wanted: &'static str,
    good: bool,
}

/// Both sides of one measurement, a pair for each round.
type Pairs = Vec<(f64, f64)>;

/// A measurement under saturation.
struct Load<'s> {
    name: &'static str,
    events: usize,
    midibay: &'s Side,
    least: f64,
    wanted: &'static str,
    pairs: Pairs,
}

fn network(
    options: &Options,
    echo: &Side,
    joining: &Side,
    single: &Side,
) -> Result<Vec<Row>, Box<dyn Error>> {
    let load = |name, events, midibay, least, wanted| Load {
        name,
        events,
        midibay,
        least,
        wanted,
        pairs: Vec::new(),
    };
    let mut loads = [
        load("packets/s, 1 event each", 1, single, 0.85, ">= 0.85"),
        load("the same, joined on the way out", 1, joining, 0.85, ">= 0.85"),
        load("events/s, 8 a packet", 8, joining, 0.85, ">= 0.85"),
        load("events/s, 64 a packet", 64, joining, 0.7, ">= 0.70"),
    ];
    let (mut p50, mut p99): (Pairs, Pairs) = (Vec::new(), Vec::new());
    let mut lost = (0, 0);
    for round in 0..options.rounds {
        eprintln!("round {} of {}", round + 1, options.rounds);
        let trips = pair(round, || echo.round_trip(options.time), || joining.round_trip(options.time))?;
        p50.push((micros(trips.0.p50), micros(trips.1.p50)));
        p99.push((micros(trips.0.p99), micros(trips.1.p99)));
        lost = (lost.0 + trips.0.lost, lost.1 + trips.1.lost);
        for load in &mut loads {
            let both = pair(
                round,
                || echo.saturation(load.events, options.time),
                || load.midibay.saturation(load.events, options.time),
            )?;
            load.pairs.push((both.0.events_per_second, both.1.events_per_second));
            lost = (lost.0 + both.0.lost, lost.1 + both.1.lost);
        }
    }
    let longer = median(p50.iter().map(|(echo, midibay)| midibay - echo));
    let tail = ratio(&p99);
    let mut rows = vec![
        Row {
            relation: format!("{longer:+.1} us"),
            wanted: "<= +3 us",
            good: longer <= 3.0,
            ..row("round trip, median", &p50, |us| format!("{us:.1} us"))
        },
        Row {
            relation: format!("{tail:.2}"),
            wanted: "<= 1.25",
            good: tail <= 1.25,
            ..row("round trip, 99 of 100", &p99, |us| format!("{us:.1} us"))
        },
    ];
    for load in &loads {
        let ratio = ratio(&load.pairs);
        rows.push(Row {
            relation: format!("{ratio:.2}"),
            wanted: load.wanted,
            good: ratio >= load.least,
            ..row(load.name, &load.pairs, thousands)
        });
    }
    rows.push(Row {
        name: "packets lost".to_owned(),
        echo: lost.0.to_string(),
        midibay: lost.1.to_string(),
        relation: String::new(),
        wanted: "0",
        good: lost.1 == 0,
    });
    Ok(rows)
}

/// Measures both sides, in turns first.
fn pair<T>(
    round: usize,
    echo: impl FnOnce() -> Result<T, lab::Error>,
    midibay: impl FnOnce() -> Result<T, lab::Error>,
) -> Result<(T, T), lab::Error> {
    if round.is_multiple_of(2) {
        let echo = echo()?;
        Ok((echo, midibay()?))
    } else {
        let midibay = midibay()?;
        Ok((echo()?, midibay))
    }
}

/// What the program itself takes.
fn program(options: &Options) -> Result<Vec<Row>, Box<dyn Error>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let graph = Graph::new(&socket, true)?;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let start = Instant::now();
        let process = graph.run(options)?;
        starts.push(start.elapsed().as_secs_f64() * 1e3);
        drop(process);
    }
    let start = median(starts.into_iter());
    let alone = |name: &str, midibay: String, wanted, good| Row {
        name: name.to_owned(),
        echo: String::new(),
        midibay,
        relation: String::new(),
        wanted,
        good,
    };
    let mut rows = vec![alone("start until ready", format!("{start:.1} ms"), "< 30 ms", start < 30.0)];
    if let Some((megabytes, load)) = at_rest(options, &graph, &socket)? {
        rows.push(alone("memory in use", format!("{megabytes:.1} MB"), "< 15 MB", megabytes < 15.0));
        rows.push(alone("processor when idle", format!("{load:.3} %"), "< 0.05 %", load < 0.05));
    }
    Ok(rows)
}

/// Megabytes in use after some work, and percent of a processor while there is none; `None` where the
/// system does not say.
fn at_rest(
    options: &Options,
    graph: &Graph,
    socket: &UdpSocket,
) -> Result<Option<(f64, f64)>, Box<dyn Error>> {
    let process = graph.run(options)?;
    RoundTrip::measure(socket, graph.listen, options.time)?;
    let Some(before) = process.usage() else { return Ok(None) };
    std::thread::sleep(IDLE);
    let after = process.usage().ok_or("midibay ended while it was watched")?;
    let load = (after.cpu - before.cpu).as_secs_f64() / IDLE.as_secs_f64() * 100.0;
    Ok(Some((after.resident_bytes as f64 / 1e6, load)))
}

fn row(name: &str, pairs: &Pairs, show: impl Fn(f64) -> String) -> Row {
    Row {
        name: name.to_owned(),
        echo: show(median(pairs.iter().map(|pair| pair.0))),
        midibay: show(median(pairs.iter().map(|pair| pair.1))),
        relation: String::new(),
        wanted: "",
        good: true,
    }
}

fn ratio(pairs: &Pairs) -> f64 {
    median(pairs.iter().map(|(echo, midibay)| midibay / echo))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        length if length % 2 == 1 => values[length / 2],
        length => f64::midpoint(values[length / 2 - 1], values[length / 2]),
    }
}

fn micros(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e3
}

/// 1234567 as `1,234,567`.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
