//! The attribute [`macro@plugin`] and the derive [`macro@Settings`] of `medley-plugin`, which documents and re-exports them.
//!
//! The attribute reads which methods of `Plugin` an `impl` has, and makes the manifest of exactly those.

use proc_macro::TokenStream;

mod hooks;
mod plugin;
mod settings;

/// On `impl Plugin for MyPlugin`: makes the manifest of the methods that are written, and registers the type as the component's
/// plugin.
///
/// All arguments may be left out:
/// - `name`, `version`, `summary`: those of the crate's `Cargo.toml` where they are missing.
/// - `app_ids = [10683, 10684]`: the application ids it is made for; without it, any title.
/// - `notes = "..."`: where the facts about the title come from, and what is not known.
/// - `settings = MySettings`: a struct that derives `Settings`.
/// - `capabilities = [("memory", "Uploads the patch")]`: what it may do only if `game.toml` grants it, and why it wants to.
///
/// On the methods:
/// - `#[on_failure(Status::REQUEST_DENIED)]`: if this hook fails, the request is refused so; without it, it passes.
/// - `#[messages(DnasSignaturePost, (0, 8), (4, _))]` on `incoming` and `outgoing`: which messages, by type, by class and id, or
///   all of a class.
/// - `#[rt(0x1E)]` on `rt_incoming` and `rt_outgoing`: which ids.
/// - `#[packets(udp, prefix = [2, 9])]` on `packet`, any number of times: which packets; `tcp`, `udp` or neither for both.
/// - `#[command(usage = "<player>")]` on a method that is not the trait's: an operator's command of that name, with the doc comment
///   as its help. It takes `&mut self` and `&[String]`, and gives `Result<String, Refusal>`.
#[proc_macro_attribute]
pub fn plugin(arguments: TokenStream, item: TokenStream) -> TokenStream {
    plugin::expand(arguments.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a struct's fields settings of the plugin: keys of `[plugin.settings]` in `game.toml`.
///
/// A field is an `i64`, `i32`, `u32`, `u8`, `f64`, `bool`, `String`, `Vec<String>` or `Vec<u8>`; its doc comment is the setting's
/// help. `#[setting(default = 8, min = 2, max = 16)]` gives the default (else that of the type) and the bounds of a number or of
/// the length of a text.
#[proc_macro_derive(Settings, attributes(setting))]
pub fn settings(item: TokenStream) -> TokenStream {
    settings::expand(item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
