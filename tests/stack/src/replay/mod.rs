//! Recorded consoles against a running host.
pub mod capture;
pub mod puppet;
