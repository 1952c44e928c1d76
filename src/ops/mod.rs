//! What operations see: health, metrics, the log.

pub mod agencies;
pub mod clerk;
mod doors;
pub mod http;
pub mod journal;
pub mod lease;
pub mod log;
pub mod metrics;
pub mod payments;
pub mod reconcile;
pub mod reload;
pub mod revocation;
mod total;
