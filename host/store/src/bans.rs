//! Bans by account, network and machine, in one title or the whole host.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, btree_map};
use std::net::IpAddr;
use std::sync::{PoisonError, RwLock};

use ipnet::IpNet;

use crate::accounts::check_length;
use crate::codec;
use crate::commit::Pending;
use crate::database::{Database, counter, key};
use crate::engine::{Batch, Engine, Tree};
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

fn decode_ban(key: &[u8], value: &[u8]) -> Result<Ban> {
    let id = <[u8; 4]>::try_from(key).map_err(|_| StoreError::Record {
        tree: Tree::Bans.name(),
        key: hex::encode(key),
        wanted: "a key of 4 bytes".to_owned(),
        found: format!("{} bytes", key.len()),
    })?;
    Ok(Ban { id: BanId(u32::from_be_bytes(id)), ban: codec::decode(Tree::Bans, key, value)? })
}

/// What every ban hits, in memory: bans are asked for at every connection and login, and there are few of them.
#[derive(Debug, Default)]
pub(crate) struct BanIndex {
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// By [`subject_key`].
    by_subject: HashMap<Vec<u8>, Vec<Hit>>,
    by_id: HashMap<BanId, (BanScope, BanSubject)>,
    /// Bans of networks by prefix length, IPv4 and IPv6: an address is looked for in networks that there are.
    v4_lengths: BTreeMap<u8, u32>,
    v6_lengths: BTreeMap<u8, u32>,
}

#[derive(Debug, Clone, Copy)]
struct Hit {
    id: BanId,
    /// The end of time for a ban for good.
    expires: UnixSeconds,
}

impl Hit {
    /// The one that holds longest, then the lowest number.
    fn rank(self) -> (UnixSeconds, std::cmp::Reverse<BanId>) {
        (self.expires, std::cmp::Reverse(self.id))
    }
}

impl BanIndex {
    /// The index of what an engine holds.
    pub(crate) fn of(engine: &dyn Engine) -> Result<Self> {
        let mut known = Known::default();
        for row in engine.scan(Tree::Bans, b"", None, false) {
            let (key, value) = row?;
            known.take(&key, Some(&value));
        }
        Ok(Self { known: RwLock::new(known) })
    }

    /// Takes in what a batch changes. Called in the order of commits, after each.
    pub(crate) fn committed(&self, batch: &Batch) {
        let of_bans = || {
            let from = batch.range((Tree::Bans, Vec::new())..);
            from.take_while(|((tree, _), _)| *tree == Tree::Bans)
        };
        if of_bans().next().is_none() {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for ((_, key), value) in of_bans() {
            known.take(key, value.as_deref());
        }
    }

    /// The ban that hits any of the things asked for: see [`Bans::is_banned`].
    fn hit(&self, query: &BanQuery, now: UnixSeconds) -> Option<BanId> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        // The usual case.
        if known.by_id.is_empty() {
            return None;
        }
        let mut best: Option<Hit> = None;
        let mut look = |subject: Vec<u8>| {
            let hits = known.by_subject.get(&subject).into_iter().flatten().filter(|hit| hit.expires > now);
            best = best.into_iter().chain(hits.copied()).max_by_key(|hit| hit.rank());
        };
        for scope in std::iter::once(None).chain(query.title.as_ref().map(Some)) {
            if let Some(id) = query.account {
                look(subject_key(scope, &BanSubject::Account(id)));
            }
            if let Some(machine) = &query.machine_id
                && machine.len() <= limits::MACHINE_ID
            {
                look(subject_key(scope, &BanSubject::Machine(machine.clone())));
            }
            if let Some(ip) = query.ip.map(canonical) {
                let lengths = if ip.is_ipv4() { &known.v4_lengths } else { &known.v6_lengths };
                for length in lengths.keys() {
                    if let Ok(net) = IpNet::new(ip, *length) {
                        look(network_key(scope, net.trunc()));
                    }
                }
            }
        }
        best.map(|hit| hit.id)
    }
}

impl Known {
    /// Sets or removes the ban with this key.
    fn take(&mut self, key: &[u8], value: Option<&[u8]>) {
        if let Some(id) = key::last_number(key).map(BanId) {
            self.forget(id);
        }
        let Some(value) = value else { return };
        match decode_ban(key, value) {
            Ok(ban) => self.learn(ban),
            // A host that does not start because of one ban would be worse.
            Err(error) => tracing::error!(%error, "a ban does not hold"),
        }
    }

    fn learn(&mut self, ban: Ban) {
        let Ban { id, ban: NewBan { scope, subject, expires, .. } } = ban;
        let hit = Hit { id, expires: expires.unwrap_or(UnixSeconds::MAX) };
        self.by_subject.entry(subject_key(title_of(&scope), &subject)).or_default().push(hit);
        if let BanSubject::Network(net) = subject {
            *self.length_of(net).or_insert(0) += 1;
        }
        self.by_id.insert(id, (scope, subject));
    }

    fn forget(&mut self, id: BanId) {
        let Some((scope, subject)) = self.by_id.remove(&id) else { return };
        if let Entry::Occupied(mut hits) = self.by_subject.entry(subject_key(title_of(&scope), &subject)) {
            hits.get_mut().retain(|hit| hit.id != id);
            if hits.get().is_empty() {
                hits.remove();
            }
        }
        if let BanSubject::Network(net) = subject
            && let btree_map::Entry::Occupied(mut count) = self.length_of(net)
        {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }

    fn length_of(&mut self, net: IpNet) -> btree_map::Entry<'_, u8, u32> {
        match canonical_net(net) {
            IpNet::V4(net) => self.v4_lengths.entry(net.prefix_len()),
            IpNet::V6(net) => self.v6_lengths.entry(net.prefix_len()),
        }
    }
}

fn title_of(scope: &BanScope) -> Option<&TitleId> {
    match scope {
        BanScope::Host => None,
        BanScope::Title(title) => Some(title),
    }
}

impl<E: Engine> Bans for Database<E> {
    fn add_ban(&self, ban: &NewBan) -> Result<Pending<Ban>> {
        check_ban(ban)?;
        self.write(|tx| {
            let id = BanId(tx.next_number(counter::BAN)?);
            tx.put(Tree::Bans, &id.0.to_be_bytes(), ban)?;
            Ok(Ban { id, ban: ban.clone() })
        })
    }

    fn remove_ban(&self, id: BanId) -> Result<Pending<()>> {
        self.write(|tx| {
            let key = id.0.to_be_bytes();
            if !tx.contains(Tree::Bans, &key)? {
                return Err(StoreError::NotFound { what: "ban", title: "*".to_owned(), key: id.to_string() });
            }
            tx.remove(Tree::Bans, &key);
            Ok(())
        })
    }

    fn is_banned(&self, query: &BanQuery, now: UnixSeconds) -> Result<Option<Ban>> {
        let Some(id) = self.ban_index().hit(query, now) else { return Ok(None) };
        let ban: Option<NewBan> = self.get(Tree::Bans, &id.0.to_be_bytes())?;
        // Lifted this very moment.
        Ok(ban.map(|ban| Ban { id, ban }))
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
                    expired.push(key);
                    if expired.len() == limits::PAGE {
                        break;
                    }
                }
            }
            for key in &expired {
                tx.remove(Tree::Bans, key);
            }
            Ok(expired.len())
        })
    }
}
