//! Plays a piece.

use midibay_plugin::{CommandError, Event, Host, Level, NodeError, Out, Property, Ump};
use midibay_ump::{MidiState, SYSEX_COMPLETE, SYSEX_CONTINUE, SYSEX_END, SYSEX_START};

use crate::command::{Command, refuse};
use crate::config::{Play, Raw, Start};
use crate::failure::io_text;
use crate::smf::{self, MAX_FILE, Piece};

/// How many events go out in one call.
const BATCH: usize = 256;
/// How many events are looked through in one call on the way to another place.
const LOOK: usize = 4096;
/// How often the position is published, ns.
const REPORT: u64 = 100_000_000;
/// The shortest piece that can be looped, ns.
const SHORTEST_LOOP: u64 = 1_000_000;
/// Written speed, in millionths.
const AS_WRITTEN: u64 = 1_000_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Will start by itself as soon as the engine runs.
    Fresh,
    Stopped,
    Playing,
    Ended,
}

impl Phase {
    const fn name(self) -> &'static str {
        match self {
            Self::Fresh | Self::Stopped => "stopped",
            Self::Playing => "playing",
            Self::Ended => "ended",
        }
    }
}

/// At engine time `time` the piece is, or was, or will be, at `position` (ns). Everything is due by this
/// one sum, so that no error adds up.
#[derive(Clone, Copy)]
struct Anchor {
    time: u64,
    position: u64,
}

/// A node that plays a file.
pub(crate) struct Player {
    piece: Piece,
    /// The group of what goes out, 0-15.
    group: u8,
    /// The tracks to play, from 0; all if empty.
    tracks: Vec<u16>,
    /// One for each track: it is silent.
    muted: Box<[bool]>,
    looping: bool,
    /// Millionths.
    speed: u64,
    /// What it waits before it starts by itself, ns.
    lead_in: u64,
    phase: Phase,
    /// The next event.
    next: usize,
    /// Counts while it plays; while it does not, its position is where it stands.
    anchor: Anchor,
    /// What the receivers have got, in group 0.
    current: Box<MidiState>,
    /// What they should have had, where it goes to.
    target: Box<MidiState>,
    /// On the way to another place: how many events have been looked through.
    looked: Option<usize>,
    sysex_open: bool,
    next_report: u64,
    host: Host,
    state: Property,
    position: Property,
}

impl Player {
    /// Plays a Standard MIDI File. `[main]`
    pub(crate) fn song(options: Play, host: Host) -> Result<Self, NodeError> {
        let path = options.path.display().to_string();
        let data = read(&options.path)?;
        let piece = smf::load(&data).map_err(|e| NodeError::fatal(format!("{path}: {e}")))?;
        if options.looping && piece.length < SHORTEST_LOOP {
            return Err(NodeError::fatal(format!("{path} is too short to be looped; take loop out")));
        }
        if let Some(track) = options.tracks.iter().find(|track| usize::from(**track) >= piece.tracks) {
            let (track, last) = (track + 1, piece.tracks);
            return Err(NodeError::fatal(format!(
                "{path} has no track {track}, the last is {last}; correct tracks"
            )));
        }
        Ok(Self::new(piece, options, host))
    }

    /// Sends the messages of a plain file of bytes. `[main]`
    pub(crate) fn bytes(options: Raw, host: Host) -> Result<Self, NodeError> {
        let data = read(&options.path)?;
        let piece = Piece::from_bytes(&data, options.baud)
            .map_err(|e| NodeError::fatal(format!("{}: {e}", options.path.display())))?;
        let options = Play {
            path: options.path,
            group: options.group.unwrap_or(0),
            auto: options.start != Some(Start::Manual),
            lead_in: 0,
            looping: false,
            speed: AS_WRITTEN,
            tracks: Vec::new(),
        };
        Ok(Self::new(piece, options, host))
    }

    fn new(piece: Piece, options: Play, host: Host) -> Self {
        let mut player = Self {
            group: options.group,
            tracks: options.tracks,
            muted: vec![false; piece.tracks].into_boxed_slice(),
            looping: options.looping,
            speed: options.speed,
            lead_in: options.lead_in,
            phase: if options.auto { Phase::Fresh } else { Phase::Stopped },
            next: 0,
            anchor: Anchor { time: 0, position: 0 },
            current: MidiState::boxed(1),
            target: MidiState::boxed(1),
            looked: None,
            sysex_open: false,
            next_report: 0,
            state: host.property("state"),
            position: host.property("position"),
            host,
            piece,
        };
        player.mute();
        player.host.property("path").set_text(&options.path.to_string_lossy());
        player.host.property("length").set_float(player.piece.length as f64 / 1e9);
        player.position.set_float(0.0);
        player.state.set_text(player.phase.name());
        if player.phase == Phase::Fresh {
            // The engine calls `ready` once it runs.
            player.host.waker().wake();
        }
        player
    }

    fn mute(&mut self) {
        self.muted.fill(!self.tracks.is_empty());
        for track in &self.tracks {
            match self.muted.get_mut(usize::from(*track)) {
                Some(muted) => *muted = false,
                None => self.host.log(Level::Warn, "the piece has not as many tracks as the options name"),
            }
        }
    }

    /// The engine runs. `[engine]`
    pub(crate) fn begin(&mut self, now: u64, out: &mut Out) {
        if self.phase == Phase::Fresh {
            self.anchor = Anchor { time: now + self.lead_in, position: 0 };
            self.set_phase(Phase::Playing);
            self.tick(now, out);
        }
    }

    /// `[engine]`
    pub(crate) fn tick(&mut self, now: u64, out: &mut Out) {
        if self.phase != Phase::Playing {
            return;
        }
        match self.look(now, out) {
            true => self.play(now, out),
            false => out.wake_at(now),
        }
    }

    /// `[engine]`
    pub(crate) fn reconfigure(&mut self, options: &mut Play, now: u64, out: &mut Out) {
        if options.speed != self.speed {
            if now > self.anchor.time {
                self.anchor = Anchor { time: now, position: self.position(now) };
            }
            self.speed = options.speed;
        }
        self.looping = options.looping;
        self.lead_in = options.lead_in;
        if options.tracks != self.tracks || options.group != self.group {
            self.release(now, out);
            if options.group != self.group {
                // Those who listen to the new group have heard nothing yet.
                self.group = options.group;
                self.current.clear();
            }
            std::mem::swap(&mut self.tracks, &mut options.tracks);
            self.mute();
            self.catch_up();
        }
        self.tick(now, out);
    }

    /// `[engine]`
    pub(crate) fn command(&mut self, command: &Command, now: u64, out: &mut Out) -> Result<(), CommandError> {
        match *command {
            Command::Start => {
                self.release(now, out);
                self.set_phase(Phase::Playing);
                self.go_to(0, 0, now);
            }
            Command::Stop => {
                if self.phase == Phase::Playing {
                    // What is due by now still goes out, so that nothing is left out when it goes on.
                    self.tick(now, out);
                }
                if self.phase == Phase::Playing {
                    self.anchor = Anchor { time: now, position: self.position(now) };
                    self.set_phase(Phase::Stopped);
                    self.report();
                }
                if self.phase == Phase::Fresh {
                    self.set_phase(Phase::Stopped);
                }
                self.release(now, out);
            }
            Command::Continue => match self.phase {
                Phase::Ended => return Err(CommandError::new("the piece has ended; send start or seek")),
                Phase::Playing => {}
                Phase::Fresh | Phase::Stopped => {
                    self.anchor.time = now;
                    self.set_phase(Phase::Playing);
                    self.catch_up();
                }
            },
            Command::Seek { to } => {
                let length = self.piece.length as f64 / 1e9;
                if !(0.0..=length).contains(&to) {
                    return Err(CommandError::format(format_args!("the piece is 0 to {length:.3} s long")));
                }
                self.release(now, out);
                let to = ((to * 1e9) as u64).min(self.piece.length);
                let next = self.piece.events.partition_point(|event| event.time < to);
                self.go_to(to, next, now);
                if self.phase != Phase::Playing {
                    self.set_phase(Phase::Stopped);
                    self.report();
                }
            }
            Command::Loop { on } => {
                if on && self.piece.length < SHORTEST_LOOP {
                    return Err(refuse("plays something too short to be looped", "the other commands"));
                }
                self.looping = on;
            }
        }
        self.tick(now, out);
        Ok(())
    }

    fn set_phase(&mut self, phase: Phase) {
        self.phase = phase;
        self.next_report = 0;
        self.state.set_text(phase.name());
    }

    /// When a place of the piece is due.
    fn due(&self, position: u64) -> u64 {
        let ahead = position.saturating_sub(self.anchor.position);
        let ahead = match self.speed {
            AS_WRITTEN => ahead,
            speed => (u128::from(ahead) * u128::from(AS_WRITTEN) / u128::from(speed)) as u64,
        };
        self.anchor.time.saturating_add(ahead)
    }

    /// Where in the piece it is, while it plays.
    fn position(&self, now: u64) -> u64 {
        let passed = u128::from(now.saturating_sub(self.anchor.time));
        let moved = passed * u128::from(self.speed) / u128::from(AS_WRITTEN);
        let position = u128::from(self.anchor.position) + moved;
        position.min(u128::from(self.piece.length)) as u64
    }

    fn report(&self) {
        self.position.set_float(self.anchor.position as f64 / 1e9);
    }

    /// Sends what is due, and says when it wants to be called again.
    fn play(&mut self, now: u64, out: &mut Out) {
        for _ in 0..BATCH {
            let due = match self.piece.events.get(self.next) {
                Some(event) => self.due(event.time),
                None => self.due(self.piece.length),
            };
            if due > now {
                if now >= self.next_report {
                    self.position.set_float(self.position(now) as f64 / 1e9);
                    self.next_report = now + REPORT;
                }
                return out.wake_at(due.min(self.next_report));
            }
            if self.next < self.piece.events.len() {
                let event = self.piece.events[self.next];
                self.next += 1;
                if !self.muted[usize::from(event.track)] {
                    self.emit(event.ump(), due, out);
                }
            } else if !self.end(due, out) {
                return;
            }
        }
        // There is more, and others want to be served too.
        out.wake_at(now);
    }

    /// The end of the piece; says whether it goes on from the beginning.
    fn end(&mut self, due: u64, out: &mut Out) -> bool {
        self.release(due, out);
        if self.looping && self.piece.length >= SHORTEST_LOOP {
            self.anchor = Anchor { time: due, position: 0 };
            self.next = 0;
            return true;
        }
        self.anchor = Anchor { time: due, position: self.piece.length };
        self.report();
        self.set_phase(Phase::Ended);
        false
    }

    fn emit(&mut self, ump: Ump, time: u64, out: &mut Out) {
        self.current.apply(&ump);
        if ump.is_sysex() {
            match ump.status() {
                SYSEX_START | SYSEX_CONTINUE => self.sysex_open = true,
                SYSEX_END | SYSEX_COMPLETE => self.sysex_open = false,
                _ => {}
            }
        }
        out.push(Event::new(time, ump.with_group(self.group)));
    }

    /// Releases what it holds: notes, pedals, an open SysEx.
    fn release(&mut self, time: u64, out: &mut Out) {
        let group = self.group;
        if std::mem::take(&mut self.sysex_open) {
            out.push(Event::new(time, Ump::sysex7(group, SYSEX_END, [0; 6], 0)));
        }
        self.current.release_all(|ump| out.push(Event::new(time, ump.with_group(group))));
    }

    /// Goes to a place of the piece, given in ns and as the first event to send there.
    fn go_to(&mut self, position: u64, next: usize, now: u64) {
        self.anchor = Anchor { time: now, position };
        self.next = next;
        self.catch_up();
    }

    /// Before it plays on it looks what controllers, programs and bends are by then.
    fn catch_up(&mut self) {
        if self.phase == Phase::Playing {
            self.target.clear();
            self.looked = Some(0);
        }
    }

    /// Looks through some of the events before the place where it is. Once it has seen them all, brings
    /// the receivers to the state that they would be in, and says so.
    fn look(&mut self, now: u64, out: &mut Out) -> bool {
        let Some(from) = self.looked else { return true };
        let to = self.next.min(from + LOOK);
        for event in &self.piece.events[from..to] {
            let ump = event.ump();
            let note = ump.is_note_on() || ump.is_note_off();
            if !note && !self.muted[usize::from(event.track)] {
                self.target.apply(&ump);
            }
        }
        if to < self.next {
            self.looked = Some(to);
            return false;
        }
        self.looked = None;
        let Self { current, target, group, .. } = self;
        MidiState::diff(current, target, |ump| out.push(Event::new(now, ump.with_group(*group))));
        std::mem::swap(current, target);
        true
    }
}

/// Reads a whole file, within the bound of what can be played.
fn read(path: &std::path::Path) -> Result<Vec<u8>, NodeError> {
    use std::io::Read;
    // Opening a FIFO waits for its writer, and reading a device may never end.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        let path = path.display();
        return Err(NodeError::fatal(format!(
            "{path} is no plain file, and cannot be played; name a MIDI file, or set mode = \"raw\""
        )));
    }
    let open = std::fs::File::open(path);
    let mut data = Vec::new();
    let read = open.and_then(|file| file.take(MAX_FILE as u64 + 1).read_to_end(&mut data));
    match read {
        Ok(_) => Ok(data),
        Err(e) => Err(NodeError::fatal(io_text("read", path, &e))),
    }
}
