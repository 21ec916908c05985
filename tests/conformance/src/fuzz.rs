//! The bodies of the fuzz targets. Each takes any bytes, panics only on a defect, and is run on every committed seed
//! by the stable tests too.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Arc, OnceLock};

use medley_crypto::{Hash, Suite, SymmetricKey};
use medley_session::{
    Accept, ClientConfig, ClientSession, Event, ServerConfig, ServerKind, ServerSession, State, Time, Usual,
};
use medley_wire::fragment::Reassembly;
use medley_wire::frame::{FrameBuffer, FrameTooLong, Header, split_datagram};
use medley_wire::messages::AnyMessage;
use medley_wire::{AppId, Dialect, RtId, RtMessage};

/// The dialects that differ in layouts: versions and titles with exceptions of their own.
pub const DIALECTS: [Dialect; 8] = [
    Dialect::new(108, AppId(10684)),
    Dialect::new(108, AppId(10694)),
    Dialect::new(109, AppId(10994)),
    Dialect::new(110, AppId(11184)),
    Dialect::new(112, AppId(20464)),
    Dialect::new(113, AppId(24180)),
    Dialect::new(113, AppId(21564)),
    Dialect::new(113, AppId(21834)),
];

/// Bytes of a TCP stream or a datagram: cut, rewritten, deciphered.
///
/// # Panics
/// A cut stream gives other frames than the whole one, a frame does not come back as it was, or a body is not
/// restored by a key that does not fit.
pub fn frame(data: &[u8]) {
    let mut whole = Vec::new();
    let result = feed(&mut FrameBuffer::new(), data, &mut whole);

    // The same stream in reads of a size that the input chooses.
    let size = usize::from(data.first().copied().unwrap_or(0) % 23) + 1;
    let mut pieces = Vec::new();
    let mut buffer = FrameBuffer::new();
    let mut pieces_result = Ok(());
    for piece in data.chunks(size) {
        pieces_result = feed(&mut buffer, piece, &mut pieces);
        if pieces_result.is_err() {
            break;
        }
    }
    assert_eq!(result, pieces_result, "whole and cut streams end alike");
    assert_eq!(whole, pieces, "whole and cut streams give the same frames");

    let mut datagram = Vec::new();
    let mut copy = data.to_vec();
    let _: Result<(), ()> = split_datagram(&mut copy, |_, frame| {
        datagram.push(frame.to_vec());
        Ok(())
    });
    assert_eq!(whole, datagram, "a datagram gives the frames that a stream gives");

    let key = SymmetricKey::new([0x42; 64]);
    for frame in &whole {
        let Ok(Some(header)) = Header::parse(frame) else { panic!("a frame that came out has a header") };
        let body = &frame[header.body..];
        let mut written = Vec::new();
        Header::write(header.id, header.hash, body.len(), &mut written);
        written.extend_from_slice(body);
        if !body.is_empty() {
            assert_eq!(&written, frame, "a frame is written as it was read");
        }
        let Some(hash) = header.hash.map(Hash) else { continue };
        for suite in [Suite::Ps2, Suite::Ps3] {
            let mut opened = body.to_vec();
            if suite.decrypt_in_place(&key, hash, &mut opened).is_err() {
                assert_eq!(opened, body, "a wrong key leaves the body as it was");
            }
            let mut sealed = body.to_vec();
            let hash = suite.encrypt_in_place(&key, hash.context(), &mut sealed);
            assert_eq!(suite.decrypt_in_place(&key, hash, &mut sealed), Ok(()));
            assert_eq!(sealed, body, "what was sealed opens");
        }
    }
}

fn feed(buffer: &mut FrameBuffer, data: &[u8], out: &mut Vec<Vec<u8>>) -> Result<(), FrameTooLong> {
    buffer.feed(&mut data.to_vec(), |_, frame: &mut [u8]| {
        out.push(frame.to_vec());
        Ok(())
    })
}

/// One message: the first byte chooses the dialect, the second the RT id, the rest is the body. Bodies of SERVER_APP
/// and CLIENT_APP_TOSERVER are decoded further, fragments put together.
///
/// # Panics
/// A decoded message does not encode to something that decodes to the same bytes again, or its JSON view loses
/// something.
pub fn message(data: &[u8]) {
    let [dialect, id, body @ ..] = data else { return };
    let d = &DIALECTS[usize::from(*dialect) % DIALECTS.len()];
    rt_message(RtId(id & 0x7f), body, d, 0);
}

/// Decodes one RT message and everything inside it, and checks that encoding is stable.
///
/// # Panics
/// As [`message`].
pub fn rt_message(id: RtId, body: &[u8], d: &Dialect, depth: usize) {
    let Ok(message) = RtMessage::decode(id, body, d) else {
        assert!(
            RtMessage::decode_traced(id, body, d).is_err(),
            "{id}: tracing decodes as plain decoding does"
        );
        return;
    };
    let encoded = message.to_body(d);
    match RtMessage::decode(id, &encoded, d) {
        Ok(again) => assert_eq!(again.to_body(d), encoded, "{id}: encoding is stable"),
        Err(error) => panic!("{id}: its own encoding does not decode: {error}"),
    }
    match RtMessage::from_json(id, message.to_json()) {
        Ok(again) => assert_eq!(again.to_body(d), encoded, "{id}: the JSON view loses nothing"),
        Err(error) => panic!("{id}: its own JSON view does not parse: {error}"),
    }
    match message {
        RtMessage::ServerApp(app) | RtMessage::ClientAppToServer(app) => app_message(&app.payload.0, d),
        RtMessage::ClientMultiAppToServer(all) | RtMessage::ServerMultiAppToClient(all) if depth == 0 => {
            for inner in all.messages {
                rt_message(RtId(inner.id & 0x7f), &inner.body.0, d, 1);
            }
        }
        _ => {}
    }
}

/// Decodes one application message and checks that encoding is stable.
///
/// # Panics
/// As [`message`].
pub fn app_message(payload: &[u8], d: &Dialect) {
    let Ok(message) = AnyMessage::decode(payload, d) else { return };
    let name = message.name();
    let encoded = message.encode(d);
    match AnyMessage::decode(&encoded, d) {
        Ok(again) => assert_eq!(again.encode(d), encoded, "{name}: encoding is stable"),
        Err(error) => panic!("{name}: its own encoding does not decode: {error}"),
    }
    if message.info().is_some() {
        match AnyMessage::from_json(name, message.to_json()) {
            Ok(again) => assert_eq!(again.encode(d), encoded, "{name}: the JSON view loses nothing"),
            Err(error) => panic!("{name}: its own JSON view does not parse: {error}"),
        }
    }
    if let AnyMessage::DmePacketFragment(fragment) = message {
        let mut reassembly = Reassembly::default();
        // One piece alone is a whole message if it says so.
        if let Ok(Some(whole)) = reassembly.push(&fragment) {
            assert_eq!(whole.len(), fragment.payload.0.len() + 2, "the whole is its one piece");
        }
    }
}

/// Most that a session may hold for its peer: a frame that is not whole, frames ahead of their time and a fragmented
/// message, each in a vector that may have grown to twice that.
const SESSION_HEAP: usize = 0x40000;

/// A whole connection. The first byte chooses the kind of server (and the client's dialect); then come steps of an
/// operation byte, a length (u16) and that many bytes: 0 TCP bytes, 1 a datagram, 2 time that passes (the length, in
/// milliseconds; no bytes), 3 bytes for a client session instead.
///
/// # Panics
/// A session holds more than it may, or writes something that is no run of whole frames.
pub fn session(data: &[u8]) {
    static CONFIGS: OnceLock<Vec<Arc<ServerConfig>>> = OnceLock::new();
    let Some((first, mut steps)) = data.split_first() else { return };
    let kinds = [ServerKind::Muis, ServerKind::Mas, ServerKind::Mls, ServerKind::Mps, ServerKind::Dme];
    let configs = CONFIGS.get_or_init(|| {
        let configs = kinds.iter().filter_map(|kind| ServerConfig::with_medius_global(*kind).ok());
        configs.map(Arc::new).collect()
    });
    let Some(config) = configs.get(usize::from(*first) % kinds.len()) else { return };
    let d = DIALECTS[usize::from(first / 8) % DIALECTS.len()];
    let mut now = Time::ZERO;
    let mut server =
        ServerSession::new(Arc::clone(config), Arc::new(Usual), Ipv4Addr::LOCALHOST, [7; 32], now);
    let client = ClientConfig::new(d.medius_version, d.app_id, config.kind);
    let Ok(mut client) = ClientSession::new(Arc::new(client), [8; 32], now) else { return };

    while let [operation, low, high, rest @ ..] = steps {
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        let (bytes, later) = rest.split_at(if operation % 4 == 2 { 0 } else { length.min(rest.len()) });
        steps = later;
        match operation % 4 {
            0 => {
                // An error closes the session, and that is an answer too.
                let _ = server.receive(now, &mut bytes.to_vec(), |session, event| owner(session, event, now));
            }
            1 => {
                server.receive_datagram(now, &mut bytes.to_vec(), |session, event| owner(session, event, now))
            }
            2 => {
                now = Time::from_millis(now.0.as_millis() as u64 + length as u64);
                let _ = server.handle_timeout(now);
                let _ = client.handle_timeout(now);
            }
            _ => {
                let _ = client.receive(now, &mut bytes.to_vec(), |_, _| {});
            }
        }
        assert!(
            server.heap_size() <= SESSION_HEAP + server.output().capacity(),
            "{} bytes held",
            server.heap_size()
        );
        whole_frames(&server.take_output());
        whole_frames(&client.take_output());
        if server.state() == State::Closed && operation % 4 != 3 {
            let result =
                server.receive(now, &mut [0x05, 1, 0, 0xa5], |_, _| panic!("an event of a closed session"));
            assert!(server.take_output().is_empty(), "a closed session answers nothing: {result:?}");
        }
    }
}

/// Answers as an owner would, and sends application payloads back, so that fragmenting is tried too.
fn owner(session: &mut ServerSession, event: Event<'_>, now: Time) {
    let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 50000);
    // A refusal of what is out of place is an answer; only a panic is a find.
    let _ = match event {
        Event::Connect(_) => {
            let accept = Accept { player_count: 1, udp: Some(address), ..Accept::default() };
            session.accept(accept, now)
        }
        Event::ConnectAuxUdp(_) => session.accept_aux_udp(address),
        Event::AuxUdpReady => session.complete(1, now),
        Event::TimebaseQuery { client_time } => session.timebase(client_time, 1),
        Event::App { payload, .. } => {
            let payload = payload.to_vec();
            session.send_app_payload(&payload)
        }
        _ => Ok(()),
    };
}

fn whole_frames(output: &[u8]) {
    let mut left = output;
    while !left.is_empty() {
        let total = match Header::parse(left) {
            Ok(Some(header)) => header.total(),
            other => panic!("output that is no frame: {other:?}"),
        };
        assert!(total <= left.len(), "output that ends inside a frame");
        left = &left[total..];
    }
}
