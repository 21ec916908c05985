//! The NAT service, UDP 10070: tells a console its outer address (transport.md 8).
//!
//! A probe is 4 bytes, its answer 6: source address, source port big-endian. A fourth byte of 0xd4 is a keep-alive and is
//! not answered, nor is any other size. Answered once, from the socket that was asked.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

use crate::events::Event;
use crate::limits::SourceRates;
use crate::shared::Shared;

/// Fourth byte of a keep-alive (`dl_ps2_full_session`, line 339; all captures alike).
const KEEP_ALIVE: u8 = 0xd4;

/// What a datagram from `source` is answered with.
fn answer(datagram: &[u8], source: SocketAddr) -> Result<[u8; 6], Event> {
    match (datagram, source.ip().to_canonical()) {
        ([_, _, _, KEEP_ALIVE], _) => Err(Event::NatKeepAlive),
        ([_, _, _, _], IpAddr::V4(ip)) => {
            let ([a, b, c, d], [high, low]) = (ip.octets(), source.port().to_be_bytes());
            Ok([a, b, c, d, high, low])
        }
        _ => Err(Event::NatIgnored),
    }
}

/// Serves until `shutdown`.
pub(crate) async fn serve(socket: UdpSocket, shared: Arc<Shared>, shutdown: CancellationToken) {
    let mut rates = SourceRates::<IpAddr>::default();
    let mut datagram = [0; 16];
    loop {
        let (length, source) = tokio::select! {
            () = shutdown.cancelled() => return,
            received = socket.recv_from(&mut datagram) => match received {
                Ok(received) => received,
                // An ICMP error of an earlier answer, or a datagram longer than the buffer on some systems.
                Err(error) => {
                    tracing::debug!(%error, "NAT receive failed");
                    continue;
                }
            },
        };
        let event = match answer(datagram.get(..length).unwrap_or_default(), source) {
            Ok(answer) => {
                let per_second = shared.config().limits.nat_per_second;
                if rates.take(source.ip(), per_second, Instant::now()) {
                    // A full send buffer loses the answer, as any datagram may be lost: the console asks again.
                    let _ = socket.try_send_to(&answer, source);
                    Event::NatAnswered
                } else {
                    Event::NatLimited
                }
            }
            Err(event) => event,
        };
        shared.counters.count(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `dl_ps2_full_session`, lines 288 and 291.
    #[test]
    fn a_probe_is_answered_with_address_and_big_endian_port() {
        let source = "24.214.45.115:6428".parse().unwrap();
        assert_eq!(answer(&[0xa0, 0xe6, 0xe4, 0x01], source), Ok([0x18, 0xd6, 0x2d, 0x73, 0x19, 0x1c]));
    }

    #[test]
    fn keep_alives_and_other_sizes_are_not_answered() {
        let source = "10.0.0.1:1".parse().unwrap();
        assert_eq!(answer(&[0, 0, 0, 0xd4], source), Err(Event::NatKeepAlive));
        for size in [0, 1, 3, 5, 6, 16] {
            assert_eq!(answer(&vec![0; size], source), Err(Event::NatIgnored));
        }
        assert_eq!(answer(&[0; 4], "[2001:db8::1]:1".parse().unwrap()), Err(Event::NatIgnored));
    }
}
