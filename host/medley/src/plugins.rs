//! What an operator can do with titles' plugins on a running host.

use std::path::Path;

use medley_plugins::{Plugins, Status};
use medley_relay::RelayHandle;
use medley_runtime::api::CommandOutcome;
use medley_runtime::{Runtime, RuntimeConfig};
use medley_server::ServerHandle;
use serde::{Deserialize, Serialize};

use crate::{Failure, exit};

/// Folder of compiled plugins below the data folder.
const CACHE: &str = "plugin-cache";

/// Something to do with a title's plugin, as it travels over the control socket.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PluginOrder {
    /// Loads it again from its files.
    Reload,
    /// Goes back to what served before.
    Rollback,
    /// Ends its quarantine.
    Resume,
    /// Says what it is and how it does.
    Status,
    /// Runs one of its commands.
    Command { name: String, arguments: Vec<String> },
}

/// The plugins of a host that starts: each title's is loaded, or the log says in one sentence why not.
pub(crate) async fn start(
    data_dir: &Path,
    server: ServerHandle,
    relay: Option<RelayHandle>,
) -> Result<Plugins, Failure> {
    let config = RuntimeConfig { cache: Some(data_dir.join(CACHE)), ..RuntimeConfig::default() };
    let runtime = Runtime::new(config).map_err(|error| Failure::new(exit::UNAVAILABLE, error))?;
    let plugins = Plugins::new(runtime, server, relay);
    refresh(&plugins).await;
    Ok(plugins)
}

/// Takes changed plugins up; the lines say what changed and what was not taken.
pub(crate) async fn refresh(plugins: &Plugins) -> Vec<String> {
    let mut lines = Vec::new();
    for (title, change) in plugins.refresh().await {
        match change {
            Ok(change) => lines.push(format!("{title}: {change}")),
            Err(error) => {
                tracing::error!(title, %error, "plugin not taken: what served before goes on");
                lines.push(format!("{title}: plugin not taken, what served before goes on: {error}"));
            }
        }
    }
    lines
}

impl PluginOrder {
    /// Does it; the lines are for the operator.
    pub(crate) async fn obey(self, plugins: &Plugins, title: &str) -> Result<Vec<String>, String> {
        let told = |error: medley_plugins::PluginError| error.to_string();
        match self {
            Self::Reload => Ok(vec![format!("{title}: {}", plugins.reload(title).await.map_err(told)?)]),
            Self::Rollback => Ok(vec![format!("{title}: {}", plugins.rollback(title).await.map_err(told)?)]),
            Self::Resume => {
                let view = plugins.resume(title).await.map_err(told)?;
                Ok(vec![format!("{title}: plugin {} {} is {}", view.name, view.version, view.health)])
            }
            Self::Status => Ok(describe(&plugins.status(title).await.map_err(told)?)),
            Self::Command { name, arguments } => {
                match plugins.command(title, name.clone(), arguments).await.map_err(told)? {
                    CommandOutcome::Done(text) => Ok(text.lines().map(str::to_owned).collect()),
                    CommandOutcome::Refused(text) => Err(text),
                    CommandOutcome::Unknown => Err(format!(
                        "the plugin of {title} has no command `{name}`; `medley plugin status {title}` lists them"
                    )),
                    CommandOutcome::Failed(why) => Err(why),
                }
            }
        }
    }
}

fn describe(status: &Status) -> Vec<String> {
    let mut lines = Vec::new();
    match &status.serving {
        None => lines.push(format!("{}: no plugin, the host's own rules", status.title)),
        Some(view) => {
            lines.push(format!("{}: {} {}, {}", status.title, view.name, view.version, view.health));
            lines.push(view.summary.clone());
            lines.push(format!("file\t{}", view.origin));
            lines.push(format!("sha256\t{}", view.digest));
            lines.push(format!("generation\t{}", view.generation));
            lines.push(format!("failures\t{}", view.failures));
            lines.push(format!("memory\t{} bytes", view.memory));
            if let Some(why) = &view.why {
                lines.push(format!("quarantined\t{why}"));
            }
            if !view.not_granted.is_empty() {
                lines.push(format!("not granted\t{}", view.not_granted.join(", ")));
            }
            lines.push(format!("hooks\t{}", view.hooks.join(", ")));
            for (name, usage, help) in &view.commands {
                lines.push(format!("command\t{name} {usage}\t{help}"));
            }
        }
    }
    if let Some(previous) = &status.previous {
        lines.push(format!("before\t{previous}"));
    }
    if let Some(error) = &status.error {
        lines.push(format!("not taken\t{error}"));
    }
    lines
}
