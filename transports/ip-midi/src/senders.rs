//! Datagrams to packets: one byte parser for each sender of a port.

use midibay_plugin::Event;
use midibay_plugin::ump::{ByteParser, SysexMerger, Ump};

use crate::address::Sender;

/// How many senders of one port are told apart.
pub const MAX_SENDERS: usize = 64;
/// A SysEx of which nothing comes for this long (ns) will not be ended by its sender, and others wait
/// behind it. Long enough for a sender that fills datagrams at the speed of a MIDI cable.
pub const SYSEX_SILENCE: u64 = 1_000_000_000;
/// A sender that is silent for this long (ns) is not counted any more.
pub const SILENCE: u64 = 60_000_000_000;
/// How many packets can wait while another sender's SysEx comes in.
const WAITING: usize = 1024;

/// What was wrong with datagrams, counted since it was asked last.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Faults {
    /// Bytes and messages that are no MIDI, and SysEx that stopped in the middle.
    pub malformed: u64,
    /// Packets that found no room while they waited behind a SysEx.
    pub overflow: u64,
}

/// The senders of one port. Nothing in a datagram says whose it is, so each address and UDP port has
/// a parser of its own: the SysEx of one may arrive in pieces between the notes of another. What comes
/// out is one stream again, in which each SysEx is whole.
///
/// Fixed memory; when all places are taken, the sender that was silent for longest makes room.
#[derive(Debug)]
pub struct Senders {
    ids: Box<[Sender]>,
    heard: Box<[u64]>,
    /// When something came last for the SysEx that a sender has open.
    continued: Box<[u64]>,
    parsers: Box<[ByteParser]>,
    known: usize,
    /// The place of the sender that was heard last: most datagrams come from the same one again.
    last: usize,
    /// Its sources are places.
    merger: SysexMerger,
    malformed: u64,
    /// The merger's counters when they were last looked at.
    counted: Faults,
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
            continued: vec![0; MAX_SENDERS].into_boxed_slice(),
            parsers: vec![ByteParser::new(); MAX_SENDERS].into_boxed_slice(),
            known: 0,
            last: 0,
            // `tick` ends a SysEx where it is parsed, so that its last bytes come out too.
            merger: SysexMerger::new(WAITING, u64::MAX),
            malformed: 0,
            counted: Faults::default(),
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
    /// end of a SysEx that it left open. `now` is monotonic, ns. `[engine]`
    pub fn admit(&mut self, sender: Sender, now: u64, mut sink: impl FnMut(Ump)) -> usize {
        let place = if self.known < self.ids.len() {
            self.known += 1;
            self.known - 1
        } else {
            let oldest = self.heard.iter().enumerate().min_by_key(|(_, heard)| **heard);
            let place = oldest.map_or(0, |(place, _)| place);
            self.give_up(place, now, &mut sink);
            place
        };
        self.ids[place] = sender;
        self.parsers[place] = ByteParser::new();
        self.last = place;
        place
    }

    /// Reads a datagram of the sender at `place`; `sink` gets the packets, of group 0. `[engine]`
    #[inline]
    pub fn read(&mut self, place: usize, now: u64, datagram: &[u8], mut sink: impl FnMut(Ump)) {
        self.heard[place] = now;
        let parser = &mut self.parsers[place];
        if self.merger.deadline().is_some() || parser.in_sysex() || datagram.contains(&0xF0) {
            return self.read_sysex(place, now, datagram, &mut sink);
        }
        let before = parser.errors().total();
        parser.parse(0, datagram, sink);
        self.malformed += parser.errors().total() - before;
    }

    /// The same where a SysEx is open, or may begin.
    #[cold]
    fn read_sysex(&mut self, place: usize, now: u64, datagram: &[u8], sink: &mut dyn FnMut(Ump)) {
        let (parser, merger) = (&mut self.parsers[place], &mut self.merger);
        let before = parser.errors().total();
        parser.parse(0, datagram, |ump| merge(merger, now, place, ump, sink));
        self.malformed += parser.errors().total() - before;
        // A clock that goes on is no sign that the SysEx does.
        if parser.in_sysex() && datagram.iter().any(|byte| *byte < 0xF8) {
            self.continued[place] = now;
        }
    }

    /// When [`Senders::tick`] will have something to do for the sender at `place`: while it has a SysEx
    /// open. `[engine]`
    #[inline]
    pub fn deadline(&self, place: usize) -> Option<u64> {
        self.parsers[place].in_sysex().then(|| self.continued[place].saturating_add(SYSEX_SILENCE))
    }

    /// Ends SysEx of which nothing comes any more; `sink` gets the ends, so that no receiver waits, and
    /// what waited behind. Returns when to call again. `[engine]`
    pub fn tick(&mut self, now: u64, mut sink: impl FnMut(Ump)) -> Option<u64> {
        for place in 0..self.known {
            if self.deadline(place).is_some_and(|deadline| now >= deadline) {
                self.give_up(place, now, &mut sink);
            }
        }
        (0..self.known).filter_map(|place| self.deadline(place)).min()
    }

    /// Forgets all senders; `sink` gets the ends of SysEx that were open, and what waited. `[engine]`
    pub fn forget(&mut self, now: u64, mut sink: impl FnMut(Ump)) {
        for place in 0..self.known {
            self.give_up(place, now, &mut sink);
        }
        self.known = 0;
    }

    fn give_up(&mut self, place: usize, now: u64, sink: &mut dyn FnMut(Ump)) {
        let (parser, merger) = (&mut self.parsers[place], &mut self.merger);
        let before = parser.errors().total();
        parser.finish(0, |ump| merge(merger, now, place, ump, sink));
        self.malformed += parser.errors().total() - before;
        // Who comes to this place next has nothing to do with a SysEx that was cut off before.
        merger.vanished(now, place as u32, |event| sink(event.ump));
    }

    /// How many senders were heard within the last minute. `[engine]`
    pub fn active(&self, now: u64) -> usize {
        self.heard[..self.known].iter().filter(|heard| now.saturating_sub(**heard) < SILENCE).count()
    }

    /// What was wrong since it was asked last. `[engine]`
    #[inline]
    pub fn take_faults(&mut self) -> Faults {
        let counts = self.merger.counts();
        let merger =
            Faults { malformed: counts.timed_out + counts.orphans, overflow: self.merger.overload().total() };
        let before = std::mem::replace(&mut self.counted, merger);
        Faults {
            malformed: std::mem::take(&mut self.malformed) + merger.malformed - before.malformed,
            overflow: merger.overflow - before.overflow,
        }
    }
}

/// A packet on its way out, behind an open SysEx of somebody else if there is one.
fn merge(merger: &mut SysexMerger, now: u64, place: usize, ump: Ump, sink: &mut dyn FnMut(Ump)) {
    let event = Event { source: place as u32, ..Event::new(now, ump) };
    merger.push(now, event, |event| sink(event.ump));
}
