//! Structures that several messages share.

use core::net::Ipv4Addr;

use serde_json::Value;

use crate::codec::{DecodeError, Dialect, Empty, IgnoredBytes, Reader, Wire, Writer};
use crate::enums::{CallbackStatus, NetAddressType, NetConnectionType, PlayerStatus};
use crate::json::{self, JsonError, JsonView};
use crate::types::{Blob, Ipv4, MediusWorldId, MessageId, NetWorldId, Text, VarText};

medley_wire_derive::messages! {
    structures;

    /// `LengthPrefixedName`.
    pub struct LengthPrefixedName {
        pub length: u8,
        #[width(length)]
        pub name: VarText,
    }

    /// `MediusFile`.
    pub struct File {
        pub file_name: Text<128>,
        pub server_checksum: Blob<16>,
        pub file_id: u32,
        pub file_size: u32,
        pub creation_time_stamp: u32,
        pub owner_id: u32,
        pub group_id: u32,
        #[name("OwnerPermissionRWX")]
        pub owner_permission_rwx: u16,
        #[name("GroupPermissionRWX")]
        pub group_permission_rwx: u16,
        #[name("GlobalPermissionRWX")]
        pub global_permission_rwx: u16,
        pub server_operation_id: u16,
    }

    /// `MediusFileAttributes`.
    pub struct FileAttributes {
        pub description: Blob<256>,
        pub last_changed_time_stamp: u32,
        pub last_changed_by_user_id: u32,
        pub number_accesses: u32,
        pub streamable_flag: u32,
        pub streaming_data_rate: u32,
    }

    /// `MediusFileMetaData`.
    pub struct FileMetaData {
        pub key: Text<56>,
        pub value: Text<256>,
    }

    /// `MediusGenericChatFilter`.
    pub struct GenericChatFilter {
        pub generic_chat_filter_bitfield: Blob<16>,
    }

    /// `MediusPlayerOnlineState`.
    pub struct PlayerOnlineState {
        pub connect_status: PlayerStatus,
        pub medius_lobby_world_id: MediusWorldId,
        pub medius_game_world_id: MediusWorldId,
        pub lobby_name: Text<64>,
        pub game_name: Text<64>,
    }

    /// `MediusStatusResponse`.
    pub struct StatusResponse {
        pub message_id: MessageId,
        #[pad(3)]
        pub status_code: CallbackStatus,
    }

    /// `NetAddressList`.
    pub struct NetAddressList {
        pub address_list: [NetAddress; 2],
    }

    /// `NetConnectionInfo`.
    ///
    /// 156 bytes in every version; the two closing pad bytes are present in 1.08 traffic of the original
    /// servers.
    #[pad_end(2)]
    pub struct NetConnectionInfo {
        #[name("Type")]
        pub connection_type: NetConnectionType,
        pub address_list: NetAddressList,
        /// The world to name in the CONNECT to these addresses.
        pub world_id: NetWorldId,
        pub server_key: RsaKey,
        pub session_key: Text<17>,
        pub access_key: Text<17>,
    }

    /// `RSA_KEY`.
    pub struct RsaKey {
        #[name("key")]
        pub key: [u32; 16],
    }
}

impl RsaKey {
    /// The key whose modulus is `modulus`, little-endian as it travels.
    pub fn from_wire(modulus: &[u8; 64]) -> Self {
        let mut key = [0; 16];
        for (word, bytes) in key.iter_mut().zip(modulus.chunks_exact(4)) {
            *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        Self { key }
    }

    /// The modulus, little-endian as it travels.
    pub fn to_wire(&self) -> [u8; 64] {
        let mut modulus = [0; 64];
        for (bytes, word) in modulus.chunks_exact_mut(4).zip(self.key) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        modulus
    }

    /// All zero: the connection to that server is clear.
    pub fn is_zero(&self) -> bool {
        self.key == [0; 16]
    }
}

impl LengthPrefixedName {
    /// A name with its length; cut at 255 bytes.
    pub fn new(name: impl AsRef<[u8]>) -> Self {
        let name = name.as_ref();
        let name = &name[..name.len().min(255)];
        Self { length: name.len() as u8, name: VarText::new(name) }
    }
}

/// `NetAddress`: 24 bytes in every version and for every type.
///
/// Types 0 to 3 carry dotted text, 4 and 5 a binary address and a port, 6 and 7 a binary address and a virtual port,
/// 8 to 10 opaque bytes and a port; a type beyond those keeps its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetAddress {
    /// What the address is.
    pub address_type: NetAddressType,
    /// The address field as it travels.
    pub address: [u8; 16],
    /// The port field as it travels; Sony writes 0xffff_ffff into unused slots.
    pub port: u32,
}

impl NetAddress {
    /// An unused slot as Sony's servers send it: type 0, no text, port 0xffff_ffff (capture `dl_ps2_full_session`, line 262).
    pub const UNUSED: Self = Self { address_type: NetAddressType(0), address: [0; 16], port: 0xffff_ffff };

    /// A dotted text address of type `address_type`.
    pub fn text(address_type: NetAddressType, ip: Ipv4Addr, port: u16) -> Self {
        let text = Text::<16>::new(ip.to_string());
        let mut address = [0; 16];
        address[..text.as_bytes().len()].copy_from_slice(text.as_bytes());
        Self { address_type, address, port: port.into() }
    }

    /// `MediusNetAddressTypeBinaryNATServices`: both addresses of the NAT service, for PS3 titles.
    pub fn nat_services(first: Ipv4Addr, second: Ipv4Addr, port: u16) -> Self {
        let mut address = [0; 16];
        address[..4].copy_from_slice(&first.octets());
        address[4..8].copy_from_slice(&second.octets());
        Self { address_type: NetAddressType::BINARY_NAT_SERVICES, address, port: port.into() }
    }

    /// The IPv4 address, text or binary, if there is one.
    pub fn ip(&self) -> Option<Ipv4Addr> {
        match self.address_type.0 {
            0..=3 => Text::<16>::full(self.address).to_string_lossy().parse().ok(),
            4..=8 => Some(Ipv4Addr::new(self.address[0], self.address[1], self.address[2], self.address[3])),
            _ => None,
        }
    }
}

impl Default for NetAddress {
    fn default() -> Self {
        Self { address_type: NetAddressType(0), address: [0; 16], port: 0 }
    }
}

impl Empty for NetAddress {
    fn empty() -> Self {
        Self::default()
    }
}

impl Wire for NetAddress {
    fn decode(r: &mut Reader<'_>, d: &Dialect) -> Result<Self, DecodeError> {
        let address_type = NetAddressType::decode(r, d)?;
        let start = r.position();
        let mut address: [u8; 16] = r.array()?;
        let mut port = u32::decode(r, d)?;
        match address_type.0 {
            0..=3 => {
                let text = address.iter().position(|byte| *byte == 0).unwrap_or(16);
                address[text..].fill(0);
                r.ignored(IgnoredBytes::BehindNul, (start + text + 1).min(start + 16)..start + 16);
            }
            4..=7 => {
                address[4..].fill(0);
                r.ignored(IgnoredBytes::Pad, start + 4..start + 16);
                if address_type.0 >= 6 {
                    port &= 0xffff;
                    r.ignored(IgnoredBytes::Pad, start + 18..start + 20);
                }
            }
            _ => {}
        }
        Ok(Self { address_type, address, port })
    }

    fn encode(&self, w: &mut Writer, d: &Dialect) {
        self.address_type.encode(w, d);
        w.put(&self.address);
        self.port.encode(w, d);
    }
}

impl JsonView for NetAddress {
    fn to_json(&self) -> Option<Value> {
        let mut object = serde_json::Map::new();
        json::put(&mut object, "AddressType", &self.address_type);
        let binary = Ipv4(Ipv4Addr::new(self.address[0], self.address[1], self.address[2], self.address[3]));
        match self.address_type.0 {
            0..=3 => {
                json::put(&mut object, "Address", &Text::<16>::full(self.address));
                json::put(&mut object, "Port", &self.port);
            }
            4 | 5 => {
                json::put(&mut object, "BinaryIP", &binary);
                json::put(&mut object, "Port", &self.port);
            }
            6 | 7 => {
                json::put(&mut object, "BinaryIP", &binary);
                json::put(&mut object, "BinaryPort", &(self.port as u16));
            }
            _ => {
                json::put(&mut object, "AddressBytes", &Blob(self.address));
                json::put(&mut object, "Port", &self.port);
            }
        }
        Some(Value::Object(object))
    }

    fn from_json(value: Option<Value>) -> Result<Self, JsonError> {
        let mut object = json::object(value)?;
        let address_type: NetAddressType = json::take(&mut object, "AddressType")?;
        let mut address = [0; 16];
        let port = match address_type.0 {
            0..=3 => {
                let text: Text<16> = json::take(&mut object, "Address")?;
                address[..text.as_bytes().len()].copy_from_slice(text.as_bytes());
                json::take(&mut object, "Port")?
            }
            4..=7 => {
                let ip: Ipv4 = json::take(&mut object, "BinaryIP")?;
                address[..4].copy_from_slice(&ip.0.octets());
                if address_type.0 < 6 {
                    json::take(&mut object, "Port")?
                } else {
                    json::take::<u16>(&mut object, "BinaryPort")?.into()
                }
            }
            _ => {
                address = json::take::<Blob<16>>(&mut object, "AddressBytes")?.0;
                json::take(&mut object, "Port")?
            }
        };
        json::nothing_left(object)?;
        Ok(Self { address_type, address, port })
    }
}
