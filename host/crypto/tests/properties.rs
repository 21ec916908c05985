//! What must hold for every key and plaintext, and agreement with the specification written down naively.

#[path = "../benches/baseline.rs"]
mod baseline;

use medley_crypto::{Context, FanOut, Hash, LengthMismatch, Suite, SymmetricKey};
use proptest::collection::vec;
use proptest::prelude::*;

fn key() -> impl Strategy<Value = SymmetricKey> {
    any::<[[u8; 32]; 2]>().prop_map(|[low, high]| {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&low);
        bytes[32..].copy_from_slice(&high);
        SymmetricKey::new(bytes)
    })
}

fn suite() -> impl Strategy<Value = Suite> {
    prop_oneof![Just(Suite::Ps2), Just(Suite::Ps3)]
}

fn context() -> impl Strategy<Value = Context> {
    (0u8..8).prop_map(|bits| Context::new(bits).expect("three bits"))
}

/// Hash and body by the naive implementation.
fn naive(suite: Suite, key: &SymmetricKey, context: Context, plain: &[u8]) -> (Hash, Vec<u8>) {
    let mut body = plain.to_vec();
    let hash = match suite {
        Suite::Ps2 => baseline::ps2_tag(baseline::sha1(plain), context.bits()),
        Suite::Ps3 => baseline::ps3_tag(plain, context.bits()),
    };
    match suite {
        Suite::Ps2 => baseline::ps2_cipher(key.as_bytes(), hash, &mut body, false),
        Suite::Ps3 => baseline::ps3_cipher(key.as_bytes(), hash, &mut body, false),
    }
    (Hash(hash), body)
}

proptest! {
    #[test]
    fn a_deciphered_body_is_the_plaintext(
        suite in suite(), key in key(), context in context(), plain in vec(any::<u8>(), 0..1400),
    ) {
        let mut body = plain.clone();
        let hash = suite.encrypt_in_place(&key, context, &mut body);
        prop_assert_eq!(hash.context(), context);
        prop_assert_eq!(suite.decrypt_in_place(&key, hash, &mut body), Ok(()));
        prop_assert_eq!(body, plain);
    }

    #[test]
    fn a_verified_body_is_enciphered_again_as_if_it_had_been_hashed_anew(
        suite in suite(), from in key(), to in vec(key(), 1..9), plain in vec(any::<u8>(), 1..300),
    ) {
        let context = Context::RC_CLIENT_SESSION;
        let mut body = plain.clone();
        let hash = suite.encrypt_in_place(&from, context, &mut body);
        prop_assume!(!hash.is_null());
        let verified = suite.open_in_place(&from, hash, &mut body).unwrap().unwrap();
        let again = FanOut::again(suite, context, &body, &verified).unwrap();
        prop_assert_eq!(again.hash(), hash);
        let mut outs = vec![vec![0; plain.len()]; to.len()];
        let slots = to.iter().zip(outs.iter_mut().map(Vec::as_mut_slice));
        prop_assert_eq!(again.encrypt_for_many(slots), Ok(()));
        for (key, out) in to.iter().zip(&outs) {
            let mut anew = plain.clone();
            prop_assert_eq!(suite.encrypt_in_place(key, context, &mut anew), hash);
            prop_assert_eq!(out, &anew);
        }
        // Not for a part of it, another context or another suite.
        prop_assert!(FanOut::again(suite, context, &plain[1..], &verified).is_none());
        prop_assert!(FanOut::again(suite, Context::RC_SERVER_SESSION, &plain, &verified).is_none());
        let other = if suite == Suite::Ps2 { Suite::Ps3 } else { Suite::Ps2 };
        prop_assert!(FanOut::again(other, context, &plain, &verified).is_none());
    }

    #[test]
    fn both_directions_agree_with_the_naive_implementation(
        suite in suite(), key in key(), context in context(), plain in vec(any::<u8>(), 0..600),
    ) {
        let (hash, body) = naive(suite, &key, context, &plain);
        let mut ours = plain.clone();
        prop_assert_eq!(suite.encrypt_in_place(&key, context, &mut ours), hash);
        prop_assert_eq!(&ours, &body);
        match suite {
            Suite::Ps2 => baseline::ps2_cipher(key.as_bytes(), hash.0, &mut ours, true),
            Suite::Ps3 => baseline::ps3_cipher(key.as_bytes(), hash.0, &mut ours, true),
        }
        prop_assert_eq!(ours, plain);
    }

    #[test]
    fn a_wrong_key_is_rejected_and_the_body_restored(
        suite in suite(), right in key(), wrong in key(), plain in vec(any::<u8>(), 8..300),
    ) {
        // The PS3 suite uses 16 bytes of the key only.
        prop_assume!(right.as_bytes()[..16] != wrong.as_bytes()[..16]);
        let mut body = plain;
        let hash = suite.encrypt_in_place(&right, Context::RC_CLIENT_SESSION, &mut body);
        let sealed = body.clone();
        let error = suite.decrypt_in_place(&wrong, hash, &mut body).expect_err("another key");
        prop_assert_eq!((error.length, error.received), (sealed.len(), hash));
        prop_assert_ne!(error.computed, hash);
        prop_assert_eq!(body, sealed);
    }

    #[test]
    fn the_first_fitting_key_of_several_opens_a_body(
        suite in suite(), keys in vec(key(), 1..6), at in any::<prop::sample::Index>(),
        plain in vec(any::<u8>(), 16..200),
    ) {
        let at = at.index(keys.len());
        let mut body = plain.clone();
        let hash = suite.encrypt_in_place(&keys[at], Context::RC_CLIENT_SESSION, &mut body);
        let mut out = vec![0; body.len()];
        let first = keys.iter().position(|k| k == &keys[at]);
        prop_assert_eq!(suite.decrypt_with_first(&keys, hash, &body, &mut out), Ok(first));
        prop_assert_eq!(&out, &plain);
        let others = keys.iter().filter(|k| *k != &keys[at]);
        prop_assert_eq!(suite.decrypt_with_first(others, hash, &body, &mut out), Ok(None));
        prop_assert!(out.iter().all(|byte| *byte == 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// 20 receivers: every group size from one to eight occurs, behind two full groups too.
    #[test]
    fn a_fan_out_is_what_each_receiver_would_get_alone(
        suite in suite(), keys in vec(key(), 20), plain in vec(any::<u8>(), 0..1400),
    ) {
        let context = Context::RC_CLIENT_SESSION;
        let alone: Vec<Vec<u8>> = keys.iter().map(|key| {
            let mut body = plain.clone();
            suite.encrypt_in_place(key, context, &mut body);
            body
        }).collect();
        let fan = FanOut::new(suite, context, &plain);
        prop_assert_eq!(fan.hash(), suite.hash(context, &plain));
        for receivers in 0..=keys.len() {
            let mut outs = vec![vec![0xaa; plain.len()]; receivers];
            let lanes = keys.iter().zip(outs.iter_mut().map(Vec::as_mut_slice));
            prop_assert_eq!(fan.encrypt_for_many(lanes), Ok(()));
            prop_assert_eq!(&outs[..], &alone[..receivers]);
        }
        let mut out = vec![0; plain.len()];
        prop_assert_eq!(fan.encrypt_for(&keys[0], &mut out), Ok(()));
        prop_assert_eq!(&out, &alone[0]);
    }
}

#[test]
fn an_output_of_another_length_is_refused() {
    let key = SymmetricKey::new([1; 64]);
    let fan = FanOut::new(Suite::Ps2, Context::RC_CLIENT_SESSION, b"four");
    let wrong = LengthMismatch { wanted: 4, found: 5 };
    assert_eq!(fan.encrypt_for(&key, &mut [0; 5]), Err(wrong));
    let (mut a, mut b) = ([0; 4], [0; 5]);
    assert_eq!(fan.encrypt_for_many([(&key, &mut a[..]), (&key, &mut b[..])]), Err(wrong));
    assert_eq!(b, [0; 5]);
    let open = Suite::Ps2.decrypt_with_first([&key], Hash([1; 4]), &[0; 4], &mut [0; 5]);
    assert_eq!(open, Err(wrong));
}

#[test]
fn a_null_hash_leaves_the_body_as_plaintext() {
    let key = SymmetricKey::new([7; 64]);
    for bits in 0..8 {
        let hash = Hash::null(Context::new(bits).expect("three bits"));
        assert!(hash.is_null());
        for suite in [Suite::Ps2, Suite::Ps3] {
            let mut body = *b"plain text";
            assert_eq!(suite.decrypt_in_place(&key, hash, &mut body), Ok(()));
            assert_eq!(&body, b"plain text");
        }
    }
    assert!(!Hash([0, 0, 0, 0x61]).is_null());
    assert!(!Hash([0, 1, 0, 0x60]).is_null());
}

/// With the PS3 tag the last word can be chosen so that the digest is null. Receivers would take the body as
/// plaintext, so it must be sent as plaintext.
#[test]
fn a_plaintext_with_a_null_digest_travels_in_clear() {
    let context = Context::RC_CLIENT_SESSION;
    // d enters the sum by exclusive or with the last word: find the word bit by bit from the low end.
    let mut word = 0u32;
    for bit in 0..29 {
        let sum = u32::from_le_bytes(Suite::Ps3.hash(context, &word.to_le_bytes()).0);
        word ^= sum & (1 << bit);
    }
    let plain = word.to_le_bytes();
    let key = SymmetricKey::new([9; 64]);
    let mut body = plain;
    let hash = Suite::Ps3.encrypt_in_place(&key, context, &mut body);
    assert_eq!(hash, Hash::null(context));
    assert_eq!(body, plain);
    assert_eq!(Suite::Ps3.decrypt_in_place(&key, hash, &mut body), Ok(()));
    assert_eq!(body, plain);
    let fan = FanOut::new(Suite::Ps3, context, &plain);
    let mut out = [0; 4];
    assert_eq!(fan.encrypt_for(&key, &mut out), Ok(()));
    assert_eq!((fan.hash(), out), (hash, plain));
}

#[test]
fn the_hello_version_decides_the_suite() {
    for (version, suite) in [(0x6c, Suite::Ps2), (0x6f, Suite::Ps2), (0x70, Suite::Ps3), (0x71, Suite::Ps3)] {
        assert_eq!(Suite::for_medius_version(version), suite, "{version:#x}");
    }
}

#[test]
fn debug_output_shows_no_secret() {
    let key = SymmetricKey::new([0xab; 64]);
    let shown = format!("{key:?}");
    assert!(!shown.contains("ab") && !shown.contains("171"), "{shown}");
    assert_eq!(format!("{:?}", Hash([0x0a, 0x0b, 0x0c, 0x6d])), "Hash(0a0b0c6d)");
    assert_eq!(Context::RC_CLIENT_SESSION.to_string(), "RC_CLIENT_SESSION");
}
