//! Points at which a trial kills this process, by name: in builds for tests only; a release has none.
//!
//! `QAQPA_TRIAL_KILL=submit.committed:3` ends the process like `kill -9` when it comes to that point
//! the third time, so that a test can have it die between any two steps of a payment.

/// Kills the process here where a trial asks for it.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};
    static TARGET: LazyLock<Option<(String, u32)>> = LazyLock::new(|| {
        let asked = std::env::var("QAQPA_TRIAL_KILL").ok()?;
        let (name, times) = asked.split_once(':')?;
        Some((name.to_owned(), times.parse().ok()?))
    });
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let Some((target, times)) = &*TARGET else { return };
    if target == name && COUNT.fetch_add(1, Ordering::SeqCst) + 1 == *times {
        let own = rustix::process::getpid();
        if rustix::process::kill_process(own, rustix::process::Signal::KILL).is_err() {
            std::process::abort();
        }
    }
}

/// Nothing, in a release.
#[cfg(not(debug_assertions))]
pub const fn point(_name: &str) {}
