//! Matching, pure: records and rows in, pairs and what is left over out.

pub mod compare;
pub mod fingerprint;
pub mod group;
pub mod partition;
pub mod record;
pub mod residual;
