//! Translation between the MIDI 1.0 and the MIDI 2.0 protocol (M2-104-UM, appendix D).

mod down;

pub use down::{Midi1Messages, to_midi1};
