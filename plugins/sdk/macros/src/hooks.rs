//! The methods of `Plugin`: to which interface of the WIT each belongs, and how it is subscribed.

/// How the manifest asks for a hook.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// Always called where its interface is exported.
    Life,
    /// A request: by name, and what becomes of it where the hook fails.
    Request,
    /// By name.
    Told,
    /// By class and id; from the client is 1, to the client is 2.
    Messages(u8),
    /// By RT id.
    Rt(u8),
    /// By the first bytes.
    Packets,
    /// Made of `#[command]` methods.
    Command,
}

/// A method of `Plugin`.
pub(crate) struct Method {
    pub(crate) name: &'static str,
    /// The interface that has to be exported.
    pub(crate) interface: &'static str,
    pub(crate) kind: Kind,
}

impl Method {
    /// The function's name in the WIT, or the event's.
    pub(crate) fn hook(&self) -> String {
        self.name.replace('_', "-")
    }
}

const fn method(interface: &'static str, name: &'static str, kind: Kind) -> Method {
    Method { name, interface, kind }
}

/// Every method of the trait.
pub(crate) const METHODS: &[Method] = &[
    method("lifecycle", "start", Kind::Life),
    method("lifecycle", "save", Kind::Life),
    method("lifecycle", "restore", Kind::Life),
    method("lifecycle", "self_check", Kind::Life),
    method("lifecycle", "stop", Kind::Life),
    method("lobby", "session_begin", Kind::Request),
    method("lobby", "login", Kind::Request),
    method("lobby", "registration", Kind::Request),
    method("lobby", "logout", Kind::Request),
    method("lobby", "create_channel", Kind::Request),
    method("lobby", "join_channel", Kind::Request),
    method("lobby", "create_game", Kind::Request),
    method("lobby", "join_game", Kind::Request),
    method("lobby", "join_answer", Kind::Request),
    method("lobby", "end_game", Kind::Request),
    method("lobby", "world_report", Kind::Request),
    method("lobby", "player_report", Kind::Request),
    method("lobby", "chat", Kind::Request),
    method("lobby", "find_player", Kind::Request),
    method("lobby", "texts", Kind::Request),
    method("lobby", "filter_text", Kind::Request),
    method("lobby", "hidden", Kind::Told),
    method("stats", "update_blob", Kind::Request),
    method("stats", "update_ladder", Kind::Request),
    method("stats", "told_ladder", Kind::Told),
    method("messages", "incoming", Kind::Messages(1)),
    method("messages", "outgoing", Kind::Messages(2)),
    method("messages", "rt_incoming", Kind::Rt(1)),
    method("messages", "rt_outgoing", Kind::Rt(2)),
    method("relay", "joined", Kind::Told),
    method("relay", "left", Kind::Told),
    method("relay", "packet", Kind::Packets),
    method("events", "connected", Kind::Told),
    method("events", "disconnected", Kind::Told),
    method("events", "account_created", Kind::Told),
    method("events", "logged_in", Kind::Told),
    method("events", "session_ended", Kind::Told),
    method("events", "entered_channel", Kind::Told),
    method("events", "channel_created", Kind::Told),
    method("events", "channel_removed", Kind::Told),
    method("events", "game_created", Kind::Told),
    method("events", "game_status", Kind::Told),
    method("events", "joined_game", Kind::Told),
    method("events", "left_game", Kind::Told),
    method("events", "host_left", Kind::Told),
    method("events", "game_removed", Kind::Told),
    method("events", "settings_changed", Kind::Told),
    method("events", "link", Kind::Told),
    method("timers-fired", "fired", Kind::Life),
    method("answers", "cheat_reply", Kind::Told),
    method("answers", "bulk_done", Kind::Told),
    method("answers", "http_done", Kind::Told),
    method("commands", "command", Kind::Command),
];

/// The method of this name.
pub(crate) fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}
