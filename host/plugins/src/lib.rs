//! Which plugin serves which title: found by the titles' configuration, loaded aside, put into the title's actor and the
//! relay's threads, replaced when a file changes, taken back on an operator's word.
//!
//! It is not the runtime (that loads and runs one plugin) and knows no message. What happens to players during a change is
//! the actor's and the relay's business: nothing.
//!
//! - [`Plugins`] is all of it; [`Plugins::refresh`] brings every title in line with its files.
//! - [`Change`] is what became of a title, [`PluginError`] why not, in one sentence.
//!
//! | what changes | what happens |
//! |---|---|
//! | `plugin.wasm`, assets, grants, limits | loaded, tried aside, swapped; on an error the old one goes on |
//! | `[plugin.settings]` alone | the running plugin gets them and is told |
//! | no plugin any more | the title goes on natively |

mod title;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use medley_relay::RelayHandle;
use medley_runtime::api::{CommandOutcome, Role};
use medley_runtime::{LoadError, Runtime};
use medley_server::{PluginView, ServerHandle, TitleGone, TitleHandle};
use medley_titles::{PluginFileError, Title};
use serde::Serialize;
use thiserror::Error;
use tokio::sync::Mutex;

use crate::title::{Artifact, Inputs};

/// Why a title's plugin was not loaded, changed or asked.
#[derive(Debug, Error)]
pub enum PluginError {
    /// The component is no use.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The component cannot be read.
    #[error(transparent)]
    File(#[from] PluginFileError),
    /// The folder of assets cannot be read.
    #[error("{0}")]
    Assets(String),
    /// A value of `[plugin]` does not fit the plugin; the text names file and line.
    #[error("{0}")]
    Config(String),
    /// Some thread of the relay kept the old one.
    #[error(
        "the lobby has the new plugin, and {failed} of the relay's {threads} threads kept the old: {first}"
    )]
    Relay {
        /// Threads that kept it.
        failed: usize,
        /// Threads.
        threads: usize,
        /// What the first of them says.
        first: String,
    },
    /// The title is not served.
    #[error("no title `{0}` is served")]
    NoTitle(String),
    /// It has none.
    #[error("the title {0} has no plugin")]
    NoPlugin(String),
    /// There is nothing to go back to.
    #[error(
        "the title {0} has had no other plugin since the host started, so there is nothing to go back to"
    )]
    NoPrevious(String),
    /// The title's actor is gone.
    #[error(transparent)]
    Gone(#[from] TitleGone),
    /// A defect of the host's.
    #[error("the work on the plugin was lost: {0}")]
    Lost(String),
}

/// What became of a title's plugin.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It serves now, instead of another or of none.
    Loaded {
        /// Name and version.
        plugin: String,
        /// Its number among the loads of the title.
        generation: u64,
        /// For how long the title waited.
        pause: Duration,
    },
    /// Its settings of these names have other values.
    Settings(Vec<String>),
    /// The title runs on the host's own rules.
    Removed,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Loaded { plugin, generation, pause } => write!(
                f,
                "plugin {plugin} serves now (generation {generation}, the title waited {:.3} ms)",
                pause.as_secs_f64() * 1000.0
            ),
            Self::Settings(names) => write!(f, "settings changed: {}", names.join(", ")),
            Self::Removed => f.write_str("runs without a plugin now"),
        }
    }
}

/// A title's plugin for operators.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The title.
    pub title: String,
    /// What serves.
    pub serving: Option<PluginView>,
    /// What a rollback would bring back: name, version and where it came from.
    pub previous: Option<String>,
    /// Why the files as they are now are not what serves.
    pub error: Option<String>,
}

impl Status {
    /// Whether there is anything to tell: a plugin, or one that was tried in vain.
    pub fn is_known(&self) -> bool {
        self.serving.is_some() || self.previous.is_some() || self.error.is_some()
    }
}

/// Plugins of all titles. Cheap to clone.
#[derive(Clone)]
pub struct Plugins {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Plugins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugins").finish_non_exhaustive()
    }
}

struct Inner {
    runtime: Runtime,
    server: ServerHandle,
    relay: Option<RelayHandle>,
    /// Held for the length of a change: changes come one after the other.
    titles: Mutex<BTreeMap<String, Kept>>,
}

/// What is known of a title's plugin.
#[derive(Default)]
struct Kept {
    /// What was last taken from the files, or tried in vain.
    tried: Option<Inputs>,
    current: Option<Artifact>,
    previous: Option<Artifact>,
    generation: u64,
    error: Option<String>,
}

impl Plugins {
    /// Plugins for the titles of `server`; those that take part in the relay serve in `relay` too.
    pub fn new(runtime: Runtime, server: ServerHandle, relay: Option<RelayHandle>) -> Self {
        if let Some(relay) = &relay {
            let (to, back) = (relay.clone(), server.clone());
            server.shared().set_relay_link(Box::new(move |title, data| to.send_link(title, data)));
            relay.set_lobby_link(Box::new(move |title, data| {
                if let Some(handle) = back.title(title) {
                    handle.plugin_link(Role::Relay, data);
                }
            }));
        }
        Self { inner: Arc::new(Inner { runtime, server, relay, titles: Mutex::default() }) }
    }

    /// Brings every title in line with its configuration and files. Titles of which nothing changed are left alone, also
    /// those whose files were tried in vain before.
    pub async fn refresh(&self) -> Vec<(String, Result<Change, PluginError>)> {
        let mut titles = self.inner.titles.lock().await;
        let set = Arc::clone(&self.inner.server.shared().titles());
        let mut changes = Vec::new();
        for title in set.titles() {
            if title.plugin.is_none() && !titles.contains_key(&title.id) {
                continue;
            }
            let kept = titles.entry(title.id.clone()).or_default();
            if let Some(change) = self.refresh_title(title, kept, false).await.transpose() {
                changes.push((title.id.clone(), change));
            }
        }
        changes
    }

    /// Loads a title's plugin from its files again, whether they changed or not.
    ///
    /// # Errors
    /// Why not; what served goes on.
    pub async fn reload(&self, title: &str) -> Result<Change, PluginError> {
        let mut titles = self.inner.titles.lock().await;
        let found = self.title(title)?;
        let kept = titles.entry(title.to_owned()).or_default();
        self.refresh_title(&found, kept, true).await?.ok_or_else(|| PluginError::NoPlugin(title.to_owned()))
    }

    /// Goes back to what served before. A second time comes back again. It holds until the files change.
    ///
    /// # Errors
    /// There is nothing to go back to, or it cannot serve any more; what served goes on.
    pub async fn rollback(&self, title: &str) -> Result<Change, PluginError> {
        let mut titles = self.inner.titles.lock().await;
        let found = self.title(title)?;
        let none = || PluginError::NoPrevious(title.to_owned());
        let kept = titles.get_mut(title).ok_or_else(none)?;
        let previous = kept.previous.clone().ok_or_else(none)?;
        kept.generation += 1;
        let generation = kept.generation;
        let handle = self.handle(&found)?;
        let trial = handle.plugin_state().await?;
        let threads = self.threads();
        let prepared =
            blocking(move || previous.again(generation)?.prepare(trial.as_deref(), threads)).await?;
        self.install(&handle, &found, kept, prepared).await
    }

    /// Ends a quarantine: the plugin serves again.
    ///
    /// # Errors
    /// The title has no plugin.
    pub async fn resume(&self, title: &str) -> Result<PluginView, PluginError> {
        let handle = self.handle(&*self.title(title)?)?;
        if let Some(relay) = &self.inner.relay {
            relay.resume_plugin(title);
        }
        handle.resume_plugin().await?.ok_or_else(|| PluginError::NoPlugin(title.to_owned()))
    }

    /// Runs an operator's command of a title's plugin.
    ///
    /// # Errors
    /// The title has no plugin.
    pub async fn command(
        &self,
        title: &str,
        name: String,
        arguments: Vec<String>,
    ) -> Result<CommandOutcome, PluginError> {
        let handle = self.handle(&*self.title(title)?)?;
        let outcome = handle.plugin_command(name, arguments).await?;
        outcome.ok_or_else(|| PluginError::NoPlugin(title.to_owned()))
    }

    /// How a title's plugin does.
    ///
    /// # Errors
    /// The title is not served.
    pub async fn status(&self, title: &str) -> Result<Status, PluginError> {
        self.title(title)?;
        let serving = match self.inner.server.title(title) {
            Some(handle) => handle.plugin().await?,
            None => None,
        };
        let titles = self.inner.titles.lock().await;
        let kept = titles.get(title);
        Ok(Status {
            title: title.to_owned(),
            serving,
            previous: kept.and_then(|kept| kept.previous.as_ref()).map(Artifact::describe),
            error: kept.and_then(|kept| kept.error.clone()),
        })
    }

    fn title(&self, id: &str) -> Result<Arc<Title>, PluginError> {
        let titles = self.inner.server.shared().titles();
        titles.title(id).cloned().ok_or_else(|| PluginError::NoTitle(id.to_owned()))
    }

    fn handle(&self, title: &Title) -> Result<TitleHandle, PluginError> {
        self.inner.server.shared().title(title).ok_or_else(|| PluginError::NoTitle(title.id.clone()))
    }

    /// Threads of the relay.
    fn threads(&self) -> usize {
        self.inner.relay.as_ref().map_or(0, RelayHandle::threads)
    }

    async fn refresh_title(
        &self,
        title: &Arc<Title>,
        kept: &mut Kept,
        forced: bool,
    ) -> Result<Option<Change>, PluginError> {
        let result = self.try_refresh_title(title, kept, forced).await;
        match &result {
            Err(error) => kept.error = Some(error.to_string()),
            Ok(Some(_)) => kept.error = None,
            Ok(None) => {}
        }
        result
    }

    async fn try_refresh_title(
        &self,
        title: &Arc<Title>,
        kept: &mut Kept,
        forced: bool,
    ) -> Result<Option<Change>, PluginError> {
        let Some(file) = title.plugin.clone() else { return self.remove(title, kept).await };
        let of = Arc::clone(title);
        let (inputs, bytes, assets) = blocking(move || Inputs::read(&of, &file)).await?;
        if !forced && let Some(tried) = &kept.tried {
            if *tried == inputs {
                return Ok(None);
            }
            if let Some(current) = kept.current.clone().filter(|_| tried.same_but_settings(&inputs)) {
                return self.change_settings(title, kept, inputs, current).await;
            }
        }
        kept.tried = Some(inputs);
        kept.generation += 1;
        let (of, generation, runtime) = (Arc::clone(title), kept.generation, self.inner.runtime.clone());
        let handle = self.handle(title)?;
        let (trial, answers, threads) = (handle.plugin_state().await?, handle.clone(), self.threads());
        let prepared = blocking(move || {
            Artifact::load(&runtime, &of, &bytes, assets, generation, answers)?
                .prepare(trial.as_deref(), threads)
        });
        let prepared = prepared.await?;
        self.install(&handle, title, kept, prepared).await.map(Some)
    }

    async fn change_settings(
        &self,
        title: &Title,
        kept: &mut Kept,
        inputs: Inputs,
        current: Artifact,
    ) -> Result<Option<Change>, PluginError> {
        kept.tried = Some(inputs);
        let settings = title::settings(title, current.plugin())?;
        let changed = self.handle(title)?.set_plugin_settings(settings).await?.unwrap_or_default();
        if !changed.is_empty()
            && let Some(relay) = &self.inner.relay
        {
            relay.plugin_settings_changed(&title.id, &changed);
        }
        Ok((!changed.is_empty()).then_some(Change::Settings(changed)))
    }

    async fn install(
        &self,
        handle: &TitleHandle,
        title: &Title,
        kept: &mut Kept,
        prepared: title::Prepared,
    ) -> Result<Change, PluginError> {
        let title::Prepared { artifact, lobby, relay } = prepared;
        let installed = handle.install_plugin(lobby).await??;
        // Freeing an instance's memory takes longer than a swap.
        let retired = installed.retired;
        let _ = tokio::task::spawn_blocking(move || drop(retired)).await;
        let (wanted, generation) = (artifact.describe(), artifact.generation());
        if let Some(before) = kept.current.replace(artifact) {
            kept.previous = Some(before);
        }
        tracing::info!(
            title = title.id,
            plugin = wanted,
            generation,
            pause_us = u64::try_from(installed.pause.as_micros()).unwrap_or(u64::MAX),
            "plugin taken in"
        );
        if let Some(handle) = &self.inner.relay {
            let threads = relay.len();
            let failed: Vec<LoadError> = if relay.is_empty() {
                handle.remove_plugin(&title.id).await;
                Vec::new()
            } else {
                handle.install_plugin(&title.id, relay).await
            };
            if let Some(first) = failed.first() {
                let first = first.to_string();
                return Err(PluginError::Relay { failed: failed.len(), threads, first });
            }
        }
        Ok(Change::Loaded { plugin: wanted, generation, pause: installed.pause })
    }

    async fn remove(&self, title: &Title, kept: &mut Kept) -> Result<Option<Change>, PluginError> {
        kept.tried = None;
        let Some(current) = kept.current.take() else { return Ok(None) };
        kept.previous = Some(current);
        let retired = self.handle(title)?.remove_plugin().await?;
        let _ = tokio::task::spawn_blocking(move || drop(retired)).await;
        if let Some(relay) = &self.inner.relay {
            relay.remove_plugin(&title.id).await;
        }
        tracing::info!(title = title.id, "plugin taken out");
        Ok(Some(Change::Removed))
    }
}

/// Compiling, trying and reading are not for the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PluginError> + Send + 'static,
) -> Result<T, PluginError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| PluginError::Lost(error.to_string()))?
}
