//! What a plugin says when something is wrong.

use midibay_plugin::abi::Reply;
use midibay_plugin::{CommandError, ConfigError, NodeError};

#[test]
fn a_command_error_says_its_sentence_with_the_values_in_it() {
    assert_eq!(CommandError::new("there is nothing to undo").as_str(), "there is nothing to undo");
    let error = CommandError::format(format_args!("no input named {:?} among {}", "lights", 3));
    assert_eq!(error.to_string(), "no input named \"lights\" among 3");
    assert_eq!(format!("{error:?}"), r#"CommandError("no input named \"lights\" among 3")"#);
    assert_eq!(CommandError::new("").as_str(), "");
}

#[test]
fn a_command_error_keeps_120_bytes_and_never_half_a_character() {
    let exact = "x".repeat(120);
    assert_eq!(CommandError::new(&exact).as_str(), exact);
    assert_eq!(CommandError::new(&"x".repeat(121)).as_str(), exact);
    // 119 bytes and a character of two: it does not fit, and nothing behind it slips in.
    let text = format!("{}éy", "x".repeat(119));
    assert_eq!(CommandError::new(&text).as_str(), "x".repeat(119));
    let (euro, y) = ('€', String::from("y"));
    let parts = CommandError::format(format_args!("{}{euro}{y}", "x".repeat(118)));
    assert_eq!(parts.as_str(), "x".repeat(118));
}

#[test]
fn the_longest_refusal_fits_into_the_answer_of_a_command() {
    assert!(Reply::default().text.len() >= 120);
    assert_eq!(Reply::default().as_str(), "");
}

#[test]
fn an_error_of_an_option_names_its_path_and_what_to_do() {
    let error = ConfigError::at("peers[2].port", "there is no port 0");
    assert_eq!(error.to_string(), "peers[2].port: there is no port 0");
    let error = error.help("leave it away for 5004");
    assert_eq!(error.to_string(), "peers[2].port: there is no port 0 (leave it away for 5004)");
    assert_eq!(
        ConfigError::at("", "one of `a` and `b` is needed").to_string(),
        "one of `a` and `b` is needed"
    );
}

#[test]
fn a_node_error_says_whether_trying_again_may_help() {
    let (retry, fatal) = (NodeError::retry("the cable is out"), NodeError::fatal("no MIDI file"));
    assert!(retry.is_retryable() && !fatal.is_retryable());
    assert_eq!(
        (retry.to_string().as_str(), fatal.to_string().as_str()),
        ("the cable is out", "no MIDI file")
    );
}
