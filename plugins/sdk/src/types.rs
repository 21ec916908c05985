//! What hooks and host calls speak of: texts, ids, messages, verdicts, and the records of the interface.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use medley_wire::codec::{Reader, Writer};
use medley_wire::{AppId, DecodeError, Dialect};

use crate::bindings::exports::medley::plugin as exported;
use crate::bindings::medley::plugin as imported;

pub use crate::bindings::medley::plugin::types::{Field, Value};
/// `MediusCallbackStatus`. Refusals are negative.
pub use medley_wire::enums::CallbackStatus as Status;

/// Bytes as they travel, up to the first NUL, in the title's own character set (ASCII for nearly all titles).
#[derive(Clone, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Text(Vec<u8>);

impl Text {
    /// The text of these bytes, up to the first NUL.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        let mut bytes = bytes.into();
        if let Some(end) = bytes.iter().position(|byte| *byte == 0) {
            bytes.truncate(end);
        }
        Self(bytes)
    }

    /// As a string; what is not UTF-8 becomes U+FFFD.
    pub fn lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// True if it is `other`, whatever the case of ASCII letters.
    pub fn is_like(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other.as_bytes())
    }

    /// Where `part` stands in it from byte `start` on, whatever the case of ASCII letters. An empty part is nowhere.
    pub fn find(&self, part: &str, start: usize) -> Option<usize> {
        let part = part.as_bytes();
        let rest = self.0.get(start..)?;
        if part.is_empty() {
            return None;
        }
        rest.windows(part.len()).position(|window| window.eq_ignore_ascii_case(part)).map(|at| start + at)
    }

    /// True if `part` stands in it, whatever the case of ASCII letters.
    pub fn has(&self, part: &str) -> bool {
        self.find(part, 0).is_some()
    }

    /// With `with` wherever `part` stands, whatever the case of ASCII letters.
    pub fn replaced(&self, part: &str, with: &str) -> Self {
        let mut out = Vec::with_capacity(self.0.len());
        let mut done = 0;
        while let Some(at) = self.find(part, done) {
            out.extend_from_slice(&self.0[done..at]);
            out.extend_from_slice(with.as_bytes());
            done = at + part.len();
        }
        out.extend_from_slice(&self.0[done..]);
        Self(out)
    }

    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<&Self> for Text {
    fn from(text: &Self) -> Self {
        text.clone()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<Text> for Vec<u8> {
    fn from(text: Text) -> Self {
        text.0
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.lossy())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lossy())
    }
}

macro_rules! ids {
    ($($(#[$docs:meta])* $name:ident($number:ty))*) => {$(
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(pub $number);

        impl $name {
            /// 0: none, nobody.
            pub const NONE: Self = Self(0);

            /// True if it is 0.
            pub const fn is_none(self) -> bool {
                self.0 == 0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$number> for $name {
            fn from(number: $number) -> Self {
                Self(number)
            }
        }

        impl From<$name> for $number {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )*};
}

ids! {
    /// Positive: registered. Negative: anonymous. 0: nobody.
    AccountId(i32)
    /// A player from SessionBegin to the end. 0: none. Never used twice while the host runs.
    SessionId(u64)
    /// MediusWorldID of a channel. 0: none.
    ChannelId(i32)
    /// MediusWorldID of a game. 0: none.
    GameId(i32)
    /// MediusClanID. 0: none.
    ClanId(i32)
}

impl AccountId {
    /// True if it is a registered account's.
    pub const fn is_registered(self) -> bool {
        self.0 > 0
    }
}

/// Which instance of the plugin.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Role {
    /// The one for all requests of the lobby.
    #[default]
    Lobby,
    /// One for each thread of the game relay.
    Relay,
    /// Of a later version.
    Other(u8),
}

impl From<u8> for Role {
    fn from(role: u8) -> Self {
        match role {
            1 => Self::Lobby,
            2 => Self::Relay,
            other => Self::Other(other),
        }
    }
}

impl From<Role> for u8 {
    fn from(role: Role) -> Self {
        match role {
            Role::Lobby => 1,
            Role::Relay => 2,
            Role::Other(other) => other,
        }
    }
}

/// How something is sent.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Encryption {
    /// As the connection is.
    #[default]
    AsConnected,
    /// In the clear.
    Clear,
    /// Enciphered, or not at all.
    Required,
}

impl From<Encryption> for u8 {
    fn from(encryption: Encryption) -> Self {
        match encryption {
            Encryption::AsConnected => 0,
            Encryption::Clear => 1,
            Encryption::Required => 2,
        }
    }
}

/// Has no values: stands where a hook has nothing to replace, or no answer that could be replied.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Never {}

/// What becomes of a request. `T` is what it can be replaced by, `R` what can be replied.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict<T = Never, R = Vec<Message>> {
    /// The host goes on.
    Pass,
    /// The host goes on with this instead.
    Replace(T),
    /// These messages are sent and nothing else happens. An empty list swallows the request.
    Reply(R),
    /// The request is refused with this status, which must be negative. Where a request has no answer, it is dropped.
    Deny(Status),
}

/// What becomes of an RT message.
#[derive(Clone, Debug, PartialEq)]
pub enum RtVerdict {
    /// The host goes on.
    Pass,
    /// The host goes on with this body.
    Replace(Vec<u8>),
    /// Nothing happens.
    Drop,
}

/// What becomes of a relayed packet.
#[derive(Clone, Debug, PartialEq)]
pub enum PacketVerdict {
    /// It goes on.
    Pass,
    /// It goes on with this payload.
    Replace(Vec<u8>),
    /// It goes nowhere.
    Drop,
}

/// Why a host call did nothing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The plugin did not declare the capability, or `game.toml` does not grant it.
    NotGranted(String),
    /// There is no such player, game, account, ...
    NotFound,
    /// An argument is out of its bounds; the text says which and how.
    Invalid(String),
    /// A quota or a limit is used up.
    Full(String),
    /// The host cannot do it now.
    Unavailable(String),
    /// A code of a later version, and its text.
    Other(u32, String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGranted(capability) => write!(f, "the capability `{capability}` is not granted"),
            Self::NotFound => f.write_str("there is none"),
            Self::Invalid(why) | Self::Full(why) | Self::Unavailable(why) => f.write_str(why),
            Self::Other(code, why) => write!(f, "{why} (code {code})"),
        }
    }
}

impl std::error::Error for Error {}

impl From<imported::types::Error> for Error {
    fn from(error: imported::types::Error) -> Self {
        use imported::types::Error as Wit;
        match error {
            Wit::NotGranted(capability) => Self::NotGranted(capability),
            Wit::NotFound => Self::NotFound,
            Wit::Invalid(why) => Self::Invalid(why),
            Wit::Full(why) => Self::Full(why),
            Wit::Unavailable(why) => Self::Unavailable(why),
            Wit::Other((code, why)) => Self::Other(code, why),
        }
    }
}

impl From<Error> for imported::types::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::NotGranted(capability) => Self::NotGranted(capability),
            Error::NotFound => Self::NotFound,
            Error::Invalid(why) => Self::Invalid(why),
            Error::Full(why) => Self::Full(why),
            Error::Unavailable(why) => Self::Unavailable(why),
            Error::Other(code, why) => Self::Other((code, why)),
        }
    }
}

/// Why a plugin refuses to start, or a command: a text for the operator. Any error turns into one with `?`.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal(pub String);

impl<E: fmt::Display> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Records that are the same here and in the interface, but for [`Text`] and the ids.
macro_rules! records {
    ($($(#[$docs:meta])* $name:ident = $wit:path { $($(#[$field_docs:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$docs])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$field_docs])* pub $field: $type,)*
        }

        impl From<$wit> for $name {
            fn from(record: $wit) -> Self {
                Self { $($field: record.$field.into()),* }
            }
        }

        impl From<$name> for $wit {
            fn from(record: $name) -> Self {
                Self { $($field: record.$field.into()),* }
            }
        }
    )*};
}

records! {
    /// Whom a hook is about. `host::players::get` tells the rest.
    Who = imported::types::Who {
        /// The socket. Never used twice while the host runs.
        connection: u64,
        /// None before SessionBegin.
        session: SessionId,
        /// None before the login.
        account: AccountId,
        /// The client's application id.
        app: u32,
        /// 108 is 1.08; decides the layout of messages.
        medius_version: u16,
        /// 1 MUIS, 2 MAS, 3 MLS, 4 MPS, 5 DME. Others may come.
        server: u8,
    }

    /// An application message as on the wire, without its two bytes of class and id.
    Message = imported::types::Message {
        /// NetMessageClass: 0 DME, 1 Lobby, 2 Application, 3 LobbyReport, 4 LobbyExt.
        class: u8,
        /// NetMessageType of that class.
        id: u8,
        /// The body in the layout of the client's Medius version.
        body: Vec<u8>,
    }

    /// SessionBegin of any form.
    SessionBeginRequest = exported::lobby::SessionBeginRequest {
        /// MediusConnectionType.
        connection_class: i32,
    }

    /// AccountLogin, AnonymousLogin and TicketLogin, before the password is looked at.
    LoginRequest = exported::lobby::LoginRequest {
        /// 1 with password, 2 anonymous, 3 by ticket. Others may come.
        kind: u8,
        /// Account name.
        name: Text,
        /// Empty unless `kind` is 1.
        password: Text,
    }

    /// AccountRegistration, and the account that a login with an unknown name would make.
    RegistrationRequest = exported::lobby::RegistrationRequest {
        /// Account name.
        name: Text,
        /// Its password.
        password: Text,
        /// MediusAccountType.
        account_type: i32,
        /// True if a login asks for it.
        by_login: bool,
    }

    /// CreateChannel of any form.
    CreateChannelRequest = exported::lobby::CreateChannelRequest {
        /// Its name.
        name: Text,
        /// Empty: none.
        password: Text,
        /// Most players.
        max_players: i32,
        /// Four, for the title to give meaning to.
        generic_fields: Vec<i32>,
        /// MediusWorldGenericFieldLevelType.
        generic_field_level: i32,
    }

    /// JoinChannel and JoinLeastPopulatedChannel.
    JoinChannelRequest = exported::lobby::JoinChannelRequest {
        /// None: the least populated one is to be found.
        channel: ChannelId,
        /// Its name, of clients that join by name.
        name: Text,
        /// What the player typed.
        password: Text,
    }

    /// CreateGame of any form.
    CreateGameRequest = exported::lobby::CreateGameRequest {
        /// Its name.
        name: Text,
        /// Of players; empty: none.
        password: Text,
        /// Of spectators; empty: none.
        spectator_password: Text,
        /// Fewest players.
        min_players: i32,
        /// Most players.
        max_players: i32,
        /// GameLevel.
        game_level: i32,
        /// PlayerSkillLevel.
        player_skill_level: i32,
        /// RulesSet.
        rules_set: i32,
        /// Always eight; clients of 1.08 send the first three.
        generic_fields: Vec<i32>,
        /// MediusGameHostType.
        host_type: i32,
        /// MediusWorldAttributesType.
        attributes: i32,
    }

    /// JoinGame of any form.
    JoinGameRequest = exported::lobby::JoinGameRequest {
        /// Which.
        game: GameId,
        /// JoinType: 0 player, 1 spectator, 2 massive spectator.
        join_type: i32,
        /// What the player typed.
        password: Text,
    }

    /// EndGameReport.
    EndGameReport = exported::lobby::EndGameReport {
        /// Which.
        game: GameId,
        /// As the client says.
        winning_team: Text,
        /// As the client says.
        winning_player: Text,
    }

    /// WorldReport of any form.
    WorldStatusReport = exported::lobby::WorldStatusReport {
        /// Which.
        game: GameId,
        /// WorldStatus: 0 inactive, 1 staging, 2 active, 3 closed, ...
        world_status: i32,
        /// Its name.
        name: Text,
        /// As the host of the game counts.
        player_count: i32,
        /// Most players.
        max_players: i32,
        /// GameLevel.
        game_level: i32,
        /// PlayerSkillLevel.
        player_skill_level: i32,
        /// RulesSet.
        rules_set: i32,
        /// Always eight.
        generic_fields: Vec<i32>,
        /// GameStats.
        stats: Vec<u8>,
    }

    /// PlayerReport.
    PlayerStatsReport = exported::lobby::PlayerStatsReport {
        /// Which.
        game: GameId,
        /// PlayerStats.
        stats: Vec<u8>,
    }

    /// ChatMessage and GenericChatMessage of any form.
    ChatLine = exported::lobby::ChatLine {
        /// ChatMessageType: 0 broadcast to the channel or game, 1 whisper, 2 to everybody, 3 clan, 4 buddies. Others may come.
        kind: i32,
        /// The account of a whisper.
        target: AccountId,
        /// What is said.
        text: Text,
    }

    /// FindPlayer.
    FindPlayerRequest = exported::lobby::FindPlayerRequest {
        /// None where the search is by name.
        account: AccountId,
        /// The name, where the search is by name.
        name: Text,
    }

    /// Ladder stats about to be written, or told.
    LadderStats = exported::stats::LadderStats {
        /// Whose.
        account: AccountId,
        /// None: of the account.
        clan: ClanId,
        /// True: 100 columns; false: the 15 narrow ones.
        wide: bool,
        /// True: to be added to what is there.
        delta: bool,
        /// The columns.
        stats: Vec<i32>,
    }

    /// A player's connection to a world of the relay.
    Seat = exported::relay::Seat {
        /// The relay's own number of the world.
        world: u32,
        /// DME index in the world.
        index: u16,
        /// The client's application id.
        app: u32,
        /// 108 is 1.08.
        medius_version: u16,
        /// SessionKey, as the client gave it.
        session_key: Vec<u8>,
    }

    /// A relayed packet.
    Packet = exported::relay::Packet {
        /// The relay's own number of the world.
        world: u32,
        /// DME index of the sender.
        source: u16,
        /// -1 to all, -2 to a list, else one index.
        target: i32,
        /// True: UDP.
        udp: bool,
        /// What the title says; several messages back to back.
        payload: Vec<u8>,
    }

    /// A player online.
    Player = imported::players::Player {
        /// Its session.
        session: SessionId,
        /// Its account.
        account: AccountId,
        /// The account's name.
        name: Text,
        /// The client's application id.
        app: u32,
        /// 108 is 1.08.
        medius_version: u16,
        /// Dotted or with colons.
        address: String,
        /// Id of the machine, if the client told it.
        machine: Vec<u8>,
        /// Where it is in the lobby.
        channel: ChannelId,
        /// Which game it is in, or about to join.
        game: GameId,
        /// The connection to the game is up.
        in_game: bool,
        /// Its clan.
        clan: ClanId,
        /// LocationID.
        location: i32,
        /// May moderate.
        moderator: bool,
        /// Seconds since 1970, UTC.
        logged_in: i64,
        /// The 256-byte blob.
        stats: Vec<u8>,
        /// What later hosts say besides.
        more: Vec<Field>,
    }

    /// An account, online or not.
    Account = imported::accounts::Account {
        /// Its id.
        id: AccountId,
        /// Its name.
        name: Text,
        /// Seconds since 1970, UTC.
        created: i64,
        /// Seconds since 1970, UTC.
        last_login: Option<i64>,
        /// JSON, or empty.
        metadata: String,
        /// What later hosts say besides.
        more: Vec<Field>,
    }

    /// A channel.
    Channel = imported::channels::Channel {
        /// Its id.
        id: ChannelId,
        /// Its name.
        name: Text,
        /// Players in it.
        players: u32,
        /// Most players.
        max_players: u32,
        /// Four, for the title to give meaning to.
        generic_fields: Vec<i32>,
        /// MediusWorldGenericFieldLevelType.
        generic_field_level: i32,
        /// Always there: of `game.toml`.
        persistent: bool,
        /// Has one.
        has_password: bool,
        /// What later hosts say besides.
        more: Vec<Field>,
    }

    /// A game.
    Game = imported::games::Game {
        /// Its id.
        id: GameId,
        /// The application id of who made it.
        app: u32,
        /// Its name.
        name: Text,
        /// WorldStatus.
        status: i32,
        /// Players in it.
        players: u32,
        /// Fewest players.
        min_players: u32,
        /// Most players.
        max_players: u32,
        /// GameLevel.
        game_level: i32,
        /// PlayerSkillLevel.
        player_skill_level: i32,
        /// RulesSet.
        rules_set: i32,
        /// Eight.
        generic_fields: Vec<i32>,
        /// GameStats.
        stats: Vec<u8>,
        /// Has one.
        has_password: bool,
        /// Who made it.
        creator: AccountId,
        /// Who hosts it.
        host: SessionId,
        /// Where it was made.
        channel: ChannelId,
        /// Seconds since 1970, UTC.
        created: i64,
        /// Seconds since 1970, UTC.
        started: Option<i64>,
        /// JSON, or empty.
        metadata: String,
        /// What later hosts say besides.
        more: Vec<Field>,
    }

    /// A clan.
    Clan = imported::clans::Clan {
        /// Its id.
        id: ClanId,
        /// Its name.
        name: Text,
        /// Who leads it.
        leader: AccountId,
        /// The 256-byte blob.
        stats: Vec<u8>,
        /// The clan's newest message, or empty.
        message: Text,
        /// What later hosts say besides.
        more: Vec<Field>,
    }

    /// A place in a ladder.
    Place = imported::ladders::Place {
        /// From 1; equals share it.
        position: u32,
        /// Who.
        account: AccountId,
        /// The column's value.
        score: i32,
    }

    /// A request to the outside.
    HttpRequest = imported::http::HttpRequest {
        /// GET, POST, ...
        method: String,
        /// `https://host[:port]/path`.
        url: String,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// What is sent.
        body: Vec<u8>,
    }

    /// Its response.
    HttpResponse = exported::answers::HttpResponse {
        /// 200 is well.
        status: u16,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// What came.
        body: Vec<u8>,
    }
}

/// What JoinGameResponse is about to tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JoinGameAnswer {
    /// Which.
    pub game: GameId,
    /// What the client is told.
    pub status: Status,
    /// The relay's or host's address, dotted.
    pub address: String,
    /// Its port.
    pub port: u16,
    /// NetConnectionType.
    pub connection_type: i32,
    /// Most players.
    pub max_players: i32,
}

impl From<exported::lobby::JoinGameAnswer> for JoinGameAnswer {
    fn from(answer: exported::lobby::JoinGameAnswer) -> Self {
        let exported::lobby::JoinGameAnswer { game, status, address, port, connection_type, max_players } =
            answer;
        Self { game: game.into(), status: Status(status), address, port, connection_type, max_players }
    }
}

impl From<JoinGameAnswer> for exported::lobby::JoinGameAnswer {
    fn from(answer: JoinGameAnswer) -> Self {
        let JoinGameAnswer { game, status, address, port, connection_type, max_players } = answer;
        Self { game: game.into(), status: status.0, address, port, connection_type, max_players }
    }
}

impl Who {
    /// What decides the layout of this client's messages.
    pub fn dialect(&self) -> Dialect {
        Dialect::new(self.medius_version, AppId(self.app))
    }
}

impl Player {
    /// What decides the layout of this client's messages.
    pub fn dialect(&self) -> Dialect {
        Dialect::new(self.medius_version, AppId(self.app))
    }
}

impl From<&Who> for Dialect {
    fn from(who: &Who) -> Self {
        who.dialect()
    }
}

impl From<&Player> for Dialect {
    fn from(player: &Player) -> Self {
        player.dialect()
    }
}

impl Message {
    /// True if it is an `M`.
    pub fn is<M: medley_wire::messages::Message>(&self) -> bool {
        let (class, id) = key::<M>();
        (self.class, self.id) == (class, id)
    }

    /// The typed message that it is, for a client like `who` (a [`Who`], a [`Player`] or a dialect). Bytes behind its end are
    /// left out, as clients do.
    pub fn decode<M: medley_wire::messages::Message>(
        &self,
        who: impl Into<Dialect>,
    ) -> Result<M, DecodeError> {
        let mut reader = Reader::new(M::INFO.name, &self.body);
        M::decode(&mut reader, &who.into())
    }

    /// As a client like `who` reads it.
    pub fn encode<M: medley_wire::messages::Message>(message: &M, who: impl Into<Dialect>) -> Self {
        let (class, id) = key::<M>();
        let mut writer = Writer::new();
        message.encode(&mut writer, &who.into());
        Self { class, id, body: writer.into_bytes() }
    }
}

/// Class and id of a typed message. Application messages (class 2) have 32-bit ids that travel inside their body; they are
/// reached as raw bytes.
pub(crate) const fn key<M: medley_wire::messages::Message>() -> (u8, u8) {
    (M::INFO.class.0, M::INFO.id as u8)
}

/// One verdict of the interface: which of the four it knows.
macro_rules! verdicts {
    ($($wit:ident of $interface:ident: $value:ty $(, replace $replace:ident)? $(, reply $reply:ident)?;)*) => {$(
        impl From<verdicts!(@ours $value $(, $reply)?)> for exported::$interface::$wit {
            fn from(verdict: verdicts!(@ours $value $(, $reply)?)) -> Self {
                match verdict {
                    Verdict::Pass => Self::Pass,
                    Verdict::Replace(value) => verdicts!(@replace value $(, $replace)?),
                    Verdict::Reply(messages) => verdicts!(@reply messages $(, $reply)?),
                    Verdict::Deny(status) => Self::Deny(status.0),
                }
            }
        }
    )*};
    (@ours $value:ty, $reply:ident) => { Verdict<$value> };
    (@ours $value:ty) => { Verdict<$value, Never> };
    (@replace $v:ident, $replace:ident) => { Self::Replace(lower($v)) };
    (@replace $v:ident) => { match $v {} };
    (@reply $v:ident, $reply:ident) => { Self::Reply($v.into_iter().map(Into::into).collect()) };
    (@reply $v:ident) => { match $v {} };
}

/// `From` for what a verdict carries; also for lists.
trait Lower<W> {
    fn lower(self) -> W;
}

fn lower<T: Lower<W>, W>(value: T) -> W {
    value.lower()
}

impl Lower<Vec<Vec<u8>>> for Vec<Text> {
    fn lower(self) -> Vec<Vec<u8>> {
        self.into_iter().map(Into::into).collect()
    }
}

macro_rules! lowered {
    ($($ours:ty => $wit:ty,)*) => {$(
        impl Lower<$wit> for $ours {
            fn lower(self) -> $wit {
                self.into()
            }
        }
    )*};
}

lowered! {
    Text => Vec<u8>,
    Vec<u8> => Vec<u8>,
    Vec<i32> => Vec<i32>,
    Message => imported::types::Message,
    LoginRequest => exported::lobby::LoginRequest,
    RegistrationRequest => exported::lobby::RegistrationRequest,
    CreateChannelRequest => exported::lobby::CreateChannelRequest,
    JoinChannelRequest => exported::lobby::JoinChannelRequest,
    CreateGameRequest => exported::lobby::CreateGameRequest,
    JoinGameRequest => exported::lobby::JoinGameRequest,
    JoinGameAnswer => exported::lobby::JoinGameAnswer,
    EndGameReport => exported::lobby::EndGameReport,
    WorldStatusReport => exported::lobby::WorldStatusReport,
    PlayerStatsReport => exported::lobby::PlayerStatsReport,
    ChatLine => exported::lobby::ChatLine,
    FindPlayerRequest => exported::lobby::FindPlayerRequest,
}

verdicts! {
    SessionVerdict of lobby: Never, reply yes;
    Verdict of lobby: Never, reply yes;
    LoginVerdict of lobby: LoginRequest, replace yes, reply yes;
    RegistrationVerdict of lobby: RegistrationRequest, replace yes, reply yes;
    CreateChannelVerdict of lobby: CreateChannelRequest, replace yes, reply yes;
    JoinChannelVerdict of lobby: JoinChannelRequest, replace yes, reply yes;
    CreateGameVerdict of lobby: CreateGameRequest, replace yes, reply yes;
    JoinGameVerdict of lobby: JoinGameRequest, replace yes, reply yes;
    JoinAnswerVerdict of lobby: JoinGameAnswer, replace yes;
    EndGameVerdict of lobby: EndGameReport, replace yes;
    WorldReportVerdict of lobby: WorldStatusReport, replace yes;
    PlayerReportVerdict of lobby: PlayerStatsReport, replace yes;
    ChatVerdict of lobby: ChatLine, replace yes, reply yes;
    FindPlayerVerdict of lobby: FindPlayerRequest, replace yes, reply yes;
    TextsVerdict of lobby: Vec<Text>, replace yes, reply yes;
    TextVerdict of lobby: Text, replace yes;
    BlobVerdict of stats: Vec<u8>, replace yes;
    LadderVerdict of stats: Vec<i32>, replace yes;
    MessageVerdict of messages: Message, replace yes, reply yes;
}

impl From<RtVerdict> for exported::messages::RtVerdict {
    fn from(verdict: RtVerdict) -> Self {
        match verdict {
            RtVerdict::Pass => Self::Pass,
            RtVerdict::Replace(body) => Self::Replace(body),
            RtVerdict::Drop => Self::Drop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_at_its_first_nul_and_equals_strings() {
        let text = Text::from(b"Badger\0old bytes".as_slice());
        assert_eq!(text, "Badger");
        assert!(text.is_like("bADGER") && !text.is_like("badge"));
        assert_eq!(text.len(), 6);
    }

    #[test]
    fn parts_are_found_and_replaced_whatever_their_case() {
        let text = Text::from("LAG, lag, Laggard");
        assert!(text.has("lAG") && !text.has("") && !text.has("lagx"));
        assert_eq!(text.replaced("lag", "fun"), "fun, fun, fungard");
        assert_eq!(text.replaced("", "x"), text);
        assert_eq!(Text::from(vec![0xE9, b'a']).replaced("a", "b").into_bytes(), [0xE9, b'b']);
    }

    #[test]
    fn a_typed_message_survives_the_way_through_bytes() {
        use medley_wire::messages::DnasSignaturePost;
        let who = Who { app: 10_684, medius_version: 109, ..Who::default() };
        let post = DnasSignaturePost::default();
        let message = Message::encode(&post, &who);
        assert!(message.is::<DnasSignaturePost>());
        assert_eq!(message.decode::<DnasSignaturePost>(&who), Ok(post));
        let short = Message { body: Vec::new(), ..message };
        assert!(short.decode::<DnasSignaturePost>(&who).is_err());
    }
}
