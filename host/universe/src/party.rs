//! Parties (PS3): a small world of its own on a game server, which players keep while they go from game to game.
//!
//! | what | how |
//! |---|---|
//! | made | [`CreateParty`]; its creator joins next, as everybody does |
//! | joined | [`JoinParty`], of one party at a time; the game server notifies of the connection |
//! | led | by its creator; when the leader leaves, by the first who came of those that are left |
//! | left | [`LeaveParty`], the game server's notification, another party, the end of the session |
//! | over | when the last one has left, or nobody came; [`crate::CloseGame`] |
//!
//! It is kept as a [`Game`] is (servers.md 4: "same shape as a game"), beside the games: no list of games, no search and no
//! report finds it. Messages of it are known from one public server only, which passes PartyIndex on without a meaning;
//! here it is the member's place in the party, from 0 to MaxPlayers less one, no two the same.

use medley_wire::MediusWorldId;
use medley_wire::enums::{CallbackStatus, GameHostType, JoinType};
use serde::{Deserialize, Serialize};

use crate::command::Operation;
use crate::game::{Admission, Game, GameSpec, IgnoredReport, NewWorld};
use crate::state::State;
use crate::types::{Name, PeerAddress, RequestId, SessionKey};

/// PartyCreate. The answer comes as [`crate::Answer::Created`] when the game server has answered, or 5 s later.
///
/// At once: RequestDenied (too many parties of this player), ExceedsMaxWorlds (too many parties, or no game server has room).
/// Names of parties need not differ.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct CreateParty {
    /// Who.
    pub session: SessionKey,
    /// What: name, password, players, generic fields, host type.
    pub spec: GameSpec,
}

impl Operation for CreateParty {
    type Reply = Result<RequestId, CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let (session, account) = state.logged_in(self.session)?;
        let (app_id, location) = (session.app_id, session.location);
        let limits = &state.config.limits;
        let own = |party: &&Game| party.creator == account && !party.is_closed();
        if state.games.parties().filter(own).count() >= limits.games_per_player {
            return Err(CallbackStatus::REQUEST_DENIED);
        }
        if state.games.parties().count() >= limits.games {
            return Err(CallbackStatus::EXCEEDS_MAX_WORLDS);
        }
        let server = state.choose_server(app_id, location).ok_or(CallbackStatus::EXCEEDS_MAX_WORLDS)?;
        let party = state.add_game(self.session, account, self.spec, server, NewWorld::Party)?;
        state.ask_for_world(self.session, party)
    }
}

/// PartyJoin, PartyJoinByIndex. The answer comes as [`crate::Answer::Joined`] when the game server has answered, or 5 s later.
/// Whoever is in another party leaves it.
///
/// At once, in the order of joins to games: GameNotFound, InvalidPassword, WorldIsFull (also where the wanted place is another
/// member's or there is no such place), RequestDenied for another host type, WorldClosed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct JoinParty {
    /// Who.
    pub session: SessionKey,
    /// Which.
    pub party: MediusWorldId,
    /// What the player typed.
    pub password: Name,
    /// PartyHostType of the request.
    pub host_type: GameHostType,
    /// The joiner's addresses.
    pub addresses: [PeerAddress; 2],
    /// PartyIndex; `None` or negative: the first free place.
    pub index: Option<i32>,
}

impl Operation for JoinParty {
    type Reply = Result<RequestId, CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let (session, account) = state.logged_in(self.session)?;
        let current = session.party;
        let party = state.games.party(self.party).ok_or(CallbackStatus::GAME_NOT_FOUND)?;
        let asks = Admission {
            session: self.session,
            spectates: false,
            password: &self.password,
            host_type: self.host_type,
        };
        let dme_world = state.may_join(party, &asks)?;
        let wanted = self.index.filter(|index| *index >= 0);
        let index = party.place(self.session, wanted).ok_or(CallbackStatus::WORLD_IS_FULL)?;
        if current != Some(self.party) {
            state.leave_party(self.session);
        }
        state.reserve_seat(self.session, account, self.party, JoinType::PLAYER);
        state.set_party_index(self.party, self.session, index);
        state.ask_for_seat(self.session, self.party, dme_world, self.addresses)
    }
}

/// UpdateUserState LeftPartyWorld. The player is out of its party whatever the game server says; it is told to let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct LeaveParty {
    /// Who.
    pub session: SessionKey,
}

impl Operation for LeaveParty {
    type Reply = ();

    fn perform(self, state: &mut State) {
        state.leave_party(self.session);
    }
}

/// PartyPlayerReport: a member tells its place. There is no answer; a place that is another's or does not exist is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ReportParty {
    /// Who.
    pub session: SessionKey,
    /// Which party.
    pub party: MediusWorldId,
    /// PartyIndex.
    pub index: i32,
}

impl Operation for ReportParty {
    type Reply = Result<(), IgnoredReport>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let _ = state.heard(self.session);
        let allowed = match state.games.party(self.party) {
            None => Err(IgnoredReport::UnknownGame),
            Some(party) if !party.members.contains_key(&self.session) => Err(IgnoredReport::NotInGame),
            Some(party) if party.is_closed() => Err(IgnoredReport::Closed),
            Some(_) => Ok(()),
        };
        state.count_report(&allowed);
        allowed?;
        let place =
            state.games.party(self.party).and_then(|party| party.place(self.session, Some(self.index)));
        if let Some(index) = place {
            state.set_party_index(self.party, self.session, index);
        }
        Ok(())
    }
}

impl Game {
    /// The place that a player gets in a party: the wanted one if it is free or its own, without a wish its own or the
    /// first free one.
    fn place(&self, key: SessionKey, wanted: Option<i32>) -> Option<i32> {
        let free = |index: &i32| {
            self.members.iter().all(|(other, member)| *other == key || member.party_index != Some(*index))
        };
        let places = 0..i32::from(self.spec.max_players);
        let own = self.members.get(&key).and_then(|member| member.party_index);
        match wanted.or(own) {
            Some(index) => places.contains(&index).then_some(index).filter(free),
            None => places.into_iter().find(free),
        }
    }
}

/// Questions about parties.
impl State {
    /// The party `id`, open or just closed.
    pub fn party(&self, id: MediusWorldId) -> Option<&Game> {
        self.games.party(id)
    }

    /// All parties, by ascending id.
    pub fn parties(&self) -> impl Iterator<Item = &Game> {
        self.games.parties()
    }
}

impl State {
    pub(crate) fn leave_party(&mut self, key: SessionKey) {
        if let Some(party) = self.sessions.get(&key).and_then(|session| session.party) {
            self.leave_world(key, party, true);
        }
    }

    fn set_party_index(&mut self, party: MediusWorldId, key: SessionKey, index: i32) {
        let member = self.games.any_mut(party).and_then(|party| party.members.get_mut(&key));
        if let Some(member) = member {
            member.party_index = Some(index);
        }
    }
}
