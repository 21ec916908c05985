//! Folders on disk, their precedence over the built-in titles, and reloading.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use medley_titles::{ChangedKey, Effect, HostConfig, TitleChange, TitleSet};

const TITLE: &str = "name = \"My Title\"\n\n[[app]]\nid = 5\n\n[[channel]]\nname = \"Lobby\"\n";

fn write(dir: &Path, title: &str, file: &str, text: &str) {
    fs::create_dir_all(dir.join(title)).expect("a folder in a temporary folder");
    fs::write(dir.join(title).join(file), text).expect("a file in a temporary folder");
}

fn key(key: &str, effect: Effect) -> ChangedKey {
    ChangedKey { key: key.to_owned(), effect }
}

#[test]
fn a_host_with_no_games_folder_serves_the_built_in_titles() {
    let dir = tempfile::tempdir().unwrap();
    let set = TitleSet::load(&dir.path().join("missing"), true).unwrap();
    assert_eq!(set.lookup(11184).unwrap().title().id, "ratchet-deadlocked");
    assert_eq!(set.lookup(11184).unwrap().title().origin, "built-in/ratchet-deadlocked/game.toml");
    assert!(TitleSet::load(&dir.path().join("missing"), false).unwrap().titles().is_empty());
}

#[test]
fn a_folder_replaces_the_built_in_title_of_its_name() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "jak-x", "game.toml", TITLE);
    // A folder with a plugin only leaves the built-in title as it is; hidden folders and files are passed over.
    write(dir.path(), "killzone", "plugin.wasm", "");
    write(dir.path(), ".draft", "game.toml", "broken");
    fs::write(dir.path().join("README.md"), "").unwrap();
    let set = TitleSet::load(dir.path(), true).unwrap();
    assert_eq!(set.lookup(5).unwrap().title().id, "jak-x");
    assert!(set.lookup(10994).is_none());
    assert!(set.lookup(10442).is_some());
}

#[test]
fn a_folder_without_a_game_toml_is_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("empty")).unwrap();
    let error = TitleSet::load(dir.path(), false).unwrap_err();
    assert_eq!(error.0[0].wanted, "a readable file");
    assert!(error.0[0].file.ends_with("empty/game.toml"));
}

#[test]
fn texts_of_a_title_are_read_from_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "{TITLE}[[announcement]]\ntitle = \"News\"\nfile = \"news.txt\"\n[policy]\nusage_file = \"usage.txt\"\n"
    );
    write(dir.path(), "mine", "game.toml", &text);
    write(dir.path(), "mine", "news.txt", "Hello\n");
    let error = TitleSet::load(dir.path(), false).unwrap_err();
    assert_eq!((error.0.len(), error.0[0].line, error.0[0].key.as_str()), (1, 12, "policy.usage_file"));
    write(dir.path(), "mine", "usage.txt", "Be kind.\n\n");
    let set = TitleSet::load(dir.path(), false).unwrap();
    let title = set.title("mine").unwrap();
    assert_eq!(title.config.announcement[0].whole_text(), "News\nHello");
    assert_eq!(title.config.policy.usage, "Be kind.");

    write(dir.path(), "mine", "usage.txt", "Be kinder.");
    let (_, changes) = set.reload(dir.path(), false).unwrap();
    assert_eq!(
        changes,
        [TitleChange::Changed { title: "mine".to_owned(), keys: vec![key("policy.usage", Effect::Live)] }]
    );
}

#[test]
fn a_file_that_is_not_utf8_or_too_large_is_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("mine")).unwrap();
    fs::write(dir.path().join("mine/game.toml"), b"name = \"a\"\nnotes = \"\xff\"").unwrap();
    let error = TitleSet::load(dir.path(), false).unwrap_err();
    assert_eq!((error.0[0].line, error.0[0].column, error.0[0].wanted.as_str()), (2, 10, "UTF-8 text"));
    fs::write(dir.path().join("mine/game.toml"), vec![b'#'; (1 << 20) + 1]).unwrap();
    assert_eq!(TitleSet::load(dir.path(), false).unwrap_err().0[0].wanted, "at most 1048576 bytes");
}

#[test]
fn a_reload_lists_what_changed_and_when_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "mine", "game.toml", TITLE);
    write(dir.path(), "same", "game.toml", &TITLE.replace("id = 5", "id = 6"));
    write(dir.path(), "gone", "game.toml", &TITLE.replace("id = 5", "id = 7"));
    let set = TitleSet::load(dir.path(), false).unwrap();

    let text = format!("{TITLE}[limits]\nmax_games = 3\n[encryption]\nmls = \"clear\"\n");
    write(dir.path(), "mine", "game.toml", &text);
    fs::remove_dir_all(dir.path().join("gone")).unwrap();
    write(dir.path(), "new", "game.toml", &TITLE.replace("id = 5", "id = 8"));
    let (new, changes) = set.reload(dir.path(), false).unwrap();
    assert_eq!(
        changes,
        [
            TitleChange::Removed { title: "gone".to_owned() },
            TitleChange::Changed {
                title: "mine".to_owned(),
                keys: vec![
                    key("limits.max_games", Effect::Live),
                    key("encryption.mls", Effect::NewConnections)
                ],
            },
            TitleChange::Added { title: "new".to_owned() },
        ]
    );
    assert_eq!(new.lookup(5).unwrap().title().config.limits.max_games, 3);
    assert!(new.lookup(7).is_none() && new.lookup(8).is_some());
    assert!(Arc::ptr_eq(set.title("same").unwrap(), new.title("same").unwrap()));
    assert!(Arc::ptr_eq(new.title("same").unwrap(), new.lookup(6).unwrap().title()));
}

#[test]
fn a_reload_is_all_or_nothing() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "good", "game.toml", TITLE);
    write(dir.path(), "mine", "game.toml", &TITLE.replace("id = 5", "id = 6"));
    let set = TitleSet::load(dir.path(), false).unwrap();
    write(dir.path(), "good", "game.toml", &TITLE.replace("Lobby", "Hall"));
    write(dir.path(), "mine", "game.toml", &TITLE.replace("id = 5", "id = \"six\""));
    let error = set.reload(dir.path(), false).unwrap_err();
    assert_eq!((error.0.len(), error.0[0].line, error.0[0].key.as_str()), (1, 4, "app[0].id"));
    assert_eq!(set.lookup(5).unwrap().title().config.channel[0].name, "Lobby");
    assert!(set.lookup(6).is_some());
}

#[test]
fn a_changed_port_waits_for_a_restart_and_a_changed_limit_does_not() {
    let old = HostConfig::parse("m", "", []).unwrap();
    let new = HostConfig::parse(
        "m",
        "public_address = \"192.0.2.1\"\n[listen]\nmas = 1\n[limits]\nmax_half_open = 9\n",
        [],
    )
    .unwrap();
    assert_eq!(
        old.changes(&new),
        [
            key("public_address", Effect::NewConnections),
            key("listen.mas", Effect::Restart),
            key("limits.max_half_open", Effect::Live),
        ]
    );
    let live = old.live_part_of(&new);
    assert_eq!((live.listen.mas, live.limits.max_half_open), (10075, 9));
    assert_eq!(live.public_address, new.public_address);
    assert!(old.changes(&old.clone()).is_empty());
}

#[test]
fn addresses_and_timeouts_of_sessions_hold_for_new_connections() {
    for key in [
        "public_address",
        "nat_address",
        "relay.public_address",
        "timeouts.auth",
        "timeouts.client",
        "timeouts.server_echo",
    ] {
        assert_eq!(medley_titles::load::host_effect(key), Effect::NewConnections, "{key}");
    }
}

#[test]
fn every_key_has_a_variable_of_its_own() {
    let names: Vec<String> = medley_titles::keys::keys_of::<HostConfig>()
        .iter()
        .map(|key| medley_titles::load::environment_name(&key.path))
        .collect();
    let mut unique = names.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), names.len());
}

#[test]
fn maintenance_holds_between_its_moments_and_spares_the_exempt() {
    let text = "[maintenance]\nenabled = true\nfrom = 2026-01-01T00:00:00Z\nto = 2026-01-02T00:00:00Z\nexempt = [\"192.0.2.1\"]\n";
    let maintenance = HostConfig::parse("m", text, []).unwrap().maintenance;
    let day = 86_400;
    let start = 1_767_225_600;
    assert!(!maintenance.active_at(start - 1));
    assert!(maintenance.active_at(start));
    assert!(!maintenance.active_at(start + day));
    assert!(maintenance.applies_to([192, 0, 2, 9].into(), start));
    assert!(!maintenance.applies_to([192, 0, 2, 1].into(), start));
}

#[test]
fn a_plugin_dropped_into_the_folder_of_a_built_in_title_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let set = TitleSet::load(dir.path(), true).unwrap();
    write(dir.path(), "killzone", "plugin.wasm", "new");
    let (set, _) = set.reload(dir.path(), true).unwrap();
    let title = set.title("killzone").unwrap();
    assert_eq!(title.origin, "built-in/killzone/game.toml");
    assert_eq!(title.plugin.as_ref().unwrap().read().unwrap(), b"new");
}

#[test]
fn a_setting_of_a_plugin_is_changed_by_its_own_key_and_has_a_place_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "mine", "game.toml", &format!("{TITLE}\n[plugin.settings]\nspeed = 1\n"));
    let set = TitleSet::load(dir.path(), false).unwrap();
    write(dir.path(), "mine", "game.toml", &format!("{TITLE}\n[plugin.settings]\nspeed = 2\n"));
    let (set, changes) = set.reload(dir.path(), false).unwrap();
    let keys = vec![key("plugin.settings", Effect::Live)];
    assert_eq!(changes, [TitleChange::Changed { title: "mine".to_owned(), keys }]);
    let problem = set.title("mine").unwrap().problem("plugin.settings.speed", "a text", "2", "write a text");
    assert_eq!((problem.line, problem.column), (10, 1));
}
