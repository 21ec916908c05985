//! The relay's part of the configuration, in the relay's words.

use std::net::Ipv4Addr;

use medley_titles::HostConfig;
use medley_titles::host::UdpMode;

/// The address that clients are told for the relay, if one is configured.
fn relay_address(config: &HostConfig) -> Option<Ipv4Addr> {
    config.relay.public_address.or(config.public_address)
}

/// The relay's part of the configuration, in the relay's words.
pub(crate) fn relay_config(
    config: &HostConfig,
    mps: Option<medley_relay::MpsLink>,
) -> medley_relay::RelayConfig {
    let (relay, listen, limits) = (&config.relay, &config.listen, &config.limits);
    let usual = medley_relay::RelayConfig::default();
    let number = |value: u32| usize::try_from(value).unwrap_or(usize::MAX);
    medley_relay::RelayConfig {
        bind: listen.bind,
        tcp_port: listen.dme_tcp,
        udp: match relay.udp_mode {
            UdpMode::Shared => medley_relay::UdpMode::Shared { port: listen.dme_udp },
            UdpMode::PortPerClient => {
                medley_relay::UdpMode::PortPerClient { base: relay.udp_base, count: relay.udp_ports }
            }
        },
        public_address: relay_address(config),
        max_worlds: relay.max_worlds,
        max_players_per_world: u16::try_from(relay.max_players_per_world).unwrap_or(u16::MAX),
        game_timeout: relay.game_timeout,
        handshake_timeout: config.timeouts.auth,
        client_timeout: relay.client_timeout,
        server_echo: config.timeouts.server_echo,
        aggregation: relay.aggregation,
        max_datagram_ps2: number(relay.max_datagram_ps2),
        max_datagram_ps3: number(relay.max_datagram_ps3),
        max_connections: number(limits.max_connections),
        max_half_open: number(limits.max_half_open),
        queue_bytes: number(limits.relay_queue_bytes),
        messages_per_second: limits.relay_messages_per_second,
        bytes_per_second: limits.relay_bytes_per_second,
        new_connections_per_address: limits.new_connections_per_ip,
        new_connections_burst: limits.new_connections_burst,
        mps: mps.map(|mps| medley_relay::MpsLink { reconnect: relay.reconnect, ..mps }),
        ..usual
    }
}
