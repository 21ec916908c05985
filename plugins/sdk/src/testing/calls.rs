//! The host calls of [`World`](super::World): what a component imports, with the same signatures.

use super::{Done, with};
use crate::bindings::medley::plugin as wit;

type Result<T> = std::result::Result<T, wit::types::Error>;

fn invalid<T>(why: impl Into<String>) -> Result<T> {
    Err(wit::types::Error::Invalid(why.into()))
}

fn found<T>(what: Option<T>) -> Result<T> {
    what.ok_or(wit::types::Error::NotFound)
}

fn blob(stats: &[u8]) -> Result<()> {
    if stats.len() == 256 { Ok(()) } else { invalid(format!("a blob has 256 bytes, not {}", stats.len())) }
}

fn json(text: &str) -> Result<()> {
    if text.is_empty() || serde_json::from_str::<serde_json::Value>(text).is_ok() {
        return Ok(());
    }
    invalid("metadata is JSON or empty")
}

pub(crate) mod log {
    pub(crate) fn write(level: u8, text: &str, fields: &[(String, String)]) {
        let line = crate::testing::LogLine { level, text: text.to_owned(), fields: fields.to_vec() };
        super::with(|world| world.log.push(line));
    }
}

pub(crate) mod clock {
    pub(crate) fn unix_millis() -> u64 {
        super::with(|world| world.unix_millis)
    }

    pub(crate) fn monotonic_nanos() -> u64 {
        super::with(|world| world.elapsed.as_nanos().try_into().unwrap_or(u64::MAX))
    }
}

pub(crate) mod random {
    pub(crate) fn bytes(count: u32) -> Vec<u8> {
        super::with(|world| (0..count.min(4096)).map(|_| world.chance() as u8).collect())
    }

    pub(crate) fn number() -> u64 {
        super::with(|world| world.chance())
    }
}

pub(crate) mod hash {
    use hmac::{Hmac, Mac as _};
    use md5::Md5;
    use sha1::Sha1;
    use sha2::{Digest as _, Sha256, Sha512};

    pub(crate) fn digest(algorithm: u8, data: &[u8]) -> Option<Vec<u8>> {
        Some(match algorithm {
            1 => Md5::digest(data).to_vec(),
            2 => Sha1::digest(data).to_vec(),
            3 => Sha256::digest(data).to_vec(),
            4 => Sha512::digest(data).to_vec(),
            _ => return None,
        })
    }

    macro_rules! hmac {
        ($hash:ty, $key:ident, $data:ident) => {
            Hmac::<$hash>::new_from_slice($key)
                .ok()
                .map(|mac| mac.chain_update($data).finalize().into_bytes().to_vec())
        };
    }

    pub(crate) fn hmac(algorithm: u8, key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        match algorithm {
            1 => hmac!(Md5, key, data),
            2 => hmac!(Sha1, key, data),
            3 => hmac!(Sha256, key, data),
            4 => hmac!(Sha512, key, data),
            _ => None,
        }
    }
}

pub(crate) mod settings {
    use crate::types::Value;

    pub(crate) fn get(name: &str) -> Option<Value> {
        super::with(|world| world.settings.get(name).cloned())
    }
}

pub(crate) mod assets {
    pub(crate) fn names() -> Vec<String> {
        super::with(|world| world.assets.keys().cloned().collect())
    }

    pub(crate) fn read(name: &str) -> Option<Vec<u8>> {
        super::with(|world| world.assets.get(name).cloned())
    }
}

pub(crate) mod store {
    use super::{Result, invalid, with};

    /// The host's own bounds may be set lower.
    const KEY: usize = 256;

    fn checked(key: &[u8]) -> Result<()> {
        if (1..=KEY).contains(&key.len()) {
            return Ok(());
        }
        invalid(format!("a key has 1 to {KEY} bytes, not {}", key.len()))
    }

    pub(crate) fn get(owner: i32, key: &[u8]) -> Result<Option<Vec<u8>>> {
        checked(key)?;
        Ok(with(|world| world.store.get(&(owner, key.to_vec())).cloned()))
    }

    pub(crate) fn set(owner: i32, key: &[u8], value: &[u8]) -> Result<()> {
        checked(key)?;
        with(|world| world.store.insert((owner, key.to_vec()), value.to_vec()));
        Ok(())
    }

    pub(crate) fn remove(owner: i32, key: &[u8]) -> Result<bool> {
        checked(key)?;
        Ok(with(|world| world.store.remove(&(owner, key.to_vec())).is_some()))
    }

    pub(crate) fn scan(
        owner: i32,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: u32,
    ) -> Result<crate::host::store::Entries> {
        Ok(with(|world| {
            let rows = world.store.iter().filter(|((of, key), _)| {
                *of == owner && key.starts_with(prefix) && after.is_none_or(|after| key.as_slice() > after)
            });
            rows.map(|((_, key), value)| (key.clone(), value.clone())).take(limit as usize).collect()
        }))
    }
}

pub(crate) mod state {
    pub(crate) fn keep(state: &[u8]) {
        super::with(|world| world.kept = Some(state.to_vec()));
    }
}

pub(crate) mod players {
    pub(crate) use super::wit::players::Player;
    use super::{Done, Result, blob, found, with};
    use crate::types::{ChannelId, SessionId};

    pub(crate) fn get(session: u64) -> Option<Player> {
        with(|world| world.players.get(&SessionId(session)).cloned()).map(Into::into)
    }

    fn find(wanted: impl Fn(&crate::types::Player) -> bool) -> Vec<u64> {
        with(|world| {
            world.players.values().filter(|player| wanted(player)).map(|player| player.session.0).collect()
        })
    }

    pub(crate) fn by_account(account: i32) -> Option<u64> {
        find(|player| player.account.0 == account).first().copied()
    }

    pub(crate) fn by_name(name: &[u8]) -> Option<u64> {
        find(|player| player.name.eq_ignore_ascii_case(name)).first().copied()
    }

    pub(crate) fn all() -> Vec<u64> {
        find(|_| true)
    }

    pub(crate) fn in_channel(channel: i32) -> Vec<u64> {
        find(|player| player.channel.0 == channel)
    }

    pub(crate) fn in_game(game: i32) -> Vec<u64> {
        find(|player| player.game.0 == game)
    }

    fn change(session: u64, change: impl FnOnce(&mut crate::types::Player)) -> Result<()> {
        with(|world| found(world.players.get_mut(&SessionId(session))).map(change))
    }

    pub(crate) fn move_to(session: u64, channel: i32) -> Result<()> {
        with(|world| found(world.channels.get(&ChannelId(channel))).map(|_| ()))?;
        change(session, |player| player.channel = ChannelId(channel))?;
        with(|world| world.done.push(Done::Moved(SessionId(session), ChannelId(channel))));
        Ok(())
    }

    pub(crate) fn set_stats(session: u64, stats: &[u8]) -> Result<()> {
        blob(stats)?;
        change(session, |player| player.stats = stats.to_vec())
    }

    pub(crate) fn set_location(session: u64, location: i32) -> Result<()> {
        change(session, |player| player.location = location)
    }
}

pub(crate) mod accounts {
    pub(crate) use super::wit::accounts::Account;
    use super::{Result, found, json, with};
    use crate::types::AccountId;

    pub(crate) fn get(id: i32) -> Option<Account> {
        with(|world| world.accounts.get(&AccountId(id)).cloned()).map(Into::into)
    }

    pub(crate) fn by_name(name: &[u8]) -> Option<Account> {
        let like = |account: &&crate::types::Account| account.name.eq_ignore_ascii_case(name);
        with(|world| world.accounts.values().find(like).cloned()).map(Into::into)
    }

    pub(crate) fn set_metadata(id: i32, text: &str) -> Result<()> {
        with(|world| {
            world.granted("accounts")?;
            json(text)?;
            found(world.accounts.get_mut(&AccountId(id))).map(|account| account.metadata = text.to_owned())
        })
    }

    pub(crate) fn set_password(id: i32, password: &[u8]) -> Result<()> {
        with(|world| {
            world.granted("accounts")?;
            found(world.accounts.get(&AccountId(id)))?;
            world.passwords.insert(AccountId(id), Some(password.into()));
            Ok(())
        })
    }

    pub(crate) fn reset_password(id: i32) -> Result<()> {
        with(|world| {
            world.granted("accounts")?;
            found(world.accounts.get(&AccountId(id)))?;
            world.passwords.insert(AccountId(id), None);
            Ok(())
        })
    }
}

pub(crate) mod channels {
    pub(crate) use super::wit::channels::{Channel, Edit};
    use super::{Result, found, invalid, with};
    use crate::types::ChannelId;

    pub(crate) fn get(id: i32) -> Option<Channel> {
        with(|world| {
            let mut channel = world.channels.get(&ChannelId(id)).cloned()?;
            channel.players = world.players.values().filter(|player| player.channel.0 == id).count() as u32;
            Some(channel.into())
        })
    }

    pub(crate) fn by_name(name: &[u8]) -> Option<i32> {
        with(|world| {
            world.channels.values().find(|channel| channel.name.as_ref() == name).map(|channel| channel.id.0)
        })
    }

    pub(crate) fn all() -> Vec<i32> {
        with(|world| world.channels.keys().map(|id| id.0).collect())
    }

    fn apply(channel: &mut crate::types::Channel, changes: &[Edit]) -> Result<()> {
        for edit in changes {
            match edit {
                Edit::Name(name) => channel.name = name.as_slice().into(),
                Edit::Password(password) => channel.has_password = !password.is_empty(),
                Edit::MaxPlayers(count) => channel.max_players = *count,
                Edit::GenericFields(fields) if fields.len() == 4 => channel.generic_fields.clone_from(fields),
                Edit::GenericFields(fields) => {
                    return invalid(format!("a channel has 4 generic fields, not {}", fields.len()));
                }
                Edit::GenericFieldLevel(level) => channel.generic_field_level = *level,
                Edit::Other(field) => return invalid(format!("this host knows no edit {}", field.id)),
            }
        }
        Ok(())
    }

    pub(crate) fn create(name: &[u8], changes: &[Edit]) -> Result<i32> {
        with(|world| {
            let id = world.next_id();
            let mut channel = crate::types::Channel {
                id: ChannelId(id),
                name: name.into(),
                max_players: 256,
                generic_fields: vec![0; 4],
                ..crate::types::Channel::default()
            };
            apply(&mut channel, changes)?;
            world.channels.insert(ChannelId(id), channel);
            Ok(id)
        })
    }

    pub(crate) fn change(id: i32, changes: &[Edit]) -> Result<()> {
        with(|world| {
            let channel = found(world.channels.get_mut(&ChannelId(id)))?;
            // All or nothing.
            let mut changed = channel.clone();
            apply(&mut changed, changes)?;
            *channel = changed;
            Ok(())
        })
    }

    pub(crate) fn remove(id: i32) -> Result<()> {
        with(|world| {
            if world.players.values().any(|player| player.channel.0 == id) {
                return Err(super::wit::types::Error::Unavailable(format!("somebody is in channel {id}")));
            }
            found(world.channels.remove(&ChannelId(id))).map(|_| ())
        })
    }
}

pub(crate) mod games {
    pub(crate) use super::wit::games::{Edit, Game};
    use super::{Done, Result, found, invalid, json, with};
    use crate::types::{GameId, SessionId};

    pub(crate) fn get(id: i32) -> Option<Game> {
        with(|world| {
            let mut game = world.games.get(&GameId(id)).cloned()?;
            game.players = world.players.values().filter(|player| player.game.0 == id).count() as u32;
            Some(game.into())
        })
    }

    pub(crate) fn all() -> Vec<i32> {
        with(|world| world.games.keys().map(|id| id.0).collect())
    }

    pub(crate) fn change(id: i32, changes: &[Edit]) -> Result<()> {
        with(|world| {
            let game = found(world.games.get_mut(&GameId(id)))?;
            // All or nothing.
            let mut changed = game.clone();
            for edit in changes {
                match edit {
                    Edit::Name(name) => changed.name = name.as_slice().into(),
                    Edit::Password(password) => changed.has_password = !password.is_empty(),
                    Edit::MinPlayers(count) => changed.min_players = *count,
                    Edit::MaxPlayers(count) => changed.max_players = *count,
                    Edit::GameLevel(level) => changed.game_level = *level,
                    Edit::PlayerSkillLevel(level) => changed.player_skill_level = *level,
                    Edit::RulesSet(rules) => changed.rules_set = *rules,
                    Edit::GenericFields(fields) if fields.len() == 8 => {
                        changed.generic_fields.clone_from(fields)
                    }
                    Edit::GenericFields(fields) => {
                        return invalid(format!("a game has 8 generic fields, not {}", fields.len()));
                    }
                    Edit::Stats(stats) => changed.stats.clone_from(stats),
                    Edit::Host(session) => changed.host = SessionId(*session),
                    Edit::Attributes(_) => {}
                    Edit::Metadata(text) => {
                        json(text)?;
                        changed.metadata.clone_from(text);
                    }
                    Edit::Other(field) => return invalid(format!("this host knows no edit {}", field.id)),
                }
            }
            *game = changed;
            Ok(())
        })
    }

    pub(crate) fn end(id: i32) -> Result<()> {
        with(|world| {
            found(world.games.remove(&GameId(id)))?;
            world.done.push(Done::EndedGame(GameId(id)));
            Ok(())
        })
    }

    pub(crate) fn remove_player(id: i32, session: u64) -> Result<()> {
        with(|world| {
            let player =
                found(world.players.get_mut(&SessionId(session)).filter(|player| player.game.0 == id))?;
            player.game = GameId::NONE;
            player.in_game = false;
            world.done.push(Done::RemovedFromGame(GameId(id), SessionId(session)));
            Ok(())
        })
    }
}

pub(crate) mod clans {
    pub(crate) use super::wit::clans::Clan;
    use super::{Result, blob, found, with};
    use crate::types::{AccountId, ClanId};

    pub(crate) fn get(id: i32) -> Option<Clan> {
        with(|world| world.clans.get(&ClanId(id)).map(|(clan, _)| clan.clone())).map(Into::into)
    }

    pub(crate) fn by_name(name: &[u8]) -> Option<i32> {
        with(|world| {
            world.clans.values().find(|(clan, _)| clan.name.as_ref() == name).map(|(clan, _)| clan.id.0)
        })
    }

    pub(crate) fn of_account(account: i32) -> Option<i32> {
        let account = AccountId(account);
        with(|world| {
            world.clans.values().find(|(_, members)| members.contains(&account)).map(|(clan, _)| clan.id.0)
        })
    }

    pub(crate) fn members(id: i32) -> Vec<i32> {
        with(|world| match world.clans.get(&ClanId(id)) {
            Some((_, members)) => members.iter().map(|account| account.0).collect(),
            None => Vec::new(),
        })
    }

    pub(crate) fn set_stats(id: i32, stats: &[u8]) -> Result<()> {
        blob(stats)?;
        with(|world| found(world.clans.get_mut(&ClanId(id))).map(|(clan, _)| clan.stats = stats.to_vec()))
    }

    pub(crate) fn post(id: i32, text: &[u8]) -> Result<()> {
        with(|world| found(world.clans.get_mut(&ClanId(id))).map(|(clan, _)| clan.message = text.into()))
    }
}

pub(crate) mod ladders {
    pub(crate) use super::wit::ladders::Place;
    use super::{Result, found, invalid, with};
    use crate::types::AccountId;

    fn columns(kind: u8) -> Option<usize> {
        match kind {
            1 => Some(15),
            2 => Some(100),
            3 => Some(64),
            _ => None,
        }
    }

    pub(crate) fn get(account: i32, kind: u8) -> Option<Vec<i32>> {
        let columns = columns(kind)?;
        with(|world| {
            world.accounts.get(&AccountId(account))?;
            Some(world.ladders.get(&(kind, AccountId(account))).cloned().unwrap_or_else(|| vec![0; columns]))
        })
    }

    pub(crate) fn set(account: i32, kind: u8, stats: &[i32]) -> Result<()> {
        if columns(kind) != Some(stats.len()) {
            return invalid(format!(
                "stats of kind {kind} have {:?} columns, not {}",
                columns(kind),
                stats.len()
            ));
        }
        with(|world| {
            found(world.accounts.get(&AccountId(account)))?;
            world.ladders.insert((kind, AccountId(account)), stats.to_vec());
            Ok(())
        })
    }

    pub(crate) fn page(kind: u8, column: u32, ascending: bool, start: u32, count: u32) -> Vec<Place> {
        let mut rows: Vec<(i32, i32)> = with(|world| {
            let of_kind = world.ladders.iter().filter(|((of, _), _)| *of == kind);
            of_kind
                .filter_map(|((_, account), stats)| Some((*stats.get(column as usize)?, account.0)))
                .collect()
        });
        rows.sort_unstable_by_key(|(score, account)| {
            let score = i64::from(*score);
            (if ascending { score } else { -score }, *account)
        });
        let mut places: Vec<Place> = Vec::new();
        for (row, (score, account)) in (1..).zip(rows) {
            let position = places.last().filter(|last| last.score == score).map_or(row, |last| last.position);
            places.push(Place { position, account, score });
        }
        places.into_iter().skip(start.max(1) as usize - 1).take(count as usize).collect()
    }

    pub(crate) fn position(account: i32, kind: u8, column: u32, ascending: bool) -> Option<Place> {
        page(kind, column, ascending, 1, u32::MAX).into_iter().find(|place| place.account == account)
    }
}

pub(crate) mod send {
    pub(crate) use super::wit::send::{Bulk, Target};
    use super::{Done, Result, invalid, with};
    use crate::host::send::{Severity, Target as To};
    use crate::types::{ChannelId, Encryption, GameId, SessionId};

    fn target(target: Target) -> Result<To> {
        Ok(match target {
            Target::Player(session) => To::Player(SessionId(session)),
            Target::Channel(channel) => To::Channel(ChannelId(channel)),
            Target::Game(game) => To::Game(GameId(game)),
            Target::Title => To::Title,
            Target::Other(kind) => return invalid(format!("this host knows no target {kind}")),
        })
    }

    pub(super) fn encryption(encryption: u8) -> Result<Encryption> {
        Ok(match encryption {
            0 => Encryption::AsConnected,
            1 => Encryption::Clear,
            2 => Encryption::Required,
            other => return invalid(format!("encryption is 0, 1 or 2, not {other}")),
        })
    }

    pub(crate) fn app(to: Target, message: &super::wit::types::Message, how: u8) -> Result<()> {
        let done =
            Done::Message { to: target(to)?, message: message.clone().into(), encryption: encryption(how)? };
        with(|world| world.done.push(done));
        Ok(())
    }

    pub(crate) fn system_message(to: Target, severity: u8, text: &str) -> Result<()> {
        let to = target(to)?;
        with(|world| {
            world.done.push(Done::SystemMessage { to, severity: Severity(severity), text: text.to_owned() })
        });
        Ok(())
    }

    pub(crate) fn raw(to: u64, id: u8, body: &[u8], how: u8) -> Result<()> {
        let encryption = encryption(how)?;
        with(|world| {
            world.granted("send-raw")?;
            world.done.push(Done::Raw { to: SessionId(to), id, body: body.to_vec(), encryption });
            Ok(())
        })
    }

    pub(crate) fn start_bulk(to: u64, bulk: &Bulk) -> Result<u64> {
        if bulk.chunks.is_empty() || bulk.window == 0 {
            return invalid("a transfer has chunks and a window of at least one");
        }
        let encryption = encryption(bulk.encryption)?;
        with(|world| {
            super::found(world.players.get(&SessionId(to)))?;
            let transfer = world.next_id() as u64;
            let chunks = bulk.chunks.iter().cloned().map(Into::into).collect();
            let window = bulk.window;
            world.done.push(Done::Bulk { transfer, to: SessionId(to), chunks, window, encryption });
            Ok(transfer)
        })
    }

    pub(crate) fn acknowledge(transfer: u64, chunks: u32) {
        with(|world| world.done.push(Done::Acknowledged { transfer, chunks }));
    }

    pub(crate) fn cancel_bulk(transfer: u64) {
        with(|world| world.done.push(Done::CancelledBulk(transfer)));
    }
}

pub(crate) mod admin {
    pub(crate) use super::wit::admin::Subject;
    use super::{Done, Result, found, invalid, with};
    use crate::host::admin::Subject as Who;
    use crate::types::{AccountId, SessionId};

    fn subject(subject: &Subject) -> Result<Who> {
        Ok(match subject {
            Subject::Account(account) => Who::Account(AccountId(*account)),
            Subject::Address(address) => Who::Address(address.clone()),
            Subject::Machine(id) => Who::Machine(id.clone()),
            Subject::Other(kind) => return invalid(format!("this host knows no subject {kind}")),
        })
    }

    pub(crate) fn kick(session: u64, text: &str) -> Result<()> {
        with(|world| {
            world.granted("kick")?;
            found(world.players.remove(&SessionId(session)))?;
            world.done.push(Done::Kicked { session: SessionId(session), text: text.to_owned() });
            Ok(())
        })
    }

    pub(crate) fn ban(who: &Subject, reason: &str, until: Option<i64>) -> Result<u64> {
        let subject = subject(who)?;
        with(|world| {
            world.granted("ban")?;
            let ban = world.next_id() as u64;
            world.bans.insert(ban, (subject.clone(), reason.to_owned()));
            world.done.push(Done::Banned { subject, reason: reason.to_owned(), until });
            Ok(ban)
        })
    }

    pub(crate) fn unban(ban: u64) -> Result<()> {
        with(|world| {
            world.granted("ban")?;
            found(world.bans.remove(&ban)).map(|_| ())
        })
    }

    pub(crate) fn banned(who: &Subject) -> Option<String> {
        let subject = subject(who).ok()?;
        with(|world| world.bans.values().find(|(of, _)| *of == subject).map(|(_, reason)| reason.clone()))
    }
}

pub(crate) mod memory {
    use super::{Done, Result, with};
    use crate::types::SessionId;

    pub(crate) fn poke(session: u64, address: u32, data: &[u8], how: u8) -> Result<()> {
        let encryption = super::send::encryption(how)?;
        with(|world| {
            world.granted("memory")?;
            world.done.push(Done::Poked {
                session: SessionId(session),
                address,
                data: data.to_vec(),
                encryption,
            });
            Ok(())
        })
    }

    pub(crate) fn query(session: u64, kind: u8, sequence: u32, address: u32, length: u32) -> Result<()> {
        with(|world| {
            world.granted("memory")?;
            world.done.push(Done::Queried { session: SessionId(session), kind, sequence, address, length });
            Ok(())
        })
    }
}

pub(crate) mod http {
    pub(crate) use super::wit::http::HttpRequest;
    use super::{Done, Result, invalid, with};

    pub(crate) fn start(request: &HttpRequest) -> Result<u64> {
        let Some(rest) = request.url.strip_prefix("https://").or_else(|| request.url.strip_prefix("http://"))
        else {
            return invalid(format!("`{}` is no http or https URL", request.url));
        };
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        with(|world| {
            world.granted(&format!("http:{name}"))?;
            let number = world.next_id() as u64;
            world.done.push(Done::Http { number, request: request.clone().into() });
            Ok(number)
        })
    }
}

pub(crate) mod metrics {
    pub(crate) fn add(counter: &str, by: u64) {
        super::with(|world| *world.counters.entry(counter.to_owned()).or_default() += by);
    }

    pub(crate) fn set(gauge: &str, to: f64) {
        super::with(|world| world.gauges.insert(gauge.to_owned(), to));
    }
}

pub(crate) mod timers {
    use super::{Result, found, with};
    use crate::testing::Timer;
    use crate::types::SessionId;

    fn start(session: SessionId, timer: u64, after_millis: u64, repeat: bool) -> Result<()> {
        with(|world| {
            let due = world.unix_millis.saturating_add(after_millis);
            let every = repeat.then_some(after_millis.max(1));
            world.timers.insert(timer, Timer { due, every, session });
        });
        Ok(())
    }

    pub(crate) fn set(timer: u64, after_millis: u64, repeat: bool) -> Result<()> {
        start(SessionId::NONE, timer, after_millis, repeat)
    }

    pub(crate) fn set_for(session: u64, timer: u64, after_millis: u64, repeat: bool) -> Result<()> {
        with(|world| found(world.players.get(&SessionId(session))).map(|_| ()))?;
        start(SessionId(session), timer, after_millis, repeat)
    }

    pub(crate) fn cancel(timer: u64) {
        with(|world| world.timers.remove(&timer));
    }
}

pub(crate) mod link {
    use super::{Done, Result, with};

    pub(crate) fn send(role: u8, data: &[u8]) -> Result<()> {
        with(|world| world.done.push(Done::Linked { to: role.into(), data: data.to_vec() }));
        Ok(())
    }
}

pub(crate) mod relay_control {
    use super::{Done, Result, with};
    use crate::types::Packet;

    pub(crate) fn inject(world: u32, source: u16, target: i32, udp: bool, payload: &[u8]) -> Result<()> {
        let packet = Packet { world, source, target, udp, payload: payload.to_vec() };
        with(|host| {
            host.granted("relay-inject")?;
            host.done.push(Done::Injected(packet));
            Ok(())
        })
    }

    pub(crate) fn put_out(world: u32, index: u16) -> Result<()> {
        with(|host| {
            host.granted("kick")?;
            host.done.push(Done::PutOut { world, index });
            Ok(())
        })
    }

    pub(crate) fn clock(_: u32) -> Option<u32> {
        with(|host| Some(host.elapsed.as_millis() as u32))
    }
}
