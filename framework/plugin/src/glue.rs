//! Turns the traits into function pointers that do not unwind.

use std::panic::{AssertUnwindSafe, catch_unwind};

use abi_stable::std_types::{RErr, ROk, RResult, RStr, RString, RVec};
use midibay_ump::Event;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::abi::{
    NodeVtable, OK, PANICKED, REFUSED, RawCommand, RawCommandBox, RawConfigError, RawHost, RawListing,
    RawNode, RawNodeError, RawNodeType, RawParams, RawProperty, Reply, WOKEN,
};
use crate::describe;
use crate::error::{ConfigError, NodeError};
use crate::host::{Host, Readiness, Ready};
use crate::node::{Endpoint, Node, Processor};
use crate::out::Out;

/// What a panic said.
pub(crate) fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panicked".to_owned())
}

/// Drops a panic's payload, which may itself panic while it is dropped.
pub(crate) fn forget_panic(payload: Box<dyn std::any::Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(move || drop(payload))) {
        std::mem::forget(second);
    }
}

#[inline]
fn guarded(body: impl FnOnce()) -> u8 {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(()) => OK,
        Err(payload) => {
            forget_panic(payload);
            PANICKED
        }
    }
}

/// Runs `body`; a panic becomes its text.
fn told<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        let text = format!("the plugin panicked: {}", panic_text(&*payload));
        forget_panic(payload);
        text
    })
}

/// What differs between endpoints and processors.
trait Work: Node {
    const KIND: u8;
    fn events(&mut self, events: &[Event], now: u64, out: &mut Out);
    fn ready_for(&mut self, ready: Ready, now: u64, out: &mut Out);
    fn listings() -> Result<Vec<crate::node::PortListing>, String>;
}

struct AsProcessor<N>(N);
struct AsEndpoint<N>(N);

macro_rules! delegate {
    ($wrapper:ident, $bound:ident) => {
        impl<N: $bound> Node for $wrapper<N> {
            const TYPE: &'static str = N::TYPE;
            const ABOUT: &'static str = N::ABOUT;
            const PROPERTIES: &'static [crate::node::PropertyInfo] = N::PROPERTIES;
            type Config = N::Config;
            type Params = N::Params;
            type Command = N::Command;

            fn compile(config: N::Config) -> Result<N::Params, Vec<ConfigError>> {
                N::compile(config)
            }
            fn ports(params: &N::Params) -> crate::node::Ports {
                N::ports(params)
            }
            fn in_place(old: &N::Config, new: &N::Config) -> bool {
                N::in_place(old, new)
            }
            fn new(params: N::Params, host: Host) -> Result<Self, NodeError> {
                N::new(params, host).map(Self)
            }
            #[inline]
            fn reconfigure(&mut self, params: &mut N::Params, now: u64, out: &mut Out) {
                self.0.reconfigure(params, now, out);
            }
            #[inline]
            fn command(
                &mut self,
                command: &mut N::Command,
                now: u64,
                out: &mut Out,
            ) -> Result<(), crate::error::CommandError> {
                self.0.command(command, now, out)
            }
            #[inline]
            fn tick(&mut self, now: u64, out: &mut Out) {
                self.0.tick(now, out);
            }
            fn source_lost(&mut self, port: u16, source: u32, now: u64, out: &mut Out) {
                self.0.source_lost(port, source, now, out);
            }
            fn stop(&mut self) {
                self.0.stop();
            }
        }
    };
}

delegate!(AsProcessor, Processor);
delegate!(AsEndpoint, Endpoint);

impl<N: Processor> Work for AsProcessor<N> {
    const KIND: u8 = 1;
    #[inline]
    fn events(&mut self, events: &[Event], now: u64, out: &mut Out) {
        self.0.process(events, now, out);
    }
    fn ready_for(&mut self, _: Ready, _: u64, _: &mut Out) {}
    fn listings() -> Result<Vec<crate::node::PortListing>, String> {
        Ok(Vec::new())
    }
}

impl<N: Endpoint> Work for AsEndpoint<N> {
    const KIND: u8 = 0;
    #[inline]
    fn events(&mut self, events: &[Event], now: u64, out: &mut Out) {
        self.0.send(events, now, out);
    }
    #[inline]
    fn ready_for(&mut self, ready: Ready, now: u64, out: &mut Out) {
        self.0.ready(ready, now, out);
    }
    fn listings() -> Result<Vec<crate::node::PortListing>, String> {
        N::list()
    }
}

/// A running node from an object that an app made itself. To be ended by [`NodeVtable::stop`]. `[main]`
pub fn raw_processor<N: Processor>(node: N) -> RawNode {
    raw(AsProcessor(node))
}

/// A running node from an object that an app made itself. To be ended by [`NodeVtable::stop`]. `[main]`
pub fn raw_endpoint<N: Endpoint>(node: N) -> RawNode {
    raw(AsEndpoint(node))
}

fn raw<W: Work>(node: W) -> RawNode {
    RawNode {
        this: Box::into_raw(Box::new(node)).cast(),
        vtable: NodeVtable {
            events: events::<W>,
            ready: ready::<W>,
            tick: tick::<W>,
            reconfigure: reconfigure::<W>,
            command: command::<W>,
            source_lost: source_lost::<W>,
            stop: stop::<W>,
        },
    }
}

/// The description and the functions of a processor type.
pub(crate) fn processor_type<N: Processor>() -> RawNodeType {
    node_type::<AsProcessor<N>>()
}

/// The description and the functions of an endpoint type.
pub(crate) fn endpoint_type<N: Endpoint>() -> RawNodeType {
    node_type::<AsEndpoint<N>>()
}

fn node_type<W: Work>() -> RawNodeType {
    RawNodeType {
        name: W::TYPE.into(),
        kind: W::KIND,
        about: W::ABOUT.into(),
        schema: describe::schema_of::<W::Config>().to_string().into(),
        commands: describe::commands_of::<W::Command>(),
        properties: W::PROPERTIES
            .iter()
            .map(|p| RawProperty { name: p.name.into(), about: p.about.into(), unit: p.unit.into() })
            .collect(),
        prepare: prepare::<W>,
        drop_params: drop_params::<W>,
        in_place: in_place::<W>,
        create: create::<W>,
        parse_command: parse_command::<W>,
        drop_command: drop_command::<W>,
        list: list::<W>,
    }
}

// SAFETY of the functions below: the engine calls them with the pointers that `create`, `prepare` and
// `parse_command` of the same type gave, one thread at a time, and never after they were freed.

unsafe extern "C" fn events<W: Work>(
    this: *mut (),
    list: *const Event,
    len: usize,
    now: u64,
    out: *mut Out,
) -> u8 {
    // SAFETY: see above; the engine's slice and output live through the call.
    let (node, list, out) =
        unsafe { (&mut *this.cast::<W>(), std::slice::from_raw_parts(list, len), &mut *out) };
    guarded(|| node.events(list, now, out))
}

unsafe extern "C" fn ready<W: Work>(this: *mut (), key: u32, flags: u8, now: u64, out: *mut Out) -> u8 {
    // SAFETY: see above.
    let (node, out) = unsafe { (&mut *this.cast::<W>(), &mut *out) };
    let ready = if key == WOKEN { Ready::Woken } else { Ready::Io { key, readiness: Readiness(flags) } };
    guarded(|| node.ready_for(ready, now, out))
}

unsafe extern "C" fn tick<W: Work>(this: *mut (), now: u64, out: *mut Out) -> u8 {
    // SAFETY: see above.
    let (node, out) = unsafe { (&mut *this.cast::<W>(), &mut *out) };
    guarded(|| node.tick(now, out))
}

unsafe extern "C" fn reconfigure<W: Work>(this: *mut (), params: *mut (), now: u64, out: *mut Out) -> u8 {
    // SAFETY: see above.
    let (node, params, out) =
        unsafe { (&mut *this.cast::<W>(), &mut *params.cast::<W::Params>(), &mut *out) };
    guarded(|| node.reconfigure(params, now, out))
}

unsafe extern "C" fn command<W: Work>(
    this: *mut (),
    command: *mut (),
    now: u64,
    out: *mut Out,
    reply: *mut Reply,
) -> u8 {
    // SAFETY: see above.
    let (node, command, out, reply) =
        unsafe { (&mut *this.cast::<W>(), &mut *command.cast::<W::Command>(), &mut *out, &mut *reply) };
    let mut refused = false;
    let status = guarded(|| {
        if let Err(e) = node.command(command, now, out) {
            reply.set(e.as_str());
            refused = true;
        }
    });
    if refused { REFUSED } else { status }
}

unsafe extern "C" fn source_lost<W: Work>(
    this: *mut (),
    port: u16,
    source: u32,
    now: u64,
    out: *mut Out,
) -> u8 {
    // SAFETY: see above.
    let (node, out) = unsafe { (&mut *this.cast::<W>(), &mut *out) };
    guarded(|| node.source_lost(port, source, now, out))
}

unsafe extern "C" fn stop<W: Work>(this: *mut ()) -> u8 {
    // SAFETY: made by `Box::into_raw` in `raw`, given back once.
    let mut node = unsafe { Box::from_raw(this.cast::<W>()) };
    let status = guarded(|| node.stop());
    status.max(guarded(move || drop(node)))
}

fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Vec<ConfigError>> {
    let mut from = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(&mut from).map_err(|e| {
        let (path, message) = place_and_words(&e);
        vec![ConfigError::at(path, message)]
    })
}

/// Where in the JSON (empty: as a whole) and what.
fn place_and_words(e: &serde_path_to_error::Error<serde_json::Error>) -> (String, String) {
    let path = e.path().to_string();
    let message = e.inner().to_string();
    // serde_json appends a position in the JSON text, which nobody ever sees.
    let position = format!(" at line {} column {}", e.inner().line(), e.inner().column());
    let message = message.strip_suffix(&position).unwrap_or(&message).to_owned();
    (if path == "." { String::new() } else { path }, message)
}

extern "C" fn prepare<W: Work>(config: RStr<'_>) -> RResult<RawParams, RVec<RawConfigError>> {
    let compiled = told(|| {
        let params = W::compile(parse::<W::Config>(config.as_str())?)?;
        let ports = W::ports(&params);
        let names = |list: Vec<String>| list.into_iter().map(RString::from).collect::<RVec<_>>();
        Ok(RawParams {
            this: Box::into_raw(Box::new(params)).cast(),
            inputs: names(ports.inputs),
            outputs: names(ports.outputs),
        })
    });
    match compiled.unwrap_or_else(|panic| Err(vec![ConfigError::at("", panic)])) {
        Ok(params) => ROk(params),
        Err(errors) => RErr(errors.into_iter().map(RawConfigError::from).collect()),
    }
}

unsafe extern "C" fn drop_params<W: Work>(params: *mut ()) {
    guarded(|| {
        // SAFETY: made by `Box::into_raw` in `prepare`, given back once.
        drop(unsafe { Box::from_raw(params.cast::<W::Params>()) });
    });
}

extern "C" fn in_place<W: Work>(old: RStr<'_>, new: RStr<'_>) -> bool {
    let both = || Some((parse::<W::Config>(old.as_str()).ok()?, parse::<W::Config>(new.as_str()).ok()?));
    told(|| both().is_some_and(|(old, new)| W::in_place(&old, &new))).unwrap_or(false)
}

unsafe extern "C" fn create<W: Work>(params: *mut (), host: RawHost) -> RResult<RawNode, RawNodeError> {
    // SAFETY: both are handed over by the caller: params from `prepare`, one share of the host.
    let (params, host) = unsafe { (*Box::from_raw(params.cast::<W::Params>()), Host::from_raw(host)) };
    match told(|| W::new(params, host)).unwrap_or_else(|panic| Err(NodeError::retry(panic))) {
        Ok(node) => ROk(raw(node)),
        Err(e) => RErr(e.into()),
    }
}

extern "C" fn parse_command<W: Work>(name: RStr<'_>, args: RStr<'_>) -> RResult<RawCommandBox, RString> {
    let parsed = told(|| {
        let known = describe::commands_of::<W::Command>();
        let Some(declared) = known.iter().find(|c| c.name == name) else {
            let names: Vec<&str> = known.iter().map(|c| c.name.as_str()).collect();
            return Err(match names[..] {
                [] => format!("`{}` has no commands", W::TYPE),
                _ => format!("`{}` has no command `{name}`; it has: {}", W::TYPE, names.join(", ")),
            });
        };
        let args = serde_json::from_str(args.as_str())
            .map_err(|e| format!("the arguments of command `{name}` are not JSON: {e}"))?;
        let value = command_value(declared, args)?;
        serde_path_to_error::deserialize(value).map_err(|e| {
            let (path, message) = place_and_words(&e);
            match path.strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix('.')) {
                Some(argument) => format!("command `{name}`: argument `{argument}`: {message}"),
                None => format!("command `{name}`: {message}"),
            }
        })
    });
    match parsed.unwrap_or_else(Err) {
        Ok(command) => ROk(RawCommandBox { this: Box::into_raw(Box::<W::Command>::new(command)).cast() }),
        Err(text) => RErr(text.into()),
    }
}

/// A command as serde reads an enum: `{"seek": {"to": 3}}`, or `"stop"` where there are no arguments.
fn command_value(declared: &RawCommand, args: Value) -> Result<Value, String> {
    let name = declared.name.as_str();
    let args = if args.is_null() { Value::Object(serde_json::Map::new()) } else { args };
    let given = args.as_object();
    let Some(allowed) = describe::arguments(declared) else {
        return match given {
            Some(given) if given.is_empty() => Ok(Value::String(name.to_owned())),
            _ => Err(format!("command `{name}` takes no arguments")),
        };
    };
    if let Some(allowed) = allowed {
        let Some(given) = given else {
            return Err(format!(
                "the arguments of command `{name}` must be an object with {}",
                allowed.join(", ")
            ));
        };
        // Whether or not the enum denies unknown fields: a mistyped argument is never silently left out.
        if let Some(unknown) = given.keys().find(|key| !allowed.contains(key)) {
            return Err(format!(
                "command `{name}` has no argument `{unknown}`; it has: {}",
                allowed.join(", ")
            ));
        }
    }
    Ok(Value::Object([(name.to_owned(), args)].into_iter().collect()))
}

unsafe extern "C" fn drop_command<W: Work>(command: RawCommandBox) {
    guarded(|| {
        // SAFETY: made by `Box::into_raw` in `parse_command`, given back once.
        drop(unsafe { Box::from_raw(command.this.cast::<W::Command>()) });
    });
}

extern "C" fn list<W: Work>() -> RResult<RVec<RawListing>, RString> {
    match told(W::listings).unwrap_or_else(Err) {
        Ok(ports) => ROk(ports
            .into_iter()
            .map(|p| RawListing {
                name: p.name.into(),
                write: p.write.into(),
                directions: u8::from(p.input) | u8::from(p.output) << 1,
            })
            .collect()),
        Err(text) => RErr(text.into()),
    }
}
