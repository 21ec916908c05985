//! What every command begins with: configuration, titles, the store.

use std::io::{IsTerminal as _, Read as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use medley_crypto::KeyStore;
use medley_store::{
    Database, HandleOptions, PasswordOptions, SledOptions, StoreHandle, TitleId, UnixSeconds,
};
use medley_titles::{HostConfig, TitleSet};

use crate::cli::Common;
use crate::operations::{Around, Operation};
use crate::plugins::PluginOrder;
use crate::{Failure, control, exit, logging, report};

/// A text that an operator gives by file is at most this long.
const MAX_TEXT: u64 = 64 * 1024;

/// Configuration and titles as they were read, and how to read them again.
pub(crate) struct Setup {
    pub(crate) config: HostConfig,
    pub(crate) titles: TitleSet,
    /// The file that was read, if there is one.
    pub(crate) config_file: Option<PathBuf>,
    data: Option<PathBuf>,
    games: Option<PathBuf>,
}

impl Setup {
    /// Reads configuration and titles.
    pub(crate) fn load(common: &Common) -> Result<Self, Failure> {
        let usual = Path::new("medley.toml");
        let config_file = common.config.clone();
        let config_file = config_file.or_else(|| std::env::var_os("MEDLEY_CONFIG").map(PathBuf::from));
        let config_file = config_file.or_else(|| usual.exists().then(|| usual.to_owned()));
        let mut setup = Self {
            config: HostConfig::default(),
            titles: TitleSet::default(),
            config_file,
            data: common.data.clone(),
            games: common.games.clone(),
        };
        setup.config = setup.read_config()?;
        setup.titles = TitleSet::load(&setup.config.games_dir, setup.config.default_titles)
            .map_err(|errors| Failure::new(exit::CONFIG, errors))?;
        setup.check_keys()?;
        Ok(setup)
    }

    /// Reads the configuration, once more too.
    pub(crate) fn read_config(&self) -> Result<HostConfig, Failure> {
        let wrong = |errors| Failure::new(exit::CONFIG, errors);
        let mut config = HostConfig::load(self.config_file.as_deref(), std::env::vars()).map_err(wrong)?;
        if let Some(data) = &self.data {
            config.data_dir.clone_from(data);
        }
        if let Some(games) = &self.games {
            config.games_dir.clone_from(games);
        }
        config.check("the command line").map_err(wrong)?;
        logging::filter(&config.log.level).map_err(|error| Failure::new(exit::CONFIG, error))?;
        Ok(config)
    }

    /// The RSA keys that titles name must be there before a console asks for one.
    fn check_keys(&self) -> Result<(), Failure> {
        let keys = keys()?;
        for title in self.titles.titles() {
            for app in &title.apps {
                if keys.pair(&app.rsa_key).is_none() {
                    let known = keys.pairs().map(|entry| entry.name.as_str()).collect::<Vec<_>>().join(", ");
                    return Err(Failure::new(
                        exit::CONFIG,
                        anyhow::anyhow!(
                            "{}: app {}: rsa_key: wanted one of {known}, found {}",
                            title.origin,
                            app.id,
                            app.rsa_key
                        ),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Where the control socket of the data folder is.
    pub(crate) fn control_socket(&self) -> PathBuf {
        control::path_in(&self.config.data_dir)
    }

    /// Opens the store and starts its threads.
    pub(crate) fn open_store(&self) -> Result<StoreHandle, Failure> {
        let wrap = |error| Failure::new(exit::IO, error);
        let options = SledOptions { cache_bytes: self.config.store.cache_bytes, ..SledOptions::default() };
        std::fs::create_dir_all(&self.config.data_dir)
            .with_context(|| {
                format!("data_dir: the folder {} cannot be made", self.config.data_dir.display())
            })
            .map_err(|error| Failure::new(exit::IO, error))?;
        let database = Database::open(&self.config.data_dir.join("store"), &options).map_err(wrap)?;
        let cost = &self.config.password;
        let usual = HandleOptions::default();
        let options = HandleOptions {
            hash_threads: NonZeroUsize::new(cost.concurrency as usize).unwrap_or(usual.hash_threads),
            passwords: PasswordOptions {
                memory_kib: cost.memory_kib,
                passes: cost.iterations,
                lanes: cost.parallelism,
                warm_accounts: NonZeroUsize::new(self.config.store.warm_logins as usize)
                    .unwrap_or(usual.passwords.warm_accounts),
            },
            ..usual
        };
        StoreHandle::new(Arc::new(database), &options).map_err(wrap)
    }

    /// Does an operation: through the running host if there is one, else on the store itself.
    pub(crate) fn operate(&self, operation: Operation) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let lines = runtime.block_on(async {
            if let Some(answer) = control::ask(&self.control_socket(), &operation).await {
                return answer.map_err(|error| Failure::new(error.code(), error));
            }
            if matches!(operation, Operation::Reload) {
                return Err(anyhow::anyhow!("no host runs on {}", self.config.data_dir.display()).into());
            }
            let store = self.open_store()?;
            let done = operation.perform(&store, &Stopped(self), unix_now()).await;
            store.close().await;
            done.map_err(|error| Failure::new(error.code(), error))
        })?;
        report::say(&(lines.join("\n") + "\n"))
    }
}

/// Surroundings of an operation while no host runs.
struct Stopped<'a>(&'a Setup);

impl Around for Stopped<'_> {
    fn titles(&self) -> Vec<String> {
        self.0.titles.titles().iter().map(|title| title.id.clone()).collect()
    }

    async fn bans_changed(&self) -> Option<usize> {
        None
    }

    async fn reload(&self) -> Result<Vec<String>, String> {
        Err("no host runs".into())
    }

    async fn plugin(&self, _: &TitleId, _: PluginOrder) -> Result<Vec<String>, String> {
        Err("no host runs, and plugins serve only there".into())
    }
}

/// The RSA keys that come with the host.
pub(crate) fn keys() -> Result<KeyStore, Failure> {
    KeyStore::embedded().map_err(|error| Failure::new(exit::CONFIG, error))
}

/// Unix seconds now.
pub(crate) fn unix_now() -> UnixSeconds {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixSeconds::try_from(now.as_secs()).unwrap_or(UnixSeconds::MAX)
}

/// Asks for a password: twice at a terminal, else one line of standard input.
pub(crate) fn ask_password() -> anyhow::Result<String> {
    if !std::io::stdin().is_terminal() {
        let mut password = String::new();
        std::io::stdin()
            .take(4096)
            .read_to_string(&mut password)
            .context("the password could not be read from standard input")?;
        let password = password.lines().next().unwrap_or_default();
        anyhow::ensure!(!password.is_empty(), "standard input gave no password; write it on one line");
        return Ok(password.to_owned());
    }
    let password = rpassword::prompt_password("Password: ").context("the password could not be read")?;
    let again = rpassword::prompt_password("Once more: ").context("the password could not be read")?;
    anyhow::ensure!(password == again, "the two passwords differ");
    anyhow::ensure!(
        !password.is_empty(),
        "the password is empty; use --no-password for an account without one"
    );
    Ok(password)
}

/// Writes `--ready-file`. Whole or not there: whoever waits for the file must not read half of it.
pub(crate) fn write_ready(file: &Path, listeners: &[report::Listener]) -> Result<(), Failure> {
    let part = file.with_extension("part");
    std::fs::write(&part, report::listeners_json(listeners).to_string())
        .and_then(|()| std::fs::rename(&part, file))
        .with_context(|| format!("--ready-file {}", file.display()))
        .map_err(|error| Failure::new(exit::IO, error))
}

/// A text file of the operator's.
pub(crate) fn read_text(file: &Path) -> Result<String, Failure> {
    let read = || -> anyhow::Result<String> {
        let mut text = String::new();
        let read = std::fs::File::open(file)?.take(MAX_TEXT + 1).read_to_string(&mut text)?;
        anyhow::ensure!(read as u64 <= MAX_TEXT, "longer than {MAX_TEXT} bytes");
        Ok(text)
    };
    read().with_context(|| file.display().to_string()).map_err(|error| Failure::new(exit::IO, error))
}

/// The path from the root: the running host may have another working folder.
pub(crate) fn absolute(file: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(file).map_err(|error| Failure::new(exit::IO, error))
}
