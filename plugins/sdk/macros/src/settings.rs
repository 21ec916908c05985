//! `#[derive(Settings)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned as _;
use syn::{Data, DeriveInput, Error, Expr, Field, Fields, Result};

use crate::plugin::docs;

pub(crate) fn expand(item: TokenStream) -> Result<TokenStream> {
    let item: DeriveInput = syn::parse2(item)?;
    let fields = match &item.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => &fields.named,
            other => {
                return Err(Error::new(
                    other.span(),
                    "settings have names: a struct with named fields is wanted",
                ));
            }
        },
        _ => return Err(Error::new(item.ident.span(), "settings are a struct with named fields")),
    };
    let settings = fields.iter().map(Setting::new).collect::<Result<Vec<_>>>()?;
    let name = &item.ident;
    let described = settings.iter().map(Setting::described);
    let read = settings.iter().map(Setting::read);
    Ok(quote! {
        impl ::medley_plugin::settings::Settings for #name {
            fn describe() -> ::std::vec::Vec<::medley_plugin::manifest::Setting> {
                ::std::vec![#(#described),*]
            }

            fn read() -> Self {
                Self { #(#read),* }
            }

            fn current() -> ::std::rc::Rc<Self> {
                ::std::thread_local! {
                    static REMEMBERED: ::medley_plugin::settings::Remembered<#name> =
                        const { ::medley_plugin::settings::Remembered::new() };
                }
                REMEMBERED.with(::medley_plugin::settings::Remembered::get)
            }
        }
    })
}

struct Setting<'a> {
    field: &'a Field,
    name: String,
    default: TokenStream,
    minimum: TokenStream,
    maximum: TokenStream,
    help: String,
}

impl<'a> Setting<'a> {
    fn new(field: &'a Field) -> Result<Self> {
        let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
        let help = docs(&field.attrs);
        if help.is_empty() {
            return Err(Error::new(
                field.span(),
                "a setting needs a doc comment: it is the help that operators see",
            ));
        }
        let ty = &field.ty;
        let none = quote! { ::core::option::Option::None };
        let mut setting = Self {
            field,
            name,
            default: quote! { <#ty as ::core::default::Default>::default() },
            minimum: none.clone(),
            maximum: none,
            help,
        };
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("setting")) {
            attribute.parse_nested_meta(|meta| {
                let known = ["default", "min", "max"].into_iter().find(|name| meta.path.is_ident(name));
                let Some(known) = known else {
                    return Err(meta.error("`default`, `min` and `max` are what a setting takes"));
                };
                let value: Expr = meta.value()?.parse()?;
                match known {
                    "default" if is_string(&value) => {
                        setting.default = quote! { ::std::string::String::from(#value) }
                    }
                    "default" => setting.default = quote! { #value },
                    "min" => setting.minimum = quote! { ::core::option::Option::Some(#value) },
                    _ => setting.maximum = quote! { ::core::option::Option::Some(#value) },
                }
                Ok(())
            })?;
        }
        Ok(setting)
    }

    fn described(&self) -> TokenStream {
        let Self { field, name, default, minimum, maximum, help } = self;
        let ty = &field.ty;
        quote! {
            ::medley_plugin::manifest::Setting {
                name: ::std::string::String::from(#name),
                default: <#ty as ::medley_plugin::settings::SettingType>::into_value(#default),
                minimum: #minimum,
                maximum: #maximum,
                help: ::std::string::String::from(#help),
            }
        }
    }

    fn read(&self) -> TokenStream {
        let Self { field, name, default, .. } = self;
        let (ident, ty) = (&field.ident, &field.ty);
        quote! { #ident: ::medley_plugin::settings::value::<#ty>(#name, #default) }
    }
}

fn is_string(value: &Expr) -> bool {
    matches!(value, Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(_), .. }))
}
