//! Byte streams: whatever comes, however it is cut.

use midibay_ump::{ByteParser, ByteWriter, MAX_BYTES, SYSEX_COMPLETE, SYSEX_END, SYSEX_START, Ump};
use proptest::prelude::*;

fn parse(pieces: &[&[u8]]) -> Vec<Ump> {
    let mut parser = ByteParser::new();
    let mut out = Vec::new();
    for piece in pieces {
        parser.parse(0, piece, |ump| out.push(ump));
    }
    out
}

fn write(mut writer: ByteWriter, packets: &[Ump]) -> Vec<u8> {
    let mut out = Vec::new();
    for ump in packets {
        let mut bytes = [0; MAX_BYTES];
        let length = writer.write(ump, &mut bytes).unwrap();
        out.extend_from_slice(&bytes[..length]);
    }
    out
}

/// A valid message in MIDI 1.0 bytes.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let data = || 0..128_u8;
    prop_oneof![
        5 => (0x80..0xF0_u8, data(), data()).prop_map(|(status, a, b)| {
            if status & 0xE0 == 0xC0 { vec![status, a] } else { vec![status, a, b] }
        }),
        1 => (0..3_usize, data(), data()).prop_map(|(which, a, b)| {
            [vec![0xF1, a], vec![0xF2, a, b], vec![0xF3, a]][which].clone()
        }),
        1 => prop::sample::select(vec![0xF6, 0xF8, 0xFA, 0xFB, 0xFC, 0xFE, 0xFF]).prop_map(|byte| vec![byte]),
        2 => prop::collection::vec(data(), 0..40).prop_map(|bytes| [&[0xF0], &bytes[..], &[0xF7]].concat()),
    ]
}

fn messages() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(message(), 0..60).prop_map(|messages| messages.concat())
}

/// Bytes of all sorts, mostly those that make sense.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => 0..128_u8,
        2 => 0x80..0xF0_u8,
        1 => prop::sample::select(vec![0xF0_u8, 0xF7]),
        1 => 0xF0..=0xFF_u8,
    ];
    prop::collection::vec(byte, 0..300)
}

proptest! {
    #[test]
    fn bytes_to_packets_and_back_lose_nothing(bytes in messages()) {
        prop_assert_eq!(write(ByteWriter::new(), &parse(&[&bytes])), bytes);
    }

    #[test]
    fn running_status_says_the_same_in_fewer_bytes(bytes in messages()) {
        let packets = parse(&[&bytes]);
        let short = write(ByteWriter::with_running_status(), &packets);
        prop_assert!(short.len() <= bytes.len());
        prop_assert_eq!(parse(&[&short]), packets);
    }

    #[test]
    fn a_stream_cut_anywhere_says_the_same(bytes in noise(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut start = 0;
        for cut in cuts {
            pieces.push(&bytes[start..cut]);
            start = cut;
        }
        pieces.push(&bytes[start..]);
        prop_assert_eq!(parse(&pieces), parse(&[&bytes]));

        let single: Vec<_> = bytes.chunks(1).collect();
        prop_assert_eq!(parse(&single), parse(&[&bytes]));
    }

    #[test]
    fn whatever_comes_every_sysex_that_starts_ends(bytes in noise()) {
        let mut parser = ByteParser::new();
        let mut out = Vec::new();
        parser.parse(0, &bytes, |ump| out.push(ump));
        parser.finish(0, |ump| out.push(ump));
        let mut open = false;
        for ump in &out {
            if ump.is_sysex() {
                let starts = matches!(ump.status(), SYSEX_START | SYSEX_COMPLETE);
                prop_assert_eq!(starts, !open);
                open = !matches!(ump.status(), SYSEX_END | SYSEX_COMPLETE);
            } else {
                prop_assert!(!open || ump.is_realtime(), "only real-time may stand inside a SysEx");
            }
        }
        prop_assert!(!open);
    }

    #[test]
    fn whatever_comes_the_packets_of_it_are_well_formed(bytes in noise()) {
        let mut packets = Vec::new();
        let mut parser = ByteParser::new();
        parser.parse(0, &bytes, |ump| packets.push(ump));
        parser.finish(0, |ump| packets.push(ump));
        // What is written is a clean stream that reads as the same packets.
        let clean = write(ByteWriter::new(), &packets);
        let mut parser = ByteParser::new();
        let mut again = Vec::new();
        parser.parse(0, &clean, |ump| again.push(ump));
        // Real-time inside a SysEx goes ahead of the packet that its neighbours fill.
        let parted = |packets: Vec<Ump>| packets.into_iter().partition::<Vec<_>, _>(Ump::is_realtime);
        prop_assert_eq!(parted(again), parted(packets));
        prop_assert_eq!(parser.errors().total(), 0);
    }
}
