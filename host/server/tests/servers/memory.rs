//! What an idle connection costs in resident memory.

use medley_session::ServerKind;
use medley_titles::HostConfig;

use crate::kit::*;

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// Both ends live in this process, so the bound is for server and console together.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_thousand_idle_consoles_cost_less_than_sixteen_kib_each_with_their_own_end() {
    let mut config = HostConfig::ephemeral();
    config.limits.new_connections_per_ip = 0;
    config.limits.max_connections_per_ip = 5000;
    let host = Host::with(config, titles(&[])).await;
    let mut consoles = Vec::new();
    for _ in 0..100 {
        let mut console = Console::connect(&host, UYA, ServerKind::Mas).await;
        console.begin().await;
        consoles.push(console);
    }
    let before = resident();
    for _ in 0..1000 {
        let mut console = Console::connect(&host, UYA, ServerKind::Mas).await;
        console.begin().await;
        consoles.push(console);
    }
    let each = resident().saturating_sub(before) / 1000;
    eprintln!("resident bytes of an idle connection, both ends: {each}");
    assert!(each < 16 * 1024, "{each} bytes each");
}
