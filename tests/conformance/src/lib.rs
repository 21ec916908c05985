//! Conformance: golden vectors and captured sessions against the protocol crates.
//!
//! What it is: the library behind the `medley-conformance` program. [`vectors`] checks files of the shape of
//! `vectors/crypto.json` and `vectors/messages.json`, [`capture`] checks captured sessions (`captures/*.jsonl` with
//! `keys.json`), [`decode`] explains one frame or message to a person, and [`fuzz`] holds the bodies of the fuzz
//! targets, so that the stable tests run every seed through the very same functions.
//!
//! What it is not: it opens no sockets and replays nothing against a live host; the files it reads are given to it as
//! text. It never panics on what a file says: a file of another shape is an [`InputError`], a wrong value a
//! [`Failure`].

pub mod capture;
pub mod decode;
pub mod diff;
pub mod fuzz;
pub mod report;
pub mod vectors;

pub use self::report::{Failure, FileReport, InputError};
