//! Bans by account, network and machine, in one title or the whole host.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::accounts::check_length;
use crate::codec;
use crate::commit::Pending;
use crate::database::{Database, Transaction, counter, key};
use crate::engine::{Engine, Tree};
use crate::error::{Result, StoreError};
use crate::traits::Bans;
use crate::types::{Ban, BanId, BanQuery, BanScope, BanSubject, NewBan, Page, TitleId, UnixSeconds, limits};

/// An address in the form that bans are compared in: a dual-stack socket reports IPv4 peers as `::ffff:a.b.c.d`.
fn canonical(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

/// A network in the form that bans are compared in: host bits cleared, IPv4-mapped ones as IPv4.
fn canonical_net(net: IpNet) -> IpNet {
    let net = net.trunc();
    if let IpNet::V6(v6) = net
        && let Some(v4) = v6.network().to_ipv4_mapped()
        && let Some(length) = v6.prefix_len().checked_sub(96)
        && let Ok(net) = IpNet::new(IpAddr::V4(v4), length)
    {
        return net;
    }
    net
}

fn scope_key(scope: Option<&TitleId>) -> Vec<u8> {
    // A title is never empty: the NUL alone is the host.
    scope.map_or_else(|| vec![0], key::title)
}

fn network_key(scope: Option<&TitleId>, net: IpNet) -> Vec<u8> {
    let mut key = scope_key(scope);
    match net {
        IpNet::V4(net) => {
            key.push(b'4');
            key.push(net.prefix_len());
            key.extend_from_slice(&net.network().octets());
        }
        IpNet::V6(net) => {
            key.push(b'6');
            key.push(net.prefix_len());
            key.extend_from_slice(&net.network().octets());
        }
    }
    key
}

fn subject_key(scope: Option<&TitleId>, subject: &BanSubject) -> Vec<u8> {
    match subject {
        BanSubject::Account(id) => {
            let mut key = scope_key(scope);
            key.push(b'a');
            key.extend_from_slice(&id.get().to_be_bytes());
            key
        }
        BanSubject::Network(net) => network_key(scope, canonical_net(*net)),
        BanSubject::Machine(machine) => {
            let mut key = scope_key(scope);
            key.push(b'm');
            // At most limits::MACHINE_ID; the length keeps one id from being another's prefix.
            key.push(machine.len() as u8);
            key.extend_from_slice(machine);
            key
        }
    }
}

fn index_key(ban: &NewBan, id: BanId) -> Vec<u8> {
    let scope = match &ban.scope {
        BanScope::Host => None,
        BanScope::Title(title) => Some(title),
    };
    let mut key = subject_key(scope, &ban.subject);
    key.extend_from_slice(&id.0.to_be_bytes());
    key
}

pub(crate) fn check_ban(ban: &NewBan) -> Result<()> {
    check_length("reason of a ban", limits::REASON, ban.reason.0.len())?;
    if let BanSubject::Machine(machine) = &ban.subject {
        check_length("machine id", limits::MACHINE_ID, machine.len())?;
        if machine.is_empty() {
            return Err(StoreError::Invalid {
                field: "machine id",
                wanted: "at least one byte",
                found: String::new(),
            });
        }
    }
    Ok(())
}

impl Transaction<'_> {
    pub(crate) fn put_ban(&mut self, id: BanId, ban: &NewBan) -> Result<()> {
        let key = id.0.to_be_bytes();
        if let Some(before) = self.get::<NewBan>(Tree::Bans, &key)? {
            self.remove(Tree::BanSubjects, &index_key(&before, id));
        }
        self.put_raw(Tree::BanSubjects, &index_key(ban, id), Vec::new());
        self.put(Tree::Bans, &key, ban)
    }

    fn drop_ban(&mut self, id: BanId, ban: &NewBan) {
        self.remove(Tree::BanSubjects, &index_key(ban, id));
        self.remove(Tree::Bans, &id.0.to_be_bytes());
    }
}

fn decode_ban(key: &[u8], value: &[u8]) -> Result<Ban> {
    let id = <[u8; 4]>::try_from(key).map_err(|_| StoreError::Record {
        tree: Tree::Bans.name(),
        key: hex::encode(key),
        wanted: "a key of 4 bytes".to_owned(),
        found: format!("{} bytes", key.len()),
    })?;
    Ok(Ban { id: BanId(u32::from_be_bytes(id)), ban: codec::decode(Tree::Bans, key, value)? })
}

/// Longest first, `None` (for good) before all, then the lowest number.
fn rank(ban: &Ban) -> (UnixSeconds, std::cmp::Reverse<BanId>) {
    (ban.ban.expires.unwrap_or(UnixSeconds::MAX), std::cmp::Reverse(ban.id))
}

impl<E: Engine> Bans for Database<E> {
    fn add_ban(&self, ban: &NewBan) -> Result<Pending<Ban>> {
        check_ban(ban)?;
        self.write(|tx| {
            let id = BanId(tx.next_number(counter::BAN)?);
            tx.put_ban(id, ban)?;
            Ok(Ban { id, ban: ban.clone() })
        })
    }

    fn remove_ban(&self, id: BanId) -> Result<Pending<()>> {
        self.write(|tx| {
            let ban: NewBan = tx.get(Tree::Bans, &id.0.to_be_bytes())?.ok_or_else(|| {
                StoreError::NotFound { what: "ban", title: "*".to_owned(), key: id.to_string() }
            })?;
            tx.drop_ban(id, &ban);
            Ok(())
        })
    }

    fn is_banned(&self, query: &BanQuery, now: UnixSeconds) -> Result<Option<Ban>> {
        // The usual case, and this runs for every connection.
        if self.engine().scan(Tree::BanSubjects, b"", None, false).next().is_none() {
            return Ok(None);
        }
        let mut prefixes = Vec::new();
        for scope in std::iter::once(None).chain(query.title.as_ref().map(Some)) {
            if let Some(id) = query.account {
                prefixes.push(subject_key(scope, &BanSubject::Account(id)));
            }
            if let Some(machine) = &query.machine_id
                && machine.len() <= limits::MACHINE_ID
            {
                prefixes.push(subject_key(scope, &BanSubject::Machine(machine.clone())));
            }
            if let Some(ip) = query.ip.map(canonical) {
                // Every network that could hold the address: 33 exact look-ups for IPv4, 129 for IPv6.
                let net = IpNet::from(ip);
                for length in 0..=net.max_prefix_len() {
                    if let Ok(net) = IpNet::new(ip, length) {
                        prefixes.push(network_key(scope, net.trunc()));
                    }
                }
            }
        }
        let mut hit: Option<Ban> = None;
        for prefix in prefixes {
            for row in self.engine().scan(Tree::BanSubjects, &prefix, None, false) {
                let (key, _) = row?;
                let Some(id) = key::last_number(&key).filter(|_| key.len() == prefix.len() + 4) else {
                    continue;
                };
                let Some(ban) = self.get::<NewBan>(Tree::Bans, &id.to_be_bytes())? else { continue };
                let ban = Ban { id: BanId(id), ban };
                if ban.ban.expires.is_some_and(|expires| expires <= now) {
                    continue;
                }
                if hit.as_ref().is_none_or(|best| rank(best) < rank(&ban)) {
                    hit = Some(ban);
                }
            }
        }
        Ok(hit)
    }

    fn bans(&self, page: Page<BanId>) -> Result<Vec<Ban>> {
        let after = page.after.map(|id| id.0.to_be_bytes());
        self.engine()
            .scan(Tree::Bans, b"", after.as_ref().map(<[u8; 4]>::as_slice), false)
            .take(page.rows())
            .map(|row| row.and_then(|(key, value)| decode_ban(&key, &value)))
            .collect()
    }

    fn remove_expired_bans(&self, now: UnixSeconds) -> Result<Pending<usize>> {
        self.write(|tx| {
            let mut expired = Vec::new();
            for row in tx.scan_before(Tree::Bans, b"") {
                let (key, value) = row?;
                let ban = decode_ban(&key, &value)?;
                if ban.ban.expires.is_some_and(|expires| expires <= now) {
                    expired.push(ban);
                    if expired.len() == limits::PAGE {
                        break;
                    }
                }
            }
            for ban in &expired {
                tx.drop_ban(ban.id, &ban.ban);
            }
            Ok(expired.len())
        })
    }
}
