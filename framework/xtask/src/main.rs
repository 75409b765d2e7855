//! Tasks of the repository, as `cargo xtask TASK`. Run it without a task for the list.

mod bench;
mod ci;
mod demo;
mod fuzz;
mod licences;
mod packages;
mod piece;
mod shell;
mod signal;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask TASK

  demo                       a whole show on this machine: a MIDI file plays through processors,
                             over multicast, into a second Midibay with a live picture
  test [ARGS]                every test there is; ARGS go to cargo test
  bench [ARGS]               the network path next to a bare echo, start-up, memory, idle load;
                             ARGS go to the lab's bench program (--rounds N, --seconds S)
  bench code                 the benchmarks of single crates
  fuzz [SECONDS] [TARGET]    each fuzz target for SECONDS (20), on a stable compiler
  licences                   every dependency's licence against the list of what is allowed
  ci                         all of the above that proves a change, in stages with their times
  make-demo-midi             write examples/media/prelude.mid anew
";

/// What a task ends with: the reason goes to standard error.
type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["demo"] => demo::run(),
        ["test", rest @ ..] => test::run(rest),
        ["bench", "code"] => bench::code(),
        ["bench", rest @ ..] => bench::network(rest),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["licences"] => licences::run(),
        ["ci"] => ci::run(),
        ["make-demo-midi"] => piece::write(),
        [] | ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        [unknown, ..] => Err(format!("There is no task `{unknown}` that takes these arguments.\n\n{USAGE}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}
