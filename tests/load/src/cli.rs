//! The command line: `medley load ...`, or this crate's own program.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use medley_session::{Cover, Transport};

use crate::fleet::{LoadError, Result, Style};
use crate::lobby::{self, Target};
use crate::logins::{Extent, Round};
use crate::meter::Subject;
use crate::own::{HostProcess, Program, mas_of};
use crate::pin::{Pinned, pin_self};
use crate::relay_host::{RelayProcess, RelaySpec};
use crate::report::{Row, median};
use crate::traffic::{Arena, Ears, Progress, Way};
use crate::{chatter, idle, logins, relay_host, report};

/// Clients at one time, at most.
const MAX_CLIENTS: i64 = 20_000;

/// Load for a Medius server, by address, and the same work done by a bare loop. Without an address a host of this
/// program's own is started on loopback for the time of the run, its limits out of the way.
#[derive(Args, Debug)]
pub struct Load {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    workload: Workload,
}

#[derive(Args, Debug)]
struct Common {
    /// MAS of the server under load, host:port; everything else follows from its answers.
    #[arg(long, global = true, value_name = "HOST:PORT", value_parser = address)]
    mas: Option<SocketAddr>,
    /// MUIS of the server under load, asked for MAS instead of --mas. Versions above 1.08.
    #[arg(long, global = true, value_name = "HOST:PORT", value_parser = address, conflicts_with = "mas")]
    muis: Option<SocketAddr>,
    /// The ready file of a host on this machine, instead of --mas.
    #[arg(long, global = true, value_name = "FILE", conflicts_with_all = ["mas", "muis"])]
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
    /// Makes each measurement so often, baseline and server in turn, and gives the medians.
    #[arg(long, global = true, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    median: u32,
    /// JSON instead of the table.
    #[arg(long, global = true)]
    json: bool,
    /// No progress line.
    #[arg(long, global = true)]
    quiet: bool,
    /// Binds the server (or the baseline) to one CPU and the generator to another for the time of the run, e.g. 0,1.
    #[arg(long, global = true, value_name = "SERVER,LOAD", value_delimiter = ',', num_args = 1)]
    pin: Vec<usize>,
}

#[derive(Subcommand, Debug)]
enum Workload {
    /// Full logins in a closed loop: first with accounts made, then with the same ones.
    Logins {
        /// Clients at one time.
        #[arg(long, value_delimiter = ',', default_values_t = [1, 50, 200], value_parser = clients())]
        clients: Vec<u32>,
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
        #[arg(long, value_delimiter = ',', default_values_t = [1, 50, 200], value_parser = clients())]
        clients: Vec<u32>,
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
    /// One rate for a long time: a row a minute, whose memory must not grow.
    Soak {
        /// Minutes.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1440))]
        minutes: u32,
        /// Messages a second of each player.
        #[arg(long, default_value_t = 500)]
        rate: u32,
        #[command(flatten)]
        relay: RelayArgs,
    },
    /// The bare loop alone: what relaying costs on this machine without a server around it.
    Baseline {
        /// Paced rates, messages a second of each player.
        #[arg(long, value_delimiter = ',', default_values_t = [20, 200, 2000])]
        rates: Vec<u32>,
        /// Messages of each player in the blast.
        #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        count: u32,
        /// How messages travel.
        #[arg(long, value_delimiter = ',', default_values_t = [On::Tcp, On::Udp])]
        transport: Vec<On>,
        /// Bytes a datagram; 0: one frame each.
        #[arg(long, value_delimiter = ',', default_values_t = [584, 1400, 0])]
        datagram: Vec<usize>,
        /// Players.
        #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(2..=256))]
        players: u16,
    },
    /// Connections on which nothing happens.
    Idle {
        /// How many, one after the other, ascending.
        #[arg(long, value_delimiter = ',', default_values_t = [0, 100, 1000, 10_000], value_parser = counts())]
        counts: Vec<u32>,
        /// On the relay, in a process of its own, instead of the lobby.
        #[arg(long)]
        dme: bool,
        /// With UDP: two sockets a player.
        #[arg(long)]
        udp: bool,
    },
    /// Chat, lists and reports in the lobby.
    Lobby {
        /// Clients.
        #[arg(long, default_value_t = 50, value_parser = clients())]
        clients: u32,
        /// Requests of each in a hundred seconds.
        #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        per_100_seconds: u32,
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
    /// The same by the bare loop in turn; ratios are to the first of these. Bytes a datagram; 0: one frame each.
    #[arg(long, value_delimiter = ',', default_values_t = [584])]
    baseline: Vec<usize>,
    /// No bare loop, and no ratios.
    #[arg(long, conflicts_with = "baseline")]
    no_baseline: bool,
    /// Everybody deciphers what it hears, not the first player of each world alone.
    #[arg(long)]
    all_ears: bool,
    /// Players with accounts instead of anonymous ones.
    #[arg(long)]
    accounts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum On {
    Tcp,
    Udp,
}

impl On {
    const fn transport(self) -> Transport {
        match self {
            Self::Tcp => Transport::Tcp,
            Self::Udp => Transport::Udp,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Wrap {
    Clear,
    Null,
    Enciphered,
}

impl Wrap {
    const fn cover(self) -> Cover {
        match self {
            Self::Clear => Cover::Clear,
            Self::Null => Cover::NullHash,
            Self::Enciphered => Cover::Enciphered,
        }
    }
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

fn clients() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=MAX_CLIENTS)
}

fn counts() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(0..=MAX_CLIENTS)
}

fn address(text: &str) -> core::result::Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|error| format!("`{text}` is no host:port: {error}"))?;
    // Medius is IPv4.
    found.find(SocketAddr::is_ipv4).ok_or_else(|| format!("`{text}` has no IPv4 address"))
}

impl Load {
    /// Runs the workload and prints its figures. `program`: what to start where a process of our own is needed.
    ///
    /// # Errors
    /// What was measured up to then is printed all the same.
    pub fn run(&self, program: &Program) -> Result<()> {
        raise_descriptors();
        if let Workload::RelayHost(spec) = &self.workload {
            return relay_host::serve(spec);
        }
        let common = &self.common;
        let pin = match common.pin.as_slice() {
            [] => None,
            [server, load] => Some((*server, *load)),
            _ => {
                return Err(LoadError::Other(
                    "--pin wants two CPUs: the server's and the generator's".to_owned(),
                ));
            }
        };
        let mut run = Run {
            common,
            program,
            style: Style::new(common.protocol, common.app_id, !common.clear)?,
            seconds: Duration::from_secs(common.seconds),
            pin: pin.map(|(server, _)| server),
            progress: Progress::new(!common.quiet),
            rows: Vec::new(),
            host: None,
            target: None,
            pinned: None,
        };
        if let Some((_, load)) = pin {
            pin_self(load)?;
        }
        let result = run.measure(&self.workload);
        run.progress.done();
        // What was measured before an error is shown too.
        if common.json {
            let text = serde_json::to_string_pretty(&run.rows)
                .map_err(|error| LoadError::Other(error.to_string()))?;
            println!("{text}");
        } else if !run.rows.is_empty() {
            print!("{}", report::table(&run.rows));
        }
        result
    }
}

/// Ten thousand connections need as many descriptors; what the system allows is taken.
fn raise_descriptors() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let wanted = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
    // With less, a large workload ends with a clear error.
    let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, wanted);
}

struct Run<'a> {
    common: &'a Common,
    program: &'a Program,
    style: Style,
    seconds: Duration,
    /// The server's CPU.
    pin: Option<usize>,
    progress: Progress,
    rows: Vec<Row>,
    host: Option<HostProcess>,
    target: Option<Target>,
    pinned: Option<Pinned>,
}

/// Work on one arena: the rows of one run.
type Work<'w> = &'w dyn Fn(&mut Arena, Way, &mut Progress) -> Result<Vec<Row>>;

impl Run<'_> {
    fn measure(&mut self, workload: &Workload) -> Result<()> {
        let seconds = self.seconds;
        match workload {
            Workload::Logins { clients, rounds, names } => {
                for &clients in clients {
                    // Each client once, so that every account is there and warm.
                    let first = Extent {
                        clients: clients as usize,
                        rounds: clients.into(),
                        duration: Duration::from_secs(600),
                    };
                    let row = self.rounds(Round::Login, first, names)?;
                    // Cold if the accounts were not there, or not verified since the server's start.
                    self.rows.push(Row { name: "login, first".to_owned(), ..row });
                    let extent = Extent { rounds: *rounds, duration: seconds, ..first };
                    self.medians(|run| Ok(vec![run.rounds(Round::Login, extent, names)?]))?;
                }
            }
            Workload::Handshakes { clients, rounds } => {
                for &clients in clients {
                    let extent = Extent { clients: clients as usize, rounds: *rounds, duration: seconds };
                    self.medians(|run| Ok(vec![run.rounds(Round::Handshake, extent, "")?]))?;
                }
            }
            Workload::Relay { rates, relay } => {
                self.relayed(relay, 1, &|arena, way, progress| {
                    rates.iter().map(|rate| arena.paced(way, *rate, seconds, progress)).collect()
                })?;
            }
            Workload::Blast { count, relay } => {
                self.relayed(relay, 1, &|arena, way, progress| {
                    Ok(vec![arena.blast(way, *count, progress)?])
                })?;
            }
            Workload::Worlds { rate, relay } => {
                self.relayed(relay, 125, &|arena, way, progress| {
                    Ok(vec![arena.paced(way, *rate, seconds, progress)?])
                })?;
            }
            Workload::Soak { minutes, rate, relay } => self.soak(relay, *minutes, *rate)?,
            Workload::Baseline { rates, count, transport, datagram, players } => {
                for on in transport {
                    for limit in datagram.iter().take(if *on == On::Tcp { 1 } else { datagram.len() }) {
                        let mut arena = self.bare(1, *players, *limit, *on)?;
                        let way = Way { transport: on.transport(), cover: Cover::Clear };
                        self.medians(|run| {
                            let mut rows = vec![arena.blast(way, *count, &mut run.progress)?];
                            for rate in rates {
                                rows.push(arena.paced(way, *rate, seconds, &mut run.progress)?);
                            }
                            Ok(rows)
                        })?;
                    }
                }
            }
            Workload::Idle { counts, dme: false, .. } => {
                let counts: Vec<usize> = counts.iter().map(|count| *count as usize).collect();
                let target = self.target()?;
                let rows = idle::lobby(&target, &self.style, &counts, seconds, &mut self.progress)?;
                self.rows.extend(rows);
            }
            Workload::Idle { counts, dme: true, udp } => {
                let counts: Vec<usize> = counts.iter().map(|count| *count as usize).collect();
                let most = counts.iter().copied().max().unwrap_or(0);
                let worlds = u32::try_from(most.div_ceil(64)).unwrap_or(u32::MAX).max(1);
                let spec = RelaySpec { worlds, ..RelaySpec::one_world(64, self.common.app_id) };
                let process = RelayProcess::start(self.program, &spec)?;
                self.pinned = self.pin(&Subject::Process(process.offer.pid))?;
                let offer = &process.offer;
                let rows = idle::relay(offer, &self.style, &counts, *udp, seconds, &mut self.progress)?;
                self.rows.extend(rows);
            }
            Workload::Lobby { clients, per_100_seconds } => {
                let target = self.target()?;
                let (clients, rate) = (*clients as usize, f64::from(*per_100_seconds) / 100.0);
                self.medians(|run| {
                    let row = chatter::mix(&target, &run.style, clients, rate, seconds, &mut run.progress)?;
                    Ok(vec![row])
                })?;
            }
            Workload::RelayHost(spec) => relay_host::serve(spec)?,
        }
        Ok(())
    }

    fn rounds(&mut self, round: Round, extent: Extent, names: &str) -> Result<Row> {
        let target = self.target()?;
        logins::rounds(&target, &self.style, round, extent, names, &mut self.progress)
    }

    /// Measures as often as was asked for, and takes the medians of what stands at the same place.
    fn medians(&mut self, mut work: impl FnMut(&mut Self) -> Result<Vec<Row>>) -> Result<()> {
        let mut series: Vec<Vec<Row>> = Vec::new();
        let mut result = Ok(());
        for _ in 0..self.common.median {
            match work(self) {
                Ok(rows) => {
                    series.resize_with(rows.len().max(series.len()), Vec::new);
                    series.iter_mut().zip(rows).for_each(|(place, row)| place.push(row));
                }
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        self.rows.extend(series.iter().filter_map(|runs| median(runs)));
        result
    }

    /// Runs `work` on the baselines and on the relay in turn, and sets the ratios.
    fn relayed(&mut self, args: &RelayArgs, worlds: u32, work: Work<'_>) -> Result<()> {
        let worlds = args.worlds.unwrap_or(worlds);
        for on in &args.transport {
            let limits = if args.no_baseline { &[][..] } else { &args.baseline };
            let mut bare = Vec::new();
            for limit in limits.iter().take(if *on == On::Tcp { 1 } else { limits.len() }) {
                bare.push(self.bare(worlds, args.players, *limit, *on)?);
            }
            for wrap in &args.cover {
                let (mut arena, _process) = self.arena(args, worlds, *on)?;
                let way = Way { transport: on.transport(), cover: wrap.cover() };
                let plain = Way { cover: Cover::Clear, ..way };
                self.medians(|run| {
                    let mut rows: Vec<Row> = Vec::new();
                    let mut base: Vec<Row> = Vec::new();
                    for arena in &mut bare {
                        rows.extend(with_ratios(work(arena, plain, &mut run.progress)?, &base));
                        if base.is_empty() {
                            base.clone_from(&rows);
                        }
                    }
                    rows.extend(with_ratios(work(&mut arena, way, &mut run.progress)?, &base));
                    Ok(rows)
                })?;
            }
        }
        Ok(())
    }

    fn soak(&mut self, args: &RelayArgs, minutes: u32, rate: u32) -> Result<()> {
        for on in &args.transport {
            for wrap in &args.cover {
                let (mut arena, _process) = self.arena(args, args.worlds.unwrap_or(1), *on)?;
                let way = Way { transport: on.transport(), cover: wrap.cover() };
                for minute in 1..=minutes {
                    let row = arena.paced(way, rate, Duration::from_secs(60), &mut self.progress)?;
                    self.rows.push(Row { name: format!("{}, minute {minute}", row.name), ..row });
                }
            }
        }
        Ok(())
    }

    fn bare(&self, worlds: u32, players: u16, limit: usize, on: On) -> Result<Arena> {
        let mut arena = Arena::bare(worlds as usize, usize::from(players), limit, on == On::Udp)?;
        arena.hold(self.pin(&arena.subject)?);
        Ok(arena)
    }

    /// Players on the relay that was asked for, and its process, if it is by itself.
    fn arena(&mut self, args: &RelayArgs, worlds: u32, on: On) -> Result<(Arena, Option<RelayProcess>)> {
        let udp = on == On::Udp;
        let (mut arena, process) = if args.direct {
            let spec = RelaySpec {
                worlds,
                shards: args.shards,
                shared_key: args.shared_key,
                ..RelaySpec::one_world(args.players, self.common.app_id)
            };
            let process = RelayProcess::start(self.program, &spec)?;
            let subject = Subject::Process(process.offer.pid);
            let mut arena = Arena::direct(&process.offer, &self.style, udp, subject)?;
            arena.hold(self.pin(&arena.subject)?);
            (arena, Some(process))
        } else {
            let (count, players) = (worlds as usize, usize::from(args.players));
            let target = self.target()?;
            (Arena::by_lobby(&target, &self.style, udp, count, players, !args.accounts)?, None)
        };
        arena.set_ears(if args.all_ears { Ears::All } else { Ears::First });
        Ok((arena, process))
    }

    fn pin(&self, subject: &Subject) -> Result<Option<Pinned>> {
        self.pin.map(|cpu| Pinned::new(subject, cpu)).transpose()
    }

    /// The server under load; a host of our own, if none was named.
    fn target(&mut self) -> Result<Target> {
        if let Some(target) = &self.target {
            return Ok(target.clone());
        }
        let common = self.common;
        let mut pid = common.pid;
        let mas = match (&common.ready_file, common.mas, common.muis) {
            (_, Some(mas), _) => mas,
            (_, _, Some(muis)) => lobby::universe(&self.style, muis)?,
            (Some(file), ..) => mas_of(file)?,
            (None, None, None) => {
                let host = self.host.insert(HostProcess::start(self.program)?);
                pid = Some(host.pid());
                host.mas
            }
        };
        self.pinned = self.pin(&Subject::of(pid))?;
        Ok(self.target.insert(Target { mas, pid }).clone())
    }
}

fn with_ratios(mut rows: Vec<Row>, base: &[Row]) -> Vec<Row> {
    for (row, base) in rows.iter_mut().zip(base) {
        row.ratio = row.cpu_us.zip(base.cpu_us).map(|(own, base)| own / base);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory as _, Parser};

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        load: Load,
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn one_command_pins_host_and_load_and_takes_medians() {
        let line = ["x", "blast", "--pin", "0,1", "--median", "5", "--direct", "--baseline", "584,1400"];
        let Cli { load: Load { common, workload } } = Cli::try_parse_from(line).unwrap();
        assert_eq!((common.pin.as_slice(), common.median), (&[0, 1][..], 5));
        let Workload::Blast { relay, .. } = workload else { panic!("{workload:?}") };
        assert_eq!((relay.baseline.as_slice(), relay.direct), (&[584, 1400][..], true));
    }

    #[test]
    fn workloads_are_bounded() {
        assert!(Cli::try_parse_from(["x", "idle", "--counts", "20001"]).is_err());
        assert!(Cli::try_parse_from(["x", "logins", "--clients", "0"]).is_err());
        assert!(Cli::try_parse_from(["x", "soak", "--minutes", "1441"]).is_err());
        assert!(Cli::try_parse_from(["x", "lobby", "--mas", "nowhere"]).is_err());
    }
}
