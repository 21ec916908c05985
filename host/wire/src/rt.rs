//! The RT messages: what one frame carries. Layouts by Medius version, each declared once; [`RtMessage`] is any of them.
//!
//! Direction is in the name: CLIENT_ to the server, SERVER_ to the client; APP_SINGLE and the echoes go both ways.

use serde_json::Value;

use crate::codec::{DecodeError, Dialect, Empty, Reader, Trace, Wire, Writer};
use crate::enums::CheatQueryType;
use crate::json::{JsonError, JsonView};
use crate::types::{AppId, BigEndian, Blob, Text, VarBytes, VarText};

/// Id of an RT message: the low seven bits of a frame's first byte.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RtId(pub u8);

/// `ip16`: an IPv4 address as dotted text in 16 bytes.
pub type IpText = Text<16>;

/// The version bytes that 1.08 clients put in front of their connect messages.
pub const CLIENT_VERSION_108: [u8; 3] = [0x01, 0x08, 0x01];
/// The version bytes of Sony's 1.08 servers (`uya_ps2_join_game_dme`); public emulators send `01 08 10`.
pub const SERVER_VERSION_108: [u8; 3] = [0x01, 0x08, 0xd3];

/// A world as the RT connect messages name it: u16 at 1.08, u32 later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RtWorldId(pub u32);

impl Empty for RtWorldId {
    fn empty() -> Self {
        Self(0)
    }
}

impl Wire for RtWorldId {
    fn decode(r: &mut Reader<'_>, d: &Dialect) -> Result<Self, DecodeError> {
        if d.is_108() { u16::decode(r, d).map(|id| Self(id.into())) } else { u32::decode(r, d).map(Self) }
    }

    fn encode(&self, w: &mut Writer, d: &Dialect) {
        if d.is_108() { (self.0 as u16).encode(w, d) } else { self.0.encode(w, d) }
    }
}

impl JsonView for RtWorldId {
    fn to_json(&self) -> Option<Value> {
        self.0.to_json()
    }

    fn from_json(value: Option<Value>) -> Result<Self, JsonError> {
        JsonView::from_json(value).map(Self)
    }
}

/// Receive flags of SET_RECV_FLAG and READY_TCP (1.09 and later).
pub mod receive_flags {
    /// Wants broadcasts.
    pub const BROADCAST: u8 = 0x01;
    /// Wants list sends.
    pub const LIST: u8 = 0x02;
    /// Wants singles.
    pub const SINGLE: u8 = 0x04;
    /// Wants CONNECT_NOTIFY and DISCONNECT_NOTIFY.
    pub const NOTIFICATION: u8 = 0x08;
}

medley_wire_derive::messages! {
    structures;

    /// CONNECT_TCP and CONNECT_TCP_AUX_UDP: 73 / 72 bytes without the two keys (MUIS, MAS), 107 / 106 with them.
    pub struct ClientConnectTcp {
        /// `01 08 01`.
        #[when(d.is_108())]
        pub client_version: Option<[u8; 3]>,
        /// WorldID of the NetConnectionInfo that led here; 1 on MUIS and MAS.
        pub target_world_id: RtWorldId,
        pub app_id: AppId,
        /// 64 random bytes of the client; zero on a clear connection. Used by no message seen.
        pub key: Blob<64>,
        #[optional]
        pub session_key: Option<Text<17>>,
        #[optional]
        pub access_key: Option<Text<17>>,
    }

    /// DISCONNECT, READY_AUX_UDP, FLUSH_ALL: nothing.
    pub struct NoBody {}

    /// APP_BROADCAST: title data for everybody else in the world.
    pub struct AppBroadcast {
        #[rest]
        pub payload: VarBytes,
    }

    /// APP_SINGLE: to a client's index; from the server: from a client's index.
    pub struct AppSingle {
        /// Target on the way in, source on the way out. Stays in clear in an enciphered frame.
        pub index: u16,
        #[rest]
        pub payload: VarBytes,
    }

    /// APP_LIST: to the clients whose bit is set, least significant bit and lowest byte first.
    pub struct AppList {
        pub mask_size: u8,
        #[width(mask_size)]
        pub mask: VarBytes,
        #[rest]
        pub payload: VarBytes,
    }

    /// CLIENT_ECHO: opaque bytes (0xa5 in all captures), returned as they are on the transport they came on.
    pub struct ClientEcho {
        #[rest]
        pub value: VarBytes,
    }

    /// CONNECT_REJECT. Reasons: 0 version, 1 world full, 2 world id, 3 app signature, 4 encryption, 5 access key, 6 aux UDP failure.
    pub struct ServerConnectReject {
        pub reason: u8,
        pub unknown: u16,
    }

    /// CONNECT_ACCEPT_TCP: 23 bytes at 1.08, 24 later.
    pub struct ServerConnectAcceptTcp {
        /// `01 08 d3` from Sony.
        #[when(d.is_108())]
        pub server_version: Option<[u8; 3]>,
        /// The client's index in the DME world; 0 elsewhere.
        pub player_id: u16,
        /// Unique per server process; the client repeats it in CONNECT_AUX_UDP.
        #[when(!d.is_108())]
        pub scert_client_id: Option<u32>,
        /// Players in the world, this one included; 1 outside DME.
        pub player_count: u16,
        /// The client's own address as the server sees it.
        pub ip: IpText,
    }

    /// CONNECT_NOTIFY: a player completed its connection to the world.
    pub struct ServerConnectNotify {
        pub player_index: u16,
        #[when(!d.is_108())]
        pub scert_client_id: Option<u32>,
        /// The player's UDP address.
        pub ip: IpText,
        pub key: Blob<64>,
    }

    /// DISCONNECT_NOTIFY: a player left the world.
    pub struct ServerDisconnectNotify {
        pub player_index: u16,
        #[when(!d.is_108())]
        pub scert_client_id: Option<u32>,
        pub ip: IpText,
    }

    /// SERVER_APP and CLIENT_APP_TOSERVER: class, id and body of an application message.
    pub struct App {
        #[rest]
        pub payload: VarBytes,
    }

    /// SET_RECV_FLAG: what the sender wants to receive. `02 01` from UYA, `0f` from Deadlocked.
    pub struct ClientSetRecvFlag {
        #[when(d.is_108())]
        pub kind: Option<u8>,
        /// Bits of [`receive_flags`]; at 1.08 broadcast on or off.
        pub flags: u8,
    }

    /// SET_AGG_TIME: how long the server may hold relayed messages for the sender, in milliseconds.
    pub struct ClientSetAggTime {
        pub milliseconds: u16,
    }

    /// FLUSH_SINGLE: send now what is aggregated for this client.
    pub struct ClientFlushSingle {
        pub target: u16,
    }

    /// FORCED_DISCONNECT. Reasons: 0 none, 1 error, 2 shutdown, 3 end session, 4 end game, 5 timeout, 6 bad performance, 7 banned.
    pub struct ServerForcedDisconnect {
        pub reason: u8,
    }

    /// CRYPTKEY_PUBLIC (client's modulus), CRYPTKEY_PEER (ctx 3 key), CRYPTKEY_GAME (ctx 1 key).
    pub struct CryptKey {
        pub key: Blob<64>,
    }

    /// CONNECT_AUX_UDP: the first datagram, repeated until it is answered.
    pub struct ClientConnectAuxUdp {
        #[when(d.is_108())]
        pub client_version: Option<[u8; 3]>,
        pub world_id: RtWorldId,
        pub app_id: AppId,
        /// The server's address as the client knows it.
        pub server_ip: IpText,
        /// The server's TCP port.
        pub server_port: u16,
        pub player_id: u16,
        #[when(!d.is_108())]
        pub scert_client_id: Option<u32>,
    }

    /// INFO_AUX_UDP: where the client's datagrams go.
    pub struct ServerInfoAuxUdp {
        pub ip: IpText,
        pub port: u16,
    }

    /// CONNECT_ACCEPT_AUX_UDP: one per CONNECT_AUX_UDP.
    pub struct ServerConnectAcceptAuxUdp {
        #[when(d.is_108())]
        pub server_version: Option<[u8; 3]>,
        pub player_id: u16,
        #[when(!d.is_108())]
        pub scert_client_id: Option<u32>,
        pub player_count: u16,
        /// The client's address as the server sees it.
        pub ip: IpText,
        /// The client's UDP port as the server sees it.
        pub port: u16,
    }

    /// CONNECT_COMPLETE: clients at connect, this one included.
    pub struct ServerConnectComplete {
        pub player_count: u16,
    }

    /// SYSTEM_MESSAGE: a text of the operator.
    pub struct ServerSystemMessage {
        pub severity: u8,
        /// 0 none, 1 ISO-8859-1, 2 UTF-8.
        pub encoding: u8,
        /// 1 US English, 2 UK English, 3 Japanese and so on.
        pub language: u8,
        pub end_of_message: u8,
        #[rest]
        pub text: VarText,
    }

    /// CHEAT_QUERY, and the client's answer under the same id.
    pub struct CheatQuery {
        #[name("Type")]
        pub query_type: CheatQueryType,
        pub sequence: u32,
        pub address: u32,
        pub length: u32,
        /// The salt of a query, the result of an answer.
        #[rest]
        pub data: VarBytes,
    }

    /// MEMORY_POKE: bytes that the client writes into its memory.
    pub struct ServerMemoryPoke {
        pub address: u32,
        pub length: u32,
        #[width(length)]
        pub data: VarBytes,
    }

    /// SERVER_ECHO: the server's clock, returned unchanged.
    pub struct ServerEcho {
        /// Unix seconds.
        pub seconds: u32,
        pub microseconds: u32,
    }

    /// DISCONNECT_WITH_REASON: 0 none, 1 normal (all captures), 2 connect fail, 3 stream media fail, 4 update fail, 5 inactivity, 6 shutdown, 7 length mismatch.
    pub struct ClientDisconnectWithReason {
        pub reason: u8,
    }

    /// READY_TCP: start options and receive flags. `0e 01`; `0e 05` to a DME.
    pub struct ClientConnectReadyTcp {
        pub start_options: u8,
        pub receive_flags: u8,
    }

    /// CONNECT_REQUIRE: the largest bodies the server takes. `02 48 02`, `02 43 06` (PS3), `06 48 02 48 02` (DME).
    pub struct ServerConnectRequire {
        /// Which sizes follow: bit 1 TCP, bit 2 UDP.
        pub flags: u8,
        #[name("MaxTCP")]
        #[when(flags & 0x02 != 0)]
        pub max_tcp: Option<u16>,
        #[name("MaxUDP")]
        #[when(flags & 0x04 != 0)]
        pub max_udp: Option<u16>,
    }

    /// CONNECT_READY_REQUIRE: 0 in all captures, else a password follows.
    pub struct ClientConnectReadyRequire {
        pub flags: u8,
        #[when(flags != 0)]
        pub password_length: Option<u8>,
        #[when(flags != 0)]
        #[width(password_length.unwrap_or(0))]
        pub password: Option<VarBytes>,
    }

    /// CLIENT_HELLO of 1.09 and later: kind 2 from a PS2, kind 1 with a certificate from a PS3.
    pub struct ClientHello {
        pub kind: u16,
        /// 0x6d = 1.09 and so on up to 0x71.
        pub version: u16,
        /// PS2: lowest version spoken, encryption version, 1. PS3: 3, 0x0600, 0x0400.
        pub parameters: [u16; 3],
        #[when(kind == 1)]
        pub certificate_count: Option<u16>,
        #[when(kind == 1)]
        pub certificate_length: Option<u16>,
        /// X.509, DER; its CN ends with the app id.
        #[when(kind == 1)]
        #[width(certificate_length.unwrap_or(0))]
        pub certificate: Option<VarBytes>,
        /// 0, or the RCQ hash of the access key with which the client wants to resume.
        #[when(kind == 1)]
        pub resume_id: Option<u32>,
        #[when(kind == 1 && resume_id != Some(0))]
        pub resume_nonce: Option<Blob<16>>,
    }

    /// SERVER_HELLO: four bytes to a PS2, a certificate behind them to a PS3.
    pub struct ServerHello {
        /// The client's version, repeated.
        pub version: u16,
        /// 1, or 0x0600 with a certificate.
        pub encryption_version: u16,
        #[optional]
        pub certificate_length: Option<u16>,
        #[when(certificate_length.is_some())]
        #[width(certificate_length.unwrap_or(0))]
        pub certificate: Option<VarBytes>,
        #[when(certificate_length.is_some())]
        pub resume_id: Option<u32>,
        #[when(resume_id.unwrap_or(0) != 0)]
        pub resume_nonce: Option<Blob<16>>,
    }

    /// STARTUP_INFO_NOTIFY: parts in bit order. `04 00 00 00 00` for the first player.
    pub struct ServerStartupInfoNotify {
        pub flags: u8,
        #[when(flags & 0x02 != 0)]
        pub startup_info: Option<Blob<6>>,
        /// Milliseconds since the first client entered the world.
        #[when(flags & 0x04 != 0)]
        pub time_base: Option<u32>,
        /// Token and peer sets (bits 3 to 5), never seen.
        #[rest]
        pub sets: VarBytes,
    }

    /// TIMEBASE_QUERY.
    pub struct ClientTimebaseQuery {
        pub client_time: u32,
    }

    /// TIMEBASE_QUERY_NOTIFY.
    pub struct ServerTimebaseQueryNotify {
        pub client_time: u32,
        /// Milliseconds since the first client entered the world.
        pub server_time: u32,
    }

    /// CLIENT_TOKEN_MESSAGE.
    pub struct ClientTokenMessage {
        #[name("Type")]
        pub token_type: u8,
        pub token: u16,
    }

    /// One entry of SERVER_TOKEN_MESSAGE.
    pub struct TokenEntry {
        #[name("Type")]
        pub token_type: u8,
        #[when(matches!(token_type, 0x01..=0x03 | 0x07..=0x0a))]
        pub token: Option<u16>,
        /// Index of the client that owns the token.
        #[when(token_type == 0x07)]
        pub owner: Option<u16>,
    }

    /// SERVER_TOKEN_MESSAGE: a run of entries.
    pub struct ServerTokenMessage {
        #[rest]
        pub entries: Vec<TokenEntry>,
    }

    /// One message inside a container: clear, without hash.
    pub struct ContainedMessage {
        pub id: u8,
        pub length: u16,
        #[width(length)]
        pub body: VarBytes,
    }

    /// CLIENT_MULTI_APP_TOSERVER and SERVER_MULTI_APP_TOCLIENT: a run of messages, to be taken as if each had come alone.
    pub struct MultiApp {
        #[rest]
        pub messages: Vec<ContainedMessage>,
    }

    /// CLIENT_APP_TO_PLUGIN.
    pub struct ClientAppToPlugin {
        pub size: u8,
        pub plugin_message_id: BigEndian,
        #[rest]
        pub body: VarBytes,
    }

    /// SERVER_PLUGIN_TO_APP.
    pub struct ServerPluginToApp {
        pub incoming: u8,
        pub zero: u8,
        pub size: u8,
        pub plugin_id: u8,
        pub plugin_message_id: BigEndian,
        #[rest]
        pub body: VarBytes,
    }
}

macro_rules! rt_messages {
    ($($id:literal $name:ident $($variant:ident($body:ty))?;)*) => {
        impl RtId {
            $(#[doc = concat!("`RT_MSG_", stringify!($name), "`")] pub const $name: Self = Self($id);)*

            /// Every id with its name, without `RT_MSG_`.
            pub const NAMES: &'static [(Self, &'static str)] = &[$((Self::$name, stringify!($name))),*];
        }

        /// Any RT message.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs, reason = "each body is documented at its declaration")]
        pub enum RtMessage {
            $($($variant($body),)?)*
            /// No layout known, or no id of the SDK's.
            Unknown { id: RtId, body: Vec<u8> },
        }

        impl RtMessage {
            fn decode_with(id: RtId, r: &mut Reader<'_>, d: &Dialect) -> Result<Self, DecodeError> {
                match id.0 {
                    $($($id => <$body>::decode(r, d).map(Self::$variant),)?)*
                    _ => {
                        let body = r.take(r.remaining())?.to_vec();
                        Ok(Self::Unknown { id, body })
                    }
                }
            }

            /// Id.
            pub fn id(&self) -> RtId {
                match self {
                    $($(Self::$variant(_) => RtId($id),)?)*
                    Self::Unknown { id, .. } => *id,
                }
            }

            /// Writes the body.
            pub fn encode(&self, w: &mut Writer, d: &Dialect) {
                match self {
                    $($(Self::$variant(body) => body.encode(w, d),)?)*
                    Self::Unknown { body, .. } => w.put(body),
                }
            }

            /// The fields as JSON.
            pub fn to_json(&self) -> Value {
                match self {
                    $($(Self::$variant(body) => body.to_json().unwrap_or_default(),)?)*
                    Self::Unknown { body, .. } => serde_json::json!({ "Body": format!("hex:{}", hex::encode(body)) }),
                }
            }

            /// The message of this id and these fields.
            pub fn from_json(id: RtId, fields: Value) -> Result<Self, JsonError> {
                match id.0 {
                    $($($id => <$body>::from_json(Some(fields)).map(Self::$variant),)?)*
                    _ => {
                        let mut object = crate::json::object(Some(fields))?;
                        let body: VarBytes = crate::json::take(&mut object, "Body")?;
                        Ok(Self::Unknown { id, body: body.0 })
                    }
                }
            }
        }
    };
}

rt_messages! {
    0x00 CLIENT_CONNECT_TCP ClientConnectTcp(ClientConnectTcp);
    0x01 CLIENT_DISCONNECT ClientDisconnect(NoBody);
    0x02 CLIENT_APP_BROADCAST ClientAppBroadcast(AppBroadcast);
    0x03 CLIENT_APP_SINGLE ClientAppSingle(AppSingle);
    0x04 CLIENT_APP_LIST ClientAppList(AppList);
    0x05 CLIENT_ECHO ClientEcho(ClientEcho);
    0x06 SERVER_CONNECT_REJECT ServerConnectReject(ServerConnectReject);
    0x07 SERVER_CONNECT_ACCEPT_TCP ServerConnectAcceptTcp(ServerConnectAcceptTcp);
    0x08 SERVER_CONNECT_NOTIFY ServerConnectNotify(ServerConnectNotify);
    0x09 SERVER_DISCONNECT_NOTIFY ServerDisconnectNotify(ServerDisconnectNotify);
    0x0a SERVER_APP ServerApp(App);
    0x0b CLIENT_APP_TOSERVER ClientAppToServer(App);
    0x0c UDP_APP;
    0x0d CLIENT_SET_RECV_FLAG ClientSetRecvFlag(ClientSetRecvFlag);
    0x0e CLIENT_SET_AGG_TIME ClientSetAggTime(ClientSetAggTime);
    0x0f CLIENT_FLUSH_ALL ClientFlushAll(NoBody);
    0x10 CLIENT_FLUSH_SINGLE ClientFlushSingle(ClientFlushSingle);
    0x11 SERVER_FORCED_DISCONNECT ServerForcedDisconnect(ServerForcedDisconnect);
    0x12 CLIENT_CRYPTKEY_PUBLIC ClientCryptKeyPublic(CryptKey);
    0x13 SERVER_CRYPTKEY_PEER ServerCryptKeyPeer(CryptKey);
    0x14 SERVER_CRYPTKEY_GAME ServerCryptKeyGame(CryptKey);
    0x15 CLIENT_CONNECT_TCP_AUX_UDP ClientConnectTcpAuxUdp(ClientConnectTcp);
    0x16 CLIENT_CONNECT_AUX_UDP ClientConnectAuxUdp(ClientConnectAuxUdp);
    0x17 CLIENT_CONNECT_READY_AUX_UDP ClientConnectReadyAuxUdp(NoBody);
    0x18 SERVER_INFO_AUX_UDP ServerInfoAuxUdp(ServerInfoAuxUdp);
    0x19 SERVER_CONNECT_ACCEPT_AUX_UDP ServerConnectAcceptAuxUdp(ServerConnectAcceptAuxUdp);
    0x1a SERVER_CONNECT_COMPLETE ServerConnectComplete(ServerConnectComplete);
    0x1b CLIENT_CRYPTKEY_PEER;
    0x1c SERVER_SYSTEM_MESSAGE ServerSystemMessage(ServerSystemMessage);
    0x1d SERVER_CHEAT_QUERY ServerCheatQuery(CheatQuery);
    0x1e SERVER_MEMORY_POKE ServerMemoryPoke(ServerMemoryPoke);
    0x1f SERVER_ECHO ServerEcho(ServerEcho);
    0x20 CLIENT_DISCONNECT_WITH_REASON ClientDisconnectWithReason(ClientDisconnectWithReason);
    0x21 CLIENT_CONNECT_READY_TCP ClientConnectReadyTcp(ClientConnectReadyTcp);
    0x22 SERVER_CONNECT_REQUIRE ServerConnectRequire(ServerConnectRequire);
    0x23 CLIENT_CONNECT_READY_REQUIRE ClientConnectReadyRequire(ClientConnectReadyRequire);
    0x24 CLIENT_HELLO ClientHello(ClientHello);
    0x25 SERVER_HELLO ServerHello(ServerHello);
    0x26 SERVER_STARTUP_INFO_NOTIFY ServerStartupInfoNotify(ServerStartupInfoNotify);
    0x27 CLIENT_PEER_QUERY;
    0x28 SERVER_PEER_QUERY_NOTIFY;
    0x29 CLIENT_PEER_QUERY_LIST;
    0x2a SERVER_PEER_QUERY_LIST_NOTIFY;
    0x2b CLIENT_WALLCLOCK_QUERY;
    0x2c SERVER_WALLCLOCK_QUERY_NOTIFY;
    0x2d CLIENT_TIMEBASE_QUERY ClientTimebaseQuery(ClientTimebaseQuery);
    0x2e SERVER_TIMEBASE_QUERY_NOTIFY ServerTimebaseQueryNotify(ServerTimebaseQueryNotify);
    0x2f CLIENT_TOKEN_MESSAGE ClientTokenMessage(ClientTokenMessage);
    0x30 SERVER_TOKEN_MESSAGE ServerTokenMessage(ServerTokenMessage);
    0x31 CLIENT_SYSTEM_MESSAGE;
    0x32 CLIENT_APP_BROADCAST_QOS;
    0x33 CLIENT_APP_SINGLE_QOS;
    0x34 CLIENT_APP_LIST_QOS;
    0x35 CLIENT_MAX_MSGLEN;
    0x36 SERVER_MAX_MSGLEN;
    0x37 CLIENT_JOIN_GROUP;
    0x38 CLIENT_LEAVE_GROUP;
    0x39 CLIENT_JOIN_GROUP_LIST;
    0x3a CLIENT_LEAVE_GROUP_LIST;
    0x3b CLIENT_MULTI_APP_TOSERVER ClientMultiAppToServer(MultiApp);
    0x3c SERVER_MULTI_APP_TOCLIENT ServerMultiAppToClient(MultiApp);
    0x3d CLIENT_APP_TO_PLUGIN ClientAppToPlugin(ClientAppToPlugin);
    0x3e SERVER_PLUGIN_TO_APP ServerPluginToApp(ServerPluginToApp);
    0x3f CLIENT_AGGREGATE_MESSAGE;
    0x40 SERVER_AGGREGATE_MESSAGE;
}

impl RtId {
    /// Name without `RT_MSG_`, if the id is one of the SDK's.
    pub fn name(self) -> Option<&'static str> {
        Self::NAMES.iter().find(|(id, _)| *id == self).map(|(_, name)| *name)
    }
}

impl core::fmt::Debug for RtId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

impl core::fmt::Display for RtId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#04x}", self.0),
        }
    }
}

impl RtMessage {
    /// Decodes the plain body of a frame.
    pub fn decode(id: RtId, body: &[u8], d: &Dialect) -> Result<Self, DecodeError> {
        Self::decode_with(id, &mut Reader::new(id.name().unwrap_or("RT message"), body), d)
    }

    /// As [`RtMessage::decode`], and tells where each field was and how many bytes were left over.
    pub fn decode_traced(id: RtId, body: &[u8], d: &Dialect) -> Result<(Self, Trace, usize), DecodeError> {
        let mut r = Reader::traced(id.name().unwrap_or("RT message"), body);
        let message = Self::decode_with(id, &mut r, d)?;
        let surplus = r.remaining();
        Ok((message, r.into_trace().unwrap_or_default(), surplus))
    }

    /// The plain body.
    pub fn to_body(&self, d: &Dialect) -> Vec<u8> {
        let mut w = Writer::new();
        self.encode(&mut w, d);
        w.into_bytes()
    }
}
