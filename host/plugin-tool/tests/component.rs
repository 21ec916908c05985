//! What becomes a component, and what is refused with a sentence.

use std::path::Path;

use medley_plugin_tool::component::{Origin, componentize, interface, origin};

fn made_of() -> Origin {
    Origin { package: "nothing".into(), sources: "00".into(), compiler: "by hand".into() }
}

/// A module with the four functions of the manifest, which trap.
#[allow(clippy::unwrap_used, reason = "a builder of fixtures")]
fn manifest_alone(version: &str) -> Vec<u8> {
    let functions: String = ["describe", "settings", "subscriptions", "capabilities"]
        .map(|name| {
            format!("(func (export \"medley:plugin/manifest@{version}#{name}\") (result i32) unreachable)")
        })
        .concat();
    let realloc = "(func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) unreachable)";
    wat::parse_str(format!("(module (memory (export \"memory\") 1) {realloc} {functions})")).unwrap()
}

#[test]
fn a_component_exports_what_its_module_does_and_says_of_what_it_was_made() {
    let component = componentize(&manifest_alone("0.1.0"), &made_of()).unwrap();
    assert_eq!(origin(&component, Path::new("x")).unwrap(), Some(made_of()));
    let mut exports = Vec::new();
    for payload in wasmparser::Parser::new(0).parse_all(&component) {
        if let wasmparser::Payload::ComponentExportSection(section) = payload.unwrap() {
            exports.extend(section.into_iter().map(|export| export.unwrap().name.name.to_owned()));
        }
    }
    assert!(exports.contains(&"medley:plugin/manifest@0.1.0".to_owned()), "{exports:?}");
    assert!(!exports.iter().any(|name| name.contains("lobby")), "{exports:?}");
    assert_eq!(component, componentize(&manifest_alone("0.1.0"), &made_of()).unwrap());
}

#[test]
fn a_module_of_another_interface_version_or_of_none_is_refused() {
    let said = |module: &[u8]| componentize(module, &made_of()).unwrap_err().to_string();
    assert_eq!(
        said(&manifest_alone("7.0.0")),
        "the module is no plugin: it is made for interface medley:plugin@7.0.0, and this medley builds medley:plugin@0.1.0"
    );
    let empty = wat::parse_str("(module)").unwrap();
    assert!(said(&empty).contains("does not export medley:plugin/manifest"), "{}", said(&empty));
    let other = wat::parse_str("(module (func (export \"wasi:cli/run@0.2.0#run\")))").unwrap();
    assert!(said(&other).contains("it exports `wasi:cli/run@0.2.0#run`"), "{}", said(&other));
    assert!(said(b"no module at all").starts_with("the module is no plugin: "));
}

#[test]
fn the_interface_is_that_of_the_files() {
    let (resolve, world) = interface().unwrap();
    assert_eq!(resolve.worlds[world].name, "plugin");
    assert_eq!(resolve.worlds[world].exports.len(), 10);
}
