//! Checks of values that a type cannot make: lengths on the wire, ranges, and keys that contradict each other.

use std::collections::BTreeMap;
use std::path::{Component, Path};
use std::time::Duration;

use crate::document::Document;
use crate::host::{HostConfig, UdpMode};
use crate::problem::excerpt;
use crate::title::{
    AccountRules, HandshakeOverride, Location, PluginConfig, Security, Status, Superset, TicketCheck,
    TicketNetwork, TitleConfig, Universe, Versions, three_bytes,
};

/// LOBBYNAME_MAXLEN, WORLDNAME_MAXLEN and LOCATIONNAME_MAXLEN are 64 with the NUL.
const WORLD_NAME: usize = 63;
/// SupersetName, bytes.
const SUPERSET_NAME: usize = 49;
/// SupersetDescription and ExtraInfo, bytes.
const SUPERSET_TEXT: usize = 255;
/// ACCOUNTNAME_MAXLEN is 32 with the NUL.
const ACCOUNT_NAME: usize = 31;
/// Channel passwords: string[32].
const CHANNEL_PASSWORD: usize = 31;
/// Announcement texts: 1000 with the NUL (a 1038-byte message at 1.08), 4000 at 1.13.
const ANNOUNCEMENT: usize = 999;
const ANNOUNCEMENT_113: usize = 3999;
/// VersionServerResponse: string[56].
const VERSION: usize = 55;
/// DmeServerVersion: 16 bytes.
const DME_VERSION: usize = 15;
/// One relay index is one byte.
const RELAY_PLAYERS: u32 = 256;
/// MaxPlayers of a channel is 16 bits in ChannelList_ExtraInfo.
const CHANNEL_PLAYERS: u32 = 65_535;
/// The levels of MediusWorldGenericFieldLevelType.
const FIELD_LEVELS: [u32; 11] = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
/// Capabilities that take no argument.
const GRANTS: [&str; 6] = ["kick", "ban", "memory", "accounts", "send-raw", "relay-inject"];
/// Content of a file, as the store takes it.
const FILE: u32 = 16 * 1024 * 1024;
/// A list request looks at every file whose name fits.
const FILES: u32 = 100_000;
/// A policy is sent in rows of 256 bytes; this bounds how many.
const POLICY: usize = 65_536;

impl Document<'_> {
    /// A text that goes into a NUL-terminated field of `max` bytes without the NUL.
    fn text(&mut self, path: &str, text: &str, max: usize) {
        if text.len() > max {
            let found = format!("{} bytes", text.len());
            self.note(path, format!("at most {max} bytes, the field on the wire"), found, "shorten the text");
        } else if text.contains('\0') {
            self.note(path, "text without a NUL", "a NUL byte", "remove it: the wire's texts end at a NUL");
        }
    }

    fn required(&mut self, path: &str, text: &str, max: usize) {
        if text.trim().is_empty() {
            self.note(path, "a text", "nothing", "give the key a value");
        } else {
            self.text(path, text, max);
        }
    }

    fn range<T: PartialOrd + std::fmt::Display>(&mut self, path: &str, value: T, min: T, max: T) {
        if value < min || value > max {
            self.note(path, format!("{min} to {max}"), value.to_string(), "choose a value in that range");
        }
    }

    fn at_least<T: PartialOrd + std::fmt::Display>(&mut self, path: &str, value: T, min: T) {
        if value < min {
            self.note(path, format!("{min} or more"), value.to_string(), "choose a larger value");
        }
    }

    fn both(&mut self, path: &str, other: &str, both_given: bool) {
        if both_given {
            self.note(path, format!("either this key or `{other}`"), "both", "remove one of them");
        }
    }
}

/// Checks `medley.toml`.
pub(crate) fn host(config: &HostConfig, doc: &mut Document<'_>) {
    let addresses = [
        ("public_address", config.public_address),
        ("nat_address", config.nat_address),
        ("relay.public_address", config.relay.public_address),
    ];
    for (key, address) in addresses {
        if let Some(address) = address.filter(|a| a.is_unspecified() || a.is_broadcast() || a.is_multicast())
        {
            let help = "give the address that players reach, or remove the key to tell each client the one it reached";
            doc.note(key, "an IPv4 address of one machine", address.to_string(), help);
        }
    }
    for (key, path) in [("data_dir", &config.data_dir), ("games_dir", &config.games_dir)] {
        if path.as_os_str().is_empty() {
            doc.note(key, "a path", "nothing", "name a folder; `.` is the working directory");
        }
    }
    ports(config, doc);
    relay(config, doc);
    limits(config, doc);

    let t = &config.timeouts;
    let positive = [
        ("timeouts.auth", t.auth),
        ("timeouts.client", t.client),
        ("timeouts.session", t.session),
        ("timeouts.keep_alive_grace", t.keep_alive_grace),
        ("timeouts.server_echo", t.server_echo),
        ("timeouts.stale_login", t.stale_login),
        ("timeouts.game", t.game),
        ("timeouts.dme", t.dme),
        ("timeouts.store", t.store),
        ("timeouts.access_key", t.access_key),
        ("timeouts.ban_check", t.ban_check),
        ("relay.game_timeout", config.relay.game_timeout),
        ("relay.client_timeout", config.relay.client_timeout),
        ("relay.reconnect", config.relay.reconnect),
    ];
    for (key, value) in positive {
        if value < Duration::from_millis(10) {
            doc.note(key, "0.01 seconds or more", value.as_secs_f64().to_string(), "choose a longer time");
        }
    }
    if t.server_echo >= t.client {
        let found = format!("{} s against {} s", t.server_echo.as_secs_f64(), t.client.as_secs_f64());
        let help = "choose a shorter interval, or silent players are cut before they are asked";
        doc.note("timeouts.server_echo", "less than timeouts.client", found, help);
    }

    let p = &config.password;
    doc.range("password.parallelism", p.parallelism, 1, 255);
    doc.range("password.iterations", p.iterations, 1, 1000);
    doc.range("password.memory_kib", p.memory_kib, 8 * p.parallelism.clamp(1, 255), 4_194_304);
    doc.range("password.concurrency", p.concurrency, 1, 1024);
    doc.at_least("store.cache_bytes", config.store.cache_bytes, 1_048_576);

    let m = &config.maintenance;
    if let (Some(from), Some(to)) = (m.from, m.to)
        && from >= to
    {
        doc.note(
            "maintenance.to",
            "a moment after maintenance.from",
            "one before it",
            "swap or correct the two",
        );
    }
    doc.text("maintenance.message", &m.message, 255);
    if config.log.level.trim().is_empty() {
        doc.note("log.level", "a level or a filter", "nothing", "use \"info\", or remove the key");
    }
}

fn ports(config: &HostConfig, doc: &mut Document<'_>) {
    let l = &config.listen;
    let mut tcp = vec![
        ("listen.muis".to_owned(), l.muis),
        ("listen.mas".to_owned(), l.mas),
        ("listen.mls".to_owned(), l.mls),
        ("listen.mps".to_owned(), l.mps),
    ];
    let more = [("muis_extra", &l.muis_extra), ("maps", &l.maps), ("mms", &l.mms), ("mucg", &l.mucg)];
    for (key, ports) in more {
        tcp.extend(listed(key, ports));
        doc.range(&format!("listen.{key}"), ports.len(), 0, 16);
    }
    if config.relay.enabled {
        tcp.push(("listen.dme_tcp".to_owned(), l.dme_tcp));
    }
    tcp.push(("listen.console".to_owned(), l.console));
    unique(&tcp, "TCP", doc);

    let mut udp = vec![("listen.nat".to_owned(), l.nat)];
    if config.relay.enabled && config.relay.udp_mode == UdpMode::Shared {
        udp.push(("listen.dme_udp".to_owned(), l.dme_udp));
    }
    udp.extend(listed("bwps", &l.bwps));
    unique(&udp, "UDP", doc);
    doc.range("listen.bwps", l.bwps.len(), 0, 16);
}

/// The ports of a list, each with its key.
fn listed(key: &str, ports: &[u16]) -> impl Iterator<Item = (String, u16)> {
    ports.iter().enumerate().map(move |(i, port)| (format!("listen.{key}[{i}]"), *port))
}

fn unique(ports: &[(String, u16)], protocol: &str, doc: &mut Document<'_>) {
    let mut taken: BTreeMap<u16, &str> = BTreeMap::new();
    for (key, port) in ports.iter().filter(|(_, port)| *port != 0) {
        if let Some(first) = taken.insert(*port, key) {
            let found = format!("{port}, which {first} has too");
            doc.note(key, format!("a {protocol} port of its own"), found, "give one of them another port");
        }
    }
}

fn relay(config: &HostConfig, doc: &mut Document<'_>) {
    let r = &config.relay;
    doc.range("relay.max_worlds", r.max_worlds, 1, 65_535);
    doc.range("relay.max_players_per_world", r.max_players_per_world, 1, RELAY_PLAYERS);
    doc.range("relay.max_datagram_ps2", r.max_datagram_ps2, 128, 1400);
    doc.range("relay.max_datagram_ps3", r.max_datagram_ps3, 128, 1603);
    if r.udp_mode == UdpMode::PortPerClient {
        doc.at_least("relay.udp_ports", r.udp_ports, 1);
        let last = u32::from(r.udp_base) + u32::from(r.udp_ports.saturating_sub(1));
        if r.udp_base != 0 && last > 65_535 {
            let found = format!("{} ports from {} on, the last being {last}", r.udp_ports, r.udp_base);
            doc.note("relay.udp_ports", "a range that ends at 65535 at most", found, "lower one of the two");
        }
    }
}

fn limits(config: &HostConfig, doc: &mut Document<'_>) {
    let l = &config.limits;
    doc.at_least("limits.max_connections", l.max_connections, 1);
    doc.at_least("limits.max_connections_per_ip", l.max_connections_per_ip, 1);
    doc.at_least("limits.new_connections_burst", l.new_connections_burst, 1);
    doc.at_least("limits.max_half_open", l.max_half_open, 1);
    doc.at_least("limits.messages_burst", l.messages_burst, 1);
    doc.range("limits.push_queue", l.push_queue, 8, 65_536);
    doc.range("limits.relay_queue_bytes", l.relay_queue_bytes, 4096, 67_108_864);
}

/// Checks a `game.toml` whose text files have been read.
pub(crate) fn title(config: &TitleConfig, doc: &mut Document<'_>) {
    doc.required("name", &config.name, 127);
    apps(config, doc);
    universes("", &config.universe, doc);
    locations("", &config.location, doc);
    channels(config, doc);
    supersets(&config.superset, doc);
    texts(config, doc);
    versions("versions", &config.versions, doc);
    handshake("handshake", &config.handshake, doc);

    plugin(&config.plugin, doc);

    let a = &config.accounts;
    doc.range("accounts.name_max", a.name_max, 1, ACCOUNT_NAME as u32);
    doc.range("accounts.name_min", a.name_min, 1, a.name_max.max(1));
    ticket_keys(a, doc);
    words("accounts.reserved_names", &a.reserved_names, doc);
    words("accounts.forbidden_in_names", &a.forbidden_in_names, doc);
    words("accounts.moderators", &a.moderators, doc);
    words("text_filter.words", &config.text_filter.words, doc);
    let mut ids = BTreeMap::new();
    for (i, account) in a.system.iter().enumerate() {
        doc.required(&format!("accounts.system[{i}].name"), &account.name, ACCOUNT_NAME);
        doc.range(&format!("accounts.system[{i}].id"), account.id, 1, i32::MAX as u32);
        if let Some(first) = ids.insert(account.id, i) {
            let found = format!("{}, which accounts.system[{first}] has too", account.id);
            doc.note(
                &format!("accounts.system[{i}].id"),
                "an account id of its own",
                found,
                "change one of them",
            );
        }
    }

    let l = &config.limits;
    doc.range("limits.max_games", l.max_games, 1, 65_535);
    doc.range("limits.max_players_per_game", l.max_players_per_game, 1, RELAY_PLAYERS);
    doc.range("limits.max_channels", l.max_channels, config.channel.len().max(1) as u32, 65_535);
    doc.range("limits.max_players_per_channel", l.max_players_per_channel, 1, CHANNEL_PLAYERS);
    doc.range("limits.max_buddies", l.max_buddies, 0, 65_535);
    doc.range("limits.max_ignored", l.max_ignored, 0, 65_535);
    let f = &config.files;
    doc.range("files.max_file_bytes", f.max_file_bytes, 0, FILE);
    doc.range("files.max_files", f.max_files, 0, FILES);
    if f.upload_timeout < Duration::from_secs(1) {
        let found = f.upload_timeout.as_secs_f64().to_string();
        doc.note("files.upload_timeout", "1 second or more", found, "choose a longer time");
    }
    doc.range("relay.max_players", config.relay.max_players, 1, RELAY_PLAYERS);
    doc.range("games.join_max_players", config.games.join_max_players, 0, RELAY_PLAYERS);
    let zone = config.time.zone;
    if !(-1200..=1400).contains(&zone) || zone % 100 >= 60 || zone % 100 <= -60 {
        let help = "write -700 for seven hours behind, 530 for five and a half ahead";
        doc.note("time.zone", "hours and minutes from -1200 to 1400", zone.to_string(), help);
    }
    doc.text("system_message.banned", &config.system_message.banned, 255);
    doc.text("system_message.welcome", &config.system_message.welcome, 255);
}

fn apps(config: &TitleConfig, doc: &mut Document<'_>) {
    let unknown_id = config.status == Status::NoAppId;
    if config.app.is_empty() && !unknown_id {
        let help = "add an [[app]] table with the id, or set status = \"no-app-id\"";
        doc.note("app", "at least one app id", "none", help);
    }
    if unknown_id && !config.app.is_empty() {
        doc.note(
            "status",
            "a status of a title with app ids",
            "\"no-app-id\"",
            "use \"untried\" until you have tried it",
        );
    }
    let mut seen = BTreeMap::new();
    for (i, app) in config.app.iter().enumerate() {
        let at = format!("app[{i}]");
        if app.id == 0 || app.id > i32::MAX as u32 {
            let help = "give the application id that the game sends; app id 0 is the fall-back entry of other servers";
            doc.note(&format!("{at}.id"), "1 to 2147483647", app.id.to_string(), help);
        } else if let Some(first) = seen.insert(app.id, i) {
            let found = format!("{}, which app[{first}] has too", app.id);
            doc.note(
                &format!("{at}.id"),
                "an app id that stands once",
                found,
                "remove one of the two tables",
            );
        }
        doc.text(&format!("{at}.name"), &app.name, 127);
        doc.text(&format!("{at}.application_name"), &app.application_name, 31);
        for (j, host) in app.hosts.iter().enumerate() {
            if !host_name(host) {
                let found = format!("`{}`", excerpt(host));
                doc.note(
                    &format!("{at}.hosts[{j}]"),
                    "a host name",
                    found,
                    "write it without scheme, port or path",
                );
            }
        }
        if app.rsa_key.as_deref() == Some("") {
            doc.note(
                &format!("{at}.rsa_key"),
                "the name of a key",
                "nothing",
                "remove the key to use medius_global",
            );
        }
        universes(&format!("{at}."), &app.universe, doc);
        locations(&format!("{at}."), &app.location, doc);
        if let Some(texts) = &app.versions {
            versions(&format!("{at}.versions"), texts, doc);
        }
        handshake(&format!("{at}.handshake"), &app.handshake, doc);
    }
}

fn universes(at: &str, rows: &[Universe], doc: &mut Document<'_>) {
    for (i, row) in rows.iter().enumerate() {
        let at = format!("{at}universe[{i}]");
        doc.text(&format!("{at}.name"), &row.name, 127);
        doc.text(&format!("{at}.description"), &row.description, 255);
        doc.text(&format!("{at}.billing"), &row.billing, 7);
        doc.text(&format!("{at}.billing_name"), &row.billing_name, 127);
        // "{host}" becomes an address of up to 15 bytes; the web lobby's URL gets a trailing space as well.
        let grown = |text: &str, extra: usize| text.len() + 9 * text.matches("{host}").count() + extra;
        for (key, text, extra) in [("extended_info", &row.extended_info, 0), ("svo_url", &row.svo_url, 1)] {
            let length = grown(text, extra);
            if length > 127 {
                let wanted = "at most 127 bytes with the address filled in, the field on the wire";
                doc.note(&format!("{at}.{key}"), wanted, format!("{length} bytes"), "shorten the text");
            }
        }
        doc.text(&format!("{at}.news"), &row.news, 255);
        doc.text(&format!("{at}.dns"), &row.dns, 127);
        if !row.dns.is_empty() && !host_name(&row.dns) {
            let help = "leave it empty for our own address";
            doc.note(
                &format!("{at}.dns"),
                "an IPv4 address or a host name",
                format!("`{}`", excerpt(&row.dns)),
                help,
            );
        }
    }
}

fn locations(at: &str, rows: &[Location], doc: &mut Document<'_>) {
    for (i, row) in rows.iter().enumerate() {
        doc.required(&format!("{at}location[{i}].name"), &row.name, WORLD_NAME);
    }
    own_ids(at, "location", rows.iter().map(|row| row.id), doc);
}

fn ticket_keys(rules: &AccountRules, doc: &mut Document<'_>) {
    for (i, key) in rules.ticket_key.iter().enumerate() {
        let digits = match key.network {
            TicketNetwork::Psn => 96,
            TicketNetwork::Rpcn => 112,
        };
        let hex = key.public_key.bytes().all(|digit| digit.is_ascii_hexdigit());
        if !hex || key.public_key.len() != digits {
            let found = format!("{} characters", key.public_key.len());
            let wanted = format!("{digits} hexadecimal digits, x and y of a public key");
            doc.note(
                &format!("accounts.ticket_key[{i}].public_key"),
                &wanted,
                found,
                "see docs/game-toml.md",
            );
        }
    }
    if rules.tickets == TicketCheck::Signed && rules.ticket_login && rules.ticket_key.is_empty() {
        let help = "add [[accounts.ticket_key]], or set accounts.ticket_login = false";
        doc.note("accounts.tickets", "a key to check signatures with", "none", help);
    }
}

fn supersets(rows: &[Superset], doc: &mut Document<'_>) {
    for (i, row) in rows.iter().enumerate() {
        doc.required(&format!("superset[{i}].name"), &row.name, SUPERSET_NAME);
        doc.text(&format!("superset[{i}].description"), &row.description, SUPERSET_TEXT);
        doc.text(&format!("superset[{i}].extra_info"), &row.extra_info, SUPERSET_TEXT);
    }
    own_ids("", "superset", rows.iter().map(|row| row.id), doc);
}

/// Notes each row of a table whose id an earlier row has.
fn own_ids(at: &str, table: &str, ids: impl Iterator<Item = u32>, doc: &mut Document<'_>) {
    let mut seen = BTreeMap::new();
    for (i, id) in ids.enumerate() {
        if let Some(first) = seen.insert(id, i) {
            let found = format!("{id}, which {table}[{first}] has too");
            let wanted = format!("a {table} id of its own");
            doc.note(&format!("{at}{table}[{i}].id"), &wanted, found, "change one of them");
        }
    }
}

fn channels(config: &TitleConfig, doc: &mut Document<'_>) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    if config.channel.is_empty() {
        doc.note(
            "channel",
            "at least one channel",
            "none",
            "add a [[channel]] table: players land in the first at login",
        );
    }
    for (i, channel) in config.channel.iter().enumerate() {
        let at = format!("channel[{i}]");
        doc.required(&format!("{at}.name"), &channel.name, WORLD_NAME);
        if let Some(first) = seen.insert(channel.name.to_lowercase(), i) {
            let found = format!("`{}`, which channel[{first}] has too", excerpt(&channel.name));
            doc.note(&format!("{at}.name"), "a channel name of its own", found, "rename one of them");
        }
        doc.range(&format!("{at}.max_players"), channel.max_players, 1, CHANNEL_PLAYERS);
        if !FIELD_LEVELS.contains(&channel.generic_field_level) {
            let wanted = "0, 1, 2, 4, 8, 16, 32, 64, 128, 256 or 512";
            let found = channel.generic_field_level.to_string();
            doc.note(
                &format!("{at}.generic_field_level"),
                wanted,
                found,
                "32 means the first two fields with a third",
            );
        }
        doc.text(&format!("{at}.password"), &channel.password, CHANNEL_PASSWORD);
        let wants_password = channel.security == Security::PlayerPassword;
        if wants_password && channel.password.is_empty() {
            let help = "give a password, or set security = \"none\"";
            doc.note(&format!("{at}.password"), "a password, as security asks for one", "nothing", help);
        } else if !wants_password && !channel.password.is_empty() {
            let help = "set security = \"player-password\", or remove the password";
            doc.note(&format!("{at}.password"), "no password, as security asks for none", "one", help);
        }
        app_ids(&format!("{at}.app_ids"), &channel.app_ids, config, doc);
    }
}

fn app_ids(path: &str, ids: &[u32], config: &TitleConfig, doc: &mut Document<'_>) {
    for (j, id) in ids.iter().enumerate() {
        if !config.app.iter().any(|app| app.id == *id) {
            let help = "correct the id, or add an [[app]] table for it";
            doc.note(&format!("{path}[{j}]"), "an app id of this title", id.to_string(), help);
        }
    }
}

fn texts(config: &TitleConfig, doc: &mut Document<'_>) {
    let long = !config.app.is_empty() && config.app.iter().all(|app| app.medius_version == "1.13");
    let max = if long { ANNOUNCEMENT_113 } else { ANNOUNCEMENT };
    for (i, announcement) in config.announcement.iter().enumerate() {
        let at = format!("announcement[{i}]");
        let key = if announcement.file.is_empty() { "text" } else { "file" };
        doc.required(&format!("{at}.{key}"), &announcement.whole_text(), max);
        app_ids(&format!("{at}.app_ids"), &announcement.app_ids, config, doc);
    }
    let p = &config.policy;
    for (key, file, text) in [("usage", &p.usage_file, &p.usage), ("privacy", &p.privacy_file, &p.privacy)] {
        let suffix = if file.is_empty() { "" } else { "_file" };
        doc.text(&format!("policy.{key}{suffix}"), text, POLICY);
    }
}

fn versions(at: &str, texts: &Versions, doc: &mut Document<'_>) {
    doc.text(&format!("{at}.muis"), &texts.muis, VERSION);
    doc.text(&format!("{at}.mas"), &texts.mas, VERSION);
    doc.text(&format!("{at}.mls"), &texts.mls, VERSION);
    doc.text(&format!("{at}.dme_108"), &texts.dme_108, DME_VERSION);
    doc.text(&format!("{at}.dme"), &texts.dme, DME_VERSION);
}

fn handshake(at: &str, over: &HandshakeOverride, doc: &mut Document<'_>) {
    if let Some(bytes) = &over.accept_version
        && three_bytes(bytes).is_none()
    {
        let found = format!("`{}`", excerpt(bytes));
        doc.note(&format!("{at}.accept_version"), "six hex digits", found, "Sony's servers send 0108d3");
    }
}

fn host_name(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn words(path: &str, words: &[String], doc: &mut Document<'_>) {
    for (i, word) in words.iter().enumerate() {
        if word.trim().is_empty() {
            doc.note(&format!("{path}[{i}]"), "a word", "nothing", "remove it: it would match every text");
        } else {
            doc.text(&format!("{path}[{i}]"), word, 63);
        }
    }
}

fn plugin(config: &PluginConfig, doc: &mut Document<'_>) {
    if !config.file.is_empty() && plugin_path(&config.file).is_none() {
        let wanted = "a path inside the title's folder, or `../<title>/<file>`";
        let help = "put the file below the games folder";
        doc.note("plugin.file", wanted, format!("`{}`", excerpt(&config.file)), help);
    }
    for (i, grant) in config.grants.iter().enumerate() {
        let known = GRANTS.contains(&grant.as_str())
            || grant.strip_prefix("http:").is_some_and(|host| !host.is_empty() && host_name(host));
        if !known {
            let wanted = format!("one of {}, http:<host>", GRANTS.join(", "));
            let found = format!("`{}`", excerpt(grant));
            doc.note(&format!("plugin.grants[{i}]"), wanted, found, "correct the name or remove it");
        }
    }
    let l = &config.limits;
    doc.range("plugin.limits.memory_bytes", l.memory_bytes, 1 << 20, 1 << 32);
    doc.range("plugin.limits.call_cpu_millis", l.call_cpu_millis, 1, 1000);
    doc.range("plugin.limits.call_wall_millis", l.call_wall_millis, 1, 5000);
    doc.range("plugin.limits.packets_cpu_millis", l.packets_cpu_millis, 1, 100);
    doc.range("plugin.limits.load_cpu_millis", l.load_cpu_millis, 1, 60_000);
    doc.range("plugin.limits.timers", l.timers, 0, 1_000_000);
    doc.range("plugin.limits.sends_per_call", l.sends_per_call, 1, 1_000_000);
    doc.at_least("plugin.limits.failures_per_minute", l.failures_per_minute, 1);
}

/// Splits the path of a plugin: the folder of another title, if it names one, and the path inside.
pub(crate) fn plugin_path(file: &str) -> Option<(Option<&str>, &str)> {
    let plain = |path: &str| {
        !path.is_empty()
            && !path.contains('\\')
            && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
    };
    match file.strip_prefix("../") {
        None => plain(file).then_some((None, file)),
        Some(rest) => {
            let (title, path) = rest.split_once('/')?;
            (plain(title) && plain(path)).then_some((Some(title), path))
        }
    }
}

/// Notes keys that say the same thing twice; run before text files are filled in.
pub(crate) fn one_text_each(config: &TitleConfig, doc: &mut Document<'_>) {
    for (i, a) in config.announcement.iter().enumerate() {
        doc.both(&format!("announcement[{i}].file"), "text", !a.text.is_empty() && !a.file.is_empty());
    }
    let p = &config.policy;
    doc.both("policy.usage_file", "usage", !p.usage.is_empty() && !p.usage_file.is_empty());
    doc.both("policy.privacy_file", "privacy", !p.privacy.is_empty() && !p.privacy_file.is_empty());
}
