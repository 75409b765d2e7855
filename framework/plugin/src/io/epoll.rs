//! Linux, without a system call more than needed: on the way from a packet's arrival to its departure
//! there is one return of `epoll_wait`, and nothing else of ours. (The crate `polling`, which serves the
//! other systems, re-arms a timer and a wake-up descriptor around every wait: four system calls.)

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use super::Readied;

const NOTIFIED: u64 = u64::MAX;
const TIMER: u64 = u64::MAX - 1;
/// How many ready descriptors one wait tells of.
const MOST: usize = 256;

pub(super) struct Poll {
    epoll: OwnedFd,
    /// Edge-triggered, so that it need never be read.
    wake: OwnedFd,
    /// Edge-triggered too. A timer of its own keeps nanoseconds on kernels without `epoll_pwait2`.
    timer: OwnedFd,
}

pub(super) struct Wait {
    events: Vec<Event>,
    /// The deadline that the timer stands at, so that it is set only when that changes.
    armed: Option<u64>,
}

impl Wait {
    pub(super) fn new() -> Self {
        Self { events: Vec::with_capacity(MOST), armed: None }
    }

    pub(super) fn ready(&self) -> impl Iterator<Item = Readied> + '_ {
        self.events.iter().filter(|event| event.data.u64() < TIMER).map(|event| {
            let flags = event.flags;
            let broken = flags.intersects(EventFlags::HUP | EventFlags::ERR);
            let read = broken || flags.intersects(EventFlags::IN | EventFlags::RDHUP);
            let write = broken || flags.contains(EventFlags::OUT);
            Readied { key: event.data.u64(), flags: u8::from(read) | u8::from(write) << 1 }
        })
    }
}

impl Poll {
    pub(super) fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &wake, EventData::new_u64(NOTIFIED), EventFlags::IN | EventFlags::ET)?;
        epoll::add(&epoll, &timer, EventData::new_u64(TIMER), EventFlags::IN | EventFlags::ET)?;
        Ok(Self { epoll, wake, timer })
    }

    pub(super) unsafe fn control(&self, op: u8, fd: i64, key: u64, interest: u8) -> io::Result<()> {
        // SAFETY: the caller says that it is open.
        let fd = unsafe { BorrowedFd::borrow_raw(fd as RawFd) };
        let mut flags = EventFlags::empty();
        flags.set(EventFlags::IN, interest & 1 != 0);
        flags.set(EventFlags::OUT, interest & 2 != 0);
        let data = EventData::new_u64(key);
        match op {
            0 => epoll::add(&self.epoll, fd, data, flags)?,
            1 => epoll::modify(&self.epoll, fd, data, flags)?,
            _ => epoll::delete(&self.epoll, fd)?,
        }
        Ok(())
    }

    pub(super) fn notify(&self) {
        // It fails only when it was notified 2^64 times since it was made.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    pub(super) fn wait(&self, wait: &mut Wait, deadline: Option<u64>, clock: fn() -> u64) {
        let mut at_once = None;
        if let Some(deadline) = deadline {
            let left = deadline.saturating_sub(clock());
            if left == 0 {
                at_once = Some(Timespec { tv_sec: 0, tv_nsec: 0 });
            } else if wait.armed != Some(deadline) && self.arm(left) {
                wait.armed = Some(deadline);
            }
        }
        wait.events.clear();
        // It is interrupted by signals, which is as good as a wake-up.
        let _ = epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut wait.events), at_once.as_ref());
        if wait.events.iter().any(|event| event.data.u64() == TIMER) {
            wait.armed = None;
        }
    }

    /// Sets the timer; false when the system would not, and then it is tried with the next wait.
    fn arm(&self, ns: u64) -> bool {
        let time = Timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as _ };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: time };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once).is_ok()
    }
}
