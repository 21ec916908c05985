//! The hooks by name and number, and what a plugin subscribes to.

use crate::api::{Direction, Event};

/// Where a hook's function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interface {
    Lobby,
    Stats,
    Messages,
    Relay,
    Events,
    /// What is called because the plugin asked for it: timers, answers, commands, its life. Nobody subscribes to these.
    Own,
}

macro_rules! hooks {
    ($($variant:ident = $name:literal in $interface:ident $(, $deny:ident)?;)*) => {
        /// A function that the host calls.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "each is the function or event of that name in wit/0.1.0/hooks.wit")]
        pub enum Hook { $($variant),* }

        impl Hook {
            /// Every hook.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name in the interface, in logs and in metrics.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            pub(crate) fn interface(self) -> Interface {
                match self { $(Self::$variant => Interface::$interface),* }
            }

            /// Whether the request that it is about can be refused with a status.
            pub(crate) fn can_deny(self) -> bool {
                match self { $(Self::$variant => hooks!(@deny $($deny)?)),* }
            }
        }
    };
    (@deny) => { false };
    (@deny deny) => { true };
}

hooks! {
    SessionBegin = "session-begin" in Lobby, deny;
    Login = "login" in Lobby, deny;
    Registration = "registration" in Lobby, deny;
    Logout = "logout" in Lobby, deny;
    CreateChannel = "create-channel" in Lobby, deny;
    JoinChannel = "join-channel" in Lobby, deny;
    CreateGame = "create-game" in Lobby, deny;
    JoinGame = "join-game" in Lobby, deny;
    JoinAnswer = "join-answer" in Lobby, deny;
    EndGame = "end-game" in Lobby, deny;
    WorldReport = "world-report" in Lobby, deny;
    PlayerReport = "player-report" in Lobby, deny;
    Chat = "chat" in Lobby, deny;
    FindPlayer = "find-player" in Lobby, deny;
    Texts = "texts" in Lobby, deny;
    FilterText = "filter-text" in Lobby, deny;
    Hidden = "hidden" in Lobby;
    UpdateBlob = "update-blob" in Stats, deny;
    UpdateLadder = "update-ladder" in Stats, deny;
    ToldLadder = "told-ladder" in Stats;
    Incoming = "incoming" in Messages;
    Outgoing = "outgoing" in Messages;
    RtIncoming = "rt-incoming" in Messages;
    RtOutgoing = "rt-outgoing" in Messages;
    Joined = "joined" in Relay;
    Left = "left" in Relay;
    Packets = "packets" in Relay;
    Connected = "connected" in Events;
    Disconnected = "disconnected" in Events;
    AccountCreated = "account-created" in Events;
    LoggedIn = "logged-in" in Events;
    SessionEnded = "session-ended" in Events;
    EnteredChannel = "entered-channel" in Events;
    ChannelCreated = "channel-created" in Events;
    ChannelRemoved = "channel-removed" in Events;
    GameCreated = "game-created" in Events;
    GameStatus = "game-status" in Events;
    JoinedGame = "joined-game" in Events;
    LeftGame = "left-game" in Events;
    HostLeft = "host-left" in Events;
    GameRemoved = "game-removed" in Events;
    SettingsChanged = "settings-changed" in Events;
    Link = "link" in Events;
    CheatReply = "cheat-reply" in Own;
    BulkDone = "bulk-done" in Own;
    HttpDone = "http-done" in Own;
    Fired = "fired" in Own;
    Run = "run" in Own;
    Start = "start" in Own;
    Save = "save" in Own;
    Restore = "restore" in Own;
    SelfCheck = "self-check" in Own;
    Stop = "stop" in Own;
    Describe = "describe" in Own;
}

impl Hook {
    /// The hook of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|hook| hook.name() == name)
    }

    /// The hook that an event's name subscribes to. `None` for an event of a later version.
    pub fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::Connected(_) => Self::Connected,
            Event::Disconnected(_) => Self::Disconnected,
            Event::AccountCreated(_) => Self::AccountCreated,
            Event::LoggedIn(_) => Self::LoggedIn,
            Event::SessionEnded(_) => Self::SessionEnded,
            Event::EnteredChannel(_) => Self::EnteredChannel,
            Event::ChannelCreated(_) => Self::ChannelCreated,
            Event::ChannelRemoved(_) => Self::ChannelRemoved,
            Event::GameCreated(_) => Self::GameCreated,
            Event::GameStatus(_) => Self::GameStatus,
            Event::JoinedGame(_) => Self::JoinedGame,
            Event::LeftGame(_) => Self::LeftGame,
            Event::HostLeft(_) => Self::HostLeft,
            Event::GameRemoved(_) => Self::GameRemoved,
            Event::SettingsChanged(_) => Self::SettingsChanged,
            Event::Link(_) => Self::Link,
            Event::Other(_) => return None,
        })
    }

    fn bit(self) -> u64 {
        1 << (self as u8)
    }
}

/// Classes of application messages that a filter may name; the wire knows five.
pub(crate) const MESSAGE_CLASSES: usize = 8;

/// What a plugin subscribes to, in the form that is asked before every message.
#[derive(Clone, Debug, Default)]
pub struct Subscriptions {
    hooks: u64,
    on_failure: Vec<(Hook, i32)>,
    /// By class and id: a bit per direction. Empty: none.
    messages: Vec<[u8; 256]>,
    /// Directions that any message filter has.
    message_directions: u8,
    /// By id: a bit per direction.
    rt: Option<Box<[u8; 256]>>,
    rt_directions: u8,
    /// Transports (1 TCP, 2 UDP) and the first bytes.
    packets: Vec<(u8, Vec<u8>)>,
    commands: Vec<crate::api::Command>,
}

impl Subscriptions {
    /// Whether the hook is to be called: a bit test.
    #[inline]
    pub fn wants(&self, hook: Hook) -> bool {
        self.hooks & hook.bit() != 0
    }

    /// Whether the event is to be told.
    pub fn wants_event(&self, event: &Event) -> bool {
        Hook::of(event).is_some_and(|hook| self.wants(hook))
    }

    /// Whether an application message of that class and id is to be shown to `incoming` or `outgoing`.
    #[inline]
    pub fn message(&self, class: u8, id: u8, direction: Direction) -> bool {
        self.messages.get(usize::from(class)).is_some_and(|ids| ids[usize::from(id)] & direction as u8 != 0)
    }

    /// Whether any application message of that direction is.
    #[inline]
    pub fn any_message(&self, direction: Direction) -> bool {
        self.message_directions & direction as u8 != 0
    }

    /// Whether an RT message of that id is to be shown to `rt-incoming` or `rt-outgoing`.
    #[inline]
    pub fn rt(&self, id: u8, direction: Direction) -> bool {
        self.rt.as_ref().is_some_and(|ids| ids[usize::from(id)] & direction as u8 != 0)
    }

    /// Whether any RT message of that direction is.
    #[inline]
    pub fn any_rt(&self, direction: Direction) -> bool {
        self.rt_directions & direction as u8 != 0
    }

    /// Whether a relayed packet is to be shown to `packets`.
    #[inline]
    pub fn packet(&self, udp: bool, payload: &[u8]) -> bool {
        let transport = if udp { 2 } else { 1 };
        self.packets
            .iter()
            .any(|(transports, prefix)| transports & transport != 0 && payload.starts_with(prefix))
    }

    /// Whether any relayed packet is.
    pub fn any_packets(&self) -> bool {
        !self.packets.is_empty()
    }

    /// Whether the plugin needs instances in the relay's threads.
    pub fn wants_relay(&self) -> bool {
        self.any_packets() || self.wants(Hook::Joined) || self.wants(Hook::Left)
    }

    /// What becomes of a request where the hook fails: `None` lets it pass, a status refuses it.
    pub fn on_failure(&self, hook: Hook) -> Option<i32> {
        self.on_failure.iter().find(|(declared, _)| *declared == hook).map(|(_, status)| *status)
    }

    /// Operators' commands.
    pub fn commands(&self) -> &[crate::api::Command] {
        &self.commands
    }

    pub(crate) fn add_hook(&mut self, hook: Hook, on_failure: Option<i32>) {
        self.hooks |= hook.bit();
        if let Some(status) = on_failure {
            self.on_failure.retain(|(declared, _)| *declared != hook);
            self.on_failure.push((hook, status));
        }
    }

    /// `id` absent: all of the class, which must be below [`MESSAGE_CLASSES`].
    pub(crate) fn add_messages(&mut self, class: u8, id: Option<u8>, directions: u8) {
        if self.messages.is_empty() {
            self.messages = vec![[0; 256]; MESSAGE_CLASSES];
        }
        if let Some(ids) = self.messages.get_mut(usize::from(class)) {
            match id {
                Some(id) => ids[usize::from(id)] |= directions,
                None => ids.iter_mut().for_each(|known| *known |= directions),
            }
            self.message_directions |= directions;
            self.add_directions(directions, Hook::Incoming, Hook::Outgoing);
        }
    }

    pub(crate) fn add_rt(&mut self, id: u8, directions: u8) {
        self.rt.get_or_insert_with(|| Box::new([0; 256]))[usize::from(id)] |= directions;
        self.rt_directions |= directions;
        self.add_directions(directions, Hook::RtIncoming, Hook::RtOutgoing);
    }

    pub(crate) fn add_packets(&mut self, transports: u8, prefix: Vec<u8>) {
        self.packets.push((transports, prefix));
        self.hooks |= Hook::Packets.bit();
    }

    pub(crate) fn add_command(&mut self, command: crate::api::Command) {
        self.commands.push(command);
    }

    fn add_directions(&mut self, directions: u8, incoming: Hook, outgoing: Hook) {
        if directions & Direction::FromClient as u8 != 0 {
            self.hooks |= incoming.bit();
        }
        if directions & Direction::ToClient as u8 != 0 {
            self.hooks |= outgoing.bit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hook_has_a_bit_and_a_name_of_its_own() {
        assert!(Hook::ALL.len() <= 64);
        for hook in Hook::ALL {
            assert_eq!(Hook::parse(hook.name()), Some(*hook));
        }
    }

    #[test]
    fn a_message_filter_matches_its_class_id_and_direction_only() {
        let mut subscriptions = Subscriptions::default();
        assert!(!subscriptions.message(1, 7, Direction::FromClient));
        subscriptions.add_messages(1, Some(7), 1);
        subscriptions.add_messages(4, None, 2);
        assert!(subscriptions.message(1, 7, Direction::FromClient));
        assert!(!subscriptions.message(1, 7, Direction::ToClient));
        assert!(!subscriptions.message(1, 8, Direction::FromClient));
        assert!(subscriptions.message(4, 255, Direction::ToClient));
        assert!(!subscriptions.message(200, 7, Direction::FromClient));
        assert!(subscriptions.wants(Hook::Incoming) && subscriptions.wants(Hook::Outgoing));
        assert!(!subscriptions.wants(Hook::Chat));
    }

    #[test]
    fn a_packet_filter_matches_its_transport_and_prefix_only() {
        let mut subscriptions = Subscriptions::default();
        assert!(!subscriptions.wants_relay());
        subscriptions.add_packets(2, vec![2, 9]);
        assert!(subscriptions.wants_relay());
        assert!(subscriptions.packet(true, &[2, 9, 1]));
        assert!(!subscriptions.packet(false, &[2, 9, 1]));
        assert!(!subscriptions.packet(true, &[2]));
    }
}
