//! Which zones an event goes to, and where it is there.

use midibay_plugin::Ump;
use midibay_plugin::follow::Key;

/// A set of zones, one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct ZoneSet(u64);

impl ZoneSet {
    /// The first `count` zones (1-64).
    pub(crate) fn first(count: usize) -> Self {
        Self(u64::MAX >> (64 - count))
    }

    pub(crate) fn add(&mut self, zone: u8) {
        self.0 |= 1 << zone;
    }

    #[inline]
    pub(crate) fn has(self, zone: u8) -> bool {
        self.0 >> zone & 1 != 0
    }
}

impl Iterator for ZoneSet {
    type Item = u8;

    #[inline]
    fn next(&mut self) -> Option<u8> {
        if self.0 == 0 {
            return None;
        }
        let zone = self.0.trailing_zeros() as u8;
        self.0 &= self.0 - 1;
        Some(zone)
    }
}

/// One zone, checked.
pub(crate) struct Zone {
    /// One bit a note.
    pub(crate) notes: u128,
    pub(crate) transpose: i16,
    /// 0-15.
    pub(crate) channel: Option<u8>,
}

/// The options, checked, as tables.
pub struct SplitParams {
    names: Vec<String>,
    zones: Vec<Zone>,
    by_note: Box<[ZoneSet; 128]>,
    by_velocity: Box<[ZoneSet; 128]>,
    controllers: ZoneSet,
    system: ZoneSet,
}

impl SplitParams {
    /// `velocities` has one bit a velocity for each zone.
    pub(crate) fn new(
        names: Vec<String>,
        zones: Vec<Zone>,
        velocities: &[u128],
        controllers: ZoneSet,
        system: ZoneSet,
    ) -> Self {
        let mut by_note = Box::new([ZoneSet::default(); 128]);
        let mut by_velocity = by_note.clone();
        for (i, (zone, velocities)) in zones.iter().zip(velocities).enumerate() {
            for value in 0..128 {
                let sounds = (0..=127).contains(&(value as i16 + zone.transpose));
                if zone.notes >> value & 1 != 0 && sounds {
                    by_note[value].add(i as u8);
                }
                if velocities >> value & 1 != 0 {
                    by_velocity[value].add(i as u8);
                }
            }
        }
        Self { names, zones, by_note, by_velocity, controllers, system }
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The zones that this Note On makes sound. [engine]
    #[inline]
    pub(crate) fn struck(&self, note: u8, ump: &Ump) -> ZoneSet {
        let velocity = match ump.message_type() {
            2 => ump.data2() & 0x7F,
            // The softest MIDI 2.0 notes count as velocity 1: 0 is no velocity in MIDI 1.0.
            _ => ((ump.raw()[1] >> 25) as u8).max(1),
        };
        ZoneSet(self.keyed(note).0 & self.by_velocity[usize::from(velocity)].0)
    }

    /// The zones that have this key. [engine]
    #[inline]
    pub(crate) fn keyed(&self, note: u8) -> ZoneSet {
        self.by_note[usize::from(note)]
    }

    /// The zones that controllers go to. [engine]
    #[inline]
    pub(crate) fn controlled(&self) -> ZoneSet {
        self.controllers
    }

    /// The zones that messages without a channel go to. [engine]
    #[inline]
    pub(crate) fn system(&self) -> ZoneSet {
        self.system
    }

    /// The channel (0-15) on which a zone sends a channel voice message. [engine]
    #[inline]
    pub(crate) fn channel_in(&self, zone: u8, ump: &Ump) -> u8 {
        self.zones[usize::from(zone)].channel.unwrap_or(ump.channel_index() as u8 & 0xF)
    }

    /// Where a note is in a zone that has its key. [engine]
    #[inline]
    pub(crate) fn note_in(&self, zone: u8, key: Key) -> Key {
        let to = &self.zones[usize::from(zone)];
        let note = i16::from(key.number()) + to.transpose;
        Key::note(key.group(), to.channel.unwrap_or(key.channel()), note as u8)
    }

    /// Where a controller goes in a zone, if it goes there. [engine]
    #[inline]
    pub(crate) fn controller_in(&self, zone: u8, key: Key) -> Option<Key> {
        let channel = self.zones[usize::from(zone)].channel.unwrap_or(key.channel());
        self.controllers.has(zone).then(|| Key::controller(key.group(), channel, key.number()))
    }
}
