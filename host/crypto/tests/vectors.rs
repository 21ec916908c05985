//! Every cipher, hash and RSA vector of the shared set, both directions.

use medley_crypto::{Context, Hash, KeyRole, KeyStore, RsaKeyPair, Suite, SymmetricKey, open_key, seal_key};
use serde_json::Value;
use std::path::PathBuf;

/// A file of the shared data. It is `None` where the data is not at hand, which continuous integration must not be.
fn shared(path: &str) -> Option<String> {
    let root = std::env::var_os("MEDLEY_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let file = root.join(path);
    match std::fs::read_to_string(&file) {
        Ok(text) => Some(text),
        Err(error) if std::env::var_os("CI").is_some_and(|ci| ci == "true") => {
            panic!("{}: {error}; set MEDLEY_SHARED", file.display())
        }
        Err(error) => {
            eprintln!("not run: {}: {error}; set MEDLEY_SHARED", file.display());
            None
        }
    }
}

fn vectors(kind: &str) -> Vec<Value> {
    let Some(text) = shared("vectors/crypto.json") else { return Vec::new() };
    let all: Value = serde_json::from_str(&text).expect("crypto.json is JSON");
    let of_kind: Vec<Value> =
        all["vectors"].as_array().expect("vectors").iter().filter(|v| v["kind"] == kind).cloned().collect();
    assert_eq!(
        of_kind.len() as u64,
        all["counts"][kind].as_u64().expect("count"),
        "number of {kind} vectors"
    );
    assert!(!of_kind.is_empty());
    of_kind
}

fn bytes(v: &Value, field: &str) -> Vec<u8> {
    hex::decode(v[field].as_str().expect(field)).expect(field)
}

fn array<const N: usize>(v: &Value, field: &str) -> [u8; N] {
    bytes(v, field).try_into().expect(field)
}

fn context(v: &Value) -> Context {
    Context::new(v["context"].as_u64().expect("context") as u8).expect("three bits")
}

fn cipher_vectors(kind: &str, suite: Suite) {
    for v in vectors(kind) {
        let id = &v["id"];
        let key = SymmetricKey::new(array(&v, "key"));
        let (plain, cipher, hash) =
            (bytes(&v, "plaintext"), bytes(&v, "ciphertext"), Hash(array(&v, "hash")));
        let mut body = plain.clone();
        assert_eq!(suite.encrypt_in_place(&key, context(&v), &mut body), hash, "{id}: hash");
        assert_eq!(hex::encode(&body), hex::encode(&cipher), "{id}: ciphertext");
        assert_eq!(suite.decrypt_in_place(&key, hash, &mut body), Ok(()), "{id}: verify");
        assert_eq!(hex::encode(&body), hex::encode(&plain), "{id}: plaintext");
    }
}

fn hash_vectors(kind: &str, suite: Suite) {
    for v in vectors(kind) {
        assert_eq!(suite.hash(context(&v), &bytes(&v, "plaintext")), Hash(array(&v, "hash")), "{}", v["id"]);
    }
}

fn rsa_vectors(kind: &str, suite: Suite) {
    for v in vectors(kind) {
        let id = &v["id"];
        assert_eq!(v["public_exponent"], 17, "{id}");
        let pair = RsaKeyPair::from_modulus_and_private_exponent(
            array(&v, "modulus"),
            array(&v, "private_exponent"),
        )
        .expect("key");
        let (plain, cipher, hash) =
            (array(&v, "plaintext"), array(&v, "ciphertext"), Hash(array(&v, "hash")));
        assert_eq!(seal_key(suite, pair.public(), &plain), (hash, cipher), "{id}: seal");
        assert_eq!(pair.decrypt(suite, hash, &cipher), Ok(plain), "{id}: decrypt");
        assert_eq!(open_key(suite, &pair, hash, &cipher), Ok(SymmetricKey::new(plain)), "{id}: open");
        let above = pair.decrypt_raw(&cipher) != plain;
        assert_eq!(above, v["plaintext_ge_modulus"].as_bool().expect("flag"), "{id}: above the modulus");
    }
}

#[test]
fn ps2_rc4_vectors_pass_both_ways() {
    cipher_vectors("ps2_rc4", Suite::Ps2);
}

#[test]
fn ps3_rcq_vectors_pass_both_ways() {
    cipher_vectors("ps3_rcq", Suite::Ps3);
}

#[test]
fn sha1_hash4_vectors_pass() {
    hash_vectors("sha1_hash4", Suite::Ps2);
}

#[test]
fn rcq_hash4_vectors_pass() {
    hash_vectors("rcq_hash4", Suite::Ps3);
}

#[test]
fn ps2_rsa_vectors_pass_both_ways() {
    rsa_vectors("ps2_rsa", Suite::Ps2);
}

#[test]
fn ps3_rsa_vectors_pass_both_ways() {
    rsa_vectors("ps3_rsa", Suite::Ps3);
}

/// The whole published key file loads, and the built-in one holds the same pairs.
#[test]
fn the_published_key_file_loads_and_agrees_with_the_built_in_one() {
    let Some(text) = shared("protocol/keys.toml") else { return };
    let published = KeyStore::parse(&text, "keys.toml").expect("keys.toml");
    let embedded = KeyStore::embedded().expect("built-in keys");
    assert_eq!(published.pairs().count(), 10);
    assert_eq!(published.publics().count(), 7);
    assert_eq!(embedded.pairs().count(), 10);
    for ours in embedded.pairs() {
        let theirs = published.pair(&ours.name).expect("same names");
        assert_eq!(ours.pair.public(), theirs.pair.public(), "{}", ours.name);
        assert_eq!((ours.role, &ours.app_ids), (theirs.role, &theirs.app_ids), "{}", ours.name);
    }
    let servers = embedded.pairs().filter(|k| k.role == KeyRole::Server).count();
    assert_eq!(servers, 6);
}
