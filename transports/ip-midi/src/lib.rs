//! MIDI in UDP datagrams: multicast as ipMIDI, QmidiNet and multimidicast speak it, and plain unicast to
//! and from a list of peers.
//!
//! There is no protocol: a datagram is MIDI 1.0 bytes. What there is to know is which datagrams belong
//! together, and that is in parts without a socket or a clock:
//!
//! | part | what it does |
//! |---|---|
//! | [`config`] | the options and what they mean |
//! | [`senders`] | datagrams to packets, with a parser for each sender |
//! | [`packer`] | packets to datagrams |
//! | [`outbox`] | what happens when the system takes no more, or the network is away |
//! | `socket` | many datagrams in one call of the system |
//! | `link` | the network interface as it comes and goes, on a thread of its own |
//! | [`IpMidi`] | the node |

mod address;
pub mod config;
mod link;
mod node;
pub mod outbox;
pub mod packer;
pub mod senders;
mod socket;

pub use address::Sender;
pub use node::IpMidi;

/// The plugin: the endpoint `ip-midi`.
pub fn module() -> midibay_plugin::Module {
    midibay_plugin::module!().endpoint::<IpMidi>()
}
