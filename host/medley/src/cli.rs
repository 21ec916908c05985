//! The command line.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use ipnet::IpNet;

use crate::files::FileAction;
use crate::operations::{Operation, Subject, UnbanWhat};
use crate::plugins::PluginOrder;
use crate::setup::absolute;

/// One host for every Medius (SCE-RT) title.
#[derive(Debug, Parser)]
#[command(version, about, after_help = "Without a command, `medley run` is meant.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Where configuration and data are. Flags win over the environment, the environment over the file.
#[derive(Args, Debug)]
pub(crate) struct Common {
    /// Configuration file; without it that of MEDLEY_CONFIG, then ./medley.toml if there is one, else the built-in values.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Folder of the store.
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data: Option<PathBuf>,
    /// Folder of the titles.
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) games: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the host: all servers, and the game relay unless the configuration says otherwise.
    Run(RunArgs),
    /// Runs the game relay alone, for the host at relay.mps.
    Relay(RunArgs),
    /// Reads configuration and titles, prints what a host would run with, and exits with 64 if something is wrong.
    CheckConfig,
    /// Accounts and bans; works with the host running or stopped.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Adds an announcement, or lists or removes them.
    Announce(AnnounceArgs),
    /// Sets a title's policy text from a file; without a file removes it, so that game.toml's applies.
    Policy {
        /// Title.
        title: String,
        /// Text file.
        file: Option<PathBuf>,
        /// The privacy policy instead of the usage policy.
        #[arg(long)]
        privacy: bool,
    },
    /// Files that a title keeps on the host; works with the host running or stopped.
    #[command(subcommand)]
    File(FileCommand),
    /// Writes everything in the store as JSON lines into a new file.
    Export {
        /// File to be made.
        file: PathBuf,
    },
    /// Reads JSON lines into the store.
    Import {
        /// File that `export` made.
        file: PathBuf,
        /// Add to a store that holds something already.
        #[arg(long)]
        merge: bool,
    },
    /// Makes a running host read its configuration and titles again.
    Reload,
    /// Title plugins.
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Load for a server by address, or for one of its own, with figures; and the same work by a bare loop.
    #[cfg(feature = "load")]
    Load(Box<medley_load::cli::Load>),
}

#[derive(Args, Clone, Debug, Default)]
pub(crate) struct RunArgs {
    /// IPv4 address that clients are told; without it the one they reached.
    #[arg(long, value_name = "IP")]
    pub(crate) public_address: Option<Ipv4Addr>,
    /// Writes the addresses that were bound, as JSON, once everything listens.
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Makes an account. The password is asked for, or read from standard input.
    Add {
        /// Title.
        title: String,
        /// Name.
        name: String,
        /// No password: nobody can log in until one is set.
        #[arg(long)]
        no_password: bool,
    },
    /// Sets a password. It is asked for, or read from standard input.
    Passwd {
        /// Title.
        title: String,
        /// Name, or # and the number.
        account: String,
        /// Let the account's next login set the password instead.
        #[arg(long)]
        at_next_login: bool,
    },
    /// Bans an account, addresses or a machine; players who are online are thrown out.
    Ban(BanArgs),
    /// Lifts bans.
    Unban {
        /// The ban's number, or (with --title) the account's name or # and its number.
        ban: String,
        /// Title of the account.
        #[arg(long)]
        title: Option<String>,
    },
    /// Puts an account on its title's white-list, which counts where game.toml says `accounts.whitelist = true`.
    Allow(WhitelistArgs),
    /// Takes an account off its title's white-list. Who is online stays until the next login.
    Disallow(WhitelistArgs),
    /// Lists accounts.
    List {
        /// Title.
        title: String,
        /// Start behind this number.
        #[arg(long)]
        after: Option<i32>,
    },
    /// Lists bans.
    Bans {
        /// Start behind this number.
        #[arg(long)]
        after: Option<u32>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct WhitelistArgs {
    /// Name, or # and the number.
    pub(crate) account: String,
    /// Title.
    #[arg(long)]
    pub(crate) title: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// What plugin authors do; needs no host and no configuration.
    #[command(flatten)]
    Tool(medley_plugin_tool::Tool),
    /// What operators do, with the host running.
    #[command(flatten)]
    Host(PluginOrderCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum PluginOrderCommand {
    /// Loads a title's plugin again from its files. If it is no use, the old one goes on serving.
    Reload {
        /// Title.
        title: String,
    },
    /// Goes back to the plugin that served the title before.
    Rollback {
        /// Title.
        title: String,
    },
    /// Lets a plugin serve again that was taken out of service because it failed too often.
    Resume {
        /// Title.
        title: String,
    },
    /// Shows what plugin serves a title and how it does.
    Status {
        /// Title.
        title: String,
    },
    /// Runs a command of a title's plugin; `status` lists them.
    Command {
        /// Title.
        title: String,
        /// The command.
        name: String,
        /// What follows it.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

impl From<PluginOrderCommand> for Operation {
    fn from(command: PluginOrderCommand) -> Self {
        let (title, order) = match command {
            PluginOrderCommand::Reload { title } => (title, PluginOrder::Reload),
            PluginOrderCommand::Rollback { title } => (title, PluginOrder::Rollback),
            PluginOrderCommand::Resume { title } => (title, PluginOrder::Resume),
            PluginOrderCommand::Status { title } => (title, PluginOrder::Status),
            PluginOrderCommand::Command { title, name, arguments } => {
                (title, PluginOrder::Command { name, arguments })
            }
        };
        Self::Plugin { title, order }
    }
}

#[derive(Args, Debug)]
pub(crate) struct BanArgs {
    /// Name, or # and the number; needs --title.
    #[arg(required_unless_present_any = ["ip", "machine"], conflicts_with_all = ["ip", "machine"])]
    pub(crate) account: Option<String>,
    /// Address or CIDR block.
    #[arg(long, value_parser = network)]
    pub(crate) ip: Option<IpNet>,
    /// Machine id in hexadecimal.
    #[arg(long, conflicts_with = "ip")]
    pub(crate) machine: Option<String>,
    /// Only in this title; without it addresses and machines are banned from the whole host.
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Shown to operators.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
    /// How long, e.g. 30m, 12h, 7d; without it for good.
    #[arg(long = "for", value_name = "TIME", value_parser = seconds)]
    pub(crate) duration: Option<u64>,
}

#[derive(Args, Debug)]
pub(crate) struct AnnounceArgs {
    /// Title.
    pub(crate) title: String,
    /// The announcement; without it they are listed.
    #[arg(conflicts_with = "remove")]
    pub(crate) text: Option<String>,
    /// Removes the announcement of this number.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) remove: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FileCommand {
    /// Makes a file of a title, or replaces its content.
    Put {
        /// Title.
        title: String,
        /// Its name in the title.
        name: String,
        /// Where the content is.
        file: PathBuf,
    },
    /// Writes the content of a title's file into a new file.
    Get {
        /// Title.
        title: String,
        /// Its name in the title.
        name: String,
        /// File to be made.
        file: PathBuf,
    },
    /// Deletes a file of a title.
    Remove {
        /// Title.
        title: String,
        /// Its name in the title.
        name: String,
    },
    /// Lists the files of a title.
    List {
        /// Title.
        title: String,
        /// Only those whose names begin so.
        #[arg(default_value = "")]
        prefix: String,
    },
}

impl FileCommand {
    /// The operation, with the paths as the running host sees them.
    pub(crate) fn into_operation(self) -> Result<Operation, crate::Failure> {
        let (title, action) = match self {
            Self::Put { title, name, file } => (title, FileAction::Put { name, from: absolute(&file)? }),
            Self::Get { title, name, file } => (title, FileAction::Get { name, to: absolute(&file)? }),
            Self::Remove { title, name } => (title, FileAction::Remove { name }),
            Self::List { title, prefix } => (title, FileAction::List { prefix }),
        };
        Ok(Operation::File { title, action })
    }
}

impl AccountCommand {
    /// The operation, with the password that `password` asks the operator for.
    pub(crate) fn into_operation(
        self,
        password: impl FnOnce() -> anyhow::Result<String>,
    ) -> anyhow::Result<Operation> {
        Ok(match self {
            Self::Add { title, name, no_password } => {
                let password = if no_password { None } else { Some(password()?) };
                Operation::AccountAdd { title, name, password }
            }
            Self::Passwd { title, account, at_next_login: true } => {
                Operation::AccountReset { title, account }
            }
            Self::Passwd { title, account, at_next_login: false } => {
                Operation::AccountPasswd { title, account, password: password()? }
            }
            Self::Allow(WhitelistArgs { account, title }) => {
                Operation::Whitelist { title, account, listed: true }
            }
            Self::Disallow(WhitelistArgs { account, title }) => {
                Operation::Whitelist { title, account, listed: false }
            }
            Self::Ban(BanArgs { account, ip, machine, title, reason, duration }) => {
                let subject = match (account, ip, machine) {
                    (Some(account), _, _) => Subject::Account(account),
                    (_, Some(network), _) => Subject::Network(network),
                    (_, _, Some(machine)) => Subject::Machine(machine),
                    _ => anyhow::bail!("say whom to ban: an account, --ip or --machine"),
                };
                Operation::Ban { title, subject, reason, seconds: duration }
            }
            Self::Unban { ban, title } => {
                let ban = match ban.parse() {
                    Ok(number) if title.is_none() => UnbanWhat::Number(number),
                    _ => UnbanWhat::Account(ban),
                };
                Operation::Unban { title, ban }
            }
            Self::List { title, after } => Operation::AccountList { title, after },
            Self::Bans { after } => Operation::Bans { after },
        })
    }
}

impl From<AnnounceArgs> for Operation {
    fn from(args: AnnounceArgs) -> Self {
        match args {
            AnnounceArgs { title, text: Some(text), .. } => Self::Announce { title, text },
            AnnounceArgs { title, remove: Some(id), .. } => Self::Unannounce { title, id },
            AnnounceArgs { title, .. } => Self::Announcements { title },
        }
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    address.ok_or_else(|| format!("`{text}` is no address like 192.0.2.7 and no block like 192.0.2.0/24"))
}

fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no time like 90s, 30m, 12h, 7d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let scale = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = text.strip_suffix(unit).unwrap_or_default().parse().map_err(|_| wrong())?;
    number.checked_mul(scale).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(args: &[&str]) -> Operation {
        let cli = Cli::try_parse_from([&["medley"], args].concat()).unwrap();
        match cli.command {
            Some(Command::Account(command)) => command.into_operation(|| Ok("secret".into())).unwrap(),
            Some(Command::Announce(args)) => args.into(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_ban_takes_an_account_addresses_or_a_machine_and_a_time() {
        let ban = operation(&["account", "ban", "--ip", "192.0.2.0/24", "--for", "7d", "--reason", "flood"]);
        let expected =
            "Ban { title: None, subject: Network(192.0.2.0/24), reason: \"flood\", seconds: Some(604800) }";
        assert_eq!(format!("{ban:?}"), expected);
        let ban = operation(&["account", "ban", "Badger41", "--title", "ratchet-deadlocked"]);
        let expected = "Ban { title: Some(\"ratchet-deadlocked\"), subject: Account(\"Badger41\"), reason: \"\", seconds: None }";
        assert_eq!(format!("{ban:?}"), expected);
        assert!(Cli::try_parse_from(["medley", "account", "ban"]).is_err());
        assert!(
            Cli::try_parse_from(["medley", "account", "ban", "--ip", "192.0.2.0/24", "--for", "soon"])
                .is_err()
        );
    }

    #[test]
    fn without_a_text_the_announcements_are_listed() {
        assert!(matches!(operation(&["announce", "socom-2"]), Operation::Announcements { .. }));
        assert!(matches!(operation(&["announce", "socom-2", "Hello"]), Operation::Announce { .. }));
        assert!(matches!(
            operation(&["announce", "socom-2", "--remove", "3"]),
            Operation::Unannounce { id: 3, .. }
        ));
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
