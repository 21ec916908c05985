//! Services that answer a datagram with a datagram, from the socket that was asked.
//!
//! NAT, UDP 10070, tells a console its outer address (transport.md 8): a probe is 4 bytes, its answer 6, source address and
//! source port big-endian. A fourth byte of 0xd4 is a keep-alive and is not answered, nor is any other size.
//!
//! BWPS, UDP 50100, is a bandwidth probe (servers.md 12): 18 bytes are answered with 18, 6 with 8, each three times, as the
//! one public server that has it does.

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

/// A service of questions and answers of one datagram each.
pub(crate) struct Service {
    /// What a datagram from an address is answered with.
    answer: fn(&[u8], SocketAddr) -> Result<Vec<u8>, Event>,
    /// How often an answer is sent.
    copies: usize,
    answered: Event,
    limited: Event,
}

/// The NAT service.
pub(crate) const NAT: Service =
    Service { answer: outer_address, copies: 1, answered: Event::NatAnswered, limited: Event::NatLimited };

/// The bandwidth probe.
pub(crate) const BWPS: Service = Service {
    answer: bandwidth,
    copies: 3,
    answered: Event::BandwidthAnswered,
    limited: Event::BandwidthLimited,
};

fn outer_address(datagram: &[u8], source: SocketAddr) -> Result<Vec<u8>, Event> {
    match (datagram, source.ip().to_canonical()) {
        ([_, _, _, KEEP_ALIVE], _) => Err(Event::NatKeepAlive),
        ([_, _, _, _], IpAddr::V4(ip)) => {
            let mut answer = ip.octets().to_vec();
            answer.extend_from_slice(&source.port().to_be_bytes());
            Ok(answer)
        }
        _ => Err(Event::NatIgnored),
    }
}

/// What the fields of the answers mean is not known: the numbers are those of the one public server that has them.
fn bandwidth(datagram: &[u8], _: SocketAddr) -> Result<Vec<u8>, Event> {
    let (number, rest): (u32, &[u8]) = match datagram.len() {
        18 => (50_982, &[3, 3, 2, 0, 0, 0, 0, 0, 2, 3]),
        6 => (58_595, &[]),
        _ => return Err(Event::BandwidthIgnored),
    };
    let mut answer = datagram.get(..4).unwrap_or_default().to_vec();
    answer.extend_from_slice(&number.to_le_bytes());
    answer.extend_from_slice(rest);
    Ok(answer)
}

/// Serves until `shutdown`.
pub(crate) async fn serve(
    service: &'static Service,
    socket: UdpSocket,
    shared: Arc<Shared>,
    shutdown: CancellationToken,
) {
    let mut rates = SourceRates::<IpAddr>::default();
    let mut datagram = [0; 32];
    loop {
        let (length, source) = tokio::select! {
            () = shutdown.cancelled() => return,
            received = socket.recv_from(&mut datagram) => match received {
                Ok(received) => received,
                // An ICMP error of an earlier answer, or a datagram longer than the buffer on some systems.
                Err(error) => {
                    tracing::debug!(%error, "receive failed");
                    continue;
                }
            },
        };
        let event = match (service.answer)(datagram.get(..length).unwrap_or_default(), source) {
            Ok(answer) => {
                let per_second = shared.config().limits.nat_per_second;
                if rates.take(source.ip(), per_second, Instant::now()) {
                    for _ in 0..service.copies {
                        // A full send buffer loses the answer, as any datagram may be lost: the console asks again.
                        let _ = socket.try_send_to(&answer, source);
                    }
                    service.answered
                } else {
                    service.limited
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
        assert_eq!(
            outer_address(&[0xa0, 0xe6, 0xe4, 0x01], source),
            Ok(vec![0x18, 0xd6, 0x2d, 0x73, 0x19, 0x1c])
        );
    }

    #[test]
    fn keep_alives_and_other_sizes_are_not_answered() {
        let source = "10.0.0.1:1".parse().unwrap();
        assert_eq!(outer_address(&[0, 0, 0, 0xd4], source), Err(Event::NatKeepAlive));
        for size in [0, 1, 3, 5, 6, 16] {
            assert_eq!(outer_address(&vec![0; size], source), Err(Event::NatIgnored));
        }
        assert_eq!(outer_address(&[0; 4], "[2001:db8::1]:1".parse().unwrap()), Err(Event::NatIgnored));
    }

    #[test]
    fn a_bandwidth_probe_is_answered_by_its_size() {
        let source = "10.0.0.1:1".parse().unwrap();
        let long: Vec<u8> = (1..=18).collect();
        assert_eq!(
            bandwidth(&long, source),
            Ok(vec![1, 2, 3, 4, 0x26, 0xc7, 0, 0, 3, 3, 2, 0, 0, 0, 0, 0, 2, 3])
        );
        assert_eq!(bandwidth(&long[..6], source), Ok(vec![1, 2, 3, 4, 0xe3, 0xe4, 0, 0]));
        for size in [0, 4, 5, 7, 17, 19, 32] {
            assert_eq!(bandwidth(&vec![0; size], source), Err(Event::BandwidthIgnored), "{size}");
        }
    }
}
