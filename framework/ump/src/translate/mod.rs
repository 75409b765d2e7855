//! Translation between the MIDI 1.0 and the MIDI 2.0 protocol (M2-104-UM, appendix D).

mod down;
mod up;

pub(crate) use down::PARAMETER_STEP;
pub use down::{Midi1Messages, to_midi1};
pub use up::Midi1To2;
