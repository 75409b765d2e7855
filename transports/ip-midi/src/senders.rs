//! Datagrams to packets: one byte parser for each sender of a port.

use midibay_ump::{ByteParser, Ump};

use crate::address::Sender;

/// How many senders of one port are told apart.
pub const MAX_SENDERS: usize = 64;
/// A sender that is silent for this long (ns) in the middle of a SysEx will not end it.
pub const SYSEX_SILENCE: u64 = 2_000_000_000;
/// A sender that is silent for this long (ns) is not counted any more.
pub const SILENCE: u64 = 60_000_000_000;

/// The senders of one port. Nothing in a datagram says whose it is, so each address and UDP port has
/// a parser of its own: the SysEx of one may arrive in pieces between the notes of another.
///
/// Fixed memory; when all places are taken, the sender that was silent for longest makes room.
#[derive(Debug)]
pub struct Senders {
    ids: Box<[Sender]>,
    heard: Box<[u64]>,
    parsers: Box<[ByteParser]>,
    known: usize,
    /// The place of the sender that was heard last: most datagrams come from the same one again.
    last: usize,
}

impl Default for Senders {
    fn default() -> Self {
        Self::new()
    }
}

impl Senders {
    /// No senders yet. `[main]`
    pub fn new() -> Self {
        Self {
            ids: vec![Sender::default(); MAX_SENDERS].into_boxed_slice(),
            heard: vec![0; MAX_SENDERS].into_boxed_slice(),
            parsers: vec![ByteParser::new(); MAX_SENDERS].into_boxed_slice(),
            known: 0,
            last: 0,
        }
    }

    /// The place of a sender that was heard before. `[engine]`
    #[inline]
    pub fn find(&mut self, sender: Sender) -> Option<usize> {
        if self.last < self.known && self.ids[self.last] == sender {
            return Some(self.last);
        }
        let place = self.ids[..self.known].iter().position(|id| *id == sender)?;
        self.last = place;
        Some(place)
    }

    /// A place for a sender that was not heard before. If another has to leave for it, `sink` gets the
    /// end of a SysEx that it left open. `[engine]`
    pub fn admit(&mut self, sender: Sender, sink: impl FnMut(Ump)) -> usize {
        let place = if self.known < self.ids.len() {
            self.known += 1;
            self.known - 1
        } else {
            let oldest = self.heard.iter().enumerate().min_by_key(|(_, heard)| **heard);
            let place = oldest.map_or(0, |(place, _)| place);
            self.parsers[place].finish(0, sink);
            place
        };
        self.ids[place] = sender;
        self.parsers[place] = ByteParser::new();
        self.last = place;
        place
    }

    /// Reads a datagram of the sender at `place`; `sink` gets the packets, of group 0. Returns how many
    /// things were wrong in it. `now` is monotonic, ns. `[engine]`
    #[inline]
    pub fn read(&mut self, place: usize, now: u64, datagram: &[u8], sink: impl FnMut(Ump)) -> u64 {
        self.heard[place] = now;
        let parser = &mut self.parsers[place];
        let before = parser.errors().total();
        parser.parse(0, datagram, sink);
        parser.errors().total() - before
    }

    /// When [`Senders::tick`] will have something to do for the sender at `place`: while it has a SysEx
    /// open. `[engine]`
    #[inline]
    pub fn deadline(&self, place: usize) -> Option<u64> {
        self.parsers[place].in_sysex().then(|| self.heard[place].saturating_add(SYSEX_SILENCE))
    }

    /// Ends the SysEx of senders that fell silent in the middle of it; `sink` gets the ends, so that no
    /// receiver waits for more. Returns how many there were, and when to call again. `[engine]`
    pub fn tick(&mut self, now: u64, mut sink: impl FnMut(Ump)) -> (u64, Option<u64>) {
        let (mut ended, mut next) = (0, None);
        for place in 0..self.known {
            match self.deadline(place) {
                Some(deadline) if deadline <= now => {
                    self.parsers[place].finish(0, &mut sink);
                    ended += 1;
                }
                Some(deadline) => next = Some(next.map_or(deadline, |next: u64| next.min(deadline))),
                None => {}
            }
        }
        (ended, next)
    }

    /// Forgets all senders; `sink` gets the ends of SysEx that were open. `[engine]`
    pub fn forget(&mut self, mut sink: impl FnMut(Ump)) {
        for parser in &mut self.parsers[..self.known] {
            parser.finish(0, &mut sink);
        }
        self.known = 0;
    }

    /// How many senders were heard within the last minute. `[engine]`
    pub fn active(&self, now: u64) -> usize {
        self.heard[..self.known].iter().filter(|heard| now.saturating_sub(**heard) < SILENCE).count()
    }
}
