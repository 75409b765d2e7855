//! From ticks to time, without rounding on the way.

/// What a tick is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Division {
    /// So many ticks in a quarter note (1-32767); the tempo says how long that is.
    Quarter(u16),
    /// So many ticks (1-255) in an SMPTE frame, of which `frames.0 / frames.1` make a second. Tempo
    /// does not count.
    Smpte {
        /// Frames per second, as a fraction.
        frames: (u16, u16),
        /// Ticks per frame.
        ticks: u8,
    },
}

impl Division {
    /// From the field in a file's header; `None` for what means nothing.
    pub fn from_raw(raw: u16) -> Option<Self> {
        if raw & 0x8000 == 0 {
            return (raw > 0).then_some(Self::Quarter(raw));
        }
        let [rate, ticks] = raw.to_be_bytes();
        let frames = match rate as i8 {
            -24 => (24, 1),
            -25 => (25, 1),
            // 29 stands for the 29.97 of colour television.
            -29 => (30_000, 1001),
            -30 => (30, 1),
            _ => return None,
        };
        (ticks > 0).then_some(Self::Smpte { frames, ticks })
    }
}

/// Since a change of tempo.
#[derive(Clone, Copy, Debug)]
struct Segment {
    tick: u64,
    /// The time of `tick`, in ns multiplied by the map's divisor.
    time: u128,
    /// What each tick from there on adds, in the same unit.
    per_tick: u128,
}

/// The times of all ticks. Times are kept as exact fractions over one divisor, and rounded down to a
/// nanosecond only when they are read: there is no drift, however long a piece and however often its
/// tempo changes.
#[derive(Clone, Debug)]
pub struct TempoMap {
    divisor: u128,
    segments: Vec<Segment>,
}

impl TempoMap {
    /// A map from tempo changes (tick, us per quarter note) in the order of their ticks; of several at
    /// one tick the last counts. 500,000 us until the first. A tempo of 0 is none and does not count.
    pub fn new(division: Division, changes: &[(u64, u32)]) -> Self {
        let (divisor, per_tick, changes) = match division {
            Division::Quarter(ticks) => (u128::from(ticks), 500_000 * 1000, changes),
            Division::Smpte { frames: (rate, per), ticks } => {
                (u128::from(rate) * u128::from(ticks), 1_000_000_000 * u128::from(per), &[][..])
            }
        };
        let mut segments = vec![Segment { tick: 0, time: 0, per_tick }];
        for &(tick, tempo) in changes.iter().filter(|(_, tempo)| *tempo > 0) {
            let last = segments[segments.len() - 1];
            let time = last.time + u128::from(tick - last.tick) * last.per_tick;
            let next = Segment { tick, time, per_tick: u128::from(tempo) * 1000 };
            match last.tick == tick {
                true => *segments.last_mut().expect("never empty") = next,
                false => segments.push(next),
            }
        }
        Self { divisor, segments }
    }

    /// The time of a tick in ns, rounded down; `None` where that goes beyond 64 bits.
    pub fn time(&self, tick: u64) -> Option<u64> {
        let after = self.segments.partition_point(|segment| segment.tick <= tick);
        let segment = self.segments[after - 1];
        let exact = segment.time + u128::from(tick - segment.tick) * segment.per_tick;
        u64::try_from(exact / self.divisor).ok()
    }
}
