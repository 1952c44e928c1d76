//! So many at once, some of them for the more urgent alone.

use crate::config::settings::Class;
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A part of the node's places is kept: for payments one in so many, for all but batches one in half so
/// many.
const KEPT_PART: usize = 10;

/// A place; given back when dropped.
#[derive(Debug)]
pub struct Seat(Arc<Cap>);

/// So many at once.
#[derive(Debug)]
pub(super) struct Cap {
    max: usize,
    /// Shared with the cap that this one took the place of.
    taken: Arc<AtomicUsize>,
}

impl Cap {
    pub(super) fn renewed(max: usize, before: Option<&Self>) -> Arc<Self> {
        let taken = before.map(|before| Arc::clone(&before.taken)).unwrap_or_default();
        Arc::new(Self { max, taken })
    }

    pub(super) fn max(&self) -> usize {
        self.max
    }

    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    pub(super) fn take(self: &Arc<Self>, reason: &'static str) -> Result<Seat, Fault> {
        self.take_for(Class::Payment, reason)
    }

    /// A place that is not kept for a more urgent class.
    pub(super) fn take_for(
        self: &Arc<Self>,
        class: Class,
        reason: &'static str,
    ) -> Result<Seat, Fault> {
        let max = self.max - self.max / KEPT_PART * class as usize;
        let below = |taken: usize| (taken < max).then(|| taken + 1);
        match self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, below) {
            Ok(_) => Ok(Seat(Arc::clone(self))),
            Err(_) => {
                Err(Fault::new(Code::GatewayOverloaded, Phase::Admit, reason).retry_after_s(1))
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}
