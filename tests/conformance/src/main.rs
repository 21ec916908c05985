//! `medley-conformance`: golden vectors, captured sessions, and frames explained.

use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use medley_conformance::FileReport;
use medley_conformance::capture::{self, Keys, Options, Side};
use medley_conformance::decode::{self, Input, Request};
use medley_conformance::vectors;
use medley_crypto::{KEY_LEN, Suite, SymmetricKey};
use medley_wire::{AppId, Dialect};

/// Checks golden vectors and captured Medius sessions against the protocol crates, and explains frames.
///
/// Exit code: 0 everything passed, 1 something failed, 2 a file cannot be read or has another shape.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Checks vector files (of the shape of crypto.json and messages.json).
    Vectors {
        /// Vector files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Opens, decodes, encodes again and compares every frame of captured sessions.
    Captures {
        /// Captures, one JSON object a line.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// RSA pairs and session keys of the captures (of the shape of keys.json).
        #[arg(long)]
        keys: Option<PathBuf>,
        /// List messages, leftovers in pads, and frames that no key opens.
        #[arg(long, short)]
        verbose: bool,
        /// The Medius version, e.g. 110, where the capture does not tell it.
        #[arg(long)]
        version: Option<u16>,
        /// The application id where the capture does not tell it.
        #[arg(long)]
        app_id: Option<u32>,
    },
    /// Explains a frame or an application payload as JSON.
    Decode(DecodeArgs),
}

#[derive(Args)]
struct DecodeArgs {
    /// Hexadecimal digits, a file of them, a binary file, or - for standard input.
    #[arg(default_value = "-")]
    input: String,
    /// Several frames back to back: a datagram, or a piece of a TCP stream.
    #[arg(long, conflicts_with = "app")]
    udp: bool,
    /// An application payload (class, id, body), not a frame.
    #[arg(long)]
    app: bool,
    /// A session key, 128 hexadecimal digits; may be given more than once.
    #[arg(long)]
    key: Vec<String>,
    /// The cipher suite; by the version if not given.
    #[arg(long)]
    suite: Option<SuiteName>,
    /// An RSA pair of the built-in key store; all are tried if none is given.
    #[arg(long)]
    rsa: Vec<String>,
    /// The client's Medius version: 108 for 1.08 and so on.
    #[arg(long, default_value_t = 108)]
    version: u16,
    /// The client's application id.
    #[arg(long, default_value_t = 0)]
    app_id: u32,
    /// Who sent it: a message that does not go this way is marked.
    #[arg(long)]
    direction: Option<DirectionName>,
    /// Show offset, length and bytes of each field.
    #[arg(long)]
    offsets: bool,
    /// Show the names of enum values too.
    #[arg(long)]
    names: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum SuiteName {
    Ps2,
    Ps3,
}

#[derive(Clone, Copy, ValueEnum)]
enum DirectionName {
    C2s,
    S2c,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Vectors { files } => {
            run(&files, false, |file, text| vectors::check(&file.display().to_string(), text))
        }
        Command::Captures { files, keys, verbose, version, app_id } => {
            let options = Options { medius_version: version, app_id };
            keys.as_deref().map(read_keys).transpose().and_then(|keys| {
                run(&files, verbose, |file, text| {
                    let name = file.display().to_string();
                    capture::check(&name, capture::stem(&name), text, keys.as_ref(), options)
                })
            })
        }
        Command::Decode(args) => explain(args).map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}

fn read(file: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    String::from_utf8(bytes).map_err(|error| {
        anyhow!("{}: byte {}: wanted UTF-8 text", file.display(), error.utf8_error().valid_up_to())
    })
}

fn read_keys(file: &Path) -> anyhow::Result<Keys> {
    Ok(Keys::parse(&file.display().to_string(), &read(file)?)?)
}

/// Checks file after file; a file that cannot be read does not keep the others from being checked.
fn run(
    files: &[PathBuf],
    verbose: bool,
    check: impl Fn(&Path, &str) -> FileReport,
) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let (mut passed, mut failed, mut broken) = (0, 0, false);
    for file in files {
        let report = match read(file) {
            Ok(text) => check(file, &text),
            Err(error) => {
                eprintln!("error: {error:#}");
                broken = true;
                continue;
            }
        };
        for error in &report.errors {
            eprintln!("error: {error}");
            broken = true;
        }
        passed += report.passed;
        failed += report.failures.len();
        for line in report.lines(verbose) {
            writeln!(out, "{line}")?;
        }
    }
    writeln!(out, "{passed} passed, {failed} failed")?;
    Ok(match (broken, failed) {
        (true, _) => ExitCode::from(2),
        (false, 0) => ExitCode::SUCCESS,
        (false, _) => ExitCode::FAILURE,
    })
}

fn explain(args: DecodeArgs) -> anyhow::Result<()> {
    let keys = args.key.iter().map(|key| {
        let bytes = decode::parse_hex(key).with_context(|| "--key".to_owned())?;
        let found = bytes.len();
        let Ok(bytes) = <[u8; KEY_LEN]>::try_from(bytes) else {
            bail!("--key: wanted {KEY_LEN} bytes ({} digits), found {found}", 2 * KEY_LEN);
        };
        Ok(SymmetricKey::new(bytes))
    });
    let request = Request {
        input: match (args.udp, args.app) {
            (true, _) => Input::Frames,
            (_, true) => Input::App,
            _ => Input::Guess,
        },
        dialect: Dialect::new(args.version, AppId(args.app_id)),
        suite: args.suite.map(|suite| match suite {
            SuiteName::Ps2 => Suite::Ps2,
            SuiteName::Ps3 => Suite::Ps3,
        }),
        keys: keys.collect::<anyhow::Result<_>>()?,
        rsa: args.rsa,
        side: args.direction.map(|direction| match direction {
            DirectionName::C2s => Side::Client,
            DirectionName::S2c => Side::Server,
        }),
        offsets: args.offsets,
        names: args.names,
    };
    let bytes = input_bytes(&args.input)?;
    let explained = decode::explain(&bytes, &request)?;
    writeln!(std::io::stdout().lock(), "{explained:#}")?;
    Ok(())
}

/// The bytes behind the argument: digits, a file, or standard input.
fn input_bytes(input: &str) -> anyhow::Result<Vec<u8>> {
    if input == "-" {
        if std::io::stdin().is_terminal() {
            eprintln!("reading hexadecimal digits from standard input");
        }
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context("standard input")?;
        return bytes_or_digits(bytes).context("standard input");
    }
    if Path::new(input).is_file() {
        let bytes = std::fs::read(input).with_context(|| input.to_owned())?;
        return bytes_or_digits(bytes).with_context(|| input.to_owned());
    }
    let looks_like_a_path = input.contains(['/', '\\']) || input.contains(".");
    if looks_like_a_path {
        bail!("{input}: no such file, and no hexadecimal digits either");
    }
    Ok(decode::parse_hex(input)?)
}

/// Text is digits; anything that is not text is the bytes themselves.
fn bytes_or_digits(bytes: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    let is_text = |text: &&str| text.chars().all(|c| c.is_ascii_graphic() || c.is_whitespace());
    match std::str::from_utf8(&bytes).ok().filter(is_text) {
        Some(text) => Ok(decode::parse_hex(text)?),
        None => Ok(bytes),
    }
}
