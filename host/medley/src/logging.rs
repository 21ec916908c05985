//! Log output: for people or as JSON lines, on standard error.

use anyhow::Context as _;
use medley_titles::host::{LogConfig, LogFormat};
use tracing_subscriber::EnvFilter;

/// Starts logging. Called once, before anything is bound.
pub(crate) fn start(config: &LogConfig) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.level).with_context(|| {
        format!(
            "log.level: `{}` is no level or filter like info, debug or info,medley_relay=debug",
            config.level
        )
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Human => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("the log could not be started: {error}"))
}
