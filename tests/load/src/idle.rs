//! Idle connections: what each costs a server in memory and time while nothing happens on it.

use std::time::Duration;

use medley_session::ServerKind;

use crate::fleet::{Fleet, Result, Style};
use crate::lobby::{self, Target};
use crate::meter::{Subject, Watch};
use crate::relay_host::Offer;
use crate::report::Row;
use crate::traffic::Progress;

/// Fills up to each of `counts` lobby connections (anonymous logins), measuring at each for `watch`.
///
/// # Errors
/// One of them is not let in.
pub fn lobby(
    target: &Target,
    style: &Style,
    counts: &[usize],
    watch: Duration,
    progress: &mut Progress,
) -> Result<Vec<Row>> {
    let mut fleet = Fleet::new(target.allowed())?;
    fleet.spread();
    let subject = Subject::of(target.pid);
    let mut next = 0;
    fill("idle lobby", fleet, &subject, counts, watch, progress, &mut |fleet| {
        next += 1;
        lobby::enter(fleet, style, target, &format!("Idle{next}"), true).map(|_| ())
    })
}

/// Fills up to each of `counts` players of a relay; the offer must hold places enough.
///
/// # Errors
/// One of them is not let in.
pub fn relay(
    offer: &Offer,
    style: &Style,
    counts: &[usize],
    udp: bool,
    watch: Duration,
    progress: &mut Progress,
) -> Result<Vec<Row>> {
    let mut places = offer
        .worlds
        .iter()
        .flat_map(|world| world.keys.iter().map(move |(session, key)| (world.id, session, key)));
    let fleet = Fleet::new(Vec::new())?;
    let subject = Subject::Process(offer.pid);
    let name = if udp { "idle dme, tcp + udp" } else { "idle dme, tcp" };
    fill(name, fleet, &subject, counts, watch, progress, &mut |fleet| {
        let Some((world, session, key)) = places.next() else { return Ok(()) };
        let mut config = style.to(ServerKind::Dme).redirected(world, session.as_bytes(), key.as_bytes());
        config.aux_udp = udp;
        let number = fleet.dial(config, offer.tcp)?;
        fleet.ready(number)
    })
}

fn fill(
    name: &str,
    mut fleet: Fleet,
    subject: &Subject,
    counts: &[usize],
    watch: Duration,
    progress: &mut Progress,
    add: &mut dyn FnMut(&mut Fleet) -> Result<()>,
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let empty = subject.resident();
    for &count in counts {
        while fleet.len() < count {
            let before = fleet.len();
            add(&mut fleet)?;
            if fleet.len() == before {
                break;
            }
            progress.tell(|| format!("{before} of {count} connections"));
        }
        // The handshakes' own memory is let go before anything is measured.
        let settle = fleet.now() + Duration::from_secs(1);
        while fleet.now() < settle {
            fleet.turn(settle, &mut |_| {})?;
        }
        let watched = Watch::start(subject);
        let end = fleet.now() + watch;
        while fleet.now() < end {
            fleet.turn(end, &mut |_| {})?;
        }
        let mut row = watched.row(name.to_owned(), fleet.len(), count as u64, fleet.len() as u64);
        (row.cpu_us, row.rate) = (None, 0.0);
        if let (Some(now), Some(empty), true) = (row.rss_kib, empty, !fleet.is_empty()) {
            let each = now.saturating_sub(empty) as f64 / fleet.len() as f64;
            row.note = format!("{each:.2} KiB each over {empty} KiB at 0");
        }
        rows.push(row);
    }
    Ok(rows)
}
