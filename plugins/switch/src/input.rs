//! What the switch knows of one input.

use midibay_plugin::ump::{Held, Kind, MidiState};
use midibay_plugin::{Event, Ump};

/// How many sources of one input are told apart.
const SOURCES: usize = 16;

pub(crate) struct Input {
    /// Where its controls stand, whether it is active or not.
    pub(crate) state: MidiState,
    /// Keys that are down on it and do not sound: pressed while it was not active, or released when it
    /// ceased to be. Their Note Offs have nothing to end.
    pub(crate) silent: Held,
    /// Its source is gone, and nothing has come since.
    pub(crate) lost: bool,
    /// When it last played, or became active, ns.
    pub(crate) played: Option<u64>,
    /// The source of the last event.
    pub(crate) source: u32,
    /// The sources that feed it and are there, as far as they have sent anything.
    sources: [u32; SOURCES],
    count: usize,
    /// More sources than fit: which one goes last cannot be told.
    crowded: bool,
}

impl Input {
    /// About 0.4 MB: all groups. [main]
    pub(crate) fn new() -> Self {
        Self {
            state: MidiState::new(16),
            silent: Held::new(),
            lost: false,
            played: None,
            source: 0,
            sources: [0; SOURCES],
            count: 0,
            crowded: false,
        }
    }

    /// Something has come: the input is there. [engine]
    #[inline]
    pub(crate) fn hear(&mut self, event: &Event) {
        self.lost = false;
        if event.source == self.source {
            return;
        }
        self.source = event.source;
        // Source 0 stands for nobody who could be lost.
        if event.source != 0 && !self.sources[..self.count].contains(&event.source) {
            match self.sources.get_mut(self.count) {
                Some(place) => {
                    *place = event.source;
                    self.count += 1;
                }
                None => self.crowded = true,
            }
        }
    }

    /// A source is gone. The input is lost with the last one. [engine]
    pub(crate) fn lose(&mut self, source: u32) {
        if let Some(at) = self.sources[..self.count].iter().position(|s| *s == source) {
            self.count -= 1;
            self.sources[at] = self.sources[self.count];
        }
        if self.source == source {
            self.source = 0;
        }
        if self.count > 0 || self.crowded {
            return;
        }
        self.lost = true;
        self.state.release_all(|_| {});
        self.silent.clear();
    }
}

/// Does somebody play? What devices send by themselves (clock, active sensing, answers to questions)
/// and the end of what was played is no sign of it.
#[inline]
pub(crate) fn is_played(ump: &Ump) -> bool {
    matches!(
        ump.kind(),
        Kind::NoteOn
            | Kind::PolyPressure
            | Kind::ControlChange
            | Kind::ProgramChange
            | Kind::ChannelPressure
            | Kind::PitchBend
            | Kind::Rpn
            | Kind::Nrpn
            | Kind::PerNoteController
            | Kind::PerNotePitchBend
    ) && !(ump.kind() == Kind::ControlChange && ump.data1() >= 120)
}
