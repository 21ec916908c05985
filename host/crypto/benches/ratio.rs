//! Ours against the straight C-like baseline, as ratios of one run: every round times all candidates one after the
//! other, and the medians of the rounds are compared. Keys and plaintexts change from frame to frame, so that no
//! predictor learns one S-box by heart.
//!
//! Two PS2 baselines: the plain one has a plain SHA-1; the strict one has the same SHA-1 library as ours (SHA-NI
//! where there is), so that its ratio shows the cipher's own gain. The goals are held against the strict one.

#[path = "baseline.rs"]
mod baseline;

use medley_crypto::{Context, FanOut, Hash, RsaKeyPair, RsaPublicKey, Suite, SymmetricKey};
use rand::{RngCore, SeedableRng};
use rsa::{BigUint, RsaPrivateKey};
use sha1::{Digest, Sha1};
use std::hint::black_box;
use std::time::Instant;

const FRAME: usize = 64;
const RECEIVERS: usize = 7;
const SET: usize = 512;
const CTX: Context = Context::RC_CLIENT_SESSION;

struct Candidate<'a> {
    name: &'static str,
    /// Frames, or operations, per call.
    units: usize,
    calls: usize,
    run: Box<dyn FnMut(usize) + 'a>,
    nanos: Vec<f64>,
}

impl<'a> Candidate<'a> {
    fn new(name: &'static str, units: usize, calls: usize, run: impl FnMut(usize) + 'a) -> Self {
        Self { name, units, calls, run: Box::new(run), nanos: Vec::new() }
    }

    fn median(&mut self) -> f64 {
        self.nanos.sort_by(f64::total_cmp);
        self.nanos[self.nanos.len() / 2]
    }
}

/// Times every candidate in turn, `rounds` times; returns the medians in nanoseconds per unit.
fn measure(mut candidates: Vec<Candidate<'_>>, rounds: usize) -> Vec<(&'static str, f64)> {
    for round in 0..rounds + 3 {
        for c in &mut candidates {
            let start = Instant::now();
            for call in 0..c.calls {
                (c.run)(round * c.calls + call);
            }
            let nanos = start.elapsed().as_nanos() as f64 / (c.calls * c.units) as f64;
            if round >= 3 {
                c.nanos.push(nanos);
            }
        }
    }
    candidates.iter_mut().map(|c| (c.name, c.median())).collect()
}

struct Data {
    keys: Vec<SymmetricKey>,
    plains: Vec<[u8; FRAME]>,
}

fn report(title: &str, results: &[(&str, f64)], ours: &str, goals: &[(&str, Option<f64>)]) {
    let time = |name: &str| results.iter().find(|r| r.0 == name).map_or(f64::NAN, |r| r.1);
    let own = time(ours);
    println!("{title:<34} {own:>9.1} ns");
    for (base, goal) in goals {
        let ratio = own / time(base);
        let verdict = match goal {
            Some(goal) if ratio <= *goal => format!("goal {goal:.2}: met"),
            Some(goal) => format!("goal {goal:.2}: MISSED"),
            None => String::new(),
        };
        println!("    {base:<30} {:>9.1} ns   ratio {ratio:.3}  {verdict}", time(base));
    }
}

fn ps2_plain_tag(plain: &[u8]) -> [u8; 4] {
    baseline::ps2_tag(baseline::sha1(plain), CTX.bits())
}

fn ps2_strict_tag(plain: &[u8]) -> [u8; 4] {
    baseline::ps2_tag(Sha1::digest(plain).into(), CTX.bits())
}

fn ps3_tag(plain: &[u8]) -> [u8; 4] {
    baseline::ps3_tag(plain, CTX.bits())
}

type Tag = fn(&[u8]) -> [u8; 4];
type Cipher = fn(&[u8; 64], [u8; 4], &mut [u8], bool);

fn base_encrypt<'a>(data: &'a Data, tag: Tag, cipher: Cipher) -> impl FnMut(usize) + 'a {
    move |n| {
        let mut body = data.plains[n % SET];
        let hash = tag(&body);
        cipher(data.keys[n * 5 % SET].as_bytes(), hash, &mut body, false);
        black_box((hash, body));
    }
}

fn base_decrypt<'a>(
    data: &'a Data,
    sealed: &'a [(Hash, [u8; FRAME])],
    tag: Tag,
    cipher: Cipher,
) -> impl FnMut(usize) + 'a {
    move |n| {
        let (hash, mut body) = sealed[n % SET];
        cipher(data.keys[n % SET].as_bytes(), hash.0, &mut body, true);
        black_box((tag(&body) == hash.0, body));
    }
}

/// What a server without a fan-out does: every receiver's frame on its own.
fn base_fan_out<'a>(data: &'a Data, tag: Tag, cipher: Cipher) -> impl FnMut(usize) + 'a {
    let mut outs = [[0u8; FRAME]; RECEIVERS];
    move |n| {
        for (r, out) in outs.iter_mut().enumerate() {
            *out = data.plains[n % SET];
            let hash = tag(out);
            cipher(data.keys[(n * RECEIVERS + r) % SET].as_bytes(), hash, out, false);
            black_box(hash);
        }
        black_box(&outs);
    }
}

fn symmetric(data: &Data, suite: Suite, bases: &[(&'static str, Tag, Cipher)], strict: &str) {
    let sealed: Vec<(Hash, [u8; FRAME])> = (0..SET)
        .map(|n| {
            let mut body = data.plains[n];
            (suite.encrypt_in_place(&data.keys[n], CTX, &mut body), body)
        })
        .collect();
    let goals = |goal: f64| -> Vec<(&str, Option<f64>)> {
        bases.iter().map(|b| (b.0, (b.0 == strict).then_some(goal))).collect()
    };

    let mut candidates = vec![Candidate::new("ours", 1, 400, |n| {
        let mut body = data.plains[n % SET];
        let hash = suite.encrypt_in_place(&data.keys[n * 5 % SET], CTX, &mut body);
        black_box((hash, body));
    })];
    candidates.extend(bases.iter().map(|b| Candidate::new(b.0, 1, 400, base_encrypt(data, b.1, b.2))));
    report(&format!("{suite:?} encrypt, 1 frame"), &measure(candidates, 401), "ours", &goals(0.9));

    let mut candidates = vec![Candidate::new("ours", 1, 400, |n| {
        let (hash, mut body) = sealed[n % SET];
        black_box((suite.decrypt_in_place(&data.keys[n % SET], hash, &mut body).is_ok(), body));
    })];
    candidates
        .extend(bases.iter().map(|b| Candidate::new(b.0, 1, 400, base_decrypt(data, &sealed, b.1, b.2))));
    report(&format!("{suite:?} decrypt, 1 frame"), &measure(candidates, 401), "ours", &goals(0.9));

    let mut outs = [[0u8; FRAME]; RECEIVERS];
    let mut candidates = vec![Candidate::new("ours", RECEIVERS, 80, |n| {
        let fan = FanOut::new(suite, CTX, &data.plains[n % SET]);
        let receivers = outs.iter_mut().enumerate();
        let receivers = receivers.map(|(r, out)| (&data.keys[(n * RECEIVERS + r) % SET], &mut out[..]));
        black_box(fan.encrypt_for_many(receivers).is_ok());
        black_box((fan.hash(), &outs));
    })];
    candidates.extend(bases.iter().map(|b| Candidate::new(b.0, RECEIVERS, 80, base_fan_out(data, b.1, b.2))));
    report(&format!("{suite:?} fan-out to 7, per frame"), &measure(candidates, 401), "ours", &goals(0.6));
}

fn rsa_operations(rng: &mut rand_chacha::ChaCha8Rng) {
    let e = BigUint::from(17u32);
    let key = RsaPrivateKey::new_with_exp(rng, 512, &e).expect("key");
    use rsa::traits::{PrivateKeyParts, PublicKeyParts};
    let fixed = |b: &BigUint| -> [u8; 32] {
        let mut out = [0; 32];
        let bytes = b.to_bytes_le();
        out[..bytes.len()].copy_from_slice(&bytes);
        out
    };
    let pair = RsaKeyPair::from_primes_le(fixed(&key.primes()[0]), fixed(&key.primes()[1])).expect("pair");
    let modulus = pair.public().modulus_le();
    let mut message = [0; 64];
    rng.fill_bytes(&mut message);
    let cipher = pair.public().encrypt(&message);

    let results = measure(
        vec![
            Candidate::new("ours", 1, 10, |_| {
                black_box(pair.decrypt_raw(black_box(&cipher)));
            }),
            Candidate::new("c^d mod n, num-bigint-dig", 1, 2, |_| {
                black_box(BigUint::from_bytes_le(black_box(&cipher)).modpow(key.d(), key.n()));
            }),
            Candidate::new("rsa crate hazmat, CRT", 1, 2, |_| {
                let c = BigUint::from_bytes_le(black_box(&cipher));
                black_box(rsa::hazmat::rsa_decrypt::<rand_chacha::ChaCha8Rng>(None, &key, &c).expect("m"));
            }),
        ],
        101,
    );
    report(
        "RSA private",
        &results,
        "ours",
        &[("c^d mod n, num-bigint-dig", None), ("rsa crate hazmat, CRT", None)],
    );
    let results = measure(
        vec![
            Candidate::new("ours", 1, 50, |_| {
                let key = RsaPublicKey::from_modulus_le(black_box(modulus)).expect("modulus");
                black_box(key.encrypt(black_box(&message)));
            }),
            Candidate::new("m^17 mod n, num-bigint-dig", 1, 50, |_| {
                black_box(BigUint::from_bytes_le(black_box(&message)).modpow(&e, key.n()));
            }),
        ],
        101,
    );
    report("RSA public, modulus included", &results, "ours", &[("m^17 mod n, num-bigint-dig", None)]);
}

fn main() {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let data = Data {
        keys: (0..SET).map(|_| SymmetricKey::random(&mut rng)).collect(),
        plains: (0..SET)
            .map(|_| {
                let mut plain = [0; FRAME];
                rng.fill_bytes(&mut plain);
                plain
            })
            .collect(),
    };
    println!("{FRAME}-byte frames; medians per frame or operation");
    let ps2: [(&'static str, Tag, Cipher); 2] = [
        ("baseline, same SHA-1", ps2_strict_tag, baseline::ps2_cipher),
        ("baseline, plain SHA-1", ps2_plain_tag, baseline::ps2_cipher),
    ];
    symmetric(&data, Suite::Ps2, &ps2, "baseline, same SHA-1");
    let ps3: [(&'static str, Tag, Cipher); 1] = [("baseline", ps3_tag, baseline::ps3_cipher)];
    symmetric(&data, Suite::Ps3, &ps3, "baseline");
    rsa_operations(&mut rng);
}
