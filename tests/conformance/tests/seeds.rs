//! Every committed seed through the function that its fuzz target runs: what the random part starts from holds on the
//! stable compiler too.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::path::Path;

use medley_conformance::fuzz;

fn run(target: &str, least: usize, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut seeds = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let seed = std::fs::read(&path).unwrap();
        println!("{}", path.display());
        body(&seed);
        // Its beginnings, and with single bytes changed: a small, fixed part of what the fuzzer does.
        for length in (0..seed.len()).step_by((seed.len() / 12).max(1)) {
            body(&seed[..length]);
            let mut changed = seed.clone();
            changed[length] ^= 0x81;
            body(&changed);
        }
        seeds += 1;
    }
    assert!(seeds >= least, "{seeds} seeds in {}, wanted at least {least}", folder.display());
}

#[test]
fn every_frame_seed_passes() {
    run("frame", 100, fuzz::frame);
}

#[test]
fn every_message_seed_passes() {
    run("message", 300, fuzz::message);
}

#[test]
fn every_session_seed_passes() {
    run("session", 30, fuzz::session);
}
