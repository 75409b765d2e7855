//! Bytes from any wire: the parser never panics, every SysEx it starts it ends, and what is written
//! of its packets is a clean stream that says the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use midibay_ump::{ByteParser, ByteWriter, MAX_BYTES, SYSEX_COMPLETE, SYSEX_END, SYSEX_START, Ump};

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    let mut whole = Vec::new();
    read(bytes.chunks(bytes.len().max(1)), &mut whole);
    let mut pieces = Vec::new();
    read(bytes.chunks(usize::from(cut) + 1), &mut pieces);
    assert_eq!(whole, pieces, "the way a stream is cut changes what it says");

    let mut open = false;
    for ump in whole.iter().filter(|ump| ump.is_sysex()) {
        assert_eq!(matches!(ump.status(), SYSEX_START | SYSEX_COMPLETE), !open);
        open = !matches!(ump.status(), SYSEX_END | SYSEX_COMPLETE);
    }
    assert!(!open, "a receiver waits for the end of a SysEx for ever");

    for mut writer in [ByteWriter::new(), ByteWriter::with_running_status()] {
        let mut clean = Vec::new();
        for ump in &whole {
            let mut bytes = [0; MAX_BYTES];
            let length = writer.write(ump, &mut bytes).expect("the longest message fits");
            clean.extend_from_slice(&bytes[..length]);
        }
        let mut again = Vec::new();
        assert_eq!(read([&clean[..]].into_iter(), &mut again), 0, "what is written is no clean stream");
        assert_eq!(parted(&again), parted(&whole));
    }
});

/// Reads a stream to its end and says how much was wrong with it.
fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>, out: &mut Vec<Ump>) -> u64 {
    let mut parser = ByteParser::new();
    pieces.for_each(|piece| parser.parse(0, piece, |ump| out.push(ump)));
    parser.finish(0, |ump| out.push(ump));
    parser.errors().total()
}

/// Real-time messages may move against the packets of the SysEx they stand in.
fn parted(packets: &[Ump]) -> (Vec<Ump>, Vec<Ump>) {
    packets.iter().partition(|ump| ump.is_realtime())
}
