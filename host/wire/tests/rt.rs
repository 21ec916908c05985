//! The RT messages on captured bodies, and where there is no capture on the layouts that the emulators agree on:
//! fields by name, and the same bytes back.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use medley_wire::{AppId, Dialect, RtId, RtMessage};
use serde_json::{Value, json};

const UYA: Dialect = Dialect::new(108, AppId(10684));
const DEADLOCKED: Dialect = Dialect::new(110, AppId(11184));
const PS3: Dialect = Dialect::new(113, AppId(24180));

/// Decodes, compares the fields, encodes, and goes over JSON.
#[track_caller]
fn check(id: RtId, d: &Dialect, hex_body: &str, fields: Value) {
    let body = hex::decode(hex_body).unwrap();
    let message = RtMessage::decode(id, &body, d).unwrap();
    assert_eq!(message.id(), id);
    assert_eq!(message.to_json(), fields, "{id}: fields");
    assert_eq!(hex::encode(message.to_body(d)), hex_body, "{id}: bytes");
    assert_eq!(RtMessage::from_json(id, fields).unwrap(), message, "{id}: from JSON");
}

const KEY: &str = "5bf19a7ba5e5e2ddb9a4d3c4f1e0a99988776655443322110011223344556677ffeeddccbbaa99887766554433221100deadbeef0102030405060708090a0b0c";

/// `uya_ps2_mas_login_1` line 3, `dl_ps2_full_session` lines 5 and 296, `uya_ps2_join_game_dme` line 22, other keys.
#[test]
fn connect_tcp_has_a_version_prefix_and_a_short_world_at_108_and_strings_only_behind_mas() {
    check(
        RtId::CLIENT_CONNECT_TCP,
        &UYA,
        &format!("0108010100bc290000{KEY}"),
        json!({ "ClientVersion": [1, 8, 1], "TargetWorldID": 1, "AppID": 10684, "Key": format!("hex:{KEY}") }),
    );
    check(
        RtId::CLIENT_CONNECT_TCP,
        &DEADLOCKED,
        &format!("01000000b02b0000{KEY}"),
        json!({ "TargetWorldID": 1, "AppID": 11184, "Key": format!("hex:{KEY}") }),
    );
    check(
        RtId::CLIENT_CONNECT_TCP_AUX_UDP,
        &DEADLOCKED,
        &format!("03000000b02b0000{KEY}313330383800000000000000000000000058696946484569626e74326e34742b3000"),
        json!({
            "TargetWorldID": 3, "AppID": 11184, "Key": format!("hex:{KEY}"),
            "SessionKey": "13088", "AccessKey": "XiiFHEibnt2n4t+0"
        }),
    );
    check(
        RtId::CLIENT_CONNECT_TCP_AUX_UDP,
        &UYA,
        &format!(
            "0108010200bc290000{KEY}3239323639000000000000000000000000345768304f70617446777954666c743600"
        ),
        json!({
            "ClientVersion": [1, 8, 1], "TargetWorldID": 2, "AppID": 10684, "Key": format!("hex:{KEY}"),
            "SessionKey": "29269", "AccessKey": "4Wh0OpatFwyTflt6"
        }),
    );
}

/// Captured: `socom1_ps2_reject_terms` line 3, `dl_ps2_full_session` line 307, `uya_ps2_ingame_dme_voice` line 10.
#[test]
fn messages_without_a_body_have_none() {
    for id in [RtId::CLIENT_DISCONNECT, RtId::CLIENT_CONNECT_READY_AUX_UDP, RtId::CLIENT_FLUSH_ALL] {
        check(id, &UYA, "", json!({}));
    }
}

/// `dl_ps2_full_session` line 378, `uya_ps2_ingame_dme_voice` line 21; APP_LIST by two emulators.
#[test]
fn relay_messages_keep_target_and_payload_apart() {
    check(
        RtId::CLIENT_APP_BROADCAST,
        &DEADLOCKED,
        "0003010100000901",
        json!({ "Payload": "hex:0003010100000901" }),
    );
    check(
        RtId::CLIENT_APP_SINGLE,
        &UYA,
        "0000021301000000",
        json!({ "Index": 0, "Payload": "hex:021301000000" }),
    );
    check(
        RtId::CLIENT_APP_LIST,
        &DEADLOCKED,
        "0205010213",
        json!({ "MaskSize": 2, "Mask": "hex:0501", "Payload": "hex:0213" }),
    );
}

/// Captured in every title.
#[test]
fn echoes_come_back_as_they_are() {
    check(RtId::CLIENT_ECHO, &UYA, "a5", json!({ "Value": "hex:a5" }));
    check(RtId::CLIENT_ECHO, &PS3, "", json!({ "Value": "hex:" }));
    check(
        RtId::SERVER_ECHO,
        &PS3,
        "43aae404b8500300",
        json!({ "Seconds": 82_094_659, "Microseconds": 217_272 }),
    );
}

/// `uya_ps2_enter_city_aquatos` line 12, `dl_ps2_full_session` line 9.
#[test]
fn connect_accept_tcp_differs_by_version() {
    check(
        RtId::SERVER_CONNECT_ACCEPT_TCP,
        &UYA,
        "0108d30000010039362e3234322e38382e333600000000",
        json!({ "ServerVersion": [1, 8, 0xd3], "PlayerID": 0, "PlayerCount": 1, "IP": "96.242.88.36" }),
    );
    check(
        RtId::SERVER_CONNECT_ACCEPT_TCP,
        &DEADLOCKED,
        "0000ec100000010032342e3231342e34352e313135000000",
        json!({ "PlayerID": 0, "ScertClientID": 0x10ec, "PlayerCount": 1, "IP": "24.214.45.115" }),
    );
}

/// `uya_ps2_join_game_dme` lines 26 to 28, `dl_ps2_full_session` lines 303, 305 and 308.
#[test]
fn the_udp_handshake_differs_by_version() {
    check(
        RtId::CLIENT_CONNECT_AUX_UDP,
        &UYA,
        "0108010200bc2900003136302e33332e33332e3234350000005f270100",
        json!({
            "ClientVersion": [1, 8, 1], "WorldID": 2, "AppID": 10684, "ServerIP": "160.33.33.245", "ServerPort": 10079,
            "PlayerID": 1
        }),
    );
    check(
        RtId::CLIENT_CONNECT_AUX_UDP,
        &DEADLOCKED,
        "03000000b02b00003136302e33332e33342e3930000000005f270000d4520000",
        json!({
            "WorldID": 3, "AppID": 11184, "ServerIP": "160.33.34.90", "ServerPort": 10079, "PlayerID": 0,
            "ScertClientID": 0x52d4
        }),
    );
    check(
        RtId::SERVER_INFO_AUX_UDP,
        &DEADLOCKED,
        "3136302e33332e33342e39300000000052c3",
        json!({ "IP": "160.33.34.90", "Port": 50002 }),
    );
    check(
        RtId::SERVER_CONNECT_ACCEPT_AUX_UDP,
        &UYA,
        "0108d30100030039362e3234322e38382e333600000000501b",
        json!({ "ServerVersion": [1, 8, 0xd3], "PlayerID": 1, "PlayerCount": 3, "IP": "96.242.88.36", "Port": 6992 }),
    );
    check(
        RtId::SERVER_CONNECT_ACCEPT_AUX_UDP,
        &DEADLOCKED,
        "0000d4520000010032342e3231342e34352e313135000000451b",
        json!({ "PlayerID": 0, "ScertClientID": 0x52d4, "PlayerCount": 1, "IP": "24.214.45.115", "Port": 6981 }),
    );
}

/// `dl_ps2_full_session` lines 1, 2, 6, 7, 10, 304; `dl_ps3_full_session` line 6; the password by an emulator.
#[test]
fn the_handshake_of_109_and_later_says_what_follows_by_flags() {
    check(
        RtId::CLIENT_HELLO,
        &DEADLOCKED,
        "02006e006d0001000100",
        json!({ "Kind": 2, "Version": 110, "Parameters": [109, 1, 1] }),
    );
    check(RtId::SERVER_HELLO, &DEADLOCKED, "6e000100", json!({ "Version": 110, "EncryptionVersion": 1 }));
    check(RtId::SERVER_CONNECT_REQUIRE, &DEADLOCKED, "024802", json!({ "Flags": 2, "MaxTCP": 584 }));
    check(RtId::SERVER_CONNECT_REQUIRE, &PS3, "024306", json!({ "Flags": 2, "MaxTCP": 1603 }));
    check(
        RtId::SERVER_CONNECT_REQUIRE,
        &DEADLOCKED,
        "0648024802",
        json!({ "Flags": 6, "MaxTCP": 584, "MaxUDP": 584 }),
    );
    check(RtId::CLIENT_CONNECT_READY_REQUIRE, &DEADLOCKED, "00", json!({ "Flags": 0 }));
    check(
        RtId::CLIENT_CONNECT_READY_REQUIRE,
        &DEADLOCKED,
        "010361626300".strip_suffix("00").unwrap(),
        json!({ "Flags": 1, "PasswordLength": 3, "Password": "hex:616263" }),
    );
    check(
        RtId::CLIENT_CONNECT_READY_TCP,
        &DEADLOCKED,
        "0e05",
        json!({ "StartOptions": 14, "ReceiveFlags": 5 }),
    );
    check(
        RtId::SERVER_STARTUP_INFO_NOTIFY,
        &DEADLOCKED,
        "0400000000",
        json!({ "Flags": 4, "TimeBase": 0, "Sets": "hex:" }),
    );
}

/// The tails of both hellos (transport.md sections 4 and 5.6) behind a short stand-in for the certificate.
#[test]
fn ps3_hellos_carry_a_certificate_and_a_resume_tag() {
    let nonce = "000102030405060708090a0b0c0d0e0f";
    check(
        RtId::CLIENT_HELLO,
        &PS3,
        "010071000300000600040100030030820200000000",
        json!({
            "Kind": 1, "Version": 113, "Parameters": [3, 0x600, 0x400], "CertificateCount": 1, "CertificateLength": 3,
            "Certificate": "hex:308202", "ResumeID": 0
        }),
    );
    check(
        RtId::CLIENT_HELLO,
        &PS3,
        &format!("0100710003000006000401000300308202f286d930{nonce}"),
        json!({
            "Kind": 1, "Version": 113, "Parameters": [3, 0x600, 0x400], "CertificateCount": 1, "CertificateLength": 3,
            "Certificate": "hex:308202", "ResumeID": 0x30d9_86f2, "ResumeNonce": format!("hex:{nonce}")
        }),
    );
    check(
        RtId::SERVER_HELLO,
        &PS3,
        "71000006030030820200000000",
        json!({
            "Version": 113, "EncryptionVersion": 0x600, "CertificateLength": 3, "Certificate": "hex:308202", "ResumeID": 0
        }),
    );
}

/// `uya_ps2_mas_login_1` line 1 and its like: 64 raw bytes each.
#[test]
fn keys_are_64_raw_bytes() {
    for id in [RtId::CLIENT_CRYPTKEY_PUBLIC, RtId::SERVER_CRYPTKEY_PEER, RtId::SERVER_CRYPTKEY_GAME] {
        check(id, &UYA, KEY, json!({ "Key": format!("hex:{KEY}") }));
        let error = RtMessage::decode(id, &[0; 63], &UYA).unwrap_err();
        assert_eq!(error.to_string(), format!("{id}.Key at offset 0: wanted 64 bytes, found 63"));
    }
}

/// `uya_ps2_join_game_dme` lines 45 and 55, `dl_ps2_full_session` lines 316, 323, 337 and 338.
#[test]
fn what_a_client_tells_its_dme() {
    check(RtId::CLIENT_SET_RECV_FLAG, &UYA, "0201", json!({ "Kind": 2, "Flags": 1 }));
    check(RtId::CLIENT_SET_RECV_FLAG, &DEADLOCKED, "0f", json!({ "Flags": 15 }));
    check(RtId::CLIENT_SET_AGG_TIME, &UYA, "1e00", json!({ "Milliseconds": 30 }));
    check(RtId::CLIENT_FLUSH_SINGLE, &UYA, "0000", json!({ "Target": 0 }));
    check(RtId::CLIENT_TIMEBASE_QUERY, &DEADLOCKED, "5bb10100", json!({ "ClientTime": 110_939 }));
    check(
        RtId::SERVER_TIMEBASE_QUERY_NOTIFY,
        &DEADLOCKED,
        "5bb10100d0030000",
        json!({ "ClientTime": 110_939, "ServerTime": 976 }),
    );
}

/// `uya_ps2_enter_city_aquatos` line 13, `dl_ps2_full_session` line 20; the others by the emulators.
#[test]
fn the_ends_of_a_handshake_and_of_a_connection() {
    check(RtId::SERVER_CONNECT_COMPLETE, &UYA, "1500", json!({ "PlayerCount": 21 }));
    check(RtId::CLIENT_DISCONNECT_WITH_REASON, &DEADLOCKED, "01", json!({ "Reason": 1 }));
    check(RtId::SERVER_FORCED_DISCONNECT, &DEADLOCKED, "07", json!({ "Reason": 7 }));
    check(RtId::SERVER_CONNECT_REJECT, &DEADLOCKED, "010000", json!({ "Reason": 1, "Unknown": 0 }));
}

/// By two emulators; in no capture.
#[test]
fn notices_about_other_players_differ_by_version() {
    let ip = "39362e3234322e38382e333600000000";
    check(
        RtId::SERVER_CONNECT_NOTIFY,
        &UYA,
        &format!("0200{ip}{KEY}"),
        json!({ "PlayerIndex": 2, "IP": "96.242.88.36", "Key": format!("hex:{KEY}") }),
    );
    check(
        RtId::SERVER_CONNECT_NOTIFY,
        &DEADLOCKED,
        &format!("0200d4520000{ip}{KEY}"),
        json!({ "PlayerIndex": 2, "ScertClientID": 0x52d4, "IP": "96.242.88.36", "Key": format!("hex:{KEY}") }),
    );
    check(
        RtId::SERVER_DISCONNECT_NOTIFY,
        &DEADLOCKED,
        &format!("0200d4520000{ip}"),
        json!({ "PlayerIndex": 2, "ScertClientID": 0x52d4, "IP": "96.242.88.36" }),
    );
}

/// `dl_ps2_full_session` lines 65 and 79; poke and system message by an emulator.
#[test]
fn cheat_queries_pokes_and_system_messages() {
    check(
        RtId::SERVER_CHEAT_QUERY,
        &DEADLOCKED,
        "05cdfa00000000080000010000bc9e77b0dc8ddcb08e41c4f637bddec9",
        json!({
            "Type": 5, "Sequence": 64205, "Address": 0x80000, "Length": 256,
            "Data": "hex:bc9e77b0dc8ddcb08e41c4f637bddec9"
        }),
    );
    check(
        RtId::SERVER_CHEAT_QUERY,
        &DEADLOCKED,
        "05cdfa00000000080010000000e68a680e7724bd91ff2dab7937c54297",
        json!({
            "Type": 5, "Sequence": 64205, "Address": 0x80000, "Length": 16,
            "Data": "hex:e68a680e7724bd91ff2dab7937c54297"
        }),
    );
    check(
        RtId::SERVER_MEMORY_POKE,
        &DEADLOCKED,
        "00100800040000000a0b0c0d",
        json!({ "Address": 0x81000, "Length": 4, "Data": "hex:0a0b0c0d" }),
    );
    let body = hex::decode("0002010148656c6c6f00").unwrap();
    let message = RtMessage::decode(RtId::SERVER_SYSTEM_MESSAGE, &body, &DEADLOCKED).unwrap();
    let wanted = json!({ "Severity": 0, "Encoding": 2, "Language": 1, "EndOfMessage": 1, "Text": "Hello" });
    assert_eq!(message.to_json(), wanted);
    assert_eq!(
        hex::encode(message.to_body(&DEADLOCKED)),
        "0002010148656c6c6f00",
        "the text goes out with its NUL"
    );
}

/// transport.md section 7.1.
#[test]
fn tokens_have_an_owner_only_where_one_is_told() {
    check(RtId::CLIENT_TOKEN_MESSAGE, &PS3, "020500", json!({ "Type": 2, "Token": 5 }));
    check(
        RtId::SERVER_TOKEN_MESSAGE,
        &PS3,
        "07050001000905000f",
        json!({ "Entries": [{ "Type": 7, "Token": 5, "Owner": 1 }, { "Type": 9, "Token": 5 }, { "Type": 15 }] }),
    );
}

/// `dl_ps3_full_session` line 10.
#[test]
fn a_container_holds_messages_as_if_each_had_come_alone() {
    check(
        RtId::SERVER_MULTI_APP_TOCLIENT,
        &PS3,
        "1a020001001f080043aae404b8500300",
        json!({ "Messages": [
            { "ID": 0x1a, "Length": 2, "Body": "hex:0100" },
            { "ID": 0x1f, "Length": 8, "Body": "hex:43aae404b8500300" }
        ] }),
    );
    let error = RtMessage::decode(RtId::CLIENT_MULTI_APP_TOSERVER, &[0x0b, 9, 0, 1], &PS3).unwrap_err();
    assert_eq!(error.to_string(), "CLIENT_MULTI_APP_TOSERVER.Body at offset 3: wanted 9 bytes, found 1");
}

/// By one emulator; in no capture.
#[test]
fn plugin_messages_have_a_big_endian_id() {
    check(
        RtId::CLIENT_APP_TO_PLUGIN,
        &PS3,
        "050000023eaa",
        json!({ "Size": 5, "PluginMessageID": 574, "Body": "hex:aa" }),
    );
    check(
        RtId::SERVER_PLUGIN_TO_APP,
        &PS3,
        "010005010000023eaa",
        json!({ "Incoming": 1, "Zero": 0, "Size": 5, "PluginID": 1, "PluginMessageID": 574, "Body": "hex:aa" }),
    );
}

/// `dl_ps2_full_session` line 313: class, id and a 16-byte text.
#[test]
fn app_payloads_are_kept_whole() {
    let payload = "0000322e31302e3131343332323739343000";
    check(RtId::SERVER_APP, &DEADLOCKED, payload, json!({ "Payload": format!("hex:{payload}") }));
    check(RtId::CLIENT_APP_TOSERVER, &DEADLOCKED, payload, json!({ "Payload": format!("hex:{payload}") }));
}

#[test]
fn an_id_without_a_layout_keeps_its_bytes() {
    for id in [RtId::UDP_APP, RtId::CLIENT_PEER_QUERY, RtId(0x41), RtId(0x7f)] {
        check(id, &UYA, "0102", json!({ "Body": "hex:0102" }));
    }
    assert_eq!((RtId(0x41).name(), RtId(0x41).to_string().as_str()), (None, "0x41"));
}
