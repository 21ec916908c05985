//! docs/coverage.md: every message that a client or a game server can send, who answers it, how that is known and which
//! tests send it.

mod scan;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use medley_stack_tests::replay::capture::at_hand;
use medley_stack_tests::requests;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_message_that_a_client_or_a_game_server_can_send_has_a_handler() {
    let missing: Vec<_> =
        requests::all().filter(|info| requests::row(info).is_none()).map(|info| info.name).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_message_is_sent_by_a_test_of_its_own() -> Result<()> {
    if !at_hand()? {
        return Ok(());
    }
    // Beside the test that sends all of them.
    let untested = table::untested(&root())?;
    assert!(untested.is_empty(), "{untested:?}");
    Ok(())
}

#[test]
fn the_table_of_coverage_is_what_the_declarations_the_tests_and_the_captures_say() -> Result<()> {
    if !at_hand()? {
        return Ok(());
    }
    let path = root().join("docs/coverage.md");
    let text = table::rendered(&root())?;
    if std::env::var_os("MEDLEY_UPDATE_DOCS").is_some() {
        fs::write(path, text)?;
        return Ok(());
    }
    let stale = fs::read_to_string(path).unwrap_or_default() != text;
    ensure!(
        !stale,
        "docs/coverage.md is stale: run MEDLEY_UPDATE_DOCS=1 cargo test -p medley-stack-tests coverage"
    );
    Ok(())
}
