// A plugin in twenty lines: the first example of the SDK and the guide.
use medley_plugin::prelude::*;

/// Keeps chat polite and games small.
#[derive(Default)]
pub struct Polite;

#[plugin]
impl Plugin for Polite {
    fn chat(&mut self, _: &Who, line: ChatLine) -> Verdict<ChatLine> {
        if !line.text.has("lag") {
            return Verdict::Pass;
        }
        Verdict::Replace(ChatLine { text: line.text.replaced("lag", "fun"), ..line })
    }

    #[on_failure(Status::REQUEST_DENIED)]
    fn create_game(&mut self, _: &Who, game: CreateGameRequest) -> Verdict<CreateGameRequest> {
        Verdict::Replace(CreateGameRequest { max_players: game.max_players.min(8), ..game })
    }
}
