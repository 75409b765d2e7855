//! An app's own parts of a graph: closures and queues, without any ABI in sight.

use std::sync::{Arc, Mutex, PoisonError};

use midibay_plugin::abi::RawNode;
use midibay_plugin::{
    CommandError, ConfigError, DropReason, Endpoint, Event, Host, NoCommand, Node, NodeError, Out, Processor,
    Ready, Ump, Waker, raw_endpoint, raw_processor,
};

use super::{Clash, Registry};
use crate::graph::{NodeKind, Ports};

/// A node type with a state of its own that no plugin could carry.
pub(super) trait LocalType: Send + Sync {
    fn kind(&self) -> NodeKind;
    fn ports(&self) -> Ports;
    fn create(&self, host: Host) -> Result<RawNode, NodeError>;
}

/// The parts of [`Node`] that are the same for everything in this file.
macro_rules! local_node {
    () => {
        const TYPE: &'static str = "app";
        const ABOUT: &'static str = "A part of this app.";
        type Config = ();
        type Params = ();
        type Command = NoCommand;

        fn compile((): ()) -> Result<(), Vec<ConfigError>> {
            Ok(())
        }
        fn in_place((): &(), (): &()) -> bool {
            true
        }
        fn new((): (), _: Host) -> Result<Self, NodeError> {
            Err(NodeError::fatal("made by the app only"))
        }
        fn reconfigure(&mut self, (): &mut (), _: u64, _: &mut Out) {}
        fn command(&mut self, command: &mut NoCommand, _: u64, _: &mut Out) -> Result<(), CommandError> {
            match *command {}
        }
    };
}

struct Function<F>(F);

impl<F: FnMut(&Event, &mut Out) + Send + 'static> Node for Function<F> {
    local_node!();
}

impl<F: FnMut(&Event, &mut Out) + Send + 'static> Processor for Function<F> {
    fn process(&mut self, events: &[Event], _: u64, out: &mut Out) {
        for event in events {
            (self.0)(event, out);
        }
    }
}

struct FunctionType<F>(Mutex<F>);

impl<F: FnMut(&Event, &mut Out) + Clone + Send + 'static> LocalType for FunctionType<F> {
    fn kind(&self) -> NodeKind {
        NodeKind::Processor
    }
    fn ports(&self) -> Ports {
        Ports { inputs: vec![String::new()], outputs: vec![String::new()] }
    }
    fn create(&self, _: Host) -> Result<RawNode, NodeError> {
        let function = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(raw_processor(Function(function)))
    }
}

struct Sink<F>(F);

impl<F: FnMut(&[Event]) + Send + 'static> Node for Sink<F> {
    local_node!();
}

impl<F: FnMut(&[Event]) + Send + 'static> Endpoint for Sink<F> {
    fn ready(&mut self, _: Ready, _: u64, _: &mut Out) {}
    fn send(&mut self, events: &[Event], _: u64, _: &mut Out) {
        (self.0)(events);
    }
}

struct SinkType<F>(Mutex<F>);

impl<F: FnMut(&[Event]) + Clone + Send + 'static> LocalType for SinkType<F> {
    fn kind(&self) -> NodeKind {
        NodeKind::Endpoint
    }
    fn ports(&self) -> Ports {
        Ports { inputs: vec![String::new()], outputs: Vec::new() }
    }
    fn create(&self, _: Host) -> Result<RawNode, NodeError> {
        let function = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(raw_endpoint(Sink(function)))
    }
}

/// What the app's side and the node's side of an [`AppInput`] share.
struct Mailbox {
    queue: crossbeam_queue::ArrayQueue<Letter>,
    wakers: Mutex<Wakers>,
}

/// The wakers of the nodes that a mailbox has, by their numbers. While a graph is loaded there may be two:
/// the old one reads until the new one is in its place.
#[derive(Default)]
struct Wakers {
    next: u64,
    all: Vec<(u64, Waker)>,
}

impl Mailbox {
    fn wakers(&self) -> std::sync::MutexGuard<'_, Wakers> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy)]
enum Letter {
    Packet(Option<u64>, Ump),
    Lost,
}

/// The queue of an [`AppInput`] is full: the engine does not run, or cannot follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the queue into the graph is full")]
pub struct AppInputError;

/// Brings an app's own events into a graph. Cheap to clone; usable on any thread.
#[derive(Clone)]
pub struct AppInput(Arc<Mailbox>);

impl AppInput {
    /// Sends a packet into the graph, arriving now. May lock for a moment: not for a real-time thread.
    ///
    /// # Errors
    /// The queue is full. The packet was not sent.
    pub fn send(&self, packet: Ump) -> Result<(), AppInputError> {
        self.post(Letter::Packet(None, packet))
    }

    /// Sends a packet with a time stamp of [`crate::clock`], ns: when it really arrived.
    ///
    /// # Errors
    /// The queue is full. The packet was not sent.
    pub fn send_at(&self, time: u64, packet: Ump) -> Result<(), AppInputError> {
        self.post(Letter::Packet(Some(time), packet))
    }

    /// Says that what fed this input is gone: all that it holds anywhere is released.
    ///
    /// # Errors
    /// The queue is full.
    pub fn source_lost(&self) -> Result<(), AppInputError> {
        self.post(Letter::Lost)
    }

    fn post(&self, letter: Letter) -> Result<(), AppInputError> {
        self.0.queue.push(letter).map_err(|_| AppInputError)?;
        self.0.wakers().all.iter().for_each(|(_, waker)| waker.wake());
        Ok(())
    }
}

struct Inlet {
    mailbox: Arc<Mailbox>,
    number: u64,
    host: Host,
}

impl Node for Inlet {
    local_node!();

    fn tick(&mut self, now: u64, out: &mut Out) {
        self.ready(Ready::Woken, now, out);
    }

    fn stop(&mut self) {
        self.mailbox.wakers().all.retain(|(number, _)| *number != self.number);
    }
}

/// How many letters are taken in one go, so that other nodes get their turn.
const BATCH: usize = 256;

impl Endpoint for Inlet {
    fn ready(&mut self, _: Ready, now: u64, out: &mut Out) {
        for _ in 0..BATCH {
            match self.mailbox.queue.pop() {
                Some(Letter::Packet(time, packet)) => out.push(Event::new(time.unwrap_or(now), packet)),
                Some(Letter::Lost) => out.source_lost(0),
                None => return,
            }
        }
        out.wake_at(now);
    }
    fn send(&mut self, events: &[Event], _: u64, _: &mut Out) {
        self.host.dropped(DropReason::Unsupported, events.len() as u64);
    }
}

impl LocalType for InputType {
    fn kind(&self) -> NodeKind {
        NodeKind::Endpoint
    }
    fn ports(&self) -> Ports {
        Ports { inputs: Vec::new(), outputs: vec![String::new()] }
    }
    fn create(&self, host: Host) -> Result<RawNode, NodeError> {
        let mut wakers = self.0.wakers();
        let number = wakers.next;
        wakers.next += 1;
        wakers.all.push((number, host.waker()));
        drop(wakers);
        Ok(raw_endpoint(Inlet { mailbox: Arc::clone(&self.0), number, host }))
    }
}

struct InputType(Arc<Mailbox>);

impl Registry {
    /// Adds a processor type made of a closure that is called for each event, on the engine's thread
    /// (it must not block or allocate). Each node of the type gets a clone of it.
    ///
    /// # Errors
    /// A node type of that name is there already.
    pub fn add_function<F>(&mut self, type_name: &str, function: F) -> Result<(), Clash>
    where
        F: FnMut(&Event, &mut Out) + Clone + Send + 'static,
    {
        self.add_local(type_name, Arc::new(FunctionType(Mutex::new(function))))
    }

    /// Adds an endpoint type that hands the events sent to it to a closure, on the engine's thread (it
    /// must not block or allocate). Each node of the type gets a clone of it.
    ///
    /// # Errors
    /// A node type of that name is there already.
    pub fn add_sink<F>(&mut self, type_name: &str, function: F) -> Result<(), Clash>
    where
        F: FnMut(&[Event]) + Clone + Send + 'static,
    {
        self.add_local(type_name, Arc::new(SinkType(Mutex::new(function))))
    }

    /// Adds an endpoint type that brings the app's own events into the graph, with room for `capacity`
    /// of them. For one node: several would share the events among them.
    ///
    /// # Errors
    /// A node type of that name is there already.
    pub fn add_input(&mut self, type_name: &str, capacity: usize) -> Result<AppInput, Clash> {
        let queue = crossbeam_queue::ArrayQueue::new(capacity.max(1));
        let mailbox = Arc::new(Mailbox { queue, wakers: Mutex::default() });
        self.add_local(type_name, Arc::new(InputType(Arc::clone(&mailbox))))?;
        Ok(AppInput(mailbox))
    }
}
