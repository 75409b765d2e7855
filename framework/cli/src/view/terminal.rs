//! The terminal: taken over for the picture, and given back whatever happens.

use std::io::Stdout;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{cursor, execute};
use ratatui::{Frame, Terminal};

use crate::failure::Failure;

/// Whether the terminal is ours at the moment.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours.
pub(crate) struct Screen(Terminal<CrosstermBackend<Stdout>>);

impl Screen {
    /// Takes the terminal over, and listens to its keys.
    pub(crate) fn open(stop: impl Fn() + Send + 'static) -> Result<Self, Failure> {
        // A panic gives the terminal back before it tells of itself.
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // A plugin's panic is caught, and the picture goes on.
            if matches!(std::thread::current().name(), Some("main" | "picture")) {
                restore();
            }
            before(panic);
        }));
        enable_raw_mode().map_err(failed)?;
        TAKEN.store(true, Ordering::Release);
        let open = || {
            execute!(std::io::stdout(), EnterAlternateScreen, cursor::Hide)?;
            let terminal = Terminal::new(CrosstermBackend::new(std::io::stdout()))?;
            std::thread::Builder::new().name("keys".into()).spawn(move || keys(stop))?;
            Ok(terminal)
        };
        open().map(Self).map_err(|error| {
            restore();
            failed(error)
        })
    }

    /// Draws one picture.
    pub(crate) fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> Result<(), Failure> {
        self.0.draw(picture).map(drop).map_err(failed)
    }

    /// Gives the terminal back.
    pub(crate) fn close(self) {
        restore();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back, if it is ours.
pub(crate) fn restore() {
    if TAKEN.swap(false, Ordering::AcqRel) {
        // Both fail only when the terminal itself is gone.
        let _ = execute!(std::io::stdout(), LeaveAlternateScreen, cursor::Show);
        let _ = disable_raw_mode();
    }
}

/// Waits for the keys that end the program. Ends with it, or with the terminal.
fn keys(stop: impl Fn()) {
    let Ok(keyboard) = Keyboard::open() else { return };
    while let Some(event) = keyboard.next() {
        let Event::Key(key) = event else { continue };
        let control_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        let wanted = control_c || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc);
        if wanted && key.kind != KeyEventKind::Release {
            stop();
        }
    }
}

/// Where keys come from. Whether it is still there is asked each time before it is read: the end of a
/// terminal (its window is closed, the network to it is down) is no event, and reading goes on for ever.
struct Keyboard {
    /// The terminal, where it is not standard input.
    #[cfg(target_os = "linux")]
    terminal: Option<std::fs::File>,
}

impl Keyboard {
    fn open() -> std::io::Result<Self> {
        Ok(Self {
            #[cfg(target_os = "linux")]
            terminal: match std::io::IsTerminal::is_terminal(&std::io::stdin()) {
                true => None,
                false => Some(std::fs::File::open("/dev/tty")?),
            },
        })
    }

    /// The next key, or whatever else the terminal tells; none when it is gone.
    #[cfg(target_os = "linux")]
    fn next(&self) -> Option<Event> {
        use std::os::fd::AsFd;
        let stdin = std::io::stdin();
        let terminal = self.terminal.as_ref().map_or_else(|| stdin.as_fd(), AsFd::as_fd);
        loop {
            // One reading may have brought several keys: they are asked for before more is waited for.
            wait_for_input(terminal, Some(&rustix::event::Timespec::default()))?;
            if event::poll(std::time::Duration::ZERO).ok()? {
                return event::read().ok();
            }
            wait_for_input(terminal, None)?;
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn next(&self) -> Option<Event> {
        event::read().ok()
    }
}

/// Waits until the terminal has something to read, or the time is over; none when it is gone.
#[cfg(target_os = "linux")]
fn wait_for_input(
    terminal: std::os::fd::BorrowedFd<'_>,
    time: Option<&rustix::event::Timespec>,
) -> Option<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    let mut asked = [PollFd::new(&terminal, PollFlags::IN)];
    match poll(&mut asked, time) {
        Ok(_) if asked[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) => None,
        Ok(_) | Err(rustix::io::Errno::INTR) => Some(()),
        Err(_) => None,
    }
}

fn failed(error: std::io::Error) -> Failure {
    Failure::new(format!("the terminal cannot be drawn on: {error}"))
        .help("run without --view, or write it to a file")
}
