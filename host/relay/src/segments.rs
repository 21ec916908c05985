//! Several datagrams in one system call: what the kernel calls segmentation offload of UDP.
//!
//! Seven datagrams of 584 bytes to one player cost 2.95 us each with `sendto`, 2.55 with `sendmmsg`, and 0.92 so (loopback,
//! one core): the kernel takes them through its layers as one and cuts them at the end. They must all be as long as the
//! first; the last may be shorter.

#![allow(unsafe_code)]

use std::io;
use std::net::SocketAddrV4;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::net::UdpSocket;

/// The kernel refused once: an old one, or a network that cannot. It is not asked again.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// Sends `bytes` to `to` as datagrams of `size` bytes, the last one shorter if need be. `None`: this system does not do
/// it, nothing was sent.
pub(crate) fn send(
    socket: &UdpSocket,
    bytes: &[u8],
    size: u16,
    to: SocketAddrV4,
) -> Option<io::Result<usize>> {
    if REFUSED.load(Ordering::Relaxed) {
        return None;
    }
    loop {
        let error = match try_send(socket, bytes, size, to) {
            Ok(sent) => return Some(Ok(sent)),
            Err(error) => error,
        };
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            // EIO: no checksums of the device's own. EINVAL: no such option, or the path's datagrams are shorter.
            Some(libc::EIO | libc::EINVAL | libc::EOPNOTSUPP | libc::ENOPROTOOPT) => {
                REFUSED.store(true, Ordering::Relaxed);
                tracing::debug!(%error, "datagrams are sent one by one from now on");
                return None;
            }
            _ => return Some(Err(error)),
        }
    }
}

/// Room for one control message with a `u16`, aligned as its header wants it.
#[repr(C)]
union Control {
    _header: libc::cmsghdr,
    bytes: [u8; 32],
}

fn try_send(socket: &UdpSocket, bytes: &[u8], size: u16, to: SocketAddrV4) -> io::Result<usize> {
    let mut address = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: to.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from(*to.ip()).to_be() },
        sin_zero: [0; 8],
    };
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut control = Control { bytes: [0; 32] };
    // SAFETY: a msghdr of zeros is one without address, parts and control data.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_name = (&raw mut address).cast();
    message.msg_namelen = size_of_val(&address) as libc::socklen_t;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    // SAFETY: CMSG_SPACE and CMSG_LEN only compute. CMSG_FIRSTHDR points to the start of `control`, which is aligned for a
    // header and longer than CMSG_SPACE(2) = 24, so that header and data lie in it. sendmsg reads the address, the part
    // and the control data, which all outlive the call, and writes to none of them.
    let sent = unsafe {
        message.msg_controllen = libc::CMSG_SPACE(size_of::<u16>() as u32) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if header.is_null() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        (*header).cmsg_level = libc::SOL_UDP;
        (*header).cmsg_type = libc::UDP_SEGMENT;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<u16>() as u32) as _;
        libc::CMSG_DATA(header).cast::<u16>().write_unaligned(size);
        libc::sendmsg(socket.as_raw_fd(), &raw const message, 0)
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    #[test]
    fn one_call_sends_datagrams_of_the_size_that_was_said() {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let sender = crate::sockets::udp(any).unwrap();
        let receiver = std::net::UdpSocket::bind(any).unwrap();
        receiver.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        let SocketAddr::V4(to) = receiver.local_addr().unwrap() else { panic!("IPv4 was asked for") };
        let bytes: Vec<u8> = (0..250).collect();
        let Some(sent) = send(&sender, &bytes, 100, to) else { return };
        assert_eq!(sent.unwrap(), 250);
        let mut heard = Vec::new();
        let mut buffer = [0; 1000];
        for length in [100, 100, 50] {
            let (count, from) = receiver.recv_from(&mut buffer).unwrap();
            assert_eq!((count, from), (length, sender.local_addr().unwrap()));
            heard.extend_from_slice(&buffer[..count]);
        }
        assert_eq!(heard, bytes);
    }
}
