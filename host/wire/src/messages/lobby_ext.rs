//! LobbyExt (class 4): the overflow of Lobby for newer versions.

use crate::enums::{
    AccessLevelType, AccountType, AssignedGameType, BanReasonType, BinaryMessageType, BuddyAddType,
    CallbackStatus, CharacterEncodingType, ChatMessageType, ComparisonOperator, ConnectionType,
    CrossChatMessageType, DListID, DListServiceLevel, DnasCategory, FileSortBy, GameHostType,
    GameListFilterField, GameListSortDirection, JoinType, LadderType, LanguageType, LobbyFilterMaskLevelType,
    LobbyFilterType, MatchOptions, SortOrder, TextFilterType, TimeZone, TokenActionType, TokenCategoryType,
    UniverseVariableInformationInfoFilter, VoteActionType, WorldAttributesType, WorldGenericFieldLevelType,
    WorldSecurityLevelType, WorldStatus,
};
use crate::messages::structures::{
    File, FileMetaData, GenericChatFilter, LengthPrefixedName, NetAddressList, NetConnectionInfo, RsaKey,
};
use crate::types::{
    AccountId, AppId, BigEndian, Blob, ClanId, Flag, MediusWorldId, MessageId, Text, VarBytes, VarText,
};

medley_wire_derive::messages! {
    class LOBBY_EXT, prefix "Medius", list lobby_ext_messages, module lobby_ext;

    /// `MediusCreateChannelRequest1`, id table name `CreateChannel1`.
    ///
    /// Known from one public server only.
    #[message(0x00, client_to_server, answer CreateChannelResponse)]
    pub struct CreateChannelRequest1 {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub application_id: AppId,
        pub max_players: i32,
        pub lobby_name: Text<64>,
        pub lobby_password: Text<32>,
    }

    /// `MediusGetUniverse_ExtraInfoRequest`, id table name `GetUniverse_ExtraInfo`.
    ///
    /// Known from one public server only.
    #[message(0x03, client_to_server)]
    pub struct GetUniverse_ExtraInfoRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub info_type: UniverseVariableInformationInfoFilter,
        pub character_encoding: CharacterEncodingType,
        pub language: LanguageType,
    }

    /// `MediusUniverseStatusList_ExtraInfoResponse`.
    ///
    /// Known from one public server only.
    #[message(0x04, server_to_client, list)]
    #[pad_end(3)]
    pub struct UniverseStatusList_ExtraInfoResponse {
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
        pub universe_billing: Text<8>,
        pub billing_system_name: Text<128>,
        pub end_of_list: Flag,
        pub extended_info: Text<128>,
    }

    /// `MediusAddToBuddyListConfirmationRequest`, id table name `AddToBuddyListConfirmation`.
    ///
    /// Known from one public server only.
    #[message(0x05, client_to_server, answer AddToBuddyListConfirmationResponse)]
    pub struct AddToBuddyListConfirmationRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub target_account_id: AccountId,
        pub add_type: BuddyAddType,
    }

    /// `MediusAddToBuddyListFwdConfirmationRequest`, id table name `AddToBuddyListFwdConfirmation`.
    ///
    /// Known from one public server only.
    #[message(0x06, server_to_client, answer AddToBuddyListFwdConfirmationResponse)]
    pub struct AddToBuddyListFwdConfirmationRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub originator_account_id: AccountId,
        pub originator_account_name: Text<32>,
        pub add_type: BuddyAddType,
    }

    /// `MediusAddToBuddyListFwdConfirmationResponse`.
    ///
    /// Known from one public server only.
    #[message(0x07, client_to_server)]
    pub struct AddToBuddyListFwdConfirmationResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub session_key: Text<17>,
        #[pad(3)]
        pub originator_account_id: AccountId,
        pub add_type: BuddyAddType,
    }

    /// `MediusGetBuddyInvitationsRequest`, id table name `GetBuddyInvitations`.
    ///
    /// Known from one public server only.
    #[message(0x08, client_to_server, answer GetBuddyInvitationsResponse)]
    pub struct GetBuddyInvitationsRequest {
        pub message_id: MessageId,
    }

    /// `MediusGetBuddyInvitationsResponse`.
    ///
    /// Known from one public server only.
    #[message(0x09, server_to_client, list)]
    #[pad_end(3)]
    pub struct GetBuddyInvitationsResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub account_id: AccountId,
        pub account_name: Text<32>,
        pub add_type: BuddyAddType,
        pub end_of_list: Flag,
    }

    /// `MediusDnasSignaturePost`.
    ///
    /// 80 bytes of body in 1.08 and app 11184 traffic. In 1.13 traffic a 77-byte message stands at its
    /// place (by length): the closing pad\[3\] is then missing, so read it as optional.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0x0a, client_to_server)]
    #[pad_end(3)]
    pub struct DnasSignaturePost {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub dnas_signature_type: DnasCategory,
        pub dnas_signature_length: u8,
        pub dnas_signature: Blob<32>,
    }

    /// `MediusUpdateLadderStatsWideRequest`, id table name `UpdateLadderStatsWide`.
    #[message(0x0b, client_to_server, answer UpdateLadderStatsWideResponse)]
    pub struct UpdateLadderStatsWideRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub ladder_type: LadderType,
        pub stats: [i32; 100],
    }

    /// `MediusUpdateLadderStatsWideResponse`.
    #[message(0x0c, server_to_client)]
    pub struct UpdateLadderStatsWideResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusGetLadderStatsWideRequest`, id table name `GetLadderStatsWide`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x0d, client_to_server, answer GetLadderStatsWideResponse)]
    pub struct GetLadderStatsWideRequest {
        pub message_id: MessageId,
        #[pad(3)]
        #[name("AccountID_or_ClanID")]
        pub account_id_or_clan_id: ClanId,
        pub ladder_type: LadderType,
    }

    /// `MediusGetLadderStatsWideResponse`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x0e, server_to_client)]
    pub struct GetLadderStatsWideResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        #[name("AccountID_or_ClanID")]
        pub account_id_or_clan_id: ClanId,
        pub stats: [i32; 100],
    }

    /// `MediusLadderList_ExtraInfoRequest`, id table name `LadderList_ExtraInfo`.
    #[message(0x0f, client_to_server, answer LadderList_ExtraInfoResponse)]
    pub struct LadderList_ExtraInfoRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub ladder_stat_index: i32,
        pub sort_order: SortOrder,
        pub start_position: u32,
        pub page_size: u32,
    }

    /// `MediusUniverseVariableInformationResponse`.
    ///
    /// Packed, no padding at all: 678 bytes of body in captured traffic (InfoFilter 0x33C, app 11184).
    /// There INFO_SVO_URL was set and yet no SvoURL followed; the URL came in MediusUniverseSvoURLResponse.
    /// One PS2-tested source appends pad\[3\], which the client ignores.
    ///
    /// Uncertain: SvoURL inside this body is written by one source for the listed titles only; for 20371
    /// and 20374 only from client version 1.21 on (first five characters of ExtendedInfo) or when
    /// ExtendedInfo starts with an asterisk.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x11, server_to_client, list)]
    pub struct UniverseVariableInformationResponse {
        pub message_id: MessageId,
        pub status_code: CallbackStatus,
        pub info_filter: UniverseVariableInformationInfoFilter,
        #[when(info_filter.0 & 0x4 != 0)]
        pub universe_id: Option<u32>,
        #[when(info_filter.0 & 0x8 != 0)]
        pub universe_name: Option<Text<128>>,
        #[when(info_filter.0 & 0x10 != 0)]
        pub dns: Option<Text<128>>,
        #[when(info_filter.0 & 0x10 != 0)]
        pub port: Option<i32>,
        #[when(info_filter.0 & 0x20 != 0)]
        pub universe_description: Option<Text<256>>,
        #[when(info_filter.0 & 0x40 != 0)]
        pub status: Option<i32>,
        #[when(info_filter.0 & 0x40 != 0)]
        pub user_count: Option<i32>,
        #[when(info_filter.0 & 0x40 != 0)]
        pub max_users: Option<i32>,
        #[when(info_filter.0 & 0x80 != 0)]
        pub universe_billing: Option<Text<8>>,
        #[when(info_filter.0 & 0x80 != 0)]
        pub billing_system_name: Option<Text<128>>,
        #[when(info_filter.0 & 0x100 != 0)]
        pub extended_info: Option<Text<128>>,
        #[when(info_filter.0 & 0x200 != 0 && d.svo_url_in_variable_information())]
        pub svo_url: Option<Text<128>>,
        pub end_of_list: Flag,
    }

    /// `MediusSetLobbyWorldFilterRequest`, id table name `SetLobbyWorldFilter`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x12, client_to_server, answer SetLobbyWorldFilterResponse)]
    pub struct SetLobbyWorldFilterRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub filter_mask1: u32,
        pub filter_mask2: u32,
        pub filter_mask3: u32,
        pub filter_mask4: u32,
        pub lobby_filter_type: LobbyFilterType,
        pub filter_mask_level: LobbyFilterMaskLevelType,
    }

    /// `MediusSetLobbyWorldFilterResponse`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x13, server_to_client)]
    pub struct SetLobbyWorldFilterResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub filter_mask1: u32,
        pub filter_mask2: u32,
        pub filter_mask3: u32,
        pub filter_mask4: u32,
        pub lobby_filter_type: LobbyFilterType,
        pub filter_mask_level: LobbyFilterMaskLevelType,
    }

    /// `MediusCreateChannelRequest`, id table name `CreateChannel`.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0x14, client_to_server, answer CreateChannelResponse)]
    pub struct CreateChannelRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub application_id: AppId,
        pub max_players: i32,
        pub lobby_name: Text<64>,
        pub lobby_password: Text<32>,
        pub generic_field1: u32,
        pub generic_field2: u32,
        pub generic_field3: u32,
        pub generic_field4: u32,
        pub generic_field_level: WorldGenericFieldLevelType,
    }

    /// `MediusChannelList_ExtraInfoRequest1`, id table name `ChannelList_ExtraInfo1`.
    ///
    /// Evidence: captured from the original servers: 1.08.
    #[message(0x15, client_to_server, answer ChannelList_ExtraInfoResponse)]
    pub struct ChannelList_ExtraInfoRequest1 {
        pub message_id: MessageId,
        #[pad(1)]
        pub page_id: u16,
        pub page_size: u16,
    }

    /// `MediusBinaryMessage`.
    #[message(0x16, client_to_server, answer BinaryFwdMessage)]
    pub struct BinaryMessage {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub message_type: BinaryMessageType,
        pub target_account_id: AccountId,
        pub message: Blob<400>,
    }

    /// `MediusBinaryFwdMessage`.
    #[message(0x17, server_to_client)]
    pub struct BinaryFwdMessage {
        pub message_id: MessageId,
        #[pad(3)]
        pub originator_account_id: AccountId,
        pub message_type: BinaryMessageType,
        pub message: Blob<400>,
    }

    /// `MediusPostDebugInfoRequest`, id table name `PostDebugInfo`.
    ///
    /// Known from one public server only.
    #[message(0x18, client_to_server, answer PostDebugInfoResponse)]
    pub struct PostDebugInfoRequest {
        pub message_id: MessageId,
        pub message: Text<200>,
    }

    /// `MediusPostDebugInfoResponse`.
    ///
    /// Known from one public server only.
    #[message(0x19, server_to_client)]
    pub struct PostDebugInfoResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusUpdateClanLadderStatsWide_DeltaRequest`, id table name `UpdateClanLadderStatsWide_Delta`.
    ///
    /// Known from one public server only.
    #[message(0x1a, client_to_server, answer UpdateClanLadderStatsWide_DeltaResponse)]
    pub struct UpdateClanLadderStatsWide_DeltaRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub clan_id: ClanId,
        pub stats: [i32; 100],
    }

    /// `MediusUpdateClanLadderStatsWide_DeltaResponse`.
    ///
    /// Known from one public server only.
    #[message(0x1b, server_to_client)]
    pub struct UpdateClanLadderStatsWide_DeltaResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusUniverseSvoURLResponse`.
    ///
    /// URLLength counts the closing NUL. An empty URL is length 1 and one NUL byte in captured traffic.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x1e, server_to_client)]
    pub struct UniverseSvoURLResponse {
        pub message_id: MessageId,
        #[when(d.medius_version >= 109)]
        pub url_length: Option<u8>,
        #[width(url_length.map_or(128, usize::from))]
        pub url: VarText,
    }

    /// `MediusChannelList_ExtraInfoRequest`, id table name `ChannelList_ExtraInfo`.
    #[message(0x1f, client_to_server, answer ChannelList_ExtraInfoResponse)]
    pub struct ChannelList_ExtraInfoRequest {
        pub message_id: MessageId,
        #[pad(1)]
        pub page_id: u16,
        pub page_size: u16,
    }

    /// `MediusDListSubscription`.
    ///
    /// Known from one public server only.
    #[message(0x20, client_to_server)]
    #[pad_end(1)]
    pub struct DListSubscription {
        #[name("fieldMask")]
        pub field_mask: u32,
        #[name("instanceId")]
        pub instance_id: u32,
        #[name("relationId")]
        pub relation_id: u32,
        #[name("filterId")]
        pub filter_id: u32,
        #[name("listId")]
        pub list_id: DListID,
        #[name("level")]
        pub level: DListServiceLevel,
    }

    /// `MediusGenericChatMessage`.
    #[message(0x23, client_to_server, answer GenericChatFwdMessage)]
    pub struct GenericChatMessage {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub message_type: ChatMessageType,
        pub target_id: i32,
        pub message: Text<64>,
    }

    /// `MediusGenericChatFwdMessage`.
    #[message(0x24, server_to_client)]
    pub struct GenericChatFwdMessage {
        pub time_stamp: u32,
        pub originator_account_id: AccountId,
        pub message_type: ChatMessageType,
        pub originator_account_name: Text<32>,
        pub message: Text<64>,
    }

    /// `MediusGenericChatSetFilterRequest`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x25, client_to_server, answer GenericChatSetFilterResponse)]
    pub struct GenericChatSetFilterRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub generic_chat_filter: GenericChatFilter,
    }

    /// `MediusGenericChatSetFilterResponse`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x26, server_to_client)]
    pub struct GenericChatSetFilterResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub chat_filter: GenericChatFilter,
    }

    /// `MediusExtendedSessionBeginRequest`.
    ///
    /// 42-byte payload confirmed for Medius above 1.08.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x27, client_to_server, answer SessionBeginResponse)]
    pub struct ExtendedSessionBeginRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub connection_class: ConnectionType,
        pub client_version_major: i32,
        pub client_version_minor: i32,
        #[when(d.app_id == AppId(22920))]
        pub client_version_patch: Option<i32>,
        pub client_version_build: i32,
    }

    /// `MediusTokenRequest`.
    ///
    /// Uncertain: One source has pad\[3\] at the end; the structure is already aligned.
    #[message(0x28, client_to_server)]
    pub struct TokenRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub token_action: TokenActionType,
        pub token_category: TokenCategoryType,
        pub entity_id: u32,
        pub token_to_replace: Blob<8>,
        pub token: Blob<8>,
    }

    /// `MediusGetServerTimeRequest`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x2a, client_to_server, answer GetServerTimeResponse)]
    pub struct GetServerTimeRequest {
        pub message_id: MessageId,
    }

    /// `MediusGetServerTimeResponse`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x2b, server_to_client)]
    pub struct GetServerTimeResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        #[name("GMT_time")]
        pub gmt_time: i32,
        #[name("Local_server_timezone")]
        pub local_server_timezone: TimeZone,
    }

    /// `MediusVoteToBanPlayerRequest`, id table name `VoteToBanPlayer`.
    ///
    /// Known from one public server only.
    #[message(0x2c, client_to_server)]
    pub struct VoteToBanPlayerRequest {
        pub vote_action: VoteActionType,
        pub ban_reason: BanReasonType,
        pub medius_world_id: MediusWorldId,
        pub dme_client_index: i32,
    }

    /// `MediusSetAutoChatHistoryRequest`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x2d, client_to_server, answer SetAutoChatHistoryResponse)]
    pub struct SetAutoChatHistoryRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub auto_chat_history_num_messages: i32,
    }

    /// `MediusSetAutoChatHistoryResponse`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x2e, server_to_client)]
    pub struct SetAutoChatHistoryResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusCreateGameRequest`, id table name `CreateGame`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x2f, client_to_server, answer CreateGameResponse)]
    pub struct CreateGameRequest {
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
        pub generic_field4: i32,
        pub generic_field5: i32,
        pub generic_field6: i32,
        pub generic_field7: i32,
        pub generic_field8: i32,
        pub game_host_type: GameHostType,
        pub attributes: WorldAttributesType,
    }

    /// `MediusWorldReport`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x30, client_to_server)]
    pub struct WorldReport {
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
        pub generic_field4: i32,
        pub generic_field5: i32,
        pub generic_field6: i32,
        pub generic_field7: i32,
        pub generic_field8: i32,
        pub world_status: WorldStatus,
    }

    /// `MediusClearGameListFilterRequest`, id table name `ClearGameListFilter`.
    #[message(0x31, client_to_server, answer ClearGameListFilterResponse)]
    pub struct ClearGameListFilterRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub filter_id: u32,
    }

    /// `MediusGetGameListFilterResponse`.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x32, server_to_client, list)]
    #[pad_end(3)]
    pub struct GetGameListFilterResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub filter_id: u32,
        pub filter_field: GameListFilterField,
        pub mask: i32,
        pub comparison_operator: ComparisonOperator,
        pub baseline_value: i32,
        pub end_of_list: Flag,
    }

    /// `MediusSetGameListFilterRequest`, id table name `SetGameListFilter`.
    #[message(0x33, client_to_server, answer SetGameListFilterResponse)]
    pub struct SetGameListFilterRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub filter_field: GameListFilterField,
        pub mask: i32,
        pub comparison_operator: ComparisonOperator,
        pub baseline_value: i32,
    }

    /// `MediusSetGameListFilterResponse`.
    #[message(0x34, server_to_client)]
    pub struct SetGameListFilterResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub filter_id: u32,
    }

    /// `MediusGameInfoRequest`, id table name `GameInfo`.
    #[message(0x35, client_to_server, answer GameInfoResponse)]
    pub struct GameInfoRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub medius_world_id: MediusWorldId,
    }

    /// `MediusGameInfoResponse`.
    #[message(0x36, server_to_client)]
    pub struct GameInfoResponse {
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
        pub generic_field4: i32,
        pub generic_field5: i32,
        pub generic_field6: i32,
        pub generic_field7: i32,
        pub generic_field8: i32,
        pub world_status: WorldStatus,
        pub game_host_type: GameHostType,
    }

    /// `MediusGameList_ExtraInfoRequest`, id table name `GameList_ExtraInfo`.
    #[message(0x37, client_to_server, answer GameList_ExtraInfoResponse)]
    pub struct GameList_ExtraInfoRequest {
        pub message_id: MessageId,
        #[pad(1)]
        pub page_id: u16,
        pub page_size: u16,
    }

    /// `MediusGameList_ExtraInfoResponse`.
    #[message(0x38, server_to_client, list)]
    #[pad_end(3)]
    pub struct GameList_ExtraInfoResponse {
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
        pub generic_field4: i32,
        pub generic_field5: i32,
        pub generic_field6: i32,
        pub generic_field7: i32,
        pub generic_field8: i32,
        pub security_level: WorldSecurityLevelType,
        pub world_status: WorldStatus,
        pub game_host_type: GameHostType,
        pub game_name: Text<64>,
        pub game_stats: Blob<256>,
        pub end_of_list: Flag,
    }

    /// `MediusAccountUpdateStats_OpenAccessRequest`, id table name `AccountUpdateStats_OpenAccess`.
    ///
    /// Known from one public server only.
    #[message(0x39, client_to_server)]
    pub struct AccountUpdateStats_OpenAccessRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub stats: Blob<256>,
    }

    /// `MediusCrossChatMessage`.
    ///
    /// Known from one public server only.
    #[message(0x3d, client_to_server, answer CrossChatFwdMessage)]
    pub struct CrossChatMessage {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub target_account_id: AccountId,
        pub target_routing_dme_world_id: i32,
        pub source_dme_world_id: i32,
        #[name("msgType")]
        pub msg_type: CrossChatMessageType,
        #[rest]
        pub contents: VarBytes,
    }

    /// `MediusCrossChatFwdMessage`, id table name `CroxxChatFwdMessage`.
    ///
    /// Known from one public server only.
    #[message(0x3e, server_to_client)]
    pub struct CrossChatFwdMessage {
        pub message_id: MessageId,
        #[pad(3)]
        pub originator_account_id: AccountId,
        pub target_routing_dme_world_id: i32,
        pub source_dme_world_id: i32,
        #[name("msgType")]
        pub msg_type: CrossChatMessageType,
        #[rest]
        pub contents: VarBytes,
    }

    /// `MediusGetAccessLevelInfoRequest`.
    ///
    /// Known from one public server only.
    #[message(0x41, client_to_server, answer GetAccessLevelInfoResponse)]
    pub struct GetAccessLevelInfoRequest {
        pub message_id: MessageId,
    }

    /// `MediusGetAccessLevelInfoResponse`.
    ///
    /// Known from one public server only.
    #[message(0x42, server_to_client)]
    pub struct GetAccessLevelInfoResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub access_level: AccessLevelType,
    }

    /// `MediusFileListExtRequest`.
    ///
    /// Known from one public server only.
    #[message(0x44, client_to_server, answer FileListExtResponse)]
    pub struct FileListExtRequest {
        pub file_name_begins_with: Text<128>,
        pub filesize_greater_than: u32,
        pub filesize_less_than: u32,
        pub owner_by_id: i32,
        pub newer_than_timestamp: u32,
        pub starting_entry_number: u32,
        pub page_size: u32,
        pub message_id: MessageId,
        #[pad(3)]
        #[name("metaData")]
        pub meta_data: FileMetaData,
        #[name("metaOperator")]
        pub meta_operator: ComparisonOperator,
        #[name("sortBy")]
        pub sort_by: FileSortBy,
        #[name("sortOrder")]
        pub sort_order: SortOrder,
    }

    /// `MediusFileListExtResponse`.
    ///
    /// Known from one public server only.
    #[message(0x45, server_to_client, list)]
    #[pad_end(2)]
    pub struct FileListExtResponse {
        pub medius_file_info: File,
        pub meta_value: Text<256>,
        pub status_code: CallbackStatus,
        pub message_id: MessageId,
        pub end_of_list: Flag,
    }

    /// `MediusFileUpdateAuxMetaDataRequest`.
    ///
    /// Known from one public server only.
    #[message(0x46, client_to_server)]
    pub struct FileUpdateAuxMetaDataRequest {
        pub medius_file_info: File,
        pub medius_update_meta_data: FileMetaData,
        pub message_id: MessageId,
        pub unk1: u16,
        pub unk2: u8,
    }

    /// `MediusUtilGetTotalGamesFilteredRequest`.
    ///
    /// Known from one public server only.
    #[message(0x48, client_to_server, answer UtilGetTotalGamesFilteredResponse)]
    pub struct UtilGetTotalGamesFilteredRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub application_id: AppId,
    }

    /// `MediusUtilGetTotalGamesFilteredResponse`.
    ///
    /// Known from one public server only.
    #[message(0x49, server_to_client)]
    pub struct UtilGetTotalGamesFilteredResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub total: i32,
        pub status_code: CallbackStatus,
    }

    /// `MediusAddAliasRequest`.
    ///
    /// Known from one public server only.
    #[message(0x4e, client_to_server)]
    pub struct AddAliasRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
    }

    /// `MediusBuddySetListRequest`.
    ///
    /// Uncertain: Packed; one source only.
    ///
    /// Known from one public server only.
    #[message(0x54, client_to_server, answer BuddySetListResponse)]
    pub struct BuddySetListRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub num_entries: i32,
        #[count(num_entries)]
        pub list: Vec<LengthPrefixedName>,
    }

    /// `MediusBuddySetListResponse`.
    ///
    /// Known from one public server only.
    #[message(0x55, server_to_client)]
    pub struct BuddySetListResponse {
        pub message_id: MessageId,
        pub status_code: CallbackStatus,
    }

    /// `MediusIgnoreSetListRequest`.
    ///
    /// Uncertain: Packed; one source only.
    ///
    /// Known from one public server only.
    #[message(0x56, client_to_server, answer IgnoreSetListStatusResponse)]
    pub struct IgnoreSetListRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub num_entries: i32,
        #[count(num_entries)]
        pub list: Vec<LengthPrefixedName>,
    }

    /// `MediusIgnoreSetListStatusResponse`, id table name `IgnoreSetListResponse`.
    ///
    /// Known from one public server only.
    #[message(0x57, server_to_client)]
    pub struct IgnoreSetListStatusResponse {
        pub message_id: MessageId,
        pub status_code: CallbackStatus,
    }

    /// `MediusTicketLoginRequest`, id table name `TicketLogin`.
    ///
    /// TicketVersion, TicketDataSize and TicketData are the platform login ticket itself, big-endian; 290
    /// bytes of body with a 240-byte ticket in captured traffic.
    #[message(0x58, client_to_server, answer TicketLoginResponse)]
    pub struct TicketLoginRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub unknown: u32,
        pub ticket_version: BigEndian,
        pub ticket_data_size: BigEndian,
        #[width(ticket_data_size)]
        pub ticket_data: VarBytes,
    }

    /// `MediusTicketLoginResponse`.
    ///
    /// 28 bytes of ticket-login answer, one byte, then a whole AccountLoginResponse body (196 bytes) with
    /// its own padding: 225 bytes in 1.13 traffic. There the second MessageID starts at body offset 29 and
    /// repeats the first. One source writes PasswordType as four bytes and leaves out pad\[3\] after the
    /// second MessageID: same total, statuses and everything after them at the same offsets.
    ///
    /// Evidence: captured from the original servers: 1.13.
    #[message(0x59, server_to_client)]
    pub struct TicketLoginResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code_ticket_login: CallbackStatus,
        pub password_type: u8,
        pub message_id_account_login: MessageId,
        #[pad(3)]
        pub status_code_account_login: CallbackStatus,
        pub account_id: AccountId,
        pub account_type: AccountType,
        pub medius_world_id: MediusWorldId,
        pub connect_info: NetConnectionInfo,
    }

    /// `MediusSetLocalizationParamsRequest2`.
    ///
    /// Known from one public server only.
    #[message(0x5a, client_to_server, answer SetLocalizationParamsResponse)]
    pub struct SetLocalizationParamsRequest2 {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub character_encoding: CharacterEncodingType,
        pub language: LanguageType,
        pub time_zone: TimeZone,
    }

    /// `MediusBinaryMessage1`.
    ///
    /// Known from one public server only.
    #[message(0x5b, client_to_server, answer BinaryFwdMessage1)]
    pub struct BinaryMessage1 {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub message_type: BinaryMessageType,
        pub target_account_id: AccountId,
        pub message_size: i32,
        #[width(message_size)]
        pub message: VarBytes,
    }

    /// `MediusBinaryFwdMessage1`.
    ///
    /// Known from one public server only.
    #[message(0x5c, server_to_client)]
    pub struct BinaryFwdMessage1 {
        pub message_id: MessageId,
        pub originator_account_id: AccountId,
        pub message_type: BinaryMessageType,
        pub message_size: i32,
        #[width(message_size)]
        pub message: VarBytes,
    }

    /// `MediusMatchGetSupersetListRequest`.
    ///
    /// Known from one public server only.
    #[message(0x5d, client_to_server, answer MatchGetSupersetListResponse)]
    pub struct MatchGetSupersetListRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
    }

    /// `MediusMatchGetSupersetListResponse`.
    ///
    /// Known from one public server only.
    #[message(0x5e, server_to_client, list)]
    pub struct MatchGetSupersetListResponse {
        pub message_id: MessageId,
        pub status_code: CallbackStatus,
        pub end_of_list: Flag,
        pub superset_id: u32,
        pub superset_name: Text<50>,
        pub superset_description: Text<256>,
        pub extra_info: Text<256>,
    }

    /// `MediusAddToBuddyListConfirmationResponse`.
    ///
    /// Known from one public server only.
    #[message(0x64, server_to_client)]
    pub struct AddToBuddyListConfirmationResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub target_account_id: AccountId,
        pub target_account_name: Text<32>,
    }

    /// `MediusPartyCreateRequest`.
    ///
    /// Known from one public server only.
    #[message(0x65, client_to_server, answer PartyCreateResponse)]
    pub struct PartyCreateRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub application_id: AppId,
        pub min_players: i32,
        pub max_players: i32,
        pub party_name: Text<64>,
        pub party_password: Text<32>,
        pub generic_field1: i32,
        pub generic_field2: i32,
        pub generic_field3: i32,
        pub generic_field4: i32,
        pub generic_field5: i32,
        pub generic_field6: i32,
        pub generic_field7: i32,
        pub generic_field8: i32,
        pub party_host_type: GameHostType,
        pub server_session_key: Text<17>,
    }

    /// `MediusPartyCreateResponse`.
    ///
    /// Known from one public server only.
    #[message(0x66, server_to_client)]
    pub struct PartyCreateResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub medius_world_id: MediusWorldId,
    }

    /// `MediusPartyJoinRequest`.
    ///
    /// Known from one public server only.
    #[message(0x67, client_to_server, answer PartyJoinResponse)]
    pub struct PartyJoinRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub medius_world_id: MediusWorldId,
        pub party_password: Text<32>,
        pub party_host_type: GameHostType,
        #[name("pubKey")]
        pub pub_key: RsaKey,
        #[name("addressList")]
        pub address_list: NetAddressList,
    }

    /// `MediusPartyJoinResponse`.
    ///
    /// Known from one public server only.
    #[message(0x68, server_to_client)]
    pub struct PartyJoinResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub party_host_type: GameHostType,
        pub connection_info: NetConnectionInfo,
    }

    /// `MediusNpIdPostRequest`.
    ///
    /// Known from one public server only.
    #[message(0x6d, client_to_server)]
    pub struct NpIdPostRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[name("data")]
        pub data: Blob<16>,
        #[name("term")]
        pub term: u8,
        #[name("dummy")]
        pub dummy: Blob<3>,
        #[name("opt")]
        pub opt: Blob<8>,
        #[name("reserved")]
        pub reserved: Blob<8>,
    }

    /// `MediusStatusResponse_0`.
    ///
    /// Known from one public server only.
    #[message(0x6e, server_to_client)]
    pub struct StatusResponse_0 {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusNpIdsGetByAccountNamesRequest`.
    ///
    /// Uncertain: Packed; one source only.
    ///
    /// Known from one public server only.
    #[message(0x6f, client_to_server, answer NpIdsGetByAccountNamesResponse)]
    pub struct NpIdsGetByAccountNamesRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub num_names: u32,
        #[count(num_names)]
        pub account_names: Vec<LengthPrefixedName>,
    }

    /// `MediusNpIdsGetByAccountNamesResponse`.
    ///
    /// Known from one public server only.
    #[message(0x70, server_to_client, list)]
    pub struct NpIdsGetByAccountNamesResponse {
        pub message_id: MessageId,
        pub status_code: CallbackStatus,
        pub account_name: Text<32>,
        #[name("data")]
        pub data: Blob<16>,
        #[name("term")]
        pub term: u8,
        #[name("dummy")]
        pub dummy: Blob<3>,
        #[name("opt")]
        pub opt: Blob<8>,
        #[name("reserved")]
        pub reserved: Blob<8>,
        pub end_of_list: Flag,
    }

    /// `MediusJoinLeastPopulatedChannelRequest`.
    ///
    /// Known from one public server only.
    #[message(0x71, client_to_server, answer JoinLeastPopulatedChannelResponse)]
    pub struct JoinLeastPopulatedChannelRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub always_leave_current_lobby_server: Flag,
    }

    /// `MediusJoinLeastPopulatedChannelResponse`.
    ///
    /// Known from one public server only.
    #[message(0x72, server_to_client)]
    pub struct JoinLeastPopulatedChannelResponse {
        pub message_id: MessageId,
        pub status_code: CallbackStatus,
        pub medius_world_id: MediusWorldId,
        pub connect_info: NetConnectionInfo,
    }

    /// `MediusGenericChatMessage1`.
    ///
    /// Packed. MessageLength counts the bytes of Message.
    #[message(0x73, client_to_server, answer GenericChatFwdMessage1)]
    pub struct GenericChatMessage1 {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub message_type: ChatMessageType,
        pub target_id: i32,
        pub message_length: i32,
        #[width(message_length)]
        pub message: VarText,
    }

    /// `MediusGenericChatFwdMessage1`.
    ///
    /// MessageLength counts the closing NUL; 0 when there is no text.
    #[message(0x74, server_to_client)]
    pub struct GenericChatFwdMessage1 {
        pub time_stamp: u32,
        pub originator_account_id: AccountId,
        pub message_type: ChatMessageType,
        pub originator_account_name: Text<32>,
        pub message_length: i32,
        #[width(message_length)]
        pub message: VarText,
    }

    /// `MediusTextFilterRequest1`, id table name `MediusTextFilter1`.
    ///
    /// Packed. TextSize counts the bytes of Text.
    #[message(0x75, client_to_server, answer TextFilterResponse1)]
    pub struct TextFilterRequest1 {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub text_filter: TextFilterType,
        pub text_size: u32,
        #[width(text_size)]
        pub text: VarText,
    }

    /// `MediusTextFilterResponse1`.
    ///
    /// Uncertain: One source writes pad\[3\], StatusCode and 4 zero bytes.
    #[message(0x76, server_to_client)]
    pub struct TextFilterResponse1 {
        pub message_id: MessageId,
        pub status_code: CallbackStatus,
        pub text_size: u32,
        #[width(text_size)]
        pub text: VarText,
    }

    /// `MediusMatchPartyRequest`, id table name `MatchPartyRequest2`.
    ///
    /// Uncertain: Packed; one source only.
    ///
    /// Known from one public server only.
    #[message(0x78, client_to_server, answer MatchPartyResponse)]
    pub struct MatchPartyRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub superset_id: i32,
        pub party_size: i32,
        pub min_game_size: i32,
        pub max_game_size: i32,
        pub match_options: MatchOptions,
        pub application_data_size: i32,
        #[count(party_size)]
        pub party_account_id_list: Vec<i32>,
        #[width(application_data_size)]
        pub application_data: VarBytes,
    }

    /// `MediusMatchPartyResponse`, id table name `MatchSetGameStateRequest`.
    ///
    /// Uncertain: Packed; one source only; the roster part (MatchRoster ... Parties) is a guess of that
    /// source. id 121 is named MatchSetGameStateRequest in its id table.
    ///
    /// Known from one public server only.
    #[message(0x79, server_to_client)]
    pub struct MatchPartyResponse {
        pub message_id: MessageId,
        pub status_code: CallbackStatus,
        pub plugin_specific_status_code: i32,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub game_world_id: Option<i32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub game_password: Option<Text<32>>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub game_host_type: Option<GameHostType>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub address_list: Option<NetAddressList>,
        #[name("ApplicationDataSizeJAS")]
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub application_data_size_jas: Option<i32>,
        #[name("ApplicationDataJAS")]
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        #[width(application_data_size_jas.unwrap_or_default())]
        pub application_data_jas: Option<VarBytes>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub match_roster: Option<i32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub num_players: Option<i32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub players: Option<i32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub num_parties: Option<i32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub parties: Option<i32>,
        #[when(status_code == CallbackStatus::MATCH_TYPE_HOST_GAME)]
        pub match_game_id: Option<i32>,
        #[name("ApplicationDataSizeHG")]
        #[when(status_code == CallbackStatus::MATCH_TYPE_HOST_GAME)]
        pub application_data_size_hg: Option<i32>,
        #[name("ApplicationDataHG")]
        #[when(status_code == CallbackStatus::MATCH_TYPE_HOST_GAME)]
        #[width(application_data_size_hg.unwrap_or_default())]
        pub application_data_hg: Option<VarBytes>,
        #[name("MatchingWorldUID")]
        #[when(status_code == CallbackStatus::MATCH_TYPE_REFERRAL)]
        pub matching_world_uid: Option<i32>,
        #[when(status_code == CallbackStatus::MATCH_TYPE_REFERRAL)]
        pub connect_info: Option<NetConnectionInfo>,
    }

    /// `MediusSetLocalizationParamsRequest1`.
    ///
    /// Evidence: captured from the original servers: 1.13.
    #[message(0x7b, client_to_server, answer SetLocalizationParamsResponse)]
    pub struct SetLocalizationParamsRequest1 {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub character_encoding: CharacterEncodingType,
        pub language: LanguageType,
        pub time_zone: TimeZone,
        pub location_id: i32,
    }

    /// `MediusClanRenameRequest`.
    ///
    /// Known from one public server only.
    #[message(0x7c, client_to_server)]
    pub struct ClanRenameRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub clan_id: ClanId,
        pub new_clan_name: Text<32>,
    }

    /// `MediusSetGameListSortRequest`.
    ///
    /// Known from one public server only.
    #[message(0x7e, client_to_server, answer SetGameListSortResponse)]
    pub struct SetGameListSortRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub sort_priority: i32,
        pub sort_field: GameListFilterField,
        pub mask: i32,
        pub sort_direction: GameListSortDirection,
    }

    /// `MediusSetGameListSortResponse`.
    ///
    /// Known from one public server only.
    #[message(0x7f, server_to_client)]
    pub struct SetGameListSortResponse {
        pub message_id: MessageId,
        pub status_code: CallbackStatus,
        pub sort_id: i32,
    }

    /// `MediusSetLobbyWorldFilterRequest1`, id table name `SetLobbyWorldFilter1`.
    ///
    /// Same layout as SetLobbyWorldFilter in both sources.
    ///
    /// Uncertain: In 1.13 traffic a 70-byte request answered by a 54-byte body stands where the lobby
    /// filter is set; that pair may be the true 1.13 form of ids 134/135 (or of other ids) and is not
    /// decoded.
    #[message(0x86, client_to_server, answer SetLobbyWorldFilterResponse)]
    pub struct SetLobbyWorldFilterRequest1 {
        pub message_id: MessageId,
        #[pad(3)]
        pub filter_mask1: u32,
        pub filter_mask2: u32,
        pub filter_mask3: u32,
        pub filter_mask4: u32,
        pub lobby_filter_type: LobbyFilterType,
        pub filter_mask_level: LobbyFilterMaskLevelType,
    }

    /// `MediusPartyJoinByIndexRequest`.
    ///
    /// Uncertain: id 135 is named SetLobbyWorldFilterResponse1 in one source (layout of
    /// SetLobbyWorldFilterResponse), which nevertheless answers SetLobbyWorldFilter1 (134) with id 19.
    ///
    /// Known from one public server only.
    #[message(0x87, client_to_server, answer PartyJoinByIndexResponse)]
    pub struct PartyJoinByIndexRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub medius_world_id: MediusWorldId,
        pub party_password: Text<32>,
        pub party_host_type: GameHostType,
        #[name("pubKey")]
        pub pub_key: RsaKey,
        #[name("addressList")]
        pub address_list: NetAddressList,
        #[name("partyIndex")]
        pub party_index: i32,
    }

    /// `MediusMatchFindGameRequest`.
    ///
    /// Uncertain: Packed; one source only; GroupMemberListSize taken as a byte count.
    ///
    /// Known from one public server only.
    #[message(0x88, client_to_server, answer MatchFindGameStatusResponse)]
    pub struct MatchFindGameRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub superset_id: u32,
        pub medius_world_id: u32,
        pub player_join_type: JoinType,
        pub min_players: u32,
        pub max_players: u32,
        pub game_host_type_bit_field: u32,
        pub match_options: MatchOptions,
        pub server_session_key: Text<17>,
        pub request_data: Blob<16>,
        pub group_member_list_size: u32,
        pub application_data_size: u32,
        #[width(group_member_list_size)]
        pub group_member_account_id_list: VarBytes,
        #[width(application_data_size)]
        pub application_data: VarBytes,
    }

    /// `MediusMatchFindGameStatusResponse`.
    ///
    /// Known from one public server only.
    #[message(0x89, server_to_client)]
    pub struct MatchFindGameStatusResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `MediusAssignedGameToJoinMessage`.
    ///
    /// Known from one public server only.
    #[message(0x8a, server_to_client)]
    pub struct AssignedGameToJoinMessage {
        pub assigned_game_message_request_data: Blob<16>,
        pub assigned_game_message_id: i32,
        pub assigned_game_type: AssignedGameType,
        pub status_code: CallbackStatus,
        pub system_specific_status_code: i32,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub game_world_id: Option<u32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub team_id: Option<u32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub player_count: Option<i32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub game_name: Option<Text<64>>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub game_stats: Option<Blob<256>>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub min_players: Option<i32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub max_players: Option<i32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub game_level: Option<i32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub player_skill_level: Option<i32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub rules_set: Option<i32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub generic_field1: Option<i32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub generic_field2: Option<i32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub generic_field3: Option<i32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub generic_field4: Option<i32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub generic_field5: Option<i32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub generic_field6: Option<i32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub generic_field7: Option<i32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub generic_field8: Option<i32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub world_status: Option<WorldStatus>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub join_type: Option<JoinType>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub game_password: Option<Text<32>>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub game_host_type: Option<GameHostType>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub address_list: Option<NetAddressList>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        pub app_data_size: Option<u32>,
        #[when(status_code == CallbackStatus::JOIN_ASSIGNED_GAME)]
        #[width(app_data_size.unwrap_or_default())]
        pub app_data: Option<VarBytes>,
    }

    /// `MediusSessionBeginRequest1`, id table name `SessionBegin1`.
    ///
    /// Layout seen in 1.13 traffic of the original servers; sources read only ConnectionClass.
    ///
    /// Evidence: captured from the original servers: 1.13.
    #[message(0x8b, client_to_server, answer SessionBeginResponse)]
    pub struct SessionBeginRequest1 {
        pub message_id: MessageId,
        #[pad(3)]
        pub connection_class: ConnectionType,
        pub client_version_major: i32,
        pub client_version_minor: i32,
        pub client_version_patch: i32,
        pub client_version_build: i32,
    }

    /// `MediusPartyJoinByIndexResponse`.
    ///
    /// Uncertain: One source only; MaxPlayers is switched on there by title, not by version.
    ///
    /// Known from one public server only.
    #[message(0x8e, server_to_client)]
    pub struct PartyJoinByIndexResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
        pub party_host_type: GameHostType,
        pub connection_info: NetConnectionInfo,
        pub party_index: i32,
        #[when(d.max_players_in_party_join())]
        pub max_players: Option<i32>,
    }

    /// `MediusPartyPlayerReport`.
    ///
    /// Known from one public server only.
    #[message(0x8f, client_to_server)]
    pub struct PartyPlayerReport {
        pub session_key: Text<17>,
        #[pad(3)]
        pub medius_world_id: MediusWorldId,
        pub party_index: i32,
    }

    /// `MediusGroupJoinChannelRequest`.
    ///
    /// Known from one public server only.
    #[message(0x90, client_to_server)]
    pub struct GroupJoinChannelRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub medius_lobby_world_id: MediusWorldId,
        pub medius_party_world_id: i32,
        pub lobby_password: Text<32>,
    }

    /// `MediusMatchCancelRequest`.
    ///
    /// Known from one public server only.
    #[message(0x92, client_to_server)]
    pub struct MatchCancelRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        #[pad(2)]
        pub superset_id: i32,
    }

    /// `MediusMatchCreateGameRequest`.
    ///
    /// Uncertain: Packed; one source only; GroupMemberListSize taken as a byte count.
    ///
    /// Known from one public server only.
    #[message(0x94, client_to_server, answer MatchCreateGameResponse)]
    pub struct MatchCreateGameRequest {
        pub message_id: MessageId,
        pub session_key: Text<17>,
        pub superset_id: u32,
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
        pub generic_field4: i32,
        pub generic_field5: i32,
        pub generic_field6: i32,
        pub generic_field7: i32,
        pub generic_field8: i32,
        pub game_host_type: GameHostType,
        pub world_attributes_type: WorldAttributesType,
        pub match_options: MatchOptions,
        pub server_session_key: Text<17>,
        pub request_data: Blob<16>,
        pub group_member_list_size: u32,
        pub application_data_size: u32,
        #[width(group_member_list_size)]
        pub group_member_account_id_list: VarBytes,
        #[width(application_data_size)]
        pub application_data: VarBytes,
    }

    /// `MediusMatchCreateGameResponse`.
    ///
    /// Known from one public server only.
    #[message(0x95, server_to_client)]
    pub struct MatchCreateGameResponse {
        pub message_id: MessageId,
        pub status_code: CallbackStatus,
        pub medius_world_id: MediusWorldId,
        pub system_specific_status_code: i32,
        pub request_data: Text<16>,
        pub application_data_size: i32,
        #[width(application_data_size)]
        pub application_data: VarBytes,
    }

    /// `MediusSetLocalizationParamsStatusResponse1`.
    ///
    /// Known from one public server only.
    #[message(0xa4, server_to_client)]
    pub struct SetLocalizationParamsStatusResponse1 {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }
}
