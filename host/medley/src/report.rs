//! What the host tells its operator at the start: what listens where, which titles, and what consoles are pointed to.

use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;

use medley_titles::{ChangedKey, Effect, HostConfig, TitleChange, TitleSet};
use serde_json::{Value, json};

use crate::setup::Setup;
use crate::{Failure, exit};

/// One listener.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    /// `MUIS`, `DME UDP` and so on.
    pub(crate) name: &'static str,
    /// TCP or UDP.
    pub(crate) transport: &'static str,
    /// Where it is bound.
    pub(crate) address: SocketAddr,
    /// What it is for, in few words.
    pub(crate) purpose: &'static str,
}

/// The start-up text.
pub(crate) fn banner(config: &HostConfig, titles: &TitleSet, listeners: &[Listener]) -> String {
    let mut text = String::new();
    line(&mut text, format_args!("Medley {}", env!("CARGO_PKG_VERSION")));
    for Listener { name, transport, address, purpose } in listeners {
        line(&mut text, format_args!("  {name:<8} {transport} {address:<22} {purpose}"));
    }
    match config.public_address {
        Some(address) => line(&mut text, format_args!("Clients are told {address} (public_address).")),
        None => line(
            &mut text,
            format_args!(
                "Clients are told the address that they reached; behind a router set public_address."
            ),
        ),
    }
    let apps: usize = titles.titles().iter().map(|title| title.apps.len()).sum();
    line(
        &mut text,
        format_args!(
            "{} titles with {apps} app ids. Point these names at this machine, in the console's DNS:",
            titles.titles().len()
        ),
    );
    let width = titles.titles().iter().map(|title| title.id.len()).max().unwrap_or_default();
    for title in titles.titles() {
        let hosts: Vec<_> = title.apps.iter().flat_map(|app| app.hosts.iter().map(String::as_str)).collect();
        let mut unique: Vec<&str> = Vec::new();
        for host in hosts {
            if !unique.contains(&host) {
                unique.push(host);
            }
        }
        let shown = match unique.as_slice() {
            [] => "(host name not known)".to_owned(),
            [first] => (*first).to_owned(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        };
        line(&mut text, format_args!("  {:<width$}  {shown}", title.id));
    }
    text
}

/// What `check-config` prints.
pub(crate) fn check_config(setup: &Setup) -> Result<(), Failure> {
    let config = &setup.config;
    let source = setup
        .config_file
        .as_ref()
        .map_or_else(|| "built-in values".to_owned(), |file| file.display().to_string());
    let mut text = String::new();
    line(&mut text, format_args!("configuration: {source}"));
    line(&mut text, format_args!("{config:#?}"));
    line(
        &mut text,
        format_args!(
            "titles from {}{}:",
            config.games_dir.display(),
            if config.default_titles { " and built in" } else { "" }
        ),
    );
    let width = setup.titles.titles().iter().map(|title| title.id.len()).max().unwrap_or_default();
    for title in setup.titles.titles() {
        let apps = title.apps.iter().map(|app| app.id.to_string()).collect::<Vec<_>>().join(", ");
        line(
            &mut text,
            format_args!("  {:<width$}  {}  (app ids {apps}; {})", title.id, title.config.name, title.origin),
        );
    }
    line(&mut text, format_args!("everything is in order"));
    say(&text)
}

/// Writes to standard output. A reader that has gone (`medley account list | head`) is no failure.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::new(exit::IO, error)),
        _ => Ok(()),
    }
}

/// What a reload changed, a line each.
pub(crate) fn changes(host: &[ChangedKey], titles: &[TitleChange]) -> Vec<String> {
    let key = |change: &ChangedKey| {
        let when = match change.effect {
            Effect::Live => "holds now",
            Effect::NewConnections => "holds for new connections",
            Effect::Restart => "holds from the next start on",
        };
        format!("{} {when}", change.key)
    };
    let title = |change: &TitleChange| match change {
        TitleChange::Added { title } => vec![format!("{title}: served now")],
        TitleChange::Removed { title } => vec![format!("{title}: no longer served; its players may stay")],
        TitleChange::Changed { title, keys } => {
            keys.iter().map(|change| format!("{title}: {}", key(change))).collect()
        }
    };
    let lines: Vec<_> = host.iter().map(key).chain(titles.iter().flat_map(title)).collect();
    if lines.is_empty() { vec!["nothing changed".into()] } else { lines }
}

/// The listeners as JSON, for the console and for `--ready-file`.
pub(crate) fn listeners_json(listeners: &[Listener]) -> Value {
    let rows = listeners.iter().map(|listener| {
        json!({ "name": listener.name, "transport": listener.transport, "address": listener.address })
    });
    Value::Array(rows.collect())
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = writeln!(text, "{line}");
}
