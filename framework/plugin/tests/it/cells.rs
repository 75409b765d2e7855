//! Properties and counters, as they are written and read.

use std::sync::atomic::{AtomicBool, Ordering};

use midibay_plugin::{Counters, DropReason, PropertyCell, Value};

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn a_property_says_what_was_set_last_whatever_kind_it_was() {
    let cell = PropertyCell::default();
    assert_eq!(cell.get(), Value::None);
    for number in [0, 1, -1, i64::MIN, i64::MAX] {
        cell.set_int(number);
        assert_eq!(cell.get(), Value::Int(number));
    }
    for number in [0.0, -2.5, f64::MAX, f64::INFINITY] {
        cell.set_float(number);
        assert_eq!(cell.get(), Value::Float(number));
    }
    for yes in [true, false] {
        cell.set_bool(yes);
        assert_eq!(cell.get(), Value::Bool(yes));
    }
    cell.set_text("a longer text than the next");
    cell.set_text("häuser");
    assert_eq!(cell.get(), text("häuser"), "nothing of the longer one is left");
    cell.set_text("");
    assert_eq!(cell.get(), text(""));
}

#[test]
fn a_text_is_cut_at_128_bytes_and_never_within_a_character() {
    let cell = PropertyCell::default();
    let exact = "x".repeat(PropertyCell::TEXT_LEN);
    assert_eq!(exact.len(), 128);
    cell.set_text(&exact);
    assert_eq!(cell.get(), text(&exact));
    cell.set_text(&format!("{exact}y"));
    assert_eq!(cell.get(), text(&exact));
    // The character begins inside and ends outside.
    for (before, character) in [(127, "é"), (126, "€"), (125, "🎹")] {
        cell.set_text(&format!("{}{character}", "x".repeat(before)));
        assert_eq!(cell.get(), text(&"x".repeat(before)));
    }
    let fits = format!("{}🎹", "x".repeat(124));
    cell.set_text(&format!("{fits}🎹"));
    assert_eq!(cell.get(), text(&fits));
}

#[test]
fn a_reader_never_sees_half_of_what_is_being_written() {
    let (cell, done) = (PropertyCell::default(), AtomicBool::new(false));
    /// Ends the writer also when the reader fails.
    struct Done<'a>(&'a AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let enough = if cfg!(miri) { 100 } else { 100_000 };
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let texts: Vec<String> =
                (0..26_u8).map(|n| char::from(b'a' + n).to_string().repeat(3 + usize::from(n) * 5)).collect();
            while !done.load(Ordering::Relaxed) {
                for (n, one) in texts.iter().enumerate() {
                    cell.set_text(one);
                    // All eight bytes are the same, so that halves of two would show.
                    cell.set_int(i64::from_ne_bytes([n as u8; 8]));
                }
            }
        });
        let _done = Done(&done);
        let mut seen = 0;
        while seen < enough {
            match cell.get() {
                Value::Text(text) => {
                    let first = text.as_bytes()[0];
                    assert!(text.bytes().all(|byte| byte == first), "torn: {text}");
                    assert_eq!(
                        text.len(),
                        3 + usize::from(first - b'a') * 5,
                        "the length of another: {text}"
                    );
                }
                Value::Int(number) => {
                    let bytes = number.to_ne_bytes();
                    assert!(bytes[0] < 26 && bytes.iter().all(|byte| *byte == bytes[0]), "torn: {number:x}");
                }
                Value::None => continue,
                other => panic!("nobody wrote {other:?}"),
            }
            seen += 1;
        }
    });
}

#[test]
fn every_reason_to_drop_has_a_counter_and_a_word_of_its_own() {
    let counters = Counters::default();
    for (n, reason) in DropReason::ALL.into_iter().enumerate() {
        assert_eq!(reason as usize, n, "the order of `ALL` is that of the counters");
        counters.dropped(reason, 1 << n);
        counters.dropped(reason, 1 << 8);
    }
    for (n, reason) in DropReason::ALL.into_iter().enumerate() {
        assert_eq!(counters.drops(reason), (1 << n) + (1 << 8), "{}", reason.name());
    }
    let words: std::collections::HashSet<&str> = DropReason::ALL.iter().map(|reason| reason.name()).collect();
    assert_eq!(words.len(), DropReason::ALL.len());
    assert!(words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())));
}

#[test]
fn a_counter_that_one_thread_writes_adds_up_and_wraps() {
    let counters = Counters::default();
    Counters::add(&counters.bytes_sent, u64::MAX);
    Counters::add(&counters.bytes_sent, 3);
    assert_eq!(counters.bytes_sent.load(Ordering::Relaxed), 2);
    assert_eq!(counters.bytes_received.load(Ordering::Relaxed), 0);
}

#[test]
fn two_threads_that_write_at_once_leave_a_property_that_can_be_read() {
    let (rounds, writes) = if cfg!(miri) { (2, 50) } else { (100, 5000) };
    for _ in 0..rounds {
        let cell = std::sync::Arc::new(PropertyCell::default());
        let begin = std::sync::Barrier::new(2);
        std::thread::scope(|threads| {
            for number in [1_u8, 2] {
                let (cell, begin) = (&cell, &begin);
                threads.spawn(move || {
                    begin.wait();
                    (0..writes).for_each(|_| cell.set_int(i64::from_ne_bytes([number; 8])));
                });
            }
        });
        let (told, read) = std::sync::mpsc::channel();
        // On a thread of its own: a reader that waits for a writer who is not there waits for ever.
        std::thread::spawn(move || told.send(cell.get()));
        let value = read.recv_timeout(std::time::Duration::from_secs(20)).expect("it can be read");
        assert!([1, 2].map(|n| Value::Int(i64::from_ne_bytes([n; 8]))).contains(&value), "{value:?}");
    }
}
