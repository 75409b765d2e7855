//! The priority that `midibay run` has, for what is compared with it.

/// Real-time priority of the thread that asked, until this is dropped.
///
/// A floor at normal priority would be no floor on a busy machine. Where the system refuses, as it then
/// refuses `midibay run` too, the thread stays as it is.
#[derive(Debug)]
#[must_use = "the priority ends with this value"]
pub struct RealTime {
    // The priority is that of one thread.
    _here: std::marker::PhantomData<*const ()>,
}

impl RealTime {
    /// Asks for what `midibay run` asks for: first in, first out, half-way up. Linux; elsewhere nothing
    /// happens.
    pub fn request() -> Self {
        #[cfg(target_os = "linux")]
        set(libc::SCHED_FIFO, 50);
        Self { _here: std::marker::PhantomData }
    }
}

impl Drop for RealTime {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        set(libc::SCHED_OTHER, 0);
    }
}

#[cfg(target_os = "linux")]
fn set(policy: libc::c_int, sched_priority: libc::c_int) {
    let wanted = libc::sched_param { sched_priority };
    // SAFETY: zero names this thread; the parameters are read only. A refusal changes nothing.
    unsafe { libc::sched_setscheduler(0, policy, &raw const wanted) };
}
