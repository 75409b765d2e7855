//! What somebody at a terminal sees: a pseudo terminal stands for it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::common::{Peer, folder, free_port, midibay, through, write};
use lab::PATIENCE;

const UP_12: &str = "type = \"transpose\"\nsemitones = 12";

/// A program with a terminal of 100 columns and 40 rows.
struct Session {
    child: Child,
    keyboard: File,
    /// The program's end of the terminal.
    terminal: OwnedFd,
    shown: Arc<Mutex<Vec<u8>>>,
    hung_up: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Session {
    fn start(command: &mut Command) -> Self {
        let size = libc::winsize { ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        let (mut ours, mut theirs) = (-1, -1);
        // SAFETY: the pointers are to live variables; no name and no settings are asked for.
        let done = unsafe {
            libc::openpty(
                &raw mut ours,
                &raw mut theirs,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                (&raw const size).cast_mut(),
            )
        };
        assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
        // The program is not to have our end as well: its terminal would never hang up.
        // SAFETY: the descriptor is open, and nothing but its flag changes.
        assert_eq!(unsafe { libc::fcntl(ours, libc::F_SETFD, libc::FD_CLOEXEC) }, 0);
        // SAFETY: both descriptors are new and nobody else's.
        let (ours, theirs) = unsafe { (File::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) };
        let end = || Stdio::from(theirs.try_clone().unwrap());
        // SAFETY: both calls may be made between fork and exec, and touch nothing of this process.
        unsafe {
            // Ctrl-C becomes a signal only at the terminal that controls the session.
            command.pre_exec(|| {
                match libc::setsid() != -1 && libc::ioctl(0, libc::TIOCSCTTY as _, 0) != -1 {
                    true => Ok(()),
                    false => Err(std::io::Error::last_os_error()),
                }
            });
        }
        let child =
            command.stdin(end()).stdout(end()).stderr(end()).env("TERM", "xterm-256color").spawn().unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut screen, sink) = (ours.try_clone().unwrap(), Arc::clone(&shown));
        let hung_up = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&hung_up);
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut bytes)
                && !over.load(Ordering::Acquire)
            {
                sink.lock().unwrap().extend_from_slice(&bytes[..length]);
            }
        });
        Self { child, keyboard: ours, terminal: theirs, shown, hung_up, reader: Some(reader) }
    }

    /// Closes the window: this end of the terminal goes.
    #[cfg(target_os = "linux")]
    fn hang_up(&mut self) {
        self.hung_up.store(true, Ordering::Release);
        self.keyboard = File::open("/dev/null").unwrap();
        // The reader notices with the next thing that is written, and closes its share.
        File::from(self.terminal.try_clone().unwrap()).write_all(b".").unwrap();
        self.reader.take().unwrap().join().unwrap();
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// Waits for bytes to be written.
    fn wait_for(&self, part: &str) {
        let seen = lab::wait_for(part, PATIENCE, || self.text().contains(part).then_some(()));
        assert!(seen.is_ok(), "{part:?} was not written; the screen:\n{}", screen(&self.text()));
    }

    /// Waits for words to stand on the screen.
    fn wait_until_shown(&self, part: &str) {
        let seen = lab::wait_for(part, PATIENCE, || screen(&self.text()).contains(part).then_some(()));
        assert!(seen.is_ok(), "{part:?} is not shown:\n{}", screen(&self.text()));
    }

    fn press(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).unwrap();
    }

    fn wait(&mut self) -> ExitStatus {
        lab::wait_for("the end", PATIENCE, || self.child.try_wait().unwrap()).unwrap()
    }
}

/// What a terminal shows after this text: of its control sequences only those that place the cursor.
fn screen(text: &str) -> String {
    let mut rows = vec![vec![' '; 100]; 40];
    let (mut row, mut column) = (0, 0);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' => column = 0,
            '\n' => row = (row + 1).min(39),
            '\x1b' if letters.next() == Some('[') => {
                let mut numbers = String::new();
                let end = letters.by_ref().find(|c| {
                    c.is_ascii_alphabetic() || {
                        numbers.push(*c);
                        false
                    }
                });
                if end == Some('H') {
                    let mut place = numbers.split(';').map(|number| number.parse::<usize>().unwrap_or(1) - 1);
                    (row, column) = (place.next().unwrap_or(0).min(39), place.next().unwrap_or(0));
                }
            }
            _ if column < 100 => {
                rows[row][column] = letter;
                column += 1;
            }
            _ => {}
        }
    }
    rows.into_iter().map(|row| row.into_iter().collect::<String>().trim_end().to_owned() + "\n").collect()
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_live_picture_shows_nodes_and_notes_and_gives_the_terminal_back() {
    for keys in [&b"q"[..], b"\x03"] {
        let (folder, mut peer, port) = (folder(), Peer::new(), free_port());
        let graph = write(folder.path(), "show.toml", &through(port, UP_12, &peer));
        let mut session = Session::start(midibay().args(["run", "--view", &graph]));
        session.wait_for("\x1b[?1049h");
        for part in ["midibay  show", "transpose", "health", "nothing has passed yet"] {
            session.wait_until_shown(part);
        }
        peer.send(port, &[0x90, 60, 100]);
        peer.wait_for(&[0x90, 72, 100]);
        let parts = ["from in", "to out", "1 sounding, 1 events", "ch1 note-on 72 (C5) vel 100", "\u{2580}"];
        for part in parts {
            session.wait_until_shown(part);
        }
        session.press(keys);
        assert_eq!(session.wait().code(), Some(0), "{}", screen(&session.text()));
        // What is held is released, also when a key of the picture ends the program.
        peer.wait_for(&[0x80, 72, 64]);
        session.wait_for("\x1b[?1049l");
        session.wait_for("\x1b[?25h");
    }
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let folder = folder();
    let graph = write(folder.path(), "bad.toml", "[graf]\n");
    let mut session = Session::start(midibay().args(["check", &graph]));
    session.wait_for("bad.toml");
    assert_eq!(session.wait().code(), Some(1));
    assert!(session.text().contains("\x1b[1m"), "{:?}", session.text());
    let mut session = Session::start(midibay().args(["check", &graph]).env("NO_COLOR", "1"));
    session.wait_for("bad.toml");
    assert_eq!(session.wait().code(), Some(1));
    assert!(!session.text().contains('\x1b'), "{:?}", session.text());
}

#[test]
fn the_monitor_at_a_terminal_keeps_a_line_of_rates() {
    let (peer, port) = (Peer::new(), free_port());
    let node = format!("ip-midi,listen=127.0.0.1:{port}");
    let mut session = Session::start(midibay().args(["monitor", "--node", &node]));
    session.wait_for("ready");
    peer.send(port, &[0x90, 60, 100]);
    session.wait_for("note-on 60 (C4) vel 100");
    session.wait_for("from ip-midi 1/s  (Ctrl-C ends)");
    session.press(b"\x03");
    assert_eq!(session.wait().code(), Some(0));
    session.wait_for("2 events in ");
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_that_is_closed_neither_ends_the_show_nor_keeps_the_program_busy() {
    let (folder, mut peer, port) = (folder(), Peer::new(), free_port());
    let graph = write(folder.path(), "show.toml", &through(port, UP_12, &peer));
    let mut session = Session::start(midibay().args(["run", "--view", &graph]));
    session.wait_until_shown("nothing has passed yet");
    let tasks = format!("/proc/{}/task", session.child.id());
    let thread = |name: &str| {
        let tasks = std::fs::read_dir(&tasks).unwrap();
        tasks
            .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok())
            .any(|comm| comm.trim() == name)
    };
    assert!(thread("keys"));
    session.hang_up();
    lab::wait_for("nobody waits for keys", PATIENCE, || (!thread("keys")).then_some(())).unwrap();
    peer.send(port, &[0x90, 60, 100]);
    peer.wait_for(&[0x90, 72, 100]);
    let id = libc::pid_t::try_from(session.child.id()).unwrap();
    // SAFETY: plain numbers; the child has not been waited for, so the id is its own.
    assert_eq!(unsafe { libc::kill(id, libc::SIGTERM) }, 0);
    assert_eq!(session.wait().code(), Some(0));
    peer.wait_for(&[0x80, 72, 64]);
}

#[test]
fn a_stalled_terminal_does_not_keep_the_program_from_ending() {
    let (folder, mut peer, port) = (folder(), Peer::new(), free_port());
    let graph = write(folder.path(), "show.toml", &through(port, UP_12, &peer));
    let mut session = Session::start(midibay().args(["run", "--view", &graph]));
    session.wait_until_shown("nothing has passed yet");
    // Ctrl-S of a terminal: what is written waits.
    // SAFETY: the descriptor is open; the call changes nothing else.
    assert_eq!(unsafe { libc::tcflow(session.terminal.as_raw_fd(), libc::TCOOFF) }, 0);
    peer.send(port, &[0x90, 60, 100]);
    peer.wait_for(&[0x90, 72, 100]);
    let id = libc::pid_t::try_from(session.child.id()).unwrap();
    // SAFETY: plain numbers; the child has not been waited for, so the id is its own.
    assert_eq!(unsafe { libc::kill(id, libc::SIGTERM) }, 0);
    assert_eq!(session.wait().code(), Some(0));
    peer.wait_for(&[0x80, 72, 64]);
}
