//! A loaded plugin, what it needs to be an instance, and an instance that waits to serve.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::api::{Description, Role, Setting};
use crate::assets::Assets;
use crate::error::{LoadError, LoadFailure};
use crate::grants::Grants;
use crate::hook::Subscriptions;
use crate::http::HttpDone;
use crate::instance::{Live, Mould, Purpose, Time};
use crate::limits::Limits;
use crate::meter::Meter;
use crate::settings::Settings;

/// What a plugin says about itself.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Name, version, app ids.
    pub description: Description,
    /// The settings that it knows.
    pub settings: Vec<Setting>,
    /// What it asks for, with the reason it gives.
    pub capabilities: Vec<crate::api::Capability>,
    /// The same as a set.
    pub wanted: Grants,
    /// What it is called for.
    pub subscriptions: Arc<Subscriptions>,
    /// The interface version it is built against.
    pub interface: String,
}

/// What an instance knows of its title. A new one for each load or reload; settings alone change under a running instance.
pub struct Env {
    /// The title's name, for logs and metrics.
    pub title: String,
    /// Its application ids.
    pub app_ids: Vec<u32>,
    /// Counts loads and reloads of this title's plugin; in every line of log.
    pub generation: u64,
    /// The checked settings. Store new ones here, then tell [`Event::SettingsChanged`](crate::api::Event::SettingsChanged).
    pub settings: ArcSwap<Settings>,
    /// The plugin's files.
    pub assets: Assets,
    /// What `game.toml` grants.
    pub grants: Grants,
    /// What an instance may use.
    pub limits: Limits,
    /// Gets each finished HTTP request, on a thread of the runtime; hand it to [`Guest::http_done`](crate::Guest::http_done). `None`:
    /// requests are answered `unavailable`.
    pub http: Option<Box<dyn Fn(HttpDone) + Send + Sync>>,
}

impl Env {
    /// An environment without settings, assets or grants, with the default limits.
    pub fn new(title: impl Into<String>, app_ids: Vec<u32>, generation: u64) -> Self {
        Self {
            title: title.into(),
            app_ids,
            generation,
            settings: ArcSwap::default(),
            assets: Assets::default(),
            grants: Grants::default(),
            limits: Limits::default(),
            http: None,
        }
    }
}

/// A compiled plugin and its manifest.
pub struct Plugin {
    origin: String,
    digest: String,
    manifest: Manifest,
    mould: Mould,
}

impl Plugin {
    pub(crate) fn new(origin: String, digest: String, manifest: Manifest, mould: Mould) -> Self {
        Self { origin, digest, manifest, mould }
    }

    /// What it says about itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// SHA-256 of its bytes, in hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The file it came from.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What it is called for.
    pub fn hooks(&self) -> &Arc<Subscriptions> {
        &self.manifest.subscriptions
    }

    /// Makes an instance ready to serve. First it is tried aside: `restore(trial)` if there is a state, then `self-check`, in an instance
    /// that is thrown away. Blocking (up to [`Limits::load_cpu`] each): off the actor. Settings must have been checked against this
    /// plugin's manifest.
    pub fn prepare(
        self: &Arc<Self>,
        role: Role,
        env: &Arc<Env>,
        trial: Option<&[u8]>,
    ) -> Result<Candidate, LoadError> {
        self.try_prepare(role, env, trial).map_err(|why| why.at(&self.origin))
    }

    fn try_prepare(
        self: &Arc<Self>,
        role: Role,
        env: &Arc<Env>,
        trial: Option<&[u8]>,
    ) -> Result<Candidate, LoadFailure> {
        let made_for = &self.manifest.description.app_ids;
        if !made_for.is_empty() && !env.app_ids.iter().any(|app| made_for.contains(app)) {
            return Err(LoadFailure::WrongTitle {
                made_for: list(made_for),
                title: env.title.clone(),
                found: list(&env.app_ids),
            });
        }
        let time = Time::aside(&env.limits);
        let nothing = Arc::new(Meter::none());
        let mut aside = Live::new(&self.mould, env, role, Purpose::Trial, &nothing, time)?;
        aside.restore(None, trial, time)?;
        aside.self_check(time)?;
        drop(aside);
        let meter = Arc::new(Meter::new(&env.title));
        let live = self.instance(role, env, &meter, time)?;
        Ok(Candidate { plugin: Arc::clone(self), env: Arc::clone(env), role, live, meter })
    }

    /// A new instance that serves nothing yet.
    pub(crate) fn instance(
        &self,
        role: Role,
        env: &Arc<Env>,
        meter: &Arc<Meter>,
        time: Time,
    ) -> Result<Live, LoadFailure> {
        Live::new(&self.mould, env, role, Purpose::Serve, meter, time)
    }
}

/// An instance that has served nothing yet.
pub struct Candidate {
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) env: Arc<Env>,
    pub(crate) role: Role,
    pub(crate) live: Live,
    pub(crate) meter: Arc<Meter>,
}

impl Candidate {
    /// What it is an instance of.
    pub fn plugin(&self) -> &Arc<Plugin> {
        &self.plugin
    }

    /// Its environment.
    pub fn env(&self) -> &Arc<Env> {
        &self.env
    }

    /// Where it is to serve.
    pub fn role(&self) -> Role {
        self.role
    }
}

fn list(apps: &[u32]) -> String {
    apps.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}
