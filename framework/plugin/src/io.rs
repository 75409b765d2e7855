//! The engine's half of [`crate::Host::watch`].

use polling::{Event, PollMode, Poller};

/// Carries out `HostVtable::io`: `op` 0 watches, 1 changes, 2 ends the watch of `fd`; `interest` has bit 0
/// for reading and bit 1 for writing. Level-triggered.
///
/// # Errors
/// What the system says.
///
/// # Safety
/// `fd` must be an open descriptor (a socket on Windows), and stay open until its watch ends.
pub unsafe fn poll_control(
    poller: &Poller,
    op: u8,
    fd: i64,
    key: usize,
    interest: u8,
) -> std::io::Result<()> {
    #[cfg(unix)]
    let source = {
        // SAFETY: the caller says it is open.
        unsafe { std::os::fd::BorrowedFd::borrow_raw(fd as std::os::fd::RawFd) }
    };
    #[cfg(windows)]
    let source = {
        // SAFETY: the caller says it is open.
        unsafe { std::os::windows::io::BorrowedSocket::borrow_raw(fd as std::os::windows::io::RawSocket) }
    };
    let event = Event::new(key, interest & 1 != 0, interest & 2 != 0);
    match op {
        // SAFETY: the caller keeps it open until the watch ends.
        0 => unsafe { poller.add_with_mode(&source, event, PollMode::Level) },
        1 => poller.modify_with_mode(source, event, PollMode::Level),
        _ => poller.delete(source),
    }
}
