//! A config key is declared once: the `config!` macro turns one struct declaration into the struct, its one `Default`,
//! its serde rules (unknown keys are errors) and the list of its keys with their documentation.
//!
//! `docs/configuration.md` and `docs/game-toml.md` are rendered from that list ([`crate::docs`]), environment variables
//! are found by it, so neither can fall behind the struct.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// One documented key of a configuration file.
#[derive(Clone, Debug)]
pub struct KeyDoc {
    /// Dotted path from the root of the file; `[]` behind a name says that it is a list of tables.
    pub path: String,
    /// What kind of value it takes, in words.
    pub kind: String,
    /// The default as it would stand in the file, or empty if there is none.
    pub default: String,
    /// The documentation, Markdown, one paragraph.
    pub doc: String,
    /// True for a table or a list of tables, whose keys follow.
    pub section: bool,
}

/// A type that can stand in a configuration file and describe itself.
pub trait Described: Clone + PartialEq + Sized {
    /// What kind of value it is, in words.
    fn kind() -> String;

    /// The documentation of the keys inside, if it is a table; `at` is the path of the table.
    fn keys(_at: &str, _out: &mut Vec<KeyDoc>) {}

    /// `""` for a plain value, `"."` for a table, `"[]."` for a list of tables.
    fn joint() -> &'static str {
        ""
    }

    /// The value as it would stand in the file; empty if it stands for "not set".
    fn show(&self) -> String;

    /// Lists the keys whose values differ; `at` is the path of this value.
    fn changed(&self, other: &Self, at: &str, out: &mut Vec<String>) {
        if self != other {
            out.push(at.to_owned());
        }
    }

    /// Copies the value of one key, given by its path below this value, from another instance; false if there is no such key.
    fn copy_key(&mut self, from: &Self, path: &str) -> bool {
        let is_self = path.is_empty();
        if is_self {
            self.clone_from(from);
        }
        is_self
    }
}

macro_rules! described {
    ($($ty:ty, $kind:expr, $show:expr;)*) => {$(
        impl Described for $ty {
            fn kind() -> String { $kind.to_owned() }
            fn show(&self) -> String {
                let show: fn(&$ty) -> String = $show;
                show(self)
            }
        }
    )*};
}

described! {
    bool, "true or false", |v| v.to_string();
    u8, "whole number 0..255", |v| v.to_string();
    u16, "whole number 0..65535", |v| v.to_string();
    u32, "whole number 0..4294967295", |v| v.to_string();
    u64, "whole number, 0 or more", |v| v.to_string();
    i32, "whole number", |v| v.to_string();
    String, "text", |v| format!("{v:?}");
    PathBuf, "path", |v| format!("{:?}", v.display().to_string());
    IpAddr, "IP address", |v| format!("\"{v}\"");
    Ipv4Addr, "IPv4 address", |v| format!("\"{v}\"");
    SocketAddr, "IP address:port", |v| format!("\"{v}\"");
    Duration, "seconds", |v| if v.subsec_nanos() == 0 { v.as_secs().to_string() } else { v.as_secs_f64().to_string() };
}

/// A text that no log and no listing shows.
#[derive(Clone, Eq, PartialEq, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Described for Secret {
    fn kind() -> String {
        "text".to_owned()
    }

    fn show(&self) -> String {
        "\"(hidden)\"".to_owned()
    }
}

impl<T: Described> Described for Option<T> {
    fn kind() -> String {
        T::kind()
    }
    fn keys(at: &str, out: &mut Vec<KeyDoc>) {
        T::keys(at, out);
    }
    fn joint() -> &'static str {
        T::joint()
    }
    fn show(&self) -> String {
        self.as_ref().map_or_else(String::new, T::show)
    }
}

impl<T: Described> Described for Vec<T> {
    fn kind() -> String {
        if T::joint().is_empty() { format!("list of: {}", T::kind()) } else { "list of tables".to_owned() }
    }
    fn keys(at: &str, out: &mut Vec<KeyDoc>) {
        T::keys(at, out);
    }
    fn joint() -> &'static str {
        if T::joint().is_empty() { "" } else { "[]." }
    }
    fn show(&self) -> String {
        if T::joint().is_empty() {
            format!("[{}]", self.iter().map(T::show).collect::<Vec<_>>().join(", "))
        } else {
            String::new()
        }
    }
}

impl<const N: usize> Described for [u32; N] {
    fn kind() -> String {
        format!("list of {N} whole numbers")
    }
    fn show(&self) -> String {
        format!("[{}]", self.iter().map(u32::to_string).collect::<Vec<_>>().join(", "))
    }
}

/// Declares a configuration table: the struct, `Default`, serde and the key list from one text.
///
/// Every key has a doc comment, a type that is [`Described`] and a default. Keys that a file must give have a default that
/// the checks refuse (an empty name, an app id 0), so that a missing key is told in the same words as a wrong one.
macro_rules! config {
    ($(
        $(#[doc = $sdoc:literal])*
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])*
                $(#[serde($($serde:tt)*)])?
                pub $field:ident : $ty:ty = $default:expr,
            )*
        }
    )*) => {$(
        $(#[doc = $sdoc])*
        #[derive(Clone, Debug, PartialEq, ::serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $(
                $(#[doc = $doc])*
                $(#[serde($($serde)*)])?
                pub $field: $ty,
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $crate::keys::Described for $name {
            fn kind() -> String {
                "table".to_owned()
            }
            fn joint() -> &'static str {
                "."
            }
            fn show(&self) -> String {
                String::new()
            }
            fn keys(at: &str, out: &mut Vec<$crate::keys::KeyDoc>) {
                let default = Self::default();
                $({
                    let joint = <$ty as $crate::keys::Described>::joint();
                    let path = format!("{at}{}", stringify!($field));
                    let inner = format!("{path}{joint}");
                    out.push($crate::keys::KeyDoc {
                        path: format!("{path}{}", joint.trim_end_matches('.')),
                        kind: <$ty as $crate::keys::Described>::kind(),
                        default: $crate::keys::Described::show(&default.$field),
                        doc: [$($doc),*].iter().map(|line| str::trim(line)).collect::<Vec<_>>().join(" "),
                        section: !joint.is_empty(),
                    });
                    <$ty as $crate::keys::Described>::keys(&inner, out);
                })*
            }
            fn changed(&self, other: &Self, at: &str, out: &mut Vec<String>) {
                $({
                    let dot = if at.is_empty() { "" } else { "." };
                    let path = format!("{at}{dot}{}", stringify!($field));
                    $crate::keys::Described::changed(&self.$field, &other.$field, &path, out);
                })*
            }
            fn copy_key(&mut self, from: &Self, path: &str) -> bool {
                let (head, rest) = path.split_once('.').unwrap_or((path, ""));
                $(if head == stringify!($field) {
                    return $crate::keys::Described::copy_key(&mut self.$field, &from.$field, rest);
                })*
                false
            }
        }
    )*};
}

/// Declares a choice of names: an enum written in the file as one of a few words.
macro_rules! choice {
    ($(
        $(#[doc = $sdoc:literal])*
        pub enum $name:ident {
            $( $(#[doc = $doc:literal])* $variant:ident = $word:literal, )*
        }
    )*) => {$(
        $(#[doc = $sdoc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, ::serde::Deserialize)]
        pub enum $name {
            $( $(#[doc = $doc])* #[serde(rename = $word)] $variant, )*
        }

        impl $name {
            /// The word that stands for it in a file.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl $crate::keys::Described for $name {
            fn kind() -> String {
                [$(concat!("`\"", $word, "\"`")),*].join(" or ")
            }
            fn show(&self) -> String {
                format!("{:?}", self.word())
            }
        }
    )*};
}

pub(crate) use {choice, config};

/// Lists all keys of a file whose root is `T`.
pub fn keys_of<T: Described>() -> Vec<KeyDoc> {
    let mut out = Vec::new();
    T::keys("", &mut out);
    out
}

/// Seconds in a file, a `Duration` here: whole or with a fraction, never negative, at most a year.
pub(crate) mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, de::Error};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Whole(i64),
        Fraction(f64),
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(de: D) -> Result<Duration, D::Error> {
        let secs = match Number::deserialize(de) {
            Ok(Number::Whole(n)) => n as f64,
            Ok(Number::Fraction(n)) => n,
            Err(_) => return Err(D::Error::custom("invalid type: expected a number of seconds")),
        };
        if (0.0..=31_622_400.0).contains(&secs) {
            Ok(Duration::from_secs_f64(secs))
        } else {
            Err(D::Error::custom(format!(
                "invalid value: {secs}, expected seconds from 0 to 31622400 (a year)"
            )))
        }
    }
}
