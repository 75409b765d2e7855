//! An event as a line.

use std::fmt::Write;

use midibay_plugin::{Event, Ump};

use crate::config::Format;

/// Puts events into lines.
pub(crate) struct Lines {
    format: Format,
    label: String,
    /// The label as a JSON string.
    json_label: String,
    /// What counts as time 0, ns.
    start: u64,
}

impl Lines {
    pub(crate) fn new(format: Format, label: String, start: u64) -> Self {
        let json_label = serde_json::Value::from(label.as_str()).to_string();
        Self { format, label, json_label, start }
    }

    /// Appends the event's line, with its end.
    pub(crate) fn append(&self, event: &Event, text: &mut String) {
        let time = event.time.saturating_sub(self.start) / 1000;
        let (seconds, micros) = (time / 1_000_000, time % 1_000_000);
        let (label, ump) = (&self.label, &event.ump);
        let space = if label.is_empty() { "" } else { " " };
        // Writing to a string does not fail.
        let _ = match self.format {
            Format::Text => writeln!(text, "{seconds:6}.{micros:06}{space}{label}  {ump}"),
            Format::Hex => {
                let _ = write!(text, "{seconds:6}.{micros:06}{space}{label} ");
                words(ump, text, " ", "");
                writeln!(text)
            }
            Format::Json => {
                let _ = write!(
                    text,
                    "{{\"time\":{seconds}.{micros:06},\"node\":{},\"kind\":\"{}\",",
                    self.json_label,
                    ump.kind()
                );
                if !matches!(ump.message_type(), 0x0 | 0xF) {
                    let _ = write!(text, "\"group\":{},", ump.group() + 1);
                }
                if let Some(channel) = ump.channel() {
                    let _ = write!(text, "\"channel\":{},", channel + 1);
                }
                let _ = write!(text, "\"text\":\"{ump}\",\"words\":[");
                let mut list = String::new();
                words(ump, &mut list, ",", "\"");
                writeln!(text, "{}]}}", &list[1..])
            }
        };
    }
}

/// The words of a packet, eight hexadecimal digits each, every one after a separator.
fn words(ump: &Ump, text: &mut String, separator: &str, quote: &str) {
    for word in ump.words() {
        let _ = write!(text, "{separator}{quote}{word:08X}{quote}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(format: Format, ump: Ump) -> String {
        let lines = Lines::new(format, "the \"keys\"".into(), 1_000_000_000);
        let mut text = String::new();
        lines.append(&Event::new(13_345_678_901, ump), &mut text);
        text
    }

    #[test]
    fn a_line_for_people() {
        let text = line(Format::Text, Ump::note_on(0, 0, 60, 100));
        assert_eq!(text, "    12.345678 the \"keys\"  ch1 note-on 60 (C4) vel 100\n");
    }

    #[test]
    fn a_line_of_words() {
        let text = line(Format::Hex, Ump::note_on2(1, 0, 60, 0x8000));
        assert_eq!(text, "    12.345678 the \"keys\"  41903C00 80000000\n");
    }

    #[test]
    fn a_line_for_programs() {
        let text = line(Format::Json, Ump::note_on2(1, 2, 60, 0x8000));
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let expected = serde_json::json!({
            "time": 12.345678,
            "node": "the \"keys\"",
            "kind": "note-on",
            "group": 2,
            "channel": 3,
            "text": "g2 ch3 note-on 60 (C4) vel16 32768",
            "words": ["41923C00", "80000000"],
        });
        assert_eq!(json, expected);
    }
}
