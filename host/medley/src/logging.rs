//! Log output: for people or as JSON lines, on standard error.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use medley_titles::host::{LogConfig, LogFormat};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Starts logging. Called once, before anything is bound.
pub(crate) fn start(config: &LogConfig) -> anyhow::Result<()> {
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter(&config.level)?).with_writer(std::io::stderr);
    let started = match config.format {
        // Colours are for a terminal; in a file or a service manager's journal they are rubbish.
        LogFormat::Human => builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("the log could not be started: {error}"))
}

/// Reads `log.level`.
///
/// A lone word is a level here. The library takes any other lone word for the name of a module to be shown in full, so
/// that a slip like `inof` would silence the log without a word.
pub(crate) fn filter(level: &str) -> anyhow::Result<EnvFilter> {
    let wrong = || {
        format!(
            "log.level: wanted error, warn, info, debug, trace, off or a filter like info,medley_relay=debug, found `{level}`"
        )
    };
    let lone = |part: &&str| !part.contains(['=', '[', ']', '{', '}']);
    let level_or_off = |word: &str| !word.is_empty() && word.parse::<LevelFilter>().is_ok();
    anyhow::ensure!(level.split(',').filter(lone).all(level_or_off), wrong());
    EnvFilter::try_new(level).with_context(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_levels_and_modules_with_levels_and_nothing_else() {
        for good in ["info", "WARN", "off", "info,medley_relay=debug", "warn,medley_server=trace"] {
            assert!(filter(good).is_ok(), "{good}");
        }
        for bad in ["", "inof", "info,", "info,medley_relay", "medley_relay=loud", "info;debug", "warn, info"]
        {
            let error = filter(bad).map(|_| ()).unwrap_err().to_string();
            assert!(error.starts_with("log.level: wanted error, warn"), "{bad}: {error}");
            assert!(error.contains(&format!("found `{bad}`")), "{error}");
        }
    }
}
