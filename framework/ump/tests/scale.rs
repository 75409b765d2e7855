//! Scaling between resolutions, against the standard's worked values and its rule said another way.

use midibay_ump::scale::{scale, scale_7_to_16, scale_7_to_32, scale_14_to_32, scale_down, scale_up};
use proptest::prelude::*;

/// The min-center-max rule in long words: above the centre, the `from - 1` bits below the topmost
/// one are written again and again behind the value until the width is full.
fn in_long_words(value: u32, from: u32, to: u32) -> u32 {
    let mut bits: Vec<u32> = (0..from).rev().map(|bit| value >> bit & 1).collect();
    let fill = if value > 1 << (from - 1) { bits[1..].to_vec() } else { vec![0] };
    bits.extend(fill.iter().cycle().take((to - from) as usize));
    bits.iter().fold(0, |value, bit| value << 1 | bit)
}

#[test]
fn minimum_centre_and_maximum_stay_what_they_are() {
    for (from, to) in [(7, 14), (7, 16), (7, 32), (14, 16), (14, 32), (16, 32)] {
        assert_eq!(scale_up(0, from, to), 0);
        assert_eq!(scale_up(1 << (from - 1), from, to), 1 << (to - 1));
        assert_eq!(scale_up(u32::MAX >> (32 - from), from, to), u32::MAX >> (32 - to));
    }
}

#[test]
fn known_values() {
    assert_eq!(scale_up(1, 7, 16), 0x0200);
    assert_eq!(scale_up(65, 7, 16), 0x8208);
    assert_eq!(scale_up(100, 7, 16), 0xC924);
    assert_eq!(scale_up(127, 7, 32), u32::MAX);
    assert_eq!(scale_up(0x2001, 14, 16), 0x8004);
    assert_eq!(scale_down(0xFFFF_FFFF, 32, 7), 127);
    assert_eq!(scale_down(0x8208, 16, 7), 65);
}

#[test]
fn every_7_bit_and_14_bit_value_survives_the_way_up_and_down() {
    for to in [7, 14, 16, 32] {
        assert!((0..128).all(|value| scale_down(scale_up(value, 7, to), to, 7) == value));
    }
    for to in [14, 16, 32] {
        assert!((0..0x4000).all(|value| scale_down(scale_up(value, 14, to), to, 14) == value));
    }
}

#[test]
fn the_quick_ways_are_the_same_as_the_long_one() {
    for value in 0..128_u8 {
        assert_eq!(scale_7_to_32(value), scale_up(value.into(), 7, 32));
        assert_eq!(u32::from(scale_7_to_16(value)), scale_up(value.into(), 7, 16));
    }
    for value in 0..0x4000_u16 {
        assert_eq!(scale_14_to_32(value), scale_up(value.into(), 14, 32));
    }
}

proptest! {
    #[test]
    fn scaling_follows_the_rule_and_keeps_the_order(
        from in 2..=32_u32, wider in 0..=30_u32, a in any::<u32>(), b in any::<u32>()
    ) {
        let to = (from + wider).min(32);
        let (a, b) = (a >> (32 - from), b >> (32 - from));
        prop_assert_eq!(scale_up(a, from, to), in_long_words(a, from, to));
        prop_assert_eq!(a.cmp(&b), scale(a, from, to).cmp(&scale(b, from, to)));
        prop_assert_eq!(scale(scale(a, from, to), to, from), a);
    }
}
