//! The JSON view of messages: what packet traces, `medley-conformance` and the vectors speak.
//!
//! Numbers are JSON numbers, enums their number, raw bytes `"hex:..."`, texts their characters. A text that is not
//! UTF-8, or that itself starts with `hex:`, is written as `"hex:..."` too, so that nothing is lost. Fields that the
//! dialect leaves out are absent.

use serde_json::{Map, Value};
use thiserror::Error;

use crate::types::{
    AccountId, AppId, BigEndian, Blob, ClanId, Flag, Ipv4, MediusWorldId, NetWorldId, Text, Text7, VarBytes,
    VarText,
};

/// Why JSON is not a message.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{path}: wanted {wanted}, found {found}")]
pub struct JsonError {
    /// Dotted path of the value.
    pub path: String,
    /// What would have been right.
    pub wanted: String,
    /// What was there.
    pub found: String,
}

/// A value with a JSON view. `None` stands for a field that is not there.
pub trait JsonView: Sized {
    /// The JSON view.
    fn to_json(&self) -> Option<Value>;
    /// Reads the JSON view.
    fn from_json(value: Option<Value>) -> Result<Self, JsonError>;
}

fn wrong(wanted: impl Into<String>, found: Option<&Value>) -> JsonError {
    let found = match found {
        None => "nothing".into(),
        Some(value) => {
            let mut text = value.to_string();
            if text.len() > 80 {
                text.truncate(text.floor_char_boundary(77));
                text.push_str("...");
            }
            text
        }
    };
    JsonError { path: String::new(), wanted: wanted.into(), found }
}

/// Adds a field to an object, unless it is absent.
pub fn put<T: JsonView>(object: &mut Map<String, Value>, name: &str, value: &T) {
    if let Some(value) = value.to_json() {
        object.insert(name.into(), value);
    }
}

/// Takes a field out of an object.
pub fn take<T: JsonView>(object: &mut Map<String, Value>, name: &str) -> Result<T, JsonError> {
    T::from_json(object.remove(name)).map_err(|error| within(error, name))
}

fn within(mut error: JsonError, name: &str) -> JsonError {
    error.path = if error.path.is_empty() { name.into() } else { format!("{name}.{}", error.path) };
    error
}

/// The value as an object.
pub fn object(value: Option<Value>) -> Result<Map<String, Value>, JsonError> {
    match value {
        Some(Value::Object(object)) => Ok(object),
        other => Err(wrong("an object", other.as_ref())),
    }
}

/// Refuses fields that no one took.
pub fn nothing_left(object: Map<String, Value>) -> Result<(), JsonError> {
    match object.into_iter().next() {
        None => Ok(()),
        Some((name, value)) => Err(within(wrong("no field of this name", Some(&value)), &name)),
    }
}

macro_rules! json_integers {
    ($($number:ty),*) => {$(
        impl JsonView for $number {
            fn to_json(&self) -> Option<Value> {
                Some((*self).into())
            }

            fn from_json(value: Option<Value>) -> Result<Self, JsonError> {
                let number = value.as_ref().and_then(|value| {
                    value.as_i64().and_then(|n| n.try_into().ok()).or_else(|| value.as_u64().and_then(|n| n.try_into().ok()))
                });
                number.ok_or_else(|| wrong(concat!("a number that fits ", stringify!($number)), value.as_ref()))
            }
        }
    )*};
}

json_integers!(u8, i8, u16, i16, u32, i32, u64, i64);

macro_rules! json_newtypes {
    ($($name:ident),*) => {$(
        impl JsonView for $name {
            fn to_json(&self) -> Option<Value> {
                self.0.to_json()
            }

            fn from_json(value: Option<Value>) -> Result<Self, JsonError> {
                JsonView::from_json(value).map(Self)
            }
        }
    )*};
}

json_newtypes!(AccountId, BigEndian, ClanId, MediusWorldId, NetWorldId, Text7);

impl JsonView for AppId {
    fn to_json(&self) -> Option<Value> {
        // ApplicationID is an i32 in the SDK.
        Some((self.0 as i32).into())
    }

    fn from_json(value: Option<Value>) -> Result<Self, JsonError> {
        match value.as_ref().and_then(Value::as_i64) {
            Some(number) if (i64::from(i32::MIN)..=i64::from(u32::MAX)).contains(&number) => {
                Ok(Self(number as u32))
            }
            _ => Err(wrong("a 32-bit number", value.as_ref())),
        }
    }
}

impl JsonView for f32 {
    fn to_json(&self) -> Option<Value> {
        // A value that JSON cannot say goes by its bits.
        Some(if self.is_finite() {
            f64::from(*self).into()
        } else {
            format!("bits:{:08x}", self.to_bits()).into()
        })
    }

    fn from_json(value: Option<Value>) -> Result<Self, JsonError> {
        let bits = value.as_ref().and_then(Value::as_str).and_then(|text| text.strip_prefix("bits:"));
        if let Some(bits) = bits.and_then(|bits| u32::from_str_radix(bits, 16).ok()) {
            return Ok(Self::from_bits(bits));
        }
        value
            .as_ref()
            .and_then(Value::as_f64)
            .map(|number| number as Self)
            .ok_or_else(|| wrong("a number", value.as_ref()))
    }
}

impl JsonView for Flag {
    fn to_json(&self) -> Option<Value> {
        Some(match self.0 {
            0 => false.into(),
            1 => true.into(),
            other => other.into(),
        })
    }

    fn from_json(value: Option<Value>) -> Result<Self, JsonError> {
        match value {
            Some(Value::Bool(flag)) => Ok(flag.into()),
            other => u8::from_json(other).map(Self),
        }
    }
}

impl JsonView for Ipv4 {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.to_string().into())
    }

    fn from_json(value: Option<Value>) -> Result<Self, JsonError> {
        let address = value.as_ref().and_then(Value::as_str).and_then(|text| text.parse().ok());
        address.map(Self).ok_or_else(|| wrong("an IPv4 address as text", value.as_ref()))
    }
}

fn text_to_json(bytes: &[u8]) -> Value {
    match core::str::from_utf8(bytes) {
        Ok(text) if !text.starts_with("hex:") => text.into(),
        _ => bytes_to_json(bytes),
    }
}

fn bytes_to_json(bytes: &[u8]) -> Value {
    format!("hex:{}", hex::encode(bytes)).into()
}

fn bytes_from_json(value: Option<&Value>, plain_text: bool) -> Result<Vec<u8>, JsonError> {
    let Some(text) = value.and_then(Value::as_str) else { return Err(wrong("a text", value)) };
    match text.strip_prefix("hex:") {
        Some(digits) => hex::decode(digits).map_err(|_| wrong("an even number of hexadecimal digits", value)),
        None if plain_text => Ok(text.into()),
        None => Err(wrong("\"hex:...\"", value)),
    }
}

fn check_width(bytes: Vec<u8>, width: usize, value: Option<&Value>) -> Result<Vec<u8>, JsonError> {
    if bytes.len() <= width { Ok(bytes) } else { Err(wrong(format!("at most {width} bytes"), value)) }
}

impl<const N: usize> JsonView for Text<N> {
    fn to_json(&self) -> Option<Value> {
        Some(text_to_json(self.as_bytes()))
    }

    fn from_json(value: Option<Value>) -> Result<Self, JsonError> {
        let bytes = check_width(bytes_from_json(value.as_ref(), true)?, N, value.as_ref())?;
        Ok(Self::full(bytes))
    }
}

impl JsonView for VarText {
    fn to_json(&self) -> Option<Value> {
        Some(text_to_json(self.as_bytes()))
    }

    fn from_json(value: Option<Value>) -> Result<Self, JsonError> {
        bytes_from_json(value.as_ref(), true).map(Self::new)
    }
}

impl<const N: usize> JsonView for Blob<N> {
    fn to_json(&self) -> Option<Value> {
        Some(bytes_to_json(&self.0))
    }

    fn from_json(value: Option<Value>) -> Result<Self, JsonError> {
        let bytes = bytes_from_json(value.as_ref(), false)?;
        if bytes.len() == N {
            Ok(Self::new(&bytes))
        } else {
            Err(wrong(format!("{N} bytes"), value.as_ref()))
        }
    }
}

impl JsonView for VarBytes {
    fn to_json(&self) -> Option<Value> {
        Some(bytes_to_json(&self.0))
    }

    fn from_json(value: Option<Value>) -> Result<Self, JsonError> {
        bytes_from_json(value.as_ref(), false).map(Self)
    }
}

impl<T: JsonView> JsonView for Option<T> {
    fn to_json(&self) -> Option<Value> {
        self.as_ref().and_then(JsonView::to_json)
    }

    fn from_json(value: Option<Value>) -> Result<Self, JsonError> {
        value.map(|value| T::from_json(Some(value))).transpose()
    }
}

impl<T: JsonView> JsonView for Vec<T> {
    fn to_json(&self) -> Option<Value> {
        Some(Value::Array(self.iter().filter_map(JsonView::to_json).collect()))
    }

    fn from_json(value: Option<Value>) -> Result<Self, JsonError> {
        let Some(Value::Array(values)) = value else { return Err(wrong("an array", value.as_ref())) };
        let values = values.into_iter().enumerate();
        values
            .map(|(i, value)| T::from_json(Some(value)).map_err(|error| within(error, &i.to_string())))
            .collect()
    }
}

impl<T: JsonView, const N: usize> JsonView for [T; N] {
    fn to_json(&self) -> Option<Value> {
        Some(Value::Array(self.iter().filter_map(JsonView::to_json).collect()))
    }

    fn from_json(value: Option<Value>) -> Result<Self, JsonError> {
        let values = Vec::from_json(value)?;
        let found = values.len();
        values.try_into().map_err(|_| JsonError {
            path: String::new(),
            wanted: format!("{N} values"),
            found: format!("{found} values"),
        })
    }
}
