//! Packets to datagrams: a ring of datagrams, made once.

use midibay_plugin::ump::{MAX_BYTES, SYSEX_COMPLETE, SYSEX_END, SYSEX_START, Ump, encode, to_midi1};

/// How many datagrams can wait for the system.
pub const SLOTS: usize = 64;
/// The most datagrams that one packet can fill: a MIDI 2.0 controller as four messages of one each.
pub const SLOTS_PER_PACKET: usize = 4;

/// What [`Packer::push`] has done with a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Packed {
    /// It is on its way into a datagram.
    Done,
    /// MIDI 1.0 has no bytes for it.
    Unsupported,
}

/// A datagram that is ready to go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Datagram<'a> {
    /// The node's port that it is of.
    pub port: usize,
    /// MIDI 1.0 bytes.
    pub bytes: &'a [u8],
    /// How many packets it carries, for the counters.
    pub events: u64,
}

#[derive(Clone, Copy, Default, Debug)]
struct Slot {
    port: usize,
    len: usize,
    events: u64,
}

/// What is under way at one port.
#[derive(Debug)]
struct Lane {
    /// The slot that messages are written into; none while `limit` is 0.
    slot: usize,
    /// Where in all bytes the next message goes, and the end of the room for messages.
    end: usize,
    limit: usize,
    events: u64,
    /// The SysEx so far: it is kept back until it ends or fills a datagram, because QmidiNet takes each
    /// datagram for one whole message.
    sysex: Box<[u8]>,
    sysex_len: usize,
    sysex_events: u64,
}

/// Writes packets into datagrams of at most so many bytes, in order for each port. Never a message
/// across two datagrams; but for a SysEx, which has datagrams of its own: one if it fits, else as many
/// as it takes.
#[derive(Debug)]
pub struct Packer {
    /// The datagrams' bytes, `stride` for each slot.
    bytes: Box<[u8]>,
    slots: Box<[Slot]>,
    stride: usize,
    max: usize,
    /// How many slots were released, and how many were begun, since the start.
    released: u64,
    begun: u64,
    lanes: Box<[Lane]>,
    coalesce: bool,
}

impl Packer {
    /// A packer for so many ports and datagrams of at most `max` bytes (at least
    /// [`crate::config::MIN_DATAGRAM`]); with `coalesce`, messages share datagrams. `[main]`
    pub fn new(ports: usize, max: usize, coalesce: bool) -> Self {
        // Room behind the limit, so that a message is written first and measured then.
        let stride = (max + MAX_BYTES).next_multiple_of(64);
        let lane = || Lane {
            slot: 0,
            end: 0,
            limit: 0,
            events: 0,
            sysex: vec![0; max + MAX_BYTES].into_boxed_slice(),
            sysex_len: 0,
            sysex_events: 0,
        };
        Self {
            bytes: vec![0; stride * SLOTS].into_boxed_slice(),
            slots: vec![Slot::default(); SLOTS].into_boxed_slice(),
            stride,
            max,
            released: 0,
            begun: 0,
            lanes: (0..ports).map(|_| lane()).collect(),
            coalesce,
        }
    }

    /// From the next datagram on, messages share datagrams or do not. `[engine]`
    pub fn set_coalesce(&mut self, coalesce: bool) {
        self.seal();
        self.coalesce = coalesce;
    }

    /// Is there room for any one packet? `[engine]`
    #[inline]
    pub fn has_room(&self) -> bool {
        self.begun - self.released <= (SLOTS - SLOTS_PER_PACKET) as u64
    }

    /// Writes a packet of a port. There must be room ([`Packer::has_room`]). `[engine]`
    #[inline]
    pub fn push(&mut self, port: usize, ump: &Ump) -> Packed {
        match ump.message_type() {
            0x3 => self.push_sysex(port, ump),
            0x4 if !self.coalesce => {
                let messages = to_midi1(ump);
                for message in messages.iter() {
                    self.push_message(port, message);
                }
                if messages.is_empty() { Packed::Unsupported } else { Packed::Done }
            }
            _ => self.push_message(port, ump),
        }
    }

    /// The quick way for the most common packets: a MIDI 1.0 channel voice message that fits into a
    /// datagram begun before. Returns false where it takes [`Packer::push`]. `[engine]`
    #[inline]
    pub fn push_voice(&mut self, port: usize, ump: &Ump) -> bool {
        let Some(lane) = self.lanes.get_mut(port) else { return false };
        let head = ump.head();
        let voice = head >> 28 == 2 && (0x8..0xF).contains(&(head >> 20 & 0xF));
        if !voice || lane.end + 3 > lane.limit {
            return false;
        }
        let Some(room) = self.bytes[lane.end..].first_chunk_mut() else { return false };
        *room = (head << 8 & 0xFF7F_7F00).to_be_bytes();
        // Cn and Dn have one data byte, all others two.
        lane.end += if head >> 21 & 0b111 == 0b110 { 2 } else { 3 };
        lane.events += 1;
        true
    }

    fn push_message(&mut self, port: usize, ump: &Ump) -> Packed {
        let mut bytes = [0; MAX_BYTES];
        let len = encode(ump, &mut bytes);
        if len == 0 {
            return Packed::Unsupported;
        }
        let lane = &self.lanes[port];
        if lane.end + len > lane.limit {
            self.close(port);
            let slot = self.begin(port, 0);
            let lane = &mut self.lanes[port];
            lane.slot = slot;
            lane.end = slot * self.stride;
            lane.limit = lane.end + self.max;
            lane.events = 0;
        }
        let lane = &mut self.lanes[port];
        self.bytes[lane.end..][..len].copy_from_slice(&bytes[..len]);
        lane.end += len;
        lane.events += 1;
        if !self.coalesce {
            self.close(port);
        }
        Packed::Done
    }

    /// No more messages join the datagram that was begun for this port.
    #[inline]
    fn close(&mut self, port: usize) {
        let lane = &mut self.lanes[port];
        if lane.limit > 0 {
            let slot = &mut self.slots[lane.slot];
            slot.len = lane.end - lane.slot * self.stride;
            slot.events = lane.events;
            lane.limit = 0;
        }
    }

    fn push_sysex(&mut self, port: usize, ump: &Ump) -> Packed {
        let lane = &mut self.lanes[port];
        let status = ump.status();
        if matches!(status, SYSEX_COMPLETE | SYSEX_START) {
            // Whoever lets a SysEx begin inside another has lost the first one.
            lane.sysex_len = 0;
            lane.sysex_events = 0;
        }
        let mut bytes = [0; MAX_BYTES];
        let len = encode(ump, &mut bytes);
        if len == 0 {
            return Packed::Unsupported;
        }
        lane.sysex[lane.sysex_len..][..len].copy_from_slice(&bytes[..len]);
        lane.sysex_len += len;
        lane.sysex_events += 1;
        if lane.sysex_len > self.max {
            self.send_sysex(port, self.max);
        }
        if matches!(status, SYSEX_COMPLETE | SYSEX_END) {
            self.send_sysex(port, self.lanes[port].sysex_len);
        }
        Packed::Done
    }

    /// The first `len` bytes of the kept SysEx become a datagram.
    fn send_sysex(&mut self, port: usize, len: usize) {
        self.close(port);
        let at = self.begin(port, self.lanes[port].sysex_events);
        let lane = &mut self.lanes[port];
        self.bytes[at * self.stride..][..len].copy_from_slice(&lane.sysex[..len]);
        self.slots[at].len = len;
        lane.sysex.copy_within(len..lane.sysex_len, 0);
        lane.sysex_len -= len;
        lane.sysex_events = 0;
    }

    /// Takes the next slot.
    fn begin(&mut self, port: usize, events: u64) -> usize {
        debug_assert!(self.begun - self.released < SLOTS as u64, "push needs room");
        let at = Self::index(self.begun);
        self.begun += 1;
        self.slots[at] = Slot { port, len: 0, events };
        at
    }

    const fn index(number: u64) -> usize {
        number as usize % SLOTS
    }

    /// How many datagrams wait. `[engine]`
    #[inline]
    pub fn len(&self) -> usize {
        (self.begun - self.released) as usize
    }

    /// Does none wait? `[engine]`
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.begun == self.released
    }

    /// The datagram with `index` others before it, as it was when it was sealed. `[engine]`
    #[inline]
    pub fn get(&self, index: usize) -> Option<Datagram<'_>> {
        if index >= self.len() {
            return None;
        }
        let at = Self::index(self.released + index as u64);
        let slot = self.slots[at];
        Some(Datagram {
            port: slot.port,
            bytes: &self.bytes[at * self.stride..][..slot.len],
            events: slot.events,
        })
    }

    /// No more messages join the datagrams that wait. To be called before they are handed to the
    /// system, which may take only a part of them now. `[engine]`
    #[inline]
    pub fn seal(&mut self) {
        for port in 0..self.lanes.len() {
            self.close(port);
        }
    }

    /// The `count` oldest datagrams are dealt with. `[engine]`
    #[inline]
    pub fn release(&mut self, count: usize) {
        debug_assert!(count <= self.len());
        self.released += count as u64;
    }

    /// Forgets all that waits, SysEx that did not end yet included, and says how many packets it
    /// was. `[engine]`
    pub fn clear(&mut self) -> u64 {
        self.seal();
        let waiting = (0..self.len()).filter_map(|i| self.get(i)).map(|datagram| datagram.events);
        let mut events: u64 = waiting.sum();
        self.released = self.begun;
        for lane in &mut self.lanes {
            events += lane.sysex_events;
            lane.sysex_len = 0;
            lane.sysex_events = 0;
        }
        events
    }
}
