//! Hosts as network namespaces on a switch of their own, so that nothing of the machine changes
//! and no packet leaves it.
//!
//! ```no_run
//! let lan = lab::netns::Lan::new()?;
//! let (stage, booth) = (lan.host()?, lan.host()?);
//! let socket = stage.enter(|| std::net::UdpSocket::bind("0.0.0.0:0"))?;
//! let mut program = booth.command("midibay");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Hosts have the addresses `10.83.0.1` and on, and `fd83::1` and on, and no default route: a LAN
//! without a gateway is the harder case for multicast. [`Host::add_default_route`] adds one.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use crate::Error;
use crate::process::run;

/// A switch that hosts are plugged into: a bridge in a namespace of its own.
#[derive(Debug)]
pub struct Lan {
    switch: Namespace,
    hosts: AtomicU32,
}

/// A host on a [`Lan`]. What still runs in it when it is dropped is killed.
#[derive(Debug)]
pub struct Host {
    namespace: Namespace,
    switch: String,
    number: u8,
}

/// A named network namespace that is deleted on drop.
#[derive(Debug)]
struct Namespace {
    name: String,
}

static COUNTER: AtomicU32 = AtomicU32::new(0);

fn ip(arguments: &[&str]) -> Result<String, Error> {
    run(Command::new("ip").args(arguments))
}

impl Namespace {
    fn new() -> Result<Self, Error> {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let namespace = Self { name: format!("mblab-{}-{number}", std::process::id()) };
        ip(&["netns", "add", &namespace.name])?;
        ip(&["-n", &namespace.name, "link", "set", "lo", "up"])?;
        Ok(namespace)
    }

    fn processes(&self) -> Vec<libc::pid_t> {
        let ids = ip(&["netns", "pids", &self.name]).unwrap_or_default();
        ids.split_whitespace().filter_map(|id| id.parse().ok()).collect()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // A thread of this very process may have been inside a moment ago; that is no reason to
        // end the test.
        let own = libc::pid_t::try_from(std::process::id()).unwrap_or(0);
        for id in self.processes() {
            if id != own {
                // SAFETY: kill takes plain numbers; the process lives in a namespace that only
                // this value has handed out.
                unsafe { libc::kill(id, libc::SIGKILL) };
            }
        }
        // Deleting fails only when it is gone, which is what is wanted.
        let _ = ip(&["netns", "del", &self.name]);
    }
}

impl Lan {
    /// A switch without hosts.
    ///
    /// # Errors
    /// [`Error::Failed`] where namespaces cannot be made; tests say
    /// [`need!`](crate::need!)`(need::namespaces())` first.
    pub fn new() -> Result<Self, Error> {
        let switch = Namespace::new()?;
        // Snooping would hold multicast back from ports whose host has not reported yet.
        ip(&["-n", &switch.name, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0"])?;
        ip(&["-n", &switch.name, "link", "set", "br0", "up"])?;
        Ok(Self { switch, hosts: AtomicU32::new(0) })
    }

    /// Plugs a new host in; its interface is `eth0`.
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::System`].
    ///
    /// # Panics
    /// After 250 hosts.
    pub fn host(&self) -> Result<Host, Error> {
        let number = self.hosts.fetch_add(1, Ordering::Relaxed) + 1;
        let number = u8::try_from(number).ok().filter(|number| *number <= 250).expect("250 hosts are enough");
        let host = Host { namespace: Namespace::new()?, switch: self.switch.name.clone(), number };
        let (name, switch) = (host.namespace.name.as_str(), self.switch.name.as_str());
        // Duplicate address detection would keep IPv6 quiet for the first seconds.
        host.enter(|| std::fs::write("/proc/sys/net/ipv6/conf/default/accept_dad", "0"))
            .map_err(Error::system("switching off duplicate address detection"))?;
        let port = host.port();
        ip(&["link", "add", &port, "netns", switch, "type", "veth", "peer", "name", "eth0", "netns", name])?;
        ip(&["-n", switch, "link", "set", &port, "master", "br0", "up"])?;
        ip(&["-n", name, "addr", "add", &format!("{}/24", host.address()), "dev", "eth0"])?;
        let address = format!("{}/64", host.address_v6());
        ip(&["-n", name, "addr", "add", &address, "dev", "eth0", "nodad"])?;
        ip(&["-n", name, "link", "set", "eth0", "up"])?;
        host.wait_for_link()?;
        Ok(host)
    }
}

impl Host {
    /// The name of its network interface.
    pub const INTERFACE: &str = "eth0";

    /// Its IPv4 address.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 83, 0, self.number)
    }

    /// Its IPv6 address.
    #[must_use]
    pub fn address_v6(&self) -> Ipv6Addr {
        Ipv6Addr::new(0xfd83, 0, 0, 0, 0, 0, 0, self.number.into())
    }

    /// The name of its namespace, for `ip -n NAME`.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace.name
    }

    /// A command that runs `program` on this host. The id of the process is the program's own.
    #[must_use]
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace.name]).arg(program);
        command
    }

    /// Runs `job` on a thread of its own that is on this host; sockets it opens stay there.
    ///
    /// # Panics
    /// When `job` panics, or when the namespace cannot be entered.
    pub fn enter<T: Send>(&self, job: impl FnOnce() -> T + Send) -> T {
        let path = format!("/run/netns/{}", self.namespace.name);
        thread::scope(|scope| {
            let inside = scope.spawn(move || {
                let namespace = File::open(&path).expect("a host's namespace is there while the host is");
                // SAFETY: the descriptor is open; only this thread, which ends with the job,
                // changes its network namespace.
                let entered = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
                assert_eq!(entered, 0, "setns: {}", std::io::Error::last_os_error());
                job()
            });
            inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Pulls the cable: the interface stays up and loses its carrier.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn unplug(&self) -> Result<(), Error> {
        ip(&["-n", &self.switch, "link", "set", &self.port(), "down"])?;
        self.wait_for_operstate("no carrier", |state| state != "up")
    }

    /// Puts the cable back.
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::TimedOut`].
    pub fn plug(&self) -> Result<(), Error> {
        ip(&["-n", &self.switch, "link", "set", &self.port(), "up"])?;
        self.wait_for_link()
    }

    /// Takes the interface down on the host itself: multicast memberships and routes go with it.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn link_down(&self) -> Result<(), Error> {
        ip(&["-n", self.namespace(), "link", "set", Self::INTERFACE, "down"]).map(drop)
    }

    /// Brings the interface up again.
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::TimedOut`].
    pub fn link_up(&self) -> Result<(), Error> {
        ip(&["-n", self.namespace(), "link", "set", Self::INTERFACE, "up"])?;
        // The kernel forgets IPv6 addresses of an interface that goes down.
        let address = format!("{}/64", self.address_v6());
        ip(&["-n", self.namespace(), "addr", "replace", &address, "dev", Self::INTERFACE, "nodad"])?;
        self.wait_for_link()
    }

    /// Adds a default route to a gateway that is not there.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn add_default_route(&self) -> Result<(), Error> {
        ip(&["-n", self.namespace(), "route", "add", "default", "via", "10.83.0.254"]).map(drop)
    }

    /// Drops `percent` of the UDP datagrams that arrive at `port`, at random; 0 ends it.
    ///
    /// # Errors
    /// [`Error::Failed`]; needs `nft`.
    pub fn lose(&self, port: u16, percent: u8) -> Result<(), Error> {
        let chain = "add table inet lab; \
                     add chain inet lab in { type filter hook input priority 0; }; \
                     flush chain inet lab in";
        let rule = match percent {
            0 => String::new(),
            1..100 => {
                format!("; add rule inet lab in udp dport {port} numgen random mod 100 < {percent} drop")
            }
            _ => format!("; add rule inet lab in udp dport {port} drop"),
        };
        let rules = format!("{chain}{rule}");
        run(self.command("nft").arg(rules)).map(drop)
    }

    /// Waits until a program on this host has joined the multicast group `group`.
    ///
    /// # Errors
    /// [`Error::TimedOut`] after [`PATIENCE`](crate::PATIENCE).
    pub fn wait_for_membership(&self, group: IpAddr) -> Result<(), Error> {
        let text = group.to_string();
        crate::wait_for(&format!("somebody to join {group}"), crate::PATIENCE, || {
            let groups = ip(&["-n", self.namespace(), "maddr", "show", "dev", Self::INTERFACE]).ok()?;
            groups.split_whitespace().any(|word| word == text).then_some(())
        })
    }

    /// The end of the cable in the switch's namespace.
    fn port(&self) -> String {
        format!("port{}", self.number)
    }

    fn wait_for_link(&self) -> Result<(), Error> {
        self.wait_for_operstate("the link", |state| state == "up")
    }

    fn wait_for_operstate(&self, what: &str, wanted: impl Fn(&str) -> bool) -> Result<(), Error> {
        crate::wait_for(what, crate::PATIENCE, || {
            let state = ip(&["-n", self.namespace(), "-brief", "link", "show", Self::INTERFACE]).ok()?;
            let state = state.split_whitespace().nth(1)?.to_ascii_lowercase();
            wanted(&state).then_some(())
        })
    }
}
