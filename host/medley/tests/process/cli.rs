//! Commands: what they print, what they refuse, and how they end.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::host::Place;

/// Does the same with the host stopped, on the store itself, and with the host running, through its control socket.
fn stopped_and_running(test: impl Fn(&Place) -> Result<()>) -> Result<()> {
    test(&Place::new()?).context("with the host stopped")?;
    let place = Place::new()?;
    let mut host = place.host()?;
    test(&place).context("with the host running")?;
    ensure!(host.stop()?.success(), "{}", host.process.err()?);
    Ok(())
}

/// Puts `UTC` and a date's shape for the moments in a listing.
fn timeless(text: &str) -> String {
    let digits = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text
                .chars()
                .zip(shape.chars())
                .all(|(c, s)| if s == '0' { c.is_ascii_digit() } else { c == s })
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(" UTC") {
        let (head, tail) = rest.split_at(at);
        let shape = "0000-00-00 00:00:00";
        match head.len().checked_sub(shape.len()).and_then(|start| head.split_at_checked(start)) {
            Some((before, moment)) if digits(moment, shape) => out = out + before + "TIME",
            _ => out += head,
        }
        rest = &tail[" UTC".len()..];
    }
    out + rest
}

#[test]
fn a_good_configuration_is_shown_with_every_title() -> Result<()> {
    let place = Place::new()?;
    let text = place.medley(&["check-config"])?.done()?;
    assert!(text.starts_with("configuration: built-in values\n"), "{text}");
    assert!(text.ends_with("everything is in order\n"), "{text}");
    assert!(text.contains("titles from games and built in:"), "{text}");
    assert!(text.contains("Ratchet & Clank: Up Your Arsenal  (app ids 10684, 10683, 10680, 10681; built-in/ratchet-uya/game.toml)"), "{text}");

    let place = place.with("MEDLEY_RELAY_SECRET", "hush");
    place.write("medley.toml", "public_address = \"203.0.113.7\"\n")?;
    let text = place.medley(&["check-config"])?.done()?;
    assert!(text.starts_with("configuration: medley.toml\n"), "{text}");
    assert!(text.contains("203.0.113.7") && !text.contains("hush"), "{text}");
    Ok(())
}

#[test]
fn an_unknown_key_and_a_wrong_value_are_refused_with_file_line_and_column() -> Result<()> {
    let place = Place::new()?;
    place.write("medley.toml", "public_adress = \"203.0.113.7\"\n\n[listen]\nmas = \"high\"\n")?;
    for command in ["check-config", "run"] {
        let said = place.medley(&[command])?.failed(64)?;
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines.len(), 2, "{said}");
        assert!(
            lines[0].starts_with("medley: medley.toml:1:1: public_adress: wanted one of the keys "),
            "{said}"
        );
        assert!(
            lines[0].ends_with("found the unknown key `public_adress`; did you mean `public_address`?"),
            "{said}"
        );
        assert!(
            lines[1]
                .starts_with("medley.toml:4:7: listen.mas: wanted whole number 0..65535, found `\"high\"`; "),
            "{said}"
        );
    }
    let said = place.medley(&["check-config", "--config", "nowhere.toml"])?.failed(64)?;
    assert!(said.starts_with("medley: nowhere.toml: wanted a readable file, found "), "{said}");
    Ok(())
}

#[test]
fn wrong_variables_and_flags_are_refused() -> Result<()> {
    let said = Place::new()?.with("MEDLEY_LISTEN_MSA", 1).medley(&["check-config"])?.failed(64)?;
    assert!(said.starts_with("medley: environment variable MEDLEY_LISTEN_MSA: "), "{said}");
    let place = Place::new()?;
    for args in [
        &["nosuch"][..],
        &["account", "ban"],
        &["account", "ban", "--ip", "1.2.3"],
        &["run", "--public-address", "x"],
    ] {
        let said = place.medley(args)?.failed(64)?;
        assert!(said.starts_with("error: "), "{said}");
    }
    assert!(place.medley(&["--version"])?.done()?.starts_with("medley "));
    assert!(place.medley(&["--help"])?.done()?.contains("check-config"));
    Ok(())
}

#[test]
fn a_broken_title_is_refused_with_its_place() -> Result<()> {
    let place = Place::new()?;
    let text =
        "name = \"UYA\"\n\n[[app]]\nid = 10684\n\n[[channel]]\nname = \"City\"\n\n[limits]\nmax_gamez = 3\n";
    place.write("games/ratchet-uya/game.toml", text)?;
    for command in ["check-config", "run", "export"] {
        let args = if command == "export" { vec![command, "x.jsonl"] } else { vec![command] };
        let said = place.medley(&args)?.failed(64)?;
        assert!(
            said.starts_with(
                "medley: games/ratchet-uya/game.toml:10:1: limits.max_gamez: wanted one of the keys "
            ),
            "{said}"
        );
        assert!(said.ends_with("did you mean `max_games`?\n"), "{said}");
    }
    assert!(!place.path("x.jsonl").exists());
    place.write("games/ratchet-uya/game.toml", "name = \n")?;
    let said = place.medley(&["check-config"])?.failed(64)?;
    assert!(said.starts_with("medley: games/ratchet-uya/game.toml:1:"), "{said}");
    Ok(())
}

#[test]
fn a_wrong_log_filter_is_refused_before_anything_starts() -> Result<()> {
    for level in ["inof", "info,medley_relay=loud"] {
        let place = Place::new()?.with("MEDLEY_LOG_LEVEL", level);
        for command in ["check-config", "run"] {
            let said = place.medley(&[command])?.failed(64)?;
            assert!(said.starts_with("medley: log.level: wanted error, warn, info, "), "{said}");
            assert!(said.contains(&format!("found `{level}`")), "{said}");
        }
        assert!(!place.path("data").exists());
    }
    Ok(())
}

#[test]
fn accounts_are_added_listed_and_get_passwords() -> Result<()> {
    stopped_and_running(|place| {
        let add = ["account", "add", "ratchet-uya", "Clank"];
        assert_eq!(place.medley_with(&add, "secret\n")?.done()?, "account 1 `Clank` added to ratchet-uya\n");
        let other = ["account", "add", "ratchet-uya", "Qwark", "--no-password"];
        assert_eq!(place.medley(&other)?.done()?, "account 2 `Qwark` added to ratchet-uya\n");
        let twice = ["account", "add", "ratchet-uya", "cLANK"];
        let said = place.medley_with(&twice, "other\n")?.failed(1)?;
        assert_eq!(said, "medley: account name `cLANK` exists already in title `ratchet-uya`\n");
        let said = place.medley(&["account", "add", "ratchet-uya", "Skid"])?.failed(64)?;
        assert_eq!(said, "medley: standard input gave no password; write it on one line\n");

        for account in ["Clank", "#1"] {
            let said = place.medley_with(&["account", "passwd", "ratchet-uya", account], "new\n")?.done()?;
            assert_eq!(said, "password of account 1 `Clank` set\n");
        }
        let reset = ["account", "passwd", "ratchet-uya", "Clank", "--at-next-login"];
        assert_eq!(place.medley(&reset)?.done()?, "the next login of account 1 `Clank` sets its password\n");

        let list = place.medley(&["account", "list", "ratchet-uya"])?.done()?;
        let rows = "1\tClank\tcreated TIME\tlast login never\t-\tmachine -\n\
                    2\tQwark\tcreated TIME\tlast login never\t-\tmachine -\n";
        assert_eq!(timeless(&list), rows, "{list}");
        let rest = place.medley(&["account", "list", "ratchet-uya", "--after", "1"])?.done()?;
        assert!(rest.starts_with("2\tQwark\t"), "{rest}");
        assert_eq!(place.medley(&["account", "list", "socom-2"])?.done()?, "no accounts\n");
        Ok(())
    })
}

#[test]
fn accounts_are_put_on_the_white_list_and_taken_off() -> Result<()> {
    stopped_and_running(|place| {
        place.medley(&["account", "add", "ratchet-uya", "Clank", "--no-password"])?.done()?;
        for (verb, account, now) in
            [("allow", "cLANK", "on"), ("allow", "#1", "on"), ("disallow", "Clank", "off")]
        {
            let said = place.medley(&["account", verb, account, "--title", "ratchet-uya"])?.done()?;
            assert_eq!(said, format!("account 1 `Clank` is {now} the white-list of ratchet-uya\n"));
        }
        let said = place.medley(&["account", "allow", "Nobody", "--title", "ratchet-uya"])?.failed(1)?;
        assert!(said.contains("has no account `Nobody`"), "{said}");
        place.medley(&["account", "allow", "Clank"])?.failed(64)?;
        Ok(())
    })
}

#[test]
fn files_are_put_listed_read_and_removed() -> Result<()> {
    stopped_and_running(|place| {
        let medley = |args: &[&str]| place.medley(&[&["file"], args].concat());
        let content: Vec<u8> = (0..100_000_u32).map(|at| (at % 251) as u8).collect();
        let from = place.write("roster.bin", &content)?;
        let from = from.to_str().context("a path")?;
        assert_eq!(medley(&["list", "jak-x"])?.done()?, "no files\n");
        let put = ["put", "jak-x", "rosters/2006", from];
        assert_eq!(medley(&put)?.done()?, "file 1 `rosters/2006`: 100000 bytes\n");
        assert_eq!(medley(&put)?.done()?, "file 1 `rosters/2006`: 100000 bytes\n");
        let list = medley(&["list", "jak-x", "Rosters/"])?.done()?;
        assert_eq!(
            timeless(&list),
            "1\trosters/2006\t100000 bytes\tof the host\tchanged TIME\tdownloads 0\n"
        );
        let back = place.path("back.bin");
        let get = ["get", "jak-x", "ROSTERS/2006", back.to_str().context("a path")?];
        assert_eq!(medley(&get)?.done()?, format!("100000 bytes written to {}\n", back.display()));
        assert!(fs::read(&back)? == content);
        assert!(medley(&get)?.failed(74)?.contains("is there already"));
        let said = medley(&["put", "jak-x", "../roster", from])?.failed(1)?;
        assert!(said.starts_with("medley: file name must be"), "{said}");
        medley(&["put", "jak-x", "a", "not-there.bin"])?.failed(74)?;
        assert_eq!(medley(&["remove", "jak-x", "rosters/2006"])?.done()?, "file 1 `rosters/2006` removed\n");
        let said = medley(&["remove", "jak-x", "rosters/2006"])?.failed(1)?;
        assert_eq!(said, "medley: no file `rosters/2006` in title `jak-x`\n");
        Ok(())
    })
}

#[test]
fn an_unknown_title_or_account_is_refused_with_what_would_do() -> Result<()> {
    stopped_and_running(|place| {
        let said = place.medley(&["account", "list", "rachet-uya"])?.failed(1)?;
        assert!(said.starts_with("medley: no title `rachet-uya` is served; do you mean "), "{said}");
        assert!(said.contains("ratchet-uya"), "{said}");
        let said = place.medley(&["account", "list", "quake"])?.failed(1)?;
        assert!(
            said.starts_with("medley: no title `quake` is served; those served are amplitude, "),
            "{said}"
        );
        let unknown = "medley: title ratchet-uya has no account `Nobody`; `medley account list` shows them, a number is written #123\n";
        for args in [
            &["account", "passwd", "ratchet-uya", "Nobody", "--at-next-login"][..],
            &["account", "ban", "Nobody", "--title", "ratchet-uya"],
            &["account", "unban", "Nobody", "--title", "ratchet-uya"],
        ] {
            assert_eq!(place.medley(args)?.failed(1)?, unknown);
        }
        for args in [&["account", "ban", "Clank"][..], &["account", "unban", "Clank"]] {
            let said = place.medley(args)?.failed(1)?;
            assert_eq!(said, "medley: an account belongs to a title: say which with --title\n");
        }
        Ok(())
    })
}

#[test]
fn bans_are_made_listed_and_lifted() -> Result<()> {
    stopped_and_running(|place| {
        place.medley(&["account", "add", "ratchet-uya", "Clank", "--no-password"])?.done()?;
        assert_eq!(place.medley(&["account", "bans"])?.done()?, "no bans\n");
        let ban = ["account", "ban", "Clank", "--title", "ratchet-uya", "--for", "12h", "--reason", "cheats"];
        let made = place.medley(&ban)?.done()?;
        let first = "ban 1\tratchet-uya\taccount #1\tuntil TIME\tcheats\n";
        assert!(timeless(&made).starts_with(first), "{made}");
        place.medley(&["account", "ban", "--ip", "192.0.2.0/24"])?.done()?;
        place.medley(&["account", "ban", "--machine", "c0ffee", "--title", "socom-2"])?.done()?;
        let said = place.medley(&["account", "ban", "--machine", "coffee"])?.failed(1)?;
        assert!(said.starts_with("medley: a machine id is hexadecimal, `coffee` is not"), "{said}");
        let list = place.medley(&["account", "bans"])?.done()?;
        let rest =
            "ban 2\thost\taddresses 192.0.2.0/24\tfor good\t\nban 3\tsocom-2\tmachine c0ffee\tfor good\t\n";
        assert_eq!(timeless(&list), first.to_owned() + rest);

        let said = place.medley(&["account", "unban", "7"])?.failed(1)?;
        assert_eq!(said, "medley: there is no ban 7; `medley account bans` lists them\n");
        let said = place.medley(&["account", "unban", "2"])?.done()?;
        assert_eq!(said, "ban 2 lifted\n");
        let said = place.medley(&["account", "unban", "Clank", "--title", "ratchet-uya"])?.done()?;
        assert_eq!(said, "ban 1 lifted\n");
        let said = place.medley(&["account", "unban", "Clank", "--title", "ratchet-uya"])?.done()?;
        assert_eq!(said, "this account is not banned\n");
        assert!(place.medley(&["account", "bans"])?.done()?.starts_with("ban 3\t"));
        Ok(())
    })
}

#[test]
fn announcements_and_policies_are_set_and_removed() -> Result<()> {
    stopped_and_running(|place| {
        let title = "ratchet-deadlocked";
        let none = "no announcements of yours; those of game.toml are shown\n";
        assert_eq!(place.medley(&["announce", title])?.done()?, none);
        let said = place.medley(&["announce", title, "Tournament on Sunday"])?.done()?;
        assert_eq!(said, format!("announcement 1 added to {title}; players see it at their next login\n"));
        let list = place.medley(&["announce", title])?.done()?;
        assert_eq!(timeless(&list), "1\tTIME\tTournament on Sunday\n");
        assert_eq!(place.medley(&["announce", title, "--remove", "1"])?.done()?, "announcement 1 removed\n");
        let said = place.medley(&["announce", title, "--remove", "1"])?.failed(1)?;
        assert_eq!(said, format!("medley: no announcement `1` in title `{title}`\n"));

        place.write("rules.txt", "Be kind.\n")?;
        assert_eq!(place.medley(&["policy", title, "rules.txt"])?.done()?, "policy set\n");
        assert_eq!(place.medley(&["policy", title, "rules.txt", "--privacy"])?.done()?, "policy set\n");
        let removed = "policy removed; the text of game.toml applies\n";
        assert_eq!(place.medley(&["policy", title])?.done()?, removed);
        let said = place.medley(&["policy", title, "nowhere.txt"])?.failed(74)?;
        assert!(said.starts_with("medley: nowhere.txt: "), "{said}");
        place.write("long.txt", "x".repeat(65_537))?;
        let said = place.medley(&["policy", title, "long.txt"])?.failed(74)?;
        assert_eq!(said, "medley: long.txt: longer than 65536 bytes\n");
        Ok(())
    })
}

#[test]
fn an_export_is_imported_whole_or_not_at_all_and_overwrites_nothing() -> Result<()> {
    stopped_and_running(|place| {
        place.medley_with(&["account", "add", "ratchet-uya", "Clank"], "secret\n")?.done()?;
        place.medley(&["account", "add", "socom-2", "Spectre", "--no-password"])?.done()?;
        place.medley(&["announce", "ratchet-uya", "Hello"])?.done()?;
        let said = place.medley(&["export", "backup.jsonl"])?.done()?;
        let file = place.path("backup.jsonl");
        let text = fs::read_to_string(&file)?;
        assert_eq!(
            said.split_once(' ').map(|(number, _)| number),
            Some(&*(text.lines().count() - 2).to_string())
        );
        let said = place.medley(&["export", "backup.jsonl"])?.failed(74)?;
        assert!(said.ends_with("is there already and is not overwritten; name a new file\n"), "{said}");
        assert_eq!(fs::read_to_string(&file)?, text);

        // Into a store that has something already.
        let said = place.medley(&["import", "backup.jsonl"])?.failed(1)?;
        assert!(said.contains("the store is not empty"), "{said}");
        let said = place.medley(&["import", "nowhere.jsonl"])?.failed(74)?;
        assert!(said.contains("nowhere.jsonl: No such file"), "{said}");

        // A bad line near the end leaves nothing of the lines before it, in an empty store and in a merge.
        let lines: Vec<_> = text.lines().collect();
        let mut broken = lines.clone();
        let at = lines.len() - 2;
        broken[at] = "{\"kind\":\"account\",";
        place.write("broken.jsonl", broken.join("\n"))?;
        let wrong = format!("broken.jsonl: line {}: ", at + 1);
        let said = place.medley(&["--data", "fresh", "import", "broken.jsonl"])?.failed(1)?;
        assert!(said.contains(&wrong) && !said.contains("line 1"), "{said}");
        assert_eq!(
            place.medley(&["--data", "fresh", "account", "list", "ratchet-uya"])?.done()?,
            "no accounts\n"
        );
        let said = place.medley(&["import", "--merge", "broken.jsonl"])?.failed(1)?;
        assert!(said.contains(&wrong), "{said}");
        place.medley(&["export", "unchanged.jsonl"])?.done()?;
        assert_eq!(fs::read_to_string(place.path("unchanged.jsonl"))?, text);

        // The round trip.
        let said = place.medley(&["--data", "fresh", "import", "backup.jsonl"])?.done()?;
        assert!(said.contains(" records read from "), "{said}");
        place.medley(&["--data", "fresh", "export", "again.jsonl"])?.done()?;
        assert_eq!(fs::read_to_string(place.path("again.jsonl"))?, text);
        Ok(())
    })
}

#[test]
fn a_running_host_takes_an_import_and_serves_it() -> Result<()> {
    let from = Place::new()?;
    from.medley(&["account", "add", "ratchet-uya", "Clank", "--no-password"])?.done()?;
    from.medley(&["export", "backup.jsonl"])?.done()?;
    let place = Place::new()?;
    let _host = place.host()?;
    let file = from.path("backup.jsonl");
    place.medley(&["import", file.to_str().context("a path that is no text")?])?.done()?;
    assert!(place.medley(&["account", "list", "ratchet-uya"])?.done()?.starts_with("1\tClank\t"));
    Ok(())
}

#[test]
fn a_store_of_another_process_is_left_alone() -> Result<()> {
    let place = Place::new()?;
    let _host = place.host()?;
    let said = place.medley(&["run"])?.failed(74)?;
    assert_eq!(
        said,
        "medley: the database at data/store is in use by another process; stop the other host first\n"
    );
    // The same for a command that cannot reach the host.
    fs::rename(place.path("data/control.sock"), place.path("data/away.sock"))?;
    let said = place.medley(&["account", "list", "ratchet-uya"])?.failed(74)?;
    assert!(said.contains("in use by another process"), "{said}");
    fs::rename(place.path("data/away.sock"), place.path("data/control.sock"))?;
    assert_eq!(place.medley(&["account", "list", "ratchet-uya"])?.done()?, "no accounts\n");
    Ok(())
}

#[test]
fn a_dead_hosts_control_socket_is_no_obstacle() -> Result<()> {
    let place = Place::new()?;
    place.host()?.process.kill()?;
    assert!(place.path("data/control.sock").exists());
    assert_eq!(place.medley(&["account", "list", "ratchet-uya"])?.done()?, "no accounts\n");
    let said = place.medley(&["reload"])?.failed(1)?;
    assert_eq!(said, "medley: no host runs on data\n");
    let mut host = place.host()?;
    place.medley(&["reload"])?.done()?;
    // Who connects and says nothing does not keep the host from stopping.
    let idle = UnixStream::connect(place.path("data/control.sock"))?;
    assert!(host.stop()?.success());
    drop(idle);
    assert!(!place.path("data/control.sock").exists());
    Ok(())
}

#[test]
fn a_data_folder_too_deep_for_a_control_socket_is_told() -> Result<()> {
    let place = Place::new()?.with("MEDLEY_DATA_DIR", "deep/".repeat(22));
    assert_eq!(place.medley(&["account", "list", "ratchet-uya"])?.done()?, "no accounts\n");
    let said = place.medley(&["run"])?;
    assert_eq!(said.code, Some(74), "{said:?}");
    assert!(
        said.err.contains("the path has 122 bytes, and a socket's may have 107; choose a shorter data_dir"),
        "{said:?}"
    );
    Ok(())
}

#[test]
fn a_port_in_use_is_told_with_its_key() -> Result<()> {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port();
    for (variable, server, key) in [
        ("MEDLEY_LISTEN_MAS", "MAS", "listen.mas"),
        ("MEDLEY_LISTEN_MUIS_EXTRA", "MUIS", "listen.muis_extra"),
        ("MEDLEY_LISTEN_DME_TCP", "the game relay", "listen.dme_tcp"),
        ("MEDLEY_LISTEN_CONSOLE", "the console", "listen.console"),
    ] {
        let said = Place::new()?.with(variable, port).medley(&["run"])?;
        let last = said.err.lines().last().unwrap_or_default();
        assert_eq!((said.code, said.out.as_str()), (Some(69), ""), "{}", said.err);
        assert!(last.starts_with(&format!("medley: {server}")) && last.contains(key), "{last}");
        assert!(last.contains(&port.to_string()) && last.contains("Address already in use"), "{last}");
    }
    let said = Place::new()?.with("MEDLEY_LISTEN_BIND", "192.0.2.1").medley(&["run"])?.failed(69)?;
    assert!(said.contains("192.0.2.1:0: Cannot assign requested address"), "{said}");
    Ok(())
}

/// Every file under a folder with what is in it.
fn contents(folder: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(contents(&path)?);
        } else {
            files.push((path.clone(), fs::read(&path)?));
        }
    }
    files.sort();
    Ok(files)
}

#[test]
fn a_damaged_store_is_told_and_left_untouched() -> Result<()> {
    let place = Place::new()?;
    for number in 0..20 {
        place
            .medley(&["account", "add", "ratchet-uya", &format!("Clank{number}"), "--no-password"])?
            .done()?;
    }
    let database = place.path("data/store/db");
    let mut bytes = fs::read(&database)?;
    for byte in bytes.iter_mut().take(4096) {
        *byte ^= 0xa5;
    }
    fs::write(&database, bytes)?;
    let before = contents(&place.path("data/store"))?;
    for args in [&["run"][..], &["account", "list", "ratchet-uya"], &["export", "x.jsonl"]] {
        let said = place.medley(args)?.failed(74)?;
        assert!(said.starts_with("medley: the database at data/store is damaged ("), "{said}");
        assert!(said.contains("it was left untouched"), "{said}");
    }
    assert!(contents(&place.path("data/store"))? == before, "a command changed the damaged store");

    // A data folder that is none.
    place.write("file", "")?;
    let said = place.medley(&["--data", "file", "account", "list", "ratchet-uya"])?.failed(74)?;
    assert!(said.starts_with("medley: data_dir: the folder file cannot be made: "), "{said}");
    Ok(())
}
