//! Request handlers, one module per area, and the one table that registers them.
//!
//! # How to write a handler
//!
//! 1. Write it in the module of its area. It takes the connection and the request, and replies:
//!
//!    ```text
//!    pub(super) async fn pick_location(ctx: &mut Context, request: &PickLocationRequest) -> HandlerResult {
//!        ctx.check_session_key(&request.session_key)?;
//!        let session = ctx.session()?;
//!        ctx.title().run(SetLocation { session, location: request.location_id }).await??;
//!        ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
//!        Ok(())
//!    }
//!    ```
//!
//!    - An answer starts from [`Request::answer_with`](medley_wire::messages::Request::answer_with): it repeats the
//!      MessageID and closes a list. Fill in the rest and hand it to [`Context::reply`]; rows of a list to
//!      [`Context::reply_list`], which answers an empty list with NoResult.
//!    - A refusal is an `Err` with a status (`?` on a `CallbackStatus`, a [`TitleGone`](crate::actor::TitleGone) or a
//!      [`StoreFailure`](crate::context::StoreFailure)): dispatch makes the request's paired failure of it. Write an
//!      answer by hand only where a failure carries more than its status.
//!    - Live state: `ctx.title().run(operation)` for an operation of `medley-universe`, `ctx.title().ask(|state| ..)` for
//!      a question (return owned values), `ctx.title().request(operation)` for a create or join that waits for a game
//!      server.
//!    - Durable state: `ctx.read(move |store| ..)` and `ctx.write(move |store| ..)`, with `ctx.title_id()`. Never inside a
//!      closure that runs in the title's actor.
//!    - Nothing is pushed to other players from a handler: the universe decides that, and the connection dresses it
//!      (`crate::pushes`).
//!    - A message that is not answered replies nothing; its row says `SILENT`, and an `Err` of it is dropped.
//! 2. Register it in [`REGISTRY`], one row: message, function, servers that take it, what it needs, and the status of a
//!    failure that has no better one.
//!
//! Dispatch (`crate::dispatch`) looks the row up, checks servers and needs, calls the handler, and sees to it that every
//! request is answered exactly once.

use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;

use medley_session::ServerKind;
use medley_wire::AnyMessage;
use medley_wire::enums::CallbackStatus;
use medley_wire::messages::{self, Message, MessageInfo};

use crate::context::{Context, HandlerResult, Refusal};

mod account;
mod buddy;
mod channel;
mod chat;
mod clan;
mod file;
mod game;
mod game_list;
mod ladder;
mod maps;
mod matching;
mod mgcl;
mod misc;
mod party;
mod player;
mod report;
mod rows;
mod session;
mod stats;
mod texts;
mod token;
mod universe_info;
mod unknown;

/// A set of servers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Servers(u8);

impl Servers {
    /// Universe information.
    pub const MUIS: Self = Self(1);
    /// Login.
    pub const MAS: Self = Self(2);
    /// Lobby.
    pub const MLS: Self = Self(4);
    /// Game servers and console hosts.
    pub const MPS: Self = Self(8);
    /// Login and lobby.
    pub const MAS_MLS: Self = Self(2 | 4);
    /// Login and game servers.
    pub const MAS_MPS: Self = Self(2 | 8);
    /// Universe information and lobby.
    pub const MUIS_MLS: Self = Self(1 | 4);
    /// Universe information, login and lobby.
    pub const CLIENTS: Self = Self(1 | 2 | 4);

    /// True if `kind` is one of them.
    pub const fn include(self, kind: ServerKind) -> bool {
        let bit = match kind {
            ServerKind::Muis => 1,
            ServerKind::Mas => 2,
            ServerKind::Mls => 4,
            ServerKind::Mps => 8,
            ServerKind::Dme => 0,
        };
        self.0 & bit != 0
    }
}

/// What a request needs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Needs {
    /// A connection whose handshake is over.
    Connection,
    /// A session. Without: SessionKeyInvalid.
    Session,
    /// A login. Without: PlayerNotPrivileged.
    Login,
}

/// What becomes of a request that fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// Its paired answer, with this status where there is no better one.
    Status(CallbackStatus),
    /// Nothing: the message is never answered.
    Silent,
}

/// What becomes of a request that comes before what it needs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Early {
    /// Its failure, with SessionKeyInvalid or PlayerNotPrivileged.
    Refused,
    /// Its failure, with this status.
    Status(CallbackStatus),
    /// Nothing, as Sony did (a capture says so).
    Unanswered,
}

/// A row of the table of handlers.
#[derive(Debug)]
pub struct HandlerInfo {
    /// The message: SDK name, class, id, declared answer.
    pub message: &'static MessageInfo,
    /// Module of the handler.
    pub area: &'static str,
    /// Name of the handler.
    pub function: &'static str,
    /// Servers that take it.
    pub servers: Servers,
    /// What it needs.
    pub needs: Needs,
    /// What becomes of it when it fails.
    pub failure: Failure,
    /// What becomes of it when it comes too early.
    pub early: Early,
    pub(crate) call: Call,
}

/// A handler with its types erased.
pub(crate) type Call =
    for<'a> fn(&'a mut Context, &'a AnyMessage) -> Pin<Box<dyn Future<Output = HandlerResult> + Send + 'a>>;

const fn status(status: CallbackStatus) -> Failure {
    Failure::Status(status)
}

const FAIL: Failure = status(CallbackStatus::FAIL);
const NO_RESULT: Failure = status(CallbackStatus::NO_RESULT);
const SILENT: Failure = Failure::Silent;

macro_rules! early {
    () => {
        Early::Refused
    };
    ($early:expr) => {
        $early
    };
}

macro_rules! registry {
    ($($area:ident { $($message:ident => $function:ident, $servers:ident, $needs:ident, $failure:expr $(, early $early:expr)?;)* })*) => {
        /// Every handler, by area.
        pub static REGISTRY: &[HandlerInfo] = &[$($(
            HandlerInfo {
                message: <messages::$message as Message>::INFO,
                area: stringify!($area),
                function: stringify!($function),
                servers: Servers::$servers,
                needs: Needs::$needs,
                failure: $failure,
                early: early!($($early)?),
                call: |ctx, message| match message {
                    AnyMessage::$message(request) => Box::pin($area::$function(ctx, request)),
                    // Rows are found by class and id, which are this message's.
                    _ => Box::pin(std::future::ready(Err(Refusal::Default))),
                },
            },
        )*)*];
    };
}

registry! {
    universe_info {
        GetUniverseInformationRequest => get_universe_information, MUIS, Connection, NO_RESULT;
        GetUniverse_ExtraInfoRequest => get_universe_extra_info, MUIS, Connection, NO_RESULT;
    }
    session {
        SessionBeginRequest => begin, MAS, Connection, status(CallbackStatus::BEGIN_SESSION_FAILED);
        SessionBeginRequest1 => begin1, MAS, Connection, status(CallbackStatus::BEGIN_SESSION_FAILED);
        ExtendedSessionBeginRequest => extended_begin, MAS, Connection, status(CallbackStatus::BEGIN_SESSION_FAILED);
        SessionEndRequest => end, MAS_MLS, Session, status(CallbackStatus::END_SESSION_FAILED);
        SetLocalizationParamsRequest => set_localization, MAS_MLS, Session, FAIL;
        SetLocalizationParamsRequest1 => set_localization1, MAS_MLS, Session, FAIL;
        SetLocalizationParamsRequest2 => set_localization2, MAS_MLS, Session, FAIL;
        DnasSignaturePost => dnas_signature_post, MAS_MLS, Connection, SILENT;
        MachineSignaturePost => machine_signature_post, MAS_MLS, Connection, SILENT;
        UpdateUserState => update_user_state, MAS_MLS, Session, SILENT;
        GetMyIPRequest => get_my_ip, MAS_MLS, Session, status(CallbackStatus::DME_ERROR);
        GetServerTimeRequest => get_server_time, CLIENTS, Connection, NO_RESULT;
        PickLocationRequest => pick_location, MAS_MLS, Session, FAIL;
    }
    texts {
        VersionServerRequest => version_server, CLIENTS, Connection, NO_RESULT;
        GetLocationsRequest => get_locations, MAS_MLS, Session, NO_RESULT;
        GetAnnouncementsRequest => get_announcements, MAS_MLS, Session, NO_RESULT;
        GetAllAnnouncementsRequest => get_all_announcements, MAS_MLS, Session, NO_RESULT;
        GetPolicyRequest => get_policy, MAS_MLS, Session, NO_RESULT;
        TextFilterRequest => text_filter, MAS_MLS, Session, FAIL;
        TextFilterRequest1 => text_filter1, MAS_MLS, Session, FAIL;
    }
    account {
        AccountRegistrationRequest => register, MAS, Session, FAIL;
        AccountLoginRequest => login, MAS, Session, FAIL;
        AnonymousLoginRequest => anonymous_login, MAS, Session, FAIL;
        TicketLoginRequest => ticket_login, MAS, Session, FAIL;
        AccountLogoutRequest => logout, MAS_MLS, Login, FAIL;
        AccountGetIDRequest => get_id, MAS_MLS, Session, status(CallbackStatus::ACCOUNT_NOT_FOUND);
        AccountDeleteRequest => delete, MAS_MLS, Login, FAIL;
        AccountUpdatePasswordRequest => update_password, MAS_MLS, Login, FAIL;
        AccountUpdateStatsRequest => update_stats, MAS_MLS, Login, FAIL;
        GetAccessLevelInfoRequest => get_access_level, MAS_MLS, Login, NO_RESULT;
    }
    misc {
        GetTotalGamesRequest => get_total_games, MAS_MLS, Login, NO_RESULT, early Early::Status(CallbackStatus::REQUEST_DENIED);
        GetTotalChannelsRequest => get_total_channels, MAS_MLS, Login, NO_RESULT, early Early::Status(CallbackStatus::REQUEST_DENIED);
        GetTotalUsersRequest => get_total_users, MAS_MLS, Session, NO_RESULT;
        PostDebugInfoRequest => post_debug_info, MAS_MLS, Session, FAIL;
    }
    mgcl {
        ServerSessionBeginRequest => session_begin, MAS, Connection, FAIL;
        ServerSessionBeginRequest1 => session_begin1, MAS, Connection, FAIL;
        ServerSessionBeginRequest2 => session_begin2, MAS, Connection, FAIL;
        ServerAuthenticationRequest => authenticate, MAS, Connection, FAIL;
        ServerSessionEndRequest => session_end, MAS_MPS, Connection, FAIL;
        ServerSetAttributesRequest => set_attributes, MAS_MPS, Connection, FAIL;
        ServerReport => report, MPS, Connection, SILENT;
        ServerCreateGameWithAttributesResponse => created_with_attributes, MPS, Connection, SILENT;
        ServerCreateGameResponse => created, MPS, Connection, SILENT;
        ServerJoinGameResponse => joined, MPS, Connection, SILENT;
        ServerEndGameResponse => ended, MPS, Connection, SILENT;
        ServerWorldStatusResponse => world_status, MPS, Connection, SILENT;
        ServerConnectGamesResponse => games_connected, MPS, Connection, SILENT;
        ServerConnectNotification => connect_notification, MPS, Connection, SILENT;
        ServerCreateGameOnMeRequest => create_on_me, MPS, Connection, FAIL;
        ServerCreateGameOnSelfRequest => create_on_self, MPS, Connection, FAIL;
        ServerCreateGameOnSelfRequest0 => create_on_self0, MPS, Connection, FAIL;
        ServerWorldReportOnMe => world_report, MPS, Connection, SILENT;
        ServerMoveGameWorldOnMeRequest => move_game, MPS, Connection, FAIL;
        ServerEndGameOnMeRequest => end_game, MPS, Connection, FAIL;
    }
    channel {
        ChannelListRequest => list, MAS_MLS, Login, NO_RESULT;
        ChannelList_ExtraInfoRequest => list_extra_info, MUIS_MLS, Login, NO_RESULT;
        ChannelList_ExtraInfoRequest0 => list_extra_info0, MUIS_MLS, Login, NO_RESULT;
        ChannelList_ExtraInfoRequest1 => list_extra_info1, MUIS_MLS, Login, NO_RESULT;
        ChannelInfoRequest => info, MLS, Login, NO_RESULT;
        CreateChannelRequest => create, MLS, Login, FAIL;
        CreateChannelRequest0 => create0, MLS, Login, FAIL;
        CreateChannelRequest1 => create1, MLS, Login, FAIL;
        JoinChannelRequest => join, MLS, Login, FAIL;
        JoinLeastPopulatedChannelRequest => join_least_populated, MLS, Login, FAIL;
        SetLobbyWorldFilterRequest => set_filter, MLS, Login, status(CallbackStatus::REQUEST_DENIED);
        SetLobbyWorldFilterRequest1 => set_filter1, MLS, Login, status(CallbackStatus::REQUEST_DENIED);
        GetLobbyPlayerNamesRequest => player_names, MLS, Login, NO_RESULT;
        GetLobbyPlayerNames_ExtraInfoRequest => player_names_extra_info, MLS, Login, NO_RESULT;
        LobbyWorldPlayerListRequest => player_list, MLS, Login, NO_RESULT;
        FindWorldByNameRequest => find_world, MLS, Login, NO_RESULT;
        GetWorldSecurityLevelRequest => security_level, MLS, Login, NO_RESULT;
    }
    game {
        CreateGameRequest => create, MLS, Login, FAIL;
        CreateGameRequest0 => create0, MLS, Login, FAIL;
        CreateGameRequest1 => create1, MLS, Login, FAIL;
        JoinGameRequest => join, MLS, Login, FAIL;
        JoinGameRequest0 => join0, MLS, Login, FAIL;
    }
    party {
        PartyCreateRequest => create, MLS, Login, FAIL;
        PartyJoinRequest => join, MLS, Login, FAIL;
        PartyJoinByIndexRequest => join_by_index, MLS, Login, FAIL;
        PartyPlayerReport => report, MLS, Login, SILENT;
    }
    matching {
        MatchGetSupersetListRequest => supersets, MLS, Login, NO_RESULT;
        MatchFindGameRequest => find, MLS, Login, NO_RESULT;
        MatchCancelRequest => cancel, MLS, Login, NO_RESULT;
        MatchPartyRequest => party, MLS, Login, NO_RESULT;
        MatchCreateGameRequest => create, MLS, Login, status(CallbackStatus::MATCH_GAME_CREATION_FAILED);
    }
    game_list {
        GameListRequest => list, MLS, Login, NO_RESULT;
        GameList_ExtraInfoRequest => list_extra_info, MLS, Login, NO_RESULT;
        GameList_ExtraInfoRequest0 => list_extra_info0, MLS, Login, NO_RESULT;
        UtilGetTotalGamesFilteredRequest => total_filtered, MLS, Login, NO_RESULT;
        GameInfoRequest => info, MLS, Login, status(CallbackStatus::GAME_NOT_FOUND);
        GameInfoRequest0 => info0, MLS, Login, status(CallbackStatus::GAME_NOT_FOUND);
        GameWorldPlayerListRequest => player_list, MLS, Login, NO_RESULT;
        SetGameListFilterRequest => set_filter, MLS, Login, status(CallbackStatus::SET_GAME_LIST_FILTER_FAILED);
        SetGameListFilterRequest0 => set_filter0, MLS, Login, status(CallbackStatus::SET_GAME_LIST_FILTER_FAILED);
        ClearGameListFilterRequest => clear_filter, MLS, Login, status(CallbackStatus::CLEAR_GAME_LIST_FILTER_FAILED);
        ClearGameListFilterRequest0 => clear_filter0, MLS, Login, status(CallbackStatus::CLEAR_GAME_LIST_FILTER_FAILED);
        GetGameListFilterRequest => get_filters, MLS, Login, status(CallbackStatus::GET_GAME_LIST_FILTER_FAILED);
        SetGameListSortRequest => set_sort, MLS, Login, status(CallbackStatus::GAME_LIST_SORT_OPERATION_FAILED);
    }
    report {
        WorldReport => world, MLS, Login, SILENT;
        WorldReport0 => world0, MLS, Login, SILENT;
        PlayerReport => player, MLS, Login, SILENT;
        EndGameReport => end_game, MLS, Login, SILENT;
        ReassignGameMediusWorldID => reassign, MLS, Login, SILENT;
    }
    chat {
        ChatMessage => chat, MLS, Login, SILENT;
        GenericChatMessage => generic_chat, MLS, Login, SILENT;
        GenericChatMessage1 => generic_chat1, MLS, Login, SILENT;
        BinaryMessage => binary, MLS, Login, SILENT;
        BinaryMessage1 => binary1, MLS, Login, SILENT;
        CrossChatMessage => cross_chat, MLS, Login, SILENT;
        ChatToggleRequest => toggle, MLS, Login, FAIL;
        GenericChatSetFilterRequest => set_filter, MLS, Login, FAIL;
        SetAutoChatHistoryRequest => set_auto_history, MLS, Login, FAIL;
    }
    buddy {
        GetBuddyListRequest => list, MAS_MLS, Login, NO_RESULT;
        // Sony's MAS left Deadlocked's without an answer, and the login went on (`dl_ps2_full_session`, line 33).
        GetBuddyList_ExtraInfoRequest => list_extra_info, MAS_MLS, Login, NO_RESULT, early Early::Unanswered;
        GetIgnoreListRequest => ignore_list, MAS_MLS, Login, NO_RESULT, early Early::Status(CallbackStatus::NO_RESULT);
        AddToBuddyListRequest => add, MLS, Login, status(CallbackStatus::DB_ERROR);
        RemoveFromBuddyListRequest => remove, MLS, Login, status(CallbackStatus::DB_ERROR);
        AddToIgnoreListRequest => ignore, MLS, Login, status(CallbackStatus::DB_ERROR);
        RemoveFromIgnoreListRequest => stop_ignoring, MLS, Login, status(CallbackStatus::DB_ERROR);
        BuddySetListRequest => set_list, MLS, Login, FAIL;
        IgnoreSetListRequest => set_ignore_list, MLS, Login, FAIL;
        // Its answer comes from the other player, as a push; the handler itself answers refusals.
        AddToBuddyListConfirmationRequest => invite, MLS, Login, SILENT;
        AddToBuddyListFwdConfirmationResponse => answer_invitation, MLS, Login, SILENT;
        GetBuddyInvitationsRequest => invitations, MLS, Login, NO_RESULT;
    }
    player {
        FindPlayerRequest => find, MLS, Login, NO_RESULT;
        PlayerInfoRequest => info, MLS, Login, NO_RESULT;
        NpIdPostRequest => post_np_id, MLS, Login, status(CallbackStatus::DB_ERROR);
        NpIdsGetByAccountNamesRequest => np_ids, MLS, Login, NO_RESULT;
        VoteToBanPlayerRequest => vote_to_ban, MLS, Login, SILENT;
        BanPlayerRequest => ban, MLS, Login, FAIL;
    }
    stats {
        GetLadderStatsRequest => get_narrow, MAS_MLS, Login, NO_RESULT;
        GetLadderStatsWideRequest => get_wide, MAS_MLS, Login, NO_RESULT;
        UpdateLadderStatsRequest => update_narrow, MLS, Login, status(CallbackStatus::DB_ERROR);
        UpdateLadderStatsWideRequest => update_wide, MLS, Login, status(CallbackStatus::DB_ERROR);
        AccountUpdateStats_OpenAccessRequest => update_open_access, MLS, Login, SILENT;
        GetTotalRankingsRequest => total_rankings, MLS, Login, NO_RESULT;
    }
    ladder {
        LadderListRequest => list, MLS, Login, NO_RESULT;
        LadderList_ExtraInfoRequest => list_extra_info, MLS, Login, NO_RESULT;
        LadderList_ExtraInfoRequest0 => list_extra_info0, MLS, Login, NO_RESULT;
        LadderPositionRequest => position, MLS, Login, NO_RESULT;
        LadderPosition_ExtraInfoRequest => position_extra_info, MLS, Login, NO_RESULT;
        ClanLadderListRequest => clan_list, MLS, Login, NO_RESULT;
        ClanLadderPositionRequest => clan_position, MLS, Login, NO_RESULT;
    }
    clan {
        GetMyClansRequest => get_mine, MAS_MLS, Login, NO_RESULT, early Early::Status(CallbackStatus::NO_RESULT);
        SetMessageAsReadRequest => set_message_as_read, MLS, Login, FAIL;
        CreateClanRequest => create, MLS, Login, FAIL;
        ClanRenameRequest => rename, MLS, Login, FAIL;
        DisbandClanRequest => disband, MLS, Login, FAIL;
        GetClanByIDRequest => get_by_id, MLS, Login, status(CallbackStatus::CLAN_NOT_FOUND);
        GetClanByNameRequest => get_by_name, MLS, Login, status(CallbackStatus::CLAN_NOT_FOUND);
        GetClanMemberListRequest => members, MLS, Login, NO_RESULT;
        GetClanMemberList_ExtraInfoRequest => members_extra_info, MLS, Login, NO_RESULT;
        AddPlayerToClanRequest => add_player, MLS, Login, FAIL;
        RemovePlayerFromClanRequest => remove_player, MLS, Login, FAIL;
        TransferClanLeadershipRequest => transfer, MLS, Login, FAIL;
        InvitePlayerToClanRequest => invite, MLS, Login, FAIL;
        InvitePlayerToClan_ByNameRequest => invite_by_name, MLS, Login, FAIL;
        GetClanInvitationsSentRequest => invitations_sent, MLS, Login, NO_RESULT;
        CheckMyClanInvitationsRequest => my_invitations, MLS, Login, NO_RESULT;
        RespondToClanInvitationRequest => respond, MLS, Login, FAIL;
        RevokeClanInvitationRequest => revoke, MLS, Login, FAIL;
        SendClanMessageRequest => send_message, MLS, Login, FAIL;
        ModifyClanMessageRequest => modify_message, MLS, Login, FAIL;
        DeleteClanMessageRequest => delete_message, MLS, Login, FAIL;
        GetMyClanMessagesRequest => my_messages, MLS, Login, NO_RESULT;
        GetAllClanMessagesRequest => all_messages, MLS, Login, NO_RESULT;
        UpdateClanStatsRequest => update_stats, MLS, Login, FAIL;
        UpdateClanLadderStatsWide_DeltaRequest => add_to_stats, MLS, Login, status(CallbackStatus::DB_ERROR);
        RequestClanTeamChallengeRequest => challenge, MLS, Login, status(CallbackStatus::DB_ERROR);
        RespondToClanTeamChallengeRequest => answer_challenge, MLS, Login, status(CallbackStatus::DB_ERROR);
        RevokeClanTeamChallengeRequest => revoke_challenge, MLS, Login, status(CallbackStatus::DB_ERROR);
        ConfirmClanTeamChallengeRequest => confirm_challenge, MLS, Login, status(CallbackStatus::DB_ERROR);
        GetClanTeamChallengesRequest => challenges, MLS, Login, NO_RESULT;
        GetClanTeamChallengeHistoryRequest => challenge_history, MLS, Login, NO_RESULT;
    }
    unknown {
        AddAliasRequest => add_alias, MAS_MLS, Login, status(CallbackStatus::FEATURE_NOT_ENABLED);
        UtilAddLobbyWorldRequest => add_lobby_world, MLS, Login, status(CallbackStatus::FEATURE_NOT_ENABLED);
        GroupJoinChannelRequest => group_join_channel, MLS, Login, status(CallbackStatus::FEATURE_NOT_ENABLED);
        DListSubscription => subscribe_to_list, MLS, Login, SILENT;
        DmePing => between_clients, MLS, Connection, SILENT;
        DmePacketFragment => between_clients, MLS, Connection, SILENT;
        DmeDataStreamEnd => between_clients, MLS, Connection, SILENT;
        DmeAcceptClient => between_clients, MLS, Connection, SILENT;
        DmeClientUpdate => between_clients, MLS, Connection, SILENT;
        DmeClientConnect => between_clients, MLS, Connection, SILENT;
        DmeClientLeaves => between_clients, MLS, Connection, SILENT;
        DmeServerResponse => between_clients, MLS, Connection, SILENT;
        DmeUpdateClientStatus => between_clients, MLS, Connection, SILENT;
        DmeSMMigrateOrder => between_clients, MLS, Connection, SILENT;
    }
    maps {
        NetMessageHello => hello, MUIS, Connection, SILENT;
        NetMessageProtocolInfo => protocol_info, MUIS, Connection, SILENT;
        NetMessageAccountLogoutRequest => log_out, MUIS, Connection, SILENT;
        NetMessageNewsEulaRequest => news, MUIS, Connection, SILENT;
        NetMessageMAPSHello => ignore, MUIS, Connection, SILENT;
        NetMessageAccountLogoutResponse => ignore, MUIS, Connection, SILENT;
        NetMessageNewsEulaResponse => ignore, MUIS, Connection, SILENT;
    }
    file {
        FileCreateRequest => create, MLS, Login, status(CallbackStatus::DB_ERROR);
        FileDeleteRequest => delete, MLS, Login, status(CallbackStatus::DB_ERROR);
        FileListRequest => list, MLS, Login, NO_RESULT;
        FileListExtRequest => list_ext, MLS, Login, NO_RESULT;
        FileGetAttributesRequest => get_attributes, MLS, Login, status(CallbackStatus::DB_ERROR);
        FileGetMetaDataRequest => get_metadata, MLS, Login, NO_RESULT;
        FileUpdateMetaDataRequest => update_metadata, MLS, Login, status(CallbackStatus::DB_ERROR);
        FileUpdateAuxMetaDataRequest => update_aux_metadata, MLS, Login, status(CallbackStatus::DB_ERROR);
        FileUploadRequest => upload, MLS, Login, status(CallbackStatus::DB_ERROR);
        // What it is answered with is a request for the next bytes, which is no answer of its own kind.
        FileUploadResponse => upload_data, MLS, Login, SILENT;
        FileCloseRequest => close, MLS, Login, status(CallbackStatus::DB_ERROR);
        FileDownloadRequest => download, MLS, Login, status(CallbackStatus::DB_ERROR);
        FileCancelOperationRequest => cancel, MLS, Login, status(CallbackStatus::DB_ERROR);
    }
    token {
        TokenRequest => change, MLS, Login, FAIL;
    }
}

/// The row of class and id.
pub fn find(class: u8, id: u32) -> Option<&'static HandlerInfo> {
    /// Rows by class and id, for classes below 8 and ids below [`IDS`]; `u16::MAX` is none.
    static INDEX: LazyLock<Vec<u16>> = LazyLock::new(|| {
        let mut index = vec![u16::MAX; 8 * IDS];
        for (row, info) in REGISTRY.iter().enumerate() {
            let place = key(info.message.class.0, info.message.id);
            if let Some(place) = place.and_then(|place| index.get_mut(place)) {
                *place = u16::try_from(row).unwrap_or(u16::MAX);
            }
        }
        index
    });
    let row = *INDEX.get(key(class, id)?)?;
    REGISTRY.get(usize::from(row))
}

fn key(class: u8, id: u32) -> Option<usize> {
    let id = usize::try_from(id).ok().filter(|id| *id < IDS)?;
    Some(usize::from(class) * IDS + id)
}

/// Ids of a class: one byte, but for those of the plugin transport, of which the highest known is 0x23f.
const IDS: usize = 1024;

#[cfg(test)]
mod tests {
    use medley_wire::messages::Direction;

    use super::*;

    #[test]
    fn no_message_is_registered_twice_and_each_is_found() {
        for info in REGISTRY {
            let found = find(info.message.class.0, info.message.id);
            assert!(
                found.is_some_and(|found| std::ptr::eq(found, info)),
                "{} is there twice",
                info.message.name
            );
        }
    }

    #[test]
    fn every_message_that_a_client_may_send_has_a_row() {
        let missing: Vec<_> = messages::ALL
            .iter()
            .filter(|info| info.direction != Direction::ServerToClient)
            .filter(|info| find(info.class.0, info.id).is_none())
            .map(|info| info.name)
            .collect();
        assert_eq!(missing, [""; 0]);
    }

    #[test]
    fn only_messages_that_clients_send_are_registered() {
        for info in REGISTRY {
            assert_ne!(info.message.direction, Direction::ServerToClient, "{}", info.message.name);
        }
    }

    #[test]
    fn a_class_or_id_beyond_the_index_has_no_handler() {
        assert!(find(200, 3).is_none());
        assert!(find(1, 1024).is_none());
        assert!(find(1, u32::MAX).is_none());
    }
}
