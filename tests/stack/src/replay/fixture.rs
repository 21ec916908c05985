//! The world around the recorded console, as its server described it: accounts, lists, texts, channels, other players
//! and their games. All of it is read out of the capture's own answers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use anyhow::{Context as _, Result};
use medley_simulator::{Console, Dialect, GameSetup};
use medley_store::{AccountId as StoreId, ListKind, NewClan, PolicyKind, StatsUpdate, TitleId};
use medley_wire::enums::WorldStatus;
use medley_wire::messages::GetTotalGamesRequest;
use serde_json::{Value, json};

use super::capture::{Capture, Direction, Server};
use super::compare::{Class, Ids};
use crate::host::TestHost;

/// Password of every account that the capture does not tell the password of.
pub const PASSWORD: &str = "secret";

/// A player somewhere.
#[derive(Clone, Debug, Default)]
struct Place {
    game: i64,
    game_name: String,
}

/// A clan, as far as the capture tells of it.
#[derive(Clone, Debug, Default)]
struct ToldClan {
    name: String,
    /// 0 if no answer tells who leads it.
    leader: i64,
    stats: Option<Value>,
    /// Members, and the first of their ladder stats.
    members: Vec<(i64, i64)>,
}

/// What the capture tells.
#[derive(Debug, Default)]
pub struct Facts {
    /// Accounts and their names, by captured id.
    pub accounts: BTreeMap<i64, String>,
    online: BTreeMap<i64, Place>,
    /// Rows and infos of games, by captured id: the first of each.
    games: BTreeMap<i64, Value>,
    /// GameInfo answers by line, with the game's id: the host reports them as they change.
    pub reports: BTreeMap<usize, (i64, Value)>,
    /// Stats of players in a game.
    player_stats: BTreeMap<i64, Value>,
    /// Stats blobs of accounts.
    blobs: BTreeMap<i64, Value>,
    wide: BTreeMap<i64, Value>,
    /// Clans, by captured id.
    clans: BTreeMap<i64, ToldClan>,
    buddies: Vec<i64>,
    ignored: Vec<i64>,
    policy: String,
    policy_done: bool,
    /// Members of a channel, by its captured id: as first told.
    counts: BTreeMap<i64, i64>,
    /// Name of a channel, by its captured id.
    pub channels: BTreeMap<i64, String>,
    /// Channels that the console makes itself.
    made: BTreeSet<i64>,
    /// The game that the console joins, and the index it gets.
    pub joins: Option<(i64, u16)>,
    /// The capture begins in a game: indices of the other players, and the console's own.
    pub in_game: Option<(BTreeSet<u16>, u16)>,
    passwords: BTreeMap<String, String>,
    /// Of the console's login.
    pub login: Option<String>,
}

fn int(fields: &Value, key: &str) -> i64 {
    fields.get(key).and_then(Value::as_i64).unwrap_or_default()
}

fn text(fields: &Value, key: &str) -> String {
    fields.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn bytes<const N: usize>(value: &Value) -> Result<[u8; N]> {
    let text = value.as_str().and_then(|text| text.strip_prefix("hex:")).context("no bytes")?;
    hex::decode(text)?.try_into().map_err(|_| anyhow::anyhow!("not {N} bytes"))
}

impl Facts {
    /// Reads them. `inferred` are requests that nobody could decipher; `game` is the captured id of the game in which
    /// the capture begins, if another player hosts it.
    pub fn read(capture: &Capture, inferred: &[(usize, &str, Value)], game: i64) -> Self {
        let mut facts = Self::default();
        facts.begins_in_game(capture, game);
        let mut requests: BTreeMap<String, VecDeque<Value>> = BTreeMap::new();
        let mut all: Vec<(usize, Direction, String, Value)> = Vec::new();
        for direction in [Direction::ToServer, Direction::ToClient] {
            for (record, decoded) in capture.messages(direction) {
                all.push((record.line, direction, decoded.name, decoded.fields));
            }
        }
        for (line, name, fields) in inferred {
            all.push((*line, Direction::ToServer, (*name).to_owned(), fields.clone()));
        }
        all.sort_by_key(|(line, ..)| *line);
        for (line, direction, name, fields) in all {
            let short = name.trim_start_matches("Medius");
            if direction == Direction::ToServer {
                let stem = short.replace("Request", "");
                facts.request(&stem, &fields);
                requests.entry(stem).or_default().push_back(fields);
                continue;
            }
            let stem = short.replace("Response", "");
            let end = fields.get("EndOfList").is_none_or(|end| end == true);
            let queue = requests.entry(stem.clone()).or_default();
            let request = if end { queue.pop_front() } else { queue.front().cloned() };
            facts.answer(line, &stem, &request.unwrap_or_default(), &fields);
        }
        facts
    }

    fn begins_in_game(&mut self, capture: &Capture, game: i64) {
        let all = [Direction::ToServer, Direction::ToClient].map(|direction| capture.messages(direction));
        let relayed = |name: &str| name == "CLIENT_APP_SINGLE";
        let accepted = all.iter().flatten().any(|(record, decoded)| {
            record.server == Server::Dme && decoded.name == "SERVER_CONNECT_ACCEPT_TCP"
        });
        let others: BTreeSet<u16> = all
            .iter()
            .flatten()
            .filter(|(_, decoded)| relayed(&decoded.name))
            .filter_map(|(_, decoded)| u16::try_from(int(&decoded.fields, "Index")).ok())
            .collect();
        if accepted || others.is_empty() {
            return;
        }
        let own = (0..).find(|index| !others.contains(index)).unwrap_or_default();
        if own != 0 {
            self.joins = Some((game, own));
        }
        self.in_game = Some((others, own));
    }

    fn request(&mut self, stem: &str, fields: &Value) {
        if stem == "AccountLogin" {
            self.login = Some(text(fields, "Username"));
            self.passwords.insert(text(fields, "Username"), text(fields, "Password"));
        }
    }

    fn account(&mut self, id: i64, name: String) {
        if id > 0 && !name.is_empty() {
            self.accounts.entry(id).or_insert(name);
        }
    }

    fn place(&mut self, id: i64, state: &Value) {
        let channel = int(state, "MediusLobbyWorldID");
        if int(state, "ConnectStatus") == 0 || channel == 0 {
            return;
        }
        let (channel_name, game_name) = (text(state, "LobbyName"), text(state, "GameName"));
        self.channels.entry(channel).or_insert(channel_name);
        let game = int(state, "MediusGameWorldID");
        self.online.entry(id).or_insert(Place { game, game_name });
    }

    fn answer(&mut self, line: usize, stem: &str, request: &Value, fields: &Value) {
        let id = int(fields, "AccountID");
        self.account(id, text(fields, "AccountName"));
        if let Some(state) = fields.get("OnlineState").filter(|_| !stem.contains("Clan")) {
            self.place(id, state);
        }
        match stem {
            "AccountLogin" => {
                let name = self.login.clone().unwrap_or_default();
                self.account(id, name);
            }
            "GetBuddyList_ExtraInfo" if id > 0 && !self.buddies.contains(&id) => self.buddies.push(id),
            "GetIgnoreList" => {
                let id = int(fields, "IgnoreAccountID");
                self.account(id, text(fields, "IgnoreAccountName"));
                if id > 0 && !self.ignored.contains(&id) {
                    self.ignored.push(id);
                }
            }
            "ChatFwdMessage" => {
                let id = int(fields, "OriginatorAccountID");
                self.account(id, text(fields, "OriginatorAccountName"));
                // Who is heard in a channel is in it.
                self.online.entry(id).or_default();
            }
            "FindPlayer" => {
                let game = int(fields, "MediusWorldID");
                if int(fields, "ApplicationType") == 0 {
                    self.online.entry(id).or_insert(Place { game, game_name: String::new() });
                }
            }
            "GetMyClans" if int(fields, "ClanID") != 0 => {
                let leader = int(fields, "LeaderAccountID");
                self.account(leader, text(fields, "LeaderAccountName"));
                let clan = self.clans.entry(int(fields, "ClanID")).or_default();
                (clan.name, clan.leader) = (text(fields, "ClanName"), leader);
                clan.stats = fields.get("Stats").cloned();
            }
            "GetClanMemberList_ExtraInfo" if id > 0 => {
                let clan = self.clans.entry(int(request, "ClanID")).or_default();
                clan.members.push((id, int(fields, "LadderStat")));
                if let Some(stats) = fields.get("Stats") {
                    self.blobs.entry(id).or_insert_with(|| stats.clone());
                }
            }
            "PlayerInfo" => {
                let asked = int(request, "AccountID");
                self.account(asked, text(fields, "AccountName"));
                if let Some(stats) = fields.get("Stats") {
                    self.blobs.entry(asked).or_insert_with(|| stats.clone());
                }
            }
            "GetLadderStatsWide" => {
                let stats = fields.get("Stats").cloned().unwrap_or_default();
                self.wide.entry(int(fields, "AccountID_or_ClanID")).or_insert(stats);
            }
            "GetPolicy" if !self.policy_done => {
                self.policy.push_str(&text(fields, "Policy"));
                self.policy_done = fields.get("EndOfText").is_some_and(|end| end == true);
            }
            "ChannelInfo" => {
                let channel = int(request, "WorldID");
                self.counts.entry(channel).or_insert_with(|| int(fields, "ActivePlayerCount"));
                self.channels.entry(channel).or_insert_with(|| text(fields, "LobbyName"));
            }
            "ChannelList_ExtraInfo" | "ChannelList_ExtraInfo1" if int(fields, "MediusWorldID") != 0 => {
                let channel = int(fields, "MediusWorldID");
                self.counts.entry(channel).or_insert_with(|| int(fields, "PlayerCount"));
                self.channels.entry(channel).or_insert_with(|| text(fields, "LobbyName"));
            }
            "CreateChannel" => {
                self.made.insert(int(fields, "WorldID"));
            }
            "GameInfo0" | "GameInfo" => {
                let game = int(request, "MediusWorldID");
                self.reports.insert(line, (game, fields.clone()));
                self.games.entry(game).or_insert_with(|| fields.clone());
            }
            "GameList_ExtraInfo0" | "GameList_ExtraInfo" if int(fields, "MediusWorldID") != 0 => {
                self.games.entry(int(fields, "MediusWorldID")).or_insert_with(|| fields.clone());
            }
            "GameWorldPlayerList" => {
                let game = int(request, "MediusWorldID");
                let stats = fields.get("Stats").cloned().unwrap_or_default();
                self.player_stats.entry(id).or_insert(stats);
                self.online.entry(id).or_default().game = game;
            }
            "JoinGame" => self.joins = Some((int(request, "MediusWorldID"), 0)),
            "SERVER_CONNECT_ACCEPT_AUX_UDP" => {
                if let Some((_, index)) = &mut self.joins {
                    *index = u16::try_from(int(fields, "PlayerID")).unwrap_or_default();
                }
            }
            _ => {}
        }
    }
}

/// A game of other players.
#[derive(Debug)]
struct Hosted {
    host: String,
    fields: Value,
}

/// The world that was set up.
pub struct Fixture {
    /// Other players, by the name of their account.
    pub consoles: BTreeMap<String, Console>,
    games: BTreeMap<i64, Hosted>,
    /// Players of the game that the recorded console joins, by index.
    pub by_index: BTreeMap<u16, String>,
    /// Account of the recorded console, as captured; 0 if no answer tells it.
    pub own: i64,
    /// Its password.
    pub password: String,
    extras: usize,
}

impl Fixture {
    /// Sets the world up on `host` and tells `ids` what is what.
    ///
    /// # Errors
    /// The host refuses something.
    pub async fn build(
        host: &TestHost,
        capture: &Capture,
        facts: &Facts,
        own_name: &str,
        ids: &mut Ids,
    ) -> Result<Self> {
        let app = capture.dialect.app_id;
        let title = host.title_of(app)?;
        let own = facts.accounts.iter().find(|(_, name)| *name == own_name).map_or(0, |(id, _)| *id);
        let password = facts.passwords.get(own_name).cloned().unwrap_or_else(|| PASSWORD.to_owned());
        let mut stored = BTreeMap::new();
        for (captured, name) in &facts.accounts {
            let account =
                host.account(app, name, if *captured == own { &password } else { PASSWORD }).await?;
            stored.insert(*captured, account);
            meet(ids, Class::Account, *captured, account.get())?;
        }
        // The login of a capture that tells its account by ticket, or not at all.
        if own == 0 && capture.dialect.medius_version < 112 {
            stored.insert(own, host.account(app, own_name, &password).await?);
        }
        let mut fixture = Self {
            consoles: BTreeMap::new(),
            games: BTreeMap::new(),
            by_index: BTreeMap::new(),
            own,
            password,
            extras: 0,
        };
        fixture.store(host, &title, facts, &stored).await?;
        clans(host, &title, capture, facts, &stored, ids).await?;
        fixture.players(host, capture, facts, own_name, ids).await?;
        Ok(fixture)
    }

    async fn store(
        &self,
        host: &TestHost,
        title: &TitleId,
        facts: &Facts,
        stored: &BTreeMap<i64, StoreId>,
    ) -> Result<()> {
        if let Some(own) = stored.get(&self.own).copied() {
            for (kind, list) in [(ListKind::Buddies, &facts.buddies), (ListKind::Ignored, &facts.ignored)] {
                for other in list.iter().filter_map(|id| stored.get(id)).copied() {
                    let title = title.clone();
                    host.store.write(move |store| store.add_to_list(&title, kind, own, other, 0)).await?;
                }
            }
        }
        for (id, stats) in &facts.blobs {
            let Some(account) = stored.get(id).copied() else { continue };
            let update = StatsUpdate::Blob(Box::new(bytes(stats)?));
            let title = title.clone();
            host.store.write(move |store| store.update_stats(&title, account, &[update])).await?;
        }
        for (id, stats) in &facts.wide {
            let Some(account) = stored.get(id).copied() else { continue };
            let stats: Vec<i32> = serde_json::from_value(stats.clone())?;
            let stats = stats.try_into().map_err(|_| anyhow::anyhow!("not 100 stats"))?;
            let update = StatsUpdate::Wide(Box::new(stats));
            let title = title.clone();
            host.store.write(move |store| store.update_stats(&title, account, &[update])).await?;
        }
        if facts.policy_done {
            let (title, policy) = (title.clone(), facts.policy.clone());
            let write = move |store: &dyn medley_store::Store| {
                store.set_policy(&title, PolicyKind::Usage, Some(policy.as_bytes()))
            };
            host.store.write(write).await?;
        }
        Ok(())
    }

    async fn online(&mut self, host: &TestHost, dialect: Dialect, app: u32, name: &str) -> Result<()> {
        let seed = 1000 + self.consoles.len() as u64;
        let mut console = Console::new(std::sync::Arc::new(host.options(dialect)?.app(app).seed(seed)));
        console.login(host.mas(), name, PASSWORD).await.with_context(|| format!("login of {name}"))?;
        console.enter_lobby().await?;
        self.consoles.insert(name.to_owned(), console);
        Ok(())
    }

    async fn extra(&mut self, host: &TestHost, dialect: Dialect, capture: &Capture) -> Result<String> {
        self.extras += 1;
        let name = format!("Extra {}", self.extras);
        host.account(capture.dialect.app_id, &name, PASSWORD).await?;
        self.online(host, dialect, capture.dialect.app_id.0, &name).await?;
        Ok(name)
    }

    async fn players(
        &mut self,
        host: &TestHost,
        capture: &Capture,
        facts: &Facts,
        own_name: &str,
        ids: &mut Ids,
    ) -> Result<()> {
        let app = capture.dialect.app_id;
        let dialect = match capture.dialect.medius_version {
            108 => Dialect::V108,
            113 => Dialect::V113,
            _ => Dialect::V110,
        };
        let own = self.own;
        for id in facts.online.keys().filter(|id| **id != own) {
            let Some(name) = facts.accounts.get(id).filter(|name| *name != own_name) else { continue };
            self.online(host, dialect, app.0, name).await?;
        }
        // The channels that were there before: only configured ones are known from the captures.
        let configured: Vec<_> = host.snapshot(app).await.map(|now| now.channels).unwrap_or_default();
        for (captured, name) in facts.channels.iter().filter(|(id, _)| !facts.made.contains(id)) {
            let found = configured.iter().find(|channel| channel.name.to_string() == *name);
            if let Some(channel) = found {
                meet(ids, Class::World, *captured, channel.id)?;
            }
        }
        let mut games: BTreeMap<i64, String> = BTreeMap::new();
        for place in facts.online.values().filter(|place| place.game != 0) {
            let name = games.entry(place.game).or_default();
            if name.is_empty() {
                name.clone_from(&place.game_name);
            }
        }
        for (id, fields) in &facts.games {
            games.insert(*id, text(fields, "GameName"));
        }
        // What the console makes itself is not there before.
        games.retain(|id, _| {
            facts.in_game.is_some()
                || facts.games.contains_key(id)
                || facts.joins.is_none_or(|(joined, _)| joined != *id)
        });
        for (id, name) in games {
            self.game(host, dialect, capture, facts, (id, &name), ids).await?;
        }
        let known = |id: &i64| !facts.made.contains(id);
        if let Some((_, count)) = facts.counts.iter().find(|(id, _)| known(id)) {
            while (self.consoles.len() as i64) + 1 < *count {
                self.extra(host, dialect, capture).await?;
            }
        }
        Ok(())
    }

    async fn game(
        &mut self,
        host: &TestHost,
        dialect: Dialect,
        capture: &Capture,
        facts: &Facts,
        (id, name): (i64, &str),
        ids: &mut Ids,
    ) -> Result<()> {
        let app = capture.dialect.app_id;
        let fields = facts.games.get(&id).cloned().unwrap_or_else(|| {
            // Known by name alone, or not even that: of another level, so that nobody's filter shows it.
            let name = if name.is_empty() { format!("Game {id}") } else { name.to_owned() };
            json!({ "GameName": name, "MaxPlayers": 8, "GameHostType": 4, "WorldStatus": 1 })
        });
        let mut members: Vec<String> = facts
            .online
            .iter()
            .filter(|(_, place)| place.game == id)
            .filter_map(|(id, _)| facts.accounts.get(id))
            .filter(|name| self.consoles.contains_key(*name))
            .cloned()
            .collect();
        let others = facts.in_game.as_ref().filter(|_| facts.joins.is_some_and(|(joined, _)| joined == id));
        let least = others.map_or(1, |(others, _)| others.len());
        let wanted = usize::try_from(int(&fields, "PlayerCount")).unwrap_or_default().max(least);
        while members.len() < wanted {
            members.push(self.extra(host, dialect, capture).await?);
        }
        // A game bears the name of who made it.
        if let Some(position) = members.iter().position(|member| name.starts_with(member.as_str())) {
            members.swap(0, position);
        }
        let setup = setup(&fields)?;
        let gap = facts.joins.filter(|(joined, _)| *joined == id).map(|(_, index)| usize::from(index));
        let mut leaver = None;
        let mut game = None;
        let mut order = members.clone();
        if let Some(gap) = gap.filter(|gap| *gap < order.len()) {
            let name = self.extra(host, dialect, capture).await?;
            order.insert(gap, name.clone());
            leaver = Some(name);
        }
        for (position, name) in order.iter().enumerate() {
            let console = self.consoles.get_mut(name).context("no such player")?;
            let id = match game {
                Some(id) => id,
                None => console.create_game(&setup).await?,
            };
            game = Some(id);
            let index = console.join_game(id, "").await.with_context(|| format!("{name} joins"))?;
            if gap.is_some() {
                self.by_index.insert(index, name.clone());
            }
            if position == 0 {
                console.world_report(&setup, 1, WorldStatus(int(&fields, "WorldStatus") as i32))?;
            }
            let captured = facts.accounts.iter().find(|(_, known)| *known == name).map(|(id, _)| *id);
            if let Some(stats) = captured.and_then(|id| facts.player_stats.get(&id)) {
                console.player_report(bytes(stats)?)?;
            }
            settle(console).await?;
        }
        let live = game.context("an empty game")?;
        if let Some(name) = leaver {
            // It stays in the channel, as one of those that the capture counts and does not name.
            let console = self.consoles.get_mut(&name).context("no such player")?;
            console.leave_game().await?;
            self.by_index.retain(|_, member| *member != name);
            let count = members.len();
            host.until(app, |now| {
                now.games.iter().any(|game| game.id == live.0 && game.accounts.len() == count)
            })
            .await?;
        }
        if let Some(first) = members.first() {
            let console = self.consoles.get_mut(first).context("no such player")?;
            let (count, status) = (members.len() as i32, WorldStatus(int(&fields, "WorldStatus") as i32));
            console.world_report(&setup, count, status)?;
            settle(console).await?;
            self.games.insert(id, Hosted { host: first.clone(), fields });
        }
        meet(ids, Class::World, id, live.0)
    }

    /// Somebody joins the game that the recorded console hosts.
    ///
    /// # Errors
    /// Refused.
    pub async fn guest(
        &mut self,
        host: &TestHost,
        capture: &Capture,
        game: medley_wire::MediusWorldId,
    ) -> Result<()> {
        let name = self.extra(host, Dialect::V108, capture).await?;
        let console = self.consoles.get_mut(&name).context("no such player")?;
        let index = console.join_game(game, "").await?;
        self.by_index.insert(index, name);
        Ok(())
    }

    /// The game's host reports what the answer at `line` says, if that is news.
    ///
    /// # Errors
    /// The host is gone.
    pub async fn report(&mut self, game: i64, fields: &Value) -> Result<()> {
        let Some(hosted) = self.games.get_mut(&game) else { return Ok(()) };
        if hosted.fields == *fields {
            return Ok(());
        }
        hosted.fields = fields.clone();
        let console = self.consoles.get_mut(&hosted.host).context("the game's host is gone")?;
        let status = WorldStatus(int(fields, "WorldStatus") as i32);
        console.world_report(&setup(fields)?, int(fields, "PlayerCount") as i32, status)?;
        settle(console).await
    }
}

/// Makes the clans that the capture tells of, and who is in them.
async fn clans(
    host: &TestHost,
    title: &TitleId,
    capture: &Capture,
    facts: &Facts,
    stored: &BTreeMap<i64, StoreId>,
    ids: &mut Ids,
) -> Result<()> {
    for (captured, told) in &facts.clans {
        let mut members = told.members.iter().filter_map(|(id, stat)| Some((*stored.get(id)?, *stat)));
        let leader = stored.get(&told.leader).copied().or_else(|| members.clone().next().map(|(id, _)| id));
        let leader = leader.context("a clan of nobody")?;
        // Whose members alone are told has no name there.
        let name = if told.name.is_empty() { format!("Clan {captured}") } else { told.name.clone() };
        let app_id = capture.dialect.app_id.0.cast_signed();
        let new = NewClan { name: name.as_str().into(), leader, app_id, created: 0 };
        let of = title.clone();
        let clan = host.store.write(move |store| store.create_clan(&of, &new)).await?.id;
        if let Some(stats) = &told.stats {
            let (of, update) = (title.clone(), StatsUpdate::Blob(Box::new(bytes(stats)?)));
            host.store.write(move |store| store.update_clan_stats(&of, leader, clan, &[update])).await?;
        }
        for (member, stat) in members.by_ref() {
            let mut stats = Box::new([0; 100]);
            stats[0] = i32::try_from(stat)?;
            let of = title.clone();
            let update = [StatsUpdate::Wide(stats)];
            host.store.write(move |store| store.update_stats(&of, member, &update)).await?;
            if member == leader {
                continue;
            }
            let of = title.clone();
            let invitation =
                host.store.write(move |store| store.invite_to_clan(&of, leader, member, b"", 0)).await?;
            let of = title.clone();
            let join = move |store: &dyn medley_store::Store| {
                store.answer_clan_invitation(&of, member, invitation, true, b"", 0)
            };
            host.store.write(join).await?;
        }
        meet(ids, Class::Clan, *captured, i32::try_from(clan.0)?)?;
    }
    Ok(())
}

fn meet(ids: &mut Ids, class: Class, captured: i64, live: i32) -> Result<()> {
    ids.meet(class, &captured.into(), &live.into()).map_err(anyhow::Error::msg)
}

fn setup(fields: &Value) -> Result<GameSetup> {
    let number = |key: &str| i32::try_from(int(fields, key)).unwrap_or_default();
    let mut setup = GameSetup::new(&text(fields, "GameName"), number("MaxPlayers"));
    setup.min_players = number("MinPlayers");
    setup.level = number("GameLevel");
    setup.skill = number("PlayerSkillLevel");
    setup.rules = number("RulesSet");
    setup.host_type = number("GameHostType");
    for (index, field) in setup.fields.iter_mut().enumerate() {
        *field = number(&format!("GenericField{}", index + 1));
    }
    if let Some(stats) = fields.get("GameStats") {
        setup.stats = bytes(stats)?;
    }
    Ok(setup)
}

/// Waits until the lobby has worked through what the console sent before.
async fn settle(console: &mut Console) -> Result<()> {
    console.ask(GetTotalGamesRequest { session_key: console.session_key, ..Default::default() }).await?;
    Ok(())
}
