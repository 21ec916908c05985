//! See `medley_conformance::fuzz::message`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| medley_conformance::fuzz::message(data));
