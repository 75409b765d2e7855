//! Linux: `recvmmsg` and `sendmmsg`, and what the system tells about datagrams it dropped.

use std::io::{Error, ErrorKind, Result};
use std::mem::{size_of, zeroed};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;

use socket2::{SockAddr, Socket};

use super::{BATCH, Destinations, LONGEST, Read};
use crate::address::Sender;
use crate::outbox::{Transmitted, Wire};
use crate::packer::Packer;

/// The distance between two buffers: not a power of two, or they would share the same few cache lines.
const STRIDE: usize = LONGEST + 192;
/// A call brings about so many events, so that one busy port does not hold up the others.
const EVENTS_AT_ONCE: usize = 512;

/// Room for the drop counter, the one control message we ask for. Aligned for `cmsghdr`.
type Control = [u64; 4];

/// Reads datagrams in batches.
pub(crate) struct Reader {
    bytes: Box<[u8]>,
    headers: Box<[libc::mmsghdr]>,
    // What the headers point to, besides `bytes`.
    names: Box<[libc::sockaddr_in6]>,
    _controls: Box<[Control]>,
    _slices: Box<[libc::iovec]>,
    /// How many datagrams to ask for.
    batch: usize,
}

// SAFETY: the raw pointers in the headers lead into boxes of the same structure, which nobody else
// knows of and which do not move.
unsafe impl Send for Reader {}

impl Reader {
    pub(crate) fn new() -> Self {
        let mut bytes = vec![0; STRIDE * BATCH].into_boxed_slice();
        // SAFETY: plain C structures, for which zeroes are valid.
        let (name, header) = unsafe { (zeroed::<libc::sockaddr_in6>(), zeroed::<libc::mmsghdr>()) };
        let mut names = vec![name; BATCH].into_boxed_slice();
        let mut controls = vec![Control::default(); BATCH].into_boxed_slice();
        let mut slices: Box<[libc::iovec]> = bytes
            .as_chunks_mut::<STRIDE>()
            .0
            .iter_mut()
            .map(|chunk| libc::iovec { iov_base: chunk.as_mut_ptr().cast(), iov_len: LONGEST })
            .collect();
        let mut headers = vec![header; BATCH].into_boxed_slice();
        for (i, header) in headers.iter_mut().enumerate() {
            header.msg_hdr.msg_name = (&raw mut names[i]).cast();
            header.msg_hdr.msg_iov = &raw mut slices[i];
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_control = (&raw mut controls[i]).cast();
            reset(header);
        }
        Self { bytes, headers, names, _controls: controls, _slices: slices, batch: 1 }
    }

    /// Reads what is there, at most about [`EVENTS_AT_ONCE`] events: `each` gets every datagram with its
    /// sender and answers how many events were in it. `[engine]`
    #[inline]
    pub(crate) fn read(&mut self, socket: &UdpSocket, mut each: impl FnMut(Sender, &[u8]) -> usize) -> Read {
        // SAFETY: the headers point to live memory of the lengths they name.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                self.batch as _,
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        };
        // An error is none of ours: nothing there after all, or what an earlier datagram met.
        let count = usize::try_from(count).unwrap_or(0);
        let (mut read, mut events) = (Read::default(), 0);
        for i in 0..count {
            let header = &mut self.headers[i];
            if header.msg_hdr.msg_controllen > 0 {
                read.dropped = drop_count(&header.msg_hdr).or(read.dropped);
            }
            reset(header);
            let len = header.msg_len as usize;
            events += each(sender(&self.names[i]), &self.bytes[i * STRIDE..][..len]);
        }
        // Asking for more than there is costs a look at an empty queue, which a single datagram (a note
        // that somebody plays) would have to wait for. What is left makes the socket ready again.
        if count < self.batch {
            self.batch = count.max(1);
        } else if events > EVENTS_AT_ONCE {
            self.batch = (self.batch / 2).max(1);
        } else if events < EVENTS_AT_ONCE / 2 {
            self.batch = (self.batch * 2).min(BATCH);
        }
        read
    }
}

/// What the system has shortened to what it wrote.
#[inline]
fn reset(header: &mut libc::mmsghdr) {
    header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in6>() as libc::socklen_t;
    header.msg_hdr.msg_controllen = size_of::<Control>() as _;
}

#[inline]
fn sender(name: &libc::sockaddr_in6) -> Sender {
    if i32::from(name.sin6_family) == libc::AF_INET {
        // SAFETY: the family says that it is the smaller structure of the two.
        let name = unsafe { &*std::ptr::from_ref(name).cast::<libc::sockaddr_in>() };
        Sender::v4(name.sin_addr.s_addr.to_ne_bytes(), u16::from_be(name.sin_port))
    } else {
        Sender::v6(name.sin6_addr.s6_addr, u16::from_be(name.sin6_port), name.sin6_scope_id)
    }
}

#[cold]
fn drop_count(header: &libc::msghdr) -> Option<u32> {
    // SAFETY: the system filled in the header and the memory that it points to.
    unsafe {
        let control = libc::CMSG_FIRSTHDR(header);
        if control.is_null()
            || (*control).cmsg_level != libc::SOL_SOCKET
            || (*control).cmsg_type != libc::SO_RXQ_OVFL
        {
            return None;
        }
        Some(libc::CMSG_DATA(control).cast::<u32>().read_unaligned())
    }
}

/// Writes datagrams in batches.
pub(crate) struct Writer {
    socket: Arc<UdpSocket>,
    addresses: Box<[SockAddr]>,
    by_port: bool,
    headers: Box<[libc::mmsghdr]>,
    slices: Box<[libc::iovec]>,
}

// SAFETY: the raw pointers in the headers lead into boxes of the same structure; those to datagrams are
// set anew before each use.
unsafe impl Send for Writer {}

impl Writer {
    pub(crate) fn new(socket: Arc<UdpSocket>, destinations: Destinations) -> Self {
        let (by_port, addresses) = match destinations {
            Destinations::ByPort(addresses) => (true, addresses),
            Destinations::All(addresses) => (false, addresses),
        };
        let empty = libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 };
        let mut slices = vec![empty; BATCH].into_boxed_slice();
        // SAFETY: a plain C structure, for which zeroes are valid.
        let mut headers = vec![unsafe { zeroed::<libc::mmsghdr>() }; BATCH].into_boxed_slice();
        for (header, slice) in headers.iter_mut().zip(&mut slices) {
            header.msg_hdr.msg_iov = slice;
            header.msg_hdr.msg_iovlen = 1;
        }
        Self {
            socket,
            addresses: addresses.into_iter().map(SockAddr::from).collect(),
            by_port,
            headers,
            slices,
        }
    }
}

impl Wire for Writer {
    #[inline]
    fn destinations(&self) -> usize {
        if self.by_port { 1 } else { self.addresses.len() }
    }

    #[inline]
    fn transmit(&mut self, datagrams: &Packer, skip: usize) -> Transmitted {
        let destinations = self.destinations();
        let mut count = 0;
        while count < BATCH
            && let Some(datagram) = datagrams.get((skip + count) / destinations)
        {
            let to = if self.by_port { datagram.port } else { (skip + count) % destinations };
            let header = &mut self.headers[count].msg_hdr;
            // The system only reads what these two point to.
            header.msg_name = self.addresses[to].as_ptr().cast_mut().cast();
            header.msg_namelen = self.addresses[to].len();
            self.slices[count] = libc::iovec {
                iov_base: datagram.bytes.as_ptr().cast_mut().cast(),
                iov_len: datagram.bytes.len(),
            };
            count += 1;
        }
        loop {
            // SAFETY: the first `count` headers point to addresses and datagrams that live through the
            // call.
            let sent = unsafe {
                libc::sendmmsg(
                    self.socket.as_raw_fd(),
                    self.headers.as_mut_ptr(),
                    count as _,
                    libc::MSG_DONTWAIT as _,
                )
            };
            if let Ok(sent @ 1..) = usize::try_from(sent) {
                return Transmitted::Taken(sent);
            }
            match Error::last_os_error().kind() {
                ErrorKind::Interrupted => {}
                ErrorKind::WouldBlock => return Transmitted::Blocked,
                _ => return Transmitted::Refused,
            }
        }
    }
}

/// The receive buffer, beyond the system's limit where the user may; and the counter of drops.
pub(super) fn prepare(socket: &Socket, receive_buffer: usize) {
    let set = |option: libc::c_int, value: libc::c_int| {
        // SAFETY: the option takes an int, which lives through the call.
        unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                option,
                (&raw const value).cast(),
                size_of::<libc::c_int>() as libc::socklen_t,
            )
        }
    };
    // Without the counter drops go uncounted, which is no reason not to run.
    set(libc::SO_RXQ_OVFL, 1);
    if set(libc::SO_RCVBUFFORCE, receive_buffer as libc::c_int) != 0 {
        set(libc::SO_RCVBUF, receive_buffer as libc::c_int);
    }
}

/// Multicast leaves by this interface, whatever addresses it has by then.
pub(super) fn send_by_v4(sender: &Socket, index: u32, _: Ipv4Addr) -> Result<()> {
    let request = libc::ip_mreqn {
        imr_multiaddr: libc::in_addr { s_addr: 0 },
        imr_address: libc::in_addr { s_addr: 0 },
        imr_ifindex: index as libc::c_int,
    };
    // SAFETY: the option takes this structure, which lives through the call.
    let done = unsafe {
        libc::setsockopt(
            sender.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_MULTICAST_IF,
            (&raw const request).cast(),
            size_of::<libc::ip_mreqn>() as libc::socklen_t,
        )
    };
    if done == 0 { Ok(()) } else { Err(Error::last_os_error()) }
}
