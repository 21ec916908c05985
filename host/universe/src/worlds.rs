//! Where games and parties are kept: the same thing to a game server, two things to players.

use std::collections::BTreeMap;

use medley_wire::MediusWorldId;
use serde::Serialize;

use crate::game::Game;

/// Games, and parties beside them. Their ids come from one counter, so an id is one of a game, of a party, or of neither.
///
/// The plain methods know games only, so that no list, search or report meets a party; what a game server tells and what
/// time does goes by [`Worlds::any`].
#[derive(Debug, Default, Serialize)]
pub(crate) struct Worlds {
    games: BTreeMap<MediusWorldId, Game>,
    parties: BTreeMap<MediusWorldId, Game>,
}

impl Worlds {
    pub(crate) fn get(&self, id: &MediusWorldId) -> Option<&Game> {
        self.games.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &MediusWorldId) -> Option<&mut Game> {
        self.games.get_mut(id)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Game> {
        self.games.values()
    }

    pub(crate) fn len(&self) -> usize {
        self.games.len()
    }

    /// A party.
    pub(crate) fn party(&self, id: MediusWorldId) -> Option<&Game> {
        self.parties.get(&id)
    }

    /// All parties.
    pub(crate) fn parties(&self) -> impl Iterator<Item = &Game> {
        self.parties.values()
    }

    /// A game or a party.
    pub(crate) fn any(&self, id: MediusWorldId) -> Option<&Game> {
        self.games.get(&id).or_else(|| self.parties.get(&id))
    }

    /// A game or a party.
    pub(crate) fn any_mut(&mut self, id: MediusWorldId) -> Option<&mut Game> {
        self.games.get_mut(&id).or_else(|| self.parties.get_mut(&id))
    }

    /// All games and all parties.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Game> {
        self.games.values().chain(self.parties.values())
    }

    pub(crate) fn insert(&mut self, game: Game) {
        let worlds = if game.party { &mut self.parties } else { &mut self.games };
        worlds.insert(game.id, game);
    }

    pub(crate) fn remove(&mut self, id: MediusWorldId) -> Option<Game> {
        self.games.remove(&id).or_else(|| self.parties.remove(&id))
    }
}
