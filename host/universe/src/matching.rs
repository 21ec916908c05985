//! Matchmaking (PS3): players name a superset and bounds, and are sent to a game that fits, or to one that is made for them.
//!
//! A request that finds no game waits. It ends with the first of: a game of its superset has room ([`Push::Assigned`]);
//! enough players of the superset wait, so a game is made, with the one who waited longest as its host; no relay has room
//! (MatchGameCreationFailed); its time is over (NoResult); [`CancelMatch`]; the end of the session.
//!
//! What a superset is, is the title's own affair. Sony's matchmaking server compared more than bounds, by rules that a
//! title's operator wrote and of which nothing is known; no capture has any message of it.

use medley_wire::enums::{CallbackStatus, GameHostType, JoinType, MatchOptions, WorldStatus};
use medley_wire::{AccountId, MediusWorldId};
use serde::{Deserialize, Serialize};

use crate::command::Operation;
use crate::game::{Game, GameSpec, NewWorld};
use crate::output::{MatchOutcome, MatchedGame, Push};
use crate::state::State;
use crate::timers::Timer;
use crate::types::{Name, SessionKey};

/// Players of a superset who are looked at in one step: those behind them have their turn when these are served.
const AT_ONCE: usize = 256;

/// What a player looks for.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct MatchWish {
    /// SupersetID: games and players of the same one meet.
    pub superset: u32,
    /// Players of the game at least; 0 is one.
    pub min_players: u16,
    /// Players of the game at most; 0 is any.
    pub max_players: u16,
    /// GameHostTypeBitField: bit n stands for GameHostType n; 0 is any.
    pub host_types: u32,
    /// MatchOptions: without LateJoin a game that is played already does not fit.
    pub options: MatchOptions,
    /// Accounts that come along. Those who are in the player's party are sent to the game too.
    pub group: Vec<AccountId>,
}

impl MatchWish {
    /// Players that come.
    fn size(&self) -> usize {
        self.group.len() + 1
    }

    fn wants_host_type(&self, host_type: GameHostType) -> bool {
        let bit = u32::try_from(host_type.0).ok().and_then(|number| 1_u32.checked_shl(number)).unwrap_or(0);
        self.host_types == 0 || self.host_types & bit != 0
    }

    /// The host type of a game that is made for it: the usual one if it will do.
    fn host_type(&self) -> GameHostType {
        let usual = GameHostType::CLIENT_SERVER_AUX_UDP;
        if self.wants_host_type(usual) {
            return usual;
        }
        GameHostType(i32::try_from(self.host_types.trailing_zeros()).unwrap_or(usual.0))
    }

    fn fits(&self, most: u16) -> bool {
        most >= self.min_players.max(1) && (self.max_players == 0 || most <= self.max_players)
    }
}

/// A player who waits for a game.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Ticket {
    wish: MatchWish,
    request_data: [u8; 16],
    application_data: Vec<u8>,
    deadline: u64,
    arrival: u64,
}

/// MatchFindGame. What comes of it is pushed; a second request of a player replaces the first.
///
/// RequestDenied for whoever wants to watch, or names more players than a game can have.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct FindMatch {
    /// Who.
    pub session: SessionKey,
    /// What.
    pub wish: MatchWish,
    /// PlayerJoinType.
    pub join_type: JoinType,
    /// RequestData, given back with the game.
    pub request_data: [u8; 16],
    /// ApplicationData, given back with the game.
    pub application_data: Vec<u8>,
}

impl Operation for FindMatch {
    type Reply = Result<(), CallbackStatus>;

    fn perform(mut self, state: &mut State) -> Self::Reply {
        state.logged_in(self.session)?;
        let most = usize::from(state.config.limits.players_per_game);
        if self.join_type != JoinType::PLAYER || self.wish.size() > most {
            return Err(CallbackStatus::REQUEST_DENIED);
        }
        self.application_data.truncate(state.config.limits.message_bytes);
        let deadline = state.after(state.config.timeouts.matching);
        let superset = self.wish.superset;
        let ticket = Ticket {
            wish: self.wish,
            request_data: self.request_data,
            application_data: self.application_data,
            deadline,
            arrival: state.next_request().0,
        };
        state.cancel_match(self.session);
        state.tickets.insert(self.session, ticket);
        state.timers.schedule(Timer::Match(self.session), deadline);
        state.match_players(superset);
        Ok(())
    }
}

/// MatchCancel. NoResult if the player waits for no game of the superset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct CancelMatch {
    /// Who.
    pub session: SessionKey,
    /// SupersetID.
    pub superset: u32,
}

impl Operation for CancelMatch {
    type Reply = Result<(), CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        state.heard(self.session)?;
        let waits =
            state.tickets.get(&self.session).is_some_and(|ticket| ticket.wish.superset == self.superset);
        if !waits {
            return Err(CallbackStatus::NO_RESULT);
        }
        state.cancel_match(self.session);
        Ok(())
    }
}

/// MatchParty: a game that fits, with places kept for the party; `None` if there is none now. RequestDenied for a party that is
/// larger than a game can be.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct MatchParty {
    /// Who asks.
    pub session: SessionKey,
    /// What.
    pub wish: MatchWish,
}

impl Operation for MatchParty {
    type Reply = Result<Option<MatchedGame>, CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        state.logged_in(self.session)?;
        if self.wish.size() > usize::from(state.config.limits.players_per_game) {
            return Err(CallbackStatus::REQUEST_DENIED);
        }
        let Some(game) = state.game_for(&self.wish) else { return Ok(None) };
        Ok(state.assign(game, self.session, &self.wish))
    }
}

impl State {
    /// Whether a player waits for a game.
    pub fn waits_for_match(&self, session: SessionKey) -> bool {
        self.tickets.contains_key(&session)
    }

    /// Sends whoever of a superset waits to the games that fit, and makes one for those who are left and enough.
    pub(crate) fn match_players(&mut self, superset: u32) {
        for key in self.waiting_in(superset) {
            let Some(ticket) = self.tickets.get(&key) else { continue };
            let wish = ticket.wish.clone();
            let Some(game) = self.game_for(&wish) else { continue };
            let Some(matched) = self.assign(game, key, &wish) else { continue };
            self.end_match(key, Ok(matched));
        }
        self.make_match(superset);
    }

    /// No game can be made for a superset: whoever waits for one is told.
    pub(crate) fn matching_failed(&mut self, superset: u32) {
        for key in self.waiting_in(superset) {
            self.end_match(key, Err(CallbackStatus::MATCH_GAME_CREATION_FAILED));
        }
    }

    pub(crate) fn cancel_match(&mut self, key: SessionKey) -> Option<Ticket> {
        self.timers.cancel(Timer::Match(key));
        self.tickets.remove(&key)
    }

    pub(crate) fn match_due(&mut self, key: SessionKey) {
        let Some(ticket) = self.tickets.get(&key) else { return };
        if ticket.deadline > self.now.millis {
            self.timers.schedule(Timer::Match(key), ticket.deadline);
        } else {
            self.end_match(key, Err(CallbackStatus::NO_RESULT));
        }
    }

    /// Players who wait in a superset, the longest first; at most [`AT_ONCE`] of them.
    fn waiting_in(&self, superset: u32) -> Vec<SessionKey> {
        let waiting = self.tickets.iter().filter(|(_, ticket)| ticket.wish.superset == superset);
        let mut waiting: Vec<(u64, SessionKey)> =
            waiting.map(|(key, ticket)| (ticket.arrival, *key)).collect();
        waiting.sort_unstable();
        waiting.into_iter().take(AT_ONCE).map(|(_, key)| key).collect()
    }

    /// The game that a wish is sent to: of those that fit the fullest, then the oldest.
    fn game_for(&self, wish: &MatchWish) -> Option<MediusWorldId> {
        let late = wish.options.0 & MatchOptions::LATE_JOIN.0 != 0;
        let open = |game: &&Game| {
            game.superset == Some(wish.superset)
                && game.dme_world.is_some()
                && (game.status == WorldStatus::PENDING_CREATION
                    || game.status == WorldStatus::STAGING
                    || late && game.status == WorldStatus::ACTIVE)
                && wish.wants_host_type(game.spec.host_type)
                && wish.fits(game.spec.max_players)
                && self.taken(game) + wish.size() <= usize::from(game.spec.max_players)
        };
        let games = self.games.values().filter(open);
        games.max_by_key(|game| (self.taken(game), core::cmp::Reverse(game.id))).map(|game| game.id)
    }

    /// Places of a game that are taken or kept.
    fn taken(&self, game: &Game) -> usize {
        let players = game.members.values().filter(|member| !member.is_spectator()).count();
        let kept = game
            .assigned
            .iter()
            .filter(|(key, until)| **until > self.now.millis && !game.members.contains_key(key))
            .count();
        players + kept
    }

    /// Keeps places in a game for a player and who comes along of its party, and tells those. What the player itself is told.
    fn assign(&mut self, id: MediusWorldId, key: SessionKey, wish: &MatchWish) -> Option<MatchedGame> {
        let until = self.after(self.config.timeouts.join_reservation);
        let party = self.sessions.get(&key).and_then(|session| session.party);
        let along: Vec<SessionKey> = wish
            .group
            .iter()
            .filter_map(|account| self.by_account.get(account).copied())
            .filter(|other| {
                let theirs = self.sessions.get(other).and_then(|session| session.party);
                *other != key && party.is_some() && theirs == party
            })
            .collect();
        let now = self.now.millis;
        let game = self.games.get_mut(&id)?;
        game.assigned.retain(|_, until| *until > now);
        for place in along.iter().chain([&key]) {
            game.assigned.insert(*place, until);
        }
        let matched = MatchedGame {
            game: id,
            player_count: game.player_count(),
            spec: game.spec.clone(),
            status: game.status,
        };
        for other in along {
            let outcome = MatchOutcome {
                request_data: [0; 16],
                application_data: Vec::new(),
                result: Ok(matched.clone()),
            };
            self.push(other, Push::Assigned(Box::new(outcome)));
        }
        self.counters.matches += 1;
        Some(matched)
    }

    /// Tells a player what became of its request, and forgets it.
    fn end_match(&mut self, key: SessionKey, result: Result<MatchedGame, CallbackStatus>) {
        let Some(ticket) = self.cancel_match(key) else { return };
        let Ticket { request_data, application_data, .. } = ticket;
        self.push(key, Push::Assigned(Box::new(MatchOutcome { request_data, application_data, result })));
    }

    /// Makes a game for those who wait, if none of the superset is in the making and they are as many as they want to be.
    fn make_match(&mut self, superset: u32) {
        let making = |game: &Game| game.superset == Some(superset) && game.dme_world.is_none();
        if self.games.values().any(making) {
            return;
        }
        // Who cannot be served leaves the queue, so this ends.
        while let Some((host, wish)) = self.next_match(superset) {
            if self.create_match(host, &wish).is_ok() {
                return;
            }
            self.end_match(host, Err(CallbackStatus::MATCH_GAME_CREATION_FAILED));
        }
    }

    /// The first of those who waited longest for whose game there are players enough.
    fn next_match(&self, superset: u32) -> Option<(SessionKey, MatchWish)> {
        let waiting = self.waiting_in(superset);
        let wishes = || waiting.iter().filter_map(|key| self.tickets.get(key)).map(|ticket| &ticket.wish);
        let enough = |wish: &MatchWish| {
            let (most, host_type) = (self.match_size(wish), wish.host_type());
            let players: usize = wishes()
                .filter(|other| other.fits(most) && other.wants_host_type(host_type))
                .map(MatchWish::size)
                .sum();
            wish.fits(most)
                && wish.size() <= usize::from(most)
                && players >= usize::from(wish.min_players.max(1))
        };
        waiting
            .iter()
            .filter_map(|key| Some((*key, &self.tickets.get(key)?.wish)))
            .find(|(_, wish)| enough(wish))
            .map(|(key, wish)| (key, wish.clone()))
    }

    /// MaxPlayers of a game that is made for a wish.
    fn match_size(&self, wish: &MatchWish) -> u16 {
        let most = self.config.limits.players_per_game;
        if wish.max_players == 0 { most } else { wish.max_players.min(most) }
    }

    fn create_match(&mut self, host: SessionKey, wish: &MatchWish) -> Result<(), CallbackStatus> {
        let (session, account) = self.logged_in(host)?;
        let (app_id, location, channel) = (session.app_id, session.location, session.channel);
        let server = self.choose_server(app_id, location).ok_or(CallbackStatus::EXCEEDS_MAX_WORLDS)?;
        let spec = GameSpec {
            // Names are unique and requests numbered, so nobody is in the way of another.
            name: Name::new(format!("Match {}", self.next_request())),
            min_players: wish.min_players,
            max_players: self.match_size(wish),
            host_type: wish.host_type(),
            ..GameSpec::default()
        };
        self.may_create_game(account, channel, &spec.name)?;
        let kind = NewWorld::Game { superset: Some(wish.superset) };
        let game = self.add_game(host, account, spec, server, kind)?;
        self.ask_for_world(host, game).map(drop)
    }
}
