//! 512-bit textbook RSA, exponent 17, little-endian on the wire (section 4), and the two key messages.
//!
//! No blinding: the private halves that matter are public knowledge (every emulator ships them), a 512-bit modulus
//! falls to a desktop computer, and a login costs one private operation. The private operation itself runs in
//! constant time, as far as the compiler leaves it so; nothing is promised beyond that.

use crate::power::{Limbs, Modulus, limbs, number};
use crate::{Context, Hash, KEY_LEN, Suite, SymmetricKey};
use core::fmt;
use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{CheckedAdd, CheckedSub, Encoding, NonZero, Odd, U64, U256, U512, U576};
use rsa::rand_core::{CryptoRng, RngCore};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BigUint, RsaPrivateKey};

/// The public exponent of every known key of this protocol; there is no field for another.
pub const PUBLIC_EXPONENT: u32 = 17;

/// Why 64 bytes are not a modulus that can be enciphered to. They may come straight from a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModulusError {
    /// All zero: on the wire this means "no encryption", which is the caller's to notice.
    #[error("the modulus is zero")]
    Zero,
    /// No product of two odd primes.
    #[error("the modulus is even")]
    Even,
    /// Shorter than 512 bits. A 64-byte message could then exceed it more than once and not be recovered.
    #[error("the modulus has {bits} bits, SCE-RT moduli have 512")]
    TooShort {
        /// Bits of the number.
        bits: u32,
    },
}

/// What can go wrong with private keys and key messages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RsaError {
    /// The modulus is unusable.
    #[error(transparent)]
    Modulus(#[from] ModulusError),
    /// The private exponent does not belong to the modulus and exponent 17.
    #[error("the private exponent does not fit the modulus and public exponent 17")]
    ExponentMismatch,
    /// The factors are not two different odd numbers of at most 256 bits whose product is the modulus.
    #[error("the modulus is not a product of two primes of at most 256 bits")]
    Factors,
    /// The generator of the library failed.
    #[error("key generation failed: {0}")]
    Generation(String),
    /// The plaintext does not hash to what the frame says, neither as it is nor with the modulus added: enciphered
    /// to another key, under the other suite, or damaged.
    #[error("hash mismatch in a key message: the frame says {received}, the plaintext hashes to {computed}")]
    HashMismatch {
        /// The hash that the frame carried.
        received: Hash,
        /// The hash of the plaintext below the modulus.
        computed: Hash,
    },
    /// A key message under another context than [`Context::RSA_AUTH`].
    #[error("a key message under {found}, RSA_AUTH wanted")]
    NotRsaContext {
        /// The context of the frame.
        found: Context,
    },
}

/// A 512-bit modulus with exponent 17.
#[derive(Clone, PartialEq, Eq)]
pub struct RsaPublicKey {
    params: FixedMontyParams<{ U512::LIMBS }>,
}

impl RsaPublicKey {
    /// The key of a modulus as it travels: 64 bytes, little-endian.
    ///
    /// # Errors
    /// The number is zero, even or shorter than 512 bits.
    pub fn from_modulus_le(modulus: [u8; KEY_LEN]) -> Result<Self, ModulusError> {
        let n = U512::from_le_bytes(modulus.into());
        if n == U512::ZERO {
            return Err(ModulusError::Zero);
        }
        let bits = n.bits_vartime();
        let odd = Option::<Odd<U512>>::from(Odd::new(n)).ok_or(ModulusError::Even)?;
        if bits < U512::BITS {
            return Err(ModulusError::TooShort { bits });
        }
        Ok(Self { params: FixedMontyParams::new_vartime(odd) })
    }

    /// The modulus as it travels: what CLIENT_CRYPTKEY_PUBLIC carries and what a NetConnectionInfo's ServerKey is.
    #[must_use]
    pub fn modulus_le(&self) -> [u8; KEY_LEN] {
        self.params.modulus().as_ref().to_le_bytes().into()
    }

    /// `m^17 mod n` of a 64-byte little-endian message. Messages at or above the modulus are legal: see
    /// [`RsaKeyPair::decrypt`].
    #[must_use]
    pub fn encrypt(&self, message: &[u8; KEY_LEN]) -> [u8; KEY_LEN] {
        let m = FixedMontyForm::new(&U512::from_le_bytes((*message).into()), &self.params);
        let m16 = m.square_repeat_vartime(4);
        m16.mul(&m).retrieve().to_le_bytes().into()
    }
}

impl fmt::Debug for RsaPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaPublicKey({:x})", self.params.modulus().as_ref())
    }
}

/// One prime of a key pair with what the Chinese remainder theorem needs.
#[derive(Clone)]
struct Half {
    params: FixedMontyParams<{ U256::LIMBS }>,
    modulus: Modulus,
    exponent: Limbs,
}

impl Half {
    /// `c^exponent mod prime`, in Montgomery form.
    fn power(&self, c: &U512) -> FixedMontyForm<{ U256::LIMBS }> {
        // c = high * 2^256 + low, and r2 is the Montgomery form of 2^256: two multiplications instead of a division.
        let (low, high) = c.split();
        let shift = FixedMontyForm::from_montgomery(*self.params.r2(), &self.params);
        let high = FixedMontyForm::new(&high, &self.params).mul(&shift);
        let reduced = FixedMontyForm::new(&low, &self.params).add(&high);
        let power = self.modulus.power(&limbs(reduced.as_montgomery()), &self.exponent);
        FixedMontyForm::from_montgomery(number(&power), &self.params)
    }
}

/// A modulus and its private half. `Debug` shows the modulus alone.
#[derive(Clone)]
pub struct RsaKeyPair {
    public: RsaPublicKey,
    p: Half,
    q: Half,
    /// `q^-1 mod p`
    q_inverse: FixedMontyForm<{ U256::LIMBS }>,
}

impl RsaKeyPair {
    /// A key pair of two primes, 32 bytes each, little-endian.
    ///
    /// # Errors
    /// The product is no 512-bit odd number, the numbers are equal or share a factor, or 17 has no inverse. Whether
    /// they are prime is not tested.
    pub fn from_primes_le(p: [u8; KEY_LEN / 2], q: [u8; KEY_LEN / 2]) -> Result<Self, RsaError> {
        let primes = vec![BigUint::from_bytes_le(&p), BigUint::from_bytes_le(&q)];
        let key = RsaPrivateKey::from_primes(primes, BigUint::from(PUBLIC_EXPONENT))
            .map_err(|_| RsaError::Factors)?;
        Self::from_library(&key)
    }

    /// A key pair of a modulus and its private exponent, big-endian as keys are printed. The primes are recovered
    /// once, here (some hundred microseconds).
    ///
    /// # Errors
    /// The modulus is unusable, or the exponent does not belong to it.
    pub fn from_modulus_and_private_exponent(
        modulus_be: [u8; KEY_LEN],
        private_exponent_be: [u8; KEY_LEN],
    ) -> Result<Self, RsaError> {
        let mut modulus_le = modulus_be;
        modulus_le.reverse();
        let public = RsaPublicKey::from_modulus_le(modulus_le)?;
        let d = U512::from_be_bytes(private_exponent_be.into());
        let (p, q) = recover_primes(&public, &d).ok_or(RsaError::ExponentMismatch)?;
        let key = RsaPrivateKey::from_components(
            BigUint::from_bytes_be(&modulus_be),
            BigUint::from(PUBLIC_EXPONENT),
            BigUint::from_bytes_be(&private_exponent_be),
            vec![big(&p), big(&q)],
        )
        .map_err(|_| RsaError::ExponentMismatch)?;
        Self::from_library(&key)
    }

    /// A fresh key pair.
    ///
    /// # Errors
    /// The library gave up, or made something that is no 512-bit key of two primes of 256 bits.
    pub fn generate<R: CryptoRng + RngCore>(rng: &mut R) -> Result<Self, RsaError> {
        let key = RsaPrivateKey::new_with_exp(rng, 8 * KEY_LEN, &BigUint::from(PUBLIC_EXPONENT))
            .map_err(|e| RsaError::Generation(e.to_string()))?;
        Self::from_library(&key)
    }

    /// From a key that the library has made or validated.
    fn from_library(key: &RsaPrivateKey) -> Result<Self, RsaError> {
        let modulus = fixed::<KEY_LEN>(key.n()).ok_or(RsaError::Factors)?;
        let public = RsaPublicKey::from_modulus_le(modulus)?;
        let [p, q] = key.primes() else { return Err(RsaError::Factors) };
        let p = half(p, key.d())?;
        let q = half(q, key.d())?;
        let q_in_p = FixedMontyForm::new(q.params.modulus().as_ref(), &p.params);
        let q_inverse = Option::from(q_in_p.invert_vartime()).ok_or(RsaError::Factors)?;
        Ok(Self { public, p, q, q_inverse })
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &RsaPublicKey {
        &self.public
    }

    /// `c^d mod n`, little-endian: the bare operation, below the modulus, nothing verified.
    #[must_use]
    pub fn decrypt_raw(&self, cipher: &[u8; KEY_LEN]) -> [u8; KEY_LEN] {
        self.power(cipher).to_le_bytes().into()
    }

    /// Deciphers a 64-byte message and verifies it by the frame's hash. Plaintexts are arbitrary 64-byte strings,
    /// often above the modulus; then only `m + n` has the right hash, and that is what is returned. A null hash
    /// returns the bytes as they are.
    ///
    /// # Errors
    /// Neither candidate has the hash.
    pub fn decrypt(
        &self,
        suite: Suite,
        hash: Hash,
        cipher: &[u8; KEY_LEN],
    ) -> Result<[u8; KEY_LEN], RsaError> {
        if hash.is_null() {
            return Ok(*cipher);
        }
        let m = self.power(cipher);
        let bytes: [u8; KEY_LEN] = m.to_le_bytes().into();
        let computed = suite.hash(hash.context(), &bytes);
        if computed == hash {
            return Ok(bytes);
        }
        // n > 2^511, so a second addition never fits into 64 bytes.
        let sum = Option::<U512>::from(m.checked_add(self.public.params.modulus().as_ref()));
        if let Some(sum) = sum {
            let bytes: [u8; KEY_LEN] = sum.to_le_bytes().into();
            if suite.hash(hash.context(), &bytes) == hash {
                return Ok(bytes);
            }
        }
        Err(RsaError::HashMismatch { received: hash, computed })
    }

    fn power(&self, cipher: &[u8; KEY_LEN]) -> U512 {
        let c = U512::from_le_bytes((*cipher).into());
        let m_p = self.p.power(&c);
        let m_q = self.q.power(&c).retrieve();
        let difference = m_p.sub(&FixedMontyForm::new(&m_q, &self.p.params));
        let h = difference.mul(&self.q_inverse).retrieve();
        // h < p and m_q < q, so h * q + m_q < n.
        let product: U512 = h.concatenating_mul(self.q.params.modulus().as_ref());
        product.wrapping_add(&m_q.resize())
    }
}

impl fmt::Debug for RsaKeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaKeyPair({:?}, private half not shown)", self.public)
    }
}

/// Little-endian bytes of a number that fits.
fn fixed<const N: usize>(number: &BigUint) -> Option<[u8; N]> {
    let bytes = number.to_bytes_le();
    let mut out = [0; N];
    out.get_mut(..bytes.len())?.copy_from_slice(&bytes);
    Some(out)
}

fn big(number: &U512) -> BigUint {
    BigUint::from_bytes_le(number.to_le_bytes().as_ref())
}

fn half(prime: &BigUint, d: &BigUint) -> Result<Half, RsaError> {
    let bytes = fixed::<{ KEY_LEN / 2 }>(prime).ok_or(RsaError::Factors)?;
    let modulus =
        Option::<Odd<U256>>::from(Odd::new(U256::from_le_bytes(bytes.into()))).ok_or(RsaError::Factors)?;
    let exponent = fixed::<{ KEY_LEN / 2 }>(&(d % (prime - 1u32))).ok_or(RsaError::Factors)?;
    let params = FixedMontyParams::new_vartime(modulus);
    // Two numbers of at most 256 bits whose product has 512 have 256 each.
    let one = limbs(FixedMontyForm::one(&params).as_montgomery());
    let modulus = Modulus::new(limbs(params.modulus().as_ref()), one).ok_or(RsaError::Factors)?;
    Ok(Half { params, modulus, exponent: limbs(&U256::from_le_bytes(exponent.into())) })
}

/// The factors of `n` from `17 d - 1`, a multiple of the order of every element: the square roots of one that turn
/// up in `g^(17 d - 1)` give them away. (The library's own recovery refuses exponents up to 2^16.)
fn recover_primes(public: &RsaPublicKey, d: &U512) -> Option<(U512, U512)> {
    let n = public.params.modulus();
    let multiple = d.resize::<{ U576::LIMBS }>().checked_mul(&U64::from(PUBLIC_EXPONENT)).into_option()?;
    let multiple = multiple.checked_sub(&U576::ONE).into_option()?;
    if multiple == U576::ZERO {
        return None;
    }
    let twos = multiple.trailing_zeros_vartime();
    let odd = multiple.shr_vartime(twos);
    let one = FixedMontyForm::one(&public.params);
    for base in [2u32, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53] {
        let mut x = FixedMontyForm::new(&U512::from(base), &public.params).pow_vartime(&odd);
        for _ in 0..twos {
            let squared = x.square();
            if squared == one {
                let p = x.sub(&one).retrieve().gcd_vartime(n.as_ref());
                let divisor = Option::<NonZero<U512>>::from(NonZero::new(p))?;
                let (q, rest) = n.as_ref().div_rem_vartime(&divisor);
                if p != U512::ONE && q != U512::ONE && rest == U512::ZERO {
                    return Some((p, q));
                }
                break;
            }
            x = squared;
        }
    }
    None
}

/// Makes the body of a key message under [`Context::RSA_AUTH`]: the client's modulus in CLIENT_CRYPTKEY_PUBLIC, a
/// session key in the first SERVER_CRYPTKEY_PEER. Returns what goes between header and body, and the body.
#[must_use]
pub fn seal_key(suite: Suite, to: &RsaPublicKey, message: &[u8; KEY_LEN]) -> (Hash, [u8; KEY_LEN]) {
    let hash = suite.hash(Context::RSA_AUTH, message);
    // As with the symmetric suites: a receiver takes what follows a null hash as plaintext.
    let body = if hash.is_null() { *message } else { to.encrypt(message) };
    (hash, body)
}

/// Opens the body of a key message.
///
/// # Errors
/// The context is not [`Context::RSA_AUTH`], or the message does not verify.
pub fn open_key(
    suite: Suite,
    with: &RsaKeyPair,
    hash: Hash,
    body: &[u8; KEY_LEN],
) -> Result<SymmetricKey, RsaError> {
    match hash.context() {
        Context::RSA_AUTH => with.decrypt(suite, hash, body).map(SymmetricKey::new),
        found => Err(RsaError::NotRsaContext { found }),
    }
}
