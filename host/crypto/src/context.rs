//! The hash word that precedes an enciphered body and the cipher context in its top three bits (section 1.1).

use core::fmt;

/// Which key enciphers a frame: the top three bits of the fourth hash byte, so always 0 to 7.
///
/// Only 1, 3 and 7 have ever been seen; the others are representable because a peer can send them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Context(u8);

impl Context {
    /// The key of SERVER_CRYPTKEY_GAME (0x14): server to client only.
    pub const RC_SERVER_SESSION: Self = Self(1);
    /// The key of SERVER_CRYPTKEY_PEER (0x13): everything else, both directions, TCP and UDP.
    pub const RC_CLIENT_SESSION: Self = Self(3);
    /// RSA: CLIENT_CRYPTKEY_PUBLIC (0x12) and the first SERVER_CRYPTKEY_PEER (0x13).
    pub const RSA_AUTH: Self = Self(7);

    /// The context of a three-bit number; `None` above 7.
    #[must_use]
    pub const fn new(bits: u8) -> Option<Self> {
        if bits <= 7 { Some(Self(bits)) } else { None }
    }

    /// The three bits, 0 to 7.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("RC_SERVER_SESSION"),
            3 => f.write_str("RC_CLIENT_SESSION"),
            7 => f.write_str("RSA_AUTH"),
            other => write!(f, "context {other}"),
        }
    }
}

/// The four bytes between the header and the body of an enciphered frame, in wire order: 29 bits of digest of the
/// plaintext and three of [`Context`]. It is the integrity check and the initialisation vector at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 4]);

impl Hash {
    /// The hash that says "what follows is plaintext" under the given context (section 1.2).
    #[must_use]
    pub const fn null(context: Context) -> Self {
        Self([0, 0, 0, context.0 << 5])
    }

    /// The cipher context that these bytes name.
    #[must_use]
    pub const fn context(self) -> Context {
        Context(self.0[3] >> 5)
    }

    /// True when all 29 digest bits are zero: the body is plaintext whatever the context bits say, and nothing is
    /// to be verified. Ratchet: Deadlocked sends every CLIENT_APP_BROADCAST this way.
    #[must_use]
    pub const fn is_null(self) -> bool {
        self.0[0] == 0 && self.0[1] == 0 && self.0[2] == 0 && self.0[3] & 0x1f == 0
    }

    /// Puts the context into the top bits of a digest's first four bytes.
    pub(crate) const fn tag(digest: [u8; 4], context: Context) -> Self {
        Self([digest[0], digest[1], digest[2], (digest[3] & 0x1f) | (context.0 << 5)])
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}
