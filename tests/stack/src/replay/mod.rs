//! Recorded consoles against a running host.
pub mod capture;
pub mod compare;
pub mod drive;
pub mod fixture;
pub mod puppet;
pub mod scenarios;
