//! Calls to the host, by area. None blocks; what changes something is done when the call returns, and what is sent leaves after
//! the hook has returned.
//!
//! On other targets than wasm32 the host is that of `testing`.

use crate::sys;
use crate::types::{
    Account, AccountId, Channel, ChannelId, Clan, ClanId, Encryption, Error, Field, Game, GameId,
    HttpRequest, Message, Place, Player, Role, SessionId, Text, Value,
};

/// The host's log. A line carries title, plugin, generation and hook by itself. Bounded per second. The macros
/// [`error!`](crate::error), [`warn!`](crate::warn), [`info!`](crate::info), [`debug!`](crate::debug) and
/// [`trace!`](crate::trace) format like `println!`.
pub mod log {
    use std::fmt::Display;

    /// How grave.
    #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
    pub enum Level {
        /// Something does not work.
        Error = 1,
        /// Something is odd.
        Warn,
        /// Worth knowing.
        Info,
        /// For who looks for a fault.
        Debug,
        /// Everything.
        Trace,
    }

    /// Writes a line, with fields by name.
    pub fn write(level: Level, text: &str, fields: &[(&str, &dyn Display)]) {
        let fields: Vec<(String, String)> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect();
        super::sys::log::write(level as u8, text, &fields);
    }
}

/// Logs that something does not work. Formats like `println!`.
#[macro_export]
macro_rules! error {
    ($($arguments:tt)*) => {
        $crate::host::log::write($crate::host::log::Level::Error, &::std::format!($($arguments)*), &[])
    };
}

/// Logs something odd. Formats like `println!`.
#[macro_export]
macro_rules! warn {
    ($($arguments:tt)*) => {
        $crate::host::log::write($crate::host::log::Level::Warn, &::std::format!($($arguments)*), &[])
    };
}

/// Logs something worth knowing. Formats like `println!`.
#[macro_export]
macro_rules! info {
    ($($arguments:tt)*) => {
        $crate::host::log::write($crate::host::log::Level::Info, &::std::format!($($arguments)*), &[])
    };
}

/// Logs for who looks for a fault. Formats like `println!`.
#[macro_export]
macro_rules! debug {
    ($($arguments:tt)*) => {
        $crate::host::log::write($crate::host::log::Level::Debug, &::std::format!($($arguments)*), &[])
    };
}

/// Logs everything. Formats like `println!`.
#[macro_export]
macro_rules! trace {
    ($($arguments:tt)*) => {
        $crate::host::log::write($crate::host::log::Level::Trace, &::std::format!($($arguments)*), &[])
    };
}

/// Time. (`std::time` does not work in a component.)
pub mod clock {
    use std::time::Duration;

    /// Milliseconds since 1970, UTC. The same throughout one hook.
    pub fn unix_millis() -> u64 {
        super::sys::clock::unix_millis()
    }

    /// Since some beginning; never goes back.
    pub fn monotonic() -> Duration {
        Duration::from_nanos(super::sys::clock::monotonic_nanos())
    }
}

/// Chance, of the system's generator.
pub mod random {
    /// So many bytes, at most 4096.
    pub fn bytes(count: u32) -> Vec<u8> {
        super::sys::random::bytes(count)
    }

    /// Any number.
    pub fn number() -> u64 {
        super::sys::random::number()
    }

    /// A number below `end`, or 0 where `end` is 0. Each is as likely to one part in 2^32.
    pub fn below(end: u32) -> u32 {
        ((u128::from(number()) * u128::from(end)) >> 64) as u32
    }
}

/// Hashes.
pub mod hash {
    /// Which.
    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    pub enum Algorithm {
        /// For old data only.
        Md5 = 1,
        /// For old data only.
        Sha1,
        /// 32 bytes.
        Sha256,
        /// 64 bytes.
        Sha512,
    }

    /// The hash of `data`.
    pub fn digest(algorithm: Algorithm, data: &[u8]) -> Vec<u8> {
        super::sys::hash::digest(algorithm as u8, data).unwrap_or_default()
    }

    /// HMAC.
    pub fn hmac(algorithm: Algorithm, key: &[u8], data: &[u8]) -> Vec<u8> {
        super::sys::hash::hmac(algorithm as u8, key, data).unwrap_or_default()
    }
}

/// `[plugin.settings]` of `game.toml`. [`Settings`](macro@crate::Settings) makes a struct of them.
pub mod settings {
    use super::{Value, sys};

    /// The value, or its default. None: the manifest has no such setting.
    pub fn get(name: &str) -> Option<Value> {
        sys::settings::get(name)
    }
}

/// Files of the folder `assets` beside `game.toml`, read only.
pub mod assets {
    /// All.
    pub fn names() -> Vec<String> {
        super::sys::assets::names()
    }

    /// One.
    pub fn read(name: &str) -> Option<Vec<u8>> {
        super::sys::assets::read(name)
    }
}

/// A durable key-value store of the title. No answer of the hook leaves the host before its writes are on disk.
pub mod store {
    use super::{AccountId, Error, sys};

    /// The owner of what belongs to the title and to no account.
    pub const TITLE: AccountId = AccountId(0);

    /// Keys with their values.
    pub type Entries = Vec<(Vec<u8>, Vec<u8>)>;

    /// What stands there.
    pub fn get(owner: AccountId, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        Ok(sys::store::get(owner.0, key.as_ref())?)
    }

    /// Puts it there. It goes with the account.
    pub fn set(owner: AccountId, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Error> {
        Ok(sys::store::set(owner.0, key.as_ref(), value.as_ref())?)
    }

    /// Takes it away. True if there was one.
    pub fn remove(owner: AccountId, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        Ok(sys::store::remove(owner.0, key.as_ref())?)
    }

    /// Keys with this prefix and their values, in order, those behind `after`, at most `limit`. None left: the end.
    pub fn scan(
        owner: AccountId,
        prefix: impl AsRef<[u8]>,
        after: Option<&[u8]>,
        limit: u32,
    ) -> Result<Entries, Error> {
        Ok(sys::store::scan(owner.0, prefix.as_ref(), after, limit)?)
    }
}

/// State that outlives a trap.
pub mod state {
    /// Given to [`Plugin::restore`](crate::Plugin::restore) of the next instance. [`Plugin::save`](crate::Plugin::save) does the
    /// same at a swap.
    pub fn keep(state: &[u8]) {
        super::sys::state::keep(state);
    }
}

/// Players online.
pub mod players {
    use super::{AccountId, ChannelId, Error, GameId, Player, SessionId, sys};

    /// One.
    pub fn get(session: SessionId) -> Option<Player> {
        sys::players::get(session.0).map(Into::into)
    }

    /// The session of an account.
    pub fn by_account(account: AccountId) -> Option<SessionId> {
        sys::players::by_account(account.0).map(Into::into)
    }

    /// The session of an account of this name.
    pub fn by_name(name: impl AsRef<[u8]>) -> Option<SessionId> {
        sys::players::by_name(name.as_ref()).map(Into::into)
    }

    /// All of the title.
    pub fn all() -> Vec<SessionId> {
        sessions(sys::players::all())
    }

    /// Those in a channel.
    pub fn in_channel(channel: ChannelId) -> Vec<SessionId> {
        sessions(sys::players::in_channel(channel.0))
    }

    /// Those in a game.
    pub fn in_game(game: GameId) -> Vec<SessionId> {
        sessions(sys::players::in_game(game.0))
    }

    /// Moves a player to a channel, as if by JoinChannel. The client is not told: only titles that look can follow.
    pub fn move_to(session: SessionId, channel: ChannelId) -> Result<(), Error> {
        Ok(sys::players::move_to(session.0, channel.0)?)
    }

    /// Writes the 256-byte blob.
    pub fn set_stats(session: SessionId, stats: &[u8]) -> Result<(), Error> {
        Ok(sys::players::set_stats(session.0, stats)?)
    }

    /// Sets LocationID.
    pub fn set_location(session: SessionId, location: i32) -> Result<(), Error> {
        Ok(sys::players::set_location(session.0, location)?)
    }

    fn sessions(ids: Vec<u64>) -> Vec<SessionId> {
        ids.into_iter().map(Into::into).collect()
    }
}

/// Accounts, online or not. Changes need the capability `accounts`.
pub mod accounts {
    use super::{Account, AccountId, Error, sys};

    /// One.
    pub fn get(id: AccountId) -> Option<Account> {
        sys::accounts::get(id.0).map(Into::into)
    }

    /// The account of this name.
    pub fn by_name(name: impl AsRef<[u8]>) -> Option<Account> {
        sys::accounts::by_name(name.as_ref()).map(Into::into)
    }

    /// Sets its JSON, or clears it.
    pub fn set_metadata(id: AccountId, json: &str) -> Result<(), Error> {
        Ok(sys::accounts::set_metadata(id.0, json)?)
    }

    /// The password is hashed by the host; later logins know it.
    pub fn set_password(id: AccountId, password: impl AsRef<[u8]>) -> Result<(), Error> {
        Ok(sys::accounts::set_password(id.0, password.as_ref())?)
    }

    /// The next login sets the password.
    pub fn reset_password(id: AccountId) -> Result<(), Error> {
        Ok(sys::accounts::reset_password(id.0)?)
    }
}

/// Channels.
pub mod channels {
    use super::{Channel, ChannelId, Error, Field, Text, sys};

    /// A change.
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub enum Edit {
        /// Its name.
        Name(Text),
        /// Empty: none.
        Password(Text),
        /// Most players.
        MaxPlayers(u32),
        /// Four.
        GenericFields(Vec<i32>),
        /// MediusWorldGenericFieldLevelType.
        GenericFieldLevel(i32),
        /// Of a later version.
        Other(Field),
    }

    impl From<Edit> for sys::channels::Edit {
        fn from(edit: Edit) -> Self {
            match edit {
                Edit::Name(name) => Self::Name(name.into()),
                Edit::Password(password) => Self::Password(password.into()),
                Edit::MaxPlayers(count) => Self::MaxPlayers(count),
                Edit::GenericFields(fields) => Self::GenericFields(fields),
                Edit::GenericFieldLevel(level) => Self::GenericFieldLevel(level),
                Edit::Other(field) => Self::Other(field),
            }
        }
    }

    /// One.
    pub fn get(id: ChannelId) -> Option<Channel> {
        sys::channels::get(id.0).map(Into::into)
    }

    /// The channel of this name.
    pub fn by_name(name: impl AsRef<[u8]>) -> Option<ChannelId> {
        sys::channels::by_name(name.as_ref()).map(Into::into)
    }

    /// All of the title.
    pub fn all() -> Vec<ChannelId> {
        sys::channels::all().into_iter().map(Into::into).collect()
    }

    /// Makes one that lives until it is removed or the host ends.
    pub fn create(
        name: impl AsRef<[u8]>,
        changes: impl IntoIterator<Item = Edit>,
    ) -> Result<ChannelId, Error> {
        Ok(sys::channels::create(name.as_ref(), &super::lowered(changes))?.into())
    }

    /// Changes one.
    pub fn change(id: ChannelId, changes: impl IntoIterator<Item = Edit>) -> Result<(), Error> {
        Ok(sys::channels::change(id.0, &super::lowered(changes))?)
    }

    /// Refused while somebody is in it.
    pub fn remove(id: ChannelId) -> Result<(), Error> {
        Ok(sys::channels::remove(id.0)?)
    }
}

/// Games.
pub mod games {
    use super::{Error, Field, Game, GameId, SessionId, Text, sys};

    /// A change.
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub enum Edit {
        /// Its name.
        Name(Text),
        /// Empty: none.
        Password(Text),
        /// Fewest players.
        MinPlayers(u32),
        /// Most players.
        MaxPlayers(u32),
        /// GameLevel.
        GameLevel(i32),
        /// PlayerSkillLevel.
        PlayerSkillLevel(i32),
        /// RulesSet.
        RulesSet(i32),
        /// Eight.
        GenericFields(Vec<i32>),
        /// GameStats.
        Stats(Vec<u8>),
        /// Who hosts it.
        Host(SessionId),
        /// MediusWorldAttributesType.
        Attributes(i32),
        /// JSON that goes with the game into the history.
        Metadata(String),
        /// Of a later version.
        Other(Field),
    }

    impl From<Edit> for sys::games::Edit {
        fn from(edit: Edit) -> Self {
            match edit {
                Edit::Name(name) => Self::Name(name.into()),
                Edit::Password(password) => Self::Password(password.into()),
                Edit::MinPlayers(count) => Self::MinPlayers(count),
                Edit::MaxPlayers(count) => Self::MaxPlayers(count),
                Edit::GameLevel(level) => Self::GameLevel(level),
                Edit::PlayerSkillLevel(level) => Self::PlayerSkillLevel(level),
                Edit::RulesSet(rules) => Self::RulesSet(rules),
                Edit::GenericFields(fields) => Self::GenericFields(fields),
                Edit::Stats(stats) => Self::Stats(stats),
                Edit::Host(session) => Self::Host(session.into()),
                Edit::Attributes(attributes) => Self::Attributes(attributes),
                Edit::Metadata(json) => Self::Metadata(json),
                Edit::Other(field) => Self::Other(field),
            }
        }
    }

    /// One.
    pub fn get(id: GameId) -> Option<Game> {
        sys::games::get(id.0).map(Into::into)
    }

    /// All of the title.
    pub fn all() -> Vec<GameId> {
        sys::games::all().into_iter().map(Into::into).collect()
    }

    /// Changes one.
    pub fn change(id: GameId, changes: impl IntoIterator<Item = Edit>) -> Result<(), Error> {
        Ok(sys::games::change(id.0, &super::lowered(changes))?)
    }

    /// Ends it; its players are put out by the relay.
    pub fn end(id: GameId) -> Result<(), Error> {
        Ok(sys::games::end(id.0)?)
    }

    /// Puts a player out of its game.
    pub fn remove_player(id: GameId, session: SessionId) -> Result<(), Error> {
        Ok(sys::games::remove_player(id.0, session.0)?)
    }
}

/// Clans.
pub mod clans {
    use super::{AccountId, Clan, ClanId, Error, sys};

    /// One.
    pub fn get(id: ClanId) -> Option<Clan> {
        sys::clans::get(id.0).map(Into::into)
    }

    /// The clan of this name.
    pub fn by_name(name: impl AsRef<[u8]>) -> Option<ClanId> {
        sys::clans::by_name(name.as_ref()).map(Into::into)
    }

    /// The clan of an account.
    pub fn of_account(account: AccountId) -> Option<ClanId> {
        sys::clans::of_account(account.0).map(Into::into)
    }

    /// Its members.
    pub fn members(id: ClanId) -> Vec<AccountId> {
        sys::clans::members(id.0).into_iter().map(Into::into).collect()
    }

    /// Writes the 256-byte blob.
    pub fn set_stats(id: ClanId, stats: &[u8]) -> Result<(), Error> {
        Ok(sys::clans::set_stats(id.0, stats)?)
    }

    /// Posts a clan message in the leader's name.
    pub fn post(id: ClanId, text: impl AsRef<[u8]>) -> Result<(), Error> {
        Ok(sys::clans::post(id.0, text.as_ref())?)
    }
}

/// Stats of accounts and their order. Changes need no capability: they are the title's own.
pub mod ladders {
    use super::{AccountId, Error, Place, sys};

    /// Which stats.
    #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
    pub enum Kind {
        /// The 15 narrow columns.
        Narrow = 1,
        /// The 100 wide ones.
        Wide,
        /// The 256-byte blob's words.
        Blob,
    }

    /// An account's columns.
    pub fn get(account: AccountId, kind: Kind) -> Option<Vec<i32>> {
        sys::ladders::get(account.0, kind as u8)
    }

    /// Writes them.
    pub fn set(account: AccountId, kind: Kind, stats: &[i32]) -> Result<(), Error> {
        Ok(sys::ladders::set(account.0, kind as u8, stats)?)
    }

    /// An account's place by a column.
    pub fn position(account: AccountId, kind: Kind, column: u32, ascending: bool) -> Option<Place> {
        sys::ladders::position(account.0, kind as u8, column, ascending).map(Into::into)
    }

    /// Places from `start` (1 is the first) on.
    pub fn page(kind: Kind, column: u32, ascending: bool, start: u32, count: u32) -> Vec<Place> {
        sys::ladders::page(kind as u8, column, ascending, start, count).into_iter().map(Into::into).collect()
    }
}

/// Sending. What is sent leaves after the hook has returned, in order. A player who is gone is no error.
pub mod send {
    use super::{ChannelId, Encryption, Error, GameId, Message, SessionId, sys};

    /// To whom.
    #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
    #[non_exhaustive]
    pub enum Target {
        /// One player.
        Player(SessionId),
        /// All in a channel.
        Channel(ChannelId),
        /// All in a game.
        Game(GameId),
        /// All of the title.
        Title,
    }

    impl From<SessionId> for Target {
        fn from(session: SessionId) -> Self {
            Self::Player(session)
        }
    }

    impl From<ChannelId> for Target {
        fn from(channel: ChannelId) -> Self {
            Self::Channel(channel)
        }
    }

    impl From<GameId> for Target {
        fn from(game: GameId) -> Self {
            Self::Game(game)
        }
    }

    impl From<Target> for sys::send::Target {
        fn from(target: Target) -> Self {
            match target {
                Target::Player(session) => Self::Player(session.0),
                Target::Channel(channel) => Self::Channel(channel.0),
                Target::Game(game) => Self::Game(game.0),
                Target::Title => Self::Title,
            }
        }
    }

    /// How loud a system message is.
    #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
    pub struct Severity(pub u8);

    /// An application message to the lobby connection of each.
    pub fn message(to: impl Into<Target>, message: Message) -> Result<(), Error> {
        message_as(to, message, Encryption::AsConnected)
    }

    /// As [`message`], enciphered or not.
    pub fn message_as(to: impl Into<Target>, message: Message, encryption: Encryption) -> Result<(), Error> {
        Ok(sys::send::app(to.into().into(), &message.into(), encryption.into())?)
    }

    /// RT SERVER_SYSTEM_MESSAGE.
    pub fn system_message(to: impl Into<Target>, severity: Severity, text: &str) -> Result<(), Error> {
        Ok(sys::send::system_message(to.into().into(), severity.0, text)?)
    }

    /// Any RT message. Needs the capability `send-raw`.
    pub fn raw(to: SessionId, id: u8, body: &[u8], encryption: Encryption) -> Result<(), Error> {
        Ok(sys::send::raw(to.0, id, body, encryption.into())?)
    }

    /// Many messages, `window` of them on the way at a time: the next goes when an earlier one is acknowledged.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Bulk {
        /// The messages.
        pub chunks: Vec<Message>,
        /// How many may wait for their acknowledgement.
        pub window: u32,
        /// Without an acknowledgement for so long it is over.
        pub timeout_millis: u32,
        /// How they are sent.
        pub encryption: Encryption,
    }

    /// Begins a transfer; [`Plugin::bulk_done`](crate::Plugin::bulk_done) tells its end.
    pub fn start_bulk(to: SessionId, bulk: Bulk) -> Result<u64, Error> {
        let Bulk { chunks, window, timeout_millis, encryption } = bulk;
        let chunks = chunks.into_iter().map(Into::into).collect();
        let bulk = sys::send::Bulk { chunks, window, timeout_millis, encryption: encryption.into() };
        Ok(sys::send::start_bulk(to.0, &bulk)?)
    }

    /// The client has `chunks` of them in all.
    pub fn acknowledge(transfer: u64, chunks: u32) {
        sys::send::acknowledge(transfer, chunks);
    }

    /// Ends a transfer.
    pub fn cancel_bulk(transfer: u64) {
        sys::send::cancel_bulk(transfer);
    }
}

/// Throwing out and banning. Needs the capabilities `kick` and `ban`.
pub mod admin {
    use super::{AccountId, Error, SessionId, sys};

    /// Who is banned.
    #[derive(Clone, Debug, Eq, Hash, PartialEq)]
    #[non_exhaustive]
    pub enum Subject {
        /// An account.
        Account(AccountId),
        /// An address, or a network as `10.0.0.0/8`.
        Address(String),
        /// A machine, by its id.
        Machine(Vec<u8>),
    }

    impl From<Subject> for sys::admin::Subject {
        fn from(subject: Subject) -> Self {
            match subject {
                Subject::Account(account) => Self::Account(account.0),
                Subject::Address(address) => Self::Address(address),
                Subject::Machine(id) => Self::Machine(id),
            }
        }
    }

    /// Throws a player out. The text is shown first, if there is one.
    pub fn kick(session: SessionId, text: &str) -> Result<(), Error> {
        Ok(sys::admin::kick(session.0, text)?)
    }

    /// Bans in this title, until then (seconds since 1970) or for good. Its number.
    pub fn ban(subject: Subject, reason: &str, until: Option<i64>) -> Result<u64, Error> {
        Ok(sys::admin::ban(&subject.into(), reason, until)?)
    }

    /// Lifts a ban.
    pub fn unban(ban: u64) -> Result<(), Error> {
        Ok(sys::admin::unban(ban)?)
    }

    /// The reason, if there is a ban.
    pub fn banned(subject: Subject) -> Option<String> {
        sys::admin::banned(&subject.into())
    }
}

/// The client's memory. Needs the capability `memory`.
pub mod memory {
    use super::{Encryption, Error, SessionId, sys};

    /// RT SERVER_MEMORY_POKE, in pieces of what fits a message.
    pub fn poke(session: SessionId, address: u32, data: &[u8], encryption: Encryption) -> Result<(), Error> {
        Ok(sys::memory::poke(session.0, address, data, encryption.into())?)
    }

    /// RT SERVER_CHEAT_QUERY; [`Plugin::cheat_reply`](crate::Plugin::cheat_reply) brings the answer, which may never come.
    pub fn query(
        session: SessionId,
        kind: u8,
        sequence: u32,
        address: u32,
        length: u32,
    ) -> Result<(), Error> {
        Ok(sys::memory::query(session.0, kind, sequence, address, length)?)
    }
}

/// Requests to the outside. Needs the capability `http:<host>` for each host.
pub mod http {
    use super::{Error, HttpRequest, sys};

    /// Begins a request; [`Plugin::http_done`](crate::Plugin::http_done) brings the response.
    pub fn start(request: HttpRequest) -> Result<u64, Error> {
        Ok(sys::http::start(&request.into())?)
    }
}

/// Numbers of the plugin in the host's metrics, labelled with title and name.
pub mod metrics {
    /// Adds to a counter.
    pub fn add(counter: &str, by: u64) {
        super::sys::metrics::add(counter, by);
    }

    /// Sets a gauge.
    pub fn set(gauge: &str, to: f64) {
        super::sys::metrics::set(gauge, to);
    }
}

/// Timers, by numbers of the plugin's choice. [`Plugin::fired`](crate::Plugin::fired) is called with the number. Resolution a
/// millisecond. A second one of a number replaces the first.
pub mod timers {
    use super::{Error, SessionId, sys};

    /// Once.
    pub fn after(timer: u64, millis: u64) -> Result<(), Error> {
        Ok(sys::timers::set(timer, millis, false)?)
    }

    /// Again and again.
    pub fn every(timer: u64, millis: u64) -> Result<(), Error> {
        Ok(sys::timers::set(timer, millis, true)?)
    }

    /// Once, unless the session ends before.
    pub fn after_for(session: SessionId, timer: u64, millis: u64) -> Result<(), Error> {
        Ok(sys::timers::set_for(session.0, timer, millis, false)?)
    }

    /// Again and again until the session ends.
    pub fn every_for(session: SessionId, timer: u64, millis: u64) -> Result<(), Error> {
        Ok(sys::timers::set_for(session.0, timer, millis, true)?)
    }

    /// Never.
    pub fn cancel(timer: u64) {
        sys::timers::cancel(timer);
    }
}

/// To the title's other instances: those of the relay's threads, and that of the lobby.
pub mod link {
    use super::{Error, Role, sys};

    /// To all of a role. The sender does not get it; [`Plugin::link`](crate::Plugin::link) of the others does.
    pub fn send(to: Role, data: &[u8]) -> Result<(), Error> {
        Ok(sys::link::send(to.into(), data)?)
    }
}

/// The game relay. Works in its instances only.
pub mod relay {
    use super::{Error, sys};

    /// Sends a packet as if player `source` had; `target` -1 to all, else one index. Needs the capability `relay-inject`.
    pub fn inject(world: u32, source: u16, target: i32, udp: bool, payload: &[u8]) -> Result<(), Error> {
        Ok(sys::relay_control::inject(world, source, target, udp, payload)?)
    }

    /// Puts a player out of a world. Needs the capability `kick`.
    pub fn put_out(world: u32, index: u16) -> Result<(), Error> {
        Ok(sys::relay_control::put_out(world, index)?)
    }

    /// Milliseconds on the world's clock.
    pub fn clock(world: u32) -> Option<u32> {
        sys::relay_control::clock(world)
    }
}

fn lowered<T: Into<W>, W>(changes: impl IntoIterator<Item = T>) -> Vec<W> {
    changes.into_iter().map(Into::into).collect()
}
