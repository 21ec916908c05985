//! MAPS, MMS, MUCG and BWPS (servers.md 12).

use std::net::SocketAddr;

use medley_server::Event;
use medley_session::ServerKind;
use medley_titles::HostConfig;
use medley_wire::AnyMessage;
use medley_wire::messages::*;
use medley_wire::types::{BigEndian, Blob};
use tokio::net::UdpSocket;

use crate::kit::*;

async fn host() -> Host {
    let mut config = HostConfig::ephemeral();
    config.listen.maps = vec![0];
    config.listen.mms = vec![0];
    config.listen.mucg = vec![0, 0];
    config.listen.bwps = vec![0];
    config.limits.nat_per_second = 2;
    Host::with(config, titles(&[])).await
}

async fn at(address: SocketAddr) -> Console {
    let mut console = Console::dial_at(address, config(DEADLOCKED_HD, ServerKind::Muis)).await;
    assert!(console.handshake().await, "not connected");
    console
}

#[tokio::test]
async fn a_title_gets_past_its_start_up_at_maps() {
    let host = host().await;
    let mut maps = at(host.handle.bound().maps[0]).await;
    let mut ask = async |id: u32, body: &[u8]| {
        maps.send_plugin(id, body.to_vec()).await;
        maps.next().await
    };
    let info = NetMessageProtocolInfo { protocol_info: BigEndian(1725), build_number: BigEndian(0) };
    assert_eq!(ask(NetMessageHello::INFO.id, &[]).await, Seen::Plugin(31, 8, info.into()));
    let hello = NetMessageMAPSHello {
        success: true.into(),
        is_online: true.into(),
        available_factions: Blob([7, 0, 0]),
    };
    let Seen::Plugin(31, _, said) = ask(NetMessageProtocolInfo::INFO.id, &[0, 0, 7, 0xa6, 0, 0, 0, 0]).await
    else {
        panic!("no hello")
    };
    assert_eq!(said, hello.into());
    let Seen::Plugin(31, _, said) = ask(NetMessageNewsEulaRequest::INFO.id, &[2, b'e', b'n']).await else {
        panic!("no news")
    };
    let AnyMessage::NetMessageNewsEulaResponse(news) = said else { panic!("{said:?}") };
    assert_eq!((news.finished, news.content), (1, Default::default()));
    let Seen::Plugin(31, _, said) = ask(NetMessageAccountLogoutRequest::INFO.id, &[]).await else {
        panic!("no farewell")
    };
    assert_eq!(said, NetMessageAccountLogoutResponse { success: true.into() }.into());
    assert_eq!(host.handle.count(Event::AcceptedMaps), 1);
}

#[tokio::test]
async fn plugin_messages_that_are_unknown_broken_or_out_of_place_are_survived() {
    let host = host().await;
    let mut maps = at(host.handle.bound().maps[0]).await;
    for (id, body) in [(0x7fff_ffff, &b"?"[..]), (0x02, &[1]), (0x33, &[1, 1, 0, 0, 7, 0, 0]), (0x23e, &[9])]
    {
        maps.send_plugin(id, body.to_vec()).await;
    }
    maps.send_plugin(0x01, Vec::new()).await;
    assert!(matches!(maps.next().await, Seen::Plugin(31, 8, AnyMessage::NetMessageProtocolInfo(_))));
    host.counted(Event::ErrorUnknownMessage, 1).await;
    host.counted(Event::ErrorUndecodable, 2).await;
    let mut mas = Console::connect(&host, DEADLOCKED_HD, ServerKind::Mas).await;
    mas.send_plugin(0x01, Vec::new()).await;
    host.counted(Event::ErrorWrongServer, 1).await;
}

#[tokio::test]
async fn the_doors_of_mms_and_mucg_take_connections() {
    let host = host().await;
    let bound = host.handle.bound();
    let _mms = at(bound.mms[0]).await;
    for address in &bound.mucg {
        let mut mucg = at(*address).await;
        mucg.send_payload(&[0x05, 0x01, 1, 2, 3]).await;
    }
    host.counted(Event::ErrorUnknownMessage, 2).await;
    assert_eq!((host.handle.count(Event::AcceptedMms), host.handle.count(Event::AcceptedMucg)), (1, 2));
}

#[tokio::test]
async fn a_bandwidth_probe_is_answered_three_times_and_no_faster_than_is_allowed() {
    let host = host().await;
    let socket = UdpSocket::bind((LOOPBACK, 0)).await.unwrap();
    socket.connect(host.handle.bound().bwps[0]).await.unwrap();
    let mut buffer = [0; 64];
    socket.send(&[9, 8, 7, 6, 0, 0]).await.unwrap();
    for _ in 0..3 {
        let length = socket.recv(&mut buffer).await.unwrap();
        assert_eq!(buffer[..length], [9, 8, 7, 6, 0xe3, 0xe4, 0, 0]);
    }
    socket.send(&[1; 18]).await.unwrap();
    for _ in 0..3 {
        assert_eq!(socket.recv(&mut buffer).await.unwrap(), 18);
    }
    socket.send(&[1; 7]).await.unwrap();
    host.counted(Event::BandwidthIgnored, 1).await;
    for _ in 0..10 {
        socket.send(&[1; 18]).await.unwrap();
    }
    host.counted(Event::BandwidthLimited, 1).await;
}
