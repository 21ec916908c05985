//! Between the component's exports and a [`Plugin`]: the macro exports what is written, the host calls, this converts.

use crate::bindings::exports::medley::plugin as exported;
use crate::bindings::medley::plugin::types as wit;
use crate::plugin::{Manifest, Plugin};
use crate::types::{Packet, PacketVerdict, Text, Who};

/// What [`plugin`](macro@crate::plugin) registers: a place where the one instance of the plugin lives.
#[doc(hidden)]
pub trait Exported {
    /// The plugin.
    type Plugin: Manifest;

    /// Calls with the instance, which the first call makes.
    fn with<R>(call: impl FnOnce(&mut Self::Plugin) -> R) -> R;
}

/// The instance, made at the first call. A panic is logged before it traps.
#[doc(hidden)]
pub fn first<P: Plugin>() -> P {
    #[cfg(target_family = "wasm")]
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|at| [("at", at as &dyn std::fmt::Display)]);
        crate::host::log::write(
            crate::host::log::Level::Error,
            &panic.to_string(),
            place.as_ref().map_or(&[], |f| f),
        );
    }));
    P::default()
}

impl<E: Exported> exported::manifest::Guest for E {
    fn describe() -> exported::manifest::Description {
        E::Plugin::description()
    }

    fn settings() -> Vec<exported::manifest::Setting> {
        E::Plugin::settings()
    }

    fn subscriptions() -> Vec<exported::manifest::Subscription> {
        E::Plugin::subscriptions()
    }

    fn capabilities() -> Vec<exported::manifest::Capability> {
        E::Plugin::capabilities()
    }
}

impl<E: Exported> exported::lifecycle::Guest for E {
    fn start(role: u8) -> Result<(), String> {
        E::with(|p| p.start(role.into())).map_err(|refusal| refusal.0)
    }

    fn save() -> Vec<u8> {
        E::with(Plugin::save)
    }

    fn restore(state: Vec<u8>) -> Result<(), String> {
        E::with(|p| p.restore(&state)).map_err(|refusal| refusal.0)
    }

    fn self_check() -> Result<(), String> {
        E::with(Plugin::self_check).map_err(|refusal| refusal.0)
    }

    fn stop() {
        E::with(Plugin::stop);
    }
}

/// Hooks that take whom, and maybe one record.
macro_rules! hooks {
    ($($hook:ident($($argument:ident: $wit:ty)?) -> $verdict:ty;)*) => {$(
        fn $hook(who: wit::Who $(, $argument: $wit)?) -> $verdict {
            let who = Who::from(who);
            E::with(|p| p.$hook(&who $(, $argument.into())?)).into()
        }
    )*};
}

impl<E: Exported> exported::lobby::Guest for E {
    hooks! {
        session_begin(request: exported::lobby::SessionBeginRequest) -> exported::lobby::SessionVerdict;
        login(request: exported::lobby::LoginRequest) -> exported::lobby::LoginVerdict;
        registration(request: exported::lobby::RegistrationRequest) -> exported::lobby::RegistrationVerdict;
        logout() -> exported::lobby::Verdict;
        create_channel(request: exported::lobby::CreateChannelRequest) -> exported::lobby::CreateChannelVerdict;
        join_channel(request: exported::lobby::JoinChannelRequest) -> exported::lobby::JoinChannelVerdict;
        create_game(request: exported::lobby::CreateGameRequest) -> exported::lobby::CreateGameVerdict;
        join_game(request: exported::lobby::JoinGameRequest) -> exported::lobby::JoinGameVerdict;
        join_answer(answer: exported::lobby::JoinGameAnswer) -> exported::lobby::JoinAnswerVerdict;
        end_game(report: exported::lobby::EndGameReport) -> exported::lobby::EndGameVerdict;
        world_report(report: exported::lobby::WorldStatusReport) -> exported::lobby::WorldReportVerdict;
        player_report(report: exported::lobby::PlayerStatsReport) -> exported::lobby::PlayerReportVerdict;
        chat(line: exported::lobby::ChatLine) -> exported::lobby::ChatVerdict;
        find_player(request: exported::lobby::FindPlayerRequest) -> exported::lobby::FindPlayerVerdict;
        texts(kind: u8) -> exported::lobby::TextsVerdict;
    }

    fn filter_text(who: wit::Who, kind: u8, text: Vec<u8>) -> exported::lobby::TextVerdict {
        let who = Who::from(who);
        E::with(|p| p.filter_text(&who, kind, Text::new(text))).into()
    }

    fn hidden(who: wit::Who, kind: u8, ids: Vec<i32>) -> Vec<i32> {
        let who = Who::from(who);
        E::with(|p| p.hidden(&who, kind, &ids))
    }
}

impl<E: Exported> exported::stats::Guest for E {
    fn update_blob(who: wit::Who, clan: i32, stats: Vec<u8>) -> exported::stats::BlobVerdict {
        let who = Who::from(who);
        E::with(|p| p.update_blob(&who, clan.into(), stats)).into()
    }

    hooks! {
        update_ladder(stats: exported::stats::LadderStats) -> exported::stats::LadderVerdict;
        told_ladder(stats: exported::stats::LadderStats) -> Vec<i32>;
    }
}

impl<E: Exported> exported::messages::Guest for E {
    hooks! {
        incoming(message: wit::Message) -> exported::messages::MessageVerdict;
        outgoing(message: wit::Message) -> exported::messages::MessageVerdict;
    }

    fn rt_incoming(who: wit::Who, id: u8, body: Vec<u8>) -> exported::messages::RtVerdict {
        let who = Who::from(who);
        E::with(|p| p.rt_incoming(&who, id, body)).into()
    }

    fn rt_outgoing(who: wit::Who, id: u8, body: Vec<u8>) -> exported::messages::RtVerdict {
        let who = Who::from(who);
        E::with(|p| p.rt_outgoing(&who, id, body)).into()
    }
}

impl<E: Exported> exported::relay::Guest for E {
    fn joined(seat: exported::relay::Seat) {
        E::with(|p| p.joined(seat.into()));
    }

    fn left(world: u32, index: u16) {
        E::with(|p| p.left(world, index));
    }

    fn packets(batch: Vec<exported::relay::Packet>) -> Vec<(u32, exported::relay::PacketVerdict)> {
        E::with(|p| {
            let mut verdicts = Vec::new();
            for (place, packet) in (0..).zip(batch) {
                let verdict = match p.packet(&Packet::from(packet)) {
                    PacketVerdict::Pass => continue,
                    PacketVerdict::Replace(payload) => exported::relay::PacketVerdict::Replace(payload),
                    PacketVerdict::Drop => exported::relay::PacketVerdict::Drop,
                };
                verdicts.push((place, verdict));
            }
            verdicts
        })
    }
}

impl<E: Exported> exported::timers_fired::Guest for E {
    fn fired(timer: u64) {
        E::with(|p| p.fired(timer));
    }
}

impl<E: Exported> exported::commands::Guest for E {
    fn run(name: String, arguments: Vec<String>) -> Result<String, String> {
        E::with(|p| p.command(&name, &arguments)).map_err(|refusal| refusal.0)
    }
}

impl<E: Exported> exported::events::Guest for E {
    fn happened(event: exported::events::Event) {
        use exported::events::Event;
        E::with(|p| match event {
            Event::Connected(who) => p.connected(&who.into()),
            Event::Disconnected(who) => p.disconnected(&who.into()),
            Event::AccountCreated(account) => p.account_created(account.into()),
            Event::LoggedIn(event) => p.logged_in(event.session.into(), event.account.into()),
            Event::SessionEnded((event, reason)) => {
                p.session_ended(event.session.into(), event.account.into(), reason);
            }
            Event::EnteredChannel(event) => p.entered_channel(event.session.into(), event.channel.into()),
            Event::ChannelCreated(channel) => p.channel_created(channel.into()),
            Event::ChannelRemoved(channel) => p.channel_removed(channel.into()),
            Event::GameCreated(game) => p.game_created(game.into()),
            Event::GameStatus(change) => p.game_status(change.game.into(), change.from, change.to),
            Event::JoinedGame(event) => p.joined_game(event.session.into(), event.game.into()),
            Event::LeftGame(event) => p.left_game(event.session.into(), event.game.into()),
            Event::HostLeft(event) => p.host_left(event.session.into(), event.game.into()),
            Event::GameRemoved(game) => p.game_removed(game.into()),
            Event::SettingsChanged(names) => {
                crate::settings::changed();
                p.settings_changed(&names);
            }
            Event::Link((from, data)) => p.link(from.into(), &data),
            Event::Other(_) => {}
        });
    }
}

impl<E: Exported> exported::answers::Guest for E {
    fn cheat_reply(who: wit::Who, kind: u8, sequence: u32, data: Vec<u8>) {
        E::with(|p| p.cheat_reply(&who.into(), kind, sequence, &data));
    }

    fn bulk_done(transfer: u64, outcome: u8) {
        E::with(|p| p.bulk_done(transfer, outcome));
    }

    fn http_done(request: u64, response: Result<exported::answers::HttpResponse, String>) {
        E::with(|p| p.http_done(request, response.map(Into::into)));
    }
}
