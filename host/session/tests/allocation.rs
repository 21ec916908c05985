//! The relay's way through a session allocates nothing: counted by an allocator that counts.

#![allow(clippy::unwrap_used, reason = "tests: clippy.toml lets test functions do so, but not their helpers")]

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use medley_crypto::{Context, FanOut, KeyStore};
use medley_session::*;
use medley_wire::AppId;

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;

mod counting {
    #![allow(unsafe_code, reason = "a global allocator can be had in no other way")]

    use std::alloc::{GlobalAlloc, Layout, System};
    use std::cell::Cell;

    thread_local! {
        static COUNT: Cell<usize> = const { Cell::new(0) };
    }

    /// Allocations of this thread so far.
    pub(crate) fn count() -> usize {
        COUNT.get()
    }

    /// The system's allocator, counted by thread.
    pub(crate) struct Counting;

    // SAFETY: everything is handed to the system's allocator unchanged; the counter is a thread-local cell that is
    // initialised at compile time, so touching it allocates nothing.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            COUNT.set(COUNT.get() + 1);
            // SAFETY: the caller's promises are passed on.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
            // SAFETY: the pointer came from `alloc` above, so from the system.
            unsafe { System.dealloc(pointer, layout) }
        }

        unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            COUNT.set(COUNT.get() + 1);
            // SAFETY: as in `dealloc`.
            unsafe { System.realloc(pointer, layout, size) }
        }
    }
}

const PEER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(24, 214, 45, 115), 6981);

/// An enciphered DME connection with aux UDP, complete.
fn player(index: u16) -> (ClientSession, ServerSession) {
    let store = KeyStore::embedded().unwrap();
    let now = Time::ZERO;
    let global = store.pair("medius_global").unwrap().pair.public().clone();
    let own = Arc::new(store.pair("client_dl_ps2_ntsc").unwrap().pair.clone());
    let config = ClientConfig::new(110, AppId(11184), ServerKind::Dme).with_keys(own, global).redirected(
        3,
        b"13088",
        b"XiiFHEibnt2n4t+0",
    );
    let mut client = ClientSession::new(Arc::new(config), [1; 32], now).unwrap();
    let config = Arc::new(ServerConfig::with_medius_global(ServerKind::Dme).unwrap());
    let mut server = ServerSession::new(config, Arc::new(Usual), *PEER.ip(), [index as u8; 32], now);
    while !(client.state() == State::Ready && server.state() == State::Ready) {
        let mut c2s = client.take_output();
        server
            .receive(now, &mut c2s, |server, event| match event {
                Event::Connect(_) => {
                    let accept = Accept { player_id: index, udp: Some(PEER), ..Default::default() };
                    server.accept(accept, now).unwrap();
                }
                Event::AuxUdpReady => server.complete(1, now).unwrap(),
                _ => {}
            })
            .unwrap();
        client.receive(now, &mut server.take_output(), |_, _| {}).unwrap();
        if let Some(datagrams) = client.datagrams() {
            for datagram in datagrams.iter() {
                server.receive_datagram(now, &mut datagram.to_vec(), |server, _| {
                    server.accept_aux_udp(PEER).unwrap();
                });
            }
            datagrams.clear();
        }
        if let Some(datagrams) = server.datagrams() {
            for datagram in datagrams.iter() {
                client.receive_datagram(now, &mut datagram.to_vec(), |_, _| {});
            }
            datagrams.clear();
        }
    }
    (client, server)
}

#[test]
fn a_relayed_message_to_seven_players_allocates_nothing() {
    let now = Time::ZERO;
    let (mut client, mut source) = player(0);
    let mut others: Vec<ServerSession> = (1..8).map(|index| player(index).1).collect();
    for transport in [Transport::Tcp, Transport::Udp] {
        client.broadcast(transport, Cover::Enciphered, &[7; 64]).unwrap();
        let bytes = match transport {
            Transport::Tcp => client.take_output(),
            Transport::Udp => client.datagrams().unwrap().iter().next().unwrap().to_vec(),
        };
        let mut relayed = 0;
        for round in 0..10 {
            let mut bytes = bytes.clone();
            let before = counting::count();
            let mut relay = |session: &mut ServerSession, event: Event<'_>| {
                let Event::Relay(relay) = event else { return };
                let fan_out = FanOut::new(session.suite(), Context::RC_CLIENT_SESSION, relay.payload);
                let slots = others.iter_mut().filter_map(|other| {
                    other.relay_slot(transport, 0, fan_out.hash(), relay.payload.len()).ok().flatten()
                });
                fan_out.encrypt_for_many(slots).unwrap();
                relayed += 1;
            };
            match transport {
                Transport::Tcp => source.receive(now, &mut bytes, &mut relay).unwrap(),
                Transport::Udp => source.receive_datagram(now, &mut bytes, &mut relay),
            }
            let allocated = counting::count() - before;
            // The first round makes the output buffers, which stay.
            assert!(allocated == 0 || round == 0, "{transport:?} round {round}: {allocated} allocations");
            for other in &mut others {
                match transport {
                    Transport::Tcp => {
                        assert_eq!(other.output().len(), 73);
                        other.output().clear();
                    }
                    Transport::Udp => {
                        assert_eq!(other.datagrams().unwrap().len(), 73);
                        other.datagrams().unwrap().clear();
                    }
                }
            }
        }
        assert_eq!(relayed, 10);
    }
}

#[test]
fn an_echo_is_answered_without_an_allocation() {
    let (mut client, mut server) = player(0);
    client.echo(Transport::Tcp, Time::ZERO).unwrap();
    let bytes = client.take_output();
    for round in 0..3 {
        let mut bytes = bytes.clone();
        let before = counting::count();
        server.receive(Time::ZERO, &mut bytes, |_, _| {}).unwrap();
        assert!(counting::count() == before || round == 0);
        assert_eq!(server.output().len(), 8);
        server.output().clear();
    }
}
