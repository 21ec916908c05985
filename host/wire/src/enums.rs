//! The SDK's enums as open newtypes: an unknown value keeps its number through decode and encode.

use core::fmt;

use serde_json::Value;

use crate::codec::{DecodeError, Dialect, Empty, Reader, Wire, Writer};
use crate::json::{JsonError, JsonView};

/// One row of the table of enums: what a tool needs to put a name to a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnumInfo {
    /// SDK name.
    pub name: &'static str,
    /// The number's type on the wire: `u8`, `i32` and so on.
    pub number: &'static str,
    /// Every value that the SDK names, with its name there.
    pub values: &'static [(i64, &'static str)],
}

macro_rules! wire_enums {
    ($($(#[$docs:meta])* $name:ident($sdk:literal): $number:ty { $($constant:ident = $value:literal $label:literal,)* })*) => {
        /// Every enum of the SDK.
        pub static ALL: &[EnumInfo] = &[$(EnumInfo {
            name: $sdk,
            number: stringify!($number),
            values: &[$(($value as i64, $label)),*],
        },)*];
        $(
        $(#[$docs])*
        #[doc = concat!("`", $sdk, "`.")]
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[derive(serde::Deserialize, serde::Serialize)]
        pub struct $name(pub $number);

        impl $name {
            $(#[doc = concat!("`", $label, "`")] pub const $constant: Self = Self($value);)*

            /// Every value that the SDK names, with its name there.
            pub const NAMES: &'static [(Self, &'static str)] = &[$((Self::$constant, $label)),*];

            /// The SDK's name of the value, if it has one.
            pub fn name(self) -> Option<&'static str> {
                Self::NAMES.iter().find(|(value, _)| *value == self).map(|(_, name)| *name)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, concat!(stringify!($name), "({})"), self.0),
                }
            }
        }

        impl Empty for $name {
            fn empty() -> Self {
                Self(0)
            }
        }

        impl Wire for $name {
            #[inline]
            fn decode(r: &mut Reader<'_>, d: &Dialect) -> Result<Self, DecodeError> {
                <$number>::decode(r, d).map(Self)
            }

            #[inline]
            fn encode(&self, w: &mut Writer, d: &Dialect) {
                self.0.encode(w, d);
            }
        }

        impl JsonView for $name {
            fn to_json(&self) -> Option<Value> {
                self.0.to_json()
            }

            fn from_json(value: Option<Value>) -> Result<Self, JsonError> {
                JsonView::from_json(value).map(Self)
            }
        }
    )*
    };
}

wire_enums! {
    /// Open enum:
    NetMessageClass("NetMessageClass"): u8 {
        DME = 0 "MessageClassDME",
        LOBBY = 1 "MessageClassLobby",
        APPLICATION = 2 "MessageClassApplication",
        LOBBY_REPORT = 3 "MessageClassLobbyReport",
        LOBBY_EXT = 4 "MessageClassLobbyExt",
        LOBBY_AUTHENTICATION = 5 "MessageClassLobbyAuthentication",
        DME_LOCAL_PLUGIN = 6 "MessageClassDMELocalPlugin",
        GHS = 7 "MessageClassGHS",
    }
    /// Open enum:
    CheatQueryType("CheatQueryType"): u8 {
        RAW_MEMORY = 0 "DME_SERVER_CHEAT_QUERY_RAW_MEMORY",
        SHA1_HASH = 1 "DME_SERVER_CHEAT_QUERY_SHA1_HASH",
        MD5_HASH = 2 "DME_SERVER_CHEAT_QUERY_MD5_HASH",
        ACTIVE_THREAD_CNT = 3 "DME_SERVER_CHEAT_QUERY_ACTIVE_THREAD_CNT",
        REMNANT_THREAD_CNT = 4 "DME_SERVER_CHEAT_QUERY_REMENANT_THREAD_CNT",
        SALTY_SHA1_HASH = 5 "DME_SERVER_CHEAT_QUERY_SALTY_SHA1_HASH",
        SALTY_MD5_HASH = 6 "DME_SERVER_CHEAT_QUERY_SALTY_MD5_HASH",
        FOUR_BYTE_POKE_ADDRESS = 8 "DME_SERVER_CHEAT_QUERY_4BYTE_POKE_ADDRESS",
        NO_OP_FUNC_ADDRESS = 9 "DME_SERVER_CHEAT_QUERY_NO_OP_FUNC_ADDRESS",
        INTERRUPT_CNT = 10 "DME_SERVER_CHEAT_QUERY_INTERRUPT_CNT",
        THREAD_INFO = 11 "DME_SERVER_CHEAT_QUERY_THREAD_INFO",
        STRING_EXISTS = 12 "DME_SERVER_CHEAT_QUERY_STRING_EXISTS",
        IOP_RAW_MEMORY = 13 "DME_SERVER_CHEAT_QUERY_IOP_RAW_MEMORY",
        IOP_SHA1_HASH = 14 "DME_SERVER_CHEAT_QUERY_IOP_SHA1_HASH",
        IOP_MD5_HASH = 15 "DME_SERVER_CHEAT_QUERY_IOP_MD5_HASH",
        IOP_SALTY_SHA1_HASH = 16 "DME_SERVER_CHEAT_QUERY_IOP_SALTY_SHA1_HASH",
        IOP_SALTY_MD5_HASH = 17 "DME_SERVER_CHEAT_QUERY_IOP_SALTY_MD5_HASH",
        IOP_MOD_RAW = 18 "DME_SERVER_CHEAT_QUERY_IOP_MOD_RAW",
        IOP_MOD_SHA1 = 19 "DME_SERVER_CHEAT_QUERY_IOP_MOD_SHA1",
        IOP_MOD_MD5 = 20 "DME_SERVER_CHEAT_QUERY_IOP_MOD_MD5",
        IOP_MOD_SALTY_SHA1 = 21 "DME_SERVER_CHEAT_QUERY_IOP_MOD_SALTY_SHA1",
        IOP_MOD_SALTY_MD5 = 22 "DME_SERVER_CHEAT_QUERY_IOP_MOD_SALTY_MD5",
        IOP_MOD_CNT = 23 "DME_SERVER_CHEAT_QUERY_IOP_MOD_CNT",
        IOP_MOD_TEXT_ADDR = 24 "DME_SERVER_CHEAT_QUERY_IOP_MOD_TEXT_ADDR",
        IOP_MOD_TEXT_SIZE = 25 "DME_SERVER_CHEAT_QUERY_IOP_MOD_TEXT_SIZE",
        IOP_THREAD_CNT = 26 "DME_SERVER_CHEAT_QUERY_IOP_THREAD_CNT",
        IOP_MEM_FREE = 27 "DME_SERVER_CHEAT_QUERY_IOP_MEM_FREE",
        IOP_MEM_USED = 28 "DME_SERVER_CHEAT_QUERY_IOP_MEM_USED",
    }
    /// Open enum:
    MediusDtype("MEDIUS_DTYPE"): i32 {
        INVALID_TYPE = 0 "MEDIUS_INVALID_TYPE",
        DTYPE_CHAR = 1 "MEDIUS_DTYPE_CHAR",
        DTYPE_UCHAR = 2 "MEDIUS_DTYPE_UCHAR",
        DTYPE_INT16 = 3 "MEDIUS_DTYPE_INT16",
        DTYPE_UINT16 = 4 "MEDIUS_DTYPE_UINT16",
        DTYPE_INT32 = 5 "MEDIUS_DTYPE_INT32",
        DTYPE_UINT32 = 6 "MEDIUS_DTYPE_UINT32",
        DTYPE_INT64 = 7 "MEDIUS_DTYPE_INT64",
        DTYPE_UINT64 = 8 "MEDIUS_DTYPE_UINT64",
        DTYPE_FLOAT = 9 "MEDIUS_DTYPE_FLOAT",
        DTYPE_DOUBLE = 10 "MEDIUS_DTYPE_DOUBLE",
        DTYPE_CSTRING = 11 "MEDIUS_DTYPE_CSTRING",
        DTYPE_LAST = 12 "MEDIUS_DTYPE_LAST",
    }
    /// Open enum:
    MgclAlertLevel("MGCL_ALERT_LEVEL"): i32 {
        NONE = 0 "MGCL_ALERT_NONE",
        LOW = 1 "MGCL_ALERT_LOW",
        MID = 2 "MGCL_ALERT_MID",
        HIGH = 3 "MGCL_ALERT_HIGH",
    }
    /// Open enum:
    MgclErrorCode("MGCL_ERROR_CODE"): i8 {
        SUCCESS = 0 "MGCL_SUCCESS",
        CONNECTION_ERROR = -1 "MGCL_CONNECTION_ERROR",
        CONNECTION_FAILED = -2 "MGCL_CONNECTION_FAILED",
        DISCONNECT_FAILED = -3 "MGCL_DISCONNECT_FAILED",
        NOT_CONNECTED = -4 "MGCL_NOT_CONNECTED",
        SEND_FAILED = -5 "MGCL_SEND_FAILED",
        INITIALIZATION_FAILED = -6 "MGCL_INITIALIZATION_FAILED",
        SHUTDOWN_ERROR = -7 "MGCL_SHUTDOWN_ERROR",
        NETWORK_ERROR = -8 "MGCL_NETWORK_ERROR",
        AUTHENTICATION_FAILED = -9 "MGCL_AUTHENTICATION_FAILED",
        SESSIONBEGIN_FAILED = -10 "MGCL_SESSIONBEGIN_FAILED",
        SESSIONEND_FAILED = -11 "MGCL_SESSIONEND_FAILED",
        UNSUCCESSFUL = -12 "MGCL_UNSUCCESSFUL",
        INVALID_ARG = -13 "MGCL_INVALID_ARG",
        NATRESOLVE_FAILED = -14 "MGCL_NATRESOLVE_FAILED",
        GAME_NAME_EXISTS = -15 "MGCL_GAME_NAME_EXISTS",
        WORLDID_INUSE = -16 "MGCL_WORLDID_INUSE",
        DME_ERROR = -17 "MGCL_DME_ERROR",
        CALL_MGCL_CLOSE_BEFORE_REINITIALIZING = -18 "MGCL_CALL_MGCL_CLOSE_BEFORE_REINITIALIZING",
        NUM_GAME_WORLDS_PER_LOBBY_WORLD_EXCEEDED = -19 "MGCL_NUM_GAME_WORLDS_PER_LOBBY_WORLD_EXCEEDED",
    }
    /// Open enum:
    MgclEventType("MGCL_EVENT_TYPE"): i32 {
        DISCONNECT = 0 "MGCL_EVENT_CLIENT_DISCONNECT",
        CONNECT = 1 "MGCL_EVENT_CLIENT_CONNECT",
    }
    /// Open enum:
    MgclGameHostType("MGCL_GAME_HOST_TYPE"): i32 {
        CLIENT_SERVER = 0 "MGCLGameHostClientServer",
        INTEGRATED_SERVER = 1 "MGCLGameHostIntegratedServer",
        PEER_TO_PEER = 2 "MGCLGameHostPeerToPeer",
        LAN_PLAY = 3 "MGCLGameHostLANPlay",
        CLIENT_SERVER_AUX_UDP = 4 "MGCLGameHostClientServerAuxUDP",
        CLIENT_SERVER_UDP = 5 "MGCLGameHostClientServerUDP",
        INDEPENDENT = 6 "MGCLGameHostIndependent",
        MAX = 7 "MGCLGameHostMax",
    }
    /// A set of bits:
    MgclServerAttributes("MGCL_SERVER_ATTRIBUTES"): i32 {
        NONE = 0 "MGCL_SERVER_NONE",
        ALLOW_REBROADCAST = 1 "MGCL_SERVER_ALLOW_REBROADCAST",
        ALLOW_SPECTATOR = 2 "MGCL_SERVER_ALLOW_SPECTATOR",
        ALLOW_INFORMER = 3 "MGCL_SERVER_ALLOW_INFORMER",
        ALLOW_MONITOR = 4 "MGCL_SERVER_ALLOW_MONITOR",
    }
    /// Open enum:
    MgclTrustLevel("MGCL_TRUST_LEVEL"): i32 {
        TRUSTED = 0 "MGCL_TRUSTED",
        NOT_TRUSTED = 1 "MGCL_NOT_TRUSTED",
    }
    /// Open enum:
    MgclWorldAttributes("MGCL_WORLD_ATTRIBUTES"): i32 {
        NONE = 0 "MGCL_WORLD_NONE",
        TYPE_SPECTATOR = 1 "MGCL_WORLD_TYPE_SPECTATOR",
        ALLOW_SPECTATORS = 2 "MGCL_WORLD_ALLOW_SPECTATORS",
        INTERNAL = 3 "MGCL_WORLD_INTERNAL",
    }
    /// Open enum:
    AccessLevelType("MediusAccessLevelType"): u32 {
        DEFAULT = 0 "MEDIUS_ACCESSLEVEL_DEFAULT",
        PRIVILEGED = 1 "MEDIUS_ACCESSLEVEL_PRIVILEGED",
        BILLING_VERIFIED = 2 "MEDIUS_ACCESSLEVEL_BILLING_VERIFIED",
        MODERATOR = 4 "MEDIUS_ACCESSLEVEL_MODERATOR",
        RESERVED_3 = 8 "MEDIUS_ACCESSLEVEL_RESERVED_3",
        RESERVED_4 = 16 "MEDIUS_ACCESSLEVEL_RESERVED_4",
        RESERVED_5 = 32 "MEDIUS_ACCESSLEVEL_RESERVED_5",
        RESERVED_6 = 64 "MEDIUS_ACCESSLEVEL_RESERVED_6",
        RESERVED_7 = 128 "MEDIUS_ACCESSLEVEL_RESERVED_7",
        RESERVED_8 = 256 "MEDIUS_ACCESSLEVEL_RESERVED_8",
        RESERVED_9 = 512 "MEDIUS_ACCESSLEVEL_RESERVED_9",
        RESERVED_10 = 1024 "MEDIUS_ACCESSLEVEL_RESERVED_10",
        RESERVED_11 = 2048 "MEDIUS_ACCESSLEVEL_RESERVED_11",
        RESERVED_12 = 4096 "MEDIUS_ACCESSLEVEL_RESERVED_12",
        RESERVED_13 = 8192 "MEDIUS_ACCESSLEVEL_RESERVED_13",
        RESERVED_14 = 16384 "MEDIUS_ACCESSLEVEL_RESERVED_14",
        RESERVED_15 = 32768 "MEDIUS_ACCESSLEVEL_RESERVED_15",
        RESERVED_16 = 65536 "MEDIUS_ACCESSLEVEL_RESERVED_16",
        RESERVED_17 = 131072 "MEDIUS_ACCESSLEVEL_RESERVED_17",
        RESERVED_18 = 262144 "MEDIUS_ACCESSLEVEL_RESERVED_18",
        RESERVED_19 = 524288 "MEDIUS_ACCESSLEVEL_RESERVED_19",
        RESERVED_20 = 1048576 "MEDIUS_ACCESSLEVEL_RESERVED_20",
        RESERVED_21 = 2097152 "MEDIUS_ACCESSLEVEL_RESERVED_21",
        RESERVED_22 = 4194304 "MEDIUS_ACCESSLEVEL_RESERVED_22",
        RESERVED_23 = 8388608 "MEDIUS_ACCESSLEVEL_RESERVED_23",
        EXTRA = 16777215 "MEDIUS_ACCESSLEVEL_EXTRA",
        RESERVED_24 = 16777216 "MEDIUS_ACCESSLEVEL_RESERVED_24",
        RESERVED_25 = 33554432 "MEDIUS_ACCESSLEVEL_RESERVED_25",
        RESERVED_26 = 67108864 "MEDIUS_ACCESSLEVEL_RESERVED_26",
        RESERVED_27 = 134217728 "MEDIUS_ACCESSLEVEL_RESERVED_27",
        RESERVED_28 = 268435456 "MEDIUS_ACCESSLEVEL_RESERVED_28",
        RESERVED_29 = 536870912 "MEDIUS_ACCESSLEVEL_RESERVED_29",
        RESERVED_30 = 1073741824 "MEDIUS_ACCESSLEVEL_RESERVED_30",
        RESERVED_31 = 2147483648 "MEDIUS_ACCESSLEVEL_RESERVED_31",
    }
    /// Open enum:
    AccountType("MediusAccountType"): i32 {
        CHILD_ACCOUNT = 0 "MediusChildAccount",
        MASTER_ACCOUNT = 1 "MediusMasterAccount",
    }
    /// Open enum:
    ApplicationType("MediusApplicationType"): i32 {
        APP_TYPE_GAME = 0 "MediusAppTypeGame",
        LOBBY_CHAT_CHANNEL = 1 "LobbyChatChannel",
    }
    /// Open enum:
    AssignedGameType("MediusAssignedGameType"): i32 {
        MMS = 0 "AssignedGameTypeMMS",
        TOURNAMENT = 1 "AssignedGameTypeTournament",
    }
    /// Open enum:
    BanReasonType("MediusBanReasonType"): i32 {
        INVALID_BAN_REASON = 0 "MediusInvalidBanReason",
        BAN_FOR_CHATTING = 1 "MediusBanForChatting",
        BAN_FOR_VULGARITY = 2 "MediusBanForVulgarity",
        BAN_FOR_OTHER_REASON = 3 "MediusBanForOtherReason",
        BAN_REASON_TYPE = 16777215 "ExtraMediusBanReasonType",
    }
    /// Open enum:
    BillingBSPType("MediusBillingBSPType"): i32 {
        NOTUSED = 0 "MEDIUS_BILLING_NOTUSED",
        SCEK = 1 "MEDIUS_BILLING_SCEK",
        SCEA = 2 "MEDIUS_BILLING_SCEA",
        SCEJ = 3 "MEDIUS_BILLING_SCEJ",
        SCEE = 4 "MEDIUS_BILLING_SCEE",
    }
    /// Open enum:
    BinaryMessageType("MediusBinaryMessageType"): i32 {
        BROADCAST_BINARY_MSG = 0 "BroadcastBinaryMsg",
        TARGET_BINARY_MSG = 1 "TargetBinaryMsg",
        BROADCAST_BINARY_MSG_ACROSS_ENTIRE_UNIVERSE = 2 "BroadcastBinaryMsgAcrossEntireUniverse",
        BROADCAST_BINARY_MSG_DEPRECATED0 = 3 "BroadcastBinaryMsgDeprecated0",
        TARGET_BINARY_MSG_DEPRECATED0 = 4 "TargetBinaryMsgDeprecated0",
        BROADCAST_BINARY_MSG_ACROSS_ENTIRE_UNIVERSE_DEPRECATED0 = 5 "BroadcastBinaryMsgAcrossEntireUniverseDeprecated0",
    }
    /// Open enum:
    BuddyAddType("MediusBuddyAddType"): i32 {
        SINGLE = 0 "AddSingle",
        SYMMETRIC = 1 "AddSymmetric",
    }
    /// Open enum:
    CallbackStatus("MediusCallbackStatus"): i32 {
        BEGIN_SESSION_FAILED = -1000 "MediusBeginSessionFailed",
        ACCOUNT_ALREADY_EXISTS = -999 "MediusAccountAlreadyExists",
        ACCOUNT_NOT_FOUND = -998 "MediusAccountNotFound",
        ACCOUNT_LOGGED_IN = -997 "MediusAccountLoggedIn",
        END_SESSION_FAILED = -996 "MediusEndSessionFailed",
        LOGIN_FAILED = -995 "MediusLoginFailed",
        REGISTRATION_FAILED = -994 "MediusRegistrationFailed",
        INCORRECT_LOGIN_STEP = -993 "MediusIncorrectLoginStep",
        ALREADY_LEADER_OF_CLAN = -992 "MediusAlreadyLeaderOfClan",
        WM_ERROR = -991 "MediusWMError",
        NOT_CLAN_LEADER = -990 "MediusNotClanLeader",
        PLAYER_NOT_PRIVILEGED = -989 "MediusPlayerNotPrivileged",
        DB_ERROR = -988 "MediusDBError",
        DME_ERROR = -987 "MediusDMEError",
        EXCEEDS_MAX_WORLDS = -986 "MediusExceedsMaxWorlds",
        REQUEST_DENIED = -985 "MediusRequestDenied",
        SET_GAME_LIST_FILTER_FAILED = -984 "MediusSetGameListFilterFailed",
        CLEAR_GAME_LIST_FILTER_FAILED = -983 "MediusClearGameListFilterFailed",
        GET_GAME_LIST_FILTER_FAILED = -982 "MediusGetGameListFilterFailed",
        NUM_FILTERS_AT_MAX = -981 "MediusNumFiltersAtMax",
        FILTER_NOT_FOUND = -980 "MediusFilterNotFound",
        INVALID_REQUEST_MSG = -979 "MediusInvalidRequestMsg",
        INVALID_PASSWORD = -978 "MediusInvalidPassword",
        GAME_NOT_FOUND = -977 "MediusGameNotFound",
        CHANNEL_NOT_FOUND = -976 "MediusChannelNotFound",
        GAME_NAME_EXISTS = -975 "MediusGameNameExists",
        CHANNEL_NAME_EXISTS = -974 "MediusChannelNameExists",
        GAME_NAME_NOT_FOUND = -973 "MediusGameNameNotFound",
        PLAYER_BANNED = -972 "MediusPlayerBanned",
        CLAN_NOT_FOUND = -971 "MediusClanNotFound",
        CLAN_NAME_IN_USE = -970 "MediusClanNameInUse",
        SESSION_KEY_INVALID = -969 "MediusSessionKeyInvalid",
        TEXT_STRING_INVALID = -968 "MediusTextStringInvalid",
        FILTER_FAILED = -967 "MediusFilterFailed",
        FAIL = -966 "MediusFail",
        FILE_INTERNAL_ACCESS_ERROR = -965 "MediusFileInternalAccessError",
        FILE_NO_PERMISSIONS = -964 "MediusFileNoPermissions",
        FILE_DOES_NOT_EXIST = -963 "MediusFileDoesNotExist",
        FILE_ALREADY_EXISTS = -962 "MediusFileAlreadyExists",
        FILE_INVALID_FILENAME = -961 "MediusFileInvalidFilename",
        FILE_QUOTA_EXCEEDED = -960 "MediusFileQuotaExceeded",
        CACHE_FAILURE = -959 "MediusCacheFailure",
        DATA_ALREADY_EXISTS = -958 "MediusDataAlreadyExists",
        DATA_DOES_NOT_EXIST = -957 "MediusDataDoesNotExist",
        MAX_EXCEEDED = -956 "MediusMaxExceeded",
        KEY_ERROR = -955 "MediusKeyError",
        INCOMPATIBLE_APP_ID = -954 "MediusIncompatibleAppID",
        ACCOUNT_BANNED = -953 "MediusAccountBanned",
        MACHINE_BANNED = -952 "MediusMachineBanned",
        LEADER_CANNOT_LEAVE_CLAN = -951 "MediusLeaderCannotLeaveClan",
        FEATURE_NOT_ENABLED = -950 "MediusFeatureNotEnabled",
        DNAS_SIGNATURE_LOGGED_IN = -949 "MediusDNASSignatureLoggedIn",
        WORLD_IS_FULL = -948 "MediusWorldIsFull",
        NOT_CLAN_MEMBER = -947 "MediusNotClanMember",
        SERVER_BUSY = -946 "MediusServerBusy",
        NUM_GAME_WORLDS_PER_LOBBY_WORLD_EXCEEDED = -945 "MediusNumGameWorldsPerLobbyWorldExceeded",
        ACCOUNT_NOT_UC_COMPLIANT = -944 "MediusAccountNotUCCompliant",
        PASSWORD_NOT_UC_COMPLIANT = -943 "MediusPasswordNotUCCompliant",
        GATEWAY_ERROR = -942 "MediusGatewayError",
        TRANSACTION_CANCELED = -941 "MediusTransactionCanceled",
        SESSION_FAIL = -940 "MediusSessionFail",
        TOKEN_ALREADY_TAKEN = -939 "MediusTokenAlreadyTaken",
        TOKEN_DOES_NOT_EXIST = -938 "MediusTokenDoesNotExist",
        SUBSCRIPTION_ABORTED = -937 "MediusSubscriptionAborted",
        SUBSCRIPTION_INVALID = -936 "MediusSubscriptionInvalid",
        NOT_A_MEMBER = -935 "MediusNotAMember",
        BILLING_VERIFICATION_REQUIRED = -934 "MediusBillingVerificationRequired",
        ACCESS_LEVEL_INSUFFICIENT = -933 "MediusAccessLevelInsufficient",
        WORLD_CLOSED = -932 "MediusWorldClosed",
        TRANSACTION_TIMED_OUT = -931 "MediusTransactionTimedOut",
        STEP_SEND_FAILED = -930 "MediusStepSendFailed",
        MATCH_TYPE_NO_MATCH_DEPRECATED = -929 "MediusMatchTypeNoMatch_DEPRECATED",
        MATCH_SERVER_NOT_FOUND = -928 "MediusMatchServerNotFound",
        MATCH_GAME_CREATION_FAILED = -927 "MediusMatchGameCreationFailed",
        GAME_LIST_SORT_OPERATION_FAILED = -926 "MediusGameListSortOperationFailed",
        NUM_SORT_CRITERIA_AT_MAX = -925 "MediusNumSortCriteriaAtMax",
        SORT_CRITERIA_NOT_FOUND = -924 "MediusSortCriteriaNotFound",
        ENTITLEMENT_CHECK_FAILED = -923 "MediusEntitlementCheckFailed",
        CALLBACK_STATUS = -1 "ExtraMediusCallbackStatus",
        SUCCESS = 0 "MediusSuccess",
        NO_RESULT = 1 "MediusNoResult",
        REQUEST_ACCEPTED = 2 "MediusRequestAccepted",
        WORLD_CREATED_SIZE_REDUCED = 3 "MediusWorldCreatedSizeReduced",
        PASS = 4 "MediusPass",
        IN_QUEUE = 5 "MediusInQueue",
        JOIN_ASSIGNED_GAME = 6 "MediusJoinAssignedGame",
        MATCH_TYPE_HOST_GAME = 7 "MediusMatchTypeHostGame",
        MATCH_TYPE_REFERRAL = 8 "MediusMatchTypeReferral",
        ALREADY_IN_LEAST_POPULATED_CHANNEL = 9 "MediusAlreadyInLeastPopulatedChannel",
        VULGARITY_FOUND = 10 "MediusVulgarityFound",
        MATCHING_IN_PROGRESS = 11 "MediusMatchingInProgress",
    }
    /// Open enum:
    CharacterEncodingType("MediusCharacterEncodingType"): i32 {
        NO_UPDATE = 0 "MediusCharacterEncoding_NoUpdate",
        ISO8859_1 = 1 "MediusCharacterEncoding_ISO8859_1",
        UTF8 = 2 "MediusCharacterEncoding_UTF8",
        ENCODING_TYPE = 16777215 "ExtraMediusCharacterEncodingType",
    }
    /// Open enum:
    ChatChallengeRequest("MediusChatChallengeRequest"): i32 {
        JOIN = 0 "MediusChatChallengeRequestJoin",
        ACCEPT_CHALLENGE = 1 "MediusChatChallengeRequestAceept",
    }
    /// Open enum:
    ChatChallengeResponse("MediusChatChallengeResponse"): i32 {
        NO_RESPONSE = 0 "MediusChatChallengeNoResponse",
        RESPONSE_JOIN = 1 "MediusChatChallengeResponseJoin",
        RESPONSE_ACCEPT = 2 "MediusChatChallengeResponseAccept",
        RESPONSE_DENIED = 3 "MediusChatChallengeResponseDenied",
        RESPONSE_BUSY = 4 "MediusChatChallengeResponseBusy",
    }
    /// Open enum:
    ChatMessageType("MediusChatMessageType"): i32 {
        BROADCAST = 0 "Broadcast",
        WHISPER = 1 "Whisper",
        BROADCAST_ACROSS_ENTIRE_UNIVERSE = 2 "BroadcastAcrossEntireUniverse",
        CLAN = 3 "Clan",
        BUDDY = 4 "Buddy",
    }
    /// Open enum:
    ChatStatus("MediusChatStatus"): i32 {
        NO_RESPONSE = 0 "MediusChatStatusNoResponse",
        AVAILABLE = 1 "MediusChatStatusAvailable",
        PRIVATE = 2 "MediusChatStatusPrivate",
        AWAY = 3 "MediusChatStatusAway",
        IDLE = 4 "MediusChatStatusIdle",
        STAGING = 5 "MediusChatStatusStaging",
        LOADING = 6 "MediusChatStatusLoading",
        IN_GAME = 7 "MediusChatStatusInGame",
        CHAT_HOST = 8 "MediusChatStatusChatHost",
        CHAT_CLIENT = 9 "MediusChatStatusChatClient",
    }
    /// Open enum:
    ChatToggle("MediusChatToggle"): i32 {
        ENABLE = 0 "MEDIUS_CHAT_ENABLE",
        DISABLE = 1 "MEDIUS_CHAT_DISABLE",
    }
    /// Open enum:
    ClanChallengeStatus("MediusClanChallengeStatus"): i32 {
        REQUEST = 0 "ClanChallengeRequest",
        ACCEPTED = 1 "ClanChallengeAccepted",
        REVOKED = 2 "ClanChallengeRevoked",
        REFUSED = 3 "ClanChallengeRefused",
        CONFIRMED = 4 "ClanChallengeConfirmed",
    }
    /// Open enum:
    ClanInvitationsResponseStatus("MediusClanInvitationsResponseStatus"): i32 {
        UNDECIDED = 0 "ClanInvitationUndecided",
        ACCEPT = 1 "ClanInvitationAccept",
        DECLINE = 2 "ClanInvitationDecline",
        REVOKED = 3 "ClanInvitationRevoked",
    }
    /// Open enum:
    ClanMessageStatus("MediusClanMessageStatus"): i32 {
        UNREAD = 0 "ClanMessageUnread",
        MODIFIED = 1 "ClanMessageModified",
        DELETED = 2 "ClanMessageDeleted",
        READ = 3 "ClanMessageRead",
    }
    /// Open enum:
    ClanPlayerStatus("MediusClanPlayerStatus"): i32 {
        NOT_YET_ACCEPTED = 0 "NotYetAccepted",
        PLAYER_ACTIVE_IN_CLAN = 1 "PlayerActiveInClan",
        PLAYER_REMOVED_FROM_CLAN = 2 "PlayerRemovedFromClan",
    }
    /// Open enum:
    ClanStatus("MediusClanStatus"): i32 {
        ACTIVE = 0 "ClanActive",
        DISBANDED = -1 "ClanDisbanded",
    }
    /// Open enum:
    ComparisonOperator("MediusComparisonOperator"): i32 {
        LESS_THAN = 0 "LESS_THAN",
        LESS_THAN_OR_EQUAL_TO = 1 "LESS_THAN_OR_EQUAL_TO",
        EQUAL_TO = 2 "EQUAL_TO",
        GREATER_THAN_OR_EQUAL_TO = 3 "GREATER_THAN_OR_EQUAL_TO",
        GREATER_THAN = 4 "GREATER_THAN",
        NOT_EQUALS = 5 "NOT_EQUALS",
    }
    /// Open enum:
    ConnectionType("MediusConnectionType"): i32 {
        MODEM = 0 "Modem",
        ETHERNET = 1 "Ethernet",
        WIRELESS = 2 "Wireless",
    }
    /// Open enum:
    CrossChatMessageType("MediusCrossChatMessageType"): i32 {
        STATUS_REQUEST = 0 "StatusRequest",
        STATUS_RESPONSE = 1 "StatusResponse",
        STATUS_UNAVAILABLE = 2 "StatusUnavailable",
        CHAT_REQUEST = 3 "ChatRequest",
        CHAT_ACCEPT = 4 "ChatAccept",
        CHAT_REQUEST_JOIN = 5 "ChatRequestJoin",
        CHAT_ACCEPT_JOIN = 6 "ChatAcceptJoin",
        CHAT_UNAVAILABLE = 7 "ChatUnavailable",
        BINARY_SIGNAL = 8 "BinarySignal",
        MAX_MSG_TYPE = 9 "MaxMsgType",
    }
    /// Open enum:
    DInterestID("MediusDInterestID"): i32 {
        PLAYER = 0 "MEDIUS_DINTEREST_PLAYER",
        LAST = 1 "MEDIUS_DINTEREST_LAST",
    }
    /// Open enum:
    DListAction("MediusDListAction"): i32 {
        NOEVENT = 0 "MEDIUS_DACTION_NOEVENT",
        ERROR = 1 "MEDIUS_DACTION_ERROR",
        STATUS = 2 "MEDIUS_DACTION_STATUS",
        UPDATE = 3 "MEDIUS_DACTION_UPDATE",
        ADD = 4 "MEDIUS_DACTION_ADD",
        DELETE = 5 "MEDIUS_DACTION_DELETE",
        REFRESH = 6 "MEDIUS_DACTION_REFRESH",
        LAST = 7 "MEDIUS_DACTION_LAST",
    }
    /// Open enum:
    DListID("MediusDListID"): u16 {
        BUDDY = 0 "MEDIUS_DLIST_BUDDY",
        CLAN_MEMBER = 1 "MEDIUS_DLIST_CLAN_MEMBER",
        LOBBY_MEMBER = 2 "MEDIUS_DLIST_LOBBY_MEMBER",
        LAST = 3 "MEDIUS_DLIST_LAST",
    }
    /// Open enum:
    DListRequestID("MediusDListRequestID"): i32 {
        DREQUEST_NONE = 0 "MEDIUS_DREQUEST_NONE",
        DREQUEST_SUBSCRIBE = 1 "MEDIUS_DREQUEST_SUBSCRIBE",
        DREQUEST_UNSUBSCRIBE = 2 "MEDIUS_DREQUEST_UNSUBSCRIBE",
        DREQUEST_REFRESH = 3 "MEDIUS_DREQUEST_REFRESH",
        SET_LEVEL = 4 "MEDIUS_SET_LEVEL",
        DREQUEST_LAST = 5 "MEDIUS_DREQUEST_LAST",
    }
    /// Open enum:
    DListServiceLevel("MediusDListServiceLevel"): u8 {
        UNSUB = 0 "MEDIUS_DLEVEL_UNSUB",
        CHANGE_EVENTS = 1 "MEDIUS_DLEVEL_CHANGE_EVENTS",
        ALL_EVENTS = 2 "MEDIUS_DLEVEL_ALL_EVENTS",
        REFRESHED = 3 "MEDIUS_DLEVEL_REFRESHED",
        RESERVED1 = 4 "MEDIUS_DLEVEL_RESERVED1",
        LAST = 5 "MEDIUS_DLEVEL_LAST",
    }
    /// Open enum:
    DeviceType("MediusDeviceType"): i32 {
        MEMCARD = 0 "MEDIUS_MEMCARD",
        HDD = 1 "MEDIUS_HDD",
        HOST0 = 2 "MEDIUS_HOST0",
        DEVICE_TYPE = 16777215 "ExtraMediusDeviceType",
    }
    /// Open enum:
    DnasCategory("MediusDnasCategory"): i32 {
        CONSOLE_ID = 0 "DnasConsoleID",
        TITLE_ID = 1 "DnasTitleID",
        DISK_ID = 2 "DnasDiskID",
    }
    /// Open enum:
    FileSortBy("MediusFileSortBy"): i32 {
        NOTHING = 0 "MFSortByNothing",
        NAME = 1 "MFSortByName",
        FILE_SIZE = 2 "MFSortByFileSize",
        TIME_STAMP = 3 "MFSortByTimeStamp",
        GROUP_ID = 4 "MFSortByGroupID",
        POPULARITY = 5 "MFSortByPopularity",
        META_VALUE = 6 "MFSortByMetaValue",
        META_STRING = 7 "MFSortByMetaString",
    }
    /// Open enum:
    FileXferStatus("MediusFileXferStatus"): i32 {
        ERROR = 0 "Error",
        INITIAL = 1 "Initial",
        MID = 2 "Mid",
        END = 3 "End",
    }
    /// Open enum:
    FindWorldType("MediusFindWorldType"): i32 {
        FIND_GAME_WORLD = 0 "FindGameWorld",
        FIND_LOBBY_WORLD = 1 "FindLobbyWorld",
        FIND_ALL_WORLDS = 2 "FIndAllWorlds",
    }
    /// Open enum:
    GameHostType("MediusGameHostType"): i32 {
        CLIENT_SERVER = 0 "MediusGameHostClientServer",
        INTEGRATED_SERVER = 1 "MediusGameHostIntegratedServer",
        PEER_TO_PEER = 2 "MediusGameHostPeerToPeer",
        LAN_PLAY = 3 "MediusGameHostLANPlay",
        CLIENT_SERVER_AUX_UDP = 4 "MediusGameHostClientServerAuxUDP",
        CLIENT_SERVER_UDP = 5 "MediusGameHostClientServerUDP",
        INDEPENDENT = 6 "MediusGameHostIndependent",
    }
    /// Open enum:
    GameListFilterField("MediusGameListFilterField"): i32 {
        PLAYER_COUNT = 1 "MEDIUS_FILTER_PLAYER_COUNT",
        MIN_PLAYERS = 2 "MEDIUS_FILTER_MIN_PLAYERS",
        MAX_PLAYERS = 3 "MEDIUS_FILTER_MAX_PLAYERS",
        GAME_LEVEL = 4 "MEDIUS_FILTER_GAME_LEVEL",
        PLAYER_SKILL_LEVEL = 5 "MEDIUS_FILTER_PLAYER_SKILL_LEVEL",
        RULES_SET = 6 "MEDIUS_FILTER_RULES_SET",
        GENERIC_FIELD_1 = 7 "MEDIUS_FILTER_GENERIC_FIELD_1",
        GENERIC_FIELD_2 = 8 "MEDIUS_FILTER_GENERIC_FIELD_2",
        GENERIC_FIELD_3 = 9 "MEDIUS_FILTER_GENERIC_FIELD_3",
        LOBBY_WORLDID = 10 "MEDIUS_FILTER_LOBBY_WORLDID",
        GENERIC_FIELD_4 = 11 "MEDIUS_FILTER_GENERIC_FIELD_4",
        GENERIC_FIELD_5 = 12 "MEDIUS_FILTER_GENERIC_FIELD_5",
        GENERIC_FIELD_6 = 13 "MEDIUS_FILTER_GENERIC_FIELD_6",
        GENERIC_FIELD_7 = 14 "MEDIUS_FILTER_GENERIC_FIELD_7",
        GENERIC_FIELD_8 = 15 "MEDIUS_FILTER_GENERIC_FIELD_8",
        MATCH_MAKING_GAMES = 16 "MEDIUS_FILTER_MATCH_MAKING_GAMES",
        LOCATION_ID = 17 "MEDIUS_FILTER_LOCATION_ID",
        BUDDY_COUNT = 18 "MEDIUS_FILTER_BUDDY_COUNT",
        CLAN_MEMBER_COUNT = 19 "MEDIUS_FILTER_CLAN_MEMBER_COUNT",
        IGNORED_PLAYER_COUNT = 20 "MEDIUS_FILTER_IGNORED_PLAYER_COUNT",
    }
    /// Open enum:
    GameListSortDirection("MediusGameListSortDirection"): i32 {
        ASCENDING = 0 "MEDIUS_SORT_ASCENDING",
        DESCENDING = 1 "MEDIUS_SORT_DESCENDING",
    }
    /// Open enum:
    GenerateRandomSelection("MediusGenerateRandomSelection"): i32 {
        NOT_GENERATE = 0 "NotGenerate",
        GENERATE_RANDOM = 100 "GenerateRandom",
        EXTRA = 101 "ExtraMediusGenerateRandomSelection",
    }
    /// Open enum:
    JoinType("MediusJoinType"): i32 {
        PLAYER = 0 "MediusJoinAsPlayer",
        SPECTATOR = 1 "MediusJoinAsSpectator",
        MASS_SPECTATOR = 2 "MediusJoinAsMassSpectator",
    }
    /// Open enum:
    LadderType("MediusLadderType"): i32 {
        PLAYER = 0 "MediusLadderTypePlayer",
        CLAN = 1 "MediusLadderTypeClan",
    }
    /// Open enum:
    LanguageType("MediusLanguageType"): i32 {
        NO_UPDATE = 0 "MediusLanguage_NoUpdate",
        US_ENGLISH = 1 "MediusLanguage_USEnglish",
        UK_ENGLISH = 2 "MediusLanguage_UKEnglish",
        JAPANESE = 3 "MediusLanguage_Japanese",
        KOREAN = 4 "MediusLanguage_Korean",
        ITALIAN = 5 "MediusLanguage_Italian",
        SPANISH = 6 "MediusLanguage_Spanish",
        GERMAN = 7 "MediusLanguage_German",
        FRENCH = 8 "MediusLanguage_French",
        DUTCH = 9 "MediusLanguage_Dutch",
        PORTUGUESE = 10 "MediusLanguage_Portuguese",
        CHINESE = 11 "MediusLanguage_Chinese",
        TAIWANESE = 12 "MediusLanguage_Taiwanese",
        FINNISH = 13 "MediusLanguage_Finnish",
        NORWEGIAN = 14 "MediusLanguage_Norwegian",
    }
    /// A set of bits:
    LobbyFilterMaskLevelType("MediusLobbyFilterMaskLevelType"): i32 {
        LEVEL0 = 0 "MediusLobbyFilterMaskLevel0",
        LEVEL1 = 1 "MediusLobbyFilterMaskLevel1",
        LEVEL2 = 2 "MediusLobbyFilterMaskLevel2",
        LEVEL3 = 4 "MediusLobbyFilterMaskLevel3",
        LEVEL4 = 8 "MediusLobbyFilterMaskLevel4",
        LEVEL12 = 16 "MediusLobbyFilterMaskLevel12",
        LEVEL123 = 32 "MediusLobbyFilterMaskLevel123",
        LEVEL1234 = 64 "MediusLobbyFilterMaskLevel1234",
        LEVEL23 = 128 "MediusLobbyFilterMaskLevel23",
        LEVEL234 = 256 "MediusLobbyFilterMaskLevel234",
        LEVEL34 = 512 "MediusLobbyFilterMaskLevel34",
    }
    /// Open enum:
    LobbyFilterType("MediusLobbyFilterType"): i32 {
        LOBBY_FILTER_EQUALS_LOBBY = 0 "MediusLobbyFilterEqualsLobby",
        LOBBY_FILTER_EQUALS_FILTER = 1 "MediusLobbyFilterEqualsFilter",
        FILTER_EQUALS = 2 "FILTER_EQUALS",
    }
    /// Open enum:
    MatchGameState("MediusMatchGameState"): i32 {
        SUSPEND = 0 "MatchGameStateSuspend",
        RESUME = 1 "MatchGameStateResume",
        STOP = 2 "MatchGameStateStop",
    }
    /// Open enum:
    MatchOptions("MediusMatchOptions"): i32 {
        OPTIONS_NONE = 0 "MatchOptionsNone",
        LATE_JOIN = 1 "MatchLateJoin",
        CUSTOM_GAME = 2 "MatchCustomGame",
    }
    /// Open enum:
    MessageType("MediusMessageType"): i32 {
        ANNOUNCEMENT_MESSAGE = 0 "AnnouncementMessage",
    }
    /// Open enum:
    PasswordType("MediusPasswordType"): i32 {
        NOT_SET = 0 "MediusPasswordNotSet",
        SET = 1 "MediusPasswordSet",
    }
    /// Open enum:
    PlayerSearchType("MediusPlayerSearchType"): i32 {
        ID = 0 "PlayerAccountID",
        NAME = 1 "PlayerAccountName",
    }
    /// Open enum:
    PlayerStatus("MediusPlayerStatus"): i32 {
        PLAYER_DISCONNECTED = 0 "MediusPlayerDisconnected",
        PLAYER_IN_AUTH_WORLD = 1 "MediusPlayerInAuthWorld",
        PLAYER_IN_CHAT_WORLD = 2 "MediusPlayerInChatWorld",
        PLAYER_IN_GAME_WORLD = 3 "MediusPlayerInGameWorld",
        PLAYER_IN_OTHER_UNIVERSE = 4 "MediusPlayerInOtherUniverse",
        LAST_PLAYER_STATUS = 5 "LastMediusPLayerStatus",
    }
    /// Open enum:
    PolicyType("MediusPolicyType"): i32 {
        USAGE = 0 "Usage",
        PRIVACY = 1 "Privacy",
    }
    /// Open enum:
    QueueState("MediusQueueState"): i32 {
        UNKNOWN = 0 "MQ_UNKNOWN",
        UPDATE = 1 "MQ_UPDATE",
        LOGINCOMPLETE = 2 "MQ_LOGINCOMPLETE",
    }
    /// Open enum:
    SCETerritory("MediusSCETerritory"): i32 {
        SCEA = 0 "SCEA",
        SCEE = 1 "SCEE",
        SCEI = 2 "SCEI",
        SCEA_THIRDPARTY = 3 "SCEA_THIRDPARTY",
        SCEE_THIRDPARTY = 4 "SCEE_THIRDPARTY",
        SCEI_THIRDPARTY = 5 "SCEI_THIRDPARTY",
        EXTRA_SCE_TERRITORY_TYPE = 16777215 "ExtraSCETerritoryType",
    }
    /// Open enum:
    SortOrder("MediusSortOrder"): i32 {
        ASCENDING = 0 "MEDIUS_ASCENDING",
        DESCENDING = 1 "MEDIUS_DESCENDING",
    }
    /// Open enum:
    StoredConfirmationType("MediusStoredConfirmationType"): i32 {
        SUCCESS = 0 "MediusStoredSuccess",
        FILE_NOT_FOUND = -1 "MediusStoredFileNotFound",
        DEVICE_NOT_FOUND = -2 "MediusStoredDeviceNotFound",
        DIRECTORY_NOT_FOUND = -3 "MediusStoredDirectoryNotFound",
        ITEM_ALREADY_EXISTS = -4 "MediusStoredItemAlreadyExists",
        STORED_CONFIRMATION_TYPE = 16777215 "ExtraMediusStoredConfirmationType",
    }
    /// Open enum:
    TextFilterType("MediusTextFilterType"): i32 {
        PASS_FAIL = 0 "MediusTextFilterPassFail",
        REPLACE = 1 "MediusTextFilterReplace",
        FILTER = 16777215 "ExtraMediusTextFilter",
    }
    /// Open enum:
    TimeZone("MediusTimeZone"): i32 {
        IDLW = -1200 "MediusTimeZone_IDLW",
        HST = -1000 "MediusTimeZone_HST",
        AKST = -900 "MediusTimeZone_AKST",
        AKDT = -800 "MediusTimeZone_AKDT",
        PST = -801 "MediusTimeZone_PST",
        PDT = -700 "MediusTimeZone_PDT",
        MST = -701 "MediusTimeZone_MST",
        MDT = -600 "MediusTimeZone_MDT",
        CST = -601 "MediusTimeZone_CST",
        CDT = -500 "MediusTimeZone_CDT",
        EST = -501 "MediusTimeZone_EST",
        EDT = -400 "MediusTimeZone_EDT",
        AST = -401 "MediusTimeZone_AST",
        NST = -350 "MediusTimeZone_NST",
        ADT = -300 "MediusTimeZone_ADT",
        NDT = -250 "MediusTimeZone_NDT",
        WAT = -100 "MediusTimeZone_WAT",
        GMT = 0 "MediusTimeZone_GMT",
        UTC = 1 "MediusTimeZone_UTC",
        WET = 2 "MediusTimeZone_WET",
        BST = 100 "MediusTimeZone_BST",
        IRISHST = 101 "MediusTimeZone_IRISHST",
        WEST = 102 "MediusTimeZone_WEST",
        CET = 103 "MediusTimeZone_CET",
        CEST = 200 "MediusTimeZone_CEST",
        SWEDISHST = 201 "MediusTimeZone_SWEDISHST",
        FST = 202 "MediusTimeZone_FST",
        CAT = 203 "MediusTimeZone_CAT",
        SAST = 204 "MediusTimeZone_SAST",
        EET = 205 "MediusTimeZone_EET",
        ISRAELST = 206 "MediusTimeZone_ISRAELST",
        EEST = 300 "MediusTimeZone_EEST",
        BT = 301 "MediusTimeZone_BT",
        MSK = 302 "MediusTimeZone_MSK",
        IRANST = 350 "MediusTimeZone_IRANST",
        MSD = 400 "MediusTimeZone_MSD",
        INDIANST = 550 "MediusTimeZone_INDIANST",
        JT = 750 "MediusTimeZone_JT",
        HKT = 800 "MediusTimeZone_HKT",
        CCT = 801 "MediusTimeZone_CCT",
        AWST = 802 "MediusTimeZone_AWST",
        MT = 850 "MediusTimeZone_MT",
        KST = 900 "MediusTimeZone_KST",
        JST = 901 "MediusTimeZone_JST",
        ACST = 950 "MediusTimeZone_ACST",
        AEST = 1000 "MediusTimeZone_AEST",
        GST = 1001 "MediusTimeZone_GST",
        ACDT = 1050 "MediusTimeZone_ACDT",
        AEDT = 1100 "MediusTimeZone_AEDT",
        SST = 1101 "MediusTimeZone_SST",
        NZST = 1200 "MediusTimeZone_NZST",
        IDLE = 1201 "MediusTimeZone_IDLE",
        NZDT = 1300 "MediusTimeZone_NZDT",
    }
    /// Open enum:
    TokenActionType("MediusTokenActionType"): i32 {
        INVALID_TOKEN_ACTION = 0 "MediusInvalidTokenAction",
        ADD_TOKEN = 1 "MediusAddToken",
        UPDATE_TOKEN = 2 "MediusUpdateToken",
        REMOVE_TOKEN = 3 "MediusRemoveToken",
    }
    /// Open enum:
    TokenCategoryType("MediusTokenCategoryType"): i32 {
        INVALID_TOKEN = 0 "MediusInvalidToken",
        GENERIC_TOKEN1 = 1 "MediusGenericToken1",
        GENERIC_TOKEN2 = 2 "MediusGenericToken2",
        GENERIC_TOKEN3 = 3 "MediusGenericToken3",
        ACCOUNT_TOKEN = 4 "MediusAccountToken",
        CLAN_TOKEN = 5 "MediusClanToken",
        TOKEN_CATEGORY_TYPE = 16777215 "ExtraMediusTokenCategoryType",
    }
    /// A set of bits:
    UniverseVariableInformationInfoFilter("MediusUniverseVariableInformationInfoFilter"): u32 {
        UNIVERSES = 1 "INFO_UNIVERSES",
        NEWS = 2 "INFO_NEWS",
        ID = 4 "INFO_ID",
        NAME = 8 "INFO_NAME",
        DNS = 16 "INFO_DNS",
        DESCRIPTION = 32 "INFO_DESCRIPTION",
        STATUS = 64 "INFO_STATUS",
        BILLING = 128 "INFO_BILLING",
        EXTRAINFO = 256 "INFO_EXTRAINFO",
        SVO_URL = 512 "INFO_SVO_URL",
    }
    /// Open enum:
    UserAction("MediusUserAction"): i32 {
        KEEP_ALIVE = 0 "KeepAlive",
        JOINED_CHAT_WORLD = 1 "JoinedChatWorld",
        LEFT_GAME_WORLD = 2 "LeftGameWorld",
        LEFT_PARTY_WORLD = 3 "LeftPartyWorld",
    }
    /// Open enum:
    UtilTypeWorldPersistence("MediusUtilTypeWorldPersistence"): i32 {
        PERSISTENT = 0 "MediusUtilWorldPersistent",
        NOT_PERSISTENT = 1 "MediusUtilWorldNotPersistent",
    }
    /// Open enum:
    VoteActionType("MediusVoteActionType"): i32 {
        INVALID_VOTE_ACTION = 0 "MediusInvalidVoteAction",
        ADD_VOTE = 1 "MediusAddVote",
        REMOVE_VOTE = 2 "MediusRemoveVote",
    }
    /// A set of bits:
    WorldAttributesType("MediusWorldAttributesType"): i32 {
        NONE = 0 "GAME_WORLD_NONE",
        ALLOW_REBROADCAST = 1 "GAME_WORLD_ALLOW_REBROADCAST",
        ALLOW_SPECTATOR = 2 "GAME_WORLD_ALLOW_SPECTATOR",
        INTERNAL = 4 "GAME_WORLD_INTERNAL",
        RECORD = 8 "GAME_WORLD_RECORD",
    }
    /// A set of bits:
    WorldGenericFieldLevelType("MediusWorldGenericFieldLevelType"): i32 {
        LEVEL0 = 0 "MediusWorldGenericFieldLevel0",
        LEVEL1 = 1 "MediusWorldGenericFieldLevel1",
        LEVEL2 = 2 "MediusWorldGenericFieldLevel2",
        LEVEL3 = 4 "MediusWorldGenericFieldLevel3",
        LEVEL4 = 8 "MediusWorldGenericFieldLevel4",
        LEVEL12 = 16 "MediusWorldGenericFieldLevel12",
        LEVEL123 = 32 "MediusWorldGenericFieldLevel123",
        LEVEL1234 = 64 "MediusWorldGenericFieldLevel1234",
        LEVEL23 = 128 "MediusWorldGenericFieldLevel23",
        LEVEL234 = 256 "MediusWorldGenericFieldLevel234",
        LEVEL34 = 512 "MediusWorldGenericFieldLevel34",
    }
    /// A set of bits:
    WorldSecurityLevelType("MediusWorldSecurityLevelType"): i32 {
        NONE = 0 "WORLD_SECURITY_NONE",
        PLAYER_PASSWORD = 1 "WORLD_SECURITY_PLAYER_PASSWORD",
        CLOSED = 2 "WORLD_SECURITY_CLOSED",
        SPECTATOR_PASSWORD = 4 "WORLD_SECURITY_SPECTATOR_PASSWORD",
        EXTRA = 16777215 "WORLD_SECURITY_EXTRA",
    }
    /// Open enum:
    WorldStatus("MediusWorldStatus"): i32 {
        INACTIVE = 0 "WorldInactive",
        STAGING = 1 "WorldStaging",
        ACTIVE = 2 "WorldActive",
        CLOSED = 3 "WorldClosed",
        PENDING_CREATION = 4 "WorldPendingCreation",
        PENDING_CONNECT_TO_GAME = 5 "WorldPendingConnectToGame",
    }
    /// Open enum:
    NetAddressType("NetAddressType"): i32 {
        NONE = 0 "NetAddressNone",
        EXTERNAL = 1 "NetAddressTypeExternal",
        INTERNAL = 2 "NetAddressTypeInternal",
        NAT_SERVICE = 3 "NetAddressTypeNATService",
        BINARY_EXTERNAL = 4 "NetAddressTypeBinaryExternal",
        BINARY_INTERNAL = 5 "NetAddressTypeBinaryInternal",
        BINARY_EXTERNAL_VPORT = 6 "NetAddressTypeBinaryExternalVport",
        BINARY_INTERNAL_VPORT = 7 "NetAddressTypeBinaryInternalVport",
        BINARY_NAT_SERVICES = 8 "NetAddressTypeBinaryNATServices",
        SIGNAL_ADDRESS = 9 "NetAddressTypeSignalAddress",
        SIGNAL_BLOB = 10 "NetAddressTypeSignalBlob",
    }
    /// Open enum:
    NetClientStatus("NetClientStatus"): u32 {
        NONE = 0 "ClientStatusNone",
        NOT_CONNECTED = 1 "ClientStatusNotConnected",
        CONNECTED = 2 "ClientStatusConnected",
        JOINING = 3 "ClientStatusJoining",
        JOINED = 4 "ClientStatusJoined",
        JOINED_SESSION_MASTER = 5 "ClientStatusJoinedSessionMaster",
        CLIENT_STATUS = 16777215 "ExtraNetClientStatus",
    }
    /// Open enum:
    NetConnectionType("NetConnectionType"): i32 {
        NONE = 0 "NetConnectionNone",
        CLIENT_SERVER_TCP = 1 "NetConnectionTypeClientServerTCP",
        PEER_TO_PEER_UDP = 2 "NetConnectionTypePeerToPeerUDP",
        CLIENT_SERVER_TCP_AUX_UDP = 3 "NetConnectionTypeClientServerTCPAuxUDP",
        CLIENT_LISTENER_TCP = 4 "NetConnectionTypeClientListenerTCP",
        CLIENT_SERVER_UDP = 5 "NetConnectionTypeClientServerUDP",
        CLIENT_LISTENER_TCP_AUX_UDP = 6 "NetConnectionTypeClientListenerTCPAuxUDP",
        CLIENT_LISTENER_UDP = 7 "NetConnectionTypeClientListenerUDP",
    }
    /// Open enum:
    ServerForceDisconnectReason("SERVER_FORCE_DISCONNECT_REASON"): u8 {
        NONE = 0 "SERVER_FORCED_DISCONNECT_NONE",
        ERROR = 1 "SERVER_FORCED_DISCONNECT_ERROR",
        SHUTDOWN = 2 "SERVER_FORCED_DISCONNECT_SHUTDOWN",
        END_SESSION = 3 "SERVER_FORCED_DISCONNECT_END_SESSION",
        END_GAME = 4 "SERVER_FORCED_DISCONNECT_END_GAME",
        TIMEOUT = 5 "SERVER_FORCED_DISCONNECT_TIME0UT",
        BAD_PERF = 6 "SERVER_FORCED_DISCONNECT_BAD_PERF",
        BANNED = 7 "SERVER_FORCED_DISCONNECT_BANNED",
    }
}
