//! Waiting until something about the machine's networks changes, or until told to stop.

use std::time::Duration;

/// How long to wait where the system does not tell of changes.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Why [`Changes::wait`] came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wake {
    /// Something may have changed, or the time is over.
    Look,
    /// The [`Stopper`] was dropped.
    Stop,
}

pub(crate) use system::{Changes, Stopper, changes};

/// Linux tells: the thread sleeps until an interface, an address or a route changes.
#[cfg(target_os = "linux")]
mod system {
    use std::io;
    use std::mem::{size_of, zeroed};
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use super::{LOOK_AGAIN, Wake};

    /// Ends the waiting when it is dropped.
    #[derive(Debug)]
    pub(crate) struct Stopper {
        _end: UnixStream,
    }

    /// Tells of changes.
    #[derive(Debug)]
    pub(crate) struct Changes {
        stop: UnixStream,
        /// Where the system refuses, the thread looks from time to time.
        netlink: Option<OwnedFd>,
    }

    /// A pair: one waits for changes, the other ends that.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn changes() -> io::Result<(Stopper, Changes)> {
        let (ours, theirs) = UnixStream::pair()?;
        Ok((Stopper { _end: ours }, Changes { stop: theirs, netlink: open_netlink().ok() }))
    }

    fn open_netlink() -> io::Result<OwnedFd> {
        // SAFETY: plain numbers.
        let fd = unsafe {
            libc::socket(
                libc::AF_NETLINK,
                libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK,
                libc::NETLINK_ROUTE,
            )
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just opened, and nobody else's.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: a plain C structure, for which zeroes are valid.
        let mut address: libc::sockaddr_nl = unsafe { zeroed() };
        address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
        address.nl_groups = (libc::RTMGRP_LINK
            | libc::RTMGRP_IPV4_IFADDR
            | libc::RTMGRP_IPV6_IFADDR
            | libc::RTMGRP_IPV4_ROUTE
            | libc::RTMGRP_IPV6_ROUTE) as u32;
        // SAFETY: the address lives through the call and is as long as it says.
        let bound = unsafe {
            libc::bind(
                socket.as_raw_fd(),
                (&raw const address).cast(),
                size_of::<libc::sockaddr_nl>() as libc::socklen_t,
            )
        };
        if bound == 0 { Ok(socket) } else { Err(io::Error::last_os_error()) }
    }

    impl Changes {
        /// Waits for a change, at most `timeout`.
        pub(crate) fn wait(&self, timeout: Option<Duration>) -> Wake {
            let timeout = match (timeout, &self.netlink) {
                (None, None) => Some(LOOK_AGAIN),
                (timeout, _) => timeout,
            };
            let poll = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
            // A negative descriptor is one that poll leaves alone.
            let netlink = self.netlink.as_ref().map_or(-1, AsRawFd::as_raw_fd);
            let mut fds = [poll(self.stop.as_raw_fd()), poll(netlink)];
            let millis = timeout.map_or(-1, |t| t.as_millis().try_into().unwrap_or(i32::MAX));
            // SAFETY: the array lives through the call and is as long as it says.
            unsafe { libc::poll(fds.as_mut_ptr(), 2, millis) };
            if fds[0].revents != 0 {
                return Wake::Stop;
            }
            if fds[1].revents != 0 {
                drain(netlink);
            }
            Wake::Look
        }
    }

    /// What exactly changed is asked from the system itself: that is also right when messages were lost.
    fn drain(netlink: libc::c_int) {
        let mut message = [0_u8; 4096];
        // SAFETY: the buffer lives through the call and is as long as it says.
        while unsafe { libc::recv(netlink, message.as_mut_ptr().cast(), message.len(), 0) } > 0 {}
    }
}

/// Elsewhere the thread looks from time to time.
#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;
    use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
    use std::time::Duration;

    use super::{LOOK_AGAIN, Wake};

    /// Ends the waiting when it is dropped.
    #[derive(Debug)]
    pub(crate) struct Stopper {
        _end: SyncSender<()>,
    }

    /// Tells when to look.
    #[derive(Debug)]
    pub(crate) struct Changes(Receiver<()>);

    /// A pair: one waits, the other ends that.
    ///
    /// # Errors
    /// None on these systems.
    pub(crate) fn changes() -> io::Result<(Stopper, Changes)> {
        let (ours, theirs) = sync_channel(0);
        Ok((Stopper { _end: ours }, Changes(theirs)))
    }

    impl Changes {
        /// Waits for the time to look, at most `timeout`.
        pub(crate) fn wait(&self, timeout: Option<Duration>) -> Wake {
            match self.0.recv_timeout(timeout.unwrap_or(LOOK_AGAIN)) {
                Err(RecvTimeoutError::Disconnected) => Wake::Stop,
                Ok(()) | Err(RecvTimeoutError::Timeout) => Wake::Look,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropping_the_stopper_ends_the_waiting() {
        let (stopper, changes) = changes().unwrap();
        let waiting = std::thread::spawn(move || while changes.wait(None) != Wake::Stop {});
        drop(stopper);
        waiting.join().unwrap();
    }

    #[test]
    fn the_time_ends_the_waiting_too() {
        let (_stopper, changes) = changes().unwrap();
        assert_eq!(changes.wait(Some(Duration::from_millis(1))), Wake::Look);
    }
}
