//! What a console is.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use medley_crypto::{RsaError, RsaKeyPair, RsaPublicKey};
use medley_wire::AppId;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

/// Generation of a title's network library. The captures have 1.08, 1.10 and 1.13.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// PS2, no hello (Up Your Arsenal).
    V108,
    /// PS2, hello, no captures (Jak X).
    V109,
    /// PS2 (Deadlocked).
    V110,
    /// PSP and PS3: certificates and the other cipher suite, no captures (Killzone: Liberation's app id; its version is
    /// not known for certain).
    V112,
    /// PS3: the same and containers (Deadlocked HD).
    V113,
}

impl Dialect {
    /// All of them, oldest first.
    pub const ALL: [Self; 5] = [Self::V108, Self::V109, Self::V110, Self::V112, Self::V113];

    /// Version number as the hello carries it.
    #[must_use]
    pub const fn version(self) -> u16 {
        match self {
            Self::V108 => 108,
            Self::V109 => 109,
            Self::V110 => 110,
            Self::V112 => 112,
            Self::V113 => 113,
        }
    }

    /// An app id that speaks it.
    #[must_use]
    pub const fn app_id(self) -> AppId {
        AppId(match self {
            Self::V108 => 10684,
            Self::V109 => 10994,
            Self::V110 => 11184,
            Self::V112 => 20454,
            Self::V113 => 24180,
        })
    }

    /// The later generation: certificates, the other cipher suite, requests numbered one by one.
    #[must_use]
    pub const fn has_certificates(self) -> bool {
        self.version() >= 112
    }
}

/// What a console enciphers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ciphering {
    /// MUIS and MAS by the key on the disc; afterwards as the answers say: a zero ServerKey makes the next connection
    /// clear.
    AsTold,
    /// MUIS and MAS in clear, afterwards as the answers say.
    ClearLogin,
    /// Nothing, whatever the answers say.
    Never,
}

/// What a console is made of. Shared by all consoles of a kind.
#[derive(Clone, Debug)]
pub struct Options {
    /// Generation.
    pub dialect: Dialect,
    /// Title.
    pub app_id: AppId,
    /// Ciphers.
    pub ciphering: Ciphering,
    /// The console's own pair: one per title on PS2.
    pub own_key: Arc<RsaKeyPair>,
    /// The key on the disc, for MUIS and MAS.
    pub disc_key: RsaPublicKey,
    /// Randomness of all the console sends.
    pub seed: u64,
    /// Longest wait for one answer.
    pub timeout: Duration,
    /// CLIENT_ECHO cadence.
    pub echo: Option<Duration>,
    /// Local address of every socket; unspecified lets the system choose.
    pub local: Ipv4Addr,
    /// The access key is kept in a field of 16 bytes, NUL included.
    pub cuts_access_key: bool,
    /// Writes after which the power goes.
    pub fuse: Option<u32>,
    /// When the power goes, the network does not notice: the sockets stay open and silent for as long as the console
    /// lives. Otherwise they are closed without a word.
    pub dies_silently: bool,
    /// SO_RCVBUF of streams; the system's own size if not set.
    pub receive_buffer: Option<u32>,
    /// Messages that may wait unread in one queue.
    pub queue: usize,
}

impl Options {
    /// A console of `dialect` that knows the server key `disc_key`.
    ///
    /// # Errors
    /// None in practice: no key pair could be made.
    pub fn new(dialect: Dialect, disc_key: RsaPublicKey) -> Result<Self, RsaError> {
        // A pair of the disc's is the same on every console; a fixed seed makes it once and for all.
        let own_key = RsaKeyPair::generate(&mut ChaCha20Rng::seed_from_u64(dialect.version().into()))?;
        Ok(Self::with_keys(dialect, Arc::new(own_key), disc_key))
    }

    /// The same with a pair that was made before.
    #[must_use]
    pub const fn with_keys(dialect: Dialect, own_key: Arc<RsaKeyPair>, disc_key: RsaPublicKey) -> Self {
        Self {
            dialect,
            app_id: dialect.app_id(),
            ciphering: Ciphering::AsTold,
            own_key,
            disc_key,
            seed: 0,
            timeout: Duration::from_secs(10),
            echo: Some(Duration::from_secs(15)),
            local: Ipv4Addr::UNSPECIFIED,
            cuts_access_key: false,
            fuse: None,
            dies_silently: false,
            receive_buffer: None,
            queue: 4096,
        }
    }

    /// A client that is no console: frames of 1.08 in plaintext, no hello, no key exchange, the access key cut to 16
    /// bytes, an echo every 15 seconds.
    #[must_use]
    pub fn foreign(mut self) -> Self {
        self.dialect = Dialect::V108;
        self.app_id = Dialect::V108.app_id();
        self.ciphering = Ciphering::Never;
        self.cuts_access_key = true;
        self.echo = Some(Duration::from_secs(15));
        self
    }

    /// With other ciphers.
    #[must_use]
    pub const fn ciphering(mut self, ciphering: Ciphering) -> Self {
        self.ciphering = ciphering;
        self
    }

    /// Of another title of the same generation.
    #[must_use]
    pub const fn app(mut self, app_id: u32) -> Self {
        self.app_id = AppId(app_id);
        self
    }

    /// With other randomness: no two consoles should share it.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// With a fuse of so many writes.
    #[must_use]
    pub const fn fuse(mut self, writes: u32) -> Self {
        self.fuse = Some(writes);
        self
    }
}
