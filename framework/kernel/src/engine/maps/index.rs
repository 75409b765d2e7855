//! From a packet's channel and control to a run of entries, through dense tables: three loads,
//! whatever the number of maps. The entries themselves belong to whoever built the index.

use std::ops::Range;

use crate::graph::{Control, ControlRef};

/// Slots of the controls whose place in a page is fixed: notes, poly pressure, controllers, then
/// one each for program, aftertouch and pitch, and one that never has entries.
const NOTE: u16 = 0;
const PRESSURE: u16 = 128;
const CC: u16 = 256;
const PROGRAM: u16 = 384;
const AFTERTOUCH: u16 = 385;
const PITCH: u16 = 386;
const NOTHING: u16 = 387;
const SLOTS: usize = 388;

/// First slot and number mask of each status nibble; message types 2 and 4 agree on both.
const STATUS: [(u16, u16); 16] = {
    let mut table = [(NOTHING, 0); 16];
    table[0x8] = (NOTE, 0x7F);
    table[0x9] = (NOTE, 0x7F);
    table[0xA] = (PRESSURE, 0x7F);
    table[0xB] = (CC, 0x7F);
    table[0xC] = (PROGRAM, 0);
    table[0xD] = (AFTERTOUCH, 0);
    table[0xE] = (PITCH, 0);
    table
};

/// Marks a local number as a parameter: bit 14 tells registered (0) from non-registered (1), the
/// rest is the parameter's number.
const PARAMETER: u16 = 0x8000;
const NON_REGISTERED: u16 = 0x4000;

/// A control of one port as a number: group, channel and control. Sorts by channel first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Key(u32);

impl Key {
    /// The control of a resolved reference; its port is left out.
    pub(crate) fn of(control: &ControlRef) -> Self {
        let local = match control.control {
            Control::Note(n) => NOTE + u16::from(n & 0x7F),
            Control::Pressure(n) => PRESSURE + u16::from(n & 0x7F),
            Control::Cc(n) => CC + u16::from(n & 0x7F),
            Control::Program => PROGRAM,
            Control::Aftertouch => AFTERTOUCH,
            Control::Pitch => PITCH,
            Control::Rpn(n) => parameter_local(true, n),
            Control::Nrpn(n) => parameter_local(false, n),
        };
        Self(u32::from(place(control.group, control.channel)) << 16 | u32::from(local))
    }

    fn place(self) -> u8 {
        (self.0 >> 16) as u8
    }

    fn local(self) -> u16 {
        self.0 as u16
    }

    /// Whether this is a note.
    pub(crate) fn is_note(self) -> bool {
        self.local() < PRESSURE
    }

    /// Whether this is the program.
    pub(crate) fn is_program(self) -> bool {
        self.local() == PROGRAM
    }
}

/// Group and channel as one number, the group in the high nibble.
pub(crate) const fn place(group: u8, channel: u8) -> u8 {
    (group & 0xF) << 4 | channel & 0xF
}

/// Group and channel of a packet of message type 2 or 4.
#[inline]
const fn place_of_head(head: u32) -> u8 {
    (head >> 20 & 0xF0 | head >> 16 & 0xF) as u8
}

fn parameter_local(registered: bool, number: u16) -> u16 {
    PARAMETER | if registered { 0 } else { NON_REGISTERED } | number & 0x3FFF
}

/// What one channel has. `slots[n]..slots[n + 1]` is the run of slot `n`.
struct Page {
    slots: [u32; SLOTS + 1],
    /// Which table of `ControlIndex::directories` holds the channel's parameters, if any.
    directory: Option<u32>,
}

/// 128 parameters that share their kind and their high seven bits: a run each.
type Block = [u32; 129];

/// For each of the 2 kinds and 128 high parts the block, or `NO_BLOCK`.
type Directory = [u32; 256];

const NO_PAGE: u16 = u16::MAX;
const NO_BLOCK: u32 = u32::MAX;

/// Finds the run of entries of a control. A channel takes 1.5 KB once it has an entry, and 1 KB
/// plus 0.5 KB for each 128 parameters once it has parameters.
pub(crate) struct ControlIndex {
    pages_by_place: [u16; 256],
    pages: Vec<Page>,
    directories: Vec<Directory>,
    blocks: Vec<Block>,
}

impl ControlIndex {
    /// The index over entries whose keys are these, in this order. `keys` must be sorted.
    ///
    /// `[main]`
    pub(crate) fn build(keys: &[Key]) -> Self {
        debug_assert!(keys.is_sorted());
        let mut index = Self {
            pages_by_place: [NO_PAGE; 256],
            pages: Vec::new(),
            directories: Vec::new(),
            blocks: Vec::new(),
        };
        let mut start = 0;
        for channel in keys.chunk_by(|a, b| a.place() == b.place()) {
            index.pages_by_place[usize::from(channel[0].place())] = index.pages.len() as u16;
            let (plain, parameters) =
                channel.split_at(channel.partition_point(|key| key.local() < PARAMETER));
            let slots = runs(start, plain.iter().map(|key| usize::from(key.local())));
            start += plain.len() as u32;
            let directory = (!parameters.is_empty()).then(|| index.add_directory(start, parameters));
            start += parameters.len() as u32;
            index.pages.push(Page { slots, directory });
        }
        index
    }

    fn add_directory(&mut self, mut start: u32, keys: &[Key]) -> u32 {
        let block_of = |key: &Key| usize::from(key.local() & !PARAMETER) >> 7;
        let mut directory = [NO_BLOCK; 256];
        for block in keys.chunk_by(|a, b| block_of(a) == block_of(b)) {
            directory[block_of(&block[0])] = self.blocks.len() as u32;
            self.blocks.push(runs(start, block.iter().map(|key| usize::from(key.local() & 0x7F))));
            start += block.len() as u32;
        }
        self.directories.push(directory);
        self.directories.len() as u32 - 1
    }

    /// The channel of a packet of message type 2 or 4, if it has any entry.
    ///
    /// `[engine]`
    #[inline]
    pub(crate) fn channel(&self, head: u32) -> Option<Channel<'_>> {
        self.at_place(place_of_head(head))
    }

    #[inline]
    fn at_place(&self, place: u8) -> Option<Channel<'_>> {
        let page = self.pages_by_place[usize::from(place)];
        if page == NO_PAGE {
            return None;
        }
        Some(Channel { index: self, page: &self.pages[usize::from(page)] })
    }

    /// Whether any channel has entries for parameters.
    pub(crate) fn has_parameters(&self) -> bool {
        !self.directories.is_empty()
    }

    /// The run of one key, wherever it comes from.
    ///
    /// `[engine]`
    pub(crate) fn run_of(&self, key: Key) -> Range<usize> {
        let Some(channel) = self.at_place(key.place()) else { return 0..0 };
        let local = key.local();
        if local & PARAMETER == 0 {
            channel.slots(local, local)
        } else {
            channel.parameter(local & NON_REGISTERED == 0, local & 0x3FFF)
        }
    }
}

/// The starts of `N - 1` runs that follow each other from `start` on; `slots` is sorted.
fn runs<const N: usize>(start: u32, slots: impl Iterator<Item = usize>) -> [u32; N] {
    let mut starts = [0; N];
    for slot in slots {
        starts[slot + 1] += 1;
    }
    let mut at = start;
    for next in &mut starts {
        at += *next;
        *next = at;
    }
    starts
}

/// One channel of an index.
#[derive(Clone, Copy)]
pub(crate) struct Channel<'a> {
    index: &'a ControlIndex,
    page: &'a Page,
}

impl Channel<'_> {
    /// The run of the control that a packet of message type 2 or 4 moves by itself: all but
    /// parameters. Empty for every other packet.
    ///
    /// `[engine]`
    #[inline]
    pub(crate) fn control(&self, head: u32) -> Range<usize> {
        let (first, mask) = STATUS[(head >> 20 & 0xF) as usize];
        let slot = first + ((head >> 8) as u16 & mask);
        self.slots(slot, slot)
    }

    /// The run of a parameter (14-bit number).
    ///
    /// `[engine]`
    #[inline]
    pub(crate) fn parameter(&self, registered: bool, number: u16) -> Range<usize> {
        let Some(directory) = self.page.directory else { return 0..0 };
        let local = usize::from(parameter_local(registered, number) & !PARAMETER);
        let block = self.index.directories[directory as usize][local >> 7];
        if block == NO_BLOCK {
            return 0..0;
        }
        let block = &self.index.blocks[block as usize];
        block[local & 0x7F] as usize..block[(local & 0x7F) + 1] as usize
    }

    /// Whether the channel has entries for parameters.
    #[inline]
    pub(crate) fn has_parameters(&self) -> bool {
        self.page.directory.is_some()
    }

    /// What a Channel Mode message or a Reset All Controllers (7-bit controller number) brings to
    /// rest on the channel: all notes (120 and 123 to 127, M1 4.2.1 "Channel Mode"), or the four
    /// pedals 64 to 67 that Reset All Controllers lifts (121, RP-015). Other numbers: nothing.
    ///
    /// `[engine]`
    pub(crate) fn resting_after(&self, controller: u8) -> Range<usize> {
        match controller {
            120 | 123..=127 => self.slots(NOTE, NOTE + 127),
            121 => self.slots(CC + 64, CC + 67),
            _ => 0..0,
        }
    }

    #[inline]
    fn slots(&self, first: u16, last: u16) -> Range<usize> {
        let slots = &self.page.slots;
        slots[usize::from(first)] as usize..slots[usize::from(last) + 1] as usize
    }
}
