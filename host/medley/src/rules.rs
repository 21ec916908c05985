//! What the titles say about the game relay, in the relay's words.

use std::net::Ipv4Addr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use medley_relay::{RelayCipher, RelayRules, RelayTitle};
use medley_session::ServerKind;
use medley_titles::host::{EncryptionDefaults, UdpMode};
use medley_titles::{Cipher, HostConfig, TitleSet};
use medley_wire::AppId;
use medley_wire::types::Text;

/// The titles in force, and the host's defaults for them.
#[derive(Debug)]
pub(crate) struct TitleRelays {
    titles: ArcSwap<TitleSet>,
    defaults: ArcSwap<EncryptionDefaults>,
}

impl TitleRelays {
    pub(crate) fn new(config: &HostConfig, titles: TitleSet) -> Self {
        Self {
            titles: ArcSwap::from_pointee(titles),
            defaults: ArcSwap::from_pointee(config.encryption.clone()),
        }
    }

    /// Takes new titles and defaults: for connections and worlds that come from now on.
    pub(crate) fn replace(&self, config: &HostConfig, titles: TitleSet) {
        self.titles.store(Arc::new(titles));
        self.defaults.store(Arc::new(config.encryption.clone()));
    }
}

impl RelayRules for TitleRelays {
    fn for_app(&self, id: AppId) -> RelayTitle {
        let titles = self.titles.load();
        let Some(found) = titles.lookup(id.0) else { return RelayTitle::default() };
        let (app, title) = (found.app(), &found.title().config);
        let encryption = app.encryption(&self.defaults.load());
        RelayTitle {
            id: Arc::from(found.title().id.as_str()),
            version_108: Text::new(&app.versions.dme_108),
            version: Text::new(&app.versions.dme),
            enciphered: encryption.dme == Cipher::Enciphered,
            cipher: match encryption.relay {
                medley_titles::RelayCipher::AsReceived => RelayCipher::AsReceived,
                medley_titles::RelayCipher::Enciphered => RelayCipher::Enciphered,
                medley_titles::RelayCipher::Clear => RelayCipher::Clear,
            },
            udp: title.relay.udp,
            aggregation: title.relay.aggregation,
            max_players: u16::try_from(title.relay.max_players).unwrap_or(u16::MAX),
            handshake: medley_server::shared::handshake(&app.handshake, ServerKind::Dme),
        }
    }
}

/// The address that clients are told for the relay, if one is configured.
pub(crate) fn relay_address(config: &HostConfig) -> Option<Ipv4Addr> {
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
