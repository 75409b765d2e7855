//! Putting events back in order where branches of the graph meet.

use midibay_plugin::Event;

/// Sorts by `order`, stably, in memory that is there already: `events` is a row of runs that are each
/// in order (each branch kept it), which are merged two by two. Rows in order cost one look.
///
/// `scratch` must be at least as long as `events`. `[engine]`
pub(crate) fn restore(events: &mut [Event], scratch: &mut [Event]) {
    loop {
        let Some(first_end) = run_end(events, 0) else { return };
        // At least two runs: merge neighbours, all the way along.
        let mut start = 0;
        let mut middle = first_end;
        loop {
            let end = run_end(events, middle).unwrap_or(events.len());
            merge(&mut events[start..end], middle - start, scratch);
            if end == events.len() {
                break;
            }
            start = end;
            middle = match run_end(events, start) {
                Some(middle) => middle,
                None => break,
            };
        }
    }
}

/// Where the run from `start` on ends, or none if it goes to the end of the row.
fn run_end(events: &[Event], start: usize) -> Option<usize> {
    let row = events[start..].windows(2).position(|pair| pair[1].order < pair[0].order)?;
    Some(start + row + 1)
}

fn merge(events: &mut [Event], middle: usize, scratch: &mut [Event]) {
    let left = &mut scratch[..middle];
    left.copy_from_slice(&events[..middle]);
    let (mut l, mut r, mut to) = (0, middle, 0);
    while l < middle && r < events.len() {
        if events[r].order < left[l].order {
            events[to] = events[r];
            r += 1;
        } else {
            events[to] = left[l];
            l += 1;
        }
        to += 1;
    }
    events[to..to + middle - l].copy_from_slice(&left[l..]);
}

/// Makes a row's `order` grow: what a processor kept for a while and pushed before newer events takes
/// the place of these.
pub(crate) fn smooth(events: &mut [Event]) {
    let mut least = u16::MAX;
    for event in events.iter_mut().rev() {
        least = least.min(event.order);
        event.order = least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn events_come_out_in_order_and_equals_keep_theirs(orders in prop::collection::vec(0..40_u16, 0..300)) {
            let mut events: Vec<Event> =
                orders.iter().enumerate().map(|(i, order)| Event { time: i as u64, order: *order, ..Event::default() }).collect();
            let mut expected = events.clone();
            expected.sort_by_key(|e| e.order);
            let mut scratch = vec![Event::default(); events.len()];
            restore(&mut events, &mut scratch);
            prop_assert_eq!(events, expected);
        }
    }

    #[test]
    fn a_kept_event_does_not_come_after_the_one_it_was_pushed_before() {
        let mut events = [57, 3, 9].map(|order| Event { order, ..Event::default() });
        smooth(&mut events);
        assert_eq!(events.map(|e| e.order), [3, 3, 9]);
    }
}
