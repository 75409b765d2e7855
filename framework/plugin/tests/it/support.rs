//! The program's side of the ABI in small: a host that counts its holders, and calls without a rig, so
//! that tests see the very answers that cross the border.

use std::sync::Arc;

use midibay_plugin::abi::{HostVtable, RawCommandBox, RawHost, RawNode, RawNodeType, Reply};
use midibay_plugin::{ConfigError, Counters, Event, NodeError, Out};
use serde_json::Value;

/// What crosses the border as text and as result; the SDK re-exports only what plugins need.
pub(crate) type RawResult<T, E> = midibay_plugin::private::RResult<T, E>;

/// A host without any property. Its holders are the `Arc`'s: one is the test itself.
#[derive(Default)]
pub(crate) struct Holders {
    counters: Counters,
}

const VTABLE: HostVtable = {
    use midibay_plugin::abi::{OwnedText, Text};

    unsafe extern "C" fn retain(this: *const ()) {
        // SAFETY: made by `Arc::into_raw`, alive.
        unsafe { Arc::increment_strong_count(this.cast::<Holders>()) };
    }
    unsafe extern "C" fn release(this: *const ()) {
        // SAFETY: made by `Arc::into_raw`, this share is given back once.
        unsafe { Arc::decrement_strong_count(this.cast::<Holders>()) };
    }
    unsafe extern "C" fn now(_: *const ()) -> u64 {
        7
    }
    unsafe extern "C" fn say(_: *const (), _: u8, _: Text<'_>) {}
    unsafe extern "C" fn property(_: *const (), _: Text<'_>) -> *const () {
        std::ptr::null()
    }
    unsafe extern "C" fn counters(this: *const ()) -> *const () {
        // SAFETY: alive.
        (&raw const unsafe { &*this.cast::<Holders>() }.counters).cast()
    }
    unsafe extern "C" fn publish(_: *const (), _: Text<'_>, _: Text<'_>) {}
    unsafe extern "C" fn io(_: *const (), _: u8, _: i64, _: u32, _: u8) -> i32 {
        22
    }
    unsafe extern "C" fn wake(_: *const ()) {}
    unsafe extern "C" fn name(_: *const ()) -> OwnedText {
        "under-test".into()
    }
    HostVtable { retain, release, now, log: say, health: say, property, counters, publish, io, wake, name }
};

impl Holders {
    /// One share for a node.
    pub(crate) fn share(self: &Arc<Self>) -> RawHost {
        RawHost { this: Arc::into_raw(Arc::clone(self)).cast(), vtable: VTABLE }
    }
}

/// Checked options, freed when they are not used.
pub(crate) struct Prepared {
    params: *mut (),
    free: unsafe extern "C" fn(*mut ()),
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
}

impl Drop for Prepared {
    fn drop(&mut self) {
        // SAFETY: of the type whose function this is, given back once.
        unsafe { (self.free)(self.params) };
    }
}

/// Calls `prepare`.
pub(crate) fn prepare(node_type: &RawNodeType, config: &Value) -> Result<Prepared, Vec<ConfigError>> {
    match (node_type.prepare)(config.to_string().as_str().into()) {
        RawResult::ROk(raw) => Ok(Prepared {
            params: raw.this,
            free: node_type.drop_params,
            inputs: raw.inputs.iter().map(ToString::to_string).collect(),
            outputs: raw.outputs.iter().map(ToString::to_string).collect(),
        }),
        RawResult::RErr(errors) => Err(errors.into_iter().map(ConfigError::from).collect()),
    }
}

/// A parsed command, freed when it is dropped.
pub(crate) struct Parsed {
    command: *mut (),
    free: unsafe extern "C" fn(RawCommandBox),
}

impl Drop for Parsed {
    fn drop(&mut self) {
        // SAFETY: of the type whose function this is, given back once.
        unsafe { (self.free)(RawCommandBox { this: self.command }) };
    }
}

/// Calls `parse_command`.
pub(crate) fn parse_command(node_type: &RawNodeType, name: &str, args: &Value) -> Result<Parsed, String> {
    match (node_type.parse_command)(name.into(), args.to_string().as_str().into()) {
        RawResult::ROk(command) => Ok(Parsed { command: command.this, free: node_type.drop_command }),
        RawResult::RErr(text) => Err(text.into()),
    }
}

/// A node, called as the engine does, at time 7. To be ended with [`Running::stop`]; options and commands
/// must be of its type.
pub(crate) struct Running(RawNode);

impl Running {
    /// Calls `prepare` and `create`; the node holds a share of `host`.
    pub(crate) fn new(
        node_type: &RawNodeType,
        config: &Value,
        host: &Arc<Holders>,
    ) -> Result<Self, NodeError> {
        let prepared = std::mem::ManuallyDrop::new(prepare(node_type, config).unwrap());
        // SAFETY: the params are of this type and given away once, the share is a new one.
        match unsafe { (node_type.create)(prepared.params, host.share()) } {
            RawResult::ROk(node) => Ok(Self(node)),
            RawResult::RErr(error) => Err(error.into()),
        }
    }

    pub(crate) fn events(&self, events: &[Event]) -> (u8, Came) {
        // SAFETY: the node is alive, as in all that follow, and the events outlive the call.
        with_out(2, |out| unsafe {
            (self.0.vtable.events)(self.0.this, events.as_ptr(), events.len(), 7, out)
        })
    }

    pub(crate) fn ready(&self, key: u32, flags: u8) -> u8 {
        // SAFETY: alive.
        with_out(2, |out| unsafe { (self.0.vtable.ready)(self.0.this, key, flags, 7, out) }).0
    }

    pub(crate) fn tick(&self) -> u8 {
        // SAFETY: alive.
        with_out(2, |out| unsafe { (self.0.vtable.tick)(self.0.this, 7, out) }).0
    }

    pub(crate) fn reconfigure(&self, new: &Prepared) -> u8 {
        // SAFETY: alive, and so are the params.
        with_out(2, |out| unsafe { (self.0.vtable.reconfigure)(self.0.this, new.params, 7, out) }).0
    }

    /// The answer, and its text.
    pub(crate) fn command(&self, command: &Parsed) -> (u8, String) {
        let mut reply = Reply::default();
        let (status, _) = with_out(2, |out| {
            // SAFETY: alive, and so is the command.
            unsafe { (self.0.vtable.command)(self.0.this, command.command, 7, out, &mut reply) }
        });
        (status, reply.as_str().to_owned())
    }

    pub(crate) fn source_lost(&self) -> u8 {
        // SAFETY: alive.
        with_out(2, |out| unsafe { (self.0.vtable.source_lost)(self.0.this, 0, 1, 7, out) }).0
    }

    pub(crate) fn stop(self) -> u8 {
        // SAFETY: alive, and nobody calls it again.
        unsafe { (self.0.vtable.stop)(self.0.this) }
    }
}

/// What came out during one call of [`with_out`].
#[derive(Default)]
pub(crate) struct Came {
    pub(crate) events: Vec<Event>,
    /// How many events had been taken before, each time the buffer ran full.
    pub(crate) spills: Vec<usize>,
    /// The port that was lost, and how many events had come before.
    pub(crate) lost: Vec<(u16, usize)>,
    pub(crate) wake: Option<u64>,
}

/// Runs `body` with a way out over a buffer of so many events.
pub(crate) fn with_out<T>(capacity: usize, body: impl FnOnce(&mut Out) -> T) -> (T, Came) {
    unsafe extern "C" fn spill(out: *mut Out) {
        // SAFETY: called by the output itself; `engine` is the `Came` below, used by nobody else then.
        let (out, came) = unsafe { (&mut *out, &mut *(*out).engine().cast::<Came>()) };
        came.spills.push(came.events.len());
        came.events.extend_from_slice(out.take());
    }
    unsafe extern "C" fn lost(out: *mut Out, port: u16) {
        // SAFETY: as in `spill`.
        let (out, came) = unsafe { (&mut *out, &mut *(*out).engine().cast::<Came>()) };
        came.events.extend_from_slice(out.take());
        came.lost.push((port, came.events.len()));
    }
    let mut came = Came::default();
    let mut buffer = vec![Event::default(); capacity];
    let engine: *mut Came = &raw mut came;
    // SAFETY: the buffer and `came` live longer than the output.
    let mut out = unsafe { Out::over(buffer.as_mut_ptr(), capacity, engine.cast(), spill, lost) };
    let result = body(&mut out);
    let (rest, wake) = (out.take().to_vec(), out.take_wake());
    came.events.extend(rest);
    came.wake = wake;
    (result, came)
}
