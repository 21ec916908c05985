//! The macro behind the message declarations of `medley-wire`.
//!
//! [`messages!`] takes a file of plain structs, fields in wire order, and derives from that one declaration the
//! codec, the JSON view, the name and the id. It is of no use outside `medley-wire`.
//!
//! ```text
//! messages! {
//!     class Lobby, prefix "Medius", list lobby_messages, module lobby;
//!
//!     /// Logs an account in.
//!     #[message(0x07, client_to_server, answer AccountLoginResponse)]
//!     pub struct AccountLoginRequest {
//!         pub message_id: MessageId,
//!         pub session_key: Text<17>,
//!         #[pad(2)]
//!         ...
//!     }
//! }
//! ```
//!
//! A file of nested structures starts with `structures;` instead.
//!
//! | attribute | on | meaning |
//! |---|---|---|
//! | `#[message(id, direction, answer T, list)]` | struct | a message; without it the struct is a nested structure |
//! | `#[pad(n)]`, `#[pad(n, when expr)]` | field | pad bytes in front of the field: written zero, never looked at |
//! | `#[pad_end(n)]`, `#[pad_end(n, when expr)]` | struct | pad bytes behind the last field; a body may end before them |
//! | `#[name("X")]` | field | the SDK's name, where it is not the CamelCase of the Rust name |
//! | `#[when(expr)]` | field | the field (an `Option`) is on the wire only if `expr` holds |
//! | `#[width(expr)]` | field | the byte width of a `VarText` or `VarBytes` |
//! | `#[count(expr)]` | field | the number of elements of a `Vec` |
//! | `#[rest]` | field | a `VarBytes`, `VarText` or `Vec` that takes all that is left |
//! | `#[optional]` | field | an `Option` that is there if bytes are left |
//!
//! Expressions see the earlier fields by name and the dialect as `d`.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Expr, Field, ItemStruct, LitInt, LitStr, Token};

/// Declares all messages of one class. See the crate documentation.
#[proc_macro]
pub fn messages(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    match syn::parse::<Declarations>(input).and_then(|declarations| declarations.expand()) {
        Ok(tokens) => tokens.into(),
        Err(error) => error.to_compile_error().into(),
    }
}

struct Declarations {
    /// `None` for a file of nested structures.
    class: Option<Class>,
    items: Vec<ItemStruct>,
}

struct Class {
    name: Ident,
    prefix: String,
    list: Ident,
    module: Ident,
}

impl Parse for Declarations {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let first: Ident = input.parse()?;
        let class = match first.to_string().as_str() {
            "structures" => None,
            "class" => Some(Class::parse(input)?),
            _ => return Err(syn::Error::new(first.span(), "expected `class` or `structures`")),
        };
        input.parse::<Token![;]>()?;
        let mut items = Vec::new();
        while !input.is_empty() {
            items.push(input.parse()?);
        }
        Ok(Self { class, items })
    }
}

impl Class {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = input.parse()?;
        input.parse::<Token![,]>()?;
        keyword(input, "prefix")?;
        let prefix = input.parse::<LitStr>()?.value();
        input.parse::<Token![,]>()?;
        keyword(input, "list")?;
        let list = input.parse()?;
        input.parse::<Token![,]>()?;
        keyword(input, "module")?;
        Ok(Self { name, prefix, list, module: input.parse()? })
    }

    fn sdk_name(&self, ident: &Ident) -> String {
        let ident = ident.to_string();
        let whole = ident.starts_with("Dme") || ident.starts_with("NetMessage");
        if whole { ident } else { format!("{}{ident}", self.prefix) }
    }
}

fn keyword(input: ParseStream<'_>, wanted: &str) -> syn::Result<()> {
    let found: Ident = input.parse()?;
    if found == wanted { Ok(()) } else { Err(syn::Error::new(found.span(), format!("expected `{wanted}`"))) }
}

impl Declarations {
    fn expand(self) -> syn::Result<TokenStream> {
        let mut out = TokenStream::new();
        let mut names = Vec::new();
        for item in &self.items {
            let (tokens, is_message) = self.expand_struct(item)?;
            out.extend(tokens);
            if is_message {
                names.push(item.ident.clone());
            }
        }
        let Some(Class { list, module, .. }) = &self.class else { return Ok(out) };
        out.extend(quote! {
            /// Hands the names of this class's messages to the next macro of the chain in `messages/mod.rs`.
            macro_rules! #list {
                ($next:ident, $($before:tt)*) => { $next! { $($before)* #module: #(#names),*; } };
            }
        });
        Ok(out)
    }

    fn expand_struct(&self, item: &ItemStruct) -> syn::Result<(TokenStream, bool)> {
        let ident = &item.ident;
        let mut message = None;
        let mut end_pads = Vec::new();
        let mut kept = Vec::new();
        for attribute in &item.attrs {
            if attribute.path().is_ident("message") {
                message = Some(attribute.parse_args::<MessageArgs>()?);
            } else if attribute.path().is_ident("pad_end") {
                end_pads.push(attribute.parse_args::<Pad>()?);
            } else {
                kept.push(attribute.clone());
            }
        }
        let plans = item.fields.iter().map(FieldPlan::new).collect::<syn::Result<Vec<_>>>()?;

        let fields = plans.iter().map(|plan| {
            let (docs, vis, ident, ty) = (&plan.docs, &plan.field.vis, &plan.ident, &plan.field.ty);
            quote! { #(#docs)* #vis #ident: #ty }
        });
        let idents: Vec<_> = plans.iter().map(|plan| &plan.ident).collect();

        let mut decode = TokenStream::new();
        let mut encode = TokenStream::new();
        for used in used_by_expressions(&plans, &end_pads) {
            encode.extend(quote! { let #used = self.#used; });
        }
        for plan in &plans {
            decode.extend(plan.decode());
            encode.extend(plan.encode());
        }
        for Pad { size, when } in &end_pads {
            let (read, write) = (quote! { r.pad_end(#size); }, quote! { w.pad(#size); });
            match when {
                Some(when) => {
                    decode.extend(quote! { if #when { #read } });
                    encode.extend(quote! { if #when { #write } });
                }
                None => {
                    decode.extend(read);
                    encode.extend(write);
                }
            }
        }
        let to_json = plans.iter().map(|plan| {
            let (ident, name) = (&plan.ident, &plan.name);
            quote! { crate::json::put(&mut object, #name, &self.#ident); }
        });
        let from_json = plans.iter().map(|plan| {
            let (ident, name) = (&plan.ident, &plan.name);
            quote! { #ident: crate::json::take(&mut object, #name)? }
        });
        let vis = &item.vis;
        let mut out = quote! {
            #(#kept)*
            #[derive(Clone, Debug, PartialEq)]
            #vis struct #ident { #(#fields,)* }

            impl Default for #ident {
                fn default() -> Self {
                    Self { #(#idents: crate::codec::Empty::empty(),)* }
                }
            }

            impl crate::codec::Empty for #ident {
                fn empty() -> Self {
                    Self::default()
                }
            }

            impl crate::codec::Wire for #ident {
                #[allow(unused_variables, reason = "a structure without conditions does not look at the dialect")]
                fn decode(r: &mut crate::codec::Reader<'_>, d: &crate::codec::Dialect) -> Result<Self, crate::codec::DecodeError> {
                    #decode
                    Ok(Self { #(#idents,)* })
                }

                #[allow(unused_variables, reason = "a structure without conditions does not look at the dialect")]
                fn encode(&self, w: &mut crate::codec::Writer, d: &crate::codec::Dialect) {
                    #encode
                }
            }

            impl crate::json::JsonView for #ident {
                fn to_json(&self) -> Option<serde_json::Value> {
                    let mut object = serde_json::Map::new();
                    #(#to_json)*
                    Some(serde_json::Value::Object(object))
                }

                fn from_json(value: Option<serde_json::Value>) -> Result<Self, crate::json::JsonError> {
                    let mut object = crate::json::object(value)?;
                    let parsed = Self { #(#from_json,)* };
                    crate::json::nothing_left(object)?;
                    Ok(parsed)
                }
            }
        };
        let Some(args) = &message else { return Ok((out, false)) };
        let class =
            self.class.as_ref().ok_or_else(|| syn::Error::new(ident.span(), "a message needs a class"))?;
        out.extend(class.expand_message(ident, args, &plans));
        Ok((out, true))
    }
}

impl Class {
    fn expand_message(&self, ident: &Ident, args: &MessageArgs, plans: &[FieldPlan]) -> TokenStream {
        let class = &self.name;
        let sdk_name = self.sdk_name(ident);
        let id = &args.id;
        let direction = &args.direction;
        let list = args.list;
        let answer_name = match &args.answer {
            Some(answer) => {
                let name = self.sdk_name(answer);
                quote! { Some(#name) }
            }
            None => quote! { None },
        };
        let has = |name: &str| plans.iter().find(|plan| plan.name == name).map(|plan| &plan.ident);
        let mut accessors = TokenStream::new();
        if let Some(field) = has("MessageID") {
            accessors.extend(quote! {
                fn message_id(&self) -> Option<crate::types::MessageId> { Some(self.#field) }
                fn set_message_id(&mut self, id: crate::types::MessageId) { self.#field = id; }
            });
        }
        if let Some(field) = has("StatusCode") {
            accessors.extend(quote! {
                fn status(&self) -> Option<crate::enums::CallbackStatus> { Some(self.#field) }
                fn set_status(&mut self, status: crate::enums::CallbackStatus) { self.#field = status; }
            });
        }
        if let Some(field) = has("EndOfList").or_else(|| has("EndOfText")) {
            accessors.extend(quote! {
                fn set_end_of_list(&mut self, end: bool) { self.#field = end.into(); }
            });
        }
        let request = args.answer.as_ref().map(|answer| {
            quote! { impl crate::messages::Request for #ident { type Answer = super::#answer; } }
        });
        quote! {
            impl crate::messages::Message for #ident {
                const INFO: &'static crate::messages::MessageInfo = &crate::messages::MessageInfo {
                    name: #sdk_name,
                    class: crate::enums::NetMessageClass::#class,
                    id: #id,
                    direction: crate::messages::Direction::#direction,
                    answer: #answer_name,
                    list: #list,
                };
                #accessors
            }
            #request
        }
    }
}

struct MessageArgs {
    id: LitInt,
    direction: Ident,
    answer: Option<Ident>,
    list: bool,
}

impl Parse for MessageArgs {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let id = input.parse()?;
        input.parse::<Token![,]>()?;
        let direction: Ident = input.parse()?;
        let direction = match direction.to_string().as_str() {
            "client_to_server" => format_ident!("ClientToServer"),
            "server_to_client" => format_ident!("ServerToClient"),
            "both" => format_ident!("Both"),
            _ => {
                return Err(syn::Error::new(
                    direction.span(),
                    "expected client_to_server, server_to_client or both",
                ));
            }
        };
        let (mut answer, mut list) = (None, false);
        while input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            let word: Ident = input.parse()?;
            match word.to_string().as_str() {
                "answer" => answer = Some(input.parse()?),
                "list" => list = true,
                _ => return Err(syn::Error::new(word.span(), "expected answer or list")),
            }
        }
        Ok(Self { id, direction, answer, list })
    }
}

struct Pad {
    size: LitInt,
    when: Option<Expr>,
}

impl Parse for Pad {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let size = input.parse()?;
        let when = if input.parse::<Option<Token![,]>>()?.is_some() {
            keyword(input, "when")?;
            Some(input.parse()?)
        } else {
            None
        };
        Ok(Self { size, when })
    }
}

struct FieldPlan {
    field: Field,
    ident: Ident,
    name: String,
    docs: Vec<Attribute>,
    pads: Vec<Pad>,
    when: Option<Expr>,
    width: Option<Expr>,
    count: Option<Expr>,
    rest: bool,
    optional: bool,
}

impl FieldPlan {
    fn new(field: &Field) -> syn::Result<Self> {
        let ident = field
            .ident
            .clone()
            .ok_or_else(|| syn::Error::new(Span::call_site(), "messages have named fields"))?;
        let mut plan = Self {
            field: field.clone(),
            name: sdk_field_name(&ident.to_string()),
            ident,
            docs: Vec::new(),
            pads: Vec::new(),
            when: None,
            width: None,
            count: None,
            rest: false,
            optional: false,
        };
        for attribute in &field.attrs {
            let path = attribute.path();
            if path.is_ident("pad") {
                plan.pads.push(attribute.parse_args()?);
            } else if path.is_ident("when") {
                plan.when = Some(attribute.parse_args()?);
            } else if path.is_ident("width") {
                plan.width = Some(attribute.parse_args()?);
            } else if path.is_ident("count") {
                plan.count = Some(attribute.parse_args()?);
            } else if path.is_ident("rest") {
                plan.rest = true;
            } else if path.is_ident("optional") {
                plan.optional = true;
            } else if path.is_ident("name") {
                plan.name = attribute.parse_args::<LitStr>()?.value();
            } else {
                plan.docs.push(attribute.clone());
            }
        }
        Ok(plan)
    }

    fn expressions(&self) -> impl Iterator<Item = &Expr> {
        self.when
            .iter()
            .chain(&self.width)
            .chain(&self.count)
            .chain(self.pads.iter().filter_map(|p| p.when.as_ref()))
    }

    fn decode(&self) -> TokenStream {
        let (ident, name, ty) = (&self.ident, &self.name, &self.field.ty);
        let pads = self.pads.iter().map(|Pad { size, when }| match when {
            Some(when) => quote! { if #when { r.pad(#size)?; } },
            None => quote! { r.pad(#size)?; },
        });
        let value = if self.rest {
            quote! { crate::codec::WireSized::decode_sized(r, d, usize::MAX)? }
        } else if let Some(size) = self.width.as_ref().or(self.count.as_ref()) {
            quote! { crate::codec::WireSized::decode_sized(r, d, crate::codec::size_from(#size))? }
        } else {
            quote! { crate::codec::Wire::decode(r, d)? }
        };
        let value = match &self.when {
            Some(when) => quote! { if #when { Some(#value) } else { None } },
            None if self.optional => quote! { if r.remaining() > 0 { Some(#value) } else { None } },
            None => value,
        };
        quote! { #(#pads)* r.at(#name); let #ident: #ty = #value; r.done(); }
    }

    fn encode(&self) -> TokenStream {
        let ident = &self.ident;
        let pads = self.pads.iter().map(|Pad { size, when }| match when {
            Some(when) => quote! { if #when { w.pad(#size); } },
            None => quote! { w.pad(#size); },
        });
        let write = |value: TokenStream| {
            if self.rest {
                quote! { crate::codec::WireSized::encode_sized(#value, w, d, usize::MAX); }
            } else if let Some(size) = self.width.as_ref().or(self.count.as_ref()) {
                quote! { crate::codec::WireSized::encode_sized(#value, w, d, crate::codec::size_from(#size)); }
            } else {
                quote! { crate::codec::Wire::encode(#value, w, d); }
            }
        };
        let value = match &self.when {
            // A field that the dialect wants and the sender left out goes out empty, so that lengths stay right.
            Some(when) => {
                let (given, empty) =
                    (write(quote! { value }), write(quote! { &crate::codec::empty_of(&self.#ident) }));
                quote! { if #when { match &self.#ident { Some(value) => { #given } None => { #empty } } } }
            }
            None if self.optional => {
                let given = write(quote! { value });
                quote! { if let Some(value) = &self.#ident { #given } }
            }
            None => write(quote! { &self.#ident }),
        };
        quote! { #(#pads)* #value }
    }
}

/// Fields whose values the conditions and sizes look at; all of them are `Copy` scalars.
fn used_by_expressions(plans: &[FieldPlan], end_pads: &[Pad]) -> Vec<Ident> {
    let mut words = Vec::new();
    for expression in
        plans.iter().flat_map(FieldPlan::expressions).chain(end_pads.iter().filter_map(|p| p.when.as_ref()))
    {
        collect_words(quote! { #expression }, &mut words);
    }
    plans.iter().map(|plan| &plan.ident).filter(|ident| words.contains(&ident.to_string())).cloned().collect()
}

fn collect_words(tokens: TokenStream, words: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => words.push(ident.to_string()),
            TokenTree::Group(group) => collect_words(group.stream(), words),
            _ => {}
        }
    }
}

/// `account_id` is `AccountID` in the SDK, `ladder_stat_index` is `LadderStatIndex`.
fn sdk_field_name(rust: &str) -> String {
    rust.split('_')
        .map(|word| match word {
            "id" | "ip" | "url" | "dns" => word.to_uppercase(),
            _ => {
                let mut letters = word.chars();
                letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
            }
        })
        .collect()
}
