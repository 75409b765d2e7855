//! The bounded queue: what gives way, and what never does.

use midibay_ump::{Event, Held, OutQueue, ParameterNumbers, SYSEX_CONTINUE, SYSEX_END, SYSEX_START, Ump};
use proptest::prelude::*;

fn event(time: u64, ump: Ump) -> Event {
    Event { source: 1, ..Event::new(time, ump) }
}

fn filled(capacity: usize, packets: &[Ump]) -> OutQueue {
    let mut queue = OutQueue::new(capacity);
    for (time, ump) in packets.iter().enumerate() {
        queue.push(event(time as u64, *ump));
    }
    queue
}

fn drained(queue: &mut OutQueue) -> Vec<Ump> {
    core::iter::from_fn(|| queue.pop()).map(|event| event.ump).collect()
}

fn clock() -> Ump {
    Ump::system(0, 0xF8, 0, 0)
}

#[test]
fn events_come_out_in_the_order_they_went_in() {
    let packets =
        [Ump::note_on(0, 0, 1, 1), Ump::control_change(0, 0, 7, 1), Ump::control_change(0, 0, 7, 2)];
    let mut queue = filled(3, &packets);
    assert_eq!(queue.front().unwrap().ump, packets[0]);
    assert_eq!(drained(&mut queue), packets);
    assert_eq!(queue.counts().total(), 0);
}

#[test]
fn a_full_queue_gives_up_old_values_of_continuous_controllers_first() {
    let mut queue = filled(
        4,
        &[
            Ump::control_change(0, 0, 1, 1),
            Ump::note_on(0, 0, 60, 1),
            Ump::control_change(0, 0, 1, 2),
            Ump::control_change(0, 1, 1, 3),
            Ump::note_on(0, 0, 61, 1),
        ],
    );
    assert_eq!(
        drained(&mut queue),
        [
            Ump::note_on(0, 0, 60, 1),
            Ump::control_change(0, 0, 1, 2),
            Ump::control_change(0, 1, 1, 3),
            Ump::note_on(0, 0, 61, 1),
        ]
    );
    assert_eq!(queue.counts().thinned, 1);
}

#[test]
fn pedals_banks_and_modes_are_not_thinned() {
    for controller in [0, 6, 32, 38, 64, 65, 66, 67, 69, 98, 101, 120, 123, 127] {
        let packets =
            [Ump::control_change(0, 0, controller, 127), Ump::control_change(0, 0, controller, 126)];
        let mut queue = filled(2, &packets);
        queue.push(event(9, clock()));
        assert_eq!(drained(&mut queue), packets, "cc{controller}");
    }
}

#[test]
fn the_newest_value_of_a_controller_comes_out_even_if_it_found_no_room() {
    let mut queue = filled(2, &[clock(), clock()]);
    for value in 0..50 {
        queue.push(event(9, Ump::pitch_bend(0, 3, value)));
        queue.push(event(9, Ump::channel_pressure(0, 3, value as u8)));
    }
    assert_eq!(
        drained(&mut queue),
        [clock(), clock(), Ump::pitch_bend(0, 3, 49), Ump::channel_pressure(0, 3, 49)]
    );
    assert_eq!(queue.counts().thinned, 98);
}

#[test]
fn a_note_off_is_never_lost() {
    let mut queue = filled(2, &[clock(), clock()]);
    for note in 0..128 {
        queue.push(event(9, Ump::note_off(2, 3, note, 1)));
        queue.push(event(9, Ump::note_on(2, 4, note, 0)));
    }
    queue.push(event(9, Ump::control_change(2, 3, 64, 0)));
    queue.push(event(9, Ump::control_change(2, 3, 123, 0)));
    queue.push(event(9, Ump::control_change(2, 4, 120, 0)));
    let out = drained(&mut queue);
    assert_eq!(out.len(), 2 + 256 + 3);
    for note in 0..128 {
        assert!(out.contains(&Ump::note_off(2, 3, note, 64)) && out.contains(&Ump::note_off(2, 4, note, 64)));
    }
    assert!(out.contains(&Ump::control_change(2, 3, 64, 0)));
    assert!(out.contains(&Ump::control_change(2, 3, 123, 0)));
    assert!(out.contains(&Ump::control_change(2, 4, 120, 0)));
}

#[test]
fn an_owed_midi_2_release_is_a_midi_2_message() {
    let mut queue = filled(1, &[clock()]);
    queue.push(event(9, Ump::note_off2(0, 0, 60, 5)));
    queue.push(event(9, Ump::control_change2(1, 0, 64, 0)));
    queue.push(event(9, Ump::control_change2(2, 0, 121, 0)));
    assert_eq!(
        drained(&mut queue)[1..],
        [
            Ump::note_off2(0, 0, 60, 0x8000),
            Ump::control_change2(1, 0, 64, 0),
            Ump::control_change2(2, 0, 121, 0)
        ]
    );
}

#[test]
fn an_owed_note_off_comes_before_the_next_note_of_that_pitch() {
    let mut queue = filled(2, &[clock(), Ump::note_on(0, 0, 60, 1)]);
    queue.push(event(9, Ump::note_off(0, 0, 60, 1)));
    queue.pop();
    queue.pop();
    queue.push(event(9, Ump::note_on(0, 0, 60, 2)));
    assert_eq!(drained(&mut queue), [Ump::note_off(0, 0, 60, 64), Ump::note_on(0, 0, 60, 2)]);
}

#[test]
fn notes_that_are_over_leave_a_full_queue_but_their_note_off_stays() {
    let mut queue = filled(
        4,
        &[
            Ump::note_on(0, 0, 60, 1),
            Ump::note_off(0, 0, 60, 1),
            Ump::note_on(0, 0, 60, 2),
            Ump::note_off(0, 0, 60, 2),
            Ump::note_on(0, 0, 61, 3),
        ],
    );
    assert_eq!(drained(&mut queue), [Ump::note_off(0, 0, 60, 2), Ump::note_on(0, 0, 61, 3)]);
    assert_eq!(queue.counts().notes, 3);
}

#[test]
fn a_sysex_that_found_no_room_is_left_out_until_its_end() {
    let part = |status| Ump::sysex7(0, status, [1; 6], 6);
    let mut queue = filled(1, &[clock()]);
    queue.push(event(9, part(SYSEX_START)));
    queue.pop();
    queue.push(event(9, part(SYSEX_CONTINUE)));
    queue.push(event(9, part(SYSEX_END)));
    assert!(queue.is_empty());
    assert_eq!(queue.counts().sysex, 3);
    queue.push(event(9, part(SYSEX_START)));
    assert_eq!(drained(&mut queue), [part(SYSEX_START)]);
}

#[test]
fn a_sysex_that_is_cut_short_gets_its_end() {
    let part = |status| Ump::sysex7(0, status, [1; 6], 6);
    let end = Ump::sysex7(0, SYSEX_END, [0; 6], 0);
    for lost in [SYSEX_CONTINUE, SYSEX_END] {
        let mut queue = filled(1, &[part(SYSEX_START)]);
        queue.push(event(9, part(lost)));
        assert_eq!(drained(&mut queue), [part(SYSEX_START), end]);
        queue.push(event(9, part(SYSEX_CONTINUE)));
        assert_eq!(queue.is_empty(), lost == SYSEX_CONTINUE);
    }
}

#[test]
fn a_lost_parameter_selection_takes_its_data_along() {
    let cc = |controller, value| Ump::control_change(0, 0, controller, value);
    let mut queue = filled(1, &[clock()]);
    queue.push(event(9, cc(101, 0)));
    queue.pop();
    queue.push(event(9, cc(100, 1)));
    queue.pop();
    queue.push(event(9, cc(6, 5)));
    assert!(queue.is_empty(), "data entry would go to the wrong parameter");
    let mut out = Vec::new();
    for ump in [cc(101, 0), cc(100, 1), cc(6, 5)] {
        queue.push(event(9, ump));
        out.extend(drained(&mut queue));
    }
    assert_eq!(out, [cc(101, 0), cc(100, 1), cc(6, 5)]);
}

#[test]
fn a_value_that_was_left_out_is_not_refined() {
    let cc = |controller, value| Ump::control_change(0, 0, controller, value);
    let mut queue = filled(1, &[clock()]);
    queue.push(event(9, cc(101, 0)));
    let mut out = drained(&mut queue);
    for ump in [cc(6, 5), cc(101, 0), cc(100, 1), cc(38, 7), cc(6, 6), cc(38, 8)] {
        queue.push(event(9, ump));
        out.extend(drained(&mut queue));
    }
    assert_eq!(out, [clock(), cc(101, 0), cc(100, 1), cc(6, 6), cc(38, 8)]);
}

#[test]
fn a_cleared_queue_owes_nothing() {
    let mut queue = filled(1, &[clock(), Ump::note_off(0, 0, 60, 1), Ump::control_change(0, 0, 7, 1)]);
    queue.clear();
    assert_eq!(queue.pop(), None);
    queue.push(event(9, clock()));
    assert_eq!(drained(&mut queue), [clock()]);
}

#[derive(Clone, Debug)]
enum Step {
    Push(Ump),
    Pop,
}

fn packet() -> impl Strategy<Value = Ump> {
    let (channel, number, value) = (0..2_u8, 0..3_u8, 0..128_u8);
    (0..10, channel, number, value).prop_map(|(what, channel, number, value)| match what {
        0 | 1 => Ump::note_on(0, channel, number, value.max(1)),
        2 => Ump::note_off(0, channel, number, value),
        3 => Ump::note_on(0, channel, number, 0),
        4 => Ump::control_change(0, channel, 64, value),
        5 => Ump::control_change(0, channel, 7 + number, value),
        6 => Ump::pitch_bend(0, channel, u16::from(value)),
        7 => Ump::control_change(0, channel, [101, 100, 6][usize::from(number)], value & 1),
        8 => Ump::control_change(0, channel, [38, 98, 99][usize::from(number)], value & 3),
        _ => Ump::program_change(0, channel, value),
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![3 => packet().prop_map(Step::Push), 2 => Just(Step::Pop)];
    prop::collection::vec(step, 0..400)
}

fn continuous(ump: &Ump) -> Option<(u8, u8, u8)> {
    let channel = ump.channel()?;
    match ump.status() {
        0xB if (7..10).contains(&ump.data1()) => Some((0xB, channel, ump.data1())),
        0xE => Some((0xE, channel, 0)),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_comes_the_receiver_ends_where_the_senders_ended(capacity in 1..24_usize, steps in steps()) {
        let mut queue = OutQueue::new(capacity);
        let (mut input, mut output) = (Vec::new(), Vec::new());
        for (time, step) in steps.iter().enumerate() {
            match step {
                Step::Push(ump) => {
                    let event = event(time as u64, *ump);
                    queue.push(event);
                    input.push(event);
                }
                Step::Pop => output.extend(queue.pop()),
            }
            prop_assert!(queue.len() <= capacity);
        }
        output.extend(core::iter::from_fn(|| queue.pop()));

        let (mut sent, mut received) = (Held::new(), Held::new());
        input.iter().for_each(|event| sent.apply(&event.ump));
        output.iter().for_each(|event| received.apply(&event.ump));
        for channel in 0..2 {
            for note in 0..3 {
                prop_assert!(sent.holds(0, channel, note) || !received.holds(0, channel, note));
            }
            prop_assert!(sent.holds_pedal(0, channel, 64) || !received.holds_pedal(0, channel, 64));
        }

        for event in &input {
            if let Some(key) = continuous(&event.ump) {
                let last = |events: &[Event]| {
                    events.iter().rev().find(|event| continuous(&event.ump) == Some(key)).map(|event| event.ump)
                };
                prop_assert_eq!(last(&input), last(&output));
            }
        }

        // What was neither thinned nor owed is what came in, in its order.
        let mut times = output.iter().filter(|event| event.source == 1 && continuous(&event.ump).is_none());
        prop_assert!(times.clone().zip(times.by_ref().skip(1)).all(|(a, b)| a.time < b.time));
        prop_assert!(output.iter().all(|event| event.source == 0 || input.contains(event)));

        let changes = |events: &[Event]| {
            let mut numbers = ParameterNumbers::new();
            events.iter().filter_map(|event| numbers.apply(&event.ump)).collect::<Vec<_>>()
        };
        let sent = changes(&input);
        prop_assert!(changes(&output).iter().all(|change| sent.contains(change)));
    }

    #[test]
    fn a_queue_that_is_never_full_changes_nothing(packets in prop::collection::vec(packet(), 0..100)) {
        let mut queue = filled(100, &packets);
        prop_assert_eq!(drained(&mut queue), packets);
    }
}
