//! The binary: commands, configuration, wiring, shutdown. What the servers do is in the crates below.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | done; a host was asked to stop and drained |
//! | 1 | the operation failed or was refused |
//! | 64 | the command line, the configuration or a title is wrong |
//! | 69 | a port or address cannot be bound |
//! | 74 | the store cannot be opened or a file cannot be read or written |
//! | 130 | a second signal ended the drain |

mod cli;
mod control;
mod files;
mod logging;
mod operations;
mod plugins;
mod process;
mod relay;
mod report;
mod rules;
mod run;
mod setup;
mod utc;
mod watch;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command, PluginCommand};
use crate::setup::Setup;

/// Exit codes, after sysexits.h.
pub(crate) mod exit {
    pub(crate) const FAILED: u8 = 1;
    pub(crate) const CONFIG: u8 = 64;
    pub(crate) const UNAVAILABLE: u8 = 69;
    pub(crate) const IO: u8 = 74;
    pub(crate) const INTERRUPTED: u8 = 130;
}

/// An error with the exit code that it means.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) error: anyhow::Error,
}

impl Failure {
    pub(crate) fn new(code: u8, error: impl Into<anyhow::Error>) -> Self {
        Self { code, error: error.into() }
    }
}

/// An error is one that a person reads; without a code of its own it is a plain failure.
impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(exit::FAILED, error)
    }
}

fn main() -> ExitCode {
    process::give_large_blocks_back();
    // clap's own exit code for a wrong command line is 2; ours is that of sysexits.h.
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { exit::CONFIG } else { 0 };
            // Nothing is left to tell if the terminal is gone.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { code, error }) => {
            eprintln!("medley: {error:#}");
            ExitCode::from(code)
        }
    }
}

fn dispatch(cli: Cli) -> Result<(), Failure> {
    #[cfg(feature = "load")]
    if let Some(Command::Load(load)) = &cli.command {
        let program = medley_load::own::Program::running(&["load"], Some("run"))?;
        return Ok(load.run(&program)?);
    }
    // Plugin authors need no configuration.
    let cli = match cli {
        Cli { command: Some(Command::Plugin(PluginCommand::Tool(tool))), .. } => return Ok(tool.run()?),
        other => other,
    };
    let setup = Setup::load(&cli.common)?;
    match cli.command.unwrap_or_else(|| Command::Run(cli::RunArgs::default())) {
        Command::Run(args) => run::run(setup, args),
        Command::Relay(args) => relay::run(setup, args),
        Command::CheckConfig => report::check_config(&setup),
        Command::Account(command) => {
            let operation = command
                .into_operation(setup::ask_password)
                .map_err(|error| Failure::new(exit::CONFIG, error))?;
            setup.operate(operation)
        }
        Command::Announce(args) => setup.operate(args.into()),
        Command::File(command) => setup.operate(command.into_operation()?),
        Command::Policy { title, file, privacy } => {
            let text = file.map(|file| setup::read_text(&file)).transpose()?;
            setup.operate(operations::Operation::Policy { title, privacy, text })
        }
        Command::Export { file } => {
            setup.operate(operations::Operation::Export { file: setup::absolute(&file)? })
        }
        Command::Import { file, merge } => {
            setup.operate(operations::Operation::Import { file: setup::absolute(&file)?, merge })
        }
        Command::Reload => setup.operate(operations::Operation::Reload),
        // They read no configuration and were run above.
        Command::Plugin(PluginCommand::Tool(_)) => Ok(()),
        Command::Plugin(PluginCommand::Host(order)) => setup.operate(order.into()),
        #[cfg(feature = "load")]
        Command::Load(_) => Ok(()),
    }
}
