//! The load tool as a program of its own; `medley load` is the same with a host to start.

use std::process::ExitCode;

use clap::Parser;
use medley_load::cli::Load;
use medley_load::own::Program;

#[derive(Parser, Debug)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    load: Load,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match Program::running(&[], None).and_then(|program| cli.load.run(&program)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("medley-load: {error}");
            ExitCode::FAILURE
        }
    }
}
