//! A host with two titles of its own, one of them with a plugin whose file the test writes.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use medley_plugins::Plugins;
use medley_runtime::{Runtime, RuntimeConfig};
use medley_simulator::{Console, Dialect};
use medley_stack_tests::host::{HostSetup, TestHost};
use medley_titles::TitleSet;
use medley_wire::AccountId;
use medley_wire::enums::ChatMessageType;
use medley_wire::messages::{ChatFwdMessage, ChatMessage};
use medley_wire::types::Text;

use crate::fixture::Fixture;

/// The title with the plugin.
pub(crate) const MINE: Dialect = Dialect::V110;
/// The title without.
pub(crate) const OTHER: Dialect = Dialect::V108;

pub(crate) struct Stage {
    games: tempfile::TempDir,
    pub(crate) host: TestHost,
    pub(crate) plugins: Plugins,
    seeds: u64,
}

fn game(dialect: Dialect, more: &str) -> String {
    let id = dialect.app_id().0;
    let rules = "[chat]\nper_second = 0\nwhisper = true\n[limits]\nmax_channels = 64\nmax_games = 60000\n";
    format!("name = \"A Title\"\n[[app]]\nid = {id}\n[[channel]]\nname = \"General\"\n{rules}{more}")
}

impl Stage {
    /// A host whose title has this plugin, and what stands behind it in `game.toml`.
    pub(crate) async fn with(plugin: &Fixture, more: &str) -> Result<Self> {
        let stage = Self::empty(more).await?;
        stage.write(&plugin.build())?;
        for (_, change) in stage.refresh().await? {
            change?;
        }
        Ok(stage)
    }

    /// A host without a plugin so far.
    pub(crate) async fn empty(more: &str) -> Result<Self> {
        let games = tempfile::tempdir()?;
        for (title, dialect, more) in [("mine", MINE, more), ("other", OTHER, "")] {
            std::fs::create_dir(games.path().join(title))?;
            std::fs::write(games.path().join(title).join("game.toml"), game(dialect, more))?;
        }
        let mut setup = HostSetup::new()?;
        setup.titles = TitleSet::load(games.path(), false)?;
        setup.relay.max_worlds = 60_000;
        setup.config.limits.messages_per_second = 100_000;
        setup.config.limits.messages_burst = 100_000;
        let host = setup.start().await?;
        let runtime = Runtime::new(RuntimeConfig::default())?;
        let plugins = Plugins::new(runtime, host.server.clone(), Some(host.relay.clone()));
        Ok(Self { games, host, plugins, seeds: 0 })
    }

    /// Writes `plugin.wasm`.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        Ok(std::fs::write(self.games.path().join("mine/plugin.wasm"), bytes)?)
    }

    /// Writes `game.toml`.
    pub(crate) fn configure(&self, more: &str) -> Result<()> {
        Ok(std::fs::write(self.games.path().join("mine/game.toml"), game(MINE, more))?)
    }

    /// Takes the files up as a running host does.
    pub(crate) async fn refresh(
        &self,
    ) -> Result<Vec<(String, Result<medley_plugins::Change, medley_plugins::PluginError>)>> {
        let titles = Arc::clone(&self.host.server.shared().titles());
        let (titles, _) = titles.reload(self.games.path(), false)?;
        self.host.server.reload_titles(titles).await;
        Ok(self.plugins.refresh().await)
    }

    /// A player in the lobby.
    pub(crate) async fn player(&mut self, dialect: Dialect, name: &str) -> Result<Console> {
        self.host.account(dialect.app_id(), name, "secret").await?;
        self.seeds += 1;
        let mut console = self.host.console(dialect, self.seeds)?;
        console.login(self.host.mas(), name, "secret").await?;
        console.enter_lobby().await?;
        Ok(console)
    }

    /// What serves the title.
    pub(crate) async fn health(&self) -> Result<(&'static str, u64)> {
        let status = self.plugins.status("mine").await?;
        let view = status.serving.context("no plugin serves")?;
        Ok((view.health, view.failures))
    }
}

/// Says something to the channel.
pub(crate) fn say(console: &mut Console, text: &str) -> Result<()> {
    let line = ChatMessage {
        session_key: console.session_key,
        message_type: ChatMessageType(0),
        message: Text::new(text),
        ..Default::default()
    };
    Ok(console.send(line)?)
}

/// Says something to one player.
pub(crate) fn whisper(console: &mut Console, to: AccountId, text: &str) -> Result<()> {
    let line = ChatMessage {
        session_key: console.session_key,
        message_type: ChatMessageType(1),
        target_id: to.0,
        message: Text::new(text),
        ..Default::default()
    };
    Ok(console.send(line)?)
}

/// The next line that the console hears.
pub(crate) async fn hear(console: &mut Console) -> Result<String> {
    Ok(console.expect_push::<ChatFwdMessage>().await?.message.to_string())
}
