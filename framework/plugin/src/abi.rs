//! What crosses the border between the program and a plugin: C layouts only, and function pointers
//! that never unwind. Plugin authors do not meet these types; [`Node`](crate::Node) and its kin are
//! turned into them by `glue`, and `load` turns them back.

use abi_stable::StableAbi;
use abi_stable::library::RootModule;
use abi_stable::package_version_strings;
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{RResult, RStr, RString, RVec};
use midibay_ump::Event;

use crate::error::{ConfigError, NodeError};
use crate::out::Out;

/// A text lent across the border.
pub type Text<'a> = RStr<'a>;
/// A text handed over across the border.
pub type OwnedText = RString;

/// The revision of the ABI. It grows when a layout or the meaning of a function changes; a library
/// of another revision is refused by its number, before its layouts are looked at.
pub const ABI_REVISION: u32 = 1;

/// The key that stands for a waker in [`NodeVtable::ready`]; not for descriptors.
pub const WOKEN: u32 = u32::MAX;

/// What an `[engine]` function answers: it went well.
pub const OK: u8 = 0;
/// It panicked; the node must not be called again but to be dropped.
pub const PANICKED: u8 = 1;
/// It refused (a command that cannot be done); the text is in the [`Reply`].
pub const REFUSED: u8 = 2;

/// The answer of a command, a text of fixed size so that the engine needs no memory for it.
#[repr(C)]
pub struct Reply {
    /// Bytes of `text` in use.
    pub len: usize,
    /// UTF-8.
    pub text: [u8; 200],
}

impl Default for Reply {
    fn default() -> Self {
        Self { len: 0, text: [0; 200] }
    }
}

impl Reply {
    /// The text.
    pub fn as_str(&self) -> &str {
        // The length comes from the other side of the border.
        let text = self.text.get(..self.len).unwrap_or_default();
        str::from_utf8(text).unwrap_or("")
    }

    /// Keeps as much of `text` as fits.
    pub(crate) fn set(&mut self, text: &str) {
        let mut end = text.len().min(self.text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.text[..end].copy_from_slice(&text.as_bytes()[..end]);
        self.len = end;
    }
}

/// The functions of a running node. `this` is the node that `create` gave.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct NodeVtable {
    /// `[engine]` events for the node, of any of its input ports, in order.
    #[sabi(unsafe_opaque_field)]
    pub events:
        unsafe extern "C" fn(this: *mut (), events: *const Event, len: usize, now: u64, out: *mut Out) -> u8,
    /// `[engine]` a descriptor it registered is ready, or its waker was called.
    #[sabi(unsafe_opaque_field)]
    pub ready: unsafe extern "C" fn(this: *mut (), key: u32, flags: u8, now: u64, out: *mut Out) -> u8,
    /// `[engine]` the time it asked for has come.
    #[sabi(unsafe_opaque_field)]
    pub tick: unsafe extern "C" fn(this: *mut (), now: u64, out: *mut Out) -> u8,
    /// `[engine]` takes over new parameters; the old ones are left in their place.
    #[sabi(unsafe_opaque_field)]
    pub reconfigure: unsafe extern "C" fn(this: *mut (), params: *mut (), now: u64, out: *mut Out) -> u8,
    /// `[engine]` runs a parsed command.
    #[sabi(unsafe_opaque_field)]
    pub command: unsafe extern "C" fn(
        this: *mut (),
        command: *mut (),
        now: u64,
        out: *mut Out,
        reply: *mut Reply,
    ) -> u8,
    /// `[engine]` a source that fed this input port is gone.
    #[sabi(unsafe_opaque_field)]
    pub source_lost:
        unsafe extern "C" fn(this: *mut (), port: u16, source: u32, now: u64, out: *mut Out) -> u8,
    /// `[main]` ends the node and frees it.
    #[sabi(unsafe_opaque_field)]
    pub stop: unsafe extern "C" fn(this: *mut ()) -> u8,
}

/// A running node: data and functions. Freed by [`NodeVtable::stop`] and by nothing else.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct RawNode {
    /// The node.
    pub this: *mut (),
    /// Its functions.
    pub vtable: NodeVtable,
}

/// Checked options, ready to make or change a node with, and the ports they give it.
#[repr(C)]
#[derive(StableAbi)]
pub struct RawParams {
    /// The parameters; freed by [`RawNodeType::drop_params`].
    pub this: *mut (),
    /// Names of the input ports.
    pub inputs: RVec<RString>,
    /// Names of the output ports.
    pub outputs: RVec<RString>,
}

/// [`ConfigError`] on its way across the border.
#[repr(C)]
#[derive(StableAbi)]
pub struct RawConfigError {
    path: RString,
    message: RString,
    help: RString,
}

impl From<ConfigError> for RawConfigError {
    fn from(e: ConfigError) -> Self {
        Self { path: e.path.into(), message: e.message.into(), help: e.help.into() }
    }
}

impl From<RawConfigError> for ConfigError {
    fn from(e: RawConfigError) -> Self {
        Self { path: e.path.into(), message: e.message.into(), help: e.help.into() }
    }
}

/// [`NodeError`] on its way across the border.
#[repr(C)]
#[derive(StableAbi)]
pub struct RawNodeError {
    message: RString,
    retry: bool,
}

impl From<NodeError> for RawNodeError {
    fn from(e: NodeError) -> Self {
        Self { retry: e.is_retryable(), message: e.to_string().into() }
    }
}

impl From<RawNodeError> for NodeError {
    fn from(e: RawNodeError) -> Self {
        if e.retry { Self::retry(e.message) } else { Self::fatal(e.message) }
    }
}

/// A command as the node type declares it.
#[repr(C)]
#[derive(StableAbi, Clone)]
pub struct RawCommand {
    /// Its name.
    pub name: RString,
    /// One sentence.
    pub about: RString,
    /// JSON Schema of the arguments, or `null`.
    pub args: RString,
}

/// A property as the node type declares it.
#[repr(C)]
#[derive(StableAbi, Clone)]
pub struct RawProperty {
    /// Its name.
    pub name: RString,
    /// One sentence.
    pub about: RString,
    /// Its unit, or empty.
    pub unit: RString,
}

/// A port of this machine that a node of the type could use.
#[repr(C)]
#[derive(StableAbi, Clone)]
pub struct RawListing {
    /// What a person calls it.
    pub name: RString,
    /// What to write in a graph, a TOML fragment.
    pub write: RString,
    /// Bit 0: events come from it; bit 1: events go to it.
    pub directions: u8,
}

/// The engine's side of [`crate::Host`].
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct RawHost {
    /// Reference-counted by `retain` and `release`.
    pub this: *const (),
    /// Its functions.
    pub vtable: HostVtable,
}

/// The services that the program offers a node.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct HostVtable {
    /// One more holder. `[any]`
    pub retain: unsafe extern "C" fn(this: *const ()),
    /// One holder less. `[main]`
    pub release: unsafe extern "C" fn(this: *const ()),
    /// The engine's clock, ns. `[any]`
    pub now: unsafe extern "C" fn(this: *const ()) -> u64,
    /// A line for the log; never blocks. `[any]`
    pub log: unsafe extern "C" fn(this: *const (), level: u8, text: RStr<'_>),
    /// The node's health; never blocks. `[any]`
    pub health: unsafe extern "C" fn(this: *const (), health: u8, text: RStr<'_>),
    /// The cell of a declared property, or null. `[main]`
    pub property: unsafe extern "C" fn(this: *const (), name: RStr<'_>) -> *const (),
    /// The node's counters. `[any]`
    pub counters: unsafe extern "C" fn(this: *const ()) -> *const (),
    /// Publishes a document (JSON) under a name. `[main]`, or a thread of the node's own
    pub publish: unsafe extern "C" fn(this: *const (), name: RStr<'_>, json: RStr<'_>),
    /// Watches a descriptor or socket; an OS error number, or 0. `[main]` `[engine]`
    pub io: unsafe extern "C" fn(this: *const (), op: u8, fd: i64, key: u32, interest: u8) -> i32,
    /// Wakes the engine and has `ready` called. `[any]`
    pub wake: unsafe extern "C" fn(this: *const ()),
    /// The node's name in the graph. `[main]`
    pub name: unsafe extern "C" fn(this: *const ()) -> RString,
}

/// A node type: its description, and the functions that make nodes of it. All `[main]`.
#[repr(C)]
#[derive(StableAbi, Clone)]
pub struct RawNodeType {
    /// The word behind `type =`.
    pub name: RString,
    /// 0 endpoint, 1 processor.
    pub kind: u8,
    /// One sentence.
    pub about: RString,
    /// JSON Schema of the options.
    pub schema: RString,
    /// Its commands.
    pub commands: RVec<RawCommand>,
    /// Its properties.
    pub properties: RVec<RawProperty>,
    /// Checks options (JSON) and compiles them. No side effects.
    pub prepare: extern "C" fn(config: RStr<'_>) -> RResult<RawParams, RVec<RawConfigError>>,
    /// Frees what `prepare` gave, or what `reconfigure` left.
    pub drop_params: unsafe extern "C" fn(params: *mut ()),
    /// Whether a node with the first options can take over the second ones as it runs.
    pub in_place: extern "C" fn(old: RStr<'_>, new: RStr<'_>) -> bool,
    /// Makes a node. Takes the parameters in any case.
    pub create: unsafe extern "C" fn(params: *mut (), host: RawHost) -> RResult<RawNode, RawNodeError>,
    /// Reads a command and its arguments (a JSON object, or `null`).
    pub parse_command: extern "C" fn(name: RStr<'_>, args: RStr<'_>) -> RResult<RawCommandBox, RString>,
    /// Frees what `parse_command` gave.
    pub drop_command: unsafe extern "C" fn(command: RawCommandBox),
    /// The ports of this machine that nodes of the type could use.
    pub list: extern "C" fn() -> RResult<RVec<RawListing>, RString>,
}

/// A parsed command.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct RawCommandBox {
    /// The command.
    pub this: *mut (),
}

/// A plugin: who made it, and its node types.
#[repr(C)]
#[derive(StableAbi, Clone)]
pub struct RawModule {
    /// Its name, that of the crate.
    pub name: RString,
    /// Its version.
    pub version: RString,
    /// Its licence, an SPDX expression.
    pub license: RString,
    /// The node types.
    pub node_types: RVec<RawNodeType>,
}

/// What a plugin library exports.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginRootRef)))]
#[sabi(missing_field(panic))]
pub struct PluginRoot {
    /// Gives the module, or the message of the panic that building it ended in.
    #[sabi(last_prefix_field)]
    pub module: extern "C" fn() -> RResult<RawModule, RString>,
}

impl RootModule for PluginRootRef {
    abi_stable::declare_root_module_statics! {PluginRootRef}
    const BASE_NAME: &'static str = "midibay_plugin";
    const NAME: &'static str = "midibay_plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}
