//! A Medley title plugin. `cargo test` tests it, `medley plugin build` builds `plugin.wasm` for `games/<title>/`.

use medley_plugin::prelude::*;

/// `[plugin.settings]` in `game.toml`.
#[derive(Settings)]
struct Rules {
    /// Most players of a game.
    #[setting(default = 8, min = 2, max = 64)]
    max_players: i32,
}

/// The plugin. What must outlive it goes to `host::store`.
#[derive(Default)]
pub struct TitlePlugin {
    games: u64,
}

#[plugin(settings = Rules)]
impl Plugin for TitlePlugin {
    fn create_game(&mut self, _: &Who, game: CreateGameRequest) -> Verdict<CreateGameRequest> {
        self.games += 1;
        let most = Rules::current().max_players;
        Verdict::Replace(CreateGameRequest { max_players: game.max_players.min(most), ..game })
    }

    /// Says how many games were made.
    #[command]
    fn games(&mut self, _: &[String]) -> Result<String, Refusal> {
        Ok(format!("{} games", self.games))
    }
}
