//! The PS3 suite: the RCQ word cipher (section 5) and its tag (section 6).

use crate::{Context, Hash, KEY_LEN};

/// The four state words of `N` independent receivers.
#[derive(Clone, Copy)]
struct State<const N: usize> {
    a: [u32; N],
    b: [u32; N],
    c: [u32; N],
    d: [u32; N],
}

/// The state after absorbing 16 zero bytes into zero: where every tag starts.
const TAG_START: State<1> = State { a: [0xb5a0_559c], b: [0x88aa_4c20], c: [0x013d_2cc7], d: [0xcb2d_e2b6] };

impl<const N: usize> State<N> {
    /// One step, then `d ^= w`: absorbing or enciphering the word `w`.
    #[inline(always)]
    fn absorb(&mut self, w: [u32; N]) {
        for (l, w) in w.into_iter().enumerate() {
            self.d[l] = self.stepped(l) ^ w;
        }
    }

    /// Advances `a`, `b`, `c` of one lane and returns the new `d`. The two halves of `f` share no bits, so its `|`
    /// is an addition and the half that is known early can be added to `d` early: the chain is two operations
    /// shorter than in the order of the specification.
    #[inline(always)]
    fn stepped(&mut self, l: usize) -> u32 {
        let d = self.d[l] ^ 0x5b3a_a654;
        let c = self.c[l].wrapping_add(self.a[l]).wrapping_add(d).rotate_left(7);
        let b = self.b[l].wrapping_add(d).wrapping_add(c).rotate_left(11);
        let c = c ^ 0x7597_0a4d;
        let a = self.a[l].wrapping_add(c).wrapping_add(b).rotate_right(15);
        self.a[l] = !a;
        self.b[l] = !b;
        self.c[l] = c;
        d.wrapping_add(c & !b).wrapping_add(a & b)
    }

    #[inline(always)]
    fn keyed(keys: [&[u8; KEY_LEN]; N], hash: Hash) -> Self {
        let word = |lane: usize, at: usize| {
            let k = keys[lane];
            u32::from_le_bytes([k[at], k[at + 1], k[at + 2], k[at + 3]])
        };
        let mut state = Self {
            a: core::array::from_fn(|l| word(l, 0)),
            b: core::array::from_fn(|l| word(l, 4)),
            c: core::array::from_fn(|l| word(l, 8)),
            d: core::array::from_fn(|l| word(l, 12)),
        };
        state.absorb([u32::from_le_bytes(hash.0); N]);
        let Self { a, b, c, d } = state;
        for w in [a, b, c, d] {
            state.absorb(w);
        }
        state
    }
}

impl State<1> {
    fn tag(&self, context: Context) -> Hash {
        let sum = self.a[0].wrapping_add(self.b[0]).wrapping_add(self.c[0]).wrapping_add(self.d[0]);
        Hash::tag(sum.to_le_bytes(), context)
    }
}

/// The last, incomplete word, padded with zeros.
fn partial(rest: &[u8]) -> u32 {
    rest.iter().rev().fold(0, |w, &byte| (w << 8) | u32::from(byte))
}

pub(crate) fn hash(context: Context, plain: &[u8]) -> Hash {
    let mut state = TAG_START;
    let (words, rest) = plain.as_chunks::<4>();
    for w in words {
        state.absorb([u32::from_le_bytes(*w)]);
    }
    if !rest.is_empty() {
        state.absorb([partial(rest)]);
    }
    state.tag(context)
}

pub(crate) fn encipher(key: &[u8; KEY_LEN], hash: Hash, body: &mut [u8]) {
    let mut state = State::keyed([key], hash);
    let (words, rest) = body.as_chunks_mut::<4>();
    for w in words {
        state.absorb([u32::from_le_bytes(*w)]);
        *w = state.d[0].to_le_bytes();
    }
    if !rest.is_empty() {
        state.absorb([partial(rest)]);
        let bytes = state.d[0].to_le_bytes();
        let len = rest.len();
        rest.copy_from_slice(&bytes[..len]);
    }
}

/// Deciphers and computes the tag of the plaintext on the way: two independent chains that overlap.
pub(crate) fn decipher(key: &[u8; KEY_LEN], hash: Hash, body: &mut [u8]) -> Hash {
    let mut state = State::keyed([key], hash);
    let mut tag = TAG_START;
    let (words, rest) = body.as_chunks_mut::<4>();
    for word in words {
        let w = u32::from_le_bytes(*word);
        let p = state.stepped(0) ^ w;
        state.d[0] = w;
        tag.absorb([p]);
        *word = p.to_le_bytes();
    }
    if !rest.is_empty() {
        let bytes = (state.stepped(0) ^ partial(rest)).to_le_bytes();
        let len = rest.len();
        rest.copy_from_slice(&bytes[..len]);
        tag.absorb([partial(rest)]);
    }
    tag.tag(hash.context())
}

/// Enciphers one plaintext for `N` receivers; every output has the plaintext's length.
pub(crate) fn encipher_lanes<const N: usize>(
    keys: [&[u8; KEY_LEN]; N],
    hash: Hash,
    plain: &[u8],
    mut outs: [&mut [u8]; N],
) {
    let mut state = State::keyed(keys, hash);
    let (words, rest) = plain.as_chunks::<4>();
    for (at, w) in words.iter().enumerate() {
        state.absorb([u32::from_le_bytes(*w); N]);
        for (out, d) in outs.iter_mut().zip(state.d) {
            if let Some(out) = out.as_chunks_mut::<4>().0.get_mut(at) {
                *out = d.to_le_bytes();
            }
        }
    }
    if !rest.is_empty() {
        state.absorb([partial(rest); N]);
        for (out, d) in outs.into_iter().zip(state.d) {
            let tail = out.as_chunks_mut::<4>().1;
            for (out, byte) in tail.iter_mut().zip(d.to_le_bytes()) {
                *out = byte;
            }
        }
    }
}
