//! `medley.toml`: what the operator decides about the whole host.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::instant::UtcTime;
use crate::keys::{Secret, choice, config, seconds};
use crate::title::{Cipher, RelayCipher};

choice! {
    /// The form of the log lines.
    pub enum LogFormat {
        /// For a person at a terminal.
        Human = "human",
        /// One JSON object a line.
        Json = "json",
    }

    /// How the relay's players are told apart on UDP.
    pub enum UdpMode {
        /// One socket for all: the first datagram names its player, the endpoint is pinned afterwards.
        Shared = "shared",
        /// A socket a player, from `udp_base` upward, as the original servers did.
        PortPerClient = "port-per-client",
    }
}

config! {
    /// `medley.toml`. The default is a working host: every shipped title, a store in `./data`, all usual ports.
    pub struct HostConfig {
        /// The IPv4 address told to clients for MAS, MLS, MPS and DME. Not set: the address at which the client reached us, which is
        /// right unless a router translates addresses between the two.
        pub public_address: Option<Ipv4Addr> = None,
        /// The IPv4 address told to clients for the NAT service. Not set: as `public_address`.
        pub nat_address: Option<Ipv4Addr> = None,
        /// Folder of the store (accounts, stats, bans). Made if missing. A relative path counts from the working directory.
        pub data_dir: PathBuf = PathBuf::from("data"),
        /// Folder with a folder per title (`<title>/game.toml`). It may be missing: then only the built-in titles are served.
        pub games_dir: PathBuf = PathBuf::from("games"),
        /// Serve the titles built into the program too. A folder of `games_dir` replaces the built-in title of the same name.
        pub default_titles: bool = true,
        /// Addresses and ports. Port 0 lets the system choose a free one.
        pub listen: Listen = Listen::default(),
        /// The game relay (DME).
        pub relay: RelayConfig = RelayConfig::default(),
        /// Bounds that keep one peer from harming the others.
        pub limits: HostLimits = HostLimits::default(),
        /// When a silent connection, session or game is given up.
        pub timeouts: Timeouts = Timeouts::default(),
        /// What a title that says nothing itself does with encryption.
        pub encryption: EncryptionDefaults = EncryptionDefaults::default(),
        /// How passwords are hashed (argon2id). A change applies to passwords set from then on.
        pub password: PasswordCost = PasswordCost::default(),
        /// The durable store.
        pub store: StoreConfig = StoreConfig::default(),
        /// Maintenance mode: players get one message and no service.
        pub maintenance: Maintenance = Maintenance::default(),
        /// The log on standard error.
        pub log: LogConfig = LogConfig::default(),
        /// Counters for Prometheus.
        pub metrics: MetricsConfig = MetricsConfig::default(),
    }

    /// `[listen]`
    pub struct Listen {
        /// Local address of all servers for clients.
        pub bind: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        /// MUIS, TCP: the universe information, first server of most titles.
        pub muis: u16 = 10071,
        /// More ports for MUIS. European titles use 10080, Japanese ones 10101.
        pub muis_extra: Vec<u16> = vec![10080, 10101],
        /// MAS, TCP: login.
        pub mas: u16 = 10075,
        /// MLS, TCP: the lobby.
        pub mls: u16 = 10078,
        /// MPS, TCP: where game relays and console hosts register.
        pub mps: u16 = 10077,
        /// NAT service, UDP: tells a console its outer address.
        pub nat: u16 = 10070,
        /// MAPS, TCP: the profile server that MAG and SOCOM 4 ask at start-up, at 10373. Empty: none.
        pub maps: Vec<u16> = vec![],
        /// MMS, TCP: takes the connections of matchmaking clients; matchmaking itself is the lobby's. 10079 in public servers, which is DME's here. Empty: none.
        pub mms: Vec<u16> = vec![],
        /// MUCG, TCP, at 10072: takes connections; nobody knows what is said there. Empty: none.
        pub mucg: Vec<u16> = vec![],
        /// BWPS, UDP: answers bandwidth probes, at 50100. Empty: none.
        pub bwps: Vec<u16> = vec![],
        /// DME, TCP: the game relay.
        pub dme_tcp: u16 = 10079,
        /// DME, UDP: the port shared by all players (`relay.udp_mode = "shared"`).
        pub dme_udp: u16 = 50000,
        /// Local address of the operator's JSON view and metrics. Leave it on loopback: it has no login.
        pub console_bind: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST),
        /// HTTP: the operator's JSON view and metrics.
        pub console: u16 = 10076,
    }

    /// `[relay]`
    pub struct RelayConfig {
        /// Run a game relay inside this host. Off: relays elsewhere (`medley relay`) must register.
        pub enabled: bool = true,
        /// For `medley relay`: the MPS at which this relay registers.
        pub mps: Option<SocketAddr> = None,
        /// What a host and its relays on other machines both know: set the same text for both, at best in the environment.
        /// Without it a host takes relays from its own machine only.
        pub secret: Option<Secret> = None,
        /// The IPv4 address told to clients for this relay, where it differs from that of the host.
        pub public_address: Option<Ipv4Addr> = None,
        /// One UDP port for everybody, or a port per client.
        pub udp_mode: UdpMode = UdpMode::Shared,
        /// First UDP port for `udp_mode = "port-per-client"`; 0 lets the system choose each.
        pub udp_base: u16 = 50001,
        /// How many ports from `udp_base` may be used; more players than this cannot use UDP at one time.
        pub udp_ports: u16 = 2000,
        /// Game worlds at one time. 256 is what a DME of the emulators offers to MPS.
        pub max_worlds: u32 = 256,
        /// Players in one world: the index is one byte on the wire, so 256 at most. A title may lower it.
        pub max_players_per_world: u32 = 256,
        /// Seconds for which a world waits for its first player, and in which a created game's host must arrive.
        #[serde(with = "seconds")]
        pub game_timeout: Duration = Duration::from_secs(15),
        /// Seconds of silence after which a relay client is given up.
        #[serde(with = "seconds")]
        pub client_timeout: Duration = Duration::from_secs(25),
        /// Seconds between two tries of a relay to reach its MPS.
        #[serde(with = "seconds")]
        pub reconnect: Duration = Duration::from_secs(15),
        /// Put several frames into one datagram or write when several are at hand. Never waits for more.
        pub aggregation: bool = true,
        /// Bytes of one aggregated write or datagram to a PS2 (what Sony told Deadlocked in CONNECT_REQUIRE: 584).
        pub max_datagram_ps2: u32 = 584,
        /// Bytes of one aggregated write or datagram to a PSP or PS3 client (1.12 and later).
        pub max_datagram_ps3: u32 = 1400,
    }

    /// `[limits]`
    pub struct HostLimits {
        /// TCP connections to all servers together.
        pub max_connections: u32 = 20_000,
        /// TCP connections from one address. A party behind one router needs several per console.
        pub max_connections_per_ip: u32 = 256,
        /// New TCP connections a second from one address, as a long-time average; the relay counts its own. 0 = no limit.
        pub new_connections_per_ip: u32 = 20,
        /// New TCP connections from one address that may come at once before the rate counts.
        pub new_connections_burst: u32 = 64,
        /// TCP connections that have not identified themselves yet (no session), all addresses together.
        pub max_half_open: u32 = 4096,
        /// Messages a second from one lobby connection, as a long-time average. 0 = no limit.
        pub messages_per_second: u32 = 100,
        /// Messages from one lobby connection that may come at once before the rate counts.
        pub messages_burst: u32 = 400,
        /// Relay messages a second from one player, TCP and UDP together. 0 = no limit.
        pub relay_messages_per_second: u32 = 4000,
        /// Bytes a second in the relay messages of one player. 0 = no limit.
        pub relay_bytes_per_second: u32 = 1_048_576,
        /// Messages waiting for one slow connection; one more closes it.
        pub push_queue: u32 = 512,
        /// Bytes waiting for one slow relay client; more closes it.
        pub relay_queue_bytes: u32 = 262_144,
        /// NAT datagrams a second answered to one address. 0 = no limit.
        pub nat_per_second: u32 = 50,
    }

    /// `[timeouts]`, all in seconds
    pub struct Timeouts {
        /// From the TCP connection to a session (login on MAS, a valid access key elsewhere).
        #[serde(with = "seconds")]
        pub auth: Duration = Duration::from_secs(20),
        /// Silence of a client after which it is told to go.
        #[serde(with = "seconds")]
        pub client: Duration = Duration::from_secs(40),
        /// From the farewell message to closing the socket.
        #[serde(with = "seconds")]
        pub farewell: Duration = Duration::from_secs(5),
        /// A session without any socket is forgotten after this, whatever else holds it.
        #[serde(with = "seconds")]
        pub session: Duration = Duration::from_secs(300),
        /// Between two servers (MAS to MLS, channel to channel) a client has no socket: it counts as connected for so long.
        #[serde(with = "seconds")]
        pub keep_alive_grace: Duration = Duration::from_secs(8),
        /// Between two server echoes (never sent to 1.08). Sony's interval was 30.
        #[serde(with = "seconds")]
        pub server_echo: Duration = Duration::from_secs(30),
        /// An older session of the same account is put out by a new login if it has been silent for so long or has no socket.
        #[serde(with = "seconds")]
        pub stale_login: Duration = Duration::from_secs(10),
        /// A created game whose host has not arrived is closed.
        #[serde(with = "seconds")]
        pub game: Duration = Duration::from_secs(30),
        /// A relay that is silent for so long is dropped and its games closed.
        #[serde(with = "seconds")]
        pub dme: Duration = Duration::from_secs(30),
        /// A request whose store call takes longer gets its failure answer.
        #[serde(with = "seconds")]
        pub store: Duration = Duration::from_secs(3),
        /// An access key that nobody used.
        #[serde(with = "seconds")]
        pub access_key: Duration = Duration::from_secs(60),
        /// How often bans are looked up again for players who are online.
        #[serde(with = "seconds")]
        pub ban_check: Duration = Duration::from_secs(60),
        /// From SIGTERM to the end: connections are told to go, what is left after this is cut.
        #[serde(with = "seconds")]
        pub drain: Duration = Duration::from_secs(10),
    }

    /// `[encryption]`. MUIS and MAS always follow the client: an enciphered opening gets enciphered answers, a clear one clear answers.
    pub struct EncryptionDefaults {
        /// MLS: `"clear"` hands out a zero ServerKey, so that the client skips the key exchange there.
        pub mls: Cipher = Cipher::Enciphered,
        /// DME: `"clear"` hands out a zero ServerKey.
        pub dme: Cipher = Cipher::Enciphered,
        /// Frames between players that arrived in the clear inside an enciphered connection.
        pub relay: RelayCipher = RelayCipher::AsReceived,
    }

    /// `[password]`
    pub struct PasswordCost {
        /// Memory of one hash, KiB.
        pub memory_kib: u32 = 19_456,
        /// Passes over it.
        pub iterations: u32 = 2,
        /// Lanes.
        pub parallelism: u32 = 1,
        /// Hashes at one time; further logins wait. Bounds memory and CPU under a flood of logins.
        pub concurrency: u32 = 4,
    }

    /// `[store]`
    pub struct StoreConfig {
        /// Bytes of the page cache.
        pub cache_bytes: u64 = 67_108_864,
        /// Accounts whose verified password is remembered (as a keyed digest), so that a second login costs no hash.
        pub warm_logins: u32 = 100_000,
    }

    /// `[maintenance]`
    pub struct Maintenance {
        /// Turn players away.
        pub enabled: bool = false,
        /// Only from this moment on, as `2026-01-31T20:00:00Z`. Not set: at once.
        pub from: Option<UtcTime> = None,
        /// Only until this moment. Not set: with no end.
        pub to: Option<UtcTime> = None,
        /// Addresses that are served all the same.
        pub exempt: Vec<IpAddr> = vec![],
        /// What players are shown.
        pub message: String = "This server is down for maintenance. Please come back later.".to_owned(),
    }

    /// `[log]`
    pub struct LogConfig {
        /// For people or for programs.
        pub format: LogFormat = LogFormat::Human,
        /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,medley_relay=debug`.
        pub level: String = "info".to_owned(),
    }

    /// `[metrics]`
    pub struct MetricsConfig {
        /// Serve `/metrics` on the console port.
        pub enabled: bool = true,
    }
}

impl HostConfig {
    /// A host on loopback with every port chosen by the system: what tests start.
    pub fn ephemeral() -> Self {
        Self { listen: Listen::ephemeral(), ..Self::default() }
    }

    /// Says what the NAT address told to a client is, given the address at which it reached us.
    pub fn nat_address_for(&self, reached: Ipv4Addr) -> Ipv4Addr {
        self.nat_address.or(self.public_address).unwrap_or(reached)
    }

    /// Says what the address of our servers told to a client is, given the address at which it reached us.
    pub fn address_for(&self, reached: Ipv4Addr) -> Ipv4Addr {
        self.public_address.unwrap_or(reached)
    }

    /// Says what the address of the relay told to a client is, given the address at which it reached us.
    pub fn relay_address_for(&self, reached: Ipv4Addr) -> Ipv4Addr {
        self.relay.public_address.or(self.public_address).unwrap_or(reached)
    }
}

impl Listen {
    /// Loopback, all ports 0.
    pub fn ephemeral() -> Self {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self {
            bind: loopback,
            muis: 0,
            muis_extra: vec![],
            mas: 0,
            mls: 0,
            mps: 0,
            nat: 0,
            maps: vec![],
            mms: vec![],
            mucg: vec![],
            bwps: vec![],
            dme_tcp: 0,
            dme_udp: 0,
            console_bind: loopback,
            console: 0,
        }
    }
}

impl Maintenance {
    /// True if players are turned away at `now` (seconds since 1970, UTC).
    pub fn active_at(&self, now: i64) -> bool {
        self.enabled && self.from.is_none_or(|from| from.0 <= now) && self.to.is_none_or(|to| now < to.0)
    }

    /// True if a client at `address` is turned away at `now` (seconds since 1970, UTC).
    pub fn applies_to(&self, address: IpAddr, now: i64) -> bool {
        self.active_at(now) && !self.exempt.contains(&address)
    }
}
