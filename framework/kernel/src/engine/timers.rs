//! The deadlines of nodes: at most one each, the earliest first.

const NOWHERE: u32 = u32::MAX;

/// An indexed binary heap. All memory is taken when it is made.
pub(crate) struct Timers {
    /// Node indices, the node with the earliest deadline first.
    heap: Vec<u32>,
    /// Where each node stands in `heap`.
    place: Vec<u32>,
    /// When each node is due, ns.
    due: Vec<u64>,
}

impl Timers {
    pub(crate) fn new(nodes: usize) -> Self {
        Self { heap: Vec::with_capacity(nodes), place: vec![NOWHERE; nodes], due: vec![u64::MAX; nodes] }
    }

    /// The earliest deadline, ns.
    #[inline]
    pub(crate) fn next(&self) -> Option<u64> {
        self.heap.first().map(|node| self.due[*node as usize])
    }

    /// A node's deadline, ns.
    pub(crate) fn of(&self, node: usize) -> Option<u64> {
        (self.place[node] != NOWHERE).then(|| self.due[node])
    }

    /// Sets a node's deadline, unless it has an earlier one.
    #[inline]
    pub(crate) fn set(&mut self, node: usize, time: u64) {
        if self.place[node] == NOWHERE {
            self.place[node] = self.heap.len() as u32;
            self.heap.push(node as u32);
        } else if self.due[node] <= time {
            return;
        }
        self.due[node] = time;
        self.rise(self.place[node] as usize);
    }

    /// Takes a node whose deadline has come.
    #[inline]
    pub(crate) fn pop_due(&mut self, now: u64) -> Option<usize> {
        let node = *self.heap.first()? as usize;
        if self.due[node] > now {
            return None;
        }
        self.clear(node);
        Some(node)
    }

    /// Takes a node's deadline away.
    pub(crate) fn clear(&mut self, node: usize) {
        let place = self.place[node];
        if place == NOWHERE {
            return;
        }
        self.place[node] = NOWHERE;
        let place = place as usize;
        self.heap.swap_remove(place);
        if let Some(moved) = self.heap.get(place) {
            self.place[*moved as usize] = place as u32;
            self.sink(place);
            self.rise(place);
        }
    }

    fn due_at(&self, place: usize) -> u64 {
        self.due[self.heap[place] as usize]
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.place[self.heap[a] as usize] = a as u32;
        self.place[self.heap[b] as usize] = b as u32;
    }

    fn rise(&mut self, mut place: usize) {
        while place > 0 && self.due_at(place) < self.due_at((place - 1) / 2) {
            self.swap(place, (place - 1) / 2);
            place = (place - 1) / 2;
        }
    }

    fn sink(&mut self, mut place: usize) {
        loop {
            let children = [2 * place + 1, 2 * place + 2].into_iter().filter(|c| *c < self.heap.len());
            match children.min_by_key(|c| self.due_at(*c)) {
                Some(child) if self.due_at(child) < self.due_at(place) => {
                    self.swap(place, child);
                    place = child;
                }
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn deadlines_come_due_in_order_each_once(steps in prop::collection::vec((0..20_usize, 1..1000_u64, any::<bool>()), 0..200)) {
            let mut timers = Timers::new(20);
            let mut model = [None::<u64>; 20];
            for (node, time, clear) in steps {
                if clear {
                    timers.clear(node);
                    model[node] = None;
                } else {
                    timers.set(node, time);
                    model[node] = Some(model[node].map_or(time, |t| t.min(time)));
                }
                prop_assert_eq!(timers.next(), model.iter().flatten().min().copied());
            }
            let mut last = 0;
            while let Some(next) = timers.next() {
                prop_assert!(next >= last);
                prop_assert_eq!(timers.pop_due(next - 1), None);
                let node = timers.pop_due(next).unwrap();
                prop_assert_eq!(model[node].take(), Some(next));
                last = next;
            }
            prop_assert!(model.iter().all(Option::is_none));
        }
    }
}
