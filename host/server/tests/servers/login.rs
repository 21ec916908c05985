//! From MUIS to the lobby in every dialect, and each refusal of servers.md 6.1.

use medley_session::ServerKind;
use medley_store::{BanScope, BanSubject, NewBan, TitleId};
use medley_titles::HostConfig;
use medley_wire::enums::{CallbackStatus, NetAddressType, UniverseVariableInformationInfoFilter as Filter};
use medley_wire::messages::*;

use crate::kit::*;

/// The whole way of `app`: universe, login, lobby, and a first question there.
async fn whole_way(app: u32, title: &str) {
    let host = Host::start().await;
    host.account(title, "Badger41", "secret").await;
    let mut muis = Console::connect(&host, app, ServerKind::Muis).await;
    let request = GetUniverseInformationRequest {
        message_id: "1".into(),
        info_type: Filter(0x33c),
        ..Default::default()
    };
    muis.ask(request, of!(UniverseSvoURLResponse)).await;
    let AnyMessage::UniverseVariableInformationResponse(universe) = muis.next_app().await else {
        panic!("no universe")
    };
    assert_eq!(universe.status_code, CallbackStatus::SUCCESS);

    let mut mas = Console::connect(&host, app, ServerKind::Mas).await;
    let session_key = mas.begin().await;
    let answer = mas.login("badger41", "secret").await;
    assert_eq!(answer.status_code, CallbackStatus::SUCCESS);
    assert!(answer.account_id.0 > 0);
    let info = &answer.connect_info;
    assert_eq!((info.session_key, info.access_key.as_bytes().len()), (session_key, 16));
    let [mls, nat] = info.address_list.address_list;
    assert_eq!((mls.ip(), mls.port), (Some(LOOPBACK), host.handle.bound().mls.port().into()));
    assert_eq!((nat.ip(), nat.port), (Some(LOOPBACK), host.handle.bound().nat.port().into()));
    let nat_type =
        if app == DEADLOCKED_HD { NetAddressType::BINARY_NAT_SERVICES } else { NetAddressType::NAT_SERVICE };
    assert_eq!(nat.address_type, nat_type);
    assert_eq!(info.server_key.is_zero(), app == CLEAR);

    let mut mls = Console::follow(&host, app, ServerKind::Mls, info).await;
    assert_eq!(mls.enciphered(), app != CLEAR);
    let total = mls.ask(
        GetTotalUsersRequest { message_id: "2".into(), ..Default::default() },
        of!(GetTotalUsersResponse),
    );
    let total = total.await;
    assert_eq!((total.status_code, total.total_in_system), (CallbackStatus::SUCCESS, 1));
    assert_eq!(total.message_id, "2");
}

use medley_wire::AnyMessage;

#[tokio::test]
async fn a_console_of_1_08_gets_from_the_universe_to_the_lobby() {
    whole_way(UYA, "uya").await;
}

#[tokio::test]
async fn a_console_of_1_10_gets_from_the_universe_to_the_lobby() {
    whole_way(DEADLOCKED, "deadlocked").await;
}

#[tokio::test]
async fn a_console_of_1_13_gets_from_the_universe_to_the_lobby() {
    whole_way(DEADLOCKED_HD, "deadlocked-hd").await;
}

#[tokio::test]
async fn a_clear_console_of_1_08_gets_from_the_universe_to_the_lobby() {
    whole_way(CLEAR, "clear").await;
}

/// An access key cut to 16 characters, and to 15, opens the lobby all the same (the plaintext 1.08 clients do that).
#[tokio::test]
async fn a_cut_access_key_still_finds_its_session() {
    let host = Host::start().await;
    host.account("uya", "Badger41", "secret").await;
    let mut mas = Console::connect(&host, UYA, ServerKind::Mas).await;
    mas.begin().await;
    let mut info = mas.login("Badger41", "secret").await.connect_info;
    info.access_key = (&info.access_key.as_bytes()[..15]).into();
    let mut mls = Console::follow(&host, UYA, ServerKind::Mls, &info).await;
    mls.ask(GetTotalUsersRequest::default(), of!(GetTotalUsersResponse)).await;
}

#[tokio::test]
async fn an_access_key_opens_the_lobby_once() {
    let host = Host::start().await;
    host.account("uya", "Badger41", "secret").await;
    let mut mas = Console::connect(&host, UYA, ServerKind::Mas).await;
    mas.begin().await;
    let info = mas.login("Badger41", "secret").await.connect_info;
    let _mls = Console::follow(&host, UYA, ServerKind::Mls, &info).await;
    let mut again = Console::dial(&host, ServerKind::Mls, follow(UYA, ServerKind::Mls, &info)).await;
    assert!(!again.handshake().await);
    host.counted(medley_server::Event::ClosedUnknownKey, 1).await;
}

/// Logs in as `name` on a fresh connection and gives the status.
async fn status(host: &Host, app: u32, name: &str, password: &str) -> CallbackStatus {
    let mut mas = Console::connect(host, app, ServerKind::Mas).await;
    mas.begin().await;
    mas.login(name, password).await.status_code
}

#[tokio::test]
async fn login_with_unknown_account_answers_account_not_found() {
    let host = Host::start().await;
    assert_eq!(status(&host, UYA, "Nobody", "x").await, CallbackStatus::ACCOUNT_NOT_FOUND);
}

#[tokio::test]
async fn login_with_unknown_account_makes_it_where_the_title_says_so() {
    let host = Host::start().await;
    assert_eq!(status(&host, DEADLOCKED, "Newcomer", "one").await, CallbackStatus::SUCCESS);
    let title = TitleId::new("deadlocked").unwrap();
    let kept = host.store.read(move |store| store.account_by_name(&title, b"newcomer")).await.unwrap();
    assert!(kept.is_some_and(|account| account.password.is_some()));
}

#[tokio::test]
async fn login_that_would_make_an_account_fails_where_registration_is_off() {
    let text = TITLES[1].1.replace("create_on_login = true", "create_on_login = true\nregistration = false");
    let host = Host::with(HostConfig::ephemeral(), titles(&[("deadlocked", &text)])).await;
    assert_eq!(status(&host, DEADLOCKED, "Newcomer", "one").await, CallbackStatus::FAIL);
}

#[tokio::test]
async fn login_with_wrong_password_answers_invalid_password() {
    let host = Host::start().await;
    host.account("uya", "Badger41", "secret").await;
    assert_eq!(status(&host, UYA, "Badger41", "Secret").await, CallbackStatus::INVALID_PASSWORD);
    assert_eq!(status(&host, UYA, "Badger41", "").await, CallbackStatus::INVALID_PASSWORD);
    assert_eq!(status(&host, UYA, "Badger41", "secret").await, CallbackStatus::SUCCESS);
}

#[tokio::test]
async fn login_with_filtered_name_fails() {
    let host = Host::start().await;
    assert_eq!(status(&host, UYA, "xBADWORDx", "x").await, CallbackStatus::FAIL);
    assert_eq!(status(&host, UYA, "darn1", "x").await, CallbackStatus::FAIL);
    assert_eq!(status(&host, UYA, "", "x").await, CallbackStatus::FAIL);
}

#[tokio::test]
async fn login_of_a_banned_account_shows_the_text_and_answers_account_banned() {
    let host = Host::start().await;
    let account = host.account("uya", "Badger41", "secret").await;
    let ban = NewBan {
        scope: BanScope::Title(TitleId::new("uya").unwrap()),
        subject: BanSubject::Account(account.id),
        reason: "test".into(),
        created: 1,
        expires: None,
    };
    host.store.write(move |store| store.add_ban(&ban)).await.unwrap();
    let mut mas = Console::connect(&host, UYA, ServerKind::Mas).await;
    mas.begin().await;
    mas.send(AccountLoginRequest {
        message_id: "5".into(),
        username: "Badger41".into(),
        password: "secret".into(),
        ..Default::default()
    })
    .await;
    assert_eq!(mas.next().await, Seen::System("You have been banned!".to_owned()));
    let AnyMessage::AccountLoginResponse(answer) = mas.next_app().await else { panic!("another answer") };
    assert_eq!((answer.status_code, answer.message_id), (CallbackStatus::ACCOUNT_BANNED, "5".into()));
}

#[tokio::test]
async fn login_beside_the_white_list_fails_and_a_listed_account_enters() {
    let text = TITLES[0].1.replace("[accounts]", "[accounts]\nwhitelist = true");
    let host = Host::with(HostConfig::ephemeral(), titles(&[("uya", &text)])).await;
    let account = host.account("uya", "Badger41", "secret").await;
    assert_eq!(status(&host, UYA, "Badger41", "secret").await, CallbackStatus::FAIL);
    let title = TitleId::new("uya").unwrap();
    let list = |listed| {
        let title = title.clone();
        host.store.write(move |store| store.set_whitelisted(&title, account.id, listed))
    };
    list(true).await.unwrap();
    assert_eq!(status(&host, UYA, "Badger41", "secret").await, CallbackStatus::SUCCESS);
    list(false).await.unwrap();
    assert_eq!(status(&host, UYA, "Badger41", "secret").await, CallbackStatus::FAIL);
}

#[tokio::test]
async fn a_second_login_while_the_first_is_in_the_lobby_answers_account_logged_in() {
    let host = Host::start().await;
    host.account("uya", "Badger41", "secret").await;
    let _playing = Console::in_lobby(&host, UYA, "Badger41", "secret").await;
    assert_eq!(status(&host, UYA, "Badger41", "secret").await, CallbackStatus::ACCOUNT_LOGGED_IN);
}

#[tokio::test]
async fn the_password_given_after_a_reset_becomes_the_new_one() {
    let host = Host::start().await;
    let account = host.account("uya", "Badger41", "secret").await;
    let title = TitleId::new("uya").unwrap();
    host.store.write(move |store| store.set_reset_password(&title, account.id, true)).await.unwrap();
    assert_eq!(status(&host, UYA, "Badger41", "fresh").await, CallbackStatus::SUCCESS);
    let title = TitleId::new("uya").unwrap();
    let check = host.store.verify_password(&title, account.id, b"fresh").await.unwrap();
    assert_eq!(check, medley_store::PasswordCheck::Match);
}

#[tokio::test]
async fn a_second_login_on_one_connection_is_the_wrong_step() {
    let host = Host::start().await;
    host.account("uya", "Badger41", "secret").await;
    host.account("uya", "Other", "secret").await;
    let mut mas = Console::connect(&host, UYA, ServerKind::Mas).await;
    mas.begin().await;
    assert_eq!(mas.login("Badger41", "secret").await.status_code, CallbackStatus::SUCCESS);
    assert_eq!(mas.login("Other", "secret").await.status_code, CallbackStatus::INCORRECT_LOGIN_STEP);
}

#[tokio::test]
async fn login_without_a_session_answers_session_key_invalid() {
    let host = Host::start().await;
    let mut mas = Console::connect(&host, UYA, ServerKind::Mas).await;
    assert_eq!(mas.login("Badger41", "x").await.status_code, CallbackStatus::SESSION_KEY_INVALID);
}

#[tokio::test]
async fn anonymous_players_get_negative_ids_and_reach_the_lobby() {
    let host = Host::start().await;
    let mut mas = Console::connect(&host, UYA, ServerKind::Mas).await;
    mas.begin().await;
    let request = AnonymousLoginRequest { session_display_name: "Guest".into(), ..Default::default() };
    let answer = mas.ask(request, of!(AnonymousLoginResponse)).await;
    assert_eq!(answer.status_code, CallbackStatus::SUCCESS);
    assert!(answer.account_id.0 < 0);
    Console::follow(&host, UYA, ServerKind::Mls, &answer.connect_info).await;
}

fn ticket(name: &[u8]) -> Vec<u8> {
    let record = |kind: u16, value: &[u8]| {
        [&kind.to_be_bytes()[..], &(value.len() as u16).to_be_bytes(), value].concat()
    };
    let mut online_id = name.to_vec();
    online_id.resize(32, 0);
    let body = [
        record(8, &[1; 20]),
        record(1, &[0, 0, 1, 0]),
        record(7, &[0; 8]),
        record(7, &[0; 8]),
        record(2, &[0; 8]),
        record(4, &online_id),
    ]
    .concat();
    [record(0x3000, &body), record(0x3002, &[record(8, b"none"), record(8, &[0; 56])].concat())].concat()
}

#[tokio::test]
async fn a_ticket_makes_an_account_at_first_and_finds_it_afterwards() {
    let host = Host::start().await;
    let data = ticket(b"PlayerOne");
    let request = TicketLoginRequest {
        message_id: "3".into(),
        ticket_data_size: medley_wire::types::BigEndian(data.len() as u32),
        ticket_data: medley_wire::types::VarBytes(data),
        ..Default::default()
    };
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut mas = Console::connect(&host, DEADLOCKED_HD, ServerKind::Mas).await;
        mas.begin().await;
        let answer = mas.ask(request.clone(), of!(TicketLoginResponse)).await;
        assert_eq!(answer.status_code_ticket_login, CallbackStatus::SUCCESS);
        assert_eq!(answer.status_code_account_login, CallbackStatus::SUCCESS);
        assert_eq!(answer.message_id_account_login, "3");
        ids.push(answer.account_id);
        let logout =
            AccountLogoutRequest { session_key: answer.connect_info.session_key, ..Default::default() };
        assert_eq!(mas.ask(logout, of!(AccountLogoutResponse)).await.status_code, CallbackStatus::SUCCESS);
    }
    assert_eq!(ids[0], ids[1]);
}

/// Nothing verifies a ticket, and every title takes them unless told otherwise: whoever writes one himself must not get
/// into an account that its owner closed with a password.
#[tokio::test]
async fn a_ticket_does_not_open_an_account_that_has_a_password() {
    let host = Host::start().await;
    let account = host.account("deadlocked-hd", "Badger41", "secret").await;
    let data = ticket(b"Badger41");
    let request = TicketLoginRequest {
        message_id: "3".into(),
        ticket_data_size: medley_wire::types::BigEndian(data.len() as u32),
        ticket_data: medley_wire::types::VarBytes(data),
        ..Default::default()
    };
    let mut mas = Console::connect(&host, DEADLOCKED_HD, ServerKind::Mas).await;
    mas.begin().await;
    let answer = mas.ask(request.clone(), of!(TicketLoginResponse)).await;
    assert_eq!(answer.status_code_ticket_login, CallbackStatus::INVALID_PASSWORD);
    assert_eq!(answer.status_code_account_login, CallbackStatus::INVALID_PASSWORD);
    // Nor one that waits for its owner to set a new one.
    let (title, id) = (TitleId::new("deadlocked-hd").unwrap(), account.id);
    host.store.write(move |store| store.set_reset_password(&title, id, true)).await.unwrap();
    let answer = mas.ask(request, of!(TicketLoginResponse)).await;
    assert_eq!(answer.status_code_ticket_login, CallbackStatus::INVALID_PASSWORD);
    assert_eq!(mas.login("Badger41", "newer").await.status_code, CallbackStatus::SUCCESS);
}

#[tokio::test]
async fn a_ticket_that_cannot_be_read_fails_in_both_halves() {
    let host = Host::start().await;
    let mut mas = Console::connect(&host, DEADLOCKED_HD, ServerKind::Mas).await;
    mas.begin().await;
    let request = TicketLoginRequest { message_id: "3".into(), ..Default::default() };
    let answer = mas.ask(request, of!(TicketLoginResponse)).await;
    assert_eq!(answer.status_code_ticket_login, CallbackStatus::LOGIN_FAILED);
    assert_eq!(answer.status_code_account_login, CallbackStatus::LOGIN_FAILED);
}

/// Tickets of "Badger_41" to 2100, signed by OpenSSL with the keys below.
const SIGNED: [&str; 2] = [
    "30000070000800140101010101010101010101010101010101010101000100040000010000070008\
     00000000000003e800070008000003bb2cc3d8000002000800000000000000000004002042616467\
     65725f34310000000000000000000000000000000000000000000000000800047573000030020044\
     00080004719f1d4a000800383035021834ae323e96896eb32cb2fa3ce982e0cc376a1505c2b96176\
     021900a9e7a6110c6005082134c3968fd5cadc0a22e2679a0b31eb00",
    "30000070000800140101010101010101010101010101010101010101000100040000010000070008\
     00000000000003e800070008000003bb2cc3d8000002000800000000000000000004002042616467\
     65725f3431000000000000000000000000000000000000000000000000080004757300003002004c\
     000800045250434e00080040303e021d009eb595861a0bb9f056214d789e5441109ad96fa0bfdf7f\
     0fb81548ad021d009bc3aebf5b8ac183386416a2dabc9571a08e7ed85a55be79027321aa",
];

#[tokio::test]
async fn a_title_may_ask_tickets_to_be_signed_by_its_keys() {
    let text = concat!(
        "name = \"HD\"\n[[app]]\nid = 24180\n[[channel]]\nname = \"General\"\n[accounts]\ntickets = \"signed\"\n",
        "[[accounts.ticket_key]]\npublic_key = \"579ef88e0d9495b3394af608c393ca0e6e6349531fed0bb9",
        "ac704bf022718a252f1f85fbdd7be3ea7d9a22a78e2dafa8\"\n",
        "[[accounts.ticket_key]]\nnetwork = \"rpcn\"\npublic_key = \"4111bdc51f488aa77f5bb7ae3a81122d187985d591fcccb813a85e83",
        "a5b6399e9284ed64c674059513679d29c0bb4f8c1dfd97333d3e4795\"\n",
    );
    let host = Host::with(HostConfig::ephemeral(), titles(&[("deadlocked-hd", text)])).await;
    let ask = async |data: Vec<u8>| {
        let mut mas = Console::connect(&host, DEADLOCKED_HD, ServerKind::Mas).await;
        mas.begin().await;
        let request = TicketLoginRequest {
            message_id: "3".into(),
            ticket_version: medley_wire::types::BigEndian(0x2101_0000),
            ticket_data_size: medley_wire::types::BigEndian(data.len() as u32),
            ticket_data: medley_wire::types::VarBytes(data),
            ..Default::default()
        };
        let answer = mas.ask(request, of!(TicketLoginResponse)).await;
        (answer.status_code_ticket_login, answer.account_id)
    };
    let mut accounts = Vec::new();
    for signed in SIGNED {
        let data = hex::decode(signed).unwrap();
        let (status, account) = ask(data.clone()).await;
        assert_eq!(status, CallbackStatus::SUCCESS);
        accounts.push(account);
        let mut forged = data;
        let name = forged.windows(6).position(|bytes| bytes == b"Badger").unwrap();
        forged[name] = b'b';
        assert_eq!(ask(forged).await.0, CallbackStatus::MACHINE_BANNED);
    }
    assert_ne!(accounts[0], accounts[1], "one is of the emulators' network");
    assert_eq!(ask(ticket(b"Badger_41")).await.0, CallbackStatus::MACHINE_BANNED);
}
