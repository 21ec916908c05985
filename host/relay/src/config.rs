//! What the operator and the titles decide about the relay.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use medley_session::{Handshake, ServerConfig};
use medley_wire::types::{AppId, Text};

/// How players are told apart on UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UdpMode {
    /// One socket for all players of a shard: the first datagram names its player, the endpoint is pinned afterwards.
    /// Shard `n` listens on `port + n`, so one shard (the default) uses exactly this port. 0: the system chooses.
    Shared {
        /// Port of the first shard.
        port: u16,
    },
    /// A socket a player, as the original servers did (50000, 50002, 50025 were seen).
    PortPerClient {
        /// The first port; 0: the system chooses each.
        base: u16,
        /// How many ports from `base` may be used. A player that finds none plays over TCP alone.
        count: u16,
    },
}

/// The relay's own settings. The default listens on the usual ports.
#[derive(Clone, Debug)]
pub struct RelayConfig {
    /// Local address of TCP and UDP.
    pub bind: IpAddr,
    /// TCP port; 0: the system chooses.
    pub tcp_port: u16,
    /// UDP.
    pub udp: UdpMode,
    /// The address told to clients. `None`: the one at which the client reached the relay by TCP.
    pub public_address: Option<Ipv4Addr>,
    /// Threads that relay, 1 to 64. A world lives on one of them.
    pub shards: usize,
    /// Worlds at one time, all shards together. What a DME of the public emulators offers: 256.
    pub max_worlds: u32,
    /// The id of the first world, 1 to 65535; 0: one by the clock, so that ids from before a restart name no new world.
    pub first_world: u32,
    /// Players of one world, 1 to 256. A title may lower it.
    pub max_players_per_world: u16,
    /// For how long an access key waits for its client.
    pub allotment_timeout: Duration,
    /// How old a world must be to die for want of players.
    pub game_timeout: Duration,
    /// From the TCP connection to the access key and to the end of the handshake.
    pub handshake_timeout: Duration,
    /// Silence after which a player is given up.
    pub client_timeout: Duration,
    /// From one SERVER_ECHO to the next.
    pub server_echo: Duration,
    /// Several frames in one write or datagram when several are at hand. Never waits for more.
    pub aggregation: bool,
    /// Bytes of one datagram to a client before 1.12: what Sony announced to Deadlocked, 584.
    pub max_datagram_ps2: usize,
    /// Bytes of one datagram to later clients.
    pub max_datagram_ps3: usize,
    /// Hold relayed messages back for as long as the receiver's SET_AGG_TIME allows (30 ms in both captures). Fewer,
    /// longer packets for later ones; off by default.
    pub obey_aggregation_time: bool,
    /// A player's datagrams must come from the address of its TCP connection. Off for networks that leave by several
    /// public addresses; the key in the first datagram protects the place all the same where there is one.
    pub check_udp_address: bool,
    /// All players of a world get the same second key, so that a relayed message is enciphered once for all of them.
    pub shared_world_key: bool,
    /// TCP connections at one time.
    pub max_connections: usize,
    /// TCP connections that have not shown an access key, at one time.
    pub max_half_open: usize,
    /// The same from one address.
    pub max_half_open_per_address: usize,
    /// Bytes that wait for one slow player; more closes it.
    pub queue_bytes: usize,
    /// Relay messages a second from one player, both transports together; a second's worth may come at once. 0: no
    /// limit.
    pub messages_per_second: u32,
    /// Bytes of payload a second in the relay messages of one player, as above. 0: no limit.
    pub bytes_per_second: u32,
    /// New TCP connections a second from one address, as a long-time average; each is an RSA operation. 0: no limit.
    pub new_connections_per_address: u32,
    /// How many of them may come at once before the rate counts.
    pub new_connections_burst: u32,
    /// Where MPS is; `None`: worlds are made by [`crate::RelayHandle`] alone.
    pub mps: Option<MpsLink>,
}

/// The relay's way to MPS.
#[derive(Clone, Debug)]
pub struct MpsLink {
    /// TCP address.
    pub address: SocketAddr,
    /// What both ends know: see [`crate::mps_access_key`]. `None`: MPS takes relays from its own machine only.
    pub secret: Option<String>,
    /// The app id that the relay serves; 0: any.
    pub app_id: AppId,
    /// Longest time between two tries.
    pub reconnect: Duration,
    /// Sent as Attributes of ServerSetAttributes; the public emulators read a location id there.
    pub location: i32,
}

impl MpsLink {
    /// The link to an MPS at `address`, for every title.
    #[must_use]
    pub const fn new(address: SocketAddr, secret: Option<String>) -> Self {
        Self { address, secret, app_id: AppId(0), reconnect: Duration::from_secs(15), location: 0 }
    }
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            bind: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            tcp_port: 10079,
            udp: UdpMode::Shared { port: 50000 },
            public_address: None,
            shards: 1,
            max_worlds: 256,
            first_world: 0,
            max_players_per_world: 256,
            allotment_timeout: Duration::from_secs(15),
            game_timeout: Duration::from_secs(15),
            handshake_timeout: Duration::from_secs(20),
            client_timeout: Duration::from_secs(25),
            server_echo: Duration::from_secs(30),
            aggregation: true,
            max_datagram_ps2: 584,
            max_datagram_ps3: 1400,
            obey_aggregation_time: false,
            check_udp_address: true,
            shared_world_key: false,
            max_connections: 20_000,
            max_half_open: 4096,
            max_half_open_per_address: 64,
            queue_bytes: 262_144,
            messages_per_second: 4000,
            bytes_per_second: 1_048_576,
            new_connections_per_address: 20,
            new_connections_burst: 64,
            mps: None,
        }
    }
}

impl RelayConfig {
    /// What of these settings sessions are made with.
    pub(crate) fn apply_to(&self, server: &mut ServerConfig) {
        server.timeouts.handshake = self.handshake_timeout;
        server.timeouts.idle = self.client_timeout;
        server.timeouts.server_echo = self.server_echo;
        server.limits.max_udp = u16::try_from(self.max_datagram_ps2).unwrap_or(u16::MAX);
    }

    /// A relay on loopback with every port chosen by the system, that takes any number of connections from there and
    /// counts its worlds from 1: what tests start.
    #[must_use]
    pub fn ephemeral() -> Self {
        Self {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            tcp_port: 0,
            udp: UdpMode::Shared { port: 0 },
            first_world: 1,
            new_connections_per_address: 0,
            ..Self::default()
        }
    }
}

/// What becomes of messages between players.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RelayCipher {
    /// What came in clear (bit 7 off, or a null hash) goes on in clear, what came enciphered goes on enciphered.
    #[default]
    AsReceived,
    /// Enciphered for everybody who has a key.
    Enciphered,
    /// In clear for everybody.
    Clear,
}

/// What a title decides about its worlds.
#[derive(Clone, Debug)]
pub struct RelayTitle {
    /// The title's name in logs; empty for an app id that no title has.
    pub id: Arc<str>,
    /// ServerVersion text to clients of 1.08 and older. Sony: `1.22.0141`.
    pub version_108: Text<16>,
    /// ServerVersion text to later clients. Sony: `2.10.1143227940`.
    pub version: Text<16>,
    /// Hand out the relay's key; if not, clients get a zero key and speak in clear.
    pub enciphered: bool,
    /// Messages between players.
    pub cipher: RelayCipher,
    /// Offer UDP to clients that ask for it.
    pub udp: bool,
    /// Several frames in one write or datagram. Needs the relay's setting too.
    pub aggregation: bool,
    /// Players of one world; the relay's own limit applies too.
    pub max_players: u16,
    /// Exceptions of the connect sequence.
    pub handshake: Handshake,
}

impl Default for RelayTitle {
    fn default() -> Self {
        Self {
            id: Arc::from(""),
            version_108: Text::new("1.22.0141"),
            version: Text::new("2.10.1143227940"),
            enciphered: true,
            cipher: RelayCipher::AsReceived,
            udp: true,
            aggregation: true,
            max_players: 256,
            handshake: Handshake::default(),
        }
    }
}

/// Who knows the titles. Asked when a connection names its app id and when a world is made; a change applies to those
/// that come later.
pub trait RelayRules: Send + Sync + 'static {
    /// What applies to an app id, known or not.
    fn for_app(&self, app: AppId) -> RelayTitle;
}

/// Every title alike.
impl RelayRules for RelayTitle {
    fn for_app(&self, _: AppId) -> RelayTitle {
        self.clone()
    }
}
