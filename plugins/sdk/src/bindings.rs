//! The bindings that wit-bindgen makes of `wit/0.1.0`. What a plugin sees is made of them in the other modules.
//!
//! SAFETY: the code that lifts and lowers values is wit-bindgen's; its `unsafe` holds under the canonical ABI, which both
//! the component encoder and the host check. On other targets than wasm32 its imports are never called: see `sys`.
#![allow(
    elided_lifetimes_in_paths,
    missing_docs,
    unreachable_pub,
    unsafe_code,
    unused_qualifications,
    clippy::all,
    clippy::or_fun_call,
    clippy::use_self
)]

wit_bindgen::generate!({
    path: "../../wit/0.1.0",
    world: "plugin",
    pub_export_macro: true,
    generate_all,
    additional_derives: [PartialEq],
});
