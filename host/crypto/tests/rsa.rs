//! RSA beyond the vectors: the recovery above the modulus, what a peer or a file may not pass as a key, the store.

use medley_crypto::{
    Context, Hash, KeyEntry, KeyRole, KeyStore, KeyStoreError, ModulusError, RsaError, RsaKeyPair,
    RsaPublicKey, Suite, open_key, seal_key,
};
use proptest::prelude::*;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn store() -> KeyStore {
    KeyStore::embedded().expect("built-in keys")
}

fn global() -> RsaKeyPair {
    store().pair("medius_global").expect("medius_global").pair.clone()
}

/// `number + small`, little-endian; `None` when it leaves 64 bytes.
fn plus(number: [u8; 64], small: u64) -> Option<[u8; 64]> {
    let mut out = number;
    let mut carry = u128::from(small);
    for bytes in out.chunks_exact_mut(8) {
        let sum = u128::from(u64::from_le_bytes(bytes.try_into().expect("8"))) + carry;
        bytes.copy_from_slice(&(sum as u64).to_le_bytes());
        carry = sum >> 64;
    }
    (carry == 0).then_some(out)
}

fn message() -> impl Strategy<Value = [u8; 64]> {
    any::<[[u8; 32]; 2]>().prop_map(|halves| halves.concat().try_into().expect("64"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_64_byte_message_comes_back(message in message(), ps3 in any::<bool>()) {
        let suite = if ps3 { Suite::Ps3 } else { Suite::Ps2 };
        let pair = global();
        let (hash, body) = seal_key(suite, pair.public(), &message);
        prop_assert_eq!(hash.context(), Context::RSA_AUTH);
        prop_assert_eq!(pair.decrypt(suite, hash, &body), Ok(message));
    }

    /// A file may hold anything; a peer any modulus.
    #[test]
    fn arbitrary_numbers_as_keys_are_refused_without_a_panic(n in message(), d in message()) {
        prop_assert!(RsaKeyPair::from_modulus_and_private_exponent(n, d).is_err());
        let (p, q) = (n[..32].try_into().expect("32"), n[32..].try_into().expect("32"));
        if let Ok(pair) = RsaKeyPair::from_primes_le(p, q) {
            prop_assert_ne!(pair.public().modulus_le(), [0; 64]);
            std::hint::black_box(pair.decrypt_raw(&d));
        }
        if let Ok(key) = RsaPublicKey::from_modulus_le(n) {
            prop_assert_eq!(key.modulus_le(), n);
            std::hint::black_box(key.encrypt(&d));
        }
    }
}

#[test]
fn messages_around_and_above_the_modulus_are_recovered() {
    let pair = global();
    let n = pair.public().modulus_le();
    let mut below = n;
    below[0] -= 1;
    let messages =
        [[0; 64], below, n, plus(n, 1).expect("fits"), plus(n, u64::MAX).expect("fits"), [0xff; 64]];
    for suite in [Suite::Ps2, Suite::Ps3] {
        for message in messages {
            let (hash, body) = seal_key(suite, pair.public(), &message);
            assert_eq!(pair.decrypt(suite, hash, &body), Ok(message), "{}", hex::encode(message));
        }
    }
    assert_eq!(pair.decrypt_raw(&pair.public().encrypt(&plus(n, 5).expect("fits")))[..2], [5, 0]);
}

#[test]
fn a_message_to_another_key_is_rejected() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let other = RsaKeyPair::generate(&mut rng).expect("generated");
    let (hash, body) = seal_key(Suite::Ps2, other.public(), &[3; 64]);
    let error = global().decrypt(Suite::Ps2, hash, &body).expect_err("another key");
    assert!(matches!(error, RsaError::HashMismatch { received, .. } if received == hash), "{error}");
    assert!(global().decrypt(Suite::Ps3, hash, &body).is_err());
}

#[test]
fn a_key_message_under_a_session_context_is_not_opened() {
    let hash = Hash([1, 2, 3, 0x64]);
    assert_eq!(
        open_key(Suite::Ps2, &global(), hash, &[0; 64]),
        Err(RsaError::NotRsaContext { found: Context::RC_CLIENT_SESSION })
    );
}

#[test]
fn a_null_hash_key_message_is_plaintext() {
    let opened = open_key(Suite::Ps2, &global(), Hash::null(Context::RSA_AUTH), &[5; 64]).expect("clear");
    assert_eq!(opened.as_bytes(), &[5; 64]);
}

#[test]
fn unusable_moduli_are_refused() {
    assert_eq!(RsaPublicKey::from_modulus_le([0; 64]), Err(ModulusError::Zero));
    let mut even = global().public().modulus_le();
    even[0] &= 0xfe;
    assert_eq!(RsaPublicKey::from_modulus_le(even), Err(ModulusError::Even));
    let mut one = [0; 64];
    one[0] = 1;
    assert_eq!(RsaPublicKey::from_modulus_le(one), Err(ModulusError::TooShort { bits: 1 }));
    let mut short = [0xff; 64];
    short[63] = 0x7f;
    assert_eq!(RsaPublicKey::from_modulus_le(short), Err(ModulusError::TooShort { bits: 511 }));
    assert_eq!(RsaKeyPair::from_primes_le([0; 32], [0; 32]).err(), Some(RsaError::Factors));
    assert_eq!(RsaKeyPair::from_primes_le([1; 32], [1; 32]).err(), Some(RsaError::Factors));
}

#[test]
fn generated_pairs_work_and_differ() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let pairs: Vec<RsaKeyPair> = (0..4).map(|_| RsaKeyPair::generate(&mut rng).expect("generated")).collect();
    for (at, pair) in pairs.iter().enumerate() {
        let mut message = [0; 64];
        rng.fill_bytes(&mut message);
        let (hash, body) = seal_key(Suite::Ps3, pair.public(), &message);
        assert_eq!(pair.decrypt(Suite::Ps3, hash, &body), Ok(message));
        assert!(pairs[..at].iter().all(|other| other.public() != pair.public()));
        assert!(!format!("{pair:?}").contains("params"));
    }
}

#[test]
fn the_built_in_store_serves_every_title_with_the_global_key_until_told_otherwise() {
    let mut store = store();
    assert_eq!(store.server_key_for(10684).map(|k| k.name.as_str()), Some("medius_global"));
    store.set_override(10684, "mps_server").expect("a pair");
    assert_eq!(store.server_key_for(10684).map(|k| k.name.as_str()), Some("mps_server"));
    assert_eq!(store.server_key_for(11184).map(|k| k.name.as_str()), Some("medius_global"));
    assert_eq!(store.overrides().collect::<Vec<_>>(), [(10684, "mps_server")]);
    let error = store.set_override(11184, "nope").expect_err("unknown");
    assert_eq!(error.to_string(), "title 11184: server key \"nope\": no such key");
    let wire = global().public().modulus_le();
    assert_eq!(store.pair_by_modulus(&wire).map(|k| k.role), Some(KeyRole::Server));
    assert_eq!(store.name_of_modulus(&[1; 64]), None);
}

#[test]
fn a_run_time_pair_can_be_added_once() {
    let mut store = store();
    let pair = RsaKeyPair::generate(&mut ChaCha8Rng::seed_from_u64(3)).expect("generated");
    let entry = |name: &str, pair: &RsaKeyPair| KeyEntry {
        name: name.to_owned(),
        role: KeyRole::Server,
        title: String::new(),
        source: "made here".to_owned(),
        note: String::new(),
        app_ids: Vec::new(),
        pair: pair.clone(),
    };
    store.insert(entry("own", &pair)).expect("new");
    assert!(store.pair("own").is_some());
    assert_eq!(
        store.insert(entry("again", &pair)).expect_err("same modulus").to_string(),
        "run time: key \"again\": modulus: the same as that of \"own\""
    );
    assert!(store.insert(entry("own", &global())).is_err());
    assert!(store.pair("again").is_none());
}

/// A `[[rsa]]` entry with one field replaced, or taken away when the value is empty.
fn entry_with(field: &str, value: &str) -> String {
    let modulus = "c4f75716ec835d2325689f91ff85ed9bfc3211db9c164f41852e264e569d28020080\
                   54a0ef459e7e3eabb87fae576e735434d1d124b30b11bd6de09814860155";
    let exponent = "5cb0a1743310a44cc64f5a26965d2485a3db53b2a3ce436a208e3024dd7721e1ffb7\
                    2135f578033ed5d6a8b58b4013ff616a47cadb6072b5752495ebf2a7b7f1";
    let mut fields = vec![
        ("name", "\"k\"".to_owned()),
        ("role", "\"server\"".to_owned()),
        ("modulus", format!("\"{modulus}\"")),
        ("private_exponent", format!("\"{exponent}\"")),
    ];
    fields.retain(|f| f.0 != field);
    if !value.is_empty() {
        fields.push((field, value.to_owned()));
    }
    let lines: Vec<String> = fields.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    format!("[[rsa]]\n{}\n", lines.join("\n"))
}

#[test]
fn key_file_errors_name_file_entry_field_and_fault() {
    let same = entry_with("", "");
    assert!(KeyStore::parse(&same, "k.toml").is_ok());
    let number = |digit: char| format!("\"{}\"", digit.to_string().repeat(128));
    let cases = [
        (entry_with("name", ""), "k.toml: [[rsa]] number 1: name: missing"),
        (
            entry_with("role", "\"host\""),
            "k.toml: [[rsa]] number 1 \"k\": role: \"host\", wanted \"server\" or \"client\"",
        ),
        (entry_with("public_exponent", "3"), "k.toml: [[rsa]] number 1 \"k\": public_exponent: 3, wanted 17"),
        (entry_with("modulus", ""), "k.toml: [[rsa]] number 1 \"k\": modulus: missing"),
        (entry_with("modulus", &number('0')), "k.toml: [[rsa]] number 1 \"k\": modulus: the modulus is zero"),
        (entry_with("modulus", &number('8')), "k.toml: [[rsa]] number 1 \"k\": modulus: the modulus is even"),
        (
            entry_with("modulus", &number('1')),
            "k.toml: [[rsa]] number 1 \"k\": modulus: the modulus has 509 bits, SCE-RT moduli have 512",
        ),
        (
            entry_with("private_exponent", &number('9')),
            "k.toml: [[rsa]] number 1 \"k\": private_exponent: the private exponent does not fit the modulus and public exponent 17",
        ),
        (
            entry_with("modulus_wire", &number('9')),
            "k.toml: [[rsa]] number 1 \"k\": modulus_wire: not the bytes of `modulus` in reverse order",
        ),
        (
            format!("{same}{same}"),
            "k.toml: [[rsa]] number 2 \"k\": name: \"k\" is there already; names are unique",
        ),
        (
            format!("{same}{}", entry_with("name", "\"other\"")),
            "k.toml: [[rsa]] number 2 \"other\": modulus: the same as that of \"k\"",
        ),
        (
            format!("{same}[[override]]\napp_id = 5\nkey = \"x\"\n"),
            "k.toml: [[override]] number 1: key: title 5: server key \"x\": no such key",
        ),
        ("format = \"keys/2\"".to_owned(), "k.toml: the file: format: \"keys/2\", wanted \"medius-keys/1\""),
    ];
    for (text, wanted) in cases {
        assert_eq!(KeyStore::parse(&text, "k.toml").expect_err(wanted).to_string(), wanted);
    }
    let short = KeyStore::parse(&entry_with("modulus", "\"c4f7\""), "k.toml").expect_err("short").to_string();
    assert!(short.contains("modulus: 4 characters, wanted 128 hex digits (64 bytes)"), "{short}");
    for misspelt in ["[[rsaa]]\nname = \"k\"\n", "rsa = 5", "[[rsa"] {
        let error = KeyStore::parse(misspelt, "k.toml").expect_err(misspelt);
        assert!(matches!(error, KeyStoreError::Syntax { .. }), "{error}");
        assert!(error.to_string().starts_with("k.toml: TOML parse error at line 1"), "{error}");
    }
}

#[test]
fn a_file_with_an_error_adds_nothing() {
    let mut store = KeyStore::new();
    let text = format!("{}{}", entry_with("", ""), entry_with("role", ""));
    assert!(store.load(&text, "k.toml").is_err());
    assert_eq!(store.pairs().count(), 0);
}

#[test]
fn the_private_operation_inverts_the_public_one_under_many_keys() {
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    for _ in 0..8 {
        let pair = RsaKeyPair::generate(&mut rng).expect("generated");
        for _ in 0..250 {
            let mut cipher = [0; 64];
            rng.fill_bytes(&mut cipher);
            // Below every modulus of 512 bits.
            cipher[63] &= 0x7f;
            assert_eq!(pair.public().encrypt(&pair.decrypt_raw(&cipher)), cipher);
        }
    }
}
