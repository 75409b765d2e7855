//! The clock of all engines of this process.

use std::sync::OnceLock;
use std::time::Instant;

/// Monotonic nanoseconds since the clock was first read, plus one second (so that 0 is always past).
/// The unit and the zero of every [`midibay_ump::Event::time`]. `[any]`
#[inline]
pub fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64 + 1_000_000_000
}
