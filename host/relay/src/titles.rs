//! [`RelayRules`] from the titles' folders.

use std::sync::Arc;

use arc_swap::ArcSwap;
use medley_session::ServerKind;
use medley_titles::host::EncryptionDefaults;
use medley_titles::{Cipher, HostConfig, TitleSet};
use medley_wire::AppId;
use medley_wire::types::Text;

use crate::config::{RelayCipher, RelayRules, RelayTitle};

/// The titles in force, and the host's defaults for them.
#[derive(Debug)]
pub struct TitleRelays {
    titles: ArcSwap<TitleSet>,
    defaults: ArcSwap<EncryptionDefaults>,
}

impl TitleRelays {
    /// What `titles` say, with the defaults of `config`.
    #[must_use]
    pub fn new(config: &HostConfig, titles: TitleSet) -> Self {
        Self {
            titles: ArcSwap::from_pointee(titles),
            defaults: ArcSwap::from_pointee(config.encryption.clone()),
        }
    }

    /// Takes new titles and defaults: for connections and worlds that come from now on.
    pub fn replace(&self, config: &HostConfig, titles: TitleSet) {
        self.titles.store(Arc::new(titles));
        self.defaults.store(Arc::new(config.encryption.clone()));
    }
}

impl RelayRules for TitleRelays {
    fn for_app(&self, id: AppId) -> RelayTitle {
        let titles = self.titles.load();
        let Some(found) = titles.lookup(id.0) else { return RelayTitle::default() };
        let (app, title) = (found.app(), &found.title().config);
        let encryption = app.encryption(&self.defaults.load());
        RelayTitle {
            id: Arc::from(found.title().id.as_str()),
            version_108: Text::new(&app.versions.dme_108),
            version: Text::new(&app.versions.dme),
            enciphered: encryption.dme == Cipher::Enciphered,
            cipher: match encryption.relay {
                medley_titles::RelayCipher::AsReceived => RelayCipher::AsReceived,
                medley_titles::RelayCipher::Enciphered => RelayCipher::Enciphered,
                medley_titles::RelayCipher::Clear => RelayCipher::Clear,
            },
            udp: title.relay.udp,
            aggregation: title.relay.aggregation,
            max_players: u16::try_from(title.relay.max_players).unwrap_or(u16::MAX),
            handshake: app.handshake.on(ServerKind::Dme),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(game: &str, app: u32) -> RelayTitle {
        let titles = TitleSet::from_texts([("test", "test/game.toml", game)]).unwrap();
        TitleRelays::new(&HostConfig::default(), titles).for_app(AppId(app))
    }

    #[test]
    fn what_a_game_toml_says_about_the_relay_reaches_it() {
        let title = of(
            r#"
            name = "Test"
            [[app]]
            id = 7
            [[channel]]
            name = "Aquatos"
            [versions]
            dme_108 = "1.0"
            dme = "2.0"
            [encryption]
            dme = "clear"
            relay = "enciphered"
            [relay]
            udp = false
            aggregation = false
            max_players = 12
            [handshake]
            send_second_peer_key = false
            complete_unasked_above_108 = ["dme"]
            accept_version = "010810"
            "#,
            7,
        );
        assert_eq!((title.version_108, title.version), (Text::new("1.0"), Text::new("2.0")));
        assert_eq!((title.enciphered, title.cipher), (false, RelayCipher::Enciphered));
        assert_eq!((title.udp, title.aggregation, title.max_players), (false, false, 12));
        let handshake = medley_session::Handshake {
            send_second_peer_key: false,
            complete_unasked_above_108: true,
            accept_version: [1, 8, 0x10],
            ..Default::default()
        };
        assert_eq!(title.handshake, handshake);
    }

    #[test]
    fn a_title_that_says_nothing_is_as_one_that_nobody_knows() {
        let least = "name = \"Test\"\n[[app]]\nid = 7\n[[channel]]\nname = \"Aquatos\"\n";
        let (known, unknown) = (of(least, 7), of(least, 8));
        assert_eq!(&*known.id, "test");
        let unknown = RelayTitle { id: Arc::clone(&known.id), ..unknown };
        assert_eq!(format!("{known:?}"), format!("{unknown:?}"));
        assert_eq!(known.handshake, medley_session::Handshake::default());
    }
}
