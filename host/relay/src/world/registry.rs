//! The worlds of one shard, and the keys that lead into them.

use std::collections::HashMap;

use medley_session::Time;
use medley_wire::types::{AppId, SessionKeyText};
use rand::{CryptoRng, RngCore};

use super::{
    AccessKey, AllotError, Allotment, DmeIndex, DmeWorldId, Ending, Entered, KeyRefused, STEM_LEN, World,
    WorldRules,
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
    /// Where that world stands: see [`Worlds::at`].
    pub slot: usize,
    /// What happened there.
    pub entered: Entered,
}

/// What the passing of time did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// Allotted slots that were given up.
    pub expired: usize,
    /// Worlds that are gone, and where they stood.
    pub removed: Vec<(usize, DmeWorldId)>,
}

/// All worlds of one shard. A world stands in a slot as long as it lives, so that the way of a packet needs no search.
#[derive(Debug, Default)]
pub struct Worlds {
    slots: Vec<Option<World>>,
    by_id: HashMap<DmeWorldId, usize>,
    /// By the part of the key that every client sends.
    keys: HashMap<[u8; STEM_LEN], (usize, DmeIndex)>,
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
        self.by_id.len()
    }

    /// There is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Access keys that were given out and not used yet.
    #[must_use]
    pub fn pending_keys(&self) -> usize {
        self.keys.len()
    }

    /// Where a world stands.
    #[must_use]
    pub fn slot_of(&self, id: DmeWorldId) -> Option<usize> {
        self.by_id.get(&id).copied()
    }

    /// The world in a slot.
    #[must_use]
    pub fn at(&self, slot: usize) -> Option<&World> {
        self.slots.get(slot)?.as_ref()
    }

    /// The world in a slot, to change it.
    pub fn at_mut(&mut self, slot: usize) -> Option<&mut World> {
        self.slots.get_mut(slot)?.as_mut()
    }

    /// Makes a world and says where it stands. `None` if the number is in use.
    pub fn create(&mut self, id: DmeWorldId, app_id: AppId, rules: WorldRules, now: Time) -> Option<usize> {
        if self.by_id.contains_key(&id) {
            return None;
        }
        let slot = self.slots.iter().position(Option::is_none).unwrap_or(self.slots.len());
        let world = Some(World::new(id, app_id, rules, now));
        if slot == self.slots.len() {
            self.slots.push(world);
        } else {
            self.slots[slot] = world;
        }
        self.by_id.insert(id, slot);
        Some(slot)
    }

    /// Allots a slot and mints its key.
    ///
    /// # Errors
    /// No such world, or it takes nobody.
    pub fn allot<R: RngCore + CryptoRng + ?Sized>(
        &mut self,
        now: Time,
        id: DmeWorldId,
        session_key: SessionKeyText,
        rng: &mut R,
        (shard, shards): (usize, usize),
    ) -> Result<Allotment, Refused> {
        let slot = self.slot_of(id).ok_or(Refused::NoWorld(id))?;
        let world = self.slots.get_mut(slot).and_then(Option::as_mut).ok_or(Refused::NoWorld(id))?;
        let mut access_key = AccessKey::mint_for(rng, shard, shards);
        while self.keys.contains_key(access_key.stem()) {
            access_key = AccessKey::mint_for(rng, shard, shards);
        }
        let allotment = world.allot(now, session_key, access_key)?;
        // A session that asks twice is let in with its last key alone.
        self.keys.retain(|_, place| *place != (slot, allotment.index));
        self.keys.insert(access_key.stem_array(), (slot, allotment.index));
        Ok(allotment)
    }

    /// A client came with a key. The key alone decides where it goes: the world id in the message may be off by one
    /// or cut to 16 or 8 bits.
    ///
    /// # Errors
    /// The key opens nothing.
    pub fn enter(
        &mut self,
        now: Time,
        access_key: &[u8],
        session_key: &SessionKeyText,
        all_flags: bool,
    ) -> Result<Located, KeyRefused> {
        let stem = access_key.get(..STEM_LEN).ok_or(KeyRefused::Unknown)?;
        let (slot, index) = *self.keys.get(stem).ok_or(KeyRefused::Unknown)?;
        let world = self.at_mut(slot).ok_or(KeyRefused::Unknown)?;
        let entered = world.enter(now, index, access_key, session_key, all_flags)?;
        let world = world.id();
        self.keys.remove(stem);
        Ok(Located { world, slot, entered })
    }

    /// The order to end. `None`: no such world. The caller puts out whom [`Ending::PutOut`] names, then calls
    /// [`Worlds::tick`].
    pub fn end(&mut self, id: DmeWorldId, brutal: bool) -> Option<Ending> {
        let slot = self.slot_of(id)?;
        let ending = self.at_mut(slot)?.end(brutal);
        if brutal {
            self.keys.retain(|_, (world, _)| *world != slot);
        }
        Some(ending)
    }

    /// Gives up slots whose clients did not come, and removes worlds that are over.
    pub fn tick(&mut self, now: Time) -> Tick {
        let mut tick = Tick::default();
        for (at, slot) in self.slots.iter_mut().enumerate() {
            let Some(world) = slot else { continue };
            world.expire(now, |key| {
                self.keys.remove(key.stem());
                tick.expired += 1;
            });
            if world.is_over(now) {
                self.by_id.remove(&world.id());
                tick.removed.push((at, world.id()));
                *slot = None;
            }
        }
        while self.slots.last().is_some_and(Option::is_none) {
            self.slots.pop();
        }
        tick
    }

    /// When [`Worlds::tick`] should be called next. Looks at every world: ask after a change, not after every packet.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.slots.iter().flatten().filter_map(World::deadline).min()
    }
}
