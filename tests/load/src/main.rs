//! The command line of the load tool.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use medley_load::fleet::{LoadError, Result, Style};
use medley_load::lobby::Target;
use medley_load::logins::{Extent, Round};
use medley_load::meter::Subject;
use medley_load::relay_host::{RelayProcess, RelaySpec};
use medley_load::report::Row;
use medley_load::traffic::{Arena, Progress, Way};
use medley_load::{chatter, idle, logins, relay_host, report};
use medley_session::{Cover, Transport};

/// Load for a Medius server, by address, and the same work done by a bare loop.
#[derive(Parser, Debug)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    workload: Workload,
}

#[derive(Args, Debug)]
struct Common {
    /// MAS of the server under load; everything else follows from its answers.
    #[arg(long, global = true)]
    mas: Option<SocketAddr>,
    /// The ready file of a host on this machine, instead of --mas.
    #[arg(long, global = true)]
    ready_file: Option<PathBuf>,
    /// The server's process, if it is on this machine: its CPU and memory are measured.
    #[arg(long, global = true)]
    pid: Option<u32>,
    /// Protocol version of the clients: 108, 109, 110 or 113.
    #[arg(long, global = true, default_value_t = 110)]
    protocol: u16,
    /// App id of the clients.
    #[arg(long, global = true, default_value_t = 11184)]
    app_id: u32,
    /// Clients without keys: MAS, MLS and DME in clear.
    #[arg(long, global = true)]
    clear: bool,
    /// Length of a timed workload.
    #[arg(long, global = true, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// How often each measurement is made.
    #[arg(long, global = true, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// JSON instead of the table.
    #[arg(long, global = true)]
    json: bool,
    /// No progress line.
    #[arg(long, global = true)]
    quiet: bool,
    /// The CPU that the generator may use.
    #[arg(long, global = true)]
    pin_self: Option<usize>,
}

#[derive(Subcommand, Debug)]
enum Workload {
    /// Full logins in a closed loop: first with accounts made, then with the same ones.
    Logins {
        /// Clients at one time.
        #[arg(long, value_delimiter = ',', default_values_t = [1, 50, 200])]
        clients: Vec<usize>,
        /// Rounds in all, at most.
        #[arg(long, default_value_t = 100_000)]
        rounds: u64,
        /// Accounts are called so, with a number.
        #[arg(long, default_value = "Load")]
        names: String,
    },
    /// Handshakes with MAS in a closed loop.
    Handshakes {
        /// Clients at one time.
        #[arg(long, value_delimiter = ',', default_values_t = [1, 50, 200])]
        clients: Vec<usize>,
        /// Rounds in all, at most.
        #[arg(long, default_value_t = 1_000_000)]
        rounds: u64,
    },
    /// Messages at a fixed rate among the players of each world.
    Relay {
        /// Messages a second of each player.
        #[arg(long, value_delimiter = ',', default_values_t = [20, 60, 200, 500, 1000, 2000])]
        rates: Vec<u32>,
        #[command(flatten)]
        relay: RelayArgs,
    },
    /// Messages as fast as they are heard.
    Blast {
        /// Messages of each player.
        #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        count: u32,
        #[command(flatten)]
        relay: RelayArgs,
    },
    /// Many worlds at a low rate.
    Worlds {
        /// Messages a second of each player.
        #[arg(long, default_value_t = 20)]
        rate: u32,
        #[command(flatten)]
        relay: RelayArgs,
    },
    /// Connections on which nothing happens.
    Idle {
        /// How many, one after the other, ascending.
        #[arg(long, value_delimiter = ',', default_values_t = [0, 100, 1000, 10_000])]
        counts: Vec<usize>,
        /// On the relay instead of the lobby.
        #[arg(long)]
        dme: bool,
        /// With UDP: two sockets a player.
        #[arg(long)]
        udp: bool,
    },
    /// Chat, lists and reports in one channel.
    Lobby {
        /// Clients.
        #[arg(long, default_value_t = 50)]
        clients: usize,
        /// Requests a second of each.
        #[arg(long, default_value_t = 4)]
        rate: u32,
    },
    /// Serves a relay for other runs until standard input ends; --direct starts it.
    #[command(hide = true)]
    RelayHost(RelaySpec),
}

#[derive(Args, Debug)]
struct RelayArgs {
    /// How messages travel.
    #[arg(long, value_delimiter = ',', default_values_t = [On::Tcp, On::Udp])]
    transport: Vec<On>,
    /// What messages are wrapped in.
    #[arg(long, value_delimiter = ',', default_values_t = [Wrap::Clear, Wrap::Enciphered])]
    cover: Vec<Wrap>,
    /// Players of a world.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(2..=256))]
    players: u16,
    /// Worlds. 1; 125 for the workload of many.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=2048))]
    worlds: Option<u32>,
    /// A relay by itself, in a process of its own, instead of a host that is logged in to.
    #[arg(long)]
    direct: bool,
    /// Threads of that relay.
    #[arg(long, default_value_t = 1)]
    shards: usize,
    /// One key for all players of a world of that relay.
    #[arg(long)]
    shared_key: bool,
    /// The CPU of that relay.
    #[arg(long)]
    pin: Option<usize>,
    /// The same by the bare loop first; ratios are to the first of these. Bytes a datagram; 0: one frame each.
    #[arg(long, value_delimiter = ',', num_args = 0.., default_missing_value = "584,1400,0")]
    baseline: Vec<usize>,
    /// Players with accounts instead of anonymous ones.
    #[arg(long)]
    accounts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum On {
    Tcp,
    Udp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Wrap {
    Clear,
    Null,
    Enciphered,
}

impl core::fmt::Display for On {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(if *self == Self::Tcp { "tcp" } else { "udp" })
    }
}

impl core::fmt::Display for Wrap {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Clear => "clear",
            Self::Null => "null",
            Self::Enciphered => "enciphered",
        })
    }
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("medley-load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    raise_descriptors();
    let common = &cli.common;
    if let Some(cpu) = common.pin_self {
        relay_host::pin(cpu)?;
    }
    let mut progress = Progress::new(!common.quiet);
    let mut rows = Vec::new();
    let result = measure(cli, &mut progress, &mut rows);
    progress.done();
    // What was measured before an error is shown too.
    if common.json {
        let text =
            serde_json::to_string_pretty(&rows).map_err(|error| LoadError::Other(error.to_string()))?;
        println!("{text}");
    } else if !rows.is_empty() {
        print!("{}", report::table(&rows));
    }
    result
}

/// Ten thousand connections need as many descriptors; what the system allows is taken.
fn raise_descriptors() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let wanted = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
    // With less, a large workload ends with a clear error.
    let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, wanted);
}

fn measure(cli: &Cli, progress: &mut Progress, rows: &mut Vec<Row>) -> Result<()> {
    let common = &cli.common;
    let seconds = Duration::from_secs(common.seconds);
    let style = Style::new(common.protocol, common.app_id, !common.clear)?;
    match &cli.workload {
        Workload::Logins { clients, rounds, names } => {
            let target = common.target()?;
            for &clients in clients {
                // Each client once, so that every account is there and warm.
                let first = Extent { clients, rounds: clients as u64, duration: Duration::from_secs(600) };
                let row = logins::rounds(&target, &style, Round::Login, first, names, progress)?;
                // Cold if the accounts were not there, or not verified since the server's start.
                rows.push(Row { name: "login, first".to_owned(), ..row });
                let extent = Extent { clients, rounds: *rounds, duration: seconds };
                for _ in 0..common.runs {
                    rows.push(logins::rounds(&target, &style, Round::Login, extent, names, progress)?);
                }
            }
        }
        Workload::Handshakes { clients, rounds } => {
            let target = common.target()?;
            for &clients in clients {
                let extent = Extent { clients, rounds: *rounds, duration: seconds };
                for _ in 0..common.runs {
                    rows.push(logins::rounds(&target, &style, Round::Handshake, extent, "", progress)?);
                }
            }
        }
        Workload::Relay { rates, relay } => {
            relayed(common, &style, relay, 1, progress, rows, |arena, way, progress| {
                rates.iter().map(|rate| arena.paced(way, *rate, seconds, progress)).collect()
            })?;
        }
        Workload::Blast { count, relay } => {
            relayed(common, &style, relay, 1, progress, rows, |arena, way, progress| {
                Ok(vec![arena.blast(way, *count, progress)?])
            })?;
        }
        Workload::Worlds { rate, relay } => {
            relayed(common, &style, relay, 125, progress, rows, |arena, way, progress| {
                Ok(vec![arena.paced(way, *rate, seconds, progress)?])
            })?;
        }
        Workload::Idle { counts, dme: false, .. } => {
            rows.extend(idle::lobby(&common.target()?, &style, counts, seconds, progress)?);
        }
        Workload::Idle { counts, dme: true, udp } => {
            let most = counts.iter().copied().max().unwrap_or(0);
            let worlds = u32::try_from(most.div_ceil(64)).unwrap_or(u32::MAX).max(1);
            let spec = RelaySpec { worlds, players: 64, ..RelaySpec::one_world(64, common.app_id) };
            let process = RelayProcess::start(&own_program()?, &spec)?;
            rows.extend(idle::relay(&process.offer, &style, counts, *udp, seconds, progress)?);
        }
        Workload::Lobby { clients, rate } => {
            let target = common.target()?;
            for _ in 0..common.runs {
                rows.push(chatter::mix(&target, &style, *clients, *rate, seconds, progress)?);
            }
        }
        Workload::RelayHost(spec) => relay_host::serve(spec)?,
    }
    Ok(())
}

/// Runs `work` on the baselines, then on the relay, and sets the ratios.
fn relayed(
    common: &Common,
    style: &Style,
    args: &RelayArgs,
    worlds: u32,
    progress: &mut Progress,
    rows: &mut Vec<Row>,
    work: impl Fn(&mut Arena, Way, &mut Progress) -> Result<Vec<Row>>,
) -> Result<()> {
    let worlds = args.worlds.unwrap_or(worlds);
    for on in &args.transport {
        let (transport, udp) = match on {
            On::Tcp => (Transport::Tcp, false),
            On::Udp => (Transport::Udp, true),
        };
        let mut measured = |arena: &mut Arena, wrap: Wrap, rows: &mut Vec<Row>, base: &[Row]| -> Result<()> {
            let cover = match wrap {
                Wrap::Clear => Cover::Clear,
                Wrap::Null => Cover::NullHash,
                Wrap::Enciphered => Cover::Enciphered,
            };
            for _ in 0..common.runs {
                let mut fresh = work(arena, Way { transport, cover }, progress)?;
                for (row, base) in fresh.iter_mut().zip(base) {
                    row.ratio = row.cpu_us.zip(base.cpu_us).map(|(own, base)| own / base);
                }
                rows.extend(fresh);
            }
            Ok(())
        };
        let mut base = Vec::new();
        for limit in &args.baseline {
            let mut arena = Arena::bare(worlds as usize, usize::from(args.players), *limit, udp)?;
            let first = rows.len();
            measured(&mut arena, Wrap::Clear, rows, &base)?;
            if base.is_empty() {
                base.extend(rows.iter().skip(first).cloned());
            }
        }
        for wrap in &args.cover {
            if args.direct {
                let spec = RelaySpec {
                    worlds,
                    shards: args.shards,
                    shared_key: args.shared_key,
                    pin: args.pin,
                    ..RelaySpec::one_world(args.players, common.app_id)
                };
                let process = RelayProcess::start(&own_program()?, &spec)?;
                let subject = Subject::Process(process.offer.pid);
                let mut arena = Arena::direct(&process.offer, style, udp, subject)?;
                measured(&mut arena, *wrap, rows, &base)?;
            } else {
                let (count, players) = (worlds as usize, usize::from(args.players));
                let target = common.target()?;
                let mut arena = Arena::by_lobby(&target, style, udp, count, players, !args.accounts)?;
                measured(&mut arena, *wrap, rows, &base)?;
            }
        }
    }
    Ok(())
}

fn own_program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|source| LoadError::Io { what: "own program", source })
}

impl Common {
    fn target(&self) -> Result<Target> {
        let mas = match (&self.ready_file, self.mas) {
            (_, Some(mas)) => mas,
            (Some(file), None) => mas_of(file)?,
            (None, None) => {
                return Err(LoadError::Other("say which server: --mas or --ready-file".to_owned()));
            }
        };
        Ok(Target { mas, pid: self.pid })
    }
}

/// MAS in a ready file: a JSON list of `{name, transport, address}`.
fn mas_of(file: &Path) -> Result<SocketAddr> {
    let other = |error: &dyn core::fmt::Display| LoadError::Other(format!("{}: {error}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| other(&error))?;
    let listeners: Vec<serde_json::Value> = serde_json::from_str(&text).map_err(|error| other(&error))?;
    let mas = listeners.iter().find(|listener| listener.get("name").is_some_and(|name| name == "MAS"));
    let address = mas.and_then(|listener| listener.get("address")?.as_str()?.parse::<SocketAddr>().ok());
    let mut address = address.ok_or_else(|| other(&"names no MAS"))?;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    Ok(address)
}
