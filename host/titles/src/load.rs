//! `medley.toml` and the environment become a [`HostConfig`].

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::check;
use crate::document::{Document, line_column};
use crate::host::HostConfig;
use crate::keys::{Described, KeyDoc, keys_of};
use crate::problem::{ConfigErrors, Problem, excerpt};

/// Bytes of a configuration file at most; the largest shipped one is a few KiB.
pub(crate) const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// The prefix of environment variables: `listen.mas` is `MEDLEY_LISTEN_MAS`.
pub const ENVIRONMENT_PREFIX: &str = "MEDLEY_";

/// Variables with the prefix that are no keys: where the file is (read by the program) and the switch of the documentation tests.
const OTHER_VARIABLES: [&str; 5] =
    ["MEDLEY_CONFIG", "MEDLEY_KILL_ROUNDS", "MEDLEY_RELOAD_PLAYERS", "MEDLEY_SHARED", "MEDLEY_UPDATE_DOCS"];

/// When a changed key takes effect on a running host.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Effect {
    /// At once, for everybody.
    Live,
    /// For connections made from now on.
    NewConnections,
    /// At the next start; until then the old value holds.
    Restart,
}

/// A key whose value changed in a reload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChangedKey {
    /// Dotted path of the key.
    pub key: String,
    /// When the new value holds.
    pub effect: Effect,
}

/// Keys and tables of `medley.toml` that hold from the next start on.
const HOST_RESTART: [&str; 15] = [
    "data_dir",
    "games_dir",
    "listen",
    "store",
    "metrics",
    "log",
    "relay.enabled",
    "relay.mps",
    "relay.secret",
    "relay.udp_mode",
    "relay.udp_base",
    "relay.udp_ports",
    "relay.reconnect",
    "password",
    "limits.push_queue",
];

/// Keys and tables of `medley.toml` that hold for new connections.
const HOST_NEW_CONNECTIONS: [&str; 13] = [
    "relay.max_players_per_world",
    "relay.game_timeout",
    "relay.client_timeout",
    "relay.aggregation",
    "relay.max_datagram_ps2",
    "relay.max_datagram_ps3",
    "public_address",
    "nat_address",
    "encryption",
    "relay.public_address",
    "timeouts.auth",
    "timeouts.client",
    "timeouts.server_echo",
];

impl HostConfig {
    /// Loads the configuration: built-in values, then the file if one is given, then the environment.
    ///
    /// `environment` is every variable of the process (or of a test); those without the prefix are passed over.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        match file {
            None => Self::parse("built-in configuration", "", environment),
            Some(path) => {
                let name = path.display().to_string();
                let text = read_text(path, &name, MAX_CONFIG_BYTES)
                    .map_err(|problem| ConfigErrors(vec![*problem]))?;
                Self::parse(&name, &text, environment)
            }
        }
    }

    /// Parses and checks the text of a file; `file` is its name in errors.
    pub fn parse(
        file: &str,
        text: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        let mut doc = Document::parse(file, text)?;
        let mut config: Self = doc.read();
        config.apply_environment(environment, &mut doc);
        check::host(&config, &mut doc);
        doc.finish()?;
        Ok(config)
    }

    /// Checks a configuration that was changed after loading, by flags say; `origin` names the source of the changes in errors.
    pub fn check(&self, origin: &str) -> Result<(), ConfigErrors> {
        let mut doc = Document::parse(origin, "")?;
        check::host(self, &mut doc);
        doc.finish()
    }

    /// Lists the keys in which `new` differs, and when each takes effect.
    pub fn changes(&self, new: &Self) -> Vec<ChangedKey> {
        let mut keys = Vec::new();
        self.changed(new, "", &mut keys);
        keys.into_iter().map(|key| ChangedKey { effect: host_effect(&key), key }).collect()
    }

    /// The new configuration as far as a running host can take it up: keys that need a restart keep their old value.
    pub fn live_part_of(&self, new: &Self) -> Self {
        let mut taken = new.clone();
        for change in self.changes(new) {
            if change.effect == Effect::Restart {
                taken.copy_key(self, &change.key);
            }
        }
        taken
    }

    fn apply_environment(
        &mut self,
        environment: impl IntoIterator<Item = (String, String)>,
        doc: &mut Document<'_>,
    ) {
        let keys: BTreeMap<String, KeyDoc> =
            environment_keys().into_iter().map(|key| (environment_name(&key.path), key)).collect();
        for (variable, value) in environment {
            if !variable.starts_with(ENVIRONMENT_PREFIX) || OTHER_VARIABLES.contains(&variable.as_str()) {
                continue;
            }
            let Some(key) = keys.get(&variable) else {
                doc.problems.push(Problem {
                    file: format!("environment variable {variable}"),
                    line: 0,
                    column: 0,
                    key: String::new(),
                    wanted: "MEDLEY_ and the name of a key".to_owned(),
                    found: "no such key".to_owned(),
                    help: "unset it; docs/configuration.md lists the variables".to_owned(),
                });
                continue;
            };
            doc.from_environment.insert(key.path.clone(), variable);
            let set = candidates(key, &value).iter().any(|toml| {
                let parsed = Document::parse("", toml).ok().and_then(|mut one| {
                    let config: Self = one.read();
                    one.problems.is_empty().then_some(config)
                });
                parsed.is_some_and(|config| self.copy_key(&config, &key.path))
            });
            if !set {
                let found = format!("`{}`", excerpt(&value));
                doc.note(&key.path, key.kind.clone(), found, "change or unset the variable");
            }
        }
    }
}

/// The keys that an environment variable can set: all plain ones.
pub(crate) fn environment_keys() -> Vec<KeyDoc> {
    keys_of::<HostConfig>().into_iter().filter(|key| !key.section).collect()
}

/// The variable for a key: `listen.mas` is `MEDLEY_LISTEN_MAS`.
pub fn environment_name(path: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", path.replace('.', "_").to_uppercase())
}

/// When a changed key of `medley.toml` takes effect.
pub fn host_effect(path: &str) -> Effect {
    let within = |list: &[&str]| {
        list.iter()
            .any(|at| path.strip_prefix(at).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    };
    if within(&HOST_RESTART) {
        Effect::Restart
    } else if within(&HOST_NEW_CONNECTIONS) {
        Effect::NewConnections
    } else {
        Effect::Live
    }
}

/// The value of a variable as TOML: as it stands, as a string, as a list with commas.
fn candidates(key: &KeyDoc, value: &str) -> Vec<String> {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut out = Vec::new();
    if key.kind.starts_with("list") && !value.trim_start().starts_with('[') {
        let items: Vec<&str> = value.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
        out.push(format!("{} = [{}]", key.path, items.join(", ")));
        let strings: Vec<String> = items.iter().map(|item| quoted(item)).collect();
        out.push(format!("{} = [{}]", key.path, strings.join(", ")));
    } else {
        out.push(format!("{} = {}", key.path, value));
        out.push(format!("{} = {}", key.path, quoted(value)));
    }
    out
}

/// Reads a text file of bounded size; a problem says why not.
pub(crate) fn read_text(path: &Path, name: &str, max: u64) -> Result<String, Box<Problem>> {
    let whole = |wanted: &str, found: String, help: &str| {
        Box::new(Problem {
            file: name.to_owned(),
            line: 0,
            column: 0,
            key: String::new(),
            wanted: wanted.to_owned(),
            found,
            help: help.to_owned(),
        })
    };
    let unreadable = |error: std::io::Error| {
        whole("a readable file", error.to_string(), "check that the file is there and may be read")
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > max {
        return Err(whole(&format!("at most {max} bytes"), "more".to_owned(), "shorten the file"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes().get(..valid).unwrap_or(&[])).into_owned();
        let (line, column) = line_column(&text, text.len());
        let mut problem = whole("UTF-8 text", "another encoding".to_owned(), "save the file as UTF-8");
        (problem.line, problem.column) = (line, column);
        problem
    })
}
