//! Exponentiation for the private RSA operation: four limbs, fixed.
//!
//! A handshake is mostly this, and the library's, made for any number of limbs, takes twice as long for four. The same
//! steps whatever the exponent: windows of four bits, table entries picked by masks, reductions by masks.
//!
//! Numbers are little-endian limbs in Montgomery form, below 2^256 but not always below the modulus: a product of two
//! such numbers is below 2^256 + n, and n is taken off only when it does not fit.

use crypto_bigint::{Encoding, U256};

pub(crate) type Limbs = [u64; 4];

/// Bits of a window.
const WINDOW: usize = 4;
const ENTRIES: usize = 1 << WINDOW;

/// An odd modulus of exactly 256 bits.
#[derive(Clone)]
pub(crate) struct Modulus {
    n: Limbs,
    /// `-n^-1 mod 2^64`
    n_inverse: u64,
    /// 1 in Montgomery form.
    one: Limbs,
}

impl Modulus {
    /// `None` if the modulus is even or shorter. `one` is 2^256 mod n.
    pub(crate) fn new(n: Limbs, one: Limbs) -> Option<Self> {
        let [low, .., high] = n;
        if low & 1 == 0 || high >> 63 == 0 {
            return None;
        }
        // Newton: an odd number is its own inverse in three bits, and each step doubles them.
        let inverse = (0..5).fold(low, |x, _| x.wrapping_mul(2u64.wrapping_sub(low.wrapping_mul(x))));
        Some(Self { n, n_inverse: inverse.wrapping_neg(), one })
    }

    /// `base^exponent`, below the modulus.
    pub(crate) fn power(&self, base: &Limbs, exponent: &Limbs) -> Limbs {
        let mut table = [self.one; ENTRIES];
        let mut entry = self.one;
        for next in table.iter_mut().skip(1) {
            entry = self.mul(&entry, base);
            *next = entry;
        }
        let mut result = self.one;
        for limb in exponent.iter().rev() {
            for shift in (0..64).step_by(WINDOW).rev() {
                for _ in 0..WINDOW {
                    result = self.square(&result);
                }
                result = self.mul(&result, &pick(&table, (limb >> shift) % ENTRIES as u64));
            }
        }
        // Below 2^256 and so below 2 n.
        let (reduced, borrow) = sub(&result, &self.n);
        let keep = 0u64.wrapping_sub(borrow);
        core::array::from_fn(|i| (result[i] & keep) | (reduced[i] & !keep))
    }

    #[inline(always)]
    fn mul(&self, a: &Limbs, b: &Limbs) -> Limbs {
        let n = &self.n;
        let mut t = [0; 4];
        let mut top = 0;
        for b in b {
            let mut carry = 0;
            for j in 0..4 {
                (t[j], carry) = mul_add(a[j], *b, t[j], carry);
            }
            let (high, higher) = add(top, carry, 0);
            let m = t[0].wrapping_mul(self.n_inverse);
            let (_, mut carry) = mul_add(m, n[0], t[0], 0);
            for j in 1..4 {
                (t[j - 1], carry) = mul_add(m, n[j], t[j], carry);
            }
            (t[3], carry) = add(high, carry, 0);
            top = higher + carry;
        }
        self.fit(t, top)
    }

    #[inline(always)]
    fn square(&self, a: &Limbs) -> Limbs {
        let n = &self.n;
        // Products of different limbs, twice.
        let (r1, carry) = mul_add(a[0], a[1], 0, 0);
        let (r2, carry) = mul_add(a[0], a[2], 0, carry);
        let (r3, r4) = mul_add(a[0], a[3], 0, carry);
        let (r3, carry) = mul_add(a[1], a[2], r3, 0);
        let (r4, r5) = mul_add(a[1], a[3], r4, carry);
        let (r5, r6) = mul_add(a[2], a[3], r5, 0);
        let twice = |low: u64, limb: u64| (limb << 1) | (low >> 63);
        let doubled =
            [0, r1 << 1, twice(r1, r2), twice(r2, r3), twice(r3, r4), twice(r4, r5), twice(r5, r6), r6 >> 63];
        // Squares of the limbs.
        let mut t = doubled;
        let mut carry = 0;
        for i in 0..4 {
            (t[2 * i], carry) = mul_add(a[i], a[i], t[2 * i], carry);
            (t[2 * i + 1], carry) = add(t[2 * i + 1], carry, 0);
        }
        let mut top = 0;
        for i in 0..4 {
            let m = t[i].wrapping_mul(self.n_inverse);
            let (_, mut carry) = mul_add(m, n[0], t[i], 0);
            for j in 1..4 {
                (t[i + j], carry) = mul_add(m, n[j], t[i + j], carry);
            }
            (t[i + 4], top) = add(t[i + 4], carry, top);
        }
        let [.., t4, t5, t6, t7] = t;
        self.fit([t4, t5, t6, t7], top)
    }

    /// `t + top * 2^256`, less the modulus if `top` is 1.
    #[inline(always)]
    fn fit(&self, t: Limbs, top: u64) -> Limbs {
        let mask = 0u64.wrapping_sub(top);
        sub(&t, &self.n.map(|limb| limb & mask)).0
    }
}

/// The limbs of a number of the library, whose words are as wide as the machine's.
pub(crate) fn limbs(number: &U256) -> Limbs {
    let bytes: [u8; 32] = number.to_le_bytes().into();
    let (words, _) = bytes.as_chunks::<8>();
    core::array::from_fn(|i| words.get(i).copied().map_or(0, u64::from_le_bytes))
}

/// The number with these limbs.
pub(crate) fn number(limbs: &Limbs) -> U256 {
    let mut bytes = [0; 32];
    let (words, _) = bytes.as_chunks_mut::<8>();
    for (word, limb) in words.iter_mut().zip(limbs) {
        *word = limb.to_le_bytes();
    }
    U256::from_le_bytes(bytes.into())
}

/// `a * b + c + d`, low and high. Cannot overflow.
#[inline(always)]
fn mul_add(a: u64, b: u64, c: u64, d: u64) -> (u64, u64) {
    let sum = u128::from(a) * u128::from(b) + u128::from(c) + u128::from(d);
    (sum as u64, (sum >> 64) as u64)
}

#[inline(always)]
fn add(a: u64, b: u64, c: u64) -> (u64, u64) {
    let sum = u128::from(a) + u128::from(b) + u128::from(c);
    (sum as u64, (sum >> 64) as u64)
}

/// `a - b` and what had to be borrowed.
#[inline(always)]
fn sub(a: &Limbs, b: &Limbs) -> (Limbs, u64) {
    let mut borrow = false;
    let difference = core::array::from_fn(|i| {
        let (limb, first) = a[i].overflowing_sub(b[i]);
        let (limb, second) = limb.overflowing_sub(borrow.into());
        borrow = first | second;
        limb
    });
    (difference, borrow.into())
}

/// The entry with this number. All are read.
#[inline(always)]
fn pick(table: &[Limbs; ENTRIES], number: u64) -> Limbs {
    let mut picked = [0; 4];
    for (i, entry) in (0..).zip(table) {
        let other = number ^ i;
        // All ones for the entry itself.
        let mask = ((other | other.wrapping_neg()) >> 63).wrapping_sub(1);
        for (picked, limb) in picked.iter_mut().zip(entry) {
            *picked |= limb & mask;
        }
    }
    picked
}

#[cfg(test)]
mod tests {
    use crypto_bigint::Odd;
    use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
    use proptest::prelude::*;

    use super::*;

    fn agree(n: Limbs, base: Limbs, exponent: Limbs) {
        let params = FixedMontyParams::new_vartime(Odd::new(number(&n)).unwrap());
        let base = FixedMontyForm::new(&number(&base), &params);
        let modulus = Modulus::new(n, limbs(FixedMontyForm::one(&params).as_montgomery())).unwrap();
        let found = modulus.power(&limbs(base.as_montgomery()), &exponent);
        let wanted = base.pow(&number(&exponent));
        assert_eq!(number(&found), *wanted.as_montgomery(), "{base:?}^{exponent:x?} mod {n:x?}");
    }

    #[test]
    fn numbers_at_the_edges_have_the_powers_that_the_library_finds() {
        let all = u64::MAX;
        let moduli =
            [[1, 0, 0, 1 << 63], [all; 4], [all, all, all, 1 << 63], [1, 0, 0, all], [3, all, 0, all]];
        let edges = [
            [0; 4],
            [1, 0, 0, 0],
            [2, 0, 0, 0],
            [0, 0, 0, 1 << 63],
            [all, 0, all, 0],
            [all - 1, all, all, all],
        ];
        for n in moduli {
            for base in edges {
                for exponent in edges {
                    agree(n, base, exponent);
                }
            }
        }
    }

    #[test]
    fn an_even_or_short_modulus_is_refused() {
        assert!(Modulus::new([2, 0, 0, 1 << 63], [0; 4]).is_none());
        assert!(Modulus::new([1, 0, 0, u64::MAX >> 1], [0; 4]).is_none());
    }

    proptest! {
        #[test]
        fn a_power_is_the_one_that_the_library_finds(n: Limbs, base: Limbs, exponent: Limbs) {
            let [low, a, b, high] = n;
            agree([low | 1, a, b, high | 1 << 63], base, exponent);
        }
    }
}
