//! The piece of the demo: an arrangement, made for Midibay, of the first 19 bars of the Prelude in C
//! from J. S. Bach's Well-Tempered Clavier, book I (BWV 846, 1722), for keyboard, strings, bass, a
//! wind melody and drums. `examples/media/prelude.mid` is what [`bytes`] gives.
//!
//! It uses what a patchbay has to carry: a tempo map, program and bank changes, volume, expression,
//! modulation and pedal, an RPN, pitch bends, channel pressure, and SysEx.

mod smf;

use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::shell::root;
use smf::Track;

/// Ticks of a quarter note.
const QUARTER: u32 = 480;
const SIXTEENTH: u32 = QUARTER / 4;
const BAR: u32 = 4 * QUARTER;
/// Bars before the keyboard starts: strings and drums alone.
const INTRO: u32 = 2;

const KEYBOARD: u8 = 0;
const STRINGS: u8 = 1;
const BASS: u8 = 2;
const WIND: u8 = 3;
const DRUMS: u8 = 9;

/// Each bar of the prelude is one chord of five notes, lowest first, broken in sixteenths.
const BARS: [[u8; 5]; 19] = [
    [60, 64, 67, 72, 76], // C
    [60, 62, 69, 74, 77], // D minor 7 over C
    [59, 62, 67, 74, 77], // G7 over B
    [60, 64, 67, 72, 76], // C
    [60, 64, 69, 76, 81], // A minor over C
    [60, 62, 66, 69, 74], // D7 over C
    [59, 62, 67, 74, 79], // G over B
    [59, 60, 64, 67, 72], // C major 7 over B
    [57, 60, 64, 67, 72], // A minor 7
    [50, 57, 62, 66, 72], // D7
    [55, 59, 62, 67, 71], // G
    [55, 58, 64, 67, 73], // C sharp diminished over G
    [53, 57, 62, 69, 74], // D minor over F
    [53, 56, 62, 65, 71], // B diminished over F
    [52, 55, 60, 67, 72], // C over E
    [52, 53, 57, 60, 65], // F major 7 over E
    [50, 53, 57, 60, 65], // D minor 7
    [43, 50, 55, 59, 65], // G7
    [48, 52, 55, 60, 64], // C
];

/// The wind's melody over it: bar of the prelude, beat in quarters, length in quarters, note.
const MELODY: [(u32, f32, f32, u8); 34] = [
    (4, 0.0, 3.0, 76),
    (4, 3.0, 1.0, 81),
    (5, 0.0, 2.0, 78),
    (5, 2.0, 1.0, 76),
    (5, 3.0, 1.0, 74),
    (6, 0.0, 3.0, 79),
    (6, 3.0, 1.0, 74),
    (7, 0.0, 2.0, 76),
    (7, 2.0, 1.0, 74),
    (7, 3.0, 1.0, 72),
    (8, 0.0, 2.5, 72),
    (8, 2.5, 0.5, 74),
    (8, 3.0, 1.0, 76),
    (9, 0.0, 3.0, 78),
    (9, 3.0, 1.0, 81),
    (10, 0.0, 4.0, 79),
    (11, 0.0, 2.0, 79),
    (11, 2.0, 2.0, 76),
    (12, 0.0, 3.0, 77),
    (12, 3.0, 1.0, 74),
    (13, 0.0, 2.0, 77),
    (13, 2.0, 2.0, 74),
    (14, 0.0, 3.0, 76),
    (14, 3.0, 1.0, 72),
    (15, 0.0, 2.0, 72),
    (15, 2.0, 2.0, 69),
    (16, 0.0, 1.5, 69),
    (16, 1.5, 0.5, 72),
    (16, 2.0, 2.0, 77),
    (17, 0.0, 1.0, 74),
    (17, 1.0, 1.0, 77),
    (17, 2.0, 2.0, 71),
    (18, 0.0, 4.0, 72),
    (19, 0.0, 4.0, 76),
];

/// Writes the file.
pub(crate) fn write() -> Outcome {
    let path = path();
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    std::fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(failed)?;
    std::fs::write(&path, bytes()).map_err(failed)?;
    println!("Wrote {}.", path.display());
    Ok(())
}

fn path() -> PathBuf {
    root().join("examples/media/prelude.mid")
}

/// How many notes the piece has.
pub(crate) fn notes() -> usize {
    smf::count_notes(&bytes()).unwrap_or(0)
}

/// How many notes the MIDI file at `path` has; `None` when there is no such file.
pub(crate) fn notes_of(path: &Path) -> Option<usize> {
    smf::count_notes(&std::fs::read(path).ok()?)
}

/// The Standard MIDI File, format 1.
fn bytes() -> Vec<u8> {
    smf::file(QUARTER, &[conductor(), keyboard(), strings(), bass(), wind(), drums()])
}

/// The first tick of a bar of the prelude; bar 19 is the last chord.
fn bar(number: u32) -> u32 {
    (INTRO + number) * BAR
}

fn end() -> u32 {
    bar(20)
}

/// Tempo map, signature, and the SysEx that every player starts from: General MIDI on.
fn conductor() -> Track {
    let mut track = Track::new("Prelude in C, BWV 846, bars 1-19");
    track.text(
        0,
        0x02,
        "J. S. Bach, 1722, public domain. Arrangement: the Midibay developers, MIT OR Apache-2.0",
    );
    track.meta(0, 0x58, &[4, 2, 24, 8]);
    track.meta(0, 0x59, &[0, 0]);
    track.sysex(0, &[0x7e, 0x7f, 0x09, 0x01]);
    track.tempo(0, 96.0);
    track.tempo(bar(0), 104.0);
    track.text(bar(0), 0x06, "prelude");
    track.tempo(bar(4), 108.0);
    track.text(bar(4), 0x06, "melody");
    track.tempo(bar(11), 112.0);
    // Slower with each beat of the last two bars.
    for beat in 0..8 {
        track.tempo(bar(17) + beat * QUARTER, 104.0 - 5.0 * f64::from(beat));
    }
    track.tempo(bar(19), 60.0);
    track.end(end());
    track
}

/// Volume and place of a part, ahead of its first note.
fn set_up(track: &mut Track, channel: u8, program: u8, volume: u8, pan: u8) {
    let at = QUARTER / 2;
    track.program(at, channel, program);
    track.control(at, channel, 7, volume);
    track.control(at, channel, 10, pan);
    track.control(at, channel, 11, 127);
}

fn keyboard() -> Track {
    let mut track = Track::new("Keyboard");
    set_up(&mut track, KEYBOARD, 0, 104, 54);
    for (number, chord) in (0..).zip(&BARS) {
        for half in 0..2 {
            let start = bar(number) + half * BAR / 2;
            // The pedal is up for a moment where the harmony changes.
            track.control(start + 20, KEYBOARD, 64, 127);
            track.control(start + BAR / 2 - 20, KEYBOARD, 64, 0);
            for (step, voice) in (0..).zip([0, 1, 2, 3, 4, 2, 3, 4]) {
                let at = start + step * SIXTEENTH;
                // The two low notes stay down under the others, as Bach wrote them.
                let length = match step {
                    0 => 8 * SIXTEENTH,
                    1 => 7 * SIXTEENTH,
                    _ => SIXTEENTH,
                };
                let accent = if step == 0 { 14 } else { 0 };
                let velocity = 62 + accent + u8::try_from(number).unwrap_or(0);
                track.note(at, length - 10, KEYBOARD, chord[voice], velocity);
            }
        }
    }
    track.control(bar(19), KEYBOARD, 64, 127);
    for (step, note) in (0..).zip([36, 48, 55, 60, 64, 67, 72]) {
        track.note(bar(19) + step * 30, BAR - 300, KEYBOARD, note, 70);
    }
    track.control(end() - 60, KEYBOARD, 64, 0);
    track.end(end());
    track
}

fn strings() -> Track {
    let mut track = Track::new("Strings");
    set_up(&mut track, STRINGS, 48, 84, 76);
    // The intro holds the first chord; it grows by expression alone.
    for note in [48, 55, 60, 64] {
        track.note(QUARTER, bar(0) - QUARTER - 10, STRINGS, note, 70);
    }
    swell(&mut track, QUARTER, bar(0) - QUARTER, 30, 110);
    for (number, chord) in (0..).zip(&BARS) {
        for voice in [1, 2, 3] {
            track.note(bar(number), BAR - 10, STRINGS, chord[voice], 58);
        }
        swell(&mut track, bar(number), BAR / 2, 70, 105);
        swell(&mut track, bar(number) + BAR / 2, BAR / 2, 105, 70);
    }
    for note in [48, 55, 60, 64, 72] {
        track.note(bar(19), BAR - 120, STRINGS, note, 64);
    }
    swell(&mut track, bar(19), BAR - 120, 110, 20);
    track.end(end());
    track
}

/// Expression from one value to another, a step each 32nd note.
fn swell(track: &mut Track, start: u32, length: u32, from: u8, to: u8) {
    let steps = length / (SIXTEENTH / 2);
    for step in 0..steps {
        let (from, to) = (i64::from(from), i64::from(to));
        let value = from + (to - from) * i64::from(step) / i64::from(steps.max(2) - 1);
        track.control(start + step * (SIXTEENTH / 2), STRINGS, 11, u8::try_from(value).unwrap_or(127));
    }
}

fn bass() -> Track {
    let mut track = Track::new("Bass");
    set_up(&mut track, BASS, 32, 108, 64);
    // Pitch bend range: 2 semitones, by RPN 0, then no parameter selected.
    for (controller, value) in [(101, 0), (100, 0), (6, 2), (38, 0), (101, 127), (100, 127)] {
        track.control(QUARTER, BASS, controller, value);
    }
    for (number, chord) in (0..).zip(&BARS) {
        let note = if chord[0] >= 52 { chord[0] - 24 } else { chord[0] - 12 };
        let start = bar(number);
        track.note(start, 3 * QUARTER - 30, BASS, note, 92);
        track.note(start + 3 * QUARTER, QUARTER - 30, BASS, note + if number % 2 == 0 { 12 } else { 7 }, 78);
        // Slides up into every fourth bar.
        if number % 4 == 0 {
            for step in 0..8u32 {
                let bend = 8192 - 4096 + i32::try_from(step).unwrap_or(0) * 4096 / 7;
                track.bend(start + step * 12, BASS, u16::try_from(bend).unwrap_or(8192));
            }
        }
    }
    track.note(bar(19), BAR - 120, BASS, 36, 88);
    track.end(end());
    track
}

fn wind() -> Track {
    let mut track = Track::new("Wind");
    set_up(&mut track, WIND, 73, 100, 50);
    for (number, beat, length, note) in MELODY {
        let ticks = |quarters: f32| (quarters * QUARTER as f32) as u32;
        let (start, length) = (bar(number) + ticks(beat), ticks(length));
        // The second phrase is an oboe's.
        if (number, beat) == (11, 0.0) {
            track.control(start - 20, WIND, 0, 0);
            track.control(start - 20, WIND, 32, 0);
            track.program(start - 20, WIND, 68);
        }
        track.note(start, length - 15, WIND, note, 84);
        // Long notes get a vibrato that grows, by pressure and by the modulation wheel.
        if length >= 2 * QUARTER {
            for step in 0..8 {
                let at = start + length / 2 + u32::from(step) * length / 20;
                track.pressure(at, WIND, 10 * step);
                track.control(at, WIND, 1, 8 * step);
            }
            track.pressure(start + length - 15, WIND, 0);
            track.control(start + length - 15, WIND, 1, 0);
        }
    }
    track.end(end());
    track
}

fn drums() -> Track {
    const KICK: u8 = 36;
    const SNARE: u8 = 38;
    const CLOSED: u8 = 42;
    const OPEN: u8 = 46;
    const CRASH: u8 = 49;
    let mut track = Track::new("Drums");
    set_up(&mut track, DRUMS, 0, 92, 64);
    let mut hit = |at: u32, note: u8, velocity: u8| track.note(at, SIXTEENTH / 2, DRUMS, note, velocity);
    for number in 0..INTRO + 19 {
        let start = number * BAR;
        for eighth in u32::from(number == 0) * 2..8 {
            let velocity = if eighth % 2 == 0 { 70 } else { 46 };
            hit(start + eighth * QUARTER / 2, if eighth == 7 { OPEN } else { CLOSED }, velocity);
        }
        if number < INTRO {
            continue;
        }
        hit(start, KICK, 96);
        hit(start + 2 * QUARTER + QUARTER / 2, KICK, 80);
        if number >= INTRO + 4 {
            hit(start + QUARTER, SNARE, 74);
            hit(start + 3 * QUARTER, SNARE, 78);
        }
        // A roll into every fourth bar, after the stroke on its last beat.
        if number % 4 == 1 {
            for step in 1..4u8 {
                hit(start + 3 * QUARTER + SIXTEENTH * u32::from(step), SNARE, 50 + 12 * step);
            }
        }
    }
    hit(bar(19), KICK, 100);
    hit(bar(19), CRASH, 90);
    track.end(end());
    track
}

#[cfg(test)]
mod tests {
    use super::*;
    use midly::{Format, MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};

    #[test]
    fn the_file_in_the_repository_is_what_the_composer_writes() {
        let committed = std::fs::read(path()).expect("cargo xtask make-demo-midi writes it");
        assert!(committed == bytes(), "run cargo xtask make-demo-midi and commit the file");
    }

    #[test]
    fn another_reader_finds_a_whole_file_of_six_tracks() {
        let bytes = bytes();
        let smf = Smf::parse(&bytes).unwrap();
        assert_eq!((smf.header.format, smf.tracks.len()), (Format::Parallel, 6));
        assert!(matches!(smf.header.timing, Timing::Metrical(ticks) if u32::from(ticks.as_int()) == QUARTER));
        for track in &smf.tracks {
            assert!(matches!(track.last().unwrap().kind, TrackEventKind::Meta(MetaMessage::EndOfTrack)));
        }
    }

    #[test]
    fn every_note_that_starts_ends_and_none_starts_twice() {
        let bytes = bytes();
        for track in Smf::parse(&bytes).unwrap().tracks {
            let mut held = std::collections::BTreeSet::new();
            for event in track {
                let TrackEventKind::Midi { channel, message } = event.kind else { continue };
                match message {
                    MidiMessage::NoteOn { key, vel } if vel > 0 => {
                        assert!(held.insert((channel, key)), "{channel} {key}");
                    }
                    MidiMessage::NoteOn { key, .. } | MidiMessage::NoteOff { key, .. } => {
                        assert!(held.remove(&(channel, key)), "{channel} {key}");
                    }
                    _ => {}
                }
            }
            assert!(held.is_empty(), "{held:?}");
        }
    }

    #[test]
    fn notes_are_counted_as_another_reader_counts_them() {
        let bytes = bytes();
        let smf = Smf::parse(&bytes).unwrap();
        let starts = smf.tracks.iter().flatten().filter(|event| {
            matches!(event.kind, TrackEventKind::Midi { message: MidiMessage::NoteOn { vel, .. }, .. } if vel > 0)
        });
        assert_eq!(notes(), starts.count());
        assert_eq!(smf::count_notes(&bytes[..bytes.len() - 1]), None);
    }

    #[test]
    fn it_plays_for_about_fifty_seconds_by_its_tempo_map() {
        let bytes = bytes();
        let smf = Smf::parse(&bytes).unwrap();
        let (mut tempo, mut micros, mut ticks) = (500_000.0, 0.0, 0);
        for event in &smf.tracks[0] {
            micros += tempo * f64::from(event.delta.as_int()) / f64::from(QUARTER);
            ticks += event.delta.as_int();
            if let TrackEventKind::Meta(MetaMessage::Tempo(new)) = event.kind {
                tempo = f64::from(new.as_int());
            }
        }
        assert_eq!(ticks, end());
        assert!((45e6..60e6).contains(&micros), "{} s", micros / 1e6);
    }

    #[test]
    fn it_has_what_a_patchbay_must_carry() {
        let bytes = bytes();
        let smf = Smf::parse(&bytes).unwrap();
        let kinds: Vec<_> = smf.tracks.iter().flatten().map(|event| event.kind).collect();
        let some = |wanted: &dyn Fn(&MidiMessage) -> bool| {
            kinds.iter().any(|kind| matches!(kind, TrackEventKind::Midi { message, .. } if wanted(message)))
        };
        for controller in [1, 7, 10, 11, 64, 101] {
            assert!(some(
                &|message| matches!(message, MidiMessage::Controller { controller: found, .. } if found.as_int() == controller)
            ));
        }
        assert!(some(&|message| matches!(message, MidiMessage::PitchBend { .. })));
        assert!(some(&|message| matches!(message, MidiMessage::ChannelAftertouch { .. })));
        assert!(some(&|message| matches!(message, MidiMessage::ProgramChange { .. })));
        assert!(
            kinds.iter().any(|kind| matches!(kind, TrackEventKind::SysEx(data) if data.ends_with(&[0xf7])))
        );
    }
}
