//! What an idle connection costs in resident memory.

use medley_session::ServerKind;
use medley_titles::HostConfig;

use crate::kit::*;

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// Set in the process that measures: this one alone, since other tests take and free memory meanwhile.
const ALONE: &str = "MEDLEY_MEASURE_ALONE";
const NAME: &str = "memory::an_idle_connection_costs_less_than_twelve_kib_for_both_of_its_ends";

/// Both ends live in one process, so the bound is for host and console together.
#[cfg(target_os = "linux")]
#[test]
fn an_idle_connection_costs_less_than_twelve_kib_for_both_of_its_ends() {
    if std::env::var_os(ALONE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(measure());
        return;
    }
    let this = std::env::current_exe().unwrap();
    let run = std::process::Command::new(this)
        .args(["--exact", NAME, "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    eprintln!("{}", String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
}

async fn measure() {
    let mut config = HostConfig::ephemeral();
    config.limits.new_connections_per_ip = 0;
    config.limits.max_connections_per_ip = 5000;
    let host = Host::with(config, titles(&[])).await;
    let mut consoles = Vec::new();
    for _ in 0..100 {
        consoles.push(idle(&host).await);
    }
    let before = resident();
    for _ in 0..400 {
        consoles.push(idle(&host).await);
    }
    let each = resident().saturating_sub(before) / 400;
    eprintln!("resident bytes of an idle connection, both ends: {each}");
    assert!(each < 12 * 1024, "{each} bytes each");
}

/// A console with a session on MAS.
async fn idle(host: &Host) -> Console {
    let mut console = Console::connect(host, UYA, ServerKind::Mas).await;
    console.begin().await;
    console
}
