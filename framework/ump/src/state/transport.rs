//! Where the song stands.

use crate::Ump;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Transport {
    /// 0-127.
    pub(super) song: Option<u8>,
    /// In sixteenth notes, 14-bit.
    pub(super) position: u16,
    /// Clocks since the position last moved, 0-5.
    pub(super) clocks: u8,
    pub(super) running: bool,
}

impl Transport {
    pub(super) const NEW: Self = Self { song: None, position: 0, clocks: 0, running: false };

    #[inline]
    pub(super) fn apply(&mut self, ump: &Ump) {
        match ump.status() {
            0xF8 if self.running => {
                self.clocks += 1;
                if self.clocks == 6 {
                    self.clocks = 0;
                    self.position = (self.position + 1) & 0x3FFF;
                }
            }
            0xF2 => self.go_to(u16::from(ump.data2() & 0x7F) << 7 | u16::from(ump.data1() & 0x7F)),
            0xF3 => self.song = Some(ump.data1() & 0x7F),
            0xFA => {
                self.go_to(0);
                self.running = true;
            }
            0xFB => self.running = true,
            0xFC => self.running = false,
            0xFF => *self = Self::NEW,
            _ => {}
        }
    }

    fn go_to(&mut self, position: u16) {
        self.position = position;
        self.clocks = 0;
    }

    /// What turns `self` into `to`. Two that both run are left to their clocks.
    pub(super) fn diff(&self, to: &Self, group: u8, sink: &mut impl FnMut(Ump)) {
        if self.running && !to.running {
            sink(Ump::system(group, 0xFC, 0, 0));
        }
        if let Some(song) = to.song
            && self.song != to.song
        {
            sink(Ump::system(group, 0xF3, song, 0));
        }
        if self.running && to.running {
            return;
        }
        if self.position != to.position {
            sink(Ump::system(group, 0xF2, (to.position & 0x7F) as u8, (to.position >> 7) as u8));
        }
        if to.running {
            sink(Ump::system(group, 0xFB, 0, 0));
        }
    }
}
