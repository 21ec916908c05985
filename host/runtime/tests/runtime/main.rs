//! The contract of plugins, a test for each line.

mod fixture;
mod host;
mod load;
mod serve;
