//! Every message that a client or a game server can send: how one is filled, and what may answer it.

use medley_server::REGISTRY;
use medley_server::handlers::{Failure, HandlerInfo};
use medley_wire::codec::{Reader, Wire as _};
use medley_wire::enums::NetMessageClass;
use medley_wire::messages::{self, Direction, MessageInfo, StatusResponse_0};
use medley_wire::{AnyMessage, AppId, Dialect};
use serde_json::Value;

/// An answer that no declaration names.
#[derive(Clone, Copy, Debug)]
enum Undeclared {
    /// A message that several requests share, or one of several of the same request.
    Named(&'static str),
    /// The generic StatusResponse, under this class and id (servers.md 1, rule 11).
    Status(NetMessageClass, u32),
    /// The layout of this message, under this class and id.
    Like(NetMessageClass, u32, &'static str),
}

/// Requests whose answers the declarations do not tell, or not all of them.
const UNDECLARED: &[(&str, &[Undeclared])] = {
    use Undeclared::{Like, Named, Status};
    const ON_ME: &[Undeclared] = &[Named("MediusServerCreateGameOnMeResponse")];
    &[
        ("MediusTokenRequest", &[Status(NetMessageClass::LOBBY_EXT, 41)]),
        ("MediusSetMessageAsReadRequest", &[Status(NetMessageClass::LOBBY, 0xc7)]),
        ("MediusNpIdPostRequest", &[Status(NetMessageClass::LOBBY_EXT, 0x6e)]),
        ("MediusClanRenameRequest", &[Status(NetMessageClass::LOBBY_EXT, 0x7d)]),
        ("MediusAddAliasRequest", &[Status(NetMessageClass::LOBBY_EXT, 0x4f)]),
        ("MediusGroupJoinChannelRequest", &[Status(NetMessageClass::LOBBY_EXT, 0x91)]),
        ("MediusUtilAddLobbyWorldRequest", &[Status(NetMessageClass::LOBBY, 0xf6)]),
        ("MediusMatchCancelRequest", &[Status(NetMessageClass::LOBBY_EXT, 0x93)]),
        ("MediusServerCreateGameOnSelfRequest", ON_ME),
        ("MediusServerCreateGameOnSelfRequest0", ON_ME),
        // The declared one is the client's, with the bytes that this one asks for; behind it the next are asked for.
        ("MediusFileUploadRequest", &[Named("MediusFileUploadServerRequest")]),
        ("MediusFileUploadResponse", &[Named("MediusFileUploadServerRequest")]),
        (
            "MediusFileUpdateAuxMetaDataRequest",
            &[Like(NetMessageClass::LOBBY_EXT, 71, "MediusFileUpdateMetaDataResponse")],
        ),
        ("MediusInvitePlayerToClan_ByNameRequest", &[Named("MediusInvitePlayerToClanResponse")]),
        // servers.md 5: by what the request's mask asks for.
        (
            "MediusGetUniverseInformationRequest",
            &[
                Named("MediusUniverseStatusListResponse"),
                Named("MediusUniverseVariableInformationResponse"),
                Named("MediusUniverseSvoURLResponse"),
                Named("MediusUniverseNewsResponse"),
            ],
        ),
        (
            "MediusGetUniverse_ExtraInfoRequest",
            &[
                Named("MediusUniverseStatusList_ExtraInfoResponse"),
                Named("MediusUniverseSvoURLResponse"),
                Named("MediusUniverseNewsResponse"),
            ],
        ),
        // It comes back with the id that the game has now.
        ("MediusReassignGameMediusWorldID", &[Named("MediusReassignGameMediusWorldID")]),
    ]
};

/// Every message that is not a server's alone.
pub fn all() -> impl Iterator<Item = &'static MessageInfo> {
    messages::ALL.iter().copied().filter(|info| info.direction != Direction::ServerToClient)
}

/// Those that travel to a server as they are. Class Application is carried by the plugin transport; a fragment is a part of
/// another message.
pub fn to_servers() -> impl Iterator<Item = &'static MessageInfo> {
    all().filter(|info| info.class != NetMessageClass::APPLICATION && info.name != "DmePacketFragment")
}

/// Its row of the table of handlers.
#[must_use]
pub fn row(info: &MessageInfo) -> Option<&'static HandlerInfo> {
    REGISTRY.iter().find(|row| row.message.class == info.class && row.message.id == info.id)
}

/// Whether the message is never answered.
#[must_use]
pub fn is_silent(info: &MessageInfo) -> bool {
    row(info).is_some_and(|row| row.failure == Failure::Silent)
}

fn undeclared(info: &MessageInfo) -> Option<&'static [Undeclared]> {
    UNDECLARED.iter().find(|(name, _)| *name == info.name).map(|(_, answers)| *answers)
}

/// What came (class, id, body) as the answer of `request` that it is; `None` if it is none.
#[must_use]
pub fn as_answer(request: &MessageInfo, payload: &[u8], dialect: &Dialect) -> Option<AnyMessage> {
    let message = AnyMessage::decode(payload, dialect).ok()?;
    if request.answer == Some(message.name()) {
        return Some(message);
    }
    let known = undeclared(request)?;
    if known.iter().any(|known| matches!(known, Undeclared::Named(name) if *name == message.name())) {
        return Some(message);
    }
    for known in known {
        if let Undeclared::Like(class, id, like) = known
            && (message.class(), message.id()) == (*class, *id)
        {
            let like = messages::ALL.iter().find(|info| info.name == *like)?;
            let mut payload = payload.to_vec();
            payload[..2].copy_from_slice(&[like.class.0, u8::try_from(like.id).ok()?]);
            return AnyMessage::decode(&payload, dialect).ok();
        }
    }
    let generic = |known: &Undeclared| matches!(known, Undeclared::Status(class, id) if (message.class(), message.id()) == (*class, *id));
    let body = payload.get(2..).filter(|_| known.iter().any(generic))?;
    let mut body = Reader::new("generic StatusResponse", body);
    let status = StatusResponse_0::decode(&mut body, dialect).ok()?;
    Some(AnyMessage::from(status)).filter(|_| body.remaining() == 0)
}

/// Whether answers of a request may be of several kinds, each closed by itself.
#[must_use]
pub fn is_mixed(request: &MessageInfo) -> bool {
    undeclared(request).is_some_and(|answers| answers.len() > 1)
}

/// Whether a row of an answer is its last.
#[must_use]
pub fn is_last(message: &AnyMessage) -> bool {
    let fields = message.to_json();
    let end = fields.get("EndOfList").or_else(|| fields.get("EndOfText"));
    end.is_none_or(|end| end == true)
}

/// What a plausible request is about.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The sender's title.
    pub app: AppId,
    /// The sender's session.
    pub session_key: String,
    /// Account and name of another player.
    pub other: (i32, String),
    /// A channel.
    pub channel: i32,
    /// A game.
    pub game: i32,
    /// A clan.
    pub clan: i32,
}

/// The message with every field as a title would fill it, as far as a field's name tells. `None` for a name that the
/// wire does not know.
///
/// # Errors
/// A filled field that its type does not take.
pub fn filled(
    info: &MessageInfo,
    subject: &Subject,
) -> Option<Result<AnyMessage, medley_wire::json::JsonError>> {
    let mut fields = AnyMessage::empty(info.name)?.to_json();
    fill(info.name, "", &mut fields, subject);
    Some(AnyMessage::from_json(info.name, fields))
}

fn fill(message: &str, key: &str, value: &mut Value, subject: &Subject) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                fill(message, key, value, subject);
            }
        }
        Value::String(text) if !text.starts_with("hex:") => {
            *text = match key {
                "SessionKey" | "ServerSessionKey" => subject.session_key.clone(),
                "Username" | "Name" | "AccountName" | "PlayerName" | "NewLeaderAccountName" => {
                    subject.other.1.clone()
                }
                "Password" | "OldPassword" | "NewPassword" => "secret".to_owned(),
                _ if key.ends_with("Password") || key == "AccessKey" || key == "MessageID" => return,
                // An address.
                _ if text.parse::<std::net::Ipv4Addr>().is_ok() => return,
                _ => "Arena".to_owned(),
            }
        }
        Value::Number(number) => {
            let told = match key {
                "ApplicationID" => i64::from(subject.app.0),
                "ID" | "TargetID" | "AccountID_or_ClanID" => subject.other.0.into(),
                "ClanID" => subject.clan.into(),
                "WorldID" | "MediusLobbyWorldID" => subject.channel.into(),
                "MediusWorldID" if message.contains("Lobby") || message.contains("Channel") => {
                    subject.channel.into()
                }
                _ if key.contains("WorldID") => subject.game.into(),
                _ if key.ends_with("AccountID") => subject.other.0.into(),
                "PageSize" | "NumEntries" | "MaxPlayers" => 8,
                // Of something that is not filled.
                _ if ["Size", "Length", "NumNames", "Num"].iter().any(|end| key.ends_with(end)) => return,
                "StatusCode" | "Confirmation" => return,
                _ => 1,
            };
            *number = told.into();
        }
        _ => {}
    }
}
