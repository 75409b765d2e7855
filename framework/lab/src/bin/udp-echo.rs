//! The floor of the network benchmarks: `udp-echo ADDR` sends every datagram back to where it came
//! from, one blocking thread, one `recvfrom` and one `sendto` each. It says `ready ADDR` first.
//!
//! Where the system grants it, it runs at the real-time priority that `midibay run` asks for: on a busy
//! machine a floor without it would be no floor.
//!
//! No program that does something with the datagrams between those two calls, and uses the same
//! two calls, can be faster.

use std::net::UdpSocket;

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let socket = UdpSocket::bind(address)?;
    lab::load::widen_buffers(&socket)?;
    let _priority = lab::load::RealTime::request();
    eprintln!("ready {}", socket.local_addr()?);
    let mut buffer = [0; 2048];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        // A full buffer on the way back is the load generator's to notice: it counts what returns.
        let _ = socket.send_to(&buffer[..length], peer);
    }
}
