//! Passwords: argon2id for what is kept, a fast keyed check for who was verified a moment ago.

use std::num::NonZeroUsize;
use std::sync::Mutex;

use argon2::password_hash::{PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use blake2::Blake2sMac256;
use blake2::digest::{FixedOutput, KeyInit, Update};
use lru::LruCache;
use rand::RngCore;
use rand::rngs::OsRng;
use subtle::ConstantTimeEq;

use crate::commit::lock;
use crate::error::{Result, StoreError};
use crate::types::{AccountId, PasswordHash, limits};

/// Highest cost of a stored hash that this host will work through: an import must not make one login eat the machine.
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_PASSES: u32 = 32;
const MAX_LANES: u32 = 16;

/// Cost of a hash and size of the warm cache.
#[derive(Debug, Clone)]
pub struct PasswordOptions {
    /// Memory of one hash in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
    /// Accounts whose last verified password is remembered (as a keyed hash), about 100 bytes each.
    pub warm_accounts: NonZeroUsize,
}

impl Default for PasswordOptions {
    /// OWASP's second choice for argon2id: 19 MiB, 2 passes, 1 lane; 16,384 warm accounts.
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            passes: 2,
            lanes: 1,
            warm_accounts: const { NonZeroUsize::new(16_384).expect("not zero") },
        }
    }
}

impl PasswordOptions {
    /// The cheapest hash that argon2 allows: for tests, never for a host.
    pub fn cheapest() -> Self {
        Self { memory_kib: 8, passes: 1, lanes: 1, ..Self::default() }
    }
}

type Tag = [u8; 32];

/// Makes and checks password hashes. Everything here is CPU and memory work of the calling thread.
pub struct Passwords {
    argon2: Argon2<'static>,
    /// Made anew in every process: a tag is worth nothing outside it.
    key: [u8; 32],
    warm: Mutex<LruCache<AccountId, Tag>>,
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passwords").field("argon2", &self.argon2.params()).finish_non_exhaustive()
    }
}

impl Passwords {
    /// Refuses parameters that argon2 does not know, or that are above what [`Passwords::verify`] would check.
    pub fn new(options: &PasswordOptions) -> Result<Self> {
        let invalid = |found: String| StoreError::Invalid {
            field: "argon2 parameters",
            wanted: "memory 8 KiB per lane to 256 MiB, 1 to 32 passes, 1 to 16 lanes",
            found,
        };
        let params = Params::new(options.memory_kib, options.passes, options.lanes, None)
            .map_err(|error| invalid(error.to_string()))?;
        if !cost_is_bearable(&params) {
            return Err(invalid(format!("{options:?}")));
        }
        let mut key = [0; 32];
        OsRng.fill_bytes(&mut key);
        Ok(Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            key,
            warm: Mutex::new(LruCache::new(options.warm_accounts)),
        })
    }

    /// Hashes a password, at most [`limits::PASSWORD`] bytes of any kind, with a new salt. Slow by intent.
    pub fn hash(&self, password: &[u8]) -> Result<PasswordHash> {
        check_password(password)?;
        let salt = SaltString::generate(&mut OsRng);
        match self.argon2.hash_password(password, &salt) {
            Ok(hash) => Ok(PasswordHash(hash.to_string())),
            Err(error) => {
                Err(StoreError::Password { account: "a new account".to_owned(), detail: error.to_string() })
            }
        }
    }

    /// True if this password was the last one verified for this account against this very hash. Microseconds.
    /// False says nothing: ask [`Passwords::verify`].
    pub fn is_warm(&self, account: AccountId, hash: &PasswordHash, password: &[u8]) -> bool {
        let known = lock(&self.warm).get(&account).copied();
        known.is_some_and(|known| self.tag(account, hash, password).ct_eq(&known).into())
    }

    /// Checks a password against a hash: by the warm cache if that knows it, else the slow way (then it is warm).
    /// A wrong password always takes the slow way, so that guessing does not get cheaper while its owner plays.
    pub fn verify(&self, account: AccountId, hash: &PasswordHash, password: &[u8]) -> Result<bool> {
        if password.len() > limits::PASSWORD {
            return Ok(false);
        }
        if self.is_warm(account, hash, password) {
            return Ok(true);
        }
        let failed = |detail: String| StoreError::Password { account: format!("account {account}"), detail };
        let parsed = parse(hash).map_err(|error| failed(error.to_string()))?;
        match self.argon2.verify_password(password, &parsed) {
            Ok(()) => {
                self.warm(account, hash, password);
                Ok(true)
            }
            Err(argon2::password_hash::Error::Password) => Ok(false),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    /// Notes that this password belongs to this hash, as at creation.
    pub fn warm(&self, account: AccountId, hash: &PasswordHash, password: &[u8]) {
        let tag = self.tag(account, hash, password);
        lock(&self.warm).put(account, tag);
    }

    /// Forgets an account. Not needed for safety at a password change (a tag is bound to the hash, whose salt is new
    /// then), but it frees the place.
    pub fn forget(&self, account: AccountId) {
        lock(&self.warm).pop(&account);
    }

    fn tag(&self, account: AccountId, hash: &PasswordHash, password: &[u8]) -> Tag {
        let mut mac = Blake2sMac256::new(&self.key.into());
        mac.update(&account.get().to_le_bytes());
        mac.update(&(hash.0.len() as u64).to_le_bytes());
        mac.update(hash.0.as_bytes());
        mac.update(password);
        mac.finalize_fixed().into()
    }
}

pub(crate) fn check_password(password: &[u8]) -> Result<()> {
    crate::accounts::check_length("password", limits::PASSWORD, password.len())
}

fn cost_is_bearable(params: &Params) -> bool {
    params.m_cost() <= MAX_MEMORY_KIB && params.t_cost() <= MAX_PASSES && params.p_cost() <= MAX_LANES
}

fn parse(hash: &PasswordHash) -> Result<argon2::PasswordHash<'_>> {
    let invalid = |found: String| StoreError::Invalid {
        field: "password hash",
        wanted: "an argon2 PHC string of at most 256 MiB, 32 passes, 16 lanes, with salt and hash",
        found,
    };
    let parsed = argon2::PasswordHash::new(&hash.0).map_err(|error| invalid(error.to_string()))?;
    Algorithm::try_from(parsed.algorithm).map_err(|error| invalid(error.to_string()))?;
    let params = Params::try_from(&parsed).map_err(|error| invalid(error.to_string()))?;
    if !cost_is_bearable(&params) {
        return Err(invalid(format!("m={},t={},p={}", params.m_cost(), params.t_cost(), params.p_cost())));
    }
    if parsed.salt.is_none() || parsed.hash.is_none() {
        return Err(invalid("no salt or no hash".to_owned()));
    }
    Ok(parsed)
}

impl PasswordHash {
    /// Takes a PHC string made elsewhere (an import). Only argon2, of a cost that a login can bear.
    pub fn from_phc(phc: &str) -> Result<Self> {
        let hash = Self(phc.to_owned());
        parse(&hash)?;
        Ok(hash)
    }

    /// The PHC string.
    pub fn as_phc(&self) -> &str {
        &self.0
    }
}
