//! Which world is on which shard. Asked when worlds are made, joined and ended, never on the way of a packet.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use medley_wire::types::AppId;

use crate::world::DmeWorldId;

/// World ids travel as u16 in the connect messages of 1.08.
const LAST_ID: u32 = 0xffff;

/// Where a world is and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) shard: usize,
    pub(crate) app_id: AppId,
}

#[derive(Debug)]
struct Table {
    /// The id to try next: counting on, so that an id does not come back soon.
    next: u32,
    by_id: HashMap<DmeWorldId, Place>,
    worlds_of: Vec<usize>,
}

#[derive(Debug)]
pub(crate) struct Placement {
    table: Mutex<Table>,
    max_worlds: usize,
}

impl Placement {
    pub(crate) fn new(shards: usize, max_worlds: u32) -> Self {
        let table = Table { next: 1, by_id: HashMap::new(), worlds_of: vec![0; shards.max(1)] };
        Self { table: Mutex::new(table), max_worlds: max_worlds.min(LAST_ID) as usize }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // The table is whole between any two statements that could panic, and none can.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number for a new world, on the shard with the fewest. `None`: there are as many as there may be.
    pub(crate) fn place(&self, app_id: AppId) -> Option<(DmeWorldId, usize)> {
        let mut table = self.table();
        if table.by_id.len() >= self.max_worlds {
            return None;
        }
        let (shard, _) = table.worlds_of.iter().enumerate().min_by_key(|(_, worlds)| **worlds)?;
        loop {
            let id = DmeWorldId(table.next);
            table.next = if table.next == LAST_ID { 1 } else { table.next + 1 };
            if let Entry::Vacant(vacant) = table.by_id.entry(id) {
                vacant.insert(Place { shard, app_id });
                table.worlds_of[shard] += 1;
                return Some((id, shard));
            }
        }
    }

    /// The world is over.
    pub(crate) fn remove(&self, id: DmeWorldId) {
        let mut table = self.table();
        if let Some(place) = table.by_id.remove(&id)
            && let Some(worlds) = table.worlds_of.get_mut(place.shard)
        {
            *worlds = worlds.saturating_sub(1);
        }
    }

    pub(crate) fn find(&self, id: DmeWorldId) -> Option<Place> {
        self.table().by_id.get(&id).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_start_at_1_go_on_after_a_world_has_ended_and_wrap_around_those_in_use() {
        let placement = Placement::new(1, 3);
        let ids: Vec<_> = (0..3).map(|_| placement.place(AppId(1)).unwrap().0.0).collect();
        assert_eq!(ids, [1, 2, 3]);
        assert_eq!(placement.place(AppId(1)), None);
        placement.remove(DmeWorldId(2));
        assert_eq!(placement.place(AppId(1)).unwrap().0, DmeWorldId(4));
        placement.remove(DmeWorldId(4));
        placement.table().next = LAST_ID;
        assert_eq!(placement.place(AppId(1)).unwrap().0, DmeWorldId(LAST_ID));
        placement.remove(DmeWorldId(3));
        assert_eq!(placement.place(AppId(1)).unwrap().0, DmeWorldId(2), "1 is in use");
    }

    #[test]
    fn a_new_world_goes_to_the_shard_with_the_fewest() {
        let placement = Placement::new(2, 256);
        let shards: Vec<_> = (0..4).map(|_| placement.place(AppId(1)).unwrap().1).collect();
        assert_eq!(shards, [0, 1, 0, 1]);
        placement.remove(DmeWorldId(2));
        assert_eq!(placement.place(AppId(7)).unwrap(), (DmeWorldId(5), 1));
        assert_eq!(placement.find(DmeWorldId(5)), Some(Place { shard: 1, app_id: AppId(7) }));
    }
}
