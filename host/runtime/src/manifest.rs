//! Reads and checks what a plugin says about itself.

use std::collections::HashSet;
use std::sync::Arc;

use crate::api::{Capability, Command, Setting, Value};
use crate::bindings::exports::medley::plugin::manifest::Subscription;
use crate::error::LoadFailure;
use crate::exports::Indices;
use crate::grants::{Grant, Grants};
use crate::hook::{Hook, Interface, MESSAGE_CLASSES, Subscriptions};
use crate::instance::{Live, Time, describe};
use crate::plugin::Manifest;
use crate::settings::{bounds, suggestion};

/// Most entries of each of the manifest's lists.
const MAX_ENTRIES: usize = 1024;
/// Longest name, in bytes.
const MAX_NAME: usize = 64;
/// Longest sentence, in bytes.
const MAX_SENTENCE: usize = 1024;
/// Longest notes, in bytes.
const MAX_NOTES: usize = 64 << 10;
/// Longest prefix of a packet filter, in bytes.
const MAX_PREFIX: usize = 64;

/// Asks an instance for its manifest and checks it.
pub(crate) fn read(live: &mut Live, indices: &Indices, interface: String) -> Result<Manifest, LoadFailure> {
    macro_rules! ask {
        ($function:ident) => {{
            let time = Time::aside(&live.store.data().env.limits);
            let asked = live.call(None, Hook::Describe, time, |exports, store| match exports.$function {
                Some(function) => function.call(store, ()).map(|(answer,)| answer),
                None => Err(wasmtime::Error::msg("is not exported")),
            });
            asked.map_err(|error| LoadFailure::Failed {
                function: concat!("manifest.", stringify!($function)),
                message: format!("failed: {}", describe(&error)),
            })?
        }};
    }
    let description = ask!(describe);
    let settings = ask!(settings);
    let subscriptions = ask!(subscriptions);
    let capabilities = ask!(capabilities);

    let name = &description.name;
    check(is_name(name, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), || {
        format!("has the name {name:?}; a name has 1 to {MAX_NAME} of a-z, 0-9 and -")
    })?;
    let lengths = [
        ("version", description.version.len(), MAX_NAME),
        ("summary", description.summary.len(), MAX_SENTENCE),
        ("notes", description.notes.len(), MAX_NOTES),
        ("list of app ids", description.app_ids.len(), MAX_ENTRIES),
        ("list of settings", settings.len(), MAX_ENTRIES),
        ("list of subscriptions", subscriptions.len(), MAX_ENTRIES),
        ("list of capabilities", capabilities.len(), MAX_ENTRIES),
    ];
    for (what, length, limit) in lengths {
        check(length <= limit, || format!("has a {what} of {length}, at most {limit} are possible"))?;
    }
    check_settings(&settings)?;
    let wanted = wanted(&capabilities)?;
    let subscriptions = Arc::new(subscribe(subscriptions, indices)?);
    Ok(Manifest { description, settings, capabilities, wanted, subscriptions, interface })
}

fn check(holds: bool, message: impl FnOnce() -> String) -> Result<(), LoadFailure> {
    if holds { Ok(()) } else { Err(LoadFailure::Manifest { message: message() }) }
}

fn is_name(name: &str, legal: impl Fn(u8) -> bool) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(legal)
}

/// A name of a setting or a command, which people type.
fn is_key(name: &str) -> bool {
    is_name(name, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn check_settings(settings: &[Setting]) -> Result<(), LoadFailure> {
    let mut names = HashSet::new();
    for setting in settings {
        let name = &setting.name;
        check(is_key(name), || {
            format!("has a setting {name:?}; a name has 1 to {MAX_NAME} letters, digits, - and _")
        })?;
        check(names.insert(name), || format!("has the setting {name} twice"))?;
        check(!matches!(setting.default, Value::Other(_)), || {
            format!("has a setting {name} of a kind that this host does not know")
        })?;
        bounds(setting, &setting.default)
            .map_err(|error| LoadFailure::Manifest { message: format!("contradicts itself: {error}") })?;
    }
    Ok(())
}

fn wanted(capabilities: &[Capability]) -> Result<Grants, LoadFailure> {
    let grant = |capability: &Capability| {
        Grant::parse(&capability.name).ok_or_else(|| {
            let unknown = crate::grants::UnknownGrant { name: capability.name.clone() };
            LoadFailure::Manifest { message: format!("asks for what does not exist: {unknown}") }
        })
    };
    capabilities.iter().map(grant).collect()
}

fn subscribe(list: Vec<Subscription>, indices: &Indices) -> Result<Subscriptions, LoadFailure> {
    let mut subscriptions = Subscriptions::default();
    let mut hooks = Vec::new();
    for subscription in list {
        match subscription {
            Subscription::Hook(asked) => {
                let hook = find(&asked.name)?;
                let name = hook.name();
                check(asked.on_failure.is_none_or(|status| status < 0), || {
                    format!(
                        "refuses with status {} where {name} fails; a refusal is negative",
                        asked.on_failure.unwrap_or(0)
                    )
                })?;
                check(asked.on_failure.is_none() || hook.can_deny(), || {
                    format!("gives a status for a failure of {name}, which has nothing to refuse")
                })?;
                // What answers the plugin's own requests needs no subscription, and has no harm from one.
                if hook.interface() != Interface::Own {
                    subscriptions.add_hook(hook, asked.on_failure);
                    hooks.push(hook);
                }
            }
            Subscription::Message(filter) => {
                check(usize::from(filter.class) < MESSAGE_CLASSES, || {
                    format!(
                        "has a filter for message class {}, and there are less than {MESSAGE_CLASSES}",
                        filter.class
                    )
                })?;
                directions(filter.direction)?;
                subscriptions.add_messages(filter.class, filter.id, filter.direction);
                hooks.extend(pair(filter.direction, Hook::Incoming, Hook::Outgoing));
            }
            Subscription::Rt(filter) => {
                directions(filter.direction)?;
                subscriptions.add_rt(filter.id, filter.direction);
                hooks.extend(pair(filter.direction, Hook::RtIncoming, Hook::RtOutgoing));
            }
            Subscription::Packets(filter) => {
                directions(filter.transport)?;
                check(filter.prefix.len() <= MAX_PREFIX, || {
                    format!(
                        "has a packet filter of {} bytes, at most {MAX_PREFIX} are possible",
                        filter.prefix.len()
                    )
                })?;
                subscriptions.add_packets(filter.transport, filter.prefix);
                hooks.push(Hook::Packets);
            }
            Subscription::Command(command) => add_command(&mut subscriptions, command, indices)?,
            Subscription::Other(kind) => {
                check(false, || {
                    format!("subscribes to something of kind {kind}, which this host does not know")
                })?;
            }
        }
    }
    for hook in hooks {
        if let Some(function) = indices.missing(hook) {
            return Err(LoadFailure::NoFunction { hook: hook.name(), function });
        }
    }
    Ok(subscriptions)
}

fn find(name: &str) -> Result<Hook, LoadFailure> {
    // Those that need a filter are subscribed to by it.
    let filtered = [Hook::Incoming, Hook::Outgoing, Hook::RtIncoming, Hook::RtOutgoing, Hook::Packets];
    let found = Hook::parse(name).filter(|hook| !filtered.contains(hook));
    found.ok_or_else(|| {
        let names =
            Hook::ALL.iter().filter(|hook| hook.interface() != Interface::Own && !filtered.contains(hook));
        let near = suggestion(name, names.map(|hook| hook.name()));
        LoadFailure::Manifest { message: format!("subscribes to `{name}`, which is no hook{near}") }
    })
}

fn directions(value: u8) -> Result<(), LoadFailure> {
    check((1..=3).contains(&value), || {
        format!("has a filter with direction or transport {value}; 1, 2 and 3 are known")
    })
}

fn pair(directions: u8, incoming: Hook, outgoing: Hook) -> impl Iterator<Item = Hook> {
    [(1, incoming), (2, outgoing)]
        .into_iter()
        .filter(move |(bit, _)| directions & bit != 0)
        .map(|(_, hook)| hook)
}

fn add_command(
    subscriptions: &mut Subscriptions,
    command: Command,
    indices: &Indices,
) -> Result<(), LoadFailure> {
    let name = &command.name;
    check(is_key(name), || {
        format!("has a command {name:?}; a name has 1 to {MAX_NAME} letters, digits, - and _")
    })?;
    check(command.usage.len() <= MAX_SENTENCE && command.help.len() <= MAX_SENTENCE, || {
        format!("has a command {name} whose help is longer than {MAX_SENTENCE} bytes")
    })?;
    check(subscriptions.commands().iter().all(|known| known.name != *name), || {
        format!("has the command {name} twice")
    })?;
    if let Some(function) = indices.missing_command() {
        return Err(LoadFailure::NoFunction { hook: "a command", function });
    }
    subscriptions.add_command(command);
    Ok(())
}
