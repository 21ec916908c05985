//! `game.toml`: what one title is. These are the tables as they stand in the file; what a server asks at run time is
//! [`App`](crate::App), one per app id, with the app's own values laid over the title's.

use std::time::Duration;

use crate::keys::{Described, choice, config, seconds};

choice! {
    /// Whether what is sent to a server (and back) is enciphered.
    pub enum Cipher {
        /// The server's key is handed out and the client opens with a key exchange.
        Enciphered = "enciphered",
        /// A zero ServerKey is handed out: the client skips the key exchange and speaks in the clear.
        Clear = "clear",
    }

    /// What becomes of frames between players.
    pub enum RelayCipher {
        /// A frame that came in the clear goes on in the clear, an enciphered one enciphered.
        AsReceived = "as-received",
        /// Always enciphered to a player with a key, however it came.
        Enciphered = "enciphered",
        /// Always in the clear. For titles that send thousands of small frames on a trusted network.
        Clear = "clear",
    }

    /// How well a title is known to work. Honest, not hopeful.
    pub enum Status {
        /// Traffic of the title against Sony's servers is on file and is replayed by the tests.
        Captured = "captured",
        /// Its app id and its habits are documented by public projects that served it; nothing was recorded.
        Documented = "documented",
        /// Only its app id and name are known.
        Untried = "untried",
        /// Its app id is not known: the folder tells what is, and the operator fills in the id.
        NoAppId = "no-app-id",
    }

    /// A kind of server, where a rule applies to some of them.
    pub enum ServerKind {
        /// Universe information.
        Muis = "muis",
        /// Login.
        Mas = "mas",
        /// Lobby.
        Mls = "mls",
        /// Registration of game servers and console hosts.
        Mps = "mps",
        /// Game relay.
        Dme = "dme",
    }

    /// Who may enter a channel (the wire's security level).
    pub enum Security {
        /// Everybody: MediusWorldSecurityLevel 0.
        None = "none",
        /// Who knows the password: 1.
        PlayerPassword = "player-password",
        /// Nobody: 2.
        Closed = "closed",
    }

    /// What a network ticket has to prove.
    pub enum TicketCheck {
        /// Nothing: whoever writes one himself is whom he names. It opens no account that has a password.
        Unchecked = "unchecked",
        /// That one of `[[accounts.ticket_key]]` signed it and that it has not expired.
        Signed = "signed",
    }

    /// Who signs network tickets.
    pub enum TicketNetwork {
        /// PlayStation Network: SHA-1 on secp192r1, over the ticket up to its signature.
        Psn = "psn",
        /// RPCN, the emulators' network: SHA-224 on secp224k1, over the ticket's body.
        Rpcn = "rpcn",
    }

    /// What becomes of chat with a filtered word.
    pub enum ChatFilter {
        /// Nobody hears it.
        Reject = "reject",
        /// It is heard without the words, if anything is left.
        Replace = "replace",
    }

    /// How a game's players are connected to the relay (the wire's NetConnectionType).
    pub enum GameConnection {
        /// What the game's host asked for when it created the game.
        HostType = "host-type",
        /// TCP alone: type 1.
        Tcp = "tcp",
        /// TCP with UDP beside it: type 3.
        TcpAuxUdp = "tcp-aux-udp",
        /// UDP alone: type 5.
        Udp = "udp",
    }
}

config! {
    /// `games/<title>/game.toml`. A title is a community: all its app ids share accounts, channels and games.
    pub struct TitleConfig {
        /// The title's name for people.
        pub name: String = String::new(),
        /// How well it is known to work, for all its app ids that do not say otherwise.
        pub status: Status = Status::Untried,
        /// Where the facts come from and what is missing, for the operator.
        pub notes: String = String::new(),
        /// Serve it. Off keeps the folder and turns the title away.
        pub enabled: bool = true,
        /// One table per app id.
        pub app: Vec<AppConfig> = vec![],
        /// What MUIS tells. With none, one universe with the title's name is told.
        pub universe: Vec<Universe> = vec![],
        /// Answers of GetLocations, in this order. With none, NoResult is answered.
        pub location: Vec<Location> = vec![],
        /// The channels that always exist, in this order: the first is where players land after login.
        pub channel: Vec<Channel> = vec![],
        /// Supersets of matchmaking. None: any superset that a client names is one, and the list has one row of id 1.
        pub superset: Vec<Superset> = vec![],
        /// Announcements, newest first. More can be made while the host runs (`medley announce`).
        pub announcement: Vec<Announcement> = vec![],
        /// The texts of GetPolicy.
        pub policy: Policy = Policy::default(),
        /// Rules of accounts and login.
        pub accounts: AccountRules = AccountRules::default(),
        /// Bounds of what players may make.
        pub limits: TitleLimits = TitleLimits::default(),
        /// Texts with which the servers name their version.
        pub versions: Versions = Versions::default(),
        /// GetServerTime.
        pub time: ServerTime = ServerTime::default(),
        /// Chat.
        pub chat: ChatRules = ChatRules::default(),
        /// Clans.
        pub clans: ClanRules = ClanRules::default(),
        /// Files that the title keeps on the host.
        pub files: FileRules = FileRules::default(),
        /// Words that the text filter catches.
        pub text_filter: TextFilter = TextFilter::default(),
        /// Messages of the host to a player (RT SERVER_SYSTEM_MESSAGE).
        pub system_message: SystemMessage = SystemMessage::default(),
        /// Games in the lobby.
        pub games: GameRules = GameRules::default(),
        /// Games in the relay.
        pub relay: TitleRelay = TitleRelay::default(),
        /// What is enciphered.
        pub encryption: TitleEncryption = TitleEncryption::default(),
        /// Exceptions of the connect sequence, for all app ids.
        pub handshake: HandshakeOverride = HandshakeOverride::default(),
        /// The title's plugin.
        pub plugin: PluginConfig = PluginConfig::default(),
    }

    /// `[[app]]`: one application id. What stands here goes before the title's own value.
    pub struct AppConfig {
        /// The application id the client sends.
        pub id: u32 = 0,
        /// The name on the box, where it differs from the title's.
        pub name: String = String::new(),
        /// ApplicationName, which FindPlayer and FindWorldByName tell, at most 31 bytes. Empty: the name on the box.
        pub application_name: String = String::new(),
        /// `NTSC`, `PAL`, ... as the sources have it; empty if unknown.
        pub region: String = String::new(),
        /// `PS2`, `PSP`, `PS3`; several joined by `/`.
        pub platform: String = String::new(),
        /// Medius version of the client (`1.08`), where stated by a source or seen; a run decides by the client's hello.
        pub medius_version: String = String::new(),
        /// Serial numbers of the discs or downloads.
        pub serials: Vec<String> = vec![],
        /// Host names compiled into the game: what a console must be pointed to, beside the NAT service's name.
        pub hosts: Vec<String> = vec![],
        /// How well it is known to work, where it differs from the title's.
        pub status: Option<Status> = None,
        /// Where the facts about this app id come from.
        pub notes: String = String::new(),
        /// Name of the server key (in the key store) with which MUIS and MAS open this app's first message. Not set: `medius_global`, which all captured titles use.
        pub rsa_key: Option<String> = None,
        /// What MUIS tells to this app id, instead of the title's universes.
        pub universe: Vec<Universe> = vec![],
        /// Locations of this app id, instead of the title's.
        pub location: Vec<Location> = vec![],
        /// Version texts of this app id, instead of the title's.
        pub versions: Option<Versions> = None,
        /// Encryption of this app id, over the title's.
        pub encryption: TitleEncryption = TitleEncryption::default(),
        /// Exceptions of the connect sequence, over the title's.
        pub handshake: HandshakeOverride = HandshakeOverride::default(),
    }

    /// `[[universe]]`: a row of what MUIS tells.
    pub struct Universe {
        /// UniverseID.
        pub id: u32 = 1,
        /// Name, at most 127 bytes. Empty: the title's name.
        pub name: String = String::new(),
        /// Description, at most 255 bytes.
        pub description: String = String::new(),
        /// Status number; 1 is what public servers tell for a running universe.
        pub status: i32 = 1,
        /// Address of MAS: a dotted IPv4 or, as Sony's, a host name of at most 127 bytes. Empty: our own address.
        pub dns: String = String::new(),
        /// Port of MAS. 0: our own.
        pub port: u16 = 0,
        /// Users it claims to hold.
        pub max_users: u32 = 256,
        /// Billing system's code, at most 7 bytes.
        pub billing: String = String::new(),
        /// Billing system's name, at most 127 bytes.
        pub billing_name: String = String::new(),
        /// `<version> <patch URL>` for titles that look for patches, at most 127 bytes; `{host}` stands for our address. Empty tells of none.
        pub extended_info: String = String::new(),
        /// Address of the title's web lobby (SVO), at most 127 bytes; `{host}` stands for our address. A trailing space is added, as titles need it.
        pub svo_url: String = String::new(),
        /// UniverseNews, at most 255 bytes.
        pub news: String = String::new(),
        /// Tell it.
        pub enabled: bool = true,
    }

    /// `[[location]]`
    pub struct Location {
        /// LocationID.
        pub id: u32 = 0,
        /// LocationName, at most 63 bytes.
        pub name: String = String::new(),
    }

    /// `[[channel]]`: a lobby channel that always exists.
    pub struct Channel {
        /// LobbyName, at most 63 bytes, unique in the title.
        pub name: String = String::new(),
        /// MaxPlayers.
        pub max_players: u32 = 256,
        /// GenericField1 to 4, which titles filter by.
        pub generic_fields: [u32; 4] = [0, 0, 0, 0],
        /// GenericFieldLevel: 0, 1, 2, 4, 8 (one field), 16, 32, 64 (from the first on), 128, 256, 512 (later pairs and triples).
        pub generic_field_level: u32 = 0,
        /// Who may enter.
        pub security: Security = Security::None,
        /// The password, at most 31 bytes; needs `security = "player-password"`.
        pub password: String = String::new(),
        /// Only players of these app ids see it. Empty: all of the title.
        pub app_ids: Vec<u32> = vec![],
    }

    /// `[[superset]]`: what MatchGetSupersetList tells. Players who name the same one are brought together.
    pub struct Superset {
        /// SupersetID, one of its own.
        pub id: u32 = 1,
        /// SupersetName, at most 49 bytes.
        pub name: String = String::new(),
        /// SupersetDescription, at most 255 bytes.
        pub description: String = String::new(),
        /// ExtraInfo, at most 255 bytes.
        pub extra_info: String = String::new(),
    }

    /// `[[announcement]]`
    pub struct Announcement {
        /// The text; with the title in front it must fit 999 bytes, or 3999 if every app id is of Medius 1.13.
        pub text: String = String::new(),
        /// A text file of the title's folder instead of `text`.
        pub file: String = String::new(),
        /// First line, if any.
        pub title: String = String::new(),
        /// Only for these app ids. Empty: all of the title.
        pub app_ids: Vec<u32> = vec![],
    }

    /// `[policy]`. A text that is missing is answered with one empty row, without which titles hang at login.
    pub struct Policy {
        /// Policy 0, the usage policy.
        pub usage: String = String::new(),
        /// A text file of the title's folder instead of `usage`.
        pub usage_file: String = String::new(),
        /// Policy 1, the privacy policy.
        pub privacy: String = String::new(),
        /// A text file of the title's folder instead of `privacy`.
        pub privacy_file: String = String::new(),
    }

    /// `[accounts]`
    pub struct AccountRules {
        /// Accounts may be made by AccountRegistration, or at login where the next two allow it.
        pub registration: bool = true,
        /// A login with an unknown name makes the account. Off by default; PAL titles without a registration screen need it.
        pub create_on_login: bool = false,
        /// AnonymousLogin is allowed.
        pub anonymous_login: bool = true,
        /// TicketLogin (PS3 network tickets) is allowed.
        pub ticket_login: bool = true,
        /// What a ticket has to prove.
        pub tickets: TicketCheck = TicketCheck::Unchecked,
        /// Keys that tickets may be signed with, where `tickets = "signed"`.
        pub ticket_key: Vec<TicketKey> = vec![],
        /// Shortest account name, bytes.
        pub name_min: u32 = 1,
        /// Longest account name, bytes: 31 on the wire.
        pub name_max: u32 = 31,
        /// Names nobody may register, compared without regard to case.
        pub reserved_names: Vec<String> = vec![],
        /// Words that may stand in no name (besides those of `text_filter`).
        pub forbidden_in_names: Vec<String> = vec![],
        /// Only accounts on the store's white-list may log in.
        pub whitelist: bool = false,
        /// Account names that get the moderator access level.
        pub moderators: Vec<String> = vec![],
        /// Accounts a title looks for by id and name; they exist and nobody can log in as them.
        pub system: Vec<SystemAccount> = vec![],
    }

    /// `[[accounts.ticket_key]]`
    pub struct TicketKey {
        /// Who signs with it.
        pub network: TicketNetwork = TicketNetwork::Psn,
        /// The public key: x and y in hexadecimal, one behind the other, 96 digits for PSN, which has one for each title, and 112 for RPCN: b07bc0f0addb97657e9f389039e8d2b9c97dc2a31d3042e7d0479b93d81c42b0abdf6c42191a31e31f93342f8f033bd529c2c57fdb5a0a7d, as other servers have it.
        pub public_key: String = String::new(),
    }

    /// `[[accounts.system]]`
    pub struct SystemAccount {
        /// Account id the title expects.
        pub id: u32 = 0,
        /// Account name the title expects.
        pub name: String = String::new(),
    }

    /// `[limits]`
    pub struct TitleLimits {
        /// Players online at one time. 0 = as many as the host takes.
        pub max_players: u32 = 0,
        /// Games at one time.
        pub max_games: u32 = 1024,
        /// Games made in one channel at one time; one more is NumGameWorldsPerLobbyWorldExceeded. 0 = as many as the title's.
        pub max_games_per_channel: u32 = 0,
        /// Players in one game, whatever the creator asks for; the relay's own bound applies too.
        pub max_players_per_game: u32 = 256,
        /// Channels at one time, those of `[[channel]]` included.
        pub max_channels: u32 = 1024,
        /// Players in one channel, whatever the creator asks for.
        pub max_players_per_channel: u32 = 1024,
        /// Buddies of one account.
        pub max_buddies: u32 = 256,
        /// Ignored accounts of one account.
        pub max_ignored: u32 = 256,
        /// Seconds for which an empty channel made by a player lives on.
        #[serde(with = "seconds")]
        pub empty_channel: Duration = Duration::from_secs(60),
    }

    /// `[files]`: what MediusFile may keep. A bound that is lowered takes nothing away that is there.
    pub struct FileRules {
        /// Serve files. Off, a download is answered like one of a file that is not there, a creation with FileInternalAccessError.
        pub enabled: bool = true,
        /// Bytes of one file, at most 16777216.
        pub max_file_bytes: u32 = 1_048_576,
        /// Files of one account.
        pub max_account_files: u32 = 64,
        /// Bytes of all files of one account.
        pub max_account_bytes: u64 = 4_194_304,
        /// Files of the title.
        pub max_files: u32 = 10_000,
        /// Bytes of all files of the title.
        pub max_bytes: u64 = 268_435_456,
        /// Seconds for which an upload waits for the next packet; then it is given up and the file keeps what it had.
        #[serde(with = "seconds")]
        pub upload_timeout: Duration = Duration::from_secs(60),
    }

    /// `[versions]`, each at most 55 bytes (DME: 15)
    pub struct Versions {
        /// VersionServer on MUIS. Killzone asks before anything else.
        pub muis: String = "Medius Universe Information Server Version 1.50.0009".to_owned(),
        /// VersionServer on MAS.
        pub mas: String = "Medius Authentication Server Version 3.05.201109161400".to_owned(),
        /// VersionServer on MLS.
        pub mls: String = "Medius Lobby Server Version 3.05.201109161400".to_owned(),
        /// DmeServerVersion to clients of 1.08 and older; Sony's to UYA.
        pub dme_108: String = "1.22.0141".to_owned(),
        /// DmeServerVersion to clients of 1.09 and later; Sony's to Deadlocked.
        pub dme: String = "2.10.1143227940".to_owned(),
    }

    /// `[time]`
    pub struct ServerTime {
        /// Time zone told by GetServerTime, as hours and minutes: -700 is seven hours behind. Sony's lobby told -700 in summer.
        pub zone: i32 = -700,
    }

    /// `[chat]`
    pub struct ChatRules {
        /// Chat to the own channel or game.
        pub channel: bool = true,
        /// Chat to one player.
        pub whisper: bool = true,
        /// Chat to all buddies.
        pub buddies: bool = true,
        /// Chat to the own clan.
        pub clan: bool = true,
        /// Chat to everybody of the title, for moderators only.
        pub broadcast: bool = true,
        /// Send channel chat to players of the channel who are in a game too.
        pub reach_players_in_games: bool = false,
        /// Apply `text_filter` to chat.
        pub filter: bool = false,
        /// What becomes of a chat message in which `text_filter` finds a word.
        pub filter_mode: ChatFilter = ChatFilter::Reject,
        /// Chat messages a second from one player, as a long-time average. 0 = no limit.
        pub per_second: u32 = 5,
    }

    /// `[clans]`
    pub struct ClanRules {
        /// Members may add to their clan's ladder stats (UpdateClanLadderStatsWide_Delta); otherwise only replace them.
        pub stat_deltas: bool = false,
    }

    /// `[text_filter]`
    pub struct TextFilter {
        /// Words, compared without regard to case wherever they stand.
        pub words: Vec<String> = vec![],
    }

    /// `[system_message]`
    pub struct SystemMessage {
        /// Severity byte; how a title shows it is not documented, both emulators send 0.
        pub severity: u8 = 0,
        /// What a banned player is shown.
        pub banned: String = "You have been banned!".to_owned(),
        /// What every player is shown after login. Empty: nothing.
        pub welcome: String = String::new(),
    }

    /// `[games]`
    pub struct GameRules {
        /// Refuse a join whose host type differs from the game's. UYA and Jak X ask for another type than they made.
        pub check_host_type: bool = true,
        /// Apply the client's game list filters. A few early titles want every game.
        pub filter_lists: bool = true,
        /// MaxPlayers told in JoinGameResponse whatever the game has; 0 = the game's.
        pub join_max_players: u32 = 0,
        /// How a game's players reach the relay.
        pub connection: GameConnection = GameConnection::HostType,
        /// Games hosted by a console itself are allowed.
        pub peer_to_peer: bool = true,
        /// Seconds for which matchmaking looks for a game before it tells that there is none.
        #[serde(with = "seconds")]
        pub match_wait: Duration = Duration::from_secs(60),
        /// Tell a buddy live that somebody added him (one title wants to hear it at the next list only).
        pub confirm_buddies_live: bool = true,
    }

    /// `[relay]`
    pub struct TitleRelay {
        /// Offer UDP beside TCP.
        pub udp: bool = true,
        /// Put several frames into one write or datagram when several are at hand. Needs the host's setting too.
        pub aggregation: bool = true,
        /// Players in a world; the host's bound applies too.
        pub max_players: u32 = 256,
    }

    /// `[encryption]`. Not set: the host's default. MUIS and MAS follow the client, always.
    pub struct TitleEncryption {
        /// MLS.
        pub mls: Option<Cipher> = None,
        /// DME.
        pub dme: Option<Cipher> = None,
        /// Frames between players.
        pub relay: Option<RelayCipher> = None,
    }

    /// `[plugin]`: the title's plugin, a WebAssembly component.
    pub struct PluginConfig {
        /// The component: a path from the title's folder, or from the folder of another title (`../<title>/plugin.wasm`). Empty: `plugin.wasm`, if there is one.
        pub file: String = String::new(),
        /// Use it. Off: the title runs on the host's own rules.
        pub enabled: bool = true,
        /// What the plugin may do of what it asks for: `kick`, `ban`, `memory`, `accounts`, `send-raw`, `relay-inject`, `http:<host>`.
        pub grants: Vec<String> = vec![],
        /// Values of the plugin's own settings; `medley plugin inspect` lists them. A change holds at once, without a reload of the plugin.
        pub settings: Settings = Settings::default(),
        /// Bounds of what the plugin may use.
        pub limits: PluginLimits = PluginLimits::default(),
    }

    /// `[plugin.limits]`
    pub struct PluginLimits {
        /// Memory of one instance, bytes. There is one instance for the lobby and, if the plugin takes part in the relay, one a relay thread.
        pub memory_bytes: u64 = 67_108_864,
        /// Processor time of one call, milliseconds.
        pub call_cpu_millis: u32 = 20,
        /// Time of one call on the clock, host calls included, milliseconds.
        pub call_wall_millis: u32 = 250,
        /// Processor time of one call with relayed packets, milliseconds: the players of the thread wait for it.
        pub packets_cpu_millis: u32 = 5,
        /// Processor time of a start, restore or self-check, milliseconds.
        pub load_cpu_millis: u32 = 2000,
        /// Log lines a second; what is over is counted and dropped.
        pub log_lines_per_second: u32 = 50,
        /// Bytes a second that it may write to its store, keys included; twice that in one burst.
        pub store_bytes_per_second: u32 = 262_144,
        /// Timers that are set at one time.
        pub timers: u32 = 10_000,
        /// Messages that one call may send; a message to a channel counts once for each player in it.
        pub sends_per_call: u32 = 4096,
        /// Failures (a trap, a call that took too long, a bad answer) within a minute after which the title goes on without the plugin until a new one is loaded or `medley plugin resume`.
        pub failures_per_minute: u32 = 5,
    }

    /// `[handshake]`: exceptions of the connect sequence. Not set: the usual behaviour.
    pub struct HandshakeOverride {
        /// Take the client for 1.08 in the handshake although its hello says more. Usual: false.
        pub treat_as_108: Option<bool> = None,
        /// Send CONNECT_ACCEPT_TCP at once, with no CONNECT_REQUIRE before it, although the client is above 1.08. Usual: false.
        pub skip_connect_require: Option<bool> = None,
        /// At 1.08 and below: send CONNECT_COMPLETE straight after CONNECT_ACCEPT_TCP. Usual: true, as Sony did to UYA.
        pub complete_after_accept: Option<bool> = None,
        /// Above 1.08: servers that send CONNECT_COMPLETE straight after CONNECT_ACCEPT_TCP, unasked. Usual: none.
        pub complete_unasked_above_108: Option<Vec<ServerKind>> = None,
        /// Send CRYPTKEY_GAME on enciphered connections. Usual: true, at every version.
        pub send_cryptkey_game: Option<bool> = None,
        /// On DME: send the second CRYPTKEY_PEER. Usual: true, as Sony; emulators omit it.
        pub send_second_peer_key: Option<bool> = None,
        /// Cut long server messages into fragments above 1.08. Usual: true.
        pub fragment: Option<bool> = None,
        /// Send server echoes above 1.08 (never at 1.08). Usual: true.
        pub server_echo: Option<bool> = None,
        /// At 1.08 and below: encipher application messages of the server with the game key (context 1). Usual: true, as Sony.
        pub game_key_for_lobby: Option<bool> = None,
        /// First three bytes of CONNECT_ACCEPT_TCP at 1.08, as six hex digits. Usual: 0108d3, Sony's.
        pub accept_version: Option<String> = None,
    }
}

/// `[plugin.settings]`: whatever keys the plugin declares, as TOML.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(transparent)]
pub struct Settings(pub toml::Table);

impl Described for Settings {
    fn kind() -> String {
        "table of the plugin's own keys".to_owned()
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// The connect sequence of one app id, all exceptions applied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Handshake {
    /// See [`HandshakeOverride::treat_as_108`].
    pub treat_as_108: bool,
    /// See [`HandshakeOverride::skip_connect_require`].
    pub skip_connect_require: bool,
    /// See [`HandshakeOverride::complete_after_accept`].
    pub complete_after_accept: bool,
    /// See [`HandshakeOverride::complete_unasked_above_108`].
    pub complete_unasked_above_108: Vec<ServerKind>,
    /// See [`HandshakeOverride::send_cryptkey_game`].
    pub send_cryptkey_game: bool,
    /// See [`HandshakeOverride::send_second_peer_key`].
    pub send_second_peer_key: bool,
    /// See [`HandshakeOverride::fragment`].
    pub fragment: bool,
    /// See [`HandshakeOverride::server_echo`].
    pub server_echo: bool,
    /// See [`HandshakeOverride::game_key_for_lobby`].
    pub game_key_for_lobby: bool,
    /// See [`HandshakeOverride::accept_version`].
    pub accept_version: [u8; 3],
}

impl Default for Handshake {
    /// The usual, which the session states.
    fn default() -> Self {
        let usual = medley_session::Handshake::default();
        Self {
            treat_as_108: usual.treat_as_108,
            skip_connect_require: usual.skip_connect_require,
            complete_after_accept: usual.complete_after_accept,
            complete_unasked_above_108: Vec::new(),
            send_cryptkey_game: usual.send_cryptkey_game,
            send_second_peer_key: usual.send_second_peer_key,
            fragment: usual.fragment,
            server_echo: usual.server_echo,
            game_key_for_lobby: usual.game_key_for_apps,
            accept_version: usual.accept_version,
        }
    }
}

impl Handshake {
    /// On one kind of server, in the session's words.
    #[must_use]
    pub fn on(&self, kind: medley_session::ServerKind) -> medley_session::Handshake {
        let own = match kind {
            medley_session::ServerKind::Muis => ServerKind::Muis,
            medley_session::ServerKind::Mas => ServerKind::Mas,
            medley_session::ServerKind::Mls => ServerKind::Mls,
            medley_session::ServerKind::Mps => ServerKind::Mps,
            medley_session::ServerKind::Dme => ServerKind::Dme,
        };
        medley_session::Handshake {
            treat_as_108: self.treat_as_108,
            skip_connect_require: self.skip_connect_require,
            complete_after_accept: self.complete_after_accept,
            complete_unasked_above_108: self.complete_unasked_above_108.contains(&own),
            send_cryptkey_game: self.send_cryptkey_game,
            send_second_peer_key: self.send_second_peer_key,
            fragment: self.fragment,
            server_echo: self.server_echo,
            game_key_for_apps: self.game_key_for_lobby,
            accept_version: self.accept_version,
        }
    }

    /// Applies exceptions: each that is set replaces the value.
    pub fn with(mut self, over: &HandshakeOverride) -> Self {
        let set = |to: &mut bool, from: Option<bool>| *to = from.unwrap_or(*to);
        set(&mut self.treat_as_108, over.treat_as_108);
        set(&mut self.skip_connect_require, over.skip_connect_require);
        set(&mut self.complete_after_accept, over.complete_after_accept);
        set(&mut self.send_cryptkey_game, over.send_cryptkey_game);
        set(&mut self.send_second_peer_key, over.send_second_peer_key);
        set(&mut self.fragment, over.fragment);
        set(&mut self.server_echo, over.server_echo);
        set(&mut self.game_key_for_lobby, over.game_key_for_lobby);
        if let Some(kinds) = &over.complete_unasked_above_108 {
            self.complete_unasked_above_108.clone_from(kinds);
        }
        if let Some(bytes) = over.accept_version.as_deref().and_then(three_bytes) {
            self.accept_version = bytes;
        }
        self
    }
}

impl TitleEncryption {
    /// Lays the values set here over `base`.
    pub fn over(&self, base: &Self) -> Self {
        Self { mls: self.mls.or(base.mls), dme: self.dme.or(base.dme), relay: self.relay.or(base.relay) }
    }
}

impl Security {
    /// The number on the wire.
    pub fn number(self) -> u32 {
        self as u32
    }
}

impl Announcement {
    /// The text as sent: title, line feed, body; or the body alone.
    pub fn whole_text(&self) -> String {
        if self.title.is_empty() { self.text.clone() } else { format!("{}\n{}", self.title, self.text) }
    }
}

/// Reads six hex digits.
pub(crate) fn three_bytes(hex: &str) -> Option<[u8; 3]> {
    let digits: Vec<u8> =
        hex.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    match digits[..] {
        [a, b, c, d, e, f] => Some([a << 4 | b, c << 4 | d, e << 4 | f]),
        _ => None,
    }
}
