//! The program as a person or a script runs it: exit codes, last lines, messages on broken files.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use tempfile::{NamedTempFile, TempDir};

const HASH_VECTOR: &str =
    r#"[{ "id": "one", "kind": "sha1_hash4", "context": 3, "plaintext": "", "hash": "da39a36e" }]"#;
const MESSAGE_VECTOR: &str = r#"[{ "name": "DmeAcceptClient", "class_id": 0, "id": 9, "medius_version": 108, "app_id": 10684,
    "fields": { "Time": 618967, "Unknown04": 6 }, "hex": "0009d771090006000000" }]"#;
/// The first frames of `dl_ps2_full_session` and one that is enciphered.
const RECORDS: &str = concat!(
    r#"{"dir":"c2s","conn":0,"frame_hex":"240a0002006e006d0001000100","rt_id":36,"plain_hex":"02006e006d0001000100"}"#,
    "\n",
    r#"{"dir":"s2c","conn":0,"frame_hex":"2504006e000100","rt_id":37,"plain_hex":"6e000100"}"#,
    "\n",
    r#"{"dir":"s2c","conn":0,"frame_hex":"a203003c05e76a446597","rt_id":34,"plain_hex":"024802"}"#,
    "\n"
);

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_medley-conformance"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn on(command: &str, text: &str) -> (Option<i32>, String, String) {
    let file = file(text);
    let output = run(&[command, file.path().to_str().unwrap()]);
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap().replace(file.path().to_str().unwrap(), "FILE"),
    )
}

fn last(stdout: &str) -> &str {
    stdout.lines().last().unwrap_or_default()
}

#[test]
fn good_vectors_exit_0_and_the_last_line_counts_them() {
    let (code, out, _) = on("vectors", HASH_VECTOR);
    assert_eq!((code, last(&out)), (Some(0), "1 passed, 0 failed"));
    let (code, out, _) = on("vectors", MESSAGE_VECTOR);
    assert_eq!((code, last(&out)), (Some(0), "1 passed, 0 failed"));
}

#[test]
fn a_wrong_hash_exits_1_and_names_vector_and_byte() {
    let (code, out, _) = on("vectors", &HASH_VECTOR.replace("da39a36e", "da39a36f"));
    assert_eq!((code, last(&out)), (Some(1), "0 passed, 1 failed"));
    assert!(out.contains("FAILED vectors[0] one"), "{out}");
    assert!(out.contains("hash: differs at offset 3"), "{out}");
}

#[test]
fn a_wrong_field_exits_1_with_a_field_diff_and_a_byte_diff() {
    let (code, out, _) = on("vectors", &MESSAGE_VECTOR.replace("618967", "618968"));
    assert_eq!((code, last(&out)), (Some(1), "0 passed, 1 failed"));
    assert!(out.contains("bytes to fields: field Time: wanted 618968, found 618967"), "{out}");
    assert!(out.contains("fields to bytes: body: differs at offset 0 (field Time)"), "{out}");
    assert!(out.contains("wanted |d771090006000000"), "{out}");
    assert!(out.contains("found  |d871090006000000"), "{out}");
}

#[test]
fn a_field_of_an_unknown_name_fails_by_its_name() {
    let (code, out, _) = on("vectors", &MESSAGE_VECTOR.replace("Unknown04", "Unknown05"));
    assert_eq!(code, Some(1));
    assert!(out.contains("fields to bytes: field Unknown04: wanted a number that fits"), "{out}");
}

#[test]
fn an_unknown_kind_fails_and_says_which_are_known() {
    let (code, out, _) = on("vectors", &HASH_VECTOR.replace("sha1_hash4", "md5_hash4"));
    assert_eq!((code, last(&out)), (Some(1), "0 passed, 1 failed"));
    assert!(out.contains(r#"kind "md5_hash4" is not known"#), "{out}");
}

#[test]
fn truncated_json_exits_2_and_names_file_and_place() {
    let (code, out, err) = on("vectors", &HASH_VECTOR[..40]);
    assert_eq!((code, last(&out)), (Some(2), "0 passed, 0 failed"));
    assert!(err.starts_with("error: FILE: line 1 column 40: no JSON:"), "{err}");
}

#[test]
fn a_vector_without_a_needed_field_exits_2_and_names_the_field() {
    let (code, out, err) = on("vectors", &HASH_VECTOR.replace("\"context\": 3, ", ""));
    assert_eq!((code, last(&out)), (Some(2), "0 passed, 1 failed"));
    assert_eq!(err, "error: FILE: vectors[0] one: context: wanted a number from 0 to 7, found nothing\n");
}

#[test]
fn a_missing_file_exits_2_and_the_others_are_still_checked() {
    let good = file(HASH_VECTOR);
    let output = run(&["vectors", "/no/such/file.json", good.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("error: /no/such/file.json: "));
    assert_eq!(last(&String::from_utf8(output.stdout).unwrap()), "1 passed, 0 failed");
}

#[test]
fn a_good_capture_exits_0() {
    let (code, out, _) = on("captures", RECORDS);
    assert_eq!((code, last(&out)), (Some(0), "3 passed, 0 failed"), "{out}");
}

#[test]
fn a_flipped_bit_in_a_captured_frame_exits_1_and_names_the_line() {
    let (code, out, _) = on("captures", &RECORDS.replace("3c05e76a", "3d05e76a"));
    assert_eq!((code, last(&out)), (Some(1), "2 passed, 1 failed"));
    assert!(out.contains("FAILED line 3: connection 0 s2c SERVER_CONNECT_REQUIRE"), "{out}");
    assert!(out.contains("plain_hex does not have the frame's hash 3d05e76a"), "{out}");
}

#[test]
fn a_wrong_plaintext_in_a_capture_exits_1_with_a_byte_diff() {
    let (code, out, _) =
        on("captures", &RECORDS.replace(r#""plain_hex":"6e000100""#, r#""plain_hex":"6e000200""#));
    assert_eq!((code, last(&out)), (Some(1), "2 passed, 1 failed"));
    assert!(out.contains("plain_hex: differs at offset 2"), "{out}");
}

#[test]
fn a_wrong_id_in_a_capture_exits_1() {
    let (code, out, _) = on("captures", &RECORDS.replace(r#""rt_id":37"#, r#""rt_id":38"#));
    assert_eq!(code, Some(1));
    assert!(out.contains("rt_id: the capture says 38, the frame 37 (SERVER_HELLO)"), "{out}");
}

#[test]
fn a_truncated_capture_exits_2_and_names_the_line() {
    let (code, out, err) = on("captures", &RECORDS[..RECORDS.len() - 20]);
    assert_eq!((code, last(&out)), (Some(2), "2 passed, 0 failed"));
    assert!(err.starts_with("error: FILE: line 3 column "), "{err}");
}

#[test]
fn a_frame_that_nothing_opens_is_counted_and_no_failure() {
    let locked = RECORDS.replace(r#""plain_hex":"024802""#, r#""plain_hex":null"#);
    let (code, out, _) = on("captures", &locked);
    assert_eq!((code, last(&out)), (Some(0), "2 passed, 0 failed"));
    assert!(out.contains("1 not decryptable"), "{out}");
}

#[test]
fn nat_datagrams_are_checked_for_their_shape() {
    let nat = concat!(
        r#"{"dir":"c2s","proto":"udp","conn":1,"server":"NAT","frame_hex":"a0e6e401","rt_id":null,"plain_hex":null}"#,
        "\n",
        r#"{"dir":"s2c","proto":"udp","conn":1,"server":"NAT","frame_hex":"18d62d73191c","rt_id":null,"plain_hex":null}"#,
        "\n"
    );
    let (code, out, _) = on("captures", nat);
    assert_eq!((code, last(&out)), (Some(0), "0 passed, 0 failed"));
    assert!(out.contains("2 NAT datagrams"), "{out}");
    let (code, out, _) = on("captures", &nat.replace("18d62d73191c", "18d62d7319"));
    assert_eq!((code, last(&out)), (Some(1), "0 passed, 1 failed"));
    assert!(out.contains("a NAT reply of 5 bytes, wanted 4 of address and 2 of port"), "{out}");
}

#[test]
fn a_broken_key_file_exits_2_and_names_the_key() {
    let folder = TempDir::new().unwrap();
    let keys = folder.path().join("keys.json");
    std::fs::write(&keys, r#"{ "captures": { "a": { "0": { "decrypt_keys_by_ctx": { "3": "00" } } } } }"#)
        .unwrap();
    let capture = folder.path().join("a.jsonl");
    std::fs::write(&capture, RECORDS).unwrap();
    let output = run(&["captures", capture.to_str().unwrap(), "--keys", keys.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("captures.a.0.decrypt_keys_by_ctx.3: wanted 128 hexadecimal digits"), "{err}");
}

#[test]
fn keys_that_do_not_open_a_frame_fail_it() {
    let folder = TempDir::new().unwrap();
    let keys = folder.path().join("keys.json");
    let wrong = "00".repeat(64);
    let text = format!(
        r#"{{ "captures": {{ "a": {{ "0": {{ "decrypt_keys_by_ctx": {{ "3": "{wrong}" }} }} }} }} }}"#
    );
    std::fs::write(&keys, text).unwrap();
    let capture = folder.path().join("a.jsonl");
    std::fs::write(&capture, RECORDS).unwrap();
    let output = run(&["captures", capture.to_str().unwrap(), "--keys", keys.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(
        out.contains("none of 1 keys of RC_CLIENT_SESSION for this connection verifies its hash"),
        "{out}"
    );
}

fn decoded(arguments: &[&str]) -> serde_json::Value {
    let output = run(&[&["decode"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn decode_explains_an_enciphered_frame_with_its_key() {
    let key = "9fae6b802718d3d5e75b56b1ca512f90f56523ba74af6302ed1e7a8d40233df6d60cdf40a3a76829bf69ad9a76eb6e43a9fe60de92f5a0d8646e9ac6a29e2327";
    let frame = "a2 03 00 3c 05 e7 6a 44 65 97";
    let json = decoded(&[frame, "--key", key, "--version", "110", "--app-id", "11184", "--offsets"]);
    assert_eq!(json["rt_name"], "SERVER_CONNECT_REQUIRE");
    assert_eq!(json["cipher"], "ps2, key 1");
    assert_eq!(json["fields"], serde_json::json!({ "Flags": 2, "MaxTCP": 584 }));
    assert_eq!(
        json["offsets"][1],
        serde_json::json!({ "field": "MaxTCP", "offset": 1, "length": 2, "hex": "4802" })
    );
    let locked = decoded(&[frame]);
    assert_eq!(locked["error"], "enciphered under RC_CLIENT_SESSION: --key is needed");
}

#[test]
fn decode_opens_an_rsa_frame_with_the_built_in_keys() {
    let frame = "924000f4f87af73425c89a6da9ddebaba83ca6e6b4726def512300deea43d58f22503faf9c5296107ca4bea9578aae49680620\
                 73c624a807ad44d254298d58b63cda3be4338c57";
    let json = decoded(&[frame]);
    assert_eq!(json["cipher"], "RSA, ps2 hash, key medius_global");
    assert!(json["fields"]["Key"].as_str().unwrap().starts_with("hex:6b8f99ec1baf06d2"));
}

#[test]
fn decode_takes_a_payload_and_a_datagram_of_several_frames() {
    let json = decoded(&["0009d771090006000000", "--app", "--direction", "s2c"]);
    assert_eq!((&json["name"], &json["fields"]["Time"]), (&"DmeAcceptClient".into(), &618967.into()));
    let json = decoded(&["0501 00a5 8f0000 99", "--udp"]);
    assert_eq!(
        (&json[0]["rt_name"], &json[1]["rt_name"]),
        (&"CLIENT_ECHO".into(), &"CLIENT_FLUSH_ALL".into())
    );
    assert_eq!(json[2]["tail"], "99");
}

#[test]
fn decode_says_what_is_wrong_with_its_input() {
    let error = |arguments: &[&str]| {
        let output = run(&[&["decode"], arguments].concat());
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(
        error(&["8b0500aabb"]),
        "error: no frame: 5 bytes end inside a header, which takes 3, or 7 with a hash\n"
    );
    assert_eq!(
        error(&["050200a5"]),
        "error: no frame: the header says CLIENT_ECHO with a body of 2 bytes, 5 bytes in all, and 4 are given; several \
         frames need --udp, a payload --app\n"
    );
    assert!(error(&["05zz"]).contains("character 3 is 'z'"));
    assert!(error(&["050"]).contains("3 hexadecimal digits: wanted an even number"));
    assert!(error(&["050100a5", "--rsa", "nobody"]).contains("no RSA pair \"nobody\""));
    assert!(error(&["050100a5", "--key", "00"]).contains("--key: wanted 64 bytes (128 digits), found 1"));
    assert!(error(&["no/such.file"]).contains("no such file"));
}
