//! Events of Midibay: Universal MIDI Packets (UMP, M2-104-UM) with a time stamp, MIDI 1.0 byte
//! streams, translation between the protocols, SysEx, and the state that MIDI messages leave behind.
//!
//! `no_std`; no I/O, no clock, no thread; nothing here allocates while events flow.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(any(feature = "std", test))]
extern crate std;

mod event;

pub use event::{Event, Ump, packet_words};
