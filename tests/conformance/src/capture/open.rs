//! Opening of frames, in their order, with what was learned on the way.

use std::collections::BTreeMap;

use medley_crypto::{
    Context, Hash, KEY_LEN, KeyStore, RsaKeyPair, RsaPublicKey, Suite, SymmetricKey, seal_key,
};
use medley_wire::{Dialect, RtId, RtMessage};

use super::keys::{FileKeys, Keys};
use super::record::{Record, Side};
use crate::diff;

/// How a frame was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// No hash: clear text.
    Clear,
    /// A hash of zeros: clear text.
    NullHash,
    /// A session key, and how many bytes in front stay in clear.
    Key {
        /// The cipher suite.
        suite: Suite,
        /// The key.
        key: SymmetricKey,
        /// Clear bytes in front.
        prefix: usize,
    },
    /// The private half of an RSA pair, or the public half and the capture's plaintext.
    Rsa {
        /// The cipher suite, which tells the hash.
        suite: Suite,
        /// To whom it was enciphered.
        to: Box<RsaPublicKey>,
    },
    /// No key, but the hash fits the capture's plaintext.
    TagOnly {
        /// The cipher suite.
        suite: Suite,
        /// Clear bytes in front.
        prefix: usize,
    },
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// No RT frame.
    NotRt,
    /// The plaintext.
    Plain {
        /// The body.
        body: Vec<u8>,
        /// How.
        how: How,
    },
    /// No key opens it, and the capture has no plaintext.
    Locked,
    /// It contradicts the capture or the keys.
    Wrong(String),
}

/// What is known of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Learned {
    pub(super) medius_version: Option<u16>,
    pub(super) app_id: Option<u32>,
    /// The first frame of the client is the first of a connection, and no hello.
    pub(super) begins_without_hello: bool,
    seen_client: bool,
    keys: Vec<(u8, SymmetricKey)>,
    client_moduli: Vec<RsaPublicKey>,
}

pub(super) struct Opener<'k> {
    rsa: Vec<RsaKeyPair>,
    file: Option<&'k FileKeys>,
    learned: BTreeMap<String, Learned>,
}

impl<'k> Opener<'k> {
    pub(super) fn new(keys: Option<&Keys>, file: Option<&'k FileKeys>) -> Self {
        let mut rsa: Vec<RsaKeyPair> =
            keys.iter().flat_map(|keys| &keys.rsa).map(|(_, pair)| pair.clone()).collect();
        // The pairs whose private half is public.
        let known = KeyStore::embedded().unwrap_or_default();
        for entry in known.pairs() {
            if rsa.iter().all(|pair| pair.public() != entry.pair.public()) {
                rsa.push(entry.pair.clone());
            }
        }
        Self { rsa, file, learned: BTreeMap::new() }
    }

    pub(super) fn connection(&self, conn: &str) -> Option<&Learned> {
        self.learned.get(conn)
    }

    pub(super) fn connections(&self) -> impl Iterator<Item = &Learned> {
        self.learned.values()
    }

    pub(super) fn open(&mut self, record: &Record) -> Opened {
        if !record.is_rt() {
            return Opened::NotRt;
        }
        let Some(header) = record.header() else {
            return Opened::Wrong(format!("frame_hex: {} bytes that are not one frame", record.frame.len()));
        };
        let body = record.frame.get(header.body..).unwrap_or_default();
        let opened = match header.hash.map(Hash) {
            None => Opened::Plain { body: body.to_vec(), how: How::Clear },
            Some(hash) if hash.is_null() => Opened::Plain { body: body.to_vec(), how: How::NullHash },
            Some(hash) if hash.context() == Context::RSA_AUTH => self.open_rsa(record, hash, body),
            Some(hash) => self.open_symmetric(record, header.id, hash, body),
        };
        if let Opened::Plain { body, .. } = &opened {
            self.learn(record, header.id, body);
        }
        opened
    }

    /// The suites that come into question, the likely one first.
    fn suites(&self, record: &Record) -> Vec<Suite> {
        let own = self.learned.get(&record.conn).and_then(|learned| learned.medius_version);
        let told = match record.cipher.as_deref() {
            Some(cipher) if cipher.contains("RCQ") => Some(Suite::Ps3),
            Some(cipher) if cipher.contains("RC4") || cipher.contains("SHA1") => Some(Suite::Ps2),
            _ => None,
        };
        let elsewhere = self.learned.values().find_map(|learned| learned.medius_version);
        match (own.map(Suite::for_medius_version), told, elsewhere.map(Suite::for_medius_version)) {
            (Some(suite), ..) | (None, Some(suite), _) => vec![suite],
            (None, None, Some(Suite::Ps3)) => vec![Suite::Ps3, Suite::Ps2],
            _ => vec![Suite::Ps2, Suite::Ps3],
        }
    }

    fn open_rsa(&self, record: &Record, hash: Hash, body: &[u8]) -> Opened {
        let Ok(cipher) = <&[u8; KEY_LEN]>::try_from(body) else {
            return Opened::Wrong(format!("an RSA body of {} bytes, wanted {KEY_LEN}", body.len()));
        };
        let suites = self.suites(record);
        for suite in &suites {
            for pair in &self.rsa {
                if let Ok(plain) = pair.decrypt(*suite, hash, cipher) {
                    let how = How::Rsa { suite: *suite, to: Box::new(pair.public().clone()) };
                    return Opened::Plain { body: plain.to_vec(), how };
                }
            }
        }
        let Some(plain) = &record.plain else { return Opened::Locked };
        let Ok(message) = <&[u8; KEY_LEN]>::try_from(plain.as_slice()) else {
            return Opened::Wrong(format!("plain_hex: {} bytes, wanted {KEY_LEN}", plain.len()));
        };
        // A server key goes to the modulus that the client sent before: the public half is enough to compare.
        let moduli = self.learned.get(&record.conn).map_or(&[][..], |learned| &learned.client_moduli);
        for suite in &suites {
            let to = moduli.iter().find(|to| seal_key(*suite, to, message) == (hash, *cipher));
            if let Some(to) = to {
                return Opened::Plain {
                    body: plain.clone(),
                    how: How::Rsa { suite: *suite, to: Box::new(to.clone()) },
                };
            }
        }
        tag_only(record, &suites, &[0], hash)
    }

    fn open_symmetric(&self, record: &Record, id: RtId, hash: Hash, body: &[u8]) -> Opened {
        let suites = self.suites(record);
        let prefixes = clear_prefixes(id, body);
        let bits = hash.context().bits();
        let listed = self.file.and_then(|file| file.connection(&record.conn));
        let listed: Vec<&SymmetricKey> = listed
            .iter()
            .flat_map(|keys| &keys.by_context)
            .filter(|(context, _)| *context == bits)
            .map(|(_, key)| key)
            .collect();
        let of = |learned: &'_ Learned| -> Vec<SymmetricKey> {
            let keys = learned.keys.iter().rev().filter(|(context, _)| *context == bits);
            keys.map(|(_, key)| key.clone()).collect()
        };
        let mut own: Vec<SymmetricKey> = self.learned.get(&record.conn).map(of).unwrap_or_default();
        own.extend(listed.iter().map(|key| (*key).clone()));
        // A DME's datagrams are enciphered with the keys of its TCP connection. One or two bytes prove nothing about
        // a key of another connection.
        let mut others: Vec<SymmetricKey> = Vec::new();
        if body.len() > 2 || record.plain.is_some() {
            others = self
                .learned
                .iter()
                .filter(|(conn, _)| **conn != record.conn)
                .flat_map(|(_, l)| of(l))
                .collect();
        }
        let mut contradiction = None;
        for (suite, prefix) in
            suites.iter().flat_map(|suite| prefixes.iter().map(move |prefix| (*suite, *prefix)))
        {
            for key in own.iter().chain(&others) {
                let mut opened = body.to_vec();
                let Some(enciphered) = opened.get_mut(prefix..) else { continue };
                if suite.decrypt_in_place(key, hash, enciphered).is_err() {
                    continue;
                }
                let how = How::Key { suite, key: key.clone(), prefix };
                match &record.plain {
                    Some(plain) if *plain != opened => {
                        contradiction =
                            contradiction.or_else(|| diff::bytes("plain_hex", plain, &opened, |_| None));
                    }
                    _ => return Opened::Plain { body: opened, how },
                }
            }
        }
        match contradiction {
            Some(problem) => Opened::Wrong(problem),
            None if record.plain.is_none() => Opened::Locked,
            None if !listed.is_empty() => Opened::Wrong(format!(
                "none of {} keys of {} for this connection verifies its hash {hash}",
                own.len(),
                hash.context()
            )),
            None => tag_only(record, &suites, &prefixes, hash),
        }
    }

    fn learn(&mut self, record: &Record, id: RtId, body: &[u8]) {
        let learned = self.learned.entry(record.conn.clone()).or_default();
        if record.side == Side::Client && !core::mem::replace(&mut learned.seen_client, true) {
            let opens =
                [RtId::CLIENT_CRYPTKEY_PUBLIC, RtId::CLIENT_CONNECT_TCP, RtId::CLIENT_CONNECT_TCP_AUX_UDP];
            learned.begins_without_hello = opens.contains(&id);
        }
        // Only the hellos come before the version is known, and their layout has no versions.
        let d = Dialect::new(learned.medius_version.unwrap_or(108), medley_wire::AppId(0));
        let message = match RtMessage::decode(id, body, &d) {
            Ok(RtMessage::ServerMultiAppToClient(container)) => {
                for inner in &container.messages {
                    self.learn(record, RtId(inner.id), &inner.body.0);
                }
                return;
            }
            Ok(message) => message,
            Err(_) => return,
        };
        match message {
            RtMessage::ClientHello(hello) => learned.medius_version = Some(hello.version),
            RtMessage::ServerHello(hello) => {
                learned.medius_version.get_or_insert(hello.version);
            }
            RtMessage::ClientConnectTcp(connect) | RtMessage::ClientConnectTcpAuxUdp(connect) => {
                learned.app_id = Some(connect.app_id.0);
            }
            RtMessage::ClientConnectAuxUdp(connect) => learned.app_id = Some(connect.app_id.0),
            RtMessage::ClientCryptKeyPublic(public) => {
                learned.client_moduli.extend(RsaPublicKey::from_modulus_le(public.key.0));
            }
            RtMessage::ServerCryptKeyPeer(peer) => learned.keys.push((3, SymmetricKey::new(peer.key.0))),
            RtMessage::ServerCryptKeyGame(game) => learned.keys.push((1, SymmetricKey::new(game.key.0))),
            _ => {}
        }
    }
}

/// How many bytes in front of an enciphered body may be in clear (crypto.md section 1.3): the index of APP_SINGLE, and
/// by analogy size and mask of APP_LIST.
pub(crate) fn clear_prefixes(id: RtId, body: &[u8]) -> Vec<usize> {
    match (id, body.first()) {
        (RtId::CLIENT_APP_SINGLE, _) if body.len() > 2 => vec![2, 0],
        (RtId::CLIENT_APP_LIST, Some(size)) if body.len() > 1 + usize::from(*size) => {
            vec![1 + usize::from(*size), 0]
        }
        _ => vec![0],
    }
}

fn tag_only(record: &Record, suites: &[Suite], prefixes: &[usize], hash: Hash) -> Opened {
    let Some(plain) = &record.plain else { return Opened::Locked };
    for (suite, prefix) in
        suites.iter().flat_map(|suite| prefixes.iter().map(move |prefix| (*suite, *prefix)))
    {
        let Some(enciphered) = plain.get(prefix..) else { continue };
        if suite.hash(hash.context(), enciphered) == hash {
            return Opened::Plain { body: plain.clone(), how: How::TagOnly { suite, prefix } };
        }
    }
    Opened::Wrong(format!("plain_hex does not have the frame's hash {hash}"))
}
