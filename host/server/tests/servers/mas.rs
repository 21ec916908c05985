//! MAS: the table of servers.md 6.

use medley_session::ServerKind;
use medley_store::{PolicyKind, TitleId};
use medley_wire::enums::{AccessLevelType, CallbackStatus, PolicyType, TextFilterType};
use medley_wire::messages::*;
use medley_wire::types::{Blob, VarText};
use medley_wire::{AnyMessage, AppId, Dialect};

use crate::kit::*;

async fn mas(host: &Host) -> Console {
    let mut mas = Console::connect(host, UYA, ServerKind::Mas).await;
    mas.begin().await;
    mas
}

#[tokio::test]
async fn every_form_of_session_begin_gives_a_decimal_key_and_a_second_one_the_same() {
    let host = Host::start().await;
    let mut console = Console::connect(&host, DEADLOCKED, ServerKind::Mas).await;
    let key = console.begin().await;
    assert!(!key.is_empty() && key.as_bytes().iter().all(u8::is_ascii_digit));
    let extended = ExtendedSessionBeginRequest { message_id: "2".into(), ..Default::default() };
    assert_eq!(console.ask(extended, of!(SessionBeginResponse)).await.session_key, key);
    let newest = SessionBeginRequest1 { message_id: "3".into(), ..Default::default() };
    let answer = console.ask(newest, of!(SessionBeginResponse)).await;
    assert_eq!((answer.session_key, answer.message_id), (key, "3".into()));
}

#[tokio::test]
async fn a_session_ends_by_its_own_key_only() {
    let host = Host::start().await;
    let mut mas = Console::connect(&host, UYA, ServerKind::Mas).await;
    let key = mas.begin().await;
    let wrong = SessionEndRequest { session_key: "1".into(), ..Default::default() };
    let answer = mas.ask(wrong, of!(SessionEndResponse)).await;
    assert_eq!(answer.status_code, CallbackStatus::SESSION_KEY_INVALID);
    let right = SessionEndRequest { session_key: key, ..Default::default() };
    assert_eq!(mas.ask(right, of!(SessionEndResponse)).await.status_code, CallbackStatus::SUCCESS);
}

#[tokio::test]
async fn localization_is_taken_with_an_empty_key_and_refused_with_anothers() {
    let host = Host::start().await;
    let mut mas = mas(&host).await;
    let empty = SetLocalizationParamsRequest::default();
    let answer = mas.ask(empty, of!(SetLocalizationParamsResponse)).await;
    assert_eq!(answer.status_code, CallbackStatus::SUCCESS);
    let other = SetLocalizationParamsRequest1 { session_key: "1".into(), ..Default::default() };
    let answer = mas.ask(other, of!(SetLocalizationParamsResponse)).await;
    assert_eq!(answer.status_code, CallbackStatus::SESSION_KEY_INVALID);
    let newest = SetLocalizationParamsRequest2::default();
    let answer = mas.ask(newest, of!(SetLocalizationParamsResponse)).await;
    assert_eq!(answer.status_code, CallbackStatus::SUCCESS);
}

/// `dl_ps2_full_session`, line 33: asked before the session begins, Sony said nothing, and the login went on.
#[tokio::test]
async fn the_buddy_list_before_a_session_is_not_answered() {
    let host = Host::start().await;
    let mut mas = Console::connect(&host, DEADLOCKED, ServerKind::Mas).await;
    let early = GetBuddyList_ExtraInfoRequest { message_id: "1".into() };
    mas.send(early).await;
    let begin = ExtendedSessionBeginRequest { message_id: "1".into(), ..Default::default() };
    mas.ask(begin, of!(SessionBeginResponse)).await;
}

#[tokio::test]
async fn signatures_and_user_states_are_never_answered() {
    let host = Host::start().await;
    let mut mas = mas(&host).await;
    mas.send(DnasSignaturePost { dnas_signature_length: 32, ..Default::default() }).await;
    mas.send(DnasSignaturePost { dnas_signature_length: 255, ..Default::default() }).await;
    mas.send(MachineSignaturePost::default()).await;
    mas.send(UpdateUserState::default()).await;
    mas.ask(GetMyIPRequest::default(), of!(GetMyIPResponse)).await;
}

#[tokio::test]
async fn totals_before_the_login_are_denied() {
    let host = Host::start().await;
    let mut mas = mas(&host).await;
    let games = mas.ask(GetTotalGamesRequest::default(), of!(GetTotalGamesResponse)).await;
    assert_eq!((games.status_code, games.total), (CallbackStatus::REQUEST_DENIED, 0));
    let channels = mas.ask(GetTotalChannelsRequest::default(), of!(GetTotalChannelsResponse)).await;
    assert_eq!((channels.status_code, channels.total), (CallbackStatus::REQUEST_DENIED, 0));
}

#[tokio::test]
async fn address_time_version_and_locations_are_told() {
    let host = Host::start().await;
    let mut mas = mas(&host).await;
    let ip =
        mas.ask(GetMyIPRequest { message_id: "9".into(), ..Default::default() }, of!(GetMyIPResponse)).await;
    assert_eq!(
        (ip.ip, ip.message_id, ip.status_code),
        ("127.0.0.1".into(), "9".into(), CallbackStatus::SUCCESS)
    );
    let time = mas.ask(GetServerTimeRequest::default(), of!(GetServerTimeResponse)).await;
    assert_eq!(time.local_server_timezone.0, -700);
    assert!(time.gmt_time > 1_600_000_000);
    let version = mas.ask(VersionServerRequest::default(), of!(VersionServerResponse)).await;
    assert_eq!(version.version_server, "Medius Authentication Server Version 3.05.201109161400");
    let location = mas.ask(GetLocationsRequest::default(), of!(GetLocationsResponse)).await;
    assert_eq!((location.location_id, location.location_name), (40, "Aquatos".into()));
    assert!(location.end_of_list.is_set());
    let pick = PickLocationRequest { location_id: 40, ..Default::default() };
    assert_eq!(mas.ask(pick, of!(PickLocationResponse)).await.status_code, CallbackStatus::SUCCESS);
}

#[tokio::test]
async fn a_title_without_locations_has_no_result() {
    let host = Host::start().await;
    let mut mas = Console::connect(&host, DEADLOCKED, ServerKind::Mas).await;
    mas.begin().await;
    let location = mas.ask(GetLocationsRequest::default(), of!(GetLocationsResponse)).await;
    assert_eq!((location.status_code, location.end_of_list.is_set()), (CallbackStatus::NO_RESULT, true));
}

#[tokio::test]
async fn announcements_come_newest_first_and_none_is_no_result() {
    let host = Host::start().await;
    let mut mas = mas(&host).await;
    let none = mas.ask(GetAllAnnouncementsRequest::default(), of!(GetAnnouncementsResponse)).await;
    assert_eq!((none.status_code, none.announcement_id), (CallbackStatus::NO_RESULT, 0));
    assert!(none.end_of_list.is_set() && none.announcement.is_empty());
    for text in ["old", "new"] {
        let title = TitleId::new("uya").unwrap();
        host.store.write(move |store| store.add_announcement(&title, text.as_bytes(), 1)).await.unwrap();
    }
    let first = mas.ask(GetAllAnnouncementsRequest::default(), of!(GetAnnouncementsResponse)).await;
    assert_eq!((first.announcement.as_bytes(), first.end_of_list.is_set()), (&b"new"[..], false));
    let AnyMessage::GetAnnouncementsResponse(second) = mas.next_app().await else { panic!("no second") };
    assert_eq!((second.announcement.as_bytes(), second.end_of_list.is_set()), (&b"old"[..], true));
    let one = mas.ask(GetAnnouncementsRequest::default(), of!(GetAnnouncementsResponse)).await;
    assert_eq!((one.announcement.as_bytes(), one.end_of_list.is_set()), (&b"new"[..], true));
}

#[tokio::test]
async fn a_policy_comes_in_full_rows_of_256_bytes_and_an_empty_one_in_one_row() {
    let host = Host::start().await;
    let mut mas = mas(&host).await;
    let short = mas.ask(GetPolicyRequest::default(), of!(GetPolicyResponse)).await;
    assert_eq!((short.policy, short.end_of_text.is_set()), ("Be kind.".into(), true));
    let privacy = GetPolicyRequest { policy: PolicyType::PRIVACY, ..Default::default() };
    let empty = mas.ask(privacy, of!(GetPolicyResponse)).await;
    assert_eq!((empty.status_code, empty.end_of_text.is_set()), (CallbackStatus::SUCCESS, true));
    assert!(empty.policy.is_empty());
    for (length, rows) in [(256, 1), (257, 2), (512, 2), (1000, 4)] {
        let text: Vec<u8> = (0..length).map(|at: usize| b'a' + (at % 26) as u8).collect();
        let (title, kept) = (TitleId::new("uya").unwrap(), text.clone());
        host.store
            .write(move |store| store.set_policy(&title, PolicyKind::Usage, Some(&kept)))
            .await
            .unwrap();
        mas.send(GetPolicyRequest { message_id: "1".into(), ..Default::default() }).await;
        let mut whole = Vec::new();
        for row in 1..=rows {
            let AnyMessage::GetPolicyResponse(answer) = mas.next_app().await else { panic!("no row") };
            assert_eq!(answer.end_of_text.is_set(), row == rows);
            whole.extend_from_slice(answer.policy.as_bytes());
        }
        assert_eq!(whole, text);
    }
}

#[tokio::test]
async fn registration_makes_an_account_once() {
    let host = Host::start().await;
    let mut mas = mas(&host).await;
    let named = |name: &str| AccountRegistrationRequest {
        account_name: name.into(),
        password: "secret".into(),
        ..Default::default()
    };
    let made = mas.ask(named("Badger41"), of!(AccountRegistrationResponse)).await;
    assert_eq!(made.status_code, CallbackStatus::SUCCESS);
    let again = mas.ask(named("BADGER41"), of!(AccountRegistrationResponse)).await;
    assert_eq!(again.status_code, CallbackStatus::ACCOUNT_ALREADY_EXISTS);
    for bad in ["", "badword", "xdarnx"] {
        let refused = mas.ask(named(bad), of!(AccountRegistrationResponse)).await;
        assert_eq!(refused.status_code, CallbackStatus::FAIL, "{bad}");
    }
    let id = AccountGetIDRequest { account_name: "badger41".into(), ..Default::default() };
    let found = mas.ask(id, of!(AccountGetIDResponse)).await;
    assert_eq!((found.status_code, found.account_id), (CallbackStatus::SUCCESS, made.account_id));
    let nobody = AccountGetIDRequest { account_name: "nobody".into(), ..Default::default() };
    let missing = mas.ask(nobody, of!(AccountGetIDResponse)).await;
    assert_eq!((missing.status_code, missing.account_id.0), (CallbackStatus::ACCOUNT_NOT_FOUND, -1));
    assert_eq!(mas.login("Badger41", "secret").await.status_code, CallbackStatus::SUCCESS);
}

#[tokio::test]
async fn passwords_stats_and_the_account_itself_are_their_owners_to_change() {
    let host = Host::start().await;
    let account = host.account("uya", "Badger41", "secret").await;
    let mut mas = mas(&host).await;
    let before = mas.ask(AccountUpdateStatsRequest::default(), of!(AccountUpdateStatsResponse)).await;
    assert_eq!(before.status_code, CallbackStatus::PLAYER_NOT_PRIVILEGED);
    mas.login("Badger41", "secret").await;

    let stats = AccountUpdateStatsRequest { stats: Blob([7; 256]), ..Default::default() };
    assert_eq!(mas.ask(stats, of!(AccountUpdateStatsResponse)).await.status_code, CallbackStatus::SUCCESS);
    let title = TitleId::new("uya").unwrap();
    let kept = host.store.read(move |store| store.stats(&title, account.id)).await.unwrap();
    assert_eq!(kept.map(|stats| stats.blob), Some([7; 256]));

    let change = |old: &str| AccountUpdatePasswordRequest {
        old_password: old.into(),
        new_password: "fresh".into(),
        ..Default::default()
    };
    let wrong = mas.ask(change("wrong"), of!(AccountUpdatePasswordStatusResponse)).await;
    assert_eq!(wrong.status_code, CallbackStatus::INVALID_PASSWORD);
    let right = mas.ask(change("secret"), of!(AccountUpdatePasswordStatusResponse)).await;
    assert_eq!(right.status_code, CallbackStatus::SUCCESS);

    let delete =
        |password: &str| AccountDeleteRequest { master_password: password.into(), ..Default::default() };
    let wrong = mas.ask(delete("secret"), of!(AccountDeleteResponse)).await;
    assert_eq!(wrong.status_code, CallbackStatus::INVALID_PASSWORD);
    let right = mas.ask(delete("fresh"), of!(AccountDeleteResponse)).await;
    assert_eq!(right.status_code, CallbackStatus::SUCCESS);
    let title = TitleId::new("uya").unwrap();
    let gone = host.store.read(move |store| store.account(&title, account.id)).await.unwrap();
    assert_eq!(gone, None);
}

#[tokio::test]
async fn moderators_have_their_level_and_others_the_lowest() {
    let host = Host::start().await;
    for (name, level) in [("Boss", AccessLevelType::MODERATOR), ("Player", AccessLevelType::DEFAULT)] {
        host.account("uya", name, "x").await;
        let mut mas = mas(&host).await;
        mas.login(name, "x").await;
        let answer = mas.ask(GetAccessLevelInfoRequest::default(), of!(GetAccessLevelInfoResponse)).await;
        assert_eq!((answer.status_code, answer.access_level), (CallbackStatus::SUCCESS, level));
    }
}

#[tokio::test]
async fn the_text_filter_passes_refuses_and_replaces() {
    let host = Host::start().await;
    let mut mas = mas(&host).await;
    let filter = |kind, text: &str| TextFilterRequest {
        text_filter_type: kind,
        text: text.into(),
        ..Default::default()
    };
    let passed = mas.ask(filter(TextFilterType::PASS_FAIL, "Badger41's"), of!(TextFilterResponse)).await;
    assert_eq!((passed.status_code, passed.text), (CallbackStatus::PASS, "Badger41's".into()));
    let refused = mas.ask(filter(TextFilterType::PASS_FAIL, "a badword"), of!(TextFilterResponse)).await;
    assert_eq!(refused.status_code, CallbackStatus::FAIL);
    let replaced = mas.ask(filter(TextFilterType::REPLACE, "oh DARN it"), of!(TextFilterResponse)).await;
    assert_eq!((replaced.status_code, replaced.text), (CallbackStatus::PASS, "oh  it".into()));
}

/// The text behind its length; the NUL counts.
fn filter1(kind: TextFilterType, text: &str) -> TextFilterRequest1 {
    TextFilterRequest1 {
        message_id: "9".into(),
        text_filter: kind,
        text_size: u32::try_from(text.len() + 1).unwrap(),
        text: VarText::new(text),
        ..Default::default()
    }
}

#[tokio::test]
async fn the_later_text_filter_tells_the_length_of_what_it_left() {
    let host = Host::start().await;
    let mut mas = mas(&host).await;
    for (kind, text, status, left) in [
        (TextFilterType::PASS_FAIL, "Badger41's", CallbackStatus::PASS, "Badger41's"),
        (TextFilterType::REPLACE, "oh DARN it", CallbackStatus::PASS, "oh  it"),
    ] {
        let answer = mas.ask(filter1(kind, text), of!(TextFilterResponse1)).await;
        assert_eq!((answer.status_code, answer.text.as_bytes()), (status, left.as_bytes()));
        assert_eq!(
            (answer.message_id, answer.text_size),
            ("9".into(), u32::try_from(left.len() + 1).unwrap())
        );
    }
    let refused = mas.ask(filter1(TextFilterType::PASS_FAIL, "a badword"), of!(TextFilterResponse1)).await;
    assert_eq!(refused.status_code, CallbackStatus::FAIL);
}

#[tokio::test]
async fn a_request_in_fragments_is_answered_as_one() {
    let host = Host::start().await;
    let mut mas = mas(&host).await;
    let dialect = Dialect::new(108, AppId(UYA));
    let whole = AnyMessage::from(filter1(TextFilterType::REPLACE, "oh DARN it")).encode(&dialect);
    let pieces = medley_wire::fragment::cut(&whole, 10, &dialect).unwrap();
    assert!(pieces.len() > 3);
    for piece in pieces {
        let AnyMessage::DmePacketFragment(piece) = AnyMessage::decode(&piece, &dialect).unwrap() else {
            panic!("no fragment")
        };
        mas.send(*piece).await;
    }
    let AnyMessage::TextFilterResponse1(answer) = mas.next_app().await else { panic!("another answer") };
    assert_eq!((answer.message_id, answer.text.as_bytes()), ("9".into(), &b"oh  it"[..]));
}

#[tokio::test]
async fn debug_information_is_taken_in_a_session_only() {
    let host = Host::start().await;
    let mut mas = Console::connect(&host, UYA, ServerKind::Mas).await;
    let post = || PostDebugInfoRequest { message: "line\nof the client".into(), ..Default::default() };
    let early = mas.ask(post(), of!(PostDebugInfoResponse)).await;
    assert_eq!(early.status_code, CallbackStatus::SESSION_KEY_INVALID);
    mas.begin().await;
    let taken = mas.ask(post(), of!(PostDebugInfoResponse)).await;
    assert_eq!(taken.status_code, CallbackStatus::SUCCESS);
}

#[tokio::test]
async fn logout_wants_the_sessions_key_and_frees_the_account_at_once() {
    let host = Host::start().await;
    host.account("uya", "Badger41", "secret").await;
    let mut first = Console::connect(&host, UYA, ServerKind::Mas).await;
    let key = first.begin().await;
    first.login("Badger41", "secret").await;
    let wrong = AccountLogoutRequest { session_key: "1".into(), ..Default::default() };
    assert_eq!(first.ask(wrong, of!(AccountLogoutResponse)).await.status_code, CallbackStatus::FAIL);
    let right = AccountLogoutRequest { session_key: key, ..Default::default() };
    assert_eq!(first.ask(right, of!(AccountLogoutResponse)).await.status_code, CallbackStatus::SUCCESS);
    let mut second = mas(&host).await;
    assert_eq!(second.login("Badger41", "secret").await.status_code, CallbackStatus::SUCCESS);
}
