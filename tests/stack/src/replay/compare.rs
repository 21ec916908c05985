//! What Sony's server said against what the host says: every field, ids under a bijection.

use std::collections::BTreeMap;

use serde_json::Value;

/// Kinds of ids: each has its own bijection between the capture's and today's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// AccountID.
    Account,
    /// ClanID.
    Clan,
    /// MediusWorldID of channels and games.
    World,
    /// Net world of MLS.
    LobbyNet,
    /// Net world of DME.
    GameNet,
    /// SessionKey.
    Session,
    /// AccessKey.
    Access,
    /// Addresses: text and port. A host in one process has fewer than Sony had, so this is a function, no bijection.
    Address,
    /// Scert ids.
    Scert,
}

impl Class {
    const fn injective(self) -> bool {
        !matches!(self, Self::Address)
    }
}

/// What a field is.
enum Field {
    Exact,
    Id(Class),
    /// A clock: any number.
    Clock,
    /// Random bytes: as many.
    Random,
    /// A modulus: zero or not.
    Modulus,
}

fn field(message: &str, path: &str, key: &str) -> Field {
    let rt = message.starts_with("SERVER_") || message.starts_with("CLIENT_");
    match key {
        "AccountID"
        | "OriginatorAccountID"
        | "IgnoreAccountID"
        | "LeaderAccountID"
        | "AccountID_or_ClanID" => Field::Id(Class::Account),
        "ClanID" => Field::Id(Class::Clan),
        "ID" if message.contains("FindPlayer") => Field::Id(Class::Account),
        "MediusWorldID" | "MediusLobbyWorldID" | "MediusGameWorldID" => Field::Id(Class::World),
        "WorldID" if path.contains("ConnectInfo") => {
            Field::Id(if message.contains("JoinGame") { Class::GameNet } else { Class::LobbyNet })
        }
        "WorldID" if !rt => Field::Id(Class::World),
        "SessionKey" => Field::Id(Class::Session),
        "AccessKey" => Field::Id(Class::Access),
        "ServerKey" => Field::Modulus,
        "ScertClientID" => Field::Id(Class::Scert),
        "IP" => Field::Id(Class::Address),
        "Port" if rt || message.contains("Universe") => Field::Clock,
        "DNS" | "Seconds" | "Microseconds" | "GMT_time" | "ServerTime" => Field::Clock,
        "Key" if message.contains("CRYPTKEY") => Field::Random,
        _ => Field::Exact,
    }
}

/// The bijections, learned at first sight and enforced from then on.
#[derive(Debug, Default)]
pub struct Ids {
    forth: BTreeMap<(Class, String), Value>,
    back: BTreeMap<(Class, String), Value>,
}

/// Ids that mean nobody and nothing stay what they are.
fn nothing(value: &Value) -> bool {
    matches!(value.as_i64(), Some(0 | -1)) || value.as_str() == Some("")
}

impl Ids {
    /// Learns that the capture's `captured` is today's `live`, or checks it.
    ///
    /// # Errors
    /// Either is known to be another.
    pub fn meet(&mut self, class: Class, captured: &Value, live: &Value) -> Result<(), String> {
        if nothing(captured) || nothing(live) {
            return if captured == live {
                Ok(())
            } else {
                Err(format!("{captured} was captured, {live} came"))
            };
        }
        let known = self.forth.entry((class, captured.to_string())).or_insert_with(|| live.clone());
        if known != live {
            return Err(format!("{class:?} {captured} was {known} so far, {live} came"));
        }
        if class.injective() {
            let known = self.back.entry((class, live.to_string())).or_insert_with(|| captured.clone());
            if known != captured {
                return Err(format!("{class:?} {live} stood for {known} so far, now for {captured}"));
            }
        }
        Ok(())
    }

    /// Today's id for the capture's; `None` if it was never met.
    pub fn live(&self, class: Class, captured: &Value) -> Option<Value> {
        if nothing(captured) {
            return Some(captured.clone());
        }
        self.forth.get(&(class, captured.to_string())).cloned()
    }

    /// Puts today's ids into the fields of a message that is to be sent; names the ids that nobody told the console.
    pub fn substitute(&self, message: &str, fields: &mut Value) -> Vec<String> {
        let mut unknown = Vec::new();
        self.walk(message, "", fields, &mut unknown);
        unknown
    }

    fn walk(&self, message: &str, path: &str, value: &mut Value, unknown: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    let path = format!("{path}.{key}");
                    match field(message, &path, key) {
                        Field::Id(class) => match self.live(class, value) {
                            Some(live) => *value = live,
                            None => unknown.push(format!("{message}{path} {value}")),
                        },
                        _ => self.walk(message, &path, value, unknown),
                    }
                }
            }
            Value::Array(rows) => rows.iter_mut().for_each(|row| self.walk(message, path, row, unknown)),
            _ => {}
        }
    }

    /// Compares a message's fields; calls `differ` with the path and the two values of each that differs.
    pub fn compare(
        &mut self,
        message: &str,
        path: &str,
        captured: &Value,
        live: &Value,
        differ: &mut dyn FnMut(&str, String),
    ) {
        match (captured, live) {
            (Value::Object(a), Value::Object(b)) if a.contains_key("AddressType") => {
                let text = |fields: &serde_json::Map<String, Value>| {
                    let address = fields.get("Address").or_else(|| fields.get("AddressBytes"));
                    address.and_then(Value::as_str).unwrap_or_default().to_owned()
                };
                if a.get("AddressType") != b.get("AddressType") || text(a).is_empty() {
                    if a != b {
                        differ(path, format!("{captured} was captured, {live} came"));
                    }
                } else if let Err(error) = self.meet(Class::Address, captured, live) {
                    differ(path, error);
                }
            }
            (Value::Object(a), Value::Object(b)) => {
                let keys: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
                for key in keys {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    match (a.get(key), b.get(key)) {
                        (Some(a), Some(b)) => self.compare_field(message, &path, key, a, b, differ),
                        (Some(a), None) => differ(&path, format!("{a} was captured, nothing came")),
                        (None, b) => differ(&path, format!("nothing was captured, {b:?} came")),
                    }
                }
            }
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                for (index, (a, b)) in a.iter().zip(b).enumerate() {
                    self.compare(message, &format!("{path}[{index}]"), a, b, differ);
                }
            }
            _ if captured == live => {}
            _ => differ(path, format!("{captured} was captured, {live} came")),
        }
    }

    fn compare_field(
        &mut self,
        message: &str,
        path: &str,
        key: &str,
        captured: &Value,
        live: &Value,
        differ: &mut dyn FnMut(&str, String),
    ) {
        let zero = |value: &Value| {
            value
                .get("key")
                .and_then(Value::as_array)
                .is_some_and(|words| words.iter().all(|word| *word == 0))
        };
        match field(message, path, key) {
            Field::Exact => self.compare(message, path, captured, live, differ),
            Field::Clock => {}
            Field::Random => {
                let length = |value: &Value| value.as_str().map(str::len);
                if length(captured) != length(live) {
                    differ(path, format!("{captured} was captured, {live} came"));
                }
            }
            Field::Modulus => {
                if zero(captured) != zero(live) {
                    differ(path, format!("{captured} was captured, {live} came"));
                }
            }
            Field::Id(class) => {
                if let Err(error) = self.meet(class, captured, live) {
                    differ(path, error);
                }
            }
        }
    }
}

/// How the host may differ from the capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// In this field: a path as the comparison tells it, `*` at the end matches the rest.
    Field(&'static str),
    /// The message does not come, or fewer of it.
    Missing,
    /// More of it come, all connections together so many.
    Extra(usize),
    /// An answer comes, but its rows and fields are not compared.
    Whole,
    /// The rows of one list come in another order. Rows that one side alone has are at the path `(row)`.
    RowOrder,
    /// Only the first of each connection is awaited: later ones are a matter of time, and a replay takes less.
    FirstOnly,
}

/// One tolerated difference. It must be needed in every capture it names.
#[derive(Debug)]
pub struct Tolerance {
    /// Captures.
    pub captures: &'static [&'static str],
    /// Message, as it is told.
    pub message: &'static str,
    /// How it differs.
    pub what: What,
    /// Why that is right.
    pub reason: &'static str,
}

impl Tolerance {
    /// Whether it is about this message of this capture.
    #[must_use]
    pub fn is_for(&self, capture: &str, message: &str) -> bool {
        self.captures.contains(&capture) && self.message == message
    }

    /// Whether it covers a difference at `path`.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        match self.what {
            What::Field(field) => match field.strip_suffix('*') {
                Some(start) => path.starts_with(start),
                None => path == field,
            },
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn differences(ids: &mut Ids, message: &str, captured: &Value, live: &Value) -> Vec<String> {
        let mut found = Vec::new();
        ids.compare(message, "", captured, live, &mut |path, how| found.push(format!("{path}: {how}")));
        found
    }

    #[test]
    fn an_id_is_learned_once_and_then_stands_for_one_other() {
        let mut ids = Ids::default();
        let row = |id: i32, name: &str| json!({ "AccountID": id, "AccountName": name });
        assert!(differences(&mut ids, "Row", &row(96677, "a"), &row(1, "a")).is_empty());
        assert!(differences(&mut ids, "Row", &row(96677, "a"), &row(1, "a")).is_empty());
        let other = differences(&mut ids, "Row", &row(96677, "a"), &row(2, "a"));
        assert_eq!(other, ["AccountID: Account 96677 was 1 so far, 2 came"]);
        let same = differences(&mut ids, "Row", &row(5, "a"), &row(1, "a"));
        assert_eq!(same, ["AccountID: Account 1 stood for 96677 so far, now for 5"]);
        let nobody = differences(&mut ids, "Row", &row(0, "a"), &row(1, "a"));
        assert_eq!(nobody, ["AccountID: 0 was captured, 1 came"]);
    }

    #[test]
    fn every_other_field_has_to_be_equal_and_to_be_there() {
        let mut ids = Ids::default();
        let found = differences(
            &mut ids,
            "Row",
            &json!({ "StatusCode": 0, "Rows": [1, 2], "Old": 1 }),
            &json!({ "StatusCode": -966, "Rows": [1, 3], "New": 1 }),
        );
        assert_eq!(
            found,
            [
                "New: nothing was captured, Some(Number(1)) came",
                "Old: 1 was captured, nothing came",
                "Rows[1]: 2 was captured, 3 came",
                "StatusCode: 0 was captured, -966 came",
            ]
        );
    }

    #[test]
    fn worlds_of_the_lobby_and_of_the_relay_are_ids_of_their_own() {
        let mut ids = Ids::default();
        let info = |world: i32| json!({ "ConnectInfo": { "WorldID": world } });
        assert!(differences(&mut ids, "MediusJoinChannelResponse", &info(9), &info(3)).is_empty());
        assert!(differences(&mut ids, "MediusJoinGameResponse", &info(3), &info(3)).is_empty());
        assert!(
            differences(
                &mut ids,
                "MediusCreateChannelResponse",
                &json!({ "WorldID": 9 }),
                &json!({ "WorldID": 4 })
            )
            .is_empty()
        );
        assert_eq!(ids.live(Class::LobbyNet, &json!(9)), Some(json!(3)));
        assert_eq!(ids.live(Class::World, &json!(9)), Some(json!(4)));
    }

    #[test]
    fn an_unused_address_stays_unused_and_used_ones_are_learned() {
        let mut ids = Ids::default();
        let slot =
            |ip: &str, kind: i32, port: u32| json!({ "Address": ip, "AddressType": kind, "Port": port });
        let unused = slot("", 0, u32::MAX);
        assert!(differences(&mut ids, "Row", &unused, &unused).is_empty());
        assert_eq!(differences(&mut ids, "Row", &unused, &slot("", 0, 0)).len(), 1);
        assert!(differences(&mut ids, "Row", &slot("1.2.3.4", 1, 5), &slot("127.0.0.1", 1, 6)).is_empty());
        assert_eq!(differences(&mut ids, "Row", &slot("1.2.3.4", 1, 5), &slot("127.0.0.1", 1, 7)).len(), 1);
    }

    #[test]
    fn an_id_that_the_console_was_never_told_is_named() {
        let mut ids = Ids::default();
        ids.meet(Class::World, &json!(1861), &json!(1)).expect("the first");
        let mut fields = json!({ "WorldID": 1861, "SessionKey": "29269" });
        let unknown = ids.substitute("MediusChannelInfoRequest", &mut fields);
        assert_eq!(fields, json!({ "WorldID": 1, "SessionKey": "29269" }));
        assert_eq!(unknown, ["MediusChannelInfoRequest.SessionKey \"29269\""]);
    }
}
