//! A title's actor: one task owns one title's [`Universe`].
//!
//! Connections hand it jobs through a bounded queue and wait for their reply; what the universe wants done goes out at
//! once after each job: pushes to the bounded queue of a connection, commands to the connection of a game server, late
//! answers to whoever waits, durable effects to the title's store task. The actor itself never waits for anybody: a full
//! push queue closes that connection and is counted.
//!
//! A panic inside a job loses this title's live state and nothing else: its connections are closed, a new universe
//! begins, and the loss is logged and counted.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;
use medley_runtime::Subscriptions;
use medley_runtime::api::Encryption;
use medley_store::TitleId;
use medley_titles::Title;
use medley_universe::{
    Answer, ConnectionId, EndReason, GameServerId, Notice, Operation, Output, Push, RegisterGameServer,
    RequestId, ServerCommand, State, StoreEffect, Tick, Time, Universe, UniverseConfig,
};
use medley_wire::RtMessage;
use medley_wire::enums::CallbackStatus;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::clock::Clock;
use crate::events;
use crate::mgcl::ServerLine;
use crate::plugin::seat::Seat;
use crate::shared::{Shared, first_world};

/// Jobs that may wait for one title. Callers wait for a place.
const QUEUE: usize = 1024;
/// Late answers that are waited for; above this those that nobody waits for any more are forgotten.
const MAX_WAITING: usize = 1024;
/// Durable effects that may wait for the store.
const STORE_QUEUE: usize = 4096;

/// What an actor sends a connection.
#[derive(Debug)]
pub enum Parcel {
    /// A message of the server's own accord.
    Push(Box<Push>),
    /// A request to the game server at the other end.
    Command(Box<ServerCommand>, TitleHandle),
    /// An operator's text, shown as a system message.
    Text(Box<str>),
    /// A plugin's application message (class, id, body), and how it is enciphered.
    Payload(Arc<[u8]>, Encryption),
    /// A plugin's RT message, and how it is enciphered.
    Rt(Box<RtMessage>, Encryption),
    /// A plugin's system message with its severity.
    System(u8, Box<str>),
    /// The end.
    Close(EndReason),
}

/// The title's actor is gone or lost its state while it worked on the job.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the title's state was lost or the host shuts down")]
pub struct TitleGone;

type Job = Box<dyn FnOnce(&mut Actor, Time) + Send>;

/// How connections talk to a title. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TitleHandle {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    id: TitleId,
    jobs: mpsc::Sender<Job>,
    losses: AtomicU64,
    /// What the title's plugin is called for; looked at before each message.
    hooks: ArcSwapOption<Subscriptions>,
}

impl TitleHandle {
    /// Starts a title's actor, and the task that writes down its durable effects.
    pub(crate) fn start(id: TitleId, title: &Title, shared: &Arc<Shared>) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (effects, store_queue) = mpsc::channel(STORE_QUEUE);
        let handle = Self {
            inner: Arc::new(Inner {
                id: id.clone(),
                jobs,
                losses: AtomicU64::new(0),
                hooks: ArcSwapOption::empty(),
            }),
        };
        let mut actor = Actor {
            universe: Universe::new(shared.universe_config(title), rand::random()),
            connections: HashMap::new(),
            servers: HashMap::new(),
            waiting: HashMap::new(),
            effects,
            title: id.clone(),
            weak: Arc::downgrade(&handle.inner),
            shared: Arc::downgrade(shared),
            seat: Seat::default(),
        };
        actor.learn_servers(shared.clock.universe_now());
        let span = tracing::info_span!("title", title = %id);
        let (clock, stop) = (shared.clock, shared.stop_titles.clone());
        shared.tasks.spawn(run(actor, queue, clock, stop).instrument(span.clone()));
        shared
            .tasks
            .spawn(crate::effects::write(id, store_queue, shared.store.clone(), clock).instrument(span));
        handle
    }

    /// Key of the title in the store, logs and metrics.
    pub fn id(&self) -> &TitleId {
        &self.inner.id
    }

    /// How often the title's state was lost to a defect.
    pub fn losses(&self) -> u64 {
        self.inner.losses.load(Ordering::Relaxed)
    }

    /// What the title's plugin is called for. `None`: nothing.
    pub(crate) fn hooks(&self) -> arc_swap::Guard<Option<Arc<Subscriptions>>> {
        self.inner.hooks.load()
    }

    pub(crate) fn set_hooks(&self, hooks: Option<Arc<Subscriptions>>) {
        self.inner.hooks.store(hooks);
    }

    /// Carries out an operation and gives its reply.
    pub async fn run<O>(&self, operation: O) -> Result<O::Reply, TitleGone>
    where
        O: Operation + Send + 'static,
        O::Reply: Send + 'static,
    {
        self.job(move |actor, now| actor.universe.run(now, operation)).await
    }

    /// Asks the state. The answer is the asker's own: nothing of the state leaves its task.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&State) -> T + Send + 'static,
    ) -> Result<T, TitleGone> {
        self.job(move |actor, _| question(&actor.universe)).await
    }

    /// Carries out an operation whose answer comes later ([`Output::Answer`]), and waits for it.
    ///
    /// The universe answers for a game server that does not, so this ends.
    pub async fn request<O>(&self, operation: O) -> Result<Result<Answer, CallbackStatus>, TitleGone>
    where
        O: Operation<Reply = Result<RequestId, CallbackStatus>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let begun = self
            .job(move |actor, now| {
                let reply = actor.universe.run(now, operation);
                if let Ok(request) = reply {
                    if actor.waiting.len() >= MAX_WAITING {
                        // Whoever asked has gone, and the universe dropped the request with the session.
                        actor.waiting.retain(|_, waiting| !waiting.is_closed());
                    }
                    actor.waiting.insert(request, answer);
                }
                reply
            })
            .await?;
        match begun {
            Err(status) => Ok(Err(status)),
            Ok(_) => answered.await.map(Ok).map_err(|_| TitleGone),
        }
    }

    /// As [`TitleHandle::run`], and from then on what the universe sends `connection` goes to `parcels`, until
    /// [`TitleHandle::detach`]. Both happen in one step, so that nothing is missed between them.
    pub(crate) async fn attach<O>(
        &self,
        connection: ConnectionId,
        parcels: mpsc::Sender<Parcel>,
        operation: O,
    ) -> Result<O::Reply, TitleGone>
    where
        O: Operation + Send + 'static,
        O::Reply: Send + 'static,
    {
        self.job(move |actor, now| {
            actor.connections.insert(connection, parcels);
            actor.universe.run(now, operation)
        })
        .await
    }

    /// Forgets a connection, after a last operation on its behalf. Does not wait for the outcome.
    pub(crate) async fn detach<O>(&self, connection: ConnectionId, operation: O)
    where
        O: Operation + Send + 'static,
    {
        let job = move |actor: &mut Actor, now| {
            actor.connections.remove(&connection);
            actor.universe.run(now, operation);
        };
        // A closed queue means that there is nobody left to tell.
        let _ = self.inner.jobs.send(Box::new(job)).await;
    }

    /// Makes a game server known to the title; its commands go down `line`.
    pub(crate) async fn attach_server(
        &self,
        server: GameServerId,
        line: ServerLine,
        registration: RegisterGameServer,
    ) -> Result<<RegisterGameServer as Operation>::Reply, TitleGone> {
        self.job(move |actor, now| {
            actor.servers.insert(server, line);
            actor.universe.run(now, registration)
        })
        .await
    }

    /// Forgets a game server, with its games.
    pub(crate) async fn detach_server(&self, server: GameServerId) {
        let job = move |actor: &mut Actor, now| {
            actor.servers.remove(&server);
            actor.universe.run(now, medley_universe::LoseGameServer { server });
        };
        let _ = self.inner.jobs.send(Box::new(job)).await;
    }

    /// Carries out an operation whose reply nobody needs, if there is room for it now.
    pub(crate) fn tell<O: Operation + Send + 'static>(&self, operation: O) {
        // A title with a full queue is busy enough; what is told this way is told again later.
        self.try_job(move |actor, now| {
            actor.universe.run(now, operation);
        });
    }

    /// A job that nobody waits for and that is left out if the queue is full.
    pub(crate) fn try_job(&self, job: impl FnOnce(&mut Actor, Time) + Send + 'static) {
        let _ = self.inner.jobs.try_send(Box::new(job));
    }

    /// Sends an operator's text to every connection of the title.
    pub async fn announce(&self, text: &str) -> Result<(), TitleGone> {
        let text: Box<str> = text.into();
        self.job(move |actor, _| {
            let all: Vec<ConnectionId> = actor.connections.keys().copied().collect();
            for connection in all {
                actor.deliver(connection, Parcel::Text(text.clone()));
            }
        })
        .await
    }

    pub(crate) async fn job<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Actor, Time) -> T + Send + 'static,
    ) -> Result<T, TitleGone> {
        let (reply, replied) = oneshot::channel();
        let job: Job = Box::new(move |actor, now| {
            // The asker may have gone; the work is done either way.
            let _ = reply.send(job(actor, now));
        });
        self.inner.jobs.send(job).await.map_err(|_| TitleGone)?;
        replied.await.map_err(|_| TitleGone)
    }
}

/// Hands a parcel to a connection, or lets go of a connection that does not keep up: it sees its queue closed.
pub(crate) fn deliver(
    connections: &mut HashMap<ConnectionId, mpsc::Sender<Parcel>>,
    connection: ConnectionId,
    parcel: Parcel,
) {
    let Some(parcels) = connections.get(&connection) else { return };
    if parcels.try_send(parcel).is_err() {
        connections.remove(&connection);
    }
}

/// What a title's task owns.
pub(crate) struct Actor {
    pub(crate) universe: Universe,
    pub(crate) connections: HashMap<ConnectionId, mpsc::Sender<Parcel>>,
    servers: HashMap<GameServerId, ServerLine>,
    waiting: HashMap<RequestId, oneshot::Sender<Answer>>,
    effects: mpsc::Sender<StoreEffect>,
    pub(crate) title: TitleId,
    weak: Weak<Inner>,
    pub(crate) shared: Weak<Shared>,
    /// The title's plugin.
    pub(crate) seat: Seat,
}

impl Actor {
    fn deliver(&mut self, connection: ConnectionId, parcel: Parcel) {
        deliver(&mut self.connections, connection, parcel);
    }

    /// The handle of this actor; `None` once nobody has one any more.
    pub(crate) fn handle(&self) -> Option<TitleHandle> {
        self.weak.upgrade().map(|inner| TitleHandle { inner })
    }

    fn command(&mut self, server: GameServerId, command: ServerCommand) {
        let (Some(line), Some(inner)) = (self.servers.get(&server), self.weak.upgrade()) else { return };
        // A full line ends the link, which tells of the loss of the server; until then its requests time out.
        line.send(Parcel::Command(Box::new(command), TitleHandle { inner }));
    }

    /// Carries out what the universe decided.
    pub(crate) fn carry_out(&mut self) {
        let outputs: Vec<Output> = self.universe.drain().collect();
        for output in outputs {
            match output {
                Output::Push { connection, push, .. } => {
                    self.deliver(connection, Parcel::Push(Box::new(push)))
                }
                Output::Answer { request, answer, .. } => {
                    if let Some(waiting) = self.waiting.remove(&request) {
                        let _ = waiting.send(answer);
                    }
                }
                Output::GameServer { server, command } => self.command(server, command),
                Output::Close { connection, reason, .. } => self.deliver(connection, Parcel::Close(reason)),
                Output::Store(effect) => {
                    if let Err(error) = self.effects.try_send(effect) {
                        tracing::error!(%error, "the store is too slow, an effect of the universe is lost");
                    }
                }
                Output::Notice(notice) => self.note(&notice),
            }
        }
    }

    fn note(&mut self, notice: &Notice) {
        self.note_for_plugin(notice);
        match notice {
            Notice::SessionEnded { session, account, reason } => {
                tracing::info!(%session, account = account.map(|id| id.0), ?reason, "session ended");
            }
            Notice::GameServerLost(server) => {
                // A host that stops lets its relays go, and that is no loss.
                let stopping = self.shared.upgrade().is_none_or(|shared| shared.shutdown.is_cancelled());
                if stopping {
                    tracing::debug!(%server, "game server gone");
                } else {
                    tracing::warn!(%server, "game server lost");
                }
            }
            other => tracing::debug!(notice = ?other, "universe"),
        }
    }

    /// Takes in the relays that were there before this state.
    fn learn_servers(&mut self, now: Time) {
        let Some(shared) = self.shared.upgrade() else { return };
        for (registration, line) in shared.game_servers.of_title(&self.universe.config().app_ids) {
            self.servers.insert(registration.id, line);
            if let Err(status) = self.universe.run(now, registration) {
                tracing::warn!(?status, "a game relay does not fit into this title");
            }
        }
    }

    /// Begins anew after a panic. Whoever waits or is connected sees its channel closed.
    fn restart(&mut self, now: Time) {
        let mut config: UniverseConfig = self.universe.config().clone();
        config.first_world = first_world(now.unix.unsigned_abs());
        self.universe = Universe::new(config, rand::random());
        if let Some(inner) = self.weak.upgrade() {
            inner.losses.fetch_add(1, Ordering::Relaxed);
        }
        self.connections.clear();
        self.servers.clear();
        self.waiting.clear();
        self.learn_servers(now);
        metrics::counter!(events::TITLE_RESTARTS, "title" => self.title.as_str().to_owned()).increment(1);
        tracing::error!("a defect lost the title's live state; it begins anew");
    }
}

async fn run(mut actor: Actor, mut queue: mpsc::Receiver<Job>, clock: Clock, stop: CancellationToken) {
    loop {
        let universe = actor.universe.next_deadline().map(|millis| clock.at_millis(millis));
        let plugin = actor.plugin_deadline().map(|at| clock.at(medley_session::Time(at)));
        let deadline = universe.into_iter().chain(plugin).min();
        let due = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let job = tokio::select! {
            job = queue.recv() => match job {
                Some(job) => job,
                None => return,
            },
            () = due => Box::new(|actor: &mut Actor, now| {
                actor.universe.run(now, Tick);
                actor.run_plugin_timers(now);
            }),
            () = stop.cancelled() => return,
        };
        let now = clock.universe_now();
        let work = || {
            job(&mut actor, now);
            actor.carry_out();
            actor.tell_plugin(now);
        };
        if std::panic::catch_unwind(AssertUnwindSafe(work)).is_err() {
            actor.restart(now);
        }
    }
}
