//! Relay workloads: worlds of players that send each other stamped messages, paced or as fast as they can.

use std::net::SocketAddr;
use std::time::Duration;

use medley_session::{Cover, ServerKind, Time, Transport};

use crate::bare::{self, Bare};
use crate::fleet::{Fleet, Heard, Result, Style};
use crate::lobby::{self, Member, Target};
use crate::meter::{Subject, Watch};
use crate::pin::Pinned;
use crate::relay_host::Offer;
use crate::report::{Latencies, Row};

/// Bytes of a message: the time of sending, a number, the run; the rest is zero.
pub const PAYLOAD: usize = 64;
/// Nothing has come for so long: what is missing is lost.
const QUIET: Duration = Duration::from_millis(400);
/// Messages of one player under way in a blast: eight players' windows fit into the receive buffers of a server.
const WINDOW: u32 = 56;
/// Messages that a player hands to its sockets at a time in a blast: what fits into one of its datagrams, enciphered.
const BATCH: u32 = 7;

/// How messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// TCP or UDP.
    pub transport: Transport,
    /// Clear, null hash or enciphered.
    pub cover: Cover,
}

impl Way {
    /// For the name of a row.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match (self.transport, self.cover) {
            (Transport::Tcp, Cover::Clear) => "tcp clear",
            (Transport::Tcp, Cover::NullHash) => "tcp null",
            (Transport::Tcp, Cover::Enciphered) => "tcp enc",
            (Transport::Udp, Cover::Clear) => "udp clear",
            (Transport::Udp, Cover::NullHash) => "udp null",
            (Transport::Udp, Cover::Enciphered) => "udp enc",
        }
    }
}

/// Players in their worlds.
pub struct Arena {
    /// Their connections, and those of the lobby.
    pub fleet: Fleet,
    /// Connection and index in the world, world by world.
    players: Vec<(usize, u16)>,
    world: usize,
    /// Whose cost is measured.
    pub subject: Subject,
    name: String,
    run: u32,
    ears: Ears,
    // Let go of before the threads end.
    pinned: Option<Pinned>,
    _bare: Option<Bare>,
}

/// Who deciphers what it hears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ears {
    /// Everybody: each message is verified and timed. The generator is then slower than what it measures.
    All,
    /// The first player of each world; the others count what comes for them, by sender.
    #[default]
    First,
}

impl Arena {
    /// Players on a relay that stands by itself.
    ///
    /// # Errors
    /// One of them is not let in.
    pub fn direct(offer: &Offer, style: &Style, udp: bool, subject: Subject) -> Result<Self> {
        let mut fleet = Fleet::new(Vec::new())?;
        let mut players = Vec::new();
        let mut world = 1;
        for place in &offer.worlds {
            world = place.keys.len();
            for (session, access) in &place.keys {
                let to = style.to(ServerKind::Dme);
                let mut config = to.redirected(place.id, session.as_bytes(), access.as_bytes());
                config.aux_udp = udp;
                players.push(lobby::enter_world(&mut fleet, config, offer.tcp)?);
            }
        }
        Self::new("relay", fleet, players, world, subject, None)
    }

    /// Players who log in, make games of `world` players and join them.
    ///
    /// # Errors
    /// One of them is not let in.
    pub fn by_lobby(
        target: &Target,
        style: &Style,
        udp: bool,
        worlds: usize,
        world: usize,
        anonymous: bool,
    ) -> Result<Self> {
        let mut fleet = Fleet::new(target.allowed())?;
        fleet.spread();
        let mut players = Vec::new();
        for number in 0..worlds {
            let mut game = None;
            for index in 0..world {
                let name = format!("Load{number}x{index}");
                let member: Member = lobby::enter(&mut fleet, style, target, &name, anonymous)?;
                let id = match game {
                    Some(id) => id,
                    None => {
                        let max = i32::try_from(world).unwrap_or(i32::MAX);
                        lobby::create_game(&mut fleet, style, &member, &format!("Load {number}"), max)?
                    }
                };
                game = Some(id);
                players.push(lobby::join_game(&mut fleet, style, &member, id, udp)?);
            }
        }
        Self::new("host", fleet, players, world, Subject::of(target.pid), None)
    }

    /// Players of the baseline.
    ///
    /// # Errors
    /// The system refuses.
    pub fn bare(worlds: usize, world: usize, limit: usize, udp: bool) -> Result<Self> {
        let bare = Bare::start(world, limit)?;
        let mut fleet = Fleet::new(Vec::new())?;
        let mut players = Vec::new();
        for _ in 0..worlds * world {
            let to: Option<SocketAddr> = udp.then_some(bare.udp);
            let number = fleet.dial_bare(bare.tcp, to)?;
            fleet.settle(number, Transport::Tcp)?;
            if udp {
                fleet.settle(number, Transport::Udp)?;
            }
            players.push(number);
        }
        let name =
            if limit == 0 { "bare, frame a datagram".to_owned() } else { format!("bare, {limit} bytes") };
        Self::new(&name, fleet, players, world, Subject::Threads(bare::THREAD), Some(bare))
    }

    fn new(
        name: &str,
        mut fleet: Fleet,
        numbers: Vec<usize>,
        world: usize,
        subject: Subject,
        bare: Option<Bare>,
    ) -> Result<Self> {
        let players = numbers
            .iter()
            .enumerate()
            .map(|(at, number)| {
                let session = fleet.get(*number).and_then(|connection| connection.session());
                let index = session.map_or((at % world) as u16, |session| session.player_id());
                (*number, index)
            })
            .collect();
        Ok(Self {
            fleet,
            players,
            world,
            subject,
            name: name.to_owned(),
            run: 0,
            ears: Ears::All,
            pinned: None,
            _bare: bare,
        })
    }

    /// Keeps the subject's threads where they are bound for as long as these players play.
    pub fn hold(&mut self, pinned: Option<Pinned>) {
        self.pinned = pinned;
    }

    /// Says who deciphers enciphered messages from now on. To be called between two runs.
    pub fn set_ears(&mut self, ears: Ears) {
        self.ears = ears;
    }

    fn open_ears(&mut self, cover: Cover) {
        for (at, (number, _)) in self.players.iter().enumerate() {
            let counts = cover == Cover::Enciphered && self.ears == Ears::First && at % self.world != 0;
            if let Some(connection) = self.fleet.get(*number) {
                connection.count_only(counts);
            }
        }
    }

    /// Players.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.players.len()
    }

    /// No players.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.players.is_empty()
    }

    fn score(&mut self) -> Score {
        self.run += 1;
        let connections = self.players.iter().map(|(number, _)| number + 1).max().unwrap_or(0);
        let mut player_of = vec![usize::MAX; connections];
        for (player, (number, _)) in self.players.iter().enumerate() {
            if let Some(place) = player_of.get_mut(*number) {
                *place = player;
            }
        }
        Score {
            player_of,
            width: 256,
            received: vec![0; self.players.len() * 256],
            last: vec![0; self.players.len() * 256],
            total: 0,
            disorder: 0,
            latencies: Latencies::default(),
            run: self.run,
        }
    }

    fn send(&mut self, player: usize, way: Way, number: u32) -> Result<()> {
        let now = self.fleet.now();
        let Some((connection, _)) = self.players.get(player) else { return Ok(()) };
        let mut payload = [0; PAYLOAD];
        stamp(&mut payload, now, number, self.run);
        if let Some(speaker) = self.fleet.get(*connection) {
            speaker.broadcast(way.transport, way.cover, &payload)?;
        }
        self.fleet.touch(*connection);
        Ok(())
    }

    /// Each player sends `rate` messages a second for `duration`, evenly spread over the players.
    ///
    /// # Errors
    /// The server broke the protocol.
    pub fn paced(&mut self, way: Way, rate: u32, duration: Duration, progress: &mut Progress) -> Result<Row> {
        let mut score = self.score();
        self.open_ears(way.cover);
        let players = self.players.len();
        let step = 1e9 / (f64::from(rate) * players as f64);
        let count = (duration.as_nanos() as f64 / step) as u64;
        let subject = self.subject.clone();
        let watch = Watch::start(&subject);
        let start = self.fleet.now() + Duration::from_millis(5);
        let due = |message: u64| start + Duration::from_nanos((message as f64 * step) as u64);
        let mut sent = 0;
        while sent < count {
            let now = self.fleet.now();
            while sent < count && due(sent) <= now {
                let number = sent / players as u64 + 1;
                self.send((sent % players as u64) as usize, way, number as u32)?;
                sent += 1;
            }
            self.fleet.turn(due(sent), &mut |heard| score.take(&heard))?;
            progress.tell(|| format!("{sent} of {count} sent, {} heard", score.total));
        }
        let expected = count * (self.world as u64 - 1);
        self.drain(&mut score, expected)?;
        let name = format!("{} {rate}/s", way.name());
        Ok(self.row(name, &score, expected, &watch))
    }

    /// Each player sends `count` messages as fast as the others hear them.
    ///
    /// # Errors
    /// The server broke the protocol.
    pub fn blast(&mut self, way: Way, count: u32, progress: &mut Progress) -> Result<Row> {
        let mut score = self.score();
        self.open_ears(way.cover);
        let players = self.players.len();
        let (mut sent, mut forgiven) = (vec![0_u32; players], vec![0_u32; players]);
        let subject = self.subject.clone();
        let watch = Watch::start(&subject);
        let start = self.fleet.now();
        let mut heard_at = (0, start);
        loop {
            let mut open = false;
            for player in 0..players {
                let (Some(so_far), Some(base)) = (sent.get_mut(player), forgiven.get_mut(player)) else {
                    continue;
                };
                if *so_far == count {
                    continue;
                }
                open = true;
                let arrived = self.slowest(&score, player).max(*base);
                let room = WINDOW.saturating_sub(so_far.saturating_sub(arrived));
                let batch = room.min(count - *so_far);
                if batch < BATCH.min(count - *so_far) {
                    continue;
                }
                let next = *so_far + batch / BATCH.min(batch) * BATCH.min(batch);
                for number in *so_far..next {
                    self.send(player, way, number + 1)?;
                }
                if let Some(so_far) = sent.get_mut(player) {
                    *so_far = next;
                }
            }
            if !open {
                break;
            }
            let until = self.fleet.now() + Duration::from_millis(50);
            self.fleet.turn(until, &mut |heard| score.take(&heard))?;
            let now = self.fleet.now();
            if score.total > heard_at.0 {
                heard_at = (score.total, now);
            } else if now.since(heard_at.1) > QUIET {
                // What is missing is lost: the window goes on without it.
                forgiven.clone_from(&sent);
                heard_at.1 = now;
            }
            progress.tell(|| format!("{} heard", score.total));
        }
        let expected = u64::from(count) * players as u64 * (self.world as u64 - 1);
        self.drain(&mut score, expected)?;
        let name = format!("{} blast", way.name());
        Ok(self.row(name, &score, expected, &watch))
    }

    /// How many of a player's messages everybody else in its world has heard.
    fn slowest(&self, score: &Score, player: usize) -> u32 {
        let first = player - player % self.world;
        let Some((_, index)) = self.players.get(player) else { return 0 };
        let others = (first..first + self.world).filter(|other| *other != player);
        others.map(|other| score.heard(other, *index)).min().unwrap_or(0)
    }

    fn drain(&mut self, score: &mut Score, expected: u64) -> Result<()> {
        let mut last = (score.total, self.fleet.now());
        while score.total < expected {
            let until = last.1 + QUIET;
            self.fleet.turn(until, &mut |heard| score.take(&heard))?;
            let now = self.fleet.now();
            if score.total > last.0 {
                last = (score.total, now);
            } else if now >= until {
                break;
            }
        }
        Ok(())
    }

    fn row(&mut self, name: String, score: &Score, expected: u64, watch: &Watch<'_>) -> Row {
        let name = format!("{}: {name}", self.name);
        let mut row = watch.row(name, self.players.len(), expected, score.total);
        row.latency = score.latencies.summary();
        let unsent: u64 = self
            .players
            .iter()
            .map(|(number, _)| self.fleet.get(*number).map_or(0, |connection| connection.unsent))
            .sum();
        let mut notes = Vec::new();
        if score.disorder > 0 {
            notes.push(format!("{} out of order", score.disorder));
        }
        if unsent > 0 {
            notes.push(format!("{unsent} datagrams not sent by the generator"));
        }
        row.note = notes.join(", ");
        row
    }
}

fn stamp(payload: &mut [u8; PAYLOAD], now: Time, number: u32, run: u32) {
    let (time, rest) = payload.split_at_mut(8);
    time.copy_from_slice(&(now.0.as_nanos() as u64).to_le_bytes());
    let (first, rest) = rest.split_at_mut(4);
    first.copy_from_slice(&number.to_le_bytes());
    if let Some(place) = rest.get_mut(..4) {
        place.copy_from_slice(&run.to_le_bytes());
    }
}

/// What was heard in one run.
struct Score {
    player_of: Vec<usize>,
    width: usize,
    /// Messages by receiver and index of the sender.
    received: Vec<u32>,
    /// The last number by receiver and index of the sender.
    last: Vec<u32>,
    total: u64,
    disorder: u64,
    latencies: Latencies,
    run: u32,
}

impl Score {
    fn heard(&self, player: usize, index: u16) -> u32 {
        self.received.get(player * self.width + usize::from(index)).copied().unwrap_or(0)
    }

    /// A message that was not read: it counts for its sender, whatever its number.
    fn count(&mut self, heard: &Heard<'_>) {
        let player = self.player_of.get(heard.to).copied().unwrap_or(usize::MAX);
        let at = player.saturating_mul(self.width).saturating_add(usize::from(heard.source));
        if let Some(received) = self.received.get_mut(at).filter(|_| usize::from(heard.source) < self.width) {
            *received += 1;
            self.total += 1;
        }
    }

    fn take(&mut self, heard: &Heard<'_>) {
        let Some(payload) = heard.payload else { return self.count(heard) };
        let Some((time, rest)) = payload.split_first_chunk::<8>() else { return };
        let Some((number, rest)) = rest.split_first_chunk::<4>() else { return };
        let Some(run) = rest.first_chunk::<4>() else { return };
        let player = self.player_of.get(heard.to).copied().unwrap_or(usize::MAX);
        if u32::from_le_bytes(*run) != self.run || player == usize::MAX || heard.source >= 256 {
            return;
        }
        let at = player * self.width + usize::from(heard.source);
        let (Some(received), Some(last)) = (self.received.get_mut(at), self.last.get_mut(at)) else { return };
        let number = u32::from_le_bytes(*number);
        if number <= *last {
            // Twice or late; a message that came twice must not stand in for one that was lost.
            self.disorder += 1;
            return;
        }
        *last = number;
        *received += 1;
        self.total += 1;
        let sent = u64::from_le_bytes(*time);
        self.latencies.record((heard.at.0.as_nanos() as u64).saturating_sub(sent));
    }
}

/// A line on standard error that says how far a workload is, a few times a second.
#[derive(Debug)]
pub struct Progress {
    shown: bool,
    last: std::time::Instant,
}

impl Progress {
    /// Shown or not.
    #[must_use]
    pub fn new(shown: bool) -> Self {
        Self { shown, last: std::time::Instant::now() }
    }

    /// Says `text` if it is time to.
    pub fn tell(&mut self, text: impl FnOnce() -> String) {
        if self.shown && self.last.elapsed() > Duration::from_millis(250) {
            self.last = std::time::Instant::now();
            eprint!("\r\x1b[K{}", text());
        }
    }

    /// Takes the line away.
    pub fn done(&self) {
        if self.shown {
            eprint!("\r\x1b[K");
        }
    }
}
