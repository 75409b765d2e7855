//! Packets to datagrams, and a system that takes them or does not, without a socket.

use std::collections::VecDeque;

use midibay_ip_midi::outbox::{Outbox, QUEUE, SYSEX_STALL, Tally, Transmitted, Wire};
use midibay_ip_midi::packer::{Packer, SLOTS};
use midibay_plugin::{Event, Ump};

use crate::common::{parse, sysex};

/// A system with a socket buffer of so many datagrams.
struct System {
    destinations: usize,
    room: usize,
    /// What becomes of the next datagrams, instead of being taken.
    refuse: VecDeque<bool>,
    sent: Vec<(usize, usize, Vec<u8>)>,
    calls: usize,
}

impl Wire for System {
    fn destinations(&self) -> usize {
        self.destinations
    }

    fn transmit(&mut self, datagrams: &Packer, skip: usize) -> Transmitted {
        self.calls += 1;
        let mut taken = 0;
        while let Some(datagram) = datagrams.get((skip + taken) / self.destinations) {
            if self.room == 0 {
                return if taken > 0 { Transmitted::Taken(taken) } else { Transmitted::Blocked };
            }
            if self.refuse.pop_front() == Some(true) {
                if taken > 0 {
                    self.refuse.push_front(true);
                    return Transmitted::Taken(taken);
                }
                return Transmitted::Refused;
            }
            self.room -= 1;
            self.sent.push((datagram.port, (skip + taken) % self.destinations, datagram.bytes.to_vec()));
            taken += 1;
        }
        Transmitted::Taken(taken)
    }
}

struct Lab {
    outbox: Outbox,
    system: System,
}

const MAX: usize = 64;

impl Lab {
    fn new(ports: usize, destinations: usize, coalesce: bool) -> Self {
        let system =
            System { destinations, room: usize::MAX, refuse: VecDeque::new(), sent: Vec::new(), calls: 0 };
        Self { outbox: Outbox::new(ports, MAX, coalesce), system }
    }

    fn send(&mut self, umps: &[Ump]) {
        self.send_from(1, umps);
    }

    fn send_from(&mut self, source: u32, umps: &[Ump]) {
        let event = |ump: &Ump| Event { source, ..Event::new(0, *ump) };
        let events: Vec<Event> = umps.iter().map(event).collect();
        self.outbox.send(&mut self.system, 0, &events);
    }

    fn datagrams(&mut self) -> Vec<Vec<u8>> {
        self.system.sent.drain(..).map(|(_, _, bytes)| bytes).collect()
    }

    fn bytes(&mut self) -> Vec<u8> {
        self.datagrams().concat()
    }
}

fn note(note: u8) -> Ump {
    Ump::note_on(0, 0, note, 100)
}

#[test]
fn messages_share_datagrams_up_to_the_limit_and_are_never_split() {
    let mut lab = Lab::new(1, 1, true);
    let notes: Vec<Ump> = (0..43).map(note).collect();
    lab.send(&notes);
    let datagrams = lab.datagrams();
    assert_eq!(datagrams.iter().map(Vec::len).collect::<Vec<_>>(), [63, 63, 3]);
    assert_eq!(parse(&datagrams.concat()), notes);
    assert_eq!(lab.system.calls, 1, "all in one call of the system");
}

#[test]
fn without_coalescing_each_message_has_a_datagram() {
    let mut lab = Lab::new(1, 1, false);
    lab.send(&[note(1), Ump::program_change(0, 3, 9), Ump::system(0, 0xF8, 0, 0)]);
    assert_eq!(lab.datagrams(), [vec![0x90, 1, 100], vec![0xC3, 9], vec![0xF8]]);
    lab.send(&[Ump::rpn2(0, 0, 2, 0)]);
    assert_eq!(
        lab.datagrams(),
        [[0xB0, 101, 0], [0xB0, 100, 2], [0xB0, 6, 0], [0xB0, 38, 0]].map(|message| message.to_vec())
    );
}

#[test]
fn coalescing_can_change_on_the_way() {
    let mut lab = Lab::new(1, 1, false);
    lab.send(&[note(1), note(2)]);
    lab.outbox.set_coalesce(true);
    lab.send(&[note(3), note(4)]);
    assert_eq!(lab.datagrams().iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 6]);
}

#[test]
fn ports_have_datagrams_of_their_own() {
    let mut lab = Lab::new(2, 1, true);
    let events = [(0, 1), (1, 2), (0, 3), (1, 4)].map(|(port, n)| Event::new(0, note(n)).at_port(port));
    lab.outbox.send(&mut lab.system, 0, &events);
    let sent = std::mem::take(&mut lab.system.sent);
    assert_eq!(sent, [(0, 0, vec![0x90, 1, 100, 0x90, 3, 100]), (1, 0, vec![0x90, 2, 100, 0x90, 4, 100])]);
}

#[test]
fn a_sysex_that_fits_is_one_datagram_of_its_own_even_when_it_comes_in_pieces() {
    let mut lab = Lab::new(1, 1, true);
    let whole = sysex(MAX);
    let packets = parse(&whole);
    lab.send(&[note(1)]);
    for packet in &packets {
        lab.send(&[*packet]);
    }
    lab.send(&[note(2)]);
    assert_eq!(lab.datagrams(), [vec![0x90, 1, 100], whole, vec![0x90, 2, 100]]);
}

#[test]
fn a_longer_sysex_is_split_in_order() {
    let mut lab = Lab::new(1, 1, true);
    let whole = sysex(3 * MAX + 10);
    lab.send(&parse(&whole));
    let datagrams = lab.datagrams();
    assert_eq!(datagrams.iter().map(Vec::len).collect::<Vec<_>>(), [MAX, MAX, MAX, 10]);
    assert_eq!(datagrams.concat(), whole);
}

#[test]
fn the_sysex_of_two_sources_go_out_whole_and_clocks_pass() {
    let mut lab = Lab::new(1, 1, true);
    let (long, other) = (sysex(3 * MAX), sysex(30));
    let (a, b) = (parse(&long), parse(&other));
    lab.send_from(1, &a[..a.len() - 1]);
    lab.send_from(2, &b);
    lab.send_from(2, &[Ump::system(0, 0xF8, 0, 0), note(7)]);
    lab.send_from(1, &a[a.len() - 1..]);
    let mut datagrams = lab.datagrams();
    let clock = datagrams.iter().position(|datagram| *datagram == [0xF8]).expect("the clock passed");
    assert!(clock < datagrams.len() - 3);
    datagrams.remove(clock);
    assert_eq!(datagrams.concat(), [long, other, vec![0x90, 7, 100]].concat());
    assert_eq!(lab.outbox.take_tally().malformed, 0);
}

#[test]
fn a_sysex_that_stops_arriving_does_not_hold_up_the_others() {
    let mut lab = Lab::new(1, 1, true);
    lab.send_from(1, &parse(&sysex(30))[..2]);
    lab.send_from(2, &[note(5)]);
    assert_eq!(lab.datagrams(), Vec::<Vec<u8>>::new());
    assert_eq!(lab.outbox.deadline(), Some(SYSEX_STALL));
    lab.outbox.tick(&mut lab.system, SYSEX_STALL);
    let datagrams = lab.datagrams();
    assert_eq!(datagrams.last().unwrap(), &[0x90, 5, 100]);
    assert_eq!(datagrams[0].last(), Some(&0xF7));
    assert_eq!(lab.outbox.take_tally().malformed, 1);
    assert_eq!(lab.outbox.deadline(), None);
}

#[test]
fn a_source_that_vanishes_inside_a_sysex_does_not_hold_up_the_others() {
    let mut lab = Lab::new(1, 1, true);
    lab.send_from(1, &parse(&sysex(30))[..2]);
    lab.send_from(2, &[note(5)]);
    lab.outbox.source_lost(&mut lab.system, 0, 0, 1);
    assert_eq!(lab.datagrams().last().unwrap(), &[0x90, 5, 100]);
}

#[test]
fn every_peer_gets_every_datagram() {
    let mut lab = Lab::new(1, 3, true);
    lab.send(&[note(1)]);
    assert_eq!(lab.system.sent, (0..3).map(|peer| (0, peer, vec![0x90, 1, 100])).collect::<Vec<_>>());
    assert_eq!(lab.outbox.take_tally(), Tally { bytes: 9, ..Tally::default() });
}

#[test]
fn what_the_system_does_not_take_goes_out_later_once_to_each_and_in_order() {
    let mut lab = Lab::new(1, 2, false);
    lab.system.room = 5;
    let notes: Vec<Ump> = (0..100).map(note).collect();
    lab.send(&notes);
    assert!(lab.outbox.is_blocked());
    assert_eq!(lab.system.sent.len(), 5);
    lab.system.room = 20;
    lab.outbox.writable(&mut lab.system);
    assert!(lab.outbox.is_blocked());
    lab.send(&[note(100)]);
    lab.system.room = usize::MAX;
    lab.outbox.writable(&mut lab.system);
    assert!(!lab.outbox.is_blocked());
    for peer in 0..2 {
        let got = lab.system.sent.iter().filter(|sent| sent.1 == peer).map(|sent| sent.2[1]);
        assert!(got.eq(0..=100), "peer {peer}");
    }
    assert_eq!(lab.outbox.take_tally(), Tally { bytes: 606, ..Tally::default() });
}

#[test]
fn a_system_that_takes_nothing_costs_controllers_first_and_no_note_off() {
    let mut lab = Lab::new(1, 1, false);
    lab.system.room = 0;
    for i in 0..128 {
        lab.send(&[note(i)]);
    }
    for i in 0..4 * QUEUE {
        lab.send(&[Ump::control_change(0, 0, 7, (i % 128) as u8)]);
    }
    for i in 0..128 {
        lab.send(&[Ump::note_off(0, 0, i, 64)]);
    }
    lab.system.room = usize::MAX;
    lab.outbox.writable(&mut lab.system);
    let umps = parse(&lab.bytes());
    let mut held = midibay_plugin::ump::Held::new();
    umps.iter().for_each(|ump| held.apply(ump));
    assert!(held.is_empty());
    let values = umps.iter().filter(|ump| ump.status() == 0xB).count();
    assert!((1..2 * QUEUE).contains(&values), "{values} values of one controller");
    let tally = lab.outbox.take_tally();
    assert_eq!(tally.overflow as usize + umps.len(), 128 + 4 * QUEUE + 128);
}

#[test]
fn what_cannot_be_sent_is_counted_and_the_rest_goes_on() {
    let mut lab = Lab::new(1, 2, false);
    lab.system.refuse = [false, true, false, false].into();
    lab.send(&[note(1), note(2)]);
    let sent: Vec<_> = lab.system.sent.iter().map(|sent| (sent.1, sent.2[1])).collect();
    assert_eq!(sent, [(0, 1), (0, 2), (1, 2)]);
    assert_eq!(lab.outbox.take_tally(), Tally { bytes: 9, unavailable: 1, ..Tally::default() });
}

#[test]
fn packets_without_midi_1_bytes_are_counted_but_for_those_of_the_link() {
    let mut lab = Lab::new(1, 1, true);
    let stream = Ump::new([0xF << 28, 0, 0, 0]);
    lab.send(&[stream, Ump::word(0), note(1)]);
    assert_eq!(lab.bytes(), [0x90, 1, 100]);
    assert_eq!(lab.outbox.take_tally().unsupported, 1);
}

#[test]
fn notes_that_end_while_the_network_is_away_are_ended_when_it_is_back() {
    let mut lab = Lab::new(1, 1, true);
    lab.send(&[note(60), note(61), Ump::control_change(0, 2, 64, 127)]);
    lab.datagrams();
    lab.outbox.lose_all();
    let lost = [
        note(70),
        Ump::note_off(0, 0, 60, 0),
        Ump::control_change(0, 2, 64, 0),
        Ump::control_change(0, 2, 7, 1),
    ];
    lab.outbox.lose(&lost.map(|ump| Event::new(0, ump)));
    lab.outbox.settle(&mut lab.system, 9);
    let mut ended = parse(&lab.bytes());
    ended.sort_by_key(Ump::head);
    assert_eq!(ended, [Ump::note_off(0, 0, 60, 64), Ump::control_change(0, 2, 64, 0)]);
    assert_eq!(lab.outbox.take_tally().unavailable, 4);
    lab.outbox.settle(&mut lab.system, 9);
    assert!(lab.bytes().is_empty(), "only once");
}

#[test]
fn note_offs_that_waited_when_the_network_went_are_sent_when_it_is_back() {
    let mut lab = Lab::new(1, 1, false);
    lab.system.room = 0;
    // One in a datagram, one in the queue behind it, one behind another source's SysEx.
    lab.send(&[Ump::note_off(0, 0, 1, 64)]);
    for _ in 0..SLOTS {
        lab.send(&[note(99)]);
    }
    lab.send(&[Ump::note_off(0, 0, 2, 64)]);
    lab.send_from(7, &parse(&sysex(30))[..2]);
    lab.send(&[Ump::note_off(0, 0, 3, 64)]);
    lab.outbox.lose_all();
    lab.system.room = usize::MAX;
    lab.outbox.settle(&mut lab.system, 9);
    let mut ended: Vec<u8> = parse(&lab.bytes()).iter().filter_map(Ump::note).collect();
    ended.sort_unstable();
    assert_eq!(ended, [1, 2, 3]);
    assert_eq!(lab.outbox.deadline(), None);
    lab.send(&[note(4)]);
    assert_eq!(lab.bytes(), [0x90, 4, 100], "afterwards all is as at the start");
}
