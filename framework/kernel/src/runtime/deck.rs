//! Orders to the engine, and the answers to them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{EngineGone, PATIENCE};
use crate::engine::host::Shared;
use crate::engine::messages::{Order, Outcome};

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

    /// Sends an order. False when the ring is full or the engine has ended.
    pub(super) fn post(&self, shared: &Shared, order: Order) -> bool {
        self.push(shared, order).is_ok()
    }

    fn push(&self, shared: &Shared, order: Order) -> Result<(), Order> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(rtrb::PushError::Full(order)) = orders.push(order) {
            return Err(order);
        }
        shared.poll.notify();
        Ok(())
    }

    /// Sends an order and waits for what becomes of it.
    pub(super) fn ask(
        &self,
        shared: &Shared,
        order: impl FnOnce(u64) -> Order,
    ) -> Result<Outcome, EngineGone> {
        self.ask_for(shared, PATIENCE, order)
    }

    pub(super) fn ask_for(
        &self,
        shared: &Shared,
        timeout: Duration,
        order: impl FnOnce(u64) -> Order,
    ) -> Result<Outcome, EngineGone> {
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = sync_channel(1);
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(ticket, sender);
        let deadline = Instant::now() + timeout;
        let mut order = order(ticket);
        let answer = loop {
            match self.push(shared, order) {
                Ok(()) => {
                    break receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok();
                }
                Err(_) if Instant::now() > deadline => break None,
                Err(back) => {
                    order = back;
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        };
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&ticket);
        answer.ok_or(EngineGone)
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
