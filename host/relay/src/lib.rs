//! The DME game relay.
pub mod world;
