//! The declarations against the published schema, `protocol/messages.toml`: nothing missing, nothing named otherwise.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::collections::{BTreeMap, BTreeSet};

use medley_wire::enums::{self, NetMessageClass};
use medley_wire::messages::{self, AnyMessage, Direction};
use medley_wire::{AppId, Dialect};
use toml::{Table, Value};

fn schema() -> Option<Table> {
    let root = std::env::var("MEDLEY_SHARED")
        .unwrap_or_else(|_| format!("{}/../../../shared", env!("CARGO_MANIFEST_DIR")));
    match std::fs::read_to_string(format!("{root}/protocol/messages.toml")) {
        Ok(text) => Some(text.parse().unwrap()),
        Err(error) if std::env::var("CI").is_ok_and(|ci| ci == "true") => panic!("{root}: {error}"),
        Err(error) => {
            eprintln!("{root}: {error}: nothing checked; set MEDLEY_SHARED");
            None
        }
    }
}

fn text<'t>(table: &'t Value, key: &str) -> &'t str {
    table.get(key).and_then(Value::as_str).unwrap_or_else(|| panic!("no text {key} in {table}"))
}

fn number(table: &Value, key: &str) -> i64 {
    table.get(key).and_then(Value::as_integer).unwrap_or_else(|| panic!("no number {key} in {table}"))
}

#[test]
fn every_message_of_the_schema_is_declared_with_its_id_direction_answer_and_list_mark() {
    let Some(schema) = schema() else { return };
    let wanted = schema["message"].as_array().unwrap();
    assert_eq!((wanted.len(), messages::ALL.len()), (372, 372));
    let mut differences = Vec::new();
    for message in wanted {
        let (name, class, id) = (text(message, "name"), number(message, "class_id"), number(message, "id"));
        let Some(info) = messages::info(NetMessageClass(class as u8), id as u32) else {
            differences.push(format!("{name}: class {class} id {id} is not declared"));
            continue;
        };
        let direction = match text(message, "direction") {
            "client->server" => Direction::ClientToServer,
            "server->client" => Direction::ServerToClient,
            "both" => Direction::Both,
            other => panic!("{name}: direction {other}"),
        };
        let pair = message.get("pair").and_then(Value::as_str);
        let list = message.get("list").and_then(Value::as_bool).unwrap_or(false);
        let wanted = (name, direction, pair, list);
        let found = (info.name, info.direction, info.answer, info.list);
        if wanted != found {
            differences.push(format!("{name}: wanted {wanted:?}, found {found:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn names_and_ids_are_unique() {
    let names: BTreeSet<_> = messages::ALL.iter().map(|info| info.name).collect();
    let ids: BTreeSet<_> = messages::ALL.iter().map(|info| (info.class, info.id)).collect();
    assert_eq!((names.len(), ids.len()), (372, 372));
}

#[test]
fn a_message_of_one_size_has_it_in_every_dialect() {
    let Some(schema) = schema() else { return };
    let mut differences = Vec::new();
    let mut checked = 0;
    for message in schema["message"].as_array().unwrap() {
        let Some(size) = message.get("size").and_then(Value::as_integer) else { continue };
        let name = text(message, "name");
        let empty = AnyMessage::empty(name).unwrap();
        for (version, app) in
            [(108, 0), (108, 10684), (109, 10994), (110, 11184), (112, 20464), (113, 24180), (113, 21834)]
        {
            let found = empty.encode_plugin(&Dialect::new(version, AppId(app))).len();
            if found as i64 != size {
                differences.push(format!("{name} at {version}, app {app}: wanted {size}, found {found}"));
            }
        }
        checked += 1;
    }
    assert_eq!(checked, 316);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_field_of_the_schema_is_in_the_json_view_under_its_name() {
    let Some(schema) = schema() else { return };
    let mut differences = Vec::new();
    for message in schema["message"].as_array().unwrap() {
        let name = text(message, "name");
        let wanted: BTreeSet<&str> = message["fields"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|field| field.get("name").and_then(Value::as_str))
            .collect();
        let shown = AnyMessage::empty(name).unwrap().to_json();
        for field in shown.as_object().unwrap().keys().filter(|field| !wanted.contains(field.as_str())) {
            differences.push(format!("{name}.{field} is not in the schema"));
        }
        let conditional = |name: &str| {
            let fields = message["fields"].as_array().unwrap();
            let found = fields.iter().find(|field| field.get("name").and_then(Value::as_str) == Some(name));
            found.is_some_and(|field| field.get("when").is_some())
        };
        for field in wanted.iter().filter(|field| shown.get(**field).is_none() && !conditional(field)) {
            differences.push(format!("{name}.{field} is not in the JSON view"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_enum_and_value_of_the_schema_is_declared() {
    let Some(schema) = schema() else { return };
    let wanted = schema["enums"].as_table().unwrap();
    let ours: BTreeMap<_, _> = enums::ALL.iter().map(|info| (info.name, info)).collect();
    assert_eq!((wanted.len(), ours.len()), (79, 79));
    let mut differences = Vec::new();
    for (name, wanted) in wanted {
        let Some(info) = ours.get(name.as_str()) else {
            differences.push(format!("{name} is not declared"));
            continue;
        };
        if text(wanted, "type") != info.number {
            differences.push(format!("{name}: wanted {}, found {}", text(wanted, "type"), info.number));
        }
        let values: Vec<_> = wanted["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| (number(v, "value"), text(v, "name")))
            .collect();
        for (value, label) in values.iter().filter(|value| !info.values.contains(value)) {
            differences.push(format!("{name}: {label} = {value} is not declared"));
        }
        for (value, label) in info.values.iter().filter(|value| !values.contains(value)) {
            differences.push(format!("{name}: {label} = {value} is not in the schema"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
