//! What the system asks of the program.

/// A wish of the system or of the person at the terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Signal {
    /// SIGINT or SIGTERM: end cleanly.
    Stop,
    /// SIGHUP: read the graph files again.
    Reload,
}

/// Calls `tell` for each signal, on a thread of its own. The second wish to stop ends the program at
/// once, with exit code 130: the first may hang.
///
/// # Errors
/// What the system says.
#[cfg(unix)]
pub(crate) fn listen(mut tell: impl FnMut(Signal) + Send + 'static) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        let mut stopping = false;
        for signal in signals.forever() {
            if signal == SIGHUP {
                tell(Signal::Reload);
            } else if std::mem::replace(&mut stopping, true) {
                at_once();
            } else {
                tell(Signal::Stop);
            }
        }
    })?;
    Ok(())
}

/// As on other systems, without SIGHUP. Signals set a flag there that has to be looked at.
#[cfg(not(unix))]
pub(crate) fn listen(mut tell: impl FnMut(Signal) + Send + 'static) -> std::io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    let asked = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGINT, Arc::clone(&asked))?;
    signal_hook::flag::register(SIGTERM, Arc::clone(&asked))?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        let mut stopping = false;
        loop {
            std::thread::sleep(std::time::Duration::from_millis(50));
            if asked.swap(false, Ordering::AcqRel) {
                if std::mem::replace(&mut stopping, true) {
                    at_once();
                }
                tell(Signal::Stop);
            }
        }
    })?;
    Ok(())
}

/// Ends without any goodbye but to the terminal.
fn at_once() -> ! {
    crate::view::terminal::restore();
    signal_hook::low_level::exit(130)
}
