//! The way of a patch to a player.
//!
//! 1. When the client is ready (it asks for the policy) it is asked for 32 bytes at the place where a patch leaves its hash.
//! 2. The right hash: the patch is there, and only the player's settings are written. Another, or none within five seconds:
//! 3. the hook is put to sleep, the code that takes an old patch out is poked in small pieces and run,
//! 4. half a second later the patch travels ([`crate::download`]), with its helper, the player's settings and its hash,
//! 5. and the hook is set to jump into it.
//!
//! Nothing happens for clients whose patch is not among the title's assets: `patch-<app id>.bin`, and beside it
//! `unpatch-<app id>.bin` and `exceptiondisplay.bin` where there are such. Needs the capability `memory`.

use std::collections::BTreeMap;

use medley_plugin::host::hash::{Algorithm, digest};
use medley_plugin::host::{assets, memory, players, send, store, timers};
use medley_plugin::{AccountId, Encryption, SessionId, Who};
use serde::{Deserialize, Serialize};

use crate::custom::Custom;
use crate::download::{Download, Numbers, Payload, pieces_in};

/// DME_SERVER_CHEAT_QUERY_RAW_MEMORY.
const RAW_MEMORY: u8 = 0;
/// Sequence number of the question for the hash.
const SEQUENCE: u32 = 101;
/// Id of the patch's download.
const DOWNLOAD: u32 = 101;
/// Length of the hash: SHA-256 over the patch and its helper.
const HASH_LENGTH: u32 = 32;
/// `jr ra`: the hooked routine returns at once.
const RETURN: u32 = 0x03E0_0008;
/// How long a client may think about its hash.
const REPLY_MILLIS: u64 = 5_000;
/// Between two pieces of the code that takes a patch out: the client writes them between two frames of its picture.
const PIECE_MILLIS: u64 = 25;
/// For that code to run.
const UNPATCH_MILLIS: u64 = 500;
/// Bytes of one such piece.
const PIECE: usize = 480;
/// Key of a player's settings in the store, and their most bytes.
const CONFIG_KEY: &str = "patch-config";
const CONFIG_LENGTH: usize = 256;

/// What differs between the titles.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// The word that is made to jump into the patch.
    pub hook: u32,
    /// Where the patch goes.
    pub patch: u32,
    /// Where the code goes that takes an old one out.
    pub unpatch: u32,
    /// Where the helper goes that shows a crash.
    pub exception: u32,
    /// Where the player's settings go.
    pub config: u32,
    /// Where the hash goes.
    pub hash: u32,
    /// Of its messages.
    pub numbers: Numbers,
}

/// How far a player is.
#[derive(Debug, Deserialize, Serialize)]
enum Stage {
    /// The hash was asked for.
    Asked,
    /// The code that takes a patch out is on its way; so many of its bytes are gone.
    Unpatching(usize),
    /// It runs.
    Waiting,
    /// The patch travels: the transfer, and the bytes that the client has after each piece.
    Travelling { transfer: u64, ends: Vec<u32> },
}

/// All players who are about to be patched. Part of what a plugin saves, so that a reload in the middle leaves nobody half patched.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Patches {
    /// App id and stage by session.
    stages: BTreeMap<u64, (u32, Stage)>,
}

/// The patch of an app id, as the title's assets have it.
struct Files {
    patch: Vec<u8>,
    unpatch: Option<Vec<u8>>,
    exception: Option<Vec<u8>>,
}

impl Files {
    fn of(app: u32) -> Option<Self> {
        Some(Self {
            patch: assets::read(&format!("patch-{app}.bin"))?,
            unpatch: assets::read(&format!("unpatch-{app}.bin")),
            exception: assets::read("exceptiondisplay.bin"),
        })
    }

    fn hash(&self) -> Vec<u8> {
        let mut all = self.patch.clone();
        all.extend_from_slice(self.exception.as_deref().unwrap_or_default());
        digest(Algorithm::Sha256, &all)
    }
}

impl Patches {
    /// For `Plugin::start`: timers do not outlive a reload, so those of the players on the way are set anew.
    pub fn resume(&mut self) {
        for session in self.stages.keys().copied().collect::<Vec<_>>() {
            let millis = match self.stages.get(&session) {
                Some((_, Stage::Asked)) => REPLY_MILLIS,
                Some((_, Stage::Unpatching(_))) => PIECE_MILLIS,
                Some((_, Stage::Waiting)) => UNPATCH_MILLIS,
                Some((_, Stage::Travelling { .. })) | None => continue,
            };
            if timers::after_for(SessionId(session), session, millis).is_err() {
                // The session has ended meanwhile.
                self.stages.remove(&session);
            }
        }
    }

    /// Step 1. Nothing for a client without a patch, or one that is being patched.
    pub fn begin(&mut self, setup: &Setup, who: &Who) {
        if self.stages.contains_key(&who.session.0) || Files::of(who.app).is_none() {
            return;
        }
        match memory::query(who.session, RAW_MEMORY, SEQUENCE, setup.hash, HASH_LENGTH) {
            Ok(()) => self.next(who.session, who.app, Stage::Asked, REPLY_MILLIS),
            Err(error) => medley_plugin::warn!("a player cannot be asked for its patch: {error}"),
        }
    }

    /// The client's answer to step 1. True if it was that.
    pub fn cheat_reply(&mut self, setup: &Setup, who: &Who, sequence: u32, data: &[u8]) -> bool {
        if sequence != SEQUENCE || !matches!(self.stages.get(&who.session.0), Some((_, Stage::Asked))) {
            return false;
        }
        timers::cancel(timer(who.session));
        let Some(files) = Files::of(who.app) else {
            self.stages.remove(&who.session.0);
            return true;
        };
        if data == files.hash() {
            self.stages.remove(&who.session.0);
            self.write_config(setup, who.session, who.account);
        } else {
            self.apply(setup, who.session, who.app, &files);
        }
        true
    }

    /// The client asks for the patch anew.
    pub fn again(&mut self, setup: &Setup, who: &Who) {
        if let Some(files) = Files::of(who.app) {
            self.forget(who.session);
            self.apply(setup, who.session, who.app, &files);
        }
    }

    /// A timer. True if it was one of these.
    pub fn fired(&mut self, setup: &Setup, timer: u64) -> bool {
        let session = SessionId(timer);
        let Some((app, stage)) = self.stages.get(&session.0) else { return false };
        let app = *app;
        let Some(files) = Files::of(app) else {
            self.stages.remove(&session.0);
            return true;
        };
        match stage {
            Stage::Asked => self.apply(setup, session, app, &files),
            Stage::Unpatching(done) => {
                let done = *done;
                self.take_out(setup, session, app, &files, done);
            }
            Stage::Waiting => self.upload(setup, session, app, &files),
            Stage::Travelling { .. } => {}
        }
        true
    }

    /// The client has so many bytes of a download. True if it was the patch's.
    pub fn received(&self, session: SessionId, custom: &Custom<'_>) -> bool {
        let (Some(id), Some(bytes)) = (custom.u32_at(0), custom.u32_at(4)) else { return false };
        let Some((_, Stage::Travelling { transfer, ends })) = self.stages.get(&session.0) else {
            return false;
        };
        if id != DOWNLOAD {
            return false;
        }
        send::acknowledge(*transfer, pieces_in(ends, bytes));
        true
    }

    /// Step 5, or the end of an attempt. True if it was one of these.
    pub fn bulk_done(&mut self, setup: &Setup, transfer: u64, outcome: u8) -> bool {
        let done = self.stages.iter().find_map(|(session, (_, stage))| match stage {
            Stage::Travelling { transfer: own, .. } if *own == transfer => Some(SessionId(*session)),
            _ => None,
        });
        let Some(session) = done else { return false };
        self.stages.remove(&session.0);
        match outcome {
            0 => {
                poke(session, setup.hook, &jump(setup.patch));
                medley_plugin::host::metrics::add("patches_uploaded", 1);
                medley_plugin::info!("session {session} has the patch");
            }
            2 => {}
            outcome => {
                medley_plugin::warn!("the patch of session {session} did not arrive (outcome {outcome})")
            }
        }
        true
    }

    /// A player has gone, or begins anew.
    pub fn forget(&mut self, session: SessionId) {
        timers::cancel(timer(session));
        if let Some((_, Stage::Travelling { transfer, .. })) = self.stages.remove(&session.0) {
            send::cancel_bulk(transfer);
        }
    }

    /// Players who are on the way.
    pub fn len(&self) -> usize {
        self.stages.len()
    }

    /// Nobody is.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// Step 3.
    fn apply(&mut self, setup: &Setup, session: SessionId, app: u32, files: &Files) {
        poke(session, setup.hook, &RETURN.to_le_bytes());
        if files.unpatch.is_some() {
            self.take_out(setup, session, app, files, 0);
        } else {
            self.upload(setup, session, app, files);
        }
    }

    /// A piece of step 3.
    fn take_out(&mut self, setup: &Setup, session: SessionId, app: u32, files: &Files, done: usize) {
        let code = files.unpatch.as_deref().unwrap_or_default();
        let rest = code.get(done..).unwrap_or_default();
        if rest.is_empty() {
            poke(session, setup.hook, &jump(setup.unpatch));
            self.next(session, app, Stage::Waiting, UNPATCH_MILLIS);
            return;
        }
        let piece = rest.get(..PIECE).unwrap_or(rest);
        poke(session, setup.unpatch + done as u32, piece);
        self.next(session, app, Stage::Unpatching(done + piece.len()), PIECE_MILLIS);
    }

    /// Step 4.
    fn upload(&mut self, setup: &Setup, session: SessionId, app: u32, files: &Files) {
        let mut payloads = vec![Payload { address: setup.patch, data: files.patch.clone() }];
        if let Some(exception) = &files.exception {
            payloads.push(Payload { address: setup.exception, data: exception.clone() });
        }
        let account = players::get(session).map_or(AccountId::NONE, |player| player.account);
        if let Some(config) = config(account) {
            payloads.push(Payload { address: setup.config, data: config });
        }
        payloads.push(Payload { address: setup.hash, data: files.hash() });
        let download = Download::new(setup.numbers, DOWNLOAD, &payloads);
        match download.start(session) {
            Ok(transfer) => {
                self.stages
                    .insert(session.0, (app, Stage::Travelling { transfer, ends: download.into_ends() }));
            }
            Err(error) => {
                self.stages.remove(&session.0);
                medley_plugin::warn!("the patch cannot be sent to session {session}: {error}");
            }
        }
    }

    fn next(&mut self, session: SessionId, app: u32, stage: Stage, millis: u64) {
        self.stages.insert(session.0, (app, stage));
        if let Err(error) = timers::after_for(session, timer(session), millis) {
            self.stages.remove(&session.0);
            medley_plugin::warn!("no timer for the patch of session {session}: {error}");
        }
    }

    fn write_config(&self, setup: &Setup, session: SessionId, account: AccountId) {
        if let Some(config) = config(account) {
            poke(session, setup.config, &config);
        }
    }
}

/// Keeps what a player chose in the patch's menu.
pub fn keep_config(account: AccountId, config: &[u8]) {
    if !account.is_registered() || config.is_empty() || config.len() > CONFIG_LENGTH {
        return;
    }
    if let Err(error) = store::set(account, CONFIG_KEY, config) {
        medley_plugin::warn!("the settings of account {account} are not kept: {error}");
    }
}

fn config(account: AccountId) -> Option<Vec<u8>> {
    if !account.is_registered() {
        return None;
    }
    store::get(account, CONFIG_KEY).ok().flatten()
}

/// A session's timer: there is one at a time.
fn timer(session: SessionId) -> u64 {
    session.0
}

/// `j address`.
fn jump(address: u32) -> [u8; 4] {
    (0x0800_0000 | (address / 4)).to_le_bytes()
}

fn poke(session: SessionId, address: u32, data: &[u8]) {
    if let Err(error) = memory::poke(session, address, data, Encryption::Clear) {
        medley_plugin::warn!("session {session} cannot be written to at {address:#010x}: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_names_its_target_in_words() {
        assert_eq!(jump(0x000D_0000), 0x0803_4000u32.to_le_bytes());
    }
}
