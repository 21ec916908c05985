//! The shared vectors and captures, complete, with their counts: fewer checked frames are a failure too.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::path::PathBuf;

use medley_conformance::capture::{self, Keys, Options, counts};
use medley_conformance::{FileReport, vectors};

/// The shared data. `None` where it is not at hand, which continuous integration must not be.
fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("MEDLEY_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    if root.join("captures").is_dir() {
        return Some(root);
    }
    assert!(
        !std::env::var("CI").is_ok_and(|ci| ci == "true"),
        "{} is not there; set MEDLEY_SHARED",
        root.display()
    );
    eprintln!("{} is not there: nothing checked; set MEDLEY_SHARED", root.display());
    None
}

fn text(path: PathBuf) -> String {
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[track_caller]
fn assert_clean(report: &FileReport) {
    assert!(report.failures.is_empty() && report.errors.is_empty(), "{}", report.lines(false).join("\n"));
}

#[test]
fn every_shared_vector_passes() {
    let Some(root) = shared() else { return };
    for (file, wanted) in [("crypto.json", 140), ("messages.json", 251)] {
        let report = vectors::check(file, &text(root.join("vectors").join(file)));
        assert_clean(&report);
        assert_eq!(report.passed, wanted, "{file}");
    }
}

/// Name, records, passed, not decryptable, NAT, not RT, application messages.
const CAPTURES: [(&str, usize, usize, usize, usize, usize, usize); 19] = [
    ("dl_ps2_full_session", 1019, 1002, 4, 13, 0, 171),
    ("dl_ps3_full_session", 242, 28, 82, 18, 114, 7),
    ("socom1_ps2_reject_terms", 3, 1, 2, 0, 0, 0),
    ("uya_ps2_accept_eula", 36, 0, 36, 0, 0, 0),
    ("uya_ps2_browse_game", 24, 24, 0, 0, 0, 22),
    ("uya_ps2_create_game_button", 6, 3, 3, 0, 0, 3),
    ("uya_ps2_enter_city_aquatos", 82, 75, 7, 0, 0, 69),
    ("uya_ps2_ingame_dme_voice", 167, 62, 0, 1, 104, 39),
    ("uya_ps2_join_game_dme", 179, 124, 1, 0, 54, 74),
    ("uya_ps2_mas_login_1", 14, 14, 0, 0, 0, 7),
    ("uya_ps2_mas_login_3", 14, 14, 0, 0, 0, 7),
    ("uya_ps2_next_screen", 28, 0, 28, 0, 0, 0),
    ("uya_ps2_pal_mas_login", 14, 13, 1, 0, 0, 7),
    ("uya_ps2_public_chat", 11, 6, 5, 0, 0, 6),
    ("uya_ps2_staging_invite", 59, 15, 4, 0, 40, 6),
    ("uya_ps2_to_aridia", 41, 34, 7, 0, 0, 28),
    ("uya_ps2_to_novalis", 34, 33, 1, 0, 0, 27),
    ("uya_ps2_to_tyhrranosis", 38, 37, 1, 0, 0, 31),
    ("uya_ps3_mas_mls", 163, 7, 156, 0, 0, 0),
];

fn check_captures(keys: Option<&Keys>) -> Option<Vec<FileReport>> {
    let root = shared()?.join("captures");
    let mut reports = Vec::new();
    for (name, records, passed, locked, nat, not_rt, app_messages) in CAPTURES {
        let text = text(root.join(name).with_extension("jsonl"));
        assert_eq!(text.lines().count(), records, "{name}: records");
        let report = capture::check(name, name, &text, keys, Options::default());
        assert_clean(&report);
        let found = (
            report.passed,
            report.counted(counts::NOT_DECRYPTABLE),
            report.counted(counts::NAT),
            report.counted(counts::NOT_RT),
            report.counted(counts::APP_MESSAGES),
        );
        assert_eq!(found, (passed, locked, nat, not_rt, app_messages), "{name}");
        assert_eq!(passed + locked + nat + not_rt, records, "{name}: nothing is skipped");
        assert_eq!(report.counted(counts::NO_LAYOUT), 0, "{name}: every message has a layout");
        reports.push(report);
    }
    Some(reports)
}

fn total(reports: &[FileReport], what: &str) -> usize {
    reports.iter().map(|report| report.counted(what)).sum()
}

#[test]
fn every_decryptable_captured_frame_passes_with_the_keys() {
    let Some(root) = shared() else { return };
    let keys = Keys::parse("keys.json", &text(root.join("captures/keys.json"))).unwrap();
    assert_eq!(keys.rsa.len(), 10);
    let Some(reports) = check_captures(Some(&keys)) else { return };
    assert_eq!(reports.iter().map(|report| report.passed).sum::<usize>(), 1492);
    assert_eq!(total(&reports, counts::REASSEMBLED), 2);
    assert_eq!(total(&reports, counts::TAG_ONLY), 0, "every one of them was opened by a key");
    assert_eq!(total(&reports, counts::OPENED_ANYWAY), 0);
}

#[test]
fn every_decryptable_captured_frame_passes_without_the_keys_too() {
    let Some(reports) = check_captures(None) else { return };
    assert_eq!(reports.iter().map(|report| report.passed).sum::<usize>(), 1492);
    // Most keys are in the streams themselves; for the rest the hash was verified on the capture's plaintext.
    assert_eq!(total(&reports, counts::TAG_ONLY), 210);
}

#[test]
fn a_capture_without_optional_keys_passes_all_the_same() {
    let Some(root) = shared() else { return };
    let mut bare = String::new();
    for line in text(root.join("captures/dl_ps3_full_session.jsonl")).lines() {
        let mut record: serde_json::Value = serde_json::from_str(line).unwrap();
        let object = record.as_object_mut().unwrap();
        for key in ["medius", "sub", "rt_name", "ctx", "cipher", "t", "off"] {
            object.remove(key);
        }
        object.insert("something_new".into(), 1.into());
        bare.push_str(&record.to_string());
        bare.push('\n');
    }
    let report = capture::check("bare", "bare", &bare, None, Options::default());
    assert_clean(&report);
    assert_eq!((report.passed, report.counted(counts::NOT_DECRYPTABLE)), (28, 82));
}
