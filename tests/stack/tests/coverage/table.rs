//! The rows of docs/coverage.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use medley_server::HandlerInfo;
use medley_server::handlers::{Early, Failure, Needs};
use medley_session::ServerKind;
use medley_stack_tests::replay::capture::{Capture, Direction, names, shared};
use medley_stack_tests::replay::scenarios::SCENARIOS;
use medley_stack_tests::requests;
use medley_wire::enums::{CallbackStatus, NetMessageClass};
use medley_wire::messages::MessageInfo;

use crate::scan;

/// Tests named in a row.
const SHOWN: usize = 3;

const HEAD: &str = "# Coverage

Every message that a client or a game server can send, by its SDK name: which servers take it, the handler that answers it,
what it needs, its failure where there is no better status, how its form is known, and the tests that send it over sockets.
Made from the declarations in `host/wire`, the table of handlers in `host/server/src/handlers/mod.rs`, the texts of the tests,
the captures and the protocol notes: `MEDLEY_UPDATE_DOCS=1 cargo test -p medley-stack-tests coverage`.

- **Handler**: module and function of `host/server/src/handlers`.
- **Needs**: a connection, a session or a login; without it the request is refused (SessionKeyInvalid,
  PlayerNotPrivileged), or as `early` says.
- **Failure**: status of the paired answer; `silent`: never answered.
- **Evidence**: captures in which a console sends it (in *italics* those whose server is a hobby server; with `?` where the
  request was inferred from its answer); sections of the protocol notes (`servers.md`) that say what it does; `emulators` and
  how many public servers know its layout.
- **Tests**: beside `stack/every_request`, which sends each of them but DmePacketFragment and those of MAPS, empty and filled,
  to every server in every state and dialect. Those that name the message themselves come first, then those that send it by a
  helper.
";

/// What protocol notes and captures tell of a message.
#[derive(Debug, Default)]
struct Evidence {
    captures: BTreeMap<String, BTreeSet<String>>,
    sections: BTreeMap<String, Vec<String>>,
    emulators: BTreeMap<String, usize>,
}

/// The captures of hobby servers: README of the captures.
fn is_hobby(capture: &str) -> bool {
    capture.contains("mas_login")
}

impl Evidence {
    fn read() -> Result<Self> {
        let mut evidence = Self::default();
        for name in names()? {
            let capture = Capture::load(&name)?;
            let told = if is_hobby(&name) { format!("*{name}*") } else { name.clone() };
            for (_, decoded) in capture.messages(Direction::ToServer) {
                if decoded.app.is_some() {
                    evidence.captures.entry(decoded.name).or_default().insert(told.clone());
                }
            }
        }
        for scenario in SCENARIOS {
            for (_, message, _) in scenario.inferred {
                let captures = evidence.captures.entry((*message).to_owned()).or_default();
                if !captures.contains(scenario.capture) {
                    captures.insert(format!("{}?", scenario.capture));
                }
            }
        }
        let protocol = shared().join("protocol");
        let schema: toml::Table = fs::read_to_string(protocol.join("messages.toml"))?.parse()?;
        let messages = schema.get("message").and_then(toml::Value::as_array).context("no messages")?;
        for message in messages {
            let name = message.get("name").and_then(toml::Value::as_str).context("no name")?;
            let sources = message.get("sources").and_then(toml::Value::as_array).map_or(0, Vec::len);
            evidence.emulators.insert(name.to_owned(), sources);
        }
        evidence.read_sections(&fs::read_to_string(protocol.join("servers.md"))?);
        Ok(evidence)
    }

    /// Words of each numbered section; a message is in a section that has its name, with or without `Request`.
    fn read_sections(&mut self, text: &str) {
        let mut section = String::new();
        let mut said: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        let mut order = Vec::new();
        for line in text.lines() {
            if let Some(heading) = line.strip_prefix("## ").or_else(|| line.strip_prefix("### ")) {
                let number = heading.split_whitespace().next().unwrap_or_default().trim_end_matches('.');
                if number.starts_with(|first: char| first.is_ascii_digit()) {
                    section = number.to_owned();
                    order.push(section.clone());
                }
            }
            let words = line.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            said.entry(section.clone()).or_default().extend(words);
        }
        for info in requests::all() {
            let short = info.name.trim_start_matches("Medius");
            let stem = short.replace("Request", "");
            let has = |section: &&String| {
                said.get(*section)
                    .is_some_and(|words| [info.name, short, &stem].iter().any(|name| words.contains(name)))
            };
            self.sections.insert(info.name.to_owned(), order.iter().filter(has).cloned().collect());
        }
    }

    fn of(&self, info: &MessageInfo) -> String {
        let mut parts = Vec::new();
        if let Some(captures) = self.captures.get(info.name) {
            parts.push(captures.iter().cloned().collect::<Vec<_>>().join(", "));
        }
        if let Some(sections) = self.sections.get(info.name).filter(|sections| !sections.is_empty()) {
            parts.push(format!("servers.md {}", sections.join(", ")));
        }
        let emulators = self.emulators.get(info.name).copied().unwrap_or_default();
        if emulators > 0 {
            parts.push(format!("emulators: {emulators}"));
        }
        parts.join("; ")
    }
}

fn servers(row: &HandlerInfo) -> String {
    let all = [
        (ServerKind::Muis, "MUIS"),
        (ServerKind::Mas, "MAS"),
        (ServerKind::Mls, "MLS"),
        (ServerKind::Mps, "MPS"),
    ];
    let taken = all.iter().filter(|(kind, _)| row.servers.include(*kind)).map(|(_, name)| *name);
    taken.collect::<Vec<_>>().join(", ")
}

fn status(status: CallbackStatus) -> String {
    status.name().map_or_else(|| status.0.to_string(), |name| name.trim_start_matches("Medius").to_owned())
}

fn needs(row: &HandlerInfo) -> String {
    let needs = match row.needs {
        Needs::Connection => "connection",
        Needs::Session => "session",
        Needs::Login => "login",
    };
    match row.early {
        Early::Refused => needs.to_owned(),
        Early::Status(early) => format!("{needs}; early {}", status(early)),
        Early::Unanswered => format!("{needs}; early unanswered"),
    }
}

/// The captures whose replay sends the message, then the tests that name it, then those whose helpers do.
fn tests(info: &MessageInfo, evidence: &Evidence, tests: &[scan::Test]) -> String {
    let replayed = evidence.captures.get(info.name).into_iter().flatten().filter(|capture| {
        let name = capture.trim_matches(['*', '?']);
        SCENARIOS.iter().any(|scenario| scenario.capture == name)
    });
    let replays = replayed.count();
    // Names of messages are type names without the prefix.
    let word = info.name.trim_start_matches("Medius");
    let mut direct: Vec<_> = tests.iter().filter(|test| test.direct.contains(word)).collect();
    let called: Vec<_> = tests.iter().filter(|test| test.called.contains(word)).collect();
    // Who names few messages is about them.
    direct.sort_by_key(|test| (test.direct.len(), &test.name));
    let all: Vec<_> = direct.iter().chain(&called).map(|test| format!("`{}`", test.name)).collect();
    let mut cell = all.iter().take(SHOWN).cloned().collect::<Vec<_>>();
    if all.len() > SHOWN {
        cell.push("and others".to_owned());
    }
    if replays > 0 {
        cell.push(format!("{replays} {}", if replays == 1 { "replay" } else { "replays" }));
    }
    cell.join(", ")
}

fn scanned(root: &Path) -> Result<Vec<scan::Test>> {
    let known: BTreeSet<&str> = requests::all().map(|info| info.name.trim_start_matches("Medius")).collect();
    scan::tests(root, &known)
}

/// Messages that no test names and no replay sends.
pub(crate) fn untested(root: &Path) -> Result<Vec<&'static str>> {
    let (evidence, scanned) = (Evidence::read()?, scanned(root)?);
    let alone = requests::all().filter(|info| tests(info, &evidence, &scanned).is_empty());
    Ok(alone.map(|info| info.name).collect())
}

/// The whole document.
pub(crate) fn rendered(root: &Path) -> Result<String> {
    let (evidence, scanned) = (Evidence::read()?, scanned(root)?);
    let mut text = HEAD.to_owned();
    let all: Vec<_> = requests::all().collect();
    let handled = all.iter().filter(|info| requests::row(info).is_some()).count();
    write!(text, "\n{} messages, {handled} with a handler.\n", all.len())?;
    for (class, title) in [
        (NetMessageClass::LOBBY, "Lobby (class 1)"),
        (NetMessageClass::LOBBY_EXT, "LobbyExt (class 4)"),
        (NetMessageClass::LOBBY_REPORT, "LobbyReport (class 3): game servers and console hosts"),
        (NetMessageClass::DME, "DME (class 0): between consoles, in what the relay carries unread"),
        (NetMessageClass::APPLICATION, "Application (class 2): MAPS, by the plugin transport"),
    ] {
        write!(
            text,
            "\n## {title}\n\n| Message | Id | Servers | Handler | Needs | Failure | Evidence | Tests |\n|---|---|---|---|---|---|---|---|\n"
        )?;
        for info in all.iter().filter(|info| info.class == class) {
            let [servers, handler, needs, failure] = match requests::row(info) {
                Some(row) => [
                    servers(row),
                    format!("`{}::{}`", row.area, row.function),
                    needs(row),
                    match row.failure {
                        Failure::Status(failure) => status(failure),
                        Failure::Silent => "silent".to_owned(),
                    },
                ],
                None => ["none".to_owned(), "none".to_owned(), String::new(), String::new()],
            };
            writeln!(
                text,
                "| {} | {:#04x} | {servers} | {handler} | {needs} | {failure} | {} | {} |",
                info.name,
                info.id,
                evidence.of(info),
                tests(info, &evidence, &scanned),
            )?;
        }
    }
    Ok(text)
}
