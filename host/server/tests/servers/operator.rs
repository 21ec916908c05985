//! What operators do to a running host: bans, maintenance, kicks, texts, reload, the end.

use std::time::Duration;

use medley_server::Event;
use medley_session::ServerKind;
use medley_store::{BanScope, BanSubject, NewBan};
use medley_titles::HostConfig;
use medley_wire::AccountId;
use medley_wire::enums::DnasCategory;
use medley_wire::messages::*;

use crate::kit::*;

fn ban(subject: BanSubject) -> NewBan {
    NewBan { scope: BanScope::Host, subject, reason: "test".into(), created: 1, expires: None }
}

#[tokio::test]
async fn a_banned_address_is_told_so_and_closed() {
    let host = Host::start().await;
    let loopback = ban(BanSubject::Network("127.0.0.0/8".parse().unwrap()));
    host.store.write(move |store| store.add_ban(&loopback)).await.unwrap();
    let mut mas = Console::connect(&host, UYA, ServerKind::Mas).await;
    assert_eq!(mas.until_closed().await, [Seen::System("You have been banned!".to_owned()), Seen::Forced(7)]);
    host.counted(Event::RefusedBanned, 1).await;
}

#[tokio::test]
async fn maintenance_turns_players_away_but_for_exempt_addresses() {
    let mut config = HostConfig::ephemeral();
    config.maintenance.enabled = true;
    config.maintenance.message = "Back at nine.".to_owned();
    let host = Host::with(config.clone(), titles(&[])).await;
    let mut mas = Console::connect(&host, DEADLOCKED, ServerKind::Mas).await;
    assert_eq!(mas.until_closed().await, [Seen::System("Back at nine.".to_owned()), Seen::Forced(7)]);
    host.counted(Event::RefusedMaintenance, 1).await;
    config.maintenance.exempt = vec!["127.0.0.1".parse().unwrap()];
    host.handle.reload_config(config).await;
    Console::connect(&host, DEADLOCKED, ServerKind::Mas).await.begin().await;
}

#[tokio::test]
async fn a_ban_puts_the_player_out_while_online() {
    let host = Host::start().await;
    let account = host.account("uya", "Badger41", "secret").await;
    let mut mls = Console::in_lobby(&host, UYA, "Badger41", "secret").await;
    let row = ban(BanSubject::Account(account.id));
    host.store.write(move |store| store.add_ban(&row)).await.unwrap();
    host.handle.check_bans().await;
    assert_eq!(mls.until_closed().await, [Seen::System("You have been banned!".to_owned()), Seen::Forced(7)]);
    host.counted(Event::ClosedByTitle, 1).await;
}

#[tokio::test]
async fn a_ban_of_the_machine_puts_the_player_out_while_online() {
    let host = Host::start().await;
    host.account("uya", "Badger41", "secret").await;
    let mut mas = Console::connect(&host, UYA, ServerKind::Mas).await;
    mas.begin().await;
    let mut signature = DnasSignaturePost {
        dnas_signature_type: DnasCategory::CONSOLE_ID,
        dnas_signature_length: 8,
        ..Default::default()
    };
    signature.dnas_signature.0[..8].copy_from_slice(b"console1");
    mas.send(signature).await;
    let info = mas.login("Badger41", "secret").await.connect_info;
    let mut mls = Console::follow(&host, UYA, ServerKind::Mls, &info).await;
    assert_eq!(host.handle.check_bans().await, 0);
    let row = ban(BanSubject::Machine(b"console1".to_vec()));
    host.store.write(move |store| store.add_ban(&row)).await.unwrap();
    assert_eq!(host.handle.check_bans().await, 1);
    assert_eq!(mls.until_closed().await, [Seen::System("You have been banned!".to_owned()), Seen::Forced(7)]);
}

#[tokio::test]
async fn a_kick_and_an_announcement_reach_the_player() {
    let host = Host::start().await;
    let account = host.account("uya", "Badger41", "secret").await;
    let mut mls = Console::in_lobby(&host, UYA, "Badger41", "secret").await;
    host.handle.announce(Some("uya"), "Hello.").await;
    assert_eq!(mls.next().await, Seen::System("Hello.".to_owned()));
    assert!(host.handle.kick("uya", AccountId(account.id.get()), false).await);
    assert_eq!(mls.until_closed().await, [Seen::Forced(3)]);
    assert!(!host.handle.kick("uya", AccountId(account.id.get()), false).await);
}

#[tokio::test]
async fn a_reload_shows_at_once_in_texts_and_channels() {
    let host = Host::start().await;
    let mut mas = Console::connect(&host, UYA, ServerKind::Mas).await;
    mas.begin().await;
    let text = TITLES[0].1.replace("Be kind.", "Be kinder.").replace("Aquatos", "Veldin");
    host.handle.reload_titles(titles(&[("uya", &text)])).await;
    let policy = mas.ask(GetPolicyRequest::default(), of!(GetPolicyResponse)).await;
    assert_eq!(policy.policy, "Be kinder.");
    let location = mas.ask(GetLocationsRequest::default(), of!(GetLocationsResponse)).await;
    assert_eq!(location.location_name, "Veldin");
}

#[tokio::test]
async fn a_changed_client_timeout_holds_for_new_connections() {
    let mut config = HostConfig::ephemeral();
    config.timeouts.client = Duration::from_secs(1);
    let host = Host::with(config.clone(), titles(&[])).await;
    config.timeouts.client = Duration::from_secs(600);
    host.handle.reload_config(config.clone()).await;
    let mut patient = Console::connect(&host, DEADLOCKED, ServerKind::Mas).await;
    patient.begin().await;
    config.timeouts.client = Duration::from_secs(1);
    host.handle.reload_config(config).await;
    let mut hasty = Console::connect(&host, DEADLOCKED, ServerKind::Mas).await;
    hasty.begin().await;
    hasty.until_closed().await;
    host.counted(Event::ClosedIdle, 1).await;
    // Silent for longer, under the value that was in force when it came.
    patient.ask(GetMyIPRequest::default(), of!(GetMyIPResponse)).await;
    assert_eq!(host.handle.count(Event::ClosedIdle), 1);
}

#[tokio::test]
async fn a_stop_tells_everybody_and_ends_in_time() {
    let mut config = HostConfig::ephemeral();
    config.timeouts.farewell = Duration::from_millis(500);
    let host = Host::with(config, titles(&[])).await;
    host.account("uya", "Badger41", "secret").await;
    let mut mls = Console::in_lobby(&host, UYA, "Badger41", "secret").await;
    host.shutdown.cancel();
    assert_eq!(mls.until_closed().await, [Seen::Forced(2)]);
    drop(mls);
    assert!(host.handle.wait().await);
    host.counted(Event::ClosedShutdown, 1).await;
    let refused = tokio::net::TcpStream::connect(host.address(ServerKind::Mas)).await;
    assert!(refused.is_err());
}

/// A defect inside of a title's work loses that title's state and nobody else's.
#[tokio::test]
async fn a_panic_in_one_title_leaves_the_others_alone_and_the_title_begins_anew() {
    let host = Host::start().await;
    host.account("uya", "Badger41", "secret").await;
    host.account("deadlocked", "Badger41", "secret").await;
    let mut lost = Console::in_lobby(&host, UYA, "Badger41", "secret").await;
    let mut kept = Console::in_lobby(&host, DEADLOCKED, "Badger41", "secret").await;
    let title = host.handle.title("uya").unwrap();
    assert!(title.ask(|_| -> () { panic!("a defect") }).await.is_err());
    assert_eq!(lost.until_closed().await, [Seen::Forced(1)]);
    host.counted(Event::ClosedDefect, 1).await;
    kept.ask(GetTotalUsersRequest::default(), of!(GetTotalUsersResponse)).await;
    Console::in_lobby(&host, UYA, "Badger41", "secret").await;
}
