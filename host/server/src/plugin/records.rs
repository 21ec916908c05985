//! Requests as the records of typed hooks, and back: one record for all forms in which a request travels.
//!
//! What a plugin gives back must fit the message that it goes into. A field that a form of the message does not have is left
//! out of the way out and has to be empty on the way back.

use medley_runtime::api;
use medley_wire::enums::{
    ChatMessageType, GameHostType, JoinType, LadderType, PlayerSearchType, WorldStatus,
};
use medley_wire::messages as wire;
use medley_wire::types::{Blob, Text, VarText};
use medley_wire::{ClanId, MediusWorldId};
use thiserror::Error;

use crate::np_ticket::NpTicket;

/// Why what a plugin gave does not fit the message.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub(crate) enum Misfit {
    /// A text is too long for its field.
    #[error("{field} has {length} bytes, and at most {most} fit")]
    Long {
        /// Name of the record's field.
        field: &'static str,
        /// Bytes.
        length: usize,
        /// Bytes that fit.
        most: usize,
    },
    /// A list has another number of elements.
    #[error("{field} has {found} elements instead of {wanted}")]
    Count {
        /// Name of the record's field.
        field: &'static str,
        /// Elements that it must have.
        wanted: usize,
        /// Elements that it has.
        found: usize,
    },
    /// This form of the message has no place for it.
    #[error("{field} cannot be set: this client's message has no such field")]
    NoField {
        /// Name of the record's field.
        field: &'static str,
    },
    /// A number is outside of what the field takes.
    #[error("{field} is {found}, which the message cannot say")]
    Number {
        /// Name of the record's field.
        field: &'static str,
        /// The number.
        found: i64,
    },
}

/// A message that a hook's record can be made of, and that takes a changed one.
pub(crate) trait Carries<R> {
    /// What the hook is shown.
    fn record(&self) -> R;

    /// Takes what the hook gave instead.
    fn take(&mut self, record: R) -> Result<(), Misfit>;
}

/// A text into its field, whose last byte is a NUL. One that is as it was keeps what is behind its NUL.
fn put_text<const N: usize>(to: &mut Text<N>, field: &'static str, text: &[u8]) -> Result<(), Misfit> {
    if to.as_bytes() == text {
        return Ok(());
    }
    if text.len() >= N {
        return Err(Misfit::Long { field, length: text.len(), most: N - 1 });
    }
    *to = Text::new(text);
    Ok(())
}

fn put_var_text(to: &mut VarText, size: &mut i64, field: &'static str, text: &[u8]) -> Result<(), Misfit> {
    if to.as_bytes() == text {
        return Ok(());
    }
    if text.len() > VAR_TEXT {
        return Err(Misfit::Long { field, length: text.len(), most: VAR_TEXT });
    }
    // The NUL is counted in the lengths that clients send.
    *size = text.len() as i64 + 1;
    *to = VarText::new(text);
    Ok(())
}

fn put_blob<const N: usize>(to: &mut Blob<N>, field: &'static str, bytes: &[u8]) -> Result<(), Misfit> {
    to.0 = bytes.try_into().map_err(|_| Misfit::Count { field, wanted: N, found: bytes.len() })?;
    Ok(())
}

fn put_array<const N: usize>(to: &mut [i32; N], field: &'static str, from: &[i32]) -> Result<(), Misfit> {
    *to = from.try_into().map_err(|_| Misfit::Count { field, wanted: N, found: from.len() })?;
    Ok(())
}

/// For a field that this form of the message lacks.
fn none(field: &'static str, empty: bool) -> Result<(), Misfit> {
    if empty { Ok(()) } else { Err(Misfit::NoField { field }) }
}

fn eight(fields: &[i32]) -> Result<[i32; 8], Misfit> {
    let count = fields.len();
    fields.try_into().map_err(|_| Misfit::Count { field: "generic-fields", wanted: 8, found: count })
}

/// The generic fields of a form that has three of them.
fn three(fields: &[i32]) -> Result<[i32; 3], Misfit> {
    let [a, b, c, rest @ ..] = eight(fields)?;
    none("generic-fields", rest == [0; 5])?;
    Ok([a, b, c])
}

/// Bytes of a text of variable length, the longest that a lobby message takes with room for the rest of it.
const VAR_TEXT: usize = 2048;

macro_rules! session_begin {
    ($($message:ident),*) => {$(
        impl Carries<api::SessionBeginRequest> for wire::$message {
            fn record(&self) -> api::SessionBeginRequest {
                api::SessionBeginRequest { connection_class: self.connection_class.0 as i32 }
            }

            fn take(&mut self, _: api::SessionBeginRequest) -> Result<(), Misfit> {
                Ok(())
            }
        }
    )*};
}

session_begin!(SessionBeginRequest, SessionBeginRequest1, ExtendedSessionBeginRequest);

/// Kinds of [`api::LoginRequest`].
mod login {
    pub(super) const PASSWORD: u8 = 1;
    pub(super) const ANONYMOUS: u8 = 2;
    pub(super) const TICKET: u8 = 3;
}

impl Carries<api::LoginRequest> for wire::AccountLoginRequest {
    fn record(&self) -> api::LoginRequest {
        api::LoginRequest {
            kind: login::PASSWORD,
            name: self.username.as_bytes().to_vec(),
            password: self.password.as_bytes().to_vec(),
        }
    }

    fn take(&mut self, record: api::LoginRequest) -> Result<(), Misfit> {
        same_kind(record.kind, login::PASSWORD)?;
        put_text(&mut self.username, "name", &record.name)?;
        put_text(&mut self.password, "password", &record.password)
    }
}

impl Carries<api::LoginRequest> for wire::AnonymousLoginRequest {
    fn record(&self) -> api::LoginRequest {
        let name = self.session_display_name.as_bytes().to_vec();
        api::LoginRequest { kind: login::ANONYMOUS, name, password: Vec::new() }
    }

    fn take(&mut self, record: api::LoginRequest) -> Result<(), Misfit> {
        same_kind(record.kind, login::ANONYMOUS)?;
        none("password", record.password.is_empty())?;
        put_text(&mut self.session_display_name, "name", &record.name)
    }
}

impl Carries<api::LoginRequest> for wire::TicketLoginRequest {
    fn record(&self) -> api::LoginRequest {
        let name =
            NpTicket::parse(self.ticket_version.0, &self.ticket_data.0).map(|ticket| ticket.account_name());
        api::LoginRequest { kind: login::TICKET, name: name.unwrap_or_default(), password: Vec::new() }
    }

    fn take(&mut self, record: api::LoginRequest) -> Result<(), Misfit> {
        same_kind(record.kind, login::TICKET)?;
        none("password", record.password.is_empty())?;
        // The name is the ticket's, which nobody but its maker may change.
        none("name", record.name == <Self as Carries<api::LoginRequest>>::record(self).name)
    }
}

fn same_kind(found: u8, wanted: u8) -> Result<(), Misfit> {
    if found == wanted { Ok(()) } else { Err(Misfit::Number { field: "kind", found: found.into() }) }
}

impl Carries<api::RegistrationRequest> for wire::AccountRegistrationRequest {
    fn record(&self) -> api::RegistrationRequest {
        api::RegistrationRequest {
            name: self.account_name.as_bytes().to_vec(),
            password: self.password.as_bytes().to_vec(),
            account_type: self.account_type.0,
            by_login: false,
        }
    }

    fn take(&mut self, record: api::RegistrationRequest) -> Result<(), Misfit> {
        none("by-login", !record.by_login)?;
        self.account_type.0 = record.account_type;
        put_text(&mut self.account_name, "name", &record.name)?;
        put_text(&mut self.password, "password", &record.password)
    }
}

impl Carries<api::CreateChannelRequest> for wire::CreateChannelRequest {
    fn record(&self) -> api::CreateChannelRequest {
        let fields = [self.generic_field1, self.generic_field2, self.generic_field3, self.generic_field4];
        api::CreateChannelRequest {
            name: self.lobby_name.as_bytes().to_vec(),
            password: self.lobby_password.as_bytes().to_vec(),
            max_players: self.max_players,
            generic_fields: fields.map(u32::cast_signed).to_vec(),
            generic_field_level: self.generic_field_level.0,
        }
    }

    fn take(&mut self, record: api::CreateChannelRequest) -> Result<(), Misfit> {
        put_text(&mut self.lobby_name, "name", &record.name)?;
        put_text(&mut self.lobby_password, "password", &record.password)?;
        let mut fields = [0; 4];
        put_array(&mut fields, "generic-fields", &record.generic_fields)?;
        [self.generic_field1, self.generic_field2, self.generic_field3, self.generic_field4] =
            fields.map(i32::cast_unsigned);
        self.max_players = record.max_players;
        self.generic_field_level.0 = record.generic_field_level;
        Ok(())
    }
}

impl Carries<api::CreateChannelRequest> for wire::CreateChannelRequest0 {
    fn record(&self) -> api::CreateChannelRequest {
        let fields = [self.generic_field1, self.generic_field2, self.generic_field3, 0];
        api::CreateChannelRequest {
            name: Vec::new(),
            password: self.game_password.as_bytes().to_vec(),
            max_players: self.max_players,
            generic_fields: fields.map(u32::cast_signed).to_vec(),
            generic_field_level: 0,
        }
    }

    fn take(&mut self, record: api::CreateChannelRequest) -> Result<(), Misfit> {
        none("name", record.name.is_empty())?;
        none("generic-field-level", record.generic_field_level == 0)?;
        put_text(&mut self.game_password, "password", &record.password)?;
        let mut fields = [0; 4];
        put_array(&mut fields, "generic-fields", &record.generic_fields)?;
        let [field1, field2, field3, field4] = fields.map(i32::cast_unsigned);
        none("generic-fields", field4 == 0)?;
        [self.generic_field1, self.generic_field2, self.generic_field3] = [field1, field2, field3];
        self.max_players = record.max_players;
        Ok(())
    }
}

impl Carries<api::CreateChannelRequest> for wire::CreateChannelRequest1 {
    fn record(&self) -> api::CreateChannelRequest {
        api::CreateChannelRequest {
            name: self.lobby_name.as_bytes().to_vec(),
            password: self.lobby_password.as_bytes().to_vec(),
            max_players: self.max_players,
            generic_fields: vec![0; 4],
            generic_field_level: 0,
        }
    }

    fn take(&mut self, record: api::CreateChannelRequest) -> Result<(), Misfit> {
        none("generic-field-level", record.generic_field_level == 0)?;
        let mut fields = [0; 4];
        put_array(&mut fields, "generic-fields", &record.generic_fields)?;
        none("generic-fields", fields == [0; 4])?;
        put_text(&mut self.lobby_name, "name", &record.name)?;
        put_text(&mut self.lobby_password, "password", &record.password)?;
        self.max_players = record.max_players;
        Ok(())
    }
}

impl Carries<api::JoinChannelRequest> for wire::JoinChannelRequest {
    fn record(&self) -> api::JoinChannelRequest {
        let password = self.lobby_channel_password.as_bytes().to_vec();
        api::JoinChannelRequest { channel: self.world_id, name: Vec::new(), password }
    }

    fn take(&mut self, record: api::JoinChannelRequest) -> Result<(), Misfit> {
        none("name", record.name.is_empty())?;
        self.world_id = record.channel;
        put_text(&mut self.lobby_channel_password, "password", &record.password)
    }
}

impl Carries<api::JoinChannelRequest> for wire::JoinLeastPopulatedChannelRequest {
    fn record(&self) -> api::JoinChannelRequest {
        api::JoinChannelRequest { channel: 0, name: Vec::new(), password: Vec::new() }
    }

    fn take(&mut self, record: api::JoinChannelRequest) -> Result<(), Misfit> {
        none("channel", record.channel == 0)?;
        none("name", record.name.is_empty())?;
        none("password", record.password.is_empty())
    }
}

impl Carries<api::CreateGameRequest> for wire::CreateGameRequest {
    fn record(&self) -> api::CreateGameRequest {
        api::CreateGameRequest {
            name: self.game_name.as_bytes().to_vec(),
            password: self.game_password.as_bytes().to_vec(),
            spectator_password: self.spectator_password.as_bytes().to_vec(),
            min_players: self.min_players,
            max_players: self.max_players,
            game_level: self.game_level,
            player_skill_level: self.player_skill_level,
            rules_set: self.rules_set,
            generic_fields: vec![
                self.generic_field1,
                self.generic_field2,
                self.generic_field3,
                self.generic_field4,
                self.generic_field5,
                self.generic_field6,
                self.generic_field7,
                self.generic_field8,
            ],
            host_type: self.game_host_type.0,
            attributes: self.attributes.0,
        }
    }

    fn take(&mut self, record: api::CreateGameRequest) -> Result<(), Misfit> {
        put_text(&mut self.game_name, "name", &record.name)?;
        put_text(&mut self.game_password, "password", &record.password)?;
        put_text(&mut self.spectator_password, "spectator-password", &record.spectator_password)?;
        [
            self.generic_field1,
            self.generic_field2,
            self.generic_field3,
            self.generic_field4,
            self.generic_field5,
            self.generic_field6,
            self.generic_field7,
            self.generic_field8,
        ] = eight(&record.generic_fields)?;
        self.min_players = record.min_players;
        self.max_players = record.max_players;
        self.game_level = record.game_level;
        self.player_skill_level = record.player_skill_level;
        self.rules_set = record.rules_set;
        self.game_host_type = GameHostType(record.host_type);
        self.attributes.0 = record.attributes;
        Ok(())
    }
}

/// The forms with three generic fields; the last argument says what else one of them has.
macro_rules! create_game {
    ($($message:ident, $spectators:tt;)*) => {$(
        impl Carries<api::CreateGameRequest> for wire::$message {
            fn record(&self) -> api::CreateGameRequest {
                let mut record = api::CreateGameRequest {
                    name: self.game_name.as_bytes().to_vec(),
                    password: self.game_password.as_bytes().to_vec(),
                    spectator_password: Vec::new(),
                    min_players: self.min_players,
                    max_players: self.max_players,
                    game_level: self.game_level,
                    player_skill_level: self.player_skill_level,
                    rules_set: self.rules_set,
                    generic_fields: vec![self.generic_field1, self.generic_field2, self.generic_field3, 0, 0, 0, 0, 0],
                    host_type: self.game_host_type.0,
                    attributes: 0,
                };
                create_game!(@record $spectators self record);
                record
            }

            fn take(&mut self, record: api::CreateGameRequest) -> Result<(), Misfit> {
                create_game!(@take $spectators self record);
                put_text(&mut self.game_name, "name", &record.name)?;
                put_text(&mut self.game_password, "password", &record.password)?;
                [self.generic_field1, self.generic_field2, self.generic_field3] = three(&record.generic_fields)?;
                self.min_players = record.min_players;
                self.max_players = record.max_players;
                self.game_level = record.game_level;
                self.player_skill_level = record.player_skill_level;
                self.rules_set = record.rules_set;
                self.game_host_type = GameHostType(record.host_type);
                Ok(())
            }
        }
    )*};
    (@record none $self:ident $record:ident) => {
        // CreateGame0 has neither.
        let _ = &mut $record;
    };
    (@record both $self:ident $record:ident) => {
        $record.spectator_password = $self.spectator_password.as_bytes().to_vec();
        $record.attributes = $self.attributes.0;
    };
    (@take none $self:ident $record:ident) => {
        none("spectator-password", $record.spectator_password.is_empty())?;
        none("attributes", $record.attributes == 0)?;
    };
    (@take both $self:ident $record:ident) => {
        put_text(&mut $self.spectator_password, "spectator-password", &$record.spectator_password)?;
        $self.attributes.0 = $record.attributes;
    };
}

create_game! {
    CreateGameRequest0, none;
    CreateGameRequest1, both;
}

impl Carries<api::JoinGameRequest> for wire::JoinGameRequest {
    fn record(&self) -> api::JoinGameRequest {
        api::JoinGameRequest {
            game: self.medius_world_id.0,
            join_type: self.join_type.0,
            password: self.game_password.as_bytes().to_vec(),
        }
    }

    fn take(&mut self, record: api::JoinGameRequest) -> Result<(), Misfit> {
        self.medius_world_id = MediusWorldId(record.game);
        self.join_type = JoinType(record.join_type);
        put_text(&mut self.game_password, "password", &record.password)
    }
}

impl Carries<api::JoinGameRequest> for wire::JoinGameRequest0 {
    fn record(&self) -> api::JoinGameRequest {
        let password = self.game_password.as_bytes().to_vec();
        api::JoinGameRequest { game: self.medius_world_id.0, join_type: JoinType::PLAYER.0, password }
    }

    fn take(&mut self, record: api::JoinGameRequest) -> Result<(), Misfit> {
        none("join-type", record.join_type == JoinType::PLAYER.0)?;
        self.medius_world_id = MediusWorldId(record.game);
        put_text(&mut self.game_password, "password", &record.password)
    }
}

impl Carries<api::EndGameReport> for wire::EndGameReport {
    fn record(&self) -> api::EndGameReport {
        api::EndGameReport {
            game: self.medius_world_id.0,
            winning_team: self.winning_team.as_bytes().to_vec(),
            winning_player: self.winning_player.as_bytes().to_vec(),
        }
    }

    fn take(&mut self, record: api::EndGameReport) -> Result<(), Misfit> {
        self.medius_world_id = MediusWorldId(record.game);
        put_text(&mut self.winning_team, "winning-team", &record.winning_team)?;
        put_text(&mut self.winning_player, "winning-player", &record.winning_player)
    }
}

macro_rules! world_report {
    ($($message:ident, [$($field:ident),*], $read:ident;)*) => {$(
        impl Carries<api::WorldStatusReport> for wire::$message {
            fn record(&self) -> api::WorldStatusReport {
                let mut generic_fields = vec![$(self.$field),*];
                generic_fields.resize(8, 0);
                api::WorldStatusReport {
                    game: self.medius_world_id.0,
                    world_status: self.world_status.0,
                    name: self.game_name.as_bytes().to_vec(),
                    player_count: self.player_count,
                    max_players: self.max_players,
                    game_level: self.game_level,
                    player_skill_level: self.player_skill_level,
                    rules_set: self.rules_set,
                    generic_fields,
                    stats: self.game_stats.0.to_vec(),
                }
            }

            fn take(&mut self, record: api::WorldStatusReport) -> Result<(), Misfit> {
                put_text(&mut self.game_name, "name", &record.name)?;
                put_blob(&mut self.game_stats, "stats", &record.stats)?;
                [$(self.$field),*] = $read(&record.generic_fields)?;
                self.medius_world_id = MediusWorldId(record.game);
                self.world_status = WorldStatus(record.world_status);
                self.player_count = record.player_count;
                self.max_players = record.max_players;
                self.game_level = record.game_level;
                self.player_skill_level = record.player_skill_level;
                self.rules_set = record.rules_set;
                Ok(())
            }
        }
    )*};
}

world_report! {
    WorldReport, [
        generic_field1, generic_field2, generic_field3, generic_field4,
        generic_field5, generic_field6, generic_field7, generic_field8
    ], eight;
    WorldReport0, [generic_field1, generic_field2, generic_field3], three;
}

impl Carries<api::PlayerStatsReport> for wire::PlayerReport {
    fn record(&self) -> api::PlayerStatsReport {
        api::PlayerStatsReport { game: self.medius_world_id.0, stats: self.stats.0.to_vec() }
    }

    fn take(&mut self, record: api::PlayerStatsReport) -> Result<(), Misfit> {
        self.medius_world_id = MediusWorldId(record.game);
        put_blob(&mut self.stats, "stats", &record.stats)
    }
}

macro_rules! chat {
    ($($message:ident),*) => {$(
        impl Carries<api::ChatLine> for wire::$message {
            fn record(&self) -> api::ChatLine {
                let text = self.message.as_bytes().to_vec();
                api::ChatLine { kind: self.message_type.0, target: self.target_id, text }
            }

            fn take(&mut self, record: api::ChatLine) -> Result<(), Misfit> {
                self.message_type = ChatMessageType(record.kind);
                self.target_id = record.target;
                put_text(&mut self.message, "text", &record.text)
            }
        }
    )*};
}

chat!(ChatMessage, GenericChatMessage);

impl Carries<api::ChatLine> for wire::GenericChatMessage1 {
    fn record(&self) -> api::ChatLine {
        let text = self.message.as_bytes().to_vec();
        api::ChatLine { kind: self.message_type.0, target: self.target_id, text }
    }

    fn take(&mut self, record: api::ChatLine) -> Result<(), Misfit> {
        let mut size = self.message_length.into();
        put_var_text(&mut self.message, &mut size, "text", &record.text)?;
        self.message_length = i32::try_from(size).unwrap_or(i32::MAX);
        self.message_type = ChatMessageType(record.kind);
        self.target_id = record.target;
        Ok(())
    }
}

impl Carries<api::FindPlayerRequest> for wire::FindPlayerRequest {
    fn record(&self) -> api::FindPlayerRequest {
        if self.search_type == PlayerSearchType::NAME {
            api::FindPlayerRequest { account: 0, name: self.name.as_bytes().to_vec() }
        } else {
            api::FindPlayerRequest { account: self.id, name: Vec::new() }
        }
    }

    fn take(&mut self, record: api::FindPlayerRequest) -> Result<(), Misfit> {
        if record.account == 0 {
            self.search_type = PlayerSearchType::NAME;
            put_text(&mut self.name, "name", &record.name)
        } else {
            self.search_type = PlayerSearchType::ID;
            self.id = record.account;
            none("name", record.name.is_empty())
        }
    }
}

/// A 256-byte blob and the clan that it is of; 0: the account.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StatsBlob {
    pub(crate) clan: i32,
    pub(crate) stats: Vec<u8>,
}

macro_rules! stats_blob {
    ($($message:ident, $this:ident => $clan:expr;)*) => {$(
        impl Carries<StatsBlob> for wire::$message {
            fn record(&self) -> StatsBlob {
                let $this = self;
                StatsBlob { clan: $clan, stats: $this.stats.0.to_vec() }
            }

            fn take(&mut self, record: StatsBlob) -> Result<(), Misfit> {
                put_blob(&mut self.stats, "stats", &record.stats)
            }
        }
    )*};
}

stats_blob! {
    AccountUpdateStatsRequest, this => { let _ = this; 0 };
    AccountUpdateStats_OpenAccessRequest, this => { let _ = this; 0 };
    UpdateClanStatsRequest, this => this.clan_id.0;
}

/// Ladder stats that are about to be written. Account and clan are filled in by who asks: the message names neither.
pub(crate) trait Ladder {
    /// True: 100 columns; false: 15.
    const WIDE: bool;
    /// True: to be added to what is there.
    const DELTA: bool;

    /// The clan that it is of, if the message says so: `Some(0)` the sender's own.
    fn clan(&self) -> Option<ClanId>;

    /// The columns.
    fn columns(&self) -> &[i32];

    /// Takes other columns.
    fn put_columns(&mut self, columns: &[i32]) -> Result<(), Misfit>;
}

macro_rules! ladder {
    ($($message:ident, $wide:literal, $delta:literal, $this:ident => $clan:expr;)*) => {$(
        impl Ladder for wire::$message {
            const WIDE: bool = $wide;
            const DELTA: bool = $delta;

            fn clan(&self) -> Option<ClanId> {
                let $this = self;
                $clan
            }

            fn columns(&self) -> &[i32] {
                &self.stats
            }

            fn put_columns(&mut self, columns: &[i32]) -> Result<(), Misfit> {
                put_array(&mut self.stats, "stats", columns)
            }
        }
    )*};
}

ladder! {
    UpdateLadderStatsRequest, false, false, this => (this.ladder_type != LadderType::PLAYER).then_some(ClanId(0));
    UpdateLadderStatsWideRequest, true, false, this => (this.ladder_type != LadderType::PLAYER).then_some(ClanId(0));
    UpdateClanLadderStatsWide_DeltaRequest, true, true, this => Some(this.clan_id);
    GetLadderStatsResponse, false, false, this => { let _ = this; None };
    GetLadderStatsWideResponse, true, false, this => { let _ = this; None };
}

/// Kinds of `lobby.filter-text`.
pub(crate) mod text_kind {
    pub(crate) const REQUEST: u8 = 1;
    pub(crate) const ACCOUNT: u8 = 2;
    pub(crate) const CHANNEL: u8 = 3;
    pub(crate) const GAME: u8 = 4;
    pub(crate) const CLAN: u8 = 5;
}

/// A message with a text that players see, or a name.
pub(crate) trait HasText {
    /// What the text is, as [`text_kind`].
    const KIND: u8;

    /// The text.
    fn text(&self) -> &[u8];

    /// Takes another.
    fn put(&mut self, text: &[u8]) -> Result<(), Misfit>;
}

macro_rules! has_text {
    ($($message:ident, $kind:ident, $field:ident;)*) => {$(
        impl HasText for wire::$message {
            const KIND: u8 = text_kind::$kind;

            fn text(&self) -> &[u8] {
                self.$field.as_bytes()
            }

            fn put(&mut self, text: &[u8]) -> Result<(), Misfit> {
                put_text(&mut self.$field, "text", text)
            }
        }
    )*};
}

has_text! {
    TextFilterRequest, REQUEST, text;
    AccountRegistrationRequest, ACCOUNT, account_name;
    CreateChannelRequest, CHANNEL, lobby_name;
    CreateChannelRequest1, CHANNEL, lobby_name;
    CreateGameRequest, GAME, game_name;
    CreateGameRequest0, GAME, game_name;
    CreateGameRequest1, GAME, game_name;
    CreateClanRequest, CLAN, clan_name;
    ClanRenameRequest, CLAN, new_clan_name;
}

impl HasText for wire::TextFilterRequest1 {
    const KIND: u8 = text_kind::REQUEST;

    fn text(&self) -> &[u8] {
        self.text.as_bytes()
    }

    fn put(&mut self, text: &[u8]) -> Result<(), Misfit> {
        let mut size = self.text_size.into();
        put_var_text(&mut self.text, &mut size, "text", text)?;
        self.text_size = u32::try_from(size).unwrap_or(u32::MAX);
        Ok(())
    }
}
