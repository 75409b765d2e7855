//! Datagrams from anybody: nothing in them may stop the node, and what it made of them goes out again
//! as the same messages.
#![no_main]

use libfuzzer_sys::fuzz_target;
use midibay_ip_midi::Sender;
use midibay_ip_midi::outbox::{Outbox, Transmitted, Wire};
use midibay_ip_midi::packer::Packer;
use midibay_ip_midi::senders::Senders;
use midibay_ump::{ByteParser, Event, SYSEX_COMPLETE, SYSEX_CONTINUE, SYSEX_START, Ump};

const MAX: usize = 64;

/// Takes as many datagrams as it is told to, in turn with none.
struct System {
    room: usize,
    bytes: Vec<u8>,
}

impl Wire for System {
    fn destinations(&self) -> usize {
        1
    }

    fn transmit(&mut self, datagrams: &Packer, skip: usize) -> Transmitted {
        if self.room == 0 {
            return Transmitted::Blocked;
        }
        self.room -= 1;
        let datagram = datagrams.get(skip).expect("it is only called for datagrams that are there");
        assert!((1..=MAX).contains(&datagram.bytes.len()));
        self.bytes.extend_from_slice(datagram.bytes);
        Transmitted::Taken(1)
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&head, mut rest)) = input.split_first() else { return };
    let (coalesce, room) = (head & 1 != 0, usize::from(head >> 1));
    let mut senders = Senders::new();
    let mut outbox = Outbox::new(1, MAX, coalesce);
    let mut system = System { room: usize::MAX, bytes: Vec::new() };
    let (mut came, mut now) = (Vec::new(), 0);
    // Each datagram: who sends it, how long it is, how much time passes, its bytes.
    while let [who, len, wait, tail @ ..] = rest {
        let (datagram, after) = tail.split_at(tail.len().min(usize::from(*len)));
        rest = after;
        now += u64::from(*wait) * 20_000_000;
        senders.tick(now, |ump| came.push(ump));
        let sender = Sender::v4([10, 0, 0, *who], u16::from(*who));
        let place = match senders.find(sender) {
            Some(place) => place,
            None => senders.admit(sender, now, |ump| came.push(ump)),
        };
        senders.read(place, now, datagram, |ump| came.push(ump));
    }
    senders.forget(now, |ump| came.push(ump));
    assert_eq!(senders.take_faults().overflow, 0, "an input is too short for that");
    assert!(each_sysex_is_whole(&came));

    let events: Vec<Event> = came.iter().map(|ump| Event::new(now, *ump)).collect();
    outbox.send(&mut system, now, &events);
    let mut back = Vec::new();
    ByteParser::new().parse(0, &system.bytes, |ump| back.push(ump));
    // Real-time messages may overtake a SysEx that is kept until it is whole.
    let in_order = |umps: &[Ump]| umps.iter().copied().filter(|ump| !ump.is_realtime()).collect::<Vec<_>>();
    let realtime = |umps: &[Ump]| umps.iter().copied().filter(Ump::is_realtime).collect::<Vec<_>>();
    assert_eq!(realtime(&back), realtime(&came));
    assert_eq!(in_order(&back), in_order(&came));

    // A system that takes only so many datagrams gets the rest when it can.
    let mut slow = System { room, bytes: Vec::new() };
    for (i, event) in events.iter().enumerate() {
        outbox.send(&mut slow, now, &[*event]);
        if i % 7 == 0 {
            slow.room += 1;
            outbox.writable(&mut slow);
        }
    }
    outbox.tick(&mut slow, u64::MAX);
    slow.room = usize::MAX;
    outbox.writable(&mut slow);
    assert!(!outbox.is_blocked());
    outbox.lose_all();
});

/// No SysEx packet without its start, none left open, and nothing but real-time messages in between.
fn each_sysex_is_whole(umps: &[Ump]) -> bool {
    let mut open = false;
    for ump in umps.iter().filter(|ump| !ump.is_realtime()) {
        let (starts, ends) = match (ump.is_sysex(), ump.status()) {
            (true, SYSEX_COMPLETE) => (true, true),
            (true, SYSEX_START) => (true, false),
            (true, SYSEX_CONTINUE) => (false, false),
            (true, _) => (false, true),
            (false, _) => (true, true),
        };
        if starts == open {
            return false;
        }
        open = !ends;
    }
    !open
}
