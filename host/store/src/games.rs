//! Game history.

use crate::accounts::{check_length, check_metadata};
use crate::codec;
use crate::commit::Pending;
use crate::database::{Database, counter, key};
use crate::engine::{Engine, Tree};
use crate::error::{Result, StoreError};
use crate::traits::Games;
use crate::types::{GameRecord, GameRecordId, Page, TitleId, UnixSeconds, limits};

pub(crate) fn check_game(game: &GameRecord) -> Result<()> {
    check_length("game name", limits::GAME_NAME, game.name.0.len())?;
    check_length("players of a game", limits::GAME_PLAYERS, game.players.len())?;
    check_length("status of a game", limits::GAME_STATUS, game.status.len())?;
    check_metadata(&game.metadata)
}

impl<E: Engine> Games for Database<E> {
    fn add_game(&self, title: &TitleId, game: &GameRecord) -> Result<Pending<GameRecordId>> {
        check_game(game)?;
        self.write(|tx| {
            let id = GameRecordId(tx.next_number(counter::GAME)?);
            tx.put(Tree::Games, &key::numbered(title, id.0), game)?;
            Ok(id)
        })
    }

    fn update_game(&self, title: &TitleId, id: GameRecordId, game: &GameRecord) -> Result<Pending<()>> {
        check_game(game)?;
        self.write(|tx| {
            let key = key::numbered(title, id.0);
            if !tx.contains(Tree::Games, &key)? {
                return Err(StoreError::NotFound {
                    what: "game record",
                    title: title.to_string(),
                    key: id.to_string(),
                });
            }
            tx.put(Tree::Games, &key, game)
        })
    }

    fn game(&self, title: &TitleId, id: GameRecordId) -> Result<Option<GameRecord>> {
        self.get(Tree::Games, &key::numbered(title, id.0))
    }

    fn games(&self, title: &TitleId, page: Page<GameRecordId>) -> Result<Vec<(GameRecordId, GameRecord)>> {
        let after = page.after.map(|id| key::numbered(title, id.0));
        let mut games = Vec::new();
        for row in
            self.engine().scan(Tree::Games, &key::title(title), after.as_deref(), true).take(page.rows())
        {
            let (key, value) = row?;
            let Some(number) = key::last_number(&key) else { continue };
            games.push((GameRecordId(number), codec::decode(Tree::Games, &key, &value)?));
        }
        Ok(games)
    }

    fn remove_games_before(&self, title: &TitleId, before: UnixSeconds) -> Result<Pending<usize>> {
        self.write(|tx| {
            let mut old = Vec::new();
            for row in tx.scan_before(Tree::Games, &key::title(title)) {
                let (key, value) = row?;
                // Numbers rise with time, so the first one that stays ends the search.
                if codec::decode::<GameRecord>(Tree::Games, &key, &value)?.created >= before
                    || old.len() == limits::PAGE
                {
                    break;
                }
                old.push(key);
            }
            for key in &old {
                tx.remove(Tree::Games, key);
            }
            Ok(old.len())
        })
    }
}
