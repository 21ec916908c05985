//! A host that answers little and remembers what it was told.
#![allow(dead_code, unreachable_pub, reason = "tests and benches use their own parts")]

use std::collections::BTreeMap;
use std::time::Duration;

use medley_runtime::api::*;
use medley_runtime::{Clock, Entries, LobbyHost, RelayHost};

/// The title's actor, with a clock that stands.
#[derive(Default)]
pub struct Lobby {
    pub now: Duration,
    pub sent: Vec<(Target, Message)>,
    pub system: Vec<String>,
    pub kicked: Vec<SessionId>,
    pub store: BTreeMap<(AccountId, Vec<u8>), Vec<u8>>,
    pub linked: Vec<(u8, Vec<u8>)>,
    /// How long `players` really takes.
    pub slow: Duration,
    pub calls: u32,
}

impl Lobby {
    pub fn at(millis: u64) -> Self {
        Self { now: Duration::from_millis(millis), ..Self::default() }
    }
}

impl Clock for Lobby {
    fn unix_millis(&self) -> u64 {
        1_000_000 + u64::try_from(self.now.as_millis()).unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.now
    }
}

impl LobbyHost for Lobby {
    fn store_get(&mut self, owner: AccountId, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.store.get(&(owner, key.to_vec())).cloned())
    }

    fn store_set(&mut self, owner: AccountId, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.store.insert((owner, key.to_vec()), value.to_vec());
        Ok(())
    }

    fn store_remove(&mut self, owner: AccountId, key: &[u8]) -> Result<bool, Error> {
        Ok(self.store.remove(&(owner, key.to_vec())).is_some())
    }

    fn store_scan(&mut self, _: AccountId, _: &[u8], _: Option<&[u8]>, _: u32) -> Result<Entries, Error> {
        Ok(Vec::new())
    }

    fn player(&mut self, session: SessionId) -> Option<Player> {
        (session == 7).then(|| Player {
            session,
            account: 1,
            name: b"seven".to_vec(),
            app: 1,
            medius_version: 110,
            address: String::new(),
            machine: Vec::new(),
            channel: 0,
            game: 0,
            in_game: false,
            clan: 0,
            location: 0,
            moderator: false,
            logged_in: 0,
            stats: Vec::new(),
            more: Vec::new(),
        })
    }

    fn player_by_account(&mut self, _: AccountId) -> Option<SessionId> {
        None
    }

    fn player_by_name(&mut self, _: &[u8]) -> Option<SessionId> {
        None
    }

    fn players(&mut self) -> Vec<SessionId> {
        self.calls += 1;
        let begun = std::time::Instant::now();
        while begun.elapsed() < self.slow {
            std::thread::yield_now();
        }
        vec![7]
    }

    fn players_in_channel(&mut self, _: ChannelId) -> Vec<SessionId> {
        Vec::new()
    }

    fn players_in_game(&mut self, _: GameId) -> Vec<SessionId> {
        Vec::new()
    }

    fn move_player(&mut self, _: SessionId, _: ChannelId) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    fn set_player_stats(&mut self, _: SessionId, _: &[u8]) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    fn set_player_location(&mut self, _: SessionId, _: i32) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    fn account(&mut self, _: AccountId) -> Option<Account> {
        None
    }

    fn account_by_name(&mut self, _: &[u8]) -> Option<Account> {
        None
    }

    fn set_account_metadata(&mut self, _: AccountId, _: &str) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    fn set_account_password(&mut self, _: AccountId, _: &[u8]) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    fn reset_account_password(&mut self, _: AccountId) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    fn channel(&mut self, _: ChannelId) -> Option<Channel> {
        None
    }

    fn channel_by_name(&mut self, _: &[u8]) -> Option<ChannelId> {
        None
    }

    fn channels(&mut self) -> Vec<ChannelId> {
        Vec::new()
    }

    fn create_channel(&mut self, _: &[u8], _: &[ChannelEdit]) -> Result<ChannelId, Error> {
        Err(Error::NotFound)
    }

    fn change_channel(&mut self, _: ChannelId, _: &[ChannelEdit]) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    fn remove_channel(&mut self, _: ChannelId) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    fn game(&mut self, _: GameId) -> Option<Game> {
        None
    }

    fn games(&mut self) -> Vec<GameId> {
        Vec::new()
    }

    fn change_game(&mut self, _: GameId, _: &[GameEdit]) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    fn end_game(&mut self, _: GameId) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    fn remove_from_game(&mut self, _: GameId, _: SessionId) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    fn clan(&mut self, _: ClanId) -> Option<Clan> {
        None
    }

    fn clan_by_name(&mut self, _: &[u8]) -> Option<ClanId> {
        None
    }

    fn clan_of_account(&mut self, _: AccountId) -> Option<ClanId> {
        None
    }

    fn clan_members(&mut self, _: ClanId) -> Vec<AccountId> {
        Vec::new()
    }

    fn set_clan_stats(&mut self, _: ClanId, _: &[u8]) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    fn post_clan_message(&mut self, _: ClanId, _: &[u8]) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    fn ladder(&mut self, _: AccountId, _: u8) -> Option<Vec<i32>> {
        None
    }

    fn set_ladder(&mut self, _: AccountId, _: u8, _: &[i32]) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    fn ladder_position(&mut self, _: AccountId, _: u8, _: u32, _: bool) -> Option<Place> {
        None
    }

    fn ladder_page(&mut self, _: u8, _: u32, _: bool, _: u32, _: u32) -> Vec<Place> {
        Vec::new()
    }

    fn send_app(&mut self, to: Target, message: &Message, _: Encryption) -> Result<(), Error> {
        self.sent.push((to, message.clone()));
        Ok(())
    }

    fn send_system_message(&mut self, _: Target, _: u8, text: &str) -> Result<(), Error> {
        self.system.push(text.to_owned());
        Ok(())
    }

    fn send_raw(&mut self, _: SessionId, _: u8, _: &[u8], _: Encryption) -> Result<(), Error> {
        Ok(())
    }

    fn kick(&mut self, session: SessionId, _: &str) -> Result<(), Error> {
        self.kicked.push(session);
        Ok(())
    }

    fn ban(&mut self, _: &Subject, _: &str, _: Option<UnixSeconds>) -> Result<u64, Error> {
        Ok(1)
    }

    fn unban(&mut self, _: u64) -> Result<(), Error> {
        Ok(())
    }

    fn banned(&mut self, _: &Subject) -> Option<String> {
        None
    }

    fn memory_poke(&mut self, _: SessionId, _: u32, _: &[u8], _: Encryption) -> Result<(), Error> {
        Ok(())
    }

    fn memory_query(&mut self, _: SessionId, _: u8, _: u32, _: u32, _: u32) -> Result<(), Error> {
        Ok(())
    }

    fn link_send(&mut self, role: u8, data: &[u8]) -> Result<(), Error> {
        self.linked.push((role, data.to_vec()));
        Ok(())
    }
}

/// A thread of the relay.
#[derive(Default)]
pub struct Relay {
    pub injected: Vec<Vec<u8>>,
}

impl Clock for Relay {
    fn unix_millis(&self) -> u64 {
        1
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

impl RelayHost for Relay {
    fn inject(&mut self, _: u32, _: u16, _: i32, _: bool, payload: &[u8]) -> Result<(), Error> {
        self.injected.push(payload.to_vec());
        Ok(())
    }

    fn put_out(&mut self, _: u32, _: u16) -> Result<(), Error> {
        Ok(())
    }

    fn world_clock(&mut self, _: u32) -> Option<u32> {
        Some(1234)
    }

    fn link_send(&mut self, _: u8, _: &[u8]) -> Result<(), Error> {
        Ok(())
    }
}
