//! A relayed frame costs no allocation: cut, deciphered in place, enciphered for every receiver.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod counting;

use counting::{Allocated, allocated};
use medley_crypto::{Context, FanOut, Hash, Suite, SymmetricKey};
use medley_wire::RtId;
use medley_wire::frame::{FrameBuffer, FrameTooLong, Header, split_datagram};

const RECEIVERS: usize = 7;

/// What a relay does with a frame: opens it in place, and enciphers its payload for seven receivers.
fn relay(
    suite: Suite,
    key: &SymmetricKey,
    header: Header,
    frame: &mut [u8],
    keys: &[SymmetricKey],
    out: &mut [Vec<u8>],
) {
    let body = &mut frame[header.body..];
    let clear = if header.id == RtId::CLIENT_APP_SINGLE { 2 } else { 0 };
    if let Some(hash) = header.hash {
        suite.decrypt_in_place(key, Hash(hash), &mut body[clear..]).unwrap();
    }
    let payload = &body[clear..];
    let fan_out = FanOut::new(suite, Context::RC_CLIENT_SESSION, payload);
    for out in &mut *out {
        out.clear();
        Header::write(RtId::CLIENT_APP_SINGLE, Some(fan_out.hash().0), payload.len() + 2, out);
        out.extend_from_slice(&[3, 0]);
        out.resize(out.len() + payload.len(), 0);
    }
    fan_out.encrypt_for_many(keys.iter().zip(out.iter_mut().map(|out| &mut out[9..]))).unwrap();
}

fn sealed(suite: Suite, key: &SymmetricKey, id: RtId, prefix: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut body = [prefix, payload].concat();
    let hash = suite.encrypt_in_place(key, Context::RC_CLIENT_SESSION, &mut body[prefix.len()..]);
    let mut frame = Vec::new();
    Header::write(id, Some(hash.0), body.len(), &mut frame);
    frame.extend_from_slice(&body);
    frame
}

#[test]
fn broadcasts_and_singles_are_relayed_without_an_allocation() {
    let key = SymmetricKey::new([7; 64]);
    let keys: Vec<_> = (0..RECEIVERS as u8).map(|i| SymmetricKey::new([i; 64])).collect();
    let mut out: Vec<Vec<u8>> = (0..RECEIVERS).map(|_| Vec::with_capacity(600)).collect();
    for suite in [Suite::Ps2, Suite::Ps3] {
        let payload: Vec<u8> = (0..64).collect();
        let broadcast = sealed(suite, &key, RtId::CLIENT_APP_BROADCAST, &[], &payload);
        let single = sealed(suite, &key, RtId::CLIENT_APP_SINGLE, &[1, 0], &payload);
        // A null hash, as Deadlocked broadcasts.
        let clear = [&[0x82, 64, 0, 0, 0, 0, 0x60], payload.as_slice()].concat();
        let mut stream = [broadcast, single, clear].concat().repeat(50);
        let mut datagram = stream.clone();
        let mut buffer = FrameBuffer::new();
        let mut frames = 0;
        let (result, taken) = allocated(|| {
            buffer.feed(&mut stream, |header, frame| {
                frames += 1;
                relay(suite, &key, header, frame, &keys, &mut out);
                Ok::<_, FrameTooLong>(())
            })
        });
        result.unwrap();
        assert_eq!((frames, taken), (150, Allocated { peak: 0, calls: 0 }), "TCP, {suite:?}");
        // The same in reads of 50 bytes, which cut every frame: after the first few there is room for the rest of the
        // stream.
        let mut cut = datagram.clone();
        for (round, allocates) in [(0, true), (1, false)] {
            cut.copy_from_slice(&datagram);
            let mut cut_frames = 0;
            let (result, taken) = allocated(|| {
                cut.chunks_mut(50).try_for_each(|read| {
                    buffer.feed(read, |header, frame| {
                        cut_frames += 1;
                        relay(suite, &key, header, frame, &keys, &mut out);
                        Ok::<_, FrameTooLong>(())
                    })
                })
            });
            result.unwrap();
            assert_eq!(
                (cut_frames, taken.calls > 0),
                (150, allocates),
                "round {round}, {suite:?}: {taken:?}"
            );
        }
        let (result, taken) = allocated(|| {
            split_datagram(&mut datagram, |header, frame| {
                frames += 1;
                relay(suite, &key, header, frame, &keys, &mut out);
                Ok::<_, ()>(())
            })
        });
        result.unwrap();
        assert_eq!((frames, taken), (300, Allocated { peak: 0, calls: 0 }), "UDP, {suite:?}");
        // What went out is what came in, for every receiver.
        for (key, out) in keys.iter().zip(&mut out) {
            let header = Header::parse(out).unwrap().unwrap();
            assert_eq!((header.id, header.total()), (RtId::CLIENT_APP_SINGLE, out.len()));
            suite.decrypt_in_place(key, Hash(header.hash.unwrap()), &mut out[9..]).unwrap();
            assert_eq!((&out[7..9], &out[9..]), (&[3, 0][..], payload.as_slice()));
        }
    }
}
