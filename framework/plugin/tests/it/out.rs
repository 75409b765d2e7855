//! The way out of a node.

use midibay_plugin::{ALL_PORTS, Event, Ump};

use crate::support::with_out;

fn event(number: u64) -> Event {
    Event::new(number, Ump::note_on(0, 0, 60, 100))
}

#[test]
fn a_buffer_that_runs_full_is_emptied_and_no_event_is_lost_or_out_of_order() {
    let all: Vec<Event> = (0..10).map(event).collect();
    let ((), came) = with_out(4, |out| {
        out.push(all[0]);
        out.extend(&all[1..]);
    });
    assert_eq!(came.events, all);
    assert_eq!(came.spills, [0, 4], "only when there is no room for the next one");
}

#[test]
fn what_is_taken_is_taken_once() {
    let (taken, came) = with_out(4, |out| {
        out.push(event(1));
        out.push(event(2));
        let taken = out.take().to_vec();
        assert_eq!(out.take(), []);
        out.push(event(3));
        taken
    });
    assert_eq!((taken, came.events), (vec![event(1), event(2)], vec![event(3)]));
}

#[test]
fn the_earliest_time_asked_for_counts_and_holds_for_one_call() {
    let ((), came) = with_out(1, |out| {
        assert_eq!(out.take_wake(), None);
        out.wake_at(30);
        out.wake_at(10);
        out.wake_at(20);
        assert_eq!(out.take_wake(), Some(10));
        assert_eq!(out.take_wake(), None);
        out.wake_at(40);
    });
    assert_eq!(came.wake, Some(40), "a request that was taken does not hide a later one");
}

#[test]
fn a_lost_source_is_told_after_the_events_that_came_before_it() {
    let ((), came) = with_out(4, |out| {
        out.push(event(1));
        out.source_lost(3);
        out.push(event(2));
        out.source_lost(ALL_PORTS);
    });
    assert_eq!(came.lost, [(3, 1), (ALL_PORTS, 2)]);
    assert_eq!(came.events, [event(1), event(2)]);
}

#[test]
#[should_panic(expected = "an output buffer needs room for an event")]
fn a_buffer_without_room_is_refused() {
    with_out(0, |_| ());
}
