//! The worlds of one shard, and the keys that lead into them.

use std::collections::HashMap;
use std::time::Instant;

use medley_wire::types::{AppId, SessionKeyText};
use rand::{CryptoRng, RngCore};

use super::{
    AccessKey, AllotError, Allotment, DmeIndex, DmeWorldId, Ending, Entered, KeyRefused, STEM_LEN, World, WorldRules,
};

/// Why a join was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such world.
    #[error("no world {}", .0.0)]
    NoWorld(DmeWorldId),
    /// The world takes nobody.
    #[error(transparent)]
    Allot(#[from] AllotError),
}

/// A client that has just entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The world that its key leads to, whatever the message said.
    pub world: DmeWorldId,
    /// What happened there.
    pub entered: Entered,
}

/// What the passing of time did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// Allotted slots that were given up.
    pub expired: usize,
    /// Worlds that are gone.
    pub removed: Vec<DmeWorldId>,
}

/// All worlds of one shard.
#[derive(Debug, Default)]
pub struct Worlds {
    worlds: HashMap<DmeWorldId, World>,
    /// By the part of the key that every client sends.
    keys: HashMap<[u8; STEM_LEN], (DmeWorldId, DmeIndex)>,
}

impl Worlds {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.worlds.len()
    }

    /// There is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.worlds.is_empty()
    }

    /// Access keys that were given out and not used yet.
    #[must_use]
    pub fn pending_keys(&self) -> usize {
        self.keys.len()
    }

    /// A world.
    #[must_use]
    pub fn get(&self, id: DmeWorldId) -> Option<&World> {
        self.worlds.get(&id)
    }

    /// A world, to change it.
    pub fn get_mut(&mut self, id: DmeWorldId) -> Option<&mut World> {
        self.worlds.get_mut(&id)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &World> {
        self.worlds.values()
    }

    /// Makes a world. `false` if the number is in use.
    pub fn create(&mut self, id: DmeWorldId, app_id: AppId, rules: WorldRules, now: Instant) -> bool {
        if self.worlds.contains_key(&id) {
            return false;
        }
        self.worlds.insert(id, World::new(id, app_id, rules, now));
        true
    }

    /// Allots a slot and mints its key.
    ///
    /// # Errors
    /// No such world, or it takes nobody.
    pub fn allot<R: RngCore + CryptoRng + ?Sized>(
        &mut self,
        now: Instant,
        id: DmeWorldId,
        session_key: SessionKeyText,
        rng: &mut R,
        (shard, shards): (usize, usize),
    ) -> Result<Allotment, Refused> {
        let world = self.worlds.get_mut(&id).ok_or(Refused::NoWorld(id))?;
        let mut access_key = AccessKey::mint_for(rng, shard, shards);
        while self.keys.contains_key(access_key.stem()) {
            access_key = AccessKey::mint_for(rng, shard, shards);
        }
        let allotment = world.allot(now, session_key, access_key)?;
        // A session that asks twice is let in with its last key alone.
        self.keys.retain(|_, place| *place != (id, allotment.index));
        self.keys.insert(access_key.stem_array(), (id, allotment.index));
        Ok(allotment)
    }

    /// A client came with a key. The key alone decides where it goes: the world id in the message may be off by one
    /// or cut to 16 or 8 bits.
    ///
    /// # Errors
    /// The key opens nothing.
    pub fn enter(
        &mut self,
        now: Instant,
        access_key: &[u8],
        session_key: &SessionKeyText,
        all_flags: bool,
    ) -> Result<Located, KeyRefused> {
        let (id, index) = *access_key
            .get(..STEM_LEN)
            .and_then(|stem| self.keys.get(stem))
            .ok_or(KeyRefused::Unknown)?;
        let world = self.worlds.get_mut(&id).ok_or(KeyRefused::Unknown)?;
        let entered = world.enter(now, index, access_key, session_key, all_flags)?;
        self.keys.remove(&access_key[..STEM_LEN]);
        Ok(Located { world: id, entered })
    }

    /// The order to end. `None`: no such world. The caller puts out whom [`Ending::PutOut`] names, then calls
    /// [`Worlds::tick`].
    pub fn end(&mut self, id: DmeWorldId, brutal: bool) -> Option<Ending> {
        let ending = self.worlds.get_mut(&id)?.end(brutal);
        if brutal {
            self.keys.retain(|_, (world, _)| *world != id);
        }
        Some(ending)
    }

    /// Gives up slots whose clients did not come, and removes worlds that are over.
    pub fn tick(&mut self, now: Instant) -> Tick {
        let mut tick = Tick::default();
        let keys = &mut self.keys;
        self.worlds.retain(|id, world| {
            world.expire(now, |key| {
                keys.remove(key.stem());
                tick.expired += 1;
            });
            let over = world.is_over(now);
            if over {
                tick.removed.push(*id);
            }
            !over
        });
        tick
    }

    /// When [`Worlds::tick`] should be called next.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.worlds.values().filter_map(World::deadline).min()
    }
}
