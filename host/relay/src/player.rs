//! One player's connection, and the way of a message to many of them.

use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use medley_crypto::{Context, FanOut, Hash, Suite};
use medley_session::{Cover, Relay, ServerSession, Time, Transport};
use mio::net::{TcpStream, UdpSocket};

use crate::config::{RelayCipher, RelayConfig};
use crate::metrics::Counters;
use crate::segments;
use crate::world::{DmeIndex, Mask};

/// Bytes that an empty output buffer may keep until its player falls quiet; more goes back to the allocator at once.
const KEPT: usize = 256 * 1024;

/// Datagrams and bytes that one system call may send: less than the kernel's own limits of 64 (128 later) and 65,507.
const SEGMENTS: usize = 60;
const SEGMENTED_BYTES: usize = 60_000;

/// A place among the connections that the relay takes; given back on drop.
#[derive(Debug)]
pub(crate) struct Seat(Arc<AtomicUsize>);

impl Seat {
    /// Takes a place, if fewer than `limit` are taken.
    pub(crate) fn take(taken: &Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        let before = taken.fetch_add(1, Ordering::Relaxed);
        let seat = Self(Arc::clone(taken));
        (before < limit).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A sender's allowance: so much a second, a second's worth at once.
#[derive(Debug)]
struct Allowance {
    messages: u32,
    bytes: u32,
    second: u64,
}

/// Of what a sender has sent more than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    /// [`RelayConfig::messages_per_second`].
    Messages,
    /// [`RelayConfig::bytes_per_second`].
    Bytes,
}

/// A connection whose access key was accepted.
#[derive(Debug)]
pub(crate) struct Player {
    pub(crate) session: ServerSession,
    pub(crate) io: Io,
}

/// All of a player that is not its session.
#[derive(Debug)]
pub(crate) struct Io {
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddrV4,
    /// The world that the client named. It repeats it in its first datagram.
    pub(crate) named_world: u32,
    pub(crate) scert_id: u32,
    /// Where its datagrams come from, since its first one.
    pub(crate) endpoint: Option<SocketAddrV4>,
    /// The endpoint is final: READY_AUX_UDP came.
    pub(crate) pinned: bool,
    /// In [`crate::config::UdpMode::PortPerClient`].
    pub(crate) socket: Option<UdpSocket>,
    /// Its key is the world's.
    pub(crate) shares_key: bool,
    /// Bytes of the session's output that the socket has taken.
    pub(crate) written: usize,
    /// Queued for the flush of this turn.
    pub(crate) dirty: bool,
    /// A control answer waits: no holding back.
    pub(crate) urgent: bool,
    /// What the client allows messages to be held back.
    pub(crate) aggregation: Duration,
    /// Since when something is held back.
    pub(crate) held_since: Option<Time>,
    /// The timer that is set for this player.
    pub(crate) timer: Option<Time>,
    /// To be put out as soon as the current work on it is done.
    pub(crate) gone: bool,
    allowance: Allowance,
    _seat: Seat,
}

/// How a flush ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    /// All is written, or the rest waits for the socket.
    Done,
    /// More than the limit waits.
    TooSlow,
    /// The connection is broken.
    Broken,
}

impl Player {
    pub(crate) fn new(session: ServerSession, stream: TcpStream, peer: SocketAddrV4, seat: Seat) -> Self {
        let io = Io {
            stream,
            peer,
            named_world: 0,
            scert_id: 0,
            endpoint: None,
            pinned: false,
            socket: None,
            shares_key: false,
            written: 0,
            dirty: false,
            urgent: false,
            aggregation: Duration::ZERO,
            held_since: None,
            timer: None,
            gone: false,
            allowance: Allowance { messages: 0, bytes: 0, second: u64::MAX },
            _seat: seat,
        };
        Self { session, io }
    }

    /// The address that others are told: UDP where there is one.
    pub(crate) fn address(&self) -> SocketAddrV4 {
        self.io.endpoint.unwrap_or(self.io.peer)
    }

    /// Writes what is there: the stream in one write, datagrams in as few calls as their lengths allow.
    pub(crate) fn flush(&mut self, shared: &UdpSocket, limit: usize, counters: &Counters) -> Flushed {
        self.flush_datagrams(shared, counters);
        self.flush_stream(limit, counters)
    }

    fn flush_datagrams(&mut self, shared: &UdpSocket, counters: &Counters) {
        let Some(datagrams) = self.session.datagrams() else { return };
        if datagrams.is_empty() {
            return;
        }
        if let Some(endpoint) = self.io.endpoint {
            let socket = self.io.socket.as_ref().unwrap_or(shared);
            let to = SocketAddr::V4(endpoint);
            let (mut sent, mut bytes, mut lost) = (0, 0, 0);
            for run in datagrams.runs(SEGMENTED_BYTES, SEGMENTS) {
                let together = match u16::try_from(run.size) {
                    Ok(size) if run.count > 1 => segments::send(socket, run.bytes, size, endpoint),
                    _ => None,
                };
                match together {
                    Some(Ok(count)) => {
                        sent += run.count as u64;
                        bytes += count as u64;
                    }
                    Some(Err(_)) => lost += run.count as u64,
                    None => {
                        for datagram in run.bytes.chunks(run.size.max(1)) {
                            match send(socket, datagram, to) {
                                Ok(count) => {
                                    sent += 1;
                                    bytes += count as u64;
                                }
                                // A full buffer, or a network that is away: UDP may lose.
                                Err(_) => lost += 1,
                            }
                        }
                    }
                }
            }
            counters.datagrams_out.add(sent);
            counters.udp_bytes_out.add(bytes);
            counters.unsent_datagrams.add(lost);
        }
        if datagrams.len() > KEPT { datagrams.release() } else { datagrams.clear() }
    }

    fn flush_stream(&mut self, limit: usize, counters: &Counters) -> Flushed {
        let output = self.session.output();
        while self.io.written < output.len() {
            match self.io.stream.write(&output[self.io.written..]) {
                Ok(0) => return Flushed::Broken,
                Ok(count) => {
                    self.io.written += count;
                    counters.writes.increment();
                    counters.tcp_bytes_out.add(count as u64);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let waiting = output.len() - self.io.written;
                    // Moved down only when as much is done as is left: each byte moves a bounded number of times.
                    if self.io.written >= waiting {
                        output.drain(..self.io.written);
                        self.io.written = 0;
                    }
                    return if waiting > limit { Flushed::TooSlow } else { Flushed::Done };
                }
                Err(_) => return Flushed::Broken,
            }
        }
        self.io.written = 0;
        if output.capacity() > KEPT {
            *output = Vec::new();
        } else {
            output.clear();
        }
        Flushed::Done
    }

    /// Gives buffers back that a quiet connection does not need.
    pub(crate) fn release_buffers(&mut self) {
        if self.session.output().is_empty() {
            *self.session.output() = Vec::new();
        }
        if let Some(datagrams) = self.session.datagrams()
            && datagrams.is_empty()
        {
            datagrams.release();
        }
    }
}

impl Io {
    /// Whether one more message with `length` bytes of payload may pass. One that may not costs nothing.
    pub(crate) fn may_send(&mut self, config: &RelayConfig, length: usize, now: Time) -> Result<(), Excess> {
        let limit = |limit| if limit == 0 { u32::MAX } else { limit };
        let second = now.0.as_secs();
        if self.allowance.second != second {
            let (messages, bytes) = (limit(config.messages_per_second), limit(config.bytes_per_second));
            self.allowance = Allowance { messages, bytes, second };
        }
        let Allowance { messages, bytes, .. } = self.allowance;
        let messages = messages.checked_sub(1).ok_or(Excess::Messages)?;
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let bytes = bytes.checked_sub(length).ok_or(Excess::Bytes)?;
        self.allowance = Allowance { messages, bytes, second };
        Ok(())
    }
}

fn send(socket: &UdpSocket, datagram: &[u8], to: SocketAddr) -> io::Result<usize> {
    loop {
        match socket.send_to(datagram, to) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// The players of one world by index. A player is taken out while its own input is handled, so it never hears itself.
pub(crate) type Players = Vec<Option<Box<Player>>>;

/// A message on its way to its receivers.
pub(crate) struct Delivery {
    pub(crate) receivers: Mask,
    pub(crate) source: DmeIndex,
    pub(crate) cipher: RelayCipher,
}

/// Appends a message to the outputs of its receivers: hashed and mixed once for all, enciphered several receivers at a
/// time, straight into the outputs. `dirty` is told each receiver that has to be flushed. Returns the bytes appended.
pub(crate) fn deliver(
    players: &mut Players,
    delivery: &Delivery,
    relay: &Relay<'_>,
    counters: &Counters,
    mut dirty: impl FnMut(DmeIndex),
) -> usize {
    let Delivery { receivers, source, cipher } = *delivery;
    let plain = match cipher {
        RelayCipher::AsReceived => relay.cover != Cover::Enciphered,
        RelayCipher::Enciphered => false,
        RelayCipher::Clear => true,
    };
    let source = u16::from(source.0);
    let length = relay.payload.len();
    let (mut ps2, mut ps3) = (Mask::EMPTY, Mask::EMPTY);
    let (mut tcp, mut udp) = (0, 0);
    for index in receivers.iter() {
        let Some(Some(player)) = players.get_mut(usize::from(index.0)) else { continue };
        if !player.io.dirty {
            player.io.dirty = true;
            dirty(index);
        }
        let transport = way(player, relay.transport);
        match transport {
            Transport::Tcp => tcp += 1,
            Transport::Udp => udp += 1,
        }
        let enciphered = player.session.enciphered();
        if enciphered && !plain {
            match player.session.suite() {
                Suite::Ps2 => ps2.set(index, true),
                Suite::Ps3 => ps3.set(index, true),
            }
            continue;
        }
        let hash = enciphered.then_some(Hash::null(Context::RC_CLIENT_SESSION));
        // A payload that fitted into one frame on its way in fits into one on its way out: APP_SINGLE has two bytes
        // more than APP_BROADCAST, so the longest broadcast alone can fail, and is dropped.
        if let Ok(room) = player.session.relay_room(transport, source, hash, length) {
            room.copy_from_slice(relay.payload);
        }
    }
    for (suite, members) in [(Suite::Ps2, ps2), (Suite::Ps3, ps3)] {
        if !members.is_empty() {
            encipher(players, members, suite, source, relay);
        }
    }
    counters.tcp_messages_out.add(tcp);
    counters.udp_messages_out.add(udp);
    (length + 9) * (tcp + udp) as usize
}

/// UDP stays UDP where the receiver has it.
fn way(player: &Player, came: Transport) -> Transport {
    if came == Transport::Udp && player.io.endpoint.is_some() { Transport::Udp } else { Transport::Tcp }
}

fn encipher(players: &mut Players, members: Mask, suite: Suite, source: u16, relay: &Relay<'_>) {
    let context = Context::RC_CLIENT_SESSION;
    // What came enciphered was hashed and mixed when it was verified.
    let verified = relay.verified.and_then(|verified| FanOut::again(suite, context, relay.payload, verified));
    let fan_out = verified.unwrap_or_else(|| FanOut::new(suite, context, relay.payload));
    let hash = fan_out.hash();
    let length = relay.payload.len();
    // Those with the world's key get one ciphertext.
    let mut shared: Option<Vec<u8>> = None;
    let mut own = members;
    for index in members.iter() {
        let Some(Some(player)) = players.get_mut(usize::from(index.0)) else { continue };
        if !player.io.shares_key {
            continue;
        }
        own.set(index, false);
        let transport = way(player, relay.transport);
        let Ok(Some((key, room))) = player.session.relay_slot(transport, source, hash, length) else {
            continue;
        };
        match &shared {
            Some(ciphertext) => room.copy_from_slice(ciphertext),
            None if fan_out.encrypt_for(key, room).is_ok() => shared = Some(room.to_vec()),
            None => {}
        }
    }
    if own.is_empty() {
        return;
    }
    let slots = players.iter_mut().enumerate().filter_map(|(index, player)| {
        let player = player.as_deref_mut().filter(|_| own.contains(DmeIndex(index as u8)))?;
        let transport = way(player, relay.transport);
        player.session.relay_slot(transport, source, hash, length).ok().flatten()
    });
    // Every room is as long as the payload by construction.
    let _ = fan_out.encrypt_for_many(slots);
}
