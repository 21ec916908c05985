//! Title plugins on a running host: a file that is dropped in, edited, broken and taken back.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::fixture::{Fixture, pass};
use crate::host::{Host, Place};

/// In which an edited file must hold.
const LIVE: Duration = Duration::from_secs(1);
const TITLE: &str = "ratchet-deadlocked";
const FILE: &str = "games/ratchet-deadlocked/plugin.wasm";

fn plugin(host: &Host) -> Result<Value> {
    let titles = host.json("/api/v1/titles")?;
    let row = titles.as_array().and_then(|rows| rows.iter().find(|row| row["id"] == TITLE)).cloned();
    Ok(row.map(|mut row| row["plugin"].take()).unwrap_or_default())
}

#[tokio::test]
async fn a_plugin_is_dropped_in_edited_broken_and_taken_back() -> Result<()> {
    let place = Place::new()?;
    let named = |name: &str| Fixture::new().name(name).hook("chat", &pass()).build();
    place.write(FILE, named("first"))?;
    let host = place.host()?;
    let serving = |plugin: &Value| plugin["serving"]["name"].clone();
    ensure!(serving(&plugin(&host)?) == "first", "{}", plugin(&host)?);

    let whole = Instant::now();
    place.write(FILE, named("second"))?;
    host.until("the new plugin serves", plugin, |plugin| serving(plugin) == "second").await?;
    let took = whole.elapsed();
    ensure!(took < LIVE, "it took {took:?}");

    place.write(FILE, "this is no WebAssembly")?;
    let told = host.until("the bad file is told", plugin, |plugin| plugin["error"].is_string()).await?;
    let sentence = told["error"].as_str().unwrap_or_default();
    ensure!(sentence.contains("plugin.wasm: it does not parse"), "{sentence}");
    ensure!(serving(&told) == "second", "the old one goes on: {told}");
    let said = place.medley(&["plugin", "reload", TITLE])?.failed(1)?;
    ensure!(said.contains("it does not parse"), "{said}");

    place.medley(&["plugin", "rollback", TITLE])?.done()?;
    let said = place.medley(&["plugin", "status", TITLE])?.done()?;
    ensure!(said.contains("first 1.0, serving") && said.contains("hooks\tchat"), "{said}");
    let said = place.medley(&["plugin", "command", TITLE, "dance"])?.failed(1)?;
    ensure!(said.contains("has no command `dance`"), "{said}");
    Ok(())
}
