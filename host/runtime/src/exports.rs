//! The functions of a component that the host calls, each optional.

use wasmtime::Store;
use wasmtime::component::{Component, ComponentExportIndex, Instance, TypedFunc};

use crate::api::*;
use crate::bindings::exports::medley::plugin::{lobby, manifest, messages, relay, stats};
use crate::hook::{Hook, Interface};
use crate::instance::State;
use crate::interface::Names;

type Said = Result<(), String>;

macro_rules! exports {
    ($($interface:literal { $($field:ident = $name:literal: ($($argument:ty),*) -> ($($answer:ty)?);)* })*) => {
        /// Where the functions are in the component.
        #[derive(Clone, Default)]
        pub(crate) struct Indices { $($( $field: Option<ComponentExportIndex>, )*)* }

        /// The functions of an instance.
        #[derive(Default)]
        pub(crate) struct Exports { $($( pub(crate) $field: Option<TypedFunc<($($argument,)*), ($($answer,)?)>>, )*)* }

        impl Indices {
            pub(crate) fn find(component: &Component, names: &Names) -> Self {
                let mut found = Self::default();
                $(
                    let instance = names.export($interface).and_then(|name| component.get_export_index(None, name));
                    if let Some(instance) = instance {
                        $( found.$field = component.get_export_index(Some(&instance), $name); )*
                    }
                )*
                found
            }

            /// Looks the functions of an instance up and checks their types; the error has the function's name.
            pub(crate) fn load(
                &self,
                store: &mut Store<State>,
                instance: &Instance,
            ) -> Result<Exports, (&'static str, wasmtime::Error)> {
                let mut exports = Exports::default();
                $($(
                    if let Some(index) = &self.$field {
                        let function = instance.get_typed_func(&mut *store, index);
                        exports.$field = Some(function.map_err(|error| (concat!($interface, ".", $name), error))?);
                    }
                )*)*
                Ok(exports)
            }

            fn has(&self, function: &str) -> bool {
                match function {
                    $($( concat!($interface, ".", $name) => self.$field.is_some(), )*)*
                    _ => false,
                }
            }
        }
    };
}

exports! {
    "manifest" {
        describe = "describe": () -> (Description);
        settings = "settings": () -> (Vec<Setting>);
        subscriptions = "subscriptions": () -> (Vec<manifest::Subscription>);
        capabilities = "capabilities": () -> (Vec<Capability>);
    }
    "lifecycle" {
        start = "start": (u8) -> (Said);
        save = "save": () -> (Vec<u8>);
        restore = "restore": (&'static [u8]) -> (Said);
        self_check = "self-check": () -> (Said);
        stop = "stop": () -> ();
    }
    "lobby" {
        session_begin = "session-begin": (Who, SessionBeginRequest) -> (lobby::SessionVerdict);
        login = "login": (Who, &'static LoginRequest) -> (lobby::LoginVerdict);
        registration = "registration": (Who, &'static RegistrationRequest) -> (lobby::RegistrationVerdict);
        logout = "logout": (Who) -> (lobby::Verdict);
        create_channel = "create-channel": (Who, &'static CreateChannelRequest) -> (lobby::CreateChannelVerdict);
        join_channel = "join-channel": (Who, &'static JoinChannelRequest) -> (lobby::JoinChannelVerdict);
        create_game = "create-game": (Who, &'static CreateGameRequest) -> (lobby::CreateGameVerdict);
        join_game = "join-game": (Who, &'static JoinGameRequest) -> (lobby::JoinGameVerdict);
        join_answer = "join-answer": (Who, &'static JoinGameAnswer) -> (lobby::JoinAnswerVerdict);
        end_game = "end-game": (Who, &'static EndGameReport) -> (lobby::EndGameVerdict);
        world_report = "world-report": (Who, &'static WorldStatusReport) -> (lobby::WorldReportVerdict);
        player_report = "player-report": (Who, &'static PlayerStatsReport) -> (lobby::PlayerReportVerdict);
        chat = "chat": (Who, &'static ChatLine) -> (lobby::ChatVerdict);
        find_player = "find-player": (Who, &'static FindPlayerRequest) -> (lobby::FindPlayerVerdict);
        texts = "texts": (Who, u8) -> (lobby::TextsVerdict);
        filter_text = "filter-text": (Who, u8, &'static [u8]) -> (lobby::TextVerdict);
        hidden = "hidden": (Who, u8, &'static [i32]) -> (Vec<i32>);
    }
    "stats" {
        update_blob = "update-blob": (Who, ClanId, &'static [u8]) -> (stats::BlobVerdict);
        update_ladder = "update-ladder": (Who, &'static LadderStats) -> (stats::LadderVerdict);
        told_ladder = "told-ladder": (Who, &'static LadderStats) -> (Vec<i32>);
    }
    "messages" {
        incoming = "incoming": (Who, &'static Message) -> (messages::MessageVerdict);
        outgoing = "outgoing": (Who, &'static Message) -> (messages::MessageVerdict);
        rt_incoming = "rt-incoming": (Who, u8, &'static [u8]) -> (messages::RtVerdict);
        rt_outgoing = "rt-outgoing": (Who, u8, &'static [u8]) -> (messages::RtVerdict);
    }
    "relay" {
        joined = "joined": (&'static Seat) -> ();
        left = "left": (u32, u16) -> ();
        packets = "packets": (&'static [Packet]) -> (Vec<(u32, relay::PacketVerdict)>);
    }
    "timers-fired" {
        fired = "fired": (u64) -> ();
    }
    "commands" {
        run = "run": (&'static str, &'static [String]) -> (Result<String, String>);
    }
    "events" {
        happened = "happened": (&'static Event) -> ();
    }
    "answers" {
        cheat_reply = "cheat-reply": (Who, u8, u32, &'static [u8]) -> ();
        bulk_done = "bulk-done": (u64, u8) -> ();
        http_done = "http-done": (u64, Result<&'static HttpResponse, &'static str>) -> ();
    }
}

impl Indices {
    /// The function that a subscribed hook needs, if the component does not have it.
    pub(crate) fn missing(&self, hook: Hook) -> Option<String> {
        let interface = match hook.interface() {
            Interface::Lobby => "lobby",
            Interface::Stats => "stats",
            Interface::Messages => "messages",
            Interface::Relay => "relay",
            Interface::Events => return self.lacks("events.happened".to_owned()),
            Interface::Own => return None,
        };
        self.lacks(format!("{interface}.{}", hook.name()))
    }

    /// `commands.run`, if the component does not have it.
    pub(crate) fn missing_command(&self) -> Option<String> {
        self.lacks("commands.run".to_owned())
    }

    /// The manifest's functions that the component does not have; all are needed.
    pub(crate) fn missing_manifest(&self) -> Option<String> {
        ["describe", "settings", "subscriptions", "capabilities"]
            .iter()
            .find_map(|function| self.lacks(format!("manifest.{function}")))
    }

    fn lacks(&self, function: String) -> Option<String> {
        (!self.has(&function)).then_some(function)
    }
}
