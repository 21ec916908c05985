//! Recorded consoles against a running host: what Sony's servers answered is what the host answers.

use anyhow::Result;
use medley_stack_tests::host::TestHost;
use medley_stack_tests::replay::compare::{Tolerance, What};
use medley_stack_tests::replay::drive::{Scenario, play};

/// The differences that are right, and why. Each must be needed in every capture that it names.
const TOLERATED: &[Tolerance] = &[];

async fn replays(scenario: &Scenario) -> Result<()> {
    let host = TestHost::start().await?;
    let report = play(&host, scenario, TOLERATED).await?;
    println!(
        "{}: {} frames sent, {} messages compared, {} differences, tolerated:",
        scenario.capture,
        report.sent,
        report.compared,
        report.differences.len()
    );
    for (index, times) in &report.tolerated {
        let Tolerance { message, what, reason, .. } = &TOLERATED[*index];
        println!("  {times:4} x {message} {what:?}: {reason}");
    }
    assert!(report.differences.is_empty(), "{}:\n{}", scenario.capture, report.differences.join("\n"));
    for (index, entry) in TOLERATED.iter().enumerate() {
        let needed = !entry.captures.contains(&scenario.capture) || report.tolerated.contains_key(&index);
        assert!(needed, "{}: no longer needed: {entry:?}", scenario.capture);
    }
    Ok(())
}

macro_rules! scenarios {
    ($($test:ident: $capture:literal by $console:literal, connections $connections:expr, inferred $inferred:expr;)*) => {$(
        #[tokio::test]
        async fn $test() -> Result<()> {
            replays(&Scenario {
                capture: $capture,
                console: $console,
                connections: &$connections,
                inferred: &$inferred,
            })
            .await
        }
    )*};
}

/// Up Your Arsenal looks for a city by filter, finds none and makes it: as `uya_ps2_to_novalis` has it in full.
const TO_ARIDIA: [(usize, &str, &str); 4] = [
    (
        3,
        "MediusSetLobbyWorldFilterRequest",
        r#"{"FilterMask1":1,"FilterMask2":2,"FilterMask3":0,"FilterMask4":0,"FilterMaskLevel":32,"LobbyFilterType":1,"MessageID":"1"}"#,
    ),
    (5, "MediusChannelList_ExtraInfoRequest1", r#"{"MessageID":"1","PageID":1,"PageSize":256}"#),
    (
        7,
        "MediusCreateChannelRequest",
        r#"{"ApplicationID":10684,"GenericField1":1,"GenericField2":2,"GenericField3":0,"GenericField4":0,"GenericFieldLevel":32,"LobbyName":"CY00000001-00","LobbyPassword":"","MaxPlayers":224,"MessageID":"1","SessionKey":""}"#,
    ),
    (
        9,
        "MediusJoinChannelRequest",
        r#"{"LobbyChannelPassword":"","MessageID":"1","SessionKey":"","WorldID":68459}"#,
    ),
];

/// The same into a city that is there.
const TO_AQUATOS: [(usize, &str, &str); 3] = [
    (
        1,
        "MediusSetLobbyWorldFilterRequest",
        r#"{"FilterMask1":1,"FilterMask2":1,"FilterMask3":0,"FilterMask4":0,"FilterMaskLevel":32,"LobbyFilterType":1,"MessageID":"1"}"#,
    ),
    (3, "MediusChannelList_ExtraInfoRequest1", r#"{"MessageID":"1","PageID":1,"PageSize":256}"#),
    (
        5,
        "MediusJoinChannelRequest",
        r#"{"LobbyChannelPassword":"","MessageID":"1","SessionKey":"","WorldID":1861}"#,
    ),
];

/// observed.md 3.5: it clears the two filters it had set, and one it never set.
const CREATE_GAME: [(usize, &str, &str); 3] = [
    (1, "MediusClearGameListFilterRequest0", r#"{"FilterID":4,"MessageID":"1","SessionKey":""}"#),
    (3, "MediusClearGameListFilterRequest0", r#"{"FilterID":5,"MessageID":"1","SessionKey":""}"#),
    (5, "MediusClearGameListFilterRequest0", r#"{"FilterID":6,"MessageID":"1","SessionKey":""}"#),
];

/// The text is in the answer of TextFilter; chat goes out behind it.
const PUBLIC_CHAT: [(usize, &str, &str); 5] = [
    (
        2,
        "MediusTextFilterRequest",
        r#"{"MessageID":"1","SessionKey":"","Text":"It's raining!","TextFilterType":0}"#,
    ),
    (
        4,
        "MediusChatMessage",
        r#"{"MessageID":"1","SessionKey":"","MessageType":0,"TargetID":0,"Message":"It's raining!"}"#,
    ),
    (
        5,
        "MediusSetLobbyWorldFilterRequest",
        r#"{"FilterMask1":1,"FilterMask2":1,"FilterMask3":0,"FilterMask4":0,"FilterMaskLevel":32,"LobbyFilterType":1,"MessageID":"1"}"#,
    ),
    (8, "MediusChannelList_ExtraInfoRequest1", r#"{"MessageID":"1","PageID":1,"PageSize":256}"#),
    (
        10,
        "MediusSetLobbyWorldFilterRequest",
        r#"{"FilterMask1":4294967295,"FilterMask2":4294967295,"FilterMask3":4294967295,"FilterMask4":4294967295,"FilterMaskLevel":32,"LobbyFilterType":0,"MessageID":"1"}"#,
    ),
];

scenarios! {
    dl_ps2_full_session_replays: "dl_ps2_full_session" by "Badger41", connections [], inferred [];
    uya_ps2_to_novalis_replays: "uya_ps2_to_novalis" by "Masquarr", connections [], inferred [];
    uya_ps2_to_tyhrranosis_replays: "uya_ps2_to_tyhrranosis" by "Masquarr", connections [], inferred [];
    uya_ps2_to_aridia_replays: "uya_ps2_to_aridia" by "Masquarr", connections [], inferred TO_ARIDIA;
    uya_ps2_enter_city_aquatos_replays: "uya_ps2_enter_city_aquatos" by "Masquarr", connections [], inferred TO_AQUATOS;
    uya_ps2_browse_game_replays: "uya_ps2_browse_game" by "Masquarr", connections [], inferred [];
    uya_ps2_create_game_button_replays: "uya_ps2_create_game_button" by "Masquarr", connections [], inferred CREATE_GAME;
    uya_ps2_public_chat_replays: "uya_ps2_public_chat" by "Masquarr", connections [], inferred PUBLIC_CHAT;
    uya_ps2_join_game_dme_replays: "uya_ps2_join_game_dme" by "Masquarr", connections [], inferred [];
    uya_ps2_mas_login_1_replays: "uya_ps2_mas_login_1" by "G", connections [], inferred [];
    uya_ps2_mas_login_3_replays: "uya_ps2_mas_login_3" by "G", connections [], inferred [];
    uya_ps2_pal_mas_login_replays: "uya_ps2_pal_mas_login" by "fog", connections [], inferred [];
    dl_ps3_full_session_login_replays: "dl_ps3_full_session" by "colonelp1337", connections [0], inferred [];
}
