//! Moving events through a plan: the inner part of the engine. Everything here is `[engine]`: no
//! locks, no memory taken or given back, no system call but those of the nodes.
//!
//! One *pass*: an endpoint (or a timer, or a command) brings events in; they are carried over the hops
//! into the inputs of stations, and [`Core::flush`] works the stations off from front to back.

use midibay_plugin::abi::{OK, PANICKED, RawNode, Reply};
use midibay_plugin::{ALL_PORTS, Counters, DropReason, Event, Health, Level, Out};
use midibay_ump::{Held, Ump, value_key};

use super::messages::{Report, Reports};
use super::order;
use super::plan::{INPUT_EVENTS, OUT_EVENTS, Plan, SEGMENTS, Segment, source_id, source_slot};
use crate::clock;
use crate::graph::NodeKind;

/// Where the next pass begins to count anew instead of running out of numbers.
const LAST_ORDER: u16 = u16::MAX - 1024;

/// How many commands one pass may fire; triggers that set each other off end here.
const MOST_FIRED: usize = 64;

/// How many events go through control maps before they are carried on together.
const MAP_BATCH: usize = 64;

/// A plan at work.
pub(crate) struct Core {
    pub(crate) plan: Plan,
    now: u64,
    /// How many nodes are in a call at the moment, each within the one before.
    depth: usize,
    /// The arrival number of the next event that enters the graph in this pass.
    order: u16,
    /// Whether an endpoint pushed events while it was sending.
    deferred: bool,
    spares: Vec<Box<Held>>,
    batch: Box<[Event]>,
    pub(crate) reports: Reports,
}

/// What a node's [`Out`] leads back to.
struct Frame {
    core: *mut Core,
    station: usize,
    sending: bool,
}

unsafe extern "C" fn spill(out: *mut Out) {
    // SAFETY: `out` is the one that `Core::call` made, and its frame and core outlive the call. The
    // core is not touched by anybody else while the node is at work.
    unsafe {
        let frame = &*(*out).engine().cast::<Frame>();
        let events = (*out).take();
        let events = std::slice::from_raw_parts_mut(events.as_ptr().cast_mut(), events.len());
        (*frame.core).take_over(frame.station, frame.sending, events);
    }
}

unsafe extern "C" fn lost(out: *mut Out, port: u16) {
    // SAFETY: as in `spill`.
    unsafe {
        spill(out);
        let frame = &*(*out).engine().cast::<Frame>();
        (*frame.core).source_lost(frame.station, port);
    }
}

impl Core {
    pub(crate) fn new(plan: Plan, reports: Reports) -> Self {
        Self {
            plan,
            now: clock::now(),
            depth: 0,
            order: 0,
            deferred: false,
            spares: (0..4).map(|_| Held::boxed()).collect(),
            batch: vec![Event::default(); MAP_BATCH].into(),
            reports,
        }
    }

    /// When the next node wants to be called, ns; 0 when there is something to do at once.
    pub(crate) fn deadline(&self) -> Option<u64> {
        if self.deferred { Some(0) } else { self.plan.timers.next() }
    }

    // ---- passes

    /// A descriptor of a node is ready, or its waker was called.
    #[inline]
    pub(crate) fn ready(&mut self, slot: u32, key: u32, flags: u8) {
        if let Some(station) = self.plan.station_of_slot(slot) {
            self.begin();
            // SAFETY: the node is alive; `call` hands it out for this.
            self.call(station, false, |node, now, out| unsafe {
                (node.vtable.ready)(node.this, key, flags, now, out)
            });
            self.end();
        }
    }

    /// Calls the nodes whose time has come. At most as many as there are nodes, so that one which
    /// always wants to be called does not keep the others waiting.
    pub(crate) fn tick(&mut self) {
        let now = clock::now();
        for _ in 0..self.plan.stations.len() {
            let Some(station) = self.plan.timers.pop_due(now) else { return };
            self.begin();
            // SAFETY: as in `ready`.
            self.call(station, false, |node, now, out| unsafe { (node.vtable.tick)(node.this, now, out) });
            self.end();
        }
    }

    /// Brings in what endpoints pushed while they were sending.
    pub(crate) fn run_deferred(&mut self) {
        if !std::mem::take(&mut self.deferred) {
            return;
        }
        for station in 0..self.plan.stations.len() {
            let mut events = std::mem::take(&mut self.plan.stations[station].deferred);
            if !events.is_empty() {
                self.begin();
                self.distribute(station, &mut events);
                events.clear();
                // What is pushed during this pass waits for the next one.
                let meanwhile = std::mem::replace(&mut self.plan.stations[station].deferred, events);
                debug_assert_eq!(meanwhile.capacity(), 0, "nothing was sending");
                self.end();
            } else {
                self.plan.stations[station].deferred = events;
            }
        }
    }

    /// Runs a command. The status is that of the ABI.
    pub(crate) fn command(&mut self, slot: u32, command: *mut (), reply: &mut Reply) -> Option<u8> {
        let station = self.plan.station_of_slot(slot)?;
        self.plan.stations[station].node?;
        self.begin();
        let status = self.run_command(station, command, reply);
        self.end();
        Some(status)
    }

    fn run_command(&mut self, station: usize, command: *mut (), reply: &mut Reply) -> u8 {
        // SAFETY: as in `ready`; the command was parsed for this node's type.
        self.call(station, false, |node, now, out| unsafe {
            (node.vtable.command)(node.this, command, now, out, reply)
        })
    }

    /// Gives a node that runs new parameters; the old ones are left in their place.
    pub(crate) fn reconfigure(&mut self, station: usize, params: *mut ()) {
        self.begin();
        // SAFETY: as in `ready`; the parameters are of this node's type.
        self.call(station, false, |node, now, out| unsafe {
            (node.vtable.reconfigure)(node.this, params, now, out)
        });
        self.end();
    }

    /// Puts a node into its place again, after it was faulted or could not be started.
    pub(crate) fn install(&mut self, slot: u32, node: RawNode) -> Option<RawNode> {
        let Some(station) = self.plan.station_of_slot(slot) else { return Some(node) };
        self.plan.stations[station].node.replace(node)
    }

    /// Takes a node out of its place; what came by way of it is released.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<RawNode> {
        let station = self.plan.station_of_slot(slot)?;
        self.begin();
        self.gone(station);
        self.plan.timers.clear(station);
        let node = self.plan.stations[station].node.take();
        self.end();
        node
    }

    /// Before a reload: a carried processor hears that a source does not reach it any more.
    pub(crate) fn tell_unreached(&mut self, station: usize, port: u16, source: u32) {
        self.begin();
        // SAFETY: as in `ready`.
        self.call(station, false, |node, now, out| unsafe {
            (node.vtable.source_lost)(node.this, port, source, now, out)
        });
        self.end();
    }

    /// Works off what releases brought in.
    pub(crate) fn settle(&mut self) {
        self.begin();
        self.end();
    }

    /// Releases everything that anybody holds anywhere.
    pub(crate) fn release_all(&mut self) {
        self.begin();
        self.flush();
        for tracker in 0..self.plan.trackers.len() {
            for place in 0..self.plan.trackers[tracker].sources().len() {
                self.release(tracker, place);
            }
        }
        self.end();
    }

    #[inline]
    fn begin(&mut self) {
        self.now = clock::now();
        self.order = 0;
    }

    /// Works off what came in, and then what it fired.
    #[inline]
    fn end(&mut self) {
        self.flush();
        if self.plan.fired.is_empty() {
            return;
        }
        let mut done = 0;
        while done < self.plan.fired.len().min(MOST_FIRED) {
            let action = &self.plan.actions[self.plan.fired[done] as usize];
            let (station, command) = (action.station as usize, action.command.this);
            let mut reply = Reply::default();
            let status = self.run_command(station, command, &mut reply);
            let host = &self.plan.stations[station].host;
            if self.plan.stations[station].node.is_none() {
                host.shared.log(
                    host.slot,
                    Level::Warn,
                    "a trigger ran a command, but the node is not running",
                );
            } else if status != OK {
                host.shared.log(host.slot, Level::Warn, reply.as_str());
            }
            self.flush();
            done += 1;
        }
        self.plan.fired.clear();
    }

    // ---- calling nodes

    /// Calls a node and takes over what it pushes.
    #[inline]
    fn call(
        &mut self,
        station: usize,
        sending: bool,
        body: impl FnOnce(&RawNode, u64, *mut Out) -> u8,
    ) -> u8 {
        let place = &mut self.plan.stations[station];
        let Some(node) = place.node else { return OK };
        place.busy = true;
        let buffer = self.plan.outs[self.depth].as_mut_ptr();
        let now = self.now;
        self.depth += 1;
        let core: *mut Self = self;
        let mut frame = Frame { core, station, sending };
        // SAFETY: the buffer is this depth's own: no other call uses it before this one is over.
        let mut out = unsafe { Out::over(buffer, OUT_EVENTS, (&raw mut frame).cast(), spill, lost) };
        let status = body(&node, now, &mut out);
        // SAFETY: `core` is this core; what the node did through `out` is over.
        let this = unsafe { &mut *core };
        if status == PANICKED {
            this.depth -= 1;
            this.plan.stations[station].busy = false;
            this.fault(station);
            return status;
        }
        let events = out.take();
        if !events.is_empty() {
            // SAFETY: the buffer stays ours until `depth` goes down.
            let events = unsafe { std::slice::from_raw_parts_mut(events.as_ptr().cast_mut(), events.len()) };
            this.take_over(station, sending, events);
        }
        this.depth -= 1;
        this.plan.stations[station].busy = false;
        if let Some(time) = out.take_wake() {
            this.plan.timers.set(station, time);
        }
        status
    }

    /// Takes over events that a node pushed.
    #[inline]
    fn take_over(&mut self, station: usize, sending: bool, events: &mut [Event]) {
        if !sending {
            return self.distribute(station, events);
        }
        let place = &mut self.plan.stations[station];
        let fits = events.len().min(INPUT_EVENTS.min(place.deferred.capacity()) - place.deferred.len());
        place.deferred.extend_from_slice(&events[..fits]);
        place.host.counters.dropped(DropReason::Overflow, (events.len() - fits) as u64);
        self.deferred |= fits > 0;
    }

    // ---- carrying events

    /// Sends events that left a node over its hops.
    #[inline]
    fn distribute(&mut self, station: usize, events: &mut [Event]) {
        let place = &self.plan.stations[station];
        Counters::add(&place.host.counters.events_out, events.len() as u64);
        let slot = place.host.slot;
        match place.kind {
            NodeKind::Endpoint => {
                if self.order >= LAST_ORDER {
                    self.flush();
                    self.order = 0;
                }
                for event in &mut *events {
                    event.source = source_id(slot, event.port);
                    event.order = self.order;
                    self.order += 1;
                }
            }
            NodeKind::Processor => {
                for event in &mut *events {
                    if event.source == 0 {
                        event.source = source_id(slot, event.port);
                    }
                }
                if place.smooth {
                    order::smooth(events);
                }
            }
        }
        let mut rest: &[Event] = events;
        while let Some(first) = rest.first() {
            let port = first.port;
            let end = rest.iter().position(|e| e.port != port).unwrap_or(rest.len());
            self.leave(station, port, &rest[..end]);
            rest = &rest[end..];
        }
    }

    /// Sends events out of one port.
    #[inline]
    fn leave(&mut self, station: usize, port: u16, events: &[Event]) {
        let port = usize::from(port);
        let Some(outlet) = self.plan.stations[station].outlets.get_mut(port) else {
            return self.plan.stations[station]
                .host
                .counters
                .dropped(DropReason::Refused, events.len() as u64);
        };
        let (mapped, triggers) = (outlet.mapped.take(), outlet.triggers.take());
        for hop in 0..outlet.hops.len() {
            let hop = self.plan.stations[station].outlets[port].hops[hop];
            self.carry(hop, events);
        }
        if let Some(mut triggers) = triggers {
            for event in events {
                triggers.apply(event, &mut self.plan.trigger_state, |trigger| {
                    if self.plan.fired.len() < MOST_FIRED {
                        self.plan.fired.push(trigger);
                    }
                });
            }
            self.plan.stations[station].outlets[port].triggers = Some(triggers);
        }
        if let Some(mut mapped) = mapped {
            let mut batch = std::mem::take(&mut self.batch);
            let (mut len, mut to) = (0, 0);
            for event in events {
                mapped.maps.apply(event, |dest, event| {
                    if len > 0 && (dest != to || len == MAP_BATCH) {
                        self.carry(mapped.hops[to as usize], &batch[..len]);
                        len = 0;
                    }
                    batch[len] = event;
                    (len, to) = (len + 1, dest);
                });
            }
            if len > 0 {
                self.carry(mapped.hops[to as usize], &batch[..len]);
            }
            self.batch = batch;
            self.plan.stations[station].outlets[port].mapped = Some(mapped);
        }
    }

    /// Brings events over one hop into the input of its station.
    #[inline]
    fn carry(&mut self, hop: u32, events: &[Event]) {
        let hop_index = hop;
        let hop = &self.plan.hops[hop as usize];
        let (to, port) = (hop.to as usize, hop.to_port);
        Counters::add(&hop.stats.events, events.len() as u64);
        if let Some(tracker) = hop.tracker {
            self.plan.trackers[tracker as usize].watch(events);
            let segments = &mut self.plan.stations[to].segments;
            let (count, time) = (events.len() as u32, events[0].time);
            let full = segments.len() == SEGMENTS;
            match segments.last_mut() {
                Some(last) if full || (last.hop == hop_index && last.time == time) => last.count += count,
                _ => segments.push(Segment { hop: hop_index, count, time }),
            }
        }
        self.enter(to, port, events);
    }

    /// Puts events into a station's input.
    #[inline]
    fn enter(&mut self, station: usize, port: u16, mut events: &[Event]) {
        loop {
            let input = &mut self.plan.stations[station].input;
            let (now, later) = events.split_at(events.len().min(INPUT_EVENTS - input.len()));
            input.extend(now.iter().map(|event| event.at_port(port)));
            if later.is_empty() {
                break;
            }
            events = later;
            if self.plan.stations[station].busy {
                return self.squeeze(station, port, events);
            }
            self.run(station);
        }
        self.plan.dirty.insert(station);
    }

    /// A node floods itself: its input is full and it cannot be called, since it is in a call. What
    /// matters least makes room, and what ends a note always finds it.
    #[cold]
    fn squeeze(&mut self, station: usize, port: u16, events: &[Event]) {
        let place = &mut self.plan.stations[station];
        for event in events {
            let least = place.input.iter().position(|e| value_key(&e.ump).is_some());
            let least = least.or_else(|| {
                let ends = event.ump.is_note_off();
                place.input.iter().position(|e| ends && !e.ump.is_note_off())
            });
            place.host.counters.dropped(DropReason::Overflow, 1);
            if let Some(least) = least {
                place.input.remove(least);
                place.input.push(event.at_port(port));
            }
        }
    }

    /// Works off all inputs, from front to back. Nodes that are in a call keep theirs for later.
    #[inline]
    fn flush(&mut self) {
        let mut kept = false;
        while let Some(station) = self.plan.dirty.pop() {
            if self.plan.stations[station].busy {
                kept = true;
            } else {
                self.run(station);
            }
        }
        if kept {
            for station in 0..self.plan.stations.len() {
                if self.plan.stations[station].busy && !self.plan.stations[station].input.is_empty() {
                    self.plan.dirty.insert(station);
                }
            }
        }
    }

    /// Gives a station what waits for it.
    #[inline]
    fn run(&mut self, station: usize) {
        let place = &mut self.plan.stations[station];
        std::mem::swap(&mut place.input, &mut place.working);
        let len = place.working.len();
        if len == 0 {
            return;
        }
        if place.merges {
            order::restore(&mut place.working, &mut self.plan.scratch);
        }
        Counters::add(&place.host.counters.events_in, len as u64);
        let endpoint = place.kind == NodeKind::Endpoint;
        if place.node.is_none() {
            place.host.counters.dropped(DropReason::Unavailable, len as u64);
        } else {
            let events = place.working.as_ptr();
            // SAFETY: `working` is left alone until the call is over: only `run` swaps it, and not for
            // a station that is busy.
            self.call(station, endpoint, |node, now, out| unsafe {
                (node.vtable.events)(node.this, events, len, now, out)
            });
        }
        let place = &mut self.plan.stations[station];
        place.working.clear();
        if endpoint && !place.segments.is_empty() {
            let departed = clock::now();
            for segment in &place.segments {
                let (took, count) = (departed.saturating_sub(segment.time), u64::from(segment.count));
                self.plan.hops[segment.hop as usize].stats.latency.record(took, count);
                place.host.latency.record(took, count);
            }
            place.segments.clear();
        }
    }

    // ---- releasing

    /// What fed an output port (or all of a node's) is gone: what it holds anywhere is released.
    #[cold]
    pub(crate) fn source_lost(&mut self, station: usize, port: u16) {
        self.flush();
        let ports = match port {
            ALL_PORTS => 0..self.plan.stations[station].outlets.len() as u16,
            port => port..port + 1,
        };
        for port in ports {
            self.forget_source(station, port);
            let source = source_id(self.plan.stations[station].host.slot, port);
            self.tell_processors(station, port, source);
            self.flush();
            for tracker in 0..self.plan.trackers.len() {
                if let Ok(place) = self.plan.trackers[tracker].sources().binary_search(&source) {
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
        for at in 0..self.plan.stations.len() {
            if self.plan.stations[at].kind == NodeKind::Endpoint {
                break;
            }
            for hop in 0..self.plan.stations[at].hops_in.len() {
                let (from, from_port, to_port) = self.plan.stations[at].hops_in[hop];
                let from = from as usize;
                if (from == station && from_port == port) || self.plan.marks[from] {
                    self.plan.marks[at] = true;
                    // SAFETY: as in `ready`.
                    self.call(at, false, |node, now, out| unsafe {
                        (node.vtable.source_lost)(node.this, to_port, source, now, out)
                    });
                }
            }
        }
    }

    /// Releases what one source holds at the destination of a tracker's hop.
    pub(crate) fn release(&mut self, tracker: usize, place: usize) {
        if self.plan.trackers[tracker].boxed_at(place).is_empty() {
            return;
        }
        // An empty one takes its place while it is read, so that the other holders can be asked. There
        // are enough of them unless nodes lose their sources within each other's calls, again and again.
        let mut held = self.spares.pop().unwrap_or_default();
        std::mem::swap(&mut held, self.plan.trackers[tracker].boxed_at(place));
        let source = self.plan.trackers[tracker].sources()[place];
        let hop = self.plan.tracker_hops[tracker];
        held.release_all(|ump| self.release_one(hop, source, ump));
        self.spares.push(held);
    }

    /// Sends a release over a hop, unless somebody else holds the same note or pedal there.
    pub(crate) fn release_one(&mut self, hop: u32, source: u32, ump: Ump) {
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

    /// A node panicked: it is taken out, and what came by way of it is released.
    #[cold]
    fn fault(&mut self, station: usize) {
        let place = &mut self.plan.stations[station];
        place.input.clear();
        place.deferred.clear();
        place.segments.clear();
        self.plan.timers.clear(station);
        let slot = place.host.slot;
        place.host.set_health(Health::Failed, "the plugin panicked");
        if let Some(node) = place.node.take() {
            self.reports.send(Report::Faulted { slot, node });
        }
        self.plan.stations[station].host.shared.wake_supervisor();
        self.gone(station);
    }

    /// Releases what came out of a node, and forgets what was held at it.
    pub(crate) fn gone(&mut self, station: usize) {
        for (tracker, hop) in self.plan.trackers.iter_mut().zip(&self.plan.tracker_hops) {
            if self.plan.hops[*hop as usize].to as usize == station {
                tracker.clear();
            }
        }
        match self.plan.stations[station].kind {
            NodeKind::Endpoint => self.source_lost(station, ALL_PORTS),
            NodeKind::Processor => self.processor_gone(station),
        }
    }

    /// Releases what sources hold by way of a processor. Where the same source reaches the same last
    /// hop past the processor too, that is released with it: the hop does not tell them apart.
    fn processor_gone(&mut self, station: usize) {
        for port in 0..self.plan.stations[station].outlets.len() as u16 {
            self.forget_source(station, port);
        }
        self.release_behind(station, |core, source| core.reaches(source, station));
    }

    /// Releases what these sources hold at the destinations behind a processor.
    pub(crate) fn release_behind(&mut self, station: usize, whose: impl Fn(&Self, u32) -> bool) {
        self.plan.marks.fill(false);
        self.plan.marks[station] = true;
        for at in station + 1..self.plan.stations.len() {
            if self.plan.stations[at].kind == NodeKind::Processor {
                self.plan.marks[at] =
                    self.plan.stations[at].hops_in.iter().any(|(from, ..)| self.plan.marks[*from as usize]);
            }
        }
        for tracker in 0..self.plan.trackers.len() {
            let (slot, _) = self.plan.hops[self.plan.tracker_hops[tracker] as usize].identity.from;
            let behind = self.plan.station_of_slot(slot).is_some_and(|from| self.plan.marks[from]);
            for place in 0..if behind { self.plan.trackers[tracker].sources().len() } else { 0 } {
                let source = self.plan.trackers[tracker].sources()[place];
                if whose(self, source) {
                    self.release(tracker, place);
                }
            }
        }
        self.flush();
    }

    /// Whether events of a source come by a station.
    fn reaches(&self, source: u32, station: usize) -> bool {
        let from = source_slot(source);
        let Some(from) = self.plan.station_of_slot(from) else { return false };
        from == station
            || self.plan.stations[station].hops_in.iter().any(|(feeder, port, _)| {
                let feeder = *feeder as usize;
                if feeder == from {
                    source_id(self.plan.stations[from].host.slot, *port) == source
                } else {
                    self.plan.stations[feeder].kind == NodeKind::Processor && self.reaches(source, feeder)
                }
            })
    }
}
