//! What `wasmtime` makes of the interface files: the types of [`crate::api`] and the traits that `calls` implements.
//!
//! The generated code has `unsafe` implementations of `wasmtime`'s own traits; nothing is written by hand here.
#![allow(
    unsafe_code,
    unreachable_pub,
    unused_qualifications,
    elided_lifetimes_in_paths,
    clippy::all,
    missing_docs
)]

wasmtime::component::bindgen!({
    path: "../../wit/0.1.0",
    world: "plugin",
    imports: { default: trappable },
    additional_derives: [PartialEq],
});
