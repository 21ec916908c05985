//! SOCOM: U.S. Navy SEALs, SOCOM II, SOCOM 3 and Combined Assault, PS2: rules of their lobbies.
//!
//! - **Games**: at most sixteen players (eight against eight; the box of SOCOM II says so), or what the operator sets.
//! - **Clans**: their stats are written by members alone, or by the leader alone; a clan's ladder stats likewise.
//! - **Words**: starred or refused, in chat, rooms, clan names.
//! - Clan tags (tokens), clans and ladders themselves are the host's.
//!
//! What is known of these titles is little: three enciphered frames of SOCOM I were recorded, SOCOM II has one app id in public
//! sources (10540, a beta), the others none. So the plugin binds itself to no app id: the operator fills them in (`[[app]]`). The
//! meaning of generic fields and ladder columns is in no source; they pass untouched.

use medley_plugin::host::{clans, ladders, players};
use medley_plugin::prelude::*;
use rules::Words;

/// `[plugin.settings]`.
#[derive(Settings)]
pub struct Options {
    /// Most players of a game.
    #[setting(default = 16, min = 2, max = 32)]
    pub max_players: i32,
    /// A clan's stats may be written by its leader alone; off: by each member.
    #[setting(default = false)]
    pub leader_writes_clan_stats: bool,
    /// Words that are starred in chat and refused in names.
    pub words: Vec<String>,
    /// Refuse lines with such a word instead of starring it.
    #[setting(default = false)]
    pub refuse_words: bool,
}

impl Options {
    fn filter(&self) -> Words<'_> {
        Words { words: &self.words, refuse: self.refuse_words }
    }
}

/// The plugin.
#[derive(Default)]
pub struct Socom;

#[plugin(
    settings = Options,
    notes = "No traffic of these titles could be read; app ids are public for SOCOM II's beta alone. Fields and ladder columns are unknown and pass untouched.",
)]
impl Plugin for Socom {
    fn create_game(&mut self, _: &Who, request: CreateGameRequest) -> Verdict<CreateGameRequest> {
        rules::at_most(Options::current().max_players, request)
    }

    fn chat(&mut self, _: &Who, line: ChatLine) -> Verdict<ChatLine> {
        Options::current().filter().chat(line)
    }

    fn filter_text(&mut self, _: &Who, kind: u8, text: Text) -> Verdict<Text, Never> {
        Options::current().filter().text(kind, &text)
    }

    #[on_failure(Status::REQUEST_DENIED)]
    fn update_blob(&mut self, who: &Who, clan: ClanId, _: Vec<u8>) -> Verdict<Vec<u8>, Never> {
        if clan.is_none() || may_write(who.account, clan) {
            return Verdict::Pass;
        }
        Verdict::Deny(Status::REQUEST_DENIED)
    }

    #[on_failure(Status::REQUEST_DENIED)]
    fn update_ladder(&mut self, who: &Who, stats: LadderStats) -> Verdict<Vec<i32>, Never> {
        let allowed = if stats.clan.is_none() {
            stats.account == who.account
        } else {
            may_write(who.account, stats.clan)
        };
        if allowed { Verdict::Pass } else { Verdict::Deny(Status::REQUEST_DENIED) }
    }

    /// A clan: its leader, its members, who of them is online.
    #[command(usage = "<clan>")]
    fn clan(&mut self, arguments: &[String]) -> Result<String, Refusal> {
        let name = arguments.join(" ");
        let clan = clans::by_name(&name)
            .and_then(clans::get)
            .ok_or_else(|| Refusal(format!("there is no clan `{name}`")))?;
        let members = clans::members(clan.id);
        let online = members.iter().filter(|member| players::by_account(**member).is_some()).count();
        Ok(format!(
            "{}: led by account {}, {} members, {online} online",
            clan.name,
            clan.leader,
            members.len()
        ))
    }

    /// The first places by a column of the wide ladder stats.
    #[command(usage = "<column>")]
    fn top(&mut self, arguments: &[String]) -> Result<String, Refusal> {
        let column: u32 = arguments.first().map_or("", String::as_str).parse()?;
        let page = ladders::page(ladders::Kind::Wide, column, false, 1, 10);
        let lines: Vec<String> = page
            .iter()
            .map(|place| format!("{}. account {} ({})", place.position, place.account, place.score))
            .collect();
        Ok(if lines.is_empty() {
            format!("nobody has anything in column {column}")
        } else {
            lines.join("\n")
        })
    }
}

fn may_write(account: AccountId, clan: ClanId) -> bool {
    if Options::current().leader_writes_clan_stats {
        clans::get(clan).is_some_and(|clan| clan.leader == account)
    } else {
        clans::of_account(account) == Some(clan)
    }
}
