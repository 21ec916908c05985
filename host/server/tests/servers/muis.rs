//! MUIS: every case of servers.md 5.

use medley_session::ServerKind;
use medley_titles::HostConfig;
use medley_wire::AnyMessage;
use medley_wire::enums::{CallbackStatus, UniverseVariableInformationInfoFilter as Filter};
use medley_wire::messages::*;

use crate::kit::*;

fn request(mask: u32) -> GetUniverseInformationRequest {
    GetUniverseInformationRequest { message_id: "1".into(), info_type: Filter(mask), ..Default::default() }
}

/// `dl_ps2_full_session`, lines 13 to 16: mask 0x33c, an empty address first, then the information.
#[tokio::test]
async fn deadlocked_gets_the_address_first_and_then_the_information() {
    let host = Host::start().await;
    let mut muis = Console::connect(&host, DEADLOCKED, ServerKind::Muis).await;
    let svo = muis.ask(request(0x33c), of!(UniverseSvoURLResponse)).await;
    assert_eq!((svo.url_length, svo.url.as_bytes()), (Some(1), &b""[..]));
    let AnyMessage::UniverseVariableInformationResponse(info) = muis.next_app().await else {
        panic!("no info")
    };
    assert_eq!(info.info_filter, Filter(0x33c));
    assert_eq!((info.universe_id, info.port), (Some(1), Some(10075)));
    assert_eq!(info.dns, Some("ratchetdl-prod.pdonline.scea.com".into()));
    assert_eq!((info.status, info.end_of_list.is_set()), (None, true));
}

#[tokio::test]
async fn a_title_that_names_no_address_is_told_ours() {
    let host = Host::start().await;
    let mut muis = Console::connect(&host, UYA, ServerKind::Muis).await;
    let info =
        muis.ask(request(Filter::DNS.0 | Filter::STATUS.0), of!(UniverseVariableInformationResponse)).await;
    assert_eq!(info.dns, Some("127.0.0.1".into()));
    assert_eq!(info.port, Some(host.handle.bound().mas.port().into()));
    assert_eq!((info.universe_name, info.status), (None, Some(1)));
}

#[tokio::test]
async fn the_standard_flow_lists_universes_and_then_the_news() {
    let text = r#"
        name = "Two"
        [[app]]
        id = 11184
        [[universe]]
        id = 1
        name = "First"
        news = "Hello."
        [[universe]]
        id = 2
        name = "Second"
        svo_url = "http://{host}/index.jsp"
        [[channel]]
        name = "General"
    "#;
    let host = Host::with(HostConfig::ephemeral(), titles(&[("deadlocked", text)])).await;
    let mut muis = Console::connect(&host, DEADLOCKED, ServerKind::Muis).await;
    let first =
        muis.ask(request(Filter::UNIVERSES.0 | Filter::NEWS.0), of!(UniverseStatusListResponse)).await;
    assert_eq!((first.universe_name, first.end_of_list.is_set()), ("First".into(), false));
    let AnyMessage::UniverseStatusListResponse(second) = muis.next_app().await else { panic!("no second") };
    assert_eq!((second.universe_name, second.end_of_list.is_set()), ("Second".into(), true));
    let AnyMessage::UniverseNewsResponse(news) = muis.next_app().await else { panic!("no news") };
    assert_eq!((news.news, news.end_of_list.is_set()), ("Hello.".into(), true));

    let _first = muis.ask(request(Filter::SVO_URL.0), of!(UniverseSvoURLResponse)).await;
    let AnyMessage::UniverseSvoURLResponse(svo) = muis.next_app().await else { panic!("no address") };
    assert_eq!(svo.url.as_bytes(), b"http://127.0.0.1/index.jsp ");
}

#[tokio::test]
async fn a_request_for_nothing_is_an_invalid_request() {
    let host = Host::start().await;
    let mut muis = Console::connect(&host, UYA, ServerKind::Muis).await;
    let info = muis.ask(request(0), of!(UniverseVariableInformationResponse)).await;
    assert_eq!((info.status_code, info.end_of_list.is_set()), (CallbackStatus::INVALID_REQUEST_MSG, true));
    let extra = GetUniverse_ExtraInfoRequest { message_id: "2".into(), ..Default::default() };
    let info = muis.ask(extra, of!(UniverseStatusList_ExtraInfoResponse)).await;
    assert_eq!((info.status_code, info.message_id), (CallbackStatus::INVALID_REQUEST_MSG, "2".into()));
}

#[tokio::test]
async fn a_title_without_an_enabled_universe_has_no_result() {
    let text = TITLES[1].1.replace("name = \"Prod\"", "name = \"Prod\"\nenabled = false");
    let host = Host::with(HostConfig::ephemeral(), titles(&[("deadlocked", &text)])).await;
    let mut muis = Console::connect(&host, DEADLOCKED, ServerKind::Muis).await;
    let info = muis.ask(request(0x3c), of!(UniverseVariableInformationResponse)).await;
    assert_eq!(info.status_code, CallbackStatus::NO_RESULT);
    let list = muis.ask(request(1), of!(UniverseStatusListResponse)).await;
    assert_eq!((list.status_code, list.end_of_list.is_set()), (CallbackStatus::NO_RESULT, true));
}

#[tokio::test]
async fn the_form_of_1_43_lists_universes_with_billing() {
    let host = Host::start().await;
    let mut muis = Console::connect(&host, UYA, ServerKind::Muis).await;
    let extra = GetUniverse_ExtraInfoRequest {
        message_id: "2".into(),
        info_type: Filter::UNIVERSES,
        ..Default::default()
    };
    let info = muis.ask(extra, of!(UniverseStatusList_ExtraInfoResponse)).await;
    assert_eq!((info.status_code, info.universe_name), (CallbackStatus::SUCCESS, "Up Your Arsenal".into()));
}

/// Killzone asks before anything else.
#[tokio::test]
async fn the_version_is_told_to_whoever_asks() {
    let host = Host::start().await;
    let mut muis = Console::connect(&host, UYA, ServerKind::Muis).await;
    let version = muis.ask(VersionServerRequest::default(), of!(VersionServerResponse)).await;
    assert_eq!(version.version_server, "Medius Universe Information Server Version 1.50.0009");
}

#[tokio::test]
async fn an_app_that_nobody_serves_is_rejected_and_counted() {
    let host = Host::start().await;
    for kind in [ServerKind::Muis, ServerKind::Mas, ServerKind::Mls, ServerKind::Mps] {
        let mut console = Console::dial(&host, kind, config(NOBODY, kind)).await;
        assert!(!console.handshake().await);
        assert_eq!(console.next().await, Seen::Rejected(3));
    }
    host.counted(medley_server::Event::ClosedAppNotServed, 4).await;
}

#[tokio::test]
async fn channels_are_listed_without_a_session_as_the_lobby_lists_them() {
    let text = r#"
        name = "Two"
        [[app]]
        id = 11184
        [[app]]
        id = 11185
        [[channel]]
        name = "General"
        max_players = 64
        generic_fields = [1, 2, 3, 4]
        generic_field_level = 64
        [[channel]]
        name = "Sister"
        app_ids = [11185]
        [[channel]]
        name = "Other"
    "#;
    let host = Host::with(HostConfig::ephemeral(), titles(&[("deadlocked", text)])).await;
    let mut muis = Console::connect(&host, DEADLOCKED, ServerKind::Muis).await;
    let page =
        |page_id, page_size| ChannelList_ExtraInfoRequest { message_id: "1".into(), page_id, page_size };
    let first = muis.ask(page(1, 10), of!(ChannelList_ExtraInfoResponse)).await;
    assert_eq!((first.status_code, first.message_id), (CallbackStatus::SUCCESS, "1".into()));
    assert_eq!((first.lobby_name, first.max_players), ("General".into(), 64));
    assert_eq!((first.generic_field1, first.generic_field4), (1, Some(4)));
    assert!(!first.end_of_list.is_set());
    let AnyMessage::ChannelList_ExtraInfoResponse(last) = muis.next_app().await else { panic!("no row") };
    assert_eq!((last.lobby_name, last.end_of_list.is_set()), ("Other".into(), true));
    let none = muis.ask(page(2, 10), of!(ChannelList_ExtraInfoResponse)).await;
    assert_eq!((none.status_code, none.end_of_list.is_set()), (CallbackStatus::NO_RESULT, true));
    let older = ChannelList_ExtraInfoRequest0 { page_id: 1, page_size: 1, ..Default::default() };
    let row = muis.ask(older, of!(ChannelList_ExtraInfoResponse)).await;
    assert_eq!((row.lobby_name, row.end_of_list.is_set()), ("General".into(), true));
}
