//! Every message that a client or a game server can send, to every server, in every state of a connection and in every
//! dialect, empty and filled: nobody waits without an answer.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use medley_relay::{MPS_SESSION_KEY, mps_access_key};
use medley_server::Event;
use medley_server::handlers::{Early, Failure, Needs};
use medley_session::ServerKind;
use medley_simulator::{Console, Dialect, GameSetup, Heard};
use medley_stack_tests::host::{HostSetup, SECRET, TestHost};
use medley_stack_tests::requests::{self, Subject};
use medley_wire::enums::{CallbackStatus, NetMessageClass};
use medley_wire::messages::{CreateClanRequest, MessageInfo};
use medley_wire::types::Text;
use medley_wire::{AnyMessage, AppId, Dialect as WireDialect};

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Universe,
    BeforeSession,
    Session,
    Login,
    Lobby,
    ConsoleHost,
    GameServer,
}

impl Stage {
    const ALL: [Self; 7] = [
        Self::Universe,
        Self::BeforeSession,
        Self::Session,
        Self::Login,
        Self::Lobby,
        Self::ConsoleHost,
        Self::GameServer,
    ];

    const fn server(self) -> ServerKind {
        match self {
            Self::Universe => ServerKind::Muis,
            Self::BeforeSession | Self::Session | Self::Login => ServerKind::Mas,
            Self::Lobby => ServerKind::Mls,
            Self::ConsoleHost | Self::GameServer => ServerKind::Mps,
        }
    }

    const fn meets(self, needs: Needs) -> bool {
        match needs {
            // There are no sessions: what is taken needs none.
            _ if matches!(self, Self::Universe) => true,
            Needs::Connection => true,
            Needs::Session => !matches!(self, Self::BeforeSession | Self::GameServer),
            Needs::Login => matches!(self, Self::Login | Self::Lobby | Self::ConsoleHost),
        }
    }
}

/// Messages after which a console is in another state than before, or none: the next is asked by a fresh one.
fn disturbs(info: &MessageInfo) -> bool {
    [
        "Session",
        "Login",
        "Logout",
        "AccountDelete",
        "JoinChannel",
        "JoinLeastPopulated",
        "ServerAuthentication",
    ]
    .iter()
    .any(|part| info.name.contains(part))
}

/// One host and the world around who asks.
struct World {
    host: TestHost,
    dialect: Dialect,
    /// Hosts a game.
    other: Console,
    game: i32,
    players: u32,
}

impl World {
    async fn new(dialect: Dialect) -> Result<Self> {
        let mut setup = HostSetup::new()?;
        setup.config.limits.messages_per_second = 0;
        let host = setup.start().await?;
        let mut other = host.console(dialect, 1)?;
        host.account(dialect.app_id(), "Guest", "secret").await?;
        other.login(host.mas(), "Guest", "secret").await?;
        other.enter_lobby().await?;
        let game = other.create_game(&GameSetup::new("Arena", 8)).await?;
        other.join_game(game, "").await?;
        Ok(Self { host, dialect, other, game: game.0, players: 0 })
    }

    /// A console that has come so far, and what its requests are about.
    async fn console(&mut self, stage: Stage) -> Result<(Console, Subject)> {
        self.players += 1;
        let (host, app) = (&self.host, self.dialect.app_id());
        let options = host.options(self.dialect)?.seed(100 + u64::from(self.players));
        let mut console = Console::new(std::sync::Arc::new(match stage {
            // A game server that serves every title.
            Stage::GameServer => options.app(0),
            _ => options,
        }));
        let name = format!("Player {}", self.players);
        if matches!(stage, Stage::Login | Stage::Lobby | Stage::ConsoleHost) {
            host.account(app, &name, "secret").await?;
        }
        let mut clan = 1;
        match stage {
            Stage::Universe => console.connect(ServerKind::Muis, host.muis()?).await?,
            Stage::BeforeSession => console.connect(ServerKind::Mas, host.mas()).await?,
            Stage::Session => console.begin_session(host.mas()).await?,
            Stage::Login => {
                console.begin_session(host.mas()).await?;
                ensure!(console.try_login(&name, "secret").await?.status_code == CallbackStatus::SUCCESS);
            }
            Stage::Lobby => {
                console.login(host.mas(), &name, "secret").await?;
                console.enter_lobby().await?;
                let create = CreateClanRequest { clan_name: Text::new(&name), ..Default::default() };
                clan = console.ask(create).await?.clan_id.0;
            }
            Stage::ConsoleHost => {
                console.login(host.mas(), &name, "secret").await?;
                let key = console.session_key;
                console.connect_with(ServerKind::Mps, host.mps(), key.as_bytes(), b"").await?;
            }
            Stage::GameServer => {
                let key = mps_access_key(SECRET);
                console
                    .connect_with(ServerKind::Mps, host.mps(), MPS_SESSION_KEY.as_bytes(), key.as_bytes())
                    .await?;
            }
        }
        let subject = Subject {
            app,
            session_key: console.session_key.to_string_lossy().into_owned(),
            other: (self.other.account_id.0, "Guest".to_owned()),
            channel: self.other.channel.0,
            game: self.game,
            clan,
        };
        Ok((console, subject))
    }
}

/// What is wrong with what was heard.
fn judge(
    info: &MessageInfo,
    stage: Stage,
    dialect: &WireDialect,
    sent: &AnyMessage,
    heard: &Heard,
) -> Result<()> {
    let mut answers = Vec::new();
    for payload in &heard.payloads {
        match requests::as_answer(info, payload, dialect) {
            Some(answer) => answers.push(answer),
            None => {
                let pushed = AnyMessage::decode(payload, dialect)?;
                ensure!(is_push(&pushed), "{} came, which is no answer", pushed.name());
            }
        }
    }
    if requests::is_silent(info) {
        // Nobody waits for it. Some go back to their sender, some are answered when refused.
        ensure!(answers.len() <= 1, "{} answers", answers.len());
        return Ok(());
    }
    let row = requests::row(info);
    let early = row.is_some_and(|row| !row.servers.include(stage.server()) || !stage.meets(row.needs));
    let unanswered = row.is_some_and(|row| row.early == Early::Unanswered);
    if early && unanswered && answers.is_empty() {
        return Ok(());
    }
    let Some(last) = answers.last() else { bail!("no answer; closed: {}", heard.closed) };
    for answer in &answers {
        ensure!(
            answer.message_id() == sent.message_id(),
            "the answer's MessageID is {:?}",
            answer.message_id()
        );
    }
    ensure!(requests::is_last(last), "the last row does not say so");
    let lasts = answers.iter().filter(|answer| requests::is_last(answer)).map(AnyMessage::name);
    let lasts: Vec<_> = lasts.collect();
    let once = lasts.iter().all(|name| lasts.iter().filter(|other| *other == name).count() == 1);
    ensure!(once && (lasts.len() == 1 || requests::is_mixed(info)), "answered by {lasts:?}");
    let Some(row) = row else { return Ok(()) };
    if let Some(status) = last.status().filter(|_| early) {
        let wrong_server = !row.servers.include(stage.server());
        let wanted = match (row.early, row.failure) {
            (Early::Status(status), _) if !wrong_server => status,
            (_, Failure::Status(status)) if wrong_server => status,
            _ if !stage.meets(Needs::Session) => CallbackStatus::SESSION_KEY_INVALID,
            _ => CallbackStatus::PLAYER_NOT_PRIVILEGED,
        };
        ensure!(status == wanted, "refused with {status:?}, not {wanted:?}");
    }
    Ok(())
}

/// What a server may say unasked: what others said, the game that matchmaking found, and on MPS the title's orders to
/// who hosts its games.
fn is_push(message: &AnyMessage) -> bool {
    let order = message.class() == NetMessageClass::LOBBY_REPORT && message.name().ends_with("Request");
    message.name().contains("Fwd") || message.name() == "MediusAssignedGameToJoinMessage" || order
}

async fn every_request(dialect: Dialect) -> Result<()> {
    let mut wrong = Vec::new();
    let mut asked = BTreeSet::new();
    for stage in Stage::ALL {
        let app = if stage == Stage::GameServer { AppId(0) } else { dialect.app_id() };
        let wire = WireDialect::new(dialect.version(), app);
        let mut world = World::new(dialect).await?;
        let (mut console, mut subject) = world.console(stage).await?;
        for info in requests::to_servers() {
            for full in [false, true] {
                let mut message = if full {
                    requests::filled(info, &subject).context("no such message")??
                } else {
                    AnyMessage::empty(info.name).context("no such message")?
                };
                message.set_message_id(Text::new(format!("{}-{full}", info.id)));
                let what =
                    format!("{dialect:?} {stage:?} {} {}", info.name, if full { "filled" } else { "empty" });
                let heard = console.exchange(message.clone()).await;
                let mut fresh = disturbs(info);
                match heard {
                    Ok(heard) => {
                        asked.insert(info.name);
                        fresh |= heard.closed;
                        if heard.closed && !disturbs(info) {
                            wrong.push(format!("{what}: the connection was closed"));
                        }
                        if let Err(error) = judge(info, stage, &wire, &message, &heard) {
                            wrong.push(format!("{what}: {error}"));
                        }
                    }
                    Err(error) => {
                        fresh = true;
                        wrong.push(format!("{what}: {error}"));
                    }
                }
                if fresh {
                    (console, subject) = world.console(stage).await?;
                }
            }
        }
        let counters = &world.host.server.shared().counters;
        for event in [Event::Unhandled, Event::ErrorUndecodable, Event::ClosedDefect, Event::ErrorSession] {
            let count = counters.get(event);
            if count > 0 {
                wrong.push(format!("{dialect:?} {stage:?}: {event:?} was counted {count} times"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} messages:\n{}", wrong.len(), asked.len(), wrong.join("\n"));
    Ok(())
}

macro_rules! dialects {
    ($($name:ident: $dialect:ident;)*) => {$(
        #[tokio::test]
        async fn $name() -> Result<()> {
            every_request(Dialect::$dialect).await
        }
    )*};
}

dialects! {
    every_request_of_a_1_08_client_is_answered_on_every_server: V108;
    every_request_of_a_1_09_client_is_answered_on_every_server: V109;
    every_request_of_a_1_10_client_is_answered_on_every_server: V110;
    every_request_of_a_1_12_client_is_answered_on_every_server: V112;
    every_request_of_a_1_13_client_is_answered_on_every_server: V113;
}
