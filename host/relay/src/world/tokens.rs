//! Tokens: the shared object locks of a world (transport.md 7.1; known from one public server, used by Home).

use std::collections::BTreeMap;

use medley_wire::rt::TokenEntry;

use super::{DmeIndex, Mask};

/// Numbers of TokenEntry's type byte.
pub mod token_type {
    /// Who owns it?
    pub const CLIENT_QUERY: u8 = 0x01;
    /// I want it.
    pub const CLIENT_REQUEST: u8 = 0x02;
    /// I give it up.
    pub const CLIENT_RELEASE: u8 = 0x03;
    /// The token has this owner.
    pub const SERVER_OWNED: u8 = 0x07;
    /// The request was taken: the asker waits behind the owner.
    pub const SERVER_GRANTED: u8 = 0x08;
    /// The token has no owner now.
    pub const SERVER_FREED: u8 = 0x09;
    /// The release was taken.
    pub const SERVER_RELEASED: u8 = 0x0a;
    /// A release of a token that nobody owns.
    pub const SERVER_OWNER_REMOVED: u8 = 0x0f;
}

/// A token that no client may hold.
pub const INVALID_TOKEN: u16 = 0xffff;

/// Owned tokens of one world, at most: what a client can make the relay remember.
pub const MAX_TOKENS: usize = 1024;

/// Whom an answer concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenAudience {
    /// The asker alone.
    Asker,
    /// Everybody who takes broadcasts, and the asker.
    World,
}

/// Owner first, then those who wait, in order of their requests.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    held: BTreeMap<u16, Vec<DmeIndex>>,
}

pub(super) fn entry(token_type: u8, token: Option<u16>, owner: Option<DmeIndex>) -> TokenEntry {
    TokenEntry { token_type, token, owner: owner.map(|index| u16::from(index.0)) }
}

impl Tokens {
    /// Handles one CLIENT_TOKEN_MESSAGE. `None`: nothing to answer (an unknown type, the invalid token, a full table).
    pub(super) fn handle(
        &mut self,
        from: DmeIndex,
        kind: u8,
        token: u16,
    ) -> Option<(TokenAudience, TokenEntry)> {
        use token_type as t;
        if token == INVALID_TOKEN {
            return None;
        }
        let full = self.held.len() >= MAX_TOKENS;
        let owner = self.held.get(&token).and_then(|holders| holders.first()).copied();
        match kind {
            t::CLIENT_QUERY => Some((
                TokenAudience::Asker,
                match owner {
                    Some(owner) => entry(t::SERVER_OWNED, Some(token), Some(owner)),
                    None => entry(t::SERVER_FREED, Some(token), None),
                },
            )),
            t::CLIENT_REQUEST => match self.held.get_mut(&token) {
                Some(holders) => {
                    // The list is as long as the world has players at most: nobody stands in it twice.
                    if !holders.contains(&from) {
                        holders.push(from);
                    }
                    Some((TokenAudience::Asker, entry(t::SERVER_GRANTED, Some(token), None)))
                }
                None if full => None,
                None => {
                    self.held.insert(token, vec![from]);
                    Some((TokenAudience::World, entry(t::SERVER_OWNED, Some(token), Some(from))))
                }
            },
            t::CLIENT_RELEASE => match self.held.get_mut(&token) {
                None => Some((TokenAudience::Asker, entry(t::SERVER_OWNER_REMOVED, None, None))),
                Some(_) if owner == Some(from) => {
                    self.held.remove(&token);
                    Some((TokenAudience::World, entry(t::SERVER_FREED, Some(token), None)))
                }
                Some(holders) => {
                    holders.retain(|holder| *holder != from);
                    Some((TokenAudience::Asker, entry(t::SERVER_RELEASED, Some(token), None)))
                }
            },
            _ => None,
        }
    }

    /// Takes a leaver out everywhere; returns a FREED for each token it owned. As with a release by the owner, those
    /// who waited must ask again.
    pub(super) fn leave(&mut self, index: DmeIndex) -> Vec<TokenEntry> {
        let mut freed = Vec::new();
        self.held.retain(|token, holders| {
            if holders.first() == Some(&index) {
                freed.push(entry(token_type::SERVER_FREED, Some(*token), None));
                return false;
            }
            holders.retain(|holder| *holder != index);
            true
        });
        freed
    }

    /// An OWNED for every owned token: what a newcomer is told.
    pub(super) fn owned(&self) -> Vec<TokenEntry> {
        let owner = |(token, holders): (&u16, &Vec<DmeIndex>)| {
            holders.first().map(|owner| entry(token_type::SERVER_OWNED, Some(*token), Some(*owner)))
        };
        self.held.iter().filter_map(owner).collect()
    }
}

/// The receivers of a token answer.
pub(super) fn audience(kind: TokenAudience, asker: DmeIndex, broadcast: Mask) -> Mask {
    match kind {
        TokenAudience::Asker => Mask::one(asker),
        TokenAudience::World => broadcast.or(Mask::one(asker)),
    }
}
