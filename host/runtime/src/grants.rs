//! What `game.toml` allows a plugin: each is of use only if the manifest declares it too.

use std::collections::BTreeSet;
use std::fmt;

/// A capability, as named in the interface.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grant {
    /// `kick`: disconnect a player, put one out of a world.
    Kick,
    /// `ban`: set, lift and look up bans.
    Ban,
    /// `memory`: read and write the client's memory.
    Memory,
    /// `accounts`: change accounts.
    Accounts,
    /// `send-raw`: send any RT message.
    SendRaw,
    /// `relay-inject`: send packets in a player's name.
    RelayInject,
    /// `http:<host>`: ask this host.
    Http(String),
}

impl Grant {
    /// Reads a name. `None`: there is no such capability.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "kick" => Self::Kick,
            "ban" => Self::Ban,
            "memory" => Self::Memory,
            "accounts" => Self::Accounts,
            "send-raw" => Self::SendRaw,
            "relay-inject" => Self::RelayInject,
            _ => {
                let host = name.strip_prefix("http:")?;
                let legal = |byte: u8| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
                };
                if host.is_empty() || host.len() > 255 || !host.bytes().all(legal) {
                    return None;
                }
                Self::Http(host.to_ascii_lowercase())
            }
        })
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kick => "kick",
            Self::Ban => "ban",
            Self::Memory => "memory",
            Self::Accounts => "accounts",
            Self::SendRaw => "send-raw",
            Self::RelayInject => "relay-inject",
            Self::Http(host) => return write!(f, "http:{host}"),
        })
    }
}

/// A set of capabilities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants(BTreeSet<Grant>);

impl Grants {
    /// Reads names; the error is the first that is none.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownGrant> {
        names
            .into_iter()
            .map(|name| Grant::parse(name).ok_or_else(|| UnknownGrant { name: name.to_owned() }))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether it is in the set.
    pub fn has(&self, grant: &Grant) -> bool {
        self.0.contains(grant)
    }

    /// What is in both.
    pub fn and(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// What is here and not in `other`: what a manifest asks for and `game.toml` does not grant.
    pub fn without(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Grant> {
        self.0.iter()
    }
}

impl FromIterator<Grant> for Grants {
    fn from_iter<I: IntoIterator<Item = Grant>>(grants: I) -> Self {
        Self(grants.into_iter().collect())
    }
}

/// A name that is no capability's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{name}` is no capability: there are kick, ban, memory, accounts, send-raw, relay-inject and http:<host>"
)]
pub struct UnknownGrant {
    /// What was found.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_capabilities_are_read_and_written_alike() {
        for name in
            ["kick", "ban", "memory", "accounts", "send-raw", "relay-inject", "http:stats.example.org"]
        {
            assert_eq!(Grant::parse(name).map(|grant| grant.to_string()).as_deref(), Some(name));
        }
        for name in ["", "Kick", "http:", "http:a/b", "http:a b", "everything"] {
            assert_eq!(Grant::parse(name), None, "{name}");
        }
    }

    #[test]
    fn what_is_declared_and_not_granted_is_told_apart() {
        let declared = Grants::parse(["kick", "ban"]).unwrap();
        let granted = Grants::parse(["ban", "memory"]).unwrap();
        assert_eq!(declared.and(&granted), Grants::parse(["ban"]).unwrap());
        assert_eq!(declared.without(&granted), Grants::parse(["kick"]).unwrap());
        assert!(
            Grants::parse(["kick", "fly"]).unwrap_err().to_string().starts_with("`fly` is no capability")
        );
    }
}
