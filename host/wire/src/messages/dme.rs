//! DME (class 0): what in-game clients and the relay say to each other, and fragments.

use crate::messages::structures::RsaKey;
use crate::types::{Blob, Flag, Ipv4, Text, VarBytes};

medley_wire_derive::messages! {
    class DME, prefix "Medius", list dme_messages, module dme;

    /// `DmeServerVersion`, id table name `ServerVersion`.
    ///
    /// Evidence: captured from the original servers: 1.08, above 1.08 (app 11184).
    #[message(0x00, server_to_client)]
    pub struct DmeServerVersion {
        pub version: Text<16>,
    }

    /// `DmePing`, id table name `Ping`.
    ///
    /// Known from one public server only.
    #[message(0x01, both)]
    #[pad_end(2)]
    pub struct DmePing {
        pub time_of_send: u32,
        pub ping_instance: u8,
        pub request_echo: Flag,
    }

    /// `DmePacketFragment`, id table name `PacketFragment`.
    ///
    /// Fragments of one long APP message. FragmentMessageClass and FragmentMessageType are those of the
    /// message, the payloads joined in order are its body. The original servers put at most 488 bytes in a
    /// fragment (510-byte APP payload); the sources use 484.
    ///
    /// Evidence: captured from the original servers: above 1.08 (app 11184).
    #[message(0x02, both)]
    pub struct DmePacketFragment {
        pub fragment_message_class: u8,
        pub fragment_message_type: u8,
        pub sub_packet_size: u16,
        pub sub_packet_count: u16,
        pub sub_packet_index: u16,
        pub multi_packetindex: u8,
        #[pad(3)]
        pub packet_buffer_size: i32,
        pub packet_buffer_offset: i32,
        #[width(sub_packet_size)]
        pub payload: VarBytes,
    }

    /// `DmeDataStreamEnd`, id table name `DataStreamEnd`.
    ///
    /// Known from one public server only.
    #[message(0x05, both)]
    pub struct DmeDataStreamEnd {
        pub channel: u8,
    }

    /// `DmeAcceptClient`, id table name `AcceptClient`.
    ///
    /// Uncertain: The source has 4 bytes (two i16: NetObjectBufferStart, NetDataStreamStart). In 1.08
    /// traffic 8 bytes fit: a millisecond clock and 6.
    ///
    /// Known from one public server only.
    #[message(0x09, both)]
    pub struct DmeAcceptClient {
        pub time: u32,
        pub unknown04: u32,
    }

    /// `DmeClientUpdate`, id table name `ClientUpdate`.
    ///
    /// Uncertain: Only one source, which has 44 bytes (Name 24). 1.08 and 1.10 traffic has 36: the name
    /// field is 12 bytes, a u16 follows it, and the fields between do not fit the names given here. The
    /// relay need not read it.
    ///
    /// Known from one public server only.
    #[message(0x0f, both)]
    pub struct DmeClientUpdate {
        pub source_client_index: u8,
        pub source_connection_index: u8,
        pub client_object_index: i16,
        pub net_object_buffer_start: i16,
        pub net_object_buffer_count: i16,
        pub net_data_stream_start: i16,
        pub net_data_stream_count: i16,
        pub connect_time: u32,
        pub unused: Blob<4>,
        pub name: Text<24>,
    }

    /// `DmeClientConnect`, id table name `ClientConnect`.
    ///
    /// Sent by the clients to each other inside relayed payloads. MultiServer3 puts two pad bytes before
    /// PlayerIp: wrong by capture. Key is the sender's RSA modulus.
    ///
    /// Evidence: captured between original clients: 1.08.
    #[message(0x10, both)]
    pub struct DmeClientConnect {
        pub connection_index: u8,
        pub connected_client_index: u8,
        #[name("PlayerIp")]
        pub player_ip: Ipv4,
        #[pad(2)]
        pub key: RsaKey,
    }

    /// `DmeClientLeaves`, id table name `ClientLeaves`.
    ///
    /// Known from one public server only.
    #[message(0x12, both)]
    pub struct DmeClientLeaves {
        pub client_index: u8,
    }

    /// `DmeServerResponse`, id table name `ServerResponse`.
    ///
    /// Uncertain: Only one source has it and its reader and writer disagree on the width of Port.
    ///
    /// Known from one public server only.
    #[message(0x14, both)]
    pub struct DmeServerResponse {
        pub port: u32,
        pub ip_address: Ipv4,
    }

    /// `DmeUpdateClientStatus`, id table name `UpdateClientStatus`.
    ///
    /// Between clients, inside relayed payloads; 16 bytes in 1.08 captures (one source has 19, packed).
    /// Unknown02 was 3 in all.
    ///
    /// Evidence: captured between original clients: 1.08.
    #[message(0x16, both)]
    pub struct DmeUpdateClientStatus {
        pub client_status: u8,
        pub client_index: u8,
        pub unknown02: u16,
        pub unknown04: u16,
        pub unknown06: u16,
        pub unknown08: u16,
        pub unknown0_a: u16,
        pub unknown0_c: u16,
        pub unknown0_e: u16,
    }

    /// `DmeSMMigrateOrder`, id table name `SMMigrateOrder`.
    ///
    /// Uncertain: Only one source; it writes 8 bytes and reads 4. 4 is the width of the SDK type.
    ///
    /// Known from one public server only.
    #[message(0x17, both)]
    pub struct DmeSMMigrateOrder {
        pub migrate_order: u32,
    }
}
