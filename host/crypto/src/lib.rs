//! The cryptography of SCE-RT (SCERT), the transport of every Medius title.
//!
//! What it is: both cipher suites ([`Suite::Ps2`], an RC4 variant with plaintext feedback under a SHA-1 tag, and
//! [`Suite::Ps3`], the RCQ word cipher under its own tag), the tag rules ([`struct@Hash`], [`Context`]), enciphering one
//! plaintext for many receivers ([`FanOut`]), 512-bit textbook RSA ([`RsaPublicKey`], [`RsaKeyPair`]), the two key
//! messages ([`seal_key`], [`open_key`]), the [`KeyStore`] and the signatures of network tickets ([`EcdsaKey`]). It follows `protocol/crypto.md`; the section
//! numbers in the comments are that document's.
//!
//! What it is not: it knows no frames, no message ids and no connection state; it does no I/O, reads no clock and
//! draws no randomness of its own (a generator is an argument). It is not *secure* cryptography by any measure of
//! this century: nothing here may protect anything but the wire format of these old games.
//!
//! Nothing in this crate logs, and the `Debug` output of keys shows no secret.

mod context;
mod ecdsa;
mod fan_out;
mod key_store;
mod power;
mod ps2;
mod ps3;
mod rsa_keys;
mod suite;
mod symmetric;

pub use context::{Context, Hash};
pub use ecdsa::{EcdsaCurve, EcdsaKey, EcdsaKeyError};
pub use fan_out::{FanOut, Verified};
pub use key_store::{KeyEntry, KeyRole, KeyStore, KeyStoreError, PublicKeyEntry};
pub use rsa_keys::{ModulusError, PUBLIC_EXPONENT, RsaError, RsaKeyPair, RsaPublicKey, open_key, seal_key};
pub use suite::{DecryptError, LengthMismatch, Suite};
pub use symmetric::SymmetricKey;

/// Bytes of a symmetric key as it travels, of an RSA message and of a modulus.
pub const KEY_LEN: usize = 64;
