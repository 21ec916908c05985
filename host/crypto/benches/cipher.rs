//! Absolute times of the ciphers and RSA. The comparison with a baseline is `ratio.rs`.

#[path = "baseline.rs"]
mod baseline;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use medley_crypto::{Context, FanOut, RsaKeyPair, RsaPublicKey, Suite, SymmetricKey, seal_key};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;

const CTX: Context = Context::RC_CLIENT_SESSION;
const RECEIVERS: usize = 7;

fn ciphers(c: &mut Criterion) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let keys: Vec<SymmetricKey> = (0..256).map(|_| SymmetricKey::random(&mut rng)).collect();
    for suite in [Suite::Ps2, Suite::Ps3] {
        for length in [64, 512] {
            let plain: Vec<u8> = (0..length).map(|i| (i * 37) as u8).collect();
            let mut group = c.benchmark_group(format!("{suite:?}/{length}"));
            let mut n = 0;
            let mut body = plain.clone();
            group.throughput(Throughput::Elements(1));
            group.bench_function("encrypt", |b| {
                b.iter(|| {
                    n += 1;
                    body.copy_from_slice(&plain);
                    suite.encrypt_in_place(&keys[n % keys.len()], CTX, &mut body)
                });
            });
            let sealed: Vec<_> = keys
                .iter()
                .map(|key| {
                    let mut body = plain.clone();
                    (suite.encrypt_in_place(key, CTX, &mut body), body)
                })
                .collect();
            group.bench_function("decrypt", |b| {
                b.iter(|| {
                    n += 1;
                    let (hash, cipher) = &sealed[n % keys.len()];
                    body.copy_from_slice(cipher);
                    suite.decrypt_in_place(&keys[n % keys.len()], *hash, &mut body)
                });
            });
            let mut naive = plain.clone();
            group.bench_function("baseline encrypt, plain SHA-1", |b| {
                b.iter(|| {
                    n += 1;
                    naive.copy_from_slice(&plain);
                    let key = keys[n % keys.len()].as_bytes();
                    match suite {
                        Suite::Ps2 => {
                            let tag = baseline::ps2_tag(baseline::sha1(&naive), CTX.bits());
                            baseline::ps2_cipher(key, tag, &mut naive, false);
                        }
                        Suite::Ps3 => {
                            let tag = baseline::ps3_tag(&naive, CTX.bits());
                            baseline::ps3_cipher(key, tag, &mut naive, false);
                        }
                    }
                    black_box(&naive);
                });
            });
            let mut outs = vec![vec![0; length]; RECEIVERS];
            group.throughput(Throughput::Elements(RECEIVERS as u64));
            group.bench_function("fan-out to 7", |b| {
                b.iter(|| {
                    n += RECEIVERS;
                    let fan = FanOut::new(suite, CTX, &plain);
                    let outs = outs.iter_mut().enumerate();
                    fan.encrypt_for_many(outs.map(|(r, out)| (&keys[(n + r) % keys.len()], &mut out[..])))
                });
            });
            group.finish();
        }
    }
}

fn rsa(c: &mut Criterion) {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let pair = RsaKeyPair::generate(&mut rng).expect("generated");
    let modulus = pair.public().modulus_le();
    let message = [0x5a; 64];
    let (hash, body) = seal_key(Suite::Ps2, pair.public(), &message);
    let mut group = c.benchmark_group("RSA");
    group.bench_function("open a key message", |b| {
        b.iter(|| pair.decrypt(Suite::Ps2, hash, black_box(&body)))
    });
    group.bench_function("seal a key message, modulus from the wire", |b| {
        b.iter(|| {
            RsaPublicKey::from_modulus_le(black_box(modulus)).map(|key| seal_key(Suite::Ps2, &key, &message))
        });
    });
    group.sample_size(10);
    group.bench_function("generate", |b| b.iter(|| RsaKeyPair::generate(&mut rng)));
    group.finish();
}

criterion_group!(benches, ciphers, rsa);
criterion_main!(benches);
