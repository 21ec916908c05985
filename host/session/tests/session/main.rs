//! Sessions against sessions, under virtual time and on networks of every quality; recorded consoles against sessions.

#![allow(clippy::unwrap_used, reason = "tests: clippy.toml lets test functions do so, but not their helpers")]

mod captures;
mod handshakes;
mod pair;
mod refusals;
mod streams;
mod timing;
mod udp;
