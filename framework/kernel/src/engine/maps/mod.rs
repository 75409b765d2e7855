//! Control maps: routes between single controls, `pads.ch10.note{36..51} -> lights.ch1.cc{20..35}`.
//! [`MapTable::compile`] turns the maps of a graph into one [`PortMaps`] for each output port that
//! any of them starts at; `docs/control-maps.md` says what becomes what.

pub(crate) mod index;
mod port;
pub(crate) mod reading;
mod target;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;

use index::Key;
pub use port::PortMaps;
pub(crate) use port::{Change, More, means_more, more_in};

use crate::graph::{ControlMap, PortRef};

/// The control maps of a graph by the output port they start at.
pub struct MapTable {
    /// Each port that maps start at, sorted, with its maps.
    pub ports: Vec<(PortRef, PortMaps)>,
}

impl MapTable {
    /// Compiles the maps of a graph, given in the order of the file. 65,000 maps take a few
    /// milliseconds.
    ///
    /// `[main]`
    pub fn compile(maps: &[ControlMap]) -> Self {
        let mut order: Vec<(PortRef, Key, u32)> =
            maps.iter().zip(0..).map(|(map, i)| (map.from.at, Key::of(&map.from), i)).collect();
        order.sort_unstable();
        let ports = order
            .chunk_by(|a, b| a.0 == b.0)
            .map(|port| (port[0].0, PortMaps::compile(port.iter().map(|&(_, _, i)| &maps[i as usize]))))
            .collect();
        Self { ports }
    }
}
