//! For processors that move or drop notes: the Note Off goes where its Note On went.
//!
//! | a processor that | uses |
//! |---|---|
//! | sends notes and pedals somewhere else, or drops some | [`Follow`] |
//! | drops or moves SysEx | [`Runs`] |
//!
//! Both take their memory when they are made; then nothing allocates.

mod holds;
mod key;
mod runs;

use midibay_ump::Event;

pub use holds::{Ended, Full, Holds};
pub use key::Key;
pub use runs::Runs;

use crate::out::Out;

/// How many notes and pedals one [`Follow`] can know to be down at once.
const CAPACITY: u16 = 4096;

/// Sends notes and controllers where the processor says and remembers where each went, for each
/// source by itself, so that
/// - a Note Off goes the way of its Note On, and is dropped where that was dropped, also when the
///   options have changed since;
/// - where two notes of one source became one, only the last Note Off goes out;
/// - a note played again after a change releases the old one first;
/// - a pedal that went down somewhere comes up there;
/// - All Notes Off, Reset All Controllers and System Reset still end what they would have ended, when
///   the processor drops them or sends them elsewhere.
///
/// Call [`Follow::source_lost`] from [`crate::Node::source_lost`].
pub struct Follow {
    holds: Holds,
}

impl Default for Follow {
    fn default() -> Self {
        Self::new()
    }
}

impl Follow {
    /// Room for 4096 notes and pedals down at once, about 300 KB of which only what is used becomes
    /// resident. `[main]`
    pub fn new() -> Self {
        Self { holds: Holds::new(CAPACITY) }
    }

    /// A message that has a note ([`Key::of`] gives a note): Note On, Note Off, poly pressure and the
    /// per-note messages of MIDI 2.0. `to` is where a Note On goes by the options of now; `None` drops
    /// it. `[engine]`
    ///
    /// # Errors
    /// A Note On was dropped, since its Note Off could not be remembered: count it.
    #[inline]
    pub fn note(&mut self, event: &Event, to: Option<Key>, out: &mut Out) -> Result<(), Full> {
        let Some(from) = Key::of(&event.ump) else { return Ok(()) };
        if event.ump.is_note_on() {
            let midi2 = event.ump.message_type() == 4;
            if let Some((old, midi2)) = self.holds.begin(event.source, from, to, midi2)? {
                out.push(event.with(old.release(midi2)));
            }
            if let Some(to) = to {
                out.push(event.with(to.readdress(&event.ump)));
            }
        } else if event.ump.is_note_off() {
            self.end(event, from, to, out);
        } else if let Some(to) = self.holds.way(event.source, from).unwrap_or(to) {
            out.push(event.with(to.readdress(&event.ump)));
        }
        Ok(())
    }

    /// Ends what `from` holds, and sends the message there. One that ends nothing we know of goes by
    /// the options of now: it may be for something that sounded before we came.
    fn end(&mut self, event: &Event, from: Key, to: Option<Key>, out: &mut Out) {
        let to = match self.holds.end(event.source, from) {
            Ended::Last(held) => Some(held),
            Ended::Shared | Ended::Dropped => None,
            Ended::Unknown => to.filter(|to| !self.holds.holds(event.source, *to)),
        };
        if let Some(to) = to {
            out.push(event.with(to.readdress(&event.ump)));
        }
    }

    /// A control change (MIDI 1.0 or 2.0). `to` is where it goes by the options of now; `None` drops
    /// it. Only the pedals that hold notes are remembered; below the middle they go the way on which
    /// they went down. The mode messages (120-127) must stay mode messages. `[engine]`
    ///
    /// # Errors
    /// A pedal that went down was dropped, since its coming up could not be remembered: count it.
    #[inline]
    pub fn controller(&mut self, event: &Event, to: Option<Key>, out: &mut Out) -> Result<(), Full> {
        let Some(from) = Key::of(&event.ump) else { return Ok(()) };
        let known = self.holds.way(event.source, from);
        if known.is_none() && !to.is_some_and(Key::is_pedal) {
            if from.number() >= 120 {
                self.mode(event, to, out);
            } else if let Some(to) = to {
                out.push(event.with(to.readdress(&event.ump)));
            }
            return Ok(());
        }
        self.pedal(event, from, known.flatten(), to, out)
    }

    fn pedal(
        &mut self,
        event: &Event,
        from: Key,
        held: Option<Key>,
        to: Option<Key>,
        out: &mut Out,
    ) -> Result<(), Full> {
        let midi2 = event.ump.message_type() == 4;
        let (zero, down) = if midi2 {
            let value = event.ump.raw()[1];
            (value == 0, value >> 31 != 0)
        } else {
            (event.ump.data2() & 0x7F == 0, event.ump.data2() & 0x40 != 0)
        };
        if zero {
            self.end(event, from, to, out);
        } else if let (Some(held), false) = (held, down) {
            out.push(event.with(held.readdress(&event.ump)));
        } else if let Some(to) = to {
            // A half-pressed pedal (1-63) counts too: the receiver may use the whole way of it.
            let old = if to.is_pedal() {
                self.holds.begin(event.source, from, Some(to), midi2)?
            } else {
                match self.holds.end(event.source, from) {
                    Ended::Last(old) => Some((old, midi2)),
                    _ => None,
                }
            };
            if let Some((old, midi2)) = old {
                out.push(event.with(old.release(midi2)));
            }
            out.push(event.with(to.readdress(&event.ump)));
        }
        Ok(())
    }

    /// A channel mode message (controllers 120-127): it ends what is held on its channel, and where it
    /// does not arrive there, we do. For a processor that leaves other controllers alone;
    /// [`Follow::controller`] covers these too. `to` must be a mode message as well; `None` drops it.
    /// `[engine]`
    pub fn mode(&mut self, event: &Event, to: Option<Key>, out: &mut Out) {
        let Some(from) = Key::of(&event.ump) else { return };
        // 122, local control, ends nothing.
        if from.number() != 122 {
            let pedals = from.number() == 121;
            let theirs =
                |held: Key| held.channel_index() == from.channel_index() && held.is_controller() == pedals;
            let reached = |held: Key| to.is_some_and(|to| to.channel_index() == held.channel_index());
            self.release(event, theirs, reached, out);
        }
        if let Some(to) = to {
            out.push(event.with(to.readdress(&event.ump)));
        }
    }

    /// A System Reset, which ends everything in its group. `to` is the group (0-15) it goes to; `None`
    /// drops it. `[engine]`
    pub fn reset(&mut self, event: &Event, to: Option<u8>, out: &mut Out) {
        let group = event.ump.group();
        self.release(event, |held| held.group() == group, |held| to == Some(held.group()), out);
        if let Some(to) = to {
            out.push(event.with(event.ump.with_group(to)));
        }
    }

    fn release(
        &mut self,
        event: &Event,
        theirs: impl Fn(Key) -> bool,
        reached: impl Fn(Key) -> bool,
        out: &mut Out,
    ) {
        self.holds.end_all(event.source, theirs, |held, midi2| {
            if !reached(held) {
                out.push(event.with(held.release(midi2)));
            }
        });
    }

    /// What became of the note or pedal that this source holds: `None` if it holds none, `Some(None)`
    /// if it was dropped. `[engine]`
    #[inline]
    pub fn way(&self, source: u32, from: Key) -> Option<Option<Key>> {
        self.holds.way(source, from)
    }

    /// Forgets a source; the engine has released what it held. `[engine]`
    pub fn source_lost(&mut self, source: u32) {
        self.holds.forget(source);
    }
}
