//! Lists of numbers in options.

use midibay_plugin::{ConfigError, Numbers};
use serde_json::{Value, json};

fn bits(value: Value) -> (u128, Vec<ConfigError>) {
    let numbers: Numbers = serde_json::from_value(value).unwrap();
    let mut errors = Vec::new();
    let bits = numbers.bits("notes", "note", 0..=127, &mut errors);
    (bits, errors)
}

#[test]
fn numbers_ranges_and_lists_of_them_are_understood_and_both_ends_of_a_range_count() {
    assert_eq!(bits(json!(3)), (1 << 3, vec![]));
    assert_eq!(bits(json!("3")), (1 << 3, vec![]));
    assert_eq!(bits(json!("3..5")), (0b111000, vec![]));
    assert_eq!(bits(json!([0, "3 .. 4", 127])), (1 | 0b11000 | 1 << 127, vec![]));
    assert_eq!(bits(json!("0..127")), (u128::MAX, vec![]));
}

#[test]
fn everything_that_is_wrong_is_named_at_its_place() {
    let (_, errors) = bits(json!([1, 128, "9..3", "C4", "0..200", -1]));
    let at: Vec<(&str, &str)> = errors.iter().map(|e| (e.path.as_str(), e.message.as_str())).collect();
    assert_eq!(
        at,
        [
            ("notes[1]", "there is no note 128"),
            ("notes[2]", "`9..3` counts down"),
            ("notes[3]", "`C4` is neither a note nor a range of them"),
            ("notes[4]", "there is no note 200"),
            ("notes[5]", "there is no note -1"),
        ]
    );
    assert!(errors.iter().all(|e| !e.help.is_empty()));
    assert_eq!(bits(json!("x")).1[0].path, "notes");
    assert_eq!(bits(json!([])).1.len(), 1);
}

#[test]
fn channels_count_from_one_and_a_zero_is_told_so() {
    let channels: Numbers = serde_json::from_value(json!([1, 16])).unwrap();
    let mut errors = Vec::new();
    assert_eq!(channels.mask16("channels", "channel", &mut errors), 1 | 1 << 15);
    assert_eq!(errors, []);
    let zero: Numbers = serde_json::from_value(json!([0])).unwrap();
    zero.mask16("channels", "channel", &mut errors);
    assert_eq!(errors[0].help, "a channel counts from 1 to 16, as on devices");
}
