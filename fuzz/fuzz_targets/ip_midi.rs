//! Datagrams from anybody: nothing in them may stop the node, and what it made of them goes out again
//! as the same messages.
#![no_main]

use libfuzzer_sys::fuzz_target;
use midibay_ip_midi::Sender;
use midibay_ip_midi::outbox::{Outbox, Transmitted, Wire};
use midibay_ip_midi::packer::Packer;
use midibay_ip_midi::senders::Senders;
use midibay_ump::{ByteParser, Event, Ump};

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
    let (coalesce, mut room) = (head & 1 != 0, usize::from(head >> 1));
    let mut senders = Senders::new();
    let mut outbox = Outbox::new(1, MAX, coalesce);
    let mut system = System { room: usize::MAX, bytes: Vec::new() };
    let (mut came, mut now) = (Vec::new(), 0);
    // Each datagram: who sends it, how long it is, how much time passes, its bytes.
    while let [who, len, wait, tail @ ..] = rest {
        let (datagram, after) = tail.split_at(tail.len().min(usize::from(*len)));
        rest = after;
        now += u64::from(*wait) * 20_000_000;
        let mut umps = Vec::new();
        senders.tick(now, |ump| umps.push(ump));
        let sender = Sender::v4([10, 0, 0, *who], u16::from(*who));
        let place = match senders.find(sender) {
            Some(place) => place,
            None => senders.admit(sender, |ump| umps.push(ump)),
        };
        senders.read(place, now, datagram, |ump| umps.push(ump));
        for ump in umps {
            // One sender's packets are in order; a second one may stand between the parts of a SysEx.
            came.push((*who, ump));
        }
        if room > 0 {
            room -= 1;
        }
    }
    senders.forget(|ump| came.push((0, ump)));

    // Sent as one source each, at once, all notes and SysEx of a single sender come back as they went.
    let who = came.first().map_or(0, |first| first.0);
    let went: Vec<Ump> = came.iter().filter(|one| one.0 == who).map(|one| one.1).collect();
    let events: Vec<Event> = went.iter().map(|ump| Event::new(now, *ump)).collect();
    outbox.send(&mut system, now, &events);
    outbox.tick(&mut system, u64::MAX);
    let mut back = Vec::new();
    ByteParser::new().parse(0, &system.bytes, |ump| back.push(ump));
    // Real-time messages may overtake a SysEx that is kept until it is whole.
    let in_order = |umps: &[Ump]| umps.iter().copied().filter(|ump| !ump.is_realtime()).collect::<Vec<_>>();
    let realtime = |umps: &[Ump]| umps.iter().copied().filter(Ump::is_realtime).collect::<Vec<_>>();
    assert_eq!(realtime(&back), realtime(&went));
    if starts_and_ends_whole(&went) {
        assert_eq!(in_order(&back), in_order(&went));
    }

    // A system that takes only so many datagrams ends no SysEx in the middle and loses no clock's turn.
    let mut slow = System { room, bytes: Vec::new() };
    for (i, (source, ump)) in came.iter().enumerate() {
        outbox.send(&mut slow, now, &[Event { source: u32::from(*source), ..Event::new(now, *ump) }]);
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

/// No SysEx packet without its start, none left open.
fn starts_and_ends_whole(umps: &[Ump]) -> bool {
    let mut open = false;
    for ump in umps.iter().filter(|ump| ump.is_sysex()) {
        let (starts, ends) = match ump.status() {
            0 => (true, true),
            1 => (true, false),
            2 => (false, false),
            _ => (false, true),
        };
        if starts == open {
            return false;
        }
        open = !ends;
    }
    !open
}
