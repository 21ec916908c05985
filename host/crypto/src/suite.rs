//! One cipher suite: tag and body of a single frame, both directions.

use crate::fan_out::Prepared;
use crate::{Context, Hash, SymmetricKey, Verified, ps2, ps3};

/// The cipher family of a connection (section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suite {
    /// RC4 variant, SHA-1 tag: PS2 clients, with or without a hello, and PSP clients by their version number.
    Ps2,
    /// RCQ and its tag: clients whose hello says version 112 (0x70) or later.
    Ps3,
}

/// The body did not verify: wrong key, wrong suite, or damaged on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hash mismatch in {length} bytes under {}: the frame says {received}, the plaintext hashes to {computed}", received.context())]
pub struct DecryptError {
    /// Bytes of the body.
    pub length: usize,
    /// The hash that the frame carried.
    pub received: Hash,
    /// The hash of what came out of the cipher.
    pub computed: Hash,
}

/// An output slice is not as long as its plaintext or ciphertext: bodies have no padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the output holds {found} bytes, the body has {wanted}")]
pub struct LengthMismatch {
    /// Bytes of the body.
    pub wanted: usize,
    /// Bytes of the output slice.
    pub found: usize,
}

impl Suite {
    /// The suite of a client by the version word of its CLIENT_HELLO; a client that sends no hello is [`Suite::Ps2`].
    /// Seen: 0x6e (PS2), 0x71 (PS3); the border at 112 is the public emulators'.
    #[must_use]
    pub const fn for_medius_version(version: u16) -> Self {
        if version >= 112 { Self::Ps3 } else { Self::Ps2 }
    }

    /// The hash of a plaintext under a context. Any length is legal, the empty one too.
    ///
    /// The PS3 tag pads to four bytes with zeros and does not mix the length in, so it does not tell a plaintext
    /// from the same one with zeros behind it up to the next multiple of four.
    #[must_use]
    pub fn hash(self, context: Context, plain: &[u8]) -> Hash {
        match self {
            Self::Ps2 => ps2::hash(context, plain),
            Self::Ps3 => ps3::hash(context, plain),
        }
    }

    /// Enciphers a body and returns its hash. For many receivers of the same plaintext use [`crate::FanOut`].
    ///
    /// A plaintext whose digest happens to be null is left in clear, because that is how every receiver reads a
    /// null hash. (One in 2^29 by chance; with the PS3 tag a peer can make such a plaintext at will.)
    pub fn encrypt_in_place(self, key: &SymmetricKey, context: Context, body: &mut [u8]) -> Hash {
        let hash = self.hash(context, body);
        if !hash.is_null() {
            self.encipher(key, hash, body);
        }
        hash
    }

    /// Deciphers a body and verifies it by the received hash. A null hash leaves it as it is: it is plaintext.
    ///
    /// # Errors
    /// The hash of the result is not the received one. The body is then restored to what it was (at the cost of
    /// one more pass), so that another key can be tried on it.
    pub fn decrypt_in_place(
        self,
        key: &SymmetricKey,
        hash: Hash,
        body: &mut [u8],
    ) -> Result<(), DecryptError> {
        self.open_in_place(key, hash, body).map(drop)
    }

    /// As [`Suite::decrypt_in_place`]; gives what is known now about the plaintext, for [`crate::FanOut::again`]. `None`
    /// for a null hash.
    ///
    /// # Errors
    /// As [`Suite::decrypt_in_place`].
    pub fn open_in_place(
        self,
        key: &SymmetricKey,
        hash: Hash,
        body: &mut [u8],
    ) -> Result<Option<Verified>, DecryptError> {
        if hash.is_null() {
            return Ok(None);
        }
        let (computed, prepared) = match self {
            Self::Ps2 => {
                let mixed = ps2::Mixed::new(hash);
                mixed.decipher(key.as_bytes(), body);
                (ps2::hash(hash.context(), body), Prepared::Ps2(mixed))
            }
            Self::Ps3 => (ps3::decipher(key.as_bytes(), hash, body), Prepared::Ps3),
        };
        if computed == hash {
            return Ok(Some(Verified { suite: self, hash, length: body.len(), prepared }));
        }
        // Enciphering under the same key and hash is the exact inverse, whatever the plaintext.
        self.encipher(key, hash, body);
        Err(DecryptError { length: body.len(), received: hash, computed })
    }

    /// Deciphers into `out` with the first of several keys under which the body verifies, and returns that key's
    /// position. The part of the set-up that depends on the hash alone is done once. With a null hash the body is
    /// copied and the position is 0 without a look at the keys.
    ///
    /// One or two bytes prove little: a wrong key passes a one-byte body once in 256.
    ///
    /// # Errors
    /// `Ok(None)` when no key fits; `out` is then zeroed. `Err` when `out` has another length than `body`.
    pub fn decrypt_with_first<'k>(
        self,
        keys: impl IntoIterator<Item = &'k SymmetricKey>,
        hash: Hash,
        body: &[u8],
        out: &mut [u8],
    ) -> Result<Option<usize>, LengthMismatch> {
        if out.len() != body.len() {
            return Err(LengthMismatch { wanted: body.len(), found: out.len() });
        }
        out.copy_from_slice(body);
        if hash.is_null() {
            return Ok(Some(0));
        }
        let mut mixed = None;
        for (position, key) in keys.into_iter().enumerate() {
            out.copy_from_slice(body);
            let computed = match self {
                Self::Ps2 => {
                    mixed.get_or_insert_with(|| ps2::Mixed::new(hash)).decipher(key.as_bytes(), out);
                    ps2::hash(hash.context(), out)
                }
                Self::Ps3 => ps3::decipher(key.as_bytes(), hash, out),
            };
            if computed == hash {
                return Ok(Some(position));
            }
        }
        out.fill(0);
        Ok(None)
    }

    fn encipher(self, key: &SymmetricKey, hash: Hash, body: &mut [u8]) {
        match self {
            Self::Ps2 => ps2::Mixed::new(hash).encipher(key.as_bytes(), body),
            Self::Ps3 => ps3::encipher(key.as_bytes(), hash, body),
        }
    }
}
