//! Triggers: controls that run commands. Compiled for each output port that a trigger or a guard
//! watches; the guards may be on other ports than their triggers, so what is held stands in one
//! [`TriggerState`] that all ports of a graph share.
//!
//! The rule. `above` is 7-bit; a value is compared at the resolution it came with. A **note** fires
//! with each Note On whose velocity is above, a **program** with each Program Change whose number
//! is above. Every other control is a level and fires when it rises from not above to above, once
//! until it has been down again. A guard is held while its note is on, or while its control stands
//! at 64 or more (the middle of its range). When the guard is not held the moment passes: taking
//! the guard later fires nothing.

#[cfg(test)]
mod tests;

use std::ops::Range;

use midibay_ump::scale::scale_7_to_32;
use midibay_ump::{Event, ParameterNumbers};

use super::maps::index::{ControlIndex, Key};
use super::maps::reading::{Gate, Reading};
use super::maps::{Change, More, means_more, more_in};
use crate::graph::{PortRef, Trigger};

/// The triggers of a graph by the output port they watch.
pub struct Triggers {
    /// Each port that a trigger or a guard is on, sorted, with what watches it.
    pub ports: Vec<(PortRef, PortTriggers)>,
    /// Which guards are held; goes into every `apply`.
    pub state: TriggerState,
}

/// Which guards of a graph are held.
pub struct TriggerState {
    /// Sorted and distinct.
    guards: Vec<(PortRef, Key)>,
    held: Vec<bool>,
}

/// What watches the controls of one output port.
pub struct PortTriggers {
    index: ControlIndex,
    /// Sorted by control; guards before triggers, these in the order of the file.
    watches: Vec<Watch>,
    parameters: Option<Box<ParameterNumbers>>,
}

#[derive(Clone, Copy)]
struct Watch {
    on: Key,
    does: Does,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Does {
    /// Keeps guard `.0` up to date.
    Guard(u32),
    Fire {
        /// Index into the graph's triggers.
        trigger: u32,
        guard: Option<u32>,
        /// 32-bit scale.
        above: u32,
        /// For levels: whether the last value was above.
        was_above: bool,
    },
}

/// Half-way on the 32-bit scale: 64 of 127.
const HELD: u32 = scale_7_to_32(64);

impl Triggers {
    /// Compiles the triggers of a graph. `apply` tells them by their index here.
    ///
    /// `[main]`
    pub fn compile(triggers: &[Trigger]) -> Self {
        let mut guards: Vec<(PortRef, Key)> =
            triggers.iter().filter_map(|t| t.guard.as_ref()).map(|g| (g.at, Key::of(g))).collect();
        guards.sort_unstable();
        guards.dedup();

        let mut watches: Vec<(PortRef, Key, Does)> =
            guards.iter().zip(0..).map(|(&(port, key), i)| (port, key, Does::Guard(i))).collect();
        for (trigger, i) in triggers.iter().zip(0..) {
            let guard = trigger.guard.as_ref().map(|g| (g.at, Key::of(g)));
            let guard = guard.and_then(|g| guards.binary_search(&g).ok()).map(|g| g as u32);
            let above = scale_7_to_32(trigger.above.min(127));
            let does = Does::Fire { trigger: i, guard, above, was_above: false };
            watches.push((trigger.on.at, Key::of(&trigger.on), does));
        }
        watches.sort_unstable();

        let ports = watches
            .chunk_by(|a, b| a.0 == b.0)
            .map(|port| {
                let watches = port.iter().map(|&(_, on, does)| Watch { on, does }).collect();
                (port[0].0, PortTriggers::new(watches))
            })
            .collect();
        let held = vec![false; guards.len()];
        Self { ports, state: TriggerState { guards, held } }
    }
}

impl TriggerState {
    /// Keeps the guards that are held across a reload, where both graphs have them. `renumbered`
    /// gives the new name of an old graph's output port, if it is still there.
    ///
    /// `[engine]`
    pub fn take_state_from(&mut self, old: &Self, renumbered: impl Fn(PortRef) -> Option<PortRef>) {
        for (&(port, key), _) in old.guards.iter().zip(&old.held).filter(|(_, held)| **held) {
            if let Some(port) = renumbered(port)
                && let Ok(guard) = self.guards.binary_search(&(port, key))
            {
                self.held[guard] = true;
            }
        }
    }
}

impl PortTriggers {
    fn new(watches: Vec<Watch>) -> Self {
        let keys: Vec<Key> = watches.iter().map(|watch| watch.on).collect();
        let index = ControlIndex::build(&keys);
        let parameters = index.has_parameters().then(ParameterNumbers::boxed);
        Self { index, watches, parameters }
    }

    /// Shows an event of this port to its triggers and guards; `fire` gets the index of each
    /// trigger that fires, in the order of the file.
    ///
    /// `[engine]`
    #[inline]
    pub fn apply(&mut self, event: &Event, state: &mut TriggerState, mut fire: impl FnMut(u32)) {
        let head = event.ump.head();
        if !matches!(head >> 28, 2 | 4) {
            return;
        }
        let Some(channel) = self.index.channel(head) else { return };
        let run = channel.control(head);
        let more = if means_more(head) {
            more_in(&channel, self.parameters.as_deref_mut(), &event.ump)
        } else {
            More::Nothing
        };
        if !run.is_empty() {
            self.watch(run, Reading::of(&event.ump), state, &mut fire);
        }
        match more {
            More::Parameter(run, Change::Reading(reading) | Change::Step(reading)) => {
                self.watch(run, reading, state, &mut fire);
            }
            More::Rest(run) => self.rest(run, state),
            // Where a relative change leads to is not known.
            More::Nothing | More::Parameter(_, Change::Relative(_)) => {}
        }
    }

    fn watch(
        &mut self,
        run: Range<usize>,
        reading: Reading,
        state: &mut TriggerState,
        fire: &mut impl FnMut(u32),
    ) {
        for Watch { on, does } in &mut self.watches[run] {
            match does {
                Does::Guard(guard) => {
                    state.held[*guard as usize] = match reading.gate {
                        Gate::On => true,
                        Gate::Off => false,
                        Gate::Level => reading.value >= HELD,
                    };
                }
                Does::Fire { trigger, guard, above, was_above } => {
                    let is_above = reading.value > *above;
                    let rises = is_above && !*was_above;
                    // Notes and program changes are moments: each one counts.
                    *was_above = is_above && !on.is_note() && !on.is_program();
                    if rises && guard.is_none_or(|guard| state.held[guard as usize]) {
                        fire(*trigger);
                    }
                }
            }
        }
    }

    fn rest(&mut self, run: Range<usize>, state: &mut TriggerState) {
        for Watch { does, .. } in &mut self.watches[run] {
            match does {
                Does::Guard(guard) => state.held[*guard as usize] = false,
                Does::Fire { was_above, .. } => *was_above = false,
            }
        }
    }

    /// Forgets what the port's source has said: its guards are let go, its levels are down. For a
    /// source that is gone or starts anew.
    ///
    /// `[engine]`
    pub fn forget_source(&mut self, state: &mut TriggerState) {
        self.rest(0..self.watches.len(), state);
        if let Some(parameters) = self.parameters.as_deref_mut() {
            *parameters = ParameterNumbers::new();
        }
    }

    /// Goes on where `old`, the triggers of the same port before a reload, stops: levels that are
    /// up do not fire again, half-told parameters stay. Guards: [`TriggerState::take_state_from`].
    ///
    /// `[engine]`
    pub fn take_state_from(&mut self, old: &mut Self) {
        if let (Some(new), Some(old)) = (&mut self.parameters, &mut old.parameters) {
            std::mem::swap(new, old);
        }
        for from in &old.watches {
            let Does::Fire { above: threshold, was_above: true, .. } = from.does else { continue };
            for to in &mut self.watches[self.index.run_of(from.on)] {
                if let Does::Fire { above, was_above, .. } = &mut to.does
                    && *above == threshold
                {
                    *was_above = true;
                }
            }
        }
    }
}
