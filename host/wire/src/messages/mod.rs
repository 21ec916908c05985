//! Every application message: what travels in CLIENT_APP_TOSERVER and SERVER_APP behind class and id, and, for class
//! Application, in CLIENT_APP_TO_PLUGIN and SERVER_PLUGIN_TO_APP.
//!
//! A message is declared once, as a struct in the file of its class, under its SDK name without `Medius`. Field order
//! is wire order. [`AnyMessage`] is any of them; [`ALL`] is the table of names and ids.

#![allow(
    non_camel_case_types,
    reason = "the SDK's names, so that a name from a capture is found by one search"
)]

#[macro_use]
pub mod dme;
#[macro_use]
pub mod lobby;
#[macro_use]
pub mod application;
#[macro_use]
pub mod lobby_report;
#[macro_use]
pub mod lobby_ext;
pub mod structures;

use serde_json::Value;

use crate::codec::{DecodeError, Dialect, Empty, Reader, Trace, Wire, Writer};
use crate::enums::{CallbackStatus, NetMessageClass};
use crate::json::{JsonError, JsonView};
use crate::types::MessageId;

pub use self::application::*;
pub use self::dme::*;
pub use self::lobby::*;
pub use self::lobby_ext::*;
pub use self::lobby_report::*;
pub use self::structures::*;

/// Who sends a message. For LobbyReport the "client" is the game server or hosting player, the "server" is MPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Client to server.
    ClientToServer,
    /// Server to client.
    ServerToClient,
    /// Either.
    Both,
}

/// One row of the name and id table.
#[derive(Debug, PartialEq, Eq)]
pub struct MessageInfo {
    /// SDK name.
    pub name: &'static str,
    /// Class byte.
    pub class: NetMessageClass,
    /// Id byte; for class Application the 32-bit id of the plugin transport.
    pub id: u32,
    /// Who sends it.
    pub direction: Direction,
    /// SDK name of the message that answers it.
    pub answer: Option<&'static str>,
    /// A row of a list, closed by EndOfList.
    pub list: bool,
}

/// What every message can do. The accessors of fields that a message lacks give nothing and do nothing.
pub trait Message: Wire + JsonView + Default + Into<AnyMessage> {
    /// Name, class, id, direction, answer.
    const INFO: &'static MessageInfo;

    /// Class and id in one number, to be matched against.
    const KEY: u64 = key(Self::INFO.class, Self::INFO.id);

    /// The request's id, to be repeated in its answer.
    fn message_id(&self) -> Option<MessageId> {
        None
    }

    /// Repeats the request's id.
    fn set_message_id(&mut self, _: MessageId) {}

    /// StatusCode.
    fn status(&self) -> Option<CallbackStatus> {
        None
    }

    /// Sets StatusCode.
    fn set_status(&mut self, _: CallbackStatus) {}

    /// Sets EndOfList (EndOfText for policies).
    fn set_end_of_list(&mut self, _: bool) {}
}

const fn key(class: NetMessageClass, id: u32) -> u64 {
    (class.0 as u64) << 32 | id as u64
}

/// A message that is answered, by exactly this other one.
pub trait Request: Message {
    /// The answer, also of a failure.
    type Answer: Message;

    /// An otherwise empty answer with this request's id and `status`, closed if it is a list.
    fn answer_with(&self, status: CallbackStatus) -> Self::Answer {
        let mut answer = Self::Answer::default();
        if let Some(id) = self.message_id() {
            answer.set_message_id(id);
        }
        answer.set_status(status);
        answer.set_end_of_list(true);
        answer
    }
}

/// A message whose class and id no one has a layout for; kept as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct UnknownMessage {
    /// Class byte.
    pub class: NetMessageClass,
    /// Id.
    pub id: u32,
    /// Everything behind class and id.
    pub body: Vec<u8>,
}

macro_rules! define_any_message {
    ($($module:ident: $($name:ident),*;)*) => {
        /// Any application message, of whatever class.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        #[allow(missing_docs, reason = "each variant is documented at its declaration")]
        pub enum AnyMessage {
            $($($name(Box<$module::$name>),)*)*
            /// No layout known.
            Unknown(UnknownMessage),
        }

        /// Every declared message, in class and id order.
        pub static ALL: &[&MessageInfo] = &[$($($module::$name::INFO,)*)*];

        impl AnyMessage {
            fn decode_body(class: NetMessageClass, id: u32, body: &[u8], d: &Dialect, traced: bool) -> Result<(Self, Decoded), DecodeError> {
                match key(class, id) {
                    $($($module::$name::KEY => decode_one::<$module::$name>(body, d, traced),)*)*
                    _ => {
                        let unknown = UnknownMessage { class, id, body: body.to_vec() };
                        Ok((Self::Unknown(unknown), Decoded { surplus: 0, trace: traced.then(Trace::default) }))
                    }
                }
            }

            fn encode_body(&self, w: &mut Writer, d: &Dialect) {
                match self {
                    $($(Self::$name(message) => message.encode(w, d),)*)*
                    Self::Unknown(unknown) => w.put(&unknown.body),
                }
            }

            /// Name, class, id, direction and answer; `None` for a message without a layout.
            pub fn info(&self) -> Option<&'static MessageInfo> {
                match self {
                    $($(Self::$name(_) => Some($module::$name::INFO),)*)*
                    Self::Unknown(_) => None,
                }
            }

            /// The request's id, if the message has one.
            pub fn message_id(&self) -> Option<MessageId> {
                match self {
                    $($(Self::$name(message) => message.message_id(),)*)*
                    Self::Unknown(_) => None,
                }
            }

            /// StatusCode, if the message has one.
            pub fn status(&self) -> Option<CallbackStatus> {
                match self {
                    $($(Self::$name(message) => message.status(),)*)*
                    Self::Unknown(_) => None,
                }
            }

            /// Repeats a request's id, if the message has a place for it.
            pub fn set_message_id(&mut self, id: MessageId) {
                match self {
                    $($(Self::$name(message) => message.set_message_id(id),)*)*
                    Self::Unknown(_) => {}
                }
            }

            /// Sets StatusCode, if the message has one.
            pub fn set_status(&mut self, status: CallbackStatus) {
                match self {
                    $($(Self::$name(message) => message.set_status(status),)*)*
                    Self::Unknown(_) => {}
                }
            }

            /// Sets EndOfList (EndOfText for policies), if the message has one.
            pub fn set_end_of_list(&mut self, end: bool) {
                match self {
                    $($(Self::$name(message) => message.set_end_of_list(end),)*)*
                    Self::Unknown(_) => {}
                }
            }

            /// The fields as JSON.
            pub fn to_json(&self) -> Value {
                match self {
                    $($(Self::$name(message) => message.to_json().unwrap_or_default(),)*)*
                    Self::Unknown(unknown) => serde_json::json!({ "Body": format!("hex:{}", hex::encode(&unknown.body)) }),
                }
            }

            /// The message `name` (SDK name, with or without `Medius`) of these fields.
            pub fn from_json(name: &str, fields: Value) -> Result<Self, JsonError> {
                $($(
                    if name == $module::$name::INFO.name || name == stringify!($name) {
                        return $module::$name::from_json(Some(fields)).map(Into::into);
                    }
                )*)*
                Err(JsonError { path: String::new(), wanted: "the SDK name of a message".into(), found: name.into() })
            }

            /// The empty message of this name, as [`Default`] makes it.
            pub fn empty(name: &str) -> Option<Self> {
                $($(
                    if name == $module::$name::INFO.name {
                        return Some($module::$name::default().into());
                    }
                )*)*
                None
            }
        }

        $($(
            impl From<$module::$name> for AnyMessage {
                fn from(message: $module::$name) -> Self {
                    Self::$name(Box::new(message))
                }
            }
        )*)*
    };
}

macro_rules! then_lobby { ($($before:tt)*) => { lobby_messages! { then_application, $($before)* } }; }
macro_rules! then_application { ($($before:tt)*) => { application_messages! { then_lobby_report, $($before)* } }; }
macro_rules! then_lobby_report { ($($before:tt)*) => { lobby_report_messages! { then_lobby_ext, $($before)* } }; }
macro_rules! then_lobby_ext { ($($before:tt)*) => { lobby_ext_messages! { define_any_message, $($before)* } }; }
dme_messages! { then_lobby, }

/// What decoding found besides the fields.
#[derive(Clone, Debug, Default)]
pub struct Decoded {
    /// Bytes behind the last field. Ignored: some senders append a few.
    pub surplus: usize,
    /// Where the fields were, if asked for.
    pub trace: Option<Trace>,
}

// Not inlined: some messages have 4 KB, and all of them would share one stack frame.
#[inline(never)]
fn decode_one<M: Message>(
    body: &[u8],
    d: &Dialect,
    traced: bool,
) -> Result<(AnyMessage, Decoded), DecodeError> {
    let name = M::INFO.name;
    let mut r = if traced { Reader::traced(name, body) } else { Reader::new(name, body) };
    let message = M::decode(&mut r, d)?;
    let surplus = r.remaining();
    Ok((message.into(), Decoded { surplus, trace: r.into_trace() }))
}

impl AnyMessage {
    /// Decodes an APP payload: class, id, body.
    pub fn decode(payload: &[u8], d: &Dialect) -> Result<Self, DecodeError> {
        Self::decode_inner(payload, d, false).map(|(message, _)| message)
    }

    /// As [`AnyMessage::decode`], and tells where each field was. Offsets count from the first byte behind class and id.
    pub fn decode_traced(payload: &[u8], d: &Dialect) -> Result<(Self, Decoded), DecodeError> {
        Self::decode_inner(payload, d, true)
    }

    fn decode_inner(payload: &[u8], d: &Dialect, traced: bool) -> Result<(Self, Decoded), DecodeError> {
        let mut head = Reader::new("APP payload", payload);
        head.at("class and id");
        let [class, id] = head.array()?;
        let class = NetMessageClass(class);
        if class == NetMessageClass::APPLICATION {
            // Ids of this class have 32 bits and travel elsewhere; one that comes here is not one of them.
            let unknown = UnknownMessage { class, id: id.into(), body: payload[2..].to_vec() };
            return Ok((Self::Unknown(unknown), Decoded::default()));
        }
        Self::decode_body(class, id.into(), &payload[2..], d, traced)
    }

    /// Decodes a plugin message: the body of `id` as CLIENT_APP_TO_PLUGIN or SERVER_PLUGIN_TO_APP carries it.
    pub fn decode_plugin(id: u32, body: &[u8], d: &Dialect) -> Result<Self, DecodeError> {
        Self::decode_body(NetMessageClass::APPLICATION, id, body, d, false).map(|(message, _)| message)
    }

    /// Appends the APP payload: class, id, body.
    pub fn encode_onto(&self, output: Vec<u8>, d: &Dialect) -> Vec<u8> {
        let mut w = Writer::onto(output);
        w.put(&[self.class().0, self.id() as u8]);
        self.encode_body(&mut w, d);
        w.into_bytes()
    }

    /// The APP payload: class, id, body.
    pub fn encode(&self, d: &Dialect) -> Vec<u8> {
        self.encode_onto(Vec::new(), d)
    }

    /// The body alone.
    pub fn encode_plugin(&self, d: &Dialect) -> Vec<u8> {
        let mut w = Writer::new();
        self.encode_body(&mut w, d);
        w.into_bytes()
    }

    /// As [`Request::answer_with`], for whatever message this is; `None` if nothing is declared to answer it.
    pub fn answer_with(&self, status: CallbackStatus) -> Option<Self> {
        let mut answer = Self::empty(self.info()?.answer?)?;
        if let Some(id) = self.message_id() {
            answer.set_message_id(id);
        }
        answer.set_status(status);
        answer.set_end_of_list(true);
        Some(answer)
    }

    /// Class byte.
    pub fn class(&self) -> NetMessageClass {
        match self {
            Self::Unknown(unknown) => unknown.class,
            known => known.info().map_or(NetMessageClass(0), |info| info.class),
        }
    }

    /// Id.
    pub fn id(&self) -> u32 {
        match self {
            Self::Unknown(unknown) => unknown.id,
            known => known.info().map_or(0, |info| info.id),
        }
    }

    /// SDK name, or `Unknown`.
    pub fn name(&self) -> &'static str {
        self.info().map_or("Unknown", |info| info.name)
    }
}

/// The table row of a class and id.
pub fn info(class: NetMessageClass, id: u32) -> Option<&'static MessageInfo> {
    ALL.iter().copied().find(|info| info.class == class && info.id == id)
}

impl Empty for AnyMessage {
    fn empty() -> Self {
        Self::Unknown(UnknownMessage { class: NetMessageClass(0), id: 0, body: Vec::new() })
    }
}
