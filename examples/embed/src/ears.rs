//! Takes what comes out of a graph from the engine's thread to the app's.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_queue::ArrayQueue;
use midibay_ump::Event;

/// Events on their way to the app. The engine never waits for room: what finds none is left out.
pub struct Ears(Arc<ArrayQueue<Event>>);

impl Ears {
    /// With room for 1024 events.
    pub fn new() -> Self {
        Self(Arc::new(ArrayQueue::new(1024)))
    }

    /// The engine's end, for `Registry::add_sink`.
    pub fn sink(&self) -> impl FnMut(&[Event]) + Clone + Send + 'static {
        let queue = Arc::clone(&self.0);
        move |events| {
            for event in events {
                // An app that must know would count these.
                let _ = queue.push(*event);
            }
        }
    }

    /// Prints the next events, in words.
    ///
    /// # Errors
    /// They did not come.
    pub fn print(&self, count: usize) -> Result<(), Box<dyn Error>> {
        let end = Instant::now() + Duration::from_secs(10);
        for _ in 0..count {
            let event = loop {
                match self.0.pop() {
                    Some(event) => break event,
                    None if Instant::now() > end => return Err("an event is missing".into()),
                    None => std::thread::sleep(Duration::from_millis(1)),
                }
            };
            println!("  {}", event.ump);
        }
        Ok(())
    }
}
