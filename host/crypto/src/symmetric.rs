//! The symmetric key of a session.

use crate::KEY_LEN;
use core::fmt;
use rsa::rand_core::{CryptoRng, RngCore};
use zeroize::Zeroize;

/// The 64 bytes that SERVER_CRYPTKEY_PEER and SERVER_CRYPTKEY_GAME carry. The PS2 suite uses all of them, the PS3
/// suite the first 16. Wiped on drop; `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SymmetricKey([u8; KEY_LEN]);

impl SymmetricKey {
    /// A key of the given bytes, as they travel.
    #[must_use]
    pub const fn new(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// A fresh key.
    pub fn random<R: CryptoRng + RngCore + ?Sized>(rng: &mut R) -> Self {
        let mut bytes = [0; KEY_LEN];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// The secret bytes, to put into a key message.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl From<[u8; KEY_LEN]> for SymmetricKey {
    fn from(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }
}

impl Drop for SymmetricKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SymmetricKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SymmetricKey(64 bytes, not shown)")
    }
}
