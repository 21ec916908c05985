//! Medius frames and messages.
