//! Opening sockets the way the relay wants them.

use std::io;
use std::net::SocketAddr;

use mio::net::UdpSocket;
use socket2::{Domain, Protocol, Socket, Type};

/// Asked of the kernel for datagrams on their way in and out: a turn's worth of a full world at blast. It gives what
/// its own limit allows.
const UDP_BUFFER: usize = 4 * 1024 * 1024;

/// A datagram socket with room for bursts.
pub(crate) fn udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    // Smaller buffers lose more under load and are no reason not to start.
    let _ = socket.set_recv_buffer_size(UDP_BUFFER);
    let _ = socket.set_send_buffer_size(UDP_BUFFER);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(UdpSocket::from_std(socket.into()))
}
