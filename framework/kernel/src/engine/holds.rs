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
}

impl Tracker {
    /// For these sources.
    pub(crate) fn new(mut sources: Vec<u32>) -> Self {
        sources.sort_unstable();
        sources.dedup();
        let held = sources.iter().map(|_| Held::boxed()).collect();
        Self { sources, held, last: 0 }
    }

    /// The sources, sorted.
    pub(crate) fn sources(&self) -> &[u32] {
        &self.sources
    }

    #[inline]
    fn place(&mut self, source: u32) -> Option<usize> {
        if self.sources.get(self.last) == Some(&source) {
            return Some(self.last);
        }
        self.last = self.sources.binary_search(&source).ok()?;
        Some(self.last)
    }

    /// Takes note of events that go to the destination. `[engine]`
    #[inline]
    pub(crate) fn watch(&mut self, events: &[Event]) {
        for event in events {
            if may_hold(event.ump.head())
                && let Some(place) = self.place(event.source)
            {
                self.held[place].apply(&event.ump);
            }
        }
    }

    /// What a source holds.
    pub(crate) fn held_mut(&mut self, source: u32) -> Option<&mut Held> {
        let place = self.place(source)?;
        Some(&mut self.held[place])
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

    /// Takes over what a source holds from the tracker of the same hop before a reload; false when the
    /// source does not reach this hop. `[engine]`
    pub(crate) fn adopt(&mut self, source: u32, from: &mut Box<Held>) -> bool {
        let place = self.place(source);
        if let Some(place) = place {
            std::mem::swap(&mut self.held[place], from);
        }
        place.is_some()
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
