//! Title plugins in a shard: an instance of its own for each title that takes part in the relay.
//!
//! Subscribed packets of a turn are gathered and shown in one call, before the turn's flush. Once a packet of a world waits,
//! the later ones of that world wait behind it, subscribed or not, so that order holds; a world without a plugin, or
//! without a waiting packet, is relayed as ever. Whoever joins or leaves does so behind what was said before.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use medley_runtime::api::{Error, Event, Packet, PacketVerdict, Role};
use medley_runtime::{Candidate, Clock, Guest, Hook, Host, LoadError, RelayHost, Retired};
use medley_session::{Cover, Relay, Target, Time, Transport};

use crate::door::ShardLink;
use crate::player::{Delivery, deliver};
use crate::shard::{Command, Core};
use crate::world::{DmeIndex, DmeWorldId, Mask, Route};

/// With so many packets waiting they are shown before the turn is over.
const BATCH: usize = 1024;
/// Bytes of them.
const BATCH_BYTES: usize = 256 * 1024;
/// Players that a plugin may put out in one turn.
const PUT_OUT: usize = 1024;
/// Longest payload of one frame to any client.
const PAYLOAD: usize = 0xfff0;

/// Gets what a plugin's instance in the relay says to the one in the lobby: title and data.
pub type LobbyLink = Box<dyn Fn(&str, Vec<u8>) + Send + Sync>;

/// A packet on its way to its receivers.
struct Held {
    slot: usize,
    receivers: Mask,
    source: DmeIndex,
    transport: Transport,
    cover: Cover,
    packet: Waiting,
}

enum Waiting {
    /// Its place in the batch that is shown.
    Shown(usize),
    /// Waits for one that is shown.
    Behind(Vec<u8>),
}

/// A title's plugin in this shard.
struct Seat {
    title: String,
    guest: Guest,
    held: Vec<Held>,
    shown: Vec<Packet>,
    bytes: usize,
}

/// All plugins of a shard.
#[derive(Default)]
pub(crate) struct Seats {
    seats: Vec<Option<Seat>>,
    /// Seats with something waiting.
    waiting: bool,
    /// So much waits that it is to be shown before the turn is over. Not on the spot: whoever sent the last of it is out of
    /// its place and would miss what is for it.
    full: bool,
    /// Players whom plugins put out; carried out between two inputs.
    put_out: Vec<(usize, DmeIndex)>,
}

impl Seats {
    /// The place of a title's plugin.
    pub(crate) fn of(&self, title: &str) -> Option<usize> {
        self.seats.iter().position(|seat| seat.as_ref().is_some_and(|seat| seat.title == title))
    }

    /// When a plugin wants to be called by itself.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.seats.iter().flatten().filter_map(|seat| seat.guest.next_timer()).min().map(Time)
    }

    /// Whether the packet is to be shown to the plugin at `seat`.
    fn wants(&self, seat: usize, udp: bool, payload: &[u8]) -> bool {
        let seat = self.seats.get(seat).and_then(Option::as_ref);
        seat.is_some_and(|seat| {
            let hooks = seat.guest.subscriptions();
            hooks.wants(Hook::Packets) && hooks.packet(udp, payload)
        })
    }
}

/// The relay as one call of a plugin sees it. Its guest is out of its place meanwhile.
struct ShardHost<'a> {
    core: &'a mut Core,
    seat: usize,
    title: &'a str,
}

impl Clock for ShardHost<'_> {
    fn unix_millis(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.core.common.started.elapsed()
    }
}

impl ShardHost<'_> {
    /// The slot of a world of this title.
    fn slot(&self, world: u32) -> Result<usize, Error> {
        let slot = self.core.worlds.slot_of(DmeWorldId(world)).ok_or(Error::NotFound)?;
        let own = self.core.seat_of(slot) == Some(self.seat);
        if own { Ok(slot) } else { Err(Error::NotFound) }
    }
}

fn index(number: u16) -> Result<DmeIndex, Error> {
    u8::try_from(number).map(DmeIndex).map_err(|_| Error::NotFound)
}

impl RelayHost for ShardHost<'_> {
    fn inject(
        &mut self,
        world: u32,
        source: u16,
        target: i32,
        udp: bool,
        payload: &[u8],
    ) -> Result<(), Error> {
        let (slot, source) = (self.slot(world)?, index(source)?);
        if payload.len() > PAYLOAD {
            return Err(Error::Invalid(format!(
                "a packet has at most {PAYLOAD} bytes, this one {}",
                payload.len()
            )));
        }
        let route = match u16::try_from(target) {
            Ok(target) => Route::Single(target),
            Err(_) if target == -1 => Route::Broadcast,
            Err(_) => return Err(Error::Invalid(format!("target {target} is neither an index nor -1"))),
        };
        let world = self.core.worlds.at(slot).ok_or(Error::NotFound)?;
        let receivers = world.receivers(source, route);
        let transport = if udp { Transport::Udp } else { Transport::Tcp };
        self.core.deliver(slot, receivers, source, transport, Cover::Enciphered, payload);
        Ok(())
    }

    fn put_out(&mut self, world: u32, number: u16) -> Result<(), Error> {
        let (slot, index) = (self.slot(world)?, index(number)?);
        if self.core.plugins.put_out.len() >= PUT_OUT {
            return Err(Error::Full(format!("{PUT_OUT} players are on their way out")));
        }
        self.core.plugins.put_out.push((slot, index));
        Ok(())
    }

    fn world_clock(&mut self, world: u32) -> Option<u32> {
        let (slot, now) = (self.slot(world).ok()?, self.core.now);
        self.core.worlds.at_mut(slot).map(|world| world.time_base(now))
    }

    fn link_send(&mut self, role: u8, data: &[u8]) -> Result<(), Error> {
        let common = &self.core.common;
        if role == 0 || role == Role::Lobby as u8 {
            match common.lobby_link.get() {
                Some(link) => link(self.title, data.to_vec()),
                None if role == 0 => {}
                None => return Err(Error::Unavailable("the lobby is in another process".to_owned())),
            }
        }
        if role == 0 || role == Role::Relay as u8 {
            let data: Arc<[u8]> = data.into();
            let others = common.peers.get().into_iter().flatten().enumerate();
            for (_, peer) in others.filter(|(number, _)| *number != self.core.number) {
                let link = Command::Link {
                    title: self.title.to_owned(),
                    from: Role::Relay,
                    data: Arc::clone(&data),
                };
                if !peer.send(link) {
                    return Err(Error::Full("a thread of the relay is far behind".to_owned()));
                }
            }
        }
        Ok(())
    }
}

impl Core {
    fn seat_of(&self, slot: usize) -> Option<usize> {
        self.rooms.get(slot)?.as_ref()?.seat
    }

    /// Calls a plugin, whose place is empty meanwhile.
    fn consult<T>(
        &mut self,
        seat: usize,
        call: impl FnOnce(&mut Guest, &mut dyn RelayHost) -> T,
    ) -> Option<T> {
        let mut taken = self.plugins.seats.get_mut(seat)?.take()?;
        let Seat { title, guest, .. } = &mut taken;
        let value = call(guest, &mut ShardHost { core: self, seat, title });
        if let Some(place) = self.plugins.seats.get_mut(seat) {
            *place = Some(taken);
        }
        Some(value)
    }

    /// Keeps a packet for its title's plugin, or behind one that is kept. False: it is nobody's business.
    pub(crate) fn hold(&mut self, slot: usize, source: DmeIndex, receivers: Mask, relay: &Relay<'_>) -> bool {
        let Some(Some(room)) = self.rooms.get_mut(slot) else { return false };
        let Some(at) = room.seat else { return false };
        let udp = relay.transport == Transport::Udp;
        let shown = self.plugins.wants(at, udp, relay.payload);
        if !shown && !room.held {
            return false;
        }
        room.held = true;
        let Some(world) = self.worlds.at(slot).map(|world| world.id().0) else { return false };
        let Some(Some(seat)) = self.plugins.seats.get_mut(at) else { return false };
        let packet = if shown {
            let target = match relay.target {
                Target::Broadcast => -1,
                Target::List(_) => -2,
                Target::Single(target) => target.into(),
            };
            let (source, payload) = (source.0.into(), relay.payload.to_vec());
            seat.shown.push(Packet { world, source, target, udp, payload });
            Waiting::Shown(seat.shown.len() - 1)
        } else {
            Waiting::Behind(relay.payload.to_vec())
        };
        let (transport, cover) = (relay.transport, relay.cover);
        seat.held.push(Held { slot, receivers, source, transport, cover, packet });
        seat.bytes += relay.payload.len();
        let full = seat.held.len() >= BATCH || seat.bytes >= BATCH_BYTES;
        self.plugins.waiting = true;
        self.plugins.full |= full;
        true
    }

    /// Shows what waits, if it is much. Between two players' inputs.
    pub(crate) fn relieve_plugins(&mut self) {
        if self.plugins.full {
            self.show_packets();
        }
    }

    /// Shows what waits to the plugins, and sends on what they let pass.
    pub(crate) fn show_packets(&mut self) {
        self.plugins.full = false;
        if !core::mem::take(&mut self.plugins.waiting) {
            return;
        }
        for at in 0..self.plugins.seats.len() {
            let Some(Some(seat)) = self.plugins.seats.get_mut(at) else { continue };
            if seat.held.is_empty() {
                continue;
            }
            let (held, mut shown) = (core::mem::take(&mut seat.held), core::mem::take(&mut seat.shown));
            seat.bytes = 0;
            let verdicts = self.consult(at, |guest, host| guest.packets(host, &shown)).unwrap_or_default();
            let mut dropped = vec![false; shown.len()];
            for (number, verdict) in verdicts {
                let number = usize::try_from(number).unwrap_or(usize::MAX);
                match verdict {
                    PacketVerdict::Drop => {
                        if let Some(dropped) = dropped.get_mut(number) {
                            *dropped = true;
                        }
                    }
                    PacketVerdict::Replace(payload) => {
                        if let Some(packet) = shown.get_mut(number) {
                            packet.payload = payload;
                        }
                    }
                }
            }
            for one in &held {
                let payload = match &one.packet {
                    Waiting::Behind(payload) => payload.as_slice(),
                    Waiting::Shown(number) if dropped.get(*number) == Some(&true) => continue,
                    Waiting::Shown(number) => {
                        shown.get(*number).map_or(&[][..], |packet| packet.payload.as_slice())
                    }
                };
                if payload.len() <= PAYLOAD {
                    self.deliver(one.slot, one.receivers, one.source, one.transport, one.cover, payload);
                }
            }
            for one in held {
                if let Some(Some(room)) = self.rooms.get_mut(one.slot) {
                    room.held = false;
                }
            }
        }
    }

    fn deliver(
        &mut self,
        slot: usize,
        receivers: Mask,
        source: DmeIndex,
        transport: Transport,
        cover: Cover,
        payload: &[u8],
    ) {
        let Some(Some(room)) = self.rooms.get_mut(slot) else { return };
        let delivery = Delivery { receivers, source, cipher: room.title.cipher };
        let relay = Relay { transport, cover, target: Target::Broadcast, payload, verified: None };
        let dirty = &mut self.dirty;
        self.pending += deliver(&mut room.players, &delivery, &relay, &self.counters, |index| {
            dirty.push((slot, index));
        });
    }

    /// Tells the title's plugin who joined a world.
    pub(crate) fn tell_joined(&mut self, slot: usize, seat: &medley_runtime::api::Seat) {
        let Some(at) = self.seat_of(slot) else { return };
        self.show_packets();
        self.consult(at, |guest, host| guest.joined(host, seat));
    }

    /// Tells the title's plugin who left a world.
    pub(crate) fn tell_left(&mut self, slot: usize, world: DmeWorldId, index: DmeIndex) {
        let Some(at) = self.seat_of(slot) else { return };
        self.show_packets();
        self.consult(at, |guest, host| guest.left(host, world.0, index.0.into()));
    }

    /// Does what of the plugins is due.
    pub(crate) fn run_plugin_timers(&mut self) {
        if self.plugins.deadline().is_none_or(|at| at > self.now) {
            return;
        }
        for at in 0..self.plugins.seats.len() {
            self.consult(at, |guest, host| {
                if guest.next_timer().is_some_and(|due| due <= host.monotonic()) {
                    guest.run_timers(Host::Relay(host));
                }
            });
        }
    }

    /// Players whom plugins put out since the last time.
    pub(crate) fn take_put_out(&mut self) -> Vec<(usize, DmeIndex)> {
        core::mem::take(&mut self.plugins.put_out)
    }

    /// Puts a candidate into its title's place, instead of whatever serves. On an error that goes on.
    pub(crate) fn install_plugin(
        &mut self,
        title: &str,
        candidate: Candidate,
    ) -> Result<Option<Retired>, LoadError> {
        self.show_packets();
        if let Some(at) = self.plugins.of(title) {
            let swapped = self.consult(at, |guest, host| guest.swap(candidate, Host::Relay(host)));
            return swapped.transpose();
        }
        let at = self.plugins.seats.iter().position(Option::is_none).unwrap_or(self.plugins.seats.len());
        let guest = Guest::install(candidate, Host::Relay(&mut ShardHost { core: self, seat: at, title }))?;
        let seat = Seat { title: title.to_owned(), guest, held: Vec::new(), shown: Vec::new(), bytes: 0 };
        match self.plugins.seats.get_mut(at) {
            Some(place) => *place = Some(seat),
            None => self.plugins.seats.push(Some(seat)),
        }
        for room in self.rooms.iter_mut().flatten().filter(|room| *room.title.id == *title) {
            room.seat = Some(at);
        }
        Ok(None)
    }

    /// Takes a title's plugin out.
    pub(crate) fn remove_plugin(&mut self, title: &str) -> Option<Retired> {
        self.show_packets();
        let at = self.plugins.of(title)?;
        let seat = self.plugins.seats.get_mut(at)?.take()?;
        for room in self.rooms.iter_mut().flatten().filter(|room| room.seat == Some(at)) {
            room.seat = None;
        }
        Some(seat.guest.stop(Host::Relay(&mut ShardHost { core: self, seat: at, title })))
    }

    /// Ends a quarantine.
    pub(crate) fn resume_plugin(&mut self, title: &str) {
        if let Some(at) = self.plugins.of(title) {
            self.consult(at, |guest, host| guest.resume(Host::Relay(host)));
        }
    }

    /// Tells a title's plugin of something.
    pub(crate) fn tell_plugin(&mut self, title: &str, event: &Event) {
        if let Some(at) = self.plugins.of(title) {
            self.consult(at, |guest, host| guest.happened(Host::Relay(host), event));
        }
    }
}

/// Where every thread finds the others.
pub(crate) type Peers = Vec<ShardLink>;
