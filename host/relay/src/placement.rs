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
    /// Worlds of each shard; `None`: it is dead and gets no more.
    worlds_of: Vec<Option<usize>>,
    max_worlds: usize,
}

#[derive(Debug)]
pub(crate) struct Placement {
    table: Mutex<Table>,
}

impl Placement {
    /// The first world gets the id `first`, or 1 if that is none.
    pub(crate) fn new(shards: usize, max_worlds: u32, first: u32) -> Self {
        let table = Table {
            next: if (1..=LAST_ID).contains(&first) { first } else { 1 },
            by_id: HashMap::new(),
            worlds_of: vec![Some(0); shards.max(1)],
            max_worlds: max_worlds.min(LAST_ID) as usize,
        };
        Self { table: Mutex::new(table) }
    }

    /// Worlds at one time, from now on. Those that are there stay.
    pub(crate) fn set_max_worlds(&self, max_worlds: u32) {
        self.table().max_worlds = max_worlds.min(LAST_ID) as usize;
    }

    /// A shard has ended: it gets no more worlds. Gives those that it had, and whether another shard is left.
    pub(crate) fn close(&self, shard: usize) -> (Vec<DmeWorldId>, bool) {
        let mut table = self.table();
        if let Some(worlds) = table.worlds_of.get_mut(shard) {
            *worlds = None;
        }
        let gone = table.by_id.extract_if(|_, place| place.shard == shard).map(|(id, _)| id).collect();
        (gone, table.worlds_of.iter().any(Option::is_some))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // The table is whole between any two statements that could panic, and none can.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number for a new world, on the shard with the fewest. `None`: there are as many as there may be.
    pub(crate) fn place(&self, app_id: AppId) -> Option<(DmeWorldId, usize)> {
        let mut table = self.table();
        if table.by_id.len() >= table.max_worlds {
            return None;
        }
        let alive =
            table.worlds_of.iter().enumerate().filter_map(|(shard, worlds)| Some((shard, (*worlds)?)));
        let (shard, _) = alive.min_by_key(|(_, worlds)| *worlds)?;
        loop {
            let id = DmeWorldId(table.next);
            table.next = if table.next == LAST_ID { 1 } else { table.next + 1 };
            if let Entry::Vacant(vacant) = table.by_id.entry(id) {
                vacant.insert(Place { shard, app_id });
                if let Some(Some(worlds)) = table.worlds_of.get_mut(shard) {
                    *worlds += 1;
                }
                return Some((id, shard));
            }
        }
    }

    /// The world is over; gives where it was.
    pub(crate) fn remove(&self, id: DmeWorldId) -> Option<Place> {
        let mut table = self.table();
        let place = table.by_id.remove(&id)?;
        if let Some(Some(worlds)) = table.worlds_of.get_mut(place.shard) {
            *worlds = worlds.saturating_sub(1);
        }
        Some(place)
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
        let placement = Placement::new(1, 3, 1);
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
    fn ids_start_where_they_are_told_to_and_never_at_0() {
        for (first, expected) in [(0, 1), (1, 1), (700, 700), (LAST_ID, LAST_ID), (LAST_ID + 1, 1)] {
            assert_eq!(Placement::new(1, 3, first).place(AppId(1)).unwrap().0, DmeWorldId(expected));
        }
    }

    #[test]
    fn a_dead_shard_gets_no_worlds_and_its_own_are_forgotten() {
        let placement = Placement::new(2, 256, 1);
        assert_eq!(placement.place(AppId(1)).unwrap(), (DmeWorldId(1), 0));
        assert_eq!(placement.place(AppId(1)).unwrap(), (DmeWorldId(2), 1));
        assert_eq!(placement.close(0), (vec![DmeWorldId(1)], true));
        assert_eq!(placement.find(DmeWorldId(1)), None);
        assert_eq!(placement.place(AppId(1)).unwrap(), (DmeWorldId(3), 1));
        let (mut gone, left) = placement.close(1);
        gone.sort();
        assert_eq!((gone, left), (vec![DmeWorldId(2), DmeWorldId(3)], false));
        assert_eq!(placement.place(AppId(1)), None);
    }

    #[test]
    fn the_limit_of_worlds_may_change() {
        let placement = Placement::new(1, 1, 1);
        assert!(placement.place(AppId(1)).is_some() && placement.place(AppId(1)).is_none());
        placement.set_max_worlds(2);
        assert!(placement.place(AppId(1)).is_some() && placement.place(AppId(1)).is_none());
    }

    #[test]
    fn a_new_world_goes_to_the_shard_with_the_fewest() {
        let placement = Placement::new(2, 256, 1);
        let shards: Vec<_> = (0..4).map(|_| placement.place(AppId(1)).unwrap().1).collect();
        assert_eq!(shards, [0, 1, 0, 1]);
        placement.remove(DmeWorldId(2));
        assert_eq!(placement.place(AppId(7)).unwrap(), (DmeWorldId(5), 1));
        assert_eq!(placement.find(DmeWorldId(5)), Some(Place { shard: 1, app_id: AppId(7) }));
    }
}
