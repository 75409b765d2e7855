//! What goes through the graphs, as a live picture in the terminal or as lines for a pipe.

mod draw;
mod plain;
mod rates;
mod roll;
pub(crate) mod terminal;

use std::io::IsTerminal;

use midibay::Status;

use crate::failure::Failure;
use crate::say;
use crate::tap::{self, Taps};
pub(crate) use plain::Plain;
use rates::Rates;
use roll::Rolls;
use terminal::Screen;

/// The live picture.
pub(crate) struct View {
    screen: Screen,
    rates: Rates,
    rolls: Rolls,
}

impl View {
    /// Whether there is a terminal to draw on.
    pub(crate) fn possible() -> bool {
        std::io::stdout().is_terminal()
    }

    /// Takes over the terminal. `stop` is called, on another thread, when somebody presses q, Esc or
    /// Ctrl-C.
    ///
    /// # Errors
    /// The terminal cannot be drawn on.
    pub(crate) fn start(stop: impl Fn() + Send + 'static) -> Result<Self, Failure> {
        let screen = Screen::open(stop)?;
        say::into_picture();
        Ok(Self { screen, rates: Rates::default(), rolls: Rolls::default() })
    }

    /// Takes in what was caught since the last time, and draws.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(crate) fn draw(&mut self, statuses: &[Status], taps: &Taps) -> Result<(), Failure> {
        while let Some(caught) = tap::next() {
            self.rolls.take(taps.place(caught.tap), &caught.event);
        }
        self.rolls.step();
        self.rates.take(statuses);
        let said = say::last_lines(6);
        self.screen.draw(|frame| draw::picture(frame, statuses, &self.rates, &self.rolls, &said))
    }

    /// Gives the terminal back.
    pub(crate) fn end(self) {
        self.screen.close();
        say::out_of_picture();
    }
}
