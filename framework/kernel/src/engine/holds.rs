//! Who holds what at a destination. One [`Tracker`] stands on each last hop, from an output port to
//! an endpoint's input port, and keeps what every source holds there by way of that hop.

use midibay_plugin::Event;
use midibay_ump::{Held, Ump};

/// Whether a packet may hold or release a note or a pedal: notes and controllers.
#[inline]
fn may_hold(head: u32) -> bool {
    // Message types 2 and 4 (by the masked group), status 8, 9 or B; and system messages for Reset.
    matches!(head >> 20 & 0xF0F, 0x208 | 0x209 | 0x20B | 0x408 | 0x409 | 0x40B | 0x10F)
}

/// What the sources of one last hop hold at its destination.
pub(crate) struct Tracker {
    /// The sources that can reach the hop, sorted.
    sources: Vec<u32>,
    held: Vec<Box<Held>>,
    /// Where the last event's source stands.
    last: usize,
    /// Where the node that the hop comes from stands: what a processor kept of a source that is not in
    /// the graph any more counts as the processor's own.
    own: usize,
}

impl Tracker {
    /// For these sources, and `own`, which is the output port that the hop comes from.
    pub(crate) fn new(mut sources: Vec<u32>, own: u32) -> Self {
        sources.push(own);
        sources.sort_unstable();
        sources.dedup();
        let held = sources.iter().map(|_| Held::boxed()).collect();
        let own = sources.partition_point(|source| *source < own);
        Self { sources, held, last: own, own }
    }

    /// The sources, sorted.
    pub(crate) fn sources(&self) -> &[u32] {
        &self.sources
    }

    /// Where a source stands in [`Tracker::sources`].
    pub(crate) fn place_of(&self, source: u32) -> Option<usize> {
        self.sources.binary_search(&source).ok()
    }

    /// Takes note of events that go to the destination. `[engine]`
    #[inline]
    pub(crate) fn watch(&mut self, events: &[Event]) {
        for event in events {
            if may_hold(event.ump.head()) {
                if self.sources[self.last] != event.source {
                    self.last = self.place_of(event.source).unwrap_or(self.own);
                }
                self.held[self.last].apply(&event.ump);
            }
        }
    }

    /// What a source holds.
    pub(crate) fn held_mut(&mut self, source: u32) -> Option<&mut Held> {
        let place = self.place_of(source)?;
        Some(&mut self.held[place])
    }

    /// Whether a source holds anything.
    pub(crate) fn is_holding(&self, source: u32) -> bool {
        self.place_of(source).is_some_and(|place| !self.held[place].is_empty())
    }

    /// Whether any source holds the note or pedal that this packet would release. `[engine]`
    pub(crate) fn holds_what_is_released_by(&self, ump: &Ump) -> bool {
        let (group, channel, number) =
            (ump.group(), (ump.head() >> 16 & 0xF) as u8, (ump.head() >> 8 & 0x7F) as u8);
        let pedal = ump.head() >> 20 & 0xF == 0xB;
        self.held.iter().any(|held| {
            !held.is_empty()
                && if pedal {
                    held.holds_pedal(group, channel, number)
                } else {
                    held.holds(group, channel, number)
                }
        })
    }

    /// Takes over what a source holds from the tracker of the same hop before a reload, if it reaches this
    /// hop. `[engine]`
    pub(crate) fn adopt(&mut self, source: u32, from: &mut Box<Held>) {
        if let Some(place) = self.place_of(source) {
            std::mem::swap(&mut self.held[place], from);
        }
    }

    /// What the source at this place of [`Tracker::sources`] holds.
    pub(crate) fn boxed_at(&mut self, place: usize) -> &mut Box<Held> {
        &mut self.held[place]
    }

    /// Forgets everything: the destination started anew.
    pub(crate) fn clear(&mut self) {
        for held in &mut self.held {
            held.clear();
        }
    }
}
