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

    const MOST: usize = 64;
    const SIZE: usize = 2048;

    pub(crate) struct Batch<'s> {
        socket: &'s UdpSocket,
        peer: socket2::SockAddr,
        buffers: Vec<u8>,
    }

    impl<'s> Batch<'s> {
        // The same signature as on systems where this has to connect the socket.
        #[allow(clippy::unnecessary_wraps)]
        pub(crate) fn new(socket: &'s UdpSocket, peer: SocketAddr) -> io::Result<Self> {
            Ok(Self { socket, peer: peer.into(), buffers: vec![0; MOST * SIZE] })
        }

        /// Sends as many of `packets` as one call takes; how many that were.
        pub(crate) fn send(&mut self, packets: &[Vec<u8>]) -> io::Result<usize> {
            let count = packets.len().min(MOST);
            if count == 0 {
                return Ok(0);
            }
            let mut parts = [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; MOST];
            // SAFETY: mmsghdr is plain data for which zero is a valid value.
            let mut headers: [libc::mmsghdr; MOST] = unsafe { zeroed() };
            for (index, packet) in packets[..count].iter().enumerate() {
                parts[index] =
                    libc::iovec { iov_base: packet.as_ptr().cast_mut().cast(), iov_len: packet.len() };
                let header = &mut headers[index].msg_hdr;
                header.msg_name = self.peer.as_ptr().cast_mut().cast();
                header.msg_namelen = self.peer.len();
                header.msg_iov = &raw mut parts[index];
                header.msg_iovlen = 1;
            }
            // SAFETY: the first `count` headers point at an address, at iovecs and at packets that
            // all live until the call returns; sendmmsg reads them only.
            let sent = unsafe {
                libc::sendmmsg(self.socket.as_raw_fd(), headers.as_mut_ptr(), count as libc::c_uint, 0)
            };
            usize::try_from(sent).map_err(|_| io::Error::last_os_error())
        }

        /// Waits for datagrams, at most as long as the socket's read timeout; how many bytes came.
        pub(crate) fn receive(&mut self) -> io::Result<usize> {
            let mut parts = [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; MOST];
            // SAFETY: mmsghdr is plain data for which zero is a valid value.
            let mut headers: [libc::mmsghdr; MOST] = unsafe { zeroed() };
            for (index, buffer) in self.buffers.chunks_exact_mut(SIZE).enumerate() {
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
                    libc::MSG_WAITFORONE,
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

        /// Waits for a datagram, at most as long as the socket's read timeout; its size.
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
