//! What the title's plugin may ask of the host: the universe, the store, and the players' connections.
//!
//! Made for the length of one call in the title's actor. Reads are memory or a look-up in the store; writes are applied at
//! once, and the promise that they are durable is gathered for whoever waits for the call's answer. What changes in the
//! universe is carried out, and told to the plugin, when the call is over.

use std::collections::HashMap;
use std::future::IntoFuture as _;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use medley_runtime::api::{
    Account, AccountId, Channel, ChannelEdit, ChannelId, Clan, ClanId, Encryption, Error, Game, GameEdit,
    GameId, Message, Place, Player, SessionId, Subject, Target, UnixSeconds,
};
use medley_runtime::{Clock, Entries, LobbyHost};
use medley_store::{
    AccountId as StoredId, BanId, BanQuery, BanScope, BanSubject, ClanId as StoredClanId, LadderOrder,
    LadderPlace, LadderStat, NewBan, Page, Pending, PluginScope, Ranked, StatsUpdate, Store, StoreError,
    Text, TitleId,
};
use medley_universe::{
    AddChannel, ChangeChannel, ChangeGame, ChangeRefused, ChannelChange, CloseGame, ConnectionId, EndReason,
    GameChange, Kick, LeaveGame, MovePlayer, Name, PutOut, RemoveChannel, ServerKind, Session, SessionKey,
    SetAccountStats, SetLocation, Time, Universe,
};
use medley_wire::MediusWorldId;
use medley_wire::enums::{CheatQueryType, WorldAttributesType};
use medley_wire::rt::{CheatQuery, RtMessage, ServerMemoryPoke};
use medley_wire::types::VarBytes;
use tokio::sync::{mpsc, oneshot};

use crate::actor::{Parcel, deliver};
use crate::shared::Shared;

/// Keys that begin so are the host's own; a plugin neither sees nor sets them.
const OWN_KEYS: &[u8] = b"\0host/";
/// How many keys the title's plugin has set, a little-endian u32: counting them anew would read all values.
const KEY_COUNT: &[u8] = b"\0host/plugin-keys";
/// Keys of one account.
const KEYS_OF_ACCOUNT: usize = 256;
/// Bytes of one MEMORY_POKE: with its header it fits into a frame of any client.
const POKE: usize = 1024;

/// A write that is applied and perhaps not durable yet.
pub(crate) type Write = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// The host as one call of the title's plugin sees it.
pub(crate) struct TitleHost<'a> {
    pub(crate) universe: &'a mut Universe,
    pub(crate) connections: &'a mut HashMap<ConnectionId, mpsc::Sender<Parcel>>,
    pub(crate) title: &'a TitleId,
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) now: Time,
    /// Keys that the title may have, see [`medley_runtime::Limits::keys`].
    pub(crate) most_keys: u32,
    pub(crate) writes: Vec<Write>,
}

fn session_key(session: SessionId) -> SessionKey {
    SessionKey(session)
}

/// A store call that failed, as the plugin is told.
fn store_error(error: &StoreError) -> Error {
    match error {
        StoreError::NotFound { .. } => Error::NotFound,
        error if error.is_refusal() => Error::Invalid(error.to_string()),
        error => {
            tracing::error!(%error, "the store failed a plugin's call");
            Error::Unavailable("the store failed".to_owned())
        }
    }
}

fn refused(why: ChangeRefused) -> Error {
    let why = match why {
        ChangeRefused::NotFound => return Error::NotFound,
        ChangeRefused::NameTaken => "the name is taken",
        ChangeRefused::InUse => return Error::Unavailable("somebody is in the channel".to_owned()),
        ChangeRefused::Configured => "a channel of game.toml cannot be removed",
        ChangeRefused::Full => return Error::Full("there are as many channels as there may be".to_owned()),
        ChangeRefused::NotInGame => "the new host is not in the game",
        ChangeRefused::NoName => "a channel needs a name",
    };
    Error::Invalid(why.to_owned())
}

fn array<const N: usize, T: Copy>(field: &str, list: &[T]) -> Result<[T; N], Error> {
    list.try_into().map_err(|_| Error::Invalid(format!("{field} has {} elements instead of {N}", list.len())))
}

fn small(field: &str, number: u32) -> Result<u16, Error> {
    u16::try_from(number).map_err(|_| Error::Invalid(format!("{field} is {number}, and 65535 is the most")))
}

impl TitleHost<'_> {
    fn unix(&self) -> i64 {
        self.now.unix
    }

    fn session(&self, session: SessionId) -> Result<&Session, Error> {
        self.universe.session(session_key(session)).ok_or(Error::NotFound)
    }

    /// A reading call of the store, on this thread.
    fn look<T>(&self, call: impl FnOnce(&dyn Store) -> Result<T, StoreError>) -> Result<T, Error> {
        self.shared.store.glance(call).map_err(|error| store_error(&error))
    }

    /// A writing call; its value at once, its durability with the others'.
    fn write<T: Send + 'static>(
        &mut self,
        call: impl FnOnce(&dyn Store) -> Result<Pending<T>, StoreError>,
    ) -> Result<T, Error> {
        let pending = self.look(call)?;
        let mut value = None;
        let durable = pending.map(|found| value = Some(found));
        self.writes.push(Box::pin(durable.into_future()));
        value.ok_or_else(|| Error::Unavailable("the store failed".to_owned()))
    }

    /// A call that takes too long for the actor, a password's hash say: carried out aside.
    fn later(&mut self, work: impl Future<Output = Result<(), StoreError>> + Send + 'static) {
        let (done, is_done) = oneshot::channel();
        self.shared.tasks.spawn(async move {
            // Nobody may wait for it.
            let _ = done.send(work.await);
        });
        self.writes.push(Box::pin(async move { is_done.await.unwrap_or(Err(StoreError::Closed)) }));
    }

    fn scope(owner: AccountId) -> Result<PluginScope, Error> {
        match owner {
            0 => Ok(PluginScope::Title),
            account => StoredId::new(account).map(PluginScope::Account).ok_or(Error::NotFound),
        }
    }

    fn own_key(key: &[u8]) -> Result<(), Error> {
        if key.starts_with(OWN_KEYS) {
            return Err(Error::Invalid("keys that begin with \\0host/ are the host's".to_owned()));
        }
        Ok(())
    }

    /// The connection where a player listens: that to the lobby, before it that of the login.
    fn connection_of(session: &Session) -> Option<ConnectionId> {
        let login = || {
            let login =
                session.connections.iter().rev().find(|(_, kind)| *kind == ServerKind::Authentication);
            login.map(|(id, _)| *id)
        };
        session.lobby_connection().or_else(login)
    }

    /// The connections of those who are meant. A player who is gone is none.
    fn listeners(&self, to: &Target) -> Result<Vec<ConnectionId>, Error> {
        let of = |key: &SessionKey| self.universe.session(*key).and_then(Self::connection_of);
        Ok(match to {
            Target::Player(session) => of(&session_key(*session)).into_iter().collect(),
            Target::Channel(id) => {
                let channel = self.universe.channel(MediusWorldId(*id)).ok_or(Error::NotFound)?;
                channel.members.iter().filter_map(of).collect()
            }
            Target::Game(id) => {
                let game = self.universe.game(MediusWorldId(*id)).ok_or(Error::NotFound)?;
                game.members.keys().filter_map(of).collect()
            }
            Target::Title => {
                let online = self.universe.sessions().filter(|session| session.account.is_some());
                online.filter_map(Self::connection_of).collect()
            }
            Target::Other(kind) => {
                return Err(Error::Invalid(format!("there is no target of kind {kind} in this version")));
            }
        })
    }

    fn send(&mut self, connection: ConnectionId, parcel: Parcel) {
        deliver(self.connections, connection, parcel);
    }

    fn subject(&self, subject: &Subject) -> Result<BanSubject, Error> {
        Ok(match subject {
            Subject::Account(id) => BanSubject::Account(StoredId::new(*id).ok_or(Error::NotFound)?),
            Subject::Address(text) => {
                let network = text.parse::<IpNet>().ok();
                let network = network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
                BanSubject::Network(network.ok_or_else(|| {
                    Error::Invalid("an address is written 192.0.2.7, a network 192.0.2.0/24".to_owned())
                })?)
            }
            Subject::Machine(id) if !id.is_empty() => BanSubject::Machine(id.clone()),
            Subject::Machine(_) => return Err(Error::Invalid("a machine id is not empty".to_owned())),
            Subject::Other(kind) => {
                return Err(Error::Invalid(format!("there is no subject of kind {kind} in this version")));
            }
        })
    }

    /// Which ladder the numbers of the interface mean, if it is in memory. One that is not is made aside.
    fn ladder_of(&self, kind: u8, column: u32) -> Option<LadderStat> {
        let column = u8::try_from(column).ok()?;
        let stat = match (kind, column) {
            (1, 0..15) | (2, 0..100) => LadderStat::Index(column),
            (3, 0..64) => LadderStat::Bytes { start: column * 4, width: 4 },
            _ => return None,
        };
        let title = self.title;
        let loaded = self.look(|store| Ok(store.ladder_is_loaded(title, Ranked::Accounts, stat))).ok()?;
        if loaded {
            return Some(stat);
        }
        let (store, title) = (self.shared.store.clone(), self.title.clone());
        self.shared.tasks.spawn(async move {
            if let Err(error) = store.load_ladder(&title, Ranked::Accounts, stat).await {
                tracing::warn!(%error, "a ladder that a plugin asked for cannot be made");
            }
        });
        None
    }
}

fn order(ascending: bool) -> LadderOrder {
    if ascending { LadderOrder::LowestFirst } else { LadderOrder::HighestFirst }
}

fn place(place: &LadderPlace) -> Place {
    Place { position: place.position, account: place.id.get(), score: place.value }
}

fn account(account: medley_store::Account) -> Account {
    Account {
        id: account.id.get(),
        name: account.name.0,
        created: account.created,
        last_login: account.last_login,
        metadata: account.metadata,
        more: Vec::new(),
    }
}

fn channel_change(changes: &[ChannelEdit]) -> Result<ChannelChange, Error> {
    let mut change = ChannelChange::default();
    for edit in changes {
        match edit {
            ChannelEdit::Name(name) => change.name = Some(Name::new(name)),
            ChannelEdit::Password(password) => change.password = Some(Name::new(password)),
            ChannelEdit::MaxPlayers(most) => change.max_players = Some(small("max-players", *most)?),
            ChannelEdit::GenericFields(fields) => {
                let fields: [i32; 4] = array("generic-fields", fields)?;
                change.generic_fields = Some(fields.map(i32::cast_unsigned));
            }
            ChannelEdit::GenericFieldLevel(level) => change.generic_field_level = Some(*level),
            ChannelEdit::Other(field) => return Err(unknown_edit(field.id)),
        }
    }
    Ok(change)
}

fn game_change(changes: &[GameEdit]) -> Result<GameChange, Error> {
    let mut change = GameChange::default();
    for edit in changes {
        match edit {
            GameEdit::Name(name) => change.name = Some(Name::new(name)),
            GameEdit::Password(password) => change.password = Some(Name::new(password)),
            GameEdit::MinPlayers(number) => change.min_players = Some(small("min-players", *number)?),
            GameEdit::MaxPlayers(number) => change.max_players = Some(small("max-players", *number)?),
            GameEdit::GameLevel(level) => change.game_level = Some(*level),
            GameEdit::PlayerSkillLevel(level) => change.player_skill_level = Some(*level),
            GameEdit::RulesSet(rules) => change.rules_set = Some(*rules),
            GameEdit::GenericFields(fields) => {
                change.generic_fields = Some(array("generic-fields", fields)?);
            }
            GameEdit::Stats(stats) => change.stats = Some(stats.clone()),
            GameEdit::Host(session) => change.host = Some(session_key(*session)),
            GameEdit::Attributes(attributes) => {
                change.attributes = Some(WorldAttributesType(*attributes as _));
            }
            GameEdit::Metadata(json) => {
                let most = medley_store::limits::METADATA;
                if json.len() > most
                    || !json.is_empty() && serde_json::from_str::<serde::de::IgnoredAny>(json).is_err()
                {
                    return Err(Error::Invalid(format!("metadata is JSON of at most {most} bytes")));
                }
                change.metadata = Some(json.clone());
            }
            GameEdit::Other(field) => return Err(unknown_edit(field.id)),
        }
    }
    Ok(change)
}

fn unknown_edit(id: u32) -> Error {
    Error::Invalid(format!("there is no edit of number {id} in this version"))
}

/// The session's machine id: it is kept as hexadecimal text.
fn machine(session: &Session) -> Vec<u8> {
    let text = session.machine.as_bytes();
    let digits: Option<Vec<u8>> = text
        .iter()
        .map(|byte| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    match digits {
        Some(digits) if digits.len() % 2 == 0 => {
            digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
        }
        _ => text.to_vec(),
    }
}

/// A stats blob as the wire has it: empty stands for zeros.
fn blob(stats: &[u8]) -> Vec<u8> {
    let mut blob = stats.to_vec();
    blob.resize(medley_store::limits::STATS_BLOB, 0);
    blob
}

fn stats_blob(stats: &[u8]) -> Result<StatsUpdate, Error> {
    Ok(StatsUpdate::Blob(Box::new(array("stats", stats)?)))
}

impl Clock for TitleHost<'_> {
    fn unix_millis(&self) -> u64 {
        let at_start = self.shared.clock.unix_at_start().as_millis();
        u64::try_from(at_start).unwrap_or(u64::MAX).saturating_add(self.now.millis)
    }

    fn monotonic(&self) -> Duration {
        self.shared.clock.session_now().0
    }
}

impl LobbyHost for TitleHost<'_> {
    fn store_get(&mut self, owner: AccountId, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Self::own_key(key)?;
        let scope = Self::scope(owner)?;
        self.look(|store| store.plugin_get(self.title, scope, key))
    }

    fn store_set(&mut self, owner: AccountId, key: &[u8], value: &[u8]) -> Result<(), Error> {
        Self::own_key(key)?;
        let (title, scope) = (self.title, Self::scope(owner)?);
        let is_new = self.look(|store| store.plugin_get(title, scope, key))?.is_none();
        if is_new && scope == PluginScope::Title {
            let kept = self.look(|store| store.plugin_get(title, scope, KEY_COUNT))?.unwrap_or_default();
            let count = u32::from_le_bytes(kept.as_slice().try_into().unwrap_or_default());
            if count >= self.most_keys {
                return Err(Error::Full(format!("the title's plugin has {count} keys, as many as it may")));
            }
            self.write(|store| store.plugin_set(title, scope, KEY_COUNT, &(count + 1).to_le_bytes()))?;
        } else if is_new {
            let page = Page::first(KEYS_OF_ACCOUNT);
            let (mut keys, mut bytes) = (0, 0);
            for (key, value) in self.look(|store| store.plugin_scan(title, scope, &[], page))? {
                keys += 1;
                bytes += key.len() + value.len();
            }
            if keys >= KEYS_OF_ACCOUNT || bytes >= medley_store::limits::PLUGIN_SCAN {
                let most = medley_store::limits::PLUGIN_SCAN;
                return Err(Error::Full(format!(
                    "an account has at most {KEYS_OF_ACCOUNT} keys and {most} bytes"
                )));
            }
        }
        self.write(|store| store.plugin_set(title, scope, key, value))
    }

    fn store_remove(&mut self, owner: AccountId, key: &[u8]) -> Result<bool, Error> {
        Self::own_key(key)?;
        let (title, scope) = (self.title, Self::scope(owner)?);
        let removed = self.write(|store| store.plugin_remove(title, scope, key))?;
        if removed && scope == PluginScope::Title {
            let kept = self.look(|store| store.plugin_get(title, scope, KEY_COUNT))?.unwrap_or_default();
            let count = u32::from_le_bytes(kept.as_slice().try_into().unwrap_or_default()).saturating_sub(1);
            self.write(|store| store.plugin_set(title, scope, KEY_COUNT, &count.to_le_bytes()))?;
        }
        Ok(removed)
    }

    fn store_scan(
        &mut self,
        owner: AccountId,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: u32,
    ) -> Result<Entries, Error> {
        let scope = Self::scope(owner)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut after = after.map(<[u8]>::to_vec);
        loop {
            let page = Page { after: after.take(), limit };
            let mut rows = self.look(|store| store.plugin_scan(self.title, scope, prefix, page))?;
            let last = rows.last().map(|(key, _)| key.clone());
            rows.retain(|(key, _)| !key.starts_with(OWN_KEYS));
            // An empty list is the end, so a page of the host's own keys alone is passed over.
            if last.is_none() || !rows.is_empty() {
                return Ok(rows);
            }
            after = last;
        }
    }

    fn player(&mut self, session: SessionId) -> Option<Player> {
        let session = self.universe.session(session_key(session))?;
        let account = session.account?;
        Some(Player {
            session: session.key.0,
            account: account.0,
            name: session.name.as_bytes().to_vec(),
            app: session.app_id.0,
            medius_version: session.version,
            address: session.client_ip.to_string(),
            machine: machine(session),
            channel: session.channel.map_or(0, |id| id.0),
            game: session.game.map_or(0, |id| id.0),
            in_game: session.in_game(),
            clan: session.clan.map_or(0, |id| id.0),
            location: session.location,
            moderator: session.moderator,
            logged_in: session.logged_in_at.unwrap_or_default(),
            stats: blob(&session.stats),
            more: Vec::new(),
        })
    }

    fn player_by_account(&mut self, account: AccountId) -> Option<SessionId> {
        self.universe.player(medley_wire::AccountId(account)).map(|session| session.key.0)
    }

    fn player_by_name(&mut self, name: &[u8]) -> Option<SessionId> {
        self.universe.players_named(&Name::new(name)).next().map(|session| session.key.0)
    }

    fn players(&mut self) -> Vec<SessionId> {
        let online = self.universe.sessions().filter(|session| session.account.is_some());
        online.map(|session| session.key.0).collect()
    }

    fn players_in_channel(&mut self, channel: ChannelId) -> Vec<SessionId> {
        self.universe.channel_players(MediusWorldId(channel)).map(|session| session.key.0).collect()
    }

    fn players_in_game(&mut self, game: GameId) -> Vec<SessionId> {
        let players = self.universe.game_players(MediusWorldId(game)).unwrap_or_default();
        players.into_iter().map(|(session, _)| session.key.0).collect()
    }

    fn move_player(&mut self, session: SessionId, channel: ChannelId) -> Result<(), Error> {
        let to = MovePlayer { session: session_key(session), channel: MediusWorldId(channel) };
        self.universe.run(self.now, to).map_err(refused)
    }

    fn set_player_stats(&mut self, session: SessionId, stats: &[u8]) -> Result<(), Error> {
        let update = stats_blob(stats)?;
        let account = self.session(session)?.account.ok_or(Error::NotFound)?;
        // Anonymous players have nothing that lasts.
        if let Some(account) = StoredId::new(account.0) {
            let title = self.title;
            self.write(|store| store.update_stats(title, account, &[update]))?;
        }
        let set = SetAccountStats { session: session_key(session), stats: stats.to_vec() };
        self.universe.run(self.now, set).map_err(|_| Error::NotFound)
    }

    fn set_player_location(&mut self, session: SessionId, location: i32) -> Result<(), Error> {
        let set = SetLocation { session: session_key(session), location };
        self.universe.run(self.now, set).map_err(|_| Error::NotFound)
    }

    fn account(&mut self, id: AccountId) -> Option<Account> {
        let id = StoredId::new(id)?;
        self.look(|store| store.account(self.title, id)).ok()?.map(account)
    }

    fn account_by_name(&mut self, name: &[u8]) -> Option<Account> {
        self.look(|store| store.account_by_name(self.title, name)).ok()?.map(account)
    }

    fn set_account_metadata(&mut self, id: AccountId, json: &str) -> Result<(), Error> {
        let (title, id) = (self.title, StoredId::new(id).ok_or(Error::NotFound)?);
        self.write(|store| store.set_account_metadata(title, id, json))
    }

    fn set_account_password(&mut self, id: AccountId, password: &[u8]) -> Result<(), Error> {
        let id = StoredId::new(id).ok_or(Error::NotFound)?;
        self.look(|store| store.account(self.title, id))?.ok_or(Error::NotFound)?;
        let (store, title, password) = (self.shared.store.clone(), self.title.clone(), password.to_vec());
        self.later(async move { store.set_password(&title, id, Some(&password)).await });
        Ok(())
    }

    fn reset_account_password(&mut self, id: AccountId) -> Result<(), Error> {
        let (title, id) = (self.title, StoredId::new(id).ok_or(Error::NotFound)?);
        self.write(|store| store.set_reset_password(title, id, true))
    }

    fn channel(&mut self, id: ChannelId) -> Option<Channel> {
        let channel = self.universe.channel(MediusWorldId(id))?;
        Some(Channel {
            id: channel.id.0,
            name: channel.name.as_bytes().to_vec(),
            players: u32::try_from(channel.members.len()).unwrap_or(u32::MAX),
            max_players: channel.max_players.into(),
            generic_fields: channel.generic_fields.map(u32::cast_signed).to_vec(),
            generic_field_level: channel.generic_field_level,
            persistent: channel.persistent,
            has_password: !channel.password.is_empty(),
            more: Vec::new(),
        })
    }

    fn channel_by_name(&mut self, name: &[u8]) -> Option<ChannelId> {
        self.universe.channel_named(&Name::new(name)).map(|channel| channel.id.0)
    }

    fn channels(&mut self) -> Vec<ChannelId> {
        self.universe.all_channels().map(|channel| channel.id.0).collect()
    }

    fn create_channel(&mut self, name: &[u8], changes: &[ChannelEdit]) -> Result<ChannelId, Error> {
        let channel = ChannelChange { name: Some(Name::new(name)), ..channel_change(changes)? };
        self.universe.run(self.now, AddChannel { channel }).map(|id| id.0).map_err(refused)
    }

    fn change_channel(&mut self, id: ChannelId, changes: &[ChannelEdit]) -> Result<(), Error> {
        let change = ChangeChannel { channel: MediusWorldId(id), change: channel_change(changes)? };
        self.universe.run(self.now, change).map_err(refused)
    }

    fn remove_channel(&mut self, id: ChannelId) -> Result<(), Error> {
        self.universe.run(self.now, RemoveChannel { channel: MediusWorldId(id) }).map_err(refused)
    }

    fn game(&mut self, id: GameId) -> Option<Game> {
        let game = self.universe.game(MediusWorldId(id))?;
        Some(Game {
            id: game.id.0,
            app: game.app_id.0,
            name: game.spec.name.as_bytes().to_vec(),
            status: game.status.0,
            players: game.player_count().into(),
            min_players: game.spec.min_players.into(),
            max_players: game.spec.max_players.into(),
            game_level: game.spec.game_level,
            player_skill_level: game.spec.player_skill_level,
            rules_set: game.spec.rules_set,
            generic_fields: game.spec.generic_fields.to_vec(),
            stats: blob(&game.spec.stats),
            has_password: !game.spec.password.is_empty(),
            creator: game.creator.0,
            host: game.host.map_or(0, |key| key.0),
            channel: game.channel.map_or(0, |id| id.0),
            created: game.created,
            started: game.started,
            metadata: game.metadata.clone(),
            more: Vec::new(),
        })
    }

    fn games(&mut self) -> Vec<GameId> {
        self.universe.all_games().map(|game| game.id.0).collect()
    }

    fn change_game(&mut self, id: GameId, changes: &[GameEdit]) -> Result<(), Error> {
        let change = ChangeGame { game: MediusWorldId(id), change: game_change(changes)? };
        self.universe.run(self.now, change).map_err(refused)
    }

    fn end_game(&mut self, id: GameId) -> Result<(), Error> {
        let ended = self.universe.run(self.now, CloseGame { game: MediusWorldId(id) });
        if ended { Ok(()) } else { Err(Error::NotFound) }
    }

    fn remove_from_game(&mut self, id: GameId, session: SessionId) -> Result<(), Error> {
        if self.session(session)?.game != Some(MediusWorldId(id)) {
            return Err(Error::NotFound);
        }
        self.universe.run(self.now, LeaveGame { session: session_key(session) });
        Ok(())
    }

    fn clan(&mut self, id: ClanId) -> Option<Clan> {
        let id = StoredClanId(u32::try_from(id).ok()?);
        let found = self.look(|store| {
            let Some(clan) = store.clan(self.title, id)?.filter(|clan| !clan.disbanded) else {
                return Ok(None);
            };
            let stats = store.clan_stats(self.title, id)?.unwrap_or_default();
            let messages = store.clan_messages(self.title, id)?;
            let newest = messages.into_iter().rfind(|message| !message.deleted);
            Ok(Some((clan, stats, newest)))
        });
        let (clan, stats, newest) = found.ok()??;
        Some(Clan {
            id: i32::try_from(clan.id.0).unwrap_or(i32::MAX),
            name: clan.name.0,
            leader: clan.leader.get(),
            stats: stats.blob.to_vec(),
            message: newest.map(|message| message.text.0).unwrap_or_default(),
            more: Vec::new(),
        })
    }

    fn clan_by_name(&mut self, name: &[u8]) -> Option<ClanId> {
        let clan = self.look(|store| store.clan_by_name(self.title, name)).ok()??;
        i32::try_from(clan.id.0).ok()
    }

    fn clan_of_account(&mut self, account: AccountId) -> Option<ClanId> {
        let account = StoredId::new(account)?;
        let clan = self.look(|store| store.clan_of(self.title, account)).ok()??;
        i32::try_from(clan.id.0).ok()
    }

    fn clan_members(&mut self, id: ClanId) -> Vec<AccountId> {
        let Ok(id) = u32::try_from(id) else { return Vec::new() };
        let members = self.look(|store| store.clan_members(self.title, StoredClanId(id)));
        members.unwrap_or_default().into_iter().map(|member| member.id.get()).collect()
    }

    fn set_clan_stats(&mut self, id: ClanId, stats: &[u8]) -> Result<(), Error> {
        let (title, id) = (self.title, StoredClanId(u32::try_from(id).map_err(|_| Error::NotFound)?));
        let update = stats_blob(stats)?;
        let clan = self.look(|store| store.clan(title, id))?.ok_or(Error::NotFound)?;
        self.write(|store| store.update_clan_stats(title, clan.leader, id, &[update]))
    }

    fn post_clan_message(&mut self, id: ClanId, text: &[u8]) -> Result<(), Error> {
        let (title, now) = (self.title, self.unix());
        let id = StoredClanId(u32::try_from(id).map_err(|_| Error::NotFound)?);
        let clan = self.look(|store| store.clan(title, id))?.filter(|clan| !clan.disbanded);
        let leader = clan.ok_or(Error::NotFound)?.leader;
        self.write(|store| store.send_clan_message(title, leader, text, now)).map(drop)
    }

    fn ladder(&mut self, account: AccountId, kind: u8) -> Option<Vec<i32>> {
        let account = StoredId::new(account)?;
        let stats = self.look(|store| store.stats(self.title, account)).ok()??;
        match kind {
            1 => Some(stats.ladder.to_vec()),
            2 => Some(stats.wide.to_vec()),
            3 => {
                let words = stats.blob.chunks_exact(4).map(|word| word.try_into().unwrap_or_default());
                Some(words.map(i32::from_le_bytes).collect())
            }
            _ => None,
        }
    }

    fn set_ladder(&mut self, account: AccountId, kind: u8, stats: &[i32]) -> Result<(), Error> {
        let (title, account) = (self.title, StoredId::new(account).ok_or(Error::NotFound)?);
        let update = match kind {
            1 => StatsUpdate::Ladder(array("stats", stats)?),
            2 => StatsUpdate::Wide(Box::new(array("stats", stats)?)),
            3 => stats_blob(&stats.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>())?,
            kind => return Err(Error::Invalid(format!("there are no stats of kind {kind}: 1, 2 or 3"))),
        };
        self.write(|store| store.update_stats(title, account, &[update]))
    }

    fn ladder_position(
        &mut self,
        account: AccountId,
        kind: u8,
        column: u32,
        ascending: bool,
    ) -> Option<Place> {
        let (stat, account) = (self.ladder_of(kind, column)?, StoredId::new(account)?);
        let found = self.look(|store| store.ladder_place(self.title, stat, order(ascending), account));
        found.ok()?.as_ref().map(place)
    }

    fn ladder_page(&mut self, kind: u8, column: u32, ascending: bool, start: u32, count: u32) -> Vec<Place> {
        let Some(stat) = self.ladder_of(kind, column) else { return Vec::new() };
        let rows = usize::try_from(count).unwrap_or(usize::MAX);
        let found = self.look(|store| store.ladder_page(self.title, stat, order(ascending), start, rows));
        found.unwrap_or_default().iter().map(place).collect()
    }

    fn send_app(&mut self, to: Target, message: &Message, encryption: Encryption) -> Result<(), Error> {
        let payload = Arc::<[u8]>::from([&[message.class, message.id], &message.body[..]].concat());
        for connection in self.listeners(&to)? {
            self.send(connection, Parcel::Payload(Arc::clone(&payload), encryption));
        }
        Ok(())
    }

    fn send_system_message(&mut self, to: Target, severity: u8, text: &str) -> Result<(), Error> {
        for connection in self.listeners(&to)? {
            self.send(connection, Parcel::System(severity, text.into()));
        }
        Ok(())
    }

    fn send_raw(&mut self, to: SessionId, id: u8, body: &[u8], encryption: Encryption) -> Result<(), Error> {
        let id = medley_wire::RtId(id & 0x7f);
        for connection in self.listeners(&Target::Player(to))? {
            let message = RtMessage::Unknown { id, body: body.to_vec() };
            self.send(connection, Parcel::Rt(Box::new(message), encryption));
        }
        Ok(())
    }

    fn kick(&mut self, session: SessionId, text: &str) -> Result<(), Error> {
        let connection = Self::connection_of(self.session(session)?);
        if let Some(connection) = connection.filter(|_| !text.is_empty()) {
            self.send(connection, Parcel::Text(text.into()));
        }
        self.universe.run(self.now, PutOut { session: session_key(session), reason: EndReason::Kicked });
        Ok(())
    }

    fn ban(&mut self, subject: &Subject, reason: &str, until: Option<UnixSeconds>) -> Result<u64, Error> {
        let subject = self.subject(subject)?;
        let account = match &subject {
            BanSubject::Account(id) => Some(medley_wire::AccountId(id.get())),
            // Those who are online are found at the host's next round.
            _ => None,
        };
        let ban = NewBan {
            scope: BanScope::Title(self.title.clone()),
            subject,
            reason: Text(reason.as_bytes().to_vec()),
            created: self.unix(),
            expires: until,
        };
        let ban = self.write(|store| store.add_ban(&ban))?;
        if let Some(account) = account {
            self.universe.run(self.now, Kick { account, reason: EndReason::Banned });
        }
        Ok(ban.id.0.into())
    }

    fn unban(&mut self, ban: u64) -> Result<(), Error> {
        let id = BanId(u32::try_from(ban).map_err(|_| Error::NotFound)?);
        let page = Page { after: id.0.checked_sub(1).map(BanId), limit: 1 };
        let found = self.look(|store| store.bans(page))?;
        // Bans of the host and of other titles are none of the plugin's.
        let scope = BanScope::Title(self.title.clone());
        if !found.iter().any(|found| found.id == id && found.ban.scope == scope) {
            return Err(Error::NotFound);
        }
        self.write(|store| store.remove_ban(id))
    }

    fn banned(&mut self, subject: &Subject) -> Option<String> {
        let mut query = BanQuery { title: Some(self.title.clone()), ..BanQuery::default() };
        match self.subject(subject).ok()? {
            BanSubject::Account(id) => query.account = Some(id),
            BanSubject::Network(network) => query.ip = Some(network.addr()),
            BanSubject::Machine(id) => query.machine_id = Some(id),
        }
        let ban = self.look(|store| store.is_banned(&query, self.unix())).ok()??;
        Some(ban.ban.reason.to_string_lossy().into_owned())
    }

    fn memory_poke(
        &mut self,
        session: SessionId,
        address: u32,
        data: &[u8],
        encryption: Encryption,
    ) -> Result<(), Error> {
        let connection = Self::connection_of(self.session(session)?).ok_or(Error::NotFound)?;
        let mut at = address;
        for piece in data.chunks(POKE) {
            let length = u32::try_from(piece.len()).unwrap_or(0);
            let poke = ServerMemoryPoke { address: at, length, data: VarBytes(piece.to_vec()) };
            self.send(connection, Parcel::Rt(Box::new(RtMessage::ServerMemoryPoke(poke)), encryption));
            at = at.wrapping_add(length);
        }
        Ok(())
    }

    fn memory_query(
        &mut self,
        session: SessionId,
        kind: u8,
        sequence: u32,
        address: u32,
        length: u32,
    ) -> Result<(), Error> {
        let connection = Self::connection_of(self.session(session)?).ok_or(Error::NotFound)?;
        let query = CheatQuery {
            query_type: CheatQueryType(kind),
            sequence,
            address,
            length,
            data: VarBytes(Vec::new()),
        };
        self.send(connection, Parcel::Rt(Box::new(RtMessage::ServerCheatQuery(query)), 0));
        Ok(())
    }

    fn link_send(&mut self, _role: u8, data: &[u8]) -> Result<(), Error> {
        self.shared.to_relay(self.title.as_str(), data)
    }
}
