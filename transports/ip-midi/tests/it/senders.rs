//! Datagrams to packets, without a socket or a clock.

use midibay_ip_midi::Sender;
use midibay_ip_midi::senders::{MAX_SENDERS, SILENCE, SYSEX_SILENCE, Senders};
use midibay_plugin::Ump;

use crate::common::{sysex, sysex_bytes};

fn sender(port: usize) -> Sender {
    Sender::v4([10, 0, 0, 1], port as u16)
}

/// One port of a node, as the node drives it.
struct Port {
    senders: Senders,
    now: u64,
    wrong: u64,
}

impl Port {
    fn new() -> Self {
        Self { senders: Senders::new(), now: 0, wrong: 0 }
    }

    fn hears(&mut self, from: usize, datagram: &[u8]) -> Vec<Ump> {
        let from = sender(from);
        let mut umps = Vec::new();
        let place = match self.senders.find(from) {
            Some(place) => place,
            None => self.senders.admit(from, self.now, |ump| umps.push(ump)),
        };
        self.senders.read(place, self.now, datagram, |ump| umps.push(ump));
        self.wrong += self.senders.take_faults().malformed;
        umps
    }

    fn tick(&mut self, now: u64) -> (Vec<Ump>, Option<u64>) {
        self.now = now;
        let mut umps = Vec::new();
        let next = self.senders.tick(now, |ump| umps.push(ump));
        self.wrong += self.senders.take_faults().malformed;
        (umps, next)
    }
}

#[test]
fn running_status_is_each_senders_own() {
    let mut port = Port::new();
    assert_eq!(port.hears(1, &[0x90, 60, 100]), [Ump::note_on(0, 0, 60, 100)]);
    assert_eq!(port.hears(2, &[0xB5, 7, 99]), [Ump::control_change(0, 5, 7, 99)]);
    assert_eq!(port.hears(1, &[61, 101]), [Ump::note_on(0, 0, 61, 101)]);
    assert_eq!(port.hears(2, &[8, 98]), [Ump::control_change(0, 5, 8, 98)]);
    assert_eq!(port.wrong, 0);
}

#[test]
fn sysex_of_two_senders_in_pieces_do_not_mix_and_come_out_one_after_the_other() {
    let mut port = Port::new();
    let (long, other) = (sysex(100), sysex(60));
    let mut umps = Vec::new();
    for i in 0..10 {
        umps.extend(port.hears(1, &long[i * 10..][..10]));
        umps.extend(port.hears(2, &other[i * 6..][..6]));
    }
    assert_eq!(sysex_bytes(&umps), [long, other].concat());
    assert_eq!(port.wrong, 0);
}

#[test]
fn notes_of_others_wait_behind_a_sysex_and_clocks_do_not() {
    let mut port = Port::new();
    assert_eq!(port.hears(1, &[0xF0, 1, 2, 3, 4, 5, 6, 7]).len(), 1);
    assert_eq!(port.hears(2, &[0x90, 60, 100, 0xF8]), [Ump::system(0, 0xF8, 0, 0)]);
    assert_eq!(sysex_bytes(&port.hears(1, &[0xF7])), [7, 0xF7, 0x90, 60, 100]);
    port.hears(1, &[0xF0, 1, 2, 3, 4, 5, 6, 7]);
    port.hears(2, &[0x80, 60, 64]);
    let (umps, next) = port.tick(SYSEX_SILENCE);
    assert_eq!(sysex_bytes(&umps), [7, 0xF7, 0x80, 60, 64], "not for longer than it takes to give up");
    assert_eq!(next, None);
}

#[test]
fn what_is_no_midi_is_counted_and_skipped() {
    let mut port = Port::new();
    assert_eq!(port.hears(1, &[1, 2, 3, 0xF7, 0x90, 60, 100]), [Ump::note_on(0, 0, 60, 100)]);
    assert_eq!(port.wrong, 4);
    assert_eq!(port.hears(1, b""), []);
    assert_eq!(port.wrong, 4);
}

#[test]
fn a_sender_that_falls_silent_inside_a_sysex_is_given_up() {
    let mut port = Port::new();
    let open = port.hears(1, &[0xF0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(open.len(), 1);
    assert_eq!(port.tick(SYSEX_SILENCE - 1), (Vec::new(), Some(SYSEX_SILENCE)));
    let (end, next) = port.tick(SYSEX_SILENCE);
    assert_eq!((sysex_bytes(&end), next), (vec![7, 0xF7], None));
    assert_eq!(port.wrong, 1);
    assert_eq!(port.hears(1, &[8, 0xF7, 0x90, 60, 1]), [Ump::note_on(0, 0, 60, 1)]);
    assert_eq!(port.wrong, 3, "the rest of what was given up is no message");
}

#[test]
fn a_sysex_that_is_slow_but_goes_on_is_not_given_up() {
    let mut port = Port::new();
    port.hears(1, &[0xF0, 1]);
    for i in 1..10 {
        assert_eq!(port.tick(i * (SYSEX_SILENCE - 1)).0, []);
        port.hears(1, &[2]);
    }
    assert!(!port.hears(1, &[0xF7]).is_empty());
    assert_eq!(port.wrong, 0);
}

#[test]
fn a_clock_does_not_keep_a_sysex_open_that_does_not_go_on() {
    let mut port = Port::new();
    port.hears(1, &[0xF0, 1]);
    port.now = SYSEX_SILENCE / 2;
    port.hears(1, &[0xF8]);
    assert_eq!(sysex_bytes(&port.tick(SYSEX_SILENCE).0), [0xF0, 1, 0xF7]);
}

#[test]
fn the_table_of_senders_is_bounded_and_the_one_silent_for_longest_makes_room() {
    let mut port = Port::new();
    for from in 0..MAX_SENDERS {
        port.now += 1;
        port.hears(from, if from == 1 { &[0xF0, 9] } else { &[0x90, 60, 100] });
    }
    port.now += 1;
    port.hears(0, &[61, 100]);
    port.now += 1;
    let newcomer = port.hears(1000, &[0x90, 1, 1]);
    assert_eq!(sysex_bytes(&newcomer), [0xF0, 9, 0xF7, 0x90, 1, 1], "the SysEx of sender 1 is ended");
    assert_eq!(port.senders.find(sender(1)), None);
    assert_eq!(port.senders.active(port.now), MAX_SENDERS);
    assert_eq!(port.hears(0, &[62, 100]), [Ump::note_on(0, 0, 62, 100)], "sender 0 kept its place");
    assert_eq!(port.hears(1, &[62, 100]), [], "sender 1 begins afresh");
}

#[test]
fn a_sender_counts_for_a_minute() {
    let mut port = Port::new();
    assert_eq!(port.senders.active(0), 0);
    port.hears(1, &[0xF8]);
    port.now = SILENCE / 2;
    port.hears(2, &[0xF8]);
    assert_eq!(port.senders.active(SILENCE - 1), 2);
    assert_eq!(port.senders.active(SILENCE), 1);
}

#[test]
fn forgetting_all_ends_what_is_open() {
    let mut port = Port::new();
    port.hears(1, &[0xF0, 1, 2, 3, 4, 5, 6, 7]);
    port.hears(2, &[0x90]);
    let mut umps = Vec::new();
    port.senders.forget(0, |ump| umps.push(ump));
    assert_eq!(sysex_bytes(&umps), [7, 0xF7]);
    assert_eq!(port.senders.find(sender(1)), None);
}
