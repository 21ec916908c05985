//! Application (class 2): the plugin transport of a few PS3 titles, carried by CLIENT_APP_TO_PLUGIN and SERVER_PLUGIN_TO_APP with 32-bit ids.

use crate::types::{BigEndian, Blob, Flag, Text7};

medley_wire_derive::messages! {
    class APPLICATION, prefix "Medius", list application_messages, module application;

    /// `NetMessageHello`, id table name `NetMessageTypeHello`.
    ///
    /// Carried by RT_MSG_CLIENT_APP_TO_PLUGIN / RT_MSG_SERVER_PLUGIN_TO_APP, not by the APP messages; id is
    /// a 32-bit big-endian number there (see messages.md).
    ///
    /// Known from one public server only.
    #[message(0x01, both)]
    pub struct NetMessageHello {}

    /// `NetMessageProtocolInfo`, id table name `NetMessageTypeProtocolInfo`.
    ///
    /// Carried by RT_MSG_CLIENT_APP_TO_PLUGIN / RT_MSG_SERVER_PLUGIN_TO_APP, not by the APP messages; id is
    /// a 32-bit big-endian number there (see messages.md).
    ///
    /// Known from one public server only.
    #[message(0x02, both)]
    pub struct NetMessageProtocolInfo {
        pub protocol_info: BigEndian,
        pub build_number: BigEndian,
    }

    /// `NetMessageAccountLogoutRequest`, id table name `NetMessageTypeAccountLogoutRequest`.
    ///
    /// Carried by RT_MSG_CLIENT_APP_TO_PLUGIN / RT_MSG_SERVER_PLUGIN_TO_APP, not by the APP messages; id is
    /// a 32-bit big-endian number there (see messages.md).
    ///
    /// Known from one public server only.
    #[message(0x2d, both, answer NetMessageAccountLogoutResponse)]
    pub struct NetMessageAccountLogoutRequest {}

    /// `NetMessageAccountLogoutResponse`, id table name `NetMessageTypeAccountLogoutResponse`.
    ///
    /// Carried by RT_MSG_CLIENT_APP_TO_PLUGIN / RT_MSG_SERVER_PLUGIN_TO_APP, not by the APP messages; id is
    /// a 32-bit big-endian number there (see messages.md).
    ///
    /// Known from one public server only.
    #[message(0x2e, both)]
    #[pad_end(3)]
    pub struct NetMessageAccountLogoutResponse {
        pub success: Flag,
    }

    /// `NetMessageMAPSHello`, id table name `NetMessageTypeMAPSHelloMessage`.
    ///
    /// Carried by RT_MSG_CLIENT_APP_TO_PLUGIN / RT_MSG_SERVER_PLUGIN_TO_APP, not by the APP messages; id is
    /// a 32-bit big-endian number there (see messages.md).
    ///
    /// Known from one public server only.
    #[message(0x33, both)]
    pub struct NetMessageMAPSHello {
        pub success: Flag,
        pub is_online: Flag,
        #[pad(2)]
        pub available_factions: Blob<3>,
    }

    /// `NetMessageNewsEulaRequest`.
    ///
    /// Carried by RT_MSG_CLIENT_APP_TO_PLUGIN / RT_MSG_SERVER_PLUGIN_TO_APP, not by the APP messages; id is
    /// a 32-bit big-endian number there (see messages.md).
    ///
    /// Known from one public server only.
    #[message(0x23e, both, answer NetMessageNewsEulaResponse)]
    pub struct NetMessageNewsEulaRequest {
        pub language_extension: Text7,
    }

    /// `NetMessageNewsEulaResponse`.
    ///
    /// Carried by RT_MSG_CLIENT_APP_TO_PLUGIN / RT_MSG_SERVER_PLUGIN_TO_APP, not by the APP messages; id is
    /// a 32-bit big-endian number there (see messages.md).
    ///
    /// Uncertain: Width of Timestamp: one source reads 4 bytes and writes 8.
    ///
    /// Known from one public server only.
    #[message(0x23f, both)]
    pub struct NetMessageNewsEulaResponse {
        pub finished: u8,
        #[pad(3)]
        pub content_type: u8,
        pub content: Text7,
        pub timestamp: u32,
    }
}
