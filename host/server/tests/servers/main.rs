//! The servers over real sockets on loopback, asked by consoles that are the session machine turned round.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod bad_input;
mod doors;
mod kit;
mod login;
mod mas;
mod memory;

mod mps;
mod muis;
mod operator;
