//! What a plugin says about itself: the interface's own records, as [`plugin`](macro@crate::plugin) fills them.

use crate::types::key;

pub use crate::bindings::exports::medley::plugin::manifest::{
    Capability, Command, Description, Hook, MessageFilter, PacketFilter, RtFilter, Setting, Subscription,
};

/// A hook or event by its name, and what becomes of its request where it fails.
pub fn hook(name: &str, on_failure: Option<crate::Status>) -> Subscription {
    Subscription::Hook(Hook { name: name.into(), on_failure: on_failure.map(|status| status.0) })
}

/// A typed message.
pub fn message_of<M: medley_wire::messages::Message>(direction: u8) -> Subscription {
    let (class, id) = key::<M>();
    message(class, Some(id), direction)
}

/// Messages by number.
pub fn message(class: u8, id: Option<u8>, direction: u8) -> Subscription {
    Subscription::Message(MessageFilter { class, id, direction })
}

/// RT messages by number.
pub fn rt(id: u8, direction: u8) -> Subscription {
    Subscription::Rt(RtFilter { id, direction })
}

/// Relayed packets by their first bytes.
pub fn packets(transport: u8, prefix: &[u8]) -> Subscription {
    Subscription::Packets(PacketFilter { transport, prefix: prefix.into() })
}

/// An operator's command.
pub fn command(name: &str, usage: &str, help: &str) -> Subscription {
    Subscription::Command(Command { name: name.into(), usage: usage.into(), help: help.into() })
}

/// A capability.
pub fn capability(name: &str, reason: &str) -> Capability {
    Capability { name: name.into(), reason: reason.into() }
}
