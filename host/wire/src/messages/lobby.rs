//! Lobby (class 1): clients and MUIS, MAS, MLS.

use crate::enums::{
    AccountType, ApplicationType, CallbackStatus, CharacterEncodingType, ChatMessageType, ChatToggle,
    ClanChallengeStatus, ClanInvitationsResponseStatus, ClanMessageStatus, ClanStatus, ComparisonOperator,
    ConnectionType, FileXferStatus, FindWorldType, GameHostType, GameListFilterField, JoinType, LadderType,
    LanguageType, MessageType, PlayerSearchType, PlayerStatus, PolicyType, SortOrder, TextFilterType,
    UniverseVariableInformationInfoFilter, UserAction, UtilTypeWorldPersistence, WorldAttributesType,
    WorldGenericFieldLevelType, WorldSecurityLevelType, WorldStatus,
};
use crate::messages::structures::{
    File, FileAttributes, FileMetaData, NetAddressList, NetConnectionInfo, PlayerOnlineState, RsaKey,
};
use crate::types::{AccountId, AppId, Blob, ClanId, Flag, MediusWorldId, MessageId, Text, VarText};

medley_wire_derive::messages! {
    class LOBBY, prefix "Medius", list lobby_messages, module lobby;

    /// `MediusWorldReport0`.
    ///
    /// pad\[3\] after SessionKey is read by every source.
    #[message(0x00, client_to_server)]
    pub struct WorldReport0 {
        pub session_key: Text<17>,
        #[pad(3)]
        pub medius_world_id: MediusWorldId,
        pub player_count: i32,
        pub game_name: Text<64>,
        pub game_stats: Blob<256>,
        pub min_players: i32,
        pub max_players: i32,
        pub game_level: i32,
        pub player_skill_level: i32,
        pub rules_set: i32,
        pub generic_field1: i32,
        pub generic_field2: i32,
        pub generic_field3: i32,
        pub world_status: WorldStatus,
    }

    /// `MediusPlayerReport`.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0x01, client_to_server)]
    pub struct PlayerReport {
        pub session_key: Text<17>,
        #[pad(3)]
        pub medius_world_id: MediusWorldId,
        pub stats: Blob<256>,
    }

    /// `MediusEndGameReport`.
    #[message(0x02, client_to_server)]
    pub struct EndGameReport {
        pub session_key: Text<17>,
        #[pad(3)]
        pub medius_world_id: MediusWorldId,
        pub winning_team: Text<64>,
        pub winning_player: Text<32>,
        pub final_score: i32,
    }

    /// `MediusSessionBeginRequest`, id table name `SessionBegin`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x03, client_to_server, answer SessionBeginResponse)]
    pub struct SessionBeginRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub connection_class: ConnectionType,
    }

    /// `MediusSessionBeginResponse`.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184), 1.13.
    #[message(0x04, server_to_client)]
    #[pad_end(3, when !d.short_session_begin_response())]
    #[pad_end(1, when d.short_session_begin_response())]
    pub struct SessionBeginResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub session_key: Text<17>,
    }

    /// `MediusSessionEndRequest`, id table name `SessionEnd`.
    #[message(0x05, client_to_server, answer SessionEndResponse)]
    pub struct SessionEndRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
    }

    /// `MediusSessionEndResponse`.
    #[message(0x06, server_to_client)]
    pub struct SessionEndResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusAccountLoginRequest`, id table name `AccountLogin`.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0x07, client_to_server, answer AccountLoginResponse)]
    pub struct AccountLoginRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub username: Text<32>,
        pub password: Text<32>,
    }

    /// `MediusAccountLoginResponse`.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0x08, server_to_client)]
    pub struct AccountLoginResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub account_id: AccountId,
        pub account_type: AccountType,
        pub world_id: i32,
        pub connect_info: NetConnectionInfo,
    }

    /// `MediusAccountRegistrationRequest`, id table name `AccountRegistration`.
    #[message(0x09, client_to_server, answer AccountRegistrationResponse)]
    pub struct AccountRegistrationRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub account_type: AccountType,
        pub account_name: Text<32>,
        pub password: Text<32>,
    }

    /// `MediusAccountRegistrationResponse`.
    #[message(0x0a, server_to_client)]
    pub struct AccountRegistrationResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub account_id: AccountId,
    }

    /// `MediusAccountUpdatePasswordRequest`, id table name `AccountUpdatePassword`.
    ///
    /// Known from one public server only.
    #[message(0x0f, client_to_server, answer AccountUpdatePasswordStatusResponse)]
    pub struct AccountUpdatePasswordRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub old_password: Text<32>,
        pub new_password: Text<32>,
    }

    /// `MediusAccountUpdatePasswordStatusResponse`.
    ///
    /// Known from one public server only.
    #[message(0x10, server_to_client)]
    pub struct AccountUpdatePasswordStatusResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusAccountUpdateStatsRequest`, id table name `AccountUpdateStats`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x11, client_to_server, answer AccountUpdateStatsResponse)]
    pub struct AccountUpdateStatsRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub stats: Blob<256>,
    }

    /// `MediusAccountUpdateStatsResponse`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x12, server_to_client)]
    pub struct AccountUpdateStatsResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusAccountDeleteRequest`, id table name `AccountDelete`.
    #[message(0x13, client_to_server, answer AccountDeleteResponse)]
    pub struct AccountDeleteRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub master_password: Text<32>,
    }

    /// `MediusAccountDeleteResponse`.
    #[message(0x14, server_to_client)]
    pub struct AccountDeleteResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusAccountLogoutRequest`, id table name `AccountLogout`.
    #[message(0x15, client_to_server, answer AccountLogoutResponse)]
    pub struct AccountLogoutRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
    }

    /// `MediusAccountLogoutResponse`.
    #[message(0x16, server_to_client)]
    pub struct AccountLogoutResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusAccountGetIDRequest`, id table name `AccountGetID`.
    #[message(0x17, client_to_server, answer AccountGetIDResponse)]
    pub struct AccountGetIDRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub account_name: Text<32>,
    }

    /// `MediusAccountGetIDResponse`.
    #[message(0x18, server_to_client)]
    pub struct AccountGetIDResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub account_id: AccountId,
        pub status_code: CallbackStatus,
    }

    /// `MediusAnonymousLoginRequest`, id table name `AnonymousLogin`.
    #[message(0x19, client_to_server, answer AnonymousLoginResponse)]
    pub struct AnonymousLoginRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub session_display_name: Text<32>,
        pub session_display_stats: Blob<256>,
    }

    /// `MediusAnonymousLoginResponse`.
    #[message(0x1a, server_to_client)]
    pub struct AnonymousLoginResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub account_id: AccountId,
        pub account_type: AccountType,
        pub world_id: i32,
        pub connect_info: NetConnectionInfo,
    }

    /// `MediusGetMyIPRequest`, id table name `GetMyIP`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x1b, client_to_server, answer GetMyIPResponse)]
    pub struct GetMyIPRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
    }

    /// `MediusGetMyIPResponse`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x1c, server_to_client)]
    pub struct GetMyIPResponse {
        pub message_id: MessageId,
        pub ip: Text<20>,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusCreateGameRequest0`.
    ///
    /// Known from one public server only.
    #[message(0x1d, client_to_server, answer CreateGameResponse)]
    pub struct CreateGameRequest0 {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub application_id: AppId,
        pub min_players: i32,
        pub max_players: i32,
        pub game_level: i32,
        pub game_name: Text<64>,
        pub game_password: Text<32>,
        pub player_skill_level: i32,
        pub rules_set: i32,
        pub generic_field1: i32,
        pub generic_field2: i32,
        pub generic_field3: i32,
        pub game_host_type: GameHostType,
    }

    /// `MediusCreateGameResponse`.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0x1e, server_to_client)]
    pub struct CreateGameResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub medius_world_id: MediusWorldId,
    }

    /// `MediusCreateChannelRequest0`.
    ///
    /// Known from one public server only.
    #[message(0x21, client_to_server, answer CreateChannelResponse)]
    pub struct CreateChannelRequest0 {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub application_id: AppId,
        pub min_players: i32,
        pub max_players: i32,
        pub game_level: i32,
        pub game_password: Text<32>,
        pub player_skill_level: i32,
        pub rules_set: i32,
        pub generic_field1: u32,
        pub generic_field2: u32,
        pub generic_field3: u32,
        pub game_host_type: GameHostType,
    }

    /// `MediusCreateChannelResponse`.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0x22, server_to_client)]
    pub struct CreateChannelResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub world_id: i32,
    }

    /// `MediusJoinGameRequest0`.
    ///
    /// Known from one public server only.
    #[message(0x23, client_to_server, answer JoinGameResponse)]
    pub struct JoinGameRequest0 {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub medius_world_id: MediusWorldId,
        pub game_password: Text<32>,
        pub game_host_type: GameHostType,
        pub address_list: NetAddressList,
    }

    /// `MediusJoinGameResponse`.
    ///
    /// 188 bytes of body in 1.08 and 1.09+ (app 11184) traffic of the original servers; a 192-byte body is
    /// seen by length in 1.13 traffic, so MaxPlayers is 4 bytes there. One source writes 8 bytes for 1.13
    /// and only for app_id in \[20624, 22500, 22920, 22924, 22930, 23360, 24000, 24180\].
    ///
    /// Uncertain: The exact version at which MaxPlayers starts: one source says 1.12.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0x24, server_to_client)]
    pub struct JoinGameResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub game_host_type: GameHostType,
        pub connect_info: NetConnectionInfo,
        #[when(d.medius_version >= 112)]
        pub max_players: Option<i32>,
    }

    /// `MediusJoinChannelRequest`, id table name `JoinChannel`.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0x25, client_to_server, answer JoinChannelResponse)]
    pub struct JoinChannelRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub world_id: i32,
        pub lobby_channel_password: Text<32>,
    }

    /// `MediusJoinChannelResponse`.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0x26, server_to_client)]
    pub struct JoinChannelResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub connect_info: NetConnectionInfo,
    }

    /// `MediusGameListRequest`, id table name `GameList`.
    ///
    /// Known from one public server only.
    #[message(0x29, client_to_server, answer GameListResponse)]
    pub struct GameListRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub application_id: AppId,
        pub page_id: u16,
        pub page_size: u16,
    }

    /// `MediusGameListResponse`.
    ///
    /// Known from one public server only.
    #[message(0x2a, server_to_client, list)]
    #[pad_end(3)]
    pub struct GameListResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub medius_world_id: MediusWorldId,
        pub game_name: Text<64>,
        pub world_status: WorldStatus,
        pub game_host_type: GameHostType,
        pub player_count: i32,
        pub end_of_list: Flag,
    }

    /// `MediusChannelListRequest`, id table name `ChannelList`.
    #[message(0x2b, client_to_server, answer ChannelListResponse)]
    pub struct ChannelListRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub page_id: i16,
        pub page_size: i16,
    }

    /// `MediusChannelListResponse`.
    #[message(0x2c, server_to_client, list)]
    #[pad_end(3)]
    pub struct ChannelListResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub medius_world_id: MediusWorldId,
        pub lobby_name: Text<64>,
        pub player_count: i32,
        pub end_of_list: Flag,
    }

    /// `MediusLobbyWorldPlayerListRequest`, id table name `LobbyWorldPlayerList`.
    #[message(0x2d, client_to_server, answer LobbyWorldPlayerListResponse)]
    pub struct LobbyWorldPlayerListRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub world_id: i32,
    }

    /// `MediusLobbyWorldPlayerListResponse`.
    #[message(0x2e, server_to_client, list)]
    #[pad_end(3)]
    pub struct LobbyWorldPlayerListResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub player_status: PlayerStatus,
        pub account_id: AccountId,
        pub account_name: Text<32>,
        pub stats: Blob<256>,
        pub connection_class: ConnectionType,
        pub end_of_list: Flag,
    }

    /// `MediusGameWorldPlayerListRequest`, id table name `GameWorldPlayerList`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x2f, client_to_server, answer GameWorldPlayerListResponse)]
    pub struct GameWorldPlayerListRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub medius_world_id: MediusWorldId,
    }

    /// `MediusGameWorldPlayerListResponse`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x30, server_to_client, list)]
    #[pad_end(3)]
    pub struct GameWorldPlayerListResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub account_id: AccountId,
        pub account_name: Text<32>,
        pub stats: Blob<256>,
        pub connection_class: ConnectionType,
        pub end_of_list: Flag,
    }

    /// `MediusPlayerInfoRequest`, id table name `PlayerInfo`.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0x31, client_to_server, answer PlayerInfoResponse)]
    pub struct PlayerInfoRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub account_id: AccountId,
    }

    /// `MediusPlayerInfoResponse`.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0x32, server_to_client)]
    pub struct PlayerInfoResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub account_name: Text<32>,
        pub application_id: AppId,
        pub player_status: PlayerStatus,
        pub connection_class: ConnectionType,
        pub stats: Blob<256>,
    }

    /// `MediusGameInfoRequest0`, id table name `GameInfo0`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x33, client_to_server, answer GameInfoResponse0)]
    pub struct GameInfoRequest0 {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub medius_world_id: MediusWorldId,
    }

    /// `MediusGameInfoResponse0`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x34, server_to_client)]
    pub struct GameInfoResponse0 {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub application_id: AppId,
        pub min_players: i32,
        pub max_players: i32,
        pub game_level: i32,
        pub player_skill_level: i32,
        pub player_count: i32,
        pub game_stats: Blob<256>,
        pub game_name: Text<64>,
        pub rules_set: i32,
        pub generic_field1: i32,
        pub generic_field2: i32,
        pub generic_field3: i32,
        pub world_status: WorldStatus,
        pub game_host_type: GameHostType,
    }

    /// `MediusChannelInfoRequest`, id table name `ChannelInfo`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x35, client_to_server, answer ChannelInfoResponse)]
    pub struct ChannelInfoRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub world_id: i32,
    }

    /// `MediusChannelInfoResponse`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x36, server_to_client)]
    pub struct ChannelInfoResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub lobby_name: Text<64>,
        pub active_player_count: i32,
        pub max_players: i32,
    }

    /// `MediusFindWorldByNameRequest`, id table name `FindWorldByName`.
    ///
    /// Known from one public server only.
    #[message(0x37, client_to_server, answer FindWorldByNameResponse)]
    pub struct FindWorldByNameRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub name: Text<64>,
        #[pad(2)]
        pub world_type: FindWorldType,
    }

    /// `MediusFindWorldByNameResponse`.
    ///
    /// Known from one public server only.
    #[message(0x38, server_to_client, list)]
    #[pad_end(3)]
    pub struct FindWorldByNameResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub application_id: AppId,
        pub application_name: Text<32>,
        pub application_type: ApplicationType,
        pub medius_world_id: MediusWorldId,
        pub world_name: Text<64>,
        pub world_status: WorldStatus,
        pub end_of_list: Flag,
    }

    /// `MediusFindPlayerRequest`, id table name `FindPlayer`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x39, client_to_server, answer FindPlayerResponse)]
    pub struct FindPlayerRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub search_type: PlayerSearchType,
        pub id: i32,
        pub name: Text<32>,
    }

    /// `MediusFindPlayerResponse`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x3a, server_to_client, list)]
    #[pad_end(3)]
    pub struct FindPlayerResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub application_id: AppId,
        pub application_name: Text<32>,
        pub application_type: ApplicationType,
        pub medius_world_id: MediusWorldId,
        pub account_id: AccountId,
        pub account_name: Text<32>,
        pub end_of_list: Flag,
    }

    /// `MediusChatMessage`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x3b, client_to_server, answer ChatFwdMessage)]
    pub struct ChatMessage {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub message_type: ChatMessageType,
        pub target_id: i32,
        pub message: Text<64>,
    }

    /// `MediusChatFwdMessage`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x3c, server_to_client)]
    pub struct ChatFwdMessage {
        pub message_id: MessageId,
        #[pad(3)]
        pub originator_account_id: AccountId,
        pub originator_account_name: Text<32>,
        pub message_type: ChatMessageType,
        pub message: Text<64>,
    }

    /// `MediusGetBuddyListRequest`, id table name `GetBuddyList`.
    ///
    /// Known from one public server only.
    #[message(0x3d, client_to_server, answer GetBuddyListResponse)]
    pub struct GetBuddyListRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
    }

    /// `MediusGetBuddyListResponse`.
    ///
    /// Known from one public server only.
    #[message(0x3e, server_to_client, list)]
    #[pad_end(3)]
    pub struct GetBuddyListResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub account_id: AccountId,
        pub account_name: Text<32>,
        pub player_status: PlayerStatus,
        pub end_of_list: Flag,
    }

    /// `MediusAddToBuddyListRequest`, id table name `AddToBuddyList`.
    #[message(0x3f, client_to_server, answer AddToBuddyListResponse)]
    pub struct AddToBuddyListRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub account_id: AccountId,
    }

    /// `MediusAddToBuddyListResponse`.
    #[message(0x40, server_to_client)]
    pub struct AddToBuddyListResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusRemoveFromBuddyListRequest`, id table name `RemoveFromBuddyList`.
    #[message(0x41, client_to_server, answer RemoveFromBuddyListResponse)]
    pub struct RemoveFromBuddyListRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub account_id: AccountId,
    }

    /// `MediusRemoveFromBuddyListResponse`.
    #[message(0x42, server_to_client)]
    pub struct RemoveFromBuddyListResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusGetPolicyRequest`, id table name `Policy`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x47, client_to_server, answer GetPolicyResponse)]
    pub struct GetPolicyRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub policy: PolicyType,
    }

    /// `MediusGetPolicyResponse`, id table name `PolicyResponse`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x48, server_to_client)]
    #[pad_end(3)]
    pub struct GetPolicyResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub policy: Text<256>,
        pub end_of_text: Flag,
    }

    /// `MediusUpdateUserState`.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0x49, client_to_server)]
    pub struct UpdateUserState {
        pub session_key: Text<17>,
        #[pad(3)]
        pub user_action: UserAction,
    }

    /// `MediusErrorMessage`.
    ///
    /// Known from one public server only.
    #[message(0x4a, server_to_client)]
    pub struct ErrorMessage {
        pub error_code: i32,
        pub error_message: Text<256>,
    }

    /// `MediusGetAnnouncementsRequest`, id table name `GetAnnouncements`.
    #[message(0x4b, client_to_server, answer GetAnnouncementsResponse)]
    pub struct GetAnnouncementsRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub application_id: AppId,
    }

    /// `MediusGetAllAnnouncementsRequest`, id table name `GetAllAnnouncements`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x4c, client_to_server, answer GetAnnouncementsResponse)]
    pub struct GetAllAnnouncementsRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub application_id: AppId,
    }

    /// `MediusGetAnnouncementsResponse`.
    ///
    /// 1036 bytes of body above 1.08 (app 11184, captured); 4036 in 1.13 by the sum of its fragments.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x4d, server_to_client, list)]
    #[pad_end(3)]
    pub struct GetAnnouncementsResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub announcement_id: i32,
        #[width(d.announcement_width())]
        pub announcement: VarText,
        pub end_of_list: Flag,
    }

    /// `MediusSetGameListFilterRequest0`, id table name `SetGameListFilter0`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x4e, client_to_server, answer SetGameListFilterResponse0)]
    pub struct SetGameListFilterRequest0 {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub filter_field: GameListFilterField,
        pub comparison_operator: ComparisonOperator,
        pub baseline_value: i32,
    }

    /// `MediusSetGameListFilterResponse0`.
    ///
    /// 28 bytes of body (no FilterID) in 1.08 traffic.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x4f, server_to_client)]
    pub struct SetGameListFilterResponse0 {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        #[when(d.medius_version > 108)]
        pub filter_id: Option<u32>,
    }

    /// `MediusClearGameListFilterRequest0`, id table name `ClearGameListFilter0`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x50, client_to_server, answer ClearGameListFilterResponse)]
    pub struct ClearGameListFilterRequest0 {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub filter_id: u32,
    }

    /// `MediusClearGameListFilterResponse`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x51, server_to_client)]
    pub struct ClearGameListFilterResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusGetGameListFilterRequest`, id table name `GetGameListFilter`.
    ///
    /// No padding at the end: 38 bytes in captured traffic.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x52, client_to_server, answer GetGameListFilterResponse)]
    pub struct GetGameListFilterRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
    }

    /// `MediusGetGameListFilterResponse0`.
    ///
    /// Known from one public server only.
    #[message(0x53, server_to_client, list)]
    #[pad_end(3)]
    pub struct GetGameListFilterResponse0 {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub filter_field: GameListFilterField,
        pub comparison_operator: ComparisonOperator,
        pub baseline_value: i32,
        pub end_of_list: Flag,
    }

    /// `MediusCreateClanRequest`, id table name `CreateClan`.
    #[message(0x54, client_to_server, answer CreateClanResponse)]
    pub struct CreateClanRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub application_id: AppId,
        pub clan_name: Text<32>,
    }

    /// `MediusCreateClanResponse`.
    #[message(0x55, server_to_client)]
    pub struct CreateClanResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub clan_id: ClanId,
    }

    /// `MediusDisbandClanRequest`, id table name `DisbandClan`.
    #[message(0x56, client_to_server, answer DisbandClanResponse)]
    pub struct DisbandClanRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub clan_id: ClanId,
    }

    /// `MediusDisbandClanResponse`.
    #[message(0x57, server_to_client)]
    pub struct DisbandClanResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusGetClanByIDRequest`, id table name `GetClanByID`.
    #[message(0x58, client_to_server, answer GetClanByIDResponse)]
    pub struct GetClanByIDRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub account_id: AccountId,
        pub clan_id: ClanId,
    }

    /// `MediusGetClanByIDResponse`.
    #[message(0x59, server_to_client)]
    pub struct GetClanByIDResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub application_id: AppId,
        pub clan_name: Text<32>,
        pub leader_account_id: AccountId,
        pub leader_account_name: Text<32>,
        pub stats: Blob<256>,
        pub status: ClanStatus,
    }

    /// `MediusGetClanByNameRequest`, id table name `GetClanByName`.
    #[message(0x5a, client_to_server, answer GetClanByNameResponse)]
    pub struct GetClanByNameRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub application_id: AppId,
        pub clan_name: Text<32>,
    }

    /// `MediusGetClanByNameResponse`.
    #[message(0x5b, server_to_client)]
    pub struct GetClanByNameResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub clan_id: ClanId,
        pub leader_account_id: AccountId,
        pub leader_account_name: Text<32>,
        pub stats: Blob<256>,
        pub status: ClanStatus,
    }

    /// `MediusTransferClanLeadershipRequest`, id table name `TransferClanLeadership`.
    #[message(0x5c, client_to_server, answer TransferClanLeadershipResponse)]
    pub struct TransferClanLeadershipRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub new_leader_account_id: AccountId,
        pub new_leader_account_name: Text<32>,
    }

    /// `MediusTransferClanLeadershipResponse`.
    #[message(0x5d, server_to_client)]
    pub struct TransferClanLeadershipResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusAddPlayerToClanRequest`, id table name `AddPlayerToClan`.
    #[message(0x5e, client_to_server, answer AddPlayerToClanResponse)]
    pub struct AddPlayerToClanRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub player_account_id: AccountId,
        pub welcome_message: Text<200>,
    }

    /// `MediusAddPlayerToClanResponse`.
    #[message(0x5f, server_to_client)]
    pub struct AddPlayerToClanResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusRemovePlayerFromClanRequest`, id table name `RemovePlayerFromClan`.
    #[message(0x60, client_to_server, answer RemovePlayerFromClanResponse)]
    pub struct RemovePlayerFromClanRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub player_account_id: AccountId,
        pub clan_id: ClanId,
    }

    /// `MediusRemovePlayerFromClanResponse`.
    #[message(0x61, server_to_client)]
    pub struct RemovePlayerFromClanResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusInvitePlayerToClanRequest`, id table name `InvitePlayerToClan`.
    #[message(0x62, client_to_server, answer InvitePlayerToClanResponse)]
    pub struct InvitePlayerToClanRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub player_account_id: AccountId,
        pub invite_message: Text<200>,
    }

    /// `MediusInvitePlayerToClanResponse`.
    #[message(0x63, server_to_client)]
    pub struct InvitePlayerToClanResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusCheckMyClanInvitationsRequest`, id table name `CheckMyClanInvitations`.
    #[message(0x64, client_to_server, answer CheckMyClanInvitationsResponse)]
    pub struct CheckMyClanInvitationsRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub start: i32,
        pub page_size: i32,
    }

    /// `MediusCheckMyClanInvitationsResponse`.
    #[message(0x65, server_to_client, list)]
    #[pad_end(3)]
    pub struct CheckMyClanInvitationsResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub clan_invitation_id: i32,
        pub clan_id: ClanId,
        pub response_status: ClanInvitationsResponseStatus,
        #[width(d.at_113(2048, 200))]
        pub message: VarText,
        pub leader_account_id: AccountId,
        pub leader_account_name: Text<32>,
        pub end_of_list: Flag,
    }

    /// `MediusRespondToClanInvitationRequest`, id table name `RespondToClanInvitation`.
    #[message(0x66, client_to_server, answer RespondToClanInvitationResponse)]
    pub struct RespondToClanInvitationRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub clan_invitation_id: i32,
        pub response: ClanInvitationsResponseStatus,
        pub message: Text<200>,
    }

    /// `MediusRespondToClanInvitationResponse`.
    #[message(0x67, server_to_client)]
    pub struct RespondToClanInvitationResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusRevokeClanInvitationRequest`, id table name `RevokeClanInvitation`.
    #[message(0x68, client_to_server, answer RevokeClanInvitationResponse)]
    pub struct RevokeClanInvitationRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub player_account_id: AccountId,
    }

    /// `MediusRevokeClanInvitationResponse`.
    #[message(0x69, server_to_client)]
    pub struct RevokeClanInvitationResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusRequestClanTeamChallengeRequest`, id table name `RequestClanTeamChallenge`.
    #[message(0x6a, client_to_server, answer RequestClanTeamChallengeResponse)]
    pub struct RequestClanTeamChallengeRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub clan_id: ClanId,
        pub message: Text<200>,
    }

    /// `MediusRequestClanTeamChallengeResponse`.
    #[message(0x6b, server_to_client)]
    pub struct RequestClanTeamChallengeResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusGetMyClanMessagesRequest`, id table name `GetMyClanMessages`.
    #[message(0x6c, client_to_server, answer GetMyClanMessagesResponse)]
    pub struct GetMyClanMessagesRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub clan_id: ClanId,
        pub start: i32,
        pub page_size: i32,
    }

    /// `MediusGetMyClanMessagesResponse`.
    ///
    /// Uncertain: 1.13 form is packed and comes from one source only.
    #[message(0x6d, server_to_client, list)]
    #[pad_end(3, when d.medius_version != 113)]
    pub struct GetMyClanMessagesResponse {
        pub message_id: MessageId,
        #[pad(3, when d.medius_version != 113)]
        pub status_code: CallbackStatus,
        pub clan_id: ClanId,
        #[when(d.medius_version == 113)]
        pub clan_message_id: Option<i32>,
        #[width(d.at_113(1200, 200))]
        pub message: VarText,
        pub end_of_list: Flag,
    }

    /// `MediusSendClanMessageRequest`, id table name `SendClanMessage`.
    #[message(0x6e, client_to_server, answer SendClanMessageResponse)]
    pub struct SendClanMessageRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[width(d.at_113(1200, 200))]
        pub message: VarText,
    }

    /// `MediusSendClanMessageResponse`.
    #[message(0x6f, server_to_client)]
    pub struct SendClanMessageResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusModifyClanMessageRequest`, id table name `ModifyClanMessage`.
    #[message(0x70, client_to_server, answer ModifyClanMessageResponse)]
    pub struct ModifyClanMessageRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub clan_message_id: i32,
        pub new_message: Text<200>,
    }

    /// `MediusModifyClanMessageResponse`.
    #[message(0x71, server_to_client)]
    pub struct ModifyClanMessageResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusDeleteClanMessageRequest`, id table name `DeleteClanMessage`.
    #[message(0x72, client_to_server, answer DeleteClanMessageResponse)]
    pub struct DeleteClanMessageRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub clan_message_id: i32,
    }

    /// `MediusDeleteClanMessageResponse`.
    #[message(0x73, server_to_client)]
    pub struct DeleteClanMessageResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusRespondToClanTeamChallengeRequest`, id table name `RespondToClanTeamChallenge`.
    #[message(0x74, client_to_server, answer RespondToClanTeamChallengeResponse)]
    pub struct RespondToClanTeamChallengeRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub clan_challenge_id: i32,
        pub challenge_status: ClanChallengeStatus,
        pub message: Text<200>,
    }

    /// `MediusRespondToClanTeamChallengeResponse`.
    ///
    /// Known from one public server only.
    #[message(0x75, server_to_client)]
    pub struct RespondToClanTeamChallengeResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusRevokeClanTeamChallengeRequest`, id table name `RevokeClanTeamChallenge`.
    #[message(0x76, client_to_server, answer RevokeClanTeamChallengeResponse)]
    pub struct RevokeClanTeamChallengeRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub clan_challenge_id: i32,
    }

    /// `MediusRevokeClanTeamChallengeResponse`.
    #[message(0x77, server_to_client)]
    pub struct RevokeClanTeamChallengeResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusGetClanTeamChallengeHistoryRequest`, id table name `GetClanTeamChallengeHistory`.
    #[message(0x78, client_to_server, answer GetClanTeamChallengeHistoryResponse)]
    pub struct GetClanTeamChallengeHistoryRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub clan_id: ClanId,
        pub this_clan_is_challenger: i32,
        pub start: i32,
        pub page_size: i32,
    }

    /// `MediusGetClanTeamChallengeHistoryResponse`.
    #[message(0x79, server_to_client, list)]
    #[pad_end(3)]
    pub struct GetClanTeamChallengeHistoryResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub against_clan_id: ClanId,
        pub status: ClanChallengeStatus,
        pub end_of_list: Flag,
    }

    /// `MediusGetClanInvitationsSentRequest`, id table name `GetClanInvitationsSent`.
    #[message(0x7a, client_to_server, answer GetClanInvitationsSentResponse)]
    pub struct GetClanInvitationsSentRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub start: i32,
        pub page_size: i32,
    }

    /// `MediusGetClanInvitationsSentResponse`.
    #[message(0x7b, server_to_client, list)]
    #[pad_end(3)]
    pub struct GetClanInvitationsSentResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub account_id: AccountId,
        pub account_name: Text<32>,
        #[width(d.at_113(2048, 200))]
        pub response_msg: VarText,
        pub response_status: ClanInvitationsResponseStatus,
        pub response_time: i32,
        pub end_of_list: Flag,
    }

    /// `MediusGetMyClansRequest`, id table name `GetMyClans`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x7c, client_to_server, answer GetMyClansResponse)]
    pub struct GetMyClansRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub start: i32,
        pub page_size: i32,
    }

    /// `MediusGetMyClansResponse`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x7d, server_to_client, list)]
    #[pad_end(3)]
    pub struct GetMyClansResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub clan_id: ClanId,
        pub application_id: AppId,
        pub clan_name: Text<32>,
        pub leader_account_id: AccountId,
        pub leader_account_name: Text<32>,
        pub stats: Blob<256>,
        pub status: ClanStatus,
        pub end_of_list: Flag,
    }

    /// `MediusGetAllClanMessagesRequest`, id table name `GetAllClanMessages`.
    #[message(0x7e, client_to_server, answer GetAllClanMessagesResponse)]
    pub struct GetAllClanMessagesRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub start: i32,
        pub page_size: i32,
    }

    /// `MediusGetAllClanMessagesResponse`.
    #[message(0x7f, server_to_client, list)]
    #[pad_end(3)]
    pub struct GetAllClanMessagesResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub clan_message_id: i32,
        pub message: Text<200>,
        pub status: ClanMessageStatus,
        pub end_of_list: Flag,
    }

    /// `MediusConfirmClanTeamChallengeRequest`, id table name `ConfirmClanTeamChallenge`.
    #[message(0x80, client_to_server, answer ConfirmClanTeamChallengeResponse)]
    pub struct ConfirmClanTeamChallengeRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub clan_challenge_id: i32,
    }

    /// `MediusConfirmClanTeamChallengeResponse`.
    #[message(0x81, server_to_client)]
    pub struct ConfirmClanTeamChallengeResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusGetClanTeamChallengesRequest`, id table name `GetClanTeamChallenges`.
    #[message(0x82, client_to_server, answer GetClanTeamChallengesResponse)]
    pub struct GetClanTeamChallengesRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub clan_id: ClanId,
        pub start: i32,
        pub page_size: i32,
        pub status: ClanChallengeStatus,
        pub challenged_only: i32,
    }

    /// `MediusGetClanTeamChallengesResponse`.
    #[message(0x83, server_to_client, list)]
    pub struct GetClanTeamChallengesResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub challenger_clan_id: ClanId,
        pub against_clan_id: ClanId,
        pub status: ClanChallengeStatus,
        pub response_time: i32,
        pub challenge_msg: Text<200>,
        pub response_msg: Text<200>,
        pub end_of_list: Flag,
        #[pad(3)]
        pub clan_challenge_id: i32,
    }

    /// `MediusUpdateClanStatsRequest`, id table name `UpdateClanStats`.
    #[message(0x84, client_to_server, answer UpdateClanStatsResponse)]
    pub struct UpdateClanStatsRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub clan_id: ClanId,
        pub stats: Blob<256>,
    }

    /// `MediusUpdateClanStatsResponse`.
    #[message(0x85, server_to_client)]
    pub struct UpdateClanStatsResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusVersionServerRequest`, id table name `VersionServer`.
    ///
    /// Known from one public server only.
    #[message(0x86, client_to_server, answer VersionServerResponse)]
    pub struct VersionServerRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
    }

    /// `MediusVersionServerResponse`.
    ///
    /// Known from one public server only.
    #[message(0x87, server_to_client)]
    pub struct VersionServerResponse {
        pub message_id: MessageId,
        pub version_server: Text<56>,
    }

    /// `MediusGetWorldSecurityLevelRequest`, id table name `GetWorldSecurityLevel`.
    ///
    /// SessionKey directly after MessageID in captured traffic; one source has the 2 pad bytes before it
    /// instead.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x88, client_to_server, answer GetWorldSecurityLevelResponse)]
    pub struct GetWorldSecurityLevelRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub medius_world_id: MediusWorldId,
        pub app_type: ApplicationType,
    }

    /// `MediusGetWorldSecurityLevelResponse`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x89, server_to_client, answer GetWorldSecurityLevelResponse)]
    pub struct GetWorldSecurityLevelResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub medius_world_id: MediusWorldId,
        pub app_type: ApplicationType,
        pub security_level: WorldSecurityLevelType,
    }

    /// `MediusBanPlayerRequest`, id table name `BanPlayer`.
    ///
    /// Known from one public server only.
    #[message(0x8a, client_to_server, answer BanPlayerResponse)]
    pub struct BanPlayerRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub ban_account_id: AccountId,
        pub ban_minutes: i32,
        pub medius_world_id: MediusWorldId,
        pub app_type: ApplicationType,
    }

    /// `MediusBanPlayerResponse`.
    ///
    /// Known from one public server only.
    #[message(0x8b, server_to_client)]
    pub struct BanPlayerResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusGetLocationsRequest`, id table name `GetLocations`.
    ///
    /// Uncertain: One source skips 2 more bytes at the end; structures of characters only carry none
    /// elsewhere.
    #[message(0x8c, client_to_server, answer GetLocationsResponse)]
    pub struct GetLocationsRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
    }

    /// `MediusGetLocationsResponse`.
    #[message(0x8d, server_to_client, list)]
    #[pad_end(3)]
    pub struct GetLocationsResponse {
        pub message_id: MessageId,
        #[pad(3)]
        #[name("LocationId")]
        pub location_id: i32,
        pub location_name: Text<64>,
        pub status_code: CallbackStatus,
        pub end_of_list: Flag,
    }

    /// `MediusPickLocationRequest`, id table name `PickLocation`.
    ///
    /// pad\[2\] from a PS2-tested source; another has none.
    ///
    /// Known from one public server only.
    #[message(0x8e, client_to_server, answer PickLocationResponse)]
    pub struct PickLocationRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub location_id: i32,
    }

    /// `MediusPickLocationResponse`.
    ///
    /// Known from one public server only.
    #[message(0x8f, server_to_client)]
    pub struct PickLocationResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusGetClanMemberListRequest`, id table name `GetClanMemberList`.
    ///
    /// Known from one public server only.
    #[message(0x90, client_to_server, answer GetClanMemberListResponse)]
    pub struct GetClanMemberListRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub clan_id: ClanId,
    }

    /// `MediusGetClanMemberListResponse`.
    ///
    /// Known from one public server only.
    #[message(0x91, server_to_client, list)]
    #[pad_end(3)]
    pub struct GetClanMemberListResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub account_id: AccountId,
        pub account_name: Text<32>,
        pub status_code: CallbackStatus,
        pub end_of_list: Flag,
    }

    /// `MediusLadderPositionRequest`, id table name `LadderPosition`.
    ///
    /// Known from one public server only.
    #[message(0x92, client_to_server, answer LadderPositionResponse)]
    pub struct LadderPositionRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub start_byte: i32,
        pub end_byte: i32,
        pub sort_order: SortOrder,
        pub account_id: AccountId,
    }

    /// `MediusLadderPositionResponse`.
    ///
    /// Known from one public server only.
    #[message(0x93, server_to_client)]
    pub struct LadderPositionResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub ladder_position: u32,
        pub status_code: CallbackStatus,
    }

    /// `MediusLadderListRequest`, id table name `LadderList`.
    ///
    /// Known from one public server only.
    #[message(0x94, client_to_server, answer LadderListResponse)]
    pub struct LadderListRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub start_byte: i32,
        pub end_byte: i32,
        pub sort_order: i32,
        pub start_position: i32,
        pub page_size: i32,
    }

    /// `MediusLadderListResponse`.
    ///
    /// Known from one public server only.
    #[message(0x95, server_to_client, list)]
    #[pad_end(3)]
    pub struct LadderListResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub account_id: AccountId,
        pub account_name: Text<32>,
        pub ladder_position: u32,
        pub status_code: CallbackStatus,
        pub end_of_list: Flag,
    }

    /// `MediusChatToggleRequest`, id table name `ChatToggle`.
    #[message(0x96, client_to_server, answer ChatToggleResponse)]
    pub struct ChatToggleRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub chat_toggle: ChatToggle,
    }

    /// `MediusChatToggleResponse`.
    #[message(0x97, server_to_client)]
    pub struct ChatToggleResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusTextFilterRequest`, id table name `TextFilter`.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0x98, client_to_server, answer TextFilterResponse)]
    pub struct TextFilterRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub text_filter_type: TextFilterType,
        pub text: Text<64>,
    }

    /// `MediusTextFilterResponse`.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0x99, server_to_client)]
    pub struct TextFilterResponse {
        pub message_id: MessageId,
        pub text: Text<64>,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusReassignGameMediusWorldID`.
    ///
    /// Known from one public server only.
    #[message(0x9a, both)]
    pub struct ReassignGameMediusWorldID {
        pub old_medius_world_id: MediusWorldId,
        pub new_medius_world_id: MediusWorldId,
    }

    /// `MediusGetTotalGamesRequest`, id table name `GetTotalGames`.
    ///
    /// Known from one public server only.
    #[message(0x9b, client_to_server, answer GetTotalGamesResponse)]
    pub struct GetTotalGamesRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub application_id: AppId,
    }

    /// `MediusGetTotalGamesResponse`.
    ///
    /// Known from one public server only.
    #[message(0x9c, server_to_client)]
    pub struct GetTotalGamesResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub total: i32,
    }

    /// `MediusGetTotalChannelsRequest`, id table name `GetTotalChannels`.
    #[message(0x9d, client_to_server, answer GetTotalChannelsResponse)]
    pub struct GetTotalChannelsRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub application_id: AppId,
    }

    /// `MediusGetTotalChannelsResponse`.
    #[message(0x9e, server_to_client)]
    pub struct GetTotalChannelsResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub total: u32,
        pub status_code: CallbackStatus,
    }

    /// `MediusGetLobbyPlayerNamesRequest`, id table name `GetLobbyPlayerNames`.
    #[message(0x9f, client_to_server, answer GetLobbyPlayerNamesResponse)]
    pub struct GetLobbyPlayerNamesRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub medius_world_id: MediusWorldId,
    }

    /// `MediusGetLobbyPlayerNamesResponse`.
    #[message(0xa0, server_to_client, list)]
    #[pad_end(3)]
    pub struct GetLobbyPlayerNamesResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub account_id: AccountId,
        pub account_name: Text<32>,
        pub end_of_list: Flag,
    }

    /// `MediusGetTotalUsersRequest`, id table name `GetTotalUsers`.
    ///
    /// Known from one public server only.
    #[message(0xa1, client_to_server, answer GetTotalUsersResponse)]
    pub struct GetTotalUsersRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub application_id: AppId,
    }

    /// `MediusGetTotalUsersResponse`.
    ///
    /// Known from one public server only.
    #[message(0xa2, server_to_client)]
    pub struct GetTotalUsersResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub total_in_system: u32,
        pub total_in_game: u32,
        pub status_code: CallbackStatus,
    }

    /// `MediusSetLocalizationParamsRequest`, id table name `SetLocalizationParams`.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0xa3, client_to_server, answer SetLocalizationParamsResponse)]
    pub struct SetLocalizationParamsRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub character_encoding: CharacterEncodingType,
        pub language: LanguageType,
    }

    /// `MediusSetLocalizationParamsResponse`.
    ///
    /// Serves as a plain status answer; the original servers send it for SetLocalizationParams and
    /// SetLocalizationParams1.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184), 1.13.
    #[message(0xa4, server_to_client)]
    pub struct SetLocalizationParamsResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusFileCreateRequest`, id table name `FileCreate`.
    #[message(0xa5, client_to_server, answer FileCreateResponse)]
    #[pad_end(3)]
    pub struct FileCreateRequest {
        pub medius_file_to_create: File,
        pub medius_file_create_attributes: FileAttributes,
        pub message_id: MessageId,
    }

    /// `MediusFileCreateResponse`.
    #[message(0xa6, server_to_client)]
    #[pad_end(3)]
    pub struct FileCreateResponse {
        pub medius_file_info: File,
        pub status_code: CallbackStatus,
        pub message_id: MessageId,
    }

    /// `MediusFileUploadRequest`, id table name `FileUpload`.
    #[message(0xa7, client_to_server, answer FileUploadResponse)]
    #[pad_end(3)]
    pub struct FileUploadRequest {
        pub medius_file_info: File,
        pub puc_data_start: u32,
        pub ui_data_size: u32,
        pub message_id: MessageId,
    }

    /// `MediusFileUploadResponse`.
    #[message(0xa8, client_to_server)]
    #[pad_end(3)]
    pub struct FileUploadResponse {
        pub data: Blob<464>,
        #[name("iStartByteIndex")]
        pub i_start_byte_index: i32,
        #[name("iDataSize")]
        pub i_data_size: i32,
        #[name("iPacketNumber")]
        pub i_packet_number: i32,
        #[name("iXferStatus")]
        pub i_xfer_status: FileXferStatus,
        pub status_code: CallbackStatus,
        pub message_id: MessageId,
    }

    /// `MediusFileUploadServerRequest`, id table name `FileUploadServerReq`.
    #[message(0xa9, server_to_client)]
    #[pad_end(3)]
    pub struct FileUploadServerRequest {
        #[name("iReqStartByteIndex")]
        pub i_req_start_byte_index: i32,
        #[name("iPacketNumber")]
        pub i_packet_number: i32,
        #[name("iXferStatus")]
        pub i_xfer_status: FileXferStatus,
        pub status_code: CallbackStatus,
        pub message_id: MessageId,
    }

    /// `MediusFileCloseRequest`, id table name `FileClose`.
    #[message(0xaa, client_to_server, answer FileCloseResponse)]
    #[pad_end(3)]
    pub struct FileCloseRequest {
        pub medius_file_info: File,
        pub message_id: MessageId,
    }

    /// `MediusFileCloseResponse`.
    #[message(0xab, server_to_client)]
    #[pad_end(3)]
    pub struct FileCloseResponse {
        pub medius_file_info: File,
        pub status_code: CallbackStatus,
        pub message_id: MessageId,
    }

    /// `MediusFileDownloadRequest`, id table name `FileDownload`.
    ///
    /// 196 bytes of body in captured traffic; a form with 4 more bytes between MediusFileInfo and MessageID
    /// in one source is not seen there.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0xac, client_to_server, answer FileDownloadResponse)]
    #[pad_end(3)]
    pub struct FileDownloadRequest {
        pub medius_file_info: File,
        pub message_id: MessageId,
    }

    /// `MediusFileDownloadResponse`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0xad, server_to_client)]
    #[pad_end(3)]
    pub struct FileDownloadResponse {
        pub data: Blob<464>,
        #[name("iStartByteIndex")]
        pub i_start_byte_index: i32,
        #[name("iDataSize")]
        pub i_data_size: i32,
        #[name("iPacketNumber")]
        pub i_packet_number: i32,
        #[name("iXferStatus")]
        pub i_xfer_status: FileXferStatus,
        pub status_code: CallbackStatus,
        pub message_id: MessageId,
    }

    /// `MediusFileDeleteRequest`, id table name `FileDelete`.
    ///
    /// Known from one public server only.
    #[message(0xb0, client_to_server, answer FileDeleteResponse)]
    #[pad_end(3)]
    pub struct FileDeleteRequest {
        pub medius_file_to_delete: File,
        pub message_id: MessageId,
    }

    /// `MediusFileDeleteResponse`.
    ///
    /// Known from one public server only.
    #[message(0xb1, server_to_client)]
    #[pad_end(3)]
    pub struct FileDeleteResponse {
        pub status_code: CallbackStatus,
        pub message_id: MessageId,
    }

    /// `MediusFileListRequest`, id table name `FileListFiles`.
    ///
    /// Known from one public server only.
    #[message(0xb2, client_to_server, answer FileListResponse)]
    #[pad_end(3)]
    pub struct FileListRequest {
        pub file_name_begins_with: Text<128>,
        pub filesize_greater_than: u32,
        pub filesize_less_than: u32,
        pub owner_by_id: u32,
        pub newer_than_timestamp: u32,
        pub starting_entry_number: u32,
        pub page_size: u32,
        pub message_id: MessageId,
    }

    /// `MediusFileListResponse`, id table name `FileListFilesResponse`.
    ///
    /// Known from one public server only.
    #[message(0xb3, server_to_client, list)]
    #[pad_end(2)]
    pub struct FileListResponse {
        pub medius_file_to_list: File,
        pub status_code: CallbackStatus,
        pub message_id: MessageId,
        pub end_of_list: Flag,
    }

    /// `MediusFileGetAttributesRequest`, id table name `FileGetAttributes`.
    ///
    /// Uncertain: closing pad\[3\] from the alignment rule and the sister requests; the only source has none.
    ///
    /// Known from one public server only.
    #[message(0xb6, client_to_server, answer FileGetAttributesResponse)]
    #[pad_end(3)]
    pub struct FileGetAttributesRequest {
        pub medius_file_info: File,
        pub message_id: MessageId,
    }

    /// `MediusFileGetAttributesResponse`.
    ///
    /// Known from one public server only.
    #[message(0xb7, server_to_client)]
    #[pad_end(3)]
    pub struct FileGetAttributesResponse {
        pub medius_file_info: File,
        pub medius_file_attributes_response: FileAttributes,
        pub status_code: CallbackStatus,
        pub message_id: MessageId,
    }

    /// `MediusFileUpdateMetaDataRequest`, id table name `FileUpdateMetaData`.
    ///
    /// Known from one public server only.
    #[message(0xb8, client_to_server, answer FileUpdateMetaDataResponse)]
    #[pad_end(3)]
    pub struct FileUpdateMetaDataRequest {
        pub medius_file_info: File,
        pub medius_update_meta_data: FileMetaData,
        pub message_id: MessageId,
    }

    /// `MediusFileUpdateMetaDataResponse`.
    ///
    /// Known from one public server only.
    #[message(0xb9, server_to_client, list)]
    #[pad_end(2)]
    pub struct FileUpdateMetaDataResponse {
        pub medius_file: File,
        pub status_code: CallbackStatus,
        pub message_id: MessageId,
        pub end_of_list: Flag,
    }

    /// `MediusFileGetMetaDataRequest`, id table name `FileGetMetaData`.
    ///
    /// Known from one public server only.
    #[message(0xba, client_to_server, answer FileGetMetaDataResponse)]
    #[pad_end(3)]
    pub struct FileGetMetaDataRequest {
        pub medius_file_info: File,
        pub medius_meta_data_requested_key: FileMetaData,
        pub message_id: MessageId,
    }

    /// `MediusFileGetMetaDataResponse`.
    ///
    /// Known from one public server only.
    #[message(0xbb, server_to_client, list)]
    #[pad_end(2)]
    pub struct FileGetMetaDataResponse {
        pub medius_file_info: File,
        pub medius_meta_data_response_key: FileMetaData,
        pub status_code: CallbackStatus,
        pub message_id: MessageId,
        pub end_of_list: Flag,
    }

    /// `MediusFileCancelOperationRequest`, id table name `FileCancelOperation`.
    ///
    /// Known from one public server only.
    #[message(0xbe, client_to_server, answer FileCancelOperationResponse)]
    #[pad_end(3)]
    pub struct FileCancelOperationRequest {
        pub medius_file_info: File,
        pub message_id: MessageId,
    }

    /// `MediusFileCancelOperationResponse`.
    ///
    /// Known from one public server only.
    #[message(0xbf, server_to_client)]
    #[pad_end(3)]
    pub struct FileCancelOperationResponse {
        pub status_code: CallbackStatus,
        pub message_id: MessageId,
    }

    /// `MediusGetIgnoreListRequest`, id table name `GetIgnoreList`.
    ///
    /// No padding at the end: 38 bytes in captured traffic.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0xc0, client_to_server, answer GetIgnoreListResponse)]
    pub struct GetIgnoreListRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
    }

    /// `MediusGetIgnoreListResponse`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0xc1, server_to_client, list)]
    #[pad_end(3)]
    pub struct GetIgnoreListResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub ignore_account_id: AccountId,
        pub ignore_account_name: Text<32>,
        pub player_status: PlayerStatus,
        pub end_of_list: Flag,
    }

    /// `MediusAddToIgnoreListRequest`, id table name `AddToIgnoreList`.
    #[message(0xc2, client_to_server, answer AddToIgnoreListResponse)]
    pub struct AddToIgnoreListRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub ignore_account_id: AccountId,
    }

    /// `MediusAddToIgnoreListResponse`.
    #[message(0xc3, server_to_client)]
    pub struct AddToIgnoreListResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusRemoveFromIgnoreListRequest`, id table name `RemoveFromIgnoreList`.
    #[message(0xc4, client_to_server, answer RemoveFromIgnoreListResponse)]
    pub struct RemoveFromIgnoreListRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub ignore_account_id: AccountId,
    }

    /// `MediusRemoveFromIgnoreListResponse`.
    #[message(0xc5, server_to_client)]
    pub struct RemoveFromIgnoreListResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusSetMessageAsReadRequest`, id table name `SetMessageAsRead`.
    ///
    /// Uncertain: pad\[2\] from the alignment rule; the only source has none.
    ///
    /// Known from one public server only.
    #[message(0xc6, client_to_server)]
    pub struct SetMessageAsReadRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub message_type: MessageType,
        pub message_id_to_tag: i32,
    }

    /// `MediusGetUniverseInformationRequest`, id table name `GetUniverseInformation`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0xc8, client_to_server, answer UniverseVariableInformationResponse)]
    pub struct GetUniverseInformationRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub info_type: UniverseVariableInformationInfoFilter,
        pub character_encoding: CharacterEncodingType,
        pub language: LanguageType,
    }

    /// `MediusUniverseNewsResponse`.
    #[message(0xc9, server_to_client, list)]
    #[pad_end(3)]
    pub struct UniverseNewsResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub news: Text<256>,
        pub end_of_list: Flag,
    }

    /// `MediusUniverseStatusListResponse`.
    ///
    /// Known from one public server only.
    #[message(0xca, server_to_client, list)]
    #[pad_end(3)]
    pub struct UniverseStatusListResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub universe_name: Text<128>,
        pub dns: Text<128>,
        pub port: i32,
        pub universe_description: Text<256>,
        pub status: i32,
        pub user_count: i32,
        pub max_users: i32,
        pub end_of_list: Flag,
    }

    /// `MediusMachineSignaturePost`.
    ///
    /// Known from one public server only.
    #[message(0xcb, client_to_server)]
    pub struct MachineSignaturePost {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub machine_signature: Blob<128>,
    }

    /// `MediusUpdateLadderStatsRequest`, id table name `UpdateLadderStats`.
    ///
    /// Known from one public server only.
    #[message(0xce, client_to_server, answer UpdateLadderStatsResponse)]
    pub struct UpdateLadderStatsRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub ladder_type: LadderType,
        pub stats: [i32; 15],
    }

    /// `MediusUpdateLadderStatsResponse`.
    ///
    /// Known from one public server only.
    #[message(0xcf, server_to_client)]
    pub struct UpdateLadderStatsResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusGetLadderStatsRequest`, id table name `GetLadderStats`.
    ///
    /// Uncertain: pad\[3\] and LadderType are set by analogy with the Wide request; the only source reads
    /// AccountID_or_ClanID straight after MessageID and nothing more.
    ///
    /// Known from one public server only.
    #[message(0xd0, client_to_server, answer GetLadderStatsResponse)]
    pub struct GetLadderStatsRequest {
        pub message_id: MessageId,
        #[pad(3)]
        #[name("AccountID_or_ClanID")]
        pub account_id_or_clan_id: ClanId,
        pub ladder_type: LadderType,
    }

    /// `MediusGetLadderStatsResponse`.
    ///
    /// Known from one public server only.
    #[message(0xd1, server_to_client)]
    pub struct GetLadderStatsResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub stats: [i32; 15],
    }

    /// `MediusClanLadderListRequest`, id table name `ClanLadderList`.
    #[message(0xd2, client_to_server, answer ClanLadderListResponse)]
    pub struct ClanLadderListRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub clan_ladder_stat_index: i32,
        pub sort_order: SortOrder,
        pub start_position: i32,
        pub page_size: i32,
    }

    /// `MediusClanLadderListResponse`.
    #[message(0xd3, server_to_client, list)]
    #[pad_end(3)]
    pub struct ClanLadderListResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub clan_id: ClanId,
        pub clan_name: Text<32>,
        pub ladder_position: u32,
        pub status_code: CallbackStatus,
        pub end_of_list: Flag,
    }

    /// `MediusClanLadderPositionRequest`, id table name `ClanLadderPosition`.
    #[message(0xd4, client_to_server, answer ClanLadderPositionResponse)]
    pub struct ClanLadderPositionRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub clan_id: ClanId,
        pub clan_ladder_stat_index: i32,
        pub sort_order: SortOrder,
    }

    /// `MediusClanLadderPositionResponse`.
    #[message(0xd5, server_to_client)]
    pub struct ClanLadderPositionResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub ladder_position: u32,
        pub total_rankings: u32,
        pub status_code: CallbackStatus,
    }

    /// `MediusGetBuddyList_ExtraInfoRequest`, id table name `GetBuddyList_ExtraInfo`.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0xd6, client_to_server, answer GetBuddyList_ExtraInfoResponse)]
    pub struct GetBuddyList_ExtraInfoRequest {
        pub message_id: MessageId,
    }

    /// `MediusGetBuddyList_ExtraInfoResponse`.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0xd7, server_to_client, list)]
    #[pad_end(3)]
    pub struct GetBuddyList_ExtraInfoResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub account_id: AccountId,
        pub account_name: Text<32>,
        pub online_state: PlayerOnlineState,
        pub end_of_list: Flag,
    }

    /// `MediusGetTotalRankingsRequest`, id table name `GetTotalRankings`.
    #[message(0xd8, client_to_server, answer GetTotalRankingsResponse)]
    pub struct GetTotalRankingsRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub ladder_type: LadderType,
    }

    /// `MediusGetTotalRankingsResponse`.
    #[message(0xd9, server_to_client)]
    pub struct GetTotalRankingsResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub total_rankings: u32,
    }

    /// `MediusGetClanMemberList_ExtraInfoRequest`, id table name `GetClanMemberList_ExtraInfo`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0xda, client_to_server, answer GetClanMemberList_ExtraInfoResponse)]
    pub struct GetClanMemberList_ExtraInfoRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub clan_id: ClanId,
        #[when(d.medius_version != 113)]
        pub ladder_stat_index: Option<i32>,
        pub sort_order: SortOrder,
    }

    /// `MediusGetClanMemberList_ExtraInfoResponse`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0xdb, server_to_client, list)]
    #[pad_end(3)]
    pub struct GetClanMemberList_ExtraInfoResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub account_id: AccountId,
        pub account_name: Text<32>,
        pub stats: Blob<256>,
        pub online_state: PlayerOnlineState,
        pub ladder_stat: i32,
        pub ladder_position: u32,
        pub total_rankings: u32,
        pub end_of_list: Flag,
    }

    /// `MediusGetLobbyPlayerNames_ExtraInfoRequest`, id table name `GetLobbyPlayerNames_ExtraInfo`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0xdc, client_to_server, answer GetLobbyPlayerNames_ExtraInfoResponse)]
    pub struct GetLobbyPlayerNames_ExtraInfoRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub medius_world_id: MediusWorldId,
    }

    /// `MediusGetLobbyPlayerNames_ExtraInfoResponse`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0xdd, server_to_client, list)]
    #[pad_end(3)]
    pub struct GetLobbyPlayerNames_ExtraInfoResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub account_id: AccountId,
        pub account_name: Text<32>,
        pub online_state: PlayerOnlineState,
        pub end_of_list: Flag,
    }

    /// `MediusGameList_ExtraInfoRequest0`, id table name `GameList_ExtraInfo0`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0xea, client_to_server, answer GameList_ExtraInfoResponse0)]
    pub struct GameList_ExtraInfoRequest0 {
        pub message_id: MessageId,
        #[pad(1)]
        pub page_id: u16,
        pub page_size: u16,
    }

    /// `MediusGameList_ExtraInfoResponse0`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0xeb, server_to_client, list)]
    #[pad_end(3)]
    pub struct GameList_ExtraInfoResponse0 {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub medius_world_id: MediusWorldId,
        pub player_count: u16,
        pub min_players: u16,
        pub max_players: u16,
        #[pad(2)]
        pub game_level: i32,
        pub player_skill_level: i32,
        pub rules_set: i32,
        pub generic_field1: i32,
        pub generic_field2: i32,
        pub generic_field3: i32,
        pub security_level: WorldSecurityLevelType,
        pub world_status: WorldStatus,
        pub game_host_type: GameHostType,
        pub game_name: Text<64>,
        pub game_stats: Blob<256>,
        pub end_of_list: Flag,
    }

    /// `MediusChannelList_ExtraInfoRequest0`, id table name `ChannelList_ExtraInfo0`.
    ///
    /// Known from one public server only.
    #[message(0xec, client_to_server, answer ChannelList_ExtraInfoResponse)]
    pub struct ChannelList_ExtraInfoRequest0 {
        pub message_id: MessageId,
        #[pad(1)]
        pub page_id: u16,
        pub page_size: u16,
    }

    /// `MediusChannelList_ExtraInfoResponse`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0xed, server_to_client, list)]
    #[pad_end(3)]
    pub struct ChannelList_ExtraInfoResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub medius_world_id: MediusWorldId,
        pub player_count: u16,
        pub max_players: u16,
        #[when(d.medius_version > 108)]
        pub game_world_count: Option<u16>,
        #[pad(2, when d.medius_version > 108)]
        pub security_level: WorldSecurityLevelType,
        pub generic_field1: u32,
        #[when(d.full_channel_row())]
        pub generic_field2: Option<u32>,
        #[when(d.full_channel_row())]
        pub generic_field3: Option<u32>,
        #[when(d.full_channel_row())]
        pub generic_field4: Option<u32>,
        #[when(d.full_channel_row())]
        pub generic_field_level: Option<WorldGenericFieldLevelType>,
        pub lobby_name: Text<64>,
        pub end_of_list: Flag,
    }

    /// `MediusInvitePlayerToClan_ByNameRequest`, id table name `InvitePlayerToClan_ByName`.
    #[message(0xee, client_to_server)]
    pub struct InvitePlayerToClan_ByNameRequest {
        pub message_id: MessageId,
        pub account_name: Text<32>,
        pub invite_message: Text<200>,
    }

    /// `MediusLadderList_ExtraInfoRequest0`, id table name `LadderList_ExtraInfo0`.
    ///
    /// Known from one public server only.
    #[message(0xef, client_to_server, answer LadderList_ExtraInfoResponse)]
    pub struct LadderList_ExtraInfoRequest0 {
        pub message_id: MessageId,
        #[pad(3)]
        pub ladder_stat_index: i32,
        pub sort_order: SortOrder,
        pub start_position: u32,
        pub page_size: u32,
    }

    /// `MediusLadderList_ExtraInfoResponse`.
    #[message(0xf0, server_to_client, list)]
    #[pad_end(3)]
    pub struct LadderList_ExtraInfoResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub ladder_position: u32,
        pub ladder_stat: i32,
        pub account_id: AccountId,
        pub account_name: Text<32>,
        pub account_stats: Blob<256>,
        pub online_state: PlayerOnlineState,
        pub end_of_list: Flag,
    }

    /// `MediusLadderPosition_ExtraInfoRequest`, id table name `LadderPosition_ExtraInfo`.
    #[message(0xf1, client_to_server, answer LadderPosition_ExtraInfoResponse)]
    pub struct LadderPosition_ExtraInfoRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub account_id: AccountId,
        pub ladder_stat_index: i32,
        pub sort_order: SortOrder,
    }

    /// `MediusLadderPosition_ExtraInfoResponse`.
    #[message(0xf2, server_to_client)]
    pub struct LadderPosition_ExtraInfoResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub ladder_position: u32,
        pub total_rankings: u32,
    }

    /// `MediusJoinGameRequest`, id table name `JoinGame`.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0xf3, client_to_server, answer JoinGameResponse)]
    pub struct JoinGameRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub medius_world_id: MediusWorldId,
        pub join_type: JoinType,
        pub game_password: Text<32>,
        pub game_host_type: GameHostType,
        #[name("pubKey")]
        pub pub_key: RsaKey,
        pub address_list: NetAddressList,
    }

    /// `MediusCreateGameRequest1`, id table name `CreateGame1`.
    ///
    /// With Attributes in two PS2-tested sources (212 bytes of body, seen in 1.08 traffic); the third stops
    /// before it.
    #[message(0xf4, client_to_server, answer CreateGameResponse)]
    pub struct CreateGameRequest1 {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub application_id: AppId,
        pub min_players: i32,
        pub max_players: i32,
        pub game_level: i32,
        pub game_name: Text<64>,
        pub game_password: Text<32>,
        pub spectator_password: Text<32>,
        pub player_skill_level: i32,
        pub rules_set: i32,
        pub generic_field1: i32,
        pub generic_field2: i32,
        pub generic_field3: i32,
        pub game_host_type: GameHostType,
        pub attributes: WorldAttributesType,
    }

    /// `MediusUtilAddLobbyWorldRequest`, id table name `UtilAddLobbyWorld`.
    ///
    /// Known from one public server only.
    #[message(0xf5, client_to_server)]
    pub struct UtilAddLobbyWorldRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub application_id: AppId,
        pub lobby_name: Text<64>,
        pub lobby_password: Text<32>,
        pub persistence: UtilTypeWorldPersistence,
        pub generic_field1: i32,
        pub generic_field2: i32,
        pub generic_field3: i32,
        pub generic_field4: i32,
        pub generic_field_level_type: WorldGenericFieldLevelType,
        #[name("MABNotificationThreshold")]
        pub mab_notification_threshold: i32,
        #[name("MABNotificationStep")]
        pub mab_notification_step: i32,
    }
}
