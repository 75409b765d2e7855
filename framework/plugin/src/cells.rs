//! Numbers and short texts that a node writes as events pass and anybody reads without asking it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};

/// Why an event or a packet did not go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum DropReason {
    /// A queue was full, or the device takes no more.
    Overflow = 0,
    /// It was not valid.
    Malformed = 1,
    /// It came from somebody who may not, or asks for what may not be.
    Refused = 2,
    /// The other side cannot carry such an event.
    Unsupported = 3,
    /// The node, or the device behind it, is not there.
    Unavailable = 4,
    /// It came too late to be of use.
    Late = 5,
}

impl DropReason {
    /// All reasons, in the order of their counters.
    pub const ALL: [Self; 6] =
        [Self::Overflow, Self::Malformed, Self::Refused, Self::Unsupported, Self::Unavailable, Self::Late];

    /// The word for it in status pages and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overflow => "overflow",
            Self::Malformed => "malformed",
            Self::Refused => "refused",
            Self::Unsupported => "unsupported",
            Self::Unavailable => "unavailable",
            Self::Late => "late",
        }
    }
}

/// The counters of one node. They only grow. The engine counts the events, the node its bytes and
/// what it had to drop. Readable on any thread at any time.
#[repr(C)]
#[derive(Default, Debug)]
pub struct Counters {
    /// Events that came out of the node.
    pub events_out: AtomicU64,
    /// Events that went into the node.
    pub events_in: AtomicU64,
    /// Bytes that came from the outside.
    pub bytes_received: AtomicU64,
    /// Bytes that went to the outside.
    pub bytes_sent: AtomicU64,
    drops: [AtomicU64; 6],
}

impl Counters {
    /// Counts drops. `[any]`
    #[inline]
    pub fn dropped(&self, reason: DropReason, count: u64) {
        self.drops[reason as usize].fetch_add(count, Ordering::Relaxed);
    }

    /// How many were dropped for this reason. `[any]`
    pub fn drops(&self, reason: DropReason) -> u64 {
        self.drops[reason as usize].load(Ordering::Relaxed)
    }

    /// Adds to a counter that only one thread writes: no locked instruction. It wraps. `[any]`
    #[inline]
    pub fn add(counter: &AtomicU64, count: u64) {
        counter.store(counter.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
    }
}

const WORDS: usize = 16;
const TEXT: u64 = 1 << 8;
const INT: u64 = 2 << 8;
const FLOAT: u64 = 3 << 8;
const BOOL: u64 = 4 << 8;

/// What a property says.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Not set yet.
    None,
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Yes or no.
    Bool(bool),
    /// A short text.
    Text(String),
}

/// A property's value: written by one thread at a time, never blocking; read by anybody. The setters
/// are `[any]`.
/// (A sequence lock: odd while a write is under way.)
#[repr(C)]
#[derive(Default, Debug)]
pub struct PropertyCell {
    sequence: AtomicUsize,
    kind_and_len: AtomicU64,
    words: [AtomicU64; WORDS],
}

impl PropertyCell {
    /// The longest text, in bytes; longer ones are cut.
    pub const TEXT_LEN: usize = WORDS * 8;

    fn write(&self, kind_and_len: u64, words: impl Iterator<Item = u64>) {
        let s = self.sequence.load(Ordering::Relaxed);
        // Where another thread is writing at this moment, its value counts as the later one. So two
        // that write at once, which they should not, hold up nobody.
        let next = s.wrapping_add(1);
        if s % 2 == 1
            || self.sequence.compare_exchange(s, next, Ordering::Acquire, Ordering::Relaxed).is_err()
        {
            return;
        }
        fence(Ordering::Release);
        self.kind_and_len.store(kind_and_len, Ordering::Relaxed);
        for (cell, word) in self.words.iter().zip(words) {
            cell.store(word, Ordering::Relaxed);
        }
        self.sequence.store(s.wrapping_add(2), Ordering::Release);
    }

    /// A whole number.
    pub fn set_int(&self, value: i64) {
        self.write(INT, [value as u64].into_iter());
    }

    /// A number.
    pub fn set_float(&self, value: f64) {
        self.write(FLOAT, [value.to_bits()].into_iter());
    }

    /// Yes or no.
    pub fn set_bool(&self, value: bool) {
        self.write(BOOL, [u64::from(value)].into_iter());
    }

    /// A text; what goes beyond [`Self::TEXT_LEN`] bytes is cut.
    pub fn set_text(&self, text: &str) {
        let mut end = text.len().min(Self::TEXT_LEN);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let words = text.as_bytes()[..end].chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        });
        self.write(TEXT | end as u64, words);
    }

    /// The value, whole: tries again when a write came in between. It allocates for a text. `[main]`
    pub fn get(&self) -> Value {
        loop {
            let before = self.sequence.load(Ordering::Acquire);
            let kind_and_len = self.kind_and_len.load(Ordering::Relaxed);
            let words: [u64; WORDS] = std::array::from_fn(|i| self.words[i].load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if before % 2 == 1 || self.sequence.load(Ordering::Relaxed) != before {
                std::hint::spin_loop();
                continue;
            }
            return match kind_and_len & 0xFF00 {
                INT => Value::Int(words[0] as i64),
                FLOAT => Value::Float(f64::from_bits(words[0])),
                BOOL => Value::Bool(words[0] != 0),
                TEXT => {
                    let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
                    let len = (kind_and_len & 0xFF) as usize;
                    Value::Text(String::from_utf8_lossy(&bytes[..len.min(bytes.len())]).into_owned())
                }
                _ => Value::None,
            };
        }
    }
}

#[cfg(test)]
impl Counters {
    pub(crate) fn layout() -> String {
        crate::layout::layout_of!(Counters { events_out, events_in, bytes_received, bytes_sent, drops })
    }
}

#[cfg(test)]
impl PropertyCell {
    pub(crate) fn layout() -> String {
        let kinds = format!("property kinds: text {TEXT}, int {INT}, float {FLOAT}, bool {BOOL}\n");
        crate::layout::layout_of!(PropertyCell { sequence, kind_and_len, words }) + &kinds
    }
}
