//! What passes an endpoint, as a piano roll and as levels: time goes to the left, one column a step.

use std::collections::{BTreeMap, VecDeque};

use midibay_plugin::Event;
use midibay_ump::{Kind, Message, Midi1Voice, Ump};

use crate::tap::{Place, Side};

/// Columns that are kept.
const COLUMNS: usize = 512;

/// The notes that sounded in one step: for each the channel from 1, or 0.
type Column = [u8; 128];

/// One tap's picture.
pub(super) struct Roll {
    pub(super) columns: VecDeque<Column>,
    /// The channels, one bit each, that hold a note now.
    held: [u16; 128],
    /// What sounded since the last step, if only for a moment.
    touched: Column,
    /// The level of each channel: the last velocity, falling. 0 to 1.
    pub(super) levels: [f32; 16],
    /// The lowest and the highest note so far.
    range: Option<(u8, u8)>,
    /// The last event that is neither clock nor sensing.
    pub(super) last: Option<Ump>,
    pub(super) events: u64,
}

impl Roll {
    fn new() -> Self {
        Self {
            columns: VecDeque::with_capacity(COLUMNS),
            held: [0; 128],
            touched: [0; 128],
            levels: [0.0; 16],
            range: None,
            last: None,
            events: 0,
        }
    }

    fn take(&mut self, event: &Event) {
        let ump = event.ump;
        self.events += 1;
        if !matches!(ump.kind(), Kind::Clock | Kind::ActiveSensing | Kind::Utility) {
            self.last = Some(ump);
        }
        let (Some(channel), Some(note)) = (ump.channel(), ump.note()) else { return };
        let slot = &mut self.held[usize::from(note & 0x7F)];
        if ump.is_note_on() {
            *slot |= 1 << channel;
            self.touched[usize::from(note & 0x7F)] = channel + 1;
            self.levels[usize::from(channel)] = velocity(&ump);
            let (low, high) = self.range.unwrap_or((note, note));
            self.range = Some((low.min(note), high.max(note)));
        } else if ump.is_note_off() {
            *slot &= !(1 << channel);
        }
    }

    fn step(&mut self) {
        let mut column = std::mem::replace(&mut self.touched, [0; 128]);
        for (note, channels) in self.held.iter().enumerate().filter(|(_, channels)| **channels != 0) {
            column[note] = channels.trailing_zeros() as u8 + 1;
        }
        if self.columns.len() == COLUMNS {
            self.columns.pop_front();
        }
        self.columns.push_back(column);
        for level in &mut self.levels {
            *level *= 0.9;
        }
    }

    /// The notes to show: at least two octaves around what was played.
    pub(super) fn range(&self) -> (u8, u8) {
        let (low, high) = self.range.unwrap_or((60, 60));
        let missing = 23_u8.saturating_sub(high - low);
        let low = low.saturating_sub(missing / 2);
        (low, high.max(low + 23).min(127))
    }

    /// How many notes sound now.
    pub(super) fn sounding(&self) -> u32 {
        self.held.iter().map(|channels| channels.count_ones()).sum()
    }
}

fn velocity(ump: &Ump) -> f32 {
    match Message::decode(ump) {
        Message::Midi1 { voice: Midi1Voice::NoteOn { velocity, .. }, .. } => f32::from(velocity) / 127.0,
        // MIDI 2.0: the high half of the second word.
        _ => (ump.raw()[1] >> 16) as f32 / 65535.0,
    }
}

/// The pictures of all taps that anything has passed.
#[derive(Default)]
pub(super) struct Rolls(BTreeMap<(usize, String, String, bool), Roll>);

impl Rolls {
    /// Takes in an event.
    pub(super) fn take(&mut self, place: &Place, event: &Event) {
        let key = (place.graph, place.node.clone(), place.port.clone(), place.side == Side::To);
        self.0.entry(key).or_insert_with(Roll::new).take(event);
    }

    /// A step of time has passed.
    pub(super) fn step(&mut self) {
        self.0.values_mut().for_each(Roll::step);
    }

    /// All of them with their titles, the ones that most passes first.
    pub(super) fn list(&self) -> Vec<(String, &Roll)> {
        let titles = self.0.iter().map(|((_, node, port, to), roll)| {
            let side = if *to { "to" } else { "from" };
            let port = if port.is_empty() { String::new() } else { format!(":{port}") };
            (format!("{side} {node}{port}"), roll)
        });
        let mut list: Vec<(String, &Roll)> = titles.collect();
        list.sort_by_key(|(_, roll)| std::cmp::Reverse(roll.events));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roll(packets: &[Ump]) -> Roll {
        let mut roll = Roll::new();
        packets.iter().for_each(|packet| roll.take(&Event::new(0, *packet)));
        roll.step();
        roll
    }

    #[test]
    fn a_note_shows_for_as_long_as_it_is_held() {
        let mut roll = roll(&[Ump::note_on(0, 2, 60, 100)]);
        roll.step();
        roll.take(&Event::new(0, Ump::note_off(0, 2, 60, 0)));
        roll.step();
        let shown: Vec<u8> = roll.columns.iter().map(|column| column[60]).collect();
        assert_eq!(shown, [3, 3, 0]);
        assert_eq!(roll.sounding(), 0);
    }

    #[test]
    fn a_note_that_is_over_before_the_next_step_shows_once() {
        let roll = roll(&[Ump::note_on(0, 0, 64, 1), Ump::note_off(0, 0, 64, 0)]);
        assert_eq!(roll.columns[0][64], 1);
    }

    #[test]
    fn the_range_covers_what_was_played_and_two_octaves() {
        assert_eq!(roll(&[]).range(), (49, 72));
        assert_eq!(roll(&[Ump::note_on(0, 0, 127, 1)]).range(), (116, 127));
        assert_eq!(roll(&[Ump::note_on(0, 0, 0, 1), Ump::note_on(0, 0, 100, 1)]).range(), (0, 100));
    }
}
