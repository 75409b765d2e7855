//! Held against the `midi2` crate, an independent implementation of the packet formats: what it
//! builds is read here, what is built here it reads, and translated messages have the fields there
//! that the standard asks for.

use midi2::channel_voice1 as cv1;
use midi2::channel_voice2 as cv2;
use midi2::prelude::*;
use midi2::ux::{u4, u7, u14};
use midibay_ump::scale::scale_up;
use midibay_ump::{
    ByteParser, MAX_BYTES, Message, Midi1To2, Midi1Voice, Midi2Voice, SysexCollector, System, Ump, encode,
    sysex_packets, to_midi1,
};
use proptest::prelude::*;

/// The packet of words built by the other implementation.
fn ours(words: &[u32]) -> Ump {
    let mut raw = [0; 4];
    raw[..words.len()].copy_from_slice(words);
    Ump::new(raw)
}

/// MIDI 1.0 channel messages as the other implementation builds them: words and bytes.
fn midi1() -> impl Strategy<Value = (Vec<u32>, Vec<u8>, Message)> {
    (0..7, 0..16_u8, 0..16_u8, 0..128_u8, 0..128_u8).prop_map(|(what, group, channel, a, b)| {
        macro_rules! build {
            ($kind:ident, $($set:ident = $value:expr),*) => {{
                let mut message = cv1::$kind::<[u32; 4]>::new();
                message.set_group(u4::new(group));
                message.set_channel(u4::new(channel));
                $(message.$set($value);)*
                let bytes: cv1::$kind<Vec<u8>> = message.clone().into_bytes();
                (message.data().to_vec(), bytes.data().to_vec())
            }};
        }
        let (note, value) = (u7::new(a), u7::new(b));
        let bend = u16::from(b) << 7 | u16::from(a);
        let ((words, bytes), voice) = match what {
            0 => (
                build!(NoteOff, set_note_number = note, set_velocity = value),
                Midi1Voice::NoteOff { note: a, velocity: b },
            ),
            1 => (
                build!(NoteOn, set_note_number = note, set_velocity = value),
                Midi1Voice::NoteOn { note: a, velocity: b },
            ),
            2 => (
                build!(KeyPressure, set_note_number = note, set_pressure = value),
                Midi1Voice::PolyPressure { note: a, pressure: b },
            ),
            3 => (
                build!(ControlChange, set_control = note, set_control_data = value),
                Midi1Voice::ControlChange { controller: a, value: b },
            ),
            4 => (build!(ProgramChange, set_program = note), Midi1Voice::ProgramChange { program: a }),
            5 => (build!(ChannelPressure, set_pressure = note), Midi1Voice::ChannelPressure { pressure: a }),
            _ => (build!(PitchBend, set_bend = u14::new(bend)), Midi1Voice::PitchBend { value: bend }),
        };
        (words, bytes, Message::Midi1 { group, channel, voice })
    })
}

/// MIDI 2.0 channel messages as the other implementation builds them.
fn midi2_voice() -> impl Strategy<Value = (Vec<u32>, Message)> {
    (0..16, 0..16_u8, 0..16_u8, 0..128_u8, 0..128_u8, any::<u32>()).prop_map(
        |(what, group, channel, note, index, value)| {
            macro_rules! build {
                ($kind:ident, $($set:ident = $value:expr),*) => {{
                    let mut message = cv2::$kind::<[u32; 4]>::new();
                    message.set_group(u4::new(group));
                    message.set_channel(u4::new(channel));
                    $(message.$set($value);)*
                    message.data().to_vec()
                }};
            }
            let velocity = (value >> 16) as u16;
            let number = u16::from(note) << 7 | u16::from(index);
            let bank = (value & 1 == 0).then_some(number);
            // That crate writes the two halves of a bank the wrong way round (M2-104-UM 7.4.9 has
            // the MSB first), so it is given them swapped.
            let swapped = bank.map(|_| u14::new(u16::from(index) << 7 | u16::from(note)));
            let (n, i) = (u7::new(note), u7::new(index));
            let (words, voice) = match what {
                0 => (
                    build!(NoteOff, set_note_number = n, set_velocity = velocity),
                    Midi2Voice::NoteOff { note, velocity, attribute: 0, data: 0 },
                ),
                1 => (
                    build!(NoteOn, set_note_number = n, set_velocity = velocity),
                    Midi2Voice::NoteOn { note, velocity, attribute: 0, data: 0 },
                ),
                2 => (
                    build!(
                        NoteOn,
                        set_note_number = n,
                        set_velocity = velocity,
                        set_attribute = Some(cv2::NoteAttribute::ManufacturerSpecific(value as u16))
                    ),
                    Midi2Voice::NoteOn { note, velocity, attribute: 1, data: value as u16 },
                ),
                3 => (
                    build!(KeyPressure, set_note_number = n, set_key_pressure_data = value),
                    Midi2Voice::PolyPressure { note, pressure: value },
                ),
                4 => (
                    build!(ControlChange, set_control = n, set_control_change_data = value),
                    Midi2Voice::ControlChange { controller: note, value },
                ),
                5 | 6 => (
                    build!(ProgramChange, set_program = n, set_bank = swapped),
                    Midi2Voice::ProgramChange { program: note, bank },
                ),
                7 => (
                    build!(ChannelPressure, set_channel_pressure_data = value),
                    Midi2Voice::ChannelPressure { pressure: value },
                ),
                8 => (build!(ChannelPitchBend, set_pitch_bend_data = value), Midi2Voice::PitchBend { value }),
                9 => (
                    build!(RegisteredController, set_bank = n, set_index = i, set_controller_data = value),
                    Midi2Voice::Rpn { number, value },
                ),
                10 => (
                    build!(AssignableController, set_bank = n, set_index = i, set_controller_data = value),
                    Midi2Voice::Nrpn { number, value },
                ),
                11 => (
                    build!(
                        RelativeRegisteredController,
                        set_bank = n,
                        set_index = i,
                        set_controller_data = value
                    ),
                    Midi2Voice::RelativeRpn { number, value: value as i32 },
                ),
                12 => (
                    build!(
                        RelativeAssignableController,
                        set_bank = n,
                        set_index = i,
                        set_controller_data = value
                    ),
                    Midi2Voice::RelativeNrpn { number, value: value as i32 },
                ),
                13 => (
                    build!(PerNotePitchBend, set_note_number = n, set_pitch_bend_data = value),
                    Midi2Voice::PerNotePitchBend { note, value },
                ),
                14 => (
                    build!(
                        AssignablePerNoteController,
                        set_note_number = n,
                        set_index = index,
                        set_controller_data = value
                    ),
                    Midi2Voice::AssignablePerNote { note, index, value },
                ),
                // That crate has the two flags the wrong way round as well (M2-104-UM 7.4.5: D is bit
                // 1 and S is bit 0).
                _ => (
                    build!(
                        PerNoteManagement,
                        set_note_number = n,
                        set_detach = value & 2 != 0,
                        set_reset = value & 1 != 0
                    ),
                    Midi2Voice::PerNoteManagement { note, detach: value & 1 != 0, reset: value & 2 != 0 },
                ),
            };
            (words, Message::Midi2 { group, channel, voice })
        },
    )
}

proptest! {
    #[test]
    fn midi_1_messages_are_the_same_in_words_and_in_bytes((words, bytes, message) in midi1()) {
        prop_assert_eq!(Message::decode(&ours(&words)), message);
        prop_assert_eq!(message.encode(), ours(&words));
        let mut out = [0; MAX_BYTES];
        let length = encode(&ours(&words), &mut out);
        prop_assert_eq!(&out[..length], &bytes[..]);
        let mut read = None;
        ByteParser::new().parse(ours(&words).group(), &bytes, |ump| read = Some(ump));
        prop_assert_eq!(read, Some(ours(&words)));
    }

    #[test]
    fn midi_2_messages_are_the_same_in_words((words, message) in midi2_voice()) {
        prop_assert_eq!(Message::decode(&ours(&words)), message);
        prop_assert_eq!(message.encode(), ours(&words));
    }

    #[test]
    fn sysex_is_cut_and_joined_the_same(group in 0..16_u8, bytes in prop::collection::vec(0..128_u8, 0..80)) {
        let mut theirs = sysex7::Sysex7::<Vec<u32>>::new();
        theirs.set_payload(bytes.iter().copied().map(u7::new));
        theirs.set_group(u4::new(group));
        let packets: Vec<Ump> = theirs.data().chunks(2).map(ours).collect();
        prop_assert_eq!(sysex_packets(group, &bytes).collect::<Vec<_>>(), packets.clone());
        let mut collector = SysexCollector::new(80);
        let joined = packets.iter().find_map(|ump| collector.push(ump).map(<[u8]>::to_vec));
        prop_assert_eq!(joined, Some(bytes.clone()));
        let in_bytes: sysex7::Sysex7<Vec<u8>> = theirs.into_bytes();
        let mut read = Vec::new();
        ByteParser::new().parse(group, in_bytes.data(), |ump| read.push(ump));
        prop_assert_eq!(read, packets);
    }

    #[test]
    fn what_is_translated_up_has_the_fields_the_standard_asks_for((words, _, message) in midi1()) {
        let Message::Midi1 { group, channel, voice } = message else { unreachable!() };
        let Some(translated) = Midi1To2::boxed().translate(&ours(&words)) else {
            // Banks and parameters are gathered.
            let gathered = matches!(voice, Midi1Voice::ControlChange { controller: 0 | 32 | 98..=101, .. });
            prop_assert!(gathered);
            return Ok(());
        };
        let theirs = cv2::ChannelVoice2::try_from(translated.words()).unwrap();
        prop_assert_eq!((theirs.group(), theirs.channel()), (u4::new(group), u4::new(channel)));
        let up = |value: u8, bits| scale_up(value.into(), 7, bits);
        let same = match (theirs, voice) {
            (cv2::ChannelVoice2::NoteOff(m), Midi1Voice::NoteOff { note, velocity }) => {
                m.note_number() == u7::new(note) && u32::from(m.velocity()) == up(velocity, 16)
            }
            (cv2::ChannelVoice2::NoteOff(m), Midi1Voice::NoteOn { note, velocity: 0 }) => {
                m.note_number() == u7::new(note) && m.velocity() == 0x8000
            }
            (cv2::ChannelVoice2::NoteOn(m), Midi1Voice::NoteOn { note, velocity }) => {
                m.note_number() == u7::new(note) && u32::from(m.velocity()) == up(velocity, 16)
            }
            (cv2::ChannelVoice2::KeyPressure(m), Midi1Voice::PolyPressure { note, pressure }) => {
                m.note_number() == u7::new(note) && m.key_pressure_data() == up(pressure, 32)
            }
            (cv2::ChannelVoice2::ControlChange(m), Midi1Voice::ControlChange { controller, value }) => {
                m.control() == u7::new(controller) && m.control_change_data() == up(value, 32)
            }
            (cv2::ChannelVoice2::ProgramChange(m), Midi1Voice::ProgramChange { program }) => {
                m.program() == u7::new(program) && m.bank().is_none()
            }
            (cv2::ChannelVoice2::ChannelPressure(m), Midi1Voice::ChannelPressure { pressure }) => {
                m.channel_pressure_data() == up(pressure, 32)
            }
            (cv2::ChannelVoice2::ChannelPitchBend(m), Midi1Voice::PitchBend { value }) => {
                m.pitch_bend_data() == scale_up(value.into(), 14, 32)
            }
            _ => false,
        };
        prop_assert!(same, "{} became {}", ours(&words), translated);
    }

    #[test]
    fn what_is_translated_down_has_the_fields_the_standard_asks_for((words, message) in midi2_voice()) {
        let Message::Midi2 { group, channel, voice } = message else { unreachable!() };
        let translated = to_midi1(&ours(&words));
        let mut controls = Vec::new();
        for ump in translated.iter() {
            let theirs = cv1::ChannelVoice1::try_from(ump.words()).unwrap();
            prop_assert_eq!((theirs.group(), theirs.channel()), (u4::new(group), u4::new(channel)));
            let same = match (theirs, voice) {
                (cv1::ChannelVoice1::NoteOff(m), Midi2Voice::NoteOff { note, velocity, .. }) => {
                    m.note_number() == u7::new(note) && u16::from(u8::from(m.velocity())) == velocity >> 9
                }
                (cv1::ChannelVoice1::NoteOn(m), Midi2Voice::NoteOn { note, velocity, .. }) => {
                    m.note_number() == u7::new(note) && u16::from(u8::from(m.velocity())) == (velocity >> 9).max(1)
                }
                (cv1::ChannelVoice1::KeyPressure(m), Midi2Voice::PolyPressure { note, pressure }) => {
                    m.note_number() == u7::new(note) && u32::from(u8::from(m.pressure())) == pressure >> 25
                }
                (cv1::ChannelVoice1::ProgramChange(m), Midi2Voice::ProgramChange { program, .. }) => {
                    m.program() == u7::new(program)
                }
                (cv1::ChannelVoice1::ChannelPressure(m), Midi2Voice::ChannelPressure { pressure }) => {
                    u32::from(u8::from(m.pressure())) == pressure >> 25
                }
                (cv1::ChannelVoice1::PitchBend(m), Midi2Voice::PitchBend { value }) => {
                    u32::from(u16::from(m.bend())) == value >> 18
                }
                (cv1::ChannelVoice1::ControlChange(m), _) => {
                    controls.push((u8::from(m.control()), u8::from(m.control_data())));
                    true
                }
                _ => false,
            };
            prop_assert!(same, "{} became {}", ours(&words), ump);
        }
        let halves = |number: u16| ((number >> 7) as u8, (number & 0x7F) as u8);
        let data = |value: u32| halves((value >> 18) as u16);
        let expected = match voice {
            Midi2Voice::ControlChange { controller, value } => vec![(controller, (value >> 25) as u8)],
            Midi2Voice::ProgramChange { bank: Some(bank), .. } => {
                vec![(0, halves(bank).0), (32, halves(bank).1)]
            }
            Midi2Voice::Rpn { number, value } => {
                let (number, data) = (halves(number), data(value));
                vec![(101, number.0), (100, number.1), (6, data.0), (38, data.1)]
            }
            Midi2Voice::Nrpn { number, value } => {
                let (number, data) = (halves(number), data(value));
                vec![(99, number.0), (98, number.1), (6, data.0), (38, data.1)]
            }
            _ => vec![],
        };
        prop_assert_eq!(controls, expected);
    }
}

#[test]
fn system_messages_are_the_same_in_words() {
    let mut position = system_common::SongPositionPointer::<[u32; 4]>::new();
    position.set_position(u14::new(0x1234));
    position.set_group(u4::new(3));
    assert_eq!(
        Message::decode(&ours(position.data())),
        Message::System { group: 3, message: System::SongPosition(0x1234) }
    );
    assert_eq!(ours(system_common::TimingClock::<[u32; 4]>::new().data()), Ump::system(0, 0xF8, 0, 0));
    assert_eq!(ours(system_common::Reset::<[u32; 4]>::new().data()), Ump::system(0, 0xFF, 0, 0));
    assert_eq!(ours(system_common::TuneRequest::<[u32; 4]>::new().data()), Ump::system(0, 0xF6, 0, 0));
}
