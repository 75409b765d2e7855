//! Letting go: what a source held is released where it held it, when the source, the way from it, or the
//! destination is gone. All of it `[engine]`.

use midibay_plugin::{ALL_PORTS, DropReason, Event, Health};
use midibay_ump::Ump;

use super::plan::{Aftermath, source_id};
use super::walk::Core;
use crate::graph::NodeKind;

/// Whether processors hear that a source does not reach them any more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tell {
    /// They do.
    All,
    /// Only of sources that held something behind them: the way from the source is cut and there may
    /// be another one.
    Holders,
}

impl Core {
    /// What fed an output port (or all of a node's) is gone: what it holds anywhere is released.
    #[cold]
    pub(super) fn source_lost(&mut self, station: usize, port: u16) {
        self.flush();
        let all = self.plan.stations[station].outlets.len() as u16;
        let ports = if port == ALL_PORTS { 0..all } else { port..port.saturating_add(1).min(all) };
        for port in ports {
            self.forget_source(station, port);
            let source = source_id(self.plan.stations[station].host.slot, port);
            self.tell_processors(station, port, source);
            self.flush();
            for tracker in 0..self.plan.trackers.len() {
                if let Some(place) = self.plan.trackers[tracker].place_of(source) {
                    self.release(tracker, place);
                }
            }
            self.flush();
        }
    }

    /// The port's maps and triggers forget what came from it.
    fn forget_source(&mut self, station: usize, port: u16) {
        let Some(outlet) = self.plan.stations[station].outlets.get_mut(usize::from(port)) else { return };
        if let Some(mapped) = &mut outlet.mapped {
            mapped.maps.forget_source();
        }
        if let Some(triggers) = &mut outlet.triggers {
            triggers.forget_source(&mut self.plan.trigger_state);
        }
    }

    /// Marks what lies behind a port and tells the processors there that its source is gone.
    fn tell_processors(&mut self, station: usize, port: u16, source: u32) {
        self.plan.marks.fill(false);
        for at in 0..self.plan.processors {
            for hop in 0..self.plan.stations[at].hops_in.len() {
                let (from, from_port, to_port) = self.plan.stations[at].hops_in[hop];
                let from = from as usize;
                if (from == station && from_port == port) || self.plan.marks[from] {
                    self.plan.marks[at] = true;
                    self.tell(at, to_port, source);
                }
            }
        }
    }

    /// Tells a processor that a source does not reach one of its input ports any more.
    pub(super) fn tell(&mut self, station: usize, port: u16, source: u32) {
        // SAFETY: the node is alive; `call` hands it out for this.
        self.call(station, false, |node, now, out| unsafe {
            (node.vtable.source_lost)(node.this, port, source, now, out)
        });
    }

    /// Releases what one source holds at the destination of a tracker's hop.
    pub(super) fn release(&mut self, tracker: usize, place: usize) {
        if self.plan.trackers[tracker].boxed_at(place).is_empty() {
            return;
        }
        // An empty one takes its place while it is read, so that the other holders can be asked.
        let mut held = self.spare.take().unwrap_or_default();
        std::mem::swap(&mut held, self.plan.trackers[tracker].boxed_at(place));
        let source = self.plan.trackers[tracker].sources()[place];
        let hop = self.plan.tracker_hops[tracker];
        held.release_all(|ump| self.release_one(hop, source, ump));
        self.spare = Some(held);
    }

    /// Releases what all sources hold by way of a tracker's hop.
    pub(super) fn release_all_of(&mut self, tracker: usize) {
        for place in 0..self.plan.trackers[tracker].sources().len() {
            self.release(tracker, place);
        }
    }

    /// Sends a release over a hop, unless somebody else holds the same note or pedal there.
    pub(super) fn release_one(&mut self, hop: u32, source: u32, ump: Ump) {
        let (to, port) = (self.plan.hops[hop as usize].to, self.plan.hops[hop as usize].to_port);
        let elsewhere = self.plan.trackers.iter().zip(&self.plan.tracker_hops).any(|(tracker, hop)| {
            let hop = &self.plan.hops[*hop as usize];
            (hop.to, hop.to_port) == (to, port) && tracker.holds_what_is_released_by(&ump)
        });
        if !elsewhere {
            let event = Event { source, order: self.order, ..Event::new(self.now, ump) };
            self.enter(to as usize, port, &[event]);
        }
    }

    /// A node panicked: it is taken out. What hung on it is let go when no node is in a call any more.
    #[cold]
    pub(super) fn fault(&mut self, station: usize) {
        self.plan.timers.clear(station);
        self.forget_waiting(station);
        let place = &mut self.plan.stations[station];
        place.host.set_health(Health::Failed, "the plugin panicked");
        if let Some(node) = place.node.take() {
            self.reports.faulted(&place.host, node);
        }
        place.host.shared.wake_supervisor();
        self.plan.after(Aftermath::Gone(station as u32));
    }

    /// Forgets what waits for a node, and what it pushed that has not entered the graph.
    pub(super) fn forget_waiting(&mut self, station: usize) {
        let place = &mut self.plan.stations[station];
        let waiting = place.input.len() + place.deferred.len();
        place.host.counters.dropped(DropReason::Unavailable, waiting as u64);
        place.input.clear();
        place.working.clear();
        place.deferred.clear();
        place.segments.clear();
    }

    /// Releases what is held at a node.
    pub(super) fn release_at(&mut self, station: usize) {
        self.flush();
        for tracker in 0..self.plan.trackers.len() {
            if self.plan.hops[self.plan.tracker_hops[tracker] as usize].to as usize == station {
                self.release_all_of(tracker);
            }
        }
        self.flush();
    }

    /// Releases what came out of a node, and forgets what was held at it.
    pub(super) fn gone(&mut self, station: usize) {
        for tracker in 0..self.plan.trackers.len() {
            let hop = self.plan.tracker_hops[tracker];
            if self.plan.hops[hop as usize].to as usize == station {
                self.plan.trackers[tracker].clear();
                self.forget_mapped(hop);
            }
        }
        match self.plan.stations[station].kind {
            NodeKind::Endpoint => self.source_lost(station, ALL_PORTS),
            NodeKind::Processor => {
                for port in 0..self.plan.stations[station].outlets.len() as u16 {
                    self.forget_source(station, port);
                }
                let sources = std::mem::take(&mut self.plan.reach[station]);
                self.release_behind(station, &sources, Tell::All);
                self.plan.reach[station] = sources;
            }
        }
    }

    /// Where a hop stands for control maps, these do not hold any note at its destination any more.
    fn forget_mapped(&mut self, hop: u32) {
        let identity = self.plan.hops[hop as usize].identity;
        let (slot, port) = identity.from;
        if identity.maps
            && let Some(from) = self.plan.station_of_slot(slot)
            && let Some(mapped) = &mut self.plan.stations[from].outlets[usize::from(port)].mapped
            && let Some(dest) = mapped.hops.iter().position(|at| *at == hop)
        {
            mapped.maps.forget_notes(dest as u32);
        }
    }

    /// Releases what these sources hold by way of a processor. Where one of them reaches the same last hop
    /// past the processor too, that is released with it: the hop does not tell them apart.
    pub(super) fn release_behind(&mut self, station: usize, sources: &[u32], tell: Tell) {
        self.plan.marks.fill(false);
        self.plan.marks[station] = true;
        for at in station + 1..self.plan.processors {
            self.plan.marks[at] =
                self.plan.stations[at].hops_in.iter().any(|(from, ..)| self.plan.marks[*from as usize]);
        }
        for source in sources {
            if tell == Tell::All || self.holds_behind_marks(*source) {
                for at in station + 1..self.plan.processors {
                    for hop in 0..self.plan.stations[at].hops_in.len() {
                        let (from, _, port) = self.plan.stations[at].hops_in[hop];
                        if self.plan.marks[from as usize] {
                            self.tell(at, port, *source);
                        }
                    }
                }
            }
        }
        self.flush();
        for tracker in 0..self.plan.trackers.len() {
            if self.is_behind_marks(tracker) {
                for source in sources {
                    if let Some(place) = self.plan.trackers[tracker].place_of(*source) {
                        self.release(tracker, place);
                    }
                }
            }
        }
        self.flush();
    }

    /// Whether a tracker's hop comes from a marked station.
    fn is_behind_marks(&self, tracker: usize) -> bool {
        let (slot, _) = self.plan.hops[self.plan.tracker_hops[tracker] as usize].identity.from;
        self.plan.station_of_slot(slot).is_some_and(|from| self.plan.marks[from])
    }

    fn holds_behind_marks(&self, source: u32) -> bool {
        (0..self.plan.trackers.len())
            .any(|tracker| self.is_behind_marks(tracker) && self.plan.trackers[tracker].is_holding(source))
    }
}
