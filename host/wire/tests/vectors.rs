//! The shared golden messages: fields to bytes and bytes to fields.

use medley_wire::{AnyMessage, AppId, Dialect};
use serde_json::Value;

/// The shared folder beside the checkout, or `None` with a note where there is none and CI is not watching.
fn shared(path: &str) -> Option<String> {
    let root = std::env::var("MEDLEY_SHARED")
        .unwrap_or_else(|_| format!("{}/../../../shared", env!("CARGO_MANIFEST_DIR")));
    match std::fs::read_to_string(format!("{root}/{path}")) {
        Ok(text) => Some(text),
        Err(error) if std::env::var("CI").is_ok_and(|ci| ci == "true") => panic!("{root}/{path}: {error}"),
        Err(_) => {
            eprintln!("{root}/{path} is not there: nothing checked");
            None
        }
    }
}

#[test]
fn every_shared_message_vector_encodes_and_decodes() {
    let Some(text) = shared("vectors/messages.json") else { return };
    let vectors: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(vectors.len() >= 251);
    let mut failures = Vec::new();
    for (i, vector) in vectors.iter().enumerate() {
        let name = vector["name"].as_str().unwrap();
        let number = |key: &str| vector[key].as_u64().unwrap();
        let d = Dialect::new(number("medius_version") as u16, AppId(number("app_id") as u32));
        let bytes = hex::decode(vector["hex"].as_str().unwrap()).unwrap();
        match AnyMessage::decode(&bytes, &d) {
            Ok(message) if message.name() != name => {
                failures.push(format!("{i} {name}: decoded as {}", message.name()))
            }
            Ok(message) if message.to_json() != vector["fields"] => {
                failures.push(format!(
                    "{i} {name}: fields\n  wanted {}\n  found  {}",
                    vector["fields"],
                    message.to_json()
                ));
            }
            Ok(_) => {}
            Err(error) => failures.push(format!("{i} {name}: {error}")),
        }
        match AnyMessage::from_json(name, vector["fields"].clone()) {
            Ok(message) if message.encode(&d) != bytes => {
                let found = hex::encode(message.encode(&d));
                failures
                    .push(format!("{i} {name}: bytes\n  wanted {}\n  found  {found}", hex::encode(&bytes)));
            }
            Ok(_) => {}
            Err(error) => failures.push(format!("{i} {name}: {error}")),
        }
    }
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}
