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

/// Waits for the keys that end the program. Ends with it.
fn keys(stop: impl Fn()) {
    while let Ok(event) = event::read() {
        let Event::Key(key) = event else { continue };
        let control_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        let wanted = control_c || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc);
        if wanted && key.kind != KeyEventKind::Release {
            stop();
        }
    }
}

fn failed(error: std::io::Error) -> Failure {
    Failure::new(format!("the terminal cannot be drawn on: {error}"))
        .help("run without --view, or write it to a file")
}
