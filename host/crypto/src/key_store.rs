//! The RSA keys that a host holds, by name, by modulus and by title.

use crate::{KEY_LEN, PUBLIC_EXPONENT, RsaKeyPair, RsaPublicKey};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The keys whose private halves are public knowledge.
const EMBEDDED: &str = include_str!("../keys/medley-keys.toml");
const EMBEDDED_NAME: &str = "keys/medley-keys.toml (built in)";

/// The format word of key files.
const FORMAT: &str = "medius-keys/1";

/// The server key of every title that has no override: burned into all discs seen so far (section 4).
const DEFAULT_SERVER_KEY: &str = "medius_global";

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRole {
    /// A server's: what clients encipher CLIENT_CRYPTKEY_PUBLIC to.
    Server,
    /// A client's: only an observer of captures needs the private half.
    Client,
}

/// A key pair of the store.
#[derive(Clone, Debug)]
pub struct KeyEntry {
    /// Unique in the store.
    pub name: String,
    /// Whose it is.
    pub role: KeyRole,
    /// What it belongs to, in words.
    pub title: String,
    /// Where it was found.
    pub source: String,
    /// What is known about it.
    pub note: String,
    /// The titles that it is known from. Says nothing about which key serves them: see
    /// [`KeyStore::server_key_for`].
    pub app_ids: Vec<u32>,
    /// The keys.
    pub pair: RsaKeyPair,
}

/// A key of which only the modulus is known: good to recognise, useless to serve with.
#[derive(Clone, Debug)]
pub struct PublicKeyEntry {
    /// Unique in the store, key pairs included.
    pub name: String,
    /// Whose it is.
    pub role: KeyRole,
    /// What it belongs to, in words.
    pub title: String,
    /// The titles that it is known from.
    pub app_ids: Vec<u32>,
    /// The key.
    pub key: RsaPublicKey,
}

/// What is wrong with a key file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyStoreError {
    /// Not TOML, or a value of the wrong type. The message names line and column.
    #[error("{file}: {message}")]
    Syntax {
        /// The name that was passed with the text.
        file: String,
        /// The parser's words.
        message: String,
    },
    /// A value that cannot be used.
    #[error("{file}: {entry}: {field}: {problem}")]
    Entry {
        /// The name that was passed with the text.
        file: String,
        /// Table, position and, if it has one, name of the entry.
        entry: String,
        /// The field.
        field: &'static str,
        /// What is wrong and what is wanted.
        problem: String,
    },
    /// A title was pointed at a key that cannot serve it, by [`KeyStore::set_override`].
    #[error("title {app_id}: server key \"{name}\": {problem}")]
    Override {
        /// The title.
        app_id: u32,
        /// The name that was asked for.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// RSA keys by name, by modulus and by title.
#[derive(Clone, Debug, Default)]
pub struct KeyStore {
    pairs: BTreeMap<String, KeyEntry>,
    publics: BTreeMap<String, PublicKeyEntry>,
    by_modulus: BTreeMap<[u8; KEY_LEN], String>,
    overrides: BTreeMap<u32, String>,
}

impl KeyStore {
    /// A store without any key.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The store of the built-in key file: the pairs whose private half is public, `medius_global` among them.
    ///
    /// # Errors
    /// None in a released build (a test loads it); the type is that of every other file.
    pub fn embedded() -> Result<Self, KeyStoreError> {
        Self::parse(EMBEDDED, EMBEDDED_NAME)
    }

    /// The store of one file of the shape of `protocol/keys.toml`. `file` is for messages only.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn parse(text: &str, file: &str) -> Result<Self, KeyStoreError> {
        let mut store = Self::new();
        store.load(text, file)?;
        Ok(store)
    }

    /// Adds the keys of one more file: `[[rsa]]` pairs, `[[rsa_public]]` moduli and `[[override]]` entries
    /// (`app_id`, `key`). Symmetric keys, factors and certificates are accepted and ignored. On an error nothing of
    /// the file is added.
    ///
    /// # Errors
    /// The text is not TOML, an entry is incomplete or inconsistent, a name or modulus is there twice.
    pub fn load(&mut self, text: &str, file: &str) -> Result<(), KeyStoreError> {
        let parsed: KeyFile = toml::from_str(text)
            .map_err(|e| KeyStoreError::Syntax { file: file.to_owned(), message: e.to_string() })?;
        if parsed.format.as_deref().is_some_and(|format| format != FORMAT) {
            return Err(KeyStoreError::Entry {
                file: file.to_owned(),
                entry: "the file".to_owned(),
                field: "format",
                problem: format!("\"{}\", wanted \"{FORMAT}\"", parsed.format.unwrap_or_default()),
            });
        }
        let mut next = self.clone();
        for (position, raw) in parsed.rsa.into_iter().enumerate() {
            let place = Place::new(file, "rsa", position, raw.name.as_deref());
            let entry = raw.pair(&place)?;
            next.claim(&place, &entry.name, entry.pair.public())?;
            next.pairs.insert(entry.name.clone(), entry);
        }
        for (position, raw) in parsed.rsa_public.into_iter().enumerate() {
            let place = Place::new(file, "rsa_public", position, raw.name.as_deref());
            let entry = raw.public(&place)?;
            next.claim(&place, &entry.name, &entry.key)?;
            next.publics.insert(entry.name.clone(), entry);
        }
        for (position, raw) in parsed.overrides.into_iter().enumerate() {
            let place = Place::new(file, "override", position, None);
            next.set_override(raw.app_id, &raw.key).map_err(|e| place.wrong("key", e.to_string()))?;
        }
        *self = next;
        Ok(())
    }

    /// Reserves a name and a modulus.
    fn claim(&mut self, place: &Place<'_>, name: &str, key: &RsaPublicKey) -> Result<(), KeyStoreError> {
        if self.pairs.contains_key(name) || self.publics.contains_key(name) {
            return Err(place.wrong("name", format!("\"{name}\" is there already; names are unique")));
        }
        if let Some(other) = self.by_modulus.get(&key.modulus_le()) {
            return Err(place.wrong("modulus", format!("the same as that of \"{other}\"")));
        }
        self.by_modulus.insert(key.modulus_le(), name.to_owned());
        Ok(())
    }

    /// Adds a key pair that was made at run time.
    ///
    /// # Errors
    /// The name or the modulus is there already.
    pub fn insert(&mut self, entry: KeyEntry) -> Result<(), KeyStoreError> {
        let place = Place { file: "run time", entry: format!("key \"{}\"", entry.name) };
        self.claim(&place, &entry.name, entry.pair.public())?;
        self.pairs.insert(entry.name.clone(), entry);
        Ok(())
    }

    /// Lets one title be served with another key than `medius_global`.
    ///
    /// # Errors
    /// There is no such key, or its private half is unknown.
    pub fn set_override(&mut self, app_id: u32, name: &str) -> Result<(), KeyStoreError> {
        if self.pairs.contains_key(name) {
            self.overrides.insert(app_id, name.to_owned());
            return Ok(());
        }
        let problem = if self.publics.contains_key(name) {
            "only its public half is known; a server needs the private half"
        } else {
            "no such key"
        };
        Err(KeyStoreError::Override { app_id, name: name.to_owned(), problem })
    }

    /// The key that serves a title: its override, else `medius_global`. `None` only in a store that has neither.
    #[must_use]
    pub fn server_key_for(&self, app_id: u32) -> Option<&KeyEntry> {
        self.pairs.get(self.overrides.get(&app_id).map_or(DEFAULT_SERVER_KEY, String::as_str))
    }

    /// The key that serves titles without an override. The title of a connection is not known yet when its first
    /// key message arrives, so this is also where a server starts.
    #[must_use]
    pub fn default_server_key(&self) -> Option<&KeyEntry> {
        self.pairs.get(DEFAULT_SERVER_KEY)
    }

    /// A key pair by name.
    #[must_use]
    pub fn pair(&self, name: &str) -> Option<&KeyEntry> {
        self.pairs.get(name)
    }

    /// A key pair by its modulus as it travels (little-endian).
    #[must_use]
    pub fn pair_by_modulus(&self, modulus_le: &[u8; KEY_LEN]) -> Option<&KeyEntry> {
        self.pairs.get(self.by_modulus.get(modulus_le)?)
    }

    /// The name of a modulus as it travels, whether its private half is known or not.
    #[must_use]
    pub fn name_of_modulus(&self, modulus_le: &[u8; KEY_LEN]) -> Option<&str> {
        self.by_modulus.get(modulus_le).map(String::as_str)
    }

    /// All key pairs, by name.
    pub fn pairs(&self) -> impl Iterator<Item = &KeyEntry> {
        self.pairs.values()
    }

    /// All keys of which only the modulus is known, by name.
    pub fn publics(&self) -> impl Iterator<Item = &PublicKeyEntry> {
        self.publics.values()
    }

    /// The titles with another key than `medius_global`, and that key's name.
    pub fn overrides(&self) -> impl Iterator<Item = (u32, &str)> {
        self.overrides.iter().map(|(app_id, name)| (*app_id, name.as_str()))
    }
}

/// A key file. Tables that a server has no use for are named so that a misspelt one is still an error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    format: Option<String>,
    #[serde(default)]
    rsa: Vec<RawKey>,
    #[serde(default)]
    rsa_public: Vec<RawKey>,
    #[serde(default, rename = "override")]
    overrides: Vec<RawOverride>,
    #[serde(default, rename = "rsa_factors")]
    _rsa_factors: toml::Table,
    #[serde(default, rename = "symmetric")]
    _symmetric: Vec<toml::Table>,
    #[serde(default, rename = "symmetric_unplaced")]
    _symmetric_unplaced: Vec<toml::Table>,
    #[serde(default, rename = "certificate")]
    _certificate: Vec<toml::Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOverride {
    app_id: u32,
    key: String,
}

#[derive(Deserialize)]
struct RawKey {
    name: Option<String>,
    title: Option<String>,
    role: Option<String>,
    #[serde(default)]
    app_ids: Vec<u32>,
    public_exponent: Option<u32>,
    modulus: Option<String>,
    private_exponent: Option<String>,
    modulus_wire: Option<String>,
    note: Option<String>,
    source: Option<String>,
}

/// Where in a file a value stands, for messages.
struct Place<'f> {
    file: &'f str,
    entry: String,
}

impl<'f> Place<'f> {
    fn new(file: &'f str, table: &str, position: usize, name: Option<&str>) -> Self {
        let number = position + 1;
        let entry = match name {
            Some(name) => format!("[[{table}]] number {number} \"{name}\""),
            None => format!("[[{table}]] number {number}"),
        };
        Self { file, entry }
    }

    fn wrong(&self, field: &'static str, problem: impl Into<String>) -> KeyStoreError {
        KeyStoreError::Entry {
            file: self.file.to_owned(),
            entry: self.entry.clone(),
            field,
            problem: problem.into(),
        }
    }

    fn bytes(&self, field: &'static str, text: Option<&str>) -> Result<[u8; KEY_LEN], KeyStoreError> {
        let text = text.ok_or_else(|| self.wrong(field, "missing"))?;
        let mut bytes = [0; KEY_LEN];
        hex::decode_to_slice(text, &mut bytes).map_err(|e| {
            let length = text.len();
            self.wrong(field, format!("{length} characters, wanted 128 hex digits (64 bytes): {e}"))
        })?;
        Ok(bytes)
    }
}

impl RawKey {
    /// Name, role and public key: what both kinds of entry have.
    fn common(&self, place: &Place<'_>) -> Result<(String, KeyRole, RsaPublicKey), KeyStoreError> {
        let name = self.name.clone().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| place.wrong("name", "missing"))?;
        let role = match self.role.as_deref() {
            Some("server") => KeyRole::Server,
            Some("client") => KeyRole::Client,
            Some(other) => {
                return Err(place.wrong("role", format!("\"{other}\", wanted \"server\" or \"client\"")));
            }
            None => return Err(place.wrong("role", "missing, wanted \"server\" or \"client\"")),
        };
        if let Some(exponent) = self.public_exponent
            && exponent != PUBLIC_EXPONENT
        {
            return Err(place.wrong("public_exponent", format!("{exponent}, wanted {PUBLIC_EXPONENT}")));
        }
        let mut modulus_le = place.bytes("modulus", self.modulus.as_deref())?;
        modulus_le.reverse();
        let key =
            RsaPublicKey::from_modulus_le(modulus_le).map_err(|e| place.wrong("modulus", e.to_string()))?;
        if let Some(wire) = self.modulus_wire.as_deref()
            && place.bytes("modulus_wire", Some(wire))? != modulus_le
        {
            return Err(place.wrong("modulus_wire", "not the bytes of `modulus` in reverse order"));
        }
        Ok((name, role, key))
    }

    fn pair(self, place: &Place<'_>) -> Result<KeyEntry, KeyStoreError> {
        let (name, role, public) = self.common(place)?;
        let mut modulus_be = public.modulus_le();
        modulus_be.reverse();
        let exponent = place.bytes("private_exponent", self.private_exponent.as_deref())?;
        let pair = RsaKeyPair::from_modulus_and_private_exponent(modulus_be, exponent)
            .map_err(|e| place.wrong("private_exponent", e.to_string()))?;
        Ok(KeyEntry {
            name,
            role,
            title: self.title.unwrap_or_default(),
            source: self.source.unwrap_or_default(),
            note: self.note.unwrap_or_default(),
            app_ids: self.app_ids,
            pair,
        })
    }

    fn public(self, place: &Place<'_>) -> Result<PublicKeyEntry, KeyStoreError> {
        let (name, role, key) = self.common(place)?;
        Ok(PublicKeyEntry { name, role, title: self.title.unwrap_or_default(), app_ids: self.app_ids, key })
    }
}
