//! The maps of one output port, compiled.

use std::ops::Range;

use midibay_ump::{Event, ParameterNumbers, Ump};

use super::index::{Channel, ControlIndex, Key};
use super::reading::Reading;
use super::target::Target;
use crate::graph::{ControlMap, PortRef};

/// All control maps that start at one output port. An event without a map costs a few loads;
/// one with maps costs those and what they send, however many other maps there are.
pub struct PortMaps {
    index: ControlIndex,
    /// Sorted by source control, then by their order in the file.
    targets: Vec<Target>,
    destinations: Vec<PortRef>,
    /// How many targets hold a note.
    holding: usize,
    /// Parameter numbers and data entries seen so far; only when a map starts at a parameter.
    parameters: Option<Box<ParameterNumbers>>,
}

impl PortMaps {
    /// Compiles maps that share the port they start at, sorted by [`Key`] and then by the file.
    pub(super) fn compile<'a>(maps: impl Iterator<Item = &'a ControlMap>) -> Self {
        let mut destinations = Destinations::default();
        let targets: Vec<Target> = maps.map(|map| Target::of(map, destinations.number(map.to.at))).collect();
        let keys: Vec<Key> = targets.iter().map(|target| target.from).collect();
        let index = ControlIndex::build(&keys);
        let parameters = index.has_parameters().then(ParameterNumbers::boxed);
        Self { index, targets, destinations: destinations.ports, holding: 0, parameters }
    }

    /// The distinct input ports that the maps lead to; `apply` speaks of them by index.
    pub fn destinations(&self) -> &[PortRef] {
        &self.destinations
    }

    /// How many maps there are.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there is no map.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// Sends an event of this port through its maps: `emit` gets the index of the destination and
    /// the event for it, in the order of the file (where a controller is mapped and also finishes
    /// a mapped parameter, the controller's maps come first). Time, source and order are the
    /// event's own, the port is the destination's. The protocol stays: a MIDI 1.0 event (message
    /// type 2) becomes MIDI 1.0 events, a MIDI 2.0 one (type 4) MIDI 2.0 ones. A parameter in
    /// MIDI 1.0 is four events in a row.
    ///
    /// `[engine]`
    #[inline]
    pub fn apply(&mut self, event: &Event, mut emit: impl FnMut(u32, Event)) {
        let head = event.ump.head();
        if !matches!(head >> 28, 2 | 4) {
            return;
        }
        let Some(channel) = self.index.channel(head) else { return };
        let run = channel.control(head);
        if means_more(head) {
            let more = more_in(&channel, self.parameters.as_deref_mut(), &event.ump);
            self.apply_more(run, more, event, &mut emit);
        } else if !run.is_empty() {
            self.send(run, Change::Reading(Reading::of(&event.ump)), event, &mut emit);
        }
    }

    #[inline(never)]
    fn apply_more(
        &mut self,
        run: Range<usize>,
        more: More,
        event: &Event,
        emit: &mut impl FnMut(u32, Event),
    ) {
        self.send(run, Change::Reading(Reading::of(&event.ump)), event, emit);
        match more {
            More::Nothing => {}
            More::Parameter(run, change) => self.send(run, change, event, emit),
            More::Rest(run) => self.rest(run, event, emit),
        }
    }

    #[inline]
    fn send(&mut self, run: Range<usize>, change: Change, event: &Event, emit: &mut impl FnMut(u32, Event)) {
        for target in &mut self.targets[run] {
            let (dest, port) = (target.dest, target.port);
            let mut out = |ump| emit(dest, event.with(ump).at_port(port));
            let reading = match change {
                Change::Reading(reading) => reading,
                Change::Step(_) if target.send_step(&event.ump, &mut out) => continue,
                Change::Step(reading) => reading,
                Change::Relative(change) => {
                    target.send_relative(change, out);
                    continue;
                }
            };
            let held = target.holds();
            target.send(reading, &event.ump, out);
            if target.holds() != held {
                self.holding = if held { self.holding - 1 } else { self.holding + 1 };
            }
        }
    }

    /// The source was told to let go of these controls all at once: so do the notes they hold.
    fn rest(&mut self, run: Range<usize>, event: &Event, emit: &mut impl FnMut(u32, Event)) {
        if self.holding == 0 {
            return;
        }
        for target in &mut self.targets[run] {
            if let Some(off) = target.release() {
                self.holding -= 1;
                emit(target.dest, event.with(off).at_port(target.port));
            }
        }
    }

    /// Ends every note that a map holds: `emit` gets the destination and the Note Off. For when
    /// the port has no maps any more, or its source is gone and nobody else ends them.
    ///
    /// `[engine]`
    pub fn release(&mut self, mut emit: impl FnMut(PortRef, Ump)) {
        for target in &mut self.targets {
            if self.holding == 0 {
                return;
            }
            if let Some(off) = target.release() {
                self.holding -= 1;
                emit(self.destinations[target.dest as usize], off);
            }
        }
    }

    /// Forgets the notes held at one destination, after the engine has ended them there. A level
    /// that is still up starts its note again with the next value.
    ///
    /// `[engine]`
    pub fn forget_notes(&mut self, dest: u32) {
        self.forget(|target| target.dest == dest);
    }

    /// Forgets everything that the source has said: held notes at all destinations, after the
    /// engine has ended them, and half-told parameters. For a source that is gone or starts anew.
    ///
    /// `[engine]`
    pub fn forget_source(&mut self) {
        self.forget(|_| true);
        if let Some(parameters) = self.parameters.as_deref_mut() {
            *parameters = ParameterNumbers::new();
        }
    }

    fn forget(&mut self, which: impl Fn(&Target) -> bool) {
        for target in &mut self.targets {
            if self.holding == 0 {
                return;
            }
            if target.holds() && which(target) {
                target.forget();
                self.holding -= 1;
            }
        }
    }

    /// Goes on where `old`, the maps of the same port before a reload, stops: maps that are in
    /// both keep the notes they hold, and half-told parameters stay. What the other maps of `old`
    /// hold is ended through `release`, with the destination as the old graph counts nodes.
    /// `renumbered` gives the new name of an old destination, if it is still there. Afterwards
    /// `old` holds nothing.
    ///
    /// `[engine]`
    pub fn take_state_from(
        &mut self,
        old: &mut Self,
        renumbered: impl Fn(PortRef) -> Option<PortRef>,
        mut release: impl FnMut(PortRef, Ump),
    ) {
        if let (Some(new), Some(old)) = (&mut self.parameters, &mut old.parameters) {
            std::mem::swap(new, old);
        }
        for from in &mut old.targets {
            if old.holding == 0 {
                return;
            }
            if !from.holds() {
                continue;
            }
            old.holding -= 1;
            let at = old.destinations[from.dest as usize];
            let run = self.index.run_of(from.from);
            let heir = renumbered(at).and_then(|at| {
                self.targets[run].iter_mut().find(|to| {
                    !to.holds() && to.same_controls(from) && self.destinations[to.dest as usize] == at
                })
            });
            match heir {
                Some(to) => {
                    to.inherit(from);
                    from.forget();
                    self.holding += 1;
                }
                None => {
                    if let Some(off) = from.release() {
                        release(at, off);
                    }
                }
            }
        }
    }
}

/// What happens to a control.
#[derive(Clone, Copy)]
pub(crate) enum Change {
    /// It stands there now.
    Reading(Reading),
    /// It was told to go one step up or down (MIDI 1.0, controllers 96 and 97) and stands there
    /// now, counted from 0 where the source never said where it stood.
    Step(Reading),
    /// It moves by this much (two's complement, 32-bit scale) from where it stands.
    Relative(u32),
}

/// What a packet means beyond the control it moves.
pub(crate) enum More {
    /// Nothing.
    Nothing,
    /// It changes a parameter that has these entries.
    Parameter(Range<usize>, Change),
    /// It brings these entries to rest.
    Rest(Range<usize>),
}

/// Whether a packet of message type 2 or 4 may mean more than the control it moves: one of the
/// controllers that parameters are made of or that bring others to rest, or a MIDI 2.0 parameter.
#[inline]
pub(crate) fn means_more(head: u32) -> bool {
    static CONTROLLERS: [bool; 128] = {
        let numbers = [6, 38, 96, 97, 98, 99, 100, 101, 120, 121, 123, 124, 125, 126, 127];
        let (mut table, mut i) = ([false; 128], 0);
        while i < numbers.len() {
            table[numbers[i]] = true;
            i += 1;
        }
        table
    };
    match head >> 20 & 0xF {
        0xB => CONTROLLERS[(head >> 8 & 0x7F) as usize],
        status => status < 0x6,
    }
}

/// What a packet for which [`means_more`] says yes means beyond the control it moves, for the
/// entries of its channel.
///
/// `[engine]`
pub(crate) fn more_in(channel: &Channel<'_>, parameters: Option<&mut ParameterNumbers>, ump: &Ump) -> More {
    let [head, data, ..] = ump.raw();
    let (midi2, status) = (head >> 28 == 4, head >> 20 & 0xF);
    match status {
        0xB => {
            let controller = (head >> 8 & 0x7F) as u8;
            let resting = channel.resting_after(controller);
            if !resting.is_empty() {
                return More::Rest(resting);
            }
            if !channel.has_parameters() {
                return More::Nothing;
            }
            let Some(change) = parameters.and_then(|parameters| parameters.apply(ump)) else {
                return More::Nothing;
            };
            let reading = Reading::level14(change.value);
            More::Parameter(
                channel.parameter(change.registered, change.number),
                if change.step == 0 { Change::Reading(reading) } else { Change::Step(reading) },
            )
        }
        0x2..=0x5 if midi2 => {
            let number = (head >> 8 & 0x7F) << 7 | head & 0x7F;
            let run = channel.parameter(status & 1 == 0, number as u16);
            let change =
                if status < 0x4 { Change::Reading(Reading::level(data)) } else { Change::Relative(data) };
            More::Parameter(run, change)
        }
        _ => More::Nothing,
    }
}

/// Numbers the distinct destinations as they come. `[main]`
#[derive(Default)]
struct Destinations {
    ports: Vec<PortRef>,
    numbers: std::collections::HashMap<PortRef, u32>,
    last: Option<(PortRef, u32)>,
}

impl Destinations {
    fn number(&mut self, port: PortRef) -> u32 {
        if let Some((last, number)) = self.last
            && last == port
        {
            return number;
        }
        let number = *self.numbers.entry(port).or_insert_with(|| {
            self.ports.push(port);
            self.ports.len() as u32 - 1
        });
        self.last = Some((port, number));
        number
    }
}
