//! One plaintext for many receivers: what a relay does all day.

use crate::{Context, Hash, LengthMismatch, Suite, SymmetricKey, ps2, ps3};

/// A plaintext with everything done that does not depend on a receiver: its hash and, in the PS2 suite, the first
/// of the two mixing passes. Allocates nothing; a few hundred bytes on the stack.
#[derive(Clone)]
pub struct FanOut<'p> {
    plain: &'p [u8],
    hash: Hash,
    prepared: Prepared,
}

// The large variant is the one for which this type exists; a box would be an allocation per frame.
#[derive(Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)]
pub(crate) enum Prepared {
    /// The digest is null: the body travels in clear.
    Clear,
    Ps2(ps2::Mixed),
    Ps3,
}

/// What is known about a body that was deciphered and verified, and that enciphering the same plaintext for others need
/// not find out again: its hash, and the mixing pass that depends on it alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Verified {
    pub(crate) suite: Suite,
    pub(crate) hash: Hash,
    /// Bytes of the body.
    pub(crate) length: usize,
    pub(crate) prepared: Prepared,
}

impl core::fmt::Debug for Verified {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { suite, hash, length, .. } = self;
        write!(f, "Verified({suite:?}, {hash:?}, {length} bytes)")
    }
}

/// Receivers that are enciphered side by side: with 8 instead of 4, seven receivers took 0.88x of the time.
const LANES: usize = 8;

impl<'p> FanOut<'p> {
    /// Hashes the plaintext and prepares the cipher.
    #[must_use]
    pub fn new(suite: Suite, context: Context, plain: &'p [u8]) -> Self {
        let hash = suite.hash(context, plain);
        let prepared = match suite {
            _ if hash.is_null() => Prepared::Clear,
            Suite::Ps2 => Prepared::Ps2(ps2::Mixed::new(hash)),
            Suite::Ps3 => Prepared::Ps3,
        };
        Self { plain, hash, prepared }
    }

    /// The same from what its own receipt left behind; `plain` is the whole body that was verified then, as it came out.
    /// `None` where that does not serve: another suite or context, or a part of the body only.
    #[must_use]
    pub fn again(suite: Suite, context: Context, plain: &'p [u8], verified: &Verified) -> Option<Self> {
        let same = verified.suite == suite && verified.hash.context() == context;
        let Verified { hash, ref prepared, .. } = *verified;
        (same && verified.length == plain.len()).then(|| Self { plain, hash, prepared: prepared.clone() })
    }

    /// The hash, the same for every receiver.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// The plaintext.
    #[must_use]
    pub const fn plain(&self) -> &'p [u8] {
        self.plain
    }

    /// Enciphers for one receiver. `out` must be as long as the plaintext.
    ///
    /// # Errors
    /// `out` has another length; nothing is written.
    pub fn encrypt_for(&self, key: &SymmetricKey, out: &mut [u8]) -> Result<(), LengthMismatch> {
        self.check(out)?;
        self.lanes([(key, out)]);
        Ok(())
    }

    /// Enciphers for any number of receivers, several at a time side by side: much faster than one after the
    /// other. Each item is a key and an output slice as long as the plaintext.
    ///
    /// # Errors
    /// An output has another length. Receivers before it in the order may or may not have been written.
    pub fn encrypt_for_many<'k, 'o>(
        &self,
        receivers: impl IntoIterator<Item = (&'k SymmetricKey, &'o mut [u8])>,
    ) -> Result<(), LengthMismatch> {
        let mut receivers = receivers.into_iter();
        loop {
            let mut group = [const { None }; LANES];
            let mut count = 0;
            for (slot, receiver) in group.iter_mut().zip(receivers.by_ref()) {
                self.check(receiver.1)?;
                *slot = Some(receiver);
                count += 1;
            }
            match group {
                [Some(a), Some(b), Some(c), Some(d), Some(e), Some(f), Some(g), Some(h)] => {
                    self.lanes([a, b, c, d, e, f, g, h])
                }
                [Some(a), Some(b), Some(c), Some(d), Some(e), Some(f), Some(g), None] => {
                    self.lanes([a, b, c, d, e, f, g])
                }
                [Some(a), Some(b), Some(c), Some(d), Some(e), Some(f), None, None] => {
                    self.lanes([a, b, c, d, e, f])
                }
                [Some(a), Some(b), Some(c), Some(d), Some(e), None, None, None] => {
                    self.lanes([a, b, c, d, e])
                }
                [Some(a), Some(b), Some(c), Some(d), None, None, None, None] => self.lanes([a, b, c, d]),
                [Some(a), Some(b), Some(c), None, None, None, None, None] => self.lanes([a, b, c]),
                [Some(a), Some(b), None, None, None, None, None, None] => self.lanes([a, b]),
                [Some(a), None, None, None, None, None, None, None] => self.lanes([a]),
                _ => {}
            }
            if count < LANES {
                return Ok(());
            }
        }
    }

    fn check(&self, out: &[u8]) -> Result<(), LengthMismatch> {
        if out.len() == self.plain.len() {
            Ok(())
        } else {
            Err(LengthMismatch { wanted: self.plain.len(), found: out.len() })
        }
    }

    fn lanes<const N: usize>(&self, receivers: [(&SymmetricKey, &mut [u8]); N]) {
        let keys = core::array::from_fn(|lane| receivers[lane].0.as_bytes());
        let outs = receivers.map(|(_, out)| out);
        match &self.prepared {
            Prepared::Clear => outs.into_iter().for_each(|out| out.copy_from_slice(self.plain)),
            Prepared::Ps2(mixed) => mixed.encipher_lanes(keys, self.plain, outs),
            Prepared::Ps3 => ps3::encipher_lanes(keys, self.hash, self.plain, outs),
        }
    }
}
