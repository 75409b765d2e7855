//! What crosses the border must not change within one revision of the ABI: an old library would still be
//! loaded, and read past the end of something. `abi_stable` compares the types it knows of as a library
//! is loaded; [`Event`], [`Out`], [`Reply`], [`Counters`] and [`PropertyCell`] it never sees.

use std::fmt::Write;

use abi_stable::std_types::{RResult, RStr, RString, RVec};
use midibay_ump::{Event, Ump};

use crate::abi::{
    ABI_REVISION, HostVtable, NodeVtable, OK, PANICKED, PluginRoot, REFUSED, RawCommand, RawCommandBox,
    RawConfigError, RawHost, RawListing, RawModule, RawNode, RawNodeError, RawNodeType, RawParams,
    RawProperty, Reply, WOKEN,
};
use crate::cells::{Counters, DropReason, PropertyCell};
use crate::host::{Health, Level, Readiness};
use crate::out::{ALL_PORTS, Out};

/// A line for each type: its size and where its fields are.
macro_rules! layout_of {
    ($($type:ident { $($field:ident),* $(,)? })*) => {{
        let mut text = String::new();
        $(
            text += &format!("{}: {} bytes, aligned to {}", stringify!($type), size_of::<$type>(), align_of::<$type>());
            $( text += &format!(", {} at {}", stringify!($field), std::mem::offset_of!($type, $field)); )*
            text.push('\n');
        )*
        text
    }};
}
pub(crate) use layout_of;

fn layouts() -> String {
    let mut text = layout_of!(
        Ump {}
        Event { time, ump, source, port, order }
        Reply { len, text }
        NodeVtable { events, ready, tick, reconfigure, command, source_lost, stop }
        RawNode { this, vtable }
        HostVtable { retain, release, now, log, health, property, counters, publish, io, wake, name }
        RawHost { this, vtable }
        RawParams { this, inputs, outputs }
        RawCommand { name, about, args }
        RawProperty { name, about, unit }
        RawListing { name, write, directions }
        RawCommandBox { this }
        RawNodeType {
            name, kind, about, schema, commands, properties, prepare, drop_params, in_place, create,
            parse_command, drop_command, list,
        }
        RawModule { name, version, license, node_types }
        PluginRoot { module }
        RawConfigError {}
        RawNodeError {}
    );
    text += &(Out::layout() + &Counters::layout() + &PropertyCell::layout());
    writeln!(text, "answers: ok {OK}, panicked {PANICKED}, refused {REFUSED}").unwrap();
    writeln!(text, "woken {WOKEN}, all ports {ALL_PORTS}").unwrap();
    let drops = DropReason::ALL.map(|reason| format!("{} {}", reason.name(), reason as u8));
    writeln!(text, "drops: {}", drops.join(", ")).unwrap();
    for health in [Health::Ok, Health::Waiting, Health::Degraded, Health::Failed] {
        writeln!(text, "health {health:?} {}", health as u8).unwrap();
    }
    for level in [Level::Error, Level::Warn, Level::Info, Level::Debug] {
        writeln!(text, "level {level:?} {}", level as u8).unwrap();
    }
    writeln!(text, "readiness: read {}, write {}", Readiness::READ.0, Readiness::WRITE.0).unwrap();
    text
}

#[test]
fn layouts_and_numbers_stay_as_they_are_within_a_revision() {
    // What is written down is for 64-bit machines; where those agree, the others do.
    if cfg!(not(target_pointer_width = "64")) {
        return;
    }
    let name = format!("abi/revision-{ABI_REVISION}.txt");
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(&name);
    let now = layouts();
    let Ok(then) = std::fs::read_to_string(path) else {
        panic!("revision {ABI_REVISION} is a new one: write down its layouts in {name}:\n{now}");
    };
    let changed: Vec<_> = now.lines().filter(|line| !then.lines().any(|old| old == *line)).collect();
    assert!(
        then.lines().eq(now.lines()),
        "these are not as in {name}: {changed:#?}\nraise ABI_REVISION, and write them down for the new revision"
    );
}

/// The parameters of what `abi_stable` does not look into. Where this does not compile any more, a
/// library of this revision would be called with the wrong arguments: raise [`ABI_REVISION`] first.
#[test]
fn functions_of_revision_1() {
    const { assert!(ABI_REVISION == 1, "write down the functions of the new revision here") };
    fn node(table: NodeVtable) {
        let NodeVtable { events, ready, tick, reconfigure, command, source_lost, stop } = table;
        let _: unsafe extern "C" fn(*mut (), *const Event, usize, u64, *mut Out) -> u8 = events;
        let _: unsafe extern "C" fn(*mut (), u32, u8, u64, *mut Out) -> u8 = ready;
        let _: unsafe extern "C" fn(*mut (), u64, *mut Out) -> u8 = tick;
        let _: unsafe extern "C" fn(*mut (), *mut (), u64, *mut Out) -> u8 = reconfigure;
        let _: unsafe extern "C" fn(*mut (), *mut (), u64, *mut Out, *mut Reply) -> u8 = command;
        let _: unsafe extern "C" fn(*mut (), u16, u32, u64, *mut Out) -> u8 = source_lost;
        let _: unsafe extern "C" fn(*mut ()) -> u8 = stop;
    }
    fn host(table: HostVtable) {
        let HostVtable { retain, release, now, log, health, property, counters, publish, io, wake, name } =
            table;
        let _: [unsafe extern "C" fn(*const ()); 3] = [retain, release, wake];
        let _: unsafe extern "C" fn(*const ()) -> u64 = now;
        let _: [unsafe extern "C" fn(*const (), u8, RStr<'_>); 2] = [log, health];
        let _: unsafe extern "C" fn(*const (), RStr<'_>) -> *const () = property;
        let _: unsafe extern "C" fn(*const ()) -> *const () = counters;
        let _: unsafe extern "C" fn(*const (), RStr<'_>, RStr<'_>) = publish;
        let _: unsafe extern "C" fn(*const (), u8, i64, u32, u8) -> i32 = io;
        let _: unsafe extern "C" fn(*const ()) -> RString = name;
    }
    fn node_type(table: RawNodeType) {
        let _: extern "C" fn(RStr<'_>) -> RResult<RawParams, RVec<RawConfigError>> = table.prepare;
        let _: unsafe extern "C" fn(*mut ()) = table.drop_params;
        let _: extern "C" fn(RStr<'_>, RStr<'_>) -> bool = table.in_place;
        let _: unsafe extern "C" fn(*mut (), RawHost) -> RResult<RawNode, RawNodeError> = table.create;
        let _: extern "C" fn(RStr<'_>, RStr<'_>) -> RResult<RawCommandBox, RString> = table.parse_command;
        let _: unsafe extern "C" fn(RawCommandBox) = table.drop_command;
        let _: extern "C" fn() -> RResult<RVec<RawListing>, RString> = table.list;
    }
    let _: fn(NodeVtable) = node;
    let _: fn(HostVtable) = host;
    let _: fn(RawNodeType) = node_type;
}
