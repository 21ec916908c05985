//! What a server asks about one app id at run time: the app's values laid over its title's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::document::Document;
use crate::host::EncryptionDefaults;
use crate::load::{MAX_CONFIG_BYTES, read_text};
use crate::plugin::{PluginFile, TitleAssets, find_assets};
use crate::problem::Problem;
use crate::title::{
    AppConfig, Cipher, Handshake, Location, RelayCipher, Status, TitleConfig, TitleEncryption, Universe,
    Versions,
};

/// A title as it is served: its folder's name, its configuration with all text files read, its app ids.
#[derive(Clone, Debug, PartialEq)]
pub struct Title {
    /// The folder's name: lower case letters, digits and `-`. Key of the title everywhere (store, logs, metrics).
    pub id: String,
    /// Where it was read from: a path, or `built-in/<id>/game.toml`.
    pub origin: String,
    /// The file. Announcement and policy texts that stood in files are filled in.
    pub config: TitleConfig,
    /// Its app ids, in the order of the file, with everything resolved.
    pub apps: Vec<App>,
    /// Its plugin, where it has one and uses it.
    pub plugin: Option<PluginFile>,
    /// The folder of the titles on disk, whose files go before those that are built in. `None`: there is none.
    pub games_dir: Option<PathBuf>,
}

/// One app id of a title.
#[derive(Clone, Debug, PartialEq)]
pub struct App {
    /// The application id.
    pub id: u32,
    /// The name for people: the app's own, else the title's.
    pub name: String,
    /// ApplicationName, which FindPlayer and FindWorldByName tell.
    pub application_name: String,
    /// Region, as the sources have it; may be empty.
    pub region: String,
    /// Platform, as the sources have it; may be empty.
    pub platform: String,
    /// Medius version of the client as `1.08`, where known; may be empty. Informative: a run decides by the client's hello.
    pub medius_version: String,
    /// How well it is known to work.
    pub status: Status,
    /// Host names compiled into the game.
    pub hosts: Vec<String>,
    /// Name of the server key for MUIS and MAS in the key store.
    pub rsa_key: String,
    /// The connect sequence.
    pub handshake: Handshake,
    /// Encryption as far as the title decides it; see [`App::encryption`].
    pub own_encryption: TitleEncryption,
    /// What MUIS tells; never empty, enabled ones only unless none is enabled, names filled in.
    pub universes: Vec<Universe>,
    /// Answers of GetLocations; may be empty.
    pub locations: Vec<Location>,
    /// Version texts.
    pub versions: Versions,
}

/// What is enciphered for one app id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Encryption {
    /// MLS.
    pub mls: Cipher,
    /// DME.
    pub dme: Cipher,
    /// Frames between players.
    pub relay: RelayCipher,
}

/// An app id together with its title, cheap to clone: what a connection keeps.
#[derive(Clone, Debug)]
pub struct AppRef {
    pub(crate) title: Arc<Title>,
    pub(crate) index: usize,
}

/// The server key with which all captured titles open on MUIS and MAS (`keys.toml`).
pub const DEFAULT_RSA_KEY: &str = "medius_global";

impl Title {
    /// Resolves the app ids of a checked configuration.
    pub(crate) fn new(id: String, origin: String, config: TitleConfig) -> Self {
        let apps = config.app.iter().map(|app| App::new(app, &config)).collect();
        Self { id, origin, config, apps, plugin: None, games_dir: None }
    }

    /// Finds its plugin: in the games folder, else among what is built in.
    pub(crate) fn find_plugin(&mut self, games_dir: Option<&Path>) {
        self.plugin = PluginFile::find(&self.config.plugin, &self.id, games_dir, crate::set::BUILT_IN_FILES);
        self.games_dir = games_dir.map(Path::to_owned);
    }

    /// Where its assets are.
    pub fn assets(&self) -> TitleAssets {
        find_assets(&self.id, self.games_dir.as_deref(), crate::set::BUILT_IN_FILES)
    }

    /// Makes a problem of the key at `path` of its `game.toml`, with its place in the file as it stands now.
    pub fn problem(
        &self,
        path: &str,
        wanted: impl Into<String>,
        found: impl Into<String>,
        help: impl Into<String>,
    ) -> Problem {
        let text = read_text(Path::new(&self.origin), &self.origin, MAX_CONFIG_BYTES);
        let text = text.ok().or_else(|| crate::set::built_in_text(&self.id).map(str::to_owned));
        let (wanted, found, help) = (wanted.into(), found.into(), help.into());
        match Document::parse(&self.origin, text.as_deref().unwrap_or_default()) {
            Ok(doc) => doc.problem(path, wanted, found, help),
            Err(_) => {
                let (file, key) = (self.origin.clone(), path.to_owned());
                Problem { file, line: 0, column: 0, key, wanted, found, help }
            }
        }
    }
}

impl App {
    fn new(app: &AppConfig, title: &TitleConfig) -> Self {
        let name = if app.name.is_empty() { title.name.clone() } else { app.name.clone() };
        let mut universes =
            if app.universe.is_empty() { title.universe.clone() } else { app.universe.clone() };
        if universes.is_empty() {
            universes.push(Universe::default());
        }
        for universe in &mut universes {
            if universe.name.is_empty() {
                universe.name.clone_from(&name);
            }
        }
        let application_name =
            if app.application_name.is_empty() { name.clone() } else { app.application_name.clone() };
        Self {
            id: app.id,
            application_name,
            region: app.region.clone(),
            platform: app.platform.clone(),
            medius_version: app.medius_version.clone(),
            status: app.status.unwrap_or(title.status),
            hosts: app.hosts.clone(),
            rsa_key: app.rsa_key.clone().unwrap_or_else(|| DEFAULT_RSA_KEY.to_owned()),
            handshake: Handshake::default().with(&title.handshake).with(&app.handshake),
            own_encryption: app.encryption.over(&title.encryption),
            universes,
            locations: if app.location.is_empty() { title.location.clone() } else { app.location.clone() },
            versions: app.versions.clone().unwrap_or_else(|| title.versions.clone()),
            name,
        }
    }

    /// Says what is enciphered, given the host's defaults.
    pub fn encryption(&self, defaults: &EncryptionDefaults) -> Encryption {
        Encryption {
            mls: self.own_encryption.mls.unwrap_or(defaults.mls),
            dme: self.own_encryption.dme.unwrap_or(defaults.dme),
            relay: self.own_encryption.relay.unwrap_or(defaults.relay),
        }
    }
}

impl AppRef {
    /// The title.
    pub fn title(&self) -> &Arc<Title> {
        &self.title
    }

    /// The app id's resolved values.
    pub fn app(&self) -> &App {
        &self.title.apps[self.index]
    }
}
