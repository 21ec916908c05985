//! The PS2 suite: SHA-1 tag (section 2) and the RC4 variant with plaintext feedback (section 3).

use crate::{Context, Hash, KEY_LEN};
use sha1::{Digest, Sha1};

pub(crate) fn hash(context: Context, plain: &[u8]) -> Hash {
    let digest = Sha1::digest(plain);
    Hash::tag([digest[0], digest[1], digest[2], digest[3]], context)
}

/// The S-box after the hash mix: it depends on the hash alone, so one is shared by all receivers of a plaintext
/// and by all keys that are tried on a ciphertext.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Mixed([u8; 256]);

/// `S[i] = 255 - i`.
const REVERSED: [u8; 256] = {
    let mut s = [0; 256];
    let mut i = 0;
    while i < 256 {
        s[i] = 255 - i as u8;
        i += 1;
    }
    s
};

impl Mixed {
    pub(crate) fn new(hash: Hash) -> Self {
        let mut s = REVERSED;
        let mut j = 0;
        let word = u64::from(u32::from_le_bytes(hash.0));
        let word = word | word << 32;
        for lap in 0..16u8 {
            mix_16::<5>(&mut s, &mut j, lap.wrapping_mul(16 * 5), [word, word]);
        }
        Self(s)
    }

    /// The key mix of one receiver.
    #[inline(always)]
    fn keyed(&self, key: &[u8; KEY_LEN]) -> [u8; 256] {
        let mut s = self.0;
        let mut j = 0;
        let (words, _) = key.as_chunks::<8>();
        let words: [u64; 8] = core::array::from_fn(|at| u64::from_le_bytes(words[at]));
        for lap in 0..16u8 {
            let at = 2 * usize::from(lap % 4);
            mix_16::<3>(&mut s, &mut j, lap.wrapping_mul(16 * 3), [words[at], words[at + 1]]);
        }
        s
    }

    /// The key mix of `N` receivers. Their S-boxes are independent of each other, so interleaving them hides the
    /// latency of each one's load, add, swap chain behind the others'. The plain loop is the fastest here: what
    /// [`mix_16`] does for one S-box costs registers, and with several there is no latency left to win.
    #[inline(always)]
    fn keyed_lanes<const N: usize>(&self, keys: [&[u8; KEY_LEN]; N]) -> [[u8; 256]; N] {
        let mut boxes = [self.0; N];
        let mut j = [0u8; N];
        let mut i = 0u8;
        for round in 0..4 * KEY_LEN {
            for ((s, j), key) in boxes.iter_mut().zip(j.iter_mut()).zip(keys) {
                let t = s[usize::from(i)];
                *j = j.wrapping_add(t).wrapping_add(key[round % KEY_LEN]);
                s[usize::from(i)] = s[usize::from(*j)];
                s[usize::from(*j)] = t;
            }
            i = i.wrapping_add(3);
        }
        boxes
    }

    pub(crate) fn encipher(&self, key: &[u8; KEY_LEN], body: &mut [u8]) {
        let mut s = self.keyed(key);
        let (mut x, mut y) = (0u8, 0u8);
        for byte in body {
            let plain = *byte;
            let (stream, cell) = step(&mut s, &mut x, &mut y);
            *byte = plain ^ stream;
            y = cell.wrapping_add(s[usize::from(plain)]);
        }
    }

    pub(crate) fn decipher(&self, key: &[u8; KEY_LEN], body: &mut [u8]) {
        let mut s = self.keyed(key);
        let (mut x, mut y) = (0u8, 0u8);
        for byte in body {
            let (stream, cell) = step(&mut s, &mut x, &mut y);
            let plain = *byte ^ stream;
            *byte = plain;
            y = cell.wrapping_add(s[usize::from(plain)]);
        }
    }

    /// Enciphers one plaintext for `N` receivers; every output has the plaintext's length.
    pub(crate) fn encipher_lanes<const N: usize>(
        &self,
        keys: [&[u8; KEY_LEN]; N],
        plain: &[u8],
        outs: [&mut [u8]; N],
    ) {
        let mut boxes = self.keyed_lanes(keys);
        let mut x = [0u8; N];
        let mut y = [0u8; N];
        for (at, &plain) in plain.iter().enumerate() {
            for lane in 0..N {
                let s = &mut boxes[lane];
                let (stream, cell) = step(s, &mut x[lane], &mut y[lane]);
                outs[lane][at] = plain ^ stream;
                y[lane] = cell.wrapping_add(s[usize::from(plain)]);
            }
        }
    }
}

/// Sixteen rounds of a mixing pass, from cell `i` on in steps of `STRIDE`.
///
/// What makes it faster than the obvious loop (0.6x of its time, see `benches/ratio.rs`): the sixteen key bytes
/// arrive in two registers instead of sixteen loads; `j` is kept wide and cut to a byte only to address (what is
/// above the eighth bit never comes down again); and the cells of two rounds are loaded together, before the first
/// swap, with the case that the first swap hits the second cell settled by a comparison. The processor would load
/// ahead anyway, but would throw the work behind it away each time its guess "no overlap" fails.
#[inline(always)]
fn mix_16<const STRIDE: u8>(s: &mut [u8; 256], j: &mut u64, i: u8, words: [u64; 2]) {
    for pair in 0..8u8 {
        let i_0 = i.wrapping_add(2 * pair * STRIDE);
        let i_1 = i_0.wrapping_add(STRIDE);
        let word = words[usize::from(pair / 4)] >> (16 * (pair % 4));
        let t_0 = s[usize::from(i_0)];
        let t_1 = s[usize::from(i_1)];
        *j = j.wrapping_add(word.wrapping_add(u64::from(t_0)));
        let j_0 = *j as u8;
        s[usize::from(i_0)] = s[usize::from(j_0)];
        s[usize::from(j_0)] = t_0;
        let t_1 = if j_0 == i_1 { t_0 } else { t_1 };
        *j = j.wrapping_add((word >> 8).wrapping_add(u64::from(t_1)));
        let j_1 = *j as u8;
        s[usize::from(i_1)] = s[usize::from(j_1)];
        s[usize::from(j_1)] = t_1;
    }
}

/// One keystream byte; the second value is `y` before the plaintext feedback.
#[inline(always)]
fn step(s: &mut [u8; 256], x: &mut u8, y: &mut u8) -> (u8, u8) {
    *x = x.wrapping_add(5);
    let a = s[usize::from(*x)];
    *y = y.wrapping_add(a);
    let b = s[usize::from(*y)];
    s[usize::from(*x)] = b;
    s[usize::from(*y)] = a;
    (s[usize::from(a.wrapping_add(b))], *y)
}
