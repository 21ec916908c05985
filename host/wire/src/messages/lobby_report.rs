//! LobbyReport (class 3), also called MGCL: game servers or hosting players (the "client") and MPS (the "server").

use crate::enums::{
    MgclAlertLevel, MgclErrorCode, MgclEventType, MgclGameHostType, MgclServerAttributes, MgclTrustLevel,
    WorldAttributesType, WorldStatus,
};
use crate::messages::structures::{NetAddress, NetAddressList, NetConnectionInfo, RsaKey};
use crate::types::{AccountId, AppId, Blob, Flag, MediusWorldId, MessageId, Text, VarText};

medley_wire_derive::messages! {
    class LOBBY_REPORT, prefix "Medius", list lobby_report_messages, module lobby_report;

    /// `MediusServerReport`.
    #[message(0x00, client_to_server)]
    pub struct ServerReport {
        pub session_key: Text<17>,
        #[pad(1)]
        pub max_worlds: i16,
        pub max_players_per_world: i16,
        pub active_world_count: i16,
        pub total_active_players: i16,
        #[pad(2)]
        pub alert_level: MgclAlertLevel,
    }

    /// `MediusServerAuthenticationRequest`.
    #[message(0x01, client_to_server, answer ServerAuthenticationResponse)]
    pub struct ServerAuthenticationRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub trust_level: MgclTrustLevel,
        pub address_list: NetAddressList,
    }

    /// `MediusServerAuthenticationResponse`.
    #[message(0x02, server_to_client)]
    pub struct ServerAuthenticationResponse {
        pub message_id: MessageId,
        pub confirmation: MgclErrorCode,
        #[pad(2)]
        pub connect_info: NetConnectionInfo,
    }

    /// `MediusServerSessionBeginRequest`.
    #[message(0x03, client_to_server, answer ServerSessionBeginResponse)]
    pub struct ServerSessionBeginRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub location_id: i32,
        pub application_id: AppId,
        pub server_type: MgclGameHostType,
        pub server_version: Text<16>,
        pub port: i32,
    }

    /// `MediusServerSessionBeginResponse`.
    #[message(0x04, server_to_client)]
    pub struct ServerSessionBeginResponse {
        pub message_id: MessageId,
        pub confirmation: MgclErrorCode,
        #[pad(2)]
        pub connect_info: NetConnectionInfo,
    }

    /// `MediusServerSessionEndRequest`.
    #[message(0x05, client_to_server, answer ServerSessionEndResponse)]
    pub struct ServerSessionEndRequest {
        pub message_id: MessageId,
    }

    /// `MediusServerSessionEndResponse`.
    ///
    /// Known from one public server only.
    #[message(0x06, server_to_client)]
    pub struct ServerSessionEndResponse {
        pub message_id: MessageId,
        pub error_code: MgclErrorCode,
    }

    /// `MediusServerCreateGameRequest`.
    #[message(0x07, server_to_client, answer ServerCreateGameResponse)]
    pub struct ServerCreateGameRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub application_id: AppId,
        pub max_clients: i32,
    }

    /// `MediusServerCreateGameResponse`.
    #[message(0x08, client_to_server)]
    pub struct ServerCreateGameResponse {
        pub message_id: MessageId,
        pub confirmation: MgclErrorCode,
        #[pad(2)]
        pub medius_world_id: MediusWorldId,
    }

    /// `MediusServerJoinGameRequest`.
    #[message(0x09, server_to_client, answer ServerJoinGameResponse)]
    pub struct ServerJoinGameRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub connect_info: NetConnectionInfo,
    }

    /// `MediusServerJoinGameResponse`.
    #[message(0x0a, client_to_server)]
    pub struct ServerJoinGameResponse {
        pub message_id: MessageId,
        pub confirmation: MgclErrorCode,
        pub access_key: Text<17>,
        #[pad(1)]
        #[name("pubKey")]
        pub pub_key: RsaKey,
        pub dme_client_index: i32,
    }

    /// `MediusServerEndGameRequest`.
    #[message(0x0b, server_to_client, answer ServerEndGameResponse)]
    #[pad_end(3)]
    pub struct ServerEndGameRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub medius_world_id: MediusWorldId,
        pub brutal_flag: Flag,
    }

    /// `MediusServerEndGameResponse`.
    #[message(0x0c, client_to_server)]
    pub struct ServerEndGameResponse {
        pub message_id: MessageId,
        pub confirmation: MgclErrorCode,
    }

    /// `MediusServerWorldStatusRequest`.
    #[message(0x0d, server_to_client, answer ServerWorldStatusResponse)]
    pub struct ServerWorldStatusRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub world_id: i32,
    }

    /// `MediusServerWorldStatusResponse`.
    ///
    /// Uncertain: Confirmation is a single byte at the end; alignment would add pad\[3\].
    #[message(0x0e, client_to_server)]
    pub struct ServerWorldStatusResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub application_id: AppId,
        pub max_clients: i32,
        pub active_clients: i32,
        pub confirmation: MgclErrorCode,
    }

    /// `MediusServerCreateGameOnSelfRequest0`.
    ///
    /// Uncertain: 1.13 name and password widths (15) come from one source.
    ///
    /// Known from one public server only.
    #[message(0x0f, client_to_server)]
    pub struct ServerCreateGameOnSelfRequest0 {
        pub message_id: MessageId,
        #[width(d.at_113(15, 64))]
        pub game_name: VarText,
        pub game_stats: Blob<256>,
        #[width(d.at_113(15, 32))]
        pub game_password: VarText,
        #[pad(3)]
        pub application_id: AppId,
        pub max_players: i32,
        pub min_players: i32,
        pub game_level: i32,
        pub player_skill_level: i32,
        pub rules_set: i32,
        pub generic_field1: i32,
        pub generic_field2: i32,
        pub generic_field3: i32,
        pub game_host_type: MgclGameHostType,
        pub address_list: NetAddressList,
        pub world_id: i32,
    }

    /// `MediusServerCreateGameOnMeResponse`.
    #[message(0x10, server_to_client)]
    pub struct ServerCreateGameOnMeResponse {
        pub message_id: MessageId,
        pub confirmation: MgclErrorCode,
        #[pad(2)]
        pub medius_world_id: MediusWorldId,
    }

    /// `MediusServerEndGameOnMeRequest`.
    #[message(0x11, client_to_server, answer ServerEndGameOnMeResponse)]
    pub struct ServerEndGameOnMeRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub medius_world_id: MediusWorldId,
    }

    /// `MediusServerEndGameOnMeResponse`.
    #[message(0x12, server_to_client)]
    pub struct ServerEndGameOnMeResponse {
        pub message_id: MessageId,
        pub confirmation: MgclErrorCode,
    }

    /// `MediusServerMoveGameWorldOnMeRequest`.
    #[message(0x14, client_to_server, answer ServerMoveGameWorldOnMeResponse)]
    pub struct ServerMoveGameWorldOnMeRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub current_medius_world_id: MediusWorldId,
        pub new_game_medius_world_id: MediusWorldId,
        pub address_list: NetAddressList,
    }

    /// `MediusServerMoveGameWorldOnMeResponse`.
    #[message(0x15, server_to_client)]
    pub struct ServerMoveGameWorldOnMeResponse {
        pub message_id: MessageId,
        pub confirmation: MgclErrorCode,
        #[pad(2)]
        pub medius_world_id: MediusWorldId,
    }

    /// `MediusServerSetAttributesRequest`.
    #[message(0x16, client_to_server, answer ServerSetAttributesResponse)]
    pub struct ServerSetAttributesRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub attributes: MgclServerAttributes,
        pub listen_server_address: NetAddress,
    }

    /// `MediusServerSetAttributesResponse`.
    #[message(0x17, server_to_client)]
    pub struct ServerSetAttributesResponse {
        pub message_id: MessageId,
        pub confirmation: MgclErrorCode,
    }

    /// `MediusServerCreateGameWithAttributesRequest`.
    #[message(0x18, server_to_client, answer ServerCreateGameWithAttributesResponse)]
    pub struct ServerCreateGameWithAttributesRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub application_id: AppId,
        pub max_clients: i32,
        pub attributes: WorldAttributesType,
        pub world_id: i32,
    }

    /// `MediusServerCreateGameWithAttributesResponse`.
    #[message(0x19, client_to_server)]
    pub struct ServerCreateGameWithAttributesResponse {
        pub message_id: MessageId,
        pub confirmation: MgclErrorCode,
        #[pad(2)]
        pub medius_world_id: MediusWorldId,
    }

    /// `MediusServerConnectGamesRequest`.
    #[message(0x1a, server_to_client, answer ServerConnectGamesResponse)]
    pub struct ServerConnectGamesRequest {
        pub message_id: MessageId,
        pub server_ip: Text<20>,
        #[pad(3)]
        pub server_port: i32,
        pub game_world_id: i32,
        pub spectator_world_id: i32,
    }

    /// `MediusServerConnectGamesResponse`.
    #[message(0x1b, client_to_server)]
    #[pad_end(3)]
    pub struct ServerConnectGamesResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub game_world_id: i32,
        pub spectator_world_id: i32,
        pub confirmation: MgclErrorCode,
    }

    /// `MediusServerConnectNotification`.
    #[message(0x1c, client_to_server)]
    #[pad_end(3)]
    pub struct ServerConnectNotification {
        pub connect_event_type: MgclEventType,
        #[name("MediusWorldUID")]
        pub medius_world_uid: MediusWorldId,
        pub player_session_key: Text<17>,
    }

    /// `MediusServerCreateGameOnSelfRequest`.
    ///
    /// Known from one public server only.
    #[message(0x1d, client_to_server)]
    pub struct ServerCreateGameOnSelfRequest {
        pub message_id: MessageId,
        pub game_name: Text<64>,
        pub game_stats: Blob<256>,
        pub game_password: Text<32>,
        #[pad(3)]
        pub application_id: AppId,
        pub max_players: i32,
        pub min_players: i32,
        pub game_level: i32,
        pub player_skill_level: i32,
        pub rules_set: i32,
        pub generic_field1: i32,
        pub generic_field2: i32,
        pub generic_field3: i32,
        pub game_host_type: MgclGameHostType,
        pub address_list: NetAddressList,
        pub world_id: i32,
        pub account_id: AccountId,
    }

    /// `MediusServerDisconnectPlayerRequest`.
    #[message(0x1e, server_to_client)]
    pub struct ServerDisconnectPlayerRequest {
        pub message_id: MessageId,
        #[pad(3)]
        pub dme_world_id: i32,
        pub dme_client_index: i32,
    }

    /// `MediusServerCreateGameOnMeRequest`.
    ///
    /// One source has pad\[3\] after GameHostType; the aligned form without it is preferred.
    #[message(0x1f, client_to_server, answer ServerCreateGameOnMeResponse)]
    pub struct ServerCreateGameOnMeRequest {
        pub message_id: MessageId,
        pub game_name: Text<64>,
        pub game_stats: Blob<256>,
        pub game_password: Text<32>,
        #[pad(3)]
        pub application_id: AppId,
        pub max_players: i32,
        pub min_players: i32,
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
        pub game_host_type: MgclGameHostType,
        pub address_list: NetAddressList,
        pub world_id: i32,
        pub account_id: AccountId,
    }

    /// `MediusServerWorldReportOnMe`.
    ///
    /// Known from one public server only.
    #[message(0x20, client_to_server)]
    pub struct ServerWorldReportOnMe {
        pub message_id: MessageId,
        pub game_name: Text<64>,
        pub game_stats: Blob<256>,
        pub game_password: Text<32>,
        #[pad(3)]
        pub application_id: AppId,
        pub max_players: i32,
        pub min_players: i32,
        pub player_count: i32,
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
        pub medius_world_id: MediusWorldId,
        pub world_status: WorldStatus,
    }

    /// `MediusServerSessionBeginRequest1`.
    ///
    /// Known from one public server only.
    #[message(0x21, client_to_server, answer ServerSessionBeginResponse1)]
    pub struct ServerSessionBeginRequest1 {
        pub message_id: MessageId,
        #[pad(3)]
        pub location_id: i32,
        pub application_id: AppId,
        pub server_type: MgclGameHostType,
        pub client_version_major: i32,
        pub client_version_minor: i32,
        pub client_version_build: i32,
        pub port: i32,
    }

    /// `MediusServerSessionBeginResponse1`.
    ///
    /// Known from one public server only.
    #[message(0x22, server_to_client)]
    pub struct ServerSessionBeginResponse1 {
        pub message_id: MessageId,
        pub confirmation: MgclErrorCode,
        #[pad(2)]
        pub connect_info: NetConnectionInfo,
    }

    /// `MediusServerCreateGameWithAttributesRequest2`.
    ///
    /// Known from one public server only.
    #[message(0x23, server_to_client, answer ServerCreateGameWithAttributesResponse)]
    pub struct ServerCreateGameWithAttributesRequest2 {
        pub message_id: MessageId,
        #[pad(3)]
        pub application_id: AppId,
        pub max_clients: i32,
        pub attributes: WorldAttributesType,
        #[name("MediusWorldUID")]
        pub medius_world_uid: MediusWorldId,
        pub connect_info: NetConnectionInfo,
    }

    /// `MediusServerSessionBeginRequest2`.
    ///
    /// Known from one public server only.
    #[message(0x24, client_to_server, answer ServerSessionBeginResponse)]
    pub struct ServerSessionBeginRequest2 {
        pub message_id: MessageId,
        #[pad(3)]
        pub location_id: i32,
        pub application_id: AppId,
        pub server_type: MgclGameHostType,
        pub client_version_major: i32,
        pub client_version_minor: i32,
        pub client_version_special_patch: i32,
        pub client_version_build: i32,
        pub port: i32,
    }
}
