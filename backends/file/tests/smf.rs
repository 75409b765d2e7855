//! Reading Standard MIDI Files.

use midibay_file::smf::{Division, Piece, SmfError, TempoMap, load};
use midibay_plugin::Ump;
use proptest::prelude::*;

/// A file of this format and division, from the data of its tracks.
fn file(format: u16, division: u16, tracks: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::from(*b"MThd\0\0\0\x06");
    for field in [format, tracks.len() as u16, division] {
        bytes.extend_from_slice(&field.to_be_bytes());
    }
    for track in tracks {
        bytes.extend_from_slice(b"MTrk");
        bytes.extend_from_slice(&(track.len() as u32).to_be_bytes());
        bytes.extend_from_slice(track);
    }
    bytes
}

const END: [u8; 4] = [0, 0xFF, 0x2F, 0];

fn with_end(track: &[u8]) -> Vec<u8> {
    [track, &END].concat()
}

/// The packets of a file with one track, with their times in ns.
fn one_track(track: &[u8]) -> Vec<(u64, Ump)> {
    packets(&load(&file(0, 500, &[track])).unwrap())
}

fn packets(piece: &Piece) -> Vec<(u64, Ump)> {
    piece.events.iter().map(|event| (event.time, event.ump())).collect()
}

/// 500 ticks a quarter, 120 quarters a minute.
const TICK: u64 = 1_000_000;

#[test]
fn tracks_are_merged_by_time_and_then_by_track() {
    let first = with_end(&[0, 0x90, 60, 1, 10, 0x80, 60, 0]);
    let second = with_end(&[0, 0x91, 70, 1, 5, 0x91, 71, 1]);
    let piece = load(&file(1, 500, &[&first, &second])).unwrap();
    let expected = [
        (0, 0, Ump::note_on(0, 0, 60, 1)),
        (0, 1, Ump::note_on(0, 1, 70, 1)),
        (5 * TICK, 1, Ump::note_on(0, 1, 71, 1)),
        (10 * TICK, 0, Ump::note_off(0, 0, 60, 0)),
    ];
    let got: Vec<_> = piece.events.iter().map(|e| (e.time, e.track, e.ump())).collect();
    assert_eq!(got, expected);
    assert_eq!((piece.length, piece.tracks), (10 * TICK, 2));
}

#[test]
fn running_status_goes_on_even_across_meta_events_and_sysex() {
    let track = [0, 0x90, 60, 1, 0, 61, 1, 0, 0xFF, 1, 1, b'x', 0, 62, 1, 0, 0xF0, 2, 5, 0xF7, 0, 63, 1];
    let notes: Vec<_> = one_track(&with_end(&track)).into_iter().filter_map(|(_, ump)| ump.note()).collect();
    assert_eq!(notes, [60, 61, 62, 63]);
}

#[test]
fn a_tempo_in_any_track_counts_for_all_from_its_tick_on() {
    let notes = with_end(&[0x83, 0x74, 0x90, 60, 1, 0x83, 0x74, 0x80, 60, 0]);
    // 250,000 us per quarter from tick 500 on.
    let tempo = with_end(&[0x83, 0x74, 0xFF, 0x51, 3, 3, 0xD0, 0x90]);
    let piece = load(&file(1, 500, &[&notes, &tempo])).unwrap();
    assert_eq!(piece.events[0].time, 500_000_000);
    assert_eq!(piece.events[1].time, 750_000_000);
}

#[test]
fn smpte_time_does_not_follow_the_tempo() {
    let track = with_end(&[0, 0xFF, 0x51, 3, 3, 0xD0, 0x90, 100, 0x90, 60, 1]);
    for (division, expected) in [
        (u16::from_be_bytes([(-25i8) as u8, 40]), 100_000_000),
        // 29.97 frames per second: 100 ticks of 10 are 10 frames.
        (u16::from_be_bytes([(-29i8) as u8, 10]), 10 * 1_001_000_000 / 30),
    ] {
        let piece = load(&file(0, division, &[&track])).unwrap();
        assert_eq!(piece.events[0].time, expected);
    }
}

#[test]
fn an_hour_of_ticks_does_not_drift() {
    // 96 ticks per quarter and 461,538 us per quarter: no tick is a whole number of ns.
    let map = TempoMap::new(Division::Quarter(96), &[(0, 461_538)]);
    let ticks = 96 * 7800;
    assert_eq!(map.time(ticks), Some(7800 * 461_538_000));
}

#[test]
fn a_sysex_of_any_length_comes_whole() {
    let data: Vec<u8> = (0..1000).map(|i| (i % 128) as u8).collect();
    let mut track = vec![0, 0xF0, 0x87, 0x69];
    track.extend_from_slice(&data);
    track.push(0xF7);
    let got = sysex_data(&one_track(&with_end(&track)));
    assert_eq!(got, data);
}

/// The data of the packets, which must be one SysEx.
fn sysex_data(packets: &[(u64, Ump)]) -> Vec<u8> {
    use midibay_plugin::ump::{SYSEX_CONTINUE, SYSEX_END, SYSEX_START};
    let statuses: Vec<u8> = packets.iter().map(|(_, ump)| ump.status()).collect();
    let inner = &statuses[1..statuses.len() - 1];
    assert_eq!((statuses[0], statuses[statuses.len() - 1]), (SYSEX_START, SYSEX_END));
    assert!(inner.iter().all(|status| *status == SYSEX_CONTINUE), "{packets:?}");
    let parts = packets.iter().flat_map(|(_, ump)| {
        let (data, length) = ump.sysex_data();
        data.into_iter().take(length)
    });
    parts.collect()
}

#[test]
fn a_sysex_in_several_packets_keeps_their_times() {
    let track = [0, 0xF0, 7, 1, 2, 3, 4, 5, 6, 7, 10, 0xF7, 2, 8, 9, 10, 0xF7, 2, 10, 0xF7];
    let packets = one_track(&with_end(&track));
    assert_eq!(sysex_data(&packets), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(packets[0].0, 0);
    assert_eq!(packets[packets.len() - 1].0, 20 * TICK);
}

#[test]
fn a_sysex_without_its_end_is_ended_where_it_stopped() {
    let track = [0, 0xF0, 7, 1, 2, 3, 4, 5, 6, 7, 10, 0x90, 60, 1, 10, 0xF0, 2, 9, 0xF7];
    let packets = one_track(&with_end(&track));
    assert_eq!(sysex_data(&packets[..2]), [1, 2, 3, 4, 5, 6, 7]);
    let times: Vec<_> = packets.iter().map(|(time, _)| *time).collect();
    assert_eq!(times, [0, 0, 10 * TICK, 20 * TICK]);
}

#[test]
fn an_escape_carries_any_message() {
    let track = [0, 0xF7, 1, 0xFA, 5, 0xF7, 3, 0xF2, 1, 2];
    let expected = [(0, Ump::system(0, 0xFA, 0, 0)), (5 * TICK, Ump::system(0, 0xF2, 1, 2))];
    assert_eq!(one_track(&with_end(&track)), expected);
}

#[test]
fn a_file_inside_a_riff_file_is_found() {
    let midi = file(0, 500, &[&with_end(&[0, 0x90, 60, 1])]);
    let mut body = Vec::from(*b"RMIDLIST\x03\0\0\0abc\0data");
    body.extend_from_slice(&(midi.len() as u32).to_le_bytes());
    body.extend_from_slice(&midi);
    let mut riff = Vec::from(*b"RIFF");
    riff.extend_from_slice(&(body.len() as u32).to_le_bytes());
    riff.extend_from_slice(&body);
    assert_eq!(load(&riff).unwrap(), load(&midi).unwrap());
}

#[test]
fn what_is_beyond_doubt_is_taken_as_it_is_meant() {
    let track = [0, 0x90, 60, 1];
    let expected = load(&file(0, 500, &[&with_end(&track)])).unwrap();
    // No End of Track.
    assert_eq!(load(&file(0, 500, &[&track])).unwrap(), expected);
    // A chunk of another kind in between, and a length beyond the end of the file.
    let mut other = file(0, 500, &[]);
    other.extend_from_slice(b"XFIH\0\0\0\x02abMTrk\0\0\xFF\xFF");
    other.extend_from_slice(&track);
    assert_eq!(load(&other).unwrap(), expected);
    // A tempo of 0, an SMPTE offset that does not exist, a key signature cut short.
    let odd =
        [0, 0xFF, 0x51, 3, 0, 0, 0, 0, 0xFF, 0x54, 5, 99, 99, 99, 99, 99, 0, 0xFF, 0x59, 0, 0, 0x90, 60, 1];
    assert_eq!(load(&file(0, 500, &[&odd])).unwrap(), expected);
}

#[test]
fn an_error_says_what_is_wrong_at_which_byte_of_which_track() {
    let good = with_end(&[0, 0x90, 60, 1]);
    // The header takes 14 bytes, the first track 16, the head of the second 8.
    let at = 14 + 8 + good.len() + 8;
    for (bad, byte, what) in [
        (&[0, 0x90, 60][..], at, "middle of an event"),
        (&[0, 0x90, 60, 1, 0, 0xF0, 5, 1], at + 4, "middle of an event"),
        (&[0, 60, 1], at, "belong to no message"),
        (&[0, 0xF8], at, "system message"),
        (&[0, 0x90, 0x90, 1], at, "status byte"),
        (&[0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x90, 60, 1], at, "more than four bytes"),
    ] {
        let text = load(&file(1, 500, &[&good, bad])).unwrap_err().to_string();
        assert!(text.starts_with(&format!("track 2 is damaged at byte {byte} of the file")), "{text}");
        assert!(text.contains(what), "{text}");
    }
}

#[test]
fn a_file_that_cannot_be_played_is_refused_with_what_to_do() {
    let track = with_end(&[]);
    for (bytes, error) in [
        (Vec::new(), SmfError::Cut { byte: 0 }),
        (b"MThd\0\0\0\x06\0\0".to_vec(), SmfError::Cut { byte: 10 }),
        (b"\xF0\x7E\x7F\x09\x01\xF7".to_vec(), SmfError::NotMidi),
        (b"RIFF\x04\0\0\0WAVE".to_vec(), SmfError::NotMidi),
        (file(2, 500, &[&track, &track]), SmfError::Format2),
        (file(3, 500, &[&track]), SmfError::UnknownFormat(3)),
        (file(0, 0, &[&track]), SmfError::Division { byte: 12, raw: 0 }),
        (file(0, 0x8004, &[&track]), SmfError::Division { byte: 12, raw: 0x8004 }),
        (file(0, 0xE700, &[&track]), SmfError::Division { byte: 12, raw: 0xE700 }),
        (file(0, 500, &[]), SmfError::NoTracks),
    ] {
        assert_eq!(load(&bytes).unwrap_err(), error);
    }
}

#[test]
fn times_beyond_all_reason_are_refused() {
    // The slowest tempo, one tick a quarter, and events as far apart as can be: 2,200 years in 1 kB.
    let mut track = vec![0, 0xFF, 0x51, 3, 0xFF, 0xFF, 0xFF];
    for _ in 0..60 {
        track.extend_from_slice(&[0xFF, 0xFF, 0xFF, 0x7F, 0x90, 60, 1]);
    }
    assert_eq!(load(&file(0, 1, &[&track])).unwrap_err(), SmfError::TooLong);
}

#[test]
fn plain_bytes_are_due_at_once_or_as_fast_as_a_wire() {
    let bytes = [0x90, 60, 1, 61, 1, 0xF0, 1, 2];
    let at_once = Piece::from_bytes(&bytes, None).unwrap();
    let sysex = Ump::sysex7(0, midibay_plugin::ump::SYSEX_COMPLETE, [1, 2, 0, 0, 0, 0], 2);
    let expected = [(0, Ump::note_on(0, 0, 60, 1)), (0, Ump::note_on(0, 0, 61, 1)), (0, sysex)];
    assert_eq!(packets(&at_once), expected);
    let paced = Piece::from_bytes(&bytes, Some(31_250)).unwrap();
    let times: Vec<_> = paced.events.iter().map(|event| event.time / 1000).collect();
    assert_eq!(times, [960, 1600, 2560]);
}

/// Events of a track as `midly` has them, with small and large steps between them.
fn tracks() -> impl Strategy<Value = Vec<Vec<(u32, Vec<u8>)>>> {
    let data = || 0u8..128;
    let event = prop_oneof![
        4 => (0x80u8..0xC0, data(), data()).prop_map(|(status, a, b)| vec![status, a, b]),
        1 => (0xC0u8..0xE0, data()).prop_map(|(status, a)| vec![status, a]),
        1 => (0xE0u8..0xF0, data(), data()).prop_map(|(status, a, b)| vec![status, a, b]),
        1 => proptest::collection::vec(data(), 0..40).prop_map(|data| [&[0xF0][..], &data, &[0xF7]].concat()),
        1 => (1u32..1 << 24).prop_map(|tempo| [&[0xFF][..], &tempo.to_be_bytes()[1..]].concat()),
    ];
    let step = prop_oneof![3 => 0u32..200, 1 => 0u32..1_000_000];
    proptest::collection::vec(proptest::collection::vec((step, event), 0..40), 1..5)
}

/// What `midly` writes for these tracks.
fn written(division: u16, tracks: &[Vec<(u32, Vec<u8>)>]) -> Vec<u8> {
    use midly::live::LiveEvent;
    use midly::num::{u15, u24, u28};
    use midly::{Format, Header, MetaMessage, Smf, Timing, TrackEvent, TrackEventKind};
    let kind = |bytes: &'_ [u8]| match *bytes {
        [0xF0, ..] => None,
        [0xFF, a, b, c] => {
            Some(TrackEventKind::Meta(MetaMessage::Tempo(u24::new(u32::from_be_bytes([0, a, b, c])))))
        }
        _ => match LiveEvent::parse(bytes).unwrap() {
            LiveEvent::Midi { channel, message } => Some(TrackEventKind::Midi { channel, message }),
            _ => unreachable!(),
        },
    };
    let tracks = tracks.iter().map(|track| {
        let events = track.iter().map(|(delta, bytes)| TrackEvent {
            delta: u28::new(*delta),
            kind: kind(bytes).unwrap_or(TrackEventKind::SysEx(&bytes[1..])),
        });
        let end = TrackEvent { delta: u28::new(0), kind: TrackEventKind::Meta(MetaMessage::EndOfTrack) };
        events.chain([end]).collect()
    });
    let header = Header::new(Format::Parallel, Timing::Metrical(u15::new(division)));
    let smf = Smf { header, tracks: tracks.collect() };
    let mut bytes = Vec::new();
    smf.write_std(&mut bytes).unwrap();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// Against exact fractions, added up tick change by tick change, and events in the order in which a
    /// sequencer with one pointer a track would play them.
    #[test]
    fn what_midly_writes_is_read_at_exactly_the_right_times(division in 1u16..0x8000, tracks in tracks()) {
        let piece = load(&written(division, &tracks)).unwrap();
        let mut all = Vec::new();
        for (number, track) in tracks.iter().enumerate() {
            let mut tick = 0u64;
            for (delta, bytes) in track {
                tick += u64::from(*delta);
                all.push((tick, number, bytes));
            }
        }
        all.sort_by_key(|(tick, number, _)| (*tick, *number));
        let (mut tick, mut tempo, mut numerator) = (0, 500_000u128, 0u128);
        let mut expected = Vec::new();
        for (at, number, bytes) in all {
            numerator += u128::from(at - tick) * tempo * 1000;
            tick = at;
            if let [0xFF, a, b, c] = bytes[..] {
                tempo = u128::from(u32::from_be_bytes([0, a, b, c]));
            } else {
                expected.push(((numerator / u128::from(division)) as u64, number as u16, bytes.clone()));
            }
        }
        let mut got: Vec<(u64, u16, Vec<u8>)> = Vec::new();
        for event in &piece.events {
            let mut bytes = [0; midibay_plugin::ump::MAX_BYTES];
            let length = midibay_plugin::ump::encode(&event.ump(), &mut bytes);
            let part = &bytes[..length];
            match got.last_mut() {
                Some((_, _, whole)) if whole[0] == 0xF0 && whole[whole.len() - 1] != 0xF7 => {
                    whole.extend_from_slice(part);
                }
                _ => got.push((event.time, event.track, part.to_vec())),
            }
        }
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn no_bytes_make_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        division in any::<u16>(),
        places in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..8),
        tracks in tracks(),
    ) {
        let _ = load(&bytes);
        let _ = load(&file(1, division, &[&bytes]));
        let mut damaged = written(96, &tracks);
        for (place, byte) in places {
            let place = place.index(damaged.len());
            damaged[place] = byte;
        }
        if let Ok(piece) = load(&damaged) {
            prop_assert!(piece.events.iter().all(|event| event.time <= piece.length));
            prop_assert!(piece.events.is_sorted_by_key(|event| event.time));
        }
    }
}

#[test]
fn the_pieces_that_come_with_the_program_are_whole() {
    let media = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/media");
    let mut pieces = 0;
    for entry in std::fs::read_dir(media).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "mid") {
            let piece = load(&std::fs::read(&path).unwrap()).unwrap();
            let mut held = midibay_plugin::ump::Held::new();
            piece.events.iter().for_each(|event| held.apply(&event.ump()));
            assert!(piece.length > 0 && held.is_empty(), "{}: {held:?}", path.display());
            pieces += 1;
        }
    }
    assert!(pieces > 0, "no piece in {media}");
}
