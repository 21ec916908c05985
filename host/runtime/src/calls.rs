//! The host calls: what each checks before the owner of the instance is asked.
//!
//! Calls that change something are refused where nobody is lent (an instance that is asked for its manifest or tried aside) and where the
//! owner is of the other role. After each call of the owner the time by the wall is looked at, so that a slow host is the guest's time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, Mac};
use rand::RngCore;
use rand::rngs::OsRng;
use sha2::Digest;

use crate::api::*;
use crate::bindings::medley::plugin as wit;
use crate::grants::Grant;
use crate::host::{Entries, LobbyHost, RelayHost};
use crate::instance::{Purpose, State};
use crate::limits::{
    MAX_BODY, MAX_BULK_BYTES, MAX_BULK_WINDOW, MAX_KEY, MAX_LINK, MAX_POKE, MAX_TEXT, MAX_VALUE,
};

type Trappable<T> = wasmtime::Result<T>;
type Answer<T> = Trappable<Result<T, Error>>;

/// Most bytes of one `random.bytes`.
const MAX_RANDOM: u32 = 4096;
/// Longest time that a bulk transfer may wait for an acknowledgement.
const MAX_BULK_TIMEOUT: u32 = 600_000;

impl State {
    fn lobby<R>(&mut self, otherwise: R, ask: impl FnOnce(&mut dyn LobbyHost) -> R) -> Trappable<R> {
        let Some(host) = self.lent.lobby() else { return Ok(otherwise) };
        let answer = ask(host);
        self.budget.check_wall()?;
        Ok(answer)
    }

    fn try_lobby<R>(&mut self, ask: impl FnOnce(&mut dyn LobbyHost) -> Result<R, Error>) -> Answer<R> {
        let nobody = Err(self.unavailable("lobby"));
        self.lobby(nobody, ask)
    }

    fn try_relay<R>(&mut self, ask: impl FnOnce(&mut dyn RelayHost) -> Result<R, Error>) -> Answer<R> {
        let Some(host) = self.lent.relay() else { return Ok(Err(self.unavailable("relay"))) };
        let answer = ask(host);
        self.budget.check_wall()?;
        Ok(answer)
    }

    fn unavailable(&self, role: &str) -> Error {
        Error::Unavailable(match self.purpose {
            Purpose::Serve => format!("only a {role} instance can do this"),
            Purpose::Manifest | Purpose::Trial => "the plugin does not serve yet".to_owned(),
        })
    }

    /// The owner's clock, or the machine's where nobody is lent.
    fn monotonic(&mut self) -> Duration {
        if let Some(host) = self.lent.lobby() {
            return host.monotonic();
        }
        if let Some(host) = self.lent.relay() {
            return host.monotonic();
        }
        static BEGINNING: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        BEGINNING.get_or_init(Instant::now).elapsed()
    }

    /// Sends what the transfer's window lets go.
    fn pump(&mut self, transfer: u64) -> Trappable<()> {
        while let Some(due) = self.carried.bulks.next_chunk(transfer) {
            let sent = self
                .try_lobby(|host| host.send_app(Target::Player(due.session), &due.message, due.encryption))?;
            if sent.is_err() {
                self.carried.bulks.cancel(transfer);
            }
        }
        Ok(())
    }
}

/// Leaves the host call with a refusal.
macro_rules! check {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return Ok(Err(error)),
        }
    };
}

/// An argument's length against its bound.
fn bounded(what: &str, length: usize, limit: usize) -> Result<(), Error> {
    if length <= limit {
        return Ok(());
    }
    Err(Error::Invalid(format!("{what} has {length} bytes, at most {limit} are possible")))
}

fn encryption(value: Encryption) -> Result<(), Error> {
    if value <= 2 { Ok(()) } else { Err(Error::Invalid(format!("encryption {value}; 0, 1 and 2 are known"))) }
}

impl wit::types::Host for State {}

impl wit::log::Host for State {
    fn write(&mut self, level: u8, text: String, fields: Vec<(String, String)>) -> Trappable<()> {
        let now = self.monotonic();
        if self.carried.log.take(now, 1) {
            crate::log::write(self, level, &text, &fields);
        } else {
            self.meter.log_dropped();
        }
        Ok(())
    }
}

impl wit::clock::Host for State {
    fn unix_millis(&mut self) -> Trappable<u64> {
        if let Some(millis) = self.unix_millis {
            return Ok(millis);
        }
        let millis = match (self.lent.lobby().map(|host| host.unix_millis()), self.lent.relay()) {
            (Some(millis), _) => millis,
            (None, Some(host)) => host.unix_millis(),
            (None, None) => {
                let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
            }
        };
        self.unix_millis = Some(millis);
        Ok(millis)
    }

    fn monotonic_nanos(&mut self) -> Trappable<u64> {
        Ok(u64::try_from(self.monotonic().as_nanos()).unwrap_or(u64::MAX))
    }
}

impl wit::random::Host for State {
    fn bytes(&mut self, count: u32) -> Trappable<Vec<u8>> {
        let mut bytes = vec![0; count.min(MAX_RANDOM) as usize];
        OsRng.fill_bytes(&mut bytes);
        Ok(bytes)
    }

    fn number(&mut self) -> Trappable<u64> {
        Ok(OsRng.next_u64())
    }
}

impl wit::hash::Host for State {
    fn digest(&mut self, algorithm: u8, data: Vec<u8>) -> Trappable<Option<Vec<u8>>> {
        Ok(Some(match algorithm {
            1 => md5::Md5::digest(&data).to_vec(),
            2 => sha1::Sha1::digest(&data).to_vec(),
            3 => sha2::Sha256::digest(&data).to_vec(),
            4 => sha2::Sha512::digest(&data).to_vec(),
            _ => return Ok(None),
        }))
    }

    fn hmac(&mut self, algorithm: u8, key: Vec<u8>, data: Vec<u8>) -> Trappable<Option<Vec<u8>>> {
        fn mac<M: Mac + hmac::digest::KeyInit>(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
            let mut mac = <M as Mac>::new_from_slice(key).ok()?;
            mac.update(data);
            Some(mac.finalize().into_bytes().to_vec())
        }
        Ok(match algorithm {
            1 => mac::<Hmac<md5::Md5>>(&key, &data),
            2 => mac::<Hmac<sha1::Sha1>>(&key, &data),
            3 => mac::<Hmac<sha2::Sha256>>(&key, &data),
            4 => mac::<Hmac<sha2::Sha512>>(&key, &data),
            _ => None,
        })
    }
}

impl wit::settings::Host for State {
    fn get(&mut self, name: String) -> Trappable<Option<Value>> {
        Ok(self.env.settings.load().get(&name).cloned())
    }
}

impl wit::assets::Host for State {
    fn names(&mut self) -> Trappable<Vec<String>> {
        Ok(self.env.assets.names().map(str::to_owned).collect())
    }

    fn read(&mut self, name: String) -> Trappable<Option<Vec<u8>>> {
        Ok(self.env.assets.get(&name).map(<[u8]>::to_vec))
    }
}

impl wit::store::Host for State {
    fn get(&mut self, owner: AccountId, key: Vec<u8>) -> Answer<Option<Vec<u8>>> {
        check!(bounded("the key", key.len(), MAX_KEY));
        self.try_lobby(|host| host.store_get(owner, &key))
    }

    fn set(&mut self, owner: AccountId, key: Vec<u8>, value: Vec<u8>) -> Answer<()> {
        check!(bounded("the key", key.len(), MAX_KEY));
        check!(bounded("the value", value.len(), MAX_VALUE));
        if self.lent.lobby().is_some() {
            let now = self.monotonic();
            // Both are bounded far below 2^32.
            let bytes = u32::try_from(key.len() + value.len()).unwrap_or(u32::MAX);
            if !self.carried.store.take(now, bytes) {
                let rate = self.env.limits.store_bytes;
                return Ok(Err(self.full(format!("{rate} bytes a second to the store"))));
            }
        }
        self.try_lobby(|host| host.store_set(owner, &key, &value))
    }

    fn remove(&mut self, owner: AccountId, key: Vec<u8>) -> Answer<bool> {
        check!(bounded("the key", key.len(), MAX_KEY));
        self.try_lobby(|host| host.store_remove(owner, &key))
    }

    fn scan(
        &mut self,
        owner: AccountId,
        prefix: Vec<u8>,
        after: Option<Vec<u8>>,
        limit: u32,
    ) -> Answer<Entries> {
        let limit = limit.min(self.env.limits.scan);
        self.try_lobby(|host| host.store_scan(owner, &prefix, after.as_deref(), limit))
    }
}

impl wit::state::Host for State {
    fn keep(&mut self, state: Vec<u8>) -> Trappable<()> {
        if self.purpose == Purpose::Serve {
            if state.len() > self.env.limits.state {
                return Err(wasmtime::Error::msg(format!(
                    "keeps a state of {} bytes, at most {} are possible",
                    state.len(),
                    self.env.limits.state
                )));
            }
            self.carried.kept = Some(state.into());
        }
        Ok(())
    }
}

impl wit::players::Host for State {
    fn get(&mut self, session: SessionId) -> Trappable<Option<Player>> {
        self.lobby(None, |host| host.player(session))
    }

    fn by_account(&mut self, account: AccountId) -> Trappable<Option<SessionId>> {
        self.lobby(None, |host| host.player_by_account(account))
    }

    fn by_name(&mut self, name: Text) -> Trappable<Option<SessionId>> {
        self.lobby(None, |host| host.player_by_name(&name))
    }

    fn all(&mut self) -> Trappable<Vec<SessionId>> {
        self.lobby(Vec::new(), |host| host.players())
    }

    fn in_channel(&mut self, channel: ChannelId) -> Trappable<Vec<SessionId>> {
        self.lobby(Vec::new(), |host| host.players_in_channel(channel))
    }

    fn in_game(&mut self, game: GameId) -> Trappable<Vec<SessionId>> {
        self.lobby(Vec::new(), |host| host.players_in_game(game))
    }

    fn move_to(&mut self, session: SessionId, channel: ChannelId) -> Answer<()> {
        self.try_lobby(|host| host.move_player(session, channel))
    }

    fn set_stats(&mut self, session: SessionId, stats: Vec<u8>) -> Answer<()> {
        self.try_lobby(|host| host.set_player_stats(session, &stats))
    }

    fn set_location(&mut self, session: SessionId, location: i32) -> Answer<()> {
        self.try_lobby(|host| host.set_player_location(session, location))
    }
}

impl wit::accounts::Host for State {
    fn get(&mut self, id: AccountId) -> Trappable<Option<Account>> {
        self.lobby(None, |host| host.account(id))
    }

    fn by_name(&mut self, name: Text) -> Trappable<Option<Account>> {
        self.lobby(None, |host| host.account_by_name(&name))
    }

    fn set_metadata(&mut self, id: AccountId, json: String) -> Answer<()> {
        check!(self.granted(&Grant::Accounts));
        check!(bounded("the metadata", json.len(), MAX_VALUE));
        self.try_lobby(|host| host.set_account_metadata(id, &json))
    }

    fn set_password(&mut self, id: AccountId, password: Text) -> Answer<()> {
        check!(self.granted(&Grant::Accounts));
        self.try_lobby(|host| host.set_account_password(id, &password))
    }

    fn reset_password(&mut self, id: AccountId) -> Answer<()> {
        check!(self.granted(&Grant::Accounts));
        self.try_lobby(|host| host.reset_account_password(id))
    }
}

impl wit::channels::Host for State {
    fn get(&mut self, id: ChannelId) -> Trappable<Option<Channel>> {
        self.lobby(None, |host| host.channel(id))
    }

    fn by_name(&mut self, name: Text) -> Trappable<Option<ChannelId>> {
        self.lobby(None, |host| host.channel_by_name(&name))
    }

    fn all(&mut self) -> Trappable<Vec<ChannelId>> {
        self.lobby(Vec::new(), |host| host.channels())
    }

    fn create(&mut self, name: Text, changes: Vec<ChannelEdit>) -> Answer<ChannelId> {
        self.try_lobby(|host| host.create_channel(&name, &changes))
    }

    fn change(&mut self, id: ChannelId, changes: Vec<ChannelEdit>) -> Answer<()> {
        self.try_lobby(|host| host.change_channel(id, &changes))
    }

    fn remove(&mut self, id: ChannelId) -> Answer<()> {
        self.try_lobby(|host| host.remove_channel(id))
    }
}

impl wit::games::Host for State {
    fn get(&mut self, id: GameId) -> Trappable<Option<Game>> {
        self.lobby(None, |host| host.game(id))
    }

    fn all(&mut self) -> Trappable<Vec<GameId>> {
        self.lobby(Vec::new(), |host| host.games())
    }

    fn change(&mut self, id: GameId, changes: Vec<GameEdit>) -> Answer<()> {
        self.try_lobby(|host| host.change_game(id, &changes))
    }

    fn end(&mut self, id: GameId) -> Answer<()> {
        self.try_lobby(|host| host.end_game(id))
    }

    fn remove_player(&mut self, id: GameId, session: SessionId) -> Answer<()> {
        self.try_lobby(|host| host.remove_from_game(id, session))
    }
}

impl wit::clans::Host for State {
    fn get(&mut self, id: ClanId) -> Trappable<Option<Clan>> {
        self.lobby(None, |host| host.clan(id))
    }

    fn by_name(&mut self, name: Text) -> Trappable<Option<ClanId>> {
        self.lobby(None, |host| host.clan_by_name(&name))
    }

    fn of_account(&mut self, account: AccountId) -> Trappable<Option<ClanId>> {
        self.lobby(None, |host| host.clan_of_account(account))
    }

    fn members(&mut self, id: ClanId) -> Trappable<Vec<AccountId>> {
        self.lobby(Vec::new(), |host| host.clan_members(id))
    }

    fn set_stats(&mut self, id: ClanId, stats: Vec<u8>) -> Answer<()> {
        self.try_lobby(|host| host.set_clan_stats(id, &stats))
    }

    fn post(&mut self, id: ClanId, text: Text) -> Answer<()> {
        check!(self.sending());
        self.try_lobby(|host| host.post_clan_message(id, &text))
    }
}

impl wit::ladders::Host for State {
    fn get(&mut self, account: AccountId, kind: u8) -> Trappable<Option<Vec<i32>>> {
        self.lobby(None, |host| host.ladder(account, kind))
    }

    fn set(&mut self, account: AccountId, kind: u8, stats: Vec<i32>) -> Answer<()> {
        self.try_lobby(|host| host.set_ladder(account, kind, &stats))
    }

    fn position(
        &mut self,
        account: AccountId,
        kind: u8,
        column: u32,
        ascending: bool,
    ) -> Trappable<Option<Place>> {
        self.lobby(None, |host| host.ladder_position(account, kind, column, ascending))
    }

    fn page(
        &mut self,
        kind: u8,
        column: u32,
        ascending: bool,
        start: u32,
        count: u32,
    ) -> Trappable<Vec<Place>> {
        let count = count.min(self.env.limits.scan);
        self.lobby(Vec::new(), |host| host.ladder_page(kind, column, ascending, start, count))
    }
}

impl wit::send::Host for State {
    fn app(&mut self, to: Target, message: Message, how: Encryption) -> Answer<()> {
        check!(target(&to));
        check!(encryption(how));
        check!(bounded("the body", message.body.len(), MAX_BODY));
        check!(self.sending());
        self.try_lobby(|host| host.send_app(to, &message, how))
    }

    fn system_message(&mut self, to: Target, severity: u8, text: String) -> Answer<()> {
        check!(target(&to));
        check!(bounded("the text", text.len(), MAX_TEXT));
        check!(self.sending());
        self.try_lobby(|host| host.send_system_message(to, severity, &text))
    }

    fn raw(&mut self, to: SessionId, id: u8, body: Vec<u8>, how: Encryption) -> Answer<()> {
        check!(self.granted(&Grant::SendRaw));
        check!(encryption(how));
        check!(bounded("the body", body.len(), MAX_BODY));
        check!(self.sending());
        self.try_lobby(|host| host.send_raw(to, id, &body, how))
    }

    fn start_bulk(&mut self, to: SessionId, bulk: Bulk) -> Answer<u64> {
        check!(encryption(bulk.encryption));
        for chunk in &bulk.chunks {
            check!(bounded("a chunk", chunk.body.len(), MAX_BODY));
        }
        if !(1..=MAX_BULK_WINDOW).contains(&bulk.window) {
            return Ok(Err(Error::Invalid(format!(
                "a window of {}; 1 to {MAX_BULK_WINDOW} are possible",
                bulk.window
            ))));
        }
        if !(1..=MAX_BULK_TIMEOUT).contains(&bulk.timeout_millis) {
            let found = bulk.timeout_millis;
            return Ok(Err(Error::Invalid(format!(
                "a time-out of {found} ms; 1 to {MAX_BULK_TIMEOUT} are possible"
            ))));
        }
        let bytes = bulk.chunks.iter().map(|chunk| chunk.body.len()).sum::<usize>();
        if self.carried.bulks.len() >= self.env.limits.bulks
            || self.carried.bulks.bytes() + bytes > MAX_BULK_BYTES
        {
            return Ok(Err(self.full("bulk transfers on the way".to_owned())));
        }
        check!(self.try_lobby(|host| host.player(to).map(|_| ()).ok_or(Error::NotFound))?);
        let now = self.monotonic();
        let timeout = Duration::from_millis(u64::from(bulk.timeout_millis));
        let number = self.carried.bulks.start(to, bulk.chunks, bulk.window, timeout, bulk.encryption, now);
        self.pump(number)?;
        Ok(Ok(number))
    }

    fn acknowledge(&mut self, transfer: u64, chunks: u32) -> Trappable<()> {
        let now = self.monotonic();
        self.carried.bulks.acknowledge(transfer, chunks, now);
        self.pump(transfer)
    }

    fn cancel_bulk(&mut self, transfer: u64) -> Trappable<()> {
        self.carried.bulks.cancel(transfer);
        Ok(())
    }
}

impl wit::admin::Host for State {
    fn kick(&mut self, session: SessionId, text: String) -> Answer<()> {
        check!(self.granted(&Grant::Kick));
        check!(bounded("the text", text.len(), MAX_TEXT));
        check!(self.sending());
        self.try_lobby(|host| host.kick(session, &text))
    }

    fn ban(&mut self, subject: Subject, reason: String, until: Option<UnixSeconds>) -> Answer<u64> {
        check!(self.granted(&Grant::Ban));
        check!(known_subject(&subject));
        check!(bounded("the reason", reason.len(), MAX_TEXT));
        check!(self.sending());
        self.try_lobby(|host| host.ban(&subject, &reason, until))
    }

    fn unban(&mut self, ban: u64) -> Answer<()> {
        check!(self.granted(&Grant::Ban));
        self.try_lobby(|host| host.unban(ban))
    }

    fn banned(&mut self, subject: Subject) -> Trappable<Option<String>> {
        if self.granted(&Grant::Ban).is_err() || known_subject(&subject).is_err() {
            return Ok(None);
        }
        self.lobby(None, |host| host.banned(&subject))
    }
}

impl wit::memory::Host for State {
    fn poke(&mut self, session: SessionId, address: u32, data: Vec<u8>, how: Encryption) -> Answer<()> {
        check!(self.granted(&Grant::Memory));
        check!(encryption(how));
        check!(bounded("the data", data.len(), MAX_POKE));
        check!(self.sending());
        self.try_lobby(|host| host.memory_poke(session, address, &data, how))
    }

    fn query(
        &mut self,
        session: SessionId,
        kind: u8,
        sequence: u32,
        address: u32,
        length: u32,
    ) -> Answer<()> {
        check!(self.granted(&Grant::Memory));
        check!(self.sending());
        self.try_lobby(|host| host.memory_query(session, kind, sequence, address, length))
    }
}

impl wit::http::Host for State {
    fn start(&mut self, request: HttpRequest) -> Answer<u64> {
        let request = check!(crate::http::Checked::new(request));
        check!(self.granted_http(&request));
        if self.purpose != Purpose::Serve || self.env.http.is_none() {
            return Ok(Err(Error::Unavailable("this host makes no HTTP requests for this title".to_owned())));
        }
        let limit = self.env.limits.http_requests;
        if self.http_requests >= limit {
            return Ok(Err(self.full(format!("{limit} HTTP requests on the way"))));
        }
        let number = check!(self.http.start(request, &self.env, self.incarnation));
        self.http_requests += 1;
        Ok(Ok(number))
    }
}

impl State {
    fn granted_http(&self, request: &crate::http::Checked) -> Result<(), Error> {
        let [with_port, host] = request.grants();
        // In the clear, only to a port that is named.
        let plain = request.is_plain();
        if self.grants.has(&with_port) || (!plain && self.grants.has(&host)) {
            return Ok(());
        }
        self.granted(if plain { &with_port } else { &host })
    }
}

impl wit::metrics::Host for State {
    fn add(&mut self, counter: String, by: u64) -> Trappable<()> {
        if self.purpose == Purpose::Serve && !self.carried.own.add(&self.env.title, counter, by) {
            self.meter.refused("metric-name");
        }
        Ok(())
    }

    fn set(&mut self, gauge: String, to: f64) -> Trappable<()> {
        if self.purpose == Purpose::Serve && !self.carried.own.set(&self.env.title, gauge, to) {
            self.meter.refused("metric-name");
        }
        Ok(())
    }
}

impl wit::timers::Host for State {
    fn set(&mut self, timer: u64, after_millis: u64, repeat: bool) -> Answer<()> {
        Ok(self.set_timer(timer, after_millis, repeat, None))
    }

    fn set_for(&mut self, session: SessionId, timer: u64, after_millis: u64, repeat: bool) -> Answer<()> {
        check!(self.try_lobby(|host| host.player(session).map(|_| ()).ok_or(Error::NotFound))?);
        Ok(self.set_timer(timer, after_millis, repeat, Some(session)))
    }

    fn cancel(&mut self, timer: u64) -> Trappable<()> {
        self.timers.cancel(timer);
        Ok(())
    }
}

impl State {
    fn set_timer(
        &mut self,
        timer: u64,
        after_millis: u64,
        repeat: bool,
        session: Option<SessionId>,
    ) -> Result<(), Error> {
        if self.purpose != Purpose::Serve {
            return Err(self.unavailable("serving"));
        }
        let limit = self.env.limits.timers;
        if self.timers.len() >= limit && !self.timers.has(timer) {
            return Err(self.full(format!("{limit} timers")));
        }
        let now = self.monotonic();
        self.timers.set(timer, now, after_millis, repeat, session);
        Ok(())
    }
}

impl wit::link::Host for State {
    fn send(&mut self, role: u8, data: Vec<u8>) -> Answer<()> {
        if role > Role::Relay as u8 {
            return Ok(Err(Error::Invalid(format!("role {role}; 0, 1 and 2 are known"))));
        }
        check!(bounded("the data", data.len(), MAX_LINK));
        check!(self.sending());
        match self.role {
            // There is one instance in the lobby, and it is the sender.
            Role::Lobby if role == Role::Lobby as u8 => Ok(Ok(())),
            Role::Lobby => self.try_lobby(|host| host.link_send(role, &data)),
            Role::Relay => self.try_relay(|host| host.link_send(role, &data)),
        }
    }
}

impl wit::relay_control::Host for State {
    fn inject(&mut self, world: u32, source: u16, target: i32, udp: bool, payload: Vec<u8>) -> Answer<()> {
        check!(self.granted(&Grant::RelayInject));
        check!(bounded("the payload", payload.len(), MAX_BODY));
        check!(self.sending());
        self.try_relay(|host| host.inject(world, source, target, udp, &payload))
    }

    fn put_out(&mut self, world: u32, index: u16) -> Answer<()> {
        check!(self.granted(&Grant::Kick));
        check!(self.sending());
        self.try_relay(|host| host.put_out(world, index))
    }

    fn clock(&mut self, world: u32) -> Trappable<Option<u32>> {
        Ok(self.lent.relay().and_then(|host| host.world_clock(world)))
    }
}

fn target(target: &Target) -> Result<(), Error> {
    match target {
        Target::Other(kind) => {
            Err(Error::Invalid(format!("a target of kind {kind}, which this host does not know")))
        }
        _ => Ok(()),
    }
}

fn known_subject(subject: &Subject) -> Result<(), Error> {
    match subject {
        Subject::Other(kind) => {
            Err(Error::Invalid(format!("a subject of kind {kind}, which this host does not know")))
        }
        _ => Ok(()),
    }
}
