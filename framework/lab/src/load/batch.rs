//! Many datagrams a system call where the system has that, so that the load generator is not what
//! is measured.

use std::io;
use std::net::{SocketAddr, UdpSocket};

#[cfg(target_os = "linux")]
pub(super) use linux::Batch;
#[cfg(not(target_os = "linux"))]
pub(super) use portable::Batch;

#[cfg(target_os = "linux")]
mod linux {
    use super::{SocketAddr, UdpSocket, io};
    use std::mem::zeroed;
    use std::os::fd::AsRawFd;
    use std::ptr;
    use std::time::{Duration, Instant};

    const MOST: usize = 64;
    const SIZE: usize = 2048;
    /// Longer than packets take to come back while everybody is busy.
    const AWAKE: Duration = Duration::from_micros(200);

    pub(crate) struct Batch<'s> {
        socket: &'s UdpSocket,
        peer: socket2::SockAddr,
        buffers: Vec<[u8; SIZE]>,
    }

    impl<'s> Batch<'s> {
        // The same signature as on systems where this has to connect the socket.
        #[allow(clippy::unnecessary_wraps)]
        pub(crate) fn new(socket: &'s UdpSocket, peer: SocketAddr) -> io::Result<Self> {
            Ok(Self { socket, peer: peer.into(), buffers: vec![[0; SIZE]; MOST] })
        }

        /// Sends as many of `packets`, which are of one size, as one call takes; how many that were.
        ///
        /// The kernel gets them as one piece that it parts itself (UDP_SEGMENT, Linux 4.18). Sending
        /// them one by one costs as much as what is measured, and would hide how fast that is.
        pub(crate) fn send(&mut self, packets: &[Vec<u8>]) -> io::Result<usize> {
            let count = packets.len().min(MOST);
            if count == 0 {
                return Ok(0);
            }
            let size = packets[0].len();
            let mut parts = [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; MOST];
            for (part, packet) in parts.iter_mut().zip(&packets[..count]) {
                debug_assert_eq!(packet.len(), size);
                *part = libc::iovec { iov_base: packet.as_ptr().cast_mut().cast(), iov_len: packet.len() };
            }
            // A control message is a header and a 16-bit size; the words align it.
            let mut control = [0_u64; 4];
            // SAFETY: msghdr is plain data for which zero is a valid value.
            let mut header: libc::msghdr = unsafe { zeroed() };
            header.msg_name = self.peer.as_ptr().cast_mut().cast();
            header.msg_namelen = self.peer.len();
            header.msg_iov = parts.as_mut_ptr();
            header.msg_iovlen = count as _;
            header.msg_control = control.as_mut_ptr().cast();
            // SAFETY: CMSG_SPACE, CMSG_LEN and CMSG_DATA calculate only; the control buffer has room
            // for one message with a 16-bit value (32 bytes, 24 needed), so the first header exists.
            unsafe {
                header.msg_controllen = libc::CMSG_SPACE(size_of::<u16>() as u32) as _;
                let message = libc::CMSG_FIRSTHDR(&raw const header);
                (*message).cmsg_level = libc::SOL_UDP;
                (*message).cmsg_type = libc::UDP_SEGMENT;
                (*message).cmsg_len = libc::CMSG_LEN(size_of::<u16>() as u32) as _;
                libc::CMSG_DATA(message).cast::<u16>().write_unaligned(size as u16);
            }
            // SAFETY: the header points at an address, a control message, iovecs and packets that all
            // live until the call returns; sendmsg reads them only.
            let sent = unsafe { libc::sendmsg(self.socket.as_raw_fd(), &raw const header, 0) };
            match usize::try_from(sent) {
                Ok(bytes) => Ok(bytes / size),
                Err(_) => Err(io::Error::last_os_error()),
            }
        }

        /// Waits for datagrams, at most as long as the socket's read timeout; how many bytes came, none
        /// when it ran out.
        ///
        /// It asks for a while before it goes to sleep: whoever sends to a thread that sleeps has to
        /// wake it, which would be measured too.
        pub(crate) fn receive(&mut self) -> io::Result<usize> {
            let start = Instant::now();
            while start.elapsed() < AWAKE {
                match self.take(libc::MSG_DONTWAIT)? {
                    0 => std::hint::spin_loop(),
                    bytes => return Ok(bytes),
                }
            }
            self.take(libc::MSG_WAITFORONE)
        }

        fn take(&mut self, flags: libc::c_int) -> io::Result<usize> {
            let mut parts = [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; MOST];
            // SAFETY: mmsghdr is plain data for which zero is a valid value.
            let mut headers: [libc::mmsghdr; MOST] = unsafe { zeroed() };
            for (index, buffer) in self.buffers.iter_mut().enumerate() {
                parts[index] = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: SIZE };
                headers[index].msg_hdr.msg_iov = &raw mut parts[index];
                headers[index].msg_hdr.msg_iovlen = 1;
            }
            // SAFETY: every header points at an iovec and a buffer of its own that live until the
            // call returns.
            let came = unsafe {
                libc::recvmmsg(
                    self.socket.as_raw_fd(),
                    headers.as_mut_ptr(),
                    MOST as libc::c_uint,
                    flags,
                    ptr::null_mut(),
                )
            };
            match usize::try_from(came) {
                Ok(came) => Ok(headers[..came].iter().map(|header| header.msg_len as usize).sum()),
                Err(_) => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
                    error => Err(error),
                },
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod portable {
    use super::{SocketAddr, UdpSocket, io};

    pub(crate) struct Batch<'s> {
        socket: &'s UdpSocket,
        peer: SocketAddr,
        buffer: [u8; 2048],
    }

    impl<'s> Batch<'s> {
        // The same signature as on Linux.
        #[allow(clippy::unnecessary_wraps)]
        pub(crate) fn new(socket: &'s UdpSocket, peer: SocketAddr) -> io::Result<Self> {
            Ok(Self { socket, peer, buffer: [0; 2048] })
        }

        /// Sends all `packets`; how many that were.
        pub(crate) fn send(&mut self, packets: &[Vec<u8>]) -> io::Result<usize> {
            for packet in packets {
                self.socket.send_to(packet, self.peer)?;
            }
            Ok(packets.len())
        }

        /// Waits for a datagram, at most as long as the socket's read timeout; its size, or none.
        pub(crate) fn receive(&mut self) -> io::Result<usize> {
            match self.socket.recv_from(&mut self.buffer) {
                Ok((size, _)) => Ok(size),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    Ok(0)
                }
                Err(error) => Err(error),
            }
        }
    }
}
