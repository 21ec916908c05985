//! What a handler works with: who asks, the title, the store, and the answer it writes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use medley_session::ServerKind;
use medley_store::{AccountId as StoredId, Store, StoreError, TitleId};
use medley_titles::AppRef;
use medley_universe::{ConnectionId, Name, SessionKey};
use medley_wire::enums::CallbackStatus;
use medley_wire::messages::Message;
use medley_wire::types::Text;
use medley_wire::{AccountId, AnyMessage, AppId, Dialect};
use tokio::sync::mpsc;

use crate::actor::{Parcel, TitleGone, TitleHandle};
use crate::mgcl::MpsLink;
use crate::shared::Shared;
use crate::transfers::Transfers;

/// Commands that may wait for a game server, at least: those of a whole title come at once when a game night begins, and
/// a relay whose queue is full is lost with all its games.
const COMMAND_QUEUE: usize = 16_384;

/// Why a request is answered with its failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// With this status.
    Status(CallbackStatus),
    /// With the default of the request's row in the table of handlers: something inside failed.
    Default,
    /// It is not: the title's plugin has answered.
    Answered,
}

impl From<CallbackStatus> for Refusal {
    fn from(status: CallbackStatus) -> Self {
        Self::Status(status)
    }
}

impl From<TitleGone> for Refusal {
    fn from(_: TitleGone) -> Self {
        Self::Default
    }
}

/// What a handler returns. An `Err` becomes the request's paired failure answer; with an `Ok` the handler has replied.
pub type HandlerResult = Result<(), Refusal>;

/// A player who is logged in, as its connection knows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Player {
    /// Positive for registered accounts, negative for anonymous ones.
    pub id: AccountId,
    /// The account's name.
    pub name: Name,
}

impl Player {
    /// The account as the store knows it; `None` for a player without one.
    pub fn stored(&self) -> Option<StoredId> {
        StoredId::new(self.id.0)
    }
}

/// What goes out besides application messages.
#[derive(Debug)]
pub(crate) enum Out {
    /// An application message.
    App(AnyMessage),
    /// An application message of the title's plugin: class, id, body.
    Raw(Vec<u8>),
    /// A text of the operator, as RT system message.
    System(Box<str>),
}

/// A connection, as its handlers see it.
pub struct Context {
    pub(crate) shared: Arc<Shared>,
    pub(crate) kind: ServerKind,
    pub(crate) id: ConnectionId,
    pub(crate) peer: SocketAddr,
    pub(crate) local: Ipv4Addr,
    pub(crate) dialect: Dialect,
    pub(crate) enciphered: bool,
    pub(crate) app: AppRef,
    pub(crate) title: TitleHandle,
    pub(crate) session: Option<SessionKey>,
    pub(crate) player: Option<Player>,
    pub(crate) machine: Option<Box<[u8]>>,
    /// This connection's own queue; handed to actors by [`Context::parcels`].
    pub(crate) queue: Option<mpsc::Receiver<Parcel>>,
    /// [`TitleHandle::losses`] when the queue was made.
    pub(crate) losses: u64,
    pub(crate) mps: Option<Box<MpsLink>>,
    /// Files on their way. Most connections never have any.
    pub(crate) transfers: Option<Box<Transfers>>,
    pub(crate) out: Vec<Out>,
    pub(crate) close: bool,
}

impl Context {
    /// Adds an answer. Answers go out in the order in which they are added.
    pub fn reply(&mut self, answer: impl Into<AnyMessage>) {
        self.out.push(Out::App(answer.into()));
    }

    /// Adds the rows of a list, the last one marked as such; refuses with NoResult if there are none.
    pub fn reply_list<M: Message>(&mut self, mut rows: Vec<M>) -> HandlerResult {
        let Some(last) = rows.last_mut() else { return Err(CallbackStatus::NO_RESULT.into()) };
        last.set_end_of_list(true);
        self.out.extend(rows.into_iter().map(|row| Out::App(row.into())));
        Ok(())
    }

    /// Shows the player a text, before whatever is replied afterwards.
    pub fn system_message(&mut self, text: &str) {
        if !text.is_empty() {
            self.out.push(Out::System(text.into()));
        }
    }

    /// Closes the connection once what was replied is out.
    pub fn close(&mut self) {
        self.close = true;
    }

    /// Which server this is.
    pub fn server(&self) -> ServerKind {
        self.kind
    }

    /// Medius version and app id of the client.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The client's app id.
    pub fn app_id(&self) -> AppId {
        self.dialect.app_id
    }

    /// Title and app as configured now; after a reload not what they were when the connection began.
    pub fn app(&self) -> AppRef {
        self.shared.lookup(self.dialect.app_id).unwrap_or_else(|| self.app.clone())
    }

    /// The title's live state.
    pub fn title(&self) -> &TitleHandle {
        &self.title
    }

    /// The title's key in the store.
    pub fn title_id(&self) -> TitleId {
        self.title.id().clone()
    }

    /// The session. For handlers whose row says that they need one.
    pub fn session(&self) -> Result<SessionKey, Refusal> {
        self.session.ok_or(Refusal::Status(CallbackStatus::SESSION_KEY_INVALID))
    }

    /// The player. For handlers whose row says that they need a login.
    pub fn player(&self) -> Result<&Player, Refusal> {
        self.player.as_ref().ok_or(Refusal::Status(CallbackStatus::PLAYER_NOT_PRIVILEGED))
    }

    /// The player's account in the store; PlayerNotPrivileged for a player without one.
    pub fn stored_account(&self) -> Result<StoredId, Refusal> {
        self.player()?.stored().ok_or(Refusal::Status(CallbackStatus::PLAYER_NOT_PRIVILEGED))
    }

    /// Refuses with SessionKeyInvalid if `given` names another session than the connection's. An empty key is let
    /// through: clients leave it empty in many requests (Deadlocked's SetLocalizationParams and GetIgnoreList,
    /// `dl_ps2_full_session`, lines 39 and 102).
    pub fn check_session_key(&self, given: &Text<17>) -> Result<(), Refusal> {
        let mine = self.session.is_some_and(|key| SessionKey::parse(given.as_bytes()) == Some(key));
        if mine || given.is_empty() { Ok(()) } else { Err(CallbackStatus::SESSION_KEY_INVALID.into()) }
    }

    /// The session's key as it travels.
    pub fn session_key_text(&self) -> Text<17> {
        self.session.map_or(Text::EMPTY, |key| Text::new(key.to_string()))
    }

    /// Where the client comes from.
    pub fn client_ip(&self) -> IpAddr {
        self.peer.ip().to_canonical()
    }

    /// Seconds since 1970, UTC.
    pub fn unix_now(&self) -> i64 {
        self.shared.clock.unix_now()
    }

    /// Runs a reading call of the store, for as long as `timeouts.store` allows.
    pub async fn read<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreFailure> {
        self.bounded(self.shared.store.read(call)).await
    }

    /// Runs a reading call of a few look-ups by key at once, on this thread.
    pub fn glance<T>(
        &self,
        call: impl FnOnce(&dyn Store) -> Result<T, StoreError>,
    ) -> Result<T, StoreFailure> {
        self.shared.store.glance(call).map_err(StoreFailure::Store)
    }

    /// Runs a writing call of the store and waits until it is durable, for as long as `timeouts.store` allows.
    pub async fn write<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Store) -> Result<medley_store::Pending<T>, StoreError> + Send + 'static,
    ) -> Result<T, StoreFailure> {
        self.bounded(self.shared.store.write(call)).await
    }

    /// Waits for a call of the store, for as long as `timeouts.store` allows. A call that comes later is still done.
    pub async fn bounded<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreFailure> {
        let limit = self.shared.config().timeouts.store;
        Self::within(limit, call).await
    }

    /// As [`Context::bounded`], for a call that hashes a password: it waits its turn behind other players' hashes (argon2id,
    /// tens of milliseconds each), so it has as long as a client may take to identify itself, `timeouts.auth`.
    pub async fn bounded_hash<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreFailure> {
        let limit = {
            let config = self.shared.config();
            config.timeouts.auth.max(config.timeouts.store)
        };
        Self::within(limit, call).await
    }

    async fn within<T>(
        limit: std::time::Duration,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreFailure> {
        match tokio::time::timeout(limit, Box::pin(call)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(StoreFailure::Store(error)),
            Err(_) => {
                tracing::warn!(?limit, "the store did not answer in time");
                Err(StoreFailure::TooLate)
            }
        }
    }

    /// Waits until this client's address may have one more password hashed; hold what it gives for as long as that takes.
    pub(crate) async fn hash_turn(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        self.shared.door.hash_turn(self.client_ip()).await
    }

    /// The sending end of this connection's queue, for an actor. A new queue each time: the queue of an actor that
    /// lost its state is of no use to the next.
    pub(crate) fn parcels(&mut self) -> mpsc::Sender<Parcel> {
        let size = usize::try_from(self.shared.config().limits.push_queue).unwrap_or(usize::MAX);
        let size = if self.kind == ServerKind::Mps { size.max(COMMAND_QUEUE) } else { size };
        let (sender, receiver) = mpsc::channel(size.clamp(1, 65_536));
        self.queue = Some(receiver);
        self.losses = self.title.losses();
        sender
    }
}

/// A call of the store that gave no value.
#[derive(Debug)]
pub enum StoreFailure {
    /// It took too long.
    TooLate,
    /// The store says no, or is in trouble.
    Store(StoreError),
}

impl From<StoreFailure> for Refusal {
    /// Trouble and refusals alike are DBError, as public servers have it for changes; handlers
    /// that know a better status for a refusal look at it first.
    fn from(failure: StoreFailure) -> Self {
        if let StoreFailure::Store(error) = &failure
            && !error.is_refusal()
        {
            tracing::error!(%error, "the store failed");
        }
        Self::Status(CallbackStatus::DB_ERROR)
    }
}
