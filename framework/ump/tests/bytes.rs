//! MIDI 1.0 bytes to packets and back.

use midibay_ump::{
    ByteParser, ByteWriter, MAX_BYTES, NoRoom, SYSEX_COMPLETE, SYSEX_CONTINUE, SYSEX_END, SYSEX_START, Ump,
    encode,
};

fn parse_with(parser: &mut ByteParser, bytes: &[u8]) -> Vec<Ump> {
    let mut out = Vec::new();
    parser.parse(0, bytes, |ump| out.push(ump));
    out
}

fn parse(bytes: &[u8]) -> Vec<Ump> {
    parse_with(&mut ByteParser::new(), bytes)
}

fn write(packets: &[Ump]) -> Vec<u8> {
    let mut out = Vec::new();
    for ump in packets {
        let mut bytes = [0; MAX_BYTES];
        let length = encode(ump, &mut bytes);
        out.extend_from_slice(&bytes[..length]);
    }
    out
}

fn sysex(status: u8, bytes: &[u8]) -> Ump {
    let mut data = [0; 6];
    data[..bytes.len()].copy_from_slice(bytes);
    Ump::sysex7(0, status, data, bytes.len() as u8)
}

#[test]
fn every_channel_message_is_read() {
    assert_eq!(
        parse(&[
            0x80, 60, 1, 0x91, 61, 2, 0xA2, 62, 3, 0xB3, 7, 4, 0xC4, 5, 0xD5, 6, 0xE6, 0x00, 0x40, 0x9F, 0,
            127
        ]),
        [
            Ump::note_off(0, 0, 60, 1),
            Ump::note_on(0, 1, 61, 2),
            Ump::poly_pressure(0, 2, 62, 3),
            Ump::control_change(0, 3, 7, 4),
            Ump::program_change(0, 4, 5),
            Ump::channel_pressure(0, 5, 6),
            Ump::pitch_bend(0, 6, 0x2000),
            Ump::note_on(0, 15, 0, 127),
        ]
    );
}

#[test]
fn every_system_message_is_read() {
    assert_eq!(
        parse(&[0xF1, 0x35, 0xF2, 1, 2, 0xF3, 9, 0xF6, 0xF8, 0xFA, 0xFB, 0xFC, 0xFE, 0xFF]),
        [
            Ump::system(0, 0xF1, 0x35, 0),
            Ump::system(0, 0xF2, 1, 2),
            Ump::system(0, 0xF3, 9, 0),
            Ump::system(0, 0xF6, 0, 0),
            Ump::system(0, 0xF8, 0, 0),
            Ump::system(0, 0xFA, 0, 0),
            Ump::system(0, 0xFB, 0, 0),
            Ump::system(0, 0xFC, 0, 0),
            Ump::system(0, 0xFE, 0, 0),
            Ump::system(0, 0xFF, 0, 0),
        ]
    );
}

#[test]
fn packets_get_the_group_the_caller_names() {
    let mut out = Vec::new();
    ByteParser::new().parse(3, &[0x90, 1, 2, 0xF8, 0xC0, 4, 0xF0, 1, 0xF7], |ump| out.push(ump.group()));
    assert_eq!(out, [3; 4]);
}

#[test]
fn running_status_carries_on_over_pieces_and_real_time() {
    let mut parser = ByteParser::new();
    assert_eq!(parse_with(&mut parser, &[0x90, 60, 100, 61]), [Ump::note_on(0, 0, 60, 100)]);
    assert_eq!(
        parse_with(&mut parser, &[0xF8, 101, 62, 0, 0xC1, 5, 6]),
        [
            Ump::system(0, 0xF8, 0, 0),
            Ump::note_on(0, 0, 61, 101),
            Ump::note_on(0, 0, 62, 0),
            Ump::program_change(0, 1, 5),
            Ump::program_change(0, 1, 6),
        ]
    );
    assert_eq!(parser.errors().total(), 0);
}

#[test]
fn system_common_and_sysex_end_running_status() {
    for between in [&[0xF6][..], &[0xF3, 1], &[0xF0, 1, 0xF7]] {
        let mut parser = ByteParser::new();
        let bytes = [&[0x90, 60, 100], between, &[61, 101]].concat();
        assert_eq!(parse_with(&mut parser, &bytes).len(), 2, "{between:02X?}");
        assert_eq!(parser.errors().stray_data, 2);
    }
}

#[test]
fn real_time_passes_inside_any_message_at_once() {
    assert_eq!(
        parse(&[0x90, 0xF8, 60, 0xFE, 100, 0xF0, 1, 0xFA, 2, 0xF7]),
        [
            Ump::system(0, 0xF8, 0, 0),
            Ump::system(0, 0xFE, 0, 0),
            Ump::note_on(0, 0, 60, 100),
            Ump::system(0, 0xFA, 0, 0),
            sysex(SYSEX_COMPLETE, &[1, 2]),
        ]
    );
}

#[test]
fn sysex_of_any_length_becomes_packets() {
    assert_eq!(parse(&[0xF0, 0xF7]), [sysex(SYSEX_COMPLETE, &[])]);
    assert_eq!(parse(&[0xF0, 1, 2, 3, 4, 5, 6, 0xF7]), [sysex(SYSEX_COMPLETE, &[1, 2, 3, 4, 5, 6])]);
    assert_eq!(
        parse(&[0xF0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0xF7]),
        [
            sysex(SYSEX_START, &[1, 2, 3, 4, 5, 6]),
            sysex(SYSEX_CONTINUE, &[7, 8, 9, 10, 11, 12]),
            sysex(SYSEX_END, &[13]),
        ]
    );
}

#[test]
fn a_status_byte_ends_a_sysex_that_lacks_its_end() {
    let mut parser = ByteParser::new();
    assert_eq!(
        parse_with(&mut parser, &[0xF0, 1, 2, 3, 4, 5, 6, 7, 0x90, 60, 100]),
        [sysex(SYSEX_START, &[1, 2, 3, 4, 5, 6]), sysex(SYSEX_END, &[7]), Ump::note_on(0, 0, 60, 100),]
    );
    assert_eq!(
        parse_with(&mut parser, &[0xF0, 1, 0xF0, 2, 0xF6]),
        [sysex(SYSEX_COMPLETE, &[1]), sysex(SYSEX_COMPLETE, &[2]), Ump::system(0, 0xF6, 0, 0)]
    );
    assert_eq!(parser.errors().unterminated_sysex, 3);
}

#[test]
fn one_byte_can_end_a_sysex_and_be_a_message() {
    let mut parser = ByteParser::new();
    parser.parse(0, &[0xF0, 1], |_| panic!("nothing is whole yet"));
    let mut second = None;
    let first = parser.push(0, 0xF6, |ump| second = Some(ump));
    assert_eq!(first, Some(sysex(SYSEX_COMPLETE, &[1])));
    assert_eq!(second, Some(Ump::system(0, 0xF6, 0, 0)));
}

#[test]
fn a_stream_that_breaks_off_ends_its_sysex() {
    let mut parser = ByteParser::new();
    assert_eq!(parse_with(&mut parser, &[0xF0, 1, 2, 3, 4, 5, 6, 7]).len(), 1);
    assert!(parser.in_sysex());
    let mut out = Vec::new();
    parser.finish(0, |ump| out.push(ump));
    assert_eq!(out, [sysex(SYSEX_END, &[7])]);
    assert!(!parser.in_sysex());
    assert_eq!(parse_with(&mut parser, &[1, 2, 3]), []);
    assert_eq!(parser.errors().stray_data, 3);
}

#[test]
fn what_is_no_message_is_counted_and_the_stream_goes_on() {
    let mut parser = ByteParser::new();
    assert_eq!(
        parse_with(
            &mut parser,
            &[1, 2, 0xF4, 3, 0xF5, 0xF9, 0xFD, 0xF7, 0x90, 60, 0x80, 60, 64, 0xF2, 1, 0xF8, 0xB0, 1, 2]
        ),
        [Ump::note_off(0, 0, 60, 64), Ump::system(0, 0xF8, 0, 0), Ump::control_change(0, 0, 1, 2)]
    );
    let errors = parser.errors();
    assert_eq!((errors.stray_data, errors.undefined, errors.stray_end, errors.truncated), (3, 4, 1, 2));
    assert_eq!(errors.total(), 10);
}

#[test]
fn an_undefined_real_time_byte_disturbs_nothing() {
    assert_eq!(parse(&[0x90, 60, 0xF9, 100, 0xFD, 61, 101]).len(), 2);
}

#[test]
fn reset_forgets_half_a_message() {
    let mut parser = ByteParser::new();
    parse_with(&mut parser, &[0x90, 60]);
    parser.reset();
    assert_eq!(parse_with(&mut parser, &[100]), []);
}

#[test]
fn packets_become_the_bytes_they_came_from() {
    let bytes = [
        0x80, 60, 1, 0x91, 61, 2, 0xA2, 62, 3, 0xB3, 7, 4, 0xC4, 5, 0xD5, 6, 0xE6, 0, 0x40, 0xF1, 1, 0xF2, 1,
        2, 0xF3, 3, 0xF6, 0xF8, 0xFF, 0xF0, 0xF7, 0xF0, 1, 2, 3, 4, 5, 6, 7, 8, 0xF7,
    ];
    assert_eq!(write(&parse(&bytes)), bytes);
}

#[test]
fn midi_2_is_written_in_the_words_of_midi_1() {
    assert_eq!(write(&[Ump::note_on2(0, 1, 60, 0x0001)]), [0x91, 60, 1]);
    assert_eq!(
        write(&[Ump::rpn2(0, 2, 130, u32::MAX)]),
        [0xB2, 101, 1, 0xB2, 100, 2, 0xB2, 6, 127, 0xB2, 38, 127]
    );
    assert_eq!(write(&[Ump::program_change2(0, 0, 5, Some(0x81))]), [0xB0, 0, 1, 0xB0, 32, 1, 0xC0, 5]);
}

#[test]
fn what_midi_1_has_no_word_for_gives_no_bytes() {
    let nothing = [
        Ump::word(0),
        Ump::new([0x5001_0000, 1, 2, 3]),
        Ump::new([0xD010_0000, 1, 2, 3]),
        Ump::new([0xF000_0000, 1, 2, 3]),
        Ump::word(0x20F0_0000),
        Ump::system(0, 0xF4, 0, 0),
        Ump::midi2(0, 0x6, 0, 60, 0, 5),
    ];
    assert_eq!(write(&nothing), []);
}

#[test]
fn a_foreign_bit_in_a_packet_never_becomes_a_status_byte() {
    let bytes = write(&[Ump::words2(0x3006_80F7, 0xFFFF_FFFF), Ump::word(0x2090_FFFF)]);
    assert_eq!(bytes, [0xF0, 0, 0x77, 0x7F, 0x7F, 0x7F, 0x7F, 0xF7, 0x90, 0x7F, 0x7F]);
}

#[test]
fn running_status_leaves_out_only_what_a_receiver_can_know() {
    let mut writer = ByteWriter::with_running_status();
    let mut out = Vec::new();
    for ump in [
        Ump::note_on(0, 0, 60, 1),
        Ump::note_on(0, 0, 61, 2),
        Ump::system(0, 0xF8, 0, 0),
        Ump::note_on(0, 0, 62, 3),
        Ump::system(0, 0xF6, 0, 0),
        Ump::note_on(0, 0, 63, 4),
        Ump::rpn2(0, 0, 0, 0),
    ] {
        let mut bytes = [0; MAX_BYTES];
        let length = writer.write(&ump, &mut bytes).unwrap();
        out.extend_from_slice(&bytes[..length]);
    }
    assert_eq!(out, [0x90, 60, 1, 61, 2, 0xF8, 62, 3, 0xF6, 0x90, 63, 4, 0xB0, 101, 0, 100, 0, 6, 0, 38, 0]);
}

#[test]
fn a_full_buffer_is_an_error_and_the_message_can_be_written_again() {
    for mut writer in [ByteWriter::new(), ByteWriter::with_running_status()] {
        let ump = Ump::note_on(0, 0, 60, 1);
        assert_eq!(writer.write(&ump, &mut [0; 2]), Err(NoRoom));
        let mut exact = [0; 3];
        assert_eq!(writer.write(&ump, &mut exact), Ok(3));
        assert_eq!(exact, [0x90, 60, 1]);
    }
}
