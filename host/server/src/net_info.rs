//! NetConnectionInfo: where a client goes next. The one place that builds it.
//!
//! Sony's slots (servers.md 2): at login slot 0 is the lobby, slot 1 the NAT service (type 3, from 1.12 on type 8 with
//! two binary addresses); on joining a channel or a game slot 1 is unused. The ServerKey is the next server's modulus,
//! or zeros where the next connection is to be clear.

use std::net::Ipv4Addr;

use medley_titles::Cipher;
use medley_universe::{AccessKey, GameJoined};
use medley_wire::enums::{NetAddressType, NetConnectionType};
use medley_wire::messages::{NetAddress, NetAddressList, NetConnectionInfo, RsaKey};
use medley_wire::types::{NetWorldId, Text};

use crate::context::{Context, Refusal};
use crate::mgcl::relay_connection;

/// First Medius version that takes both NAT addresses in binary (`dl_ps3_full_session`, line 17).
const BINARY_NAT_FROM: u16 = 112;

impl Context {
    /// The way to the lobby after a login: MLS and the NAT service.
    pub fn login_info(&self, net_world: u16, access_key: &AccessKey) -> NetConnectionInfo {
        let port = self.shared.bound().map_or(0, |bound| bound.nat.port());
        let ip = self.shared.config().nat_address_for(self.local);
        let nat = if self.dialect.medius_version >= BINARY_NAT_FROM {
            NetAddress::nat_services(ip, ip, port)
        } else {
            NetAddress::text(NetAddressType::NAT_SERVICE, ip, port)
        };
        self.lobby_info(nat, net_world, access_key)
    }

    /// The way to another channel: MLS again.
    pub fn channel_info(&self, net_world: u16, access_key: &AccessKey) -> NetConnectionInfo {
        self.lobby_info(NetAddress::UNUSED, net_world, access_key)
    }

    /// The way to MPS, for a game server.
    pub fn mps_info(&self, access_key: &AccessKey) -> NetConnectionInfo {
        let bound = self.shared.bound();
        let ip = self.told_address();
        NetConnectionInfo {
            connection_type: NetConnectionType::CLIENT_SERVER_TCP,
            address_list: NetAddressList {
                address_list: [
                    NetAddress::text(NetAddressType::EXTERNAL, ip, bound.map_or(0, |bound| bound.mps.port())),
                    NetAddress::text(
                        NetAddressType::NAT_SERVICE,
                        self.shared.config().nat_address_for(self.local),
                        bound.map_or(0, |bound| bound.nat.port()),
                    ),
                ],
            },
            // The world of MUIS, MAS and MPS is 1.
            world_id: NetWorldId(1),
            server_key: self.server_key(Cipher::Enciphered),
            session_key: self.session_key_text(),
            access_key: Text::new(access_key.as_bytes()),
        }
    }

    /// The way into a game: the relay or hosting console that carries it.
    pub async fn game_info(&self, joined: &GameJoined) -> Result<NetConnectionInfo, Refusal> {
        let (connection_type, address_list) = if let Some(addresses) = joined.addresses {
            (NetConnectionType::PEER_TO_PEER_UDP, addresses.map(NetAddress::from))
        } else {
            let server = joined.server;
            let address =
                self.title().ask(move |state| state.game_server(server).map(|server| server.address));
            let address = NetAddress::from(address.await?.ok_or(Refusal::Default)?);
            // A relay on this machine is reached as we are.
            let elsewhere =
                address.ip().filter(|ip| !ip.is_loopback() && !ip.is_unspecified() && *ip != self.local);
            let ip = elsewhere.unwrap_or_else(|| self.shared.config().relay_address_for(self.local));
            let port = u16::try_from(address.port).unwrap_or(0);
            let slots = [NetAddress::text(NetAddressType::EXTERNAL, ip, port), NetAddress::UNUSED];
            (relay_connection(&self.app(), Some(joined.host_type)), slots)
        };
        let server_key = <[u8; 64]>::try_from(joined.server_key.as_slice());
        Ok(NetConnectionInfo {
            connection_type,
            address_list: NetAddressList { address_list },
            world_id: NetWorldId(joined.dme_world),
            server_key: server_key.map_or_else(|_| RsaKey::default(), |key| RsaKey::from_wire(&key)),
            session_key: self.session_key_text(),
            access_key: Text::new(joined.access_key.as_bytes()),
        })
    }

    /// The address of our servers, as this client can reach it.
    pub fn told_address(&self) -> Ipv4Addr {
        self.shared.config().address_for(self.local)
    }

    fn lobby_info(&self, second: NetAddress, net_world: u16, access_key: &AccessKey) -> NetConnectionInfo {
        let port = self.shared.bound().map_or(0, |bound| bound.mls.port());
        let encryption = self.app().app().encryption(&self.shared.config().encryption);
        NetConnectionInfo {
            connection_type: NetConnectionType::CLIENT_SERVER_TCP,
            address_list: NetAddressList {
                address_list: [NetAddress::text(NetAddressType::EXTERNAL, self.told_address(), port), second],
            },
            world_id: NetWorldId(net_world.into()),
            server_key: self.server_key(encryption.mls),
            session_key: self.session_key_text(),
            access_key: Text::new(access_key.as_bytes()),
        }
    }

    /// Our modulus; zeros where the title is clear, or the client itself came without a key exchange.
    fn server_key(&self, cipher: Cipher) -> RsaKey {
        let modulus = match cipher {
            Cipher::Enciphered if self.enciphered => self.shared.server_modulus(&self.app()),
            _ => None,
        };
        modulus.map_or_else(RsaKey::default, |modulus| RsaKey::from_wire(&modulus))
    }
}
