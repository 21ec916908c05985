//! What a server session is told from outside: keys, limits, time-outs, and the exceptions of a title.

use core::time::Duration;
use std::sync::Arc;

use medley_crypto::{KeyStore, KeyStoreError, RsaKeyPair};
use medley_wire::rt::SERVER_VERSION_108;
use medley_wire::types::Text;
use medley_wire::{AppId, fragment};

/// Which server a connection is made to. The handshakes differ on DME only; the rest is for exceptions and messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServerKind {
    /// Universe information, port 10071.
    Muis,
    /// Authentication, port 10075.
    Mas,
    /// Lobby, port 10078.
    Mls,
    /// Proxy for game servers and hosting players, port 10077.
    Mps,
    /// Game relay, port 10079 and UDP.
    Dme,
}

/// The certificate that Sony's PS3 MAS sent (`dl_ps3_full_session`, line 2): X.509, subject `CN=MAS 1`, its key is
/// `medius_global`. Constant across players and years, and taken by clients on every server.
pub const MAS_1_CERTIFICATE: &[u8] = include_bytes!("../data/mas_1.der");

/// Where the 64 bytes of modulus stand in [`MAS_1_CERTIFICATE`], big-endian.
pub const CERTIFICATE_MODULUS: core::ops::Range<usize> = 398..462;

/// Everything that the sessions of one listener share.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Which server this is.
    pub kind: ServerKind,
    /// Keys that clients may have enciphered CLIENT_CRYPTKEY_PUBLIC to, tried in order: the app id is not known yet
    /// when it comes. One private operation each.
    pub key_pairs: Vec<Arc<RsaKeyPair>>,
    /// DER certificate of the SERVER_HELLO to 1.12 and later. Its key must be one of `key_pairs`.
    pub certificate: Arc<[u8]>,
    /// Unix time at [`crate::Time::ZERO`]: SERVER_ECHO carries the wall clock. Clients return it unread.
    pub unix_time_at_zero: Duration,
    /// Sizes.
    pub limits: Limits,
    /// Durations.
    pub timeouts: Timeouts,
    /// DME ServerVersion to clients of 1.08 and older. Sony: `1.22.0141` (`uya_ps2_join_game_dme`, line 31).
    pub dme_version_108: Text<16>,
    /// DME ServerVersion to later clients. Sony: `2.10.1143227940` (`dl_ps2_full_session`, line 313).
    pub dme_version: Text<16>,
}

impl ServerConfig {
    /// The defaults with the given keys.
    #[must_use]
    pub fn new(kind: ServerKind, key_pairs: Vec<Arc<RsaKeyPair>>) -> Self {
        Self {
            kind,
            key_pairs,
            certificate: MAS_1_CERTIFICATE.into(),
            unix_time_at_zero: Duration::ZERO,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            dme_version_108: Text::new("1.22.0141"),
            dme_version: Text::new("2.10.1143227940"),
        }
    }

    /// The defaults with `medius_global`, the key on every disc seen so far.
    ///
    /// # Errors
    /// None in a released build: see [`KeyStore::embedded`].
    pub fn with_medius_global(kind: ServerKind) -> Result<Self, KeyStoreError> {
        let store = KeyStore::embedded()?;
        let pairs = store.default_server_key().map(|entry| Arc::new(entry.pair.clone()));
        Ok(Self::new(kind, pairs.into_iter().collect()))
    }

    /// Answers 1.12 and later with a zero modulus in the certificate, which turns their encryption off (public
    /// emulators do it; no capture).
    #[must_use]
    pub fn with_clear_ps3(mut self) -> Self {
        let mut certificate = self.certificate.to_vec();
        if let Some(modulus) = certificate.get_mut(CERTIFICATE_MODULUS) {
            modulus.fill(0);
        }
        self.certificate = certificate.into();
        self
    }
}

/// Sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Announced in CONNECT_REQUIRE before 1.12. Sony: 584.
    pub max_tcp: u16,
    /// Announced in CONNECT_REQUIRE from 1.12 on. Sony: 1603.
    pub max_tcp_ps3: u16,
    /// Announced in CONNECT_REQUIRE of DME: the longest datagram. Sony: 584.
    pub max_udp: u16,
    /// Payload of a fragment before 1.12.
    pub piece: usize,
    /// Payload of a fragment from 1.12 on.
    pub piece_ps3: usize,
    /// Kept of what a client sends ahead of its handshake, at most.
    pub pipelined: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_tcp: 584,
            max_tcp_ps3: 1603,
            max_udp: 584,
            piece: fragment::PIECE,
            piece_ps3: fragment::PIECE_PS3,
            pipelined: 0x4000,
        }
    }
}

/// Durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the start of the connection to the end of its handshake.
    pub handshake: Duration,
    /// From one message to the next, of whatever kind and transport. Public emulators: 30 to 50 s; 1.08 clients are
    /// heard of every 15 s.
    pub idle: Duration,
    /// From one SERVER_ECHO to the next. Sony: 30 s.
    pub server_echo: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(30),
            idle: Duration::from_secs(50),
            server_echo: Duration::from_secs(30),
        }
    }
}

/// How the connect sequence of one app id differs from the usual. The default is the usual, as Sony's servers had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// Take the client through the sequence of 1.08 although its hello says more. Layouts stay those of the hello.
    pub treat_as_108: bool,
    /// CONNECT_ACCEPT_TCP at once, with no CONNECT_REQUIRE before it, although the client is above 1.08 (Warhawk).
    pub skip_connect_require: bool,
    /// At 1.08: CONNECT_COMPLETE straight after CONNECT_ACCEPT_TCP.
    pub complete_after_accept: bool,
    /// Above 1.08: CONNECT_COMPLETE straight after CONNECT_ACCEPT_TCP, unasked, on this server.
    pub complete_unasked_above_108: bool,
    /// Send CRYPTKEY_GAME to clients that sent their public key.
    pub send_cryptkey_game: bool,
    /// On DME: change the ctx 3 key with a second CRYPTKEY_PEER.
    pub send_second_peer_key: bool,
    /// Cut long application messages above 1.08.
    pub fragment: bool,
    /// Send SERVER_ECHO above 1.08. Never sent at 1.08.
    pub server_echo: bool,
    /// At 1.08: encipher application messages under ctx 1, the CRYPTKEY_GAME key.
    pub game_key_for_apps: bool,
    /// First three bytes of CONNECT_ACCEPT_TCP at 1.08. Sony `01 08 d3`, public emulators `01 08 10`.
    pub accept_version: [u8; 3],
}

impl Default for Handshake {
    fn default() -> Self {
        Self {
            treat_as_108: false,
            skip_connect_require: false,
            complete_after_accept: true,
            complete_unasked_above_108: false,
            send_cryptkey_game: true,
            send_second_peer_key: true,
            fragment: true,
            server_echo: true,
            game_key_for_apps: true,
            accept_version: SERVER_VERSION_108,
        }
    }
}

/// Which app ids are served, and how. Asked once per connection, when its CONNECT message tells the app id.
pub trait HandshakeRules {
    /// The connect sequence of `app` on a server of this kind; `None`: not served, the client is rejected.
    fn for_app(&self, kind: ServerKind, app: AppId) -> Option<Handshake>;
}

impl<F: Fn(ServerKind, AppId) -> Option<Handshake>> HandshakeRules for F {
    fn for_app(&self, kind: ServerKind, app: AppId) -> Option<Handshake> {
        self(kind, app)
    }
}

/// Every app id is served the usual way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usual;

impl HandshakeRules for Usual {
    fn for_app(&self, _: ServerKind, _: AppId) -> Option<Handshake> {
        Some(Handshake::default())
    }
}
