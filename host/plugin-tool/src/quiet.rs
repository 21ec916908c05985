//! A host with one player and an empty store, for trials and benches. What is done to it is kept in memory or dropped.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use medley_runtime::api::{
    Account, AccountId, Channel, ChannelEdit, ChannelId, Clan, ClanId, Encryption, Error, Game, GameEdit,
    GameId, Message, Place, Player, SessionId, Subject, Target, UnixSeconds, Who,
};
use medley_runtime::{Clock, Entries, LobbyHost, RelayHost};

/// The host.
pub(crate) struct Quiet {
    pub(crate) who: Who,
    begun: Instant,
    store: BTreeMap<(AccountId, Vec<u8>), Vec<u8>>,
    /// Messages that the plugin has sent.
    pub(crate) sent: u64,
}

impl Quiet {
    /// A host with a player of this application and Medius version.
    pub(crate) fn new(app: u32, medius_version: u16) -> Self {
        let who = Who { connection: 1, session: 1, account: 1, app, medius_version, server: 3 };
        Self { who, begun: Instant::now(), store: BTreeMap::new(), sent: 0 }
    }

    fn send(&mut self) -> Result<(), Error> {
        self.sent += 1;
        Ok(())
    }

    fn session(&self, session: SessionId) -> Result<(), Error> {
        if session == self.who.session { Ok(()) } else { Err(Error::NotFound) }
    }
}

impl Clock for Quiet {
    fn unix_millis(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        now.as_millis().try_into().unwrap_or(u64::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.begun.elapsed()
    }
}

impl LobbyHost for Quiet {
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

    fn store_scan(
        &mut self,
        owner: AccountId,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: u32,
    ) -> Result<Entries, Error> {
        let rows = self.store.iter().filter(|((of, key), _)| {
            *of == owner && key.starts_with(prefix) && after.is_none_or(|after| key.as_slice() > after)
        });
        Ok(rows.map(|((_, key), value)| (key.clone(), value.clone())).take(limit as usize).collect())
    }

    fn player(&mut self, session: SessionId) -> Option<Player> {
        self.session(session).ok()?;
        Some(Player {
            session,
            account: self.who.account,
            name: b"Badger41".to_vec(),
            app: self.who.app,
            medius_version: self.who.medius_version,
            address: "192.0.2.7".to_owned(),
            machine: Vec::new(),
            channel: 1,
            game: 1,
            in_game: true,
            clan: 0,
            location: 0,
            moderator: false,
            logged_in: 0,
            stats: vec![0; 256],
            more: Vec::new(),
        })
    }

    fn player_by_account(&mut self, account: AccountId) -> Option<SessionId> {
        (account == self.who.account).then_some(self.who.session)
    }

    fn player_by_name(&mut self, name: &[u8]) -> Option<SessionId> {
        (name == b"Badger41").then_some(self.who.session)
    }

    fn players(&mut self) -> Vec<SessionId> {
        vec![self.who.session]
    }

    fn players_in_channel(&mut self, channel: ChannelId) -> Vec<SessionId> {
        if channel == 1 { vec![self.who.session] } else { Vec::new() }
    }

    fn players_in_game(&mut self, game: GameId) -> Vec<SessionId> {
        if game == 1 { vec![self.who.session] } else { Vec::new() }
    }

    fn move_player(&mut self, session: SessionId, _: ChannelId) -> Result<(), Error> {
        self.session(session)
    }

    fn set_player_stats(&mut self, session: SessionId, _: &[u8]) -> Result<(), Error> {
        self.session(session)
    }

    fn set_player_location(&mut self, session: SessionId, _: i32) -> Result<(), Error> {
        self.session(session)
    }

    fn account(&mut self, id: AccountId) -> Option<Account> {
        (id == self.who.account).then(|| Account {
            id,
            name: b"Badger41".to_vec(),
            created: 0,
            last_login: None,
            metadata: String::new(),
            more: Vec::new(),
        })
    }

    fn account_by_name(&mut self, name: &[u8]) -> Option<Account> {
        if name == b"Badger41" { self.account(self.who.account) } else { None }
    }

    fn set_account_metadata(&mut self, _: AccountId, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn set_account_password(&mut self, _: AccountId, _: &[u8]) -> Result<(), Error> {
        Ok(())
    }

    fn reset_account_password(&mut self, _: AccountId) -> Result<(), Error> {
        Ok(())
    }

    fn channel(&mut self, id: ChannelId) -> Option<Channel> {
        (id == 1).then(|| Channel {
            id,
            name: b"Lobby".to_vec(),
            players: 1,
            max_players: 256,
            generic_fields: vec![0; 4],
            generic_field_level: 0,
            persistent: true,
            has_password: false,
            more: Vec::new(),
        })
    }

    fn channel_by_name(&mut self, name: &[u8]) -> Option<ChannelId> {
        (name == b"Lobby").then_some(1)
    }

    fn channels(&mut self) -> Vec<ChannelId> {
        vec![1]
    }

    fn create_channel(&mut self, _: &[u8], _: &[ChannelEdit]) -> Result<ChannelId, Error> {
        Err(Error::Unavailable("this host only tries plugins".to_owned()))
    }

    fn change_channel(&mut self, _: ChannelId, _: &[ChannelEdit]) -> Result<(), Error> {
        Ok(())
    }

    fn remove_channel(&mut self, _: ChannelId) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    fn game(&mut self, id: GameId) -> Option<Game> {
        (id == 1).then(|| Game {
            id,
            app: self.who.app,
            name: b"Badger41's game".to_vec(),
            status: 1,
            players: 1,
            min_players: 0,
            max_players: 8,
            game_level: 0,
            player_skill_level: 0,
            rules_set: 0,
            generic_fields: vec![0; 8],
            stats: vec![0; 256],
            has_password: false,
            creator: self.who.account,
            host: self.who.session,
            channel: 1,
            created: 0,
            started: None,
            metadata: String::new(),
            more: Vec::new(),
        })
    }

    fn games(&mut self) -> Vec<GameId> {
        vec![1]
    }

    fn change_game(&mut self, _: GameId, _: &[GameEdit]) -> Result<(), Error> {
        Ok(())
    }

    fn end_game(&mut self, _: GameId) -> Result<(), Error> {
        Ok(())
    }

    fn remove_from_game(&mut self, _: GameId, session: SessionId) -> Result<(), Error> {
        self.session(session)
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

    fn ladder(&mut self, account: AccountId, kind: u8) -> Option<Vec<i32>> {
        let columns = match kind {
            1 => 15,
            2 => 100,
            3 => 64,
            _ => return None,
        };
        (account == self.who.account).then(|| vec![0; columns])
    }

    fn set_ladder(&mut self, _: AccountId, _: u8, _: &[i32]) -> Result<(), Error> {
        Ok(())
    }

    fn ladder_position(&mut self, account: AccountId, _: u8, _: u32, _: bool) -> Option<Place> {
        (account == self.who.account).then_some(Place { position: 1, account, score: 0 })
    }

    fn ladder_page(&mut self, _: u8, _: u32, _: bool, _: u32, _: u32) -> Vec<Place> {
        vec![Place { position: 1, account: self.who.account, score: 0 }]
    }

    fn send_app(&mut self, _: Target, _: &Message, _: Encryption) -> Result<(), Error> {
        self.send()
    }

    fn send_system_message(&mut self, _: Target, _: u8, _: &str) -> Result<(), Error> {
        self.send()
    }

    fn send_raw(&mut self, _: SessionId, _: u8, _: &[u8], _: Encryption) -> Result<(), Error> {
        self.send()
    }

    fn kick(&mut self, session: SessionId, _: &str) -> Result<(), Error> {
        self.session(session)
    }

    fn ban(&mut self, _: &Subject, _: &str, _: Option<UnixSeconds>) -> Result<u64, Error> {
        Ok(1)
    }

    fn unban(&mut self, _: u64) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    fn banned(&mut self, _: &Subject) -> Option<String> {
        None
    }

    fn memory_poke(&mut self, session: SessionId, _: u32, _: &[u8], _: Encryption) -> Result<(), Error> {
        self.session(session)?;
        self.send()
    }

    fn memory_query(&mut self, session: SessionId, _: u8, _: u32, _: u32, _: u32) -> Result<(), Error> {
        self.session(session)?;
        self.send()
    }

    fn link_send(&mut self, _: u8, _: &[u8]) -> Result<(), Error> {
        Ok(())
    }
}

impl RelayHost for Quiet {
    fn inject(&mut self, _: u32, _: u16, _: i32, _: bool, _: &[u8]) -> Result<(), Error> {
        self.send()
    }

    fn put_out(&mut self, _: u32, _: u16) -> Result<(), Error> {
        Ok(())
    }

    fn world_clock(&mut self, _: u32) -> Option<u32> {
        Some(self.begun.elapsed().as_millis() as u32)
    }

    fn link_send(&mut self, _: u8, _: &[u8]) -> Result<(), Error> {
        Ok(())
    }
}
