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

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords() -> Passwords {
        Passwords::new(&PasswordOptions::cheapest()).unwrap()
    }

    fn id(number: i32) -> AccountId {
        AccountId::new(number).unwrap()
    }

    #[test]
    fn a_password_of_any_bytes_matches_its_own_hash_only() {
        let passwords = passwords();
        for password in [&b""[..], b"ratchet", &[0, 0xff, 0x80, 0], &[b'x'; limits::PASSWORD]] {
            let hash = passwords.hash(password).unwrap();
            assert!(hash.as_phc().starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{}", hash.as_phc());
            assert!(passwords.verify(id(1), &hash, password).unwrap());
            assert!(!passwords.verify(id(1), &hash, b"clank").unwrap());
        }
        assert!(matches!(passwords.hash(&[0; limits::PASSWORD + 1]), Err(StoreError::TooLong { .. })));
        assert_ne!(passwords.hash(b"a").unwrap(), passwords.hash(b"a").unwrap());
    }

    #[test]
    fn only_a_verified_password_is_warm_and_only_for_its_account_and_hash() {
        let passwords = passwords();
        let (old, new) = (passwords.hash(b"secret").unwrap(), passwords.hash(b"secret").unwrap());
        assert!(!passwords.is_warm(id(1), &old, b"secret"));
        assert!(!passwords.verify(id(1), &old, b"wrong").unwrap());
        assert!(!passwords.is_warm(id(1), &old, b"wrong"));
        assert!(passwords.verify(id(1), &old, b"secret").unwrap());
        assert!(passwords.is_warm(id(1), &old, b"secret"));
        assert!(!passwords.is_warm(id(1), &old, b"wrong"));
        assert!(!passwords.is_warm(id(2), &old, b"secret"));
        // A changed password has a new hash: the old tag is worth nothing.
        assert!(!passwords.is_warm(id(1), &new, b"secret"));
        passwords.forget(id(1));
        assert!(!passwords.is_warm(id(1), &old, b"secret"));
    }

    #[test]
    fn the_warm_cache_keeps_the_accounts_used_last() {
        let options =
            PasswordOptions { warm_accounts: NonZeroUsize::new(2).unwrap(), ..PasswordOptions::cheapest() };
        let passwords = Passwords::new(&options).unwrap();
        let hash = passwords.hash(b"p").unwrap();
        passwords.warm(id(1), &hash, b"p");
        passwords.warm(id(2), &hash, b"p");
        assert!(passwords.is_warm(id(1), &hash, b"p"));
        passwords.warm(id(3), &hash, b"p");
        let warm = |number| passwords.is_warm(id(number), &hash, b"p");
        assert_eq!([warm(1), warm(2), warm(3)], [true, false, true]);
    }

    #[test]
    fn hashes_that_would_eat_the_machine_or_are_not_argon2_are_refused() {
        let ok = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$OqCxUjcRbINcFPPmyPXYHw";
        assert!(PasswordHash::from_phc(ok).is_ok());
        for bad in [
            ok.replace("m=8", "m=4194304"),
            ok.replace("t=1", "t=1000000"),
            ok.replace("argon2id", "scrypt"),
            ok.replace("$c29tZXNhbHQ$OqCxUjcRbINcFPPmyPXYHw", ""),
            "5f4dcc3b5aa765d61d8327deb882cf99".to_owned(),
            String::new(),
        ] {
            assert!(matches!(PasswordHash::from_phc(&bad), Err(StoreError::Invalid { .. })), "{bad}");
        }
        let dear = PasswordOptions { memory_kib: 1 << 20, ..PasswordOptions::default() };
        assert!(matches!(Passwords::new(&dear), Err(StoreError::Invalid { .. })));
    }

    #[test]
    fn a_hash_does_not_show_in_debug_output() {
        let hash = passwords().hash(b"p").unwrap();
        assert_eq!(format!("{hash:?}"), "PasswordHash(..)");
    }
}
