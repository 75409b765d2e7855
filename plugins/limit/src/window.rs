//! The controls that sent a value a short while ago, and the values that wait for their turn.
//!
//! Every control that sent something stands in one list, in the order of sending, so that the next
//! turn is always the first one's: nothing is searched and no timer is kept per control. A control
//! leaves the list when its turn comes and no value waits. The values that wait stand in a second
//! list per channel, in order of arrival, for events that must not overtake them.

use midibay_plugin::{Event, Out};

use crate::control::{CONTROLS, Key};

/// How many controls can be under way within one interval. With more, the oldest gets its turn early.
const ENTRIES: usize = 4096;
const NONE: u16 = u16::MAX;

#[derive(Clone, Copy, Default)]
struct Link {
    prev: u16,
    next: u16,
}

#[derive(Clone, Copy)]
struct List {
    first: u16,
    last: u16,
}

impl List {
    const EMPTY: Self = Self { first: NONE, last: NONE };
}

/// Which of an entry's two links a list runs through.
#[derive(Clone, Copy)]
enum Through {
    Recent = 0,
    Waiting = 1,
}

struct Entry {
    /// The value that waits, where one does.
    event: Event,
    /// When a value of this control was last sent, ns.
    sent: u64,
    /// The arrival number of the value that waits.
    arrival: u64,
    key: Key,
    links: [Link; 2],
    waits: bool,
}

pub(crate) struct Window {
    /// For each control its entry's number plus one, or 0. Zeroed, so that the system only gives it
    /// memory where controls move.
    slots: Box<[u16]>,
    entries: Vec<Entry>,
    free: Vec<u16>,
    recent: List,
    waiting: [List; 256],
    waiting_count: usize,
    arrivals: u64,
    thinned: u64,
}

impl Window {
    /// Takes its memory, about 0.6 MB, most of it untouched until it is needed. [main]
    pub(crate) fn new() -> Self {
        Self {
            slots: vec![0; CONTROLS].into_boxed_slice(),
            entries: Vec::with_capacity(ENTRIES),
            free: Vec::with_capacity(ENTRIES),
            recent: List::EMPTY,
            waiting: [List::EMPTY; 256],
            waiting_count: 0,
            arrivals: 0,
            thinned: 0,
        }
    }

    /// How many values were left out so far.
    pub(crate) fn thinned(&self) -> u64 {
        self.thinned
    }

    /// When to look again, if any value waits: no later than the first one's turn. [engine]
    pub(crate) fn due(&self, interval: u64) -> Option<u64> {
        if self.waiting_count == 0 {
            return None;
        }
        self.entries.get(usize::from(self.recent.first)).map(|first| first.sent + interval)
    }

    /// Sends the values whose turn has come. [engine]
    pub(crate) fn run(&mut self, now: u64, interval: u64, out: &mut Out) {
        while let Some(first) = self.entries.get(usize::from(self.recent.first)) {
            if first.sent + interval > now {
                return;
            }
            let index = self.recent.first;
            if first.waits {
                self.send(index, now, out);
            } else {
                self.remove(index);
            }
        }
    }

    /// A new value: sent at once, or it waits in place of the one that waited before. [engine]
    #[inline]
    pub(crate) fn offer(&mut self, event: Event, key: Key, now: u64, out: &mut Out) {
        self.arrivals += 1;
        let arrival = self.arrivals;
        let Some(index) = self.find(key) else {
            self.send_partner(key, arrival, now, out);
            out.push(event);
            self.insert(key, now, out);
            return;
        };
        let entry = &mut self.entries[usize::from(index)];
        entry.event = event;
        entry.arrival = arrival;
        if std::mem::replace(&mut entry.waits, true) {
            self.thinned += 1;
            self.unlink(Through::Waiting, index);
        } else {
            self.waiting_count += 1;
        }
        self.append(Through::Waiting, index);
    }

    /// Sends what waits on a channel (`group << 4 | channel`), in order of arrival. [engine]
    #[inline]
    pub(crate) fn flush_channel(&mut self, channel: usize, now: u64, out: &mut Out) {
        while self.waiting[channel].first != NONE {
            self.send(self.waiting[channel].first, now, out);
        }
    }

    /// Sends what waits on all channels of a group (0-15). [engine]
    #[inline]
    pub(crate) fn flush_group(&mut self, group: u8, now: u64, out: &mut Out) {
        if self.waiting_count == 0 {
            return;
        }
        let first = usize::from(group) << 4;
        for channel in first..first + 16 {
            self.flush_channel(channel, now, out);
        }
    }

    /// Sends everything that waits. [engine]
    pub(crate) fn flush_all(&mut self, now: u64, out: &mut Out) {
        for group in 0..16 {
            self.flush_group(group, now, out);
        }
    }

    /// Sends what waits and came from this source. [engine]
    pub(crate) fn flush_source(&mut self, source: u32, now: u64, out: &mut Out) {
        for index in 0..self.entries.len() {
            let entry = &self.entries[index];
            if entry.waits && entry.event.source == source {
                self.send(index as u16, now, out);
            }
        }
    }

    #[inline]
    fn find(&self, key: Key) -> Option<u16> {
        self.slots[key.index()].checked_sub(1)
    }

    /// Sends the value that waits in an entry; the control goes to the end of the list.
    fn send(&mut self, index: u16, now: u64, out: &mut Out) {
        let Entry { key, arrival, .. } = self.entries[usize::from(index)];
        self.send_partner(key, arrival, now, out);
        self.push_out(index, now, out);
    }

    /// A receiver puts the two halves of a 14-bit controller together by their order, so the other
    /// half goes first if it came first.
    #[inline]
    fn send_partner(&mut self, key: Key, before: u64, now: u64, out: &mut Out) {
        if self.waiting_count == 0 {
            return;
        }
        let Some(partner) = key.partner().and_then(|partner| self.find(partner)) else { return };
        let entry = &self.entries[usize::from(partner)];
        if entry.waits && entry.arrival < before {
            self.push_out(partner, now, out);
        }
    }

    fn push_out(&mut self, index: u16, now: u64, out: &mut Out) {
        let entry = &mut self.entries[usize::from(index)];
        entry.waits = false;
        entry.sent = now;
        out.push(entry.event);
        self.waiting_count -= 1;
        self.unlink(Through::Waiting, index);
        self.unlink(Through::Recent, index);
        self.append(Through::Recent, index);
    }

    /// Notes that a control without an entry has just sent.
    fn insert(&mut self, key: Key, now: u64, out: &mut Out) {
        if self.free.is_empty() && self.entries.len() == ENTRIES {
            let oldest = self.recent.first;
            if self.entries[usize::from(oldest)].waits {
                self.send(oldest, now, out);
            }
            self.remove(oldest);
        }
        let entry = Entry {
            event: Event::default(),
            sent: now,
            arrival: 0,
            key,
            links: [Link::default(); 2],
            waits: false,
        };
        let index = match self.free.pop() {
            Some(index) => {
                self.entries[usize::from(index)] = entry;
                index
            }
            None => {
                self.entries.push(entry);
                (self.entries.len() - 1) as u16
            }
        };
        self.slots[key.index()] = index + 1;
        self.append(Through::Recent, index);
    }

    /// Forgets a control for which nothing waits.
    fn remove(&mut self, index: u16) {
        self.unlink(Through::Recent, index);
        self.slots[self.entries[usize::from(index)].key.index()] = 0;
        self.free.push(index);
    }

    fn list(&mut self, through: Through, index: u16) -> &mut List {
        match through {
            Through::Recent => &mut self.recent,
            Through::Waiting => &mut self.waiting[self.entries[usize::from(index)].key.channel()],
        }
    }

    fn append(&mut self, through: Through, index: u16) {
        let list = self.list(through, index);
        let last = std::mem::replace(&mut list.last, index);
        if last == NONE {
            list.first = index;
        } else {
            self.entries[usize::from(last)].links[through as usize].next = index;
        }
        self.entries[usize::from(index)].links[through as usize] = Link { prev: last, next: NONE };
    }

    fn unlink(&mut self, through: Through, index: u16) {
        let Link { prev, next } = self.entries[usize::from(index)].links[through as usize];
        if prev == NONE {
            self.list(through, index).first = next;
        } else {
            self.entries[usize::from(prev)].links[through as usize].next = next;
        }
        if next == NONE {
            self.list(through, index).last = prev;
        } else {
            self.entries[usize::from(next)].links[through as usize].prev = prev;
        }
    }
}
