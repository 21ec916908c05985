//! The commands of `medley plugin`, without the host: builds in a tenth of the time.

use std::process::ExitCode;

use clap::Parser;
use medley_plugin_tool::Tool;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    tool: Tool,
}

fn main() -> ExitCode {
    match Cli::parse().tool.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tool: {error}");
            ExitCode::FAILURE
        }
    }
}
