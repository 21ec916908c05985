//! Ladders: the accounts or the clans of a title in the order of one of their stats, so that a position or a page is a
//! look-up. What is said of accounts below holds for clans too: another pair of trees, the same index.
//!
//! A ladder is an index in memory, one for each stat that was asked for: built from the accounts and stats trees at its
//! first use, kept up to date by every commit, gone with the process (the trees are the truth, so nothing can disagree
//! with them after a crash). It is a sorted list in chunks of at most [`CHUNK`] entries of 8 bytes, and the value of each
//! account in the order of their numbers, 8 bytes more: 1.6 to 2.4 MB for 100,000 accounts. A position or the start of a
//! page is a walk over about n / [`CHUNK`] lengths and a binary search, a change moves at most a chunk.
//!
//! Measured with 100,000 accounts that all have stats, two cores, a release build: built in 0.16 to 0.23 s; a position
//! 0.7 µs, a page of 20 or 100 places 2 to 3 µs at most (0.2 and 0.7 ms with each row's account and stats); 63 more ladders
//! took 139 to 149 MB.
//!
//! At most [`LADDERS`] are held; another one takes the place of the one that was not asked for the longest time.
//! Writers go on while one is built: what they change meanwhile is noted, and applied at the end.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::clans::ClanId;
use crate::codec;
use crate::commit::lock;
use crate::database::{Database, key};
use crate::engine::{Batch, Engine, Tree};
use crate::error::{Result, StoreError};
use crate::traits::Ladders;
use crate::types::{AccountId, LadderOrder, LadderPlace, LadderStat, Ranked, Stats, TitleId, limits};

/// Ladders in memory at most.
const LADDERS: usize = 64;
/// Entries of a chunk at most.
const CHUNK: usize = 1024;
/// Entries of a chunk of a new ladder, so that there is room.
const FILLED: usize = 768;

/// The accounts or clans of a title by one stat.
#[derive(Debug, Default)]
struct Ladder {
    /// Places, best first: never an empty chunk, ascending within and across.
    chunks: Vec<Vec<Place>>,
    /// Number and value, ascending by number.
    values: Vec<(u32, i32)>,
}

/// The value and number of an account or clan as one number that ascends from the best: higher values first, and of equal ones the
/// lower number. Sony's ladder had that order too: the captured clan members with 0 stand in the order of their
/// numbers (`uya_ps2_join_game_dme`, lines 122 to 137).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place(u64);

impl Place {
    fn new(number: u32, value: i32) -> Self {
        // Flipping the sign bit makes the order unsigned, negating it makes the highest the first.
        let descending = !(value.cast_unsigned() ^ 0x8000_0000);
        Self(u64::from(descending) << 32 | u64::from(number))
    }

    fn number(self) -> u32 {
        // The lower half.
        self.0 as u32
    }

    fn value(self) -> i32 {
        (!((self.0 >> 32) as u32) ^ 0x8000_0000).cast_signed()
    }
}

impl Ladder {
    /// From values in any order; of several for a number the last counts.
    fn new(mut values: Vec<(u32, i32)>) -> Self {
        values.sort_by_key(|(number, _)| *number);
        values.reverse();
        values.dedup_by_key(|(number, _)| *number);
        values.reverse();
        let mut places: Vec<Place> =
            values.iter().map(|(number, value)| Place::new(*number, *value)).collect();
        places.sort_unstable();
        let chunks = places.chunks(FILLED).map(<[Place]>::to_vec).collect();
        Self { chunks, values }
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn value(&self, number: u32) -> Option<i32> {
        let at = self.values.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        self.values.get(at).map(|(_, value)| *value)
    }

    /// The chunk where `place` is or belongs.
    fn chunk_of(&self, place: Place) -> usize {
        let behind = self.chunks.partition_point(|chunk| chunk.last().is_some_and(|last| *last < place));
        behind.min(self.chunks.len().saturating_sub(1))
    }

    fn insert(&mut self, place: Place) {
        let at = self.chunk_of(place);
        let Some(chunk) = self.chunks.get_mut(at) else {
            self.chunks.push(vec![place]);
            return;
        };
        if let Err(index) = chunk.binary_search(&place) {
            chunk.insert(index, place);
        }
        if chunk.len() > CHUNK {
            let upper = chunk.split_off(CHUNK / 2);
            self.chunks.insert(at + 1, upper);
        }
    }

    fn take_out(&mut self, place: Place) {
        let at = self.chunk_of(place);
        let Some(chunk) = self.chunks.get_mut(at) else { return };
        if let Ok(index) = chunk.binary_search(&place) {
            chunk.remove(index);
        }
        if chunk.is_empty() {
            self.chunks.remove(at);
        }
    }

    fn apply(&mut self, change: Change) {
        let found = self.values.binary_search_by_key(&change.number, |(number, _)| *number);
        let now = match (change.to, found) {
            (To::Value(value), _) => Some(value),
            // Who is written again keeps its value.
            (To::There, Ok(_)) | (To::Gone, Err(_)) => return,
            (To::There, Err(_)) => Some(0),
            (To::Zero, Ok(_)) => Some(0),
            // Stats go together with whose they are.
            (To::Zero, Err(_)) => return,
            (To::Gone, Ok(_)) => None,
        };
        if let Some((number, before)) = found.ok().and_then(|at| self.values.get(at)).copied() {
            if now == Some(before) {
                return;
            }
            self.take_out(Place::new(number, before));
        }
        match (now, found) {
            (Some(value), Ok(at)) => {
                if let Some(known) = self.values.get_mut(at) {
                    known.1 = value;
                }
            }
            (Some(value), Err(at)) => self.values.insert(at, (change.number, value)),
            (None, Ok(at)) => drop(self.values.remove(at)),
            (None, Err(_)) => {}
        }
        if let Some(value) = now {
            self.insert(Place::new(change.number, value));
        }
    }

    /// Places before `place`, best first.
    fn before(&self, place: Place) -> usize {
        let at = self.chunk_of(place);
        let whole: usize = self.chunks.iter().take(at).map(Vec::len).sum();
        whole + self.chunks.get(at).map_or(0, |chunk| chunk.partition_point(|known| *known < place))
    }

    /// Position from 1 in an order.
    fn position(&self, number: u32, order: LadderOrder) -> Option<(usize, i32)> {
        let value = self.value(number)?;
        let before = self.before(Place::new(number, value));
        Some((turned(before, self.len(), order) + 1, value))
    }

    /// Up to `rows` places, the first at `start` (from 0) in an order.
    fn page(&self, order: LadderOrder, start: usize, rows: usize) -> Vec<Place> {
        let rows = rows.min(self.len().saturating_sub(start));
        let mut page = Vec::with_capacity(rows);
        if rows == 0 {
            return page;
        }
        let first = match order {
            LadderOrder::HighestFirst => start,
            // The same places, read from the end.
            LadderOrder::LowestFirst => self.len() - start - rows,
        };
        let mut skip = first;
        for chunk in &self.chunks {
            if skip >= chunk.len() {
                skip -= chunk.len();
                continue;
            }
            page.extend(chunk.iter().skip(skip).take(rows - page.len()));
            skip = 0;
            if page.len() == rows {
                break;
            }
        }
        if order == LadderOrder::LowestFirst {
            page.reverse();
        }
        page
    }
}

/// The index of an entry when the list is read in an order.
fn turned(index: usize, length: usize, order: LadderOrder) -> usize {
    match order {
        LadderOrder::HighestFirst => index,
        LadderOrder::LowestFirst => length.saturating_sub(index + 1),
    }
}

/// What a commit means for somebody on a ladder.
#[derive(Debug, Clone, Copy)]
struct Change {
    number: u32,
    to: To,
}

#[derive(Debug, Clone, Copy)]
enum To {
    /// It is there; 0 if it is new.
    There,
    /// Its stats say so.
    Value(i32),
    /// It has no stats any more.
    Zero,
    /// It is gone.
    Gone,
}

/// Every ladder that is in memory.
#[derive(Debug, Default)]
pub(crate) struct LadderIndexes {
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    by_key: HashMap<Key, Slot>,
    /// Counts uses, so that the oldest is known.
    uses: u64,
}

type Key = (TitleId, Ranked, LadderStat);

#[derive(Debug)]
struct Slot {
    used: u64,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// The state is another one.
    changed: Condvar,
}

#[derive(Debug)]
enum State {
    /// Being read from the trees; with what was committed since.
    Building(Vec<Change>),
    Ready(Ladder),
    /// Could not be read. Not in [`Slots`] any more.
    Failed,
}

impl Shared {
    fn become_(&self, state: State) {
        *lock(&self.state) = state;
        self.changed.notify_all();
    }
}

impl LadderIndexes {
    /// What a batch changes. Called in the order of commits, after each.
    pub(crate) fn committed(&self, batch: &Batch) {
        let slots = lock(&self.slots);
        if slots.by_key.is_empty() {
            return;
        }
        for ((tree, key), value) in batch {
            let Some((ranked, is_stats)) = Ranked::by_tree(*tree) else { continue };
            let Some((title, number)) = numbered(key) else { continue };
            let mut stats = None;
            let of_these = slots.by_key.iter().filter(|((of, who, _), _)| *who == ranked && *of == title);
            for ((_, _, stat), slot) in of_these {
                let to = match (is_stats, value) {
                    (false, Some(_)) => To::There,
                    (false, None) => To::Gone,
                    (true, None) => To::Zero,
                    (true, Some(bytes)) => {
                        let stats =
                            stats.get_or_insert_with(|| codec::decode::<Stats>(*tree, key, bytes).ok());
                        // Just encoded by this process.
                        stats.as_ref().map_or(To::Zero, |stats| To::Value(stat.of(stats)))
                    }
                };
                match &mut *lock(&slot.shared.state) {
                    State::Building(changes) => changes.push(Change { number, to }),
                    State::Ready(ladder) => ladder.apply(Change { number, to }),
                    State::Failed => {}
                }
            }
        }
    }

    /// A slot, and whether it is the caller who fills it.
    fn slot(&self, key: &Key) -> (Arc<Shared>, bool) {
        let mut slots = lock(&self.slots);
        slots.uses += 1;
        let used = slots.uses;
        if let Some(slot) = slots.by_key.get_mut(key) {
            slot.used = used;
            return (Arc::clone(&slot.shared), false);
        }
        if slots.by_key.len() >= LADDERS {
            let oldest = slots.by_key.iter().min_by_key(|(_, slot)| slot.used).map(|(key, _)| key.clone());
            oldest.and_then(|oldest| slots.by_key.remove(&oldest));
        }
        let state = Mutex::new(State::Building(Vec::new()));
        let shared = Arc::new(Shared { state, changed: Condvar::new() });
        slots.by_key.insert(key.clone(), Slot { used, shared: Arc::clone(&shared) });
        (shared, true)
    }

    fn is_ready(&self, key: &Key) -> bool {
        let slots = lock(&self.slots);
        slots.by_key.get(key).is_some_and(|slot| matches!(&*lock(&slot.shared.state), State::Ready(_)))
    }
}

impl Ranked {
    /// The tree of who is ranked and the tree of their stats, under the same keys.
    const fn trees(self) -> (Tree, Tree) {
        match self {
            Self::Accounts => (Tree::Accounts, Tree::AccountStats),
            Self::Clans => (Tree::Clans, Tree::ClanStats),
        }
    }

    /// Whose tree it is, and whether it is that of their stats.
    fn by_tree(tree: Tree) -> Option<(Self, bool)> {
        [Self::Accounts, Self::Clans].into_iter().find_map(|ranked| {
            let (own, stats) = ranked.trees();
            (tree == own || tree == stats).then_some((ranked, tree == stats))
        })
    }
}

/// Title and number of a key of one of [`Ranked::trees`].
fn numbered(key: &[u8]) -> Option<(TitleId, u32)> {
    let (title, rest) = key::split_title(key)?;
    Some((title, u32::from_be_bytes(rest.try_into().ok()?)))
}

/// Takes a ladder that could not be built out again, also after a panic: who waits for it tries again.
struct Unfinished<'l> {
    indexes: &'l LadderIndexes,
    key: &'l Key,
    shared: &'l Arc<Shared>,
    finished: bool,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let mut slots = lock(&self.indexes.slots);
        if slots.by_key.get(self.key).is_some_and(|slot| Arc::ptr_eq(&slot.shared, self.shared)) {
            slots.by_key.remove(self.key);
        }
        drop(slots);
        self.shared.become_(State::Failed);
    }
}

impl<E: Engine> Database<E> {
    /// Asks a ladder, which is built first if it is not in memory.
    fn on_ladder<T>(
        &self,
        title: &TitleId,
        ranked: Ranked,
        stat: LadderStat,
        ask: impl FnOnce(&Ladder) -> Result<T>,
    ) -> Result<T> {
        stat.check()?;
        let key = (title.clone(), ranked, stat);
        loop {
            let (shared, mine) = self.ladders().slot(&key);
            if mine {
                self.build_ladder(&key, &shared)?;
            }
            let mut state = lock(&shared.state);
            while matches!(*state, State::Building(_)) {
                state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if let State::Ready(ladder) = &*state {
                return ask(ladder);
            }
        }
    }

    fn build_ladder(&self, key: &Key, shared: &Arc<Shared>) -> Result<()> {
        let mut unfinished = Unfinished { indexes: self.ladders(), key, shared, finished: false };
        let (title, ranked, stat) = key;
        let (own_tree, stats_tree) = ranked.trees();
        let mut values = Vec::new();
        for row in self.engine().scan(own_tree, &key::title(title), None, false) {
            let (key, _) = row?;
            values.extend(key::last_number(&key).map(|number| (number, 0)));
        }
        for row in self.engine().scan(stats_tree, &key::title(title), None, false) {
            let (key, bytes) = row?;
            let stats: Stats = codec::decode(stats_tree, &key, &bytes)?;
            values.extend(key::last_number(&key).map(|number| (number, stat.of(&stats))));
        }
        let mut ladder = Ladder::new(values);
        let mut state = lock(&shared.state);
        if let State::Building(changes) = &mut *state {
            // In the order of their commits; what the scan saw already changes nothing.
            for change in std::mem::take(changes) {
                ladder.apply(change);
            }
        }
        *state = State::Ready(ladder);
        drop(state);
        shared.changed.notify_all();
        unfinished.finished = true;
        Ok(())
    }
}

/// A count as the wire has it.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl<E: Engine> Database<E> {
    fn place<Id>(
        &self,
        key: (&TitleId, Ranked, LadderStat),
        order: LadderOrder,
        number: u32,
        id: Id,
    ) -> Result<Option<LadderPlace<Id>>> {
        let (title, ranked, stat) = key;
        self.on_ladder(title, ranked, stat, |ladder| {
            let found = ladder.position(number, order);
            let place = |(position, value)| LadderPlace {
                id,
                value,
                position: count(position),
                total: count(ladder.len()),
            };
            Ok(found.map(place))
        })
    }

    fn page<Id>(
        &self,
        key: (&TitleId, Ranked, LadderStat),
        order: LadderOrder,
        start: u32,
        rows: usize,
        id: impl Fn(u32) -> Result<Id>,
    ) -> Result<Vec<LadderPlace<Id>>> {
        let start = start.max(1);
        let (title, ranked, stat) = key;
        self.on_ladder(title, ranked, stat, |ladder| {
            let first = usize::try_from(start - 1).unwrap_or(usize::MAX);
            let page = ladder.page(order, first, rows.min(limits::PAGE));
            let total = count(ladder.len());
            page.into_iter()
                .zip(start..)
                .map(|(place, position)| {
                    Ok(LadderPlace { id: id(place.number())?, value: place.value(), position, total })
                })
                .collect()
        })
    }
}

impl<E: Engine> Ladders for Database<E> {
    fn ladder_is_loaded(&self, title: &TitleId, ranked: Ranked, stat: LadderStat) -> bool {
        self.ladders().is_ready(&(title.clone(), ranked, stat))
    }

    fn load_ladder(&self, title: &TitleId, ranked: Ranked, stat: LadderStat) -> Result<()> {
        self.on_ladder(title, ranked, stat, |_| Ok(()))
    }

    fn ladder_place(
        &self,
        title: &TitleId,
        stat: LadderStat,
        order: LadderOrder,
        account: AccountId,
    ) -> Result<Option<LadderPlace>> {
        self.place((title, Ranked::Accounts, stat), order, account.get().cast_unsigned(), account)
    }

    fn ladder_page(
        &self,
        title: &TitleId,
        stat: LadderStat,
        order: LadderOrder,
        start: u32,
        rows: usize,
    ) -> Result<Vec<LadderPlace>> {
        let account = |number: u32| AccountId::try_from(number.cast_signed());
        self.page((title, Ranked::Accounts, stat), order, start, rows, account)
    }

    fn clan_ladder_place(
        &self,
        title: &TitleId,
        stat: LadderStat,
        order: LadderOrder,
        clan: ClanId,
    ) -> Result<Option<LadderPlace<ClanId>>> {
        self.place((title, Ranked::Clans, stat), order, clan.0, clan)
    }

    fn clan_ladder_page(
        &self,
        title: &TitleId,
        stat: LadderStat,
        order: LadderOrder,
        start: u32,
        rows: usize,
    ) -> Result<Vec<LadderPlace<ClanId>>> {
        self.page((title, Ranked::Clans, stat), order, start, rows, |number| Ok(ClanId(number)))
    }
}

impl LadderStat {
    /// The byte range that a request of old titles names, first and last byte: 1, 2 or 4 bytes. If the bytes from the
    /// first to the last are no such number but those before the last are, those.
    pub fn bytes(first: i32, last: i32) -> Option<Self> {
        let start = u8::try_from(first).ok()?;
        let width = match last.checked_sub(first)? {
            0 => 1,
            1..=2 => 2,
            3..=4 => 4,
            _ => return None,
        };
        let stat = Self::Bytes { start, width };
        stat.check().ok()?;
        Some(stat)
    }

    /// The ladder of a LadderStatIndex.
    pub fn index(index: i32) -> Option<Self> {
        let index = u8::try_from(index).ok().filter(|index| usize::from(*index) < limits::WIDE_STATS)?;
        Some(Self::Index(index))
    }

    fn check(self) -> Result<()> {
        let known = match self {
            Self::Index(index) => usize::from(index) < limits::WIDE_STATS,
            Self::Bytes { start, width } => {
                matches!(width, 1 | 2 | 4) && usize::from(start) + usize::from(width) <= limits::STATS_BLOB
            }
        };
        if known {
            return Ok(());
        }
        Err(StoreError::Invalid {
            field: "ladder stat",
            wanted: "an index of 0 to 99, or 1, 2 or 4 of the 256 bytes",
            found: format!("{self:?}"),
        })
    }

    /// The value of who has these stats; 0 if there is none.
    fn of(self, stats: &Stats) -> i32 {
        match self {
            Self::Index(index) => {
                let index = usize::from(index);
                let wide = stats.wide.iter().any(|value| *value != 0);
                let value = if wide { stats.wide.get(index) } else { stats.ladder.get(index) };
                value.copied().unwrap_or(0)
            }
            Self::Bytes { start, width } => {
                let start = usize::from(start);
                let bytes = stats.blob.get(start..start + usize::from(width)).unwrap_or_default();
                let value = bytes.iter().rev().fold(0, |value: u32, byte| value << 8 | u32::from(*byte));
                value.cast_signed()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every answer of a ladder against a list that is sorted each time.
    #[test]
    fn a_ladder_agrees_with_a_sorted_list_through_thousands_of_changes() {
        let mut ladder = Ladder::default();
        let mut model: HashMap<u32, i32> = HashMap::new();
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move |below: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % below
        };
        for step in 0..12_000 {
            let account = random(5_000) as u32 + 1;
            let change = match random(10) {
                0 => To::Gone,
                1 => To::There,
                2 => To::Zero,
                _ => To::Value([i32::MIN, -1, 0, 1, i32::MAX, random(500) as i32][random(6) as usize]),
            };
            ladder.apply(Change { number: account, to: change });
            match change {
                To::Gone => drop(model.remove(&account)),
                To::There => drop(model.entry(account).or_insert(0)),
                To::Zero => drop(model.get_mut(&account).map(|value| *value = 0)),
                To::Value(value) => drop(model.insert(account, value)),
            }
            if step % 1_000 != 999 {
                continue;
            }
            let mut sorted: Vec<(u32, i32)> =
                model.iter().map(|(account, value)| (*account, *value)).collect();
            sorted.sort_by_key(|(account, value)| (std::cmp::Reverse(*value), *account));
            let rows = |page: Vec<Place>| -> Vec<(u32, i32)> {
                page.into_iter().map(|place| (place.number(), place.value())).collect()
            };
            assert_eq!(rows(ladder.page(LadderOrder::HighestFirst, 0, usize::MAX)), sorted);
            for (index, (account, value)) in sorted.iter().enumerate() {
                assert_eq!(ladder.position(*account, LadderOrder::HighestFirst), Some((index + 1, *value)));
            }
            sorted.reverse();
            let (start, end) = (sorted.len() / 3, sorted.len() / 2);
            assert_eq!(rows(ladder.page(LadderOrder::LowestFirst, start, end - start)), sorted[start..end]);
            assert_eq!(ladder.position(sorted[start].0, LadderOrder::LowestFirst).unwrap().0, start + 1);
            let built = Ladder::new(model.iter().map(|(account, value)| (*account, *value)).collect());
            assert_eq!(built.values, ladder.values);
            assert!(ladder.chunks.iter().all(|chunk| (1..=CHUNK).contains(&chunk.len())));
        }
        assert!(ladder.chunks.len() > 2 && ladder.len() > 3_000);
    }

    #[test]
    fn bytes_of_a_request_are_a_number_of_one_two_or_four() {
        let bytes = |start, width| Some(LadderStat::Bytes { start, width });
        assert_eq!(LadderStat::bytes(8, 8), bytes(8, 1));
        assert_eq!(LadderStat::bytes(8, 9), bytes(8, 2));
        assert_eq!(LadderStat::bytes(8, 10), bytes(8, 2));
        assert_eq!(LadderStat::bytes(252, 255), bytes(252, 4));
        assert_eq!(LadderStat::bytes(252, 256), bytes(252, 4));
        for (first, last) in [(8, 7), (-1, 2), (253, 256), (0, 5), (i32::MIN, i32::MAX), (i32::MAX, i32::MIN)]
        {
            assert_eq!(LadderStat::bytes(first, last), None, "{first} {last}");
        }
        assert_eq!(LadderStat::index(99), Some(LadderStat::Index(99)));
        assert_eq!((LadderStat::index(100), LadderStat::index(-1)), (None, None));
    }

    #[test]
    fn a_value_is_of_the_stats_that_the_title_keeps() {
        let mut stats = Stats::default();
        stats.ladder[3] = 7;
        stats.blob[4..8].copy_from_slice(&(-2_i32).to_le_bytes());
        assert_eq!(LadderStat::Index(3).of(&stats), 7);
        assert_eq!(LadderStat::Index(60).of(&stats), 0);
        stats.wide[60] = -5;
        assert_eq!((LadderStat::Index(3).of(&stats), LadderStat::Index(60).of(&stats)), (0, -5));
        let of = |start, width| LadderStat::Bytes { start, width }.of(&stats);
        assert_eq!((of(4, 4), of(4, 2), of(7, 1), of(8, 4)), (-2, 0xfffe, 0xff, 0));
    }
}
