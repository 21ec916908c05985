//! Watches the configuration file and the titles' folder, and says when they have come to rest after a change.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

/// Editors write a file in several steps; the change is taken up when nothing happened for this long.
const REST: Duration = Duration::from_millis(250);

/// A running watch. Dropping it ends it.
pub(crate) struct Watch {
    watcher: notify::RecommendedWatcher,
    /// A folder that is not there yet; its parent is watched until it is.
    awaited: Option<PathBuf>,
    changes: mpsc::Receiver<()>,
}

impl Watch {
    /// Watches `files` (by their folders, since editors replace files) and everything under `folder`.
    pub(crate) fn start(files: &[PathBuf], folder: &Path) -> anyhow::Result<Self> {
        let (changed, changes) = mpsc::channel(1);
        let (wanted, under) = (files.to_vec(), std::path::absolute(folder)?);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let ours = event.is_ok_and(|event| {
                !event.kind.is_access()
                    && event.paths.iter().any(|path| path.starts_with(&under) || wanted.contains(path))
            });
            if ours {
                // A full channel means that a change is told already.
                let _ = changed.try_send(());
            }
        })?;
        for file in files {
            let parent = file.parent().unwrap_or_else(|| Path::new("."));
            watcher
                .watch(parent, RecursiveMode::NonRecursive)
                .with_context(|| parent.display().to_string())?;
        }
        let mut watch = Self { watcher, awaited: Some(std::path::absolute(folder)?), changes };
        watch.look_for_folder()?;
        if let Some(parent) = watch.awaited.as_deref().and_then(Path::parent).filter(|parent| parent.is_dir())
        {
            let watched = watch.watcher.watch(parent, RecursiveMode::NonRecursive);
            watched.with_context(|| parent.display().to_string())?;
        }
        Ok(watch)
    }

    /// Watches the folder if it is there by now.
    fn look_for_folder(&mut self) -> anyhow::Result<()> {
        if let Some(folder) = self.awaited.take_if(|folder| folder.is_dir()) {
            let watched = self.watcher.watch(&folder, RecursiveMode::Recursive);
            watched.with_context(|| folder.display().to_string())?;
        }
        Ok(())
    }

    /// Waits until something changed and the files rest again. `None`: the watch is broken.
    pub(crate) async fn changed(&mut self) -> Option<()> {
        self.changes.recv().await?;
        loop {
            match tokio::time::timeout(REST, self.changes.recv()).await {
                Ok(Some(())) => {}
                Ok(None) => return None,
                Err(_) => break,
            }
        }
        // Before the files are read: what changes in the folder from now on is told.
        if let Err(error) = self.look_for_folder() {
            tracing::warn!(error = format!("{error:#}"), "the titles' folder is not watched");
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_saved_title_and_a_replaced_configuration_are_noticed_and_other_files_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (config, games) = (root.join("medley.toml"), root.join("games"));
        std::fs::create_dir_all(games.join("socom-2")).unwrap();
        std::fs::write(&config, "").unwrap();
        let mut watch = Watch::start(std::slice::from_ref(&config), &games).unwrap();
        let wait = Duration::from_secs(20);

        std::fs::write(games.join("socom-2/game.toml"), "name = \"x\"").unwrap();
        tokio::time::timeout(wait, watch.changed()).await.unwrap().unwrap();

        std::fs::write(root.join("medley.toml.new"), "x").unwrap();
        std::fs::rename(root.join("medley.toml.new"), &config).unwrap();
        tokio::time::timeout(wait, watch.changed()).await.unwrap().unwrap();

        std::fs::write(root.join("elsewhere.txt"), "").unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(400), watch.changed()).await.is_err());
    }

    #[tokio::test]
    async fn a_folder_that_comes_later_is_watched_from_then_on() {
        let folder = tempfile::tempdir().unwrap();
        let games = folder.path().canonicalize().unwrap().join("games");
        let mut watch = Watch::start(&[], &games).unwrap();
        let wait = Duration::from_secs(20);
        std::fs::create_dir_all(games.join("socom-2")).unwrap();
        tokio::time::timeout(wait, watch.changed()).await.unwrap().unwrap();
        std::fs::write(games.join("socom-2/game.toml"), "name = \"x\"").unwrap();
        tokio::time::timeout(wait, watch.changed()).await.unwrap().unwrap();
    }
}
