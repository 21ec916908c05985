//! From a core module to a component, and back to what is written in it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use wasm_encoder::{ComponentSection as _, CustomSection, Encode as _};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{Resolve, WorldId, WorldKey};

use crate::ToolError;

/// The interface that plugins are built for: `wit/0.1.0`.
pub const INTERFACE: &str = "medley:plugin@0.1.0";

/// The custom section with [`Origin`] in JSON.
pub const ORIGIN_SECTION: &str = "medley:origin";

/// The files of [`INTERFACE`], with their names.
pub const WIT: [(&str, &str); 4] = [
    ("types.wit", include_str!("../../../wit/0.1.0/types.wit")),
    ("hooks.wit", include_str!("../../../wit/0.1.0/hooks.wit")),
    ("host.wit", include_str!("../../../wit/0.1.0/host.wit")),
    ("world.wit", include_str!("../../../wit/0.1.0/world.wit")),
];

/// Of what a plugin was built.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Origin {
    /// The crate's name.
    pub package: String,
    /// SHA-256 over the sources of the crate, of the crates beside it that it uses, and of the interface, and over the names and
    /// versions of everything else that is in it.
    pub sources: String,
    /// The compiler. The same sources and compiler make the same bytes.
    pub compiler: String,
}

/// Makes a component of a core module that the SDK's macro made: it imports and exports those interfaces that the module does.
pub fn componentize(module: &[u8], origin: &Origin) -> Result<Vec<u8>, ToolError> {
    let wrong = |error: &dyn std::fmt::Display| ToolError::Module(format!("{error:#}"));
    let (resolve, world) = world_of(&exported_interfaces(module)?)?;
    let mut module = without_component_types(module)?;
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .map_err(|error| wrong(&error))?;
    let encoder = ComponentEncoder::default().validate(true).module(&module);
    let mut component = encoder.and_then(|mut encoder| encoder.encode()).map_err(|error| wrong(&error))?;
    let json = serde_json::to_vec(origin).map_err(|error| wrong(&error))?;
    let section = CustomSection { name: ORIGIN_SECTION.into(), data: Cow::Owned(json) };
    section.append_to_component(&mut component);
    Validator::new_with_features(WasmFeatures::default())
        .validate_all(&component)
        .map_err(|error| wrong(&error))?;
    Ok(component)
}

/// The interface, parsed.
pub fn interface() -> Result<(Resolve, WorldId), ToolError> {
    let wrong = |error: &dyn std::fmt::Display| ToolError::Module(format!("{INTERFACE}: {error}"));
    let mut sources = wit_parser::SourceMap::default();
    for (name, text) in WIT {
        sources.push_str(name, text);
    }
    let mut resolve = Resolve::default();
    let group = sources.parse().map_err(|(_, error)| wrong(&error))?;
    let package = resolve.push_group(group).map_err(|error| wrong(&error))?;
    let world = resolve.select_world(&[package], Some("plugin")).map_err(|error| wrong(&error))?;
    Ok((resolve, world))
}

/// Names of the interfaces of which the module exports functions, as `lobby`.
fn exported_interfaces(module: &[u8]) -> Result<BTreeSet<String>, ToolError> {
    let (package, version) = INTERFACE.split_once('@').unwrap_or((INTERFACE, ""));
    let mut interfaces = BTreeSet::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::ExportSection(exports) =
            payload.map_err(|error| ToolError::Module(error.to_string()))?
        else {
            continue;
        };
        for export in exports {
            let name = export.map_err(|error| ToolError::Module(error.to_string()))?.name;
            let Some((interface, _)) = name.split_once('#') else { continue };
            let interface = interface.strip_prefix("cabi_post_").unwrap_or(interface);
            let ours =
                interface.strip_prefix(package).and_then(|rest| rest.strip_prefix('/')?.split_once('@'));
            match ours {
                Some((interface, of)) if of == version => {
                    interfaces.insert(interface.to_owned());
                }
                Some((_, of)) => {
                    let why = format!(
                        "it is made for interface {package}@{of}, and this medley builds {INTERFACE}"
                    );
                    return Err(ToolError::Module(why));
                }
                None => {
                    return Err(ToolError::Module(format!(
                        "it exports `{name}`, which is not of {INTERFACE}"
                    )));
                }
            }
        }
    }
    if !interfaces.contains("manifest") {
        let why =
            format!("it does not export {package}/manifest: is there a `#[plugin] impl Plugin for ...`?");
        return Err(ToolError::Module(why));
    }
    Ok(interfaces)
}

/// The world with these exports and all imports; those that are not used are left out when it is encoded.
fn world_of(interfaces: &BTreeSet<String>) -> Result<(Resolve, WorldId), ToolError> {
    let (mut resolve, world) = interface()?;
    let names: Vec<(WorldKey, String)> = resolve.worlds[world]
        .exports
        .keys()
        .map(|key| (key.clone(), short(&resolve.name_world_key(key)).to_owned()))
        .collect();
    if let Some(unknown) = interfaces.iter().find(|wanted| names.iter().all(|(_, name)| name != *wanted)) {
        return Err(ToolError::Module(format!(
            "{INTERFACE} has no interface `{unknown}` that plugins export"
        )));
    }
    for (key, name) in names {
        if !interfaces.contains(&name) {
            resolve.worlds[world].exports.shift_remove(&key);
        }
    }
    Ok((resolve, world))
}

/// `lobby` of `medley:plugin/lobby@0.1.0`.
pub(crate) fn short(name: &str) -> &str {
    let name = name.split_once('/').map_or(name, |(_, name)| name);
    name.split_once('@').map_or(name, |(name, _)| name)
}

/// The bindings' own description of the world, which names every export, gives way to ours.
fn without_component_types(module: &[u8]) -> Result<Vec<u8>, ToolError> {
    let mut out = wasm_encoder::Module::HEADER.to_vec();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.map_err(|error| ToolError::Module(error.to_string()))?;
        if let Payload::CustomSection(section) = &payload
            && section.name().starts_with("component-type")
        {
            continue;
        }
        if let Some((id, range)) = payload.as_section() {
            out.push(id);
            module[range].encode(&mut out);
        }
    }
    Ok(out)
}

/// Of what the component in this file was built, if it says so.
pub fn origin(component: &[u8], path: &Path) -> Result<Option<Origin>, ToolError> {
    let mut origin = None;
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|error| ToolError::component(path, error))? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 0 && section.name() == ORIGIN_SECTION => {
                let said = serde_json::from_slice(section.data());
                origin = Some(
                    said.map_err(|error| ToolError::component(path, format!("{ORIGIN_SECTION}: {error}")))?,
                );
            }
            _ => {}
        }
    }
    Ok(origin)
}
