//! See `medley_conformance::fuzz::session`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| medley_conformance::fuzz::session(data));
