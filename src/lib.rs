//! Qaqpa, the inter-agency integration gateway: the map of the crate, in reading order.
//!
//! [`proxy::handle`] is the page to read first: a request's whole life, top to bottom.

pub mod proxy;

pub mod channel;
pub mod sign;

pub mod journal;
pub mod upstream;

pub mod config;
pub mod ops;

pub mod simulate;

pub mod command;
pub mod config {
    pub mod settings;
}
pub mod journal {
    pub mod entry;
}
pub mod ops {
    //! What operations see: health, metrics, the log.
    pub mod http;
    pub mod log;
    pub mod metrics;
}
pub mod proxy {
    //! The way of a call through the gateway.
    pub mod admit;
    pub mod listener;
    pub mod tls;
}
pub mod upstream;
