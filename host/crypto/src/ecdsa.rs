//! ECDSA signatures of PlayStation Network tickets, verified only, on the two curves that sign them.
//!
//! The network signs with SHA-1 on secp192r1, a key for each title; RPCN, the emulators' network, with SHA-224 on secp224k1
//! and one key. Neither is in a reviewed pure-Rust library of both, so the textbook method stands here on the big integers
//! that RSA uses. Everything in a verification is public, so nothing is done in constant time.

use std::sync::LazyLock;

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U256};
use sha1::{Digest as _, Sha1};
use sha2::Sha224;
use thiserror::Error;

/// A curve with the hash that it signs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EcdsaCurve {
    /// secp192r1 (P-192) with SHA-1: PlayStation Network.
    Secp192r1,
    /// secp224k1 with SHA-224: RPCN.
    Secp224k1,
}

/// Why a public key is none.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum EcdsaKeyError {
    /// Not the two coordinates.
    #[error("a public key of this curve has {wanted} bytes, x and y, found {found}")]
    Length {
        /// Bytes of both coordinates.
        wanted: usize,
        /// What was given.
        found: usize,
    },
    /// No point of the curve.
    #[error("the coordinates are no point of the curve")]
    NotOnCurve,
}

/// A public key.
#[derive(Clone, Debug)]
pub struct EcdsaKey {
    curve: EcdsaCurve,
    point: Point,
}

impl EcdsaKey {
    /// The key of x and y, big-endian one behind the other: 48 bytes on secp192r1, 56 on secp224k1.
    pub fn new(curve: EcdsaCurve, coordinates: &[u8]) -> Result<Self, EcdsaKeyError> {
        let params = curve.params();
        let wanted = 2 * params.bytes;
        let length = EcdsaKeyError::Length { wanted, found: coordinates.len() };
        if coordinates.len() != wanted {
            return Err(length);
        }
        let (x, y) = coordinates.split_at(params.bytes);
        let (Some(x), Some(y)) = (number(x), number(y)) else { return Err(length) };
        let prime = params.field.modulus().as_ref();
        if x >= *prime || y >= *prime {
            return Err(EcdsaKeyError::NotOnCurve);
        }
        let point = Point {
            x: FixedMontyForm::new(&x, &params.field),
            y: FixedMontyForm::new(&y, &params.field),
            z: FixedMontyForm::one(&params.field),
        };
        let right = point.x.mul(&point.x).add(&params.a).mul(&point.x).add(&params.b);
        if point.y.mul(&point.y) != right {
            return Err(EcdsaKeyError::NotOnCurve);
        }
        Ok(Self { curve, point })
    }

    /// Whether `signature` (DER, up to two zero bytes behind it, as the network's tickets have) is this key's over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let params = self.curve.params();
        let order = params.order.modulus().as_ref();
        let Some((r, s)) = parse(signature) else { return false };
        if r == U256::ZERO || s == U256::ZERO || r >= *order || s >= *order {
            return false;
        }
        let digest = match self.curve {
            EcdsaCurve::Secp192r1 => number(&Sha1::digest(message)),
            EcdsaCurve::Secp224k1 => number(&Sha224::digest(message)),
        };
        // Both hashes are shorter than the order, so nothing is cut off.
        let Some(digest) = digest else { return false };
        let scalar = |number: &U256| FixedMontyForm::new(number, &params.order);
        let inverse = scalar(&s).pow_vartime(&order.wrapping_sub(&U256::from(2_u8)));
        let of_generator = scalar(&digest).mul(&inverse).retrieve();
        let of_key = scalar(&r).mul(&inverse).retrieve();
        let sum = params.twofold(&of_generator, &params.generator, &of_key, &self.point);
        let Some(x) = params.affine_x(&sum) else { return false };
        scalar(&x).retrieve() == r
    }
}

type Residue = FixedMontyForm<{ U256::LIMBS }>;

/// A point in Jacobian coordinates; z is 0 at infinity.
#[derive(Clone, Debug)]
struct Point {
    x: Residue,
    y: Residue,
    z: Residue,
}

/// y² = x³ + ax + b over a field, with a generator of prime order.
struct Params {
    bytes: usize,
    field: FixedMontyParams<{ U256::LIMBS }>,
    order: FixedMontyParams<{ U256::LIMBS }>,
    a: Residue,
    b: Residue,
    generator: Point,
}

impl EcdsaCurve {
    /// SEC 2 version 1.0, sections 2.5.2 and 2.6.1.
    fn params(self) -> &'static Params {
        static SECP192R1: LazyLock<Option<Params>> = LazyLock::new(|| {
            Params::new(
                24,
                [
                    "fffffffffffffffffffffffffffffffeffffffffffffffff",
                    "fffffffffffffffffffffffffffffffefffffffffffffffc",
                    "64210519e59c80e70fa7e9ab72243049feb8deecc146b9b1",
                    "188da80eb03090f67cbf20eb43a18800f4ff0afd82ff1012",
                    "07192b95ffc8da78631011ed6b24cdd573f977a11e794811",
                    "ffffffffffffffffffffffff99def836146bc9b1b4d22831",
                ],
            )
        });
        static SECP224K1: LazyLock<Option<Params>> = LazyLock::new(|| {
            Params::new(
                28,
                [
                    "fffffffffffffffffffffffffffffffffffffffffffffffeffffe56d",
                    "00",
                    "05",
                    "a1455b334df099df30fc28a169a467e9e47075a90f7e650eb6b7a45c",
                    "7e089fed7fba344282cafbd6f7e319f7c0b0bd59e2ca4bdb556d61a5",
                    "010000000000000000000000000001dce8d2ec6184caf0a971769fb1f7",
                ],
            )
        });
        let params = match self {
            Self::Secp192r1 => &*SECP192R1,
            Self::Secp224k1 => &*SECP224K1,
        };
        // A test makes both.
        #[allow(clippy::expect_used, reason = "the numbers above are odd primes and hexadecimal")]
        params.as_ref().expect("the curve's own numbers are numbers")
    }
}

impl Params {
    /// From p, a, b, x and y of the generator, and n.
    fn new(bytes: usize, numbers: [&str; 6]) -> Option<Self> {
        let [p, a, b, x, y, n] = numbers.map(|text| hex::decode(text).ok().and_then(|bytes| number(&bytes)));
        let modulus = |number: Option<U256>| {
            Some(FixedMontyParams::new_vartime(Option::<Odd<U256>>::from(Odd::new(number?))?))
        };
        let (field, order) = (modulus(p)?, modulus(n)?);
        let residue = |number: U256| FixedMontyForm::new(&number, &field);
        let generator = Point { x: residue(x?), y: residue(y?), z: FixedMontyForm::one(&field) };
        Some(Self { bytes, a: residue(a?), b: residue(b?), generator, field, order })
    }

    fn infinity(&self) -> Point {
        let one = FixedMontyForm::one(&self.field);
        Point { x: one, y: one, z: FixedMontyForm::zero(&self.field) }
    }

    fn is_infinity(&self, point: &Point) -> bool {
        point.z == FixedMontyForm::zero(&self.field)
    }

    fn double(&self, point: &Point) -> Point {
        let Point { x, y, z } = point;
        let (y2, z2) = (y.mul(y), z.mul(z));
        let s = times(&x.mul(&y2), 4);
        let m = times(&x.mul(x), 3).add(&self.a.mul(&z2.mul(&z2)));
        let x3 = m.mul(&m).sub(&s).sub(&s);
        let y3 = m.mul(&s.sub(&x3)).sub(&times(&y2.mul(&y2), 8));
        let z3 = times(&y.mul(z), 2);
        Point { x: x3, y: y3, z: z3 }
    }

    fn add(&self, a: &Point, b: &Point) -> Point {
        if self.is_infinity(a) {
            return b.clone();
        }
        if self.is_infinity(b) {
            return a.clone();
        }
        let (az2, bz2) = (a.z.mul(&a.z), b.z.mul(&b.z));
        let (u1, u2) = (a.x.mul(&bz2), b.x.mul(&az2));
        let (s1, s2) = (a.y.mul(&bz2).mul(&b.z), b.y.mul(&az2).mul(&a.z));
        if u1 == u2 {
            return if s1 == s2 { self.double(a) } else { self.infinity() };
        }
        let (h, r) = (u2.sub(&u1), s2.sub(&s1));
        let h2 = h.mul(&h);
        let (h3, v) = (h2.mul(&h), u1.mul(&h2));
        let x3 = r.mul(&r).sub(&h3).sub(&v).sub(&v);
        let y3 = r.mul(&v.sub(&x3)).sub(&s1.mul(&h3));
        Point { x: x3, y: y3, z: a.z.mul(&b.z).mul(&h) }
    }

    /// m·P + n·Q.
    fn twofold(&self, m: &U256, p: &Point, n: &U256, q: &Point) -> Point {
        let both = self.add(p, q);
        let mut sum = self.infinity();
        for bit in (0..m.bits_vartime().max(n.bits_vartime())).rev() {
            sum = self.double(&sum);
            sum = match (m.bit_vartime(bit), n.bit_vartime(bit)) {
                (true, true) => self.add(&sum, &both),
                (true, false) => self.add(&sum, p),
                (false, true) => self.add(&sum, q),
                (false, false) => sum,
            };
        }
        sum
    }

    /// x of a point; `None` at infinity.
    fn affine_x(&self, point: &Point) -> Option<U256> {
        if self.is_infinity(point) {
            return None;
        }
        let z2 = point.z.mul(&point.z);
        let inverse = z2.pow_vartime(&self.field.modulus().as_ref().wrapping_sub(&U256::from(2_u8)));
        Some(point.x.mul(&inverse).retrieve())
    }
}

/// A residue times 2, 3, 4 or 8, by adding.
fn times(residue: &Residue, factor: u32) -> Residue {
    let mut sum = *residue;
    for _ in 1..factor {
        sum = sum.add(residue);
    }
    sum
}

/// A big-endian number of at most 32 bytes.
fn number(bytes: &[u8]) -> Option<U256> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let bytes = bytes.get(start..)?;
    let mut wide = [0; 32];
    wide.get_mut(32_usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
    Some(U256::from_be_slice(&wide))
}

/// The two numbers of a DER signature.
fn parse(signature: &[u8]) -> Option<(U256, U256)> {
    let (body, rest) = record(signature, 0x30)?;
    if rest.len() > 2 || rest.iter().any(|byte| *byte != 0) {
        return None;
    }
    let (r, rest) = record(body, 0x02)?;
    let (s, rest) = record(rest, 0x02)?;
    rest.is_empty().then_some(())?;
    Some((number(r)?, number(s)?))
}

/// The value of a record of a kind, and what follows. All of a signature are shorter than 128 bytes.
fn record(bytes: &[u8], kind: u8) -> Option<(&[u8], &[u8])> {
    let [found, length, rest @ ..] = bytes else { return None };
    let length = usize::from(*length);
    (*found == kind && length < 0x80 && length <= rest.len()).then(|| rest.split_at(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"what a ticket says";
    /// Keys and signatures of the message, made by OpenSSL 3.0.
    const VECTORS: [(EcdsaCurve, &str, [&str; 3]); 2] = [
        (
            EcdsaCurve::Secp224k1,
            "4111bdc51f488aa77f5bb7ae3a81122d187985d591fcccb813a85e83a5b6399e9284ed64c674059513679d29c0bb4f8c1dfd97333d3e4795",
            [
                "303e021d00a23c034f0b1b0bfe23e1c87a7739238ad4bd43273e64d42084623ec3021d00c5b79b42f9ed06c7da93b24b0b023ad09b28081b387126cc40ab1abb",
                "303e021d00a6d9383dbcdde23f70b38bf597cff47d5ec97552f4aee14bf0281363021d00a16a197a68b11105687e37d1fd77c8cc42639028e54638b8cd0ee9b8",
                "303d021c2eea46e1bd5eb5f7587ecc75fe467b644e10ca6508ed5f7255a0da7e021d00fe99b62392ae58857cb6c487dd3b342bae4799a3bb721060d780f801",
            ],
        ),
        (
            EcdsaCurve::Secp192r1,
            "579ef88e0d9495b3394af608c393ca0e6e6349531fed0bb9ac704bf022718a252f1f85fbdd7be3ea7d9a22a78e2dafa8",
            [
                "30340218023b0e67a0f74eda68f9de36f2948a822c1c12d2c8d6ed7502182f51abce835682f991e033115c4845f65c6a105ee7093c24",
                "3036021900b28ffee860233b72476084b9bb639ebc4222c03ea9e07c9d021900da3650201d784716aa4ff017f7b7a710ede56a5badf12c6c",
                "30350218443af8483391e580bbc48df65867196ec912e7ea6854d1a9021900bac1b8d5ded9fa3aff598fd856365f92fafc6241bad81632",
            ],
        ),
    ];

    fn key(curve: EcdsaCurve, text: &str) -> EcdsaKey {
        EcdsaKey::new(curve, &hex::decode(text).unwrap()).unwrap()
    }

    #[test]
    fn signatures_of_another_implementation_are_verified() {
        for (curve, public, signatures) in VECTORS {
            let key = key(curve, public);
            for signature in signatures {
                let mut signature = hex::decode(signature).unwrap();
                assert!(key.verifies(MESSAGE, &signature), "{curve:?}");
                signature.push(0);
                assert!(key.verifies(MESSAGE, &signature), "{curve:?}, a zero behind it");
                assert!(!key.verifies(b"what a ticket says not", &signature));
            }
        }
    }

    #[test]
    fn a_signature_with_any_bit_changed_or_cut_anywhere_is_none() {
        for (curve, public, signatures) in VECTORS {
            let key = key(curve, public);
            let whole = hex::decode(signatures[0]).unwrap();
            for byte in 0..whole.len() {
                let mut changed = whole.clone();
                changed[byte] ^= 1 << (byte % 8);
                assert!(!key.verifies(MESSAGE, &changed), "{curve:?} {byte}");
                assert!(!key.verifies(MESSAGE, &whole[..byte]), "{curve:?} {byte}");
            }
            for end in [&[0, 0, 0][..], &[1]] {
                assert!(!key.verifies(MESSAGE, &[&whole[..], end].concat()));
            }
            for signature in ["3006020100020100", "3006020101020100", "3006020100020101", "3006020101020101"]
            {
                assert!(!key.verifies(MESSAGE, &hex::decode(signature).unwrap()), "{signature}");
            }
        }
    }

    #[test]
    fn a_key_is_a_point_of_its_curve() {
        for (curve, public, _) in VECTORS {
            let coordinates = hex::decode(public).unwrap();
            let wanted = coordinates.len();
            assert!(EcdsaKey::new(curve, &coordinates).is_ok());
            for found in [0, wanted - 1, wanted + 1] {
                let mut other = coordinates.clone();
                other.resize(found, 0);
                let error = EcdsaKey::new(curve, &other).unwrap_err();
                assert_eq!(error, EcdsaKeyError::Length { wanted, found });
            }
            let mut other = coordinates.clone();
            other[0] ^= 1;
            assert_eq!(EcdsaKey::new(curve, &other).unwrap_err(), EcdsaKeyError::NotOnCurve);
            assert_eq!(EcdsaKey::new(curve, &vec![0; wanted]).unwrap_err(), EcdsaKeyError::NotOnCurve);
            assert_eq!(EcdsaKey::new(curve, &vec![0xff; wanted]).unwrap_err(), EcdsaKeyError::NotOnCurve);
        }
    }

    #[test]
    fn a_generator_times_its_order_is_nothing() {
        for curve in [EcdsaCurve::Secp192r1, EcdsaCurve::Secp224k1] {
            let params = curve.params();
            let order = *params.order.modulus().as_ref();
            let generator = &params.generator;
            assert!(params.is_infinity(&params.twofold(&order, generator, &U256::ZERO, generator)));
            let less = order.wrapping_sub(&U256::ONE);
            assert!(params.is_infinity(&params.twofold(&less, generator, &U256::ONE, generator)));
        }
    }
}
