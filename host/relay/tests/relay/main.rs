//! The relay on real sockets, with consoles of the session crate.

mod console;
mod games;
