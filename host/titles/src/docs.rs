//! The reference documents of the configuration and the table of titles, rendered from the code and the data.
//!
//! `cargo test -p medley-titles` compares them with the files in `docs/`; with `MEDLEY_UPDATE_DOCS=1` it writes them.

use std::fmt::Write as _;

use crate::host::HostConfig;
use crate::keys::{KeyDoc, keys_of};
use crate::load::{Effect, environment_name, host_effect};
use crate::set::{TitleSet, title_effect};
use crate::title::TitleConfig;

/// Renders `docs/configuration.md`: every key of `medley.toml`.
pub fn configuration_md() -> String {
    let mut out = String::from(
        "# medley.toml\n\n\
         <!-- Rendered from host/titles/src/host.rs; `MEDLEY_UPDATE_DOCS=1 cargo test -p medley-titles` writes it anew. -->\n\n\
         The host runs without this file; every key has a default. Order: built-in value, then the file, then the\n\
         environment, then the flags of the command line. An unknown key, a wrong value and an unknown `MEDLEY_` variable are\n\
         errors that name the line. `medley check-config` tells all of them at once.\n\n\
         In the environment a list is written with commas (`MEDLEY_LISTEN_MUIS_EXTRA=10080,10101`). `MEDLEY_CONFIG` names the\n\
         file. The last column says when a change of a running host's file takes effect: live, for new connections, or at the\n\
         next start.\n",
    );
    table(&mut out, &keys_of::<HostConfig>(), true, host_effect);
    out
}

/// Renders `docs/game-toml.md`: every key of `game.toml`.
pub fn game_toml_md() -> String {
    let mut out = String::from(
        "# games/&lt;title&gt;/game.toml\n\n\
         <!-- Rendered from host/titles/src/title.rs; `MEDLEY_UPDATE_DOCS=1 cargo test -p medley-titles` writes it anew. -->\n\n\
         A folder is a title; its name (lower case letters, digits, `-`) is the title's id. The shipped folders are built into\n\
         the program: a folder on disk replaces the built-in title of the same name, whole. A change is taken up while the host\n\
         runs, all titles together or, if one file has an error, none.\n\n\
         Smallest file:\n\n\
         ```toml\n\
         name = \"My Title\"\n\n\
         [[app]]\n\
         id = 12345\n\n\
         [[channel]]\n\
         name = \"Lobby\"\n\
         ```\n",
    );
    table(&mut out, &keys_of::<TitleConfig>(), false, title_effect);
    out
}

/// Renders `docs/titles.md`: title, app ids, platform, region, status.
pub fn titles_md(set: &TitleSet) -> String {
    let mut out = String::from(
        "# Titles\n\n\
         <!-- Rendered from games/*/game.toml; `MEDLEY_UPDATE_DOCS=1 cargo test -p medley-titles` writes it anew. -->\n\n\
         What the status means:\n\n\
         - **captured**: traffic of the title against Sony's servers is on file and the tests replay it.\n\
         - **documented**: public server projects describe its app id and habits; nothing was recorded.\n\
         - **untried**: only its app id and its name are known.\n\
         - **no-app-id**: its app id is not known; the folder holds what is, and an operator who finds out the id adds an `[[app]]` table.\n\n\
         | Title | Folder | App id | Platform | Region | Medius | Status |\n\
         |---|---|---|---|---|---|---|\n",
    );
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    for title in set.titles() {
        if title.apps.is_empty() {
            let _ = writeln!(
                out,
                "| {} | {} | - | - | - | - | {} |",
                title.config.name, title.id, title.config.status
            );
        }
        for app in &title.apps {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} | {} |",
                app.name,
                title.id,
                app.id,
                or_dash(&app.platform),
                or_dash(&app.region),
                or_dash(&app.medius_version),
                app.status,
            );
        }
    }
    out
}

fn table(out: &mut String, keys: &[KeyDoc], environment: bool, effect: fn(&str) -> Effect) {
    let mut section = None;
    for key in keys {
        let parent =
            if key.section { key.path.as_str() } else { key.path.rsplit_once('.').map_or("", |(at, _)| at) };
        if section != Some(parent) {
            section = Some(parent);
            if key.section {
                let name = parent.replace("[]", "");
                let bracketed =
                    if parent.ends_with("[]") { format!("[[{name}]]") } else { format!("[{name}]") };
                let _ = writeln!(out, "\n## `{bracketed}`\n\n{}", key.doc);
            } else if parent.is_empty() {
                out.push_str("\n## Top of the file\n");
            }
            out.push_str(if environment {
                "\n| Key | Value | Default | Meaning | Variable | A change holds |\n|---|---|---|---|---|---|\n"
            } else {
                "\n| Key | Value | Default | Meaning | A change holds |\n|---|---|---|---|---|\n"
            });
        }
        if key.section {
            continue;
        }
        let name = key.path.rsplit_once('.').map_or(key.path.as_str(), |(_, name)| name);
        let default =
            if key.default.is_empty() { "not set".to_owned() } else { format!("`{}`", key.default) };
        let when = match effect(&key.path.replace("[]", "")) {
            Effect::Live => "live",
            Effect::NewConnections => "new connections",
            Effect::Restart => "next start",
        };
        let variable =
            if environment { format!(" `{}` |", environment_name(&key.path)) } else { String::new() };
        let doc = key.doc.replace('|', "\\|");
        let _ = writeln!(out, "| `{name}` | {} | {default} | {doc} |{variable} {when} |", key.kind);
    }
}
