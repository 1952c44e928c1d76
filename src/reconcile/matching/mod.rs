//! Matching, pure: records and rows in, pairs and what is left over out.

pub mod compare;
pub mod covering;
pub mod fingerprint;
pub mod group;
pub mod nearest;
pub mod partition;
pub mod proposals;
pub mod record;
pub mod residual;
mod slip;
