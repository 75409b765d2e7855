//! A state as bytes.
//!
//! Numbers of several bytes are big-endian; counted lists are in ascending order of their first field.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `MST1` |
//! | 2 | a bit a group: it speaks MIDI 2.0 |
//! | 1 | how many group records follow |
//! | 6 each | group; song (FF is none); position (2); clocks; running (0 or 1) |
//! | 1 or more each, to the end | channel: `group << 4 | channel`, then a byte of flags, then what the flags name |
//!
//! | flag | what follows |
//! |---|---|
//! | 01 | count; note (1), velocity for each |
//! | 02 | count - 1; controller (1), value for each |
//! | 04 | program (1), bank (2; FFFF is none) |
//! | 08 | bend: value |
//! | 10 | pressure: value |
//! | 20 | count; note (1), pressure: value for each; only notes that sound |
//! | 40 | count; kind and number (2), value for each, in the order they came |
//! | 80 | selected parameter: kind and number (2) |
//!
//! A value is one byte if it is a 7-bit value scaled up, else two (`10` and 14 bits) if it is a
//! 14-bit one scaled up, else C0 and four. A velocity is one byte or C0 and two.

use alloc::vec::Vec;

use super::MidiState;
use super::channel::{CENTRE, Channel, Program, each_bit, keeps};
use super::parameters::PARAMETERS;
use super::transport::Transport;
use crate::parameter::{NULL, Selected};
use crate::scale::{scale_7_to_16, scale_7_to_32, scale_14_to_32};

const MAGIC: [u8; 4] = *b"MST1";
/// The most bytes of a channel: all notes, controllers, pressures and parameters with wide values.
const CHANNEL_BOUND: usize = 2 + (1 + 128 * 4) + 2 * (1 + 128 * 6) + 3 + 2 * 5 + (1 + PARAMETERS * 7) + 2;
const WIDE: u8 = 0xC0;

/// Why bytes are no snapshot that can be restored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SnapshotError {
    /// They do not begin like one of this version.
    NotASnapshot,
    /// They end in the middle.
    Truncated,
    /// A field has a value that no snapshot has.
    Invalid,
    /// It has groups that the state does not keep.
    GroupOutOfRange,
}

impl core::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NotASnapshot => "not a MIDI state snapshot, or one of another version: update both ends",
            Self::Truncated => "the MIDI state snapshot ends too early: ask for it again",
            Self::Invalid => "the MIDI state snapshot is damaged: ask for it again",
            Self::GroupOutOfRange => "the MIDI state snapshot has more groups than this end keeps",
        })
    }
}

impl core::error::Error for SnapshotError {}

impl MidiState {
    /// The most bytes a snapshot of this state can have; usual ones have some hundred.
    pub fn snapshot_bound(&self) -> usize {
        7 + self.transports.len() * 6 + self.channels.len() * CHANNEL_BOUND
    }

    /// Appends the state as bytes to `out`. It allocates only if `out` has too little room. `[engine]`
    pub fn snapshot(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.midi2.to_be_bytes());
        let used = || self.transports.iter().enumerate().filter(|(_, it)| **it != Transport::NEW);
        out.push(used().count() as u8);
        for (group, transport) in used() {
            let [high, low] = transport.position.to_be_bytes();
            let song = transport.song.unwrap_or(0xFF);
            out.extend_from_slice(&[
                group as u8,
                song,
                high,
                low,
                transport.clocks,
                u8::from(transport.running),
            ]);
        }
        for (index, channel) in self.channels.iter().enumerate() {
            if channel.touched {
                write_channel(index as u8, channel, out);
            }
        }
    }

    /// Replaces the state by the one in `bytes`. `[engine]`
    ///
    /// # Errors
    /// The bytes are not a whole, valid snapshot of groups that this state keeps. Then the state
    /// stays as it was.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let groups = self.groups();
        read(bytes, groups, |_, _| {}, |_, _| {})?;
        self.clear();
        let Self { channels, transports, .. } = self;
        self.midi2 = read(
            bytes,
            groups,
            |group, transport| transports[group] = transport,
            |index, channel| channels[index] = channel.clone(),
        )?;
        Ok(())
    }
}

fn write_channel(index: u8, channel: &Channel, out: &mut Vec<u8>) {
    let entries = channel.parameters.entries();
    let selected = match channel.parameters.selected {
        Selected::Nothing => None,
        Selected::Registered(number) => Some(1 << 14 | number),
        Selected::Assignable(number) => Some(number),
    };
    let parts = [
        channel.notes != 0,
        channel.known != 0,
        channel.program.is_some(),
        channel.bend != CENTRE,
        channel.pressure != 0,
        channel.pressed != 0,
        !entries.is_empty(),
        selected.is_some(),
    ];
    out.push(index);
    out.push(parts.iter().rev().fold(0, |flags, part| flags << 1 | u8::from(*part)));
    if channel.notes != 0 {
        out.push(channel.notes.count_ones() as u8);
        each_bit(channel.notes, |note| {
            out.push(note);
            write_velocity(channel.velocity(note).unwrap_or(0), out);
        });
    }
    if channel.known != 0 {
        out.push((channel.known.count_ones() - 1) as u8);
        each_bit(channel.known, |controller| {
            out.push(controller);
            write_value(channel.controller(controller).unwrap_or(0), out);
        });
    }
    if let Some(Program { program, bank }) = channel.program {
        out.push(program);
        out.extend_from_slice(&bank.unwrap_or(u16::MAX).to_be_bytes());
    }
    if channel.bend != CENTRE {
        write_value(channel.bend, out);
    }
    if channel.pressure != 0 {
        write_value(channel.pressure, out);
    }
    if channel.pressed != 0 {
        out.push(channel.pressed.count_ones() as u8);
        each_bit(channel.pressed, |note| {
            out.push(note);
            write_value(channel.poly_pressure(note), out);
        });
    }
    if !entries.is_empty() {
        out.push(entries.len() as u8);
        for (key, value) in entries {
            out.extend_from_slice(&key.to_be_bytes());
            write_value(*value, out);
        }
    }
    if let Some(selected) = selected {
        out.extend_from_slice(&selected.to_be_bytes());
    }
}

fn write_value(value: u32, out: &mut Vec<u8>) {
    let (seven, fourteen) = ((value >> 25) as u8, (value >> 18) as u16);
    if scale_7_to_32(seven) == value {
        out.push(seven);
    } else if scale_14_to_32(fourteen) == value {
        out.extend_from_slice(&(0x8000 | fourteen).to_be_bytes());
    } else {
        out.push(WIDE);
        out.extend_from_slice(&value.to_be_bytes());
    }
}

fn write_velocity(velocity: u16, out: &mut Vec<u8>) {
    let seven = (velocity >> 9) as u8;
    if scale_7_to_16(seven) == velocity {
        out.push(seven);
    } else {
        out.push(WIDE);
        out.extend_from_slice(&velocity.to_be_bytes());
    }
}

/// Reads a snapshot and calls back with each transport and channel in it; gives the groups that
/// speak MIDI 2.0.
fn read(
    bytes: &[u8],
    groups: u8,
    mut transport: impl FnMut(usize, Transport),
    mut channel: impl FnMut(usize, &Channel),
) -> Result<u16, SnapshotError> {
    let mut reader = Reader(bytes.strip_prefix(&MAGIC).ok_or(SnapshotError::NotASnapshot)?);
    let midi2 = reader.u16()?;
    if u32::from(midi2) >> groups != 0 {
        return Err(SnapshotError::GroupOutOfRange);
    }
    let mut group = Ascending::below(groups.into(), SnapshotError::GroupOutOfRange);
    for _ in 0..reader.u8()? {
        let group = group.next(reader.u8()?)?;
        transport(group.into(), reader.transport()?);
    }
    let mut index = Ascending::below(u16::from(groups) * 16, SnapshotError::GroupOutOfRange);
    let mut scratch = Channel::NEW;
    while !reader.0.is_empty() {
        let index = index.next(reader.u8()?)?;
        scratch.clone_from(&Channel::NEW);
        reader.channel(&mut scratch)?;
        channel(index.into(), &scratch);
    }
    Ok(midi2)
}

/// Checks that numbers come in ascending order and stay below a limit.
struct Ascending {
    next: u16,
    limit: u16,
    beyond: SnapshotError,
}

impl Ascending {
    fn below(limit: u16, beyond: SnapshotError) -> Self {
        Self { next: 0, limit, beyond }
    }

    fn next(&mut self, number: u8) -> Result<u8, SnapshotError> {
        if u16::from(number) >= self.limit {
            return Err(self.beyond);
        }
        ensure(u16::from(number) >= self.next)?;
        self.next = u16::from(number) + 1;
        Ok(number)
    }
}

fn ensure(valid: bool) -> Result<(), SnapshotError> {
    if valid { Ok(()) } else { Err(SnapshotError::Invalid) }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(SnapshotError::Truncated)?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn u8(&mut self) -> Result<u8, SnapshotError> {
        self.take().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Result<u16, SnapshotError> {
        self.take().map(u16::from_be_bytes)
    }

    fn value(&mut self) -> Result<u32, SnapshotError> {
        let first = self.u8()?;
        match first {
            0x00..=0x7F => Ok(scale_7_to_32(first)),
            0x80..=0xBF => Ok(scale_14_to_32(u16::from(first & 0x3F) << 8 | u16::from(self.u8()?))),
            WIDE => self.take().map(u32::from_be_bytes),
            _ => Err(SnapshotError::Invalid),
        }
    }

    fn velocity(&mut self) -> Result<u16, SnapshotError> {
        match self.u8()? {
            seven @ 0x00..=0x7F => Ok(scale_7_to_16(seven)),
            WIDE => self.u16(),
            _ => Err(SnapshotError::Invalid),
        }
    }

    fn transport(&mut self) -> Result<Transport, SnapshotError> {
        let [song, high, low, clocks, running] = self.take()?;
        let position = u16::from_be_bytes([high, low]);
        ensure(song < 0x80 || song == 0xFF)?;
        ensure(position < 0x4000 && clocks < 6 && running < 2)?;
        Ok(Transport { song: (song < 0x80).then_some(song), position, clocks, running: running == 1 })
    }

    fn channel(&mut self, channel: &mut Channel) -> Result<(), SnapshotError> {
        channel.touched = true;
        let flags = self.u8()?;
        let has = |bit: u8| flags & bit != 0;
        if has(0x01) {
            let mut order = Ascending::below(128, SnapshotError::Invalid);
            for _ in 0..self.u8()? {
                let note = order.next(self.u8()?)?;
                channel.set_note(note, self.velocity()?);
            }
        }
        if has(0x02) {
            let mut order = Ascending::below(128, SnapshotError::Invalid);
            for _ in 0..=self.u8()? {
                let controller = order.next(self.u8()?)?;
                ensure(keeps(controller))?;
                channel.set_controller(controller, self.value()?);
            }
        }
        if has(0x04) {
            let program = self.u8()?;
            let bank = self.u16()?;
            ensure(program < 0x80 && (bank < 0x4000 || bank == u16::MAX))?;
            channel.program = Some(Program { program, bank: (bank < 0x4000).then_some(bank) });
        }
        if has(0x08) {
            channel.bend = self.value()?;
        }
        if has(0x10) {
            channel.pressure = self.value()?;
        }
        if has(0x20) {
            let mut order = Ascending::below(128, SnapshotError::Invalid);
            for _ in 0..self.u8()? {
                let note = order.next(self.u8()?)?;
                ensure(channel.velocity(note).is_some())?;
                channel.set_pressure(note, self.value()?);
            }
        }
        if has(0x40) {
            let count = self.u8()?;
            ensure(usize::from(count) <= PARAMETERS)?;
            for _ in 0..count {
                let key = self.u16()?;
                ensure(key < 0x8000 && key & NULL != NULL && channel.parameters.value(key).is_none())?;
                channel.parameters.set(key, self.value()?);
            }
        }
        if has(0x80) {
            let key = self.u16()?;
            ensure(key < 0x8000)?;
            channel.parameters.selected =
                if key >> 14 != 0 { Selected::Registered(key & 0x3FFF) } else { Selected::Assignable(key) };
        }
        Ok(())
    }
}
