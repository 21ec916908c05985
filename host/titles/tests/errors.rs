//! Every class of error names the file, the line, the key, what was wanted, what was found, and what to do.

use medley_titles::host::{HostConfig, LogFormat, UdpMode};
use medley_titles::{ConfigErrors, Problem, TitleSet};
use proptest::prelude::*;

fn host_error(text: &str) -> Vec<Problem> {
    let ConfigErrors(problems) =
        HostConfig::parse("medley.toml", text, []).expect_err("the text has an error");
    problems
}

fn title_error(text: &str) -> Vec<Problem> {
    let ConfigErrors(problems) =
        TitleSet::from_texts([("my-title", "game.toml", text)]).expect_err("the text has an error");
    problems
}

fn lines(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(Problem::to_string).collect()
}

fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

/// A title that is fine, for tests to append to.
const FINE: &str = "name = \"My Title\"\n\n[[app]]\nid = 5\n\n[[channel]]\nname = \"Lobby\"\n";

#[test]
fn an_unknown_key_is_an_error_with_its_line_and_a_suggestion() {
    let problems = host_error("[listen]\nmas = 1\nmsl = 2\n");
    assert_eq!(
        lines(&problems),
        [
            "medley.toml:3:1: listen.msl: wanted one of the keys bind, muis, muis_extra, mas, mls, mps, nat, maps, mms, mucg, bwps, \
             dme_tcp, dme_udp, console_bind, console, found the unknown key `msl`; did you mean `mls`?"
        ]
    );
    let problems = title_error(&format!("{FINE}pasword = \"x\"\n"));
    assert_eq!((problems[0].line, problems[0].key.as_str()), (8, "channel[0].pasword"));
    assert_eq!(problems[0].help, "did you mean `password`?");
    assert_eq!(host_error("zzzzzz = 1")[0].help, "remove it");
}

#[test]
fn a_value_of_the_wrong_type_says_what_is_wanted() {
    let problems = host_error("data_dir = \"d\"\n[listen]\nmas = \"ten\"\n");
    assert_eq!(
        lines(&problems),
        [
            "medley.toml:3:7: listen.mas: wanted whole number 0..65535, found `\"ten\"`; change the value (invalid type: string \
             \"ten\", expected u16)"
        ]
    );
    let problems =
        host_error("public_address = \"nowhere\"\n[relay]\nudp_mode = \"many\"\n[timeouts]\nclient = -1\n");
    assert_eq!(problems.len(), 3);
    assert_eq!((problems[0].line, problems[0].wanted.as_str()), (1, "IPv4 address"));
    assert_eq!((problems[1].line, problems[1].wanted.as_str()), (3, "`\"shared\"` or `\"port-per-client\"`"));
    assert_eq!((problems[2].line, problems[2].key.as_str()), (5, "timeouts.client"));
}

#[test]
fn a_syntax_error_names_its_line() {
    let problems = host_error("data_dir = \"d\"\n[listen\nmas = 3\n");
    assert_eq!(problems[0].line, 2);
    assert_eq!(problems[0].wanted, "TOML");
    assert!(problems[0].found.ends_with("in `[listen`"), "{}", problems[0].found);
    assert_eq!(host_error("data_dir = \"a\"\ndata_dir = \"b\"\n")[0].line, 2);
}

#[test]
fn all_problems_of_all_kinds_are_told_at_once_in_order_of_lines() {
    let text = "nonsense = 1\n\n[listen]\nmas = 70000\nmls = 10077\nbnd = \"\"\n\n[relay]\nmax_worlds = 0\n";
    let told: Vec<_> = host_error(text).into_iter().map(|p| (p.line, p.key)).collect();
    let told: Vec<(usize, &str)> = told.iter().map(|(line, key)| (*line, key.as_str())).collect();
    // The key `mps`, whose default collides with `mls`, does not stand in the file: its table does.
    assert_eq!(
        told,
        [(1, "nonsense"), (3, "listen.mps"), (4, "listen.mas"), (6, "listen.bnd"), (9, "relay.max_worlds")]
    );
}

#[test]
fn two_servers_cannot_have_one_port_but_may_both_choose_any() {
    let problems = host_error("[listen]\nmas = 4000\nmls = 4000\n");
    assert_eq!(
        lines(&problems),
        [
            "medley.toml:3:1: listen.mls: wanted a TCP port of its own, found 4000, which listen.mas has too; give one of them \
             another port"
        ]
    );
    assert!(HostConfig::parse("m", "[listen]\nmas = 0\nmls = 0\n", []).is_ok());
    // TCP and UDP do not meet.
    assert!(HostConfig::parse("m", "[listen]\nmas = 4000\nnat = 4000\n", []).is_ok());
}

#[test]
fn contradictions_between_keys_are_told() {
    for (text, line, key) in [
        ("public_address = \"0.0.0.0\"\n", 1, "public_address"),
        ("[timeouts]\nserver_echo = 40\n", 2, "timeouts.server_echo"),
        ("[maintenance]\nfrom = 2026-01-02T00:00:00Z\nto = 2026-01-01T00:00:00Z\n", 3, "maintenance.to"),
        (
            "[relay]\nudp_mode = \"port-per-client\"\nudp_base = 65000\nudp_ports = 1000\n",
            4,
            "relay.udp_ports",
        ),
        ("[password]\nmemory_kib = 4\n", 2, "password.memory_kib"),
        ("[limits]\nmax_half_open = 0\n", 2, "limits.max_half_open"),
        ("data_dir = \"\"\n", 1, "data_dir"),
        ("[log]\nlevel = \"\"\n", 2, "log.level"),
    ] {
        let problems = host_error(text);
        assert_eq!((problems[0].line, problems[0].key.as_str()), (line, key), "{}", problems[0]);
        assert_eq!(problems.len(), 1);
    }
}

#[test]
fn a_name_too_long_for_the_wire_is_refused_with_both_lengths() {
    let text = FINE.replace("Lobby", &"x".repeat(64));
    assert_eq!(
        lines(&title_error(&text)),
        [
            "game.toml:7:1: channel[0].name: wanted at most 63 bytes, the field on the wire, found 64 bytes; shorten the text"
        ]
    );
}

#[test]
fn each_rule_of_a_title_is_checked_where_it_stands() {
    for (extra, line, key) in [
        ("password = \"x\"\n", 8, "channel[0].password"),
        ("security = \"player-password\"\n", 6, "channel[0].password"),
        ("generic_field_level = 3\n", 8, "channel[0].generic_field_level"),
        ("max_players = 0\n", 8, "channel[0].max_players"),
        ("app_ids = [6]\n", 8, "channel[0].app_ids[0]"),
        ("[[channel]]\nname = \"LOBBY\"\n", 9, "channel[1].name"),
        ("[[channel]]\nmax_players = 3\n", 8, "channel[1].name"),
        ("[[app]]\nid = 5\n", 9, "app[1].id"),
        ("[[app]]\nregion = \"PAL\"\n", 8, "app[1].id"),
        ("[[app]]\nid = 6\nhosts = [\"http://x\"]\n", 10, "app[1].hosts[0]"),
        ("[[app]]\nid = 6\nrsa_key = \"\"\n", 10, "app[1].rsa_key"),
        ("[[location]]\nid = 1\nname = \"\"\n", 10, "location[0].name"),
        ("[[location]]\nname = \"a\"\n[[location]]\nname = \"b\"\n", 10, "location[1].id"),
        ("[[superset]]\nid = 7\n", 8, "superset[0].name"),
        ("[[superset]]\nname = \"a\"\n[[superset]]\nname = \"b\"\n", 10, "superset[1].id"),
        ("[[universe]]\nbilling = \"12345678\"\n", 9, "universe[0].billing"),
        ("[[universe]]\ndns = \"a b\"\n", 9, "universe[0].dns"),
        ("[[announcement]]\ntitle = \"\"\n", 8, "announcement[0].text"),
        ("[[announcement]]\ntext = \"a\"\nfile = \"b.txt\"\n", 10, "announcement[0].file"),
        ("[[announcement]]\nfile = \"../secret\"\n", 9, "announcement[0].file"),
        ("[policy]\nusage_file = \"usage.txt\"\n", 9, "policy.usage_file"),
        ("[accounts]\nname_max = 32\n", 9, "accounts.name_max"),
        ("[accounts]\nname_min = 9\nname_max = 8\n", 9, "accounts.name_min"),
        ("[accounts]\nreserved_names = [\"\"]\n", 9, "accounts.reserved_names[0]"),
        ("[accounts]\ntickets = \"signed\"\n", 9, "accounts.tickets"),
        ("[[accounts.ticket_key]]\npublic_key = \"1234\"\n", 9, "accounts.ticket_key[0].public_key"),
        ("[[accounts.system]]\nid = 0\nname = \"x\"\n", 9, "accounts.system[0].id"),
        ("[limits]\nmax_players_per_game = 257\n", 9, "limits.max_players_per_game"),
        ("[relay]\nmax_players = 0\n", 9, "relay.max_players"),
        ("[versions]\ndme = \"2.10.11432279400\"\n", 9, "versions.dme"),
        ("[time]\nzone = 99\n", 9, "time.zone"),
        ("[handshake]\naccept_version = \"0108\"\n", 9, "handshake.accept_version"),
        ("[handshake]\ncomplete_unasked_above_108 = [\"mum\"]\n", 9, "handshake.complete_unasked_above_108"),
    ] {
        let problems = title_error(&format!("{FINE}{extra}"));
        let first = &problems[0];
        assert!(problems.iter().any(|p| p.line == line && p.key == key), "{extra}: {first}");
        assert!(!first.help.is_empty() && !first.found.is_empty() && !first.wanted.is_empty());
    }
}

#[test]
fn a_web_lobby_address_is_measured_with_our_address_in_it() {
    let url = format!("http://{{host}}/{}", "x".repeat(104));
    let text = format!("{FINE}[[universe]]\nsvo_url = \"{url}\"\n");
    assert_eq!(title_error(&text)[0].found, "128 bytes");
    let shorter = text.replacen("xx", "x", 1);
    assert!(TitleSet::from_texts([("my-title", "game.toml", shorter.as_str())]).is_ok());
}

#[test]
fn an_empty_file_says_what_a_title_needs() {
    let keys: Vec<_> = title_error("").iter().map(|p| p.key.clone()).collect();
    assert_eq!(keys, ["app", "channel", "name"]);
}

#[test]
fn an_app_id_in_two_titles_names_both_places() {
    let other = FINE.replace("My Title", "Other");
    let error =
        TitleSet::from_texts([("a", "a/game.toml", FINE), ("b", "b/game.toml", other.as_str())]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "b/game.toml:4:1: app[0].id: wanted an app id of one title, found 5, which a/game.toml:4 has too; remove it from one of \
         the two, or disable one title with enabled = false"
    );
    let off = other.replace("name = \"Other\"", "name = \"Other\"\nenabled = false");
    assert!(TitleSet::from_texts([("a", "a", FINE), ("b", "b", off.as_str())]).is_ok());
}

#[test]
fn a_folder_name_that_is_no_id_is_refused() {
    let error = TitleSet::from_texts([("My Title", "My Title/game.toml", FINE)]).unwrap_err();
    assert_eq!(error.0[0].wanted, "a folder name of 1 to 32 lower case letters, digits and `-`");
}

#[test]
fn the_environment_goes_before_the_file() {
    let vars = env(&[
        ("MEDLEY_LISTEN_MAS", "4001"),
        ("MEDLEY_LISTEN_MUIS_EXTRA", "1, 2"),
        ("MEDLEY_PUBLIC_ADDRESS", "192.0.2.7"),
        ("MEDLEY_LOG_FORMAT", "json"),
        ("MEDLEY_LOG_LEVEL", "10"),
        ("MEDLEY_TIMEOUTS_CLIENT", "50.5"),
        ("MEDLEY_MAINTENANCE_EXEMPT", "192.0.2.1,::1"),
        ("MEDLEY_RELAY_UDP_MODE", "port-per-client"),
        ("MEDLEY_CONFIG", "elsewhere.toml"),
        ("PATH", "/bin"),
    ]);
    let config = HostConfig::parse("m", "[listen]\nmas = 3\nmls = 4\n", vars).unwrap();
    assert_eq!((config.listen.mas, config.listen.mls), (4001, 4));
    assert_eq!(config.listen.muis_extra, [1, 2]);
    assert_eq!(config.public_address, Some([192, 0, 2, 7].into()));
    assert_eq!((config.log.format, config.log.level.as_str()), (LogFormat::Json, "10"));
    assert_eq!(config.timeouts.client.as_secs_f64(), 50.5);
    assert_eq!(config.maintenance.exempt.len(), 2);
    assert_eq!(config.relay.udp_mode, UdpMode::PortPerClient);
}

#[test]
fn a_wrong_variable_is_named() {
    let told = |pairs: &[(&str, &str)]| HostConfig::parse("m", "", env(pairs)).unwrap_err().to_string();
    assert_eq!(
        told(&[("MEDLEY_LISTEN_MAS", "many")]),
        "environment variable MEDLEY_LISTEN_MAS: listen.mas: wanted whole number 0..65535, found `many`; change or unset the variable"
    );
    assert_eq!(
        told(&[("MEDLEY_LISTEN_MASS", "1")]),
        "environment variable MEDLEY_LISTEN_MASS: wanted MEDLEY_ and the name of a key, found no such key; unset it; \
         docs/configuration.md lists the variables"
    );
    assert!(
        told(&[("MEDLEY_RELAY_MAX_WORLDS", "0")])
            .starts_with("environment variable MEDLEY_RELAY_MAX_WORLDS: relay.max_worlds")
    );
}

#[test]
fn changes_made_by_flags_are_checked_too() {
    let mut config = HostConfig::ephemeral();
    assert!(config.check("command line").is_ok());
    config.listen.mas = 5;
    config.listen.mls = 5;
    assert!(config.check("command line").unwrap_err().to_string().starts_with("command line: listen.mls"));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,200}", tail in "[a-z\\[\\]\\.=\"\n0-9]{0,80}") {
        let _ = HostConfig::parse("m", &text, []);
        let _ = HostConfig::parse("m", &tail, []);
        let _ = TitleSet::from_texts([("t", "t", format!("{FINE}{tail}").as_str())]);
    }
}

#[test]
fn a_wrong_plugin_table_is_told_with_its_lines() {
    let text = format!(
        "{FINE}\n[plugin]\nfile = \"../../plugin.wasm\"\ngrants = [\"kick\", \"fly\", \"http:\", \"http:api.example.org\"]\n\
         [plugin.settings]\nanything = [1, 2]\n[plugin.limits]\nmemory_bytes = 1\nspeed = 1\n"
    );
    let problems = title_error(&text);
    let found: Vec<_> = problems.iter().map(|problem| (problem.line, problem.key.as_str())).collect();
    assert_eq!(
        found,
        [
            (10, "plugin.file"),
            (11, "plugin.grants[1]"),
            (11, "plugin.grants[2]"),
            (15, "plugin.limits.memory_bytes"),
            (16, "plugin.limits.speed"),
        ]
    );
    assert_eq!(
        problems[1].to_string(),
        "game.toml:11:19: plugin.grants[1]: wanted one of kick, ban, memory, accounts, send-raw, relay-inject, http:<host>, \
         found `fly`; correct the name or remove it"
    );
}
