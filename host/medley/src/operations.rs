//! What an operator can do to a store: with the host running, through its control socket, or with the host stopped,
//! on the store itself. One list of operations serves both.

use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use medley_store::{
    Account, AccountId, AnnouncementId, Ban, BanId, BanScope, BanSubject, ImportMode, NewBan, Page,
    PolicyKind, StoreError, StoreHandle, Text, TitleId, UnixSeconds, check_import,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::exit;
use crate::files::FileAction;
use crate::plugins::PluginOrder;
use crate::utc::utc;

/// From here on a title's name is taken for another one's misspelling; 1 is equality. `rachet-uya` has 0.97 of
/// `ratchet-uya`, unrelated titles are below 0.8.
const ALIKE: f64 = 0.9;
/// Rows of one listing; the next ones come with the number of the last.
const LISTED: usize = 500;

/// Something to do, as it travels over the control socket.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "operation", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Operation {
    /// Makes an account; without a password nobody can log in to it until one is set.
    AccountAdd { title: String, name: String, password: Option<String> },
    /// Sets an account's password.
    AccountPasswd { title: String, account: String, password: String },
    /// Lets the account's next login set its password.
    AccountReset { title: String, account: String },
    /// Puts an account on its title's white-list, or takes it off.
    Whitelist { title: String, account: String, listed: bool },
    /// Lists accounts from a number on.
    AccountList { title: String, after: Option<i32> },
    /// Bans an account, addresses or a machine.
    Ban { title: Option<String>, subject: Subject, reason: String, seconds: Option<u64> },
    /// Lifts a ban by its number, or every ban of an account.
    Unban { title: Option<String>, ban: UnbanWhat },
    /// Lists bans.
    Bans { after: Option<u32> },
    /// Adds an announcement.
    Announce { title: String, text: String },
    /// Lists announcements.
    Announcements { title: String },
    /// Removes an announcement.
    Unannounce { title: String, id: u32 },
    /// Sets a policy text; nothing removes it, so that the title's own applies.
    Policy { title: String, privacy: bool, text: Option<String> },
    /// Does something with a file that a title keeps.
    File { title: String, action: FileAction },
    /// Writes everything as JSON lines into a file that is not there yet.
    Export { file: PathBuf },
    /// Reads JSON lines.
    Import { file: PathBuf, merge: bool },
    /// Does something with a title's plugin.
    Plugin { title: String, order: PluginOrder },
    /// Reads configuration and titles again.
    Reload,
}

/// Whom a ban hits.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Subject {
    /// Name, or `#` and a number.
    Account(String),
    /// Address or CIDR block.
    Network(IpNet),
    /// Machine id in hexadecimal, as the accounts' listing shows it.
    Machine(String),
}

/// Which ban to lift.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum UnbanWhat {
    /// The ban's number.
    Number(u32),
    /// Every ban of the account.
    Account(String),
}

/// Why an operation was not done.
#[derive(Debug, Error)]
pub(crate) enum OperationError {
    /// The store's answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was asked for does not fit; the text says what would.
    #[error("{0}")]
    Refused(String),
    /// A file of the operator's.
    #[error("{file}: {error}")]
    File { file: PathBuf, error: std::io::Error },
    /// The file that was to be made is there.
    #[error("{file}: is there already and is not overwritten; name a new file")]
    Exists { file: PathBuf },
    /// What an import met.
    #[error("{file}: {error}")]
    Import { file: PathBuf, error: StoreError },
}

impl OperationError {
    /// Exit code of the command that asked.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::File { .. } | Self::Exists { .. } => exit::IO,
            Self::Store(error) | Self::Import { error, .. } => match error {
                StoreError::Io { .. } | StoreError::Engine { .. } | StoreError::Flush(_) => exit::IO,
                _ => exit::FAILED,
            },
            Self::Refused(_) => exit::FAILED,
        }
    }
}

/// What the operation needs besides the store.
pub(crate) trait Around: Sync {
    /// Names of the titles that are served.
    fn titles(&self) -> Vec<String>;
    /// Acts on live players after a ban was made; says how many were put out.
    fn bans_changed(&self) -> impl Future<Output = Option<usize>> + Send;
    /// Reads configuration and titles again; says what changed.
    fn reload(&self) -> impl Future<Output = Result<Vec<String>, String>> + Send;
    /// Does something with a title's plugin.
    fn plugin(
        &self,
        title: &TitleId,
        order: PluginOrder,
    ) -> impl Future<Output = Result<Vec<String>, String>> + Send;
}

impl Operation {
    /// Does it; the lines are for the operator.
    pub(crate) async fn perform(
        self,
        store: &StoreHandle,
        around: &impl Around,
        now: UnixSeconds,
    ) -> Result<Vec<String>, OperationError> {
        match self {
            Self::AccountAdd { title, name, password } => {
                let title = served(around, &title)?;
                let password = password.as_deref().map(str::as_bytes);
                let account = store.create_account(&title, Text(name.into_bytes()), password, now).await?;
                Ok(vec![format!(
                    "account {} `{}` added to {title}",
                    account.id.get(),
                    account.name.to_string_lossy()
                )])
            }
            Self::AccountPasswd { title, account, password } => {
                let title = served(around, &title)?;
                let account = find(store, &title, &account).await?;
                store.set_password(&title, account.id, Some(password.as_bytes())).await?;
                Ok(vec![format!(
                    "password of account {} `{}` set",
                    account.id.get(),
                    account.name.to_string_lossy()
                )])
            }
            Self::AccountReset { title, account } => {
                let title = served(around, &title)?;
                let account = find(store, &title, &account).await?;
                let (of, id) = (title, account.id);
                store.write(move |store| store.set_reset_password(&of, id, true)).await?;
                let name = account.name.to_string_lossy();
                Ok(vec![format!("the next login of account {} `{name}` sets its password", account.id.get())])
            }
            Self::Whitelist { title, account, listed } => {
                let title = served(around, &title)?;
                let account = find(store, &title, &account).await?;
                let (of, id) = (title.clone(), account.id);
                store.write(move |store| store.set_whitelisted(&of, id, listed)).await?;
                let now = if listed { "on" } else { "off" };
                Ok(vec![format!(
                    "account {} `{}` is {now} the white-list of {title}",
                    account.id.get(),
                    account.name.to_string_lossy()
                )])
            }
            Self::AccountList { title, after } => list_accounts(store, served(around, &title)?, after).await,
            Self::Ban { title, subject, reason, seconds } => {
                let scope = match &title {
                    Some(title) => BanScope::Title(served(around, title)?),
                    None => BanScope::Host,
                };
                let subject = ban_subject(store, &scope, subject).await?;
                let expires =
                    seconds.map(|seconds| now.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX)));
                let ban = NewBan { scope, subject, reason: Text(reason.into_bytes()), created: now, expires };
                let ban = store.write(move |store| store.add_ban(&ban)).await?;
                let mut lines = vec![describe_ban(&ban)];
                if let Some(closed) = around.bans_changed().await {
                    lines.push(format!("{closed} players put out"));
                }
                Ok(lines)
            }
            Self::Unban { title, ban: UnbanWhat::Number(number) } => {
                if title.is_some() {
                    return Err(OperationError::Refused(
                        "a ban's number needs no title; leave --title out".into(),
                    ));
                }
                let lifted = store.write(move |store| store.remove_ban(BanId(number))).await;
                if matches!(lifted, Err(StoreError::NotFound { .. })) {
                    return Err(OperationError::Refused(format!(
                        "there is no ban {number}; `medley account bans` lists them"
                    )));
                }
                lifted?;
                Ok(vec![format!("ban {number} lifted")])
            }
            Self::Unban { title, ban: UnbanWhat::Account(account) } => {
                unban_account(store, around, title, &account).await
            }
            Self::Bans { after } => {
                let page = Page { after: after.map(BanId), limit: LISTED };
                let bans = store.read(move |store| store.bans(page)).await?;
                Ok(or_none(bans.iter().map(describe_ban).collect(), "no bans"))
            }
            Self::Announce { title, text } => {
                let title = served(around, &title)?;
                let of = title.clone();
                let made =
                    store.write(move |store| store.add_announcement(&of, text.as_bytes(), now)).await?;
                Ok(vec![format!(
                    "announcement {} added to {title}; players see it at their next login",
                    made.id.0
                )])
            }
            Self::Announcements { title } => {
                let title = served(around, &title)?;
                let all = store.read(move |store| store.announcements(&title)).await?;
                let lines = all
                    .iter()
                    .map(|one| format!("{}\t{}\t{}", one.id.0, utc(one.created), one.text.to_string_lossy()));
                Ok(or_none(lines.collect(), "no announcements of yours; those of game.toml are shown"))
            }
            Self::Unannounce { title, id } => {
                let title = served(around, &title)?;
                store.write(move |store| store.remove_announcement(&title, AnnouncementId(id))).await?;
                Ok(vec![format!("announcement {id} removed")])
            }
            Self::Policy { title, privacy, text } => {
                let title = served(around, &title)?;
                let kind = if privacy { PolicyKind::Privacy } else { PolicyKind::Usage };
                let line = if text.is_some() {
                    "policy set"
                } else {
                    "policy removed; the text of game.toml applies"
                };
                store
                    .write(move |store| store.set_policy(&title, kind, text.as_deref().map(str::as_bytes)))
                    .await?;
                Ok(vec![line.into()])
            }
            Self::File { title, action } => action.perform(store, served(around, &title)?, now).await,
            Self::Export { file } => export(store, file).await,
            Self::Import { file, merge } => import(store, file, merge).await,
            Self::Plugin { title, order } => {
                let title = served(around, &title)?;
                around.plugin(&title, order).await.map_err(OperationError::Refused)
            }
            Self::Reload => around.reload().await.map_err(OperationError::Refused),
        }
    }
}

fn served(around: &impl Around, title: &str) -> Result<TitleId, OperationError> {
    let titles = around.titles();
    if titles.iter().any(|known| known == title) {
        return Ok(TitleId::new(title)?);
    }
    let like = |known: &str| known.contains(title) || strsim::jaro_winkler(known, title) >= ALIKE;
    let near: Vec<_> = titles.iter().filter(|known| !title.is_empty() && like(known)).collect();
    let hint = match near.as_slice() {
        [] => format!("those served are {}", titles.join(", ")),
        near => format!(
            "do you mean {}?",
            near.iter().map(|title| title.as_str()).collect::<Vec<_>>().join(" or ")
        ),
    };
    Err(OperationError::Refused(format!("no title `{title}` is served; {hint}")))
}

/// An account by name, or by `#` and its number.
async fn find(store: &StoreHandle, title: &TitleId, account: &str) -> Result<Account, OperationError> {
    let (of, wanted) = (title.clone(), account.to_owned());
    let found = store
        .read(move |store| {
            match wanted.strip_prefix('#').and_then(|number| number.parse().ok()).and_then(AccountId::new) {
                Some(id) => store.account(&of, id),
                None => store.account_by_name(&of, wanted.as_bytes()),
            }
        })
        .await?;
    found.ok_or_else(|| {
        OperationError::Refused(format!("title {title} has no account `{account}`; `medley account list` shows them, a number is written #123"))
    })
}

async fn ban_subject(
    store: &StoreHandle,
    scope: &BanScope,
    subject: Subject,
) -> Result<BanSubject, OperationError> {
    match (subject, scope) {
        (Subject::Account(account), BanScope::Title(title)) => {
            Ok(BanSubject::Account(find(store, title, &account).await?.id))
        }
        (Subject::Account(_), BanScope::Host) => {
            Err(OperationError::Refused("an account belongs to a title: say which with --title".into()))
        }
        (Subject::Network(network), _) => Ok(BanSubject::Network(network)),
        (Subject::Machine(id), _) => match hex::decode(&id) {
            Ok(bytes) if !bytes.is_empty() => Ok(BanSubject::Machine(bytes)),
            _ => Err(OperationError::Refused(format!(
                "a machine id is hexadecimal, `{id}` is not; the accounts' listing shows them"
            ))),
        },
    }
}

async fn list_accounts(
    store: &StoreHandle,
    title: TitleId,
    after: Option<i32>,
) -> Result<Vec<String>, OperationError> {
    let page = Page { after: after.and_then(AccountId::new), limit: LISTED };
    let accounts = store.read(move |store| store.accounts(&title, page)).await?;
    let line = |account: &Account| {
        let last = account.last_login.map_or_else(|| "never".into(), utc);
        let ip = account.last_ip.map_or_else(|| "-".into(), |ip: IpAddr| ip.to_string());
        let machine = account.machine_id.as_ref().map_or_else(|| "-".into(), hex::encode);
        let name = account.name.to_string_lossy();
        format!(
            "{}\t{name}\tcreated {}\tlast login {last}\t{ip}\tmachine {machine}",
            account.id.get(),
            utc(account.created)
        )
    };
    let mut lines: Vec<_> = accounts.iter().map(line).collect();
    if accounts.len() == LISTED
        && let Some(last) = accounts.last()
    {
        lines.push(format!("more: medley account list --after {}", last.id.get()));
    }
    Ok(or_none(lines, "no accounts"))
}

async fn unban_account(
    store: &StoreHandle,
    around: &impl Around,
    title: Option<String>,
    account: &str,
) -> Result<Vec<String>, OperationError> {
    let Some(title) = title else {
        return Err(OperationError::Refused("an account belongs to a title: say which with --title".into()));
    };
    let title = served(around, &title)?;
    let id = find(store, &title, account).await?.id;
    let mut lines = Vec::new();
    let mut after = None;
    loop {
        let bans = store.read(move |store| store.bans(Page { after, limit: LISTED })).await?;
        let Some(last) = bans.last() else { break };
        after = Some(last.id);
        for ban in bans.iter().filter(|ban| ban.ban.subject == BanSubject::Account(id)) {
            let number = ban.id;
            store.write(move |store| store.remove_ban(number)).await?;
            lines.push(format!("ban {} lifted", number.0));
        }
    }
    Ok(or_none(lines, "this account is not banned"))
}

/// Makes a file. Never over one: what fails half-way must not cost the last good one.
pub(crate) fn create_new(file: &Path) -> Result<File, OperationError> {
    File::options().write(true).create_new(true).open(file).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => OperationError::Exists { file: file.to_owned() },
        _ => OperationError::File { file: file.to_owned(), error },
    })
}

async fn export(store: &StoreHandle, file: PathBuf) -> Result<Vec<String>, OperationError> {
    let opened = create_new(&file)?;
    let written = store
        .read(move |store| {
            let mut to = BufWriter::new(opened);
            let lines = store.export(&mut to)?;
            let io = |error: std::io::Error| StoreError::Io {
                action: "write the export",
                path: "export".into(),
                detail: error.to_string(),
            };
            to.flush().map_err(io)?;
            to.get_ref().sync_all().map_err(io)?;
            Ok(lines)
        })
        .await;
    let lines = match written {
        Ok(lines) => lines,
        Err(error) => {
            // Half a backup must not be taken for one. That it cannot be removed either is in the error already.
            let _ = std::fs::remove_file(&file);
            return Err(error.into());
        }
    };
    Ok(vec![format!("{lines} lines written to {}", file.display())])
}

async fn import(store: &StoreHandle, file: PathBuf, merge: bool) -> Result<Vec<String>, OperationError> {
    let open = || File::open(&file).map_err(|error| OperationError::File { file: file.clone(), error });
    let (check, read) = (open()?, open()?);
    let mode = if merge { ImportMode::Merge } else { ImportMode::Empty };
    let imported = store
        .read(move |store| {
            // The whole file first: a bad line at its end must not leave half of it in the store.
            check_import(&mut BufReader::new(check))?;
            store.import(&mut BufReader::new(read), mode)
        })
        .await
        .map_err(|error| OperationError::Import { file: file.clone(), error })?;
    Ok(vec![format!("{} records read from {}", imported.records, file.display())])
}

fn describe_ban(ban: &Ban) -> String {
    let scope = match &ban.ban.scope {
        BanScope::Host => "host".to_owned(),
        BanScope::Title(title) => title.to_string(),
    };
    let subject = match &ban.ban.subject {
        BanSubject::Account(id) => format!("account #{}", id.get()),
        BanSubject::Network(network) => format!("addresses {network}"),
        BanSubject::Machine(id) => format!("machine {}", hex::encode(id)),
    };
    let until = ban.ban.expires.map_or_else(|| "for good".into(), |at| format!("until {}", utc(at)));
    format!("ban {}\t{scope}\t{subject}\t{until}\t{}", ban.id.0, ban.ban.reason.to_string_lossy())
}

pub(crate) fn or_none(lines: Vec<String>, none: &str) -> Vec<String> {
    if lines.is_empty() { vec![none.into()] } else { lines }
}
