//! Orders to the engine, and the answers to them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{EngineGone, PATIENCE};
use crate::engine::host::Shared;
use crate::engine::messages::{Order, Outcome};

/// How often whoever waits for an answer looks whether there is still somebody to give one.
const LOOK: Duration = Duration::from_millis(50);

/// The way to the engine and back.
pub(super) struct Deck {
    orders: Mutex<rtrb::Producer<Order>>,
    waiting: Mutex<HashMap<u64, SyncSender<Outcome>>>,
    tickets: AtomicU64,
}

impl Deck {
    pub(super) fn new(orders: rtrb::Producer<Order>) -> Self {
        Self { orders: Mutex::new(orders), waiting: Mutex::default(), tickets: AtomicU64::new(0) }
    }

    /// Whether the engine's thread has ended: it drops its end of the ring.
    fn is_gone(&self) -> bool {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).is_abandoned()
    }

    /// Sends an order. The node in it comes back when the ring is full or the engine has ended.
    pub(super) fn post(&self, shared: &Shared, order: Order) -> Result<(), Order> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if orders.is_abandoned() {
            return Err(order);
        }
        orders.push(order).map_err(|rtrb::PushError::Full(order)| order)?;
        shared.poll.notify();
        Ok(())
    }

    /// Sends an order and waits for what becomes of it.
    pub(super) fn ask(
        &self,
        shared: &Shared,
        order: impl FnOnce(u64) -> Order,
    ) -> Result<Outcome, EngineGone> {
        self.begin(shared, PATIENCE, order)?.wait()
    }

    /// Sends an order. Orders are carried out in the order in which they were sent.
    pub(super) fn begin(
        &self,
        shared: &Shared,
        timeout: Duration,
        order: impl FnOnce(u64) -> Order,
    ) -> Result<Waiting<'_>, EngineGone> {
        let deadline = Instant::now() + timeout;
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = sync_channel(1);
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(ticket, sender);
        let waiting = Waiting { deck: self, ticket, receiver, deadline };
        let mut order = order(ticket);
        while let Err(back) = self.post(shared, order) {
            if self.is_gone() || Instant::now() > deadline {
                waiting.give_up();
                return Err(EngineGone);
            }
            order = back;
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(waiting)
    }

    /// Hands an answer to whoever waits for it; gives it back when nobody does any more.
    pub(super) fn answer(&self, ticket: u64, outcome: Outcome) -> Option<Outcome> {
        let sender = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&ticket);
        match sender {
            Some(sender) => sender.send(outcome).err().map(|e| e.0),
            None => Some(outcome),
        }
    }
}

/// An order that was sent.
#[must_use]
pub(super) struct Waiting<'a> {
    deck: &'a Deck,
    ticket: u64,
    receiver: Receiver<Outcome>,
    deadline: Instant,
}

impl Waiting<'_> {
    /// Waits for what becomes of it.
    pub(super) fn wait(self) -> Result<Outcome, EngineGone> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            match self.receiver.recv_timeout(left.min(LOOK)) {
                Ok(outcome) => return Ok(outcome),
                Err(_) if left.is_zero() || self.deck.is_gone() => break,
                Err(_) => {}
            }
        }
        if self.give_up() {
            return Err(EngineGone);
        }
        // Too late: the answer has just been taken off to be handed over.
        self.receiver.recv().map_err(|_| EngineGone)
    }

    /// Takes the ticket back; false when the answer is on its way already.
    fn give_up(&self) -> bool {
        let mut waiting = self.deck.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(&self.ticket).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ping(ticket: u64) -> Order {
        Order::Ping { ticket }
    }

    #[test]
    fn an_engine_whose_thread_has_ended_is_gone_at_once() {
        let shared = Shared::new().unwrap();
        let (orders, orders_in) = rtrb::RingBuffer::new(2);
        let deck = Deck::new(orders);
        let begun = Instant::now();
        let waiting = deck.begin(&shared, PATIENCE, ping).unwrap();
        drop(orders_in);
        assert_eq!(waiting.wait().err(), Some(EngineGone), "it ended with the order in its hands");
        assert_eq!(deck.ask(&shared, ping).err(), Some(EngineGone), "it had ended before");
        assert!(begun.elapsed() < PATIENCE / 2);
    }

    #[test]
    fn an_order_that_finds_no_room_and_no_answer_in_time_is_given_up() {
        let shared = Shared::new().unwrap();
        let (orders, _orders_in) = rtrb::RingBuffer::new(1);
        let deck = Deck::new(orders);
        let soon = Duration::from_millis(5);
        assert_eq!(deck.begin(&shared, soon, ping).unwrap().wait().err(), Some(EngineGone));
        assert_eq!(deck.begin(&shared, soon, ping).err(), Some(EngineGone), "the first one is still there");
        assert!(deck.answer(0, Outcome::Pong).is_some(), "nobody waits for it any more");
        assert!(deck.waiting.lock().unwrap().is_empty());
    }
}
