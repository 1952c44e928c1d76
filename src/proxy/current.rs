//! The gateway as it is now: each call takes it once, at its head, and keeps it to its end.
//!
//! A change of configuration is a new [`Gateway`] beside the old one, swapped in one step: no call
//! sees half of it, and none waits for it.

use super::Gateway;
use arc_swap::ArcSwap;
use std::sync::Arc;

/// What runs now.
pub struct Current(ArcSwap<Gateway>);

impl Current {
    /// Begins with this one.
    #[must_use]
    pub fn new(gate: Arc<Gateway>) -> Self {
        Self(ArcSwap::new(gate))
    }

    /// What a call that begins now is carried by.
    #[must_use]
    pub fn gate(&self) -> Arc<Gateway> {
        self.0.load_full()
    }

    /// Carries the calls to come by this one.
    pub fn renew(&self, gate: Arc<Gateway>) {
        self.0.store(gate);
    }
}
