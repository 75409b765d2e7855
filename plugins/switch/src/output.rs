//! What the output was told and what it holds.

use midibay_plugin::follow::{Holds, Key};
use midibay_plugin::ump::MidiState;
use midibay_plugin::{Event, Out, Ump};

/// How many notes and pedals can be held at once.
const HOLDS: u16 = 4096;
/// How many messages of a reconciliation are worked out at once.
const CHUNK: usize = 512;
/// How often at most: the largest state takes fewer.
const CHUNKS: usize = 256;

pub(crate) struct Output {
    /// The state that the receiver is in.
    told: MidiState,
    /// Notes and pedals by source, so that each is released in the name of who held it.
    holds: Holds,
    chunk: Vec<Ump>,
}

impl Output {
    /// About 0.7 MB. [main]
    pub(crate) fn new() -> Self {
        Self { told: MidiState::new(16), holds: Holds::new(HOLDS), chunk: Vec::with_capacity(CHUNK) }
    }

    /// Sends an event. False for a note that cannot be remembered and so must not start. [engine]
    #[inline]
    pub(crate) fn send(&mut self, event: &Event, out: &mut Out) -> bool {
        let ump = &event.ump;
        if ump.message_type() == 2 || ump.message_type() == 4 {
            if let Some(key) = Key::of(ump)
                && !self.hold(event.source, key, ump)
            {
                return false;
            }
        } else if ump.head() >> 16 & 0xF0FF == 0x10FF {
            self.holds.end_all(event.source, |key| key.group() == ump.group(), |_, _| {});
        }
        self.told.apply(ump);
        out.push(event.at_port(0));
        true
    }

    /// Notes what a message holds or ends.
    fn hold(&mut self, source: u32, key: Key, ump: &Ump) -> bool {
        let midi2 = ump.message_type() == 4;
        let down = if !key.is_controller() {
            if !ump.is_note_on() && !ump.is_note_off() {
                return true;
            }
            ump.is_note_on()
        } else if key.is_pedal() {
            // Down from the middle on, as the engine counts it; below it is a value like others.
            if midi2 { ump.raw()[1] >> 31 != 0 } else { ump.data2() & 0x40 != 0 }
        } else {
            let pedals = match key.number() {
                121 => true,
                120 | 123.. => false,
                _ => return true,
            };
            self.holds.end_all(
                source,
                |held| held.channel_index() == key.channel_index() && held.is_controller() == pedals,
                |_, _| {},
            );
            return true;
        };
        if down {
            self.holds.begin(source, key, Some(key), midi2).is_ok()
        } else {
            self.holds.end(source, key);
            true
        }
    }

    /// Releases everything that is held; `released` hears of each note. The events are made like
    /// `like`, in the name of who held. [engine]
    pub(crate) fn release(&mut self, like: &Event, out: &mut Out, mut released: impl FnMut(Key)) {
        let told = &mut self.told;
        self.holds.take_all(|source, key, midi2| {
            let ump = key.release(midi2);
            told.apply(&ump);
            out.push(Event { source, ..like.with(ump).at_port(0) });
            if !key.is_controller() {
                released(key);
            }
        });
    }

    /// Brings the receiver to the state `to`; of the notes that sound there, `retrigger` picks the ones
    /// that start. [engine]
    pub(crate) fn reconcile(
        &mut self,
        to: &MidiState,
        like: &Event,
        out: &mut Out,
        mut retrigger: impl FnMut(Key) -> bool,
    ) {
        for _ in 0..CHUNKS {
            let mut chunk = std::mem::take(&mut self.chunk);
            MidiState::diff(&self.told, to, |ump| {
                let starts = Key::of(&ump).filter(|key| !key.is_controller() && !ump.is_note_off());
                if chunk.len() < CHUNK && starts.is_none_or(&mut retrigger) {
                    chunk.push(ump);
                }
            });
            let whole = chunk.len() < CHUNK;
            for ump in chunk.drain(..) {
                self.send(&like.with(ump), out);
            }
            self.chunk = chunk;
            if whole {
                return;
            }
        }
    }

    /// Takes note of what was released behind this node because its source is gone. [engine]
    pub(crate) fn source_lost(&mut self, source: u32) {
        let told = &mut self.told;
        self.holds.end_all(source, |_| true, |key, midi2| told.apply(&key.release(midi2)));
    }
}
