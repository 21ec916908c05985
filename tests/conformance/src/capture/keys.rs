//! `keys.json`: RSA pairs, and the session keys of each capture and connection.

use std::collections::BTreeMap;

use medley_crypto::{KEY_LEN, RsaKeyPair, SymmetricKey};
use serde_json::{Map, Value};

use crate::report::InputError;

/// A whole key file.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// RSA pairs by name.
    pub rsa: Vec<(String, RsaKeyPair)>,
    files: BTreeMap<String, FileKeys>,
}

/// The keys of one capture, by connection.
#[derive(Clone, Debug, Default)]
pub struct FileKeys {
    connections: BTreeMap<String, ConnectionKeys>,
}

/// The keys of one connection.
#[derive(Clone, Debug, Default)]
pub struct ConnectionKeys {
    /// Context and key, in the order in which they were handed out; keys that are known without their message come last.
    pub by_context: Vec<(u8, SymmetricKey)>,
    /// The Medius version, if the file tells it.
    pub medius_version: Option<u16>,
    /// The application id, if the file tells it.
    pub app_id: Option<u32>,
}

impl Keys {
    /// Reads a key file. Unknown keys in it are ignored.
    ///
    /// # Errors
    /// It is no JSON, has no `captures`, or holds a key that is none.
    pub fn parse(file: &str, text: &str) -> Result<Self, InputError> {
        let error =
            |place: &str, problem: String| InputError { file: file.into(), place: place.into(), problem };
        let value: Value = serde_json::from_str(text).map_err(|problem| {
            error(
                &format!("line {} column {}", problem.line(), problem.column()),
                format!("no JSON: {problem}"),
            )
        })?;
        let mut keys = Self::default();
        for (i, pair) in list(value.get("rsa_512_keys")).iter().enumerate() {
            let name = pair.get("name").and_then(Value::as_str).unwrap_or("no name").to_owned();
            let place = format!("rsa_512_keys[{i}] ({name})");
            let number = |key: &str| -> Result<[u8; KEY_LEN], InputError> {
                let text = pair
                    .get(key)
                    .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                decimal(text.as_deref().unwrap_or_default()).ok_or_else(|| {
                    error(&place, format!("{key}: wanted a decimal number of at most 512 bits"))
                })
            };
            let pair = RsaKeyPair::from_modulus_and_private_exponent(number("n")?, number("d")?)
                .map_err(|problem| error(&place, problem.to_string()))?;
            keys.rsa.push((name, pair));
        }
        let Some(Value::Object(captures)) = value.get("captures") else {
            return Err(error("captures", "wanted an object: capture name to connections".into()));
        };
        for (name, connections) in captures {
            let Value::Object(connections) = connections else {
                return Err(error(
                    &format!("captures.{name}"),
                    "wanted an object: connection to keys".into(),
                ));
            };
            let mut of_file = FileKeys::default();
            for (conn, of_conn) in connections {
                let place = format!("captures.{name}.{conn}");
                let Value::Object(of_conn) = of_conn else {
                    return Err(error(&place, "wanted an object".into()));
                };
                let found = ConnectionKeys::parse(of_conn)
                    .map_err(|(at, problem)| error(&format!("{place}.{at}"), problem))?;
                of_file.connections.insert(conn.clone(), found);
            }
            keys.files.insert(stem(name).to_owned(), of_file);
        }
        Ok(keys)
    }

    /// The keys of the capture of this name.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&FileKeys> {
        self.files.get(stem(name))
    }
}

impl FileKeys {
    /// The keys of one connection.
    #[must_use]
    pub fn connection(&self, conn: &str) -> Option<&ConnectionKeys> {
        self.connections.get(conn)
    }

    /// Those of all connections.
    pub fn connections(&self) -> impl Iterator<Item = &ConnectionKeys> {
        self.connections.values()
    }
}

impl ConnectionKeys {
    fn parse(object: &Map<String, Value>) -> Result<Self, (String, String)> {
        let number = |name: &str| object.get(name).and_then(Value::as_u64);
        let mut keys = Self {
            by_context: Vec::new(),
            medius_version: number("medius_version").and_then(|number| number.try_into().ok()),
            app_id: number("app_id").and_then(|number| number.try_into().ok()),
        };
        for (i, session_key) in list(object.get("session_keys")).iter().enumerate() {
            let place = format!("session_keys[{i}]");
            // 0x13 carries the key of context 3, 0x14 that of context 1.
            let context = match session_key.get("rt_id").and_then(Value::as_u64) {
                Some(0x13) => 3,
                Some(0x14) => 1,
                _ => return Err((place, "rt_id: wanted 19 or 20".into())),
            };
            let key = key(session_key.get("key_hex")).map_err(|problem| (place, problem))?;
            keys.by_context.push((context, key));
        }
        if let Some(by_context) = object.get("decrypt_keys_by_ctx").and_then(Value::as_object) {
            for (context, given) in by_context {
                let place = format!("decrypt_keys_by_ctx.{context}");
                let bits = context.parse().ok().filter(|bits| *bits <= 7);
                let bits = bits.ok_or_else(|| (place.clone(), "wanted a context from 0 to 7".to_owned()))?;
                let given = match given {
                    Value::Array(several) => several.iter().collect(),
                    one => vec![one],
                };
                for one in given {
                    let key = key(Some(one)).map_err(|problem| (place.clone(), problem))?;
                    if !keys.by_context.contains(&(bits, key.clone())) {
                        keys.by_context.push((bits, key));
                    }
                }
            }
        }
        Ok(keys)
    }
}

/// The name of a capture without folder and ending.
#[must_use]
pub fn stem(name: &str) -> &str {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    name.strip_suffix(".jsonl").unwrap_or(name)
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn key(value: Option<&Value>) -> Result<SymmetricKey, String> {
    let bytes = value.and_then(Value::as_str).and_then(|text| hex::decode(text).ok());
    let bytes = bytes.and_then(|bytes| <[u8; KEY_LEN]>::try_from(bytes).ok());
    bytes.map(SymmetricKey::new).ok_or_else(|| format!("wanted {} hexadecimal digits", 2 * KEY_LEN))
}

/// A printed number as 64 bytes, big-endian.
fn decimal(text: &str) -> Option<[u8; KEY_LEN]> {
    let mut number = [0; KEY_LEN];
    if text.is_empty() {
        return None;
    }
    for digit in text.chars() {
        let mut carry = digit.to_digit(10)?;
        for byte in number.iter_mut().rev() {
            carry += u32::from(*byte) * 10;
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry > 0 {
            return None;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_number_becomes_bytes_and_one_too_long_is_refused() {
        let mut wanted = [0; KEY_LEN];
        wanted[KEY_LEN - 2] = 1;
        wanted[KEY_LEN - 1] = 2;
        assert_eq!(decimal("258"), Some(wanted));
        assert_eq!(decimal(&"9".repeat(155)), None);
        assert_eq!(decimal("12x"), None);
    }

    #[test]
    fn a_capture_is_found_with_and_without_folder_and_ending() {
        let keys = Keys::parse("keys.json", r#"{ "captures": { "a.jsonl": { "0": {} } } }"#).unwrap();
        assert!(keys.file("some/where/a.jsonl").is_some_and(|file| file.connection("0").is_some()));
        assert!(keys.file("b").is_none());
    }

    #[test]
    fn a_key_of_the_wrong_length_is_named() {
        let text = r#"{ "captures": { "a": { "2": { "decrypt_keys_by_ctx": { "3": "00ff" } } } } }"#;
        let error = Keys::parse("keys.json", text).unwrap_err();
        assert_eq!(
            error.to_string(),
            "keys.json: captures.a.2.decrypt_keys_by_ctx.3: wanted 128 hexadecimal digits"
        );
    }
}
