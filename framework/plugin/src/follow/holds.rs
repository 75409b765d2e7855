//! The table behind: who holds which key, and what became of it.

use super::Key;

/// No more holds fit: too many keys are down at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

/// What the end of a key means for the other side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// The key was not held.
    Unknown,
    /// It was held, and dropped when it went down.
    Dropped,
    /// What it became is still held by another key of the same source.
    Shared,
    /// What it became is held no more.
    Last(Key),
}

/// One key that a source holds. `next_from` and `next_to` are places in the pool, counted from 1, of
/// the next hold of the same key and of what became the same; 0 ends the chain.
struct Hold {
    source: u32,
    from: Key,
    /// Meaningless where `DROPPED`.
    to: Key,
    next_from: u16,
    next_to: u16,
    flags: u8,
}

const LIVE: u8 = 1;
const DROPPED: u8 = 2;
const MIDI2: u8 = 4;

/// Which keys each source holds and what each became: a pool of fixed size, chained by where a key
/// came from and by where it went, so that nothing is ever searched but a handful of holds.
pub struct Holds {
    /// For each key, 1 + the place of the first hold that came from it. Zeroed memory, so that pages
    /// nobody plays on cost nothing.
    from: Box<[u16]>,
    /// The same by what it became.
    to: Box<[u16]>,
    /// Grows up to its capacity and never beyond, so pushing does not allocate.
    pool: Vec<Hold>,
    capacity: u16,
    /// The chain of freed places, by `next_from`.
    free: u16,
    live: u16,
}

impl Holds {
    /// Room for that many. `[main]`
    pub fn new(capacity: u16) -> Self {
        Self {
            from: vec![0; Key::COUNT].into(),
            to: vec![0; Key::COUNT].into(),
            pool: Vec::with_capacity(usize::from(capacity)),
            capacity,
            free: 0,
            live: 0,
        }
    }

    #[inline]
    fn find(&self, source: u32, from: Key) -> Option<u16> {
        let mut place = self.from[from.index()];
        while place != 0 {
            let hold = &self.pool[usize::from(place) - 1];
            if hold.source == source {
                return Some(place);
            }
            place = hold.next_from;
        }
        None
    }

    /// What became of a key: `None` if this source does not hold it, `Some(None)` if it was dropped.
    /// `[engine]`
    #[inline]
    pub fn way(&self, source: u32, from: Key) -> Option<Option<Key>> {
        let hold = &self.pool[usize::from(self.find(source, from)?) - 1];
        Some((hold.flags & DROPPED == 0).then_some(hold.to))
    }

    /// Whether this source holds something that became `to`. `[engine]`
    #[inline]
    pub fn holds(&self, source: u32, to: Key) -> bool {
        let mut place = self.to[to.index()];
        while place != 0 {
            let hold = &self.pool[usize::from(place) - 1];
            if hold.source == source {
                return true;
            }
            place = hold.next_to;
        }
        false
    }

    /// A key goes down and becomes `to` (`None`: it is dropped). Returns what it was until now and
    /// what nothing holds any more, and whether that was a MIDI 2.0 message: to be released first.
    /// `[engine]`
    ///
    /// # Errors
    /// There is no room; nothing has changed.
    #[inline]
    pub fn begin(
        &mut self,
        source: u32,
        from: Key,
        to: Option<Key>,
        midi2: bool,
    ) -> Result<Option<(Key, bool)>, Full> {
        let mut old = None;
        if let Some(place) = self.find(source, from) {
            let hold = &mut self.pool[usize::from(place) - 1];
            if (hold.flags & DROPPED == 0).then_some(hold.to) == to {
                hold.flags = hold.flags & !MIDI2 | if midi2 { MIDI2 } else { 0 };
                return Ok(None);
            }
            let was_midi2 = hold.flags & MIDI2 != 0;
            if let Ended::Last(key) = self.remove(place) {
                old = Some((key, was_midi2));
            }
        }
        self.insert(source, from, to, midi2)?;
        Ok(old)
    }

    fn insert(&mut self, source: u32, from: Key, to: Option<Key>, midi2: bool) -> Result<(), Full> {
        let mut hold = Hold {
            source,
            from,
            to: to.unwrap_or(from),
            next_from: self.from[from.index()],
            next_to: 0,
            flags: LIVE | if to.is_none() { DROPPED } else { 0 } | if midi2 { MIDI2 } else { 0 },
        };
        if let Some(to) = to {
            hold.next_to = self.to[to.index()];
        }
        let place = if self.free != 0 {
            let place = self.free;
            let slot = &mut self.pool[usize::from(place) - 1];
            self.free = slot.next_from;
            *slot = hold;
            place
        } else if self.pool.len() < usize::from(self.capacity) {
            self.pool.push(hold);
            self.pool.len() as u16
        } else {
            return Err(Full);
        };
        self.from[from.index()] = place;
        if let Some(to) = to {
            self.to[to.index()] = place;
        }
        self.live += 1;
        Ok(())
    }

    /// A key comes up. `[engine]`
    #[inline]
    pub fn end(&mut self, source: u32, from: Key) -> Ended {
        match self.find(source, from) {
            Some(place) => self.remove(place),
            None => Ended::Unknown,
        }
    }

    /// Takes a hold out; never `Unknown`.
    fn remove(&mut self, place: u16) -> Ended {
        let hold = &self.pool[usize::from(place) - 1];
        let (source, from, to, dropped) = (hold.source, hold.from, hold.to, hold.flags & DROPPED != 0);
        let (after_from, after_to) = (hold.next_from, hold.next_to);

        if self.from[from.index()] == place {
            self.from[from.index()] = after_from;
        } else {
            let mut at = self.from[from.index()];
            while self.pool[usize::from(at) - 1].next_from != place {
                at = self.pool[usize::from(at) - 1].next_from;
            }
            self.pool[usize::from(at) - 1].next_from = after_from;
        }
        if !dropped {
            if self.to[to.index()] == place {
                self.to[to.index()] = after_to;
            } else {
                let mut at = self.to[to.index()];
                while self.pool[usize::from(at) - 1].next_to != place {
                    at = self.pool[usize::from(at) - 1].next_to;
                }
                self.pool[usize::from(at) - 1].next_to = after_to;
            }
        }

        let slot = &mut self.pool[usize::from(place) - 1];
        slot.flags = 0;
        slot.next_from = self.free;
        self.free = place;
        self.live -= 1;
        match dropped {
            true => Ended::Dropped,
            false if self.holds(source, to) => Ended::Shared,
            false => Ended::Last(to),
        }
    }

    /// Ends every key of a source that `which` picks, and hands out what nothing holds any more, and
    /// whether that was a MIDI 2.0 message. `[engine]`
    pub fn end_all(&mut self, source: u32, which: impl Fn(Key) -> bool, mut released: impl FnMut(Key, bool)) {
        for place in 1..=self.pool.len() as u16 {
            if self.live == 0 {
                return;
            }
            let hold = &self.pool[usize::from(place) - 1];
            if hold.flags & LIVE != 0 && hold.source == source && which(hold.from) {
                let midi2 = hold.flags & MIDI2 != 0;
                if let Ended::Last(key) = self.remove(place) {
                    released(key, midi2);
                }
            }
        }
    }

    /// Ends everything that anybody holds, and hands out each with its source and whether it was a
    /// MIDI 2.0 message; what a source holds by several keys comes once. `[engine]`
    pub fn take_all(&mut self, mut released: impl FnMut(u32, Key, bool)) {
        for place in 1..=self.pool.len() as u16 {
            if self.live == 0 {
                return;
            }
            let hold = &self.pool[usize::from(place) - 1];
            if hold.flags & LIVE != 0 {
                let (source, midi2) = (hold.source, hold.flags & MIDI2 != 0);
                if let Ended::Last(key) = self.remove(place) {
                    released(source, key, midi2);
                }
            }
        }
    }

    /// Forgets all that a source holds. `[engine]`
    pub fn forget(&mut self, source: u32) {
        self.end_all(source, |_| true, |_, _| {});
    }

    /// How many keys are held. `[engine]`
    #[inline]
    pub fn len(&self) -> usize {
        usize::from(self.live)
    }

    /// Whether nothing is held. `[engine]`
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }
}
