//! The two things of this crate that the compiler cannot check: a host lent to an instance for the length of a call, and code that
//! was compiled earlier.
#![allow(unsafe_code)]

use std::mem;
use std::ptr::NonNull;

use wasmtime::component::Component;
use wasmtime::{Engine, Store};

use crate::host::{Host, LobbyHost, RelayHost};
use crate::instance::State;

/// Whoever owns the instance, while a call of [`lend`] lasts; nobody at any other time.
#[derive(Default)]
pub(crate) enum Lent {
    #[default]
    Nobody,
    Lobby(NonNull<dyn LobbyHost>),
    Relay(NonNull<dyn RelayHost>),
}

// SAFETY: a pointer is in here only while `lend` runs, which has the store borrowed mutably all the time, so that it is neither moved
// to another thread nor looked at from one.
unsafe impl Send for Lent {}

impl Lent {
    /// The title's actor, if that is who lent itself.
    pub(crate) fn lobby(&mut self) -> Option<&mut dyn LobbyHost> {
        match self {
            // SAFETY: `lend` made the pointer of a mutable borrow that it holds until it has taken the pointer away. The result borrows
            // `self` mutably, so there are never two.
            Self::Lobby(host) => Some(unsafe { host.as_mut() }),
            Self::Nobody | Self::Relay(_) => None,
        }
    }

    /// The relay's thread, if that is who lent itself.
    pub(crate) fn relay(&mut self) -> Option<&mut dyn RelayHost> {
        match self {
            // SAFETY: as in `lobby`.
            Self::Relay(host) => Some(unsafe { host.as_mut() }),
            Self::Nobody | Self::Lobby(_) => None,
        }
    }
}

/// Runs `call` with the host in the store's data, and takes it away again, also if `call` panics.
pub(crate) fn lend<R>(
    store: &mut Store<State>,
    host: Host<'_>,
    call: impl FnOnce(&mut Store<State>) -> R,
) -> R {
    struct TakeBack<'a>(&'a mut Store<State>);

    impl Drop for TakeBack<'_> {
        fn drop(&mut self) {
            self.0.data_mut().lent = Lent::Nobody;
        }
    }

    let lent = match host {
        Host::Lobby(host) => {
            let host = NonNull::from(host);
            // SAFETY: only the lifetime changes. The pointer is used through `Lent` alone, and `TakeBack` removes it from there before
            // this function's borrow of the host ends.
            Lent::Lobby(unsafe {
                mem::transmute::<NonNull<dyn LobbyHost + '_>, NonNull<dyn LobbyHost>>(host)
            })
        }
        Host::Relay(host) => {
            let host = NonNull::from(host);
            // SAFETY: as above.
            Lent::Relay(unsafe {
                mem::transmute::<NonNull<dyn RelayHost + '_>, NonNull<dyn RelayHost>>(host)
            })
        }
    };
    let store = TakeBack(store);
    store.0.data_mut().lent = lent;
    call(store.0)
}

/// Makes a component of code that this engine compiled earlier.
///
/// `code` must be what [`Component::serialize`] returned, unchanged: the cache, the only caller, reads it from a folder that no other
/// user can write to, and compares its digest.
pub(crate) fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: see above; `wasmtime` itself refuses what another version or another configuration compiled.
    unsafe { Component::deserialize(engine, code) }
}
