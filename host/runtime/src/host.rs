//! What an instance needs of whoever owns it: the title's actor ([`LobbyHost`]) or a thread of the relay ([`RelayHost`]).
//!
//! The runtime checks capabilities, lengths and rates before it calls any of this, and never calls it except from within a method of
//! [`Guest`](crate::Guest) that was given it. An implementation must not block on disk or network, must apply what it is told
//! at once, and must not call a guest: events that its own changes raise are to be queued until the method has returned.

use std::time::Duration;

use crate::api::{
    Account, AccountId, Channel, ChannelEdit, ChannelId, Clan, ClanId, Encryption, Error, Game, GameEdit,
    GameId, Message, Place, Player, SessionId, Subject, Target, UnixSeconds,
};

/// The host's clocks; virtual ones in tests.
pub trait Clock {
    /// Milliseconds since 1970, UTC.
    fn unix_millis(&self) -> u64;
    /// A clock that never goes back, from some beginning. Timers, back-off and the windows of limits run by it.
    fn monotonic(&self) -> Duration;
}

/// One page of a scan of the store: keys with their values.
pub type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// What the title's actor offers to its instance: the host calls of the interface, without those that the runtime answers itself.
#[allow(missing_docs, reason = "each is the function of the same name in wit/0.1.0/host.wit")]
pub trait LobbyHost: Clock {
    /// `owner` 0 is the title's own data.
    fn store_get(&mut self, owner: AccountId, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;
    /// Key and value are within [`Limits`](crate::Limits); the host bounds the number of keys.
    fn store_set(&mut self, owner: AccountId, key: &[u8], value: &[u8]) -> Result<(), Error>;
    fn store_remove(&mut self, owner: AccountId, key: &[u8]) -> Result<bool, Error>;
    /// At most `limit` entries, which the runtime keeps within [`Limits::scan`](crate::Limits::scan).
    fn store_scan(
        &mut self,
        owner: AccountId,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: u32,
    ) -> Result<Entries, Error>;

    fn player(&mut self, session: SessionId) -> Option<Player>;
    fn player_by_account(&mut self, account: AccountId) -> Option<SessionId>;
    fn player_by_name(&mut self, name: &[u8]) -> Option<SessionId>;
    fn players(&mut self) -> Vec<SessionId>;
    fn players_in_channel(&mut self, channel: ChannelId) -> Vec<SessionId>;
    fn players_in_game(&mut self, game: GameId) -> Vec<SessionId>;
    fn move_player(&mut self, session: SessionId, channel: ChannelId) -> Result<(), Error>;
    fn set_player_stats(&mut self, session: SessionId, stats: &[u8]) -> Result<(), Error>;
    fn set_player_location(&mut self, session: SessionId, location: i32) -> Result<(), Error>;

    fn account(&mut self, id: AccountId) -> Option<Account>;
    fn account_by_name(&mut self, name: &[u8]) -> Option<Account>;
    fn set_account_metadata(&mut self, id: AccountId, json: &str) -> Result<(), Error>;
    fn set_account_password(&mut self, id: AccountId, password: &[u8]) -> Result<(), Error>;
    fn reset_account_password(&mut self, id: AccountId) -> Result<(), Error>;

    fn channel(&mut self, id: ChannelId) -> Option<Channel>;
    fn channel_by_name(&mut self, name: &[u8]) -> Option<ChannelId>;
    fn channels(&mut self) -> Vec<ChannelId>;
    fn create_channel(&mut self, name: &[u8], changes: &[ChannelEdit]) -> Result<ChannelId, Error>;
    fn change_channel(&mut self, id: ChannelId, changes: &[ChannelEdit]) -> Result<(), Error>;
    fn remove_channel(&mut self, id: ChannelId) -> Result<(), Error>;

    fn game(&mut self, id: GameId) -> Option<Game>;
    fn games(&mut self) -> Vec<GameId>;
    fn change_game(&mut self, id: GameId, changes: &[GameEdit]) -> Result<(), Error>;
    fn end_game(&mut self, id: GameId) -> Result<(), Error>;
    fn remove_from_game(&mut self, id: GameId, session: SessionId) -> Result<(), Error>;

    fn clan(&mut self, id: ClanId) -> Option<Clan>;
    fn clan_by_name(&mut self, name: &[u8]) -> Option<ClanId>;
    fn clan_of_account(&mut self, account: AccountId) -> Option<ClanId>;
    fn clan_members(&mut self, id: ClanId) -> Vec<AccountId>;
    fn set_clan_stats(&mut self, id: ClanId, stats: &[u8]) -> Result<(), Error>;
    fn post_clan_message(&mut self, id: ClanId, text: &[u8]) -> Result<(), Error>;

    fn ladder(&mut self, account: AccountId, kind: u8) -> Option<Vec<i32>>;
    fn set_ladder(&mut self, account: AccountId, kind: u8, stats: &[i32]) -> Result<(), Error>;
    fn ladder_position(
        &mut self,
        account: AccountId,
        kind: u8,
        column: u32,
        ascending: bool,
    ) -> Option<Place>;
    fn ladder_page(&mut self, kind: u8, column: u32, ascending: bool, start: u32, count: u32) -> Vec<Place>;

    fn send_app(&mut self, to: Target, message: &Message, encryption: Encryption) -> Result<(), Error>;
    fn send_system_message(&mut self, to: Target, severity: u8, text: &str) -> Result<(), Error>;
    fn send_raw(&mut self, to: SessionId, id: u8, body: &[u8], encryption: Encryption) -> Result<(), Error>;

    fn kick(&mut self, session: SessionId, text: &str) -> Result<(), Error>;
    fn ban(&mut self, subject: &Subject, reason: &str, until: Option<UnixSeconds>) -> Result<u64, Error>;
    fn unban(&mut self, ban: u64) -> Result<(), Error>;
    fn banned(&mut self, subject: &Subject) -> Option<String>;

    fn memory_poke(
        &mut self,
        session: SessionId,
        address: u32,
        data: &[u8],
        encryption: Encryption,
    ) -> Result<(), Error>;
    fn memory_query(
        &mut self,
        session: SessionId,
        kind: u8,
        sequence: u32,
        address: u32,
        length: u32,
    ) -> Result<(), Error>;

    /// To the title's instances in the relay; they get [`Event::Link`](crate::api::Event::Link) with role 1. `role` is 0 or 2.
    fn link_send(&mut self, role: u8, data: &[u8]) -> Result<(), Error>;
}

/// What a thread of the relay offers to its instance.
pub trait RelayHost: Clock {
    /// Sends a packet as if the player with index `source` had. `target` -1: to all others.
    fn inject(
        &mut self,
        world: u32,
        source: u16,
        target: i32,
        udp: bool,
        payload: &[u8],
    ) -> Result<(), Error>;
    /// Puts a player out of a world.
    fn put_out(&mut self, world: u32, index: u16) -> Result<(), Error>;
    /// Milliseconds on the world's clock.
    fn world_clock(&mut self, world: u32) -> Option<u32>;
    /// To the title's other instances, who get [`Event::Link`](crate::api::Event::Link) with role 2. `role` 0 all, 1 lobby, 2 relay.
    fn link_send(&mut self, role: u8, data: &[u8]) -> Result<(), Error>;
}

/// Whichever of the two owns the instance.
pub enum Host<'a> {
    /// The title's actor.
    Lobby(&'a mut dyn LobbyHost),
    /// A thread of the relay.
    Relay(&'a mut dyn RelayHost),
}

impl Host<'_> {
    /// [`Clock::monotonic`].
    pub fn monotonic(&self) -> Duration {
        match self {
            Self::Lobby(host) => host.monotonic(),
            Self::Relay(host) => host.monotonic(),
        }
    }

    /// [`Clock::unix_millis`].
    pub fn unix_millis(&self) -> u64 {
        match self {
            Self::Lobby(host) => host.unix_millis(),
            Self::Relay(host) => host.unix_millis(),
        }
    }

    /// The same host for a shorter time.
    pub fn reborrow(&mut self) -> Host<'_> {
        match self {
            Self::Lobby(host) => Host::Lobby(&mut **host),
            Self::Relay(host) => Host::Relay(&mut **host),
        }
    }
}
