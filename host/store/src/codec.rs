//! How values are written: one byte for the layout of the record, then the record in postcard's compact form.
//!
//! The same serde declarations also make the JSON of an export; where the two want different shapes (bytes, long
//! arrays) the helpers here ask the format whether it is for people.

use std::fmt;

use serde::de::{DeserializeOwned, Error as _, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::engine::Tree;
use crate::error::{Result, StoreError};
use crate::types::Text;

/// Layout byte of every record of the present schema. A migration that changes a record's layout writes the next one.
const LAYOUT: u8 = 1;

pub(crate) fn encode<T: Serialize>(tree: Tree, key: &[u8], value: &T) -> Result<Vec<u8>> {
    postcard::to_extend(value, vec![LAYOUT]).map_err(|error| StoreError::Record {
        tree: tree.name(),
        key: hex::encode(key),
        wanted: "a value that can be encoded".to_owned(),
        found: error.to_string(),
    })
}

pub(crate) fn decode<T: DeserializeOwned>(tree: Tree, key: &[u8], bytes: &[u8]) -> Result<T> {
    let damaged = |wanted: String, found: String| StoreError::Record {
        tree: tree.name(),
        key: hex::encode(key),
        wanted,
        found,
    };
    let body = match bytes.split_first() {
        Some((&LAYOUT, body)) => body,
        Some((&other, _)) => return Err(damaged(format!("layout {LAYOUT}"), format!("layout {other}"))),
        None => return Err(damaged(format!("layout {LAYOUT}"), "an empty value".to_owned())),
    };
    let (value, rest) = postcard::take_from_bytes::<T>(body)
        .map_err(|error| damaged(std::any::type_name::<T>().to_owned(), error.to_string()))?;
    if !rest.is_empty() {
        return Err(damaged(format!("{} bytes", body.len() - rest.len()), format!("{} bytes", body.len())));
    }
    Ok(value)
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return self.0.serialize(serializer);
        }
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => Hex { hex: hex::encode(&self.0) }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return Vec::deserialize(deserializer).map(Self);
        }
        match TextOrHex::deserialize(deserializer)? {
            TextOrHex::Text(text) => Ok(Self(text.into_bytes())),
            TextOrHex::Hex(Hex { hex }) => hex::decode(hex).map(Self).map_err(D::Error::custom),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hex {
    hex: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrHex {
    Text(String),
    Hex(Hex),
}

/// Bytes: hexadecimal for people.
pub(crate) mod hex_bytes {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&hex::encode(bytes))
        } else {
            bytes.serialize(serializer)
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            hex::decode(text).map_err(D::Error::custom)
        } else {
            Vec::deserialize(deserializer)
        }
    }
}

/// Perhaps bytes.
pub(crate) mod optional_hex {
    use super::*;

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Bytes(#[serde(with = "hex_bytes")] Vec<u8>);

    pub(crate) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        bytes.clone().map(Bytes).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        Ok(Option::<Bytes>::deserialize(deserializer)?.map(|bytes| bytes.0))
    }
}

/// Exactly `N` bytes.
pub(crate) mod hex_array {
    use super::*;

    pub(crate) fn serialize<S: Serializer, const N: usize>(
        bytes: &[u8; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        hex_bytes::serialize(bytes, serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<[u8; N], D::Error> {
        let bytes = hex_bytes::deserialize(deserializer)?;
        let found = bytes.len();
        bytes.try_into().map_err(|_| D::Error::custom(format_args!("wanted {N} bytes, found {found}")))
    }
}

/// Exactly `N` numbers (serde itself stops at 32).
pub(crate) mod int_array {
    use super::*;

    pub(crate) fn serialize<S: Serializer, const N: usize>(
        numbers: &[i32; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(N)?;
        for number in numbers {
            tuple.serialize_element(number)?;
        }
        tuple.end()
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<[i32; N], D::Error> {
        deserializer.deserialize_tuple(N, Numbers::<N>)
    }

    struct Numbers<const N: usize>;

    impl<'de, const N: usize> Visitor<'de> for Numbers<N> {
        type Value = [i32; N];

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{N} numbers")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<[i32; N], A::Error> {
            let mut numbers = [0; N];
            for (index, number) in numbers.iter_mut().enumerate() {
                *number = seq.next_element()?.ok_or_else(|| A::Error::invalid_length(index, &self))?;
            }
            if seq.next_element::<i32>()?.is_some() {
                return Err(A::Error::invalid_length(N + 1, &self));
            }
            Ok(numbers)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::types::{Account, GameRecord, NewBan, Stats};

    fn decode_all(bytes: &[u8]) {
        let _ = decode::<Account>(Tree::Accounts, b"k", bytes);
        let _ = decode::<Stats>(Tree::AccountStats, b"k", bytes);
        let _ = decode::<NewBan>(Tree::Bans, b"k", bytes);
        let _ = decode::<GameRecord>(Tree::Games, b"k", bytes);
        let _ = decode::<Text>(Tree::Policies, b"k", bytes);
        let _ = decode::<u32>(Tree::Counters, b"k", bytes);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(mut bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            decode_all(&bytes);
            if let Some(first) = bytes.first_mut() {
                *first = LAYOUT;
                decode_all(&bytes);
            }
        }

        #[test]
        fn stats_come_back_as_written(
            blob in any::<[u8; 32]>(), wide in any::<i32>(), custom in proptest::collection::vec(any::<i32>(), 0..50)
        ) {
            let mut stats = Stats { wide: [wide; 100], custom, ..Stats::default() };
            stats.blob[..32].copy_from_slice(&blob);
            let bytes = encode(Tree::AccountStats, b"k", &stats).unwrap();
            prop_assert_eq!(decode::<Stats>(Tree::AccountStats, b"k", &bytes).unwrap(), stats.clone());
            let json = serde_json::to_string(&stats).unwrap();
            prop_assert_eq!(serde_json::from_str::<Stats>(&json).unwrap(), stats);
            // One byte more or less is not a record.
            let mut long = bytes.clone();
            long.push(0);
            prop_assert!(decode::<Stats>(Tree::AccountStats, b"k", &long).is_err());
            prop_assert!(decode::<Stats>(Tree::AccountStats, b"k", &bytes[..bytes.len() - 1]).is_err());
        }

        #[test]
        fn text_of_any_bytes_comes_back_from_json(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let text = Text(bytes);
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(serde_json::from_str::<Text>(&json).unwrap(), text);
        }
    }

    #[test]
    fn a_length_beyond_the_record_allocates_nothing() {
        // A text that claims 4 GiB.
        let error =
            decode::<Text>(Tree::Policies, b"k", &[LAYOUT, 0xff, 0xff, 0xff, 0xff, 0x0f]).unwrap_err();
        assert!(matches!(error, StoreError::Record { tree: "policies", .. }), "{error}");
    }
}
