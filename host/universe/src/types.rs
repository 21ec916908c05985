//! Ids, keys, names and the time: the small values that every part of the universe speaks in.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use medley_wire::enums::NetAddressType;
use medley_wire::messages::structures::NetAddress;
use serde::{Deserialize, Serialize};

/// The time of a command, as the caller measures it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub struct Time {
    /// Milliseconds of a monotonic clock; deadlines count in these.
    pub millis: u64,
    /// Unix seconds, for the time stamps that players and records see.
    pub unix: i64,
}

macro_rules! number_ids {
    ($($(#[$docs:meta])* $name:ident;)*) => {$(
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

number_ids! {
    /// A connection of the host, numbered by the caller, unique over the whole host.
    ConnectionId;
    /// A game server on MPS: a DME or a peer-to-peer host. Numbered by the caller (the id of its MPS connection will do).
    GameServerId;
    /// A create or join that waits for a game server.
    RequestId;
    /// A game list filter, as the client is told it. Numbered from 1 in each session.
    FilterId;
    /// A session key: a decimal counter, unique over the whole host (servers.md section 4).
    SessionKey;
}

impl SessionKey {
    /// The key that `text` is, if it is a decimal number of at most 16 digits.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.is_empty() || text.len() > 16 || !text.iter().all(u8::is_ascii_digit) {
            return None;
        }
        core::str::from_utf8(text).ok()?.parse().ok().map(Self)
    }
}

/// A key that lets one connection in, once: 16 characters of the base64 alphabet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
pub struct AccessKey([u8; 16]);

impl AccessKey {
    /// The key that 12 random bytes make.
    pub fn from_random(random: [u8; 12]) -> Self {
        let mut text = [0; 16];
        // Twelve bytes are sixteen characters exactly, so this always fits.
        let _ = STANDARD.encode_slice(random, &mut text);
        Self(text)
    }

    /// The key as a client sent it: sixteen characters, a NUL behind them or not.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
        text[..end].try_into().ok().map(Self)
    }

    /// The key as it travels.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for AccessKey {
    /// Shows nothing of the key: it opens a session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKey(..)")
    }
}

/// A text of a client: a player's, channel's or game's name, a password. Bytes, since titles use several encodings.
///
/// Serialises as text where people read (what is not UTF-8 is replaced) and as the exact bytes elsewhere.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Box<[u8]>);

impl Name {
    /// The bytes of `text` up to its first NUL.
    pub fn new(text: impl AsRef<[u8]>) -> Self {
        let text = text.as_ref();
        let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
        Self(text[..end].into())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// No text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text for people.
    pub fn to_string_lossy(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// The name as an index knows it: names are compared without regard to case (servers.md trap 13).
    pub(crate) fn folded(&self) -> Self {
        Self(self.0.to_ascii_lowercase().into())
    }

    pub(crate) fn bounded(self, bytes: usize) -> Self {
        if self.0.len() <= bytes { self } else { Self(self.0[..bytes].into()) }
    }
}

impl AsRef<[u8]> for Name {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl<const N: usize> From<medley_wire::types::Text<N>> for Name {
    fn from(text: medley_wire::types::Text<N>) -> Self {
        Self::new(text.as_bytes())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string_lossy())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_string_lossy())
    }
}

impl Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&self.to_string_lossy())
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer).map(Self::new)
        } else {
            Vec::<u8>::deserialize(deserializer).map(Self::new)
        }
    }
}

/// An address of a peer-to-peer host or joiner, in any of the SDK's shapes, passed on as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct PeerAddress {
    /// What the address is.
    pub address_type: NetAddressType,
    /// The address field as it travels.
    pub address: [u8; 16],
    /// The port field as it travels.
    pub port: u32,
}

impl From<NetAddress> for PeerAddress {
    fn from(from: NetAddress) -> Self {
        Self { address_type: from.address_type, address: from.address, port: from.port }
    }
}

impl From<PeerAddress> for NetAddress {
    fn from(from: PeerAddress) -> Self {
        Self { address_type: from.address_type, address: from.address, port: from.port }
    }
}

/// Which rows of a list are asked for. Pages count from 1; 0 or less is the first (servers.md section 1, rule 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// PageID.
    pub id: i64,
    /// PageSize: 0 or less is an empty list.
    pub size: i64,
}

impl Page {
    /// Everything.
    pub const ALL: Self = Self { id: 1, size: i64::MAX };

    /// The rows of `rows` on this page.
    pub(crate) fn of<T>(self, rows: impl Iterator<Item = T>) -> Vec<T> {
        let size = usize::try_from(self.size).unwrap_or(0);
        let before = usize::try_from(self.id.max(1) - 1).unwrap_or(usize::MAX).saturating_mul(size);
        rows.skip(before).take(size).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_key_is_a_decimal_number_and_nothing_else() {
        assert_eq!(SessionKey::parse(b"13088"), Some(SessionKey(13088)));
        for bad in [&b""[..], b"+1", b"1 ", b"x", b"12345678901234567"] {
            assert_eq!(SessionKey::parse(bad), None);
        }
    }

    #[test]
    fn an_access_key_is_read_with_or_without_its_nul() {
        let key = AccessKey::from_random([7; 12]);
        let mut field = [0; 17];
        field[..16].copy_from_slice(key.as_bytes());
        assert_eq!(AccessKey::parse(&field), Some(key));
        assert_eq!(AccessKey::parse(&field[..16]), Some(key));
        assert_eq!(AccessKey::parse(b"short"), None);
        assert_eq!(AccessKey::parse(&[b'a'; 17]), None);
    }

    #[test]
    fn pages_count_from_one_and_a_page_of_nothing_is_empty() {
        let page = |id, size| Page { id, size }.of(0..10);
        assert_eq!(page(2, 4), [4, 5, 6, 7]);
        assert_eq!(page(0, 4), [0, 1, 2, 3]);
        assert_eq!(page(-5, 2), [0, 1]);
        assert!(page(1, 0).is_empty());
        assert!(page(1, -1).is_empty());
        assert!(page(i64::MAX, i64::MAX).is_empty());
        assert_eq!(Page::ALL.of(0..3), [0, 1, 2]);
    }

    #[test]
    fn names_fold_case_for_comparison_and_keep_their_bytes() {
        assert_eq!(Name::from("BaDger").folded(), Name::from("badger").folded());
        assert_eq!(Name::new(b"\x0bab\xff\0junk").as_bytes(), b"\x0bab\xff");
    }
}
