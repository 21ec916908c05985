//! Logins and handshakes in a closed loop: each client begins anew as soon as it is through.

use std::collections::HashMap;
use std::time::Duration;

use medley_session::{ServerKind, Time};
use medley_wire::AnyMessage;
use medley_wire::enums::CallbackStatus;
use medley_wire::types::Text;

use crate::fleet::{Fleet, LoadError, Result, Style};
use crate::lobby::{self, Redirect, Target};
use crate::meter::{Subject, Watch};
use crate::report::{Latencies, Row};
use crate::traffic::Progress;

/// Patience with one client's whole round.
const STUCK: Duration = Duration::from_secs(60);

/// What each client does over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// The handshake with MAS, and a goodbye.
    Handshake,
    /// MAS: session, account login; MLS: handshake with the keys of the answer; goodbye. An account that is not there
    /// is registered.
    Login,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Mas,
    Begin,
    Login,
    Register,
    Mls,
}

struct Client {
    connection: usize,
    stage: Stage,
    since: Time,
    session_key: Text<17>,
    name: String,
}

/// What a run of rounds may cost.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Clients at one time.
    pub clients: usize,
    /// Rounds of all clients together, at most.
    pub rounds: u64,
    /// Time in which rounds begin.
    pub duration: Duration,
}

struct Run<'a> {
    fleet: Fleet,
    style: &'a Style,
    target: &'a Target,
    round: Round,
    clients: Vec<Client>,
    /// Which client a connection belongs to.
    owner: HashMap<usize, usize>,
    latencies: Latencies,
    begun: u64,
    done: u64,
    registered: u64,
    again: u64,
    limit: u64,
    end: Time,
}

/// Runs `extent` of `round` with accounts `{names}{client}`.
///
/// # Errors
/// The server refuses what it should not, or a client is stuck.
pub fn rounds(
    target: &Target,
    style: &Style,
    round: Round,
    extent: Extent,
    names: &str,
    progress: &mut Progress,
) -> Result<Row> {
    let subject = Subject::of(target.pid);
    let mut fleet = Fleet::new(target.allowed())?;
    fleet.spread();
    let watch = Watch::start(&subject);
    let start = fleet.now();
    let end = start + extent.duration;
    let mut run = Run {
        fleet,
        style,
        target,
        round,
        clients: Vec::new(),
        owner: HashMap::new(),
        latencies: Latencies::default(),
        begun: 0,
        done: 0,
        registered: 0,
        again: 0,
        limit: extent.rounds,
        end,
    };
    for number in 0..extent.clients {
        run.clients.push(Client {
            connection: usize::MAX,
            stage: Stage::Mas,
            since: start,
            session_key: Text::EMPTY,
            name: format!("{names}{number}"),
        });
        run.begin(number)?;
    }
    let mut last = start;
    while !run.owner.is_empty() {
        let until = run.fleet.now() + Duration::from_secs(1);
        run.fleet.turn(until, &mut |_| {})?;
        let mut changed = core::mem::take(&mut run.fleet.changed);
        for connection in changed.drain(..) {
            if let Some(client) = run.owner.get(&connection).copied() {
                run.step(client)?;
            }
        }
        run.fleet.changed = changed;
        let now = run.fleet.now();
        if now.since(last) > Duration::from_secs(1) {
            last = now;
            if run
                .clients
                .iter()
                .any(|client| client.connection != usize::MAX && now.since(client.since) > STUCK)
            {
                return Err(LoadError::Timeout { awaited: "the end of a round", seconds: STUCK.as_secs() });
            }
        }
        progress.tell(|| format!("{} rounds done", run.done));
    }
    let name = match round {
        Round::Handshake => "handshake",
        Round::Login => "login",
    };
    let mut row = watch.row(name.to_owned(), extent.clients, run.begun, run.done);
    row.latency = run.latencies.summary();
    let mut notes = Vec::new();
    if run.registered > 0 {
        notes.push(format!("{} accounts made", run.registered));
    }
    if run.again > 0 {
        notes.push(format!("{} logins repeated: still online", run.again));
    }
    row.note = notes.join(", ");
    Ok(row)
}

impl Run<'_> {
    fn begin(&mut self, number: usize) -> Result<()> {
        let now = self.fleet.now();
        let Some(client) = self.clients.get_mut(number) else { return Ok(()) };
        client.connection = usize::MAX;
        if self.begun == self.limit || now >= self.end {
            return Ok(());
        }
        self.begun += 1;
        client.since = now;
        client.stage = Stage::Mas;
        client.connection = self.fleet.dial(self.style.to(ServerKind::Mas), self.target.mas)?;
        self.owner.insert(client.connection, number);
        Ok(())
    }

    fn finish(&mut self, number: usize) -> Result<()> {
        let now = self.fleet.now();
        if let Some(client) = self.clients.get(number) {
            self.latencies.record(now.since(client.since).as_nanos() as u64);
            self.done += 1;
            self.owner.remove(&client.connection);
            self.fleet.hang_up(client.connection, true);
        }
        self.begin(number)
    }

    fn say(&mut self, number: usize, stage: Stage, message: &AnyMessage) -> Result<()> {
        let Some(client) = self.clients.get_mut(number) else { return Ok(()) };
        client.stage = stage;
        if let Some(session) = self.fleet.get(client.connection).and_then(|connection| connection.session()) {
            session.send_app(message)?;
        }
        self.fleet.touch(client.connection);
        Ok(())
    }

    /// Something came on a client's connection.
    fn step(&mut self, number: usize) -> Result<()> {
        let Some(client) = self.clients.get(number) else { return Ok(()) };
        let (connection, stage) = (client.connection, client.stage);
        let Some(line) = self.fleet.get(connection) else { return Ok(()) };
        if line.is_ready() && matches!(stage, Stage::Mas | Stage::Mls) {
            if stage == Stage::Mls || self.round == Round::Handshake {
                return self.finish(number);
            }
            return self.say(number, Stage::Begin, &lobby::session_begin(self.style.config.dialect));
        }
        while let Some(line) = self.fleet.get(connection) {
            let Some(payload) = line.inbox.pop_front() else { break };
            let message = AnyMessage::decode(&payload, &self.style.config.dialect)
                .map_err(|error| LoadError::Refused { request: "a request", found: error.to_string() })?;
            if self.answer(number, message)? {
                return Ok(());
            }
        }
        if let Some(line) = self.fleet.get(connection)
            && line.ended
        {
            let found =
                line.rejected.map_or_else(|| "a close".to_owned(), |reason| format!("reject {reason}"));
            return Err(LoadError::Refused { request: "a round", found });
        }
        Ok(())
    }

    /// An answer; true if the connection is another one now.
    fn answer(&mut self, number: usize, message: AnyMessage) -> Result<bool> {
        let Some(client) = self.clients.get_mut(number) else { return Ok(true) };
        match (client.stage, message) {
            (Stage::Begin, AnyMessage::SessionBeginResponse(answer)) => {
                lobby::check("SessionBegin", answer.status_code)?;
                client.session_key = answer.session_key;
                let login = lobby::login(client.session_key, &client.name);
                self.say(number, Stage::Login, &login)?;
            }
            (Stage::Login, AnyMessage::AccountLoginResponse(answer)) => match answer.status_code {
                CallbackStatus::ACCOUNT_NOT_FOUND => {
                    let register = lobby::register(client.session_key, &client.name);
                    self.say(number, Stage::Register, &register)?;
                }
                CallbackStatus::ACCOUNT_LOGGED_IN => {
                    // The end of the last connection has not been seen yet.
                    self.again += 1;
                    let login = lobby::login(client.session_key, &client.name);
                    self.say(number, Stage::Login, &login)?;
                }
                status => {
                    lobby::check("AccountLogin", status)?;
                    let redirect = Redirect::new("AccountLogin", &answer.connect_info)?;
                    client.stage = Stage::Mls;
                    self.owner.remove(&client.connection);
                    self.fleet.hang_up(client.connection, true);
                    let config = self.style.follow(ServerKind::Mls, &redirect);
                    client.connection = self.fleet.dial(config, redirect.address)?;
                    self.owner.insert(client.connection, number);
                    return Ok(true);
                }
            },
            (Stage::Register, AnyMessage::AccountRegistrationResponse(answer)) => {
                lobby::check("AccountRegistration", answer.status_code)?;
                self.registered += 1;
                let login = lobby::login(client.session_key, &client.name);
                self.say(number, Stage::Login, &login)?;
            }
            // Texts and pushes.
            _ => {}
        }
        Ok(false)
    }
}
