//! `#[plugin]`.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Attribute, Error, Expr, Ident, ImplItem, ImplItemFn, ItemImpl, Result, Token, Type};

use crate::hooks::{self, Kind, Method};

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let arguments = Arguments::parse.parse2(arguments)?;
    let mut item: ItemImpl = syn::parse2(item)?;
    let plugin = (*item.self_ty).clone();
    match &item.trait_ {
        Some((_, path, _)) if path.segments.last().is_some_and(|last| last.ident == "Plugin") => {}
        _ => return Err(Error::new(item.span(), "#[plugin] stands on `impl Plugin for ...`")),
    }
    if !item.generics.params.is_empty() {
        return Err(Error::new(item.generics.span(), "a plugin has no generics: it is one type"));
    }

    let mut exports = BTreeSet::from(["manifest"]);
    let mut subscriptions = Vec::new();
    let mut commands = Vec::new();
    let mut hooked = BTreeSet::new();
    let mut kept = Vec::new();
    for item in std::mem::take(&mut item.items) {
        let mut method = match item {
            ImplItem::Fn(method) => method,
            other => {
                kept.push(other);
                continue;
            }
        };
        if let Some(command) = take(&mut method.attrs, "command")? {
            commands.push(Command::new(command, method)?);
            continue;
        }
        // What is not the trait's is left for the compiler, which says so best.
        if let Some(known) = hooks::find(&method.sig.ident.to_string()) {
            subscribe(known, &mut method, &mut subscriptions)?;
            exports.insert(known.interface);
            hooked.insert(known.name);
        }
        kept.push(ImplItem::Fn(method));
    }

    if !commands.is_empty() {
        if hooked.contains("command") {
            return Err(Error::new(
                Span::call_site(),
                "`command` is made of the `#[command]` methods: leave it out",
            ));
        }
        exports.insert("commands");
        let arms = commands.iter().map(|command| {
            let (name, method) = (&command.name, &command.method.sig.ident);
            quote! { #name => self.#method(arguments), }
        });
        kept.push(syn::parse_quote! {
            fn command(
                &mut self,
                name: &str,
                arguments: &[::std::string::String],
            ) -> ::core::result::Result<::std::string::String, ::medley_plugin::Refusal> {
                match name {
                    #(#arms)*
                    _ => ::core::result::Result::Err(::medley_plugin::Refusal(::std::format!("there is no command `{name}`"))),
                }
            }
        });
        subscriptions.extend(commands.iter().map(|command| {
            let Command { name, usage, help, .. } = command;
            quote! { ::medley_plugin::manifest::command(#name, #usage, #help) }
        }));
    }
    // What `Settings::current` remembers is forgotten when this event comes.
    if arguments.settings.is_some() && !hooked.contains("settings_changed") {
        exports.insert("events");
        subscriptions.push(
            quote! { ::medley_plugin::manifest::hook("settings-changed", ::core::option::Option::None) },
        );
    }
    item.items = kept;

    let inherent = (!commands.is_empty()).then(|| {
        let methods = commands.iter().map(|command| &command.method);
        quote! { impl #plugin { #(#methods)* } }
    });
    let manifest = arguments.manifest(&plugin, &subscriptions);
    let exports = exports.into_iter().map(|interface| {
        let module = format_ident!("{}", interface.replace('-', "_"));
        let export = format_ident!("__export_medley_plugin_{}_0_1_0_cabi", module);
        quote! { ::medley_plugin::#export!(Component with_types_in ::medley_plugin::bindings::exports::medley::plugin::#module); }
    });
    Ok(quote! {
        #item
        #inherent
        #manifest

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Component;

            impl ::medley_plugin::guest::Exported for Component {
                type Plugin = #plugin;

                fn with<R>(call: impl FnOnce(&mut Self::Plugin) -> R) -> R {
                    ::std::thread_local! {
                        static PLUGIN: ::core::cell::RefCell<#plugin> = ::core::cell::RefCell::new(::medley_plugin::guest::first());
                    }
                    PLUGIN.with_borrow_mut(call)
                }
            }

            #(#exports)*
        };
    })
}

/// What stands in the attribute's parentheses.
#[derive(Default)]
struct Arguments {
    name: Option<Expr>,
    version: Option<Expr>,
    summary: Option<Expr>,
    notes: Option<Expr>,
    app_ids: Option<Expr>,
    settings: Option<Type>,
    capabilities: Vec<(Expr, Expr)>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut arguments = Self::default();
        while !input.is_empty() {
            let name: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            match name.to_string().as_str() {
                "name" => arguments.name = Some(input.parse()?),
                "version" => arguments.version = Some(input.parse()?),
                "summary" => arguments.summary = Some(input.parse()?),
                "notes" => arguments.notes = Some(input.parse()?),
                "app_ids" => arguments.app_ids = Some(input.parse()?),
                "settings" => arguments.settings = Some(input.parse()?),
                "capabilities" => arguments.capabilities = capabilities(input)?,
                _ => {
                    let known = "name, version, summary, notes, app_ids, settings, capabilities";
                    return Err(Error::new(name.span(), format!("`{name}` is none of {known}")));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}

impl Arguments {
    fn manifest(&self, plugin: &Type, subscriptions: &[TokenStream]) -> TokenStream {
        let or = |given: &Option<Expr>, default: TokenStream| match given {
            Some(given) => quote! { #given },
            None => default,
        };
        let name = or(&self.name, quote! { ::core::env!("CARGO_PKG_NAME") });
        let version = or(&self.version, quote! { ::core::env!("CARGO_PKG_VERSION") });
        let summary = or(&self.summary, quote! { ::core::env!("CARGO_PKG_DESCRIPTION") });
        let notes = or(&self.notes, quote! { "" });
        let app_ids = or(&self.app_ids, quote! { [] });
        let settings = match &self.settings {
            Some(settings) => quote! { <#settings as ::medley_plugin::settings::Settings>::describe() },
            None => quote! { ::std::vec::Vec::new() },
        };
        let capabilities = self.capabilities.iter().map(|(name, reason)| {
            quote! { ::medley_plugin::manifest::capability(#name, #reason) }
        });
        quote! {
            impl ::medley_plugin::Manifest for #plugin {
                fn description() -> ::medley_plugin::manifest::Description {
                    ::medley_plugin::manifest::Description {
                        name: ::std::string::String::from(#name),
                        version: ::std::string::String::from(#version),
                        summary: ::std::string::String::from(#summary),
                        app_ids: ::std::vec::Vec::<u32>::from(#app_ids),
                        notes: ::std::string::String::from(#notes),
                    }
                }

                fn settings() -> ::std::vec::Vec<::medley_plugin::manifest::Setting> {
                    #settings
                }

                fn subscriptions() -> ::std::vec::Vec<::medley_plugin::manifest::Subscription> {
                    ::std::vec![#(#subscriptions),*]
                }

                fn capabilities() -> ::std::vec::Vec<::medley_plugin::manifest::Capability> {
                    ::std::vec![#(#capabilities),*]
                }
            }
        }
    }
}

fn capabilities(input: ParseStream<'_>) -> Result<Vec<(Expr, Expr)>> {
    let list;
    syn::bracketed!(list in input);
    let pairs = Punctuated::<syn::ExprTuple, Token![,]>::parse_terminated(&list)?;
    let pair = |pair: syn::ExprTuple| match Vec::from_iter(pair.elems.clone()).as_slice() {
        [name, reason] => Ok((name.clone(), reason.clone())),
        _ => Err(Error::new(
            pair.span(),
            "a capability is its name and why it is wanted: (\"kick\", \"Throws out cheaters\")",
        )),
    };
    pairs.into_iter().map(pair).collect()
}

/// A `#[command]` method.
struct Command {
    name: String,
    usage: Expr,
    help: String,
    method: ImplItemFn,
}

impl Command {
    fn new(attribute: Attribute, method: ImplItemFn) -> Result<Self> {
        let mut usage = syn::parse_quote! { "" };
        if !matches!(attribute.meta, syn::Meta::Path(_)) {
            attribute.parse_nested_meta(|meta| {
                if !meta.path.is_ident("usage") {
                    return Err(meta.error("`usage = \"<player> [minutes]\"` is all that a command takes"));
                }
                usage = meta.value()?.parse()?;
                Ok(())
            })?;
        }
        let help = docs(&method.attrs);
        if help.is_empty() {
            return Err(Error::new(
                method.sig.span(),
                "a command needs a doc comment: it is the help that operators see",
            ));
        }
        Ok(Self { name: method.sig.ident.to_string().replace('_', "-"), usage, help, method })
    }
}

/// The text of doc comments, in one line.
pub(crate) fn docs(attributes: &[Attribute]) -> String {
    let lines =
        attributes.iter().filter(|attribute| attribute.path().is_ident("doc")).filter_map(|attribute| {
            let syn::Meta::NameValue(pair) = &attribute.meta else { return None };
            let Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(line), .. }) = &pair.value else { return None };
            Some(line.value().trim().to_owned())
        });
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Takes the attributes of a method that are ours, and says how it is subscribed.
fn subscribe(known: &Method, method: &mut ImplItemFn, subscriptions: &mut Vec<TokenStream>) -> Result<()> {
    let place = method.sig.ident.span();
    let on_failure = take(&mut method.attrs, "on_failure")?;
    let messages = take(&mut method.attrs, "messages")?;
    let rt = take(&mut method.attrs, "rt")?;
    let packets = take_all(&mut method.attrs, "packets");
    let refused = |attribute: &Option<Attribute>, allowed: bool, what: &str| match attribute {
        Some(attribute) if !allowed => Err(Error::new(attribute.span(), what)),
        _ => Ok(()),
    };
    refused(
        &on_failure,
        known.kind == Kind::Request,
        "only a typed request can be refused: there is no on_failure here",
    )?;
    refused(
        &messages,
        matches!(known.kind, Kind::Messages(_)),
        "#[messages] belongs on `incoming` and `outgoing`",
    )?;
    refused(&rt, matches!(known.kind, Kind::Rt(_)), "#[rt] belongs on `rt_incoming` and `rt_outgoing`")?;
    refused(&packets.first().cloned(), known.kind == Kind::Packets, "#[packets] belongs on `packet`")?;

    let hook = known.hook();
    let on_failure = match on_failure {
        Some(attribute) => {
            let status: Expr = attribute.parse_args()?;
            quote! { ::core::option::Option::Some(#status) }
        }
        None => quote! { ::core::option::Option::None },
    };
    let by_name = quote! { ::medley_plugin::manifest::hook(#hook, #on_failure) };
    match known.kind {
        Kind::Life | Kind::Command => {}
        Kind::Request | Kind::Told => subscriptions.push(by_name),
        Kind::Messages(direction) => {
            let Some(messages) = messages else {
                return Err(Error::new(place, "say which: #[messages(DnasSignaturePost, (0, 8), (4, _))]"));
            };
            for which in messages.parse_args_with(Punctuated::<MessageWhich, Token![,]>::parse_terminated)? {
                subscriptions.push(which.subscription(direction));
            }
        }
        Kind::Rt(direction) => {
            let Some(rt) = rt else { return Err(Error::new(place, "say which: #[rt(0x1E)]")) };
            for id in rt.parse_args_with(Punctuated::<Expr, Token![,]>::parse_terminated)? {
                subscriptions.push(quote! { ::medley_plugin::manifest::rt(#id, #direction) });
            }
        }
        Kind::Packets => {
            if packets.is_empty() {
                return Err(Error::new(
                    place,
                    "say which: #[packets(udp, prefix = [2, 9])], or #[packets] for all",
                ));
            }
            for attribute in packets {
                subscriptions.push(packet_filter(&attribute)?);
            }
        }
    }
    Ok(())
}

/// `DnasSignaturePost`, `(0, 8)`, `(4, _)`.
enum MessageWhich {
    Type(syn::Path),
    Number(Box<Expr>, Option<Box<Expr>>),
}

impl Parse for MessageWhich {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !input.peek(syn::token::Paren) {
            return Ok(Self::Type(input.parse()?));
        }
        let pair;
        syn::parenthesized!(pair in input);
        let class = Box::new(pair.parse()?);
        pair.parse::<Token![,]>()?;
        if pair.parse::<Option<Token![_]>>()?.is_some() {
            return Ok(Self::Number(class, None));
        }
        Ok(Self::Number(class, Some(Box::new(pair.parse()?))))
    }
}

impl MessageWhich {
    fn subscription(&self, direction: u8) -> TokenStream {
        match self {
            Self::Type(path) => quote! { ::medley_plugin::manifest::message_of::<#path>(#direction) },
            Self::Number(class, Some(id)) => {
                quote! { ::medley_plugin::manifest::message(#class, ::core::option::Option::Some(#id), #direction) }
            }
            Self::Number(class, None) => {
                quote! { ::medley_plugin::manifest::message(#class, ::core::option::Option::None, #direction) }
            }
        }
    }
}

fn packet_filter(attribute: &Attribute) -> Result<TokenStream> {
    let mut transport = 0_u8;
    let mut prefix: Expr = syn::parse_quote! { [] };
    if !matches!(attribute.meta, syn::Meta::Path(_)) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("tcp") {
                transport |= 1;
            } else if meta.path.is_ident("udp") {
                transport |= 2;
            } else if meta.path.is_ident("prefix") {
                prefix = meta.value()?.parse()?;
            } else {
                return Err(meta.error("`tcp`, `udp` and `prefix = [2, 9]` say which packets"));
            }
            Ok(())
        })?;
    }
    let transport = if transport == 0 { 3 } else { transport };
    Ok(quote! { ::medley_plugin::manifest::packets(#transport, &#prefix) })
}

fn take_all(attributes: &mut Vec<Attribute>, name: &str) -> Vec<Attribute> {
    let (taken, left) =
        std::mem::take(attributes).into_iter().partition(|attribute| attribute.path().is_ident(name));
    *attributes = left;
    taken
}

fn take(attributes: &mut Vec<Attribute>, name: &str) -> Result<Option<Attribute>> {
    let mut taken = take_all(attributes, name).into_iter();
    let first = taken.next();
    match taken.next() {
        Some(second) => Err(Error::new(second.span(), format!("#[{name}] stands here twice"))),
        None => Ok(first),
    }
}
