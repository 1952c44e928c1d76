//! Qaqpa, the inter-agency integration gateway: the map of the crate, in reading order.
//!
//! [`proxy::handle`] is the page to read first: a request's whole life, top to bottom.

pub mod proxy;

pub mod channel;
pub mod sign;

pub mod journal;
pub mod payments;
pub mod reconcile;
pub mod upstream;

pub mod config;
pub mod ops;

pub mod simulate;

pub mod durable;
pub mod trial;

pub mod command;
