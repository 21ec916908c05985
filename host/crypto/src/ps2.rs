//! The PS2 suite: SHA-1 tag (section 2) and the RC4 variant with plaintext feedback (section 3).

use crate::{Context, Hash, KEY_LEN};
use sha1::{Digest, Sha1};

pub(crate) fn hash(context: Context, plain: &[u8]) -> Hash {
    let digest = Sha1::digest(plain);
    Hash::tag([digest[0], digest[1], digest[2], digest[3]], context)
}

/// The S-box after the hash mix: it depends on the hash alone, so one is shared by all receivers of a plaintext
/// and by all keys that are tried on a ciphertext.
#[derive(Clone)]
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
        let (mut i, mut j) = (0u8, 0u8);
        for _ in 0..64 {
            for h in hash.0 {
                let t = s[usize::from(i)];
                j = j.wrapping_add(t).wrapping_add(h);
                s[usize::from(i)] = s[usize::from(j)];
                s[usize::from(j)] = t;
                i = i.wrapping_add(5);
            }
        }
        Self(s)
    }

    /// The key mix of `N` receivers. Their S-boxes are independent of each other, so interleaving them hides the
    /// latency of each one's load, add, swap chain behind the others'.
    #[inline(always)]
    fn keyed<const N: usize>(&self, keys: [&[u8; KEY_LEN]; N]) -> [[u8; 256]; N] {
        let mut boxes = [self.0; N];
        let mut j = [0u8; N];
        let mut i = 0u8;
        for _ in 0..4 {
            for k in 0..KEY_LEN {
                for lane in 0..N {
                    let s = &mut boxes[lane];
                    let t = s[usize::from(i)];
                    j[lane] = j[lane].wrapping_add(t).wrapping_add(keys[lane][k]);
                    s[usize::from(i)] = s[usize::from(j[lane])];
                    s[usize::from(j[lane])] = t;
                }
                i = i.wrapping_add(3);
            }
        }
        boxes
    }

    pub(crate) fn encipher(&self, key: &[u8; KEY_LEN], body: &mut [u8]) {
        let [mut s] = self.keyed([key]);
        let (mut x, mut y) = (0u8, 0u8);
        for byte in body {
            let plain = *byte;
            let (stream, cell) = step(&mut s, &mut x, &mut y);
            *byte = plain ^ stream;
            y = cell.wrapping_add(s[usize::from(plain)]);
        }
    }

    pub(crate) fn decipher(&self, key: &[u8; KEY_LEN], body: &mut [u8]) {
        let [mut s] = self.keyed([key]);
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
        let mut boxes = self.keyed(keys);
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
