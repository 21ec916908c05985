// The plugin, tested as plain Rust against the SDK's host.

use medley_plugin::prelude::*;
use medley_plugin::testing::Harness;
use title_plugin::TitlePlugin;

#[test]
fn a_game_has_at_most_as_many_players_as_the_setting_says() {
    let mut test = Harness::<TitlePlugin>::new();
    let ann = test.login("Ann");
    test.set("max_players", 6);
    let asked = CreateGameRequest { max_players: 10, ..CreateGameRequest::default() };
    let got = test.create_game(&ann, asked.clone());
    assert_eq!(got, Verdict::Replace(CreateGameRequest { max_players: 6, ..asked }));
    assert_eq!(test.command("games", &[]), Ok("1 games".into()));
}
