//! Ctrl-C: noticed here, handed on to children.

use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whether Ctrl-C, or a service manager's request to end, came since [`watch`].
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// From now on SIGINT and SIGTERM no longer end this process; [`interrupted`] says that they came.
#[cfg(unix)]
pub(crate) fn watch() {
    extern "C" fn note(_: libc::c_int) {
        INTERRUPTED.store(true, Ordering::Relaxed);
    }
    let handler = note as extern "C" fn(libc::c_int) as libc::sighandler_t;
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the handler only stores to an atomic, which is allowed in a signal handler.
        unsafe { libc::signal(signal, handler) };
    }
}

/// Has a program start with Ctrl-C's signal not ignored, as it is ignored in everything that a script
/// starts in the background.
#[cfg(unix)]
pub(crate) fn heed(command: &mut Command) -> &mut Command {
    use std::os::unix::process::CommandExt;
    let reset = || {
        // SAFETY: the default action is no function of ours.
        unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
        Ok(())
    };
    // SAFETY: between fork and exec only `signal` is called, which is allowed there.
    unsafe { command.pre_exec(reset) }
}

/// There is no such signal to ignore.
#[cfg(not(unix))]
pub(crate) fn heed(command: &mut Command) -> &mut Command {
    command
}

/// Asks a child to end as Ctrl-C does.
#[cfg(unix)]
pub(crate) fn interrupt(child: &mut Child) {
    if let Ok(id) = libc::pid_t::try_from(child.id()) {
        // SAFETY: kill takes plain numbers. Nobody has waited for the child yet, or `try_wait` said
        // that it still runs, so the id is still its own.
        unsafe { libc::kill(id, libc::SIGINT) };
    }
}

/// Ctrl-C ends this process here, and its children get it from the console too.
#[cfg(not(unix))]
pub(crate) fn watch() {
    INTERRUPTED.store(false, Ordering::Relaxed);
}

/// There is no signal to send on this system: the child is ended.
#[cfg(not(unix))]
pub(crate) fn interrupt(child: &mut Child) {
    // Fails only when it has ended already.
    let _ = child.kill();
}
