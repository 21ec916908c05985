//! Whole-stack tests: a host in the test's process ([`host::TestHost`]), and on the other side scripted consoles
//! (`medley-simulator`) or recorded ones ([`replay`]).
//!
//! Nothing here is part of the host. No fixed ports, no order between tests, no sleeps but those of a bounded wait for
//! the host to come to rest.

pub mod host;
pub mod replay;
pub mod requests;
