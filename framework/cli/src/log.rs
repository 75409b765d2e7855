//! The log: what Midibay and its plugins note as they run.

use tracing_subscriber::EnvFilter;

use crate::{say, style};

/// Starts it. `filter` is `--log`; without it RUST_LOG counts, and without that info of Midibay.
pub(crate) fn start(filter: Option<&str>) {
    let filter = match filter {
        Some(filter) => read(filter),
        None => match std::env::var("RUST_LOG") {
            Ok(filter) if !filter.trim().is_empty() => read(&filter),
            _ => EnvFilter::new(DEFAULT),
        },
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| say::Log)
        .with_ansi(style::stderr().is_color())
        .with_target(false)
        .without_time()
        .init();
}

const DEFAULT: &str = "warn,midibay=info";

fn read(filter: &str) -> EnvFilter {
    // A level alone means Midibay's own, not that of every library below.
    let plain = filter.trim();
    let own = match plain {
        "error" | "warn" | "info" | "debug" | "trace" => format!("warn,midibay={plain}"),
        _ => plain.to_owned(),
    };
    EnvFilter::try_new(&own).unwrap_or_else(|error| {
        say::warning(
            &format!("`{plain}` is no filter for the log: {error}"),
            "write error, warn, info or debug",
        );
        EnvFilter::new(DEFAULT)
    })
}
