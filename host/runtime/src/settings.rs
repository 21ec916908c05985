//! `[plugin.settings]` of `game.toml` against the manifest's settings.

use std::collections::BTreeMap;

use toml::Value as Toml;

use crate::api::{Setting, Value};

/// Values of a plugin's settings: every one that its manifest declares, and no other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(BTreeMap<String, Value>);

impl Settings {
    /// Checks the table of `game.toml` against the manifest; what it does not name has its default.
    pub fn check(declared: &[Setting], table: &toml::Table) -> Result<Self, SettingError> {
        if let Some(key) = table.keys().find(|key| !declared.iter().any(|setting| setting.name == **key)) {
            return Err(SettingError::Unknown {
                key: key.clone(),
                help: suggestion(key, declared.iter().map(|setting| setting.name.as_str())),
            });
        }
        let value = |setting: &Setting| {
            let value = match table.get(&setting.name) {
                Some(found) => convert(setting, found)?,
                None => setting.default.clone(),
            };
            Ok((setting.name.clone(), value))
        };
        declared.iter().map(value).collect::<Result<_, _>>().map(Self)
    }

    /// A setting's value.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// All, in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Names whose values are not those of `before`, for [`Event::SettingsChanged`](crate::api::Event::SettingsChanged).
    pub fn changed(&self, before: &Self) -> Vec<String> {
        let mut names: Vec<&String> = self.0.keys().chain(before.0.keys()).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().filter(|name| self.get(name) != before.get(name)).cloned().collect()
    }
}

/// Why a setting cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingError {
    /// The manifest has no such setting.
    #[error("the plugin has no setting `{key}`{help}")]
    Unknown {
        /// The key.
        key: String,
        /// Which it might have been meant, or which there are.
        help: String,
    },
    /// Another type than the default's.
    #[error("setting `{key}` wants {wanted}, found {found}")]
    Type {
        /// The key.
        key: String,
        /// Its type.
        wanted: &'static str,
        /// What is in `game.toml`.
        found: String,
    },
    /// Beyond the declared bounds.
    #[error("setting `{key}` wants {what} {wanted}, found {found}")]
    Bounds {
        /// The key.
        key: String,
        /// `a value` or `a length`.
        what: &'static str,
        /// The bounds.
        wanted: String,
        /// What is in `game.toml`.
        found: i64,
    },
}

/// `; did you mean ..?`, or which names there are.
pub(crate) fn suggestion<'a>(found: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let near = names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(found, name), *name))
        .filter(|(distance, name)| *distance <= name.len().max(found.len()) / 3)
        .min();
    match near {
        Some((_, name)) => format!("; did you mean `{name}`?"),
        None if names.is_empty() => "; it has none".to_owned(),
        None => format!("; there are {}", names.join(", ")),
    }
}

/// What a type is called.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Int(_) => "an integer",
        Value::Real(_) => "a number",
        Value::Flag(_) => "true or false",
        Value::Text(_) => "a string",
        Value::Texts(_) => "a list of strings",
        Value::Bytes(_) => "a string of hexadecimal digits",
        Value::Other(_) => "a kind of value of a later interface version",
    }
}

/// Checks a value against the setting's bounds: the value of an integer, the length of the others.
pub(crate) fn bounds(setting: &Setting, value: &Value) -> Result<(), SettingError> {
    let length = |length: usize| ("a length", i64::try_from(length).unwrap_or(i64::MAX));
    let (what, number) = match value {
        Value::Int(number) => ("a value", *number),
        Value::Text(text) => length(text.len()),
        Value::Texts(texts) => length(texts.len()),
        Value::Bytes(bytes) => length(bytes.len()),
        Value::Real(_) | Value::Flag(_) | Value::Other(_) => return Ok(()),
    };
    if setting.minimum.is_none_or(|least| number >= least)
        && setting.maximum.is_none_or(|most| number <= most)
    {
        return Ok(());
    }
    let wanted = match (setting.minimum, setting.maximum) {
        (Some(least), Some(most)) => format!("from {least} to {most}"),
        (Some(least), None) => format!("of at least {least}"),
        (None, most) => format!("of at most {}", most.unwrap_or(i64::MAX)),
    };
    Err(SettingError::Bounds { key: setting.name.clone(), what, wanted, found: number })
}

fn convert(setting: &Setting, found: &Toml) -> Result<Value, SettingError> {
    let text = |found: &Toml| found.as_str().map(str::to_owned);
    let value = match (&setting.default, found) {
        (Value::Int(_), Toml::Integer(number)) => Some(Value::Int(*number)),
        (Value::Real(_), Toml::Float(number)) => Some(Value::Real(*number)),
        #[expect(
            clippy::cast_precision_loss,
            reason = "a number written without a point is meant as one with"
        )]
        (Value::Real(_), Toml::Integer(number)) => Some(Value::Real(*number as f64)),
        (Value::Flag(_), Toml::Boolean(flag)) => Some(Value::Flag(*flag)),
        (Value::Text(_), Toml::String(text)) => Some(Value::Text(text.clone())),
        (Value::Texts(_), Toml::Array(texts)) => {
            texts.iter().map(text).collect::<Option<_>>().map(Value::Texts)
        }
        (Value::Bytes(_), Toml::String(digits)) => bytes(digits).map(Value::Bytes),
        _ => None,
    };
    let value = value.ok_or_else(|| SettingError::Type {
        key: setting.name.clone(),
        wanted: kind(&setting.default),
        found: found.to_string(),
    })?;
    bounds(setting, &value)?;
    Ok(value)
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    digits.as_bytes().chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(name: &str, default: Value, minimum: Option<i64>, maximum: Option<i64>) -> Setting {
        Setting { name: name.to_owned(), default, minimum, maximum, help: String::new() }
    }

    fn declared() -> Vec<Setting> {
        vec![
            setting("max-players", Value::Int(8), Some(2), Some(16)),
            setting("greeting", Value::Text("hello".to_owned()), None, Some(8)),
            setting("words", Value::Texts(Vec::new()), None, None),
            setting("factor", Value::Real(1.5), None, None),
            setting("key", Value::Bytes(Vec::new()), None, None),
            setting("strict", Value::Flag(false), None, None),
        ]
    }

    fn check(text: &str) -> Result<Settings, SettingError> {
        Settings::check(&declared(), &text.parse::<toml::Table>().unwrap())
    }

    fn refusal(text: &str) -> String {
        check(text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_not_set_has_its_default_and_what_is_set_has_its_type() {
        let settings =
            check("greeting = 'hi'\nfactor = 2\nkey = '00fF'\nwords = ['a', 'b']\nstrict = true").unwrap();
        assert_eq!(settings.get("max-players"), Some(&Value::Int(8)));
        assert_eq!(settings.get("greeting"), Some(&Value::Text("hi".to_owned())));
        assert_eq!(settings.get("factor"), Some(&Value::Real(2.0)));
        assert_eq!(settings.get("key"), Some(&Value::Bytes(vec![0, 255])));
        assert_eq!(settings.get("words"), Some(&Value::Texts(vec!["a".to_owned(), "b".to_owned()])));
        assert_eq!(settings.get("strict"), Some(&Value::Flag(true)));
        assert_eq!(settings.iter().count(), 6);
    }

    #[test]
    fn a_setting_that_cannot_be_used_is_refused_in_one_sentence() {
        assert_eq!(
            refusal("max-player = 4"),
            "the plugin has no setting `max-player`; did you mean `max-players`?"
        );
        assert_eq!(
            refusal("zzz = 4"),
            "the plugin has no setting `zzz`; there are max-players, greeting, words, factor, key, strict"
        );
        assert_eq!(refusal("max-players = 'four'"), "setting `max-players` wants an integer, found \"four\"");
        assert_eq!(refusal("max-players = 17"), "setting `max-players` wants a value from 2 to 16, found 17");
        assert_eq!(
            refusal("greeting = 'good morning'"),
            "setting `greeting` wants a length of at most 8, found 12"
        );
        assert_eq!(refusal("words = ['a', 1]"), "setting `words` wants a list of strings, found [\"a\", 1]");
        assert_eq!(refusal("key = '0'"), "setting `key` wants a string of hexadecimal digits, found \"0\"");
        assert_eq!(
            Settings::check(&[], &"a = 1".parse().unwrap()).unwrap_err().to_string(),
            "the plugin has no setting `a`; it has none"
        );
    }

    #[test]
    fn changed_settings_are_told_by_name() {
        let before = check("").unwrap();
        let after = check("strict = true\nmax-players = 8").unwrap();
        assert_eq!(after.changed(&before), ["strict"]);
        assert!(after.changed(&after).is_empty());
    }
}
