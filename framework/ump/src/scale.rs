//! Value scaling between resolutions: 7, 14, 16 and 32 bits (M2-115-U, bit scaling and resolution,
//! which M2-104-UM appendix D refers to).

/// Scales up by the min-center-max rule: 0 stays 0, the centre (`1 << (from_bits - 1)`) stays the
/// centre, the maximum stays the maximum, and the values between are spread by repeating bits.
///
/// `from_bits` is 2-32, `to_bits` is `from_bits`-32. Bits of `value` above `from_bits` are ignored.
/// [`scale_down`] by the same widths gives exactly `value` back.
#[inline]
pub const fn scale_up(value: u32, from_bits: u32, to_bits: u32) -> u32 {
    debug_assert!(from_bits >= 2 && from_bits <= to_bits && to_bits <= 32);
    let value = value & (u32::MAX >> (32 - from_bits));
    if from_bits == to_bits {
        return value;
    }
    let wider = to_bits - from_bits;
    let mut out = value << wider;
    if value <= 1 << (from_bits - 1) {
        return out;
    }
    // Above the centre, the bits below the topmost one fill the new low bits, again and again.
    let repeat_bits = from_bits - 1;
    let repeat = value & ((1 << repeat_bits) - 1);
    let mut fill =
        if wider > repeat_bits { repeat << (wider - repeat_bits) } else { repeat >> (repeat_bits - wider) };
    while fill != 0 {
        out |= fill;
        fill >>= repeat_bits;
    }
    out
}

/// Scales down by dropping low bits. `from_bits` is 1-32, `to_bits` is 1-`from_bits`. Bits of
/// `value` above `from_bits` are ignored.
#[inline]
pub const fn scale_down(value: u32, from_bits: u32, to_bits: u32) -> u32 {
    debug_assert!(to_bits >= 1 && to_bits <= from_bits && from_bits <= 32);
    (value & (u32::MAX >> (32 - from_bits))) >> (from_bits - to_bits)
}

/// Scales either way: up by [`scale_up`] or down by [`scale_down`]. Equal widths change nothing.
#[inline]
pub const fn scale(value: u32, from_bits: u32, to_bits: u32) -> u32 {
    if to_bits >= from_bits {
        scale_up(value, from_bits, to_bits)
    } else {
        scale_down(value, from_bits, to_bits)
    }
}

const SEVEN_TO_32: [u32; 128] = {
    let mut table = [0; 128];
    let mut i = 0;
    while i < 128 {
        table[i] = scale_up(i as u32, 7, 32);
        i += 1;
    }
    table
};

/// A 7-bit value as 32 bits; the same as `scale_up(value, 7, 32)`, from a table.
#[inline]
pub const fn scale_7_to_32(value: u8) -> u32 {
    SEVEN_TO_32[(value & 0x7F) as usize]
}

/// A 7-bit value as 16 bits; the same as `scale_up(value, 7, 16)`.
#[inline]
pub const fn scale_7_to_16(value: u8) -> u16 {
    // The upper half of the 32-bit value: both repeat the same six bits from the same place.
    (SEVEN_TO_32[(value & 0x7F) as usize] >> 16) as u16
}

/// A 14-bit value as 32 bits; the same as `scale_up(value, 14, 32)`, without a loop.
#[inline]
pub const fn scale_14_to_32(value: u16) -> u32 {
    let value = value as u32 & 0x3FFF;
    let repeat = if value > 0x2000 { value & 0x1FFF } else { 0 };
    value << 18 | repeat << 5 | repeat >> 8
}
