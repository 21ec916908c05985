//! From a title's files to instances that wait to serve.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use medley_runtime::api::Role;
use medley_runtime::{Assets, Candidate, Env, Grants, Limits, Plugin, Runtime, SettingError, Settings};
use medley_server::TitleHandle;
use medley_titles::{PluginConfig, PluginFile, PluginLimits, Title, TitleAssets};
use sha2::{Digest as _, Sha256};

use crate::PluginError;

/// All that decides what serves a title, small enough to be kept and compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Inputs {
    file: PluginFile,
    bytes: [u8; 32],
    assets: [u8; 32],
    config: PluginConfig,
    app_ids: Vec<u32>,
}

impl Inputs {
    /// Reads the files of a title.
    pub(crate) fn read(title: &Title, file: &PluginFile) -> Result<(Self, Vec<u8>, Assets), PluginError> {
        let bytes = file.read()?;
        let assets = match title.assets() {
            TitleAssets::Folder(folder) => {
                Assets::read(&folder).map_err(|error| PluginError::Assets(error.to_string()))?
            }
            TitleAssets::BuiltIn(files) => {
                files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).collect()
            }
        };
        let mut digest = Sha256::new();
        for name in assets.names() {
            let bytes = assets.get(name).unwrap_or_default();
            digest.update(name.len().to_le_bytes());
            digest.update(name);
            digest.update(bytes.len().to_le_bytes());
            digest.update(bytes);
        }
        let inputs = Self {
            file: file.clone(),
            bytes: Sha256::digest(&bytes).into(),
            assets: digest.finalize().into(),
            config: title.config.plugin.clone(),
            app_ids: app_ids(title),
        };
        Ok((inputs, bytes, assets))
    }

    /// Whether a running plugin can take the difference up.
    pub(crate) fn same_but_settings(&self, new: &Self) -> bool {
        let config = PluginConfig { settings: self.config.settings.clone(), ..new.config.clone() };
        *self == Self { config, ..new.clone() }
    }
}

fn app_ids(title: &Title) -> Vec<u32> {
    title.apps.iter().map(|app| app.id).collect()
}

/// A loaded plugin in a title's environment.
#[derive(Clone)]
pub(crate) struct Artifact {
    plugin: Arc<Plugin>,
    env: Arc<Env>,
    answers: TitleHandle,
}

/// Instances that wait to serve: one for the lobby, and one for each thread of the relay if the plugin takes part there.
pub(crate) struct Prepared {
    pub(crate) artifact: Artifact,
    pub(crate) lobby: Candidate,
    pub(crate) relay: Vec<Candidate>,
}

impl Artifact {
    /// Loads a component for a title. Blocks, up to seconds.
    pub(crate) fn load(
        runtime: &Runtime,
        title: &Title,
        bytes: &[u8],
        assets: Assets,
        generation: u64,
        answers: TitleHandle,
    ) -> Result<Self, PluginError> {
        let origin = title.plugin.as_ref().map_or_else(|| title.id.clone(), ToString::to_string);
        let plugin = runtime.load(bytes, &origin)?;
        let settings = settings(title, &plugin)?;
        let config = &title.config.plugin;
        let grants = Grants::parse(config.grants.iter().map(String::as_str));
        let grants =
            grants.map_err(|error| PluginError::Config(at(title, "plugin.grants", &error.to_string())))?;
        let to = answers.clone();
        let env = Env {
            settings: ArcSwap::from_pointee(settings),
            assets,
            grants,
            limits: limits(&config.limits),
            http: Some(Box::new(move |done| to.http_done(done))),
            ..Env::new(&title.id, app_ids(title), generation)
        };
        Ok(Self { plugin, env: Arc::new(env), answers })
    }

    /// The same plugin and environment as another generation.
    pub(crate) fn again(&self, generation: u64) -> Result<Self, PluginError> {
        let old = &self.env;
        let to = self.answers.clone();
        let env = Env {
            settings: ArcSwap::new(old.settings.load_full()),
            assets: old.assets.clone(),
            grants: old.grants.clone(),
            limits: old.limits.clone(),
            http: Some(Box::new(move |done| to.http_done(done))),
            ..Env::new(&old.title, old.app_ids.clone(), generation)
        };
        Ok(Self { plugin: Arc::clone(&self.plugin), env: Arc::new(env), answers: self.answers.clone() })
    }

    /// Makes and tries its instances. Blocks.
    pub(crate) fn prepare(self, trial: Option<&[u8]>, threads: usize) -> Result<Prepared, PluginError> {
        let lobby = self.plugin.prepare(Role::Lobby, &self.env, trial)?;
        let threads = if self.plugin.hooks().wants_relay() { threads } else { 0 };
        let relay = (0..threads).map(|_| self.plugin.prepare(Role::Relay, &self.env, None));
        let relay = relay.collect::<Result<_, _>>()?;
        Ok(Prepared { artifact: self, lobby, relay })
    }

    /// The plugin.
    pub(crate) fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// Its number among the loads of the title.
    pub(crate) fn generation(&self) -> u64 {
        self.env.generation
    }

    /// Name, version and the file it came from.
    pub(crate) fn describe(&self) -> String {
        let description = &self.plugin.manifest().description;
        format!("{} {} ({})", description.name, description.version, self.plugin.origin())
    }
}

/// Checks the settings of `game.toml` against what the plugin declares.
pub(crate) fn settings(title: &Title, plugin: &Plugin) -> Result<Settings, PluginError> {
    Settings::check(&plugin.manifest().settings, &title.config.plugin.settings.0).map_err(|error| {
        let key = match &error {
            SettingError::Unknown { key, .. }
            | SettingError::Type { key, .. }
            | SettingError::Bounds { key, .. } => format!("plugin.settings.{key}"),
            _ => "plugin.settings".to_owned(),
        };
        PluginError::Config(at(title, &key, &error.to_string()))
    })
}

/// A sentence about a key of the title's `game.toml`, with its place.
fn at(title: &Title, key: &str, text: &str) -> String {
    let place = title.problem(key, "", "", "");
    if place.line == 0 {
        format!("{}: {text}", place.file)
    } else {
        format!("{}:{}:{}: {text}", place.file, place.line, place.column)
    }
}

fn limits(config: &PluginLimits) -> Limits {
    let millis = |number: u32| Duration::from_millis(number.into());
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Limits {
        memory: usize::try_from(config.memory_bytes).unwrap_or(usize::MAX),
        hook_cpu: millis(config.call_cpu_millis),
        hook_wall: millis(config.call_wall_millis),
        packets_cpu: millis(config.packets_cpu_millis),
        load_cpu: millis(config.load_cpu_millis),
        log_lines: config.log_lines_per_second,
        store_bytes: config.store_bytes_per_second,
        timers: count(config.timers),
        sends: config.sends_per_call,
        failures: config.failures_per_minute,
        failure_window: Duration::from_secs(60),
        ..Limits::default()
    }
}
