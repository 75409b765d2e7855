//! What can stand on the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// A MIDI patchbay for a network.
#[derive(Parser)]
#[command(
    name = "midibay",
    version,
    about,
    long_about = "A MIDI patchbay for a network. A graph file says which MIDI devices, network sessions and \
                  files there are and what goes where; `midibay run` makes it so.",
    after_help = "Start with `midibay ports` to see what this machine has, and `midibay plugins` to see what \
                  can be done with it. Then write a graph file, `midibay check` it and `midibay run` it."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// What to log to standard error: error, warn, info, debug, or a filter such as
    /// "midibay=debug,notify=warn". Default: what RUST_LOG says, else info of Midibay itself
    #[arg(long, value_name = "FILTER", global = true)]
    pub(crate) log: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run one or more graph files until Ctrl-C
    Run(Run),
    /// Look for mistakes in a graph file without running it
    Check(Check),
    /// List the plugins and node types, or all about one node type
    Plugins(Plugins),
    /// List what this machine has to connect to, and what to write to use it
    Ports(Ports),
    /// Show the events that pass, decoded, as they happen
    Monitor(Monitor),
    /// Send MIDI messages through an endpoint
    Send(Send),
    /// Write a new plugin crate that builds and loads as it is
    NewPlugin(NewPlugin),
    /// Print the JSON Schema of graph files, for completion in editors
    Schema(Schema),
}

/// Where plugins come from.
#[derive(clap::Args, Clone, Default)]
pub(crate) struct PluginPath {
    /// A folder with plugin libraries, or one library; may be given several times. Also looked at:
    /// `[plugins] path` of the graph, MIDIBAY_PLUGIN_PATH, and midibay-plugins beside this program
    #[arg(long = "plugin-path", value_name = "PATH")]
    pub(crate) plugin_path: Vec<PathBuf>,
}

/// Values over those in the graph file.
#[derive(clap::Args, Clone, Default)]
pub(crate) struct Overrides {
    /// Lay a value over the one in the file: NODE.OPTION=VALUE, for example up.semitones=12. With
    /// several graphs GRAPH/NODE.OPTION=VALUE means the one of that name (file name without .toml)
    #[arg(long = "set", value_name = "NODE.OPTION=VALUE", value_parser = parse_set)]
    pub(crate) set: Vec<Set>,
}

/// One `--set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Set {
    /// The graph it is for; all of them if none.
    pub(crate) graph: Option<String>,
    /// `node.option`.
    pub(crate) path: String,
    pub(crate) value: String,
}

fn parse_set(text: &str) -> Result<Set, String> {
    let (path, value) = text.split_once('=').ok_or("there is no = in it; write NODE.OPTION=VALUE")?;
    let (graph, path) = match path.split_once('/') {
        Some((graph, path)) => (Some(graph.trim().to_owned()), path),
        None => (None, path),
    };
    Ok(Set { graph, path: path.trim().to_owned(), value: value.trim().to_owned() })
}

#[derive(clap::Args)]
pub(crate) struct Run {
    /// The graph files. Each runs on an engine of its own
    #[arg(value_name = "GRAPH", required = true)]
    pub(crate) graphs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) overrides: Overrides,
    #[command(flatten)]
    pub(crate) plugins: PluginPath,
    /// Reload when a graph file or one of its includes changes. SIGHUP reloads in any case
    #[arg(long)]
    pub(crate) watch: bool,
    /// Show what goes through: a live picture on a terminal, else a line a second
    #[arg(long)]
    pub(crate) view: bool,
    /// End when every file that is played has come to its end
    #[arg(long)]
    pub(crate) exit_when_done: bool,
    /// Do not ask the system for real-time priority
    #[arg(long)]
    pub(crate) normal_priority: bool,
    /// Print all counters as JSON to standard output at the end
    #[arg(long)]
    pub(crate) stats_json: bool,
}

#[derive(clap::Args)]
pub(crate) struct Check {
    /// The graph file
    #[arg(value_name = "GRAPH")]
    pub(crate) graph: PathBuf,
    #[command(flatten)]
    pub(crate) overrides: Overrides,
    #[command(flatten)]
    pub(crate) plugins: PluginPath,
    /// Print the result as JSON to standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(clap::Args)]
pub(crate) struct Plugins {
    /// A node type: print its options, ports, commands and properties
    #[arg(value_name = "TYPE")]
    pub(crate) node_type: Option<String>,
    #[command(flatten)]
    pub(crate) plugins: PluginPath,
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(clap::Args)]
pub(crate) struct Ports {
    #[command(flatten)]
    pub(crate) plugins: PluginPath,
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(clap::Args)]
pub(crate) struct Monitor {
    /// A graph file to run and watch
    #[arg(value_name = "GRAPH", required_unless_present = "node")]
    pub(crate) graph: Option<PathBuf>,
    /// An endpoint to open and watch: TYPE,OPTION=VALUE,... for example ip-midi,interface=lo
    #[arg(long, value_name = "TYPE,OPTION=VALUE,...", conflicts_with_all = ["graph", "on"])]
    pub(crate) node: Vec<String>,
    /// Only the events of this node of the graph; may be given several times. Default: all endpoints
    #[arg(long, value_name = "NODE")]
    pub(crate) on: Vec<String>,
    #[command(flatten)]
    pub(crate) overrides: Overrides,
    #[command(flatten)]
    pub(crate) plugins: PluginPath,
    /// Print each event as a JSON object on a line of its own
    #[arg(long)]
    pub(crate) json: bool,
    /// End after this many events
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
}

#[derive(clap::Args)]
#[command(after_help = "MESSAGES\n  \
    note-on ch1 60 100      note-off ch1 60      note ch1 C4 100 500    (500 ms, then off)\n  \
    cc ch1 7 100            program ch1 5        pitch ch1 8192         (0-16383, centre 8192)\n  \
    pressure ch1 60 90      aftertouch ch1 90    rpn ch1 0 256          nrpn ch1 1000 8192\n  \
    sysex 7E 7F 06 01       90 3C 64 (raw bytes) clock start continue stop reset tune-request\n  \
    song-position 16        song-select 3        active-sensing\n\
    A group stands before the channel: note-on g2 ch1 60 100. Channels and groups count from 1.")]
pub(crate) struct Send {
    /// The endpoint to send through: TYPE,OPTION=VALUE,... for example
    /// 'ip-midi,peers=["10.0.0.2:5004"]'
    #[arg(value_name = "TYPE,OPTION=VALUE,...")]
    pub(crate) node: String,
    /// The messages, one after the other
    #[arg(value_name = "MESSAGE", required = true, trailing_var_arg = true)]
    pub(crate) messages: Vec<String>,
    /// Wait this many milliseconds between two messages
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) after: u64,
    /// The input port of the endpoint, when it has several
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<String>,
    #[command(flatten)]
    pub(crate) plugins: PluginPath,
}

/// What a new plugin brings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum PluginKind {
    /// Turns events into events
    Processor,
    /// Brings events in and out
    Endpoint,
}

#[derive(clap::Args)]
pub(crate) struct NewPlugin {
    /// The name of the crate and of its node type: small letters, digits and -
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What it is to be
    #[arg(long, value_enum)]
    pub(crate) kind: PluginKind,
    /// Where to write it. Default: a new folder of that name here
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// The folder of the midibay-plugin crate to build against. Default: that of the source tree this
    /// program was built in, if it is still there, else the published crate
    #[arg(long, value_name = "PATH")]
    pub(crate) sdk: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct Schema {
    #[command(flatten)]
    pub(crate) plugins: PluginPath,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_put_together_well() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }

    #[test]
    fn set_names_a_graph_only_when_it_has_a_slash_before_the_equals_sign() {
        let set = |graph: Option<&str>, path: &str, value: &str| Set {
            graph: graph.map(str::to_owned),
            path: path.to_owned(),
            value: value.to_owned(),
        };
        assert_eq!(parse_set("in.path=/dev/midi1"), Ok(set(None, "in.path", "/dev/midi1")));
        assert_eq!(parse_set("stage/up.semitones = 12"), Ok(set(Some("stage"), "up.semitones", "12")));
        assert!(parse_set("up.semitones").is_err());
    }
}
