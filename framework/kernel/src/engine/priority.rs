//! The engine's thread before all others, where the system grants it.

use thread_priority::ThreadPriority;

/// Asks for real-time priority for the thread that calls. What it got, in words; a refusal is lived with.
pub(super) fn raise() -> String {
    match request() {
        Ok(granted) => granted,
        Err(refused) => format!(
            "normal: the system refused real-time priority ({refused}); on Linux `ulimit -r 50` or \
             `LimitRTPRIO=50` in a systemd unit allows it"
        ),
    }
}

/// Half-way up: above the desktop, below the kernel's own interrupt threads.
#[cfg(unix)]
fn request() -> Result<String, thread_priority::Error> {
    use thread_priority::unix::{
        RealtimeThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
    };
    let half = 50_u8.try_into().expect("between 0 and 99");
    let priority = ThreadPriority::Crossplatform(half);
    let fifo = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    set_thread_priority_and_policy(thread_native_id(), priority, fifo)?;
    Ok("real-time (first in, first out; half-way up)".to_owned())
}

#[cfg(not(unix))]
fn request() -> Result<String, thread_priority::Error> {
    ThreadPriority::Max.set_for_current()?;
    Ok("the highest of this process".to_owned())
}
