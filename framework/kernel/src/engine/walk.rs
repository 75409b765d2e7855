//! Moving events through a plan: the inner part of the engine. Everything here is `[engine]`: no
//! locks, no memory taken or given back, no system call but those of the nodes.
//!
//! One *pass*: an endpoint (or a timer, or a command) brings events in; they are carried over the hops
//! into the inputs of stations, and [`Core::flush`] works the stations off from front to back.
//!
//! Where an input is full its station is worked off at once, within the call of the node that fills it.
//! So nodes can be in calls within each other's, along a path of the graph and never twice; what would
//! call nodes anywhere else waits until none is in a call ([`Aftermath`]).

use midibay_plugin::abi::{OK, PANICKED, RawNode, Reply, WOKEN};
use midibay_plugin::{Counters, DropReason, Event, Level, Out};
use midibay_ump::{Held, value_key};

use super::messages::Reports;
use super::order;
use super::plan::{
    Aftermath, DEFERRED_EVENTS, INPUT_EVENTS, MOST_FIRED, OUT_EVENTS, Plan, SEGMENTS, Segment, source_id,
};
use crate::clock;
use crate::graph::NodeKind;

/// Where the next pass begins to count anew instead of running out of numbers.
const LAST_ORDER: u16 = u16::MAX - DEFERRED_EVENTS as u16;

/// The `source` of what stands among deferred events for the loss of a port's source.
const LOST: u32 = u32::MAX;

/// How many events go through control maps before they are carried on together.
const MAP_BATCH: usize = 64;

/// A plan at work.
pub(crate) struct Core {
    pub(crate) plan: Plan,
    pub(super) now: u64,
    /// How many nodes are in a call at the moment, each within the one before.
    depth: usize,
    /// The arrival number of the next event that enters the graph in this pass.
    pub(super) order: u16,
    /// Whether an endpoint pushed events while it was sending.
    deferred: bool,
    /// Takes turns with the stations' deferred events, so that more can come while these are brought in.
    bringing: Vec<Event>,
    /// Takes the place of what is being released.
    pub(super) spare: Option<Box<Held>>,
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
        (*frame.core).take_over(frame.station, frame.sending, (*out).take());
    }
}

unsafe extern "C" fn lost(out: *mut Out, port: u16) {
    // SAFETY: as in `spill`.
    unsafe {
        spill(out);
        let frame = &*(*out).engine().cast::<Frame>();
        (*frame.core).told_lost(frame.station, frame.sending, port);
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
            bringing: Vec::with_capacity(DEFERRED_EVENTS),
            spare: Some(Held::boxed()),
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
            if !self.plan.stations[station].deferred.is_empty() {
                self.begin();
                self.bring_in(station);
                self.end();
            }
        }
    }

    /// Brings in what one endpoint pushed while it was sending, and carries out the losses in between.
    /// What is pushed meanwhile waits for the next turn.
    fn bring_in(&mut self, station: usize) {
        let mut waiting = std::mem::take(&mut self.bringing);
        std::mem::swap(&mut waiting, &mut self.plan.stations[station].deferred);
        let mut rest = &mut waiting[..];
        while !rest.is_empty() {
            let events = rest.iter().position(|e| e.source == LOST).unwrap_or(rest.len());
            let (events, from_loss) = rest.split_at_mut(events);
            self.distribute(station, events);
            let Some((loss, after)) = from_loss.split_first_mut() else { break };
            self.source_lost(station, loss.port);
            rest = after;
        }
        waiting.clear();
        self.bringing = waiting;
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

    /// Puts a node into its place again, after it was faulted or could not be started, and calls it once.
    pub(crate) fn install(&mut self, slot: u32, node: RawNode) -> Option<RawNode> {
        let Some(station) = self.plan.station_of_slot(slot) else { return Some(node) };
        let before = self.plan.stations[station].node.replace(node);
        self.ready(slot, WOKEN, 0);
        before
    }

    /// Takes a node out of its place. What is held at it is released while it can still say so; then what
    /// came by way of it.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<RawNode> {
        let station = self.plan.station_of_slot(slot)?;
        self.begin();
        self.release_at(station);
        self.gone(station);
        self.plan.timers.clear(station);
        self.forget_waiting(station);
        let node = self.plan.stations[station].node.take();
        self.end();
        node
    }

    /// Releases everything that anybody holds anywhere.
    pub(crate) fn release_all(&mut self) {
        self.begin();
        self.flush();
        for tracker in 0..self.plan.trackers.len() {
            self.release_all_of(tracker);
        }
        self.end();
    }

    #[inline]
    pub(super) fn begin(&mut self) {
        self.now = clock::now();
        self.order = 0;
    }

    /// Works off what came in, what nodes left behind that panicked, and what was fired.
    #[inline]
    pub(super) fn end(&mut self) {
        self.flush();
        if !self.plan.fired.is_empty() || !self.plan.aftermath.is_empty() {
            self.clean_up();
        }
    }

    fn clean_up(&mut self) {
        let mut done = 0;
        loop {
            if let Some(aftermath) = self.plan.aftermath.pop() {
                match aftermath {
                    Aftermath::Gone(station) => self.gone(station as usize),
                    Aftermath::Lost(station, port) => self.source_lost(station as usize, port),
                }
            } else if let Some(fired) = self.plan.fired.get(done) {
                let fired = *fired as usize;
                self.run_fired(fired);
                done += 1;
            } else {
                break;
            }
            self.flush();
        }
        self.plan.fired.clear();
    }

    fn run_fired(&mut self, action: usize) {
        let action = &self.plan.actions[action];
        let (station, command) = (action.station as usize, action.command.this);
        if self.plan.stations[station].node.is_none() {
            let host = &self.plan.stations[station].host;
            return host.log(Level::Warn, "a trigger ran a command, but the node is not running");
        }
        let mut reply = Reply::default();
        match self.run_command(station, command, &mut reply) {
            OK => {}
            PANICKED => self.plan.stations[station]
                .host
                .log(Level::Warn, "it panicked in a command that a trigger ran"),
            _ => self.plan.stations[station].host.log(Level::Warn, reply.as_str()),
        }
    }

    // ---- calling nodes

    /// Calls a node and takes over what it pushes.
    #[inline]
    pub(super) fn call(
        &mut self,
        station: usize,
        sending: bool,
        body: impl FnOnce(&RawNode, u64, *mut Out) -> u8,
    ) -> u8 {
        let place = &mut self.plan.stations[station];
        let Some(node) = place.node else { return OK };
        place.busy = true;
        // There is one for each node of the longest path, and calls go along a path.
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
            this.take_over(station, sending, events);
        }
        this.depth -= 1;
        this.plan.stations[station].busy = false;
        if let Some(time) = out.take_wake() {
            // Not before now, or a node that asks for times long past would always be the first.
            this.plan.timers.set(station, time.max(now));
        }
        status
    }

    /// Takes over events that a node pushed. What it pushed while it was sending comes before them.
    #[inline]
    fn take_over(&mut self, station: usize, sending: bool, events: &mut [Event]) {
        if sending {
            self.defer(station, events);
        } else {
            if !self.plan.stations[station].deferred.is_empty() {
                self.bring_in(station);
            }
            self.distribute(station, events);
        }
    }

    /// Keeps what an endpoint pushed while it was sending: it enters the graph with the next turn, so
    /// that two endpoints that answer each other do not keep everybody else waiting.
    fn defer(&mut self, station: usize, events: &[Event]) {
        let place = &mut self.plan.stations[station];
        if place.outlets.is_empty() {
            return place.host.counters.dropped(DropReason::Refused, events.len() as u64);
        }
        for event in events {
            let event = Event { source: 0, ..*event };
            if place.deferred.len() < INPUT_EVENTS {
                place.deferred.push(event);
            } else {
                squeeze(&mut place.deferred, event, &place.host.counters);
            }
        }
        self.deferred |= !place.deferred.is_empty();
    }

    /// A node says that the source behind one of its output ports is gone.
    fn told_lost(&mut self, station: usize, sending: bool, port: u16) {
        let place = &mut self.plan.stations[station];
        if sending {
            // After what waits already, and once.
            let mut told = place.deferred.iter().rev().take_while(|e| e.source == LOST);
            if told.any(|e| e.port == port) {
                return;
            }
            if place.deferred.len() == DEFERRED_EVENTS {
                let Some(least) = place.deferred.iter().position(|e| e.source != LOST) else { return };
                place.deferred.remove(least);
                place.host.counters.dropped(DropReason::Overflow, 1);
            }
            place.deferred.push(Event { source: LOST, port, ..Event::default() });
            self.deferred = true;
        } else if place.kind == NodeKind::Processor {
            self.plan.after(Aftermath::Lost(station as u32, port));
        } else {
            self.source_lost(station, port);
        }
    }

    // ---- carrying events

    /// Sends events that left a node over its hops.
    #[inline]
    fn distribute(&mut self, station: usize, events: &mut [Event]) {
        if self.order >= LAST_ORDER && self.plan.stations[station].kind == NodeKind::Endpoint {
            self.count_anew();
        }
        let place = &self.plan.stations[station];
        Counters::add(&place.host.counters.events_out, events.len() as u64);
        let slot = place.host.slot;
        match place.kind {
            NodeKind::Endpoint => {
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

    /// The numbers of this pass run out: what has come so far is worked off first. What a node in a call
    /// keeps for later stays before what comes now.
    #[cold]
    fn count_anew(&mut self) {
        self.flush();
        for place in self.plan.stations.iter_mut().filter(|place| !place.input.is_empty()) {
            order::restore(&mut place.input, &mut self.plan.scratch);
            place.input.iter_mut().for_each(|event| event.order = 0);
        }
        self.order = 0;
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
            let (fired, mut missed) = (&mut self.plan.fired, 0);
            for event in events {
                triggers.apply(event, &mut self.plan.trigger_state, |trigger| {
                    if fired.len() < MOST_FIRED { fired.push(trigger) } else { missed += 1 }
                });
            }
            self.plan.stations[station].host.counters.dropped(DropReason::Overflow, missed);
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
    pub(super) fn enter(&mut self, station: usize, port: u16, mut events: &[Event]) {
        loop {
            let input = &mut self.plan.stations[station].input;
            let (now, later) = events.split_at(events.len().min(INPUT_EVENTS - input.len()));
            input.extend(now.iter().map(|event| event.at_port(port)));
            if later.is_empty() {
                break;
            }
            events = later;
            let place = &mut self.plan.stations[station];
            if place.busy {
                // A node floods itself: it cannot be called, since it is in a call.
                for event in events {
                    squeeze(&mut place.input, event.at_port(port), &place.host.counters);
                }
                return;
            }
            self.run(station);
        }
        self.plan.dirty.insert(station);
    }

    /// Works off all inputs, from front to back. Nodes that are in a call keep theirs for later.
    #[inline]
    pub(super) fn flush(&mut self) {
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
            place.segments.clear();
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
}

/// Puts an event into a full list: what matters least makes room, and what ends a note always finds it
/// while there is anything else.
#[cold]
fn squeeze(list: &mut Vec<Event>, event: Event, counters: &Counters) {
    let least = list.iter().position(|e| e.source != LOST && value_key(&e.ump).is_some());
    let least = least.or_else(|| {
        let ends = event.ump.is_note_off();
        list.iter().position(|e| ends && e.source != LOST && !e.ump.is_note_off())
    });
    counters.dropped(DropReason::Overflow, 1);
    if let Some(least) = least {
        list.remove(least);
        list.push(event);
    }
}
