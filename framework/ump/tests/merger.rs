//! Several sources on one wire.

use midibay_ump::{Event, SYSEX_CONTINUE, SYSEX_END, SYSEX_START, SysexMerger, Ump};

const TIMEOUT: u64 = 1000;

struct Wire {
    merger: SysexMerger,
    now: u64,
    out: Vec<(u32, Ump)>,
}

impl Wire {
    fn new(capacity: usize) -> Self {
        Self { merger: SysexMerger::new(capacity, TIMEOUT), now: 0, out: Vec::new() }
    }

    fn push(&mut self, source: u32, ump: Ump) {
        let event = Event { source, ..Event::new(self.now, ump) };
        self.merger.push(self.now, event, |event| self.out.push((event.source, event.ump)));
    }

    fn tick(&mut self) {
        self.merger.tick(self.now, |event| self.out.push((event.source, event.ump)));
    }

    fn taken(&mut self) -> Vec<(u32, Ump)> {
        core::mem::take(&mut self.out)
    }
}

fn part(status: u8, byte: u8) -> Ump {
    Ump::sysex7(0, status, [byte; 6], 6)
}

fn note(note: u8) -> Ump {
    Ump::note_on(0, 0, note, 1)
}

const CLOCK: Ump = Ump::system(0, 0xF8, 0, 0);
const EMPTY_END: Ump = Ump::sysex7(0, SYSEX_END, [0; 6], 0);

#[test]
fn others_wait_for_the_end_of_a_sysex_and_real_time_does_not() {
    let mut wire = Wire::new(8);
    wire.push(1, part(SYSEX_START, 1));
    wire.push(2, note(60));
    wire.push(2, CLOCK);
    wire.push(1, note(61));
    wire.push(1, part(SYSEX_CONTINUE, 2));
    assert_eq!(wire.merger.waiting(), 2);
    wire.push(1, part(SYSEX_END, 3));
    assert_eq!(
        wire.taken(),
        [
            (1, part(SYSEX_START, 1)),
            (2, CLOCK),
            (1, part(SYSEX_CONTINUE, 2)),
            (1, part(SYSEX_END, 3)),
            (2, note(60)),
            (1, note(61)),
        ]
    );
    assert_eq!(wire.merger.deadline(), None);
}

#[test]
fn sysex_that_arrive_interleaved_leave_one_after_the_other() {
    let mut wire = Wire::new(16);
    for status in [SYSEX_START, SYSEX_CONTINUE] {
        for source in 1..=3 {
            wire.push(source, part(status, source as u8));
        }
    }
    wire.push(2, part(SYSEX_END, 2));
    wire.push(2, note(62));
    wire.push(1, part(SYSEX_END, 1));
    // 2 went out as a whole; 3 is open and its end passes straight through.
    wire.push(3, part(SYSEX_END, 3));
    let whole = |source: u32| {
        [SYSEX_START, SYSEX_CONTINUE, SYSEX_END].map(|status| (source, part(status, source as u8)))
    };
    assert_eq!(wire.taken(), [&whole(1)[..], &whole(2), &whole(3), &[(2, note(62))]].concat());
}

#[test]
fn a_source_keeps_its_order_when_its_sysex_has_to_wait() {
    let mut wire = Wire::new(16);
    wire.push(1, part(SYSEX_START, 1));
    wire.push(2, part(SYSEX_START, 2));
    wire.push(2, part(SYSEX_END, 2));
    wire.push(3, part(SYSEX_START, 3));
    wire.push(2, note(62));
    wire.push(3, part(SYSEX_END, 3));
    wire.push(3, note(63));
    wire.push(1, part(SYSEX_END, 1));
    assert_eq!(
        wire.taken()[2..],
        [
            (2, part(SYSEX_START, 2)),
            (2, part(SYSEX_END, 2)),
            (3, part(SYSEX_START, 3)),
            (3, part(SYSEX_END, 3)),
            (2, note(62)),
            (3, note(63)),
        ]
    );
}

#[test]
fn groups_of_one_source_are_kept_apart() {
    let mut wire = Wire::new(8);
    wire.push(1, part(SYSEX_START, 1));
    wire.push(1, part(SYSEX_START, 2).with_group(1));
    wire.push(1, part(SYSEX_END, 2).with_group(1));
    wire.push(1, part(SYSEX_END, 1));
    let bytes: Vec<_> = wire.taken().iter().map(|(_, ump)| ump.sysex_data().0[0]).collect();
    assert_eq!(bytes, [1, 1, 2, 2]);
}

#[test]
fn a_sysex_that_stops_arriving_is_ended_and_the_others_go_on() {
    let mut wire = Wire::new(8);
    wire.push(1, part(SYSEX_START, 1));
    wire.push(2, note(60));
    wire.now = TIMEOUT - 1;
    wire.push(1, part(SYSEX_CONTINUE, 1));
    wire.tick();
    assert_eq!(wire.merger.deadline(), Some(2 * TIMEOUT - 1));
    wire.now = 2 * TIMEOUT - 1;
    wire.tick();
    assert_eq!(wire.taken()[2..], [(1, EMPTY_END), (2, note(60))]);
    // The rest of it, come too late, would only be taken for data of nothing.
    wire.push(1, part(SYSEX_CONTINUE, 1));
    wire.push(1, part(SYSEX_END, 1));
    assert_eq!(wire.taken(), []);
    assert_eq!((wire.merger.counts().timed_out, wire.merger.counts().orphans), (1, 2));
}

#[test]
fn an_event_after_the_time_out_does_not_wait_for_a_tick() {
    let mut wire = Wire::new(8);
    wire.push(1, part(SYSEX_START, 1));
    wire.now = TIMEOUT;
    wire.push(2, note(60));
    assert_eq!(wire.taken()[1..], [(1, EMPTY_END), (2, note(60))]);
}

#[test]
fn a_vanished_source_does_not_block_the_wire() {
    let mut wire = Wire::new(8);
    wire.push(1, part(SYSEX_START, 1));
    wire.push(2, note(60));
    let Wire { merger, out, .. } = &mut wire;
    merger.vanished(0, 2, |event| out.push((event.source, event.ump)));
    merger.vanished(0, 1, |event| out.push((event.source, event.ump)));
    assert_eq!(wire.taken()[1..], [(1, EMPTY_END), (2, note(60))]);
}

#[test]
fn a_sysex_begun_inside_a_sysex_of_the_same_source_ends_the_first() {
    let mut wire = Wire::new(8);
    wire.push(1, part(SYSEX_START, 1));
    wire.push(1, part(SYSEX_START, 2));
    wire.push(1, part(SYSEX_END, 2));
    assert_eq!(
        wire.taken(),
        [(1, part(SYSEX_START, 1)), (1, EMPTY_END), (1, part(SYSEX_START, 2)), (1, part(SYSEX_END, 2))]
    );
}

#[test]
fn waiting_is_bounded_and_a_note_off_is_not_lost() {
    let mut wire = Wire::new(2);
    wire.push(1, part(SYSEX_START, 1));
    for n in 0..10 {
        wire.push(2, note(n));
    }
    for n in 0..10 {
        wire.push(2, Ump::note_off(0, 0, n, 64));
    }
    assert_eq!(wire.merger.waiting(), 2);
    wire.push(1, part(SYSEX_END, 1));
    let out = wire.taken();
    for n in 0..10 {
        assert!(
            out.contains(&(0, Ump::note_off(0, 0, n, 64))) || out.contains(&(2, Ump::note_off(0, 0, n, 64)))
        );
    }
    assert!(wire.merger.overload().notes >= 8);
    assert_eq!(wire.merger.waiting(), 0);
}
