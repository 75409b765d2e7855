//! What tests and benchmarks that need several parts, processes or hosts stand on.
//!
//! | module | what it gives |
//! |---|---|
//! | [`mod@need`] | says what a test needs of the machine; skips, or fails where `CI=true` |
//! | [`process`] | a child program whose output is read, waited for and which never outlives the test |
//! | [`netns`] | hosts as network namespaces on a switch of their own; links that go down and come back |
//! | [`jack`], [`qmidinet`] | a JACK server without a sound card; the peer people use for ipMIDI |
//! | [`artifact`] | the built `midibay` program and plugin libraries |
//! | [`load`] | a load generator for anything that sends UDP datagrams back |
//!
//! Nothing here sleeps to get two things in step: every wait is for a condition, with a deadline.
//! Everything that is started or created is named after this process and taken away on drop, so
//! tests run beside each other.

pub mod artifact;
mod error;
pub mod load;
pub mod need;
pub mod process;

#[cfg(target_os = "linux")]
pub mod jack;
#[cfg(target_os = "linux")]
pub mod netns;
#[cfg(target_os = "linux")]
pub mod qmidinet;

pub use error::Error;
pub use process::Process;

use std::time::{Duration, Instant};

/// How long a test waits for something that normally takes milliseconds, so that a loaded machine
/// does not fail it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Asks `condition` again and again until it answers `Some`, at most for `patience`.
///
/// The pause between two questions is 2 ms: short beside what is waited for, long enough not to
/// take the processor from the programs under test.
///
/// # Errors
/// [`Error::TimedOut`] naming `what`.
pub fn wait_for<T>(
    what: &str,
    patience: Duration,
    mut condition: impl FnMut() -> Option<T>,
) -> Result<T, Error> {
    let end = Instant::now() + patience;
    loop {
        if let Some(found) = condition() {
            return Ok(found);
        }
        if Instant::now() >= end {
            return Err(Error::TimedOut { what: what.to_owned(), patience, output: String::new() });
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
