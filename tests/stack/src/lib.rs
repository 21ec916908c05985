//! Whole-stack tests.
pub mod replay;
