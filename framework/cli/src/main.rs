//! `midibay`: a MIDI patchbay for a network, as one program.
//!
//! Each command is a room in `commands`; what several of them use lies beside it. Everything that a
//! person reads goes through [`say`]; everything that another program reads goes through [`output`].

mod args;
mod commands;
mod failure;
mod log;
mod message;
mod node_text;
mod options_text;
mod output;
mod registry;
mod say;
#[cfg(target_os = "linux")]
mod service;
mod signals;
mod style;
mod tap;
mod troubles;
mod view;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::parse();
    log::start(args.log.as_deref());
    let done = match &args.command {
        Command::Run(args) => commands::run::run(args),
        Command::Check(args) => commands::check::run(args),
        Command::Plugins(args) => commands::plugins::run(args),
        Command::Ports(args) => commands::ports::run(args),
        Command::Monitor(args) => commands::monitor::run(args),
        Command::Send(args) => commands::send::run(args),
        Command::NewPlugin(args) => commands::new_plugin::run(args),
        Command::Schema(args) => commands::schema::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}
