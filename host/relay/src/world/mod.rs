//! One game world: who is in it, who hears what. Pure: no sockets, no clock, no randomness of its own.

mod mask;
mod registry;
mod tokens;

use std::time::Duration;

use medley_session::Time;
use medley_wire::rt::{TokenEntry, receive_flags};
use medley_wire::types::{AppId, SessionKeyText};
use rand::{CryptoRng, RngCore};

pub use self::mask::Mask;
pub use self::registry::{Located, Refused, Tick, Worlds};
pub use self::tokens::{INVALID_TOKEN, MAX_TOKENS, TokenAudience, token_type};

use self::tokens::Tokens;

/// A world on this relay. Never 0: a public DME that numbers from 0 never ends its world 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DmeWorldId(pub u32);

/// A client's number in its world, 0 to 255: u16 in relay frames, but one byte in some DME messages and 32 mask bytes
/// in APP_LIST.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DmeIndex(pub u8);

/// Most clients of one world.
pub const MAX_CLIENTS: u16 = 256;

/// Characters of an access key on the wire, without the NUL that ends its 17-byte field.
pub const ACCESS_KEY_LEN: usize = 16;

/// The one-time key with which a client may enter the slot that was allotted to it: 96 random bits as base64.
/// `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AccessKey(pub(crate) [u8; ACCESS_KEY_LEN]);

/// Characters of an access key that every client sends.
pub(crate) const STEM_LEN: usize = 15;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl AccessKey {
    /// A fresh key.
    pub fn mint<R: RngCore + CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut bytes = [0; ACCESS_KEY_LEN];
        rng.fill_bytes(&mut bytes);
        Self(bytes.map(|byte| BASE64[usize::from(byte % 64)]))
    }

    /// A fresh key whose holder belongs to the `shard`th of `shards`: [`AccessKey::shard`] finds it again, so that no
    /// table is shared between threads. Costs at most the bits that the number of shards takes.
    pub fn mint_for<R: RngCore + CryptoRng + ?Sized>(rng: &mut R, shard: usize, shards: usize) -> Self {
        let mut key = Self::mint(rng);
        let shards = shards.clamp(1, BASE64.len());
        let lap = rng.next_u32() as usize % (BASE64.len() / shards);
        key.0[0] = BASE64[(lap * shards + shard % shards) % BASE64.len()];
        key
    }

    /// Whether a client that says `text` holds this key. Some clients copy the key into a field of 16 bytes: with the
    /// NUL that ends it, 15 characters are left, 90 of the 96 random bits.
    #[must_use]
    pub fn is(&self, text: &[u8]) -> bool {
        text == self.0 || text == self.stem()
    }

    /// The part that every client sends.
    pub(crate) fn stem(&self) -> &[u8] {
        &self.0[..STEM_LEN]
    }

    pub(crate) fn stem_array(&self) -> [u8; STEM_LEN] {
        core::array::from_fn(|at| self.0[at])
    }

    /// As it travels.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; ACCESS_KEY_LEN] {
        &self.0
    }

    /// Which of `shards` the world of a key, as a client sent it, is on. A key that this relay did not mint gives some shard, which refuses it.
    #[must_use]
    pub fn shard(text: &[u8], shards: usize) -> usize {
        let first = text.first().copied().unwrap_or_default();
        let value = BASE64.iter().position(|char| *char == first).unwrap_or(0);
        value % shards.clamp(1, BASE64.len())
    }
}

impl core::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("AccessKey(16 characters, not shown)")
    }
}

/// Bounds and times of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorldRules {
    /// Clients at one time, 1 to [`MAX_CLIENTS`].
    pub max_clients: u16,
    /// For how long an allotted slot and its access key wait for their client.
    pub allotment_timeout: Duration,
    /// How old a world must be before it may die for want of clients (servers.md 10.4: 15 s).
    pub game_timeout: Duration,
}

impl Default for WorldRules {
    fn default() -> Self {
        Self {
            max_clients: MAX_CLIENTS,
            allotment_timeout: Duration::from_secs(15),
            game_timeout: Duration::from_secs(15),
        }
    }
}

/// How a relayed message is addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// APP_BROADCAST: everybody else.
    Broadcast,
    /// APP_LIST: those in the mask.
    List(Mask),
    /// APP_SINGLE: one client, by the number in the message.
    Single(u16),
}

/// Why no slot was allotted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllotError {
    /// Every index up to the limit is taken.
    #[error("the world is full: {limit} clients")]
    Full {
        /// Clients at one time.
        limit: u16,
    },
    /// The world is only waiting for its last client to leave.
    #[error("the world has got its order to end")]
    Ending,
}

/// A slot for a client that is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allotment {
    /// The client's number.
    pub index: DmeIndex,
    /// With this it may enter, once.
    pub access_key: AccessKey,
}

/// Why an access key does not open its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// Nobody was given this key, or it has been used.
    #[error("unknown or used access key")]
    Unknown,
    /// The client came too late.
    #[error("access key expired")]
    Expired,
    /// The key was given to another session.
    #[error("access key of another session")]
    WrongSession,
}

/// A client entered its slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// Its number.
    pub index: DmeIndex,
    /// Slots taken in the world, this one and those still on their way included: what ACCEPT_TCP and COMPLETE say.
    pub player_count: u16,
    /// The same session held the slot with an older connection, which has just left.
    pub displaced: Option<Left>,
}

/// A client finished its handshake.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// Slots taken, as in [`Entered::player_count`].
    pub player_count: u16,
    /// Who is told by CONNECT_NOTIFY: joined clients with the notification flag, the newcomer not.
    pub notify: Mask,
    /// What the newcomer is told of tokens; empty if none is owned.
    pub tokens: Vec<TokenEntry>,
}

/// A client left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Its number, free again (unless the same session is on its way back).
    pub index: DmeIndex,
    /// Its session.
    pub session_key: SessionKeyText,
    /// It had joined: the others know it, and MPS does.
    pub was_joined: bool,
    /// Who is told by DISCONNECT_NOTIFY.
    pub notify: Mask,
    /// FREED for each token it owned, and who is told.
    pub freed: (Mask, Vec<u16>),
}

/// What becomes of a world that got its order to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was empty: remove it.
    Now,
    /// When the last client leaves.
    WhenEmpty,
    /// These clients must be put out at once; the world is then empty.
    PutOut(Mask),
}

#[derive(Debug)]
struct Pending {
    access_key: AccessKey,
    expires: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// Nobody yet: the slot lives as long as its access key.
    Allotted,
    /// The key was used; the handshake goes on.
    Connected,
    /// READY_AUX_UDP, or COMPLETE without UDP: it sends and receives.
    Joined,
}

#[derive(Debug)]
struct Slot {
    session_key: SessionKeyText,
    presence: Presence,
    pending: Option<Pending>,
    /// 1.08 and older: gets everything, whatever SET_RECV_FLAG says.
    all_flags: bool,
}

/// A game world. See the module's text; every method that needs the time is told it.
#[derive(Debug)]
pub struct World {
    id: DmeWorldId,
    app_id: AppId,
    rules: WorldRules,
    created: Time,
    /// When the first client entered: zero of the world's clock.
    epoch: Option<Time>,
    ending: bool,
    slots: Vec<Option<Slot>>,
    taken: Mask,
    connected: Mask,
    joined: Mask,
    broadcast: Mask,
    list: Mask,
    single: Mask,
    notification: Mask,
    tokens: Tokens,
}

impl World {
    /// An empty world.
    #[must_use]
    pub fn new(id: DmeWorldId, app_id: AppId, rules: WorldRules, now: Time) -> Self {
        let rules = WorldRules { max_clients: rules.max_clients.clamp(1, MAX_CLIENTS), ..rules };
        Self {
            id,
            app_id,
            rules,
            created: now,
            epoch: None,
            ending: false,
            slots: Vec::new(),
            taken: Mask::EMPTY,
            connected: Mask::EMPTY,
            joined: Mask::EMPTY,
            broadcast: Mask::EMPTY,
            list: Mask::EMPTY,
            single: Mask::EMPTY,
            notification: Mask::EMPTY,
            tokens: Tokens::default(),
        }
    }

    /// Its number.
    #[must_use]
    pub const fn id(&self) -> DmeWorldId {
        self.id
    }

    /// The title that asked for it.
    #[must_use]
    pub const fn app_id(&self) -> AppId {
        self.app_id
    }

    /// Clients at one time, at most.
    #[must_use]
    pub const fn max_clients(&self) -> u16 {
        self.rules.max_clients
    }

    /// Slots taken, those of clients on their way included.
    #[must_use]
    pub const fn player_count(&self) -> u16 {
        self.taken.len() as u16
    }

    /// Those that sent their key.
    #[must_use]
    pub const fn connected(&self) -> Mask {
        self.connected
    }

    /// Those that finished their handshake.
    #[must_use]
    pub const fn joined(&self) -> Mask {
        self.joined
    }

    /// The lowest connected index leads the others (servers.md 10.2); nobody is told, they infer it.
    #[must_use]
    pub fn session_master(&self) -> Option<DmeIndex> {
        self.connected.first()
    }

    fn slot(&self, index: DmeIndex) -> Option<&Slot> {
        self.slots.get(usize::from(index.0))?.as_ref()
    }

    fn slot_mut(&mut self, index: DmeIndex) -> Option<&mut Slot> {
        self.slots.get_mut(usize::from(index.0))?.as_mut()
    }

    /// The session of a taken slot.
    #[must_use]
    pub fn session_key(&self, index: DmeIndex) -> Option<&SessionKeyText> {
        self.slot(index).map(|slot| &slot.session_key)
    }

    /// Gives a client the lowest free number, or again the one that its session has.
    ///
    /// # Errors
    /// No number is free, or the world is ending.
    pub fn allot(
        &mut self,
        now: Time,
        session_key: SessionKeyText,
        access_key: AccessKey,
    ) -> Result<Allotment, AllotError> {
        if self.ending {
            return Err(AllotError::Ending);
        }
        let pending = Some(Pending { access_key, expires: now + self.rules.allotment_timeout });
        // An empty session key names nobody, so it never finds its slot again.
        let known = |slot: &Option<Slot>| slot.as_ref().is_some_and(|slot| slot.session_key == session_key);
        if !session_key.is_empty()
            && let Some(at) = self.slots.iter().position(known)
            && let Some(slot) = &mut self.slots[at]
        {
            slot.pending = pending;
            return Ok(Allotment { index: DmeIndex(at as u8), access_key });
        }
        let limit = self.rules.max_clients;
        let at = self.slots.iter().position(Option::is_none).unwrap_or(self.slots.len());
        if at >= usize::from(limit) {
            return Err(AllotError::Full { limit });
        }
        let slot = Slot { session_key, presence: Presence::Allotted, pending, all_flags: false };
        if at == self.slots.len() {
            self.slots.push(Some(slot));
        } else {
            self.slots[at] = Some(slot);
        }
        let index = DmeIndex(at as u8);
        self.taken.set(index, true);
        Ok(Allotment { index, access_key })
    }

    /// A client with the slot's key is here. `session_key`: what it says of itself. `all_flags`: it is 1.08 or older.
    ///
    /// # Errors
    /// The key is not this slot's, is too old, or was given to another session. A key of another session stays valid
    /// for its owner.
    pub fn enter(
        &mut self,
        now: Time,
        index: DmeIndex,
        access_key: &[u8],
        session_key: &SessionKeyText,
        all_flags: bool,
    ) -> Result<Entered, KeyRefused> {
        let slot = self.slot_mut(index).ok_or(KeyRefused::Unknown)?;
        let pending = slot.pending.as_ref().ok_or(KeyRefused::Unknown)?;
        if !pending.access_key.is(access_key) {
            return Err(KeyRefused::Unknown);
        }
        if now >= pending.expires {
            return Err(KeyRefused::Expired);
        }
        if !slot.session_key.is_empty() && slot.session_key != *session_key {
            return Err(KeyRefused::WrongSession);
        }
        slot.pending = None;
        let displaced = if slot.presence == Presence::Allotted { None } else { Some(self.depart(index)) };
        if let Some(slot) = self.slot_mut(index) {
            slot.presence = Presence::Connected;
            slot.all_flags = all_flags;
        }
        self.connected.set(index, true);
        // Before READY_TCP and SET_RECV_FLAG: list and single (servers.md 10.2).
        let default = receive_flags::LIST | receive_flags::SINGLE;
        self.apply_flags(index, if all_flags { 0xff } else { default });
        Ok(Entered { index, player_count: self.player_count(), displaced: displaced.flatten() })
    }

    /// READY_TCP or SET_RECV_FLAG: replaces what the client wants to receive. Nothing changes for 1.08.
    pub fn set_receive_flags(&mut self, index: DmeIndex, flags: u8) {
        if self.connected.contains(index) && self.slot(index).is_some_and(|slot| !slot.all_flags) {
            self.apply_flags(index, flags);
        }
    }

    fn apply_flags(&mut self, index: DmeIndex, flags: u8) {
        self.broadcast.set(index, flags & receive_flags::BROADCAST != 0);
        self.list.set(index, flags & receive_flags::LIST != 0);
        self.single.set(index, flags & receive_flags::SINGLE != 0);
        self.notification.set(index, flags & receive_flags::NOTIFICATION != 0);
    }

    /// The client's handshake is done. `None` if it is not in the world, or has joined before.
    pub fn join(&mut self, now: Time, index: DmeIndex) -> Option<Joined> {
        let slot = self.slot_mut(index)?;
        if slot.presence != Presence::Connected {
            return None;
        }
        slot.presence = Presence::Joined;
        self.epoch.get_or_insert(now);
        let notify = self.joined.and(self.notification);
        self.joined.set(index, true);
        Some(Joined { player_count: self.player_count(), notify, tokens: self.tokens.owned() })
    }

    /// The client is gone. `None` if it was not connected. A slot for which the same session holds a new key stays.
    pub fn leave(&mut self, index: DmeIndex) -> Option<Left> {
        let left = self.depart(index)?;
        if self.slot(index).is_some_and(|slot| slot.pending.is_none()) {
            self.free(index);
        }
        Some(left)
    }

    /// Everything of leaving but the slot.
    fn depart(&mut self, index: DmeIndex) -> Option<Left> {
        if !self.connected.contains(index) {
            return None;
        }
        let slot = self.slot_mut(index)?;
        let was_joined = slot.presence == Presence::Joined;
        let session_key = slot.session_key;
        slot.presence = Presence::Allotted;
        self.connected.set(index, false);
        self.joined.set(index, false);
        self.apply_flags(index, 0);
        let freed = self.tokens.leave(index).into_iter().filter_map(|entry| entry.token).collect();
        let notify = if was_joined { self.joined.and(self.notification) } else { Mask::EMPTY };
        Some(Left { index, session_key, was_joined, notify, freed: (self.joined.and(self.broadcast), freed) })
    }

    fn free(&mut self, index: DmeIndex) {
        if let Some(slot) = self.slots.get_mut(usize::from(index.0)) {
            *slot = None;
        }
        self.taken.set(index, false);
        while self.slots.last().is_some_and(Option::is_none) {
            self.slots.pop();
        }
    }

    /// Frees slots whose clients did not come in time, and forgets their keys, which it hands to `expired`.
    pub fn expire(&mut self, now: Time, mut expired: impl FnMut(AccessKey)) {
        for at in 0..self.slots.len() {
            // Slots behind the last taken one vanish while this runs.
            let Some(Some(slot)) = self.slots.get_mut(at) else { continue };
            let Some(pending) = slot.pending.take_if(|pending| now >= pending.expires) else { continue };
            expired(pending.access_key);
            if slot.presence == Presence::Allotted {
                self.free(DmeIndex(at as u8));
            }
        }
    }

    /// The keys that still wait for their clients.
    pub fn pending_keys(&self) -> impl Iterator<Item = AccessKey> {
        self.slots.iter().flatten().filter_map(|slot| slot.pending.as_ref().map(|pending| pending.access_key))
    }

    /// Nobody is in it, and it is old enough or has got its order: it should be removed (servers.md 10.4).
    #[must_use]
    pub fn is_over(&self, now: Time) -> bool {
        self.taken.is_empty() && (self.ending || now >= self.created + self.rules.game_timeout)
    }

    /// When [`World::expire`] or [`World::is_over`] may have something new to say; `None` while only clients decide.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let expiry = self.slots.iter().flatten().filter_map(|slot| slot.pending.as_ref());
        let expiry = expiry.map(|pending| pending.expires).min();
        if self.taken.is_empty() {
            return Some(if self.ending { self.created } else { self.created + self.rules.game_timeout });
        }
        expiry
    }

    /// The order to end. Brutal: everybody is put out now.
    pub fn end(&mut self, brutal: bool) -> Ending {
        self.ending = true;
        if brutal {
            for slot in self.slots.iter_mut().flatten() {
                slot.pending = None;
            }
            for at in (0..self.slots.len()).rev() {
                let index = DmeIndex(at as u8);
                if self.taken.contains(index) && !self.connected.contains(index) {
                    self.free(index);
                }
            }
        }
        match (self.taken.is_empty(), brutal) {
            (true, _) => Ending::Now,
            (false, true) => Ending::PutOut(self.connected),
            (false, false) => Ending::WhenEmpty,
        }
    }

    /// Milliseconds on the world's clock, which the first client's entry starts (observed.md section 4: Sony told the
    /// first player 0 in STARTUP_INFO, and 976 one second later). Wraps after 49 days.
    pub fn time_base(&mut self, now: Time) -> u32 {
        let epoch = *self.epoch.get_or_insert(now);
        now.since(epoch).as_millis() as u32
    }

    /// Who hears a message: joined, wanting this kind, not the sender. An unknown target gives nobody.
    #[must_use]
    pub fn receivers(&self, source: DmeIndex, route: Route) -> Mask {
        if !self.joined.contains(source) {
            return Mask::EMPTY;
        }
        let wanted = match route {
            Route::Broadcast => self.broadcast,
            Route::List(mask) => self.list.and(mask),
            Route::Single(target) => match u8::try_from(target) {
                Ok(target) => self.single.and(Mask::one(DmeIndex(target))),
                Err(_) => Mask::EMPTY,
            },
        };
        self.joined.and(wanted).without(Mask::one(source))
    }

    /// CLIENT_TOKEN_MESSAGE: who is told what. `None`: nothing to say.
    pub fn token(&mut self, from: DmeIndex, kind: u8, token: u16) -> Option<(Mask, TokenEntry)> {
        if !self.joined.contains(from) {
            return None;
        }
        let (audience, entry) = self.tokens.handle(from, kind, token)?;
        Some((tokens::audience(audience, from, self.joined.and(self.broadcast)), entry))
    }
}

#[cfg(test)]
mod tests;
