//! What the engine counts, readable on any thread without asking it.

use std::sync::atomic::{AtomicU64, Ordering};

use midibay_plugin::Counters;

/// Four buckets an octave, from 256 ns to 17 s, one below and one above.
const BUCKETS: usize = 4 * 26 + 2;
const FIRST_OCTAVE: u32 = 8;

/// How long events took from their arrival to their departure. Written by the engine alone.
#[derive(Debug)]
pub(crate) struct Histogram([AtomicU64; BUCKETS]);

impl Default for Histogram {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Histogram {
    #[inline]
    fn bucket(ns: u64) -> usize {
        if ns < 1 << FIRST_OCTAVE {
            return 0;
        }
        let octave = ns.ilog2();
        let quarter = (ns >> (octave - 2) & 3) as usize;
        (1 + (octave - FIRST_OCTAVE) as usize * 4 + quarter).min(BUCKETS - 1)
    }

    /// The lowest value of a bucket, ns.
    fn floor(bucket: usize) -> u64 {
        if bucket == 0 {
            return 0;
        }
        let (octave, quarter) = ((bucket - 1) / 4 + FIRST_OCTAVE as usize, (bucket - 1) % 4);
        (1 << octave) + (quarter as u64) * (1 << octave) / 4
    }

    /// Counts `count` events that took `ns`. `[engine]`
    #[inline]
    pub(crate) fn record(&self, ns: u64, count: u64) {
        Counters::add(&self.0[Self::bucket(ns)], count);
    }

    /// The counts so far.
    pub(crate) fn summary(&self) -> Latency {
        let counts: Vec<u64> = self.0.iter().map(|c| c.load(Ordering::Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        let at = |share: f64| {
            let rank = ((total as f64 * share).ceil() as u64).max(1);
            let mut sum = 0;
            for (bucket, count) in counts.iter().enumerate() {
                sum += count;
                if sum >= rank {
                    return Self::floor((bucket + 1).min(BUCKETS - 1));
                }
            }
            0
        };
        let [p50, p99, max] = if total == 0 { [0; 3] } else { [at(0.5), at(0.99), at(1.0)] };
        let filled = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let buckets = filled.map(|(i, count)| (Self::floor((i + 1).min(BUCKETS - 1)), *count)).collect();
        Latency { count: total, p50, p99, max, buckets }
    }
}

/// A latency histogram. The times are upper bounds of their buckets, at most a quarter of an octave
/// (19 %) too high.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct Latency {
    /// How many events were measured.
    pub count: u64,
    /// Half of them took at most this, ns.
    pub p50: u64,
    /// 99 of 100 took at most this, ns.
    pub p99: u64,
    /// All of them took at most this, ns (17 s stands for anything beyond).
    pub max: u64,
    /// The buckets that are not empty, in order: the upper bound, ns, and how many events took at most
    /// this and more than the bucket below.
    pub buckets: Vec<(u64, u64)>,
}

/// What passed one hop: from an output port to an input port, plainly or through control maps.
#[derive(Debug, Default)]
pub(crate) struct HopStats {
    pub(crate) events: AtomicU64,
    /// On hops into endpoints: from arrival in the graph to departure.
    pub(crate) latency: Histogram,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_the_values_from_its_floor_to_the_next() {
        for bucket in 1..BUCKETS - 1 {
            let (low, high) = (Histogram::floor(bucket), Histogram::floor(bucket + 1));
            assert_eq!((Histogram::bucket(low), Histogram::bucket(high - 1)), (bucket, bucket));
        }
        assert_eq!(Histogram::bucket(u64::MAX), BUCKETS - 1);
        assert_eq!(Histogram::bucket(0), 0);
    }

    #[test]
    fn a_summary_tells_the_middle_and_the_end() {
        let histogram = Histogram::default();
        assert_eq!(histogram.summary(), Latency::default());
        histogram.record(10_000, 98);
        histogram.record(1_000_000, 2);
        let latency = histogram.summary();
        assert_eq!(latency.count, 100);
        assert!((10_000..12_500).contains(&latency.p50), "{latency:?}");
        assert!((1_000_000..1_250_000).contains(&latency.p99), "{latency:?}");
        assert_eq!(latency.buckets, [(latency.p50, 98), (latency.p99, 2)]);
    }
}
