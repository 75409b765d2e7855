//! A curve as tables, so that no event needs floating point.

use midibay_ump::scale::{scale_14_to_32, scale_up};

use crate::shape::Form;

/// The centre of a 14-bit pitch bend.
const CENTRE_14: u16 = 0x2000;
const CENTRE_32: u32 = 0x8000_0000;

/// Segments of the fine table, as a power of two.
const SEGMENTS_LOG2: u32 = 10;
const SEGMENTS: usize = 1 << SEGMENTS_LOG2;
/// The bits of a 32-bit value below its segment's number.
const REST_BITS: u32 = 32 - SEGMENTS_LOG2;

/// A curve at every resolution of MIDI: 128 entries for 7-bit values, and for the others 1024 straight
/// lines through 32-bit values. Straight lines come out exactly as they went in, at any resolution.
///
/// 7-bit positions and 32-bit values correspond as in the scaling of M2-115-U: 0, the centre and the
/// maximum of one are those of the other.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    seven: [u8; 128],
    /// The same, but from 1 on at least 1.
    note: [u8; 128],
    /// At `i << REST_BITS`; the last stands for 2^32. At most 2^32.
    fine: Box<[u64]>,
    /// Whether values above 0 must not become 0.
    keeps_one: bool,
}

impl Table {
    /// The tables of a curve whose output is squeezed into `min` to `max` (0-127). `[main]`
    pub(crate) fn new(form: &Form, min: f64, max: f64) -> Self {
        let at = |input: f64| min + form.at(input) * (max - min) / 127.0;
        let keeps_one = !form.is_by_hand();
        let mut seven: [u8; 128] = std::array::from_fn(|i| at(i as f64).round() as u8);
        let note = std::array::from_fn(|i| if i == 0 { 0 } else { seven[i].max(1) });
        if keeps_one {
            seven[1..].iter_mut().for_each(|value| *value = (*value).max(1));
        }
        let half = SEGMENTS as f64 / 2.0;
        let fine = (0..=SEGMENTS).map(|i| {
            let i = i as f64;
            let position = if i <= half { i * 64.0 / half } else { 64.0 + (i - half) * 63.0 / half };
            let value = at(position);
            let scaled = if value <= 64.0 { value / 64.0 } else { 1.0 + (value - 64.0) / 63.0 };
            (scaled * f64::from(CENTRE_32)).round() as u64
        });
        Self { seven, note, fine: fine.collect(), keeps_one }
    }

    /// A 7-bit value. `[engine]`
    #[inline]
    pub(crate) fn seven(&self, value: u8) -> u8 {
        self.seven[usize::from(value & 0x7F)]
    }

    /// The 7-bit velocity of a MIDI 1.0 Note On: 0 stays 0, all else is at least 1. `[engine]`
    #[inline]
    pub(crate) fn note(&self, velocity: u8) -> u8 {
        self.note[usize::from(velocity & 0x7F)]
    }

    /// A 32-bit value. `[engine]`
    #[inline]
    pub(crate) fn fine(&self, value: u32) -> u32 {
        let y = self.line(value);
        if y == 0 && value != 0 && self.keeps_one { 1 } else { y }
    }

    #[inline]
    fn line(&self, value: u32) -> u32 {
        let segment = (value >> REST_BITS) as usize;
        let (from, to) = (self.fine[segment], self.fine[segment + 1]);
        let rest = u64::from(value) & ((1 << REST_BITS) - 1);
        // The top value is the end of the last line and not just before it.
        let y = if value == u32::MAX { to } else { from + (((to - from) * rest) >> REST_BITS) };
        u32::try_from(y).unwrap_or(u32::MAX)
    }

    /// A 16-bit velocity. From 1 on it stays at least 1. `[engine]`
    #[inline]
    pub(crate) fn sixteen(&self, value: u16) -> u16 {
        let y = (self.line(scale_up(u32::from(value), 16, 32)) >> 16) as u16;
        if value == 0 { y } else { y.max(1) }
    }

    /// A 14-bit pitch bend. The curve bends the way from the centre, the same up and down; the centre
    /// stays. `[engine]`
    #[inline]
    pub(crate) fn bend14(&self, value: u16) -> u16 {
        let y = (self.bend(scale_14_to_32(value)) >> 18) as u16;
        match value.cmp(&CENTRE_14) {
            std::cmp::Ordering::Greater if self.keeps_one => y.max(CENTRE_14 + 1),
            std::cmp::Ordering::Less if self.keeps_one => y.min(CENTRE_14 - 1),
            _ => y,
        }
    }

    /// A 32-bit pitch bend, likewise. `[engine]`
    #[inline]
    pub(crate) fn bend32(&self, value: u32) -> u32 {
        let y = self.bend(value);
        match value.cmp(&CENTRE_32) {
            std::cmp::Ordering::Greater if self.keeps_one => y.max(CENTRE_32 + 1),
            std::cmp::Ordering::Less if self.keeps_one => y.min(CENTRE_32 - 1),
            _ => y,
        }
    }

    fn bend(&self, value: u32) -> u32 {
        // The way up has one step less than the way down. Both are seen as 31 bits, 0 the step beside
        // the centre on the way down and the centre itself on the way up.
        let up = value >= CENTRE_32;
        let way = if up { value - CENTRE_32 } else { CENTRE_32 - 1 - value };
        if value == CENTRE_32 {
            return value;
        }
        match self.line(way << 1 | way >> 30) {
            0 => CENTRE_32,
            y if up => CENTRE_32 + (y >> 1),
            y => CENTRE_32 - 1 - (y >> 1),
        }
    }
}
