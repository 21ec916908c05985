//! `protocol/crypto.md` written down as one would in C: byte arrays, loops, one frame and one key at a time. The
//! benches measure against it and the property tests compare with it.

/// SHA-1 of the specification, in C's way: 80 words, one round function chosen per round.
pub(crate) fn sha1(plain: &[u8]) -> [u8; 20] {
    let mut h: [u32; 5] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
    let block = |bytes: &[u8], h: &mut [u32; 5]| {
        let mut w = [0u32; 80];
        for i in 0..16 {
            w[i] = u32::from_be_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]]);
        }
        for i in 16..80 {
            w[i] = (w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16]).rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = *h;
        for (i, word) in w.iter().enumerate() {
            let (f, k) = match i {
                0..20 => ((b & c) | (!b & d), 0x5a827999u32),
                20..40 => (b ^ c ^ d, 0x6ed9eba1),
                40..60 => ((b & c) | (b & d) | (c & d), 0x8f1bbcdc),
                _ => (b ^ c ^ d, 0xca62c1d6),
            };
            let t = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(k).wrapping_add(*word);
            e = d;
            d = c;
            c = b.rotate_left(30);
            b = a;
            a = t;
        }
        for (sum, part) in h.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(part);
        }
    };
    let whole = plain.len() / 64 * 64;
    for at in (0..whole).step_by(64) {
        block(&plain[at..at + 64], &mut h);
    }
    let rest = &plain[whole..];
    let mut last = [0u8; 128];
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 0x80;
    let end = if rest.len() < 56 { 64 } else { 128 };
    last[end - 8..end].copy_from_slice(&(8 * plain.len() as u64).to_be_bytes());
    for at in (0..end).step_by(64) {
        block(&last[at..at + 64], &mut h);
    }
    let mut out = [0; 20];
    for (bytes, word) in out.chunks_exact_mut(4).zip(h) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    out
}

/// Section 2, from a digest made by whichever SHA-1.
pub(crate) fn ps2_tag(digest: [u8; 20], context: u8) -> [u8; 4] {
    [digest[0], digest[1], digest[2], (digest[3] & 0x1f) | (context << 5)]
}

/// Section 3: set-up from key and hash, then the body, in place.
pub(crate) fn ps2_cipher(key: &[u8; 64], hash: [u8; 4], body: &mut [u8], decipher: bool) {
    let mut s = [0u8; 256];
    for (i, cell) in s.iter_mut().enumerate() {
        *cell = 255 - i as u8;
    }
    let (mut i, mut j, mut k) = (0u8, 0u8, 0usize);
    loop {
        let t = s[i as usize];
        j = j.wrapping_add(t).wrapping_add(hash[k]);
        k = (k + 1) & 3;
        s[i as usize] = s[j as usize];
        s[j as usize] = t;
        i = i.wrapping_add(5);
        if i == 0 {
            break;
        }
    }
    let (mut i, mut j, mut k) = (0u8, 0u8, 0usize);
    loop {
        let t = s[i as usize];
        j = j.wrapping_add(t).wrapping_add(key[k]);
        k = (k + 1) & 63;
        s[i as usize] = s[j as usize];
        s[j as usize] = t;
        i = i.wrapping_add(3);
        if i == 0 {
            break;
        }
    }
    let (mut x, mut y) = (0u8, 0u8);
    for byte in body {
        x = x.wrapping_add(5);
        y = y.wrapping_add(s[x as usize]);
        s.swap(x as usize, y as usize);
        let out = *byte ^ s[s[x as usize].wrapping_add(s[y as usize]) as usize];
        let plain = if decipher { out } else { *byte };
        *byte = out;
        y = y.wrapping_add(s[plain as usize]);
    }
}

/// Section 5: the step.
fn rcq_step(s: &mut [u32; 4]) {
    let [a, b, c, d] = s;
    *d ^= 0x5b3aa654;
    *c = c.wrapping_add(*a).wrapping_add(*d).rotate_left(7);
    *b = b.wrapping_add(*d).wrapping_add(*c);
    *c ^= 0x75970a4d;
    *b = b.rotate_left(11);
    *a = a.wrapping_add(*c).wrapping_add(*b).rotate_right(15);
    let f = (*a & *b) | (*c & !*b);
    *b = !*b;
    *d = d.wrapping_add(f);
    *a = !*a;
}

/// A word of the data, zero-padded.
fn word(bytes: &[u8]) -> u32 {
    let mut w = [0; 4];
    w[..bytes.len()].copy_from_slice(bytes);
    u32::from_le_bytes(w)
}

fn rcq_absorb(s: &mut [u32; 4], data: &[u8]) {
    for bytes in data.chunks(4) {
        rcq_step(s);
        s[3] ^= word(bytes);
    }
}

fn rcq_encipher(s: &mut [u32; 4], data: &mut [u8]) {
    for bytes in data.chunks_mut(4) {
        rcq_step(s);
        s[3] ^= word(bytes);
        let len = bytes.len();
        bytes.copy_from_slice(&s[3].to_le_bytes()[..len]);
    }
}

fn rcq_decipher(s: &mut [u32; 4], data: &mut [u8]) {
    for bytes in data.chunks_mut(4) {
        rcq_step(s);
        let plain = word(bytes) ^ s[3];
        s[3] ^= plain;
        let len = bytes.len();
        bytes.copy_from_slice(&plain.to_le_bytes()[..len]);
    }
}

/// Section 6.
pub(crate) fn ps3_tag(plain: &[u8], context: u8) -> [u8; 4] {
    let mut s = [0; 4];
    rcq_absorb(&mut s, &[0; 16]);
    rcq_absorb(&mut s, plain);
    let sum = s[0].wrapping_add(s[1]).wrapping_add(s[2]).wrapping_add(s[3]);
    ((sum & 0x1fff_ffff) | (u32::from(context) << 29)).to_le_bytes()
}

/// Section 5: set-up from key and hash, then the body, in place.
pub(crate) fn ps3_cipher(key: &[u8; 64], hash: [u8; 4], body: &mut [u8], decipher: bool) {
    let mut s = [word(&key[0..4]), word(&key[4..8]), word(&key[8..12]), word(&key[12..16])];
    rcq_absorb(&mut s, &hash);
    let mut v = [0; 16];
    for (bytes, w) in v.chunks_exact_mut(4).zip(s) {
        bytes.copy_from_slice(&w.to_le_bytes());
    }
    rcq_encipher(&mut s, &mut v);
    if decipher {
        rcq_decipher(&mut s, body);
    } else {
        rcq_encipher(&mut s, body);
    }
}
