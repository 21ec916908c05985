//! The crate that `medley plugin new` makes: its code compiles, its test passes, and its files name what was asked for.

use medley_plugin_tool::{Tool, ToolError};

#[allow(unreachable_pub, reason = "it is the root of a crate of its own")]
#[path = "../template/lib.rs"]
mod title_plugin;

include!("../template/plugin_test.rs");

#[test]
fn a_new_crate_has_the_name_the_titles_and_the_sdk_that_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("city-rules");
    let sdk = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let new = |name: &std::path::Path| {
        let name = name.display().to_string();
        Tool::New { name, apps: vec![10_683, 10_684], sdk: Some(sdk.clone()) }.run()
    };
    new(&path).unwrap();
    let read = |file: &str| std::fs::read_to_string(path.join(file)).unwrap();
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    assert_eq!(manifest["package"]["name"].as_str(), Some("city-rules"));
    let dependency = manifest["dependencies"]["medley-plugin"]["path"].as_str().unwrap();
    assert!(std::path::Path::new(dependency).join("src/lib.rs").exists(), "{dependency}");
    assert!(read("src/lib.rs").contains("#[plugin(settings = Rules, app_ids = [10683, 10684])]"));
    assert!(read("tests/plugin.rs").contains("use city_rules::TitlePlugin;"));

    assert!(matches!(new(&path), Err(ToolError::Exists(_))));
    assert!(matches!(new(&folder.path().join("City Rules")), Err(ToolError::Name(_))));
    assert!(!folder.path().join("City Rules").exists());
}

#[test]
fn a_new_crate_takes_the_sdk_of_the_repository_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules");
    Tool::New { name: path.display().to_string(), apps: Vec::new(), sdk: None }.run().unwrap();
    let manifest: toml::Table = std::fs::read_to_string(path.join("Cargo.toml")).unwrap().parse().unwrap();
    assert!(manifest["dependencies"]["medley-plugin"]["git"].as_str().is_some());
}
