//! What stands at a path, and how it is opened.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::termios::{ControlModes, OptionalActions};

use crate::config::Direction;

/// The speed of a MIDI cable, bits per second.
const MIDI: u32 = 31_250;

/// What to open.
pub(super) struct Spec {
    pub(super) path: PathBuf,
    pub(super) direction: Direction,
    pub(super) baud: Option<u32>,
}

/// What was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What {
    /// A FIFO.
    Fifo,
    /// A serial line, set to this speed.
    Serial {
        /// Bits per second.
        baud: u32,
    },
    /// Another character device: raw MIDI.
    Device,
}

/// It is open, and does not block.
pub(super) struct Opened {
    pub(super) fd: OwnedFd,
    pub(super) what: What,
}

/// Why it is not open, for a person.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// It may be soon.
    Later(String),
    /// Not before somebody changes the graph or the path.
    Never(String),
}

/// Opens it, without waiting for anybody. `[main]`, or the opener's thread.
pub(super) fn open(spec: &Spec) -> Result<Opened, Failure> {
    let path = spec.path.display();
    let later = |text: String| Failure::Later(text);
    let never = |text: String| Failure::Never(text);
    let found = rustix::fs::stat(&spec.path).map_err(|e| match e {
        Errno::NOENT => later(format!("{path} is not there; plug the device in, or correct the path")),
        e => later(format!("cannot look at {path}: {}", io::Error::from(e))),
    })?;
    let is_fifo = match FileType::from_raw_mode(found.st_mode) {
        FileType::Fifo => true,
        FileType::CharacterDevice => false,
        _ => return Err(never(format!("{path} is no FIFO and no serial or MIDI device; name one"))),
    };
    if is_fifo && spec.direction == Direction::Both {
        return Err(never(format!(
            "{path} is a FIFO, which goes one way: set direction = \"in\" or \"out\""
        )));
    }
    if is_fifo && spec.baud.is_some() {
        return Err(never(format!("{path} is a FIFO, and has no speed: take baud out")));
    }
    let way = match spec.direction {
        Direction::In => OFlags::RDONLY,
        Direction::Out => OFlags::WRONLY,
        Direction::Both => OFlags::RDWR,
    };
    let flags = way | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd = rustix::fs::open(&spec.path, flags, Mode::empty()).map_err(|e| match e {
        Errno::NXIO if is_fifo => later(format!("nobody reads {path}; start its reader")),
        Errno::ACCESS | Errno::PERM => later(format!(
            "{path} may not be opened; add the user that runs this to the group of the device \
             (see ls -l, often dialout or audio) and start again"
        )),
        Errno::BUSY => later(format!("another program has {path} open; close it there")),
        Errno::NOENT | Errno::NODEV | Errno::NXIO => {
            later(format!("{path} is gone; plug the device in again"))
        }
        e => later(format!("cannot open {path}: {}", io::Error::from(e))),
    })?;
    let what = match (is_fifo, rustix::termios::isatty(&fd), spec.baud) {
        (true, ..) => What::Fifo,
        (_, true, baud) => {
            let baud = baud.unwrap_or(MIDI);
            set_line(&fd, baud).map_err(|e| match e {
                Errno::INVAL => {
                    never(format!("{path} cannot do {baud} bits per second; choose another baud"))
                }
                e => later(format!("cannot set {path} up: {}", io::Error::from(e))),
            })?;
            What::Serial { baud }
        }
        (_, false, None) => What::Device,
        (_, false, Some(_)) => {
            return Err(never(format!("{path} is no serial line, and has no speed: take baud out")));
        }
    };
    Ok(Opened { fd, what })
}

/// Eight bits as they are, no echo, no flow control, no modem lines; nobody else opens it meanwhile.
fn set_line(fd: &OwnedFd, baud: u32) -> Result<(), Errno> {
    let mut line = rustix::termios::tcgetattr(fd)?;
    line.make_raw();
    line.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
    line.control_modes &= !(ControlModes::CSTOPB | ControlModes::CRTSCTS);
    line.set_speed(baud)?;
    rustix::termios::tcsetattr(fd, OptionalActions::Now, &line)?;
    rustix::termios::ioctl_tiocexcl(fd)
}

impl Spec {
    /// The last part of the path, for the name of a thread.
    pub(super) fn name(&self) -> String {
        self.path.file_name().map(OsStr::to_string_lossy).unwrap_or_default().into_owned()
    }
}
