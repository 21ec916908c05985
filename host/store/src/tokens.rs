//! Tokens: short words that are unique in a category of a title, each for one entity. SOCOM keeps clan tags in them.
//!
//! A token belongs to whoever set it: to an account, or, in the category of clans, to the clan, whose leader acts for it. No
//! source says what Sony's servers let whom do; without a rule anybody could take a clan's tag away.

use serde::{Deserialize, Serialize};

use crate::accounts::{check_length, fold};
use crate::clans::ClanId;
use crate::commit::Pending;
use crate::database::{Database, Transaction, key};
use crate::engine::{Engine, Tree};
use crate::error::{Result, StoreError};
use crate::types::{AccountId, Text, TitleId, UnixSeconds, limits};

/// What a token names (the SDK's `MediusTokenCategoryType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenCategory {
    /// 1: what the title likes.
    Generic1,
    /// 2.
    Generic2,
    /// 3.
    Generic3,
    /// 4: the entity is an account, which sets its own only.
    Account,
    /// 5: the entity is a clan, for which its leader acts.
    Clan,
}

impl TokenCategory {
    /// As it stands in keys and on the wire.
    const fn number(self) -> u8 {
        match self {
            Self::Generic1 => 1,
            Self::Generic2 => 2,
            Self::Generic3 => 3,
            Self::Account => 4,
            Self::Clan => 5,
        }
    }
}

/// Whose a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenOwner {
    /// The account that set it.
    Account(AccountId),
    /// The clan that it names.
    Clan(ClanId),
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// As typed, 1 to [`limits::TOKEN`] bytes without a NUL. Unique in its category, ASCII case ignored.
    pub token: Text,
    /// What it names.
    pub category: TokenCategory,
    /// EntityID as the title sent it.
    pub entity: u32,
    /// Whose it is.
    pub owner: TokenOwner,
    /// When it was set.
    pub set: UnixSeconds,
}

/// Tokens. What belongs to others is [`Forbidden`](StoreError::Forbidden); a clan's tokens are its leader's affair
/// ([`ClanRefusal`](crate::ClanRefusal)).
pub trait Tokens {
    /// Sets a token for an entity. Refused: one that another entity has, more than [`limits::TOKENS`] of one owner. The
    /// same token for the same entity again changes nothing.
    fn add_token(
        &self,
        title: &TitleId,
        by: AccountId,
        category: TokenCategory,
        entity: u32,
        token: &[u8],
        now: UnixSeconds,
    ) -> Result<Pending<()>>;
    /// Puts `token` in the place of `before`, for the same or another entity.
    #[allow(
        clippy::too_many_arguments,
        reason = "one request of the wire; a struct for it would have one user"
    )]
    fn update_token(
        &self,
        title: &TitleId,
        by: AccountId,
        category: TokenCategory,
        entity: u32,
        before: &[u8],
        token: &[u8],
        now: UnixSeconds,
    ) -> Result<Pending<()>>;
    /// Removes a token of an entity.
    fn remove_token(
        &self,
        title: &TitleId,
        by: AccountId,
        category: TokenCategory,
        entity: u32,
        token: &[u8],
    ) -> Result<Pending<()>>;
    /// Looks a token up, ASCII case ignored.
    fn token(&self, title: &TitleId, category: TokenCategory, token: &[u8]) -> Result<Option<Token>>;
    /// Tokens of an owner, by category.
    fn tokens_of(&self, title: &TitleId, owner: TokenOwner) -> Result<Vec<Token>>;
}

fn token_key(title: &TitleId, category: TokenCategory, token: &[u8]) -> Vec<u8> {
    let mut key = key::title(title);
    key.push(category.number());
    key.extend_from_slice(&fold(token));
    key
}

/// Where the tokens of an owner are listed: title, kind of owner, number.
fn owner_key(title: &TitleId, owner: TokenOwner) -> Vec<u8> {
    let (kind, number) = match owner {
        TokenOwner::Account(account) => (0, account.get().unsigned_abs()),
        TokenOwner::Clan(clan) => (1, clan.0),
    };
    let mut key = key::title(title);
    key.push(kind);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The index row of a token: its owner's key, then what [`token_key`] has behind the title.
fn index_key(title: &TitleId, owner: TokenOwner, category: TokenCategory, token: &[u8]) -> Vec<u8> {
    let mut key = owner_key(title, owner);
    key.push(category.number());
    key.extend_from_slice(&fold(token));
    key
}

fn check_token(token: &[u8]) -> Result<()> {
    check_length("token", limits::TOKEN, token.len())?;
    if token.is_empty() || token.contains(&0) {
        return Err(StoreError::Invalid {
            field: "token",
            wanted: "at least one byte and no NUL",
            found: String::from_utf8_lossy(token).into_owned(),
        });
    }
    Ok(())
}

fn not_found(title: &TitleId, token: &[u8]) -> StoreError {
    let key = String::from_utf8_lossy(token).into_owned();
    StoreError::NotFound { what: "token", title: title.to_string(), key }
}

impl Transaction<'_> {
    /// For whom an account acts when it sets a token of the entity.
    fn token_owner(
        &self,
        title: &TitleId,
        by: AccountId,
        category: TokenCategory,
        entity: u32,
    ) -> Result<TokenOwner> {
        self.require_account(title, by)?;
        match category {
            TokenCategory::Clan => {
                self.require_leader(title, by, ClanId(entity)).map(|()| TokenOwner::Clan(ClanId(entity)))
            }
            TokenCategory::Account if entity != by.get().unsigned_abs() => Err(StoreError::Forbidden {
                what: "account",
                title: title.to_string(),
                key: entity.to_string(),
            }),
            _ => Ok(TokenOwner::Account(by)),
        }
    }

    fn own_token(
        &self,
        title: &TitleId,
        owner: TokenOwner,
        category: TokenCategory,
        token: &[u8],
    ) -> Result<Token> {
        let found: Option<Token> = self.get(Tree::Tokens, &token_key(title, category, token))?;
        let found = found.ok_or_else(|| not_found(title, token))?;
        if found.owner == owner {
            return Ok(found);
        }
        Err(StoreError::Forbidden { what: "token", title: title.to_string(), key: found.token.to_string() })
    }

    fn put_token(&mut self, title: &TitleId, token: &Token) -> Result<()> {
        let key = token_key(title, token.category, &token.token.0);
        if let Some(before) = self.get::<Token>(Tree::Tokens, &key)? {
            self.drop_token(title, &before);
        }
        self.put_raw(
            Tree::TokensOf,
            &index_key(title, token.owner, token.category, &token.token.0),
            Vec::new(),
        );
        self.put(Tree::Tokens, &key, token)
    }

    fn drop_token(&mut self, title: &TitleId, token: &Token) {
        self.remove(Tree::Tokens, &token_key(title, token.category, &token.token.0));
        self.remove(Tree::TokensOf, &index_key(title, token.owner, token.category, &token.token.0));
    }

    fn check_token_is_free(&self, title: &TitleId, category: TokenCategory, token: &[u8]) -> Result<()> {
        if self.contains(Tree::Tokens, &token_key(title, category, token))? {
            let key = String::from_utf8_lossy(token).into_owned();
            return Err(StoreError::AlreadyExists { what: "token", title: title.to_string(), key });
        }
        Ok(())
    }

    /// Removes all tokens of an owner that is no more.
    pub(crate) fn forget_tokens(&mut self, title: &TitleId, owner: TokenOwner) -> Result<()> {
        let prefix = owner_key(title, owner);
        let rows: Vec<_> = self
            .scan_before(Tree::TokensOf, &prefix)
            .map(|row| row.map(|(key, _)| key))
            .collect::<Result<_>>()?;
        for row in rows {
            let mut token = key::title(title);
            token.extend_from_slice(row.get(prefix.len()..).unwrap_or_default());
            self.remove(Tree::Tokens, &token);
            self.remove(Tree::TokensOf, &row);
        }
        Ok(())
    }

    pub(crate) fn import_token(&mut self, title: &TitleId, token: &Token) -> Result<()> {
        check_token(&token.token.0)?;
        match token.owner {
            TokenOwner::Account(account) => self.require_account(title, account)?,
            TokenOwner::Clan(clan) => self.require_clan(title, clan).map(drop)?,
        }
        self.put_token(title, token)
    }
}

impl<E: Engine> Tokens for Database<E> {
    fn add_token(
        &self,
        title: &TitleId,
        by: AccountId,
        category: TokenCategory,
        entity: u32,
        token: &[u8],
        now: UnixSeconds,
    ) -> Result<Pending<()>> {
        check_token(token)?;
        self.write(|tx| {
            let owner = tx.token_owner(title, by, category, entity)?;
            let known: Option<Token> = tx.get(Tree::Tokens, &token_key(title, category, token))?;
            if known.is_some_and(|known| known.owner == owner && known.entity == entity) {
                return Ok(());
            }
            tx.check_token_is_free(title, category, token)?;
            if tx.scan_before(Tree::TokensOf, &owner_key(title, owner)).count() >= limits::TOKENS {
                let owner = format!("{owner:?}");
                return Err(StoreError::LimitReached { what: "the tokens", owner, max: limits::TOKENS });
            }
            tx.put_token(title, &Token { token: Text::from(token), category, entity, owner, set: now })
        })
    }

    fn update_token(
        &self,
        title: &TitleId,
        by: AccountId,
        category: TokenCategory,
        entity: u32,
        before: &[u8],
        token: &[u8],
        now: UnixSeconds,
    ) -> Result<Pending<()>> {
        check_token(before)?;
        check_token(token)?;
        self.write(|tx| {
            let owner = tx.token_owner(title, by, category, entity)?;
            let old = tx.own_token(title, owner, category, before)?;
            // Only the case changes, perhaps.
            if fold(before) != fold(token) {
                tx.check_token_is_free(title, category, token)?;
            }
            tx.drop_token(title, &old);
            tx.put_token(title, &Token { token: Text::from(token), category, entity, owner, set: now })
        })
    }

    fn remove_token(
        &self,
        title: &TitleId,
        by: AccountId,
        category: TokenCategory,
        entity: u32,
        token: &[u8],
    ) -> Result<Pending<()>> {
        check_token(token)?;
        self.write(|tx| {
            let owner = tx.token_owner(title, by, category, entity)?;
            let old = tx.own_token(title, owner, category, token)?;
            tx.drop_token(title, &old);
            Ok(())
        })
    }

    fn token(&self, title: &TitleId, category: TokenCategory, token: &[u8]) -> Result<Option<Token>> {
        self.get(Tree::Tokens, &token_key(title, category, token))
    }

    fn tokens_of(&self, title: &TitleId, owner: TokenOwner) -> Result<Vec<Token>> {
        let prefix = owner_key(title, owner);
        let mut tokens = Vec::new();
        for row in self.engine().scan(Tree::TokensOf, &prefix, None, false) {
            let (key, _) = row?;
            let mut token = key::title(title);
            token.extend_from_slice(key.get(prefix.len()..).unwrap_or_default());
            tokens.extend(self.get::<Token>(Tree::Tokens, &token)?);
        }
        Ok(tokens)
    }
}
