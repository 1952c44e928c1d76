//! The calls that a handler is answering: counted, so that a drain can wait for the last of them.

use prometheus::IntGauge;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

/// Calls that a handler is answering.
#[derive(Default)]
pub(super) struct Calls {
    count: AtomicUsize,
    none_left: Notify,
}

/// Holds one call's place until it is dropped.
pub(super) struct Call {
    calls: Arc<Calls>,
    gauge: IntGauge,
}

impl Calls {
    pub(super) fn enter(self: &Arc<Self>, gauge: &IntGauge) -> Call {
        self.count.fetch_add(1, Ordering::Relaxed);
        gauge.inc();
        Call { calls: Arc::clone(self), gauge: gauge.clone() }
    }

    pub(super) fn now(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    pub(super) async fn all_done(&self) {
        loop {
            let mut notified = std::pin::pin!(self.none_left.notified());
            notified.as_mut().enable();
            if self.now() == 0 {
                return;
            }
            notified.await;
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.gauge.dec();
        if self.calls.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.calls.none_left.notify_waiters();
        }
    }
}
