//! Sessions against sessions, under virtual time and on networks of every quality; recorded consoles against sessions.

mod captures;
mod handshakes;
mod pair;
mod refusals;
mod streams;
mod timing;
mod udp;
