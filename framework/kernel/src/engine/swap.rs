//! Going over from one plan to another between two passes. Nodes that are in both are moved, with what
//! they hold; everything else is released before the old plan is left. `[engine]`

use midibay_ump::Ump;

use super::plan::{Mapped, Plan, source_id};
use super::release::Tell;
use super::walk::Core;
use crate::graph::PortRef;
use crate::registry::Prepared;

/// A prepared change of plans. Afterwards it holds what is not needed any more.
pub(crate) struct Swap {
    pub(crate) plan: Plan,
    /// Stations that are in both plans: in the old one, in the new one.
    pub(crate) carry: Vec<(u32, u32)>,
    /// New parameters for nodes that are carried over, by their new station.
    pub(crate) reconfigure: Vec<(u32, Prepared)>,
    /// Carried processors (old station and input port) that a source does not reach any more.
    pub(crate) unreached: Vec<(u32, u16, u32)>,
    /// Processors (old station) with the sources that came to them by hops that are not in the new plan.
    pub(crate) severed: Vec<(u32, Vec<u32>)>,
    /// The new tracker of each old one's hop.
    pub(crate) trackers: Vec<Option<u32>>,
    /// The new index, in the graph, of each of the old graph's nodes.
    pub(crate) renumbered: Vec<Option<usize>>,
}

impl Core {
    /// Goes over to the plan in `swap` and leaves the old one there.
    pub(crate) fn swap(&mut self, swap: &mut Swap) {
        self.begin();
        for (station, port, source) in &swap.unreached {
            self.tell(*station as usize, *port, *source);
        }
        self.end();
        self.begin();
        self.hand_over_maps(swap);
        for (station, sources) in &swap.severed {
            self.release_behind(*station as usize, sources, Tell::Holders);
        }
        self.release_heirless(swap);
        self.end();
        self.hand_over_holds(swap);

        let renumbered = |port: PortRef| {
            swap.renumbered.get(port.node).copied().flatten().map(|node| PortRef { node, ..port })
        };
        let (old, new) = (&mut self.plan, &mut swap.plan);
        new.trigger_state.take_state_from(&old.trigger_state, renumbered);
        for (from, to) in &swap.carry {
            let (from, to) = (*from as usize, *to as usize);
            if let Some(due) = old.timers.of(from) {
                new.timers.set(to, due);
            }
            let (from, to) = (&mut old.stations[from], &mut new.stations[to]);
            to.node = from.node.take();
            std::mem::swap(&mut from.deferred, &mut to.deferred);
            for (from, to) in from.outlets.iter_mut().zip(&mut to.outlets) {
                if let (Some(from), Some(to)) = (&mut from.triggers, &mut to.triggers) {
                    to.take_state_from(from);
                }
            }
        }
        std::mem::swap(old, new);
        for (station, params) in &swap.reconfigure {
            self.reconfigure(*station as usize, params.as_ptr());
        }
    }

    /// Maps that are in both plans keep the notes they hold; those of the others end here.
    fn hand_over_maps(&mut self, swap: &mut Swap) {
        for station in 0..self.plan.stations.len() {
            let heir =
                swap.carry.iter().find(|(from, _)| *from as usize == station).map(|(_, to)| *to as usize);
            for port in 0..self.plan.stations[station].outlets.len() {
                let Some(mut old) = self.plan.stations[station].outlets[port].mapped.take() else { continue };
                let source = source_id(self.plan.stations[station].host.slot, port as u16);
                let new = heir
                    .and_then(|heir| swap.plan.stations[heir].outlets.get_mut(port)?.mapped.as_deref_mut());
                let renumbered = |at: PortRef| {
                    swap.renumbered.get(at.node).copied().flatten().map(|node| PortRef { node, ..at })
                };
                let Mapped { maps, hops, destinations } = &mut *old;
                let mut end = |at: PortRef, ump: Ump| {
                    if let Some(dest) = destinations.iter().position(|dest| *dest == at) {
                        self.end_held(hops[dest], source, ump);
                    }
                };
                match new {
                    Some(new) => new.maps.take_state_from(maps, renumbered, &mut end),
                    None => maps.release(&mut end),
                }
                self.plan.stations[station].outlets[port].mapped = Some(old);
            }
        }
    }

    /// Ends one note that a map holds.
    fn end_held(&mut self, hop: u32, source: u32, ump: Ump) {
        if let Some(tracker) = self.plan.hops[hop as usize].tracker
            && let Some(held) = self.plan.trackers[tracker as usize].held_mut(source)
        {
            held.apply(&ump);
        }
        self.release_one(hop, source, ump);
    }

    /// Releases what sources hold by way of hops that are not in both plans, or that they do not reach any
    /// more. Before anything is handed over: whoever else holds the same must still be known here.
    fn release_heirless(&mut self, swap: &Swap) {
        for tracker in 0..self.plan.trackers.len() {
            let heir = swap.trackers[tracker].map(|heir| &swap.plan.trackers[heir as usize]);
            for place in 0..self.plan.trackers[tracker].sources().len() {
                let source = self.plan.trackers[tracker].sources()[place];
                if heir.is_none_or(|heir| heir.place_of(source).is_none()) {
                    self.release(tracker, place);
                }
            }
        }
    }

    /// Hands over what sources hold by way of hops that are in both plans.
    fn hand_over_holds(&mut self, swap: &mut Swap) {
        for (tracker, heir) in self.plan.trackers.iter_mut().zip(&swap.trackers) {
            let Some(heir) = heir else { continue };
            for place in 0..tracker.sources().len() {
                let source = tracker.sources()[place];
                swap.plan.trackers[*heir as usize].adopt(source, tracker.boxed_at(place));
            }
        }
    }
}
