//! Events of Midibay: Universal MIDI Packets (UMP, M2-104-UM) with a time stamp, MIDI 1.0 byte
//! streams, translation between the protocols, SysEx, and the state that MIDI messages leave behind.
//!
//! | to | use |
//! |---|---|
//! | make a packet | [`Ump::note_on`] and its like |
//! | ask a packet something on the event path | [`Ump::is_note_on`], [`Ump::kind`], ... |
//! | take a packet apart, or show it to a person | [`Message`], which implements `Display` |
//! | read and write MIDI 1.0 bytes | [`ByteParser`], [`ByteWriter`] |
//! | send SysEx, or receive it whole | [`sysex_packets`], [`SysexCollector`] |
//! | follow RPN and NRPN | [`ParameterNumbers`] |
//! | know who holds which notes | [`Held`] |
//! | keep, compare and send the whole state | [`MidiState`] |
//! | go from one protocol to the other | [`to_midi1`], [`Midi1To2`], [`scale`] |
//! | wait for a slow device without losing a Note Off | [`OutQueue`] |
//! | feed one wire from several sources | [`SysexMerger`] |
//!
//! `no_std`; no I/O, no clock, no thread; nothing here allocates while events flow: what needs
//! room takes it once, when it is made. Thread marks: `[engine]` may be called on the event path,
//! `[main]` allocates, `[any]` may be called anywhere. What has no mark is a question about a plain
//! value, and may be asked anywhere too.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod bytes;
mod construct;
mod display;
mod event;
mod held;
mod inspect;
mod kind;
mod message;
mod parameter;
mod queue;
pub mod scale;
mod state;
mod sysex;
mod translate;

pub use bytes::{ByteParser, ByteWriter, MAX_BYTES, NoRoom, ParseErrors, encode};
pub use display::NoteName;
pub use event::{Event, Ump, packet_words};
pub use held::{Held, PEDALS};
pub use inspect::{SYSEX_COMPLETE, SYSEX_CONTINUE, SYSEX_END, SYSEX_START};
pub use kind::{Kind, KindSet};
pub use message::{Message, Midi1Voice, Midi2Voice, SysExForm, System, Utility};
pub use parameter::{ParameterChange, ParameterNumbers};
pub use queue::{MergeCounts, OutQueue, OverloadCounts, SysexMerger, value_key};
pub use state::{MidiState, Program, SnapshotError};
pub use sysex::{SysexCollector, sysex_packets};
pub use translate::{Midi1Messages, Midi1To2, to_midi1};
