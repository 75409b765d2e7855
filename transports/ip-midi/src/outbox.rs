//! The way out: SysEx of several sources kept whole, datagrams filled and handed to the system, and
//! what happens when the system does not take them or the network is not there.

use midibay_plugin::ump::{ByteParser, Event, Held, OutQueue, SysexMerger, Ump};

use crate::packer::{Packed, Packer};

/// How many events can wait for each port, once behind another source's SysEx and once for a system
/// that does not take them.
pub const QUEUE: usize = 1024;
/// A SysEx of which nothing comes for this long (ns) is ended, for others wait behind it.
pub const SYSEX_STALL: u64 = 500_000_000;

/// What became of datagrams that were handed to the system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transmitted {
    /// So many (at least 1) were taken, in order.
    Taken(usize),
    /// None; it takes more when the socket is writable.
    Blocked,
    /// The first cannot be sent now: no route, no interface, no memory.
    Refused,
}

/// What datagrams go to. Each goes to [`Wire::destinations`] places.
pub trait Wire {
    /// How many places each datagram goes to.
    fn destinations(&self) -> usize;

    /// Hands datagrams to the system, from the `skip`-th on. They are counted once for each
    /// destination: number `n` is datagram `n / destinations` for destination `n % destinations`.
    fn transmit(&mut self, datagrams: &Packer, skip: usize) -> Transmitted;
}

/// What an [`Outbox`] did since the last [`Outbox::take_tally`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Tally {
    /// Bytes that the system took, each destination counted.
    pub bytes: u64,
    /// Events that found no room, and values that a newer one made useless.
    pub overflow: u64,
    /// SysEx packets without a start, and SysEx that stopped arriving.
    pub malformed: u64,
    /// Events that MIDI 1.0 has no bytes for.
    pub unsupported: u64,
    /// Events that the system could not send, each destination counted.
    pub unavailable: u64,
}

/// The way out of a node.
#[derive(Debug)]
pub struct Outbox {
    mergers: Box<[SysexMerger]>,
    /// What the counters of mergers and queues were when they were last looked at.
    seen: Box<[(u64, u64)]>,
    sending: Sending,
}

#[derive(Debug)]
struct Sending {
    packer: Packer,
    queues: Box<[OutQueue]>,
    /// Notes and pedals, by port, that were released while the network was away.
    owed: Box<[Box<Held>]>,
    /// How many of the waiting datagrams times destinations are dealt with.
    done: usize,
    blocked: bool,
    queued: bool,
    /// A merger or a queue was at work since their counters were looked at.
    uncounted: bool,
    tally: Tally,
}

impl Outbox {
    /// An outbox for so many ports; `max_datagram` in bytes. `[main]`
    pub fn new(ports: usize, max_datagram: usize, coalesce: bool) -> Self {
        Self {
            mergers: (0..ports).map(|_| SysexMerger::new(QUEUE, SYSEX_STALL)).collect(),
            seen: vec![(0, 0); ports].into_boxed_slice(),
            sending: Sending {
                packer: Packer::new(ports, max_datagram, coalesce),
                queues: (0..ports).map(|_| OutQueue::new(QUEUE)).collect(),
                owed: (0..ports).map(|_| Held::boxed()).collect(),
                done: 0,
                blocked: false,
                queued: false,
                uncounted: false,
                tally: Tally::default(),
            },
        }
    }

    /// Messages share datagrams or do not, from now on. `[engine]`
    pub fn set_coalesce(&mut self, coalesce: bool) {
        self.sending.packer.set_coalesce(coalesce);
    }

    /// Takes events, each of the port it names, and hands datagrams to the system. `now` is
    /// monotonic, ns. `[engine]`
    #[inline]
    pub fn send(&mut self, wire: &mut impl Wire, now: u64, events: &[Event]) {
        for event in events {
            let port = usize::from(event.port);
            let Some(merger) = self.mergers.get_mut(port) else { continue };
            if merger.deadline().is_none() && !event.ump.is_sysex() {
                if !self.sending.queued && self.sending.packer.push_voice(port, &event.ump) {
                    continue;
                }
                self.sending.offer(wire, port, *event);
            } else {
                self.sending.uncounted = true;
                merger.push(now, *event, |event| self.sending.offer(wire, port, event));
            }
        }
        self.sending.flush(wire);
    }

    /// The socket has room again: sends what waited. `[engine]`
    pub fn writable(&mut self, wire: &mut impl Wire) {
        self.sending.blocked = false;
        self.sending.flush(wire);
        self.sending.work_off_queues(wire);
    }

    /// Ends SysEx that stopped arriving, at [`Outbox::deadline`]. `[engine]`
    pub fn tick(&mut self, wire: &mut impl Wire, now: u64) {
        self.sending.uncounted = true;
        for (port, merger) in self.mergers.iter_mut().enumerate() {
            merger.tick(now, |event| self.sending.offer(wire, port, event));
        }
        self.sending.flush(wire);
    }

    /// When [`Outbox::tick`] has something to do, ns. `[engine]`
    #[inline]
    pub fn deadline(&self) -> Option<u64> {
        self.mergers.iter().filter_map(SysexMerger::deadline).min()
    }

    /// A source that fed a port is gone: nobody waits for the rest of its SysEx. `[engine]`
    pub fn source_lost(&mut self, wire: &mut impl Wire, now: u64, port: u16, source: u32) {
        let port = usize::from(port);
        let Some(merger) = self.mergers.get_mut(port) else { return };
        self.sending.uncounted = true;
        merger.vanished(now, source, |event| self.sending.offer(wire, port, event));
        self.sending.flush(wire);
    }

    /// Is the socket to be watched for room? `[engine]`
    #[inline]
    pub fn is_blocked(&self) -> bool {
        self.sending.blocked
    }

    /// The network is away: what waits will never be sent. Notes that should have ended are remembered.
    /// `[engine]`
    pub fn lose_all(&mut self) {
        let sending = &mut self.sending;
        sending.packer.seal();
        for i in 0..sending.packer.len() {
            if let Some(datagram) = sending.packer.get(i) {
                let owed = &mut sending.owed[datagram.port];
                ByteParser::new().parse(0, datagram.bytes, |ump| owe(owed, &ump));
            }
        }
        sending.tally.unavailable += sending.packer.clear();
        for (queue, owed) in sending.queues.iter_mut().zip(&mut sending.owed) {
            while let Some(event) = queue.pop() {
                sending.tally.unavailable += 1;
                owe(owed, &event.ump);
            }
        }
        for (merger, owed) in self.mergers.iter_mut().zip(&mut sending.owed) {
            sending.tally.unavailable += merger.waiting() as u64;
            // At the end of all times no SysEx is waited for: all that waits comes out.
            merger.tick(u64::MAX, |event| owe(owed, &event.ump));
        }
        (sending.done, sending.blocked, sending.queued) = (0, false, false);
        sending.uncounted = true;
    }

    /// Events for a network that is away are lost; but the ends of notes are remembered, for the note
    /// may still sound over there. `[engine]`
    pub fn lose(&mut self, events: &[Event]) {
        self.sending.tally.unavailable += events.len() as u64;
        for event in events {
            if let Some(owed) = self.sending.owed.get_mut(usize::from(event.port)) {
                owe(owed, &event.ump);
            }
        }
    }

    /// The network is back: ends the notes that should have ended meanwhile. `[engine]`
    pub fn settle(&mut self, wire: &mut impl Wire, now: u64) {
        let sending = &mut self.sending;
        let mut owed = std::mem::take(&mut sending.owed);
        for (port, owed) in owed.iter_mut().enumerate() {
            owed.release_all(|ump| sending.offer(wire, port, Event::new(now, ump).at_port(port as u16)));
        }
        sending.owed = owed;
        sending.flush(wire);
    }

    /// What was done since it was asked last. `[engine]`
    #[inline]
    pub fn take_tally(&mut self) -> Tally {
        if std::mem::take(&mut self.sending.uncounted) {
            self.count_waiting();
        }
        std::mem::take(&mut self.sending.tally)
    }

    fn count_waiting(&mut self) {
        for (port, merger) in self.mergers.iter().enumerate() {
            let overflow = merger.overload().total() + self.sending.queues[port].counts().total();
            let malformed = merger.counts().timed_out + merger.counts().orphans;
            let seen = std::mem::replace(&mut self.seen[port], (overflow, malformed));
            self.sending.tally.overflow += overflow - seen.0;
            self.sending.tally.malformed += malformed - seen.1;
        }
    }
}

/// Remembers the end of a note or a pedal.
fn owe(owed: &mut Held, ump: &Ump) {
    let (group, channel) = (ump.group(), ump.channel().unwrap_or(0));
    if ump.is_note_off() {
        owed.apply(&Ump::note_on(group, channel, ump.note().unwrap_or(0), 64));
    } else if is_pedal_up(ump) {
        owed.apply(&Ump::control_change(group, channel, ump.data1(), 127));
    }
}

fn is_pedal_up(ump: &Ump) -> bool {
    let value = match ump.head() >> 20 & 0xF0F {
        0x20B => u32::from(ump.data2()) << 25,
        0x40B => ump.raw()[1],
        _ => return false,
    };
    midibay_plugin::ump::PEDALS.contains(&ump.data1()) && value < 1 << 31
}

impl Sending {
    /// Into a datagram, or behind what waits.
    fn offer(&mut self, wire: &mut impl Wire, port: usize, event: Event) {
        if !self.packer.has_room() {
            self.flush(wire);
        }
        if self.packer.has_room() && (!self.queued || self.queues[port].is_empty()) {
            if self.packer.push(port, &event.ump) == Packed::Unsupported && event.ump.message_type() != 0 {
                // Utility messages are about the link they came by and meant to end there.
                self.tally.unsupported += 1;
            }
        } else {
            self.queued = true;
            self.uncounted = true;
            self.queues[port].push(event);
        }
    }

    #[inline]
    fn flush(&mut self, wire: &mut impl Wire) {
        if self.blocked || self.packer.is_empty() {
            return;
        }
        self.packer.seal();
        let destinations = wire.destinations().max(1);
        let all = self.packer.len() * destinations;
        while self.done < all {
            match wire.transmit(&self.packer, self.done) {
                Transmitted::Taken(count) => {
                    for number in self.done..self.done + count {
                        let datagram = self.packer.get(number / destinations);
                        self.tally.bytes += datagram.map_or(0, |datagram| datagram.bytes.len() as u64);
                    }
                    self.done += count;
                }
                Transmitted::Blocked => {
                    self.blocked = true;
                    break;
                }
                Transmitted::Refused => {
                    let datagram = self.packer.get(self.done / destinations);
                    self.tally.unavailable += datagram.map_or(0, |datagram| datagram.events);
                    self.done += 1;
                }
            }
        }
        self.packer.release(self.done / destinations);
        self.done %= destinations;
    }

    /// As long as the system takes them: the queued events, each port in turn.
    fn work_off_queues(&mut self, wire: &mut impl Wire) {
        for port in 0..self.queues.len() {
            loop {
                if !self.packer.has_room() {
                    self.flush(wire);
                    if !self.packer.has_room() {
                        return;
                    }
                }
                let Some(event) = self.queues[port].pop() else { break };
                if self.packer.push(port, &event.ump) == Packed::Unsupported {
                    self.tally.unsupported += 1;
                }
            }
        }
        self.flush(wire);
        self.queued = self.queues.iter().any(|queue| !queue.is_empty());
    }
}
