//! The shipped titles and the documents rendered from code and data.

use std::path::{Path, PathBuf};
use std::{env, fs};

use medley_titles::host::{EncryptionDefaults, HostConfig};
use medley_titles::keys::keys_of;
use medley_titles::title::{Cipher, RelayCipher, ServerKind, Status, TitleConfig};
use medley_titles::{DEFAULT_RSA_KEY, GameConnection, TitleSet, docs};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn shipped() -> TitleSet {
    TitleSet::load(&root().join("games"), false).expect("the shipped titles are fine")
}

#[test]
fn every_shipped_title_loads_from_its_folder_and_from_the_program_alike() {
    let disk = shipped();
    let program = TitleSet::built_in().unwrap();
    assert_eq!(disk.titles().len(), 49);
    assert!(disk.changes(&program).is_empty());
    let app_ids = |set: &TitleSet| set.titles().iter().map(|title| title.apps.len()).sum::<usize>();
    assert_eq!(app_ids(&disk), app_ids(&program));
    assert_eq!(app_ids(&disk), 79);
}

#[test]
fn uya_is_one_community_with_city_0_and_location_40() {
    let set = shipped();
    for id in [10680, 10681, 10683, 10684] {
        let found = set.lookup(id).unwrap();
        assert_eq!(found.title().id, "ratchet-uya");
        assert_eq!(found.app().id, id);
        assert_eq!(found.app().locations.len(), 1);
        assert_eq!((found.app().locations[0].id, found.app().locations[0].name.as_str()), (40, "Aquatos"));
        assert_eq!(found.app().rsa_key, DEFAULT_RSA_KEY);
    }
    let title = set.title("ratchet-uya").unwrap();
    let city = &title.config.channel[0];
    assert_eq!((city.name.as_str(), city.max_players), ("CY00000000-00", 224));
    assert_eq!((city.generic_fields, city.generic_field_level), ([1, 1, 0, 0], 32));
    assert_eq!(set.lookup(10684).unwrap().app().status, Status::Captured);
    assert_eq!(set.lookup(10681).unwrap().app().status, Status::Documented);
}

#[test]
fn exceptions_of_the_connect_sequence_stand_where_the_sources_have_them() {
    let set = shipped();
    let accept_at_once = [
        20623, 20624, 21564, 21574, 21584, 21594, 22274, 22284, 22294, 22304, 20040, 20041, 20042, 20043,
        20044,
    ];
    for id in accept_at_once {
        assert!(set.lookup(id).unwrap().app().handshake.skip_connect_require, "{id}");
    }
    let with_exception = |pick: fn(&medley_titles::Handshake) -> bool| {
        let apps = set.titles().iter().flat_map(|title| &title.apps);
        apps.filter(|app| pick(&app.handshake)).map(|app| app.id).collect::<Vec<_>>()
    };
    assert_eq!(with_exception(|h| h.skip_connect_require).len(), accept_at_once.len());
    assert_eq!(with_exception(|h| !h.fragment), [21834]);
    assert_eq!(with_exception(|h| h.complete_unasked_above_108 == [ServerKind::Mas]), [10694]);
    assert_eq!(with_exception(|h| h.complete_unasked_above_108 == [ServerKind::Mls]), [10984]);
    assert_eq!(set.lookup(10684).unwrap().app().handshake, medley_titles::Handshake::default());
    assert_eq!(set.lookup(11184).unwrap().app().handshake.accept_version, [0x01, 0x08, 0xd3]);
}

#[test]
fn the_unnamed_app_ids_are_kept_but_not_served() {
    let text = fs::read_to_string(root().join("games/unnamed-apps/game.toml")).unwrap();
    assert!(shipped().lookup(11484).is_none());
    let served = text.replace("enabled = false", "enabled = true");
    let set =
        TitleSet::from_texts([("unnamed-apps", "games/unnamed-apps/game.toml", served.as_str())]).unwrap();
    let odd = set.lookup(11484).unwrap().app();
    assert!(odd.handshake.treat_as_108 && odd.handshake.skip_connect_require);
    assert_eq!(
        set.lookup(10010).unwrap().app().encryption(&EncryptionDefaults::default()).dme,
        Cipher::Clear
    );
}

#[test]
fn a_title_that_is_clear_by_data_is_clear_and_the_rest_follows_the_host() {
    let set = shipped();
    let defaults = EncryptionDefaults::default();
    let black = set.lookup(10031).unwrap().app().encryption(&defaults);
    assert_eq!((black.mls, black.dme, black.relay), (Cipher::Clear, Cipher::Clear, RelayCipher::Clear));
    let uya = set.lookup(10684).unwrap().app().encryption(&defaults);
    assert_eq!(
        (uya.mls, uya.dme, uya.relay),
        (Cipher::Enciphered, Cipher::Enciphered, RelayCipher::AsReceived)
    );
    let clear = EncryptionDefaults { mls: Cipher::Clear, ..defaults };
    assert_eq!(set.lookup(10684).unwrap().app().encryption(&clear).mls, Cipher::Clear);
}

#[test]
fn regions_keep_their_own_universe() {
    let set = shipped();
    let patch = |id| set.lookup(id).unwrap().app().universes[0].extended_info.clone();
    assert_eq!(patch(20764), "v3.1 http://{host}/frostfight.prod/myuser/BCUS98137");
    assert_eq!(patch(20364), "v3.1 http://{host}/frostfight.prod/myuser/BCES00006");
    assert_eq!(set.lookup(11184).unwrap().app().universes[0].name, "Ratchet: Deadlocked Production");
    assert_eq!(set.lookup(10411).unwrap().app().universes[0].name, "Syphon Filter: The Omega Strain");
    assert_eq!(set.title("jak-x").unwrap().config.games.connection, GameConnection::Tcp);
}

#[test]
fn every_title_has_a_channel_and_says_how_it_is_known() {
    for title in shipped().titles() {
        assert!(!title.config.channel.is_empty(), "{}", title.id);
        assert_eq!(title.apps.is_empty(), title.config.status == Status::NoAppId, "{}", title.id);
        for app in &title.apps {
            assert!(!app.platform.is_empty(), "{} {}", title.id, app.id);
            assert!(!app.universes.is_empty());
        }
    }
}

#[test]
fn every_key_of_both_files_is_documented() {
    for (rendered, keys) in [
        (docs::configuration_md(), keys_of::<HostConfig>()),
        (docs::game_toml_md(), keys_of::<TitleConfig>()),
    ] {
        for key in keys {
            assert!(!key.doc.is_empty(), "{} has no doc comment", key.path);
            let name = key.path.trim_end_matches("[]").rsplit('.').next().unwrap().to_owned();
            let heading = format!("{}]", key.path.replace("[]", ""));
            assert!(
                rendered.contains(&format!("| `{name}` |")) || rendered.contains(&heading),
                "{}",
                key.path
            );
        }
    }
}

#[test]
fn the_documents_are_those_of_the_code_and_the_data() {
    let set = shipped();
    for (file, text) in [
        ("configuration.md", docs::configuration_md()),
        ("game-toml.md", docs::game_toml_md()),
        ("titles.md", docs::titles_md(&set)),
    ] {
        let path = root().join("docs").join(file);
        if env::var_os("MEDLEY_UPDATE_DOCS").is_some() {
            fs::write(&path, text).unwrap();
        } else {
            let on_disk = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                on_disk == text,
                "docs/{file} is stale: run MEDLEY_UPDATE_DOCS=1 cargo test -p medley-titles"
            );
        }
    }
}
