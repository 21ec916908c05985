//! Plays the console side of a capture against a running host and compares what comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use medley_crypto::{KeyStore, RsaKeyPair, RsaPublicKey};
use medley_session::Transport;
use medley_simulator::Redirect;
use medley_wire::enums::ChatMessageType;
use medley_wire::messages::{
    AccountLoginRequest, ChatMessage, CreateGameRequest0, JoinGameRequest, SessionBeginRequest,
    SetGameListFilterRequest0,
};
use medley_wire::rt::{
    CLIENT_VERSION_108, ClientConnectAuxUdp, ClientConnectTcp, ContainedMessage, IpText, RtWorldId,
};
use medley_wire::types::{Blob, Text, VarBytes};
use medley_wire::{AnyMessage, Dialect, MediusWorldId, RtId, RtMessage};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout};

use super::capture::{Capture, Cover, Decoded, Decoder, Direction, Record, Server, encode_like};
use super::compare::{Class, Ids, Tolerance, What};
use super::fixture::{Facts, Fixture, PASSWORD};
use super::puppet::Puppet;
use crate::host::TestHost;

/// Longest wait for what the capture has.
const PATIENCE: Duration = Duration::from_secs(4);

/// A capture to be played.
#[derive(Debug)]
pub struct Scenario {
    /// Name of the file.
    pub capture: &'static str,
    /// Account of the recorded console.
    pub console: &'static str,
    /// Captured id of the game in which the capture begins, if another player hosts it; 0 if not.
    pub game: i64,
    /// Connections of the file that are played; empty: all that can be.
    pub connections: &'static [usize],
    /// Requests that nobody could decipher, told by their answers, their length and their like in other captures: line,
    /// message, fields.
    pub inferred: &'static [(usize, &'static str, &'static str)],
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// Frames sent.
    pub sent: usize,
    /// Messages compared.
    pub compared: usize,
    /// Differences that nobody tolerates.
    pub differences: Vec<String>,
    /// Tolerated ones: position in the table, times.
    pub tolerated: BTreeMap<usize, usize>,
}

/// A message that is to come, or came.
#[derive(Clone, Debug)]
struct Said {
    line: usize,
    decoded: Decoded,
    cover: Cover,
    size: usize,
}

type Key = (usize, String);

struct Play<'a> {
    host: &'a TestHost,
    capture: &'a Capture,
    table: &'a [Tolerance],
    dialect: Dialect,
    ids: Ids,
    fixture: Fixture,
    own_key: Arc<RsaKeyPair>,
    disc_key: RsaPublicKey,
    puppets: BTreeMap<usize, Puppet>,
    decoders: BTreeMap<(usize, bool), Decoder>,
    captured: BTreeMap<Key, Vec<Said>>,
    came: BTreeMap<Key, Vec<Said>>,
    matched: BTreeMap<Key, usize>,
    /// Order of the handshake of each connection: captured, live.
    order: BTreeMap<usize, (Vec<String>, Vec<String>)>,
    lobby: Option<Redirect>,
    game: Option<Redirect>,
    nat: BTreeMap<usize, UdpSocket>,
    accepted: BTreeMap<usize, (u16, Option<u32>)>,
    echoes: BTreeMap<usize, Vec<Vec<u8>>>,
    waived: BTreeSet<Key>,
    in_game: i64,
    report: Report,
}

/// Frames that order is compared of: those of the handshake.
fn in_handshake(name: &str) -> bool {
    name.starts_with("SERVER_") && name != "SERVER_CHEAT_QUERY" && name != "SERVER_TIMEBASE_QUERY_NOTIFY"
}

/// What must have come before a frame of the handshake is sent: the capture's clocks do not always say.
const fn needed(id: RtId) -> Option<RtId> {
    match id {
        RtId::CLIENT_CONNECT_TCP | RtId::CLIENT_CONNECT_TCP_AUX_UDP => Some(RtId::SERVER_CRYPTKEY_PEER),
        RtId::CLIENT_CONNECT_READY_REQUIRE => Some(RtId::SERVER_CONNECT_REQUIRE),
        RtId::CLIENT_CONNECT_READY_TCP => Some(RtId::SERVER_CONNECT_ACCEPT_TCP),
        RtId::CLIENT_CONNECT_AUX_UDP => Some(RtId::SERVER_INFO_AUX_UDP),
        RtId::CLIENT_CONNECT_READY_AUX_UDP => Some(RtId::SERVER_CONNECT_ACCEPT_AUX_UDP),
        _ => None,
    }
}

/// Plays a capture on a fresh host.
///
/// # Errors
/// It could not be played at all. Differences are in the report.
pub async fn play(host: &TestHost, scenario: &Scenario, table: &[Tolerance]) -> Result<Report> {
    let capture = Capture::load(scenario.capture)?;
    let inferred = scenario
        .inferred
        .iter()
        .map(|(line, name, fields)| Ok((*line, *name, serde_json::from_str(fields)?)))
        .collect::<Result<Vec<(usize, &str, Value)>>>()?;
    let facts = Facts::read(&capture, &inferred, scenario.game);
    let mut ids = Ids::default();
    // The title runs from the first question on.
    host.run_title(capture.dialect.app_id)?;
    let fixture =
        Fixture::build(host, &capture, &facts, scenario.console, &mut ids).await.context("fixture")?;
    let keys = KeyStore::embedded()?;
    let disc = keys.default_server_key().context("no server key")?.pair.public().clone();
    let mut play = Play {
        host,
        capture: &capture,
        table,
        dialect: capture.dialect,
        ids,
        fixture,
        own_key: Arc::new(RsaKeyPair::generate(&mut ChaCha20Rng::seed_from_u64(20))?),
        disc_key: disc,
        puppets: BTreeMap::new(),
        decoders: BTreeMap::new(),
        captured: BTreeMap::new(),
        came: BTreeMap::new(),
        matched: BTreeMap::new(),
        order: BTreeMap::new(),
        lobby: None,
        game: None,
        nat: BTreeMap::new(),
        accepted: BTreeMap::new(),
        echoes: BTreeMap::new(),
        waived: BTreeSet::new(),
        in_game: scenario.game,
        report: Report::default(),
    };
    let plays = |record: &&Record| {
        record.server != Server::Peer
            && (scenario.connections.is_empty() || scenario.connections.contains(&record.conn))
    };
    let records: Vec<_> = capture.records.iter().filter(plays).collect();
    play.prelude(&records, scenario.console, &facts).await.context("what was before the capture")?;
    for record in records {
        let step = play.step(record, &inferred, &facts).await;
        step.with_context(|| format!("{}, line {}", capture.name, record.line))?;
    }
    play.finish().await?;
    Ok(play.report)
}

impl Play<'_> {
    // ---- What was before the capture.

    /// A capture that begins in the middle: the console logs in, enters the lobby and sets the filters it always sets.
    async fn prelude(&mut self, records: &[&Record], name: &str, facts: &Facts) -> Result<()> {
        let begins = |record: &&&Record| {
            matches!(record.id, Some(RtId::CLIENT_CRYPTKEY_PUBLIC | RtId::CLIENT_HELLO)) && !record.udp
        };
        let lobby = records.iter().find(|record| record.server == Server::Mls);
        let login = records.iter().any(|record| record.server == Server::Mas);
        let Some(first) = lobby.filter(|_| !login) else { return Ok(()) };
        let mas = self.host.mas();
        let key = self.disc_key.clone();
        let mut puppet = self.handshake(mas, &key, 1, None).await?;
        let begun = self.ask(&mut puppet, SessionBeginRequest::default().into(), 0).await?;
        let AnyMessage::SessionBeginResponse(begun) = begun else { bail!("no session") };
        let told = self.capture.messages(Direction::ToServer).into_iter().find_map(|(_, decoded)| {
            decoded.fields.get("SessionKey").filter(|key| key.as_str() != Some("")).cloned()
        });
        if let Some(captured) = told {
            let live = json!(begun.session_key.to_string_lossy());
            self.ids.meet(Class::Session, &captured, &live).map_err(anyhow::Error::msg)?;
        }
        let login = AccountLoginRequest {
            session_key: begun.session_key,
            username: Text::new(name),
            password: Text::new(PASSWORD),
            ..Default::default()
        };
        let answer = self.ask(&mut puppet, login.into(), 0).await?;
        let AnyMessage::AccountLoginResponse(answer) = answer else { bail!("no login") };
        if answer.status_code.0 != 0 {
            bail!("the login of {name} was answered {:?}", answer.status_code);
        }
        self.lobby = Some(Redirect::new("AccountLoginResponse", &answer.connect_info)?);
        drop(puppet);
        let starts = records.iter().filter(begins).any(|record| record.conn == first.conn);
        if !starts {
            let to = self.lobby.clone().context("no way to the lobby")?;
            let key = to.key.clone().context("a clear lobby")?;
            let mut puppet = self.handshake(to.address, &key, to.world, Some(&to)).await?;
            // Every UYA capture shows these two set; what happens to them in the captures shows that they were set before.
            for (field, operator, value) in [(4, 2, 1861), (5, 0, 0x0800_0000)] {
                let mut filter =
                    SetGameListFilterRequest0 { session_key: to.session_key, ..Default::default() };
                filter.filter_field.0 = field;
                filter.comparison_operator.0 = operator;
                filter.baseline_value = value;
                self.ask(&mut puppet, filter.into(), usize::from(field == 5)).await?;
            }
            if let Some((others, own)) = &facts.in_game {
                self.be_in_game(&mut puppet, &to, others.len(), *own).await.context("the game it is in")?;
            }
            puppet.arrivals.clear();
            self.puppets.insert(first.conn, puppet);
        }
        Ok(())
    }

    /// A capture that begins in a game: the console makes or joins it, and goes through the handshake.
    async fn be_in_game(&mut self, lobby: &mut Puppet, to: &Redirect, others: usize, own: u16) -> Result<()> {
        let game = if own == 0 {
            let mut create = CreateGameRequest0 { session_key: to.session_key, ..Default::default() };
            create.application_id = self.dialect.app_id;
            create.max_players = 8;
            create.game_name = Text::new("Its own");
            create.game_host_type.0 = 4;
            let answer = self.ask(lobby, create.into(), 0).await?;
            let AnyMessage::CreateGameResponse(answer) = answer else { bail!("no game") };
            answer.medius_world_id
        } else {
            let game = self.capture_game()?;
            MediusWorldId(i32::try_from(game)?)
        };
        let mut join = JoinGameRequest { session_key: to.session_key, ..Default::default() };
        join.medius_world_id = game;
        join.game_host_type.0 = 4;
        let answer = self.ask(lobby, join.into(), 0).await?;
        let AnyMessage::JoinGameResponse(answer) = answer else { bail!("no way to the game") };
        let way = Redirect::new("JoinGameResponse", &answer.connect_info)?;
        let mut puppet = self.handshake_dme(&way).await?;
        if own == 0 {
            for _ in 0..others {
                self.fixture.guest(self.host, self.capture, game).await?;
            }
        }
        puppet.read()?;
        puppet.arrivals.clear();
        let records = &self.capture.records;
        let conn = records.iter().find(|record| record.server == Server::Dme && !record.udp);
        let conn = conn.context("no stream to the relay")?.conn;
        self.accepted.insert(conn, (own, None));
        self.game = Some(way);
        self.puppets.insert(conn, puppet);
        Ok(())
    }

    /// Today's id of the game in which the capture begins.
    fn capture_game(&self) -> Result<i64> {
        let live = self.ids.live(Class::World, &self.in_game.into());
        live.and_then(|id| id.as_i64()).context("the game is not there")
    }

    /// The handshake of 1.08 with a relay, over both transports.
    async fn handshake_dme(&self, way: &Redirect) -> Result<Puppet> {
        let key = way.key.clone().context("a clear relay")?;
        let mut puppet = self.connect(way.address, &key, way.world, Some(way), true).await?;
        let info = puppet.wait_for(RtId::SERVER_INFO_AUX_UDP, 0, PATIENCE).await?;
        let RtMessage::ServerInfoAuxUdp(info) =
            RtMessage::decode(RtId::SERVER_INFO_AUX_UDP, &info.plain, &self.dialect)?
        else {
            bail!("no INFO_AUX_UDP")
        };
        let accept = puppet.wait_for(RtId::SERVER_CONNECT_ACCEPT_TCP, 0, PATIENCE).await?;
        let RtMessage::ServerConnectAcceptTcp(accept) =
            RtMessage::decode(RtId::SERVER_CONNECT_ACCEPT_TCP, &accept.plain, &self.dialect)?
        else {
            bail!("no CONNECT_ACCEPT_TCP")
        };
        let address = SocketAddrV4::new(info.ip.to_string_lossy().parse()?, info.port);
        puppet.open_udp(address).await?;
        let connect = RtMessage::ClientConnectAuxUdp(ClientConnectAuxUdp {
            client_version: Some(CLIENT_VERSION_108),
            world_id: RtWorldId(way.world),
            app_id: self.dialect.app_id,
            server_ip: IpText::new(way.address.ip().to_string()),
            server_port: way.address.port(),
            player_id: accept.player_id,
            scert_client_id: None,
        });
        let body = connect.to_body(&self.dialect);
        let frame = puppet.seal(RtId::CLIENT_CONNECT_AUX_UDP, Cover::Context(3), &body)?;
        puppet.send_raw(true, &frame).await?;
        puppet.wait_for(RtId::SERVER_CONNECT_ACCEPT_AUX_UDP, 0, PATIENCE).await?;
        let ready = puppet.seal(RtId::CLIENT_CONNECT_READY_AUX_UDP, Cover::Clear, &[])?;
        puppet.send_raw(false, &ready).await?;
        puppet.wait_for(RtId::SERVER_CONNECT_COMPLETE, 0, PATIENCE).await?;
        // The last word of the handshake.
        puppet.wait_for(RtId::SERVER_APP, 0, PATIENCE).await?;
        Ok(puppet)
    }

    /// The handshake of 1.08.
    async fn handshake(
        &self,
        address: SocketAddrV4,
        key: &RsaPublicKey,
        world: u32,
        keys: Option<&Redirect>,
    ) -> Result<Puppet> {
        let mut puppet = self.connect(address, key, world, keys, false).await?;
        puppet.wait_for(RtId::SERVER_CONNECT_COMPLETE, 0, PATIENCE).await?;
        Ok(puppet)
    }

    /// Its first two steps.
    async fn connect(
        &self,
        address: SocketAddrV4,
        key: &RsaPublicKey,
        world: u32,
        keys: Option<&Redirect>,
        aux_udp: bool,
    ) -> Result<Puppet> {
        let mut puppet = Puppet::connect(address, &self.dialect, Arc::clone(&self.own_key)).await?;
        puppet.exchange_keys(key).await?;
        puppet.wait_for(RtId::SERVER_CRYPTKEY_PEER, 0, PATIENCE).await?;
        let connect = ClientConnectTcp {
            client_version: Some(CLIENT_VERSION_108),
            target_world_id: RtWorldId(world),
            app_id: self.dialect.app_id,
            key: Blob([7; 64]),
            session_key: keys.map(|keys| keys.session_key),
            access_key: keys.map(|keys| keys.access_key),
        };
        let id = if aux_udp { RtId::CLIENT_CONNECT_TCP_AUX_UDP } else { RtId::CLIENT_CONNECT_TCP };
        let body = RtMessage::ClientConnectTcp(connect).to_body(&self.dialect);
        let frame = puppet.seal(id, Cover::Context(3), &body)?;
        puppet.send_raw(false, &frame).await?;
        Ok(puppet)
    }

    /// Sends a request and waits for the answer of its type that comes behind `skip` others.
    async fn ask(&self, puppet: &mut Puppet, request: AnyMessage, skip: usize) -> Result<AnyMessage> {
        let answer = request.info().and_then(|info| info.answer).context("no answer is declared")?;
        let frame =
            puppet.seal(RtId::CLIENT_APP_TOSERVER, Cover::Context(3), &request.encode(&self.dialect))?;
        puppet.send_raw(false, &frame).await?;
        let mut number = 0;
        let mut skip = skip;
        loop {
            let arrival = puppet.wait_for(RtId::SERVER_APP, number, PATIENCE).await?;
            number += 1;
            let message = AnyMessage::decode(&arrival.plain, &self.dialect)?;
            if message.name() == answer {
                if skip == 0 {
                    return Ok(message);
                }
                skip -= 1;
            }
        }
    }

    // ---- The capture.

    async fn step(
        &mut self,
        record: &Record,
        inferred: &[(usize, &str, Value)],
        facts: &Facts,
    ) -> Result<()> {
        let given = inferred.iter().find(|(line, ..)| *line == record.line);
        match record.direction {
            Direction::ToClient => self.expect(record).await,
            Direction::ToServer => {
                self.wait_due().await?;
                self.before_request(record, facts).await?;
                if let Some((_, name, fields)) = given {
                    let payload = self.substituted(name, fields.clone(), None)?;
                    return self
                        .send(record.conn, false, RtId::CLIENT_APP_TOSERVER, Cover::Context(3), &payload)
                        .await;
                }
                self.send_record(record).await
            }
        }
    }

    /// The host of the game reports what the answer to this request says.
    async fn before_request(&mut self, record: &Record, facts: &Facts) -> Result<()> {
        let asks = record.plain.as_deref().is_some_and(|plain| {
            record.id == Some(RtId::CLIENT_APP_TOSERVER)
                && AnyMessage::decode(plain, &self.dialect)
                    .is_ok_and(|message| message.name().contains("GameInfo"))
        });
        if asks && let Some((_, (game, fields))) = facts.reports.range(record.line..).next() {
            self.fixture.report(*game, fields).await?;
        }
        Ok(())
    }

    /// Something is to come. What other players cause, they do now.
    async fn expect(&mut self, record: &Record) -> Result<()> {
        if record.server == Server::Nat {
            let socket = self.nat.get(&record.conn).context("an answer without a probe")?;
            let mut answer = [0; 16];
            let length = timeout(PATIENCE, socket.recv(&mut answer)).await.context("no answer of NAT")??;
            let port = socket.local_addr()?.port().to_be_bytes();
            let wanted = [127, 0, 0, 1, port[0], port[1]];
            self.report.compared += 1;
            if answer.get(..length) != Some(&wanted[..]) {
                self.differ("NAT answer", "", format!("{wanted:?} wanted, {:?} came", answer.get(..length)));
            }
            return Ok(());
        }
        let (Some(id), Some(plain)) = (record.id, record.plain.as_deref()) else { return Ok(()) };
        let dialect = self.dialect;
        let decoder = self.decoders.entry((record.conn, false)).or_insert_with(|| Decoder::new(dialect));
        for decoded in decoder.push(id, plain) {
            self.cause(record, &decoded).await?;
            if in_handshake(&decoded.name) {
                self.order.entry(record.conn).or_default().0.push(decoded.name.clone());
            }
            let said = Said { line: record.line, cover: record.cover, size: plain.len(), decoded };
            let key = (record.conn, said.decoded.name.clone());
            self.captured.entry(key).or_default().push(said);
        }
        Ok(())
    }

    async fn cause(&mut self, record: &Record, decoded: &Decoded) -> Result<()> {
        let text = |key: &str| decoded.fields.get(key).and_then(Value::as_str).unwrap_or_default();
        match decoded.name.as_str() {
            "MediusChatFwdMessage" => {
                let name = text("OriginatorAccountName").to_owned();
                let console = self.fixture.consoles.get_mut(&name).context("nobody to say it")?;
                let session_key = console.session_key;
                console.send(ChatMessage {
                    session_key,
                    message_type: ChatMessageType(0),
                    message: Text::full(text("Message")),
                    ..Default::default()
                })?;
            }
            "CLIENT_APP_SINGLE" => {
                let source = decoded.fields.get("Index").and_then(Value::as_u64).unwrap_or_default();
                let payload = text("Payload").strip_prefix("hex:").map(hex::decode).transpose()?;
                let own = self.accepted.values().next().map_or(0, |(player, _)| *player);
                let name = u16::try_from(source).ok().and_then(|index| self.fixture.by_index.get(&index));
                let name = name.with_context(|| format!("no player of index {source}"))?;
                let console = self.fixture.consoles.get_mut(name).context("no such player")?;
                let transport = if record.udp { Transport::Udp } else { Transport::Tcp };
                console.single(transport, own, &payload.unwrap_or_default())?;
            }
            _ => {}
        }
        Ok(())
    }

    fn tolerance(&self, message: &str, what: impl Fn(What) -> bool) -> Option<usize> {
        self.table.iter().position(|entry| entry.is_for(&self.capture.name, message) && what(entry.what))
    }

    /// How many of a message have to be here by now.
    fn due(&self, key: &Key) -> usize {
        let said = self.captured.get(key).map(Vec::as_slice).unwrap_or_default();
        if self.waived.contains(key) || self.tolerance(&key.1, |what| what == What::Missing).is_some() {
            return 0;
        }
        if self.tolerance(&key.1, |what| what == What::FirstOnly).is_some() {
            return said.len().min(1);
        }
        if self.by_lists(&key.1) {
            return lists(said).len();
        }
        said.len()
    }

    /// Whether a message is counted by lists, not by rows.
    fn by_lists(&self, message: &str) -> bool {
        self.tolerance(message, |what| matches!(what, What::Whole | What::RowOrder)).is_some()
    }

    fn here(&self, key: &Key) -> usize {
        self.counted(&self.came, key)
    }

    fn counted(&self, said: &BTreeMap<Key, Vec<Said>>, key: &Key) -> usize {
        let said = said.get(key).map(Vec::as_slice).unwrap_or_default();
        if self.by_lists(&key.1) { lists(said).len() } else { said.len() }
    }

    /// Waits for all that the capture has so far, and compares it.
    async fn wait_due(&mut self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            self.read()?;
            let missing: Vec<Key> =
                self.captured.keys().filter(|key| self.here(key) < self.due(key)).cloned().collect();
            if missing.is_empty() {
                break;
            }
            let read = async {
                let reads = self.puppets.values().map(|puppet| Box::pin(puppet.readable()));
                any(reads.collect()).await;
            };
            if tokio::time::timeout_at(until, read).await.is_err() {
                for key in missing {
                    let (wanted, came) = (self.due(&key), self.here(&key));
                    self.differ(
                        &key.1,
                        "",
                        format!("connection {}: {wanted} captured by now, {came} came", key.0),
                    );
                    self.waived.insert(key);
                }
                break;
            }
        }
        self.compare()
    }

    fn read(&mut self) -> Result<()> {
        let dialect = self.dialect;
        let mut fresh = Vec::new();
        for (conn, puppet) in &mut self.puppets {
            puppet.read().with_context(|| format!("connection {conn}"))?;
            fresh.extend(puppet.arrivals.drain(..).map(|arrival| (*conn, arrival)));
        }
        for (conn, arrival) in fresh {
            // The capture's datagrams have a connection number of their own.
            let conn = if arrival.udp { self.udp_conn(conn) } else { conn };
            let decoder = self.decoders.entry((conn, true)).or_insert_with(|| Decoder::new(dialect));
            for decoded in decoder.push(arrival.id, &arrival.plain) {
                self.notice(conn, &decoded, &arrival.plain)?;
                if in_handshake(&decoded.name) {
                    self.order.entry(conn).or_default().1.push(decoded.name.clone());
                }
                let key = (conn, decoded.name.clone());
                let said = Said { line: 0, cover: arrival.cover, size: arrival.plain.len(), decoded };
                self.came.entry(key).or_default().push(said);
            }
        }
        Ok(())
    }

    fn udp_conn(&self, conn: usize) -> usize {
        let udp = self.capture.records.iter().find(|record| record.udp && record.server == Server::Dme);
        udp.map_or(conn, |record| record.conn)
    }

    fn dme_conn(&self, conn: usize) -> usize {
        let tcp = self.capture.records.iter().find(|record| !record.udp && record.server == Server::Dme);
        tcp.map_or(conn, |record| record.conn)
    }

    /// What the console itself takes from the answers.
    fn notice(&mut self, conn: usize, decoded: &Decoded, plain: &[u8]) -> Result<()> {
        match &decoded.app {
            Some(AnyMessage::AccountLoginResponse(answer)) if answer.status_code.0 == 0 => {
                self.lobby = Some(Redirect::new("AccountLoginResponse", &answer.connect_info)?);
            }
            Some(AnyMessage::JoinChannelResponse(answer)) if answer.status_code.0 == 0 => {
                self.lobby = Some(Redirect::new("JoinChannelResponse", &answer.connect_info)?);
            }
            Some(AnyMessage::JoinGameResponse(answer)) if answer.status_code.0 == 0 => {
                self.game = Some(Redirect::new("JoinGameResponse", &answer.connect_info)?);
            }
            _ => {}
        }
        match decoded.name.as_str() {
            "SERVER_ECHO" => self.echoes.entry(conn).or_default().push(plain.to_vec()),
            "SERVER_CONNECT_ACCEPT_TCP" => {
                let number = |key: &str| decoded.fields.get(key).and_then(Value::as_u64);
                let player = number("PlayerID").and_then(|id| u16::try_from(id).ok()).unwrap_or_default();
                let scert = number("ScertClientID").and_then(|id| u32::try_from(id).ok());
                self.accepted.insert(conn, (player, scert));
            }
            _ => {}
        }
        Ok(())
    }

    fn differ(&mut self, message: &str, path: &str, how: String) {
        let tolerated = self
            .table
            .iter()
            .position(|entry| entry.is_for(&self.capture.name, message) && entry.covers(path));
        match tolerated {
            Some(index) => *self.report.tolerated.entry(index).or_default() += 1,
            None => self.report.differences.push(format!("{message} {path}: {how}")),
        }
    }

    /// Compares what is there on both sides.
    fn compare(&mut self) -> Result<()> {
        // In the order of the capture, so that ids are learned as the console learned them.
        let mut pairs = Vec::new();
        let keys: Vec<_> = self.captured.keys().cloned().collect();
        for key in keys {
            if let Some(index) = self.tolerance(&key.1, |what| what == What::Whole) {
                let came = self.came.get(&key).map_or(0, Vec::len);
                self.report.tolerated.insert(index, came);
                continue;
            }
            let captured = self.captured.get(&key).map(Vec::as_slice).unwrap_or_default();
            let came = self.came.get(&key).map(Vec::as_slice).unwrap_or_default();
            let from = self.matched.get(&key).copied().unwrap_or_default();
            if let Some(index) = self.tolerance(&key.1, |what| what == What::RowOrder) {
                let (captured, came) = (lists(captured), lists(came));
                let upto = captured.len().min(came.len());
                let fresh = |lists: &[Vec<Said>]| lists.get(from..upto).unwrap_or_default().to_vec();
                let (captured, came) = (fresh(&captured), fresh(&came));
                self.matched.insert(key.clone(), from.max(upto));
                for (captured, came) in captured.into_iter().zip(came) {
                    pairs.extend(self.rows(index, &key.1, captured, came));
                }
                continue;
            }
            let upto = captured.len().min(came.len());
            let (captured, came) = (captured.get(from..upto), came.get(from..upto));
            let both = captured.unwrap_or_default().iter().zip(came.unwrap_or_default());
            pairs.extend(both.map(|(captured, came)| (captured.clone(), came.clone())));
            self.matched.insert(key, from.max(upto));
        }
        pairs.sort_by_key(|(captured, _)| captured.line);
        for (captured, came) in pairs {
            self.report.compared += 1;
            let name = captured.decoded.name.clone();
            let mut found = Vec::new();
            self.ids.compare(&name, "", &captured.decoded.fields, &came.decoded.fields, &mut |path, how| {
                found.push((path.to_owned(), how));
            });
            if captured.cover != came.cover {
                found.push((
                    "(cover)".to_owned(),
                    format!("{:?} captured, {:?} came", captured.cover, came.cover),
                ));
            }
            if captured.size != came.size {
                found.push((
                    "(size)".to_owned(),
                    format!("{} bytes captured, {} came", captured.size, came.size),
                ));
            }
            for (path, how) in found {
                self.differ(&name, &path, format!("line {}: {how}", captured.line));
            }
        }
        Ok(())
    }

    /// Pairs the rows of a list whose order is not compared, by the name in them.
    fn rows(
        &mut self,
        index: usize,
        message: &str,
        mut captured: Vec<Said>,
        mut came: Vec<Said>,
    ) -> Vec<(Said, Said)> {
        if names(&captured) != names(&came) {
            *self.report.tolerated.entry(index).or_default() += 1;
        }
        for row in captured.iter_mut().chain(&mut came) {
            if let Some(fields) = row.decoded.fields.as_object_mut() {
                fields.remove("EndOfList");
            }
        }
        let mut pairs = Vec::new();
        for row in captured {
            match came.iter().position(|other| name(other) == name(&row)) {
                Some(position) => pairs.push((row, came.remove(position))),
                None => {
                    self.differ(message, "(row)", format!("line {}: {:?} did not come", row.line, name(&row)))
                }
            }
        }
        for row in came {
            self.differ(message, "(row)", format!("{:?} came and was not captured", name(&row)));
        }
        pairs
    }

    // ---- Sending.

    async fn send(&mut self, conn: usize, udp: bool, id: RtId, cover: Cover, plain: &[u8]) -> Result<()> {
        let owner = if udp { self.dme_conn(conn) } else { conn };
        let puppet =
            self.puppets.get_mut(&owner).with_context(|| format!("connection {owner} is not open"))?;
        let frame = puppet.seal(id, cover, plain)?;
        self.report.sent += 1;
        puppet.send_raw(udp, &frame).await
    }

    fn substituted(&mut self, name: &str, mut fields: Value, payload: Option<&[u8]>) -> Result<Vec<u8>> {
        for unknown in self.ids.substitute(name, &mut fields) {
            self.report.differences.push(format!("{unknown}: the console was never told this id"));
        }
        let message = AnyMessage::from_json(name, fields.clone())?;
        match payload {
            Some(payload) => encode_like(&message, payload, fields, &self.dialect),
            None => Ok(message.encode(&self.dialect)),
        }
    }

    async fn open(&mut self, record: &Record) -> Result<()> {
        let missing = |what: &str| anyhow!("no answer led to {what}");
        let address = match record.server {
            Server::Muis => self.host.muis()?,
            Server::Mas => self.host.mas(),
            Server::Mls => self.lobby.as_ref().ok_or_else(|| missing("MLS"))?.address,
            Server::Dme => self.game.as_ref().ok_or_else(|| missing("DME"))?.address,
            Server::Nat | Server::Peer => return Ok(()),
        };
        let puppet = Puppet::connect(address, &self.dialect, Arc::clone(&self.own_key)).await?;
        self.puppets.insert(record.conn, puppet);
        Ok(())
    }

    async fn send_record(&mut self, record: &Record) -> Result<()> {
        if record.server == Server::Nat {
            return self.send_nat(record).await;
        }
        let Some(id) = record.id else { return Ok(()) };
        if !record.udp && !self.puppets.contains_key(&record.conn) {
            self.open(record).await?;
        }
        if let Some(needed) = needed(id) {
            self.wait_live(record.conn, needed).await?;
        }
        match (id, record.plain.as_deref()) {
            (RtId::CLIENT_CRYPTKEY_PUBLIC, _) => {
                let key = match record.server {
                    Server::Mls => self.lobby.as_ref().and_then(|to| to.key.clone()),
                    Server::Dme => self.game.as_ref().and_then(|to| to.key.clone()),
                    _ => Some(self.disc_key.clone()),
                };
                let key = key.context("a zero ServerKey")?;
                if self.dialect.medius_version >= 109 {
                    self.wait_live(record.conn, RtId::SERVER_HELLO).await?;
                }
                let puppet = self.puppets.get_mut(&record.conn).context("not open")?;
                self.report.sent += 1;
                puppet.exchange_keys(&key).await
            }
            // The console damaged one of its own datagrams; so do we.
            (_, None) if record.udp => {
                let owner = self.dme_conn(record.conn);
                let puppet = self.puppets.get_mut(&owner).context("not open")?;
                let mut frame = puppet.seal(id, Cover::Context(3), &[0xa5])?;
                if let Some(byte) = frame.get_mut(4) {
                    *byte ^= 0x5a;
                }
                self.report.sent += 1;
                puppet.send_raw(true, &frame).await
            }
            (_, None) => Ok(()),
            (RtId::SERVER_ECHO, Some(_)) => {
                // The live one is returned, each once; those that did not come are not.
                let wanted = self.echoes.entry(record.conn).or_default();
                if wanted.is_empty() {
                    return Ok(());
                }
                let echo = wanted.remove(0);
                self.send(record.conn, false, id, record.cover, &echo).await
            }
            (_, Some(plain)) => {
                let body = self.rebuilt(record, id, plain)?;
                if id == RtId::CLIENT_CONNECT_AUX_UDP {
                    self.open_udp(record).await?;
                }
                self.send(record.conn, record.udp, id, record.cover, &body).await
            }
        }
    }

    async fn open_udp(&mut self, record: &Record) -> Result<()> {
        let owner = self.dme_conn(record.conn);
        let info = self.came.get(&(owner, "SERVER_INFO_AUX_UDP".to_owned())).and_then(|said| said.first());
        let fields = &info.context("no INFO_AUX_UDP")?.decoded.fields;
        let ip = fields.get("IP").and_then(Value::as_str).context("no address")?.parse()?;
        let port = fields.get("Port").and_then(Value::as_u64).context("no port")?;
        let puppet = self.puppets.get_mut(&owner).context("not open")?;
        if puppet.udp_port().is_none() {
            puppet.open_udp(SocketAddrV4::new(ip, u16::try_from(port)?)).await?;
        }
        Ok(())
    }

    /// The body of a frame with today's ids.
    fn rebuilt(&mut self, record: &Record, id: RtId, plain: &[u8]) -> Result<Vec<u8>> {
        let dialect = self.dialect;
        let to = if record.server == Server::Dme { self.game.clone() } else { self.lobby.clone() };
        Ok(match RtMessage::decode(id, plain, &dialect)? {
            RtMessage::ClientConnectTcp(mut connect) | RtMessage::ClientConnectTcpAuxUdp(mut connect) => {
                if connect.access_key.is_some() {
                    let to = to.context("no answer led here")?;
                    let told = |captured: &Text<17>, live: &Text<17>| {
                        (json!(captured.to_string_lossy()), json!(live.to_string_lossy()))
                    };
                    for (class, captured, live) in [
                        (Class::Session, connect.session_key, to.session_key),
                        (Class::Access, connect.access_key, to.access_key),
                    ] {
                        let (captured, live) = told(&captured.unwrap_or_default(), &live);
                        if let Err(error) = self.ids.meet(class, &captured, &live) {
                            self.report.differences.push(format!("{id}: {error}"));
                        }
                    }
                    connect.session_key = Some(to.session_key);
                    connect.access_key = Some(to.access_key);
                    connect.target_world_id = RtWorldId(to.world);
                }
                RtMessage::ClientConnectTcp(connect).to_body(&dialect)
            }
            RtMessage::ClientConnectAuxUdp(connect) => {
                let to = to.context("no answer led here")?;
                let owner = self.dme_conn(record.conn);
                let (player_id, scert) = self.accepted.get(&owner).copied().context("not accepted yet")?;
                let connect = ClientConnectAuxUdp {
                    world_id: RtWorldId(to.world),
                    server_ip: IpText::new(to.address.ip().to_string()),
                    server_port: to.address.port(),
                    player_id,
                    scert_client_id: scert,
                    ..connect
                };
                RtMessage::ClientConnectAuxUdp(connect).to_body(&dialect)
            }
            RtMessage::ClientAppToServer(app) => self.app(&app.payload.0)?,
            RtMessage::ClientMultiAppToServer(mut multi) => {
                for inner in &mut multi.messages {
                    if RtId(inner.id) == RtId::CLIENT_APP_TOSERVER {
                        let body = self.app(&inner.body.0)?;
                        let length = u16::try_from(body.len())?;
                        *inner = ContainedMessage { id: inner.id, length, body: VarBytes(body) };
                    }
                }
                RtMessage::ClientMultiAppToServer(multi).to_body(&dialect)
            }
            _ => plain.to_vec(),
        })
    }

    fn app(&mut self, payload: &[u8]) -> Result<Vec<u8>> {
        let message = AnyMessage::decode(payload, &self.dialect)?;
        let fields = message.to_json();
        self.substituted(message.name(), fields, Some(payload))
    }

    async fn send_nat(&mut self, record: &Record) -> Result<()> {
        if !self.nat.contains_key(&record.conn) {
            let to = self.lobby.as_ref().and_then(|to| to.nat).unwrap_or_else(|| self.host.nat());
            let socket = UdpSocket::bind("127.0.0.1:0").await?;
            socket.connect(to).await?;
            self.nat.insert(record.conn, socket);
        }
        let socket = self.nat.get(&record.conn).context("no socket")?;
        socket.send(&record.frame).await?;
        self.report.sent += 1;
        Ok(())
    }

    async fn wait_live(&mut self, conn: usize, id: RtId) -> Result<()> {
        let key = match id {
            RtId::SERVER_INFO_AUX_UDP => (self.dme_conn(conn), id.to_string()),
            RtId::SERVER_CONNECT_ACCEPT_AUX_UDP => (self.udp_conn(conn), id.to_string()),
            _ => (conn, id.to_string()),
        };
        let until = Instant::now() + PATIENCE;
        loop {
            self.read()?;
            if self.came.get(&key).is_some_and(|came| !came.is_empty()) {
                return Ok(());
            }
            if self.puppets.get(&key.0).is_some_and(Puppet::ended) {
                bail!("closed while {id} was awaited");
            }
            let read = async {
                let reads = self.puppets.values().map(|puppet| Box::pin(puppet.readable()));
                any(reads.collect()).await;
            };
            tokio::time::timeout_at(until, read).await.map_err(|_| anyhow!("{id} did not come"))?;
        }
    }

    /// The end: what is due, and what came that nobody captured.
    async fn finish(&mut self) -> Result<()> {
        self.wait_due().await?;
        // An echo of our own shows that everything before it is through.
        let open: Vec<_> =
            self.puppets.iter().filter(|(_, puppet)| !puppet.ended()).map(|(conn, _)| *conn).collect();
        for conn in open {
            if self.send(conn, false, RtId::CLIENT_ECHO, Cover::Context(3), &[0xee]).await.is_err() {
                continue;
            }
            let until = Instant::now() + PATIENCE;
            let key = (conn, RtId::CLIENT_ECHO.to_string());
            loop {
                self.read()?;
                let came = self.came.entry(key.clone()).or_default();
                let ours = came.iter().position(|said| said.decoded.fields == json!({ "Value": "hex:ee" }));
                if let Some(position) = ours {
                    came.remove(position);
                    break;
                }
                let Some(puppet) = self.puppets.get(&conn).filter(|puppet| !puppet.ended()) else { break };
                if tokio::time::timeout_at(until, puppet.readable()).await.is_err() {
                    break;
                }
            }
        }
        self.compare()?;
        let keys: BTreeSet<_> = self.captured.keys().chain(self.came.keys()).cloned().collect();
        for key in keys {
            if self.tolerance(&key.1, |what| what == What::Whole).is_some() || self.waived.contains(&key) {
                continue;
            }
            // Nobody could read some of what was captured; it is not missed when it comes.
            let unread = self.capture.records.iter().filter(|record| {
                record.direction == Direction::ToClient
                    && record.plain.is_none()
                    && record.conn == key.0
                    && record.id.is_some_and(|id| {
                        id.to_string() == key.1 || (id == RtId::SERVER_APP && !key.1.starts_with("SERVER_"))
                    })
            });
            let unread = unread.count();
            let (captured, came) = (self.counted(&self.captured, &key), self.counted(&self.came, &key));
            if let Some(index) = self.tolerance(&key.1, |what| what == What::FirstOnly) {
                if captured > came {
                    *self.report.tolerated.entry(index).or_default() += captured - came;
                }
                continue;
            }
            let (found, how) = match came {
                _ if came < captured => (self.tolerance(&key.1, |what| what == What::Missing), "fewer"),
                _ if came > captured + unread => {
                    let more = came - captured - unread;
                    let may = |what| matches!(what, What::Extra(most) if more <= most);
                    (self.tolerance(&key.1, may), "more")
                }
                _ => continue,
            };
            match found {
                Some(index) => *self.report.tolerated.entry(index).or_default() += captured.abs_diff(came),
                None => self.report.differences.push(format!(
                    "{}: connection {}: {how} than captured: {captured} captured, {came} came",
                    key.1, key.0
                )),
            }
        }
        for (index, times) in &self.report.tolerated {
            if let Some(Tolerance { what: What::Extra(most), message, .. }) = self.table.get(*index)
                && times > most
            {
                self.report
                    .differences
                    .push(format!("{message}: {times} more than captured, {most} tolerated"));
            }
        }
        for (conn, (captured, came)) in core::mem::take(&mut self.order) {
            let kept = |names: Vec<String>| {
                let open = |what| matches!(what, What::Missing | What::Extra(_) | What::FirstOnly);
                let kept = |name: &String| self.tolerance(name, open).is_none();
                names.into_iter().filter(kept).collect::<Vec<_>>()
            };
            let (captured, came) = (kept(captured), kept(came));
            let unread = self.capture.records.iter().any(|record| {
                record.conn == conn && record.plain.is_none() && record.direction == Direction::ToClient
            });
            if !unread && !captured.is_empty() && captured != came {
                let how = format!("connection {conn}: {captured:?} captured, {came:?} came");
                self.report.differences.push(format!("order of the handshake: {how}"));
            }
        }
        Ok(())
    }
}

/// The last row of a list, or no list at all.
fn ends(decoded: &Decoded) -> bool {
    let end = decoded.fields.get("EndOfList").or_else(|| decoded.fields.get("EndOfText"));
    end.is_none_or(|end| end == true)
}

fn name(row: &Said) -> Option<&Value> {
    let fields = &row.decoded.fields;
    fields.get("AccountName").or_else(|| fields.get("IgnoreAccountName"))
}

fn names(rows: &[Said]) -> Vec<Option<Value>> {
    rows.iter().map(|row| name(row).cloned()).collect()
}

/// The whole lists among rows.
fn lists(rows: &[Said]) -> Vec<Vec<Said>> {
    let lists = rows.split_inclusive(|row| ends(&row.decoded));
    lists.filter(|list| list.last().is_some_and(|row| ends(&row.decoded))).map(<[Said]>::to_vec).collect()
}

/// Until the first of them.
async fn any<F: Future<Output = ()> + Unpin>(mut futures: Vec<F>) {
    core::future::poll_fn(|context| {
        let ready = futures.iter_mut().any(|future| core::pin::Pin::new(future).poll(context).is_ready());
        if ready { core::task::Poll::Ready(()) } else { core::task::Poll::Pending }
    })
    .await;
}
