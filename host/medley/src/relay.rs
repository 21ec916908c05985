//! `medley relay`: the game relay alone, for a host on another machine.

use std::sync::Arc;

use anyhow::Context as _;
use medley_relay::{MpsLink, Relay, TitleRelays};
use tokio_util::sync::CancellationToken;

use crate::cli::RunArgs;
use crate::report::{self, Listener};
use crate::rules::relay_config;
use crate::run::{Signals, interrupted};
use crate::setup::{self, Setup};
use crate::{Failure, exit, logging};

/// Runs until it is told to stop.
pub(crate) fn run(mut setup: Setup, args: RunArgs) -> Result<(), Failure> {
    if let Some(address) = args.public_address {
        setup.config.public_address = Some(address);
    }
    let Some(mps) = setup.config.relay.mps else {
        let error = anyhow::anyhow!(
            "relay.mps: wanted the address and port of the host's MPS (10077), found nothing; set it in medley.toml or MEDLEY_RELAY_MPS"
        );
        return Err(Failure::new(exit::CONFIG, error));
    };
    logging::start(&setup.config.log).map_err(|error| Failure::new(exit::CONFIG, error))?;
    if setup.config.relay.secret.is_none() && !mps.ip().is_loopback() {
        tracing::warn!("relay.secret is not set: a host takes relays from its own machine only without it");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let mut signals = Signals::new()?;
        let shutdown = CancellationToken::new();
        let secret = setup.config.relay.secret.as_ref().map(|secret| secret.0.clone());
        let rules = Arc::new(TitleRelays::new(&setup.config, setup.titles.clone()));
        let config = relay_config(&setup.config, Some(MpsLink::new(mps, secret)));
        let relay = Relay::start(config, rules, Arc::new(setup::keys()?), shutdown.clone())
            .context("the game relay (listen.dme_tcp, listen.dme_udp)")
            .map_err(|error| Failure::new(exit::UNAVAILABLE, error))?;
        let row = |transport, address| Listener { name: "DME", transport, address, purpose: "game relay" };
        let mut listeners = vec![row("TCP", relay.tcp_addr())];
        listeners.extend(relay.udp_addrs().iter().map(|address| row("UDP", *address)));
        let mut text = format!("Medley {} relay for the host at {mps}\n", env!("CARGO_PKG_VERSION"));
        for Listener { name, transport, address, .. } in &listeners {
            text += &format!("  {name} {transport} {address}\n");
        }
        report::say(&text)?;
        if let Some(file) = &args.ready_file {
            setup::write_ready(file, &listeners)?;
        }
        signals.stop().await;
        tracing::info!("stopping");
        shutdown.cancel();
        tokio::select! {
            () = relay.stopped() => Ok(()),
            () = signals.stop() => Err(interrupted()),
        }
    })
}
