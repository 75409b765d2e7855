//! The thread that follows the interface: it joins and leaves groups (for which the system may take its
//! time), says how the node is, and lets the engine know when the network went or came.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use midibay_plugin::{Health, Host, Level, NodeError, Property};

use super::changes::{Changes, Stopper, Wake, changes};
use super::interfaces::{Interface, choose, interfaces, route_to};
use crate::config::InterfaceChoice;
use crate::socket::{self, Sockets};

/// When joining a group failed, how long until it is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// What has to be there for the node to work.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// An interface where this group can be joined.
    Group(IpAddr, InterfaceChoice),
    /// An interface with this address.
    Address(IpAddr),
}

/// What the thread tells the engine.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// How often it changed, shifted left by one; the lowest bit is set while the network is there.
    state: AtomicU64,
    /// The addresses of this machine.
    own: Mutex<Vec<IpAddr>>,
}

impl Link {
    /// Whether the network is there, and how often that changed. `[engine]`
    pub(crate) fn state(&self) -> (bool, u64) {
        let state = self.state.load(Ordering::Acquire);
        (state & 1 == 1, state >> 1)
    }

    /// Is this an address of this machine? Never waits: in the moment in which the list is written
    /// anew the answer is yes, for to take one datagram too few is better than to hear oneself. `[engine]`
    pub(crate) fn is_own(&self, address: IpAddr) -> bool {
        self.own.try_lock().map_or(true, |own| own.contains(&address))
    }

    fn set(&self, up: bool) {
        let (_, changes) = self.state();
        self.state.store((changes + 1) << 1 | u64::from(up), Ordering::Release);
    }
}

/// Follows the interface until it is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    link: Arc<Link>,
    stopper: Option<Stopper>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Looks once, so that all is set up where it can be, and follows from then on. `[main]`
    ///
    /// # Errors
    /// The system has no more threads or descriptors.
    pub(crate) fn start(target: Target, sockets: Arc<Sockets>, host: &Host) -> Result<Self, NodeError> {
        let failed = |e| NodeError::retry(format!("cannot follow the network interfaces: {e}"));
        let link = Arc::new(Link::default());
        // Before the first look, so that no change is missed.
        let (stopper, changes) = changes().map_err(failed)?;
        let mut follower = Follower {
            target,
            sockets,
            host: host.clone(),
            link: Arc::clone(&link),
            interface: host.property("interface"),
            address: host.property("address"),
            current: None,
            said: String::new(),
        };
        let settled = follower.look();
        let thread = Builder::new()
            .name("ip-midi link".to_owned())
            .spawn(move || follower.run(&changes, settled))
            .map_err(failed)?;
        Ok(Self { link, stopper: Some(stopper), thread: Some(thread) })
    }

    /// What the engine may know.
    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stopper = None;
        if let Some(thread) = self.thread.take() {
            // It only fails when the thread panicked, and then it has ended too.
            let _ = thread.join();
        }
    }
}

struct Follower {
    target: Target,
    sockets: Arc<Sockets>,
    host: Host,
    link: Arc<Link>,
    interface: Property,
    address: Property,
    /// The index of the interface in use.
    current: Option<u32>,
    /// The health as it was last said.
    said: String,
}

impl Follower {
    fn run(mut self, changes: &Changes, mut settled: bool) {
        while changes.wait((!settled).then_some(TRY_AGAIN)) == Wake::Look {
            settled = self.look();
        }
    }

    /// Looks at the interfaces and follows. Returns false where it has to look again without being told.
    fn look(&mut self) -> bool {
        let all = match interfaces() {
            Ok(all) => all,
            Err(text) => {
                self.say(Health::Degraded, &text);
                return false;
            }
        };
        let addresses = all.iter().flat_map(|one| one.addresses.iter().copied()).collect();
        // Nobody panics while holding it.
        *self.link.own.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = addresses;
        let found = match &self.target {
            Target::Group(group, choice) => {
                let route = matches!(choice, InterfaceChoice::Auto).then(|| route_to(*group)).flatten();
                choose(&all, choice, *group, route, self.current)
            }
            Target::Address(address) => {
                choose(&all, &InterfaceChoice::Address(*address), *address, None, self.current)
            }
        };
        match found {
            Ok(found) => self.go_to(found),
            Err(text) => {
                self.go_away();
                self.say(Health::Waiting, &text);
                true
            }
        }
    }

    fn go_to(&mut self, found: &Interface) -> bool {
        let like = match &self.target {
            Target::Group(group, _) => *group,
            Target::Address(address) => *address,
        };
        let Some(address) = found.address_like(like) else { return false };
        if self.current != Some(found.index) {
            self.go_away();
            if let Target::Group(group, _) = &self.target
                && let Err(e) = socket::join(&self.sockets, *group, found.index, address)
            {
                socket::leave(&self.sockets, *group, found.index);
                self.say(
                    Health::Waiting,
                    &format!("cannot join {group} on {}: {e}; trying again", found.name),
                );
                return false;
            }
            self.current = Some(found.index);
            self.link.set(true);
            self.host.waker().wake();
        }
        match &self.target {
            Target::Group(group, _) => {
                self.interface.set_text(&found.name);
                self.address.set_text(&address.to_string());
                self.say(Health::Ok, &format!("in {group} on {} ({address})", found.name));
            }
            Target::Address(address) => {
                self.interface.set_text(&found.name);
                self.say(Health::Ok, &format!("at {address} on {}", found.name));
            }
        }
        true
    }

    fn go_away(&mut self) {
        let Some(index) = self.current.take() else { return };
        if let Target::Group(group, _) = &self.target {
            socket::leave(&self.sockets, *group, index);
            self.address.set_text("");
        }
        self.interface.set_text("");
        self.link.set(false);
        self.host.waker().wake();
    }

    fn say(&mut self, health: Health, text: &str) {
        if self.said == text {
            return;
        }
        text.clone_into(&mut self.said);
        self.host.health(health, text);
        self.host.log(if health == Health::Ok { Level::Info } else { Level::Warn }, text);
    }
}
