//! MIDI 1.0 byte streams (M1-1.0): bytes to packets and packets to bytes.

mod parser;
mod writer;

pub use parser::{ByteParser, ParseErrors};
pub use writer::{ByteWriter, MAX_BYTES, NoRoom, encode};
