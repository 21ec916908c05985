//! Which captures are played, by whose account, and which are not.

use super::drive::Scenario;

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

/// The answers name what was asked for; PlayerInfo and GetMyIP have the lengths of their kind.
const STAGING: [(usize, &str, &str); 4] = [
    (14, "MediusGetMyIPRequest", r#"{"MessageID":"","SessionKey":""}"#),
    (
        19,
        "MediusFindPlayerRequest",
        r#"{"ID":945035,"MessageID":"1","Name":"","SearchType":0,"SessionKey":""}"#,
    ),
    (23, "MediusPlayerInfoRequest", r#"{"AccountID":945035,"MessageID":"1","SessionKey":""}"#),
    (46, "MediusGetMyIPRequest", r#"{"MessageID":"","SessionKey":""}"#),
];

/// Every capture that is played.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        capture: "dl_ps2_full_session",
        console: "Badger41",
        game: 0,
        connections: &[],
        inferred: &[],
    },
    Scenario { capture: "uya_ps2_to_novalis", console: "Masquarr", game: 0, connections: &[], inferred: &[] },
    Scenario {
        capture: "uya_ps2_to_tyhrranosis",
        console: "Masquarr",
        game: 0,
        connections: &[],
        inferred: &[],
    },
    Scenario {
        capture: "uya_ps2_to_aridia",
        console: "Masquarr",
        game: 0,
        connections: &[],
        inferred: &TO_ARIDIA,
    },
    Scenario {
        capture: "uya_ps2_enter_city_aquatos",
        console: "Masquarr",
        game: 0,
        connections: &[],
        inferred: &TO_AQUATOS,
    },
    Scenario {
        capture: "uya_ps2_browse_game",
        console: "Masquarr",
        game: 0,
        connections: &[],
        inferred: &[],
    },
    Scenario {
        capture: "uya_ps2_create_game_button",
        console: "Masquarr",
        game: 0,
        connections: &[],
        inferred: &CREATE_GAME,
    },
    Scenario {
        capture: "uya_ps2_public_chat",
        console: "Masquarr",
        game: 0,
        connections: &[],
        inferred: &PUBLIC_CHAT,
    },
    Scenario {
        capture: "uya_ps2_join_game_dme",
        console: "Masquarr",
        game: 0,
        connections: &[],
        inferred: &[],
    },
    Scenario {
        capture: "uya_ps2_ingame_dme_voice",
        console: "Masquarr",
        game: 60261,
        connections: &[],
        inferred: &[],
    },
    Scenario {
        capture: "uya_ps2_staging_invite",
        console: "Masquarr",
        game: 0,
        connections: &[],
        inferred: &STAGING,
    },
    Scenario { capture: "uya_ps2_mas_login_1", console: "G", game: 0, connections: &[], inferred: &[] },
    Scenario { capture: "uya_ps2_mas_login_3", console: "G", game: 0, connections: &[], inferred: &[] },
    Scenario { capture: "uya_ps2_pal_mas_login", console: "fog", game: 0, connections: &[], inferred: &[] },
    Scenario {
        capture: "dl_ps3_full_session",
        console: "colonelp1337",
        game: 0,
        connections: &[0],
        inferred: &[],
    },
];

/// Captures that nobody can play, and why.
pub const NOT_REPLAYED: &[(&str, &str)] = &[
    (
        "socom1_ps2_reject_terms",
        "three frames: nobody has the keys of the one request, and the answer's message is not known",
    ),
    (
        "uya_ps2_accept_eula",
        "the keys are lost: no request of the console's can be read, only lengths and times",
    ),
    (
        "uya_ps2_next_screen",
        "the keys are lost: no request of the console's can be read, only lengths and times",
    ),
    (
        "uya_ps3_mas_mls",
        "the console resumes a session by a derivation that nobody knows: only hellos and key messages can be read",
    ),
];
