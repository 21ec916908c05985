//! Commands in the chat: a line of the channel that begins with `!`.

use medley_plugin::host::{games, players, random, send};
use medley_plugin::wire::messages::ChatFwdMessage;
use medley_plugin::wire::types::Text as WireText;
use medley_plugin::{ChatLine, Game, Message, Player, SessionId, Verdict, Who};

/// ChatMessageType of a line to the channel or game.
const TO_CHANNEL: i32 = 0;

/// A command with its words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Command {
    /// What stands behind the `!`, in lower case.
    pub name: String,
    /// What follows.
    pub words: Vec<String>,
}

impl Command {
    /// None: an ordinary line. In staging rooms the games put a byte for the colour in front of a line; it is left out.
    pub fn parse(line: &ChatLine) -> Option<Self> {
        if line.kind != TO_CHANNEL {
            return None;
        }
        let text = line.text.lossy();
        let text = text.strip_prefix('!').or_else(|| {
            let mut chars = text.chars();
            chars.next()?;
            chars.as_str().strip_prefix('!')
        })?;
        let mut words = text.split_ascii_whitespace().map(str::to_owned);
        let name = words.next()?.to_ascii_lowercase();
        Some(Self { name, words: words.collect() })
    }
}

/// What all players in the same place hear: those of the game, else those of the channel.
pub fn tell_place(player: &Player, text: &str) {
    let place = if player.game.is_none() {
        players::in_channel(player.channel)
    } else {
        players::in_game(player.game)
    };
    for session in place {
        tell(session, text);
    }
}

/// A line of the host in a player's chat: a ChatFwdMessage of account 0.
pub fn tell(session: SessionId, text: &str) {
    let Some(player) = players::get(session) else { return };
    let line = ChatFwdMessage {
        message_id: WireText::new("1"),
        originator_account_name: WireText::new("SYSTEM"),
        message: WireText::new(text),
        ..ChatFwdMessage::default()
    };
    // A player who has gone hears nothing.
    let _ = send::message(session, Message::encode(&line, &player));
}

/// Answers a command. `!roll`: a number from 1 to 100 for everybody in the same place. `!game`: what `describe` says of the
/// player's game. `!help`: what there is. Other lines pass.
pub fn answer(who: &Who, line: &ChatLine, describe: impl FnOnce(&Game) -> String) -> Verdict<ChatLine> {
    let (Some(command), Some(player)) = (Command::parse(line), players::get(who.session)) else {
        return Verdict::Pass;
    };
    match command.name.as_str() {
        "roll" => tell_place(&player, &format!("{} rolled {}", player.name, random::below(100) + 1)),
        "game" => match games::get(player.game) {
            Some(game) => tell(who.session, &describe(&game)),
            None => tell(who.session, "You are in no game."),
        },
        "help" => tell(who.session, "!roll: a number from 1 to 100. !game: what your game is."),
        _ => return Verdict::Pass,
    }
    Verdict::Reply(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> ChatLine {
        ChatLine { kind: 0, text: text.into(), ..ChatLine::default() }
    }

    #[test]
    fn a_command_begins_with_an_exclamation_mark_after_at_most_one_byte() {
        let roll = Command { name: "roll".into(), words: vec!["a".into(), "b".into()] };
        assert_eq!(Command::parse(&line("!Roll a  b")), Some(roll.clone()));
        assert_eq!(Command::parse(&line("A!roll a b")), Some(roll));
        assert_eq!(Command::parse(&line("so!roll")), None);
        assert_eq!(Command::parse(&line("!")), None);
        assert_eq!(Command::parse(&line("")), None);
        assert_eq!(Command::parse(&ChatLine { kind: 1, ..line("!roll") }), None);
    }
}
