//! What an event costs here: `cargo bench -p midibay-ump`.
//!
//! Each line is the time of one datagram of 64 messages, or of 64 calls; the items column is messages
//! a second. The floor, `copy`, moves the same 64 packets and does nothing else.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use midibay_ump::{
    ByteParser, ByteWriter, Event, Held, Midi1To2, MidiState, OutQueue, SysexMerger, Ump, encode, to_midi1,
};

const MESSAGES: u8 = 64;

fn main() {
    divan::main();
}

fn notes() -> Vec<Ump> {
    (0..MESSAGES).map(|n| Ump::midi1(0, 8 + n % 2, n % 16, 36 + n / 2, 100)).collect()
}

fn notes2() -> Vec<Ump> {
    (0..MESSAGES).map(|n| Ump::midi2(0, 8 + n % 2, n % 16, 36 + n / 2, 0, 0xC000_0000)).collect()
}

fn controls() -> Vec<Ump> {
    (0..MESSAGES).map(|n| Ump::control_change(0, n % 16, n, n)).collect()
}

fn bytes(packets: &[Ump]) -> Vec<u8> {
    let mut out = Vec::new();
    for ump in packets {
        let mut bytes = [0; midibay_ump::MAX_BYTES];
        let length = encode(ump, &mut bytes);
        out.extend_from_slice(&bytes[..length]);
    }
    out
}

/// A place for the packets, so that none is optimised away.
fn room() -> Vec<Ump> {
    vec![Ump::default(); 512]
}

#[divan::bench]
fn copy(bencher: Bencher<'_, '_>) {
    let (packets, mut out) = (notes(), room());
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(|| {
        for (to, ump) in out.iter_mut().zip(black_box(&packets)) {
            *to = *ump;
        }
        black_box(&mut out);
    });
}

#[divan::bench]
fn parse_notes(bencher: Bencher<'_, '_>) {
    let (datagram, mut out, mut parser) = (bytes(&notes()), room(), ByteParser::new());
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(|| {
        let mut at = 0;
        parser.parse(0, black_box(&datagram), |ump| {
            out[at] = ump;
            at += 1;
        });
        black_box(&mut out);
    });
}

#[divan::bench]
fn parse_running_status(bencher: Bencher<'_, '_>) {
    let mut datagram = vec![0x90];
    (0..MESSAGES).for_each(|n| datagram.extend([n, 100]));
    let (mut out, mut parser) = (room(), ByteParser::new());
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(|| {
        let mut at = 0;
        parser.parse(0, black_box(&datagram), |ump| {
            out[at] = ump;
            at += 1;
        });
        black_box(&mut out);
    });
}

/// 64 packets of 6 bytes each.
#[divan::bench]
fn parse_sysex(bencher: Bencher<'_, '_>) {
    let mut datagram = vec![0xF0];
    datagram.resize(1 + 6 * usize::from(MESSAGES), 0x55);
    datagram.push(0xF7);
    let (mut out, mut parser) = (room(), ByteParser::new());
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(|| {
        let mut at = 0;
        parser.parse(0, black_box(&datagram), |ump| {
            out[at] = ump;
            at += 1;
        });
        black_box(&mut out);
    });
}

fn write(bencher: Bencher<'_, '_>, packets: &[Ump], mut writer: ByteWriter) {
    let mut out = [0; 2048];
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(|| {
        let mut length = 0;
        for ump in black_box(packets) {
            length += writer.write(ump, &mut out[length..]).unwrap_or(0);
        }
        black_box(&mut out);
        length
    });
}

#[divan::bench]
fn write_notes(bencher: Bencher<'_, '_>) {
    write(bencher, &notes(), ByteWriter::new());
}

#[divan::bench]
fn write_running_status(bencher: Bencher<'_, '_>) {
    write(bencher, &notes(), ByteWriter::with_running_status());
}

#[divan::bench]
fn write_midi2_notes(bencher: Bencher<'_, '_>) {
    write(bencher, &notes2(), ByteWriter::new());
}

#[divan::bench(args = ["notes", "controls"])]
fn held_apply(bencher: Bencher<'_, '_>, what: &str) {
    let packets = if what == "notes" { notes() } else { controls() };
    let mut held = Held::boxed();
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(|| {
        for ump in black_box(&packets) {
            held.apply(ump);
        }
        black_box(held.len())
    });
}

#[divan::bench(args = ["notes", "controls"])]
fn state_apply(bencher: Bencher<'_, '_>, what: &str) {
    let packets = if what == "notes" { notes() } else { controls() };
    let mut state = MidiState::boxed(1);
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(|| {
        for ump in black_box(&packets) {
            state.apply(ump);
        }
        black_box(&mut state);
    });
}

#[divan::bench]
fn translate_up(bencher: Bencher<'_, '_>) {
    let (packets, mut out, mut translator) = (notes(), room(), Midi1To2::boxed());
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(|| {
        for (to, ump) in out.iter_mut().zip(black_box(&packets)) {
            *to = translator.translate(ump).unwrap_or_default();
        }
        black_box(&mut out);
    });
}

#[divan::bench]
fn translate_down(bencher: Bencher<'_, '_>) {
    let (packets, mut out) = (notes2(), room());
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(|| {
        for (to, ump) in out.iter_mut().zip(black_box(&packets)) {
            *to = to_midi1(ump)[0];
        }
        black_box(&mut out);
    });
}

#[divan::bench]
fn kind(bencher: Bencher<'_, '_>) {
    let packets = [notes(), notes2(), controls()].concat()[..usize::from(MESSAGES)].to_vec();
    bencher
        .counter(ItemsCount::new(MESSAGES))
        .bench_local(|| black_box(&packets).iter().map(|ump| usize::from(ump.kind() as u8)).sum::<usize>());
}

#[divan::bench]
fn queue_in_and_out(bencher: Bencher<'_, '_>) {
    let (packets, mut queue) = (notes(), OutQueue::new(256));
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(|| {
        for ump in black_box(&packets) {
            queue.push(Event::new(0, *ump));
        }
        while let Some(event) = queue.pop() {
            black_box(event);
        }
    });
}

/// Pushes into a queue that nobody empties.
#[divan::bench(args = ["notes", "controls"])]
fn queue_overloaded(bencher: Bencher<'_, '_>, what: &str) {
    let packets = if what == "notes" { notes() } else { controls() };
    let mut queue = OutQueue::new(1024);
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(|| {
        for ump in black_box(&packets) {
            queue.push(Event::new(0, *ump));
        }
        black_box(queue.len())
    });
}

#[divan::bench]
fn merger_without_sysex(bencher: Bencher<'_, '_>) {
    let (packets, mut merger) = (notes(), SysexMerger::new(256, 1_000_000_000));
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(|| {
        for ump in black_box(&packets) {
            merger.push(0, Event::new(0, *ump), |event| {
                black_box(event);
            });
        }
    });
}
