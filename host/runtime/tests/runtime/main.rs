//! The contract of plugins, a test for each line.
#![allow(clippy::unwrap_used, reason = "what fails in a helper is a failure of its test")]

mod fixture;
mod host;
mod load;
mod serve;
