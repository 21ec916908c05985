//! The relay on real sockets, with consoles of the session crate.

#![allow(clippy::unwrap_used, reason = "the lint's exception for tests does not reach their helpers")]

mod console;
mod games;
mod intruders;
mod mps;
