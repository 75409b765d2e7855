//! A rig for the tests of plugins: one node, driven through the ABI in virtual time, without an engine.
//! Needs the feature `testing`.
//!
//! Each call of an `[engine]` function runs under `assert_no_alloc`. A test binary that installs its
//! allocator (`#[cfg(debug_assertions)] #[global_allocator] static A: AllocDisabler = AllocDisabler;`)
//! is aborted by a node that allocates or frees there; without it, and in release builds, nothing is
//! checked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use abi_stable::std_types::{RErr, ROk, RStr, RString};
#[cfg(debug_assertions)]
pub use assert_no_alloc::AllocDisabler;
use assert_no_alloc::{assert_no_alloc, permit_alloc};
use midibay_ump::{Event, Ump};
use serde_json::Value as Json;

use crate::abi::{HostVtable, OK, PANICKED, REFUSED, RawHost, RawNode, RawNodeType, RawParams, Reply, WOKEN};
use crate::cells::{Counters, PropertyCell, Value};
use crate::error::ConfigError;
use crate::glue;
use crate::host::{Health, Level};
use crate::io::{Poll, Readied, Wait};
use crate::node::{Endpoint, Processor};
use crate::out::Out;

/// What the rig offers its node in place of the program.
struct RigHost {
    now: AtomicU64,
    woken: AtomicBool,
    poll: Poll,
    counters: Counters,
    properties: HashMap<String, Box<PropertyCell>>,
    health: Mutex<(Health, String)>,
    log: Mutex<Vec<(Level, String)>>,
    documents: Mutex<HashMap<String, String>>,
}

const HOST: HostVtable = {
    unsafe fn host<'a>(this: *const ()) -> &'a RigHost {
        // SAFETY: `this` is the pointer of an `Arc<RigHost>` that somebody holds.
        unsafe { &*this.cast::<RigHost>() }
    }
    unsafe extern "C" fn retain(this: *const ()) {
        // SAFETY: made by `Arc::into_raw`, alive.
        unsafe { Arc::increment_strong_count(this.cast::<RigHost>()) };
    }
    unsafe extern "C" fn release(this: *const ()) {
        // SAFETY: made by `Arc::into_raw`, this share is given back once.
        unsafe { Arc::decrement_strong_count(this.cast::<RigHost>()) };
    }
    unsafe extern "C" fn now(this: *const ()) -> u64 {
        // SAFETY: alive; so in all that follow.
        unsafe { host(this) }.now.load(Ordering::Relaxed)
    }
    unsafe extern "C" fn log(this: *const (), level: u8, text: RStr<'_>) {
        let level = [Level::Error, Level::Warn, Level::Info, Level::Debug][usize::from(level.min(3))];
        // SAFETY: alive.
        permit_alloc(|| unsafe { host(this) }.log.lock().unwrap().push((level, text.to_string())));
    }
    unsafe extern "C" fn health(this: *const (), health: u8, text: RStr<'_>) {
        let health =
            [Health::Ok, Health::Waiting, Health::Degraded, Health::Failed][usize::from(health.min(3))];
        // SAFETY: alive.
        permit_alloc(|| *unsafe { host(this) }.health.lock().unwrap() = (health, text.to_string()));
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
        unsafe { host(this) }.documents.lock().unwrap().insert(name.to_string(), json.to_string());
    }
    unsafe extern "C" fn io(this: *const (), op: u8, fd: i64, key: u32, interest: u8) -> i32 {
        // SAFETY: alive; the node keeps the descriptor open until it ends the watch.
        let done = permit_alloc(|| unsafe { host(this).poll.control(op, fd, u64::from(key), interest) });
        done.err().map_or(0, |e| e.raw_os_error().unwrap_or(-1))
    }
    unsafe extern "C" fn wake(this: *const ()) {
        // SAFETY: alive.
        let host = unsafe { host(this) };
        host.woken.store(true, Ordering::Release);
        host.poll.notify();
    }
    unsafe extern "C" fn name(_: *const ()) -> RString {
        "rig".into()
    }
    HostVtable { retain, release, now, log, health, property, counters, publish, io, wake, name }
};

/// One node under test. Time is virtual and starts at one second; [`Rig::poll`] lets real time pass.
/// Whatever the node pushes goes through a buffer of four events, so that running full is tried in
/// every test.
pub struct Rig {
    node_type: RawNodeType,
    node: Option<RawNode>,
    host: Arc<RigHost>,
    buffer: Box<[Event; 4]>,
    config: Json,
    wake_at: Option<u64>,
    wait: Wait,
    caught: Caught,
}

#[derive(Default)]
struct Caught {
    events: Vec<Event>,
    lost: Vec<u16>,
}

impl Rig {
    /// A processor with these options.
    ///
    /// # Errors
    /// What is wrong with the options, or why the node did not start (path empty).
    pub fn processor<N: Processor>(config: Json) -> Result<Self, Vec<ConfigError>> {
        Self::of_type(glue::processor_type::<N>(), config)
    }

    /// An endpoint with these options.
    ///
    /// # Errors
    /// As for [`Rig::processor`].
    pub fn endpoint<N: Endpoint>(config: Json) -> Result<Self, Vec<ConfigError>> {
        Self::of_type(glue::endpoint_type::<N>(), config)
    }

    /// A node of a type out of a [`crate::Module`], however that came here.
    ///
    /// # Errors
    /// As for [`Rig::processor`].
    pub fn of_type(node_type: RawNodeType, config: Json) -> Result<Self, Vec<ConfigError>> {
        let params = prepare(&node_type, &config)?;
        let properties = node_type.properties.iter().map(|p| (p.name.to_string(), Box::default())).collect();
        let host = Arc::new(RigHost {
            now: AtomicU64::new(1_000_000_000),
            woken: AtomicBool::new(false),
            poll: Poll::new().unwrap(),
            counters: Counters::default(),
            properties,
            health: Mutex::new((Health::Ok, String::new())),
            log: Mutex::default(),
            documents: Mutex::default(),
        });
        let raw = RawHost { this: Arc::into_raw(Arc::clone(&host)).cast(), vtable: HOST };
        // SAFETY: the params come from the same type, the host share is the one just made.
        let node = match unsafe { (node_type.create)(params.this, raw) } {
            ROk(node) => node,
            RErr(e) => return Err(vec![ConfigError::at("", crate::NodeError::from(e).to_string())]),
        };
        Ok(Self {
            node_type,
            node: Some(node),
            host,
            buffer: Box::default(),
            config,
            wake_at: None,
            wait: Wait::default(),
            caught: Caught::default(),
        })
    }

    fn call(&mut self, body: impl FnOnce(&RawNode, u64, *mut Out) -> u8) -> (u8, Vec<Event>) {
        unsafe extern "C" fn spill(out: *mut Out) {
            // SAFETY: the rig's own output, in a call of the rig.
            let out = unsafe { &mut *out };
            let caught = out.engine().cast::<Caught>();
            // SAFETY: `engine` is the rig's `Caught`, used by nothing else during the call.
            permit_alloc(|| unsafe { (*caught).events.extend_from_slice(out.take()) });
        }
        unsafe extern "C" fn lost(out: *mut Out, port: u16) {
            // SAFETY: as in `spill`.
            permit_alloc(|| unsafe { (*(*out).engine().cast::<Caught>()).lost.push(port) });
        }
        let node = self.node.expect("the node still runs");
        let now = self.now();
        // SAFETY: the buffer and `caught` outlive the call.
        let mut out = unsafe {
            Out::over(self.buffer.as_mut_ptr(), self.buffer.len(), (&raw mut self.caught).cast(), spill, lost)
        };
        let status = assert_no_alloc(|| body(&node, now, &mut out));
        if status == PANICKED {
            self.node = None;
            // SAFETY: not called again.
            unsafe { (node.vtable.stop)(node.this) };
        }
        // SAFETY: the output is ours.
        unsafe { spill(&mut out) };
        if let Some(time) = out.take_wake() {
            self.wake_at = Some(self.wake_at.map_or(time, |t| t.min(time)));
        }
        (status, std::mem::take(&mut self.caught.events))
    }

    fn call_ok(&mut self, body: impl FnOnce(&RawNode, u64, *mut Out) -> u8) -> Vec<Event> {
        let (status, events) = self.call(body);
        assert_eq!(status, OK, "the node panicked");
        events
    }

    /// The rig's clock, ns.
    pub fn now(&self) -> u64 {
        self.host.now.load(Ordering::Relaxed)
    }

    /// Gives the node events and returns what it pushed.
    ///
    /// # Panics
    /// When the node panics, as in all functions of the rig that call it.
    pub fn send(&mut self, events: &[Event]) -> Vec<Event> {
        // SAFETY: the node is alive, the slice lives through the call; so in the other calls.
        self.call_ok(|node, now, out| unsafe {
            (node.vtable.events)(node.this, events.as_ptr(), events.len(), now, out)
        })
    }

    /// Gives the node packets at one input port, now, from source 1, and returns the packets it pushed.
    pub fn packets(&mut self, port: u16, packets: &[Ump]) -> Vec<Ump> {
        let now = self.now();
        let events: Vec<Event> =
            packets.iter().map(|p| Event { source: 1, ..Event::new(now, *p).at_port(port) }).collect();
        self.send(&events).into_iter().map(|e| e.ump).collect()
    }

    /// Lets virtual time pass and calls `tick` whenever the node asked for it.
    pub fn advance(&mut self, time: Duration) -> Vec<Event> {
        let end = self.now() + time.as_nanos() as u64;
        let mut events = Vec::new();
        while let Some(at) = self.wake_at.filter(|at| *at <= end) {
            self.host.now.fetch_max(at, Ordering::Relaxed);
            events.extend(self.tick());
        }
        self.host.now.store(end, Ordering::Relaxed);
        events
    }

    /// When the node wants its next tick, if it asked for one.
    pub fn wakes_at(&self) -> Option<u64> {
        self.wake_at
    }

    fn tick(&mut self) -> Vec<Event> {
        self.wake_at = None;
        // SAFETY: as in `send`.
        self.call_ok(|node, now, out| unsafe { (node.vtable.tick)(node.this, now, out) })
    }

    /// Waits in real time, at most `timeout`, for one of the node's descriptors, wakers or ticks, and
    /// returns what the node pushed. Time passes on the rig's clock too.
    pub fn poll(&mut self, timeout: Duration) -> Vec<Event> {
        let started = Instant::now();
        let begin = self.now();
        let until_tick =
            self.wake_at.map_or(timeout, |at| Duration::from_nanos(at.saturating_sub(begin)).min(timeout));
        let deadline = real_clock() + until_tick.as_nanos() as u64;
        self.host.poll.wait(&mut self.wait, Some(deadline), real_clock);
        self.host.now.fetch_add(started.elapsed().as_nanos() as u64, Ordering::Relaxed);
        let ready: Vec<Readied> = self.wait.ready().collect();
        let mut events = Vec::new();
        if self.host.woken.swap(false, Ordering::AcqRel) {
            // SAFETY: as in `send`.
            events
                .extend(self.call_ok(|n, now, out| unsafe { (n.vtable.ready)(n.this, WOKEN, 0, now, out) }));
        }
        for Readied { key, flags } in ready {
            // SAFETY: as in `send`.
            events.extend(
                self.call_ok(|n, now, out| unsafe { (n.vtable.ready)(n.this, key as u32, flags, now, out) }),
            );
        }
        if self.wake_at.is_some_and(|at| at <= self.now()) {
            events.extend(self.tick());
        }
        events
    }

    /// Polls until `enough` says so, and returns all that came.
    ///
    /// # Panics
    /// When that does not happen within ten seconds.
    pub fn poll_until(&mut self, mut enough: impl FnMut(&[Event]) -> bool) -> Vec<Event> {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut all = Vec::new();
        while !enough(&all) {
            assert!(Instant::now() < deadline, "not within ten seconds; so far: {all:?}");
            all.extend(self.poll(Duration::from_millis(50)));
        }
        all
    }

    /// Changes the options as the node runs and returns what it pushed.
    ///
    /// # Errors
    /// What is wrong with the options; or (path empty) that the node would be replaced instead.
    pub fn reconfigure(&mut self, config: Json) -> Result<Vec<Event>, Vec<ConfigError>> {
        let (old, new) = (self.config.to_string(), config.to_string());
        let params = prepare(&self.node_type, &config)?;
        if !(self.node_type.in_place)(old.as_str().into(), new.as_str().into()) {
            // SAFETY: from `prepare` of this type.
            unsafe { (self.node_type.drop_params)(params.this) };
            return Err(vec![ConfigError::at("", "the node cannot take this over as it runs")]);
        }
        self.config = config;
        // SAFETY: as in `send`; the params are of the node's type and dropped once.
        let events = self
            .call_ok(|node, now, out| unsafe { (node.vtable.reconfigure)(node.this, params.this, now, out) });
        // SAFETY: as above.
        unsafe { (self.node_type.drop_params)(params.this) };
        Ok(events)
    }

    /// Runs a command and returns what the node pushed.
    ///
    /// # Errors
    /// Why it was refused.
    pub fn command(&mut self, name: &str, args: Json) -> Result<Vec<Event>, String> {
        let args = args.to_string();
        let command = match (self.node_type.parse_command)(name.into(), args.as_str().into()) {
            ROk(command) => command,
            RErr(text) => return Err(text.into()),
        };
        let mut reply = Reply::default();
        // SAFETY: as in `send`; the command is of the node's type and dropped once.
        let (status, events) = self.call(|node, now, out| unsafe {
            (node.vtable.command)(node.this, command.this, now, out, &mut reply)
        });
        // SAFETY: as above.
        unsafe { (self.node_type.drop_command)(command) };
        match status {
            OK => Ok(events),
            REFUSED => Err(reply.as_str().to_owned()),
            _ => panic!("the node panicked"),
        }
    }

    /// Tells the node that a source which fed this input port is gone.
    pub fn source_lost(&mut self, port: u16, source: u32) -> Vec<Event> {
        // SAFETY: as in `send`.
        self.call_ok(|node, now, out| unsafe { (node.vtable.source_lost)(node.this, port, source, now, out) })
    }

    /// The output ports that the node declared lost so far ([`Out::source_lost`]).
    pub fn lost_ports(&self) -> &[u16] {
        &self.caught.lost
    }

    /// A property's value.
    ///
    /// # Panics
    /// When the type declares no such property.
    pub fn property(&self, name: &str) -> Value {
        self.host.properties.get(name).unwrap_or_else(|| panic!("no property {name:?}")).get()
    }

    /// A document that the node published.
    pub fn document(&self, name: &str) -> Option<String> {
        self.host.documents.lock().unwrap().get(name).cloned()
    }

    /// The node's health, as it last said.
    pub fn health(&self) -> (Health, String) {
        self.host.health.lock().unwrap().clone()
    }

    /// The lines that the node logged.
    pub fn log(&self) -> Vec<(Level, String)> {
        self.host.log.lock().unwrap().clone()
    }

    /// The node's counters. Events are counted by the engine, so not here.
    pub fn counters(&self) -> &Counters {
        &self.host.counters
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            // SAFETY: not called again.
            unsafe { (node.vtable.stop)(node.this) };
        }
    }
}

/// Real nanoseconds.
fn real_clock() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

fn prepare(node_type: &RawNodeType, config: &Json) -> Result<RawParams, Vec<ConfigError>> {
    match (node_type.prepare)(config.to_string().as_str().into()) {
        ROk(params) => Ok(params),
        RErr(errors) => Err(errors.into_iter().map(ConfigError::from).collect()),
    }
}
