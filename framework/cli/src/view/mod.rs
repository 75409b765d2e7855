//! What goes through the graphs, as a live picture in the terminal or as lines for a pipe.

mod draw;
mod plain;
mod rates;
mod roll;
pub(crate) mod terminal;

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use midibay::Status;

use crate::failure::Failure;
use crate::say;
use crate::tap::{self, Place, Taps};
pub(crate) use plain::Plain;
use rates::Rates;
use roll::Rolls;
use terminal::Screen;

/// How long the terminal may take to be given back. One that is stalled would never.
const PATIENCE: Duration = Duration::from_millis(500);

/// The live picture. It is drawn on a thread of its own: a terminal that is stalled (Ctrl-S, a network
/// that is down) stops the picture and nothing else.
pub(crate) struct View {
    scenes: SyncSender<Scene>,
    end: Receiver<Result<(), Failure>>,
}

/// How everything is, and where the taps are.
struct Scene {
    statuses: Vec<Status>,
    places: Arc<Vec<Place>>,
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
        let (scenes, shown) = sync_channel(1);
        let (tell, end) = sync_channel(1);
        let draw = move || {
            let done = draw_all(screen, &shown);
            // Nobody may wait for it any more.
            let _ = tell.send(done);
        };
        match std::thread::Builder::new().name("picture".into()).spawn(draw) {
            Ok(_) => Ok(Self { scenes, end }),
            Err(error) => {
                terminal::restore();
                say::out_of_picture();
                Err(Failure::new(format!("the picture cannot be drawn: {error}")))
            }
        }
    }

    /// Has it drawn, unless it is still at the last picture.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(crate) fn draw(&self, statuses: Vec<Status>, taps: &Taps) -> Result<(), Failure> {
        match self.scenes.try_send(Scene { statuses, places: taps.places() }) {
            Ok(()) | Err(TrySendError::Full(_)) => Ok(()),
            Err(TrySendError::Disconnected(_)) => match self.end.try_recv() {
                Ok(Err(failure)) => Err(failure),
                _ => Err(Failure::new("the picture ended by itself")),
            },
        }
    }

    /// Gives the terminal back.
    pub(crate) fn end(self) {
        drop(self.scenes);
        // A stalled terminal stays as it is; the program ends all the same.
        let _ = self.end.recv_timeout(PATIENCE);
        say::out_of_picture();
    }
}

/// Draws scene after scene, until there are no more.
fn draw_all(mut screen: Screen, scenes: &Receiver<Scene>) -> Result<(), Failure> {
    let (mut rates, mut rolls) = (Rates::default(), Rolls::default());
    for Scene { statuses, places } in scenes {
        while let Some(caught) = tap::next() {
            if let Some(place) = places.get(caught.tap as usize) {
                rolls.take(place, &caught.event);
            }
        }
        rolls.step();
        rates.take(&statuses);
        let said = say::last_lines(6);
        screen.draw(|frame| draw::picture(frame, &statuses, &rates, &rolls, &said))?;
    }
    screen.close();
    Ok(())
}
