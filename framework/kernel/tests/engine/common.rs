//! A small world around an engine: inputs that a test plays on, outputs that it listens to.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use midibay::graph::{Graph, GraphBuilder};
use midibay::{AppInput, Backoff, Engine, EngineOptions, Registry};
use midibay_plugin::{Event, Ump};
use midibay_ump::Held;
use serde_json::json;

/// What arrived at an output, in order.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<(Mutex<Vec<Event>>, Condvar)>);

impl Heard {
    fn push(&self, events: &[Event]) {
        self.0.0.lock().unwrap().extend_from_slice(events);
        self.0.1.notify_all();
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.0.lock().unwrap().clone()
    }

    pub(crate) fn packets(&self) -> Vec<Ump> {
        self.events().into_iter().map(|e| e.ump).collect()
    }

    pub(crate) fn forget(&self) {
        self.0.0.lock().unwrap().clear();
    }

    /// What is held after all that was heard.
    pub(crate) fn held(&self) -> Held {
        let mut held = Held::new();
        self.packets().iter().for_each(|ump| held.apply(ump));
        held
    }

    /// Waits until what was heard satisfies `enough`.
    pub(crate) fn until(&self, enough: impl Fn(&[Event]) -> bool) -> Vec<Event> {
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut events = self.0.0.lock().unwrap();
        while !enough(&events) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not heard in time; the last of {}: {:?}", events.len(), events.last());
            events = self.0.1.wait_timeout(events, left).unwrap().0;
        }
        events.clone()
    }

    pub(crate) fn until_count(&self, count: usize) -> Vec<Event> {
        self.until(|events| events.len() >= count)
    }
}

/// Node types for a test: inputs `in-NAME`, outputs `out-NAME`, and whatever is added.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) registry: Registry,
}

impl World {
    pub(crate) fn input(&mut self, type_name: &str) -> AppInput {
        self.registry.add_input(type_name, 100_000).unwrap()
    }

    pub(crate) fn output(&mut self, type_name: &str) -> Heard {
        let heard = Heard::default();
        let push = heard.clone();
        self.registry.add_sink(type_name, move |events| push.push(events)).unwrap();
        heard
    }

    /// A graph in which each node's name is its type.
    pub(crate) fn graph(&self, nodes: &[&str], routes: &[&str]) -> Graph {
        let builder = nodes.iter().fold(GraphBuilder::new(), |b, name| b.node(*name, *name, json!({})));
        let builder = routes.iter().fold(builder, |b, route| b.route(*route));
        builder.build(&self.registry).unwrap_or_else(|e| panic!("{e}"))
    }

    pub(crate) fn start(&self, nodes: &[&str], routes: &[&str]) -> Engine {
        self.start_graph(self.graph(nodes, routes))
    }

    pub(crate) fn start_graph(&self, graph: Graph) -> Engine {
        let restart = Backoff { first: Duration::from_millis(20), most: Duration::from_millis(100) };
        Engine::start(graph, self.registry.clone(), EngineOptions { restart, ..EngineOptions::default() })
            .unwrap()
    }
}

pub(crate) fn on(note: u8) -> Ump {
    Ump::note_on(0, 0, note, 100)
}

pub(crate) fn off(note: u8) -> Ump {
    Ump::note_off(0, 0, note, 64)
}

pub(crate) fn cc(number: u8, value: u8) -> Ump {
    Ump::control_change(0, 0, number, value)
}

/// Waits for a condition.
pub(crate) fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
