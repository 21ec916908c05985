//! A host to test a plugin against: everything is memory, the clock stands until it is told to go on, chance is always the same.
//!
//! ```
//! use medley_plugin::prelude::*;
//! use medley_plugin::testing::{Done, Harness};
//!
//! #[derive(Default)]
//! struct Greeter;
//!
//! #[plugin]
//! impl Plugin for Greeter {
//!     fn logged_in(&mut self, session: SessionId, _: AccountId) {
//!         let _ = host::send::system_message(session, host::send::Severity(0), "Hello");
//!     }
//! }
//!
//! let mut test = Harness::<Greeter>::new();
//! let ann = test.login("Ann");
//! let hello = Done::SystemMessage {
//!     to: ann.session.into(),
//!     severity: host::send::Severity(0),
//!     text: "Hello".into(),
//! };
//! assert_eq!(test.done(), [hello]);
//! ```
//!
//! Hooks are called as what they are, methods: `test.chat(&ann, line)`; the harness derefs to the plugin. One harness a thread
//! lives at a time: the host calls of a thread go to its newest.

pub(crate) mod calls;
mod captures;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use crate::bindings::medley::plugin::types::Error as WitError;
use crate::host::admin::Subject;
use crate::host::send::{Severity, Target};
use crate::plugin::Manifest;
use crate::settings::SettingType;
use crate::types::{
    Account, AccountId, Channel, ChannelId, ChatLine, Clan, ClanId, Encryption, Game, GameId, HttpRequest,
    Message, Packet, Player, Refusal, Role, SessionId, Text, Value, Who,
};

pub use captures::{Capture, CaptureError, Recorded};

/// Something that the plugin did.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the host call of that name, with its arguments")]
pub enum Done {
    Message { to: Target, message: Message, encryption: Encryption },
    SystemMessage { to: Target, severity: Severity, text: String },
    Raw { to: SessionId, id: u8, body: Vec<u8>, encryption: Encryption },
    Bulk { transfer: u64, to: SessionId, chunks: Vec<Message>, window: u32, encryption: Encryption },
    Acknowledged { transfer: u64, chunks: u32 },
    CancelledBulk(u64),
    Kicked { session: SessionId, text: String },
    Banned { subject: Subject, reason: String, until: Option<i64> },
    Moved(SessionId, ChannelId),
    EndedGame(GameId),
    RemovedFromGame(GameId, SessionId),
    Poked { session: SessionId, address: u32, data: Vec<u8>, encryption: Encryption },
    Queried { session: SessionId, kind: u8, sequence: u32, address: u32, length: u32 },
    Http { number: u64, request: HttpRequest },
    Linked { to: Role, data: Vec<u8> },
    Injected(Packet),
    PutOut { world: u32, index: u16 },
}

/// A line that the plugin logged.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// 1 error, 2 warning, 3 information, 4 debug, 5 trace.
    pub level: u8,
    /// What it says.
    pub text: String,
    /// Its fields.
    pub fields: Vec<(String, String)>,
}

/// A timer that runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timer {
    /// When it fires, in milliseconds since 1970.
    pub due: u64,
    /// How long it takes from then on, if it repeats.
    pub every: Option<u64>,
    /// With whom it goes.
    pub session: SessionId,
}

/// The host's memory: tests look and change here what no method of [`Harness`] is for.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// `[plugin.settings]`.
    pub settings: BTreeMap<String, Value>,
    /// Files.
    pub assets: BTreeMap<String, Vec<u8>>,
    /// The key-value store, by owner and key.
    pub store: BTreeMap<(i32, Vec<u8>), Vec<u8>>,
    /// What `state::keep` was given last.
    pub kept: Option<Vec<u8>>,
    /// Who is online.
    pub players: BTreeMap<SessionId, Player>,
    /// Accounts.
    pub accounts: BTreeMap<AccountId, Account>,
    /// Passwords that were set; None: the next login sets it.
    pub passwords: BTreeMap<AccountId, Option<Text>>,
    /// Channels.
    pub channels: BTreeMap<ChannelId, Channel>,
    /// Games.
    pub games: BTreeMap<GameId, Game>,
    /// Clans and their members.
    pub clans: BTreeMap<ClanId, (Clan, BTreeSet<AccountId>)>,
    /// Stats by kind (1 narrow, 2 wide, 3 blob).
    pub ladders: BTreeMap<(u8, AccountId), Vec<i32>>,
    /// Bans by number.
    pub bans: BTreeMap<u64, (Subject, String)>,
    /// Timers by number.
    pub timers: BTreeMap<u64, Timer>,
    /// What the plugin logged.
    pub log: Vec<LogLine>,
    /// Its counters.
    pub counters: BTreeMap<String, u64>,
    /// Its gauges.
    pub gauges: BTreeMap<String, f64>,
    /// What `game.toml` grants: at first all that the manifest declares.
    pub grants: BTreeSet<String>,
    declared: BTreeSet<String>,
    done: Vec<Done>,
    /// Milliseconds since 1970.
    pub unix_millis: u64,
    elapsed: Duration,
    chance: u64,
    ids: i32,
}

impl World {
    fn granted(&self, capability: &str) -> Result<(), WitError> {
        if self.declared.contains(capability) && self.grants.contains(capability) {
            return Ok(());
        }
        Err(WitError::NotGranted(capability.to_owned()))
    }

    /// SplitMix64: always the same from the same beginning.
    fn chance(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.chance;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn next_id(&mut self) -> i32 {
        self.ids += 1;
        self.ids
    }
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

fn with<R>(call: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with_borrow_mut(call)
}

/// A plugin and the host it runs in.
#[derive(Debug)]
pub struct Harness<P> {
    plugin: P,
    role: Role,
    /// Application id of players who log in: at first the first that the manifest names.
    pub app: u32,
    /// Medius version of players who log in: at first 110.
    pub medius_version: u16,
}

impl<P: Manifest> Harness<P> {
    /// A host with nobody in it, which grants what the manifest declares, and the plugin started in the lobby's role.
    pub fn new() -> Self {
        Self::prepared(|_| {})
    }

    /// As [`new`](Self::new), in a host that `prepare` has changed before.
    pub fn prepared(prepare: impl FnOnce(&mut World)) -> Self {
        match Self::started(Role::Lobby, prepare) {
            Ok(harness) => harness,
            Err(Refusal(why)) => panic!("the plugin refuses to start: {why}"),
        }
    }

    /// As [`prepared`](Self::prepared), in any role; or why the plugin refuses.
    pub fn started(role: Role, prepare: impl FnOnce(&mut World)) -> Result<Self, Refusal> {
        let settings = P::settings().into_iter().map(|setting| (setting.name, setting.default)).collect();
        let declared: BTreeSet<String> =
            P::capabilities().into_iter().map(|capability| capability.name).collect();
        let mut world = World {
            settings,
            grants: declared.clone(),
            declared,
            // 2026-01-01.
            unix_millis: 1_767_225_600_000,
            ..World::default()
        };
        prepare(&mut world);
        WORLD.set(world);
        crate::settings::changed();
        let app = P::description().app_ids.first().copied().unwrap_or_default();
        let mut harness = Self { plugin: P::default(), role, app, medius_version: 110 };
        harness.begin(None)?;
        Ok(harness)
    }

    fn begin(&mut self, state: Option<Vec<u8>>) -> Result<(), Refusal> {
        if let Some(state) = state {
            self.plugin.restore(&state)?;
        }
        self.plugin.start(self.role)?;
        self.plugin.self_check()
    }

    /// The same plugin anew, as at a hot reload: saved, restored, started, checked. Timers are the old one's and go.
    pub fn reload(&mut self) -> Result<(), Refusal> {
        let state = self.plugin.save();
        with(|world| world.timers.clear());
        let mut old = std::mem::take(&mut self.plugin);
        self.begin(Some(state))?;
        old.stop();
        Ok(())
    }

    /// The same plugin anew, as after a trap: with what it kept last.
    pub fn trap(&mut self) -> Result<(), Refusal> {
        let kept = with(|world| {
            world.timers.clear();
            world.kept.clone()
        });
        self.plugin = P::default();
        self.begin(kept)
    }

    /// Looks at the host, or changes it.
    pub fn host<R>(&self, call: impl FnOnce(&mut World) -> R) -> R {
        with(call)
    }

    /// What the plugin did since this was asked last.
    pub fn done(&self) -> Vec<Done> {
        with(|world| std::mem::take(&mut world.done))
    }

    /// What the plugin logged since this was asked last.
    pub fn log(&self) -> Vec<LogLine> {
        with(|world| std::mem::take(&mut world.log))
    }

    /// A player with a new account of this name (or the old one, if there is one) logs in, and the plugin is told.
    pub fn login(&mut self, name: &str) -> Who {
        let (app, medius_version) = (self.app, self.medius_version);
        let who = with(|world| {
            let known =
                world.accounts.values().find(|account| account.name.is_like(name)).map(|account| account.id);
            let now = (world.unix_millis / 1000) as i64;
            let account = known.unwrap_or_else(|| {
                let id = AccountId(world.next_id());
                let account = Account { id, name: name.into(), created: now, ..Account::default() };
                world.accounts.insert(id, account);
                id
            });
            let session = SessionId(world.next_id() as u64);
            let player = Player {
                session,
                account,
                name: name.into(),
                app,
                medius_version,
                address: "192.0.2.7".into(),
                logged_in: now,
                stats: vec![0; 256],
                ..Player::default()
            };
            world.players.insert(session, player);
            Who { connection: session.0, session, account, app, medius_version, server: 3 }
        });
        self.plugin.logged_in(who.session, who.account);
        who
    }

    /// A player leaves, and the plugin is told.
    pub fn logout(&mut self, who: &Who) {
        with(|world| {
            world.players.remove(&who.session);
            world.timers.retain(|_, timer| timer.session.is_none() || timer.session != who.session);
        });
        self.plugin.session_ended(who.session, who.account, 1);
    }

    /// A channel.
    pub fn channel(&mut self, name: &str) -> ChannelId {
        with(|world| {
            let id = ChannelId(world.next_id());
            let channel = Channel {
                id,
                name: name.into(),
                max_players: 256,
                generic_fields: vec![0; 4],
                ..Channel::default()
            };
            world.channels.insert(id, channel);
            id
        })
    }

    /// A player is in a channel, and the plugin is told.
    pub fn enter(&mut self, who: &Who, channel: ChannelId) {
        with(|world| {
            if let Some(player) = world.players.get_mut(&who.session) {
                player.channel = channel;
            }
        });
        self.plugin.entered_channel(who.session, channel);
    }

    /// A game that this player made, and the plugin is told. `game` says what is not as usual.
    pub fn game(&mut self, who: &Who, game: Game) -> GameId {
        let id = with(|world| {
            let id = GameId(world.next_id());
            let fields =
                if game.generic_fields.is_empty() { vec![0; 8] } else { game.generic_fields.clone() };
            let channel = world.players.get(&who.session).map_or(ChannelId::NONE, |player| player.channel);
            let created = (world.unix_millis / 1000) as i64;
            let (app, creator, host) = (who.app, who.account, who.session);
            world.games.insert(
                id,
                Game { id, app, creator, host, channel, created, generic_fields: fields, ..game },
            );
            id
        });
        self.plugin.game_created(id);
        id
    }

    /// A player's connection to a game is up, and the plugin is told.
    pub fn join(&mut self, who: &Who, game: GameId) {
        with(|world| {
            if let Some(player) = world.players.get_mut(&who.session) {
                player.game = game;
                player.in_game = true;
            }
        });
        self.plugin.joined_game(who.session, game);
    }

    /// A game's WorldStatus changes, and the plugin is told.
    pub fn status(&mut self, game: GameId, to: i32) {
        let from = with(|world| {
            let from = world.games.get(&game).map_or(0, |game| game.status);
            let started = (to == 2).then_some((world.unix_millis / 1000) as i64);
            if let Some(game) = world.games.get_mut(&game) {
                game.status = to;
                game.started = game.started.or(started);
            }
            from
        });
        self.plugin.game_status(game, from, to);
    }

    /// Changes a setting, and the plugin is told.
    pub fn set(&mut self, name: &str, value: impl SettingType) {
        let known = with(|world| world.settings.insert(name.to_owned(), value.into_value()).is_some());
        assert!(known, "the manifest has no setting `{name}`");
        crate::settings::changed();
        self.plugin.settings_changed(&[name.to_owned()]);
    }

    /// An operator's command.
    pub fn command(&mut self, name: &str, arguments: &[&str]) -> Result<String, Refusal> {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self.plugin.command(name, &arguments)
    }

    /// A chat line to everybody in the channel or game.
    pub fn say(&mut self, who: &Who, text: &str) -> crate::Verdict<ChatLine> {
        self.plugin.chat(who, ChatLine { kind: 0, target: AccountId::NONE, text: text.into() })
    }

    /// Time goes on, and timers fire in their order.
    pub fn advance(&mut self, by: Duration) {
        let end = with(|world| world.unix_millis.saturating_add(by.as_millis() as u64));
        loop {
            let due = with(|world| {
                let next = world.timers.iter().filter(|(_, timer)| timer.due <= end);
                let (&number, &timer) = next.min_by_key(|(number, timer)| (timer.due, **number))?;
                world.go_on_to(timer.due);
                match timer.every {
                    Some(every) => {
                        world.timers.insert(number, Timer { due: timer.due.saturating_add(every), ..timer });
                    }
                    None => {
                        world.timers.remove(&number);
                    }
                }
                Some(number)
            });
            let Some(number) = due else { break };
            self.plugin.fired(number);
        }
        with(|world| world.go_on_to(end));
    }
}

impl World {
    fn go_on_to(&mut self, unix_millis: u64) {
        self.elapsed += Duration::from_millis(unix_millis.saturating_sub(self.unix_millis));
        self.unix_millis = self.unix_millis.max(unix_millis);
    }
}

impl<P: Manifest> Default for Harness<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> Deref for Harness<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.plugin
    }
}

impl<P> DerefMut for Harness<P> {
    fn deref_mut(&mut self) -> &mut P {
        &mut self.plugin
    }
}
