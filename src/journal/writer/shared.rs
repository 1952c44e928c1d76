//! What the writer and the callers share.

use crate::journal::down::JournalDown;
use crate::journal::in_flight::InFlight;
use crate::journal::stats::Stats;
use arc_swap::ArcSwapOption;
use std::sync::Arc;

/// What the writer and the callers share.
pub(in crate::journal) struct Shared {
    pub stats: Stats,
    pub in_flight: InFlight,
    /// Why opens are refused now.
    pub refusal: ArcSwapOption<JournalDown>,
}

impl Shared {
    pub(in crate::journal) fn new() -> Self {
        Self {
            stats: Stats::new(),
            in_flight: InFlight::default(),
            refusal: ArcSwapOption::empty(),
        }
    }

    pub(super) fn accept(&self) {
        if self.refusal.load().is_some() {
            self.refusal.store(None);
            self.stats.set_ready(true);
            tracing::info!("the journal works again");
        }
    }

    pub(super) fn refuse(&self, down: &JournalDown) {
        if self.refusal.swap(Some(Arc::new(down.clone()))).is_none() {
            tracing::error!(%down, "calls are refused until it works again");
        }
        self.stats.set_ready(false);
    }
}
