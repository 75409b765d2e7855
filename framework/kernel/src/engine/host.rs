//! The program's side of a node's [`midibay_plugin::Host`], and what all nodes of an engine share.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::Thread;

use crossbeam_queue::ArrayQueue;
use midibay_plugin::abi::{HostVtable, RawHost};
use midibay_plugin::io::Poll;
use midibay_plugin::{Counters, Health, Level, PropertyCell};

use super::stats::Histogram;
use crate::clock;

// The names of the types that cross the ABI stay inside `midibay-plugin`.
type RStr<'a> = midibay_plugin::abi::Text<'a>;
type RString = midibay_plugin::abi::OwnedText;

/// More nodes than this an engine does not take.
pub(crate) const MAX_NODES: usize = 1 << 15;
/// How many nodes there are at once at most: those of a graph and, while it is loaded, of the next one.
/// The number of a node is 16 bits.
pub(crate) const MAX_SLOTS: usize = 2 * MAX_NODES;

/// The poll key of a node's descriptor.
fn poll_key(slot: u32, key: u32) -> u64 {
    u64::from(slot) << 32 | u64::from(key)
}

/// The node and its key behind a poll key.
pub(crate) fn split_poll_key(key: u64) -> (u32, u32) {
    ((key >> 32) as u32, key as u32)
}

/// A line that a node said, in fixed memory, on its way to a thread that may write it.
pub(crate) struct LogLine {
    pub(crate) slot: u32,
    pub(crate) level: Level,
    text: [u8; 240],
    len: u8,
}

impl LogLine {
    fn new(slot: u32, level: Level, text: &str) -> Self {
        let mut end = text.len().min(240);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut line = Self { slot, level, text: [0; 240], len: end as u8 };
        line.text[..end].copy_from_slice(&text.as_bytes()[..end]);
        line
    }

    /// Whether the same node says the same.
    pub(crate) fn says_as(&self, other: &Self) -> bool {
        (self.slot, self.level, self.text()) == (other.slot, other.level, other.text())
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.text[..usize::from(self.len)]).unwrap_or("")
    }
}

/// A set of node numbers that any thread adds to and the engine empties, without locks.
pub(crate) struct SlotSet {
    summary: [AtomicU64; MAX_SLOTS / 64 / 64],
    words: [AtomicU64; MAX_SLOTS / 64],
}

impl SlotSet {
    fn new() -> Self {
        Self {
            summary: std::array::from_fn(|_| AtomicU64::new(0)),
            words: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// Adds one; the poller must be notified next. `[any]`
    pub(crate) fn insert(&self, slot: u32) {
        let word = slot as usize / 64;
        self.words[word].fetch_or(1 << (slot % 64), Ordering::Release);
        self.summary[word / 64].fetch_or(1 << (word % 64), Ordering::Release);
    }

    /// Takes all of them. `[engine]`
    pub(crate) fn drain(&self, mut each: impl FnMut(u32)) {
        for (s, summary) in self.summary.iter().enumerate() {
            if summary.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let mut words = summary.swap(0, Ordering::Acquire);
            while words != 0 {
                let word = s * 64 + words.trailing_zeros() as usize;
                words &= words - 1;
                let mut slots = self.words[word].swap(0, Ordering::Acquire);
                while slots != 0 {
                    each((word * 64) as u32 + slots.trailing_zeros());
                    slots &= slots - 1;
                }
            }
        }
    }
}

/// What the nodes of one engine share.
pub(crate) struct Shared {
    pub(crate) poll: Poll,
    pub(crate) woken: SlotSet,
    pub(crate) log: ArrayQueue<LogLine>,
    /// Lines that found no room there.
    pub(crate) log_lost: AtomicU64,
    /// What priority the engine's thread got, in words.
    pub(crate) priority: OnceLock<String>,
    /// The names of nodes, for the log.
    names: Mutex<HashMap<u32, String>>,
    /// The supervisor's thread, which writes the log and looks after nodes.
    supervisor: OnceLock<Thread>,
}

impl Shared {
    pub(crate) fn new() -> std::io::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            poll: Poll::new()?,
            woken: SlotSet::new(),
            log: ArrayQueue::new(256),
            log_lost: AtomicU64::new(0),
            priority: OnceLock::new(),
            names: Mutex::default(),
            supervisor: OnceLock::new(),
        }))
    }

    pub(crate) fn set_supervisor(&self, thread: Thread) {
        // There is one in an engine's life.
        let _ = self.supervisor.set(thread);
    }

    /// The name of the node that has, or last had, this slot. `[main]`
    pub(crate) fn name_of(&self, slot: u32) -> String {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(&slot).cloned().unwrap_or_else(|| format!("node {slot}"))
    }

    /// Has the supervisor look around. `[any]`
    pub(crate) fn wake_supervisor(&self) {
        if let Some(thread) = self.supervisor.get() {
            thread.unpark();
        }
    }

    /// Puts a line on its way to the log. `[any]`
    pub(crate) fn log(&self, slot: u32, level: Level, text: &str) {
        if self.log.push(LogLine::new(slot, level, text)).is_err() {
            self.log_lost.fetch_add(1, Ordering::Relaxed);
        }
        self.wake_supervisor();
    }
}

/// The program's side of one node: it outlives the node's restarts, and keeps its numbers over them.
pub(crate) struct HostState {
    pub(crate) slot: u32,
    pub(crate) name: String,
    pub(crate) shared: Arc<Shared>,
    pub(crate) counters: Counters,
    /// For endpoints: how long events took from their arrival in the graph to their departure here.
    pub(crate) latency: Histogram,
    properties: HashMap<String, Box<PropertyCell>>,
    health: AtomicU8,
    health_text: PropertyCell,
    documents: Mutex<BTreeMap<String, String>>,
}

impl HostState {
    pub(crate) fn new<'a>(
        slot: u32,
        name: &str,
        shared: &Arc<Shared>,
        properties: impl Iterator<Item = &'a str>,
    ) -> Arc<Self> {
        shared.names.lock().unwrap_or_else(PoisonError::into_inner).insert(slot, name.to_owned());
        Arc::new(Self {
            slot,
            name: name.to_owned(),
            shared: Arc::clone(shared),
            counters: Counters::default(),
            latency: Histogram::default(),
            properties: properties.map(|name| (name.to_owned(), Box::default())).collect(),
            health: AtomicU8::new(Health::Ok as u8),
            health_text: PropertyCell::default(),
            documents: Mutex::default(),
        })
    }

    /// One share of it, as a plugin takes it.
    pub(crate) fn raw(self: &Arc<Self>) -> RawHost {
        RawHost { this: Arc::into_raw(Arc::clone(self)).cast(), vtable: VTABLE }
    }

    /// Puts a line on its way to the log. `[any]`
    pub(crate) fn log(&self, level: Level, text: &str) {
        self.shared.log(self.slot, level, text);
    }

    pub(crate) fn set_health(&self, health: Health, text: &str) {
        self.health_text.set_text(text);
        self.health.store(health as u8, Ordering::Release);
    }

    pub(crate) fn health(&self) -> (Health, String) {
        let health = match self.health.load(Ordering::Acquire) {
            0 => Health::Ok,
            1 => Health::Waiting,
            2 => Health::Degraded,
            _ => Health::Failed,
        };
        let text = match self.health_text.get() {
            midibay_plugin::Value::Text(text) => text,
            _ => String::new(),
        };
        (health, text)
    }

    pub(crate) fn properties(&self) -> impl Iterator<Item = (&str, midibay_plugin::Value)> {
        self.properties.iter().map(|(name, cell)| (name.as_str(), cell.get()))
    }

    pub(crate) fn documents(&self) -> BTreeMap<String, String> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

const VTABLE: HostVtable = {
    unsafe fn host<'a>(this: *const ()) -> &'a HostState {
        // SAFETY: `this` is the pointer of an `Arc<HostState>` that the caller holds a share of.
        unsafe { &*this.cast::<HostState>() }
    }
    unsafe extern "C" fn retain(this: *const ()) {
        // SAFETY: made by `Arc::into_raw`, and alive.
        unsafe { Arc::increment_strong_count(this.cast::<HostState>()) };
    }
    unsafe extern "C" fn release(this: *const ()) {
        // SAFETY: made by `Arc::into_raw`; this share is given back once.
        unsafe { Arc::decrement_strong_count(this.cast::<HostState>()) };
    }
    unsafe extern "C" fn now(_: *const ()) -> u64 {
        clock::now()
    }
    unsafe extern "C" fn log(this: *const (), level: u8, text: RStr<'_>) {
        let level = [Level::Error, Level::Warn, Level::Info, Level::Debug][usize::from(level.min(3))];
        // SAFETY: alive; so in all that follow.
        unsafe { host(this) }.log(level, text.as_str());
    }
    unsafe extern "C" fn health(this: *const (), health: u8, text: RStr<'_>) {
        let health =
            [Health::Ok, Health::Waiting, Health::Degraded, Health::Failed][usize::from(health.min(3))];
        // SAFETY: alive.
        unsafe { host(this) }.set_health(health, text.as_str());
    }
    unsafe extern "C" fn property(this: *const (), name: RStr<'_>) -> *const () {
        // SAFETY: alive.
        let cell = unsafe { host(this) }.properties.get(name.as_str());
        cell.map_or(std::ptr::null(), |cell| (&raw const **cell).cast())
    }
    unsafe extern "C" fn counters(this: *const ()) -> *const () {
        // SAFETY: alive.
        (&raw const unsafe { host(this) }.counters).cast()
    }
    unsafe extern "C" fn publish(this: *const (), name: RStr<'_>, json: RStr<'_>) {
        // SAFETY: alive.
        let mut documents = unsafe { host(this) }.documents.lock().unwrap_or_else(PoisonError::into_inner);
        documents.insert(name.to_string(), json.to_string());
    }
    unsafe extern "C" fn io(this: *const (), op: u8, fd: i64, key: u32, interest: u8) -> i32 {
        const INVALID: i32 = 22;
        // SAFETY: alive.
        let host = unsafe { host(this) };
        // SAFETY: the node keeps the descriptor open until it ends the watch (`Host::watch`).
        let done = unsafe { host.shared.poll.control(op, fd, poll_key(host.slot, key), interest) };
        done.err().map_or(0, |e| e.raw_os_error().unwrap_or(INVALID))
    }
    unsafe extern "C" fn wake(this: *const ()) {
        // SAFETY: alive.
        let host = unsafe { host(this) };
        host.shared.woken.insert(host.slot);
        host.shared.poll.notify();
    }
    unsafe extern "C" fn name(this: *const ()) -> RString {
        // SAFETY: alive.
        unsafe { host(this) }.name.as_str().into()
    }
    HostVtable { retain, release, now, log, health, property, counters, publish, io, wake, name }
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_node_there_can_be_may_wake_the_engine_once_for_several_calls() {
        let woken = SlotSet::new();
        let slots = [0, 63, 64, MAX_NODES as u32, MAX_SLOTS as u32 - 1];
        slots.iter().chain(&slots).for_each(|slot| woken.insert(*slot));
        let mut seen = Vec::new();
        woken.drain(|slot| seen.push(slot));
        assert_eq!(seen, slots);
        woken.drain(|slot| panic!("{slot} was taken already"));
    }

    #[test]
    fn a_long_line_of_the_log_is_cut_between_two_letters() {
        let line = LogLine::new(0, Level::Info, &"ü".repeat(300));
        assert_eq!(line.text(), "ü".repeat(120));
        let line = LogLine::new(0, Level::Info, &format!("a{}", "ü".repeat(300)));
        assert_eq!(line.text(), format!("a{}", "ü".repeat(119)));
    }
}
